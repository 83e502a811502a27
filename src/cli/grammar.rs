//! The words of the command line as tables: verbs, options, and a line about each. `cli.rs` reads arguments by
//! them; `--help`, the completions and the manual page are made from them. What names an account or an avatar
//! is in the systems' own tables.

use crate::system::{self, List, System};

/// What follows an option.
#[derive(Clone, Copy)]
pub enum Value {
    /// Nothing: it is given or not.
    Switch,
    /// Free text, by the name that the help gives it.
    Text(&'static str),
    /// The path of a file.
    File(&'static str),
    /// One of these words, or text of another form.
    Words(&'static str, &'static [&'static str]),
}

impl Value {
    pub fn name(self) -> Option<&'static str> {
        match self {
            Value::Switch => None,
            Value::Text(name) | Value::File(name) | Value::Words(name, _) => Some(name),
        }
    }
}

/// An option.
#[derive(Clone, Copy)]
pub struct Flag {
    pub name: &'static str,
    pub short: Option<&'static str>,
    pub value: Value,
    pub about: &'static str,
}

const fn flag(name: &'static str, value: Value, about: &'static str) -> Flag {
    Flag {
        name,
        short: None,
        value,
        about,
    }
}

const fn switch(name: &'static str, short: Option<&'static str>, about: &'static str) -> Flag {
    Flag {
        name,
        short,
        value: Value::Switch,
        about,
    }
}

use Value::{File, Switch, Text, Words};

/// Global options: taken by every verb that is about accounts.
#[rustfmt::skip] // a table
pub static GLOBAL: [Flag; 19] = [
    flag("--url", Text("URL"), "base address with its context path (default: the system's variable); not with a manifest"),
    flag("--ca-file", File("PEM"), "also trust these roots, or the server's own certificate"),
    flag("--client-cert", File("PEM"), "the client certificate, if the server asks for one"),
    flag("--client-key", File("PEM"), "its key, if it is in another file"),
    switch("--insecure", None, "do not check certificates; warns each time"),
    flag("--proxy", Text("URL"), "http://[user:password@]host:port (default: HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, except for the hosts in NO_PROXY)"),
    flag("--netrc", File("FILE"), "login and password by host, if no variable gives them (default: NETRC)"),
    flag("--connect-timeout", Text("S"), "seconds to connect (10)"),
    flag("--timeout", Text("S"), "seconds for one request (60)"),
    flag("--max-time", Text("S"), "seconds for the whole command (no limit)"),
    flag("--retries", Text("N"), "repeats of a request that may be repeated (3)"),
    switch("--no-verify", None, "do not read back after a write"),
    switch("--force", None, "write even where nothing would change"),
    switch("--json", None, "JSON Lines on standard output"),
    switch("--quiet", Some("-q"), "say nothing unless something changed or failed, but answer a question"),
    switch("--verbose", Some("-v"), "one line per request on standard error; -vv adds the headers"),
    flag("--color", Words("WHEN", &["auto", "always", "never"]), "auto, always or never"),
    switch("--help", Some("-h"), "this help"),
    switch("--version", Some("-V"), "the version"),
];

/// Options of some verbs, which name them.
#[rustfmt::skip] // a table
static VERB_OPTIONS: [Flag; 8] = [
    flag("--dry-run", Switch, "print each write as the curl command that does it, and send none"),
    flag("--state", File("FILE"), "what was proven before (default: MANIFEST.state)"),
    flag("--lock-timeout", Text("S"), "seconds to wait for another run that holds the state (0)"),
    flag("--only", Text("PATTERN"), "only accounts whose server/account matches, with * and ?"),
    flag("--shard", Words("I/N", &["auto"]), "part I of N; auto reads the variables of GitLab, Buildkite, CircleCI, Semaphore, Azure or Slurm; auto/N takes the index alone from them or from Kubernetes"),
    flag("--junit", File("FILE"), "a JUnit file with the outcomes, for a CI engine"),
    flag("--html", File("FILE"), "a page to look at: each picture in the crop that will be shown"),
    flag("--prune", Switch, "delete the avatar that an earlier apply uploaded, after the new one is proven"),
];

/// What a verb is written with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A system before it.
    System,
    /// A manifest after it.
    Manifest,
    /// Nothing, or one of these words after it.
    Alone(&'static [&'static str]),
}

/// A verb.
pub struct Verb {
    pub name: &'static str,
    pub place: Place,
    pub about: &'static str,
    /// What to do instead on a system that does not have it.
    instead: fn(&System) -> Option<&'static str>,
    /// Its options from `VERB_OPTIONS`; targets and avatars come from the system.
    some: &'static [&'static str],
    /// What `--help` says, with places for what the tables know.
    pub help: &'static str,
}

pub static VERBS: [Verb; 12] = [
    Verb {
        name: "set",
        place: Place::System,
        about: "set one avatar, and check that the server shows it",
        instead: |_| None,
        some: &["--dry-run"],
        help: include_str!("help/set.txt"),
    },
    Verb {
        name: "show",
        place: Place::System,
        about: "show what an account wears now",
        instead: |_| None,
        some: &[],
        help: include_str!("help/show.txt"),
    },
    Verb {
        name: "list",
        place: Place::System,
        about: "list what there is to choose from",
        instead: |_| None,
        some: &[],
        help: include_str!("help/list.txt"),
    },
    Verb {
        name: "reset",
        place: Place::System,
        about: "go back to the generated letter",
        instead: |system| system.reset.instead(),
        some: &["--dry-run"],
        help: include_str!("help/reset.txt"),
    },
    Verb {
        name: "delete",
        place: Place::System,
        about: "delete a custom avatar",
        instead: |system| system.delete.instead(),
        some: &["--dry-run"],
        help: include_str!("help/delete.txt"),
    },
    Verb {
        name: "whoami",
        place: Place::System,
        about: "say who the caller is, on which server, and what it may change",
        instead: |_| None,
        some: &[],
        help: include_str!("help/whoami.txt"),
    },
    Verb {
        name: "check",
        place: Place::Manifest,
        about: "read a manifest and its pictures, without a network",
        instead: |_| None,
        some: &["--only", "--shard", "--html"],
        help: include_str!("help/check.txt"),
    },
    Verb {
        name: "diff",
        place: Place::Manifest,
        about: "show what would change on the servers, and write nothing",
        instead: |_| None,
        some: &[
            "--state",
            "--lock-timeout",
            "--only",
            "--shard",
            "--junit",
            "--html",
        ],
        help: include_str!("help/diff.txt"),
    },
    Verb {
        name: "apply",
        place: Place::Manifest,
        about: "do what diff shows, prove each account and remember it",
        instead: |_| None,
        some: &[
            "--state",
            "--lock-timeout",
            "--only",
            "--shard",
            "--junit",
            "--html",
            "--prune",
        ],
        help: include_str!("help/apply.txt"),
    },
    Verb {
        name: "example",
        place: Place::Alone(&[]),
        about: "print a manifest to start from",
        instead: |_| None,
        some: &[],
        help: include_str!("help/example.txt"),
    },
    Verb {
        name: "completions",
        place: Place::Alone(&["bash", "zsh", "fish"]),
        about: "print a completion script for a shell",
        instead: |_| None,
        some: &[],
        help: include_str!("help/completions.txt"),
    },
    Verb {
        name: "man",
        place: Place::Alone(&[]),
        about: "print the manual page",
        instead: |_| None,
        some: &[],
        help: include_str!("help/man.txt"),
    },
];

/// The verb of that name.
pub fn verb(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

/// The verbs that a system has.
pub fn verbs_of(system: &System) -> impl Iterator<Item = &'static Verb> {
    VERBS
        .iter()
        .filter(|verb| verb.place == Place::System && instead(system, verb.name).is_none())
}

/// What to do instead of a verb that a system does not have.
pub fn instead(system: &System, verb: &str) -> Option<&'static str> {
    (self::verb(verb)?.instead)(system)
}

impl Verb {
    /// The options that this verb has besides the global ones, on this system or on any.
    pub fn options(&self, system: Option<&System>) -> Vec<Flag> {
        let mut own: Vec<Flag> = Vec::new();
        let mut add = |flag: Flag| {
            if !own.iter().any(|known| known.name == flag.name) {
                own.push(flag);
            }
        };
        for one in system::ALL.iter().filter(|one| match system {
            _ if self.place != Place::System => false,
            Some(system) => system.name == one.name,
            None => instead(one, self.name).is_none(),
        }) {
            if takes_target(one, self.name) {
                for kind in one.targets {
                    add(flag(kind.flag, Text(kind.value), kind.about));
                }
            }
            for option in avatars(one, self.name) {
                add(option);
            }
        }
        own.extend(self.some());
        own
    }

    /// Those that are from `VERB_OPTIONS`.
    pub fn some(&self) -> impl Iterator<Item = Flag> {
        let named = |some: &&str| VERB_OPTIONS.iter().find(|flag| flag.name == *some).copied();
        self.some.iter().filter_map(named)
    }
}

/// The option that uploads a picture.
pub const IMAGE: &str = "--image";
/// The option that lets a server download one.
pub const AVATAR_URL: &str = "--avatar-url";

/// The options of a verb that say which avatar.
pub fn avatars(system: &System, verb: &str) -> Vec<Flag> {
    let preset = system
        .preset
        .map(|preset| flag(preset.flag, Text(preset.value), preset.about));
    let picture = flag(
        IMAGE,
        File("FILE"),
        "upload this picture; - is standard input",
    );
    let download = system.download.as_ref().map(|_| {
        flag(
            AVATAR_URL,
            Text("URL"),
            "let the server download this picture",
        )
    });
    match verb {
        "set" => preset
            .into_iter()
            .chain([picture])
            .chain(download)
            .collect(),
        // What an id names can be deleted by it.
        "delete" if system.delete.how().is_some() => preset.into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Whether a verb is about one account of this system.
pub fn takes_target(system: &System, verb: &str) -> bool {
    match verb {
        "whoami" => false,
        "list" => matches!(system.list, List::Target(_)),
        _ => true,
    }
}

/// Every option there is.
pub fn flags() -> Vec<Flag> {
    let mut flags = GLOBAL.to_vec();
    for flag in VERBS.iter().flat_map(|verb| verb.options(None)) {
        if !flags.iter().any(|known| known.name == flag.name) {
            flags.push(flag);
        }
    }
    flags
}

impl Flag {
    /// `-q, --quiet`, `--url URL`.
    pub fn typed(&self) -> String {
        let short = self
            .short
            .map_or(String::new(), |short| format!("{short}, "));
        let value = self
            .value
            .name()
            .map_or(String::new(), |name| format!(" {name}"));
        format!("{short}{}{value}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_unique() {
        for verb in &VERBS {
            for system in system::ALL {
                let mut names: Vec<_> = verb
                    .options(Some(system))
                    .iter()
                    .map(|flag| flag.name)
                    .collect();
                names.extend(GLOBAL.iter().map(|flag| flag.name));
                let all = names.len();
                names.sort_unstable();
                names.dedup();
                assert_eq!(names.len(), all, "{} {}", system.name, verb.name);
            }
        }
    }

    #[test]
    fn what_a_verb_names_exists() {
        for verb in &VERBS {
            for some in verb.some {
                assert!(VERB_OPTIONS.iter().any(|flag| flag.name == *some), "{some}");
            }
        }
    }
}
