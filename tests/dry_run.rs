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
    Jira, Model, Navixy, Output, Request, RocketChat, Run, Running, Scratch, World, pictures,
};

// -------------------------------------------------------------------------------------------------- the two ways

/// A server, and the directory in which a run against it takes place.
pub struct Side<M> {
    pub model: Running<M>,
    pub scratch: Scratch,
}

impl<M: Model> Side<M> {
    pub fn new(model: M) -> Side<M> {
        Side {
            model: model.start(),
            scratch: Scratch::new(),
        }
    }
}

/// A change, and everything that a run of it needs.
#[derive(Default)]
pub struct Case {
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
pub fn case(line: &str) -> Case {
    Case {
        arguments: line.split_whitespace().map(OsString::from).collect(),
        ..Case::default()
    }
}

impl Case {
    pub fn arg(mut self, argument: impl Into<OsString>) -> Case {
        self.arguments.push(argument.into());
        self
    }

    /// Sets this picture from a file of that name.
    pub fn image(mut self, name: impl AsRef<OsStr>, bytes: Vec<u8>) -> Case {
        let mut argument = OsString::from("--image=");
        argument.push(name.as_ref());
        self.files.push((name.as_ref().to_owned(), bytes));
        self.arg(argument)
    }

    pub fn piped(mut self, bytes: Vec<u8>) -> Case {
        self.stdin = Some(bytes);
        self.arg("--image=-")
    }

    pub fn variables(mut self, variables: &[(&'static str, &str)]) -> Case {
        let owned = variables
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        self.variables = Some(owned.collect());
        self
    }

    pub fn naming(mut self, name: &'static str, value: &str) -> Case {
        self.more.push((name, value.to_owned()));
        self
    }

    pub fn warned(mut self, stderr: &str) -> Case {
        self.stderr = stderr.to_owned();
        self
    }

    pub fn unset(mut self, stderr: &str) -> Case {
        self.unset = stderr.to_owned();
        self
    }

    /// The credentials: what a shell needs to carry the commands out.
    pub fn credentials<M: Model>(&self, model: &Running<M>) -> Vec<(&'static str, String)> {
        let own = || {
            let mut settings = model.settings();
            settings.retain(|(name, _)| !name.ends_with("_URL"));
            settings
        };
        self.variables.clone().unwrap_or_else(own)
    }

    pub fn run<M: Model>(&self, side: &Side<M>) -> Run {
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
    pub fn rehearse<M: Model>(&self, side: &Side<M>) -> String {
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
    pub fn carry_out<M: Model>(&self, commands: &str, side: &Side<M>) {
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
pub fn same<M: Model>(case: &Case, commands: usize, [one, other]: &[Side<M>; 2]) -> String {
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
pub fn shown<M: Model>(side: &Side<M>, line: &str) -> String {
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
pub fn both_show<M: Model>(sides: &[Side<M>; 2], line: &str, wanted: &str) {
    for side in sides {
        assert_eq!(shown(side, line), wanted);
    }
}

// -------------------------------------------------------------------------------------------------------- models

pub fn twice<M: Model>(model: impl Fn() -> M) -> [Side<M>; 2] {
    [Side::new(model()), Side::new(model())]
}

pub fn jira() -> Jira {
    let mut jira = Jira::default();
    jira.system.truncate(3);
    jira
}

/// Settled at once, `build-bot` wears a picture.
pub fn chat() -> RocketChat {
    let mut chat = RocketChat::default();
    chat.settle = Duration::ZERO;
    chat.limit = None;
    chat.give("build-bot", pictures::png(8, 8, 9));
    chat
}

/// What a shell would like to read something into.
pub const HOSTILE: &str = "a'b\"c$HOME ${x}`id`$(id)\\d\\\\ e:ü %s !#&;|<>*?~[]{} =";

/// Names of files that a shell, or curl, could take for something else.
pub fn names() -> Vec<OsString> {
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
        2,
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
        2,
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
    let world = world();
    world.jira().model().give("robot", pictures::png(64, 64, 1));
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
        "matrix set --mxc mxc://a/b",
        "matrix set --user build-bot --image face.png",
        "matrix reset --user build-bot --force",
    ] {
        println!("{line}");
        world.forget();
        let output = here(&world, line).arg("--dry-run").output();
        assert_eq!(
            (output.status, output.stderr.as_str()),
            (0, ""),
            "{output:?}"
        );
        assert!(output.stdout.contains("curl -fsS "), "{output:?}");
        assert_eq!(world.writes(), [""; 0]);
        assert!(world.requests().iter().sum::<usize>() > 0, "it looks");
    }
}

/// Servers that may be called or not, and a picture.
fn world() -> World {
    let mut world = World::new();
    world.lenient();
    *world.jira().model() = jira();
    *world.chat().model() = chat();
    world.scratch.write("face.png", pictures::png(64, 64, 1));
    world
}

/// A run there, which knows every server and has all credentials.
fn here(world: &World, line: &str) -> Run {
    let run = Run::new(line.split(' ')).dir(world.scratch.path());
    world.servers.let_in(run)
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
    let world = world();
    let run = |line: &str| here(&world, line).arg("--dry-run");
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
        (
            "matrix reset --user build-bot",
            "matrix build-bot: generated letter, unchanged\n",
        ),
        ("jira set --avatar-id 10122 -q", ""),
    ] {
        run(line).gives(0, said, "");
    }
    run("jira set --avatar-id 10122 --json").gives(
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
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn what_would_fail_fails() {
    let prepared = || {
        let world = world();
        world.scratch.write("bad.png", "no picture");
        world.scratch.write("face.webp", pictures::webp(64, 64, 1));
        world
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
        ("matrix set --user nobody --mxc mxc://a/b", 67),
        ("matrix set --user gone-bot --image face.png", 67),
        ("matrix set --user @robot:example.org --image face.png", 67),
        ("matrix set --image bad.png", 65),
        ("matrix reset --user nobody", 67),
    ] {
        println!("{line}");
        let world = prepared();
        let rehearsed = here(&world, line).arg("--dry-run").output();
        assert_eq!(world.writes(), [""; 0]);
        let made = here(&world, line).output();
        assert_eq!(rehearsed, made);
        assert_eq!((made.status, made.stdout.as_str()), (exit, ""));
    }
    // And wrong credentials.
    let refused: Output = here(&prepared(), "jira set --avatar-id 10123")
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
    let mut world = World::new();
    world.offline();
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
        ("matrix show", "matrix show"),
        ("matrix list", "matrix list"),
        ("matrix whoami", "matrix whoami"),
        ("jira pull robot --to backup", "jira pull"),
        ("jira doctor --user robot --round-trip", "jira doctor"),
        ("pull avatars.json --to backup", "pull"),
        ("check avatars.json", "check"),
        ("diff avatars.json", "diff"),
        ("apply avatars.json", "apply"),
    ] {
        let hint = match place {
            "apply" => "diff says what apply would do, and writes nothing",
            "diff" => "diff writes nothing, and says what apply would do",
            "check" => "check reaches no server",
            "jira doctor" => "jira doctor changes nothing without --round-trip",
            other => &format!("{other} changes nothing"),
        };
        here(&world, line).arg("--dry-run").gives(
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
