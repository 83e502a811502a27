//! The systems: a folder for each that holds whatever is about it alone, and what they have in common.

pub mod jira;
mod login;
mod matrix;
pub mod navixy;
mod pictures;
pub mod rocketchat;
mod whoami;
