//! A picture as a server gives it: bytes in memory, whose kind is read from themselves and from nothing that was said
//! of them.

use std::io::Cursor;

use crate::picture::header::{self, Flaw, Format, Header};

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
#[derive(Debug)]
pub struct Image {
    pub bytes: Vec<u8>,
    pub kind: Kind,
}

impl Image {
    /// Takes bytes that are a whole picture; others are left where they are.
    pub fn read(bytes: &mut Vec<u8>) -> Result<Image, Flaw> {
        let looked = header::inspect(&mut Cursor::new(&*bytes)).expect("memory is always readable");
        let kind = match looked {
            Ok(header) => Kind::Raster(header),
            Err(Flaw::Unknown) if is_svg(bytes) => Kind::Svg,
            Err(flaw) => return Err(flaw),
        };
        Ok(Image {
            bytes: std::mem::take(bytes),
            kind,
        })
    }
}

/// Whether this is an SVG document: its root, behind what XML allows before that, and the end of it.
fn is_svg(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    // XML 1.0, section 2.8: a declaration, comments, instructions and a document type.
    let root = loop {
        let after = if let Some(comment) = rest.strip_prefix("<!--") {
            comment.split_once("-->")
        } else if let Some(instruction) = rest.strip_prefix("<?") {
            instruction.split_once("?>")
        } else if let Some(kind) = rest.strip_prefix("<!DOCTYPE") {
            match kind.split_once(['[', '>']) {
                Some((before, _)) if kind[before.len()..].starts_with('[') => kind
                    .split_once(']')
                    .and_then(|(_, end)| end.split_once('>')),
                other => other,
            }
        } else {
            break rest.strip_prefix('<').unwrap_or_default();
        };
        match after {
            Some((_, after)) => rest = after.trim_start(),
            None => return false,
        }
    };
    let behind = |c: char| c == '>' || c == '/' || c.is_ascii_whitespace();
    let name = root.split_once(behind).map_or("", |(name, _)| name);
    // The name may have a prefix for its namespace.
    let begins = name == "svg" || name.ends_with(":svg");
    let end = text.trim_end();
    begins && (end.ends_with(&format!("</{name}>")) || end.ends_with("/>") || end.ends_with("-->"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_told_by_its_root_and_its_end() {
        for (text, drawing) in [
            ("<svg></svg>", true),
            ("<svg/>", true),
            ("\u{feff}\n<svg\twidth=\"1\"></svg>\n", true),
            ("<?xml version=\"1.0\"?><!-- a > b --><svg ></svg>", true),
            (
                "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x\"><svg></svg>",
                true,
            ),
            (
                "<!DOCTYPE svg [<!ENTITY a \"b\">]><svg></svg><!-- made by -->",
                true,
            ),
            ("<svg:svg xmlns:svg=\"x\"><svg:g/></svg:svg>", true),
            ("<svg:g></svg:g>", false),
            ("<svg><g>", false),
            ("<svgs></svgs>", false),
            ("<!-- <svg></svg>", false),
            ("<!DOCTYPE html><html><svg></svg></html>", false),
            ("<html><svg></svg>", false),
            ("svg", false),
            ("", false),
        ] {
            assert_eq!(is_svg(text.as_bytes()), drawing, "{text}");
        }
        assert!(!is_svg(b"<svg>\xff</svg>"));
    }
}
