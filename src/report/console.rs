//! What a run prints, line by line: for people, or as JSON Lines with `--json`. An account's result goes to standard
//! output; warnings, failures and hints go to standard error.

use serde_json::Value;

use crate::apply::diff::Verdict as Difference;
use crate::apply::{Changed, Outcome};
use crate::error::Error;
use crate::http::curl::PlannedRequest;
use crate::plan::Job;
use crate::plan::manifest::Problem;
use crate::pull::Pulled;
use crate::report::check::{Check, Verdict};
use crate::report::jsonline::JsonLine;
use crate::report::progress::Progress;
use crate::report::streams::{
    CYAN, Colors, DIM, GREEN, RED, YELLOW, can_redraw, complain, erase, paint, print, print_error,
    print_line,
};
use crate::report::totals::{self, Totals};
use crate::report::words::{self, table, wanted, with_notes};
use crate::system::System;
use crate::system::avatar::{Avatar, Identity, Row, Seen};
use crate::terminal::{MESSAGE, clean, visible};

/// One run's output.
pub struct Report {
    style: Style,
    totals: Totals,
    /// How far a batch is, if a terminal shows that.
    progress: Option<Progress>,
}

/// What a user wants to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    pub json: bool,
    pub quiet: bool,
    /// Show the accounts of a diff that are the same, too.
    pub verbose: bool,
    pub color: Colors,
    /// Standard output is for a picture alone: results go to standard error.
    pub aside: bool,
}

/// Which account a line is about.
pub struct Subject<'a> {
    pub system: &'static System,
    /// What people call the server: the system's name, or the manifest's name of it.
    pub label: &'a str,
    /// The base URL; none if it could not be read.
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

    /// How many columns are left for what is said about the account.
    fn columns_left(&self) -> usize {
        WIDTH.saturating_sub(self.name().chars().count() + 2)
    }

    /// The keys every account's JSON line begins with, in the order of the contract.
    fn json(&self, outcome: &str) -> JsonLine {
        JsonLine::new("account")
            .put("system", self.system.name)
            .put("server", self.server)
            .put("account", self.account.as_deref())
            .put("action", self.action)
            .put("outcome", outcome)
    }
}

/// The usual width of a terminal, in columns.
const WIDTH: usize = 80;

impl Report {
    pub fn new(style: Style) -> Report {
        Report {
            style,
            totals: Totals::default(),
            progress: None,
        }
    }

    /// A batch of this many accounts begins; a terminal shows how far it is.
    pub fn start_batch(&mut self, accounts: usize) {
        // The lines of a trace would be written behind it.
        if can_redraw() && !self.style.quiet && !self.style.verbose {
            self.progress = Some(Progress::new(accounts));
        }
    }

    /// Work on an account of a batch begins.
    pub fn start_account(&mut self, subject: &Subject) {
        if let Some(progress) = &mut self.progress {
            progress.start(subject.name());
        }
    }

    /// What became of an account.
    pub fn outcome(&mut self, subject: &Subject, avatar: &Avatar, outcome: &Outcome) {
        self.erase_progress();
        match outcome {
            Outcome::Unchanged { shown, verified } => {
                self.unchanged(subject, avatar, shown.as_deref(), *verified);
            }
            Outcome::Changed(change) => self.changed(subject, avatar, change),
            Outcome::Pending { verdict, shown } => {
                self.totals.pending(*verdict);
                let now = format!("now {}", subject.system.avatar_text(shown.as_deref()));
                // The sign takes two columns.
                let width = subject.columns_left().saturating_sub(2);
                let text = with_notes(width, &wanted(avatar), &format!(" ({now})"), &now);
                self.diff_line(subject, *verdict, &text, shown.as_deref());
            }
            Outcome::Planned(writes) => self.planned_requests(writes),
            Outcome::Failed(error) => self.failed(subject, error),
            Outcome::Skipped(why) => self.skipped(subject, why),
        }
        self.account_done();
    }

    /// One more account of a batch is done.
    pub fn account_done(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.advance();
        }
    }

    /// An account that was not tried.
    pub fn skipped(&mut self, subject: &Subject, why: &str) {
        self.erase_progress();
        self.totals.skipped += 1;
        if self.style.json {
            print(&subject.json("skipped").put("reason", why).end());
        }
        complain(&format!("avatarctl: {}: skipped: {why}", subject.name()));
    }

    /// What was read of an account, and is in the folder now.
    pub fn pulled(&mut self, subject: &Subject, pulled: &Pulled) {
        self.erase_progress();
        self.totals
            .pulled
            .get_or_insert_default()
            .push(pulled.origin);
        if !self.style.quiet {
            let text = words::pulled(pulled, subject.columns_left());
            let text = paint(self.style.color.stdout, GREEN, &text);
            self.account_line(subject, "pulled", &text, |line| {
                line.put("origin", pulled.origin.name())
                    .put("file", pulled.file.as_deref())
            });
        }
    }

    fn unchanged(
        &mut self,
        subject: &Subject,
        avatar: &Avatar,
        shown: Option<&str>,
        verified: bool,
    ) {
        self.totals.unchanged += 1;
        if self.style.quiet {
            return;
        }
        let wanted = wanted(avatar);
        if subject.action == "diff" {
            return self.diff_line(subject, Difference::Same, &wanted, shown);
        }
        // Without a look at the server, it is the state file that says so.
        let note = match verified {
            true => "unchanged",
            false => "unchanged (not looked at)",
        };
        let text = with_notes(subject.columns_left(), &wanted, &format!(", {note}"), note);
        let text = paint(self.style.color.stdout, DIM, &text);
        self.account_line(subject, "unchanged", &text, |line| {
            line.put("before", shown)
                .put("after", shown)
                .put("verified", verified)
        });
    }

    fn changed(&mut self, subject: &Subject, avatar: &Avatar, change: &Changed) {
        self.totals.changed += 1;
        let text = words::changed(subject.system, avatar, change, subject.columns_left());
        let text = paint(self.style.color.stdout, GREEN, &text);
        self.account_line(subject, "changed", &text, |line| {
            let line = line
                .put("before", change.before.fingerprint())
                .put("after", change.after.as_deref())
                .put("verified", change.verified);
            match &change.pruned {
                Some(old) => line.put("pruned", old.as_str()),
                None => line,
            }
        });
    }

    /// Writes that would be sent, each as the curl command that does it.
    pub fn planned_requests(&mut self, writes: &[PlannedRequest]) {
        self.totals.planned += 1;
        for write in writes {
            match self.style.json {
                false => print_line(&write.curl),
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

    /// A custom avatar was deleted.
    pub fn deleted(&mut self, subject: &Subject, id: &str, verified: bool) {
        self.totals.changed += 1;
        let mut text = words::deleted(subject.system, id);
        if !verified {
            text.push_str(" (not verified)");
        }
        let text = paint(self.style.color.stdout, GREEN, &text);
        self.account_line(subject, "changed", &text, |line| {
            line.put("before", id)
                .put("after", Value::Null)
                .put("verified", verified)
        });
    }

    /// Whose credentials these are.
    pub fn identity(&mut self, subject: &Subject, identity: &Identity) {
        self.totals.answered = true;
        if !self.style.json {
            let place = subject.server.unwrap_or_default();
            let text = words::identity(subject.system, identity);
            return print_line(&format!("{}: {text} at {place}", subject.label));
        }
        let server = &identity.server;
        let line = JsonLine::new("identity")
            .put("name", identity.name.as_deref())
            .put("server_version", server.version.as_deref())
            .put("deployment", server.deployment.as_deref())
            .put("may_change_others", identity.may_change_others);
        print(&line.end());
    }

    /// What an account wears.
    pub fn show(&mut self, subject: &Subject, seen: &Seen) {
        self.totals.unchanged += 1;
        self.totals.answered = true;
        let text = clean(&(subject.system.describe)(seen), MESSAGE);
        self.account_line(subject, "shown", &text, |line| {
            line.put("current", seen.fingerprint.as_deref())
                .put_all(&seen.details)
        });
    }

    /// What there is to choose from.
    pub fn list(&mut self, subject: &Subject, rows: &[Row]) {
        self.totals.answered = true;
        if rows.is_empty() {
            complain(&format!("avatarctl: {}: nothing to list", subject.name()));
        }
        if !self.style.json {
            return table(rows).iter().for_each(|line| print_line(line));
        }
        for row in rows {
            let line = JsonLine::new(row.kind).put_all(&row.cells);
            print(&line.put_all(&row.more).end());
        }
    }

    /// What a check of a server found.
    pub fn check(&mut self, subject: &Subject, check: &Check) {
        self.totals.checked(check.verdict);
        if self.style.quiet && check.verdict == Verdict::Ok {
            return;
        }
        self.totals.answered = true;
        let hint = check.hint.as_deref();
        if self.style.json {
            let line = JsonLine::new("check")
                .put("name", check.name)
                .put("result", check.verdict.name())
                .put("detail", check.detail.as_str())
                .put("hint", hint)
                .put("ms", check.milliseconds());
            print(&line.end());
            if let Verdict::Fail(class) = check.verdict {
                let error = Error::new(class, check.detail.as_str()).about(check.name);
                let hint = check.hint.clone();
                self.complain(Some(subject), &Error { hint, ..error });
            }
            return;
        }
        let (word, color) = match check.verdict {
            Verdict::Ok => ("ok", GREEN),
            Verdict::Warn | Verdict::NotMade => ("warn", YELLOW),
            Verdict::Fail(_) => ("FAIL", RED),
        };
        let word = paint(self.style.color.stdout, color, word);
        // Escapes take no columns.
        let gap = " ".repeat(6 - check.verdict.name().len());
        let hint = hint.map_or(String::new(), |hint| format!("; hint: {hint}"));
        let text = visible(&check.detail).into_owned() + &visible(&hint);
        print(&format!("{word}{gap}{:<8} {text}\n", check.name));
    }

    /// An account's failure.
    pub fn failed(&mut self, subject: &Subject, error: &Error) {
        self.erase_progress();
        self.totals.failed(error.class);
        if self.style.json {
            self.print(&subject.json("failed").put_error(error).end());
        }
        self.complain(Some(subject), error);
    }

    /// A failure of the run itself, about no account.
    pub fn run_failed(&mut self, error: &Error) {
        self.totals.failed(error.class);
        self.erase_progress();
        self.complain(None, error);
    }

    /// A warning about an account or a server.
    pub fn warning(&self, subject: &Subject, text: &str) {
        self.warn(&format!("{}: ", subject.name()), text);
    }

    /// A warning that is about no account.
    pub fn run_warning(&self, text: &str) {
        self.warn("", text);
    }

    fn warn(&self, about: &str, text: &str) {
        self.erase_progress();
        let warning = paint(self.style.color.stderr, YELLOW, "warning");
        print_error(&format!("avatarctl: {about}{warning}: {}", visible(text)));
    }

    /// Everything that is wrong with a manifest.
    pub fn problems(&mut self, problems: &[Problem]) {
        for Problem { place, error } in problems {
            self.totals.failed(error.class);
            if self.style.json {
                let line = JsonLine::new("problem")
                    .put("path", place.path.as_str())
                    .put("line", place.line)
                    .put_error(error);
                print(&line.end());
            }
            let error = error.clone().about(&place.path);
            let about = error.about(format!("line {}", place.line));
            self.complain(None, &about);
        }
    }

    /// An account that `check` found nothing wrong with; without `--json` only the verbose want to see it.
    pub fn checked_account(&self, subject: &Subject, job: &Job) {
        if self.style.quiet {
            return;
        }
        let picture = match &job.avatar {
            Avatar::Picture(picture) => Some(picture),
            _ => None,
        };
        let header = picture.map(|picture| &picture.header);
        if self.style.json {
            let line = subject
                .json("unchanged")
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
            let wanted = wanted(&job.avatar);
            print_line(&format!("{}: {wanted}{facts}", subject.name()));
        }
    }

    /// Ends a check with what the manifest holds, and gives that line.
    pub fn end_check(&mut self, accounts: usize, servers: usize, warnings: usize) -> String {
        self.totals.unchanged += accounts;
        let text = totals::of_manifest(accounts, servers, warnings);
        self.end_batch((text, false))
    }

    /// Ends a diff with what `apply` would do, and gives that line.
    pub fn end_diff(&self) -> String {
        self.end_batch(self.totals.diff())
    }

    /// Ends an apply with what it did, and gives that line.
    pub fn end_apply(&self) -> String {
        self.end_batch(self.totals.apply())
    }

    /// A pull begins, of which the last line has its own count.
    pub fn start_pull(&mut self) {
        self.totals.pulled.get_or_insert_default();
    }

    /// Ends a pull with what came home.
    pub fn end_pull(&self) {
        self.end_batch(self.totals.pull());
    }

    fn end_batch(&self, (text, is_news): (String, bool)) -> String {
        self.erase_progress();
        if !self.style.json && (is_news || !self.style.quiet) {
            print_line(&text);
        }
        text
    }

    /// Ends the run: the summary, and the exit status.
    pub fn finish(&self) -> u8 {
        self.erase_progress();
        let (exit, summary) = self.totals.end(self.style.quiet);
        if let (Some(line), true) = (summary, self.style.json) {
            self.print(&line.end());
        }
        exit
    }

    /// A failure on standard error: the message, and the hint if there is one.
    pub fn complain(&self, subject: Option<&Subject>, error: &Error) {
        let color = self.style.color.stderr;
        let about = subject.map_or(String::new(), |subject| format!("{}: ", subject.name()));
        let name = paint(color, RED, "avatarctl:");
        print_error(&format!("{name} {about}{}", visible(&error.message())));
        if let Some(hint) = &error.hint {
            let name = paint(color, CYAN, "hint:");
            print_error(&format!("{name} {}", visible(hint)));
        }
    }

    fn erase_progress(&self) {
        if self.progress.is_some() {
            erase();
        }
    }

    /// A line for an account: `text`, which is safe for a terminal, or the JSON line that `fill` completes.
    fn account_line(
        &self,
        subject: &Subject,
        outcome: &str,
        text: &str,
        fill: impl FnOnce(JsonLine) -> JsonLine,
    ) {
        match self.style.json {
            true => self.print(&fill(subject.json(outcome)).end()),
            false => self.print(&format!("{}: {text}\n", subject.name())),
        }
    }

    /// A result, where results go.
    fn print(&self, text: &str) {
        match self.style.aside {
            true => print_error(text.trim_end_matches('\n')),
            false => print(text),
        }
    }

    /// A line of a diff, with its sign.
    fn diff_line(&self, subject: &Subject, verdict: Difference, text: &str, shown: Option<&str>) {
        let outcome = match verdict {
            Difference::Same => "unchanged",
            _ => "pending",
        };
        if self.style.json {
            let line = subject.json(outcome).put("before", shown);
            print(&line.put("reason", verdict.name()).end());
        } else if verdict != Difference::Same || self.style.verbose {
            let color = |color| paint(self.style.color.stdout, color, verdict.sign());
            let sign = match verdict {
                Difference::Same => verdict.sign().to_owned(),
                Difference::Wanted => color(YELLOW),
                Difference::Drifted => color(RED),
                Difference::Unknown => color(CYAN),
            };
            let (name, text) = (subject.name(), visible(text));
            print(&format!("{sign} {name}: {text}\n"));
        }
    }
}
