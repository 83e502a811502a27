//! `whoami` on every system: a caller who is not let in, a page or another system at the address, and foreign names.

use serde_json::{Value, json};

use super::rocketchat::PAIR;
use crate::support::printed::{complaint, summary_line};
use crate::support::rocketchat::chat;
use crate::support::server::unused_address;
use crate::support::{Fault, Jira, Matrix, Model, Navixy, Reply, Run, Running, systems};

// ------------------------------------------------------------------------------------------------------- whoami

pub fn whoami<M: Model>(system: &str, model: &Running<M>) -> Run {
    Run::new([system, "whoami"]).with(model)
}

/// The line of `--json`, with the summary behind it.
pub fn identity(name: Value, version: Value, deployment: Value, may: Value) -> String {
    format!(
        "{{\"v\":1,\"type\":\"identity\",\"name\":{name},\"server_version\":{version},\
         \"deployment\":{deployment},\"may_change_others\":{may}}}\n{}",
        summary_line(0, 0, 0, 0)
    )
}

pub const MAY: &str = "may change others";
pub const MAY_NOT: &str = "may not change others";
pub const UNKNOWN: &str = "whether it may change others is not known";

#[test]
fn a_caller_who_is_not_let_in_is_nobody() {
    let jira = Jira::start();
    whoami("jira", &jira).env("JIRA_PASSWORD", "wrong").gives(
        77,
        "",
        &complaint(
            "jira",
            "ask what server this is: wrong user name or password",
            "check JIRA_USER and JIRA_PASSWORD before the next run, because failed logins lock the account; from Jira 11 on, passwords are off by default: use a token",
        ),
    );
    assert_eq!(jira.requests().len(), 1);
    let chat = chat();
    whoami("rocketchat", &chat)
        .env("ROCKETCHAT_AUTH_TOKEN", "wrong")
        .gives(
            77,
            "",
            &complaint(
                "rocketchat",
                "ask who the caller is: not logged in: You must be logged in to do this.",
                PAIR,
            ),
        );
    assert_eq!(chat.requests().len(), 1);
    let fleet = Navixy::start();
    whoami("navixy", &fleet)
        .env("NAVIXY_HASH", "00000000000000000000000000000000")
        .gives(
            77,
            "",
            &complaint(
                "navixy",
                "ask who the caller is: the hash is unknown or has expired: User or API key not found or session ended (code 4)",
                "make an API key in the web interface, or log in again, and set NAVIXY_HASH; a hash of the admin panel does not work here",
            ),
        );
    assert_eq!(fleet.requests().len(), 1);
    let hs = Matrix::start();
    whoami("matrix", &hs).env("MATRIX_TOKEN", "wrong").gives(
        77,
        "",
        &complaint(
            "matrix",
            "ask who the caller is: the token was refused: Invalid access token passed.",
            "check MATRIX_TOKEN: a token ends with a logout and with a new password",
        ),
    );
    assert_eq!(hs.requests().len(), 1);
}

#[test]
fn a_login_page_tells_nobody() {
    let (jira, chat, fleet, hs) = (Jira::start(), chat(), Navixy::start(), Matrix::start());
    let page = || Fault::any().always().instead(Reply::html(200, "Log in"));
    jira.fault(page());
    chat.fault(page());
    fleet.fault(page());
    hs.fault(page());
    whoami("jira", &jira).gives(
        76,
        "",
        &complaint(
            "jira",
            "ask what server this is: answered 200 with an HTML page",
            "a login page or a proxy answered instead of Jira: exempt this account's calls from single sign-on",
        ),
    );
    whoami("rocketchat", &chat).gives(
        76,
        "",
        &complaint(
            "rocketchat",
            "ask who the caller is: answered 200 with an HTML page",
            "a login page or a proxy answered instead of Rocket.Chat: exempt this account's calls from single sign-on",
        ),
    );
    whoami("navixy", &fleet).gives(
        76,
        "",
        &complaint(
            "navixy",
            "ask who the caller is: answered 200 with an HTML page",
            "check the base URL: https://api.eu.navixy.com/v2, https://host/api-v2 or https://host/api, depending on the installation",
        ),
    );
    whoami("matrix", &hs).gives(
        76,
        "",
        &complaint(
            "matrix",
            "ask who the caller is: answered 200 with an HTML page",
            "check the base URL: https://SERVER/.well-known/matrix/client names it, where SERVER is what stands behind the colon of a user id",
        ),
    );
}

#[test]
fn a_server_that_is_not_there_tells_nobody() {
    let gone = unused_address();
    for system in systems::ALL {
        let (name, first) = (system.name, system.begins[0]);
        Run::new([name, "whoami", "--url", &format!("http://{gone}")])
            .mask(&gone.to_string(), "ADDRESS")
            .login(system.logins[0])
            .once()
            .gives(
                69,
                "",
                &complaint(
                    name,
                    &format!("{first}: cannot connect to ADDRESS: connection refused"),
                    "",
                ),
            );
    }
}

#[test]
fn names_and_versions_are_shown_and_not_obeyed() {
    let hostile = "a\u{1b}[31mb\r\nc\u{202e}d\u{200b}\u{9b}2J";
    let shown = "a\\u{1b}[31mb c\\u{202e}d\\u{200b}\\u{9b}2J";
    let jira = Jira::start();
    let info = json!({"version": hostile, "deploymentType": hostile});
    jira.fault(
        Fault::on("GET /serverInfo")
            .always()
            .instead(Reply::json(200, info)),
    );
    jira.fault(
        Fault::on("GET /myself")
            .always()
            .instead(Reply::json(200, json!({"name": hostile}))),
    );
    whoami("jira", &jira).gives(
        0,
        &format!("jira: {shown}, {MAY}, Jira {shown} ({shown}) at URL\n"),
        "",
    );
    let chat = chat();
    let me = json!({"_id": "u", "username": hostile, "roles": [hostile], "success": true});
    chat.fault(Fault::on("GET /me").always().instead(Reply::json(200, me)));
    let info = json!({"version": hostile, "success": true});
    chat.fault(
        Fault::on("GET /api/info")
            .always()
            .instead(Reply::json(200, info)),
    );
    whoami("rocketchat", &chat).gives(
        0,
        &format!("rocketchat: {shown}, {UNKNOWN}, Rocket.Chat {shown} at URL\n"),
        "",
    );
    let fleet = Navixy::start();
    let info = json!({"user_info": {"login": hostile}, "success": true});
    fleet.fault(
        Fault::on("POST /user/get_info")
            .always()
            .instead(Reply::json(200, info)),
    );
    whoami("navixy", &fleet).gives(0, &format!("navixy: {shown}, {MAY}, Navixy at URL\n"), "");
    let hs = Matrix::start();
    let server = json!({"server": {"name": hostile, "version": hostile}});
    hs.fault(Fault::on("GET /federation/v1/version").instead(Reply::json(200, server)));
    // A version is one word.
    let (version, _) = shown.split_once(' ').expect("two words");
    whoami("matrix", &hs).gives(
        0,
        &format!("matrix: @admin:test.local, {MAY}, Matrix {version} ({shown}) at URL\n"),
        "",
    );
    // Ids are sent back, so that none is taken that could be something else.
    let id = json!({"user_id": format!("@{hostile}:test.local"), "device_id": "D"});
    hs.fault(Fault::on("GET /whoami").instead(Reply::json(200, id)));
    let said = "ask who the caller is: a caller without a usable user id";
    whoami("matrix", &hs).gives(76, "", &complaint("matrix", said, ""));
}

#[test]
fn a_long_name_leaves_room_for_the_rest() {
    let jira = Jira::start();
    let long = "x".repeat(100_000);
    let info = json!({"version": long, "deploymentType": long});
    jira.fault(
        Fault::on("GET /serverInfo")
            .always()
            .instead(Reply::json(200, info)),
    );
    jira.fault(
        Fault::on("GET /myself")
            .always()
            .instead(Reply::json(200, json!({"name": long}))),
    );
    let shown = "x".repeat(80) + "…";
    whoami("jira", &jira).gives(
        0,
        &format!("jira: {shown}, {MAY}, Jira {shown} ({shown}) at URL\n"),
        "",
    );
}

/// A base address that leads to another system is told by how that one answers what it does not know.
#[test]
fn another_system_at_the_address_is_named() {
    let json = |status, body: &str| Reply::json(status, body);
    let page = |status, html: &str| Reply::text(status, "text/html", html);
    let answers = [
        (
            "jira",
            json(404, r#"{"errorMessages":["null for uri"],"errors":{}}"#),
        ),
        (
            "jira",
            page(404, "<html>dead link</html>").header("X-AREQUESTID", "1x1x1"),
        ),
        (
            "navixy",
            json(
                400,
                r#"{"success":false,"status":{"code":111,"description":"Wrong handler"}}"#,
            ),
        ),
        (
            "navixy",
            json(200, r#"{"success":false,"status":{"code":111}}"#),
        ),
        (
            "rocketchat",
            json(404, r#"{"success":false,"error":"Resource not found"}"#),
        ),
        (
            "rocketchat",
            json(
                400,
                r#"{"success":false,"error":"[invalid-params]","errorType":"invalid-params"}"#,
            ),
        ),
        (
            "rocketchat",
            page(
                200,
                "<!DOCTYPE html><html><script src=\"/meteor_runtime_config.js\"></script></html>",
            ),
        ),
        (
            "matrix",
            json(
                404,
                r#"{"errcode":"M_UNRECOGNIZED","error":"Unrecognized request"}"#,
            ),
        ),
    ];
    for (system, answer) in answers {
        let title = systems::find(system).title;
        for asked in systems::ALL {
            let asker = asked.name;
            if asker == system {
                continue;
            }
            let said = format!(
                "avatarctl: {asker}: {}: answered {} as {title} does\n\
                 hint: check the base URL; if it is right, use {system} instead of {asker}\n",
                asked.begins[0], answer.status
            );
            let served = (asked.start)(0);
            served.fault(Fault::any().always().instead(answer.clone()));
            served
                .let_in(Run::new([asker, "whoami"]))
                .gives(76, "", &said);
        }
    }
}
