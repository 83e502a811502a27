//! Both sides of the seam: what the rest of the program may ask of a system, as data first and as a few plain
//! functions second. A fourth system is one more file and one more line in `ALL`.

mod jira;
mod navixy;
mod rocketchat;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Class, Error, Result};
use crate::http::curl::Step;
use crate::http::{Client, Request, Response};
use crate::number::digits;
use crate::picture::Picture;
use crate::picture::header::Header;
use crate::secret::{Environment, Secret};
use crate::settings::netrc::Netrc;
use crate::signals;
use crate::terminal::{MESSAGE, clean};

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
    /// The ways to log in.
    pub logins: &'static [Login],
    /// Of a manifest to start from.
    pub example: Example,
    /// What to do instead, for the verbs this system does not have.
    pub missing: &'static [(&'static str, &'static str)],
    /// When to look for the proof after a write: after each of these waits, until it is found.
    pub read_back: &'static [Duration],
    /// Refuses a picture that must not be sent, and says what is to be expected of the others.
    pub picture: fn(&Picture) -> Result<Vec<String>>,
    /// The square that will be shown of a picture.
    pub crop: fn(&Header) -> Crop,
    /// Turns credentials into a session; refuses a server of another kind.
    pub open: fn(Client, &Credentials) -> Result<Session>,
    /// What an account wears now.
    pub observe: fn(&mut Session, &Target) -> Result<Seen>,
    /// Whether a fingerprint means this avatar; `None` where only a state could tell.
    pub wears: fn(&Avatar, Option<&str>) -> Option<bool>,
    pub observe_many: Option<ObserveMany>,
    /// Sets one avatar. Without a look before, nothing is known of the account.
    pub write: fn(&mut Session, &Target, &Avatar, Option<&Seen>) -> Result<Proof>,
    pub restore: Option<Restore>,
    pub delete: Option<Delete>,
    /// The writes that change an avatar, in their order and unsent.
    pub dry_run: DryRun,
    /// Who the caller is, as far as the server tells.
    pub whoami: fn(&mut Session) -> Result<Identity>,
    /// What there is to choose from.
    pub list: fn(&mut Session, &Target) -> Result<Vec<Row>>,
    /// Whether `list` is about a target; otherwise about the whole server or the caller.
    pub list_takes_target: bool,
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

/// What many accounts wear, where that takes fewer calls than one look each. In the order of the targets; an
/// account that is missing is an error of its own.
pub type ObserveMany = fn(&mut Session, &[&Target]) -> Result<Vec<Result<Seen>>>;

/// Shows an uploaded avatar again that is still there under the fingerprint it was proven with; `None` where it
/// is not, and must be sent.
pub type Restore = fn(&mut Session, &Target, &Seen, &str) -> Result<Option<Proof>>;

/// The writes of a change, as they would follow from what was seen before.
pub type DryRun = fn(&mut Session, &Target, &Change, Option<&Seen>) -> Result<Vec<Step>>;

/// Deletes an avatar that was uploaded, by its fingerprint.
pub type Delete = fn(&mut Session, &Target, &str) -> Result<()>;

impl System {
    /// A fingerprint for people; it comes from a server, so it is cleaned.
    pub fn spoken(&self, fingerprint: &str) -> String {
        clean(&(self.format_fingerprint)(fingerprint), MESSAGE)
    }

    /// The same of an account that may wear nothing.
    pub fn worn(&self, fingerprint: Option<&str>) -> String {
        fingerprint.map_or("no avatar".to_owned(), |shown| self.spoken(shown))
    }
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What a manifest to start from says of a system.
pub struct Example {
    pub url: &'static str,
    /// Keys and values in JSON, without the server's; none needs a file.
    pub accounts: &'static [&'static str],
}

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

/// A way to say which avatar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An id that the server knows. With `none`, the word `null` takes the preset off.
    Preset {
        flag: &'static str,
        key: &'static str,
        noun: &'static str,
        none: bool,
        /// What a help says of it.
        about: &'static str,
    },
    /// A picture file.
    Picture,
    /// An address that the server downloads.
    Address,
    /// None of its own: what the server draws by itself.
    Generated,
}

impl Source {
    /// The option of `set`; going back to a generated avatar is a verb of its own.
    pub fn flag(self) -> Option<&'static str> {
        match self {
            Source::Preset { flag, .. } => Some(flag),
            Source::Picture => Some("--image"),
            Source::Address => Some("--avatar-url"),
            Source::Generated => None,
        }
    }

    /// In a manifest.
    pub fn key(self) -> &'static str {
        match self {
            Source::Preset { key, .. } => key,
            Source::Picture => "image",
            Source::Address => "avatar_url",
            Source::Generated => "reset",
        }
    }
}

/// An address that a server can be told to download: http or https, with a host.
pub fn is_web_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    // A password that was not encoded would stand where the port is.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "0"),
    };
    let named = !name.is_empty() && digits::<u16>(port).is_some();
    web && named && !text.chars().any(|c| c.is_control() || c == ' ')
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

    /// As it was given.
    pub fn name(&self) -> Option<&str> {
        match self {
            Target::Caller => None,
            Target::Named { value, .. } => Some(value),
        }
    }
}

/// An avatar as a user names it, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// With the noun of its source.
    Preset(&'static str, String),
    NoPreset(&'static str),
    File(PathBuf),
    Stdin,
    Address(String),
    Generated,
}

/// Which avatar.
#[derive(Clone)]
pub enum Avatar {
    /// With the noun of its source.
    Preset(&'static str, String),
    NoPreset(&'static str),
    Picture(Rc<Picture>),
    Address(String),
    Generated,
}

/// A change of one account's avatar.
pub enum Change<'a> {
    Wear(&'a Avatar),
    /// A custom avatar, by its id.
    Delete(&'a str),
}

/// A way to log in.
pub struct Login {
    /// Without prefix; all of them are needed. The last is the secret that tells which way is meant.
    pub variables: &'static [&'static str],
    /// Taken along where it is set.
    pub also: Option<&'static str>,
    /// Whether the login and password of a netrc stand for the first and the last variable.
    pub netrc: bool,
}

impl Login {
    const fn last(&self) -> &'static str {
        self.variables[self.variables.len() - 1]
    }

    fn others(&self) -> &'static [&'static str] {
        &self.variables[..self.variables.len() - 1]
    }
}

/// The credentials of one run.
pub struct Credentials {
    /// Of the variables' names.
    prefix: String,
    login: &'static Login,
    values: Vec<Secret>,
    also: Option<Secret>,
    /// How long ago the file of the last variable was written, where it came from one.
    pub age: Option<Duration>,
}

impl Credentials {
    /// Reads the one way that the environment gives, its variables beginning with `prefix`; a netrc file stands
    /// in for what no variable gives.
    ///
    /// Errors: configuration, when there is none, half of one, or two.
    pub fn read(
        system: &System,
        prefix: &str,
        environment: &Environment,
        netrc: &Netrc,
    ) -> Result<Credentials> {
        let variable = |name: &str| format!("{prefix}_{name}");
        let mut chosen: Option<(&'static Login, Secret)> = None;
        for login in system.logins {
            let decides = login.last();
            let Some(secret) = environment.secret(&variable(decides))? else {
                continue;
            };
            if let Some((other, _)) = &chosen {
                let other = variable(other.last());
                return Err(Error::new(
                    Class::Configuration,
                    format!("{other} and {} are both set", variable(decides)),
                )
                .hint("keep the one that is meant"));
            }
            chosen = Some((login, secret));
        }
        let by_host = system.logins.iter().find(|login| login.netrc);
        let mut by_netrc = false;
        if let (None, Some(login)) = (&chosen, by_host) {
            let user = environment.secret(&variable(login.variables[0]))?;
            let pair = netrc.pair(user.as_ref().map(Secret::expose), environment)?;
            chosen = pair.map(|(_, password)| (login, password));
            by_netrc = chosen.is_some();
        }
        let Some((login, secret)) = chosen else {
            let ways: Vec<String> = system
                .logins
                .iter()
                .map(|login| {
                    let names: Vec<String> =
                        login.variables.iter().map(|name| variable(name)).collect();
                    names.join(" and ")
                })
                .collect();
            let mut what = format!("no credentials for {}", system.title);
            for login in system.logins {
                for name in login.others().iter().map(|name| variable(name)) {
                    if environment.secret(&name)?.is_some() {
                        what = format!("{name} is set and {} is not", variable(login.last()));
                    }
                }
            }
            return Err(Error::new(Class::Configuration, what).hint(format!(
                "set {}{}",
                ways.join(", or "),
                netrc.remedy()
            )));
        };
        let mut values = Vec::new();
        for name in login.others() {
            let value = match environment.secret(&variable(name))? {
                None if login.netrc => netrc.pair(None, environment)?.and_then(|(user, _)| user),
                known => known,
            };
            let Some(value) = value else {
                let what = match by_netrc {
                    true => netrc.half(),
                    false => format!(
                        "{} is set and {} is not",
                        variable(login.last()),
                        variable(name)
                    ),
                };
                return Err(
                    Error::new(Class::Configuration, what).hint(format!("set {}", variable(name)))
                );
            };
            values.push(value);
        }
        values.push(secret);
        environment.guard_secret(&variable(login.last()));
        Ok(Credentials {
            prefix: prefix.to_owned(),
            also: match login.also {
                Some(name) => environment.secret(&variable(name))?,
                None => None,
            },
            age: environment.age(&variable(login.last())),
            login,
            values,
        })
    }

    /// How a shell names the value of one variable.
    pub fn shell(&self, name: &str) -> String {
        format!("${}_{name}", self.prefix)
    }

    /// What is taken along where it is set.
    pub fn also(&self) -> Option<&Secret> {
        self.also.as_ref()
    }

    /// The value of a variable of the set that goes into a header as it is.
    ///
    /// Errors: configuration, when no header can carry it.
    pub fn header(&self, name: &str) -> Result<&Secret> {
        let value = self.get(name).expect("a set of credentials is complete");
        match value.expose().is_ascii() {
            true => Ok(value),
            false => Err(self.unusable(name, "contains a character that no header can carry")),
        }
    }

    /// The value of a variable that cannot be meant.
    pub fn unusable(&self, name: &str, why: &str) -> Error {
        Error::new(
            Class::Configuration,
            format!("{}_{name} {why}", self.prefix),
        )
    }

    /// The value of one variable of the set.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        let at = self
            .login
            .variables
            .iter()
            .position(|known| *known == name)?;
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
    /// What the server said it is, where opening it told.
    pub server: Server,
    /// Ends the login that opened this session; none where the credentials were given.
    pub logout: Option<fn(&mut Session) -> Result<()>>,
    /// How many avatars were set so far.
    pub writes: usize,
    /// Whether what was set is looked at afterwards.
    pub verify: bool,
    /// Whether pictures may be asked for: where one was waited for in vain, the next ones would be, too.
    pub pictures_answer: bool,
    /// What a person should know although nothing failed; whoever reports an outcome takes them.
    pub warnings: Vec<String>,
}

impl Session {
    pub fn new(client: Client) -> Session {
        Session {
            client,
            token: false,
            caller: None,
            server: Server::default(),
            logout: None,
            writes: 0,
            verify: true,
            pictures_answer: true,
            warnings: Vec::new(),
        }
    }

    /// Logs out where this session logged in: a login that is left open stays open for weeks.
    pub fn end(&mut self) -> Result<()> {
        match self.logout.take() {
            Some(logout) => {
                signals::leaving(true);
                let left = logout(self);
                signals::leaving(false);
                left
            }
            None => Ok(()),
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

/// A failure to understand an answer, said better where another system than this one answers so: the base URL
/// leads there.
pub fn foreign(system: &System, request: &Request, response: &Response, error: Error) -> Error {
    let lost = matches!(error.class, Class::Protocol | Class::Target);
    if !lost || (system.recognizes)(response) {
        return error;
    }
    match ALL.iter().find(|other| (other.recognizes)(response)) {
        None => error,
        Some(other) => {
            let what = format!("answered {} in the way of {}", response.status, other.title);
            let error = request.failed(Class::Protocol, what);
            error.status(response.status).hint(format!(
                "check the base URL; if it is right, say {} where {} stands",
                other.name, system.name
            ))
        }
    }
}

/// Whether a header can carry what a login gave; nobody could even log out without.
fn is_sendable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What a server says it is.
#[derive(Default, Clone)]
pub struct Server {
    pub version: Option<String>,
    pub deployment: Option<String>,
}

/// Who the caller is; none where the server does not tell.
pub struct Identity {
    pub name: Option<String>,
    pub server: Server,
    /// Whether it may change the avatars of others.
    pub may_change_others: Option<bool>,
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
    /// The fingerprint is there and another one than this.
    Other(Option<String>),
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
                .chain(system.sources.iter().filter_map(|source| source.flag()))
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
            let by_host = system.logins.iter().filter(|login| login.netrc);
            assert_eq!(by_host.count(), 1, "{}", system.name);
        }
    }

    #[test]
    fn a_read_back_has_at_least_one_look() {
        for system in ALL {
            assert!(!system.read_back.is_empty(), "{}", system.name);
        }
    }
}
