//! What becomes of each account: in a line, in JSON, in the totals, and in the files.

use std::path::Path;
use std::process::Command;

use super::{ACCOUNTS, Servers, listed};
use crate::apply::batch::{frame, frames_on_a_terminal, on_a_terminal};
use crate::support::batch::timeless;
use crate::support::jira::TokenPages;
use crate::support::model::Fault;
use crate::support::printed::complaint;
use crate::support::rocketchat::chat;
use crate::support::server::unused_address;
use crate::support::{Jira, Reply, Run, Scratch, pictures};

#[test]
fn every_account_has_a_line_an_entry_and_a_state() {
    let servers = Servers::start();
    servers.declare(ACCOUNTS);
    let mxc = servers.world.hs().model().user("build-bot").avatar.clone();
    let mxc = mxc.expect("an avatar");
    let etag = servers.world.chat().model().user("build-bot").etag.clone();
    let etag = etag.expect("an etag");
    let stored = servers.world.fleet().model().employee(2134).clone();
    let stored = stored.avatar_file_name.expect("a file");
    servers.run("pull m.json --to backup").mask(&mxc, "MXC").gives(
        0,
        "jira robot: pulled avatar 10122 (default), preview jira/robot.svg\n\
         jira build-bot: pulled avatar 24901 (uploaded), preview jira/build-bot.png\n\
         chat build-bot: pulled image chat/build-bot.jpg (uploaded)\n\
         chat rbAXPnMktTFbNpwtJ: pulled generated letter\n\
         chat robot-admin: pulled nothing (external)\n\
         fleet 2132: pulled icon 12 (default)\n\
         fleet 2133: pulled no icon (generated)\n\
         fleet 2134: pulled image fleet/2134.png (uploaded)\n\
         hs build-bot: pulled preview hs/build-bot.gif (uploaded), avatar MXC\n\
         hs @deploy-bot:test.local: pulled generated letter\n\
         10 pulled (4 uploaded, 2 default, 3 generated, 1 external)\n",
        "avatarctl: chat robot-admin: warning: the account has no etag, so what shows is a provider's picture, or this server is too old to tell\n\
         avatarctl: chat robot-admin: warning: left out of the manifest: a provider's picture\n",
    );
    assert_eq!(
        listed(&servers.world.scratch.join("backup")),
        [
            "avatars.json",
            "avatars.json.state",
            "chat/",
            "chat/build-bot.jpg",
            "fleet/",
            "fleet/2134.png",
            "hs/",
            "hs/build-bot.gif",
            "jira/",
            "jira/build-bot.png",
            "jira/robot.svg",
        ]
    );
    assert_eq!(
        servers.read("backup/avatars.json").replace(&mxc, "MXC"),
        r#"{
  "servers": {
    "jira": {"system": "jira", "url": "JIRA"},
    "chat": {"system": "rocketchat", "url": "CHAT"},
    "fleet": {"system": "navixy", "url": "FLEET"},
    "hs": {"system": "matrix", "url": "HS"}
  },
  "accounts": [
    {"server": "jira", "user": "robot", "avatar_id": 10122},
    {"server": "chat", "user": "build-bot", "image": "chat/build-bot.jpg"},
    {"server": "jira", "user": "build-bot", "avatar_id": 24901},
    {"server": "chat", "user_id": "rbAXPnMktTFbNpwtJ", "reset": true},
    {"server": "fleet", "employee_id": 2132, "icon_id": 12},
    {"server": "fleet", "employee_id": 2133, "icon_id": null},
    {"server": "fleet", "employee_id": 2134, "image": "fleet/2134.png"},
    {"server": "hs", "user": "build-bot", "mxc": "MXC"},
    {"server": "hs", "user": "@deploy-bot:test.local", "reset": true}
  ]
}
"#
    );
    let state = timeless(&servers.read("backup/avatars.json.state"));
    let lines: Vec<&str> = state.lines().collect();
    let chat = sha256sum(&servers.world.scratch.join("backup/chat/build-bot.jpg"));
    let fleet = sha256sum(&servers.world.scratch.join("backup/fleet/2134.png"));
    assert_eq!(
        [lines[0], lines[1], lines[6]],
        [
            r#"{"v":1,"server":"JIRA","by":"user","account":"robot","set":"avatar_id:10122","fingerprint":"10122","time":"TIME"}"#,
            &format!(
                r#"{{"v":1,"server":"CHAT","by":"user","account":"build-bot","set":"sha256:{chat}","fingerprint":"{etag}","time":"TIME"}}"#
            ),
            &format!(
                r#"{{"v":1,"server":"FLEET","by":"employee_id","account":"2134","set":"sha256:{fleet}","fingerprint":"file:{stored}","time":"TIME"}}"#
            ),
        ]
    );
    assert_eq!(lines.len(), 9);
}

/// By another program.
fn sha256sum(path: &Path) -> String {
    let output = Command::new("sha256sum")
        .arg(path)
        .output()
        .expect("sha256sum starts");
    let text = String::from_utf8(output.stdout).expect("letters");
    text.split(' ').next().expect("a hash").to_owned()
}

#[test]
fn json_has_the_origin_the_file_and_a_count() {
    let servers = Servers::start();
    servers.declare(ACCOUNTS);
    servers
        .world
        .chat()
        .fault(Fault::on("GET /api/v1/users.info").instead(Reply::empty(500)));
    let line = |system: &str, server: &str, account: &str, rest: &str| {
        format!(
            "{{\"v\":1,\"type\":\"account\",\"system\":\"{system}\",\"server\":\"{server}\",\"account\":\"{account}\",\"action\":\"pull\",{rest}}}\n"
        )
    };
    let pulled = |origin: &str, file: &str| {
        format!("\"outcome\":\"pulled\",\"origin\":\"{origin}\",\"file\":{file}")
    };
    let wanted = [
        line("rocketchat", "CHAT", "build-bot", "\"outcome\":\"failed\",\"error\":{\"class\":\"temporary\",\"exit\":75,\"status\":500,\"message\":\"look up \\\"build-bot\\\": the server failed with 500\",\"hint\":null}"),
        line("jira", "JIRA", "robot", &pulled("default", "\"jira/robot.svg\"")),
        line("jira", "JIRA", "build-bot", &pulled("uploaded", "\"jira/build-bot.png\"")),
        line("rocketchat", "CHAT", "rbAXPnMktTFbNpwtJ", &pulled("generated", "null")),
        line("rocketchat", "CHAT", "robot-admin", &pulled("external", "null")),
        line("navixy", "FLEET", "2132", &pulled("default", "null")),
        line("navixy", "FLEET", "2133", &pulled("generated", "null")),
        line("navixy", "FLEET", "2134", &pulled("uploaded", "\"fleet/2134.png\"")),
        line("matrix", "HS", "build-bot", &pulled("uploaded", "\"hs/build-bot.gif\"")),
        line("matrix", "HS", "@deploy-bot:test.local", &pulled("generated", "null")),
        "{\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":0,\"pulled\":9,\"failed\":1,\"pending\":0,\"skipped\":0,\"exit\":75}\n".to_owned(),
    ];
    let output = servers
        .run("pull m.json --to backup --json")
        .once()
        .output();
    assert_eq!((output.status, output.stdout), (75, wanted.concat()));
    let manifest = servers.read("backup/avatars.json");
    assert!(
        !manifest.contains("\"user\": \"build-bot\", \"image\""),
        "{manifest}"
    );
    assert!(!servers.world.scratch.join("backup/chat").exists());
    servers
        .run("diff backup/avatars.json")
        .gives(0, "0 to change, 8 the same\n", "");
}

#[test]
fn quietly_it_says_what_failed() {
    let servers = Servers::start();
    servers.declare(r#"{"server": "jira", "user": "robot", "avatar_id": 24880}"#);
    servers.run("pull m.json --to backup -q").gives(0, "", "");
    servers
        .run("pull m.json --to backup -q --json")
        .gives(0, "", "");
    servers.run("jira pull nobody robot --to other -q").gives(
        67,
        "1 pulled (1 default), 1 failed\n",
        "avatarctl: jira nobody: look up the avatars of \"nobody\": not found: The user named 'nobody' does not exist\n",
    );
}

/// Its pictures come from another service then; the id that is selected is declared all the same.
#[test]
fn an_external_picture_is_declared_by_its_id_where_there_is_one() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    jira.model().gravatar = true;
    let run = |words: &str| Run::new(words.split(' ')).with(&jira).dir(scratch.path());
    run("jira pull robot --to backup").gives(
        0,
        "jira robot: pulled avatar 10122 (external)\n1 pulled (1 external)\n",
        "",
    );
    assert!(
        scratch
            .read("backup/avatars.json")
            .contains("\"avatar_id\": 10122")
    );
    run("diff backup/avatars.json").gives(0, "0 to change, 1 the same\n", "");
}

#[test]
fn pictures_are_declared_in_place_of_ids_on_request() {
    let servers = Servers::start();
    servers.declare(ACCOUNTS);
    servers.run("pull m.json --to backup --as-images").gives(
        1,
        "jira build-bot: pulled image jira/build-bot.png (uploaded)\n\
         chat build-bot: pulled image chat/build-bot.jpg (uploaded)\n\
         chat rbAXPnMktTFbNpwtJ: pulled generated letter\n\
         chat robot-admin: pulled nothing (external)\n\
         fleet 2133: pulled no icon (generated)\n\
         fleet 2134: pulled image fleet/2134.png (uploaded)\n\
         hs build-bot: pulled image hs/build-bot.gif (uploaded)\n\
         hs @deploy-bot:test.local: pulled generated letter\n\
         8 pulled (4 uploaded, 3 generated, 1 external), 2 failed\n",
        &[
            complaint("jira robot", "the picture is a drawing (SVG), which is never sent", ""),
            "avatarctl: chat robot-admin: warning: the account has no etag, so what shows is a provider's picture, or this server is too old to tell\n\
             avatarctl: chat robot-admin: warning: left out of the manifest: a provider's picture\n".to_owned(),
            complaint("fleet 2132", "there is no picture: icon 12 has no address that its picture could be read from", ""),
        ]
        .concat(),
    );
    servers
        .run("diff backup/avatars.json")
        .gives(0, "0 to change, 7 the same\n", "");
    // What moves to another server: nothing in it is an id of this one.
    let manifest = servers.read("backup/avatars.json");
    for key in ["avatar_id", "mxc\"", "icon_id\": 1"] {
        assert!(!manifest.contains(key), "{manifest}");
    }
}

/// A drawing is kept, and never sent.
#[test]
fn an_uploaded_drawing_is_saved_and_left_out() {
    let (chat, scratch) = (chat(), Scratch::new());
    let drawing = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><rect/></svg>";
    {
        let mut model = chat.model();
        model.give("build-bot", pictures::png(64, 64, 1));
        let picture = model.user("build-bot").picture.as_mut().expect("a picture");
        picture.bytes = drawing.to_vec();
        picture.content_type = "image/svg+xml".to_owned();
    }
    let run = |words: &str| Run::new(words.split(' ')).with(&chat).dir(scratch.path());
    run("rocketchat pull build-bot --to backup").gives(
        0,
        "rocketchat build-bot: pulled rocketchat/build-bot.svg (uploaded), not declared\n1 pulled (1 uploaded)\n",
        "avatarctl: rocketchat build-bot: warning: left out of the manifest: an SVG, which is not sent\n",
    );
    assert_eq!(
        scratch.read("backup/rocketchat/build-bot.svg").as_bytes(),
        drawing
    );
    assert!(
        scratch
            .read("backup/avatars.json")
            .ends_with("\"accounts\": []\n}\n")
    );
    run("diff backup/avatars.json").gives(0, "0 to change, 0 the same\n", "");
}

#[test]
fn an_etag_whose_picture_is_lost_is_the_letter_and_said() {
    let (chat, scratch) = (chat(), Scratch::new());
    let etag = chat.model().give("build-bot", pictures::png(64, 64, 1));
    chat.model().user("build-bot").picture = None;
    Run::new(["rocketchat", "pull", "build-bot", "--to", "backup"])
        .with(&chat)
        .dir(scratch.path())
        .mask(&etag, "ETAG")
        .gives(
            0,
            "rocketchat build-bot: pulled generated letter\n1 pulled (1 generated)\n",
            "avatarctl: rocketchat build-bot: warning: the server lost the picture of etag ETAG, and shows the letter\n",
        );
}

/// The rest of that server would be refused as well; the others are not its fault.
#[test]
fn refused_credentials_skip_the_rest_of_a_server() {
    let servers = Servers::start();
    servers.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 1},
    {"server": "jira", "user": "build-bot", "avatar_id": 1},
    {"server": "jira", "user": "deploy-bot", "avatar_id": 1},
    {"server": "hs", "user": "deploy-bot", "reset": true}"#,
    );
    let run = servers
        .run("pull m.json --to backup")
        .env("JIRA_PASSWORD", "wrong");
    run.gives(
        77,
        "hs deploy-bot: pulled generated letter\n1 pulled (1 generated), 1 failed, 2 skipped\n",
        "avatarctl: jira robot: ask what server this is: wrong user name or password\n\
         hint: check JIRA_USER and JIRA_PASSWORD before the next run, because failed logins lock the account; from Jira 11 on, passwords are off by default: use a token\n\
         avatarctl: jira build-bot: skipped: jira refused the credentials\n\
         avatarctl: jira deploy-bot: skipped: jira refused the credentials\n",
    );
    assert_eq!(
        listed(&servers.world.scratch.join("backup")),
        ["avatars.json", "avatars.json.state"]
    );
}

/// What is there of an earlier time is worth more than an empty manifest.
#[test]
fn where_nobody_could_be_read_nothing_is_written() {
    let servers = Servers::start();
    servers.declare(r#"{"server": "jira", "user": "robot", "avatar_id": 1}"#);
    servers.does("pull m.json --to backup");
    let before = super::tree(&servers.world.scratch.join("backup"));
    servers
        .world
        .jira()
        .fault(Fault::any().always().instead(Reply::empty(503)));
    let output = servers
        .run("pull m.json --to backup --force")
        .once()
        .output();
    assert_eq!(
        (output.status, output.stdout.as_str()),
        (75, "0 pulled, 1 failed\n")
    );
    assert_eq!(super::tree(&servers.world.scratch.join("backup")), before);
    let output = servers.run("jira pull robot --to never").once().output();
    assert_eq!(
        (output.status, output.stdout.as_str()),
        (75, "0 pulled, 1 failed\n")
    );
    assert!(!servers.world.scratch.join("never").exists());
}

/// A manifest that has the id does without the picture: a server that gives none to this caller is said to once.
#[test]
fn a_picture_that_is_not_needed_is_missed_with_a_warning() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    {
        let mut model = jira.model();
        for name in ["robot", "build-bot", "deploy-bot"] {
            let id = model.give(name, pictures::png(64, 64, 1));
            model.user_mut(name).selected = id;
        }
        model.token_pages = TokenPages::LoginPage;
        model.everybody_browses = false;
    }
    let run = |words: &str| {
        Run::new(words.split(' '))
            .with(&jira)
            .without("JIRA_USER")
            .without("JIRA_PASSWORD")
            .env("JIRA_TOKEN", "ROBOTTOKEN")
            .dir(scratch.path())
    };
    run("jira pull robot build-bot deploy-bot --to backup").gives(
        0,
        "jira robot: pulled avatar 24901 (uploaded)\n\
         jira build-bot: pulled avatar 24902 (uploaded)\n\
         jira deploy-bot: pulled avatar 24903 (uploaded)\n\
         3 pulled (3 uploaded)\n",
        "avatarctl: jira robot: warning: pictures are not saved: read the picture of avatar 24901: this server gives pictures to a browser's session or a password, and to no token; use JIRA_USER and JIRA_PASSWORD, if the server takes passwords\n",
    );
    run("diff backup/avatars.json").gives(0, "0 to change, 3 the same\n", "");
}

/// Where the picture is what would be given back, an account without it has failed, and the others have not.
#[test]
fn a_picture_that_is_needed_and_cannot_be_read_is_a_failure() {
    let servers = Servers::start();
    servers.declare(ACCOUNTS);
    servers.world.fleet().model().files.clear();
    servers.world.chat().fault(
        Fault::on("GET /avatar/build-bot")
            .always()
            .instead(Reply::html(200, "Log in")),
    );
    servers.world.hs().model().media.clear();
    let mxc = servers.world.hs().model().user("build-bot").avatar.clone();
    let run = servers.run("pull m.json --to backup");
    run.mask(&mxc.expect("an avatar"), "MXC").gives(
        1,
        "jira robot: pulled avatar 10122 (default), preview jira/robot.svg\n\
         jira build-bot: pulled avatar 24901 (uploaded), preview jira/build-bot.png\n\
         chat rbAXPnMktTFbNpwtJ: pulled generated letter\n\
         chat robot-admin: pulled nothing (external)\n\
         fleet 2132: pulled icon 12 (default)\n\
         fleet 2133: pulled no icon (generated)\n\
         hs build-bot: pulled avatar MXC (uploaded)\n\
         hs @deploy-bot:test.local: pulled generated letter\n\
         8 pulled (2 uploaded, 2 default, 3 generated, 1 external), 2 failed\n",
        "avatarctl: chat build-bot: read the picture of \"build-bot\": answered 200, and the body is an HTML page\n\
         hint: a login page or a proxy answered instead of Rocket.Chat: exempt this account's calls from single sign-on\n\
         avatarctl: chat robot-admin: warning: the account has no etag, so what shows is a provider's picture, or this server is too old to tell\n\
         avatarctl: chat robot-admin: warning: left out of the manifest: a provider's picture\n\
         avatarctl: fleet 2134: read the picture of employee 2134: there is no such picture\n\
         hint: an installation may keep its pictures at another path than static/employee/avatars\n\
         avatarctl: hs build-bot: warning: the picture is not saved: read \"MXC\": there is no such picture\n",
    );
    servers
        .run("diff backup/avatars.json")
        .gives(0, "0 to change, 7 the same\n", "");
}

/// Who may not see users is given the default picture without a word; it is nobody's.
#[test]
fn the_default_in_disguise_is_not_saved_as_an_accounts_own() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    {
        let mut model = jira.model();
        let id = model.give("build-bot", pictures::png(64, 64, 1));
        model.user_mut("build-bot").selected = id;
        model.callers_browse = false;
    }
    let run = |words: &str| Run::new(words.split(' ')).with(&jira).dir(scratch.path());
    let said = "read the picture of avatar 24901: the server answered with the picture of avatar 10122, which is its own";
    let hint = "the caller may lack the global permission Browse Users";
    run("jira pull build-bot --to backup").gives(
        0,
        "jira build-bot: pulled avatar 24901 (uploaded)\n1 pulled (1 uploaded)\n",
        &format!("avatarctl: jira build-bot: warning: pictures are not saved: {said}; {hint}\n"),
    );
    assert_eq!(
        listed(&scratch.join("backup")),
        ["avatars.json", "avatars.json.state"]
    );
    run("jira pull build-bot --to pictures --as-images").gives(
        77,
        "0 pulled, 1 failed\n",
        &complaint("jira build-bot", said, hint),
    );
    assert!(!scratch.join("pictures").exists());
}

/// What was read is said when it is in the folder; until then a terminal shows how far the reading is.
#[test]
fn a_terminal_is_shown_how_far_the_reading_is() {
    let servers = Servers::start();
    servers.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 1},
    {"server": "fleet", "employee_id": 2132, "icon_id": 1}"#,
    );
    let shown = frames_on_a_terminal(&servers.world, "pull m.json --to backup");
    let wanted = [
        frame("0/2 jira robot"),
        frame("1/2 jira robot, N left"),
        frame("1/2 fleet 2132, N left"),
        frame("2/2 fleet 2132, N left"),
        "\r\u{1b}[Kjira robot: pulled avatar 10122 (default), preview jira/robot.svg\r\n"
            .to_owned(),
        "\r\u{1b}[Kfleet 2132: pulled icon 12 (default)\r\n".to_owned(),
        "\r\u{1b}[K2 pulled (2 default)\r\n\r\u{1b}[K".to_owned(),
    ];
    assert_eq!(shown, wanted.concat());
    assert_eq!(
        on_a_terminal(&servers.world, "pull m.json --to backup -q"),
        ""
    );
}

/// Nobody could ask for the others either.
#[test]
fn a_server_that_cannot_be_reached_is_tried_once() {
    let servers = Servers::start();
    servers.declare(ACCOUNTS);
    let nowhere = format!("http://{}", unused_address());
    let text = servers.world.scratch.read("m.json");
    let text = text.replace(&servers.world.chat().url(), &nowhere);
    servers.world.scratch.write("m.json", text);
    let output = servers.run("pull m.json --to backup").once().output();
    assert_eq!(output.status, 69, "{output:?}");
    assert!(
        output
            .stdout
            .ends_with("\n7 pulled (3 uploaded, 2 default, 2 generated), 1 failed, 2 skipped\n"),
        "{output:?}"
    );
    let skipped = output
        .stderr
        .lines()
        .filter(|line| line.ends_with(": skipped: chat cannot be reached"));
    assert_eq!(skipped.count(), 2, "{output:?}");
}

/// Pictures are read within the login of the run, and it ends with it.
#[test]
fn a_login_is_ended_when_all_is_read() {
    let (chat, scratch) = (chat(), Scratch::new());
    chat.model().give("build-bot", pictures::png(64, 64, 1));
    let tokens = chat.model().tokens.len();
    Run::new(["rocketchat", "pull", "build-bot", "--to", "backup"])
        .with_login(&chat)
        .dir(scratch.path())
        .gives(
            0,
            "rocketchat build-bot: pulled image rocketchat/build-bot.png (uploaded)\n1 pulled (1 uploaded)\n",
            "",
        );
    assert_eq!(chat.model().tokens.len(), tokens);
    assert_eq!(
        chat.calls().last().map(String::as_str),
        Some("POST /chat/api/v1/logout")
    );
}
