//! What a person, a log or a program is told. Results go to standard output, everything else to standard
//! error. With `main.rs` the only file that prints.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::apply::Outcome;
use crate::cli::Color;
use crate::error::{Class, Error, merge};
use crate::system::{Avatar, Row, Seen, System};
use crate::terminal::{MESSAGE, clean};

/// One run's output.
pub struct Report {
    json: bool,
    quiet: bool,
    color: bool,
    changed: usize,
    unchanged: usize,
    failures: Vec<Class>,
}

/// Which account a line is about.
pub struct Subject<'a> {
    pub system: &'static System,
    /// The base address; none where it is what failed.
    pub server: Option<&'a str>,
    /// None while the caller's name is not known.
    pub account: Option<String>,
    pub action: &'static str,
}

impl Subject<'_> {
    /// `jira robot`
    fn name(&self) -> String {
        match &self.account {
            Some(account) => format!("{} {}", self.system.name, clean(account, MESSAGE)),
            None => self.system.name.to_owned(),
        }
    }
}

/// The keys every account's line begins with, in the order of the contract.
#[derive(Serialize)]
struct Line<'a> {
    v: u8,
    r#type: &'static str,
    system: &'static str,
    server: Option<&'a str>,
    account: Option<&'a str>,
    action: &'static str,
    outcome: &'static str,
    #[serde(flatten)]
    news: News<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum News<'a> {
    Set {
        before: Option<&'a str>,
        after: Option<&'a str>,
        verified: bool,
    },
    Show {
        current: Option<&'a str>,
        #[serde(flatten)]
        details: Map<String, Value>,
    },
    Failed {
        error: Failure<'a>,
    },
}

#[derive(Serialize)]
struct Failure<'a> {
    class: &'static str,
    exit: u8,
    status: Option<u16>,
    message: &'a str,
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct Summary {
    v: u8,
    r#type: &'static str,
    changed: usize,
    unchanged: usize,
    failed: usize,
    pending: usize,
    skipped: usize,
    exit: u8,
}

impl Report {
    pub fn new(json: bool, quiet: bool, color: bool) -> Report {
        Report {
            json,
            quiet,
            color,
            changed: 0,
            unchanged: 0,
            failures: Vec::new(),
        }
    }

    pub fn set(&mut self, subject: &Subject, avatar: &Avatar, outcome: &Outcome) {
        let wanted = wanted(avatar);
        match outcome {
            Outcome::Unchanged(current) => {
                self.unchanged += 1;
                if !self.quiet {
                    let current = current.as_deref();
                    self.account(
                        subject,
                        "unchanged",
                        &format!("{wanted}, unchanged"),
                        News::Set {
                            before: current,
                            after: current,
                            verified: true,
                        },
                    );
                }
            }
            Outcome::Changed {
                before,
                after,
                verified,
            } => {
                self.changed += 1;
                let (before, after) = (before.as_deref(), after.as_deref());
                self.account(
                    subject,
                    "changed",
                    &changed(subject.system, &wanted, before, after, *verified),
                    News::Set {
                        before,
                        after,
                        verified: *verified,
                    },
                );
            }
        }
    }

    pub fn show(&mut self, subject: &Subject, seen: &Seen) {
        self.unchanged += 1;
        if self.quiet {
            return;
        }
        let details = seen.details.iter();
        self.account(
            subject,
            "unchanged",
            &(subject.system.describe)(seen),
            News::Show {
                current: seen.fingerprint.as_deref(),
                details: details
                    .map(|(key, value)| ((*key).to_owned(), value.clone()))
                    .collect(),
            },
        );
    }

    pub fn list(&mut self, rows: &[Row]) {
        if self.quiet {
            return;
        }
        if !self.json {
            return print(&table(rows));
        }
        for row in rows {
            let mut line = String::from("{\"v\":1");
            let kind = Value::from(row.kind);
            for (key, value) in [("type", &kind)].into_iter().chain(
                row.cells
                    .iter()
                    .chain(&row.more)
                    .map(|(key, value)| (*key, value)),
            ) {
                line.push_str(&format!(",\"{key}\":{value}"));
            }
            print(&format!("{line}}}\n"));
        }
    }

    pub fn failed(&mut self, subject: &Subject, error: &Error) {
        self.failures.push(error.class);
        if self.json {
            self.json_account(
                subject,
                "failed",
                News::Failed {
                    error: Failure {
                        class: error.class.name(),
                        exit: error.class.exit(),
                        status: error.status,
                        message: &error.message,
                        hint: error.hint.as_deref(),
                    },
                },
            );
        }
        self.complain(Some(subject), error);
    }

    pub fn warning(&self, subject: &Subject, text: &str) {
        complain(&format!(
            "avatarctl: {}: {}: {text}",
            subject.name(),
            self.painted("33", "warning")
        ));
    }

    /// Ends the run: the summary, and the exit status.
    pub fn finish(&self) -> u8 {
        let exit = merge(self.failures.iter().copied());
        let news = self.changed + self.failures.len() > 0;
        if self.json && (news || !self.quiet) {
            print_json(&Summary {
                v: 1,
                r#type: "summary",
                changed: self.changed,
                unchanged: self.unchanged,
                failed: self.failures.len(),
                pending: 0,
                skipped: 0,
                exit,
            });
        }
        exit
    }

    /// A failure on standard error: the message, and the hint where there is one.
    pub fn complain(&self, subject: Option<&Subject>, error: &Error) {
        let about = subject.map_or(String::new(), |subject| format!("{}: ", subject.name()));
        complain(&format!(
            "{} {about}{}",
            self.painted("31", "avatarctl:"),
            error.message
        ));
        if let Some(hint) = &error.hint {
            complain(&format!("{} {hint}", self.painted("36", "hint:")));
        }
    }

    fn painted(&self, color: &str, text: &str) -> String {
        match self.color {
            true => format!("\x1b[{color}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    fn account(&self, subject: &Subject, outcome: &'static str, text: &str, news: News) {
        match self.json {
            true => self.json_account(subject, outcome, news),
            false => print(&format!("{}: {text}\n", subject.name())),
        }
    }

    fn json_account(&self, subject: &Subject, outcome: &'static str, news: News) {
        print_json(&Line {
            v: 1,
            r#type: "account",
            system: subject.system.name,
            server: subject.server,
            account: subject.account.as_deref(),
            action: subject.action,
            outcome,
            news,
        });
    }
}

/// Whether messages on standard error are coloured.
pub fn colored(wish: Color, no_color: bool, dumb: bool) -> bool {
    match wish {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => !no_color && !dumb && io::stderr().is_terminal(),
    }
}

/// What was asked for: `avatar 24880`, `image robot.png`.
fn wanted(avatar: &Avatar) -> String {
    match avatar {
        Avatar::Preset(noun, id) => format!("{noun} {id}"),
        Avatar::NoPreset(noun) => format!("no {noun}"),
        Avatar::Picture(picture) => format!("image {}", clean(&picture.name, MESSAGE)),
        // User info and query may be secrets.
        Avatar::Address(address) => {
            let plain = address.split(['?', '#']).next().unwrap_or_default();
            let plain = match plain.split_once("://") {
                Some((scheme, rest)) => match rest.split_once('/') {
                    Some((host, path)) => format!("{scheme}://{}/{path}", bare(host)),
                    None => format!("{scheme}://{}", bare(rest)),
                },
                None => plain.to_owned(),
            };
            format!("url {}", clean(&plain, MESSAGE))
        }
    }
}

fn bare(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or(authority)
}

/// `avatar 24880 (was 10122)`, `image robot.png (etag 6Qv…, first avatar)`: a word is not said twice.
fn changed(
    system: &System,
    wanted: &str,
    before: Option<&str>,
    after: Option<&str>,
    verified: bool,
) -> String {
    let mut notes = Vec::new();
    let mut last = wanted.to_owned();
    if let Some(after) = after.map(system.speak)
        && after != wanted
    {
        notes.push(after.clone());
        last = after;
    }
    notes.push(match before.map(system.speak) {
        None => "first avatar".to_owned(),
        Some(before) => match (before.split_once(' '), last.split_once(' ')) {
            (Some((word, value)), Some((said, _))) if word == said => format!("was {value}"),
            _ => format!("was {before}"),
        },
    });
    if !verified {
        notes.push("not verified".to_owned());
    }
    format!("{wanted} ({})", notes.join(", "))
}

/// Columns under their names, as wide as their widest cell.
fn table(rows: &[Row]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
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
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "-".to_owned(),
        Value::String(text) => clean(text, MESSAGE),
        other => other.to_string(),
    }
}

fn print_json(line: &impl Serialize) {
    let text =
        serde_json::to_string(line).expect("texts, numbers and flags always have a JSON form");
    print(&format!("{text}\n"));
}

/// A reader that went away (`| head`) is no failure of ours; the work is done all the same.
pub fn print(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

/// Waits, and says for what: a countdown on a terminal, one line elsewhere.
pub fn pause(time: Duration, why: &str) {
    let seconds = |left: Duration| match left.as_secs() {
        0..10 => format!("{:.1} s", left.as_secs_f64()),
        whole => format!("{whole} s"),
    };
    if !io::stderr().is_terminal() {
        complain(&format!("avatarctl: waiting {}: {why}", seconds(time)));
        return std::thread::sleep(time);
    }
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut terminal = io::stderr().lock();
        // Back to the margin, and the line emptied behind what is written.
        let _ = match left.is_zero() {
            true => write!(terminal, "\r\x1b[K"),
            false => write!(terminal, "\rwaiting {}: {why}\x1b[K", seconds(left)),
        };
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(Duration::from_secs(1)));
    }
}

/// A line on standard error.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
