//! Files that are read within a bound, and files that appear whole or not at all.

pub mod input;
pub mod output;
pub mod relative;
pub mod spool;
