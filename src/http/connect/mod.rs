//! From a host name to a connection that HTTP can be spoken over: look-up, TCP, proxies and TLS joined to
//! ureq's transport interface. Failures here mean that no request was carried, so all of them are of the class
//! `Unreachable`, but for a proxy's login and a signal. It knows neither requests nor answers.

mod buffers;
mod details;
mod encrypted;
mod error;
mod facts;
mod names;
mod plain;
mod socket;
mod tunnel;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rustls::ClientConfig;
use ureq::unversioned::transport::{ConnectionDetails, Connector, Either};

use self::details::{host, origin, port};
use self::encrypted::Encrypted;
use self::error::{Result, unreachable};
use self::plain::Plain;
use crate::error::reason;
use crate::settings::proxy::Proxy;

pub(super) use self::error::ConnectError;
pub(super) use self::facts::{Facts, Steps, Watch};
pub(super) use self::names::Names;
pub(super) use self::tunnel::proxy_login;

pub use self::facts::Tls;

/// Opens TCP, to the server or to its proxy, and TLS on top of it for https.
pub(super) struct Dialler {
    pub watch: Watch,
    /// None if the server is never reached by https.
    pub tls: Option<Arc<ClientConfig>>,
    pub proxy: Option<Proxy>,
}

impl Connector<()> for Dialler {
    type Out = Either<Plain, Encrypted>;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Self::Out>> {
        let begun = Instant::now();
        self.watch.begin(details.addrs.iter().map(SocketAddr::ip));
        let place = format!("{}:{}", host(details.uri), port(details.uri));
        let reached = match &self.proxy {
            None => place.clone(),
            Some(proxy) => format!("the proxy {}", proxy.address.place()),
        };
        let plain = Plain::connect(details, self.watch.clone());
        let mut plain = plain.map_err(|error| not_connected(&reached, error))?;
        if !details.needs_tls() {
            self.watch.facts().steps.connected = Some(begun.elapsed());
            return Ok(Some(Either::A(match &self.proxy {
                None => plain,
                Some(proxy) => plain.with_absolute_form(origin(details.uri), tunnel::login(proxy)),
            })));
        }
        if let Some(proxy) = &self.proxy {
            tunnel::tunnel(&mut plain, details, proxy)?;
        }
        self.watch.facts().steps.connected = Some(begun.elapsed());
        let begun = Instant::now();
        let Some(config) = self.tls.clone() else {
            return Err(ureq::Error::TlsRequired);
        };
        let encrypted = Encrypted::shake_hands(plain, details, config, place)?;
        let mut facts = self.watch.facts();
        facts.steps.encrypted = Some(begun.elapsed());
        facts.tls = Some(Arc::new(encrypted.agreed()));
        drop(facts);
        Ok(Some(Either::B(encrypted)))
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
