//! One request sent and its answer read, over one connection while that lasts. Whether the answer is good, and what
//! follows when there is none, is decided by others. With `connect.rs` and `failure.rs` the only file that knows ureq.

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::http::header::{HeaderName, HeaderValue};
use ureq::{Agent, AsSendBody, SendBody};

use super::connect::{Dialler, Names, Steps, Watch};
use super::reach::Reach;
use super::request::{Purpose, Request};
use super::response::Response;
use super::{AGENT, LONGEST_HEAD, tls};
use crate::error;
use crate::secret::Secret;

type Result<T> = std::result::Result<T, ureq::Error>;

/// How much of an answer is read, in bytes. A Jira account with a thousand custom avatars lists 700 kB.
const LONGEST_ANSWER: u64 = 2 << 20;
/// How much of a picture is read, in bytes.
const LONGEST_PICTURE: u64 = 20 << 20;
/// How much of a refusal is read, in bytes: it carries a sentence, and an error page may be endless.
const LONGEST_REFUSAL: u64 = 64 << 10;

/// A connection to one server, made when it is needed and made again when it is gone.
pub(super) struct Connection {
    agent: Agent,
    watch: Watch,
}

impl Connection {
    /// Connects to nothing yet.
    ///
    /// Errors: configuration, when the trust store or a client certificate cannot be used.
    pub(super) fn new(reach: &Reach) -> error::Result<Connection> {
        // A file that cannot be used is said at once, even if this base address does not need it.
        let wanted = reach.base.is_https() || reach.trust.names_files();
        let watch = Watch::default();
        let dialler = Dialler {
            watch: watch.clone(),
            tls: match wanted {
                true => Some(tls::config(&reach.trust)?),
                false => None,
            },
            proxy: reach.proxy.clone(),
        };
        // A proxy for plain http may close after each answer without a word of it (tinyproxy does), and a request
        // that meets the end of a connection looks like one whose answer was lost. So each gets its own.
        let kept = match reach.proxy.is_some() && !reach.base.is_https() {
            true => 0,
            false => 1,
        };
        let proxy = reach.proxy.as_ref().map(|proxy| &proxy.address);
        let names = Names::new(proxy, watch.clone());
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_resolve(Some(reach.connect_timeout))
            .timeout_connect(Some(reach.connect_timeout))
            .max_response_header_size(LONGEST_HEAD)
            .max_idle_connections(kept)
            .max_idle_age(Duration::from_secs(120))
            .user_agent(AGENT)
            .accept(ureq::config::AutoHeaderValue::None)
            .accept_encoding(ureq::config::AutoHeaderValue::None)
            .build();
        Ok(Connection {
            agent: Agent::with_parts(config, dialler, names),
            watch,
        })
    }

    /// How many connections were made so far.
    pub(super) fn count(&self) -> usize {
        self.watch.facts().made
    }

    /// What is known of the latest connection, and of the request that was sent last.
    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Sends a request with these secret headers, and reads the answer.
    pub(super) fn exchange<'a>(
        &self,
        request: &Request,
        url: &str,
        secrets: impl Iterator<Item = (&'static str, &'a Secret)>,
        timeout: Duration,
    ) -> Result<Response> {
        self.watch.facts().steps = Steps::default();
        let mut builder = ureq::http::Request::builder()
            .method(request.call.method.name())
            .uri(url);
        for (name, value) in request.all_headers() {
            builder = builder.header(HeaderName::from_static(name), header(&value)?);
        }
        for (name, value) in secrets {
            let mut value = header(value.expose())?;
            value.set_sensitive(true);
            builder = builder.header(HeaderName::from_static(name), value);
        }
        let longest = match request.call.purpose {
            Purpose::Picture => LONGEST_PICTURE,
            _ => LONGEST_ANSWER,
        };
        let answer = match request.call.method.has_body() {
            false => self.run(builder.body(())?, timeout)?,
            true => {
                let mut reader = request.body.reader()?;
                let body = SendBody::from_reader(&mut reader);
                let builder = builder.header("content-length", request.body.length());
                self.run(builder.body(body)?, timeout)?
            }
        };
        self.watch.facts().steps.answered = Some(Instant::now());
        read(answer, longest)
    }

    fn run(
        &self,
        call: ureq::http::Request<impl AsSendBody>,
        timeout: Duration,
    ) -> Result<ureq::http::Response<ureq::Body>> {
        let call = self
            .agent
            .configure_request(call)
            .timeout_global(Some(timeout));
        self.agent.run(call.build())
    }
}

/// Reads an answer, of a good one as many bytes as `longest`.
fn read(answer: ureq::http::Response<ureq::Body>, longest: u64) -> Result<Response> {
    let (head, body) = answer.into_parts();
    let bound = match head.status.is_success() {
        true => longest,
        false => LONGEST_REFUSAL,
    };
    // At once, if it is announced: to grow step by step holds it twice for a while.
    let announced = body.content_length().unwrap_or_default().min(bound);
    let mut bytes = Vec::with_capacity(announced as usize + 1);
    body.into_reader().take(bound + 1).read_to_end(&mut bytes)?;
    let cut = bytes.len() as u64 > bound;
    bytes.truncate(bound as usize);
    let headers = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    Ok(Response {
        status: head.status.as_u16(),
        headers: headers.collect(),
        body: bytes,
        cut,
        note: String::new(),
    })
}

fn header(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|error| ureq::Error::Http(error.into()))
}
