//! Web addresses: the parts of any, and a server's base address, which is taken as given: scheme, host, port and context
//! path. That one is joined, never resolved, so that no part of its path is lost.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Class, Error, Result};
use crate::number::digits;
use crate::terminal::quote;

/// The parts of a web address as they stand in the text. Nothing is decoded, and nothing is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebAddress<'a> {
    /// Without its `://`.
    pub scheme: Option<&'a str>,
    /// Before the last `@` of the authority: a password may hold one that is not encoded.
    pub user_info: Option<&'a str>,
    /// Host and port. A backslash ends them, as it does in browsers.
    pub place: &'a str,
    /// With its slash; empty if there is none.
    pub path: &'a str,
    /// Query and fragment: what follows the first `?` or `#`.
    pub query: Option<&'a str>,
}

impl<'a> WebAddress<'a> {
    pub fn split(text: &'a str) -> WebAddress<'a> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let (rest, query) = match rest.split_once(['?', '#']) {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let user_info = authority.rsplit_once('@').map(|(user_info, _)| user_info);
        let rest = &rest[user_info.map_or(0, |user_info| user_info.len() + 1)..];
        let (place, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
        WebAddress {
            scheme,
            user_info,
            place,
            path,
            query,
        }
    }

    /// The host, an IPv6 address in its brackets, and the port as it is written. None if they cannot be told apart.
    pub fn host_and_port(&self) -> Option<(&'a str, Option<&'a str>)> {
        let end = match self.place.strip_prefix('[') {
            Some(rest) => rest.find(']')? + 2,
            None => self.place.find(':').unwrap_or(self.place.len()),
        };
        let (host, rest) = self.place.split_at(end);
        match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        }
    }

    /// Whether the scheme is https, or http; None for any other.
    fn is_https(&self) -> Option<bool> {
        match self.scheme?.to_ascii_lowercase().as_str() {
            "https" => Some(true),
            "http" => Some(false),
            _ => None,
        }
    }
}

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
        let given = WebAddress::split(text);
        if given.scheme.is_none() {
            return Err(
                refuse(&format!("{what} does not begin with https:// or http://"))
                    .hint("write it as https://host/path"),
            );
        }
        let https = given
            .is_https()
            .ok_or_else(|| refuse(&format!("{what} is neither https nor http")))?;
        // What stands before an @ may be a password, whatever it holds: nothing of it is repeated.
        if text.contains('@') {
            return Err(refuse(&format!("{what} holds user info"))
                .hint("credentials come from variables, never from the URL"));
        }
        if given.query.is_some() {
            return Err(refuse(&format!("{what} holds a query or a fragment")));
        }
        let WebAddress { place, path, .. } = given;
        let legal = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
        if !path.chars().all(legal) || !escaped(path) {
            return Err(refuse(&format!(
                "the path {} needs percent-encoding",
                quote(path)
            )));
        }
        let (host, port) = given
            .host_and_port()
            .ok_or_else(|| refuse(&format!("{} is not a host and port", quote(place))))?;
        let named = relative(host).split('.').all(|label| {
            let letter = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            !label.is_empty() && label.chars().all(letter)
        });
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

/// What stands for itself in a query value: RFC 3986's unreserved characters. `+`, `&` and a blank mean something else
/// there.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` as a query value.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The inverse of `encode`; None if a % is not followed by two digits, or the bytes are not UTF-8.
pub fn decode(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    escaped(text).then(|| decoded.into_owned())
}

/// An address that a server can be told to download: http or https, with a host.
pub fn is_web_address(text: &str) -> bool {
    let address = WebAddress::split(text);
    // A password that was not encoded would stand where the port is.
    let placed = address.host_and_port().is_some_and(|(host, port)| {
        !host.is_empty() && port.is_none_or(|port| digits::<u16>(port).is_some())
    });
    address.is_https().is_some() && placed && !text.chars().any(|c| c.is_control() || c == ' ')
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
            ("https://jira..", "\"jira..\" is not a host name"),
            (
                "https://jira..example.com",
                "\"jira..example.com\" is not a host name",
            ),
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
    fn an_address_has_its_parts() {
        let parts = |text| {
            let WebAddress {
                scheme,
                user_info,
                place,
                path,
                query,
            } = WebAddress::split(text);
            (scheme, user_info, place, path, query)
        };
        for (text, wanted) in [
            ("https://host", (Some("https"), None, "host", "", None)),
            ("host:1/a", (None, None, "host:1", "/a", None)),
            (
                "http://u:p@q@host/a@b",
                (Some("http"), Some("u:p@q"), "host", "/a@b", None),
            ),
            (
                "http://u\\p@host\\a/b",
                (Some("http"), Some("u\\p"), "host", "\\a/b", None),
            ),
            (
                "http://[::1]:80/a?b/@c#d?",
                (Some("http"), None, "[::1]:80", "/a", Some("b/@c#d?")),
            ),
            (
                "http://host#a?b",
                (Some("http"), None, "host", "", Some("a?b")),
            ),
            (
                "mxc://example.org/id?",
                (Some("mxc"), None, "example.org", "/id", Some("")),
            ),
            ("", (None, None, "", "", None)),
        ] {
            assert_eq!(parts(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_address_to_download_has_a_host_and_perhaps_a_port() {
        for (text, taken) in [
            ("http://host/a.png", true),
            ("HTTPS://u:p@host:8443", true),
            ("http://[::1]:80/a?b#c", true),
            ("http://", false),
            ("http://host:/a", false),
            ("http://user:pa/ss@host", false),
            ("http://user:12:34/ss@host", false),
            ("http://[::1", false),
            ("ftp://host/a.png", false),
            ("host/a.png", false),
            ("http://host/a b", false),
        ] {
            assert_eq!(is_web_address(text), taken, "{text}");
        }
    }

    #[test]
    fn what_is_no_encoding_is_not_decoded() {
        for (text, decoded) in [
            ("a%20b%2b+", Some("a b++")),
            ("%C3%A9", Some("\u{e9}")),
            ("%C3", None),
            ("%2", None),
            ("%%41", None),
            ("%+1", None),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text}");
        }
    }

    #[test]
    fn query_values_survive_any_server() {
        assert_eq!(encode("a b+c&d=é~x.y_z-"), "a%20b%2Bc%26d%3D%C3%A9~x.y_z-");
    }
}
