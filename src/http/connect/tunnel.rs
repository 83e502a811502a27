//! What a proxy is asked for: a tunnel to a server that speaks TLS, and its own login.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ureq::unversioned::transport::{ConnectionDetails, Transport};

use super::details::{left, port};
use super::error::{Result, failed, unreachable};
use super::plain::Plain;
use crate::error::{Class, Error};
use crate::http::AGENT;
use crate::number::digits;
use crate::settings::proxy::Proxy;

/// The head of a proxy's answer to CONNECT, in bytes.
const LONGEST_TUNNEL: usize = 16 << 10;

/// The error that a proxy's refusal is: nobody logged in, or somebody whom it does not know.
pub(crate) fn proxy_login(place: &str) -> Error {
    Error::new(
        Class::Credentials,
        format!("the proxy {place} asks for a user and a password, or for other ones"),
    )
    .hint("give them in the proxy's URL: http://user:password@host:port, best in HTTPS_PROXY or HTTP_PROXY")
}

/// Asks a proxy for a tunnel to the server.
///
/// Errors: credentials (the proxy's), unreachable.
pub(super) fn tunnel(plain: &mut Plain, details: &ConnectionDetails, proxy: &Proxy) -> Result<()> {
    let place = proxy.address.place();
    let target = format!(
        "{}:{}",
        details.uri.host().unwrap_or_default(),
        port(details.uri)
    );
    let ask = format!(
        "CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nuser-agent: {AGENT}\r\n{}\r\n",
        login(proxy)
    );
    plain
        .transmit(ask.as_bytes(), left(details))
        .map_err(|error| lost(&place, error))?;
    let head = read_head(plain, details, &place)?;
    let status = head
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5))
        .and_then(digits);
    match status {
        Some(200..300) => Ok(()),
        // tinyproxy says 401 to a login that is wrong, and 407 to none.
        Some(status @ (401 | 407)) => Err(failed(proxy_login(&place).status(status), true)),
        Some(status) => Err(failed(
            Error::new(
                Class::Unreachable,
                format!("the proxy {place} does not connect to {target}: it answered {status}"),
            )
            .status(status),
            // Nothing was sent to the server yet. tinyproxy says 500 for one that it cannot reach.
            !matches!(status, 500 | 502..=504),
        )),
        None => Err(unreachable(format!(
            "{place} does not answer like an http proxy"
        ))),
    }
}

/// The head of the proxy's answer. It is read byte by byte: what follows is the server's own.
fn read_head(plain: &mut Plain, details: &ConnectionDetails, place: &str) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if plain.buffers().input().is_empty() {
            let came = plain.await_input(left(details));
            if !came.map_err(|error| lost(place, error))? {
                return Err(lost(place, ureq::Error::ConnectionFailed));
            }
        }
        let byte = plain.buffers().input()[0];
        plain.buffers().input_consume(1);
        head.push(byte);
        if head.len() > LONGEST_TUNNEL {
            return Err(unreachable(format!(
                "{place} does not answer like an http proxy"
            )));
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn lost(place: &str, error: ureq::Error) -> ureq::Error {
    match error {
        ureq::Error::Timeout(_) => unreachable(format!("the proxy {place} took too long")),
        _ => unreachable(format!("the proxy {place} closed the connection")),
    }
}

/// The header line of a login, or nothing if the proxy needs none. It holds a secret.
pub(super) fn login(proxy: &Proxy) -> String {
    match &proxy.login {
        None => String::new(),
        Some(login) => format!(
            "proxy-authorization: Basic {}\r\n",
            BASE64_STANDARD.encode(login.expose())
        ),
    }
}
