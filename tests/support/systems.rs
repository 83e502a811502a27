//! Every system there is a model of, and the one place where a model is registered: a further system is added to this
//! list and has everything else in the file of its model, and the tests that are about each system cover it.

use std::any::Any;

use super::model::{Fault, Model, Running};
use super::run::Run;
use super::server::{Reply, Request, Server};
use super::{jira, matrix, navixy, rocketchat};

/// In the order in which the program names them.
pub static ALL: [&System; 4] = [
    &jira::SYSTEM,
    &rocketchat::SYSTEM,
    &navixy::SYSTEM,
    &matrix::SYSTEM,
];

/// Variables, and values of them that the model takes: all together are one login.
pub type Login = &'static [(&'static str, &'static str)];

/// What the tests know of a system beside its model.
pub struct System {
    /// As it is typed.
    pub name: &'static str,
    /// As messages call it.
    pub title: &'static str,
    /// As manifests of many servers call its own.
    pub server: &'static str,
    /// With so many accounts more than usual.
    pub start: fn(bots: usize) -> Box<dyn Served>,
    /// A model that has these secrets for its own.
    pub kept: fn(&Secrets) -> (Handler, Kept),
    /// By a token or the like, and by a name and a password; the secret comes last.
    pub logins: [Login; 2],
    /// What a run does first with each of them.
    pub begins: [&'static str; 2],
    /// A line that needs one of them, and what it gives.
    pub show: (&'static str, &'static str),
    /// Of each verb what is complete but for an address.
    pub verbs: &'static [&'static str],
    /// The options that name an account, and the verbs that take them.
    pub targets: &'static [&'static str],
    pub aimed: &'static [&'static str],
    /// The options that say what to set.
    pub sources: &'static [&'static str],
}

impl System {
    /// What follows on its name for this verb, where it has the verb.
    pub fn verb(&self, verb: &str) -> Option<&'static str> {
        let mut verbs = self.verbs.iter().copied();
        verbs.find(|line| line.split(' ').next() == Some(verb))
    }
}

/// See [`System::start`].
pub fn started<M: Model>(mut model: M, bots: usize) -> Box<dyn Served> {
    (0..bots).for_each(|number| model.add_bot(number));
    Box::new(model.start())
}

/// The system of this name.
pub fn find(name: &str) -> &'static System {
    let found = ALL.into_iter().find(|system| system.name == name);
    found.unwrap_or_else(|| panic!("a model of {name}"))
}

pub fn names() -> [&'static str; ALL.len()] {
    ALL.map(|system| system.name)
}

/// Each login of each system.
pub fn logins() -> impl Iterator<Item = (&'static System, Login)> {
    ALL.into_iter()
        .flat_map(|system| system.logins.map(|login| (system, login)))
}

/// Secrets that can be recognised wherever they are shown.
pub struct Secrets {
    pub token: &'static str,
    pub password: &'static str,
    /// Of the second factor.
    pub code: &'static str,
    /// A token of Rocket.Chat, and whose it is.
    pub auth_token: &'static str,
    pub user_id: &'static str,
    /// A hash of Navixy's, which is made of digits.
    pub hash: &'static str,
    /// What somebody wears, and where it can be downloaded from.
    pub picture: Vec<u8>,
    pub address: String,
}

/// What lets in with them.
pub struct Kept {
    /// As in [`System::logins`].
    pub logins: [Vec<(&'static str, &'static str)>; 2],
    /// Where a login's answer has what it gives, as a JSON pointer; what a session's begins with where a header has it.
    pub session: &'static str,
}

/// Requests in, answers out.
pub type Handler = Box<dyn FnMut(&Request) -> Reply + Send>;

/// See [`System::kept`].
pub fn kept<M: Model>(mut model: M, secrets: &Secrets) -> (Handler, Kept) {
    let kept = model.keep(secrets);
    (Box::new(move |request| model.handle(request)), kept)
}

/// A model that is being served, whichever it is.
pub trait Served: Any {
    fn system(&self) -> &'static System;
    fn server(&self) -> &Server;
    fn server_mut(&mut self) -> &mut Server;
    /// See [`Running::url`].
    fn url(&self) -> String;
    fn settings(&self) -> Vec<(&'static str, String)>;
    fn fault(&self, fault: Fault);
    fn heal(&self);
    fn written(&self, request: &Request) -> Option<String>;
    /// With the address and the credentials; see [`Run::with`].
    fn let_in(&self, run: Run) -> Run;
}

impl<M: Model> Served for Running<M> {
    fn system(&self) -> &'static System {
        M::system()
    }

    fn server(&self) -> &Server {
        self
    }

    fn server_mut(&mut self) -> &mut Server {
        self
    }

    fn url(&self) -> String {
        Running::url(self)
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        Running::settings(self)
    }

    fn fault(&self, fault: Fault) {
        Running::fault(self, fault);
    }

    fn heal(&self) {
        Running::heal(self);
    }

    fn written(&self, request: &Request) -> Option<String> {
        M::written(request)
    }

    fn let_in(&self, run: Run) -> Run {
        run.with(self)
    }
}

/// A server of each system.
pub struct Servers(Vec<Box<dyn Served>>);

impl Servers {
    /// With so many accounts more on each.
    pub fn with_bots(count: usize) -> Servers {
        Servers(ALL.map(|system| (system.start)(count)).into())
    }

    /// Whatever calls come are fine.
    pub fn start() -> Servers {
        Servers::each(Server::expect_anything)
    }

    /// Nobody may call them.
    pub fn uncalled() -> Servers {
        Servers::each(Server::expect_no_calls)
    }

    fn each(expect: fn(&mut Server)) -> Servers {
        let mut servers = Servers::with_bots(0);
        servers
            .iter_mut()
            .for_each(|served| expect(served.server_mut()));
        servers
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn Served> {
        self.0.iter().map(|served| &**served)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Box<dyn Served>> {
        self.0.iter_mut()
    }

    /// The one of this model.
    pub fn of<M: Model>(&self) -> &Running<M> {
        let mut servers = self.iter();
        let found = servers.find_map(|served| (served as &dyn Any).downcast_ref());
        found.expect("a model that is registered")
    }

    /// A run that knows where they are and has no credentials.
    pub fn know(&self, run: Run) -> Run {
        let settings = self.iter().flat_map(Served::settings);
        settings
            .filter(|(name, _)| name.ends_with("_URL"))
            .fold(run, |run, (name, url)| run.env(name, url))
    }

    /// A run with the address and the credentials of each.
    pub fn let_in(&self, run: Run) -> Run {
        self.iter().fold(run, |run, served| served.let_in(run))
    }

    /// A run of `whoami` at one of them, which says nothing unless it fails.
    pub fn whoami(&self, system: &str) -> Run {
        self.know(Run::new([system, "whoami", "--retries=0"]))
    }

    /// How many requests came since the last time somebody asked; each of them was right.
    pub fn take_requests(&self) -> usize {
        let servers = self.iter().map(Served::server);
        let count = |server: &Server| {
            assert_eq!(server.violations(), [""; 0]);
            let count = server.requests().len();
            server.forget();
            count
        };
        servers.map(count).sum()
    }
}

/// A model that is forgotten here would be left out of everything.
#[test]
fn every_system_of_the_program_is_registered() {
    let help = Run::new(["--help"]).output().stdout;
    let line = help.lines().find_map(|line| line.strip_prefix("systems: "));
    let names = names().join(", ");
    assert_eq!(line, Some(names.as_str()));
}
