//! Many accounts, declared in a manifest: check, diff and apply. Diff and apply go the same way, with and without the
//! right to write.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::files;
use super::session::Context;
use super::style;
use crate::apply::state::{Journal, LockWait, Memory, State};
use crate::apply::{self, Event, JobResult, Rules};
use crate::cli::{Batch, BatchAction, Origin};
use crate::error::{Class, Result};
use crate::file::{input, output};
use crate::plan::manifest::{self, Manifest, Problem};
use crate::plan::{Job, Part, Plan};
use crate::report::page::album::Album;
use crate::report::record::Record;
use crate::report::{self, Report, Subject, junit, page};
use crate::settings::environment::Environment;
use crate::system::avatar::Target;
use crate::terminal::quote;
use crate::time;

/// Carries out a command about the accounts of a manifest, and returns the exit status.
pub(super) fn run(batch: &Batch, environment: &Environment, begun: Instant) -> u8 {
    let context = Context {
        options: &batch.options,
        environment,
        begun,
    };
    let mut run = Run {
        batch,
        context,
        report: Report::new(style(context.options, environment)),
        records: Vec::new(),
        album: batch.html.clone().map(Album::new),
    };
    if let Err(error) = run.all() {
        run.report.run_failed(&error);
    }
    run.report.finish()
}

/// A batch that is under way.
struct Run<'a> {
    batch: &'a Batch,
    context: Context<'a>,
    report: Report,
    /// The accounts so far, if a file is written of them at the end.
    records: Vec<Record>,
    /// The pictures so far, if a page is written of them.
    album: Option<Album>,
}

impl Run<'_> {
    fn all(&mut self) -> Result<()> {
        let files = files::distinct(self.batch)?;
        let Some(plan) = self.plan()? else {
            return Ok(());
        };
        files::spare_pictures(&files, &plan)?;
        let totals = match self.batch.action {
            BatchAction::Check => self.check(&plan),
            BatchAction::Diff | BatchAction::Apply => self.compare(&plan)?,
        };
        self.write_files(&plan, &totals);
        Ok(())
    }

    /// Reads the manifest and its pictures; none if something is wrong with them, which is reported.
    fn plan(&mut self) -> Result<Option<Plan>> {
        let origin = &self.batch.manifest;
        let (mut manifest, mut problems) = read_manifest(origin, self.context.environment)?;
        let selected = self.batch.selection.keep(&mut manifest);
        // A pattern that matches nothing is the command line's fault, unless the manifest is why.
        if problems.is_empty() {
            selected?;
        }
        // Pictures are looked at whatever else is wrong: all errors are said at once.
        match Plan::resolve(manifest) {
            Ok(plan) if problems.is_empty() => return Ok(Some(plan)),
            Ok(_) => {}
            Err(more) => problems.extend(more),
        }
        manifest::sort(&mut problems);
        self.report.problems(&problems);
        Ok(None)
    }

    /// Looks at the plan alone, and gives the line that it ends with.
    fn check(&mut self, plan: &Plan) -> String {
        let mut warnings = 0;
        for part in &plan.parts {
            for job in &part.jobs {
                let subject = self.subject(part, Some(job.target.value()));
                for warning in &job.warnings {
                    warnings += 1;
                    self.report.warning(&subject, warning);
                }
                self.report.checked_account(&subject, job);
                self.keep(part, job, job.target.value(), None, Vec::new());
            }
        }
        let servers = with_jobs(plan).count();
        self.report.end_check(plan.accounts(), servers, warnings)
    }

    /// Looks at every server, and gives the line that it ends with.
    fn compare(&mut self, plan: &Plan) -> Result<String> {
        let mut memory = self.memory()?;
        for warning in memory.warnings() {
            self.report.run_warning(warning);
        }
        self.report.start_batch(plan.accounts());
        for part in with_jobs(plan) {
            self.server(part, &mut memory);
        }
        let totals = match self.writes() {
            true => self.report.end_apply(),
            false => self.report.end_diff(),
        };
        if let Some(error) = memory.take_failure() {
            self.report.run_failed(&error);
        }
        Ok(totals)
    }

    fn writes(&self) -> bool {
        self.batch.action == BatchAction::Apply
    }

    /// Opens the state file.
    ///
    /// Errors: those of `Journal::open`, `State::load` and `State::load_locked`.
    fn memory(&self) -> Result<Memory> {
        let (batch, options) = (self.batch, self.context.options);
        let state = batch.state.as_deref();
        let state = state.expect("diff and apply were given a state file");
        let left = |time: Duration| time.saturating_sub(self.context.begun.elapsed());
        let wait = LockWait {
            timeout: match options.max_time.map(left) {
                Some(left) => left.min(batch.lock_timeout),
                None => batch.lock_timeout,
            },
            on_wait: match options.quiet {
                true => |_| (),
                false => report::complain,
            },
        };
        Ok(match self.writes() {
            true => Memory::Written(Journal::open(state, &wait)?),
            false if batch.lock_timeout.is_zero() => Memory::Read(State::load(state)?),
            false => Memory::Read(State::load_locked(state, &wait)?),
        })
    }

    /// Diffs or applies the jobs of one server.
    fn server(&mut self, part: &Part, memory: &mut Memory) {
        let (context, write) = (self.context, self.writes());
        let first = self.records.len();
        let server = &part.server;
        let jobs = apply::Batch {
            system: server.system,
            server: &server.name,
            url: server.base.text(),
            jobs: &part.jobs,
            rules: Rules {
                write,
                look: !(write && context.options.no_verify),
                verify: !context.options.no_verify,
                force: context.options.force,
                prune: self.batch.prune,
                pictures: self.album.is_some(),
                dry_run: false,
            },
        };
        let credentials = context.credentials(server, &self.subject(part, None), &self.report);
        let mut on_event = |event: Event| match event {
            Event::Started(job) => {
                let subject = self.subject(part, Some(job.target.value()));
                self.report.start_account(&subject);
            }
            Event::Shown(job, shown) => {
                if let Some(album) = &mut self.album {
                    album.shown(&server.name, &job.target, shown);
                }
            }
            Event::Preset(id, image) => {
                if let Some(album) = &mut self.album {
                    album.preset(&server.name, id, image);
                }
            }
            Event::Finished(result) => self.finished(part, result),
            Event::LogoutFailed(error) => {
                let subject = self.subject(part, None);
                self.report.warning(&subject, &error.message());
            }
        };
        context.carry_out(&jobs, server, credentials, memory, &mut on_event);
        // The accounts came as they were proven; they are read as they were declared.
        let mut order = BTreeMap::new();
        order.extend(part.jobs.iter().map(|job| key(&job.target)).zip(0..));
        self.records[first..].sort_by_key(|record| order.get(&key(&record.target)).copied());
    }

    fn finished(&mut self, part: &Part, result: JobResult) {
        let job = result.job;
        let account = result.account;
        let account = account.unwrap_or_else(|| job.target.value().to_owned());
        let subject = self.subject(part, Some(&account));
        for warning in &result.warnings {
            self.report.warning(&subject, warning);
        }
        self.report.outcome(&subject, &job.avatar, &result.outcome);
        self.keep(part, job, &account, Some(result.outcome), result.warnings);
    }

    fn subject<'p>(&self, part: &'p Part, account: Option<&str>) -> Subject<'p> {
        Subject {
            system: part.server.system,
            label: &part.server.name,
            server: Some(part.server.base.text()),
            account: account.map(str::to_owned),
            action: self.batch.action.name(),
        }
    }

    /// Keeps an account for the files that are written at the end, if there are any.
    fn keep(
        &mut self,
        part: &Part,
        job: &Job,
        account: &str,
        outcome: Option<apply::Outcome>,
        warnings: Vec<String>,
    ) {
        if self.batch.junit.is_none() && self.batch.html.is_none() {
            return;
        }
        self.records.push(Record {
            system: part.server.system,
            server: part.server.name.clone(),
            target: job.target.clone(),
            account: account.to_owned(),
            avatar: job.avatar.clone(),
            outcome,
            warnings: [job.warnings.clone(), warnings].concat(),
        });
    }

    /// Writes the files of the accounts that were kept. This is not reached if the work could not begin: then the files
    /// of an earlier run stay, because empty ones would hide what they say.
    fn write_files(&mut self, plan: &Plan, totals: &str) {
        let batch = self.batch;
        if let Some(path) = &batch.junit {
            let (action, records) = (batch.action.name(), &self.records);
            let written = output::write(path, &mut |out| junit::write(out, action, records));
            self.complain(written);
        }
        if let (Some(path), Some(album)) = (&batch.html, &mut self.album) {
            let servers = with_jobs(plan).map(|part| page::Server {
                name: &part.server.name,
                url: part.server.base.text(),
                system: part.server.system,
            });
            let run = page::Run {
                action: batch.action.name(),
                manifest: manifest_name(batch),
                totals,
                now: time::now(),
                took: self.context.begun.elapsed(),
                servers: servers.collect(),
            };
            let records = &self.records;
            let written = output::write(path, &mut |out| page::write(out, &run, records, album));
            self.complain(written);
        }
    }

    fn complain(&mut self, written: Result<()>) {
        if let Err(error) = written {
            self.report.run_failed(&error);
        }
    }
}

/// The manifest, and which of its accounts were selected.
fn manifest_name(batch: &Batch) -> String {
    let mut name = match &batch.manifest {
        Origin::Stdin => "standard input".to_owned(),
        Origin::File(path) => path.to_string_lossy().into_owned(),
    };
    if let Some(pattern) = &batch.selection.only {
        name.push_str(&format!(", only {pattern}"));
    }
    if let Some((part, parts)) = batch.selection.shard {
        name.push_str(&format!(", shard {part}/{parts}"));
    }
    name
}

/// What tells the accounts of a server apart.
fn key(target: &Target) -> (&'static str, &str) {
    (target.key(), target.value())
}

/// Reads a manifest without its pictures, and what is wrong with it.
///
/// Errors: input (missing, unreadable), data (no text).
pub(super) fn read_manifest(
    origin: &Origin,
    environment: &Environment,
) -> Result<(Manifest, Vec<Problem>)> {
    let (text, folder) = match origin {
        Origin::Stdin => (stdin(environment, "the manifest")?, None),
        Origin::File(path) => {
            let shown = quote(&path.to_string_lossy());
            let bytes = input::read(path, "the manifest", Class::Input, manifest::LONGEST)?;
            let text = manifest::text(bytes, &format!("the manifest {shown}"))?;
            (text, path.parent())
        }
    };
    Ok(manifest::read(&text, folder.unwrap_or(Path::new(""))))
}

/// The text that is given on standard input; `what` is the word for it, with its article.
///
/// Errors: configuration, if standard input is in use; input; data, if it is too long or no text.
pub(super) fn stdin(environment: &Environment, what: &str) -> Result<String> {
    environment.take_stdin(what)?;
    let what = format!("{what} from standard input");
    let given = input::bytes(std::io::stdin().lock(), manifest::LONGEST);
    let bytes = given.map_err(|error| input::unreadable(&what, Class::Input, &error))?;
    manifest::text(bytes, &what)
}

/// The servers that have something to do.
fn with_jobs(plan: &Plan) -> impl Iterator<Item = &Part> {
    plan.parts.iter().filter(|part| !part.jobs.is_empty())
}
