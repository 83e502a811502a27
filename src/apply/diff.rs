//! What would change: an avatar that is wanted, what the server shows, and what was proven before. Pure.

use crate::apply::state::Entry;
use crate::system::System;
use crate::system::avatar::Avatar;

/// What is to be done about an account, by who changed what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// `=` The server shows what is wanted.
    Same,
    /// `~` The manifest or its picture changed.
    Wanted,
    /// `!` Somebody changed it on the server since it was proven.
    Drifted,
    /// `?` Nothing was ever proven, and only a proof could tell.
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

/// Compares both sides with what was proven. Presets tell for themselves whether they are worn; a picture
/// only by the fingerprint that the server gave it.
pub fn compare(
    system: &System,
    avatar: &Avatar,
    shown: Option<&str>,
    proven: Option<&Entry>,
) -> Verdict {
    let drifted = |entry: &Entry| {
        let known = entry.fingerprint.as_ref();
        known.is_some_and(|known| known.as_deref() != shown)
    };
    match ((system.wears)(avatar, shown), proven) {
        (Some(true), _) => Verdict::Same,
        (Some(false), Some(entry)) if drifted(entry) => Verdict::Drifted,
        (Some(false), _) => Verdict::Wanted,
        (None, None) => Verdict::Unknown,
        (None, Some(entry)) if drifted(entry) => Verdict::Drifted,
        // A line that nobody has proven does not speak against an account that wears nothing.
        (None, Some(entry)) if entry.fingerprint.is_none() && shown.is_none() => Verdict::Unknown,
        (None, Some(entry)) if entry.set == desired_key(avatar) => Verdict::Same,
        (None, Some(_)) => Verdict::Wanted,
    }
}

/// Without a look at the server the state alone decides.
pub fn recall(avatar: &Avatar, proven: Option<&Entry>) -> Verdict {
    match proven {
        None => Verdict::Unknown,
        Some(entry) if entry.set == desired_key(avatar) => Verdict::Same,
        Some(_) => Verdict::Wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::find;

    fn entry(set: &str, fingerprint: Option<Option<&str>>) -> Option<Entry> {
        Some(Entry {
            set: set.into(),
            fingerprint: fingerprint.map(|inner| inner.map(str::to_owned)),
        })
    }

    #[test]
    fn presets_need_no_state() {
        let jira = find("jira").unwrap();
        let avatar = Avatar::Preset(jira.preset.unwrap(), Some("5".into()));
        for (shown, proven, verdict) in [
            (Some("5"), None, Verdict::Same),
            (
                Some("5"),
                entry("avatar_id:7", Some(Some("7"))),
                Verdict::Same,
            ),
            (Some("7"), None, Verdict::Wanted),
            (None, None, Verdict::Wanted),
            (
                Some("7"),
                entry("avatar_id:7", Some(Some("7"))),
                Verdict::Wanted,
            ),
            (
                Some("7"),
                entry("avatar_id:5", Some(Some("5"))),
                Verdict::Drifted,
            ),
            (Some("7"), entry("avatar_id:5", None), Verdict::Wanted),
        ] {
            assert_eq!(
                compare(jira, &avatar, shown, proven.as_ref()),
                verdict,
                "{shown:?} {proven:?}"
            );
        }
    }

    #[test]
    fn addresses_and_pictures_are_known_by_their_proof() {
        let chat = find("rocketchat").unwrap();
        let avatar = Avatar::Address("http://a.example/b.png?key=secret".into());
        let ours = desired_key(&avatar);
        assert!(!ours.contains("secret"));
        for (shown, proven, verdict) in [
            (Some("e1"), None, Verdict::Unknown),
            (None, None, Verdict::Unknown),
            (Some("e1"), entry(&ours, Some(Some("e1"))), Verdict::Same),
            (Some("e1"), entry(&ours, None), Verdict::Same),
            (None, entry(&ours, None), Verdict::Unknown),
            (Some("e2"), entry(&ours, Some(Some("e1"))), Verdict::Drifted),
            (None, entry(&ours, Some(Some("e1"))), Verdict::Drifted),
            (
                Some("e1"),
                entry("sha256:00", Some(Some("e1"))),
                Verdict::Wanted,
            ),
            (Some("e1"), entry("reset", Some(None)), Verdict::Drifted),
        ] {
            assert_eq!(
                compare(chat, &avatar, shown, proven.as_ref()),
                verdict,
                "{shown:?} {proven:?}"
            );
        }
    }
}
