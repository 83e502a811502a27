//! From a host name to a connection that HTTP can be spoken over: look-up, TCP, proxies and TLS joined to
//! ureq's transport interface. Failures here mean that no request was carried, so all of them are of the class
//! `Unreachable`. It knows neither requests nor answers.

use std::fmt;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::{Duration as After, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector,
    Transport, TransportAdapter,
};

use crate::error::reason;
use crate::error::{Class, Error};
use crate::http::{AGENT, tls};
use crate::number::digits;
use crate::settings::address::{Address, relative};
use crate::settings::proxy::Proxy;
use crate::signals;

type Answer<T> = Result<T, ureq::Error>;

/// The host as the URI has it, without the brackets of an IPv6 address.
fn host(uri: &Uri) -> &str {
    uri.host()
        .unwrap_or_default()
        .trim_matches(|c| c == '[' || c == ']')
}

fn port(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    uri.port_u16().unwrap_or(usual)
}

/// Why there is no connection. Crosses ureq unchanged inside its `Other`; `failure.rs` takes it out again.
#[derive(Debug)]
pub struct ConnectError {
    pub error: Error,
    /// Another try would end the same way.
    pub permanent: bool,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for ConnectError {}

fn unreachable(message: String) -> ureq::Error {
    failed(Error::new(Class::Unreachable, message), false)
}

fn failed(error: Error, permanent: bool) -> ureq::Error {
    ureq::Error::Other(Box::new(ConnectError { error, permanent }))
}

/// A proxy refuses whoever does not log in, or logs in as somebody it does not know.
pub fn proxy_login(place: &str) -> Error {
    Error::new(
        Class::Credentials,
        format!("the proxy {place} asks for a user and a password, or for other ones"),
    )
    .hint("give them in the proxy's URL: http://user:password@host:port, best in HTTPS_PROXY or HTTP_PROXY")
}

/// Looks a name up once a run: ureq asks before every request, even when the connection is still open. An
/// address needs no look-up, and with it no thread that guards the time. Behind a proxy only the proxy's own
/// name is looked up.
#[derive(Debug)]
pub struct Names {
    proxy: Option<Uri>,
    known: Mutex<Option<(String, ResolvedSocketAddrs)>>,
    system: DefaultResolver,
}

impl Names {
    pub fn new(proxy: Option<&Address>) -> Names {
        Names {
            proxy: proxy.and_then(|address| address.text().parse().ok()),
            known: Mutex::default(),
            system: DefaultResolver::default(),
        }
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Answer<ResolvedSocketAddrs> {
        let uri = self.proxy.as_ref().unwrap_or(uri);
        // musl looks names up in /etc/hosts letter by letter.
        let lower = uri.to_string().to_ascii_lowercase().parse();
        let uri = lower.as_ref().unwrap_or(uri);
        let host = host(uri);
        if let Ok(address) = host.parse::<IpAddr>() {
            let mut addresses = self.empty();
            addresses.push(SocketAddr::new(address, port(uri)));
            return Ok(addresses);
        }
        let key = format!("{host}:{}", port(uri));
        // One thread uses this, so the lock is never poisoned nor contended; ureq asks for `Sync`.
        let mut known = self
            .known
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((name, addresses)) = &*known
            && *name == key
        {
            return Ok(addresses.clone());
        }
        match self.system.resolve(uri, config, timeout) {
            Ok(addresses) => {
                *known = Some((key, addresses.clone()));
                Ok(addresses)
            }
            Err(ureq::Error::Timeout(_)) => Err(unreachable(format!(
                "looking up the name {host} took too long"
            ))),
            Err(error) => {
                // glibc's and musl's words for a name server that does not answer now.
                let text = error.to_string().to_lowercase();
                let passing = text.contains("temporary failure") || text.contains("try again");
                let error = Error::new(Class::Unreachable, format!("cannot find the host {host}"));
                Err(failed(error, !passing))
            }
        }
    }
}

/// Opens TCP, to the server or to its proxy, and TLS on top of it for https.
pub struct Dialler {
    /// How many connections were made.
    pub made: Arc<AtomicUsize>,
    pub tls: Option<Arc<ClientConfig>>,
    pub proxy: Option<Proxy>,
}

impl Connector<()> for Dialler {
    type Out = Either<Plain, Encrypted>;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Answer<Option<Self::Out>> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let place = format!("{}:{}", host(details.uri), port(details.uri));
        let reached = match &self.proxy {
            None => place.clone(),
            Some(proxy) => format!("the proxy {}", proxy.address.place()),
        };
        let transport = match TcpConnector::default().connect(details, None::<()>) {
            Ok(Some(transport)) => transport,
            Ok(None) => return Ok(None),
            Err(error) => return Err(not_connected(&reached, error)),
        };
        let mut plain = Plain {
            inner: Box::new(transport),
            write_closed: false,
            absolute: None,
        };
        if !details.needs_tls() {
            plain.absolute = self.proxy.as_ref().map(|proxy| Absolute {
                origin: origin(details.uri),
                login: login(proxy),
                fresh: true,
            });
            return Ok(Some(Either::A(plain)));
        }
        if let Some(proxy) = &self.proxy {
            tunnel(&mut plain, details, proxy)?;
        }
        let Some(config) = self.tls.clone() else {
            return Err(ureq::Error::TlsRequired);
        };
        let name = relative(host(details.uri)).to_owned();
        let Ok(server) = ServerName::try_from(name.clone()) else {
            return Err(unreachable(format!("TLS cannot check the name {name}")));
        };
        let mut session = match ClientConnection::new(config, server) {
            Ok(session) => session,
            Err(error) => return Err(failed(tls::explain(&error, &place), true)),
        };
        let mut socket = TransportAdapter::new(plain, details.current_time.clone());
        socket.set_timeout(left(details));
        if let Err(error) = session.complete_io(&mut socket) {
            return Err(no_tls(&place, error));
        }
        Ok(Some(Either::B(Encrypted {
            place,
            stream: StreamOwned::new(session, socket),
            buffers: LazyBuffers::new(
                details.config.input_buffer_size(),
                details.config.output_buffer_size(),
            ),
        })))
    }
}

/// What is left of the time to connect, of which earlier stages have used a part.
fn left(details: &ConnectionDetails) -> NextTimeout {
    let used = match (details.now, (details.current_time)()) {
        (Instant::Exact(begun), Instant::Exact(now)) => now.saturating_duration_since(begun),
        _ => Duration::ZERO,
    };
    let after = match details.timeout.after {
        After::Exact(time) => After::Exact(time.saturating_sub(used)),
        After::NotHappening => After::NotHappening,
    };
    NextTimeout {
        after,
        ..details.timeout
    }
}

fn origin(uri: &Uri) -> String {
    format!(
        "{}://{}",
        uri.scheme_str().unwrap_or("http"),
        uri.authority().map_or("", |authority| authority.as_str())
    )
}

fn login(proxy: &Proxy) -> String {
    match &proxy.login {
        None => String::new(),
        Some(login) => format!(
            "proxy-authorization: Basic {}\r\n",
            BASE64_STANDARD.encode(login.expose())
        ),
    }
}

/// The head of a proxy's answer to CONNECT, in bytes.
const LONGEST_TUNNEL: usize = 16 << 10;

/// Asks a proxy for a tunnel to the server. Its answer is read byte by byte: what follows is the server's own.
fn tunnel(plain: &mut Plain, details: &ConnectionDetails, proxy: &Proxy) -> Answer<()> {
    let place = proxy.address.place();
    let target = format!(
        "{}:{}",
        details.uri.host().unwrap_or_default(),
        port(details.uri)
    );
    let ask = format!(
        "CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nuser-agent: {AGENT}\r\n{}\r\n",
        login(proxy)
    );
    let lost = |error: ureq::Error| match error {
        ureq::Error::Timeout(_) => unreachable(format!("the proxy {place} took too long")),
        _ => unreachable(format!("the proxy {place} closed the connection")),
    };
    plain
        .transmit(ask.as_bytes(), left(details))
        .map_err(lost)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if plain.buffers().input().is_empty() && !plain.await_input(left(details)).map_err(lost)? {
            return Err(lost(ureq::Error::ConnectionFailed));
        }
        let byte = plain.buffers().input()[0];
        plain.buffers().input_consume(1);
        head.push(byte);
        if head.len() > LONGEST_TUNNEL {
            return Err(unreachable(format!(
                "{place} does not answer like an http proxy"
            )));
        }
    }
    let head = String::from_utf8_lossy(&head);
    let status = head
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5))
        .and_then(digits);
    match status {
        Some(200..300) => Ok(()),
        // tinyproxy says 401 to a login that is wrong, and 407 to none.
        Some(status @ (401 | 407)) => Err(failed(proxy_login(&place).status(status), true)),
        Some(status) => Err(failed(
            Error::new(
                Class::Unreachable,
                format!("the proxy {place} does not connect to {target}: it answered {status}"),
            )
            .status(status),
            // Nothing was sent to the server yet. tinyproxy says 500 for one that it cannot reach.
            !matches!(status, 500 | 502..=504),
        )),
        None => Err(unreachable(format!(
            "{place} does not answer like an http proxy"
        ))),
    }
}

impl fmt::Debug for Dialler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialler")
    }
}

fn not_connected(place: &str, error: ureq::Error) -> ureq::Error {
    unreachable(match error {
        ureq::Error::Timeout(_) => format!("connecting to {place} took too long"),
        ureq::Error::Io(error) => format!("cannot connect to {place}: {}", reason(&error)),
        other => format!("cannot connect to {place}: {other}"),
    })
}

/// A handshake fails for TLS's own reasons, or because the other side went away or never spoke TLS.
fn no_tls(place: &str, error: io::Error) -> ureq::Error {
    let kind = error.kind();
    let plain = reason(&error);
    match error.into_inner() {
        Some(inner) => match (
            inner.downcast_ref::<rustls::Error>(),
            inner.downcast_ref::<ureq::Error>(),
        ) {
            (Some(error), _) => failed(tls::explain(error, place), true),
            (_, Some(ureq::Error::Timeout(_))) => {
                unreachable(format!("the TLS handshake with {place} took too long"))
            }
            _ => unreachable(format!("the TLS handshake with {place} failed: {plain}")),
        },
        None if kind == io::ErrorKind::UnexpectedEof => unreachable(format!(
            "{place} closed the connection during the TLS handshake"
        )),
        None => unreachable(format!("the TLS handshake with {place} failed: {plain}")),
    }
}

/// With TLS 1.3 a server refuses a client only when the client has finished its side of the handshake.
fn refused(place: &str, error: io::Error) -> ureq::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(error @ rustls::Error::AlertReceived(_)) => failed(tls::explain(error, place), true),
        _ => error.into(),
    }
}

/// A TCP connection that still reads the answer after the server stopped listening. A server, or a proxy in
/// front of it, that refuses an upload early answers 413 and closes while we are still sending; the answer
/// is the news, not the broken pipe.
#[derive(Debug)]
pub struct Plain {
    inner: Box<dyn Transport>,
    write_closed: bool,
    absolute: Option<Absolute>,
}

/// How long a read waits before it looks for a signal: std repeats a read that a signal interrupts.
const TICK: Duration = Duration::from_millis(200);

/// What a proxy for plain http wants in the first line of every request, and behind it.
struct Absolute {
    /// `http://host:port`
    origin: String,
    /// A header line, or nothing. A secret.
    login: String,
    /// The next bytes begin a request.
    fresh: bool,
}

impl fmt::Debug for Absolute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

impl Absolute {
    /// `GET /path HTTP/1.1` becomes `GET http://host/path HTTP/1.1`.
    fn rewrite(&self, head: &[u8]) -> Vec<u8> {
        let blank = head.iter().position(|byte| *byte == b' ');
        let (method, rest) = head.split_at(blank.map_or(0, |at| at + 1));
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let (line, rest) = rest.split_at(end.map_or(rest.len(), |at| at + 2));
        [
            method,
            self.origin.as_bytes(),
            line,
            self.login.as_bytes(),
            rest,
        ]
        .concat()
    }
}

impl Plain {
    /// Sends bytes that are not in the buffer.
    fn transmit(&mut self, mut bytes: &[u8], timeout: NextTimeout) -> Answer<()> {
        while !bytes.is_empty() {
            let output = self.inner.buffers().output();
            let (now, later) = bytes.split_at(bytes.len().min(output.len()));
            output[..now.len()].copy_from_slice(now);
            self.inner.transmit_output(now.len(), timeout)?;
            bytes = later;
        }
        Ok(())
    }
}

impl Transport for Plain {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Answer<()> {
        if self.write_closed {
            return Ok(());
        }
        let sent = match &mut self.absolute {
            Some(absolute) if absolute.fresh => {
                absolute.fresh = false;
                let bytes = absolute.rewrite(&self.inner.buffers().output()[..amount]);
                self.transmit(&bytes, timeout)
            }
            _ => self.inner.transmit_output(amount, timeout),
        };
        match sent {
            Err(ureq::Error::Io(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                ) =>
            {
                self.write_closed = true;
                Ok(())
            }
            other => other,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Answer<bool> {
        if let Some(absolute) = &mut self.absolute {
            absolute.fresh = true;
        }
        let begun = std::time::Instant::now();
        loop {
            let left = match timeout.after {
                After::Exact(time) => time.saturating_sub(begun.elapsed()),
                After::NotHappening => TICK,
            };
            if left.is_zero() {
                return Err(ureq::Error::Timeout(timeout.reason));
            }
            let tick = NextTimeout {
                after: After::Exact(left.min(TICK)),
                ..timeout
            };
            match self.inner.await_input(tick) {
                Err(ureq::Error::Timeout(_)) if signals::should_abort() => {
                    return Err(failed(Error::new(Class::Temporary, "interrupted"), true));
                }
                Err(ureq::Error::Timeout(_)) => {}
                other => return other,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        !self.write_closed && self.inner.is_open()
    }
}

/// A connection under TLS.
pub struct Encrypted {
    place: String,
    stream: StreamOwned<ClientConnection, TransportAdapter<Plain>>,
    buffers: LazyBuffers,
}

impl Transport for Encrypted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Answer<()> {
        self.stream.sock.set_timeout(timeout);
        let sent = self.stream.write_all(&self.buffers.output()[..amount]);
        sent.map_err(|error| refused(&self.place, error))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Answer<bool> {
        self.stream.sock.set_timeout(timeout);
        let read = io::Read::read(&mut self.stream, self.buffers.input_append_buf());
        let amount = read.map_err(|error| refused(&self.place, error))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encrypted")
    }
}
