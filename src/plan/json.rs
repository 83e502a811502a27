//! Why a text is not JSON, in words for whoever typed it. Pure. Nothing of the text is repeated but punctuation
//! and a few well-known words: it may hold a secret in the wrong place.

use std::borrow::Cow;

/// What is wrong with a text, where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// From 1, as is the column, which counts characters.
    pub line: usize,
    pub column: usize,
    pub what: Cow<'static, str>,
    pub hint: Option<&'static str>,
}

/// The first mistake of a text; none in JSON. The nesting is kept in a list, so that no text is too deep.
pub fn mistake(text: &str) -> Option<Mistake> {
    let scanner = Scanner {
        text,
        at: 0,
        open: Vec::new(),
        last: 0..0,
    };
    let Slip { at, what, hint } = scanner.whole().err()?;
    let (line, column) = position(text, at);
    Some(Mistake {
        line,
        column,
        what,
        hint,
    })
}

fn position(text: &str, at: usize) -> (usize, usize) {
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = text[..at].matches('\n').count() + 1;
    (line, text[begin..at].chars().count() + 1)
}

/// A mistake by its offset.
struct Slip {
    at: usize,
    what: Cow<'static, str>,
    hint: Option<&'static str>,
}

fn slip(at: usize, what: impl Into<Cow<'static, str>>) -> Slip {
    Slip {
        at,
        what: what.into(),
        hint: None,
    }
}

impl Slip {
    fn hint(self, hint: &'static str) -> Slip {
        Slip {
            hint: Some(hint),
            ..self
        }
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The brackets that are open, by their offsets.
    open: Vec<usize>,
    /// The last word, string or sign that was read.
    last: std::ops::Range<usize>,
}

/// What must come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    Key,
    Colon,
    /// Or the end of what is open.
    Comma,
}

impl Scanner<'_> {
    fn whole(mut self) -> Result<(), Slip> {
        let mut next = Next::Value;
        loop {
            let rest = &self.text[self.at..];
            let blank = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            self.at += rest.len() - blank.len();
            let Some(c) = blank.chars().next() else {
                return self.end(next);
            };
            next = match (next, c) {
                (Next::Value, '{') => self.opens(Next::Key),
                (Next::Value, '[') => self.opens(Next::Value),
                (_, '}' | ']') => self.closes(c, next)?,
                (Next::Value, '"') => self.string(Next::Comma)?,
                (Next::Key, '"') => self.string(Next::Colon)?,
                (Next::Colon, ':') => self.sign(Next::Value),
                (Next::Comma, ',') if !self.open.is_empty() => self.sign(match self.opener() {
                    Some('{') => Next::Key,
                    _ => Next::Value,
                }),
                (Next::Value, c) if c.is_alphanumeric() || "+-._".contains(c) => self.word()?,
                (next, c) => return Err(self.stranger(next, c)),
            };
        }
    }

    fn end(&self, next: Next) -> Result<(), Slip> {
        let Some(open) = self.open.last() else {
            return match next {
                Next::Comma => Ok(()),
                _ => Err(slip(self.at, "there is nothing in it")),
            };
        };
        let (sign, (line, _)) = (&self.text[*open..=*open], position(self.text, *open));
        Err(slip(
            self.at,
            format!("it ends before the \"{sign}\" of line {line} is closed"),
        ))
    }

    fn opener(&self) -> Option<char> {
        self.text[*self.open.last()?..].chars().next()
    }

    fn before(&self) -> &str {
        &self.text[self.last.clone()]
    }

    fn take(&mut self, length: usize) {
        self.last = self.at..self.at + length;
        self.at += length;
    }

    fn sign(&mut self, next: Next) -> Next {
        self.take(1);
        next
    }

    fn opens(&mut self, next: Next) -> Next {
        self.open.push(self.at);
        self.sign(next)
    }

    fn closes(&mut self, c: char, next: Next) -> Result<Next, Slip> {
        let Some(open) = self.open.last() else {
            return Err(slip(self.at, format!("there is a \"{c}\" too many")));
        };
        match (self.before(), next) {
            (",", _) => {
                return Err(
                    slip(self.last.start, format!("a trailing comma before \"{c}\""))
                        .hint("remove the comma after the last entry"),
                );
            }
            (":", _) => return Err(slip(self.last.end, "a value is missing after the colon")),
            (_, Next::Colon) => {
                return Err(slip(self.last.end, "a colon is missing after the key"));
            }
            _ => {}
        }
        let (opener, closer) = match self.opener() {
            Some('{') => ('{', '}'),
            _ => ('[', ']'),
        };
        if c != closer {
            let (line, _) = position(self.text, *open);
            return Err(slip(
                self.at,
                format!("\"{c}\" stands where the \"{opener}\" of line {line} needs \"{closer}\""),
            ));
        }
        self.open.pop();
        Ok(self.sign(Next::Comma))
    }

    fn string(&mut self, next: Next) -> Result<Next, Slip> {
        let begin = self.at;
        let mut rest = self.text[begin..].char_indices().skip(1);
        while let Some((at, c)) = rest.next() {
            let at = begin + at;
            match c {
                '"' => {
                    self.take(at + 1 - begin);
                    return Ok(next);
                }
                '\\' => {
                    let (_, escape) = rest.next().unwrap_or_default();
                    let digits = self.text.as_bytes().get(at + 2..at + 6);
                    let hex = digits.is_some_and(|four| four.iter().all(u8::is_ascii_hexdigit));
                    if !("\"\\/bfnrt".contains(escape) || escape == 'u' && hex) {
                        return Err(slip(at, "a backslash that begins no escape")
                            .hint("write it twice, or use / in a path"));
                    }
                }
                '\n' | '\r' => return Err(unclosed(begin)),
                '\t' => {
                    return Err(slip(at, "an unescaped tab in a string").hint("write it as \\t"));
                }
                c if c < ' ' => {
                    return Err(slip(
                        at,
                        format!(
                            "an unescaped control character U+{:04X} in a string",
                            c as u32
                        ),
                    ));
                }
                _ => {}
            }
        }
        Err(unclosed(begin))
    }

    /// A number or a constant.
    fn word(&mut self) -> Result<Next, Slip> {
        let rest = &self.text[self.at..];
        let part = |c: char| c.is_alphanumeric() || "+-._".contains(c);
        let word = rest.split(|c| !part(c)).next().unwrap_or_default();
        if ["true", "false", "null"].contains(&word) || is_number(word) {
            self.take(word.len());
            return Ok(Next::Comma);
        }
        if let "NaN" | "Infinity" | "-Infinity" = word {
            return Err(slip(self.at, format!("{word} is not a number in JSON")));
        }
        for (meant, others) in [
            ("true", &["True", "TRUE", "yes"][..]),
            ("false", &["False", "FALSE", "no"]),
            ("null", &["None", "NULL", "Null", "nil", "undefined"]),
        ] {
            if others.contains(&word) {
                return Err(slip(self.at, format!("{word} is written {meant} in JSON")));
            }
        }
        let digits = word.trim_start_matches(['+', '-', '.']);
        Err(match digits.starts_with(|c: char| c.is_ascii_digit()) {
            true => slip(self.at, "a number that JSON writes in another way")
                .hint("no leading zero, no plus sign, digits on both sides of the point; or put it in quotes"),
            false => slip(self.at, "a text without double quotes"),
        })
    }

    /// Something that cannot stand here.
    fn stranger(&self, next: Next, c: char) -> Slip {
        let rest = &self.text[self.at..];
        if c == '#' || rest.starts_with("//") || rest.starts_with("/*") {
            return slip(self.at, "a comment, and JSON has none").hint("remove it");
        }
        if c == '\u{feff}' {
            return slip(self.at, "a byte order mark in the middle")
                .hint("remove it; a file that was made of several has one at each seam");
        }
        // "robot"s", or "robot, "user": a string ended where it was not meant to.
        let glued = self.before().ends_with('"') && self.last.end == self.at;
        if matches!(next, Next::Comma | Next::Colon) && glued && c.is_alphanumeric() {
            return slip(
                self.last.start,
                "a quote is missing at the end of this string, or one is too many in it",
            )
            .hint("a quote inside a string is written \\\"");
        }
        if self.open.is_empty() && next == Next::Comma {
            return slip(self.at, "more text after its end");
        }
        match (next, c) {
            (Next::Value | Next::Key, '\'') => {
                slip(self.at, "single quotes, and JSON has double ones")
            }
            (Next::Value | Next::Key, '“' | '”' | '„' | '‘' | '’' | '«' | '»') => {
                slip(self.at, "typographic quotes, and JSON has straight ones")
            }
            (Next::Value | Next::Key, ',') if self.before() == ":" => {
                slip(self.last.end, "a value is missing after the colon")
            }
            (Next::Value | Next::Key, ',') => slip(self.at, "a comma too many"),
            (Next::Key, c) if c.is_alphanumeric() || "_-".contains(c) => {
                slip(self.at, "a key without double quotes")
            }
            (Next::Key, '{' | '[') => slip(self.at, "a key is missing before this value"),
            (Next::Colon, _) => slip(self.last.end, "a colon is missing after the key"),
            (Next::Comma, c) if c.is_alphanumeric() || "\"'{[-“”„".contains(c) => {
                slip(self.last.end, "a comma is missing")
            }
            (_, c) if c.is_ascii_graphic() => slip(self.at, format!("\"{c}\" has no place here")),
            (_, c) => slip(
                self.at,
                format!("the character U+{:04X} has no place here", c as u32),
            ),
        }
    }
}

fn unclosed(at: usize) -> Slip {
    slip(at, "a string that is not closed on its line")
        .hint("close it with \"; a line end in a string is written \\n")
}

/// `-1.5e+3`
fn is_number(word: &str) -> bool {
    let word = word.strip_prefix('-').unwrap_or(word);
    let (number, exponent) = match word.split_once(['e', 'E']) {
        Some((number, exponent)) => (
            number,
            exponent.strip_prefix(['+', '-']).unwrap_or(exponent),
        ),
        None => (word, "0"),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let zero = whole.len() > 1 && whole.starts_with('0');
    digits(whole) && !zero && digits(part) && digits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    const NUMBER: &str = "a number that JSON writes in another way";
    const UNCLOSED: &str = "a string that is not closed on its line";
    const GLUED: &str = "a quote is missing at the end of this string, or one is too many in it";

    /// A text, and the line and column where it has this mistake.
    #[rustfmt::skip] // a table
    const TYPED: &[(&str, usize, usize, &str)] = &[
        // commas
        (r#"{"a": 1,}"#, 1, 8, "a trailing comma before \"}\""),
        ("[\n  1,\n  2,\n]", 3, 4, "a trailing comma before \"]\""),
        ("[1,}", 1, 3, "a trailing comma before \"}\""),
        ("[1,,2]", 1, 4, "a comma too many"),
        ("[,1]", 1, 2, "a comma too many"),
        (r#"{,"a": 1}"#, 1, 2, "a comma too many"),
        (r#"{"a": 1,, "b": 2}"#, 1, 9, "a comma too many"),
        ("{\"a\": 1\n \"b\": 2}", 1, 8, "a comma is missing"),
        ("[{}\n{}]", 1, 4, "a comma is missing"),
        ("[1 2]", 1, 3, "a comma is missing"),
        (r#"["a" "b"]"#, 1, 5, "a comma is missing"),
        ("[true false]", 1, 6, "a comma is missing"),
        ("[1; 2]", 1, 3, "\";\" has no place here"),
        // colons
        (r#"{"a" 1}"#, 1, 5, "a colon is missing after the key"),
        (r#"{"a" = 1}"#, 1, 5, "a colon is missing after the key"),
        (r#"{"a", "b"}"#, 1, 5, "a colon is missing after the key"),
        (r#"{"a"}"#, 1, 5, "a colon is missing after the key"),
        (r#"{"a": }"#, 1, 6, "a value is missing after the colon"),
        (r#"{"a": , "b": 1}"#, 1, 6, "a value is missing after the colon"),
        (r#"{"a":: 1}"#, 1, 6, "\":\" has no place here"),
        (r#"["a": 1]"#, 1, 5, "\":\" has no place here"),
        // quotes
        ("{\"a\": \"robot,\n \"b\": 1}", 1, 7, UNCLOSED),
        ("{\"a\": \"robot", 1, 7, UNCLOSED),
        ("{\"a", 1, 2, UNCLOSED),
        ("\"\\\"", 1, 1, UNCLOSED),
        (r#"{"a": "robot, "b": 1}"#, 1, 7, GLUED),
        (r#"{"a: 1, "b": 2}"#, 1, 2, GLUED),
        (r#"{"a": "the "best" bot"}"#, 1, 7, GLUED),
        ("{a: 1}", 1, 2, "a key without double quotes"),
        ("{1: 1}", 1, 2, "a key without double quotes"),
        (r#"{a": 1}"#, 1, 2, "a key without double quotes"),
        (r#"{"a": robot}"#, 1, 7, "a text without double quotes"),
        (r#"{"a": robot"}"#, 1, 7, "a text without double quotes"),
        ("{'a': 1}", 1, 2, "single quotes, and JSON has double ones"),
        ("['a']", 1, 2, "single quotes, and JSON has double ones"),
        ("{“a”: 1}", 1, 2, "typographic quotes, and JSON has straight ones"),
        // comments and other languages
        ("// robots\n[]", 1, 1, "a comment, and JSON has none"),
        ("[1, /* 2 */ 3]", 1, 5, "a comment, and JSON has none"),
        ("[\n1 # one\n]", 2, 3, "a comment, and JSON has none"),
        ("[] // the end", 1, 4, "a comment, and JSON has none"),
        ("[NaN]", 1, 2, "NaN is not a number in JSON"),
        ("[-Infinity]", 1, 2, "-Infinity is not a number in JSON"),
        (r#"{"reset": True}"#, 1, 11, "True is written true in JSON"),
        (r#"{"reset": no}"#, 1, 11, "no is written false in JSON"),
        (r#"{"icon_id": None}"#, 1, 13, "None is written null in JSON"),
        ("servers: {}", 1, 1, "a text without double quotes"),
        ("<html>", 1, 1, "\"<\" has no place here"),
        // numbers
        ("[007]", 1, 2, NUMBER),
        ("[+1]", 1, 2, NUMBER),
        ("[.5]", 1, 2, NUMBER),
        ("[1.]", 1, 2, NUMBER),
        ("[0x10]", 1, 2, NUMBER),
        ("[1_000]", 1, 2, NUMBER),
        ("[1e]", 1, 2, NUMBER),
        ("[2132a]", 1, 2, NUMBER),
        ("[-]", 1, 2, "a text without double quotes"),
        // inside strings
        ("[\"a\tb\"]", 1, 4, "an unescaped tab in a string"),
        ("[\"a\u{1b}b\"]", 1, 4, "an unescaped control character U+001B in a string"),
        ("[\"a\r\nb\"]", 1, 2, UNCLOSED),
        (r#"["..\faces\a.png"]"#, 1, 11, "a backslash that begins no escape"),
        (r#"["\u12g4"]"#, 1, 3, "a backslash that begins no escape"),
        (r#"["\u12"#, 1, 3, "a backslash that begins no escape"),
        (r#"["\"#, 1, 3, "a backslash that begins no escape"),
        // the end
        ("", 1, 1, "there is nothing in it"),
        (" \n\n", 3, 1, "there is nothing in it"),
        ("{", 1, 2, "it ends before the \"{\" of line 1 is closed"),
        ("{\n\"a\": [\n1,\n", 4, 1, "it ends before the \"[\" of line 2 is closed"),
        (r#"{"a""#, 1, 5, "it ends before the \"{\" of line 1 is closed"),
        ("{} {}", 1, 4, "more text after its end"),
        ("{}\n,", 2, 1, "more text after its end"),
        ("1 2", 1, 3, "more text after its end"),
        ("{}\u{feff}{}", 1, 3, "a byte order mark in the middle"),
        // brackets
        ("{}}", 1, 3, "there is a \"}\" too many"),
        ("[]\n]", 2, 1, "there is a \"]\" too many"),
        ("]", 1, 1, "there is a \"]\" too many"),
        ("[\n1\n}", 3, 1, "\"}\" stands where the \"[\" of line 1 needs \"]\""),
        ("{]", 1, 2, "\"]\" stands where the \"{\" of line 1 needs \"}\""),
        ("{\"a\": [{\"b\": 1]}", 1, 15, "\"]\" stands where the \"{\" of line 1 needs \"}\""),
        ("{{}}", 1, 2, "a key is missing before this value"),
        // what nobody sees
        ("[1,\u{a0}2]", 1, 4, "the character U+00A0 has no place here"),
        ("[1,\u{200b}]", 1, 4, "the character U+200B has no place here"),
        ("[ü]", 1, 2, "a text without double quotes"),
    ];

    #[test]
    fn what_people_type_is_called_by_its_name() {
        for (text, line, column, what) in TYPED {
            let found = mistake(text).map(|found| (found.line, found.column, found.what));
            assert_eq!(found, Some((*line, *column, (*what).into())), "{text}");
        }
    }

    /// Against an independent reader: every text that is one slip away from a manifest, and some that are two.
    #[test]
    fn a_text_has_a_mistake_if_it_is_not_json() {
        let text = "{\"s\": {\"a\": {\"u\": \"h\\u00fc\\n/\\\\\"}},\r\n\t\"b\": [-1.50e+07, 0, true, null, [], {}]}";
        let agree = |text: &str| {
            let json = serde_json::from_str::<&RawValue>(text).is_ok();
            assert_eq!(mistake(text).is_none(), json, "{text}");
        };
        agree(text);
        let signs: Vec<char> = "{}[]\",:'\\/#ue0159.-+tn \n\t\u{b}\u{7f}\u{a0}ü"
            .chars()
            .collect();
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for at in places {
            let (before, after) = text.split_at(at);
            let mut rest = after.chars();
            rest.next();
            let without = format!("{before}{}", rest.as_str());
            agree(before);
            agree(after);
            agree(&without);
            for sign in &signs {
                agree(&format!("{before}{sign}{after}"));
                agree(&format!("{before}{sign}{}", rest.as_str()));
                for other in &signs {
                    agree(&format!("{before}{sign}{other}{}", rest.as_str()));
                }
            }
        }
    }

    #[test]
    fn no_text_is_too_deep() {
        let deep = "[".repeat(200_000);
        let found = mistake(&deep).expect("it is not closed");
        assert_eq!((found.line, found.column), (1, 200_001));
        assert_eq!(mistake(&format!("{deep}{}", "]".repeat(200_000))), None);
    }
}
