//! One self-contained page to look at: every account with its picture in the crop that will be shown, square
//! and round, in the sizes that people meet. No scripts, nothing from outside; pictures are embedded once
//! each and streamed, never all in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Read, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::apply::{Changed, Look, Outcome};
use crate::picture::Picture;
use crate::picture::content::Content;
use crate::report::escape::escape;
use crate::report::record::Record;
use crate::report::words::wanted;
use crate::system::avatar::{Avatar, Crop};

/// In pixels; Jira's four, and a large one.
const SIZES: [u32; 5] = [16, 24, 32, 48, 200];

/// Writes the page.
pub fn write(out: &mut dyn Write, action: &str, records: &[Record]) -> io::Result<()> {
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>avatarctl {action}</title>\n<style>\n{STYLE}"
    )?;
    let mut classes: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    for record in records {
        if let Avatar::Picture(picture) = &record.avatar {
            let next = classes.len();
            if let Entry::Vacant(place) = classes.entry(picture.digest) {
                place.insert(next);
                embed(out, next, picture)?;
            }
        }
    }
    writeln!(out, "</style>\n<h1>avatarctl {action}</h1>")?;
    for record in records {
        card(out, record, &classes)?;
    }
    writeln!(out, "</html>")
}

const STYLE: &str = "\
body{font:15px/1.4 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:#172b4d;background:#fff}
section{border-top:1px solid #dfe1e6;padding:1em 0}
h2{font-size:1em;margin:0}
p{margin:.3em 0}
.row{display:flex;gap:12px;align-items:end;margin:.6em 0}
i{display:inline-block;background-repeat:no-repeat;background-color:#f4f5f7}
.round{border-radius:50%}
.changed{color:#006644}.failed{color:#bf2600}.pending{color:#974f0c}.skipped,.unchanged{color:#5e6c84}
.warning{color:#974f0c}
";

/// A picture as the background of a class of its own, in pieces that base64 can join.
fn embed(out: &mut dyn Write, class: usize, picture: &Picture) -> io::Result<()> {
    let media_type = picture.header.format.media_type();
    write!(
        out,
        ".p{class}{{background-image:url(data:{media_type};base64,"
    )?;
    let mut source = picture.open()?;
    let mut block = [0; 3 * 4096];
    loop {
        let mut filled = 0;
        while filled < block.len() {
            match source.read(&mut block[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        out.write_all(BASE64_STANDARD.encode(&block[..filled]).as_bytes())?;
        if filled < block.len() {
            return writeln!(out, ")}}");
        }
    }
}

fn card(
    out: &mut dyn Write,
    record: &Record,
    classes: &BTreeMap<[u8; 32], usize>,
) -> io::Result<()> {
    let (class, text) = match &record.outcome {
        // A batch has no dry run.
        None | Some(Outcome::Planned(_)) => ("unchanged", String::new()),
        Some(Outcome::Unchanged { .. }) => ("unchanged", "unchanged".to_owned()),
        Some(Outcome::Changed(change)) => ("changed", changed(record, change)),
        Some(Outcome::Pending { verdict, shown }) => {
            let shown = record.system.avatar_text(shown.as_deref());
            (
                "pending",
                format!("{} {}, now {shown}", verdict.sign(), verdict.name()),
            )
        }
        Some(Outcome::Failed(error)) => ("failed", error.message()),
        Some(Outcome::Skipped(why)) => ("skipped", format!("skipped: {why}")),
    };
    writeln!(
        out,
        "<section>\n<h2>{} {}</h2>\n<p>{}</p>",
        escape(&record.server),
        escape(&record.account),
        escape(&wanted(&record.avatar))
    )?;
    if !text.is_empty() {
        writeln!(out, "<p class=\"{class}\">{}</p>", escape(&text))?;
    }
    if let Avatar::Picture(picture) = &record.avatar
        && let Some(number) = classes.get(&picture.digest)
    {
        let style = position((record.system.crop)(&picture.header));
        for shape in ["square", "round"] {
            write!(out, "<div class=\"row\">")?;
            for size in SIZES {
                write!(
                    out,
                    "<i class=\"p{number} {shape}\" style=\"width:{size}px;height:{size}px;{style}\" title=\"{size} x {size}\"></i>"
                )?;
            }
            writeln!(out, "</div>")?;
        }
    }
    for warning in &record.warnings {
        writeln!(out, "<p class=\"warning\">{}</p>", escape(warning))?;
    }
    writeln!(out, "</section>")
}

fn changed(record: &Record, change: &Changed) -> String {
    let text = |fingerprint: &Option<String>| record.system.avatar_text(fingerprint.as_deref());
    match &change.before {
        Look::Saw(before) => format!("changed from {} to {}", text(before), text(&change.after)),
        Look::NotTaken => "set without a look".to_owned(),
    }
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
        "background-size:{} {};background-position:{} {};image-orientation:{turned}",
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
            "background-size:133.689% 100.267%;background-position:50.000% 0.000%;image-orientation:none"
        );
    }
}
