//! The few fields of an X.509 certificate that rustls does not hand out: issuer and subject, its period of
//! validity, its subject's common name, and what it may be used for (RFC 5280, section 4, in DER). Each is
//! read when it is asked for, because a trust store holds hundreds of certificates.

use crate::number::digits;
use crate::time;

/// A certificate, its fields still in DER.
#[derive(Clone, Copy)]
pub(super) struct Certificate<'a> {
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
    pub public_key: &'a [u8],
    validity: &'a [u8],
    first_version: bool,
    /// The fields after the public key, which are the optional ones.
    rest: &'a [u8],
}

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const ORGANIZATION: [u8; 3] = [0x55, 0x04, 0x0a];
const KEY_USAGE: [u8; 3] = [0x55, 0x1d, 0x0f];
const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 0x13];
const KEY_CERT_SIGN: u8 = 0x04;
/// To sign, to encipher a key, or to agree on one: what a handshake may ask of a key.
const KEY_HANDSHAKE: u8 = 0x80 | 0x20 | 0x08;

impl<'a> Certificate<'a> {
    /// `None` if the bytes are not a certificate.
    pub(super) fn read(der: &'a [u8]) -> Option<Certificate<'a>> {
        let mut certificate = Der(Der(der).expect(SEQUENCE)?);
        let mut fields = Der(certificate.expect(SEQUENCE)?);
        let first_version = fields.tag() != Some(VERSION);
        if !first_version {
            fields.next()?;
        }
        fields.expect(INTEGER)?; // serial number
        fields.expect(SEQUENCE)?; // signature algorithm
        let issuer = fields.expect(SEQUENCE)?;
        let validity = fields.expect(SEQUENCE)?;
        let subject = fields.expect(SEQUENCE)?;
        let public_key = fields.expect(SEQUENCE)?;
        Some(Certificate {
            issuer,
            subject,
            public_key,
            validity,
            first_version,
            rest: fields.0,
        })
    }

    /// From when to when it is valid, in seconds since 1970.
    pub(super) fn period(&self) -> Option<(u64, u64)> {
        let mut validity = Der(self.validity);
        Some((time(validity.next()?)?, time(validity.next()?)?))
    }

    pub(super) fn common_name(&self) -> Option<&'a str> {
        attribute(self.subject, COMMON_NAME)
    }

    /// What people call its issuer: the common name, or the organization.
    pub(super) fn issuer_name(&self) -> Option<&'a str> {
        attribute(self.issuer, COMMON_NAME).or_else(|| attribute(self.issuer, ORGANIZATION))
    }

    /// Whether it may sign other certificates, decided as OpenSSL does. If there is a key usage that leaves signing
    /// out, it may not. Else the basic constraints decide, if there are any. If there is neither, it may if it is
    /// self-signed and of version 1, which had no extensions. If its extensions cannot be read, it may not.
    pub(super) fn is_authority(&self) -> bool {
        let old_root = self.first_version && self.issuer == self.subject;
        let Some(Extensions { constraints, usage }) = self.extensions() else {
            return false;
        };
        match (constraints, usage.map(|bits| bits & KEY_CERT_SIGN != 0)) {
            (_, Some(false)) => false,
            (Some((authority, _)), _) => authority,
            (None, Some(true)) => true,
            (None, None) => old_root,
        }
    }

    /// How many authorities may stand between it and a server, if it says so.
    pub(super) fn path_length(&self) -> Option<usize> {
        self.extensions()?.constraints?.1
    }

    /// Whether its key may be a server's: its usage does not leave that out.
    pub(super) fn is_for_servers(&self) -> bool {
        let usage = self.extensions().map(|extensions| extensions.usage);
        usage.is_some_and(|usage| usage.is_none_or(|bits| bits & KEY_HANDSHAKE != 0))
    }

    /// `None` if they cannot be read.
    fn extensions(&self) -> Option<Extensions> {
        let (mut constraints, mut usage) = (None, None);
        let mut fields = Der(self.rest);
        let mut extensions = Der(&[]);
        while let Some((tag, field)) = fields.next() {
            // Before them there may be unique identifiers.
            if tag == EXTENSIONS {
                extensions = Der(Der(field).expect(SEQUENCE)?);
            }
        }
        while let Some((SEQUENCE, extension)) = extensions.next() {
            let mut extension = Der(extension);
            let name = extension.expect(OBJECT_IDENTIFIER)?;
            if extension.tag() == Some(BOOLEAN) {
                extension.next()?; // critical
            }
            let mut value = Der(extension.expect(OCTET_STRING)?);
            if name == BASIC_CONSTRAINTS {
                let mut value = Der(value.expect(SEQUENCE)?);
                let authority = value.tag() == Some(BOOLEAN) && value.next()?.1.first() != Some(&0);
                let length = value.expect(INTEGER).map(|bytes| match bytes {
                    [length] => usize::from(*length),
                    _ => usize::MAX,
                });
                constraints = Some((authority, length));
            } else if name == KEY_USAGE {
                // The first byte counts the bits that are unused.
                let bits = value.expect(BIT_STRING)?.get(1).copied();
                usage = Some(bits.unwrap_or(0));
            }
        }
        Some(Extensions { constraints, usage })
    }
}

/// The last attribute of this kind in the name of a subject or an issuer.
fn attribute(name: &[u8], kind: [u8; 3]) -> Option<&str> {
    let mut name = Der(name);
    let mut found = None;
    while let Some((SET, set)) = name.next() {
        let mut attribute = Der(Der(set).expect(SEQUENCE)?);
        if attribute.expect(OBJECT_IDENTIFIER)? == kind {
            let (_, value) = attribute.next()?;
            found = std::str::from_utf8(value).ok();
        }
    }
    found
}

/// The extensions that say what a certificate is for, each `None` if it is missing.
struct Extensions {
    /// Whether it may sign others, and how many of those may stand between.
    constraints: Option<(bool, Option<usize>)>,
    /// The first bits of the key usage.
    usage: Option<u8>,
}

/// DER elements (tag, length, value) that are still to be read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], mut rest) = self.0.split_first_chunk()?;
        let mut length = usize::from(first);
        if first & 0x80 != 0 {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (bytes, after) = rest.split_at_checked(count)?;
            length = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            rest = after;
        }
        let (value, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, value))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|(found, _)| *found == tag)
            .map(|(_, value)| value)
    }
}

/// `YYMMDDHHMMSSZ` (1950 to 2049) or `YYYYMMDDHHMMSSZ`.
fn time((tag, text): (u8, &[u8])) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let year: u64 = digits(text.get(..2)?)?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                &text[2..],
            )
        }
        GENERALIZED_TIME => (digits(text.get(..4)?)?, &text[4..]),
        _ => return None,
    };
    if rest.len() != 11 || !rest.ends_with('Z') {
        return None;
    }
    let part = |at: usize| digits::<u64>(rest.get(at..at + 2)?);
    let day = time::seconds(year, part(0)?, part(2)?)?;
    Some(day + part(4)? * 3600 + part(6)? * 60 + part(8)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let utc = |text: &str| time((UTC_TIME, text.as_bytes()));
        assert_eq!(utc("700101000000Z"), Some(0));
        assert_eq!(utc("261121012000Z"), Some(1_795_224_000));
        assert_eq!(
            time((GENERALIZED_TIME, b"20500101000000Z")),
            Some(2_524_608_000)
        );
        for broken in [
            "",
            "2611",
            "261321012000Z",
            "2611210120Z",
            "261121012000+",
            "+61121012000Z",
            "26+121012000Z",
            "2611210120+0Z",
            "éé1121012000Z",
        ] {
            assert_eq!(utc(broken), None, "{broken}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let shape = b"\x30\x4b\x30\x49\x02\x01\x01\x30\x00\x30\x00\
            \x30\x1e\x17\x0d700101000000Z\x17\x0d700101000001Z\
            \x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01a\x30\x00\
            \xa3\x10\x30\x0e\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30\x03\x01\x01\xff";
        let whole = Certificate::read(shape).expect("the shape of a certificate");
        assert_eq!(whole.period(), Some((0, 1)));
        assert_eq!(whole.common_name(), Some("a"));
        assert!(whole.is_authority());
        for end in 0..shape.len() {
            for value in [0, 1, 0x7f, 0x80, 0x84, 0xff] {
                let mut bytes = shape[..end].to_vec();
                bytes.push(value);
                bytes.extend_from_slice(&shape[end..]);
                for bytes in [&bytes[..], &shape[..end]] {
                    if let Some(certificate) = Certificate::read(bytes) {
                        certificate.period();
                        certificate.common_name();
                        certificate.is_authority();
                        certificate.is_for_servers();
                    }
                }
            }
        }
    }
}
