//! Whether a server's certificate is taken: an authority that is trusted vouches for it, or it is trusted itself.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, iter};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};

use super::Trust;
use super::certificate::Certificate;
use super::describe::TrustedBy;
use super::store::{Certificates, Store, certificates};
use crate::error::{Error, Result};

/// Takes a certificate that an authority of the store or of `--ca-file` has signed, and one that is itself in the
/// store or in `--ca-file`, byte for byte.
///
/// The second kind is what `openssl req -x509` makes: self-signed with CA:TRUE. webpki refuses it as an end entity
/// (`CaUsedAsEndEntity`) although the user named it as trusted. It is checked as strictly as others: its name and its
/// period in `verify_trusted`, and the signature of the handshake as for any certificate.
///
/// Only authorities may sign others. webpki takes any certificate for a root, and any with CA:TRUE for an
/// intermediate, whatever its key usage says; but whoever has the key of one server must not be able to sign for
/// other servers with it. Of a root webpki looks at name and key alone: that it is in its period, and that no more
/// authorities stand below it than it allows, is seen to here; and so is what a server's key may be used for.
///
/// With `--insecure` nothing is checked, not even the signature of the handshake: it proves who the server is, which
/// the user does not ask, and it cannot be checked for certificates of version 1 or with short keys, which old
/// appliances have.
///
/// The store is read only as far as it is needed, and of its authorities only those are parsed that have the name of
/// an issuer: no other can have signed.
#[derive(Debug)]
pub(super) struct Verifier {
    insecure: bool,
    /// The certificates of `--ca-file`.
    given: Certificates,
    store: Store,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// Errors: configuration, for a file that cannot be read or does not hold what it should.
    pub(super) fn new(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Verifier> {
        let given = match &trust.ca_file {
            Some(path) => certificates(path, "CA file")?.into(),
            None => Certificates::default(),
        };
        let store = Store::new(&trust.store);
        // It is going to be needed, so that it is said at once if it cannot be used.
        if trust.ca_file.is_none() && !trust.insecure {
            store.is_there()?;
        }
        Ok(Verifier {
            insecure: trust.insecure,
            given,
            store,
            provider,
        })
    }

    /// Looks for what vouches for this certificate, in one place after the other.
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        shown: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Verified {
        let issuers: Vec<&[u8]> = [end_entity]
            .into_iter()
            .chain(shown)
            .filter_map(issuer)
            .collect();
        let mut roots = RootCertStore::empty();
        let mut refused = None;
        // Where the store is, is not even looked for before its turn.
        let store = iter::once_with(|| self.store.places()).flatten();
        for trusted in iter::once(&self.given).chain(store) {
            let (pinned, signers) = search(trusted, end_entity, &issuers);
            if pinned {
                return verify_trusted(end_entity, name, now);
            }
            let known = roots.len();
            for signer in signers {
                if let Err(error) = in_period(&signer, now) {
                    refused = Some(error.into());
                } else if let Some(length) = path_length(&signer)
                    && length < shown.len()
                {
                    match self.verify_short(signer, end_entity, shown, length, now) {
                        Ok(parsed) => return verify_name(&parsed, name),
                        Err(error) => refused = Some(error),
                    }
                } else {
                    roots.add_parsable_certificates([signer]);
                }
            }
            if roots.len() > known {
                match self.verify_chain(&roots, end_entity, shown, now) {
                    Ok(parsed) => return verify_name(&parsed, name),
                    Err(error) => refused = Some(error),
                }
            }
        }
        if !self.store.is_there().map_err(Refused::Store)? {
            let built_in = webpki_roots::TLS_SERVER_ROOTS.iter();
            roots.extend(
                built_in
                    .filter(|root| issuers.contains(&&*root.subject))
                    .cloned(),
            );
        } else if let Some(error) = refused {
            return Err(error);
        }
        let parsed = self.verify_chain(&roots, end_entity, shown, now)?;
        verify_name(&parsed, name)
    }

    /// What vouches for a certificate that was taken.
    ///
    /// Errors: configuration, if the store that is named cannot be used any more.
    pub(super) fn trusted_by(
        &self,
        end_entity: &CertificateDer<'_>,
        shown: &[CertificateDer<'_>],
    ) -> Result<TrustedBy> {
        let certificates = [end_entity].into_iter().chain(shown);
        let issuers: Vec<&[u8]> = certificates.filter_map(issuer).collect();
        let mut roots = RootCertStore::empty();
        let (named, signers) = search(&self.given, end_entity, &issuers);
        roots.add_parsable_certificates(signers);
        let signed = || {
            self.verify_chain(&roots, end_entity, shown, UnixTime::now())
                .is_ok()
        };
        Ok(match self.insecure {
            true => TrustedBy::Nothing,
            false if named => TrustedBy::Named,
            false if !roots.is_empty() && signed() => TrustedBy::CaFile,
            false if self.store.is_there()? => TrustedBy::Store(self.store.variable()),
            false => TrustedBy::BuiltIn,
        })
    }

    /// Checks the same with a root that allows so many authorities below it, and with no more than these.
    fn verify_short<'a>(
        &self,
        root: CertificateDer<'_>,
        end_entity: &'a CertificateDer<'a>,
        shown: &[CertificateDer<'_>],
        length: usize,
        now: UnixTime,
    ) -> std::result::Result<ParsedCertificate<'a>, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates([root]);
        let path = path(end_entity, shown);
        let checked = self.verify_chain(&roots, end_entity, &path[..length.min(path.len())], now);
        checked.map_err(|error| match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                Refused::TooLong.into()
            }
            error => error,
        })
    }

    /// Checks that an authority has signed this certificate.
    fn verify_chain<'a>(
        &self,
        roots: &RootCertStore,
        end_entity: &'a CertificateDer<'a>,
        shown: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> std::result::Result<ParsedCertificate<'a>, rustls::Error> {
        let (authorities, others): (Vec<_>, Vec<_>) = shown.iter().cloned().partition(is_authority);
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            roots,
            &authorities,
            now,
            self.provider.signature_verification_algorithms.all,
        )
        .map_err(|error| match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)
                if signs_any(&others, end_entity, &authorities) =>
            {
                Refused::NoAuthority.into()
            }
            rustls::Error::InvalidCertificate(CertificateError::Other(reason))
                if reason.to_string().contains("CaUsedAsEndEntity")
                    && !is_self_signed(end_entity) =>
            {
                Refused::Authority.into()
            }
            error => error,
        })?;
        match Certificate::read(end_entity).is_some_and(|it| it.is_for_servers()) {
            true => Ok(parsed),
            false => Err(Refused::NoServer.into()),
        }
    }
}

/// Whether a certificate is itself in this place, and what there may have signed it or what is shown with it.
fn search(
    place: &Certificates,
    end_entity: &CertificateDer<'_>,
    issuers: &[&[u8]],
) -> (bool, Vec<CertificateDer<'static>>) {
    let mut signers = Vec::new();
    let pinned = place.find(|certificate| {
        if may_have_signed(certificate, issuers) {
            signers.push(certificate.clone().into_owned());
        }
        (certificate == end_entity).then_some(())
    });
    (pinned.is_some(), signers)
}

type Verified = std::result::Result<ServerCertVerified, rustls::Error>;

fn verify_name(parsed: &ParsedCertificate, name: &ServerName) -> Verified {
    verify_server_name(parsed, name)?;
    Ok(ServerCertVerified::assertion())
}

/// The authorities between a certificate and its root, from below, as far as they are shown.
fn path<'a>(
    end_entity: &CertificateDer<'_>,
    shown: &[CertificateDer<'a>],
) -> Vec<CertificateDer<'a>> {
    let mut left: Vec<_> = shown.to_vec();
    let mut path: Vec<CertificateDer<'a>> = Vec::new();
    loop {
        let wanted = issuer(path.last().unwrap_or(end_entity)).unwrap_or_default();
        let signs = |der: &CertificateDer| may_have_signed(der, &[wanted]);
        let Some(at) = left.iter().position(signs) else {
            return path;
        };
        let next = left.remove(at);
        path.push(next);
    }
}

fn path_length(der: &CertificateDer) -> Option<usize> {
    Certificate::read(der)?.path_length()
}

fn is_self_signed(der: &CertificateDer) -> bool {
    Certificate::read(der).is_some_and(|it| it.issuer == it.subject)
}

/// Whether an authority is valid now. One whose period cannot be read is left to webpki.
fn in_period(der: &CertificateDer, now: UnixTime) -> std::result::Result<(), Refused> {
    let period = Certificate::read(der).and_then(|it| it.period());
    match period {
        Some((begin, _)) if now.as_secs() < begin => Err(Refused::Early(begin)),
        Some((_, end)) if now.as_secs() > end => Err(Refused::Late(end)),
        _ => Ok(()),
    }
}

fn issuer<'a>(der: &'a CertificateDer) -> Option<&'a [u8]> {
    Some(Certificate::read(der)?.issuer)
}

/// Whether this certificate is an authority, and one that these issuers name.
fn may_have_signed(der: &CertificateDer, issuers: &[&[u8]]) -> bool {
    Certificate::read(der).is_some_and(|it| issuers.contains(&it.subject) && it.is_authority())
}

/// Whether one of the issuers has the name of the issuer of the end entity or of an authority.
fn signs_any(
    issuers: &[CertificateDer<'_>],
    end_entity: &CertificateDer<'_>,
    authorities: &[CertificateDer<'_>],
) -> bool {
    let signed = |one: &CertificateDer, issuer: &CertificateDer| {
        let names = Certificate::read(one).zip(Certificate::read(issuer));
        // A server may show its own certificate twice.
        one != issuer && names.is_some_and(|(one, issuer)| one.issuer == issuer.subject)
    };
    let mut shown = [end_entity].into_iter().chain(authorities);
    shown.any(|one| issuers.iter().any(|issuer| signed(one, issuer)))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Verified {
        if self.insecure {
            return Ok(ServerCertVerified::assertion());
        }
        self.verify(end_entity, intermediates, name, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        if self.insecure {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
        .map_err(unproven)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        if self.insecure {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
        .map_err(unproven)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Why a certificate is not taken, where rustls has no word for it.
#[derive(Debug)]
pub(super) enum Refused {
    /// The store that was named cannot be used.
    Store(Error),
    /// The handshake was not signed with the key of the certificate. rustls has one error (`BadSignature`) for this
    /// and for a certificate that its authority did not sign; they ask for different remedies.
    Unproven,
    /// A certificate that may not sign others has signed this one.
    NoAuthority,
    /// A certificate that may sign others, and is not trusted itself, is shown for a server's.
    Authority,
    /// The key of the certificate is for something else.
    NoServer,
    /// The root allows fewer authorities below it.
    TooLong,
    /// The trusted authority is not valid before this second since 1970, or not after it.
    Early(u64),
    Late(u64),
}

/// For rustls alone; people are told by `explain`.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Refused {}

fn unproven(error: rustls::Error) -> rustls::Error {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
            Refused::Unproven.into()
        }
        other => other,
    }
}

impl From<Refused> for rustls::Error {
    fn from(refused: Refused) -> rustls::Error {
        CertificateError::Other(OtherError(Arc::new(refused))).into()
    }
}

/// Checks the name and the period of a certificate that is trusted itself.
fn verify_trusted(der: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Verified {
    let certificate = Certificate::read(der).ok_or(CertificateError::BadEncoding)?;
    let (begin, end) = certificate.period().ok_or(CertificateError::BadEncoding)?;
    let moment = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let (not_before, not_after) = (moment(begin), moment(end));
    if now < not_before {
        return Err(CertificateError::NotValidYetContext {
            time: now,
            not_before,
        }
        .into());
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext {
            time: now,
            not_after,
        }
        .into());
    }
    match verify_server_name(&ParsedCertificate::try_from(der)?, name) {
        Ok(()) => Ok(ServerCertVerified::assertion()),
        // Certificates made by hand often have a common name only; it counts where no name is presented
        // in the subjectAltName, and only here, where the certificate itself was named as trusted.
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            presented,
            ..
        })) if presented.is_empty()
            && certificate
                .common_name()
                .is_some_and(|common| common.eq_ignore_ascii_case(&name.to_str())) =>
        {
            Ok(ServerCertVerified::assertion())
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected,
            presented,
        })) if presented.is_empty() => Err(CertificateError::NotValidForNameContext {
            expected,
            presented: certificate
                .common_name()
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }
        .into()),
        Err(error) => Err(error),
    }
}

fn is_authority(der: &CertificateDer) -> bool {
    Certificate::read(der).is_some_and(|it| it.is_authority())
}
