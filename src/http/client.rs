//! The client of one server: it adds the caller's credentials to requests, sends them, repeats what may be repeated,
//! waits where the server allows no more calls, and takes secrets out of whatever the server says.

use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use super::AGENT;
use super::exchange::Connection;
use super::failure::{self, NoAnswer};
use super::head_size::Longest;
use super::reach::Reach;
use super::recording::{Answer, Connection as Over, Exchange, Payload, Recording, Times};
use super::request::{Body, Call, Purpose, Request, Route};
use super::response::Response;
use super::retry::{self, Attempt, Next};
use super::tls::Trust;
use crate::error::{Class, Error, Result};
use crate::redact::{REDACTED, Redactor, Scope};
use crate::secret::Secret;
use crate::settings::address::{self, Address, WebAddress};
use crate::signals;
use crate::terminal::{MESSAGE, clean};
use crate::time;

/// Headers whose values are shown by `-vv`; any other value is hidden.
const SHOWN: [&str; 23] = [
    "accept",
    "accept-encoding",
    "allow",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "last-modified",
    "retry-after",
    "server",
    "transfer-encoding",
    "user-agent",
    "x-arequestid",
    "x-atlassian-token",
    "x-authentication-denied-reason",
    "x-ratelimit-fillrate",
    "x-ratelimit-interval-seconds",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-seraph-loginreason",
    "via",
];

/// What stands in the place of other values.
const NOT_SHOWN: &str = "(not shown)";
/// The same for the address that a followed redirect leads to.
const ELSEWHERE: &str = "https://elsewhere.invalid/";

/// What became of one attempt.
type Answered = std::result::Result<Response, NoAnswer>;

/// A failure that passes.
#[derive(Default)]
pub struct Passing {
    /// Whether the call may have been carried out all the same.
    pub unclear: bool,
    /// How long to wait at least, as far as the answer's body tells.
    pub wait: Duration,
}

/// Whether an answer says that the call failed now and may do later.
pub type Busy = fn(&Response) -> Option<Passing>;

/// What every server and proxy says with its status: it is busy, it failed (500), or a gateway answers for it.
pub fn busy(response: &Response) -> Option<Passing> {
    let unclear = match response.status {
        429 | 503 => false,
        500 | 502 | 504 => true,
        _ => return None,
    };
    Some(Passing {
        unclear,
        ..Passing::default()
    })
}

/// Sends requests to one base address, over one connection while it lasts.
pub struct Client {
    reach: Reach,
    connection: Connection,
    busy: Busy,
    /// The caller's credentials, sent with every request, and the options that make curl send them.
    credentials: Vec<(&'static str, Secret, String)>,
    /// What must not be shown even when a server repeats it.
    secrets: Redactor,
    /// A good answer held a secret, which was taken out of it.
    answer_redacted: bool,
    /// When a route that has no calls left may be called again.
    rate_limited: Vec<(Route, Instant)>,
    /// Of the place that the last redirect led to which was followed.
    elsewhere: Option<Box<Client>>,
    recording: Option<Recording>,
}

impl Client {
    /// Errors: configuration, when the trust store or a client certificate cannot be used.
    pub fn new(reach: Reach) -> Result<Client> {
        let mut client = Client {
            connection: Connection::new(&reach)?,
            busy,
            credentials: Vec::new(),
            secrets: Redactor::default(),
            answer_redacted: false,
            rate_limited: Vec::new(),
            elsewhere: None,
            recording: None,
            reach,
        };
        let proxy = client.reach.proxy.as_ref();
        if let Some(login) = proxy.and_then(|proxy| proxy.login.clone()) {
            client.redact_pair(login.expose());
        }
        Ok(client)
    }

    pub fn base(&self) -> &Address {
        &self.reach.base
    }

    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Keeps every exchange from now on.
    pub fn record(&mut self, recording: Recording) {
        self.recording = Some(recording);
    }

    /// From now on the whole command may take as long as it needs; each request has its own time all the same.
    pub fn lift_deadline(&mut self) {
        self.reach.deadline = None;
    }

    /// Whether the user wants failed requests to be repeated at all.
    pub fn repeats(&self) -> bool {
        self.reach.retries > 0
    }

    /// Recognises from now on this system's own way of being busy.
    pub fn set_busy_check(&mut self, busy: Busy) {
        self.busy = busy;
    }

    /// From now on this is told of every wait before it begins.
    pub fn set_before_wait(&mut self, before_wait: Option<Rc<dyn Fn(Duration)>>) {
        self.reach.before_wait = before_wait;
    }

    /// Sends `name: scheme secret` with every request from now on, the scheme with its blank or empty; `curl` is the
    /// option that does it there, with a variable for the secret. Neither the secret nor the whole is shown.
    pub fn authorize(&mut self, name: &'static str, scheme: &str, secret: &Secret, curl: String) {
        let value = Secret::new(format!("{scheme}{}", secret.expose()));
        self.redact(secret);
        self.redact(&value);
        self.credentials.push((name, value, curl));
    }

    /// The same for the caller's id that belongs to the secret: servers give it as an id in good answers.
    pub fn identify(&mut self, name: &'static str, id: Secret, curl: String) {
        self.secrets.keep(id.expose(), Scope::Refusals);
        self.credentials.push((name, id, curl));
    }

    /// What is sent in this header.
    pub fn credential(&self, name: &str) -> Option<&Secret> {
        let mut credentials = self.credentials.iter();
        credentials.find_map(|(known, value, _)| (*known == name).then_some(value))
    }

    /// The options that make curl send the credentials.
    pub fn curl(&self) -> impl Iterator<Item = &str> {
        self.credentials.iter().map(|(_, _, curl)| curl.as_str())
    }

    /// Takes this text, however it is spelt, out of whatever a server says. If it is short enough to be a word or a
    /// name, it is taken out of refusals only.
    pub fn redact(&mut self, secret: &Secret) {
        self.secrets.keep(secret.expose(), Scope::Answers);
    }

    /// The same for `user:password`, as Basic credentials have it.
    pub fn redact_pair(&mut self, pair: &str) {
        let (user, password) = pair.split_once(':').unwrap_or_default();
        self.redact_password(user, password);
        self.secrets.keep(pair, Scope::Answers);
    }

    /// The same for a password and the name that is typed with it. A password that is a part of the name would blot
    /// out the name in good answers, so there it stays.
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
        let address = WebAddress::split(address);
        let login = address.user_info.unwrap_or_default();
        let behind = address.query.unwrap_or_default();
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

    /// The same for a cookie that a server sets, because it may repeat the value alone. Short values are words of
    /// settings and open nothing.
    fn redact_cookie(&mut self, cookie: &str) {
        let pair = cookie.split(';').next().unwrap_or_default();
        if let Some((_, value)) = pair.split_once('=')
            && value.len() >= 8
        {
            self.secrets.pass(value, Scope::Refusals);
        }
    }

    /// What a server said, made fit for a message: no secret, one line, bounded.
    pub fn said(&self, text: &str) -> String {
        clean(&self.secrets.refusal(text), MESSAGE)
    }

    /// A name or another value from a server without what is certainly a secret, as it may be kept.
    pub fn value(&self, text: &str) -> String {
        self.secrets.value(text)
    }

    /// Sends a request and reads the answer, whatever its status; repeats it if its call allows that and
    /// the failure may pass. A redirect is not followed.
    ///
    /// Errors: unreachable (no connection was made), temporary (lost or out of time), protocol (not HTTP),
    /// data (the picture changed while it was sent), credentials (a proxy's).
    pub fn send(&mut self, request: &Request) -> Result<Response> {
        for (_, secret) in &request.secrets {
            self.redact_for_now(secret);
        }
        if self.answer_redacted && self.carries_redacted(request) {
            return Err(request.failed(
                Class::Protocol,
                "the server answered with the credential where a name or an id belongs",
            ));
        }
        self.wait_for_rate_limit(request)?;
        let mut before = 0;
        // If one attempt may have been carried out, the whole may have been.
        let mut lost = None;
        loop {
            let connections = self.connection.count();
            let answered = self.attempt(request);
            let reused = connections == self.connection.count();
            lost = lost.or(answered.as_ref().err().and_then(|none| none.error.lost));
            let perhaps_carried_out = |error: Error| Error {
                lost: error.lost.or(lost),
                ..error
            };
            let (attempt, why) = self.reading(&answered, reused);
            let repeat = &request.call.repeat;
            let next = retry::next(attempt, repeat, before, self.reach.retries, retry::jitter());
            let mut note = match before {
                0 => String::new(),
                _ => format!(" (tried {} times)", before + 1),
            };
            match next {
                Next::RepeatAtOnce => {
                    before += 1;
                    continue;
                }
                Next::RepeatAfter(time) if signals::caught().is_none() => {
                    match self.reach.too_long(time) {
                        None => {
                            self.wait_to_repeat(time, request, &why)
                                .map_err(perhaps_carried_out)?;
                            before += 1;
                            continue;
                        }
                        Some(limit) => note.push_str(&format!("; {limit}")),
                    }
                }
                Next::RepeatAfter(_) | Next::GiveUp => {}
            }
            return match answered {
                Ok(response) => {
                    self.remember_rate_limit(request, &response);
                    Ok(Response { note, ..response })
                }
                Err(NoAnswer { mut error, .. }) => {
                    error.note.push_str(&note);
                    Err(perhaps_carried_out(error))
                }
            };
        }
    }

    /// Waits, within the time of the whole command; `line` says so to the user, made from the time that is left.
    ///
    /// Errors: temporary; with `why` and at once, when the wait would be too long; when a signal ended it.
    pub fn wait(
        &self,
        time: Duration,
        request: &Request,
        why: &str,
        line: &dyn Fn(&str) -> String,
    ) -> Result<()> {
        match self.reach.too_long(time) {
            None => self.reach.wait(time, request, line),
            Some(limit) => Err(request.failed(Class::Temporary, format!("{why}; {limit}"))),
        }
    }

    /// Gives the server a moment to show what it was told, which is too short to speak of.
    ///
    /// Errors: temporary, at once, when the time of the whole command would be used up.
    pub fn wait_silently(&self, time: Duration) -> Result<()> {
        self.reach.wait_silently(time)
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

    /// Reads a picture where a redirect leads to: once, and as a stranger, without a credential and without a client
    /// certificate. That address opens what it leads to, so nothing of it is shown.
    ///
    /// Errors: protocol, when it leads to no other place, from https to http, or to a further redirect; those of `send`.
    pub fn follow(&mut self, request: &Request, response: &Response) -> Result<Response> {
        static STORE: Call = Call::picture("").anonymous();
        let refused = |what: &str| {
            let what = format!("answered {}, a redirect {what}", response.status);
            request
                .failed(Class::Protocol, what)
                .status(response.status)
        };
        let location = response.header("location").unwrap_or_default();
        let Some((base, signed)) = elsewhere(location, self.reach.base.is_https()) else {
            return Err(refused("that leads to no place a picture may be read from"));
        };
        if self
            .elsewhere
            .as_ref()
            .is_none_or(|known| *known.base() != base)
        {
            let trust = Trust {
                client: None,
                ..self.reach.trust.clone()
            };
            self.elsewhere = Some(Box::new(Client::new(Reach {
                proxy: self.reach.proxies.find(&base)?,
                base,
                trust,
                ..self.reach.clone()
            })?));
        }
        let client = self.elsewhere.as_mut().expect("it was made just now");
        client.recording.clone_from(&self.recording);
        let request = Request {
            signed: Some(signed),
            ..Request::picture(&STORE, &request.operation)
        };
        let response = client.send(&request)?;
        match response.is_redirect() {
            true => Err(refused("to a redirect, which is not followed")),
            false => Ok(response),
        }
    }

    /// Whether this would send back to the server what is left of an answer that held a secret.
    fn carries_redacted(&self, request: &Request) -> bool {
        let body = match &request.body {
            Body::Json(text) => text.contains(REDACTED),
            _ => false,
        };
        body || request
            .url(&self.reach.base)
            .contains(&address::encode(REDACTED))
    }

    /// Errors: temporary, when the server allows no more of these calls for longer than there is time.
    fn wait_for_rate_limit(&mut self, request: &Request) -> Result<()> {
        let route = request.call.route();
        let mut known = self.rate_limited.iter();
        let Some(at) = known.position(|(known, _)| *known == route) else {
            return Ok(());
        };
        let (_, free) = self.rate_limited[at];
        let left = free.saturating_duration_since(Instant::now());
        let why = "the server allows no more of these calls for now";
        let operation = &request.operation;
        self.wait(left, request, why, &|left| {
            format!("{why}, going on in {left} to {operation}")
        })?;
        self.rate_limited.remove(at);
        Ok(())
    }

    /// Remembers what a good answer says about the calls that are left.
    fn remember_rate_limit(&mut self, request: &Request, response: &Response) {
        if response.success()
            && let Some(wait) = response.rate_limit().before_next(time::now())
        {
            // A wait that no clock can hold is as good as a year.
            let year = Duration::from_secs(365 * 86_400);
            let free = Instant::now() + wait.min(year);
            self.rate_limited.push((request.call.route(), free));
        }
    }

    /// What an attempt was, as far as it decides about the next one, and why that is needed, in words.
    fn reading(&self, answered: &Answered, reused: bool) -> (Attempt, String) {
        match answered {
            Err(NoAnswer { error, failure }) => {
                let failure = *failure;
                (Attempt::Failed { failure, reused }, error.message())
            }
            Ok(response) => match (self.busy)(response) {
                None => (Attempt::Answered, String::new()),
                Some(Passing { unclear, wait }) => {
                    let wait = wait.max(response.rate_limit().before_repeat(time::now()));
                    let attempt = match unclear {
                        true => Attempt::Failing(wait),
                        false => Attempt::Busy(wait),
                    };
                    (attempt, response.why_busy())
                }
            },
        }
    }

    fn wait_to_repeat(&self, time: Duration, request: &Request, why: &str) -> Result<()> {
        let operation = &request.operation;
        let prefix = format!("{operation}: ");
        let why = why.strip_prefix(&prefix).unwrap_or(why);
        // The reason comes first: a terminal may be narrow.
        self.reach.wait(time, request, &|left| {
            format!("{why}, trying again in {left} to {operation}")
        })
    }

    /// Sends a request once, and takes secrets out of its answer.
    fn attempt(&mut self, request: &Request) -> Answered {
        let (begun, moment) = (Instant::now(), SystemTime::now());
        let url = request.url(&self.reach.base);
        let timeout = self.reach.remaining(request).map_err(NoAnswer::permanent)?;
        let longest = self.longest_header(request);
        longest.check(request, &url).map_err(NoAnswer::permanent)?;
        self.trace_request(request);
        let secrets = self.secret_headers(request);
        let exchanged = self.connection.exchange(request, &url, secrets, timeout);
        let heard = match &exchanged {
            Ok(response) => {
                for cookie in response.headers("set-cookie") {
                    self.redact_cookie(cookie);
                }
                let kept = self.recording.is_some();
                kept.then(|| self.heard(request, response))
            }
            Err(_) => None,
        };
        let mut answered = match exchanged {
            Err(error) => {
                let none = failure::from_ureq(error, request, &self.reach, timeout, longest);
                Err(match request.signed {
                    Some(_) => none.without_place(request),
                    None => none,
                })
            }
            Ok(response) => {
                let of_proxy = failure::from_proxy(request, &self.reach, &response);
                let refused = || longest.refused(request, &response);
                match of_proxy.or_else(|| refused().map(NoAnswer::permanent)) {
                    Some(none) => Err(none),
                    None => Ok(response),
                }
            }
        };
        let took = begun.elapsed();
        self.trace_answer(request, &url, &answered, took);
        if let Some(recording) = &self.recording {
            let facts = self.connection.watch().facts();
            let times = Times::of(&facts, took, begun);
            let here = request.signed.is_none();
            let over = Over {
                number: facts.made,
                addresses: facts.addresses.clone(),
                peer: facts.peer.filter(|_| here),
                tls: facts.tls.clone(),
            };
            drop(facts);
            let answer = heard.ok_or_else(|| match &answered {
                Err(none) => none.error.message(),
                Ok(_) => String::new(),
            });
            recording.keep(self.exchange(request, &url, moment, answer, times, over));
        }
        if let Ok(response) = &mut answered
            && response.is_json()
            && let Some(plain) = self.secrets.answer(&response.body)
        {
            response.body = plain;
            self.answer_redacted = true;
        }
        answered
    }

    /// The headers that are not shown: the caller's credentials, and the request's own.
    fn secret_headers<'a>(
        &'a self,
        request: &'a Request,
    ) -> impl Iterator<Item = (&'static str, &'a Secret)> {
        let credentials = match request.call.anonymous {
            true => &[][..],
            false => &self.credentials,
        };
        let credentials = credentials.iter().map(|(name, value, _)| (*name, value));
        let own = request.secrets.iter().map(|(name, value)| (*name, value));
        credentials.chain(own)
    }

    fn longest_header(&self, request: &Request) -> Longest {
        let plain = request.headers.iter();
        let plain = plain.map(|(name, value)| (*name, value.len()));
        let secret = self.secret_headers(request);
        let secret = secret.map(|(name, value)| (name, value.expose().len()));
        let headers = plain
            .chain(secret)
            .map(|(name, bytes)| Longest { name, bytes });
        headers
            .max_by_key(|header| header.bytes)
            .unwrap_or_default()
    }

    fn trace_request(&self, request: &Request) {
        let trace = |line: &dyn Fn() -> String| self.reach.trace(2, line);
        for (name, value) in request.all_headers() {
            trace(&|| format!("> {name}: {}", self.shown(name, &value)));
        }
        for (name, _) in self.secret_headers(request) {
            trace(&|| format!("> {name}: {REDACTED}"));
        }
        if request.call.method.has_body() {
            trace(&|| format!("> content-length: {}", request.body.length()));
        }
    }

    fn trace_answer(&self, request: &Request, url: &str, answered: &Answered, took: Duration) {
        self.reach.trace(1, || {
            let path = match request.signed {
                Some(_) => "(elsewhere, not shown)",
                None => url.splitn(4, '/').nth(3).unwrap_or_default(),
            };
            let came = match answered {
                Ok(response) => format!("{}, {} bytes", response.status, response.body.len()),
                Err(none) => none.error.message(),
            };
            let (method, time) = (request.call.method.name(), took.as_millis());
            format!("{method} /{path}: {came}, {time} ms")
        });
        for (name, value) in answered.iter().flat_map(|response| &response.headers) {
            self.reach.trace(2, || {
                format!("< {}: {}", self.said(name), self.shown(name, value))
            });
        }
    }

    /// What is kept of an attempt.
    fn exchange(
        &self,
        request: &Request,
        url: &str,
        begun: SystemTime,
        answer: std::result::Result<Answer, String>,
        times: Times,
        connection: Over,
    ) -> Exchange {
        let plain = |text: &str| self.secrets.refusal(text);
        let pairs = request.query.iter();
        let shown = request.all_headers();
        let secret = self.secret_headers(request);
        let cookies = secret.filter(|(name, _)| *name == "cookie");
        let cookies = cookies.flat_map(|(_, value)| value.expose().split(';'));
        Exchange {
            begun,
            method: request.call.method.name(),
            path: request.call.path,
            url: match request.signed {
                Some(_) => ELSEWHERE.to_owned(),
                None => plain(url),
            },
            query: pairs
                .map(|(name, value)| ((*name).to_owned(), plain(value)))
                .collect(),
            headers: std::iter::once(("user-agent", AGENT.into()))
                .chain(shown)
                .map(|(name, value)| (name.to_owned(), self.kept(name, &value)))
                .chain(
                    self.secret_headers(request)
                        .map(|(name, _)| (name.to_owned(), REDACTED.to_owned())),
                )
                .collect(),
            cookies: cookies.filter_map(|pair| self.cookie_name(pair)).collect(),
            media_type: request.body.content_type(),
            body: Payload::of_request(request, &plain),
            length: request.body.length(),
            answer,
            times,
            connection,
        }
    }

    /// What is kept of an answer.
    fn heard(&self, request: &Request, response: &Response) -> Answer {
        let plain = |text: &str| self.secrets.refusal(text);
        let headers = response.headers.iter();
        let place = response.header("location");
        let place = place.map(|place| place.split(['?', '#']).next().unwrap_or_default());
        Answer {
            status: response.status,
            headers: headers
                .map(|(name, value)| (plain(name), self.kept(name, value)))
                .collect(),
            cookies: response
                .headers("set-cookie")
                .filter_map(|cookie| self.cookie_name(cookie))
                .collect(),
            body: Payload::of_answer(request, response, &plain),
            length: response.body.len(),
            cut: response.cut,
            place: place
                .filter(|_| request.call.purpose != Purpose::Picture)
                .map(plain),
        }
    }

    /// The name of the first cookie in a header of cookies.
    fn cookie_name(&self, cookie: &str) -> Option<String> {
        let (name, _) = cookie.split_once('=')?;
        Some(self.secrets.refusal(name.trim()))
    }

    /// A header's value as it is kept: as `-vv` shows it, and whole.
    fn kept(&self, name: &str, value: &str) -> String {
        match SHOWN.contains(&name) {
            true => self.secrets.refusal(value),
            false => NOT_SHOWN.to_owned(),
        }
    }

    fn shown(&self, name: &str, value: &str) -> String {
        match SHOWN.contains(&name) {
            true => self.said(value),
            false => NOT_SHOWN.to_owned(),
        }
    }
}

/// Where a redirect leads to, if that is another place: the place, and path and query there. From https only to https.
fn elsewhere(location: &str, https: bool) -> Option<(Address, Secret)> {
    let target = WebAddress::split(location.split('#').next()?);
    let base = format!("{}://{}", target.scheme?, target.place);
    let base = Address::parse(&base, "the redirect").ok()?;
    let sendable = location
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if target.user_info.is_some() || !sendable || https && !base.is_https() {
        return None;
    }
    let path = match target.path {
        "" => "/",
        path => path,
    };
    let query = target
        .query
        .map_or(String::new(), |query| format!("?{query}"));
    Some((base, Secret::new(format!("{path}{query}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_to_another_place_or_nowhere() {
        for (location, https, place) in [
            ("https://s3/a%20b?c=d#e", true, "https://s3 /a%20b?c=d"),
            ("https://s3#e?f", true, "https://s3 /"),
            ("https://s3:8443?c", true, "https://s3:8443 /?c"),
            ("http://[::1]:9000//a", false, "http://[::1]:9000 //a"),
            ("http://s3/a", true, ""),
            ("/a", false, ""),
            ("//s3/a", false, ""),
            ("ftp://s3/a", false, ""),
            ("https://u:p@s3/a", true, ""),
            ("https://s3\\@other/a", true, ""),
            ("https://s3/a b", true, ""),
            ("https://s3/\u{fc}", true, ""),
            ("", false, ""),
        ] {
            let found = elsewhere(location, https);
            let found = found.map(|(base, behind)| format!("{} {}", base.text(), behind.expose()));
            assert_eq!(found.unwrap_or_default(), place, "{location}");
        }
    }
}
