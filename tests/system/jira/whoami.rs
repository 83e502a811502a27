//! `whoami` on Jira: who the caller is, what it may, and what the server is.

use serde_json::{Value, json};

use crate::support::model::captured;
use crate::support::{Fault, Jira, Reply, Run};
use crate::system::whoami::{MAY, MAY_NOT, UNKNOWN, identity, whoami};

#[test]
fn who_the_caller_is_on_jira() {
    let jira = Jira::start();
    whoami("jira", &jira).gives(
        0,
        "jira: robot, may change others, Jira 9.12.4 (Server) at URL\n",
        "",
    );
    captured(&jira, include_str!("../../golden/jira/whoami.txt"));
    whoami("jira", &jira).arg("--json").gives(
        0,
        &identity(
            json!("robot"),
            json!("9.12.4"),
            json!("Server"),
            json!(true),
        ),
        "",
    );
    whoami("jira", &jira).arg("-q").answers();
    let build = |run: Run| {
        run.without("JIRA_USER")
            .without("JIRA_PASSWORD")
            .env("JIRA_TOKEN", "BUILDTOKEN")
    };
    build(whoami("jira", &jira)).gives(
        0,
        "jira: build-bot, may not change others, Jira 9.12.4 (Server) at URL\n",
        "",
    );
    build(whoami("jira", &jira)).arg("--json").gives(
        0,
        &identity(
            json!("build-bot"),
            json!("9.12.4"),
            json!("Server"),
            json!(false),
        ),
        "",
    );
}

#[test]
fn a_right_that_jira_does_not_tell_is_not_known() {
    let have = |have: Value| json!({"permissions": {"ADMINISTER": {"havePermission": have}}});
    for (reply, may) in [
        (Reply::json(200, have(json!(true))), Some(true)),
        (Reply::json(200, have(json!(false))), Some(false)),
        (Reply::json(200, have(json!(null))), None),
        (Reply::json(200, have(json!("true"))), None),
        (
            Reply::json(200, json!({"permissions": {"ADMINISTER": {}}})),
            None,
        ),
        (
            Reply::json(200, json!({"permissions": {"ADMINISTER": null}})),
            None,
        ),
        (
            Reply::json(
                200,
                json!({"permissions": {"BROWSE": {"havePermission": true}}}),
            ),
            None,
        ),
        (Reply::json(200, json!({"permissions": []})), None),
        (Reply::json(200, json!({"permissions": null})), None),
        (Reply::json(200, json!({})), None),
        (Reply::json(200, json!([])), None),
        (Reply::json(403, have(json!(true))), None),
        (
            Reply::json(400, json!({"errorMessages": ["permissions"], "errors": {}})),
            None,
        ),
        (Reply::html(401, "Unauthorized"), None),
        (Reply::html(404, "Not Found"), None),
        (Reply::html(500, "Oops"), None),
        (Reply::html(200, "Log in"), None),
        (Reply::empty(200), None),
        (
            Reply::empty(302).header("Location", "https://sso.example/"),
            None,
        ),
    ] {
        let jira = Jira::start();
        println!("{reply:?}");
        jira.fault(Fault::on("GET /mypermissions").always().instead(reply));
        let said = match may {
            Some(true) => MAY,
            Some(false) => MAY_NOT,
            None => UNKNOWN,
        };
        whoami("jira", &jira).once().gives(
            0,
            &format!("jira: robot, {said}, Jira 9.12.4 (Server) at URL\n"),
            "",
        );
        whoami("jira", &jira).once().arg("--json").gives(
            0,
            &identity(json!("robot"), json!("9.12.4"), json!("Server"), json!(may)),
            "",
        );
    }
}

#[test]
fn a_jira_that_does_not_say_what_it_is() {
    for (info, shown, version, deployment) in [
        (
            json!({"baseUrl": "https://j.example"}),
            "Jira",
            json!(null),
            json!(null),
        ),
        (
            json!({"version": "6.4"}),
            "Jira 6.4",
            json!("6.4"),
            json!(null),
        ),
        (
            json!({"version": "6.4", "deploymentType": null}),
            "Jira 6.4",
            json!("6.4"),
            json!(null),
        ),
        (
            json!({"deploymentType": "Data Center"}),
            "Jira (Data Center)",
            json!(null),
            json!("Data Center"),
        ),
    ] {
        let jira = Jira::start();
        jira.fault(
            Fault::on("GET /serverInfo")
                .always()
                .instead(Reply::json(200, info)),
        );
        whoami("jira", &jira).gives(0, &format!("jira: robot, {MAY}, {shown} at URL\n"), "");
        whoami("jira", &jira).arg("--json").gives(
            0,
            &identity(json!("robot"), version, deployment, json!(true)),
            "",
        );
    }
}
