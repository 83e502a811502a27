//! Arguments to a command. What was typed is checked here, completely, before anything is opened or sent;
//! what it means to a system is in the system's table. The only file that knows pico-args.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use pico_args::Arguments;

use crate::error::{Class, Error, Result};
use crate::plan::Selection;
use crate::system::{self, Source, System, Target, TargetKind, Wish};
use crate::terminal::quote;

/// What is to be done.
pub enum Command {
    /// Help or version, for standard output.
    Text(String),
    Account(Box<Account>),
    Batch(Box<Batch>),
}

/// Many accounts, declared in a file.
pub struct Batch {
    pub action: BatchAction,
    pub manifest: PathBuf,
    /// Where it is kept what was proven.
    pub state: PathBuf,
    pub selection: Selection,
    pub junit: Option<PathBuf>,
    pub html: Option<PathBuf>,
    pub prune: bool,
    pub options: Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchAction {
    Check,
    Diff,
    Apply,
}

impl BatchAction {
    pub fn name(self) -> &'static str {
        match self {
            BatchAction::Check => "check",
            BatchAction::Diff => "diff",
            BatchAction::Apply => "apply",
        }
    }
}

/// One account, now.
pub struct Account {
    pub system: &'static System,
    pub action: Action,
    pub target: Target,
    pub options: Options,
}

pub enum Action {
    Set(Wish),
    Show,
    List,
}

impl Action {
    pub fn name(&self) -> &'static str {
        match self {
            Action::Set(_) => "set",
            Action::Show => "show",
            Action::List => "list",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// The options that every verb takes.
pub struct Options {
    pub url: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub connect_timeout: Duration,
    pub timeout: Duration,
    pub max_time: Option<Duration>,
    pub retries: u32,
    pub proxy: Option<String>,
    /// Certificate chain and key.
    pub client: Option<(PathBuf, PathBuf)>,
    pub insecure: bool,
    pub no_verify: bool,
    pub force: bool,
    pub json: bool,
    pub quiet: bool,
    /// 0, 1 or 2.
    pub verbose: u8,
    pub color: Color,
}

/// A command line that is not acted on.
pub struct Refusal {
    /// None where nothing was asked for: then the help is the answer.
    pub error: Option<Error>,
    pub help: &'static str,
    pub color: Color,
}

/// An option as it is typed.
struct Flag {
    name: &'static str,
    short: Option<&'static str>,
    value: bool,
}

const fn flag(name: &'static str, short: Option<&'static str>) -> Flag {
    Flag {
        name,
        short,
        value: false,
    }
}

const fn option(name: &'static str) -> Flag {
    Flag {
        name,
        short: None,
        value: true,
    }
}

/// Taken by every verb. Targets and sources come from the systems' tables.
static EVERYWHERE: [Flag; 18] = [
    option("--url"),
    option("--ca-file"),
    option("--client-cert"),
    option("--client-key"),
    option("--proxy"),
    option("--retries"),
    flag("--insecure", None),
    option("--connect-timeout"),
    option("--timeout"),
    option("--max-time"),
    option("--color"),
    flag("--no-verify", None),
    flag("--force", None),
    flag("--json", None),
    flag("--quiet", Some("-q")),
    flag("--verbose", Some("-v")),
    flag("--help", Some("-h")),
    flag("--version", Some("-V")),
];

/// Taken by the verbs that read a manifest.
static BATCH: [Flag; 6] = [
    option("--state"),
    option("--only"),
    option("--shard"),
    option("--junit"),
    option("--html"),
    flag("--prune", None),
];

/// The options of `BATCH` that each of them takes.
const BATCH_VERBS: [(BatchAction, &[&str], &str); 3] = [
    (
        BatchAction::Check,
        &["--only", "--shard", "--html"],
        include_str!("help/check.txt"),
    ),
    (
        BatchAction::Diff,
        &["--state", "--only", "--shard", "--junit", "--html"],
        include_str!("help/diff.txt"),
    ),
    (
        BatchAction::Apply,
        &[
            "--state", "--only", "--shard", "--junit", "--html", "--prune",
        ],
        include_str!("help/apply.txt"),
    ),
];

const HELP: &str = include_str!("help/avatarctl.txt");
const VERB_HELP: [(&str, &str); 3] = [
    ("set", include_str!("help/set.txt")),
    ("show", include_str!("help/show.txt")),
    ("list", include_str!("help/list.txt")),
];

/// Words that name secrets; whoever types them is told where secrets go.
const SECRETS: [&str; 8] = [
    "--password",
    "--token",
    "--auth-token",
    "--hash",
    "--api-key",
    "--secret",
    "--login",
    "--credentials",
];

/// Reads the arguments, the program's name not among them.
pub fn parse(arguments: Vec<OsString>, shard: Shard) -> std::result::Result<Command, Refusal> {
    let color = wanted_color(&arguments);
    let nothing = arguments.is_empty();
    let mut help = HELP;
    parse_with(arguments, shard, &mut help).map_err(|error| Refusal {
        error: (!nothing).then_some(error),
        help,
        color,
    })
}

fn parse_with(arguments: Vec<OsString>, shard: Shard, help: &mut &'static str) -> Result<Command> {
    let (words, typed) = spell(arguments)?;
    let mut words = words.into_iter();
    let mut arguments = Arguments::from_vec(typed);
    let asks_help = arguments.contains("--help");
    if arguments.contains("--version") {
        return Ok(Command::Text(
            concat!("avatarctl ", env!("CARGO_PKG_VERSION"), "\n").to_owned(),
        ));
    }
    let first = word(words.next())?;
    let second = word(words.next())?;
    let batch = BATCH_VERBS
        .iter()
        .find(|(action, _, _)| Some(action.name()) == first.as_deref());
    if let Some((action, own, help)) = batch {
        if asks_help {
            return Ok(Command::Text((*help).to_owned()));
        }
        if let Some(extra) = words.next() {
            return Err(unexpected(&extra));
        }
        return self::batch(*action, own, second, arguments, shard);
    }
    let system = first.as_deref().and_then(system::find);
    if let Some(system) = system {
        *help = system.help;
    }
    let verb = match system {
        Some(_) => second.as_deref(),
        None => first.as_deref(),
    };
    if asks_help {
        let verb = VERB_HELP.iter().find(|(known, _)| verb == Some(*known));
        return Ok(Command::Text(
            verb.map_or(*help, |(_, text)| text).to_owned(),
        ));
    }
    let Some(first) = first else {
        return Err(usage("a system is missing").hint(format!(
            "name one of {}, or check, diff or apply",
            systems().join(", ")
        )));
    };
    let Some(system) = system else {
        let mut words = systems();
        words.extend(BATCH_VERBS.iter().map(|(action, _, _)| action.name()));
        return Err(unknown_word("system", &first, &words));
    };
    let Some(verb) = second else {
        return Err(
            usage(format!("what is to be done on {} is missing", system.title))
                .hint(format!("name one of {}", verbs().join(", "))),
        );
    };
    let action = verb.as_str();
    if let Some((_, instead)) = system
        .missing
        .iter()
        .find(|(missing, _)| *missing == action)
    {
        return Err(usage(format!("{} has no {action}", system.title)).hint(*instead));
    }
    if !verbs().contains(&action) {
        return Err(unknown_word("verb", action, &verbs()));
    }
    foreign_flags(
        &arguments,
        &own_flags(system, action),
        &format!("{} {action}", system.name),
    )?;
    let target = target(&mut arguments, system, action)?;
    let action = match action {
        "set" => Action::Set(wish(&mut arguments, system)?),
        "show" => Action::Show,
        _ => Action::List,
    };
    let options = options(&mut arguments)?;
    if let Some(extra) = words.next() {
        return Err(unexpected(&extra));
    }
    let rest = arguments.finish();
    debug_assert!(rest.is_empty(), "every known option is taken: {rest:?}");
    Ok(Command::Account(Box::new(Account {
        system,
        action,
        target,
        options,
    })))
}

/// The variables that tell an agent of a CI engine its part: `CI_NODE_INDEX` and `CI_NODE_TOTAL`.
pub type Shard = (Option<String>, Option<String>);

fn batch(
    action: BatchAction,
    own: &[&str],
    manifest: Option<String>,
    mut arguments: Arguments,
    shard: Shard,
) -> Result<Command> {
    let arguments = &mut arguments;
    foreign_flags(arguments, own, action.name())?;
    let Some(manifest) = manifest else {
        return Err(usage(format!("{} needs a manifest", action.name())));
    };
    let manifest = PathBuf::from(manifest);
    let path = |arguments: &mut Arguments, name| match value(arguments, name) {
        Some(path) if path.is_empty() => Err(usage(format!("{name} is empty"))),
        other => Ok(other.map(PathBuf::from)),
    };
    let state =
        path(arguments, "--state")?.unwrap_or_else(|| manifest.with_added_extension("state"));
    let only = string(arguments, "--only")?;
    if only.as_deref() == Some("") {
        return Err(usage("--only is empty"));
    }
    let shard = match string(arguments, "--shard")?.as_deref() {
        None => None,
        Some("auto") => auto(shard)?,
        Some(text) => Some(part(text).ok_or_else(|| {
            usage(format!(
                "--shard takes I/N with I from 1 to N, or auto, not {}",
                quote(text)
            ))
        })?),
    };
    let options = options(arguments)?;
    if options.url.is_some() {
        return Err(usage(format!("--url is no option of {}", action.name()))
            .hint("the manifest names the servers"));
    }
    Ok(Command::Batch(Box::new(Batch {
        action,
        manifest,
        state,
        selection: Selection { only, shard },
        junit: path(arguments, "--junit")?,
        html: path(arguments, "--html")?,
        prune: arguments.contains("--prune"),
        options,
    })))
}

/// `2/3`
fn part(text: &str) -> Option<(usize, usize)> {
    let (part, parts) = text.split_once('/')?;
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<usize>()
            .ok()
            .filter(|number| digits && *number >= 1)
    };
    let (part, parts) = (number(part)?, number(parts)?);
    (part <= parts).then_some((part, parts))
}

/// A set-up that is half there must never mean everything: every agent would do it.
fn auto((index, total): Shard) -> Result<Option<(usize, usize)>> {
    let incomplete = |why: &str| {
        Err(usage(format!("--shard auto: {why}"))
            .hint("run the job with the CI engine's parallelism, or give --shard I/N"))
    };
    match (index.as_deref(), total.as_deref()) {
        (None, Some("1")) => Ok(None),
        (Some(index), Some(total)) => match part(&format!("{index}/{total}")) {
            Some(part) => Ok(Some(part)),
            None => incomplete("CI_NODE_INDEX and CI_NODE_TOTAL are no part of a whole"),
        },
        (None, Some(_)) => incomplete("CI_NODE_TOTAL is set and CI_NODE_INDEX is not"),
        (Some(_), None) => incomplete("CI_NODE_INDEX is set and CI_NODE_TOTAL is not"),
        (None, None) => incomplete("neither CI_NODE_INDEX nor CI_NODE_TOTAL is set"),
    }
}

/// What is assigned behind the command may be a secret.
fn unexpected(word: &OsStr) -> Error {
    let (name, assigned) = split(word);
    let error = usage(format!("unexpected argument {}", quote(&name)));
    match assigned {
        Some(_) => error.hint("variables are set before the command: NAME=value avatarctl ..."),
        None => error,
    }
}

fn usage(message: impl Into<String>) -> Error {
    Error::new(Class::Usage, message)
}

fn systems() -> Vec<&'static str> {
    system::ALL.iter().map(|system| system.name).collect()
}

fn verbs() -> Vec<&'static str> {
    VERB_HELP.iter().map(|(verb, _)| *verb).collect()
}

// --- words as they are typed ---

/// Before a value, so that pico-args, which looks for an option's name anywhere, never takes one for an
/// option.
const MARK: &str = "=";

/// Sorts the arguments into plain words and options, and the options into the one form that leaves pico-args
/// nothing to guess: the long name, and the marked value as a word of its own. Refuses what it would let
/// pass: unknown and repeated options, and values that look like options.
fn spell(arguments: Vec<OsString>) -> Result<(Vec<OsString>, Vec<OsString>)> {
    let mut words = Vec::new();
    let mut options: Vec<OsString> = Vec::new();
    let known = flags();
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
        // -vv is -v twice, and the one option that may be.
        if argument == "-vv" {
            options.extend(["--verbose".into(), "--verbose".into()]);
            continue;
        }
        let (name, attached) = split(&argument);
        let flag = known
            .iter()
            .find(|flag| flag.name == name || flag.short == Some(name.as_str()));
        let Some(flag) = flag else {
            words.extend(rest.filter(|word| !word.as_bytes().starts_with(b"-")));
            return Err(unknown_option(&name, &words));
        };
        if options.iter().any(|given| given == flag.name) && flag.name != "--verbose" {
            return Err(usage(format!("{} is given twice", flag.name)));
        }
        options.push(flag.name.into());
        match (flag.value, attached) {
            (true, Some(value)) => options.push(marked(&value)),
            (true, None) => options.push(marked(&following(flag.name, rest.next())?)),
            (false, None) => {}
            (false, Some(_)) => return Err(usage(format!("{} takes no value", flag.name))),
        }
    }
    Ok((words, options))
}

/// The word behind an option. An unset variable of a Makefile must not make the next option its value.
fn following(name: &str, value: Option<OsString>) -> Result<OsString> {
    match value {
        None => Err(usage(format!("{name} needs a value"))),
        Some(value) if value.as_bytes().starts_with(b"-") && value != "-" => Err(usage(format!(
            "{name} needs a value, and {} looks like an option",
            quote(shown(&split(&value).0))
        ))
        .hint(format!("write {name}=VALUE for a value that begins with -"))),
        Some(value) => Ok(value),
    }
}

/// `--name=value` into its parts.
fn split(argument: &OsStr) -> (String, Option<OsString>) {
    let bytes = argument.as_bytes();
    match bytes.iter().position(|byte| *byte == b'=') {
        None => (argument.to_string_lossy().into_owned(), None),
        Some(at) => {
            let name = String::from_utf8_lossy(&bytes[..at]).into_owned();
            (name, Some(OsStr::from_bytes(&bytes[at + 1..]).to_owned()))
        }
    }
}

fn marked(word: &OsStr) -> OsString {
    let mut marked = OsString::from(MARK);
    marked.push(word);
    marked
}

fn word(word: Option<OsString>) -> Result<Option<String>> {
    word.map(|word| {
        word.into_string()
            .map_err(|_| usage("an argument is not valid UTF-8"))
    })
    .transpose()
}

fn value(arguments: &mut Arguments, name: &'static str) -> Option<OsString> {
    arguments
        .opt_value_from_os_str(name, |word| {
            Ok::<_, std::convert::Infallible>(
                OsStr::from_bytes(&word.as_bytes()[MARK.len()..]).to_owned(),
            )
        })
        .expect("every option that takes a value was given one")
}

fn string(arguments: &mut Arguments, name: &'static str) -> Result<Option<String>> {
    value(arguments, name)
        .map(|value| {
            value
                .into_string()
                .map_err(|_| usage(format!("{name}: not valid UTF-8")))
        })
        .transpose()
}

fn flags() -> Vec<Flag> {
    let mut flags: Vec<Flag> = EVERYWHERE
        .iter()
        .chain(&BATCH)
        .map(|known| Flag { ..*known })
        .collect();
    for system in system::ALL {
        let targets = system.targets.iter().map(|kind| kind.flag);
        for name in targets.chain(system.sources.iter().filter_map(|source| source.flag())) {
            if !flags.iter().any(|known| known.name == name) {
                flags.push(option(name));
            }
        }
    }
    flags
}

// --- refusals that help ---

/// An option as it may be repeated: what hangs on a letter, as in `-psecret`, may be a secret, unless it is
/// nearly a known option.
fn shown(name: &str) -> &str {
    let known = flags();
    let near = nearest(name, known.iter().map(|flag| flag.name));
    match name.starts_with("--") || near.is_some_and(|near| distance(name, near) <= 2) {
        true => name,
        false => {
            let end = name.char_indices().nth(2).map_or(name.len(), |(at, _)| at);
            &name[..end]
        }
    }
}

/// `words` tell the system and verb, whose options are the ones to choose from.
fn unknown_option(name: &str, words: &[OsString]) -> Error {
    let error = usage(format!("unknown option {}", quote(shown(name))));
    if SECRETS.contains(&name.to_lowercase().as_str()) {
        return error.hint("secrets never stand on the command line; set the system's variables, avatarctl SYSTEM --help names them");
    }
    let word = |at: usize| words.get(at).and_then(|word| word.to_str());
    let mut own: Vec<&str> = EVERYWHERE.iter().map(|flag| flag.name).collect();
    match (
        word(0).and_then(system::find),
        BATCH_VERBS
            .iter()
            .find(|(action, _, _)| Some(action.name()) == word(0)),
    ) {
        (Some(system), _) => own.extend(own_flags(system, word(1).unwrap_or("set"))),
        (None, Some((_, batch, _))) => own.extend(*batch),
        (None, None) => own = flags().iter().map(|flag| flag.name).collect(),
    }
    match nearest(name, own.into_iter()) {
        Some(near) => error.hint(format!("the nearest one is {near}")),
        None => error,
    }
}

fn unknown_word(what: &str, typed: &str, known: &[&'static str]) -> Error {
    let (typed, assigned) = split(OsStr::new(typed));
    let error = usage(format!("unknown {what} {}", quote(&typed)));
    match nearest(&typed, known.iter().copied()) {
        _ if assigned.is_some() => {
            error.hint("variables are set before the command: NAME=value avatarctl ...")
        }
        Some(near) if distance(&typed.to_lowercase(), near) <= 3 => {
            error.hint(format!("the nearest one is {near}"))
        }
        _ => error.hint(format!("name one of {}", known.join(", "))),
    }
}

fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    known.min_by_key(|name| distance(&typed, name))
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

/// Targets and sources that this verb of this system takes.
fn own_flags(system: &System, action: &str) -> Vec<&'static str> {
    let mut own = Vec::new();
    if action != "list" || system.list_takes_target {
        own.extend(system.targets.iter().map(|kind| kind.flag));
    }
    if action == "set" {
        own.extend(system.sources.iter().filter_map(|source| source.flag()));
    }
    own
}

/// Options that exist, but not here.
fn foreign_flags(arguments: &Arguments, own: &[&str], place: &str) -> Result<()> {
    let typed = arguments.clone().finish();
    for argument in typed.iter().filter_map(|argument| argument.to_str()) {
        let everywhere = EVERYWHERE.iter().any(|flag| flag.name == argument);
        if argument.starts_with("--") && !everywhere && !own.contains(&argument) {
            let error = usage(format!("{argument} is no option of {place}"));
            // Who names a target is told how targets are named here, who names an avatar how avatars are.
            let names = |argument: &str| {
                system::ALL
                    .iter()
                    .any(|system| system.targets.iter().any(|kind| kind.flag == argument))
            };
            let alike = own
                .iter()
                .copied()
                .filter(|flag| names(flag) == names(argument));
            return Err(match nearest(argument, alike) {
                Some(near) => error.hint(format!("the nearest one is {near}")),
                None => error,
            });
        }
    }
    Ok(())
}

// --- what the words mean ---

fn target(arguments: &mut Arguments, system: &'static System, action: &str) -> Result<Target> {
    let mut found = None;
    for kind in system.targets {
        let Some(value) = string(arguments, kind.flag)? else {
            continue;
        };
        // Never "no target": that would change the caller's own picture.
        if value.trim().is_empty() {
            return Err(usage(format!("{} is empty", kind.flag))
                .hint("is the variable set that it comes from?"));
        }
        if kind.number {
            number(kind.flag, &value)?;
        }
        if let Some(Target::Named { kind: other, .. }) = found {
            let other: &TargetKind = other;
            return Err(usage(format!(
                "{} and {} both name the target",
                other.flag, kind.flag
            )));
        }
        found = Some(Target::Named { kind, value });
    }
    match found {
        Some(target) => Ok(target),
        None if system.caller || action == "list" => Ok(Target::Caller),
        None => {
            let flags: Vec<&str> = system.targets.iter().map(|kind| kind.flag).collect();
            Err(usage(format!(
                "{} {action} needs {}",
                system.name,
                flags.join(" or ")
            )))
        }
    }
}

/// An id as the decimal number it is.
fn number(name: &str, text: &str) -> Result<String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(number) if digits && number >= 1 => Ok(number.to_string()),
        Err(_) if digits => Err(usage(format!(
            "{name}: {} is too large for an id",
            quote(text)
        ))),
        _ => Err(usage(format!(
            "{name} takes a number from 1 up, not {}",
            quote(text)
        ))),
    }
}

fn wish(arguments: &mut Arguments, system: &System) -> Result<Wish> {
    let mut found: Option<(&str, Wish)> = None;
    for source in system.sources {
        let Some(name) = source.flag() else {
            continue;
        };
        let Some(value) = value(arguments, name) else {
            continue;
        };
        if value.is_empty() {
            return Err(
                usage(format!("{name} is empty")).hint("is the variable set that it comes from?")
            );
        }
        let wish = meant(*source, name, value)?;
        if let Some((other, _)) = found {
            return Err(usage(format!("{other} and {name} both name the avatar")));
        }
        found = Some((name, wish));
    }
    match found {
        Some((_, wish)) => Ok(wish),
        None => {
            let names: Vec<&str> = system
                .sources
                .iter()
                .filter_map(|source| source.flag())
                .collect();
            Err(usage(format!(
                "{} set needs {}",
                system.name,
                names.join(" or ")
            )))
        }
    }
}

fn meant(source: Source, name: &str, value: OsString) -> Result<Wish> {
    let text = || {
        value
            .to_str()
            .ok_or_else(|| usage(format!("{name}: not valid UTF-8")))
    };
    match source {
        Source::Picture if value == "-" => Ok(Wish::Stdin),
        Source::Picture => Ok(Wish::File(value.into())),
        Source::Preset {
            noun, none: true, ..
        } if value == "null" => Ok(Wish::NoPreset(noun)),
        Source::Preset { noun, none, .. } => match (number(name, text()?), none) {
            (Ok(id), _) => Ok(Wish::Preset(noun, id)),
            (Err(error), true) => {
                Err(error.hint(format!("{name} null shows the uploaded picture")))
            }
            (Err(error), false) => Err(error),
        },
        Source::Generated => Ok(Wish::Generated),
        Source::Address => {
            let address = text()?;
            // The address may hold a secret: it is not repeated.
            if !system::is_web_address(address) {
                return Err(usage(format!("{name} takes an http or https address"))
                    .hint("upload a file with --image"));
            }
            Ok(Wish::Address(address.to_owned()))
        }
    }
}

fn options(arguments: &mut Arguments) -> Result<Options> {
    let color = match string(arguments, "--color")?.as_deref() {
        None | Some("auto") => Color::Auto,
        Some("always") => Color::Always,
        Some("never") => Color::Never,
        Some(other) => {
            return Err(usage(format!(
                "--color takes auto, always or never, not {}",
                quote(other)
            )));
        }
    };
    let mut verbose = 0;
    while arguments.contains("--verbose") {
        verbose += 1;
    }
    Ok(Options {
        url: string(arguments, "--url")?,
        ca_file: value(arguments, "--ca-file").map(PathBuf::from),
        connect_timeout: seconds(arguments, "--connect-timeout")?
            .unwrap_or(Duration::from_secs(10)),
        timeout: seconds(arguments, "--timeout")?.unwrap_or(Duration::from_secs(60)),
        max_time: seconds(arguments, "--max-time")?,
        retries: retries(arguments)?.unwrap_or(3),
        proxy: string(arguments, "--proxy")?,
        client: client(arguments)?,
        insecure: arguments.contains("--insecure"),
        no_verify: arguments.contains("--no-verify"),
        force: arguments.contains("--force"),
        json: arguments.contains("--json"),
        quiet: arguments.contains("--quiet"),
        verbose: verbose.min(2),
        color,
    })
}

fn retries(arguments: &mut Arguments) -> Result<Option<u32>> {
    let Some(text) = string(arguments, "--retries")? else {
        return Ok(None);
    };
    match text.parse::<u32>() {
        Ok(number) if number <= 100 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Some(number))
        }
        _ => Err(usage(format!(
            "--retries takes a number from 0 to 100, not {}",
            quote(&text)
        ))),
    }
}

/// A key may stand in the certificate's file.
fn client(arguments: &mut Arguments) -> Result<Option<(PathBuf, PathBuf)>> {
    let chain = value(arguments, "--client-cert").map(PathBuf::from);
    let key = value(arguments, "--client-key").map(PathBuf::from);
    match (chain, key) {
        (None, Some(_)) => Err(usage("--client-key needs --client-cert")),
        (Some(chain), None) => Ok(Some((chain.clone(), chain))),
        (Some(chain), Some(key)) => Ok(Some((chain, key))),
        (None, None) => Ok(None),
    }
}

/// More than 0 and at most a year; thousandths are allowed.
fn seconds(arguments: &mut Arguments, name: &'static str) -> Result<Option<Duration>> {
    let Some(text) = string(arguments, name)? else {
        return Ok(None);
    };
    match milliseconds(&text) {
        Some(time @ 1..=31_536_000_000) => Ok(Some(Duration::from_millis(time))),
        _ => Err(usage(format!(
            "{name} takes seconds above 0, not {}",
            quote(&text)
        ))),
    }
}

/// `2`, `0.5`; digits behind the third do not count.
fn milliseconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return None;
    }
    let part: u64 = format!("{part}000").get(..3)?.parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(part)
}

/// For messages about arguments that could not be read as a whole.
fn wanted_color(arguments: &[OsString]) -> Color {
    let always = |pair: &[OsString]| pair[0] == "--color" && pair[1] == "always";
    let never = |pair: &[OsString]| pair[0] == "--color" && pair[1] == "never";
    match arguments {
        _ if arguments.iter().any(|one| one == "--color=always")
            || arguments.windows(2).any(always) =>
        {
            Color::Always
        }
        _ if arguments.iter().any(|one| one == "--color=never")
            || arguments.windows(2).any(never) =>
        {
            Color::Never
        }
        _ => Color::Auto,
    }
}
