//! Reads what accounts show on one server, one after the other, into a folder: the pictures, and a manifest that gives
//! every account back what it shows now. Nothing is changed on the server, and nothing is printed here.

mod declaration;
mod folder;
mod names;
mod work;

use crate::apply::Stop;
use crate::error::{Error, Result};
use crate::plan::manifest::Server;
use crate::system::avatar::{Avatar, Seen, Target};
use crate::system::session::Session;
use crate::system::shown::Origin;
use work::Work;

pub use folder::Folder;

/// An account that was asked for.
pub struct Asked {
    pub target: Target,
    /// Its place among all that were asked for, on whichever server.
    pub place: usize,
}

/// The accounts of one server.
pub struct Batch<'a> {
    pub server: &'a Server,
    /// Its index among all servers.
    pub at: usize,
    /// Nobody means everybody.
    pub asked: Vec<Asked>,
    /// Declare pictures even where an id would do.
    pub as_images: bool,
}

/// What happens to the accounts, in the order in which it happens.
pub enum Event<'a> {
    /// Everybody was asked for, and there are so many.
    Found(usize),
    /// Work on an account begins.
    Started(&'a Target),
    /// What became of an account; once for each.
    Finished(Finished),
    /// The login of this run could not be ended.
    LogoutFailed(Error),
}

/// What became of one account.
pub struct Finished {
    /// As the server names it, or as it was given; none where that is not known.
    pub account: Option<String>,
    pub outcome: Outcome,
    pub warnings: Vec<String>,
}

pub enum Outcome {
    /// It was read. It is in the folder when that is finished, and not before.
    Pulled(Pulled),
    Failed(Error),
    /// Not tried, and why.
    Skipped(String),
}

/// What was read of an account.
pub struct Pulled {
    pub origin: Origin,
    /// The picture, from the folder on.
    pub file: Option<String>,
    /// What the manifest says; none where it leaves the account out.
    pub declared: Option<Avatar>,
}

/// Why accounts are not in the folder: it could not take one of them.
pub const BROKEN: &str = "the folder cannot be written";

/// The same, where all were read and something was in the way.
pub const UNWRITTEN: &str = "it was read, and nothing is written";

type OnEvent<'e> = &'e mut dyn FnMut(Event);

/// What was seen of accounts in one go, in their order; none where each is looked at in its turn.
type Observed = Option<Vec<Result<Seen>>>;

impl Batch<'_> {
    /// Reads every account in a session with the server, or fails with the error of opening it. The login ends with
    /// the batch.
    pub fn run(mut self, session: Result<Session>, folder: &mut Folder, on_event: OnEvent) {
        let mut session = match session {
            Ok(session) => session,
            Err(error) => return self.fail_all(error, Vec::new(), on_event),
        };
        let everybody = self.asked.is_empty();
        match self.observe_many(&mut session) {
            Ok(observed) => {
                if everybody {
                    on_event(Event::Found(self.asked.len()));
                }
                Work::new(&self, &mut session, folder, on_event).all(observed);
            }
            Err(error) => {
                let warnings = std::mem::take(&mut session.warnings);
                self.fail_all(error, warnings, on_event);
            }
        }
        if let Err(error) = session.end() {
            on_event(Event::LogoutFailed(error));
        }
    }

    /// What is learned in one go: who everybody is, and what many wear.
    fn observe_many(&mut self, session: &mut Session) -> Result<Observed> {
        let system = self.server.system;
        if let (true, Some(everybody)) = (self.asked.is_empty(), system.everybody) {
            let mut observed = Vec::new();
            for (place, (target, seen)) in everybody(session)?.into_iter().enumerate() {
                self.asked.push(Asked { target, place });
                observed.push(Ok(seen));
            }
            return Ok(Some(observed));
        }
        match system.observe_many {
            Some(observe_many) if self.asked.len() > 1 => {
                let targets: Vec<&Target> = self.asked.iter().map(|asked| &asked.target).collect();
                observe_many(session, &targets)
            }
            _ => Ok(None),
        }
    }

    /// Skips every account, because the run was stopped before this server's turn.
    pub fn skip(&self, why: &str, on_event: OnEvent) {
        for asked in &self.asked {
            on_event(Event::Finished(Finished::skipped(&asked.target, why)));
        }
    }

    /// No account could be begun: the first one fails with the reason, the others are skipped.
    fn fail_all(&self, error: Error, warnings: Vec<String>, on_event: OnEvent) {
        let stop = Stop::before_all(&self.server.name, &error);
        let first = self.asked.first().and_then(|asked| asked.target.name());
        on_event(Event::Finished(Finished {
            account: first.map(str::to_owned),
            outcome: Outcome::Failed(error),
            warnings,
        }));
        for asked in self.asked.iter().skip(1) {
            on_event(Event::Finished(Finished::skipped(&asked.target, &stop.why)));
        }
    }
}

impl Finished {
    fn skipped(target: &Target, why: &str) -> Finished {
        Finished {
            account: target.name().map(str::to_owned),
            outcome: Outcome::Skipped(why.to_owned()),
            warnings: Vec::new(),
        }
    }
}
