//! The outcomes of a batch as a JUnit file, which CI engines show beside their tests.

use std::io::{self, Write};

use crate::apply::Outcome;
use crate::report::escape::escape;
use crate::report::record::Record;
use crate::report::words::wanted;

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
                    escape(&wanted(&record.avatar))
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
