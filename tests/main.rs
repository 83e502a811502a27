//! The black-box tests: the built binary against strict models of the three servers, from outside.

mod cli;
mod configuration;
mod jira;
mod navixy;
mod output;
mod rocketchat;
mod secrets;
mod support;
mod tidy;
mod tls;
