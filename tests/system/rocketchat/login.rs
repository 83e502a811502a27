//! Logins on Rocket.Chat by name and password: one for each run, with a second factor if one is asked for, ended by
//! the run.

use serde_json::{Value, json};

use crate::support::pictures::robot;
use crate::support::printed::NOTHING;
use crate::support::rocketchat::{VERSIONS, chat, chat_with};
use crate::support::{Fault, Reply, Scratch, pictures};
use crate::system::login::{CHAT_HINT, calls, count, left_open, tried_once, with_password};

#[test]
fn a_password_opens_a_session_and_the_run_ends_it() {
    let (chat, scratch) = (chat(), Scratch::new());
    with_password("rocketchat set --user build-bot --image", &chat)
        .arg(robot(&scratch))
        .gives(
            0,
            "rocketchat build-bot: image robot.png (etag rkw…, first avatar)\n",
            NOTHING,
        );
    assert_eq!(
        chat.capture(),
        include_str!("../../golden/rocketchat/login.txt")
    );
    assert_eq!(left_open(&chat), 0);
}

#[test]
fn every_verb_of_rocket_chat_logs_in_and_out() {
    for (words, stdout, between) in [
        (
            "show --user build-bot",
            "rocketchat build-bot: no avatar, the generated letter shows\n",
            &["users.info?username=build-bot"][..],
        ),
        (
            "show",
            "rocketchat robot-admin: no avatar, the generated letter shows\n",
            &["me"],
        ),
        (
            "whoami",
            "rocketchat: robot-admin, may change others, Rocket.Chat 7.5.1 at URL\n",
            &["me", "info"],
        ),
        (
            "reset --user retired-bot",
            "rocketchat retired-bot: generated letter, unchanged\n",
            &["users.info?username=retired-bot"],
        ),
    ] {
        let chat = chat();
        let said = match words {
            "list" => "avatarctl: rocketchat: nothing to list\n",
            _ => NOTHING,
        };
        with_password(&format!("rocketchat {words}"), &chat).gives(0, stdout, said);
        let wanted = [&["login"], between, &["logout"]].concat();
        assert_eq!(calls(&chat), wanted, "{words}");
        assert_eq!(left_open(&chat), 0, "{words}");
    }
}

#[test]
fn a_reset_by_password_is_proven_before_the_logout() {
    let chat = chat();
    chat.model().give("retired-bot", pictures::png(64, 64, 1));
    with_password("rocketchat reset --user retired-bot", &chat).gives(
        0,
        "rocketchat retired-bot: generated letter (was etag 83o…)\n",
        NOTHING,
    );
    assert_eq!(
        calls(&chat),
        [
            "login",
            "users.info?username=retired-bot",
            "/chat/avatar/retired-bot",
            "users.resetAvatar",
            "users.info?username=retired-bot",
            "logout"
        ]
    );
}

/// The answers to a login have changed over the versions, and so has what may stand for a name.
#[test]
fn a_login_of_every_version_is_understood() {
    for version in VERSIONS {
        for name in ["robot-admin", "robot-admin@example.com"] {
            let chat = chat_with(|model| model.version = version.into());
            with_password("rocketchat show", &chat)
                .env("ROCKETCHAT_USER", name)
                .gives(
                    0,
                    "rocketchat robot-admin: no avatar, the generated letter shows\n",
                    NOTHING,
                );
            let body = String::from_utf8(chat.requests()[0].body.clone());
            assert_eq!(
                body.as_deref(),
                Ok(format!("{{\"password\":\"secret\",\"user\":\"{name}\"}}").as_str())
            );
            assert_eq!(left_open(&chat), 0);
        }
    }
}

const WANTS_CODE: &str = "avatarctl: rocketchat: log in as \"robot-admin\": a second factor is required: TOTP Required\n\
     hint: set ROCKETCHAT_2FA_CODE to the code of the authenticator or the e-mail, or use a personal access token\n";

/// With a directory behind it a login with a code may be another kind of login; the model complains.
#[test]
fn a_code_that_nobody_asked_for_is_not_sent() {
    let chat = chat();
    with_password("rocketchat whoami -q", &chat)
        .env("ROCKETCHAT_2FA_CODE", "123456")
        .answers();
    assert_eq!(calls(&chat), ["login", "me", "info", "logout"]);
    let body = String::from_utf8_lossy(&chat.requests()[0].body).into_owned();
    assert_eq!(body, "{\"password\":\"secret\",\"user\":\"robot-admin\"}");
}

#[test]
fn a_code_that_is_asked_for_goes_with_a_second_login() {
    for (method, mails) in [("totp", 0), ("email", 1)] {
        let chat = chat_with(|model| {
            let admin = model.user("robot-admin");
            (admin.two_factor, admin.two_factor_method) = (Some("123456".into()), method);
        });
        with_password("rocketchat whoami -q", &chat)
            .env("ROCKETCHAT_2FA_CODE", "123456\n")
            .answers();
        assert_eq!(calls(&chat), ["login", "login", "me", "info", "logout"]);
        let body = String::from_utf8_lossy(&chat.requests()[1].body).into_owned();
        assert_eq!(
            body,
            "{\"code\":\"123456\",\"password\":\"secret\",\"user\":\"robot-admin\"}"
        );
        assert_eq!(chat.model().user("robot-admin").mails, mails);
        assert_eq!(left_open(&chat), 0);
    }
}

#[test]
fn without_a_code_one_login_is_refused_and_one_mail_sent() {
    for retries in ["0", "5"] {
        let chat = chat_with(|model| {
            let admin = model.user("robot-admin");
            (admin.two_factor, admin.two_factor_method) = (Some("123456".into()), "email");
        });
        with_password(
            "rocketchat set --avatar-url http://pictures.example/a --retries",
            &chat,
        )
        .arg(retries)
        .gives(77, NOTHING, WANTS_CODE);
        assert_eq!(calls(&chat), ["login"]);
        assert_eq!(chat.model().user("robot-admin").mails, 1);
    }
}

#[test]
fn a_wrong_code_is_not_tried_again() {
    for (already_wrong, said) in [
        (0, "TOTP Invalid"),
        (5, "TOTP Maximum Failed Attempts Reached"),
    ] {
        let chat = chat_with(|model| {
            let admin = model.user("robot-admin");
            (admin.two_factor, admin.wrong_codes) = (Some("123456".into()), already_wrong);
        });
        with_password("rocketchat show --retries 5", &chat)
            .env("ROCKETCHAT_2FA_CODE", "654321")
            .gives(
                77,
                NOTHING,
                &format!(
                    "avatarctl: rocketchat: log in as \"robot-admin\": the second factor was refused: {said}\n"
                ),
            );
        assert_eq!(calls(&chat), ["login", "login"]);
    }
}

/// A server that asks for a code although it was given one.
#[test]
fn a_code_that_is_asked_for_twice_is_given_once() {
    let chat = chat();
    let asks = json!({"status": "error", "error": "totp-required", "message": "TOTP Required"});
    chat.fault(
        Fault::on("POST /login")
            .always()
            .instead(Reply::json(401, asks)),
    );
    with_password("rocketchat show --retries 5", &chat)
        .env("ROCKETCHAT_2FA_CODE", "123456")
        .gives(77, NOTHING, WANTS_CODE);
    assert_eq!(calls(&chat), ["login", "login"]);
}

#[test]
fn a_wrong_password_of_rocket_chat_is_tried_once() {
    for (version, numeric) in VERSIONS.into_iter().flat_map(|v| [(v, false), (v, true)]) {
        let chat = chat_with(|model| {
            (model.version, model.numeric_refusals) = (version.into(), numeric);
        });
        with_password("rocketchat show --user build-bot --retries 5", &chat)
            .env("ROCKETCHAT_PASSWORD", "wrong")
            .gives(
                77,
                NOTHING,
                &format!(
                    "avatarctl: rocketchat build-bot: log in as \"robot-admin\": refused: Unauthorized\n{CHAT_HINT}"
                ),
            );
        assert_eq!(calls(&chat), ["login"]);
        assert_eq!(chat.model().user("robot-admin").failed_logins, 1);
    }
}

#[test]
fn a_blocked_user_is_not_knocked_for_again() {
    for version in VERSIONS {
        let chat = chat_with(|model| {
            model.version = version.into();
            model.user("robot-admin").failed_logins = 10;
        });
        with_password("rocketchat whoami --retries 5", &chat).gives(
            77,
            NOTHING,
            &format!(
                "avatarctl: rocketchat: log in as \"robot-admin\": refused: Login has been temporarily blocked For User\n{CHAT_HINT}"
            ),
        );
        assert_eq!(calls(&chat), ["login"]);
    }
}

#[test]
fn no_refused_login_of_rocket_chat_is_tried_again() {
    let login = || Fault::on("POST /login").always();
    let answer = |status, body: Value| login().instead(Reply::json(status, body));
    let about = |said: &str| format!("log in as \"robot-admin\": {said}");
    let limited = json!({"success": false, "error": "Error, too many requests. Please slow down. You must wait 1 seconds before trying this endpoint again. [error-too-many-requests]"});
    let refused = |said: &str| format!("{}\n{}", about(said), CHAT_HINT.trim_end());
    let slow = "too many requests: Error, too many requests. Please slow down. You must wait 1 seconds before trying this endpoint again.";
    tried_once(
        chat,
        "login",
        "rocketchat show",
        "rocketchat",
        vec![
            (answer(429, limited.clone()), 75, about(slow)),
            (answer(400, limited), 75, about(slow)),
            (
                answer(503, json!({})),
                75,
                about("the server failed with 503"),
            ),
            (
                answer(502, json!({})),
                75,
                about("the server failed with 502"),
            ),
            (
                answer(500, json!({})),
                75,
                about("the server failed with 500"),
            ),
            (
                answer(403, json!({"success": false, "error": "unauthorized"})),
                77,
                refused("refused: unauthorized"),
            ),
            (
                answer(400, json!({"status": "error", "error": "Unauthorized"})),
                77,
                refused("refused: Unauthorized"),
            ),
            (
                answer(200, json!({"status": "error", "error": "Unauthorized"})),
                77,
                refused("refused: Unauthorized"),
            ),
            (
                login().instead(Reply::text(401, "text/plain", "Unauthorized")),
                77,
                refused("refused: Unauthorized"),
            ),
            (
                login().lost(),
                75,
                about("the connection was lost before the answer was complete"),
            ),
            (
                login().silent(),
                75,
                about("the connection was lost before the answer was complete"),
            ),
            (
                login().hang(),
                75,
                about("no answer within 0.5 s\nhint: allow more time with --timeout"),
            ),
            (
                login().instead(Reply::html(200, "Log in")),
                76,
                about(
                    "answered 200 with an HTML page\nhint: a login page or a proxy answered instead of Rocket.Chat: exempt this account's calls from single sign-on",
                ),
            ),
        ],
    );
}

/// What nobody could use, or would be another header, is no login; without a token there is nothing to end.
#[test]
fn a_login_of_rocket_chat_without_tokens_is_none() {
    let good = |user_id: Value, auth_token: Value| json!({"status": "success", "data": {"userId": user_id, "authToken": auth_token}});
    let unusable = "log in as \"robot-admin\": a login without a usable id and token";
    let shape = "log in as \"robot-admin\": answered 200 with JSON of another shape";
    let strange = "log in as \"robot-admin\": answered 200 with no \"success\": true";
    let rows = [
        (good(json!("u"), json!("")), unusable),
        (good(json!(""), json!("t")), unusable),
        (good(json!("u"), json!("a\r\nx: y")), unusable),
        (good(json!("u"), json!("a b")), unusable),
        (good(json!("u\n"), json!("t")), unusable),
        (good(json!("u"), json!("t\u{e9}")), unusable),
        (good(json!("u"), Value::Null), shape),
        (good(json!("u"), json!(5)), shape),
        (json!({"status": "success"}), shape),
        (json!({"success": true, "data": "x"}), shape),
        (json!({"success": "true", "data": {}}), strange),
        (json!({"data": {"userId": "u", "authToken": "t"}}), strange),
    ];
    let rows = rows.into_iter().map(|(body, said)| {
        let fault = Fault::on("POST /login").instead(Reply::json(200, body));
        (fault, 76, said.to_owned())
    });
    tried_once(
        chat,
        "login",
        "rocketchat show",
        "rocketchat",
        rows.collect(),
    );
}

/// However a run ends, its login ends with it.
#[test]
fn a_failed_run_logs_out_of_rocket_chat() {
    let scratch = Scratch::new();
    let picture = robot(&scratch);
    let picture = picture.to_str().expect("a path of letters");
    let broken = || Reply::json(500, "{}");
    for (words, fault, status, said) in [
        (
            "set --user build-bot --image PICTURE",
            Some(Fault::on("* /users.setAvatar").always().instead(broken())),
            75,
            "rocketchat build-bot: upload \"robot.png\": the server failed with 500",
        ),
        (
            "set --user build-bot --image PICTURE",
            Some(
                Fault::on("* /users.info")
                    .from(2)
                    .always()
                    .instead(broken()),
            ),
            75,
            "rocketchat build-bot: the server took the change, but the read-back failed: look up \"build-bot\": the server failed with 500",
        ),
        (
            "set --user nobody --image PICTURE",
            None,
            67,
            "rocketchat nobody: look up \"nobody\": no such user: User not found.",
        ),
        (
            "show --user nobody",
            None,
            67,
            "rocketchat nobody: look up \"nobody\": no such user: User not found.",
        ),
        (
            "reset",
            Some(Fault::on("* /me").always().instead(broken())),
            75,
            "rocketchat: ask who the caller is: the server failed with 500",
        ),
        (
            "whoami",
            Some(Fault::on("* /me").always().instead(broken())),
            75,
            "rocketchat: ask who the caller is: the server failed with 500",
        ),
        (
            "list",
            Some(
                Fault::on("* /users.getAvatarSuggestion")
                    .always()
                    .instead(broken()),
            ),
            75,
            "rocketchat: ask for suggestions: the server failed with 500",
        ),
    ] {
        let chat = chat();
        if let Some(fault) = fault {
            chat.fault(fault);
        }
        let words = format!("rocketchat {}", words.replace("PICTURE", picture));
        println!("{words}");
        with_password(&words, &chat)
            .once()
            .gives(status, NOTHING, &format!("avatarctl: {said}\n"));
        assert_eq!(count(&chat), (1, 1));
        assert_eq!(calls(&chat).last().map(String::as_str), Some("logout"));
        assert_eq!(left_open(&chat), 0);
    }
}
