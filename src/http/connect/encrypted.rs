//! A connection under TLS, on top of a plain one: the handshake, then what is read and written.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, StreamOwned};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, NextTimeout, Transport};

use super::buffers::Held;
use super::details::{host, left};
use super::error::{Result, failed, unreachable};
use super::facts::Tls;
use super::plain::Plain;
use crate::error::reason;
use crate::http::tls;
use crate::settings::address::relative;

/// A connection under TLS.
pub(crate) struct Encrypted {
    place: String,
    stream: StreamOwned<ClientConnection, Plain>,
    buffers: Held,
}

impl Encrypted {
    /// Shakes hands over a connection with `place` (host:port). Errors: unreachable.
    pub(crate) fn shake_hands(
        mut plain: Plain,
        details: &ConnectionDetails,
        config: Arc<ClientConfig>,
        place: String,
    ) -> Result<Encrypted> {
        let name = relative(host(details.uri)).to_owned();
        let Ok(server) = ServerName::try_from(name.clone()) else {
            return Err(unreachable(format!("TLS cannot check the name {name}")));
        };
        let mut session = match ClientConnection::new(config, server) {
            Ok(session) => session,
            Err(error) => return Err(failed(tls::explain(&error, &place), true)),
        };
        plain.set_timeout(left(details));
        if let Err(error) = session.complete_io(&mut plain) {
            return Err(handshake_failed(&place, error));
        }
        Ok(Encrypted {
            place,
            stream: StreamOwned::new(session, plain),
            buffers: Held::default(),
        })
    }

    /// Sends what is held back.
    fn release(&mut self, timeout: NextTimeout) -> Result<()> {
        self.stream.sock.set_timeout(timeout);
        let sent = self.stream.write_all(self.buffers.held());
        sent.map_err(|error| client_refused(&self.place, error))?;
        if self.buffers.sent() {
            self.stream.sock.watch().sent();
        }
        Ok(())
    }

    /// What the handshake agreed on.
    pub(super) fn agreed(&self) -> Tls {
        let session = &self.stream.conn;
        let shown = session.peer_certificates().unwrap_or_default();
        Tls {
            version: match session.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
                _ => "TLS 1.2",
            },
            chain: shown.iter().map(|der| der.to_vec()).collect(),
        }
    }
}

impl Transport for Encrypted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<()> {
        match self.buffers.hold(amount) {
            true => self.release(timeout),
            false => Ok(()),
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool> {
        self.release(timeout)?;
        let read = self.stream.read(self.buffers.input_append_buf());
        let amount = read.map_err(|error| client_refused(&self.place, error))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.is_open()
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

/// A handshake fails for TLS's own reasons, or because the other side went away or never spoke TLS.
fn handshake_failed(place: &str, error: io::Error) -> ureq::Error {
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
fn client_refused(place: &str, error: io::Error) -> ureq::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(error @ rustls::Error::AlertReceived(_)) => failed(tls::explain(error, place), true),
        _ => error.into(),
    }
}
