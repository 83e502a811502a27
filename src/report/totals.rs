//! How many accounts came to what. The last line of a run and its exit status follow from these numbers.

use crate::apply::diff::Verdict as Difference;
use crate::error::{Class, merge};
use crate::report::PENDING;
use crate::report::check::Verdict;
use crate::report::jsonline::JsonLine;
use crate::report::words::{counts, plural};
use crate::signals;
use crate::system::shown::Origin;

/// The numbers of one run.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) changed: usize,
    pub(super) unchanged: usize,
    pub(super) skipped: usize,
    /// Where the pictures come from that a pull read; none of another run.
    pub(super) pulled: Option<Vec<Origin>>,
    /// Accounts whose writes were printed and not sent.
    pub(super) planned: usize,
    /// Accounts that `diff` would change: `~`, `!` and `?`.
    wanted: usize,
    drifted: usize,
    unknown: usize,
    failures: Vec<Class>,
    /// The failure of the first check that failed.
    first: Option<Class>,
    /// Whether something was printed that was asked for, such as a list.
    pub(super) answered: bool,
}

impl Totals {
    pub(super) fn failed(&mut self, class: Class) {
        self.failures.push(class);
    }

    pub(super) fn checked(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Ok | Verdict::Warn => {}
            Verdict::NotMade => self.skipped += 1,
            Verdict::Fail(class) => {
                self.first.get_or_insert(class);
                self.failed(class);
            }
        }
    }

    pub(super) fn pending(&mut self, verdict: Difference) {
        *match verdict {
            Difference::Drifted => &mut self.drifted,
            Difference::Unknown => &mut self.unknown,
            Difference::Wanted | Difference::Same => &mut self.wanted,
        } += 1;
    }

    fn to_change(&self) -> usize {
        self.wanted + self.drifted + self.unknown
    }

    /// What `apply` would do, and whether that is news.
    pub(super) fn diff(&self) -> (String, bool) {
        let all = self.to_change();
        let why = counts(&[
            (self.drifted, "changed on the server"),
            (self.unknown, "not known"),
        ]);
        let why = match why.is_empty() {
            true => why,
            false => format!(" ({why})"),
        };
        let text = format!("{all} to change{why}, {} the same", self.unchanged);
        self.with_undone(text, all)
    }

    /// What `apply` did, and whether that is news.
    pub(super) fn apply(&self) -> (String, bool) {
        let Totals {
            changed, unchanged, ..
        } = self;
        let text = format!("{changed} changed, {unchanged} unchanged");
        self.with_undone(text, *changed)
    }

    /// What a pull brought home, and whether that is news: if something did not come.
    pub(super) fn pull(&self) -> (String, bool) {
        let pulled = self.pulled.as_deref().unwrap_or_default();
        let origins = [
            Origin::Uploaded,
            Origin::Default,
            Origin::Generated,
            Origin::External,
        ];
        let of = |origin| pulled.iter().filter(|known| **known == origin).count();
        let origins = origins.map(|origin| (of(origin), origin.name()));
        let text = match counts(&origins) {
            none if none.is_empty() => "0 pulled".to_owned(),
            some => format!("{} pulled ({some})", pulled.len()),
        };
        self.with_undone(text, 0)
    }

    fn with_undone(&self, text: String, changes: usize) -> (String, bool) {
        let undone = [(self.failures.len(), "failed"), (self.skipped, "skipped")];
        let undone = counts(&undone);
        match undone.is_empty() {
            true => (text, changes > 0),
            false => (format!("{text}, {undone}"), true),
        }
    }

    /// The exit status, and the last JSON line; that is none if there is nothing to say and `quiet`.
    pub(super) fn end(&self, quiet: bool) -> (u8, Option<JsonLine>) {
        let exit = match (self.first, merge(self.failures.iter().copied())) {
            (Some(first), _) => first.exit(),
            (None, 0) if self.to_change() > 0 => PENDING,
            (None, exit) => exit,
        };
        let exit = signals::caught().unwrap_or(exit);
        let pending = self.to_change() + self.planned;
        let failed = self.failures.len();
        let silent = quiet && !self.answered && self.changed + failed + pending + self.skipped == 0;
        let summary = (!silent).then(|| {
            let line = JsonLine::new("summary")
                .put("changed", self.changed)
                .put("unchanged", self.unchanged);
            let line = match &self.pulled {
                Some(pulled) => line.put("pulled", pulled.len()),
                None => line,
            };
            line.put("failed", failed)
                .put("pending", pending)
                .put("skipped", self.skipped)
                .put("exit", exit)
        });
        (exit, summary)
    }
}

/// What a manifest without errors holds.
pub(super) fn of_manifest(accounts: usize, servers: usize, warnings: usize) -> String {
    let warnings = match warnings {
        0 => "no warnings".to_owned(),
        _ => plural(warnings, "warning"),
    };
    format!(
        "{} on {}: no errors, {warnings}",
        plural(accounts, "account"),
        plural(servers, "server"),
    )
}
