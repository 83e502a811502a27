//! Both sides of the seam: what the rest of the program may ask of a system, as data first and as a few plain
//! functions second. A fourth system is one more file and one more line in `ALL`.

mod jira;
mod navixy;
mod rocketchat;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Class, Error, Result};
use crate::http::{Client, Request, Response};
use crate::picture::Picture;
use crate::secret::{Environment, Secret};

/// Every system, in the order of help texts.
pub static ALL: [&System; 3] = [&jira::SYSTEM, &rocketchat::SYSTEM, &navixy::SYSTEM];

/// The system of that name.
pub fn find(name: &str) -> Option<&'static System> {
    ALL.into_iter().find(|system| system.name == name)
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
    /// Whether no target means the caller itself.
    pub caller: bool,
    /// What an avatar can be taken from.
    pub sources: &'static [Source],
    /// The sets of variables that log in, without prefix. The last of a set is the secret that tells which
    /// set is meant.
    pub credentials: &'static [&'static [&'static str]],
    /// What to do instead, for the verbs this system does not have.
    pub missing: &'static [(&'static str, &'static str)],
    /// When to look for the proof after a write: after each of these waits, until it is found.
    pub settle: &'static [Duration],
    /// Refuses a picture that must not be sent, and says what is to be expected of the others.
    pub picture: fn(&Picture) -> Result<Vec<String>>,
    /// Turns credentials into a session; refuses a server of another kind.
    pub open: fn(Client, &Credentials) -> Result<Session>,
    /// What an account wears now.
    pub observe: fn(&mut Session, &Target) -> Result<Seen>,
    /// Whether a fingerprint means this avatar; `None` where only a state could tell.
    pub wears: fn(&Avatar, Option<&str>) -> Option<bool>,
    /// Sets one avatar.
    pub write: fn(&mut Session, &Target, &Avatar, &Seen) -> Result<Proof>,
    /// What there is to choose from.
    pub list: fn(&mut Session, &Target) -> Result<Vec<Row>>,
    /// Whether `list` is about a target; otherwise about the whole server or the caller.
    pub list_takes_target: bool,
    /// A fingerprint in an outcome's line, a word and a value, cut short where it is long: `avatar 24880`.
    pub speak: fn(&str) -> String,
    /// What `show` says.
    pub describe: fn(&Seen) -> String,
}

/// A way to name an account.
#[derive(Debug, PartialEq, Eq)]
pub struct TargetKind {
    pub flag: &'static str,
    /// Digits only, at least 1.
    pub number: bool,
    /// In a message: `user "robot"`.
    pub noun: &'static str,
}

/// A way to say which avatar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An id that the server knows. With `none`, the word `null` takes the preset off.
    Preset {
        flag: &'static str,
        noun: &'static str,
        none: bool,
    },
    /// A picture file.
    Picture,
    /// An address that the server downloads.
    Address,
}

impl Source {
    pub fn flag(self) -> &'static str {
        match self {
            Source::Preset { flag, .. } => flag,
            Source::Picture => "--image",
            Source::Address => "--avatar-url",
        }
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

    /// As it was given.
    pub fn name(&self) -> Option<&str> {
        match self {
            Target::Caller => None,
            Target::Named { value, .. } => Some(value),
        }
    }
}

/// Which avatar.
#[derive(Clone)]
pub enum Avatar {
    /// With the noun of its source.
    Preset(&'static str, String),
    NoPreset(&'static str),
    Picture(Rc<Picture>),
    Address(String),
}

/// The credentials of one run.
pub struct Credentials {
    /// One of the system's sets.
    set: &'static [&'static str],
    values: Vec<Secret>,
}

impl Credentials {
    /// Reads the one set that the environment gives, its variables beginning with `prefix`.
    ///
    /// Errors: configuration, when there is none, half of one, or two.
    pub fn read(system: &System, prefix: &str, environment: &Environment) -> Result<Credentials> {
        let variable = |name: &str| format!("{prefix}_{name}");
        let mut chosen: Option<(&'static [&'static str], Secret)> = None;
        for set in system.credentials {
            let (decides, _) = set
                .split_last()
                .expect("a set of credentials names variables");
            let Some(secret) = environment.secret(&variable(decides))? else {
                continue;
            };
            if let Some((other, _)) = &chosen {
                let other = other.last().expect("a set of credentials names variables");
                return Err(Error::new(
                    Class::Configuration,
                    format!("{} and {} are both set", variable(other), variable(decides)),
                )
                .hint("keep the one that is meant"));
            }
            chosen = Some((set, secret));
        }
        let Some((set, secret)) = chosen else {
            let ways: Vec<String> = system
                .credentials
                .iter()
                .map(|set| {
                    set.iter()
                        .map(|name| variable(name))
                        .collect::<Vec<_>>()
                        .join(" and ")
                })
                .collect();
            return Err(Error::new(
                Class::Configuration,
                format!("no credentials for {}", system.title),
            )
            .hint(format!("set {}", ways.join(", or "))));
        };
        let mut values = Vec::new();
        for name in &set[..set.len() - 1] {
            match environment.secret(&variable(name))? {
                Some(value) => values.push(value),
                None => {
                    let decides = variable(set.last().unwrap_or(&""));
                    return Err(Error::new(
                        Class::Configuration,
                        format!("{decides} is set and {} is not", variable(name)),
                    )
                    .hint(format!("set {}", variable(name))));
                }
            }
        }
        values.push(secret);
        Ok(Credentials { set, values })
    }

    /// The value of one variable of the set.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        let at = self.set.iter().position(|known| *known == name)?;
        self.values.get(at)
    }
}

/// An open way into one server.
pub struct Session {
    pub client: Client,
    /// Whether the credentials are a token, which some servers treat differently from a password.
    pub token: bool,
    /// The caller's own name, once it was asked for.
    pub caller: Option<String>,
    /// How many avatars were set so far.
    pub writes: usize,
    /// What a person should know although nothing failed; whoever reports an outcome takes them.
    pub warnings: Vec<String>,
}

impl Session {
    pub fn new(client: Client) -> Session {
        Session {
            client,
            token: false,
            caller: None,
            writes: 0,
            warnings: Vec::new(),
        }
    }

    /// A failure of `request` that an answer tells of, with the server's own words where it has some.
    pub fn refused(
        &self,
        request: &Request,
        response: &Response,
        class: Class,
        what: &str,
        said: Option<String>,
    ) -> Error {
        let said = said
            .map(|text| self.client.said(&text))
            .filter(|text| !text.is_empty())
            .map_or(String::new(), |text| format!(": {text}"));
        request
            .failed(class, format!("{what}{said}{}", response.note()))
            .status(response.status)
    }

    /// An answer that this system does not give.
    pub fn strange(&self, request: &Request, response: &Response, what: &str) -> Error {
        request
            .failed(
                Class::Protocol,
                format!(
                    "answered {} with {what}{}",
                    response.status,
                    response.note()
                ),
            )
            .status(response.status)
    }
}

/// What an account wears.
pub struct Seen {
    /// The account as messages name it: the target as it was given, or the caller's name.
    pub account: String,
    /// The server's own id of it, where writes should use that.
    pub id: Option<String>,
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
    /// By size, `48x48`.
    pub urls: BTreeMap<String, String>,
}

/// What a write promises; the read-back must keep it.
#[derive(Debug)]
pub enum Proof {
    /// The fingerprint means this avatar, by `wears`.
    Wears,
    /// The fingerprint is this one.
    Is(String),
    /// The fingerprint is there and another one than before.
    Changed,
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
                .chain(system.sources.iter().map(|source| source.flag()))
                .collect();
            let unique: BTreeSet<_> = flags.iter().collect();
            assert_eq!(unique.len(), flags.len(), "{}", system.name);
        }
    }

    #[test]
    fn a_set_of_credentials_is_told_by_its_last_variable() {
        for system in ALL {
            let last: BTreeSet<_> = system
                .credentials
                .iter()
                .map(|set| set.last().expect("no empty set"))
                .collect();
            assert_eq!(last.len(), system.credentials.len(), "{}", system.name);
        }
    }

    #[test]
    fn a_read_back_has_at_least_one_look() {
        for system in ALL {
            assert!(!system.settle.is_empty(), "{}", system.name);
        }
    }
}
