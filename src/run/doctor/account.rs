//! What needs the credentials: who the caller is and what it may do, the limits it is told, and what the target wears.

use std::time::{Duration, Instant};

use super::{CALLER, Doctor, KEEP, LIMITS, PICTURE, RESTORE, RIGHTS, TARGET, TEST};
use crate::error::{Class, Error};
use crate::http::{Client, Exchange};
use crate::number::digits;
use crate::picture::received::Kind;
use crate::plan::manifest::Server;
use crate::report::check::{Check, Verdict};
use crate::settings::credentials::Credentials;
use crate::signals;
use crate::system::avatar::{Identity, Seen, Target};
use crate::system::knowledge::Pace;
use crate::system::session::Session;
use crate::system::shown::{Face, Shown};
use crate::terminal::{MESSAGE, clean};
use crate::time::span;

/// What depends on a caller, and the steps of a round trip.
const AFTER_CALLER: [&str; 7] = [RIGHTS, LIMITS, TARGET, PICTURE, KEEP, TEST, RESTORE];
const TRIP: [&str; 3] = [KEEP, TEST, RESTORE];

/// As many accounts as somebody may have in mind.
const MANY: u32 = 1000;

impl Doctor<'_> {
    /// Checks what needs credentials.
    pub(super) fn account(&mut self, server: &Server, client: Client) {
        let begun = Instant::now();
        let credentials = self.context.credentials(server, &self.subject, self.report);
        let way = credentials.as_ref().map(variables).unwrap_or_default();
        let opened = credentials.and_then(|found| (self.system.open)(client, &found));
        let mut session = match opened {
            Ok(session) => session,
            Err(error) => {
                self.report(Check::fail(CALLER, &error).took(begun.elapsed()));
                return self.not_made(&AFTER_CALLER, CALLER);
            }
        };
        self.within(&mut session, server, &way, begun);
        let left = session.end().err().map(|error| error.message());
        signals::defer(false);
        for warning in session.warnings.drain(..).chain(left) {
            self.report.warning(&self.subject, &warning);
        }
    }

    fn within(&mut self, session: &mut Session, server: &Server, way: &str, begun: Instant) {
        let identity = match (self.system.whoami)(session) {
            Ok(identity) => identity,
            Err(error) => {
                self.report(Check::fail(CALLER, &error).took(begun.elapsed()));
                return self.not_made(&AFTER_CALLER, CALLER);
            }
        };
        self.report(caller(&identity, session, way).took(begun.elapsed()));
        let rights = self.rights(&identity);
        let may = !matches!(rights.verdict, Verdict::Fail(_));
        self.report(rights);
        let begun = Instant::now();
        let limits = self.limits(session);
        self.report(limits.took(begun.elapsed()));
        if signals::caught().is_some() {
            return;
        }
        let worn = self.look(session);
        match (worn, may) {
            _ if !self.round_trip || signals::caught().is_some() => {}
            (_, false) => self.not_made(&TRIP, RIGHTS),
            (Some(worn), true) => self.round_trip(session, server, &worn),
            (None, true) => {}
        }
    }

    /// Missing rights are worth a warning, and an end where somebody else is to be changed.
    fn rights(&self, identity: &Identity) -> Check {
        let system = self.system;
        let own = identity.name.as_deref();
        let own = own.is_some_and(|name| (system.knowledge.is_caller)(name, self.target));
        match identity.may_change_others {
            Some(true) => Check::ok(RIGHTS, "may change others"),
            Some(false) if self.round_trip && !own => {
                let error = Error::new(Class::Credentials, "may not change others");
                Check::fail(RIGHTS, &error.hint(system.permission))
            }
            Some(false) => Check::warn(
                RIGHTS,
                "may not change others",
                system.permission.to_owned(),
            ),
            None => Check::ok(
                RIGHTS,
                "the server does not tell whether it may change others; --round-trip tries it",
            ),
        }
    }

    fn limits(&self, session: &mut Session) -> Check {
        let largest = match self.system.knowledge.largest {
            None => Ok(None),
            Some(largest) => largest(session),
        };
        let pace = announced(&self.recording.exchanges(), &self.system.knowledge.pace);
        match largest {
            Ok(None) => Check::ok(LIMITS, pace),
            Ok(Some(bytes)) => {
                Check::ok(LIMITS, format!("{pace}; pictures of at most {bytes} bytes"))
            }
            Err(error) => Check::fail(LIMITS, &error),
        }
    }

    /// What the target wears, and whether its picture can be read; of the caller the picture alone, where nobody is
    /// named.
    fn look(&mut self, session: &mut Session) -> Option<Worn> {
        let named = *self.target != Target::Caller;
        if !named && !self.system.has_caller() {
            self.report(Check::ok(PICTURE, "not tried, because no account is named"));
            return None;
        }
        let begun = Instant::now();
        let seen = match (self.system.observe)(session, self.target) {
            Ok(seen) => seen,
            Err(error) => {
                let name = if named { TARGET } else { PICTURE };
                self.report(Check::fail(name, &error).took(begun.elapsed()));
                if named {
                    self.not_made(&[PICTURE], TARGET);
                    self.not_made(&TRIP, TARGET);
                }
                return None;
            }
        };
        if named {
            let wears = clean(&(self.system.describe)(&seen), MESSAGE);
            let account = clean(&seen.account, MESSAGE);
            let check = Check::ok(TARGET, format!("{account} wears {wears}"));
            self.report(check.took(begun.elapsed()));
        }
        let begun = Instant::now();
        let shown = (self.system.shown)(session, self.target, &seen);
        match shown {
            Ok(shown) => {
                self.report(picture(&shown).took(begun.elapsed()));
                Some(Worn { seen, shown })
            }
            Err(error) => {
                self.report(Check::fail(PICTURE, &error).took(begun.elapsed()));
                self.not_made(&TRIP, PICTURE);
                None
            }
        }
    }
}

/// What an account wears and shows.
pub(super) struct Worn {
    pub(super) seen: Seen,
    pub(super) shown: Shown,
}

fn picture(shown: &Shown) -> Check {
    let origin = shown.origin.name();
    let mut check = match &shown.face {
        Face::Read(image) => {
            let size = match image.kind {
                Kind::Raster(header) => format!(" of {} x {}", header.width, header.height),
                Kind::Svg => String::new(),
            };
            let (kind, bytes) = (image.kind.media_type(), image.bytes.len());
            Check::ok(
                PICTURE,
                format!("read, {origin}: {kind}{size}, {bytes} bytes"),
            )
        }
        Face::Absent(why) => Check::ok(PICTURE, format!("none to read, {origin}: {why}")),
        // Nothing but a backup of it depends on that.
        Face::Unreadable(error) => Check {
            verdict: Verdict::Warn,
            ..Check::fail(PICTURE, error)
        },
    };
    for warning in &shown.warnings {
        check.verdict = Verdict::Warn;
        check.detail += &format!("; {warning}");
    }
    check
}

/// What gave the credentials.
fn variables(credentials: &Credentials) -> String {
    match credentials.from_netrc {
        true => "a netrc file".to_owned(),
        false => credentials.variables().join(", "),
    }
}

fn caller(identity: &Identity, session: &Session, variables: &str) -> Check {
    let name = match &identity.name {
        Some(name) => clean(name, MESSAGE),
        None => "somebody the server does not name".to_owned(),
    };
    let way = match (session.logout.is_some(), session.token) {
        (true, _) => "by a login that ends with this run",
        (false, true) => "by a token",
        (false, false) => "by name and password (Basic)",
    };
    Check::ok(CALLER, format!("{name}, {way}, from {variables}"))
}

/// The limit that the answers announce, and how long many accounts would take.
fn announced(exchanges: &[Exchange], pace: &Pace) -> String {
    let number = |exchange: &Exchange, name: &str| -> Option<u64> {
        digits(exchange.answered(name)?.trim()).filter(|number| *number > 0)
    };
    let limits = exchanges.iter().filter_map(|exchange| {
        let limit = number(exchange, "x-ratelimit-limit")?;
        let refill = number(exchange, "x-ratelimit-fillrate");
        let interval = number(exchange, "x-ratelimit-interval-seconds").or(pace.window)?;
        Some((refill.unwrap_or(limit), interval))
    });
    // The one that lets the fewest through. A server may announce any number.
    let tightest = limits.min_by_key(|(calls, seconds)| calls.saturating_mul(1000) / seconds);
    let requests = MANY * pace.requests;
    let limited = u64::from(MANY * pace.limited);
    let at = |(calls, seconds): (u64, u64)| {
        span(Duration::from_secs(
            limited.saturating_mul(seconds).div_ceil(calls),
        ))
    };
    let spoken = |(calls, seconds): (u64, u64)| match seconds {
        1 => format!("{calls} calls a second"),
        60 => format!("{calls} calls a minute"),
        _ => format!("{calls} calls in {seconds} s"),
    };
    match (tightest, pace.documented) {
        (Some(limit), _) => format!(
            "{} announced; {MANY} accounts, {requests} requests, take at least {}",
            spoken(limit),
            at(limit)
        ),
        (None, Some(limit)) => format!(
            "none announced, {} documented; {MANY} accounts, {requests} requests, take at least {}",
            spoken(limit),
            at(limit)
        ),
        (None, None) => {
            let took: Duration = exchanges.iter().map(|exchange| exchange.times.sum()).sum();
            let count = u32::try_from(exchanges.len()).unwrap_or(u32::MAX).max(1);
            let all = (took / count).saturating_mul(requests);
            format!(
                "none announced; {MANY} accounts, {requests} requests, take about {}",
                span(all)
            )
        }
    }
}
