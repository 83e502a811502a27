//! `whoami` on Navixy: who the caller is, and what it may.

use serde_json::json;

use crate::support::model::captured;
use crate::support::{Fault, Navixy, Reply};
use crate::system::whoami::{MAY, MAY_NOT, UNKNOWN, identity, whoami};

#[test]
fn who_the_caller_is_on_navixy() {
    let fleet = Navixy::start();
    whoami("navixy", &fleet).gives(
        0,
        "navixy: bot@example.com, may change others, Navixy at URL\n",
        "",
    );
    captured(&fleet, include_str!("../../golden/navixy/whoami.txt"));
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
