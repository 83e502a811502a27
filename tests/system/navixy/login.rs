//! Logins on Navixy by login and password, one for each run and ended by it, and the last days of a session hash that
//! was given.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::batch::World;
use crate::support::encoding::DAY;
use crate::support::navixy::{fleet, fleet_with};
use crate::support::printed::NOTHING;
use crate::support::{Fault, Reply, Run, Scratch};
use crate::system::login::{FLEET_HINT, calls, code, count, left_open, tried_once, with_password};

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
        assert_eq!(left_open(&fleet), 0);
    }
}

#[test]
fn a_login_of_navixy_is_one_session() {
    for untyped in [false, true] {
        let fleet = fleet_with(|model| model.untyped_login = untyped);
        with_password("navixy set --employee-id 2132 --icon-id 3654", &fleet).gives(
            0,
            "navixy 2132: icon 3654 (was 12)\n",
            NOTHING,
        );
        assert_eq!(
            fleet.capture(),
            include_str!("../../golden/navixy/login.txt")
        );
        assert_eq!(left_open(&fleet), 0);
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
        .fleet()
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
    let asked = calls(world.fleet());
    let asked = asked.iter().filter(|call| *call == "user/get_info");
    assert_eq!(asked.count(), 1);
    // What was found out is told even where nothing else could be done.
    world.fleet().fault(
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
