//! What a client sent and what came back, attempt by attempt, as far as it may be shown: for a person who asks why, and
//! for the checks of a server. No secret is in it: texts are redacted when they are taken down, of headers only known
//! ones are shown, of cookies their names, and of the answer to a login the words that are no token. What is no text is
//! kept by its length and its SHA-256. All of it is held in memory, and bounded.

use std::cell::{Ref, RefCell};
use std::io::{self, Read};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::connect::{Facts, Tls};
use super::multipart::Part;
use super::request::{Body, Purpose, Request};
use super::response::Response;
use crate::picture::content::Content;
use crate::picture::{digest, hex, sha256};
use crate::redact::REDACTED;

/// One attempt at a request.
pub struct Exchange {
    pub begun: SystemTime,
    pub method: &'static str,
    /// The path of its call, with a `{}` for each item.
    pub path: &'static str,
    pub url: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    /// The names of those that were sent.
    pub cookies: Vec<String>,
    pub media_type: Option<String>,
    pub body: Payload,
    /// Of the body, in bytes.
    pub length: u64,
    /// Why there is no answer, in words.
    pub answer: std::result::Result<Answer, String>,
    pub times: Times,
    pub connection: Connection,
}

impl Exchange {
    /// A header of the answer that may be shown.
    pub fn answered(&self, name: &str) -> Option<&str> {
        let headers = &self.answer.as_ref().ok()?.headers;
        let found = headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Answer {
    /// A JSON body of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        match &self.body {
            Payload::Text(text) => serde_json::from_str(text).ok(),
            _ => None,
        }
    }
}

/// An answer of a server or of a proxy.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The names of those that it set.
    pub cookies: Vec<String>,
    pub body: Payload,
    /// As much of the body as was read, in bytes.
    pub length: usize,
    /// The body was longer than that.
    pub cut: bool,
    /// Where a redirect leads, without its query.
    pub place: Option<String>,
}

/// What a request or an answer carried.
pub enum Payload {
    Nothing,
    Text(String),
    /// What is no text, or too much of it.
    Bytes {
        length: u64,
        /// SHA-256 in hexadecimal digits.
        digest: String,
    },
    Form(Vec<Field>),
}

/// A part of a form.
pub struct Field {
    pub name: String,
    /// Its file name and media type, if it is a file.
    pub file: Option<(String, &'static str)>,
    pub content: Payload,
}

/// How long each part of an exchange took; none where it did not happen.
#[derive(Clone, Default)]
pub struct Times {
    pub look_up: Option<Duration>,
    /// TCP, and the tunnel of a proxy.
    pub connect: Option<Duration>,
    pub encrypt: Option<Duration>,
    pub send: Duration,
    pub wait: Duration,
    pub receive: Duration,
}

impl Times {
    pub fn sum(&self) -> Duration {
        let made = [self.look_up, self.connect, self.encrypt];
        made.into_iter().flatten().sum::<Duration>() + self.send + self.wait + self.receive
    }

    /// The times of an exchange that began and ended then.
    pub(super) fn of(facts: &Facts, took: Duration, begun: Instant) -> Times {
        let steps = &facts.steps;
        let since = |moment: Option<Instant>| {
            moment.map_or(took, |moment| moment.saturating_duration_since(begun))
        };
        let made = [steps.looked_up, steps.connected, steps.encrypted];
        let made = made.into_iter().flatten().sum::<Duration>().min(took);
        let answered = since(steps.answered);
        let sent = match steps.sent {
            None => made,
            sent => since(sent).clamp(made, answered.max(made)),
        };
        Times {
            look_up: steps.looked_up,
            connect: steps.connected,
            encrypt: steps.encrypted,
            send: sent - made,
            wait: answered.saturating_sub(sent),
            receive: took.saturating_sub(answered.max(sent)),
        }
    }
}

/// The connection that an exchange went over.
#[derive(Clone)]
pub struct Connection {
    /// Counted from 1; 0 if none was made.
    pub number: usize,
    /// Of the host that was connected to, which may be a proxy.
    pub addresses: Vec<IpAddr>,
    /// The one of them that took it.
    pub peer: Option<IpAddr>,
    pub tls: Option<Arc<Tls>>,
}

/// How much is kept, in bytes.
const MOST: usize = 16 << 20;

/// Every exchange of a client from some time on; a copy shares them.
#[derive(Clone)]
pub struct Recording(Rc<RefCell<Kept>>);

struct Kept {
    exchanges: Vec<Exchange>,
    /// How much room is left, in bytes.
    left: usize,
    /// How many exchanges found no room.
    missing: usize,
}

impl Default for Recording {
    fn default() -> Recording {
        Recording(Rc::new(RefCell::new(Kept {
            exchanges: Vec::new(),
            left: MOST,
            missing: 0,
        })))
    }
}

impl Recording {
    /// The exchanges in their order.
    pub fn exchanges(&self) -> Ref<'_, [Exchange]> {
        Ref::map(self.0.borrow(), |kept| kept.exchanges.as_slice())
    }

    /// How many exchanges found no room.
    pub fn missing(&self) -> usize {
        self.0.borrow().missing
    }

    /// Keeps an exchange: without its texts where there is no room for them, or not at all.
    pub(super) fn keep(&self, mut exchange: Exchange) {
        let mut kept = self.0.borrow_mut();
        if exchange.size() > kept.left {
            exchange.shorten();
        }
        match kept.left.checked_sub(exchange.size()) {
            Some(left) => {
                kept.left = left;
                kept.exchanges.push(exchange);
            }
            None => kept.missing += 1,
        }
    }
}

impl Exchange {
    /// About how much memory it takes, in bytes.
    fn size(&self) -> usize {
        let pairs = |pairs: &[(String, String)]| -> usize {
            pairs
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum()
        };
        let answer = match &self.answer {
            Ok(answer) => pairs(&answer.headers) + answer.body.size(),
            Err(why) => why.len(),
        };
        let request = self.url.len() + pairs(&self.query) + pairs(&self.headers);
        size_of::<Exchange>() + request + self.body.size() + answer
    }

    fn shorten(&mut self) {
        self.body.shorten();
        if let Ok(answer) = &mut self.answer {
            answer.body.shorten();
        }
    }
}

impl Payload {
    fn size(&self) -> usize {
        match self {
            Payload::Nothing => 0,
            Payload::Text(text) => text.len(),
            Payload::Bytes { digest, .. } => digest.len(),
            Payload::Form(fields) => fields.iter().map(|field| field.content.size() + 64).sum(),
        }
    }

    fn shorten(&mut self) {
        if let Payload::Text(text) = self {
            *self = Payload::of_bytes(text.as_bytes());
        }
    }

    fn of_bytes(bytes: &[u8]) -> Payload {
        Payload::Bytes {
            length: bytes.len() as u64,
            digest: hex(&sha256(bytes)),
        }
    }

    /// What a request carries.
    pub(super) fn of_request(request: &Request, plain: &dyn Fn(&str) -> String) -> Payload {
        match &request.body {
            Body::Empty => Payload::Nothing,
            Body::Json(text) if request.call.purpose == Purpose::Login => {
                Payload::Text(plain(&words_alone(text, &ASKED)))
            }
            Body::Json(text) => Payload::Text(plain(text)),
            Body::Raw(_, content) => Payload::of_content(content.as_ref()),
            Body::Form(form) => {
                let field = |part: &Part| Field {
                    name: part.name.clone(),
                    file: part.file.clone(),
                    content: match &part.file {
                        Some(_) => Payload::of_content(part.content.as_ref()),
                        None => Payload::of_text(part.content.as_ref(), plain),
                    },
                };
                Payload::Form(form.parts.iter().map(field).collect())
            }
        }
    }

    fn of_content(content: &dyn Content) -> Payload {
        let read = || digest(&mut content.open()?, &mut [0; 16 << 10]);
        match read() {
            Ok((digest, length)) => Payload::Bytes {
                length,
                digest: hex(&digest),
            },
            // It changed meanwhile, which the request says itself.
            Err(_) => Payload::Nothing,
        }
    }

    fn of_text(content: &dyn Content, plain: &dyn Fn(&str) -> String) -> Payload {
        let mut text = String::new();
        let mut read = || -> io::Result<usize> { content.open()?.read_to_string(&mut text) };
        match read() {
            Ok(_) => Payload::Text(plain(&text)),
            Err(_) => Payload::of_content(content),
        }
    }

    /// What an answer carries.
    pub(super) fn of_answer(
        request: &Request,
        response: &Response,
        plain: &dyn Fn(&str) -> String,
    ) -> Payload {
        let kind = response.header("content-type").unwrap_or_default();
        let picture = kind.to_ascii_lowercase().starts_with("image/");
        let body = match response.cut {
            // A secret of which a part is missing would not be recognised.
            true => &response.body[..response.body.len().saturating_sub(LONGEST_SECRET)],
            false => &response.body,
        };
        let text = match std::str::from_utf8(body) {
            Ok(text) => text,
            // A character that the end cut in two.
            Err(error) if response.cut && error.error_len().is_none() => {
                std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => return Payload::of_bytes(&response.body),
        };
        match request.call.purpose {
            _ if response.body.is_empty() => Payload::Nothing,
            _ if picture => Payload::of_bytes(&response.body),
            Purpose::Login => Payload::Text(plain(&words_alone(text, &ANSWERED))),
            Purpose::Work | Purpose::Picture | Purpose::Logout => Payload::Text(plain(text)),
        }
    }
}

/// More than any secret has, in bytes.
const LONGEST_SECRET: usize = 8 << 10;

/// The keys whose texts are shown of a request that logs in, and of its answer. All others are taken for a secret, which
/// nobody has told the redactor yet.
const ASKED: [&str; 4] = ["initial_device_display_name", "login", "type", "user"];
const ANSWERED: [&str; 12] = [
    "code",
    "description",
    "errcode",
    "error",
    "errorType",
    "factor_type",
    "message",
    "method",
    "reason",
    "status",
    "success",
    "type",
];

/// JSON in which the texts and numbers of other keys are redacted; what is no JSON stays as it is.
fn words_alone(text: &str, keys: &[&str]) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            hide(&mut value, false, keys);
            value.to_string()
        }
        Err(_) => text.to_owned(),
    }
}

fn hide(value: &mut Value, shown: bool, keys: &[&str]) {
    match value {
        Value::String(_) | Value::Number(_) if !shown => *value = REDACTED.into(),
        Value::Object(fields) => {
            for (key, value) in fields {
                hide(value, keys.contains(&key.as_str()), keys);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, shown, keys)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_login_the_words_are_shown_alone() {
        for (text, keys, wanted) in [
            (
                r#"{"user":"robot","password":"ab","code":"123"}"#,
                &ASKED[..],
                r#"{"code":"(redacted)","password":"(redacted)","user":"robot"}"#,
            ),
            (
                r#"{"status":"success","data":{"userId":"u","authToken":"t","me":{"emails":["a"],"ok":true}}}"#,
                &ANSWERED[..],
                r#"{"data":{"authToken":"(redacted)","me":{"emails":["(redacted)"],"ok":true},"userId":"(redacted)"},"status":"success"}"#,
            ),
            (
                r#"{"success":false,"status":{"code":102,"description":"Wrong"}}"#,
                &ANSWERED[..],
                r#"{"status":{"code":102,"description":"Wrong"},"success":false}"#,
            ),
            (r#"["t"]"#, &ANSWERED[..], r#"["(redacted)"]"#),
            ("<html>", &ANSWERED[..], "<html>"),
        ] {
            assert_eq!(words_alone(text, keys), wanted);
        }
    }

    #[test]
    fn what_finds_no_room_is_shortened_and_then_left_out() {
        let recording = Recording::default();
        let exchange = |text: &str| Exchange {
            begun: SystemTime::UNIX_EPOCH,
            method: "GET",
            path: "",
            url: String::new(),
            query: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            media_type: None,
            body: Payload::Text(text.to_owned()),
            length: 0,
            answer: Err(String::new()),
            times: Times::default(),
            connection: Connection {
                number: 0,
                addresses: Vec::new(),
                peer: None,
                tls: None,
            },
        };
        recording.keep(exchange(&"x".repeat(MOST)));
        assert!(matches!(
            recording.exchanges()[0].body,
            Payload::Bytes { length, .. } if length == MOST as u64
        ));
        recording.0.borrow_mut().left = 8;
        recording.keep(exchange(""));
        assert_eq!((recording.exchanges().len(), recording.missing()), (1, 1));
    }
}
