//! What `diff` compares and shows, and that `apply` does exactly that; how much is read for it.

use std::fs;

use crate::support::batch::ALL;
use crate::support::navixy::Edit;
use crate::support::printed::NOTHING;
use crate::support::{Fault, World, pictures};

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
         ~ hs robot: avatar mxc://pictures.example/a (now no avatar)\n\
         ? hs build-bot: image build.png (now no avatar)\n\
         8 to change (5 not known), 0 the same\n",
        NOTHING,
    );
    assert_eq!(world.writes(), [""; 0], "a diff writes nothing");
    assert!(
        !world.scratch.join("m.json.state").exists(),
        "a diff leaves no state behind"
    );
    assert_eq!(world.connections(), [1; 4]);

    world.run("apply m.json").gives(
        0,
        "jira robot: avatar 24880 (was 10122)\n\
         jira build-bot: image build.png (avatar 24901, was 10122)\n\
         chat build-bot: image build.png (etag 83o…, first avatar)\n\
         chat rbAXPnMktTFbNpwtJ: etag rkw…, first avatar, url http://pictures.example/a.jpg\n\
         fleet 2132: icon 3654 (was 12)\n\
         fleet 2133: image driver.jpg (file e3779b97f4a7c15.jpg, first avatar)\n\
         hs robot: avatar mxc://pictures.example/a (first avatar)\n\
         hs build-bot: avatar mxc://test.local/aiLiKGuEbxrrWyAZUZTRHExS, first avatar, image build.png\n\
         8 changed, 0 unchanged\n",
        NOTHING,
    );
    assert_eq!(world.connections(), [2; 4], "one connection a server");
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
            "fleet assign 2133",
            "hs avatar_url @robot:test.local",
            "hs upload v3",
            "hs avatar_url @build-bot:test.local",
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
            r#"{"v":1,"server":"HS","by":"user","account":"robot","set":"mxc:mxc://pictures.example/a","fingerprint":"mxc://pictures.example/a","time":"TIME"}"#,
            "\n",
            r#"{"v":1,"server":"HS","by":"user","account":"build-bot","set":"sha256:65baaeceaa230f534b26c1515775a547792fe76ce5552bc5777e6ac0a2b8aa59","fingerprint":"mxc://test.local/aiLiKGuEbxrrWyAZUZTRHExS","time":"TIME"}"#,
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
         hs robot: avatar mxc://pictures.example/a, unchanged\n\
         hs build-bot: image build.png, unchanged\n\
         0 changed, 8 unchanged\n",
        NOTHING,
    );
    assert_eq!(world.writes(), [""; 0]);
    assert_eq!(world.scratch.read("m.json.state"), before);
    world.run("apply m.json --quiet").gives(0, NOTHING, NOTHING);
    world.run("diff m.json --quiet").gives(0, NOTHING, NOTHING);
    world
        .run("diff m.json")
        .gives(0, "0 to change, 8 the same\n", NOTHING);
}

#[test]
fn an_unchanged_account_costs_a_look_or_a_server_one_walk() {
    let mut world = World::new();
    world.declare(ALL);
    assert_eq!(world.run("apply m.json").output().status, 0);
    world.forget();
    assert_eq!(world.run("diff m.json").output().status, 0);
    assert_eq!(
        world.calls(),
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
            vec![
                "GET /hs/_matrix/client/v3/account/whoami".to_owned(),
                "GET /hs/_synapse/admin/v1/users/%40admin%3Atest.local/admin".to_owned(),
                "GET /hs/_synapse/admin/v2/users?from=0&limit=100&guests=false".to_owned(),
            ],
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
    world.jira().model().user_mut("deploy-bot").selected = 10123;
    world.fleet().model().employee_mut(2133).icon_id = Some(7);
    world.fleet().model().employee_mut(2134).icon_id = Some(8);
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
        .chat()
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
         chat retired-bot: generated letter (was etag 83o…)\n\
         chat build-bot: generated letter, unchanged\n\
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

/// Whoever set it, apply has seen it: what comes later is a change since then.
#[test]
fn a_change_is_told_as_one_of_the_server_also_where_apply_had_nothing_to_do() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "build-bot", "avatar_id": 10122},
    {"server": "chat", "user": "build-bot", "reset": true},
    {"server": "fleet", "employee_id": 2132, "icon_id": 12},
    {"server": "hs", "user": "build-bot", "reset": true}"#,
    );
    world.run("apply m.json -q").gives(0, NOTHING, NOTHING);
    world.hs().model().user("build-bot").avatar = Some("mxc://a/b".into());
    world.jira().model().user_mut("build-bot").selected = 24880;
    world
        .chat()
        .model()
        .give("build-bot", pictures::png(8, 8, 1));
    world.fleet().model().employee_mut(2132).icon_id = Some(7);
    world.run("diff m.json").gives(
        2,
        "! jira build-bot: avatar 10122 (now avatar 24880)\n\
         ! chat build-bot: generated letter (now etag 83o…)\n\
         ! fleet 2132: icon 12 (now icon 7)\n\
         ! hs build-bot: generated letter (now avatar mxc://a/b)\n\
         4 to change (4 changed on the server), 0 the same\n",
        NOTHING,
    );
    world.forget();
    world.run("apply m.json -q").output();
    let state = world.state();
    world.run("apply m.json -q").gives(0, NOTHING, NOTHING);
    assert_eq!(world.state(), state, "what is known is not written again");
}

/// A preset may be what an upload made: the picture is not sent again when it is wanted once more.
#[test]
fn an_upload_that_was_wanted_by_its_id_is_still_known_by_its_picture() {
    let mut world = World::new();
    let picture = r#"{"server": "jira", "user": "robot", "image": "faces/build.png"}"#;
    world.declare(picture);
    world.run("apply m.json -q").output();
    let state = world.state();
    world.declare(r#"{"server": "jira", "user": "robot", "avatar_id": 24901}"#);
    world.run("apply m.json -q").gives(0, NOTHING, NOTHING);
    assert_eq!(world.state(), state);
    world.declare(picture);
    world
        .run("diff m.json")
        .gives(0, "0 to change, 1 the same\n", NOTHING);
}

/// `"self": true` is told by the name that the server reports, and remembered as what it is.
#[test]
fn an_account_may_be_the_caller_itself() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "self": true, "avatar_id": 24880},
    {"server": "chat", "self": true, "image": "faces/build.png"},
    {"server": "hs", "self": true, "mxc": "mxc://a/b"}"#,
    );
    let etag = "83okkgZWFdKc9RDgW";
    world.run("diff m.json").gives(
        2,
        "~ jira robot: avatar 24880 (now avatar 10122)\n\
         ? chat robot-admin: image build.png (now no avatar)\n\
         ~ hs @admin:test.local: avatar mxc://a/b (now no avatar)\n\
         3 to change (1 not known), 0 the same\n",
        NOTHING,
    );
    world.run("apply m.json --json").gives(
        0,
        concat!(
            r#"{"v":1,"type":"account","system":"jira","server":"JIRA","account":"robot","action":"apply","outcome":"changed","before":"10122","after":"24880","verified":true}"#, "\n",
            r#"{"v":1,"type":"account","system":"rocketchat","server":"CHAT","account":"robot-admin","action":"apply","outcome":"changed","before":null,"after":"83okkgZWFdKc9RDgW","verified":true}"#, "\n",
            r#"{"v":1,"type":"account","system":"matrix","server":"HS","account":"@admin:test.local","action":"apply","outcome":"changed","before":null,"after":"mxc://a/b","verified":true}"#, "\n",
            r#"{"v":1,"type":"summary","changed":3,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#, "\n",
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
             \"fingerprint\":\"{etag}\",\"time\":\"TIME\"}}\n\
             {{\"v\":1,\"server\":\"HS\",\"by\":\"self\",\"account\":\"self\",\"set\":\"mxc:mxc://a/b\",\
             \"fingerprint\":\"mxc://a/b\",\"time\":\"TIME\"}}\n"
        )
    );
    world.run("diff m.json -q").gives(0, NOTHING, NOTHING);
}

#[test]
fn every_kind_of_avatar_is_remembered_as_what_it_is() {
    let mut world = World::new();
    world
        .chat()
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
        world.fleet().calls(),
        [
            "POST /v2/employee/list",
            "POST /v2/employee/list",
            "POST /v2/employee/list",
            "POST /v2/employee/read"
        ]
    );
    assert_eq!(world.fleet().connections(), 1);
}

/// Reading each account alone is what is left when the pages are short: never more calls than accounts.
#[test]
fn a_list_in_short_pages_is_not_read_for_a_few_accounts() {
    let mut world = World::with_bots(250);
    world.fleet().model().page_limit = 1;
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
        world.fleet().calls(),
        ["POST /v2/employee/list", read, read, read]
    );
}

/// The list is read for all accounts of a server, so what is wrong with it is told at the first.
#[test]
fn a_list_whose_total_moves_ends_a_batch() {
    let mut world = World::with_bots(250);
    world.fleet().model().edits = vec![Edit::Add; 9];
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
    let total = world.fleet().model().employees.len();
    assert_eq!(
        first,
        format!(
            "avatarctl: fleet 5000: list employees: the total went from {} to {total} while the pages were read\n\
             hint: run again when nobody adds or deletes employees\n",
            total - 1
        )
    );
    assert_eq!(told.stderr.lines().count(), 2 + 249);
    assert_eq!(world.fleet().calls(), ["POST /v2/employee/list"; 4]);
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
        .fleet()
        .fault(Fault::on("* /employee/avatar/assign").always().hang());
    let process = world.run("apply m.json").start();
    world.fleet().wait_for(2);
    assert_eq!(world.requests(), [11, 4, 2, 0]);
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
    assert_eq!(world.connections(), [1, 1, 1, 0]);
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
