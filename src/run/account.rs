//! One account, now: set, reset, show, list, delete, whoami.

use std::time::Instant;

use super::files;
use super::session::Context;
use super::sheet;
use super::style;
use crate::apply::state::Memory;
use crate::apply::{self, Deleted, Event, Outcome, Rules};
use crate::cli::{Account, Action, Destination};
use crate::error::{Class, Error, Result};
use crate::file::output;
use crate::http::curl::PlannedRequest;
use crate::picture::received::Image;
use crate::plan::Job;
use crate::plan::manifest::Server;
use crate::report::{self, Report, Subject};
use crate::settings::address::Address;
use crate::settings::environment::Environment;
use crate::system::List;
use crate::system::avatar::Choice;
use crate::system::session::Session;
use crate::system::shown::Face;

/// Carries out a command about one account, and returns the exit status.
pub(super) fn run(account: &Account, environment: &Environment, begun: Instant) -> u8 {
    let context = Context {
        options: &account.options,
        environment,
        begun,
    };
    let mut style = style(context.options, environment);
    style.aside = matches!(account.action, Action::Show(Some(Destination::Stdout)));
    let mut report = Report::new(style);
    let system = account.system;
    let base = context.base(system);
    let mut subject = Subject {
        system,
        label: system.name,
        server: base.as_ref().ok().map(Address::text),
        account: account.target.name().map(str::to_owned),
        action: account.action.name(),
    };
    let done = base.clone().and_then(|base| {
        let server = Server::of_system(system, base);
        let choice = match &account.action {
            Action::Set(choice) => choice.clone(),
            Action::Reset => Choice::Generated,
            _ => return ask(account, &server, context, &mut subject, &mut report),
        };
        let job = Job::resolve(system, account.target.clone(), choice, environment)?;
        set(&job, &server, context, &mut subject, &mut report);
        Ok(())
    });
    if let Err(error) = done {
        report.failed(&subject, &error);
    }
    report.finish()
}

fn rules(context: Context) -> Rules {
    Rules {
        write: true,
        look: true,
        verify: !context.options.no_verify,
        force: context.options.force,
        prune: false,
        pictures: false,
        dry_run: context.options.dry_run,
    }
}

/// Sets an avatar: a batch of one job that remembers nothing.
fn set(job: &Job, server: &Server, context: Context, subject: &mut Subject, report: &mut Report) {
    for warning in &job.warnings {
        report.warning(subject, warning);
    }
    let credentials = context.credentials(server, subject, report);
    let batch = apply::Batch {
        system: server.system,
        server: &server.name,
        url: server.base.text(),
        jobs: std::slice::from_ref(job),
        rules: rules(context),
    };
    let mut on_event = |event: Event| match event {
        Event::Started(_) | Event::Shown(..) | Event::Preset(..) => {}
        Event::Finished(result) => {
            subject.account = result.account;
            for warning in &result.warnings {
                report.warning(subject, warning);
            }
            if let Outcome::Planned(writes) = &result.outcome {
                name_missing_variables(report, subject, writes, context.environment);
            }
            report.outcome(subject, &result.job.avatar, &result.outcome);
        }
        Event::LogoutFailed(error) => report.warning(subject, &error.message()),
    };
    let memory = &mut Memory::Nothing;
    context.carry_out(&batch, server, credentials, memory, &mut on_event);
}

/// The verbs that set no avatar.
fn ask(
    account: &Account,
    server: &Server,
    context: Context,
    subject: &mut Subject,
    report: &mut Report,
) -> Result<()> {
    match &account.action {
        Action::Show(Some(Destination::File(path))) => {
            files::may_write("--output", path, context.options.force)?;
        }
        Action::List(Some(path)) => files::has_folder("--html", path)?,
        _ => {}
    }
    let credentials = context.credentials(server, subject, report)?;
    let mut session = context.open(server, &credentials)?;
    let done = answer(account, &mut session, context, subject, report);
    let left = session.end().err().map(|error| error.message());
    for warning in session.warnings.drain(..).chain(left) {
        report.warning(subject, &warning);
    }
    done
}

fn answer(
    account: &Account,
    session: &mut Session,
    context: Context,
    subject: &mut Subject,
    report: &mut Report,
) -> Result<()> {
    let Account { system, target, .. } = account;
    match &account.action {
        Action::List(page) => match system.list {
            List::Server(list) => report.list(subject, &list(session)?),
            List::Offers(list) => {
                let seen = (system.observe)(session, target)?;
                report.list(subject, &list(&seen));
                if let Some(page) = page {
                    sheet::write(page, session, &seen, subject, report)?;
                }
            }
        },
        Action::Whoami => report.identity(subject, &(system.whoami)(session)?),
        Action::Delete(id) => {
            let delete = system.delete.how();
            let delete = delete.expect("a command takes only what its system offers");
            let seen = (system.observe)(session, target)?;
            subject.account = Some(seen.account.clone());
            match apply::delete(session, delete, target, &seen, id, rules(context))? {
                Deleted::Gone { verified } => report.deleted(subject, id, verified),
                Deleted::Planned(writes) => {
                    name_missing_variables(report, subject, &writes, context.environment);
                    report.planned_requests(&writes);
                }
            }
        }
        Action::Show(destination) => {
            let seen = (system.observe)(session, target)?;
            subject.account = Some(seen.account.clone());
            if let Some(destination) = destination {
                let shown = (system.shown)(session, target, &seen)?;
                for warning in &shown.warnings {
                    report.warning(subject, warning);
                }
                write(&picture(shown.face)?, destination)?;
            }
            if !(context.options.quiet && matches!(destination, Some(Destination::Stdout))) {
                report.show(subject, &seen);
            }
        }
        Action::Set(_) | Action::Reset | Action::Doctor(_) => {
            unreachable!("these have ways of their own")
        }
    }
    Ok(())
}

/// The picture itself.
///
/// Errors: target, where there is none; why it cannot be read.
fn picture(face: Face) -> Result<Image> {
    match face {
        Face::Read(image) => Ok(image),
        Face::Absent(why) => Err(Error::new(
            Class::Target,
            format!("no picture to write: {why}"),
        )),
        Face::Unreadable(error) => Err(error),
    }
}

fn write(image: &Image, destination: &Destination) -> Result<()> {
    match destination {
        Destination::Stdout => {
            report::print_bytes(&image.bytes);
            Ok(())
        }
        Destination::File(path) => output::write(path, &mut |file| file.write_all(&image.bytes)),
    }
}

/// Warns of the variables that a shell must have before it runs the commands of a dry run: without them a login fails,
/// or a wrong picture is set.
fn name_missing_variables(
    report: &Report,
    subject: &Subject,
    writes: &[PlannedRequest],
    environment: &Environment,
) {
    let prefix = format!("{}_", subject.system.prefix);
    let mut names: Vec<&str> = Vec::new();
    for name in writes.iter().flat_map(|write| &write.variables) {
        // Of the other variables the environment may hold anything.
        let known = name.starts_with(&prefix) && environment.is_set(name);
        if !known && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let shown: Vec<String> = names
        .iter()
        .map(|name| match *name {
            "AVATAR_URL" => "AVATAR_URL (the address of the picture)".to_owned(),
            _ => (*name).to_owned(),
        })
        .collect();
    if !shown.is_empty() {
        report.warning(
            subject,
            &format!("before you run the commands, set {}", shown.join(", ")),
        );
    }
}
