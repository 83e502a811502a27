//! What `--help` says: the texts in the folder of the same name, with the options, systems and variables that the
//! tables know in the places that the texts leave for them. No such text lists the systems itself, so a further one
//! is in all of them. Pure.

use crate::cli::grammar::{
    Flag, GLOBAL, SystemVerb, VERBS, Verb, instead, needs_target, sources, takes_target, verbs_of,
};
use crate::system::{self, System};

const MAIN: &str = include_str!("help/avatarctl.txt");

/// What `--help` without a verb or system says.
pub fn main() -> String {
    let names: Vec<&str> = system::ALL.iter().map(|system| system.name).collect();
    MAIN.replace("{systems}", &names.join(", "))
        .replace("{verbs}\n", &row("verbs:", 9, &verbs()))
        .replace("{options}\n", &options(&GLOBAL))
        .replace("{variables}\n", &each(|system| Some(variables(system))))
}

/// What `--help` says of a verb.
pub fn of(verb: &Verb) -> String {
    let text = verb
        .help
        .replace("{options}\n", &options(&verb.own()))
        .replace("{accounts}\n", &row("  accounts", 13, &accounts()));
    let Some(meaning) = verb.form.of_system() else {
        return text;
    };
    let usage = |system: &System| usage(system, verb.name, meaning);
    let system_row = |system: &System| Some(system_row(system, verb.name, meaning));
    let missing = |system: &System| {
        let what = instead(system, meaning)?;
        Some(row("", 0, &format!("{}: {what}.", system.title)))
    };
    text.replace("{usage}\n", &each(usage))
        .replace("{systems}\n", &each(system_row))
        .replace("{instead}\n", &each(missing))
}

fn each(text: impl Fn(&System) -> Option<String>) -> String {
    system::ALL.into_iter().filter_map(text).collect()
}

// --- the main help ---

/// The verbs about one account; those that some systems lack come last, with the names of those that have them.
fn verbs() -> String {
    let having = |verb: &Verb| -> Vec<&str> {
        let has = |system: &&&System| verbs_of(system).any(|one| one.name == verb.name);
        system::ALL
            .iter()
            .filter(has)
            .map(|system| system.name)
            .collect()
    };
    let (mut everywhere, mut some) = (Vec::new(), Vec::new());
    for verb in &VERBS {
        match having(verb) {
            names if names.len() == system::ALL.len() => everywhere.push(verb.name.to_owned()),
            names if names.is_empty() => {}
            names => some.push(format!("{} ({})", verb.name, names.join(", "))),
        }
    }
    everywhere.append(&mut some);
    everywhere.join(", ")
}

/// A system's variables, a way to log in after the other.
fn variables(system: &System) -> String {
    let full = |name: &&str| format!("{}_{name}", system.prefix);
    let logins = system.logins.iter().map(|login| {
        let names: Vec<String> = login.variables.iter().map(full).collect();
        let also = login.also.iter().map(full);
        let also: String = also
            .map(|name| format!(", with {name} where it is asked for"))
            .collect();
        names.join(" and ") + &also
    });
    let logins: Vec<String> = logins.collect();
    let text = format!("{}; {}", full(&"URL"), logins.join(", or "));
    row(&format!("  {}", system.name), TARGET, &text)
}

// --- the help of a verb ---

/// How a verb is written on a system that has it.
fn usage(system: &System, name: &str, verb: SystemVerb) -> Option<String> {
    if instead(system, verb).is_some() {
        return None;
    }
    let parts = [targets(system, verb), choices(system, verb)];
    let mut words = vec!["avatarctl", system.name, name];
    words.extend(parts.iter().map(String::as_str));
    words.push("[OPTIONS]");
    words.retain(|word| !word.is_empty());
    Some(row("", 0, &words.join(" ")))
}

/// A system in the table of a verb: its targets, and its avatars or what its own help says.
fn system_row(system: &System, name: &str, verb: SystemVerb) -> String {
    let (targets, choices) = (targets(system, verb), choices(system, verb));
    let said = match choices.is_empty() {
        true => said(system, name),
        false => choices,
    };
    let start = format!("  {:<1$}{targets}", system.name, TARGET - 2);
    // Where few systems take a target, its column is not kept free in the lines of the others.
    let column = match system::ALL.iter().all(|one| takes_target(one, verb)) {
        true => 45,
        false => 30,
    };
    row(start.trim_end(), column, &said)
}

/// `[--user NAME | --user-id ID]`; empty where a verb takes none.
fn targets(system: &System, verb: SystemVerb) -> String {
    let kinds = system.targets.iter();
    let named: Vec<String> = kinds
        .map(|kind| format!("{} {}", kind.flag, kind.value))
        .collect();
    match (takes_target(system, verb), needs_target(system, verb)) {
        (false, _) => String::new(),
        (true, true) => named.join(" | "),
        (true, false) => format!("[{}]", named.join(" | ")),
    }
}

/// `--avatar-id ID | --image FILE`; empty where a verb takes none.
fn choices(system: &System, verb: SystemVerb) -> String {
    let mut ways: Vec<String> = Vec::new();
    for flag in sources(system, verb) {
        ways.push(flag.typed());
        if let Some(preset) = system.preset.filter(|preset| preset.flag == flag.name)
            && preset.null.is_some()
        {
            ways.push(format!("{} null", flag.name));
        }
    }
    ways.join(" | ")
}

/// What a system's help says of a verb: the last column of a line, and of those below that go on with it.
fn said(system: &System, verb: &str) -> String {
    let mut lines = system.help.lines();
    let start = format!("  {} {verb} ", system.name);
    let first = lines.find(|line| line.starts_with(&start));
    let column = first.and_then(|line| line.rfind("  "));
    let (Some(first), Some(column)) = (first, column) else {
        return String::new();
    };
    let more = lines.take_while(|line| line.starts_with(&" ".repeat(column)));
    let words = std::iter::once(&first[column..]).chain(more);
    words
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a manifest says of an account.
fn accounts() -> String {
    let targets = system::ALL.into_iter().flat_map(|system| system.targets);
    let presets = system::ALL.into_iter().filter_map(|system| system.preset);
    let presets = presets.map(|preset| match preset.null {
        Some(_) => format!("{} (or null)", preset.key),
        None => preset.key.to_owned(),
    });
    let mut keys: Vec<&str> = Vec::new();
    for target in targets {
        if !keys.contains(&target.key) {
            keys.push(target.key);
        }
    }
    format!(
        "a list: server; one of {}, or self (true: the caller); one of {}, image, avatar_url, or reset (true)",
        keys.join(", "),
        presets.collect::<Vec<_>>().join(", ")
    )
}

// --- columns ---

/// Where the second column of the options begins.
const OPTION: usize = 24;
/// Where the second column of a table of systems begins.
const TARGET: usize = 14;
/// How wide a help is at most.
const WIDTH: usize = 80;

/// Options and their descriptions.
fn options(flags: &[Flag]) -> String {
    let rows = flags
        .iter()
        .map(|flag| row(&format!("  {}", flag.typed()), OPTION, flag.about));
    rows.collect()
}

/// A line, and more where it is too long: a text in its last column, which begins here.
fn row(start: &str, column: usize, text: &str) -> String {
    let mut lines = String::new();
    let mut line = format!("{start:<column$}");
    if start.len() >= column && !start.is_empty() {
        line.push(' ');
    }
    let mut gap = "";
    for word in text.split(' ') {
        if line.len() + gap.len() + word.len() > WIDTH {
            lines.push_str(line.trim_end());
            lines.push('\n');
            (line, gap) = (" ".repeat(column), "");
        }
        line.push_str(gap);
        line.push_str(word);
        gap = " ";
    }
    lines + line.trim_end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is listed there by hand would lack the next system.
    #[test]
    fn no_text_of_a_verb_lists_systems() {
        for verb in &VERBS {
            let text = verb.help.split("\nexamples:\n").next().unwrap_or_default();
            let named = system::ALL
                .iter()
                .filter(|system| text.contains(system.title) || text.contains(system.name));
            assert!(named.count() < 2, "{} --help", verb.name);
        }
    }

    #[test]
    fn what_a_systems_help_says_of_a_verb_is_found() {
        for verb in &VERBS {
            for system in system::ALL {
                let has = verbs_of(system).any(|one| one.name == verb.name);
                assert_eq!(
                    !said(system, verb.name).is_empty(),
                    has,
                    "{} {}",
                    system.name,
                    verb.name
                );
            }
        }
    }
}
