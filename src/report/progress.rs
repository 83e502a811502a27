//! How far a batch is: one line on standard error that the next one replaces. A log or a file gets none.

use std::time::Instant;

use crate::report::streams::redraw;
use crate::time::span;

/// How far a batch is.
pub(super) struct Progress {
    total: usize,
    done: usize,
    begun: Instant,
    /// The account that is worked on, safe for a terminal.
    account: String,
}

impl Progress {
    /// A batch of this many accounts begins.
    pub(super) fn new(total: usize) -> Progress {
        Progress {
            total,
            done: 0,
            begun: Instant::now(),
            account: String::new(),
        }
    }

    /// Work on this account begins.
    pub(super) fn start(&mut self, account: String) {
        self.account = account;
        self.draw();
    }

    /// One more account is done.
    pub(super) fn advance(&mut self) {
        self.done += 1;
        self.draw();
    }

    fn draw(&self) {
        let left = match u32::try_from(self.done) {
            Ok(done @ 1..) => {
                let rest = u32::try_from(self.total.saturating_sub(self.done)).unwrap_or(u32::MAX);
                let time = (self.begun.elapsed() / done).saturating_mul(rest);
                format!(", {} left", span(time))
            }
            _ => String::new(),
        };
        redraw(&format!(
            "{}/{} {}{left}",
            self.done, self.total, self.account
        ));
    }
}
