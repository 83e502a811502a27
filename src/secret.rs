//! A secret: a type without `Display`, a `Debug` that says nothing, and one way out; and what text can be one. Where
//! secrets come from is no matter of this file.

use std::fmt;

use crate::error::{Class, Error, Result};

/// Text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Secret {
        Secret(text)
    }

    /// The way out: for a request that is about to be sent, and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

/// Files and here-documents end in a line end that is not part of the secret; anything else that no header
/// can carry would be an injection or a wrong file.
///
/// Errors: configuration, naming the origin.
pub fn accept(mut bytes: Vec<u8>, origin: &str) -> Result<Secret> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    let refuse = |why: &str| Error::new(Class::Configuration, format!("{origin} {why}"));
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(refuse("is not valid UTF-8"));
    };
    if text.trim_matches(['\r', '\n']).is_empty() {
        return Err(refuse("is empty"));
    }
    if text.chars().any(char::is_control) {
        let lines = text.lines().filter(|line| !line.is_empty()).count();
        return Err(match text.contains('\n') {
            true if lines > 1 => {
                refuse("has more than one line").hint("only the secret may stand there")
            }
            true => refuse("has an empty line").hint("remove the empty line"),
            false => refuse("contains a control character"),
        });
    }
    Ok(Secret(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "(redacted)");
    }

    #[test]
    fn one_line_end_is_stripped() {
        for (value, wanted) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a b ", "a b ")] {
            let secret = accept(value.into(), "T").unwrap();
            assert_eq!(secret.expose(), wanted);
        }
    }

    #[test]
    fn other_control_characters_are_refused_without_the_value() {
        for (value, why) in [
            ("a\n\n", "has an empty line"),
            ("a\r\n\r\n", "has an empty line"),
            ("\na\n", "has an empty line"),
            ("a\nb", "has more than one line"),
            ("a\n\nb\n", "has more than one line"),
            ("\n\n", "is empty"),
            ("a\rb", "contains a control character"),
            ("\ta", "contains a control character"),
            ("a\0", "contains a control character"),
            ("a\r", "contains a control character"),
            ("\u{85}a", "contains a control character"),
        ] {
            let error = accept(value.into(), "T").unwrap_err();
            assert_eq!(error.message(), format!("T {why}"), "{value:?}");
            assert_eq!(error.class, Class::Configuration);
        }
    }
}
