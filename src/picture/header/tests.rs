//! Headers as the formats' writers make them, and cut off or broken at every place that counts.

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
            let webp =
                |exif: &[u8]| webp_of(&[vp8x(0x08, 4, 5), vp8l(4, 5), riff_chunk(b"EXIF", exif)]);
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
                at == 12 && result.is_ok() || result.is_err_and(|e| e.to_string() == "bad sector")
            );
        }
    }
}
