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
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::io::Cursor;

    fn look(bytes: &[u8]) -> Result<Header, Flaw> {
        inspect(&mut Cursor::new(bytes)).expect("memory has no I/O errors")
    }

    fn header(format: Format, width: u32, height: u32) -> Header {
        Header {
            format,
            width,
            height,
            orientation: 1,
            animated: false,
        }
    }

    /// IFD0 with ImageWidth before the orientation, as entries are sorted by tag.
    fn tiff(big: bool, orientation: u16) -> Vec<u8> {
        let short = |v: u16| {
            if big {
                v.to_be_bytes()
            } else {
                v.to_le_bytes()
            }
        };
        let long = |v: u32| {
            if big {
                v.to_be_bytes()
            } else {
                v.to_le_bytes()
            }
        };
        let mut tiff = if big { b"MM".to_vec() } else { b"II".to_vec() };
        tiff.extend(short(42));
        tiff.extend(long(8));
        tiff.extend(short(2));
        for (tag, value) in [(0x0100, 640), (0x0112, orientation)] {
            tiff.extend([short(tag), short(3)].concat());
            tiff.extend(long(1));
            tiff.extend([short(value), short(0)].concat());
        }
        tiff.extend(long(0));
        tiff
    }

    fn exif(tiff: &[u8]) -> Vec<u8> {
        [b"Exif\0\0", tiff].concat()
    }

    fn png_chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let named = [kind, body].concat();
        let crc = !named.iter().fold(!0, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| {
                crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
            })
        });
        let len = u32::try_from(body.len()).unwrap();
        [&len.to_be_bytes()[..], &named, &crc.to_be_bytes()].concat()
    }

    /// Signature, IHDR (8 bits of grey), and what follows.
    fn png_of(width: u32, height: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
        let ihdr = [
            &width.to_be_bytes()[..],
            &height.to_be_bytes(),
            &[8, 0, 0, 0, 0],
        ]
        .concat();
        [
            &b"\x89PNG\r\n\x1a\n"[..],
            &png_chunk(b"IHDR", &ihdr),
            &chunks.concat(),
        ]
        .concat()
    }

    /// A black picture of 1 by 1 in a stored block.
    fn idat() -> Vec<u8> {
        png_chunk(b"IDAT", &[0x78, 1, 1, 2, 0, 0xfd, 0xff, 0, 0, 0, 2, 0, 1])
    }

    fn iend() -> Vec<u8> {
        png_chunk(b"IEND", &[])
    }

    fn actl(frames: u32) -> Vec<u8> {
        png_chunk(b"acTL", &[frames.to_be_bytes(), [0; 4]].concat())
    }

    fn segment(code: u8, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(body.len() + 2).unwrap();
        [&[0xff, code], &len.to_be_bytes()[..], body].concat()
    }

    fn sof(code: u8, width: u16, height: u16) -> Vec<u8> {
        segment(
            code,
            &[
                &[8],
                &height.to_be_bytes()[..],
                &width.to_be_bytes(),
                &[1, 1, 0x11, 0],
            ]
            .concat(),
        )
    }

    fn sos() -> Vec<u8> {
        [
            segment(0xda, &[1, 1, 0, 0, 63, 0]),
            vec![0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56, 0xff],
        ]
        .concat()
    }

    fn jpeg_of(parts: &[Vec<u8>]) -> Vec<u8> {
        [&[0xff, 0xd8], &parts.concat()[..], &[0xff, 0xd9]].concat()
    }

    fn gif_of(width: u16, height: u16, blocks: &[&[u8]]) -> Vec<u8> {
        let screen = [
            &b"GIF89a"[..],
            &width.to_le_bytes(),
            &height.to_le_bytes(),
            &[0x80, 0, 0],
        ]
        .concat();
        [
            &screen[..],
            &[0, 0, 0, 255, 255, 255],
            &blocks.concat(),
            b";",
        ]
        .concat()
    }

    const GIF_LOOP: &[u8] = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0";
    const GIF_IMAGE: &[u8] = b",\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0";
    const GIF_IMAGE_WITH_TABLE: &[u8] = b",\0\0\0\0\x01\0\x01\0\x80ABCDEF\x02\x02\x44\x01\0";

    fn riff_chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len()).unwrap();
        [kind, &len.to_le_bytes()[..], body, &[0][..body.len() % 2]].concat()
    }

    fn webp_of(chunks: &[Vec<u8>]) -> Vec<u8> {
        riff_chunk(b"RIFF", &[&b"WEBP"[..], &chunks.concat()].concat())
    }

    /// The upper two bits of each side are a scale and no part of it.
    fn vp8(width: u16, height: u16) -> Vec<u8> {
        let sides = [
            (width | 0x4000).to_le_bytes(),
            (height | 0x8000).to_le_bytes(),
        ]
        .concat();
        riff_chunk(
            b"VP8 ",
            &[&[0x10, 2, 0, 0x9d, 0x01, 0x2a], &sides[..], &[1, 2, 3]].concat(),
        )
    }

    fn vp8l(width: u32, height: u32) -> Vec<u8> {
        let bits = (width - 1) | (height - 1) << 14 | 1 << 28;
        riff_chunk(
            b"VP8L",
            &[&[0x2f], &bits.to_le_bytes()[..], &[7, 8]].concat(),
        )
    }

    fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
        let [width, height] = [width - 1, height - 1].map(u32::to_le_bytes);
        riff_chunk(
            b"VP8X",
            &[&[flags, 0, 0, 0], &width[..3], &height[..3]].concat(),
        )
    }

    /// Each kind of file that is in order, with what is to be read from it.
    fn samples() -> Vec<(Vec<u8>, Header)> {
        let turned = |header, orientation| Header {
            orientation,
            ..header
        };
        let moving = |header| Header {
            animated: true,
            ..header
        };
        let (png, jpeg, gif, webp) = (
            header(Format::Png, 1, 1),
            header(Format::Jpeg, 640, 480),
            header(Format::Gif, 3, 259),
            header(Format::Webp, 300, 7),
        );
        let app1 = |tiff: &[u8]| segment(0xe1, &exif(tiff));
        vec![
            (png_of(1, 1, &[idat(), iend()]), png),
            (
                png_of(
                    1,
                    1,
                    &[png_chunk(b"eXIf", &tiff(true, 6)), idat(), idat(), iend()],
                ),
                turned(png, 6),
            ),
            (
                png_of(
                    1,
                    1,
                    &[actl(2), idat(), png_chunk(b"eXIf", &tiff(false, 3)), iend()],
                ),
                moving(turned(png, 3)),
            ),
            (jpeg_of(&[sof(0xc0, 640, 480), sos()]), jpeg),
            (jpeg_of(&[sof(0xc2, 640, 480)]), jpeg),
            (
                jpeg_of(&[
                    segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
                    app1(&tiff(false, 8)),
                    vec![0xff, 0xff],
                    segment(0xc4, &[0xff, 0xd9, 0]),
                    vec![0xff, 0x01, 0xff, 0xd3],
                    app1(&tiff(false, 2)),
                    sof(0xc1, 640, 480),
                    sos(),
                ]),
                turned(jpeg, 8),
            ),
            (gif_of(3, 259, &[GIF_IMAGE_WITH_TABLE]), gif),
            (
                gif_of(3, 259, &[GIF_LOOP, GIF_IMAGE, GIF_IMAGE_WITH_TABLE]),
                moving(gif),
            ),
            (webp_of(&[vp8(300, 7)]), webp),
            (webp_of(&[vp8l(300, 7)]), webp),
            (
                webp_of(&[
                    vp8x(0x02, 300, 7),
                    riff_chunk(b"ANIM", &[0; 6]),
                    riff_chunk(b"ANMF", &[0; 17]),
                ]),
                moving(webp),
            ),
            (
                webp_of(&[
                    vp8x(0x08, 300, 7),
                    vp8(300, 7),
                    riff_chunk(b"EXIF", &tiff(true, 5)),
                ]),
                turned(webp, 5),
            ),
        ]
    }

    #[test]
    fn reads_each_kind_of_file() {
        for (bytes, header) in samples() {
            assert_eq!(look(&bytes), Ok(header), "{bytes:02x?}");
        }
    }

    #[test]
    fn names_the_formats() {
        let names = |format: Format| (format.name(), format.media_type(), format.extension());
        assert_eq!(names(Format::Png), ("PNG", "image/png", "png"));
        assert_eq!(names(Format::Jpeg), ("JPEG", "image/jpeg", "jpg"));
        assert_eq!(names(Format::Gif), ("GIF", "image/gif", "gif"));
        assert_eq!(names(Format::Webp), ("WebP", "image/webp", "webp"));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(Flaw::Empty.to_string(), "is empty");
        assert_eq!(
            Flaw::Unknown.to_string(),
            "is not a PNG, JPEG, GIF or WebP picture"
        );
        assert_eq!(
            Flaw::CutOff(Format::Webp).to_string(),
            "is a WebP picture that is cut off"
        );
        assert_eq!(
            Flaw::Malformed(Format::Jpeg).to_string(),
            "is a JPEG picture with a broken header"
        );
    }

    #[test]
    fn knows_no_other_bytes() {
        assert_eq!(look(b""), Err(Flaw::Empty));
        for other in [
            &b"\0"[..],
            b"BM6\0\0\0",
            b"<svg/>",
            b"II*\0\x08\0\0\0",
            b"RIFF\x04\0\0\0WAVE",
            b"GIF88a",
            b"\xff\xd8\xfe",
        ] {
            assert_eq!(look(other), Err(Flaw::Unknown), "{other:02x?}");
        }
    }

    #[test]
    fn every_orientation_in_both_byte_orders_everywhere() {
        for big in [false, true] {
            for orientation in 1..=8 {
                let tiff = tiff(big, orientation);
                let webp = |exif: &[u8]| {
                    webp_of(&[vp8x(0x08, 4, 5), vp8l(4, 5), riff_chunk(b"EXIF", exif)])
                };
                for bytes in [
                    jpeg_of(&[segment(0xe1, &exif(&tiff)), sof(0xc0, 4, 5), sos()]),
                    png_of(4, 5, &[png_chunk(b"eXIf", &tiff), idat(), iend()]),
                    webp(&tiff),
                    webp(&exif(&tiff)),
                ] {
                    let header = look(&bytes).unwrap();
                    assert_eq!(u16::from(header.orientation), orientation);
                    assert_eq!(
                        header.shown_size(),
                        if orientation < 5 { (4, 5) } else { (5, 4) }
                    );
                }
            }
        }
    }

    #[test]
    fn odd_exif_is_orientation_1() {
        let good = tiff(false, 6);
        assert_eq!(orientation(&good), 6);
        // The entry starts at 22: the two entries of IFD0 follow its count at 8.
        for (at, byte) in [
            (0, b'M'),
            (2, 43),
            (4, 0xff),
            (7, 0xff),
            (8, 1),
            (23, 0),
            (24, 4),
            (26, 2),
            (30, 0),
            (30, 9),
            (31, 1),
        ] {
            let mut odd = good.clone();
            odd[at] = byte;
            assert_eq!(orientation(&odd), 1, "byte {at} = {byte}");
        }
        // The link to IFD1 may be missing; what stands before it may not.
        for len in 0..34 {
            assert_eq!(orientation(&good[..len]), 1, "cut at {len}");
        }
        assert_eq!(orientation(&good[..34]), 6);
    }

    #[test]
    fn the_first_exif_counts_even_if_odd() {
        let [odd, six] = [tiff(true, 9), tiff(true, 6)];
        let [odd_app1, app1] = [&odd, &six].map(|tiff| segment(0xe1, &exif(tiff)));
        let bytes = jpeg_of(&[odd_app1, app1, sof(0xc0, 1, 1)]);
        assert_eq!(look(&bytes), Ok(header(Format::Jpeg, 1, 1)));
        let bytes = png_of(
            1,
            1,
            &[
                png_chunk(b"eXIf", &odd),
                png_chunk(b"eXIf", &six),
                idat(),
                iend(),
            ],
        );
        assert_eq!(look(&bytes), Ok(header(Format::Png, 1, 1)));
        let bytes = webp_of(&[
            vp8x(0x08, 1, 1),
            riff_chunk(b"EXIF", &odd),
            riff_chunk(b"EXIF", &six),
        ]);
        assert_eq!(look(&bytes), Ok(header(Format::Webp, 1, 1)));
        let bytes = webp_of(&[vp8x(0, 1, 1), riff_chunk(b"EXIF", &six)]);
        assert_eq!(
            look(&bytes),
            Ok(header(Format::Webp, 1, 1)),
            "a chunk that no flag announces"
        );
    }

    #[test]
    fn one_frame_or_a_late_actl_is_no_animation() {
        for chunks in [[actl(1), idat(), iend()], [idat(), actl(2), iend()]] {
            assert_eq!(look(&png_of(1, 1, &chunks)), Ok(header(Format::Png, 1, 1)));
        }
    }

    #[test]
    fn broken_png() {
        let malformed = Err(Flaw::Malformed(Format::Png));
        for (width, height) in [(0, 1), (1, 0), (1 << 31, 1), (1, u32::MAX)] {
            assert_eq!(look(&png_of(width, height, &[idat(), iend()])), malformed);
        }
        let largest = (1 << 31) - 1;
        let bytes = png_of(largest, largest, &[idat(), iend()]);
        assert_eq!(look(&bytes), Ok(header(Format::Png, largest, largest)));
        assert_eq!(look(&png_of(1, 1, &[iend()])), malformed);
        assert_eq!(
            look(&png_of(1, 1, &[png_chunk(b"ID\0T", &[]), iend()])),
            malformed
        );
        let no_ihdr = [&b"\x89PNG\r\n\x1a\n"[..], &idat(), &iend()].concat();
        assert_eq!(look(&no_ihdr), malformed);
        for kind in [b"IDAT", b"eXIf", b"acTL"] {
            let huge = [&[0xff; 4], &kind[..], &[0; 100]].concat();
            assert_eq!(
                look(&png_of(1, 1, &[idat(), huge, iend()])),
                Err(Flaw::CutOff(Format::Png))
            );
        }
    }

    #[test]
    fn broken_jpeg() {
        let malformed = Err(Flaw::Malformed(Format::Jpeg));
        for parts in [
            vec![sof(0xc0, 0, 1), sos()],
            vec![sof(0xc0, 1, 0), sos()],
            vec![sof(0xc0, 1, 1), sof(0xc0, 2, 2), sos()],
            vec![segment(0xc0, &[8, 0, 1, 0]), sos()],
            vec![segment(0xe0, b"JFIF\0"), sos()],
            vec![segment(0xe0, b"JFIF\0")],
            vec![vec![0xff, 0xe0, 0, 1], sof(0xc0, 1, 1)],
            vec![segment(0xe0, b""), vec![0x00], sof(0xc0, 1, 1)],
            vec![segment(0xe0, b""), vec![0xff, 0x00], sof(0xc0, 1, 1)],
            vec![segment(0xe0, b""), vec![0xff, 0xd8], sof(0xc0, 1, 1)],
        ] {
            assert_eq!(look(&jpeg_of(&parts)), malformed, "{parts:02x?}");
        }
        for code in [0xc4, 0xc8, 0xcc] {
            assert_eq!(
                look(&jpeg_of(&[sof(code, 1, 1)])),
                malformed,
                "{code:02x} is no frame header"
            );
        }
    }

    #[test]
    fn every_jpeg_frame_header() {
        for code in (0xc0..=0xcf).filter(|code| ![0xc4, 0xc8, 0xcc].contains(code)) {
            let bytes = jpeg_of(&[segment(0xdb, &[0; 65]), sof(code, 65535, 1), sos()]);
            assert_eq!(look(&bytes), Ok(header(Format::Jpeg, 65535, 1)));
        }
    }

    #[test]
    fn broken_gif() {
        for (width, height) in [(0, 1), (1, 0)] {
            assert_eq!(
                look(&gif_of(width, height, &[GIF_IMAGE])),
                Err(Flaw::Malformed(Format::Gif))
            );
        }
        let padded = gif_of(1, 1, &[GIF_IMAGE, b"\0"]);
        assert_eq!(look(&padded), Ok(header(Format::Gif, 1, 1)));
    }

    #[test]
    fn broken_webp() {
        let (cut_off, malformed) = (
            Err(Flaw::CutOff(Format::Webp)),
            Err(Flaw::Malformed(Format::Webp)),
        );
        for first in [
            vp8(0, 1),
            vp8(1, 0),
            riff_chunk(b"VP8 ", &[0x10, 2, 0, 0x9d, 0x01, 0x2b, 1, 0, 1, 0]),
            riff_chunk(b"VP8 ", &[0x10, 2, 0, 0x9d, 0x01, 0x2a, 1, 0, 1]),
            riff_chunk(b"VP8L", &[0x2e, 0, 0, 0, 0]),
            riff_chunk(b"VP8L", &[0x2f, 0, 0, 0]),
            riff_chunk(b"VP8X", &[0; 9]),
            riff_chunk(b"ALPH", &[0; 10]),
        ] {
            assert_eq!(look(&webp_of(&[first])), malformed);
        }
        assert_eq!(look(b"RIFF\x03\0\0\0WEBPVP8 "), malformed);
        assert_eq!(look(b"RIFF\xff\xff\xff\xffWEBPVP8 "), cut_off);

        let still = [vp8x(0, 1, 1), vp8(1, 1)];
        let stray = |chunk: &[u8]| look(&webp_of(&[&still[..], &[chunk.to_vec()]].concat()));
        assert_eq!(stray(b"EXIF\xff\xff\xff\xff"), cut_off);
        assert_eq!(stray(b"EXIF\x02\0\0\0I"), cut_off);
        assert_eq!(
            stray(b"EXIF\x01\0\0\0I"),
            Ok(header(Format::Webp, 1, 1)),
            "the last padding is missing"
        );
        let mut inner = webp_of(&[vp8(1, 1)]);
        inner[16] += 2;
        inner.extend([0; 20]);
        assert_eq!(
            look(&inner),
            cut_off,
            "the chunk passes the RIFF, though not the file"
        );
        let widest = webp_of(&[vp8x(0, 1 << 24, 1 << 24)]);
        assert_eq!(look(&widest), Ok(header(Format::Webp, 1 << 24, 1 << 24)));
    }

    #[test]
    fn bytes_after_the_end_do_not_matter() {
        for (mut bytes, header) in samples() {
            bytes.extend(b"\0\xff\xd9,!trailing");
            assert_eq!(look(&bytes), Ok(header));
        }
    }

    /// A GIF may lack its trailer, so it is complete at each boundary of blocks; no other prefix of any sample is.
    #[test]
    fn no_prefix_passes_for_the_whole() {
        for (bytes, header) in samples() {
            let magic = match header.format {
                Format::Png => 8,
                Format::Jpeg => 3,
                Format::Gif => 6,
                Format::Webp => 12,
            };
            let mut complete = BTreeSet::new();
            for len in 0..bytes.len() {
                match look(&bytes[..len]) {
                    Ok(_) => drop(complete.insert(len)),
                    Err(flaw) if len == 0 => assert_eq!(flaw, Flaw::Empty),
                    Err(flaw) if len < magic => assert_eq!(flaw, Flaw::Unknown, "cut at {len}"),
                    Err(flaw) => assert_eq!(flaw, Flaw::CutOff(header.format), "cut at {len}"),
                }
            }
            let boundaries: &[usize] = match (header.format, header.animated) {
                (Format::Gif, false) => &[19, 40],
                (Format::Gif, true) => &[19, 38, 53, 74],
                _ => &[],
            };
            assert!(complete.iter().eq(boundaries), "{header:?}: {complete:?}");
        }
    }

    /// What holds for any bytes at all, read at once or in drips.
    fn check(bytes: &[u8]) {
        let found = look(bytes);
        assert_eq!(
            inspect(&mut Drip {
                inner: Cursor::new(bytes),
                dry: false
            })
            .unwrap(),
            found,
            "{bytes:02x?}"
        );
        match found {
            Ok(header) => {
                assert_eq!(recognise(bytes), Some(header.format));
                assert!(header.width > 0 && header.height > 0, "{bytes:02x?}");
                assert!((1..=8).contains(&header.orientation), "{bytes:02x?}");
            }
            Err(Flaw::Empty) => assert!(bytes.is_empty()),
            Err(Flaw::Unknown) => assert_eq!(recognise(bytes), None),
            Err(Flaw::CutOff(format) | Flaw::Malformed(format)) => {
                assert_eq!(recognise(bytes), Some(format))
            }
        }
    }

    /// Gives one byte at a time, each after an interrupt.
    struct Drip<'a> {
        inner: Cursor<&'a [u8]>,
        dry: bool,
    }

    impl Read for Drip<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.dry = !self.dry;
            if self.dry {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let len = buf.len().min(1);
            self.inner.read(&mut buf[..len])
        }
    }

    impl Seek for Drip<'_> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.inner.seek(to)
        }
    }

    #[test]
    fn any_byte_may_be_wrong() {
        for (bytes, _) in samples() {
            for at in 0..bytes.len() {
                for byte in [0x00, 0xff, 0x7f, 0x80] {
                    let mut wrong = bytes.clone();
                    wrong[at] = byte;
                    check(&wrong);
                }
            }
        }
    }

    #[test]
    fn any_mutation_is_survived() {
        let samples = samples();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap() % below
        };
        for _ in 0..20_000 {
            let mut bytes = samples[random(samples.len())].0.clone();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                match random(6) {
                    0 => bytes[at] = random(256).to_le_bytes()[0],
                    1 => bytes[at] ^= 1 << random(8),
                    2 => bytes[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
                    3 => bytes.truncate(at + 1),
                    4 => drop(bytes.drain(at..(at + random(9)).min(bytes.len() - 1).max(at))),
                    _ => {
                        let other = &samples[random(samples.len())].0;
                        let from = random(other.len());
                        bytes.splice(at..at, other[from..].iter().copied());
                    }
                }
            }
            check(&bytes);
        }
    }

    /// Counts what is read and, if told to, fails instead.
    struct Meter {
        inner: Cursor<Vec<u8>>,
        read: usize,
        calls: usize,
        broken_at: Option<u64>,
    }

    impl Read for Meter {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            if self.broken_at.is_some_and(|at| self.inner.position() >= at) {
                return Err(io::Error::other("bad sector"));
            }
            let len = self.inner.read(buf)?;
            self.read += len;
            self.calls += 1;
            Ok(len)
        }
    }

    impl Seek for Meter {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.calls += 1;
            self.inner.seek(to)
        }
    }

    fn meter(bytes: Vec<u8>) -> Meter {
        Meter {
            inner: Cursor::new(bytes),
            read: 0,
            calls: 0,
            broken_at: None,
        }
    }

    #[test]
    fn pixels_are_sought_over_and_small_steps_are_buffered() {
        let pixels = vec![0; 1 << 20];
        for bytes in [
            png_of(1, 1, &[png_chunk(b"IDAT", &pixels), iend()]),
            png_of(1, 1, &[png_chunk(b"eXIf", &pixels), idat(), iend()]),
            webp_of(&[
                vp8x(0, 1, 1),
                riff_chunk(b"VP8 ", &pixels),
                riff_chunk(b"EXIF", &[]),
            ]),
        ] {
            let mut source = meter(bytes);
            assert!(inspect(&mut source).unwrap().is_ok());
            assert!(source.read < 100_000, "{} bytes are read", source.read);
        }
        for bytes in [
            png_of(1, 1, &[idat().repeat(1000), iend()]),
            gif_of(1, 1, &[&GIF_IMAGE.repeat(1000)]),
            jpeg_of(&[sof(0xc0, 1, 1), sos().repeat(1000)]),
        ] {
            let mut source = meter(bytes);
            assert!(inspect(&mut source).unwrap().is_ok());
            assert!(source.calls < 20, "{} calls", source.calls);
        }
    }

    #[test]
    fn an_io_error_is_no_flaw() {
        for (bytes, _) in samples() {
            for at in [0, 12] {
                let mut source = meter(bytes.clone());
                source.broken_at = Some(at);
                let result = inspect(&mut source);
                // Only a buffer that took in the whole file at once never meets the bad sector.
                assert!(
                    at == 12 && result.is_ok()
                        || result.is_err_and(|e| e.to_string() == "bad sector")
                );
            }
        }
    }
}
