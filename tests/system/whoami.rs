//! The verbs that put nothing on: `reset` on Rocket.Chat, `delete` on Jira, `whoami` everywhere. What goes over the
//! wire, what is told, and what is refused before anything is sent.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::model::captured;
use crate::support::printed::{account_line, complaint, summary_line};
use crate::support::server::unused_address;
use crate::support::{Fault, Jira, Model, Navixy, Reply, RocketChat, Run, Running, pictures};

/// The requests that are not there to look.
fn writes<M: Model>(model: &Running<M>) -> Vec<String> {
    let mut calls = model.calls();
    calls.retain(|call| !call.starts_with("GET ") && !call.starts_with("HEAD "));
    calls
}

// -------------------------------------------------------------------------------------------------------- reset

const RESET: &str = "POST /users.resetAvatar";
const RESETS: [&str; 1] = ["POST /chat/api/v1/users.resetAvatar"];
const PAIR: &str = "check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN belong together";
const PERMISSION: &str = "another's avatar takes the permission edit-other-user-avatar; one's own takes the setting Accounts_AllowUserAvatarChange";
const LOOK: &str = "look at the account with show, and at the server's log";

/// Settled at once; `robot-admin` and `build-bot` wear pictures, `retired-bot` none.
fn chat() -> Running<RocketChat> {
    let mut model = RocketChat::default();
    model.settle = Duration::ZERO;
    model.give("robot-admin", pictures::png(8, 8, 1));
    model.give("build-bot", pictures::png(8, 8, 2));
    model.start()
}

fn reset<M: Model>(chat: &Running<M>, words: &[&str]) -> Run {
    Run::new(["rocketchat", "reset"].iter().chain(words).copied()).with(chat)
}

/// The beginning of what an account wears.
fn begin(chat: &Running<RocketChat>, user: &str) -> String {
    let etag = chat.model().user(user).etag.clone().expect("an etag");
    etag[..3].to_owned()
}

#[test]
fn a_reset_of_oneself_names_the_caller_by_id() {
    let chat = chat();
    let was = begin(&chat, "robot-admin");
    reset(&chat, &[]).gives(
        0,
        &format!("rocketchat robot-admin: generated letter (was etag {was}…)\n"),
        "",
    );
    captured(
        &chat,
        include_str!("../golden/rocketchat/reset-oneself.txt"),
    );
    assert!(chat.model().user("robot-admin").picture.is_none());
    assert!(chat.model().user("build-bot").picture.is_some());
}

#[test]
fn a_reset_of_a_user_names_the_id_that_was_looked_up() {
    let chat = chat();
    let was = begin(&chat, "build-bot");
    reset(&chat, &["--user", "build-bot"]).gives(
        0,
        &format!("rocketchat build-bot: generated letter (was etag {was}…)\n"),
        "",
    );
    captured(&chat, include_str!("../golden/rocketchat/reset-user.txt"));
    assert!(chat.model().user("build-bot").picture.is_none());
    assert!(chat.model().user("robot-admin").picture.is_some());
}

#[test]
fn a_reset_of_a_user_id_names_that_id() {
    let chat = chat();
    let was = begin(&chat, "build-bot");
    reset(&chat, &["--user-id", "BsNr28znDkG8aeo7W"]).gives(
        0,
        &format!("rocketchat BsNr28znDkG8aeo7W: generated letter (was etag {was}…)\n"),
        "",
    );
    captured(
        &chat,
        include_str!("../golden/rocketchat/reset-user-id.txt"),
    );
    assert!(chat.model().user("build-bot").picture.is_none());
}

#[test]
fn a_plain_user_resets_itself_and_nobody_else() {
    let chat = chat();
    let was = begin(&chat, "build-bot");
    let by_build = |words: &[&str]| {
        reset(&chat, words)
            .env("ROCKETCHAT_USER_ID", "BsNr28znDkG8aeo7W")
            .env(
                "ROCKETCHAT_AUTH_TOKEN",
                "RScctEHSmLGZGywfIhWyRpyofhKOiMoUIpimhvheU3f",
            )
    };
    by_build(&["--user", "robot-admin"]).gives(
        77,
        "",
        &complaint(
            "rocketchat robot-admin",
            "reset the avatar: not permitted: Not allowed",
            PERMISSION,
        ),
    );
    assert!(chat.model().user("robot-admin").picture.is_some());
    by_build(&[]).gives(
        0,
        &format!("rocketchat build-bot: generated letter (was etag {was}…)\n"),
        "",
    );
}

#[test]
fn a_reset_in_json() {
    let chat = chat();
    let etag = chat
        .model()
        .user("build-bot")
        .etag
        .clone()
        .expect("an etag");
    reset(&chat, &["--user", "build-bot", "--json"]).gives(
        0,
        &(account_line(
            "rocketchat",
            "build-bot",
            "reset",
            &format!(
                "\"outcome\":\"changed\",\"before\":\"{etag}\",\"after\":null,\"verified\":true"
            ),
        ) + &summary_line(1, 0, 0, 0)),
        "",
    );
    // And once more: nothing is left to be taken off.
    reset(&chat, &["--user", "build-bot", "--json"]).gives(
        0,
        &(account_line(
            "rocketchat",
            "build-bot",
            "reset",
            "\"outcome\":\"unchanged\",\"before\":null,\"after\":null,\"verified\":true",
        ) + &summary_line(0, 1, 0, 0)),
        "",
    );
    reset(&chat, &["--user", "nobody", "--json"]).gives(
        67,
        &(account_line(
            "rocketchat",
            "nobody",
            "reset",
            "\"outcome\":\"failed\",\"error\":{\"class\":\"target\",\"exit\":67,\"status\":400,\
             \"message\":\"look up \\\"nobody\\\": no such user: User not found.\",\"hint\":null}",
        ) + &summary_line(0, 0, 1, 67)),
        "avatarctl: rocketchat nobody: look up \"nobody\": no such user: User not found.\n",
    );
    assert_eq!(writes(&chat), RESETS);
}

#[test]
fn who_wears_nothing_is_not_reset() {
    let chat = chat();
    reset(&chat, &["--user", "retired-bot"]).gives(
        0,
        "rocketchat retired-bot: generated letter, unchanged\n",
        "",
    );
    assert_eq!(writes(&chat), [""; 0]);
    reset(&chat, &["--user", "retired-bot", "--force"]).gives(
        0,
        "rocketchat retired-bot: generated letter, set again\n",
        "",
    );
    assert_eq!(writes(&chat), RESETS);
    chat.forget();
    reset(&chat, &["--user", "retired-bot", "--force", "--json"]).gives(
        0,
        &(account_line(
            "rocketchat",
            "retired-bot",
            "reset",
            "\"outcome\":\"changed\",\"before\":null,\"after\":null,\"verified\":true",
        ) + &summary_line(1, 0, 0, 0)),
        "",
    );
    assert_eq!(writes(&chat), RESETS);
}

#[test]
fn an_etag_that_is_empty_or_null_is_nothing_to_reset() {
    for etag in [json!(""), json!(null)] {
        let chat = chat();
        let user = json!({"_id": "BsNr28znDkG8aeo7W", "username": "build-bot", "avatarETag": etag});
        let seen = Reply::json(200, json!({"user": user, "success": true}));
        chat.fault(Fault::on("GET /users.info").always().instead(seen));
        reset(&chat, &["--user", "build-bot"]).gives(
            0,
            "rocketchat build-bot: generated letter, unchanged\n",
            "",
        );
        assert_eq!(writes(&chat), [""; 0]);
    }
    // After the write an empty text is as good as none.
    let chat = chat();
    let user = json!({"_id": "BsNr28znDkG8aeo7W", "username": "build-bot", "avatarETag": ""});
    let seen = Reply::json(200, json!({"user": user, "success": true}));
    let proof = Fault::on("GET /users.info").from(2).always();
    chat.fault(proof.instead(seen));
    let was = begin(&chat, "build-bot");
    reset(&chat, &["--user", "build-bot"]).gives(
        0,
        &format!("rocketchat build-bot: generated letter (was etag {was}…)\n"),
        "",
    );
}

#[test]
fn a_reset_without_a_read_back_is_not_called_proven() {
    let chat = chat();
    let was = begin(&chat, "build-bot");
    reset(&chat, &["--user", "build-bot", "--no-verify"]).gives(
        0,
        &format!("rocketchat build-bot: generated letter (was etag {was}…, not verified)\n"),
        "",
    );
    let calls = chat.calls();
    assert_eq!(
        calls,
        [
            "GET /chat/api/v1/users.info?username=build-bot",
            "HEAD /chat/avatar/build-bot",
            RESETS[0]
        ]
    );
    let etag = chat
        .model()
        .user("robot-admin")
        .etag
        .clone()
        .expect("an etag");
    reset(&chat, &["--no-verify", "--json"]).gives(
        0,
        &(account_line(
            "rocketchat",
            "robot-admin",
            "reset",
            &format!(
                "\"outcome\":\"changed\",\"before\":\"{etag}\",\"after\":null,\"verified\":false"
            ),
        ) + &summary_line(1, 0, 0, 0)),
        "",
    );
}

#[test]
fn a_reset_that_does_not_show_is_a_failure() {
    let chat = chat();
    let was = begin(&chat, "build-bot");
    chat.fault(
        Fault::on(RESET)
            .always()
            .instead(Reply::json(200, json!({"success": true}))),
    );
    reset(&chat, &["--user", "build-bot"]).gives(
        76,
        "",
        &complaint(
            "rocketchat build-bot",
            &format!("the server answered success, but the account still shows etag {was}…"),
            LOOK,
        ),
    );
    // One look before, and three for the proof, each at the account and at its picture.
    assert_eq!(chat.requests().len(), 9);
}

#[test]
fn a_reset_is_told_quietly() {
    let chat = chat();
    let was = begin(&chat, "build-bot");
    reset(&chat, &["-q", "--user", "retired-bot"]).gives(0, "", "");
    reset(&chat, &["-q", "--json", "--user", "retired-bot"]).gives(0, "", "");
    reset(&chat, &["-q", "--user", "build-bot"]).gives(
        0,
        &format!("rocketchat build-bot: generated letter (was etag {was}…)\n"),
        "",
    );
}

#[test]
fn every_refusal_of_a_reset() {
    let refusal = |status: u16, text: &str, code: &str| {
        let body =
            json!({"success": false, "error": format!("{text} [{code}]"), "errorType": code});
        Reply::json(status, body)
    };
    let bare =
        |status: u16, text: &str| Reply::json(status, json!({"success": false, "error": text}));
    let base = "the base URL may lack its path, as in https://host/chat";
    let page = "a login page or a proxy answered instead of Rocket.Chat: exempt this account's calls from single sign-on";
    let redirect = "if it leads to the same server, give that address as the base URL; if it leads to a login page, exempt this account's calls from single sign-on";
    for (reply, exit, said, hint) in [
        (
            refusal(400, "Not allowed", "error-not-allowed"),
            77,
            "not permitted: Not allowed",
            PERMISSION,
        ),
        (
            bare(403, "unauthorized"),
            77,
            "not permitted: unauthorized",
            PERMISSION,
        ),
        (
            refusal(400, "User not found.", "error-invalid-user"),
            67,
            "no such user: User not found.",
            "",
        ),
        (
            refusal(400, "Which one", "error-user-param-not-provided"),
            76,
            "answered 400: Which one",
            "",
        ),
        (
            refusal(400, "must be string", "invalid-params"),
            76,
            "answered 400: must be string",
            "",
        ),
        (
            Reply::json(
                401,
                json!({"status": "error", "message": "You must be logged in to do this."}),
            ),
            77,
            "not logged in: You must be logged in to do this.",
            PAIR,
        ),
        (Reply::html(401, "Unauthorized"), 77, "not logged in", PAIR),
        (
            refusal(400, "TOTP Required", "totp-required"),
            77,
            "a second factor is asked for: TOTP Required",
            "use a personal access token",
        ),
        (
            bare(
                429,
                "Error, too many requests. You must wait 9 seconds [error-too-many-requests]",
            ),
            75,
            "too many requests: Error, too many requests. You must wait 9 seconds",
            "",
        ),
        (
            bare(
                400,
                "Error, too many requests. You must wait 9 seconds [error-too-many-requests]",
            ),
            75,
            "too many requests: Error, too many requests. You must wait 9 seconds",
            "",
        ),
        (
            bare(500, "Internal server error"),
            75,
            "the server failed with 500: Internal server error",
            "",
        ),
        (
            Reply::html(502, "Bad Gateway"),
            75,
            "the server failed with 502",
            "",
        ),
        (
            Reply::html(503, "Restarting"),
            75,
            "the server failed with 503",
            "",
        ),
        (
            Reply::html(200, "Log in"),
            76,
            "answered 200 with an HTML page",
            page,
        ),
        (Reply::empty(200), 76, "answered 200 with an empty body", ""),
        (
            Reply::json(200, json!({"success": "true"})),
            76,
            "answered 200 with no \"success\": true",
            "",
        ),
        (
            Reply::json(
                200,
                json!({"success": false, "error": "[error-not-allowed]"}),
            ),
            77,
            "not permitted: error-not-allowed",
            PERMISSION,
        ),
        (
            Reply::empty(302).header("Location", "https://sso.example/login?t=ONETIME"),
            76,
            "answered 302, a redirect to https://sso.example/login, which is not followed",
            redirect,
        ),
        (
            bare(404, "Resource not found"),
            76,
            "there is no Rocket.Chat at this address",
            base,
        ),
        (
            Reply::html(405, "Method Not Allowed"),
            76,
            "there is no Rocket.Chat at this address",
            base,
        ),
    ] {
        let chat = chat();
        let status = reply.status;
        println!("{status}: {said}");
        chat.fault(Fault::on(RESET).always().instead(reply));
        reset(&chat, &["--user", "build-bot"]).once().gives(
            exit,
            "",
            &complaint(
                "rocketchat build-bot",
                &format!("reset the avatar: {said}"),
                hint,
            ),
        );
        assert_eq!(writes(&chat), RESETS);
        assert!(chat.model().user("build-bot").picture.is_some());
    }
}

#[test]
fn a_reset_whose_answer_was_lost_is_made_again() {
    let chat = chat();
    let was = begin(&chat, "build-bot");
    chat.fault(Fault::on(RESET).lost());
    reset(&chat, &["--user", "build-bot"]).gives(
        0,
        &format!("rocketchat build-bot: generated letter (was etag {was}…)\n"),
        "",
    );
    assert_eq!(writes(&chat), [RESETS[0], RESETS[0]]);
}

// ------------------------------------------------------------------------------------------------------- delete

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
    captured(&jira, include_str!("../golden/jira/delete-oneself.txt"));
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
    delete(&jira, &["--avatar-id", "24901"]).gives(
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

// -------------------------------------------------------------------------------------------- never sent at all

#[test]
fn what_is_no_reset_and_no_deletion_is_never_sent() {
    let number =
        |text: &str| format!("avatarctl: --avatar-id takes a number from 1 up, not \"{text}\"");
    let (mut jira, mut chat, mut fleet) = (jira(), chat(), Navixy::start());
    jira.expect_no_calls();
    chat.expect_no_calls();
    fleet.expect_no_calls();
    for (line, said) in [
        (
            "jira delete",
            "avatarctl: jira delete needs --avatar-id".to_owned(),
        ),
        ("jira delete --avatar-id null", number("null")),
        ("jira delete --avatar-id=24901x", number("24901x")),
        ("jira delete --avatar-id=-1", number("-1")),
        (
            "jira delete --avatar-id 24901 --avatar-id 24901",
            "avatarctl: --avatar-id is given twice".to_owned(),
        ),
        (
            "jira delete 24901",
            "avatarctl: jira delete needs --avatar-id".to_owned(),
        ),
        (
            "jira delete --avatar-id= --user robot",
            "avatarctl: --avatar-id is empty\nhint: is the variable that it comes from set?".to_owned(),
        ),
        (
            "jira delete --avatar-id 24901 --user=",
            "avatarctl: --user is empty\nhint: is the variable that it comes from set?".to_owned(),
        ),
        (
            "jira delete --avatar-id 24901 --image a.png",
            "avatarctl: --image is not an option of jira delete\nhint: the nearest one is --avatar-id".to_owned(),
        ),
        (
            "rocketchat delete",
            "avatarctl: Rocket.Chat has no delete\nhint: an account has one avatar; set replaces it".to_owned(),
        ),
        (
            "navixy delete --employee-id 2132",
            "avatarctl: Navixy has no delete\nhint: an uploaded picture cannot be deleted; set --image replaces it, set --icon-id hides it".to_owned(),
        ),
        (
            "jira reset --user robot",
            "avatarctl: Jira has no reset\nhint: select a system avatar with set --avatar-id; jira list shows their ids".to_owned(),
        ),
        (
            "navixy reset --employee-id 2132",
            "avatarctl: Navixy has no reset\nhint: set --icon-id null shows the uploaded picture instead of an icon".to_owned(),
        ),
        (
            "rocketchat reset --user= ",
            "avatarctl: --user is empty\nhint: is the variable that it comes from set?".to_owned(),
        ),
        (
            "rocketchat reset --user-id=",
            "avatarctl: --user-id is empty\nhint: is the variable that it comes from set?".to_owned(),
        ),
        (
            "rocketchat reset --user a --user-id b",
            "avatarctl: --user and --user-id both name the target".to_owned(),
        ),
        (
            "rocketchat reset --image a.png",
            "avatarctl: --image is not an option of rocketchat reset".to_owned(),
        ),
        (
            "jira whoami --user robot",
            "avatarctl: --user is not an option of jira whoami".to_owned(),
        ),
        (
            "rocketchat whoami --user-id x",
            "avatarctl: --user-id is not an option of rocketchat whoami".to_owned(),
        ),
        (
            "navixy whoami --employee-id 2132",
            "avatarctl: --employee-id is not an option of navixy whoami".to_owned(),
        ),
    ] {
        println!("{line}");
        Run::new(line.split_whitespace())
            .with(&jira)
            .with(&chat)
            .with(&fleet)
            .gives(64, "", &format!("{said}\n"));
    }
}

// ------------------------------------------------------------------------------------------------------- whoami

fn whoami<M: Model>(system: &str, model: &Running<M>) -> Run {
    Run::new([system, "whoami"]).with(model)
}

/// The line of `--json`, with the summary behind it.
fn identity(name: Value, version: Value, deployment: Value, may: Value) -> String {
    format!(
        "{{\"v\":1,\"type\":\"identity\",\"name\":{name},\"server_version\":{version},\
         \"deployment\":{deployment},\"may_change_others\":{may}}}\n{}",
        summary_line(0, 0, 0, 0)
    )
}

const MAY: &str = "may change others";
const MAY_NOT: &str = "may not change others";
const UNKNOWN: &str = "whether it may change others is not known";

#[test]
fn who_the_caller_is_on_jira() {
    let jira = Jira::start();
    whoami("jira", &jira).gives(
        0,
        "jira: robot, may change others, Jira 9.12.4 (Server) at URL\n",
        "",
    );
    captured(&jira, include_str!("../golden/jira/whoami.txt"));
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
        whoami("jira", &jira).gives(
            0,
            &format!("jira: robot, {said}, Jira 9.12.4 (Server) at URL\n"),
            "",
        );
        whoami("jira", &jira).arg("--json").gives(
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

#[test]
fn who_the_caller_is_on_rocketchat() {
    let chat = chat();
    whoami("rocketchat", &chat).gives(
        0,
        "rocketchat: robot-admin, may change others, Rocket.Chat 7.5.1 at URL\n",
        "",
    );
    captured(&chat, include_str!("../golden/rocketchat/whoami.txt"));
    whoami("rocketchat", &chat).arg("--json").gives(
        0,
        &identity(
            json!("robot-admin"),
            json!("7.5.1"),
            json!(null),
            json!(true),
        ),
        "",
    );
    whoami("rocketchat", &chat).arg("-q").answers();
    // Whoever may not see statistics is told less of the version, and nobody of a permission.
    let build = |run: Run| {
        run.env("ROCKETCHAT_USER_ID", "BsNr28znDkG8aeo7W").env(
            "ROCKETCHAT_AUTH_TOKEN",
            "RScctEHSmLGZGywfIhWyRpyofhKOiMoUIpimhvheU3f",
        )
    };
    build(whoami("rocketchat", &chat)).gives(
        0,
        &format!("rocketchat: build-bot, {UNKNOWN}, Rocket.Chat 7.5 at URL\n"),
        "",
    );
    build(whoami("rocketchat", &chat)).arg("--json").gives(
        0,
        &identity(json!("build-bot"), json!("7.5"), json!(null), json!(null)),
        "",
    );
}

#[test]
fn a_rocketchat_that_does_not_say_what_it_is() {
    for reply in [
        Reply::json(403, json!({"success": false})),
        Reply::json(401, json!({"version": "7.5", "success": false})),
        Reply::html(404, "Not Found"),
        Reply::html(500, "Oops"),
        Reply::html(200, "Log in"),
        Reply::json(200, json!({"success": true})),
        Reply::json(200, json!({"version": null, "success": true})),
        Reply::json(200, json!({"version": 7, "success": true})),
        Reply::json(200, json!({"info": {"version": "0.60"}, "success": true})),
        Reply::empty(200),
        Reply::empty(302).header("Location", "https://sso.example/"),
    ] {
        let chat = chat();
        println!("{reply:?}");
        chat.fault(Fault::on("GET /api/info").always().instead(reply));
        whoami("rocketchat", &chat).gives(
            0,
            "rocketchat: robot-admin, may change others, Rocket.Chat at URL\n",
            "",
        );
        whoami("rocketchat", &chat).arg("--json").gives(
            0,
            &identity(json!("robot-admin"), json!(null), json!(null), json!(true)),
            "",
        );
    }
}

#[test]
fn rocketchat_tells_administrators_by_their_roles() {
    for (roles, name, shown, said, may) in [
        (
            json!(["user", "admin"]),
            json!("bot"),
            "bot",
            MAY,
            json!(true),
        ),
        (json!(["user"]), json!("bot"), "bot", UNKNOWN, json!(null)),
        (json!([]), json!("bot"), "bot", UNKNOWN, json!(null)),
        (json!(null), json!("bot"), "bot", UNKNOWN, json!(null)),
        (json!("admin"), json!("bot"), "bot", UNKNOWN, json!(null)),
        (
            json!([{"_id": "admin"}]),
            json!("bot"),
            "bot",
            UNKNOWN,
            json!(null),
        ),
        (
            json!(["administrator", "Admin"]),
            json!("bot"),
            "bot",
            UNKNOWN,
            json!(null),
        ),
        // Somebody without a name has an id.
        (json!(["admin"]), json!(null), "u1", MAY, json!(true)),
    ] {
        let chat = chat();
        let me = json!({"_id": "u1", "username": name, "roles": roles, "success": true});
        chat.fault(Fault::on("GET /me").always().instead(Reply::json(200, me)));
        whoami("rocketchat", &chat).gives(
            0,
            &format!("rocketchat: {shown}, {said}, Rocket.Chat 7.5.1 at URL\n"),
            "",
        );
        whoami("rocketchat", &chat).arg("--json").gives(
            0,
            &identity(json!(shown), json!("7.5.1"), json!(null), may),
            "",
        );
    }
}

#[test]
fn who_the_caller_is_on_navixy() {
    let fleet = Navixy::start();
    whoami("navixy", &fleet).gives(
        0,
        "navixy: bot@example.com, may change others, Navixy at URL\n",
        "",
    );
    captured(&fleet, include_str!("../golden/navixy/whoami.txt"));
    whoami("navixy", &fleet).arg("--json").gives(
        0,
        &identity(
            json!("bot@example.com"),
            json!(null),
            json!(null),
            json!(true),
        ),
        "",
    );
    whoami("navixy", &fleet).arg("-q").answers();
    for (rights, said, may) in [
        (&["tag_update", "employee_update"][..], MAY, json!(true)),
        (&["tag_update"], MAY_NOT, json!(false)),
        (&[], MAY_NOT, json!(false)),
    ] {
        let hash = fleet.model().admit("sub@example.com", rights);
        whoami("navixy", &fleet).env("NAVIXY_HASH", &hash).gives(
            0,
            &format!("navixy: sub@example.com, {said}, Navixy at URL\n"),
            "",
        );
        whoami("navixy", &fleet)
            .env("NAVIXY_HASH", &hash)
            .arg("--json")
            .gives(
                0,
                &identity(json!("sub@example.com"), json!(null), json!(null), may),
                "",
            );
    }
}

#[test]
fn a_right_that_navixy_does_not_tell_is_not_known() {
    let nobody = "somebody the server does not name";
    for (told, name, shown, said, may) in [
        (json!({}), json!(null), nobody, UNKNOWN, json!(null)),
        (
            json!({"user_info": null, "privileges": null, "master": null}),
            json!(null),
            nobody,
            UNKNOWN,
            json!(null),
        ),
        (
            json!({"user_info": {}}),
            json!(null),
            nobody,
            MAY,
            json!(true),
        ),
        (
            json!({"user_info": {"login": "bot"}, "master": {"id": 1}}),
            json!("bot"),
            "bot",
            UNKNOWN,
            json!(null),
        ),
        (
            json!({"user_info": {"login": "bot"}, "master": {"id": 1}, "privileges": {}}),
            json!("bot"),
            "bot",
            UNKNOWN,
            json!(null),
        ),
        (
            json!({"user_info": {"login": "bot"}, "privileges": {"rights": null}}),
            json!("bot"),
            "bot",
            UNKNOWN,
            json!(null),
        ),
        (
            json!({"privileges": {"rights": ["employee_update"]}}),
            json!(null),
            nobody,
            MAY,
            json!(true),
        ),
        (
            json!({"user_info": {"login": "bot"}, "privileges": {"rights": ["employee_update_all"]}}),
            json!("bot"),
            "bot",
            MAY_NOT,
            json!(false),
        ),
    ] {
        let fleet = Navixy::start();
        println!("{told}");
        let mut told = told;
        told["success"] = json!(true);
        let reply = Reply::json(200, told);
        fleet.fault(Fault::on("POST /user/get_info").always().instead(reply));
        whoami("navixy", &fleet).gives(0, &format!("navixy: {shown}, {said}, Navixy at URL\n"), "");
        whoami("navixy", &fleet).arg("--json").gives(
            0,
            &identity(name, json!(null), json!(null), may),
            "",
        );
    }
}

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
}

#[test]
fn a_login_page_tells_nobody() {
    let (jira, chat, fleet) = (Jira::start(), chat(), Navixy::start());
    let page = || Fault::any().always().instead(Reply::html(200, "Log in"));
    jira.fault(page());
    chat.fault(page());
    fleet.fault(page());
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
}

#[test]
fn a_server_that_is_not_there_tells_nobody() {
    let gone = unused_address();
    for (system, operation, variables) in [
        (
            "jira",
            "ask what server this is",
            &[("JIRA_TOKEN", "t")][..],
        ),
        (
            "rocketchat",
            "ask who the caller is",
            &[("ROCKETCHAT_USER_ID", "u"), ("ROCKETCHAT_AUTH_TOKEN", "t")],
        ),
        ("navixy", "ask who the caller is", &[("NAVIXY_HASH", "h")]),
    ] {
        let run = Run::new([system, "whoami", "--url", &format!("http://{gone}")])
            .mask(&gone.to_string(), "ADDRESS")
            .once();
        variables
            .iter()
            .fold(run, |run, (name, value)| run.env(name, *value))
            .gives(
                69,
                "",
                &complaint(
                    system,
                    &format!("{operation}: cannot connect to ADDRESS: connection refused"),
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
    ];
    for (system, answer) in answers {
        let title = match system {
            "jira" => "Jira",
            "rocketchat" => "Rocket.Chat",
            _ => "Navixy",
        };
        for (asker, question) in [
            ("jira", "ask what server this is"),
            ("rocketchat", "ask who the caller is"),
            ("navixy", "ask who the caller is"),
        ] {
            let said = format!(
                "avatarctl: {asker}: {question}: answered {} in the way of {title}\n\
                 hint: check the base URL; if it is right, say {system} where {asker} stands\n",
                answer.status
            );
            let fault = Fault::any().always().instead(answer.clone());
            match asker {
                _ if asker == system => {}
                "jira" => told_by(Jira::start(), fault, asker, &said),
                "rocketchat" => told_by(RocketChat::start(), fault, asker, &said),
                _ => told_by(Navixy::start(), fault, asker, &said),
            }
        }
    }
}

fn told_by<M: Model>(model: Running<M>, fault: Fault, asker: &str, said: &str) {
    model.fault(fault);
    whoami(asker, &model).gives(76, "", said);
}
