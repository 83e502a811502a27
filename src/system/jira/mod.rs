//! Jira Server and Data Center: the user avatar calls of its REST API, as request builders, answer readers and the order
//! they are made in. Jira Cloud is refused: it has no such operation.

mod answers;
mod pictures;
mod upload;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::avatar::{
    Avatar, Identity, Offer, Preset, Proof, Row, Seen, Target, TargetKind, Writer, number,
};
use super::knowledge::{Habit, Introduction, Knowledge, Pace, Test, Trial, Versions};
use super::session::{Server, Session};
use super::shown::Shown;
use super::{Delete, Example, List, Support, System};
use crate::error::{Class, Error, Result};
use crate::http::curl::Step;
use crate::http::{
    self, ALWAYS, Body, Call, Client, Exchange, Method, Passing, Request, Response, UNLESS_LOST,
};
use crate::settings::credentials::{ANY_PASSWORD, Credentials, Login};
use crate::terminal::quote;
use answers::{
    Avatars, CLOUD, CONTEXT_PATH, LIST, PERMISSION, Permissions, Refusal, ServerInfo, User,
    is_login_refused, reason, recognizes, refusal, said,
};
use upload::{crop, picture, upload_and_select, upload_steps};

pub(super) static SYSTEM: System = System {
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
    everybody: None,
    shown: pictures::shown,
    preset_picture: Support::Has(pictures::preset_picture),
    read_back: &[Duration::ZERO],
    wears,
    whoami,
    list: List::Offers(list),
    knowledge: Knowledge {
        introduce,
        versions: Versions {
            first: "5",
            last: Some("11"),
            below: "the calls for avatars may be missing: try --round-trip with one account",
            above: "calls may have changed: try --round-trip with one account before many",
        },
        pace: Pace {
            requests: 5,
            limited: 5,
            window: None,
            documented: None,
        },
        largest: None,
        habit,
        is_caller: |name, target| {
            target
                .name()
                .is_some_and(|it| it.eq_ignore_ascii_case(name))
        },
        trial,
    },
    loses_on_refusal: false,
    recognizes,
    format_fingerprint,
    describe,
    help: include_str!("../jira.txt"),
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

/// A refused login counts towards a lock-out, whatever status it comes with.
fn busy(response: &Response) -> Option<Passing> {
    match is_login_refused(response) {
        true => None,
        false => http::busy(response),
    }
}

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
    session.client.set_busy_check(busy);
    session.token = credentials.get("TOKEN").is_some();
    match session.token {
        true => {
            let token = credentials.header("TOKEN")?;
            session.authorize("authorization", "Bearer", token, "TOKEN");
        }
        false => session.authorize_basic(credentials, "USER", "PASSWORD")?,
    }
    session.server = server_info(&mut session).map_err(|error| match error.class {
        // Every caller may make this call, so what is refused is this way to log in.
        Class::Credentials if error.hint.as_deref() == Some(PERMISSION) => error.hint(session.hint(match session.token {
            true => "single sign-on or a proxy may be in front of Jira: exempt this account's REST calls from it",
            false => "the server may refuse passwords for REST calls (off by default from Jira 11 on, or kept out by single sign-on): use a personal access token, {TOKEN}",
        })),
        _ => error,
    })?;
    Ok(session)
}

/// What the server says it is.
fn server_info(session: &mut Session) -> Result<Server> {
    let request = request(&SERVER_INFO, "ask what server this is".into());
    let response = session.send(&request).map_err(|error| match error.class {
        // Every Jira has this call, so what is wrong is the address.
        Class::Target => Error {
            class: Class::Protocol,
            ..error
        }
        .hint(CONTEXT_PATH),
        _ => error,
    })?;
    let info: ServerInfo = session.body(&request, &response)?;
    if info.base_url.is_none() && info.version.is_none() && info.deployment_type.is_none() {
        let error = session.unexpected(&request, &response, "JSON of another shape");
        return Err(session.foreign(&request, &response, error));
    }
    if info.deployment_type.as_deref() == Some("Cloud") {
        let what = format!("{} is Jira Cloud", session.client.base().text());
        return Err(Error::new(Class::Configuration, what).hint(CLOUD));
    }
    session.facts::<pictures::Facts>().base = info.base_url.as_deref().and_then(pictures::host);
    Ok(Server {
        version: info.version,
        deployment: info.deployment_type,
    })
}

fn introduce(session: &mut Session) -> Result<Introduction> {
    let Server {
        version,
        deployment,
    } = server_info(session)?;
    let kind = deployment.map_or(String::new(), |kind| format!(" ({kind})"));
    Ok(Introduction {
        text: format!(
            "{}{kind}",
            version.as_deref().unwrap_or("without a version")
        ),
        version,
    })
}

/// What documents and reports contradict each other on.
fn habit(exchange: &Exchange) -> Option<Habit> {
    let answer = exchange.answer.as_ref().ok()?;
    let called = |call: &Call| exchange.path == call.path && exchange.method == call.method.name();
    let status = answer.status;
    match status {
        200..=299 if called(&AVATARS) => beans(&answer.json()?),
        200..=299 if called(&MYSELF) || called(&USER) => {
            let user: User = answer.json()?;
            let mut urls = user.avatar_urls.values();
            urls.any(|url| url.contains("gravatar.com")).then(|| {
                Habit::in_the_way(
                    "pictures are those of Gravatar",
                    "an avatar is stored and not shown until an administrator switches Gravatar off",
                )
            })
        }
        204 if called(&SELECT) => Some(Habit::harmless("a selection is answered by 204")),
        200..=299 if called(&SELECT) => Some(Habit::harmless(format!(
            "a selection is answered by {status} and the avatar"
        ))),
        401 | 403 if called(&SELECT) || called(&UPLOAD) || called(&DELETE) => Some(
            Habit::harmless(format!("who may not is answered by {status}")),
        ),
        _ => None,
    }
}

/// A token may be kept from uploads: then another of the server's own avatars is selected.
fn trial(seen: &Seen, _: &Shown) -> Trial {
    let other = |offer: &&Offer| offer.system && Some(&offer.id) != seen.fingerprint.as_ref();
    let instead = seen.offers.iter().find(other);
    let instead = instead.map(|offer| Avatar::Preset(&PRESET, Some(offer.id.clone())));
    Trial {
        test: Test::Picture { instead },
        note: None,
    }
}

/// How the list of avatars is written.
fn beans(list: &Value) -> Option<Habit> {
    let lists = list.as_object()?.values().filter_map(Value::as_array);
    let beans: Vec<&Value> = lists.flatten().collect();
    let any = |key: &str| beans.iter().any(|bean| bean.get(key).is_some());
    let flag = match (any("isSelected"), any("selected")) {
        (true, true) => "isSelected and selected",
        (true, false) => "isSelected",
        (false, true) => "selected",
        (false, false) => "neither isSelected nor selected",
    };
    let ids = match beans.iter().any(|bean| bean["id"].is_number()) {
        true => "numbers",
        false => "texts",
    };
    Some(Habit::harmless(format!(
        "avatars have {flag}, and {ids} for ids"
    )))
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
            ("kind", json!(offer.kind())),
            ("url", json!(offer.urls.get("48x48"))),
        ]
    });
    let fingerprint = match selected {
        Some(offer) => Some(offer.id.clone()),
        None => unlisted(session, &user)?,
    };
    Ok(Seen {
        // The caller may also be listed by name, whose case does not count.
        id: Some(user.to_lowercase()),
        account: user,
        name: None,
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
            owner: bean.owner.filter(|owner| !owner.is_empty()),
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

fn list(seen: &Seen) -> Vec<Row> {
    let rows = seen.offers.iter().map(|offer| Row {
        kind: "avatar",
        cells: vec![
            ("id", json!(offer.id)),
            ("kind", json!(offer.kind())),
            ("selected", json!(offer.selected)),
        ],
        more: vec![("url", json!(offer.urls.get("48x48")))],
    });
    rows.collect()
}

fn format_fingerprint(fingerprint: &str) -> String {
    format!("avatar {fingerprint}")
}

fn describe(seen: &Seen) -> String {
    let selected = seen.offers.iter().find(|offer| offer.selected);
    match (&seen.fingerprint, selected) {
        (Some(id), Some(offer)) => format!("avatar {id} ({})", offer.kind()),
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

/// With Gravatar switched on, a selected avatar is stored but not shown. That is a setting of the whole server,
/// so it is checked once. It is only worth a warning, so a check that fails is ignored.
fn warn_of_gravatar(session: &mut Session, user: &str) {
    if session.writes == 0
        && session.verify
        && pictures::is_external(session, user).unwrap_or(false)
    {
        session.warnings.push(
            "this Jira shows pictures from Gravatar; the avatar is stored but not shown".into(),
        );
    }
}
