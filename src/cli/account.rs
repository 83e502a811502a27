//! A system and a verb to one account: what the options name must be one account and, where the verb takes one, one
//! avatar.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::arguments::Arguments;
use crate::cli::grammar::{self, Flag, SystemVerb};
use crate::cli::options::{Options, path, path_or_dash};
use crate::cli::{empty, spelling, usage};
use crate::error::{Error, Result};
use crate::system::System;
use crate::system::avatar::{Choice, Target, TargetKind};
use crate::terminal::quote;

/// One account, now.
pub struct Account {
    pub system: &'static System,
    pub action: Action,
    pub target: Target,
    pub options: Options,
}

pub enum Action {
    Set(Choice),
    /// Where the picture is written to that is shown now, if anywhere.
    Show(Option<Destination>),
    /// Where the contact sheet is written to, if anywhere.
    List(Option<PathBuf>),
    Reset,
    /// A custom avatar, by its id.
    Delete(String),
    Whoami,
    Doctor(Doctor),
}

/// How a server is checked.
pub struct Doctor {
    /// Also by a change of the account, which is named then.
    pub round_trip: bool,
    pub har: Option<PathBuf>,
}

/// Where a picture is written to.
pub enum Destination {
    Stdout,
    File(PathBuf),
}

impl Action {
    pub fn name(&self) -> &'static str {
        match self {
            Action::Set(_) => "set",
            Action::Show(_) => "show",
            Action::List(_) => "list",
            Action::Reset => "reset",
            Action::Delete(_) => "delete",
            Action::Whoami => "whoami",
            Action::Doctor(_) => "doctor",
        }
    }
}

/// A verb as it was called.
#[derive(Clone, Copy)]
struct Called {
    name: &'static str,
    meaning: SystemVerb,
}

impl Account {
    /// Reads the options behind a system and, if there is one, the word that was typed as its verb.
    ///
    /// Errors: usage.
    pub fn read(
        system: &'static System,
        typed: Option<&str>,
        arguments: &mut Arguments,
    ) -> Result<Account> {
        let verbs = || -> Vec<&str> { grammar::verbs_of(system).map(|verb| verb.name).collect() };
        let Some(typed) = typed else {
            return Err(usage(format!("a verb is missing after {}", system.name))
                .hint(format!("name one of {}", verbs().join(", "))));
        };
        let Some(verb) = grammar::verb(typed) else {
            return Err(spelling::unknown_word("verb", typed, &verbs()));
        };
        let Some(meaning) = verb.form.of_system() else {
            return Err(
                usage(format!("{} is not a verb of {}", verb.name, system.name))
                    .hint(format!("see avatarctl {} --help", verb.name)),
            );
        };
        if let Some(instead) = grammar::instead(system, meaning) {
            return Err(usage(format!("{} has no {typed}", system.title)).hint(instead));
        }
        let place = format!("{} {}", system.name, verb.name);
        let options = verb.options(Some(system));
        spelling::refuse_foreign(&arguments.names(), &options, &place)?;
        let called = Called {
            name: verb.name,
            meaning,
        };
        let target = target(arguments, system, called)?;
        let action = match meaning {
            SystemVerb::Set => Action::Set(choice(arguments, system, called)?),
            SystemVerb::Show => Action::Show(destination(arguments)?),
            SystemVerb::List => Action::List(path(arguments, grammar::HTML)?),
            SystemVerb::Reset => Action::Reset,
            SystemVerb::Delete => match choice(arguments, system, called)? {
                Choice::Preset(_, Some(id)) => Action::Delete(id),
                // No id, which takes an avatar off, deletes none.
                _ => {
                    let flags = grammar::sources(system, meaning);
                    return Err(incomplete(system, called, flags.map(|flag| flag.name)));
                }
            },
            SystemVerb::Whoami => Action::Whoami,
            SystemVerb::Pull => unreachable!("pull is read as a command of its own"),
            SystemVerb::Doctor => Action::Doctor(doctor(arguments, system, called, &target)?),
        };
        Ok(Account {
            system,
            action,
            target,
            options: Options::read(arguments)?,
        })
    }
}

/// The account that the options name; the caller if none does, and the system and the verb allow that.
fn target(arguments: &mut Arguments, system: &'static System, verb: Called) -> Result<Target> {
    let mut found = None;
    for kind in system.targets {
        let Some(value) = arguments.text(kind.flag)? else {
            continue;
        };
        // Never "no target": that would change the caller's own picture.
        if value.trim().is_empty() {
            return Err(empty(kind.flag));
        }
        let named = kind
            .read(&value)
            .map_err(|takes| not_taken(kind.flag, &takes, &value))?;
        if let Some(Target::Named { kind: other, .. }) = found {
            let other: &TargetKind = other;
            return Err(usage(format!(
                "{} and {} both name the target",
                other.flag, kind.flag
            )));
        }
        found = Some(named);
    }
    match found {
        Some(target) => Ok(target),
        None if !grammar::needs_target(system, verb.meaning) => Ok(Target::Caller),
        None => {
            let flags = system.targets.iter().map(|kind| kind.flag);
            Err(incomplete(system, verb, flags))
        }
    }
}

/// Where `--output` leads, if it is given.
fn destination(arguments: &mut Arguments) -> Result<Option<Destination>> {
    let path = path_or_dash(arguments, "--output")?;
    Ok(path.map(|path| match path.as_os_str() == "-" {
        true => Destination::Stdout,
        false => Destination::File(path),
    }))
}

/// How a server is checked.
///
/// Errors: usage, for a change of nobody: not even the caller's own avatar is changed by accident.
fn doctor(
    arguments: &mut Arguments,
    system: &System,
    verb: Called,
    target: &Target,
) -> Result<Doctor> {
    let doctor = Doctor {
        round_trip: arguments.contains("--round-trip"),
        har: path(arguments, "--har")?,
    };
    match (doctor.round_trip, target) {
        (true, Target::Caller) => {
            let flags: Vec<&str> = system.targets.iter().map(|kind| kind.flag).collect();
            Err(usage(format!(
                "{} {} --round-trip changes an account, which {} must name",
                system.name,
                verb.name,
                flags.join(" or ")
            )))
        }
        _ => Ok(doctor),
    }
}

/// The avatar that the options name.
fn choice(arguments: &mut Arguments, system: &System, verb: Called) -> Result<Choice> {
    let mut found: Option<(&str, Choice)> = None;
    let flags = grammar::sources(system, verb.meaning);
    for Flag { name, .. } in flags.clone() {
        let Some(value) = arguments.value(name) else {
            continue;
        };
        if value.is_empty() {
            return Err(empty(name));
        }
        let choice = source(system, name, value)?;
        if let Some((other, _)) = found {
            return Err(usage(format!("{other} and {name} both name the avatar")));
        }
        found = Some((name, choice));
    }
    match found {
        Some((_, choice)) => Ok(choice),
        None => Err(incomplete(system, verb, flags.map(|flag| flag.name))),
    }
}

/// One of these options is needed.
fn incomplete(system: &System, verb: Called, flags: impl Iterator<Item = &'static str>) -> Error {
    let flags: Vec<&str> = flags.collect();
    usage(format!(
        "{} {} needs {}",
        system.name,
        verb.name,
        flags.join(" or ")
    ))
}

/// The avatar that one option names.
fn source(system: &System, name: &str, value: OsString) -> Result<Choice> {
    if name == grammar::IMAGE {
        return Ok(match value == "-" {
            true => Choice::Stdin,
            false => Choice::File(value.into()),
        });
    }
    let text = value
        .to_str()
        .ok_or_else(|| usage(format!("{name} is not valid UTF-8")))?;
    let Some(preset) = system.preset.filter(|preset| preset.flag == name) else {
        return Choice::address(text).map_err(|takes| {
            usage(format!("{name} takes {takes}")).hint("upload a file with --image")
        });
    };
    Choice::preset(preset, text).map_err(|takes| {
        let error = not_taken(name, &takes, text);
        match preset.null {
            Some(does) => error.hint(format!("{name} null {does}")),
            None => error,
        }
    })
}

/// A value that an option does not take.
fn not_taken(name: &str, takes: &str, value: &str) -> Error {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match digits && value.parse::<u64>().is_err() {
        true => usage(format!("{name}: {} is too large for an id", quote(value))),
        false => usage(format!("{name} takes {takes}, not {}", quote(value))),
    }
}
