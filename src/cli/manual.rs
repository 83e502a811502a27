//! The manual page in roff, made of the tables of the command line and of the texts that `--help` prints. Pure; no
//! sentence of a help may be written a second time in here.

use crate::cli::grammar::{Flag, GLOBAL, VERBS};
use crate::cli::help;
use crate::system;

/// What stands above everything. No word is hyphenated: an address or a variable that is broken by a hyphen
/// cannot be copied. mandoc asks for a date; it is the day when this page was last given another form, because
/// that of the build would make every build a different one.
const HEAD: &str = concat!(
    ".TH AVATARCTL 1 2026-11-21 \"avatarctl ",
    env!("CARGO_PKG_VERSION"),
    "\" \"User Commands\"\n.nh\n.ad l\n",
);

/// The columns of a terminal of 80, without its margins.
const WIDTH: usize = 71;

pub fn page() -> String {
    let help = help::main();
    let mut page = Page(HEAD.to_owned());

    page.section("NAME");
    let (first, rest) = env!("CARGO_PKG_DESCRIPTION").split_at(1);
    page.add(&["avatarctl \\- ", &first.to_ascii_lowercase(), rest, "\n"]);

    page.section("SYNOPSIS");
    let usage = headed(&help, "usage:");
    // What the last column says is said under COMMANDS.
    let end = last_column(usage);
    page.add(&[".nf\n"]);
    for call in usage.lines() {
        let call = call.get(..end).unwrap_or(call);
        page.line(call.trim_start_matches("usage:").trim());
    }
    page.add(&[".fi\n"]);

    page.section("DESCRIPTION");
    page.block(headed(&help, ""));

    page.section("COMMANDS");
    for verb in &VERBS {
        page.item(verb.name, "", "", verb.about);
    }
    let mut helps = vec![help.clone()];
    for verb in &VERBS {
        let help = help::of(verb);
        page.add(&[".SS ", verb.name, "\n"]);
        page.help(&help);
        helps.push(help);
    }

    page.section("OPTIONS");
    page.options(&GLOBAL);
    page.notes(&help, false);
    for verb in &VERBS {
        let own = verb.options(None);
        if !own.is_empty() {
            page.add(&[".SS Options of ", verb.name, "\n"]);
            page.options(&own);
        }
    }

    for system in system::ALL {
        page.section(&system.title.to_ascii_uppercase());
        page.help(system.help);
        helps.push(system.help.to_owned());
    }

    page.section("ENVIRONMENT");
    page.notes(&help, true);

    page.section("EXIT STATUS");
    let statuses = headed(&help, "exit status:");
    let rows = || statuses.lines().skip(1);
    // Two columns of numbers, which have three digits at most, a blank before them and two behind them.
    let middle = rows().next().map_or(0, last_column).saturating_sub(6);
    page.add(&[".nf\n"]);
    for row in rows() {
        page.line(row.get(..middle).unwrap_or(row).trim_end());
    }
    // The right one may be shorter.
    for row in rows().filter_map(|row| row.get(middle..)) {
        page.line(row);
    }
    page.add(&[".fi\n"]);

    page.section("EXAMPLES");
    page.add(&[".PD 0\n"]);
    let mut told = Vec::new();
    for help in &helps {
        for example in headed(help, "examples:").lines().skip(1) {
            if !told.contains(&example) {
                told.push(example);
                page.add(&[".HP 4\n"]);
                page.line(example.trim());
            }
        }
    }
    page.add(&[".PD\n"]);
    page.0
}

// --- a help and its blocks ---

/// The block that begins like this.
fn headed<'a>(help: &'a str, heading: &str) -> &'a str {
    let mut blocks = help.split("\n\n");
    let block = blocks.find(|block| block.starts_with(heading));
    block.unwrap_or_default()
}

/// Where the last column of a table begins.
fn last_column(table: &str) -> usize {
    let row = table.split('\n').next().unwrap_or_default();
    row.rfind("  ").map_or(0, |at| at + 2)
}

// --- roff ---

struct Page(String);

impl Page {
    fn add(&mut self, parts: &[&str]) {
        for part in parts {
            self.0 += part;
        }
    }

    fn section(&mut self, title: &str) {
        self.add(&[".SH ", title, "\n"]);
    }

    /// A help without its options, which are made of the tables here too, and its examples, which have a
    /// section of their own.
    fn help(&mut self, help: &str) {
        for block in help.split("\n\n") {
            if !block.starts_with("  -") && !block.starts_with("examples:") {
                self.block(block);
            }
        }
    }

    /// What a help says in sentences and under no heading, with or without a table below.
    fn notes(&mut self, help: &str, table: bool) {
        for block in help.split("\n\n") {
            if block.starts_with(|c: char| c.is_ascii_uppercase()) && block.contains("\n ") == table
            {
                self.block(block);
            }
        }
    }

    /// Sentences, and the table that is indented below them.
    fn block(&mut self, block: &str) {
        // A section begins a paragraph already.
        if self
            .0
            .lines()
            .next_back()
            .is_some_and(|line| !line.starts_with(".S"))
        {
            self.add(&[".PP\n"]);
        }
        let mut rows = Vec::new();
        for row in block.lines() {
            match row.starts_with(' ') {
                true => rows.push(row),
                false => self.line(row),
            }
        }
        if rows.iter().all(|row| row.len() <= WIDTH) {
            self.add(&[".nf\n"]);
            for row in rows {
                self.line(row);
            }
            self.add(&[".fi\n"]);
            return;
        }
        // What is wider becomes a list of terms. A row that begins further to the right goes on with the
        // one above.
        self.add(&[".PD 0\n"]);
        for row in rows {
            let text = row.trim_start();
            match text.split_once("  ") {
                _ if row.len() - text.len() > 3 => self.line(text),
                Some((term, about)) => self.item(term, "", "", about.trim_start()),
                None => self.item(text, "", "", ""),
            }
        }
        self.add(&[".PD\n"]);
    }

    fn options(&mut self, flags: &[Flag]) {
        for flag in flags {
            let short = flag.short.unwrap_or_default();
            let value = flag.value.name().unwrap_or_default();
            self.item(flag.name, short, value, flag.about);
        }
    }

    /// A term, perhaps with another for the same, and with a value; and what is said about it.
    fn item(&mut self, term: &str, other: &str, value: &str, about: &str) {
        self.add(&[".TP\n"]);
        if !other.is_empty() {
            self.add(&["\\fB\\", other, "\\fR, "]);
        }
        self.add(&["\\fB", &escaped(term), "\\fR"]);
        if !value.is_empty() {
            self.add(&[" \\fI", value, "\\fR"]);
        }
        self.add(&["\n"]);
        self.line(about);
    }

    /// A line of text. A dot at its beginning would make it a request, and an empty one has a sense of its own.
    fn line(&mut self, text: &str) {
        if text.is_empty() || text.starts_with('.') {
            self.add(&["\\&"]);
        }
        self.add(&[&escaped(text), "\n"]);
    }
}

/// What is typed must be copied as it is typed: of these characters roff would make others, or a request.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' => escaped += "\\e",
            '-' => escaped += "\\-",
            '\'' => escaped += "\\(aq",
            '`' => escaped += "\\(ga",
            '^' => escaped += "\\(ha",
            '~' => escaped += "\\(ti",
            c => escaped.push(c),
        }
    }
    escaped
}
