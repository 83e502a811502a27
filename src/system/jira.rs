//! Jira Server and Data Center: the user avatar calls of its REST API, as request builders, answer readers
//! and the order they are made in. Jira Cloud is refused: it has no such operation.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::avatar::{
    Avatar, Crop, Identity, Offer, Preset, Proof, Row, Seen, Target, TargetKind, Writer, number,
};
use super::session::{Reading, Server, Session};
use super::{Delete, Example, List, Support, System};
use crate::error::{Class, Error, Loss, Result};
use crate::http::curl::Step;
use crate::http::{ALWAYS, Body, Call, Client, Method, Request, Response, UNLESS_LOST};
use crate::picture::Picture;
use crate::picture::header::{Format, Header};
use crate::secret::Secret;
use crate::settings::credentials::{Credentials, Login};
use crate::terminal::quote;

pub static SYSTEM: System = System {
    name: "jira",
    title: "Jira",
    prefix: "JIRA",
    targets: &[TargetKind {
        flag: "--user",
        value: "NAME",
        about: "the user's login name",
        key: "user",
        number: false,
        any_case: true,
        noun: "user",
    }],
    caller: true,
    logins: &[
        Login {
            variables: &["TOKEN"],
            also: None,
            netrc: false,
        },
        Login {
            variables: &["USER", "PASSWORD"],
            also: None,
            netrc: true,
        },
    ],
    example: Example {
        url: "https://jira.example.com",
        accounts: &[r#""user": "robot", "avatar_id": 24880"#],
    },
    address: CONTEXT_PATH,
    permission: PERMISSION,
    preset: Some(&PRESET),
    picture: Writer {
        write: upload_and_select,
        dry_run: upload_steps,
    },
    check: picture,
    crop,
    download: None,
    reset: Support::Instead(
        "select a system avatar with set --avatar-id; jira list shows their ids",
    ),
    delete: Support::Has(Delete {
        send: delete,
        dry_run: |session, target, id| {
            let user = user(session, target)?;
            Ok(vec![Step::new(deletion(&user, id))])
        },
    }),
    restore: Some(restore),
    open,
    read: refusal,
    reason,
    observe,
    observe_many: None,
    read_back: &[Duration::ZERO],
    wears,
    whoami,
    list: List::Target(list),
    loses_on_refusal: false,
    recognizes,
    format_fingerprint,
    describe,
    help: include_str!("jira.txt"),
};

static PRESET: Preset = Preset {
    flag: "--avatar-id",
    value: "ID",
    about: "an avatar that exists; list shows them",
    key: "avatar_id",
    noun: "avatar",
    null: None,
    read: number,
    writer: Writer {
        write: select_preset,
        dry_run: |session, target, id, seen| {
            let user = user(session, target)?;
            Ok(vec![Step::new(preset(&user, chosen(id), seen)?)])
        },
    },
};

/// No word takes an avatar off, so there is always an id.
fn chosen(id: &Option<String>) -> &str {
    id.as_deref().expect("an id of this system is a number")
}

// --- calls ---

static SERVER_INFO: Call = Call::new(Method::Get, "rest/api/2/serverInfo", ALWAYS);
static MYSELF: Call = Call::new(Method::Get, "rest/api/2/myself", ALWAYS);
static USER: Call = Call::new(Method::Get, "rest/api/2/user", ALWAYS);
static AVATARS: Call = Call::new(Method::Get, "rest/api/2/user/avatars", ALWAYS);
/// Keeps the picture in the session, where the next one replaces it.
static UPLOAD: Call = Call::new(Method::Post, "rest/api/2/user/avatar/temporary", ALWAYS);
/// For a small square the same call stores the picture at once, so a repeat would store it twice.
static UPLOAD_SMALL: Call = Call::new(
    Method::Post,
    "rest/api/2/user/avatar/temporary",
    UNLESS_LOST,
);
/// Stores the picture, so a repeat would store it twice.
static CONFIRM: Call = Call::new(Method::Post, "rest/api/2/user/avatar", UNLESS_LOST);
/// `latest` is the same API; the documented example selects through it, and so do we.
static SELECT: Call = Call::new(Method::Put, "rest/api/latest/user/avatar", ALWAYS);

/// A repeat finds nothing to delete, which is what was wanted.
static DELETE: Call = Call::new(Method::Delete, "rest/api/2/user/avatar/{}", ALWAYS);
static PERMISSIONS: Call = Call::new(Method::Get, "rest/api/2/mypermissions", ALWAYS);

/// Without `x-atlassian-token` servers refuse a POST as forged (XSRF); on other calls it does no harm.
fn request(call: &'static Call, operation: String) -> Request {
    Request::new(call, operation)
        .header("accept", "application/json")
        .header("x-atlassian-token", "no-check")
}

// --- reading ---

/// A null where a list, a map or a flag belongs means that there is none.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> std::result::Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerInfo {
    base_url: Option<String>,
    version: Option<String>,
    deployment_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    avatar_urls: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bean {
    id: Id,
    #[serde(default, deserialize_with = "nullable")]
    is_system_avatar: bool,
    #[serde(default, deserialize_with = "nullable")]
    is_selected: bool,
    #[serde(default, deserialize_with = "nullable")]
    selected: bool,
    #[serde(default, deserialize_with = "nullable")]
    urls: BTreeMap<String, String>,
}

/// An id: text by the documents, a number from some versions.
struct Id(String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Id, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Id(text)),
            Value::Number(number) => Ok(Id(number.to_string())),
            _ => Err(D::Error::custom("an id is a text or a number")),
        }
    }
}

#[derive(Deserialize)]
struct Permissions {
    permissions: Option<Known>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Known {
    administer: Option<Permission>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    have_permission: Option<bool>,
}

#[derive(Deserialize)]
struct Avatars {
    system: Option<Vec<Bean>>,
    custom: Option<Vec<Bean>>,
}

/// What an upload answers: a proposal how to crop, or the avatar itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Upload {
    id: Option<Id>,
    cropper_width: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    #[serde(default, deserialize_with = "nullable")]
    error_messages: Vec<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    errors: BTreeMap<String, Value>,
    message: Option<String>,
    error_message: Option<String>,
}

/// The reason that the server gives, if it gives one.
fn reason(response: &Response) -> Option<String> {
    match response.json::<Refusal>() {
        Ok(refusal) => said(refusal),
        Err(_) => response.plain(),
    }
}

fn said(refusal: Refusal) -> Option<String> {
    let texts = refusal.error_messages.into_iter().flatten();
    let fields = refusal.errors.into_iter().map(|(field, text)| match text {
        Value::String(text) => format!("{field}: {text}"),
        other => format!("{field}: {other}"),
    });
    let said: Vec<String> = texts
        .chain(fields)
        .chain(refusal.message)
        .chain(refusal.error_message)
        .filter(|text| !text.is_empty())
        .collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// Whether an answer is one of this system's: a refusal, or any page with the header that it signs with.
fn recognizes(response: &Response) -> bool {
    let messages = |answer: Value| answer.get("errorMessages").is_some_and(Value::is_array);
    response.header("x-arequestid").is_some() || response.json().is_ok_and(messages)
}

/// The order of the checks matters: denial headers come with any status, 200 included; the text of an
/// XSRF refusal comes with 403 or 404.
fn refusal(session: &Session, request: &Request, response: &Response) -> Reading {
    let error =
        |class, what: &str| session.refused(request, response, class, what, reason(response));
    let plainly = |class, what: &str| session.refused(request, response, class, what, None);
    let login = response.header("x-seraph-loginreason").unwrap_or("");
    if let Some(denied) = response.header("x-authentication-denied-reason") {
        let page = denied
            .split_once("login-url=")
            .map_or(String::new(), |(_, url)| {
                format!(" at {}", session.client.said(url.trim()))
            });
        let what = match denied.contains("CAPTCHA") {
            true => "login denied until someone solves a CAPTCHA",
            false => "login denied",
        };
        return Reading::Refused(plainly(Class::Credentials, what).hint(format!(
            "log in once as this account in a browser{page}, then correct the password here"
        )));
    }
    if login.contains("AUTHENTICATION_DENIED") {
        return Reading::Refused(
            plainly(Class::Credentials, "login denied")
                .hint("log in once as this account in a browser; too many failed logins lock it"),
        );
    }
    if login.contains("AUTHENTICATED_FAILED") {
        let what = match session.token {
            true => "wrong or expired token",
            false => "wrong user name or password",
        };
        return Reading::Refused(wrong_login(session, plainly(Class::Credentials, what)));
    }
    // A redirect is read by the session.
    if response.success() || (300..400).contains(&response.status) {
        return Reading::Unsaid;
    }
    if response.mentions("XSRF check failed") {
        return Reading::Refused(plainly(Class::Protocol, "the XSRF check failed").hint(
            "a proxy on the way removes X-Atlassian-Token or changes User-Agent; make it pass both on unchanged",
        ));
    }
    let logged_in = login.contains("OK")
        || response
            .header("x-ausername")
            .is_some_and(|name| name != "anonymous");
    Reading::Refused(match response.status {
        401 if dead_session(response) => {
            error(Class::Credentials, "the session had ended").hint(session.hint(TOKEN_WAYS))
        }
        401 if logged_in => error(Class::Credentials, "not permitted").hint(PERMISSION),
        401 => wrong_login(session, error(Class::Credentials, "not logged in")),
        404 if response.json::<Refusal>().is_ok() => error(Class::Target, "not found"),
        405 => error(Class::Configuration, "this server does not offer the call").hint(CLOUD),
        _ => return Reading::Unsaid,
    })
}

/// Whether a cookie was refused because its session has ended; servers say so in different words.
fn dead_session(response: &Response) -> bool {
    ["os_authType", "cookie", "Cookie"]
        .iter()
        .any(|word| response.mentions(word))
}

fn wrong_login(session: &Session, error: Error) -> Error {
    error.hint(session.hint(match session.token {
        true => "make a new personal access token for this account and set {TOKEN}",
        false => "check {USER} and {PASSWORD} before the next run, because failed logins lock the account; from Jira 11 on, passwords are off by default: use a token",
    }))
}

const CONTEXT_PATH: &str = "the base URL may lack the context path, as in https://host/jira";
const PERMISSION: &str = "to change another user's avatar you need the global permission Administer Jira; nobody can change one while users are managed in an external directory";
const LIST: &str = "avatarctl jira list shows the ids that exist";
const CLOUD: &str =
    "Jira Cloud keeps avatars in the Atlassian account and has no operation that sets them";
const TOKEN_WAYS: &str = "Jira ends the session of a personal access token after each request, and an upload needs its session: select an existing avatar with --avatar-id, send a square picture of at most 48 pixels, or use {USER} and {PASSWORD} for the upload";

// --- the session ---

fn open(client: Client, credentials: &Credentials) -> Result<Session> {
    let host = client.base().host().trim_end_matches('.');
    let cloud = |error: Error| error.hint(CLOUD);
    if host == "atlassian.net" || host.ends_with(".atlassian.net") {
        return Err(cloud(Error::new(
            Class::Configuration,
            format!("{host} is Jira Cloud"),
        )));
    }
    let mut session = Session::new(client, &SYSTEM, credentials);
    session.token = credentials.get("TOKEN").is_some();
    match session.token {
        true => {
            let token = credentials.header("TOKEN")?;
            session.authorize("authorization", "Bearer", token, "TOKEN");
        }
        false => session.authorize_basic(credentials, "USER", "PASSWORD")?,
    }
    let request = request(&SERVER_INFO, "ask what server this is".into());
    let answered = session.send(&request);
    let response = answered.map_err(|error| match error.class {
        // Every Jira has this call, so what is wrong is the address.
        Class::Target => Error {
            class: Class::Protocol,
            ..error
        }
        .hint(CONTEXT_PATH),
        // Every caller may make this call, so what is refused is this way to log in.
        Class::Credentials if error.hint.as_deref() == Some(PERMISSION) => error.hint(session.hint(match session.token {
            true => "single sign-on or a proxy may be in front of Jira: exempt this account's REST calls from it",
            false => "the server may refuse passwords for REST calls (off by default from Jira 11 on, or kept out by single sign-on): use a personal access token, {TOKEN}",
        })),
        _ => error,
    })?;
    let info: ServerInfo = session.body(&request, &response)?;
    if info.base_url.is_none() && info.version.is_none() && info.deployment_type.is_none() {
        let error = session.unexpected(&request, &response, "JSON of another shape");
        return Err(session.foreign(&request, &response, error));
    }
    if info.deployment_type.as_deref() == Some("Cloud") {
        return Err(cloud(Error::new(
            Class::Configuration,
            format!("{} is Jira Cloud", session.client.base().text()),
        )));
    }
    session.server = Server {
        version: info.version,
        deployment: info.deployment_type,
    };
    Ok(session)
}

fn whoami(session: &mut Session) -> Result<Identity> {
    let name = user(session, &Target::Caller)?;
    let request = request(&PERMISSIONS, "ask what the caller may do".into());
    let response = session.client.send(&request)?;
    // Any other answer leaves it unknown.
    let permissions = response
        .success()
        .then(|| response.json::<Permissions>().ok());
    let administers = permissions
        .flatten()
        .and_then(|known| known.permissions?.administer?.have_permission);
    Ok(Identity {
        name: Some(name),
        server: session.server.clone(),
        may_change_others: administers,
    })
}

/// The user name that the calls take; the caller's own is asked for once.
fn user(session: &mut Session, target: &Target) -> Result<String> {
    if let Some(name) = target.by("--user") {
        return Ok(name.to_owned());
    }
    if let Some(name) = &session.caller {
        return Ok(name.clone());
    }
    let request = request(&MYSELF, "ask who the caller is".into());
    let response = session.send(&request)?;
    let user: User = session.body(&request, &response)?;
    match user.name {
        Some(name) if !name.is_empty() => {
            session.caller = Some(name.clone());
            Ok(name)
        }
        _ => Err(session.unexpected(&request, &response, "a user without a name")),
    }
}

fn observe(session: &mut Session, target: &Target) -> Result<Seen> {
    let user = user(session, target)?;
    let offers = avatars(session, &user)?;
    let selected = offers.iter().find(|offer| offer.selected);
    let details = selected.map_or(Vec::new(), |offer| {
        vec![
            ("kind", json!(kind(offer))),
            ("url", json!(offer.urls.get("48x48"))),
        ]
    });
    let fingerprint = match selected {
        Some(offer) => Some(offer.id.clone()),
        None => unlisted(session, &user)?,
    };
    Ok(Seen {
        account: user,
        id: None,
        fingerprint,
        offers,
        details,
    })
}

/// What is on offer for a user, the system's avatars first.
fn avatars(session: &mut Session, user: &str) -> Result<Vec<Offer>> {
    let request = request(&AVATARS, format!("look up the avatars of {}", quote(user)))
        .query("username", user);
    let response = session.send(&request)?;
    let avatars: Avatars = session.body(&request, &response)?;
    if avatars.system.is_none() && avatars.custom.is_none() {
        return Err(session.unexpected(&request, &response, "JSON of another shape"));
    }
    let mut offers = Vec::new();
    for (beans, system) in [(avatars.system, true), (avatars.custom, false)] {
        offers.extend(beans.into_iter().flatten().map(|bean| Offer {
            id: bean.id.0,
            system: system || bean.is_system_avatar,
            selected: bean.is_selected || bean.selected,
            urls: bean.urls,
        }));
    }
    Ok(offers)
}

/// The selected id may be missing from the list, if it was deleted or never existed. Then the address of the
/// picture still has it.
fn unlisted(session: &mut Session, user: &str) -> Result<Option<String>> {
    let urls = profile(session, user)?.avatar_urls;
    Ok(urls.values().find_map(|url| {
        let (_, query) = url.split_once('?')?;
        let id = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("avatarId="))?;
        let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| id.to_owned())
    }))
}

fn profile(session: &mut Session, user: &str) -> Result<User> {
    let request =
        request(&USER, format!("look up the user {}", quote(user))).query("username", user);
    let response = session.send(&request)?;
    session.body(&request, &response)
}

fn kind(offer: &Offer) -> &'static str {
    match offer.system {
        true => "system",
        false => "custom",
    }
}

fn list(session: &mut Session, target: &Target) -> Result<Vec<Row>> {
    let seen = observe(session, target)?;
    Ok(seen
        .offers
        .iter()
        .map(|offer| Row {
            kind: "avatar",
            cells: vec![
                ("id", json!(offer.id)),
                ("kind", json!(kind(offer))),
                ("selected", json!(offer.selected)),
            ],
            more: vec![("url", json!(offer.urls.get("48x48")))],
        })
        .collect())
}

fn format_fingerprint(fingerprint: &str) -> String {
    format!("avatar {fingerprint}")
}

fn describe(seen: &Seen) -> String {
    let selected = seen.offers.iter().find(|offer| offer.selected);
    match (&seen.fingerprint, selected) {
        (Some(id), Some(offer)) => format!("avatar {id} ({})", kind(offer)),
        (Some(id), None) if seen.offers.iter().any(|offer| offer.id == *id) => {
            format!("avatar {id} (shown, not selected)")
        }
        (Some(id), None) => format!("avatar {id} (not on the list any more)"),
        (None, _) => "no avatar selected".to_owned(),
    }
}

fn wears(avatar: &Avatar, fingerprint: Option<&str>) -> Option<bool> {
    match avatar {
        Avatar::Preset(_, id) => Some(fingerprint == id.as_deref()),
        _ => None,
    }
}

// --- writing ---

/// Selects an avatar by its id.
fn select_preset(
    session: &mut Session,
    target: &Target,
    id: &Option<String>,
    seen: Option<&Seen>,
) -> Result<Proof> {
    let (user, id) = (user(session, target)?, chosen(id));
    select(session, &preset(&user, id, seen)?)?;
    warn_of_gravatar(session, &user);
    Ok(Proof::Is(id.to_owned()))
}

fn upload_and_select(
    session: &mut Session,
    target: &Target,
    picture: &Rc<Picture>,
    seen: Option<&Seen>,
) -> Result<Proof> {
    let user = user(session, target)?;
    let id = upload(session, &user, picture, seen)?;
    select(session, &selection(&user, &id, Some(false), None))?;
    warn_of_gravatar(session, &user);
    Ok(Proof::Is(id))
}

fn preset(user: &str, id: &str, seen: Option<&Seen>) -> Result<Request> {
    let offer = match seen {
        None => None,
        // The server accepts an id that does not exist, and shows the default picture.
        Some(seen) => match seen.offers.iter().find(|offer| offer.id == id) {
            Some(offer) => Some(offer),
            None => {
                return Err(Error::new(
                    Class::Target,
                    format!("select avatar {id}: {} has no such avatar", quote(user)),
                )
                .hint(LIST));
            }
        },
    };
    let system = offer.map(|offer| offer.system);
    Ok(selection(user, id, system, offer.map(|offer| &offer.urls)))
}

/// What the commands of a dry run keep the session's cookies in.
const COOKIES: &str = "avatarctl.cookies";
/// Stands in a body where an id belongs that only an answer tells.
const AVATAR_ID: &str = "$AVATAR_ID";
/// Prints the id in the answer of the call that stores a picture.
const FIND_ID: &str = r#"sed -n 's/.*"id" *: *"*\([0-9]*\).*/\1/p'"#;

/// The calls of an upload depend on each other: the crop needs the cookies of the upload's answer, and the
/// selection the id that the crop answers.
fn upload_steps(
    session: &mut Session,
    target: &Target,
    picture: &Rc<Picture>,
    _: Option<&Seen>,
) -> Result<Vec<Step>> {
    let user = user(session, target)?;
    let small = is_small(&picture.header);
    let stores = |request: Request| Step {
        sets: Some(("AVATAR_ID", FIND_ID)),
        ..Step::new(request)
    };
    let mut steps = Vec::new();
    if small {
        steps.push(stores(temporary(&user, picture)));
    } else {
        steps.push(Step {
            options: format!(" -c {COOKIES}"),
            ..Step::new(temporary(&user, picture))
        });
        // The session that the cookies open has done its work then.
        steps.push(Step {
            options: format!(" -b {COOKIES}"),
            after: format!("; rm -f {COOKIES}"),
            ..stores(confirmation(&user, picture))
        });
    }
    steps.push(Step {
        variables: vec![(AVATAR_ID.to_owned(), "AVATAR_ID".to_owned())],
        ..Step::new(selection(&user, AVATAR_ID, Some(false), None))
    });
    Ok(steps)
}

/// Selects an avatar again that was uploaded before and is still on offer.
fn restore(
    session: &mut Session,
    target: &Target,
    seen: &Seen,
    proven: &str,
) -> Result<Option<Proof>> {
    let Some(offer) = seen
        .offers
        .iter()
        .find(|offer| offer.id == proven && !offer.system)
    else {
        return Ok(None);
    };
    let user = user(session, target)?;
    select(
        session,
        &selection(&user, proven, Some(false), Some(&offer.urls)),
    )?;
    Ok(Some(Proof::Is(proven.to_owned())))
}

/// The bean of the documented example; of its four fields those that are known, and no other, because a
/// server may refuse fields it does not know.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Selection<'a> {
    id: &'a str,
    is_selected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_system_avatar: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    urls: Option<&'a BTreeMap<String, String>>,
}

fn selection(
    user: &str,
    id: &str,
    system: Option<bool>,
    urls: Option<&BTreeMap<String, String>>,
) -> Request {
    let bean = Selection {
        id,
        is_selected: false,
        is_system_avatar: system,
        urls,
    };
    request(&SELECT, format!("select avatar {id}"))
        .query("username", user)
        .body(Body::Json(json_text(&bean)))
}

fn select(session: &mut Session, request: &Request) -> Result<()> {
    match session.send(request) {
        Ok(response) => taken(session, request, &response),
        Err(error) if error.status == Some(400) => Err(Error {
            class: Class::Target,
            reason: "no such avatar".to_owned(),
            ..error
        }
        .hint(LIST)),
        Err(error) => Err(error),
    }
}

/// A success has no body, or the bean; one that carries error messages is a refusal. Only the read-back tells
/// whether the change is in effect.
fn taken(session: &Session, request: &Request, response: &Response) -> Result<()> {
    if response.is_empty() {
        return Ok(());
    }
    let refusal: Refusal = session.body(request, response)?;
    match said(refusal) {
        None => Ok(()),
        Some(text) => Err(session.refused(
            request,
            response,
            Class::Protocol,
            &format!("answered {}", response.status),
            Some(text),
        )),
    }
}

fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings, numbers and flags always have a JSON form")
}

/// What became of a picture that was sent.
enum Stored {
    /// It is a custom avatar with this id.
    As(String),
    /// The answer of the call that stores it was lost.
    Perhaps(Error),
}

/// Stores a picture as a custom avatar and returns its id. If the answer of the call that stores it is lost, the
/// list of avatars is read before anything is sent again.
fn upload(
    session: &mut Session,
    user: &str,
    picture: &Rc<Picture>,
    seen: Option<&Seen>,
) -> Result<String> {
    let mut first = true;
    loop {
        let error = match store(session, user, picture, first)? {
            Stored::As(id) => return Ok(id),
            Stored::Perhaps(error) => error,
        };
        if error.loss() == Some(Loss::Late) {
            return stored_late(session, user, picture, seen, error);
        }
        if !first {
            return Err(error);
        }
        match appeared(session, user, seen) {
            Ok(Some(id)) => return Ok(id),
            Ok(None) if session.client.repeats() => {}
            // If the list tells nothing, the first failure is the one to report.
            Ok(None) | Err(_) => return Err(error),
        }
        session.warnings.push(
            "an answer was lost and the picture is uploaded once more; a copy of it may be left among the custom avatars"
                .into(),
        );
        first = false;
    }
}

/// How long to wait before each look for a picture whose answer did not come in time.
const LATE: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
const LEFT: &str = "before you upload it again, look for it with avatarctl jira list, and select it with set --avatar-id or delete it with avatarctl jira delete";

/// Looks for a picture that the server may still be storing. It is not sent again in this run, because the
/// server was seen to store a slow one after the time-out: a second upload would make a duplicate.
fn stored_late(
    session: &mut Session,
    user: &str,
    picture: &Rc<Picture>,
    seen: Option<&Seen>,
    error: Error,
) -> Result<String> {
    let request = temporary(user, picture);
    // Without an earlier list nothing tells which avatar is new.
    let waits = seen.map_or(&[][..], |_| &LATE);
    for wait in waits {
        let why = "no answer in time; the server may still store it";
        let looked = session.client.wait(*wait, &request, why, &|left| {
            let name = quote(&picture.name);
            format!(
                "no answer in time; the server may still store {name}, looking for it in {left}"
            )
        });
        match looked.and_then(|()| appeared(session, user, seen)) {
            Ok(Some(id)) => return Ok(id),
            Ok(None) => {}
            // A signal, --max-time, or a list that cannot be read: the first failure is the one to report.
            Err(_) => break,
        }
    }
    let hint = match &error.hint {
        Some(hint) => format!("{hint}; {LEFT}"),
        None => LEFT.to_owned(),
    };
    Err(Error {
        note: format!(
            "{}; the picture may be left among the custom avatars",
            error.note
        ),
        ..error
    }
    .hint(hint))
}

/// The one custom avatar that was not there before.
fn appeared(session: &mut Session, user: &str, seen: Option<&Seen>) -> Result<Option<String>> {
    let Some(seen) = seen else {
        return Ok(None);
    };
    let mut new = avatars(session, user)?
        .into_iter()
        .filter(|offer| !offer.system && !seen.offers.iter().any(|old| old.id == offer.id));
    match (new.next(), new.next()) {
        (Some(offer), None) => Ok(Some(offer.id)),
        _ => Ok(None),
    }
}

fn temporary(user: &str, picture: &Rc<Picture>) -> Request {
    let header = &picture.header;
    let call = if is_small(header) {
        &UPLOAD_SMALL
    } else {
        &UPLOAD
    };
    request(call, format!("upload {}", quote(&picture.name)))
        .query("username", user)
        .query("filename", &picture.sent_name())
        .body(Body::Raw(header.format.media_type(), picture.clone()))
}

/// Uploads a picture, and crops it unless the server stored it at once. A crop that does not find its upload
/// stored nothing, so both calls are made once more if `again` says so.
fn store(session: &mut Session, user: &str, picture: &Rc<Picture>, again: bool) -> Result<Stored> {
    let request = temporary(user, picture);
    let response = match session.send(&request) {
        Err(error) if is_small(&picture.header) && error.loss().is_some() => {
            return Ok(Stored::Perhaps(error));
        }
        other => other.map_err(|error| as_data(error, "the picture"))?,
    };
    let answer: Upload = session.body(&request, &response)?;
    match answer {
        Upload { id: Some(id), .. } => digits(session, &request, &response, id).map(Stored::As),
        Upload {
            cropper_width: Some(_),
            ..
        } => match confirm(session, user, picture, cookies(&response)) {
            Ok(id) => Ok(Stored::As(id)),
            Err(error) if error.loss().is_some() => Ok(Stored::Perhaps(error)),
            Err(error)
                if again
                    && session.client.repeats()
                    && error.class == Class::Temporary
                    && error.status == Some(500) =>
            {
                store(session, user, picture, false)
            }
            Err(error) => Err(error),
        },
        _ => Err(session.unexpected(&request, &response, "neither an avatar nor a crop")),
    }
}

/// The server keeps the upload in a session, so the cookies of its answer are sent with the crop. They are sent
/// with no other call: a token beside the cookie of a dead session is refused.
fn cookies(response: &Response) -> Option<Secret> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for cookie in response.headers("set-cookie") {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            continue;
        };
        // The last cookie of a name counts, and a server may delete one.
        pairs.retain(|(known, _)| *known != name);
        if !parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
            pairs.push((name, value));
        }
    }
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    (!pairs.is_empty()).then(|| Secret::new(pairs.join("; ")))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cropping {
    cropper_width: u32,
    cropper_offset_x: u32,
    cropper_offset_y: u32,
}

fn confirmation(user: &str, picture: &Picture) -> Request {
    let square = crop(&picture.header);
    request(&CONFIRM, format!("crop {}", quote(&picture.name)))
        .query("username", user)
        .body(Body::Json(json_text(&Cropping {
            cropper_width: square.side,
            cropper_offset_x: square.x,
            cropper_offset_y: square.y,
        })))
}

fn confirm(
    session: &mut Session,
    user: &str,
    picture: &Picture,
    cookies: Option<Secret>,
) -> Result<String> {
    let mut request = confirmation(user, picture);
    if let Some(cookies) = cookies {
        // A server may repeat a single cookie in its answer. Short values are settings and no secrets.
        let pairs = cookies.expose().split("; ");
        for (_, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            if value.len() >= 8 {
                session
                    .client
                    .redact_for_now(&Secret::new(value.to_owned()));
            }
        }
        request = request.secret("cookie", cookies);
    }
    let response = match session.send(&request) {
        Err(error) if error.status == Some(500) && session.token => {
            return Err(Error {
                class: Class::Credentials,
                reason: "the server dropped the session of the personal access token".to_owned(),
                said: None,
                note: String::new(),
                ..error
            }
            .hint(session.hint(TOKEN_WAYS)));
        }
        Err(error) if error.status == Some(500) => {
            return Err(error.hint("the upload's session was lost, perhaps between cluster nodes without sticky sessions; run again"));
        }
        other => other.map_err(|error| as_data(error, "the crop"))?,
    };
    let bean: Bean = session.body(&request, &response)?;
    digits(session, &request, &response, bean.id)
}

fn deletion(user: &str, id: &str) -> Request {
    request(&DELETE, format!("delete avatar {id}"))
        .item(id)
        .query("username", user)
}

fn delete(session: &mut Session, target: &Target, id: &str) -> Result<()> {
    let user = user(session, target)?;
    let request = deletion(&user, id);
    match session.send(&request) {
        Ok(response) => taken(session, &request, &response),
        // It is gone already, perhaps because of an earlier try whose answer was lost.
        Err(error) if error.class == Class::Target => Ok(()),
        Err(error) => Err(error),
    }
}

/// If a picture is sent, a 400 is about the picture.
fn as_data(error: Error, what: &str) -> Error {
    match error.status {
        Some(400) => Error {
            class: Class::Data,
            reason: format!("the server refused {what}"),
            ..error
        },
        _ => error,
    }
}

fn digits(session: &Session, request: &Request, response: &Response, id: Id) -> Result<String> {
    let Id(id) = id;
    match !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(id),
        false => Err(session.unexpected(request, response, "an avatar id that is not a number")),
    }
}

/// With Gravatar switched on, a selected avatar is stored but not shown. That is a setting of the whole server,
/// so it is checked once. It is only worth a warning, so a check that fails is ignored.
fn warn_of_gravatar(session: &mut Session, user: &str) {
    if session.writes == 0
        && session.verify
        && let Ok(user) = profile(session, user)
        && user
            .avatar_urls
            .values()
            .any(|url| url.contains("gravatar.com"))
    {
        session.warnings.push(
            "this Jira shows pictures from Gravatar; the avatar is stored but not shown".into(),
        );
    }
}

// --- pictures ---

/// Longest side to which a server shrinks a picture before it crops, in pixels.
const SHRUNK: u32 = 500;
/// A square up to this side is stored without a crop, in pixels.
const SMALL: u32 = 48;

fn is_small(header: &Header) -> bool {
    header.width == header.height && header.width <= SMALL
}

/// The largest centred square of the picture as the server shrinks it, without a look at its orientation.
/// The server's own proposal is off centre and cuts a logo.
fn crop(header: &Header) -> Crop {
    let longest = header.width.max(header.height);
    let (width, height, inside) = match longest > SHRUNK {
        // How the server rounds a shrunk side is not known: a square that is a pixel smaller fits either way.
        true => {
            let shrink =
                |side: u32| (u64::from(side) * u64::from(SHRUNK) / u64::from(longest)) as u32;
            (shrink(header.width).max(1), shrink(header.height).max(1), 1)
        }
        false => (header.width, header.height, 0),
    };
    let side = width.min(height).saturating_sub(inside).max(1);
    Crop {
        width,
        height,
        side,
        x: (width - side) / 2,
        y: (height - side) / 2,
        upright: false,
    }
}

fn picture(picture: &Picture) -> Result<Vec<String>> {
    let header = &picture.header;
    if header.format == Format::Webp {
        return Err(Error::new(
            Class::Data,
            format!(
                "{} is a WebP picture, which Jira does not take",
                quote(&picture.name)
            ),
        )
        .hint("convert it to PNG"));
    }
    let mut warnings = Vec::new();
    let mut warn = |what: String| warnings.push(format!("{}: {what}", quote(&picture.name)));
    if picture.length > 10 << 20 {
        warn("larger than 10 MiB, Jira's default limit for attachments".into());
    }
    let pixels = u64::from(header.width) * u64::from(header.height);
    if pixels > 5_000_000 {
        warn(format!(
            "{}.{} megapixels; Jira's default limit is 5",
            pixels.div_ceil(100_000) / 10,
            pixels.div_ceil(100_000) % 10
        ));
    }
    if header.width != header.height {
        let square = crop(header);
        let (width, height) = header.shown_size();
        warn(match square.side < SMALL {
            true => format!(
                "{width} x {height} leaves a square of {} pixels; Jira wants 48 and may refuse it",
                square.side
            ),
            false => format!(
                "{width} x {height} is not square; Jira will be sent the square of {} pixels at {},{}",
                square.side, square.x, square.y
            ),
        });
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(width: u32, height: u32) -> Crop {
        crop(&Header {
            format: Format::Png,
            width,
            height,
            orientation: 1,
            animated: false,
        })
    }

    #[test]
    fn the_crop_is_the_largest_centred_square() {
        for ((width, height), square) in [
            ((256, 256), (256, 0, 0)),
            ((500, 375), (375, 62, 0)),
            ((1024, 1024), (499, 0, 0)),
            ((1024, 768), (374, 63, 0)),
            ((768, 1024), (374, 0, 63)),
            ((49, 49), (49, 0, 0)),
            ((501, 1), (1, 249, 0)),
            ((u32::MAX, u32::MAX), (499, 0, 0)),
        ] {
            let Crop { side, x, y, .. } = cut(width, height);
            assert_eq!((side, x, y), square, "{width} x {height}");
        }
    }

    #[test]
    fn the_crop_stays_inside() {
        for width in 1..700 {
            for height in (1..700).step_by(7) {
                let Crop {
                    width: w,
                    height: h,
                    side,
                    x,
                    y,
                    ..
                } = cut(width, height);
                assert!(w.max(h) <= SHRUNK, "{width} x {height}");
                assert!(
                    side >= 1 && x + side <= w && y + side <= h,
                    "{width} x {height}"
                );
            }
        }
    }
}
