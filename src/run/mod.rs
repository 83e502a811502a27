//! The process: arguments, environment, streams, signals and the exit status; nothing else.

use crate::apply;
use crate::cli;
use crate::cli::completions;
use crate::cli::help;
use crate::cli::manual;
use crate::file::input;
use crate::file::output;
use crate::http::tls;
use crate::plan::manifest;
use crate::report;
use crate::report::junit;
use crate::report::page;
use crate::signals;
use crate::terminal;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::apply::state::{Journal, Memory, Patience, State};
use crate::apply::{Deleted, Event, Rules};
use crate::cli::{Account, Action, Batch, BatchAction, Command, Options, Origin};
use crate::error::{Class, Error, Result};
use crate::http::curl::PlannedRequest;
use crate::http::{Client, Reach};
use crate::picture::content::Content;
use crate::plan::manifest::Server;
use crate::plan::{Job, Part, Plan};
use crate::report::record::Record;
use crate::report::{Colors, Report, Style, Subject};
use crate::settings::address::Address;
use crate::settings::credentials::Credentials;
use crate::settings::environment::Environment;
use crate::settings::netrc::Netrc;
use crate::settings::proxy::Proxy;
use crate::system::avatar::{Avatar, Choice};
use crate::system::session::Session;
use crate::system::{List, System};

pub fn run(
    arguments: Vec<OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> u8 {
    let begun = Instant::now();
    signals::listen();
    let environment = Environment::new(environment);
    let exit = match cli::parse(arguments, &environment) {
        Ok(Command::Text(text)) => {
            report::print(&text);
            0
        }
        Ok(Command::Account(account)) => one(*account, &environment, begun),
        Ok(Command::Batch(batch)) => many(&batch, &environment, begun),
        Ok(Command::Completions(shell)) => {
            report::print(&completions::script(&shell));
            0
        }
        Ok(Command::Example) => {
            report::print(&manifest::example());
            0
        }
        Ok(Command::Manual) => {
            report::print(&manual::page());
            0
        }
        Err(refusal) => {
            let report = Report::new(Style {
                color: colored(refusal.color, &environment),
                ..Style::default()
            });
            match refusal.error {
                Some(error) => report.complain(None, &error),
                None => help::main().trim_end().lines().for_each(report::complain),
            }
            Class::Usage.exit()
        }
    };
    report::status(exit)
}

fn colored(choice: terminal::Color, environment: &Environment) -> Colors {
    let dumb = matches!(environment.plain("TERM"), Ok(Some(value)) if value == "dumb");
    report::colored(choice, environment.is_set("NO_COLOR"), dumb)
}

fn style(options: &Options, environment: &Environment) -> Style {
    Style {
        json: options.json,
        quiet: options.quiet,
        verbose: options.verbose > 0,
        color: colored(options.color, environment),
    }
}

/// One account, now.
fn one(account: Account, environment: &Environment, begun: Instant) -> u8 {
    let options = &account.options;
    let mut report = Report::new(style(options, environment));
    let system = account.system;
    let base = base(system, options.url.as_deref(), environment);
    let mut subject = Subject {
        system,
        label: system.name,
        server: base.as_ref().ok().map(Address::text),
        account: account.target.name().map(str::to_owned),
        action: account.action.name(),
    };
    let mut work = || -> Result<()> {
        let base = base.clone()?;
        let server = Server {
            name: system.name.to_owned(),
            system,
            base,
            prefix: system.prefix.to_owned(),
            ca_file: None,
            client: None,
            proxy: None,
        };
        let choice = match &account.action {
            Action::Set(choice) => Some(choice.clone()),
            Action::Reset => Some(Choice::Generated),
            _ => None,
        };
        let target = &account.target;
        let job = match choice {
            Some(choice) => Some(Job::resolve(system, target.clone(), choice, environment)?),
            None => None,
        };
        for warning in job.iter().flat_map(|job| &job.warnings) {
            report.warning(&subject, warning);
        }
        for risk in risks(&server.base, options.insecure) {
            report.warning(&subject, &risk);
        }
        let credentials = credentials(&server, options, environment);
        for warning in environment.warnings() {
            report.warning(&subject, &warning);
        }
        let open = || open(&server, &credentials?, options, environment, begun);
        let rules = Rules {
            write: true,
            look: true,
            verify: !options.no_verify,
            force: options.force,
            prune: false,
            dry_run: options.dry_run,
        };
        if let Some(job) = job {
            let batch = apply::Batch {
                system,
                server: system.name,
                url: server.base.text(),
                jobs: &[job],
                rules,
            };
            batch.run(open, &mut Memory::Nothing, &mut |event: Event| {
                let news = match event {
                    Event::Begun(_) => return,
                    Event::Ended(news) => news,
                    Event::Left(error) => return report.warning(&subject, &error.message()),
                };
                subject.account = news.account;
                for warning in &news.warnings {
                    report.warning(&subject, warning);
                }
                if let apply::Outcome::Planned(writes) = &news.outcome {
                    unset(&report, &subject, writes, environment);
                }
                report.outcome(&subject, &news.job.avatar, &news.outcome);
            });
            return Ok(());
        }
        let mut session = open()?;
        let done = ask(
            &mut session,
            &account,
            rules,
            environment,
            &mut subject,
            &mut report,
        );
        let left = session.end().err().map(|error| error.message());
        for warning in session.warnings.drain(..).chain(left) {
            report.warning(&subject, &warning);
        }
        done
    };
    if let Err(error) = work() {
        report.failed(&subject, &error);
    }
    report.finish()
}

/// The verbs that set no avatar.
fn ask(
    session: &mut Session,
    account: &Account,
    rules: Rules,
    environment: &Environment,
    subject: &mut Subject,
    report: &mut Report,
) -> Result<()> {
    let Account { system, target, .. } = account;
    match &account.action {
        Action::List => {
            let rows = match system.list {
                List::Target(list) => list(session, target)?,
                List::Server(list) => list(session)?,
            };
            report.list(subject, &rows);
        }
        Action::Whoami => report.identity(subject, &(system.whoami)(session)?),
        Action::Delete(id) => {
            let name = &mut subject.account;
            match apply::delete(session, system, target, id, rules, name)? {
                Deleted::Gone { verified } => report.deleted(subject, id, verified),
                Deleted::Planned(writes) => {
                    unset(report, subject, &writes, environment);
                    report.planned_requests(&writes);
                }
            }
        }
        Action::Show | Action::Set(_) | Action::Reset => {
            let seen = (system.observe)(session, target)?;
            subject.account = Some(seen.account.clone());
            report.show(subject, &seen);
        }
    }
    Ok(())
}

/// Says what a shell must be given before it runs these commands: without it a login fails, or a wrong picture is set.
fn unset(report: &Report, subject: &Subject, writes: &[PlannedRequest], environment: &Environment) {
    let prefix = format!("{}_", subject.system.prefix);
    let mut names: Vec<&str> = Vec::new();
    for name in writes.iter().flat_map(|write| &write.variables) {
        // Of the other variables the environment may hold anything.
        let known = name.starts_with(&prefix) && environment.is_set(name);
        if !known && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let told: Vec<String> = names
        .iter()
        .map(|name| match *name {
            "AVATAR_URL" => "AVATAR_URL (the address of the picture)".to_owned(),
            _ => (*name).to_owned(),
        })
        .collect();
    if !told.is_empty() {
        report.warning(
            subject,
            &format!("before you run the commands, set {}", told.join(", ")),
        );
    }
}

/// Many accounts, declared in a manifest.
fn many(batch: &Batch, environment: &Environment, begun: Instant) -> u8 {
    let mut report = Report::new(style(&batch.options, environment));
    let checked = distinct(batch).and_then(|files| {
        let plan = plan(batch, environment, &mut report)?;
        spared(&files, plan.as_ref())?;
        Ok(plan)
    });
    let plan = match checked {
        Ok(Some(plan)) => plan,
        Ok(None) => return report.finish(),
        Err(error) => {
            report.broken(&error);
            return report.finish();
        }
    };
    let mut records = Vec::new();
    let done = match batch.action {
        BatchAction::Check => {
            check(batch, &plan, &mut report, &mut records);
            Ok(())
        }
        BatchAction::Diff | BatchAction::Apply => {
            compare(batch, &plan, environment, begun, &mut report, &mut records)
        }
    };
    // Where the work could not begin, the files of an earlier run stay: an empty one would hide what they say.
    if let (Err(error), true) = (&done, records.is_empty()) {
        report.broken(error);
        return report.finish();
    }
    let action = batch.action.name();
    let files = [
        batch
            .junit
            .as_ref()
            .map(|path| output::write(path, |out| junit::write(out, action, &records))),
        batch
            .html
            .as_ref()
            .map(|path| output::write(path, |out| page::write(out, action, &records))),
    ];
    for error in [done]
        .into_iter()
        .chain(files.into_iter().flatten())
        .filter_map(Result::err)
    {
        report.broken(&error);
    }
    report.finish()
}

/// The files of a run by what names them; none that is written may be one that is read.
fn distinct(batch: &Batch) -> Result<Vec<(&'static str, PathBuf)>> {
    let named = [
        (
            "the manifest",
            match &batch.manifest {
                Origin::File(path) => Some(path),
                Origin::Stdin => None,
            },
        ),
        ("--state", batch.state.as_ref()),
        ("--junit", batch.junit.as_ref()),
        ("--html", batch.html.as_ref()),
    ];
    let mut files: Vec<(&'static str, PathBuf)> = Vec::new();
    for (name, path) in named
        .into_iter()
        .filter_map(|(name, path)| Some((name, path?)))
    {
        let real = real(path);
        // Said before anything is sent, and not when the work is done.
        let folder = path.parent().filter(|folder| {
            let made = ["--junit", "--html"].contains(&name);
            made && !folder.as_os_str().is_empty() && !folder.is_dir()
        });
        if let Some(folder) = folder {
            let folder = terminal::quote(&folder.to_string_lossy());
            return Err(Error::new(
                Class::Input,
                format!("{name}: there is no folder {folder}"),
            ));
        }
        // A device may be named as often as one likes.
        if real.exists() && !real.is_file() {
            continue;
        }
        if let Some((other, _)) = files.iter().find(|(_, known)| *known == real) {
            return Err(Error::new(
                Class::Usage,
                format!("{name} and {other} are the same file"),
            ));
        }
        files.push((name, real));
    }
    Ok(files)
}

/// The same for the pictures of a plan.
fn spared(files: &[(&str, PathBuf)], plan: Option<&Plan>) -> Result<()> {
    let jobs = plan
        .into_iter()
        .flat_map(|plan| &plan.parts)
        .flat_map(|part| &part.jobs);
    for job in jobs {
        if let Avatar::Picture(picture) = &job.avatar
            && let Some(path) = picture.path()
            && let Some((name, _)) = files
                .iter()
                .find(|(_, file)| file.file_name() == path.file_name() && *file == real(path))
        {
            let picture = terminal::quote(&picture.name);
            return Err(Error::new(
                Class::Usage,
                format!("{name} and the picture {picture} are the same file"),
            ));
        }
    }
    Ok(())
}

/// The one path of a file, whether or not it is there yet.
fn real(path: &Path) -> PathBuf {
    let real = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    real.unwrap_or_else(|_| path.to_owned())
}

/// Reads the manifest and its pictures; None where problems were told.
fn plan(batch: &Batch, environment: &Environment, report: &mut Report) -> Result<Option<Plan>> {
    let (bytes, what, folder) = match &batch.manifest {
        Origin::Stdin => {
            let what = "the manifest from standard input";
            environment.take_stdin("the manifest")?;
            let given = input::bytes(std::io::stdin().lock(), manifest::LONGEST);
            let bytes = given.map_err(|error| input::unreadable(what, Class::Input, &error))?;
            (bytes, what.to_owned(), None)
        }
        Origin::File(path) => {
            let shown = terminal::quote(&path.to_string_lossy());
            let bytes = input::read(path, "the manifest", Class::Input, manifest::LONGEST)?;
            (bytes, format!("the manifest {shown}"), path.parent())
        }
    };
    let text = manifest::text(bytes, &what)?;
    let folder = folder.unwrap_or(Path::new(""));
    let (mut manifest, mut problems) = manifest::read(&text, folder);
    let selected = batch.selection.keep(&mut manifest);
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
    problems.sort_by_key(|problem| problem.place.line);
    report.problems(&problems);
    Ok(None)
}

/// Whether accounts are kept for a file that is written at the end.
fn keeps(batch: &Batch) -> bool {
    batch.junit.is_some() || batch.html.is_some()
}

fn check(batch: &Batch, plan: &Plan, report: &mut Report, records: &mut Vec<Record>) {
    let mut warnings = 0;
    for part in &plan.parts {
        for job in &part.jobs {
            let subject = subject(part, Some(job.target.value()), "check");
            for warning in &job.warnings {
                warnings += 1;
                report.warning(&subject, warning);
            }
            report.looked_at(&subject, job);
            if keeps(batch) {
                records.push(record(part, job, job.target.value(), None, Vec::new()));
            }
        }
    }
    let servers = plan
        .parts
        .iter()
        .filter(|part| !part.jobs.is_empty())
        .count();
    report.checked(plan.accounts(), servers, warnings);
}

/// Diff and apply: the same way, with or without the right to write.
fn compare(
    batch: &Batch,
    plan: &Plan,
    environment: &Environment,
    begun: Instant,
    report: &mut Report,
    records: &mut Vec<Record>,
) -> Result<()> {
    let options = &batch.options;
    let write = batch.action == BatchAction::Apply;
    let state = batch.state.as_deref();
    let state = state.expect("diff and apply were given a state file");
    let left = |time: Duration| time.saturating_sub(begun.elapsed());
    let patience = Patience {
        time: match options.max_time.map(left) {
            Some(left) => left.min(batch.lock_timeout),
            None => batch.lock_timeout,
        },
        say: match options.quiet {
            true => |_| (),
            false => report::complain,
        },
    };
    let mut memory = match write {
        true => Memory::Written(Journal::open(state, &patience)?),
        false if batch.lock_timeout.is_zero() => Memory::Read(State::load(state)?),
        false => Memory::Read(State::load_settled(state, &patience)?),
    };
    for warning in memory.warnings() {
        report.remark(warning);
    }
    report.begin(plan.accounts());
    for part in plan.parts.iter().filter(|part| !part.jobs.is_empty()) {
        for risk in risks(&part.server.base, options.insecure) {
            report.warning(&subject(part, None, batch.action.name()), &risk);
        }
        let jobs = apply::Batch {
            system: part.server.system,
            server: &part.server.name,
            url: part.server.base.text(),
            jobs: &part.jobs,
            rules: Rules {
                write,
                look: !(write && options.no_verify),
                verify: !options.no_verify,
                force: options.force,
                prune: batch.prune,
                dry_run: false,
            },
        };
        let credentials = credentials(&part.server, options, environment);
        for warning in environment.warnings() {
            report.warning(&subject(part, None, batch.action.name()), &warning);
        }
        let open = || open(&part.server, &credentials?, options, environment, begun);
        jobs.run(open, &mut memory, &mut |event: Event| {
            let news = match event {
                Event::Begun(job) => {
                    return report.working(&subject(
                        part,
                        Some(job.target.value()),
                        batch.action.name(),
                    ));
                }
                Event::Ended(news) => news,
                Event::Left(error) => {
                    let subject = subject(part, None, batch.action.name());
                    return report.warning(&subject, &error.message());
                }
            };
            let account = news
                .account
                .unwrap_or_else(|| news.job.target.value().to_owned());
            let subject = subject(part, Some(&account), batch.action.name());
            let outcome = news.outcome;
            for warning in &news.warnings {
                report.warning(&subject, warning);
            }
            report.outcome(&subject, &news.job.avatar, &outcome);
            if keeps(batch) {
                records.push(record(
                    part,
                    news.job,
                    &account,
                    Some(outcome),
                    news.warnings,
                ));
            }
        });
    }
    match write {
        true => report.applied(),
        false => report.planned(),
    }
    Ok(())
}

fn subject<'a>(part: &'a Part, account: Option<&str>, action: &'static str) -> Subject<'a> {
    Subject {
        system: part.server.system,
        label: &part.server.name,
        server: Some(part.server.base.text()),
        account: account.map(str::to_owned),
        action,
    }
}

fn record(
    part: &Part,
    job: &Job,
    account: &str,
    outcome: Option<apply::Outcome>,
    told: Vec<String>,
) -> Record {
    Record {
        system: part.server.system,
        server: part.server.name.clone(),
        account: account.to_owned(),
        avatar: job.avatar.clone(),
        wanted: report::wanted(&job.avatar),
        outcome,
        warnings: [job.warnings.clone(), told].concat(),
    }
}

fn credentials(
    server: &Server,
    options: &Options,
    environment: &Environment,
) -> Result<Credentials> {
    if let Some((_, key)) = server.client.as_ref().or(options.client.as_ref()) {
        environment.warn_if_public("the client key", key);
    }
    let netrc = Netrc::named(options.netrc.as_deref(), environment, server.base.host())?;
    Credentials::read(
        server.system.logins,
        server.system.title,
        &server.prefix,
        environment,
        &netrc,
    )
}

/// The way into one server; the manifest's own settings come before the command line's.
fn open(
    server: &Server,
    credentials: &Credentials,
    options: &Options,
    environment: &Environment,
    begun: Instant,
) -> Result<Session> {
    let base = server.base.clone();
    let proxy = server.proxy.as_deref().or(options.proxy.as_deref());
    let client = Client::new(Reach {
        proxy: Proxy::find(&base, proxy, environment)?,
        base,
        trust: tls::Trust {
            ca_file: server.ca_file.clone().or_else(|| options.ca_file.clone()),
            client: server.client.clone().or_else(|| options.client.clone()),
            store: environment.trust_store(),
            insecure: options.insecure,
        },
        retries: options.retries,
        on_event: match options.quiet {
            true => report::show_trace,
            false => report::show_event,
        },
        connect_timeout: options.connect_timeout,
        timeout: options.timeout,
        deadline: options.max_time.map(|time| begun + time),
        trace: options.verbose,
    })?;
    (server.system.open)(client, credentials)
}

/// What a stranger on the way could do.
fn risks(base: &Address, insecure: bool) -> Vec<String> {
    let mut risks = Vec::new();
    if insecure && base.is_https() {
        risks.push(format!(
            "--insecure: the credentials go to whoever answers; nobody checks that it is {}",
            base.host()
        ));
    }
    if !base.is_https() && !base.is_loopback() {
        risks.push(format!(
            "plain http: the credentials can be read on their way to {}",
            base.host()
        ));
    }
    risks
}

fn base(system: &System, option: Option<&str>, environment: &Environment) -> Result<Address> {
    const WHAT: &str = "the base URL";
    let variable = format!("{}_URL", system.prefix);
    match option {
        Some(url) => Address::parse(url, WHAT).map_err(|error| error.about("--url")),
        None => match environment.plain(&variable)? {
            Some(url) => Address::parse(&url, WHAT).map_err(|error| error.about(variable)),
            None => Err(Error::new(
                Class::Configuration,
                format!("no base URL for {}", system.title),
            )
            .hint(format!("give --url or set {variable}"))),
        },
    }
}
