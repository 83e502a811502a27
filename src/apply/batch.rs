//! The jobs of one server: begun in the order of the plan, or not at all, and what ends them early.

use std::time::{Duration, Instant};

use crate::apply::state::Memory;
use crate::apply::work::Work;
use crate::apply::{Event, JobResult, Outcome};
use crate::error::{Class, Error, NOT_PERMITTED, Result};
use crate::plan::Job;
use crate::signals;
use crate::system::System;
use crate::system::avatar::Seen;
use crate::system::session::Session;

/// How jobs are carried out.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Write; without it, only say what would change.
    pub write: bool,
    /// Look before a write; without it the state alone decides.
    pub look: bool,
    /// Look again after a write.
    pub verify: bool,
    /// Write even if nothing would change.
    pub force: bool,
    /// Delete the avatar that was uploaded before, once the new one is proven.
    pub prune: bool,
    /// Read the pictures of accounts that change, before they do.
    pub pictures: bool,
    /// Say how each write would be sent, and send none.
    pub dry_run: bool,
}

/// The jobs of one server.
pub struct Batch<'a> {
    pub system: &'static System,
    /// What people call the server.
    pub server: &'a str,
    /// Its base URL, by which the state knows it.
    pub url: &'a str,
    pub jobs: &'a [Job],
    pub rules: Rules,
}

impl Batch<'_> {
    /// Does every job in a session with the server, or fails with the error of opening it; every account's result goes
    /// to `on_event`, once. The login ends with the batch.
    pub fn run(
        &self,
        session: Result<Session>,
        memory: &mut Memory,
        on_event: &mut dyn FnMut(Event),
    ) {
        let mut session = match session {
            Ok(session) => session,
            Err(error) => return self.fail_all(error, Vec::new(), on_event),
        };
        self.run_in(&mut session, memory, on_event);
        // To log out, and to open the next server, may take long.
        memory.sync();
        if let Err(error) = session.end() {
            on_event(Event::LogoutFailed(error));
        }
    }

    /// Does every job in a session that goes on afterwards.
    pub fn run_in(
        &self,
        session: &mut Session,
        memory: &mut Memory,
        on_event: &mut dyn FnMut(Event),
    ) {
        session.verify = self.rules.verify;
        session.client.set_before_wait(memory.before_wait());
        match self.observe_many(session) {
            Ok(seen) => Work::new(self, session, memory, on_event).all(seen),
            Err(error) => {
                let warnings = std::mem::take(&mut session.warnings);
                self.fail_all(error, warnings, on_event);
            }
        }
    }

    /// Skips every job, because the run was stopped before this server's turn.
    pub fn skip(&self, stop: &Stop, on_event: &mut dyn FnMut(Event)) {
        for job in self.jobs {
            let outcome = Outcome::Skipped(stop.why.clone());
            on_event(Event::Finished(JobResult::new(job, None, outcome)));
        }
    }

    /// No account could be begun: the first one fails with the reason, the others are skipped.
    fn fail_all(&self, error: Error, mut warnings: Vec<String>, on_event: &mut dyn FnMut(Event)) {
        let why = why(self.server, &error);
        let mut failed = Some(error);
        for job in self.jobs {
            let outcome = match failed.take() {
                Some(error) => Outcome::Failed(error),
                None => Outcome::Skipped(why.clone()),
            };
            on_event(Event::Finished(JobResult {
                warnings: std::mem::take(&mut warnings),
                ..JobResult::new(job, None, outcome)
            }));
        }
    }

    /// What all accounts wear, in the order of the jobs, if the system can tell that with fewer calls than one each.
    fn observe_many(&self, session: &mut Session) -> Result<Option<Vec<Result<Seen>>>> {
        match self.system.observe_many {
            Some(observe_many) if self.jobs.len() > 1 && self.rules.look => {
                let targets: Vec<_> = self.jobs.iter().map(|job| &job.target).collect();
                observe_many(session, &targets)
            }
            _ => Ok(None),
        }
    }
}

/// Why the accounts of a server after a failure are skipped.
fn why(server: &str, error: &Error) -> String {
    match error.class {
        Class::Credentials if error.reason == NOT_PERMITTED => {
            format!("{server} refused: {}", error.message())
        }
        Class::Credentials => format!("{server} refused the credentials"),
        Class::Unreachable => format!("{server} cannot be reached"),
        _ if signals::caught().is_some() => INTERRUPTED.to_owned(),
        _ => format!("{server} could not be opened"),
    }
}

const INTERRUPTED: &str = "interrupted";

/// How long after a signal proofs are still looked for: half of what a signal leaves a run to end by itself.
const LAST_LOOKS: Duration = Duration::from_millis(500);

/// Why the rest of the accounts is not tried.
pub struct Stop {
    pub(super) class: Class,
    pub why: String,
    /// Until when the proof of a write may still be looked for.
    pub(super) until: Option<Instant>,
}

impl Stop {
    /// What stops the whole run, if something does: a signal, or a state file that cannot be written.
    pub fn of_run(memory: &Memory) -> Option<Stop> {
        if memory.is_broken() {
            return Some(Stop {
                class: Class::Input,
                why: "the state file cannot be written".to_owned(),
                until: None,
            });
        }
        Stop::of_signal()
    }

    /// The signal alone, where no state is written.
    pub fn of_signal() -> Option<Stop> {
        signals::caught().map(|_| Stop {
            class: Class::Temporary,
            why: INTERRUPTED.to_owned(),
            until: Some(Instant::now() + LAST_LOOKS),
        })
    }

    /// What stops the work on one server: a failure that every further account would share. With refused credentials,
    /// more attempts could lock the caller out.
    pub fn of_server(server: &str, error: &Error) -> Option<Stop> {
        let shared = matches!(error.class, Class::Credentials | Class::Unreachable);
        shared.then(|| Stop::before_all(server, error))
    }

    /// What keeps every account of a server from being begun.
    pub fn before_all(server: &str, error: &Error) -> Stop {
        Stop {
            class: error.class,
            why: why(server, error),
            until: None,
        }
    }
}
