//! A form and its bytes: `multipart/form-data` (RFC 7578, on RFC 2046), escaped as browsers do
//! (WHATWG HTML, "Multipart form data").
//!
//! A form is its parts in the order they were added, then the closing delimiter. With `b` for the
//! boundary and CRLF at the end of every line, a text part and a file part are
//!
//! ```text
//! --b
//! Content-Disposition: form-data; name="NAME"
//!
//! VALUE
//! --b
//! Content-Disposition: form-data; name="NAME"; filename="FILENAME"
//! Content-Type: MEDIA/TYPE
//!
//! CONTENT
//! --b--
//! ```
//!
//! There is no preamble, no epilogue and no other header. An empty form is the last line alone.
//!
//! * Names and file names are UTF-8 in which `"`, CR and LF are written `%22`, `%0D` and `%0A`, so
//!   that none ends its quotes or begins a header. Nothing else is escaped, not even `%` and `\`,
//!   as WHATWG demands: `%22` may also have been `%22` before. Media types, constants of the program,
//!   go out as they are, and so do values and contents, byte for byte.
//! * The boundary is the first of `avatarctl-0`, `avatarctl-1`, ... that occurs in no head, value
//!   or content (a number that occurs after zeros is passed over as well). It needs no quotes in a
//!   header and stays below the 70 characters of RFC 2046. Nothing is random: equal forms are equal
//!   bytes.
//! * Contents are streamed: read once by [`Form::encode`], for the boundary, unless it is known that they
//!   hold none, and once by each [`Encoded::reader`], which opens them all at once, so that a file that is gone fails before
//!   anything is sent.
//! * The length is the sum over the very pieces that are sent, fixed by [`Form::encode`]. A content
//!   that then yields fewer or more bytes fails the reader with `InvalidData` before the next
//!   piece: what was sent is never more than was announced, and never a complete form. A content that
//!   changes and keeps its length is not noticed.
//!
//! Not offered: reading forms, other headers, `multipart/mixed` within a form (deprecated by RFC
//! 7578, 4.3), `filename*` (forbidden by 4.2), transfer encodings, other character sets, and the
//! change of lone CR and LF to CRLF that browsers make in names and values.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use crate::picture::content::{self, Content, STEM};

/// Parts, in the order of the calls that added them.
#[derive(Default)]
pub struct Form {
    parts: Vec<Part>,
}

/// A text, or a file with its name and media type.
pub struct Part {
    pub name: String,
    pub file: Option<(String, &'static str)>,
    pub content: Rc<dyn Content>,
}

impl Part {
    fn head(&self) -> String {
        let name = escape(&self.name);
        let disposition = format!("Content-Disposition: form-data; name=\"{name}\"");
        match &self.file {
            None => format!("{disposition}\r\n"),
            Some((filename, media_type)) => format!(
                "{disposition}; filename=\"{}\"\r\nContent-Type: {media_type}\r\n",
                escape(filename)
            ),
        }
    }
}

impl Form {
    pub fn new() -> Form {
        Form::default()
    }

    pub fn text(mut self, name: &str, value: &str) -> Form {
        self.parts.push(Part {
            name: name.to_owned(),
            file: None,
            content: Rc::new(value.as_bytes().to_vec()),
        });
        self
    }

    pub fn file(
        mut self,
        name: &str,
        filename: &str,
        media_type: &'static str,
        content: Rc<dyn Content>,
    ) -> Form {
        self.parts.push(Part {
            name: name.to_owned(),
            file: Some((filename.to_owned(), media_type)),
            content,
        });
        self
    }

    /// Reads every file that may hold a boundary. Errors: what reading a file gives.
    pub fn encode(self) -> io::Result<Encoded> {
        let mut taken = BTreeSet::new();
        for part in &self.parts {
            // No head holds a delimiter, which would begin a line, but a server that searches for
            // the bare boundary shall not find it there either.
            take_numbers(part.head().as_bytes(), &mut taken)?;
            if part.content.may_hold_stem() {
                let content = BufReader::with_capacity(BLOCK, part.content.open()?);
                take_numbers(content, &mut taken)?;
            }
        }
        // It ends, since a byte takes one number at most. `avatarctl-1` begins `avatarctl-10`, but
        // does no harm: if it is chosen it occurs nowhere, hence begins nothing; if the longer one
        // is, a server looks for all of that. No match spans two pieces: between them is a CRLF.
        let mut number = 0;
        while taken.contains(&number) {
            number += 1;
        }
        let boundary = format!("{STEM}{number}");
        let mut pieces = Vec::new();
        let mut push = |piece: Rc<dyn Content>| pieces.push((piece.length(), piece));
        for part in &self.parts {
            let head = part.head();
            push(Rc::new(format!("--{boundary}\r\n{head}\r\n").into_bytes()));
            push(part.content.clone());
            push(Rc::new(b"\r\n".to_vec()));
        }
        push(Rc::new(format!("--{boundary}--\r\n").into_bytes()));
        Ok(Encoded {
            parts: self.parts,
            boundary,
            pieces,
        })
    }
}

/// A form that is ready to be sent, more than once if need be.
pub struct Encoded {
    pub parts: Vec<Part>,
    boundary: String,
    /// With the lengths that are announced: a file may answer differently when asked again.
    pieces: Vec<(u64, Rc<dyn Content>)>,
}

impl Encoded {
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub fn length(&self) -> u64 {
        self.pieces.iter().map(|(length, _)| length).sum()
    }

    /// Opens every file, and may be called again to repeat the request. Errors: what opening a
    /// file gives.
    pub fn reader(&self) -> io::Result<impl Read + '_> {
        let pieces = self.pieces.iter();
        let opened = pieces.map(|(length, piece)| Ok(piece.open()?.take(*length)));
        Ok(Reader {
            pieces: opened.collect::<io::Result<_>>()?,
        })
    }
}

struct Reader<'a> {
    pieces: VecDeque<io::Take<Box<dyn Read + 'a>>>,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0); // below, it would look like the end of a piece
        }
        while let Some(piece) = self.pieces.front_mut() {
            let count = piece.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            if piece.limit() > 0 || piece.get_mut().read(&mut [0])? > 0 {
                // One byte short for ever: a caller that reads on gets the same error.
                *piece = (Box::new(io::empty()) as Box<dyn Read>).take(1);
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a file of the form changed while it was sent",
                ));
            }
            self.pieces.pop_front();
        }
        Ok(0)
    }
}

fn escape(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// How much of a content is looked at in one go, in bytes.
const BLOCK: usize = 64 << 10;

/// Adds the number of every boundary that occurs in the bytes.
fn take_numbers(mut source: impl BufRead, taken: &mut BTreeSet<u64>) -> io::Result<()> {
    let mut matched = 0;
    let mut number: Option<u64> = None;
    loop {
        let block = match source.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if block.is_empty() {
            return Ok(());
        }
        let mut rest = block;
        while !rest.is_empty() {
            if matched == 0 && number.is_none() {
                // Most bytes of a picture begin nothing, and are passed over at once.
                rest = content::from_first_letter(rest);
            }
            let Some((byte, after)) = rest.split_first() else {
                break;
            };
            // Every digit takes a number, since `avatarctl-12` holds `avatarctl-1`. Numbers too large
            // to be reached may all be one.
            number = number
                .filter(|_| byte.is_ascii_digit())
                .map(|n| n.saturating_mul(10).saturating_add((byte - b'0').into()));
            taken.extend(number);
            matched = step(matched, *byte);
            if matched == STEM.len() {
                number = Some(0);
                matched = 0;
            }
            rest = after;
        }
        let length = block.len();
        source.consume(length);
    }
}

/// How much of the stem has come after this byte, when so much had come before it (Knuth, Morris, Pratt).
fn step(mut matched: usize, byte: u8) -> usize {
    // The longest end of the first so many letters that the stem begins with, too.
    const BORDER: [usize; STEM.len()] = [0, 0, 0, 1, 0, 1, 0, 0, 0, 0];
    while matched > 0 && STEM.as_bytes()[matched] != byte {
        matched = BORDER[matched];
    }
    matched + usize::from(STEM.as_bytes()[matched] == byte)
}

#[cfg(test)]
mod tests;
