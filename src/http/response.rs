//! An answer, and what any reader may ask of it. What it means to a system is said in that system's room.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use super::limits::RateLimit;
use crate::number::digits;
use crate::picture::header::Flaw;
use crate::picture::received::Image;
use crate::terminal::MESSAGE;

/// An answer: its status, its headers, and its body up to a bound.
pub struct Response {
    pub status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// The body was longer than what is read of one, and ends early.
    pub(super) cut: bool,
    /// What `note` gives.
    pub(super) note: String,
}

impl Response {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// All headers of that name, in any case.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// What became of repeating the call, as the end of a message; empty if it was not repeated.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Why the call may be made again after this answer, in words.
    pub(super) fn why_busy(&self) -> String {
        match self.status {
            429 => "too many requests".to_owned(),
            // A system's own way of saying it, with a status of any kind.
            _ if self.start().to_lowercase().contains("too many requests") => {
                "too many requests".to_owned()
            }
            status @ (502 | 504) => format!("a gateway answered {status} for the server"),
            status @ 500.. => format!("the server is not available ({status})"),
            _ => "the server is busy".to_owned(),
        }
    }

    pub fn success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What its headers say about the calls that are left.
    pub(super) fn rate_limit(&self) -> RateLimit<'_> {
        RateLimit {
            date: self.header("date"),
            retry_after: self.header("retry-after"),
            remaining: self.header("x-ratelimit-remaining"),
            reset: self.header("x-ratelimit-reset"),
            interval: self.header("x-ratelimit-interval-seconds"),
        }
    }

    pub fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status)
    }

    pub fn is_empty(&self) -> bool {
        self.body.iter().all(u8::is_ascii_whitespace)
    }

    /// Whether the body is JSON as these systems send it, whatever its header says.
    pub(super) fn is_json(&self) -> bool {
        self.text().trim_ascii_start().starts_with(b"{")
    }

    pub fn is_html(&self) -> bool {
        let declared = self
            .header("content-type")
            .is_some_and(|value| value.to_ascii_lowercase().starts_with("text/html"));
        let start = self.start().to_ascii_lowercase();
        declared && !start.starts_with('{')
            || start.starts_with("<!doctype")
            || start.starts_with("<html")
    }

    /// The body as JSON of this shape.
    ///
    /// Errors: what it is instead, as the end of a sentence.
    pub fn json<T: DeserializeOwned>(&self) -> std::result::Result<T, &'static str> {
        serde_json::from_slice(self.object()?).map_err(|error| match error.classify() {
            Category::Eof => "JSON that is cut off",
            Category::Data => "JSON of another shape",
            Category::Syntax | Category::Io => "something that is not JSON",
        })
    }

    /// The body, if it may be an object in JSON, whatever its shape.
    ///
    /// Errors: as `json`.
    fn object(&self) -> std::result::Result<&[u8], &'static str> {
        if self.is_empty() {
            return Err("an empty body");
        }
        if self.cut {
            return Err("a longer answer than this call ever gives");
        }
        let encoding = self.header("content-encoding").unwrap_or("identity");
        if !encoding.eq_ignore_ascii_case("identity") {
            return Err("a compressed body that nobody asked for");
        }
        let bytes = self.text();
        // No answer of these systems is anything but an object, and serde would take a list for one.
        match bytes.trim_ascii_start().first() {
            Some(b'{') => Ok(bytes),
            _ if self.is_html() => Err("an HTML page"),
            _ => Err(match serde_json::from_slice::<IgnoredAny>(bytes) {
                Ok(_) => "JSON of another shape",
                Err(_) => "something that is not JSON",
            }),
        }
    }

    /// Takes the body as a picture, which its bytes tell and nothing that was said of them.
    ///
    /// Errors: what is wrong with the body, as it follows on `the body`.
    pub fn picture(&mut self) -> std::result::Result<Image, String> {
        let announced = self.header("content-length").and_then(digits::<usize>);
        if self.cut {
            return Err(format!("is longer than {} MiB", self.body.len() >> 20));
        }
        if announced.is_some_and(|length| length != self.body.len()) {
            return Err("is not as long as was announced".to_owned());
        }
        match Image::read(&mut self.body) {
            Ok(image) => Ok(image),
            Err(Flaw::Unknown) if self.is_html() => Err("is an HTML page".to_owned()),
            Err(Flaw::Unknown) => Err("is no picture".to_owned()),
            Err(flaw) => Err(flaw.to_string()),
        }
    }

    /// Whether the beginning of the body contains this, whatever its type.
    pub fn mentions(&self, text: &str) -> bool {
        self.start().contains(text)
    }

    /// Whether the whole body contains this, whatever its type.
    pub fn contains(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(text)
    }

    /// The first line of the body, if that is plain text. A word that the end of a body cut off is left out: a
    /// secret of which a part is missing would not be recognised any more.
    pub fn plain(&self) -> Option<String> {
        let plain =
            !self.is_empty() && !self.is_html() && !self.start().starts_with(['{', '[', '<']);
        let text = String::from_utf8_lossy(&self.body);
        let line = text.trim_start_matches(blank).lines().next()?;
        let whole = match self.cut {
            true => line.rsplit_once(char::is_whitespace)?.0,
            false => line,
        };
        plain.then(|| whole.to_owned())
    }

    /// The body without a byte order mark.
    fn text(&self) -> &[u8] {
        let body = &self.body;
        body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
    }

    /// The beginning of the body without leading blanks, as much of it as a message can hold.
    fn start(&self) -> String {
        let start = self.body.get(..4 * MESSAGE).unwrap_or(&self.body);
        String::from_utf8_lossy(start)
            .trim_start_matches(blank)
            .to_owned()
    }
}

fn blank(c: char) -> bool {
    c == '\u{feff}' || c.is_whitespace()
}
