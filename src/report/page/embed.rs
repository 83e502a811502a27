//! Pictures inside a page: each is embedded once, as a property of a class of its own, whoever shows it. A browser decodes
//! it when something that shows it comes into sight.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Read, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::picture::Picture;
use crate::picture::content::Content;
use crate::report::page::album::{Album, Digest};

/// The pictures that a page has so far, by the numbers of their classes.
///
/// What a server gave is foreign, and a drawing is foreign text. As a background it is an image as in `<img>`: no script
/// of it runs, and nothing that it refers to is loaded.
#[derive(Default)]
pub(super) struct Classes(BTreeMap<Digest, usize>);

impl Classes {
    /// Embeds a picture that is to be sent, unless it is there already.
    pub(super) fn sent(&mut self, out: &mut dyn Write, picture: &Picture) -> io::Result<()> {
        let media_type = picture.header.format.media_type();
        match self.new_number(picture.digest) {
            Some(number) => rule(out, number, media_type, &mut picture.open()?),
            None => Ok(()),
        }
    }

    /// Embeds a picture that was received, unless it is there already.
    pub(super) fn received(
        &mut self,
        out: &mut dyn Write,
        album: &mut Album,
        digest: Digest,
    ) -> io::Result<()> {
        let Some(number) = self.new_number(digest) else {
            return Ok(());
        };
        let (mut source, kind) = album.open(digest)?;
        rule(out, number, kind.media_type(), &mut source)
    }

    /// The class of a picture that is embedded.
    pub(super) fn of(&self, digest: Digest) -> String {
        self.0
            .get(&digest)
            .map_or(String::new(), |number| format!("p{number}"))
    }

    /// The number of a picture that is not there yet.
    fn new_number(&mut self, digest: Digest) -> Option<usize> {
        let next = self.0.len();
        match self.0.entry(digest) {
            Entry::Vacant(place) => Some(*place.insert(next)),
            Entry::Occupied(_) => None,
        }
    }
}

/// The rule of a picture's class, in pieces that base64 can join.
fn rule(
    out: &mut dyn Write,
    number: usize,
    media_type: &str,
    source: &mut dyn Read,
) -> io::Result<()> {
    write!(out, ".p{number}{{--picture:url(data:{media_type};base64,")?;
    let mut block = [0; 3 * 4096];
    loop {
        let mut filled = 0;
        while filled < block.len() {
            match source.read(&mut block[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        out.write_all(BASE64_STANDARD.encode(&block[..filled]).as_bytes())?;
        if filled < block.len() {
            return writeln!(out, ")}}");
        }
    }
}
