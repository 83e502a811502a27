//! The file that declares many accounts: JSON to checked values, with every error and where it stands. It
//! opens no picture and reaches no server.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::address::Address;
use crate::error::{Class, Error};
use crate::proxy::Proxy;
use crate::system::{self, Source, System, Target, Wish};
use crate::terminal::quote;

/// Servers and the accounts on them, in the order of the file.
pub struct Manifest {
    pub servers: Vec<Server>,
    pub accounts: Vec<Entry>,
}

/// How one server is reached.
#[derive(Debug)]
pub struct Server {
    pub name: String,
    pub system: &'static System,
    pub base: Address,
    /// Of its credentials' variables.
    pub prefix: String,
    pub ca_file: Option<PathBuf>,
    pub client: Option<(PathBuf, PathBuf)>,
    pub proxy: Option<String>,
}

/// One account and its avatar.
#[derive(Debug)]
pub struct Entry {
    /// Index into the servers.
    pub server: usize,
    pub target: Target,
    pub wish: Wish,
    pub place: Place,
}

/// Where in a manifest.
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

/// A JSON object with its keys in order, repeated ones included, and its values where they stand.
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

/// Reads a manifest; relative paths in it are relative to `folder`. With it come all its errors, in the order
/// of the file; where there are some it holds what could be read all the same, to look for more.
pub fn read(text: &str, folder: &Path) -> (Manifest, Vec<Problem>) {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    let mut reader = Reader {
        text,
        ends: ends.map(|(at, _)| at).collect(),
        folder,
        problems: Vec::new(),
    };
    let manifest = reader.manifest();
    reader.problems.sort_by_key(|problem| problem.place.line);
    (manifest, reader.problems)
}

struct Reader<'a> {
    text: &'a str,
    /// Where its lines end.
    ends: Vec<usize>,
    folder: &'a Path,
    problems: Vec<Problem>,
}

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
        let mut manifest = Manifest {
            servers: Vec::new(),
            accounts: Vec::new(),
        };
        let whole: &RawValue = match serde_json::from_str(self.text.trim_start_matches('\u{feff}'))
        {
            Ok(whole) => whole,
            Err(error) => {
                let place = Place {
                    path: "the manifest".into(),
                    line: error.line().max(1),
                };
                let message = format!("is not JSON: {}", plain(&error));
                self.problems.push(Problem {
                    place,
                    error: Error::new(Class::Data, message),
                });
                return manifest;
            }
        };
        let Some(keys) = self.object(whole, "the manifest") else {
            return manifest;
        };
        self.known(&keys, "", &["servers", "accounts"]);
        match get(&keys, "servers") {
            Some(servers) => self.servers(servers, &mut manifest),
            None => self.wrong(whole, "servers", "is missing"),
        }
        match get(&keys, "accounts") {
            Some(accounts) => self.accounts(accounts, &mut manifest),
            None => self.wrong(whole, "accounts", "is missing"),
        }
        manifest
    }

    fn servers(&mut self, value: &'a RawValue, manifest: &mut Manifest) {
        let Some(servers) = self.object(value, "servers") else {
            return;
        };
        if servers.is_empty() {
            self.wrong(value, "servers", "names no server");
        }
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &servers {
            let path = below("servers", name);
            if seen.contains(&name.as_str()) {
                self.wrong(value, &path, "is there twice");
            }
            seen.push(name);
            if name.is_empty() || name.contains('/') || name.chars().any(char::is_control) {
                self.wrong(
                    value,
                    &path,
                    "is no name: it is empty or has a slash or a control character",
                );
            }
            if let Some(server) = self.server(name, value, &path) {
                manifest.servers.push(server);
            } else {
                // A placeholder keeps "unknown server" from being said of every account on it.
                manifest.servers.push(Server {
                    name: name.clone(),
                    system: system::ALL[0],
                    base: Address::parse("http://localhost", "")
                        .expect("a constant address is one"),
                    prefix: String::new(),
                    ca_file: None,
                    client: None,
                    proxy: None,
                });
            }
        }
    }

    fn server(&mut self, name: &str, value: &'a RawValue, path: &str) -> Option<Server> {
        let keys = self.object(value, path)?;
        self.known(
            &keys,
            path,
            &[
                "system",
                "url",
                "credentials",
                "ca_file",
                "client_cert",
                "client_key",
                "proxy",
            ],
        );
        let before = self.problems.len();
        let names: Vec<&str> = system::ALL.iter().map(|system| system.name).collect();
        let system = self
            .text_of(&keys, value, path, "system", true)
            .and_then(|name| {
                let found = system::find(&name);
                if found.is_none() {
                    let why = format!("is {}, not one of {}", quote(&name), names.join(", "));
                    self.wrong(
                        get(&keys, "system").unwrap_or(value),
                        &below(path, "system"),
                        &why,
                    );
                }
                found
            });
        let base = self
            .text_of(&keys, value, path, "url", true)
            .and_then(|url| {
                Address::parse(&url, "")
                    .map_err(|error| {
                        let why = error.message.trim_start_matches(": ").to_owned();
                        let at = get(&keys, "url").unwrap_or(value);
                        self.push(
                            at,
                            &below(path, "url"),
                            Error {
                                message: why,
                                class: Class::Data,
                                ..error
                            },
                        );
                    })
                    .ok()
            });
        let prefix = self.text_of(&keys, value, path, "credentials", false);
        if let Some(prefix) = &prefix
            && (prefix.is_empty()
                || !prefix
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        {
            let at = get(&keys, "credentials").unwrap_or(value);
            self.wrong(
                at,
                &below(path, "credentials"),
                "is no prefix of variables: letters, digits and _ only",
            );
        }
        let mut file = |key| {
            self.text_of(&keys, value, path, key, false)
                .map(|path| self.folder.join(path))
        };
        let ca_file = file("ca_file");
        let chain = file("client_cert");
        let key = file("client_key");
        if chain.is_none() && key.is_some() {
            self.wrong(value, &below(path, "client_key"), "needs client_cert");
        }
        let client = chain.map(|chain| (chain.clone(), key.unwrap_or(chain)));
        let proxy = self.text_of(&keys, value, path, "proxy", false);
        if let Some(Err(error)) = proxy.as_deref().map(|text| Proxy::parse(text, "")) {
            let why = error.message.trim_start_matches(": ").to_owned();
            let at = get(&keys, "proxy").unwrap_or(value);
            self.push(
                at,
                &below(path, "proxy"),
                Error {
                    message: why,
                    class: Class::Data,
                    ..error
                },
            );
        }
        if proxy.as_deref().is_some_and(|proxy| proxy.contains('@')) {
            self.wrong(
                get(&keys, "proxy").unwrap_or(value),
                &below(path, "proxy"),
                "holds user info; a manifest holds no secret, set HTTPS_PROXY instead",
            );
        }
        match (self.problems.len() == before, system, base) {
            (true, Some(system), Some(base)) => Some(Server {
                name: name.to_owned(),
                system,
                base,
                prefix: prefix.unwrap_or_else(|| system.prefix.to_owned()),
                ca_file,
                client,
                proxy,
            }),
            _ => None,
        }
    }

    fn accounts(&mut self, value: &'a RawValue, manifest: &mut Manifest) {
        let Ok(accounts) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
            return self.wrong(value, "accounts", "is no list");
        };
        let mut seen: BTreeMap<(Option<usize>, &str, String), usize> = BTreeMap::new();
        for (at, account) in accounts.into_iter().enumerate() {
            let path = format!("accounts[{at}]");
            let Some(entry) = self.account(account, &path, manifest) else {
                continue;
            };
            let value = entry.target.value();
            let name = match entry.target {
                Target::Named { kind, .. } if kind.any_case => value.to_lowercase(),
                _ => value.to_owned(),
            };
            // Two servers with one address are one; who the caller is depends on the credentials.
            let caller = entry.target == Target::Caller;
            let servers = &manifest.servers;
            let ours = &servers[entry.server];
            let same = |other: &Server| {
                other.base == ours.base && (!caller || other.prefix == ours.prefix)
            };
            let server = servers.iter().position(same);
            let key = (server, entry.target.key(), name);
            match seen.get(&key) {
                Some(first) => {
                    let why = format!("is the same account as accounts[{first}]");
                    self.wrong(account, &path, &why);
                }
                None => {
                    seen.insert(key, at);
                }
            }
            manifest.accounts.push(entry);
        }
    }

    fn account(&mut self, value: &'a RawValue, path: &str, manifest: &Manifest) -> Option<Entry> {
        let keys = self.object(value, path)?;
        let name = self.text_of(&keys, value, path, "server", true)?;
        let Some(server) = manifest
            .servers
            .iter()
            .position(|server| server.name == name)
        else {
            let why = format!("{} is not among the servers", quote(&name));
            self.wrong(
                get(&keys, "server").unwrap_or(value),
                &below(path, "server"),
                &why,
            );
            return None;
        };
        let system = manifest.servers[server].system;
        if manifest.servers[server].prefix.is_empty() {
            return None;
        }
        let targets: Vec<&str> = system.targets.iter().map(|kind| kind.key).collect();
        let sources: Vec<&str> = system.sources.iter().map(|source| source.key()).collect();
        for (at, (key, found)) in keys.iter().enumerate() {
            let own = targets.contains(&key.as_str())
                || sources.contains(&key.as_str())
                || key == "server"
                || key == "self" && system.caller;
            if keys[..at].iter().any(|(other, _)| other == key) {
                self.wrong(found, &below(path, key), "is there twice");
            } else if SECRETS.contains(&key.as_str()) {
                self.wrong(found, &below(path, key), ADVICE);
            } else if !own {
                let all = [&targets[..], &sources[..]].concat().join(", ");
                let why = format!("is not known for {}, which takes {all}", system.title);
                self.wrong(found, &below(path, key), &why);
            }
        }
        let target = self.target(&keys, value, path, system);
        let wish = self.wish(&keys, value, path, system);
        Some(Entry {
            server,
            target: target?,
            wish: wish?,
            place: self.place(value, path),
        })
    }

    fn target(
        &mut self,
        keys: &[(String, &'a RawValue)],
        whole: &'a RawValue,
        path: &str,
        system: &'static System,
    ) -> Option<Target> {
        let mut found = Vec::new();
        for kind in system.targets {
            let Some(value) = get(keys, kind.key) else {
                continue;
            };
            match scalar(value, kind.number) {
                Some(text) if !text.trim().is_empty() => {
                    found.push(Target::Named { kind, value: text })
                }
                _ => {
                    let why = if kind.number {
                        "takes a number from 1 up"
                    } else {
                        "takes a text that is not empty"
                    };
                    self.wrong(value, &below(path, kind.key), why);
                    return None;
                }
            }
        }
        if let Some(value) = get(keys, "self").filter(|_| system.caller) {
            match value.get() {
                "true" => found.push(Target::Caller),
                _ => {
                    self.wrong(value, &below(path, "self"), "takes true only");
                    return None;
                }
            }
        }
        let mut ways: Vec<&str> = system.targets.iter().map(|kind| kind.key).collect();
        if system.caller {
            ways.push("\"self\": true");
        }
        match found.len() {
            1 => found.pop(),
            0 => {
                self.wrong(
                    whole,
                    path,
                    &format!("names no target: {}", ways.join(" or ")),
                );
                None
            }
            _ => {
                self.wrong(
                    whole,
                    path,
                    &format!("names two targets; keep one of {}", ways.join(", ")),
                );
                None
            }
        }
    }

    fn wish(
        &mut self,
        keys: &[(String, &'a RawValue)],
        whole: &'a RawValue,
        path: &str,
        system: &System,
    ) -> Option<Wish> {
        let mut found = Vec::new();
        for source in system.sources {
            let Some(value) = get(keys, source.key()) else {
                continue;
            };
            let at = below(path, source.key());
            let wish = match source {
                Source::Preset { noun, none, .. } => match (scalar(value, true), value.get(), none)
                {
                    (Some(id), _, _) => Ok(Wish::Preset(noun, id)),
                    (None, "null", true) => Ok(Wish::NoPreset(noun)),
                    (None, _, true) => Err("takes a number from 1 up, or null"),
                    (None, _, false) => Err("takes a number from 1 up"),
                },
                Source::Picture => match scalar(value, false) {
                    Some(file) if !file.is_empty() => Ok(Wish::File(self.folder.join(file))),
                    _ => Err("takes the path of a picture"),
                },
                Source::Address => match scalar(value, false) {
                    Some(url) if system::is_web_address(&url) => Ok(Wish::Address(url)),
                    _ => Err("takes an http or https address"),
                },
                Source::Generated => match value.get() {
                    "true" => Ok(Wish::Generated),
                    _ => Err("takes true only"),
                },
            };
            match wish {
                Ok(wish) => found.push(wish),
                Err(why) => {
                    self.wrong(value, &at, why);
                    return None;
                }
            }
        }
        let ways: Vec<&str> = system.sources.iter().map(|source| source.key()).collect();
        match found.len() {
            1 => found.pop(),
            0 => {
                self.wrong(
                    whole,
                    path,
                    &format!("names no avatar: {}", ways.join(" or ")),
                );
                None
            }
            _ => {
                self.wrong(
                    whole,
                    path,
                    &format!("names two avatars; keep one of {}", ways.join(", ")),
                );
                None
            }
        }
    }

    // --- values and their places ---

    fn object(&mut self, value: &'a RawValue, path: &str) -> Option<Vec<(String, &'a RawValue)>> {
        match serde_json::from_str::<Object>(value.get()) {
            Ok(Object(pairs)) => Some(pairs),
            Err(_) => {
                self.wrong(value, path, "is no object");
                None
            }
        }
    }

    fn known(&mut self, keys: &[(String, &'a RawValue)], path: &str, known: &[&str]) {
        for (at, (key, value)) in keys.iter().enumerate() {
            let place = below(path, key);
            if keys[..at].iter().any(|(other, _)| other == key) {
                self.wrong(value, &place, "is there twice");
            } else if SECRETS.contains(&key.as_str()) {
                self.wrong(value, &place, ADVICE);
            } else if !known.contains(&key.as_str()) {
                self.wrong(
                    value,
                    &place,
                    &format!("is not known; there are {}", known.join(", ")),
                );
            }
        }
    }

    fn text_of(
        &mut self,
        keys: &[(String, &'a RawValue)],
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
                    self.wrong(value, &below(path, key), "takes a text");
                }
                text
            }
        }
    }

    fn wrong(&mut self, value: &RawValue, path: &str, why: &str) {
        self.push(value, path, Error::new(Class::Data, why));
    }

    fn push(&mut self, value: &RawValue, path: &str, error: Error) {
        let place = self.place(value, path);
        self.problems.push(Problem { place, error });
    }

    /// A raw value borrows from the text, so its address tells where it stands.
    fn place(&self, value: &RawValue, path: &str) -> Place {
        let offset = (value.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        Place {
            path: path.to_owned(),
            line: self.ends.partition_point(|end| *end < offset) + 1,
        }
    }
}

const ADVICE: &str =
    "a manifest holds no secret; set the variables that begin with the server's \"credentials\"";

fn get<'a>(keys: &[(String, &'a RawValue)], key: &str) -> Option<&'a RawValue> {
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

/// A text, or a number from 1 up as its digits (given as a number or as a text).
fn scalar(value: &RawValue, number: bool) -> Option<String> {
    let value: Value = serde_json::from_str(value.get()).ok()?;
    match (value, number) {
        (Value::String(text), false) => Some(text),
        (Value::String(text), true) if text.bytes().all(|byte| byte.is_ascii_digit()) => text
            .parse::<u64>()
            .ok()
            .filter(|id| *id >= 1)
            .map(|id| id.to_string()),
        (Value::Number(id), true) => id.as_u64().filter(|id| *id >= 1).map(|id| id.to_string()),
        _ => None,
    }
}

/// serde's words without its own "at line 3 column 5".
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} in column {}", &text[..end], error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let wishes: Vec<&Wish> = manifest.accounts.iter().map(|entry| &entry.wish).collect();
        assert_eq!(
            wishes,
            [
                &Wish::Preset("avatar", "24880".into()),
                &Wish::File("/m/faces/build-bot.png".into()),
                &Wish::Address("http://domain.tld/a.jpg".into()),
                &Wish::Generated,
                &Wish::Preset("icon", "3654".into()),
                &Wish::NoPreset("icon"),
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
                "5:servers.fleet.system: is \"navixi\", not one of jira, rocketchat, navixy",
                "6:servers.chat: is there twice",
                "6:servers.chat.url: is missing",
                "9:accounts[0].user: takes a text that is not empty",
                "10:accounts[1]: names two targets; keep one of user, user_id, \"self\": true",
                "11:accounts[2].avatar_id: is not known for Rocket.Chat, which takes user, user_id, image, avatar_url, reset",
                "11:accounts[2]: names no avatar: image or avatar_url or reset",
                "12:accounts[3]: names no target: user or user_id or \"self\": true",
                "13:accounts[4].server: \"moon\" is not among the servers",
                "14:accounts[5].image: is there twice",
                "15:accounts[6].reset: takes true only",
                "16:accounts[7].avatar_url: takes an http or https address",
                "18:accounts[9]: is the same account as accounts[8]",
                "19:accounts[10].password: a manifest holds no secret; set the variables that begin with the server's \"credentials\"",
                "20:accounts[11]: is no object",
                "22:extra: is not known; there are servers, accounts",
            ]
        );
    }

    #[test]
    fn what_is_no_manifest_is_said_once() {
        assert_eq!(
            problems("{"),
            ["1:the manifest: is not JSON: EOF while parsing an object in column 1"]
        );
        assert_eq!(problems("[]"), ["1:the manifest: is no object"]);
        assert_eq!(
            problems("{}"),
            ["1:servers: is missing", "1:accounts: is missing"]
        );
        assert_eq!(
            problems("{\"servers\": [],\n\"accounts\": {}}"),
            ["1:servers: is no object", "2:accounts: is no list"]
        );
    }
}
