//! One job after another in an open session: look, compare, write, prove, remember. The time that a server needs to
//! show a new avatar is filled with the next accounts' work.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use serde_json::Value;

use crate::apply::diff::{self, Verdict};
use crate::apply::state::{Entry, Key, Memory};
use crate::apply::{Batch, Changed, Event, JobResult, Look, Outcome, Stop, planned, unproven};
use crate::error::{Class, Error, Result};
use crate::plan::Job;
use crate::system::avatar::{Avatar, Proof, Seen};
use crate::system::session::Session;
use crate::terminal::quote;

/// The work on one server.
pub(super) struct Work<'r, 'a> {
    batch: &'r Batch<'a>,
    session: &'r mut Session,
    memory: &'r mut Memory,
    on_event: &'r mut dyn FnMut(Event),
    /// What was begun, and what became of it. It is told in this order, though a proof comes when others are done.
    begun: VecDeque<(&'a Job, Option<JobResult<'a>>)>,
    /// What waits for its proof, in the order of the next looks.
    written: VecDeque<Written<'a>>,
    /// The ids of avatars whose pictures were read.
    presets: BTreeSet<&'a str>,
    /// The accounts by the server's own ids: the first name of each, and what it is to wear.
    wanted: BTreeMap<String, (String, &'a Avatar)>,
    stop: Option<Stop>,
}

/// A write that the server took and that waits for its proof.
struct Written<'a> {
    job: &'a Job,
    seen: Option<Seen>,
    proof: Proof,
    /// What was remembered before.
    remembered: Option<Entry>,
    /// When to look next, and how many looks there were.
    due: Instant,
    looks: usize,
}

impl<'r, 'a> Work<'r, 'a> {
    pub(super) fn new(
        batch: &'r Batch<'a>,
        session: &'r mut Session,
        memory: &'r mut Memory,
        on_event: &'r mut dyn FnMut(Event),
    ) -> Work<'r, 'a> {
        Work {
            batch,
            session,
            memory,
            on_event,
            begun: VecDeque::new(),
            written: VecDeque::new(),
            presets: BTreeSet::new(),
            wanted: BTreeMap::new(),
            stop: None,
        }
    }

    /// Does every job; `observed` has what was found in one go, in the order of the jobs.
    pub(super) fn all(mut self, observed: Option<Vec<Result<Seen>>>) {
        let mut observed = observed.map(Vec::into_iter);
        let jobs: &'a [Job] = self.batch.jobs;
        for job in jobs {
            let seen = observed.as_mut().and_then(Iterator::next);
            while self.goes_on() && self.proof_is_due() {
                self.prove_next();
            }
            self.begun.push_back((job, None));
            if self.goes_on() {
                (self.on_event)(Event::Started(job));
                self.job(job, seen);
                continue;
            }
            self.prove_rest();
            self.skip(job, None);
        }
        self.prove_rest();
    }

    /// The work was stopped before this job was done.
    fn skip(&mut self, job: &'a Job, seen: Option<&Seen>) {
        if let Some(stop) = &self.stop {
            let why = stop.why.clone();
            self.finish(job, seen, Outcome::Skipped(why));
        }
    }

    /// Whether nothing has happened that ends the work on this server.
    fn goes_on(&mut self) -> bool {
        if self.stop.is_none() {
            self.stop = Stop::of_run(self.memory);
        }
        self.stop.is_none()
    }

    fn job(&mut self, job: &'a Job, observed: Option<Result<Seen>>) {
        let seen = match observed {
            Some(seen) => seen.map(Some),
            None if self.batch.rules.look => self.observe(job).map(Some),
            None => Ok(None),
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return self.fail(job, None, error),
        };
        if let Some(error) = seen.as_ref().and_then(|seen| self.contradiction(job, seen)) {
            return self.fail(job, seen.as_ref(), error);
        }
        let rules = self.batch.rules;
        let remembered = self.memory.get(&self.key(job)).cloned();
        let verdict = match &seen {
            Some(seen) => diff::compare(
                self.batch.system,
                &job.avatar,
                seen.fingerprint.as_deref(),
                remembered.as_ref(),
            ),
            None => diff::recall(&job.avatar, remembered.as_ref()),
        };
        if verdict == Verdict::Same && !(rules.force && (rules.write || rules.dry_run)) {
            return self.unchanged(job, seen.as_ref(), remembered);
        }
        if rules.dry_run {
            return self.dry_run(job, seen.as_ref());
        }
        if !rules.write {
            return self.pending(job, seen.as_ref(), verdict);
        }
        if rules.pictures {
            self.read_pictures(job, seen.as_ref());
            // That may take its time, in which a signal may come.
            if !self.goes_on() {
                return self.skip(job, seen.as_ref());
            }
        }
        match self.write(job, seen.as_ref(), verdict, remembered.as_ref()) {
            Ok(proof) => self.written(job, seen, proof, remembered),
            Err(error) => {
                if error.was_sent() {
                    self.forget(job);
                }
                self.fail(job, seen.as_ref(), error);
            }
        }
    }

    /// Whether the account came by another name already, to wear another avatar: each would take the other's write for
    /// its own proof.
    fn contradiction(&mut self, job: &'a Job, seen: &Seen) -> Option<Error> {
        let id = seen.id.as_ref()?;
        let Some((account, wanted)) = self.wanted.get(id) else {
            let first = (seen.account.clone(), &job.avatar);
            self.wanted.insert(id.clone(), first);
            return None;
        };
        (diff::desired_key(wanted) != diff::desired_key(&job.avatar)).then(|| {
            let account = quote(account);
            let what =
                format!("it is the same account as {account}, which is to wear another avatar");
            Error::new(Class::Data, what).hint("keep one of them in the manifest")
        })
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
            // A name that was given is no word of the server, and may stand in the address, too.
            account: match job.target.name() {
                Some(_) => seen.account,
                None => client.value(&seen.account),
            },
            fingerprint: seen.fingerprint.map(|text| client.value(&text)),
            details: details.map(|(key, it)| (key, value(it))).collect(),
            ..seen
        })
    }

    /// Nothing is to be done. What was seen is remembered if the state does not know it yet: a write without a look gets
    /// its fingerprint, and what somebody else set is known from now on, so that a later change is told as one. An avatar
    /// that is known stays known by what it was made from.
    fn unchanged(&mut self, job: &'a Job, seen: Option<&Seen>, remembered: Option<Entry>) {
        if let Some(seen) = seen
            && self.batch.rules.write
        {
            let look = Look::Saw(seen.fingerprint.clone());
            let known = |entry: &Entry| entry.fingerprint == look;
            if !remembered.as_ref().is_some_and(known)
                && let Err(error) = self.remember(job, look)
            {
                return self.fail(job, Some(seen), error);
            }
        }
        let shown = match seen {
            Some(seen) => seen.fingerprint.clone(),
            None => remembered.and_then(|entry| entry.fingerprint.fingerprint().map(str::to_owned)),
        };
        let verified = seen.is_some();
        self.finish(job, seen, Outcome::Unchanged { shown, verified });
    }

    fn dry_run(&mut self, job: &'a Job, seen: Option<&Seen>) {
        let system = self.batch.system;
        match system.dry_run(self.session, &job.target, &job.avatar, seen) {
            Ok(steps) => {
                let writes = planned(self.session, &steps);
                self.finish(job, seen, Outcome::Planned(writes));
            }
            Err(error) => self.fail(job, seen, error),
        }
    }

    fn pending(&mut self, job: &'a Job, seen: Option<&Seen>, verdict: Verdict) {
        let system = self.batch.system;
        // What apply would refuse is no pending change.
        if let Avatar::Preset(..) = &job.avatar
            && let Err(error) = system.dry_run(self.session, &job.target, &job.avatar, seen)
        {
            return self.fail(job, seen, error);
        }
        if self.batch.rules.pictures {
            self.read_pictures(job, seen);
        }
        let shown = seen.and_then(|seen| seen.fingerprint.clone());
        self.finish(job, seen, Outcome::Pending { verdict, shown });
    }

    /// Hands out what the account shows that is about to change, and what it will show, where that is there already: one
    /// picture at a time. One that cannot be read is handed out as that, and is nobody's failure.
    fn read_pictures(&mut self, job: &'a Job, seen: Option<&Seen>) {
        let system = self.batch.system;
        let Some(seen) = seen else {
            return;
        };
        let shown = (system.shown)(self.session, &job.target, seen);
        (self.on_event)(Event::Shown(job, shown));
        if let Avatar::Preset(_, Some(id)) = &job.avatar
            && let Some(read) = system.preset_picture.how()
            && self.presets.insert(id)
        {
            let image = read(self.session, seen, id);
            (self.on_event)(Event::Preset(id, image));
        }
    }

    /// Sends the avatar, or shows it again if it was only covered or unselected since it was proven.
    fn write(
        &mut self,
        job: &Job,
        seen: Option<&Seen>,
        verdict: Verdict,
        remembered: Option<&Entry>,
    ) -> Result<Proof> {
        let system = self.batch.system;
        let drifted = verdict == Verdict::Drifted && !self.batch.rules.force;
        if let (true, Some(restore), Some(seen), Some(entry)) =
            (drifted, system.restore, seen, remembered)
            && entry.set == diff::desired_key(&job.avatar)
            && let Some(fingerprint) = entry.fingerprint.fingerprint()
            && let Some(proof) = restore(self.session, &job.target, seen, fingerprint)?
        {
            return Ok(proof);
        }
        system.write(self.session, &job.target, &job.avatar, seen)
    }

    fn written(
        &mut self,
        job: &'a Job,
        seen: Option<Seen>,
        proof: Proof,
        remembered: Option<Entry>,
    ) {
        self.session.writes += 1;
        let written = Written {
            job,
            seen,
            proof,
            remembered,
            due: Instant::now() + self.batch.system.read_back[0],
            looks: 0,
        };
        if self.batch.rules.verify {
            return self.queue(written);
        }
        let after = match &written.proof {
            Proof::Is(fingerprint) => Look::Saw(Some(fingerprint.clone())),
            Proof::Wears | Proof::Other(_) => Look::NotTaken,
        };
        self.changed(&written, after, false);
    }

    /// Queues a write in the order of the next looks, so that none waits behind a later one.
    fn queue(&mut self, written: Written<'a>) {
        let at = self
            .written
            .partition_point(|other| other.due <= written.due);
        self.written.insert(at, written);
    }

    fn proof_is_due(&self) -> bool {
        let first = self.written.front();
        first.is_some_and(|first| first.due <= Instant::now())
    }

    /// Looks for all proofs, unless the work was stopped; after a signal, for those that come soon.
    fn prove_rest(&mut self) {
        while let Some(first) = self.written.front() {
            let due = first.due.max(Instant::now());
            let soon = |stop: &Stop| stop.until.is_some_and(|until| due <= until);
            match self.goes_on() || self.stop.as_ref().is_some_and(soon) {
                true => self.prove_next(),
                false => self.give_up_next(),
            }
        }
    }

    /// Gives the first proof up: looking for each of them would send refused credentials once for every account.
    fn give_up_next(&mut self) {
        let (Some(written), Some(stop)) = (self.written.pop_front(), &self.stop) else {
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
        self.finish(written.job, written.seen.as_ref(), Outcome::Failed(error));
    }

    /// Looks for the first proof when it is due.
    fn prove_next(&mut self) {
        let Some(mut written) = self.written.pop_front() else {
            return;
        };
        let job = written.job;
        let wait = written.due.saturating_duration_since(Instant::now());
        let seen = self
            .session
            .client
            .wait_silently(wait)
            .and_then(|()| self.observe(job));
        let shown = match seen {
            Ok(seen) => seen.fingerprint,
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
            _ if proven => self.changed(&written, Look::Saw(shown), true),
            Some(wait) => {
                written.due = Instant::now() + *wait;
                self.queue(written);
            }
            None => {
                let error = self.disagrees(shown.as_deref());
                self.forget(job);
                self.fail(job, written.seen.as_ref(), error);
            }
        }
    }

    /// A write is proven, or was taken without a look afterwards.
    fn changed(&mut self, written: &Written<'a>, look: Look, verified: bool) {
        let job = written.job;
        if let Err(error) = self.remember(job, look.clone()) {
            return self.fail(job, written.seen.as_ref(), error);
        }
        let after = look.fingerprint();
        let pruned = match verified && self.batch.rules.prune {
            true => self.prune(written, after),
            false => None,
        };
        let before = match &written.seen {
            Some(seen) => Look::Saw(seen.fingerprint.clone()),
            None => Look::NotTaken,
        };
        let changed = Changed {
            before,
            after: after.map(str::to_owned),
            verified,
            pruned,
        };
        self.finish(job, written.seen.as_ref(), Outcome::Changed(changed));
    }

    /// Deletes the avatar that the state says was uploaded here before. It is a custom one of this account,
    /// or it is left alone.
    fn prune(&mut self, written: &Written, after: Option<&str>) -> Option<String> {
        let delete = self.batch.system.delete.how()?;
        let uploads = matches!(written.job.avatar, Avatar::Picture(_));
        let remembered = written.remembered.as_ref()?;
        let old = remembered.fingerprint.fingerprint()?;
        let ours = remembered.set.starts_with("sha256:") && Some(old) != after;
        let mut offers = written.seen.as_ref()?.offers.iter();
        let custom = offers.any(|offer| offer.id == old && !offer.system);
        if !uploads || !ours || !custom {
            return None;
        }
        match (delete.send)(self.session, &written.job.target, old) {
            Ok(()) => Some(old.to_owned()),
            Err(error) => {
                let warning = format!("avatar {old} is left: {error}");
                self.session.warnings.push(warning);
                None
            }
        }
    }

    fn remember(&mut self, job: &Job, fingerprint: Look) -> Result<()> {
        let entry = Entry {
            set: diff::desired_key(&job.avatar),
            fingerprint,
        };
        self.memory.remember(self.key(job), entry)
    }

    /// A change went out and is not proven. If a refusal may cost an account the avatar it had, without a trace of that
    /// in its fingerprint, what was proven before is not known any more.
    fn forget(&mut self, job: &Job) {
        if self.batch.system.loses_on_refusal
            && let Err(error) = self.memory.forget(&self.key(job))
        {
            self.session.warnings.push(error.message());
        }
    }

    fn disagrees(&self, shown: Option<&str>) -> Error {
        let shown = self.batch.system.avatar_text(shown);
        Error::new(
            Class::Protocol,
            format!("the server answered success, but the account still shows {shown}"),
        )
        .hint("look at the account with show, and at the server's log")
    }

    /// One account's failure does not stop the others, unless they would fail the same way.
    fn fail(&mut self, job: &'a Job, seen: Option<&Seen>, error: Error) {
        if self.stop.is_none() {
            self.stop = Stop::of_server(self.batch.server, &error);
        }
        self.finish(job, seen, Outcome::Failed(error));
    }

    fn finish(&mut self, job: &'a Job, seen: Option<&Seen>, outcome: Outcome) {
        let result = JobResult {
            warnings: std::mem::take(&mut self.session.warnings),
            ..JobResult::new(job, seen, outcome)
        };
        let mut begun = self.begun.iter_mut();
        let own = begun.find(|(begun, _)| std::ptr::eq(*begun, job));
        own.expect("a job ends once, and was begun before").1 = Some(result);
        while let Some(result) = self.begun.front_mut().and_then(|(_, result)| result.take()) {
            self.begun.pop_front();
            (self.on_event)(Event::Finished(result));
        }
    }

    fn key(&self, job: &Job) -> Key {
        Key::new(self.batch.url, &job.target)
    }
}
