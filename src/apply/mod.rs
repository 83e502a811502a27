//! Carries jobs out on one server: looks, compares, writes where something would change, proves it by looking
//! again, and remembers it. One account and ten thousand take the same way.

pub mod diff;
pub mod state;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::apply::diff::Verdict;
use crate::apply::state::{Entry, Key, Memory, key};
use crate::error::{Class, Error, Result};
use crate::http::curl::{self, PlannedRequest, Step};
use crate::plan::Job;
use crate::signals;
use crate::system::avatar::{Avatar, Proof, Seen, Target};
use crate::system::session::Session;
use crate::system::{Support, System};
use crate::terminal::quote;

/// How jobs are carried out.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Write; without it, only say what would change.
    pub write: bool,
    /// Look before a write; without it the state alone decides.
    pub look: bool,
    /// Look again after a write.
    pub verify: bool,
    /// Write even where nothing would change.
    pub force: bool,
    /// Delete the avatar that was uploaded before, once the new one is proven.
    pub prune: bool,
    /// Say how each write would be sent, and send none.
    pub dry_run: bool,
}

/// What became of an account, with the fingerprints before and after.
pub enum Outcome {
    Changed {
        /// The outer `None` where nobody looked.
        before: Option<Option<String>>,
        after: Option<String>,
        verified: bool,
        /// The avatar that was deleted because this one replaces it.
        pruned: Option<String>,
    },
    Unchanged {
        shown: Option<String>,
        /// False where the state alone says so.
        verified: bool,
    },
    Pending {
        verdict: Verdict,
        shown: Option<String>,
    },
    /// The writes that would be sent.
    Planned(Vec<PlannedRequest>),
    Failed(Error),
    /// Not tried, and why.
    Skipped(String),
}

/// What happens to the accounts, in the order in which it happens.
pub enum Event<'a> {
    /// Work on an account begins.
    Begun(&'a Job),
    /// What became of it; once for each.
    Ended(JobResult<'a>),
    /// The login of this run could not be ended.
    Left(Error),
}

/// One account's news.
pub struct JobResult<'a> {
    pub job: &'a Job,
    /// As the server names it, or as it was given.
    pub account: Option<String>,
    pub outcome: Outcome,
    pub warnings: Vec<String>,
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

/// A write that was taken and waits for its proof.
struct Written<'a> {
    job: &'a Job,
    seen: Option<Seen>,
    proof: Proof,
    /// What was remembered before.
    proven: Option<Entry>,
    /// When to look, and how often that was done.
    due: Instant,
    looks: usize,
}

impl Batch<'_> {
    /// Opens the server and does every job; whatever becomes of an account is told, once.
    pub fn run(
        &self,
        open: impl FnOnce() -> Result<Session>,
        memory: &mut Memory,
        on_event: &mut dyn FnMut(Event),
    ) {
        if let Some(stop) = Stop::noticed(memory) {
            for job in self.jobs {
                on_event(Event::Ended(news(
                    job,
                    None,
                    Outcome::Skipped(stop.why.clone()),
                )));
            }
            return;
        }
        let mut session = match open() {
            Ok(session) => session,
            Err(error) => return self.none(error, Vec::new(), on_event),
        };
        session.verify = self.rules.verify;
        match self.observe_many(&mut session) {
            Ok(seen) => Run {
                batch: self,
                session: &mut session,
                memory,
                on_event,
                written: VecDeque::new(),
                stopped: None,
            }
            .jobs(seen),
            Err(error) => self.none(error, std::mem::take(&mut session.warnings), on_event),
        }
        if let Err(error) = session.end() {
            on_event(Event::Left(error));
        }
    }

    /// No account was begun: the first tells why, the others are skipped.
    fn none(&self, error: Error, mut warnings: Vec<String>, on_event: &mut dyn FnMut(Event)) {
        let why = self.why(&error);
        let mut failed = Some(error);
        for job in self.jobs {
            let outcome = match failed.take() {
                Some(error) => Outcome::Failed(error),
                None => Outcome::Skipped(why.clone()),
            };
            on_event(Event::Ended(JobResult {
                warnings: std::mem::take(&mut warnings),
                ..news(job, None, outcome)
            }));
        }
    }

    /// What all accounts wear, where one walk tells it.
    fn observe_many(&self, session: &mut Session) -> Result<Option<Vec<Result<Seen>>>> {
        match self.system.observe_many {
            Some(observe_many) if self.jobs.len() > 1 && self.rules.look => {
                let targets: Vec<_> = self.jobs.iter().map(|job| &job.target).collect();
                observe_many(session, &targets)
            }
            _ => Ok(None),
        }
    }

    fn why(&self, error: &Error) -> String {
        match error.class {
            Class::Credentials if error.status == Some(403) => {
                format!("{} refused: {}", self.server, error.message())
            }
            Class::Credentials => format!("{} refused the credentials", self.server),
            Class::Unreachable => format!("{} cannot be reached", self.server),
            _ if signals::caught().is_some() => INTERRUPTED.to_owned(),
            _ => format!("{} could not be opened", self.server),
        }
    }
}

const INTERRUPTED: &str = "interrupted";

/// How long after a signal proofs are still looked for: half of what a signal leaves a run to end by itself.
const LAST_LOOKS: Duration = Duration::from_millis(500);

/// Why the rest is not tried.
struct Stop {
    class: Class,
    why: String,
    /// Until when what was written may still be looked at.
    until: Option<Instant>,
}

impl Stop {
    /// What stops a whole run and not one server only.
    fn noticed(memory: &Memory) -> Option<Stop> {
        if memory.broken() {
            return Some(Stop {
                class: Class::Input,
                why: "the state file cannot be written".to_owned(),
                until: None,
            });
        }
        signals::caught().map(|_| Stop {
            class: Class::Temporary,
            why: INTERRUPTED.to_owned(),
            until: Some(Instant::now() + LAST_LOOKS),
        })
    }
}

fn news<'a>(job: &'a Job, seen: Option<&Seen>, outcome: Outcome) -> JobResult<'a> {
    JobResult {
        job,
        account: match seen {
            Some(seen) => Some(seen.account.clone()),
            None => job.target.name().map(str::to_owned),
        },
        outcome,
        warnings: Vec::new(),
    }
}

struct Run<'r, 'a> {
    batch: &'r Batch<'a>,
    session: &'r mut Session,
    memory: &'r mut Memory,
    on_event: &'r mut dyn FnMut(Event),
    written: VecDeque<Written<'a>>,
    stopped: Option<Stop>,
}

impl<'a> Run<'_, 'a> {
    fn jobs(mut self, surveyed: Option<Vec<Result<Seen>>>) {
        let mut surveyed = surveyed.map(Vec::into_iter);
        let jobs: &'a [Job] = self.batch.jobs;
        for job in jobs {
            let known = surveyed.as_mut().and_then(Iterator::next);
            // The time that a server needs to show an avatar is filled with the next accounts' work.
            while self.goes_on()
                && self
                    .written
                    .front()
                    .is_some_and(|first| first.due <= Instant::now())
            {
                self.prove();
            }
            if self.goes_on() {
                (self.on_event)(Event::Begun(job));
                self.job(job, known);
                continue;
            }
            self.finish();
            if let Some(stop) = &self.stopped {
                let why = stop.why.clone();
                self.say(job, None, Outcome::Skipped(why));
            }
        }
        self.finish();
    }

    /// Proves what was written, as far as nothing speaks against it.
    fn finish(&mut self) {
        while let Some(first) = self.written.front() {
            let due = first.due;
            let last = |stop: &Stop| {
                stop.until
                    .is_some_and(|until| due.max(Instant::now()) <= until)
            };
            if self.goes_on() || self.stopped.as_ref().is_some_and(last) {
                self.prove();
            } else {
                self.abandon();
            }
        }
    }

    /// Whether nothing has happened that ends the work on this server.
    fn goes_on(&mut self) -> bool {
        if self.stopped.is_none() {
            self.stopped = Stop::noticed(self.memory);
        }
        self.stopped.is_none()
    }

    /// Gives a proof up: looking for it would knock with refused credentials once for every account.
    fn abandon(&mut self) {
        let (Some(written), Some(stop)) = (self.written.pop_front(), &self.stopped) else {
            return;
        };
        let error = Error::new(
            stop.class,
            format!(
                "the server took the change, but it is not proven: {}",
                stop.why
            ),
        );
        self.forget(written.job);
        self.say(written.job, written.seen.as_ref(), Outcome::Failed(error));
    }

    fn job(&mut self, job: &'a Job, known: Option<Result<Seen>>) {
        let seen = match (known, self.batch.rules.look) {
            (Some(seen), _) => seen.map(Some),
            (None, true) => self.observe(job).map(Some),
            (None, false) => Ok(None),
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return self.fail(job, None, error),
        };
        let key = self.key(job);
        let rules = self.batch.rules;
        let proven = self.memory.get(&key).cloned();
        let shown = seen.as_ref().and_then(|seen| seen.fingerprint.clone());
        let verdict = match &seen {
            Some(_) => diff::compare(
                self.batch.system,
                &job.avatar,
                shown.as_deref(),
                proven.as_ref(),
            ),
            None => diff::recall(&job.avatar, proven.as_ref()),
        };
        if verdict == Verdict::Same && !(rules.force && (rules.write || rules.dry_run)) {
            // A line that nobody could complete when it was written is completed now.
            let incomplete = proven
                .as_ref()
                .is_some_and(|entry| entry.fingerprint.is_none());
            if incomplete && seen.is_some() && rules.write {
                let entry = Entry {
                    set: diff::desired_key(&job.avatar),
                    fingerprint: Some(shown.clone()),
                };
                if let Err(error) = self.memory.remember(key, entry) {
                    return self.fail(job, seen.as_ref(), error);
                }
            }
            let verified = seen.is_some();
            let shown = match verified {
                true => shown,
                false => proven.and_then(|entry| entry.fingerprint.flatten()),
            };
            return self.say(job, seen.as_ref(), Outcome::Unchanged { shown, verified });
        }
        let system = self.batch.system;
        if rules.dry_run {
            let steps = system.dry_run(self.session, &job.target, &job.avatar, seen.as_ref());
            return match steps.map(|steps| planned(self.session, &steps)) {
                Ok(writes) => self.say(job, seen.as_ref(), Outcome::Planned(writes)),
                Err(error) => self.fail(job, seen.as_ref(), error),
            };
        }
        if !rules.write {
            // What apply would refuse is no pending change.
            if let Avatar::Preset(..) = &job.avatar
                && let Err(error) =
                    system.dry_run(self.session, &job.target, &job.avatar, seen.as_ref())
            {
                return self.fail(job, seen.as_ref(), error);
            }
            return self.say(job, seen.as_ref(), Outcome::Pending { verdict, shown });
        }
        match self.write(job, seen.as_ref(), verdict, proven.as_ref()) {
            Ok(proof) => self.wrote(job, seen, proof, proven),
            Err(error) => {
                if error.was_sent() {
                    self.forget(job);
                }
                self.fail(job, seen.as_ref(), error);
            }
        }
    }

    /// Looks at the account. A server may give a part of the wanted address for a fingerprint, and that is shown and
    /// kept; the same part is left out each time, so that it can be compared.
    fn observe(&mut self, job: &Job) -> Result<Seen> {
        let Avatar::Address(address) = &job.avatar else {
            return (self.batch.system.observe)(self.session, &job.target);
        };
        self.session.client.redact_address(address);
        let seen = (self.batch.system.observe)(self.session, &job.target)?;
        let client = &self.session.client;
        let value = |value| match value {
            Value::String(text) => Value::from(client.value(&text)),
            other => other,
        };
        let details = seen.details.into_iter();
        Ok(Seen {
            account: client.value(&seen.account),
            fingerprint: seen.fingerprint.map(|text| client.value(&text)),
            details: details.map(|(key, it)| (key, value(it))).collect(),
            ..seen
        })
    }

    /// Sends the avatar, or shows it again where it was only covered or unselected since it was proven.
    fn write(
        &mut self,
        job: &Job,
        seen: Option<&Seen>,
        verdict: Verdict,
        proven: Option<&Entry>,
    ) -> Result<Proof> {
        let system = self.batch.system;
        let drifted = verdict == Verdict::Drifted && !self.batch.rules.force;
        if let (true, Some(restore), Some(seen), Some(entry)) =
            (drifted, system.restore, seen, proven)
            && entry.set == diff::desired_key(&job.avatar)
            && let Some(Some(fingerprint)) = &entry.fingerprint
            && let Some(proof) = restore(self.session, &job.target, seen, fingerprint)?
        {
            return Ok(proof);
        }
        system.write(self.session, &job.target, &job.avatar, seen)
    }

    fn wrote(&mut self, job: &'a Job, seen: Option<Seen>, proof: Proof, proven: Option<Entry>) {
        self.session.writes += 1;
        let written = Written {
            job,
            seen,
            proof,
            proven,
            due: Instant::now() + self.batch.system.read_back[0],
            looks: 0,
        };
        if self.batch.rules.verify {
            return self.enqueue(written);
        }
        let after = match &written.proof {
            Proof::Is(fingerprint) => Some(Some(fingerprint.clone())),
            Proof::Wears | Proof::Other(_) => None,
        };
        self.done(&written, after, false);
    }

    /// In the order of their turns: nobody waits behind a later one.
    fn enqueue(&mut self, written: Written<'a>) {
        let at = self
            .written
            .partition_point(|other| other.due <= written.due);
        self.written.insert(at, written);
    }

    /// Looks for the first proof that is due; waits for it where it is not.
    fn prove(&mut self) {
        let Some(mut written) = self.written.pop_front() else {
            return;
        };
        let job = written.job;
        let wait = written.due.saturating_duration_since(Instant::now());
        let looked = self
            .session
            .client
            .wait_silently(wait)
            .and_then(|()| self.observe(job));
        let shown = match looked {
            Ok(now) => now.fingerprint,
            Err(error) => {
                self.forget(job);
                return self.fail(job, written.seen.as_ref(), unproven(&error));
            }
        };
        let proven = match &written.proof {
            Proof::Wears => (self.batch.system.wears)(&job.avatar, shown.as_deref()) == Some(true),
            Proof::Is(fingerprint) => shown.as_ref() == Some(fingerprint),
            Proof::Other(before) => shown.is_some() && shown != *before,
        };
        written.looks += 1;
        match self.batch.system.read_back.get(written.looks) {
            _ if proven => self.done(&written, Some(shown), true),
            Some(wait) => {
                written.due = Instant::now() + *wait;
                self.enqueue(written);
            }
            None => {
                let error = self.disagrees(shown.as_deref());
                self.forget(job);
                self.fail(job, written.seen.as_ref(), error);
            }
        }
    }

    /// Remembers and tells what was proven, or what was taken without a proof.
    fn done(&mut self, written: &Written<'a>, after: Option<Option<String>>, verified: bool) {
        let job = written.job;
        let entry = Entry {
            set: diff::desired_key(&job.avatar),
            fingerprint: after.clone(),
        };
        if let Err(error) = self.memory.remember(self.key(job), entry) {
            return self.fail(job, written.seen.as_ref(), error);
        }
        let after = after.flatten();
        let pruned = match verified && self.batch.rules.prune {
            true => self.prune(written, after.as_deref()),
            false => None,
        };
        let before = written.seen.as_ref().map(|seen| seen.fingerprint.clone());
        self.say(
            job,
            written.seen.as_ref(),
            Outcome::Changed {
                before,
                after,
                verified,
                pruned,
            },
        );
    }

    /// Deletes the avatar that the state says was uploaded here before. It is a custom one of this account,
    /// or it is left alone.
    fn prune(&mut self, written: &Written, after: Option<&str>) -> Option<String> {
        let delete = self.batch.system.delete.how()?;
        let uploads = matches!(written.job.avatar, Avatar::Picture(_));
        let proven = written.proven.as_ref()?;
        let old = proven.fingerprint.clone().flatten()?;
        let ours = proven.set.starts_with("sha256:") && Some(old.as_str()) != after;
        let offered = written
            .seen
            .as_ref()?
            .offers
            .iter()
            .any(|offer| offer.id == old && !offer.system);
        if !uploads || !ours || !offered {
            return None;
        }
        match (delete.send)(self.session, &written.job.target, &old) {
            Ok(()) => Some(old),
            Err(error) => {
                self.session
                    .warnings
                    .push(format!("avatar {old} is left: {error}"));
                None
            }
        }
    }

    /// A change went out and is not proven. Where a refusal may cost an account the avatar it had, and leave no
    /// trace of that in its fingerprint, what was proven before is not known any more.
    fn forget(&mut self, job: &Job) {
        if self.batch.system.loses_on_refusal
            && let Err(error) = self.memory.forget(&self.key(job))
        {
            self.session.warnings.push(error.message());
        }
    }

    fn disagrees(&self, shown: Option<&str>) -> Error {
        let shown = self.batch.system.worn(shown);
        Error::new(
            Class::Protocol,
            format!("the server answered success, but the account still shows {shown}"),
        )
        .hint("look at the account with show, and at the server's log")
    }

    /// One account's failure does not stop the others, unless they would fail the same way, and with wrong
    /// credentials lock the account out.
    fn fail(&mut self, job: &'a Job, seen: Option<&Seen>, error: Error) {
        if matches!(error.class, Class::Credentials | Class::Unreachable) && self.stopped.is_none()
        {
            self.stopped = Some(Stop {
                class: error.class,
                why: self.batch.why(&error),
                until: None,
            });
        }
        self.say(job, seen, Outcome::Failed(error));
    }

    fn say(&mut self, job: &'a Job, seen: Option<&Seen>, outcome: Outcome) {
        let warnings = std::mem::take(&mut self.session.warnings);
        (self.on_event)(Event::Ended(JobResult {
            warnings,
            ..news(job, seen, outcome)
        }));
    }

    fn key(&self, job: &Job) -> Key {
        key(self.batch.url, &job.target)
    }
}

/// Writes as they would be sent.
fn planned(session: &mut Session, steps: &[Step]) -> Vec<PlannedRequest> {
    if session.logout.is_some() {
        session.warnings.push(
            "the login of this run ends with it; the commands need credentials that last".into(),
        );
    }
    curl::dry_run(&session.client, steps)
}

/// What became of an avatar that was to be deleted.
pub enum Deleted {
    Gone { verified: bool },
    Planned(Vec<PlannedRequest>),
}

/// Deletes a custom avatar of an account, by its id, and looks whether it is gone. The account's name is told as
/// soon as it is known.
///
/// Errors: data, and nothing was sent, when the avatar is none of the account's own or is selected.
pub fn delete(
    session: &mut Session,
    system: &System,
    target: &Target,
    id: &str,
    rules: Rules,
    name: &mut Option<String>,
) -> Result<Deleted> {
    let delete = match &system.delete {
        Support::Has(delete) => delete,
        Support::Instead(what) => {
            let error = Error::new(Class::Usage, format!("{} has no delete", system.title));
            return Err(error.hint(*what));
        }
    };
    let refused = |why: String| {
        Error::new(Class::Data, format!("delete avatar {id}: {why}")).hint(format!(
            "avatarctl {} list shows which are custom",
            system.name
        ))
    };
    let seen = (system.observe)(session, target)?;
    let account = quote(&seen.account);
    *name = Some(seen.account.clone());
    match seen.offers.iter().find(|offer| offer.id == id) {
        None => return Err(refused(format!("the list of {account} does not have it"))),
        Some(offer) if offer.system => {
            return Err(refused(format!(
                "the list of {account} has it as a system avatar, which cannot be deleted"
            )));
        }
        Some(offer) if offer.selected && !rules.force => {
            return Err(refused(format!("{account} wears it"))
                .hint("select another one first, or give --force"));
        }
        Some(_) => {}
    }
    if rules.dry_run {
        let steps = (delete.dry_run)(session, target, id)?;
        return Ok(Deleted::Planned(planned(session, &steps)));
    }
    (delete.send)(session, target, id)?;
    if !rules.verify {
        return Ok(Deleted::Gone { verified: false });
    }
    let now = (system.observe)(session, target).map_err(|error| unproven(&error))?;
    match now.offers.iter().any(|offer| offer.id == id) {
        false => Ok(Deleted::Gone { verified: true }),
        true => Err(Error::new(
            Class::Protocol,
            format!("delete avatar {id}: the server answered success, but {account} still has it"),
        )),
    }
}

/// The write was taken; only its proof is missing.
fn unproven(error: &Error) -> Error {
    error
        .clone()
        .about("the server took the change, but the read-back failed")
}
