//! Secrets in what a server says: however it spells one, no reader finds it in what is left, and a text that has none
//! stays as it is. The first text is the secret, the second what a server says; `ECHO` and a letter stand for the secret
//! in one of its spellings.

use avatarctl::redact::{Redactor, Scope};
use avatarctl::settings::address::decode;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

const ECHO: char = '\u{5}';

pub(super) fn check(bytes: &[u8]) {
    let [secret, said] = super::texts(bytes);
    // A shorter one may be taken for a word. What stands in its place, or for what cannot be read, would make one anew.
    let odd = |c: char| c.is_control() || c == '\u{fffd}';
    if !(12..200).contains(&secret.chars().count())
        || secret.contains(odd)
        || ["redacted", "(", ")"]
            .iter()
            .any(|part| secret.contains(part))
    {
        return;
    }
    let mut redactor = Redactor::default();
    redactor.keep(&secret, Scope::Answers);
    let text = spelled(&said, &secret);
    let plain = redactor.refusal(&text);
    hides(&secret, &plain);
    hides(&secret, &redactor.value(&text));
    assert_eq!(redactor.refusal(&plain), plain);
    if let Some(value) = serde_json::from_str::<Value>(&plain)
        .ok()
        .filter(Value::is_string)
    {
        hides(&secret, value.as_str().expect("a string"));
    }
    let json = serde_json::to_string(&text).expect("a text");
    match redactor.answer(json.as_bytes()) {
        None => {
            assert!(!text.contains(&secret));
        }
        Some(answer) => {
            if let Ok(text) = serde_json::from_slice::<String>(&answer) {
                hides(&secret, &text);
            }
        }
    }
}

#[track_caller]
fn hides(secret: &str, text: &str) {
    assert!(!text.contains(secret), "{secret:?} is in {text:?}");
    let decoded = decode(text).unwrap_or_default();
    assert!(
        !decoded.contains(secret),
        "{secret:?} is encoded in {text:?}"
    );
    for base64 in [
        BASE64_STANDARD.encode(secret),
        BASE64_URL_SAFE_NO_PAD.encode(secret),
    ] {
        let base64 = base64.trim_end_matches('=');
        assert!(!text.contains(base64), "{secret:?} is {base64} in {text:?}");
    }
}

/// The text with the secret in its places.
fn spelled(said: &str, secret: &str) -> String {
    let mut text = String::new();
    let mut chars = said.chars();
    while let Some(c) = chars.next() {
        if c != ECHO {
            text.push(c);
            continue;
        }
        let bytes = secret.bytes();
        match chars.next() {
            Some('a') => text.push_str(secret),
            Some('b') => text.extend(bytes.map(|byte| format!("%{byte:02X}"))),
            Some('c') => text.extend(bytes.map(|byte| format!("%{byte:02x}"))),
            Some('d') => {
                let json = serde_json::to_string(secret).expect("a text");
                text.push_str(json.trim_matches('"'));
            }
            Some('e') => {
                let units = secret.encode_utf16();
                text.extend(units.map(|unit| format!("\\u{unit:04x}")));
            }
            Some('f') => text.push_str(&BASE64_STANDARD.encode(secret)),
            Some('g') => text.push_str(&BASE64_URL_SAFE_NO_PAD.encode(secret)),
            Some('h') => text.extend(secret.chars().map(|c| format!("&#{};", u32::from(c)))),
            Some('i') => text.push_str(&secret.to_uppercase()),
            _ => {}
        }
    }
    text
}
