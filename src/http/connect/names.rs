//! From the name of a host to its addresses, looked up once a run.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::Instant;

use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::details::{host, port};
use super::error::{Result, failed, unreachable};
use super::facts::Watch;
use crate::error::{Class, Error};
use crate::settings::address::Address;

/// Remembers the addresses: ureq asks before every request, even if the connection is still open. An address needs
/// no look-up, nor the thread that guards its time. Behind a proxy only the proxy's own name is looked up.
#[derive(Debug)]
pub(crate) struct Names {
    proxy: Option<Uri>,
    known: Mutex<Option<(String, ResolvedSocketAddrs)>>,
    system: DefaultResolver,
    watch: Watch,
}

impl Names {
    pub(crate) fn new(proxy: Option<&Address>, watch: Watch) -> Names {
        Names {
            proxy: proxy.and_then(|address| address.text().parse().ok()),
            known: Mutex::default(),
            system: DefaultResolver::default(),
            watch,
        }
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs> {
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
        let begun = Instant::now();
        match self.system.resolve(uri, config, timeout) {
            Ok(addresses) => {
                self.watch.facts().steps.looked_up = Some(begun.elapsed());
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
