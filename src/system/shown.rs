//! What an account shows: the picture as a server gives it back, where it comes from, and what a manifest has to say so
//! that the account shows the same again.

use super::avatar::Avatar;
use crate::error::{Error, Result};
use crate::picture::received::Image;

/// Where the picture comes from that an account shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A picture that was uploaded for this account.
    Uploaded,
    /// One of the system's own.
    Default,
    /// What the server draws by itself: a letter, or nothing.
    Generated,
    /// A picture of another service: Gravatar, or a provider of logins.
    External,
}

impl Origin {
    /// As in the JSON lines.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Uploaded => "uploaded",
            Origin::Default => "default",
            Origin::Generated => "generated",
            Origin::External => "external",
        }
    }
}

/// The picture itself, or why there is none to be had.
pub enum Face {
    Read(Image),
    /// There is none to be read, and that is no failure: why, as the end of a sentence.
    Absent(String),
    /// There is one, and it could not be read. Of the class credentials if the server shows pictures to nobody who comes
    /// like this caller: it says so of each account, and one word about it is enough.
    Unreadable(Error),
}

impl From<Result<Image>> for Face {
    fn from(read: Result<Image>) -> Face {
        read.map_or_else(Face::Unreadable, Face::Read)
    }
}

/// How an account is given back what it shows.
pub enum Restore {
    /// By what the server has already: an id, or nothing at all.
    Avatar(Avatar),
    /// By the picture, which has to be sent again.
    Picture,
    /// It cannot be given back by this program, and needs not be: why, as the end of a sentence.
    Nothing(String),
}

/// What an account shows.
pub struct Shown {
    pub origin: Origin,
    pub face: Face,
    pub restore: Restore,
    /// What a person should know although nothing failed.
    pub warnings: Vec<String>,
}
