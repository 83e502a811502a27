//! From a host name to a connection that HTTP can be spoken over: look-up, TCP and TLS joined to ureq's
//! transport interface. Failures here mean that no request was carried, so all of them are of the class
//! `Unreachable`. It knows neither requests nor answers.

use std::fmt;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector,
    Transport, TransportAdapter,
};

use crate::error::{Class, Error};
use crate::secret::reason;
use crate::tls;

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

/// Our own errors cross ureq unchanged inside its `Other`; `http.rs` takes them out again.
fn unreachable(message: String) -> ureq::Error {
    ureq::Error::Other(Box::new(Error::new(Class::Unreachable, message)))
}

/// Looks a name up once a run: ureq asks before every request, even when the connection is still open.
/// An address needs no look-up, and with it no thread that guards the time.
#[derive(Debug, Default)]
pub struct Names {
    known: Mutex<Option<(String, ResolvedSocketAddrs)>>,
    system: DefaultResolver,
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Answer<ResolvedSocketAddrs> {
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
            Err(_) => Err(unreachable(format!("cannot find the host {host}"))),
        }
    }
}

/// Opens TCP, and TLS on top of it for https.
pub struct Dialler {
    pub tls: Option<Arc<ClientConfig>>,
}

impl Connector<()> for Dialler {
    type Out = Either<Patient, Encrypted>;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Answer<Option<Self::Out>> {
        let place = format!("{}:{}", host(details.uri), port(details.uri));
        let transport = match TcpConnector::default().connect(details, None::<()>) {
            Ok(Some(transport)) => transport,
            Ok(None) => return Ok(None),
            Err(error) => return Err(not_connected(&place, error)),
        };
        let patient = Patient {
            inner: Box::new(transport),
            deaf: false,
        };
        if !details.needs_tls() {
            return Ok(Some(Either::A(patient)));
        }
        let Some(config) = self.tls.clone() else {
            return Err(ureq::Error::TlsRequired);
        };
        let name = host(details.uri).to_owned();
        let Ok(server) = ServerName::try_from(name.clone()) else {
            return Err(unreachable(format!("{name} is no name that TLS can check")));
        };
        let mut session = match ClientConnection::new(config, server) {
            Ok(session) => session,
            Err(error) => return Err(ureq::Error::Other(Box::new(tls::explain(&error, &place)))),
        };
        let mut socket = TransportAdapter::new(patient, details.current_time.clone());
        socket.set_timeout(details.timeout);
        if let Err(error) = session.complete_io(&mut socket) {
            return Err(no_tls(&place, error));
        }
        Ok(Some(Either::B(Encrypted {
            stream: StreamOwned::new(session, socket),
            buffers: LazyBuffers::new(
                details.config.input_buffer_size(),
                details.config.output_buffer_size(),
            ),
        })))
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
            (Some(error), _) => ureq::Error::Other(Box::new(tls::explain(error, place))),
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

/// A connection that still reads the answer after the server stopped listening. A server, or a proxy in
/// front of it, that refuses an upload early answers 413 and closes while we are still sending; the answer
/// is the news, not the broken pipe.
#[derive(Debug)]
pub struct Patient {
    inner: Box<dyn Transport>,
    deaf: bool,
}

impl Transport for Patient {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Answer<()> {
        if self.deaf {
            return Ok(());
        }
        match self.inner.transmit_output(amount, timeout) {
            Err(ureq::Error::Io(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                ) =>
            {
                self.deaf = true;
                Ok(())
            }
            other => other,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Answer<bool> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        !self.deaf && self.inner.is_open()
    }
}

/// A connection under TLS.
pub struct Encrypted {
    stream: StreamOwned<ClientConnection, TransportAdapter<Patient>>,
    buffers: LazyBuffers,
}

impl Transport for Encrypted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Answer<()> {
        self.stream.sock.set_timeout(timeout);
        self.stream.write_all(&self.buffers.output()[..amount])?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Answer<bool> {
        self.stream.sock.set_timeout(timeout);
        let amount = io::Read::read(&mut self.stream, self.buffers.input_append_buf())?;
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
