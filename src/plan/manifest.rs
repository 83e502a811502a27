//! The file that declares many accounts: from JSON to checked values, with every error and its place. Nothing
//! in here opens a picture or reaches a server.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Class, Error};
use crate::number::digits;
use crate::plan::json;
use crate::settings::address::Address;
use crate::settings::proxy::Proxy;
use crate::system::avatar::{Choice, Target};
use crate::system::{self, Example, System};
use crate::terminal::quote;

/// Room for some hundred thousand accounts, in bytes; the manifest is held in memory.
pub const LONGEST: u64 = 64 << 20;

/// Servers and the accounts on them, in the order of the file.
#[derive(Default)]
pub struct Manifest {
    pub servers: Vec<Server>,
    pub accounts: Vec<Entry>,
    /// Pictures of accounts in which something else is wrong.
    pub stray: Vec<Stray>,
}

/// A picture of an account with an error: it is checked, too, and belongs to no job.
pub struct Stray {
    /// None if the server's entry names no system: then the picture is held against no system's rules.
    pub system: Option<&'static System>,
    pub file: PathBuf,
    /// The account's.
    pub place: Place,
}

/// How one server is reached.
#[derive(Debug)]
pub struct Server {
    pub name: String,
    pub system: &'static System,
    pub base: Address,
    /// How the names of its credentials' variables begin.
    pub prefix: String,
    pub ca_file: Option<PathBuf>,
    pub client: Option<(PathBuf, PathBuf)>,
    pub proxy: Option<String>,
}

impl Server {
    /// The server of a command about one system, which no manifest declares.
    pub fn of_system(system: &'static System, base: Address) -> Server {
        Server {
            name: system.name.to_owned(),
            system,
            base,
            prefix: system.prefix.to_owned(),
            ca_file: None,
            client: None,
            proxy: None,
        }
    }
}

/// One account and its avatar.
#[derive(Debug)]
pub struct Entry {
    /// Index into the servers.
    pub server: usize,
    pub target: Target,
    pub choice: Choice,
    pub place: Place,
}

/// A place in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `accounts[3].image`
    pub path: String,
    /// From 1.
    pub line: usize,
}

/// Something wrong, and where.
#[derive(Debug)]
pub struct Problem {
    pub place: Place,
    pub error: Error,
}

/// A JSON object: its keys in order, repeated ones included, and its values as they are in the text.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// The text of a manifest; `what` names it in a message.
///
/// Errors: data.
pub fn text(bytes: Vec<u8>, what: &str) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|error| {
        let wide = [[0xff, 0xfe], [0xfe, 0xff]];
        match wide.iter().any(|mark| error.as_bytes().starts_with(mark)) {
            true => Error::new(Class::Data, format!("{what} is UTF-16")).hint("save it as UTF-8"),
            false => Error::new(Class::Data, format!("{what} is not valid UTF-8")),
        }
    })
}

/// A manifest to start from: every system, with accounts that need no file.
pub fn example() -> String {
    let (mut servers, mut accounts) = (Vec::new(), Vec::new());
    for system in system::ALL {
        let (name, Example { url, accounts: own }) = (system.name, &system.example);
        servers.push(format!(
            "    \"{name}\": {{\"system\": \"{name}\", \"url\": \"{url}\"}}"
        ));
        for account in *own {
            accounts.push(format!("    {{\"server\": \"{name}\", {account}}}"));
        }
    }
    format!(
        "{{\n  \"servers\": {{\n{}\n  }},\n  \"accounts\": [\n{}\n  ]\n}}\n",
        servers.join(",\n"),
        accounts.join(",\n")
    )
}

/// Reads a manifest; relative paths in it are relative to `folder`. All its errors are returned with it, in the
/// order of the file; if there are any it holds what could be read, so that more can be looked for.
pub fn read(text: &str, folder: &Path) -> (Manifest, Vec<Problem>) {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    let mut reader = Reader {
        text,
        ends: ends.map(|(at, _)| at).collect(),
        folder,
        problems: Vec::new(),
    };
    let manifest = reader.manifest();
    sort(&mut reader.problems);
    (manifest, reader.problems)
}

/// In the order in which somebody reads the manifest.
pub fn sort(problems: &mut [Problem]) {
    problems.sort_by_key(|problem| problem.place.line);
}

/// What an entry among the servers says of the accounts on it, as far as it can be read.
struct Declared {
    name: String,
    system: Option<&'static System>,
    base: Option<Address>,
    prefix: String,
    /// Index into the manifest's servers, if the system is known.
    at: usize,
}

struct Reader<'a> {
    text: &'a str,
    /// The offsets of its line ends.
    ends: Vec<usize>,
    folder: &'a Path,
    problems: Vec<Problem>,
}

/// An object's keys and values.
type Keys<'a> = [(String, &'a RawValue)];

/// The keys of a server.
const SERVER: [&str; 7] = [
    "system",
    "url",
    "credentials",
    "ca_file",
    "client_cert",
    "client_key",
    "proxy",
];

/// The key of an account that is the caller's own.
const CALLER: &str = "self";

/// Keys that would hold a secret.
const SECRETS: [&str; 8] = [
    "password",
    "token",
    "hash",
    "auth_token",
    "api_key",
    "secret",
    "login",
    "user_password",
];

impl<'a> Reader<'a> {
    fn manifest(&mut self) -> Manifest {
        let mut manifest = Manifest::default();
        let text = self.text.trim_start_matches('\u{feff}');
        let whole: &RawValue = match serde_json::from_str(text) {
            Ok(whole) => whole,
            Err(error) => {
                self.problems.push(not_json(text, &error));
                return manifest;
            }
        };
        let Some(keys) = self.object(whole, "the manifest") else {
            return manifest;
        };
        self.known(&keys, "", &["servers", "accounts"]);
        let declared = match get(&keys, "servers") {
            Some(servers) => self.servers(servers, &mut manifest),
            None => {
                self.wrong(whole, "servers", "is missing");
                Vec::new()
            }
        };
        match get(&keys, "accounts") {
            Some(accounts) => self.accounts(accounts, &declared, &mut manifest),
            None => self.wrong(whole, "accounts", "is missing"),
        }
        manifest
    }

    fn servers(&mut self, value: &'a RawValue, manifest: &mut Manifest) -> Vec<Declared> {
        let mut declared: Vec<Declared> = Vec::new();
        let Some(servers) = self.object(value, "servers") else {
            return declared;
        };
        if servers.is_empty() {
            self.wrong(value, "servers", "names no server");
        }
        for (name, value) in servers {
            let path = below("servers", &name);
            if declared.iter().any(|known| known.name == name) {
                self.wrong(value, &path, TWICE);
            }
            if name.is_empty() || name.contains('/') || name.chars().any(char::is_control) {
                self.wrong(
                    value,
                    &path,
                    "is not a valid name: it is empty or has a slash or a control character",
                );
            }
            declared.push(self.server(name, value, &path, manifest));
        }
        declared
    }

    fn server(
        &mut self,
        name: String,
        value: &'a RawValue,
        path: &str,
        manifest: &mut Manifest,
    ) -> Declared {
        let mut declared = Declared {
            name,
            system: None,
            base: None,
            prefix: String::new(),
            at: manifest.servers.len(),
        };
        let Some(keys) = self.object(value, path) else {
            return declared;
        };
        self.known(&keys, path, &SERVER);
        declared.system = self.system_of(&keys, value, path);
        declared.base = self.base_of(&keys, value, path);
        let prefix = self.prefix_of(&keys, value, path);
        let ca_file = self.file_of(&keys, value, path, "ca_file");
        let client = self.client_of(&keys, value, path);
        let proxy = self.proxy_of(&keys, value, path);
        if let Some(system) = declared.system {
            declared.prefix = prefix.unwrap_or_else(|| system.prefix.to_owned());
            // A manifest with an error reaches no server: any address will do to check the accounts.
            let nowhere =
                || Address::parse("http://localhost", "").expect("a constant address is one");
            manifest.servers.push(Server {
                name: declared.name.clone(),
                system,
                base: declared.base.clone().unwrap_or_else(nowhere),
                prefix: declared.prefix.clone(),
                ca_file,
                client,
                proxy,
            });
        }
        declared
    }

    fn system_of(
        &mut self,
        keys: &Keys<'a>,
        whole: &'a RawValue,
        path: &str,
    ) -> Option<&'static System> {
        let name = self.text_of(keys, whole, path, "system", true)?;
        let system = system::find(&name);
        if system.is_none() {
            let names: Vec<&str> = system::ALL.iter().map(|system| system.name).collect();
            let why = format!("must be one of {}, not {}", names.join(", "), quote(&name));
            self.wrong_at(keys, whole, path, "system", &why);
        }
        system
    }

    fn base_of(&mut self, keys: &Keys<'a>, whole: &'a RawValue, path: &str) -> Option<Address> {
        let url = self.text_of(keys, whole, path, "url", true)?;
        match Address::parse(&url, "the base URL") {
            Ok(base) => Some(base),
            Err(error) => {
                self.refused(keys, whole, path, "url", error);
                None
            }
        }
    }

    /// How the names of the variables for the credentials begin, if the manifest says so.
    fn prefix_of(&mut self, keys: &Keys<'a>, whole: &'a RawValue, path: &str) -> Option<String> {
        let prefix = self.text_of(keys, whole, path, "credentials", false)?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if prefix.is_empty() || !prefix.bytes().all(legal) {
            let why = "must be a prefix of variables: letters, digits and _ only";
            self.wrong_at(keys, whole, path, "credentials", why);
        }
        Some(prefix)
    }

    fn file_of(
        &mut self,
        keys: &Keys<'a>,
        whole: &'a RawValue,
        path: &str,
        key: &str,
    ) -> Option<PathBuf> {
        let file = self.text_of(keys, whole, path, key, false)?;
        Some(self.folder.join(file))
    }

    /// The client certificate and its key, which may be in the same file.
    fn client_of(
        &mut self,
        keys: &Keys<'a>,
        whole: &'a RawValue,
        path: &str,
    ) -> Option<(PathBuf, PathBuf)> {
        let chain = self.file_of(keys, whole, path, "client_cert");
        let key = self.file_of(keys, whole, path, "client_key");
        if chain.is_none() && key.is_some() {
            self.wrong(whole, &below(path, "client_key"), "needs client_cert");
        }
        let chain = chain?;
        Some((chain.clone(), key.unwrap_or(chain)))
    }

    fn proxy_of(&mut self, keys: &Keys<'a>, whole: &'a RawValue, path: &str) -> Option<String> {
        let proxy = self.text_of(keys, whole, path, "proxy", false)?;
        if let Err(error) = Proxy::parse(&proxy) {
            self.refused(keys, whole, path, "proxy", error);
        }
        if proxy.contains('@') {
            let why = "has user info; a manifest holds no secret, set HTTPS_PROXY instead";
            self.wrong_at(keys, whole, path, "proxy", why);
        }
        Some(proxy)
    }

    fn accounts(&mut self, value: &'a RawValue, servers: &[Declared], manifest: &mut Manifest) {
        let Ok(accounts) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
            return self.wrong(value, "accounts", "must be a list");
        };
        let mut seen: BTreeMap<(Option<usize>, (&str, String)), usize> = BTreeMap::new();
        for (at, account) in accounts.into_iter().enumerate() {
            let path = format!("accounts[{at}]");
            let Some(keys) = self.object(account, &path) else {
                continue;
            };
            let server = self.server_of(&keys, account, &path, servers);
            let place = self.place(account, &path);
            let system = server.and_then(|server| server.system);
            let (target, choice) = match system {
                Some(system) => self.account(&keys, account, &path, system),
                None => {
                    self.account_of_no_system(&keys, &path);
                    (None, None)
                }
            };
            if let (Some(server), Some(target)) = (server, &target) {
                // Two servers with the same address are one server; the caller depends on the credentials.
                let caller = *target == Target::Caller;
                let same = |other: &Declared| match (&server.base, &other.base) {
                    (Some(ours), Some(base)) => {
                        base == ours && (!caller || other.prefix == server.prefix)
                    }
                    _ => other.name == server.name,
                };
                let key = (servers.iter().position(same), target.same());
                let first = *seen.entry(key).or_insert(at);
                if first != at {
                    let why = format!("is the same account as accounts[{first}]");
                    self.wrong(account, &path, &why);
                }
            }
            let (Some(server), Some(target), Some(choice)) = (server, target, choice) else {
                let file = get(&keys, IMAGE).and_then(|file| self.file(file).ok());
                manifest.stray.extend(file.map(|file| Stray {
                    system,
                    file,
                    place,
                }));
                continue;
            };
            manifest.accounts.push(Entry {
                server: server.at,
                target,
                choice,
                place,
            });
        }
    }

    fn server_of<'s>(
        &mut self,
        keys: &Keys<'a>,
        whole: &'a RawValue,
        path: &str,
        servers: &'s [Declared],
    ) -> Option<&'s Declared> {
        let name = self.text_of(keys, whole, path, "server", true)?;
        let found = servers.iter().find(|server| server.name == name);
        if found.is_none() {
            let why = format!("{} is not among the servers", quote(&name));
            self.wrong_at(keys, whole, path, "server", &why);
        }
        found
    }

    fn account(
        &mut self,
        keys: &Keys<'a>,
        value: &'a RawValue,
        path: &str,
        system: &'static System,
    ) -> (Option<Target>, Option<Choice>) {
        let own = keys_of(system);
        let why = format!("unknown key; {} takes {}", system.title, own.join(", "));
        self.listed(keys, path, &own, &why);
        let target = self.target(keys, value, path, system);
        let choice = self.choice(keys, value, path, system);
        (target, choice)
    }

    /// Checks an account whose system is not known, by the rules that every system has.
    fn account_of_no_system(&mut self, keys: &Keys<'a>, path: &str) {
        let mut known: Vec<&str> = Vec::new();
        for key in system::ALL.into_iter().flat_map(keys_of) {
            if !known.contains(&key) {
                known.push(key);
            }
        }
        self.known(keys, path, &known);
        let picture = get(keys, IMAGE);
        if let Some((value, Err(error))) = picture.map(|value| (value, self.file(value))) {
            self.push(value, &below(path, IMAGE), error);
        }
    }

    /// The path of a picture.
    fn file(&self, value: &RawValue) -> Result<PathBuf, Error> {
        match scalar(value, false) {
            file if file == "-" => Err(Error::new(
                Class::Data,
                "must be the path of a picture, not standard input",
            )
            .hint("a file called - is written ./-")),
            file if !file.is_empty() => Ok(self.folder.join(file)),
            _ => Err(Error::new(Class::Data, "must be the path of a picture")),
        }
    }

    fn target(
        &mut self,
        keys: &Keys<'a>,
        whole: &'a RawValue,
        path: &str,
        system: &'static System,
    ) -> Option<Target> {
        let mut found = Vec::new();
        for kind in system.targets {
            let Some(value) = get(keys, kind.key) else {
                continue;
            };
            match kind.read(&scalar(value, kind.number)) {
                Ok(target) => found.push(target),
                Err(takes) => {
                    self.wrong(value, &below(path, kind.key), &format!("must be {takes}"));
                    return None;
                }
            }
        }
        if let Some(value) = get(keys, CALLER).filter(|_| system.has_caller()) {
            match value.get() {
                "true" => found.push(Target::Caller),
                _ => {
                    self.wrong(value, &below(path, CALLER), "must be true");
                    return None;
                }
            }
        }
        let mut ways: Vec<&str> = system.targets.iter().map(|kind| kind.key).collect();
        if system.has_caller() {
            ways.push("\"self\": true");
        }
        self.only_one(found, whole, path, "target", &ways)
    }

    fn choice(
        &mut self,
        keys: &Keys<'a>,
        whole: &'a RawValue,
        path: &str,
        system: &System,
    ) -> Option<Choice> {
        let mut found = Vec::new();
        for key in sources(system) {
            let Some(value) = get(keys, key) else {
                continue;
            };
            match self.source(system, key, value) {
                Ok(choice) => found.push(choice),
                Err(error) => {
                    self.push(value, &below(path, key), error);
                    return None;
                }
            }
        }
        self.only_one(found, whole, path, "avatar", &sources(system))
    }

    /// The one value that was found; `ways` are the keys that could have named one.
    fn only_one<T>(
        &mut self,
        mut found: Vec<T>,
        whole: &RawValue,
        path: &str,
        what: &str,
        ways: &[&str],
    ) -> Option<T> {
        let why = match found.len() {
            0 => format!("names no {what}; give {}", ways.join(" or ")),
            1 => return found.pop(),
            _ => format!("names two {what}s; keep one of {}", ways.join(", ")),
        };
        self.wrong(whole, path, &why);
        None
    }

    /// The avatar that one key names.
    ///
    /// Errors: data, with what the key takes instead.
    fn source(&self, system: &System, key: &str, value: &RawValue) -> Result<Choice, Error> {
        let must = |takes: &str| Error::new(Class::Data, format!("must be {takes}"));
        if let Some(preset) = system.preset.filter(|preset| preset.key == key) {
            let choice = Choice::preset(preset, &scalar(value, true));
            return choice.map_err(|takes| match preset.null {
                Some(_) => must(&format!("{takes}, or null")),
                None => must(&takes),
            });
        }
        match key {
            IMAGE => self.file(value).map(Choice::File),
            RESET if value.get() == "true" => Ok(Choice::Generated),
            RESET => Err(must("true")),
            _ => Choice::address(&scalar(value, false)).map_err(must),
        }
    }

    // --- values and their places ---

    fn object(&mut self, value: &'a RawValue, path: &str) -> Option<Vec<(String, &'a RawValue)>> {
        match serde_json::from_str::<Object>(value.get()) {
            Ok(Object(pairs)) => Some(pairs),
            Err(_) => {
                self.wrong(value, path, "must be an object");
                None
            }
        }
    }

    fn known(&mut self, keys: &Keys<'a>, path: &str, known: &[&str]) {
        let why = format!("unknown key; the keys are {}", known.join(", "));
        self.listed(keys, path, known, &why);
    }

    /// Refuses keys that are not among these, are given twice, or would hold a secret.
    fn listed(&mut self, keys: &Keys<'a>, path: &str, known: &[&str], unknown: &str) {
        for (at, (key, value)) in keys.iter().enumerate() {
            let place = below(path, key);
            if keys[..at].iter().any(|(other, _)| other == key) {
                self.wrong(value, &place, TWICE);
            } else if SECRETS.contains(&key.as_str()) {
                self.wrong(value, &place, ADVICE);
            } else if !known.contains(&key.as_str()) {
                self.wrong(value, &place, unknown);
            }
        }
    }

    fn text_of(
        &mut self,
        keys: &Keys<'a>,
        whole: &'a RawValue,
        path: &str,
        key: &str,
        needed: bool,
    ) -> Option<String> {
        match get(keys, key) {
            None if needed => {
                self.wrong(whole, &below(path, key), "is missing");
                None
            }
            None => None,
            Some(value) => {
                let text = serde_json::from_str::<String>(value.get()).ok();
                if text.is_none() {
                    self.wrong(value, &below(path, key), "must be a string");
                }
                text
            }
        }
    }

    /// An error in the value of a key, or in the whole object if the key is not there.
    fn wrong_at(&mut self, keys: &Keys, whole: &RawValue, path: &str, key: &str, why: &str) {
        let value = get(keys, key).unwrap_or(whole);
        self.wrong(value, &below(path, key), why);
    }

    /// The same, with the error of a reader that does not know the place.
    fn refused(&mut self, keys: &Keys, whole: &RawValue, path: &str, key: &str, error: Error) {
        let error = Error {
            class: Class::Data,
            ..error
        };
        self.push(get(keys, key).unwrap_or(whole), &below(path, key), error);
    }

    fn wrong(&mut self, value: &RawValue, path: &str, why: &str) {
        self.push(value, path, Error::new(Class::Data, why));
    }

    fn push(&mut self, value: &RawValue, path: &str, error: Error) {
        let place = self.place(value, path);
        self.problems.push(Problem { place, error });
    }

    /// A raw value borrows from the text, so its address gives its place.
    fn place(&self, value: &RawValue, path: &str) -> Place {
        let offset = (value.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        Place {
            path: path.to_owned(),
            line: self.ends.partition_point(|end| *end < offset) + 1,
        }
    }
}

const TWICE: &str = "is given twice";
/// Keys of an account that say which avatar.
pub const IMAGE: &str = "image";
pub(super) const AVATAR_URL: &str = "avatar_url";
pub(super) const RESET: &str = "reset";

/// Those that a system takes.
fn sources(system: &System) -> Vec<&'static str> {
    let preset = system.preset.map(|preset| preset.key);
    let download = system.download.as_ref().map(|_| AVATAR_URL);
    let reset = system.reset.how().map(|_| RESET);
    let all = preset.into_iter().chain([IMAGE]).chain(download);
    all.chain(reset).collect()
}

const ADVICE: &str =
    "a manifest holds no secret; set the variables that begin with the server's \"credentials\"";

/// The keys that an account on this system takes.
fn keys_of(system: &'static System) -> Vec<&'static str> {
    let targets = system.targets.iter().map(|kind| kind.key);
    let caller = system.has_caller().then_some(CALLER);
    let keys = std::iter::once("server").chain(targets).chain(caller);
    keys.chain(sources(system)).collect()
}

fn get<'a>(keys: &Keys<'a>, key: &str) -> Option<&'a RawValue> {
    keys.iter()
        .find(|(known, _)| known == key)
        .map(|(_, value)| *value)
}

fn below(path: &str, key: &str) -> String {
    let key = crate::terminal::clean(key, 60);
    match path.is_empty() {
        true => key,
        false => format!("{path}.{key}"),
    }
}

/// A string as it stands; with `number` also a number or the word `null`, and a number without leading zeros. Empty for
/// anything else.
fn scalar(value: &RawValue, number: bool) -> String {
    let text = match serde_json::from_str(value.get()) {
        Ok(Value::String(text)) if !number || text != "null" => text,
        Ok(Value::Number(_) | Value::Null) if number => value.get().to_owned(),
        _ => String::new(),
    };
    match digits::<u64>(&text) {
        Some(id) if number => id.to_string(),
        _ => text,
    }
}

/// Why a text is not JSON, in a user's words; the parser's own are for programmers.
fn not_json(text: &str, error: &serde_json::Error) -> Problem {
    let found = json::mistake(text).unwrap_or_else(|| json::Mistake {
        line: error.line().max(1),
        column: error.column(),
        what: "it cannot be read".into(),
        hint: None,
    });
    let message = format!("is not JSON: {} (column {})", found.what, found.column);
    Problem {
        place: Place {
            path: "the manifest".into(),
            line: found.line,
        },
        error: Error {
            hint: found.hint.map(str::to_owned),
            ..Error::new(Class::Data, message)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::avatar::Preset;

    fn preset(system: &str) -> &'static Preset {
        let system = system::find(system).expect("a system");
        system.preset.expect("a system with presets")
    }

    fn problems(text: &str) -> Vec<String> {
        let (_, problems) = read(text, Path::new("/m"));
        let told = problems.into_iter().map(|problem| {
            format!(
                "{}:{}: {}",
                problem.place.line, problem.place.path, problem.error
            )
        });
        told.collect()
    }

    /// It has no error as printed, so no unknown key, and needs no picture file.
    #[test]
    fn the_example_shows_every_system_and_source() {
        assert_eq!(problems(&example()), [""; 0]);
        let (manifest, _) = read(&example(), Path::new(""));
        let known: Vec<_> = manifest
            .servers
            .iter()
            .map(|server| server.name.as_str())
            .collect();
        let names = system::ALL.map(|system| system.name);
        assert_eq!(known, names);
        for (at, system) in system::ALL.into_iter().enumerate() {
            let ours = manifest.accounts.iter().filter(|entry| entry.server == at);
            let wishes: Vec<&Choice> = ours.map(|entry| &entry.choice).collect();
            for key in sources(system).into_iter().filter(|key| *key != IMAGE) {
                let shown = wishes.iter().any(|choice| match choice {
                    Choice::Preset(preset, _) => preset.key == key,
                    Choice::Address(_) => key == AVATAR_URL,
                    Choice::Generated => key == RESET,
                    Choice::File(_) | Choice::Stdin => false,
                });
                assert!(shown, "{} {key}", system.name);
            }
            let pictures = wishes
                .iter()
                .any(|choice| matches!(choice, Choice::File(_)));
            assert!(!pictures, "{}", system.name);
        }
    }

    const SERVERS: &str = r#""servers": {
        "jira": {"system": "jira", "url": "https://jira.example.com"},
        "chat": {"system": "rocketchat", "url": "http://localhost:3000"},
        "fleet": {"system": "navixy", "url": "https://api.example.com/v2", "credentials": "FLEET"}}"#;

    #[test]
    fn the_documented_manifest_is_read() {
        let text = format!(
            r#"{{{SERVERS}, "accounts": [
            {{"server": "jira", "user": "robot", "avatar_id": "24880"}},
            {{"server": "jira", "self": true, "image": "faces/build-bot.png"}},
            {{"server": "chat", "user_id": "BsNr", "avatar_url": "http://domain.tld/a.jpg"}},
            {{"server": "chat", "user": "retired-bot", "reset": true}},
            {{"server": "fleet", "employee_id": 2132, "icon_id": 3654}},
            {{"server": "fleet", "employee_id": 2133, "icon_id": null}}]}}"#
        );
        assert_eq!(problems(&text), [""; 0]);
        let (manifest, _) = read(&text, Path::new("/m"));
        let wishes: Vec<&Choice> = manifest
            .accounts
            .iter()
            .map(|entry| &entry.choice)
            .collect();
        assert_eq!(
            wishes,
            [
                &Choice::Preset(preset("jira"), Some("24880".into())),
                &Choice::File("/m/faces/build-bot.png".into()),
                &Choice::Address("http://domain.tld/a.jpg".into()),
                &Choice::Generated,
                &Choice::Preset(preset("navixy"), Some("3654".into())),
                &Choice::Preset(preset("navixy"), None),
            ]
        );
        assert_eq!(manifest.accounts[4].place.line, 9);
        assert_eq!(manifest.servers[2].prefix, "FLEET");
        assert_eq!(manifest.servers[0].prefix, "JIRA");
    }

    #[test]
    fn every_error_is_said_with_its_place() {
        let text = r#"{
  "servers": {
    "jira": {"system": "jira", "url": "https://u:pw@jira.example.com", "token": "abc"},
    "chat": {"system": "rocketchat", "url": "http://localhost:3000"},
    "fleet": {"system": "navixi", "url": "https://api.example.com/v2"},
    "chat": {"system": "rocketchat"}
  },
  "accounts": [
    {"server": "chat", "user": "", "image": "a.png"},
    {"server": "chat", "user": "a", "user_id": "b", "image": "a.png"},
    {"server": "chat", "user": "a", "avatar_id": 5},
    {"server": "chat", "image": "a.png"},
    {"server": "moon", "user": "a", "image": "a.png"},
    {"server": "chat", "user": "a", "image": "a.png", "image": "b.png"},
    {"server": "chat", "user": "c", "reset": false},
    {"server": "chat", "user": "d", "avatar_url": "file:///etc/passwd"},
    {"server": "chat", "user": "e", "image": "a.png"},
    {"server": "chat", "user": "e", "reset": true},
    {"server": "chat", "user": "f", "image": "a.png", "password": "x"},
    7
  ],
  "extra": 1
}"#;
        assert_eq!(
            problems(text),
            [
                "3:servers.jira.token: a manifest holds no secret; set the variables that begin with the server's \"credentials\"",
                "3:servers.jira.url: the base URL holds user info",
                "5:servers.fleet.system: must be one of jira, rocketchat, navixy, matrix, not \"navixi\"",
                "6:servers.chat: is given twice",
                "6:servers.chat.url: is missing",
                "9:accounts[0].user: must be a string that is not empty",
                "10:accounts[1]: names two targets; keep one of user, user_id, \"self\": true",
                "11:accounts[2].avatar_id: unknown key; Rocket.Chat takes server, user, user_id, self, image, avatar_url, reset",
                "11:accounts[2]: names no avatar; give image or avatar_url or reset",
                "12:accounts[3]: names no target; give user or user_id or \"self\": true",
                "13:accounts[4].server: \"moon\" is not among the servers",
                "14:accounts[5].image: is given twice",
                "14:accounts[5]: is the same account as accounts[2]",
                "15:accounts[6].reset: must be true",
                "16:accounts[7].avatar_url: must be an http or https address",
                "18:accounts[9]: is the same account as accounts[8]",
                "19:accounts[10].password: a manifest holds no secret; set the variables that begin with the server's \"credentials\"",
                "20:accounts[11]: must be an object",
                "22:extra: unknown key; the keys are servers, accounts",
            ]
        );
    }

    #[test]
    fn what_is_no_manifest_is_said_once() {
        assert_eq!(
            problems("{"),
            [
                "1:the manifest: is not JSON: it ends before the \"{\" of line 1 is closed (column 2)"
            ]
        );
        assert_eq!(problems("[]"), ["1:the manifest: must be an object"]);
        assert_eq!(
            problems("{}"),
            ["1:servers: is missing", "1:accounts: is missing"]
        );
        assert_eq!(
            problems("{\"servers\": [],\n\"accounts\": {}}"),
            ["1:servers: must be an object", "2:accounts: must be a list"]
        );
    }
}
