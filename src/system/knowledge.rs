//! What is known of a system's servers, and how one of them is held against it: data and a few plain functions of each
//! system, for `doctor`.

use super::avatar::{Avatar, Seen, Target};
use super::session::Session;
use super::shown::Shown;
use crate::error::Result;
use crate::http::Exchange;
use crate::number::digits;

/// What a system's servers are known to be.
pub struct Knowledge {
    /// Asks a server what it is, as a stranger who has no credentials.
    ///
    /// Errors: those of the call; protocol, if it is no server of this system.
    pub introduce: fn(&mut Session) -> Result<Introduction>,
    pub versions: Versions,
    pub pace: Pace,
    pub largest: Option<Largest>,
    /// What an exchange tells of a habit that not all servers have.
    pub habit: fn(&Exchange) -> Option<Habit>,
    /// Whether a target is the caller of this name.
    pub is_caller: fn(&str, &Target) -> bool,
    /// How a change is tried on an account that was seen and shows this.
    pub trial: fn(&Seen, &Shown) -> Trial,
}

/// How a change is tried.
pub struct Trial {
    pub test: Test,
    /// What cannot be given back exactly, or stays behind.
    pub note: Option<&'static str>,
}

/// What is put on an account and taken off again.
pub enum Test {
    /// A picture; or this, where the server takes none from the caller.
    Picture {
        instead: Option<Avatar>,
    },
    Avatar(Avatar),
}

/// The largest picture that a server takes, in bytes, where it tells.
pub type Largest = fn(&mut Session) -> Result<Option<u64>>;

/// What a server says it is.
pub struct Introduction {
    /// For people, without the system's title; empty if it says nothing.
    pub text: String,
    /// The version that is held against `Versions`.
    pub version: Option<String>,
}

/// The versions that are known, from the first to the last, both included with all that begins like them.
pub struct Versions {
    pub first: &'static str,
    /// None where it is not known that anything changes.
    pub last: Option<&'static str>,
    /// What is to be expected of an older server, and of a newer one.
    pub below: &'static str,
    pub above: &'static str,
}

/// Where a version lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    Below,
    Known,
    Above,
}

impl Versions {
    /// Where a version lies; none if it does not begin with a number.
    pub fn place(&self, version: &str) -> Option<Range> {
        let version = numbers(version);
        let first = numbers(self.first);
        if version.is_empty() {
            return None;
        }
        let above = self.last.is_some_and(|last| {
            let last = numbers(last);
            version.iter().take(last.len()).gt(last.iter())
        });
        Some(match version < first {
            true => Range::Below,
            false if above => Range::Above,
            false => Range::Known,
        })
    }
}

/// The leading numbers of a version: `v1.12-rc1` is 1 and 12.
fn numbers(version: &str) -> Vec<u32> {
    let parts = version.trim_start_matches('v').split('.');
    let leading = |part: &str| {
        let end = part.find(|c: char| !c.is_ascii_digit());
        digits(&part[..end.unwrap_or(part.len())])
    };
    parts.map_while(leading).collect()
}

/// How many requests one account takes, of an `apply` that uploads a picture.
pub struct Pace {
    pub requests: u32,
    /// As many of them as count towards one limit.
    pub limited: u32,
    /// How long an announced limit counts, in seconds, where the server does not tell.
    pub window: Option<u64>,
    /// A limit that is not announced: so many requests in so many seconds.
    pub documented: Option<(u64, u64)>,
}

/// How a server does what others do in another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habit {
    pub text: String,
    /// What to do, where it is in the way.
    pub hint: Option<&'static str>,
}

impl Habit {
    pub fn harmless(text: impl Into<String>) -> Habit {
        Habit {
            text: text.into(),
            hint: None,
        }
    }

    pub fn in_the_way(text: impl Into<String>, hint: &'static str) -> Habit {
        Habit {
            text: text.into(),
            hint: Some(hint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_lies_below_within_or_above() {
        let versions = Versions {
            first: "3.11",
            last: Some("8"),
            below: "",
            above: "",
        };
        for (version, range) in [
            ("3.11", Some(Range::Known)),
            ("3.11.4", Some(Range::Known)),
            ("v3.12", Some(Range::Known)),
            ("8.99.1-rc.2", Some(Range::Known)),
            ("3.2.1", Some(Range::Below)),
            ("3", Some(Range::Below)),
            ("9.0.0-develop", Some(Range::Above)),
            ("10", Some(Range::Above)),
            ("develop", None),
            ("", None),
        ] {
            assert_eq!(versions.place(version), range, "{version}");
        }
    }
}
