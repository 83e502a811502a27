//! An open way into one server: the caller's credentials, what was learned about the server, and what its answers mean
//! as far as every system gives them alike.

use std::any::Any;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;

use super::{ALL, System};
use crate::error::{Class, Error, NOT_PERMITTED, Result};
use crate::http::{Client, Request, Response};
use crate::picture::received::Image;
use crate::secret::Secret;
use crate::settings::credentials::Credentials;
use crate::signals;

/// What a system reads out of an answer by itself.
pub enum Reading {
    /// The call was carried out.
    Accepted,
    Refused(Error),
    /// Nothing of its own: what every server says with this status counts.
    Unsaid,
}

/// What a server says it is.
#[derive(Default, Clone)]
pub struct Server {
    pub version: Option<String>,
    pub deployment: Option<String>,
}

/// An open way into one server.
pub struct Session {
    pub client: Client,
    pub system: &'static System,
    /// Of the variables' names that messages give.
    prefix: String,
    /// Whether the credentials are a token, which some servers treat differently from a password.
    pub token: bool,
    /// The caller's own name, once it was asked for.
    pub caller: Option<String>,
    /// What the server said it is, where opening it told.
    pub server: Server,
    /// Ends the login that opened this session; none where the credentials were given.
    pub logout: Option<fn(&mut Session) -> Result<()>>,
    /// How many avatars were set so far.
    pub writes: usize,
    /// Whether what was set is looked at afterwards.
    pub verify: bool,
    /// What the system learned of this server, in a type of its own.
    facts: Option<Box<dyn Any>>,
    /// What a person should know although nothing failed; whoever reports an outcome takes them.
    pub warnings: Vec<String>,
}

impl Session {
    pub fn new(client: Client, system: &'static System, credentials: &Credentials) -> Session {
        Session::stranger(client, system, credentials.prefix())
    }

    /// A session without credentials; `prefix` is that of the variables which would give some.
    pub fn stranger(client: Client, system: &'static System, prefix: &str) -> Session {
        Session {
            client,
            system,
            prefix: prefix.to_owned(),
            token: false,
            caller: None,
            server: Server::default(),
            logout: None,
            writes: 0,
            verify: true,
            facts: None,
            warnings: Vec::new(),
        }
    }

    /// The full name of one of the credentials' variables, for a message.
    pub fn variable(&self, name: &str) -> String {
        format!("{}_{name}", self.prefix)
    }

    /// What the system learned of this server so far, in a type of its own: what it asks once in a run.
    pub fn facts<T: Default + 'static>(&mut self) -> &mut T {
        let facts = self.facts.get_or_insert_with(|| Box::new(T::default()));
        facts
            .downcast_mut()
            .expect("a session is of one system, which has one type for its facts")
    }

    /// A hint in which `{TOKEN}` stands for the full name of that variable.
    pub fn hint(&self, text: &str) -> String {
        let mut hint = text.to_owned();
        let logins = self.system.logins.iter();
        for name in logins.flat_map(|login| login.variables.iter().chain(&login.also)) {
            hint = hint.replace(&format!("{{{name}}}"), &self.variable(name));
        }
        hint
    }

    /// Sends `secret` in a header of every request from now on, behind a scheme where there is one; `variable` names
    /// it in the commands of a dry run.
    pub fn authorize(
        &mut self,
        header: &'static str,
        scheme: &str,
        secret: &Secret,
        variable: &str,
    ) {
        let scheme = match scheme {
            "" => String::new(),
            scheme => format!("{scheme} "),
        };
        let curl = format!("-H \"{header}: {scheme}${}\"", self.variable(variable));
        self.client.authorize(header, &scheme, secret, curl);
    }

    /// The same for the caller's id that stands beside the secret, which is no secret in good answers.
    pub fn identify(&mut self, header: &'static str, id: &Secret, variable: &str) {
        let curl = format!("-H \"{header}: ${}\"", self.variable(variable));
        self.client.identify(header, id.clone(), curl);
    }

    /// Sends a name and a password as Basic credentials (RFC 7617) with every request from now on.
    ///
    /// Errors: configuration, when the name has a colon: it would end there, and another account would be tried.
    pub fn authorize_basic(
        &mut self,
        credentials: &Credentials,
        user: &'static str,
        password: &'static str,
    ) -> Result<()> {
        let value = |name| credentials.get(name).map_or("", Secret::expose);
        if value(user).contains(':') {
            let why = "contains a colon, which a user name in Basic credentials cannot";
            return Err(credentials.unusable(user, why));
        }
        let pair = format!("{}:{}", value(user), value(password));
        self.client.redact_pair(&pair);
        let encoded = Secret::new(BASE64_STANDARD.encode(&pair));
        let curl = format!(
            "-u \"${}:${}\"",
            self.variable(user),
            self.variable(password)
        );
        self.client
            .authorize("authorization", "Basic ", &encoded, curl);
        Ok(())
    }

    /// Logs out where this session logged in: a login that is left open stays open for weeks.
    pub fn end(&mut self) -> Result<()> {
        match self.logout.take() {
            Some(logout) => {
                signals::leaving(true);
                let left = logout(self);
                signals::leaving(false);
                left
            }
            None => Ok(()),
        }
    }

    /// Sends a request. What the system reads out of the answer by itself comes first, then what every server says
    /// alike: a redirect, or a status that refuses.
    ///
    /// Errors: those of `Client::send`, and the refusal.
    pub fn send(&mut self, request: &Request) -> Result<Response> {
        let response = self.client.send(request)?;
        let error = match (self.system.read)(self, request, &response) {
            Reading::Accepted => return Ok(response),
            Reading::Refused(error) => error,
            Reading::Unsaid => match self.client.redirect(request, &response) {
                Some(redirect) => return Err(redirect),
                None if response.success() => return Ok(response),
                None => self.by_status(request, &response),
            },
        };
        Err(self.foreign(request, &response, error))
    }

    /// Sends a request and reads what a success carries.
    ///
    /// Errors: those of `send`; protocol, when the body has another shape.
    pub fn ask<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T> {
        let response = self.send(request)?;
        self.body(request, &response)
    }

    /// Reads a picture by a request for one.
    ///
    /// Errors: those of `Client::send`, and those of `received`.
    pub fn picture(&mut self, request: &Request) -> Result<Image> {
        let response = self.client.send(request)?;
        self.received(request, response)
    }

    /// The picture that an answer is. What a system says of its API does not count here: pictures come from another
    /// part of it, or from what stands before it.
    ///
    /// Errors: credentials (refused), target (there is none), protocol (a redirect, a login page, no whole picture),
    /// temporary.
    pub fn received(&self, request: &Request, mut response: Response) -> Result<Image> {
        if let Some(redirect) = self.client.redirect(request, &response) {
            return Err(redirect);
        }
        let refused = |class, what| self.refused(request, &response, class, what, None);
        match response.status {
            200 => {}
            401 | 403 => return Err(refused(Class::Credentials, NOT_PERMITTED)),
            404 | 410 => return Err(refused(Class::Target, "there is no such picture")),
            _ => return Err(self.by_status(request, &response)),
        }
        response.picture().map_err(|flaw| {
            let what = format!("answered 200, and the body {flaw}");
            self.as_page(
                &response,
                self.refused(request, &response, Class::Protocol, &what, None),
            )
        })
    }

    /// The body of an answer that was accepted.
    ///
    /// Errors: protocol, when it has another shape.
    pub fn body<T: DeserializeOwned>(&self, request: &Request, response: &Response) -> Result<T> {
        let unread = |what| self.unread(request, response, what);
        response.json().map_err(unread)
    }

    /// Why the body of an answer is not what its reader takes.
    fn unread(&self, request: &Request, response: &Response, what: &str) -> Error {
        match response.success() {
            true => self.foreign(request, response, self.unexpected(request, response, what)),
            false => self.by_status(request, response),
        }
    }

    /// What a refusal means by its status alone.
    fn by_status(&self, request: &Request, response: &Response) -> Error {
        let system = self.system;
        let said = || (system.reason)(response);
        let refused = |class, what: &str| self.refused(request, response, class, what, said());
        let plainly = |class, what: &str| self.refused(request, response, class, what, None);
        match response.status {
            401 => refused(Class::Credentials, "not logged in"),
            403 => refused(Class::Credentials, NOT_PERMITTED).hint(system.permission),
            404 | 405 => plainly(
                Class::Protocol,
                &format!("there is no {} at this address", system.title),
            )
            .hint(system.address),
            413 => plainly(
                Class::Data,
                "larger than the server or a proxy in front of it accepts",
            ),
            429 => refused(Class::Temporary, "too many requests"),
            500.. => refused(
                Class::Temporary,
                &format!("the server failed with {}", response.status),
            ),
            status => refused(Class::Protocol, &format!("answered {status}")),
        }
    }

    /// A failure to understand an answer, said better where another system than this one answers so: the base URL
    /// leads there.
    pub fn foreign(&self, request: &Request, response: &Response, error: Error) -> Error {
        let lost = matches!(error.class, Class::Protocol | Class::Target);
        if !lost || (self.system.recognizes)(response) {
            return error;
        }
        match ALL.iter().find(|other| (other.recognizes)(response)) {
            None => error,
            Some(other) => {
                let what = format!("answered {} as {} does", response.status, other.title);
                let error = request.failed(Class::Protocol, what);
                error.status(response.status).hint(format!(
                    "check the base URL; if it is right, use {} instead of {}",
                    other.name, self.system.name
                ))
            }
        }
    }

    /// A failure of `request` that an answer tells of, with the server's own words where it has some.
    pub fn refused(
        &self,
        request: &Request,
        response: &Response,
        class: Class,
        what: &str,
        said: Option<String>,
    ) -> Error {
        Error {
            note: response.note().to_owned(),
            ..request.failed(class, what)
        }
        .said(said.map(|words| self.client.said(&words)))
        .status(response.status)
    }

    /// An answer that this system does not give.
    pub fn unexpected(&self, request: &Request, response: &Response, what: &str) -> Error {
        let what = format!("answered {} with {what}", response.status);
        self.as_page(
            response,
            self.refused(request, response, Class::Protocol, &what, None),
        )
    }

    /// The same error, with what to do where the answer is a page.
    fn as_page(&self, response: &Response, error: Error) -> Error {
        match response.is_html() {
            true => error.hint(format!(
                "a login page or a proxy answered instead of {}: exempt this account's calls from single sign-on",
                self.system.title
            )),
            false => error,
        }
    }
}

/// Whether a header can carry what a login gave; nobody could even log out without.
pub fn is_sendable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
