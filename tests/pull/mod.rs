//! What accounts show, read into a folder: the two promises of it, the folder itself, and what is said.

mod folder;
mod names;
mod outcomes;
mod promises;

use std::fs;
use std::path::Path;

use crate::support::{Run, World, pictures};

/// The four systems, and accounts that show everything there is to show.
pub(crate) struct Servers {
    world: World,
}

/// Every kind of what an account can show, on every system that has it.
const ACCOUNTS: &str = r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "chat", "user": "build-bot", "reset": true},
    {"server": "jira", "user": "build-bot", "image": "faces/none.png"},
    {"server": "chat", "user_id": "rbAXPnMktTFbNpwtJ", "reset": true},
    {"server": "chat", "self": true, "reset": true},
    {"server": "fleet", "employee_id": 2132, "icon_id": 1},
    {"server": "fleet", "employee_id": 2133, "icon_id": 1},
    {"server": "fleet", "employee_id": 2134, "icon_id": 1},
    {"server": "hs", "user": "build-bot", "reset": true},
    {"server": "hs", "user": "@deploy-bot:test.local", "reset": true}"#;

impl Servers {
    /// Jira: robot wears one of the system's, build-bot its own. Rocket.Chat: build-bot its own, retired-bot the letter,
    /// the caller a provider's. Navixy: an icon, nothing, a picture that an icon hid before. Matrix: build-bot its own,
    /// deploy-bot nothing.
    fn start() -> Servers {
        let mut world = World::new();
        world.lenient();
        {
            let mut jira = world.jira().model();
            let id = jira.give("build-bot", pictures::png(64, 64, 11));
            jira.user_mut("build-bot").selected = id;
        }
        {
            let mut chat = world.chat().model();
            chat.settle = std::time::Duration::ZERO;
            chat.give("build-bot", pictures::jpeg(64, 64, 12));
            chat.give("robot-admin", pictures::png(64, 64, 13));
            chat.user("robot-admin").etag = None;
        }
        world.fleet().model().give(2134, pictures::png(64, 64, 14));
        world
            .hs()
            .model()
            .give("build-bot", pictures::gif(64, 64, 15));
        Servers { world }
    }

    /// Writes `m.json` with these accounts of the servers.
    fn declare(&self, accounts: &str) {
        let manifest = self.world.manifest(accounts);
        self.world.scratch.write("m.json", manifest);
    }

    /// A run with these words, which has all addresses and credentials.
    fn run(&self, words: &str) -> Run {
        self.world.servers.know(self.world.run(words))
    }

    /// The same, which ends well and says something.
    #[track_caller]
    fn does(&self, words: &str) -> String {
        let output = self.run(words).output();
        assert_eq!(output.status, 0, "{words}: {output:?}");
        output.stdout
    }

    /// A text with the addresses by name.
    fn named(&self, text: &str) -> String {
        self.world.named(text)
    }

    /// A file of the scratch directory, with the addresses by name.
    #[track_caller]
    fn read(&self, name: &str) -> String {
        self.named(&self.world.scratch.read(name))
    }

    /// What every account wears, as the servers themselves have it on record.
    fn worn(&self) -> Vec<String> {
        let mut worn = Vec::new();
        let jira = self.world.jira().model();
        for user in &jira.users {
            worn.push(format!("jira {} {}", user.name, user.selected));
        }
        let chat = self.world.chat().model();
        for user in &chat.users {
            let bytes = user.picture.as_ref().map(|picture| hash(&picture.bytes));
            worn.push(format!("chat {} {bytes:?}", user.username));
        }
        let fleet = self.world.fleet().model();
        for employee in &fleet.employees {
            let file = employee.avatar_file_name.as_ref();
            let shown = match (employee.icon_id, file) {
                (Some(icon), _) => format!("icon {icon}"),
                (None, Some(file)) => format!("file {}", hash(&fleet.files[file].bytes)),
                (None, None) => "nothing".to_owned(),
            };
            worn.push(format!("fleet {} {shown}", employee.id));
        }
        for user in &self.world.hs().model().users {
            worn.push(format!("hs {} {:?}", user.localpart, user.avatar));
        }
        worn
    }
}

fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Every file and folder below, by its name from there on, with the bytes of files; links by where they lead.
fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(folder).expect("below it");
            let name = name.to_str().expect("a name of letters").to_owned();
            if path.is_symlink() {
                let to = fs::read_link(&path).expect("a link");
                found.push((name, to.into_os_string().into_encoded_bytes()));
            } else if path.is_dir() {
                found.push((format!("{name}/"), Vec::new()));
                waiting.push(path);
            } else {
                found.push((name, fs::read(&path).expect("a file")));
            }
        }
    }
    found.sort();
    found
}

/// The names of a tree.
fn listed(folder: &Path) -> Vec<String> {
    tree(folder).into_iter().map(|(name, _)| name).collect()
}
