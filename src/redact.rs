//! Finds secrets in what servers say, and takes them out. Servers repeat what they were sent, and seldom as it was: in
//! a URL, in JSON, on a page, as base64. In the searched text every byte of a secret may be escaped in any of these
//! ways, also in several at once. Encodings that change more than single bytes (hexadecimal digits, base64) are
//! searched for as texts of their own.

use std::collections::VecDeque;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// What stands in the place of a secret.
pub const REDACTED: &str = "(redacted)";

/// A secret of at least so many characters cannot be mistaken for a word or a name.
const UNMISTAKABLE: usize = 12;
/// A secret of fewer characters is not redacted: it would blot out ordinary words, even of a refusal.
const SHORTEST: usize = 3;
/// So many passing secrets at least are remembered; one address has a dozen at most in practice.
const PASSING: usize = 48;

/// In which texts of a server a secret is redacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// What a server says with a failure, and its headers.
    Refusals,
    /// Whatever a server says, also names and ids in good answers. If the secret is so short that it may be mistaken
    /// for one of those (`UNMISTAKABLE`), good answers are left as they are all the same.
    Answers,
}

/// The secrets of one client.
#[derive(Default)]
pub struct Redactor {
    lasting: Vec<Known>,
    /// Those of the latest accounts and requests.
    passing: VecDeque<Known>,
    /// The spellings of all of them, indexed by their first byte.
    starts: Vec<Vec<Spelling>>,
}

struct Known {
    text: String,
    scope: Scope,
}

/// A text to look for.
#[derive(Clone)]
struct Spelling {
    bytes: Vec<u8>,
    scope: Scope,
    /// The secret cannot be mistaken for anything else, in whatever case its letters are.
    unmistakable: bool,
    any_case: bool,
    /// Base64, which may end in padding (`=`).
    padded: bool,
}

impl Redactor {
    /// Redacts this secret from now on.
    pub fn keep(&mut self, text: &str, scope: Scope) {
        let known = |known: &Known| known.text == text && known.scope >= scope;
        if text.chars().count() >= SHORTEST && !self.lasting.iter().any(known) {
            self.add(text, scope);
            self.lasting.push(Known::new(text, scope));
        }
    }

    /// Redacts a secret of one account or request for a while. A batch has thousands of them: only the latest are
    /// remembered.
    pub fn pass(&mut self, text: &str, scope: Scope) {
        let same = |known: &Known| known.text == text && known.scope >= scope;
        if text.chars().count() < SHORTEST || self.lasting.iter().any(same) {
            return;
        }
        if let Some(at) = self.passing.iter().position(same) {
            let again = self.passing.remove(at);
            return self.passing.extend(again);
        }
        self.add(text, scope);
        self.passing.push_back(Known::new(text, scope));
        // All the old ones at once: what is left must be arranged anew.
        if self.passing.len() > 2 * PASSING {
            self.passing.drain(..PASSING);
            self.starts.clear();
            let (lasting, passing) = (
                std::mem::take(&mut self.lasting),
                std::mem::take(&mut self.passing),
            );
            for known in lasting.iter().chain(&passing) {
                self.add(&known.text, known.scope);
            }
            (self.lasting, self.passing) = (lasting, passing);
        }
    }

    fn add(&mut self, text: &str, scope: Scope) {
        self.starts.resize_with(256, Vec::new);
        for spelling in spellings(text, scope) {
            let first = spelling.bytes[0];
            if spelling.any_case && first.is_ascii_alphabetic() {
                self.starts[usize::from(first ^ 0x20)].push(spelling.clone());
            }
            self.starts[usize::from(first)].push(spelling);
        }
    }

    /// A text that a server gives with a failure, without any secret.
    pub fn refusal(&self, text: &str) -> String {
        self.without(text, |_| true)
    }

    /// A name or another value without the secrets that cannot be mistaken for one.
    pub fn value(&self, text: &str) -> String {
        self.without(text, |spelling| spelling.unmistakable)
    }

    fn without(&self, text: &str, wanted: impl Fn(&Spelling) -> bool) -> String {
        match self.replaced(text.as_bytes(), wanted) {
            None => text.to_owned(),
            Some(plain) => String::from_utf8_lossy(&plain).into_owned(),
        }
    }

    /// The JSON of a good answer without secrets; `None` if there are none in it. It is searched as bytes: if a cut
    /// falls into an escape, the result is not JSON, and its reader says so as of any broken answer.
    pub fn answer(&self, json: &[u8]) -> Option<Vec<u8>> {
        let wanted =
            |spelling: &Spelling| spelling.unmistakable && spelling.scope == Scope::Answers;
        self.replaced(json, wanted)
    }

    fn replaced(&self, text: &[u8], wanted: impl Fn(&Spelling) -> bool) -> Option<Vec<u8>> {
        let (mut plain, mut rest, mut end) = (Vec::new(), 0, 0);
        if self.starts.is_empty() {
            return None;
        }
        for at in 0..text.len() {
            let Some(to) = self.longest(text, at, &wanted) else {
                continue;
            };
            // What overlaps is one.
            if at >= end {
                plain.extend(&text[rest..at]);
                plain.extend(REDACTED.as_bytes());
            }
            end = end.max(to);
            rest = end;
        }
        (end > 0).then(|| {
            plain.extend(&text[rest..]);
            plain
        })
    }

    /// Where the longest spelling ends that begins at this place.
    fn longest(&self, text: &[u8], at: usize, wanted: impl Fn(&Spelling) -> bool) -> Option<usize> {
        let fitting = |first: u8| {
            let begin = self.starts[usize::from(first)].iter();
            let fitting =
                begin.filter_map(|spelling| spelling.end(text, at).filter(|_| wanted(spelling)));
            fitting.max()
        };
        match introduces(text[at]) {
            false => fitting(text[at]),
            true => units(text, at)
                .iter()
                .filter_map(|unit| fitting(unit.bytes[0]))
                .max(),
        }
    }
}

impl Known {
    fn new(text: &str, scope: Scope) -> Known {
        Known {
            text: text.to_owned(),
            scope,
        }
    }
}

/// A secret as it is, in hexadecimal digits, and in both alphabets of base64.
fn spellings(text: &str, scope: Scope) -> Vec<Spelling> {
    let unmistakable = text.chars().count() >= UNMISTAKABLE;
    let spelling = |text: String| Spelling {
        bytes: text.into_bytes(),
        scope,
        unmistakable,
        any_case: false,
        padded: false,
    };
    let digits = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut spellings = vec![
        Spelling {
            any_case: unmistakable,
            ..spelling(text.to_owned())
        },
        Spelling {
            any_case: true,
            ..spelling(digits)
        },
    ];
    let (usual, for_urls) = (
        BASE64_STANDARD_NO_PAD.encode(text),
        BASE64_URL_SAFE_NO_PAD.encode(text),
    );
    if usual != for_urls {
        spellings.push(Spelling {
            padded: true,
            ..spelling(for_urls)
        });
    }
    spellings.push(Spelling {
        padded: true,
        ..spelling(usual)
    });
    spellings
}

impl Spelling {
    /// Where this spelling ends, if it begins at this place.
    fn end(&self, text: &[u8], at: usize) -> Option<usize> {
        // Straight on, as long as nothing is escaped.
        for (length, byte) in self.bytes.iter().enumerate() {
            match text.get(at + length) {
                Some(found) if introduces(*found) => {
                    return self.end_of_escaped(text, at + length, length);
                }
                Some(found) if self.same(*byte, *found) => {}
                _ => return None,
            }
        }
        Some(self.padding(text, at + self.bytes.len()))
    }

    /// The same from a byte on that may stand for itself or begin an escape: the escape is tried first. If there are
    /// too many meanings to try them all, the text was made to have them, and is redacted as far as it was read.
    fn end_of_escaped(&self, text: &[u8], at: usize, length: usize) -> Option<usize> {
        let (mut paths, mut tries, mut furthest) =
            (vec![(at, length)], TRIES * self.bytes.len(), at);
        while let Some((at, length)) = paths.pop() {
            furthest = furthest.max(at);
            if length == self.bytes.len() {
                return Some(self.padding(text, at));
            }
            tries -= 1;
            if tries == 0 {
                return Some(furthest);
            }
            for unit in units(text, at) {
                let rest = &self.bytes[length..];
                let mut pairs = rest.iter().zip(unit.bytes());
                if rest.len() >= unit.length && pairs.all(|(byte, found)| self.same(*byte, *found))
                {
                    paths.push((unit.end, length + unit.length));
                }
            }
        }
        None
    }

    fn same(&self, byte: u8, found: u8) -> bool {
        byte == found || self.any_case && byte.eq_ignore_ascii_case(&found)
    }

    fn padding(&self, text: &[u8], mut at: usize) -> usize {
        for _ in 0..2 {
            let sign = units(text, at)
                .into_iter()
                .find(|unit| unit.bytes() == b"=");
            match sign {
                Some(sign) if self.padded => at = sign.end,
                _ => break,
            }
        }
        at
    }
}

/// One meaning of a place in a text: the bytes it stands for, and where the next place begins.
struct Unit {
    bytes: [u8; 4],
    length: usize,
    end: usize,
}

impl Unit {
    fn of(c: char, end: usize) -> Unit {
        let mut bytes = [0; 4];
        let length = c.encode_utf8(&mut bytes).len();
        Unit { bytes, length, end }
    }

    fn byte(byte: u8, end: usize) -> Unit {
        Unit {
            bytes: [byte, 0, 0, 0],
            length: 1,
            end,
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Whether an escape may begin with this byte: in a URL, on a page, in JSON, in a form.
fn introduces(byte: u8) -> bool {
    matches!(byte, b'%' | b'&' | b'\\' | b'+')
}

/// How many meanings of one place are looked at: an escape may stand for a byte that begins another escape.
const MEANINGS: usize = 4;
/// How deep escapes may be nested, as in `%26lt%3B`, where the semicolon of an entity is escaped.
const DEEPEST: usize = 1;
/// How many meanings of a text are tried for each byte of a secret.
const TRIES: usize = 8;

/// What the text may stand for here: the byte that is there, what it escapes, and what that escapes in turn.
fn units(text: &[u8], at: usize) -> Vec<Unit> {
    meanings(text, at, DEEPEST)
}

fn meanings(text: &[u8], at: usize, depth: usize) -> Vec<Unit> {
    let mut units: Vec<Unit> = text
        .get(at)
        .map(|byte| Unit::byte(*byte, at + 1))
        .into_iter()
        .collect();
    let mut next = 0;
    while let Some(&Unit {
        bytes: [first, ..],
        length: 1,
        end,
    }) = units.get(next)
        && next < MEANINGS
    {
        units.extend(escaped(first, text, end, depth));
        next += 1;
    }
    units
}

/// A byte of this kind inside of an escape, which may be escaped itself, and where the next one begins.
fn inside(text: &[u8], at: usize, depth: usize, kind: impl Fn(u8) -> bool) -> Option<(u8, usize)> {
    let byte = *text.get(at)?;
    if kind(byte) {
        return Some((byte, at + 1));
    }
    if depth == 0 || !introduces(byte) {
        return None;
    }
    let units = meanings(text, at, depth - 1);
    let fitting = units
        .iter()
        .find(|unit| unit.length == 1 && kind(unit.bytes[0]));
    fitting.map(|unit| (unit.bytes[0], unit.end))
}

/// What the escape stands for that begins with this byte and goes on at `at`.
fn escaped(introducer: u8, text: &[u8], at: usize, depth: usize) -> Option<Unit> {
    match introducer {
        b'+' => Some(Unit::byte(b' ', at)),
        b'%' => match digits(text, at, depth, 16, 2)? {
            (byte, 2, end) => Some(Unit::byte(u8::try_from(byte).ok()?, end)),
            _ => None,
        },
        b'\\' => {
            let (letter, end) = inside(text, at, depth, |byte| b"\"/\\'bfnrtu".contains(&byte))?;
            let c = match letter {
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => return utf16(text, end, depth),
                itself => char::from(itself),
            };
            Some(Unit::of(c, end))
        }
        b'&' => entity(text, at, depth),
        _ => None,
    }
}

/// Digits of a number on a page, leading zeros included.
const LONGEST_NUMBER: usize = 16;
const LONGEST_NAME: usize = 8;

/// The rest of an entity after `&`: a number, or a name with its semicolon. A name without one is a parameter of a
/// query.
fn entity(text: &[u8], at: usize, depth: usize) -> Option<Unit> {
    let semicolon = |at| inside(text, at, depth, |byte| byte == b';').map(|(_, end)| end);
    if let Some((_, at)) = inside(text, at, depth, |byte| byte == b'#') {
        let hex = inside(text, at, depth, |byte| byte.eq_ignore_ascii_case(&b'x'));
        let (code, _, end) = match hex {
            Some((_, at)) => digits(text, at, depth, 16, LONGEST_NUMBER)?,
            None => digits(text, at, depth, 10, LONGEST_NUMBER)?,
        };
        return Some(Unit::of(
            char::from_u32(code)?,
            semicolon(end).unwrap_or(end),
        ));
    }
    let (mut name, mut end) = (String::new(), at);
    while let Some((letter, after)) = inside(text, end, depth, |byte| byte.is_ascii_alphanumeric())
        && name.len() < LONGEST_NAME
    {
        name.push(char::from(letter));
        end = after;
    }
    let end = semicolon(end)?;
    Some(Unit::of(named(&name)?, end))
}

/// A number of at most `most` digits, how many it has, and where it ends.
fn digits(
    text: &[u8],
    at: usize,
    depth: usize,
    base: u32,
    most: usize,
) -> Option<(u32, usize, usize)> {
    let (mut number, mut count, mut end) = (0u32, 0, at);
    while count < most
        && let Some((digit, after)) =
            inside(text, end, depth, |byte| char::from(byte).is_digit(base))
        && let Some(digit) = char::from(digit).to_digit(base)
    {
        number = number.checked_mul(base)?.checked_add(digit)?;
        (count, end) = (count + 1, after);
    }
    (count > 0).then_some((number, count, end))
}

/// The digits after `\u`, and after a second `\u` if the first are one half of a pair.
fn utf16(text: &[u8], at: usize, depth: usize) -> Option<Unit> {
    let half = |at| match digits(text, at, depth, 16, 4)? {
        (half, 4, end) => Some((u16::try_from(half).ok()?, end)),
        _ => None,
    };
    let (first, end) = half(at)?;
    if let Some(c) = char::from_u32(first.into()) {
        return Some(Unit::of(c, end));
    }
    let (_, at) = inside(text, end, depth, |byte| byte == b'\\')?;
    let (_, at) = inside(text, at, depth, |byte| byte == b'u')?;
    let (second, end) = half(at)?;
    let c = char::decode_utf16([first, second]).next()?.ok()?;
    Some(Unit::of(c, end))
}

/// HTML's names for what ASCII has beside letters and digits, and for Latin-1 from the blank that does not break on.
fn named(name: &str) -> Option<char> {
    if let Some((_, c)) = NAMES
        .iter()
        .find(|(names, _)| names.split(' ').any(|known| known == name))
    {
        return Some(*c);
    }
    let at = LATIN.split(' ').position(|known| known == name)?;
    char::from_u32(0xa0 + u32::try_from(at).ok()?)
}

const NAMES: [(&str, char); 32] = [
    ("amp AMP", '&'),
    ("lt LT", '<'),
    ("gt GT", '>'),
    ("quot QUOT", '"'),
    ("apos", '\''),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb lbrack", '['),
    ("bsol", '\\'),
    ("rsqb rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub lbrace", '{'),
    ("verbar vert", '|'),
    ("rcub rbrace", '}'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
];

const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 \
    acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig \
    Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave \
    Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave \
    iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "pw7Hunter2 \"\u{fc}&%/<b>";

    fn redactor(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        for secret in secrets {
            redactor.keep(secret, Scope::Answers);
        }
        redactor
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        let redactor = redactor(&[SECRET]);
        for spelt in [
            SECRET,
            "PW7HUNTER2 \"\u{fc}&%/<B>",
            // URLs, forms, once and twice encoded, in part.
            "pw7Hunter2%20%22%C3%BC%26%25%2F%3Cb%3E",
            "pw7Hunter2+%22%c3%bc%26%25/%3cb%3e",
            "%70w7Hunter2%2520%2522%25C3%25BC%2526%2525%252F%253Cb%253E",
            // Pages.
            "pw7Hunter2 &quot;\u{fc}&amp;%/&lt;b&gt;",
            "pw7Hunter2&nbsp;&quot;&uuml;&amp;&percnt;&sol;&lt;b&gt;"
                .replace("&nbsp;", " ")
                .as_str(),
            "pw7Hunter2&#32;&#034;&#xfc;&#x00026;&#37;&#0000047;&#60;b&#X3E;",
            "pw7Hunter2 &amp;quot;&amp;uuml;&amp;amp;%/&amp;lt;b&amp;gt;",
            // JSON, also twice, and in a URL on a page.
            r#"pw7Hunter2 \"\u00fc&%\/<b>"#,
            r#"\u0070w7Hunter2 \u0022\u00FC\u0026%/\u003cb\u003e"#,
            r#"pw7Hunter2 \\\"\\u00fc&%\\/<b>"#,
            r#"\\u0070w7Hunter2\\u0020\\u0022\\u00fc\\u0026%5C%5C/\\u003cb\\u003e"#
                .replace("%5C%5C/", "\\\\u0025/")
                .as_str(),
            "%5cu0070w7Hunter2 %5C%22&uuml;\\u0026amp;%/&#60;b>",
            "pw7Hunter2 %26quot%3B%C3%BC%26amp%3B%25/%26lt%3Bb%26gt%3B",
            // As bytes.
            "70773748756e7465723220 22c3bc26252f3c623e"
                .replace(' ', "")
                .as_str(),
            "70773748756E746572322022C3BC26252F3C623E",
            "cHc3SHVudGVyMiAiw7wmJS88Yj4=",
            "cHc3SHVudGVyMiAiw7wmJS88Yj4",
            "cHc3SHVudGVyMiAiw7wmJS88Yj4%3D",
        ] {
            let text = format!("a {spelt} b");
            assert_eq!(redactor.refusal(&text), "a (redacted) b", "{spelt}");
            assert_eq!(redactor.value(&text), "a (redacted) b", "{spelt}");
            let plain = redactor.answer(text.as_bytes()).expect(spelt);
            assert_eq!(plain, b"a (redacted) b", "{spelt}");
        }
        assert_eq!(redactor.answer(b"pw7Hunter2 and others"), None);
    }

    #[test]
    fn both_alphabets_of_base64_are_known() {
        let redactor = redactor(&["??>>??>>~~??>"]);
        for spelt in [
            "Pz8+Pj8/Pj5+fj8/Pg==",
            "Pz8-Pj8_Pj5-fj8_Pg",
            r"Pz8+Pj8\/Pj5+fj8\/Pg==",
        ] {
            assert_eq!(redactor.refusal(spelt), "(redacted)", "{spelt}");
        }
    }

    #[test]
    fn what_may_be_a_word_is_taken_out_of_refusals_only() {
        let mut redactor = redactor(&["robot"]);
        redactor.keep("ui7Hunter4Kkk", Scope::Refusals);
        let text = "robot Robot ui7Hunter4Kkk";
        assert_eq!(redactor.refusal(text), "(redacted) Robot (redacted)");
        assert_eq!(redactor.value(text), "robot Robot (redacted)");
        assert_eq!(redactor.answer(text.as_bytes()), None);
        redactor.keep("x", Scope::Answers);
        assert_eq!(redactor.refusal("x"), "x");
    }

    #[test]
    fn what_overlaps_leaves_no_rest() {
        let redactor = redactor(&["abcdefghijklm", "klmnopqrstuvw", "bcdefghijklmn"]);
        assert_eq!(
            redactor.refusal("_abcdefghijklmnopqrstuvw_"),
            "_(redacted)_"
        );
        assert_eq!(
            redactor.refusal("abcdefghijklmklmnopqrstuvw"),
            "(redacted)(redacted)"
        );
    }

    #[test]
    fn passing_secrets_are_forgotten_in_their_order() {
        let mut redactor = redactor(&[]);
        let secret = |n: usize| format!("passing-secret-{n:05}");
        for n in 0..10_000 {
            redactor.pass(&secret(n), Scope::Answers);
            redactor.pass(&secret(0), Scope::Answers);
        }
        assert!(redactor.passing.len() <= 2 * PASSING);
        for n in [0, 9_999, 10_000 - PASSING + 1] {
            assert_eq!(redactor.value(&secret(n)), REDACTED, "{n}");
        }
        assert_eq!(redactor.value(&secret(9_000)), secret(9_000));
        let kept: usize = redactor.starts.iter().map(Vec::len).sum();
        assert!(kept <= 2 * PASSING * 8, "{kept}");
    }

    /// A server decides what is searched, and after a login what for. If every escape doubled the ways to read a text,
    /// this would never end.
    #[test]
    fn a_text_of_nothing_but_escapes_is_searched_to_its_end() {
        let redactor = redactor(&[
            "%25%25%25%25%25%25%25",
            "&amp;&amp;&amp;&amp;",
            "aaaaaaaaaaaaaaab",
            r"\\\\\\\\\\\\\\",
            r"\\\\\\\\\\\\\\z",
        ]);
        for piece in [
            "%",
            "%25",
            "&",
            "&amp;",
            "\\",
            "\\u005c",
            "&#",
            "%26amp%3B",
            "a",
            "+",
        ] {
            let text = piece.repeat(1_000 / piece.len());
            redactor.answer(text.as_bytes());
        }
    }
}
