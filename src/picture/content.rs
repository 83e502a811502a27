//! What a request can carry without holding it in memory: bytes of a known length that can be read from their start.

use std::io::{self, BufRead, Read};
use std::path::Path;

/// What the boundary of every form begins with. A picture that was looked at in whole need not be read once more to
/// know that it holds none.
pub const STEM: &str = "avatarctl-";

/// Bytes that can be read from their start more than once: a picture on disk, or bytes in memory.
pub trait Content {
    /// In bytes: what [`Content::open`] will yield.
    fn length(&self) -> u64;
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
    /// Whether `STEM` may occur in it.
    fn may_hold_stem(&self) -> bool {
        true
    }
    /// Where the bytes are, if on disk.
    fn path(&self) -> Option<&Path> {
        None
    }
}

impl Content for Vec<u8> {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.as_slice()))
    }

    fn may_hold_stem(&self) -> bool {
        holds_stem(self)
    }
}

/// The bytes from the first on that `STEM` begins with, found with std's fast search.
pub fn from_first_letter(bytes: &[u8]) -> &[u8] {
    let letter = STEM.as_bytes()[0];
    let mut rest = bytes;
    let passed = rest.skip_until(letter).unwrap_or(bytes.len());
    let found = bytes[..passed].ends_with(&[letter]);
    &bytes[passed - usize::from(found)..]
}

pub fn holds_stem(mut bytes: &[u8]) -> bool {
    loop {
        bytes = from_first_letter(bytes);
        match bytes {
            [] => return false,
            _ if bytes.starts_with(STEM.as_bytes()) => return true,
            [_, rest @ ..] => bytes = rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_is_found_wherever_it_is() {
        for place in [0, 1, 7, 100] {
            let mut bytes = b"avatarctl avatar-".repeat(6)[..place].to_vec();
            assert!(!holds_stem(&bytes));
            bytes.extend(STEM.bytes());
            assert!(holds_stem(&bytes), "at the end, {place}");
            assert!(!holds_stem(&bytes[..bytes.len() - 1]), "cut off, {place}");
            bytes.extend(b"0aa");
            assert!(holds_stem(&bytes), "{place}");
        }
    }
}
