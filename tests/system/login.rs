//! Logins of a run: made once, never tried again after a refusal, and ended by the run that made them; a token or a
//! hash that was given is never ended. The models count and complain; see what they know of sessions.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::batch::World;
use crate::support::navixy::fleet;
use crate::support::pictures::robot;
use crate::support::printed::NOTHING;
use crate::support::rocketchat::chat;
use crate::support::server::unused_address;
use crate::support::{
    Before, Fault, Matrix, Model, Reply, RocketChat, Run, Running, Scratch, systems,
};

/// A run with the name and the password of the administrator; the words are separated by blanks.
pub fn with_password<M: Model>(words: &str, model: &Running<M>) -> Run {
    Run::new(words.split(' ')).with_login(model)
}

/// A run over many servers, with a password for each.
fn batch(words: &str, world: &World) -> Run {
    let given = world.settings().into_iter();
    let run = given.fold(world.run(words), |run, (name, _)| run.without(name));
    let logins = systems::ALL.into_iter().map(|system| system.logins[1]);
    logins.fold(run, Run::login)
}

/// The calls so far, without what all of them share.
pub fn calls<M: Model>(model: &Running<M>) -> Vec<String> {
    let calls = model.calls().into_iter();
    calls
        .map(|call| {
            let (_, path) = call.split_once(' ').expect("a method and a target");
            let short = [
                "/chat/api/v1/",
                "/chat/api/",
                "/v2/",
                "/hs/_matrix/client/v3/",
                "/hs/_synapse/admin/",
            ]
            .into_iter()
            .find_map(|base| path.strip_prefix(base));
            short.unwrap_or(path).to_owned()
        })
        .collect()
}

/// How many of the calls so far are logins, and how many logouts.
pub fn count<M: Model>(model: &Running<M>) -> (usize, usize) {
    let calls = model.calls();
    let count = |names: [&str; 2]| {
        let posts = calls.iter().filter(|call| call.starts_with("POST "));
        let ends = |call: &&String| names.iter().any(|name| call.ends_with(name));
        posts.filter(ends).count()
    };
    (
        count(["/login", "/user/auth"]),
        count(["/logout", "/user/logout"]),
    )
}

/// Logins that are still open.
pub fn left_open<M: Model>(model: &Running<M>) -> usize {
    model.model().open_logins()
}

// -------------------------------------------------------------------------------------------------- Rocket.Chat

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
    assert_eq!(count(world.chat()), (1, 1));
    assert_eq!(
        calls(world.chat()).first().map(String::as_str),
        Some("login")
    );
    assert_eq!(
        calls(world.chat()).last().map(String::as_str),
        Some("logout")
    );
    assert_eq!(left_open(world.chat()), 0);
    world.forget();
    // A diff logs in just so.
    batch("diff m.json --only chat/build-bot", &world).gives(
        0,
        "0 to change, 1 the same\n",
        NOTHING,
    );
    assert_eq!(
        calls(world.chat()),
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
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"},
    {"server": "hs", "user": "robot", "mxc": "mxc://a/b"},
    {"server": "hs", "user": "build-bot", "mxc": "mxc://a/b"}"#,
    );
    batch("apply m.json", &world).gives(
        0,
        "chat build-bot: image build.png (etag rkw…, first avatar)\n\
         fleet 2132: icon 3654 (was 12)\n\
         fleet 2133: image driver.jpg (file aa66d2c7ddf743f.jpg, first avatar)\n\
         hs robot: avatar mxc://a/b (first avatar)\n\
         hs build-bot: avatar mxc://a/b (first avatar)\n\
         5 changed, 0 unchanged\n",
        NOTHING,
    );
    assert_eq!(count(world.chat()), (1, 1));
    assert_eq!(count(world.fleet()), (1, 1));
    assert_eq!(count(world.hs()), (1, 1));
    assert_eq!((left_open(world.chat()), left_open(world.fleet())), (0, 0));
    assert_eq!(left_open(world.hs()), 0);
}

/// The variables of a server with a prefix of its own, the code of its second factor among them.
#[test]
fn a_prefix_in_a_manifest_counts_for_logins_too() {
    let mut world = World::new();
    world.chat().model().user("robot-admin").two_factor = Some("123456".into());
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
        "avatarctl: chat build-bot: log in as \"robot-admin\": a second factor is required: TOTP Required\n\
         hint: set TEAM_2FA_CODE to the code of the authenticator or the e-mail, or use a personal access token\n",
    );
    run().env("TEAM_2FA_CODE", "123456").gives(
        0,
        "chat build-bot: image build.png (etag rkw…, first avatar)\n\
         1 changed, 0 unchanged\n",
        NOTHING,
    );
    assert_eq!(count(world.chat()), (3, 1));
}

// ---------------------------------------------------------------------------------------------------- refusals

pub const CHAT_HINT: &str = "hint: check ROCKETCHAT_USER and ROCKETCHAT_PASSWORD before the next run: ten refused logins block the account for a while\n";
const HS_HINT: &str = "hint: check MATRIX_USER and MATRIX_PASSWORD before the next run: after a few refused logins the account has to wait\n";
pub const FLEET_HINT: &str = "hint: check NAVIXY_LOGIN and NAVIXY_PASSWORD before the next run: refused logins lock the account out\n";

/// A login that is refused, in what way, and with which status; nothing of it is tried again.
#[track_caller]
pub fn tried_once<M: Model>(
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
fn a_server_that_is_not_there_takes_no_login() {
    for system in systems::ALL {
        let place = unused_address();
        let (name, first) = (system.name, system.begins[1]);
        Run::new([name, "whoami", "--url", &format!("http://{place}")])
            .mask(&place.to_string(), "PLACE")
            .login(system.logins[1])
            .once()
            .gives(
                69,
                NOTHING,
                &format!(
                    "avatarctl: {name}: {first}: cannot connect to PLACE: connection refused\n"
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
    {"server": "hs", "user": "robot", "mxc": "mxc://a/b"},
    {"server": "hs", "user": "build-bot", "mxc": "mxc://a/b"},
    {"server": "jira", "user": "robot", "avatar_id": 24880}"#,
    );
    batch("apply m.json", &world)
        .env("MATRIX_PASSWORD", "wrong")
        .env("ROCKETCHAT_PASSWORD", "wrong")
        .env("NAVIXY_PASSWORD", "wrong")
        .gives(
            77,
            "jira robot: avatar 24880 (was 10122)\n\
             1 changed, 0 unchanged, 3 failed, 3 skipped\n",
            &format!(
                "avatarctl: chat build-bot: log in as \"robot-admin\": refused: Unauthorized\n{CHAT_HINT}\
                 avatarctl: chat retired-bot: skipped: chat refused the credentials\n\
                 avatarctl: fleet 2132: log in as \"bot@example.com\": refused: Wrong login or password (code 102)\n\
                 {FLEET_HINT}\
                 avatarctl: fleet 2133: skipped: fleet refused the credentials\n\
                 avatarctl: hs robot: log in as \"admin\": refused: Invalid username or password\n{HS_HINT}\
                 avatarctl: hs build-bot: skipped: hs refused the credentials\n"
            ),
        );
    assert_eq!(calls(world.chat()), ["login"]);
    assert_eq!(calls(world.fleet()), ["user/auth"]);
    assert_eq!(count(world.hs()), (1, 0));
}

#[test]
fn a_login_that_fails_otherwise_skips_the_rest_of_its_server_too() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "retired-bot", "image": "faces/build.png"}"#,
    );
    world.chat().fault(
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
    assert_eq!(calls(world.chat()), ["login"]);
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
    let hs = Matrix::start();
    for words in [
        "show",
        "list",
        "whoami",
        "reset --force",
        "show --user nobody",
    ] {
        Run::new(["matrix"].into_iter().chain(words.split(' ')))
            .with(&hs)
            .output();
    }
    assert_eq!(count(&chat), (0, 0));
    assert_eq!(count(&fleet), (0, 0));
    assert_eq!(count(&hs), (0, 0));
    let mut world = World::new();
    world.declare(FOUR);
    world.run("apply m.json -q").output();
    assert_eq!(count(world.chat()), (0, 0));
}

#[test]
fn a_failed_survey_of_a_batch_logs_out() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "icon_id": 3654}"#,
    );
    world.fleet().fault(
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
        calls(world.fleet()),
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
    {"server": "fleet", "employee_id": 2133, "icon_id": 3654},
    {"server": "hs", "user": "robot", "mxc": "mxc://a/b"},
    {"server": "hs", "user": "build-bot", "mxc": "mxc://a/b"}"#,
    );
    let unknown = json!({"errcode": "M_UNKNOWN_TOKEN", "error": "no"});
    world.hs().fault(
        // It asks for the ways to log in first.
        Fault::any()
            .from(3)
            .always()
            .instead(Reply::json(401, unknown)),
    );
    let gone = json!({"status": "error", "message": "You must be logged in to do this."});
    world.chat().fault(
        Fault::any()
            .from(2)
            .always()
            .instead(Reply::json(401, gone)),
    );
    world
        .fleet()
        .fault(Fault::any().from(2).always().instead(code(4)));
    batch("apply m.json", &world).gives(
        77,
        "0 changed, 0 unchanged, 3 failed, 3 skipped\n",
        "avatarctl: chat build-bot: look up \"build-bot\": not logged in: You must be logged in to do this.\n\
         hint: the login of this run was ended by somebody else; run again\n\
         avatarctl: chat retired-bot: skipped: chat refused the credentials\n\
         avatarctl: fleet 2132: list employees: the hash was refused: no (code 4)\n\
         hint: the login of this run was ended by somebody else; run again\n\
         avatarctl: fleet 2133: skipped: fleet refused the credentials\n\
         avatarctl: hs robot: ask whether the caller is an admin: the token was refused: no\n\
         hint: the login of this run was ended by somebody else; run again\n\
         avatarctl: hs build-bot: skipped: hs refused the credentials\n",
    );
    assert_eq!(count(world.chat()), (1, 1));
    assert_eq!(count(world.fleet()), (1, 1));
    assert_eq!(count(world.hs()), (1, 1));
}

/// A refusal of Navixy's with this code.
pub fn code(code: u32) -> Reply {
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

#[test]
fn a_logout_of_matrix_that_fails_is_a_warning_and_no_failure() {
    let refusal = |status, code| Reply::json(status, json!({"errcode": code, "error": "no"}));
    for (answer, warning) in [
        (refusal(401, "M_UNKNOWN_TOKEN"), ""),
        (refusal(403, "M_FORBIDDEN"), "log out: not permitted: no"),
        (
            refusal(500, "M_UNKNOWN"),
            "log out: the server failed with 500: no",
        ),
        (
            Reply::empty(200),
            "log out: answered 200 with an empty body",
        ),
        (
            Reply::close_without_answer(),
            "log out: the connection was lost before the answer was complete",
        ),
    ] {
        println!("{warning}");
        let hs = Matrix::start();
        hs.fault(Fault::on("POST /logout").always().instead(answer));
        with_password("matrix set --user robot --mxc mxc://a/b", &hs)
            .once()
            .gives(
                0,
                "matrix robot: avatar mxc://a/b (first avatar)\n",
                &warned("matrix robot", warning),
            );
        assert_eq!(count(&hs), (1, 1));
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
    world.chat().fault(
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

/// Navixy's logout and that of Matrix may be repeated; Rocket.Chat's is not.
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
    let hs = Matrix::start();
    hs.fault(Fault::on("POST /logout").lost());
    with_password("matrix show", &hs).gives(
        0,
        "matrix @admin:test.local: no avatar, a letter shows\n",
        NOTHING,
    );
    assert_eq!(count(&hs), (1, 2));
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
            .fleet()
            .fault(Fault::on("* /employee/avatar/assign").from(2).hang());
        let process = batch("apply m.json", &world).start();
        // The login, the list, a write with its proof, and the write that hangs.
        world.fleet().wait_for(5);
        process.signal(signal);
        process.wait().gives(
            status,
            "fleet 2132: icon 3654 (was 12)\n\
             1 changed, 0 unchanged, 1 failed, 1 skipped\n",
            "avatarctl: fleet 2133: assign icon 3654: interrupted\n\
             avatarctl: fleet 2134: skipped: interrupted\n",
        );
        assert_eq!(count(world.fleet()), (1, 1));
        assert_eq!(left_open(world.fleet()), 0);

        let mut world = World::new();
        world.declare(
            r#"
    {"server": "hs", "user": "robot", "mxc": "mxc://a/b"},
    {"server": "hs", "user": "build-bot", "mxc": "mxc://a/b"}"#,
        );
        world.hs().fault(Fault::on("PUT /avatar_url").hang());
        let process = batch("apply m.json", &world).start();
        // The ways to log in, the login, whether an admin, the accounts, and the write that hangs.
        world.hs().wait_for(5);
        process.signal(signal);
        process.wait().gives(
            status,
            "0 changed, 0 unchanged, 1 failed, 1 skipped\n",
            "avatarctl: hs robot: set the avatar: interrupted\n\
             avatarctl: hs build-bot: skipped: interrupted\n",
        );
        assert_eq!(count(world.hs()), (1, 1));
        assert_eq!(left_open(world.hs()), 0);

        let mut world = World::new();
        world.declare(FOUR);
        world.chat().fault(Fault::on("* /users.setAvatar").hang());
        let process = batch("apply m.json", &world).start();
        world.chat().wait_for(3);
        process.signal(signal);
        process.wait().gives(
            status,
            "0 changed, 0 unchanged, 1 failed, 3 skipped\n",
            "avatarctl: chat build-bot: upload \"build.png\": interrupted\n\
             avatarctl: chat nobody: skipped: interrupted\n\
             avatarctl: chat retired-bot: skipped: interrupted\n\
             avatarctl: chat self: skipped: interrupted\n",
        );
        assert_eq!(count(world.chat()), (1, 1));
        assert_eq!(left_open(world.chat()), 0);
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
    world.chat().fault(Fault::on("* /users.setAvatar").hang());
    world.chat().fault(Fault::on("* /logout").hang());
    let process = batch("apply m.json --json", &world).start();
    world.chat().wait_for(3);
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
    assert_eq!(count(world.chat()), (1, 1));
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
    let text = world
        .manifest(FOUR)
        .replace(&world.chat().url(), &chat.url());
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
    let hs = Matrix::start();
    with_password("matrix set --user robot --mxc mxc://a/b --dry-run", &hs).gives(
        0,
        "curl -fsS -X PUT -H \"authorization: Bearer $MATRIX_TOKEN\" -H 'user-agent: avatarctl/VERSION' -H 'accept: application/json' \
         -H 'content-type: application/json' -d '{\"avatar_url\":\"mxc://a/b\"}' 'URL/_matrix/client/v3/profile/%40robot%3Atest.local/avatar_url'\n"
            .replace("VERSION", env!("CARGO_PKG_VERSION"))
            .as_str(),
        "avatarctl: matrix robot: warning: the login of this run ends with it; the commands need credentials that last\n\
         avatarctl: matrix robot: warning: before you run the commands, set MATRIX_TOKEN\n",
    );
    assert_eq!((count(&hs), left_open(&hs)), ((1, 1), 0));
}
