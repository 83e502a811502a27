//! Servers, and things between us and them, that lie, stall, break off and shout: every fault at every call of
//! every flow, by table. Each run must end with the class that the contract names, one readable line, in bounded
//! time and memory, and without a secret in its output; every cell runs with `-vv`, so that the traces are
//! scanned too.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::retries::{Count, Flow, scratch};
use crate::support::model::{Fault, Model, Running};
use crate::support::printed::NOTHING;
use crate::support::run::{in_parallel, words};
use crate::support::server::{Reply, Request, Server, full_queue, lock};
use crate::support::{Jira, Navixy, Output, Run, Scratch, pictures, program};
use crate::system::jira::calls::{CALLS, SELECT};

// ------------------------------------------------------------------------------------------------------ flows

/// A call of a flow, as a fault finds it: the route, and which request to it (counted from 1).
pub struct Call {
    /// What the cell is called in a failure.
    pub name: &'static str,
    pub arguments: &'static [&'static str],
    pub route: &'static str,
    pub from: usize,
    /// By a login in place of the usual credentials; its password is `secret`.
    pub by_login: bool,
}

pub const fn call(
    name: &'static str,
    arguments: &'static [&'static str],
    route: &'static str,
) -> Call {
    Call {
        name,
        arguments,
        route,
        from: 1,
        by_login: false,
    }
}

/// What a system brings along.
pub struct System<M: 'static> {
    pub calls: &'static [Call],
    /// The state in which every flow begins.
    pub given: fn(&mut M),
    /// What no output may hold: the credentials as they are and as they travel.
    pub secrets: &'static [&'static str],
    /// The exit status where it is not the usual one of the fault.
    pub ends: fn(&Call, &Wrong) -> Option<i32>,
    pub flows: &'static [Flow<M>],
    pub counts: &'static [Count],
    /// Runs one after another, and what each of them says.
    pub dressed: &'static [(&'static [&'static str], &'static str)],
    /// An upload of `large.png`, and the account that it is for.
    pub upload: (&'static [&'static str], &'static str),
    /// Calls whose answers may be of any length.
    pub long: &'static [(&'static [&'static str], &'static str)],
}

/// What faults and flows bring along, and no output may hold either.
const PASSING_SECRETS: &[&str] = &["ONETIME", "SESSIONSECRET", "URLSECRET"];

const JIRA_SECRETS: &[&str] = &["secret", "cm9ib3Q6c2VjcmV0"];

// ----------------------------------------------------------------------------------------------------- faults

/// What goes wrong, and the exit status that a system makes of it if it does not say otherwise.
pub struct Wrong {
    pub name: &'static str,
    reply: Reply,
    ends: i32,
    /// Something came that is an answer, whatever it says.
    pub answered: bool,
}

const TEMPORARY: i32 = 75;
const STRANGE: i32 = 76;

fn wrong(name: &'static str, ends: i32, reply: Reply) -> Wrong {
    Wrong {
        name,
        reply,
        ends,
        answered: true,
    }
}

/// A head and a body that need not fit each other.
fn raw(head: &str, body: impl AsRef<[u8]>) -> Reply {
    let head = head.replace('\n', "\r\n");
    Reply::raw([head.as_bytes(), b"\r\n\r\n", body.as_ref()].concat())
}

fn json(status: u16, body: &[u8]) -> Reply {
    Reply::text(status, "application/json", body)
}

/// In the shape in which each system says why; each of them finds its own.
fn refusal(status: u16, text: &str) -> Reply {
    let text = serde_json::Value::from(text);
    let body = format!(
        "{{\"errorMessages\":[{text}],\"errors\":{{}},\"success\":false,\"error\":{text},\
         \"errcode\":\"M_FORBIDDEN\",\"status\":{{\"code\":13,\"description\":{text}}}}}"
    );
    json(status, body.as_bytes())
}

fn broken() -> Vec<Wrong> {
    let slow = Duration::from_millis(5);
    let body = "{\"success\":true}".to_owned() + &" ".repeat(2000);
    let whole = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let endless = "HTTP/1.1 102 Processing\r\n\r\n".repeat(100);
    let long = "x".repeat(70_000);
    let many = "X-A: b\n".repeat(1000);
    let wrong = |name, ends, reply| Wrong {
        answered: false,
        ..wrong(name, ends, reply)
    };
    vec![
        wrong("closed", TEMPORARY, Reply::close_without_answer()),
        wrong("hung", TEMPORARY, Reply::hang()),
        wrong(
            "half a head",
            TEMPORARY,
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Ty"),
        ),
        wrong("half a status line", TEMPORARY, Reply::raw("HTTP/1.1 2")),
        wrong(
            "half a body",
            TEMPORARY,
            raw(
                "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 900",
                "{\"success\":true,",
            ),
        ),
        wrong(
            "half a chunk",
            TEMPORARY,
            raw(
                "HTTP/1.1 200 OK\nContent-Type: application/json\nTransfer-Encoding: chunked",
                "40\r\n{\"succ",
            ),
        ),
        wrong(
            "no last chunk",
            TEMPORARY,
            raw(
                "HTTP/1.1 200 OK\nContent-Type: application/json\nTransfer-Encoding: chunked",
                "2\r\n{}\r\n",
            ),
        ),
        wrong(
            "dripped head",
            TEMPORARY,
            Reply::drip(&whole, Duration::from_millis(50)),
        ),
        wrong("dripped body", TEMPORARY, Reply::drip(&whole, slow)),
        wrong(
            "interim answers only",
            TEMPORARY,
            Reply::drip(&endless, slow),
        ),
        wrong(
            "interim answer and closed",
            TEMPORARY,
            Reply::raw("HTTP/1.1 100 Continue\r\n\r\n"),
        ),
        wrong(
            "another protocol",
            STRANGE,
            Reply::raw("SSH-2.0-OpenSSH_9.2p1\r\n"),
        ),
        wrong(
            "noise",
            STRANGE,
            Reply::raw(b"\x16\x03\x01\x00\xff\xfe\x80\x00\x1b[2J\r\n\r\n"),
        ),
        wrong(
            "another version",
            STRANGE,
            Reply::raw("HTTP/3.0 200 OK\r\n\r\n{}"),
        ),
        wrong(
            "a status that is none",
            STRANGE,
            Reply::raw("HTTP/1.1 abc OK\r\n\r\n{}"),
        ),
        wrong(
            "a head without end",
            STRANGE,
            raw(&format!("HTTP/1.1 200 OK\nX-A: {long}"), "{}"),
        ),
        wrong(
            "a thousand headers",
            STRANGE,
            raw(&format!("HTTP/1.1 200 OK\n{many}X-B: c"), "{}"),
        ),
        wrong(
            "two lengths",
            STRANGE,
            raw(
                "HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 20",
                "{}",
            ),
        ),
        wrong(
            "a length that is none",
            STRANGE,
            raw(
                "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: -1",
                "{}",
            ),
        ),
        wrong(
            "a chunk that is none",
            STRANGE,
            raw(
                "HTTP/1.1 200 OK\nContent-Type: application/json\nTransfer-Encoding: chunked",
                "zz\r\n{}\r\n0\r\n\r\n",
            ),
        ),
        wrong(
            "switching protocols",
            STRANGE,
            raw("HTTP/1.1 101 Switching Protocols\nUpgrade: h2c", ""),
        ),
    ]
}

fn wrong_answers(secrets: &[&str]) -> Vec<Wrong> {
    let deep = [
        b"{\"success\":true,\"value\":".as_slice(),
        &b"[".repeat(100_000),
    ]
    .concat();
    let gzip =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    let forged = "no\r\navatarctl: jira robot: avatar 1\nhint: \u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{200b}";
    let echo = secrets.join(" ");
    vec![
        wrong("a login page", STRANGE, Reply::html(200, "Log in")),
        wrong(
            "a login page that says it is JSON",
            STRANGE,
            Reply::json(200, "<!DOCTYPE html><html><body>Log in</body></html>"),
        ),
        wrong("an empty body", STRANGE, Reply::empty(200)),
        wrong("white space", STRANGE, json(200, b" \r\n\t ")),
        wrong("truncated JSON", STRANGE, json(200, b"{\"success\":true,\"value\":{\"id\":21")),
        wrong("an array", STRANGE, json(200, b"[]")),
        wrong("an empty object", STRANGE, json(200, b"{}")),
        wrong("null", STRANGE, json(200, b"null")),
        wrong("a text", STRANGE, json(200, b"\"success\"")),
        wrong("fields of another type", STRANGE, json(200, b"{\"success\":true,\"deploymentType\":5,\"name\":[],\"system\":{},\"custom\":7,\"value\":[],\"list\":{},\"id\":{},\"_id\":5,\"user\":5,\"suggestions\":5}")),
        wrong("success as text", STRANGE, json(200, b"{\"success\":\"true\",\"value\":\"a.png\",\"deploymentType\":5,\"system\":1,\"id\":{},\"name\":1}")),
        wrong("success as a number", STRANGE, json(200, b"{\"success\":1,\"deploymentType\":5,\"system\":1,\"id\":{},\"name\":1}")),
        wrong("bare failure", STRANGE, json(200, b"{\"success\":false,\"deploymentType\":5,\"system\":1,\"id\":{},\"name\":1}")),
        wrong("gzip", STRANGE, json(200, gzip).header("Content-Encoding", "gzip")),
        wrong("gzip in secret", STRANGE, json(200, gzip)),
        wrong("deep nesting", STRANGE, json(200, &deep)),
        wrong("deep nesting in a refusal", TEMPORARY, json(500, &deep)),
        wrong("invalid UTF-8", STRANGE, json(200, b"{\"success\":true,\"value\":\"\xff\xfe\",\"deploymentType\":\"\xff\",\"name\":\"\xff\",\"system\":\"\xff\"}")),
        wrong("UTF-16", STRANGE, json(200, b"\xff\xfe{\0}\0")),
        wrong("nothing but a BOM", STRANGE, json(200, b"\xef\xbb\xbf")),
        wrong("many megabytes", STRANGE, json(200, &b" ".repeat(5 << 20))),
        wrong("an error page of many megabytes", TEMPORARY, Reply::text(500, "text/html", b"<p>sorry</p>".repeat(1 << 20))),
        wrong("control characters in a refusal", 77, refusal(403, forged)),
        wrong("control characters in a plain text", TEMPORARY, Reply::text(500, "text/plain", forged)),
        wrong("bytes that are no text in a plain text", TEMPORARY, Reply::text(500, "text/plain", b"\xff\xfe\x80\x1b[31m\x00")),
        wrong("an endless line", TEMPORARY, Reply::text(500, "text/plain", "x".repeat(100_000))),
        wrong("credentials repeated", 77, refusal(403, &echo)),
        wrong("an address repeated", STRANGE, json(400, b"{\"success\":false,\"error\":\"Invalid avatar URL: http://domain.tld/a.png [error-avatar-invalid-url]\",\"errorType\":\"error-avatar-invalid-url\"}")),
        wrong("credentials repeated in headers", TEMPORARY, Reply::text(503, "text/plain", &echo).header("Server", &echo).header("Set-Cookie", "JSESSIONID=SESSIONSECRET").header("X-Echo", &echo)),
        wrong("a redirect", STRANGE, Reply::empty(302).header("Location", "https://sso.example/login?t=ONETIME")),
        wrong("a permanent redirect", STRANGE, Reply::empty(308).header("Location", "https://other.example/")),
        wrong("a redirect to nowhere", STRANGE, Reply::html(301, "Moved")),
        wrong("a redirect with an escape", STRANGE, raw("HTTP/1.1 302 Found\nLocation: /\u{9b}31m\nContent-Length: 0\nConnection: close", "")),
        wrong("not modified", STRANGE, Reply::empty(304)),
        wrong("HTML with 400", STRANGE, Reply::html(400, "Bad Request")),
        wrong("HTML with 401", STRANGE, Reply::html(401, "Unauthorized")),
        wrong("HTML with 403", STRANGE, Reply::html(403, "Forbidden")),
        wrong("HTML with 404", STRANGE, Reply::html(404, "Not Found")),
        wrong("HTML with 405", STRANGE, Reply::html(405, "Method Not Allowed")),
        wrong("407 without a proxy", STRANGE, Reply::html(407, "Proxy Authentication Required")),
        wrong("HTML with 413", 65, Reply::html(413, "Request Entity Too Large")),
        wrong("HTML with 418", STRANGE, Reply::html(418, "Teapot")),
        wrong("HTML with 429", TEMPORARY, Reply::html(429, "Too Many Requests")),
        wrong("HTML with 500", TEMPORARY, Reply::html(500, "Oops")),
        wrong("HTML with 502", TEMPORARY, Reply::html(502, "Bad Gateway")),
        wrong("HTML with 503", TEMPORARY, Reply::html(503, "Unavailable")),
        wrong("HTML with 504", TEMPORARY, Reply::html(504, "Gateway Timeout")),
        wrong("a status above all", TEMPORARY, Reply::html(999, "Blocked")),
        wrong(
            "a wait beyond all clocks",
            TEMPORARY,
            Reply::html(429, "Slow down")
                .header("Retry-After", "18446744073709551615")
                .header("X-RateLimit-Reset", "18446744073709551615")
                .header("Date", "Sun, 99 Foo 0000 99:99:99 GMT"),
        ),
    ]
}

// ------------------------------------------------------------------------------------------------------ cells

/// What a run waits for until its own limits end it.
const STALLS: [&str; 4] = [
    "hung",
    "dripped head",
    "dripped body",
    "interim answers only",
];

/// A run whose own limits end it, with so many seconds for each call.
fn limited<M: Model>(call: &Call, seconds: u32, model: &Running<M>, scratch: &Scratch) -> Run {
    // Where a redirect to another place is followed, it ends here.
    let run = Run::new(call.arguments.iter().copied())
        .dir(scratch.path())
        .env("HTTPS_PROXY", "http://127.0.0.1:1");
    let run = match call.by_login {
        true => run.with_login(model),
        false => run.with(model),
    };
    run.arg(format!("--timeout={seconds}")).arg("--max-time=8")
}

/// Standard error without the lines of `-vv`.
fn untraced(output: &Output) -> Vec<&str> {
    let lines = output.stderr.lines();
    lines
        .filter(|line| {
            let sent = ["GET", "HEAD", "POST", "PUT", "DELETE"]
                .iter()
                .any(|method| line.starts_with(&format!("{method} /")));
            !line.starts_with("> ") && !line.starts_with("< ") && !sent
        })
        .collect()
}

/// What is true of every run, whatever happened to it; what is not, in words.
fn manners(secrets: &[&str], output: &Output) -> Vec<String> {
    let mut bad = Vec::new();
    let both = format!("{}{}", output.stdout, output.stderr);
    let deceives = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}')
    };
    if both.chars().any(|c| deceives(&c)) {
        bad.push("a character that a terminal obeys".to_owned());
    }
    // Addresses and names of the tests hold none of these.
    for secret in secrets.iter().chain(PASSING_SECRETS) {
        if both.contains(secret) {
            bad.push(format!("the secret {secret}"));
        }
    }
    if both.contains("panicked") || both.contains("RUST_BACKTRACE") {
        bad.push("a panic".to_owned());
    }
    let lines = untraced(output);
    if let Some(long) = lines.iter().find(|line| line.chars().count() > 700) {
        bad.push(format!("a line of {} characters", long.chars().count()));
    }
    let plain = |line: &&&str| {
        !line.contains(", trying again in ")
            && !line.contains(", looking for it in ")
            && !line.contains(": warning: ")
            && !line.ends_with(": nothing to list")
    };
    let mut lines = lines.iter().filter(plain);
    match output.status {
        0 => {
            if let Some(line) = lines.next() {
                bad.push(format!("a success with {line:?}"));
            }
        }
        _ => {
            if !lines
                .next()
                .is_some_and(|line| line.starts_with("avatarctl: "))
            {
                bad.push("no line that says what failed".to_owned());
            }
            let rest: Vec<_> = lines.collect();
            if !(rest.is_empty() || rest.len() == 1 && rest[0].starts_with("hint: ")) {
                bad.push(format!("more than a hint: {rest:?}"));
            }
            if !output.stdout.is_empty() {
                bad.push("a failure with a result".to_owned());
            }
        }
    }
    bad
}

/// Every call of a system while the connection breaks.
pub fn broken_connections<M: Model + Default>(system: &System<M>) {
    product(system, &broken());
}

/// Every call of a system when the answer is a wrong one.
pub fn lies<M: Model + Default>(system: &System<M>) {
    product(system, &wrong_answers(system.secrets));
}

/// How a run met a fault.
struct Met {
    /// Whether it came to the call. In a hurry on a loaded machine one before it may be out of time.
    reached: bool,
    bad: Vec<String>,
}

fn cell<M: Model + Default>(
    system: &System<M>,
    call: &Call,
    wrong: &Wrong,
    seconds: u32,
    scratch: &Scratch,
) -> Met {
    let mut model = M::default().start();
    (system.given)(&mut model.model());
    model.expect_anything();
    model.fault(
        Fault::on(call.route)
            .from(call.from)
            .always()
            .instead(wrong.reply.clone()),
    );
    let begun = Instant::now();
    let output = limited(call, seconds, &model, scratch)
        .once()
        .arg("-vv")
        .output();
    let secrets = match call.by_login {
        true => &["secret"],
        false => system.secrets,
    };
    let mut bad = manners(secrets, &output);
    let wanted = (system.ends)(call, wrong).unwrap_or(wrong.ends);
    if output.status != wanted {
        bad.push(format!("{} where {wanted} is due", output.status));
    }
    let (method, path) = call.route.split_once(' ').expect("METHOD PATH");
    let asked = model
        .requests()
        .iter()
        .filter(|request| request.method == method && request.path().ends_with(path))
        .count();
    let reached = asked >= call.from;
    if !reached {
        bad.push("the call was never made".to_owned());
    }
    // --max-time is 8 seconds; a loaded machine may add to it, and nothing else would end what stalls in a minute.
    if begun.elapsed() > Duration::from_secs(20) {
        bad.push(format!("{:?}", begun.elapsed()));
    }
    let bad = bad.into_iter().map(|what| format!("{what}\n{output:?}"));
    Met {
        reached,
        bad: bad.collect(),
    }
}

fn product<M: Model + Default>(system: &System<M>, faults: &[Wrong]) {
    let scratch = scratch();
    let cells: Vec<(&Call, &Wrong)> = system
        .calls
        .iter()
        .flat_map(|call| faults.iter().map(move |wrong| (call, wrong)))
        // A body where none may be ends up before the next answer if it comes late enough.
        .filter(|(call, wrong)| !(call.route.starts_with("HEAD ") && wrong.name == "dripped body"))
        .collect();
    let failures = in_parallel(&cells, |(call, wrong)| {
        let about = |what: String| format!("{}, {}: {what}", call.name, wrong.name);
        let hurried = STALLS
            .contains(&wrong.name)
            .then(|| cell(system, call, wrong, 1, &scratch));
        let met = hurried
            .filter(|met| met.reached)
            .unwrap_or_else(|| cell(system, call, wrong, 6, &scratch));
        met.bad.into_iter().map(about).collect()
    });
    assert!(
        failures.is_empty(),
        "{} of {} cells:\n{}",
        failures.len(),
        cells.len(),
        failures.join("\n")
    );
}

// ------------------------------------------------------------------------------------- answers that are right

/// What becomes of an answer on its way.
type Dress = fn(Vec<u8>) -> Vec<u8>;

/// Serves a model whose every answer is wrapped in something that must not matter.
fn dressed<M: Model + Default>(
    says_close: bool,
    dress: Dress,
) -> (Server, Vec<(&'static str, String)>) {
    let mut model = M::default();
    let settings = model.settings("");
    let context = model.context().to_owned();
    let server = Server::start(move |request: &Request| {
        let reply = model.handle(request);
        let reply = if says_close {
            reply.then_close()
        } else {
            reply
        };
        Reply::raw(dress(reply.bytes(&request.method)))
    });
    let url = server.url() + &context;
    let settings = settings
        .into_iter()
        .map(|(name, value)| match value.is_empty() {
            true => (name, url.clone()),
            false => (name, value),
        })
        .collect();
    (server, settings)
}

/// Cuts an answer into its head, without the empty line, and its body.
fn cut(answer: &[u8]) -> (String, &[u8]) {
    let at = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("an answer has a head");
    (
        String::from_utf8(answer[..at].to_vec()).expect("a head is text"),
        &answer[at + 4..],
    )
}

/// The head without its Content-Length.
fn unmeasured(head: &str) -> String {
    let lines = head.split("\r\n");
    let kept: Vec<_> = lines
        .filter(|line| !line.starts_with("Content-Length: "))
        .collect();
    kept.join("\r\n")
}

fn interim(answer: Vec<u8>) -> Vec<u8> {
    let before = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    [before, answer.as_slice()].concat()
}

fn marked(answer: Vec<u8>) -> Vec<u8> {
    let (head, body) = cut(&answer);
    if body.is_empty() {
        return answer;
    }
    let length = body.len() + 3;
    let head = format!("{}\r\nContent-Length: {length}\r\n\r\n", unmeasured(&head));
    [head.as_bytes(), b"\xef\xbb\xbf", body].concat()
}

fn unmeasured_to_the_end(answer: Vec<u8>) -> Vec<u8> {
    let (head, body) = cut(&answer);
    if body.is_empty() {
        return answer;
    }
    [unmeasured(&head).as_bytes(), b"\r\n\r\n", body].concat()
}

fn byte_by_byte_in_chunks(answer: Vec<u8>) -> Vec<u8> {
    let (head, body) = cut(&answer);
    if body.is_empty() {
        return answer;
    }
    let mut out = format!(
        "{}\r\nTransfer-Encoding: chunked\r\n\r\n",
        unmeasured(&head)
    )
    .into_bytes();
    for byte in body {
        out.extend(b"1;why=not\r\n");
        out.extend([*byte, b'\r', b'\n']);
    }
    out.extend(b"0\r\nTrailer: yes\r\n\r\n");
    out
}

fn old_fashioned(answer: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&answer).replacen("HTTP/1.1", "HTTP/1.0", 1);
    text.into_bytes()
}

fn lower_case(answer: Vec<u8>) -> Vec<u8> {
    let (head, body) = cut(&answer);
    let (line, fields) = head.split_once("\r\n").expect("a head has fields");
    let fields: Vec<String> = fields
        .split("\r\n")
        .map(|field| match field.split_once(": ") {
            Some((name, value)) => format!("{}:\t {value} \t", name.to_lowercase()),
            None => field.to_owned(),
        })
        .collect();
    [
        line.as_bytes(),
        b"\r\n",
        fields.join("\r\n").as_bytes(),
        b"\r\n\r\n",
        body,
    ]
    .concat()
}

/// Answers that are right in every way in which they may be written.
pub fn what_must_not_matter_does_not<M: Model + Default>(system: &System<M>) {
    let scratch = scratch();
    let dresses: &[Dress] = &[
        interim,
        marked,
        unmeasured_to_the_end,
        byte_by_byte_in_chunks,
        old_fashioned,
        lower_case,
    ];
    for dress in dresses {
        let (_server, settings) = dressed::<M>(true, *dress);
        for (arguments, told) in system.dressed {
            let run = Run::new(arguments.iter().copied()).dir(scratch.path());
            let settings = settings.iter();
            settings
                .fold(run, |run, (name, value)| run.env(name, value))
                .gives(0, told, "");
        }
    }
}

// ------------------------------------------------------------------------------------------------------- time

/// Options whose limits a phase must keep.
const LIMITS: [&[&str]; 3] = [
    &["--timeout=0.3"],
    &["--max-time=0.5"],
    &["--connect-timeout=0.3", "--timeout=0.4", "--max-time=2"],
];

/// Ends by such a limit, with room for a loaded machine, and far before anybody else's.
#[track_caller]
fn ends_in_time(run: Run) -> Output {
    let begun = Instant::now();
    let output = run.once().output();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}: {output:?}");
    output
}

#[test]
fn sending_has_a_time_limit() {
    let scratch = Scratch::new();
    scratch.write("huge.png", pictures::png_of_bytes(64, 64, 1, 15 << 20));
    for limits in LIMITS {
        // A head that arrives by and by, while nobody reads what is sent.
        let answer = Reply::drip("HTTP/1.1 200 OK\r\n".repeat(20), Duration::from_millis(50));
        let mut model = Navixy::start();
        model.expect_anything();
        model.refuse_bodies_above(1 << 20, answer);
        let run = Run::new(["navixy", "set", "--employee-id=2133", "--image=huge.png"])
            .with(&model)
            .dir(scratch.path());
        let run = limits.iter().fold(run, |run, limit| run.arg(limit));
        let output = ends_in_time(run);
        assert_eq!(output.status, 75, "{output:?}");
        assert!(model.model().files.is_empty());
    }
}

#[test]
fn connecting_has_a_time_limit() {
    let (listener, _waiting) = full_queue();
    let address = listener.local_addr().expect("an address");
    for (limits, status, said) in [
        (&["--connect-timeout=0.3"][..], 69, "took too long"),
        (&["--max-time=0.3"], 69, "took too long"),
        (&["--timeout=0.3"], 69, "took too long"),
    ] {
        let run = Run::new(["jira", "show", "--url", &format!("http://{address}")])
            .env("JIRA_TOKEN", "token")
            .mask(&address.to_string(), "ADDRESS");
        let run = limits.iter().fold(run, |run, limit| run.arg(limit));
        let output = ends_in_time(run);
        output.gives(
            status,
            "",
            &format!("avatarctl: jira: ask what server this is: connecting to ADDRESS {said}\n"),
        );
    }
}

#[test]
fn a_handshake_has_a_time_limit() {
    // The kernel accepts for a listener that nobody asks, and nothing ever answers.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    for limit in ["--connect-timeout=0.3", "--max-time=0.3", "--timeout=0.3"] {
        let run = Run::new([
            "jira",
            "show",
            limit,
            "--url",
            &format!("https://{address}"),
        ])
        .env("JIRA_TOKEN", "token")
        .mask(&address.to_string(), "ADDRESS");
        ends_in_time(run).gives(
            69,
            "",
            "avatarctl: jira: ask what server this is: the TLS handshake with ADDRESS took too long\n",
        );
    }
}

#[test]
fn a_byte_a_second_cannot_hold_the_tool() {
    let scratch = scratch();
    let whole = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}";
    let drip = |body: &str| Reply::drip(body, Duration::from_secs(1));
    let longest = Mutex::new(Duration::ZERO);
    let cells = ["server", "confirm", "select"];
    let failures = in_parallel(&cells, |name| {
        let call = CALLS
            .iter()
            .find(|call| call.name == *name)
            .expect("a call");
        let mut model = Jira::start();
        model.expect_anything();
        model.fault(Fault::on(call.route).always().instead(drip(whole)));
        let begun = Instant::now();
        // With repeats: they must not add up either.
        let output = Run::new(call.arguments.iter().copied())
            .with(&model)
            .dir(scratch.path())
            .arg("--max-time=2")
            .output();
        let took = begun.elapsed();
        let mut longest = lock(&longest);
        *longest = took.max(*longest);
        let mut bad = manners(JIRA_SECRETS, &output);
        // Four runs of two seconds each, and the waits between them, would take longer.
        if output.status != 75 || took > Duration::from_secs(7) {
            bad.push(format!("{took:?}"));
        }
        bad.into_iter()
            .map(|what| format!("{name}: {what}\n{output:?}"))
            .collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    println!(
        "longest run against a dripping server: {:?}",
        lock(&longest)
    );
}

// -------------------------------------------------------------------------------------------- headers too long

const ALONE: &str =
    "hint: check that the variable holds the token or the password and nothing else";

/// What servers say to a header that is longer than they take, each in its own words, or in none.
#[test]
fn a_header_that_the_server_finds_too_long_is_named() {
    const LONGER: &str = "; if it does, the server must allow longer headers\n";
    let page = |text: &str| {
        Reply::text(
            400,
            "text/html",
            format!("<html><body>{text}</body></html>"),
        )
    };
    let long = "the request's headers are too long for the server (authorization: 20007 bytes)";
    for (reply, status, said, hint) in [
        (Reply::empty(431), 78, format!("answered 431: {long}"), true),
        (
            Reply::html(431, "Request Header Fields Too Large"),
            78,
            format!("answered 431: {long}"),
            true,
        ),
        (
            page("<b>Message</b> Request header is too large"),
            78,
            format!("answered 400: {long}"),
            true,
        ),
        (
            page("400 Request Header Or Cookie Too Large"),
            78,
            format!("answered 400: {long}"),
            true,
        ),
        (
            page("Size of a request header field exceeds server limit."),
            78,
            format!("answered 400: {long}"),
            true,
        ),
        (
            page("HTTP Error 400. The size of the request headers is too long."),
            78,
            format!("answered 400: {long}"),
            true,
        ),
        (
            Reply::empty(400),
            76,
            "answered 400, perhaps because the authorization header has 20007 bytes".to_owned(),
            true,
        ),
        (
            Reply::empty(414),
            65,
            "answered 414: the address of this call is too long for the server".to_owned(),
            false,
        ),
    ] {
        let server = Server::start(move |_| reply.clone());
        let hint = match hint {
            true => format!("{ALONE}{LONGER}"),
            false => String::new(),
        };
        Run::new(["jira", "show"])
            .env("JIRA_URL", server.url())
            .env("JIRA_TOKEN", "x".repeat(20_000))
            .gives(
                status,
                "",
                &format!("avatarctl: jira: ask what server this is: {said}\n{hint}"),
            );
    }
    // Some hang up.
    let server = Server::start(|_| Reply::close_without_answer());
    Run::new(["jira", "show"])
        .env("JIRA_URL", server.url())
        .env("JIRA_TOKEN", "x".repeat(20_000))
        .once()
        .gives(
            75,
            "",
            "avatarctl: jira: ask what server this is: the connection was lost before the answer was complete\n\
             hint: the authorization header has 20007 bytes, which may be more than the server accepts\n",
        );
}

/// A file of another kind, say, in place of a token: no server takes it, so none is asked.
#[test]
fn what_no_header_can_hold_is_not_sent() {
    let mut server = Server::start(|_| Reply::empty(204));
    server.expect_no_calls();
    Run::new(["jira", "show"])
        .env("JIRA_URL", server.url())
        .env("JIRA_TOKEN", "x".repeat(100_000))
        .gives(
            78,
            "",
            &format!(
                "avatarctl: jira: ask what server this is: the authorization header has 100007 bytes, more than servers accept\n{ALONE}\n"
            ),
        );
    Run::new(["rocketchat", "show", "--user"])
        .arg("x".repeat(100_000))
        .env("ROCKETCHAT_URL", server.url())
        .env("ROCKETCHAT_USER_ID", "id")
        .env("ROCKETCHAT_AUTH_TOKEN", "token")
        .mask(&"x".repeat(300), "NAME")
        .gives(
            65,
            "",
            "avatarctl: rocketchat NAME…: look up \"NAME…\": the address of this call has 100050 bytes, more than servers accept\n",
        );
}

#[test]
fn an_answer_with_long_headers_is_called_that() {
    let long = Reply::json(200, "{}").header("X-Long", "y".repeat(40_000));
    let many = (0..200).fold(Reply::json(200, "{}"), |reply, n| {
        reply.header(&format!("X-{n}"), "y")
    });
    for (reply, said) in [
        (long, "the answer's headers are longer than 32 kB"),
        (many, "the answer has more than 128 headers"),
    ] {
        let server = Server::start(move |_| reply.clone());
        Run::new(["jira", "show"])
            .env("JIRA_URL", server.url())
            .env("JIRA_TOKEN", "token")
            .gives(
                76,
                "",
                &format!("avatarctl: jira: ask what server this is: {said}\n"),
            );
    }
}

// ---------------------------------------------------------------------------------------------------- uploads

/// By whatever stands in front, and with a connection that ends in the middle of what is sent.
pub fn an_upload_that_is_refused_before_it_is_sent<M: Model + Default>(system: &System<M>) {
    let scratch = Scratch::new();
    scratch.write("large.png", pictures::png_of_bytes(64, 64, 1, 8 << 20));
    let (arguments, account) = system.upload;
    let page = Reply::html(413, "Request Entity Too Large");
    for refusal in [page.clone(), page.then_reset()] {
        let model = M::default().start();
        (system.given)(&mut model.model());
        model.refuse_bodies_above(1 << 20, refusal);
        Run::new(arguments).with(&model).dir(scratch.path()).gives(
            65,
            "",
            &format!(
                "avatarctl: {account}: warning: \"large.png\": larger than 1 MiB, where proxies in front of servers stop by default\n\
                 avatarctl: {account}: upload \"large.png\": larger than the server or a proxy in front of it accepts\n"
            ),
        );
    }
}

#[test]
fn a_kept_connection_that_died_is_made_anew() {
    // Every answer promises to keep the connection and breaks the promise. Whether the next request notices in
    // time is a race, which repeats win; so all these calls are such that may be repeated.
    let scratch = scratch();
    let (server, settings) = dressed::<Jira>(false, |answer| answer);
    server.expect_torn_requests();
    let run = |arguments: &[&str]| {
        let run = Run::new(arguments.iter().copied()).dir(scratch.path());
        let output = settings
            .iter()
            .fold(run, |run, (name, value)| run.env(name, value))
            .output();
        assert_eq!(manners(JIRA_SECRETS, &output), [""; 0], "{output:?}");
        output.stdout
    };
    assert_eq!(run(SELECT), "jira build-bot: avatar 24880 (was 10122)\n");
}

// ----------------------------------------------------------------------------------------------------- memory

/// The most memory that a run of these arguments ever used, in bytes, and its exit status. Its standard error is
/// a full pipe: with `--json` the line of the account tells that all work is done, and the program then waits
/// until somebody has looked at it.
fn peak<M: Model>(model: &Running<M>, arguments: &[&str], scratch: &Scratch) -> (u64, i32) {
    let (mut errors, mut full) = std::io::pipe().expect("a pipe");
    full.write_all(&[b'\n'; 65536])
        .expect("a pipe holds 64 KiB");
    let mut child = Command::new(program())
        .args(arguments)
        .args(["--json", "--retries=0"])
        .env_clear()
        .envs(model.settings())
        .current_dir(scratch.path())
        .stdout(Stdio::piped())
        .stderr(full)
        .spawn()
        .expect("the program starts");
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let _ = sender.send(stdout.read_exact(&mut [0]).is_ok());
        stdout.read_to_end(&mut Vec::new())
    });
    let told = receiver.recv_timeout(Duration::from_secs(30));
    if told != Ok(true) {
        let _ = child.kill();
        panic!("no line for the account: {told:?}");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it still runs");
    let kilobytes: u64 = status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .expect("the kernel counts memory");
    thread::spawn(move || errors.read_to_end(&mut Vec::new()));
    let status = child.wait().expect("it ends");
    (kilobytes << 10, status.code().unwrap_or(-1))
}

/// Compared with a refusal of a few bytes at the same call, which an unoptimized build needs much for, too.
pub fn fifty_megabytes_cost_less_than_four<M: Model + Default>(system: &System<M>) {
    let scratch = Scratch::new();
    scratch.write("large.png", pictures::png_of_bytes(64, 64, 1, 1 << 20));
    let page = b"<p>no</p>\n".repeat(5 << 20);
    let list = [
        b"{\"success\":true,\"system\":[".as_slice(),
        &b"{\"id\":\"1\"},".repeat(5 << 20),
    ]
    .concat();
    let answers = [
        ("an error page", 75, Reply::text(500, "text/html", &page)),
        ("a page", 76, Reply::text(200, "text/html", &page)),
        ("a list", 76, json(200, &list)),
        (
            "chunks",
            75,
            raw(
                "HTTP/1.1 500 No\nTransfer-Encoding: chunked",
                [b"3200000\r\n".as_slice(), &page].concat(),
            ),
        ),
    ];
    for (arguments, route) in system.long {
        let answered = |reply: &Reply| {
            let mut model = M::default().start();
            (system.given)(&mut model.model());
            model.expect_anything();
            model.fault(Fault::on(route).always().instead(reply.clone()));
            peak(&model, arguments, &scratch)
        };
        let (usual, _) = answered(&Reply::html(500, "no"));
        for (name, wanted, reply) in &answers {
            let (bytes, status) = answered(reply);
            let cost = bytes.saturating_sub(usual);
            println!("{name}, {route}: {} kB", cost >> 10);
            assert_eq!(status, *wanted, "{name}, {route}");
            assert!(cost < 4 << 20, "{name}, {route}: {cost}");
        }
    }
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
