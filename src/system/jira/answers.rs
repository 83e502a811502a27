//! What Jira's answers say: the shapes of good ones, and what a refusal means. Nothing is sent here.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::super::session::{Reading, Session};
use crate::error::{Class, Error, NOT_PERMITTED};
use crate::http::{Request, Response};

/// A null where a list, a map or a flag belongs means that there is none.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> std::result::Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerInfo {
    pub(super) base_url: Option<String>,
    pub(super) version: Option<String>,
    pub(super) deployment_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) name: Option<String>,
    pub(super) key: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) avatar_urls: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bean {
    pub(super) id: Id,
    pub(super) owner: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) is_system_avatar: bool,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) is_selected: bool,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) selected: bool,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) urls: BTreeMap<String, String>,
}

/// An id: text by the documents, a number from some versions.
pub(super) struct Id(pub(super) String);

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
pub(super) struct Permissions {
    pub(super) permissions: Option<Known>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) struct Known {
    pub(super) administer: Option<Permission>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Permission {
    pub(super) have_permission: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Avatars {
    pub(super) system: Option<Vec<Bean>>,
    pub(super) custom: Option<Vec<Bean>>,
}

/// What an upload answers: a proposal how to crop, or the avatar itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Upload {
    pub(super) id: Option<Id>,
    pub(super) cropper_width: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refusal {
    #[serde(default, deserialize_with = "nullable")]
    pub(super) error_messages: Vec<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    pub(super) errors: BTreeMap<String, Value>,
    pub(super) message: Option<String>,
    pub(super) error_message: Option<String>,
}

/// The reason that the server gives, if it gives one.
pub(super) fn reason(response: &Response) -> Option<String> {
    match response.json::<Refusal>() {
        Ok(refusal) => said(refusal),
        Err(_) => response.plain(),
    }
}

pub(super) fn said(refusal: Refusal) -> Option<String> {
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
pub(super) fn recognizes(response: &Response) -> bool {
    let messages = |answer: Value| answer.get("errorMessages").is_some_and(Value::is_array);
    response.header("x-arequestid").is_some() || response.json().is_ok_and(messages)
}

const DENIED: &str = "x-authentication-denied-reason";

/// What Jira thinks of a login that it did not look at, and of one that is wrong.
const LOCKED: &str = "AUTHENTICATION_DENIED";
const WRONG: &str = "AUTHENTICATED_FAILED";

/// What Jira thinks of the login, which it says with any status, 200 included.
fn login_reason(response: &Response) -> &str {
    response.header("x-seraph-loginreason").unwrap_or("")
}

pub(super) fn is_login_refused(response: &Response) -> bool {
    let reason = login_reason(response);
    response.header(DENIED).is_some() || reason.contains(LOCKED) || reason.contains(WRONG)
}

/// The order of the checks matters: denial headers come with any status, 200 included; the text of an
/// XSRF refusal comes with 403 or 404.
pub(super) fn refusal(session: &Session, request: &Request, response: &Response) -> Reading {
    let error =
        |class, what: &str| session.refused(request, response, class, what, reason(response));
    let plainly = |class, what: &str| session.refused(request, response, class, what, None);
    let login = login_reason(response);
    if let Some(denied) = response.header(DENIED) {
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
    if login.contains(LOCKED) {
        return Reading::Refused(
            plainly(Class::Credentials, "login denied")
                .hint("log in once as this account in a browser; too many failed logins lock it"),
        );
    }
    if login.contains(WRONG) {
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
        401 if logged_in => error(Class::Credentials, NOT_PERMITTED).hint(PERMISSION),
        401 => wrong_login(session, error(Class::Credentials, "not logged in")),
        404 if response.json::<Refusal>().is_ok() => error(Class::Target, "not found"),
        405 => error(Class::Configuration, "this server does not offer the call").hint(CLOUD),
        _ => return Reading::Unsaid,
    })
}

/// Whether a cookie was refused because its session has ended; servers say so in different words.
pub(super) fn dead_session(response: &Response) -> bool {
    ["os_authType", "cookie", "Cookie"]
        .iter()
        .any(|word| response.mentions(word))
}

pub(super) fn wrong_login(session: &Session, error: Error) -> Error {
    error.hint(session.hint(match session.token {
        true => "make a new personal access token for this account and set {TOKEN}",
        false => "check {USER} and {PASSWORD} before the next run, because failed logins lock the account; from Jira 11 on, passwords are off by default: use a token",
    }))
}

pub(super) const CONTEXT_PATH: &str =
    "the base URL may lack the context path, as in https://host/jira";
pub(super) const PERMISSION: &str = "to change another user's avatar you need the global permission Administer Jira; nobody can change one while users are managed in an external directory";
pub(super) const LIST: &str = "avatarctl jira list shows the ids that exist";
pub(super) const CLOUD: &str =
    "Jira Cloud keeps avatars in the Atlassian account and has no operation that sets them";
pub(super) const TOKEN_WAYS: &str = "Jira ends the session of a personal access token after each request, and an upload needs its session: select an existing avatar with --avatar-id, send a square picture of at most 48 pixels, or use {USER} and {PASSWORD} for the upload";
