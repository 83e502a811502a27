//! What would change: compares an avatar that is wanted, what the server shows, and what was proven before. Pure: no
//! server is asked, no file is read.

use crate::apply::Look;
use crate::apply::state::Entry;
use crate::system::System;
use crate::system::avatar::Avatar;

/// How an account differs from what is wanted, and who changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// `=` The server shows what is wanted.
    Same,
    /// `~` The manifest or its picture changed.
    Wanted,
    /// `!` Somebody changed it on the server since it was proven.
    Drifted,
    /// `?` Nothing was ever proven, and the fingerprint alone does not say which avatar it is.
    Unknown,
}

impl Verdict {
    /// As `diff` prints it.
    pub fn sign(self) -> &'static str {
        match self {
            Verdict::Same => "=",
            Verdict::Wanted => "~",
            Verdict::Drifted => "!",
            Verdict::Unknown => "?",
        }
    }

    /// In JSON lines.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Wanted => "wanted",
            Verdict::Drifted => "drifted",
            Verdict::Unknown => "unknown",
        }
    }
}

/// How an avatar is written in a state. An address may carry a secret, so its hash stands for it.
pub fn desired_key(avatar: &Avatar) -> String {
    match avatar {
        Avatar::Preset(preset, id) => {
            format!("{}:{}", preset.key, id.as_deref().unwrap_or("null"))
        }
        Avatar::Picture(picture) => format!("sha256:{}", crate::picture::hex(&picture.digest)),
        Avatar::Address(address) => {
            let digest = crate::picture::sha256(address.as_bytes());
            format!("url:sha256:{}", crate::picture::hex(&digest))
        }
        Avatar::Generated => "reset".to_owned(),
    }
}

/// Compares what is wanted and what the server shows with what was proven. A preset is known by its fingerprint; a
/// picture only if that is the one the server gave it when it was proven.
pub fn compare(
    system: &System,
    avatar: &Avatar,
    shown: Option<&str>,
    remembered: Option<&Entry>,
) -> Verdict {
    let drifted = |entry: &Entry| match &entry.fingerprint {
        Look::NotTaken => false,
        Look::Saw(proven) => proven.as_deref() != shown,
    };
    match ((system.wears)(avatar, shown), remembered) {
        (Some(true), _) => Verdict::Same,
        (Some(false), Some(entry)) if drifted(entry) => Verdict::Drifted,
        (Some(false), _) => Verdict::Wanted,
        (None, None) => Verdict::Unknown,
        (None, Some(entry)) if drifted(entry) => Verdict::Drifted,
        // The account has no avatar, and the last write was not looked at: it may not have come through.
        (None, Some(entry)) if entry.fingerprint == Look::NotTaken && shown.is_none() => {
            Verdict::Unknown
        }
        (None, Some(entry)) if entry.set == desired_key(avatar) => Verdict::Same,
        (None, Some(_)) => Verdict::Wanted,
    }
}

/// What the state alone says, without a look at the server.
pub fn recall(avatar: &Avatar, remembered: Option<&Entry>) -> Verdict {
    match remembered {
        None => Verdict::Unknown,
        Some(entry) if entry.set == desired_key(avatar) => Verdict::Same,
        Some(_) => Verdict::Wanted,
    }
}

#[cfg(test)]
mod tests;
