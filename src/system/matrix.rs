//! Matrix: the profile and media calls of the client-server API, and the few of Synapse that tell a server admin who
//! exists, as request builders, answer readers and the order they are made in. A server takes an admin's change for
//! anybody, whether there is such an account or not: so nothing is sent before somebody has looked.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::avatar::{Avatar, Crop, Identity, Preset, Proof, Row, Seen, Target, TargetKind, Writer};
use super::knowledge::{Habit, Introduction, Knowledge, Pace, Test, Trial, Versions};
use super::session::{Reading, Server, Session, is_sendable};
use super::shown::{Face, Origin, Restore, Shown};
use super::{Example, List, Support, System};
use crate::error::{Class, Error, NOT_PERMITTED, Result};
use crate::http::curl::Step;
use crate::http::{
    self, ALWAYS, Body, Call, Client, Exchange, Method, ONCE, Passing, Purpose, Request, Response,
    UNLESS_LOST,
};
use crate::picture::Picture;
use crate::picture::received::Image;
use crate::secret::Secret;
use crate::settings::credentials::{ANY_PASSWORD, Credentials, Login};
use crate::terminal::{MESSAGE, clean, quote};

pub(super) static SYSTEM: System = System {
    name: "matrix",
    title: "Matrix",
    prefix: "MATRIX",
    targets: &[TargetKind {
        flag: "--user",
        value: "NAME",
        about: "the user's name, or @name:server",
        key: "user",
        number: false,
        any_case: false,
        noun: "user",
    }],
    logins: &[
        Login {
            variables: &["TOKEN"],
            also: None,
            netrc: None,
        },
        Login {
            variables: &["USER", "PASSWORD"],
            also: None,
            netrc: ANY_PASSWORD,
        },
    ],
    example: Example {
        url: "https://matrix.example.com",
        accounts: &[
            r#""user": "deploy-bot", "mxc": "mxc://example.com/uNHtKpRLNYTODRQDWqVqNMai""#,
            r#""user": "retired-bot", "reset": true"#,
        ],
    },
    address: BASE,
    permission: PERMISSION,
    preset: Some(&PRESET),
    picture: Writer {
        write: |session, target, picture, seen| {
            let id = found(session, target, seen)?;
            let address = upload(session, picture)?;
            change(session, &id, &address)
        },
        dry_run: upload_steps,
    },
    check: picture,
    crop: Crop::centred,
    download: None,
    reset: Support::Has(Writer {
        write: |session, target, (), seen| {
            let id = found(session, target, seen)?;
            change(session, &id, NONE)
        },
        dry_run: |session, target, (), _| change_steps(session, target, NONE),
    }),
    delete: Support::Instead("an account has one avatar; set replaces it, reset takes it off"),
    restore: Some(restore),
    open,
    read,
    reason: |response| Some(refusal(response)?.1).filter(|words| !words.is_empty()),
    observe,
    observe_many: Some(observe_many),
    everybody: None,
    shown,
    preset_picture: Support::Has(|session, _, address| read_picture(session, address)),
    // A server of several processes may show the old one for a moment.
    read_back: &[Duration::ZERO, Duration::from_millis(500)],
    wears,
    whoami,
    list: List::Server(list),
    knowledge: Knowledge {
        introduce,
        versions: Versions {
            first: "1.11",
            last: None,
            below: "pictures are read without a token, at the older addresses",
            above: "",
        },
        pace: Pace {
            requests: 5,
            limited: 5,
            window: None,
            documented: None,
        },
        largest: Some(|session| Ok(Some(largest(session)?).filter(|size| *size < u64::MAX))),
        habit,
        is_caller,
        trial: |_, _| Trial {
            test: Test::Picture { instead: None },
            note: Some(
                "the test picture stays in the server's media, where nothing can be deleted",
            ),
        },
    },
    loses_on_refusal: false,
    recognizes: |response| refusal(response).is_some(),
    format_fingerprint: |address| format!("avatar {address}"),
    describe,
    help: include_str!("matrix.txt"),
};

static PRESET: Preset = Preset {
    flag: "--mxc",
    value: "ADDRESS",
    about: "mxc://SERVER/ID of a picture that was uploaded",
    key: "mxc",
    noun: "avatar",
    null: None,
    read: |text| match is_media_address(text) {
        true => Ok(text.to_owned()),
        false => Err("mxc://SERVER/ID".to_owned()),
    },
    writer: Writer {
        write: |session, target, address, seen| {
            let id = found(session, target, seen)?;
            change(session, &id, chosen(address))
        },
        dry_run: |session, target, address, _| change_steps(session, target, chosen(address)),
    },
};

/// No word takes an avatar off, so there is always an address.
fn chosen(address: &Option<String>) -> &str {
    address.as_deref().expect("a preset here is an mxc address")
}

/// The address that takes an avatar off; null is refused.
const NONE: &str = "";

fn is_media_address(text: &str) -> bool {
    media_parts(text).is_some()
}

/// `mxc://SERVER/ID` in its two parts, each of them one plain segment.
fn media_parts(text: &str) -> Option<(&str, &str)> {
    let (server, id) = text.strip_prefix("mxc://")?.split_once('/')?;
    let plain = |text: &str, more: &str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !text.is_empty() && text.chars().all(legal)
    };
    let named = server.contains(|c: char| c.is_ascii_alphanumeric());
    (named && plain(server, ".:-[]") && plain(id, "-_")).then_some((server, id))
}

// --- calls ---

static WHOAMI: Call = Call::new(Method::Get, "_matrix/client/v3/account/whoami", ALWAYS);
static PROFILE: Call = Call::new(
    Method::Get,
    "_matrix/client/v3/profile/{}/avatar_url",
    ALWAYS,
);
/// The last one wins. One that is answered 429 may have been carried out.
static CHANGE: Call = Call::new(
    Method::Put,
    "_matrix/client/v3/profile/{}/avatar_url",
    ALWAYS,
);
static LIMITS: Call = Call::new(Method::Get, "_matrix/client/v1/media/config", ALWAYS);
/// Before 1.11 of the specification.
static OLD_LIMITS: Call = Call::new(Method::Get, "_matrix/media/v3/config", ALWAYS);
static PICTURE: Call = Call::picture("_matrix/client/v1/media/download/{}/{}");
/// Before 1.11 of the specification, when nobody had to say who asks.
static OLD_PICTURE: Call = Call::picture("_matrix/media/v3/download/{}/{}").anonymous();
/// Every upload is kept for ever.
static UPLOAD: Call = Call::new(Method::Post, "_matrix/media/v3/upload", UNLESS_LOST);

static FLOWS: Call = Call::new(Method::Get, "_matrix/client/v3/login", ALWAYS);
/// After three refused ones the account waits for minutes.
static LOGIN: Call = Call::new(Method::Post, "_matrix/client/v3/login", ONCE).login();
static LOGOUT: Call = Call::new(Method::Post, "_matrix/client/v3/logout", ALWAYS).logout();

static VERSIONS: Call = Call::new(Method::Get, "_matrix/client/versions", ALWAYS);

// Synapse's own.
static ACCOUNTS: Call = Call::new(Method::Get, "_synapse/admin/v2/users", ALWAYS);
static ACCOUNT: Call = Call::new(Method::Get, "_synapse/admin/v2/users/{}", ALWAYS);
static ADMIN: Call = Call::new(Method::Get, "_synapse/admin/v1/users/{}/admin", ALWAYS);
static VERSION: Call = Call::new(Method::Get, "_matrix/federation/v1/version", ALWAYS);

fn request(call: &'static Call, operation: String) -> Request {
    Request::new(call, operation).header("accept", "application/json")
}

/// The body may ask for a longer wait than the header, which says whole seconds.
fn busy(response: &Response) -> Option<Passing> {
    let mut passing = http::busy(response)?;
    let limited = response.json::<Limited>().ok();
    let by_body = limited.and_then(|limited| limited.retry_after_ms?.as_u64());
    passing.wait = Duration::from_millis(by_body.unwrap_or(0));
    Some(passing)
}

// --- reading ---

#[derive(Deserialize)]
struct Limited {
    retry_after_ms: Option<Value>,
}

/// What every refusal says.
#[derive(Deserialize)]
struct Answer {
    errcode: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct Caller {
    user_id: String,
    /// An application service has none.
    device_id: Option<String>,
}

#[derive(Deserialize)]
struct Profile {
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
struct Stored {
    content_uri: String,
}

#[derive(Deserialize)]
struct Limits {
    #[serde(rename = "m.upload.size")]
    size: Option<u64>,
}

#[derive(Deserialize)]
struct Flows {
    flows: Vec<Flow>,
}

#[derive(Deserialize)]
struct Flow {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct LoggedIn {
    user_id: String,
    access_token: String,
}

#[derive(Deserialize)]
struct Page {
    users: Vec<Account>,
    /// Where the next page begins; a text, or a number long ago.
    next_token: Option<Value>,
    total: Option<usize>,
}

#[derive(Deserialize)]
struct Account {
    name: String,
    avatar_url: Option<String>,
    /// 0 and 1 long ago.
    deactivated: Option<Value>,
    user_type: Option<String>,
}

impl Account {
    /// Of its texts, in bytes.
    fn length(&self) -> usize {
        let texts = [&self.avatar_url, &self.user_type];
        self.name.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }

    fn is_deactivated(&self) -> bool {
        match &self.deactivated {
            Some(Value::Bool(yes)) => *yes,
            Some(Value::Number(number)) => number.as_u64() != Some(0),
            _ => false,
        }
    }
}

#[derive(Deserialize)]
struct Admin {
    admin: bool,
}

#[derive(Deserialize)]
struct Spoken {
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct About {
    server: Option<Software>,
}

#[derive(Deserialize)]
struct Software {
    name: Option<String>,
    version: Option<String>,
}

/// The error code that every refusal of a homeserver has, and nobody else's, and its words.
fn refusal(response: &Response) -> Option<(String, String)> {
    let Answer { errcode, error } = response.json().ok()?;
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    Some((text(errcode)?, text(error).unwrap_or_default()))
}

/// What has an error code is a refusal, whatever its status.
fn read(session: &Session, request: &Request, response: &Response) -> Reading {
    let Some((code, _)) = refusal(response) else {
        // A proxy's, a login page's or a web client's: it says nothing about these credentials.
        let page = response.success() && response.is_html();
        return match response.status {
            status if page || matches!(status, 400 | 401 | 403) => {
                let what = response.json::<Nothing>().err();
                let what = what.unwrap_or("no error code");
                Reading::Refused(session.unexpected(request, response, what).hint(BASE))
            }
            _ => Reading::Unsaid,
        };
    };
    let error = |class, what: &str| {
        session.refused(request, response, class, what, (SYSTEM.reason)(response))
    };
    let login = request.call.purpose == Purpose::Login;
    let error = match code.as_str() {
        "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN" => error(Class::Credentials, "the token was refused")
            .hint(session.hint(match session.token {
                true => "check {TOKEN}: a token ends with a logout and with a new password",
                false => "the login of this run was ended by somebody else; run again",
            })),
        "M_USER_LOCKED" => error(Class::Credentials, "the account is locked"),
        "M_USER_DEACTIVATED" => error(Class::Credentials, "the account is deactivated"),
        "M_FORBIDDEN" if login => error(Class::Credentials, "refused")
            .hint(session.hint("check {USER} and {PASSWORD} before the next run: after a few refused logins the account has to wait")),
        "M_FORBIDDEN" | "M_EXCLUSIVE" => error(Class::Credentials, NOT_PERMITTED).hint(PERMISSION),
        "M_LIMIT_EXCEEDED" if login => error(Class::Temporary, "too many logins")
            .hint(session.hint("wait before the next login, or set {TOKEN}, which needs none")),
        "M_NOT_FOUND" => match request.items.first() {
            Some(user) if user.contains(|c: char| c.is_ascii_uppercase()) => {
                error(Class::Target, "no such user").hint("user ids are written in lower case")
            }
            Some(_) => error(Class::Target, "no such user"),
            None => return Reading::Unsaid,
        },
        UNRECOGNIZED => error(Class::Protocol, "there is no such call at this address").hint(BASE),
        "M_INVALID_PARAM" | "M_BAD_JSON" | "M_NOT_JSON" | "M_MISSING_PARAM" => {
            error(Class::Protocol, "the server did not understand the request")
        }
        "M_UNKNOWN" if response.status < 500 => error(Class::Temporary, "the server failed"),
        _ if response.success() => error(Class::Protocol, "answered success and an error code"),
        _ => return Reading::Unsaid,
    };
    Reading::Refused(Error {
        code: Some(code),
        ..error
    })
}

const BASE: &str = "check the base URL: https://SERVER/.well-known/matrix/client names it, where SERVER is what stands behind the colon of a user id";
const PERMISSION: &str = "another's avatar takes the token of a server admin, or of an application service whose user it is";

/// Of a call that a server does not have.
const UNRECOGNIZED: &str = "M_UNRECOGNIZED";

/// Whether a server does not have a call, as older and other ones do not. Older ones say so with a 400.
fn is_absent(status: Option<u16>, code: Option<&str>) -> bool {
    matches!(status, Some(404 | 405)) || code == Some(UNRECOGNIZED)
}

fn lacks_call(error: &Error) -> bool {
    is_absent(error.status, error.code.as_deref())
}

// --- the session ---

/// What is asked once in a run.
#[derive(Default)]
struct Facts {
    /// The caller is an application service.
    service: bool,
    /// None before it was asked.
    rank: Option<Rank>,
    /// The largest upload in bytes, any where the server does not tell; none before it was asked.
    largest: Option<u64>,
    /// The addresses of pictures that were uploaded, by the SHA-256 of each.
    uploads: BTreeMap<[u8; 32], String>,
    /// Pictures are where they were before 1.11 of the specification.
    old_media: bool,
}

/// What the caller is to Synapse's calls for admins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rank {
    Admin,
    User,
    /// The server does not tell.
    Untold,
}

fn open(client: Client, credentials: &Credentials) -> Result<Session> {
    let mut session = Session::new(client, &SYSTEM, credentials);
    session.client.set_busy_check(busy);
    let token = match credentials.get("PASSWORD") {
        Some(password) => {
            let token = login(&mut session, credentials, password)?;
            session.logout = Some(logout);
            token
        }
        None => {
            session.token = true;
            credentials.header("TOKEN")?.clone()
        }
    };
    session.authorize("authorization", "Bearer", &token, "TOKEN");
    Ok(session)
}

/// The token that a name and a password give. A server that takes none is not shown one.
fn login(session: &mut Session, credentials: &Credentials, password: &Secret) -> Result<Secret> {
    let user = credentials.get("USER").map_or("", Secret::expose);
    session.client.redact_password(user, password.expose());
    let asked = request(&FLOWS, "ask how to log in".into());
    let known: Flows = session.ask(&asked)?;
    if !known.flows.iter().any(|flow| flow.kind == PASSWORD) {
        let what = "this server takes no password, single sign-on only";
        let error = asked.failed(Class::Configuration, what);
        return Err(
            error.hint(session.hint("set {TOKEN} to the token of an account that has logged in"))
        );
    }
    let body = json!({
        "type": PASSWORD,
        "identifier": { "type": "m.id.user", "user": user },
        "password": password.expose(),
        "initial_device_display_name": "avatarctl",
    });
    let request =
        request(&LOGIN, format!("log in as {}", quote(user))).body(Body::Json(body.to_string()));
    let LoggedIn {
        user_id,
        access_token,
    } = session.ask(&request)?;
    if !is_sendable(&access_token) || parts(&user_id).is_none() {
        let what = "a login without a usable token and user id";
        return Err(request.failed(Class::Protocol, what));
    }
    session.caller = Some(user_id);
    Ok(Secret::new(access_token))
}

/// The way to log in that takes one.
const PASSWORD: &str = "m.login.password";

/// Ends the login of this run.
fn logout(session: &mut Session) -> Result<()> {
    let request = request(&LOGOUT, "log out".into()).body(Body::Json("{}".into()));
    match session.ask::<Nothing>(&request) {
        // Who is not logged in is logged out.
        Err(error) if error.status == Some(401) => Ok(()),
        other => other.map(drop),
    }
}

/// The caller's user id.
fn caller(session: &mut Session) -> Result<String> {
    if let Some(known) = &session.caller {
        return Ok(known.clone());
    }
    let request = request(&WHOAMI, "ask who the caller is".into());
    let Caller { user_id, device_id } = session.ask(&request)?;
    if parts(&user_id).is_none() {
        return Err(request.failed(Class::Protocol, "a caller without a usable user id"));
    }
    session.facts::<Facts>().service = device_id.is_none();
    session.caller = Some(user_id.clone());
    Ok(user_id)
}

fn rank(session: &mut Session) -> Result<Rank> {
    if let Some(known) = session.facts::<Facts>().rank {
        return Ok(known);
    }
    let caller = caller(session)?;
    let request = request(&ADMIN, "ask whether the caller is an admin".into()).item(&caller);
    let rank = match session.ask::<Admin>(&request) {
        Ok(Admin { admin: true }) => Rank::Admin,
        Ok(Admin { admin: false }) => Rank::User,
        Err(error) if error.code.as_deref() == Some("M_FORBIDDEN") => Rank::User,
        // Another server than Synapse, or a proxy that lets nobody near its admin calls.
        Err(error) if lacks_call(&error) || error.status == Some(403) => Rank::Untold,
        Err(error) => return Err(error),
    };
    session.facts::<Facts>().rank = Some(rank);
    Ok(rank)
}

fn whoami(session: &mut Session) -> Result<Identity> {
    let name = caller(session)?;
    let server = software(session)?;
    let may_change_others = match rank(session)? {
        Rank::Admin => Some(true),
        // For whom an application service may act, nobody is told.
        Rank::User if session.facts::<Facts>().service => None,
        Rank::User => Some(false),
        Rank::Untold => None,
    };
    Ok(Identity {
        name: Some(name),
        server,
        may_change_others,
    })
}

/// What the server runs; any answer but a good one tells nothing, because the call is not on every listener.
fn software(session: &mut Session) -> Result<Server> {
    let asked = request(&VERSION, "ask what server this is".into());
    let response = session.client.send(&asked)?;
    let about = response.success().then(|| response.json::<About>().ok());
    let software = about.flatten().and_then(|about| about.server);
    let (kind, version) = software.map_or((None, None), |known| (known.name, known.version));
    Ok(Server {
        // Behind the number stands what it was built from.
        version: version.and_then(|text| Some(text.split_whitespace().next()?.to_owned())),
        deployment: kind,
    })
}

fn introduce(session: &mut Session) -> Result<Introduction> {
    let request = request(&VERSIONS, "ask what this server speaks".into());
    let Spoken { versions } = session.ask(&request)?;
    let mut known = versions.into_iter().filter(|text| text.starts_with('v'));
    // They come in their order.
    let newest = known.next_back();
    let server = software(session)?;
    let software = [server.deployment, server.version];
    let mut text: Vec<String> = newest.iter().cloned().collect();
    let software: Vec<String> = software.into_iter().flatten().collect();
    if !software.is_empty() {
        text.push(format!("({})", software.join(" ")));
    }
    Ok(Introduction {
        text: text.join(" "),
        version: newest,
    })
}

/// A target may leave out the server, which is the caller's then.
fn is_caller(name: &str, target: &Target) -> bool {
    let local = parts(name).map(|(local, _)| local);
    target
        .name()
        .is_some_and(|it| it == name || Some(it) == local)
}

/// What not every homeserver has.
fn habit(exchange: &Exchange) -> Option<Habit> {
    let answer = exchange.answer.as_ref().ok()?;
    let code = answer.json::<Answer>().and_then(|said| said.errcode);
    let absent = is_absent(Some(answer.status), code.as_ref().and_then(Value::as_str));
    let called = |call: &Call| exchange.path == call.path;
    if called(&ADMIN) && (absent || answer.status == 403 && code.is_none()) {
        Some(Habit::harmless("there are no calls for admins of Synapse"))
    } else if called(&VERSION) && absent {
        Some(Habit::harmless("its software is not told"))
    } else if called(&LIMITS) {
        Some(Habit::harmless(match absent {
            true => "media has the calls from before v1.11",
            false => "media has the calls from v1.11 on",
        }))
    } else {
        None
    }
}

// --- accounts ---

/// `@localpart:server` in its two parts.
fn parts(id: &str) -> Option<(&str, &str)> {
    let (localpart, server) = id.strip_prefix('@')?.split_once(':')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    (plain(localpart) && plain(server)).then_some((localpart, server))
}

/// The user id of a target, completed with the caller's server. Only that one can change it: a user of another is
/// refused here.
fn user_id(session: &mut Session, target: &Target) -> Result<String> {
    let caller = caller(session)?;
    let Some(name) = target.name() else {
        return Ok(caller);
    };
    let (_, ours) = parts(&caller).expect("a caller's id was checked when it came");
    let id = match name.starts_with('@') {
        true => name.to_owned(),
        false => format!("@{name}:{ours}"),
    };
    let shown = clean(ours, MESSAGE);
    let (what, hint) = match parts(&id) {
        Some((_, server)) if server == ours => return Ok(id),
        Some(_) if name.starts_with('@') => (
            "a user of another server, which this one cannot change",
            format!("users of this server end in :{shown}"),
        ),
        _ => ("no user id", format!("write it as robot or @robot:{shown}")),
    };
    let error = Error::new(Class::Target, what).about(format!("look up {}", quote(name)));
    Err(error.hint(hint))
}

/// The same of an account that is there: a change is looked at before it is sent, also where nobody else looks.
fn found(session: &mut Session, target: &Target, seen: Option<&Seen>) -> Result<String> {
    if seen.is_none() && *target != Target::Caller {
        observe(session, target)?;
    }
    user_id(session, target)
}

fn observe(session: &mut Session, target: &Target) -> Result<Seen> {
    let id = user_id(session, target)?;
    let operation = format!("look up {}", quote(target.name().unwrap_or(&id)));
    if let Some(avatar) = account_avatar(session, &id, &operation)? {
        return Ok(seen(target, &id, Some(avatar)));
    }
    let request = request(&PROFILE, operation).item(&id);
    let avatar = match session.ask::<Profile>(&request) {
        Ok(profile) => profile.avatar_url,
        // Who asks is there, with a profile or without.
        Err(error) if error.class == Class::Target && *target == Target::Caller => None,
        Err(error) => return Err(error),
    };
    Ok(seen(target, &id, avatar))
}

fn seen(target: &Target, id: &str, avatar: Option<String>) -> Seen {
    Seen {
        account: target.name().unwrap_or(id).to_owned(),
        id: Some(id.to_owned()),
        name: None,
        fingerprint: avatar.filter(|address| !address.is_empty()),
        offers: Vec::new(),
        details: Vec::new(),
    }
}

/// What another account wears, by the account itself, which only an admin is shown; none if it tells no avatar. A profile
/// would prove nothing to an admin, whose change is taken for whoever has one: an earlier change may have made it for
/// nobody, and a deactivated account keeps it. Besides, a server counts how often profiles are read, and not this.
fn account_avatar(session: &mut Session, id: &str, operation: &str) -> Result<Option<String>> {
    let own = session.caller.as_deref() == Some(id);
    if own || rank(session)? != Rank::Admin {
        return Ok(None);
    }
    let request = request(&ACCOUNT, operation.to_owned()).item(id);
    let account: Account = session.ask(&request)?;
    match account.is_deactivated() {
        true => Err(request.failed(Class::Target, "the account is deactivated")),
        false => Ok(account.avatar_url.filter(|address| !address.is_empty())),
    }
}

/// A server admin walks over all accounts instead of a look each, as long as that is fewer calls. Who was not met is
/// looked for alone: the list leaves out who is deactivated.
fn observe_many(session: &mut Session, targets: &[&Target]) -> Result<Option<Vec<Result<Seen>>>> {
    if rank(session)? != Rank::Admin {
        return Ok(None);
    }
    let ids: Vec<Result<String>> = targets
        .iter()
        .map(|target| user_id(session, target))
        .collect();
    let mut wanted: BTreeSet<&String> = BTreeSet::new();
    wanted.extend(ids.iter().flatten());
    let mut met: BTreeMap<String, Option<String>> = BTreeMap::new();
    walk(session, |page, pages_left| {
        for account in page {
            if wanted.contains(&account.name) && !account.is_deactivated() {
                met.insert(account.name.clone(), account.avatar_url.clone());
            }
        }
        // A look is two calls at most.
        pages_left <= 2 * (wanted.len() - met.len())
    })?;
    let all = targets.iter().zip(ids).map(|(target, id)| {
        let id = id?;
        match met.get(&id) {
            Some(avatar) => Ok(seen(target, &id, avatar.clone())),
            None => observe(session, target),
        }
    });
    Ok(Some(all.collect()))
}

/// Accounts a page.
const PAGE: usize = 100;
/// How many accounts are read at most: a list that does not end must not fill the memory.
const MOST: usize = 200_000;
/// How much of their texts, in bytes.
const MOST_TEXT: usize = 32 << 20;

/// Shows every account, page by page, with the number of pages that are left, while `visit` wants more.
fn walk(session: &mut Session, mut visit: impl FnMut(&[Account], usize) -> bool) -> Result<()> {
    let mut from = "0".to_owned();
    let (mut shown, mut text) = (0, 0);
    loop {
        let request = request(&ACCOUNTS, "list accounts".into())
            .query("from", &from)
            .query("limit", &PAGE.to_string())
            .query("guests", "false");
        let page: Page = session.ask(&request)?;
        shown += page.users.len();
        text += page.users.iter().map(Account::length).sum::<usize>();
        let most = match (shown > MOST, text > MOST_TEXT) {
            (true, _) => Some(format!("{MOST} accounts")),
            (_, true) => Some(format!("{} MiB of names", MOST_TEXT >> 20)),
            _ => None,
        };
        if let Some(most) = most {
            let what = format!("more than {most}, the most that avatarctl reads");
            return Err(request.failed(Class::Protocol, what));
        }
        let left = page.total.unwrap_or(0).saturating_sub(shown).div_ceil(PAGE);
        let go_on = visit(&page.users, left);
        let next = match page.next_token {
            Some(Value::String(next)) => next,
            Some(Value::Number(next)) => next.to_string(),
            _ => return Ok(()),
        };
        // A page that leads to itself would go on for ever.
        if !go_on || page.users.is_empty() || next == from {
            return Ok(());
        }
        from = next;
    }
}

/// Every account for a server admin, else the caller.
fn list(session: &mut Session) -> Result<Vec<Row>> {
    let row = |user: &str, avatar: Option<&str>, more| Row {
        kind: "user",
        cells: vec![("user", json!(user)), ("avatar_url", json!(avatar))],
        more,
    };
    if rank(session)? != Rank::Admin {
        let own = observe(session, &Target::Caller)?;
        return Ok(vec![row(&own.account, own.fingerprint.as_deref(), vec![])]);
    }
    let mut rows = Vec::new();
    walk(session, |page, _| {
        rows.extend(page.iter().map(|account| {
            let more = vec![
                ("deactivated", json!(account.is_deactivated())),
                ("user_type", json!(account.user_type)),
            ];
            row(&account.name, account.avatar_url.as_deref(), more)
        }));
        true
    })?;
    Ok(rows)
}

fn shown(session: &mut Session, _: &Target, seen: &Seen) -> Result<Shown> {
    let preset = |address: &str| Avatar::Preset(&PRESET, Some(address.to_owned()));
    let (origin, face, restore) = match &seen.fingerprint {
        None => (
            Origin::Generated,
            Face::Absent("each client draws a letter of its own".to_owned()),
            Restore::Avatar(Avatar::Generated),
        ),
        Some(address) if is_media_address(address) => (
            Origin::Uploaded,
            read_picture(session, address).into(),
            Restore::Avatar(preset(address)),
        ),
        Some(other) => {
            let why = format!("{} is no mxc address, and no client shows it", quote(other));
            (
                Origin::Generated,
                Face::Absent(why.clone()),
                Restore::Nothing(why),
            )
        }
    };
    Ok(Shown {
        origin,
        face,
        restore,
        warnings: Vec::new(),
    })
}

/// Reads what an mxc address stands for, from this server: it has what is its own, and asks others for theirs.
fn read_picture(session: &mut Session, address: &str) -> Result<Image> {
    let operation = format!("read {}", quote(address));
    let Some((server, id)) = media_parts(address) else {
        return Err(Error::new(Class::Target, "no mxc address").about(operation));
    };
    let request = |call| {
        Request::picture(call, operation.as_str())
            .item(server)
            .item(id)
    };
    if session.facts::<Facts>().old_media {
        return session.picture(&request(&OLD_PICTURE));
    }
    let asked = request(&PICTURE);
    let response = session.client.send(&asked)?;
    let absent = match refusal(&response) {
        Some((code, _)) => code == UNRECOGNIZED,
        None => response.status == 404,
    };
    if absent {
        session.facts::<Facts>().old_media = true;
        return session.picture(&request(&OLD_PICTURE));
    }
    session.received(&asked, response)
}

fn describe(seen: &Seen) -> String {
    match &seen.fingerprint {
        None => "no avatar, a letter shows".to_owned(),
        Some(address) if is_media_address(address) => SYSTEM.fingerprint_text(address),
        Some(other) => format!("{}, which no client shows", SYSTEM.fingerprint_text(other)),
    }
}

fn wears(avatar: &Avatar, fingerprint: Option<&str>) -> Option<bool> {
    match avatar {
        Avatar::Preset(_, address) => Some(fingerprint == address.as_deref()),
        Avatar::Generated => Some(fingerprint.is_none()),
        _ => None,
    }
}

// --- writing ---

/// Shows again what was only taken off: an upload stays for ever.
fn restore(
    session: &mut Session,
    target: &Target,
    _: &Seen,
    proven: &str,
) -> Result<Option<Proof>> {
    if !is_media_address(proven) {
        return Ok(None);
    }
    let id = user_id(session, target)?;
    change(session, &id, proven).map(Some)
}

fn change(session: &mut Session, id: &str, address: &str) -> Result<Proof> {
    let request = changing(session, id, address)?;
    session.ask::<Nothing>(&request)?;
    Ok(match address {
        NONE => Proof::Wears,
        _ => Proof::Is(address.to_owned()),
    })
}

fn change_steps(session: &mut Session, target: &Target, address: &str) -> Result<Vec<Step>> {
    let id = user_id(session, target)?;
    Ok(vec![Step::new(changing(session, &id, address)?)])
}

/// The call that changes a profile.
fn changing(session: &mut Session, id: &str, address: &str) -> Result<Request> {
    let operation = match address {
        NONE => "reset the avatar",
        _ => "set the avatar",
    };
    let request = request(&CHANGE, operation.into())
        .item(id)
        .body(Body::Json(json!({ "avatar_url": address }).to_string()));
    let own = session.caller.as_deref() == Some(id);
    // A token without a device may be an admin's as well.
    Ok(
        match session.facts::<Facts>().service && !own && rank(session)? != Rank::Admin {
            true => request.query("user_id", id),
            false => request,
        },
    )
}

/// The address of a picture that the server has. The same bytes are sent once in a run, however many wear them.
fn upload(session: &mut Session, picture: &Rc<Picture>) -> Result<String> {
    if let Some(address) = session.facts::<Facts>().uploads.get(&picture.digest) {
        return Ok(address.clone());
    }
    fits(session, picture)?;
    let request = uploading(picture);
    let stored = match session.ask::<Stored>(&request) {
        // If it was stored, an orphan is left that nobody can take away.
        Err(error) if error.loss().is_some() && session.client.repeats() => session.ask(&request),
        other => other,
    };
    let address = stored?.content_uri;
    if !is_media_address(&address) {
        return Err(request.failed(Class::Protocol, "an upload without a usable mxc address"));
    }
    let uploads = &mut session.facts::<Facts>().uploads;
    uploads.insert(picture.digest, address.clone());
    Ok(address)
}

fn upload_steps(
    session: &mut Session,
    target: &Target,
    picture: &Rc<Picture>,
    _: Option<&Seen>,
) -> Result<Vec<Step>> {
    /// Stands in a body where an address belongs that only an answer tells.
    const MXC: &str = "$MXC";
    const FIND_MXC: &str = r#"sed -n 's/.*"content_uri" *: *"\([^"]*\)".*/\1/p'"#;
    let id = user_id(session, target)?;
    fits(session, picture)?;
    Ok(vec![
        Step {
            sets: Some(("MXC", FIND_MXC)),
            ..Step::new(uploading(picture))
        },
        Step {
            variables: vec![(MXC.to_owned(), "MXC".to_owned())],
            ..Step::new(changing(session, &id, MXC)?)
        },
    ])
}

fn uploading(picture: &Rc<Picture>) -> Request {
    let media_type = picture.header.format.media_type();
    request(&UPLOAD, format!("upload {}", quote(&picture.name)))
        .query("filename", &picture.sent_name())
        .body(Body::Raw(media_type, picture.clone()))
}

/// Refuses a picture that is larger than the server says it takes, before it is sent.
fn fits(session: &mut Session, picture: &Picture) -> Result<()> {
    let largest = largest(session)?;
    match picture.length > largest {
        true => Err(Error::new(
            Class::Data,
            format!(
                "{} has {} bytes; this server takes up to {largest}",
                quote(&picture.name),
                picture.length
            ),
        )),
        false => Ok(()),
    }
}

/// In bytes.
fn largest(session: &mut Session) -> Result<u64> {
    if let Some(known) = session.facts::<Facts>().largest {
        return Ok(known);
    }
    let mut size = None;
    for call in [&LIMITS, &OLD_LIMITS] {
        let request = request(call, "ask how large an upload may be".into());
        match session.ask::<Limits>(&request) {
            Ok(limits) => {
                size = limits.size;
                break;
            }
            Err(error) if lacks_call(&error) => {}
            Err(error) => return Err(error),
        }
    }
    let largest = size.unwrap_or(u64::MAX);
    session.facts::<Facts>().largest = Some(largest);
    Ok(largest)
}

// --- pictures ---

fn picture(picture: &Picture) -> Result<Vec<String>> {
    let (width, height) = picture.header.shown_size();
    Ok(match width == height {
        true => Vec::new(),
        false => vec![format!(
            "{}: {width} x {height} is not square; clients show the middle",
            quote(&picture.name)
        )],
    })
}
