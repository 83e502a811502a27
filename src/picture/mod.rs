//! A picture to be sent: read once to recognise and hash it, read again when it is sent, and refused there
//! when it changed in between. A picture on disk is never held in memory.

pub mod content;
pub mod header;
pub mod received;
mod test_card;

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use crate::error::reason;
use crate::error::{Class, Error, Result};
use crate::file::input::{self, Input};
use crate::picture::content::{Content, holds_stem};
use crate::picture::header::Header;
use crate::terminal::quote;

/// A picture that cannot be read twice (a pipe) is kept in memory; beyond this many bytes it is refused.
const LONGEST_IN_MEMORY: u64 = 64 << 20;

/// Ten times what any of these servers takes, in bytes; the image of a disk is not hashed to its end.
const LONGEST: u64 = 1 << 30;

/// How much is read at once, in bytes: most pictures.
const BLOCK: usize = 64 << 10;

/// A picture whose headers were read.
pub struct Picture {
    /// The file's own name, for people.
    pub name: String,
    pub header: Header,
    /// In bytes.
    pub length: u64,
    /// SHA-256 of the bytes.
    pub digest: [u8; 32],
    may_hold_stem: bool,
    bytes: Bytes,
}

enum Bytes {
    Disk(PathBuf),
    Memory(Vec<u8>),
}

impl Picture {
    /// Reads a picture file.
    ///
    /// Errors: input (missing, unreadable), data (no picture that these systems take).
    pub fn open(path: &Path) -> Result<Picture> {
        let shown = quote(&path.to_string_lossy());
        let unreadable = |error| unreadable(&shown, &error);
        let name = name(path);
        let (mut file, length) = match input::open(path).map_err(unreadable)? {
            Input::Regular(file, length) => (file, length),
            pipe => return Picture::read(pipe, name, &shown),
        };
        if length > LONGEST {
            return Err(unreadable(input::too_long(LONGEST)));
        }
        let mut block = [0; BLOCK];
        let (header, (digest, length), stem) = match block.get_mut(..length as usize) {
            Some(bytes) => {
                file.read_exact(bytes).map_err(unreadable)?;
                let header = header(&mut Cursor::new(&*bytes), &shown).map_err(unreadable)??;
                (header, (sha256(bytes), length), holds_stem(bytes))
            }
            None => {
                let header = header(&mut file, &shown).map_err(unreadable)??;
                file.rewind().map_err(unreadable)?;
                let read = digest(&mut file.take(LONGEST), &mut block);
                (header, read.map_err(unreadable)?, true)
            }
        };
        Ok(Picture {
            name,
            header,
            length,
            digest,
            may_hold_stem: stem,
            bytes: Bytes::Disk(path.to_owned()),
        })
    }

    /// A picture whose bytes were received, and that will lie at this path when it is sent.
    pub fn received(path: PathBuf, header: Header, bytes: &[u8]) -> Picture {
        Picture {
            name: name(&path),
            header,
            length: bytes.len() as u64,
            digest: sha256(bytes),
            may_hold_stem: holds_stem(bytes),
            bytes: Bytes::Disk(path),
        }
    }

    /// A small picture that says by its looks that it is a test.
    pub fn test() -> Picture {
        let bytes = test_card::png();
        let read = Picture::read(bytes.as_slice(), "test.png".into(), "of the test");
        read.expect("what this program makes is a picture")
    }

    /// Reads a picture from standard input.
    ///
    /// Errors: as `open`.
    pub fn from_stdin() -> Result<Picture> {
        Picture::read(
            io::stdin().lock(),
            "standard input".into(),
            "on standard input",
        )
    }

    fn read(source: impl Read, name: String, shown: &str) -> Result<Picture> {
        let unreadable = |error| unreadable(shown, &error);
        let bytes = input::bytes(source, LONGEST_IN_MEMORY).map_err(|error| {
            let long = error.kind() == io::ErrorKind::FileTooLarge;
            let error = unreadable(error);
            match long {
                true => error.hint("name a file instead of a pipe"),
                false => error,
            }
        })?;
        let header = header(&mut Cursor::new(&bytes), shown).map_err(unreadable)??;
        Ok(Picture {
            name,
            header,
            length: bytes.len() as u64,
            digest: sha256(&bytes),
            may_hold_stem: true,
            bytes: Bytes::Memory(bytes),
        })
    }

    /// The file name that is sent: fixed and ASCII, with the extension of what the bytes are, because every
    /// server trusts another part of it.
    pub fn sent_name(&self) -> String {
        format!("avatar.{}", self.header.format.extension())
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

fn unreadable(shown: &str, error: &io::Error) -> Error {
    input::unreadable(&format!("the picture {shown}"), Class::Input, error)
}

fn header(source: &mut (impl Read + Seek), shown: &str) -> io::Result<Result<Header>> {
    Ok(header::inspect(source)?
        .map_err(|flaw| Error::new(Class::Data, format!("the picture {shown} {flaw}"))))
}

/// SHA-256 of what a reader gives, and its length in bytes; it is read block by block.
pub fn digest(source: &mut impl Read, block: &mut [u8]) -> io::Result<([u8; 32], u64)> {
    let mut context = Context::new(&SHA256);
    let mut length = 0;
    loop {
        match source.read(block)? {
            0 => return Ok((finish(context), length)),
            count => {
                context.update(&block[..count]);
                length += count as u64;
            }
        }
    }
}

/// SHA-256 of bytes in memory.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    finish(context)
}

/// In lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn finish(context: Context) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

impl Content for Picture {
    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        match &self.bytes {
            Bytes::Memory(bytes) => Ok(Box::new(bytes.as_slice())),
            Bytes::Disk(path) => {
                let opened = input::regular(path);
                let (file, length) = opened.map_err(|error| changed(path, &reason(&error)))?;
                if length != self.length {
                    return Err(changed(path, OTHER_LENGTH));
                }
                Ok(Box::new(Unchanged {
                    file,
                    path,
                    context: Context::new(&SHA256),
                    left: length,
                    wanted: self.digest,
                }))
            }
        }
    }

    fn may_hold_stem(&self) -> bool {
        self.may_hold_stem
    }

    fn path(&self) -> Option<&Path> {
        match &self.bytes {
            Bytes::Memory(_) => None,
            Bytes::Disk(path) => Some(path),
        }
    }
}

/// Reads a file whose digest is known and gives its last block only when the digest is right, so that a
/// server never gets the whole of a picture that is not the one that was checked.
struct Unchanged<'a> {
    file: File,
    path: &'a Path,
    context: Context,
    left: u64,
    wanted: [u8; 32],
}

impl Read for Unchanged<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = buffer.len().min(most);
        if most == 0 {
            return Ok(0);
        }
        let count = self.file.read(&mut buffer[..most])?;
        if count == 0 {
            return Err(changed(self.path, OTHER_LENGTH));
        }
        self.context.update(&buffer[..count]);
        self.left -= count as u64;
        if self.left > 0 {
            return Ok(count);
        }
        if finish(self.context.clone()) != self.wanted {
            return Err(changed(self.path, "it has another content now"));
        }
        Ok(count)
    }
}

const OTHER_LENGTH: &str = "it has another length now";

/// Our own error inside an `io::Error`, because a reader can say nothing else; `http` takes it out.
fn changed(path: &Path, how: &str) -> io::Error {
    io::Error::other(
        Error::new(
            Class::Data,
            format!(
                "the picture {} changed while it was in use: {how}",
                quote(&path.to_string_lossy())
            ),
        )
        .hint("run again when nothing writes to it"),
    )
}
