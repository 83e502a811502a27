//! The systems: a folder for each that holds whatever is about it alone, and what they have in common.

mod jira;
mod login;
mod navixy;
mod rocketchat;
mod whoami;
