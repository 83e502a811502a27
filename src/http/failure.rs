//! Why there is no answer of the server, as an error: what ureq says, and what a proxy says in the server's place.

use std::time::Duration;

use super::BUFFER;
use super::connect::{self, ConnectError};
use super::head_size::Longest;
use super::reach::{Reach, out_of_time};
use super::request::Request;
use super::response::Response;
use super::retry::Failure;
use crate::error::{Class, Error, Loss};
use crate::terminal::{MESSAGE, clean};
use crate::time::span;

/// No answer of the server.
pub(super) struct NoAnswer {
    pub error: Error,
    pub failure: Failure,
}

impl NoAnswer {
    /// The same without a word of the place that was asked.
    pub(super) fn without_place(self, request: &Request) -> NoAnswer {
        let what = match self.error.class {
            Class::Unreachable => "the place that the server redirects to cannot be reached",
            Class::Temporary => "no whole answer of the place that the server redirects to",
            _ => "no usable answer of the place that the server redirects to",
        };
        NoAnswer {
            error: Error {
                lost: self.error.lost,
                ..request.failed(self.error.class, what)
            },
            ..self
        }
    }

    pub(super) fn permanent(error: Error) -> NoAnswer {
        NoAnswer {
            error,
            failure: Failure::Permanent,
        }
    }
}

/// What ureq's failure means. `timeout` is the time the request had, `longest` its longest header.
pub(super) fn from_ureq(
    error: ureq::Error,
    request: &Request,
    reach: &Reach,
    timeout: Duration,
    longest: Longest,
) -> NoAnswer {
    let permanent = |class, what: String| NoAnswer::permanent(request.failed(class, what));
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<ConnectError>() {
            Ok(failed) => NoAnswer {
                error: request.about(failed.error),
                failure: match failed.permanent {
                    true => Failure::Permanent,
                    false => Failure::NotConnected,
                },
            },
            Err(other) => permanent(Class::Unreachable, clean(&other.to_string(), MESSAGE)),
        },
        ureq::Error::Timeout(_) => timed_out(request, reach, timeout),
        ureq::Error::Io(error) => match error.into_inner().map(|inner| inner.downcast::<Error>()) {
            // The picture's own reader.
            Some(Ok(ours)) => NoAnswer::permanent(request.about(*ours)),
            _ => answer_lost(request, longest),
        },
        ureq::Error::LargeResponseHeader(..) => permanent(
            Class::Protocol,
            format!("the answer's headers are longer than {} kB", BUFFER >> 10),
        ),
        // ureq does not hand out the type of this one.
        ureq::Error::Protocol(error) if error.to_string().contains("too many headers") => {
            permanent(
                Class::Protocol,
                "the answer has more than 128 headers".into(),
            )
        }
        ureq::Error::Protocol(_) => {
            let error = request.failed(
                Class::Protocol,
                "the answer is not HTTP as this program understands it",
            );
            let plain = !reach.base.is_https() && reach.proxy.is_none();
            NoAnswer::permanent(match plain {
                true => error.hint("if this port speaks TLS, begin the base URL with https://"),
                false => error,
            })
        }
        other => permanent(Class::Protocol, clean(&other.to_string(), MESSAGE)),
    }
}

/// The time of the request is over, or that of the whole command, which leaves none to try again.
fn timed_out(request: &Request, reach: &Reach, timeout: Duration) -> NoAnswer {
    let (error, failure) = match reach.is_over() {
        true => (out_of_time(request), Failure::Permanent),
        false => {
            let what = format!("no answer within {}", span(timeout));
            let error = request.failed(Class::Temporary, what);
            let error = error.hint("allow more time with --timeout");
            (error, Failure::TimedOut)
        }
    };
    NoAnswer {
        error: Error {
            lost: Some(Loss::Late),
            ..error
        },
        failure,
    }
}

fn answer_lost(request: &Request, longest: Longest) -> NoAnswer {
    let error = request.failed(
        Class::Temporary,
        "the connection was lost before the answer was complete",
    );
    NoAnswer {
        error: Error {
            lost: Some(Loss::Broken),
            hint: longest.suspicion(),
            ..error
        },
        failure: Failure::AnswerLost,
    }
}

/// What an answer means that the proxy gave itself; `None` if the answer is the server's. 407 always comes from a
/// proxy; other answers of theirs are recognised by the names that proxies put into them.
pub(super) fn from_proxy(
    request: &Request,
    reach: &Reach,
    response: &Response,
) -> Option<NoAnswer> {
    let proxy = reach.proxy.as_ref()?;
    let place = proxy.address.place();
    let status = response.status;
    let server = response.header("server").unwrap_or("").to_ascii_lowercase();
    let signed = response.header("x-squid-error").is_some()
        || response.header("proxy-status").is_some()
        || ["squid", "tinyproxy", "privoxy"]
            .iter()
            .any(|name| server.starts_with(name));
    // What comes through a tunnel is the server's.
    let own = signed && !reach.base.is_https();
    // tinyproxy says 401 to a login that is wrong, and 407 to none.
    if status == 407 || own && status == 401 {
        let error = connect::proxy_login(&place).status(status);
        return Some(NoAnswer::permanent(request.about(error)));
    }
    if status < 400 || !own {
        return None;
    }
    // A proxy says 503 (tinyproxy 500) when it did not reach the server. With 502 and 504 it lost the server's
    // answer: the call may have been carried out, as after any other answer that was lost.
    let failure = match status {
        502 | 504 => Failure::AnswerLost,
        503 => Failure::NotConnected,
        500 if server.starts_with("tinyproxy") => Failure::NotConnected,
        _ => Failure::Permanent,
    };
    let what = format!("the proxy {place}, not the server, answered {status}");
    Some(NoAnswer {
        error: request.failed(Class::Unreachable, what).status(status),
        failure,
    })
}
