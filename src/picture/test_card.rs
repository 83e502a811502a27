//! A picture that is made here: black letters on yellow in a black frame, which say that it is a test. A PNG of one byte
//! a dot (a palette), its data stored and not compressed.

/// Dots a side.
const SIDE: usize = 64;
/// Yellow and black.
const PALETTE: [u8; 6] = [0xff, 0xd4, 0x00, 0x00, 0x00, 0x00];
/// `TEST`, five dots wide and seven high, a letter behind the other; each dot is drawn as a square of `SCALE`.
const LETTERS: [[&str; 7]; 4] = [T, E, S, T];
const T: [&str; 7] = [
    "#####", "  #  ", "  #  ", "  #  ", "  #  ", "  #  ", "  #  ",
];
const E: [&str; 7] = [
    "#####", "#    ", "#    ", "#### ", "#    ", "#    ", "#####",
];
const S: [&str; 7] = [
    " ####", "#    ", "#    ", " ### ", "    #", "    #", "#### ",
];
const SCALE: usize = 2;
/// From the left edge to the first letter, and from the upper one.
const LEFT: usize = (SIDE - (4 * 6 - 1) * SCALE) / 2;
const UPPER: usize = (SIDE - 7 * SCALE) / 2;
const FRAME: usize = 3;

pub(super) fn png() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let side = (SIDE as u32).to_be_bytes();
    // Eight bits a dot, a palette, the only compression and filter there are, not interlaced.
    let header = [&side[..], &side[..], &[8, 3, 0, 0, 0]].concat();
    chunk(&mut png, b"IHDR", &header);
    chunk(&mut png, b"PLTE", &PALETTE);
    chunk(&mut png, b"IDAT", &stored(&dots()));
    chunk(&mut png, b"IEND", &[]);
    png
}

/// The lines from above, each behind the number of its filter, which is none.
fn dots() -> Vec<u8> {
    let line = |y| {
        [0].into_iter()
            .chain((0..SIDE).map(move |x| u8::from(is_black(x, y))))
    };
    (0..SIDE).flat_map(line).collect()
}

fn is_black(x: usize, y: usize) -> bool {
    let inside = FRAME..SIDE - FRAME;
    if !inside.contains(&x) || !inside.contains(&y) {
        return true;
    }
    let dot = || {
        let (x, y) = (x.checked_sub(LEFT)? / SCALE, y.checked_sub(UPPER)? / SCALE);
        let line = LETTERS.get(x / 6)?.get(y)?;
        line.as_bytes().get(x % 6).copied()
    };
    dot() == Some(b'#')
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    png.extend(kind);
    png.extend(data);
    let checked = kind.iter().chain(data);
    png.extend(crc(checked).to_be_bytes());
}

/// As zlib has it (RFC 1950), in one block that is stored (RFC 1951, section 3.2.4).
fn stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("so few dots fit into one block");
    let mut stream = vec![0x78, 0x01, 1];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend(data);
    let (mut one, mut two) = (1u32, 0u32);
    for byte in data {
        one = (one + u32::from(*byte)) % 65_521;
        two = (two + one) % 65_521;
    }
    stream.extend((two << 16 | one).to_be_bytes());
    stream
}

/// As PNG has it (annex D of its specification), a bit at a time.
fn crc<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    };
    !bytes.fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_that_of_png() {
        // Of an empty IEND, as every PNG ends.
        assert_eq!(crc(b"IEND".iter()), 0xae42_6082);
    }

    #[test]
    fn it_says_what_it_is() {
        let line = |y| -> String {
            (0..SIDE)
                .map(|x| if is_black(x, y) { '#' } else { '.' })
                .collect()
        };
        assert_eq!(line(0), "#".repeat(SIDE));
        assert_eq!(
            line(UPPER),
            "###......##########..##########....########..##########......###"
        );
    }
}
