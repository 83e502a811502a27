//! The map of avatarctl: its rooms in the order of the way that an account takes through them. A room uses those below
//! it and the leaves; no arrow leads up. This is the program itself as a library, so that its tests, benchmarks and fuzz
//! targets reach every part; it is no public interface, and any of it may change with any release.

/// From the arguments to the exit status: one account, many accounts, the checks of a server, and how one is opened.
pub mod run;

/// Outcomes in words: lines for people, JSON Lines, JUnit, an HTML page; the one room that prints.
pub mod report;

/// From the arguments to a checked command; help, completions and the manual page.
pub mod cli;

/// Reads what the accounts of a server show into a folder, as pictures and a manifest.
pub mod pull;

/// Observes, compares, writes, proves and remembers the jobs of one server.
pub mod apply;

/// From a manifest and its pictures to a plan: jobs that are checked, without a network.
pub mod plan;

/// What the rest may ask of a system, and one file or folder for each system.
pub mod system;

/// Requests, answers, and the one place that sends.
pub mod http;

/// Where values come from: environment variables, files with logins, addresses.
pub mod settings;

/// A picture to be sent: its bytes, and what its header says.
pub mod picture;

// The leaves, which use one another and no room.

/// Whether standard output was closed before the program began.
pub mod descriptors;

/// The one error type: class, message and hint.
pub mod error;

/// Files that are read within a bound, and files that appear whole or not at all.
pub mod file;

/// Numbers in what a person or a server wrote.
pub mod number;

/// Finds secrets in what servers say, and takes them out.
pub mod redact;

/// A secret: a type that cannot be printed by mistake.
pub mod secret;

/// Signals that end a run.
pub mod signals;

/// Foreign text made safe to show.
pub mod terminal;

/// Dates, times and spans of time in words.
pub mod time;

/// What stands in for an unwinder in the static binary.
#[cfg(no_unwinder)]
mod unwind;
