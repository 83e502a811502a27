//! What is kept of every account of a batch for the files that are written at its end.

use crate::apply::Outcome;
use crate::system::System;
use crate::system::avatar::{Avatar, Target};

/// One account.
pub struct Record {
    pub system: &'static System,
    /// The server's name in the manifest.
    pub server: String,
    pub target: Target,
    /// As the server names it.
    pub account: String,
    pub avatar: Avatar,
    /// None if no server was asked, as in a check.
    pub outcome: Option<Outcome>,
    pub warnings: Vec<String>,
}
