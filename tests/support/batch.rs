//! Many accounts at once: the three models, and a manifest over all of them in a directory of its own.

use std::path::PathBuf;

use super::jira::{self, Jira};
use super::model::{Model, Running};
use super::navixy::{self, Navixy};
use super::pictures;
use super::rocketchat::{self, RocketChat};
use super::run::{Run, Scratch};

/// The servers `jira`, `chat` and `fleet` of a manifest, and the directory it lies in.
pub struct World {
    pub scratch: Scratch,
    pub jira: Running<Jira>,
    pub chat: Running<RocketChat>,
    pub fleet: Running<Navixy>,
}

/// An account on each kind of server and of each kind of avatar; the two changes of Navixy are one of each kind.
pub const ALL: &str = r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user_id": "rbAXPnMktTFbNpwtJ", "avatar_url": "http://pictures.example/a.jpg"},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"}"#;

impl World {
    #[allow(clippy::new_without_default)] // It starts servers: that should be seen to be called.
    pub fn new() -> World {
        World::of(Jira::default(), RocketChat::default(), Navixy::default())
    }

    pub fn of(jira: Jira, mut chat: RocketChat, fleet: Navixy) -> World {
        chat.publish("http://pictures.example/a.jpg", pictures::jpeg(64, 64, 3));
        let scratch = Scratch::new();
        scratch.write("faces/build.png", pictures::png(64, 64, 1));
        scratch.write("faces/other.png", pictures::png(64, 64, 2));
        scratch.write("faces/driver.jpg", pictures::jpeg(64, 64, 3));
        World {
            scratch,
            jira: jira.start(),
            chat: chat.start(),
            fleet: fleet.start(),
        }
    }

    /// With so many accounts more on each server: `bot-0`, `bot-1` and so on, and employees from 5000.
    pub fn with_bots(count: usize) -> World {
        let (mut jira, mut chat, mut fleet) =
            (Jira::default(), RocketChat::default(), Navixy::default());
        for n in 0..count {
            add_bot(&mut jira, &mut chat, &mut fleet, n);
        }
        World::of(jira, chat, fleet)
    }

    /// Writes `m.json` with these accounts. A server that has none there must not be called.
    pub fn declare(&mut self, accounts: &str) -> PathBuf {
        let has = |server: &str| accounts.contains(&format!("\"server\": \"{server}\""));
        let (jira, chat, fleet) = (has("jira"), has("chat"), has("fleet"));
        expect(&mut self.jira, jira);
        expect(&mut self.chat, chat);
        expect(&mut self.fleet, fleet);
        self.scratch.write("m.json", self.manifest(accounts))
    }

    /// A manifest of the three servers, as a text.
    pub fn manifest(&self, accounts: &str) -> String {
        let servers = [
            ("jira", "jira", self.jira.url()),
            ("chat", "rocketchat", self.chat.url()),
            ("fleet", "navixy", self.fleet.url()),
        ]
        .map(|(name, system, url)| {
            format!("    \"{name}\": {{\"system\": \"{system}\", \"url\": \"{url}\"}}")
        });
        format!(
            "{{\n  \"servers\": {{\n{}\n  }},\n  \"accounts\": [{accounts}\n  ]\n}}\n",
            servers.join(",\n")
        )
    }

    /// A run in that directory, with all credentials; the words are separated by blanks.
    pub fn run(&self, words: &str) -> Run {
        let mut run = Run::new(words.split(' '))
            .dir(self.scratch.path())
            .mask(&self.jira.url(), "JIRA")
            .mask(&self.chat.url(), "CHAT")
            .mask(&self.fleet.url(), "FLEET");
        for (name, value) in self.settings() {
            run = run.env(name, value);
        }
        run
    }

    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let settings = [
            self.jira.settings(),
            self.chat.settings(),
            self.fleet.settings(),
        ];
        let mut settings = settings.concat();
        settings.retain(|(name, _)| !name.ends_with("_URL"));
        settings
    }

    /// Nobody may call anybody: for what works offline.
    pub fn offline(&mut self) {
        expect(&mut self.jira, false);
        expect(&mut self.chat, false);
        expect(&mut self.fleet, false);
    }

    /// Whatever calls come are fine.
    pub fn lenient(&mut self) {
        self.jira.expect_anything();
        self.chat.expect_anything();
        self.fleet.expect_anything();
    }

    /// A program that is killed may tear a request.
    pub fn expect_torn_requests(&self) {
        self.jira.expect_torn_requests();
        self.chat.expect_torn_requests();
        self.fleet.expect_torn_requests();
    }

    pub fn forget(&self) {
        self.jira.forget();
        self.chat.forget();
        self.fleet.forget();
    }

    /// How many requests each got since the last time somebody forgot them.
    pub fn requests(&self) -> [usize; 3] {
        [
            self.jira.requests().len(),
            self.chat.requests().len(),
            self.fleet.requests().len(),
        ]
    }

    pub fn connections(&self) -> [usize; 3] {
        [
            self.jira.connections(),
            self.chat.connections(),
            self.fleet.connections(),
        ]
    }

    /// Every write so far, as its method, its path below the base address and whom it is about.
    pub fn writes(&self) -> Vec<String> {
        let mut writes = Vec::new();
        for request in self.jira.requests() {
            if !request.is_look() {
                let user = request.query("username").unwrap_or_default();
                let path = request
                    .path()
                    .rsplit_once("/user/")
                    .map_or("", |(_, end)| end);
                writes.push(format!("jira {} {path} {user}", request.method));
            }
        }
        for request in self.chat.requests() {
            if !request.is_look() {
                let path = request.path().rsplit_once('/').map_or("", |(_, end)| end);
                let user = match request.boundary() {
                    Some(_) => request.form()[0].text().to_owned(),
                    None => request.json()["userId"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                };
                writes.push(format!("chat {path} {user}"));
            }
        }
        for request in self.fleet.requests() {
            let path = request.path().strip_prefix("/v2/employee/avatar/");
            if let Some(path) = path {
                let employee = match request.boundary() {
                    Some(_) => request.form()[0].text().to_owned(),
                    None => request.json()["employee_id"].to_string(),
                };
                writes.push(format!("fleet {path} {employee}"));
            }
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
        text.replace(&self.jira.url(), "JIRA")
            .replace(&self.chat.url(), "CHAT")
            .replace(&self.fleet.url(), "FLEET")
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

/// An account on each, named by its number.
pub fn add_bot(jira: &mut Jira, chat: &mut RocketChat, fleet: &mut Navixy, n: usize) {
    let name = format!("bot-{n}");
    let title = format!("Bot {n}");
    jira.users
        .push(jira::User::new(&name, &format!("JIRAUSER2{n:05}"), &title));
    chat.users.push(rocketchat::User::new(
        &format!("id{n:015}"),
        &name,
        &title,
        &["user"],
    ));
    let id = 5000 + i64::try_from(n).expect("a few accounts");
    fleet
        .employees
        .push(navixy::Employee::new(id, &name, "Robot"));
}

fn expect<M: Model>(model: &mut Running<M>, called: bool) {
    match called {
        true => model.expect_calls(),
        false => model.expect_no_calls(),
    }
}
