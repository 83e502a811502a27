//! Whether all that this program relies on is true of one server: checks in the order in which a person would look. One
//! that fails does not stop those that do not depend on it.

mod account;
mod network;
mod round_trip;

use std::time::Instant;

use super::session::Context;
use super::{files, style};
use crate::cli::{Account, Doctor as How};
use crate::error::Result;
use crate::file::output;
use crate::http::{Client, Recording};
use crate::plan::manifest::Server;
use crate::report::check::Check;
use crate::report::{Report, Subject, har};
use crate::settings::environment::Environment;
use crate::signals;
use crate::system::System;
use crate::system::avatar::Target;
use crate::system::session::Session;

/// Checks a server, and returns the exit status.
pub(super) fn run(account: &Account, how: &How, environment: &Environment, begun: Instant) -> u8 {
    let context = Context {
        options: &account.options,
        environment,
        begun,
    };
    let mut report = Report::new(style(context.options, environment));
    let base = context.base(account.system);
    let mut doctor = Doctor {
        system: account.system,
        target: &account.target,
        round_trip: how.round_trip,
        context,
        recording: Recording::default(),
        subject: Subject {
            system: account.system,
            label: account.system.name,
            server: base.as_ref().ok().map(|base| base.text()),
            account: account.target.name().map(str::to_owned),
            action: account.action.name(),
        },
        report: &mut report,
    };
    if let Err(error) = doctor.all(
        how,
        base.clone()
            .map(|base| Server::of_system(account.system, base)),
    ) {
        report.run_failed(&error);
    }
    report.finish()
}

/// The checks, and what may come between them: the name of each.
const NAME: &str = "name";
const WAY: &str = "way";
const TLS: &str = "tls";
const SERVER: &str = "server";
const CLOCK: &str = "clock";
const CALLER: &str = "caller";
const RIGHTS: &str = "rights";
const LIMITS: &str = "limits";
const TARGET: &str = "target";
const PICTURE: &str = "picture";
const KEEP: &str = "keep";
const TEST: &str = "test";
const RESTORE: &str = "restore";
const TIDY: &str = "tidy";
const ANSWERS: &str = "answers";

/// The checks of one server.
struct Doctor<'a> {
    system: &'static System,
    target: &'a Target,
    /// Whether a change is tried on the target.
    round_trip: bool,
    context: Context<'a>,
    recording: Recording,
    subject: Subject<'a>,
    report: &'a mut Report,
}

impl Doctor<'_> {
    /// Makes every check, and writes the archive of what was sent for them.
    ///
    /// Errors: those of the archive.
    fn all(&mut self, how: &How, server: Result<Server>) -> Result<()> {
        if let Some(path) = &how.har {
            files::may_write("--har", path, self.context.options.force)?;
        }
        if let Some((server, client)) = self.network(server) {
            self.account(&server, client);
        }
        if signals::caught().is_none() {
            self.answers();
        }
        match &how.har {
            None => Ok(()),
            Some(path) => {
                let title = format!("avatarctl {} doctor", self.system.name);
                output::write(path, &mut |out| har::write(out, &title, &self.recording))
            }
        }
    }

    /// A session without credentials, the first one of a run.
    fn stranger(&self, server: &Server, client: Client) -> Session {
        Session::stranger(client, self.system, &server.prefix)
    }

    fn report(&mut self, check: Check) {
        self.report.check(&self.subject, &check);
    }

    /// These checks are not made, because another one failed; a signal needs no such reason.
    fn not_made(&mut self, names: &[&'static str], because: &str) {
        if signals::caught().is_some() {
            return;
        }
        for name in names {
            let asked = match *name {
                TARGET => *self.target != Target::Caller,
                KEEP | TEST | RESTORE => self.round_trip,
                _ => true,
            };
            if !asked {
                continue;
            }
            self.report(Check::not_made(name, because));
        }
    }

    /// What was seen of habits that servers differ in.
    fn answers(&mut self) {
        let habit = self.system.knowledge.habit;
        let mut habits = Vec::new();
        for exchange in self.recording.exchanges().iter() {
            if let Some(habit) = habit(exchange)
                && !habits.contains(&habit)
            {
                habits.push(habit);
            }
        }
        let texts: Vec<&str> = habits.iter().map(|habit| habit.text.as_str()).collect();
        let hints: Vec<&str> = habits.iter().filter_map(|habit| habit.hint).collect();
        let detail = texts.join("; ");
        match (texts.is_empty(), hints.is_empty()) {
            (true, _) => {}
            (false, true) => self.report(Check::ok(ANSWERS, detail)),
            (false, false) => self.report(Check::warn(ANSWERS, detail, hints.join("; "))),
        }
    }
}
