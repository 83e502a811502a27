//! A strict little HTTP/1.1 server inside the test process, and the request and reply it deals in.
//!
//! Strict, because lenient servers are what lets a broken request pass a test: whatever a cautious server might
//! refuse is refused and fails the test when the server is dropped. It knows no system and no client. Every server
//! has its own port, chosen by the machine, and stops with its value: no thread of it outlives a test.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::encoding::{html, pairs, percent_decode};

/// How long a request that has begun may take to arrive. A client that announces more than it sends would
/// otherwise wait for us while we wait for it.
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 256 * 1024 * 1024;

// ---------------------------------------------------------------------------------------------------- request

/// A request as it came over the wire; strictness has been checked before anybody sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// In the order and spelling in which they were sent.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Which connection it came on, counted from 1.
    pub connection: usize,
}

/// One part of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub name: String,
    pub filename: Option<String>,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}

impl Part {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text part is UTF-8")
    }
}

impl Request {
    /// Whether it is there to look only, as its method says.
    pub fn is_look(&self) -> bool {
        ["GET", "HEAD"].contains(&self.method.as_str())
    }

    /// The path as sent, without the query; still percent-encoded.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// All pairs of the query, decoded, in order.
    pub fn queries(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        pairs(query).unwrap_or_else(|| panic!("the query is well-formed: {query}"))
    }

    /// The first value of that name in the query.
    pub fn query(&self, name: &str) -> Option<String> {
        self.queries()
            .into_iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The pairs of the `Cookie` header.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        let pairs = self
            .header("cookie")
            .unwrap_or_default()
            .split("; ")
            .filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    pub fn try_json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    pub fn json(&self) -> Value {
        self.try_json()
            .unwrap_or_else(|error| panic!("the body is JSON ({error}): {self:?}"))
    }

    /// The boundary, if this is a form of several parts.
    pub fn boundary(&self) -> Option<&str> {
        let (kind, parameters) = self.header("content-type")?.split_once(';')?;
        let boundary = parameters.trim_start().strip_prefix("boundary=")?;
        kind.eq_ignore_ascii_case("multipart/form-data")
            .then(|| boundary.trim_matches('"'))
    }

    /// The parts in order. An independent reader takes them apart; what such readers forgive is checked literally.
    pub fn try_form(&self) -> Result<Vec<Part>, String> {
        let boundary = self.boundary().ok_or("no boundary in the Content-Type")?;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        if boundary.is_empty()
            || boundary.len() > 70
            || boundary.ends_with(' ')
            || !boundary.bytes().all(legal)
        {
            return Err(format!("not a boundary: {boundary:?}"));
        }
        if !self
            .body
            .starts_with(format!("--{boundary}\r\n").as_bytes())
        {
            return Err("the form does not begin with its boundary".into());
        }
        if !self
            .body
            .ends_with(format!("\r\n--{boundary}--\r\n").as_bytes())
        {
            return Err("the form does not end with its closing boundary".into());
        }
        let (mut parts, mut failure) = (Vec::new(), None);
        let mut reader = multipart::server::Multipart::with_body(self.body.as_slice(), boundary);
        let outcome = reader.foreach_entry(|mut entry| {
            let mut body = Vec::new();
            if let Err(error) = entry.data.read_to_end(&mut body) {
                failure = Some(error.to_string());
            }
            parts.push(Part {
                name: entry.headers.name.to_string(),
                filename: entry.headers.filename.clone(),
                content_type: entry.headers.content_type.as_ref().map(ToString::to_string),
                body,
            });
        });
        match (outcome, failure) {
            (Err(error), _) => Err(error.to_string()),
            (_, Some(error)) => Err(error),
            _ => Ok(parts),
        }
    }

    pub fn form(&self) -> Vec<Part> {
        self.try_form()
            .unwrap_or_else(|error| panic!("the body is a form ({error}): {}", wire(self)))
    }

    /// A value of the body, of a form or in JSON; empty where there is none.
    pub fn field(&self, name: &str) -> String {
        if self.boundary().is_some() {
            let form = self.form();
            let part = form.iter().find(|part| part.name == name);
            return part.map_or("", Part::text).to_owned();
        }
        match &self.json()[name] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }
}

/// A request as a text to compare with a golden file: request line, headers as sent, an empty line, the body.
///
/// The address of the server is `HOST` wherever it appears and the program's version is `VERSION`, because both
/// differ from run to run; CRLF is shown as LF; the bytes of files, and any body that is no text, as `<N bytes>`.
pub fn wire(request: &Request) -> String {
    let mut text = format!("{} {} HTTP/1.1\n", request.method, request.target);
    for (name, value) in &request.headers {
        let shown = if name.eq_ignore_ascii_case("user-agent") {
            value.replace(env!("CARGO_PKG_VERSION"), "VERSION")
        } else {
            value.clone()
        };
        text += &format!("{name}: {shown}\n");
    }
    text += "\n";
    text += &match request.boundary() {
        Some(boundary) => form_as_text(&request.body, &format!("--{boundary}")),
        None => body_as_text(&request.body),
    };
    match request.header("host") {
        Some(host) => text.replace(host, "HOST"),
        None => text,
    }
}

fn body_as_text(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) if !text.contains(|c: char| c.is_control() && !"\r\n\t".contains(c)) => {
            text.replace("\r\n", "\n")
        }
        _ => format!("<{} bytes>", body.len()),
    }
}

/// Every part with its headers; the body of a part with a file name is never shown, though it might be text.
fn form_as_text(body: &[u8], delimiter: &str) -> String {
    let mut pieces = split(body, delimiter.as_bytes()).into_iter();
    let mut text = body_as_text(pieces.next().unwrap_or_default());
    for piece in pieces {
        text += delimiter;
        let headers = piece
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .map(|at| at + 4);
        let (head, body) = piece.split_at(headers.unwrap_or(piece.len()));
        let head = body_as_text(head);
        let body = match body.strip_suffix(b"\r\n") {
            Some(body) if head.contains("filename") => format!("<{} bytes>\n", body.len()),
            _ => body_as_text(body),
        };
        text += &(head + &body);
    }
    text
}

fn split<'a>(bytes: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest
        .windows(separator.len())
        .position(|window| window == separator)
    {
        pieces.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    pieces.push(rest);
    pieces
}

// ------------------------------------------------------------------------------------------------------ reply

/// What a server does about a request.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    manner: Manner,
    close: bool,
    reset: bool,
    complaints: Vec<String>,
}

#[derive(Clone, Debug)]
enum Manner {
    /// Head with a Content-Length, and the body.
    Whole,
    /// The body is everything that is written, as it is.
    Raw,
    /// The body is everything that is written, a byte at a time.
    Drip(Duration),
    /// Nothing is written; the connection is closed.
    Silent,
    /// Nothing is written; the connection stays open until the client gives up.
    Hang,
}

impl Reply {
    /// A status and nothing else.
    pub fn empty(status: u16) -> Reply {
        Reply::of(status, Manner::Whole, Vec::new())
    }

    /// Any text with its exact Content-Type.
    pub fn text(status: u16, content_type: &str, text: impl AsRef<[u8]>) -> Reply {
        let reply = Reply::of(status, Manner::Whole, text.as_ref().to_vec());
        reply.header("Content-Type", content_type)
    }

    /// JSON as `application/json`; a `&str`, `String` or `json!` value is written as it stands.
    pub fn json(status: u16, body: impl ToString) -> Reply {
        Reply::text(status, "application/json", body.to_string())
    }

    /// A page of the sort that proxies and login screens answer.
    pub fn html(status: u16, message: &str) -> Reply {
        let message = html(message);
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{message}</title></head><body><h1>{message}</h1></body></html>\n"
        );
        Reply::text(status, "text/html;charset=UTF-8", page)
    }

    /// Exactly these bytes, head included, and then the end of the connection.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Reply {
        Reply::of(200, Manner::Raw, bytes.as_ref().to_vec()).then_close()
    }

    /// Exactly these bytes, one at a time with a pause between.
    pub fn drip(bytes: impl AsRef<[u8]>, pause: Duration) -> Reply {
        Reply::of(200, Manner::Drip(pause), bytes.as_ref().to_vec()).then_close()
    }

    /// The request was read, and no answer comes: what a crash, or a proxy that gave up, looks like.
    pub fn close_without_answer() -> Reply {
        Reply::of(200, Manner::Silent, Vec::new()).then_close()
    }

    /// No answer and no end either: what a time-out is for.
    pub fn hang() -> Reply {
        Reply::of(200, Manner::Hang, Vec::new()).then_close()
    }

    fn of(status: u16, manner: Manner, body: Vec<u8>) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body,
            manner,
            close: false,
            reset: false,
            complaints: Vec::new(),
        }
    }

    pub fn header(mut self, name: &str, value: impl ToString) -> Reply {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Takes every header of that name away again.
    pub fn without(mut self, name: &str) -> Reply {
        self.headers
            .retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        self
    }

    /// Says `Connection: close` and means it.
    pub fn then_close(mut self) -> Reply {
        self.close = true;
        self
    }

    /// After an answer that came before the whole request was read: drop the connection at once, so that the
    /// client meets a reset while it still writes. Without this the rest is read and thrown away first.
    pub fn then_reset(mut self) -> Reply {
        self.reset = true;
        self.then_close()
    }

    /// Fails the test: the request was answered as a real server would, but must not be sent like this.
    pub fn complain(mut self, complaint: impl Into<String>) -> Reply {
        self.complaints.push(complaint.into());
        self
    }

    /// Takes over what another reply had to complain about, for an answer that replaces it.
    pub fn inherit(&mut self, replaced: Reply) {
        self.complaints.extend(replaced.complaints);
    }

    /// The bytes of the answer to a request of that method.
    pub fn bytes(&self, method: &str) -> Vec<u8> {
        if !matches!(self.manner, Manner::Whole) {
            return self.body.clone();
        }
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !matches!(self.status, 100..200 | 204 | 304) {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        if self.close {
            head += "Connection: close\r\n";
        }
        let mut bytes = (head + "\r\n").into_bytes();
        if method != "HEAD" {
            bytes.extend(&self.body);
        }
        bytes
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        409 => "Conflict",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unnamed",
    }
}

// ----------------------------------------------------------------------------------------------------- server

/// What a server speaks over: a socket, or TLS on one.
pub trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

type Handler = Box<dyn FnMut(&Request) -> Reply + Send>;
type Wrap = Box<dyn Fn(TcpStream) -> io::Result<Box<dyn Wire>> + Send + Sync>;

/// How a test that drops the server judges it.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    /// Somebody must have called, and without a mistake.
    Called,
    /// Nobody may have called.
    Untouched,
    /// Whatever happened is fine: for the sandbox, and for tests that speak to a model by hand.
    Anything,
}

/// What came back for a request made by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// 0 where nothing came.
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Every value of that header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields
            .filter(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }
}

pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    scheme: &'static str,
    verdict: Verdict,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    handler: Mutex<Handler>,
    wrap: Wrap,
    early: Mutex<Option<(usize, Reply)>>,
    requests: Mutex<Vec<Request>>,
    /// How many requests were carried out or refused, and a bell that rings for each.
    handled: Mutex<usize>,
    bell: Condvar,
    violations: Mutex<Vec<String>>,
    tolerates_torn: AtomicBool,
    connections: AtomicUsize,
    stopping: AtomicBool,
    /// Every open socket, to be able to wake the thread that reads it.
    open: Mutex<Vec<(usize, TcpStream)>>,
}

impl Server {
    /// Serves on a free port of the loopback address until dropped.
    pub fn start(handler: impl FnMut(&Request) -> Reply + Send + 'static) -> Server {
        Server::start_over("http", |socket| Ok(Box::new(socket)), handler)
    }

    /// The same over whatever `wrap` makes of a socket (TLS). A handshake that fails there is no call.
    pub fn start_over(
        scheme: &'static str,
        wrap: impl Fn(TcpStream) -> io::Result<Box<dyn Wire>> + Send + Sync + 'static,
        handler: impl FnMut(&Request) -> Reply + Send + 'static,
    ) -> Server {
        let listener =
            TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            handler: Mutex::new(Box::new(handler)),
            wrap: Box::new(wrap),
            early: Mutex::default(),
            requests: Mutex::default(),
            handled: Mutex::default(),
            bell: Condvar::new(),
            violations: Mutex::default(),
            tolerates_torn: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Server {
            shared,
            address,
            scheme,
            verdict: Verdict::Called,
            accepting: Some(accepting),
        }
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that was asked so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// `METHOD target` of every request so far: enough for most tests.
    pub fn calls(&self) -> Vec<String> {
        self.requests()
            .iter()
            .map(|request| format!("{} {}", request.method, request.target))
            .collect()
    }

    /// The whole capture, as [`wire`] shows it, with an empty line between two requests.
    pub fn capture(&self) -> String {
        self.requests()
            .iter()
            .map(wire)
            .collect::<Vec<_>>()
            .join("\n\n")
    }

    /// Returns when so many requests have been dealt with since the start, though not yet answered: whatever a
    /// request does to the model is done.
    pub fn wait_for(&self, count: usize) {
        let handled = lock(&self.shared.handled);
        let (_handled, late) = self
            .shared
            .bell
            .wait_timeout_while(handled, PATIENCE, |handled| *handled < count)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(
            !late.timed_out(),
            "request {count} never came:\n  {}",
            self.calls().join("\n  ")
        );
    }

    /// How many requests have been dealt with since the start.
    pub fn handled(&self) -> usize {
        *lock(&self.shared.handled)
    }

    /// Returns when everybody who was connected has left, and what they asked for is done: a program that was killed
    /// may have a request on the way.
    pub fn wait_until_left(&self) {
        // Connections are accepted in their order: when this one is over, all before it are being served.
        let mut last = TcpStream::connect(self.address).expect("the server accepts");
        let _ = last.shutdown(Shutdown::Write);
        let _ = last.read_to_end(&mut Vec::new());
        let begun = Instant::now();
        while !lock(&self.shared.open).is_empty() {
            assert!(begun.elapsed() < PATIENCE, "somebody stays connected");
            thread::yield_now();
        }
    }

    /// Forgets the requests so far, for a test that looks at a second run alone.
    pub fn forget(&self) {
        lock(&self.shared.requests).clear();
    }

    /// Says exactly this on a connection of its own and hears everything that comes back, for tests of the models
    /// themselves: a request that the program would never send, or one as a document prints it.
    pub fn speak(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut socket = TcpStream::connect(self.address).expect("the server accepts");
        socket.write_all(bytes.as_ref()).expect("the server reads");
        socket
            .shutdown(Shutdown::Write)
            .expect("the socket is open");
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).expect("the server answers");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// One well-formed request by hand: `METHOD target`, headers a line each, a body.
    pub fn ask(&self, line: &str, headers: &str, body: impl AsRef<[u8]>) -> Heard {
        let body = body.as_ref();
        let mut message = format!("{line} HTTP/1.1\r\nHost: {}\r\n", self.address);
        headers
            .lines()
            .for_each(|header| message += &format!("{}\r\n", header.trim()));
        if !line.starts_with("GET ") && !line.starts_with("HEAD ") {
            message += &format!("Content-Length: {}\r\n", body.len());
        }
        let answer = self.speak([message.as_bytes(), b"Connection: close\r\n\r\n", body].concat());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Heard {
            status: status.unwrap_or_default(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// How many connections were made so far, requests or not.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// What was wrong with the requests so far. Asking leaves them recorded.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.violations).clone()
    }

    /// Empties and returns the record, for a test that provokes a mistake on purpose.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.violations))
    }

    /// The test fails if anybody calls at all.
    pub fn expect_no_calls(&mut self) {
        self.verdict = Verdict::Untouched;
    }

    /// The test fails if nobody calls, which is the rule.
    pub fn expect_calls(&mut self) {
        self.verdict = Verdict::Called;
    }

    /// Nothing that happens here fails the test.
    pub fn expect_anything(&mut self) {
        self.verdict = Verdict::Anything;
    }

    /// A client that ends in the middle of a request is no mistake, for tests that kill it.
    pub fn expect_torn_requests(&self) {
        self.shared.tolerates_torn.store(true, Ordering::SeqCst);
    }

    /// Announced bodies above the limit are answered before they are read, as a proxy in front does. The request is
    /// recorded without its body.
    pub fn refuse_bodies_above(&self, limit: usize, reply: Reply) {
        *lock(&self.shared.early) = Some((limit, reply.then_close()));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for (_, socket) in lock(&self.shared.open).iter() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        // Accepting blocks; a connection of our own is what wakes it.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        if thread::panicking() || self.verdict == Verdict::Anything {
            return;
        }
        let calls = self.calls();
        let violations = self.violations();
        assert!(
            violations.is_empty(),
            "the server was used wrongly:\n  {}",
            violations.join("\n  ")
        );
        match self.verdict {
            Verdict::Called => assert!(!calls.is_empty(), "nobody called the server"),
            _ => assert!(
                calls.is_empty(),
                "the server was called, and must not be:\n  {}",
                calls.join("\n  ")
            ),
        }
    }
}

/// A test that failed elsewhere must not hide its reason behind a poisoned lock.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut serving = Vec::new();
    for socket in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        let Ok(socket) = socket else { continue };
        let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let Ok(control) = socket.try_clone() else {
            continue;
        };
        let Ok(kept) = socket.try_clone() else {
            continue;
        };
        lock(&shared.open).push((number, kept));
        // The server may have been stopped between accepting the socket and noting it.
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        let shared = Arc::clone(shared);
        serving.push(thread::spawn(move || {
            if let Ok(wire) = (shared.wrap)(socket) {
                Connection {
                    shared: &shared,
                    wire: BufReader::new(wire),
                    control,
                    number,
                }
                .serve();
            }
            lock(&shared.open).retain(|(open, _)| *open != number);
        }));
    }
    for thread in serving {
        let _ = thread.join();
    }
}

struct Connection<'a> {
    shared: &'a Shared,
    wire: BufReader<Box<dyn Wire>>,
    control: TcpStream,
    number: usize,
}

/// Why no request could be read.
enum Unread {
    /// The client closed between two requests, or the server stops.
    Closed,
    /// The client went away within a request.
    Torn(String),
    /// The request is one that some server would refuse or misread.
    Wrong(String),
}

impl Connection<'_> {
    fn serve(mut self) {
        loop {
            match self.receive() {
                Ok((request, early)) => {
                    let keep = request
                        .header("connection")
                        .is_none_or(|value| !value.eq_ignore_ascii_case("close"));
                    lock(&self.shared.requests).push(request.clone());
                    let reply = early.clone().unwrap_or_else(|| self.ask(&request));
                    *lock(&self.shared.handled) += 1;
                    self.shared.bell.notify_all();
                    lock(&self.shared.violations).extend(reply.complaints.iter().cloned());
                    let written = self.answer(&reply, &request.method).is_ok();
                    if early.is_some() && !reply.reset {
                        self.drain();
                    }
                    if !written || reply.close || !keep {
                        break;
                    }
                }
                Err(Unread::Closed) => break,
                Err(Unread::Torn(how)) => {
                    if !self.stopping() && !self.shared.tolerates_torn.load(Ordering::SeqCst) {
                        lock(&self.shared.violations).push(how);
                    }
                    break;
                }
                Err(Unread::Wrong(how)) => {
                    let reply = Reply::text(400, "text/plain", &how).then_close();
                    lock(&self.shared.violations).push(how);
                    let _ = self.answer(&reply, "GET");
                    self.drain();
                    break;
                }
            }
        }
    }

    fn stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::SeqCst)
    }

    fn ask(&self, request: &Request) -> Reply {
        let mut handler = lock(&self.shared.handler);
        catch_unwind(AssertUnwindSafe(|| handler(request))).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no text");
            Reply::text(500, "text/plain", "the handler panicked")
                .complain(format!("the handler panicked: {said}"))
        })
    }

    /// A request, and the answer that comes before its body, if one is due.
    fn receive(&mut self) -> Result<(Request, Option<Reply>), Unread> {
        let _ = self.control.set_read_timeout(None);
        match self.wire.fill_buf() {
            Ok(bytes) if !bytes.is_empty() => {}
            _ => return Err(Unread::Closed),
        }
        let _ = self.control.set_read_timeout(Some(PATIENCE));
        let mut request = self.head()?;
        let length = length(&request).map_err(Unread::Wrong)?;
        let early = lock(&self.shared.early).clone();
        if let Some((limit, reply)) = early
            && length > limit
        {
            return Ok((request, Some(reply)));
        }
        if request
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
        {
            let _ = self
                .wire
                .get_mut()
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
            let _ = self.wire.get_mut().flush();
        }
        let wire = &mut self.wire;
        let got = wire.take(length as u64).read_to_end(&mut request.body);
        if got.is_err() || request.body.len() < length {
            let got = request.body.len();
            let (method, target) = (&request.method, &request.target);
            return Err(Unread::Torn(format!(
                "{method} {target} announced {length} bytes and sent {got}"
            )));
        }
        Ok((request, None))
    }

    fn head(&mut self) -> Result<Request, Unread> {
        let mut lines = Vec::new();
        let mut size = 0;
        loop {
            let mut line = Vec::new();
            let room = (MAX_HEAD - size) as u64;
            let read = (&mut self.wire).take(room).read_until(b'\n', &mut line);
            size += line.len();
            if size >= MAX_HEAD {
                return Err(Unread::Wrong("the head is longer than 64 KiB".into()));
            }
            if read.is_err() || !line.ends_with(b"\n") {
                return Err(Unread::Torn(
                    "the connection ended within the head of a request".into(),
                ));
            }
            let Some(line) = line.strip_suffix(b"\r\n") else {
                return Err(Unread::Wrong(format!(
                    "a line of the head ends in a bare line feed: {}",
                    line.escape_ascii()
                )));
            };
            if line.is_empty() {
                break;
            }
            let legal = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
            if !line.iter().all(legal) {
                return Err(Unread::Wrong(format!(
                    "a line of the head is not plain ASCII: {}",
                    line.escape_ascii()
                )));
            }
            lines.push(line.iter().copied().map(char::from).collect::<String>());
        }
        head(&lines, self.number).map_err(Unread::Wrong)
    }

    fn answer(&mut self, reply: &Reply, method: &str) -> io::Result<()> {
        let wire = self.wire.get_mut();
        match reply.manner {
            Manner::Whole | Manner::Raw => {
                wire.write_all(&reply.bytes(method))?;
                wire.flush()
            }
            Manner::Drip(pause) => {
                for byte in &reply.body {
                    if self.shared.stopping.load(Ordering::SeqCst) {
                        break;
                    }
                    wire.write_all(&[*byte])?;
                    wire.flush()?;
                    thread::sleep(pause);
                }
                Ok(())
            }
            Manner::Silent => Ok(()),
            Manner::Hang => {
                let _ = self.control.set_read_timeout(None);
                // The end of the connection ends the wait, on whichever side it comes from.
                while self.wire.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
                    let held = self.wire.buffer().len();
                    self.wire.consume(held);
                }
                Ok(())
            }
        }
    }

    /// Ends our side and swallows what the client still sends: closing with unread bytes would reset the
    /// connection, and the client might lose the answer.
    fn drain(&mut self) {
        let _ = self.control.shutdown(Shutdown::Write);
        let mut bin = [0; 64 * 1024];
        while matches!(self.wire.read(&mut bin), Ok(1..)) {}
    }
}

/// Request line and headers, or what is wrong with them.
fn head(lines: &[String], connection: usize) -> Result<Request, String> {
    let line = lines
        .first()
        .ok_or("an empty line where a request should begin")?;
    let words = line.split(' ').collect::<Vec<_>>();
    let [method, target, "HTTP/1.1"] = words[..] else {
        return Err(format!("not a request line: {line}"));
    };
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(format!("not a method: {line}"));
    }
    check_target(target).map_err(|how| format!("{how}: {line}"))?;
    let mut headers: Vec<(String, String)> = Vec::new();
    for field in &lines[1..] {
        let (name, value) = field
            .split_once(':')
            .ok_or_else(|| format!("a header without a colon: {field}"))?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(format!("not a header name: {field}"));
        }
        // Repeating is legal for some headers and a smuggling risk for others; nobody needs it for any.
        if headers
            .iter()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
        {
            return Err(format!("a header that was sent twice: {name}"));
        }
        let value = value.strip_prefix(' ').unwrap_or(value);
        if value.trim() != value {
            return Err(format!("white space around a header value: {field:?}"));
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    let request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        body: Vec::new(),
        connection,
    };
    if request.header("host").is_none_or(str::is_empty) {
        return Err(format!("no Host: {line}"));
    }
    if request.header("transfer-encoding").is_some() {
        return Err(format!(
            "a Transfer-Encoding, where Content-Length is the rule: {line}"
        ));
    }
    Ok(request)
}

/// A target begins with a slash and holds what an address may hold, with whole escapes of whole characters.
fn check_target(target: &str) -> Result<(), &'static str> {
    if !target.starts_with('/') {
        return Err("the target does not begin with a slash");
    }
    if !target
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/?".contains(&byte))
    {
        return Err("the target holds a character that must be escaped");
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let decoded = percent_decode(path, false).ok_or("the path has a broken escape")?;
    if decoded.contains(char::is_control) {
        return Err("the path holds a control character");
    }
    pairs(query)
        .map(|_| ())
        .ok_or("the query has a broken escape")
}

fn length(request: &Request) -> Result<usize, String> {
    let (method, target) = (&request.method, &request.target);
    let Some(text) = request.header("content-length") else {
        return match method.as_str() {
            "POST" | "PUT" | "PATCH" => Err(format!("no Content-Length: {method} {target}")),
            _ => Ok(0),
        };
    };
    match text.parse::<usize>() {
        Ok(length) if length.to_string() == text && length <= MAX_BODY => {
            if length > 0 && matches!(method.as_str(), "GET" | "HEAD") {
                return Err(format!("a body that no server expects: {method} {target}"));
            }
            Ok(length)
        }
        _ => Err(format!("not a Content-Length: {text}")),
    }
}

// ------------------------------------------------------------------------------------------------------ tests

/// An address at which nobody listens.
pub fn unused_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
    listener.local_addr().expect("a listener has an address")
}

/// A listener whose queue is full: whoever calls hears nothing at all.
pub fn full_queue() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    while let Ok(socket) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(socket);
    }
    (listener, waiting)
}

/// Writes a byte at a time, with a pause behind each.
pub fn drip(out: &mut impl Write, bytes: &[u8], pause: Duration) -> io::Result<()> {
    for byte in bytes {
        out.write_all(&[*byte])?;
        out.flush()?;
        thread::sleep(pause);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_requests_share_a_connection() {
        let server = Server::start(|request| Reply::text(200, "text/plain", request.path()));
        let answer = server.speak(
            "GET /a?b=c+d%26 HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi",
        );
        assert_eq!(
            answer,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n/a\
             HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n/b"
        );
        let requests = server.requests();
        assert_eq!(requests[0].query("b").as_deref(), Some("c d&"));
        assert_eq!(requests[1].body, b"hi");
        assert_eq!(server.connections(), 1);
    }

    #[test]
    fn what_a_cautious_server_refuses_is_recorded() {
        for request in [
            "GET /a HTTP/1.0\r\nHost: h\r\n\r\n",
            "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /a%2 HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /a%0a HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /a HTTP/1.1\r\n\r\n",
            "GET /a HTTP/1.1\nHost: h\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: h\r\nX-A: \u{fc}\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: h\r\n\r\n",
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: +2\r\n\r\nhi",
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nhi",
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nhi",
            "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            let mut server = Server::start(|_| Reply::empty(204));
            server.speak(request);
            server.expect_anything();
            // The reading thread is done when the connection has ended, so the record is complete.
            assert_eq!(server.take_violations().len(), 1, "{request:?}");
        }
    }

    #[test]
    fn a_form_is_taken_apart_and_shown() {
        let body = "--b1\r\nContent-Disposition: form-data; name=\"userId\"\r\n\r\nabc\r\n--b1\r\nContent-Disposition: form-data; \
                    name=\"image\"; filename=\"avatar.png\"\r\nContent-Type: image/png\r\n\r\n\x01\x02\r\n--b1--\r\n";
        let server = Server::start(|_| Reply::empty(204));
        let length = body.len();
        server.speak(format!(
            "POST /f HTTP/1.1\r\nHost: h:1\r\nContent-Type: multipart/form-data; boundary=b1\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        ));
        let request = &server.requests()[0];
        let parts = request.form();
        assert_eq!(
            (
                parts[0].name.as_str(),
                parts[0].text(),
                parts[0].filename.as_deref()
            ),
            ("userId", "abc", None)
        );
        assert_eq!(parts[1].filename.as_deref(), Some("avatar.png"));
        assert_eq!(parts[1].content_type.as_deref(), Some("image/png"));
        assert_eq!(parts[1].body, [1, 2]);
        assert_eq!(
            wire(request),
            format!(
                "POST /f HTTP/1.1\nHost: HOST\nContent-Type: multipart/form-data; boundary=b1\nContent-Length: {length}\n\n\
                 --b1\nContent-Disposition: form-data; name=\"userId\"\n\nabc\n\
                 --b1\nContent-Disposition: form-data; name=\"image\"; filename=\"avatar.png\"\nContent-Type: image/png\n\n<2 bytes>\n\
                 --b1--\n"
            )
        );
        let mut torn = request.clone();
        torn.body.truncate(length - 4);
        assert_eq!(
            torn.try_form().unwrap_err(),
            "the form does not end with its closing boundary"
        );
    }

    #[test]
    fn a_large_body_is_refused_before_it_is_read() {
        let server = Server::start(|_| Reply::empty(204));
        server.refuse_bodies_above(10, Reply::html(413, "413 Request Entity Too Large"));
        let answer =
            server.speak("POST /f HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n12345678901");
        assert_eq!(
            answer.lines().next(),
            Some("HTTP/1.1 413 Request Entity Too Large")
        );
        assert!(server.requests()[0].body.is_empty());
    }

    #[test]
    #[should_panic(expected = "nobody called the server")]
    fn a_server_that_nobody_called_fails_the_test() {
        Server::start(|_| Reply::empty(204));
    }
}
