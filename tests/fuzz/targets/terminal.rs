//! Foreign text: what is shown of it is clean and bounded, ordinary text stays as it is, and a reader of JSON gets back
//! what was there.

use avatarctl::terminal::{MESSAGE, clean, is_deceptive, quote, visible, visible_json};

pub(super) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let limit = bytes.first().map_or(0, |byte| usize::from(*byte));
    let line = clean(&text, limit);
    super::assert_clean(&line);
    // Each character is ten at most: `\u{10ffff}`.
    assert!(line.chars().count() <= 10 * limit + 1);
    assert!(!line.contains("  ") && !line.starts_with(' ') && !line.ends_with(' '));
    assert_eq!(
        clean(&clean(&text, usize::MAX), usize::MAX),
        clean(&text, usize::MAX)
    );
    let shown = visible(&text);
    super::assert_clean(&shown);
    assert_eq!(visible(&shown), shown);
    let ordinary = !text.contains(is_deceptive);
    assert_eq!(ordinary, shown == text);
    let quoted = quote(&text);
    super::assert_clean(&quoted);
    assert!(quoted.starts_with('"') && quoted.ends_with('"') && quoted.len() > 1);
    assert!(quoted.chars().count() <= 10 * MESSAGE + 3);
    let json = serde_json::to_string(&text).expect("a text");
    let shown = visible_json(json);
    super::assert_clean(&shown);
    let back: String = serde_json::from_str(&shown).expect("JSON as before");
    assert_eq!(back, text);
}
