//! What was seen while a connection was made and used: addresses, times, the certificates of the other side. The files
//! of this folder fill it in; it is read when an attempt at a request is over.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// What is known of the latest connection, and of the latest request over it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// How many connections were made so far.
    pub made: usize,
    /// Of the host that is connected to, which may be a proxy.
    pub addresses: Vec<IpAddr>,
    /// The one of them that took the connection.
    pub peer: Option<IpAddr>,
    pub tls: Option<Arc<Tls>>,
    pub steps: Steps,
}

/// What a handshake agreed on.
#[derive(Debug)]
pub struct Tls {
    /// `TLS 1.3`
    pub version: &'static str,
    /// The certificates that the server showed, its own first, in DER.
    pub chain: Vec<Vec<u8>>,
}

/// The steps of one request that were taken, and how long each of them took; none if it was not taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps {
    pub looked_up: Option<Duration>,
    /// TCP, and the tunnel of a proxy.
    pub connected: Option<Duration>,
    pub encrypted: Option<Duration>,
    /// When its last byte went out.
    pub sent: Option<Instant>,
    /// When the head of its answer was there.
    pub answered: Option<Instant>,
}

/// The facts, shared by everything that takes part in a connection. One thread uses them, so the lock is never
/// poisoned nor contended; ureq asks for `Sync`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<Facts>>);

impl Watch {
    /// A connection to one of these addresses is made.
    pub(crate) fn begin(&self, addresses: impl Iterator<Item = IpAddr>) {
        let mut facts = self.facts();
        facts.made += 1;
        facts.addresses = addresses.collect();
        (facts.peer, facts.tls) = (None, None);
    }

    /// The last byte of a request is out.
    pub(crate) fn sent(&self) {
        self.facts().steps.sent = Some(Instant::now());
    }

    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
