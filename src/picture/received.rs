//! A picture as a server gives it: bytes in memory, whose kind is read from themselves and from nothing that was said
//! of them.

use crate::picture::header::{Format, Header};

/// What received bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A picture of dots, with what its header says.
    Raster(Header),
    /// An SVG drawing: foreign text, which is kept and shown as an image, and never sent.
    Svg,
}

impl Kind {
    pub fn media_type(self) -> &'static str {
        match self {
            Kind::Raster(header) => header.format.media_type(),
            Kind::Svg => "image/svg+xml",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Kind::Raster(header) => header.format.extension(),
            Kind::Svg => "svg",
        }
    }

    /// None of a drawing.
    pub fn format(self) -> Option<Format> {
        match self {
            Kind::Raster(header) => Some(header.format),
            Kind::Svg => None,
        }
    }
}

/// A picture that was received.
pub struct Image {
    pub bytes: Vec<u8>,
    pub kind: Kind,
}
