//! `delete` on Jira: what goes over the wire, what is told, and what the server may answer.

use serde_json::json;

use crate::support::model::{captured, writes};
use crate::support::printed::{account_line, complaint, summary_line};
use crate::support::{Fault, Jira, Model, Reply, Run, Running, pictures};

const DELETE: &str = "DELETE /user/avatar/24901";
const LIST: &str = "avatarctl jira list shows which are custom";
const ANOTHER: &str = "select another one first, or give --force";
const JIRA_PERMISSION: &str = "to change another user's avatar you need the global permission Administer Jira; nobody can change one while users are managed in an external directory";

/// `robot` has the custom avatar 24901, `build-bot` 24902; both wear a system avatar.
fn jira() -> Running<Jira> {
    let mut model = Jira::default();
    model.system.truncate(2);
    model.give("robot", pictures::png(64, 64, 1));
    model.give("build-bot", pictures::png(64, 64, 2));
    model.start()
}

fn delete<M: Model>(jira: &Running<M>, words: &[&str]) -> Run {
    Run::new(["jira", "delete"].iter().chain(words).copied()).with(jira)
}

/// The ids of the custom avatars that are left.
fn left(jira: &Running<Jira>) -> Vec<u64> {
    let model = jira.model();
    model.custom.iter().map(|custom| custom.id).collect()
}

#[test]
fn a_custom_avatar_of_oneself_is_deleted() {
    let jira = jira();
    delete(&jira, &["--avatar-id", "24901"]).gives(0, "jira robot: avatar 24901 deleted\n", "");
    captured(&jira, include_str!("../../golden/jira/delete-oneself.txt"));
    assert_eq!(left(&jira), [24902]);
}

#[test]
fn a_custom_avatar_of_somebody_else_is_deleted_from_that_account() {
    let jira = jira();
    delete(&jira, &["--user", "build-bot", "--avatar-id", "24902"]).gives(
        0,
        "jira build-bot: avatar 24902 deleted\n",
        "",
    );
    assert_eq!(
        jira.calls(),
        [
            "GET /jira/rest/api/2/serverInfo",
            "GET /jira/rest/api/2/user/avatars?username=build-bot",
            "DELETE /jira/rest/api/2/user/avatar/24902?username=build-bot",
            "GET /jira/rest/api/2/user/avatars?username=build-bot",
        ]
    );
    assert_eq!(left(&jira), [24901]);
}

#[test]
fn a_deletion_in_json() {
    let jira = jira();
    delete(&jira, &["--avatar-id=24901", "--json"]).gives(
        0,
        &(account_line(
            "jira",
            "robot",
            "delete",
            "\"outcome\":\"changed\",\"before\":\"24901\",\"after\":null,\"verified\":true",
        ) + &summary_line(1, 0, 0, 0)),
        "",
    );
    delete(
        &jira,
        &[
            "--user=build-bot",
            "--avatar-id=24902",
            "--json",
            "--no-verify",
        ],
    )
    .gives(
        0,
        &(account_line(
            "jira",
            "build-bot",
            "delete",
            "\"outcome\":\"changed\",\"before\":\"24902\",\"after\":null,\"verified\":false",
        ) + &summary_line(1, 0, 0, 0)),
        "",
    );
    delete(&jira, &["--avatar-id=24901", "--json"]).gives(
        65,
        &(account_line(
            "jira",
            "robot",
            "delete",
            &format!(
                "\"outcome\":\"failed\",\"error\":{{\"class\":\"data\",\"exit\":65,\"status\":null,\
                 \"message\":\"delete avatar 24901: the list of \\\"robot\\\" does not have it\",\"hint\":\"{LIST}\"}}"
            ),
        ) + &summary_line(0, 0, 1, 65)),
        &complaint(
            "jira robot",
            "delete avatar 24901: the list of \"robot\" does not have it",
            LIST,
        ),
    );
}

#[test]
fn only_a_custom_avatar_of_the_account_is_deleted() {
    const SYSTEM: &str = "has it as a system avatar, which cannot be deleted";
    let jira = jira();
    for (user, id, why) in [
        ("robot", "10122", SYSTEM),
        ("robot", "10123", SYSTEM),
        ("build-bot", "10123", SYSTEM),
        // Somebody else's, and nobody's.
        ("robot", "24902", "does not have it"),
        ("build-bot", "24901", "does not have it"),
        ("robot", "99999", "does not have it"),
    ] {
        // Nor by force.
        for force in [&[][..], &["--force"], &["--no-verify"]] {
            let words = [&["--user", user, "--avatar-id", id], force].concat();
            delete(&jira, &words).gives(
                65,
                "",
                &complaint(
                    &format!("jira {user}"),
                    &format!("delete avatar {id}: the list of \"{user}\" {why}"),
                    LIST,
                ),
            );
        }
    }
    assert_eq!(writes(&jira), [""; 0]);
    assert_eq!(left(&jira), [24901, 24902]);
}

#[test]
fn an_avatar_that_is_worn_is_deleted_by_force_alone() {
    let jira = jira();
    jira.model().user_mut("robot").selected = 24901;
    delete(&jira, &["--avatar-id", "24901"]).gives(
        65,
        "",
        &complaint(
            "jira robot",
            "delete avatar 24901: \"robot\" wears it",
            ANOTHER,
        ),
    );
    assert_eq!(writes(&jira), [""; 0]);
    delete(&jira, &["--avatar-id", "24901", "--force"]).gives(
        0,
        "jira robot: avatar 24901 deleted\n",
        "",
    );
    assert_eq!(left(&jira), [24902]);
}

#[test]
fn a_server_that_does_not_permit_a_deletion() {
    let empty = json!({"errorMessages": [], "errors": {}});
    let wordless = json!({"errorMessages": [null], "errors": {}});
    let login = "check JIRA_USER and JIRA_PASSWORD before the next run, because failed logins lock the account; from Jira 11 on, passwords are off by default: use a token";
    for (reply, said, hint) in [
        (
            Reply::json(401, &empty).header("X-Seraph-LoginReason", "OK"),
            "not permitted",
            JIRA_PERMISSION,
        ),
        (
            Reply::json(401, &wordless).header("X-AUSERNAME", "robot"),
            "not permitted",
            JIRA_PERMISSION,
        ),
        (
            Reply::json(403, &wordless),
            "not permitted",
            JIRA_PERMISSION,
        ),
        (
            Reply::json(403, json!({"errorMessages": ["no"], "errors": {}})),
            "not permitted: no",
            JIRA_PERMISSION,
        ),
        (Reply::json(401, &empty), "not logged in", login),
    ] {
        let jira = jira();
        jira.fault(Fault::on(DELETE).always().instead(reply));
        delete(&jira, &["--avatar-id", "24901"]).gives(
            77,
            "",
            &complaint("jira robot", &format!("delete avatar 24901: {said}"), hint),
        );
        assert_eq!(writes(&jira).len(), 1);
    }
    // As the model does it, both ways.
    for status in [401, 403] {
        let jira = jira();
        (
            jira.model().not_permitted,
            jira.model().external_user_management,
        ) = (status, true);
        delete(&jira, &["--avatar-id", "24901"]).gives(
            77,
            "",
            &complaint(
                "jira robot",
                "delete avatar 24901: not permitted",
                JIRA_PERMISSION,
            ),
        );
    }
}

#[test]
fn an_avatar_that_is_gone_already_is_deleted() {
    let missing = json!({"errorMessages": ["No avatar with id 24901."], "errors": {}});
    let jira = jira();
    jira.fault(Fault::on(DELETE).afterwards(Reply::json(404, &missing)));
    delete(&jira, &["--avatar-id", "24901"]).gives(0, "jira robot: avatar 24901 deleted\n", "");
    assert_eq!(left(&jira), [24902]);
    // It says so, and lists it all the same.
    let jira = self::jira();
    jira.fault(Fault::on(DELETE).instead(Reply::json(404, &missing)));
    delete(&jira, &["--avatar-id", "24901"]).gives(76, "", &still_there());
}

fn still_there() -> String {
    complaint(
        "jira robot",
        "delete avatar 24901: the server answered success, but \"robot\" still has it",
        "",
    )
}

#[test]
fn a_deletion_whose_answer_was_lost_is_made_again() {
    for fault in [
        Fault::on(DELETE).lost(),
        Fault::on(DELETE).silent(),
        Fault::on(DELETE).afterwards(Reply::html(502, "Bad Gateway")),
        Fault::on(DELETE).instead(Reply::html(429, "Slow down").header("Retry-After", 0)),
    ] {
        let jira = jira();
        jira.fault(fault);
        let output = delete(&jira, &["--avatar-id", "24901"]).output();
        assert_eq!(
            (output.status, output.stdout.as_str()),
            (0, "jira robot: avatar 24901 deleted\n"),
            "{output:?}"
        );
        assert_eq!(writes(&jira).len(), 2);
        assert_eq!(left(&jira), [24902]);
    }
}

#[test]
fn a_deletion_that_does_not_show_is_a_failure() {
    let jira = jira();
    jira.fault(Fault::on(DELETE).always().instead(Reply::empty(204)));
    delete(&jira, &["--avatar-id", "24901"]).gives(76, "", &still_there());
    // Unless nobody looks.
    delete(&jira, &["--avatar-id", "24901", "--no-verify"]).gives(
        0,
        "jira robot: avatar 24901 deleted (not verified)\n",
        "",
    );
}

#[test]
fn a_success_that_says_something_else_is_no_deletion() {
    let sso = "a login page or a proxy answered instead of Jira: exempt this account's calls from single sign-on";
    for (reply, said, hint) in [
        (
            Reply::html(200, "Log in"),
            "answered 200 with an HTML page",
            sso,
        ),
        (
            Reply::json(200, json!({"errorMessages": ["not now"], "errors": {}})),
            "answered 200: not now",
            "",
        ),
    ] {
        let jira = jira();
        jira.fault(Fault::on(DELETE).always().instead(reply));
        for words in [
            &["--avatar-id=24901"][..],
            &["--avatar-id=24901", "--no-verify"],
        ] {
            delete(&jira, words).gives(
                76,
                "",
                &complaint("jira robot", &format!("delete avatar 24901: {said}"), hint),
            );
        }
    }
}

#[test]
fn a_read_back_that_fails_says_that_the_avatar_was_deleted() {
    let jira = jira();
    let proof = Fault::on("GET /user/avatars").from(2).always();
    jira.fault(proof.instead(Reply::html(500, "Oops")));
    delete(&jira, &["--avatar-id", "24901"]).once().gives(
        75,
        "",
        &complaint(
            "jira robot",
            "the server took the change, but the read-back failed: look up the avatars of \"robot\": the server failed with 500",
            "",
        ),
    );
    assert_eq!(left(&jira), [24902]);
}

#[test]
fn a_deletion_is_told_quietly() {
    delete(&jira(), &["-q", "--avatar-id", "24901"]).gives(
        0,
        "jira robot: avatar 24901 deleted\n",
        "",
    );
}
