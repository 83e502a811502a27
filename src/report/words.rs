//! Words for people: an avatar, what became of an account, counts, a table. All of it pure, and cleaned where it comes
//! from outside.

use serde_json::Value;

use crate::apply::{Changed, Look};
use crate::pull::Pulled;
use crate::settings::address::WebAddress;
use crate::system::System;
use crate::system::avatar::{Avatar, Identity, Row};
use crate::terminal::{MESSAGE, clean};

/// What was asked for: `avatar 24880`, `image robot.png`.
pub(super) fn wanted(avatar: &Avatar) -> String {
    match avatar {
        Avatar::Preset(preset, Some(id)) => format!("{} {id}", preset.noun),
        Avatar::Preset(preset, None) => format!("no {}", preset.noun),
        Avatar::Picture(picture) => format!("image {}", clean(&picture.name, MESSAGE)),
        Avatar::Generated => "generated letter".to_owned(),
        Avatar::Address(address) => format!("url {}", clean(&public_part(address), MESSAGE)),
    }
}

/// What was read of an account, in a line with `width` columns: what its manifest says, where the picture comes from,
/// and where it is kept.
pub(super) fn pulled(pulled: &Pulled, width: usize) -> String {
    let origin = pulled.origin.name();
    let file = pulled.file.as_deref();
    let (what, behind, before) = match (&pulled.declared, file) {
        (Some(Avatar::Picture(_)), Some(file)) => {
            return format!("pulled image {file} ({origin})");
        }
        (Some(avatar @ Avatar::Generated), _) => return format!("pulled {}", wanted(avatar)),
        // The server has the avatar itself; what it gave may be a small copy.
        (Some(avatar), Some(file)) => (
            wanted(avatar),
            format!(" ({origin}), preview {file}"),
            format!("preview {file} ({origin})"),
        ),
        (Some(avatar), None) => (wanted(avatar), format!(" ({origin})"), origin.to_owned()),
        (None, Some(file)) => return format!("pulled {file} ({origin}), not declared"),
        (None, None) => return format!("pulled nothing ({origin})"),
    };
    let width = width.saturating_sub("pulled ".len());
    format!("pulled {}", with_notes(width, &what, &behind, &before))
}

/// An address without user info, query and fragment, each of which may be a secret.
fn public_part(address: &str) -> String {
    let WebAddress {
        scheme,
        place,
        path,
        ..
    } = WebAddress::split(address);
    let scheme = scheme.map_or(String::new(), |scheme| format!("{scheme}://"));
    format!("{scheme}{place}{path}")
}

/// What became of an account whose avatar was set, in a line with `width` columns.
pub(super) fn changed(system: &System, avatar: &Avatar, change: &Changed, width: usize) -> String {
    let mut notes = notes(system, avatar, change);
    let mut behind = match &notes[..] {
        [] => String::new(),
        [again] if again == AGAIN => format!(", {again}"),
        notes => format!(" ({})", notes.join(", ")),
    };
    if let Some(old) = &change.pruned {
        let deleted = deleted(system, old);
        behind.push_str(&format!(", {deleted}"));
        notes.push(deleted);
    }
    with_notes(width, &wanted(avatar), &behind, &notes.join(", "))
}

/// `avatar 10122 deleted`.
pub(super) fn deleted(system: &System, fingerprint: &str) -> String {
    format!("{} deleted", system.fingerprint_text(fingerprint))
}

/// The note of an account on which the server shows the same as before.
const AGAIN: &str = "set again";

/// `was 10122` of `avatar 24880`; `etag 6Qv…`, `first avatar` of `image robot.png`: a word is not said twice.
fn notes(system: &System, avatar: &Avatar, change: &Changed) -> Vec<String> {
    let wanted = wanted(avatar);
    let after = change.after.as_deref();
    // Without a read-back, no fingerprint afterwards means that it is not known.
    let again = change.before.saw(after) && (change.verified || after.is_some());
    let after = after.map(|after| system.fingerprint_text(after));
    let after = after.filter(|after| *after != wanted);
    let taken_off = matches!(avatar, Avatar::Preset(_, None) | Avatar::Generated);
    let before = match &change.before {
        _ if again => Some(AGAIN.to_owned()),
        Look::NotTaken => None,
        Look::Saw(None) if taken_off => None,
        Look::Saw(None) => Some("first avatar".to_owned()),
        Look::Saw(Some(before)) => {
            let before = system.fingerprint_text(before);
            let last = after.as_ref().unwrap_or(&wanted);
            Some(match (before.split_once(' '), last.split_once(' ')) {
                (Some((word, value)), Some((said, _))) if word == said => format!("was {value}"),
                _ => format!("was {before}"),
            })
        }
    };
    let not_verified = (!change.verified).then(|| "not verified".to_owned());
    after
        .into_iter()
        .chain(before)
        .chain(not_verified)
        .collect()
}

/// Whose credentials these are, what they may do, and what the server is.
pub(super) fn identity(system: &System, identity: &Identity) -> String {
    // Each by itself, so that a long one leaves room for the others.
    let short = |text: &str| clean(text, PART);
    let name = match &identity.name {
        Some(name) => short(name),
        None => "somebody the server does not name".to_owned(),
    };
    let mut kind = system.title.to_owned();
    if let Some(version) = &identity.server.version {
        kind.push_str(&format!(" {}", short(version)));
    }
    if let Some(deployment) = &identity.server.deployment {
        kind.push_str(&format!(" ({})", short(deployment)));
    }
    let right = match identity.may_change_others {
        Some(true) => "may change others",
        Some(false) => "may not change others",
        None => "whether it may change others is not known",
    };
    format!("{name}, {right}, {kind}")
}

/// How much of a server's text is shown in a line that holds several, in characters.
const PART: usize = 80;

/// An avatar with notes: behind it if that fits into `width` columns, else before it, because an address or a file name
/// may be long and a note says what happened.
pub(super) fn with_notes(width: usize, avatar: &str, behind: &str, before: &str) -> String {
    match before.is_empty() || avatar.chars().count() + behind.chars().count() <= width {
        true => format!("{avatar}{behind}"),
        false => format!("{before}, {avatar}"),
    }
}

/// `1 failed, 2 skipped`: a count of 0 is left out.
pub(super) fn counts(counts: &[(usize, &str)]) -> String {
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let texts: Vec<String> = some
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    texts.join(", ")
}

/// `1 account`, `2 accounts`.
pub(super) fn plural(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    }
}

/// Columns under their names, as wide as their widest cell.
pub(super) fn table(rows: &[Row]) -> Vec<String> {
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let head = first
        .cells
        .iter()
        .map(|(key, _)| (*key).to_owned())
        .collect();
    let mut lines: Vec<Vec<String>> = vec![head];
    lines.extend(
        rows.iter()
            .map(|row| row.cells.iter().map(|(_, value)| cell(value)).collect()),
    );
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..first.cells.len()).map(width).collect();
    let padded = |line: &Vec<String>| {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "-".to_owned(),
        Value::String(text) => clean(text, MESSAGE),
        other => clean(&other.to_string(), MESSAGE),
    }
}
