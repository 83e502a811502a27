//! Many accounts at once: a server of each system, and a manifest over all of them in a directory of its own.

use std::path::PathBuf;

use super::model::{Model, Running};
use super::pictures;
use super::run::{Run, Scratch};
use super::server::Server;
use super::systems::{Served, Servers};

/// The servers of a manifest, `jira`, `chat`, `fleet` and `hs`, and the directory it lies in. Each model names its own.
pub struct World {
    pub scratch: Scratch,
    pub servers: Servers,
}

/// An account on each kind of server and of each kind of avatar; the two changes of Navixy are one of each kind.
pub const ALL: &str = r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user_id": "rbAXPnMktTFbNpwtJ", "avatar_url": "http://pictures.example/a.jpg"},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"},
    {"server": "hs", "user": "robot", "mxc": "mxc://pictures.example/a"},
    {"server": "hs", "user": "build-bot", "image": "faces/build.png"}"#;

impl World {
    #[allow(clippy::new_without_default)] // It starts servers: that should be seen to be called.
    pub fn new() -> World {
        World::with_bots(0)
    }

    /// With so many accounts more on each server: `bot-0`, `bot-1` and so on, and employees from 5000.
    pub fn with_bots(count: usize) -> World {
        let scratch = Scratch::new();
        scratch.write("faces/build.png", pictures::png(64, 64, 1));
        scratch.write("faces/other.png", pictures::png(64, 64, 2));
        scratch.write("faces/driver.jpg", pictures::jpeg(64, 64, 3));
        let servers = Servers::with_bots(count);
        World { scratch, servers }
    }

    pub fn of<M: Model>(&self) -> &Running<M> {
        self.servers.of()
    }

    /// Writes `m.json` with these accounts. A server that has none there must not be called.
    pub fn declare(&mut self, accounts: &str) -> PathBuf {
        self.expect_by(accounts);
        self.scratch.write("m.json", self.manifest(accounts))
    }

    /// A server that has none of these accounts must not be called.
    pub fn expect_by(&mut self, accounts: &str) {
        for served in self.servers.iter_mut() {
            let name = served.system().server;
            match accounts.contains(&format!("\"server\": \"{name}\"")) {
                true => served.server_mut().expect_calls(),
                false => served.server_mut().expect_no_calls(),
            }
        }
    }

    /// What is expected of the server of this name, which [`World::declare`] has judged by its accounts.
    pub fn expect(&mut self, server: &str, what: fn(&mut Server)) {
        let mut servers = self.servers.iter_mut();
        let served = servers.find(|served| served.system().server == server);
        what(served.expect("a server").server_mut());
    }

    fn expect_all(&mut self, what: fn(&mut Server)) {
        let servers = self.servers.iter_mut();
        servers.for_each(|served| what(served.server_mut()));
    }

    /// A manifest of the servers, as a text.
    pub fn manifest(&self, accounts: &str) -> String {
        let server = |served: &dyn Served| {
            let (system, url) = (served.system(), served.url());
            format!(
                "    \"{}\": {{\"system\": \"{}\", \"url\": \"{url}\"}}",
                system.server, system.name
            )
        };
        let servers: Vec<String> = self.servers.iter().map(server).collect();
        format!(
            "{{\n  \"servers\": {{\n{}\n  }},\n  \"accounts\": [{accounts}\n  ]\n}}\n",
            servers.join(",\n")
        )
    }

    /// A run in that directory, with all credentials; the words are separated by blanks.
    pub fn run(&self, words: &str) -> Run {
        let run = Run::new(words.split(' ')).dir(self.scratch.path());
        let run = self
            .addresses()
            .fold(run, |run, (url, name)| run.mask(&url, &name));
        let settings = self.settings().into_iter();
        settings.fold(run, |run, (name, value)| run.env(name, value))
    }

    /// The addresses, and what they are called in a text.
    fn addresses(&self) -> impl Iterator<Item = (String, String)> {
        let servers = self.servers.iter();
        servers.map(|served| (served.url(), served.system().server.to_uppercase()))
    }

    /// All credentials.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings: Vec<_> = self.servers.iter().flat_map(Served::settings).collect();
        settings.retain(|(name, _)| !name.ends_with("_URL"));
        settings
    }

    /// Nobody may call anybody: for what works offline.
    pub fn offline(&mut self) {
        self.expect_all(Server::expect_no_calls);
    }

    /// Whatever calls come are fine.
    pub fn lenient(&mut self) {
        self.expect_all(Server::expect_anything);
    }

    /// A program that is killed may tear a request.
    pub fn expect_torn_requests(&self) {
        self.each(Server::expect_torn_requests);
    }

    pub fn forget(&self) {
        self.each(Server::forget);
    }

    fn each<T>(&self, of: fn(&Server) -> T) -> Vec<T> {
        self.servers
            .iter()
            .map(|served| of(served.server()))
            .collect()
    }

    /// How many requests each got since the last time somebody forgot them.
    pub fn requests(&self) -> Vec<usize> {
        self.each(|server| server.requests().len())
    }

    pub fn calls(&self) -> Vec<Vec<String>> {
        self.each(Server::calls)
    }

    pub fn connections(&self) -> Vec<usize> {
        self.each(Server::connections)
    }

    /// Every write so far: the server, what was done, and to whom.
    pub fn writes(&self) -> Vec<String> {
        let mut writes = Vec::new();
        for served in self.servers.iter() {
            let name = served.system().server;
            let requests = served.server().requests();
            let written = requests
                .iter()
                .filter_map(|request| served.written(request));
            writes.extend(written.map(|what| format!("{name} {what}")));
        }
        writes
    }

    /// The state file, its times as `TIME` and its addresses by name.
    #[track_caller]
    pub fn state(&self) -> String {
        self.named(&timeless(&self.scratch.read("m.json.state")))
    }

    /// The addresses in a text by name.
    pub fn named(&self, text: &str) -> String {
        let addresses = self.addresses();
        addresses.fold(text.to_owned(), |text, (url, name)| {
            text.replace(&url, &name)
        })
    }
}

/// A state with its times as `TIME`, each checked to be one.
#[track_caller]
pub fn timeless(state: &str) -> String {
    let mut parts = state.split("\"time\":\"");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (time, rest) = part.split_at(20.min(part.len()));
        let shape = time
            .bytes()
            .map(|byte| if byte.is_ascii_digit() { b'0' } else { byte })
            .collect::<Vec<_>>();
        assert_eq!(shape, b"0000-00-00T00:00:00Z", "{part}");
        text += &format!("\"time\":\"TIME{rest}");
    }
    text
}
