//! Arguments to a command. What was typed is checked here, completely, before anything is opened or sent;
//! what it means to a system is in the system's table. The only file that knows pico-args.

pub mod completions;
pub mod grammar;
pub mod help;
pub mod manual;
pub mod shard;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use pico_args::Arguments;

use crate::cli::grammar::{Flag, GLOBAL, Place, Verb};
use crate::error::{Class, Error, Result};
use crate::plan::Selection;
use crate::settings::environment::Environment;
use crate::system::avatar::{Choice, Target, TargetKind};
use crate::system::{self, System};
use crate::terminal::{Color, quote};

/// What was asked for.
pub enum Command {
    /// Help or version, for standard output.
    Text(String),
    Account(Box<Account>),
    Batch(Box<Batch>),
    /// A completion script for this shell.
    Completions(String),
    /// The manual page.
    Manual,
    /// A manifest to start from.
    Example,
}

/// Many accounts, declared in a file.
pub struct Batch {
    pub action: BatchAction,
    pub manifest: Origin,
    /// The state file; diff and apply always have one.
    pub state: Option<PathBuf>,
    /// How long to wait for another run that holds it.
    pub lock_timeout: Duration,
    pub selection: Selection,
    pub junit: Option<PathBuf>,
    pub html: Option<PathBuf>,
    pub prune: bool,
    pub options: Options,
}

/// Where a manifest comes from.
pub enum Origin {
    Stdin,
    File(PathBuf),
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
    Set(Choice),
    Show,
    List,
    Reset,
    /// A custom avatar, by its id.
    Delete(String),
    Whoami,
}

impl Action {
    pub fn name(&self) -> &'static str {
        match self {
            Action::Set(_) => "set",
            Action::Show => "show",
            Action::List => "list",
            Action::Reset => "reset",
            Action::Delete(_) => "delete",
            Action::Whoami => "whoami",
        }
    }
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
    pub netrc: Option<PathBuf>,
    /// Certificate chain and key.
    pub client: Option<(PathBuf, PathBuf)>,
    pub insecure: bool,
    pub no_verify: bool,
    pub force: bool,
    pub dry_run: bool,
    pub json: bool,
    pub quiet: bool,
    /// 0, 1 or 2.
    pub verbose: u8,
    pub color: Color,
}

/// A command line that is refused.
pub struct Refusal {
    /// None if nothing was asked for: then the help is the answer.
    pub error: Option<Error>,
    pub color: Color,
}

/// Words that name secrets; whoever types one is told where secrets belong.
const SECRETS: [&str; 7] = [
    "pass",
    "token",
    "hash",
    "api-key",
    "secret",
    "--login",
    "credential",
];

/// Reads the arguments, without the program's name.
pub fn parse(
    arguments: Vec<OsString>,
    environment: &Environment,
) -> std::result::Result<Command, Refusal> {
    let color = wanted_color(&arguments);
    let nothing = arguments.is_empty();
    parse_with(arguments, environment).map_err(|error| Refusal {
        error: (!nothing).then_some(error),
        color,
    })
}

fn parse_with(arguments: Vec<OsString>, environment: &Environment) -> Result<Command> {
    let (mut words, typed) = spell(arguments)?;
    let mut arguments = Arguments::from_vec(typed);
    let mut asks_help = arguments.contains("--help");
    if words.first().is_some_and(|word| word == "help") {
        words.remove(0);
        asks_help = true;
    }
    let mut words = words.into_iter();
    if arguments.contains("--version") {
        return Ok(Command::Text(
            concat!("avatarctl ", env!("CARGO_PKG_VERSION"), "\n").to_owned(),
        ));
    }
    let (first, behind) = (words.next(), words.next());
    // No system or verb has a name that is not UTF-8; a file may have one.
    let text = |word: &OsString| word.to_string_lossy().into_owned();
    let second = behind.as_ref().map(text);
    let first = first.as_ref().map(text);
    let system = first.as_deref().and_then(system::find);
    let verb = match system {
        Some(_) => second.as_deref(),
        None => first.as_deref(),
    };
    let verb = verb.and_then(grammar::verb);
    if asks_help {
        return Ok(Command::Text(match (verb, system) {
            (Some(verb), _) => help::of(verb),
            (None, Some(system)) => system.help.to_owned(),
            (None, None) => help::main(),
        }));
    }
    let command = match (system, verb) {
        (Some(system), verb) => account(system, verb, second, &mut arguments)?,
        (None, Some(verb)) => match verb.place {
            Place::Manifest => batch(verb, behind, &mut arguments, environment)?,
            Place::Alone(choices) => alone(verb, choices, second, &arguments)?,
            Place::System => {
                let system = second.as_deref().and_then(system::find);
                let system = system.map_or("SYSTEM", |system| system.name);
                return Err(
                    usage(format!("{} needs a system before it", verb.name)).hint(format!(
                        "write avatarctl {system} {}; the systems are {}",
                        verb.name,
                        systems().join(", ")
                    )),
                );
            }
        },
        (None, None) => {
            let mut known = systems();
            known.extend(
                grammar::VERBS
                    .iter()
                    .filter(|verb| verb.place != Place::System)
                    .map(|verb| verb.name),
            );
            return Err(match first {
                Some(first) => unknown_word("system", &first, &known),
                None => usage("a system is missing").hint(format!(
                    "name one of {}, or check, diff or apply",
                    systems().join(", ")
                )),
            });
        }
    };
    if let Some(extra) = words.next() {
        return Err(unexpected(&extra));
    }
    let rest = arguments.finish();
    debug_assert!(rest.is_empty(), "every known option is taken: {rest:?}");
    Ok(command)
}

fn account(
    system: &'static System,
    verb: Option<&Verb>,
    typed: Option<String>,
    arguments: &mut Arguments,
) -> Result<Command> {
    let verbs = || -> Vec<&str> { grammar::verbs_of(system).map(|verb| verb.name).collect() };
    let Some(typed) = typed else {
        return Err(usage(format!("a verb is missing after {}", system.name))
            .hint(format!("name one of {}", verbs().join(", "))));
    };
    if let Some(instead) = grammar::instead(system, &typed) {
        return Err(usage(format!("{} has no {typed}", system.title)).hint(instead));
    }
    if let Some(verb) = verb.filter(|verb| verb.place != Place::System) {
        return Err(
            usage(format!("{} is not a verb of {}", verb.name, system.name))
                .hint(format!("see avatarctl {} --help", verb.name)),
        );
    }
    let Some(verb) = verb else {
        return Err(unknown_word("verb", &typed, &verbs()));
    };
    let place = format!("{} {}", system.name, verb.name);
    foreign_flags(arguments, &verb.options(Some(system)), &place)?;
    let target = target(arguments, system, verb)?;
    let action = match verb.name {
        "set" => Action::Set(choice(arguments, system, verb)?),
        "show" => Action::Show,
        "list" => Action::List,
        "reset" => Action::Reset,
        "delete" => match choice(arguments, system, verb)? {
            Choice::Preset(_, Some(id)) => Action::Delete(id),
            _ => unreachable!("delete takes an id alone"),
        },
        "whoami" => Action::Whoami,
        other => unreachable!("the table has no other verb of a system: {other}"),
    };
    Ok(Command::Account(Box::new(Account {
        system,
        action,
        target,
        options: options(arguments)?,
    })))
}

/// A verb that needs neither a server nor a manifest.
fn alone(
    verb: &Verb,
    choices: &[&'static str],
    choice: Option<String>,
    arguments: &Arguments,
) -> Result<Command> {
    if let Some(option) = options_of(arguments).first() {
        return Err(usage(format!("{option} is not an option of {}", verb.name)));
    }
    match (choices, choice) {
        ([], None) => Ok(match verb.name {
            "man" => Command::Manual,
            "example" => Command::Example,
            other => unreachable!("the table has no other verb that stands alone: {other}"),
        }),
        ([], Some(extra)) => Err(unexpected(OsStr::new(&extra))),
        (_, Some(shell)) if choices.contains(&shell.as_str()) => Ok(Command::Completions(shell)),
        (_, Some(other)) => Err(unknown_word("shell", &other, choices)),
        (_, None) => Err(usage(format!("{} needs a shell", verb.name))
            .hint(format!("name one of {}", choices.join(", ")))),
    }
}

fn batch(
    verb: &Verb,
    manifest: Option<OsString>,
    arguments: &mut Arguments,
    environment: &Environment,
) -> Result<Command> {
    let action = match verb.name {
        "check" => BatchAction::Check,
        "diff" => BatchAction::Diff,
        "apply" => BatchAction::Apply,
        other => unreachable!("the table has no other verb with a manifest: {other}"),
    };
    foreign_flags(arguments, &verb.options(None), verb.name)?;
    let Some(manifest) = manifest else {
        return Err(usage(format!("{} needs a manifest", action.name())));
    };
    let manifest = match manifest {
        dash if dash == "-" => Origin::Stdin,
        file => Origin::File(file.into()),
    };
    let path = |arguments: &mut Arguments, name| match value(arguments, name) {
        Some(path) if path.is_empty() => Err(usage(format!("{name} is empty"))),
        other => Ok(other.map(PathBuf::from)),
    };
    let state = match (path(arguments, "--state")?, &manifest) {
        (Some(state), _) => Some(state),
        (None, Origin::File(file)) => Some(file.with_added_extension("state")),
        (None, Origin::Stdin) if action == BatchAction::Check => None,
        (None, Origin::Stdin) => {
            return Err(usage(format!("{} - needs --state", action.name()))
                .hint("a manifest from standard input has no name to put .state behind"));
        }
    };
    let only = string(arguments, "--only")?;
    if only.as_deref() == Some("") {
        return Err(usage("--only is empty"));
    }
    let shard = match string(arguments, "--shard")? {
        Some(text) => shard::part(&text, &|name| environment.plain(name))?,
        None => None,
    };
    let options = options(arguments)?;
    if options.url.is_some() {
        return Err(
            usage(format!("--url is not an option of {}", action.name()))
                .hint("the manifest names the servers"),
        );
    }
    Ok(Command::Batch(Box::new(Batch {
        action,
        manifest,
        state,
        lock_timeout: seconds(arguments, "--lock-timeout", 0)?.unwrap_or_default(),
        selection: Selection { only, shard },
        junit: path(arguments, "--junit")?,
        html: path(arguments, "--html")?,
        prune: arguments.contains("--prune"),
        options,
    })))
}

/// What is assigned after the command may be a secret.
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

// --- words as they are typed ---

/// Put before each value: pico-args looks for an option's name everywhere, and must not find one in a value.
const MARK: &str = "=";

/// Sorts the arguments into plain words and options, and the options into the one form that leaves pico-args
/// nothing to guess: the long name, and the marked value as a word of its own. Refuses what it would let
/// pass: unknown and repeated options, and values that look like options.
fn spell(arguments: Vec<OsString>) -> Result<(Vec<OsString>, Vec<OsString>)> {
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
        match (flag.value.name(), attached) {
            (Some(_), Some(value)) => options.push(marked(&value)),
            (Some(_), None) => options.push(marked(&following(flag.name, rest.next())?)),
            (None, None) => {}
            (None, Some(_)) => return Err(usage(format!("{} takes no value", flag.name))),
        }
    }
    Ok((words, options))
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
                .map_err(|_| usage(format!("{name} is not valid UTF-8")))
        })
        .transpose()
}

// --- refusals that help ---

/// An option as a message may repeat it: what follows a single letter, as in `-psecret`, may be a secret, unless
/// the whole is nearly a known option.
fn shown(name: &str) -> &str {
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

/// `words` tell the system and verb, whose options are the ones to choose from.
fn unknown_option(name: &str, words: &[OsString]) -> Error {
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
    // A typing error must not lead to it.
    let own = own.iter().map(|flag| flag.name);
    let own = own.filter(|known| *known != "--insecure" || distance(name, known) <= 4);
    // A single letter is near to any name.
    let near = |near: &&str| name.starts_with("--") || distance(name, near) <= 2;
    match nearest(name, own).filter(near) {
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
        // A word that has nothing in common with any was not misspelt.
        Some(near) if distance(&typed.to_lowercase(), near) <= 3.min(near.len() - 1) => {
            error.hint(format!("the nearest one is {near}"))
        }
        _ => error.hint(format!("name one of {}", known.join(", "))),
    }
}

fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    // Whoever stops in the middle of a word means that word.
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

/// The options that were typed.
fn options_of(arguments: &Arguments) -> Vec<String> {
    let typed = arguments.clone().finish().into_iter();
    typed
        .filter_map(|word| word.into_string().ok())
        .filter(|word| word.starts_with("--"))
        .collect()
}

/// Options that exist, but not here.
fn foreign_flags(arguments: &Arguments, own: &[Flag], place: &str) -> Result<()> {
    let known = |typed: &str| {
        let here = |flag: &Flag| flag.name == typed;
        GLOBAL.iter().any(here) || own.iter().any(here)
    };
    let Some(typed) = options_of(arguments)
        .into_iter()
        .find(|typed| !known(typed))
    else {
        return Ok(());
    };
    let error = usage(format!("{typed} is not an option of {place}"));
    if typed == "--dry-run" {
        return Err(error.hint(match place {
            "apply" => "diff says what apply would do, and writes nothing".to_owned(),
            "diff" => "diff writes nothing, and says what apply would do".to_owned(),
            "check" => "check reaches no server".to_owned(),
            other => format!("{other} changes nothing"),
        }));
    }
    // Whoever named a target is told the options that name targets here; the same for avatars.
    let role = |name: &str| {
        let targets = |system: &&System| system.targets.iter().any(|kind| kind.flag == name);
        let sources = |system: &&System| {
            let mut sources = grammar::avatars(system, "set").into_iter();
            sources.any(|flag| flag.name == name)
        };
        let systems = || system::ALL.into_iter();
        (
            systems().any(|system| targets(&system)),
            systems().any(|system| sources(&system)),
        )
    };
    let wanted = role(&typed);
    let alike = own
        .iter()
        .map(|flag| flag.name)
        .filter(|name| wanted != (false, false) && role(name) == wanted);
    Err(match nearest(&typed, alike) {
        Some(near) => error.hint(format!("the nearest one is {near}")),
        None => error,
    })
}

// --- what the words mean ---

fn target(arguments: &mut Arguments, system: &'static System, verb: &Verb) -> Result<Target> {
    let mut found = None;
    for kind in system.targets {
        let Some(value) = string(arguments, kind.flag)? else {
            continue;
        };
        // Never "no target": that would change the caller's own picture.
        if value.trim().is_empty() {
            return Err(usage(format!("{} is empty", kind.flag))
                .hint("is the variable that it comes from set?"));
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
        None if system.caller || !grammar::takes_target(system, verb.name) => Ok(Target::Caller),
        None => {
            let flags: Vec<&str> = system.targets.iter().map(|kind| kind.flag).collect();
            Err(usage(format!(
                "{} {} needs {}",
                system.name,
                verb.name,
                flags.join(" or ")
            )))
        }
    }
}

/// A value that an option does not take.
fn not_taken(name: &str, takes: &str, value: &str) -> Error {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    match digits && value.parse::<u64>().is_err() {
        true => usage(format!("{name}: {} is too large for an id", quote(value))),
        false => usage(format!("{name} takes {takes}, not {}", quote(value))),
    }
}

fn choice(arguments: &mut Arguments, system: &System, verb: &Verb) -> Result<Choice> {
    let mut found: Option<(&str, Choice)> = None;
    let flags = grammar::avatars(system, verb.name);
    for Flag { name, .. } in &flags {
        let Some(value) = value(arguments, name) else {
            continue;
        };
        if value.is_empty() {
            return Err(
                usage(format!("{name} is empty")).hint("is the variable that it comes from set?")
            );
        }
        let choice = meant(system, name, value)?;
        if let Some((other, _)) = found {
            return Err(usage(format!("{other} and {name} both name the avatar")));
        }
        found = Some((name, choice));
    }
    match found {
        Some((_, choice)) => Ok(choice),
        None => {
            let names: Vec<&str> = flags.iter().map(|flag| flag.name).collect();
            Err(usage(format!(
                "{} {} needs {}",
                system.name,
                verb.name,
                names.join(" or ")
            )))
        }
    }
}

fn meant(system: &System, name: &str, value: OsString) -> Result<Choice> {
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
        connect_timeout: seconds(arguments, "--connect-timeout", 1)?
            .unwrap_or(Duration::from_secs(10)),
        timeout: seconds(arguments, "--timeout", 1)?.unwrap_or(Duration::from_secs(60)),
        max_time: seconds(arguments, "--max-time", 1)?,
        retries: retries(arguments)?.unwrap_or(3),
        proxy: string(arguments, "--proxy")?,
        netrc: value(arguments, "--netrc").map(PathBuf::from),
        client: client(arguments)?,
        insecure: arguments.contains("--insecure"),
        no_verify: arguments.contains("--no-verify"),
        force: arguments.contains("--force"),
        dry_run: arguments.contains("--dry-run"),
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

/// The key may be in the certificate's file.
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

/// From so many thousandths to a year.
fn seconds(arguments: &mut Arguments, name: &'static str, least: u64) -> Result<Option<Duration>> {
    let Some(text) = string(arguments, name)? else {
        return Ok(None);
    };
    match milliseconds(&text) {
        Some(time) if (least..=31_536_000_000).contains(&time) => {
            Ok(Some(Duration::from_millis(time)))
        }
        _ => {
            let range = if least == 0 { "from 0 up" } else { "above 0" };
            let text = quote(&text);
            Err(usage(format!("{name} takes seconds {range}, not {text}")))
        }
    }
}

/// `2`, `0.5`; digits after the third are ignored.
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
