//! The pictures that servers gave while a run went on, for its page: each once, in a file without a name until the page is
//! written. What is kept in memory of them is where they lie there, and which account or id shows which.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use crate::error::Result;
use crate::file::output;
use crate::picture::received::{Image, Kind};
use crate::picture::sha256;
use crate::system::avatar::Target;
use crate::system::shown::{Face, Origin, Shown};

/// SHA-256 of a picture's bytes.
pub(super) type Digest = [u8; 32];

/// What is to be seen of an avatar.
#[derive(Clone)]
pub(super) enum View {
    Picture(Digest),
    /// No picture, and why.
    Without(String),
}

impl View {
    pub(super) fn digest(&self) -> Option<Digest> {
        match self {
            View::Picture(digest) => Some(*digest),
            View::Without(_) => None,
        }
    }
}

/// What an account showed before anything was done.
#[derive(Clone)]
pub(super) struct Now {
    pub(super) view: View,
    pub(super) origin: Option<Origin>,
    pub(super) warnings: Vec<String>,
}

/// Pictures that were received.
pub struct Album {
    /// Where the page will be.
    page: PathBuf,
    /// None until there is a picture; an error is told by the page that is made of it.
    file: Option<io::Result<File>>,
    length: u64,
    pictures: BTreeMap<Digest, Place>,
    /// By server and account, and by server and id.
    now: BTreeMap<(String, Key), Now>,
    presets: BTreeMap<(String, String), View>,
}

/// How an account is named in a manifest.
type Key = (&'static str, String);

/// Where a picture lies in the file.
struct Place {
    at: u64,
    length: u64,
    kind: Kind,
}

impl Album {
    /// No pictures yet, of a page that will be at this place.
    pub fn new(page: PathBuf) -> Album {
        Album {
            page,
            file: None,
            length: 0,
            pictures: BTreeMap::new(),
            now: BTreeMap::new(),
            presets: BTreeMap::new(),
        }
    }

    /// Keeps what an account of this server shows before it is changed.
    pub fn shown(&mut self, server: &str, target: &Target, shown: Result<Shown>) {
        let now = match shown {
            Ok(shown) => Now {
                view: match shown.face {
                    Face::Read(image) => self.keep(&image),
                    Face::Absent(why) => View::Without(why),
                    Face::Unreadable(error) => View::Without(error.message()),
                },
                origin: Some(shown.origin),
                warnings: shown.warnings,
            },
            Err(error) => Now {
                view: View::Without(error.message()),
                origin: None,
                warnings: Vec::new(),
            },
        };
        self.now.insert((server.to_owned(), key(target)), now);
    }

    /// Keeps the picture of an avatar that is chosen by its id.
    pub fn preset(&mut self, server: &str, id: &str, image: Result<Image>) {
        let view = match image {
            Ok(image) => self.keep(&image),
            Err(error) => View::Without(error.message()),
        };
        self.presets
            .insert((server.to_owned(), id.to_owned()), view);
    }

    pub(super) fn now(&self, server: &str, target: &Target) -> Option<&Now> {
        self.now.get(&(server.to_owned(), key(target)))
    }

    pub(super) fn of_preset(&self, server: &str, id: &str) -> Option<&View> {
        self.presets.get(&(server.to_owned(), id.to_owned()))
    }

    fn keep(&mut self, image: &Image) -> View {
        let digest = sha256(&image.bytes);
        if !self.pictures.contains_key(&digest) {
            let file = self.file.get_or_insert_with(|| output::scratch(&self.page));
            let written = match file {
                Ok(file) => file.write_all(&image.bytes),
                Err(_) => Ok(()),
            };
            if let Err(error) = written {
                self.file = Some(Err(error));
            }
            let place = Place {
                at: self.length,
                length: image.bytes.len() as u64,
                kind: image.kind,
            };
            self.length += place.length;
            self.pictures.insert(digest, place);
        }
        View::Picture(digest)
    }

    /// A picture that was received, to be read.
    ///
    /// Errors: the file's, and the one that it had when it was written.
    pub(super) fn open(&mut self, digest: Digest) -> io::Result<(impl Read + '_, Kind)> {
        let place = self.pictures.get(&digest);
        let place = place.expect("a view has the digest of a picture that was kept");
        let file = self.file.as_mut().expect("a picture was kept in a file");
        let file = file
            .as_mut()
            .map_err(|error| io::Error::new(error.kind(), error.to_string()))?;
        file.seek(SeekFrom::Start(place.at))?;
        Ok((file.take(place.length), place.kind))
    }
}

fn key(target: &Target) -> Key {
    (target.key(), target.value().to_owned())
}
