//! `diff` and `apply`: what is compared, written, proven and remembered.

mod batch;
mod diff;
mod state;
