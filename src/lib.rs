//! The rooms of avatarctl, in the order of the way that an account takes through them. This is the program itself as
//! a library, so that its tests, benchmarks and fuzz targets reach every part; it is no public interface, and any of
//! it may change with any release.

/// Observes, compares, writes, proves and remembers the jobs of one server.
pub mod apply;
/// From the arguments to a checked command; help, completions and the manual page.
pub mod cli;
/// Requests, answers, and the one place that sends.
pub mod http;
/// A picture to be sent.
pub mod picture;
/// From a manifest and its pictures to a plan: jobs that are checked, without a network.
pub mod plan;
/// Outcomes in words, for people and for programs.
pub mod report;
/// From the command to the exit status: one account, many accounts, and what both share.
pub mod run;
/// Where values come from: variables, files, addresses.
pub mod settings;
/// What the rest may ask of a system, and one room for each system.
pub mod system;

pub mod descriptors;
pub mod error;
pub mod file;
pub mod number;
pub mod redact;
pub mod secret;
pub mod signals;
pub mod terminal;
pub mod time;
#[cfg(no_unwinder)]
mod unwind;
