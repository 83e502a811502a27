//! No secret is ever shown. Servers repeat what they were sent, in every place of an answer that a message is made
//! of; whatever the program says about it is searched for every secret in every spelling.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::thread;

use serde_json::{Value, json};

use crate::support::run::words;
use crate::support::systems::{self, Handler, Secrets, System};
use crate::support::{
    Jira, Model, Output, Reply, Request, Run, Running, Scratch, Server, encoding, pictures,
};

/// What the servers say beside the secrets, to prove that their words do reach the messages.
const CONTROL: &str = "ECHO-OF-THE-REQUEST";

const TOKEN: &str = "tk7Hunter1/Qz+Lw==";
const PASSWORD: &str = "pw7Hunter2 \"\u{fc}&%/<b>";
const AUTH_TOKEN: &str = "at7Hunter3_Xy-Zw";
const USER_ID: &str = "ui7Hunter4Kk";
const HASH: &str = "ba5e7e5ec2e75c27af4be7b9d04da2ce";
/// In place of the first digits of the model's sessions.
const COOKIE: &str = "ck7Hunter6";
/// What a login of Rocket.Chat and of Matrix, and one of Navixy, gives in place of the model's own.
const SESSION_TOKEN: &str = "st7Hunter9_Vw+/=";
const SESSION_HASH: &str = "sh7hunter0c27af4be7b9d04da2ce1af1";
const CODE: &str = "730915";
const SIGNATURE: &str = "sg7Hunter7%2Fxx";
const URL_PASSWORD: &str = "up7Hunter8";

/// The digits of escapes in small letters, and nothing else.
fn small_escapes(text: &str) -> String {
    let mut pieces = text.split('%');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let (digits, rest) = piece.split_at(piece.len().min(2));
        text + "%" + &digits.to_lowercase() + rest
    })
}

/// A secret in every spelling that a server or a program might choose.
fn spellings(secret: &str) -> BTreeSet<String> {
    let encoded = encoding::percent_encode(secret);
    let json = json!(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    let each = |spell: &dyn Fn(char) -> String| secret.chars().map(spell).collect::<String>();
    let special = |c: char, spelt: String| match c.is_ascii_alphanumeric() {
        true => c.to_string(),
        false => spelt,
    };
    let bytes = secret.bytes();
    let base64 = encoding::base64(secret.as_bytes());
    let for_urls = base64.replace('+', "-").replace('/', "_");
    BTreeSet::from([
        secret.to_owned(),
        small_escapes(&encoded),
        encoded.replace("%20", "+"),
        encoded.replace("%2F", "/"),
        encoding::percent_encode(&encoded),
        encoded,
        bytes.clone().map(|byte| format!("%{byte:02x}")).collect(),
        encoding::html(secret),
        encoding::html(secret).replace('\u{fc}', "&uuml;"),
        encoding::html(&encoding::html(secret)),
        each(&|c| special(c, format!("&#{};", u32::from(c)))),
        each(&|c| special(c, format!("&#{:06};", u32::from(c)))),
        each(&|c| format!("&#x{:x};", u32::from(c))),
        each(&|c| format!("&#X{:04X};", u32::from(c))),
        json.replace('/', "\\/"),
        json,
        each(&|c| special(c, format!("\\u{:04x}", u32::from(c)))),
        each(&|c| format!("\\u{:04X}", u32::from(c))),
        bytes.clone().map(|byte| format!("{byte:02x}")).collect(),
        bytes.map(|byte| format!("{byte:02X}")).collect(),
        base64.trim_end_matches('=').to_owned(),
        for_urls.trim_end_matches('=').to_owned(),
        for_urls,
        base64,
    ])
}

/// Every secret there is, and what Basic makes of a pair.
fn all() -> BTreeSet<String> {
    let secrets = [
        TOKEN,
        PASSWORD,
        AUTH_TOKEN,
        HASH,
        COOKIE,
        SESSION_TOKEN,
        SESSION_HASH,
        CODE,
        SIGNATURE,
        URL_PASSWORD,
    ];
    let mut all: BTreeSet<String> = secrets.into_iter().flat_map(spellings).collect();
    all.extend(spellings(&format!("robot:{PASSWORD}")));
    all.insert(encoding::base64(format!("NVX {SESSION_HASH}").as_bytes()));
    all
}

/// The whole request as one line, which is what careless error pages and debug modes show.
fn echo(request: &Request) -> String {
    let wanted = ["authorization", "x-auth-token", "cookie"];
    let values = wanted
        .iter()
        .filter_map(|name| request.header(name))
        .collect::<Vec<_>>();
    // Pairs are decoded by many a server, and shown so.
    let decoded = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "));
    let decoded = decoded.and_then(encoding::from_base64).unwrap_or_default();
    let body = match request.boundary() {
        None if request.body.len() < 300 => String::from_utf8_lossy(&request.body).into_owned(),
        _ => String::new(),
    };
    let decoded = String::from_utf8_lossy(&decoded);
    // What stands in a body as a secret, or is a word of a header, in every spelling.
    let fields = request.try_json().unwrap_or_default();
    let texts = ["password", "code"].map(|name| fields[name].as_str().unwrap_or_default());
    let words = values.iter().flat_map(|value| value.split(' '));
    let password = decoded.split_once(':').map_or("", |(_, password)| password);
    let spelt: BTreeSet<String> = words
        .chain(texts)
        .chain([password])
        .flat_map(spellings)
        .collect();
    let spelt = spelt.into_iter().collect::<Vec<_>>().join(" ");
    format!("{CONTROL} {} {decoded} {spelt} {body}", values.join(" "))
}

/// A way to answer, made of what is to be said and the request.
type Fault = fn(&str, &Request) -> Reply;

/// The same words in the error shapes of all systems at once.
fn shapes(said: &str) -> serde_json::Value {
    json!({
        "success": false,
        "errorMessages": [said],
        "errors": {"field": said},
        "message": said,
        "errorType": said,
        "error": said,
        "status": {"code": 7, "description": said},
        "errcode": said,
    })
}

const FAULTS: [(&str, Fault); 14] = [
    ("errors of every shape", |said, _| {
        Reply::json(400, shapes(said))
    }),
    ("error and bracketed code", |said, _| {
        Reply::json(
            400,
            json!({"success": false, "error": format!("{said} [{said}]")}),
        )
    }),
    ("success that is none", |said, _| {
        Reply::json(200, shapes(said))
    }),
    ("parameters", |said, _| {
        Reply::json(
            400,
            json!({
                "success": false,
                "status": {"code": 7, "description": "Invalid"},
                "errors": [{"parameter": said, "error": said}],
            }),
        )
    }),
    ("plain text", |said, _| Reply::text(400, "text/plain", said)),
    ("plain text and success", |said, _| {
        Reply::text(200, "text/plain", said)
    }),
    ("a page", |said, _| Reply::html(400, said)),
    ("a page and success", |said, _| Reply::html(200, said)),
    ("broken JSON", |said, _| {
        Reply::json(200, format!("{{\"success\": true, \"x\": \"{said}"))
    }),
    ("redirect", |said, _| {
        let place = encoding::percent_encode(said);
        Reply::empty(302).header(
            "Location",
            format!("https://sso.example/{place}?to={place}#{place}"),
        )
    }),
    ("redirect as it stands", |said, _| {
        Reply::empty(307).header(
            "Location",
            format!(
                "/login/{}",
                said.replace(|c: char| !c.is_ascii_graphic() && c != ' ', "")
            ),
        )
    }),
    ("denied", |said, _| {
        let said = said.replace(|c: char| !c.is_ascii_graphic() && c != ' ', "");
        Reply::json(403, "{}").header(
            "X-Authentication-Denied-Reason",
            format!("CAPTCHA_CHALLENGE; login-url=https://sso.example/{said}"),
        )
    }),
    ("headers", |said, request| {
        let said = said.replace(|c: char| !c.is_ascii_graphic() && c != ' ', "");
        let mut reply = Reply::json(401, shapes(&said))
            .header("Server", &said)
            .header("Via", &said)
            .header("X-Debug", &said);
        for (name, value) in &request.headers {
            if ["authorization", "x-auth-token", "cookie"].contains(&name.to_lowercase().as_str()) {
                reply = reply
                    .header(name, value)
                    .header("Date", value)
                    .header("Allow", value);
            }
        }
        reply
    }),
    ("not HTTP", |said, _| {
        Reply::raw(format!("HTTP/1.1 200 OK {said}\r\n{said}\r\n\r\n{said}"))
    }),
];

const STATUSES: [u16; 10] = [401, 402, 403, 404, 405, 409, 413, 429, 500, 503];

/// A system, how it is let in, and what is done to it; the words of the target and the source.
struct Case {
    system: &'static str,
    variables: Vec<(&'static str, String)>,
    arguments: Vec<String>,
}

impl Case {
    fn run(&self, server: &Server) -> Run {
        // Where a redirect to another place is followed, it ends here.
        let run = Run::new(&self.arguments)
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .arg("--url")
            .arg(server.url())
            .mask(&server.url(), "URL");
        let variables = self.variables.iter();
        variables.fold(run, |run, (name, value)| run.env(name, value))
    }
}

/// Of a picture, with a password before its host and a signature behind its path.
fn address() -> String {
    format!("https://u:{URL_PASSWORD}@pictures.example/a.png?sig={SIGNATURE}")
}

fn cases(scratch: &Scratch) -> Vec<Case> {
    let picture = scratch.write("robot.png", &SECRETS.picture);
    let picture = picture.to_str().expect("a path of letters");
    let [token, basic] = logins("jira");
    let [chat, chat_password] = logins("rocketchat");
    let [hash, fleet_password] = logins("navixy");
    let [matrix_token, matrix_password] = logins("matrix");
    let address = address();
    let case = |system: &'static str, variables: &Vec<(&'static str, String)>, line: &str| Case {
        system,
        variables: variables.clone(),
        arguments: line
            .split(' ')
            .map(|word| {
                word.replace("PICTURE", picture)
                    .replace("ADDRESS", &address)
            })
            .collect(),
    };
    let netrc = |name: &str, login: &str, password: &str| {
        let quoted = password.replace('"', "\\\"");
        let text = format!("machine 127.0.0.1 login \"{login}\" password \"{quoted}\"\n");
        let path = scratch.write(name, text);
        vec![(
            "NETRC",
            path.to_str().expect("a path of letters").to_owned(),
        )]
    };
    let mut cases = Vec::new();
    for (system, variables, lines) in [
        (
            "jira",
            netrc("jira.netrc", "robot", PASSWORD),
            &["jira whoami"][..],
        ),
        (
            "jira",
            basic.clone(),
            &[
                "jira set --image PICTURE --dry-run",
                "jira delete --avatar-id 24901 --dry-run --force",
            ],
        ),
        (
            "rocketchat",
            [
                netrc("chat.netrc", USER_ID, AUTH_TOKEN),
                vec![("ROCKETCHAT_USER_ID", USER_ID.to_owned())],
            ]
            .concat(),
            &["rocketchat whoami"],
        ),
        (
            "rocketchat",
            chat.clone(),
            &[
                "rocketchat set --user build-bot --avatar-url=ADDRESS --dry-run",
                "rocketchat reset --user build-bot --force --dry-run",
            ],
        ),
        (
            "rocketchat",
            chat_password,
            &[
                "rocketchat whoami",
                "rocketchat set --user build-bot --avatar-url=ADDRESS",
                "rocketchat set --image PICTURE --dry-run",
                "rocketchat reset --user build-bot --force --dry-run",
            ],
        ),
        (
            "navixy",
            netrc("fleet.netrc", "bot@example.com", PASSWORD),
            &["navixy whoami"],
        ),
        (
            "navixy",
            hash.clone(),
            &["navixy set --employee-id 2132 --icon-id 7 --dry-run"],
        ),
        (
            "navixy",
            fleet_password,
            &[
                "navixy set --employee-id 2132 --icon-id 7",
                "navixy set --employee-id 2132 --image PICTURE --dry-run",
            ],
        ),
        (
            "matrix",
            netrc("matrix.netrc", "admin", PASSWORD),
            &["matrix whoami"],
        ),
        (
            "matrix",
            matrix_token,
            &[
                "matrix list",
                "matrix show --user robot --output /dev/null",
                "matrix set --image PICTURE",
                "matrix set --user robot --mxc mxc://a/b",
                "matrix reset --force --dry-run",
            ],
        ),
        (
            "matrix",
            matrix_password,
            &[
                "matrix set --mxc mxc://a/b",
                "matrix set --image PICTURE --dry-run",
            ],
        ),
    ] {
        for line in lines {
            cases.push(case(system, &variables, line));
        }
    }
    for variables in [token, basic] {
        for line in [
            "jira show",
            "jira show --output /dev/null",
            "jira list --user build-bot",
            "jira set --avatar-id 10123",
            "jira set --user build-bot --avatar-id 10123",
            "jira set --image PICTURE",
        ] {
            cases.push(case("jira", &variables, line));
        }
    }
    for line in [
        "rocketchat show",
        "rocketchat show --user build-bot",
        "rocketchat show --user retired-bot --output /dev/null",
        "rocketchat list",
        "rocketchat set --image PICTURE",
        "rocketchat set --user build-bot --avatar-url=ADDRESS",
    ] {
        cases.push(case("rocketchat", &chat, line));
    }
    for line in [
        "navixy show --employee-id 2132",
        "navixy show --employee-id 2133 --output /dev/null",
        "navixy list",
        "navixy set --employee-id 2132 --icon-id 7",
        "navixy set --employee-id 2132 --image PICTURE",
    ] {
        cases.push(case("navixy", &hash, line));
    }
    cases
}

/// All of them; the picture is drawn once, which for each run took a quarter of all their time.
static SECRETS: LazyLock<Secrets> = LazyLock::new(|| Secrets {
    token: TOKEN,
    password: PASSWORD,
    code: CODE,
    auth_token: AUTH_TOKEN,
    user_id: USER_ID,
    hash: HASH,
    picture: pictures::png(64, 64, 9),
    address: address(),
});

/// The model of the system with our secrets for its own, so that all goes well until the fault. What it gives for a login
/// becomes a secret that can be recognised, too.
fn model(system: &str) -> Handler {
    let (mut model, kept) = (systems::find(system).kept)(&SECRETS);
    let (given_as, mut own) = match system {
        "navixy" => (SESSION_HASH, None),
        _ if kept.session.starts_with('/') => (SESSION_TOKEN, None),
        // The session of the real server would be a number.
        _ => (COOKIE, Some(kept.session.to_owned())),
    };
    Box::new(move |request| {
        let mut request = request.clone();
        if let Some(own) = &own {
            for (_, value) in &mut request.headers {
                *value = value.replace(given_as, own);
            }
        }
        let mut reply = model(&request);
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        if let Some(given) = answer.pointer(kept.session).and_then(Value::as_str) {
            let text = String::from_utf8_lossy(&reply.body).replace(given, given_as);
            own = Some(given.to_owned());
            reply.body = text.into_bytes();
        } else if let Some(own) = &own {
            for (_, value) in &mut reply.headers {
                *value = value.replace(own, given_as);
            }
        }
        reply
    })
}

/// What lets in to each system: see [`Kept::logins`].
fn logins(system: &str) -> [Vec<(&'static str, String)>; 2] {
    let (_, kept) = (systems::find(system).kept)(&SECRETS);
    kept.logins.map(|login| {
        let owned = login.into_iter();
        owned
            .map(|(name, value)| (name, value.to_owned()))
            .collect()
    })
}

/// Runs a case against a server whose `nth` answer, and every later one, is the fault.
fn run(
    case: &Case,
    nth: usize,
    fault: &(impl Fn(&str, &Request) -> Reply + Clone + Send + 'static),
    more: &str,
) -> (Output, usize) {
    let (mut model, mut count, fault) = (model(case.system), 0, fault.clone());
    let mut server = Server::start(move |request| {
        count += 1;
        if count < nth {
            model(request)
        } else {
            fault(&echo(request), request)
        }
    });
    server.expect_anything();
    let output = case.run(&server).arg(more).once().output();
    let asked = server.requests().len();
    (output, asked)
}

/// Which secrets an output shows.
fn shown(output: &Output, all: &BTreeSet<String>) -> Vec<String> {
    let text = format!("{}\n{}", output.stdout, output.stderr);
    all.iter()
        .filter(|secret| text.contains(secret.as_str()))
        .cloned()
        .collect()
}

/// The fault meets each of the requests of each case in turn, with a trace of headers and with JSON Lines.
fn leaks(name: &str, fault: impl Fn(&str, &Request) -> Reply + Clone + Send + 'static) -> Tally {
    let mut tally = Tally::default();
    let (scratch, all) = (Scratch::new(), all());
    for case in cases(&scratch) {
        for nth in 1..=8 {
            let mut asked = 0;
            for more in ["-vv", "--json"] {
                let (output, requests) = run(&case, nth, &fault, more);
                asked = requests;
                tally.runs += 1;
                tally.failures += usize::from(output.status != 0);
                let heard = format!("{}{}", output.stdout, output.stderr).contains(CONTROL);
                tally.heard += usize::from(heard);
                if heard {
                    tally.heard_from.insert((case.system, more));
                }
                for secret in shown(&output, &all) {
                    let run = format!(
                        "{name}, answer {nth} of {:?} {more}\n{output:?}",
                        case.arguments
                    );
                    tally.leaks.entry(secret).or_insert(run);
                }
            }
            if asked < nth {
                break; // There are no more requests that could fail.
            }
        }
    }
    tally
}

#[derive(Default)]
struct Tally {
    runs: usize,
    failures: usize,
    heard: usize,
    heard_from: BTreeSet<(&'static str, &'static str)>,
    /// What was shown, with the first run that showed it.
    leaks: BTreeMap<String, String>,
}

impl Tally {
    fn add(mut self, other: Tally) -> Tally {
        self.runs += other.runs;
        self.failures += other.failures;
        self.heard += other.heard;
        self.heard_from.extend(other.heard_from);
        for (secret, run) in other.leaks {
            self.leaks.entry(secret).or_insert(run);
        }
        self
    }
}

#[test]
fn no_failure_shows_a_secret() {
    let tally = thread::scope(|scope| {
        let faults = FAULTS.map(|(name, fault)| scope.spawn(move || leaks(name, fault)));
        let statuses = STATUSES.map(|status| {
            let fault = move |said: &str, _: &Request| Reply::json(status, shapes(said));
            scope.spawn(move || leaks(&format!("status {status}"), fault))
        });
        let all = faults.into_iter().chain(statuses);
        all.map(|one| one.join().expect("no run panics"))
            .fold(Tally::default(), Tally::add)
    });
    // It was looked at what it is about: the servers' words came through, from every system in both kinds of output.
    assert_eq!(
        tally.heard_from.len(),
        2 * systems::ALL.len(),
        "{:?}",
        tally.heard_from
    );
    assert!(
        tally.failures * 3 > tally.runs * 2,
        "{} of {} runs failed",
        tally.failures,
        tally.runs
    );
    assert!(
        tally.heard * 4 > tally.runs,
        "{} of {} runs show the server's words",
        tally.heard,
        tally.runs
    );
    let leaks = tally
        .leaks
        .iter()
        .map(|(secret, run)| format!("{secret:?} is shown: {run}\n"));
    assert!(tally.leaks.is_empty(), "{}", leaks.collect::<String>());
}

/// Otherwise the faults would meet runs that had failed before, and half of the answers nobody.
#[test]
fn all_goes_well_until_the_fault() {
    let scratch = Scratch::new();
    for case in cases(&scratch) {
        let fault = |_: &str, _: &Request| Reply::empty(500);
        for more in ["-vv", "--json"] {
            let (output, _) = run(&case, usize::MAX, &fault, more);
            assert_eq!(output.status, 0, "{:?}: {output:?}", case.arguments);
            assert_eq!(shown(&output, &all()), Vec::<String>::new(), "{output:?}");
        }
    }
}

/// The archive of doctor keeps whole requests and answers, those of a login too, and those of what it tries.
#[test]
fn no_archive_holds_a_secret() {
    let case = |system: &'static System, variables| {
        let target = system.targets[0];
        let whom = match target {
            "--employee-id" => "2132",
            _ => "build-bot",
        };
        let line = format!("{} doctor --round-trip {target} {whom} --har", system.name);
        Case {
            system: system.name,
            variables,
            arguments: words(&line).map(str::to_owned).collect(),
        }
    };
    let cases: Vec<Case> = systems::ALL
        .into_iter()
        .flat_map(|system| logins(system.name).map(|login| case(system, login)))
        .collect();
    let all = all();
    let search = |(name, fault): (&str, Fault)| {
        let (scratch, mut heard) = (Scratch::new(), 0);
        let path = scratch.join("a.har");
        for case in &cases {
            for nth in [1, 2, 4, 7, 11, usize::MAX] {
                let path = path.to_str().expect("a path of letters");
                let mut arguments = case.arguments.clone();
                arguments.push(path.to_owned());
                let case = Case {
                    system: case.system,
                    variables: case.variables.clone(),
                    arguments,
                };
                let (output, _) = run(&case, nth, &fault, "--force");
                let text = scratch.read("a.har");
                let archive: Value = serde_json::from_str(&text).expect("JSON");
                let mut texts = vec![text, output.stdout, output.stderr];
                collect(&archive, &mut texts);
                heard += usize::from(texts.iter().any(|text| text.contains(CONTROL)));
                for secret in &all {
                    let found = texts.iter().find(|text| text.contains(secret.as_str()));
                    assert_eq!(found, None, "{name}, answer {nth} of {:?}", case.arguments);
                }
            }
        }
        heard
    };
    let heard: usize = thread::scope(|scope| {
        let search = &search;
        let faults = FAULTS.map(|fault| scope.spawn(move || search(fault)));
        let counts = faults
            .into_iter()
            .map(|one| one.join().expect("no secret is found"));
        counts.sum()
    });
    // What the servers say is there, without the secrets.
    assert!(heard > 200, "{heard} archives have the servers' words");
}

/// Every text inside of an archive, as a reader has it.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

/// A message is cut at its bound; a secret that lies across a bound must not leave its first half behind.
#[test]
fn no_half_of_a_secret_is_left_at_a_bound() {
    let case = Case {
        system: "jira",
        variables: vec![("JIRA_TOKEN", HASH.to_owned())],
        arguments: ["jira", "show"].map(str::to_owned).to_vec(),
    };
    let half = &HASH[..10];
    for (bound, blank) in [(300, "x"), (1200, " "), (1200, "\n "), (300, "\u{e9}")] {
        for back in 0..HASH.len() {
            let filling = blank.repeat((bound - back) / blank.chars().count());
            for reply in [
                Reply::text(400, "text/plain", format!("no{filling}{HASH}")),
                Reply::text(400, "text/plain", format!("{filling}{HASH}")),
                Reply::json(
                    400,
                    json!({"errorMessages": [format!("no{filling}{HASH}")]}),
                ),
            ] {
                let (output, _) = run(&case, 1, &move |_: &str, _: &Request| reply.clone(), "-q");
                assert_eq!(output.status, 76, "{output:?}");
                assert!(
                    !output.stderr.contains(half),
                    "{blank:?} {back}: {output:?}"
                );
            }
        }
    }
}

/// Puts `said` into every text of an answer but those that make it a good one and those that were asked for, and into
/// every key that is no part of it.
fn soil(value: &mut Value, key: &str, said: &str) {
    match value {
        Value::String(text) if !KEPT.contains(&key) => text.push_str(said),
        Value::Array(values) => {
            for value in values {
                soil(value, key, said);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                soil(value, key, said);
            }
            fields.insert(said.to_owned(), json!(said));
        }
        _ => {}
    }
}

/// What a login gives, and the words that an answer is told by.
const KEPT: [&str; 11] = [
    "status",
    "authToken",
    "userId",
    "access_token",
    "user_id",
    "hash",
    "_id",
    "id",
    "deploymentType",
    "type",
    "baseUrl",
];

/// A good answer with the request's secrets in every field, each field in one spelling.
fn soiled(mut reply: Reply, request: &Request, nth: usize) -> Reply {
    let spelt: Vec<String> = sent(request)
        .into_iter()
        .flat_map(|secret| spellings(&secret))
        .collect();
    let said = spelt
        .get(nth % spelt.len().max(1))
        .cloned()
        .unwrap_or_default();
    if let Ok(mut answer) = serde_json::from_slice::<Value>(&reply.body) {
        soil(&mut answer, "", &format!("{CONTROL}{said}"));
        reply.body = answer.to_string().into_bytes();
    }
    reply
}

/// The secrets that a request carries, each alone.
fn sent(request: &Request) -> BTreeSet<String> {
    let mut sent = BTreeSet::new();
    for name in ["authorization", "x-auth-token", "cookie"] {
        let value = request.header(name).unwrap_or_default();
        sent.extend(
            value
                .split([' ', ';', '='])
                .map(str::to_owned)
                .filter(|word| word.len() > 8),
        );
        let pair = value.strip_prefix("Basic ").and_then(encoding::from_base64);
        let pair = String::from_utf8(pair.unwrap_or_default()).unwrap_or_default();
        sent.extend(
            pair.split_once(':')
                .map(|(_, password)| password.to_owned()),
        );
        sent.insert(pair);
    }
    let fields = request.try_json().unwrap_or_default();
    sent.extend(fields["password"].as_str().map(str::to_owned));
    sent.retain(|text| text.chars().count() >= 12);
    sent
}

/// A server that answers as it should and repeats the credential in every field: names, versions, etags, origins, file
/// names, addresses and keys, in every spelling in turn.
#[test]
fn no_good_answer_shows_a_secret() {
    let (scratch, all) = (Scratch::new(), all());
    let turn = |turn: usize| {
        let mut heard = BTreeSet::new();
        for case in cases(&scratch) {
            for more in ["-vv", "--json"] {
                let (mut model, mut count) = (model(case.system), turn);
                let mut server = Server::start(move |request| {
                    count += 1;
                    soiled(model(request), request, count)
                });
                server.expect_anything();
                let output = case.run(&server).arg(more).once().output();
                if output.stdout.contains(CONTROL) {
                    heard.insert((case.system.to_owned(), more));
                }
                let leaks = shown(&output, &all);
                assert_eq!(
                    leaks,
                    Vec::<String>::new(),
                    "{:?} {output:?}",
                    case.arguments
                );
            }
        }
        heard
    };
    let heard: BTreeSet<_> = thread::scope(|scope| {
        let turns: Vec<_> = (0..8).map(|n| scope.spawn(move || turn(7 * n))).collect();
        let heard = turns
            .into_iter()
            .map(|one| one.join().expect("no turn fails"));
        heard.flatten().collect()
    });
    assert_eq!(heard.len(), 2 * systems::ALL.len(), "{heard:?}");
}

/// The same of a batch, with everything that it writes.
#[test]
fn no_file_of_a_batch_holds_a_secret() {
    let (scratch, all) = (Scratch::new(), all());
    scratch.write("robot.png", pictures::png(64, 64, 1));
    for system in systems::names() {
        let account = match system {
            "navixy" => "\"employee_id\": 2132, \"image\": \"robot.png\"",
            "rocketchat" => "\"user\": \"build-bot\", \"avatar_url\": \"ADDRESS\"",
            _ => "\"user\": \"build-bot\", \"image\": \"robot.png\"",
        };
        let [login, _] = logins(system);
        let account = account.replace("ADDRESS", &address());
        for turn in [0, 9, 18] {
            let (mut model, mut count) = (model(system), turn);
            let mut server = Server::start(move |request| {
                count += 1;
                let mut reply = soiled(model(request), request, count);
                // A part of the address that was asked for, in place of the etag.
                if let Ok(mut answer) = serde_json::from_slice::<Value>(&reply.body)
                    && let Some(user) = answer["user"].as_object_mut()
                {
                    user.insert("avatarETag".into(), json!(format!("{SIGNATURE}{count}")));
                    reply.body = answer.to_string().into_bytes();
                }
                reply
            });
            server.expect_anything();
            scratch.write("m.json", format!(
                "{{\"servers\": {{\"s\": {{\"system\": \"{system}\", \"url\": \"{}\"}}}}, \"accounts\": [{{\"server\": \"s\", {account}}}]}}",
                server.url()
            ));
            for line in [
                "diff m.json",
                "apply m.json",
                "diff m.json --json",
                "apply m.json --force -vv",
            ] {
                let run = Run::new(line.split(' ').chain([
                    "--junit",
                    "out.xml",
                    "--html",
                    "out.html",
                    "--retries",
                    "0",
                ]))
                .dir(scratch.path());
                let login = login.iter();
                let output = login
                    .fold(run, |run, (name, value)| run.env(name, value))
                    .output();
                let mut files = output.clone();
                for name in ["out.xml", "out.html", "m.json.state"] {
                    files.stdout +=
                        &std::fs::read_to_string(scratch.join(name)).unwrap_or_default();
                }
                assert_eq!(
                    shown(&files, &all),
                    Vec::<String>::new(),
                    "{system} {line} {files:?}"
                );
            }
            let _ = std::fs::remove_file(scratch.join("m.json.state"));
        }
    }
}

/// What is shown in place of a credential that stands in a good answer, and what is not mistaken for one.
#[test]
fn a_credential_in_a_good_answer_is_left_out_of_it() {
    let run = |line: &str, jira: &Running<Jira>| {
        let run = Run::new(line.split(' ')).arg("--url").arg(jira.url());
        run.mask(&jira.url(), "URL")
            .env("JIRA_USER", "jira-avatar-bot")
    };
    let jira_of = |password: &str| {
        let mut jira = Jira::default();
        let mut user = crate::support::jira::User::new("jira-avatar-bot", "JIRAUSER10900", "Bot");
        user.password = Some(password.to_owned());
        user.admin = true;
        jira.users.push(user);
        jira.version = format!("9 {password}");
        jira.start()
    };
    let jira = jira_of("correct horse battery");
    run("jira whoami", &jira)
        .env("JIRA_PASSWORD", "correct horse battery")
        .gives(
            0,
            "jira: jira-avatar-bot, may change others, Jira 9 (redacted) (Server) at URL\n",
            "",
        );
    // A password that is the name itself blots out neither, and one that may be a word no word.
    let jira = jira_of("jira-avatar-bot");
    run("jira whoami", &jira)
        .env("JIRA_PASSWORD", "jira-avatar-bot")
        .gives(
            0,
            "jira: jira-avatar-bot, may change others, Jira 9 jira-avatar-bot (Server) at URL\n",
            "",
        );
    let jira = jira_of("robot");
    run("jira show --user robot", &jira)
        .env("JIRA_PASSWORD", "robot")
        .gives(0, "jira robot: avatar 10122 (system)\n", "");
    // A name that was cut is not sent back.
    let jira = jira_of("correct horse battery");
    jira.fault(
        crate::support::Fault::on("GET /myself")
            .always()
            .instead(Reply::json(200, json!({"name": "correct horse battery"}))),
    );
    run("jira show", &jira).env("JIRA_PASSWORD", "correct horse battery").gives(
        76,
        "",
        "avatarctl: jira: look up the avatars of \"(redacted)\": the server answered with the credential where a name or an id belongs\n",
    );
}

/// An etag that holds the credential is kept as what is left of it, and found again.
#[test]
fn a_state_holds_no_credential_and_diff_still_works() {
    let (scratch, count) = (
        Scratch::new(),
        std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0)),
    );
    scratch.write("robot.png", pictures::png(64, 64, 1));
    let (mut model, written) = (model("rocketchat"), std::sync::Arc::clone(&count));
    let mut server = Server::start(move |request| {
        if request.method == "POST" {
            written.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        let mut reply = model(request);
        if let Ok(mut answer) = serde_json::from_slice::<Value>(&reply.body)
            && let Some(user) = answer["user"].as_object_mut()
        {
            let writes = written.load(std::sync::atomic::Ordering::SeqCst);
            user.insert("avatarETag".into(), json!(format!("{writes}-{AUTH_TOKEN}")));
            reply.body = answer.to_string().into_bytes();
        }
        reply
    });
    server.expect_anything();
    let account = r#"{"server": "s", "user": "build-bot", "image": "robot.png"}"#;
    scratch.write(
        "m.json",
        format!(
            r#"{{"servers": {{"s": {{"system": "rocketchat", "url": "{}"}}}}, "accounts": [{account}]}}"#,
            server.url()
        ),
    );
    let run = |line: &str| {
        let run = Run::new(line.split(' ')).dir(scratch.path());
        run.env("ROCKETCHAT_USER_ID", USER_ID)
            .env("ROCKETCHAT_AUTH_TOKEN", AUTH_TOKEN)
    };
    assert_eq!(run("apply m.json").output().status, 0);
    let state: Value = serde_json::from_str(&scratch.read("m.json.state")).expect("a line");
    assert_eq!(state["fingerprint"], "1-(redacted)");
    run("diff m.json").gives(0, "0 to change, 1 the same\n", "");
    count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(run("diff m.json").output().status, 2);
}

#[test]
fn every_system_is_put_to_the_test() {
    let cases = cases(&Scratch::new());
    let tested: BTreeSet<_> = cases.iter().map(|case| case.system).collect();
    assert_eq!(tested, BTreeSet::from(systems::names()));
}

/// Logins that are almost one: what they give is as secret as what a good one gives.
#[test]
fn no_login_that_is_none_shows_what_it_gave() {
    let scratch = Scratch::new();
    let logs_in = |name: &str| name.ends_with("_PASSWORD");
    let cases = cases(&scratch).into_iter().filter(|case| {
        let variables = &case.variables;
        case.system != "jira" && variables.iter().any(|(name, _)| logs_in(name))
    });
    let fleet = |more: serde_json::Value| {
        let mut answer = json!({"success": true, "hash": SESSION_HASH});
        let more = more.as_object().expect("an object").clone();
        answer.as_object_mut().expect("an object").extend(more);
        answer
    };
    let chat = |token: &str| {
        let data = json!({"userId": USER_ID, "authToken": token});
        json!({"status": "success", "data": data})
    };
    let bodies = [
        chat(&format!("{SESSION_TOKEN}\r\nx: {SESSION_TOKEN}")),
        chat(&format!("{SESSION_TOKEN}\u{e9}")),
        json!({"success": true, "data": {"authToken": SESSION_TOKEN}}),
        json!({"success": true, "data": SESSION_TOKEN}),
        json!({"data": {"userId": USER_ID, "authToken": SESSION_TOKEN}}),
        fleet(json!({"type": "second_factor_required", "factor_type": "email"})),
        fleet(json!({"type": "something_new"})),
        fleet(json!({"hash": format!("{SESSION_HASH}\n")})),
        fleet(json!({"hash": [SESSION_HASH]})),
        fleet(json!({"success": "true"})),
    ];
    let mut runs = 0;
    for case in cases {
        for body in &bodies {
            for more in ["-vv", "--json"] {
                let body = body.clone();
                let fault = move |_: &str, _: &Request| Reply::json(200, body.clone());
                let (output, asked) = run(&case, 1, &fault, more);
                assert!(matches!(output.status, 76 | 77), "{output:?}");
                assert_eq!(asked, 1, "{output:?}");
                assert_eq!(shown(&output, &all()), Vec::<String>::new(), "{output:?}");
                runs += 1;
            }
        }
    }
    assert_eq!(runs, 8 * bodies.len() * 2);
}

/// Messages before anything is sent: what is wrong about a secret is said without the secret.
#[test]
fn no_refusal_of_a_secret_shows_it() {
    let mut quiet: Running<Jira> = Jira::start();
    quiet.expect_no_calls();
    let broken = |secret: &str| format!("{secret}\n{secret}");
    for (system, login) in systems::logins() {
        for more in ["-vv", "--json"] {
            let run = Run::new([system.name, "list", more, "--url", &quiet.url()]);
            let output = login
                .iter()
                .fold(run, |run, (name, _)| run.env(name, broken(TOKEN)))
                .output();
            let (secret, _) = login.last().expect("a secret");
            assert_eq!(output.status, 78, "{output:?}");
            assert!(output.stderr.contains(secret), "{output:?}");
            assert_eq!(shown(&output, &all()), Vec::<String>::new(), "{output:?}");
        }
    }
}

/// The search finds what it looks for, in each of the places where it looks.
#[test]
fn a_secret_that_is_shown_is_found() {
    let all = all();
    for secret in &all {
        for (stdout, stderr) in [
            (format!("a {secret} b"), String::new()),
            (String::new(), format!("a{secret}b")),
        ] {
            let output = Output {
                status: 0,
                stdout,
                stderr,
            };
            assert!(shown(&output, &all).contains(secret), "{secret}");
        }
    }
    let output = Output {
        status: 0,
        stdout: CONTROL.into(),
        stderr: "(redacted)".into(),
    };
    assert!(shown(&output, &all).is_empty());
}
