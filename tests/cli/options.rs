//! Lines of the contract that have no neighbours elsewhere: each option on each verb, each variable in each place,
//! the classes as programs read them, what counts where nothing was said, and the examples of every help.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::printed::{NOTHING, summary_line};
use crate::support::server::full_queue;
use crate::support::server::unused_address;
use crate::support::{
    Fault, Jira, Model, Navixy, Reply, RocketChat, Run, Running, Scratch, World, pictures, program,
};

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(' ').filter(|word| !word.is_empty())
}

// ------------------------------------------------------------------------------------- options and their verbs

/// A command line of each verb that is complete. Without an address and without a manifest it ends before
/// anything is sent, with this status.
const VERBS: [(&str, i32); 17] = [
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
    ("check m.json", 66),
    ("diff m.json", 66),
    ("apply m.json", 66),
];

/// Every option with a value that it takes, none for a switch; the words that begin the verbs it is for; and
/// what must stand beside it.
const OPTIONS: [(&str, Option<&str>, &[&str], &str); 32] = {
    const SYSTEMS: &[&str] = &["jira", "rocketchat", "navixy"];
    const BATCH: &[&str] = &["check", "diff", "apply"];
    const ALL: &[&str] = &["jira", "rocketchat", "navixy", "check", "diff", "apply"];
    const WRITES: &[&str] = &[
        "jira set",
        "jira delete",
        "rocketchat set",
        "rocketchat reset",
        "navixy set",
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
        ("--html", Some("h.html"), BATCH, ""),
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

// ------------------------------------------------------------------------------------------- the exit statuses

/// The names and numbers of the classes, in the line that a program reads and as the status of the run.
#[test]
fn every_class_has_its_name_and_its_number() {
    let nobody = format!("http://{}", unused_address());
    let scratch = Scratch::new();
    scratch.write("text.png", "a text");
    let page = Reply::html(200, "Log in");
    let busy = Reply::html(503, "Busy");
    for (arguments, reply, url, class, exit) in [
        ("set --image text.png", None, None, "data", 65),
        ("set --image none.png", None, None, "input", 66),
        ("show --user nobody", None, None, "target", 67),
        ("show", None, Some(nobody.as_str()), "unreachable", 69),
        ("show", Some(busy), None, "temporary", 75),
        ("show", Some(page), None, "protocol", 76),
        ("show", Some(Reply::empty(401)), None, "credentials", 77),
        ("show", None, Some("jira"), "configuration", 78),
    ] {
        let mut jira = Jira::start();
        jira.expect_anything();
        if let Some(reply) = reply {
            jira.fault(Fault::any().always().instead(reply));
        }
        let run = Run::new(["jira", "--json"].into_iter().chain(words(arguments)))
            .with(&jira)
            .dir(scratch.path())
            .once();
        let told = match url {
            Some(url) => run.env("JIRA_URL", url),
            None => run,
        }
        .output();
        let lines = told.json();
        let error = &lines[0]["error"];
        assert_eq!(
            (told.status, error["class"].as_str(), error["exit"].as_i64()),
            (exit, Some(class), Some(i64::from(exit))),
            "{told:?}"
        );
        assert_eq!(lines.len(), 2, "{told:?}");
        assert_eq!(
            told.stdout.lines().nth(1),
            summary_line(0, 0, 1, exit).lines().next()
        );
        // The same words for people, with the hint where there is one.
        let message = error["message"].as_str().expect("a message");
        let hint = match error["hint"].as_str() {
            Some(hint) => format!("hint: {hint}\n"),
            None => String::new(),
        };
        assert!(
            told.stderr.ends_with(&format!(": {message}\n{hint}")),
            "{told:?}"
        );
    }
}

/// A run for one account ends like a batch does: within a second, with its line and its summary.
#[test]
fn a_signal_ends_a_run_for_one_account() {
    for (signal, status) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        for (line, nth, said) in [
            (
                "jira show --json",
                1,
                "ask what server this is: interrupted",
            ),
            (
                "jira set --json --user robot --avatar-id 24880",
                3,
                "select avatar 24880: interrupted",
            ),
        ] {
            let jira = Jira::start();
            jira.fault(Fault::any().from(nth).always().hang());
            let process = Run::new(words(line)).with(&jira).start();
            jira.wait_for(nth);
            let begun = Instant::now();
            process.signal(signal);
            let told = process.wait();
            assert!(begun.elapsed() < Duration::from_millis(1900));
            let (account, name) = match line.contains("--user") {
                true => ("\"robot\"", " robot"),
                false => ("null", NOTHING),
            };
            let action = line.split(' ').nth(1).unwrap_or_default();
            told.gives(
                status,
                &format!(
                    "{{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"server\":\"URL\",\"account\":{account},\
                     \"action\":\"{action}\",\"outcome\":\"failed\",\"error\":{{\"class\":\"temporary\",\"exit\":75,\
                     \"status\":null,\"message\":\"{said}\",\"hint\":null}}}}\n{}",
                    summary_line(0, 0, 1, status)
                ),
                &format!("avatarctl: jira{name}: {said}\n"),
            );
        }
    }
}

/// With what was given for one server no other is spoken to, whatever it answers to a call.
#[test]
fn credentials_stay_with_their_own_server() {
    for status in [301, 302, 307, 308] {
        let mut elsewhere = Jira::start();
        elsewhere.expect_no_calls();
        for (line, call, rest) in [
            ("jira show", "GET /serverInfo", "serverInfo"),
            (
                "jira set --user robot --avatar-id 24880",
                "PUT /user/avatar",
                "user/avatar?username=robot",
            ),
        ] {
            let jira = Jira::start();
            let location = format!("{}/rest/api/2/{rest}", elsewhere.url());
            jira.fault(Fault::on(call).instead(Reply::empty(status).header("Location", location)));
            let told = Run::new(words(line)).with(&jira).output();
            assert_eq!(
                (told.status, told.stdout.as_str()),
                (76, NOTHING),
                "{told:?}"
            );
        }
        assert_eq!(elsewhere.connections(), 0);
    }
}

// ------------------------------------------------------------------------------------------------- credentials

/// Who may come in, by which variables; all of one row together are one login.
const LOGINS: [(&str, &[(&str, &str)]); 6] = [
    ("jira show", &[("JIRA_TOKEN", "ROBOTTOKEN")]),
    (
        "jira show",
        &[("JIRA_USER", "robot"), ("JIRA_PASSWORD", "secret")],
    ),
    (
        "rocketchat show",
        &[
            ("ROCKETCHAT_USER_ID", "aobEdbYhXfu5hkeqG"),
            (
                "ROCKETCHAT_AUTH_TOKEN",
                "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq",
            ),
        ],
    ),
    (
        "rocketchat show",
        &[
            ("ROCKETCHAT_USER", "robot-admin"),
            ("ROCKETCHAT_PASSWORD", "secret"),
        ],
    ),
    (
        "navixy show --employee-id=2132",
        &[("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b")],
    ),
    (
        "navixy show --employee-id=2132",
        &[
            ("NAVIXY_LOGIN", "bot@example.com"),
            ("NAVIXY_PASSWORD", "secret"),
        ],
    ),
];

/// The three systems, and a run that knows where they are and has no credentials.
struct Servers {
    jira: Running<Jira>,
    chat: Running<RocketChat>,
    fleet: Running<Navixy>,
}

impl Servers {
    fn start() -> Servers {
        fn lenient<M: Model>(mut model: Running<M>) -> Running<M> {
            model.expect_anything();
            model
        }
        Servers {
            jira: lenient(Jira::start()),
            chat: lenient(RocketChat::start()),
            fleet: lenient(Navixy::start()),
        }
    }

    fn run(&self, line: &str) -> Run {
        Run::new(words(line))
            .env("JIRA_URL", self.jira.url())
            .env("ROCKETCHAT_URL", self.chat.url())
            .env("NAVIXY_URL", self.fleet.url())
    }

    fn requests(&self) -> usize {
        self.jira.requests().len() + self.chat.requests().len() + self.fleet.requests().len()
    }
}

/// `jira` of `jira show`, `navixy 2132` of a line that names an employee.
fn subject(line: &str) -> String {
    line.replace(" show", "").replace(" --employee-id=", " ")
}

#[test]
fn every_variable_comes_from_every_place_with_or_without_its_line_end() {
    let servers = Servers::start();
    for (line, login) in LOGINS {
        let shown = match line.split(' ').next() {
            Some("jira") => "jira robot: avatar 10122 (system)\n",
            Some("navixy") => "navixy 2132: icon 12\n",
            _ => "rocketchat robot-admin: no avatar, the generated letter shows\n",
        };
        for end in ["", "\n", "\r\n"] {
            let scratch = Scratch::new();
            let [mut plain, mut file, mut systemd] = [0; 3].map(|_| servers.run(line));
            for (name, value) in login {
                let value = format!("{value}{end}");
                plain = plain.env(name, &value);
                let path = scratch.secret(&format!("files/{name}"), &value);
                file = file.env(&format!("{name}_FILE"), path);
                scratch.write(&format!("systemd/{}", name.to_lowercase()), &value);
            }
            systemd = systemd.env("CREDENTIALS_DIRECTORY", scratch.join("systemd"));
            for run in [plain, file, systemd] {
                run.gives(0, shown, NOTHING);
            }
        }
    }
}

/// Nothing is sent, and no value is said.
#[test]
fn every_variable_is_refused_where_it_is_set_twice_unreadable_or_no_text() {
    let servers = Servers::start();
    for (line, login) in LOGINS {
        for (wrong, _) in login {
            let scratch = Scratch::new();
            let file = scratch.write("file", "hunter2\n");
            let place = scratch
                .path()
                .to_str()
                .expect("a path of letters")
                .to_owned();
            // The other half of a pair is all right.
            let others = || {
                login
                    .iter()
                    .filter(|(name, _)| name != wrong)
                    .fold(servers.run(line), |run, (name, value)| {
                        run.env(name, *value)
                    })
                    .mask(&place, "DIR")
            };
            let told = |why: String| format!("avatarctl: {}: {why}\n", subject(line));
            let name_file = format!("{wrong}_FILE");
            others()
                .env(wrong, "hunter2")
                .env(&name_file, &file)
                .gives(
                    78,
                    NOTHING,
                    &told(format!(
                        "{wrong} and {name_file} are both set\nhint: keep one of them; {name_file} is the safer one"
                    )),
                );
            others().env(&name_file, scratch.join("none")).gives(
                78,
                NOTHING,
                &told(format!(
                    "cannot read {name_file} \"DIR/none\": no such file or directory"
                )),
            );
            others().env(wrong, "hunter2\nx").gives(
                78,
                NOTHING,
                &told(format!(
                    "{wrong} has more than one line\nhint: only the secret may stand there"
                )),
            );
            others()
                .env(wrong, "")
                .gives(78, NOTHING, &told(format!("{wrong} is empty")));
        }
    }
    assert_eq!(servers.requests(), 0);
}

#[test]
fn both_kinds_of_credentials_at_once_are_refused_by_every_system() {
    let servers = Servers::start();
    for pair in LOGINS.chunks(2) {
        let (line, one) = pair[0];
        let (_, other) = pair[1];
        let all = one.iter().chain(other);
        let (token, password) = (one[one.len() - 1].0, other[other.len() - 1].0);
        all.fold(servers.run(line), |run, (name, value)| run.env(name, *value))
            .gives(
                78,
                NOTHING,
                &format!(
                    "avatarctl: {}: {token} and {password} are both set\nhint: keep the one that is meant\n",
                    subject(line)
                ),
            );
    }
    assert_eq!(servers.requests(), 0);
}

// ------------------------------------------------------------------------------------- output of single verbs

/// The base address as it was given but for the slash at its end, and the target as it was given.
#[test]
fn the_server_and_the_target_are_reported_as_they_were_given() {
    let (chat, jira) = (RocketChat::start(), Jira::start());
    let given = chat.url().replacen("http", "HTTP", 1);
    Run::new(words("rocketchat show --json --user-id rbAXPnMktTFbNpwtJ --url"))
        .arg(format!("{given}/"))
        .with(&chat)
        .mask(&given, "GIVEN")
        .gives(
            0,
            "{\"v\":1,\"type\":\"account\",\"system\":\"rocketchat\",\"server\":\"GIVEN\",\"account\":\"rbAXPnMktTFbNpwtJ\",\
             \"action\":\"show\",\"outcome\":\"shown\",\"current\":null}\n\
             {\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":1,\"failed\":0,\"pending\":0,\"skipped\":0,\"exit\":0}\n",
            NOTHING,
        );
    // What was carried out is a change, even where both sides of it agree.
    Run::new(words("jira set --json --force --avatar-id 10122"))
        .with(&jira)
        .gives(
            0,
            "{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"server\":\"URL\",\"account\":\"robot\",\"action\":\"set\",\
             \"outcome\":\"changed\",\"before\":\"10122\",\"after\":\"10122\",\"verified\":true}\n\
             {\"v\":1,\"type\":\"summary\",\"changed\":1,\"unchanged\":0,\"failed\":0,\"pending\":0,\"skipped\":0,\"exit\":0}\n",
            NOTHING,
        );
    let (fleet, scratch) = (Navixy::start(), Scratch::new());
    scratch.write("a.png", pictures::png(64, 64, 1));
    Run::new(words("navixy set --json --employee-id 2132 --image a.png"))
        .with(&fleet)
        .dir(scratch.path())
        .gives(
            0,
            "{\"v\":1,\"type\":\"account\",\"system\":\"navixy\",\"server\":\"URL\",\"account\":\"2132\",\"action\":\"set\",\
             \"outcome\":\"changed\",\"before\":\"icon:12\",\"after\":\"file:e3779b97f4a7c15.png\",\"verified\":true}\n\
             {\"v\":1,\"type\":\"summary\",\"changed\":1,\"unchanged\":0,\"failed\":0,\"pending\":0,\"skipped\":0,\"exit\":0}\n",
            NOTHING,
        );
}

// ------------------------------------------------------------------------------ what counts where nothing is said

#[test]
fn a_request_that_may_be_repeated_is_repeated_three_times() {
    let mut jira = Jira::start();
    jira.expect_anything();
    let busy = Reply::html(503, "Busy");
    jira.fault(Fault::any().always().instead(busy));
    let told = Run::new(words("jira show")).with(&jira).output();
    assert_eq!((told.status, told.stdout.as_str()), (75, NOTHING));
    assert_eq!(
        told.stderr.lines().last(),
        Some(
            "avatarctl: jira: ask what server this is: the server failed with 503 (tried 4 times)"
        )
    );
    assert_eq!(jira.requests().len(), 4);
}

/// What the parent ignores stays ignored: nohup is there so that a run outlives its terminal.
#[test]
fn a_signal_that_the_parent_ignores_stays_ignored() {
    for (ignored, name) in [(&[libc::SIGHUP], "HUP"), (&[libc::SIGINT], "INT")] {
        let jira = Jira::start();
        jira.fault(Fault::any().always().hang());
        let process = Run::new(words("jira show"))
            .with(&jira)
            .ignoring(ignored)
            .start();
        jira.wait_for(1);
        // A second signal that is not ignored would end it without a word.
        process.signal(name);
        process.signal("TERM");
        process.wait().gives(
            143,
            NOTHING,
            "avatarctl: jira: ask what server this is: interrupted\n",
        );
    }
}

/// A connection that nobody answers cannot be given up, so the alarm ends the run; a parent that ignores alarms does
/// not change that.
#[test]
fn the_grace_after_a_signal_ends_whatever_the_parent_ignores() {
    let (listener, _waiting) = full_queue();
    let address = listener.local_addr().expect("an address").to_string();
    let process = Run::new(words("jira show --url"))
        .arg(format!("http://{address}"))
        .env("JIRA_TOKEN", "token")
        .ignoring(&[libc::SIGALRM])
        .start();
    process.listens(libc::SIGTERM);
    let begun = Instant::now();
    process.signal("TERM");
    let told = process.wait();
    assert_eq!(told.status, 143, "{told:?}");
    assert!(begun.elapsed() < Duration::from_millis(1900), "{told:?}");
}

/// Ten seconds to connect and sixty for a request. Both are waited for at once, and in full: nothing less tells
/// that these are the numbers.
#[test]
fn ten_seconds_to_connect_and_sixty_for_a_request_are_the_limits() {
    let (listener, _waiting) = full_queue();
    let address = listener.local_addr().expect("an address").to_string();
    let mut fleet = Navixy::start();
    fleet.expect_anything();
    fleet.fault(Fault::any().always().hang());
    let begun = Instant::now();
    let connecting = Run::new(words("jira show --retries 0 --url"))
        .arg(format!("http://{address}"))
        .env("JIRA_TOKEN", "token")
        .mask(&address, "ADDRESS")
        .start();
    let asking = Run::new(words("navixy list --retries 0"))
        .with(&fleet)
        .patience(Duration::from_secs(90))
        .start();
    let told = connecting.wait();
    let took = begun.elapsed();
    told.gives(
        69,
        NOTHING,
        "avatarctl: jira: ask what server this is: connecting to ADDRESS took too long\n",
    );
    assert!((10..15).contains(&took.as_secs()), "{took:?}");
    let told = asking.wait();
    let took = begun.elapsed();
    told.gives(
        75,
        NOTHING,
        "avatarctl: navixy: list employees: no answer within 60 s\nhint: allow more time with --timeout\n",
    );
    assert!((60..66).contains(&took.as_secs()), "{took:?}");
}

// ---------------------------------------------------------------------------------------------------- examples

/// Every page of help there is, by what asks for it.
fn pages() -> Vec<(String, String)> {
    let topics = [
        "",
        "jira",
        "rocketchat",
        "navixy",
        "set",
        "show",
        "list",
        "reset",
        "delete",
        "whoami",
        "check",
        "diff",
        "apply",
        "completions",
        "man",
    ];
    topics
        .map(|topic| {
            let told = Run::new(words(topic)).arg("--help").output();
            assert_eq!((told.status, told.stderr.as_str()), (0, NOTHING), "{topic}");
            (topic.to_owned(), told.stdout)
        })
        .into()
}

fn examples(page: &str) -> Vec<&str> {
    let (_, examples) = page.split_once("\nexamples:\n").unwrap_or_default();
    examples.lines().map(str::trim).collect()
}

#[test]
fn every_help_has_two_examples_of_its_own() {
    for (topic, page) in pages() {
        let examples = examples(&page);
        assert!(examples.len() >= 2, "{topic} --help: {examples:?}");
        let different: BTreeSet<&&str> = examples.iter().collect();
        assert_eq!(different.len(), examples.len(), "{topic} --help");
        for example in examples {
            let about = example.strip_prefix("avatarctl ").expect("a command");
            assert!(
                words(about).any(|word| topic.is_empty() || word == topic),
                "{topic} --help: {example}"
            );
        }
    }
}

/// The words of the command that begins with `avatarctl`, as a shell cuts them: up to a comment, a pipe, a
/// redirection, or the end of the text that it is quoted in.
fn command(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' | '"' if rest.clone().any(|other| other == c) => {
                let quoted = rest.by_ref().take_while(|other| *other != c);
                word.get_or_insert_default().extend(quoted);
            }
            '#' if word.is_none() => break,
            '|' | '>' | ';' | ')' | '`' | '\'' | '\n' => break,
            ' ' => found.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    found.extend(word);
    found
}

/// Every command of the README, in code and in running text.
fn of_the_readme() -> Vec<String> {
    let readme = include_str!("../../README.md");
    let mut found = Vec::new();
    for line in readme.lines() {
        let mut rest = line;
        let mut before = String::new();
        while let Some(at) = rest.find("avatarctl ") {
            before.push_str(&rest[..at]);
            // Code is indented, or stands behind an odd number of marks.
            if line.starts_with("    ") || before.matches('`').count() % 2 == 1 {
                found.push(rest[at..].to_owned());
            }
            before.push_str("avatarctl ");
            rest = &rest[at + "avatarctl ".len()..];
        }
    }
    found
}

/// Servers that have what the examples speak of, so that those do what they promise.
#[test]
fn every_example_works() {
    let mut commands = Vec::new();
    for (_, page) in pages() {
        commands.extend(examples(&page).into_iter().map(str::to_owned));
    }
    commands.extend(of_the_readme());
    assert!(commands.len() > 40, "{commands:?}");
    let mut told = Vec::new();
    for text in commands {
        let arguments: Vec<String> = command(&text)
            .into_iter()
            .skip(1)
            .map(|word| {
                word.replace("$CI_NODE_INDEX", "2")
                    .replace("/etc/avatarctl/", "")
                    .replace("/var/lib/avatarctl/", "")
                    .replace("${STATE_DIRECTORY}/", "")
            })
            .collect();
        let mut world = World::new();
        world.lenient();
        world.chat.model().publish(
            "http://domain.tld/to/my/own/avatar.jpg",
            pictures::jpeg(64, 64, 3),
        );
        let given = world.jira.model().give("robot", pictures::png(64, 64, 7));
        assert_eq!(given, 24901);
        for name in ["my-own-avatar.png", "build-bot.png", "driver.jpg"] {
            let bytes = match name.ends_with(".png") {
                true => pictures::png(64, 64, 1),
                false => pictures::jpeg(64, 64, 1),
            };
            world.scratch.write(name, &bytes);
            world.scratch.write(&format!("faces/{name}"), &bytes);
        }
        let manifest = world.manifest(
            r#"
    {"server": "jira",  "user": "robot", "avatar_id": "24880"},
    {"server": "jira",  "user": "build-bot", "image": "faces/build-bot.png"},
    {"server": "chat",  "user": "build-bot", "image": "faces/build-bot.png"},
    {"server": "chat",  "user": "retired-bot", "reset": true},
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"}"#,
        );
        world.scratch.write("avatars.json", manifest);
        let mut run = Run::new(arguments.iter().map(String::as_str))
            .dir(world.scratch.path())
            .env("CI_NODE_INDEX", "2")
            .env("CI_NODE_TOTAL", "3")
            .env("JIRA_URL", world.jira.url())
            .env("ROCKETCHAT_URL", world.chat.url())
            .env("NAVIXY_URL", world.fleet.url());
        for (name, value) in world.settings() {
            run = run.env(name, value);
        }
        let output = run.output();
        println!("{arguments:?} {}", output.status);
        // A diff says 2 because there is something to do.
        let wanted = i32::from(arguments.first().is_some_and(|verb| verb == "diff")) * 2;
        if output.status != wanted || !output.stderr.is_empty() {
            told.push(format!("{text}\n{arguments:?}\n{output:?}"));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}

// ------------------------------------------------------------------------------------------------ the state file

/// The calls by which a run wrote files, as `strace` saw them: their names and what they were about.
fn system_calls(world: &World, line: &str) -> Option<Vec<String>> {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-y", "-qq", "-o", "calls", "-e"])
        .arg("trace=write,fsync,fdatasync,rename,renameat,renameat2,exit_group")
        .arg(program())
        .args(words(line))
        .current_dir(world.scratch.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(world.settings());
    match command.output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(error) => {
            assert!(
                std::env::var_os("AVATARCTL_TESTS_WITHOUT_STRACE").is_some(),
                "strace does not start ({error}): install the package strace, or set \
                 AVATARCTL_TESTS_WITHOUT_STRACE to do without this test"
            );
            return None;
        }
    }
    let place = format!(
        "{}/",
        fs::canonicalize(world.scratch.path())
            .expect("it is there")
            .display()
    );
    let calls = world.scratch.read("calls");
    let kept = calls.lines().filter_map(|call| {
        let (_, call) = call.split_once(' ')?;
        let (name, rest) = call.trim().split_once('(')?;
        let names: Vec<&str> = rest
            .split(&['<', '>', '"'][..])
            .filter_map(|part| {
                let part = part.strip_prefix(&place).unwrap_or(part);
                match part {
                    "m.json.state" => Some(part),
                    // Its name is not to be guessed.
                    _ => part.starts_with(".avatarctl-").then_some("NEW"),
                }
            })
            .collect();
        match name {
            "exit_group" => Some("exit".to_owned()),
            _ if names.is_empty() => None,
            _ => Some(format!("{name} {}", names.join(" "))),
        }
    });
    Some(kept.collect())
}

/// A file that is written must not take the place of one that was read.
#[test]
fn no_file_is_named_twice() {
    let mut world = World::new();
    world.declare(r#"{"server": "jira", "user": "robot", "avatar_id": 24880}"#);
    world.offline();
    let manifest = world.scratch.read("m.json");
    for (line, message) in [
        ("check m.json --html m.json", "--html and the manifest"),
        ("check m.json --html ./m.json", "--html and the manifest"),
        ("check m.json --html m.json.state", "--html and --state"),
        ("diff m.json --junit m.json", "--junit and the manifest"),
        ("diff m.json --junit out --html ./out", "--html and --junit"),
        ("apply m.json --state m.json", "--state and the manifest"),
    ] {
        println!("{line}");
        let message = format!("avatarctl: {message} are the same file\n");
        world.run(line).gives(64, "", &message);
        assert_eq!(world.scratch.read("m.json"), manifest);
    }
    world.scratch.write("face.png", pictures::png(64, 64, 1));
    world.declare(r#"{"server": "jira", "user": "robot", "image": "face.png"}"#);
    world.offline();
    world.run("check m.json --html face.png").gives(
        64,
        "",
        "avatarctl: --html and the picture \"face.png\" are the same file\n",
    );
    world.run("check m.json --html /dev/null").gives(
        0,
        "1 account on 1 server: no errors, no warnings\n",
        "",
    );
}

/// Every account's line is one write, and on the disk before anything else is done; a new file is, before it has
/// the name.
#[test]
fn what_is_remembered_is_on_the_disk() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "avatar_id": 24880}"#,
    );
    let Some(calls) = system_calls(&world, "apply m.json") else {
        return;
    };
    let remembered = ["write m.json.state", "fdatasync m.json.state"];
    assert_eq!(calls, [&remembered[..], &remembered, &["exit"]].concat());
    let state = world.scratch.read("m.json.state");
    world.scratch.write("m.json.state", state.repeat(3));
    let calls = system_calls(&world, "apply m.json").expect("strace is there");
    let renewed = ["write NEW", "fsync NEW", "rename NEW m.json.state"];
    assert_eq!(calls[..3], renewed, "{calls:?}");
}
