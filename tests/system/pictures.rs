//! The picture that an account shows, as `show --output` writes it: what each system gives, and what is no picture
//! although it comes with a 200.

use std::fs;

use crate::support::jira::{Sizes, TokenPages, system_svg};
use crate::support::model::{Model, captured};
use crate::support::printed::{NOTHING, account_line, complaint, summary_line};
use crate::support::rocketchat::{SIGNATURE, letter_svg};
use crate::support::systems;
use crate::support::{
    Fault, Jira, Matrix, Navixy, Reply, RocketChat, Run, Running, Scratch, Server, pictures,
};

/// An account that wears an uploaded picture.
struct Worn {
    server: Box<dyn systems::Served>,
    /// After the program's name.
    words: &'static str,
    /// As messages name it.
    account: &'static str,
    /// What `show` says.
    line: String,
    /// What is done when its picture is read.
    operation: String,
    /// How the picture is asked for, as a fault knows it.
    route: String,
    /// What is said of any answer that is no picture, where no page was answered.
    hint: &'static str,
}

const STATIC_PATH: &str =
    "an installation may keep its pictures at another path than static/employee/avatars";

/// One of each system, all wearing this.
fn everybody(bytes: &[u8]) -> Vec<Worn> {
    let all = vec![jira(bytes), chat(bytes), fleet(bytes), matrix(bytes)];
    let names = all.iter().map(|worn| worn.server.system().name);
    assert!(names.eq(systems::names()), "one of each");
    all
}

fn jira(bytes: &[u8]) -> Worn {
    let jira = Jira::start();
    let id = jira.model().give("build-bot", bytes.to_vec());
    jira.model().user_mut("build-bot").selected = id;
    Worn {
        server: Box::new(jira),
        words: "jira show --user build-bot",
        account: "jira build-bot",
        line: format!("jira build-bot: avatar {id} (custom)\n"),
        operation: format!("read the picture of avatar {id}"),
        route: "GET /secure/useravatar".to_owned(),
        hint: "",
    }
}

fn chat(bytes: &[u8]) -> Worn {
    let chat = RocketChat::start();
    let etag = chat.model().give("build-bot", bytes.to_vec());
    Worn {
        server: Box::new(chat),
        words: "rocketchat show --user build-bot",
        account: "rocketchat build-bot",
        line: format!("rocketchat build-bot: etag {etag}\n"),
        operation: "read the picture of \"build-bot\"".to_owned(),
        route: "GET /avatar/build-bot".to_owned(),
        hint: "",
    }
}

fn fleet(bytes: &[u8]) -> Worn {
    let fleet = Navixy::start();
    let file = fleet.model().give(2133, bytes.to_vec());
    Worn {
        server: Box::new(fleet),
        words: "navixy show --employee-id 2133",
        account: "navixy 2133",
        line: format!("navixy 2133: file {file}\n"),
        operation: "read the picture of employee 2133".to_owned(),
        route: format!("GET /static/employee/avatars/{file}"),
        hint: STATIC_PATH,
    }
}

fn matrix(bytes: &[u8]) -> Worn {
    let matrix = Matrix::start();
    let address = matrix.model().give("robot", bytes.to_vec());
    let id = address.rsplit('/').next().expect("an id");
    Worn {
        words: "matrix show --user robot",
        account: "matrix robot",
        line: format!("matrix robot: avatar {address}\n"),
        operation: format!("read \"{address}\""),
        route: format!("GET /{id}"),
        hint: "",
        server: Box::new(matrix),
    }
}

impl Worn {
    fn run(&self, words: &str) -> Run {
        let line = format!("{} {words}", self.words);
        self.server
            .let_in(Run::new(crate::support::run::words(&line)))
    }
}

#[test]
fn a_picture_is_written_as_it_is() {
    let scratch = Scratch::new();
    for (kind, bytes) in [
        ("png", pictures::png(64, 64, 1)),
        ("jpg", pictures::jpeg(64, 64, 2)),
        ("gif", pictures::gif(64, 64, 3)),
        ("webp", pictures::webp(64, 64, 4)),
    ] {
        for worn in everybody(&bytes) {
            let name = format!("{}.{kind}", worn.account);
            let run = worn.run("--output").arg(&name).dir(scratch.path());
            run.gives(0, &worn.line, NOTHING);
            assert!(fs::read(scratch.join(&name)).unwrap() == bytes, "{name}");
            // The picture alone on standard output, and the line beside it.
            let run = worn.run("--output -").stdout_into(scratch.join("piped"));
            run.gives(0, NOTHING, &worn.line);
            assert!(fs::read(scratch.join("piped")).unwrap() == bytes, "{name}");
            let run = worn.run("--output - -q").stdout_into(scratch.join("piped"));
            run.gives(0, NOTHING, NOTHING);
            assert!(fs::read(scratch.join("piped")).unwrap() == bytes, "{name}");
        }
    }
}

/// A PNG as `length` bytes.
fn of_length(length: usize) -> Vec<u8> {
    pictures::png_of_bytes(64, 64, 1, length)
}

#[test]
fn what_is_no_picture_is_not_written() {
    const LOGIN: &str = "a login page or a proxy answered instead of TITLE: exempt this account's calls from single sign-on";
    let png = pictures::png(64, 64, 1);
    let ok = |body: &[u8]| Reply::text(200, "image/png", body);
    let drawing = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><g>";
    let html = Reply::html(200, "Log in").without("Content-Type");
    for (reply, status, said, hint) in [
        (ok(b""), 76, "answered 200, and the body is empty", ""),
        (
            ok(&png[..png.len() - 1]),
            76,
            "answered 200, and the body is a PNG picture that is cut off",
            "",
        ),
        (
            ok(&pictures::png_claiming(0, 9)),
            76,
            "answered 200, and the body is a PNG picture with a broken header",
            "",
        ),
        (
            ok(b"no picture"),
            76,
            "answered 200, and the body is no picture",
            "",
        ),
        (
            ok(drawing),
            76,
            "answered 200, and the body is no picture",
            "",
        ),
        (
            html.header("Content-Type", "image/png"),
            76,
            "answered 200, and the body is an HTML page",
            LOGIN,
        ),
        (
            Reply::html(200, "Log in"),
            76,
            "answered 200, and the body is an HTML page",
            LOGIN,
        ),
        (
            Reply::text(403, "text/plain", "Forbidden"),
            77,
            "not permitted",
            "none",
        ),
        (
            Reply::html(404, "Not Found"),
            67,
            "there is no such picture",
            "",
        ),
        (Reply::empty(500), 75, "the server failed with 500", "none"),
        (Reply::empty(429), 75, "too many requests", "none"),
        (
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nGIF89a"),
            75,
            "the connection was lost before the answer was complete",
            "none",
        ),
        (
            Reply::raw(
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nGIF89a\r\n0\r\n\r\n",
            ),
            76,
            "answered 200, and the body is not as long as was announced",
            "",
        ),
    ] {
        for worn in everybody(&png) {
            worn.server
                .fault(Fault::on(&worn.route).always().instead(reply.clone()));
            let scratch = Scratch::new();
            let hint = match hint {
                "none" => String::new(),
                _ if !worn.hint.is_empty() => worn.hint.to_owned(),
                hint => hint.replace("TITLE", worn.server.system().title),
            };
            let about = format!("{}: {}", worn.account, worn.operation);
            let run = worn.run("--output a.png").once().dir(scratch.path());
            run.gives(status, NOTHING, &complaint(&about, said, &hint));
            assert_eq!(scratch.names(), [""; 0], "{said}");
        }
    }
}

#[test]
fn a_picture_may_have_twenty_mebibytes_and_no_more() {
    for (length, status) in [(20 << 20, 0), ((20 << 20) + 1, 76)] {
        let worn = matrix(&of_length(length));
        let said = complaint(
            &format!("{}: {}", worn.account, worn.operation),
            "answered 200, and the body is longer than 20 MiB",
            "",
        );
        let (stdout, stderr) = match status {
            0 => (worn.line.as_str(), NOTHING),
            _ => (NOTHING, said.as_str()),
        };
        let run = worn.run("--output /dev/null").once();
        run.gives(status, stdout, stderr);
    }
}

/// The bound is for pictures alone.
#[test]
fn other_answers_are_as_short_as_before() {
    for worn in everybody(&pictures::png(64, 64, 1)) {
        let long = format!("{{\"x\":\"{}\"}}", "a".repeat(3 << 20));
        worn.server
            .fault(Fault::any().always().instead(Reply::json(200, &long)));
        let output = worn.run("--output /dev/null").once().output();
        assert_eq!(output.status, 76, "{output:?}");
        assert!(
            output
                .stderr
                .contains("a longer answer than this call ever gives"),
            "{output:?}"
        );
    }
}

#[test]
fn a_limited_picture_waits_and_is_read() {
    for worn in everybody(&pictures::png(64, 64, 1)) {
        let limited = Reply::empty(429).header("Retry-After", 1);
        worn.server.fault(Fault::on(&worn.route).instead(limited));
        let output = worn.run("--output /dev/null").output();
        let wait = format!(
            "avatarctl: too many requests, trying again in 1.0 s to {}\n",
            worn.operation
        );
        output.gives(0, &worn.line, &wait);
    }
}

/// How a picture is asked for, of an account that wears an uploaded one.
#[test]
fn every_request_for_a_picture_on_the_wire() {
    let png = pictures::png(64, 64, 1);
    let jira = Jira::start();
    let id = jira.model().give("robot", png.clone());
    jira.model().user_mut("robot").selected = id;
    // A few of the server's own, against which it is held.
    jira.model().system.truncate(2);
    let chat = RocketChat::start();
    chat.model().give("build-bot", png.clone());
    let fleet = Navixy::start();
    fleet.model().give(2133, png.clone());
    let matrix = Matrix::start();
    matrix.model().give("robot", png);
    let written = " --output /dev/null";
    run(&jira, &format!("jira show --user robot{written}")).answers();
    captured(&jira, include_str!("../golden/jira/show-output.txt"));
    run(&chat, &format!("rocketchat show --user build-bot{written}")).answers();
    captured(&chat, include_str!("../golden/rocketchat/show-output.txt"));
    run(&fleet, &format!("navixy show --employee-id 2133{written}")).answers();
    captured(&fleet, include_str!("../golden/navixy/show-output.txt"));
    run(&matrix, &format!("matrix show --user robot{written}")).answers();
    captured(&matrix, include_str!("../golden/matrix/show-output.txt"));
}

// ------------------------------------------------------------------------------- what each system may show

/// What is written, or none if nothing is; whatever else is said is compared by the caller.
struct Shown<'a> {
    status: i32,
    stdout: &'a str,
    stderr: &'a str,
    written: Option<&'a [u8]>,
}

#[track_caller]
fn shows(run: Run, wanted: Shown) {
    let scratch = Scratch::new();
    let run = run.arg("--output").arg("a").dir(scratch.path());
    run.gives(wanted.status, wanted.stdout, wanted.stderr);
    let written = fs::read(scratch.join("a")).ok();
    assert!(written.as_deref() == wanted.written, "{written:?}");
}

fn run<M: Model>(server: &Running<M>, words: &str) -> Run {
    Run::new(crate::support::run::words(words)).with(server)
}

const TOKEN: &str = "ROBOTTOKEN";

/// With the token of the same account, in place of the password.
fn with_token(run: Run) -> Run {
    let run = run.without("JIRA_USER").without("JIRA_PASSWORD");
    run.env("JIRA_TOKEN", TOKEN)
}

const NO_TOKEN: &str =
    "this server gives pictures to a browser's session or a password, and to no token";
const UNPROVEN: &str = "this server gives pictures to no token; they were read without it, which does not prove whose they are";
const PASSWORD: &str = "use JIRA_USER and JIRA_PASSWORD, if the server takes passwords";

/// What a Jira shows is read by the avatar's id, in the largest size; robot wears a custom avatar.
#[test]
fn jira_shows_a_custom_avatar_or_says_why_not() {
    let png = pictures::png(64, 64, 1);
    let worn = "jira robot: avatar 24901 (custom)\n";
    let failed = |said: &str, hint: &str| {
        complaint(
            &format!("jira robot: read the picture of avatar 24901: {said}"),
            "",
            hint,
        )
        .replacen(": \n", "\n", 1)
    };
    let browse = failed(
        "the server answered with the picture of avatar 10122, which is its own",
        "the caller may lack the global permission Browse Users",
    );
    let no_token = failed(NO_TOKEN, PASSWORD);
    let login = failed(
        "answered 200, and the body is an HTML page",
        "a login page or a proxy answered instead of Jira: exempt this account's calls from single sign-on",
    );
    let unproven = &format!("avatarctl: jira robot: warning: {UNPROVEN}\n");
    type Change = fn(&mut Jira);
    let cases: [(&str, Change, bool, i32, &str); 13] = [
        ("as it is", |_| {}, false, 0, ""),
        ("with a token", |_| {}, true, 0, ""),
        (
            "an owner by the profile",
            |jira| jira.owners_in_beans = false,
            false,
            0,
            "",
        ),
        (
            "a size it does not know",
            |jira| jira.sizes = Sizes::Refused,
            false,
            0,
            "",
        ),
        (
            "a size that is another",
            |jira| jira.sizes = Sizes::Smallest,
            false,
            0,
            "",
        ),
        (
            "the default in disguise",
            |jira| jira.callers_browse = false,
            false,
            77,
            &browse,
        ),
        (
            "the default in disguise, of PNG",
            |jira| (jira.callers_browse, jira.drawn_avatars) = (false, false),
            false,
            77,
            &browse,
        ),
        (
            "no token, everybody browses",
            |jira| jira.token_pages = TokenPages::Redirect,
            true,
            0,
            unproven,
        ),
        (
            "no token but a page, everybody browses",
            |jira| jira.token_pages = TokenPages::LoginPage,
            true,
            0,
            unproven,
        ),
        (
            "no token, nobody browses",
            |jira| (jira.token_pages, jira.everybody_browses) = (TokenPages::Redirect, false),
            true,
            77,
            &no_token,
        ),
        (
            "no token but a page, nobody browses",
            |jira| (jira.token_pages, jira.everybody_browses) = (TokenPages::LoginPage, false),
            true,
            77,
            &no_token,
        ),
        ("no password either", |_| {}, false, 76, &login),
        ("nobody at all", |_| {}, true, 77, &no_token),
    ];
    for (name, change, token, status, stderr) in cases {
        let jira = Jira::start();
        let id = jira.model().give("robot", png.clone());
        jira.model().user_mut("robot").selected = id;
        change(&mut jira.model());
        if name.starts_with("no password") || name.starts_with("nobody at all") {
            let page = Reply::html(200, "Log in");
            jira.fault(Fault::on("GET /secure/useravatar").always().instead(page));
        }
        let run = run(&jira, "jira show --user robot");
        let run = if token { with_token(run) } else { run };
        let good = status == 0;
        println!("{name}");
        shows(
            run,
            Shown {
                status,
                stdout: if good { worn } else { NOTHING },
                stderr,
                written: good.then_some(&png),
            },
        );
        // The token is shown to the REST API alone, once this server was seen not to take it.
        let pictures = jira.requests();
        let pictures = pictures
            .iter()
            .filter(|request| request.path().ends_with("useravatar"));
        let with: Vec<bool> = pictures
            .map(|one| one.header("authorization").is_some())
            .collect();
        let refused = token && name != "with a token";
        assert!(
            with[0] && with[1..].iter().all(|with| *with != refused),
            "{name}: {with:?}"
        );
    }
}

/// A system avatar is shown to everybody, and is nobody's.
#[test]
fn jira_shows_a_system_avatar_even_where_no_token_is_taken() {
    for pages in [
        TokenPages::Taken,
        TokenPages::Redirect,
        TokenPages::LoginPage,
    ] {
        let jira = Jira::start();
        jira.model().token_pages = pages;
        jira.model().everybody_browses = false;
        let drawing = system_svg(10122);
        let wanted = Shown {
            status: 0,
            stdout: "jira robot: avatar 10122 (system)\n",
            stderr: NOTHING,
            written: Some(drawing.as_bytes()),
        };
        shows(with_token(run(&jira, "jira show --user robot")), wanted);
    }
}

#[test]
fn jira_has_no_picture_of_what_is_not_its_own() {
    type Change = fn(&mut Jira);
    let cases: [(Change, &str); 2] = [
        (
            |jira| jira.gravatar = true,
            "this server shows pictures of another service (Gravatar), which is not asked",
        ),
        (
            |jira| (jira.user_mut("robot").selected, jira.default_avatar) = (99, 77),
            "avatar 77 is not on the list any more",
        ),
    ];
    for (change, why) in cases {
        let jira = Jira::start();
        change(&mut jira.model());
        let stderr = complaint("jira robot", &format!("no picture to write: {why}"), "");
        let wanted = Shown {
            status: 67,
            stdout: NOTHING,
            stderr: &stderr,
            written: None,
        };
        shows(run(&jira, "jira show --user robot"), wanted);
        let asked = jira.calls();
        assert!(
            !asked.iter().any(|call| call.contains("useravatar")),
            "{asked:?}"
        );
    }
}

/// Whoever may not look users up may still read what they wear.
#[test]
fn jira_shows_pictures_of_users_that_it_does_not_show() {
    for status in [403, 404] {
        let jira = Jira::start();
        let hidden = Reply::json(status, "{\"errorMessages\":[],\"errors\":{}}");
        jira.fault(Fault::on("GET /rest/api/2/user").always().instead(hidden));
        run(&jira, "jira show --user robot --output /dev/null").gives(
            0,
            "jira robot: avatar 10122 (system)\n",
            NOTHING,
        );
    }
}

/// What is once known of a server is not asked of it again for each account: that it takes no token here, and what its
/// own 23 pictures are, of which the first is the default.
#[test]
fn jira_is_not_asked_again_for_what_it_does_not_give() {
    let refused =
        format!("pictures are not saved: read the picture of avatar 24901: {NO_TOKEN}; {PASSWORD}");
    for (browses, asked, warning) in [
        (false, 2 + 1, refused.as_str()),
        (true, 2 + 23 + 2, UNPROVEN),
    ] {
        let (jira, scratch) = (Jira::start(), Scratch::new());
        jira.model().token_pages = TokenPages::Redirect;
        jira.model().everybody_browses = browses;
        for (name, seed) in [("robot", 1), ("build-bot", 2), ("deploy-bot", 3)] {
            let id = jira.model().give(name, pictures::png(64, 64, seed));
            jira.model().user_mut(name).selected = id;
        }
        let run = run(&jira, "jira pull robot build-bot deploy-bot --to d").dir(scratch.path());
        let output = with_token(run).output();
        assert_eq!(
            (output.status, output.stderr),
            (0, format!("avatarctl: jira robot: warning: {warning}\n"))
        );
        let calls = jira.calls();
        let pictures = calls.iter().filter(|call| call.contains("useravatar"));
        assert_eq!(pictures.count(), asked);
    }
}

/// A server that stands behind a proxy knows itself by another name, and is still itself.
#[test]
fn jira_under_another_name_is_not_another_service() {
    for base in [
        "https://jira.example.com/jira",
        "https://OTHER.example:8443",
    ] {
        let jira = Jira::start();
        jira.model().base_url = base.to_owned();
        run(&jira, "jira show --user robot --output /dev/null").gives(
            0,
            "jira robot: avatar 10122 (system)\n",
            NOTHING,
        );
    }
}

const COOKIES: &str =
    "a proxy on the way may remove the cookies by which the server tells who asks for a picture";

#[test]
fn rocketchat_shows_a_picture_or_a_letter_and_tells_them_apart() {
    let png = pictures::png(64, 64, 1);
    let letter = letter_svg("build-bot").into_bytes();
    let drawing = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec();
    let of = |text: &str| format!("rocketchat build-bot: {text}\n");
    let warning = |text: &str| format!("avatarctl: rocketchat build-bot: warning: {text}\n");
    let failed = |text: &str, hint: &str| {
        complaint(
            &format!("rocketchat build-bot: read the picture of \"build-bot\": {text}"),
            "",
            hint,
        )
        .replacen(": \n", "\n", 1)
    };
    let (none, worn, no_name) = (
        of("no avatar, the generated letter shows"),
        of("etag ETAG"),
        of("no avatar, the generated letter shows; the server lost the picture of etag ETAG"),
    );
    let lost = warning("the server lost the picture of etag ETAG, and shows the letter");
    let provider = warning(
        "the account has no etag, so what shows is a provider's picture, or this server is too old to tell",
    );
    let closed = failed(
        "the server shows its pictures to others, and to this caller a letter",
        COOKIES,
    );
    let forbidden = failed("not permitted", "");
    type Change = fn(&mut RocketChat);
    type Case<'a> = (&'a str, Change, i32, &'a str, &'a str, Option<&'a [u8]>);
    let cases: [Case; 9] = [
        ("uploaded", |_| {}, 0, &worn, "", Some(&png)),
        (
            "a letter",
            |chat| chat.user("build-bot").etag = None,
            0,
            &none,
            "",
            Some(&letter),
        ),
        (
            "an etag and a letter",
            |_| {},
            0,
            &no_name,
            &lost,
            Some(&letter),
        ),
        (
            "a provider's",
            |chat| chat.user("build-bot").etag = None,
            0,
            &none,
            &provider,
            Some(&png),
        ),
        ("a drawing", |_| {}, 0, &worn, "", Some(&drawing)),
        (
            "closed",
            |chat| chat.pictures_closed = true,
            77,
            "",
            &closed,
            None,
        ),
        (
            "closed, and a letter",
            |chat| {
                chat.pictures_closed = true;
                chat.user("build-bot").etag = None;
            },
            77,
            "",
            &closed,
            None,
        ),
        (
            "closed on an older one",
            |chat| {
                chat.pictures_closed = true;
                chat.version = "3.11.4".to_owned();
            },
            77,
            "",
            &forbidden,
            None,
        ),
        (
            "uploaded on an older one",
            |chat| chat.version = "3.11.4".to_owned(),
            0,
            &worn,
            "",
            Some(&png),
        ),
    ];
    for (name, change, status, stdout, stderr, written) in cases {
        let chat = RocketChat::start();
        let etag = chat.model().give("build-bot", png.clone());
        match name {
            "a letter" | "an etag and a letter" => chat.model().user("build-bot").picture = None,
            "a drawing" => chat
                .model()
                .provide("build-bot", "image/svg+xml", drawing.clone()),
            _ => {}
        }
        change(&mut chat.model());
        println!("{name}");
        let (stdout, stderr) = (stdout.replace("ETAG", &etag), stderr.replace("ETAG", &etag));
        let wanted = Shown {
            status,
            stdout: &stdout,
            stderr: &stderr,
            written,
        };
        shows(run(&chat, "rocketchat show --user build-bot"), wanted);
        let looked_up = chat.calls();
        let looked_up = looked_up.iter().filter(|call| call.contains("users.info"));
        assert_eq!(looked_up.count(), 1, "{name}");
    }
}

/// By its name as the server has it, whatever was typed.
#[test]
fn rocketchat_asks_for_a_picture_by_the_exact_name() {
    let png = pictures::png(64, 64, 1);
    let chat = RocketChat::start();
    chat.model().user("build-bot").username = "Build.Bot \u{fc}".to_owned();
    let etag = chat.model().give("Build.Bot \u{fc}", png.clone());
    let stdout = format!("rocketchat BsNr28znDkG8aeo7W: etag {etag}\n");
    let wanted = Shown {
        status: 0,
        stdout: &stdout,
        stderr: NOTHING,
        written: Some(&png),
    };
    shows(
        run(&chat, "rocketchat show --user-id BsNr28znDkG8aeo7W"),
        wanted,
    );
    let last = chat.requests().pop().expect("a request");
    assert_eq!(last.target, "/chat/avatar/Build.Bot%20%C3%BC");
    let cookies = last.cookies();
    assert_eq!(cookies["rc_uid"], "aobEdbYhXfu5hkeqG");
    assert_eq!(
        cookies["rc_token"],
        "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq"
    );
}

#[test]
fn navixy_shows_a_picture_and_has_none_of_an_icon() {
    let png = pictures::png(64, 64, 1);
    let none = |why: &str| complaint("navixy 2132", &format!("no picture to write: {why}"), "");
    let icon = none("icon 12 has no address that its picture could be read from");
    let nothing = none("the employee has no icon and no picture");
    let name = |said: &str| complaint("navixy 2132", said, "");
    let moved = complaint(
        "navixy 2132: read the picture of employee 2132",
        "answered 400",
        STATIC_PATH,
    );
    let bad_name = name("read the picture of employee 2132: the name of its file is none");
    type Change = fn(&mut Navixy);
    let cases: [(&str, Change, i32, &str, bool); 6] = [
        ("a picture", |_| {}, 0, "", true),
        (
            "an icon over it",
            |fleet| fleet.employee_mut(2132).icon_id = Some(12),
            67,
            &icon,
            false,
        ),
        (
            "nothing",
            |fleet| fleet.employee_mut(2132).avatar_file_name = None,
            67,
            &nothing,
            false,
        ),
        (
            "another static path",
            |fleet| fleet.static_path = "files",
            76,
            &moved,
            false,
        ),
        (
            "a name that leads away",
            |fleet| fleet.employee_mut(2132).avatar_file_name = Some("../../v2/user".to_owned()),
            76,
            &bad_name,
            false,
        ),
        (
            "a name of no segment",
            |fleet| fleet.employee_mut(2132).avatar_file_name = Some("..".to_owned()),
            76,
            &bad_name,
            false,
        ),
    ];
    for (what, change, status, stderr, written) in cases {
        let fleet = Navixy::start();
        let file = fleet.model().give(2132, png.clone());
        change(&mut fleet.model());
        println!("{what}");
        let stdout = format!("navixy 2132: file {file}\n");
        let wanted = Shown {
            status,
            stdout: if written { &stdout } else { NOTHING },
            stderr,
            written: written.then_some(&png),
        };
        shows(run(&fleet, "navixy show --employee-id 2132"), wanted);
        let called = fleet.calls();
        assert_eq!(
            called.len(),
            if matches!(status, 0) || what.starts_with("another") {
                2
            } else {
                1
            }
        );
    }
}

#[test]
fn matrix_shows_a_picture_and_has_none_of_a_letter() {
    let png = pictures::png(64, 64, 1);
    let none = |why: &str| complaint("matrix robot", &format!("no picture to write: {why}"), "");
    let letter = none("each client draws a letter of its own");
    let text = none("\"https://a.example/b\" is no mxc address, and no client shows it");
    let gone = complaint(
        "matrix robot: read \"mxc://test.local/gone\"",
        "there is no such picture",
        "",
    );
    type Change = fn(&mut Matrix);
    const OLD_PROXY: &str = "a picture behind a proxy that knows older paths alone";
    let cases: [(&str, Change, i32, &str); 6] = [
        ("a picture", |_| {}, 0, ""),
        (
            "a picture on an older server",
            |matrix| matrix.media_v1 = false,
            0,
            "",
        ),
        (OLD_PROXY, |matrix| matrix.media_v1 = false, 0, ""),
        (
            "nothing",
            |matrix| matrix.user("robot").avatar = None,
            67,
            &letter,
        ),
        (
            "any text",
            |matrix| matrix.user("robot").avatar = Some("https://a.example/b".to_owned()),
            67,
            &text,
        ),
        (
            "what nobody has",
            |matrix| matrix.user("robot").avatar = Some("mxc://test.local/gone".to_owned()),
            67,
            &gone,
        ),
    ];
    for (what, change, status, stderr) in cases {
        let matrix = Matrix::start();
        let address = matrix.model().give("robot", png.clone());
        change(&mut matrix.model());
        if what == OLD_PROXY {
            let id = address.trim_start_matches("mxc:/");
            let route = format!("GET /client/v1/media/download{id}");
            matrix.fault(Fault::on(&route).instead(Reply::html(404, "Not Found")));
        }
        println!("{what}");
        let stdout = format!("matrix robot: avatar {address}\n");
        let wanted = Shown {
            status,
            stdout: if status == 0 { &stdout } else { NOTHING },
            stderr,
            written: (status == 0).then_some(&png),
        };
        shows(run(&matrix, "matrix show --user robot"), wanted);
        // Older servers gave pictures to everybody: no token is shown there.
        let old = matrix.requests();
        let old = old
            .iter()
            .filter(|request| request.path().contains("/media/v3/"));
        assert!(
            old.into_iter()
                .all(|request| request.header("authorization").is_none())
        );
    }
}

// ---------------------------------------------------------------------------------------------- a file store

/// A Rocket.Chat whose pictures are in a file store, and that store.
fn stored(
    give: impl FnMut(&crate::support::Request) -> Reply + Send + 'static,
) -> (Running<RocketChat>, Server, String) {
    let (chat, store) = (RocketChat::start(), Server::start(give));
    let etag = chat.model().give("build-bot", pictures::png(64, 64, 1));
    chat.model().store = Some(store.url());
    (chat, store, etag)
}

#[test]
fn a_file_store_is_asked_once_and_as_by_a_stranger() {
    let png = pictures::png(64, 64, 1);
    let given = png.clone();
    let (chat, store, etag) = stored(move |_| Reply::text(200, "image/png", &given));
    let stdout = format!("rocketchat build-bot: etag {etag}\n");
    let wanted = Shown {
        status: 0,
        stdout: &stdout,
        stderr: NOTHING,
        written: Some(&png),
    };
    shows(run(&chat, "rocketchat show --user build-bot"), wanted);
    let asked = store.requests();
    assert_eq!(
        store.calls(),
        [format!("GET /avatars/build-bot?{SIGNATURE}")]
    );
    let names: Vec<&str> = asked[0]
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["user-agent", "host", "accept", "accept-encoding"]);
}

/// The address opens the picture for whoever has it.
#[test]
fn the_address_in_a_file_store_is_never_shown() {
    type Give = fn(&crate::support::Request) -> Reply;
    let cases: [(Give, i32); 7] = [
        (
            |_| Reply::text(200, "image/png", pictures::png(64, 64, 1)),
            0,
        ),
        (
            |request| Reply::text(200, "text/plain", &request.target),
            76,
        ),
        (
            |request| Reply::text(403, "application/xml", &request.target),
            76,
        ),
        (
            |request| Reply::text(404, "application/xml", &request.target),
            67,
        ),
        (|_| Reply::empty(500), 75),
        (|_| Reply::close_without_answer(), 75),
        (
            |request| {
                Reply::empty(302)
                    .header("Location", format!("http://127.0.0.1:1{}", request.target))
            },
            76,
        ),
    ];
    for (give, status) in cases {
        let (chat, mut store, _) = stored(give);
        let place = store.address().to_string();
        for more in ["-vv", "--json"] {
            let run = run(&chat, "rocketchat show --user build-bot --output /dev/null");
            let output = run.arg(more).once().output();
            assert_eq!(output.status, status, "{output:?}");
            let text = format!("{}{}", output.stdout, output.stderr);
            for secret in [
                place.as_str(),
                "avatars/build-bot",
                "X-Amz-Signature",
                "5d672d79",
            ] {
                assert!(!text.contains(secret), "{secret}: {output:?}");
            }
        }
        store.expect_calls();
    }
}

#[test]
fn a_store_that_cannot_be_reached_is_said_without_its_name() {
    let store = Server::start(|_| Reply::empty(200));
    let address = store.url();
    let mut store = store;
    store.expect_no_calls();
    drop(store);
    let chat = RocketChat::start();
    chat.model().give("build-bot", pictures::png(64, 64, 1));
    chat.model().store = Some(address);
    let stderr = complaint(
        "rocketchat build-bot: read the picture of \"build-bot\"",
        "the place that the server redirects to cannot be reached",
        STORE,
    );
    let run = run(&chat, "rocketchat show --user build-bot --output /dev/null");
    run.once().gives(69, NOTHING, &stderr);
}

const STORE: &str = "the pictures are in a file store: let the server hand them out itself (FileUpload_S3_Proxy_Avatars, FileUpload_GoogleStorage_Proxy_Avatars), or let this machine reach the store";

/// Where a redirect leads to no place of its own, or to one where everybody could listen.
#[test]
fn a_redirect_that_is_no_file_store_is_not_followed() {
    for location in [
        "/login",
        "login",
        "ftp://127.0.0.1/a",
        "http://user:password@127.0.0.1/a",
        "http:///a",
        "",
    ] {
        let chat = RocketChat::start();
        chat.model().give("build-bot", pictures::png(64, 64, 1));
        let redirect = Reply::empty(302).header("Location", location);
        chat.fault(
            Fault::on("GET /avatar/build-bot")
                .always()
                .instead(redirect),
        );
        let stderr = complaint(
            "rocketchat build-bot: read the picture of \"build-bot\"",
            "answered 302, a redirect that leads to no place a picture may be read from",
            STORE,
        );
        let run = run(&chat, "rocketchat show --user build-bot --output /dev/null");
        run.once().gives(76, NOTHING, &stderr);
    }
}

/// The other systems have no file store of their own.
#[test]
fn nobody_else_follows_a_redirect() {
    let png = pictures::png(64, 64, 1);
    for worn in [jira(&png), fleet(&png), matrix(&png)] {
        let mut elsewhere = Server::start(|_| Reply::empty(200));
        elsewhere.expect_no_calls();
        let redirect = Reply::empty(302).header("Location", format!("{}/a.png", elsewhere.url()));
        worn.server
            .fault(Fault::on(&worn.route).always().instead(redirect));
        let run = worn
            .run("--output /dev/null")
            .mask(&elsewhere.url(), "ELSEWHERE");
        let stderr = complaint(
            &format!("{}: {}", worn.account, worn.operation),
            "answered 302, a redirect to ELSEWHERE/a.png, which is not followed",
            "if it leads to the same server, give that address as the base URL; if it leads to a login page, exempt this account's calls from single sign-on",
        );
        run.once().gives(76, NOTHING, &stderr);
    }
}

// ------------------------------------------------------------------------------------------------- the file

#[test]
fn a_file_that_is_there_is_left_alone() {
    for mut worn in everybody(&pictures::png(64, 64, 1)) {
        let scratch = Scratch::new();
        scratch.write("a.png", "mine");
        let system = worn.words.split(' ').next().expect("a system");
        let account = worn.account;
        worn.server.server_mut().expect_no_calls();
        let there = complaint(
            account,
            "--output: \"a.png\" is there already",
            "name another file, or give --force to replace it",
        );
        worn.run("--output a.png")
            .dir(scratch.path())
            .gives(64, NOTHING, &there);
        assert_eq!(scratch.read("a.png"), "mine");
        let folder = complaint(account, "--output: \".\" is a directory", "");
        worn.run("--output . --force")
            .dir(scratch.path())
            .gives(64, NOTHING, &folder);
        let missing = complaint(account, "--output: there is no folder \"none\"", "");
        worn.run("--output none/a.png")
            .dir(scratch.path())
            .gives(66, NOTHING, &missing);
        let empty = complaint(
            "--output is empty",
            "",
            "is the variable that it comes from set?",
        )
        .replacen(": \n", "\n", 1);
        worn.run("--output=")
            .dir(scratch.path())
            .gives(64, NOTHING, &empty);
        assert_eq!(scratch.names(), ["a.png"], "{system}");
        worn.server.server_mut().expect_calls();
        worn.run("--output a.png --force")
            .dir(scratch.path())
            .gives(0, &worn.line, NOTHING);
        assert!(fs::read(scratch.join("a.png")).unwrap() == pictures::png(64, 64, 1));
    }
}

/// Lines of `--json` are those of `show`; where the picture is on standard output, they are beside it.
#[test]
fn json_lines_never_stand_in_a_picture() {
    let png = pictures::png(64, 64, 1);
    let scratch = Scratch::new();
    let worn = matrix(&png);
    let address = worn.line.split_whitespace().last().expect("an address");
    let rest = format!("\"outcome\":\"shown\",\"current\":\"{address}\"");
    let lines = account_line("matrix", "robot", "show", &rest) + &summary_line(0, 1, 0, 0);
    let url = worn.server.url();
    let json = |words: &str| worn.run(words).mask(&url, "URL").arg("--json");
    json("").gives(0, &lines, NOTHING);
    json("--output /dev/null").gives(0, &lines, NOTHING);
    json("--output -")
        .stdout_into(scratch.join("a"))
        .gives(0, NOTHING, &lines);
    assert!(fs::read(scratch.join("a")).unwrap() == png);
}
