//! Whom we trust: the system's store, the built-in Mozilla roots where there is none, the roots and the
//! pinned server certificates of `--ca-file`. And what a failed handshake means, in words.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use rustls_native_certs::{CertificateResult, ErrorKind, load_certs_from_paths};

use crate::error::{Class, Error, Result};
use crate::file::input;
use crate::http::certificate::Certificate;
use crate::settings::environment::STORE_FOLDERS;
use crate::terminal::quote;

/// A bundle of all authorities there are has less than a fiftieth of this, in bytes.
const LONGEST: u64 = 16 << 20;

/// What a user says about trust.
#[derive(Debug, Default, Clone)]
pub struct Trust {
    /// PEM file of roots, or of a server's own certificate, trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The store in place of the system's, where one is named: each path with its variable.
    pub store: Vec<(&'static str, PathBuf)>,
    /// PEM files of a certificate chain to show, and of its key (PKCS#8, PKCS#1 or SEC1).
    pub client: Option<(PathBuf, PathBuf)>,
    /// No certificate of a server is checked.
    pub insecure: bool,
}

impl Trust {
    /// Whether there are files that can be unusable.
    pub fn names_files(&self) -> bool {
        self.ca_file.is_some() || self.client.is_some()
    }
}

/// The client side of TLS 1.2 and 1.3 under `trust`.
///
/// Errors: configuration, for a file that cannot be read or does not hold what it should.
pub fn config(trust: &Trust) -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(ring::default_provider());
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
    let private = private_key(key)?;
    let config = builder
        .with_client_auth_cert(certificates, private)
        .map_err(|error| {
            let (chain, key) = (chain.to_string_lossy(), key.to_string_lossy());
            unusable(match error {
                rustls::Error::InconsistentKeys(_) => {
                    format!(
                        "the client key {} does not belong to the certificate {}",
                        quote(&key),
                        quote(&chain)
                    )
                }
                _ => format!("the client key {} cannot be used", quote(&key)),
            })
        })?;
    Ok(Arc::new(config))
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

/// What went wrong while shaking hands with `place` (host:port), and what to do about it.
pub fn explain(error: &rustls::Error, place: &str) -> Error {
    let certificate = |what: String| format!("the certificate of {place} {what}");
    let (message, hint) = match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            // An authority of the same name with another key: renewed, or not the same at all.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => (
                certificate("is signed by an authority that is not trusted here".into()),
                "give the authority's certificate, or the server's own self-signed one, with --ca-file",
            ),
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => (
                certificate("has no host name in it".into()),
                "give the server's own certificate with --ca-file: then its common name counts",
            ),
            CertificateError::NotValidForNameContext { presented, .. } => {
                let names: Vec<String> = presented.iter().map(|name| spoken(name)).collect();
                (
                    certificate(format!("is not for this name but for {}", names.join(", "))),
                    "use one of these names in the base URL",
                )
            }
            CertificateError::NotValidForName => (
                certificate("is not for this name".into()),
                "use a name of the certificate in the base URL",
            ),
            CertificateError::ExpiredContext { not_after, .. } => (
                certificate(format!("expired on {}", date(*not_after))),
                "renew it on the server, or correct this machine's clock",
            ),
            CertificateError::Expired => (
                certificate("has expired".into()),
                "renew it on the server, or correct this machine's clock",
            ),
            CertificateError::NotValidYetContext { not_before, .. } => (
                certificate(format!("is not valid before {}", date(*not_before))),
                "correct this machine's clock",
            ),
            CertificateError::NotValidYet => (
                certificate("is not valid yet".into()),
                "correct this machine's clock",
            ),
            CertificateError::Other(other) if other.0.is::<Unproven>() => {
                return Error::new(
                    Class::Unreachable,
                    format!("{place} does not prove that the certificate it shows is its own"),
                )
                .hint(
                    "somebody may intercept the connection; or the server has another key, or an RSA key of less than 2048 bits",
                );
            }
            // rustls hands webpki's word for it through as text.
            other if other.to_string().contains("CaUsedAsEndEntity") => (
                certificate("is self-signed and not trusted here".into()),
                "give this certificate with --ca-file",
            ),
            other if other.to_string().contains("UnsupportedCertVersion") => (
                certificate("is of X.509 version 1, which is not supported".into()),
                "make one of version 3, as openssl req -x509 does",
            ),
            CertificateError::Other(other)
                if other.0.is::<NoAuthority>()
                    || other.to_string().contains("EndEntityUsedAsCa") =>
            {
                (
                    certificate("is signed by a certificate that may not sign others".into()),
                    "give the server's own certificate with --ca-file",
                )
            }
            other => (
                certificate(format!(
                    "is not acceptable: {}",
                    crate::terminal::clean(&other.to_string(), 120)
                )),
                "look at it with openssl s_client -showcerts",
            ),
        },
        rustls::Error::InvalidMessage(_) => (
            format!("{place} does not speak TLS"),
            "if this port serves plain http, begin the base URL with http://",
        ),
        rustls::Error::AlertReceived(alert) => (
            format!("{place} refused the TLS handshake: {alert:?}"),
            match alert {
                rustls::AlertDescription::ProtocolVersion => {
                    "the server speaks TLS 1.1 or older only; it must offer TLS 1.2"
                }
                rustls::AlertDescription::CertificateRequired => {
                    "the server may want a client certificate"
                }
                rustls::AlertDescription::HandshakeFailure => {
                    "the server may want a client certificate, or take only old cipher suites"
                }
                rustls::AlertDescription::BadCertificate
                | rustls::AlertDescription::UnsupportedCertificate
                | rustls::AlertDescription::CertificateRevoked
                | rustls::AlertDescription::CertificateExpired
                | rustls::AlertDescription::CertificateUnknown
                | rustls::AlertDescription::UnknownCA => {
                    "the server does not accept the client certificate"
                }
                _ => "look at it with openssl s_client",
            },
        ),
        rustls::Error::PeerIncompatible(_) => (
            format!("{place} offers no TLS version or cipher that this program takes"),
            "the server must offer TLS 1.2 with a modern cipher suite",
        ),
        other => (
            format!("the TLS handshake with {place} failed: {other}"),
            "look at it with openssl s_client",
        ),
    };
    Error::new(Class::Unreachable, message).hint(hint)
}

/// webpki speaks of names as `DnsName("a.example")`; people do not.
fn spoken(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, rest)| rest);
    crate::terminal::clean(inner.trim_end_matches(')').trim_matches('"'), 80)
}

fn date(time: UnixTime) -> String {
    crate::time::text(time.as_secs())
}

/// The certificates of the store: of the one that is named, else of the system's; none where there is no store.
///
/// Errors: configuration, when nothing in a store that is named can be used.
fn stored(named: &[(&str, PathBuf)]) -> Result<Vec<CertificateDer<'static>>> {
    if named.is_empty() {
        return Ok(rustls_native_certs::load_native_certs().certs);
    }
    let (mut found, mut reasons) = (Vec::new(), Vec::new());
    for (variable, path) in named {
        let folders = *variable == STORE_FOLDERS;
        // A device would be read without an end.
        if !folders && let Err(error) = input::regular(path) {
            let place = quote(&path.to_string_lossy());
            let error = input::unreadable(&place, Class::Configuration, &error);
            reasons.push(error.about(*variable).message());
            continue;
        }
        let read = match folders {
            true => load_certs_from_paths(None, Some(path)),
            false => load_certs_from_paths(Some(path), None),
        };
        reasons.push(format!("{variable}: {}", missing(path, &read)));
        found.extend(read.certs);
    }
    match found.iter().any(|der| Certificate::read(der).is_some()) {
        true => Ok(found),
        // All of them, because one usable path would do.
        false => Err(unusable(reasons.join("; "))),
    }
}

/// Why nothing in this file or folder can be used.
fn missing(path: &Path, read: &CertificateResult) -> String {
    let unreadable = read.errors.iter().find_map(|error| match &error.kind {
        ErrorKind::Io { inner, path } => Some((inner, path)),
        _ => None,
    });
    let quoted = |path: &Path| quote(&path.to_string_lossy());
    match unreadable {
        Some((error, path)) => {
            input::unreadable(&quoted(path), Class::Configuration, error).message()
        }
        None if read.certs.is_empty() => {
            format!("{} holds no certificate in PEM form", quoted(path))
        }
        None => format!("{} holds no usable certificate", quoted(path)),
    }
}

fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let place = quote(&path.to_string_lossy());
    let bytes = input::read(path, &format!("the {what}"), Class::Configuration, LONGEST)?;
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if found.is_empty() => {}
        Ok(found) if found.iter().all(is_readable) => return Ok(found),
        Ok(_) => {
            return Err(unusable(format!(
                "the {what} {place} holds no usable certificate"
            )));
        }
        Err(_) => {}
    }
    Err(unusable(format!(
        "the {what} {place} holds no certificate in PEM form"
    )))
}

fn is_readable(der: &CertificateDer) -> bool {
    Certificate::read(der).is_some_and(|it| it.period().is_some())
}

fn is_authority(der: &CertificateDer) -> bool {
    Certificate::read(der).is_some_and(|it| it.is_authority())
}

/// Takes a certificate that an authority of the store or of `--ca-file` vouches for, and one that is there
/// itself, byte for byte.
///
/// The second is what `openssl req -x509` makes: self-signed with CA:TRUE, which webpki refuses as an end
/// entity (`CaUsedAsEndEntity`) although it was named as trusted. Nothing weaker: its name and its period
/// are checked here, the handshake's signature below.
///
/// Only authorities vouch for others. webpki takes any certificate for a root, and any with CA:TRUE for an
/// intermediate, whatever its key usage says; but who has a server's key may not sign for other servers with it.
///
/// With `--insecure` nothing is checked, the handshake's signature included: it says who is there, which is not
/// asked, and certificates of version 1 or with short keys, as old appliances have them, cannot even be read for
/// it.
#[derive(Debug)]
struct Verifier {
    insecure: bool,
    /// All that are trusted, whether or not they may vouch for others.
    trusted: Vec<CertificateDer<'static>>,
    /// The authorities.
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Verifier> {
        let mut trusted = match &trust.ca_file {
            Some(path) => certificates(path, "CA file")?,
            None => Vec::new(),
        };
        let mut roots = RootCertStore::empty();
        if !trust.insecure {
            let stored = stored(&trust.store)?;
            // A container FROM scratch has no store.
            if !stored.iter().any(|der| Certificate::read(der).is_some()) {
                let built_in = webpki_roots::TLS_SERVER_ROOTS;
                roots.roots.extend_from_slice(built_in);
            }
            trusted.extend(stored);
            let authorities = trusted.iter().filter(|der| is_authority(der));
            let borrowed = authorities.map(|der| CertificateDer::from(&**der));
            roots.add_parsable_certificates(borrowed);
        }
        Ok(Verifier {
            insecure: trust.insecure,
            trusted,
            roots,
            provider,
        })
    }

    /// Whether an authority vouches for this certificate.
    fn verify_chain(
        &self,
        end_entity: &CertificateDer<'_>,
        shown: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let (authorities, others): (Vec<_>, Vec<_>) = shown.iter().cloned().partition(is_authority);
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            &authorities,
            now,
            self.provider.signature_verification_algorithms.all,
        )
        .map_err(|error| match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)
                if signs_any(&others, end_entity, &authorities) =>
            {
                other(NoAuthority)
            }
            error => error,
        })?;
        verify_server_name(&parsed, name)?;
        Ok(ServerCertVerified::assertion())
    }
}

/// Whether one of these is the issuer, by its name, of the end entity or of an authority.
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
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if self.insecure {
            return Ok(ServerCertVerified::assertion());
        }
        if self.trusted.iter().any(|one| one == end_entity) {
            return verify_trusted(end_entity, name, now);
        }
        self.verify_chain(end_entity, intermediates, name, now)
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

/// The handshake was not signed with the key of the certificate. rustls has one word for this and for a
/// certificate that its authority did not sign.
#[derive(Debug)]
struct Unproven;

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the handshake is not signed with the key of the certificate")
    }
}

impl std::error::Error for Unproven {}

fn unproven(error: rustls::Error) -> rustls::Error {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => other(Unproven),
        other => other,
    }
}

fn other(reason: impl std::error::Error + Send + Sync + 'static) -> rustls::Error {
    CertificateError::Other(OtherError(Arc::new(reason))).into()
}

/// A certificate that may not sign others has signed this one.
#[derive(Debug)]
struct NoAuthority;

impl fmt::Display for NoAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signed by a certificate that may not sign others")
    }
}

impl std::error::Error for NoAuthority {}

/// A certificate that is trusted itself: its name and its period.
fn verify_trusted(
    der: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> std::result::Result<ServerCertVerified, rustls::Error> {
    let certificate = Certificate::read(der).ok_or(CertificateError::BadEncoding)?;
    let (begin, end) = certificate.period().ok_or(CertificateError::BadEncoding)?;
    let moment = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
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
