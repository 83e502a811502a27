//! Rocket.Chat: the avatar calls of its REST API, as request builders, answer readers and the order they are
//! made in. A refused picture costs the account the one it has, so nothing unsound is sent.

use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::avatar::{Avatar, Crop, Identity, Proof, Row, Seen, Target, TargetKind, Writer};
use super::knowledge::{Habit, Introduction, Knowledge, Pace, Test, Trial, Versions};
use super::session::{Reading, Server, Session, is_sendable};
use super::shown::{Face, Origin, Restore, Shown};
use super::{Example, List, Support, System};
use crate::error::{Class, Error, Loss, NOT_PERMITTED, Result};
use crate::http::curl::Step;
use crate::http::multipart::Form;
use crate::http::{
    self, ALWAYS, Body, Call, Client, Exchange, Method, NEVER, ONCE, Passing, Purpose, Request,
    Response,
};
use crate::number::digits;
use crate::picture::Picture;
use crate::picture::received::{Image, Kind};
use crate::secret::Secret;
use crate::settings::address::encode;
use crate::settings::credentials::{ANY_PASSWORD, Credentials, Login};
use crate::terminal::{MESSAGE, clean, quote};

pub(super) static SYSTEM: System = System {
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
            // The look-up before every write is exact.
            any_case: false,
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
    logins: &[
        Login {
            variables: &["USER_ID", "AUTH_TOKEN"],
            also: None,
            netrc: Some(is_token),
        },
        Login {
            variables: &["USER", "PASSWORD"],
            also: Some("2FA_CODE"),
            netrc: ANY_PASSWORD,
        },
    ],
    example: Example {
        url: "https://chat.example.com",
        accounts: &[
            r#""user": "build-bot", "avatar_url": "https://example.com/build-bot.png""#,
            r#""user": "retired-bot", "reset": true"#,
        ],
    },
    address: "the base URL may lack its path, as in https://host/chat",
    permission: "to change another user's avatar you need the permission edit-other-user-avatar; to change one's own, the setting Accounts_AllowUserAvatarChange",
    preset: None,
    picture: Writer {
        write: |session, target, picture, seen| {
            let request = upload(target, picture, seen)?;
            change(session, &request, another(seen))
        },
        dry_run: |_, target, picture, seen| Ok(vec![Step::new(upload(target, picture, seen)?)]),
    },
    check: picture,
    crop: Crop::centred,
    download: Some(Writer {
        write: |session, target, url, seen| {
            let request = download(target, url, seen);
            change(session, &request, another(seen))
        },
        dry_run: download_steps,
    }),
    reset: Support::Has(Writer {
        write: |session, target, (), seen| {
            let request = reset(session, target, seen)?;
            change(session, &request, Proof::Wears)
        },
        dry_run: reset_steps,
    }),
    delete: Support::Instead("an account has one avatar; set replaces it"),
    restore: None,
    open,
    read,
    reason: |response| Some(reason(response).text).filter(|text| !text.is_empty()),
    observe,
    observe_many: None,
    everybody: None,
    shown,
    preset_picture: Support::Instead("an account has one avatar, and none is chosen by an id"),
    // The server writes the etag to the account half a second after it has answered. Each look costs one of
    // ten calls a minute.
    read_back: &[
        Duration::from_millis(600),
        Duration::from_secs(1),
        Duration::from_secs(2),
    ],
    wears,
    whoami,
    list: List::Server(list),
    knowledge: Knowledge {
        introduce,
        versions: Versions {
            first: "3",
            last: Some("8"),
            below: "the account's etag, by which a change is proven, may be missing: try --round-trip with one account",
            above: "refusals may be said in another way: try --round-trip with one account before many",
        },
        // Two looks and what is sent between them; each route has a limit of its own.
        pace: Pace {
            requests: 5,
            limited: 2,
            window: Some(60),
            documented: None,
        },
        largest: None,
        habit,
        is_caller: |name, target| target.name() == Some(name),
        trial,
    },
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
static LOGIN: Call = Call::new(Method::Post, "api/v1/login", ONCE).login();
static LOGOUT: Call = Call::new(Method::Post, "api/v1/logout", ONCE).logout();
static SERVER: Call = Call::new(Method::Get, "api/info", ALWAYS);
/// By the user's name: where older servers look for an id, they find a user named `uid/...`.
static PICTURE: Call = Call::picture("avatar/{}");
/// What it tells is worth no wait.
static LOOK: Call = Call::new(Method::Head, "avatar/{}", NEVER);

fn request(call: &'static Call, operation: String) -> Request {
    Request::new(call, operation).header("accept", "application/json")
}

/// The limiter says how long in a sentence only, and some versions say it with a 400.
fn busy(response: &Response) -> Option<Passing> {
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
    let wait = Duration::from_secs(match seconds {
        Some(seconds) => seconds,
        None if silent && response.mentions("success") => 60,
        None => 0,
    });
    Some(Passing {
        unclear: false,
        wait,
    })
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

/// Only an object that says `success` with the boolean true is a success. Newer servers say nothing when a logout is
/// done.
fn read(session: &Session, request: &Request, response: &Response) -> Reading {
    if response.is_redirect() {
        return Reading::Unsaid;
    }
    if !response.success() {
        return refusal(session, request, response);
    }
    if request.call.purpose == Purpose::Logout {
        return Reading::Accepted;
    }
    let unexpected = |what: &str| Reading::Refused(session.unexpected(request, response, what));
    let answer: Answer = match response.json() {
        Ok(answer) => answer,
        Err(what) => return unexpected(what),
    };
    let login = request.call.purpose == Purpose::Login;
    match answer.success {
        Some(Value::Bool(true)) => Reading::Accepted,
        // A login has its own word for it.
        None if login && answer.status == Some(json!("success")) => Reading::Accepted,
        Some(Value::Bool(false)) => refusal(session, request, response),
        _ if answer.status == Some(json!("error")) => refusal(session, request, response),
        _ => unexpected("no \"success\": true"),
    }
}

fn refusal(session: &Session, request: &Request, response: &Response) -> Reading {
    let Reason { code, text } = reason(response);
    let error = |class, what: &str| {
        let said = (!text.is_empty()).then(|| text.clone());
        session.refused(request, response, class, what, said)
    };
    let plainly = |class, what: &str| session.refused(request, response, class, what, None);
    let login = request.call.purpose == Purpose::Login;
    // What lies behind an address is judged when the old picture is gone already; a form before that.
    let fetched = matches!(request.body, Body::Json(_));
    let error = match (response.status, code.as_str()) {
        // Some versions answer 400 with the text of a 429.
        (200..=400, _) if text.contains("too many requests") => error(Class::Temporary, "too many requests"),
        (_, SECOND_FACTOR) => error(Class::Credentials, "a second factor is required").hint(session.hint(match login {
            true => "set {2FA_CODE} to the code of the authenticator or the e-mail, or use a personal access token",
            false => "use a personal access token",
        })),
        (_, "totp-invalid" | "totp-max-attempts") => error(Class::Credentials, "the second factor was refused"),
        (401 | 403, _) | (_, "Unauthorized") if login => error(Class::Credentials, "refused")
            .hint(session.hint("check {USER} and {PASSWORD} before the next run: ten refused logins block the account for a while")),
        (401, _) | (_, "Unauthorized" | LOGGED_OUT) => error(Class::Credentials, "not logged in").hint(session.hint(match session.token {
            true => "check that {USER_ID} and {AUTH_TOKEN} belong together",
            false => "the login of this run was ended by somebody else; run again",
        })),
        (403, _) | (_, "unauthorized" | "error-unauthorized" | "error-not-allowed" | "error-action-not-allowed") => error(Class::Credentials, NOT_PERMITTED)
            .hint(session.system.permission),
        // The second is the whole of what a look says.
        (_, "error-invalid-user" | "User not found.") => error(Class::Target, "no such user"),
        (_, "error-file-too-large") if fetched => plainly(Class::Data, "the picture at this address is larger than the server accepts, and the account has lost the avatar it had"),
        (413, _) | (_, "error-file-too-large") => plainly(Class::Data, "larger than the server or a proxy in front of it accepts"),
        (_, "error-invalid-file-type") => error(Class::Data, "the server refused the type, and the account has lost the avatar it had"),
        (_, "error-avatar-invalid-url") => error(Class::Data, "the server cannot fetch this address")
            .hint("upload the picture with --image; addresses of a private network are refused unless SSRF_Allowlist names them"),
        (_, "error-avatar-url-handling") => error(Class::Data, "the server could not fetch this address")
            .hint("give the final address of a picture, or upload it with --image"),
        (200..=400, _) if code == "ufs: cannot upload file" || undecodable(&text) => error(Class::Data, "the server cannot decode the picture, and the account has lost the avatar it had"),
        _ if response.success() => error(Class::Protocol, &format!("answered {}", response.status)),
        _ => return Reading::Unsaid,
    };
    Reading::Refused(Error {
        code: Some(code),
        ..error
    })
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

fn open(client: Client, credentials: &Credentials) -> Result<Session> {
    let mut session = Session::new(client, &SYSTEM, credentials);
    session.client.set_busy_check(busy);
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
    session.identify("x-user-id", &id, "USER_ID");
    session.authorize("x-auth-token", "", &token, "AUTH_TOKEN");
    Ok(session)
}

/// Whether a netrc's password is a token, and the login beside it an id: tokens are 32 random bytes in base64.
fn is_token(password: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    password.len() == 43 && password.bytes().all(digit)
}

/// The id and the token that a name and a password give. A code is sent where one was asked for, and not before:
/// some directories take a login with a code for another kind of login.
fn login(
    session: &mut Session,
    credentials: &Credentials,
    password: &Secret,
) -> Result<(Secret, Secret)> {
    let user = credentials.get("USER").map_or("", Secret::expose);
    session.client.redact_password(user, password.expose());
    let mut fields = json!({"user": user, "password": password.expose()});
    let attempt = |fields: &Value| {
        request(&LOGIN, format!("log in as {}", quote(user))).body(Body::Json(fields.to_string()))
    };
    let mut last = attempt(&fields);
    let answered = match (session.ask::<LoggedIn>(&last), credentials.also()) {
        (Err(error), Some(code)) if error.code.as_deref() == Some(SECOND_FACTOR) => {
            session.client.redact(code);
            fields["code"] = json!(code.expose());
            last = attempt(&fields);
            session.ask(&last)
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
    match session.send(&request(&LOGOUT, "log out".into())) {
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

fn introduce(session: &mut Session) -> Result<Introduction> {
    let request = request(&SERVER, "ask what server this is".into());
    let About { version } = session.ask(&request)?;
    Ok(Introduction {
        text: version.clone().unwrap_or_default(),
        version,
    })
}

/// What differs between versions, settings and what stands in front of them.
fn habit(exchange: &Exchange) -> Option<Habit> {
    let answer = exchange.answer.as_ref().ok()?;
    if exchange.path != LOOK.path || exchange.method != LOOK.method.name() {
        return None;
    }
    let kind = exchange.answered("content-type").unwrap_or_default();
    let letter = kind.starts_with("image/svg+xml");
    let dated = exchange.answered("last-modified").is_some();
    match answer.status {
        200 if letter && !dated => Some(Habit::in_the_way(
            "pictures are kept from this caller, who is shown a letter",
            BLOCKED,
        )),
        403 => Some(Habit::in_the_way(
            "pictures are kept from this caller, who is refused (403)",
            BLOCKED,
        )),
        200 => None,
        300..400 => Some(Habit::harmless("pictures are in an object storage")),
        status => Some(Habit::in_the_way(
            format!("the head of a picture is refused ({status})"),
            "let HEAD requests for pictures pass; without them a picture that the server lost is not noticed",
        )),
    }
}

fn trial(_: &Seen, shown: &Shown) -> Trial {
    let note = "the server encodes every picture anew: what is put back looks the same, and is another file with another etag";
    Trial {
        test: Test::Picture { instead: None },
        note: matches!(shown.restore, Restore::Picture).then_some(note),
    }
}

/// What to do where pictures are not for this caller.
const BLOCKED: &str = "check the setting Accounts_AvatarBlockUnauthenticatedAccess, and that no proxy removes the cookies; a picture that the server lost is not noticed";

/// What is learned in a run.
#[derive(Default)]
struct Facts {
    /// A picture was waited for in vain, and so would the next ones be.
    pictures_late: bool,
}

fn caller(session: &mut Session) -> Result<User> {
    session.ask(&request(&ME, "ask who the caller is".into()))
}

/// The user that a name or an id stands for: the server finds either by both. The answer is held against what was
/// asked, because what stands before the server may have lost the query, and a write goes to the id in the answer.
fn named(session: &mut Session, field: &'static str, name: &str) -> Result<User> {
    let request = request(&INFO, format!("look up {}", quote(name))).query(field, name);
    let response = session.send(&request)?;
    let Info { user } = session.body(&request, &response)?;
    let same = |username: &String| username.to_lowercase() == name.to_lowercase();
    match user.id == name || user.username.as_ref().is_none_or(same) {
        true => Ok(user),
        false => Err(session.unexpected(&request, &response, "another user than was asked for")),
    }
}

fn observe(session: &mut Session, target: &Target) -> Result<Seen> {
    let user = match (target.by("--user"), target.by("--user-id")) {
        (Some(name), _) => named(session, "username", name)?,
        (None, Some(id)) => named(session, "userId", id)?,
        (None, None) => caller(session)?,
    };
    let account = match target.name() {
        Some(name) => name.to_owned(),
        None => user.username.clone().unwrap_or_else(|| user.id.clone()),
    };
    let etag = user.avatar_etag.filter(|etag| !etag.is_empty());
    let name = user.username.filter(|name| !name.is_empty());
    let lost = match &name {
        Some(name) if etag.is_some() => letter_shows(session, name),
        _ => false,
    };
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
        name,
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
    if session.facts::<Facts>().pictures_late {
        return false;
    }
    let operation = format!("look at the picture of {}", quote(username));
    let request = Request::new(&LOOK, operation).header("accept", "image/*");
    let Some(request) = about_picture(session, request, username) else {
        return false;
    };
    let answered = match session.client.send(&request) {
        // A server may close a kept connection unannounced, which says nothing about its pictures.
        Err(error) if error.loss() == Some(Loss::Broken) && session.client.repeats() => {
            session.client.send(&request)
        }
        answered => answered,
    };
    let Ok(response) = answered else {
        session.facts::<Facts>().pictures_late = true;
        return false;
    };
    let kind = response.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    response.status == 200
        && kind.eq_ignore_ascii_case("image/svg+xml")
        && response.header("last-modified") == Some(LETTER_TIME)
}

/// Completes a request about the picture of a user. Who asks is told by cookies there; none if they cannot be made.
fn about_picture(session: &Session, request: Request, username: &str) -> Option<Request> {
    let credential = |name| Some(encode(session.client.credential(name)?.expose()));
    let (id, token) = (credential("x-user-id")?, credential("x-auth-token")?);
    // No server gives a name a control character, and no path carries one.
    (!username.contains(char::is_control)).then(|| {
        request
            .item(username)
            // What lies between may have kept the picture of before.
            .header("cache-control", "no-cache")
            .secret(
                "cookie",
                Secret::new(format!("rc_uid={id}; rc_token={token}")),
            )
    })
}

/// What a user shows. An etag alone does not tell: the server may have lost the picture, or show another one that a
/// provider of logins has.
fn shown(session: &mut Session, _: &Target, seen: &Seen) -> Result<Shown> {
    let etag = etag(seen);
    let mut shown = Shown {
        origin: Origin::Generated,
        face: Face::Absent("the user has no name".to_owned()),
        restore: Restore::Avatar(Avatar::Generated),
        warnings: Vec::new(),
    };
    if etag.is_some() {
        (shown.origin, shown.restore) = (Origin::Uploaded, Restore::Picture);
    }
    let Some(name) = &seen.name else {
        return Ok(shown);
    };
    let read = read_picture(session, name);
    if let Ok((picture, image)) = &read {
        match (picture, image.kind, etag) {
            (Picturing::Letter, ..) => {
                shown.origin = Origin::Generated;
                shown.restore = Restore::Avatar(Avatar::Generated);
                shown.warnings.extend(etag.map(|etag| {
                    let etag = clean(etag, MESSAGE);
                    format!("the server lost the picture of etag {etag}, and shows the letter")
                }));
            }
            (Picturing::Other, Kind::Svg, _) => {
                shown.origin = Origin::Uploaded;
                shown.restore = Restore::Nothing("an SVG, which is not sent".to_owned());
            }
            (Picturing::Other, Kind::Raster(_), None) => {
                shown.origin = Origin::External;
                shown.restore = Restore::Nothing("a provider's picture".to_owned());
                shown.warnings.push(
                    "the account has no etag, so what shows is a provider's picture, or this server is too old to tell".to_owned(),
                );
            }
            (Picturing::Other, Kind::Raster(_), Some(_)) => {}
        }
    }
    shown.face = read.map(|(_, image)| image).into();
    Ok(shown)
}

/// What is on a picture.
enum Picturing {
    /// The letter that the server generates.
    Letter,
    Other,
}

/// Reads the picture of a user, which may be in a file store that the server redirects to.
fn read_picture(session: &mut Session, name: &str) -> Result<(Picturing, Image)> {
    let request = Request::picture(&PICTURE, format!("read the picture of {}", quote(name)));
    let Some(request) = about_picture(session, request, name) else {
        return Err(Error::new(
            Class::Target,
            format!("{} has no picture", quote(name)),
        ));
    };
    let response = session.client.send(&request)?;
    if response.is_redirect() {
        return Ok((
            Picturing::Other,
            stored_picture(session, &request, &response)?,
        ));
    }
    let modified = response.header("last-modified").map(str::to_owned);
    let image = session.received(&request, response)?;
    match (image.kind, modified.as_deref()) {
        (Kind::Svg, Some(LETTER_TIME)) => Ok((Picturing::Letter, image)),
        // The letter that a caller gets who may not look says nothing of its age.
        (Kind::Svg, None) => {
            let what = "the server shows its pictures to others, and to this caller a letter";
            let error = request.failed(Class::Credentials, what);
            Err(error.hint("a proxy on the way may remove the cookies by which the server tells who asks for a picture"))
        }
        _ => Ok((Picturing::Other, image)),
    }
}

/// Reads a picture in a file store. What that refuses is no matter of these credentials.
fn stored_picture(session: &mut Session, request: &Request, response: &Response) -> Result<Image> {
    let stored = session.client.follow(request, response).map_err(|error| {
        error.hint("the pictures are in a file store: let the server hand them out itself (FileUpload_S3_Proxy_Avatars, FileUpload_GoogleStorage_Proxy_Avatars), or let this machine reach the store")
    })?;
    match stored.status {
        401 | 403 => {
            let what = format!(
                "the file store that the server redirects to answered {}",
                stored.status
            );
            Err(request.failed(Class::Protocol, what).status(stored.status))
        }
        _ => session.received(request, stored),
    }
}

/// The etag that stands in the account, whether or not there is still a picture.
fn etag(seen: &Seen) -> Option<&str> {
    let lost = || {
        let mut details = seen.details.iter();
        details.find_map(|(key, etag)| (*key == LOST_ETAG).then(|| etag.as_str())?)
    };
    seen.fingerprint.as_deref().or_else(lost)
}

fn list(session: &mut Session) -> Result<Vec<Row>> {
    let request = request(&SUGGESTIONS, "ask for suggestions".into());
    let found: Suggestions = session.ask(&request)?;
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

/// Sends the one call that changes an avatar.
fn change(session: &mut Session, request: &Request, proof: Proof) -> Result<Proof> {
    session.ask::<Nothing>(request)?;
    Ok(proof)
}

/// A picture gets an etag of its own, other than the one that stood in the account.
fn another(seen: Option<&Seen>) -> Proof {
    Proof::Other(seen.and_then(etag).map(str::to_owned))
}

fn upload(target: &Target, picture: &Rc<Picture>, seen: Option<&Seen>) -> Result<Request> {
    let request = request(&SET, format!("upload {}", quote(&picture.name)));
    let body = form(subject(target, seen), picture).map_err(|error| request.unreadable(error))?;
    Ok(request.body(body))
}

fn download(target: &Target, url: &str, seen: Option<&Seen>) -> Request {
    let mut fields = json!({"avatarUrl": url});
    if let Some((name, id)) = subject(target, seen) {
        fields[name] = json!(id);
    }
    request(&SET, "set the avatar from its address".into()).body(Body::Json(fields.to_string()))
}

fn download_steps(
    _: &mut Session,
    target: &Target,
    url: &str,
    seen: Option<&Seen>,
) -> Result<Vec<Step>> {
    let mut step = Step::new(download(target, url, seen));
    // User info and query may be secrets.
    if url.contains(['@', '?', '#']) {
        step.variables.extend(in_json(url, "AVATAR_URL".to_owned()));
    }
    Ok(vec![step])
}

fn reset(session: &mut Session, target: &Target, seen: Option<&Seen>) -> Result<Request> {
    let subject = subject(target, seen);
    // Unlike the other calls this one wants the caller named, too.
    let subject = match (&subject, seen.and_then(|seen| seen.id.clone())) {
        (None, Some(id)) => Some(("userId", id)),
        (None, None) => observe(session, target)?.id.map(|id| ("userId", id)),
        _ => subject,
    };
    let fields = subject.map_or(json!({}), |(name, id)| json!({name: id}));
    Ok(request(&RESET, "reset the avatar".into()).body(Body::Json(fields.to_string())))
}

fn reset_steps(
    session: &mut Session,
    target: &Target,
    (): &(),
    seen: Option<&Seen>,
) -> Result<Vec<Step>> {
    let mut step = Step::new(reset(session, target, seen)?);
    // Half of the caller's credentials; one that is as short as the key might be found in it.
    if let (Target::Caller, Some(id)) = (target, seen.and_then(|seen| seen.id.as_deref()))
        && id.len() > "userId".len()
    {
        step.variables
            .extend(in_json(id, session.variable("USER_ID")));
    }
    Ok(vec![step])
}

/// A variable for a text, as it stands in a JSON body between its quotes.
fn in_json(text: &str, variable: String) -> Option<(String, String)> {
    let quoted = json!(text).to_string();
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    Some((inner.to_owned(), variable))
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
                "{name} has {} bytes; Rocket.Chat accepts less than {LARGEST}",
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
