//! The black-box tests: the built binary against strict models of the three servers, from outside.

mod jira;
mod navixy;
mod rocketchat;
mod support;
