//! `check`, and the manifest as every batch reads it: what it takes, everything it refuses and where, and what it
//! warns of. Nothing in here reaches a server unless it says so.

use std::fs;

use crate::support::printed::NOTHING;
use crate::support::server::{Server, unused_address};
use crate::support::{Model, Navixy, Run, Scratch, World, pictures};

/// A scratch directory with a few pictures, and a manifest.
fn scratch(manifest: impl AsRef<[u8]>) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.png", pictures::png(64, 64, 1));
    scratch.write("m.json", manifest);
    scratch
}

/// In an empty environment: no credentials, no proxy, no address.
fn check(scratch: &Scratch) -> Run {
    Run::new(["check", "m.json"]).dir(scratch.path())
}

const SERVERS: &str = r#""servers": {
  "jira": {"system": "jira", "url": "https://jira.example.com"},
  "chat": {"system": "rocketchat", "url": "http://localhost:3000"},
  "fleet": {"system": "navixy", "url": "https://api.example.com/v2", "credentials": "FLEET"}, "hs": {"system": "matrix", "url": "https://hs.example.com"}}"#;

/// A manifest with these accounts, of which the first stands in line 6.
fn with(accounts: &str) -> String {
    format!("{{{SERVERS},\n\"accounts\": [\n{accounts}\n]}}\n")
}

#[test]
fn the_documented_manifest_is_in_order() {
    let scratch = scratch(
        r#"{
      "servers": {
        "jira":  {"system": "jira", "url": "https://jira.your-company.com"},
        "chat":  {"system": "rocketchat", "url": "http://localhost:3000"},
        "fleet": {"system": "navixy", "url": "https://api.eu.navixy.com/v2", "credentials": "FLEET"}
      },
      "accounts": [
        {"server": "jira",  "user": "robot", "avatar_id": "24880"},
        {"server": "jira",  "user": "build-bot", "image": "faces/build-bot.png"},
        {"server": "chat",  "user": "build-bot", "image": "faces/build-bot.png"},
        {"server": "chat",  "user_id": "BsNr28znDkG8aeo7W", "avatar_url": "http://domain.tld/to/my/own/avatar.jpg"},
        {"server": "chat",  "user": "retired-bot", "reset": true},
        {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
        {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"}
      ]
    }"#,
    );
    scratch.write("faces/build-bot.png", pictures::png(256, 256, 1));
    scratch.write("faces/driver.jpg", pictures::jpeg(256, 256, 1));
    check(&scratch).gives(
        0,
        "7 accounts on 3 servers: no errors, no warnings\n",
        NOTHING,
    );
    let preset = |system: &str, server: &str, account: &str, wanted: &str| {
        format!(
            r#"{{"v":1,"type":"account","system":"{system}","server":"{server}","account":"{account}","action":"check","outcome":"unchanged","wanted":"{wanted}","format":null,"width":null,"height":null,"bytes":null,"warnings":[]}}"#
        )
    };
    let picture = |system: &str, server: &str, account: &str, name: &str, format: &str| {
        let bytes = scratch
            .join("faces")
            .join(name)
            .metadata()
            .expect("it is there")
            .len();
        format!(
            r#"{{"v":1,"type":"account","system":"{system}","server":"{server}","account":"{account}","action":"check","outcome":"unchanged","wanted":"image {name}","format":"{format}","width":256,"height":256,"bytes":{bytes},"warnings":[]}}"#
        )
    };
    let (jira, chat) = ("https://jira.your-company.com", "http://localhost:3000");
    let fleet = "https://api.eu.navixy.com/v2";
    let lines = [
        preset("jira", jira, "robot", "avatar 24880"),
        picture("jira", jira, "build-bot", "build-bot.png", "PNG"),
        picture("rocketchat", chat, "build-bot", "build-bot.png", "PNG"),
        preset("rocketchat", chat, "BsNr28znDkG8aeo7W", "url http://domain.tld/to/my/own/avatar.jpg"),
        preset("rocketchat", chat, "retired-bot", "generated letter"),
        preset("navixy", fleet, "2132", "icon 3654"),
        picture("navixy", fleet, "2133", "driver.jpg", "JPEG"),
        r#"{"v":1,"type":"summary","changed":0,"unchanged":7,"failed":0,"pending":0,"skipped":0,"exit":0}"#.to_owned(),
    ];
    check(&scratch)
        .arg("--json")
        .gives(0, &(lines.join("\n") + "\n"), NOTHING);
    check(&scratch).arg("-v").gives(
        0,
        &format!(
            "jira robot: avatar 24880\n\
             jira build-bot: image build-bot.png (PNG, 256 x 256, {png} bytes)\n\
             chat build-bot: image build-bot.png (PNG, 256 x 256, {png} bytes)\n\
             chat BsNr28znDkG8aeo7W: url http://domain.tld/to/my/own/avatar.jpg\n\
             chat retired-bot: generated letter\n\
             fleet 2132: icon 3654\n\
             fleet 2133: image driver.jpg (JPEG, 256 x 256, {jpeg} bytes)\n\
             7 accounts on 3 servers: no errors, no warnings\n",
            png = pictures::png(256, 256, 1).len(),
            jpeg = pictures::jpeg(256, 256, 1).len(),
        ),
        NOTHING,
    );
    check(&scratch).arg("-q").gives(0, NOTHING, NOTHING);
}

/// The one of the README, and what it says of relative paths.
#[test]
fn the_manifest_of_the_readme_is_in_order() {
    let readme = include_str!("../../README.md");
    let begin = readme.find("    {\n      \"servers\"").expect("a manifest");
    let end = begin + readme[begin..].find("\n    }\n").expect("its end") + "\n    }\n".len();
    let scratch = scratch(&readme[begin..end]);
    scratch.write("faces/build-bot.png", pictures::png(256, 256, 1));
    scratch.write("faces/driver.jpg", pictures::jpeg(256, 256, 1));
    check(&scratch).gives(
        0,
        "4 accounts on 3 servers: no errors, no warnings\n",
        NOTHING,
    );
}

/// `avatarctl example > avatars.json && avatarctl check avatars.json`: nothing has to be there for it, and what comes
/// next is said by diff.
#[test]
fn the_example_is_in_order_and_diff_says_what_is_needed_next() {
    let example = Run::new(["example"]).output();
    example.gives(0, include_str!("../golden/example.json"), NOTHING);
    let scratch = Scratch::new();
    scratch.write("avatars.json", &example.stdout);
    let run = |verb: &str| Run::new([verb, "avatars.json"]).dir(scratch.path());
    run("check").gives(
        0,
        "6 accounts on 4 servers: no errors, no warnings\n",
        NOTHING,
    );
    let told = run("diff").output();
    assert_eq!(told.status, 78, "{told:?}");
    let hints: Vec<&str> = told
        .stderr
        .lines()
        .filter(|line| line.starts_with("hint: "))
        .collect();
    assert_eq!(
        hints,
        [
            "hint: set JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD",
            "hint: set ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN, or ROCKETCHAT_USER and ROCKETCHAT_PASSWORD",
            "hint: set NAVIXY_HASH, or NAVIXY_LOGIN and NAVIXY_PASSWORD",
            "hint: set MATRIX_TOKEN, or MATRIX_USER and MATRIX_PASSWORD",
        ]
    );
    for (words, refusal) in [
        (&["example", "jira"][..], "unexpected argument \"jira\""),
        (
            &["example", "--force"],
            "--force is not an option of example",
        ),
    ] {
        Run::new(words).gives(64, NOTHING, &format!("avatarctl: {refusal}\n"));
    }
}

// ------------------------------------------------------------------------------------------- standard input

/// Paths are relative to the working directory, and nothing beside it is touched.
#[test]
fn a_manifest_is_read_from_standard_input() {
    let scratch = scratch("not this one");
    let good = with("{\"server\": \"jira\", \"user\": \"a\", \"image\": \"a.png\"}");
    let told = "1 account on 1 server: no errors, no warnings\n";
    let run = |words: &str, text: &str| Run::new(words.split(' ')).dir(scratch.path()).stdin(text);
    run("check -", &good).gives(0, told, NOTHING);
    run("check -- -", &good).gives(0, told, NOTHING);
    run("check --html h.html -", &good).gives(0, told, NOTHING);
    assert!(scratch.join("h.html").exists());
    run("check -", &good.replace("a.png", "b.png")).gives(
        66,
        NOTHING,
        "avatarctl: line 6: accounts[0].image: cannot read the picture \"b.png\": no such file or directory\n",
    );
    run("check -", "{,}").gives(
        65,
        NOTHING,
        "avatarctl: line 1: the manifest: is not JSON: a comma too many (column 2)\n",
    );
    run("check -", "").gives(
        65,
        NOTHING,
        "avatarctl: line 1: the manifest: is not JSON: there is nothing in it (column 1)\n",
    );
    Run::new(["check", "-"]).stdin(b"\xff").gives(
        65,
        NOTHING,
        "avatarctl: the manifest from standard input is not valid UTF-8\n",
    );
    for verb in ["diff", "apply"] {
        run(&format!("{verb} -"), &good).gives(
            64,
            NOTHING,
            &format!(
                "avatarctl: {verb} - needs --state\n\
                 hint: a manifest from standard input has no name to put .state behind\n"
            ),
        );
    }
    // A file of that name.
    scratch.write("-", &good);
    Run::new(["check", "./-"])
        .dir(scratch.path())
        .gives(0, told, NOTHING);
    let dash = good.replace("a.png", "./-");
    run("check -", &dash).gives(
        65,
        NOTHING,
        "avatarctl: line 6: accounts[0].image: the picture \"./-\" is not a PNG, JPEG, GIF or WebP picture\n",
    );
    // Standard input is the manifest's, and a manifest names files.
    for source in ["-", "m.json"] {
        scratch.write("m.json", good.replace("a.png", "-"));
        run(&format!("check {source}"), &good.replace("a.png", "-")).gives(
            65,
            NOTHING,
            "avatarctl: line 6: accounts[0].image: must be the path of a picture, not standard input\n\
             hint: a file called - is written ./-\n",
        );
    }
}

#[test]
fn apply_and_diff_of_standard_input_keep_their_state_where_they_are_told() {
    let mut world = World::new();
    let account =
        "\n    {\"server\": \"fleet\", \"employee_id\": 2133, \"image\": \"faces/build.png\"}";
    let path = world.declare(account);
    let text = fs::read_to_string(&path).expect("it was just written");
    fs::remove_file(&path).expect("it is there");
    let run = |words: &str| world.run(words).stdin(&text);
    // A secret that would be read from there, too: nothing is sent.
    run("apply - --state s")
        .without("NAVIXY_HASH")
        .env("NAVIXY_HASH_FILE", "-")
        .gives(
            78,
            "0 changed, 0 unchanged, 1 failed\n",
            "avatarctl: fleet 2133: standard input cannot be both the manifest and NAVIXY_HASH_FILE\n",
        );
    assert_eq!(world.requests(), [0; 4]);
    let status = |words: &str| run(words).output().status;
    assert_eq!(status("apply - --state s"), 0);
    assert_eq!(world.scratch.read("s").lines().count(), 1);
    assert_eq!(status("diff - --state s"), 0);
    assert_eq!(status("diff - --state none"), 2);
    let mut files: Vec<_> = fs::read_dir(world.scratch.path())
        .expect("it is a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    files.sort();
    assert_eq!(files, ["faces", "s"]);
}

/// For programs every error has its path, its line and its class; people read the same on standard error.
#[test]
fn an_error_of_a_manifest_is_told_to_programs_and_to_people() {
    let scratch = scratch(with(
        "{\"server\": \"jira\", \"user\": \"a\", \"image\": \"x.png\"}",
    ));
    for verb in ["check", "diff", "apply"] {
        Run::new([verb, "m.json", "--json"]).dir(scratch.path()).gives(
            66,
            concat!(
                r#"{"v":1,"type":"problem","path":"accounts[0].image","line":6,"error":{"class":"input","exit":66,"status":null,"message":"cannot read the picture \"x.png\": no such file or directory","hint":null}}"#, "\n",
                r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":66}"#, "\n",
            ),
            "avatarctl: line 6: accounts[0].image: cannot read the picture \"x.png\": no such file or directory\n",
        );
    }
}

#[test]
fn every_documented_key_and_unusual_value_is_taken() {
    let scratch = scratch(
        r#"{
  "accounts": [
    {"avatar_id": 24880, "user": "robot", "server": "a b.ü"},
    {"server": "a b.ü", "user": "0", "avatar_id": "00024880"},
    {"server": "a b.ü", "self": true, "avatar_id": 18446744073709551615},
    {"server": "a b.ü", "user": "self", "image": "./sub/../a.png"},
    {"server": "a b.ü", "user": " o'brien \u00fc\n", "image": "a.png"},
    {"server": "chat", "user": "self", "avatar_url": "HTTPS://u:p@[::1]:8/a?b=c#d"},
    {"server": "chat", "user_id": "self", "reset": true},
    {"server": "chat", "self": true, "image": "a.png"},
    {"server": "fleet", "employee_id": "2132", "icon_id": "3654"},
    {"server": "fleet", "employee_id": 1, "icon_id": null},
    {"server": "hs", "user": "@robot:example.com", "mxc": "mxc://[::1]:8448/a-b_C"},
    {"server": "hs", "user": "self", "reset": true},
    {"server": "hs", "self": true, "image": "a.png"}
  ],
  "servers": {
    "hs": {"url": "https://hs.example.com/base/", "system": "matrix"},
    "fleet": {"url": "http://[::1]:9/", "system": "navixy", "credentials": "f_1", "proxy": "http://proxy.example:3128"},
    "unused": {"system": "jira", "url": "https://unused.example.com/a/b/"},
    "chat": {"system": "rocketchat", "url": "https://chat.example.com/chat/", "ca_file": "no/such.pem"},
    "a b.ü": {"system": "jira", "url": "https://jira.example.com/jira",
      "client_cert": "no/such.pem", "client_key": "no/such.key"}
  }
}"#,
    );
    fs::create_dir(scratch.join("sub")).expect("scratch is writable");
    check(&scratch).gives(
        0,
        "13 accounts on 4 servers: no errors, no warnings\n",
        NOTHING,
    );
}

#[test]
fn all_errors_are_told_at_once_with_place_and_line_those_of_pictures_among_them() {
    let scratch = scratch(
        r#"{
  "servers": {
    "jira": {"system": "jira", "url": "https://jira.example.com"},
    "chat": {"system": "rocketchat", "url": "http://localhost:3000"},
    "fleet": {"system": "navixi", "url": "https://api.example.com/v2"}
  },
  "accounts": [
    {"server": "jira", "user": "a", "image": "missing.png"},
    {"server": "jira", "user": "b", "imag": "a.png"},
    {"server": "jira", "user": "c", "image": "a.webp"},
    {"server": "chat", "user": "c", "image": "a.webp"},
    {"server": "jira", "user": "d", "image": "text.png"},
    {"server": "jira", "user": "e", "image": "torn.png", "password": "x"},
    {"server": "moon", "user": "f", "image": "missing.png"},
    {"server": "fleet", "employee_id": 1, "image": "missing.png"},
    {"server": "jira", "user": "g", "image": "."},
    {"server": "jira", "user": "h", "image": "empty.png"}
  ]
}"#,
    );
    scratch.write("a.webp", pictures::webp(64, 64, 1));
    scratch.write("text.png", "a text");
    scratch.write("torn.png", &pictures::png(64, 64, 1)[..5000]);
    scratch.write("empty.png", "");
    let complaints = "avatarctl: line 5: servers.fleet.system: must be one of jira, rocketchat, navixy, matrix, not \"navixi\"\n\
        avatarctl: line 8: accounts[0].image: cannot read the picture \"missing.png\": no such file or directory\n\
        avatarctl: line 9: accounts[1].imag: unknown key; Jira takes server, user, self, avatar_id, image\n\
        avatarctl: line 9: accounts[1]: names no avatar; give avatar_id or image\n\
        avatarctl: line 10: accounts[2].image: \"a.webp\" is a WebP picture, which Jira does not take\n\
        hint: convert it to PNG\n\
        avatarctl: line 12: accounts[4].image: the picture \"text.png\" is not a PNG, JPEG, GIF or WebP picture\n\
        avatarctl: line 13: accounts[5].password: a manifest holds no secret; set the variables that begin with the server's \"credentials\"\n\
        avatarctl: line 13: accounts[5].image: the picture \"torn.png\" is a PNG picture that is cut off\n\
        avatarctl: line 14: accounts[6].server: \"moon\" is not among the servers\n\
        avatarctl: line 14: accounts[6].image: cannot read the picture \"missing.png\": no such file or directory\n\
        avatarctl: line 15: accounts[7].image: cannot read the picture \"missing.png\": no such file or directory\n\
        avatarctl: line 16: accounts[8].image: cannot read the picture \".\": is a directory\n\
        avatarctl: line 17: accounts[9].image: the picture \"empty.png\" is empty\n";
    check(&scratch).gives(1, NOTHING, complaints);
    // The same before anything is sent.
    for verb in ["diff", "apply"] {
        let told = Run::new([verb, "m.json"]).dir(scratch.path()).output();
        told.gives(1, NOTHING, complaints);
        assert!(!scratch.join("m.json.state").exists());
    }
    let told = check(&scratch).arg("--json").output();
    assert_eq!(
        told.stdout.lines().take(2).collect::<Vec<_>>(),
        [
            r#"{"v":1,"type":"problem","path":"servers.fleet.system","line":5,"error":{"class":"data","exit":65,"status":null,"message":"must be one of jira, rocketchat, navixy, matrix, not \"navixi\"","hint":null}}"#,
            r#"{"v":1,"type":"problem","path":"accounts[0].image","line":8,"error":{"class":"input","exit":66,"status":null,"message":"cannot read the picture \"missing.png\": no such file or directory","hint":null}}"#,
        ]
    );
    assert_eq!(
        told.stdout.lines().last(),
        Some(
            r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":13,"pending":0,"skipped":0,"exit":1}"#
        )
    );
}

/// The servers are wrong in five ways, and every account on them is wrong too: of one whose system is known
/// everything is said, of the others what holds on any system.
#[test]
fn an_account_is_looked_at_even_where_its_servers_entry_is_wrong() {
    let scratch = scratch(
        r#"{
  "servers": {
    "url": {"system": "jira", "url": "jira.example.com"},
    "prefix": {"system": "rocketchat", "url": "http://a", "credentials": "A-B"},
    "proxy": {"system": "navixy", "url": "http://b", "proxy": "ftp://p"},
    "key": {"system": "jira", "url": "http://c", "verify": false},
    "bare": {},
    "other": {"system": "jira", "url": "jira.example.com"},
    "none": 7
  },
  "accounts": [
    {"server": "url", "user": "a", "reset": true},
    {"server": "url", "user": "b", "image": "a.webp"},
    {"server": "prefix", "user": "a", "avatar_id": 1},
    {"server": "proxy", "employee_id": "x", "image": "missing.png"},
    {"server": "key", "user": "a"},
    {"server": "bare", "user": "a", "image": "missing.png", "token": "s3cr3t", "imag": "b", "user": "c"},
    {"server": "none", "employee_id": 0, "image": ""},
    {"user": "a", "image": "text.png"},
    {"server": "url", "user": "c", "avatar_id": 1},
    {"server": "other", "user": "c", "avatar_id": 1},
    {"server": "url", "user": "C", "avatar_id": 1}
  ]
}"#,
    );
    scratch.write("a.webp", pictures::webp(64, 64, 1));
    scratch.write("text.png", "a text");
    let secret = "a manifest holds no secret; set the variables that begin with the server's \"credentials\"";
    let told = [
        "line 3: servers.url.url: the base URL does not begin with https:// or http://",
        "hint: write it as https://host/path",
        "line 4: servers.prefix.credentials: must be a prefix of variables: letters, digits and _ only",
        "line 5: servers.proxy.proxy: the proxy is not an http proxy",
        "hint: write it as http://host:port; https and SOCKS proxies are not supported",
        "line 6: servers.key.verify: unknown key; the keys are system, url, credentials, ca_file, client_cert, client_key, proxy",
        "line 7: servers.bare.system: is missing",
        "line 7: servers.bare.url: is missing",
        "line 8: servers.other.url: the base URL does not begin with https:// or http://",
        "hint: write it as https://host/path",
        "line 9: servers.none: must be an object",
        "line 12: accounts[0].reset: unknown key; Jira takes server, user, self, avatar_id, image",
        "line 12: accounts[0]: names no avatar; give avatar_id or image",
        "line 13: accounts[1].image: \"a.webp\" is a WebP picture, which Jira does not take",
        "hint: convert it to PNG",
        "line 14: accounts[2].avatar_id: unknown key; Rocket.Chat takes server, user, user_id, self, image, avatar_url, reset",
        "line 14: accounts[2]: names no avatar; give image or avatar_url or reset",
        "line 15: accounts[3].employee_id: must be a number from 1 up",
        "line 15: accounts[3].image: cannot read the picture \"missing.png\": no such file or directory",
        "line 16: accounts[4]: names no avatar; give avatar_id or image",
        &format!("line 17: accounts[5].token: {secret}"),
        "line 17: accounts[5].imag: unknown key; the keys are server, user, self, avatar_id, image, user_id, avatar_url, reset, employee_id, icon_id, mxc",
        "line 17: accounts[5].user: is given twice",
        "line 17: accounts[5].image: cannot read the picture \"missing.png\": no such file or directory",
        "line 18: accounts[6].image: must be the path of a picture",
        "line 19: accounts[7].server: is missing",
        "line 19: accounts[7].image: the picture \"text.png\" is not a PNG, JPEG, GIF or WebP picture",
        // The same name on another server, of which nobody knows whether it is another.
        "line 22: accounts[10]: is the same account as accounts[8]",
    ];
    let told: String = told
        .iter()
        .map(|line| match line.starts_with("hint") {
            true => format!("{line}\n"),
            false => format!("avatarctl: {line}\n"),
        })
        .collect();
    check(&scratch).gives(1, NOTHING, &told);
}

#[test]
fn errors_that_share_a_class_end_with_it() {
    let missing = scratch(with(
        "{\"server\": \"jira\", \"user\": \"a\", \"image\": \"x.png\"},\n\
         {\"server\": \"chat\", \"user\": \"a\", \"image\": \"x.png\"}",
    ));
    check(&missing).gives(
        66,
        NOTHING,
        "avatarctl: line 6: accounts[0].image: cannot read the picture \"x.png\": no such file or directory\n\
         avatarctl: line 7: accounts[1].image: cannot read the picture \"x.png\": no such file or directory\n",
    );
    let wrong = scratch(with("{\"server\": \"jira\", \"user\": \"a\"}"));
    check(&wrong).gives(
        65,
        NOTHING,
        "avatarctl: line 6: accounts[0]: names no avatar; give avatar_id or image\n",
    );
}

/// One account that is wrong, and what is said of it.
#[test]
fn every_refusal_of_an_account() {
    let cases = [
        ("7", ": must be an object"),
        ("{}", ".server: is missing"),
        (
            r#"{"server": 7, "user": "a", "avatar_id": 1}"#,
            ".server: must be a string",
        ),
        (
            r#"{"server": "jira", "avatar_id": 1}"#,
            ": names no target; give user or \"self\": true",
        ),
        (
            r#"{"server": "jira", "user": "", "avatar_id": 1}"#,
            ".user: must be a string that is not empty",
        ),
        (
            r#"{"server": "jira", "user": " \t", "avatar_id": 1}"#,
            ".user: must be a string that is not empty",
        ),
        (
            r#"{"server": "jira", "user": 7, "avatar_id": 1}"#,
            ".user: must be a string that is not empty",
        ),
        (
            r#"{"server": "jira", "user": null, "avatar_id": 1}"#,
            ".user: must be a string that is not empty",
        ),
        (
            r#"{"server": "jira", "user": ["a"], "avatar_id": 1}"#,
            ".user: must be a string that is not empty",
        ),
        (
            r#"{"server": "jira", "self": false, "avatar_id": 1}"#,
            ".self: must be true",
        ),
        (
            r#"{"server": "jira", "self": "true", "avatar_id": 1}"#,
            ".self: must be true",
        ),
        (
            r#"{"server": "jira", "self": true, "user": "a", "avatar_id": 1}"#,
            ": names two targets; keep one of user, \"self\": true",
        ),
        (
            r#"{"server": "chat", "user": "a", "user_id": "b", "reset": true}"#,
            ": names two targets; keep one of user, user_id, \"self\": true",
        ),
        (
            r#"{"server": "hs", "mxc": "mxc://a/b"}"#,
            ": names no target; give user or \"self\": true",
        ),
        (
            r#"{"server": "hs", "user": "a", "user_id": "b", "reset": true}"#,
            ".user_id: unknown key; Matrix takes server, user, self, mxc, image, reset",
        ),
        (
            r#"{"server": "hs", "user": "a", "mxc": null}"#,
            ".mxc: must be mxc://SERVER/ID",
        ),
        (
            r#"{"server": "hs", "user": "a", "mxc": "mxc://a/b", "reset": true}"#,
            ": names two avatars; keep one of mxc, image, reset",
        ),
        (
            r#"{"server": "hs", "user": "a", "reset": false}"#,
            ".reset: must be true",
        ),
        (
            r#"{"server": "hs", "user": "a"}"#,
            ": names no avatar; give mxc or image or reset",
        ),
        (
            r#"{"server": "fleet", "self": true, "icon_id": 1}"#,
            ".self: unknown key; Navixy takes server, employee_id, icon_id, image",
        ),
        (
            r#"{"server": "fleet", "icon_id": 1}"#,
            ": names no target; give employee_id",
        ),
        (
            r#"{"server": "fleet", "employee_id": 0, "icon_id": 1}"#,
            ".employee_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "fleet", "employee_id": -1, "icon_id": 1}"#,
            ".employee_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "fleet", "employee_id": 1.0, "icon_id": 1}"#,
            ".employee_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "fleet", "employee_id": 2e3, "icon_id": 1}"#,
            ".employee_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "fleet", "employee_id": 18446744073709551616, "icon_id": 1}"#,
            ".employee_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "fleet", "employee_id": "", "icon_id": 1}"#,
            ".employee_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "fleet", "employee_id": "+1", "icon_id": 1}"#,
            ".employee_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "fleet", "employee_id": " 1", "icon_id": 1}"#,
            ".employee_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "fleet", "employee_id": "٣", "icon_id": 1}"#,
            ".employee_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "jira", "user": "a", "avatar_id": null}"#,
            ".avatar_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "jira", "user": "a", "avatar_id": true}"#,
            ".avatar_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "jira", "user": "a", "avatar_id": 1e400}"#,
            ".avatar_id: must be a number from 1 up",
        ),
        (
            r#"{"server": "fleet", "employee_id": 1, "icon_id": "null"}"#,
            ".icon_id: must be a number from 1 up, or null",
        ),
        (
            r#"{"server": "fleet", "employee_id": 1, "icon_id": []}"#,
            ".icon_id: must be a number from 1 up, or null",
        ),
        (
            r#"{"server": "jira", "user": "a", "image": ""}"#,
            ".image: must be the path of a picture",
        ),
        (
            r#"{"server": "jira", "user": "a", "image": null}"#,
            ".image: must be the path of a picture",
        ),
        (
            r#"{"server": "jira", "user": "a", "image": {"file": "a.png"}}"#,
            ".image: must be the path of a picture",
        ),
        (
            r#"{"server": "jira", "user": "a", "image": "a.png", "avatar_id": 1}"#,
            ": names two avatars; keep one of avatar_id, image",
        ),
        (
            r#"{"server": "chat", "user": "a", "image": "a.png", "reset": true}"#,
            ": names two avatars; keep one of image, avatar_url, reset",
        ),
        (
            r#"{"server": "chat", "user": "a", "reset": false}"#,
            ".reset: must be true",
        ),
        (
            r#"{"server": "chat", "user": "a", "reset": null}"#,
            ".reset: must be true",
        ),
        (
            r#"{"server": "chat", "user": "a", "avatar_url": "a.png"}"#,
            ".avatar_url: must be an http or https address",
        ),
        (
            r#"{"server": "chat", "user": "a", "avatar_url": "ftp://a/b"}"#,
            ".avatar_url: must be an http or https address",
        ),
        (
            r#"{"server": "chat", "user": "a", "avatar_url": "http:///b"}"#,
            ".avatar_url: must be an http or https address",
        ),
        (
            r#"{"server": "chat", "user": "a", "avatar_url": "http://a/ b"}"#,
            ".avatar_url: must be an http or https address",
        ),
        (
            r#"{"server": "chat", "user": "a", "avatar_url": "http://a/\u000ab"}"#,
            ".avatar_url: must be an http or https address",
        ),
        (
            r#"{"server": "jira", "user": "a", "avatar_url": "http://a/b", "avatar_id": 1}"#,
            ".avatar_url: unknown key; Jira takes server, user, self, avatar_id, image",
        ),
        (
            r#"{"server": "jira", "user": "a", "reset": true, "avatar_id": 1}"#,
            ".reset: unknown key; Jira takes server, user, self, avatar_id, image",
        ),
        (
            r#"{"server": "jira", "user": "a", "avatar_id": 1, "User": "a"}"#,
            ".User: unknown key; Jira takes server, user, self, avatar_id, image",
        ),
        (
            r#"{"server": "jira", "user": "a", "avatar_id": 1, "": 1}"#,
            ".: unknown key; Jira takes server, user, self, avatar_id, image",
        ),
        (
            r#"{"server": "jira", "user": "a", "avatar_id": 1, "\u001b[31m": 1}"#,
            ".\\u{1b}[31m: unknown key; Jira takes server, user, self, avatar_id, image",
        ),
        (
            r#"{"server": "jira", "user": "a", "avatar_id": 1, "user": "a"}"#,
            ".user: is given twice",
        ),
        (
            r#"{"server": "jira", "user": "a", "avatar_id": 1, "avatar_id": 1}"#,
            ".avatar_id: is given twice",
        ),
        (
            r#"{"server": "jira", "server": "jira", "user": "a", "avatar_id": 1}"#,
            ".server: is given twice",
        ),
        (
            r#"{"server": "Jira", "user": "a", "avatar_id": 1}"#,
            ".server: \"Jira\" is not among the servers",
        ),
        (
            r#"{"server": "jira", "user": "a\u0000b", "image": "a\u0000.png"}"#,
            ".image: cannot read the picture \"a\\u{0}.png\": file name contained an unexpected nul byte",
        ),
    ];
    let advice = "a manifest holds no secret; set the variables that begin with the server's \"credentials\"";
    let secrets = [
        "password",
        "token",
        "hash",
        "auth_token",
        "api_key",
        "secret",
        "login",
        "user_password",
    ];
    let secrets: Vec<(String, String)> = secrets
        .iter()
        .map(|key| {
            (
                format!("{{\"server\": \"jira\", \"user\": \"a\", \"avatar_id\": 1, \"{key}\": \"s3cr3t\"}}"),
                format!(".{key}: {advice}"),
            )
        })
        .collect();
    let all = cases
        .iter()
        .map(|(account, complaint)| ((*account).to_owned(), (*complaint).to_owned()))
        .chain(secrets);
    for (account, complaint) in all {
        let scratch = scratch(with(&account));
        let told = check(&scratch).output();
        assert!(!told.stderr.contains("s3cr3t"));
        let wanted = format!("avatarctl: line 6: accounts[0]{complaint}");
        assert_eq!(
            told.stderr.lines().next(),
            Some(wanted.as_str()),
            "{account}"
        );
        assert!(matches!(told.status, 65 | 66), "{account}: {told:?}");
        // A refusal may leave the account without target or avatar; nothing else is said.
        assert!(told.stderr.lines().count() <= 2, "{account}: {told:?}");
    }
}

#[test]
fn every_refusal_of_a_server() {
    let advice = "a manifest holds no secret; set the variables that begin with the server's \"credentials\"";
    for (server, complaint) in [
        (r#""s": 7"#, ".s: must be an object"),
        (r#""s": {}"#, ".s.system: is missing|.s.url: is missing"),
        (r#""s": {"system": "jira"}"#, ".s.url: is missing"),
        (
            r#""s": {"system": "Jira", "url": "https://a"}"#,
            ".s.system: must be one of jira, rocketchat, navixy, matrix, not \"Jira\"",
        ),
        (
            r#""s": {"system": null, "url": "https://a"}"#,
            ".s.system: must be a string",
        ),
        (
            r#""s": {"system": "jira", "url": 7}"#,
            ".s.url: must be a string",
        ),
        (
            r#""s": {"system": "jira", "url": "https://u:p@a"}"#,
            ".s.url: the base URL holds user info",
        ),
        (
            r#""s": {"system": "jira", "url": "https://a", "token": "s3cr3t"}"#,
            &format!(".s.token: {advice}"),
        ),
        (
            r#""s": {"system": "jira", "url": "https://a", "hash": "s3cr3t"}"#,
            &format!(".s.hash: {advice}"),
        ),
        (
            r#""s": {"system": "jira", "url": "https://a", "insecure": true}"#,
            ".s.insecure: unknown key; the keys are system, url, credentials, ca_file, client_cert, client_key, proxy",
        ),
        (
            r#""s": {"system": "jira", "url": "https://a", "credentials": ""}"#,
            ".s.credentials: must be a prefix of variables: letters, digits and _ only",
        ),
        (
            r#""s": {"system": "jira", "url": "https://a", "credentials": "A-B"}"#,
            ".s.credentials: must be a prefix of variables: letters, digits and _ only",
        ),
        (
            r#""s": {"system": "jira", "url": "https://a", "credentials": ["A"]}"#,
            ".s.credentials: must be a string",
        ),
        (
            r#""s": {"system": "jira", "url": "https://a", "client_key": "a.key"}"#,
            ".s.client_key: needs client_cert",
        ),
        (
            r#""s": {"system": "jira", "url": "https://a", "ca_file": 7}"#,
            ".s.ca_file: must be a string",
        ),
        (
            r#""s": {"system": "jira", "url": "https://a", "proxy": "http://u:s3cr3t@p"}"#,
            ".s.proxy: has user info; a manifest holds no secret, set HTTPS_PROXY instead",
        ),
        (
            r#""s": {"system": "jira", "url": "https://a", "url": "https://a"}"#,
            ".s.url: is given twice",
        ),
        (
            r#""": {"system": "jira", "url": "https://a"}"#,
            ".: is not a valid name: it is empty or has a slash or a control character",
        ),
        (
            r#""a/b": {"system": "jira", "url": "https://a"}"#,
            ".a/b: is not a valid name: it is empty or has a slash or a control character",
        ),
        // A name must not command the terminal of whoever reads the refusal.
        (
            r#""\u001b[2Jx": {"system": "jira", "url": "https://a"}"#,
            ".\\u{1b}[2Jx: is not a valid name: it is empty or has a slash or a control character",
        ),
        (
            r#""a\u202eb": {"system": "jira"}"#,
            ".a\\u{202e}b.url: is missing",
        ),
        ("", ": names no server"),
    ] {
        let scratch = scratch(format!(
            "{{\"accounts\": [],\n\"servers\": {{\n{server}}}}}\n"
        ));
        let line = if server.is_empty() { 2 } else { 3 };
        let wanted: String = complaint
            .split('|')
            .map(|complaint| format!("avatarctl: line {line}: servers{complaint}\n"))
            .collect();
        let told = check(&scratch).output();
        assert!(!told.stderr.contains("s3cr3t"), "{told:?}");
        let complaints: String = told
            .stderr
            .lines()
            .filter(|line| !line.starts_with("hint: "))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!((told.status, complaints), (65, wanted), "{server}");
    }
    // Every address that is refused on the command line is refused here, with its place.
    for url in [
        "",
        "a",
        "ftp://a",
        "https://",
        "https://a?b",
        "https://a#b",
        "https://a b",
        "http://a:99999",
    ] {
        let scratch = scratch(format!(
            "{{\"accounts\": [],\n\"servers\": {{\"s\": {{\"system\": \"jira\", \"url\": \"{url}\"}}}}}}"
        ));
        let told = check(&scratch).output();
        let place = "avatarctl: line 2: servers.s.url: ";
        assert_eq!(told.status, 65, "{url}: {told:?}");
        assert!(told.stderr.starts_with(place), "{url}: {told:?}");
    }
}

#[test]
fn what_is_no_manifest_at_all() {
    for (bytes, status, complaint) in [
        (
            &b""[..],
            65,
            "line 1: the manifest: is not JSON: there is nothing in it (column 1)",
        ),
        (
            b"{",
            65,
            "line 1: the manifest: is not JSON: it ends before the \"{\" of line 1 is closed (column 2)",
        ),
        (
            b"{\n\"servers\": {},\n}",
            65,
            "line 2: the manifest: is not JSON: a trailing comma before \"}\" (column 14)\n\
             hint: remove the comma after the last entry",
        ),
        // Nothing of the text is repeated: it may be a secret in the wrong place.
        (
            b"{\"servers\": {}, \"password\": hunter2}",
            65,
            "line 1: the manifest: is not JSON: a text without double quotes (column 29)",
        ),
        (
            b"\xef\xbb\xbf{}\n{}",
            65,
            "line 2: the manifest: is not JSON: more text after its end (column 1)",
        ),
        (b"null", 65, "line 1: the manifest: must be an object"),
        (b"\"{}\"", 65, "line 1: the manifest: must be an object"),
        (
            b"{\"servers\": \xff}",
            65,
            "the manifest \"m.json\" is not valid UTF-8",
        ),
        (
            b"\xff\xfe{\0}\0",
            65,
            "the manifest \"m.json\" is UTF-16\nhint: save it as UTF-8",
        ),
    ] {
        let scratch = scratch(bytes);
        check(&scratch).gives(status, NOTHING, &format!("avatarctl: {complaint}\n"));
    }
    let empty = Scratch::new();
    check(&empty).gives(
        66,
        NOTHING,
        "avatarctl: cannot read the manifest \"m.json\": no such file or directory\n",
    );
    fs::create_dir(empty.join("m.json")).expect("scratch is writable");
    check(&empty).gives(
        66,
        NOTHING,
        "avatarctl: cannot read the manifest \"m.json\": is a directory\n",
    );
}

#[test]
fn duplicate_and_unknown_keys_of_the_whole() {
    let scratch = scratch(
        "{\n\"servers\": {\"a\": {\"system\": \"jira\", \"url\": \"https://a\"}, \"a\": {\"system\": \"jira\", \"url\": \"https://a\"}},\n\
         \"accounts\": [],\n\"accounts\": [],\n\"version\": 1,\n\"password\": \"x\"}",
    );
    check(&scratch).gives(
        65,
        NOTHING,
        "avatarctl: line 2: servers.a: is given twice\n\
         avatarctl: line 4: accounts: is given twice\n\
         avatarctl: line 5: version: unknown key; the keys are servers, accounts\n\
         avatarctl: line 6: password: a manifest holds no secret; set the variables that begin with the server's \"credentials\"\n",
    );
}

#[test]
fn an_account_is_listed_once() {
    let scratch = scratch(with(
        r#"{"server": "jira", "user": "a", "avatar_id": 1},
{"server": "chat", "user": "a", "reset": true},
{"server": "chat", "user_id": "a", "reset": true},
{"server": "jira", "user": "a", "image": "a.png"},
{"server": "fleet", "employee_id": 7, "icon_id": 1},
{"server": "fleet", "employee_id": "007", "icon_id": 1},
{"server": "jira", "self": true, "avatar_id": 1},
{"server": "jira", "user": "self", "avatar_id": 1},
{"server": "jira", "self": true, "avatar_id": 2},
{"server": "jira", "user": "A", "avatar_id": 1},
{"server": "chat", "user": "A", "reset": true},
{"server": "jira", "user": "b"},
{"server": "jira", "user": "b", "avatar_id": 1},
{"server": "hs", "user": "a", "reset": true},
{"server": "hs", "user": "A", "reset": true},
{"server": "hs", "user": "a", "mxc": "mxc://a/b"}"#,
    ));
    check(&scratch).gives(
        65,
        NOTHING,
        "avatarctl: line 9: accounts[3]: is the same account as accounts[0]\n\
         avatarctl: line 11: accounts[5]: is the same account as accounts[4]\n\
         avatarctl: line 14: accounts[8]: is the same account as accounts[6]\n\
         avatarctl: line 15: accounts[9]: is the same account as accounts[0]\n\
         avatarctl: line 17: accounts[11]: names no avatar; give avatar_id or image\n\
         avatarctl: line 18: accounts[12]: is the same account as accounts[11]\n\
         avatarctl: line 21: accounts[15]: is the same account as accounts[13]\n",
    );
}

/// Two servers with one address are one, but who the caller is depends on the credentials.
#[test]
fn an_account_is_listed_once_whatever_its_server_is_called() {
    let scratch = scratch(
        r#"{"servers": {
    "a": {"system": "jira", "url": "https://jira.example.com"},
    "b": {"system": "jira", "url": "https://jira.example.com/", "credentials": "OTHER"}},
"accounts": [
    {"server": "a", "user": "robot", "avatar_id": 1},
    {"server": "b", "user": "Robot", "avatar_id": 2},
    {"server": "a", "self": true, "avatar_id": 1},
    {"server": "b", "self": true, "avatar_id": 2}]}"#,
    );
    check(&scratch).gives(
        65,
        NOTHING,
        "avatarctl: line 6: accounts[1]: is the same account as accounts[0]\n",
    );
}

#[test]
fn editors_and_generators_write_what_they_like() {
    let plain = with("{\"server\": \"jira\", \"user\": \"a\", \"image\": \"a.png\"}");
    let deep = format!(
        "{{\"server\": \"jira\", \"user\": \"a\", \"avatar_id\": {}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    for text in [
        format!("\u{feff}{plain}"),
        plain.replace('\n', "\r\n"),
        plain.replace('\n', " "),
        plain.replace('a', "\\u0061").replace("\\u0061", "a"),
        format!("\n\n\t{plain}\n\n"),
    ] {
        check(&scratch(text)).gives(
            0,
            "1 account on 1 server: no errors, no warnings\n",
            NOTHING,
        );
    }
    let escaped = with(
        "{\"s\\u0065rver\": \"j\\u0069ra\", \"user\": \"\\ud83e\\udd16\", \"image\": \"a\\u002epng\"}",
    );
    check(&scratch(escaped)).gives(
        0,
        "1 account on 1 server: no errors, no warnings\n",
        NOTHING,
    );
    check(&scratch(with(&deep))).gives(
        65,
        NOTHING,
        "avatarctl: line 6: accounts[0].avatar_id: must be a number from 1 up\n",
    );
    let told = check(&scratch(with(
        "{\"server\": \"jira\", \"user\": \"\\ud800\", \"avatar_id\": 1}",
    )))
    .output();
    assert_eq!(told.status, 65, "{told:?}");
    check(&scratch(with(""))).gives(
        0,
        "0 accounts on 0 servers: no errors, no warnings\n",
        NOTHING,
    );
    // The line is right behind a byte order mark and with either line end.
    let wrong = with("\n\n{\"server\": \"jira\", \"user\": \"a\"}");
    for text in [format!("\u{feff}{wrong}"), wrong.replace('\n', "\r\n")] {
        check(&scratch(text)).gives(
            65,
            NOTHING,
            "avatarctl: line 8: accounts[0]: names no avatar; give avatar_id or image\n",
        );
    }
}

#[test]
fn two_thousand_accounts_are_checked_and_the_last_errors_have_their_lines() {
    let accounts: Vec<String> = (0..2000)
        .map(|n| match n {
            1998 => "{\"server\": \"jira\", \"user\": \"bot-0\", \"image\": \"a.png\"}".to_owned(),
            1999 => "{\"server\": \"jira\", \"user\": \"bot\", \"image\": \"b.png\"}".to_owned(),
            _ => format!("{{\"server\": \"jira\", \"user\": \"bot-{n}\", \"image\": \"a.png\"}}"),
        })
        .collect();
    let scratch = scratch(with(&accounts.join(",\n")));
    check(&scratch).gives(
        1,
        NOTHING,
        "avatarctl: line 2004: accounts[1998]: is the same account as accounts[0]\n\
         avatarctl: line 2005: accounts[1999].image: cannot read the picture \"b.png\": no such file or directory\n",
    );
    scratch.write("m.json", with(&accounts[..1998].join(",\n")));
    check(&scratch).gives(
        0,
        "1998 accounts on 1 server: no errors, no warnings\n",
        NOTHING,
    );
}

#[test]
fn what_will_become_of_a_picture_is_a_warning_by_the_rules_of_each_system() {
    let pictures = [
        ("square.png", pictures::png(64, 64, 1)),
        ("wide.png", pictures::png(320, 200, 1)),
        ("tall.gif", pictures::gif(100, 140, 1)),
        ("large.png", pictures::png_of_bytes(600, 400, 1, 1_048_577)),
        ("limit.png", pictures::png_of_bytes(64, 64, 1, 1_048_576)),
        ("turned.jpg", pictures::jpeg_oriented(64, 48, 1, 6)),
        ("winking.gif", pictures::gif_animated(64, 64, 1)),
        ("wrong.jpg", pictures::png(64, 64, 1)),
        ("RIGHT.JPEG", pictures::jpeg(64, 64, 1)),
        ("strip.png", pictures::png(64, 20, 1)),
        ("bare", pictures::png(64, 64, 2)),
        ("poster.png", pictures::png(2400, 2400, 1)),
    ];
    let account = |server: &str, at: usize, name: &str| match server {
        "fleet" => format!(
            "{{\"server\": \"fleet\", \"employee_id\": {}, \"image\": \"{name}\"}}",
            at + 1
        ),
        _ => format!("{{\"server\": \"{server}\", \"user\": \"u{at}\", \"image\": \"{name}\"}}"),
    };
    let accounts: Vec<String> = ["jira", "chat", "fleet", "hs"]
        .iter()
        .flat_map(|server| {
            pictures
                .iter()
                .enumerate()
                .map(|(at, (name, _))| account(server, at, name))
        })
        .collect();
    let scratch = scratch(with(&accounts.join(",\n")));
    for (name, bytes) in &pictures {
        scratch.write(name, bytes);
    }
    const LARGE: &str = "larger than 1 MiB, where proxies in front of servers stop by default";
    const TURNED: &str = "turned by its EXIF orientation, which the server may ignore";
    const MOVES: &str = "animated; a server may keep its first picture only";
    const WRONG: &str = "a PNG picture by its content, and sent as one";
    let mut told = String::new();
    for (account, file, what) in [
        (
            "jira u1",
            "wide.png",
            "320 x 200 is not square; Jira will be sent the square of 200 pixels at 60,0",
        ),
        (
            "jira u2",
            "tall.gif",
            "100 x 140 is not square; Jira will be sent the square of 100 pixels at 0,20",
        ),
        (
            "jira u3",
            "large.png",
            "600 x 400 is not square; Jira will be sent the square of 332 pixels at 84,0",
        ),
        ("jira u3", "large.png", LARGE),
        (
            "jira u5",
            "turned.jpg",
            "48 x 64 is not square; Jira will be sent the square of 48 pixels at 8,0",
        ),
        ("jira u5", "turned.jpg", TURNED),
        ("jira u6", "winking.gif", MOVES),
        ("jira u7", "wrong.jpg", WRONG),
        (
            "jira u9",
            "strip.png",
            "64 x 20 leaves a square of 20 pixels; Jira wants 48 and may refuse it",
        ),
        (
            "jira u11",
            "poster.png",
            "larger than 10 MiB, Jira's default limit for attachments",
        ),
        (
            "jira u11",
            "poster.png",
            "5.8 megapixels; Jira's default limit is 5",
        ),
        ("jira u11", "poster.png", LARGE),
        (
            "chat u1",
            "wide.png",
            "320 x 200 is not square; Rocket.Chat shows the middle",
        ),
        (
            "chat u2",
            "tall.gif",
            "100 x 140 is not square; Rocket.Chat shows the middle",
        ),
        (
            "chat u3",
            "large.png",
            "600 x 400 is not square; Rocket.Chat shows the middle",
        ),
        ("chat u3", "large.png", LARGE),
        (
            "chat u5",
            "turned.jpg",
            "48 x 64 is not square; Rocket.Chat shows the middle",
        ),
        ("chat u5", "turned.jpg", TURNED),
        ("chat u6", "winking.gif", MOVES),
        ("chat u7", "wrong.jpg", WRONG),
        (
            "chat u9",
            "strip.png",
            "64 x 20 is not square; Rocket.Chat shows the middle",
        ),
        ("chat u11", "poster.png", LARGE),
        ("fleet 4", "large.png", LARGE),
        ("fleet 6", "turned.jpg", TURNED),
        ("fleet 7", "winking.gif", MOVES),
        ("fleet 8", "wrong.jpg", WRONG),
        (
            "fleet 12",
            "poster.png",
            "larger than 16 MiB, the documented limit of the platform's file storage",
        ),
        ("fleet 12", "poster.png", LARGE),
        (
            "hs u1",
            "wide.png",
            "320 x 200 is not square; clients show the middle",
        ),
        (
            "hs u2",
            "tall.gif",
            "100 x 140 is not square; clients show the middle",
        ),
        (
            "hs u3",
            "large.png",
            "600 x 400 is not square; clients show the middle",
        ),
        ("hs u3", "large.png", LARGE),
        (
            "hs u5",
            "turned.jpg",
            "48 x 64 is not square; clients show the middle",
        ),
        ("hs u5", "turned.jpg", TURNED),
        ("hs u6", "winking.gif", MOVES),
        ("hs u7", "wrong.jpg", WRONG),
        (
            "hs u9",
            "strip.png",
            "64 x 20 is not square; clients show the middle",
        ),
        ("hs u11", "poster.png", LARGE),
    ] {
        told += &format!("avatarctl: {account}: warning: \"{file}\": {what}\n");
    }
    check(&scratch).gives(
        0,
        "48 accounts on 4 servers: no errors, 38 warnings\n",
        &told,
    );
    check(&scratch).arg("-q").gives(0, NOTHING, &told);
}

#[test]
fn paths_are_relative_to_the_manifest_and_a_home_of_its_own() {
    let scratch = Scratch::new();
    scratch.write("in/side/a.png", pictures::png(64, 64, 1));
    scratch.write("b.png", pictures::png(64, 64, 1));
    let absolute = scratch.join("b.png");
    let text = with(&format!(
        "{{\"server\": \"jira\", \"user\": \"a\", \"image\": \"side/a.png\"}},\n\
         {{\"server\": \"jira\", \"user\": \"b\", \"image\": \"../b.png\"}},\n\
         {{\"server\": \"jira\", \"user\": \"c\", \"image\": \"{}\"}}",
        absolute.display()
    ));
    let path = scratch.write("in/m.json", text);
    let told = "3 accounts on 1 server: no errors, no warnings\n";
    for (name, dir) in [
        ("in/m.json", scratch.path().to_owned()),
        ("m.json", scratch.join("in")),
        ("./m.json", scratch.join("in")),
        (path.to_str().expect("UTF-8"), "/".into()),
    ] {
        Run::new(["check", name]).dir(dir).gives(0, told, NOTHING);
    }
    let wrong = Run::new(["check", "in/m.json", "--only", "*/b"]).dir(scratch.path());
    fs::remove_file(&absolute).expect("it is there");
    wrong.gives(
        66,
        NOTHING,
        "avatarctl: line 7: accounts[1].image: cannot read the picture \"in/../b.png\": no such file or directory\n",
    );
}

#[test]
fn an_option_of_the_others_is_none_of_check() {
    let scratch = scratch(with(""));
    for option in ["--state=s", "--junit=j", "--prune", "--url=https://a"] {
        let told = check(&scratch).arg(option).output();
        assert_eq!(
            (told.status, told.stdout.as_str()),
            (64, NOTHING),
            "{option}"
        );
    }
    Run::new(["check"]).gives(64, NOTHING, "avatarctl: check needs a manifest\n");
    let told = check(&scratch).arg("other.json").output();
    assert_eq!(told.status, 64, "{told:?}");
}

// ------------------------------------------------------------------------------- what a server's entry leads to

/// The one employee of a manifest whose server has these further keys.
fn fleet_with(world: &mut World, keys: &str) {
    let path =
        world.declare("\n    {\"server\": \"fleet\", \"employee_id\": 2132, \"icon_id\": 3654}");
    let text = fs::read_to_string(&path).expect("it was just written");
    let text = text.replace(
        "\"system\": \"navixy\"",
        &format!("\"system\": \"navixy\", {keys}"),
    );
    fs::write(&path, text).expect("scratch is writable");
}

#[test]
fn credentials_come_from_variables_with_the_prefix_of_the_server() {
    let mut world = World::new();
    fleet_with(&mut world, "\"credentials\": \"FLEET\"");
    let hash = "22eac1c27af4be7b9d04da2ce1af111b";
    let done = "fleet 2132: icon 3654 (was 12)\n1 changed, 0 unchanged\n";
    world.expect("fleet", Server::expect_no_calls);
    world.run("apply m.json").gives(
        78,
        "0 changed, 0 unchanged, 1 failed\n",
        "avatarctl: fleet 2132: no credentials for Navixy\nhint: set FLEET_HASH, or FLEET_LOGIN and FLEET_PASSWORD\n",
    );
    world
        .run("apply m.json")
        .env("FLEET_HASH", hash)
        .env("FLEET_HASH_FILE", "x")
        .gives(
            78,
            "0 changed, 0 unchanged, 1 failed\n",
            "avatarctl: fleet 2132: FLEET_HASH and FLEET_HASH_FILE are both set\n\
         hint: keep one of them; FLEET_HASH_FILE is the safer one\n",
        );
    assert_eq!(world.requests(), [0; 4]);
    world.expect("fleet", Server::expect_calls);
    // The system's own variable is wrong here, and nobody asks for it.
    let run = || world.run("apply m.json").env("NAVIXY_HASH", "wrong");
    run().env("FLEET_HASH", hash).gives(0, done, NOTHING);
    let same = "fleet 2132: icon 3654, unchanged\n0 changed, 1 unchanged\n";
    world.scratch.secret("secret", format!("{hash}\n"));
    run()
        .env("FLEET_HASH_FILE", "secret")
        .gives(0, same, NOTHING);
    run()
        .env("FLEET_HASH_FILE", "-")
        .stdin(hash)
        .gives(0, same, NOTHING);
    world.scratch.write("systemd/fleet_hash", hash);
    run()
        .env("CREDENTIALS_DIRECTORY", "systemd")
        .gives(0, same, NOTHING);
}

/// Every variable of a system has the prefix, and a refusal names it as it is set here.
#[test]
fn the_prefix_stands_before_every_variable() {
    let mut world = World::new();
    let path = world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "chat", "user": "retired-bot", "reset": true},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654}"#,
    );
    let text = fs::read_to_string(&path).expect("it was just written");
    let text = text
        .replace(
            "\"system\": \"jira\"",
            "\"system\": \"jira\", \"credentials\": \"A\"",
        )
        .replace(
            "\"system\": \"rocketchat\"",
            "\"system\": \"rocketchat\", \"credentials\": \"b_2\"",
        )
        .replace(
            "\"system\": \"navixy\"",
            "\"system\": \"navixy\", \"credentials\": \"C\"",
        );
    fs::write(&path, text).expect("scratch is writable");
    const DONE: &str = "jira robot: avatar 24880 (was 10122)\n\
        chat retired-bot: generated letter, unchanged\n\
        fleet 2132: icon 3654 (was 12)\n\
        2 changed, 1 unchanged\n";
    let pairs = |logins: bool| {
        let (token, id) = (
            "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq",
            "aobEdbYhXfu5hkeqG",
        );
        match logins {
            false => vec![
                ("A_TOKEN", "ROBOTTOKEN"),
                ("b_2_USER_ID", id),
                ("b_2_AUTH_TOKEN", token),
                ("C_HASH", "22eac1c27af4be7b9d04da2ce1af111b"),
            ],
            true => vec![
                ("A_USER", "robot"),
                ("A_PASSWORD", "secret"),
                ("b_2_USER", "robot-admin"),
                ("b_2_PASSWORD", "secret"),
                ("C_LOGIN", "bot@example.com"),
                ("C_PASSWORD", "secret"),
            ],
        }
    };
    let run = |pairs: &[(&str, &str)]| {
        let mut run = Run::new(["apply", "m.json"]).dir(world.scratch.path());
        for (name, value) in pairs {
            run = run.env(name, *value);
        }
        run
    };
    run(&pairs(false)).gives(0, DONE, NOTHING);
    run(&pairs(true)).gives(
        0,
        &DONE
            .replace(" (was 10122)", ", unchanged")
            .replace(" (was 12)", ", unchanged")
            .replace("2 changed, 1", "0 changed, 3"),
        NOTHING,
    );
    let wrong: Vec<_> = pairs(false)
        .iter()
        .map(|(name, _)| (*name, "wrong"))
        .collect();
    let told = run(&wrong).output();
    assert_eq!(
        (told.status, told.stdout.as_str()),
        (77, "0 changed, 0 unchanged, 3 failed\n"),
        "{told:?}"
    );
    let hints: String = told
        .stderr
        .lines()
        .filter(|line| line.starts_with("hint: "))
        .collect();
    for name in ["A_TOKEN", "b_2_USER_ID", "b_2_AUTH_TOKEN", "C_HASH"] {
        assert!(hints.contains(name), "{name}: {told:?}");
    }
    assert!(
        !hints.contains("JIRA_") && !hints.contains("ROCKETCHAT_") && !hints.contains("NAVIXY_"),
        "{told:?}"
    );
}

#[test]
fn two_servers_of_one_system_have_their_own_credentials_and_states() {
    let mut world = World::new();
    let mut other = Navixy::default();
    other.hashes.clear();
    let hash = other.admit("other@example.com", &["employee_update"]);
    let other = other.start();
    let path = world.declare(
        "\n    {\"server\": \"fleet\", \"employee_id\": 2133, \"image\": \"faces/build.png\"},\n    \
         {\"server\": \"other\", \"employee_id\": 2133, \"image\": \"faces/build.png\"}",
    );
    let text = fs::read_to_string(&path).expect("it was just written");
    let text = text.replace(
        "    \"fleet\":",
        &format!(
            "    \"other\": {{\"system\": \"navixy\", \"url\": \"{}\", \"credentials\": \"OTHER\"}},\n    \"fleet\":",
            other.url()
        ),
    );
    fs::write(&path, text).expect("scratch is writable");
    let told = world
        .run("apply m.json -q")
        .env("OTHER_HASH", &hash)
        .output();
    assert_eq!(
        (told.status, told.stderr.as_str()),
        (0, NOTHING),
        "{told:?}"
    );
    assert_eq!(told.stdout.lines().count(), 3, "{told:?}");
    assert_eq!(world.state().lines().count(), 2);
    world
        .run("diff m.json -q")
        .env("OTHER_HASH", &hash)
        .gives(0, NOTHING, NOTHING);
}

#[test]
fn files_and_the_proxy_of_a_server_are_its_own() {
    let mut world = World::new();
    world.offline();
    for (keys, status, complaint) in [
        (
            "\"ca_file\": \"certs/ca.pem\"".to_owned(),
            78,
            "certs/ca.pem",
        ),
        (
            "\"client_cert\": \"certs/a.pem\", \"client_key\": \"certs/a.key\"".to_owned(),
            78,
            "certs/a",
        ),
    ] {
        fleet_with(&mut world, &keys);
        world.offline();
        let told = world.run("apply m.json").output();
        assert_eq!(told.status, status, "{told:?}");
        assert!(told.stderr.contains(complaint), "{told:?}");
    }
    let proxy = unused_address();
    fleet_with(&mut world, &format!("\"proxy\": \"http://{proxy}\""));
    world.offline();
    let told = world.run("apply m.json --retries 0").output();
    assert_eq!(told.status, 69, "{told:?}");
    assert!(told.stderr.contains(&proxy.to_string()), "{told:?}");
    // The manifest's own come before the command line's.
    let told = world
        .run("apply m.json --retries 0 --proxy http://127.0.0.1:1")
        .output();
    assert!(told.stderr.contains(&proxy.to_string()), "{told:?}");
}
