//! A request is data; this is the one place that sends it. Budgets, bounds and the classes of failures that
//! every system shares live here; what an answer means to a system does not. With `connect.rs` the only
//! file that knows ureq.

pub mod certificate;
pub mod connect;
pub mod curl;
pub mod limits;
pub mod multipart;
pub mod tls;

use std::fmt::Write as _;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use ureq::http::header::{HeaderName, HeaderValue};
use ureq::{Agent, AsSendBody, SendBody};

use crate::error::{Class, Error, Loss, Result, reason};
use crate::http::connect::{Dialler, Names, NotConnected};
use crate::http::multipart::Encoded;
use crate::http::tls::Trust;
use crate::picture::content::Content;
use crate::redact::{REDACTED, Redactor, Scope};
use crate::secret::Secret;
use crate::settings::address::{self, Address};
use crate::settings::proxy::Proxy;
use crate::signals;
use crate::terminal::{MESSAGE, clean};
use crate::time::span;

/// The methods these systems take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

/// A call of a system's API, as its table has it.
pub struct Call {
    pub method: Method,
    /// Below the base address, without a leading slash; each `{}` in it is one item of a request.
    pub path: &'static str,
    pub repeat: Repeat,
    pub purpose: Purpose,
}

/// What a call is for, as far as its refusals mean something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// What the caller's credentials are for.
    Work,
    Login,
    Logout,
}

/// What servers count calls by: method and path.
type Route = (&'static str, &'static str);

impl Call {
    pub const fn new(method: Method, path: &'static str, repeat: Repeat) -> Call {
        Call {
            method,
            path,
            repeat,
            purpose: Purpose::Work,
        }
    }

    /// The call that opens a session, made before there are credentials to send.
    pub const fn login(self) -> Call {
        Call {
            purpose: Purpose::Login,
            ..self
        }
    }

    /// The call that ends a session.
    pub const fn logout(self) -> Call {
        Call {
            purpose: Purpose::Logout,
            ..self
        }
    }

    fn route(&self) -> Route {
        (self.method.name(), self.path)
    }
}

/// When a call may be made again, up to `--retries` times.
pub struct Repeat {
    /// After a connection that was never made.
    pub refused: bool,
    /// After an answer that was lost, or that a gateway gave for the server (502, 504): the call may have
    /// been carried out.
    pub lost: bool,
    /// After an answer that says it was not carried out: 429, 503.
    pub busy: bool,
}

/// Reads, and writes of which the last one wins.
pub const ALWAYS: Repeat = Repeat {
    refused: true,
    lost: true,
    busy: true,
};

/// Writes that would be carried out twice.
pub const UNLESS_LOST: Repeat = Repeat {
    refused: true,
    lost: false,
    busy: true,
};

/// What must not reach the server twice, and logins, of which each refused one counts.
pub const ONCE: Repeat = Repeat {
    refused: true,
    lost: false,
    busy: false,
};

/// What is not worth a wait.
pub const NEVER: Repeat = Repeat {
    refused: false,
    lost: false,
    busy: false,
};

/// What a request carries. Its length is known before the first byte is sent.
pub enum Body {
    Empty,
    Json(String),
    /// The bytes of a picture as they are, with their media type.
    Raw(&'static str, Rc<dyn Content>),
    Form(Encoded),
}

impl Body {
    pub fn content_type(&self) -> Option<String> {
        match self {
            Body::Empty => None,
            Body::Json(_) => Some("application/json".into()),
            Body::Raw(media_type, _) => Some((*media_type).into()),
            Body::Form(form) => Some(form.content_type()),
        }
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        match self {
            Body::Empty => 0,
            Body::Json(text) => text.len() as u64,
            Body::Raw(_, content) => content.length(),
            Body::Form(form) => form.length(),
        }
    }

    fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Body::Empty => Box::new(io::empty()),
            Body::Json(text) => Box::new(text.as_bytes()),
            Body::Raw(_, content) => content.open()?,
            Body::Form(form) => Box::new(form.reader()?),
        })
    }
}

/// One call with what it carries, without the caller's credentials: the client adds those.
pub struct Request {
    pub call: &'static Call,
    /// What stands in the call's path, encoded when sent.
    pub items: Vec<String>,
    /// What the call does to what, as a message begins: `select avatar 24880`.
    pub operation: String,
    /// Encoded when sent.
    pub query: Vec<(&'static str, String)>,
    pub headers: Vec<(&'static str, String)>,
    /// Headers that are not shown, such as a session's cookies.
    pub secrets: Vec<(&'static str, Secret)>,
    pub body: Body,
}

impl Request {
    pub fn new(call: &'static Call, operation: impl Into<String>) -> Request {
        Request {
            call,
            items: Vec::new(),
            operation: operation.into(),
            query: Vec::new(),
            headers: Vec::new(),
            secrets: Vec::new(),
            body: Body::Empty,
        }
    }

    /// Fills the next `{}` of the path.
    pub fn item(mut self, item: &str) -> Request {
        self.items.push(item.to_owned());
        self
    }

    pub fn query(mut self, name: &'static str, value: &str) -> Request {
        self.query.push((name, value.to_owned()));
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }

    pub fn secret(mut self, name: &'static str, value: Secret) -> Request {
        self.secrets.push((name, value));
        self
    }

    pub fn body(mut self, body: Body) -> Request {
        self.body = body;
        self
    }

    /// What this call carries cannot be read.
    pub fn unreadable(&self, error: io::Error) -> Error {
        let text = reason(&error);
        // The picture's own reader says it in our words.
        match error.into_inner().map(|inner| inner.downcast::<Error>()) {
            Some(Ok(ours)) => about(self, *ours),
            _ => self.failed(Class::Input, text),
        }
    }

    /// A failure of this call.
    pub fn failed(&self, class: Class, what: impl Into<String>) -> Error {
        Error::new(class, what).about(&self.operation)
    }

    pub fn url(&self, base: &Address) -> String {
        let mut url = format!("{}/", base.text());
        let mut items = self.items.iter();
        for (at, piece) in self.call.path.split("{}").enumerate() {
            if at > 0 {
                let item = items
                    .next()
                    .expect("a request fills every place of its path");
                url.push_str(&address::encode(item));
            }
            url.push_str(piece);
        }
        for (at, (name, value)) in self.query.iter().enumerate() {
            let sign = if at == 0 { '?' } else { '&' };
            let _ = write!(url, "{sign}{name}={}", address::encode(value));
        }
        url
    }
}

/// An answer, whole or as much of it as anybody will read.
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// The body was longer than the bound.
    cut: bool,
    /// What became of repeating the call, as the end of a message.
    note: String,
}

impl Response {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// What became of repeating the call, as the end of a message; empty where it was not repeated.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// What an answer says that asks for another try, in words.
    fn busy(&self) -> String {
        match self.status {
            429 => "too many requests".to_owned(),
            // A system's own way of saying it, with a status of any kind.
            _ if self.start().to_lowercase().contains("too many requests") => {
                "too many requests".to_owned()
            }
            status @ (502 | 504) => format!("a gateway answered {status} for the server"),
            status @ 500.. => format!("the server is not available ({status})"),
            _ => "the server is busy".to_owned(),
        }
    }

    pub fn success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status)
    }

    pub fn is_empty(&self) -> bool {
        self.body.iter().all(u8::is_ascii_whitespace)
    }

    /// Whether the body is JSON as these systems send it, whatever its header says.
    fn is_json(&self) -> bool {
        let body = self
            .body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.body);
        body.trim_ascii_start().starts_with(b"{")
    }

    pub fn is_html(&self) -> bool {
        let declared = self
            .header("content-type")
            .is_some_and(|value| value.to_ascii_lowercase().starts_with("text/html"));
        let start = self.start().to_ascii_lowercase();
        declared && !start.starts_with('{')
            || start.starts_with("<!doctype")
            || start.starts_with("<html")
    }

    /// The body as JSON of this shape.
    ///
    /// Errors: what it is instead, as the end of a sentence.
    pub fn json<T: DeserializeOwned>(&self) -> std::result::Result<T, &'static str> {
        if self.is_empty() {
            return Err("an empty body");
        }
        if self.cut {
            return Err("a longer answer than this call ever gives");
        }
        let encoding = self.header("content-encoding").unwrap_or("identity");
        if !encoding.eq_ignore_ascii_case("identity") {
            return Err("a compressed body that nobody asked for");
        }
        use serde_json::error::Category;
        let bytes = self
            .body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(&self.body);
        // No answer of these systems is anything but an object, and serde would take a list for one.
        let parsed = match bytes.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice(bytes),
            _ if self.is_html() => return Err("an HTML page"),
            _ => {
                return Err(
                    match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
                        Ok(_) => "JSON of another shape",
                        Err(_) => "something that is not JSON",
                    },
                );
            }
        };
        parsed.map_err(|error| match error.classify() {
            Category::Eof => "JSON that is cut off",
            Category::Data => "JSON of another shape",
            Category::Syntax | Category::Io => "something that is not JSON",
        })
    }

    /// Whether the beginning of the body, of whatever type, contains this.
    pub fn mentions(&self, text: &str) -> bool {
        self.start().contains(text)
    }

    /// Whether the body, of whatever type, contains this anywhere.
    pub fn contains(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(text)
    }

    /// The first line of a plain text, where the body is one. It is whole: a secret in it that was cut would
    /// not be recognised any more.
    pub fn plain(&self) -> Option<String> {
        let plain =
            !self.is_empty() && !self.is_html() && !self.start().starts_with(['{', '[', '<']);
        let text = String::from_utf8_lossy(&self.body);
        let line = text.trim_start_matches(blank).lines().next()?;
        let whole = match self.cut {
            true => line.rsplit_once(char::is_whitespace)?.0,
            false => line,
        };
        plain.then(|| whole.to_owned())
    }

    /// An answer without a body, for tests of those who read its headers.
    #[cfg(test)]
    pub fn example(status: u16, headers: &[(&str, &str)]) -> Response {
        Response {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: Vec::new(),
            cut: false,
            note: String::new(),
        }
    }

    /// The beginning, for a look; cut at a length that no message exceeds.
    fn start(&self) -> String {
        let start = self.body.get(..4 * MESSAGE).unwrap_or(&self.body);
        String::from_utf8_lossy(start)
            .trim_start_matches(blank)
            .to_owned()
    }
}

fn blank(c: char) -> bool {
    c == '\u{feff}' || c.is_whitespace()
}

/// How much of an answer is read, in bytes. A Jira account with a thousand custom avatars lists 700 kB.
const LONGEST_ANSWER: u64 = 2 << 20;
/// How much of a refusal is read, in bytes: it carries a sentence, and an error page may be endless.
const LONGEST_REFUSAL: u64 = 64 << 10;
/// As which program we call; a browser's name would make some servers suspect a forged request.
pub const AGENT: &str = concat!("avatarctl/", env!("CARGO_PKG_VERSION"));
/// Buffers of a connection, in bytes.
const BUFFER: usize = 32 << 10;
/// The status line and headers of an answer, in bytes. Less than the buffer, which a longer head would fill
/// without ever being whole: ureq takes that for a lost connection.
const LONGEST_HEAD: usize = BUFFER - 1;

/// Many servers take no longer header, in bytes, and not all of them say so.
const USUAL_HEADER: usize = 8 << 10;

/// What servers that answer 400 or 413 to a header of a request that is too long say about it: Tomcat, nginx,
/// Apache, IIS, Jetty.
const HEADERS_TOO_LONG: [&str; 6] = [
    "header is too large",
    "cookie too large",
    "header field exceeds",
    "headers is too long",
    "header fields too large",
    "header too large",
];

/// Headers whose values are shown by `-vv`; any other value is hidden.
const SHOWN: [&str; 19] = [
    "accept",
    "allow",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "retry-after",
    "server",
    "transfer-encoding",
    "user-agent",
    "x-arequestid",
    "x-atlassian-token",
    "x-authentication-denied-reason",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-seraph-loginreason",
    "via",
];

/// Where the lines of `-v` and `-vv` go.
#[derive(Clone, Copy)]
pub struct Trace {
    /// 0 nothing, 1 a line for a request with its answer, 2 their headers too.
    pub level: u8,
    pub line: fn(&str),
}

/// How to reach a server.
pub struct Reach {
    pub base: Address,
    pub trust: Trust,
    /// To look up, connect and shake hands.
    pub connect_timeout: Duration,
    /// For one request, its connection and the whole answer included.
    pub timeout: Duration,
    /// When the whole command must be over.
    pub deadline: Option<Instant>,
    /// How often a request is repeated that may be.
    pub retries: u32,
    pub proxy: Option<Proxy>,
    pub trace: Trace,
    /// Waits, and tells the user about it in a line that is made from the time that is left.
    pub pause: fn(Duration, &dyn Fn(Duration) -> String),
}

/// Whether an answer says that the call was not carried out and may be made again, and after how long at
/// least, as far as its body tells.
pub type Busy = fn(&Response) -> Option<Duration>;

/// What every server and proxy says with its status.
pub fn busy(response: &Response) -> Option<Duration> {
    matches!(response.status, 429 | 502 | 503 | 504).then_some(Duration::ZERO)
}

/// No wait that a server asks for is longer, when the command has no limit of its own.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// Sends requests to one base address, over one connection while it lasts.
pub struct Client {
    reach: Reach,
    agent: Agent,
    made: Arc<AtomicUsize>,
    busy: Busy,
    /// The caller's credentials, sent with every request, and the options that make curl send them.
    credentials: Vec<(&'static str, Secret, String)>,
    /// What must not be shown even when a server repeats it.
    secrets: Redactor,
    /// An answer held a credential.
    echoed: bool,
    /// When a route that has no calls left may be called again, by method and path.
    spent: Vec<(Route, Instant)>,
}

/// Why there is no answer.
struct Lost {
    error: Error,
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// No connection was made.
    Refused,
    /// The connection broke; the request may have been carried out.
    Lost,
    /// Out of time; the request may have been carried out.
    Late,
    /// Another try would end the same way.
    Final,
}

impl Client {
    /// Errors: configuration, when the trust store or a client certificate cannot be used.
    pub fn new(reach: Reach) -> Result<Client> {
        // A file that cannot be used is said at once, even if this base address does not need it.
        let wanted = reach.base.is_https() || reach.trust.names_files();
        let made = Arc::new(AtomicUsize::new(0));
        let dialler = Dialler {
            made: made.clone(),
            tls: if wanted {
                Some(tls::config(&reach.trust)?)
            } else {
                None
            },
            proxy: reach.proxy.clone(),
        };
        // A proxy for plain http may close after each answer without a word of it (tinyproxy does), and a request
        // that meets the end of a connection looks like one whose answer was lost. So each gets its own.
        let reused = match reach.proxy.is_some() && !reach.base.is_https() {
            true => 0,
            false => 1,
        };
        let names = Names::new(reach.proxy.as_ref().map(|proxy| &proxy.address));
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_resolve(Some(reach.connect_timeout))
            .timeout_connect(Some(reach.connect_timeout))
            .max_response_header_size(LONGEST_HEAD)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .max_idle_connections(reused)
            .max_idle_age(Duration::from_secs(120))
            .user_agent(AGENT)
            .accept(ureq::config::AutoHeaderValue::None)
            .accept_encoding(ureq::config::AutoHeaderValue::None)
            .build();
        let mut client = Client {
            agent: Agent::with_parts(config, dialler, names),
            made,
            busy,
            credentials: Vec::new(),
            secrets: Redactor::default(),
            echoed: false,
            spent: Vec::new(),
            reach,
        };
        if let Some(login) = client
            .reach
            .proxy
            .as_ref()
            .and_then(|proxy| proxy.login.clone())
        {
            client.redact_pair(login.expose());
        }
        Ok(client)
    }

    /// Whether the user wants failed requests to be repeated at all.
    pub fn repeats(&self) -> bool {
        self.reach.retries > 0
    }

    /// Judges from now on by this system's own way of being busy.
    pub fn set_busy_check(&mut self, busy: Busy) {
        self.busy = busy;
    }

    pub fn base(&self) -> &Address {
        &self.reach.base
    }

    /// Sends `name: scheme secret` with every request from now on, the scheme with its blank or empty; `curl` is the
    /// option that does it there, with a variable where the secret is. Neither the secret nor the whole is shown.
    pub fn authorize(&mut self, name: &'static str, scheme: &str, secret: &Secret, curl: String) {
        let value = Secret::new(format!("{scheme}{}", secret.expose()));
        self.redact(secret);
        self.redact(&value);
        self.credentials.push((name, value, curl));
    }

    /// What is sent in this header.
    pub fn credential(&self, name: &str) -> Option<&Secret> {
        let mut credentials = self.credentials.iter();
        credentials.find_map(|(known, value, _)| (*known == name).then_some(value))
    }

    /// The same for the caller's id that stands beside the secret: servers give it as an id in good answers.
    pub fn identify(&mut self, name: &'static str, id: Secret, curl: String) {
        self.secrets.keep(id.expose(), Scope::Refusals);
        self.credentials.push((name, id, curl));
    }

    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The options that make curl send the credentials.
    pub fn curl(&self) -> impl Iterator<Item = &str> {
        self.credentials.iter().map(|(_, _, curl)| curl.as_str())
    }

    /// Takes this text, however it is spelt, out of whatever a server says. What is short enough to be a word or a
    /// name is taken out of refusals only.
    pub fn redact(&mut self, secret: &Secret) {
        self.secrets.keep(secret.expose(), Scope::Answers);
    }

    /// The same for `user:password`, as Basic credentials have it. A password that is a part of the name itself would
    /// blot out the name.
    pub fn redact_pair(&mut self, pair: &str) {
        let (user, password) = pair.split_once(':').unwrap_or_default();
        self.redact_password(user, password);
        self.secrets.keep(pair, Scope::Answers);
    }

    /// The same for a password and the name that is typed beside it.
    pub fn redact_password(&mut self, user: &str, password: &str) {
        let scope = match user.to_lowercase().contains(&password.to_lowercase()) {
            true => Scope::Refusals,
            false => Scope::Answers,
        };
        self.secrets.keep(password, scope);
    }

    /// The same for a secret of one account or request, of which a batch has thousands: the last ones count.
    pub fn redact_for_now(&mut self, secret: &Secret) {
        self.secrets.pass(secret.expose(), Scope::Answers);
    }

    /// The same for an address: it may carry secrets before its host and behind its path, and a server repeats it in
    /// parts and decoded. Some of the parts may be ids that are no secret, and that the server needs to be told.
    pub fn redact_address(&mut self, address: &str) {
        let (_, rest) = address.split_once("://").unwrap_or(("", address));
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let login = authority.rsplit_once('@').map_or("", |(login, _)| login);
        let behind = rest.find(['?', '#']).map_or("", |at| &rest[at + 1..]);
        let mut redact = |text: &str| {
            self.secrets.pass(text, Scope::Refusals);
            if let Some(decoded) = address::decode(text) {
                self.secrets.pass(&decoded, Scope::Refusals);
            }
        };
        redact(login);
        login.split(':').skip(1).for_each(&mut redact);
        redact(behind);
        for part in behind.split(['&', ';', '#', '?']) {
            redact(part);
            if let Some((_, value)) = part.split_once('=') {
                redact(value);
            }
        }
        redact(behind.split('#').next().unwrap_or_default());
    }

    /// What a server said, made fit for a message: no secret, one line, bounded.
    pub fn said(&self, text: &str) -> String {
        clean(&self.secrets.refusal(text), MESSAGE)
    }

    /// A name or another value from a server without what is certainly a secret, as it may be kept.
    pub fn value(&self, text: &str) -> String {
        self.secrets.value(text)
    }

    /// Sends a request and reads the answer, whatever its status; repeats it where its call allows that and
    /// the failure may pass. A redirect is not followed.
    ///
    /// Errors: unreachable (no connection was made), temporary (lost or out of time), protocol (not HTTP),
    /// data (the picture changed while it was sent), credentials (a proxy's).
    pub fn send(&mut self, request: &Request) -> Result<Response> {
        for (_, secret) in &request.secrets {
            self.redact_for_now(secret);
        }
        if self.echoed && self.carries_a_gap(request) {
            return Err(request.failed(
                Class::Protocol,
                "the server answered with the credential where a name or an id belongs",
            ));
        }
        let route = request.call.route();
        if let Some(at) = self.spent.iter().position(|(known, _)| *known == route) {
            let left = self.spent[at].1.saturating_duration_since(Instant::now());
            let why = "the server allows no more of these calls for now";
            let operation = &request.operation;
            self.wait(left, request, why, &|left| {
                format!("{why}, going on in {left} to {operation}")
            })?;
            self.spent.remove(at);
        }
        let mut attempt = 0;
        // How the first attempt was lost that may have been carried out.
        let mut lost_one = None;
        loop {
            let made = self.connections();
            let answered = self.once(request);
            lost_one = lost_one.or(answered.as_ref().err().and_then(|lost| lost.error.lost));
            let perhaps = |error: Error| Error {
                lost: error.lost.or(lost_one),
                ..error
            };
            let repeat = &request.call.repeat;
            // A server may close a kept connection just when the next request is on its way: there is nothing to
            // wait for before the first repeat (RFC 9110, section 9.2.2).
            let lost = matches!(&answered, Err(Lost { how: How::Lost, .. }));
            let stale = lost && made == self.connections();
            if stale && repeat.lost && attempt == 0 && self.repeats() {
                attempt = 1;
                continue;
            }
            let (asked, allowed, why) = match &answered {
                Ok(response) => match (self.busy)(response) {
                    Some(asked) if response.status == 502 || response.status == 504 => {
                        (asked, repeat.lost, response.busy())
                    }
                    Some(asked) => (asked, repeat.busy, response.busy()),
                    None => (Duration::ZERO, false, String::new()),
                },
                Err(Lost { error, how }) => {
                    let allowed = match how {
                        How::Refused => repeat.refused,
                        How::Lost | How::Late => repeat.lost,
                        How::Final => false,
                    };
                    (Duration::ZERO, allowed, error.message())
                }
            };
            let mut note = match attempt {
                0 => String::new(),
                _ => format!(" (tried {} times)", attempt + 1),
            };
            if allowed && attempt < self.reach.retries && signals::caught().is_none() {
                let time = limits::wait(answered.as_ref().ok(), asked, attempt, now());
                match self.too_long(time) {
                    None => {
                        let operation = &request.operation;
                        let prefix = format!("{operation}: ");
                        let why = why.strip_prefix(&prefix).unwrap_or(&why);
                        // The reason comes first: a terminal may be narrow.
                        self.pause(time, request, &|left| {
                            format!("{why}, trying again in {left} to {operation}")
                        })
                        .map_err(perhaps)?;
                        attempt += 1;
                        continue;
                    }
                    Some(limit) => note.push_str(&format!("; {limit}")),
                }
            }
            return match answered {
                Ok(response) => Ok(self.counted(request, Response { note, ..response })),
                Err(Lost { mut error, .. }) => {
                    error.note.push_str(&note);
                    Err(perhaps(error))
                }
            };
        }
    }

    /// Whether this would send back what is left of an answer that held a credential.
    fn carries_a_gap(&self, request: &Request) -> bool {
        let body = match &request.body {
            Body::Json(text) => text.contains(REDACTED),
            _ => false,
        };
        body || request
            .url(&self.reach.base)
            .contains(&address::encode(REDACTED))
    }

    /// How many connections were made so far.
    fn connections(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// Remembers what a good answer says about the calls that are left.
    fn counted(&mut self, request: &Request, response: Response) -> Response {
        if response.success()
            && let Some(wait) = limits::spent(&response, now())
        {
            // A wait that no clock can hold is as good as a year.
            let year = Duration::from_secs(365 * 86_400);
            let free = Instant::now() + wait.min(year);
            self.spent.push((request.call.route(), free));
        }
        response
    }

    fn once(&mut self, request: &Request) -> std::result::Result<Response, Lost> {
        let begun = Instant::now();
        let url = request.url(&self.reach.base);
        let timeout = self.remaining(request).map_err(|error| Lost {
            error,
            how: How::Final,
        })?;
        self.fits(request, &url).map_err(|error| Lost {
            error,
            how: How::Final,
        })?;
        let mut answered = self
            .exchange(request, &url, timeout)
            .map_err(|error| self.lost(request, error, timeout))
            .and_then(|response| self.of_the_server(request, response))
            .and_then(|response| self.not_too_long(request, response));
        if let Ok(response) = &answered {
            for cookie in response.headers("set-cookie") {
                self.redact_cookie(cookie);
            }
        }
        self.trace(1, || {
            let path = url.splitn(4, '/').nth(3).unwrap_or_default();
            let came = match &answered {
                Ok(response) => format!("{}, {} bytes", response.status, response.body.len()),
                Err(Lost { error, .. }) => error.message(),
            };
            let time = begun.elapsed().as_millis();
            format!("{} /{path}: {came}, {time} ms", request.call.method.name())
        });
        for (name, value) in answered.iter().flat_map(|response| &response.headers) {
            self.trace(2, || {
                format!("< {}: {}", self.said(name), self.shown(name, value))
            });
        }
        if let Ok(response) = &mut answered
            && response.is_json()
            && let Some(plain) = self.secrets.answer(&response.body)
        {
            response.body = plain;
            self.echoed = true;
        }
        answered
    }

    /// A server may repeat a session's cookie alone. Short values are words of settings and open nothing.
    fn redact_cookie(&mut self, cookie: &str) {
        let pair = cookie.split(';').next().unwrap_or_default();
        if let Some((_, value)) = pair.split_once('=')
            && value.len() >= 8
        {
            self.secrets.pass(value, Scope::Refusals);
        }
    }

    /// Takes out an answer that a proxy gave itself. 407 always comes from a proxy; other answers of theirs are
    /// recognised by the names that proxies put into them.
    fn of_the_server(
        &self,
        request: &Request,
        response: Response,
    ) -> std::result::Result<Response, Lost> {
        let Some(proxy) = &self.reach.proxy else {
            return Ok(response);
        };
        let place = proxy.address.place();
        let server = response.header("server").unwrap_or("").to_ascii_lowercase();
        let signed = response.header("x-squid-error").is_some()
            || response.header("proxy-status").is_some()
            || ["squid", "tinyproxy", "privoxy"]
                .iter()
                .any(|name| server.starts_with(name));
        let own = signed && !self.reach.base.is_https();
        // tinyproxy says 401 to a login that is wrong, and 407 to none.
        if response.status == 407 || own && response.status == 401 {
            let error = connect::proxy_login(&place);
            return Err(Lost {
                error: about(request, error.status(response.status)),
                how: How::Final,
            });
        }
        if response.status < 400 || !own {
            return Ok(response);
        }
        // A proxy says 503 (tinyproxy 500) when it did not reach the server. With 502 and 504 it lost the server's
        // answer: the call may have been carried out, as after any other answer that was lost.
        let how = match response.status {
            502 | 504 => How::Lost,
            503 => How::Refused,
            500 if server.starts_with("tinyproxy") => How::Refused,
            _ => How::Final,
        };
        let error = Error::new(
            Class::Unreachable,
            format!(
                "the proxy {place}, not the server, answered {}",
                response.status
            ),
        );
        Err(Lost {
            error: about(request, error.status(response.status)),
            how,
        })
    }

    /// The longest header of a request: its name, and its bytes.
    fn longest_header(&self, request: &Request) -> (&'static str, usize) {
        let plain = request
            .headers
            .iter()
            .map(|(name, value)| (*name, value.len()));
        let credentials = self
            .credentials
            .iter()
            .map(|(name, value, _)| (name, value));
        let secrets = request.secrets.iter().map(|(name, value)| (name, value));
        let secret = credentials.chain(secrets);
        let secret = secret.map(|(name, value)| (*name, value.expose().len()));
        let all = plain.chain(secret);
        all.max_by_key(|(_, length)| *length).unwrap_or_default()
    }

    /// Errors: configuration or data, when a line of the request's head is longer than the buffer that it is
    /// written from, which is more than servers take.
    fn fits(&self, request: &Request, url: &str) -> Result<()> {
        const MOST: usize = BUFFER - 256;
        let (name, length) = self.longest_header(request);
        if length > MOST {
            let what = format!("the {name} header has {length} bytes, more than servers take");
            return Err(request.failed(Class::Configuration, what).hint(ALONE));
        }
        if url.len() > MOST {
            let length = url.len();
            let what =
                format!("the address of this call has {length} bytes, more than servers take");
            return Err(request.failed(Class::Data, what));
        }
        Ok(())
    }

    /// An answer that says no more than that the head of the request is too long, or means it.
    fn not_too_long(
        &self,
        request: &Request,
        response: Response,
    ) -> std::result::Result<Response, Lost> {
        let status = response.status;
        let said = || {
            let text = String::from_utf8_lossy(&response.body).to_lowercase();
            HEADERS_TOO_LONG.iter().any(|words| text.contains(words))
        };
        let (name, length) = self.longest_header(request);
        let error = match status {
            414 => request
                .failed(
                    Class::Data,
                    "answered 414: the address of this call is too long for the server",
                )
                .status(status),
            431 => self.headers_too_long(request, status).status(status),
            // Without the status, which the systems take for something about the picture or the avatar.
            400 | 413 if said() => self.headers_too_long(request, status),
            400 if length > USUAL_HEADER && (response.is_html() || response.is_empty()) => request
                .failed(
                    Class::Protocol,
                    format!("answered 400, perhaps because the {name} header has {length} bytes"),
                )
                .hint(LONGER),
            _ => return Ok(response),
        };
        Err(Lost {
            error,
            how: How::Final,
        })
    }

    fn headers_too_long(&self, request: &Request, status: u16) -> Error {
        let (name, length) = self.longest_header(request);
        let what = format!(
            "answered {status}: the request's headers are too long for the server ({name}: {length} bytes)"
        );
        request.failed(Class::Configuration, what).hint(LONGER)
    }

    fn exchange(
        &self,
        request: &Request,
        url: &str,
        timeout: Duration,
    ) -> std::result::Result<Response, ureq::Error> {
        let mut builder = ureq::http::Request::builder()
            .method(request.call.method.name())
            .uri(url);
        let content_type = request.body.content_type();
        let plain = content_type
            .iter()
            .map(|value| ("content-type", value.as_str()))
            .chain(
                request
                    .headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            );
        for (name, value) in plain {
            self.trace(2, || format!("> {name}: {}", self.shown(name, value)));
            builder = builder.header(HeaderName::from_static(name), header(value)?);
        }
        let credentials = self
            .credentials
            .iter()
            .map(|(name, value, _)| (name, value));
        let passing = request.secrets.iter().map(|(name, value)| (name, value));
        for (name, value) in credentials.chain(passing) {
            self.trace(2, || format!("> {name}: (redacted)"));
            let mut value = header(value.expose())?;
            value.set_sensitive(true);
            builder = builder.header(HeaderName::from_static(name), value);
        }
        let answer = match request.call.method {
            Method::Get | Method::Head | Method::Delete => self.run(builder.body(())?, timeout)?,
            Method::Post | Method::Put => {
                let length = request.body.length();
                self.trace(2, || format!("> content-length: {length}"));
                let mut reader = request.body.reader()?;
                let body = SendBody::from_reader(&mut reader);
                self.run(
                    builder.header("content-length", length).body(body)?,
                    timeout,
                )?
            }
        };
        let (head, body) = answer.into_parts();
        let bound = match head.status.is_success() {
            true => LONGEST_ANSWER,
            false => LONGEST_REFUSAL,
        };
        let mut bytes = Vec::new();
        body.into_reader().take(bound + 1).read_to_end(&mut bytes)?;
        let cut = bytes.len() as u64 > bound;
        bytes.truncate(bound as usize);
        Ok(Response {
            status: head.status.as_u16(),
            headers: head
                .headers
                .iter()
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.as_str().to_owned(), value)
                })
                .collect(),
            body: bytes,
            cut,
            note: String::new(),
        })
    }

    fn run(
        &self,
        call: ureq::http::Request<impl AsSendBody>,
        timeout: Duration,
    ) -> std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let call = self
            .agent
            .configure_request(call)
            .timeout_global(Some(timeout));
        self.agent.run(call.build())
    }

    /// The time this request may take.
    fn remaining(&self, request: &Request) -> Result<Duration> {
        match self.reach.deadline {
            None => Ok(self.reach.timeout),
            Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => Ok(left.min(self.reach.timeout)),
                _ => Err(out_of_time(request)),
            },
        }
    }

    /// Waits, within the time of the whole command; `line` says so to the user, made from the time that is left.
    ///
    /// Errors: temporary, at once, when the wait would pass it.
    pub fn wait(
        &self,
        time: Duration,
        request: &Request,
        why: &str,
        line: &dyn Fn(&str) -> String,
    ) -> Result<()> {
        match self.too_long(time) {
            None => self.pause(time, request, line),
            Some(limit) => Err(request.failed(Class::Temporary, format!("{why}; {limit}"))),
        }
    }

    /// Gives the server a moment to show what it was told, which is too short to speak of.
    ///
    /// Errors: temporary, at once, when the time of the whole command would be used up.
    pub fn wait_silently(&self, time: Duration) -> Result<()> {
        match self.too_long(time) {
            None => {
                let end = Instant::now() + time;
                while let Some(left) = end.checked_duration_since(Instant::now()) {
                    // A signal leaves no time for a long one.
                    if signals::caught().is_some() && left > Duration::from_millis(500) {
                        break;
                    }
                    std::thread::sleep(left.min(Duration::from_millis(100)));
                }
                Ok(())
            }
            Some(limit) => Err(Error::new(Class::Temporary, limit)),
        }
    }

    /// Errors: temporary, when a signal ended the wait.
    fn pause(
        &self,
        time: Duration,
        request: &Request,
        line: &dyn Fn(&str) -> String,
    ) -> Result<()> {
        if time.is_zero() {
            return Ok(());
        }
        (self.reach.pause)(time, &|left| line(&span(left)));
        match signals::caught() {
            None => Ok(()),
            Some(_) => Err(request.failed(Class::Temporary, "interrupted")),
        }
    }

    /// Why a wait is not begun.
    fn too_long(&self, time: Duration) -> Option<String> {
        match self.reach.deadline {
            Some(deadline) => {
                let end = Instant::now().checked_add(time);
                let fits = end.is_some_and(|end| end < deadline);
                (!fits).then(|| format!("waiting {} more would pass --max-time", span(time)))
            }
            None => (time > LONGEST_WAIT).then(|| {
                format!(
                    "the server asks to wait {}, and without --max-time no wait is longer than {}",
                    span(time),
                    span(LONGEST_WAIT)
                )
            }),
        }
    }

    fn lost(&self, request: &Request, error: ureq::Error, timeout: Duration) -> Lost {
        let lost_as = |loss, error: Error| Error {
            lost: Some(loss),
            ..error
        };
        let lost = |error| Lost {
            error: lost_as(Loss::Broken, error),
            how: How::Lost,
        };
        let late = |error| Lost {
            error: lost_as(Loss::Late, error),
            how: How::Late,
        };
        let last = |error| Lost {
            error,
            how: How::Final,
        };
        match error {
            ureq::Error::Other(inner) => match inner.downcast::<NotConnected>() {
                Ok(failure) => Lost {
                    error: about(request, failure.error),
                    how: match failure.lasting {
                        true => How::Final,
                        false => How::Refused,
                    },
                },
                Err(other) => {
                    last(request.failed(Class::Unreachable, clean(&other.to_string(), MESSAGE)))
                }
            },
            ureq::Error::Timeout(_)
                if self
                    .reach
                    .deadline
                    .is_some_and(|deadline| Instant::now() >= deadline) =>
            {
                last(lost_as(Loss::Late, out_of_time(request)))
            }
            ureq::Error::Timeout(_) => late(
                request
                    .failed(
                        Class::Temporary,
                        format!("no answer within {}", span(timeout)),
                    )
                    .hint("allow more time with --timeout"),
            ),
            ureq::Error::Io(error) => {
                match error.into_inner().map(|inner| inner.downcast::<Error>()) {
                    // The picture's own reader.
                    Some(Ok(ours)) => last(about(request, *ours)),
                    _ => {
                        let error = request.failed(
                            Class::Temporary,
                            "the connection was lost before the answer was complete",
                        );
                        let (name, length) = self.longest_header(request);
                        lost(match length > USUAL_HEADER {
                            true => error.hint(format!(
                                "the {name} header has {length} bytes, which may be more than the server takes"
                            )),
                            false => error,
                        })
                    }
                }
            }
            ureq::Error::LargeResponseHeader(..) => last(request.failed(
                Class::Protocol,
                format!("the answer's headers are longer than {} kB", BUFFER >> 10),
            )),
            // ureq does not hand out the type of this one.
            ureq::Error::Protocol(error) if error.to_string().contains("too many headers") => {
                last(request.failed(Class::Protocol, "the answer has more than 128 headers"))
            }
            ureq::Error::Protocol(_) => {
                let error = request.failed(
                    Class::Protocol,
                    "the answer is not HTTP as this program understands it",
                );
                let plain = !self.reach.base.is_https() && self.reach.proxy.is_none();
                last(match plain {
                    true => error.hint("if this port speaks TLS, begin the base URL with https://"),
                    false => error,
                })
            }
            other => last(request.failed(Class::Protocol, clean(&other.to_string(), MESSAGE))),
        }
    }

    /// The error that a redirect is: it is never followed, because it may lead the credentials elsewhere.
    pub fn redirect(&self, request: &Request, response: &Response) -> Option<Error> {
        if !response.is_redirect() {
            return None;
        }
        let place = response.header("location").map(|location| {
            // A query may carry a one-time secret of a login page.
            self.said(location.split(['?', '#']).next().unwrap_or_default())
        });
        let to = place.map_or(String::new(), |place| format!(" to {place}"));
        let what = format!(
            "answered {}, a redirect{to}, which is not followed",
            response.status
        );
        Some(
            request
                .failed(Class::Protocol, what)
                .status(response.status)
                .hint("if it leads to the same server, give that address as the base URL; if it leads to a login page, exempt this account's calls from single sign-on"),
        )
    }

    fn shown(&self, name: &str, value: &str) -> String {
        match SHOWN.contains(&name) {
            true => self.said(value),
            false => "(not shown)".to_owned(),
        }
    }

    fn trace(&self, level: u8, line: impl Fn() -> String) {
        if self.reach.trace.level >= level {
            (self.reach.trace.line)(&line());
        }
    }
}

/// What to do where a header of ours is too long for any server, and for this one.
const ALONE: &str = "check that the variable holds the token or the password and nothing else";
const LONGER: &str = "check that the variable holds the token or the password and nothing else; if it does, the server must allow longer headers";

fn about(request: &Request, error: Error) -> Error {
    error.about(&request.operation)
}

/// Our clock, in seconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| time.as_secs())
}

fn header(text: &str) -> std::result::Result<HeaderValue, ureq::Error> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|error| ureq::Error::Http(error.into()))
}

fn out_of_time(request: &Request) -> Error {
    request
        .failed(Class::Temporary, "the time of the whole command is used up")
        .hint("allow more with --max-time")
}
