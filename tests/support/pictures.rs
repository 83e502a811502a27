//! Real pictures, made without a codec: what any viewer opens, in every format that a system takes, in any size.
//!
//! All show a robot's face that differs by seed, so that a person can tell them apart. They are written without
//! compression, because a size that follows from the measures is what tests want. Nothing in here decodes a
//! picture: [`size`] reads headers, for the models.

use std::f64::consts::TAU;
use std::path::PathBuf;

use super::run::Scratch;

type Rgba = [u8; 4];

/// `robot.png`: what any system takes.
pub fn robot(scratch: &Scratch) -> PathBuf {
    scratch.write("robot.png", png(64, 64, 1))
}

/// A PNG without transparency.
pub fn png(width: u32, height: u32, seed: u64) -> Vec<u8> {
    png_of(width, height, 2, &pixels(width, height, seed, 3))
}

/// A PNG whose corners are transparent.
pub fn png_rgba(width: u32, height: u32, seed: u64) -> Vec<u8> {
    png_of(width, height, 6, &pixels(width, height, seed, 4))
}

/// A PNG of exactly that many bytes, for limits; the filling is a private chunk that viewers skip.
pub fn png_of_bytes(width: u32, height: u32, seed: u64, total: usize) -> Vec<u8> {
    let mut bytes = png(width, height, seed);
    let filling = total
        .checked_sub(bytes.len() + 12)
        .expect("the picture is smaller than the total");
    let end = bytes.split_off(bytes.len() - 12);
    chunk(&mut bytes, b"fiLl", &vec![0; filling]);
    bytes.extend(end);
    bytes
}

/// A PNG that claims those measures in its header and holds one pixel: what a decompression bomb looks like to
/// whoever reads headers only. Not decodable.
pub fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    png_of(width, height, 2, &[0, 1, 2, 3])
}

/// Upright bands of these colours side by side, as a PNG: to see which part of it is shown.
pub fn png_bands(width: u32, height: u32, colours: &[[u8; 3]]) -> Vec<u8> {
    let pixels = (0..width).flat_map(|x| band(x, width, colours));
    let row: Vec<u8> = [0].into_iter().chain(pixels).collect();
    let rows = row.repeat(usize::try_from(height).expect("a picture fits into memory"));
    png_of(width, height, 2, &rows)
}

/// The same as a JPEG whose EXIF data ask for that orientation.
pub fn jpeg_bands(width: u32, height: u32, colours: &[[u8; 3]], orientation: u16) -> Vec<u8> {
    jpeg_with(width, height, Some(orientation), |x, _| {
        let [r, g, b] = band(x, width, colours);
        [r, g, b, 255]
    })
}

fn band(x: u32, width: u32, colours: &[[u8; 3]]) -> [u8; 3] {
    colours[x as usize * colours.len() / width as usize]
}

fn png_of(width: u32, height: u32, colour_type: u8, rows: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[8, colour_type, 0, 0, 0],
    ]
    .concat();
    chunk(&mut bytes, b"IHDR", &header);
    chunk(&mut bytes, b"IDAT", &zlib(rows));
    chunk(&mut bytes, b"IEND", b"");
    bytes
}

/// Rows as PNG wants them: a filter byte (none), then the samples.
fn pixels(width: u32, height: u32, seed: u64, samples: usize) -> Vec<u8> {
    let mut rows = Vec::with_capacity((width as usize * samples + 1) * height as usize);
    for y in 0..height {
        rows.push(0);
        for x in 0..width {
            rows.extend(&face(x, y, width, height, seed)[..samples]);
        }
    }
    rows
}

fn chunk(bytes: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    bytes.extend((data.len() as u32).to_be_bytes());
    let start = bytes.len();
    bytes.extend(kind);
    bytes.extend(data);
    bytes.extend(crc32(&bytes[start..]).to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    });
    !crc
}

/// Stored blocks, which every inflater takes.
fn zlib(data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x78, 0x01];
    let mut blocks = data.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        bytes.push(u8::from(blocks.peek().is_none()));
        bytes.extend((block.len() as u16).to_le_bytes());
        bytes.extend((!(block.len() as u16)).to_le_bytes());
        bytes.extend(block);
    }
    let (low, high) = data.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    bytes.extend((high << 16 | low).to_be_bytes());
    bytes
}

/// A baseline JPEG of flat blocks of 8 by 8: a mosaic, but a true one.
pub fn jpeg(width: u32, height: u32, seed: u64) -> Vec<u8> {
    jpeg_with(width, height, None, |x, y| face(x, y, width, height, seed))
}

/// A JPEG whose EXIF data ask for that orientation, 1 to 8.
pub fn jpeg_oriented(width: u32, height: u32, seed: u64, orientation: u16) -> Vec<u8> {
    jpeg_with(width, height, Some(orientation), |x, y| {
        face(x, y, width, height, seed)
    })
}

fn jpeg_with(
    width: u32,
    height: u32,
    orientation: Option<u16>,
    colour: impl Fn(u32, u32) -> Rgba,
) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    if let Some(orientation) = orientation {
        // One directory with one entry: tag 0x0112, a short, one of it.
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
        exif.extend(orientation.to_be_bytes());
        exif.extend([0; 6]);
        segment(&mut bytes, 0xe1, &exif);
    } else {
        segment(&mut bytes, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    }
    // The coefficient of a flat block is eight times its value; dividing by eight keeps the value.
    segment(&mut bytes, 0xdb, &[&[0][..], &[8; 64]].concat());
    let (w, h) = ((width as u16).to_be_bytes(), (height as u16).to_be_bytes());
    segment(
        &mut bytes,
        0xc0,
        &[
            8, h[0], h[1], w[0], w[1], 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0,
        ],
    );
    // Twelve categories of differences in four bits each; of the other coefficients only "no more" in one bit.
    let mut differences = vec![0x00, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    differences.extend(0..12);
    segment(&mut bytes, 0xc4, &differences);
    segment(
        &mut bytes,
        0xc4,
        &[0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    );
    segment(&mut bytes, 0xda, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);

    let mut bits = Bits::default();
    let mut before = [0i32; 3];
    for y in (0..height).step_by(8) {
        for x in (0..width).step_by(8) {
            let (middle_x, middle_y) = ((x + 4).min(width - 1), (y + 4).min(height - 1));
            let [r, g, b, _] = colour(middle_x, middle_y).map(f64::from);
            let luma = 0.299 * r + 0.587 * g + 0.114 * b;
            let samples = [luma - 128.0, (b - luma) * 0.564, (r - luma) * 0.713];
            for (sample, before) in samples.iter().zip(&mut before) {
                let value = sample.round().clamp(-128.0, 127.0) as i32;
                let difference = value - std::mem::replace(before, value);
                let category = 32 - difference.unsigned_abs().leading_zeros();
                bits.most_significant_first(category, 4);
                let pattern = if difference < 0 {
                    difference + (1 << category) - 1
                } else {
                    difference
                };
                bits.most_significant_first(pattern as u32, category);
                bits.most_significant_first(0, 1);
            }
        }
    }
    while bits.count != 0 {
        bits.most_significant_first(1, 1);
    }
    for byte in bits.bytes {
        bytes.push(byte);
        if byte == 0xff {
            bytes.push(0);
        }
    }
    bytes.extend([0xff, 0xd9]);
    bytes
}

fn segment(bytes: &mut Vec<u8>, marker: u8, data: &[u8]) {
    bytes.extend([0xff, marker]);
    bytes.extend((data.len() as u16 + 2).to_be_bytes());
    bytes.extend(data);
}

/// A GIF of one picture.
pub fn gif(width: u32, height: u32, seed: u64) -> Vec<u8> {
    gif_of(width, height, &[seed])
}

/// A GIF of two pictures that alternate for ever.
pub fn gif_animated(width: u32, height: u32, seed: u64) -> Vec<u8> {
    gif_of(width, height, &[seed, seed + 1])
}

fn gif_of(width: u32, height: u32, seeds: &[u64]) -> Vec<u8> {
    let (w, h) = ((width as u16).to_le_bytes(), (height as u16).to_le_bytes());
    let mut bytes = b"GIF89a".to_vec();
    // 64 colours: two bits of red, green and blue each.
    bytes.extend([w[0], w[1], h[0], h[1], 0xf5, 0, 0]);
    for colour in 0..64u8 {
        bytes.extend([
            (colour >> 4) * 85,
            (colour >> 2 & 3) * 85,
            (colour & 3) * 85,
        ]);
    }
    if seeds.len() > 1 {
        bytes.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0");
    }
    for seed in seeds {
        bytes.extend([0x21, 0xf9, 4, 0, 50, 0, 0, 0]);
        bytes.extend([0x2c, 0, 0, 0, 0, w[0], w[1], h[0], h[1], 0, 6]);
        // Codes of 7 bits: 64 clears the table, and does so before it grows and wants 8.
        let mut bits = Bits::default();
        for index in 0..width * height {
            if index % 60 == 0 {
                bits.least_significant_first(64, 7);
            }
            let [r, g, b, _] = face(index % width, index / width, width, height, *seed);
            bits.least_significant_first(u32::from((r >> 6) << 4 | (g >> 6) << 2 | b >> 6), 7);
        }
        bits.least_significant_first(65, 7);
        for block in bits.finish().chunks(255) {
            bytes.push(block.len() as u8);
            bytes.extend(block);
        }
        bytes.push(0);
    }
    bytes.push(0x3b);
    bytes
}

/// A lossless WebP.
pub fn webp(width: u32, height: u32, seed: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.least_significant_first(width - 1, 14);
    bits.least_significant_first(height - 1, 14);
    // No alpha, version 0; no transform, no colour cache, no meta codes.
    bits.least_significant_first(0, 1 + 3 + 1 + 1 + 1);
    // Green, red and blue: 256 literals of eight bits each. A code for the code lengths comes first, of which only
    // "0" and "8" are used: twelve lengths are given, in the format's own order.
    for alphabet in [256 + 24, 256, 256] {
        bits.least_significant_first(0, 1);
        bits.least_significant_first(12 - 4, 4);
        for place in 0..12 {
            bits.least_significant_first(u32::from(place == 2 || place == 11), 3);
        }
        bits.least_significant_first(0, 1);
        for symbol in 0..alphabet {
            bits.least_significant_first(u32::from(symbol < 256), 1);
        }
    }
    // Alpha is always 255 and distance always 0: one symbol, no bits.
    bits.least_significant_first(0b101, 3);
    bits.least_significant_first(255, 8);
    bits.least_significant_first(0b0001, 4);
    for y in 0..height {
        for x in 0..width {
            let [r, g, b, _] = face(x, y, width, height, seed);
            for sample in [g, r, b] {
                bits.least_significant_first(u32::from(sample.reverse_bits()), 8);
            }
        }
    }
    let mut stream = vec![0x2f];
    stream.extend(bits.finish());
    let odd = stream.len() % 2;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((4 + 8 + stream.len() as u32 + odd as u32).to_le_bytes());
    bytes.extend(b"WEBPVP8L");
    bytes.extend((stream.len() as u32).to_le_bytes());
    bytes.extend(&stream);
    bytes.resize(bytes.len() + odd, 0);
    bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u8,
    count: u32,
}

impl Bits {
    fn most_significant_first(&mut self, value: u32, width: u32) {
        for place in (0..width).rev() {
            self.held = self.held << 1 | (value >> place & 1) as u8;
            self.count += 1;
            self.flush_if_full();
        }
    }

    fn least_significant_first(&mut self, value: u32, width: u32) {
        for place in 0..width {
            self.held |= ((value >> place & 1) as u8) << self.count;
            self.count += 1;
            self.flush_if_full();
        }
    }

    fn flush_if_full(&mut self) {
        if self.count == 8 {
            self.bytes.push(std::mem::take(&mut self.held));
            self.count = 0;
        }
    }

    /// The bytes, the last one filled with zeros at its upper end.
    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.held);
        }
        self.bytes
    }
}

/// The colour of one pixel of a robot's face.
fn face(x: u32, y: u32, width: u32, height: u32, seed: u64) -> Rgba {
    let scale = f64::from(width.min(height));
    let u = (2.0 * f64::from(x) + 1.0 - f64::from(width)) / scale;
    let v = (2.0 * f64::from(y) + 1.0 - f64::from(height)) / scale;
    // A few independent numbers from 0 to 1 out of one seed.
    let trait_of = |number: u64| {
        let mixed = (seed * 8 + number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        f64::from((mixed >> 40) as u32 & 0xffff) / 65536.0
    };
    let hue = |turn: f64, light: f64| -> Rgba {
        let channel = |shift: f64| {
            ((0.5 + 0.5 * (TAU * (turn + shift)).cos()) * light * 215.0 + 40.0 * light) as u8
        };
        [channel(0.0), channel(0.33), channel(0.67), 255]
    };
    let inside = |centre_v: f64, half_u: f64, half_v: f64, round: f64| {
        let (du, dv) = (
            u.abs() - half_u + round,
            (v - centre_v).abs() - half_v + round,
        );
        du.max(0.0).hypot(dv.max(0.0)) <= round
    };
    let turn = trait_of(0);
    let eye = 0.10 + 0.07 * trait_of(1);
    let (metal, dark) = ([226, 232, 240, 255], [30, 41, 59, 255]);
    let side = u.abs();
    let from_eye = (side - 0.27).hypot(v + 0.05);
    if from_eye < eye {
        return if from_eye < eye * 0.45 {
            hue(turn + 0.5, 1.0)
        } else {
            dark
        };
    }
    if inside(
        0.36,
        0.18 + 0.14 * trait_of(2),
        0.03 + 0.05 * trait_of(3),
        0.03,
    ) {
        return dark;
    }
    if inside(0.10, 0.55, 0.48, 0.12 + 0.2 * trait_of(4)) {
        return metal;
    }
    if u.hypot(v + 0.72) < 0.09 {
        return hue(turn + 0.5, 1.0);
    }
    if side < 0.03 && v < 0.0 && v > -0.72 || (side - 0.6).abs() < 0.06 && (v - 0.1).abs() < 0.16 {
        return [148, 163, 184, 255];
    }
    let mut ground = hue(turn, 0.75 - 0.25 * v.clamp(-1.0, 1.0));
    if u.hypot(v) > 1.0 {
        ground[3] = 0;
    }
    ground
}

/// Media type, width and height, from the header, if the file also ends as its format wants it to.
pub fn size(bytes: &[u8]) -> Option<(&'static str, u32, u32)> {
    let be16 = |at: usize| {
        Some(u32::from(u16::from_be_bytes(
            bytes.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    let le16 = |at: usize| {
        Some(u32::from(u16::from_le_bytes(
            bytes.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    let be32 = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR") {
        let ends = bytes.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82");
        return ends.then_some(("image/png", be32(16)?, be32(20)?));
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        return bytes
            .ends_with(&[0x3b])
            .then_some(("image/gif", le16(6)?, le16(8)?));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..16)? == b"WEBPVP8L" {
        let bits = u32::from_le_bytes(bytes.get(21..25)?.try_into().ok()?);
        let whole =
            u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?) as usize + 8 == bytes.len();
        return whole.then_some(("image/webp", (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1));
    }
    if bytes.starts_with(&[0xff, 0xd8, 0xff]) && bytes.ends_with(&[0xff, 0xd9]) {
        let mut at = 2;
        loop {
            let marker = be16(at)?;
            if matches!(marker, 0xffc0..=0xffc2) {
                return Some(("image/jpeg", be16(at + 7)?, be16(at + 5)?));
            }
            at += 2 + be16(at + 2)? as usize;
        }
    }
    None
}

#[test]
fn sizes_are_read_from_what_is_written_here_and_from_nothing_torn() {
    for (kind, bytes) in [
        ("image/png", png(50, 30, 1)),
        ("image/png", png_rgba(50, 30, 1)),
        ("image/png", png_of_bytes(50, 30, 1, 20741)),
        ("image/jpeg", jpeg(50, 30, 1)),
        ("image/jpeg", jpeg_oriented(50, 30, 1, 6)),
        ("image/gif", gif(50, 30, 1)),
        ("image/gif", gif_animated(50, 30, 1)),
        ("image/webp", webp(50, 30, 1)),
    ] {
        assert_eq!(size(&bytes), Some((kind, 50, 30)));
        assert_eq!(size(&bytes[..bytes.len() - 1]), None);
    }
    assert_eq!(png_of_bytes(50, 30, 1, 20741).len(), 20741);
    assert_eq!(size(b"not a picture"), None);
}
