//! The way to a server: its address, whom to trust, and how much time there is. With it the waits, which end when a
//! signal does or the time of the whole command, and the one sink for what a user may see meanwhile.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::request::Request;
use super::tls::Trust;
use crate::error::{Class, Error, Result};
use crate::settings::address::Address;
use crate::settings::proxy::{Proxies, Proxy};
use crate::signals;
use crate::time::span;

/// How to reach a server.
#[derive(Clone)]
pub struct Reach {
    pub base: Address,
    pub trust: Trust,
    /// To look up, connect and shake hands.
    pub connect_timeout: Duration,
    /// For one request, its connection and the whole answer included.
    pub timeout: Duration,
    /// When the whole command must be over.
    pub deadline: Option<Instant>,
    /// How often a request is repeated that may be.
    pub retries: u32,
    pub proxy: Option<Proxy>,
    /// For other places.
    pub proxies: Proxies,
    /// Which lines of the trace are made: 0 none, 1 one for a request with its answer, 2 their headers too.
    pub trace: u8,
    pub on_event: fn(Event),
    /// Told of every wait before it begins: what should not be left undone meanwhile is done there.
    pub before_wait: Option<Rc<dyn Fn(Duration)>>,
}

/// What a user may want to see while a request is on its way. The texts are not cleaned for a terminal.
pub enum Event<'a> {
    /// A line of `-v` or `-vv`.
    Trace(&'a str),
    /// A wait begins: why, and how long it is.
    WaitBegins(&'a str),
    /// The same, made anew about every second with the time that is left.
    Waiting(&'a str),
    /// The wait is over, or a signal ended it.
    WaitEnds,
}

/// No wait that a server asks for is longer, when the command has no limit of its own.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// A silent wait that has no more than this left ends in time after a signal, too.
const SHORT: Duration = Duration::from_millis(500);

impl Reach {
    /// The time this request may take.
    ///
    /// Errors: temporary, when the time of the whole command is used up.
    pub fn remaining(&self, request: &Request) -> Result<Duration> {
        match self.deadline {
            None => Ok(self.timeout),
            Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => Ok(left.min(self.timeout)),
                _ => Err(out_of_time(request)),
            },
        }
    }

    /// Whether the time of the whole command is used up.
    pub fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Waits, and says so in a line that is made from the time that is left.
    ///
    /// Errors: temporary, when a signal ended the wait.
    pub fn wait(
        &self,
        time: Duration,
        request: &Request,
        line: &dyn Fn(&str) -> String,
    ) -> Result<()> {
        if time.is_zero() {
            return Ok(());
        }
        let end = Instant::now() + time;
        self.prepare(time);
        let tell = self.on_event;
        tell(Event::WaitBegins(&line(&span(time))));
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || signals::caught().is_some() {
                break;
            }
            tell(Event::Waiting(&line(&span(left))));
            let second = Instant::now() + left.min(Duration::from_secs(1));
            sleep_until(second, |_| signals::caught().is_some());
        }
        tell(Event::WaitEnds);
        match signals::caught() {
            None => Ok(()),
            Some(_) => Err(request.failed(Class::Temporary, "interrupted")),
        }
    }

    /// Waits without a word.
    ///
    /// Errors: temporary, at once, when the wait would pass the time of the whole command.
    pub fn wait_silently(&self, time: Duration) -> Result<()> {
        if let Some(limit) = self.too_long(time) {
            return Err(Error::new(Class::Temporary, limit));
        }
        let end = Instant::now() + time;
        self.prepare(time);
        sleep_until(end, |left| left > SHORT && signals::caught().is_some());
        Ok(())
    }

    fn prepare(&self, time: Duration) {
        if let Some(before_wait) = &self.before_wait {
            before_wait(time);
        }
    }

    /// Why a wait of this length is not begun; `None` if it may be.
    pub fn too_long(&self, time: Duration) -> Option<String> {
        match self.deadline {
            Some(deadline) => {
                let end = Instant::now().checked_add(time);
                let fits = end.is_some_and(|end| end < deadline);
                (!fits).then(|| format!("waiting {} more would pass --max-time", span(time)))
            }
            None => (time > LONGEST_WAIT).then(|| {
                format!(
                    "the server asks to wait {}, and without --max-time no wait is longer than {}",
                    span(time),
                    span(LONGEST_WAIT)
                )
            }),
        }
    }

    /// Gives out a line of the trace, if the user wants those of this level.
    pub fn trace(&self, level: u8, line: impl Fn() -> String) {
        if self.trace >= level {
            (self.on_event)(Event::Trace(&line()));
        }
    }
}

pub(super) fn out_of_time(request: &Request) -> Error {
    request
        .failed(Class::Temporary, "the time of the whole command is used up")
        .hint("allow more with --max-time")
}

/// Sleeps in short steps, because std goes on with a sleep that a signal interrupts; `stop` is asked before each with
/// the time that is left.
fn sleep_until(end: Instant, stop: impl Fn(Duration) -> bool) {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stop(left) {
            return;
        }
        std::thread::sleep(left.min(Duration::from_millis(100)));
    }
}
