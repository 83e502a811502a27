//! Pictures by their headers: sizes that can be, the same answer however the bytes come, work in proportion to the file,
//! and for PNG the size that another reader finds.

use std::io::{Cursor, Read, Result, Seek, SeekFrom};

use avatarctl::picture::header::{Flaw, Format, inspect};
use avatarctl::picture::received::{Image, Kind};

pub(super) fn check(bytes: &[u8]) {
    let mut source = Metered {
        bytes: Cursor::new(bytes),
        most: usize::MAX,
        read: 0,
    };
    let looked = inspect(&mut source).expect("memory can be read");
    // Every step consumes bytes; a seek may make a buffer be filled once more.
    assert!(
        source.read <= 16 * bytes.len() + (64 << 10),
        "{} bytes read of {}",
        source.read,
        bytes.len()
    );
    let mut drops = Metered {
        bytes: Cursor::new(bytes),
        most: 1,
        read: 0,
    };
    let by_drops = inspect(&mut drops).expect("memory can be read");
    assert_eq!(looked, by_drops);
    match looked {
        Ok(header) => {
            assert!(header.width > 0 && header.height > 0, "{header:?}");
            assert!((1..=8).contains(&header.orientation), "{header:?}");
            let (width, height) = header.shown_size();
            assert_eq!(
                u64::from(width) * u64::from(height),
                u64::from(header.width) * u64::from(header.height)
            );
            if header.format == Format::Png
                && let Ok(reader) = png::Decoder::new(Cursor::new(bytes)).read_info()
            {
                let info = reader.info();
                assert_eq!((info.width, info.height), (header.width, header.height));
            }
        }
        Err(flaw) => {
            super::assert_clean(&flaw.to_string());
            assert_eq!(flaw == Flaw::Empty, bytes.is_empty());
        }
    }
    let mut taken = bytes.to_vec();
    match Image::read(&mut taken) {
        Ok(image) => {
            assert_eq!(image.bytes, bytes);
            match image.kind {
                Kind::Raster(header) => assert_eq!(Ok(header), looked),
                Kind::Svg => assert_eq!(Err(Flaw::Unknown), looked),
            }
        }
        Err(flaw) => {
            assert_eq!(Err(flaw), looked);
            assert_eq!(taken, bytes);
        }
    }
}

/// Counts what is read, and gives no more than so many bytes at once.
struct Metered<'a> {
    bytes: Cursor<&'a [u8]>,
    most: usize,
    read: usize,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let most = buffer.len().min(self.most);
        let count = self.bytes.read(&mut buffer[..most])?;
        self.read += count;
        Ok(count)
    }
}

impl Seek for Metered<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.bytes.seek(to)
    }
}
