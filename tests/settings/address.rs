//! Base addresses: the option and the variables, what is taken of them, and which of them are refused.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::UNCHANGED;
use crate::support::model::uncalled;
use crate::support::systems::{self, System};
use crate::support::{Jira, Model, Run};

#[test]
fn the_option_beats_the_variable() {
    let (jira, other) = (Jira::start(), uncalled(Jira::default()));
    Run::new(["jira", "show", "--url", &jira.url()])
        .with(&jira)
        .env("JIRA_URL", other.url())
        .gives(0, UNCHANGED, "");
    // A variable that could not be used is not looked at either.
    Run::new(["jira", "show", "--url", &jira.url()])
        .with(&jira)
        .env("JIRA_URL", "ftp://nowhere")
        .gives(0, UNCHANGED, "");
}

#[test]
fn each_system_has_a_variable_of_its_own() {
    let variable = |system: &System| system.name.to_uppercase() + "_URL";
    for system in systems::ALL {
        let (name, title, own) = (system.name, system.title, variable(system));
        let others = systems::ALL.into_iter().map(variable);
        let others = others.chain(["URL", "AVATARCTL_URL"].map(str::to_owned));
        others
            .filter(|other| *other != own)
            .fold(Run::new([name, "list"]), |run, other| {
                run.env(&other, "http://127.0.0.1:1")
            })
            .gives(
                78,
                "",
                &format!(
                    "avatarctl: {name}: no base URL for {title}\nhint: give --url or set {own}\n"
                ),
            );
    }
}

#[test]
fn a_context_path_is_kept_and_a_slash_behind_it_is_not() {
    for context in ["/jira", "", "/a/b", "/tools/jira%20old"] {
        for slashes in ["", "/", "//"] {
            let mut jira = Jira::default();
            jira.context = context.into();
            let jira = jira.start();
            Run::new(["jira", "show", "--json"])
                .with(&jira)
                .env("JIRA_URL", jira.url() + slashes)
                .gives(
                    0,
                    "{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"server\":\"URL\",\"account\":\"robot\",\"action\":\"show\",\
                     \"outcome\":\"shown\",\"current\":\"10122\",\"kind\":\"system\",\
                     \"url\":\"https://jira.example.com/jira/secure/useravatar?avatarId=10122\"}\n\
                     {\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":1,\"failed\":0,\"pending\":0,\"skipped\":0,\"exit\":0}\n",
                    "",
                );
            assert_eq!(
                jira.calls(),
                [
                    format!("GET {context}/rest/api/2/serverInfo"),
                    format!("GET {context}/rest/api/2/myself"),
                    format!("GET {context}/rest/api/2/user/avatars?username=robot"),
                ]
            );
        }
    }
}

#[test]
fn the_scheme_and_the_host_may_be_in_capitals() {
    let jira = Jira::start();
    let url = jira.url().replacen("http", "HTTP", 1);
    Run::new(["jira", "show", "--url", &url])
        .with(&jira)
        .gives(0, UNCHANGED, "");
}

#[test]
fn an_address_that_cannot_be_used_is_refused() {
    let https = "hint: write it as https://host/path\n";
    let secret = "hint: credentials come from variables, never from the URL\n";
    for (url, why, hint) in [
        ("", "the base URL is empty", ""),
        (
            "jira.example.com",
            "the base URL does not begin with https:// or http://",
            https,
        ),
        (
            "localhost:8080",
            "the base URL does not begin with https:// or http://",
            https,
        ),
        (
            "//jira.example.com",
            "the base URL does not begin with https:// or http://",
            https,
        ),
        (
            "https:/jira.example.com",
            "the base URL does not begin with https:// or http://",
            https,
        ),
        ("ftp://host", "the base URL is neither https nor http", ""),
        (
            "file:///etc/passwd",
            "the base URL is neither https nor http",
            "",
        ),
        (
            "httpss://host",
            "the base URL is neither https nor http",
            "",
        ),
        (
            " https://host",
            "the base URL is neither https nor http",
            "",
        ),
        ("https://robot@host", "the base URL holds user info", secret),
        (
            "https://robot:hunter2@host",
            "the base URL holds user info",
            secret,
        ),
        (
            "https://:hunter2@host/jira",
            "the base URL holds user info",
            secret,
        ),
        (
            "https://robot:hun:ter2@host",
            "the base URL holds user info",
            secret,
        ),
        (
            "https://robot:h@nter2@host",
            "the base URL holds user info",
            secret,
        ),
        (
            "https://robot:hunter 2@host",
            "the base URL holds user info",
            secret,
        ),
        ("https://@host", "the base URL holds user info", secret),
        (
            "https://host?os_password=hunter2",
            "the base URL holds a query or a fragment",
            "",
        ),
        (
            "https://host/jira?",
            "the base URL holds a query or a fragment",
            "",
        ),
        (
            "https://host/jira#hunter2",
            "the base URL holds a query or a fragment",
            "",
        ),
        ("https://", "\"\" is not a host name", ""),
        ("https:///jira", "\"\" is not a host name", ""),
        ("https://:8080", "\"\" is not a host name", ""),
        ("https://host name", "\"host name\" is not a host name", ""),
        (
            "https://*.example.com",
            "\"*.example.com\" is not a host name",
            "",
        ),
        ("https://[::g]", "\"[::g]\" is not a host name", ""),
        ("https://[::1", "\"[::1\" is not a host and port", ""),
        ("https://[::1]x", "\"[::1]x\" is not a host and port", ""),
        (
            "https://b\u{fc}cher.example",
            "\"b\u{fc}cher.example\" is not a host name",
            "hint: write an international name in its xn-- form\n",
        ),
        ("https://host:", "\"\" is not a port", ""),
        ("https://host:0", "\"0\" is not a port", ""),
        ("https://host:65536", "\"65536\" is not a port", ""),
        ("https://host:http", "\"http\" is not a port", ""),
        ("https://host:-1", "\"-1\" is not a port", ""),
        (
            "https://host/a b",
            "the path \"/a b\" needs percent-encoding",
            "",
        ),
        (
            "https://host/b\u{fc}cher",
            "the path \"/b\u{fc}cher\" needs percent-encoding",
            "",
        ),
        (
            "https://host/\u{1b}[31m",
            "the path \"/\\u{1b}[31m\" needs percent-encoding",
            "",
        ),
        (
            "https://host/<jira>",
            "the path \"/<jira>\" needs percent-encoding",
            "",
        ),
    ] {
        let url_option = format!("--url={url}");
        println!("{url_option}");
        Run::new(["jira", "set", "--avatar-id=5", &url_option])
            .env("JIRA_TOKEN", "ROBOTTOKEN")
            .gives(78, "", &format!("avatarctl: jira: --url: {why}\n{hint}"));
        Run::new(["jira", "show", "--user=robot"])
            .env("JIRA_TOKEN", "ROBOTTOKEN")
            .env("JIRA_URL", url)
            .gives(
                78,
                "",
                &format!("avatarctl: jira robot: JIRA_URL: {why}\n{hint}"),
            );
    }
    Run::new(["navixy", "list"])
        .env("NAVIXY_URL", OsString::from_vec(b"http://h/\xff".to_vec()))
        .gives(78, "", "avatarctl: navixy: NAVIXY_URL is not valid UTF-8\n");
}

/// A `/` in a password ends the host for every parser of addresses; what stands before it is still a secret.
#[test]
fn a_password_in_an_address_is_not_repeated_whatever_it_holds() {
    for url in [
        "https://robot:hunter2/x@host",
        "https://robot:hunter2/@host/jira",
        "https://robot:hunter2?x@host",
        "https://robot:hunter2#x@host",
        "https://robot:hunter2\\x@host",
        "https://robot:x\\hunter2@host",
        "https://robot:x/hunter2 @host",
    ] {
        for json in ["--quiet", "--json"] {
            let output = Run::new(["jira", "show", json, "--url", url])
                .env("JIRA_TOKEN", "ROBOTTOKEN")
                .output();
            assert_eq!(output.status, 78, "{url}: {output:?}");
            assert!(
                !format!("{output:?}").contains("hunter2"),
                "{url}: {output:?}"
            );
            assert!(
                output.stderr.starts_with("avatarctl: jira: --url: "),
                "{url}: {output:?}"
            );
        }
    }
}

/// What is wrong about the address is the line end, so the line end must be seen.
#[test]
fn an_address_with_a_line_end_is_shown_with_its_line_end() {
    Run::new(["jira", "show"])
        .env("JIRA_URL", "https://host\n")
        .gives(
            78,
            "",
            "avatarctl: jira: JIRA_URL: \"host\\u{a}\" is not a host name\n",
        );
}

#[test]
fn a_broken_escape_in_a_path_is_refused() {
    let jira = uncalled(Jira::default());
    for path in ["/%", "/%zz", "/a%2"] {
        Run::new(["jira", "show", "--url", &(jira.url() + path)])
            .env("JIRA_TOKEN", "ROBOTTOKEN")
            .gives(
                78,
                "",
                &format!(
                    "avatarctl: jira: --url: the path \"/jira{path}\" needs percent-encoding\n"
                ),
            );
    }
}
