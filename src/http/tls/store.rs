//! Certificates in files: those of the trust store, and those that a user names.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_native_certs::{CertificateResult, ErrorKind, load_certs_from_paths};

use super::certificate::Certificate;
use super::{LONGEST, unusable};
use crate::error::{Class, Result};
use crate::file::input;
use crate::settings::environment::STORE_FOLDERS;
use crate::terminal::quote;

/// The certificates of the store that is named, or of the system's if none is; none if there is no store.
///
/// Errors: configuration, if a store is named and nothing in it can be used.
pub(super) fn stored(named: &[(&str, PathBuf)]) -> Result<Vec<CertificateDer<'static>>> {
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

/// The certificates of a file that a user names, which is `what` in messages. All of them can be read.
///
/// Errors: input; configuration, if there is none, or one that cannot be used.
pub(super) fn certificates(path: &Path, what: &str) -> Result<Vec<CertificateDer<'static>>> {
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
