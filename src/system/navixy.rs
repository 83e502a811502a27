//! Navixy: the employee avatar calls of its user API, as request builders, answer readers and the order they
//! are made in. What an answer means is decided by `status.code` in its body, not by the HTTP status, which
//! the documents contradict each other on.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Number, Value, json};

use super::avatar::{
    Avatar, Crop, Identity, Preset, Proof, Row, Seen, Target, TargetKind, Writer, number,
};
use super::knowledge::{Habit, Introduction, Knowledge, Pace, Test, Trial, Versions};
use super::session::{Reading, Server, Session, is_sendable};
use super::shown::{Face, Origin, Restore, Shown};
use super::{Example, List, Support, System};
use crate::error::{Class, Error, NOT_PERMITTED, Result};
use crate::http::curl::Step;
use crate::http::multipart::Form;
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
    name: "navixy",
    title: "Navixy",
    prefix: "NAVIXY",
    targets: &[TargetKind {
        flag: "--employee-id",
        value: "N",
        about: "the employee's number",
        key: "employee_id",
        number: true,
        any_case: false,
        noun: "employee",
    }],
    logins: &[
        Login {
            variables: &["HASH"],
            also: None,
            netrc: None,
        },
        Login {
            variables: &["LOGIN", "PASSWORD"],
            also: None,
            netrc: ANY_PASSWORD,
        },
    ],
    example: Example {
        url: "https://api.eu.navixy.com/v2",
        accounts: &[r#""employee_id": 2132, "icon_id": 3654"#],
    },
    address: BASE,
    permission: PERMISSION,
    preset: Some(&PRESET),
    picture: Writer {
        write: upload_and_show,
        dry_run: |_, target, picture, _| {
            let requests = [
                storing(target, picture)?,
                assignment(employee(target), None),
            ];
            Ok(requests.into_iter().map(Step::new).collect())
        },
    },
    check: picture,
    crop: Crop::centred,
    download: None,
    reset: Support::Instead("set --icon-id null shows the uploaded picture instead of an icon"),
    delete: Support::Instead(
        "an uploaded picture cannot be deleted; set --image replaces it, set --icon-id hides it",
    ),
    restore: Some(restore),
    open,
    read,
    reason: |_| None,
    observe,
    observe_many: Some(observe_many),
    everybody: Some(everybody),
    shown,
    preset_picture: Support::Instead(
        "a built-in icon has no address that its picture could be read from",
    ),
    read_back: &[Duration::ZERO],
    wears,
    whoami,
    list: List::Server(list),
    knowledge: Knowledge {
        introduce,
        // No answer tells one.
        versions: Versions {
            first: "0",
            last: None,
            below: "",
            above: "",
        },
        pace: Pace {
            requests: 4,
            limited: 4,
            window: None,
            documented: Some((50, 1)),
        },
        largest: None,
        habit,
        is_caller: |_, _| false,
        trial,
    },
    loses_on_refusal: false,
    recognizes,
    format_fingerprint,
    describe,
    help: include_str!("navixy.txt"),
};

static PRESET: Preset = Preset {
    flag: "--icon-id",
    value: "ID",
    about: "a built-in icon, or null for the uploaded picture",
    key: "icon_id",
    noun: "icon",
    null: Some("shows the uploaded picture"),
    read: number,
    writer: Writer {
        write: |session, target, icon, _| {
            assign(session, employee(target), icon.as_deref())?;
            Ok(match icon {
                Some(icon) => Proof::Is(format!("icon:{icon}")),
                None => Proof::Wears,
            })
        },
        dry_run: |_, target, icon, _| {
            let request = assignment(employee(target), icon.as_deref());
            Ok(vec![Step::new(request)])
        },
    },
};

// --- calls ---

static READ: Call = Call::new(Method::Post, "employee/read", ALWAYS);
/// Public behind a name that nobody guesses; the hash is not shown there.
static PICTURE: Call = Call::picture("static/employee/avatars/{}").anonymous();
static LIST: Call = Call::new(Method::Post, "employee/list", ALWAYS);
static ASSIGN: Call = Call::new(Method::Post, "employee/avatar/assign", ALWAYS);
/// The last one wins, but every upload leaves a file stored.
static UPLOAD: Call = Call::new(Method::Post, "employee/avatar/upload", UNLESS_LOST);

/// Each refused login counts towards a lock-out, and each successful one takes one of few sessions.
static LOGIN: Call = Call::new(Method::Post, "user/auth", ONCE).login();
static LOGOUT: Call = Call::new(Method::Post, "user/logout", ALWAYS).logout();
static CALLER: Call = Call::new(Method::Post, "user/get_info", ALWAYS);

fn request(call: &'static Call, operation: String) -> Request {
    Request::new(call, operation).header("accept", "application/json")
}

/// The code in the body decides, whatever the status: 254 does not pass, although its status may suggest it.
fn busy(response: &Response) -> Option<Passing> {
    match response.json::<Answer>() {
        Ok(Answer {
            success: Some(Value::Bool(false)),
            status: Some(status),
            ..
        }) => matches!(status.code, 1 | 6 | 8 | 14 | 15).then(Passing::default),
        _ => http::busy(response),
    }
}

fn employee(target: &Target) -> u64 {
    target
        .by("--employee-id")
        .and_then(|id| id.parse().ok())
        .expect("a target of this system is a number, checked when it was given")
}

// --- reading ---

#[derive(Deserialize)]
struct Answer {
    success: Option<Value>,
    status: Option<Status>,
    #[serde(default)]
    errors: Value,
}

#[derive(Deserialize)]
struct Status {
    code: i64,
    description: Option<String>,
}

/// Null and absent are the same.
#[derive(Deserialize)]
struct Employee {
    id: u64,
    first_name: Option<String>,
    middle_name: Option<String>,
    last_name: Option<String>,
    icon_id: Option<Number>,
    avatar_file_name: Option<String>,
}

impl Employee {
    fn fingerprint(&self) -> Option<String> {
        match (&self.icon_id, &self.avatar_file_name) {
            (Some(icon), _) => Some(format!("icon:{icon}")),
            (None, Some(file)) => Some(format!("file:{file}")),
            (None, None) => None,
        }
    }

    /// Of its texts, in bytes.
    fn length(&self) -> usize {
        let Employee {
            first_name,
            middle_name,
            last_name,
            avatar_file_name,
            ..
        } = self;
        let texts = [first_name, middle_name, last_name, avatar_file_name];
        texts.into_iter().flatten().map(String::len).sum()
    }

    fn name(&self) -> String {
        let parts = [&self.first_name, &self.middle_name, &self.last_name];
        let parts: Vec<&str> = parts
            .into_iter()
            .flatten()
            .map(|part| part.trim())
            .filter(|part| !part.is_empty())
            .collect();
        parts.join(" ")
    }
}

#[derive(Deserialize)]
struct Read {
    value: Employee,
}

#[derive(Deserialize)]
struct Stored {
    value: String,
}

#[derive(Deserialize)]
struct Page {
    list: Vec<Employee>,
    count: usize,
}

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct LoggedIn {
    hash: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Info {
    user_info: Option<Caller>,
    /// Of sub-users only; the owner has every right.
    privileges: Option<Privileges>,
    master: Option<Nothing>,
}

#[derive(Deserialize)]
struct Caller {
    login: Option<String>,
}

#[derive(Deserialize)]
struct Privileges {
    rights: Option<Vec<String>>,
}

/// Whether an answer is a refusal of this system's, with its code.
fn recognizes(response: &Response) -> bool {
    let refused = |answer: Answer| answer.success == Some(json!(false)) && answer.status.is_some();
    response.json().is_ok_and(refused)
}

/// Only an object that says `success` with the boolean true is a success, and it is one whatever the status.
fn read(session: &Session, request: &Request, response: &Response) -> Reading {
    if response.is_redirect() {
        return Reading::Unsaid;
    }
    let answer = match response.json::<Answer>() {
        Ok(answer) => answer,
        Err(what) => return not_ours(session, request, response, what),
    };
    match (answer.success, answer.status) {
        (Some(Value::Bool(true)), _) => Reading::Accepted,
        (Some(Value::Bool(false)), Some(status)) => {
            Reading::Refused(refusal(session, request, response, &status, &answer.errors))
        }
        _ => not_ours(
            session,
            request,
            response,
            "neither \"success\": true nor a status code",
        ),
    }
}

/// An answer that is not the platform's own: a proxy's, or one that was cut.
fn not_ours(session: &Session, request: &Request, response: &Response, what: &str) -> Reading {
    match response.status {
        413 | 429 | 500.. => Reading::Unsaid,
        _ => Reading::Refused(session.unexpected(request, response, what).hint(BASE)),
    }
}

const PERMISSION: &str = "give the security group of this sub-user the right employee_update";
const BASE: &str = "check the base URL: https://api.eu.navixy.com/v2, https://host/api-v2 or https://host/api, depending on the installation";

fn refusal(
    session: &Session,
    request: &Request,
    response: &Response,
    status: &Status,
    errors: &Value,
) -> Error {
    let words = status
        .description
        .as_deref()
        .map_or(String::new(), |text| session.client.said(text));
    let parameters = parameters(errors).map_or(String::new(), |text| {
        format!("; {}", session.client.said(&text))
    });
    // The code is not part of the text that may be cut, because a person looks it up.
    let said = match words.is_empty() {
        true => format!("code {}{parameters}", status.code),
        false => format!("{words} (code {}){parameters}", status.code),
    };
    let error = |class, what: &str| Error {
        code: Some(status.code.to_string()),
        status: Some(response.status),
        ..request.failed(class, format!("{what}: {said}{}", response.note()))
    };
    let login = request.call.purpose == Purpose::Login;
    match status.code {
        1 | 6 | 8 | 14 => error(Class::Temporary, "the server failed"),
        15 => error(Class::Temporary, "too many requests"),
        3 | 4 if !session.token && !login => error(Class::Credentials, "the hash was refused")
            .hint("the login of this run was ended by somebody else; run again"),
        3 => error(Class::Credentials, "the hash was refused")
            .hint(session.hint("{HASH} takes an API key or a session hash of 32 characters")),
        4 | 276 => error(Class::Credentials, "the hash is unknown or has expired")
            .hint(session.hint("make an API key in the web interface, or log in again, and set {HASH}; a hash of the admin panel does not work here")),
        5 => error(Class::Protocol, "the server did not understand the request")
            .hint("a proxy on the way may change forms or their headers"),
        7 => error(Class::Data, "refused"),
        9 | 271 => error(Class::Data, "larger than the server takes"),
        13 => error(Class::Credentials, NOT_PERMITTED)
            .hint(PERMISSION),
        111 | 112 => error(Class::Protocol, "there is no such call at this address").hint(BASE),
        201 | 204 => error(Class::Target, "no such employee"),
        233 | 274 => error(Class::Data, "the file did not arrive"),
        234 => error(Class::Data, "the picture's type was refused")
            .hint("an installation from before December 2021 does not take WebP; convert the picture to PNG"),
        254 => error(Class::Temporary, "the server cannot store the file"),
        102 | 103 if login => error(Class::Credentials, "refused")
            .hint(session.hint("check {LOGIN} and {PASSWORD} before the next run: refused logins lock the account out")),
        104 | 105 if login => error(Class::Credentials, "refused")
            .hint(session.hint("wait before the next login, or set {HASH} to an API key, which needs no login")),
        2 | 11 | 12 | 101..=105 | 208 | 236 | 268 | 275 | 282 => error(Class::Credentials, "refused"),
        _ => error(
            match response.status {
                429 | 500.. => Class::Temporary,
                401..=403 => Class::Credentials,
                404 => Class::Target,
                413 => Class::Data,
                _ => Class::Protocol,
            },
            "refused",
        ),
    }
}

/// `errors` is a list of parameters with code 7, and has other shapes elsewhere.
fn parameters(errors: &Value) -> Option<String> {
    let texts: Vec<String> = errors
        .as_array()?
        .iter()
        .filter_map(|error| {
            let parameter = error.get("parameter")?.as_str()?;
            Some(format!("{parameter} {}", error.get("error")?.as_str()?))
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

// --- the session ---

fn open(client: Client, credentials: &Credentials) -> Result<Session> {
    let mut session = Session::new(client, &SYSTEM, credentials);
    session.client.set_busy_check(busy);
    let hash = match credentials.get("PASSWORD") {
        Some(password) => {
            let hash = login(&mut session, credentials, password)?;
            session.logout = Some(logout);
            hash
        }
        None => credentials.header("HASH")?.clone(),
    };
    session.token = session.logout.is_none();
    session.authorize("authorization", "NVX", &hash, "HASH");
    if let Some(age) = credentials.age.filter(|_| session.token) {
        warn_of_the_end(&mut session, age.as_secs() / 86_400);
    }
    Ok(session)
}

/// The hash of a session that a login and a password open.
fn login(session: &mut Session, credentials: &Credentials, password: &Secret) -> Result<Secret> {
    let user = credentials.get("LOGIN").map_or("", Secret::expose);
    session.client.redact_password(user, password.expose());
    let body = json!({ "login": user, "password": password.expose() });
    let request =
        request(&LOGIN, format!("log in as {}", quote(user))).body(Body::Json(body.to_string()));
    let answer: LoggedIn = session.ask(&request)?;
    if let Some(hash) = &answer.hash {
        session.client.redact(&Secret::new(hash.clone()));
    }
    match (answer.kind.as_deref(), answer.hash) {
        // This hash is good for nothing but the next step, and that needs a person.
        (Some("second_factor_required"), _) => Err(request
            .failed(
                Class::Credentials,
                "the login asks for a second factor, which avatarctl cannot give",
            )
            .hint(session.hint("use an API key as {HASH}, or an account without a second factor"))),
        (None | Some("authenticated"), Some(hash)) if is_sendable(&hash) => Ok(Secret::new(hash)),
        _ => Err(request
            .failed(Class::Protocol, "the answer has no usable hash")
            .hint(BASE)),
    }
}

/// Ends the session of this run.
fn logout(session: &mut Session) -> Result<()> {
    let request = request(&LOGOUT, "log out".into()).body(Body::Json("{}".into()));
    match session.ask::<Nothing>(&request) {
        // If the hash is no longer known, the session has ended already.
        Err(error) if matches!(error.code.as_deref(), Some("3" | "4")) => Ok(()),
        other => other.map(drop),
    }
}

fn whoami(session: &mut Session) -> Result<Identity> {
    let info = info(session)?;
    let may_change_others = match (&info.user_info, &info.privileges, &info.master) {
        (_, Some(privileges), _) => privileges
            .rights
            .as_ref()
            .map(|rights| rights.iter().any(|right| right == "employee_update")),
        (Some(_), None, None) => Some(true),
        _ => None,
    };
    Ok(Identity {
        name: info.user_info.and_then(|caller| caller.login),
        server: Server::default(),
        may_change_others,
    })
}

/// A stranger is refused with a code that no other system gives, and with the status that this server has for it.
fn introduce(session: &mut Session) -> Result<Introduction> {
    match info(session) {
        Err(error) if matches!(error.code.as_deref(), None | Some("111" | "112")) => Err(error),
        _ => Ok(Introduction {
            text: String::new(),
            version: None,
        }),
    }
}

/// Icons that documents give as examples.
const ICONS: [&str; 2] = ["14", "55"];

/// A picture that was uploaded cannot be taken away again: only who wears one already is given another.
fn trial(seen: &Seen, shown: &Shown) -> Trial {
    if let Restore::Picture = shown.restore {
        return Trial {
            test: Test::Picture { instead: None },
            note: Some(
                "what is put back gets another file name; the server keeps the files that were replaced",
            ),
        };
    }
    let worn = seen.fingerprint.as_deref();
    let worn = worn.and_then(|text| text.strip_prefix("icon:"));
    let icon = ICONS.into_iter().find(|icon| Some(*icon) != worn);
    Trial {
        test: Test::Avatar(Avatar::Preset(&PRESET, icon.map(str::to_owned))),
        note: Some(
            "an icon is tried and no picture: one that was uploaded could not be taken away again",
        ),
    }
}

/// What documents contradict each other on: with which status a refusal comes.
fn habit(exchange: &Exchange) -> Option<Habit> {
    let answer = exchange.answer.as_ref().ok()?;
    let Answer {
        success, status, ..
    } = answer.json()?;
    let code = status?.code;
    (success == Some(json!(false)))
        .then(|| Habit::harmless(format!("code {code} comes with status {}", answer.status)))
}

fn info(session: &mut Session) -> Result<Info> {
    let request = request(&CALLER, "ask who the caller is".into()).body(Body::Json("{}".into()));
    session.ask(&request)
}

/// How long a session lives as installed, in days from its login.
const LIFE: u64 = 30;

/// Warns of a session that is about to end, if its hash was written to its file weeks ago. The hash of a sub-user
/// is that of a session: only owners have API keys, and those never end.
fn warn_of_the_end(session: &mut Session, days: u64) {
    if !(LIFE - 7..=LIFE).contains(&days) {
        return;
    }
    if let Ok(
        Info {
            privileges: Some(_),
            ..
        }
        | Info {
            master: Some(_), ..
        },
    ) = info(session)
    {
        session.warnings.push(format!(
            "the hash of this session was written {days} days ago, and a session ends {LIFE} days after its login by default: log in again and replace the hash"
        ));
    }
}

fn observe(session: &mut Session, target: &Target) -> Result<Seen> {
    let id = employee(target);
    let request = request(&READ, format!("read employee {id}"))
        .body(Body::Json(json!({ "employee_id": id }).to_string()));
    let employee = session.ask::<Read>(&request)?.value;
    Ok(seen(target, &employee))
}

fn seen(target: &Target, employee: &Employee) -> Seen {
    Seen {
        account: target.value().to_owned(),
        id: None,
        name: None,
        fingerprint: employee.fingerprint(),
        offers: Vec::new(),
        details: vec![
            ("icon_id", json!(employee.icon_id)),
            ("file", json!(employee.avatar_file_name)),
        ],
    }
}

/// An icon is what shows, also beside the name of an older picture.
fn shown(session: &mut Session, target: &Target, seen: &Seen) -> Result<Shown> {
    let icon = seen
        .fingerprint
        .as_deref()
        .and_then(|text| text.strip_prefix("icon:"));
    let preset = |id: Option<&str>| Restore::Avatar(Avatar::Preset(&PRESET, id.map(str::to_owned)));
    let (origin, face, restore) = match (icon, stored(seen)) {
        (Some(icon), _) => (
            Origin::Default,
            Face::Absent(format!(
                "icon {icon} has no address that its picture could be read from"
            )),
            // Only a number can be assigned; a negative one nobody could have chosen.
            match number(icon) {
                Ok(id) => preset(Some(&id)),
                Err(_) => Restore::Nothing(format!("icon {icon}, which cannot be assigned")),
            },
        ),
        (None, Some(file)) => (
            Origin::Uploaded,
            read_picture(session, employee(target), file).into(),
            Restore::Picture,
        ),
        (None, None) => (
            Origin::Generated,
            Face::Absent("the employee has no icon and no picture".to_owned()),
            preset(None),
        ),
    };
    Ok(Shown {
        origin,
        face,
        restore,
        warnings: Vec::new(),
    })
}

fn read_picture(session: &mut Session, id: u64, file: &str) -> Result<Image> {
    let request = Request::picture(&PICTURE, format!("read the picture of employee {id}"));
    if !is_plain_segment(file) {
        return Err(request.failed(Class::Protocol, "the name of its file is none"));
    }
    session.picture(&request.item(file)).map_err(|error| {
        let not_there = matches!(error.class, Class::Target | Class::Protocol)
            && !matches!(error.status, Some(300..=399));
        match not_there {
            true => error.hint(ELSEWHERE),
            false => error,
        }
    })
}

const ELSEWHERE: &str =
    "an installation may keep its pictures at another path than static/employee/avatars";

/// Whether a name is one segment of a path, and stays where it is put.
fn is_plain_segment(name: &str) -> bool {
    let leads_away = |c: char| c.is_control() || "/\\".contains(c);
    !matches!(name, "" | "." | "..") && !name.contains(leads_away)
}

/// Reads the list instead of each employee, as long as that takes fewer calls. Who was not met there is read
/// alone.
fn observe_many(session: &mut Session, targets: &[&Target]) -> Result<Option<Vec<Result<Seen>>>> {
    let mut wanted = BTreeSet::new();
    wanted.extend(targets.iter().map(|target| employee(target)));
    let mut met = BTreeMap::new();
    let walked = walk(session, Some(&wanted))?.into_iter();
    met.extend(walked.map(|employee| (employee.id, employee)));
    let all = targets
        .iter()
        .map(|target| match met.get(&employee(target)) {
            Some(employee) => Ok(seen(target, employee)),
            None => observe(session, target),
        });
    Ok(Some(all.collect()))
}

/// One walk over the list tells both who there is and what they wear.
fn everybody(session: &mut Session) -> Result<Vec<(Target, Seen)>> {
    let kind = &SYSTEM.targets[0];
    let account = |employee: &Employee| {
        let target = Target::Named {
            kind,
            value: employee.id.to_string(),
        };
        let seen = seen(&target, employee);
        (target, seen)
    };
    Ok(walk(session, None)?.iter().map(account).collect())
}

/// Employees a page.
const PAGE: usize = 100;
/// How many employees are read at most: a list that does not end must not fill the memory.
const MOST: usize = 200_000;
/// How much of their texts, in bytes.
const MOST_TEXT: usize = 32 << 20;

/// Reads the list of employees page by page: all of them, or those that are wanted, and then only while no more
/// pages are left than wanted employees.
///
/// If the total moves, somebody was added or deleted meanwhile, and the next page may begin behind somebody who
/// was not read. One such edit is ordinary, and reading may be repeated: the list is read once more from its
/// beginning, and a total that moves again is an error. A page may be shorter than was asked for, because servers
/// may have a limit of their own; one that brings nobody new although employees are missing is an error, too.
fn walk(session: &mut Session, wanted: Option<&BTreeSet<u64>>) -> Result<Vec<Employee>> {
    let mut again = session.client.repeats();
    let (mut met, mut known, mut total, mut text) = (Vec::new(), BTreeSet::new(), None, 0);
    loop {
        let page = json!({ "limit": PAGE, "offset": known.len(), "sort": ["id=asc"] });
        let request = request(&LIST, "list employees".into()).body(Body::Json(page.to_string()));
        let Page { mut list, count } = session.ask(&request)?;
        let before = *total.get_or_insert(count);
        list.retain(|employee| known.insert(employee.id));
        let (new, left) = (list.len(), count.saturating_sub(known.len()));
        let wrong = if count != before {
            let what = format!("the total went from {before} to {count} while the pages were read");
            let error = request.failed(Class::Protocol, what);
            Some(error.hint("run again when nobody adds or deletes employees"))
        } else if new == 0 && left > 0 {
            let what =
                format!("a page brought nothing new, and {left} of {count} employees are missing");
            Some(request.failed(Class::Protocol, what))
        } else {
            None
        };
        match wrong {
            Some(error) if !again => return Err(error),
            Some(_) => {
                again = false;
                (met, known, total, text) = (Vec::new(), BTreeSet::new(), None, 0);
                continue;
            }
            None => {}
        }
        list.retain(|employee| wanted.is_none_or(|wanted| wanted.contains(&employee.id)));
        text += list.iter().map(Employee::length).sum::<usize>();
        met.append(&mut list);
        let missing = wanted.map_or(usize::MAX, |wanted| wanted.len() - met.len());
        if left == 0 || left.div_ceil(new) > missing {
            return Ok(met);
        }
        let most = match text > MOST_TEXT {
            true => format!("{} MiB of names", MOST_TEXT >> 20),
            false => format!("{MOST} employees"),
        };
        if text > MOST_TEXT || count > MOST {
            let what = format!("more than {most}, the most that avatarctl reads");
            return Err(request.failed(Class::Protocol, what));
        }
    }
}

fn row(employee: &Employee) -> Row {
    Row {
        kind: "employee",
        cells: vec![
            ("employee_id", json!(employee.id)),
            ("name", json!(employee.name())),
            ("icon_id", json!(employee.icon_id)),
            ("file", json!(employee.avatar_file_name)),
        ],
        more: Vec::new(),
    }
}

fn list(session: &mut Session) -> Result<Vec<Row>> {
    let employees = walk(session, None)?;
    Ok(employees.iter().map(row).collect())
}

fn format_fingerprint(fingerprint: &str) -> String {
    clean(&fingerprint.replacen(':', " ", 1), MESSAGE)
}

fn describe(seen: &Seen) -> String {
    let parts: Vec<String> = [("icon", "icon_id"), ("file", "file")]
        .into_iter()
        .filter_map(|(word, key)| {
            let (_, value) = seen.details.iter().find(|(known, _)| *known == key)?;
            match value {
                Value::Null => None,
                Value::String(text) => Some(format!("{word} {text}")),
                other => Some(format!("{word} {other}")),
            }
        })
        .collect();
    match parts.is_empty() {
        true => "no icon and no picture".to_owned(),
        false => clean(&parts.join(", "), MESSAGE),
    }
}

fn wears(avatar: &Avatar, fingerprint: Option<&str>) -> Option<bool> {
    let icon = fingerprint.and_then(|text| text.strip_prefix("icon:"));
    match avatar {
        Avatar::Preset(_, id) => Some(icon == id.as_deref()),
        _ => None,
    }
}

// --- writing ---

fn upload_and_show(
    session: &mut Session,
    target: &Target,
    picture: &Rc<Picture>,
    seen: Option<&Seen>,
) -> Result<Proof> {
    let stored = upload(session, target, picture, seen)?;
    // While an icon is set the picture is not what is shown. No document says that an upload takes it off, and where
    // none was seen somebody may have assigned one since.
    assign(session, employee(target), None).map_err(|error| {
        error.hint("the picture is stored, but the icon may still be shown; run again")
    })?;
    Ok(Proof::Is(format!("file:{stored}")))
}

/// Removes an icon that hides the uploaded picture.
fn restore(
    session: &mut Session,
    target: &Target,
    seen: &Seen,
    proven: &str,
) -> Result<Option<Proof>> {
    let file = proven.strip_prefix("file:");
    if file.is_none() || stored(seen) != file {
        return Ok(None);
    }
    assign(session, employee(target), None)?;
    Ok(Some(Proof::Is(proven.to_owned())))
}

fn assign(session: &mut Session, id: u64, icon: Option<&str>) -> Result<()> {
    session.ask::<Nothing>(&assignment(id, icon)).map(drop)
}

fn assignment(id: u64, icon: Option<&str>) -> Request {
    let operation = match icon {
        Some(icon) => format!("assign icon {icon}"),
        None => "take the icon off".to_owned(),
    };
    let number = |icon: &str| -> u64 { icon.parse().expect("an id that was read as a number") };
    // Leaving `icon_id` out would not promise the same as null.
    let body = json!({ "employee_id": id, "icon_id": icon.map(number) }).to_string();
    request(&ASSIGN, operation).body(Body::Json(body))
}

/// Stores a picture and returns the name of its file. If the answer is lost, a new name on the employee means
/// that it was stored; if there is none, the picture is sent once more.
fn upload(
    session: &mut Session,
    target: &Target,
    picture: &Rc<Picture>,
    before: Option<&Seen>,
) -> Result<String> {
    match store(session, target, picture) {
        Err(error) if error.loss().is_some() => {
            // If the employee cannot be read, the first failure is the one to report.
            let Ok(now) = observe(session, target) else {
                return Err(error);
            };
            match (stored(&now), before) {
                (Some(file), Some(before)) if stored(before) != Some(file) => Ok(file.to_owned()),
                _ if session.client.repeats() => store(session, target, picture),
                _ => Err(error),
            }
        }
        other => other,
    }
}

/// The name of the uploaded file, shown or hidden by an icon.
fn stored(seen: &Seen) -> Option<&str> {
    seen.details
        .iter()
        .find_map(|(key, value)| (*key == "file").then(|| value.as_str())?)
}

fn store(session: &mut Session, target: &Target, picture: &Rc<Picture>) -> Result<String> {
    Ok(session.ask::<Stored>(&storing(target, picture)?)?.value)
}

fn storing(target: &Target, picture: &Rc<Picture>) -> Result<Request> {
    let request = request(&UPLOAD, format!("upload {}", quote(&picture.name)));
    let media_type = picture.header.format.media_type();
    let form = Form::new()
        .text("employee_id", &employee(target).to_string())
        .file("file", &picture.sent_name(), media_type, picture.clone())
        .encode()
        .map_err(|error| request.unreadable(error))?;
    Ok(request.body(Body::Form(form)))
}

// --- pictures ---

fn picture(picture: &Picture) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    if picture.length > 16 << 20 {
        warnings.push(format!(
            "{}: larger than 16 MiB, the documented limit of the platform's file storage",
            quote(&picture.name)
        ));
    }
    Ok(warnings)
}
