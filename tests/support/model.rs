//! What the models have in common: being served, being looked into, and being made to fail on purpose.
//!
//! A fault is told apart by what happened to the request, because that is what a client cannot see: it was refused
//! at the door, or it was carried out and only the answer got lost.

use std::io;
use std::net::TcpStream;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};

use super::server::{Reply, Request, Server, Wire, lock};
use super::systems::{Kept, Secrets, System};

/// A system as far as the program can tell: requests in, answers out, and a state that a test may look at.
pub trait Model: Send + 'static {
    /// The path that the base address carries, such as `/jira`; empty for none.
    fn context(&self) -> &str;
    /// Carries the request out and answers it.
    fn handle(&mut self, request: &Request) -> Reply;
    /// The variables that give a client the address and the credentials of this model's administrator.
    fn settings(&self, url: &str) -> Vec<(&'static str, String)>;

    /// What the tests know of this system beside the model.
    fn system() -> &'static System;
    /// One more account, named by this number.
    fn add_bot(&mut self, number: usize);
    /// Takes these secrets for its own, at an address without a path.
    fn keep(&mut self, secrets: &Secrets) -> Kept;
    /// Logins of runs that nobody has ended.
    fn open_logins(&self) -> usize;
    /// What a request changes, and of whom; none where it changes no avatar.
    fn written(request: &Request) -> Option<String>;

    fn start(self) -> Running<Self>
    where
        Self: Sized,
    {
        Running::start(self)
    }
}

/// A model that is being served. It ends, and judges how it was used, when dropped; see [`Server`].
pub struct Running<M> {
    server: Server,
    state: Arc<Mutex<M>>,
    faults: Arc<Mutex<Vec<Fault>>>,
}

impl<M: Model> Running<M> {
    pub fn start(model: M) -> Running<M> {
        Running::start_over("http", |socket| Ok(Box::new(socket)), model)
    }

    /// Over TLS, say; see [`Server::start_over`].
    pub fn start_over(
        scheme: &'static str,
        wrap: impl Fn(TcpStream) -> io::Result<Box<dyn Wire>> + Send + Sync + 'static,
        model: M,
    ) -> Running<M> {
        let state = Arc::new(Mutex::new(model));
        let faults = Arc::new(Mutex::new(Vec::<Fault>::new()));
        let handler = {
            let (state, faults) = (Arc::clone(&state), Arc::clone(&faults));
            move |request: &Request| {
                let due = lock(&faults)
                    .iter_mut()
                    .filter_map(|fault| fault.due(request))
                    .next_back();
                match due {
                    None => lock(&state).handle(request),
                    Some((false, reply)) => reply,
                    Some((true, mut reply)) => {
                        let own = lock(&state).handle(request);
                        reply.inherit(own);
                        reply
                    }
                }
            }
        };
        let server = Server::start_over(scheme, wrap, handler);
        Running {
            server,
            state,
            faults,
        }
    }

    /// The base address, context path included.
    pub fn url(&self) -> String {
        self.server.url() + lock(&self.state).context()
    }

    /// The state, to look into or to change. While it is held the server waits: let go of it before running anything.
    pub fn model(&self) -> MutexGuard<'_, M> {
        lock(&self.state)
    }

    /// A handle on the state for somebody who outlives a borrow.
    pub fn shared(&self) -> Arc<Mutex<M>> {
        Arc::clone(&self.state)
    }

    /// The environment that lets a client in as the administrator.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let url = self.url();
        lock(&self.state).settings(&url)
    }

    /// Arranges a fault; of several that are due for one request the one arranged last wins, and all count it.
    pub fn fault(&self, fault: Fault) {
        lock(&self.faults).push(fault);
    }

    /// No more faults: the system has recovered.
    pub fn heal(&self) {
        lock(&self.faults).clear();
    }
}

impl<M> Deref for Running<M> {
    type Target = Server;
    fn deref(&self) -> &Server {
        &self.server
    }
}

impl<M> DerefMut for Running<M> {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

/// A model, and something that happens just before it carries a certain request out.
pub struct Before<M> {
    model: M,
    nth: usize,
    seen: usize,
    act: Box<dyn FnMut() + Send>,
}

impl<M: Model> Before<M> {
    /// The request of that number, counted from 1.
    pub fn request(nth: usize, model: M, act: impl FnMut() + Send + 'static) -> Running<Self> {
        Running::start(Before {
            model,
            nth,
            seen: 0,
            act: Box::new(act),
        })
    }
}

impl<M> Before<M> {
    pub fn model(&self) -> &M {
        &self.model
    }
}

impl<M: Model> Model for Before<M> {
    fn context(&self) -> &str {
        self.model.context()
    }

    fn settings(&self, url: &str) -> Vec<(&'static str, String)> {
        self.model.settings(url)
    }

    fn system() -> &'static System {
        M::system()
    }

    fn add_bot(&mut self, number: usize) {
        self.model.add_bot(number);
    }

    fn keep(&mut self, secrets: &Secrets) -> Kept {
        self.model.keep(secrets)
    }

    fn open_logins(&self) -> usize {
        self.model.open_logins()
    }

    fn written(request: &Request) -> Option<String> {
        M::written(request)
    }

    fn handle(&mut self, request: &Request) -> Reply {
        self.seen += 1;
        if self.seen == self.nth {
            (self.act)();
        }
        self.model.handle(request)
    }
}

/// A model that nobody may call.
pub fn uncalled<M: Model>(model: M) -> Running<M> {
    let mut model = model.start();
    model.expect_no_calls();
    model
}

/// Everything that was sent, compared whole. A golden file ends in one line feed, and a last request without a body
/// in two.
#[track_caller]
pub fn captured<M: Model>(model: &Running<M>, golden: &str) {
    let capture = model.capture();
    assert!(
        capture.trim_end() == golden.trim_end(),
        "the capture differs\n--- expected\n{golden}\n--- found\n{capture}"
    );
}

/// The requests that are not there to look.
pub fn writes<M: Model>(model: &Running<M>) -> Vec<String> {
    let mut calls = model.calls();
    calls.retain(|call| !call.starts_with("GET ") && !call.starts_with("HEAD "));
    calls
}

/// Something that goes wrong: for which requests, when, and how.
///
/// `Fault::on("PUT /user/avatar").lost()` carries the next such PUT out and loses the answer;
/// `Fault::any().from(4).always().silent()` is a server that dies before its fourth request.
#[derive(Clone, Debug)]
pub struct Fault {
    method: Option<String>,
    path: String,
    from: usize,
    times: usize,
    seen: usize,
    carried_out: bool,
    reply: Reply,
}

impl Fault {
    /// `METHOD` and the end of the path, or `*` for any method: `PUT /user/avatar`, `* /employee/read`.
    pub fn on(route: &str) -> Fault {
        let (method, path) = route
            .split_once(' ')
            .unwrap_or_else(|| panic!("a route is METHOD PATH: {route}"));
        let method = (method != "*").then(|| method.to_owned());
        let reply = Reply::close_without_answer();
        Fault {
            method,
            path: path.to_owned(),
            from: 1,
            times: 1,
            seen: 0,
            carried_out: false,
            reply,
        }
    }

    /// Every request counts.
    pub fn any() -> Fault {
        Fault::on("* ")
    }

    /// The first request that fails, counted from 1 among those that match from now on.
    pub fn from(mut self, nth: usize) -> Fault {
        self.from = nth;
        self
    }

    /// How many requests fail in a row; one, where nothing is said.
    pub fn times(mut self, times: usize) -> Fault {
        self.times = times;
        self
    }

    pub fn always(self) -> Fault {
        self.times(usize::MAX)
    }

    /// Not carried out; this answer comes instead.
    pub fn instead(mut self, reply: Reply) -> Fault {
        (self.carried_out, self.reply) = (false, reply);
        self
    }

    /// Carried out; this answer comes in place of the model's own.
    pub fn afterwards(mut self, reply: Reply) -> Fault {
        (self.carried_out, self.reply) = (true, reply);
        self
    }

    /// Carried out, and the connection closes without an answer.
    pub fn lost(self) -> Fault {
        self.afterwards(Reply::close_without_answer())
    }

    /// Carried out, and the connection stays open without an answer.
    pub fn carried_out_then_hang(self) -> Fault {
        self.afterwards(Reply::hang())
    }

    /// Not carried out, and the connection closes without an answer.
    pub fn silent(self) -> Fault {
        self.instead(Reply::close_without_answer())
    }

    /// Not carried out, and the connection stays open without an answer.
    pub fn hang(self) -> Fault {
        self.instead(Reply::hang())
    }

    /// Counts the request; what to do about it, if it is one that fails: was it carried out, and the answer.
    fn due(&mut self, request: &Request) -> Option<(bool, Reply)> {
        let same = self
            .method
            .as_ref()
            .is_none_or(|method| *method == request.method);
        if !same || !request.path().ends_with(&self.path) {
            return None;
        }
        self.seen += 1;
        let due = self.seen >= self.from && self.seen - self.from < self.times;
        due.then(|| (self.carried_out, self.reply.clone()))
    }
}

#[test]
fn a_fault_counts_what_matches_and_ends() {
    let request = |method: &str, target: &str| Request {
        method: method.into(),
        target: target.into(),
        headers: Vec::new(),
        body: Vec::new(),
        connection: 1,
    };
    let mut fault = Fault::on("PUT /user/avatar").from(2).times(2).lost();
    let mut due = |method, target| {
        fault
            .due(&request(method, target))
            .map(|(carried_out, _)| carried_out)
    };
    assert_eq!(
        due("PUT", "/jira/rest/api/2/user/avatar?username=robot"),
        None
    );
    assert_eq!(due("POST", "/jira/rest/api/2/user/avatar"), None);
    assert_eq!(due("PUT", "/jira/rest/api/2/user/avatar"), Some(true));
    assert_eq!(due("PUT", "/jira/rest/api/2/user/avatar/temporary"), None);
    assert_eq!(due("PUT", "/jira/rest/api/2/user/avatar"), Some(true));
    assert_eq!(due("PUT", "/jira/rest/api/2/user/avatar"), None);
}
