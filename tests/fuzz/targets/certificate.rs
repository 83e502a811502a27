//! Certificates: what rustls can read we can read, what is told of one is what its bytes hold, and one that is named in
//! `--ca-file` is trusted by name or not at all. The input is DER; two of them are separated by `SEPARATOR`.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use avatarctl::http::Tls;
use avatarctl::http::tls::{Trust, TrustedBy, config, describe};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;

const SEPARATOR: &[u8] = b"\x1e\x1e\x1e\x1e";

pub(super) fn check(bytes: &[u8]) {
    let windows = bytes.windows(SEPARATOR.len());
    let end = windows.into_iter().position(|some| some == SEPARATOR);
    let chain = match end {
        None => vec![bytes.to_vec()],
        Some(end) => vec![
            bytes[..end].to_vec(),
            bytes[end + SEPARATOR.len()..].to_vec(),
        ],
    };
    let own = CertificateDer::from(chain[0].clone());
    let readable = ParsedCertificate::try_from(&own).is_ok();
    let tls = Tls {
        version: "TLS 1.3",
        chain,
    };
    let unchecked = Trust {
        insecure: true,
        ..Trust::default()
    };
    let shown = describe(&unchecked, &tls).expect("no file is read");
    assert!(shown.is_some() || !readable);
    if let Some(shown) = shown {
        assert_eq!(shown.trusted_by, TrustedBy::Nothing);
        if let Some(issuer) = &shown.issuer {
            let text = String::from_utf8_lossy(&tls.chain[0]);
            assert!(text.contains(issuer.as_str()), "{issuer:?}");
        }
        // Up to the end of the year 9999.
        assert!(shown.ends.is_none_or(|ends| ends < 253_402_300_800));
    }
    named(&tls);
}

/// With the last of the chain as the only one that is trusted.
fn named(tls: &Tls) {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    let path = PLACE.get_or_init(|| super::own_file("ca.pem"));
    let last = tls.chain.last().expect("there is one");
    let text = BASE64_STANDARD.encode(last);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    fs::write(path, pem).expect("room for a certificate");
    let trust = Trust {
        ca_file: Some(path.clone()),
        store: vec![("SSL_CERT_FILE", path.clone())],
        ..Trust::default()
    };
    let configured = config(&trust);
    let described = describe(&trust, tls);
    let errors = [configured.err(), described.as_ref().err().cloned()];
    for error in errors.iter().flatten() {
        super::assert_error(error);
    }
    if let Ok(Some(shown)) = described {
        assert_ne!(shown.trusted_by, TrustedBy::Nothing);
        assert_ne!(shown.trusted_by, TrustedBy::BuiltIn);
    }
}
