//! `diff` and `apply` of a manifest over all three systems: what is read, written, proven and told, and what a
//! failure, a signal or a kill leaves behind.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::batch::{self, ALL};
use crate::support::navixy::Edit;
use crate::support::printed::NOTHING;
use crate::support::rocketchat::Download;
use crate::support::server::unused_address;
use crate::support::{
    Before, Fault, Jira, Navixy, Reply, RocketChat, World, pictures, program, server,
};

// ------------------------------------------------------------------------------------------- diff, then apply

#[test]
fn apply_does_exactly_what_diff_shows_and_a_second_apply_does_nothing() {
    let mut world = World::new();
    world.declare(ALL);
    world.run("diff m.json").gives(
        2,
        "~ jira robot: avatar 24880 (now avatar 10122)\n\
         ? jira build-bot: image build.png (now avatar 10122)\n\
         ? chat build-bot: image build.png (now no avatar)\n\
         ? chat rbAXPnMktTFbNpwtJ: url http://pictures.example/a.jpg (now no avatar)\n\
         ~ fleet 2132: icon 3654 (now icon 12)\n\
         ? fleet 2133: image driver.jpg (now no avatar)\n\
         6 to change (4 not known), 0 the same\n",
        NOTHING,
    );
    assert_eq!(world.writes(), [""; 0], "a diff writes nothing");
    assert!(
        !world.scratch.join("m.json.state").exists(),
        "a diff leaves no state behind"
    );
    assert_eq!(world.connections(), [1, 1, 1]);

    world.run("apply m.json").gives(
        0,
        "jira robot: avatar 24880 (was 10122)\n\
         jira build-bot: image build.png (avatar 24901, was 10122)\n\
         chat build-bot: image build.png (etag 83o…, first avatar)\n\
         chat rbAXPnMktTFbNpwtJ: etag rkw…, first avatar, url http://pictures.example/a.jpg\n\
         fleet 2132: icon 3654 (was 12)\n\
         fleet 2133: image driver.jpg (file e3779b97f4a7c15.jpg, first avatar)\n\
         6 changed, 0 unchanged\n",
        NOTHING,
    );
    assert_eq!(world.connections(), [2, 2, 2], "one connection a server");
    assert_eq!(
        world.writes(),
        [
            "jira PUT avatar robot",
            "jira POST avatar/temporary build-bot",
            "jira POST avatar build-bot",
            "jira PUT avatar build-bot",
            "chat users.setAvatar BsNr28znDkG8aeo7W",
            "chat users.setAvatar rbAXPnMktTFbNpwtJ",
            "fleet assign 2132",
            "fleet upload 2133",
        ]
    );
    assert_eq!(
        world.state(),
        concat!(
            r#"{"v":1,"server":"JIRA","by":"user","account":"robot","set":"avatar_id:24880","fingerprint":"24880","time":"TIME"}"#,
            "\n",
            r#"{"v":1,"server":"JIRA","by":"user","account":"build-bot","set":"sha256:65baaeceaa230f534b26c1515775a547792fe76ce5552bc5777e6ac0a2b8aa59","fingerprint":"24901","time":"TIME"}"#,
            "\n",
            r#"{"v":1,"server":"CHAT","by":"user","account":"build-bot","set":"sha256:65baaeceaa230f534b26c1515775a547792fe76ce5552bc5777e6ac0a2b8aa59","fingerprint":"83okkgZWFdKc9RDgW","time":"TIME"}"#,
            "\n",
            r#"{"v":1,"server":"CHAT","by":"user_id","account":"rbAXPnMktTFbNpwtJ","set":"url:sha256:705248a9dff6e9ea47d33a65d0feefbb661fc2f4ae219bd4d3c59cbf12b91af9","fingerprint":"rkwgtdhhh78D5juMB","time":"TIME"}"#,
            "\n",
            r#"{"v":1,"server":"FLEET","by":"employee_id","account":"2132","set":"icon_id:3654","fingerprint":"icon:3654","time":"TIME"}"#,
            "\n",
            r#"{"v":1,"server":"FLEET","by":"employee_id","account":"2133","set":"sha256:cfcfd2f65a862387be5db4166ab20ec4eae417cc7357f7564a36ebf75e4b62f1","fingerprint":"file:e3779b97f4a7c15.jpg","time":"TIME"}"#,
            "\n",
        )
    );

    world.forget();
    let before = world.scratch.read("m.json.state");
    world.run("apply m.json").gives(
        0,
        "jira robot: avatar 24880, unchanged\n\
         jira build-bot: image build.png, unchanged\n\
         chat build-bot: image build.png, unchanged\n\
         chat rbAXPnMktTFbNpwtJ: url http://pictures.example/a.jpg, unchanged\n\
         fleet 2132: icon 3654, unchanged\n\
         fleet 2133: image driver.jpg, unchanged\n\
         0 changed, 6 unchanged\n",
        NOTHING,
    );
    assert_eq!(world.writes(), [""; 0]);
    assert_eq!(world.scratch.read("m.json.state"), before);
    world.run("apply m.json --quiet").gives(0, NOTHING, NOTHING);
    world.run("diff m.json --quiet").gives(0, NOTHING, NOTHING);
    world
        .run("diff m.json")
        .gives(0, "0 to change, 6 the same\n", NOTHING);
}

#[test]
fn an_unchanged_account_costs_a_look_and_navixy_one_walk() {
    let mut world = World::new();
    world.declare(ALL);
    assert_eq!(world.run("apply m.json").output().status, 0);
    world.forget();
    assert_eq!(world.run("diff m.json").output().status, 0);
    assert_eq!(
        [world.jira.calls(), world.chat.calls(), world.fleet.calls()],
        [
            vec![
                "GET /jira/rest/api/2/serverInfo".to_owned(),
                "GET /jira/rest/api/2/user/avatars?username=robot".to_owned(),
                "GET /jira/rest/api/2/user/avatars?username=build-bot".to_owned(),
            ],
            vec![
                "GET /chat/api/v1/users.info?username=build-bot".to_owned(),
                "HEAD /chat/avatar/build-bot".to_owned(),
                "GET /chat/api/v1/users.info?userId=rbAXPnMktTFbNpwtJ".to_owned(),
                "HEAD /chat/avatar/retired-bot".to_owned(),
            ],
            vec!["POST /v2/employee/list".to_owned()],
        ]
    );
}

#[test]
fn every_sign_of_a_diff() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "image": "faces/build.png"},
    {"server": "jira", "user": "build-bot", "image": "faces/build.png"},
    {"server": "jira", "user": "deploy-bot", "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2133, "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2134, "icon_id": 5}"#,
    );
    assert_eq!(world.run("apply m.json").output().status, 0);
    // One keeps all, one gets another picture in the manifest, one another avatar on the server, one is new.
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "image": "faces/build.png"},
    {"server": "jira", "user": "build-bot", "image": "faces/other.png"},
    {"server": "jira", "user": "deploy-bot", "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2132, "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2133, "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2134, "icon_id": 5}"#,
    );
    world.jira.model().user_mut("deploy-bot").selected = 10123;
    world.fleet.model().employee_mut(2133).icon_id = Some(7);
    world.fleet.model().employee_mut(2134).icon_id = Some(8);
    let signs = "= jira robot: image build.png\n\
         ~ jira build-bot: image other.png (now avatar 24902)\n\
         ! jira deploy-bot: image build.png (now avatar 10123)\n\
         ? fleet 2132: image build.png (now icon 12)\n\
         ! fleet 2133: image build.png (now icon 7)\n\
         ! fleet 2134: icon 5 (now icon 8)\n\
         5 to change (3 changed on the server, 1 not known), 1 the same\n";
    let verbose = world.run("diff m.json -v").output();
    assert_eq!((verbose.status, verbose.stdout.as_str()), (2, signs));
    let quiet = signs.split_once('\n').expect("lines").1;
    world.run("diff m.json").gives(2, quiet, NOTHING);
    world.run("diff m.json -q").gives(2, quiet, NOTHING);
    world.run("diff m.json --json").gives(
        2,
        concat!(
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"robot","action":"diff","outcome":"unchanged","before":"24901","reason":"same"}"#, "\n",
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"build-bot","action":"diff","outcome":"pending","before":"24902","reason":"wanted"}"#, "\n",
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"deploy-bot","action":"diff","outcome":"pending","before":"10123","reason":"drifted"}"#, "\n",
            r#"{"v":1,"type":"account","system":"navixy","server":"FLEET","account":"2132","action":"diff","outcome":"pending","before":"icon:12","reason":"unknown"}"#, "\n",
            r#"{"v":1,"type":"account","system":"navixy","server":"FLEET","account":"2133","action":"diff","outcome":"pending","before":"icon:7","reason":"drifted"}"#, "\n",
            r#"{"v":1,"type":"account","system":"navixy","server":"FLEET","account":"2134","action":"diff","outcome":"pending","before":"icon:8","reason":"drifted"}"#, "\n",
            r#"{"v":1,"type":"summary","changed":0,"unchanged":1,"failed":0,"pending":5,"skipped":0,"exit":2}"#, "\n",
        ),
        NOTHING,
    );
    // Nothing but what was shown is written; what was only unselected or covered is shown again, not sent again.
    world.forget();
    assert_eq!(world.run("apply m.json -q").output().status, 0);
    assert_eq!(
        world.writes(),
        [
            "jira POST avatar/temporary build-bot",
            "jira POST avatar build-bot",
            "jira PUT avatar build-bot",
            "jira PUT avatar deploy-bot",
            "fleet upload 2132",
            "fleet assign 2132",
            "fleet assign 2133",
            "fleet assign 2134",
        ]
    );
    assert_eq!(world.run("diff m.json").output().status, 0);
}

#[test]
fn presets_icons_and_resets_need_no_state() {
    let mut world = World::new();
    world
        .chat
        .model()
        .give("retired-bot", pictures::png(8, 8, 1));
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "avatar_id": 10122},
    {"server": "chat", "user": "retired-bot", "reset": true},
    {"server": "chat", "user": "build-bot", "reset": true},
    {"server": "fleet", "employee_id": 2132, "icon_id": null},
    {"server": "fleet", "employee_id": 2133, "icon_id": 7},
    {"server": "fleet", "employee_id": 2134, "icon_id": null}"#,
    );
    let told = world.run("apply m.json").output();
    told.gives(
        0,
        "jira robot: avatar 24880 (was 10122)\n\
         jira build-bot: avatar 10122, unchanged\n\
         chat build-bot: generated letter, unchanged\n\
         chat retired-bot: generated letter (was etag 83o…)\n\
         fleet 2132: no icon (was icon 12)\n\
         fleet 2133: icon 7 (first avatar)\n\
         fleet 2134: no icon, unchanged\n\
         4 changed, 3 unchanged\n",
        NOTHING,
    );
    fs::remove_file(world.scratch.join("m.json.state")).expect("there is a state");
    world.forget();
    world
        .run("diff m.json")
        .gives(0, "0 to change, 7 the same\n", NOTHING);
    world.run("apply m.json --quiet").gives(0, NOTHING, NOTHING);
    assert_eq!(world.writes(), [""; 0]);
}

/// `"self": true` is told by the name that the server reports, and remembered as what it is.
#[test]
fn an_account_may_be_the_caller_itself() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "self": true, "avatar_id": 24880},
    {"server": "chat", "self": true, "image": "faces/build.png"}"#,
    );
    let etag = "83okkgZWFdKc9RDgW";
    world.run("diff m.json").gives(
        2,
        "~ jira robot: avatar 24880 (now avatar 10122)\n\
         ? chat robot-admin: image build.png (now no avatar)\n\
         2 to change (1 not known), 0 the same\n",
        NOTHING,
    );
    world.run("apply m.json --json").gives(
        0,
        concat!(
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"robot","action":"apply","outcome":"changed","before":"10122","after":"24880","verified":true}"#, "\n",
            r#"{"v":1,"type":"account","system":"rocketchat","server":"CHAT","account":"robot-admin","action":"apply","outcome":"changed","before":null,"after":"83okkgZWFdKc9RDgW","verified":true}"#, "\n",
            r#"{"v":1,"type":"summary","changed":2,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#, "\n",
        ),
        NOTHING,
    );
    assert_eq!(
        world.state(),
        format!(
            "{{\"v\":1,\"server\":\"JIRA\",\"by\":\"self\",\"account\":\"self\",\"set\":\"avatar_id:24880\",\
             \"fingerprint\":\"24880\",\"time\":\"TIME\"}}\n\
             {{\"v\":1,\"server\":\"CHAT\",\"by\":\"self\",\"account\":\"self\",\
             \"set\":\"sha256:65baaeceaa230f534b26c1515775a547792fe76ce5552bc5777e6ac0a2b8aa59\",\
             \"fingerprint\":\"{etag}\",\"time\":\"TIME\"}}\n"
        )
    );
    world.run("diff m.json -q").gives(0, NOTHING, NOTHING);
}

#[test]
fn every_kind_of_avatar_is_remembered_as_what_it_is() {
    let mut world = World::new();
    world
        .chat
        .model()
        .give("retired-bot", pictures::png(8, 8, 1));
    world.declare(
        r#"
    {"server": "chat", "user": "retired-bot", "reset": true},
    {"server": "fleet", "employee_id": 2132, "icon_id": null}"#,
    );
    assert_eq!(world.run("apply m.json").output().status, 0);
    assert_eq!(
        world.state(),
        concat!(
            r#"{"v":1,"server":"CHAT","by":"user","account":"retired-bot","set":"reset","fingerprint":null,"time":"TIME"}"#,
            "\n",
            r#"{"v":1,"server":"FLEET","by":"employee_id","account":"2132","set":"icon_id:null","fingerprint":null,"time":"TIME"}"#,
            "\n",
        )
    );
}

#[test]
fn a_walk_over_many_pages_serves_all_accounts_of_a_server() {
    let mut world = World::with_bots(250);
    let accounts: Vec<String> = (0..250)
        .rev()
        .map(|n| {
            format!(
                "\n    {{\"server\": \"fleet\", \"employee_id\": {}, \"icon_id\": null}}",
                5000 + n
            )
        })
        .chain(["\n    {\"server\": \"fleet\", \"employee_id\": 9, \"icon_id\": 1}".to_owned()])
        .collect();
    world.declare(&accounts.join(","));
    world.run("diff m.json").gives(
        67,
        "0 to change, 250 the same, 1 failed\n",
        "avatarctl: fleet 9: read employee 9: no such employee: Not found in the database (code 201)\n",
    );
    // Who was not met on the walk is looked for alone.
    assert_eq!(
        world.fleet.calls(),
        [
            "POST /v2/employee/list",
            "POST /v2/employee/list",
            "POST /v2/employee/list",
            "POST /v2/employee/read"
        ]
    );
    assert_eq!(world.fleet.connections(), 1);
}

/// Reading each account alone is what is left when the pages are short: never more calls than accounts.
#[test]
fn a_list_in_short_pages_is_not_read_for_a_few_accounts() {
    let mut world = World::with_bots(250);
    world.fleet.model().page_limit = 1;
    let accounts: Vec<String> = (0..3)
        .map(|n| {
            format!(
                "\n    {{\"server\": \"fleet\", \"employee_id\": {}, \"icon_id\": null}}",
                5100 + n
            )
        })
        .collect();
    world.declare(&accounts.join(","));
    world
        .run("diff m.json")
        .gives(0, "0 to change, 3 the same\n", NOTHING);
    let read = "POST /v2/employee/read";
    assert_eq!(
        world.fleet.calls(),
        ["POST /v2/employee/list", read, read, read]
    );
}

/// The list is read for all accounts of a server, so what is wrong with it is told at the first.
#[test]
fn a_list_whose_total_moves_ends_a_batch() {
    let mut world = World::with_bots(250);
    world.fleet.model().edits = vec![Edit::Add; 9];
    let accounts: Vec<String> = (0..250)
        .map(|n| {
            format!(
                "\n    {{\"server\": \"fleet\", \"employee_id\": {}, \"icon_id\": null}}",
                5000 + n
            )
        })
        .collect();
    world.declare(&accounts.join(","));
    let told = world.run("apply m.json").output();
    assert_eq!(told.status, 76);
    let first: String = told.stderr.split_inclusive('\n').take(2).collect();
    let total = world.fleet.model().employees.len();
    assert_eq!(
        first,
        format!(
            "avatarctl: fleet 5000: list employees: the total went from {} to {total} while the pages were read\n\
             hint: run again when nobody adds or deletes employees\n",
            total - 1
        )
    );
    assert_eq!(told.stderr.lines().count(), 2 + 249);
    assert_eq!(world.fleet.calls(), ["POST /v2/employee/list"; 4]);
}

#[test]
fn servers_come_one_after_another_and_accounts_in_the_order_of_the_file() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "fleet", "employee_id": 2134, "icon_id": 1},
    {"server": "jira", "user": "deploy-bot", "avatar_id": 24871},
    {"server": "chat", "user": "retired-bot", "image": "faces/build.png"},
    {"server": "jira", "user": "build-bot", "avatar_id": 24872},
    {"server": "fleet", "employee_id": 2132, "icon_id": 2},
    {"server": "jira", "user": "robot", "avatar_id": 24873}"#,
    );
    // The next server is not called before the one before is done.
    world
        .fleet
        .fault(Fault::on("* /employee/avatar/assign").always().hang());
    let process = world.run("apply m.json").start();
    world.fleet.wait_for(2);
    assert_eq!(world.requests(), [11, 4, 2]);
    assert_eq!(
        world.writes(),
        [
            "jira PUT avatar deploy-bot",
            "jira PUT avatar build-bot",
            "jira PUT avatar robot",
            "chat users.setAvatar rbAXPnMktTFbNpwtJ",
            "fleet assign 2134",
        ]
    );
    drop(process);
    assert_eq!(world.connections(), [1, 1, 1]);
}

// ----------------------------------------------------------------------------------------------------- proofs

#[test]
fn nobody_sleeps_for_each_account_while_a_server_settles() {
    const COUNT: usize = 40;
    let mut world = World::with_bots(COUNT);
    let accounts: Vec<String> = (0..COUNT)
        .map(|n| {
            format!(
                "\n    {{\"server\": \"chat\", \"user\": \"bot-{n}\", \"image\": \"faces/build.png\"}}"
            )
        })
        .collect();
    world.declare(&accounts.join(","));
    let begun = Instant::now();
    let told = world.run("apply m.json --json").output();
    let took = begun.elapsed();
    assert_eq!(told.status, 0, "{told:?}");
    // One after another they would have waited for twenty seconds and more.
    assert!(
        took < Duration::from_millis(500) * COUNT as u32 / 2,
        "{took:?}"
    );
    // On the wire: writes of later accounts come before the first account is looked at again.
    let calls = world.chat.calls();
    let looks_at_first: Vec<usize> = calls
        .iter()
        .enumerate()
        .filter(|(_, call)| call.ends_with("username=bot-0"))
        .map(|(at, _)| at)
        .collect();
    let [_, again] = looks_at_first[..] else {
        panic!("a look before and a look after: {calls:?}");
    };
    let writes_before = calls[..again]
        .iter()
        .filter(|call| call.starts_with("POST"))
        .count();
    assert!(writes_before > 1, "{calls:?}");
    assert_eq!(
        calls.len(),
        4 * COUNT,
        "a look, a write, a look and one at the picture each"
    );
    assert_eq!(world.chat.connections(), 1);
    assert_eq!(told.json()[COUNT]["changed"], COUNT);
}

#[test]
fn a_server_that_takes_long_to_show_it_is_asked_again() {
    let mut chat = RocketChat::default();
    chat.settle = Duration::from_millis(1200);
    chat.blank_while_settling = true;
    let mut world = World::of(Jira::default(), chat, Navixy::default());
    world.declare(
        r#"
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "retired-bot", "image": "faces/build.png"}"#,
    );
    let told = world.run("apply m.json").output();
    told.gives(
        0,
        "chat build-bot: image build.png (etag 83o…, first avatar)\n\
         chat retired-bot: image build.png (etag rkw…, first avatar)\n\
         2 changed, 0 unchanged\n",
        NOTHING,
    );
    let looks = world.chat.calls();
    let looks = looks
        .iter()
        .filter(|call| call.contains("build-bot"))
        .count();
    assert_eq!(
        looks, 4,
        "before, too early, and when it shows, with its picture"
    );
}

#[test]
fn a_success_that_does_not_show_is_a_failure_of_its_own_and_no_line_is_written() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "avatar_id": 24881}"#,
    );
    world
        .jira
        .fault(Fault::on("PUT /user/avatar").instead(Reply::empty(204)));
    world.run("apply m.json").gives(
        76,
        "jira build-bot: avatar 24881 (was 10122)\n\
         1 changed, 0 unchanged, 1 failed\n",
        "avatarctl: jira robot: the server answered success, but the account still shows avatar 10122\n\
         hint: look at the account with show, and at the server's log\n",
    );
    assert_eq!(world.state().lines().count(), 1);
    assert!(world.state().contains("build-bot"));
}

// --------------------------------------------------------------------------------------------------- failures

const THREE: &str = r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "nobody", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "avatar_id": 24880}"#;

#[test]
fn a_failure_does_not_stop_the_others_and_they_end_with_the_class_they_share() {
    let mut world = World::new();
    world.declare(THREE);
    const COMPLAINT: &str = "avatarctl: jira nobody: look up the avatars of \"nobody\": not found: The user named 'nobody' does not exist\n";
    world.run("apply m.json").gives(
        67,
        "jira robot: avatar 24880 (was 10122)\n\
         jira build-bot: avatar 24880 (was 10122)\n\
         2 changed, 0 unchanged, 1 failed\n",
        COMPLAINT,
    );
    // Failure outranks what is pending.
    world.jira.model().user_mut("robot").selected = 10122;
    world.run("diff m.json").gives(
        67,
        "! jira robot: avatar 24880 (now avatar 10122)\n\
         1 to change (1 changed on the server), 1 the same, 1 failed\n",
        COMPLAINT,
    );
    world.run("diff m.json --json").gives(
        67,
        concat!(
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"robot","action":"diff","outcome":"pending","before":"10122","reason":"drifted"}"#, "\n",
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"nobody","action":"diff","outcome":"failed","error":{"class":"target","exit":67,"status":404,"message":"look up the avatars of \"nobody\": not found: The user named 'nobody' does not exist","hint":null}}"#, "\n",
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"build-bot","action":"diff","outcome":"unchanged","before":"24880","reason":"same"}"#, "\n",
            r#"{"v":1,"type":"summary","changed":0,"unchanged":1,"failed":1,"pending":1,"skipped":0,"exit":67}"#, "\n",
        ),
        COMPLAINT,
    );
}

#[test]
fn failures_of_two_classes_end_with_one() {
    let mut world = World::new();
    world.declare(&format!(
        "{THREE},\n    {{\"server\": \"chat\", \"user\": \"build-bot\", \"image\": \"faces/build.png\"}}"
    ));
    world
        .chat
        .fault(Fault::any().always().instead(Reply::html(200, "Log in")));
    let told = world.run("apply m.json --once").output();
    assert_eq!(told.status, 64, "there is no such option: {told:?}");
    let told = world.run("apply m.json").output();
    assert_eq!(told.status, 1, "{told:?}");
    assert_eq!(world.requests()[2], 0);
}

#[test]
fn refused_credentials_skip_the_rest_of_that_server_and_no_other() {
    let mut world = World::new();
    world.declare(ALL);
    world
        .run("apply m.json --json")
        .env("ROCKETCHAT_AUTH_TOKEN", "wrong")
        .gives(
            77,
            concat!(
                r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"robot","action":"apply","outcome":"changed","before":"10122","after":"24880","verified":true}"#, "\n",
                r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"build-bot","action":"apply","outcome":"changed","before":"10122","after":"24901","verified":true}"#, "\n",
                r#"{"v":1,"type":"account","system":"rocketchat","server":"CHAT","account":"build-bot","action":"apply","outcome":"failed","error":{"class":"credentials","exit":77,"status":401,"message":"look up \"build-bot\": not logged in: You must be logged in to do this.","hint":"check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN belong together"}}"#, "\n",
                r#"{"v":1,"type":"account","system":"rocketchat","server":"CHAT","account":"rbAXPnMktTFbNpwtJ","action":"apply","outcome":"skipped","reason":"chat refused the credentials"}"#, "\n",
                r#"{"v":1,"type":"account","system":"navixy","server":"FLEET","account":"2132","action":"apply","outcome":"changed","before":"icon:12","after":"icon:3654","verified":true}"#, "\n",
                r#"{"v":1,"type":"account","system":"navixy","server":"FLEET","account":"2133","action":"apply","outcome":"changed","before":null,"after":"file:e3779b97f4a7c15.jpg","verified":true}"#, "\n",
                r#"{"v":1,"type":"summary","changed":4,"unchanged":0,"failed":1,"pending":0,"skipped":1,"exit":77}"#, "\n",
            ),
            "avatarctl: chat build-bot: look up \"build-bot\": not logged in: You must be logged in to do this.\n\
             hint: check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN belong together\n\
             avatarctl: chat rbAXPnMktTFbNpwtJ: skipped: chat refused the credentials\n",
        );
    assert_eq!(world.requests()[1], 1, "one try, or an account is locked");
}

#[test]
fn a_wrong_password_is_tried_once() {
    let mut world = World::new();
    world.declare(THREE);
    let told = world
        .run("apply m.json")
        .env("JIRA_PASSWORD", "wrong")
        .output();
    assert_eq!(told.status, 77, "{told:?}");
    assert_eq!(world.requests()[0], 1);
    assert_eq!(world.jira.model().user("robot").failed_logins, 1);
    assert_eq!(
        told.stderr.lines().skip(2).collect::<Vec<_>>(),
        [
            "avatarctl: jira nobody: skipped: jira refused the credentials",
            "avatarctl: jira build-bot: skipped: jira refused the credentials",
        ]
    );
}

/// Several writes wait for their proof when the token is taken away: nobody may knock again for each of them.
#[test]
fn credentials_that_are_refused_in_the_middle_are_not_tried_again() {
    let mut world = World::with_bots(5);
    let accounts: Vec<String> = (0..5)
        .map(|n| {
            format!(
                "\n    {{\"server\": \"chat\", \"user\": \"bot-{n}\", \"image\": \"faces/build.png\"}}"
            )
        })
        .collect();
    world.declare(&accounts.join(","));
    let refusal = Reply::json(
        401,
        r#"{"success":false,"status":"error","message":"gone"}"#,
    );
    world
        .chat
        .fault(Fault::any().from(8).always().instead(refusal));
    let told = world.run("apply m.json").output();
    told.gives(
        77,
        "0 changed, 0 unchanged, 4 failed, 1 skipped\n",
        "avatarctl: chat bot-3: upload \"build.png\": not logged in: gone\n\
         hint: check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN belong together\n\
         avatarctl: chat bot-0: the server took the change, but it is not proven: chat refused the credentials\n\
         avatarctl: chat bot-1: the server took the change, but it is not proven: chat refused the credentials\n\
         avatarctl: chat bot-2: the server took the change, but it is not proven: chat refused the credentials\n\
         avatarctl: chat bot-4: skipped: chat refused the credentials\n",
    );
    assert_eq!(world.requests()[1], 8);
    assert_eq!(world.state(), "");
}

#[test]
fn a_server_that_is_not_there_is_skipped_and_the_others_go_on() {
    let mut world = World::new();
    let path = world.declare(
        r#"
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "retired-bot", "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654}"#,
    );
    world.chat.expect_no_calls();
    let address = unused_address();
    let text = fs::read_to_string(&path).expect("it was just written");
    let text = text.replace(
        world.chat.url().trim_end_matches("/chat"),
        &format!("http://{address}"),
    );
    fs::write(&path, text).expect("scratch is writable");
    world
        .run("apply m.json --retries 0")
        .mask(&address.to_string(), "GONE")
        .gives(
            69,
            "fleet 2132: icon 3654 (was 12)\n\
             1 changed, 0 unchanged, 1 failed, 1 skipped\n",
            "avatarctl: chat build-bot: look up \"build-bot\": cannot connect to GONE: connection refused\n\
             avatarctl: chat retired-bot: skipped: chat cannot be reached\n",
        );
}

#[test]
fn without_credentials_a_server_is_not_called() {
    let mut world = World::new();
    world.declare(ALL);
    world.jira.expect_no_calls();
    world.chat.expect_no_calls();
    let told = world
        .run("apply m.json")
        .without("JIRA_USER")
        .without("JIRA_PASSWORD")
        .without("ROCKETCHAT_AUTH_TOKEN")
        .output();
    told.gives(
        78,
        "fleet 2132: icon 3654 (was 12)\n\
         fleet 2133: image driver.jpg (file e3779b97f4a7c15.jpg, first avatar)\n\
         2 changed, 0 unchanged, 2 failed, 2 skipped\n",
        "avatarctl: jira robot: no credentials for Jira\n\
         hint: set JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD\n\
         avatarctl: jira build-bot: skipped: jira could not be opened\n\
         avatarctl: chat build-bot: ROCKETCHAT_USER_ID is set and ROCKETCHAT_AUTH_TOKEN is not\n\
         hint: set ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN, or ROCKETCHAT_USER and ROCKETCHAT_PASSWORD\n\
         avatarctl: chat rbAXPnMktTFbNpwtJ: skipped: chat could not be opened\n",
    );
}

/// A picture that goes away after it was checked is its account's failure; the state file has no part in it.
#[test]
fn a_picture_that_goes_away_meanwhile_is_the_failure_of_its_account_alone() {
    let mut world = World::new();
    let picture = world.scratch.join("faces/build.png");
    let chat = Before::request(1, RocketChat::default(), move || {
        fs::remove_file(&picture).expect("it was there");
    });
    world.offline();
    let accounts = r#"
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "retired-bot", "image": "faces/other.png"}"#;
    let text = world
        .manifest(accounts)
        .replace(&world.chat.url(), &chat.url());
    let path = world.scratch.join("m.json");
    fs::write(&path, text).expect("scratch is writable");
    let told = world.run("apply m.json").output();
    assert_eq!(
        told.stdout,
        "chat retired-bot: image other.png (etag 83o…, first avatar)\n\
         1 changed, 0 unchanged, 1 failed\n",
        "{told:?}"
    );
    assert!(!told.stderr.contains("state file"), "{told:?}");
    assert!(matches!(told.status, 65 | 66), "{told:?}");
}

// ---------------------------------------------------------------------------------------------------- signals

/// What was waited for is not sent when a signal ends the wait.
#[test]
fn a_signal_during_a_wait_sends_nothing_more() {
    let mut world = World::new();
    world.declare(THREE.replace("nobody", "deploy-bot").as_str());
    let busy = Reply::json(429, "{}").header("Retry-After", "42");
    world
        .jira
        .fault(Fault::on("PUT /user/avatar").always().instead(busy));
    let process = world.run("apply m.json").start();
    // The server, a look, and the write that is refused.
    world.jira.wait_for(3);
    process.signal("TERM");
    let told = process.wait();
    // The signal may come before the wait has begun; then it does not begin.
    let waited = told
        .stderr
        .starts_with("avatarctl: too many requests, trying again");
    let how = match waited {
        true => {
            "avatarctl: too many requests, trying again in 42 s to select avatar 24880\n\
             avatarctl: jira robot: select avatar 24880: interrupted\n"
        }
        false => "avatarctl: jira robot: select avatar 24880: too many requests\n",
    };
    told.gives(
        143,
        "0 changed, 0 unchanged, 1 failed, 2 skipped\n",
        &format!(
            "{how}avatarctl: jira deploy-bot: skipped: interrupted\n\
             avatarctl: jira build-bot: skipped: interrupted\n"
        ),
    );
    assert_eq!(world.requests()[0], 3);
    assert_eq!(world.state(), NOTHING);
}

/// The same name, ids and pictures on another server are another matter: what was proven there proves nothing
/// here, and what was uploaded there is not what has its id here.
#[test]
fn what_was_proven_on_another_server_is_not_taken_for_this_one() {
    let mut world = World::new();
    let accounts =
        "\n    {\"server\": \"jira\", \"user\": \"build-bot\", \"image\": \"faces/build.png\"}";
    world.declare(accounts);
    world.run("apply m.json -q").gives(
        0,
        "jira build-bot: image build.png (avatar 24901, was 10122)\n\
         1 changed, 0 unchanged\n",
        NOTHING,
    );
    let state = world.scratch.read("m.json.state");
    let mut moved = World::new();
    moved.declare(accounts);
    moved
        .jira
        .model()
        .give("build-bot", pictures::png(64, 64, 77));
    moved.jira.model().user_mut("build-bot").selected = 24901;
    moved.scratch.write("m.json.state", state);
    moved.run("diff m.json").gives(
        2,
        "? jira build-bot: image build.png (now avatar 24901)\n\
         1 to change (1 not known), 0 the same\n",
        NOTHING,
    );
    moved.run("apply m.json --prune").gives(
        0,
        "jira build-bot: image build.png (avatar 24902, was 24901)\n\
         1 changed, 0 unchanged\n",
        NOTHING,
    );
    assert!(moved.jira.model().custom(24901).is_some(), "somebody's own");
}

#[test]
fn a_signal_ends_a_run_within_a_second_and_what_was_proven_is_kept() {
    for (signal, status) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let mut world = World::new();
        world.declare(THREE.replace("nobody", "deploy-bot").as_str());
        world.jira.fault(
            Fault::on("PUT /user/avatar")
                .from(2)
                .always()
                .carried_out_then_hang(),
        );
        let process = world.run("apply m.json").start();
        // The server, two looks around the first write, Gravatar, and the second account's look and write.
        world.jira.wait_for(7);
        let begun = Instant::now();
        process.signal(signal);
        let told = process.wait();
        // A grace of one second, and the time to end.
        assert!(begun.elapsed() < Duration::from_millis(1900));
        told.gives(
            status,
            "jira robot: avatar 24880 (was 10122)\n\
             1 changed, 0 unchanged, 1 failed, 1 skipped\n",
            "avatarctl: jira deploy-bot: select avatar 24880: interrupted\n\
             avatarctl: jira build-bot: skipped: interrupted\n",
        );
        assert_eq!(world.state().lines().count(), 1);
        assert_eq!(world.requests()[0], 7);
        // The lock is gone, and the rest is done by the next run.
        world.jira.heal();
        world.run("apply m.json").gives(
            0,
            "jira robot: avatar 24880, unchanged\n\
             jira deploy-bot: avatar 24880, unchanged\n\
             jira build-bot: avatar 24880 (was 10122)\n\
             1 changed, 2 unchanged\n",
            NOTHING,
        );
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut world = World::new();
    world.declare(THREE);
    world.jira.fault(Fault::any().from(2).always().hang());
    let process = world.run("apply m.json").start();
    world.jira.wait_for(2);
    let begun = Instant::now();
    // Both are there before the program goes on, in an order that the kernel chooses.
    for signal in ["STOP", "INT", "TERM", "CONT"] {
        process.signal(signal);
    }
    let told = process.wait();
    assert!(begun.elapsed() < Duration::from_millis(900));
    assert!(matches!(told.status, 130 | 143), "{told:?}");
    let status = told.status;
    told.gives(status, NOTHING, NOTHING);
}

/// The answer comes within the grace: the account is finished, the rest is told of, and no other server is
/// opened.
#[test]
fn a_signal_skips_the_rest_and_opens_no_other_server() {
    let mut world = World::new();
    world.chat.expect_no_calls();
    let (sender, receiver) = std::sync::mpsc::channel::<u32>();
    let jira = Before::request(2, Jira::default(), move || {
        let process = receiver.recv().expect("the test tells the process");
        let sent = Command::new("kill")
            .args(["-TERM", &process.to_string()])
            .status();
        assert!(sent.expect("kill starts").success());
    });
    world.offline();
    let text = world.manifest(ALL).replace(&world.jira.url(), &jira.url());
    fs::write(world.scratch.join("m.json"), text).expect("scratch is writable");
    let process = world
        .run("apply m.json --json")
        .mask(&jira.url(), "JIRA")
        .start();
    sender.send(process.id()).expect("the model waits for it");
    let told = process.wait();
    told.gives(
        143,
        concat!(
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"robot","action":"apply","outcome":"changed","before":"10122","after":"24880","verified":true}"#, "\n",
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"build-bot","action":"apply","outcome":"skipped","reason":"interrupted"}"#, "\n",
            r#"{"v":1,"type":"account","system":"rocketchat","server":"CHAT","account":"build-bot","action":"apply","outcome":"skipped","reason":"interrupted"}"#, "\n",
            r#"{"v":1,"type":"account","system":"rocketchat","server":"CHAT","account":"rbAXPnMktTFbNpwtJ","action":"apply","outcome":"skipped","reason":"interrupted"}"#, "\n",
            r#"{"v":1,"type":"account","system":"navixy","server":"FLEET","account":"2132","action":"apply","outcome":"skipped","reason":"interrupted"}"#, "\n",
            r#"{"v":1,"type":"account","system":"navixy","server":"FLEET","account":"2133","action":"apply","outcome":"skipped","reason":"interrupted"}"#, "\n",
            r#"{"v":1,"type":"summary","changed":1,"unchanged":0,"failed":0,"pending":0,"skipped":5,"exit":143}"#, "\n",
        ),
        "avatarctl: jira build-bot: skipped: interrupted\n\
         avatarctl: chat build-bot: skipped: interrupted\n\
         avatarctl: chat rbAXPnMktTFbNpwtJ: skipped: interrupted\n\
         avatarctl: fleet 2132: skipped: interrupted\n\
         avatarctl: fleet 2133: skipped: interrupted\n",
    );
    assert_eq!(world.state().lines().count(), 1);
}

// ------------------------------------------------------------------------------------------------------ kills

/// How often each account's avatar was stored, and what all wear in the end.
fn stored(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for write in world.writes() {
        // A Jira upload is three calls, of which the second stores it.
        if write.contains("/temporary") || write.contains("PUT avatar build-bot") {
            continue;
        }
        *counts.entry(write).or_insert(0) += 1;
    }
    counts
}

fn all_is_worn(world: &World) {
    let jira = world.jira.model();
    assert_eq!(jira.user("robot").selected, 24880);
    let worn = jira.user("build-bot").selected;
    assert!(
        jira.custom(worn)
            .is_some_and(|custom| custom.owner == "JIRAUSER10101")
    );
    drop(jira);
    let mut chat = world.chat.model();
    let bytes = pictures::png(64, 64, 1);
    assert!(
        chat.user("build-bot")
            .picture
            .as_ref()
            .is_some_and(|it| it.bytes == bytes)
    );
    assert_eq!(chat.user("retired-bot").origin.as_deref(), Some("url"));
    drop(chat);
    let fleet = world.fleet.model();
    assert_eq!(fleet.employee(2132).icon_id, Some(3654));
    assert_eq!(fleet.employee(2133).icon_id, None);
    assert!(fleet.employee(2133).avatar_file_name.is_some());
}

/// Kills a run with the request of that number in flight on that server, then runs again.
fn kill_at(system: usize, nth: usize, carried_out: bool) {
    let about = format!("request {nth} of server {system}, carried out: {carried_out}");
    let mut world = World::new();
    world.declare(ALL);
    world.expect_torn_requests();
    let fault = Fault::any().from(nth).always();
    let fault = match carried_out {
        true => fault.carried_out_then_hang(),
        false => fault.hang(),
    };
    match system {
        0 => world.jira.fault(fault),
        1 => world.chat.fault(fault),
        _ => world.fleet.fault(fault),
    }
    let process = world.run("apply m.json").start();
    match system {
        0 => world.jira.wait_for(nth),
        1 => world.chat.wait_for(nth),
        _ => world.fleet.wait_for(nth),
    }
    process.signal("KILL");
    let killed = process.wait();
    assert_eq!(
        (killed.status, killed.stderr.as_str()),
        (137, NOTHING),
        "{about}"
    );
    // Whatever was told was remembered.
    let state = match world.scratch.join("m.json.state").exists() {
        true => world.state(),
        false => String::new(),
    };
    assert_eq!(
        state.lines().count(),
        killed.stdout.lines().count(),
        "{about}"
    );
    assert!(state.is_empty() || state.ends_with('\n'));

    match system {
        0 => world.jira.heal(),
        1 => world.chat.heal(),
        _ => world.fleet.heal(),
    }
    let again = world.run("apply m.json").output();
    assert_eq!(
        (again.status, again.stderr.as_str()),
        (0, NOTHING),
        "{about}: {again:?}"
    );
    assert_eq!(again.stdout.lines().count(), 7, "{about}: {again:?}");
    for line in killed.stdout.lines() {
        let name = line.split(':').next().expect("a name");
        let unchanged = again
            .stdout
            .lines()
            .any(|line| line.starts_with(name) && line.ends_with(", unchanged"));
        assert!(
            unchanged,
            "{about}: {name} was proven, and was set again: {again:?}"
        );
    }
    all_is_worn(&world);
    // Set twice is at most what was in flight: on Rocket.Chat that may be both, because one waits for its proof
    // while the other is written.
    let in_flight = stored(&world).values().filter(|count| **count > 1).count();
    let most = if system == 1 { 2 } else { 1 };
    assert!(in_flight <= most, "{about}: {:?}", stored(&world));
    assert!(stored(&world).values().all(|count| *count <= 2), "{about}");

    world.forget();
    assert_eq!(world.run("apply m.json -q").output().status, 0);
    assert_eq!(world.writes(), [""; 0], "{about}: nothing is left to do");
}

#[test]
fn a_kill_at_any_request_loses_nothing_and_sets_nothing_twice_but_what_was_in_flight() {
    // What an undisturbed run asks of each.
    let mut world = World::new();
    world.declare(ALL);
    assert_eq!(world.run("apply m.json").output().status, 0);
    let requests = world.requests();
    assert_eq!(requests, [10, 8, 5]);
    let mut kills = Vec::new();
    for (system, count) in requests.into_iter().enumerate() {
        for nth in 1..=count {
            kills.extend([(system, nth, false), (system, nth, true)]);
        }
    }
    // Most of the time is spent in Rocket.Chat's half seconds.
    let kills = std::sync::Mutex::new(kills);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((system, nth, carried_out)) = { server::lock(&kills).pop() } {
                    kill_at(system, nth, carried_out);
                }
            });
        }
    });
}

// ------------------------------------------------------------------------------------------- avatars that were lost

const BUILD: &str = r#"{"server": "chat", "user": "build-bot", "image": "faces/build.png"}"#;
const BROKEN: &str = r#"{"server": "chat", "user": "build-bot", "avatar_url": "http://pictures.example/broken.png"}"#;

/// `build-bot` wears `build.png`, and there is an address whose picture the server refuses when the old one is gone.
fn before_a_refusal() -> World {
    let mut chat = RocketChat::default();
    chat.settle = Duration::ZERO;
    chat.downloads.insert(
        "http://pictures.example/broken.png".into(),
        Download::File {
            content_type: "image/png".into(),
            bytes: b"no picture".to_vec(),
        },
    );
    let mut world = World::of(Jira::default(), chat, Navixy::default());
    world.declare(BUILD);
    assert_eq!(world.run("apply m.json").output().status, 0);
    world
}

const PROVEN: &str = r#"{"v":1,"server":"CHAT","by":"user","account":"build-bot","set":"sha256:SHA","fingerprint":"ETAG","time":"TIME"}
"#;
const FORGOTTEN: &str = r#"{"v":1,"server":"CHAT","by":"user","account":"build-bot","set":"unknown","time":"TIME"}
"#;

/// The state without what differs from picture to picture.
fn told(world: &World) -> String {
    let mut told = String::new();
    for line in world.state().lines() {
        let mut line: serde_json::Value = serde_json::from_str(line).expect("JSON lines");
        if line["set"]
            .as_str()
            .is_some_and(|set| set.starts_with("sha256:"))
        {
            line["set"] = "sha256:SHA".into();
        }
        if line["fingerprint"].is_string() {
            line["fingerprint"] = "ETAG".into();
        }
        told += match line["set"].as_str() {
            Some("unknown") if line.get("fingerprint").is_none() => FORGOTTEN,
            Some("sha256:SHA") if line["fingerprint"] == "ETAG" => PROVEN,
            other => panic!("{other:?} {line}"),
        };
    }
    told
}

#[test]
fn an_avatar_that_a_refusal_cost_is_set_again() {
    // Whether the picture can be looked at, or the state alone must know; and without any look.
    for (blind, options) in [(false, ""), (true, ""), (true, " --no-verify")] {
        let mut world = before_a_refusal();
        if blind {
            let fault = Fault::on("HEAD /avatar/build-bot").always();
            world.chat.fault(fault.instead(Reply::html(403, "no")));
        }
        world.declare(BROKEN);
        world.run(&format!("apply m.json{options}")).gives(
            65,
            "0 changed, 0 unchanged, 1 failed\n",
            "avatarctl: chat build-bot: set the avatar from its address: the server cannot decode the picture, and the account has lost the avatar it had: Input buffer contains unsupported image format\n",
        );
        assert!(world.chat.model().user("build-bot").picture.is_none());
        assert_eq!(told(&world), format!("{PROVEN}{FORGOTTEN}"));
        world.declare(BUILD);
        let first = match blind {
            true => "was 83o…",
            false => "first avatar",
        };
        let now = match blind {
            true => "etag 83o…",
            false => "no avatar",
        };
        world.run("diff m.json").gives(
            2,
            &format!(
                "? chat build-bot: image build.png (now {now})\n\
                 1 to change (1 not known), 0 the same\n"
            ),
            NOTHING,
        );
        world.run("apply m.json").gives(
            0,
            &format!(
                "chat build-bot: image build.png (etag Tke…, {first})\n\
                 1 changed, 0 unchanged\n"
            ),
            NOTHING,
        );
        assert!(world.chat.model().user("build-bot").picture.is_some());
        assert_eq!(told(&world), PROVEN, "what is stale is dropped");
    }
}

#[test]
fn an_avatar_that_was_lost_is_a_change_of_the_server() {
    let mut world = before_a_refusal();
    world.declare(BUILD);
    world.chat.model().user("build-bot").picture = None;
    let drifted = world.run("diff m.json --json").output();
    let line = &drifted.json()[0];
    assert_eq!(
        (drifted.status, &line["reason"], &line["before"]),
        (2, &"drifted".into(), &serde_json::Value::Null)
    );
    assert_eq!(world.run("apply m.json").output().status, 0);
    assert!(world.chat.model().user("build-bot").picture.is_some());
    assert_eq!(told(&world), format!("{PROVEN}{PROVEN}"));
}

#[test]
fn what_was_proven_is_forgotten_once_a_write_was_sent_and_is_not_proven() {
    let write = "* /users.setAvatar";
    let look = "GET /users.info";
    for (fault, forgotten) in [
        (Fault::on(write).instead(Reply::html(413, "no")), true),
        (Fault::on(write).instead(Reply::html(429, "no")), true),
        (Fault::on(write).instead(Reply::html(500, "no")), true),
        (Fault::on(write).instead(Reply::html(200, "no")), true),
        (Fault::on(write).instead(Reply::html(302, "no")), true),
        (Fault::on(write).instead(Reply::raw("no")), true),
        (Fault::on(write).lost(), true),
        (Fault::on(write).silent(), true),
        (Fault::on(write).carried_out_then_hang(), true),
        // Taken, and then nobody knows.
        (
            Fault::on(look).from(2).instead(Reply::html(500, "no")),
            true,
        ),
        // Never sent.
        (Fault::on(look).instead(Reply::html(500, "no")), false),
        (Fault::on(look).silent(), false),
    ] {
        let mut world = before_a_refusal();
        println!("{fault:?}");
        world.declare(&BUILD.replace("build.png", "other.png"));
        world.chat.fault(fault.always());
        let failed = world.run("apply m.json --retries 0 --timeout 1").output();
        assert_ne!(failed.status, 0, "{failed:?}");
        let wanted = match forgotten {
            true => format!("{PROVEN}{FORGOTTEN}"),
            false => PROVEN.to_owned(),
        };
        assert_eq!(told(&world), wanted);
        // Once is enough; what is stale is dropped.
        world.run("apply m.json --retries 0 --timeout 1").output();
        assert_eq!(told(&world), if forgotten { "" } else { PROVEN });
    }
}

#[test]
fn what_another_system_refused_is_remembered_on() {
    let mut world = World::new();
    world.declare(r#"{"server": "jira", "user": "build-bot", "image": "faces/build.png"}"#);
    assert_eq!(world.run("apply m.json").output().status, 0);
    let before = world.scratch.read("m.json.state");
    world.declare(r#"{"server": "jira", "user": "build-bot", "image": "faces/other.png"}"#);
    world
        .jira
        .fault(Fault::on("POST /temporary").instead(Reply::html(413, "no")));
    assert_eq!(world.run("apply m.json").output().status, 65);
    assert_eq!(world.scratch.read("m.json.state"), before);
}

// ---------------------------------------------------------------------------------------------------- options

#[test]
fn without_a_look_the_state_alone_decides() {
    let mut chat = RocketChat::default();
    chat.settle = Duration::ZERO;
    let mut world = World::of(Jira::default(), chat, Navixy::default());
    world.declare(ALL);
    world.run("apply m.json --no-verify").gives(
        0,
        "jira robot: avatar 24880 (not verified)\n\
         jira build-bot: image build.png (avatar 24901, not verified)\n\
         chat build-bot: image build.png (not verified)\n\
         chat rbAXPnMktTFbNpwtJ: url http://pictures.example/a.jpg (not verified)\n\
         fleet 2132: icon 3654 (not verified)\n\
         fleet 2133: image driver.jpg (file e3779b97f4a7c15.jpg, not verified)\n\
         6 changed, 0 unchanged\n",
        NOTHING,
    );
    let looks = |world: &World| {
        let calls = [world.jira.calls(), world.chat.calls(), world.fleet.calls()].concat();
        let look = |call: &&String| {
            call.starts_with("GET") && !call.ends_with("serverInfo")
                || call.ends_with("/employee/read")
                || call.ends_with("/employee/list")
        };
        calls.iter().filter(look).count()
    };
    assert_eq!(looks(&world), 0);
    let chat_line = world.state().lines().nth(2).expect("a line").to_owned();
    assert_eq!(
        chat_line,
        r#"{"v":1,"server":"CHAT","by":"user","account":"build-bot","set":"sha256:65baaeceaa230f534b26c1515775a547792fe76ce5552bc5777e6ac0a2b8aa59","time":"TIME"}"#
    );
    world.forget();
    let again = world.run("apply m.json --no-verify --json").output();
    assert_eq!(again.status, 0, "{again:?}");
    assert_eq!(world.writes(), [""; 0]);
    assert_eq!(looks(&world), 0);
    assert_eq!(
        again.stdout.lines().nth(2),
        Some(
            r#"{"v":1,"type":"account","system":"rocketchat","server":"CHAT","account":"build-bot","action":"apply","outcome":"unchanged","before":null,"after":null,"verified":false}"#
        )
    );
    world.run("apply m.json --no-verify").gives(
        0,
        "jira robot: avatar 24880, unchanged (not looked at)\n\
         jira build-bot: image build.png, unchanged (not looked at)\n\
         chat build-bot: image build.png, unchanged (not looked at)\n\
         chat rbAXPnMktTFbNpwtJ: unchanged (not looked at), url http://pictures.example/a.jpg\n\
         fleet 2132: icon 3654, unchanged (not looked at)\n\
         fleet 2133: image driver.jpg, unchanged (not looked at)\n\
         0 changed, 6 unchanged\n",
        NOTHING,
    );
    assert_eq!(looks(&world), 0);
    // The next run that reads completes the lines that have no fingerprint, and sets nothing.
    world
        .run("diff m.json")
        .gives(0, "0 to change, 6 the same\n", NOTHING);
    assert_eq!(world.state().lines().count(), 6, "a diff writes nothing");
    assert_eq!(world.run("apply m.json -q").output().status, 0);
    assert_eq!(world.writes(), [""; 0]);
    let state = world.state();
    assert_eq!(state.lines().count(), 8);
    assert_eq!(
        state.lines().nth(6),
        Some(
            chat_line
                .replace(
                    ",\"time\"",
                    ",\"fingerprint\":\"83okkgZWFdKc9RDgW\",\"time\""
                )
                .as_str()
        )
    );
    // An account that shows nothing at all is not taken for proven, whatever was sent once.
    world.chat.model().user("build-bot").etag = None;
    let mut text = world.scratch.read("m.json.state");
    text = text
        .lines()
        .take(6)
        .map(|line| format!("{line}\n"))
        .collect();
    world.scratch.write("other.state", text);
    world
        .run("diff m.json --only chat/build-bot --state other.state")
        .gives(
            2,
            "? chat build-bot: image build.png (now no avatar)\n\
             1 to change (1 not known), 0 the same\n",
            NOTHING,
        );
    // And so it is known when somebody else changes it.
    world.chat.model().give("build-bot", pictures::png(8, 8, 9));
    let told = world.run("diff m.json --only chat/build-bot").output();
    assert!(told.stdout.starts_with("! chat build-bot: "), "{told:?}");
}

#[test]
fn force_writes_where_nothing_would_change() {
    let mut world = World::new();
    world.declare(ALL);
    assert_eq!(world.run("apply m.json").output().status, 0);
    world.forget();
    world.run("apply m.json --force").gives(
        0,
        "jira robot: avatar 24880, set again\n\
         jira build-bot: image build.png (avatar 24902, was 24901)\n\
         chat build-bot: image build.png (etag Tke…, was 83o…)\n\
         chat rbAXPnMktTFbNpwtJ: url http://pictures.example/a.jpg (etag 24g…, was rkw…)\n\
         fleet 2132: icon 3654, set again\n\
         fleet 2133: image driver.jpg (file c6ef372fe94f82a.jpg, was e3779b97f4a7c15.jpg)\n\
         6 changed, 0 unchanged\n",
        NOTHING,
    );
    assert_eq!(world.writes().len(), 8);
    world
        .run("diff m.json --force")
        .gives(0, "0 to change, 6 the same\n", NOTHING);
}

#[test]
fn a_pattern_chooses_accounts() {
    let mut world = World::new();
    world.declare(ALL);
    for (pattern, lines) in [
        ("jira/robot", 1),
        ("*/build-bot", 2),
        ("fleet/213?", 2),
        ("*", 6),
        ("chat/*", 2),
        ("*bot", 3),
    ] {
        let told = world.run(&format!("diff m.json --only {pattern}")).output();
        assert_eq!(told.stdout.lines().count(), lines + 1, "{told:?}");
    }
    world.run("apply m.json --only jira/r*").gives(
        0,
        "jira robot: avatar 24880 (was 10122)\n\
         1 changed, 0 unchanged\n",
        NOTHING,
    );
    for verb in ["check", "diff", "apply"] {
        world.run(&format!("{verb} m.json --only moon/*")).gives(
            64,
            NOTHING,
            "avatarctl: --only \"moon/*\" matches no account\n\
             hint: the pattern is compared with server/account, as in 'chat/build-*'\n",
        );
    }
}

const NO_ENGINE: &str =
    "no variable of GitLab, Buildkite, CircleCI, Semaphore, Azure, Slurm, Kubernetes is set";

#[test]
fn every_setting_of_an_agent_of_a_ci_engine() {
    let mut world = World::new();
    world.declare(ALL);
    world.lenient();
    let whole = Ok(6);
    let refused = |why: &str| {
        Err(format!(
            "avatarctl: --shard auto: {why}\n\
             hint: run the job with the CI engine's parallelism, or give --shard I/N\n"
        ))
    };
    for (index, total, outcome) in [
        (None, Some("1"), whole.clone()),
        (Some("1"), Some("1"), whole),
        (Some("1"), Some("4"), Ok(2)),
        (Some("2"), Some("4"), Ok(2)),
        (Some("3"), Some("4"), Ok(1)),
        (Some("4"), Some("4"), Ok(1)),
        (Some("7"), Some("7"), Ok(0)),
        (None, Some("2"), refused("CI_NODE_INDEX is not set")),
        (Some("1"), None, refused("CI_NODE_TOTAL is not set")),
        (None, None, refused(NO_ENGINE)),
        (
            Some("0"),
            Some("4"),
            refused("CI_NODE_INDEX is 0, not from 1 to 4"),
        ),
        (
            Some("5"),
            Some("4"),
            refused("CI_NODE_INDEX is 5, not from 1 to 4"),
        ),
        (
            Some("-1"),
            Some("4"),
            refused("CI_NODE_INDEX is \"-1\", not a number"),
        ),
        (Some("1"), Some("0"), refused("CI_NODE_TOTAL is 0")),
        (Some(""), Some("4"), refused("CI_NODE_INDEX is empty")),
        (Some(""), Some("1"), refused("CI_NODE_INDEX is empty")),
        (None, Some(""), refused("CI_NODE_TOTAL is empty")),
    ] {
        for verb in ["check", "diff"] {
            let mut run = world.run(&format!("{verb} m.json --shard auto --json"));
            for (name, value) in [("CI_NODE_INDEX", index), ("CI_NODE_TOTAL", total)] {
                if let Some(value) = value {
                    run = run.env(name, value);
                }
            }
            let told = run.output();
            match &outcome {
                Ok(count) => {
                    let summary = told.json().pop().expect("a summary");
                    let counted = summary["unchanged"].as_u64().unwrap_or_default()
                        + summary["pending"].as_u64().unwrap_or_default();
                    assert_eq!(counted, *count, "{index:?} of {total:?}: {told:?}");
                }
                Err(complaint) => told.gives(64, NOTHING, complaint),
            }
        }
    }
    // Without the option the variables mean nothing.
    let told = world
        .run("check m.json")
        .env("CI_NODE_INDEX", "1")
        .env("CI_NODE_TOTAL", "6")
        .output();
    told.gives(
        0,
        "6 accounts on 3 servers: no errors, no warnings\n",
        NOTHING,
    );
    for wrong in [
        "0/3", "4/3", "3", "a/b", "1/0", "1/3/5", "+1/3", "", "/", "auto/0", "auto/",
    ] {
        world.run(&format!("apply m.json --shard={wrong}")).gives(
            64,
            NOTHING,
            &format!("avatarctl: --shard takes I/N with I from 1 to N, auto, or auto/N, not \"{wrong}\"\n"),
        );
    }
}

/// The agents of every engine cut the six accounts in three; what is half there is refused, as are two at once.
#[test]
fn the_agents_of_every_engine_share_the_accounts() {
    let mut world = World::new();
    world.declare(ALL);
    world.offline();
    let slurm = "SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_STEP=5";
    for (shard, index, indices, more) in [
        ("auto", "CI_NODE_INDEX", [1, 2, 3], "CI_NODE_TOTAL=3"),
        (
            "auto",
            "BUILDKITE_PARALLEL_JOB",
            [0, 1, 2],
            "BUILDKITE_PARALLEL_JOB_COUNT=3",
        ),
        (
            "auto",
            "CIRCLE_NODE_INDEX",
            [0, 1, 2],
            "CIRCLE_NODE_TOTAL=3",
        ),
        (
            "auto",
            "SEMAPHORE_JOB_INDEX",
            [1, 2, 3],
            "SEMAPHORE_JOB_COUNT=3",
        ),
        (
            "auto",
            "SYSTEM_JOBPOSITIONINPHASE",
            [1, 2, 3],
            "SYSTEM_TOTALJOBSINPHASE=3",
        ),
        ("auto", "SLURM_ARRAY_TASK_ID", [10, 15, 20], slurm),
        ("auto/3", "JOB_COMPLETION_INDEX", [0, 1, 2], ""),
        ("auto/3", "CI_NODE_INDEX", [1, 2, 3], "CI_NODE_TOTAL=3"),
    ] {
        let mut all = Vec::new();
        for number in indices {
            let mut run = world
                .run(&format!("check m.json -v --shard {shard}"))
                .env(index, number.to_string());
            for (name, value) in more.split(' ').filter_map(|pair| pair.split_once('=')) {
                run = run.env(name, value);
            }
            let told = run.output();
            assert_eq!(
                (told.status, told.stderr.as_str()),
                (0, NOTHING),
                "{index} {number}"
            );
            let (accounts, total) = told
                .stdout
                .rsplit_once("\n2 accounts on ")
                .expect("a total");
            assert!(total.ends_with(": no errors, no warnings\n"), "{told:?}");
            all.extend(accounts.lines().map(str::to_owned));
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6, "{index}: {all:?}");
    }
    for (shard, set, why, hint) in [
        (
            "auto",
            "JOB_COMPLETION_INDEX=0",
            "JOB_COMPLETION_INDEX is set, and Kubernetes tells no total",
            "give it: --shard auto/N",
        ),
        (
            "auto/4",
            "CI_NODE_INDEX=1 CI_NODE_TOTAL=3",
            "CI_NODE_TOTAL is 3, not 4",
            PARALLEL,
        ),
        (
            "auto",
            "CI_NODE_TOTAL=1 CIRCLE_NODE_INDEX=0",
            "CI_NODE_TOTAL of GitLab and CIRCLE_NODE_INDEX of CircleCI are both set",
            PARALLEL,
        ),
        (
            "auto",
            "BUILDKITE_PARALLEL_JOB=3 BUILDKITE_PARALLEL_JOB_COUNT=3",
            "BUILDKITE_PARALLEL_JOB is 3, not from 0 to 2",
            PARALLEL,
        ),
    ] {
        let mut run = world.run(&format!("apply m.json --shard {shard}"));
        for (name, value) in set.split(' ').filter_map(|pair| pair.split_once('=')) {
            run = run.env(name, value);
        }
        run.gives(
            64,
            NOTHING,
            &format!("avatarctl: --shard {shard}: {why}\nhint: {hint}\n"),
        );
    }
    // What cannot be read is not what is not there: this agent would do everything.
    world
        .run("apply m.json --shard auto")
        .env("CI_NODE_INDEX", OsString::from_vec(b"\xff".to_vec()))
        .env("CI_NODE_TOTAL", "1")
        .gives(
            64,
            NOTHING,
            &format!(
                "avatarctl: --shard auto: CI_NODE_INDEX is not valid UTF-8\nhint: {PARALLEL}\n"
            ),
        );
}

const PARALLEL: &str = "run the job with the CI engine's parallelism, or give --shard I/N";

#[test]
fn every_agent_cuts_the_same_way_whatever_the_order_of_its_manifest() {
    let mut world = World::with_bots(20);
    let account = |n: usize| {
        format!(
            "\n    {{\"server\": \"fleet\", \"employee_id\": {}, \"icon_id\": 1}}",
            5000 + n
        )
    };
    let forwards: Vec<String> = (0..20).map(account).collect();
    let backwards: Vec<String> = (0..20).rev().map(account).collect();
    let mut all = Vec::new();
    for part in 1..=3 {
        let mut cut = |accounts: &[String]| {
            world.declare(&accounts.join(","));
            let told = world.run(&format!("diff m.json --shard {part}/3")).output();
            let mut names: Vec<String> = told
                .stdout
                .lines()
                .filter_map(|line| line.strip_prefix("~ fleet "))
                .map(|line| line[..4].to_owned())
                .collect();
            names.sort();
            names
        };
        let (one, other) = (cut(&forwards), cut(&backwards));
        assert_eq!(one, other);
        assert!((6..=7).contains(&one.len()));
        all.extend(one);
    }
    all.sort();
    let wanted: Vec<String> = (5000..5020).map(|id| id.to_string()).collect();
    assert_eq!(all, wanted);
}

/// Sorted by server and account, whatever the order of the file, and dealt out one by one; a pattern chooses
/// before the cut.
#[test]
fn a_shard_is_cut_from_the_accounts_in_the_order_of_their_names() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "fleet", "employee_id": 2134, "icon_id": 1},
    {"server": "jira", "user": "build-bot", "avatar_id": 24880},
    {"server": "fleet", "employee_id": 2132, "icon_id": 1},
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"}"#,
    );
    world.lenient();
    for (options, wanted) in [
        (
            "--shard 1/3",
            "jira build-bot: avatar 24880\nchat build-bot: image build.png (PNG, 64 x 64, N bytes)\n",
        ),
        (
            "--shard 2/3",
            "jira robot: avatar 24880\nfleet 2132: icon 1\n",
        ),
        ("--shard=3/3", "fleet 2134: icon 1\n"),
        ("--shard 2/2 --only */2*", "fleet 2134: icon 1\n"),
        (
            "--only jira/* --shard 1/1",
            "jira robot: avatar 24880\njira build-bot: avatar 24880\n",
        ),
        ("--shard 9/9", NOTHING),
    ] {
        let accounts = wanted.lines().count();
        let servers: std::collections::BTreeSet<&str> = wanted
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        let plural = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            _ => format!("{count} {word}s"),
        };
        let length = pictures::png(64, 64, 1).len();
        let wanted = format!(
            "{}{} on {}: no errors, no warnings\n",
            wanted.replace("N bytes", &format!("{length} bytes")),
            plural(accounts, "account"),
            plural(servers.len(), "server"),
        );
        world
            .run(&format!("check m.json -v {options}"))
            .gives(0, &wanted, NOTHING);
    }
}

/// Every agent would do everything: so each of them does nothing.
#[test]
fn an_agent_that_is_half_set_up_does_nothing() {
    let mut world = World::new();
    world.declare(ALL);
    world.offline();
    for (index, total, why) in [
        (None, None, NO_ENGINE),
        (Some("1"), None, "CI_NODE_TOTAL is not set"),
        (None, Some("2"), "CI_NODE_INDEX is not set"),
        (Some("3"), Some("2"), "CI_NODE_INDEX is 3, not from 1 to 2"),
    ] {
        let mut run = world.run("apply m.json --shard auto --junit j.xml --html h.html");
        for (name, value) in [("CI_NODE_INDEX", index), ("CI_NODE_TOTAL", total)] {
            if let Some(value) = value {
                run = run.env(name, value);
            }
        }
        run.gives(
            64,
            NOTHING,
            &format!(
                "avatarctl: --shard auto: {why}\n\
                 hint: run the job with the CI engine's parallelism, or give --shard I/N\n"
            ),
        );
        for name in ["m.json.state", "j.xml", "h.html"] {
            assert!(!world.scratch.join(name).exists(), "{name}");
        }
    }
    // What GitLab says of a job without `parallel:`.
    world.lenient();
    let told = world
        .run("apply m.json --shard auto -q")
        .env("CI_NODE_TOTAL", "1")
        .output();
    assert_eq!(
        (told.status, told.stdout.lines().count()),
        (0, 7),
        "{told:?}"
    );
    let told = world
        .run("apply m.json --shard auto")
        .env("CI_NODE_INDEX", "2")
        .env("CI_NODE_TOTAL", "6")
        .output();
    told.gives(
        0,
        "chat rbAXPnMktTFbNpwtJ: url http://pictures.example/a.jpg, unchanged\n\
         0 changed, 1 unchanged\n",
        NOTHING,
    );
}

#[test]
fn make_runs_three_shards_side_by_side() {
    let mut world = World::with_bots(10);
    let accounts: Vec<String> = (0..10)
        .flat_map(|n| {
            [
                format!("\n    {{\"server\": \"jira\", \"user\": \"bot-{n}\", \"avatar_id\": 24880}}"),
                format!("\n    {{\"server\": \"chat\", \"user\": \"bot-{n}\", \"image\": \"faces/build.png\"}}"),
                format!("\n    {{\"server\": \"fleet\", \"employee_id\": {}, \"image\": \"faces/driver.jpg\"}}", 5000 + n),
            ]
        })
        .collect();
    world.declare(&accounts.join(","));
    world.scratch.write(
        "Makefile",
        "avatars: shard-1 shard-2 shard-3\n\
         shard-%:\n\
         \t$(AVATARCTL) apply m.json --shard $*/3 --state $@.state -q\n",
    );
    let make = || {
        let mut make = Command::new("make");
        make.args(["-j3", "-s", "-C"]).arg(world.scratch.path());
        make.env("AVATARCTL", program());
        make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
        make.envs(world.settings());
        let done = make.output().expect("make starts");
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!((done.status.code(), errors.as_str()), (Some(0), NOTHING));
        String::from_utf8_lossy(&done.stdout).lines().count()
    };
    assert_eq!(
        make(),
        33,
        "a line an account, and the totals of each shard"
    );
    assert_eq!(world.writes().len(), 30);
    let mut lines = 0;
    for part in 1..=3 {
        lines += batch::timeless(&world.scratch.read(&format!("shard-{part}.state")))
            .lines()
            .count();
    }
    assert_eq!(lines, 30);
    assert_eq!(make(), 0, "quiet where nothing changed");
    assert_eq!(world.writes().len(), 30);
}

#[test]
fn a_junit_file_has_a_case_an_account() {
    let mut world = World::new();
    world
        .jira
        .model()
        .users
        .push(crate::support::jira::User::new(
            "a<b>&\"c'",
            "JIRAUSER10200",
            "Odd",
        ));
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "avatar_id": 10122},
    {"server": "jira", "user": "nobody \u0007\u0000\ufffe<&", "avatar_id": 24880},
    {"server": "jira", "user": "a<b>&\"c'", "avatar_id": 24880},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "icon_id": 3654}"#,
    );
    let wrong =
        |run: crate::support::Run| run.env("NAVIXY_HASH", "00000000000000000000000000000000");
    let told = wrong(world.run("diff m.json --junit out.xml")).output();
    assert_eq!(told.status, 1, "{told:?}");
    let failures = concat!(
        "    <failure type=\"target\" message=\"look up the avatars of &quot;nobody \\u{7}\\u{0}\u{fffd}&lt;&amp;&quot;: not found: ",
        "The user named &#39;nobody \\u{7}\\u{0}\u{fffd}&lt;&amp;&#39; does not exist\"></failure>\n"
    );
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let rest = concat!(
        "  <testcase classname=\"fleet\" name=\"2132\">\n",
        "    <failure type=\"credentials\" message=\"list employees: the hash is unknown or has expired: User or API key not found or session ended (code 4)\">",
        "hint: make an API key in the web interface, or log in again, and set NAVIXY_HASH; a hash of the admin panel does not work here</failure>\n",
        "  </testcase>\n",
        "  <testcase classname=\"fleet\" name=\"2133\">\n",
        "    <skipped message=\"fleet refused the credentials\"/>\n",
        "  </testcase>\n",
        "</testsuite>\n"
    );
    assert_eq!(
        world.scratch.read("out.xml"),
        format!(
            "{head}<testsuite name=\"avatarctl diff\" tests=\"6\" failures=\"4\" errors=\"0\" skipped=\"1\">\n  \
             <testcase classname=\"jira\" name=\"robot\">\n    \
             <failure type=\"pending\" message=\"wanted: avatar 24880\"/>\n  \
             </testcase>\n  \
             <testcase classname=\"jira\" name=\"build-bot\"/>\n  \
             <testcase classname=\"jira\" name=\"nobody \\u{{7}}\\u{{0}}\u{fffd}&lt;&amp;\">\n\
             {failures}  \
             </testcase>\n  \
             <testcase classname=\"jira\" name=\"a&lt;b&gt;&amp;&quot;c&#39;\">\n    \
             <failure type=\"pending\" message=\"wanted: avatar 24880\"/>\n  \
             </testcase>\n{rest}"
        )
    );
    let told = wrong(world.run("apply m.json --junit out.xml")).output();
    assert_eq!(told.status, 1, "{told:?}");
    assert_eq!(
        world.scratch.read("out.xml"),
        format!(
            "{head}<testsuite name=\"avatarctl apply\" tests=\"6\" failures=\"2\" errors=\"0\" skipped=\"1\">\n  \
             <testcase classname=\"jira\" name=\"robot\"/>\n  \
             <testcase classname=\"jira\" name=\"build-bot\"/>\n  \
             <testcase classname=\"jira\" name=\"nobody \\u{{7}}\\u{{0}}\u{fffd}&lt;&amp;\">\n\
             {failures}  \
             </testcase>\n  \
             <testcase classname=\"jira\" name=\"a&lt;b&gt;&amp;&quot;c&#39;\"/>\n{rest}"
        )
    );
    let told = world
        .run("apply m.json --only jira/robot --junit nowhere/out.xml")
        .output();
    told.gives(
        66,
        "",
        "avatarctl: --junit: there is no folder \"nowhere\"\n",
    );
}

#[test]
fn pruning_deletes_what_an_earlier_apply_uploaded_and_nothing_else() {
    let mut world = World::new();
    let foreign = world
        .jira
        .model()
        .give("build-bot", pictures::png(64, 64, 7));
    assert_eq!(foreign, 24901);
    let declare = |world: &mut World, robot: &str, build: &str| {
        world.declare(&format!(
            "\n    {{\"server\": \"jira\", \"user\": \"robot\", {robot}}},\n    \
             {{\"server\": \"jira\", \"user\": \"build-bot\", {build}}}"
        ));
    };
    let build = "\"image\": \"faces/build.png\"";
    let other = "\"image\": \"faces/other.png\"";
    let preset = "\"avatar_id\": 24880";
    let deletions = |world: &World| {
        let calls = world.jira.calls();
        let deletions = calls.iter().filter(|call| call.starts_with("DELETE"));
        let deletions: Vec<String> = deletions.cloned().collect();
        world.forget();
        deletions
    };
    // Nothing was made before: what somebody else uploaded, and what the account wore, stays.
    world.jira.model().user_mut("build-bot").selected = foreign;
    declare(&mut world, preset, build);
    world.run("apply m.json --prune").gives(
        0,
        "jira robot: avatar 24880 (was 10122)\n\
         jira build-bot: image build.png (avatar 24902, was 24901)\n\
         2 changed, 0 unchanged\n",
        NOTHING,
    );
    assert_eq!(deletions(&world), [""; 0]);
    // A system avatar that was selected is none of ours; the upload before is.
    declare(&mut world, build, other);
    world.run("apply m.json --prune --json").gives(
        0,
        concat!(
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"robot","action":"apply","outcome":"changed","before":"24880","after":"24903","verified":true}"#, "\n",
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"build-bot","action":"apply","outcome":"changed","before":"24902","after":"24904","verified":true,"pruned":"24902"}"#, "\n",
            r#"{"v":1,"type":"summary","changed":2,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#, "\n",
        ),
        NOTHING,
    );
    let calls = world.jira.calls();
    assert_eq!(
        calls.iter().rev().take(2).rev().collect::<Vec<_>>(),
        [
            "GET /jira/rest/api/2/user/avatars?username=build-bot",
            "DELETE /jira/rest/api/2/user/avatar/24902?username=build-bot",
        ],
        "it is deleted after the proof"
    );
    assert_eq!(deletions(&world).len(), 1);
    // Without the option all stay; a preset replaces nothing that could be deleted.
    declare(&mut world, other, build);
    assert_eq!(world.run("apply m.json").output().status, 0);
    declare(&mut world, preset, build);
    assert_eq!(world.run("apply m.json --prune").output().status, 0);
    assert_eq!(deletions(&world), [""; 0]);
    // A proof that fails, and a run without proofs, delete nothing.
    declare(&mut world, preset, other);
    world
        .jira
        .fault(Fault::on("PUT /user/avatar").instead(Reply::empty(204)));
    assert_eq!(world.run("apply m.json --prune").output().status, 76);
    world.jira.heal();
    assert_eq!(deletions(&world), [""; 0]);
    assert_eq!(
        world
            .run("apply m.json --prune --no-verify")
            .output()
            .status,
        0
    );
    assert_eq!(deletions(&world), [""; 0]);
    // A delete that fails is a warning: the avatar is set and proven.
    declare(&mut world, preset, build);
    world
        .jira
        .fault(Fault::on("DELETE /user/avatar/24908").instead(Reply::html(500, "broken")));
    let told = world.run("apply m.json --prune").output();
    told.gives(
        0,
        "jira robot: avatar 24880, unchanged\n\
         jira build-bot: image build.png (avatar 24909, was 24908)\n\
         1 changed, 1 unchanged\n",
        "avatarctl: jira build-bot: warning: avatar 24908 is left: delete avatar 24908: the server failed with 500\n",
    );
    assert_eq!(deletions(&world).len(), 1);
    assert_eq!(world.run("diff m.json").output().status, 0);
    assert!(world.jira.model().custom(foreign).is_some());
}

#[test]
fn what_was_pruned_is_told() {
    let mut world = World::new();
    for (picture, wanted) in [
        (
            "build",
            "jira build-bot: image build.png (avatar 24901, was 10122)\n\
             1 changed, 0 unchanged\n",
        ),
        (
            "other",
            "jira build-bot: image other.png (avatar 24902, was 24901), avatar 24901 deleted\n\
             1 changed, 0 unchanged\n",
        ),
    ] {
        world.declare(&format!(
            "\n    {{\"server\": \"jira\", \"user\": \"build-bot\", \"image\": \"faces/{picture}.png\"}}"
        ));
        world.run("apply m.json --prune").gives(0, wanted, NOTHING);
    }
    assert!(world.jira.model().custom(24901).is_none());
}

// ------------------------------------------------------------------------------------------------- a terminal

/// A command with a terminal of its own; what it shows there.
fn on_a_terminal(world: &World, words: &str) -> String {
    let shell = format!("{} {words}", program().display());
    let mut script = Command::new("script");
    script.args(["-qec", &shell, "/dev/null"]);
    script.current_dir(world.scratch.path());
    script
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("NO_COLOR", "1");
    script.envs(world.settings());
    script.stdin(std::process::Stdio::null());
    let done = script.output().expect("script(1) of util-linux starts");
    String::from_utf8(done.stdout).expect("the program prints UTF-8")
}

#[test]
fn a_terminal_is_shown_how_far_a_batch_is() {
    let mut world = World::new();
    world.declare(THREE.replace("nobody", "deploy-bot").as_str());
    let shown = on_a_terminal(&world, "apply m.json");
    // How much time is left differs from run to run.
    let parts: Vec<&str> = shown.split(" left").collect();
    let (last, timed) = parts.split_last().expect("a text has a part");
    let mut timeless = String::new();
    for part in timed {
        let (line, _) = part.rsplit_once(", ").expect("a comma before the time");
        timeless += &format!("{line}, N left");
    }
    timeless += last;
    let frame = |text: &str| format!("\r\u{1b}[?7l{text}\u{1b}[K\u{1b}[?7h");
    let line = |account: &str| format!("\r\u{1b}[Kjira {account}: avatar 24880 (was 10122)\r\n");
    let wanted = [
        frame("0/3 jira robot"),
        line("robot"),
        frame("1/3 jira robot, N left"),
        frame("1/3 jira deploy-bot, N left"),
        line("deploy-bot"),
        frame("2/3 jira deploy-bot, N left"),
        frame("2/3 jira build-bot, N left"),
        line("build-bot"),
        frame("3/3 jira build-bot, N left"),
        // The line goes when all is done.
        "\r\u{1b}[K3 changed, 0 unchanged\r\n\r\u{1b}[K".to_owned(),
    ];
    assert_eq!(timeless, wanted.concat());
    assert_eq!(on_a_terminal(&world, "apply m.json --quiet"), NOTHING);
    // Elsewhere there is none; every other test of this file compares standard error as a whole.
    world.run("apply m.json -q").gives(0, NOTHING, NOTHING);
}

#[test]
fn signs_and_outcomes_are_coloured_for_whoever_asks() {
    let mut world = World::new();
    world.lenient();
    let (yellow, red, cyan, end) = ("\u{1b}[33m", "\u{1b}[31m", "\u{1b}[36m", "\u{1b}[0m");
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "image": "faces/build.png"},
    {"server": "jira", "user": "nobody", "avatar_id": 24880}"#,
    );
    let nobody = |red: &str, end: &str| {
        format!(
            "{red}avatarctl:{end} jira nobody: look up the avatars of \"nobody\": not found: The user named \
             'nobody' does not exist\n"
        )
    };
    world.run("diff m.json --color always").gives(
        67,
        &format!(
            "{yellow}~{end} jira robot: avatar 24880 (now avatar 10122)\n\
             {cyan}?{end} jira build-bot: image build.png (now avatar 10122)\n\
             2 to change (1 not known), 0 the same, 1 failed\n"
        ),
        &nobody(red, end),
    );
    world.run("apply m.json --color always").gives(
        67,
        &format!(
            "jira robot: \u{1b}[32mavatar 24880 (was 10122){end}\n\
             jira build-bot: \u{1b}[32mimage build.png (avatar 24901, was 10122){end}\n\
             2 changed, 0 unchanged, 1 failed\n"
        ),
        &nobody(red, end),
    );
    world.jira.model().user_mut("robot").selected = 10123;
    world.run("diff m.json --color always").gives(
        67,
        &format!(
            "{red}!{end} jira robot: avatar 24880 (now avatar 10123)\n\
             1 to change (1 changed on the server), 1 the same, 1 failed\n"
        ),
        &nobody(red, end),
    );
}

/// What apply would refuse, diff refuses too.
#[test]
fn a_diff_promises_no_avatar_that_nobody_has() {
    let mut world = World::new();
    world.declare(
        r#"{"server": "jira", "user": "robot", "avatar_id": 99999},
           {"server": "jira", "user": "build-bot", "avatar_id": 24880}"#,
    );
    let refused = "avatarctl: jira robot: select avatar 99999: \"robot\" has no such avatar\n\
                   hint: avatarctl jira list shows the ids that exist\n";
    world.run("diff m.json").gives(
        67,
        "~ jira build-bot: avatar 24880 (now avatar 10122)\n\
         1 to change, 0 the same, 1 failed\n",
        refused,
    );
    world.run("apply m.json").gives(
        67,
        "jira build-bot: avatar 24880 (was 10122)\n\
         1 changed, 0 unchanged, 1 failed\n",
        refused,
    );
}
