//! The archive of what was sent: it is one by its own schema, says what happened, and holds no secret.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::systems;
use crate::support::{Fault, Jira, Reply, RocketChat, Run, Scratch};

/// What HAR 1.2 demands of every object in it: these keys, of this kind.
fn is_valid(archive: &Value) {
    let log = &archive["log"];
    assert_eq!(log["version"], "1.2");
    assert_eq!(log["creator"]["name"], "avatarctl");
    assert!(log["creator"]["version"].is_string());
    let pages: BTreeSet<&str> = list(&log["pages"])
        .iter()
        .map(|page| {
            is_moment(&page["startedDateTime"]);
            assert!(page["title"].is_string() && page["pageTimings"].is_object());
            page["id"].as_str().expect("a text")
        })
        .collect();
    for entry in list(&log["entries"]) {
        is_moment(&entry["startedDateTime"]);
        assert!(pages.contains(entry["pageref"].as_str().expect("a text")));
        assert!(entry["cache"].is_object());
        let request = &entry["request"];
        for key in ["method", "url", "httpVersion"] {
            assert!(request[key].is_string(), "{key}: {request}");
        }
        for key in ["cookies", "headers", "queryString"] {
            are_pairs(&request[key]);
        }
        let response = &entry["response"];
        for key in ["statusText", "httpVersion", "redirectURL"] {
            assert!(response[key].is_string(), "{key}: {response}");
        }
        for key in ["cookies", "headers"] {
            are_pairs(&response[key]);
        }
        for part in [request, response] {
            assert!(part["headersSize"].is_i64() && part["bodySize"].is_i64());
        }
        assert!(response["status"].is_u64());
        assert!(
            response["content"]["size"].is_u64() && response["content"]["mimeType"].is_string()
        );
        if let Some(body) = request.get("postData") {
            assert!(body["mimeType"].is_string());
            assert!(
                body["text"].is_string() != body["params"].is_array(),
                "{body}"
            );
        }
        is_timed(entry);
    }
}

/// The times that are known make the whole; a handshake is a part of its connection.
fn is_timed(entry: &Value) {
    let time = |key: &str| entry["timings"][key].as_f64().expect("a number");
    for key in ["send", "wait", "receive"] {
        assert!(time(key) >= 0.0, "{entry}");
    }
    let parts = ["blocked", "dns", "connect", "send", "wait", "receive"].map(time);
    let sum: f64 = parts.into_iter().filter(|time| *time >= 0.0).sum();
    assert!(
        (sum - entry["time"].as_f64().expect("a number")).abs() < 0.01,
        "{entry}"
    );
    assert!(time("ssl") <= time("connect"));
}

fn list(value: &Value) -> &Vec<Value> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"))
}

fn are_pairs(value: &Value) {
    for pair in list(value) {
        assert!(
            pair["name"].is_string() && pair["value"].is_string(),
            "{pair}"
        );
    }
}

/// `2026-11-21T01:20:59.007Z`
fn is_moment(value: &Value) {
    let text = value.as_str().expect("a text");
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z");
}

/// Runs it with an archive, and reads that.
fn archived(run: Run) -> (i32, Value) {
    let scratch = Scratch::new();
    let status = run.arg("--har").arg(scratch.join("a.har")).output().status;
    let archive: Value = serde_json::from_str(&scratch.read("a.har")).expect("JSON");
    is_valid(&archive);
    (status, archive)
}

/// `GET /path 200` of each exchange.
fn told(archive: &Value, base: &str) -> Vec<String> {
    let entries = list(&archive["log"]["entries"]).iter();
    entries
        .map(|entry| {
            let (request, response) = (&entry["request"], &entry["response"]);
            let url = request["url"].as_str().expect("a text").replace(base, "");
            format!(
                "{} {url} {}",
                request["method"].as_str().expect("a text"),
                response["status"]
            )
        })
        .collect()
}

#[test]
fn every_system_writes_what_was_sent() {
    for system in systems::ALL {
        let mut served = (system.start)(0);
        served.server_mut().expect_anything();
        let (status, archive) = archived(served.let_in(Run::new([system.name, "doctor"])));
        assert_eq!(status, 0, "{}", system.name);
        let entries = list(&archive["log"]["entries"]).len();
        assert_eq!(entries, served.server().requests().len(), "{}", system.name);
    }
}

#[test]
fn an_exchange_is_told_with_what_may_be_shown_of_it() {
    let jira = Jira::start();
    let (_, archive) = archived(Run::new(["jira", "doctor"]).with(&jira));
    let url = jira.url();
    assert_eq!(
        told(&archive, &url),
        [
            "GET /rest/api/2/serverInfo 200",
            "GET /rest/api/2/serverInfo 200",
            "GET /rest/api/2/myself 200",
            "GET /rest/api/2/mypermissions 200",
            "GET /rest/api/2/user/avatars?username=robot 200",
            "GET /rest/api/2/user?username=robot 200",
            "GET /secure/useravatar?size=xxxlarge%402x&avatarId=10122 200",
        ]
    );
    let entries = list(&archive["log"]["entries"]);
    let avatars = &entries[4];
    assert_eq!(
        avatars["request"]["queryString"],
        json!([{"name": "username", "value": "robot"}])
    );
    let header = |entry: &Value, part: &str, name: &str| {
        let headers = list(&entry[part]["headers"]).clone();
        let found = headers.into_iter().find(|header| header["name"] == name);
        found.map(|header| header["value"].clone())
    };
    assert_eq!(
        header(avatars, "request", "authorization"),
        Some(json!("(redacted)"))
    );
    assert_eq!(
        header(avatars, "response", "x-ausername"),
        Some(json!("(not shown)"))
    );
    let cookies = list(&avatars["response"]["cookies"]);
    assert_eq!(
        cookies[0],
        json!({"name": "JSESSIONID", "value": "(redacted)"})
    );
    let picture = &entries[6]["response"]["content"];
    let comment = picture["comment"].as_str().expect("a text");
    let size = picture["size"].as_u64().expect("a number");
    assert!(
        comment.starts_with(&format!("{size} bytes, SHA-256 ")),
        "{comment}"
    );
    assert_eq!(comment.len(), format!("{size} bytes, SHA-256 ").len() + 64);
    assert_eq!(picture["text"], picture["comment"]);
}

#[test]
fn a_lost_answer_has_no_status_and_each_attempt_is_told() {
    let jira = Jira::start();
    jira.fault(Fault::on("GET /myself").times(2).lost());
    let (status, archive) = archived(Run::new(["jira", "doctor"]).with(&jira));
    assert_eq!(status, 0);
    let told = told(&archive, &jira.url());
    let attempts: Vec<&String> = told.iter().filter(|line| line.contains("myself")).collect();
    assert_eq!(
        attempts,
        [
            "GET /rest/api/2/myself 0",
            "GET /rest/api/2/myself 0",
            "GET /rest/api/2/myself 200"
        ]
    );
    let lost = &list(&archive["log"]["entries"])[2];
    assert_eq!(
        lost["comment"],
        "no answer: ask who the caller is: the connection was lost before the answer was complete"
    );
}

/// A login is the one exchange whose answer brings a secret that nobody knew before.
#[test]
fn of_a_login_words_are_kept_and_no_secret() {
    let chat = RocketChat::start();
    let (status, archive) = archived(Run::new(["rocketchat", "doctor"]).with_login(&chat));
    assert_eq!(status, 0);
    let text = archive.to_string();
    for token in &chat.model().tokens {
        assert!(!text.contains(&token.token), "{text}");
    }
    let login = list(&archive["log"]["entries"])
        .iter()
        .find(|entry| {
            entry["request"]["url"]
                .as_str()
                .is_some_and(|url| url.ends_with("/login"))
        })
        .expect("a login");
    let content = &login["response"]["content"]["text"];
    let said: Value = serde_json::from_str(content.as_str().expect("a text")).expect("JSON");
    assert_eq!(said["data"]["authToken"], "(redacted)");
    assert_eq!(said["status"], "success");
}

#[test]
fn a_run_that_fails_or_is_interrupted_writes_it_too() {
    let jira = Jira::start();
    jira.fault(Fault::on("GET /myself").always().instead(Reply::empty(401)));
    let (status, archive) = archived(Run::new(["jira", "doctor"]).with(&jira));
    assert_eq!(status, 77);
    assert_eq!(
        told(&archive, &jira.url()).last().expect("one"),
        "GET /rest/api/2/myself 401"
    );

    let jira = Jira::start();
    jira.fault(Fault::on("GET /myself").always().hang());
    let scratch = Scratch::new();
    let run = Run::new(["jira", "doctor", "--har"]).arg(scratch.join("a.har"));
    let process = run.with(&jira).start();
    jira.wait_for(3);
    process.signal("TERM");
    assert_eq!(process.wait().status, 143);
    let archive: Value = serde_json::from_str(&scratch.read("a.har")).expect("JSON");
    is_valid(&archive);
    assert_eq!(
        told(&archive, &jira.url()).last().expect("one"),
        "GET /rest/api/2/myself 0"
    );
}
