//! Certificates in files: those of the trust store, and those that a user names.

use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::OnceLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_native_certs::{ErrorKind, load_certs_from_paths};

use super::certificate::Certificate;
use super::{LONGEST, unusable};
use crate::error::{Class, Error, Result};
use crate::file::input;
use crate::settings::environment::STORE_FOLDERS;
use crate::terminal::quote;

/// The store that is named, or the system's if none is. Its places are read one after the other, and only when those
/// before were not enough: a system has a bundle of its roots, and a folder with the same ones in a file each.
#[derive(Debug)]
pub(super) struct Store {
    /// With the variables that name them.
    named: Vec<(&'static str, PathBuf)>,
    found: OnceLock<Vec<Place>>,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    folder: bool,
    /// The variable that names it, or nothing.
    variable: &'static str,
    content: OnceLock<Content>,
}

/// What is in a place.
#[derive(Debug)]
struct Content {
    certificates: Certificates,
    /// What could not be read, and why.
    unreadable: Option<Error>,
}

/// Hardly a certificate has more bytes, as text.
const USUAL: usize = 4 << 10;

/// Certificates as they were read. A bundle of hundreds stays text, and each is decoded when it is looked at.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    bundle: String,
    decoded: Vec<CertificateDer<'static>>,
}

impl From<Vec<CertificateDer<'static>>> for Certificates {
    fn from(decoded: Vec<CertificateDer<'static>>) -> Certificates {
        Certificates {
            bundle: String::new(),
            decoded,
        }
    }
}

impl Certificates {
    fn bundle(bytes: Vec<u8>) -> Certificates {
        let lossy = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
        Certificates {
            bundle: String::from_utf8(bytes).unwrap_or_else(lossy),
            decoded: Vec::new(),
        }
    }

    /// The first answer that there is to a certificate. All are decoded into the same two buffers: an allocator that
    /// gives and takes memory for each of them makes most of the system calls of a run.
    pub(super) fn find<T>(&self, mut ask: impl FnMut(&CertificateDer) -> Option<T>) -> Option<T> {
        let (mut text, mut der) = (String::with_capacity(USUAL), Vec::with_capacity(USUAL));
        for line in self.bundle.lines() {
            if line.starts_with("-----BEGIN CERTIFICATE-----") {
                text.clear();
            } else if line.starts_with("-----END CERTIFICATE-----") {
                der.clear();
                if BASE64_STANDARD.decode_vec(&text, &mut der).is_ok()
                    && let Some(answer) = ask(&CertificateDer::from(der.as_slice()))
                {
                    return Some(answer);
                }
            } else {
                text.push_str(line.trim());
            }
        }
        self.decoded.iter().find_map(ask)
    }
}

impl Store {
    /// Looks for nothing yet.
    pub(super) fn new(named: &[(&'static str, PathBuf)]) -> Store {
        Store {
            named: named.to_vec(),
            found: OnceLock::new(),
        }
    }

    fn found(&self) -> &[Place] {
        self.found.get_or_init(|| {
            let place = |variable, path, folder| Place {
                path,
                folder,
                variable,
                content: OnceLock::new(),
            };
            if self.named.is_empty() {
                let system = openssl_probe::probe();
                let files = system.cert_file.into_iter().map(|it| place("", it, false));
                let folders = system.cert_dir.into_iter().map(|it| place("", it, true));
                return files.chain(folders).collect();
            }
            let named = self.named.iter();
            named
                .map(|(variable, path)| place(variable, path.clone(), *variable == STORE_FOLDERS))
                .collect()
        })
    }

    /// The certificates of each place, which is read when its turn comes.
    pub(super) fn places(&self) -> impl Iterator<Item = &Certificates> {
        let contents = self.found().iter().map(Place::content);
        contents.map(|content| &content.certificates)
    }

    /// The first variable that names it, if one does.
    pub(super) fn variable(&self) -> Option<&'static str> {
        self.named.first().map(|(variable, _)| *variable)
    }

    /// Whether there is a store at all, which a container `FROM scratch` has not. Reads until it knows.
    ///
    /// Errors: configuration, if a store is named and nothing in it can be used.
    pub(super) fn is_there(&self) -> Result<bool> {
        let usable = |der: &CertificateDer| Certificate::read(der).map(drop);
        let there = self.places().any(|place| place.find(usable).is_some());
        match !self.named.is_empty() && !there {
            false => Ok(there),
            // All of them, because one usable place would do.
            true => {
                let reasons: Vec<String> = self.found().iter().map(Place::reason).collect();
                Err(unusable(reasons.join("; ")))
            }
        }
    }
}

impl Place {
    fn content(&self) -> &Content {
        self.content.get_or_init(|| match self.folder {
            true => self.read_folder(),
            false => self.read_file(),
        })
    }

    fn read_file(&self) -> Content {
        let read = input::regular(&self.path)
            .and_then(|(file, length)| input::all(&file, length, LONGEST));
        match read {
            Ok(bytes) => Content {
                certificates: Certificates::bundle(bytes),
                unreadable: None,
            },
            Err(error) => Content {
                certificates: Certificates::default(),
                unreadable: Some(unreadable(&self.path, &error)),
            },
        }
    }

    fn read_folder(&self) -> Content {
        let read = load_certs_from_paths(None, Some(&self.path));
        let first = read.errors.iter().find_map(|error| match &error.kind {
            ErrorKind::Io { inner, path } => Some(unreadable(path, inner)),
            _ => None,
        });
        Content {
            certificates: read.certs.into(),
            unreadable: first,
        }
    }

    /// Why nothing in it can be used.
    fn reason(&self) -> String {
        let content = self.content();
        let what = match &content.unreadable {
            Some(error) => error.message(),
            None => {
                let what = match content.certificates.find(|_| Some(())) {
                    None => "holds no certificate in PEM form",
                    Some(()) => "holds no usable certificate",
                };
                format!("{} {what}", quote(&self.path.to_string_lossy()))
            }
        };
        format!("{}: {what}", self.variable)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let place = quote(&path.to_string_lossy());
    input::unreadable(&place, Class::Configuration, error)
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
