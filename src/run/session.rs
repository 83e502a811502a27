//! How one server is opened: its base URL, what a stranger on the way could do, the credentials, the client and whom it
//! trusts.

use std::time::Instant;

use crate::apply::state::Memory;
use crate::apply::{self, Event, Stop};
use crate::cli::Options;
use crate::error::{Class, Error, Result};
use crate::http::tls::Trust;
use crate::http::{Client, Reach};
use crate::plan::manifest::Server;
use crate::report::{self, Report, Subject};
use crate::settings::address::Address;
use crate::settings::credentials::Credentials;
use crate::settings::environment::Environment;
use crate::settings::netrc::Netrc;
use crate::settings::proxy::Proxies;
use crate::system::System;
use crate::system::session::Session;

/// What all servers of a run are opened with.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) options: &'a Options,
    pub(super) environment: &'a Environment,
    /// When the run began; `--max-time` counts from here.
    pub(super) begun: Instant,
}

impl Context<'_> {
    /// The base URL of a system: the option's, or the environment's.
    ///
    /// Errors: usage or configuration.
    pub(super) fn base(&self, system: &System) -> Result<Address> {
        const WHAT: &str = "the base URL";
        let variable = format!("{}_URL", system.prefix);
        if let Some(url) = &self.options.url {
            return Address::parse(url, WHAT).map_err(|error| error.about("--url"));
        }
        match self.environment.plain(&variable)? {
            Some(url) => Address::parse(&url, WHAT).map_err(|error| error.about(variable)),
            None => Err(Error::new(
                Class::Configuration,
                format!("no base URL for {}", system.title),
            )
            .hint(format!("give --url or set {variable}"))),
        }
    }

    /// Reads the credentials for a server, and warns of what is risky about the way there and about the files that hold
    /// secrets.
    pub(super) fn credentials(
        &self,
        server: &Server,
        subject: &Subject,
        report: &Report,
    ) -> Result<Credentials> {
        for risk in risks(&server.base, self.options.insecure) {
            report.warning(subject, &risk);
        }
        let credentials = self.read_credentials(server);
        for warning in self.environment.warnings() {
            report.warning(subject, &warning);
        }
        credentials
    }

    fn read_credentials(&self, server: &Server) -> Result<Credentials> {
        let Context {
            options,
            environment,
            ..
        } = *self;
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

    /// Opens a server.
    pub(super) fn open(&self, server: &Server, credentials: &Credentials) -> Result<Session> {
        let client = Client::new(self.reach(server)?)?;
        (server.system.open)(client, credentials)
    }

    /// The way to a server; the manifest's own settings come before the command line's.
    ///
    /// Errors: configuration, for a proxy that cannot be used.
    pub(super) fn reach(&self, server: &Server) -> Result<Reach> {
        let Context {
            options,
            environment,
            begun,
        } = *self;
        let base = server.base.clone();
        let proxy = server.proxy.as_deref().or(options.proxy.as_deref());
        let proxies = Proxies::new(proxy, environment);
        Ok(Reach {
            proxy: proxies.find(&base)?,
            proxies,
            base,
            trust: Trust {
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
            before_wait: None,
        })
    }

    /// Opens a server and does its jobs, unless the run was stopped before.
    pub(super) fn carry_out(
        &self,
        batch: &apply::Batch,
        server: &Server,
        credentials: Result<Credentials>,
        memory: &mut Memory,
        on_event: &mut dyn FnMut(Event),
    ) {
        match Stop::of_run(memory) {
            Some(stop) => batch.skip(&stop, on_event),
            None => {
                let session = credentials.and_then(|found| self.open(server, &found));
                batch.run(session, memory, on_event);
            }
        }
    }
}

/// What a stranger on the way to the server could do.
fn risks(base: &Address, insecure: bool) -> Vec<String> {
    let mut risks = Vec::new();
    if insecure {
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
