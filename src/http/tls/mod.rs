//! Whom we trust: the system's store, the built-in Mozilla roots if there is none, the roots and the
//! server certificates of `--ca-file`. And what a failed handshake means, in words.

mod certificate;
mod describe;
mod explain;
mod store;
mod verifier;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use self::certificate::Certificate;
use self::store::certificates;
use self::verifier::Verifier;
use crate::error::{Class, Error, Result};
use crate::file::input;
use crate::terminal::quote;

pub use self::describe::{Shown, TrustedBy, describe};
pub use self::explain::explain;

/// How much of a file is read, in bytes. A bundle of all public authorities has less than a fiftieth of it.
const LONGEST: u64 = 16 << 20;

/// Whom the user trusts, and as whom the user connects.
#[derive(Debug, Default, Clone)]
pub struct Trust {
    /// PEM file of roots, or of a server's own certificate, trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Files and folders that replace the system's store, each with the variable that names it; empty if none does.
    pub store: Vec<(&'static str, PathBuf)>,
    /// PEM files of a certificate chain to show, and of its key (PKCS#8, PKCS#1 or SEC1).
    pub client: Option<(PathBuf, PathBuf)>,
    /// No certificate of a server is checked.
    pub insecure: bool,
}

impl Trust {
    /// Whether the user named files of certificates or keys, which may be unusable.
    pub fn names_files(&self) -> bool {
        self.ca_file.is_some() || self.client.is_some()
    }
}

/// The client side of TLS 1.2 and 1.3 under `trust`.
///
/// Errors: configuration, for a file that cannot be read or does not hold what it should.
pub fn config(trust: &Trust) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(ring::default_provider());
    let key_provider = provider.key_provider;
    let verifier = Verifier::new(trust, provider.clone())?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(format!("cannot set up TLS: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some((chain, key)) = &trust.client else {
        return Ok(Arc::new(builder.with_no_client_auth()));
    };
    let certificates = certificates(chain, "client certificate")?;
    let place = quote(&key.to_string_lossy());
    let private = key_provider
        .load_private_key(private_key(key)?)
        .map_err(|_| unusable(format!("the client key {place} cannot be used")))?;
    // By our own reader: what rustls has for this refuses certificates of version 1, which openssl x509 makes.
    if private.public_key().is_some_and(|public| {
        let own = Certificate::read(&certificates[0]).map(|own| own.public_key);
        own.is_none_or(|own| !public.ends_with(own))
    }) {
        let chain = quote(&chain.to_string_lossy());
        return Err(unusable(format!(
            "the client key {place} does not belong to the certificate {chain}"
        )));
    }
    let shown = SingleCertAndKey::from(CertifiedKey::new(certificates, private));
    Ok(Arc::new(builder.with_client_cert_resolver(Arc::new(shown))))
}

fn unusable(message: String) -> Error {
    Error::new(Class::Configuration, message)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let place = quote(&path.to_string_lossy());
    let bytes = input::read(path, "the client key", Class::Configuration, LONGEST)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        let encrypted = String::from_utf8_lossy(&bytes).contains("ENCRYPTED");
        let error = unusable(format!(
            "the client key {place} holds no private key in PEM form"
        ));
        match encrypted {
            true => error.hint(
                "it is encrypted; write it out without a passphrase, readable by this account only",
            ),
            false => error,
        }
    })
}
