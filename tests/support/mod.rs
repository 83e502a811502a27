//! What the tests stand on: a strict server, a small model of each system, real pictures, and a way to run the
//! program in an empty environment.
//!
//! The models imitate the servers, never the client: nothing in here may name a type of the program under test,
//! or a mistake in it would be made twice and cancel out. The sandbox uses the same modules as a program, so
//! nothing in here may need a test harness to work.
#![allow(dead_code, unused_imports)] // Every user of these modules, the sandbox among them, takes a part of them.

pub mod batch;
pub mod browser;
pub mod encoding;
pub mod jira;
pub mod matrix;
pub mod model;
pub mod navixy;
pub mod pictures;
pub mod printed;
pub mod rocketchat;
pub mod run;
pub mod server;
pub mod strace;
pub mod synapse;
pub mod systems;

pub use batch::World;
pub use jira::Jira;
pub use matrix::Matrix;
pub use model::{Before, Fault, Model, Running};
pub use navixy::Navixy;
pub use rocketchat::RocketChat;
pub use run::{Output, Process, Run, Scratch, program};
pub use server::{Part, Reply, Request, Server, wire};
