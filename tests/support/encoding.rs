//! The small encodings that servers read and write: base64, percent-encoding, HTML text, HTTP dates.
//!
//! Written here and not borrowed from the program, so that they can catch it. Decoders are strict: what is not
//! well-formed is `None`, never a guess.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0u32, |group, byte| group << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = ALPHABET[(group >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() {
                '='
            } else {
                char::from(digit)
            });
        }
    }
    text
}

/// The bytes behind a base64 text, if it is exactly what [`base64`] would have written for them.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let (mut bytes, mut group, mut bits) = (Vec::new(), 0u32, 0);
    for digit in digits.bytes() {
        group =
            group << 6 | u32::try_from(ALPHABET.iter().position(|known| *known == digit)?).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((group >> bits & 255) as u8);
        }
    }
    (base64(&bytes) == text).then_some(bytes)
}

/// Decodes one path segment or query value. `plus` says whether `+` means a space, as it does in queries and forms.
pub fn percent_decode(text: &str, plus: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                (high * 16 + low) as u8
            }
            b'+' if plus => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Encodes everything but the unreserved characters.
pub fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// The pairs of a query or of an URL-encoded form; `None` where one of them is not well-formed.
pub fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let given = text.split('&').filter(|pair| !pair.is_empty());
    given
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((percent_decode(name, true)?, percent_decode(value, true)?))
        })
        .collect()
}

/// Text as HTML, safe in an attribute too.
pub fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// In seconds.
pub const DAY: u64 = 86_400;

/// The time since 1970 by this machine's clock.
pub fn now() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970")
}

/// A point in time, in seconds since 1970, as HTTP writes it: `Thu, 01 Jan 2015 00:00:00 GMT`.
pub fn http_date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (days, time) = (seconds / DAY, seconds % DAY);
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(leap(year)) {
        left -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while left >= lengths[month] {
        left -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let (name, month, day) = (DAYS[(days % 7) as usize], MONTHS[month], left + 1);
    format!("{name}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[test]
fn base64_goes_both_ways_and_refuses_what_is_not_canonical() {
    for (bytes, text) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("robot:secret", "cm9ib3Q6c2VjcmV0"),
    ] {
        assert_eq!(base64(bytes.as_bytes()), text);
        assert_eq!(from_base64(text).as_deref(), Some(bytes.as_bytes()));
    }
    for text in ["Zg", "Zg=", "Zh==", "Zm8", "Zm9v=", "Z g=", "Zm9v\n"] {
        assert_eq!(from_base64(text), None, "{text:?}");
    }
}

#[test]
fn percent_decoding_is_strict_and_knows_where_a_plus_is_a_space() {
    assert_eq!(
        percent_decode("a%20b+c%2B%C3%BC", true).as_deref(),
        Some("a b c+ü")
    );
    assert_eq!(percent_decode("a+b", false).as_deref(), Some("a+b"));
    for text in ["%", "%2", "%zz", "%ff"] {
        assert_eq!(percent_decode(text, true), None, "{text}");
    }
    assert_eq!(percent_encode("a b+ü&~"), "a%20b%2B%C3%BC%26~");
}

#[test]
fn dates_are_written_as_http_wants_them() {
    assert_eq!(http_date(1_420_070_400), "Thu, 01 Jan 2015 00:00:00 GMT");
    assert_eq!(http_date(951_827_696), "Tue, 29 Feb 2000 12:34:56 GMT");
    assert_eq!(http_date(1_735_689_599), "Tue, 31 Dec 2024 23:59:59 GMT");
}
