//! The process: arguments, environment, streams and the exit status; nothing else.

mod address;
mod apply;
mod calendar;
mod certificate;
mod cli;
mod connect;
mod error;
mod http;
mod image;
mod limits;
mod multipart;
mod picture;
mod plan;
mod proxy;
mod report;
mod secret;
mod system;
mod terminal;
mod tls;

use std::process::ExitCode;
use std::time::Instant;

use address::Address;
use apply::Rules;
use cli::{Account, Action, Command};
use error::{Class, Error, Result};
use http::{Client, Reach, Trace};
use plan::Job;
use proxy::Proxy;
use report::{Report, Subject};
use secret::Environment;
use system::{Credentials, Session, System};

fn main() -> ExitCode {
    let begun = Instant::now();
    let arguments = std::env::args_os().skip(1).collect();
    let environment = Environment::new(std::env::vars_os());
    ExitCode::from(match cli::parse(arguments) {
        Ok(Command::Text(text)) => {
            report::print(&text);
            0
        }
        Ok(Command::Account(account)) => run(*account, &environment, begun),
        Err(refusal) => {
            let report = Report::new(false, false, colored(refusal.color, &environment));
            match refusal.error {
                Some(error) => report.complain(None, &error),
                None => report::complain(refusal.help.trim_end()),
            }
            Class::Usage.exit()
        }
    })
}

fn colored(wish: cli::Color, environment: &Environment) -> bool {
    let set = |name| matches!(environment.plain(name), Ok(Some(value)) if !value.is_empty());
    let dumb = matches!(environment.plain("TERM"), Ok(Some(value)) if value == "dumb");
    report::colored(wish, set("NO_COLOR"), dumb)
}

/// One account, now.
fn run(account: Account, environment: &Environment, begun: Instant) -> u8 {
    let options = &account.options;
    let mut report = Report::new(
        options.json,
        options.quiet,
        colored(options.color, environment),
    );
    let system = account.system;
    let base = base(system, options.url.as_deref(), environment);
    let mut subject = Subject {
        system,
        server: base.as_ref().ok().map(Address::text),
        account: account.target.name().map(str::to_owned),
        action: account.action.name(),
    };
    let mut work = || -> Result<()> {
        let base = base.clone()?;
        let job = match &account.action {
            Action::Set(wish) => Some(Job::resolve(
                system,
                account.target.clone(),
                wish.clone(),
                environment,
            )?),
            Action::Show | Action::List => None,
        };
        for warning in job.iter().flat_map(|job| &job.warnings) {
            report.warning(&subject, warning);
        }
        for warning in risks(&base, options.insecure) {
            report.warning(&subject, &warning);
        }
        let mut session = open(&account, base, environment, begun)?;
        if matches!(account.action, Action::List) {
            let rows = (system.list)(&mut session, &account.target)?;
            report.list(&rows);
            return Ok(());
        }
        let seen = (system.observe)(&mut session, &account.target)?;
        subject.account = Some(seen.account.clone());
        match job {
            None => report.show(&subject, &seen),
            Some(job) => {
                let rules = Rules {
                    verify: !options.no_verify,
                    force: options.force,
                };
                let outcome = apply::set(system, &mut session, &job, &seen, rules);
                for warning in session.warnings.drain(..) {
                    report.warning(&subject, &warning);
                }
                report.set(&subject, &job.avatar, &outcome?);
            }
        }
        Ok(())
    };
    if let Err(error) = work() {
        report.failed(&subject, &error);
    }
    report.finish()
}

fn open(
    account: &Account,
    base: Address,
    environment: &Environment,
    begun: Instant,
) -> Result<Session> {
    let options = &account.options;
    let credentials = Credentials::read(account.system, account.system.prefix, environment)?;
    let proxy = Proxy::find(&base, options.proxy.as_deref(), environment)?;
    let client = Client::new(Reach {
        base,
        trust: tls::Trust {
            ca_file: options.ca_file.clone(),
            client: options.client.clone(),
            insecure: options.insecure,
        },
        proxy,
        retries: options.retries,
        pause: report::pause,
        connect_timeout: options.connect_timeout,
        timeout: options.timeout,
        deadline: options.max_time.map(|time| begun + time),
        trace: Trace {
            level: options.verbose,
            line: report::complain,
        },
    })?;
    (account.system.open)(client, &credentials)
}

/// What a stranger on the way could do.
fn risks(base: &Address, insecure: bool) -> Vec<String> {
    let mut risks = Vec::new();
    if insecure && base.is_https() {
        risks.push(format!(
            "--insecure: nobody checks that this is {}; the credentials go to whoever answers",
            base.host()
        ));
    }
    if !base.is_https() && !base.is_loopback() {
        risks.push(format!(
            "the credentials go to {} over plain http, readable on the way",
            base.host()
        ));
    }
    risks
}

fn base(system: &System, option: Option<&str>, environment: &Environment) -> Result<Address> {
    let variable = format!("{}_URL", system.prefix);
    match option {
        Some(url) => Address::parse(url, "--url"),
        None => match environment.plain(&variable)? {
            Some(url) => Address::parse(&url, &variable),
            None => Err(Error::new(
                Class::Configuration,
                format!("no base URL for {}", system.title),
            )
            .hint(format!("give --url or set {variable}"))),
        },
    }
}
