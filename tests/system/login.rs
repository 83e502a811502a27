//! Logins of a run: made once, never tried again after a refusal, and ended by the run that made them; a token or a
//! hash that was given is never ended. The models count and complain; see what they know of sessions.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::support::batch::World;
use crate::support::navixy::Kind;
use crate::support::navixy::{fleet, fleet_with};
use crate::support::pictures::robot;
use crate::support::printed::NOTHING;
use crate::support::rocketchat::VERSIONS;
use crate::support::rocketchat::{chat, chat_with};
use crate::support::server::unused_address;
use crate::support::{
    Before, Fault, Model, Navixy, Reply, RocketChat, Run, Running, Scratch, pictures,
};

/// A run with the name and the password of the administrator; the words are separated by blanks.
fn with_password<M: Model>(words: &str, model: &Running<M>) -> Run {
    let mut run = Run::new(words.split(' ')).mask(&model.url(), "URL");
    let base = model.settings().remove(0);
    run = run.env(base.0, base.1);
    for (name, value) in PASSWORDS {
        if name.split('_').next() == base.0.split('_').next() {
            run = run.env(name, value);
        }
    }
    run
}

const PASSWORDS: [(&str, &str); 4] = [
    ("ROCKETCHAT_USER", "robot-admin"),
    ("ROCKETCHAT_PASSWORD", "secret"),
    ("NAVIXY_LOGIN", "bot@example.com"),
    ("NAVIXY_PASSWORD", "secret"),
];

/// A run over many servers, with passwords for Rocket.Chat and Navixy.
fn batch(words: &str, world: &World) -> Run {
    let run = ["ROCKETCHAT_USER_ID", "ROCKETCHAT_AUTH_TOKEN", "NAVIXY_HASH"]
        .into_iter()
        .fold(world.run(words), Run::without);
    PASSWORDS
        .into_iter()
        .fold(run, |run, (name, value)| run.env(name, value))
}

/// The calls so far, without what all of them share.
fn calls<M: Model>(model: &Running<M>) -> Vec<String> {
    let calls = model.calls().into_iter();
    calls
        .map(|call| {
            let (_, path) = call.split_once(' ').expect("a method and a target");
            let short = ["/chat/api/v1/", "/chat/api/", "/v2/"]
                .into_iter()
                .find_map(|base| path.strip_prefix(base));
            short.unwrap_or(path).to_owned()
        })
        .collect()
}

/// How many of the calls so far are logins, and how many logouts.
fn count<M: Model>(model: &Running<M>) -> (usize, usize) {
    let count = |names: [&str; 2]| {
        let calls = calls(model);
        calls
            .iter()
            .filter(|call| names.contains(&call.as_str()))
            .count()
    };
    (
        count(["login", "user/auth"]),
        count(["logout", "user/logout"]),
    )
}

/// Logins that are still open.
fn left_open(chat: &Running<RocketChat>) -> usize {
    let model = chat.model();
    model.tokens.iter().filter(|token| !token.personal).count()
}

fn left_open_at(fleet: &Running<Navixy>) -> usize {
    let model = fleet.model();
    let own = |kind: Kind| kind == Kind::LoggedIn;
    model
        .hashes
        .values()
        .filter(|access| own(access.kind))
        .count()
}

// -------------------------------------------------------------------------------------------------- Rocket.Chat

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
        include_str!("../golden/rocketchat/login.txt")
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

/// Accounts of Rocket.Chat, some of whom fail in their own ways.
const FOUR: &str = r#"
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "nobody", "image": "faces/build.png"},
    {"server": "chat", "user": "retired-bot", "image": "faces/other.png"},
    {"server": "chat", "self": true, "image": "faces/other.png"}"#;

#[test]
fn one_login_serves_a_whole_batch() {
    let mut world = World::new();
    world.declare(FOUR);
    batch("apply m.json", &world).gives(
        67,
        "chat build-bot: image build.png (etag rkw…, first avatar)\n\
         chat retired-bot: image other.png (etag Tke…, first avatar)\n\
         chat robot-admin: image other.png (etag 24g…, first avatar)\n\
         3 changed, 0 unchanged, 1 failed\n",
        "avatarctl: chat nobody: look up \"nobody\": no such user: User not found.\n",
    );
    assert_eq!(count(&world.chat), (1, 1));
    assert_eq!(
        calls(&world.chat).first().map(String::as_str),
        Some("login")
    );
    assert_eq!(
        calls(&world.chat).last().map(String::as_str),
        Some("logout")
    );
    assert_eq!(left_open(&world.chat), 0);
    world.forget();
    // A diff logs in just so.
    batch("diff m.json --only chat/build-bot", &world).gives(
        0,
        "0 to change, 1 the same\n",
        NOTHING,
    );
    assert_eq!(
        calls(&world.chat),
        [
            "login",
            "users.info?username=build-bot",
            "/chat/avatar/build-bot",
            "logout"
        ]
    );
}

#[test]
fn each_server_of_a_batch_has_a_login_of_its_own() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"}"#,
    );
    batch("apply m.json", &world).gives(
        0,
        "chat build-bot: image build.png (etag rkw…, first avatar)\n\
         fleet 2132: icon 3654 (was 12)\n\
         fleet 2133: image driver.jpg (file aa66d2c7ddf743f.jpg, first avatar)\n\
         3 changed, 0 unchanged\n",
        NOTHING,
    );
    assert_eq!(count(&world.chat), (1, 1));
    assert_eq!(count(&world.fleet), (1, 1));
    assert_eq!((left_open(&world.chat), left_open_at(&world.fleet)), (0, 0));
}

/// The variables of a server with a prefix of its own, the code of its second factor among them.
#[test]
fn a_prefix_in_a_manifest_counts_for_logins_too() {
    let mut world = World::new();
    world.chat.model().user("robot-admin").two_factor = Some("123456".into());
    let path = world.declare(
        "\n    {\"server\": \"chat\", \"user\": \"build-bot\", \"image\": \"faces/build.png\"}",
    );
    let text = std::fs::read_to_string(&path).expect("it was just written");
    let text = text.replace(
        "\"system\": \"rocketchat\"",
        "\"system\": \"rocketchat\", \"credentials\": \"TEAM\"",
    );
    world.scratch.write("m.json", text);
    let run = || {
        world
            .run("apply m.json")
            .env("TEAM_USER", "robot-admin")
            .env("TEAM_PASSWORD", "secret")
    };
    run().env("ROCKETCHAT_2FA_CODE", "123456").gives(
        77,
        "0 changed, 0 unchanged, 1 failed\n",
        "avatarctl: chat build-bot: log in as \"robot-admin\": a second factor is asked for: TOTP Required\n\
         hint: set TEAM_2FA_CODE to the code of the authenticator or the e-mail, or use a personal access token\n",
    );
    run().env("TEAM_2FA_CODE", "123456").gives(
        0,
        "chat build-bot: image build.png (etag rkw…, first avatar)\n\
         1 changed, 0 unchanged\n",
        NOTHING,
    );
    assert_eq!(count(&world.chat), (3, 1));
}

// ----------------------------------------------------------------------------------------------- second factor

const WANTS_CODE: &str = "avatarctl: rocketchat: log in as \"robot-admin\": a second factor is asked for: TOTP Required\n\
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

// ---------------------------------------------------------------------------------------------------- refusals

const CHAT_HINT: &str = "hint: check ROCKETCHAT_USER and ROCKETCHAT_PASSWORD before the next run: ten refused logins block the account for a while\n";

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

/// A login that is refused, in what way, and with which status; nothing of it is tried again.
#[track_caller]
fn tried_once<M: Model>(
    start: impl Fn() -> Running<M>,
    route: &str,
    words: &str,
    who: &str,
    rows: Vec<(Fault, i32, String)>,
) {
    for (fault, status, said) in rows {
        println!("{said}");
        let model = start();
        model.fault(fault);
        let run = with_password(&format!("{words} --retries 5"), &model);
        // Elsewhere a machine that is busy would be taken for a server that is.
        let run = match said.contains("--timeout") {
            true => run.arg("--timeout").arg("0.5"),
            false => run,
        };
        run.gives(status, NOTHING, &format!("avatarctl: {who}: {said}\n"));
        assert_eq!(calls(&model), [route]);
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

#[test]
fn a_server_that_is_not_there_takes_no_login() {
    for (words, address, who, login) in [
        (
            "rocketchat show",
            "ROCKETCHAT_URL",
            "rocketchat",
            "robot-admin",
        ),
        ("navixy list", "NAVIXY_URL", "navixy", "bot@example.com"),
    ] {
        let place = unused_address();
        let mut run = Run::new(words.split(' '))
            .env(address, format!("http://{place}"))
            .mask(&place.to_string(), "PLACE");
        for (name, value) in PASSWORDS {
            run = run.env(name, value);
        }
        run.once().gives(
            69,
            NOTHING,
            &format!(
                "avatarctl: {who}: log in as \"{login}\": cannot connect to PLACE: connection refused\n"
            ),
        );
    }
}

/// With the password that was refused once nobody knocks again, and the other servers go on.
#[test]
fn a_refused_login_skips_the_rest_of_its_server() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "retired-bot", "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "icon_id": 3654},
    {"server": "jira", "user": "robot", "avatar_id": 24880}"#,
    );
    batch("apply m.json", &world)
        .env("ROCKETCHAT_PASSWORD", "wrong")
        .env("NAVIXY_PASSWORD", "wrong")
        .gives(
            77,
            "jira robot: avatar 24880 (was 10122)\n\
             1 changed, 0 unchanged, 2 failed, 2 skipped\n",
            &format!(
                "avatarctl: chat build-bot: log in as \"robot-admin\": refused: Unauthorized\n{CHAT_HINT}\
                 avatarctl: chat retired-bot: skipped: chat refused the credentials\n\
                 avatarctl: fleet 2132: log in as \"bot@example.com\": refused: Wrong login or password (code 102)\n\
                 {FLEET_HINT}\
                 avatarctl: fleet 2133: skipped: fleet refused the credentials\n"
            ),
        );
    assert_eq!(calls(&world.chat), ["login"]);
    assert_eq!(calls(&world.fleet), ["user/auth"]);
}

#[test]
fn a_login_that_fails_otherwise_skips_the_rest_of_its_server_too() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "retired-bot", "image": "faces/build.png"}"#,
    );
    world.chat.fault(
        Fault::on("POST /login")
            .always()
            .instead(Reply::json(503, "{}")),
    );
    batch("apply m.json", &world).gives(
        75,
        "0 changed, 0 unchanged, 1 failed, 1 skipped\n",
        "avatarctl: chat build-bot: log in as \"robot-admin\": the server failed with 503\n\
         avatarctl: chat retired-bot: skipped: chat could not be opened\n",
    );
    assert_eq!(calls(&world.chat), ["login"]);
}

// ------------------------------------------------------------------------------------------------------ logout

/// The models complain about a logout of what was given.
#[test]
fn what_was_given_is_never_ended() {
    let (chat, fleet, scratch) = (chat(), fleet(), Scratch::new());
    for words in [
        "show",
        "list",
        "whoami",
        "reset --user build-bot",
        "show --user nobody",
    ] {
        Run::new(["rocketchat"].into_iter().chain(words.split(' ')))
            .with(&chat)
            .output();
    }
    Run::new(["rocketchat", "set", "--image"])
        .arg(robot(&scratch))
        .with(&chat)
        .output();
    // An API key, and a session that was there before.
    for hash in [
        "22eac1c27af4be7b9d04da2ce1af111b",
        "a6aa75587e5c59c32d347da438505fc3",
    ] {
        for words in [
            "show --employee-id 2132",
            "list",
            "whoami",
            "set --employee-id 2132 --icon-id 5 --force",
            "set --employee-id 9 --icon-id 5",
        ] {
            Run::new(["navixy"].into_iter().chain(words.split(' ')))
                .with(&fleet)
                .env("NAVIXY_HASH", hash)
                .output();
        }
    }
    assert_eq!(count(&chat), (0, 0));
    assert_eq!(count(&fleet), (0, 0));
    let mut world = World::new();
    world.declare(FOUR);
    world.run("apply m.json -q").output();
    assert_eq!(count(&world.chat), (0, 0));
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

#[test]
fn a_failed_run_logs_out_of_navixy() {
    let broken = || Reply::json(500, "{}");
    for (words, fault, status, said) in [
        (
            "set --employee-id 2132 --icon-id 5",
            Some(
                Fault::on("* /employee/avatar/assign")
                    .always()
                    .instead(broken()),
            ),
            75,
            "navixy 2132: assign icon 5: the server failed with 500",
        ),
        (
            "set --employee-id 9 --icon-id 5",
            None,
            67,
            "navixy 9: read employee 9: no such employee: Not found in the database (code 201)",
        ),
        (
            "show --employee-id 9",
            None,
            67,
            "navixy 9: read employee 9: no such employee: Not found in the database (code 201)",
        ),
        (
            "whoami",
            Some(Fault::on("* /user/get_info").always().instead(broken())),
            75,
            "navixy: ask who the caller is: the server failed with 500",
        ),
        (
            "list",
            Some(Fault::on("* /employee/list").always().instead(broken())),
            75,
            "navixy: list employees: the server failed with 500",
        ),
    ] {
        let fleet = fleet();
        if let Some(fault) = fault {
            fleet.fault(fault);
        }
        println!("{words}");
        with_password(&format!("navixy {words}"), &fleet)
            .once()
            .gives(status, NOTHING, &format!("avatarctl: {said}\n"));
        assert_eq!(count(&fleet), (1, 1));
        assert_eq!(
            calls(&fleet).last().map(String::as_str),
            Some("user/logout")
        );
        assert_eq!(left_open_at(&fleet), 0);
    }
}

#[test]
fn a_failed_survey_of_a_batch_logs_out() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "icon_id": 3654}"#,
    );
    world.fleet.fault(
        Fault::on("* /employee/list")
            .always()
            .instead(Reply::json(500, "{}")),
    );
    batch("apply m.json --retries 0", &world).gives(
        75,
        "0 changed, 0 unchanged, 1 failed, 1 skipped\n",
        "avatarctl: fleet 2132: list employees: the server failed with 500\n\
         avatarctl: fleet 2133: skipped: fleet could not be opened\n",
    );
    assert_eq!(
        calls(&world.fleet),
        ["user/auth", "employee/list", "user/logout"]
    );
}

/// The session was ended by somebody else; what is left is not tried, and nobody is warned about the logout.
#[test]
fn a_session_that_ends_meanwhile_is_left_without_a_warning() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "retired-bot", "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "icon_id": 3654}"#,
    );
    let gone = json!({"status": "error", "message": "You must be logged in to do this."});
    world.chat.fault(
        Fault::any()
            .from(2)
            .always()
            .instead(Reply::json(401, gone)),
    );
    world
        .fleet
        .fault(Fault::any().from(2).always().instead(code(4)));
    batch("apply m.json", &world).gives(
        77,
        "0 changed, 0 unchanged, 2 failed, 2 skipped\n",
        "avatarctl: chat build-bot: look up \"build-bot\": not logged in: You must be logged in to do this.\n\
         hint: the login of this run was ended by somebody else; run again\n\
         avatarctl: chat retired-bot: skipped: chat refused the credentials\n\
         avatarctl: fleet 2132: list employees: the hash was refused: no (code 4)\n\
         hint: the login of this run was ended by somebody else; run again\n\
         avatarctl: fleet 2133: skipped: fleet refused the credentials\n",
    );
    assert_eq!(count(&world.chat), (1, 1));
    assert_eq!(count(&world.fleet), (1, 1));
}

/// A refusal of Navixy's with this code.
fn code(code: u32) -> Reply {
    let status = json!({"code": code, "description": "no"});
    Reply::json(400, json!({"success": false, "status": status}))
}

#[test]
fn a_logout_that_fails_is_a_warning_and_no_failure() {
    let own = json!({"status": "error", "message": "You must be logged in to do this."});
    for (answer, warning) in [
        (Reply::json(401, own), ""),
        (
            Reply::json(503, "{}"),
            "log out: the server failed with 503",
        ),
        (
            Reply::json(403, json!({"success": false, "error": "unauthorized"})),
            "log out: not permitted: unauthorized",
        ),
        // Newer servers say nothing when it is done.
        (Reply::empty(200), ""),
        (Reply::empty(204), ""),
        (
            Reply::close_without_answer(),
            "log out: the connection was lost before the answer was complete",
        ),
        (Reply::hang(), "log out: no answer within 2.0 s"),
    ] {
        println!("{warning}");
        let chat = chat();
        chat.fault(Fault::on("* /logout").always().instead(answer));
        with_password("rocketchat show --user build-bot --timeout 2", &chat).gives(
            0,
            "rocketchat build-bot: no avatar, the generated letter shows\n",
            &warned("rocketchat build-bot", warning),
        );
        assert_eq!(count(&chat), (1, 1));
    }
    for (answer, warning) in [
        (code(3), ""),
        (code(4), ""),
        (code(13), "log out: not permitted: no (code 13)"),
        (
            Reply::json(200, "{}"),
            "log out: answered 200 with neither \"success\": true nor a status code",
        ),
        (code(1), "log out: the server failed: no (code 1)"),
    ] {
        println!("{warning}");
        let fleet = fleet();
        fleet.fault(Fault::on("* /user/logout").always().instead(answer));
        with_password("navixy set --employee-id 2132 --icon-id 5", &fleet)
            .once()
            .gives(
                0,
                "navixy 2132: icon 5 (was 12)\n",
                &warned("navixy 2132", warning),
            );
        assert_eq!(count(&fleet), (1, 1));
    }
}

fn warned(who: &str, warning: &str) -> String {
    match warning {
        "" => String::new(),
        _ => format!("avatarctl: {who}: warning: {warning}\n"),
    }
}

/// A failure keeps its own status and text.
#[test]
fn a_logout_that_fails_after_a_failure_changes_nothing_about_it() {
    let mut world = World::new();
    world.declare(FOUR);
    world.chat.fault(
        Fault::on("* /logout")
            .always()
            .instead(Reply::json(500, "{}")),
    );
    batch("apply m.json --json --only chat/nobody", &world).gives(
        67,
        "{\"v\":1,\"type\":\"account\",\"system\":\"rocketchat\",\"server\":\"CHAT\",\"account\":\"nobody\",\"action\":\"apply\",\"outcome\":\"failed\",\
         \"error\":{\"class\":\"target\",\"exit\":67,\"status\":400,\"message\":\"look up \\\"nobody\\\": no such user: User not found.\",\"hint\":null}}\n\
         {\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":0,\"failed\":1,\"pending\":0,\"skipped\":0,\"exit\":67}\n",
        "avatarctl: chat nobody: look up \"nobody\": no such user: User not found.\n\
         avatarctl: chat: warning: log out: the server failed with 500\n",
    );
}

/// Navixy's logout may be repeated; Rocket.Chat's is not.
#[test]
fn a_logout_is_repeated_where_that_is_harmless() {
    let fleet = fleet();
    fleet.fault(Fault::on("* /user/logout").lost());
    with_password("navixy show --employee-id 2132", &fleet).gives(
        0,
        "navixy 2132: icon 12\n",
        NOTHING,
    );
    assert_eq!(count(&fleet), (1, 2));
    let chat = chat();
    chat.fault(Fault::on("* /logout").lost());
    with_password("rocketchat show", &chat).gives(
        0,
        "rocketchat robot-admin: no avatar, the generated letter shows\n",
        "avatarctl: rocketchat robot-admin: warning: log out: the connection was lost before the answer was complete\n",
    );
    assert_eq!(count(&chat), (1, 1));
}

#[test]
fn a_login_that_no_time_is_left_to_end_is_told() {
    let scratch = Scratch::new();
    let chat = chat();
    chat.fault(Fault::on("* /users.info").from(2).always().hang());
    with_password(
        "rocketchat set --user build-bot --max-time 3 --image",
        &chat,
    )
    .arg(robot(&scratch))
    .gives(
        75,
        NOTHING,
        "avatarctl: rocketchat build-bot: the server took the change, but the read-back failed: look up \"build-bot\": the time of the whole command is used up\n\
         hint: allow more with --max-time\n\
         avatarctl: rocketchat build-bot: warning: log out: the time of the whole command is used up\n",
    );
    assert_eq!(count(&chat), (1, 0));
}

#[test]
fn a_signal_in_the_middle_of_a_batch_does_not_leave_the_login_open() {
    for (signal, status) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let mut world = World::new();
        world.declare(
            r#"
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2134, "icon_id": 3654}"#,
        );
        world
            .fleet
            .fault(Fault::on("* /employee/avatar/assign").from(2).hang());
        let process = batch("apply m.json", &world).start();
        // The login, the list, a write with its proof, and the write that hangs.
        world.fleet.wait_for(5);
        process.signal(signal);
        process.wait().gives(
            status,
            "fleet 2132: icon 3654 (was 12)\n\
             1 changed, 0 unchanged, 1 failed, 1 skipped\n",
            "avatarctl: fleet 2133: assign icon 3654: interrupted\n\
             avatarctl: fleet 2134: skipped: interrupted\n",
        );
        assert_eq!(count(&world.fleet), (1, 1));
        assert_eq!(left_open_at(&world.fleet), 0);

        let mut world = World::new();
        world.declare(FOUR);
        world.chat.fault(Fault::on("* /users.setAvatar").hang());
        let process = batch("apply m.json", &world).start();
        world.chat.wait_for(3);
        process.signal(signal);
        process.wait().gives(
            status,
            "0 changed, 0 unchanged, 1 failed, 3 skipped\n",
            "avatarctl: chat build-bot: upload \"build.png\": interrupted\n\
             avatarctl: chat nobody: skipped: interrupted\n\
             avatarctl: chat retired-bot: skipped: interrupted\n\
             avatarctl: chat self: skipped: interrupted\n",
        );
        assert_eq!(count(&world.chat), (1, 1));
        assert_eq!(left_open(&world.chat), 0);
    }
}

/// The end of a login takes a connection and an answer; a server that is not near may need longer for them than any
/// other wait gets after a signal.
#[test]
fn a_logout_after_a_signal_is_waited_for() {
    let mut world = World::new();
    world.declare(
        "\n    {\"server\": \"chat\", \"user\": \"build-bot\", \"image\": \"faces/build.png\"}",
    );
    world.chat.fault(Fault::on("* /users.setAvatar").hang());
    world.chat.fault(Fault::on("* /logout").hang());
    let process = batch("apply m.json --json", &world).start();
    world.chat.wait_for(3);
    let begun = Instant::now();
    process.signal("TERM");
    let told = process.wait();
    let passed = begun.elapsed();
    assert!(passed >= Duration::from_millis(500), "{passed:?}");
    assert!(passed < Duration::from_millis(1900), "{passed:?}");
    assert_eq!(told.status, 143);
    assert_eq!(
        told.stderr,
        "avatarctl: chat build-bot: upload \"build.png\": interrupted\n\
         avatarctl: chat: warning: log out: interrupted\n"
    );
    assert_eq!(told.json()[1]["exit"], 143, "the run came to its end");
    assert_eq!(count(&world.chat), (1, 1));
}

/// A signal that comes while the login is answered: the login is there, so it is ended.
#[test]
fn a_signal_during_the_login_does_not_leave_it_open() {
    let pid = std::sync::Arc::new(std::sync::OnceLock::<u32>::new());
    let seen = std::sync::Arc::clone(&pid);
    let mut world = World::new();
    world.offline();
    let chat = Before::request(1, RocketChat::default(), move || {
        let pid = *seen.wait();
        let sent = std::process::Command::new("kill")
            .arg("-TERM")
            .arg(pid.to_string())
            .status();
        assert!(sent.expect("kill starts").success());
    });
    let text = world.manifest(FOUR).replace(&world.chat.url(), &chat.url());
    world.scratch.write("m.json", text);
    let process = batch("apply m.json --only chat/*-bot", &world).start();
    pid.set(process.id()).expect("it is set once");
    process.wait().gives(
        143,
        "0 changed, 0 unchanged, 2 skipped\n",
        "avatarctl: chat build-bot: skipped: interrupted\n\
         avatarctl: chat retired-bot: skipped: interrupted\n",
    );
    assert_eq!(calls(&chat), ["login", "logout"]);
}

// ----------------------------------------------------------------------------------------------------- dry run

#[test]
fn a_dry_run_logs_in_and_out_and_says_what_the_commands_need() {
    let (chat, fleet) = (chat(), fleet());
    with_password(
        "rocketchat set --user build-bot --avatar-url http://pictures.example/a --dry-run",
        &chat,
    )
    .gives(
        0,
        "curl -fsS -H \"x-user-id: $ROCKETCHAT_USER_ID\" -H \"x-auth-token: $ROCKETCHAT_AUTH_TOKEN\" -H 'user-agent: avatarctl/VERSION' \
         -H 'accept: application/json' -H 'content-type: application/json' \
         -d '{\"avatarUrl\":\"http://pictures.example/a\",\"userId\":\"BsNr28znDkG8aeo7W\"}' 'URL/api/v1/users.setAvatar'\n"
            .replace("VERSION", env!("CARGO_PKG_VERSION"))
            .as_str(),
        "avatarctl: rocketchat build-bot: warning: the login of this run ends with it; the commands need credentials that last\n\
         avatarctl: rocketchat build-bot: warning: before you run the commands, set ROCKETCHAT_USER_ID, ROCKETCHAT_AUTH_TOKEN\n",
    );
    assert_eq!(
        calls(&chat),
        ["login", "users.info?username=build-bot", "logout"]
    );
    with_password("navixy set --employee-id 2132 --icon-id 5 --dry-run", &fleet).gives(
        0,
        "curl -fsS -H \"authorization: NVX $NAVIXY_HASH\" -H 'user-agent: avatarctl/VERSION' -H 'accept: application/json' \
         -H 'content-type: application/json' -d '{\"employee_id\":2132,\"icon_id\":5}' 'URL/employee/avatar/assign'\n"
            .replace("VERSION", env!("CARGO_PKG_VERSION"))
            .as_str(),
        "avatarctl: navixy 2132: warning: the login of this run ends with it; the commands need credentials that last\n\
         avatarctl: navixy 2132: warning: before you run the commands, set NAVIXY_HASH\n",
    );
    assert_eq!(calls(&fleet), ["user/auth", "employee/read", "user/logout"]);
}

// ------------------------------------------------------------------------------------------------------ Navixy

const FLEET_HINT: &str = "hint: check NAVIXY_LOGIN and NAVIXY_PASSWORD before the next run: refused logins lock the account out\n";

#[test]
fn a_login_of_navixy_is_one_session() {
    for untyped in [false, true] {
        let fleet = fleet_with(|model| model.untyped_login = untyped);
        with_password("navixy set --employee-id 2132 --icon-id 3654", &fleet).gives(
            0,
            "navixy 2132: icon 3654 (was 12)\n",
            NOTHING,
        );
        assert_eq!(fleet.capture(), include_str!("../golden/navixy/login.txt"));
        assert_eq!(left_open_at(&fleet), 0);
    }
}

#[test]
fn every_verb_of_navixy_logs_in_and_out() {
    for (words, stdout, between) in [
        (
            "show --employee-id 2132",
            "navixy 2132: icon 12\n",
            "employee/read",
        ),
        (
            "list",
            "employee_id  name         icon_id  file\n\
             2132         Build Robot  12       -\n\
             2133         Dana Driver  -        -\n\
             2134         Night Shift  -        -\n",
            "employee/list",
        ),
        (
            "whoami",
            "navixy: bot@example.com, may change others, Navixy at URL\n",
            "user/get_info",
        ),
    ] {
        let fleet = fleet();
        with_password(&format!("navixy {words}"), &fleet).gives(0, stdout, NOTHING);
        assert_eq!(calls(&fleet), ["user/auth", between, "user/logout"]);
    }
}

#[test]
fn a_second_factor_of_navixy_takes_a_person() {
    let fleet = fleet_with(|model| model.logins[0].second_factor = true);
    with_password("navixy whoami --retries 5", &fleet).gives(
        77,
        NOTHING,
        "avatarctl: navixy: log in as \"bot@example.com\": the login asks for a second factor, which avatarctl cannot give\n\
         hint: use an API key as NAVIXY_HASH, or an account without a second factor\n",
    );
    assert_eq!(calls(&fleet), ["user/auth"]);
}

#[test]
fn each_refusal_of_a_login_of_navixy_is_final() {
    let wait = "hint: wait before the next login, or set NAVIXY_HASH to an API key, which needs no login\n";
    for (code, said, hint) in [
        (11, "Access denied", ""),
        (102, "Wrong login or password", FLEET_HINT),
        (103, "User not activated", FLEET_HINT),
        (104, "Allowed sessions number exceeded", wait),
        (105, "Allowed attempts exceeded, try later", wait),
    ] {
        let fleet = fleet_with(|model| model.logins[0].refusal = Some(code));
        with_password("navixy list --retries 5", &fleet).gives(
            77,
            NOTHING,
            &format!(
                "avatarctl: navixy: log in as \"bot@example.com\": refused: {said} (code {code})\n{hint}"
            ),
        );
        assert_eq!(calls(&fleet), ["user/auth"]);
    }
}

#[test]
fn a_wrong_password_of_navixy_is_tried_once() {
    let fleet = fleet();
    with_password("navixy list --retries 5", &fleet)
        .env("NAVIXY_PASSWORD", "wrong")
        .gives(
            77,
            NOTHING,
            &format!(
                "avatarctl: navixy: log in as \"bot@example.com\": refused: Wrong login or password (code 102)\n{FLEET_HINT}"
            ),
        );
    assert_eq!(calls(&fleet), ["user/auth"]);
    assert_eq!(fleet.model().logins[0].failed, 1);
}

const BASE: &str = "hint: check the base URL: https://api.eu.navixy.com/v2, https://host/api-v2 or https://host/api, depending on the installation";

#[test]
fn no_refused_login_of_navixy_is_tried_again() {
    let login = || Fault::on("POST /user/auth").always();
    let answer = |status, body: Value| login().instead(Reply::json(status, body));
    let about = |said: &str| format!("log in as \"bot@example.com\": {said}");
    tried_once(
        fleet,
        "user/auth",
        "navixy whoami",
        "navixy",
        vec![
            (
                login().instead(code(15)),
                75,
                about("too many requests: no (code 15)"),
            ),
            (
                login().instead(code(1)),
                75,
                about("the server failed: no (code 1)"),
            ),
            (answer(429, json!({})), 75, about("too many requests")),
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
                login().lost(),
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
                about(&format!("answered 200 with an HTML page\n{BASE}")),
            ),
        ],
    );
}

/// What nobody could use, or would be another header, is no hash.
#[test]
fn a_login_of_navixy_without_a_hash_is_none() {
    let unusable = format!("log in as \"bot@example.com\": the answer has no usable hash\n{BASE}");
    let shape = "log in as \"bot@example.com\": answered 200 with JSON of another shape".to_owned();
    let strange = format!(
        "log in as \"bot@example.com\": answered 200 with neither \"success\": true nor a status code\n{BASE}"
    );
    let hash = "22eac1c27af4be7b9d04da2ce1af111b";
    let rows = [
        (json!({"success": true}), &unusable),
        (json!({"success": true, "type": "authenticated"}), &unusable),
        (json!({"success": true, "hash": null}), &unusable),
        (json!({"success": true, "hash": ""}), &unusable),
        (json!({"success": true, "hash": "a\r\nx: y"}), &unusable),
        (json!({"success": true, "hash": "a\n"}), &unusable),
        (json!({"success": true, "hash": "a b"}), &unusable),
        (json!({"success": true, "hash": "\u{7f}"}), &unusable),
        (json!({"success": true, "hash": "\u{e9}"}), &unusable),
        (
            json!({"success": true, "type": "something_new", "hash": hash}),
            &unusable,
        ),
        (json!({"success": true, "hash": 5}), &shape),
        (json!({"hash": hash}), &strange),
        (json!({"success": "true", "hash": hash}), &strange),
    ];
    let rows = rows.into_iter().map(|(body, said)| {
        let fault = Fault::on("POST /user/auth").instead(Reply::json(200, body));
        (fault, 76, said.clone())
    });
    tried_once(fleet, "user/auth", "navixy list", "navixy", rows.collect());
}

// -------------------------------------------------------------------------------------------- the end of a hash

const DAY: u64 = 86_400;

/// A file that holds a hash and was written so many days and an hour ago.
fn aged(scratch: &Scratch, hash: &str, days: u64) -> PathBuf {
    let path = scratch.secret("hash", format!("{hash}\n"));
    age(&path, days * DAY + 3600);
    path
}

fn age(path: &Path, seconds: u64) {
    let written = SystemTime::now() - Duration::from_secs(seconds);
    let file = File::options().write(true).open(path);
    let file = file.expect("it was just written");
    file.set_modified(written).expect("the file is ours");
}

fn about_to_end(who: &str, days: u64) -> String {
    format!(
        "avatarctl: {who}: warning: the hash of this session was written {days} days ago, and a session ends 30 days after its login by default: log in again and replace the hash\n"
    )
}

#[test]
fn a_hash_that_is_about_to_end_is_told_and_asked_about_only_then() {
    for (days, due) in [
        (0, false),
        (22, false),
        (23, true),
        (27, true),
        (30, true),
        (31, false),
    ] {
        for owner in [false, true] {
            let (fleet, scratch) = (fleet(), Scratch::new());
            let hash = match owner {
                true => "22eac1c27af4be7b9d04da2ce1af111b".to_owned(),
                false => fleet.model().admit("sub@example.com", &["employee_update"]),
            };
            let run = |words: &str| {
                Run::new(words.split(' '))
                    .env("NAVIXY_URL", fleet.url())
                    .env("NAVIXY_HASH_FILE", aged(&scratch, &hash, days))
                    .mask(&fleet.url(), "URL")
            };
            let told = |who| match due && !owner {
                true => about_to_end(who, days),
                false => String::new(),
            };
            let asked: &[&str] = if due { &["user/get_info"] } else { &[] };
            println!("{days} days, owner: {owner}");
            run("navixy set --employee-id 2132 --icon-id 5").gives(
                0,
                "navixy 2132: icon 5 (was 12)\n",
                &told("navixy 2132"),
            );
            let write = ["employee/read", "employee/avatar/assign", "employee/read"];
            assert_eq!(calls(&fleet), [asked, &write].concat());
            fleet.forget();
            let who = if owner { "bot" } else { "sub" };
            run("navixy whoami").gives(
                0,
                &format!("navixy: {who}@example.com, may change others, Navixy at URL\n"),
                &told("navixy"),
            );
            assert_eq!(calls(&fleet), [asked, &["user/get_info"]].concat());
            fleet.forget();
            run("navixy show --employee-id 9").gives(
                67,
                NOTHING,
                &(told("navixy 9")
                    + "avatarctl: navixy 9: read employee 9: no such employee: Not found in the database (code 201)\n"),
            );
        }
    }
}

/// A hash of which nobody knows when it was written, or which is not what ends.
#[test]
fn a_hash_of_unknown_age_is_not_asked_about() {
    let (fleet, scratch) = (fleet(), Scratch::new());
    let hash = fleet.model().admit("sub@example.com", &["employee_update"]);
    let show = || {
        Run::new(["navixy", "show", "--employee-id", "2132"])
            .env("NAVIXY_URL", fleet.url())
            .dir(scratch.path())
    };
    // A file of that name is not what `-` means.
    let decoy = scratch.write("-", "");
    age(&decoy, 27 * DAY);
    show()
        .env("NAVIXY_HASH_FILE", "-")
        .stdin(&hash)
        .gives(0, "navixy 2132: icon 12\n", NOTHING);
    show()
        .env("NAVIXY_HASH", &hash)
        .gives(0, "navixy 2132: icon 12\n", NOTHING);
    let file = scratch.secret("navixy_hash", &hash);
    age(&file, 27 * DAY);
    show()
        .env("CREDENTIALS_DIRECTORY", scratch.path())
        .gives(0, "navixy 2132: icon 12\n", NOTHING);
    // The clock of the machine that wrote it was ahead.
    let file = File::options().write(true).open(&file).expect("it is ours");
    file.set_modified(SystemTime::now() + Duration::from_secs(27 * DAY))
        .expect("the file is ours");
    show()
        .env("NAVIXY_HASH_FILE", "navixy_hash")
        .gives(0, "navixy 2132: icon 12\n", NOTHING);
    // An old password opens a new session.
    let password = scratch.secret("password", "secret\n");
    age(&password, 27 * DAY);
    show()
        .env("NAVIXY_LOGIN", "bot@example.com")
        .env("NAVIXY_PASSWORD_FILE", &password)
        .gives(0, "navixy 2132: icon 12\n", NOTHING);
    assert!(!calls(&fleet).contains(&"user/get_info".to_owned()));
}

/// Whether it will end is not worth a failure: if the hash is refused, the next call says so.
#[test]
fn an_age_that_cannot_be_asked_about_is_no_failure() {
    let (fleet, scratch) = (fleet(), Scratch::new());
    let hash = fleet.model().admit("sub@example.com", &["employee_update"]);
    fleet.fault(Fault::on("* /user/get_info").always().instead(code(13)));
    Run::new(["navixy", "show", "--employee-id", "2132"])
        .env("NAVIXY_URL", fleet.url())
        .env("NAVIXY_HASH_FILE", aged(&scratch, &hash, 27))
        .gives(0, "navixy 2132: icon 12\n", NOTHING);
    assert_eq!(calls(&fleet), ["user/get_info", "employee/read"]);
}

#[test]
fn a_batch_is_told_of_the_end_once_a_server() {
    let mut world = World::new();
    let hash = world
        .fleet
        .model()
        .admit("sub@example.com", &["employee_update"]);
    world.declare(
        r#"
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "icon_id": 3654},
    {"server": "fleet", "employee_id": 9, "icon_id": 3654}"#,
    );
    let file = aged(&world.scratch, &hash, 27);
    let run = || {
        world
            .run("apply m.json --retries 0")
            .without("NAVIXY_HASH")
            .env("NAVIXY_HASH_FILE", &file)
    };
    run().gives(
        67,
        "fleet 2132: icon 3654 (was 12)\n\
         fleet 2133: icon 3654 (first avatar)\n\
         2 changed, 0 unchanged, 1 failed\n",
        &(about_to_end("fleet 2132", 27)
            + "avatarctl: fleet 9: read employee 9: no such employee: Not found in the database (code 201)\n"),
    );
    let asked = calls(&world.fleet);
    let asked = asked.iter().filter(|call| *call == "user/get_info");
    assert_eq!(asked.count(), 1);
    // What was found out is told even where nothing else could be done.
    world.fleet.fault(
        Fault::on("* /employee/list")
            .always()
            .instead(Reply::json(500, "{}")),
    );
    run().gives(
        75,
        "0 changed, 0 unchanged, 1 failed, 2 skipped\n",
        &(about_to_end("fleet 2132", 27)
            + "avatarctl: fleet 2132: list employees: the server failed with 500\n\
               avatarctl: fleet 2133: skipped: fleet could not be opened\n\
               avatarctl: fleet 9: skipped: fleet could not be opened\n"),
    );
}
