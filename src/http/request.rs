//! A request is data: the call of a system's table and what one use of it carries. Nothing is sent here.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::rc::Rc;

use super::multipart::Encoded;
use crate::error::{Class, Error, reason};
use crate::picture::content::Content;
use crate::secret::Secret;
use crate::settings::address::{self, Address};

/// The methods these systems take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }

    /// Whether such a request carries a body, if only an empty one.
    pub(super) fn has_body(self) -> bool {
        matches!(self, Method::Post | Method::Put)
    }
}

/// A call of a system's API, as its table has it.
pub struct Call {
    pub method: Method,
    /// Below the base address, without a leading slash; each `{}` in it is one item of a request.
    pub path: &'static str,
    pub repeat: Repeat,
    pub purpose: Purpose,
    /// Whether the caller's credentials stay at home.
    pub anonymous: bool,
}

/// What a call is for. A refused login, logout or picture means something else than a refusal of the work itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Everything else.
    Work,
    Login,
    Logout,
    /// Reads a picture, which may be longer than any other answer.
    Picture,
}

/// What servers count calls by: method and path.
pub(super) type Route = (&'static str, &'static str);

impl Call {
    pub const fn new(method: Method, path: &'static str, repeat: Repeat) -> Call {
        Call {
            method,
            path,
            repeat,
            purpose: Purpose::Work,
            anonymous: false,
        }
    }

    /// The call that opens a session, made before there are credentials to send.
    pub const fn login(self) -> Call {
        Call {
            purpose: Purpose::Login,
            ..self
        }
    }

    /// The call that ends a session.
    pub const fn logout(self) -> Call {
        Call {
            purpose: Purpose::Logout,
            ..self
        }
    }

    /// A call that reads a picture.
    pub const fn picture(path: &'static str) -> Call {
        Call {
            purpose: Purpose::Picture,
            ..Call::new(Method::Get, path, ALWAYS)
        }
    }

    /// The same call without the caller's credentials.
    pub const fn anonymous(self) -> Call {
        Call {
            anonymous: true,
            ..self
        }
    }

    pub(super) fn route(&self) -> Route {
        (self.method.name(), self.path)
    }
}

/// After which failures a call may be made again, up to `--retries` times.
pub struct Repeat {
    /// No connection was made, so nothing was carried out.
    pub not_connected: bool,
    /// The answer was lost, the server failed (500), or a gateway answered for it (502, 504): the call may have been
    /// carried out.
    pub answer_lost: bool,
    /// The answer says that the call was not carried out: 429, 503.
    pub busy: bool,
}

/// Reads, and writes that leave the same when they are carried out twice.
pub const ALWAYS: Repeat = Repeat {
    not_connected: true,
    answer_lost: true,
    busy: true,
};

/// Writes that leave two things when they are carried out twice.
pub const UNLESS_LOST: Repeat = Repeat {
    not_connected: true,
    answer_lost: false,
    busy: true,
};

/// Calls that must not reach the server twice, and logins, of which each refused one counts.
pub const ONCE: Repeat = Repeat {
    not_connected: true,
    answer_lost: false,
    busy: false,
};

/// Calls whose answer is not worth a wait.
pub const NEVER: Repeat = Repeat {
    not_connected: false,
    answer_lost: false,
    busy: false,
};

/// What a request carries. Its length is known before the first byte is sent.
pub enum Body {
    Empty,
    Json(String),
    /// The bytes of a picture as they are, with their media type.
    Raw(&'static str, Rc<dyn Content>),
    Form(Encoded),
}

impl Body {
    pub fn content_type(&self) -> Option<String> {
        match self {
            Body::Empty => None,
            Body::Json(_) => Some("application/json".into()),
            Body::Raw(media_type, _) => Some((*media_type).into()),
            Body::Form(form) => Some(form.content_type()),
        }
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        match self {
            Body::Empty => 0,
            Body::Json(text) => text.len() as u64,
            Body::Raw(_, content) => content.length(),
            Body::Form(form) => form.length(),
        }
    }

    /// Errors: what opening a file gives.
    pub(super) fn reader(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Body::Empty => Box::new(io::empty()),
            Body::Json(text) => Box::new(text.as_bytes()),
            Body::Raw(_, content) => content.open()?,
            Body::Form(form) => Box::new(form.reader()?),
        })
    }
}

/// One call with what it carries, without the caller's credentials: the client adds those.
pub struct Request {
    pub call: &'static Call,
    /// One text for each `{}` of the call's path, in their order; encoded when sent.
    pub items: Vec<String>,
    /// What the call does to what, as a message begins: `select avatar 24880`.
    pub operation: String,
    /// Encoded when sent.
    pub query: Vec<(&'static str, String)>,
    pub headers: Vec<(&'static str, String)>,
    /// Headers that are not shown, such as a session's cookies.
    pub secrets: Vec<(&'static str, Secret)>,
    pub body: Body,
    /// Path and query as a server gave them, in place of the call's own: they open what they lead to, and are not shown.
    pub signed: Option<Secret>,
}

impl Request {
    pub fn new(call: &'static Call, operation: impl Into<String>) -> Request {
        Request {
            call,
            items: Vec::new(),
            operation: operation.into(),
            query: Vec::new(),
            headers: Vec::new(),
            secrets: Vec::new(),
            body: Body::Empty,
            signed: None,
        }
    }

    /// A request for a picture, to a call that reads one. What is sent is what the server has: nobody on the way is to
    /// make another one of it.
    pub fn picture(call: &'static Call, operation: impl Into<String>) -> Request {
        Request::new(call, operation)
            .header("accept", "image/*")
            .header("accept-encoding", "identity")
    }

    /// Fills the next `{}` of the path.
    pub fn item(mut self, item: &str) -> Request {
        self.items.push(item.to_owned());
        self
    }

    pub fn query(mut self, name: &'static str, value: &str) -> Request {
        self.query.push((name, value.to_owned()));
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((name, value.into()));
        self
    }

    pub fn secret(mut self, name: &'static str, value: Secret) -> Request {
        self.secrets.push((name, value));
        self
    }

    pub fn body(mut self, body: Body) -> Request {
        self.body = body;
        self
    }

    /// The headers that may be shown, with that of the body first.
    pub(super) fn all_headers(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        let own = self.body.content_type().map(Cow::from);
        let own = own.map(|value| ("content-type", value));
        let others = self.headers.iter();
        let others = others.map(|(name, value)| (*name, Cow::from(value)));
        own.into_iter().chain(others)
    }

    /// The failure to read what this call carries.
    pub fn unreadable(&self, error: io::Error) -> Error {
        let text = reason(&error);
        // The picture's own reader says it in our words.
        match error.into_inner().map(|inner| inner.downcast::<Error>()) {
            Some(Ok(ours)) => self.about(*ours),
            _ => self.failed(Class::Input, text),
        }
    }

    /// A failure of this call.
    pub fn failed(&self, class: Class, what: impl Into<String>) -> Error {
        self.about(Error::new(class, what))
    }

    /// An error as one of this call.
    pub(super) fn about(&self, error: Error) -> Error {
        error.about(&self.operation)
    }

    /// The whole URL, encoded.
    pub fn url(&self, base: &Address) -> String {
        if let Some(signed) = &self.signed {
            return format!("{}{}", base.text(), signed.expose());
        }
        let mut url = format!("{}/", base.text());
        let mut items = self.items.iter();
        for (at, piece) in self.call.path.split("{}").enumerate() {
            if at > 0 {
                let item = items
                    .next()
                    .expect("a request fills every place of its path");
                url.push_str(&address::encode(item));
            }
            url.push_str(piece);
        }
        for (at, (name, value)) in self.query.iter().enumerate() {
            let sign = if at == 0 { '?' } else { '&' };
            let _ = write!(url, "{sign}{name}={}", address::encode(value));
        }
        url
    }
}
