//! Which proxy, if any, stands before a server: what the user said, what the environment says, and whom it
//! leaves out. Pure: it connects to nothing.

use std::net::IpAddr;

use crate::error::{Class, Error, Result};
use crate::number::digits;
use crate::secret::Secret;
use crate::settings::address::{Address, decode, relative};
use crate::settings::environment::Environment;

/// A proxy that takes CONNECT for https and the absolute form for http.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// `http://host:port`; user info is taken out.
    pub address: Address,
    /// `user:password`, decoded.
    pub login: Option<Secret>,
}

/// What the user said of proxies, whatever place is to be reached. What cannot be used is an error where it is needed.
#[derive(Clone)]
pub struct Proxies {
    https: Result<Option<Said>>,
    http: Result<Option<Said>>,
    exceptions: Result<Option<Said>>,
}

/// A text that may hold a login, and the option or variable that it comes from.
type Said = (Secret, String);

impl Proxies {
    /// `--proxy` comes before the variables of a scheme, and those in lower case before upper case as curl has it.
    pub fn new(option: Option<&str>, environment: &Environment) -> Proxies {
        let of_scheme = |variable| match option {
            Some(text) => Ok(Some((Secret::new(text.to_owned()), "--proxy".to_owned()))),
            None => first(environment, &[variable, "all_proxy"]),
        };
        Proxies {
            https: of_scheme("https_proxy"),
            http: of_scheme("http_proxy"),
            exceptions: first(environment, &["no_proxy"]),
        }
    }

    /// The proxy for a base address, unless `NO_PROXY` leaves its host out.
    ///
    /// Errors: configuration, naming the option or variable.
    pub fn find(&self, base: &Address) -> Result<Option<Proxy>> {
        let chosen = match base.is_https() {
            true => &self.https,
            false => &self.http,
        };
        let Some((text, origin)) = chosen.clone()? else {
            return Ok(None);
        };
        if let Some((exceptions, _)) = self.exceptions.clone()?
            && left_out(exceptions.expose(), base.host(), base.port())
        {
            return Ok(None);
        }
        let proxy = Proxy::parse(text.expose()).map_err(|error| error.about(origin))?;
        Ok(Some(proxy))
    }
}

impl Proxy {
    /// Takes `http://[user:password@]host:port`.
    ///
    /// Errors: configuration, when it is none of these.
    pub fn parse(text: &str) -> Result<Proxy> {
        let refuse = |why: &str| Error::new(Class::Configuration, why);
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(refuse("the proxy is not an http proxy")
                .hint("write it as http://host:port; https and SOCKS proxies are not supported"));
        }
        // Before the last @ of the whole text, and not of the authority alone: a password that was not encoded may hold a
        // slash, and must not be taken for a host, which messages repeat.
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (Some(login), rest),
            None => (None, rest),
        };
        let place = rest.split('/').next().unwrap_or_default();
        let login = login
            .map(|login| {
                decode(login)
                    .filter(|login| !login.chars().any(char::is_control))
                    .ok_or_else(|| refuse("the proxy's user info is not percent-encoded"))
            })
            .transpose()?;
        let address = Address::parse(&format!("http://{place}"), "the proxy URL")?;
        Ok(Proxy {
            address,
            login: login.map(|login| match login.contains(':') {
                true => Secret::new(login),
                false => Secret::new(format!("{login}:")),
            }),
        })
    }
}

/// The first of these variables that is set and not empty, in lower case before upper case.
fn first(environment: &Environment, names: &[&str]) -> Result<Option<Said>> {
    for name in names {
        for name in [(*name).to_owned(), name.to_uppercase()] {
            if let Some(value) = environment.plain(&name)?
                && !value.is_empty()
            {
                return Ok(Some((Secret::new(value), name)));
            }
        }
    }
    Ok(None)
}

/// Whether a list leaves this host out: `*`, a name with everything below it, with or without a leading dot,
/// an address, a block of addresses, each with a port where only that port is meant.
fn left_out(list: &str, host: &str, port: u16) -> bool {
    let bare = relative(host.trim_matches(['[', ']']));
    let address: Option<IpAddr> = bare.parse().ok();
    list.split([',', ' ', '\t'])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let (name, wanted) = with_port(entry);
            let name = name.trim_matches(['[', ']']).to_ascii_lowercase();
            let name = name.trim_start_matches("*.").trim_matches('.');
            if wanted.is_some_and(|wanted| wanted != port) {
                return false;
            }
            match address {
                _ if entry == "*" => true,
                Some(address) => match name.split_once('/') {
                    Some((block, bits)) => inside(address, block, bits),
                    None => name.parse() == Ok(address),
                },
                None => {
                    bare == name
                        || bare
                            .strip_suffix(name)
                            .is_some_and(|rest| !name.is_empty() && rest.ends_with('.'))
                }
            }
        })
}

/// `host:port`; a bare IPv6 address has colons of its own.
fn with_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => match digits(port) {
            Some(port) => (name, Some(port)),
            None => (entry, None),
        },
        _ => (entry, None),
    }
}

fn inside(address: IpAddr, block: &str, bits: &str) -> bool {
    match (address, block.parse(), digits::<u32>(bits)) {
        (IpAddr::V4(address), Ok(IpAddr::V4(block)), Some(bits @ 0..=32)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            (address.to_bits() ^ block.to_bits()) & mask == 0
        }
        (IpAddr::V6(address), Ok(IpAddr::V6(block)), Some(bits @ 0..=128)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            (address.to_bits() ^ block.to_bits()) & mask == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(base: &str, option: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        let environment = Environment::new(variables.iter().map(|(k, v)| (k.into(), v.into())));
        let base = Address::parse(base, "the base URL").unwrap();
        let proxy = Proxies::new(option, &environment).find(&base).unwrap()?;
        let login = proxy
            .login
            .map_or(String::new(), |login| format!("{} at ", login.expose()));
        Some(format!("{login}{}", proxy.address.text()))
    }

    #[test]
    fn the_option_comes_first_then_the_scheme_then_all() {
        let variables = [
            ("HTTPS_PROXY", "http://upper:1"),
            ("https_proxy", "http://lower:2"),
            ("ALL_PROXY", "all:3"),
            ("http_proxy", ""),
        ];
        let given = |base, option| found(base, option, &variables);
        assert_eq!(
            given("https://host", None).as_deref(),
            Some("http://lower:2")
        );
        assert_eq!(given("http://host", None).as_deref(), Some("http://all:3"));
        assert_eq!(
            given("https://host", Some("me:4")).as_deref(),
            Some("http://me:4")
        );
        assert_eq!(found("https://host", None, &[("HTTP_PROXY", "x:1")]), None);
    }

    #[test]
    fn user_info_is_decoded() {
        let login = |url| found("http://host", Some(url), &[]);
        assert_eq!(
            login("http://a%40b:p%3Aw%25@proxy:1/").as_deref(),
            Some("a@b:p:w% at http://proxy:1")
        );
        assert_eq!(
            login("http://only@proxy:1").as_deref(),
            Some("only: at http://proxy:1")
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_the_password() {
        for (url, why) in [
            ("socks5://u:pw@proxy:1", "the proxy is not an http proxy"),
            ("https://u:pw@proxy:1", "the proxy is not an http proxy"),
            (
                "http://u:p%zzw@proxy:1",
                "the proxy's user info is not percent-encoded",
            ),
            (
                "http://u:p%0aw@proxy:1",
                "the proxy's user info is not percent-encoded",
            ),
            ("http://u:pw@pro xy:1", "\"pro xy\" is not a host name"),
            ("http://u:pw@proxy:x", "\"x\" is not a port"),
            ("http://u:pw@proxy:+1", "\"+1\" is not a port"),
            (
                "http://u:p%+aw@proxy:1",
                "the proxy's user info is not percent-encoded",
            ),
            ("", "\"\" is not a host name"),
        ] {
            let base = Address::parse("http://host", "the base URL").unwrap();
            let proxies = Proxies::new(Some(url), &Environment::new([]));
            let error = proxies.find(&base).unwrap_err();
            assert_eq!(error.message(), format!("--proxy: {why}"), "{url}");
        }
    }

    #[test]
    fn a_list_leaves_hosts_out() {
        for (list, host, port, out) in [
            ("*", "any.example", 443, true),
            ("example.com", "example.com", 443, true),
            ("example.com", "jira.example.com", 443, true),
            (".example.com", "jira.example.com", 443, true),
            (".example.com", "example.com", 443, true),
            ("*.example.com", "jira.example.com", 443, true),
            ("EXAMPLE.com", "jira.example.com", 443, true),
            ("example.com", "notexample.com", 443, false),
            ("a.example, example.com", "example.com", 80, true),
            ("a.example example.com", "example.com", 80, true),
            ("example.com:8443", "example.com", 8443, true),
            ("example.com:8443", "example.com", 443, false),
            ("10.0.0.5", "10.0.0.5", 80, true),
            ("10.0.0.0/8", "10.1.2.3", 80, true),
            ("10.0.0.0/8", "11.1.2.3", 80, false),
            ("0.0.0.0/0", "11.1.2.3", 80, true),
            ("10.0.0.0/33", "10.0.0.0", 80, false),
            ("10.0.0.0/+8", "10.1.2.3", 80, false),
            ("example.com:+80", "example.com", 80, false),
            ("example.com.", "jira.example.com", 443, true),
            ("jira.example.com.:443", "jira.example.com", 443, true),
            ("example.com", "jira.example.com.", 443, true),
            ("jira.example.com.", "jira.example.com.", 443, true),
            ("10.0.0.0/8", "ten.example", 80, false),
            ("::1", "[::1]", 80, true),
            ("[::1]:81", "[::1]", 80, false),
            ("[::1]:80", "[::1]", 80, true),
            ("fd00::/8", "[fd12::1]", 80, true),
            ("fd00::/8", "[fe80::1]", 80, false),
            ("", "host", 80, false),
            (",,", "host", 80, false),
            (".", "host", 80, false),
        ] {
            let base = Address::parse(&format!("http://{host}:{port}"), "--url").unwrap();
            let found = left_out(list, base.host(), base.port());
            assert_eq!(found, out, "{list} {host}:{port}");
        }
    }
}
