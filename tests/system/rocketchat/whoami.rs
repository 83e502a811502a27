//! `whoami` on Rocket.Chat: who the caller is, what it may, and what the server is.

use serde_json::json;

use crate::support::model::captured;
use crate::support::rocketchat::chat;
use crate::support::{Fault, Reply, Run};
use crate::system::whoami::{MAY, UNKNOWN, identity, whoami};

#[test]
fn who_the_caller_is_on_rocketchat() {
    let chat = chat();
    whoami("rocketchat", &chat).gives(
        0,
        "rocketchat: robot-admin, may change others, Rocket.Chat 7.5.1 at URL\n",
        "",
    );
    captured(&chat, include_str!("../../golden/rocketchat/whoami.txt"));
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
        whoami("rocketchat", &chat).once().gives(
            0,
            "rocketchat: robot-admin, may change others, Rocket.Chat at URL\n",
            "",
        );
        whoami("rocketchat", &chat).once().arg("--json").gives(
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
