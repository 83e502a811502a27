//! The verb that reads pictures into a folder: which accounts it is about, of one system by their names or of a
//! manifest, and which folder it fills.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::arguments::Arguments;
use crate::cli::batch::Origin;
use crate::cli::grammar::Verb;
use crate::cli::options::{self, Options};
use crate::cli::{empty, spelling, usage};
use crate::error::Result;
use crate::number::digits;
use crate::system::System;
use crate::system::avatar::Target;
use crate::terminal::quote;

/// What accounts show, into a folder.
pub struct Pull {
    pub source: Source,
    /// The folder.
    pub to: PathBuf,
    /// Declare pictures even where an id would do.
    pub as_images: bool,
    pub options: Options,
}

/// Whose pictures.
pub enum Source {
    System(&'static System, Names),
    Manifest(Origin),
}

/// The accounts of one system.
pub enum Names {
    /// None at all means the caller, or everybody on a system that has no caller.
    Given(Vec<Target>),
    /// A line each on standard input.
    Stdin,
}

impl Names {
    /// The account that a name means. Where a system has several ways to name one, it is the first; a manifest has them
    /// all.
    ///
    /// Errors: usage.
    pub fn target(system: &'static System, name: &str) -> Result<Target> {
        let kind = &system.targets[0];
        if name.trim().is_empty() {
            return Err(empty("a name"));
        }
        // Without zeros in front, which no manifest keeps.
        let number = digits::<u64>(name).filter(|_| kind.number);
        let read = kind.read(&number.map_or(name.to_owned(), |number| number.to_string()));
        read.map_err(|takes| usage(format!("{} takes {takes}, not {}", kind.noun, quote(name))))
    }

    fn read(system: &'static System, words: Vec<OsString>) -> Result<Names> {
        if words.iter().any(|word| word == "-") {
            return match words.len() {
                1 => Ok(Names::Stdin),
                _ => Err(usage("names are given both as words and with -")
                    .hint("- reads them from standard input, and stands alone")),
            };
        }
        let name = |word: OsString| match word.to_str() {
            Some(name) => Names::target(system, name),
            None => Err(usage(format!(
                "the name {} is not valid UTF-8",
                quote(&word.to_string_lossy())
            ))),
        };
        let targets: Result<Vec<Target>> = words.into_iter().map(name).collect();
        targets.map(Names::Given)
    }
}

impl Pull {
    /// Reads the names and the options behind a system.
    ///
    /// Errors: usage.
    pub(super) fn of_system(
        system: &'static System,
        verb: &Verb,
        names: Vec<OsString>,
        arguments: &mut Arguments,
    ) -> Result<Pull> {
        let place = format!("{} {}", system.name, verb.name);
        let flags = arguments.names();
        let named = |flag: &&String| system.targets.iter().any(|kind| kind.flag == **flag);
        if let Some(flag) = flags.iter().find(named) {
            return Err(
                usage(format!("{flag} is not an option of {place}")).hint(format!(
                    "write the names as words: avatarctl {place} NAME --to DIR"
                )),
            );
        }
        spelling::refuse_foreign(&flags, &verb.options(Some(system)), &place)?;
        let source = Source::System(system, Names::read(system, names)?);
        Pull::read(source, &place, arguments, Options::read)
    }

    /// Reads the options behind a manifest, if there is one.
    ///
    /// Errors: usage.
    pub(super) fn of_manifest(
        verb: &Verb,
        manifest: Option<OsString>,
        arguments: &mut Arguments,
    ) -> Result<Pull> {
        let place = verb.name;
        spelling::refuse_foreign(&arguments.names(), &verb.options(None), place)?;
        let Some(manifest) = manifest else {
            return Err(usage(format!("{place} needs a manifest"))
                .hint(format!("or a system before it: avatarctl SYSTEM {place}")));
        };
        let source = Source::Manifest(Origin::read(manifest));
        Pull::read(source, place, arguments, |arguments| {
            Options::read_without_url(arguments, place)
        })
    }

    fn read(
        source: Source,
        place: &str,
        arguments: &mut Arguments,
        options: impl FnOnce(&mut Arguments) -> Result<Options>,
    ) -> Result<Pull> {
        let to = options::path(arguments, "--to")?;
        Ok(Pull {
            source,
            to: to.ok_or_else(|| usage(format!("{place} needs --to")))?,
            as_images: arguments.contains("--as-images"),
            options: options(arguments)?,
        })
    }
}
