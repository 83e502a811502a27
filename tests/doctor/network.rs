//! What doctor says where there is no server, or no way to it: which check fails, and which are not made because of it.

use crate::doctor::timeless;
use crate::support::server::unused_address;
use crate::support::{Jira, Navixy, Run, Scratch};

const AFTER_NAME: &str = "warn  way      not made, because name failed\n\
    warn  tls      not made, because name failed\n\
    warn  server   not made, because name failed\n\
    warn  clock    not made, because name failed\n\
    warn  caller   not made, because name failed\n\
    warn  rights   not made, because name failed\n\
    warn  limits   not made, because name failed\n\
    warn  picture  not made, because name failed\n";

fn jira() -> Run {
    Run::new(["jira", "doctor", "--retries", "0"])
        .env("JIRA_USER", "robot")
        .env("JIRA_PASSWORD", "secret")
}

#[test]
fn a_name_that_nobody_has_fails_and_the_rest_is_not_made() {
    let first = "FAIL  name     ask what server this is: cannot find the host jira.invalid\n";
    jira()
        .env("JIRA_URL", "https://jira.invalid")
        .gives(69, &format!("{first}{AFTER_NAME}"), "");
}

#[test]
fn without_an_address_nothing_is_tried() {
    let first = "FAIL  name     no base URL for Jira; hint: give --url or set JIRA_URL\n";
    jira().gives(78, &format!("{first}{AFTER_NAME}"), "");
}

#[test]
fn a_port_where_nobody_listens_is_the_way() {
    let address = unused_address().to_string();
    let output = jira()
        .env("JIRA_URL", format!("http://{address}"))
        .mask(&address, "PLACE")
        .output();
    output.gives(
        69,
        "ok    name     127.0.0.1, an address\n\
         FAIL  way      ask what server this is: cannot connect to PLACE: connection refused\n\
         warn  tls      not made, because way failed\n\
         warn  server   not made, because way failed\n\
         warn  clock    not made, because way failed\n\
         warn  caller   not made, because way failed\n\
         warn  rights   not made, because way failed\n\
         warn  limits   not made, because way failed\n\
         warn  picture  not made, because way failed\n",
        "",
    );
}

#[test]
fn a_proxy_is_named_and_what_it_cannot_reach_is_the_way() {
    let address = unused_address().to_string();
    let output = jira()
        .env("JIRA_URL", "https://jira.example.com")
        .env("https_proxy", format!("http://user:pw-of-proxy@{address}"))
        .mask(&address, "PROXY")
        .output();
    assert_eq!(
        output.stdout.lines().take(2).collect::<Vec<_>>(),
        [
            "ok    name     jira.example.com is looked up by the proxy, 127.0.0.1, an address",
            "FAIL  way      ask what server this is: cannot connect to the proxy PROXY: connection refused",
        ]
    );
    assert_eq!((output.status, output.stderr.as_str()), (69, ""));
}

#[test]
fn what_has_its_settings_wrong_is_told_by_the_check_it_belongs_to() {
    let first = |run: Run| {
        let output = run.env("JIRA_URL", "https://jira.example.com").output();
        let line = output.stdout.lines().find(|line| line.starts_with("FAIL"));
        (output.status, line.unwrap_or_default().to_owned())
    };
    assert_eq!(
        first(jira().arg("--proxy").arg("socks5://proxy")),
        (
            78,
            "FAIL  way      --proxy: the proxy is not an http proxy; hint: write it as http://host:port; https and SOCKS proxies are not supported".to_owned()
        )
    );
    assert_eq!(
        first(jira().arg("--ca-file").arg("missing.pem")),
        (
            78,
            "FAIL  tls      cannot read the CA file \"missing.pem\": no such file or directory"
                .to_owned()
        )
    );
}

/// A server can be looked at before anybody has credentials for it.
#[test]
fn without_credentials_the_server_is_looked_at_all_the_same() {
    let jira = Jira::start();
    let output = Run::new(["jira", "doctor"])
        .env("JIRA_URL", jira.url())
        .output();
    assert_eq!(
        timeless(&output.stdout),
        "ok    name     127.0.0.1, an address\n\
         ok    way      direct, connected in N ms\n\
         ok    tls      none: plain http, and this machine alone\n\
         ok    server   Jira 9.12.4 (Server), within what is known (5 to 11)\n\
         ok    clock    not told by the server\n\
         FAIL  caller   no credentials for Jira; hint: set JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD\n\
         warn  rights   not made, because caller failed\n\
         warn  limits   not made, because caller failed\n\
         warn  picture  not made, because caller failed\n"
    );
    assert_eq!((output.status, output.stderr.as_str()), (78, ""));
}

#[test]
fn checks_are_lines_of_json_and_failures_are_said_to_people_too() {
    let address = unused_address().to_string();
    let output = jira()
        .env("JIRA_URL", format!("http://{address}"))
        .mask(&address, "PLACE")
        .arg("--json")
        .arg("-q")
        .output();
    let lines: Vec<&str> = output.stdout.lines().take(1).collect();
    assert!(lines[0].starts_with(r#"{"v":1,"type":"check","name":"way","result":"fail","detail":"ask what server this is: cannot connect to PLACE: connection refused","hint":null,"ms":"#), "{lines:?}");
    assert!(output.stdout.ends_with("{\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":0,\"failed\":1,\"pending\":0,\"skipped\":7,\"exit\":69}\n"), "{output:?}");
    assert_eq!(
        output.stderr,
        "avatarctl: jira: way: ask what server this is: cannot connect to PLACE: connection refused\n"
    );
}

#[test]
fn an_archive_that_is_there_is_left_alone_unless_it_is_forced() {
    let scratch = Scratch::new();
    let path = scratch.write("fleet.har", "kept");
    let mut fleet = Navixy::start();
    fleet.expect_no_calls();
    let run = || {
        Run::new(["navixy", "doctor", "--har", "fleet.har"])
            .with(&fleet)
            .dir(scratch.path())
    };
    run().gives(
        64,
        "",
        "avatarctl: --har: \"fleet.har\" is there already\nhint: name another file, or give --force to replace it\n",
    );
    assert_eq!(scratch.read("fleet.har"), "kept");
    drop(fleet);
    let fleet = Navixy::start();
    let run = Run::new(["navixy", "doctor", "--force", "--har"]).arg(&path);
    assert_eq!(run.with(&fleet).output().status, 0);
    assert_ne!(scratch.read("fleet.har"), "kept");
}
