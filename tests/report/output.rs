//! What is said where: lines for people, JSON Lines for programs, exit statuses, traces and errors on standard error,
//! colours on terminals, and readers that go away.

use std::ffi::{CStr, c_char, c_int};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::json;

use crate::support::printed::{NOTHING, account_line, summary_line};
use crate::support::run::words;
use crate::support::server::unused_address;
use crate::support::{
    Fault, Jira, Model, Navixy, Output, Reply, RocketChat, Run, Running, Scratch, World, pictures,
    program,
};

/// Durations as `N ms`, because they differ from run to run.
fn timeless(mut output: Output) -> Output {
    let line = |line: &str| match line
        .strip_suffix(" ms\n")
        .and_then(|rest| rest.rsplit_once(' '))
    {
        Some((rest, time)) if time.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{rest} N ms\n")
        }
        _ => line.to_owned(),
    };
    output.stderr = output.stderr.split_inclusive('\n').map(line).collect();
    output
}

// ------------------------------------------------------------------------------------------- lines for people

/// A picture that is not square is a warning: on standard error, in every kind of output, and no failure.
#[test]
fn a_warning_is_no_result() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let path = scratch.write("wide.png", pictures::png(96, 64, 1));
    let warning = "avatarctl: jira: warning: \"wide.png\": 96 x 64 is not square; Jira will be sent the square of 64 pixels at 16,0\n";
    Run::new(["jira", "set", "--image"])
        .arg(&path)
        .with(&jira)
        .gives(
            0,
            "jira robot: image wide.png (avatar 24901, was 10122)\n",
            warning,
        );
    Run::new(["jira", "set", "--json", "--image"]).arg(&path).with(&jira).gives(
        0,
        &(account_line("jira", "robot", "set", "\"outcome\":\"changed\",\"before\":\"24901\",\"after\":\"24902\",\"verified\":true")
            + &summary_line(1, 0, 0, 0)),
        warning,
    );
}

/// A line that does not fit on a terminal says what happened before it repeats a long address or file name.
#[test]
fn what_happened_stands_within_the_width_of_a_terminal() {
    let (chat, scratch) = (RocketChat::start(), Scratch::new());
    let address = "https://pictures.example/faces/build-bot.png";
    chat.model().publish(address, pictures::png(8, 8, 2));
    let path = scratch.write(
        "a-robot-with-a-name-that-is-quite-long.png",
        pictures::png(64, 64, 1),
    );
    let path = path.to_str().expect("a path of letters");
    for (source, value, long) in [
        (
            "--avatar-url",
            address,
            "url https://pictures.example/faces/build-bot.png",
        ),
        (
            "--image",
            path,
            "image a-robot-with-a-name-that-is-quite-long.png",
        ),
    ] {
        let before = chat.model().user("build-bot").etag.clone();
        let output = Run::new(words("rocketchat set --user build-bot"))
            .arg(source)
            .arg(value)
            .with(&chat)
            .output();
        let after = chat
            .model()
            .user("build-bot")
            .etag
            .clone()
            .expect("an etag");
        let was = match before {
            Some(before) => format!("was {}…", &before[..3]),
            None => "first avatar".to_owned(),
        };
        output.gives(
            0,
            &format!(
                "rocketchat build-bot: etag {}…, {was}, {long}\n",
                &after[..3]
            ),
            "",
        );
    }
}

// ------------------------------------------------------------------------------------------------ JSON Lines

/// "`account` is the target as it was given": whoever joins the lines with a list of their own needs it so.
#[test]
fn a_target_is_reported_as_it_was_given() {
    let navixy = Navixy::start();
    Run::new(words("navixy show --json --employee-id 002133"))
        .with(&navixy)
        .gives(
            0,
            &(account_line(
                "navixy",
                "002133",
                "show",
                "\"outcome\":\"shown\",\"current\":null,\"icon_id\":null,\"file\":null",
            ) + &summary_line(0, 1, 0, 0)),
            "",
        );
}

/// A failure of each kind with `--json`: the line, the summary, and the same words on standard error.
#[test]
fn errors_are_told_to_programs_and_to_people() {
    let jira = Jira::start();
    let failed = |action: &str, who: &str, error: &str| {
        format!(
            "{{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"server\":\"URL\",\"account\":{who},\"action\":\"{action}\",\
             \"outcome\":\"failed\",\"error\":{error}}}\n"
        )
    };
    Run::new(words("jira set --user robot --avatar-id 999 --json")).with(&jira).gives(
        67,
        &(failed(
            "set",
            "\"robot\"",
            "{\"class\":\"target\",\"exit\":67,\"status\":null,\"message\":\"select avatar 999: \\\"robot\\\" has no such avatar\",\
             \"hint\":\"avatarctl jira list shows the ids that exist\"}",
        ) + &summary_line(0, 0, 1, 67)),
        "avatarctl: jira robot: select avatar 999: \"robot\" has no such avatar\n\
         hint: avatarctl jira list shows the ids that exist\n",
    );
    Run::new(words("jira list --json")).with(&jira).env("JIRA_PASSWORD", "wrong").gives(
        77,
        &(failed(
            "list",
            "null",
            "{\"class\":\"credentials\",\"exit\":77,\"status\":401,\"message\":\"ask what server this is: wrong user name or password\",\
             \"hint\":\"check JIRA_USER and JIRA_PASSWORD before the next run, because failed logins lock the account; from Jira 11 on, passwords are off by default: use a token\"}",
        ) + &summary_line(0, 0, 1, 77)),
        "avatarctl: jira: ask what server this is: wrong user name or password\n\
         hint: check JIRA_USER and JIRA_PASSWORD before the next run, because failed logins lock the account; from Jira 11 on, passwords are off by default: use a token\n",
    );
    jira.fault(
        Fault::on("GET /myself")
            .always()
            .instead(Reply::html(503, "Busy")),
    );
    Run::new(words("jira show --json")).with(&jira).once().gives(
        75,
        &(failed(
            "show",
            "null",
            "{\"class\":\"temporary\",\"exit\":75,\"status\":503,\"message\":\"ask who the caller is: the server failed with 503\",\"hint\":null}",
        ) + &summary_line(0, 0, 1, 75)),
        "avatarctl: jira: ask who the caller is: the server failed with 503\n",
    );
    Run::new(words("jira show --json")).gives(
        78,
        "{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"server\":null,\"account\":null,\"action\":\"show\",\"outcome\":\"failed\",\
         \"error\":{\"class\":\"configuration\",\"exit\":78,\"status\":null,\"message\":\"no base URL for Jira\",\"hint\":\"give --url or set JIRA_URL\"}}\n\
         {\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":0,\"failed\":1,\"pending\":0,\"skipped\":0,\"exit\":78}\n",
        "avatarctl: jira: no base URL for Jira\nhint: give --url or set JIRA_URL\n",
    );
}

/// A name that a server reports reaches programs as it is, and nobody's terminal gets anything to obey.
#[test]
fn text_from_a_server_is_escaped_for_people() {
    let jira = Jira::start();
    let name = "ro\u{1b}[31mbot\u{202e}";
    let avatars = json!({"system": [{"id": "10122", "isSelected": true, "urls": {"48x48": "https://a.example/x"}}]});
    jira.fault(
        Fault::on("GET /myself")
            .always()
            .instead(Reply::json(200, json!({"name": name}))),
    );
    jira.fault(
        Fault::on("GET /user/avatars")
            .always()
            .instead(Reply::json(200, avatars)),
    );
    Run::new(words("jira show")).with(&jira).gives(
        0,
        "jira ro\\u{1b}[31mbot\\u{202e}: avatar 10122 (system)\n",
        "",
    );
    Run::new(words("jira show --json")).with(&jira).gives(
        0,
        &(account_line(
            "jira",
            "ro\\u001b[31mbot\\u202e",
            "show",
            "\"outcome\":\"shown\",\"current\":\"10122\",\"kind\":\"system\",\
             \"url\":\"https://a.example/x\"",
        ) + &summary_line(0, 1, 0, 0)),
        "",
    );
}

/// An id is a server's text like any other.
#[test]
fn an_avatar_id_from_a_server_is_escaped_for_people() {
    let jira = Jira::start();
    let avatars = json!({"system": [{"id": "1\u{1b}[31m2", "isSelected": true}], "custom": []});
    jira.fault(
        Fault::on("GET /user/avatars")
            .always()
            .instead(Reply::json(200, avatars)),
    );
    Run::new(words("jira show")).with(&jira).gives(
        0,
        "jira robot: avatar 1\\u{1b}[31m2 (system)\n",
        "",
    );
}

/// The first and the last of every range of characters that are obeyed or not seen: controls, format characters,
/// ends of lines and paragraphs, fillers, variation selectors and tags, by Unicode 18.0.
const DECEIVERS: &str = "\u{1}\u{1b}\u{1f}\u{7f}\u{80}\u{9b}\u{9f}\u{ad}\u{34f}\u{600}\u{605}\u{61c}\u{6dd}\u{70f}\u{890}\u{891}\
    \u{8e2}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180e}\u{180f}\u{200b}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\
    \u{2066}\u{206f}\u{3164}\u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff0}\u{fff9}\u{fffb}\u{110bd}\u{110cd}\u{13430}\u{1343f}\
    \u{1bca0}\u{1bca3}\u{1d173}\u{1d17a}\u{e0000}\u{e0001}\u{e0020}\u{e007f}\u{e0100}\u{e01ef}\u{e0fff}";

/// As people read it.
fn escaped(text: &str) -> String {
    let escape = |c: char| match DECEIVERS.contains(c) {
        true => c.escape_unicode().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// As a program reads it.
fn escaped_in_json(text: &str) -> String {
    let mut units = [0; 2];
    let escape = |c: char| match DECEIVERS.contains(c) {
        true => {
            let units = c.encode_utf16(&mut units).iter();
            units.map(|unit| format!("\\u{unit:04x}")).collect()
        }
        false => c.to_string(),
    };
    text.chars().map(escape).collect::<String>()
}

#[test]
fn every_character_that_deceives_is_escaped() {
    let name = format!("a{DECEIVERS}z");
    let jira = Jira::start();
    jira.fault(
        Fault::on("GET /myself")
            .always()
            .instead(Reply::json(200, json!({"name": name}))),
    );
    Run::new(words("jira whoami --json")).with(&jira).gives(
        0,
        &(format!(
            "{{\"v\":1,\"type\":\"identity\",\"name\":\"{}\",\"server_version\":\"9.12.4\",\"deployment\":\"Server\",\
             \"may_change_others\":true}}\n",
            escaped_in_json(&name)
        ) + &summary_line(0, 0, 0, 0)),
        "",
    );
    // A name is cut at its length on the page of a terminal, and what is behind the cut is in the JSON.
    let start: String = name.chars().take(50).collect();
    jira.heal();
    jira.fault(
        Fault::on("GET /myself")
            .always()
            .instead(Reply::json(200, json!({"name": start}))),
    );
    Run::new(words("jira whoami")).with(&jira).gives(
        0,
        &format!(
            "jira: {}, may change others, Jira 9.12.4 (Server) at URL\n",
            escaped(&start)
        ),
        "",
    );
}

/// All places at once: names of servers, accounts and files from a manifest, whatever a server says, and the reasons
/// why accounts are skipped, in each kind of output.
#[test]
fn nothing_that_is_printed_deceives() {
    let odd: String = DECEIVERS.chars().filter(|c| *c > '\u{1f}').collect();
    let deceives = |c: &char| *c < ' ' && *c != '\n' || odd.contains(*c);
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let mut world = World::new();
    let name = format!("{odd}.png");
    // A file name has no more than 255 bytes.
    let short = |at: usize| {
        let some = odd.chars().skip(at).take(40);
        some.chain(".png".chars()).collect::<String>()
    };
    for at in [0, 40] {
        world.scratch.write(&short(at), pictures::png(64, 40, 1));
    }
    world.declare(&format!(
        "\n    {{\"server\": \"jira\", \"user\": {0}, \"image\": {1}}},\n    \
         {{\"server\": \"jira\", \"user\": \"robot\", \"image\": {2}}},\n    \
         {{\"server\": \"chat\", \"user\": \"build-bot\", \"image\": {1}}},\n    \
         {{\"server\": \"fleet\", \"employee_id\": 2132, \"icon_id\": 3654}},\n    \
         {{\"server\": \"fleet\", \"employee_id\": 2133, \"icon_id\": 3654}},\n    \
         {{\"server\": \"hs\", \"user\": \"robot\", \"mxc\": \"mxc://a/b\"}},\n    \
         {{\"server\": \"hs\", \"user\": \"build-bot\", \"mxc\": \"mxc://a/b\"}}",
        json(&name),
        json(&short(0)),
        json(&short(40)),
    ));
    // The servers' own names are odd, too, as far as a manifest takes them.
    let odd_server: String = odd.chars().filter(|c| !c.is_control()).collect();
    let text = world.scratch.read("m.json");
    let text = ["jira", "chat", "fleet", "hs"]
        .iter()
        .fold(text, |text, server| {
            text.replace(
                &format!("\"server\": \"{server}\""),
                &format!("\"server\": {}", json(&format!("{server}{odd_server}"))),
            )
            .replace(
                &format!("    \"{server}\": {{"),
                &format!("    {}: {{", json(&format!("{server}{odd_server}"))),
            )
        });
    world.scratch.write("m.json", text);
    let said = json!({"errorMessages": [name], "errors": {}});
    let (jira, chat, fleet) = (world.jira(), world.chat(), world.fleet());
    jira.fault(
        Fault::on("PUT /user/avatar")
            .always()
            .instead(Reply::json(500, said)),
    );
    let user = json!({"user": {"_id": "u", "username": name, "avatarETag": odd, "avatarOrigin": odd}, "success": true});
    chat.fault(
        Fault::on("GET /users.info")
            .always()
            .instead(Reply::json(200, user)),
    );
    let status = json!({"success": false, "status": {"code": 13, "description": name}});
    fleet.fault(
        Fault::on("POST /employee/avatar/assign")
            .always()
            .instead(Reply::json(403, status)),
    );
    let refusal = json!({"errcode": "M_FORBIDDEN", "error": name});
    world.hs().fault(
        Fault::on("PUT /avatar_url")
            .always()
            .instead(Reply::json(400, refusal)),
    );
    let mut places = 0;
    for line in [
        "check m.json",
        "diff m.json --junit out.xml",
        "apply m.json --junit out.xml --retries 0",
        "diff m.json --junit out.xml --insecure -v",
        "check m.json --only x",
    ] {
        for more in ["", " --json", " --color=always"] {
            let output = world.run(&format!("{line}{more} --html out.html")).output();
            let mut files = String::new();
            for name in ["out.xml", "out.html"] {
                files += &std::fs::read_to_string(world.scratch.join(name)).unwrap_or_default();
                let _ = std::fs::remove_file(world.scratch.join(name));
            }
            // Our own colours are to be obeyed.
            let plain = |text: &str| {
                let colors =
                    ["2", "31", "32", "33", "36", "0"].map(|color| format!("\u{1b}[{color}m"));
                let without = |text: String, color: &String| text.replace(color, "");
                colors.iter().fold(text.to_owned(), without)
            };
            for text in [plain(&output.stdout), plain(&output.stderr), files] {
                let found: Vec<char> = text.chars().filter(deceives).collect();
                assert!(found.is_empty(), "{line}{more}: {found:?} {output:?}");
                places += text.matches("\\u{202e}").count() + text.matches("\\u202e").count();
            }
        }
    }
    assert!(places > 200, "{places}");
}

// ------------------------------------------------------------------------------------------------- quiet runs

/// What a question asks for is no news that a quiet run would keep to itself.
#[test]
fn quiet_says_what_changed_or_failed_or_was_asked_for_and_nothing_else() {
    let jira = Jira::start();
    jira.model().system = vec![10122, 10124, 10125];
    let changed =
        "\"outcome\":\"changed\",\"before\":\"10124\",\"after\":\"10125\",\"verified\":true";
    let current = "\"outcome\":\"shown\",\"current\":\"10122\",\"kind\":\"system\",\
                   \"url\":\"https://jira.example.com/jira/secure/useravatar?avatarId=10122\"";
    for (line, wanted) in [
        ("show -q", "jira robot: avatar 10122 (system)\n".to_owned()),
        (
            "list --quiet",
            "id     kind    selected\n\
             10122  system  yes\n\
             10124  system  -\n\
             10125  system  -\n"
                .to_owned(),
        ),
        (
            "whoami -q",
            "jira: robot, may change others, Jira 9.12.4 (Server) at URL\n".to_owned(),
        ),
        ("set --avatar-id 10122 -q", String::new()),
        (
            "set --avatar-id 10124 -q",
            "jira robot: avatar 10124 (was 10122)\n".to_owned(),
        ),
        (
            "set --avatar-id 10122 -q",
            "jira robot: avatar 10122 (was 10124)\n".to_owned(),
        ),
        (
            "show -q --json",
            account_line("jira", "robot", "show", current) + &summary_line(0, 1, 0, 0),
        ),
        (
            "whoami -q --json",
            "{\"v\":1,\"type\":\"identity\",\"name\":\"robot\",\"server_version\":\"9.12.4\",\
             \"deployment\":\"Server\",\"may_change_others\":true}\n"
                .to_owned()
                + &summary_line(0, 0, 0, 0),
        ),
        ("set --avatar-id 10122 -q --json", String::new()),
        (
            "set --avatar-id 10124 -q",
            "jira robot: avatar 10124 (was 10122)\n".to_owned(),
        ),
        (
            "set --avatar-id 10125 -q --json",
            account_line("jira", "robot", "set", changed) + &summary_line(1, 0, 0, 0),
        ),
    ] {
        println!("{line}");
        Run::new(["jira"].into_iter().chain(words(line)))
            .with(&jira)
            .mask(&jira.url(), "URL")
            .gives(0, &wanted, "");
    }
    let refusal =
        "look up the avatars of \"nobody\": not found: The user named 'nobody' does not exist";
    Run::new(words("jira show -q --user nobody"))
        .with(&jira)
        .gives(67, "", &format!("avatarctl: jira nobody: {refusal}\n"));
    Run::new(words("jira show -q --json --user nobody")).with(&jira).gives(
        67,
        &(account_line(
            "jira",
            "nobody",
            "show",
            &format!(
                "\"outcome\":\"failed\",\"error\":{{\"class\":\"target\",\"exit\":67,\"status\":404,\"message\":{},\"hint\":null}}",
                json!(refusal)
            ),
        ) + &summary_line(0, 0, 1, 67)),
        &format!("avatarctl: jira nobody: {refusal}\n"),
    );
}

// ----------------------------------------------------------------------------------------------------- traces

#[test]
fn a_trace_has_a_line_for_each_request() {
    let jira = Jira::start();
    for verbose in [vec!["-v"], vec!["--verbose"]] {
        jira.model().user_mut("robot").selected = 10122;
        let line = words("jira set --user robot --avatar-id 10123");
        timeless(Run::new(line.chain(verbose)).with(&jira).output()).gives(
            0,
            "jira robot: avatar 10123 (was 10122)\n",
            "GET /jira/rest/api/2/serverInfo: 200, 164 bytes, N ms\n\
             GET /jira/rest/api/2/user/avatars?username=robot: 200, 9039 bytes, N ms\n\
             PUT /jira/rest/api/latest/user/avatar?username=robot: 204, 0 bytes, N ms\n\
             GET /jira/rest/api/2/user?username=robot: 200, 651 bytes, N ms\n\
             GET /jira/rest/api/2/user/avatars?username=robot: 200, 9039 bytes, N ms\n",
        );
    }
}

#[test]
fn a_trace_of_a_trace_has_headers_without_secrets() {
    let navixy = Navixy::start();
    let read = |length: u16| {
        format!(
            "> content-type: application/json\n\
             > accept: application/json\n\
             > authorization: (redacted)\n\
             > content-length: 20\n\
             POST /v2/employee/read: 200, {length} bytes, N ms\n\
             < content-type: application/json\n\
             < content-length: {length}\n"
        )
    };
    let assign = "> content-type: application/json\n\
                  > accept: application/json\n\
                  > authorization: (redacted)\n\
                  > content-length: 32\n\
                  POST /v2/employee/avatar/assign: 200, 16 bytes, N ms\n\
                  < content-type: application/json\n\
                  < content-length: 16\n";
    for verbose in [vec!["-vv"], vec!["-v", "-v"], vec!["-v", "--verbose", "-v"]] {
        navixy.model().employee_mut(2132).icon_id = Some(12);
        let line = words("navixy set --employee-id 2132 --icon-id 7");
        timeless(Run::new(line.chain(verbose)).with(&navixy).output()).gives(
            0,
            "navixy 2132: icon 7 (was 12)\n",
            &(read(196) + assign + &read(195)),
        );
    }
}

#[test]
fn a_trace_of_a_session_shows_no_cookie() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let path = scratch.write("robot.png", pictures::png(64, 64, 1));
    let length = pictures::png(64, 64, 1).len();
    let output = timeless(
        Run::new(words("jira set --user robot -vv --image"))
            .arg(path)
            .with(&jira)
            .output(),
    );
    let at = output.stderr.find("> content-type").expect("an upload");
    let (_, rest) = output.stderr.split_at(at);
    let end = at + rest.find("> content-type: application/json\n> accept: application/json\n> x-atlassian-token: no-check\n> authorization: (redacted)\n> content-length").expect("a selection");
    assert_eq!(
        output.stderr[at..end],
        format!(
            "> content-type: image/png\n\
             > accept: application/json\n\
             > x-atlassian-token: no-check\n\
             > authorization: (redacted)\n\
             > content-length: {length}\n\
             POST /jira/rest/api/2/user/avatar/temporary?username=robot&filename=avatar.png: 201, 172 bytes, N ms\n\
             < content-type: application/json;charset=UTF-8\n\
             < set-cookie: (not shown)\n\
             < set-cookie: (not shown)\n\
             < set-cookie: (not shown)\n\
             < x-arequestid: 1x1x1\n\
             < x-ausername: (not shown)\n\
             < x-seraph-loginreason: OK\n\
             < content-length: 172\n\
             > content-type: application/json\n\
             > accept: application/json\n\
             > x-atlassian-token: no-check\n\
             > authorization: (redacted)\n\
             > cookie: (redacted)\n\
             > content-length: 57\n\
             POST /jira/rest/api/2/user/avatar?username=robot: 201, 80 bytes, N ms\n\
             < content-type: application/json;charset=UTF-8\n\
             < x-arequestid: 1x1x1\n\
             < x-ausername: (not shown)\n\
             < x-seraph-loginreason: OK\n\
             < content-length: 80\n"
        )
    );
    assert_eq!(
        (output.status, output.stdout.as_str()),
        (0, "jira robot: image robot.png (avatar 24901, was 10122)\n")
    );
}

#[test]
fn a_trace_tells_of_a_request_that_got_no_answer() {
    let navixy = Navixy::start();
    navixy.fault(Fault::any().always().silent());
    let lost = "read employee 2132: the connection was lost before the answer was complete";
    let run = Run::new(words("navixy show -v --employee-id 2132"));
    timeless(run.with(&navixy).once().output()).gives(
        75,
        "",
        &format!("POST /v2/employee/read: {lost}, N ms\navatarctl: navixy 2132: {lost}\n"),
    );
}

/// A trace is for people: it does not disturb what a program reads.
#[test]
fn a_trace_leaves_standard_output_alone() {
    let navixy = Navixy::start();
    let plain = Run::new(words("navixy list --json")).with(&navixy).output();
    let traced = Run::new(words("navixy list --json -vv"))
        .with(&navixy)
        .output();
    assert_eq!(
        (plain.status, &plain.stdout),
        (traced.status, &traced.stdout)
    );
    assert!(plain.stderr.is_empty() && !traced.stderr.is_empty());
}

// ---------------------------------------------------------------------------------------------------- colours

const PLAIN: &str = "avatarctl: unknown system \"jirra\"\nhint: the nearest one is jira\n";
const COLORED: &str = "\x1b[31mavatarctl:\x1b[0m unknown system \"jirra\"\n\x1b[36mhint:\x1b[0m the nearest one is jira\n";

#[test]
fn colours_can_be_forced_and_forbidden() {
    for (line, wanted) in [
        ("jirra show", PLAIN),
        ("jirra show --color auto", PLAIN),
        ("jirra show --color never", PLAIN),
        ("jirra show --color=never", PLAIN),
        ("jirra show --color always", COLORED),
        ("--color=always jirra show", COLORED),
    ] {
        println!("{line}");
        Run::new(words(line)).gives(64, "", wanted);
        // What was asked for on the command line counts more than the environment.
        Run::new(words(line))
            .env("NO_COLOR", "1")
            .env("TERM", "dumb")
            .gives(64, "", wanted);
    }
    let jira = Jira::start();
    Run::new(words("jira show --color always"))
        .with(&jira)
        .gives(0, "jira robot: avatar 10122 (system)\n", "");
    for (wish, wanted) in [
        (
            "always",
            "jira robot: \x1b[32mavatar 24880 (was 10122)\x1b[0m\n",
        ),
        (
            "always",
            "jira robot: \x1b[2mavatar 24880, unchanged\x1b[0m\n",
        ),
        ("auto", "jira robot: avatar 24880, unchanged\n"),
    ] {
        Run::new(words("jira set --avatar-id 24880 --color"))
            .arg(wish)
            .with(&jira)
            .gives(0, wanted, "");
    }
    Run::new(words("jira show --color always --json --url=")).gives(
        78,
        "{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"server\":null,\"account\":null,\"action\":\"show\",\"outcome\":\"failed\",\
         \"error\":{\"class\":\"configuration\",\"exit\":78,\"status\":null,\"message\":\"--url: the base URL is empty\",\"hint\":null}}\n\
         {\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":0,\"failed\":1,\"pending\":0,\"skipped\":0,\"exit\":78}\n",
        "\x1b[31mavatarctl:\x1b[0m jira: --url: the base URL is empty\n",
    );
}

// What the C library that every Rust program here is linked to offers for terminals.
unsafe extern "C" {
    fn posix_openpt(flags: c_int) -> c_int;
    fn grantpt(terminal: c_int) -> c_int;
    fn unlockpt(terminal: c_int) -> c_int;
    fn ptsname_r(terminal: c_int, name: *mut c_char, size: usize) -> c_int;
}

/// Both ends of a new terminal: what a person sees, and what a program writes to.
fn terminal() -> (File, File) {
    const READ_AND_WRITE_AND_NOT_OURS: c_int = 0o2 | 0o400;
    let mut name = [0; 64];
    // SAFETY: four calls as their manual describes them; the descriptor is new and becomes ours, and the name is
    // a C string in a buffer of the size that was told.
    let (person, name) = unsafe {
        let person = posix_openpt(READ_AND_WRITE_AND_NOT_OURS);
        assert!(person >= 0, "a terminal: {}", io::Error::last_os_error());
        let person = File::from_raw_fd(person);
        let (fd, size) = (person.as_raw_fd(), name.len());
        assert_eq!((grantpt(fd), unlockpt(fd)), (0, 0));
        assert_eq!(ptsname_r(fd, name.as_mut_ptr(), size), 0);
        (
            person,
            CStr::from_ptr(name.as_ptr())
                .to_str()
                .expect("a path of letters"),
        )
    };
    let program = OpenOptions::new()
        .read(true)
        .write(true)
        .open(name)
        .expect("the terminal opens");
    (person, program)
}

/// What a person sees on a terminal of standard error, its line ends as they were written.
fn seen(arguments: &str, variables: &[(&str, &str)]) -> String {
    let (mut person, theirs) = terminal();
    let mut command = Command::new(program());
    command
        .args(words(arguments))
        .env_clear()
        .envs(variables.iter().copied());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(theirs);
    let mut child = command.spawn().expect("the program starts");
    // Our end of the program's side must be closed for the reading to end.
    drop(command);
    let mut bytes = Vec::new();
    // On Linux the end of a terminal reads as an error.
    let _ = person.read_to_end(&mut bytes);
    assert_eq!(
        child.wait().expect("a child can be waited for").code(),
        Some(64)
    );
    String::from_utf8(bytes)
        .expect("the program prints UTF-8")
        .replace("\r\n", "\n")
}

#[test]
fn a_terminal_is_coloured_unless_its_user_objects() {
    let color = "xterm-256color";
    for (arguments, variables, wanted) in [
        ("jirra show", &[("TERM", color)][..], COLORED),
        ("jirra show", &[], COLORED),
        ("jirra show", &[("TERM", color), ("NO_COLOR", "")], COLORED),
        ("jirra show", &[("TERM", color), ("NO_COLOR", "1")], PLAIN),
        ("jirra show", &[("TERM", color), ("NO_COLOR", "0")], PLAIN),
        ("jirra show", &[("TERM", "dumb")], PLAIN),
        ("jirra show --color auto", &[("TERM", color)], COLORED),
        ("jirra show --color auto", &[("TERM", "dumb")], PLAIN),
        ("jirra show --color never", &[("TERM", color)], PLAIN),
        (
            "jirra show --color always",
            &[("TERM", "dumb"), ("NO_COLOR", "1")],
            COLORED,
        ),
    ] {
        assert_eq!(
            seen(arguments, variables),
            wanted,
            "{arguments} {variables:?}"
        );
    }
}

// -------------------------------------------------------------------------------------- readers that go away

/// A pipe whose reader is gone, as `| head -0` leaves it.
fn nobody() -> Stdio {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

#[derive(Clone, Copy, Debug)]
enum Gone {
    Stdout,
    Stderr,
    Both,
}

/// Status and what the remaining stream said.
fn unheard(line: &str, gone: Gone, model: &Running<impl Model>) -> (Option<i32>, String) {
    let mut command = Command::new(program());
    command
        .args(words(line))
        .env_clear()
        .envs(model.settings())
        .stdin(Stdio::null());
    match gone {
        Gone::Stdout => command.stdout(nobody()).stderr(Stdio::piped()),
        Gone::Stderr => command.stdout(Stdio::piped()).stderr(nobody()),
        Gone::Both => command.stdout(nobody()).stderr(nobody()),
    };
    let mut child = command.spawn().expect("the program starts");
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let reading = thread::spawn(move || {
        let mut text = String::new();
        for mut stream in stdout
            .into_iter()
            .map(|stream| Box::new(stream) as Box<dyn Read>)
            .chain(stderr.map(|stream| Box::new(stream) as Box<dyn Read>))
        {
            stream
                .read_to_string(&mut text)
                .expect("the program prints UTF-8");
        }
        text
    });
    let status = child.wait().expect("a child can be waited for").code();
    (status, reading.join().expect("reading does not panic"))
}

#[test]
fn a_reader_that_went_away_changes_neither_the_work_nor_the_status() {
    for gone in [Gone::Stdout, Gone::Both] {
        let jira = Jira::start();
        let (status, said) = unheard("jira set --avatar-id 24880 --json", gone, &jira);
        assert_eq!((status, said.as_str()), (Some(0), ""), "{gone:?}");
        assert_eq!(jira.model().user("robot").selected, 24880, "{gone:?}");
        for (line, wanted) in [
            ("jira list", 0),
            ("jira show -vv", 0),
            ("--help", 0),
            ("--version", 0),
            ("jira show --user nobody --json", 67),
            ("jira show --usr nobody", 64),
        ] {
            let (status, said) = unheard(line, gone, &jira);
            assert_eq!(status, Some(wanted), "{line} {gone:?}: {said}");
            assert!(!said.contains("panicked"), "{line} {gone:?}: {said}");
        }
    }
    let jira = Jira::start();
    assert_eq!(
        unheard("jira set --avatar-id 24880 -vv", Gone::Stderr, &jira),
        (Some(0), "jira robot: avatar 24880 (was 10122)\n".to_owned())
    );
    assert_eq!(
        unheard("jira show --user nobody", Gone::Stdout, &jira),
        (
            Some(67),
            "avatarctl: jira nobody: look up the avatars of \"nobody\": not found: The user named 'nobody' does not exist\n"
                .to_owned()
        )
    );
    assert_eq!(
        unheard("jira show --user nobody", Gone::Stderr, &jira),
        (Some(67), String::new())
    );
}

/// Results that could not be written are not results: a full disk must not look like an empty list.
#[test]
fn a_full_disk_is_no_success() {
    let navixy = Navixy::start();
    let full = OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full is there");
    let mut command = Command::new(program());
    command
        .args(["navixy", "list"])
        .env_clear()
        .envs(navixy.settings());
    let output = command
        .stdin(Stdio::null())
        .stdout(full)
        .output()
        .expect("the program runs");
    assert_ne!(output.status.code(), Some(0), "{output:?}");
    assert!(!output.stderr.is_empty(), "{output:?}");
}

/// Behind `>&-` nobody gets a result; a `/dev/null` that was meant is another matter, however it was opened.
#[test]
fn results_for_a_closed_descriptor_are_no_success() {
    const LOST: &str = "avatarctl: cannot write the results: standard output is closed\n";
    let jira = Jira::start();
    for (words, status, stderr) in [
        ("jira whoami >&-", 75, LOST),
        ("jira list --json >&-", 75, LOST),
        ("--version >&-", 75, LOST),
        ("jira whoami >&- 2>&-", 75, ""),
        ("jira whoami 1</dev/null", 75, LOST),
        ("jira whoami >/dev/null", 0, ""),
        ("jira whoami 1<>/dev/null", 0, ""),
        ("jira whoami <&- >/dev/null", 0, ""),
        ("jira set --avatar-id 10122 -q >&-", 0, ""),
    ] {
        let output = Command::new("sh")
            .args(["-c", &format!("exec {} {words}", program().display())])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(jira.settings())
            .output()
            .expect("sh starts");
        let said = String::from_utf8(output.stderr).expect("the program prints UTF-8");
        assert_eq!(
            (output.status.code(), said.as_str()),
            (Some(status), stderr),
            "{words}"
        );
        assert!(output.stdout.is_empty(), "{words}");
    }
}

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
