//! Which accounts are meant, and what becomes of their names: on the command line, from standard input, from a manifest.

use super::{Servers, listed};
use crate::support::jira::User;
use crate::support::{Jira, Model, Navixy, Run, Running, Scratch, matrix};

fn run<M: Model>(model: &Running<M>, scratch: &Scratch, words: &str) -> Run {
    Run::new(words.split(' ')).with(model).dir(scratch.path())
}

/// As the manifest in the folder has them, in its order.
fn declared(scratch: &Scratch) -> Vec<String> {
    let manifest = scratch.read("backup/avatars.json");
    let accounts = manifest.split("\"accounts\": ").nth(1).expect("accounts");
    let accounts = accounts
        .lines()
        .filter_map(|line| line.trim().strip_prefix('{'));
    accounts
        .map(|account| account.trim_end_matches([',', '}']).to_owned())
        .collect()
}

#[test]
fn names_are_words_in_the_order_they_are_given() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    run(
        &jira,
        &scratch,
        "jira pull robot build-bot --to backup deploy-bot",
    )
    .gives(
        0,
        "jira robot: pulled avatar 10122 (default), preview jira/robot.svg\n\
         jira build-bot: pulled avatar 10122 (default), preview jira/build-bot.svg\n\
         jira deploy-bot: pulled avatar 10122 (default), preview jira/deploy-bot.svg\n\
         3 pulled (3 default)\n",
        "",
    );
    assert_eq!(
        declared(&scratch),
        ["robot", "build-bot", "deploy-bot"].map(|name| format!(
            "\"server\": \"jira\", \"user\": \"{name}\", \"avatar_id\": 10122"
        ))
    );
}

#[test]
fn standard_input_gives_a_name_a_line() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    run(&jira, &scratch, "jira pull - --to backup")
        .stdin("\u{feff}robot\n\n  build-bot \r\n\tdeploy-bot")
        .gives(
            0,
            "jira robot: pulled avatar 10122 (default), preview jira/robot.svg\n\
             jira build-bot: pulled avatar 10122 (default), preview jira/build-bot.svg\n\
             jira deploy-bot: pulled avatar 10122 (default), preview jira/deploy-bot.svg\n\
             3 pulled (3 default)\n",
            "",
        );
}

/// A list is seldom without one that is there twice.
#[test]
fn who_is_named_twice_is_pulled_once() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    run(&jira, &scratch, "jira pull robot Robot robot --to backup").gives(
        0,
        "jira robot: pulled avatar 10122 (default), preview jira/robot.svg\n1 pulled (1 default)\n",
        "avatarctl: warning: \"Robot\" is named twice, and pulled once\n\
         avatarctl: warning: \"robot\" is named twice, and pulled once\n",
    );
    let fleet = Navixy::start();
    run(&fleet, &scratch, "navixy pull 2133 02133 --to fleet").gives(
        0,
        "navixy 2133: pulled no icon (generated)\n1 pulled (1 generated)\n",
        "avatarctl: warning: \"2133\" is named twice, and pulled once\n",
    );
}

#[test]
fn without_a_name_it_is_the_caller_or_everybody() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    run(&jira, &scratch, "jira pull --to backup").gives(
        0,
        "jira robot: pulled avatar 10122 (default), preview jira/robot.svg\n1 pulled (1 default)\n",
        "",
    );
    assert_eq!(
        declared(&scratch),
        ["\"server\": \"jira\", \"self\": true, \"avatar_id\": 10122"]
    );
    run(&jira, &scratch, "diff backup/avatars.json").gives(0, "0 to change, 1 the same\n", "");
    let fleet = Navixy::start();
    run(&fleet, &scratch, "navixy pull --to fleet").gives(
        0,
        "navixy 2132: pulled icon 12 (default)\n\
         navixy 2133: pulled no icon (generated)\n\
         navixy 2134: pulled no icon (generated)\n\
         3 pulled (1 default, 2 generated)\n",
        "",
    );
    assert_eq!(fleet.calls(), ["POST /v2/employee/list"]);
}

/// What an unset variable or an empty list means is nobody, and never the caller or everybody.
#[test]
fn no_name_where_names_were_promised_is_refused() {
    let mut jira = Jira::start();
    let mut fleet = Navixy::start();
    jira.expect_no_calls();
    fleet.expect_no_calls();
    let scratch = Scratch::new();
    let none = "avatarctl: there is no name on standard input\n";
    for text in ["", "\n \r\n\t\n", "\u{feff}"] {
        run(&jira, &scratch, "jira pull - --to backup")
            .stdin(text)
            .gives(64, "", none);
        run(&fleet, &scratch, "navixy pull - --to backup")
            .stdin(text)
            .gives(64, "", none);
    }
    let empty = "avatarctl: a name is empty\nhint: is the variable that it comes from set?\n";
    for name in ["", " "] {
        Run::new(["jira", "pull", "--to", "backup", name])
            .with(&jira)
            .dir(scratch.path())
            .gives(64, "", empty);
    }
    assert!(!scratch.join("backup").exists());
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let mut jira = Jira::start();
    let mut fleet = Navixy::start();
    jira.expect_no_calls();
    fleet.expect_no_calls();
    let scratch = Scratch::new();
    for (line, message) in [
        ("jira pull robot", "jira pull needs --to"),
        ("pull m.json", "pull needs --to"),
        (
            "pull --to backup",
            "pull needs a manifest\nhint: or a system before it: avatarctl SYSTEM pull",
        ),
        (
            "pull jira --to backup",
            "pull needs a system before it\nhint: write avatarctl jira pull; the systems are jira, rocketchat, navixy, matrix",
        ),
        (
            "pull m.json n.json --to backup",
            "unexpected argument \"n.json\"",
        ),
        (
            "jira pull --to -",
            "--to takes a path, not -\nhint: write ./- for one of that name",
        ),
        (
            "jira pull --to=",
            "--to is empty\nhint: is the variable that it comes from set?",
        ),
        (
            "jira pull --user robot --to backup",
            "--user is not an option of jira pull\nhint: write the names as words: avatarctl jira pull NAME --to DIR",
        ),
        (
            "pull m.json --to backup --url https://jira.example.com",
            "--url is not an option of pull\nhint: the manifest names the servers",
        ),
        (
            "pull m.json --to backup --only jira/*",
            "--only is not an option of pull",
        ),
        (
            "jira pull robot - --to backup",
            "names are given both as words and with -\nhint: - reads them from standard input, and stands alone",
        ),
        (
            "navixy pull 2132 driver --to backup",
            "employee takes a number from 1 up, not \"driver\"",
        ),
        (
            "navixy pull 0 --to backup",
            "employee takes a number from 1 up, not \"0\"",
        ),
    ] {
        Run::new(line.split(' '))
            .with(&jira)
            .with(&fleet)
            .dir(scratch.path())
            .gives(64, "", &format!("avatarctl: {message}\n"));
    }
    run(&fleet, &scratch, "navixy pull - --to backup")
        .stdin("2132\n\nx\n")
        .gives(
            64,
            "",
            "avatarctl: line 3 of standard input: employee takes a number from 1 up, not \"x\"\n",
        );
    assert!(scratch.names().is_empty());
}

#[test]
fn a_manifest_may_come_from_standard_input() {
    let servers = Servers::start();
    servers.declare(r#"{"server": "jira", "user": "robot", "image": "not/there.png"}"#);
    let text = servers.world.scratch.read("m.json");
    servers.run("pull - --to backup").stdin(text).gives(
        0,
        "jira robot: pulled avatar 10122 (default), preview jira/robot.svg\n1 pulled (1 default)\n",
        "",
    );
    servers.run("pull - --to other").stdin("{}").gives(
        65,
        "",
        "avatarctl: line 1: servers: is missing\navatarctl: line 1: accounts: is missing\n",
    );
    assert!(!servers.world.scratch.join("other").exists());
}

/// Names as a directory may have them, and as nobody should: none leads out of the folder, hides, or takes another
/// one's place.
#[test]
fn hostile_names_stay_in_the_folder() {
    let names = [
        "..",
        "../../escape",
        ".hidden",
        "-rf",
        "a/b",
        "a\\b",
        "zoë",
        "per%63ent",
        "with blank",
        "quo\"te",
        "line\u{2028}end",
        "con.png",
    ];
    let long = "x".repeat(300);
    let jira = Jira::start();
    for (at, name) in names.into_iter().chain([long.as_str()]).enumerate() {
        let user = User::new(name, &format!("KEY{at}"), name);
        jira.model().users.push(user);
    }
    let scratch = Scratch::new();
    let mut words = vec!["jira", "pull", "--to", "backup", "--"];
    words.extend(names);
    words.push(&long);
    let output = Run::new(words).with(&jira).dir(scratch.path()).output();
    assert_eq!((output.status, output.stderr.as_str()), (0, ""));
    assert_eq!(scratch.names(), ["backup"]);
    let files = listed(&scratch.join("backup/jira"));
    let cut = files
        .iter()
        .find(|name| name.starts_with("xxx"))
        .expect("the long one");
    assert!(cut.len() < 255 && cut.len() > 100, "{cut}");
    let rest: Vec<&String> = files.iter().filter(|name| *name != cut).collect();
    assert_eq!(
        rest,
        [
            "%2E.%2F..%2Fescape.svg",
            "%2E..svg",
            "%2Ehidden.svg",
            "-rf.svg",
            "a%2Fb.svg",
            "a%5Cb.svg",
            "con.png.svg",
            "line%E2%80%A8end.svg",
            "per%2563ent.svg",
            "quo%22te.svg",
            "with%20blank.svg",
            "zo%C3%AB.svg",
        ]
    );
    run(&jira, &scratch, "diff backup/avatars.json").gives(0, "0 to change, 13 the same\n", "");
}

/// Two accounts whose names differ in case alone, and two that are named alike in different ways.
#[test]
fn no_file_takes_the_place_of_another_accounts() {
    let servers = Servers::start();
    {
        let mut hs = servers.world.hs().model();
        for name in ["Robot", "ROBOT"] {
            hs.users.push(matrix::User::new(name));
        }
        for (name, seed) in [("robot", 31), ("Robot", 32), ("ROBOT", 33)] {
            hs.give(name, crate::support::pictures::png(8, 8, seed));
        }
    }
    servers.does("matrix pull ROBOT Robot robot --to backup");
    let files = listed(&servers.world.scratch.join("backup/matrix"));
    assert_eq!(files, ["%52%4F%42%4F%54.png", "%52obot.png", "robot.png"]);
    servers.does("matrix pull robot ROBOT Robot --to other");
    assert_eq!(listed(&servers.world.scratch.join("other/matrix")), files);
    for name in files {
        let [a, b] = ["backup", "other"].map(|folder| {
            std::fs::read(
                servers
                    .world
                    .scratch
                    .join(folder)
                    .join("matrix")
                    .join(&name),
            )
        });
        assert_eq!(a.expect("a file"), b.expect("a file"), "{name}");
    }
}

/// The folder of a server is not to be the manifest, hidden, or another one's.
#[test]
fn names_of_servers_become_names_of_folders() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let url = jira.url();
    let users = [
        ("avatars.json", "robot"),
        ("..", "build-bot"),
        ("J", "deploy-bot"),
        ("j", "j-bot"),
    ];
    jira.model().users.push(User::new("j-bot", "JBOT", "J"));
    let servers =
        users.map(|(name, _)| format!(r#""{name}": {{"system": "jira", "url": "{url}"}}"#));
    let accounts = users
        .map(|(name, user)| format!(r#"{{"server": "{name}", "user": "{user}", "avatar_id": 1}}"#));
    let manifest = format!(
        r#"{{"servers": {{{}}}, "accounts": [{}]}}"#,
        servers.join(", "),
        accounts.join(", ")
    );
    scratch.write("m.json", manifest);
    let output = run(&jira, &scratch, "pull m.json --to backup -q").output();
    assert_eq!((output.status, output.stderr.as_str()), (0, ""));
    assert_eq!(
        listed(&scratch.join("backup")),
        [
            "%2E./",
            "%2E./build-bot.svg",
            "%61%76%61%74%61%72%73%2E%6A%73%6F%6E/",
            "%61%76%61%74%61%72%73%2E%6A%73%6F%6E/robot.svg",
            "%6A/",
            "%6A/j-bot.svg",
            "J/",
            "J/deploy-bot.svg",
            "avatars.json",
            "avatars.json.state",
        ]
    );
    run(&jira, &scratch, "diff backup/avatars.json").gives(0, "0 to change, 4 the same\n", "");
}
