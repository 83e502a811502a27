//! The outcomes of a batch as a JUnit file, which CI engines show beside their tests.

use std::io::{self, Write};

use crate::apply::Outcome;
use crate::report::record::Record;
use crate::terminal::is_deceptive;

/// Writes one test suite with a case an account.
pub fn write(out: &mut dyn Write, action: &str, records: &[Record]) -> io::Result<()> {
    let count = |wanted: fn(&Outcome) -> bool| {
        let outcomes = records.iter().filter_map(|record| record.outcome.as_ref());
        outcomes.filter(|outcome| wanted(outcome)).count()
    };
    let failures = count(|outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Pending { .. }));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuite name=\"avatarctl {action}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">",
        records.len()
    )?;
    for record in records {
        let case = format!(
            "  <testcase classname=\"{}\" name=\"{}\"",
            escape(&record.server),
            escape(&record.account)
        );
        match &record.outcome {
            Some(Outcome::Failed(error)) => {
                writeln!(out, "{case}>")?;
                let hint = error
                    .hint
                    .as_deref()
                    .map_or(String::new(), |hint| format!("hint: {hint}"));
                writeln!(
                    out,
                    "    <failure type=\"{}\" message=\"{}\">{}</failure>",
                    error.class.name(),
                    escape(&error.message()),
                    escape(&hint)
                )?;
                writeln!(out, "  </testcase>")?;
            }
            Some(Outcome::Pending { verdict, .. }) => {
                writeln!(out, "{case}>")?;
                writeln!(
                    out,
                    "    <failure type=\"pending\" message=\"{}: {}\"/>",
                    verdict.name(),
                    escape(&record.wanted)
                )?;
                writeln!(out, "  </testcase>")?;
            }
            Some(Outcome::Skipped(why)) => {
                writeln!(
                    out,
                    "{case}>\n    <skipped message=\"{}\"/>\n  </testcase>",
                    escape(why)
                )?;
            }
            _ => writeln!(out, "{case}/>")?,
        }
    }
    writeln!(out, "</testsuite>")
}

/// Text for XML and HTML alike, attributes included, shown as a terminal would be shown it. What XML 1.0 cannot
/// hold at all is replaced.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if is_deceptive(c) => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    escaped
}
