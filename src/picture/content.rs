//! What a request can carry without holding it in memory: bytes of a known length that can be read from their start.

use std::io::{self, Read};
use std::path::Path;

/// Bytes that can be read from their start more than once: a picture on disk, or bytes in memory.
pub trait Content {
    /// In bytes: what [`Content::open`] will yield.
    fn length(&self) -> u64;
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
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
}
