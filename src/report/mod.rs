//! What a person, a log or a program is told. Results go to standard output, everything else to standard
//! error. With `main.rs` the only file that prints.

pub mod jsonline;
pub mod junit;
pub mod page;
pub mod record;

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::Value;

use crate::apply::Outcome;
use crate::apply::diff::Verdict;
use crate::error::{Class, Error, merge};
use crate::http::Event;
use crate::http::curl::PlannedRequest;
use crate::plan::Job;
use crate::plan::manifest::Problem;
use crate::report::jsonline::JsonLine;
use crate::system::System;
use crate::system::avatar::{Avatar, Identity, Row, Seen};
use crate::terminal::Color;
use crate::terminal::{MESSAGE, clean, visible};
use crate::time::span;

/// One run's output.
pub struct Report {
    style: Style,
    counts: Counts,
    failures: Vec<Class>,
    /// Of a batch whose progress a terminal shows.
    progress: Option<Progress>,
}

/// How far a batch is.
struct Progress {
    total: usize,
    done: usize,
    begun: Instant,
    /// The account that is worked on.
    now: String,
}

/// What a user wants to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    pub json: bool,
    pub quiet: bool,
    /// Accounts of a diff that are the same are shown, too.
    pub verbose: bool,
    pub color: Colors,
}

/// Which streams are coloured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Colors {
    stdout: bool,
    stderr: bool,
}

#[derive(Default)]
struct Counts {
    changed: usize,
    unchanged: usize,
    skipped: usize,
    pending: [usize; 3],
    /// Accounts whose writes were told and not sent.
    planned: usize,
    /// Whether something was printed because it was asked for.
    answered: bool,
}

/// Which account a line is about.
pub struct Subject<'a> {
    pub system: &'static System,
    /// What people call the server: the system's name, or the manifest's name of it.
    pub label: &'a str,
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
            Some(account) => format!("{} {}", clean(self.label, MESSAGE), clean(account, MESSAGE)),
            None => clean(self.label, MESSAGE),
        }
    }
}

/// How wide a terminal is that nobody made wider.
const WIDTH: usize = 80;

/// How much of a server's word a line of several carries, in characters.
const WORD: usize = 80;

/// The exit status of a diff that found something to do.
const PENDING: u8 = 2;

impl Report {
    pub fn new(style: Style) -> Report {
        Report {
            style,
            counts: Counts::default(),
            failures: Vec::new(),
            progress: None,
        }
    }

    /// A batch of so many accounts begins; a terminal shows how far it is.
    pub fn begin(&mut self, total: usize) {
        // The lines of a trace would be written behind it.
        if obeys() && !self.style.quiet && !self.style.verbose {
            self.progress = Some(Progress {
                total,
                done: 0,
                begun: Instant::now(),
                now: String::new(),
            });
        }
    }

    /// What became of an account.
    pub fn outcome(&mut self, subject: &Subject, avatar: &Avatar, outcome: &Outcome) {
        self.clear();
        let wanted = wanted(avatar);
        match outcome {
            Outcome::Unchanged { shown, verified } => {
                self.counts.unchanged += 1;
                if subject.action == "diff" && !self.style.quiet {
                    self.compared(subject, Verdict::Same, &wanted, shown.as_deref());
                } else if !self.style.quiet {
                    // Where nobody looked, the state file says so.
                    let note = match verified {
                        true => "unchanged",
                        false => "unchanged (not looked at)",
                    };
                    let text = noted(room(subject), &wanted, &format!(", {note}"), note);
                    let text = paint(self.style.color.stdout, DIM, &text);
                    self.account(subject, "unchanged", &text, |line| {
                        line.put("before", shown.as_deref())
                            .put("after", shown.as_deref())
                            .put("verified", *verified)
                    });
                }
            }
            Outcome::Changed {
                before,
                after,
                verified,
                pruned,
            } => {
                self.counts.changed += 1;
                let after = after.as_deref();
                let looked = before.as_ref().map(Option::as_deref);
                let mut notes = notes(subject.system, avatar, looked, after, *verified);
                let mut behind = match &notes[..] {
                    [] => String::new(),
                    [again] if again == AGAIN => format!(", {again}"),
                    notes => format!(" ({})", notes.join(", ")),
                };
                if let Some(old) = pruned {
                    let deleted = format!("{} deleted", subject.system.spoken(old));
                    behind.push_str(&format!(", {deleted}"));
                    notes.push(deleted);
                }
                let text = noted(room(subject), &wanted, &behind, &notes.join(", "));
                let text = paint(self.style.color.stdout, GREEN, &text);
                let before = looked.flatten();
                self.account(subject, "changed", &text, |line| {
                    let line = line
                        .put("before", before)
                        .put("after", after)
                        .put("verified", *verified);
                    match pruned {
                        Some(old) => line.put("pruned", old.as_str()),
                        None => line,
                    }
                });
            }
            Outcome::Pending { verdict, shown } => {
                self.counts.pending[match verdict {
                    Verdict::Drifted => 1,
                    Verdict::Unknown => 2,
                    Verdict::Wanted | Verdict::Same => 0,
                }] += 1;
                let now = format!("now {}", subject.system.worn(shown.as_deref()));
                // The sign takes two columns.
                let room = room(subject).saturating_sub(2);
                let text = noted(room, &wanted, &format!(" ({now})"), &now);
                self.compared(subject, *verdict, &text, shown.as_deref());
            }
            Outcome::Planned(writes) => self.planned_requests(writes),
            Outcome::Failed(error) => self.failed(subject, error),
            Outcome::Skipped(why) => {
                self.counts.skipped += 1;
                if self.style.json {
                    print(&line(subject, "skipped").put("reason", why.as_str()).end());
                }
                complain(&format!("avatarctl: {}: skipped: {why}", subject.name()));
            }
        }
        self.advance();
    }

    /// Writes that would be sent, each as the command that does it.
    pub fn planned_requests(&mut self, writes: &[PlannedRequest]) {
        self.counts.planned += 1;
        for write in writes {
            match self.style.json {
                false => say(&write.curl),
                true => print(
                    &JsonLine::new("request")
                        .put("method", write.method)
                        .put("url", write.url.as_str())
                        .object("headers", |line| {
                            let put = |line: JsonLine, (name, value): &(String, String)| {
                                line.put(name, value.as_str())
                            };
                            write.headers.iter().fold(line, put)
                        })
                        .put("curl", write.curl.as_str())
                        .end(),
                ),
            }
        }
    }

    /// A custom avatar that is gone.
    pub fn deleted(&mut self, subject: &Subject, id: &str, verified: bool) {
        self.counts.changed += 1;
        let mut text = format!("{} deleted", subject.system.spoken(id));
        if !verified {
            text.push_str(" (not verified)");
        }
        let text = paint(self.style.color.stdout, GREEN, &text);
        self.account(subject, "changed", &text, |line| {
            line.put("before", id)
                .put("after", Value::Null)
                .put("verified", verified)
        });
    }

    /// Whose credentials these are.
    pub fn identity(&mut self, subject: &Subject, identity: &Identity) {
        self.counts.answered = true;
        let Identity {
            name,
            server,
            may_change_others,
        } = identity;
        if self.style.json {
            let line = JsonLine::new("identity")
                .put("name", name.as_deref())
                .put("server_version", server.version.as_deref())
                .put("deployment", server.deployment.as_deref())
                .put("may_change_others", *may_change_others);
            return print(&line.end());
        }
        // Each by itself, so that a long one leaves room for what is said behind it.
        let short = |text: &str| clean(text, WORD);
        let name = name
            .as_deref()
            .map_or("somebody the server does not name".to_owned(), short);
        let mut kind = subject.system.title.to_owned();
        for (text, open, close) in [(&server.version, " ", ""), (&server.deployment, " (", ")")] {
            if let Some(text) = text {
                kind.push_str(&format!("{open}{}{close}", short(text)));
            }
        }
        let right = match may_change_others {
            Some(true) => "may change others",
            Some(false) => "may not change others",
            None => "whether it may change others is not known",
        };
        let place = subject.server.unwrap_or_default();
        say(&format!(
            "{}: {name}, {right}, {kind} at {place}",
            subject.label
        ));
    }

    pub fn show(&mut self, subject: &Subject, seen: &Seen) {
        self.counts.unchanged += 1;
        self.counts.answered = true;
        let text = clean(&(subject.system.describe)(seen), MESSAGE);
        self.account(subject, "shown", &text, |line| {
            let line = line.put("current", seen.fingerprint.as_deref());
            put_all(line, &seen.details)
        });
    }

    pub fn list(&mut self, subject: &Subject, rows: &[Row]) {
        self.counts.answered = true;
        if rows.is_empty() {
            complain(&format!("avatarctl: {}: nothing to list", subject.name()));
        }
        if !self.style.json {
            return table(rows).iter().for_each(|line| say(line));
        }
        for row in rows {
            let line = put_all(JsonLine::new(row.kind), &row.cells);
            print(&put_all(line, &row.more).end());
        }
    }

    pub fn failed(&mut self, subject: &Subject, error: &Error) {
        self.failures.push(error.class);
        if self.style.json {
            print(
                &line(subject, "failed")
                    .object("error", |line| failure(line, error))
                    .end(),
            );
        }
        self.complain(Some(subject), error);
    }

    pub fn warning(&self, subject: &Subject, text: &str) {
        self.clear();
        let warning = self.painted(YELLOW, "warning");
        alarm(&format!(
            "avatarctl: {}: {warning}: {}",
            subject.name(),
            visible(text)
        ));
    }

    /// A warning that is about no account.
    pub fn remark(&self, text: &str) {
        self.clear();
        let warning = self.painted(YELLOW, "warning");
        alarm(&format!("avatarctl: {warning}: {}", visible(text)));
    }

    /// Everything that is wrong with a manifest.
    pub fn problems(&mut self, problems: &[Problem]) {
        for Problem { place, error } in problems {
            self.failures.push(error.class);
            if self.style.json {
                let line = JsonLine::new("problem")
                    .put("path", place.path.as_str())
                    .put("line", place.line)
                    .object("error", |line| failure(line, error));
                print(&line.end());
            }
            let error = error.clone().about(&place.path);
            let about = error.about(format!("line {}", place.line));
            self.complain(None, &about);
        }
    }

    /// A failure of the run itself, about no account.
    pub fn broken(&mut self, error: &Error) {
        self.failures.push(error.class);
        self.clear();
        self.complain(None, error);
    }

    /// An account that a check found nothing wrong with, for programs and whoever wants to see them all.
    pub fn looked_at(&self, subject: &Subject, job: &Job) {
        if self.style.quiet {
            return;
        }
        let picture = match &job.avatar {
            Avatar::Picture(picture) => Some(picture),
            _ => None,
        };
        let header = picture.map(|picture| &picture.header);
        if self.style.json {
            let line = line(subject, "unchanged")
                .put("wanted", wanted(&job.avatar))
                .put("format", header.map(|header| header.format.name()))
                .put("width", header.map(|header| header.width))
                .put("height", header.map(|header| header.height))
                .put("bytes", picture.map(|picture| picture.length))
                .put("warnings", job.warnings.clone());
            print(&line.end());
        } else if self.style.verbose {
            let facts = picture.map_or(String::new(), |picture| {
                let header = &picture.header;
                let (width, height) = (header.width, header.height);
                format!(
                    " ({}, {width} x {height}, {} bytes)",
                    header.format.name(),
                    picture.length
                )
            });
            say(&format!(
                "{}: {}{facts}",
                subject.name(),
                wanted(&job.avatar)
            ));
        }
    }

    /// What a manifest without errors holds.
    pub fn checked(&mut self, accounts: usize, servers: usize, warnings: usize) {
        self.counts.unchanged += accounts;
        if self.style.quiet || self.style.json {
            return;
        }
        let plural = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            _ => format!("{count} {word}s"),
        };
        let warnings = match warnings {
            0 => "no warnings".to_owned(),
            _ => plural(warnings, "warning"),
        };
        say(&format!(
            "{} on {}: no errors, {warnings}",
            plural(accounts, "account"),
            plural(servers, "server"),
        ));
    }

    /// Ends a diff with what `apply` would do.
    pub fn planned(&self) {
        let [_, drifted, unknown] = self.counts.pending;
        let all = self.counts.pending.iter().sum();
        let why = listed(&[(drifted, "changed on the server"), (unknown, "not known")]);
        let why = match why.is_empty() {
            true => why,
            false => format!(" ({why})"),
        };
        let same = self.counts.unchanged;
        self.totals(all, &format!("{all} to change{why}, {same} the same"));
    }

    /// Ends an apply with what it did.
    pub fn applied(&self) {
        let Counts {
            changed, unchanged, ..
        } = self.counts;
        self.totals(
            changed,
            &format!("{changed} changed, {unchanged} unchanged"),
        );
    }

    /// One line of totals, of which so many are news; what was not done is news, too.
    fn totals(&self, news: usize, text: &str) {
        self.clear();
        let failed = self.failures.len();
        let skipped = self.counts.skipped;
        if self.style.json || self.style.quiet && news + failed + skipped == 0 {
            return;
        }
        let undone = listed(&[(failed, "failed"), (skipped, "skipped")]);
        match undone.is_empty() {
            true => say(text),
            false => say(&format!("{text}, {undone}")),
        }
    }

    /// Ends the run: the summary, and the exit status.
    pub fn finish(&self) -> u8 {
        self.clear();
        let pending: usize = self.counts.pending.iter().sum();
        let exit = match merge(self.failures.iter().copied()) {
            0 if pending > 0 => PENDING,
            exit => exit,
        };
        let exit = crate::signals::caught().unwrap_or(exit);
        let pending = pending + self.counts.planned;
        let news = self.counts.changed + self.failures.len() + pending + self.counts.skipped > 0;
        if self.style.json && (news || self.counts.answered || !self.style.quiet) {
            let line = JsonLine::new("summary")
                .put("changed", self.counts.changed)
                .put("unchanged", self.counts.unchanged)
                .put("failed", self.failures.len())
                .put("pending", pending)
                .put("skipped", self.counts.skipped)
                .put("exit", exit);
            print(&line.end());
        }
        exit
    }

    /// How far a batch is, on one line that the next one replaces.
    fn advance(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.done += 1;
            progress.draw();
        }
    }

    /// Work on an account begins.
    pub fn working(&mut self, subject: &Subject) {
        if let Some(progress) = &mut self.progress {
            progress.now = subject.name();
            progress.draw();
        }
    }

    fn clear(&self) {
        if self.progress.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }

    /// A failure on standard error: the message, and the hint where there is one.
    pub fn complain(&self, subject: Option<&Subject>, error: &Error) {
        let about = subject.map_or(String::new(), |subject| format!("{}: ", subject.name()));
        let name = self.painted(RED, "avatarctl:");
        alarm(&format!("{name} {about}{}", visible(&error.message())));
        if let Some(hint) = &error.hint {
            let name = self.painted(CYAN, "hint:");
            alarm(&format!("{name} {}", visible(hint)));
        }
    }

    fn painted(&self, color: &str, text: &str) -> String {
        paint(self.style.color.stderr, color, text)
    }

    /// A line for an account, with a text that was cleaned, or painted.
    fn account(
        &self,
        subject: &Subject,
        outcome: &str,
        text: &str,
        fill: impl FnOnce(JsonLine) -> JsonLine,
    ) {
        match self.style.json {
            true => print(&fill(line(subject, outcome)).end()),
            false => print(&format!("{}: {text}\n", subject.name())),
        }
    }

    /// A line of a diff, with its sign.
    fn compared(&self, subject: &Subject, verdict: Verdict, text: &str, shown: Option<&str>) {
        let outcome = match verdict {
            Verdict::Same => "unchanged",
            _ => "pending",
        };
        if self.style.json {
            let line = line(subject, outcome).put("before", shown);
            print(&line.put("reason", verdict.name()).end());
        } else if verdict != Verdict::Same || self.style.verbose {
            let sign = verdict.sign();
            let sign = match verdict {
                Verdict::Same => sign.to_owned(),
                Verdict::Wanted => paint(self.style.color.stdout, YELLOW, sign),
                Verdict::Drifted => paint(self.style.color.stdout, RED, sign),
                Verdict::Unknown => paint(self.style.color.stdout, CYAN, sign),
            };
            let (name, text) = (subject.name(), visible(text));
            print(&format!("{sign} {name}: {text}\n"));
        }
    }
}

impl Progress {
    /// One line that the next one replaces, and that does not wrap.
    fn draw(&self) {
        let left = match u32::try_from(self.done) {
            Ok(done @ 1..) => {
                let rest = u32::try_from(self.total.saturating_sub(self.done)).unwrap_or(u32::MAX);
                format!(
                    ", {} left",
                    span((self.begun.elapsed() / done).saturating_mul(rest))
                )
            }
            _ => String::new(),
        };
        let line = format!(
            "\r\x1b[?7l{}/{} {}{left}\x1b[K\x1b[?7h",
            self.done, self.total, self.now
        );
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

/// The keys every account's line begins with, in the order of the contract.
fn line(subject: &Subject, outcome: &str) -> JsonLine {
    JsonLine::new("account")
        .put("system", subject.system.name)
        .put("server", subject.server)
        .put("account", subject.account.as_deref())
        .put("action", subject.action)
        .put("outcome", outcome)
}

fn failure(line: JsonLine, error: &Error) -> JsonLine {
    line.put("class", error.class.name())
        .put("exit", error.class.exit())
        .put("status", error.status)
        .put("message", error.message())
        .put("hint", error.hint.as_deref())
}

fn put_all(line: JsonLine, pairs: &[(&str, Value)]) -> JsonLine {
    let put = |line: JsonLine, (key, value): &(&str, Value)| line.put(key, value.clone());
    pairs.iter().fold(line, put)
}

/// The terminal is one that knows nothing but lines.
static DUMB: AtomicBool = AtomicBool::new(false);

/// Whether standard error is a terminal that goes back in a line when it is told to.
fn obeys() -> bool {
    io::stderr().is_terminal() && !DUMB.load(Ordering::Relaxed)
}

/// What is coloured.
pub fn colored(choice: Color, no_color: bool, dumb: bool) -> Colors {
    DUMB.store(dumb, Ordering::Relaxed);
    let on = |terminal: bool| match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => !no_color && !dumb && terminal,
    };
    Colors {
        stdout: on(io::stdout().is_terminal()),
        stderr: on(io::stderr().is_terminal()),
    }
}

// Colours, as a terminal numbers them.
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

/// A text that was cleaned, in a colour where that is wanted.
fn paint(choice: bool, color: &str, text: &str) -> String {
    let text = visible(text);
    match choice {
        true => format!("\x1b[{color}m{text}\x1b[0m"),
        false => text.into_owned(),
    }
}

/// How many columns are left for what is said about an account.
fn room(subject: &Subject) -> usize {
    WIDTH.saturating_sub(subject.name().chars().count() + 2)
}

/// An avatar with notes: behind it where that fits, else before it, because an address or a file name may be long
/// and a note says what happened.
fn noted(room: usize, avatar: &str, behind: &str, before: &str) -> String {
    match before.is_empty() || avatar.chars().count() + behind.chars().count() <= room {
        true => format!("{avatar}{behind}"),
        false => format!("{before}, {avatar}"),
    }
}

/// `1 failed, 2 skipped`, without what is none.
fn listed(counts: &[(usize, &str)]) -> String {
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let texts: Vec<String> = some
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    texts.join(", ")
}

/// What was asked for: `avatar 24880`, `image robot.png`.
pub fn wanted(avatar: &Avatar) -> String {
    match avatar {
        Avatar::Preset(preset, Some(id)) => format!("{} {id}", preset.noun),
        Avatar::Preset(preset, None) => format!("no {}", preset.noun),
        Avatar::Picture(picture) => format!("image {}", clean(&picture.name, MESSAGE)),
        Avatar::Generated => "generated letter".to_owned(),
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

/// What is said where the server shows the same as before.
const AGAIN: &str = "set again";

/// `was 10122` of `avatar 24880`; `etag 6Qv…`, `first avatar` of `image robot.png`: a word is not said twice.
fn notes(
    system: &System,
    avatar: &Avatar,
    before: Option<Option<&str>>,
    after: Option<&str>,
    verified: bool,
) -> Vec<String> {
    let wanted = wanted(avatar);
    // Without a read-back, no fingerprint afterwards means that it is not known.
    let again = before == Some(after) && (verified || after.is_some());
    let mut notes = Vec::new();
    let mut last = wanted.clone();
    if let Some(after) = after.map(|after| system.spoken(after))
        && after != wanted
    {
        notes.push(after.clone());
        last = after;
    }
    notes.push(
        match before.map(|before| before.map(|before| system.spoken(before))) {
            _ if again => AGAIN.to_owned(),
            // Nobody looked, or nothing was taken off from nothing.
            None => String::new(),
            Some(None) if matches!(avatar, Avatar::Preset(_, None) | Avatar::Generated) => {
                String::new()
            }
            Some(None) => "first avatar".to_owned(),
            Some(Some(before)) => match (before.split_once(' '), last.split_once(' ')) {
                (Some((word, value)), Some((said, _))) if word == said => format!("was {value}"),
                _ => format!("was {before}"),
            },
        },
    );
    if !verified {
        notes.push("not verified".to_owned());
    }
    notes.retain(|note| !note.is_empty());
    notes
}

/// Columns under their names, as wide as their widest cell.
fn table(rows: &[Row]) -> Vec<String> {
    let Some(first) = rows.first() else {
        return Vec::new();
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
    let padded = |line: &Vec<String>| {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "-".to_owned(),
        Value::String(text) => clean(text, MESSAGE),
        other => clean(&other.to_string(), MESSAGE),
    }
}

/// A line on standard output, for people, cleaned here.
fn say(line: &str) {
    print(&format!("{}\n", visible(line)));
}

/// What was cleaned, or is a text of this program's own, on standard output.
///
/// A reader that went away (`| head`) is no failure of ours; the work is done all the same.
pub fn print(text: &str) {
    let written = match crate::descriptors::output_is_closed() {
        _ if text.is_empty() => Ok(()),
        // The standard library takes a closed one for a sink.
        true => Err(io::Error::other("standard output is closed")),
        false => io::stdout().lock().write_all(text.as_bytes()),
    };
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
        && !UNWRITTEN.swap(true, Ordering::Relaxed)
    {
        let why = crate::error::reason(&error);
        complain(&format!("avatarctl: cannot write the results: {why}"));
    }
}

/// Results were lost on their way out.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// The exit status of a run that would have ended with this one: a result that nobody got is none.
pub fn status(exit: u8) -> u8 {
    match matches!(exit, 0 | PENDING) && UNWRITTEN.load(Ordering::Relaxed) {
        true => Class::Temporary.exit(),
        false => exit,
    }
}

/// What a client tells while it works: lines of the trace, and its waits as a countdown on a terminal and one line
/// elsewhere.
pub fn show_event(event: Event) {
    match event {
        Event::Trace(line) => complain(line),
        Event::WaitBegins(line) if !obeys() => complain(&format!("avatarctl: {line}")),
        // Back to the margin, and the line emptied behind what is written. Wrapping is off meanwhile: a line
        // longer than the terminal is wide would stay for every frame.
        Event::Waiting(line) if obeys() => {
            show_frame(&format!("\r\x1b[?7l{}\x1b[K\x1b[?7h", visible(line)));
        }
        Event::WaitEnds if obeys() => show_frame("\r\x1b[K"),
        Event::WaitBegins(_) | Event::Waiting(_) | Event::WaitEnds => {}
    }
}

/// The same without the waits: cron mails whatever is printed, and a wait that ended well is not worth a mail.
pub fn show_trace(event: Event) {
    if let Event::Trace(_) = event {
        show_event(event);
    }
}

/// One frame of a countdown. One write, so that nothing ends in between.
fn show_frame(frame: &str) {
    let _ = io::stderr().lock().write_all(frame.as_bytes());
}

/// A line on standard error, cleaned here.
pub fn complain(line: &str) {
    alarm(&visible(line));
}

/// A line on standard error that was cleaned, and may have colours.
fn alarm(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
