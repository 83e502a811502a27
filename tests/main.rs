//! The black-box tests: the built binary against strict models of the three servers, from outside.

mod apply;
mod cli;
mod completions;
mod configuration;
mod contract;
mod files;
mod hostile;
mod jira;
mod logins;
mod manifest;
mod navixy;
mod netrc;
mod output;
mod page;
mod proxy;
mod recipes;
mod rehearsals;
mod retries;
mod rocketchat;
mod secrets;
mod state;
mod support;
mod tidy;
mod tls;
mod verbs;
