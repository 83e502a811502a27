//! Every option on every verb, by table: which verbs take it, its value, and how often it may be given.

use std::fs;

use crate::support::printed::{NOTHING, summary_line};
use crate::support::run::words;
use crate::support::systems::{self, System};
use crate::support::{Run, Scratch};

// ------------------------------------------------------------------------------------- options and their verbs

/// A command line of each verb that is complete. Without an address and without a manifest it ends before
/// anything is sent, with this status.
fn verbs() -> Vec<(String, i32)> {
    let of_one = |system: &'static System| {
        let lines = system.verbs.iter();
        lines.map(|line| (format!("{} {line}", system.name), 78))
    };
    let batches = BATCH.iter().map(|verb| (format!("{verb} m.json"), 66));
    systems::ALL
        .into_iter()
        .flat_map(of_one)
        .chain(batches)
        .collect()
}

const BATCH: [&str; 3] = ["check", "diff", "apply"];

/// Whose an option is.
enum Owner {
    Everybody,
    Systems,
    /// Verbs that change something at once.
    Writes,
    /// Verbs that have a target by this option.
    Aimed,
    /// What begins like one of these.
    Verbs(&'static [&'static str]),
    /// The avatars to choose from: these lines have one already, or may not have any.
    Sources,
}

impl Owner {
    fn takes(&self, option: &str, line: &str) -> bool {
        let mut words = words(line);
        let first = words.next().unwrap_or_default();
        let verb = words.next().unwrap_or_default();
        let system = systems::ALL.into_iter().find(|system| system.name == first);
        match self {
            Owner::Everybody => true,
            Owner::Systems => system.is_some(),
            Owner::Writes => system.is_some() && ["set", "reset", "delete"].contains(&verb),
            Owner::Aimed => system.is_some_and(|system| {
                system.targets.contains(&option) && system.aimed.contains(&verb)
            }),
            Owner::Verbs(begins) => begins.iter().any(|begin| line.starts_with(begin)),
            Owner::Sources => false,
        }
    }
}

/// Every option with a value that it takes, none for a switch; whose it is; and what must stand beside it.
const OPTIONS: [(&str, Option<&str>, Owner, &str); 32] = {
    use Owner::{Aimed, Everybody, Sources, Systems, Verbs, Writes};
    [
        // Its value may be unusable: that is another matter than the command line.
        ("--url", Some("ftp://a"), Systems, ""),
        ("--ca-file", Some("a.pem"), Everybody, ""),
        ("--client-cert", Some("a.pem"), Everybody, ""),
        (
            "--client-key",
            Some("a.key"),
            Everybody,
            "--client-cert=a.pem",
        ),
        ("--insecure", None, Everybody, ""),
        ("--proxy", Some("http://u:p@a:1"), Everybody, ""),
        ("--netrc", Some("netrc"), Everybody, ""),
        ("--connect-timeout", Some("2"), Everybody, ""),
        ("--timeout", Some("0.5"), Everybody, ""),
        ("--max-time", Some("3600"), Everybody, ""),
        ("--retries", Some("0"), Everybody, ""),
        ("--no-verify", None, Everybody, ""),
        ("--force", None, Everybody, ""),
        ("--json", None, Everybody, ""),
        ("--quiet", None, Everybody, ""),
        ("-q", None, Everybody, ""),
        ("--verbose", None, Everybody, ""),
        ("-v", None, Everybody, ""),
        ("-vv", None, Everybody, ""),
        ("--color", Some("never"), Everybody, ""),
        ("--dry-run", None, Writes, ""),
        ("--state", Some("s"), Verbs(&["diff", "apply"]), ""),
        ("--lock-timeout", Some("0"), Verbs(&["diff", "apply"]), ""),
        ("--only", Some("jira/*"), Verbs(&BATCH), ""),
        ("--shard", Some("1/2"), Verbs(&BATCH), ""),
        ("--junit", Some("j.xml"), Verbs(&["diff", "apply"]), ""),
        (
            "--html",
            Some("h.html"),
            Verbs(&["check", "diff", "apply", "jira list"]),
            "",
        ),
        ("--prune", None, Verbs(&["apply"]), ""),
        ("--user", Some("a"), Aimed, ""),
        ("--user-id", Some("a"), Aimed, ""),
        ("--image", Some("a.png"), Sources, ""),
        ("--icon-id", Some("null"), Sources, ""),
    ]
};

/// Both spellings, before and behind the verb; and on any other verb a refusal that names the verb.
#[test]
fn every_option_is_taken_by_its_verbs_and_refused_by_the_others() {
    let scratch = Scratch::new();
    for (line, status) in verbs() {
        let verb = match line.split_once(" m.json") {
            Some((verb, _)) => verb.to_owned(),
            None => words(&line).take(2).collect::<Vec<_>>().join(" "),
        };
        for (name, value, own, beside) in OPTIONS {
            if matches!(own, Owner::Sources) && verb.ends_with(" set") {
                continue;
            }
            let ours = own.takes(name, &line);
            let spellings = match value {
                Some(value) => vec![format!("{name} {value}"), format!("{name}={value}")],
                None => vec![name.to_owned()],
            };
            for spelled in spellings {
                for whole in [
                    format!("{line} {beside} {spelled}"),
                    format!("{spelled} {beside} {line}"),
                ] {
                    let told = Run::new(words(&whole)).dir(scratch.path()).output();
                    let refusal = match (ours, name) {
                        (true, _) => None,
                        (false, "--url") => Some(format!(
                            "avatarctl: --url is not an option of {verb}\nhint: the manifest names the servers\n"
                        )),
                        (false, _) => {
                            Some(format!("avatarctl: {name} is not an option of {verb}\n"))
                        }
                    };
                    match refusal {
                        None => assert_eq!(told.status, status, "{whole}: {told:?}"),
                        Some(refusal) => {
                            let mut said = told.stderr.clone();
                            if name != "--url" {
                                let end = said.find('\n').map_or(said.len(), |end| end + 1);
                                said.truncate(end);
                            }
                            assert_eq!(
                                (told.status, told.stdout.as_str(), said),
                                (64, NOTHING, refusal),
                                "{whole}"
                            );
                        }
                    }
                }
            }
        }
    }
    assert_eq!(
        fs::read_dir(scratch.path())
            .expect("it is a directory")
            .count(),
        0,
        "a run that could not begin leaves nothing behind"
    );
}

#[test]
fn every_option_is_given_once_and_with_its_value() {
    let long = |name: &str| match name {
        "-q" => "--quiet".to_owned(),
        other => other.to_owned(),
    };
    for (name, value, own, beside) in OPTIONS {
        let repeatable = ["-v", "-vv", "--verbose"].contains(&name);
        let own = |line: &str| matches!(own, Owner::Sources) || own.takes(name, line);
        let (line, _) = verbs()
            .into_iter()
            .find(|(line, _)| own(line))
            .expect("an option is some verb's");
        let name_of = long(name);
        let spelled = match value {
            Some(value) => format!("{name}={value}"),
            None => name.to_owned(),
        };
        let twice = format!("{line} {beside} {spelled} {spelled}");
        if !repeatable {
            let stdout = match name {
                "--json" => summary_line(0, 0, 1, 64),
                _ => NOTHING.to_owned(),
            };
            Run::new(words(&twice)).gives(
                64,
                &stdout,
                &format!("avatarctl: {name_of} is given twice\n"),
            );
        }
        if value.is_some() {
            Run::new(words(&format!("{line} {name}"))).gives(
                64,
                NOTHING,
                &format!("avatarctl: {name} needs a value\n"),
            );
            Run::new(words(&format!("{line} {name} --force"))).gives(
                64,
                NOTHING,
                &format!(
                    "avatarctl: {name} needs a value, and \"--force\" looks like an option\n\
                     hint: write {name}=VALUE for a value that begins with -\n"
                ),
            );
        }
    }
}

/// On every verb that has a target, whatever stands around it.
#[test]
fn an_empty_target_is_refused_by_every_verb() {
    for system in systems::ALL {
        let aimed = system.aimed.iter();
        let lines = aimed.map(|verb| system.verb(verb).expect("a verb that it has"));
        for (line, flag) in
            lines.flat_map(|line| system.targets.iter().map(move |flag| (line, flag)))
        {
            let line = format!("{} {}", system.name, line.replace("--employee-id 7", ""));
            for value in ["", " ", "\t", "\u{a0}"] {
                let refusal = format!(
                    "avatarctl: {flag} is empty\nhint: is the variable that it comes from set?\n"
                );
                Run::new(words(&line))
                    .arg(flag)
                    .arg(value)
                    .gives(64, NOTHING, &refusal);
                Run::new(words(&line))
                    .arg(format!("{flag}={value}"))
                    .gives(64, NOTHING, &refusal);
            }
        }
    }
}

#[test]
fn every_batch_needs_a_manifest_and_one() {
    for verb in BATCH {
        Run::new([verb]).gives(
            64,
            NOTHING,
            &format!("avatarctl: {verb} needs a manifest\n"),
        );
        Run::new([verb, "a.json", "b.json"]).gives(
            64,
            NOTHING,
            "avatarctl: unexpected argument \"b.json\"\n",
        );
        let scratch = Scratch::new();
        Run::new([verb, "m.json", "--json"])
            .dir(scratch.path())
            .gives(
                66,
                &summary_line(0, 0, 1, 66),
                "avatarctl: cannot read the manifest \"m.json\": no such file or directory\n",
            );
    }
}
