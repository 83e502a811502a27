//! The words of the command line as tables: verbs, options, and a line about each. Arguments are read by them; `--help`,
//! the completions and the manual page are made from them. The options that name an account or an avatar are in the
//! systems' own tables.

use crate::cli::BatchAction;
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
    /// The path of a folder.
    Folder(&'static str),
    /// One of these words, or text of another form.
    Words(&'static str, &'static [&'static str]),
}

impl Value {
    pub fn name(self) -> Option<&'static str> {
        match self {
            Value::Switch => None,
            Value::Text(name) | Value::File(name) | Value::Folder(name) | Value::Words(name, _) => {
                Some(name)
            }
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

use Value::{File, Folder, Switch, Text, Words};

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
    switch("--force", None, "write even where nothing would change, and over a file that is there"),
    switch("--json", None, "JSON Lines on standard output"),
    switch("--quiet", Some("-q"), "say nothing unless something changed or failed, but answer a question"),
    switch("--verbose", Some("-v"), "one line per request on standard error; -vv adds the headers"),
    flag("--color", Words("WHEN", &["auto", "always", "never"]), "auto, always or never"),
    switch("--help", Some("-h"), "this help"),
    switch("--version", Some("-V"), "the version"),
];

/// Options of some verbs, which name them.
#[rustfmt::skip] // a table
static VERB_OPTIONS: [Flag; 13] = [
    flag("--output", File("FILE"), "write the picture that is shown now; - is standard output; a file that is there only with --force"),
    flag("--dry-run", Switch, "print each write as the curl command that does it, and send none"),
    flag("--state", File("FILE"), "what was proven before (default: MANIFEST.state)"),
    flag("--lock-timeout", Text("S"), "seconds to wait for another run that holds the state (0)"),
    flag("--only", Text("PATTERN"), "only accounts whose server/account matches, with * and ?"),
    flag("--shard", Words("I/N", &["auto"]), "part I of N; auto reads the variables of GitLab, Buildkite, CircleCI, Semaphore, Azure or Slurm; auto/N takes the index alone from them or from Kubernetes"),
    flag("--junit", File("FILE"), "a JUnit file with the outcomes, for a CI engine"),
    flag("--html", File("FILE"), "a page to look at: each picture in the crop that will be shown"),
    flag("--round-trip", Switch, "put a test picture on this one account, and put back what it wore"),
    flag("--har", File("FILE"), "write all requests and answers as an HTTP archive, without secrets"),
    flag("--prune", Switch, "delete the avatar that an earlier apply uploaded, after the new one is proven"),
    flag("--to", Folder("DIR"), "the folder for the manifest and the pictures; made if it is not there"),
    flag("--as-images", Switch, "declare pictures even where an id would do, to move to another server"),
];

/// How a verb is written, and what it does.
#[derive(Clone, Copy)]
pub enum Form {
    /// After a system: `avatarctl jira set`.
    OfSystem(SystemVerb),
    /// Before a manifest: `avatarctl check MANIFEST`.
    OfManifest(BatchAction),
    /// Either of them: `avatarctl jira pull`, `avatarctl pull MANIFEST`.
    OfBoth(SystemVerb),
    /// Without either: `avatarctl man`.
    Alone(Document),
}

impl Form {
    /// What it does to a system, where it may stand behind one.
    pub fn of_system(self) -> Option<SystemVerb> {
        match self {
            Form::OfSystem(verb) | Form::OfBoth(verb) => Some(verb),
            Form::OfManifest(_) | Form::Alone(_) => None,
        }
    }

    /// Whether it may stand before a manifest.
    pub fn takes_manifest(self) -> bool {
        matches!(self, Form::OfManifest(_) | Form::OfBoth(_))
    }
}

/// What can be done to a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemVerb {
    Set,
    Show,
    List,
    Reset,
    Delete,
    Whoami,
    Pull,
    Doctor,
}

/// What is printed without a server or a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// A manifest to start from.
    Example,
    /// A completion script for one of `SHELLS`, which is named after the verb.
    Completions,
    /// The manual page.
    Manual,
}

/// The shells that there are completions for.
pub const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// A verb.
pub struct Verb {
    pub name: &'static str,
    pub form: Form,
    pub about: &'static str,
    /// The names of its options from `VERB_OPTIONS`; those for targets and avatars come from the system.
    options: &'static [&'static str],
    /// What `--help` says, with places for what the tables know.
    pub help: &'static str,
}

pub static VERBS: [Verb; 14] = [
    Verb {
        name: "set",
        form: Form::OfSystem(SystemVerb::Set),
        about: "set one avatar, and check that the server shows it",
        options: &["--dry-run"],
        help: include_str!("help/set.txt"),
    },
    Verb {
        name: "show",
        form: Form::OfSystem(SystemVerb::Show),
        about: "show what an account wears now",
        options: &["--output"],
        help: include_str!("help/show.txt"),
    },
    Verb {
        name: "list",
        form: Form::OfSystem(SystemVerb::List),
        about: "list what there is to choose from",
        options: &[],
        help: include_str!("help/list.txt"),
    },
    Verb {
        name: "reset",
        form: Form::OfSystem(SystemVerb::Reset),
        about: "go back to the generated letter",
        options: &["--dry-run"],
        help: include_str!("help/reset.txt"),
    },
    Verb {
        name: "delete",
        form: Form::OfSystem(SystemVerb::Delete),
        about: "delete a custom avatar",
        options: &["--dry-run"],
        help: include_str!("help/delete.txt"),
    },
    Verb {
        name: "whoami",
        form: Form::OfSystem(SystemVerb::Whoami),
        about: "say who the caller is, on which server, and what it may change",
        options: &[],
        help: include_str!("help/whoami.txt"),
    },
    Verb {
        name: "pull",
        form: Form::OfBoth(SystemVerb::Pull),
        about: "read what accounts show now into a folder, as a manifest and pictures",
        options: &["--to", "--as-images"],
        help: include_str!("help/pull.txt"),
    },
    Verb {
        name: "doctor",
        form: Form::OfSystem(SystemVerb::Doctor),
        about: "check a server, and try it on one account",
        options: &["--round-trip", "--har"],
        help: include_str!("help/doctor.txt"),
    },
    Verb {
        name: "check",
        form: Form::OfManifest(BatchAction::Check),
        about: "read a manifest and its pictures, without a network",
        options: &["--only", "--shard", "--html"],
        help: include_str!("help/check.txt"),
    },
    Verb {
        name: "diff",
        form: Form::OfManifest(BatchAction::Diff),
        about: "show what would change on the servers, and write nothing",
        options: &[
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
        form: Form::OfManifest(BatchAction::Apply),
        about: "do what diff shows, prove each account and remember it",
        options: &[
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
        form: Form::Alone(Document::Example),
        about: "print a manifest to start from",
        options: &[],
        help: include_str!("help/example.txt"),
    },
    Verb {
        name: "completions",
        form: Form::Alone(Document::Completions),
        about: "print a completion script for a shell",
        options: &[],
        help: include_str!("help/completions.txt"),
    },
    Verb {
        name: "man",
        form: Form::Alone(Document::Manual),
        about: "print the manual page",
        options: &[],
        help: include_str!("help/man.txt"),
    },
];

/// The verb of that name.
pub fn verb(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

/// The verbs that a system has.
pub fn verbs_of(system: &System) -> impl Iterator<Item = &'static Verb> {
    VERBS.iter().filter(|verb| {
        let meaning = verb.form.of_system();
        meaning.is_some_and(|verb| instead(system, verb).is_none())
    })
}

/// The verbs that stand without a system.
pub fn verbs_without_system() -> impl Iterator<Item = &'static Verb> {
    VERBS
        .iter()
        .filter(|verb| !matches!(verb.form, Form::OfSystem(_)))
}

/// What to do instead, if a system does not have a verb.
pub fn instead(system: &System, verb: SystemVerb) -> Option<&'static str> {
    match verb {
        SystemVerb::Reset => system.reset.instead(),
        SystemVerb::Delete => system.delete.instead(),
        SystemVerb::Set
        | SystemVerb::Show
        | SystemVerb::List
        | SystemVerb::Whoami
        | SystemVerb::Pull
        | SystemVerb::Doctor => None,
    }
}

impl Verb {
    /// The options that this verb has besides the global ones, on this system or, with none, on any.
    pub fn options(&self, system: Option<&System>) -> Vec<Flag> {
        let mut options = Vec::new();
        self.add_options(system, &mut options);
        options
    }

    /// Those that name neither an account nor an avatar.
    pub fn own(&self) -> Vec<Flag> {
        let mut options = Vec::new();
        for (system, verb) in self.on(None) {
            add(&mut options, files(system, verb));
        }
        add(&mut options, self.named());
        options
    }

    fn add_options(&self, system: Option<&System>, options: &mut Vec<Flag>) {
        for (system, verb) in self.on(system) {
            add(options, targets(system, verb));
            add(options, sources(system, verb));
            add(options, files(system, verb));
        }
        add(options, self.named());
    }

    /// The system or, with none, all that have the verb.
    fn on(&self, system: Option<&System>) -> impl Iterator<Item = (&'static System, SystemVerb)> {
        let verb = self.form.of_system();
        let all = verb.map(|verb| system::ALL.into_iter().map(move |one| (one, verb)));
        all.into_iter()
            .flatten()
            .filter(move |(one, verb)| match system {
                Some(system) => system.name == one.name,
                None => instead(one, *verb).is_none(),
            })
    }

    fn named(&self) -> impl Iterator<Item = Flag> {
        let named = |name: &&str| VERB_OPTIONS.iter().find(|flag| flag.name == *name).copied();
        self.options.iter().filter_map(named)
    }
}

/// Adds the options that the list does not have.
fn add(options: &mut Vec<Flag>, more: impl IntoIterator<Item = Flag>) {
    for flag in more {
        if !options.iter().any(|known| known.name == flag.name) {
            options.push(flag);
        }
    }
}

/// The option that uploads a picture.
pub const IMAGE: &str = "--image";
/// The option that writes a page to look at.
pub const HTML: &str = "--html";
/// The option that lets a server download one.
pub const AVATAR_URL: &str = "--avatar-url";

/// The options of a verb that name the account.
fn targets(system: &'static System, verb: SystemVerb) -> impl Iterator<Item = Flag> {
    let kinds = system
        .targets
        .iter()
        .filter(move |_| takes_target(system, verb));
    kinds.map(|kind| flag(kind.flag, Text(kind.value), kind.about))
}

/// The options of a verb that name a file which not every system can fill.
fn files(system: &System, verb: SystemVerb) -> Option<Flag> {
    let sheet = flag(
        HTML,
        File("FILE"),
        "a contact sheet: every avatar with its picture and its id",
    );
    (verb == SystemVerb::List && has_offers(system)).then_some(sheet)
}

/// Whether a verb is about one account of this system.
pub fn takes_target(system: &System, verb: SystemVerb) -> bool {
    match verb {
        SystemVerb::Whoami | SystemVerb::Pull => false,
        SystemVerb::List => has_offers(system),
        SystemVerb::Set
        | SystemVerb::Show
        | SystemVerb::Reset
        | SystemVerb::Delete
        | SystemVerb::Doctor => true,
    }
}

/// Whether an account must be named: on a system whose caller wears nothing, by most verbs.
pub fn needs_target(system: &System, verb: SystemVerb) -> bool {
    takes_target(system, verb) && !system.has_caller() && verb != SystemVerb::Doctor
}

/// Whether there are avatars to choose from by their ids, which a list shows as pictures, too.
fn has_offers(system: &System) -> bool {
    matches!(system.list, List::Offers(_))
}

/// The options of a verb that say which avatar.
pub fn sources(system: &System, verb: SystemVerb) -> impl Iterator<Item = Flag> + Clone + use<> {
    let sets = verb == SystemVerb::Set;
    // What an id names can be deleted by it.
    let deletes = verb == SystemVerb::Delete && system.delete.how().is_some();
    let preset = system.preset.filter(|_| sets || deletes);
    let preset = preset.map(|preset| flag(preset.flag, Text(preset.value), preset.about));
    let picture = flag(
        IMAGE,
        File("FILE"),
        "upload this picture; - is standard input",
    );
    let download = flag(
        AVATAR_URL,
        Text("URL"),
        "let the server download this picture",
    );
    let uploads = sets.then_some(picture).into_iter();
    let downloads = (sets && system.download.is_some()).then_some(download);
    preset.into_iter().chain(uploads).chain(downloads)
}

/// Every option there is.
pub fn flags() -> Vec<Flag> {
    let mut flags = GLOBAL.to_vec();
    for verb in &VERBS {
        verb.add_options(None, &mut flags);
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
    fn the_options_that_a_verb_names_exist() {
        for verb in &VERBS {
            for name in verb.options {
                assert!(VERB_OPTIONS.iter().any(|flag| flag.name == *name), "{name}");
            }
        }
    }
}
