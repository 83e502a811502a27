//! What a failed handshake means, in words: what is wrong, and what to do about it.

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError};

use super::verifier::Refused;
use crate::error::{Class, Error};
use crate::terminal::clean;
use crate::time;

/// What is wrong, and the hint.
type Words = (String, &'static str);

const LOOK: &str = "look at it with openssl s_client";
const RENEW: &str = "renew it on the server, or correct this machine's clock";
const CLOCK: &str = "correct this machine's clock";

/// What went wrong in the handshake with `place` (host:port).
pub fn explain(error: &rustls::Error, place: &str) -> Error {
    if let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = error
        && let Some(refused) = other.0.downcast_ref()
    {
        return ours(refused, place);
    }
    let (message, hint) = match error {
        rustls::Error::InvalidCertificate(problem) => {
            let (what, hint) = certificate(problem);
            (of_certificate(place, &what), hint)
        }
        rustls::Error::InvalidMessage(_) => (
            format!("{place} does not speak TLS"),
            "if this port serves plain http, begin the base URL with http://",
        ),
        rustls::Error::AlertReceived(alert) => (
            format!("{place} refused the TLS handshake: {alert:?}"),
            hint_of_alert(*alert),
        ),
        rustls::Error::PeerIncompatible(_) => (
            format!("{place} offers no TLS version or cipher that this program takes"),
            "the server must offer TLS 1.2 with a modern cipher suite",
        ),
        other => (
            format!("the TLS handshake with {place} failed: {other}"),
            LOOK,
        ),
    };
    Error::new(Class::Unreachable, message).hint(hint)
}

/// Why a server's certificate is not taken, as the rest of a sentence about it.
fn certificate(problem: &CertificateError) -> Words {
    match problem {
        // An authority of the same name with another key: renewed, or not the same at all.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "is signed by an authority that is not trusted here".into(),
            "give the authority's certificate, or the server's own self-signed one, with --ca-file",
        ),
        CertificateError::NotValidForNameContext { presented, .. }
            if !presented.iter().any(|name| is_host(name)) =>
        {
            (
                "has no host name in it".into(),
                "give the server's own certificate with --ca-file: then its common name counts",
            )
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names = presented.iter().filter(|name| is_host(name));
            let names: Vec<String> = names.map(|name| spoken(name)).collect();
            (
                format!("is not for this name but for {}", names.join(", ")),
                "use one of these names in the base URL",
            )
        }
        CertificateError::NotValidForName => (
            "is not for this name".into(),
            "use a name of the certificate in the base URL",
        ),
        CertificateError::ExpiredContext { not_after, .. } => {
            (format!("expired on {}", date(*not_after)), RENEW)
        }
        CertificateError::Expired => ("has expired".into(), RENEW),
        CertificateError::NotValidYetContext { not_before, .. } => {
            (format!("is not valid before {}", date(*not_before)), CLOCK)
        }
        CertificateError::NotValidYet => ("is not valid yet".into(), CLOCK),
        other => other_problem(other),
    }
}

/// The same for what rustls hands through as webpki's word in a text, and for what has no words of ours.
fn other_problem(problem: &CertificateError) -> Words {
    let text = match problem {
        CertificateError::Other(other) => other.0.to_string(),
        problem => problem.to_string(),
    };
    if text.contains("CaUsedAsEndEntity") {
        (
            "is self-signed and not trusted here".into(),
            "give this certificate with --ca-file",
        )
    } else if text.contains("UnsupportedCertVersion") {
        (
            "is of X.509 version 1, which is not supported".into(),
            "make one of version 3, as openssl req -x509 does",
        )
    } else if text.contains("EndEntityUsedAsCa") {
        (NO_AUTHORITY.into(), GIVE_ITSELF)
    } else {
        (
            format!("is not acceptable: {}", clean(&text, 120)),
            LOOK_AT_ALL,
        )
    }
}

const NO_AUTHORITY: &str = "is signed by a certificate that may not sign others";
const GIVE_ITSELF: &str = "give the server's own certificate with --ca-file";
const LOOK_AT_ALL: &str = "look at it with openssl s_client -showcerts";

/// What is not taken here, though webpki would take it or has another word for it.
fn ours(refused: &Refused, place: &str) -> Error {
    let not_valid = |how: &str, moment: u64| {
        let moment = time::text(moment);
        format!("is signed by an authority whose own certificate {how} {moment}")
    };
    let (what, hint) = match refused {
        Refused::Store(error) => return error.clone(),
        Refused::Unproven => {
            let message = format!("{place} does not prove that the certificate it shows is its own");
            return Error::new(Class::Unreachable, message).hint("somebody may intercept the connection; or the server has another key, or an RSA key of less than 2048 bits");
        }
        Refused::NoAuthority => (NO_AUTHORITY.into(), GIVE_ITSELF),
        Refused::Authority => (
            "may sign others (CA:TRUE), so that it is a server's only where it is trusted itself"
                .into(),
            "give this certificate with --ca-file, or make one without CA:TRUE",
        ),
        Refused::NoServer => (
            "is not acceptable: its key usage does not let a server use it".into(),
            LOOK_AT_ALL,
        ),
        Refused::TooLong => (
            "is not acceptable: more authorities stand between it and the trusted one than that allows".into(),
            LOOK_AT_ALL,
        ),
        Refused::Early(begin) => (not_valid("is not valid before", *begin), CLOCK),
        Refused::Late(end) => (
            not_valid("expired on", *end),
            "give the authority's new certificate with --ca-file, or correct this machine's clock",
        ),
    };
    Error::new(Class::Unreachable, of_certificate(place, &what)).hint(hint)
}

fn of_certificate(place: &str, what: &str) -> String {
    format!("the certificate of {place} {what}")
}

/// What to do if the server ends the handshake with this alert.
fn hint_of_alert(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::ProtocolVersion => {
            "the server speaks TLS 1.1 or older only; it must offer TLS 1.2"
        }
        AlertDescription::CertificateRequired => "the server may want a client certificate",
        AlertDescription::HandshakeFailure => {
            "the server may want a client certificate, or take only old cipher suites"
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA => "the server does not accept the client certificate",
        _ => LOOK,
    }
}

/// Whether a name in a certificate is one that a host can have, and no e-mail address, say.
fn is_host(name: &str) -> bool {
    !name.starts_with("Unsupported(")
}

/// A name as people write it: webpki writes `DnsName("a.example")`.
fn spoken(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, rest)| rest);
    clean(inner.trim_end_matches(')').trim_matches('"'), 80)
}

fn date(moment: UnixTime) -> String {
    time::text(moment.as_secs())
}
