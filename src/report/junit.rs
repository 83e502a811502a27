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
        case(out, record)?;
    }
    writeln!(out, "</testsuite>")
}

fn case(out: &mut dyn Write, record: &Record) -> io::Result<()> {
    let (server, account) = (escape(&record.server), escape(&record.account));
    let inside = match &record.outcome {
        Some(Outcome::Failed(error)) => {
            let hint = error.hint.as_deref();
            let hint = hint.map_or(String::new(), |hint| format!("hint: {hint}"));
            format!(
                "<failure type=\"{}\" message=\"{}\">{}</failure>",
                error.class.name(),
                escape(&error.message()),
                escape(&hint)
            )
        }
        Some(Outcome::Pending { verdict, .. }) => format!(
            "<failure type=\"pending\" message=\"{}: {}\"/>",
            verdict.name(),
            escape(&wanted(&record.avatar))
        ),
        Some(Outcome::Skipped(why)) => format!("<skipped message=\"{}\"/>", escape(why)),
        _ => String::new(),
    };
    let case = format!("  <testcase classname=\"{server}\" name=\"{account}\"");
    match inside.is_empty() {
        true => writeln!(out, "{case}/>"),
        false => writeln!(out, "{case}>\n    {inside}\n  </testcase>"),
    }
}
