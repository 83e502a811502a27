//! A server's base address, taken as given: scheme, host, port and context path. It is joined, never
//! resolved, so that no path of it is lost.

use crate::error::{Class, Error, Result};
use crate::number::digits;
use crate::terminal::quote;

/// A checked base address without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    https: bool,
    host: String,
    port: u16,
}

impl Address {
    /// Takes `http(s)://host[:port][/path]`; `what` is how an error names it, as in `the base URL`.
    ///
    /// Errors: configuration: another scheme, user info, a
    /// query, a fragment, a host or port that cannot be.
    pub fn parse(text: &str, what: &str) -> Result<Address> {
        let refuse = |why: &str| Error::new(Class::Configuration, why);
        if text.is_empty() {
            return Err(refuse(&format!("{what} is empty")));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(
                refuse(&format!("{what} does not begin with https:// or http://"))
                    .hint("write it as https://host/path"),
            );
        };
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(refuse(&format!("{what} is neither https nor http"))),
        };
        let (authority, path) = match rest.find(['/', '?', '#', '\\']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        // What stands before an @ may be a password, whatever it holds: nothing of it is repeated.
        if rest.contains('@') {
            return Err(refuse(&format!("{what} holds user info"))
                .hint("credentials come from variables, never from the URL"));
        }
        if rest.contains(['?', '#']) {
            return Err(refuse(&format!("{what} holds a query or a fragment")));
        }
        let legal = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
        if !path.chars().all(legal) || !escaped(path) {
            return Err(refuse(&format!(
                "the path {} needs percent-encoding",
                quote(path)
            )));
        }
        let (host, port) = split_port(authority)
            .ok_or_else(|| refuse(&format!("{} is not a host and port", quote(authority))))?;
        let named = !relative(host).is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        let literal = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
        if !named && !literal {
            let error = refuse(&format!("{} is not a host name", quote(host)));
            return Err(match host.is_ascii() {
                true => error,
                false => error.hint("write an international name in its xn-- form"),
            });
        }
        let usual = if https { 443 } else { 80 };
        let number = match port {
            None => usual,
            Some(port) => match digits(port) {
                Some(number) if number > 0 => number,
                _ => return Err(refuse(&format!("{} is not a port", quote(port)))),
            },
        };
        Ok(Address {
            text: text.trim_end_matches('/').to_owned(),
            https,
            host: host.to_ascii_lowercase(),
            port: number,
        })
    }

    /// As given, without a trailing slash.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_https(&self) -> bool {
        self.https
    }

    /// In lower case; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// As given, or the scheme's own.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether what is sent there stays on this machine.
    pub fn is_loopback(&self) -> bool {
        let bare = relative(self.host.trim_matches(['[', ']']));
        match bare.parse::<std::net::IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => bare == "localhost" || bare.ends_with(".localhost"),
        }
    }
}

/// A host without the dot at the end that makes it a full name: only who looks it up makes a difference between
/// `jira.example.com.` and `jira.example.com`.
pub fn relative(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Whether every % is followed by two digits.
fn escaped(path: &str) -> bool {
    let mut parts = path.split('%').skip(1);
    parts.all(|part| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let end = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    match rest.strip_prefix(':') {
        Some(port) => Some((host, Some(port))),
        None if rest.is_empty() => Some((host, None)),
        None => None,
    }
}

/// `text` for a query value: everything but RFC 3986's unreserved characters is escaped, because `+`, `&`
/// and a blank mean something else there.
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The inverse of `encode`; None where a % stands alone or the bytes are no text.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (&[high, low], after) = rest.split_first_chunk()?;
        let digit = |byte| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// An address that a server can be told to download: http or https, with a host.
pub fn is_web_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    // A password that was not encoded would stand where the port is.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, "0"),
    };
    let named = !name.is_empty() && digits::<u16>(port).is_some();
    web && named && !text.chars().any(|c| c.is_control() || c == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_taken_as_given() {
        for (given, kept) in [
            ("https://jira.example.com", "https://jira.example.com"),
            ("https://host/jira/", "https://host/jira"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("HTTP://Host:80/a%20b//", "HTTP://Host:80/a%20b"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ] {
            assert_eq!(Address::parse(given, "the base URL").unwrap().text(), kept);
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for (given, why) in [
            ("", "the base URL is empty"),
            (
                "jira.example.com",
                "the base URL does not begin with https:// or http://",
            ),
            ("ftp://host", "the base URL is neither https nor http"),
            ("https://", "\"\" is not a host name"),
            ("https:///jira", "\"\" is not a host name"),
            ("https://a:b@host", "the base URL holds user info"),
            (
                "https://host?x=1",
                "the base URL holds a query or a fragment",
            ),
            (
                "https://host/#top",
                "the base URL holds a query or a fragment",
            ),
            (
                "https://host/a b",
                "the path \"/a b\" needs percent-encoding",
            ),
            ("https://host name", "\"host name\" is not a host name"),
            ("https://host:http", "\"http\" is not a port"),
            ("https://host:0", "\"0\" is not a port"),
            ("https://host:65536", "\"65536\" is not a port"),
            ("https://host:", "\"\" is not a port"),
            ("https://host:+80", "\"+80\" is not a port"),
            ("https://.", "\".\" is not a host name"),
            ("https://[::g]", "\"[::g]\" is not a host name"),
            ("https://[::1", "\"[::1\" is not a host and port"),
            (
                "https://bücher.example",
                "\"bücher.example\" is not a host name",
            ),
            ("https://host\\@evil", "the base URL holds user info"),
            ("https://u:p/w@host", "the base URL holds user info"),
            (
                "https://host/%zz",
                "the path \"/%zz\" needs percent-encoding",
            ),
            ("https://host/%2", "the path \"/%2\" needs percent-encoding"),
        ] {
            let error = Address::parse(given, "the base URL").unwrap_err();
            assert_eq!(error.message(), why, "{given}");
            assert_eq!(error.class, Class::Configuration);
        }
    }

    #[test]
    fn what_stays_on_this_machine_is_known() {
        for (host, here) in [
            ("localhost", true),
            ("LOCALHOST.", true),
            ("jira.localhost", true),
            ("jira.localhost.", true),
            ("127.0.0.2", true),
            ("[::1]", true),
            ("10.0.0.1", false),
            ("localhost.example.com", false),
        ] {
            let base = Address::parse(&format!("http://{host}"), "--url").unwrap();
            assert_eq!(base.is_loopback(), here, "{host}");
        }
    }

    #[test]
    fn query_values_survive_any_server() {
        assert_eq!(encode("a b+c&d=é~x.y_z-"), "a%20b%2Bc%26d%3D%C3%A9~x.y_z-");
    }
}
