//! What is said about words and options that are unknown, or not known here: the nearest one, and where a secret
//! belongs. Pure.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::cli::grammar::{self, Flag, GLOBAL, SystemVerb};
use crate::cli::usage;
use crate::error::{Error, Result};
use crate::system::{self, System};
use crate::terminal::quote;

/// Parts of option names that mean a secret; a hint then says where secrets belong.
const SECRETS: [&str; 7] = [
    "pass",
    "token",
    "hash",
    "api-key",
    "secret",
    "--login",
    "credential",
];

/// An option that does not exist. `words` are the plain words so far: if they name a system or a verb, the nearest
/// option is looked for among those of that one.
pub(super) fn unknown_option(name: &str, words: &[OsString]) -> Error {
    let error = usage(format!("unknown option {}", quote(shown(name))));
    let lower = name.to_lowercase();
    if SECRETS.iter().any(|secret| lower.contains(secret)) {
        return error.hint("a secret is never given on the command line; set the system's variables, which avatarctl SYSTEM --help names");
    }
    let word = |at: usize| words.get(at).and_then(|word| word.to_str());
    let system = word(0).and_then(system::find);
    let verb = match system {
        Some(_) => word(1).or(Some("set")),
        None => word(0),
    };
    let own = match verb.and_then(grammar::verb) {
        Some(verb) => [&verb.options(system), &GLOBAL[..]].concat(),
        None => grammar::flags(),
    };
    let own = own.iter().map(|flag| flag.name);
    // A typing error must not lead to --insecure.
    let own = own.filter(|known| *known != "--insecure" || distance(name, known) <= 4);
    // A single letter is near every name.
    let near = |near: &&str| name.starts_with("--") || distance(name, near) <= 2;
    match nearest(name, own).filter(near) {
        Some(near) => error.hint(format!("the nearest one is {near}")),
        None => error,
    }
}

/// An option as a message may repeat it: what follows a single letter, as in `-psecret`, may be a secret, unless
/// the whole is nearly a known option.
pub(super) fn shown(name: &str) -> &str {
    let known = grammar::flags();
    let near = nearest(name, known.iter().map(|flag| flag.name));
    match name.starts_with("--") || near.is_some_and(|near| distance(name, near) <= 2) {
        true => name,
        false => {
            let end = name.char_indices().nth(2).map_or(name.len(), |(at, _)| at);
            &name[..end]
        }
    }
}

pub(super) fn unknown_word(what: &str, typed: &str, known: &[&'static str]) -> Error {
    let (typed, assigned) = split(OsStr::new(typed));
    let error = usage(format!("unknown {what} {}", quote(&typed)));
    match nearest(&typed, known.iter().copied()) {
        _ if assigned.is_some() => {
            error.hint("variables are set before the command: NAME=value avatarctl ...")
        }
        // A word that has nothing in common with any was not misspelt.
        Some(near) if distance(&typed.to_lowercase(), near) <= 3.min(near.len() - 1) => {
            error.hint(format!("the nearest one is {near}"))
        }
        _ => error.hint(format!("name one of {}", known.join(", "))),
    }
}

/// Refuses options that exist, but not for this verb; `place` is how a message names it.
///
/// Errors: usage.
pub(super) fn refuse_foreign(typed: &[String], own: &[Flag], place: &str) -> Result<()> {
    let known = |typed: &str| {
        let here = |flag: &Flag| flag.name == typed;
        GLOBAL.iter().any(here) || own.iter().any(here)
    };
    let Some(typed) = typed.iter().find(|typed| !known(typed)) else {
        return Ok(());
    };
    let error = usage(format!("{typed} is not an option of {place}"));
    if typed == "--dry-run" {
        return Err(error.hint(match place {
            "apply" => "diff says what apply would do, and writes nothing".to_owned(),
            "diff" => "diff writes nothing, and says what apply would do".to_owned(),
            "check" => "check reaches no server".to_owned(),
            other if own.iter().any(|flag| flag.name == "--round-trip") => {
                format!("{other} changes nothing without --round-trip")
            }
            other => format!("{other} changes nothing"),
        }));
    }
    // In place of an option for targets, one for targets is the nearest; the same for avatars.
    let role = |name: &str| {
        let targets = |system: &&System| system.targets.iter().any(|kind| kind.flag == name);
        let sources = |system: &&System| {
            let mut sources = grammar::sources(system, SystemVerb::Set);
            sources.any(|flag| flag.name == name)
        };
        let systems = || system::ALL.into_iter();
        (
            systems().any(|system| targets(&system)),
            systems().any(|system| sources(&system)),
        )
    };
    let wanted = role(typed);
    let alike = own
        .iter()
        .map(|flag| flag.name)
        .filter(|name| wanted != (false, false) && role(name) == wanted);
    Err(match nearest(typed, alike) {
        Some(near) => error.hint(format!("the nearest one is {near}")),
        None => error,
    })
}

/// `--name=value` into its parts.
pub(super) fn split(argument: &OsStr) -> (String, Option<OsString>) {
    let bytes = argument.as_bytes();
    match bytes.iter().position(|byte| *byte == b'=') {
        None => (argument.to_string_lossy().into_owned(), None),
        Some(at) => {
            let name = String::from_utf8_lossy(&bytes[..at]).into_owned();
            (name, Some(OsStr::from_bytes(&bytes[at + 1..]).to_owned()))
        }
    }
}

fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    // A word that was typed in part is nearer than any other.
    known.min_by_key(|name| (!name.starts_with(&typed), distance(&typed, name)))
}

/// How far a typed word is from a known one: a character that was left out costs 1, one too many or a wrong
/// one 2 (Levenshtein, weighted for the way people abbreviate).
fn distance(typed: &str, known: &str) -> usize {
    let known: Vec<char> = known.chars().collect();
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (i, x) in typed.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = 2 * (i + 1);
        for (j, y) in known.iter().enumerate() {
            let replaced = diagonal + if x == *y { 0 } else { 2 };
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 2);
        }
    }
    row[known.len()]
}
