//! Arguments to a command. What was typed is checked here, completely, before anything is opened or sent;
//! what it means to a system is in the system's table.

mod account;
mod arguments;
mod batch;
pub mod completions;
pub mod grammar;
pub mod help;
pub mod manual;
mod options;
mod pull;
pub mod shard;
mod spelling;

use std::ffi::{OsStr, OsString};

use crate::cli::arguments::Arguments;
use crate::cli::grammar::{Document, Form, Verb};
use crate::error::{Class, Error, Result};
use crate::settings::environment::Environment;
use crate::system::{self, System};
use crate::terminal::{Color, quote};

pub use crate::cli::account::{Account, Action, Destination, Doctor};
pub use crate::cli::batch::{Batch, BatchAction, Origin};
pub use crate::cli::options::Options;
pub use crate::cli::pull::{Names, Pull, Source};

/// What was asked for.
pub enum Command {
    /// Help or version, for standard output.
    Text(String),
    Account(Box<Account>),
    Batch(Box<Batch>),
    Pull(Box<Pull>),
    /// A completion script for this shell.
    Completions(String),
    /// The manual page.
    Manual,
    /// A manifest to start from.
    Example,
}

/// A command line that is refused.
pub struct Refusal {
    /// None if there were no arguments at all: then the help is the answer.
    pub error: Option<Error>,
    pub json: bool,
    pub color: Color,
}

/// Reads the arguments, without the program's name.
pub fn parse(
    arguments: Vec<OsString>,
    environment: &Environment,
) -> std::result::Result<Command, Refusal> {
    let color = options::wanted_color(&arguments);
    let nothing = arguments.is_empty();
    let mut options = arguments.iter().take_while(|word| *word != "--");
    let json = options.any(|word| word == "--json");
    command(arguments, environment).map_err(|error| Refusal {
        error: (!nothing).then_some(error),
        json,
        color,
    })
}

fn command(arguments: Vec<OsString>, environment: &Environment) -> Result<Command> {
    let (mut words, mut arguments) = arguments::sort(arguments)?;
    let mut asks_help = arguments.contains("--help");
    if words.first().is_some_and(|word| word == "help") {
        words.remove(0);
        asks_help = true;
    }
    let mut words = words.into_iter();
    if arguments.contains("--version") {
        return Ok(Command::Text(
            concat!(
                "avatarctl ",
                env!("CARGO_PKG_VERSION"),
                " (",
                env!("AVATARCTL_BUILD"),
                ")\n"
            )
            .to_owned(),
        ));
    }
    let (first, second) = (words.next(), words.next());
    // No system or verb has a name that is not UTF-8; a file may have one.
    let text = |word: &OsString| word.to_string_lossy().into_owned();
    let (first, second_text) = (first.as_ref().map(text), second.as_ref().map(text));
    let system = first.as_deref().and_then(system::find);
    let verb = match system {
        Some(_) => second_text.as_deref(),
        None => first.as_deref(),
    };
    let verb = verb.and_then(grammar::verb);
    if asks_help {
        return Ok(Command::Text(asked_help(system, verb)));
    }
    let command = match (system, verb) {
        (Some(system), Some(verb)) if matches!(verb.form, Form::OfBoth(_)) => {
            let names = words.by_ref().collect();
            let pull = Pull::of_system(system, verb, names, &mut arguments)?;
            Command::Pull(Box::new(pull))
        }
        (Some(system), _) => {
            let account = Account::read(system, second_text.as_deref(), &mut arguments)?;
            Command::Account(Box::new(account))
        }
        (None, Some(verb)) => match verb.form {
            Form::OfManifest(action) => {
                let batch = Batch::read(verb, action, second, &mut arguments, environment)?;
                Command::Batch(Box::new(batch))
            }
            Form::OfBoth(_) if second_text.as_deref().and_then(system::find).is_some() => {
                return Err(system_missing(verb, second_text.as_deref()));
            }
            Form::OfBoth(_) => {
                let pull = Pull::of_manifest(verb, second, &mut arguments)?;
                Command::Pull(Box::new(pull))
            }
            Form::Alone(document) => alone(verb, document, second_text, &arguments)?,
            Form::OfSystem(_) => return Err(system_missing(verb, second_text.as_deref())),
        },
        (None, None) => return Err(nothing_known(first.as_deref())),
    };
    if let Some(extra) = words.next() {
        return Err(unexpected(&extra));
    }
    arguments.finish();
    Ok(command)
}

fn asked_help(system: Option<&System>, verb: Option<&Verb>) -> String {
    match (verb, system) {
        (Some(verb), _) => help::of(verb),
        (None, Some(system)) => system.help.to_owned(),
        (None, None) => help::main(),
    }
}

/// A verb that needs neither a server nor a manifest.
fn alone(
    verb: &Verb,
    document: Document,
    word: Option<String>,
    arguments: &Arguments,
) -> Result<Command> {
    if let Some(option) = arguments.names().first() {
        return Err(usage(format!("{option} is not an option of {}", verb.name)));
    }
    match (document, word) {
        (Document::Completions, Some(shell)) if grammar::SHELLS.contains(&shell.as_str()) => {
            Ok(Command::Completions(shell))
        }
        (Document::Completions, Some(other)) => {
            Err(spelling::unknown_word("shell", &other, &grammar::SHELLS))
        }
        (Document::Completions, None) => Err(usage(format!("{} needs a shell", verb.name))
            .hint(format!("name one of {}", grammar::SHELLS.join(", ")))),
        (_, Some(extra)) => Err(unexpected(OsStr::new(&extra))),
        (Document::Manual, None) => Ok(Command::Manual),
        (Document::Example, None) => Ok(Command::Example),
    }
}

/// A verb of systems was the first word; the second may be the system.
fn system_missing(verb: &Verb, second: Option<&str>) -> Error {
    let system = second.and_then(system::find);
    let system = system.map_or("SYSTEM", |system| system.name);
    usage(format!("{} needs a system before it", verb.name)).hint(format!(
        "write avatarctl {system} {}; the systems are {}",
        verb.name,
        systems().join(", ")
    ))
}

/// The first word is neither a system nor a verb, or there is none.
fn nothing_known(first: Option<&str>) -> Error {
    let mut known = systems();
    known.extend(grammar::verbs_without_system().map(|verb| verb.name));
    match first {
        Some(first) => spelling::unknown_word("system", first, &known),
        None => usage("a system is missing").hint(format!(
            "name one of {}, or check, diff or apply",
            systems().join(", ")
        )),
    }
}

/// What is assigned after the command may be a secret.
fn unexpected(word: &OsStr) -> Error {
    let (name, assigned) = spelling::split(word);
    let error = usage(format!("unexpected argument {}", quote(&name)));
    match assigned {
        Some(_) => error.hint("variables are set before the command: NAME=value avatarctl ..."),
        None => error,
    }
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(Class::Usage, message)
}

/// What is named has no value: an unset variable of a Makefile must not change what is done.
fn empty(what: &str) -> Error {
    usage(format!("{what} is empty")).hint("is the variable that it comes from set?")
}

fn systems() -> Vec<&'static str> {
    system::ALL.iter().map(|system| system.name).collect()
}
