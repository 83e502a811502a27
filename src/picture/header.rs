//! Recognises a picture by its bytes and reads its size, EXIF orientation and animation from the headers.
//!
//! Pixels are never decoded and no checksum is verified: what passes here is whole and well framed, not proven
//! to show. The input is untrusted, so no length it announces is allocated or sought before it is held against
//! the bytes that are left; every step of a walk consumes bytes, which makes the work linear in the file's size.
//! File names, extensions and media types from elsewhere have no say.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Take};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Png,
    Jpeg,
    Gif,
    Webp,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::Webp => "WebP",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }
}

/// What the headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    /// EXIF orientation 1..=8, 1 where none is said.
    pub orientation: u8,
    pub animated: bool,
}

impl Header {
    /// Width and height as a viewer shows them: orientations 5..=8 lie on their side (EXIF 2.3, tag 274).
    pub fn shown_size(&self) -> (u32, u32) {
        match self.orientation {
            5..=8 => (self.height, self.width),
            _ => (self.width, self.height),
        }
    }
}

/// Why bytes are no picture we would send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    Empty,
    /// None of the four formats.
    Unknown,
    /// Ends before the picture does.
    CutOff(Format),
    /// Breaks the format's rules, e.g. width 0.
    Malformed(Format),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::Unknown => f.write_str("is not a PNG, JPEG, GIF or WebP picture"),
            Self::CutOff(format) => write!(f, "is a {} picture that is cut off", format.name()),
            Self::Malformed(format) => {
                write!(f, "is a {} picture with a broken header", format.name())
            }
        }
    }
}

/// Reads headers from the start of `source`, seeking over pixel data, and leaves the source at no position in
/// particular. Err only for I/O.
pub fn inspect(source: &mut (impl Read + Seek)) -> io::Result<Result<Header, Flaw>> {
    let size = source.seek(SeekFrom::End(0))?;
    source.rewind()?;
    let mut magic = Vec::new();
    source.by_ref().take(12).read_to_end(&mut magic)?;
    let Some(format) = recognise(&magic) else {
        return Ok(Err(if magic.is_empty() {
            Flaw::Empty
        } else {
            Flaw::Unknown
        }));
    };
    source.rewind()?;
    let mut bytes = BufReader::new(source).take(size);
    let header = match format {
        Format::Png => png(&mut bytes),
        Format::Jpeg => jpeg(&mut bytes),
        Format::Gif => gif(&mut bytes),
        Format::Webp => webp(&mut bytes),
    };
    match header {
        Ok(header) => Ok(Ok(header)),
        Err(Stop::CutOff) => Ok(Err(Flaw::CutOff(format))),
        Err(Stop::Malformed) => Ok(Err(Flaw::Malformed(format))),
        Err(Stop::Io(error)) => Err(error),
    }
}

fn recognise(start: &[u8]) -> Option<Format> {
    let starts = |magic: &[u8]| start.starts_with(magic);
    if starts(b"\x89PNG\r\n\x1a\n") {
        Some(Format::Png)
    } else if starts(b"\xff\xd8\xff") {
        Some(Format::Jpeg)
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Some(Format::Gif)
    } else if starts(b"RIFF") && start.get(8..12) == Some(b"WEBP") {
        Some(Format::Webp)
    } else {
        None
    }
}

/// The limit of `Take` is what is left of the file (in WebP: of the RIFF), so it is also what every announced
/// length is held against.
type Bytes<'a, S> = Take<BufReader<&'a mut S>>;

enum Stop {
    CutOff,
    Malformed,
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Also where a file shrinks while it is being read.
            io::ErrorKind::UnexpectedEof => Self::CutOff,
            _ => Self::Io(error),
        }
    }
}

/// PNG, third edition: 5.3 chunk layout, 11.2 critical chunks, 11.3 eXIf and acTL.
fn png<S: Read + Seek>(bytes: &mut Bytes<S>) -> Result<Header, Stop> {
    skip(bytes, 8)?; // signature
    if read(bytes)? != *b"\0\0\0\x0dIHDR" {
        return Err(Stop::Malformed);
    }
    let (width, height) = size([read(bytes)?, read(bytes)?].map(u32::from_be_bytes))?;
    skip(bytes, 5 + 4)?; // depth, colour type, three methods; CRC
    let (mut pixels, mut animated, mut exif) = (false, false, None);
    loop {
        let len = u32::from_be_bytes(read(bytes)?);
        let kind: [u8; 4] = read(bytes)?;
        if !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(Stop::Malformed);
        }
        match &kind {
            // After IDAT it is to be ignored: the picture is then a still one.
            b"acTL" if len == 8 && !pixels => {
                let frames = u32::from_be_bytes(read(bytes)?);
                animated = frames > 1;
                skip(bytes, 4)?; // number of plays
            }
            b"eXIf" if exif.is_none() => exif = Some(orientation(&body(bytes, len)?)),
            _ => skip(bytes, len)?,
        }
        skip(bytes, 4)?; // CRC
        pixels |= kind == *b"IDAT";
        if kind == *b"IEND" {
            break;
        }
    }
    if !pixels {
        return Err(Stop::Malformed);
    }
    Ok(Header {
        format: Format::Png,
        width,
        height,
        orientation: exif.unwrap_or(1),
        animated,
    })
}

/// ITU T.81, annex B: B.1.1 markers and segments, B.2.2 frame header.
fn jpeg<S: Read + Seek>(bytes: &mut Bytes<S>) -> Result<Header, Stop> {
    skip(bytes, 2)?; // SOI
    let (mut frame, mut exif) = (None, None);
    loop {
        if read(bytes)? != [0xff] {
            return Err(Stop::Malformed);
        }
        let code = marker(bytes)?;
        match code {
            0x01 | 0xd0..=0xd7 => continue,             // TEM, RSTn
            0x00 | 0xd8 => return Err(Stop::Malformed), // a stuffed byte, a second SOI
            0xd9 => break, // EOI without a scan: some generators stop at the frame header
            0xda => {
                if frame.is_some() {
                    scan(bytes)?;
                }
                break;
            }
            _ => {}
        }
        let len = u16::from_be_bytes(read(bytes)?)
            .checked_sub(2)
            .ok_or(Stop::Malformed)?
            .into();
        match code {
            0xc4 | 0xc8 | 0xcc => skip(bytes, len)?, // DHT, JPG and DAC stand among the SOFn
            0xc0..=0xcf => {
                // One frame header precedes a scan (B.2.1); of two, two readers could choose differently.
                if frame.is_some() || len < 5 {
                    return Err(Stop::Malformed);
                }
                let [_, h0, h1, w0, w1] = read(bytes)?;
                // Height 0 defers to a DNL segment after the scan, which hardly any viewer honours.
                frame = Some(size([[w0, w1], [h0, h1]].map(u16::from_be_bytes))?);
                skip(bytes, len - 5)?;
            }
            0xe1 if exif.is_none() => {
                exif = body(bytes, len)?.strip_prefix(b"Exif\0\0").map(orientation);
            }
            _ => skip(bytes, len)?,
        }
    }
    let (width, height) = frame.ok_or(Stop::Malformed)?;
    Ok(Header {
        format: Format::Jpeg,
        width,
        height,
        orientation: exif.unwrap_or(1),
        animated: false,
    })
}

/// To the end of the picture. In scans FF is always followed by a stuffed 00 or a marker (T.81 B.1.1.5).
fn scan<S: Read + Seek>(bytes: &mut Bytes<S>) -> Result<(), Stop> {
    loop {
        bytes.skip_until(0xff)?;
        if marker(bytes)? == 0xd9 {
            return Ok(());
        }
    }
}

/// The code after an FF; any number of further FF may fill the space before it (T.81 B.1.1.2).
fn marker<S: Read + Seek>(bytes: &mut Bytes<S>) -> Result<u8, Stop> {
    loop {
        match read(bytes)? {
            [0xff] => {}
            [code] => return Ok(code),
        }
    }
}

/// GIF89a: 18 logical screen descriptor, 20 image descriptor, 15 data sub-blocks.
fn gif<S: Read + Seek>(bytes: &mut Bytes<S>) -> Result<Header, Stop> {
    skip(bytes, 6)?; // signature and version
    let [w0, w1, h0, h1, flags, _, _] = read(bytes)?;
    let (width, height) = size([[w0, w1], [h0, h1]].map(u16::from_le_bytes))?;
    skip(bytes, colours(flags))?;
    let mut images = 0_u64;
    // Many encoders leave the trailer out or write padding after it, so whatever else stands between blocks
    // ends the walk in peace.
    while bytes.limit() > 0 {
        match read(bytes)? {
            [b'!'] => skip(bytes, 1)?, // label of the extension
            [b','] => {
                let [_, _, _, _, _, _, _, _, flags] = read(bytes)?;
                skip(bytes, colours(flags))?;
                skip(bytes, 1)?; // LZW minimum code size
                images += 1;
            }
            _ => break,
        }
        loop {
            match read(bytes)? {
                [0] => break,
                [len] => skip(bytes, len.into())?,
            }
        }
    }
    Ok(Header {
        format: Format::Gif,
        width,
        height,
        orientation: 1,
        animated: images > 1,
    })
}

/// Length of the colour table that a GIF descriptor's packed field announces.
fn colours(flags: u8) -> u32 {
    match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    }
}

/// RFC 9649: 2.3 RIFF, 2.5 and 2.6 simple formats, 2.7 extended format, 3.4 VP8L header; RFC 6386, 9.1: VP8.
fn webp<S: Read + Seek>(bytes: &mut Bytes<S>) -> Result<Header, Stop> {
    skip(bytes, 4)?; // "RIFF"
    let riff = u32::from_le_bytes(read(bytes)?);
    skip(bytes, 4)?; // "WEBP", which the size above counts
    let chunks = riff.checked_sub(4).ok_or(Stop::Malformed)?.into();
    if chunks > bytes.limit() {
        return Err(Stop::CutOff);
    }
    bytes.set_limit(chunks);

    let kind: [u8; 4] = read(bytes)?;
    let len = u32::from_le_bytes(read(bytes)?);
    if u64::from(len) > bytes.limit() {
        return Err(Stop::CutOff);
    }
    let (mut exif, mut animated) = (None, false);
    let (width, height) = match &kind {
        b"VP8 " if len >= 10 => {
            let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = read(bytes)? else {
                return Err(Stop::Malformed);
            };
            size([[w0, w1], [h0, h1]].map(|side| u16::from_le_bytes(side) & 0x3fff))?
        }
        b"VP8L" if len >= 5 => {
            let [0x2f, bits @ ..]: [u8; 5] = read(bytes)? else {
                return Err(Stop::Malformed);
            };
            let bits = u32::from_le_bytes(bits);
            ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
        }
        b"VP8X" if len >= 10 => {
            let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = read(bytes)?;
            let canvas =
                [[w0, w1, w2, 0], [h0, h1, h2, 0]].map(|side| u32::from_le_bytes(side) + 1);
            animated = flags & 0x02 != 0;
            skip(bytes, len - 10)?;
            pad(bytes, len)?;
            // To the end even without EXIF, because the walk is what shows that the chunks are whole.
            while bytes.limit() > 0 {
                let kind: [u8; 4] = read(bytes)?;
                let len = u32::from_le_bytes(read(bytes)?);
                if kind == *b"EXIF" && flags & 0x08 != 0 && exif.is_none() {
                    let body = body(bytes, len)?;
                    // The prefix belongs to JPEG, but many writers copy the segment as it is.
                    exif = Some(orientation(body.strip_prefix(b"Exif\0\0").unwrap_or(&body)));
                } else {
                    skip(bytes, len)?;
                }
                pad(bytes, len)?;
            }
            canvas.into()
        }
        _ => return Err(Stop::Malformed),
    };
    Ok(Header {
        format: Format::Webp,
        width,
        height,
        orientation: exif.unwrap_or(1),
        animated,
    })
}

/// RIFF chunks are padded to an even length; writers forget it at the very end, where it harms nobody.
fn pad<S: Read + Seek>(bytes: &mut Bytes<S>, len: u32) -> Result<(), Stop> {
    if len % 2 == 1 && bytes.limit() > 0 {
        skip(bytes, 1)
    } else {
        Ok(())
    }
}

/// The orientation of IFD0 (TIFF 6.0, section 2; EXIF 2.3, tag 274). Cameras and editors write much that is odd,
/// and viewers show such a picture as it lies: anything unexpected is 1.
fn orientation(tiff: &[u8]) -> u8 {
    let find = || {
        let big = match tiff.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        let short = |at: &[u8]| {
            let pair = *at.first_chunk()?;
            Some(if big {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            })
        };
        let long = |at: &[u8]| {
            let four = *at.first_chunk()?;
            Some(if big {
                u32::from_be_bytes(four)
            } else {
                u32::from_le_bytes(four)
            })
        };
        let ifd = tiff.get(usize::try_from(long(&tiff[4..])?).ok()?..)?;
        let mut entries = ifd.get(2..)?.chunks_exact(12).take(short(ifd)?.into());
        // An entry is tag, type (3 is SHORT), count, and the value itself where it fits into four bytes.
        let entry = entries.find(|entry| short(entry) == Some(0x0112))?;
        let one_short = short(&entry[2..])? == 3 && long(&entry[4..])? == 1;
        short(&entry[8..]).filter(|value| one_short && (1..=8).contains(value))
    };
    find().and_then(|value| value.try_into().ok()).unwrap_or(1)
}

/// No format allows 0, and PNG alone could say more than 2^31-1, which it forbids.
fn size(sides: [impl Into<u32>; 2]) -> Result<(u32, u32), Stop> {
    let sides = sides.map(Into::into);
    let allowed = 1..=i32::MAX.unsigned_abs();
    if !sides.iter().all(|side| allowed.contains(side)) {
        return Err(Stop::Malformed);
    }
    Ok(sides.into())
}

fn read<S: Read + Seek, const N: usize>(bytes: &mut Bytes<S>) -> Result<[u8; N], Stop> {
    let mut array = [0; N];
    bytes.read_exact(&mut array)?;
    Ok(array)
}

/// Seeking past the end of a file succeeds, so only the limit tells that the file is too short.
fn skip<S: Read + Seek>(bytes: &mut Bytes<S>, len: u32) -> Result<(), Stop> {
    if u64::from(len) > bytes.limit() {
        return Err(Stop::CutOff);
    }
    Ok(bytes.seek_relative(len.into())?)
}

/// An EXIF block of `len` bytes, of which at most 64 KiB are kept: a JPEG segment holds no more, and IFD0 stands
/// at the front.
fn body<S: Read + Seek>(bytes: &mut Bytes<S>, len: u32) -> Result<Vec<u8>, Stop> {
    if u64::from(len) > bytes.limit() {
        return Err(Stop::CutOff);
    }
    let kept = len.min(64 << 10);
    let mut body = Vec::new();
    bytes.by_ref().take(kept.into()).read_to_end(&mut body)?;
    skip(bytes, len - kept)?;
    Ok(body)
}

#[cfg(test)]
mod tests;
