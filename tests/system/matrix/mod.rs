//! Matrix from outside. The first table is held against the model and against a real Synapse: what the model believes,
//! the lies it tells among it, is what the homeserver does. What a homeserver cannot be made to do is asked of the
//! model alone, further down.

pub mod calls;

use std::cell::RefCell;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::doctor::timeless;
use crate::support::matrix::{Token, User};
use crate::support::model::{Fault, Model, Running};
use crate::support::server::Heard;
use crate::support::synapse::{Synapse, synapse};
use crate::support::{Matrix, Output, Reply, Run, Scratch, pictures};

/// A homeserver, the model or the real one, with what a test may do behind the program's back.
struct Home {
    server: Server,
    scratch: Scratch,
    /// The media addresses that outputs showed, by number: they are random.
    seen: RefCell<Vec<String>>,
    /// Of the case, so that cases on one homeserver do not meet.
    case: &'static str,
}

enum Server {
    Model(Running<Matrix>),
    Synapse(&'static Synapse),
}

impl Home {
    fn model(case: &'static str) -> Home {
        Home::of(Server::Model(Matrix::start()), case)
    }

    fn of(server: Server, case: &'static str) -> Home {
        let scratch = Scratch::new();
        scratch.write("a.png", pictures::png(64, 64, 1));
        scratch.write("b.jpg", pictures::jpeg(64, 64, 2));
        Home {
            server,
            scratch,
            seen: RefCell::default(),
            case,
        }
    }

    fn url(&self) -> String {
        match &self.server {
            Server::Model(model) => model.url(),
            Server::Synapse(synapse) => synapse.url(),
        }
    }

    fn admin(&self) -> String {
        match &self.server {
            Server::Model(model) => model.model().tokens[0].token.clone(),
            Server::Synapse(synapse) => synapse.admin.clone(),
        }
    }

    fn service(&self) -> String {
        match &self.server {
            Server::Model(model) => model.model().service.token.clone(),
            Server::Synapse(synapse) => synapse.service.clone(),
        }
    }

    /// A request by hand; what the model complains of then is no fault of the program.
    fn ask(&self, line: &str, token: &str, body: &Value) -> Heard {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        match &self.server {
            Server::Model(model) => {
                let line = format!("{method} {}{path}", model.model().context.clone());
                let headers =
                    format!("Authorization: Bearer {token}\nContent-Type: application/json");
                let body = if method == "GET" {
                    String::new()
                } else {
                    body.to_string()
                };
                let heard = model.ask(&line, &headers, body);
                model.take_violations();
                heard
            }
            Server::Synapse(synapse) => {
                synapse.ask(line, token, "application/json", body.to_string().as_bytes())
            }
        }
    }

    /// The localpart of an account of this case.
    fn name(&self, who: &str) -> String {
        format!("{who}.{}", self.case)
    }

    /// A new account, by its token.
    fn account(&self, who: &str) -> String {
        let name = self.name(who);
        match &self.server {
            Server::Model(model) => {
                let mut model = model.model();
                let token = format!("token-of-{name}");
                model.users.push(User::new(&name));
                model.tokens.push(Token {
                    localpart: name,
                    token: token.clone(),
                    login: false,
                });
                token
            }
            Server::Synapse(synapse) => {
                let id = format!("%40{name}%3Atest.local");
                let line = format!("PUT /_synapse/admin/v2/users/{id}");
                synapse.call(&line, &synapse.admin, &json!({ "password": "secret" }));
                let login = json!({"type": "m.login.password", "password": "secret",
                    "identifier": {"type": "m.id.user", "user": name}});
                let answer = synapse.call("POST /_matrix/client/v3/login", "", &login);
                answer["access_token"].as_str().expect("a token").to_owned()
            }
        }
    }

    /// A new account of the application service, by its localpart.
    fn bridged(&self, who: &str) -> String {
        let name = format!("bridge_{who}.{}", self.case);
        match &self.server {
            Server::Model(model) => model.model().users.push(User::new(&name)),
            Server::Synapse(synapse) => {
                let body = json!({"type": "m.login.application_service", "username": name, "inhibit_login": true});
                synapse.call("POST /_matrix/client/v3/register", &synapse.service, &body);
            }
        }
        name
    }

    fn deactivate(&self, name: &str) {
        match &self.server {
            Server::Model(model) => model.model().user(name).deactivated = true,
            Server::Synapse(synapse) => {
                let line = format!("POST /_synapse/admin/v1/deactivate/%40{name}%3Atest.local");
                synapse.call(&line, &synapse.admin, &json!({ "erase": false }));
            }
        }
    }

    /// How many logins of an account are open, those aside that tests made.
    fn logins(&self, name: &str) -> usize {
        match &self.server {
            Server::Model(model) => {
                let model = model.model();
                let own = |token: &&Token| token.localpart == name && token.login;
                model.tokens.iter().filter(own).count()
            }
            Server::Synapse(synapse) => {
                let line = format!("GET /_synapse/admin/v2/users/%40{name}%3Atest.local/devices");
                let devices = synapse.call(&line, &synapse.admin, &Value::Null);
                devices["devices"].as_array().map_or(0, Vec::len) - 1
            }
        }
    }

    /// An answer to a change of a profile by hand.
    fn put(&self, name: &str, token: &str, avatar: &str) -> Heard {
        let line = format!("PUT /_matrix/client/v3/profile/%40{name}%3Atest.local/avatar_url");
        self.ask(&line, token, &json!({ "avatar_url": avatar }))
    }

    /// What the profile says now; the status where it says nothing.
    fn avatar(&self, name: &str) -> Result<Option<String>, u16> {
        let line = format!("GET /_matrix/client/v3/profile/%40{name}%3Atest.local/avatar_url");
        let heard = self.ask(&line, &self.admin(), &Value::Null);
        match heard.status {
            200 => Ok(heard.json()["avatar_url"].as_str().map(str::to_owned)),
            status => Err(status),
        }
    }

    /// The bytes behind a media address, and their type.
    fn picture(&self, address: &str) -> (String, Vec<u8>) {
        let path = address.replace("mxc://", "");
        match &self.server {
            Server::Model(model) => {
                let id = path.rsplit('/').next().expect("an id");
                let media = model.model().media[id].clone();
                (media.content_type, media.bytes)
            }
            Server::Synapse(synapse) => {
                let line = format!("GET /_matrix/client/v1/media/download/{path}");
                let heard = synapse.ask(&line, &synapse.admin, "text/plain", b"");
                let kind = heard.all("Content-Type")[0].to_owned();
                (kind, heard.body.chars().map(|c| c as u8).collect())
            }
        }
    }

    /// A run with these words, separated by blanks, as whoever has the token.
    fn run(&self, token: &str, words: &str) -> Run {
        Run::new(words.split(' '))
            .dir(self.scratch.path())
            .env("MATRIX_URL", self.url())
            .env("MATRIX_TOKEN", token)
            .mask(&self.url(), "URL")
            .mask(&format!(".{}", self.case), "")
    }

    /// Runs it and compares everything, with media addresses as MXC1, MXC2 in the order in which they came.
    #[track_caller]
    fn gives(&self, run: Run, status: i32, stdout: &str, stderr: &str) {
        let Output {
            status: ended,
            stdout: out,
            stderr: err,
        } = run.output();
        let found = Output {
            status: ended,
            stdout: self.numbered(&out),
            stderr: self.numbered(&err),
        };
        found.gives(status, stdout, stderr);
    }

    fn numbered(&self, text: &str) -> String {
        let mut seen = self.seen.borrow_mut();
        let mut text = text.to_owned();
        let known = |seen: &Vec<String>, text: String| {
            let numbers = seen.iter().enumerate();
            numbers.fold(text, |text, (at, address)| {
                text.replace(address, &format!("MXC{}", at + 1))
            })
        };
        text = known(&seen, text);
        while let Some(at) = text.find("mxc://test.local/") {
            let rest = &text[at + "mxc://test.local/".len()..];
            let end = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            seen.push(format!("mxc://test.local/{}", &rest[..end]));
            text = known(&seen, text);
        }
        text
    }

    /// The address that reads as `MXC` and this number.
    fn mxc(&self, number: usize) -> String {
        self.seen.borrow()[number - 1].clone()
    }

    fn declare(&self, accounts: &str) {
        let url = self.url();
        self.scratch.write(
            "m.json",
            format!(
                r#"{{"servers": {{"home": {{"system": "matrix", "url": "{url}"}}}}, "accounts": [{accounts}]}}"#
            ),
        );
    }
}

type Case = (&'static str, fn(&Home));

/// What is true of both.
const CASES: [Case; 25] = [
    ("own", own_picture),
    ("others", anothers_picture_as_an_admin),
    ("mxc", a_picture_that_is_there),
    ("reset", taken_off),
    ("list", accounts_in_a_list),
    ("whoami", who_asks),
    ("token", a_token_that_is_none),
    ("login", a_login_that_is_ended),
    ("password", a_password_that_is_wrong),
    ("unknown", nobody_of_that_name),
    ("ghost", a_profile_of_nobody),
    ("gone", a_deactivated_account),
    ("forbidden", anothers_picture_without_the_right),
    ("limited", a_change_that_is_limited_and_carried_out),
    ("anytext", a_text_that_is_no_picture),
    ("restored", put_back_without_an_upload),
    ("foreign", a_user_of_another_server),
    ("large", a_picture_that_is_too_large),
    ("service", users_of_an_application_service),
    ("dry", commands_that_do_it),
    ("batch", many_accounts),
    ("blind", many_accounts_without_a_look),
    ("shown", what_an_account_shows),
    ("pulled", what_was_pulled_comes_back),
    ("doctor", a_change_that_is_tried),
];

#[test]
fn every_case_is_true_of_the_model() {
    for (name, case) in CASES {
        println!("{name}");
        case(&Home::model(name));
    }
}

#[test]
fn every_case_is_true_of_synapse() {
    let Some(synapse) = synapse() else { return };
    for (name, case) in CASES {
        println!("{name}");
        case(&Home::of(Server::Synapse(synapse), name));
    }
}

/// All is true of the server, and an account gets a test picture and its own back.
fn a_change_that_is_tried(home: &Home) {
    let token = home.account("robot");
    home.run(&token, "matrix set --image a.png").output();
    let worn = home.avatar(&home.name("robot"));
    let name = home.name("robot");
    let words = format!("matrix doctor --round-trip --user {name}");
    let output = home.run(&home.admin(), &words).output();
    let told = home.numbered(&timeless(&output.stdout));
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines.iter().all(|line| line.starts_with("ok ")), "{told}");
    assert!(lines[3].starts_with("ok    server   Matrix v1."), "{told}");
    assert!(
        lines[3].ends_with(" (Synapse 1.163.2), within what is known (1.11 and later)"),
        "{told}"
    );
    let steps = [
        "ok    target   robot wears avatar MXC1".to_owned(),
        "ok    picture  read, uploaded: image/png of 64 x 64, 12420 bytes".to_owned(),
        "ok    keep     avatar MXC1 can be put back".to_owned(),
        "ok    test     put on and proven in N ms: avatar MXC2".to_owned(),
        "ok    restore  put back and proven in N ms: avatar MXC1".to_owned(),
        "ok    answers  media has the calls from v1.11 on".to_owned(),
    ];
    assert_eq!(lines[8..], steps, "{told}");
    assert_eq!(output.status, 0, "{output:?}");
    assert_eq!(home.avatar(&name), worn);
}

fn own_picture(home: &Home) {
    let token = home.account("robot");
    home.gives(
        home.run(&token, "matrix set --image a.png"),
        0,
        "matrix @robot:test.local: avatar MXC1, first avatar, image a.png\n",
        "",
    );
    assert_eq!(home.avatar(&home.name("robot")), Ok(Some(home.mxc(1))));
    let sent = pictures::png(64, 64, 1);
    assert_eq!(home.picture(&home.mxc(1)), ("image/png".into(), sent));
    home.gives(
        home.run(&token, "matrix set --image b.jpg --json"),
        0,
        concat!(
            r#"{"v":1,"type":"account","system":"matrix","server":"URL","account":"@robot:test.local","action":"set","outcome":"changed","before":"MXC1","after":"MXC2","verified":true}"#, "\n",
            r#"{"v":1,"type":"summary","changed":1,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#, "\n",
        ),
        "",
    );
    let sent = pictures::jpeg(64, 64, 2);
    assert_eq!(home.picture(&home.mxc(2)), ("image/jpeg".into(), sent));
    home.gives(
        home.run(&token, "matrix show"),
        0,
        "matrix @robot:test.local: avatar MXC2\n",
        "",
    );
}

/// What was uploaded comes back byte for byte; what nobody uploaded is no picture.
fn what_an_account_shows(home: &Home) {
    let token = home.account("robot");
    let show = |output: &str| home.run(&token, &format!("matrix show --output {output}"));
    let none =
        |why: &str| format!("avatarctl: matrix @robot:test.local: no picture to write: {why}\n");
    let letter = none("each client draws a letter of its own");
    home.gives(show("none.png"), 67, "", &letter);
    for (file, kind, number) in [("a.png", "png", 1), ("b.jpg", "jpg", 2)] {
        let run = home.run(&token, &format!("matrix set --image {file} --quiet"));
        let before = match number {
            1 => "first avatar",
            _ => "was MXC1",
        };
        let set = format!("matrix @robot:test.local: avatar MXC{number}, {before}, image {file}\n");
        home.gives(run, 0, &set, "");
        let line = format!("matrix @robot:test.local: avatar MXC{number}\n");
        home.gives(show(&format!("shown.{kind}")), 0, &line, "");
        let (sent, shown) = (
            home.scratch.join(file),
            home.scratch.join(&format!("shown.{kind}")),
        );
        assert!(
            std::fs::read(sent).unwrap() == std::fs::read(shown).unwrap(),
            "{file}"
        );
    }
    // Another's, by an admin; and what was named and is not there.
    let name = home.name("robot");
    let run = home.run(
        &home.admin(),
        &format!("matrix show --user {name} --output admin.jpg"),
    );
    home.gives(run, 0, "matrix robot: avatar MXC2\n", "");
    home.put(&name, &token, "mxc://test.local/nobodyhasthis");
    let gone = "avatarctl: matrix @robot:test.local: read \"MXC3\": there is no such picture\n";
    home.gives(show("gone.png"), 67, "", gone);
    home.put(&name, &token, "https://a.example/b.png");
    let text = none("\"https://a.example/b.png\" is no mxc address, and no client shows it");
    home.gives(show("text.png"), 67, "", &text);
    let mut names = home.scratch.names();
    names.retain(|name| !["a.png", "b.jpg"].contains(&name.as_str()));
    assert_eq!(names, ["admin.jpg", "shown.jpg", "shown.png"]);
}

fn anothers_picture_as_an_admin(home: &Home) {
    home.account("robot");
    let name = home.name("robot");
    let set = |user: &str| {
        home.run(&home.admin(), "matrix set --image a.png --user")
            .arg(user)
    };
    home.gives(
        set(&name),
        0,
        "matrix robot: avatar MXC1, first avatar, image a.png\n",
        "",
    );
    home.gives(
        set(&format!("@{name}:test.local")),
        0,
        "matrix @robot:test.local: avatar MXC2, was MXC1, image a.png\n",
        "",
    );
    assert_eq!(home.avatar(&name), Ok(Some(home.mxc(2))));
    home.gives(
        home.run(&home.admin(), "matrix show --json --user")
            .arg(&name),
        0,
        concat!(
            r#"{"v":1,"type":"account","system":"matrix","server":"URL","account":"robot","action":"show","outcome":"shown","current":"MXC2"}"#, "\n",
            r#"{"v":1,"type":"summary","changed":0,"unchanged":1,"failed":0,"pending":0,"skipped":0,"exit":0}"#, "\n",
        ),
        "",
    );
}

fn a_picture_that_is_there(home: &Home) {
    let token = home.account("robot");
    let address = "mxc://a.example:8448/Ab-1_z";
    let set = |more: &str| home.run(&token, &format!("matrix set --mxc {address}{more}"));
    let (first, again) = (
        format!("matrix @robot:test.local: avatar {address} (first avatar)\n"),
        format!("matrix @robot:test.local: avatar {address}, unchanged\n"),
    );
    home.gives(set(""), 0, &first, "");
    home.gives(set(""), 0, &again, "");
    let forced = format!("matrix @robot:test.local: avatar {address}, set again\n");
    home.gives(set(" --force"), 0, &forced, "");
    assert_eq!(home.avatar(&home.name("robot")), Ok(Some(address.into())));
}

fn taken_off(home: &Home) {
    let token = home.account("robot");
    home.put(&home.name("robot"), &token, "mxc://a/b");
    let reset = || home.run(&token, "matrix reset");
    home.gives(
        reset(),
        0,
        "matrix @robot:test.local: generated letter (was avatar mxc://a/b)\n",
        "",
    );
    assert_eq!(home.avatar(&home.name("robot")), Ok(None));
    home.gives(
        reset(),
        0,
        "matrix @robot:test.local: generated letter, unchanged\n",
        "",
    );
    home.gives(
        home.run(&token, "matrix show"),
        0,
        "matrix @robot:test.local: no avatar, a letter shows\n",
        "",
    );
}

fn accounts_in_a_list(home: &Home) {
    let token = home.account("robot");
    home.put(&home.name("robot"), &token, "mxc://test.local/abc");
    home.gives(
        home.run(&token, "matrix list"),
        0,
        "user                    avatar_url\n@robot:test.local  MXC1\n",
        "",
    );
    let all = home.run(&home.admin(), "matrix list --json").output();
    assert_eq!((all.status, all.stderr.as_str()), (0, ""));
    let row = json!({"v": 1, "type": "user", "user": "@robot:test.local", "avatar_url": "mxc://test.local/abc",
        "deactivated": false, "user_type": null});
    let lines = all.json();
    assert_eq!(lines.iter().filter(|line| **line == row).count(), 1);
    let admin = json!("@admin:test.local");
    assert!(lines.iter().any(|line| line["user"] == admin));
}

fn who_asks(home: &Home) {
    let token = home.account("robot");
    let told = |name: &str, right: &str| {
        format!("matrix: {name}, {right}, Matrix 1.163.2 (Synapse) at URL\n")
    };
    for (token, name, right) in [
        (home.admin(), "@admin:test.local", "may change others"),
        (token, "@robot:test.local", "may not change others"),
        (
            home.service(),
            "@bridge:test.local",
            "whether it may change others is not known",
        ),
    ] {
        home.gives(home.run(&token, "matrix whoami"), 0, &told(name, right), "");
    }
    home.gives(
        home.run(&home.admin(), "matrix whoami --json"),
        0,
        concat!(
            r#"{"v":1,"type":"identity","name":"@admin:test.local","server_version":"1.163.2","deployment":"Synapse","may_change_others":true}"#, "\n",
            r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#, "\n",
        ),
        "",
    );
}

fn a_token_that_is_none(home: &Home) {
    home.gives(
        home.run("hunter2", "matrix show"),
        77,
        "",
        "avatarctl: matrix: ask who the caller is: the token was refused: Invalid access token passed.\n\
         hint: check MATRIX_TOKEN: a token ends with a logout and with a new password\n",
    );
}

fn a_login_that_is_ended(home: &Home) {
    home.account("robot");
    let name = home.name("robot");
    for user in [name.clone(), format!("@{name}:test.local")] {
        let run = home.run("", "matrix show").without("MATRIX_TOKEN");
        home.gives(
            run.env("MATRIX_USER", &user)
                .env("MATRIX_PASSWORD", "secret"),
            0,
            "matrix @robot:test.local: no avatar, a letter shows\n",
            "",
        );
        assert_eq!(home.logins(&name), 0);
    }
}

fn a_password_that_is_wrong(home: &Home) {
    home.account("robot");
    let run = home.run("", "matrix show").without("MATRIX_TOKEN");
    home.gives(
        run.env("MATRIX_USER", home.name("robot"))
            .env("MATRIX_PASSWORD", "hunter2"),
        77,
        "",
        "avatarctl: matrix: log in as \"robot\": refused: Invalid username or password\n\
         hint: check MATRIX_USER and MATRIX_PASSWORD before the next run: after a few refused logins the account has to wait\n",
    );
}

fn nobody_of_that_name(home: &Home) {
    let token = home.account("robot");
    for (token, words) in [
        (token, "Profile was not found"),
        (home.admin(), "User not found"),
        (home.service(), "Profile was not found"),
    ] {
        for verb in [
            "show",
            "reset",
            "set --image a.png",
            "set --image a.png --dry-run",
        ] {
            home.gives(
                home.run(&token, &format!("matrix {verb} --user"))
                    .arg(home.name("nobody")),
                67,
                "",
                &format!("avatarctl: matrix nobody: look up \"nobody\": no such user: {words}\n"),
            );
        }
    }
    assert_eq!(home.avatar(&home.name("nobody")), Err(404));
    // Localparts are lower case: this is another user, and none.
    home.gives(
        home.run(&home.admin(), "matrix show --user")
            .arg(home.name("ROBOT")),
        67,
        "",
        "avatarctl: matrix ROBOT: look up \"ROBOT\": no such user: User not found\n\
         hint: user ids are written in lower case\n",
    );
}

/// The first lie: an admin's change of nobody is answered 200, and then reads back as proof.
fn a_profile_of_nobody(home: &Home) {
    let name = home.name("ghost");
    assert_eq!(home.avatar(&name), Err(404));
    let avatar = "mxc://test.local/abc";
    assert_eq!(home.put(&name, &home.admin(), avatar).status, 200);
    assert_eq!(home.avatar(&name), Ok(Some(avatar.into())));
    for verb in ["show", "set --mxc mxc://a/b", "reset"] {
        home.gives(
            home.run(&home.admin(), &format!("matrix {verb} --user"))
                .arg(&name),
            67,
            "",
            "avatarctl: matrix ghost: look up \"ghost\": no such user: User not found\n",
        );
    }
    assert_eq!(home.avatar(&name), Ok(Some(avatar.into())));
}

/// The second lie: so is one for an account that nobody can use any more.
fn a_deactivated_account(home: &Home) {
    home.account("gone");
    let name = home.name("gone");
    home.deactivate(&name);
    assert_eq!(home.avatar(&name), Ok(None));
    for verb in ["show", "set --image a.png", "set --mxc mxc://a/b", "reset"] {
        home.gives(
            home.run(&home.admin(), &format!("matrix {verb} --user"))
                .arg(&name),
            67,
            "",
            "avatarctl: matrix gone: look up \"gone\": the account is deactivated\n",
        );
    }
    assert_eq!(home.avatar(&name), Ok(None));
    assert_eq!(home.put(&name, &home.admin(), "mxc://a/b").status, 200);
    assert_eq!(home.avatar(&name), Ok(Some("mxc://a/b".into())));
}

/// The third: a refusal comes as a bad request.
fn anothers_picture_without_the_right(home: &Home) {
    let token = home.account("robot");
    home.account("other");
    let name = home.name("other");
    let heard = home.put(&name, &token, "mxc://a/b");
    assert_eq!(heard.status, 400);
    assert_eq!(heard.json()["errcode"], "M_FORBIDDEN");
    home.gives(
        home.run(&token, "matrix set --mxc mxc://a/b --user")
            .arg(&name),
        77,
        "",
        "avatarctl: matrix other: set the avatar: not permitted: Cannot set another user's avatar_url\n\
         hint: another's avatar takes the token of a server admin, or of an application service whose user it is\n",
    );
    assert_eq!(home.avatar(&name), Ok(None));
}

/// The fourth: a change that is answered 429 was carried out.
fn a_change_that_is_limited_and_carried_out(home: &Home) {
    let token = home.account("robot");
    let name = home.name("robot");
    match &home.server {
        Server::Model(model) => model.model().burst = Some(1),
        Server::Synapse(synapse) => {
            let line =
                format!("POST /_synapse/admin/v1/users/%40{name}%3Atest.local/override_ratelimit");
            let rate = json!({"messages_per_second": 1, "burst_count": 1});
            synapse.call(&line, &synapse.admin, &rate);
            // Rooms are what a change is spread to.
            synapse.call("POST /_matrix/client/v3/createRoom", &token, &json!({}));
        }
    }
    let limited = (1..60).find(|n| {
        let avatar = format!("mxc://test.local/a{n}");
        let heard = home.put(&name, &token, &avatar);
        assert_eq!(home.avatar(&name), Ok(Some(avatar)), "{heard:?}");
        if heard.status == 429 {
            assert_eq!(heard.json()["errcode"], "M_LIMIT_EXCEEDED");
            assert!(
                heard.json()["retry_after_ms"]
                    .as_u64()
                    .is_some_and(|ms| ms <= 1000)
            );
            assert_eq!(heard.all("Retry-After"), ["1"]);
        }
        heard.status == 429
    });
    assert!(limited.is_some(), "a change was limited");
}

/// The fifth: any text is taken for an avatar, and no client shows it.
fn a_text_that_is_no_picture(home: &Home) {
    let token = home.account("robot");
    let name = home.name("robot");
    let text = "https://example.com/a.png";
    assert_eq!(home.put(&name, &token, text).status, 200);
    home.gives(
        home.run(&token, "matrix show"),
        0,
        "matrix @robot:test.local: avatar https://example.com/a.png, which no client shows\n",
        "",
    );
    home.gives(
        home.run(&token, "matrix set --image a.png"),
        0,
        "matrix @robot:test.local: avatar MXC1, was https://example.com/a.png, image a.png\n",
        "",
    );
}

/// The sixth: uploads are kept for ever, so what was only taken off is put back by its address.
fn put_back_without_an_upload(home: &Home) {
    home.account("robot");
    let name = home.name("robot");
    home.declare(&format!(
        r#"{{"server": "home", "user": "{name}", "image": "a.png"}}"#
    ));
    let run = |verb: &str| home.run(&home.admin(), &format!("{verb} m.json"));
    home.gives(
        run("apply"),
        0,
        "home robot: avatar MXC1, first avatar, image a.png\n1 changed, 0 unchanged\n",
        "",
    );
    home.put(&name, &home.admin(), "");
    home.gives(
        run("diff"),
        2,
        "! home robot: image a.png (now no avatar)\n1 to change (1 changed on the server), 0 the same\n",
        "",
    );
    home.gives(
        run("apply"),
        0,
        "home robot: avatar MXC1, first avatar, image a.png\n1 changed, 0 unchanged\n",
        "",
    );
    assert_eq!(home.avatar(&name), Ok(Some(home.mxc(1))));
    home.gives(
        run("apply"),
        0,
        "home robot: image a.png, unchanged\n0 changed, 1 unchanged\n",
        "",
    );
}

fn a_user_of_another_server(home: &Home) {
    for verb in ["show", "set --image a.png", "reset"] {
        home.gives(
            home.run(&home.admin(), &format!("matrix {verb} --user @robot:example.org")),
            67,
            "",
            "avatarctl: matrix @robot:example.org: look up \"@robot:example.org\": a user of another server, which this one cannot change\n\
             hint: users of this server end in :test.local\n",
        );
    }
    for user in [
        "robot:test.local",
        "@robot",
        "@:test.local",
        "@robot:",
        "ro\u{df}",
        "a b",
        "a\nb",
    ] {
        let output = home
            .run(&home.admin(), "matrix show --user")
            .arg(user)
            .output();
        assert_eq!((output.status, output.stdout.as_str()), (67, ""), "{user}");
        let hint = "hint: write it as robot or @robot:test.local";
        assert_eq!(output.stderr.lines().nth(1), Some(hint), "{user}");
    }
}

fn a_picture_that_is_too_large(home: &Home) {
    let token = home.account("robot");
    home.scratch
        .write("large.png", pictures::png_of_bytes(64, 64, 1, 204_801));
    home.scratch
        .write("full.png", pictures::png_of_bytes(64, 64, 1, 204_800));
    let said = "avatarctl: matrix @robot:test.local: \"large.png\" has 204801 bytes; this server takes up to 204800\n";
    for more in ["", " --dry-run"] {
        home.gives(
            home.run(&token, &format!("matrix set --image large.png{more}")),
            65,
            "",
            said,
        );
    }
    home.gives(
        home.run(&token, "matrix set --image full.png"),
        0,
        "matrix @robot:test.local: avatar MXC1, first avatar, image full.png\n",
        "",
    );
}

fn users_of_an_application_service(home: &Home) {
    let (own, service) = (home.bridged("one"), home.service());
    home.account("other");
    let set = |user: &str| {
        home.run(&service, "matrix set --image a.png --user")
            .arg(user)
    };
    home.gives(
        set(&own),
        0,
        "matrix bridge_one: avatar MXC1, first avatar, image a.png\n",
        "",
    );
    assert_eq!(home.avatar(&own), Ok(Some(home.mxc(1))));
    home.gives(
        home.run(&service, "matrix show --output shown.png --user")
            .arg(&own),
        0,
        "matrix bridge_one: avatar MXC1\n",
        "",
    );
    let file = |name| std::fs::read(home.scratch.join(name)).unwrap();
    assert!(file("shown.png") == file("a.png"));
    home.gives(
        home.run(&service, "matrix reset --user").arg(&own),
        0,
        "matrix bridge_one: was avatar MXC1, generated letter\n",
        "",
    );
    home.gives(
        set(&home.name("other")),
        77,
        "",
        "avatarctl: matrix other: set the avatar: not permitted: Application service cannot masquerade as this user (@other:test.local).\n\
         hint: another's avatar takes the token of a server admin, or of an application service whose user it is\n",
    );
    home.gives(
        home.run(&service, "matrix set --mxc mxc://a/b --force"),
        0,
        "matrix @bridge:test.local: avatar mxc://a/b (first avatar)\n",
        "",
    );
    home.gives(
        home.run(&service, "matrix reset"),
        0,
        "matrix @bridge:test.local: generated letter (was avatar mxc://a/b)\n",
        "",
    );
}

/// What a dry run prints is run by a shell.
fn commands_that_do_it(home: &Home) {
    let own = home.bridged("one");
    home.account("robot");
    let name = home.name("robot");
    for (token, user) in [(home.admin(), &name), (home.service(), &own)] {
        let dry = |words: &str| {
            let output = home
                .run(&token, &format!("matrix {words} --dry-run --user"))
                .arg(user)
                .mask(&home.url(), "URL")
                .output();
            assert_eq!((output.status, output.stderr.as_str()), (0, ""));
            output.stdout
        };
        let script = dry("set --image a.png");
        assert_eq!(script.lines().count(), 2, "{script}");
        assert_eq!(home.avatar(user), Ok(None), "nothing was sent");
        run_by_shell(home, &token, &script);
        let worn = home.avatar(user).expect("a profile").expect("an avatar");
        assert_eq!(
            home.picture(&worn),
            ("image/png".into(), pictures::png(64, 64, 1))
        );
        run_by_shell(home, &token, &dry("reset"));
        assert_eq!(home.avatar(user), Ok(None));
        run_by_shell(home, &token, &dry("set --mxc mxc://a/b"));
        assert_eq!(home.avatar(user), Ok(Some("mxc://a/b".into())));
    }
}

#[track_caller]
fn run_by_shell(home: &Home, token: &str, script: &str) {
    // The masks of an output stand in it.
    let case = format!(".{}", home.case);
    let script = script
        .replace("URL", &home.url())
        .replace("robot%3A", &format!("robot{case}%3A"))
        .replace("one%3A", &format!("one{case}%3A"));
    let output = Command::new("sh")
        .args(["-e", "-c", &script])
        .current_dir(home.scratch.path())
        .env("MATRIX_TOKEN", token)
        .output()
        .expect("a shell starts");
    assert!(output.status.success(), "{script}\n{output:?}");
}

fn many_accounts(home: &Home) {
    for who in ["a", "b", "c", "gone"] {
        home.account(who);
    }
    home.deactivate(&home.name("gone"));
    home.put(&home.name("c"), &home.admin(), "mxc://test.local/abc");
    let entry = |who: &str, avatar: &str| {
        format!(
            r#"{{"server": "home", "user": "{}", {avatar}}}"#,
            home.name(who)
        )
    };
    let image = r#""image": "a.png""#;
    let entries = [
        entry("a", image),
        entry("b", image),
        entry("c", r#""reset": true"#),
        entry("gone", image),
        entry("nobody", r#""mxc": "mxc://a/b""#),
    ];
    home.declare(&entries.join(","));
    let run = |verb: &str| home.run(&home.admin(), &format!("{verb} m.json"));
    let failures = "avatarctl: home gone: look up \"gone\": the account is deactivated\n\
                    avatarctl: home nobody: look up \"nobody\": no such user: User not found\n";
    home.gives(
        run("diff"),
        67,
        "? home a: image a.png (now no avatar)\n\
         ? home b: image a.png (now no avatar)\n\
         ~ home c: generated letter (now avatar MXC1)\n\
         3 to change (2 not known), 0 the same, 2 failed\n",
        failures,
    );
    // The same bytes are sent once.
    home.gives(
        run("apply"),
        67,
        "home a: avatar MXC2, first avatar, image a.png\n\
         home b: avatar MXC2, first avatar, image a.png\n\
         home c: generated letter (was avatar MXC1)\n\
         3 changed, 0 unchanged, 2 failed\n",
        failures,
    );
    home.gives(
        run("apply"),
        67,
        "home a: image a.png, unchanged\nhome b: image a.png, unchanged\nhome c: generated letter, unchanged\n0 changed, 3 unchanged, 2 failed\n",
        failures,
    );
    assert_eq!(home.avatar(&home.name("gone")), Ok(None));
    assert_eq!(home.avatar(&home.name("nobody")), Err(404));
}

/// Even who does not want to look is not let into the first lie.
fn many_accounts_without_a_look(home: &Home) {
    home.account("a");
    let entry = |who: &str| {
        format!(
            r#"{{"server": "home", "user": "{}", "image": "a.png"}}"#,
            home.name(who)
        )
    };
    home.declare(&[entry("a"), entry("nobody")].join(","));
    home.gives(
        home.run(&home.admin(), "apply m.json --no-verify"),
        67,
        "home a: avatar MXC1, not verified, image a.png\n1 changed, 0 unchanged, 1 failed\n",
        "avatarctl: home nobody: look up \"nobody\": no such user: User not found\n",
    );
    assert_eq!(home.avatar(&home.name("nobody")), Err(404));
}

/// What is pulled is what a diff finds; and applied, every account wears what it wore, by its address or by the bytes.
fn what_was_pulled_comes_back(home: &Home) {
    let token = home.account("robot");
    home.account("plain");
    let admin = home.admin();
    home.run(&token, "matrix set --image a.png").answers();
    let (robot, plain) = (home.name("robot"), home.name("plain"));
    let worn = home.avatar(&robot);
    let worn_by_plain = home.avatar(&plain);
    let change = || {
        home.run(&token, "matrix set --image b.jpg").answers();
        home.run(&admin, &format!("matrix set --user {plain} --image b.jpg"))
            .answers();
    };
    let pull = format!("matrix pull {plain} {robot} --to");
    home.gives(
        home.run(&admin, &format!("{pull} ids")),
        0,
        "matrix plain: pulled generated letter\n\
         matrix robot: pulled preview matrix/robot.png (uploaded), avatar MXC1\n\
         2 pulled (1 uploaded, 1 generated)\n",
        "",
    );
    home.gives(
        home.run(&admin, &format!("{pull} pictures --as-images")),
        0,
        "matrix plain: pulled generated letter\n\
         matrix robot: pulled image matrix/robot.png (uploaded)\n\
         2 pulled (1 uploaded, 1 generated)\n",
        "",
    );
    let sent = pictures::png(64, 64, 1);
    for folder in ["ids", "pictures"] {
        let file = home.scratch.join(&format!("{folder}/matrix/{robot}.png"));
        assert_eq!(std::fs::read(file).expect("a picture"), sent, "{folder}");
        home.run(&admin, &format!("diff {folder}/avatars.json"))
            .gives(0, "0 to change, 2 the same\n", "");
    }
    change();
    assert_ne!(home.avatar(&robot), worn);
    home.run(&admin, "apply ids/avatars.json -q").answers();
    assert_eq!(home.avatar(&robot), worn);
    assert_eq!(home.avatar(&plain), worn_by_plain);
    change();
    home.run(&admin, "apply pictures/avatars.json -q").answers();
    let again = home.avatar(&robot).expect("a profile").expect("an avatar");
    assert_eq!(home.picture(&again), ("image/png".into(), sent));
    assert_eq!(home.avatar(&plain), worn_by_plain);
}

// ------------------------------------------------------------------------------------------------ on the wire

/// Every request of a command, as it goes over the wire.
#[test]
fn every_request_on_the_wire() {
    const SERVICE: &str = "3013736140fa3bde7f6c6a228f22a57e8c636c993fccc5a9";
    for (words, token, wire) in [
        (
            "set --image a.png",
            None,
            include_str!("../../golden/matrix/set-image-oneself.txt"),
        ),
        (
            "set --image a.png --user robot",
            None,
            include_str!("../../golden/matrix/set-image-user.txt"),
        ),
        (
            "set --image b.jpg --user bridge_one",
            Some(SERVICE),
            include_str!("../../golden/matrix/set-image-service.txt"),
        ),
        (
            "set --mxc mxc://a/b --user robot",
            None,
            include_str!("../../golden/matrix/set-mxc-user.txt"),
        ),
        (
            "reset --force",
            None,
            include_str!("../../golden/matrix/reset-oneself.txt"),
        ),
        (
            "show --user robot",
            None,
            include_str!("../../golden/matrix/show-user.txt"),
        ),
        ("list", None, include_str!("../../golden/matrix/list.txt")),
        (
            "whoami",
            None,
            include_str!("../../golden/matrix/whoami.txt"),
        ),
        (
            "show",
            Some(""),
            include_str!("../../golden/matrix/login.txt"),
        ),
    ] {
        let (server, scratch) = (Matrix::start(), Scratch::new());
        scratch.write("a.png", pictures::png(64, 64, 1));
        scratch.write("b.jpg", pictures::jpeg(64, 64, 2));
        let words = ["matrix"].into_iter().chain(words.split(' '));
        let mut run = Run::new(words).dir(scratch.path()).with(&server);
        run = match token {
            None => run,
            Some("") => run
                .without("MATRIX_TOKEN")
                .env("MATRIX_USER", "admin")
                .env("MATRIX_PASSWORD", "secret"),
            Some(token) => run.env("MATRIX_TOKEN", token),
        };
        let output = run.output();
        assert_eq!((output.status, output.stderr.as_str()), (0, ""));
        assert_eq!(server.capture(), wire);
    }
}

// --------------------------------------------------------------------------------------------------- failures

/// The model, and a run on it as its administrator; the words are separated by blanks.
fn run(server: &Running<Matrix>, words: &str) -> Run {
    Run::new(["matrix"].into_iter().chain(words.split(' '))).with(server)
}

fn server_with(change: impl FnOnce(&mut Matrix)) -> Running<Matrix> {
    let mut model = Matrix::default();
    change(&mut model);
    model.start()
}

fn refusal(status: u16, code: &str, text: &str) -> Reply {
    Reply::json(status, json!({"errcode": code, "error": text}))
}

const BASE: &str = "hint: check the base URL: https://SERVER/.well-known/matrix/client names it, where SERVER is what stands behind the colon of a user id\n";
const RIGHT: &str = "hint: another's avatar takes the token of a server admin, or of an application service whose user it is\n";
const TOKEN: &str =
    "hint: check MATRIX_TOKEN: a token ends with a logout and with a new password\n";

/// By its error code, whatever the status.
#[test]
fn every_refusal_has_its_class() {
    for (status, code, exit, what, hint) in [
        (
            401,
            "M_UNKNOWN_TOKEN",
            77,
            "the token was refused: x",
            TOKEN,
        ),
        (
            401,
            "M_MISSING_TOKEN",
            77,
            "the token was refused: x",
            TOKEN,
        ),
        (401, "M_USER_LOCKED", 77, "the account is locked: x", ""),
        (
            403,
            "M_USER_DEACTIVATED",
            77,
            "the account is deactivated: x",
            "",
        ),
        (400, "M_FORBIDDEN", 77, "not permitted: x", RIGHT),
        (403, "M_FORBIDDEN", 77, "not permitted: x", RIGHT),
        (400, "M_EXCLUSIVE", 77, "not permitted: x", RIGHT),
        (404, "M_NOT_FOUND", 67, "no such user: x", ""),
        (429, "M_LIMIT_EXCEEDED", 75, "too many requests: x", ""),
        (
            404,
            "M_UNRECOGNIZED",
            76,
            "there is no such call at this address: x",
            BASE,
        ),
        (
            405,
            "M_UNRECOGNIZED",
            76,
            "there is no such call at this address: x",
            BASE,
        ),
        (
            400,
            "M_INVALID_PARAM",
            76,
            "the server did not understand the request: x",
            "",
        ),
        (
            400,
            "M_BAD_JSON",
            76,
            "the server did not understand the request: x",
            "",
        ),
        (
            400,
            "M_NOT_JSON",
            76,
            "the server did not understand the request: x",
            "",
        ),
        (
            400,
            "M_MISSING_PARAM",
            76,
            "the server did not understand the request: x",
            "",
        ),
        (400, "M_UNKNOWN", 75, "the server failed: x", ""),
        (500, "M_UNKNOWN", 75, "the server failed with 500: x", ""),
        (502, "M_UNKNOWN", 75, "the server failed with 502: x", ""),
        // What is new, by its status.
        (403, "ORG_EXAMPLE_NO", 77, "not permitted: x", RIGHT),
        (418, "ORG_EXAMPLE_NO", 76, "answered 418: x", ""),
        (
            503,
            "ORG_EXAMPLE_NO",
            75,
            "the server failed with 503: x",
            "",
        ),
        (
            200,
            "ORG_EXAMPLE_NO",
            76,
            "answered success and an error code: x",
            "",
        ),
        // A success that names a failure is one.
        (200, "M_FORBIDDEN", 77, "not permitted: x", RIGHT),
    ] {
        let server = Matrix::start();
        server.fault(Fault::on("PUT /avatar_url").instead(refusal(status, code, "x")));
        run(&server, "set --mxc mxc://a/b").once().gives(
            exit,
            "",
            &format!("avatarctl: matrix @admin:test.local: set the avatar: {what}\n{hint}"),
        );
    }
}

/// A proxy, a login page, or another server altogether.
#[test]
fn what_is_no_homeserver_is_said() {
    for (reply, exit, what) in [
        (Reply::html(404, "x"), 76, format!("there is no Matrix at this address\n{BASE}")),
        // A web client stands there, whose address people know.
        (Reply::html(200, "x"), 76, format!("answered 200 with an HTML page\n{BASE}")),
        (Reply::html(403, "x"), 76, format!("answered 403 with an HTML page\n{BASE}")),
        (Reply::json(404, "{}"), 76, format!("there is no Matrix at this address\n{BASE}")),
        (Reply::json(401, "{}"), 76, format!("answered 401 with no error code\n{BASE}")),
        (Reply::json(200, "{}"), 76, "answered 200 with JSON of another shape\n".into()),
        (Reply::json(200, r#"{"user_id":"admin"}"#), 76, "a caller without a usable user id\n".into()),
        (refusal(404, "M_UNRECOGNIZED", "x"), 76, format!("there is no such call at this address: x\n{BASE}")),
        (Reply::html(502, "x"), 75, "the server failed with 502\n".into()),
        (Reply::html(429, "x"), 75, "too many requests\n".into()),
        (
            Reply::empty(302).header("Location", "https://sso.example.org/?x"),
            76,
            "answered 302, a redirect to https://sso.example.org/, which is not followed\n\
             hint: if it leads to the same server, give that address as the base URL; if it leads to a login page, exempt this account's calls from single sign-on\n".into(),
        ),
    ] {
        let server = Matrix::start();
        server.fault(Fault::on("GET /whoami").instead(reply));
        let said = format!("avatarctl: matrix: ask who the caller is: {what}");
        run(&server, "show").once().gives(exit, "", &said);
    }
}

#[test]
fn an_upload_may_be_refused_or_lost() {
    let picture = pictures::png(64, 64, 1);
    let upload = |server: &Running<Matrix>| run(server, "set --image -").stdin(&picture);
    let about = "avatarctl: matrix @admin:test.local: upload \"standard input\": ";
    for (reply, exit, what) in [
        (
            refusal(413, "M_TOO_LARGE", "x"),
            65,
            "larger than the server or a proxy in front of it accepts",
        ),
        (
            Reply::html(413, "x"),
            65,
            "larger than the server or a proxy in front of it accepts",
        ),
        (
            Reply::json(200, r#"{"content_uri":"https://a/b"}"#),
            76,
            "an upload without a usable mxc address",
        ),
        (
            Reply::json(200, "{}"),
            76,
            "answered 200 with JSON of another shape",
        ),
        (Reply::html(502, "x"), 75, "the server failed with 502"),
    ] {
        let server = Matrix::start();
        server.fault(Fault::on("POST /upload").instead(reply));
        upload(&server)
            .once()
            .gives(exit, "", &format!("{about}{what}\n"));
        assert_eq!(server.model().user("admin").avatar, None);
    }
    // It is stored twice, and nobody can take the first one away.
    let server = Matrix::start();
    server.fault(Fault::on("POST /upload").lost());
    let told = upload(&server).output();
    let address = server
        .model()
        .user("admin")
        .avatar
        .clone()
        .expect("an avatar");
    told.gives(
        0,
        &format!(
            "matrix @admin:test.local: avatar {address}, first avatar, image standard input\n"
        ),
        "",
    );
    assert_eq!(server.model().media.len(), 2);
    // More than once it is not repeated.
    server.fault(Fault::on("POST /upload").always().lost());
    let lost = "the connection was lost before the answer was complete";
    upload(&server).gives(75, "", &format!("{about}{lost}\n"));
    assert_eq!(server.model().media.len(), 4);
    server.heal();
    server.fault(Fault::on("POST /upload").lost());
    upload(&server)
        .once()
        .gives(75, "", &format!("{about}{lost}\n"));
    assert_eq!(server.model().media.len(), 5);
}

/// The larger of what header and body say; the model complains of who comes too early.
#[test]
fn a_limited_change_waits_and_is_repeated() {
    for (in_header, in_body, waited) in [(1000, 1400, "1.4"), (1200, 100, "2.0"), (900, 900, "1.0")]
    {
        let server = server_with(|model| {
            model.burst = Some(0);
            model.pause = Duration::from_millis(in_header);
            model.pause_in_body = Some(Duration::from_millis(in_body));
        });
        // The second one is not limited again.
        server.fault(
            Fault::on("PUT /avatar_url")
                .from(2)
                .instead(Reply::json(200, "{}")),
        );
        run(&server, "set --mxc mxc://a/b").gives(
            0,
            "matrix @admin:test.local: avatar mxc://a/b (first avatar)\n",
            &format!(
                "avatarctl: too many requests, trying again in {waited} s to set the avatar\n"
            ),
        );
    }
}

#[test]
fn a_change_whose_answer_is_lost_is_repeated() {
    let server = Matrix::start();
    server.fault(Fault::on("PUT /avatar_url").lost());
    let output = run(&server, "set --mxc mxc://a/b").output();
    assert_eq!(
        output.stdout,
        "matrix @admin:test.local: avatar mxc://a/b (first avatar)\n"
    );
    let puts = server
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("PUT"));
    assert_eq!((output.status, puts.count()), (0, 2));
}

#[test]
fn a_change_that_was_not_carried_out_is_found_out() {
    let server = Matrix::start();
    server.fault(
        Fault::on("PUT /avatar_url")
            .always()
            .instead(Reply::json(200, "{}")),
    );
    run(&server, "set --mxc mxc://a/b").gives(
        76,
        "",
        "avatarctl: matrix @admin:test.local: the server answered success, but the account still shows no avatar\n\
         hint: look at the account with show, and at the server's log\n",
    );
}

/// Before 1.11, and servers of another make: what they do not have is done without.
#[test]
fn older_and_other_servers_have_fewer_calls() {
    let set = |server: &Running<Matrix>| {
        run(server, "set --image - --user robot")
            .stdin(pictures::png(64, 64, 1))
            .output()
    };
    let server = server_with(|model| model.media_v1 = false);
    assert_eq!(set(&server).status, 0);
    let large = pictures::png_of_bytes(64, 64, 1, 204_801);
    run(&server, "set --image -").stdin(large).gives(
        65,
        "",
        "avatarctl: matrix @admin:test.local: \"standard input\" has 204801 bytes; this server takes up to 204800\n",
    );
    for change in [
        (|model| (model.media_v1, model.media_v3) = (false, false)) as fn(&mut Matrix),
        |model| model.max_upload_size = None,
        |model| model.synapse = false,
        |model| model.forbidden_status = 403,
    ] {
        let server = server_with(change);
        let told = set(&server);
        // Without Synapse's calls nobody knows who is an admin; the server itself judges.
        assert_eq!((told.status, told.stderr.as_str()), (0, ""));
    }
    // Synapse before 1.70 says 400 where it does not have a call.
    let server = Matrix::start();
    for call in ["GET /v1/media/config", "GET /admin"] {
        let absent = refusal(400, "M_UNRECOGNIZED", "Unrecognized request");
        server.fault(Fault::on(call).always().instead(absent));
    }
    let told = set(&server);
    assert_eq!((told.status, told.stderr.as_str()), (0, ""));
    let told = run(&server, "doctor").output();
    assert_eq!(
        told.stdout.lines().last(),
        Some(
            "ok    answers  there are no calls for admins of Synapse; media has the calls from before v1.11"
        )
    );
    // The specification lets a server answer this for an account without an avatar; who asks is there all the same.
    let server = Matrix::start();
    server.fault(Fault::on("GET /avatar_url").instead(refusal(404, "M_NOT_FOUND", "x")));
    run(&server, "show").gives(
        0,
        "matrix @admin:test.local: no avatar, a letter shows\n",
        "",
    );
    let server = server_with(|model| (model.synapse, model.federation) = (false, false));
    run(&server, "whoami --json").gives(
        0,
        concat!(
            r#"{"v":1,"type":"identity","name":"@admin:test.local","server_version":null,"deployment":null,"may_change_others":null}"#, "\n",
            r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#, "\n",
        ),
        "",
    );
    run(&server, "list").gives(
        0,
        "user               avatar_url\n@admin:test.local  -\n",
        "",
    );
    let robot = server.model().tokens[1].token.clone();
    run(&server, "set --mxc mxc://a/b --user admin").env("MATRIX_TOKEN", robot).gives(
        77,
        "",
        &format!("avatarctl: matrix admin: set the avatar: not permitted: Cannot set another user's avatar_url\n{RIGHT}"),
    );
}

#[test]
fn a_login_may_be_refused_in_many_ways() {
    let login = |server: &Running<Matrix>, user: &str| {
        run(server, "show")
            .without("MATRIX_TOKEN")
            .env("MATRIX_USER", user)
            .env("MATRIX_PASSWORD", "secret")
    };
    let server = server_with(|model| model.passwords = false);
    login(&server, "robot").gives(
        78,
        "",
        "avatarctl: matrix: ask how to log in: this server takes no password, single sign-on only\n\
         hint: set MATRIX_TOKEN to the token of an account that has logged in\n",
    );
    let server = server_with(|model| model.tells_deactivated = true);
    login(&server, "gone-bot").gives(
        77,
        "",
        "avatarctl: matrix: log in as \"gone-bot\": the account is deactivated: This account has been deactivated\n",
    );
    // Never repeated, whatever the server says about a time.
    let server = server_with(|model| model.user("robot").failed_logins = 3);
    login(&server, "robot").gives(
        75,
        "",
        "avatarctl: matrix: log in as \"robot\": too many logins: Too Many Requests\n\
         hint: wait before the next login, or set MATRIX_TOKEN, which needs none\n",
    );
    assert_eq!(server.take_violations().len(), 1, "it was tried once");
    let server = server_with(|model| model.user("robot").locked = true);
    let robot = server.model().tokens[1].token.clone();
    run(&server, "show").env("MATRIX_TOKEN", robot).gives(
        77,
        "",
        "avatarctl: matrix: ask who the caller is: the account is locked: User account has been locked\n",
    );
    // Who is not logged in any more is logged out.
    let server = Matrix::start();
    server.fault(Fault::on("POST /logout").afterwards(refusal(401, "M_UNKNOWN_TOKEN", "x")));
    login(&server, "robot").gives(
        0,
        "matrix @robot:test.local: no avatar, a letter shows\n",
        "",
    );
    // The traces show neither the password nor the token that it gave.
    let output = login(&Matrix::start(), "robot").arg("-vv").output();
    assert_eq!(output.status, 0);
    for secret in ["secret", "syt_"] {
        assert!(!output.stderr.contains(secret), "{}", output.stderr);
    }
}

/// An admin walks over a list as long as that is fewer calls; others ask for each account.
#[test]
fn many_accounts_are_read_in_pages() {
    let mut model = Matrix::default();
    model
        .users
        .extend((0..300).map(|n| User::new(&format!("bot-{n:03}"))));
    let server = model.start();
    let scratch = Scratch::new();
    let entries = |numbers: std::ops::Range<usize>| {
        let entry = |n| format!(r#"{{"server": "s", "user": "bot-{n:03}", "reset": true}}"#);
        numbers.map(entry).collect::<Vec<_>>().join(",")
    };
    let diff = |numbers: std::ops::Range<usize>, token: usize| {
        let count = numbers.len();
        let (url, accounts) = (server.url(), entries(numbers));
        let text = format!(
            r#"{{"servers": {{"s": {{"system": "matrix", "url": "{url}"}}}}, "accounts": [{accounts}]}}"#
        );
        let file = scratch.write("m.json", text);
        let token = server.model().tokens[token].token.clone();
        server.forget();
        let told = format!("0 to change, {count} the same\n");
        Run::new(["diff"])
            .arg(file)
            .with(&server)
            .env("MATRIX_TOKEN", token)
            .gives(0, &told, "");
        server.calls().len()
    };
    // Who the caller is and whether an admin; then four pages, one page, or each account with two calls.
    assert_eq!(diff(0..300, 0), 2 + 4);
    assert_eq!(diff(0..50, 0), 2 + 1);
    assert_eq!(diff(299..300, 0), 2 + 2);
    assert_eq!(diff(0..50, 1), 2 + 50);
}

/// By its key, and proven by the address itself.
#[test]
fn a_state_names_a_picture_that_is_there_by_its_address() {
    let home = Home::model("state");
    home.account("robot");
    let name = home.name("robot");
    home.declare(&format!(
        r#"{{"server": "home", "user": "{name}", "mxc": "mxc://a/b"}}"#
    ));
    let apply = home.run(&home.admin(), "apply m.json");
    let told = "home robot: avatar mxc://a/b (first avatar)\n1 changed, 0 unchanged\n";
    home.gives(apply, 0, told, "");
    let state = std::fs::read(home.scratch.join("m.json.state")).expect("a state file");
    let mut line: Value = serde_json::from_slice(&state).expect("one line of JSON");
    let time = line.as_object_mut().and_then(|line| line.remove("time"));
    assert!(time.is_some());
    let proven = json!({"v": 1, "server": home.url(), "by": "user", "account": name,
        "set": "mxc:mxc://a/b", "fingerprint": "mxc://a/b"});
    assert_eq!(line, proven);
}

/// One place says what a media address is, for an option and for a manifest.
#[test]
fn a_media_address_is_checked_before_anything_is_sent() {
    let scratch = Scratch::new();
    for text in [
        "https://example.org/a.png",
        "mxc://example.org",
        "mxc://example.org/",
        "mxc:///abc",
        "mxc://example.org/a/b",
        "mxc://example.org/a?b",
        "mxc://example.org/..",
        "mxc://example.org/a b",
        "mxc://exam ple.org/ab",
        "MXC://example.org/ab",
        "24880",
    ] {
        Run::new(["matrix", "set", "--mxc", text]).gives(
            64,
            "",
            &format!("avatarctl: --mxc takes mxc://SERVER/ID, not \"{text}\"\n"),
        );
        let manifest = json!({
            "servers": {"s": {"system": "matrix", "url": "http://localhost"}},
            "accounts": [{"server": "s", "user": "robot", "mxc": text}],
        });
        let file = scratch.write("m.json", manifest.to_string());
        Run::new(["check"]).arg(file).gives(
            65,
            "",
            "avatarctl: line 1: accounts[0].mxc: must be mxc://SERVER/ID\n",
        );
    }
}
