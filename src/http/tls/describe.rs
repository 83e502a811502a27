//! What is to be said of a certificate that was taken: who issued it, until when it is valid, and what it is trusted by.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;

use super::Trust;
use super::certificate::Certificate;
use super::verifier::Verifier;
use crate::error::Result;
use crate::http::Tls;

/// A certificate that was taken.
pub struct Shown {
    /// What people call its issuer; foreign text.
    pub issuer: Option<String>,
    pub self_signed: bool,
    /// Until when it is valid, in seconds since 1970.
    pub ends: Option<u64>,
    pub trusted_by: TrustedBy,
}

/// Why a certificate was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedBy {
    /// Nothing was checked.
    Nothing,
    /// It is itself in `--ca-file`.
    Named,
    /// An authority of `--ca-file`.
    CaFile,
    /// The system's store, or the one that a variable names.
    Store(Option<&'static str>),
    /// The built-in roots.
    BuiltIn,
}

/// What a server showed. None if it showed nothing that can be read.
///
/// Errors: configuration, for a file of `trust` that cannot be used any more.
pub fn describe(trust: &Trust, tls: &Tls) -> Result<Option<Shown>> {
    let chain: Vec<_> = tls
        .chain
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect();
    let Some((own, others)) = chain.split_first() else {
        return Ok(None);
    };
    let Some(certificate) = Certificate::read(own) else {
        return Ok(None);
    };
    let verifier = Verifier::new(trust, Arc::new(ring::default_provider()))?;
    Ok(Some(Shown {
        issuer: certificate.issuer_name().map(str::to_owned),
        self_signed: certificate.issuer == certificate.subject,
        ends: certificate.period().map(|(_, end)| end),
        trusted_by: verifier.trusted_by(own, others)?,
    }))
}
