//! `reset` on Rocket.Chat: what goes over the wire, what is told, and what the server may answer.

use std::time::Duration;

use serde_json::json;

use crate::support::model::{captured, writes};
use crate::support::printed::{account_line, complaint, summary_line};
use crate::support::{Fault, Model, Reply, RocketChat, Run, Running, pictures};

const RESET: &str = "POST /users.resetAvatar";
const RESETS: [&str; 1] = ["POST /chat/api/v1/users.resetAvatar"];
const PAIR: &str = "check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN belong together";
const PERMISSION: &str = "to change another user's avatar you need the permission edit-other-user-avatar; to change one's own, the setting Accounts_AllowUserAvatarChange";
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
        include_str!("../../golden/rocketchat/reset-oneself.txt"),
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
    captured(
        &chat,
        include_str!("../../golden/rocketchat/reset-user.txt"),
    );
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
        include_str!("../../golden/rocketchat/reset-user-id.txt"),
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
            "a second factor is required: TOTP Required",
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
