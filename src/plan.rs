//! What is to be done, checked: a job names an account and an avatar whose picture was read. Making one
//! cannot reach a server; this file does not know how.

use std::path::PathBuf;
use std::rc::Rc;

use crate::error::Result;
use crate::picture::Picture;
use crate::secret::Environment;
use crate::system::{Avatar, System, Target};
use crate::terminal::quote;

/// An avatar as a user names it, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// With the noun of its source.
    Preset(&'static str, String),
    NoPreset(&'static str),
    File(PathBuf),
    Stdin,
    Address(String),
}

/// One account's avatar, ready to be compared and sent.
pub struct Job {
    pub target: Target,
    pub avatar: Avatar,
    /// What is to be expected of the picture.
    pub warnings: Vec<String>,
}

impl Job {
    /// Reads the picture, where there is one.
    ///
    /// Errors: input or data, about the picture; configuration, when standard input is taken already.
    pub fn resolve(
        system: &System,
        target: Target,
        wish: Wish,
        environment: &Environment,
    ) -> Result<Job> {
        let picture = match wish {
            Wish::File(path) => Picture::open(&path)?,
            Wish::Stdin => {
                environment.take_stdin("the picture")?;
                Picture::from_stdin()?
            }
            Wish::Preset(noun, id) => return Ok(Job::new(target, Avatar::Preset(noun, id))),
            Wish::NoPreset(noun) => return Ok(Job::new(target, Avatar::NoPreset(noun))),
            Wish::Address(address) => return Ok(Job::new(target, Avatar::Address(address))),
        };
        let mut warnings = (system.picture)(&picture)?;
        warnings.extend(expectations(&picture));
        Ok(Job {
            target,
            avatar: Avatar::Picture(Rc::new(picture)),
            warnings,
        })
    }

    fn new(target: Target, avatar: Avatar) -> Job {
        Job {
            target,
            avatar,
            warnings: Vec::new(),
        }
    }
}

/// What no system keeps for sure.
fn expectations(picture: &Picture) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |what: &str| warnings.push(format!("{}: {what}", quote(&picture.name)));
    if picture.header.orientation != 1 {
        warn("turned by its EXIF orientation, which the server may ignore");
    }
    if picture.header.animated {
        warn("animated; a server may keep its first picture only");
    }
    if picture.length > 1 << 20 {
        warn("larger than 1 MiB, where proxies in front of servers stop by default");
    }
    warnings
}
