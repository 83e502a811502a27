//! What accounts show, into a folder: of one system by their names, or of a manifest. Which accounts those are is decided
//! here, and what is said of them; reading them and filling the folder is done elsewhere.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use super::batch::{read_manifest, stdin};
use super::session::Context;
use super::style;
use crate::apply::Stop;
use crate::cli::{Names, Origin, Pull, Source};
use crate::error::{Class, Error, Result};
use crate::file::relative;
use crate::plan::manifest::Server;
use crate::pull::{self, Asked, Event, Folder, Outcome, Pulled};
use crate::report::{Report, Subject};
use crate::settings::environment::Environment;
use crate::system::System;
use crate::system::avatar::Target;
use crate::terminal::quote;

const ACTION: &str = "pull";

/// Carries the command out, and returns the exit status.
pub(super) fn run(pull: &Pull, environment: &Environment, begun: Instant) -> u8 {
    let context = Context {
        options: &pull.options,
        environment,
        begun,
    };
    let mut run = Run {
        pull,
        context,
        report: Report::new(style(context.options, environment)),
        pulled: Vec::new(),
    };
    run.report.start_pull();
    if let Err(error) = run.all() {
        run.report.run_failed(&error);
    }
    run.report.finish()
}

/// A pull that is under way.
struct Run<'a> {
    pull: &'a Pull,
    context: Context<'a>,
    report: Report,
    /// What was read, by the account's server and name. It is said when it is in the folder, and not before.
    pulled: Vec<(usize, String, Pulled)>,
}

/// The accounts of one server; nobody means everybody.
struct Part {
    /// The server's index.
    at: usize,
    asked: Vec<Asked>,
}

impl Run<'_> {
    fn all(&mut self) -> Result<()> {
        let asked = match &self.pull.source {
            Source::System(system, names) => self.of_system(system, names)?,
            Source::Manifest(origin) => self.of_manifest(origin)?,
        };
        let Some((servers, parts)) = asked else {
            return Ok(());
        };
        let mut folder = Folder::open(&self.pull.to, &servers)?;
        let accounts = parts.iter().map(|part| part.asked.len());
        self.report.start_batch(accounts.sum());
        for part in parts {
            self.server(&servers[part.at], part, &mut folder);
        }
        self.close(folder, &servers);
        Ok(())
    }

    /// One system, and the accounts that are named on it; none if its address cannot be read, which is reported.
    fn of_system(
        &mut self,
        system: &'static System,
        names: &Names,
    ) -> Result<Option<(Vec<Server>, Vec<Part>)>> {
        let targets = match names {
            Names::Given(targets) => targets.clone(),
            Names::Stdin => self.names(system)?,
        };
        let targets = match targets.is_empty() && system.has_caller() {
            true => vec![Target::Caller],
            false => self.once(targets),
        };
        let base = match self.context.base(system) {
            Ok(base) => base,
            Err(error) => {
                let nowhere = Subject {
                    system,
                    label: system.name,
                    server: None,
                    account: None,
                    action: ACTION,
                };
                self.report.failed(&nowhere, &error);
                return Ok(None);
            }
        };
        let asked = targets.into_iter().enumerate();
        let asked = asked.map(|(place, target)| Asked { target, place });
        let part = Part {
            at: 0,
            asked: asked.collect(),
        };
        Ok(Some((vec![Server::of_system(system, base)], vec![part])))
    }

    /// The names on standard input, a line each.
    ///
    /// Errors: usage, if there is none or one cannot be a name; input; configuration, if standard input is in use.
    fn names(&self, system: &'static System) -> Result<Vec<Target>> {
        let text = stdin(self.context.environment, "the list of names")?;
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let named = lines.zip(1..).filter(|(line, _)| !line.is_empty());
        let target = |(line, number): (&str, usize)| {
            let target = Names::target(system, line);
            target.map_err(|error| error.about(format!("line {number} of standard input")))
        };
        let targets: Vec<Target> = named.map(target).collect::<Result<_>>()?;
        match targets.is_empty() {
            true => Err(Error::new(
                Class::Usage,
                "there is no name on standard input",
            )),
            false => Ok(targets),
        }
    }

    /// Without those that are named a second time: a manifest has an account once.
    fn once(&self, targets: Vec<Target>) -> Vec<Target> {
        let mut known = BTreeSet::new();
        let mut once = Vec::new();
        for target in targets {
            match known.insert(target.same()) {
                true => once.push(target),
                false => {
                    let name = quote(target.value());
                    self.report
                        .run_warning(&format!("{name} is named twice, and pulled once"));
                }
            }
        }
        once
    }

    /// The servers and accounts of a manifest; none if something is wrong with it, which is reported.
    fn of_manifest(&mut self, origin: &Origin) -> Result<Option<(Vec<Server>, Vec<Part>)>> {
        let (manifest, problems) = read_manifest(origin, self.context.environment)?;
        if !problems.is_empty() {
            self.report.problems(&problems);
            return Ok(None);
        }
        let servers = manifest.servers.len();
        let mut parts: Vec<Part> = (0..servers)
            .map(|at| Part {
                at,
                asked: Vec::new(),
            })
            .collect();
        for (place, entry) in manifest.accounts.into_iter().enumerate() {
            let target = entry.target;
            parts[entry.server].asked.push(Asked { target, place });
        }
        parts.retain(|part| !part.asked.is_empty());
        Ok(Some((manifest.servers, parts)))
    }

    /// Reads the accounts of one server, unless the run was stopped before.
    fn server(&mut self, server: &Server, part: Part, folder: &mut Folder) {
        let context = self.context;
        let batch = pull::Batch {
            server,
            at: part.at,
            asked: part.asked,
            as_images: self.pull.as_images,
        };
        let about = |account| subject(server, account);
        let stop = Stop::of_signal().map(|stop| stop.why);
        let credentials = context.credentials(server, &about(None), &self.report);
        let mut on_event = |event: Event| match event {
            Event::Found(accounts) => self.report.start_batch(accounts),
            Event::Started(target) => {
                let account = target.name().map(str::to_owned);
                self.report.start_account(&about(account));
            }
            Event::Finished(finished) => {
                let subject = about(finished.account);
                for warning in &finished.warnings {
                    self.report.warning(&subject, warning);
                }
                match finished.outcome {
                    Outcome::Pulled(pulled) => {
                        let account = subject.account.unwrap_or_default();
                        self.pulled.push((part.at, account, pulled));
                    }
                    Outcome::Failed(error) => self.report.failed(&subject, &error),
                    Outcome::Skipped(why) => self.report.skipped(&subject, &why),
                }
                self.report.account_done();
            }
            Event::LogoutFailed(error) => self.report.warning(&about(None), &error.message()),
        };
        match stop {
            Some(why) => batch.skip(&why, &mut on_event),
            None => {
                let session = credentials.and_then(|found| context.open(server, &found));
                batch.run(session, folder, &mut on_event);
            }
        }
    }

    /// Puts what was read into the folder, and says it.
    fn close(&mut self, folder: Folder, servers: &[Server]) {
        let pulled = std::mem::take(&mut self.pulled);
        let mut errors = Vec::new();
        let undone = match Stop::of_signal() {
            _ if pulled.is_empty() => None,
            Some(stop) => Some(stop.why),
            None if folder.is_broken() => Some(pull::BROKEN.to_owned()),
            None => {
                let written = self.written(&folder, servers);
                let finished = folder.finish(&written, self.context.options.force);
                errors = finished.err().unwrap_or_default();
                (!errors.is_empty()).then(|| pull::UNWRITTEN.to_owned())
            }
        };
        for (at, account, pulled) in pulled {
            let server = &servers[at];
            let subject = subject(server, Some(account));
            match &undone {
                None => self.report.pulled(&subject, &pulled),
                Some(why) => self.report.skipped(&subject, why),
            }
        }
        // However much is in the way, it is one failure; what to do is said with the last.
        if let Some((last, others)) = errors.split_last() {
            for error in others {
                self.report.complain(None, error);
            }
            self.report.run_failed(last);
        }
        self.report.end_pull();
    }

    /// The servers as the manifest in the folder has them: with what the command line says of the way there, too.
    fn written(&self, folder: &Folder, servers: &[Server]) -> Vec<Server> {
        let options = self.context.options;
        let seen = |path: &PathBuf| relative::seen_from(folder.path(), path);
        let written = servers.iter().map(|server| {
            let client = server.client.as_ref().or(options.client.as_ref());
            let proxy = server.proxy.as_ref().or(options.proxy.as_ref());
            let secret = proxy.is_some_and(|proxy| proxy.contains('@'));
            if secret {
                self.report.warning(
                    &subject(server, None),
                    "the proxy is left out of the manifest because it has user info; set HTTPS_PROXY for apply",
                );
            }
            Server {
                name: server.name.clone(),
                system: server.system,
                base: server.base.clone(),
                prefix: server.prefix.clone(),
                ca_file: server.ca_file.as_ref().or(options.ca_file.as_ref()).map(seen),
                client: client.map(|(chain, key)| (seen(chain), seen(key))),
                proxy: proxy.filter(|_| !secret).cloned(),
            }
        });
        written.collect()
    }
}

fn subject(server: &Server, account: Option<String>) -> Subject<'_> {
    Subject {
        system: server.system,
        label: &server.name,
        server: Some(server.base.text()),
        account,
        action: ACTION,
    }
}
