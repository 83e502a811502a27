//! The seam: what the rest of the program may ask of a system, as data first and as a few plain functions second. A
//! further system is one more file, its help beside it, and two more lines here.

pub mod avatar;
pub mod knowledge;
pub mod session;
pub mod shown;

mod jira;
mod matrix;
mod navixy;
mod rocketchat;

use std::rc::Rc;
use std::time::Duration;

use crate::error::Result;
use crate::http::curl::Step;
use crate::http::{Client, Request, Response};
use crate::picture::Picture;
use crate::picture::header::Header;
use crate::picture::received::Image;
use crate::settings::credentials::{Credentials, Login};
use crate::terminal::{MESSAGE, clean};
use avatar::{Avatar, Crop, Identity, Preset, Proof, Row, Seen, Target, TargetKind, Writer};
use knowledge::Knowledge;
use session::{Reading, Session};
use shown::Shown;

/// Every system, in the order of help texts.
pub static ALL: [&System; 4] = [
    &jira::SYSTEM,
    &rocketchat::SYSTEM,
    &navixy::SYSTEM,
    &matrix::SYSTEM,
];

/// The system of that name.
pub fn find(name: &str) -> Option<&'static System> {
    ALL.into_iter().find(|system| system.name == name)
}

/// What not every system has: how it is done, or what to do instead.
pub enum Support<T> {
    Has(T),
    Instead(&'static str),
}

impl<T> Support<T> {
    /// What to do instead, where it is not offered.
    pub fn instead(&self) -> Option<&'static str> {
        match self {
            Support::Has(_) => None,
            Support::Instead(what) => Some(what),
        }
    }

    pub fn how(&self) -> Option<&T> {
        match self {
            Support::Has(how) => Some(how),
            Support::Instead(_) => None,
        }
    }
}

/// One system as a plain value.
pub struct System {
    /// As typed: `jira`.
    pub name: &'static str,
    /// As read: `Jira`.
    pub title: &'static str,
    /// Of its variables: `JIRA` for `JIRA_URL`.
    pub prefix: &'static str,
    /// What can wear an avatar there; any one of them names it.
    pub targets: &'static [TargetKind],
    /// The ways to log in.
    pub logins: &'static [Login],
    /// Of a manifest to start from.
    pub example: Example,
    /// What to do where there is no such system at the base address.
    pub address: &'static str,
    /// What a caller needs who may not change an avatar.
    pub permission: &'static str,

    /// Avatars that the server has already.
    pub preset: Option<&'static Preset>,
    /// Pictures that are uploaded.
    pub picture: Writer<Rc<Picture>>,
    /// Refuses a picture that must not be sent, and says what is to be expected of the others.
    pub check: fn(&Picture) -> Result<Vec<String>>,
    /// The square that will be shown of a picture.
    pub crop: fn(&Header) -> Crop,
    /// Addresses of pictures that the server downloads.
    pub download: Option<Writer<str>>,
    /// Going back to what the server draws by itself.
    pub reset: Support<Writer<()>>,
    /// Deleting an avatar that was uploaded.
    pub delete: Support<Delete>,
    pub restore: Option<Restore>,

    /// Turns credentials into a session; refuses a server of another kind.
    pub open: fn(Client, &Credentials) -> Result<Session>,
    /// What an answer says in this system's own way.
    pub read: fn(&Session, &Request, &Response) -> Reading,
    /// The server's own words in a refusal.
    pub reason: fn(&Response) -> Option<String>,
    /// What an account wears now.
    pub observe: fn(&mut Session, &Target) -> Result<Seen>,
    pub observe_many: Option<ObserveMany>,
    /// Every account, where that is what no name means; elsewhere no name means the caller, which can be a target.
    pub everybody: Option<Everybody>,
    /// What an account that was seen shows: the picture itself, where it comes from, and how it is given back. A picture
    /// that cannot be read is no error here.
    pub shown: fn(&mut Session, &Target, &Seen) -> Result<Shown>,
    /// The picture of an avatar that can be chosen by its id, of those that an account was seen with.
    pub preset_picture: Support<PresetPicture>,
    /// When to look for the proof after a write: after each of these waits, until it is found.
    pub read_back: &'static [Duration],
    /// Whether a fingerprint means this avatar; none where only a state could tell.
    pub wears: fn(&Avatar, Option<&str>) -> Option<bool>,
    /// Who the caller is, as far as the server tells.
    pub whoami: fn(&mut Session) -> Result<Identity>,
    /// What there is to choose from.
    pub list: List,

    /// What `doctor` holds a server against.
    pub knowledge: Knowledge,
    /// Whether a write that the server refuses may cost the account the avatar it has.
    pub loses_on_refusal: bool,
    /// Whether an answer could come from no other system; for those whose base URL leads to this one by mistake.
    pub recognizes: fn(&Response) -> bool,
    /// A fingerprint in an outcome's line, a word and a value, cut short where it is long: `avatar 24880`.
    pub format_fingerprint: fn(&str) -> String,
    /// What `show` says.
    pub describe: fn(&Seen) -> String,
    /// What `--help` says.
    pub help: &'static str,
}

/// What a manifest to start from says of a system.
pub struct Example {
    pub url: &'static str,
    /// Keys and values in JSON, without the server's; none needs a file.
    pub accounts: &'static [&'static str],
}

/// What many accounts wear, where that takes fewer calls than one look each; none if this caller has no such call.
/// In the order of the targets; an account that is missing is an error of its own.
pub type ObserveMany = fn(&mut Session, &[&Target]) -> Result<Option<Vec<Result<Seen>>>>;

/// Every account of a server, with what it wears.
pub type Everybody = fn(&mut Session) -> Result<Vec<(Target, Seen)>>;
/// The picture of an avatar by its id.
pub type PresetPicture = fn(&mut Session, &Seen, &str) -> Result<Image>;

/// Shows an uploaded avatar again that is still there under the fingerprint it was proven with; none where it is not,
/// and must be sent.
pub type Restore = fn(&mut Session, &Target, &Seen, &str) -> Result<Option<Proof>>;

/// Deletes an avatar by its fingerprint.
pub struct Delete {
    pub send: fn(&mut Session, &Target, &str) -> Result<()>,
    /// The same call, unsent.
    pub dry_run: fn(&mut Session, &Target, &str) -> Result<Vec<Step>>,
}

/// What `list` is about.
pub enum List {
    /// The avatars that one account can be given by their ids: those it was seen with.
    Offers(fn(&Seen) -> Vec<Row>),
    /// The caller, or the whole server.
    Server(fn(&mut Session) -> Result<Vec<Row>>),
}

/// A plan is made of what its system takes, by the readers of arguments and manifests.
const PLANNED: &str = "a plan takes only what its system offers";

impl System {
    /// Whether the caller itself can wear an avatar; then it is meant where nobody is named.
    pub fn has_caller(&self) -> bool {
        self.everybody.is_none()
    }

    /// Sets one avatar. Without a look before, nothing is known of the account.
    ///
    /// Errors: those of the calls it takes, and what the system refuses to send.
    pub fn write(
        &self,
        session: &mut Session,
        target: &Target,
        avatar: &Avatar,
        seen: Option<&Seen>,
    ) -> Result<Proof> {
        match avatar {
            Avatar::Preset(preset, id) => (preset.writer.write)(session, target, id, seen),
            Avatar::Picture(picture) => (self.picture.write)(session, target, picture, seen),
            Avatar::Address(url) => (self.downloads().write)(session, target, url, seen),
            Avatar::Generated => (self.resets().write)(session, target, &(), seen),
        }
    }

    /// The same writes in their order, unsent.
    pub fn dry_run(
        &self,
        session: &mut Session,
        target: &Target,
        avatar: &Avatar,
        seen: Option<&Seen>,
    ) -> Result<Vec<Step>> {
        match avatar {
            Avatar::Preset(preset, id) => (preset.writer.dry_run)(session, target, id, seen),
            Avatar::Picture(picture) => (self.picture.dry_run)(session, target, picture, seen),
            Avatar::Address(url) => (self.downloads().dry_run)(session, target, url, seen),
            Avatar::Generated => (self.resets().dry_run)(session, target, &(), seen),
        }
    }

    fn downloads(&self) -> &Writer<str> {
        self.download.as_ref().expect(PLANNED)
    }

    fn resets(&self) -> &Writer<()> {
        self.reset.how().expect(PLANNED)
    }

    /// A fingerprint for people; it comes from a server, so it is cleaned.
    pub fn fingerprint_text(&self, fingerprint: &str) -> String {
        clean(&(self.format_fingerprint)(fingerprint), MESSAGE)
    }

    /// The same of an account that may wear nothing.
    pub fn avatar_text(&self, fingerprint: Option<&str>) -> String {
        fingerprint.map_or("no avatar".to_owned(), |shown| self.fingerprint_text(shown))
    }
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_prefixes_are_unique() {
        let names: BTreeSet<_> = ALL.iter().map(|system| system.name).collect();
        let prefixes: BTreeSet<_> = ALL.iter().map(|system| system.prefix).collect();
        assert_eq!((names.len(), prefixes.len()), (ALL.len(), ALL.len()));
    }

    #[test]
    fn flags_are_unique_within_a_system() {
        for system in ALL {
            let targets = system.targets.iter().map(|kind| kind.flag);
            let flags: Vec<_> = targets
                .chain(system.preset.map(|preset| preset.flag))
                .collect();
            let unique: BTreeSet<_> = flags.iter().collect();
            assert_eq!(unique.len(), flags.len(), "{}", system.name);
        }
    }

    #[test]
    fn a_login_is_told_by_its_last_variable() {
        for system in ALL {
            let last: BTreeSet<_> = system.logins.iter().map(Login::last).collect();
            assert_eq!(last.len(), system.logins.len(), "{}", system.name);
            let mut by_host = system.logins.iter().filter_map(|login| login.netrc);
            assert!(by_host.any(|fits| fits("any")), "{}", system.name);
        }
    }

    #[test]
    fn a_read_back_has_at_least_one_look() {
        for system in ALL {
            assert!(!system.read_back.is_empty(), "{}", system.name);
        }
    }
}
