//! `diff` and `apply`: what is compared, written, proven and remembered.

pub mod batch;
mod diff;
pub mod state;
