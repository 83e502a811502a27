//! `diff` and `apply`: what is compared, written, proven and remembered.

mod batch;
mod diff;
pub mod state;
