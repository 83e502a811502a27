//! Rocket.Chat: the avatar calls of its REST API, as request builders, answer readers and the order they are
//! made in. A refused picture costs the account the one it has, so nothing unsound is sent.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Avatar, Change, Credentials, Crop, Example, Identity, Login, Proof, Row, Seen, Server, Session,
    Source, System, Target, TargetKind, foreign, is_sendable,
};
use crate::error::{Class, Error, Result};
use crate::http::curl::Step;
use crate::http::multipart::Form;
use crate::http::{self, ALWAYS, Body, Call, Client, Method, NEVER, ONCE, Request, Response};
use crate::number::digits;
use crate::picture::Picture;
use crate::secret::Secret;
use crate::settings::address::encode;
use crate::terminal::{MESSAGE, clean, quote};

pub static SYSTEM: System = System {
    name: "rocketchat",
    title: "Rocket.Chat",
    prefix: "ROCKETCHAT",
    targets: &[
        TargetKind {
            flag: "--user",
            value: "NAME",
            about: "the user's login name",
            key: "user",
            number: false,
            any_case: true,
            noun: "user",
        },
        TargetKind {
            flag: "--user-id",
            value: "ID",
            about: "the user's id",
            key: "user_id",
            number: false,
            any_case: false,
            noun: "user id",
        },
    ],
    caller: true,
    sources: &[Source::Picture, Source::Address, Source::Generated],
    logins: &[
        Login {
            variables: &["USER_ID", "AUTH_TOKEN"],
            also: None,
            netrc: true,
        },
        Login {
            variables: &["USER", "PASSWORD"],
            also: Some("2FA_CODE"),
            netrc: false,
        },
    ],
    example: Example {
        url: "https://chat.example.com",
        accounts: &[
            r#""user": "build-bot", "avatar_url": "https://example.com/build-bot.png""#,
            r#""user": "retired-bot", "reset": true"#,
        ],
    },
    missing: &[("delete", "an account has one avatar; set replaces it")],
    // The server writes the etag to the account half a second after it has answered. Each look costs one of
    // ten calls a minute.
    read_back: &[
        Duration::from_millis(600),
        Duration::from_secs(1),
        Duration::from_secs(2),
    ],
    picture,
    crop: Crop::centred,
    open,
    observe,
    wears,
    observe_many: None,
    write,
    restore: None,
    delete: None,
    dry_run,
    whoami,
    list,
    list_takes_target: false,
    loses_on_refusal: true,
    recognizes,
    format_fingerprint,
    describe,
    help: include_str!("rocketchat.txt"),
};

// --- calls ---

static INFO: Call = Call::new(Method::Get, "api/v1/users.info", ALWAYS);
static ME: Call = Call::new(Method::Get, "api/v1/me", ALWAYS);
static SUGGESTIONS: Call = Call::new(Method::Get, "api/v1/users.getAvatarSuggestion", ALWAYS);
/// The last one wins.
static SET: Call = Call::new(Method::Post, "api/v1/users.setAvatar", ALWAYS);

/// Resets what is reset.
static RESET: Call = Call::new(Method::Post, "api/v1/users.resetAvatar", ALWAYS);

/// Ten refused ones block the user.
static LOGIN: Call = Call::new(Method::Post, "api/v1/login", ONCE);
static LOGOUT: Call = Call::new(Method::Post, "api/v1/logout", ONCE);
static SERVER: Call = Call::new(Method::Get, "api/info", ALWAYS);
/// What it tells is worth one try.
static PICTURE: Call = Call::new(Method::Head, "avatar", NEVER);

fn request(call: &'static Call, operation: String) -> Request {
    Request::new(call, operation).header("accept", "application/json")
}

/// The limiter says how long in a sentence only, and some versions say it with a 400.
fn busy(response: &Response) -> Option<Duration> {
    if response.status != 429 && !(response.status == 400 && response.mentions("too many requests"))
    {
        return http::busy(response);
    }
    let text = reason(response).text;
    let seconds = text
        .split_once("wait ")
        .and_then(|(_, rest)| digits(rest.split(' ').next()?));
    // A window is a minute; whoever says nothing at all is given that.
    let silent = response
        .header("retry-after")
        .or(response.header("x-ratelimit-reset"))
        .is_none();
    Some(Duration::from_secs(match seconds {
        Some(seconds) => seconds,
        None if silent && response.mentions("success") => 60,
        None => 0,
    }))
}

// --- reading ---

/// What every answer may say; all of it optional: failures have several shapes, and `error` may be a number.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    success: Option<Value>,
    status: Option<Value>,
    error: Option<Value>,
    error_type: Option<Value>,
    message: Option<Value>,
}

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct LoggedIn {
    data: Tokens,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    user_id: String,
    auth_token: String,
}

#[derive(Deserialize)]
struct About {
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    #[serde(rename = "_id")]
    id: String,
    username: Option<String>,
    #[serde(rename = "avatarETag")]
    avatar_etag: Option<String>,
    avatar_origin: Option<String>,
    /// A list of names; of another shape it tells nothing.
    roles: Option<Value>,
}

#[derive(Deserialize)]
struct Info {
    user: User,
}

#[derive(Deserialize)]
struct Suggestions {
    suggestions: Value,
}

/// Why a call failed: a code where the server gives one, and its words.
struct Reason {
    code: String,
    text: String,
}

/// The code is in `errorType`, else in the last brackets of `error`, else the text itself is compared.
fn reason(response: &Response) -> Reason {
    let Ok(answer) = response.json::<Answer>() else {
        let text = response.plain().unwrap_or_default();
        return Reason {
            code: text.clone(),
            text,
        };
    };
    let text_of = |value: Option<Value>| match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let error = text_of(answer.error).unwrap_or_default();
    let (text, bracketed) = match error
        .strip_suffix(']')
        .and_then(|rest| rest.rsplit_once('['))
    {
        Some((text, code)) => (text.trim_end().to_owned(), Some(code.to_owned())),
        None => (error, None),
    };
    let message = text_of(answer.message);
    let code = text_of(answer.error_type)
        .or(bracketed)
        .or_else(|| (!text.is_empty()).then(|| text.clone()))
        .or_else(|| message.clone())
        .unwrap_or_default();
    let text = match (text.is_empty(), message) {
        (_, Some(message)) => message,
        (true, None) => code.clone(),
        (false, None) => text,
    };
    Reason { code, text }
}

/// Whether an answer is one of this system's: a refusal, or the page that its web server gives for any path.
fn recognizes(response: &Response) -> bool {
    let Ok(answer) = response.json::<Answer>() else {
        return response.is_html() && response.contains("meteor_runtime_config");
    };
    let says = |said: &Option<Value>| {
        let text = said.as_ref().and_then(Value::as_str);
        matches!(text, Some(LOGGED_OUT | "Resource not found"))
    };
    let coded = answer.error_type.is_some_and(|code| code.is_string());
    let refused = answer.success == Some(json!(false)) && coded;
    refused || says(&answer.error) || says(&answer.message)
}

const LOGGED_OUT: &str = "You must be logged in to do this.";

/// Sends a request; its answer has a good status, whatever it says.
fn send(session: &mut Session, request: &Request) -> Result<Response> {
    let response = session.client.send(request)?;
    if let Some(redirect) = session.client.redirect(request, &response) {
        return Err(redirect);
    }
    match response.success() {
        true => Ok(response),
        false => {
            let error = refusal(session, request, &response);
            Err(foreign(&SYSTEM, request, &response, error))
        }
    }
}

/// Sends a request and reads what a success carries. Only an object that says `success` with the boolean
/// true is one.
fn ask<T: serde::de::DeserializeOwned>(session: &mut Session, request: &Request) -> Result<T> {
    let response = send(session, request)?;
    let strange = |what: &str| {
        let error = session.strange(request, &response, what);
        let error = match response.is_html() {
            true => error.hint("a login page or a proxy stands before Rocket.Chat"),
            false => error,
        };
        foreign(&SYSTEM, request, &response, error)
    };
    let refused = || {
        let error = refusal(session, request, &response);
        foreign(&SYSTEM, request, &response, error)
    };
    let outcome: Answer = response.json().map_err(strange)?;
    match outcome.success {
        Some(Value::Bool(true)) => {}
        // A login has its own word for it.
        None if is_login(request) && outcome.status == Some(json!("success")) => {}
        Some(Value::Bool(false)) => return Err(refused()),
        _ if outcome.status == Some(json!("error")) => return Err(refused()),
        _ => return Err(strange("no \"success\": true")),
    }
    response.json().map_err(strange)
}

fn is_login(request: &Request) -> bool {
    std::ptr::eq(request.call, &LOGIN)
}

fn refusal(session: &Session, request: &Request, response: &Response) -> Error {
    let Reason { code, text } = reason(response);
    let error = |class, what: &str| {
        let said = (!text.is_empty()).then(|| text.clone());
        session.refused(request, response, class, what, said)
    };
    let plainly = |class, what: &str| session.refused(request, response, class, what, None);
    let login = is_login(request);
    // What lies behind an address is judged when the old picture is gone already; a form before that.
    let fetched = matches!(request.body, Body::Json(_));
    let error = match (response.status, code.as_str()) {
        // Some versions answer 400 with the text of a 429.
        (429, _) => error(Class::Temporary, "too many requests"),
        (200..=400, _) if text.contains("too many requests") => error(Class::Temporary, "too many requests"),
        (_, SECOND_FACTOR) => error(Class::Credentials, "a second factor is asked for").hint(match login {
            true => "set ROCKETCHAT_2FA_CODE to the code of the authenticator or the e-mail, or use a personal access token",
            false => "use a personal access token",
        }),
        (_, "totp-invalid" | "totp-max-attempts") => error(Class::Credentials, "the second factor was refused"),
        (401 | 403, _) | (_, "Unauthorized") if login => error(Class::Credentials, "refused")
            .hint("check ROCKETCHAT_USER and ROCKETCHAT_PASSWORD before the next run: ten refused logins block the account for a while"),
        (401, _) | (_, "Unauthorized" | LOGGED_OUT) => error(Class::Credentials, "not logged in").hint(match session.token {
            true => "check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN belong together",
            false => "the login of this run was ended by somebody else; run again",
        }),
        (403, _) | (_, "unauthorized" | "error-unauthorized" | "error-not-allowed" | "error-action-not-allowed") => error(Class::Credentials, "not permitted")
            .hint("another's avatar takes the permission edit-other-user-avatar; one's own takes the setting Accounts_AllowUserAvatarChange"),
        // The second is the whole of what a look says.
        (_, "error-invalid-user" | "User not found.") => error(Class::Target, "no such user"),
        (_, "error-file-too-large") if fetched => plainly(Class::Data, "the picture at this address is larger than the server takes, and the account has lost the avatar it had"),
        (413, _) | (_, "error-file-too-large") => plainly(Class::Data, "the picture is larger than the server or a proxy in front of it takes"),
        (_, "error-invalid-file-type") => error(Class::Data, "the server refused the type, and the account has lost the avatar it had"),
        (_, "error-avatar-invalid-url") => error(Class::Data, "the server cannot fetch this address")
            .hint("upload the picture with --image; addresses of a private network are refused unless SSRF_Allowlist names them"),
        (_, "error-avatar-url-handling") => error(Class::Data, "the server could not fetch this address")
            .hint("give the final address of a picture, or upload it with --image"),
        (200..=400, _) if code == "ufs: cannot upload file" || undecodable(&text) => error(Class::Data, "the server cannot decode the picture, and the account has lost the avatar it had"),
        (404 | 405, _) => plainly(Class::Protocol, "there is no Rocket.Chat at this address")
            .hint("the base URL may lack its path, as in https://host/chat"),
        (500.., _) => error(Class::Temporary, &format!("the server failed with {}", response.status)),
        (status, _) => error(Class::Protocol, &format!("answered {status}")),
    };
    Error {
        code: Some(code),
        ..error
    }
}

/// Asks for the code of a second factor.
const SECOND_FACTOR: &str = "totp-required";

/// From older servers the image library's own words come as a bare `error` without any code.
fn undecodable(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "unsupported image",
        "corrupt",
        "input buffer",
        "input file",
        "premature end",
        "vips",
    ]
    .iter()
    .any(|words| text.contains(words))
}

// --- the session ---

fn open(mut client: Client, credentials: &Credentials) -> Result<Session> {
    client.set_busy_check(busy);
    let mut session = Session::new(client);
    let (id, token) = match credentials.get("PASSWORD") {
        Some(password) => {
            let tokens = login(&mut session, credentials, password)?;
            session.logout = Some(logout);
            tokens
        }
        None => {
            session.token = true;
            let header = |name| credentials.header(name).cloned();
            (header("USER_ID")?, header("AUTH_TOKEN")?)
        }
    };
    let curl = |header, name| format!("-H \"{header}: {}\"", credentials.shell(name));
    let client = &mut session.client;
    client.identify("x-user-id", id, curl("x-user-id", "USER_ID"));
    client.authorize("x-auth-token", token, curl("x-auth-token", "AUTH_TOKEN"));
    Ok(session)
}

/// The id and the token that a name and a password give. A code is sent where one was asked for, and not before:
/// some directories take a login with a code for another kind of login.
fn login(
    session: &mut Session,
    credentials: &Credentials,
    password: &Secret,
) -> Result<(Secret, Secret)> {
    let user = credentials.get("USER").map_or("", Secret::expose);
    session.client.hide_password(user, password.expose());
    let mut fields = BTreeMap::from([("user", user), ("password", password.expose())]);
    let attempt = |fields: &BTreeMap<&str, &str>| {
        request(&LOGIN, format!("log in as {}", quote(user)))
            .body(Body::Json(json!(fields).to_string()))
    };
    let mut last = attempt(&fields);
    let answered = match (ask::<LoggedIn>(session, &last), credentials.also()) {
        (Err(error), Some(code)) if error.code.as_deref() == Some(SECOND_FACTOR) => {
            session.client.redact(code);
            fields.insert("code", code.expose());
            last = attempt(&fields);
            ask(session, &last)
        }
        (answered, _) => answered,
    };
    let Tokens {
        user_id,
        auth_token,
    } = answered?.data;
    match is_sendable(&user_id) && is_sendable(&auth_token) {
        true => Ok((Secret::new(user_id), Secret::new(auth_token))),
        false => Err(last.failed(Class::Protocol, "a login without a usable id and token")),
    }
}

/// Ends the login of this run: with a token that was given, this would delete the token. Newer servers say
/// nothing when it is done.
fn logout(session: &mut Session) -> Result<()> {
    match send(session, &request(&LOGOUT, "log out".into())) {
        // Who is not logged in is logged out.
        Err(error) if error.status == Some(401) => Ok(()),
        other => other.map(drop),
    }
}

fn whoami(session: &mut Session) -> Result<Identity> {
    let caller = caller(session)?;
    let asked = request(&SERVER, "ask what server this is".into());
    let response = session.client.send(&asked)?;
    // Any other answer tells nothing.
    let about = response.success().then(|| response.json::<About>().ok());
    let roles = caller.roles.as_ref().and_then(Value::as_array);
    let admin = roles.is_some_and(|roles| roles.contains(&json!("admin")));
    Ok(Identity {
        name: Some(caller.username.unwrap_or(caller.id)),
        server: Server {
            version: about.flatten().and_then(|about| about.version),
            deployment: None,
        },
        // Administrators have the permission as installed; to whom else it was given, nobody is told.
        may_change_others: admin.then_some(true),
    })
}

fn caller(session: &mut Session) -> Result<User> {
    ask(session, &request(&ME, "ask who the caller is".into()))
}

fn observe(session: &mut Session, target: &Target) -> Result<Seen> {
    let about = |name: &str| format!("look up {}", quote(name));
    let user: User = match (target.by("--user"), target.by("--user-id")) {
        (Some(name), _) => {
            let request = request(&INFO, about(name)).query("username", name);
            ask::<Info>(session, &request)?.user
        }
        (None, Some(id)) => {
            let request = request(&INFO, about(id)).query("userId", id);
            ask::<Info>(session, &request)?.user
        }
        (None, None) => caller(session)?,
    };
    let account = match target.name() {
        Some(name) => name.to_owned(),
        None => user.username.clone().unwrap_or_else(|| user.id.clone()),
    };
    let etag = user.avatar_etag.filter(|etag| !etag.is_empty());
    let name = user.username.as_deref().filter(|name| !name.is_empty());
    let lost = etag.is_some() && name.is_some_and(|name| letter_shows(session, name));
    let (fingerprint, details) = match lost {
        true => (None, vec![(LOST_ETAG, json!(etag))]),
        false => {
            let origin = user.avatar_origin.map(|origin| ("origin", json!(origin)));
            (etag, origin.into_iter().collect())
        }
    };
    Ok(Seen {
        account,
        id: Some(user.id),
        fingerprint,
        offers: Vec::new(),
        details,
    })
}

/// An etag that stands for no picture any more.
const LOST_ETAG: &str = "lost_etag";

/// What the letter picture says of its age, on every server.
const LETTER_TIME: &str = "Thu, 01 Jan 2015 00:00:00 GMT";

/// Whether the generated letter is what is shown of a user. An etag does not tell: the server deletes the old
/// picture before it judges the new one, and a refusal leaves the etag of the old one. Whatever is not that letter
/// tells nothing (a store's address, another provider's picture, the letter that a caller gets who may not look),
/// and neither does a failure.
fn letter_shows(session: &mut Session, username: &str) -> bool {
    let client = &session.client;
    let (Some(id), Some(token), true) = (
        client.credential("x-user-id"),
        client.credential("x-auth-token"),
        // No server gives a name a control character, and no path carries one.
        session.pictures_answer && !username.contains(char::is_control),
    ) else {
        return false;
    };
    let (id, token) = (encode(id.expose()), encode(token.expose()));
    let operation = format!("look at the picture of {}", quote(username));
    let request = Request::new(&PICTURE, operation)
        .item(username)
        .header("accept", "image/*")
        // What lies between may have kept the picture of before.
        .header("cache-control", "no-cache")
        .secret(
            "cookie",
            Secret::new(format!("rc_uid={id}; rc_token={token}")),
        );
    let Ok(response) = session.client.send(&request) else {
        session.pictures_answer = false;
        return false;
    };
    let kind = response.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    response.status == 200
        && kind.eq_ignore_ascii_case("image/svg+xml")
        && response.header("last-modified") == Some(LETTER_TIME)
}

/// The etag that stands in the account, whether or not there is still a picture.
fn etag(seen: &Seen) -> Option<&str> {
    let lost = || {
        let mut details = seen.details.iter();
        details.find_map(|(key, etag)| (*key == LOST_ETAG).then(|| etag.as_str())?)
    };
    seen.fingerprint.as_deref().or_else(lost)
}

fn list(session: &mut Session, _: &Target) -> Result<Vec<Row>> {
    let request = request(&SUGGESTIONS, "ask for suggestions".into());
    let found: Suggestions = ask(session, &request)?;
    // An empty set may come as an empty text.
    let Value::Object(services) = found.suggestions else {
        return Ok(Vec::new());
    };
    Ok(services
        .into_iter()
        .map(|(service, suggestion)| Row {
            kind: "suggestion",
            cells: vec![
                ("service", json!(service)),
                ("url", suggestion.get("url").cloned().unwrap_or(Value::Null)),
            ],
            more: Vec::new(),
        })
        .collect())
}

fn format_fingerprint(fingerprint: &str) -> String {
    let start: String = fingerprint.chars().take(3).collect();
    match start.len() < fingerprint.len() {
        true => format!("etag {}…", clean(&start, 12)),
        false => format!("etag {}", clean(&start, 12)),
    }
}

fn describe(seen: &Seen) -> String {
    let Some(etag) = &seen.fingerprint else {
        let lost = etag(seen).map_or(String::new(), |etag| {
            format!("; the server lost the picture of etag {etag}")
        });
        return clean(
            &format!("no avatar, the generated letter shows{lost}"),
            MESSAGE,
        );
    };
    let origin = seen.details.iter().find_map(|(_, origin)| origin.as_str());
    let origin = origin.map_or(String::new(), |origin| format!(", origin {origin}"));
    clean(&format!("etag {etag}{origin}"), MESSAGE)
}

fn wears(avatar: &Avatar, fingerprint: Option<&str>) -> Option<bool> {
    match avatar {
        Avatar::Generated => Some(fingerprint.is_none()),
        _ => None,
    }
}

// --- writing ---

/// Whose avatar a write is about: the server's own id wherever a target was named and looked up, because a
/// lost target would change the caller's own.
fn subject(target: &Target, seen: Option<&Seen>) -> Option<(&'static str, String)> {
    match (target, seen.and_then(|seen| seen.id.as_ref())) {
        (Target::Caller, _) => None,
        (_, Some(id)) => Some(("userId", id.clone())),
        (Target::Named { kind, value }, None) => {
            let field = if kind.flag == "--user" {
                "username"
            } else {
                "userId"
            };
            Some((field, value.clone()))
        }
    }
}

fn write(
    session: &mut Session,
    target: &Target,
    avatar: &Avatar,
    seen: Option<&Seen>,
) -> Result<Proof> {
    let request = writing(session, target, avatar, seen)?;
    ask::<Nothing>(session, &request)?;
    Ok(match avatar {
        Avatar::Generated => Proof::Wears,
        _ => Proof::Other(seen.and_then(etag).map(str::to_owned)),
    })
}

fn dry_run(
    session: &mut Session,
    target: &Target,
    change: &Change,
    seen: Option<&Seen>,
) -> Result<Vec<Step>> {
    let Change::Wear(avatar) = change else {
        unreachable!("this system deletes nothing");
    };
    let mut step = Step::new(writing(session, target, avatar, seen)?);
    let mut vary = |text: &str, name| {
        // As it stands in the body, between its quotes.
        let text = json!(text).to_string();
        let known = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        step.variables
            .extend(known.map(|known| (known.to_owned(), name)));
    };
    match (avatar, target, seen.and_then(|seen| seen.id.as_deref())) {
        // User info and query may be secrets.
        (Avatar::Address(address), ..) if address.contains(['@', '?', '#']) => {
            vary(address, "AVATAR_URL");
        }
        // Half of the caller's credentials; one that is as short as the key might be found in it.
        (Avatar::Generated, Target::Caller, Some(id)) if id.len() > "userId".len() => {
            vary(id, "ROCKETCHAT_USER_ID");
        }
        _ => {}
    }
    Ok(vec![step])
}

/// The one call that changes an avatar.
fn writing(
    session: &mut Session,
    target: &Target,
    avatar: &Avatar,
    seen: Option<&Seen>,
) -> Result<Request> {
    let subject = subject(target, seen);
    Ok(match avatar {
        Avatar::Picture(picture) => {
            let operation = format!("upload {}", quote(&picture.name));
            let request = request(&SET, operation);
            let body = form(subject, picture).map_err(|error| request.unreadable(error))?;
            request.body(body)
        }
        Avatar::Address(address) => {
            let mut fields = BTreeMap::from([("avatarUrl", address.clone())]);
            fields.extend(subject);
            request(&SET, "set the avatar from its address".into())
                .body(Body::Json(json!(fields).to_string()))
        }
        Avatar::Generated => {
            // Unlike the other calls this one wants the caller named, too.
            let id = match (&subject, seen.and_then(|seen| seen.id.clone())) {
                (None, Some(id)) => Some(("userId", id)),
                (None, None) => observe(session, target)?.id.map(|id| ("userId", id)),
                _ => subject,
            };
            let fields: BTreeMap<_, _> = id.into_iter().collect();
            request(&RESET, "reset the avatar".into()).body(Body::Json(json!(fields).to_string()))
        }
        _ => unreachable!("the table of sources has no other"),
    })
}

fn form(subject: Option<(&'static str, String)>, picture: &Rc<Picture>) -> std::io::Result<Body> {
    let mut form = Form::new();
    if let Some((field, value)) = subject {
        form = form.text(field, &value);
    }
    let media_type = picture.header.format.media_type();
    let form = form.file("image", &picture.sent_name(), media_type, picture.clone());
    Ok(Body::Form(form.encode()?))
}

// --- pictures ---

/// `FileUpload_MaxFileSize` as installed, in bytes; a file must be smaller.
const LARGEST: u64 = 104_857_600;

fn picture(picture: &Picture) -> Result<Vec<String>> {
    let name = quote(&picture.name);
    if picture.length >= LARGEST {
        return Err(Error::new(
            Class::Data,
            format!(
                "{name} has {} bytes; Rocket.Chat takes less than {LARGEST}",
                picture.length
            ),
        ));
    }
    let header = &picture.header;
    let mut warnings = Vec::new();
    let (width, height) = header.shown_size();
    if width != height {
        warnings.push(format!(
            "{name}: {width} x {height} is not square; Rocket.Chat shows the middle"
        ));
    }
    Ok(warnings)
}
