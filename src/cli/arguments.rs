//! Arguments as they are typed, sorted into words and options, and the options by their names. The only file that knows
//! pico-args, and it leaves it nothing to guess: every option has its long name, and a value is a word of its own.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::cli::grammar::{self, Flag};
use crate::cli::{spelling, usage};
use crate::error::Result;
use crate::terminal::quote;

/// The options that were typed. Each is taken out when it is read.
pub struct Arguments(pico_args::Arguments);

impl Arguments {
    /// Whether a switch was given.
    pub fn contains(&mut self, name: &'static str) -> bool {
        self.0.contains(name)
    }

    /// The value of an option, if it was given.
    pub fn value(&mut self, name: &'static str) -> Option<OsString> {
        let unmarked = |word: &OsStr| {
            let value = OsStr::from_bytes(&word.as_bytes()[MARK.len()..]);
            Ok::<_, Infallible>(value.to_owned())
        };
        self.0
            .opt_value_from_os_str(name, unmarked)
            .expect("every option that takes a value was given one")
    }

    /// The value of an option as text.
    ///
    /// Errors: usage, if it is not valid UTF-8.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>> {
        let text = self.value(name).map(OsString::into_string).transpose();
        text.map_err(|_| usage(format!("{name} is not valid UTF-8")))
    }

    /// The value of an option as a path.
    pub fn path(&mut self, name: &'static str) -> Option<PathBuf> {
        self.value(name).map(PathBuf::from)
    }

    /// The long names of the options that are left.
    pub fn names(&self) -> Vec<String> {
        let typed = self.0.clone().finish().into_iter();
        typed
            .filter_map(|word| word.into_string().ok())
            .filter(|word| word.starts_with("--"))
            .collect()
    }

    /// Ends the reading; every option must have been read.
    pub fn finish(self) {
        let rest = self.0.finish();
        debug_assert!(rest.is_empty(), "every known option is read: {rest:?}");
    }
}

/// Put before each value: pico-args looks for an option's name everywhere, and must not find one in a value.
const MARK: &str = "=";

/// Sorts the arguments into plain words and options.
///
/// Errors: usage, for what pico-args would let pass: an unknown or repeated option, and a value that looks like an
/// option.
pub(super) fn sort(arguments: Vec<OsString>) -> Result<(Vec<OsString>, Arguments)> {
    let mut words = Vec::new();
    let mut options: Vec<OsString> = Vec::new();
    let known = grammar::flags();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            words.extend(rest.by_ref());
            break;
        }
        if !argument.as_bytes().starts_with(b"-") || argument == "-" {
            words.push(argument);
            continue;
        }
        if let Some(switches) = cluster(&argument, &known) {
            rest = switches
                .into_iter()
                .chain(rest)
                .collect::<Vec<_>>()
                .into_iter();
            continue;
        }
        let (name, attached) = spelling::split(&argument);
        let flag = known
            .iter()
            .find(|flag| flag.name == name || flag.short == Some(name.as_str()));
        let Some(flag) = flag else {
            words.extend(rest.filter(|word| !word.as_bytes().starts_with(b"-")));
            return Err(spelling::unknown_option(&name, &words));
        };
        if options.iter().any(|given| given == flag.name) && flag.name != "--verbose" {
            return Err(usage(format!("{} is given twice", flag.name)));
        }
        options.push(flag.name.into());
        match (flag.value.name(), attached) {
            (Some(_), Some(value)) => options.push(marked(&value)),
            (Some(_), None) => options.push(marked(&required_value(flag.name, rest.next())?)),
            (None, None) => {}
            (None, Some(_)) => return Err(usage(format!("{} takes no value", flag.name))),
        }
    }
    Ok((words, Arguments(pico_args::Arguments::from_vec(options))))
}

/// `-qv` is `-q -v`, if each of them is a switch.
fn cluster(argument: &OsStr, known: &[Flag]) -> Option<Vec<OsString>> {
    let letters = argument.to_str()?.strip_prefix('-')?;
    let switches = letters.chars().map(|letter| format!("-{letter}"));
    let each_is = |switch: String| known.iter().any(|flag| flag.short == Some(switch.as_str()));
    let apart = letters.len() > 1 && switches.clone().all(each_is);
    apart.then(|| switches.map(OsString::from).collect())
}

/// The word after an option. An unset variable of a Makefile must not make the next option its value.
fn required_value(name: &str, value: Option<OsString>) -> Result<OsString> {
    match value {
        None => Err(usage(format!("{name} needs a value"))),
        Some(value) if value.as_bytes().starts_with(b"-") && value != "-" => Err(usage(format!(
            "{name} needs a value, and {} looks like an option",
            quote(spelling::shown(&spelling::split(&value).0))
        ))
        .hint(format!("write {name}=VALUE for a value that begins with -"))),
        Some(value) => Ok(value),
    }
}

fn marked(word: &OsStr) -> OsString {
    let mut marked = OsString::from(MARK);
    marked.push(word);
    marked
}
