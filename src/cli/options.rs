//! The options that every verb about accounts takes, and the reading of their values.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::arguments::Arguments;
use crate::cli::{empty, usage};
use crate::error::Result;
use crate::terminal::{Color, quote};

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

impl Options {
    /// Errors: usage.
    pub fn read(arguments: &mut Arguments) -> Result<Options> {
        let color = match arguments.text("--color")?.as_deref() {
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
            url: arguments.text("--url")?,
            ca_file: arguments.path("--ca-file"),
            connect_timeout: seconds(arguments, "--connect-timeout", 1)?
                .unwrap_or(Duration::from_secs(10)),
            timeout: seconds(arguments, "--timeout", 1)?.unwrap_or(Duration::from_secs(60)),
            max_time: seconds(arguments, "--max-time", 1)?,
            retries: retries(arguments)?.unwrap_or(3),
            proxy: arguments.text("--proxy")?,
            netrc: arguments.path("--netrc"),
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

    /// The same for a verb whose manifest names the servers.
    ///
    /// Errors: usage.
    pub(super) fn read_without_url(arguments: &mut Arguments, verb: &str) -> Result<Options> {
        let options = Options::read(arguments)?;
        match options.url {
            None => Ok(options),
            Some(_) => Err(usage(format!("--url is not an option of {verb}"))
                .hint("the manifest names the servers")),
        }
    }
}

/// The path that an option names. A file of the name `-` would surprise whoever means standard output.
///
/// Errors: usage, if it is empty or `-`.
pub(super) fn path(arguments: &mut Arguments, name: &'static str) -> Result<Option<PathBuf>> {
    match path_or_dash(arguments, name)? {
        Some(path) if path.as_os_str() == "-" => {
            Err(usage(format!("{name} takes a path, not -")).hint("write ./- for one of that name"))
        }
        path => Ok(path),
    }
}

/// The same of an option for which `-` is standard output.
pub(super) fn path_or_dash(
    arguments: &mut Arguments,
    name: &'static str,
) -> Result<Option<PathBuf>> {
    match arguments.path(name) {
        Some(path) if path.as_os_str().is_empty() => Err(empty(name)),
        path => Ok(path),
    }
}

fn retries(arguments: &mut Arguments) -> Result<Option<u32>> {
    let Some(text) = arguments.text("--retries")? else {
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
    let chain = arguments.path("--client-cert");
    let key = arguments.path("--client-key");
    match (chain, key) {
        (None, Some(_)) => Err(usage("--client-key needs --client-cert")),
        (Some(chain), None) => Ok(Some((chain.clone(), chain))),
        (Some(chain), Some(key)) => Ok(Some((chain, key))),
        (None, None) => Ok(None),
    }
}

/// From so many thousandths to a year.
pub(super) fn seconds(
    arguments: &mut Arguments,
    name: &'static str,
    least: u64,
) -> Result<Option<Duration>> {
    let Some(text) = arguments.text(name)? else {
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
pub(super) fn wanted_color(arguments: &[OsString]) -> Color {
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
