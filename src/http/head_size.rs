//! The head of a request that is longer than servers take: refused before it is sent, or recognised in what a server
//! answers. Each server says it in another way, and few name the header that is to blame.

use super::BUFFER;
use super::request::Request;
use super::response::Response;
use crate::error::{Class, Error, Result};

/// Many servers take no longer header, in bytes, and not all of them say so.
const USUAL: usize = 8 << 10;
/// A line of a request's head is written from one buffer, beside the name of the header.
const MOST: usize = BUFFER - 256;

/// What servers that answer 400 or 413 to a header of a request that is too long say about it: Tomcat, nginx,
/// Apache, IIS, Jetty.
const TOO_LONG: [&str; 6] = [
    "header is too large",
    "cookie too large",
    "header field exceeds",
    "headers is too long",
    "header fields too large",
    "header too large",
];

/// What to do if a header of ours is too long for any server, and for this one.
const ALONE: &str = "check that the variable holds the token or the password and nothing else";
const LONGER: &str = "check that the variable holds the token or the password and nothing else; if it does, the server must allow longer headers";

/// The longest header of a request.
#[derive(Default, Clone, Copy)]
pub(super) struct Longest {
    pub name: &'static str,
    /// The length of its value.
    pub bytes: usize,
}

impl Longest {
    /// Errors: configuration or data, when a line of the request's head is longer than any server takes.
    pub(super) fn check(self, request: &Request, url: &str) -> Result<()> {
        let Longest { name, bytes } = self;
        if bytes > MOST {
            let what = format!("the {name} header has {bytes} bytes, more than servers accept");
            return Err(request.failed(Class::Configuration, what).hint(ALONE));
        }
        if url.len() > MOST {
            let length = url.len();
            let what =
                format!("the address of this call has {length} bytes, more than servers accept");
            return Err(request.failed(Class::Data, what));
        }
        Ok(())
    }

    /// What to look at after a connection that was lost: a server may break it off instead of an answer.
    pub(super) fn suspicion(self) -> Option<String> {
        let Longest { name, bytes } = self;
        (bytes > USUAL).then(|| {
            format!(
                "the {name} header has {bytes} bytes, which may be more than the server accepts"
            )
        })
    }

    /// The error that an answer is which says that the head of the request is too long, or means it.
    pub(super) fn refused(self, request: &Request, response: &Response) -> Option<Error> {
        let Longest { name, bytes } = self;
        let status = response.status;
        let too_long = || {
            let what = format!(
                "answered {status}: the request's headers are too long for the server ({name}: {bytes} bytes)"
            );
            request.failed(Class::Configuration, what).hint(LONGER)
        };
        let says_so = || {
            let text = String::from_utf8_lossy(&response.body).to_lowercase();
            TOO_LONG.iter().any(|words| text.contains(words))
        };
        Some(match status {
            414 => request
                .failed(
                    Class::Data,
                    "answered 414: the address of this call is too long for the server",
                )
                .status(status),
            431 => too_long().status(status),
            // Without the status, which the systems take for something about the picture or the avatar.
            400 | 413 if says_so() => too_long(),
            400 if bytes > USUAL && (response.is_html() || response.is_empty()) => request
                .failed(
                    Class::Protocol,
                    format!("answered 400, perhaps because the {name} header has {bytes} bytes"),
                )
                .hint(LONGER),
            _ => return None,
        })
    }
}
