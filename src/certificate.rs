//! The few fields of an X.509 certificate that rustls does not hand out: its period of validity, its subject's
//! common name, and whether it says that it may sign others (RFC 5280, section 4, in DER).

use crate::calendar;

/// What was read; times in seconds since 1970.
#[derive(Debug, PartialEq, Eq)]
pub struct Certificate {
    pub not_before: u64,
    pub not_after: u64,
    pub common_name: Option<String>,
    /// It may sign other certificates: by its constraints, or, where it has none, by the usage of its key, or
    /// because it is self-signed and of version 1, which knew neither. As OpenSSL sees it.
    pub authority: bool,
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
const KEY_USAGE: [u8; 3] = [0x55, 0x1d, 0x0f];
const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1d, 0x13];
const KEY_CERT_SIGN: u8 = 0x04;

impl Certificate {
    /// `None` where the bytes are no certificate.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let mut certificate = Der(Der(der).expect(SEQUENCE)?);
        let mut fields = Der(certificate.expect(SEQUENCE)?);
        let first_version = fields.tag() != Some(VERSION);
        if !first_version {
            fields.next()?;
        }
        fields.expect(INTEGER)?; // serial number
        fields.expect(SEQUENCE)?; // signature algorithm
        let issuer = fields.expect(SEQUENCE)?;
        let mut validity = Der(fields.expect(SEQUENCE)?);
        let not_before = time(validity.next()?)?;
        let not_after = time(validity.next()?)?;
        let subject = fields.expect(SEQUENCE)?;
        let root_of_old = first_version && issuer == subject;
        let mut subject = Der(subject);
        let mut common_name = None;
        while let Some((SET, set)) = subject.next() {
            let mut attribute = Der(Der(set).expect(SEQUENCE)?);
            if attribute.expect(OBJECT_IDENTIFIER)? == COMMON_NAME {
                let (_, value) = attribute.next()?;
                common_name = std::str::from_utf8(value).ok().map(str::to_owned);
            }
        }
        fields.expect(SEQUENCE)?; // public key
        Some(Certificate {
            not_before,
            not_after,
            common_name,
            authority: signs_others(fields).unwrap_or(root_of_old),
        })
    }
}

/// What the extensions in the rest of a certificate say about it, if anything.
fn signs_others(mut fields: Der) -> Option<bool> {
    let extensions = loop {
        match fields.next()? {
            (EXTENSIONS, extensions) => break extensions,
            _unique_identifier => {}
        }
    };
    let (mut constraints, mut usage) = (None, None);
    let mut extensions = Der(Der(extensions).expect(SEQUENCE)?);
    while let Some((SEQUENCE, extension)) = extensions.next() {
        let mut extension = Der(extension);
        let name = extension.expect(OBJECT_IDENTIFIER)?;
        if extension.tag() == Some(BOOLEAN) {
            extension.next()?; // critical
        }
        let mut value = Der(extension.expect(OCTET_STRING)?);
        if name == BASIC_CONSTRAINTS {
            let mut value = Der(value.expect(SEQUENCE)?);
            constraints = Some(value.tag() == Some(BOOLEAN) && value.next()?.1.first() != Some(&0));
        } else if name == KEY_USAGE {
            // The first byte counts the bits that are unused.
            let bits = value.expect(BIT_STRING)?.get(1).copied();
            usage = Some(bits.unwrap_or(0) & KEY_CERT_SIGN != 0);
        }
    }
    constraints.or(usage)
}

/// Elements of tag, length, value; what is left of them.
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
            let year: u64 = text.get(..2)?.parse().ok()?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                &text[2..],
            )
        }
        GENERALIZED_TIME => (text.get(..4)?.parse().ok()?, &text[4..]),
        _ => return None,
    };
    if rest.len() != 11 || !rest.ends_with('Z') {
        return None;
    }
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u64>().ok();
    calendar::seconds(year, part(0)?, part(2)?).map(|day| {
        day + part(4).unwrap_or(0) * 3600 + part(6).unwrap_or(0) * 60 + part(8).unwrap_or(0)
    })
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
            "éé1121012000Z",
        ] {
            assert_eq!(utc(broken), None, "{broken}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let shape =
            b"\x30\x1a\x30\x18\x02\x01\x01\x30\x00\x30\x00\x30\x0f\x17\x0d700101000000Z\x17";
        for end in 0..shape.len() {
            for value in [0, 1, 0x7f, 0x80, 0x84, 0xff] {
                let mut bytes = shape[..end].to_vec();
                bytes.push(value);
                bytes.extend_from_slice(&shape[end..]);
                Certificate::read(&bytes);
                Certificate::read(&shape[..end]);
            }
        }
    }
}
