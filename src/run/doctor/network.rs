//! From the name of a server to what it says it is: name, way, TLS, server and clock, all of them seen at the first
//! request, which a stranger may make.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{
    CALLER, CLOCK, Doctor, KEEP, LIMITS, NAME, PICTURE, RESTORE, RIGHTS, SERVER, TARGET, TEST, TLS,
    WAY,
};
use crate::error::{Class, Error, Result};
use crate::http::tls::{self, TrustedBy};
use crate::http::{Client, Exchange, Reach, Tls};
use crate::plan::manifest::Server;
use crate::report::check::{Check, Verdict};
use crate::system::System;
use crate::system::knowledge::{Introduction, Range};
use crate::terminal::{MESSAGE, clean};
use crate::time::{self, http_date, span};

/// Fewer days that a certificate is valid are worth a warning.
const FEW_DAYS: u64 = 14;
/// Clocks that differ by more are worth a warning, in seconds.
const OFF: u64 = 60;

/// What depends on a server that answers.
const REST: [&str; 8] = [CALLER, RIGHTS, LIMITS, TARGET, PICTURE, KEEP, TEST, RESTORE];

impl Doctor<'_> {
    /// Checks everything that needs no credentials; none if there is no server to go on with.
    pub(super) fn network(&mut self, server: Result<Server>) -> Option<(Server, Client)> {
        let server = match server {
            Ok(server) => server,
            Err(error) => return self.end(NAME, &error),
        };
        let reach = match self.context.reach(&server) {
            Ok(reach) => reach,
            Err(error) => return self.end(WAY, &error),
        };
        let mut client = match Client::new(reach) {
            Ok(client) => client,
            Err(error) => return self.end(TLS, &error),
        };
        client.record(self.recording.clone());
        let mut session = self.stranger(&server, client);
        let introduced = (self.system.knowledge.introduce)(&mut session);
        let reach = session.client.reach();
        match self.connection(reach, introduced) {
            Some(()) => Some((server, session.client)),
            None => None,
        }
    }

    /// The first of the checks that are left failed, and all others depend on it.
    fn end<T>(&mut self, name: &'static str, error: &Error) -> Option<T> {
        let all = [NAME, WAY, TLS, SERVER, CLOCK];
        let at = all.iter().position(|known| *known == name)?;
        self.report(Check::fail(name, error));
        self.not_made(&all[at + 1..], name);
        self.not_made(&REST, name);
        None
    }

    /// What the first request showed of the connection, and what became of it.
    fn connection(&mut self, reach: &Reach, introduced: Result<Introduction>) -> Option<()> {
        let seen = Seen::of(&self.recording.exchanges());
        let proxied = reach.proxy.is_some() && !reach.base.is_https();
        let by_proxy = |error: &&Error| {
            proxied && (error.class == Class::Unreachable || error.status == Some(407))
        };
        let failed = introduced.as_ref().err();
        if let (Some(error), true) = (failed, seen.addresses.is_empty()) {
            return self.end(NAME, error);
        }
        self.report(name(reach, &seen.addresses).took(seen.look_up));
        if let Some(error) = failed.filter(|error| seen.connect.is_none() || by_proxy(error)) {
            return self.end(WAY, error);
        }
        let connect = seen.connect.unwrap_or_default();
        self.report(way(reach, connect).took(connect));
        if let (Some(error), true, None) = (failed, reach.base.is_https(), &seen.encrypt) {
            return self.end(TLS, error);
        }
        let encrypt = seen.encrypt.unwrap_or_default();
        let check = encryption(reach, &seen).unwrap_or_else(|error| Check::fail(TLS, &error));
        self.report(check.took(encrypt));
        let check = server(self.system, &introduced);
        let usable = !matches!(check.verdict, Verdict::Fail(_));
        self.report(check.took(seen.answer));
        let clock = clock(&self.recording.exchanges());
        if let Some(check) = clock {
            self.report(check);
        }
        if !usable {
            self.not_made(&REST, SERVER);
        }
        usable.then_some(())
    }
}

/// What all attempts at the first request showed.
#[derive(Default)]
struct Seen {
    addresses: Vec<IpAddr>,
    look_up: Duration,
    connect: Option<Duration>,
    encrypt: Option<Duration>,
    tls: Option<Arc<Tls>>,
    /// What the answer took.
    answer: Duration,
}

impl Seen {
    fn of(exchanges: &[Exchange]) -> Seen {
        let mut seen = Seen::default();
        for exchange in exchanges {
            let times = &exchange.times;
            seen.addresses.clone_from(&exchange.connection.addresses);
            seen.look_up += times.look_up.unwrap_or_default();
            seen.connect = times.connect.or(seen.connect);
            seen.encrypt = times.encrypt.or(seen.encrypt);
            seen.tls = exchange.connection.tls.clone().or(seen.tls);
            seen.answer = times.wait + times.receive;
        }
        seen
    }
}

fn name(reach: &Reach, addresses: &[IpAddr]) -> Check {
    let list: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    let list = list.join(", ");
    let host = match &reach.proxy {
        Some(proxy) => proxy.address.host(),
        None => reach.base.host(),
    };
    let plain = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let named = match plain {
        true => format!("{list}, an address"),
        false => format!("{host} is {list}"),
    };
    Check::ok(
        NAME,
        match &reach.proxy {
            None => named,
            Some(_) => format!("{} is looked up by the proxy, {named}", reach.base.host()),
        },
    )
}

fn way(reach: &Reach, connect: Duration) -> Check {
    let how = match &reach.proxy {
        None => "direct".to_owned(),
        Some(proxy) => format!("through the proxy {}", proxy.address.place()),
    };
    let time = connect.as_millis();
    Check::ok(WAY, format!("{how}, connected in {time} ms"))
}

/// Errors: configuration, for a file of certificates that cannot be used any more.
fn encryption(reach: &Reach, seen: &Seen) -> Result<Check> {
    if !reach.base.is_https() {
        return Ok(match reach.base.is_loopback() {
            true => Check::ok(TLS, "none: plain http, and this machine alone"),
            false => Check::warn(
                TLS,
                "none: plain http, the credentials can be read on their way",
                "begin the base URL with https://".to_owned(),
            ),
        });
    }
    let known = match &seen.tls {
        Some(agreed) => {
            let shown = tls::describe(&reach.trust, agreed)?;
            shown.map(|shown| (agreed.version, shown))
        }
        None => None,
    };
    let Some((version, shown)) = known else {
        return Ok(Check::warn(TLS, "a certificate that cannot be read", None));
    };
    let trusted = match shown.trusted_by {
        TrustedBy::Nothing => "not checked (--insecure)".to_owned(),
        TrustedBy::Named => "trusted itself by --ca-file".to_owned(),
        TrustedBy::CaFile => "trusted by --ca-file".to_owned(),
        TrustedBy::Store(None) => "trusted by the system's store".to_owned(),
        TrustedBy::Store(Some(variable)) => format!("trusted by the store of {variable}"),
        TrustedBy::BuiltIn => "trusted by the built-in roots".to_owned(),
    };
    let issuer = match (&shown.issuer, shown.self_signed) {
        (_, true) => "self-signed".to_owned(),
        (Some(name), false) => format!("issued by {}", clean(name, MESSAGE)),
        (None, false) => "issued by nobody it names".to_owned(),
    };
    let left = shown.ends.map(|end| (end, end.checked_sub(time::now())));
    let period = match left {
        None => "without an end".to_owned(),
        Some((_, Some(left))) => format!("{} days left", left / 86_400),
        Some((end, None)) => format!("expired on {}", time::text(end)),
    };
    let soon = left.is_some_and(|(_, left)| left.is_none_or(|left| left / 86_400 < FEW_DAYS));
    let detail = format!("{version}, {issuer}, {trusted}, {period}");
    Ok(match (shown.trusted_by, soon) {
        (TrustedBy::Nothing, _) => {
            let hint = "give the authority's certificate, or the server's own self-signed one, with --ca-file";
            Check::warn(TLS, detail, hint.to_owned())
        }
        (_, true) => Check::warn(TLS, detail, "renew it on the server".to_owned()),
        (_, false) => Check::ok(TLS, detail),
    })
}

fn server(system: &System, introduced: &Result<Introduction>) -> Check {
    let Introduction { text, version } = match introduced {
        Ok(introduction) => introduction,
        // Who has credentials may be told more.
        Err(error) if error.class == Class::Credentials => {
            let detail = format!("{} does not tell a stranger: {error}", system.title);
            return Check::warn(SERVER, detail, None);
        }
        Err(error) => return Check::fail(SERVER, error),
    };
    let versions = &system.knowledge.versions;
    let what = format!("{} {}", system.title, clean(text, MESSAGE));
    let known = match versions.last {
        Some(last) => format!("{} to {last}", versions.first),
        None => format!("{} and later", versions.first),
    };
    let Some(version) = version else {
        return Check::ok(
            SERVER,
            format!("{}, which tells no version", what.trim_end()),
        );
    };
    let out = |how: &str, hint: &str| {
        let detail = format!("{what}, {how} than what is known ({known})");
        Check::warn(SERVER, detail, hint.to_owned())
    };
    match versions.place(version) {
        Some(Range::Known) => Check::ok(SERVER, format!("{what}, within what is known ({known})")),
        Some(Range::Below) => out("older", versions.below),
        Some(Range::Above) => out("newer", versions.above),
        None => Check::warn(
            SERVER,
            format!("{what}, no version that can be compared with what is known ({known})"),
            "try --round-trip with one account before many".to_owned(),
        ),
    }
}

/// The server's clock against ours; none without an answer.
fn clock(exchanges: &[Exchange]) -> Option<Check> {
    let mut answered = exchanges.iter().filter(|exchange| exchange.answer.is_ok());
    let first = answered.next()?;
    let told = first.answered("date").and_then(http_date);
    let Some(told) = told else {
        return Some(Check::ok(CLOCK, "not told by the server"));
    };
    let ours = time::since_1970(first.begun + first.times.sum());
    let apart = told.abs_diff(ours);
    let side = if told > ours { "ahead of" } else { "behind" };
    let detail = match apart {
        // It tells whole seconds.
        0 | 1 => "the same as this machine's, to a second".to_owned(),
        _ => format!("{} {side} this machine's", span(Duration::from_secs(apart))),
    };
    Some(match apart > OFF {
        true => Check::warn(
            CLOCK,
            detail,
            "correct the one that is wrong; certificates, tokens and waits depend on it".to_owned(),
        ),
        false => Check::ok(CLOCK, detail),
    })
}
