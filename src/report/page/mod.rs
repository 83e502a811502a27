//! One self-contained page to look at: every account with its picture in the crop that will be shown, and what it shows
//! now where that changes. No scripts, nothing from outside; pictures are embedded once each and streamed, never all in
//! memory.

pub mod album;
mod embed;
pub mod sheet;

use std::io::{self, Write};
use std::time::Duration;

use crate::apply::Outcome;
use crate::apply::diff::Verdict;
use crate::report::escape::escape;
use crate::report::page::album::{Album, Digest, Now, View};
use crate::report::page::embed::Classes;
use crate::report::record::Record;
use crate::report::words::{self, plural, wanted};
use crate::system::System;
use crate::system::avatar::{Avatar, Crop};
use crate::time;

/// What a page says of the run as a whole.
pub struct Run<'a> {
    pub action: &'a str,
    /// The manifest, and which of its accounts were selected.
    pub manifest: String,
    /// The last line of the run.
    pub totals: &'a str,
    /// In seconds since 1970.
    pub now: u64,
    pub took: Duration,
    pub servers: Vec<Server<'a>>,
}

/// A server of the manifest.
pub struct Server<'a> {
    pub name: &'a str,
    pub url: &'a str,
    pub system: &'static System,
}

/// Writes the page. The accounts of a server stand together.
pub fn write(
    out: &mut dyn Write,
    run: &Run,
    records: &[Record],
    album: &mut Album,
) -> io::Result<()> {
    begin(out, &format!("avatarctl {}", run.action))?;
    let mut classes = Classes::default();
    for record in records {
        if let Avatar::Picture(picture) = &record.avatar {
            classes.sent(out, picture)?;
        }
        for digest in Sides::of(record, album).received(record) {
            classes.received(out, album, digest)?;
        }
    }
    writeln!(out, "</style>")?;
    header(out, run)?;
    filter(out, records)?;
    writeln!(out, "<main>")?;
    // A page of a few accounts has room for everything.
    let open = records.len() <= FEW;
    for accounts in records.chunk_by(|one, next| one.server == next.server) {
        section(out, run, accounts)?;
        for record in accounts {
            let card = Card {
                record,
                sides: Sides::of(record, album),
                classes: &classes,
                open,
            };
            card.write(out)?;
        }
        writeln!(out, "</div>\n</section>")?;
    }
    writeln!(out, "</main>\n</html>")
}

/// So many accounts are shown in all sizes from the beginning.
const FEW: usize = 3;

const STYLE: &str = include_str!("page.css");

/// Everything before the pictures, which belong to the style.
fn begin(out: &mut dyn Write, title: &str) -> io::Result<()> {
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>\n{STYLE}",
        escape(title)
    )
}

fn header(out: &mut dyn Write, run: &Run) -> io::Result<()> {
    writeln!(
        out,
        "<header>\n<h1>avatarctl {}</h1>\n<p class=\"totals\">{}</p>",
        run.action,
        escape(run.totals)
    )?;
    let servers: Vec<String> = run.servers.iter().map(link).collect();
    facts(
        out,
        &[
            ("manifest", escape(&run.manifest)),
            (
                "time",
                format!("{}, took {}", moment(run.now), time::span(run.took)),
            ),
            ("servers", servers.join(", ")),
        ],
    )?;
    writeln!(
        out,
        "<p class=\"hint\">Pictures as they will be shown, square on light ground and round on dark; open an \
         account to see every size, shape and ground.</p>\n</header>"
    )
}

/// Names and values, which are HTML already.
fn facts(out: &mut dyn Write, facts: &[(&str, String)]) -> io::Result<()> {
    writeln!(out, "<dl>")?;
    for (name, value) in facts {
        writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>")?;
    }
    writeln!(out, "</dl>")
}

fn moment(seconds: u64) -> String {
    let (machine, human) = (time::rfc3339(seconds), time::text(seconds));
    format!("<time datetime=\"{machine}\">{human}</time>")
}

/// A base address is checked to be one of the web, without user info.
fn link(server: &Server) -> String {
    format!(
        "<a href=\"{}\" rel=\"noreferrer\">{}</a>",
        escape(server.url),
        escape(server.name)
    )
}

/// What the filter can leave: a name, and which accounts that are.
type Filter = (&'static str, fn(&Record) -> bool);

const FILTERS: [Filter; 4] = [
    ("all", |_| true),
    ("changed", changes),
    ("warnings", |record| !record.warnings.is_empty()),
    ("failed", fails),
];

/// Radio buttons that rules of the style heed, so that no script is needed. They stand before what they filter, and
/// their labels in a line of their own.
fn filter(out: &mut dyn Write, records: &[Record]) -> io::Result<()> {
    let counts = FILTERS.map(|(name, has)| {
        let count = records.iter().filter(|record| has(record)).count();
        (name, count)
    });
    for (name, count) in counts {
        let state = match (name, count) {
            ("all", _) => " checked",
            (_, 0) => " disabled",
            _ => "",
        };
        writeln!(
            out,
            "<input type=\"radio\" name=\"show\" id=\"only-{name}\"{state}>"
        )?;
    }
    let owned = FILTERS.map(|(name, _)| format!("only-{name}")).join(" ");
    writeln!(
        out,
        "<div class=\"filter\" role=\"radiogroup\" aria-label=\"show\" aria-owns=\"{owned}\">"
    )?;
    for (name, count) in counts {
        writeln!(
            out,
            "<label for=\"only-{name}\">{name} <b>{count}</b></label>"
        )?;
    }
    writeln!(out, "</div>")
}

/// Under which filters one of these accounts stays, as classes.
fn kinds(records: &[Record]) -> String {
    let kept = FILTERS.iter().skip(1);
    let kept = kept.filter(|(_, has)| records.iter().any(has));
    let names: Vec<&str> = kept.map(|(name, _)| *name).collect();
    names.join(" ")
}

/// Whether an account changed or would.
fn changes(record: &Record) -> bool {
    matches!(
        record.outcome,
        Some(Outcome::Changed(_) | Outcome::Pending { .. })
    )
}

/// Whether an account did not get what it should.
fn fails(record: &Record) -> bool {
    matches!(
        record.outcome,
        Some(Outcome::Failed(_) | Outcome::Skipped(_))
    )
}

/// The head of a server's accounts.
fn section(out: &mut dyn Write, run: &Run, accounts: &[Record]) -> io::Result<()> {
    let name = accounts.first().map_or("", |record| &record.server);
    let server = run.servers.iter().find(|server| server.name == name);
    let (name, facts) = match server {
        None => (escape(name), String::new()),
        Some(server) => (
            link(server),
            format!("{}, {}, ", server.system.title, escape(server.url)),
        ),
    };
    writeln!(
        out,
        "<section class=\"{}\">\n<h2>{name} <small>{facts}{}</small></h2>\n<div class=\"grid\">",
        kinds(accounts),
        plural(accounts.len(), "account")
    )
}

/// What is to be seen of an account.
struct Sides {
    /// What it showed before, if it changes.
    now: Option<Now>,
    wanted: View,
}

impl Sides {
    fn of(record: &Record, album: &Album) -> Sides {
        let without = |why: &str| View::Without(why.to_owned());
        let now = album.now(&record.server, &record.target);
        Sides {
            now: match now {
                None if changes(record) => Some(Now {
                    view: without("nobody looked at it"),
                    origin: None,
                    warnings: Vec::new(),
                }),
                now => now.cloned(),
            },
            wanted: match &record.avatar {
                Avatar::Picture(picture) => View::Picture(picture.digest),
                Avatar::Preset(preset, None) => without(preset.null.unwrap_or("nothing to show")),
                Avatar::Preset(_, Some(id)) => match album.of_preset(&record.server, id) {
                    Some(view) => view.clone(),
                    None => without(unread(record)),
                },
                Avatar::Address(_) => without("the server downloads it from this address"),
                Avatar::Generated => without("the server draws it"),
            },
        }
    }

    fn received(&self, record: &Record) -> impl Iterator<Item = Digest> {
        let now = self.now.as_ref().and_then(|now| now.view.digest());
        let wanted = match &record.avatar {
            Avatar::Picture(_) => None,
            _ => self.wanted.digest(),
        };
        now.into_iter().chain(wanted)
    }
}

/// Why the picture of an avatar that is chosen by its id was not read.
fn unread(record: &Record) -> &'static str {
    match (record.system.preset_picture.instead(), &record.outcome) {
        (Some(instead), _) => instead,
        (None, None) => "check asks no server for it",
        (None, Some(Outcome::Unchanged { .. })) => "not read, because nothing changes",
        (None, Some(_)) => "not read",
    }
}

/// An account on the page.
struct Card<'a> {
    record: &'a Record,
    sides: Sides,
    classes: &'a Classes,
    open: bool,
}

impl Card<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Card { record, sides, .. } = self;
        let mut kind = kinds(std::slice::from_ref(*record));
        if let Some(Outcome::Changed(_)) = record.outcome {
            kind.push_str(" done");
        }
        let state = state(record);
        write!(
            out,
            "<article class=\"{kind}\">\n<div class=\"name\"><h3>{}</h3><span class=\"state\">{state}</span></div>\n\
             <p class=\"line\">{}</p>\n",
            escape(&record.account),
            escape(&line(record))
        )?;
        let seen = sides.now.as_ref().and_then(|now| now.view.digest());
        match seen.or(sides.wanted.digest()) {
            Some(_) => self.details(out)?,
            None => writeln!(out, "<div class=\"strip\">{}</div>", self.strip())?,
        }
        self.notes(out)?;
        writeln!(out, "</article>")
    }

    /// The small sizes, and behind them, when they are opened, all.
    fn details(&self, out: &mut dyn Write) -> io::Result<()> {
        let Card { record, sides, .. } = self;
        let open = if self.open { " open" } else { "" };
        let (account, wanted) = (escape(&record.account), escape(&wanted(&record.avatar)));
        writeln!(
            out,
            "<details{open}>\n<summary aria-label=\"{account}: {wanted}, every size\"><span class=\"strip\">{}</span>\
             <span class=\"less\">small sizes only</span></summary>\n<div class=\"all\">",
            self.strip()
        )?;
        if let Some(now) = &sides.now
            && let Some(digest) = now.view.digest()
        {
            let origin = now
                .origin
                .map_or(String::new(), |origin| format!(" ({})", origin.name()));
            writeln!(
                out,
                "<div class=\"{}\"><p>now{origin}</p><div class=\"ground light\" role=\"img\" aria-label=\"what {account} shows \
                 now\">{}</div></div>",
                self.classes.of(digest),
                row("square", &[200])
            )?;
        }
        match &sides.wanted {
            View::Without(why) => writeln!(out, "<div class=\"why\">{}</div>", escape(why))?,
            View::Picture(digest) => {
                let (class, style) = (self.classes.of(*digest), self.style());
                for ground in ["light", "dark"] {
                    writeln!(
                        out,
                        "<div class=\"{class}\"{style}><p>{wanted}, on {ground} ground</p><div class=\"ground {ground}\" role=\"img\" \
                         aria-label=\"{wanted}, square and round, at 16, 24, 32, 48 and 200 pixels on {ground} ground\">{}{}</div></div>",
                        row("square", &SIZES),
                        row("round", &SIZES)
                    )?;
                }
            }
        }
        writeln!(out, "</div>\n</details>")
    }

    /// What it shows now, if that changes, and what is wanted, in the sizes of lists and lines.
    fn strip(&self) -> String {
        let mut strip = String::new();
        if let Some(now) = &self.sides.now {
            let (class, shown) = match now.view.digest() {
                Some(digest) => (self.classes.of(digest), "<i class=\"s48\"></i>"),
                None => ("none".to_owned(), "<span class=\"s48\">?</span>"),
            };
            strip = format!(
                "<span class=\"{class}\"><span class=\"ground light\"><span class=\"size\">{shown}now</span></span></span>\
                 <span class=\"arrow\">\u{2192}</span>"
            );
        }
        strip
            + &match &self.sides.wanted {
                View::Without(why) => format!("<span class=\"why\">{}</span>", escape(why)),
                View::Picture(digest) => format!(
                    "<span class=\"wanted {}\"{}>{}{}</span>",
                    self.classes.of(*digest),
                    self.style(),
                    small("light", "square"),
                    match &self.sides.now {
                        None => small("dark", "round"),
                        // The place of the others is taken.
                        Some(_) => on_ground("dark", "round", &size(48)),
                    }
                ),
            }
    }

    /// The crop, if the picture is still to be cut.
    fn style(&self) -> String {
        match &self.record.avatar {
            Avatar::Picture(picture) => {
                format!(
                    " style=\"{}\"",
                    position((self.record.system.crop)(&picture.header))
                )
            }
            _ => String::new(),
        }
    }

    /// What went wrong or should be known.
    fn notes(&self, out: &mut dyn Write) -> io::Result<()> {
        let Card { record, sides, .. } = self;
        let mut note =
            |class: &str, text: &str| writeln!(out, "<p class=\"{class}\">{}</p>", escape(text));
        match &record.outcome {
            Some(Outcome::Failed(error)) => {
                note("error", &error.message())?;
                if let Some(hint) = &error.hint {
                    note("note", &format!("hint: {hint}"))?;
                }
            }
            Some(Outcome::Skipped(why)) => note("error", &format!("skipped: {why}"))?,
            _ => {}
        }
        if let Some(now) = &sides.now {
            if let View::Without(why) = &now.view {
                note("note", &format!("now: {why}"))?;
            }
            for warning in &now.warnings {
                note("note", &format!("now: {warning}"))?;
            }
        }
        for warning in &record.warnings {
            note("warning", warning)?;
        }
        Ok(())
    }
}

/// What became of an account, in a word.
fn state(record: &Record) -> String {
    let state = match &record.outcome {
        // A batch has no dry run.
        None | Some(Outcome::Planned(_)) => "",
        Some(Outcome::Unchanged { .. }) => "unchanged",
        Some(Outcome::Changed(_)) => "changed",
        Some(Outcome::Pending { verdict, .. }) => {
            let word = match verdict {
                Verdict::Same | Verdict::Wanted => "to change",
                Verdict::Drifted => "changed on the server",
                Verdict::Unknown => "not known",
            };
            return format!("{} {word}", verdict.sign());
        }
        Some(Outcome::Failed(_)) => "failed",
        Some(Outcome::Skipped(_)) => "skipped",
    };
    state.to_owned()
}

/// The avatar that is wanted and what it replaces, in the words of the run's lines.
fn line(record: &Record) -> String {
    let Record { system, avatar, .. } = record;
    match &record.outcome {
        Some(Outcome::Changed(change)) => words::changed(system, avatar, change, usize::MAX),
        Some(Outcome::Pending { shown, .. }) => {
            format!(
                "{} (now {})",
                wanted(avatar),
                system.avatar_text(shown.as_deref())
            )
        }
        _ => wanted(avatar),
    }
}

/// In pixels; Jira's four, and a large one.
const SIZES: [u32; 5] = [16, 24, 32, 48, 200];

/// The sizes of lists and lines in one shape on one ground, the two smallest above one another.
fn small(ground: &str, shape: &str) -> String {
    let smallest = "<span class=\"size\"><i class=\"s24\"></i><i class=\"s16\"></i>24 16</span>";
    on_ground(
        ground,
        shape,
        &format!("{}{}{smallest}", size(48), size(32)),
    )
}

fn on_ground(ground: &str, shape: &str, pictures: &str) -> String {
    format!("<span class=\"ground {ground} {shape}\">{pictures}</span>")
}

/// A picture in these sizes.
fn row(shape: &str, sizes: &[u32]) -> String {
    let sizes: String = sizes.iter().map(|side| size(*side)).collect();
    format!("<div class=\"row {shape}\">{sizes}</div>")
}

fn size(side: u32) -> String {
    format!("<span class=\"size\"><i class=\"s{side}\"></i>{side}</span>")
}

/// The crop as a background that is larger than its box and moved behind it. Percentages of a position count
/// what is left over, so one rule serves every size.
fn position(crop: Crop) -> String {
    let percent = |part: u32, whole: u32| {
        let thousandths = u64::from(part) * 100_000 / u64::from(whole.max(1));
        format!("{}.{:03}%", thousandths / 1000, thousandths % 1000)
    };
    let turned = if crop.upright { "from-image" } else { "none" };
    format!(
        "--scale:{} {};--place:{} {};image-orientation:{turned}",
        percent(crop.width, crop.side),
        percent(crop.height, crop.side),
        percent(crop.x, crop.width - crop.side),
        percent(crop.y, crop.height - crop.side)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_becomes_a_background() {
        let crop = Crop {
            width: 500,
            height: 375,
            side: 374,
            x: 63,
            y: 0,
            upright: false,
        };
        assert_eq!(
            position(crop),
            "--scale:133.689% 100.267%;--place:50.000% 0.000%;image-orientation:none"
        );
    }
}
