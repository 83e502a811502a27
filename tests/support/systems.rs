//! Every system there is a model of, for tests that are about each of them: a further system is added here, and they
//! cover it.

use super::jira::Jira;
use super::matrix::Matrix;
use super::model::{Fault, Model, Running};
use super::navixy::Navixy;
use super::rocketchat::RocketChat;
use super::run::Run;
use super::server::Server;

/// Variables, and values of them that the model takes: all together are one login.
pub type Login = &'static [(&'static str, &'static str)];

pub struct System {
    /// As it is typed.
    pub name: &'static str,
    /// As messages call it.
    pub title: &'static str,
    pub start: fn() -> Box<dyn Served>,
    /// By a token or the like, and by a name and a password; the secret comes last.
    pub logins: [Login; 2],
    /// A line that needs one of them, and what it gives.
    pub show: (&'static str, &'static str),
}

pub static ALL: [System; 4] = [
    System {
        name: "jira",
        title: "Jira",
        start: || Box::new(Jira::start()),
        logins: [
            &[("JIRA_TOKEN", "ROBOTTOKEN")],
            &[("JIRA_USER", "robot"), ("JIRA_PASSWORD", "secret")],
        ],
        show: ("jira show", "jira robot: avatar 10122 (system)\n"),
    },
    System {
        name: "rocketchat",
        title: "Rocket.Chat",
        start: || Box::new(RocketChat::start()),
        logins: [
            &[
                ("ROCKETCHAT_USER_ID", "aobEdbYhXfu5hkeqG"),
                (
                    "ROCKETCHAT_AUTH_TOKEN",
                    "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq",
                ),
            ],
            &[
                ("ROCKETCHAT_USER", "robot-admin"),
                ("ROCKETCHAT_PASSWORD", "secret"),
            ],
        ],
        show: (
            "rocketchat show",
            "rocketchat robot-admin: no avatar, the generated letter shows\n",
        ),
    },
    System {
        name: "navixy",
        title: "Navixy",
        start: || Box::new(Navixy::start()),
        logins: [
            &[("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b")],
            &[
                ("NAVIXY_LOGIN", "bot@example.com"),
                ("NAVIXY_PASSWORD", "secret"),
            ],
        ],
        show: ("navixy show --employee-id=2132", "navixy 2132: icon 12\n"),
    },
    System {
        name: "matrix",
        title: "Matrix",
        start: || Box::new(Matrix::start()),
        logins: [
            &[("MATRIX_TOKEN", "syt_cm9ib3Q_lBMJkxMOsOStOznctMqF_09fFzH")],
            &[("MATRIX_USER", "robot"), ("MATRIX_PASSWORD", "secret")],
        ],
        show: (
            "matrix show",
            "matrix @robot:test.local: no avatar, a letter shows\n",
        ),
    },
];

pub fn names() -> [&'static str; ALL.len()] {
    std::array::from_fn(|at| ALL[at].name)
}

/// Each login of each system.
pub fn logins() -> impl Iterator<Item = (&'static System, Login)> {
    ALL.iter()
        .flat_map(|system| system.logins.map(|login| (system, login)))
}

/// A model that is being served, whichever it is.
pub trait Served {
    fn server(&mut self) -> &mut Server;
    fn requests(&self) -> usize;
    fn fault(&self, fault: Fault);
    /// The variable of the address, and the address.
    fn address(&self) -> (&'static str, String);
    /// With the address and the credentials; see [`Run::with`].
    fn let_in(&self, run: Run) -> Run;
}

impl<M: Model> Served for Running<M> {
    fn server(&mut self) -> &mut Server {
        self
    }

    fn requests(&self) -> usize {
        Server::requests(self).len()
    }

    fn fault(&self, fault: Fault) {
        Running::fault(self, fault);
    }

    fn address(&self) -> (&'static str, String) {
        let mut settings = self.settings();
        settings.retain(|(name, _)| name.ends_with("_URL"));
        settings.remove(0)
    }

    fn let_in(&self, run: Run) -> Run {
        run.with(self)
    }
}

/// A server of each system, and a run that knows where they are and has no credentials.
pub struct Servers(Vec<Box<dyn Served>>);

impl Servers {
    /// Whatever calls come are fine.
    pub fn start() -> Servers {
        Servers::each(Server::expect_anything)
    }

    /// Nobody may call them.
    pub fn uncalled() -> Servers {
        Servers::each(Server::expect_no_calls)
    }

    fn each(expect: fn(&mut Server)) -> Servers {
        let start = |system: &System| {
            let mut served = (system.start)();
            expect(served.server());
            served
        };
        Servers(ALL.iter().map(start).collect())
    }

    pub fn know(&self, run: Run) -> Run {
        self.0.iter().fold(run, |run, served| {
            let (name, url) = served.address();
            run.env(name, url)
        })
    }

    pub fn requests(&self) -> usize {
        self.0.iter().map(|served| served.requests()).sum()
    }
}
