//! Every option on every verb, by table: which verbs take it, its value, and how often it may be given.

use std::fs;

use crate::support::printed::{NOTHING, summary_line};
use crate::support::run::words;
use crate::support::{Run, Scratch, systems};

// ------------------------------------------------------------------------------------- options and their verbs

/// A command line of each verb that is complete. Without an address and without a manifest it ends before
/// anything is sent, with this status.
const VERBS: [(&str, i32); 22] = [
    ("jira set --avatar-id 5", 78),
    ("jira show", 78),
    ("jira list", 78),
    ("jira delete --avatar-id 5", 78),
    ("jira whoami", 78),
    ("rocketchat set --avatar-url http://a/b", 78),
    ("rocketchat show", 78),
    ("rocketchat list", 78),
    ("rocketchat reset", 78),
    ("rocketchat whoami", 78),
    ("navixy set --employee-id 7 --icon-id 5", 78),
    ("navixy show --employee-id 7", 78),
    ("navixy list", 78),
    ("navixy whoami", 78),
    ("matrix set --mxc mxc://a/b", 78),
    ("matrix show", 78),
    ("matrix list", 78),
    ("matrix reset", 78),
    ("matrix whoami", 78),
    ("check m.json", 66),
    ("diff m.json", 66),
    ("apply m.json", 66),
];

/// Every option with a value that it takes, none for a switch; the words that begin the verbs it is for; and
/// what must stand beside it.
const OPTIONS: [(&str, Option<&str>, &[&str], &str); 32] = {
    const SYSTEMS: &[&str] = &["jira", "rocketchat", "navixy", "matrix"];
    const BATCH: &[&str] = &["check", "diff", "apply"];
    const ALL: &[&str] = &[
        "jira",
        "rocketchat",
        "navixy",
        "matrix",
        "check",
        "diff",
        "apply",
    ];
    const WRITES: &[&str] = &[
        "jira set",
        "jira delete",
        "rocketchat set",
        "rocketchat reset",
        "navixy set",
        "matrix set",
        "matrix reset",
    ];
    [
        // Its value may be unusable: that is another matter than the command line.
        ("--url", Some("ftp://a"), SYSTEMS, ""),
        ("--ca-file", Some("a.pem"), ALL, ""),
        ("--client-cert", Some("a.pem"), ALL, ""),
        ("--client-key", Some("a.key"), ALL, "--client-cert=a.pem"),
        ("--insecure", None, ALL, ""),
        ("--proxy", Some("http://u:p@a:1"), ALL, ""),
        ("--netrc", Some("netrc"), ALL, ""),
        ("--connect-timeout", Some("2"), ALL, ""),
        ("--timeout", Some("0.5"), ALL, ""),
        ("--max-time", Some("3600"), ALL, ""),
        ("--retries", Some("0"), ALL, ""),
        ("--no-verify", None, ALL, ""),
        ("--force", None, ALL, ""),
        ("--json", None, ALL, ""),
        ("--quiet", None, ALL, ""),
        ("-q", None, ALL, ""),
        ("--verbose", None, ALL, ""),
        ("-v", None, ALL, ""),
        ("-vv", None, ALL, ""),
        ("--color", Some("never"), ALL, ""),
        ("--dry-run", None, WRITES, ""),
        ("--state", Some("s"), &["diff", "apply"], ""),
        ("--lock-timeout", Some("0"), &["diff", "apply"], ""),
        ("--only", Some("jira/*"), BATCH, ""),
        ("--shard", Some("1/2"), BATCH, ""),
        ("--junit", Some("j.xml"), &["diff", "apply"], ""),
        (
            "--html",
            Some("h.html"),
            &["check", "diff", "apply", "jira list"],
            "",
        ),
        ("--prune", None, &["apply"], ""),
        (
            "--user",
            Some("a"),
            &[
                "jira set",
                "jira show",
                "jira list",
                "jira delete",
                "rocketchat set",
                "rocketchat show",
                "rocketchat reset",
                "matrix set",
                "matrix show",
                "matrix reset",
            ],
            "",
        ),
        (
            "--user-id",
            Some("a"),
            &["rocketchat set", "rocketchat show", "rocketchat reset"],
            "",
        ),
        ("--image", Some("a.png"), &[], ""),
        ("--icon-id", Some("null"), &[], ""),
    ]
};

/// Both spellings, before and behind the verb; and on any other verb a refusal that names the verb.
#[test]
fn every_option_is_taken_by_its_verbs_and_refused_by_the_others() {
    let scratch = Scratch::new();
    for system in systems::names() {
        let covered = VERBS.iter().any(|(line, _)| line.starts_with(system));
        assert!(covered, "{system} has rows");
    }
    for (line, status) in VERBS {
        let verb = match line.split_once(" m.json") {
            Some((verb, _)) => verb.to_owned(),
            None => words(line).take(2).collect::<Vec<_>>().join(" "),
        };
        for (name, value, own, beside) in OPTIONS {
            // The sources: these lines have one already, or may not have any.
            if own.is_empty() && verb.ends_with(" set") {
                continue;
            }
            let ours = own.iter().any(|begin| line.starts_with(begin));
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
        let (line, _) = VERBS
            .into_iter()
            .find(|(line, _)| own.is_empty() || own.iter().any(|begin| line.starts_with(begin)))
            .expect("an option is some verb's");
        let name_of = long(name);
        let spelled = match value {
            Some(value) => format!("{name}={value}"),
            None => name.to_owned(),
        };
        let twice = format!("{line} {beside} {spelled} {spelled}");
        if !repeatable {
            Run::new(words(&twice)).gives(
                64,
                NOTHING,
                &format!("avatarctl: {name_of} is given twice\n"),
            );
        }
        if value.is_some() {
            Run::new(words(&format!("{line} {name}"))).gives(
                64,
                NOTHING,
                &format!("avatarctl: {name} needs a value\n"),
            );
            Run::new(words(&format!("{line} {name} --json"))).gives(
                64,
                NOTHING,
                &format!(
                    "avatarctl: {name} needs a value, and \"--json\" looks like an option\n\
                     hint: write {name}=VALUE for a value that begins with -\n"
                ),
            );
        }
    }
}

/// On every verb that has a target, whatever stands around it.
#[test]
fn an_empty_target_is_refused_by_every_verb() {
    for (line, _) in VERBS {
        let (_, _, own, _) = OPTIONS
            .into_iter()
            .find(|(name, ..)| *name == "--user")
            .expect("a row");
        let mut flags = Vec::new();
        if own.iter().any(|begin| line.starts_with(begin)) {
            flags.push("--user");
            if line.starts_with("rocketchat") {
                flags.push("--user-id");
            }
        }
        let line = line.replace("--employee-id 7", "");
        if line.starts_with("navixy set") || line.starts_with("navixy show") {
            flags.push("--employee-id");
        }
        for flag in flags {
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
    for verb in ["check", "diff", "apply"] {
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
