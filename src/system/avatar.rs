//! What both sides of the seam speak of: whose avatar, which avatar, what an account wears and what a write promises.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::Value;

use super::session::{Server, Session};
use crate::error::Result;
use crate::http::curl::Step;
use crate::picture::Picture;
use crate::picture::header::Header;
use crate::settings::address::is_web_address;

/// A way to name an account.
#[derive(Debug, PartialEq, Eq)]
pub struct TargetKind {
    pub flag: &'static str,
    /// What a help calls its value, and says of it.
    pub value: &'static str,
    pub about: &'static str,
    /// In a manifest and in a state file.
    pub key: &'static str,
    /// Digits only, at least 1.
    pub number: bool,
    /// Upper and lower case name the same.
    pub any_case: bool,
    /// In a message: `user "robot"`.
    pub noun: &'static str,
}

impl TargetKind {
    /// The account that a text names.
    ///
    /// Errors: what is taken instead, as in `a number from 1 up`.
    pub fn read(&'static self, text: &str) -> std::result::Result<Target, String> {
        if self.number {
            number(text)?;
        } else if text.trim().is_empty() {
            return Err("a string that is not empty".to_owned());
        }
        Ok(Target::Named {
            kind: self,
            value: text.to_owned(),
        })
    }
}

/// Whose avatar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The account whose credentials are used.
    Caller,
    Named {
        kind: &'static TargetKind,
        value: String,
    },
}

impl Target {
    /// The value, where it was given with this flag.
    pub fn by(&self, flag: &str) -> Option<&str> {
        match self {
            Target::Named { kind, value } if kind.flag == flag => Some(value),
            _ => None,
        }
    }

    /// How it is named in a manifest and a state file: by what, and with what value.
    pub fn key(&self) -> &'static str {
        match self {
            Target::Caller => "self",
            Target::Named { kind, .. } => kind.key,
        }
    }

    pub fn value(&self) -> &str {
        self.name().unwrap_or("self")
    }

    /// What two targets share that are the same account however they are written.
    pub fn same(&self) -> (&'static str, String) {
        let value = match self {
            Target::Named { kind, value } if kind.any_case => value.to_lowercase(),
            _ => self.value().to_owned(),
        };
        (self.key(), value)
    }

    /// As it was given.
    pub fn name(&self) -> Option<&str> {
        match self {
            Target::Caller => None,
            Target::Named { value, .. } => Some(value),
        }
    }
}

/// How avatars of one kind are put on, `A` being what tells them apart: an id, a picture, an address, or nothing.
/// Both functions get what was seen before, or none if nobody looked.
pub struct Writer<A: ?Sized + 'static> {
    /// Sends it.
    pub write: Change<A, Proof>,
    /// The same writes in their order, unsent.
    pub dry_run: Change<A, Vec<Step>>,
}

/// A function of a session, an account, an avatar of one kind, and what was seen before.
pub type Change<A, T> = fn(&mut Session, &Target, &A, Option<&Seen>) -> Result<T>;

/// Avatars that a server has already, named by an id.
pub struct Preset {
    /// The option of `set`, and what a help calls its value and says of it.
    pub flag: &'static str,
    pub value: &'static str,
    pub about: &'static str,
    /// In a manifest and in a state file.
    pub key: &'static str,
    /// In a message: `avatar 24880`.
    pub noun: &'static str,
    /// What the word `null` does, which takes it off; none if there is no such word.
    pub null: Option<&'static str>,
    /// An id as it is sent, from what was typed.
    ///
    /// Errors: what is taken instead, as in `a number from 1 up`.
    pub read: fn(&str) -> std::result::Result<String, String>,
    /// No id takes it off.
    pub writer: Writer<Option<String>>,
}

impl PartialEq for Preset {
    fn eq(&self, other: &Preset) -> bool {
        self.flag == other.flag
    }
}

impl Eq for Preset {}

impl fmt::Debug for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}

/// The `read` of presets whose ids are numbers.
pub fn number(text: &str) -> std::result::Result<String, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(number) if digits && number >= 1 => Ok(number.to_string()),
        _ => Err("a number from 1 up".to_owned()),
    }
}

/// An avatar as a user names it; no file was opened yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Preset(&'static Preset, Option<String>),
    File(PathBuf),
    Stdin,
    Address(String),
    Generated,
}

impl Choice {
    /// A preset by what was typed, or the word that takes it off.
    ///
    /// Errors: what is taken instead, as in `a number from 1 up`.
    pub fn preset(preset: &'static Preset, text: &str) -> std::result::Result<Choice, String> {
        match preset.null {
            Some(_) if text == "null" => Ok(Choice::Preset(preset, None)),
            _ => Ok(Choice::Preset(preset, Some((preset.read)(text)?))),
        }
    }

    /// The address of a picture that the server downloads.
    ///
    /// Errors: what is taken instead. The address may hold a secret: it is not repeated.
    pub fn address(text: &str) -> std::result::Result<Choice, &'static str> {
        match is_web_address(text) {
            true => Ok(Choice::Address(text.to_owned())),
            false => Err("an http or https address"),
        }
    }
}

/// Which avatar.
#[derive(Clone)]
pub enum Avatar {
    /// No id takes the preset off.
    Preset(&'static Preset, Option<String>),
    Picture(Rc<Picture>),
    /// A picture that the server downloads.
    Address(String),
    /// None of its own: what the server draws by itself.
    Generated,
}

/// What an account wears.
pub struct Seen {
    /// The account as messages name it: the target as it was given, or the caller's name.
    pub account: String,
    /// The server's own id of it, where writes should use that or an account has several names.
    pub id: Option<String>,
    /// The server's own name of it, letter for letter, where its picture is asked for by that.
    pub name: Option<String>,
    pub fingerprint: Option<String>,
    /// What it could wear instead, where the server says so.
    pub offers: Vec<Offer>,
    /// More that `show` has in its JSON line, by key.
    pub details: Vec<(&'static str, Value)>,
}

/// An avatar that can be selected by its id.
#[derive(Debug, Clone)]
pub struct Offer {
    pub id: String,
    pub system: bool,
    pub selected: bool,
    /// The server's own name of whose it is, where it says so.
    pub owner: Option<String>,
    /// By size, `48x48`.
    pub urls: BTreeMap<String, String>,
}

impl Offer {
    /// Whose it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self.system {
            true => "system",
            false => "custom",
        }
    }
}

/// What a write promises; the read-back must keep it.
#[derive(Debug)]
pub enum Proof {
    /// The fingerprint means this avatar, by `wears`.
    Wears,
    /// The fingerprint is this one.
    Is(String),
    /// The fingerprint is there and another one than this.
    Other(Option<String>),
}

/// Who the caller is; none where the server does not tell.
pub struct Identity {
    pub name: Option<String>,
    pub server: Server,
    /// Whether it may change the avatars of others.
    pub may_change_others: Option<bool>,
}

/// A line of `list`.
pub struct Row {
    /// The JSON line's type: `avatar`, `suggestion`, `employee`.
    pub kind: &'static str,
    /// The columns of the table, with their JSON keys.
    pub cells: Vec<(&'static str, Value)>,
    /// In the JSON line only.
    pub more: Vec<(&'static str, Value)>,
}

/// A square inside a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// The picture as the server cuts it, in pixels.
    pub width: u32,
    pub height: u32,
    pub side: u32,
    pub x: u32,
    pub y: u32,
    /// Whether the server turns the picture as its EXIF orientation says before it cuts.
    pub upright: bool,
}

impl Crop {
    /// The largest centred square of the picture as a viewer shows it.
    pub fn centred(header: &Header) -> Crop {
        let (width, height) = header.shown_size();
        let side = width.min(height);
        Crop {
            width,
            height,
            side,
            x: (width - side) / 2,
            y: (height - side) / 2,
            upright: true,
        }
    }
}
