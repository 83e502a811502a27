//! Outcomes for people, logs and programs: lines while a run goes on, files at its end. Results go to standard output,
//! everything else to standard error. Nothing is decided here about an account.

pub mod check;
mod console;
mod escape;
pub mod har;
mod jsonline;
pub mod junit;
pub mod page;
mod progress;
pub mod record;
mod streams;
mod totals;
mod words;

pub use console::{Report, Style, Subject};
pub use streams::{Colors, complain, print, print_bytes, show_event, show_trace, status};

/// The exit status of a diff that found something to do.
const PENDING: u8 = 2;
