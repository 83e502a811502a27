//! What `--dry-run` prints: that it sends nothing, and that a real shell with a real curl makes of the printed
//! commands the very requests which the program itself would send, byte for byte.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::http::proxy::{Proxy, Way, encrypted};
use crate::support::encoding::base64;
use crate::support::{
    Fault, Jira, Model, Navixy, Output, Reply, Request, RocketChat, Run, Running, Scratch, pictures,
};

// -------------------------------------------------------------------------------------------------- the two ways

/// A server, and the directory in which a run against it takes place.
struct Side<M> {
    model: Running<M>,
    scratch: Scratch,
}

impl<M: Model> Side<M> {
    fn new(model: M) -> Side<M> {
        Side {
            model: model.start(),
            scratch: Scratch::new(),
        }
    }
}

/// A change, and everything that a run of it needs.
#[derive(Default)]
struct Case {
    arguments: Vec<OsString>,
    /// In place of the model's own credentials.
    variables: Option<Vec<(&'static str, String)>>,
    /// What the commands name besides.
    more: Vec<(&'static str, String)>,
    files: Vec<(OsString, Vec<u8>)>,
    stdin: Option<Vec<u8>>,
    /// Warnings.
    stderr: String,
    /// What a rehearsal says besides.
    unset: String,
}

/// These words, between blanks.
fn case(line: &str) -> Case {
    Case {
        arguments: line.split_whitespace().map(OsString::from).collect(),
        ..Case::default()
    }
}

impl Case {
    fn arg(mut self, argument: impl Into<OsString>) -> Case {
        self.arguments.push(argument.into());
        self
    }

    /// Sets this picture from a file of that name.
    fn image(mut self, name: impl AsRef<OsStr>, bytes: Vec<u8>) -> Case {
        let mut argument = OsString::from("--image=");
        argument.push(name.as_ref());
        self.files.push((name.as_ref().to_owned(), bytes));
        self.arg(argument)
    }

    fn piped(mut self, bytes: Vec<u8>) -> Case {
        self.stdin = Some(bytes);
        self.arg("--image=-")
    }

    fn variables(mut self, variables: &[(&'static str, &str)]) -> Case {
        let owned = variables
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        self.variables = Some(owned.collect());
        self
    }

    fn naming(mut self, name: &'static str, value: &str) -> Case {
        self.more.push((name, value.to_owned()));
        self
    }

    fn warned(mut self, stderr: &str) -> Case {
        self.stderr = stderr.to_owned();
        self
    }

    fn unset(mut self, stderr: &str) -> Case {
        self.unset = stderr.to_owned();
        self
    }

    /// The credentials: what a shell needs to carry the commands out.
    fn credentials<M: Model>(&self, model: &Running<M>) -> Vec<(&'static str, String)> {
        let own = || {
            let mut settings = model.settings();
            settings.retain(|(name, _)| !name.ends_with("_URL"));
            settings
        };
        self.variables.clone().unwrap_or_else(own)
    }

    fn run<M: Model>(&self, side: &Side<M>) -> Run {
        let mut run = Run::new(&self.arguments).dir(side.scratch.path());
        for (name, value) in side.model.settings() {
            if name.ends_with("_URL") {
                run = run.env(name, value);
            }
        }
        for (name, bytes) in &self.files {
            std::fs::write(side.scratch.path().join(name), bytes).expect("scratch is writable");
        }
        for (name, value) in self.credentials(&side.model) {
            run = run.env(name, value);
        }
        match &self.stdin {
            Some(bytes) => run.stdin(bytes),
            None => run,
        }
    }

    /// What is printed, a command a line; nothing else is said or sent.
    #[track_caller]
    fn rehearse<M: Model>(&self, side: &Side<M>) -> String {
        let output = self.run(side).arg("--dry-run").output();
        assert_eq!(
            (output.status, &output.stderr),
            (0, &format!("{}{}", self.stderr, self.unset)),
            "{output:?}"
        );
        assert_eq!(written(&side.model), []);
        for (name, value) in self.credentials(&side.model) {
            let secret = name != "JIRA_USER" && name != "ROCKETCHAT_USER";
            let hidden = !output.stdout.contains(&value)
                && !output.stdout.contains(&base64(value.as_bytes()));
            assert!(hidden || !secret, "{name} is shown: {}", output.stdout);
        }
        let obeyed = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!output.stdout.contains(obeyed), "{:?}", output.stdout);
        output.stdout
    }

    /// Has a shell carry the commands out.
    #[track_caller]
    fn carry_out<M: Model>(&self, commands: &str, side: &Side<M>) {
        let mut child = Command::new("sh")
            .args(["-euc", commands])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(self.credentials(&side.model))
            .envs(self.more.iter().cloned())
            .current_dir(side.scratch.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let pipe = child.stdin.take();
        let bytes = self.stdin.clone().unwrap_or_default();
        let feeding = std::thread::spawn(move || {
            use std::io::Write;
            pipe.map(|mut pipe| pipe.write_all(&bytes))
        });
        let output = child.wait_with_output().expect("a shell ends");
        let _ = feeding.join();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.is_empty(),
            "{commands}\n{}\n{said}",
            output.status
        );
    }
}

/// What reached a server, without what may differ: its port, the boundary of a form, and the order of cookies, which
/// means nothing (RFC 6265, section 4.2.2).
#[derive(PartialEq)]
struct Sent {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "\n{}\n{:#?}", self.line, self.headers)?;
        let shown = &self.body[..self.body.len().min(1000)];
        write!(f, "{} bytes: {}", self.body.len(), shown.escape_ascii())
    }
}

fn sent(request: &Request) -> Sent {
    let mut headers: BTreeMap<String, String> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.clone()))
        .collect();
    headers.insert("host".into(), "HOST".into());
    if let Some(cookie) = headers.get_mut("cookie") {
        let mut pairs: Vec<&str> = cookie.split("; ").collect();
        pairs.sort_unstable();
        *cookie = pairs.join("; ");
    }
    let mut body = request.body.clone();
    if let Some(boundary) = request.boundary() {
        // The server has checked it against the body, and the boundaries differ in length.
        headers.remove("content-length");
        let kind = headers.get_mut("content-type").expect("it has a boundary");
        *kind = kind.replace(boundary, "BOUNDARY");
        body = replaced(&body, boundary.as_bytes(), b"BOUNDARY");
    }
    Sent {
        line: format!("{} {}", request.method, request.target),
        headers,
        body,
    }
}

fn replaced(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        if rest.starts_with(what) {
            out.extend(with);
            rest = &rest[what.len()..];
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}

/// The requests that are not there to look, nor to log in or out.
fn written<M: Model>(model: &Running<M>) -> Vec<Sent> {
    let looks = ["/employee/read", "/get_info", "/login", "/logout", "/auth"];
    model
        .requests()
        .iter()
        .filter(|request| {
            !request.is_look() && !looks.iter().any(|path| request.path().ends_with(path))
        })
        .map(sent)
        .collect()
}

/// Rehearses a change on one side, has a shell carry out what was printed, and makes the change on the other, equal
/// side: the same requests reach both.
#[track_caller]
fn same<M: Model>(case: &Case, commands: usize, [one, other]: &[Side<M>; 2]) -> String {
    let printed = case.rehearse(one);
    println!("{printed}");
    assert_eq!(printed.lines().count(), commands, "{printed}");
    told_to_programs(case, one, &printed);
    // As often as on the first side, so that both have answered equally often.
    let again = case.rehearse(other);
    let place = |side: &Side<M>| side.model.address().to_string();
    assert_eq!(again.replace(&place(other), &place(one)), printed);
    one.model.forget();
    other.model.forget();
    case.carry_out(&printed, one);
    let output = case.run(other).output();
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (0, case.stderr.as_str()),
        "{output:?}"
    );
    let (by_curl, by_us) = (written(&one.model), written(&other.model));
    assert_eq!(by_curl.len(), commands);
    for (by_curl, by_us) in by_curl.iter().zip(&by_us) {
        assert!(
            by_curl == by_us,
            "{printed}\ncurl sent {by_curl:?}\nand this program {by_us:?}"
        );
    }
    assert_eq!(by_us.len(), commands);
    printed
}

/// With `--json` the same commands stand in lines for programs.
#[track_caller]
fn told_to_programs<M: Model>(case: &Case, side: &Side<M>, printed: &str) {
    let output = case.run(side).arg("--dry-run").arg("--json").output();
    assert_eq!(output.status, 0, "{output:?}");
    let lines = output.json();
    let (summary, requests) = lines.split_last().expect("a summary");
    assert_eq!(
        summary,
        &json!({"v": 1, "type": "summary", "changed": 0, "unchanged": 0, "failed": 0, "pending": 1, "skipped": 0, "exit": 0})
    );
    assert_eq!(requests.len(), printed.lines().count());
    for (request, command) in requests.iter().zip(printed.lines()) {
        let object = request.as_object().expect("an object");
        let keys: Vec<&str> = object.keys().map(String::as_str).collect();
        assert_eq!(keys, ["curl", "headers", "method", "type", "url", "v"]);
        assert_eq!(
            (&request["v"], &request["type"]),
            (&json!(1), &json!("request"))
        );
        assert_eq!(request["curl"], command);
        let url = request["url"].as_str().expect("a text");
        let shown = url.replace('\'', r"'\''");
        assert!(command.contains(&format!(" '{shown}'")), "{command}");
        for name in request["headers"].as_object().expect("an object").keys() {
            let plain = ["accept", "content-type", "user-agent", "x-atlassian-token"];
            assert!(plain.contains(&name.as_str()), "{name}");
        }
    }
}

/// What `show` says, without the address.
fn shown<M: Model>(side: &Side<M>, line: &str) -> String {
    let output = Run::new(line.split(' ')).with(&side.model).output();
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (0, ""),
        "{output:?}"
    );
    output.stdout
}

/// Both sides show this.
#[track_caller]
fn both_show<M: Model>(sides: &[Side<M>; 2], line: &str, wanted: &str) {
    for side in sides {
        assert_eq!(shown(side, line), wanted);
    }
}

// -------------------------------------------------------------------------------------------------------- models

fn twice<M: Model>(model: impl Fn() -> M) -> [Side<M>; 2] {
    [Side::new(model()), Side::new(model())]
}

fn jira() -> Jira {
    let mut jira = Jira::default();
    jira.system.truncate(3);
    jira
}

/// Settled at once, `build-bot` wears a picture.
fn chat() -> RocketChat {
    let mut chat = RocketChat::default();
    chat.settle = Duration::ZERO;
    chat.limit = None;
    chat.give("build-bot", pictures::png(8, 8, 9));
    chat
}

/// What a shell would like to read something into.
const HOSTILE: &str = "a'b\"c$HOME ${x}`id`$(id)\\d\\\\ e:ü %s !#&;|<>*?~[]{} =";

/// Names of files that a shell, or curl, could take for something else.
fn names() -> Vec<OsString> {
    let mut names: Vec<OsString> = [
        "a b.png",
        "it's.png",
        "say \"hi\".png",
        "a;b,c.png",
        "a;type=text;filename=x.png",
        "-x.png",
        "--.png",
        "$HOME.png",
        "`id`.png",
        "back\\slash\\\\.png",
        "ü 机.png",
        "50%.png",
        "new\nline.png",
        "esc\u{1b}[31m'%\\\".png",
        "rlo\u{202e}gnp",
        "=@x.png",
        "@x.png",
        "<x.png",
        "a:b.png",
    ]
    .map(OsString::from)
    .into();
    names.push(OsString::from_vec(b"no \xff text'.png".to_vec()));
    names
}

// ---------------------------------------------------------------------------------------------------------- Jira

#[test]
fn jira_selects_by_password() {
    let with_password = || {
        let mut jira = jira();
        jira.user_mut("robot").password = Some(HOSTILE.into());
        jira
    };
    let sides = twice(with_password);
    let printed = same(
        &case("jira set --user build-bot --avatar-id 10123"),
        1,
        &sides,
    );
    let url = sides[0].model.url();
    assert_eq!(
        printed
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
            .replace(&url, "URL"),
        "curl -fsS -X PUT -u \"$JIRA_USER:$JIRA_PASSWORD\" -H 'user-agent: avatarctl/VERSION' \
         -H 'accept: application/json' -H 'x-atlassian-token: no-check' -H 'content-type: application/json' \
         -d '{\"id\":\"10123\",\"isSelected\":false,\"isSystemAvatar\":true,\"urls\":{\
         \"16x16\":\"https://jira.example.com/jira/secure/useravatar?size=xsmall&avatarId=10123\",\
         \"24x24\":\"https://jira.example.com/jira/secure/useravatar?size=small&avatarId=10123\",\
         \"32x32\":\"https://jira.example.com/jira/secure/useravatar?size=medium&avatarId=10123\",\
         \"48x48\":\"https://jira.example.com/jira/secure/useravatar?avatarId=10123\"}}' \
         'URL/rest/api/latest/user/avatar?username=build-bot'\n"
    );
    both_show(
        &sides,
        "jira show --user build-bot",
        "jira build-bot: avatar 10123 (system)\n",
    );
}

#[test]
fn jira_selects_by_token() {
    let sides = twice(jira);
    let token = case("jira set --avatar-id 10123").variables(&[("JIRA_TOKEN", "ROBOTTOKEN")]);
    let printed = same(&token, 1, &sides);
    assert!(
        printed.contains(" -H \"authorization: Bearer $JIRA_TOKEN\" "),
        "{printed}"
    );
    both_show(&sides, "jira show", "jira robot: avatar 10123 (system)\n");
}

#[test]
fn jira_names_that_a_shell_could_read() {
    for name in ["o'brien \"x\" & co+1", "Zoë $HOME `id` %41", HOSTILE] {
        let named = || {
            let mut jira = jira();
            jira.user_mut("build-bot").name = name.into();
            let mut admin = jira.user("robot").clone();
            // The first colon would end it.
            (admin.name, admin.key) = (HOSTILE.replace(':', ""), "k".into());
            admin.password = Some(HOSTILE.into());
            jira.users.insert(0, admin);
            jira
        };
        let sides = twice(named);
        let select = case("jira set --avatar-id 10123").arg(format!("--user={name}"));
        same(&select, 1, &sides);
        for side in &sides {
            assert_eq!(side.model.model().user(name).selected, 10123);
        }
    }
}

#[test]
fn jira_uploads_and_crops() {
    let sides = twice(jira);
    let warning = "avatarctl: jira build-bot: warning: \"face.png\": 96 x 64 is not square; Jira will be sent the square of 64 pixels at 16,0\n";
    let upload = case("jira set --user build-bot")
        .image("face.png", pictures::png(96, 64, 1))
        .warned(warning);
    let printed = same(&upload, 3, &sides);
    let url = sides[0].model.url();
    let head = "-u \"$JIRA_USER:$JIRA_PASSWORD\" -H 'user-agent: avatarctl/VERSION' -H 'accept: application/json' -H 'x-atlassian-token: no-check'";
    let find = r#"sed -n 's/.*"id" *: *"*\([0-9]*\).*/\1/p'"#;
    assert_eq!(
        printed
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
            .replace(&url, "URL"),
        format!(
            "curl -fsS {head} -H 'content-type: image/png' -H expect: -c avatarctl.cookies --data-binary '@face.png' \
             'URL/rest/api/2/user/avatar/temporary?username=build-bot&filename=avatar.png'\n\
             AVATAR_ID=$(curl -fsS {head} -H 'content-type: application/json' -b avatarctl.cookies \
             -d '{{\"cropperWidth\":64,\"cropperOffsetX\":16,\"cropperOffsetY\":0}}' \
             'URL/rest/api/2/user/avatar?username=build-bot' | {find}); rm -f avatarctl.cookies\n\
             curl -fsS -X PUT {head} -H 'content-type: application/json' \
             -d '{{\"id\":\"'\"$AVATAR_ID\"'\",\"isSelected\":false,\"isSystemAvatar\":false}}' \
             'URL/rest/api/latest/user/avatar?username=build-bot'\n"
        )
    );
    both_show(
        &sides,
        "jira show --user build-bot",
        "jira build-bot: avatar 24901 (custom)\n",
    );
    for side in &sides {
        let model = side.model.model();
        assert_eq!(model.custom[0].picture, pictures::png(96, 64, 1));
        assert_eq!(model.custom[0].crop.side, 64);
    }
}

#[test]
fn jira_uploads_by_token_where_sessions_survive() {
    let surviving = || {
        let mut jira = jira();
        jira.token_sessions_survive = true;
        jira
    };
    let sides = twice(surviving);
    let upload = case("jira set")
        .image("face.jpg", pictures::jpeg(64, 64, 1))
        .variables(&[("JIRA_TOKEN", "ROBOTTOKEN")]);
    same(&upload, 3, &sides);
    both_show(&sides, "jira show", "jira robot: avatar 24901 (custom)\n");
}

#[test]
fn jira_stores_a_small_square_at_once() {
    let sides = twice(jira);
    let upload = case("jira set --user build-bot").image("face.gif", pictures::gif(48, 48, 1));
    let printed = same(&upload, 2, &sides);
    assert!(!printed.contains("avatarctl.cookies"), "{printed}");
    both_show(
        &sides,
        "jira show --user build-bot",
        "jira build-bot: avatar 24901 (custom)\n",
    );
}

#[test]
fn jira_answers_that_spell_an_id_differently_are_understood() {
    for body in [
        "{\"id\":24901}",
        "{\n  \"id\" : \"24901\",\n  \"owner\": \"x\"\n}",
        "{\"owner\":\"JIRAUSER1\",\"isSystemAvatar\":false,\"id\": 24901, \"isSelected\":false}",
    ] {
        let side = Side::new(jira());
        let confirmed = Fault::on("POST /user/avatar").always();
        side.model
            .fault(confirmed.afterwards(Reply::json(201, body)));
        let upload = case("jira set").image("face.png", pictures::png(64, 64, 1));
        let printed = upload.rehearse(&side);
        upload.carry_out(&printed, &side);
        assert_eq!(
            shown(&side, "jira show"),
            "jira robot: avatar 24901 (custom)\n"
        );
    }
}

#[test]
fn jira_deletes() {
    let with_custom = || {
        let mut jira = jira();
        jira.give("build-bot", pictures::png(64, 64, 1));
        jira
    };
    let sides = twice(with_custom);
    let printed = same(
        &case("jira delete --user build-bot --avatar-id 24901"),
        1,
        &sides,
    );
    let url = sides[0].model.url();
    assert_eq!(
        printed
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
            .replace(&url, "URL"),
        "curl -fsS -X DELETE -u \"$JIRA_USER:$JIRA_PASSWORD\" -H 'user-agent: avatarctl/VERSION' \
         -H 'accept: application/json' -H 'x-atlassian-token: no-check' \
         'URL/rest/api/2/user/avatar/24901?username=build-bot'\n"
    );
    for side in &sides {
        assert!(side.model.model().custom.is_empty());
    }
}

#[test]
fn jira_pictures_of_any_name() {
    for name in names() {
        let sides = twice(jira);
        let upload = case("jira set").image(&name, pictures::png(64, 64, 1));
        same(&upload, 3, &sides);
        both_show(&sides, "jira show", "jira robot: avatar 24901 (custom)\n");
    }
}

#[test]
fn jira_texts_of_a_server_are_no_commands() {
    // The addresses of a picture come from the server, and go back in the choice of it.
    let forged =
        "https://x/?a='; echo \u{1b}[31mred \u{202e}$(id) `id` \\ %s \"\u{7f}\u{9b}2J\nrm -rf";
    let bean = json!({"id": "10123", "isSelected": false, "urls": {"48x48": forged}});
    let lists = Reply::json(200, json!({"system": [bean], "custom": []}));
    let sides = twice(jira);
    for side in &sides {
        // Until the commands are there; the read-back shows the truth again.
        let forged = Fault::on("GET /user/avatars").times(2);
        side.model.fault(forged.instead(lists.clone()));
    }
    same(&case("jira set --avatar-id 10123"), 1, &sides);
    both_show(&sides, "jira show", "jira robot: avatar 10123 (system)\n");
}

// --------------------------------------------------------------------------------------------------- Rocket.Chat

#[test]
fn rocketchat_uploads() {
    for (line, show, kept) in [
        (
            "rocketchat set --user build-bot",
            "rocketchat show --user build-bot",
            "build-bot",
        ),
        (
            "rocketchat set --user-id BsNr28znDkG8aeo7W",
            "rocketchat show --user-id BsNr28znDkG8aeo7W",
            "build-bot",
        ),
        ("rocketchat set", "rocketchat show", "robot-admin"),
    ] {
        let sides = twice(chat);
        let picture = pictures::png(64, 64, 1);
        same(&case(line).image("face.png", picture.clone()), 1, &sides);
        assert_eq!(shown(&sides[0], show), shown(&sides[1], show));
        for side in &sides {
            let mut model = side.model.model();
            let worn = model.user(kept).picture.as_ref().expect("a picture");
            assert_eq!(worn.bytes, picture);
        }
    }
}

#[test]
fn rocketchat_prints_a_form() {
    let side = Side::new(chat());
    let upload =
        case("rocketchat set --user build-bot").image("my face.png", pictures::png(64, 64, 1));
    let printed = upload.rehearse(&side);
    assert_eq!(
        printed
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
            .replace(&side.model.url(), "URL"),
        "curl -fsS -H \"x-user-id: $ROCKETCHAT_USER_ID\" -H \"x-auth-token: $ROCKETCHAT_AUTH_TOKEN\" \
         -H 'user-agent: avatarctl/VERSION' -H 'accept: application/json' -H expect: \
         --form-string 'userId=BsNr28znDkG8aeo7W' -F 'image=@\"my face.png\";type=image/png;filename=avatar.png' \
         'URL/api/v1/users.setAvatar'\n"
    );
}

#[test]
fn rocketchat_pictures_of_any_name() {
    for name in names() {
        let sides = twice(chat);
        let picture = pictures::png(64, 64, 1);
        same(
            &case("rocketchat set").image(&name, picture.clone()),
            1,
            &sides,
        );
        let mut model = sides[0].model.model();
        let worn = model
            .user("robot-admin")
            .picture
            .as_ref()
            .expect("a picture");
        assert_eq!(worn.bytes, picture);
    }
}

#[test]
fn rocketchat_pictures_of_any_type() {
    for (name, picture) in [
        ("a.jpg", pictures::jpeg(64, 64, 1)),
        ("a.gif", pictures::gif(64, 64, 1)),
        ("a.webp", pictures::webp(64, 64, 1)),
        ("no-extension", pictures::png(64, 64, 1)),
    ] {
        same(
            &case("rocketchat set").image(name, picture),
            1,
            &twice(chat),
        );
    }
}

#[test]
fn rocketchat_ids_that_a_shell_could_read() {
    for id in [
        HOSTILE,
        "x@y<z;type=text/plain",
        "\u{1b}[31m\u{202e}a'b\"c$HOME\\n%d\u{9b}\nrm -rf / #",
        "'",
        "\\",
    ] {
        let named = || {
            let mut chat = chat();
            chat.user("build-bot").id = id.into();
            chat.publish("http://domain.tld/a.png", pictures::png(8, 8, 3));
            chat
        };
        let sides = twice(named);
        let upload =
            case("rocketchat set --user build-bot").image("a.png", pictures::png(64, 64, 1));
        same(&upload, 1, &sides);
        for line in [
            "rocketchat set --user build-bot --avatar-url http://domain.tld/a.png",
            "rocketchat reset --user build-bot",
        ] {
            sides.iter().for_each(|side| side.model.forget());
            same(&case(line), 1, &sides);
        }
        for side in &sides {
            assert!(side.model.model().user("build-bot").picture.is_none());
        }
    }
}

#[test]
fn rocketchat_names_that_a_shell_could_read() {
    for name in ["o'brien \"x\" & co+1", "Zoë $HOME", HOSTILE] {
        let named = || {
            let mut chat = chat();
            chat.user("build-bot").username = name.into();
            chat
        };
        let sides = twice(named);
        let reset = case("rocketchat reset").arg(format!("--user={name}"));
        same(&reset, 1, &sides);
        assert!(sides[0].model.model().user(name).picture.is_none());
    }
}

#[test]
fn rocketchat_takes_an_address() {
    let address = "http://domain.tld/to/my/own/it's$a.jpg";
    let published = || {
        let mut chat = chat();
        chat.publish(address, pictures::jpeg(8, 8, 3));
        chat
    };
    for target in ["", " --user build-bot"] {
        let sides = twice(published);
        let set = case(&format!("rocketchat set{target}")).arg(format!("--avatar-url={address}"));
        let printed = same(&set, 1, &sides);
        assert!(
            printed.contains(r"http://domain.tld/to/my/own/it'\''s$a.jpg"),
            "{printed}"
        );
        let show = format!("rocketchat show{target}");
        assert_eq!(shown(&sides[0], &show), shown(&sides[1], &show));
    }
}

const ADDRESS_IS_MISSING: &str =
    "before you run the commands, set AVATAR_URL (the address of the picture)\n";

#[test]
fn a_secret_in_an_address_stays_a_variable() {
    for address in [
        "https://files.example/a.png?sig=TOPSECRET",
        "https://files.example/a.png?a=1&sig='TOPSECRET'$HOME",
        "https://user:TOPSECRET@files.example/a.png",
        "https://files.example/a.png#TOPSECRET",
    ] {
        let published = || {
            let mut chat = chat();
            chat.publish(address, pictures::png(8, 8, 3));
            chat
        };
        for (target, name) in [("", "robot-admin"), (" --user build-bot", "build-bot")] {
            let sides = twice(published);
            let set = case(&format!("rocketchat set{target}"))
                .arg(format!("--avatar-url={address}"))
                .naming("AVATAR_URL", address)
                .unset(&format!(
                    "avatarctl: rocketchat {name}: warning: {ADDRESS_IS_MISSING}"
                ));
            let printed = same(&set, 1, &sides);
            assert!(!printed.contains("TOPSECRET"), "{printed}");
            assert!(
                printed.contains("{\"avatarUrl\":\"'\"$AVATAR_URL\"'\""),
                "{printed}"
            );
        }
    }
}

/// What JSON escapes is escaped in the variable, too.
#[test]
fn a_secret_in_an_address_that_json_escapes_stays_a_variable() {
    let address = "https://files.example/a.png?sig=TOP\"SECRET\\";
    let published = || {
        let mut chat = chat();
        chat.publish(address, pictures::png(8, 8, 3));
        chat
    };
    let sides = twice(published);
    let set = case("rocketchat set")
        .arg(format!("--avatar-url={address}"))
        .naming(
            "AVATAR_URL",
            &address.replace('\\', "\\\\").replace('"', "\\\""),
        )
        .unset(&format!(
            "avatarctl: rocketchat robot-admin: warning: {ADDRESS_IS_MISSING}"
        ));
    let printed = same(&set, 1, &sides);
    assert!(!printed.contains("SECRET\\"), "{printed}");
}

#[test]
fn rocketchat_resets() {
    let wearing = || {
        let mut chat = chat();
        chat.give("robot-admin", pictures::png(8, 8, 4));
        chat
    };
    for (line, user) in [
        ("rocketchat reset", "robot-admin"),
        ("rocketchat reset --user build-bot", "build-bot"),
        ("rocketchat reset --user-id BsNr28znDkG8aeo7W", "build-bot"),
        ("rocketchat reset --user retired-bot --force", "retired-bot"),
    ] {
        let sides = twice(wearing);
        same(&case(line), 1, &sides);
        for side in &sides {
            assert!(side.model.model().user(user).picture.is_none());
        }
    }
}

/// The login of a run ends with it, so the commands name what lasts.
#[test]
fn rocketchat_by_password_names_a_token() {
    let side = Side::new(chat());
    let pair = [
        ("ROCKETCHAT_USER", "robot-admin"),
        ("ROCKETCHAT_PASSWORD", "secret"),
    ];
    let reset = case("rocketchat reset --user build-bot").variables(&pair).warned(
        "avatarctl: rocketchat build-bot: warning: the login of this run ends with it; the commands need credentials that last\n\
         avatarctl: rocketchat build-bot: warning: before you run the commands, set ROCKETCHAT_USER_ID, ROCKETCHAT_AUTH_TOKEN\n",
    );
    let printed = reset.rehearse(&side);
    assert!(
        side.model
            .calls()
            .contains(&"POST /chat/api/v1/logout".to_owned())
    );
    let token = side.model.model().tokens[0].clone();
    let reset = reset.variables(&[
        ("ROCKETCHAT_USER_ID", token.user_id.as_str()),
        ("ROCKETCHAT_AUTH_TOKEN", token.token.as_str()),
    ]);
    reset.carry_out(&printed, &side);
    assert!(side.model.model().user("build-bot").picture.is_none());
}

// -------------------------------------------------------------------------------------------------------- Navixy

#[test]
fn navixy_assigns() {
    let sides = twice(Navixy::default);
    let printed = same(
        &case("navixy set --employee-id 2132 --icon-id 3654"),
        1,
        &sides,
    );
    assert_eq!(
        printed
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
            .replace(&sides[0].model.url(), "URL"),
        "curl -fsS -H \"authorization: NVX $NAVIXY_HASH\" -H 'user-agent: avatarctl/VERSION' \
         -H 'accept: application/json' -H 'content-type: application/json' \
         -d '{\"employee_id\":2132,\"icon_id\":3654}' 'URL/employee/avatar/assign'\n"
    );
    both_show(
        &sides,
        "navixy show --employee-id 2132",
        "navixy 2132: icon 3654\n",
    );
    sides.iter().for_each(|side| side.model.forget());
    same(
        &case("navixy set --employee-id 2132 --icon-id null"),
        1,
        &sides,
    );
    both_show(
        &sides,
        "navixy show --employee-id 2132",
        "navixy 2132: no icon and no picture\n",
    );
}

#[test]
fn navixy_uploads() {
    // Over an icon, which is taken off afterwards; and where there is none.
    for (id, commands) in [(2132, 2), (2133, 1)] {
        let sides = twice(Navixy::default);
        let upload = case(&format!("navixy set --employee-id {id}"))
            .image("it's a face.png", pictures::png(64, 64, 1));
        same(&upload, commands, &sides);
        both_show(
            &sides,
            &format!("navixy show --employee-id {id}"),
            &format!("navixy {id}: file e3779b97f4a7c15.png\n"),
        );
    }
}

// ------------------------------------------------------------------------------------------------------ pictures

#[test]
fn a_picture_from_standard_input_is_read_there_again() {
    let picture = pictures::png(64, 64, 1);
    let sides = twice(jira);
    same(&case("jira set").piped(picture.clone()), 3, &sides);
    both_show(&sides, "jira show", "jira robot: avatar 24901 (custom)\n");
    let sides = twice(chat);
    same(&case("rocketchat set").piped(picture.clone()), 1, &sides);
    assert_eq!(
        shown(&sides[0], "rocketchat show"),
        shown(&sides[1], "rocketchat show")
    );
    let sides = twice(Navixy::default);
    same(
        &case("navixy set --employee-id 2133").piped(picture),
        1,
        &sides,
    );
}

#[test]
fn a_long_picture_is_not_announced() {
    let picture = pictures::png_of_bytes(64, 64, 1, (1 << 20) + 1);
    let warning = |about: &str| {
        format!(
            "avatarctl: {about}: warning: \"face.png\": larger than 1 MiB, where proxies in front of servers stop by default\n"
        )
    };
    let upload = |line: &str, about: &str| {
        case(line)
            .image("face.png", picture.clone())
            .warned(&warning(about))
    };
    same(
        &upload("jira set --user build-bot", "jira build-bot"),
        3,
        &twice(jira),
    );
    same(&upload("rocketchat set", "rocketchat"), 1, &twice(chat));
    same(
        &upload("navixy set --employee-id 2133", "navixy 2133"),
        1,
        &twice(Navixy::default),
    );
    // Just short of it, where curl's longer boundary makes the form longer than that.
    let picture = pictures::png_of_bytes(64, 64, 1, (1 << 20) - 400);
    let upload = case("rocketchat set").image("face.png", picture);
    same(&upload, 1, &twice(chat));
}

// -------------------------------------------------------------------------------------------------------- the way

const SELECT: &str = "jira set --user build-bot --avatar-id 24880";

/// Two servers over TLS, each with its root in `root.pem`.
fn encrypted_twice() -> [Side<Jira>; 2] {
    [(), ()].map(|()| {
        let scratch = Scratch::new();
        let (model, _) = encrypted(&scratch);
        Side { model, scratch }
    })
}

fn selected(sides: &[Side<Jira>; 2]) {
    for side in sides {
        assert_eq!(side.model.model().user("build-bot").selected, 24880);
    }
}

#[test]
fn a_root_of_ones_own_is_given_to_curl() {
    let sides = encrypted_twice();
    let printed = same(&case(SELECT).arg("--ca-file=root.pem"), 1, &sides);
    assert!(
        printed.starts_with("curl -fsS --cacert 'root.pem' -X PUT "),
        "{printed}"
    );
    selected(&sides);
}

#[test]
fn a_client_certificate_is_given_to_curl() {
    // Behind a colon curl would look for the password of the key.
    let made = rcgen::generate_simple_self_signed(["client".to_owned()]).expect("a certificate");
    let sides = encrypted_twice();
    for side in &sides {
        side.scratch.write("a:b\\c.pem", made.cert.pem());
        side.scratch
            .secret("it's:k.pem", made.key_pair.serialize_pem());
    }
    let select = case(SELECT)
        .arg("--ca-file=root.pem")
        .arg("--client-cert=a:b\\c.pem")
        .arg("--client-key=it's:k.pem");
    let printed = same(&select, 1, &sides);
    let wanted =
        r"curl -fsS --cacert 'root.pem' --cert 'a\:b\\c.pem' --key 'it'\''s:k.pem' -X PUT ";
    assert!(printed.starts_with(wanted), "{printed}");
    selected(&sides);
}

#[test]
fn nobody_checks_for_curl_either() {
    let sides = encrypted_twice();
    let warning = "avatarctl: jira build-bot: warning: --insecure: the credentials go to whoever answers; nobody checks that it is 127.0.0.1\n";
    let printed = same(&case(SELECT).arg("--insecure").warned(warning), 1, &sides);
    assert!(printed.starts_with("curl -fsS -k -X PUT "), "{printed}");
    selected(&sides);
}

#[test]
fn curl_goes_through_the_same_proxy() {
    let proxy = Proxy::start(Way::Forward);
    let sides = twice(Jira::default);
    let select = case(SELECT).arg(format!("--proxy={}", proxy.url("")));
    let printed = same(&select, 1, &sides);
    assert!(
        printed.starts_with("curl -fsS -x 'http://127.0.0.1:"),
        "{printed}"
    );
    selected(&sides);
    let before = proxy.heads().len();
    let sides = encrypted_twice();
    let select = select.arg("--ca-file=root.pem");
    same(&select, 1, &sides);
    selected(&sides);
    let tunnels = proxy.heads();
    assert!(
        tunnels[before..]
            .iter()
            .all(|head| head.starts_with("CONNECT "))
    );
}

#[test]
fn a_login_of_a_proxy_stays_a_variable() {
    let login = "pr'o$xy:PROXY:SECRET\" ü";
    let proxy = Proxy::start(Way::Login(login));
    for encrypted in [false, true] {
        let sides = match encrypted {
            false => twice(Jira::default),
            true => encrypted_twice(),
        };
        let select = case(SELECT)
            .arg(format!("--proxy={}", proxy.url(login)))
            .naming("PROXY_USER", "pr'o$xy")
            .naming("PROXY_PASSWORD", "PROXY:SECRET\" ü")
            .unset("avatarctl: jira build-bot: warning: before you run the commands, set PROXY_USER, PROXY_PASSWORD\n");
        let select = match encrypted {
            false => select,
            true => select.arg("--ca-file=root.pem"),
        };
        let printed = same(&select, 1, &sides);
        assert!(
            !printed.contains("SECRET") && !printed.contains("pr'"),
            "{printed}"
        );
        assert!(
            printed.contains(" --proxy-user \"$PROXY_USER:$PROXY_PASSWORD\" "),
            "{printed}"
        );
        selected(&sides);
    }
}

/// curl goes up where a step of an address says so.
#[test]
fn a_base_address_is_taken_as_given() {
    for context in ["/it's", "/a/../b", "/a/./b", "/x;y=(z)*$HOME!,&"] {
        let moved = || {
            let mut jira = jira();
            jira.context = context.into();
            jira
        };
        let sides = twice(moved);
        same(&case("jira set --avatar-id 10123"), 1, &sides);
        both_show(&sides, "jira show", "jira robot: avatar 10123 (system)\n");
    }
}

// --------------------------------------------------------------------------------- what is told and what is sent

#[test]
fn a_rehearsal_in_json() {
    let side = Side::new(Navixy::default());
    Run::new("navixy set --employee-id 2132 --icon-id 3654 --dry-run --json".split(' '))
        .with(&side.model)
        .mask(env!("CARGO_PKG_VERSION"), "VERSION")
        .gives(
            0,
            "{\"v\":1,\"type\":\"request\",\"method\":\"POST\",\"url\":\"URL/employee/avatar/assign\",\"headers\":{\
             \"user-agent\":\"avatarctl/VERSION\",\"accept\":\"application/json\",\"content-type\":\"application/json\"},\
             \"curl\":\"curl -fsS -H \\\"authorization: NVX $NAVIXY_HASH\\\" -H 'user-agent: avatarctl/VERSION' \
             -H 'accept: application/json' -H 'content-type: application/json' \
             -d '{\\\"employee_id\\\":2132,\\\"icon_id\\\":3654}' 'URL/employee/avatar/assign'\"}\n\
             {\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":0,\"failed\":0,\"pending\":1,\"skipped\":0,\"exit\":0}\n",
            "",
        );
    assert_eq!(side.model.calls(), ["POST /v2/employee/read"]);
}

#[test]
fn a_rehearsal_only_looks() {
    let mut with_custom = jira();
    with_custom.give("robot", pictures::png(64, 64, 1));
    let (jira, chat, fleet) = (with_custom.start(), chat().start(), Navixy::start());
    let scratch = Scratch::new();
    scratch.write("face.png", pictures::png(64, 64, 1));
    for line in [
        "jira set --avatar-id 10123",
        "jira set --avatar-id 10123 --no-verify",
        "jira set --image face.png",
        "jira delete --avatar-id 24901",
        "jira delete --avatar-id 24901 --no-verify",
        "rocketchat set --image face.png",
        "rocketchat set --user build-bot --avatar-url http://domain.tld/a.png",
        "rocketchat reset --user build-bot",
        "rocketchat reset --user build-bot -q",
        "navixy set --employee-id 2132 --icon-id 1",
        "navixy set --employee-id 2132 --image face.png",
    ] {
        println!("{line}");
        let before = jira.requests().len() + chat.requests().len() + fleet.requests().len();
        let output = Run::new(line.split(' '))
            .arg("--dry-run")
            .with(&jira)
            .with(&chat)
            .with(&fleet)
            .dir(scratch.path())
            .output();
        assert_eq!(
            (output.status, output.stderr.as_str()),
            (0, ""),
            "{output:?}"
        );
        assert!(output.stdout.contains("curl -fsS "), "{output:?}");
        assert_eq!(
            (written(&jira), written(&chat), written(&fleet)),
            (vec![], vec![], vec![])
        );
        let looks = jira.requests().len() + chat.requests().len() + fleet.requests().len();
        assert!(looks > before);
    }
}

/// A shell knows nothing of what a file or an option held, and a command without it would be a failed login.
#[test]
fn what_a_shell_does_not_know_is_to_be_set_first() {
    let (fleet, scratch) = (Navixy::start(), Scratch::new());
    let hash = scratch.secret("hash", "22eac1c27af4be7b9d04da2ce1af111b\n");
    let output = Run::new("navixy set --employee-id 2132 --icon-id 7 --dry-run".split(' '))
        .with(&fleet)
        .without("NAVIXY_HASH")
        .env("NAVIXY_HASH_FILE", hash)
        .output();
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (
            0,
            "avatarctl: navixy 2132: warning: before you run the commands, set NAVIXY_HASH\n"
        )
    );
    let jira = jira().start();
    let netrc = scratch.write("netrc", "machine 127.0.0.1 login robot password secret\n");
    fs::set_permissions(&netrc, Permissions::from_mode(0o600)).expect("the file is ours");
    let output = Run::new("jira set --avatar-id 10123 --dry-run --netrc".split(' '))
        .arg(netrc)
        .with(&jira)
        .without("JIRA_USER")
        .without("JIRA_PASSWORD")
        .output();
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (
            0,
            "avatarctl: jira robot: warning: before you run the commands, set JIRA_USER, JIRA_PASSWORD\n"
        )
    );
}

#[test]
fn what_is_worn_already_needs_no_command() {
    let (jira, chat, fleet) = (jira().start(), chat().start(), Navixy::start());
    let run = |line: &str| {
        Run::new(line.split(' '))
            .arg("--dry-run")
            .with(&jira)
            .with(&chat)
            .with(&fleet)
    };
    for (line, said) in [
        (
            "jira set --avatar-id 10122",
            "jira robot: avatar 10122, unchanged\n",
        ),
        (
            "rocketchat reset --user retired-bot",
            "rocketchat retired-bot: generated letter, unchanged\n",
        ),
        (
            "navixy set --employee-id 2132 --icon-id 12",
            "navixy 2132: icon 12, unchanged\n",
        ),
        (
            "navixy set --employee-id 2133 --icon-id null",
            "navixy 2133: no icon, unchanged\n",
        ),
        ("jira set --avatar-id 10122 -q", ""),
    ] {
        run(line).gives(0, said, "");
    }
    run("jira set --avatar-id 10122 --json").mask(&jira.url(), "URL").gives(
        0,
        "{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"server\":\"URL\",\"account\":\"robot\",\"action\":\"set\",\
         \"outcome\":\"unchanged\",\"before\":\"10122\",\"after\":\"10122\",\"verified\":true}\n\
         {\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":1,\"failed\":0,\"pending\":0,\"skipped\":0,\"exit\":0}\n",
        "",
    );
    // By force there is one.
    let forced = run("jira set --avatar-id 10122 --force").output();
    assert!(
        forced.status == 0 && forced.stdout.starts_with("curl -fsS -X PUT "),
        "{forced:?}"
    );
    assert_eq!(
        (written(&jira), written(&chat), written(&fleet)),
        (vec![], vec![], vec![])
    );
}

#[test]
fn what_would_fail_fails() {
    let scratch = Scratch::new();
    scratch.write("face.png", pictures::png(64, 64, 1));
    scratch.write("bad.png", "no picture");
    scratch.write("face.webp", pictures::webp(64, 64, 1));
    let models = || (jira().start(), chat().start(), Navixy::start());
    let run = |line: &str, models: &mut (Running<Jira>, Running<RocketChat>, Running<Navixy>)| {
        let (jira, chat, fleet) = models;
        jira.expect_anything();
        chat.expect_anything();
        fleet.expect_anything();
        Run::new(line.split(' '))
            .with(jira)
            .with(chat)
            .with(fleet)
            .dir(scratch.path())
    };
    for (line, exit) in [
        ("jira set --user nobody --avatar-id 10123", 67),
        ("jira set --user nobody --image face.png", 67),
        ("jira set --avatar-id 99999", 67),
        ("jira set --image bad.png", 65),
        ("jira set --image face.webp", 65),
        ("jira set --image missing.png", 66),
        ("jira delete --avatar-id 10123", 65),
        ("jira delete --avatar-id 99999", 65),
        ("jira delete --user nobody --avatar-id 24901", 67),
        ("rocketchat set --user nobody --image face.png", 67),
        ("rocketchat set --image bad.png", 65),
        ("rocketchat reset --user nobody", 67),
        ("navixy set --employee-id 9 --icon-id 5", 67),
        ("navixy set --employee-id 9 --image face.png", 67),
        ("navixy set --employee-id 2132 --image bad.png", 65),
    ] {
        println!("{line}");
        let mut models = models();
        let rehearsed = run(line, &mut models).arg("--dry-run").output();
        let (jira, chat, fleet) = &models;
        assert_eq!(
            (written(jira), written(chat), written(fleet)),
            (vec![], vec![], vec![])
        );
        let made = run(line, &mut models).output();
        assert_eq!(rehearsed, made);
        assert_eq!((made.status, made.stdout.as_str()), (exit, ""));
    }
    // And wrong credentials.
    let mut models = models();
    let refused: Output = run("jira set --avatar-id 10123", &mut models)
        .env("JIRA_PASSWORD", "wrong")
        .arg("--dry-run")
        .output();
    assert_eq!(refused.status, 77, "{refused:?}");
}

#[test]
fn a_picture_that_a_server_would_refuse_is_not_known_beforehand() {
    // Only what can be seen by looking fails; the rest would be a guess.
    let jira = jira().start();
    let scratch = Scratch::new();
    scratch.write("face.png", pictures::png(64, 64, 1));
    jira.model().external_user_management = true;
    let output = Run::new(["jira", "set", "--image", "face.png", "--dry-run"])
        .with(&jira)
        .dir(scratch.path())
        .output();
    assert_eq!((output.status, output.stdout.lines().count()), (0, 3));
}

#[test]
fn only_what_writes_can_be_rehearsed() {
    let (mut jira, mut chat, mut fleet) = (Jira::start(), chat().start(), Navixy::start());
    jira.expect_no_calls();
    chat.expect_no_calls();
    fleet.expect_no_calls();
    for (line, place) in [
        ("jira show", "jira show"),
        ("jira list", "jira list"),
        ("jira whoami", "jira whoami"),
        ("rocketchat show", "rocketchat show"),
        ("rocketchat list", "rocketchat list"),
        ("rocketchat whoami", "rocketchat whoami"),
        ("navixy show --employee-id 2132", "navixy show"),
        ("navixy list", "navixy list"),
        ("navixy whoami", "navixy whoami"),
        ("check avatars.json", "check"),
        ("diff avatars.json", "diff"),
        ("apply avatars.json", "apply"),
    ] {
        let hint = match place {
            "apply" => "diff says what apply would do, and writes nothing",
            "diff" => "diff writes nothing, and says what apply would do",
            "check" => "check reaches no server",
            other => &format!("{other} changes nothing"),
        };
        Run::new(line.split(' '))
            .arg("--dry-run")
            .with(&jira)
            .with(&chat)
            .with(&fleet)
            .gives(
                64,
                "",
                &format!("avatarctl: --dry-run is not an option of {place}\nhint: {hint}\n"),
            );
    }
}

#[test]
fn names_of_files_are_as_hostile_as_they_are_meant_to_be() {
    assert!(names().iter().any(|name| name.to_str().is_none()));
    assert!(names().iter().any(|name| name.as_bytes().contains(&b'\n')));
}
