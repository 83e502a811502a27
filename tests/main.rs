//! The black-box tests: the built binary against strict models of the four servers, from outside. A room of the
//! program has its file or folder here, and so has each system.
#![allow(unreachable_pub, unsafe_code)] // Nothing here is public; terminals and signals are set up by hand.

mod apply;
mod cli;
mod doctor;
mod dry_run;
mod environments;
mod http;
mod picture;
mod plan;
mod pull;
mod readme;
mod recipes;
mod redact;
mod report;
mod settings;
mod signals;
mod soak;
mod support;
mod system;
mod tidy;
