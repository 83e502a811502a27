//! `apply` of a manifest over all systems: what is proven and told, and what a failure, a signal or a kill leaves
//! behind.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::batch::ALL;
use crate::support::printed::NOTHING;
use crate::support::server::{Server, unused_address};
use crate::support::{Before, Fault, Jira, Reply, RocketChat, World, pictures, program, server};

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
    let calls = world.chat().calls();
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
    assert_eq!(world.chat().connections(), 1);
    assert_eq!(told.json()[COUNT]["changed"], COUNT);
}

/// A check cannot know it, and the second write would prove the first.
#[test]
fn an_account_that_comes_by_two_names_wears_one_avatar() {
    let mut world = World::new();
    world.scratch.write("other.png", pictures::png(64, 64, 7));
    world.declare(
        r#"
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user_id": "BsNr28znDkG8aeo7W", "image": "other.png"}"#,
    );
    let said = "avatarctl: chat BsNr28znDkG8aeo7W: it is the same account as \"build-bot\", which is to wear another avatar\n\
                hint: keep one of them in the manifest\n";
    world.run("diff m.json").gives(
        65,
        "? chat build-bot: image build.png (now no avatar)\n\
         1 to change (1 not known), 0 the same, 1 failed\n",
        said,
    );
    world.run("apply m.json").gives(
        65,
        "chat build-bot: image build.png (etag 83o…, first avatar)\n\
         1 changed, 0 unchanged, 1 failed\n",
        said,
    );
    assert_eq!(world.state().lines().count(), 1);
}

#[test]
fn a_caller_of_jira_that_is_listed_by_name_too_wears_one_avatar() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "Robot", "avatar_id": 24880},
    {"server": "jira", "self": true, "image": "faces/build.png"}"#,
    );
    world.run("apply m.json").gives(
        65,
        "jira Robot: avatar 24880 (was 10122)\n\
         1 changed, 0 unchanged, 1 failed\n",
        "avatarctl: jira robot: it is the same account as \"Robot\", which is to wear another avatar\n\
         hint: keep one of them in the manifest\n",
    );
    assert_eq!(world.state().lines().count(), 1);
}

/// Only the server tells what stands behind a user name, and who the caller is.
#[test]
fn an_account_of_matrix_that_comes_by_three_names_wears_one_avatar() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "hs", "user": "admin", "mxc": "mxc://pictures.example/a"},
    {"server": "hs", "user": "@admin:test.local", "mxc": "mxc://pictures.example/b"},
    {"server": "hs", "self": true, "reset": true}"#,
    );
    let said = "it is the same account as \"admin\", which is to wear another avatar\n\
                hint: keep one of them in the manifest\n";
    world.run("apply m.json").gives(
        65,
        "hs admin: avatar mxc://pictures.example/a (first avatar)\n\
         1 changed, 0 unchanged, 2 failed\n",
        &format!("avatarctl: hs @admin:test.local: {said}avatarctl: hs @admin:test.local: {said}"),
    );
    assert_eq!(world.state().lines().count(), 1);
}

#[test]
fn a_server_that_takes_long_to_show_it_is_asked_again() {
    let mut world = World::new();
    {
        let mut chat = world.chat().model();
        chat.settle = Duration::from_millis(1200);
        chat.blank_while_settling = true;
    }
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
    let looks = world.chat().calls();
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
        .jira()
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
    world.jira().model().user_mut("robot").selected = 10122;
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
        .chat()
        .fault(Fault::any().always().instead(Reply::html(200, "Log in")));
    let told = world.run("apply m.json --once").output();
    assert_eq!(told.status, 64, "there is no such option: {told:?}");
    let told = world.run("apply m.json").output();
    assert_eq!(told.status, 1, "{told:?}");
    assert_eq!(world.fleet().requests().len(), 0);
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
                r#"{"v":1,"type":"account","system":"matrix","server":"HS","account":"robot","action":"apply","outcome":"changed","before":null,"after":"mxc://pictures.example/a","verified":true}"#, "\n",
                r#"{"v":1,"type":"account","system":"matrix","server":"HS","account":"build-bot","action":"apply","outcome":"changed","before":null,"after":"mxc://test.local/aiLiKGuEbxrrWyAZUZTRHExS","verified":true}"#, "\n",
                r#"{"v":1,"type":"summary","changed":6,"unchanged":0,"failed":1,"pending":0,"skipped":1,"exit":77}"#, "\n",
            ),
            "avatarctl: chat build-bot: look up \"build-bot\": not logged in: You must be logged in to do this.\n\
             hint: check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN belong together\n\
             avatarctl: chat rbAXPnMktTFbNpwtJ: skipped: chat refused the credentials\n",
        );
    assert_eq!(
        world.chat().requests().len(),
        1,
        "one try, or an account is locked"
    );
}

/// Matrix says so with a 400, which is no word about the credentials.
#[test]
fn a_permission_that_is_refused_skips_the_rest_and_says_what_was_not_permitted() {
    for status in [400, 403] {
        let mut world = World::new();
        world.declare(
            r#"
    {"server": "hs", "user": "deploy-bot", "mxc": "mxc://a/b"},
    {"server": "hs", "user": "build-bot", "mxc": "mxc://a/b"}"#,
        );
        world.hs().model().forbidden_status = status;
        let robot = world.hs().model().tokens[1].token.clone();
        let why = "set the avatar: not permitted: Cannot set another user's avatar_url";
        world.run("apply m.json").env("MATRIX_TOKEN", robot).gives(
            77,
            "0 changed, 0 unchanged, 1 failed, 1 skipped\n",
            &format!(
                "avatarctl: hs deploy-bot: {why}\n\
                 hint: another's avatar takes the token of a server admin, or of an application service whose user it is\n\
                 avatarctl: hs build-bot: skipped: hs refused: {why}\n"
            ),
        );
    }
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
    assert_eq!(world.jira().requests().len(), 1);
    assert_eq!(world.jira().model().user("robot").failed_logins, 1);
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
        .chat()
        .fault(Fault::any().from(8).always().instead(refusal));
    let told = world.run("apply m.json").output();
    told.gives(
        77,
        "0 changed, 0 unchanged, 4 failed, 1 skipped\n",
        "avatarctl: chat bot-0: the server took the change, but it is not proven: chat refused the credentials\n\
         avatarctl: chat bot-1: the server took the change, but it is not proven: chat refused the credentials\n\
         avatarctl: chat bot-2: the server took the change, but it is not proven: chat refused the credentials\n\
         avatarctl: chat bot-3: upload \"build.png\": not logged in: gone\n\
         hint: check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN belong together\n\
         avatarctl: chat bot-4: skipped: chat refused the credentials\n",
    );
    assert_eq!(world.chat().requests().len(), 8);
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
    world.expect("chat", Server::expect_no_calls);
    let address = unused_address();
    let text = fs::read_to_string(&path).expect("it was just written");
    let text = text.replace(
        world.chat().url().trim_end_matches("/chat"),
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
    world.expect("jira", Server::expect_no_calls);
    world.expect("chat", Server::expect_no_calls);
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
         hs robot: avatar mxc://pictures.example/a (first avatar)\n\
         hs build-bot: avatar mxc://test.local/aiLiKGuEbxrrWyAZUZTRHExS, first avatar, image build.png\n\
         4 changed, 0 unchanged, 2 failed, 2 skipped\n",
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
        .replace(&world.chat().url(), &chat.url());
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
        .jira()
        .fault(Fault::on("PUT /user/avatar").always().instead(busy));
    let process = world.run("apply m.json").start();
    // The server, a look, and the write that is refused.
    world.jira().wait_for(3);
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
    assert_eq!(world.jira().requests().len(), 3);
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
        .jira()
        .model()
        .give("build-bot", pictures::png(64, 64, 77));
    moved.jira().model().user_mut("build-bot").selected = 24901;
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
    assert!(
        moved.jira().model().custom(24901).is_some(),
        "somebody's own"
    );
}

#[test]
fn a_signal_ends_a_run_within_a_second_and_what_was_proven_is_kept() {
    for (signal, status) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let mut world = World::new();
        world.declare(THREE.replace("nobody", "deploy-bot").as_str());
        world.jira().fault(
            Fault::on("PUT /user/avatar")
                .from(2)
                .always()
                .carried_out_then_hang(),
        );
        let process = world.run("apply m.json").start();
        // The server, two looks around the first write, Gravatar, and the second account's look and write.
        world.jira().wait_for(7);
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
        assert_eq!(world.jira().requests().len(), 7);
        // The lock is gone, and the rest is done by the next run.
        world.jira().heal();
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
    world.jira().fault(Fault::any().from(2).always().hang());
    let process = world.run("apply m.json").start();
    world.jira().wait_for(2);
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
    world.expect("chat", Server::expect_no_calls);
    let (sender, receiver) = std::sync::mpsc::channel::<u32>();
    let jira = Before::request(2, Jira::default(), move || {
        let process = receiver.recv().expect("the test tells the process");
        let sent = Command::new("kill")
            .args(["-TERM", &process.to_string()])
            .status();
        assert!(sent.expect("kill starts").success());
    });
    world.offline();
    let text = world
        .manifest(ALL)
        .replace(&world.jira().url(), &jira.url());
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
            r#"{"v":1,"type":"account","system":"matrix","server":"HS","account":"robot","action":"apply","outcome":"skipped","reason":"interrupted"}"#, "\n",
            r#"{"v":1,"type":"account","system":"matrix","server":"HS","account":"build-bot","action":"apply","outcome":"skipped","reason":"interrupted"}"#, "\n",
            r#"{"v":1,"type":"summary","changed":1,"unchanged":0,"failed":0,"pending":0,"skipped":7,"exit":143}"#, "\n",
        ),
        "avatarctl: jira build-bot: skipped: interrupted\n\
         avatarctl: chat build-bot: skipped: interrupted\n\
         avatarctl: chat rbAXPnMktTFbNpwtJ: skipped: interrupted\n\
         avatarctl: fleet 2132: skipped: interrupted\n\
         avatarctl: fleet 2133: skipped: interrupted\n\
         avatarctl: hs robot: skipped: interrupted\n\
         avatarctl: hs build-bot: skipped: interrupted\n",
    );
    assert_eq!(world.state().lines().count(), 1);
}

// ------------------------------------------------------------------------------------------------------ kills

/// How often each account's avatar was stored, and what all wear in the end.
fn stored(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for write in world.writes() {
        // A Jira upload is three calls, of which the second stores it; Navixy and Matrix show what was uploaded before.
        let aside = [
            "/temporary",
            "PUT avatar build-bot",
            "assign 2133",
            "hs upload",
        ];
        if aside.iter().any(|part| write.contains(part)) {
            continue;
        }
        *counts.entry(write).or_insert(0) += 1;
    }
    counts
}

fn all_is_worn(world: &World) {
    let jira = world.jira().model();
    assert_eq!(jira.user("robot").selected, 24880);
    let worn = jira.user("build-bot").selected;
    assert!(
        jira.custom(worn)
            .is_some_and(|custom| custom.owner == "JIRAUSER10101")
    );
    drop(jira);
    let mut chat = world.chat().model();
    let bytes = pictures::png(64, 64, 1);
    assert!(
        chat.user("build-bot")
            .picture
            .as_ref()
            .is_some_and(|it| it.bytes == bytes)
    );
    assert_eq!(chat.user("retired-bot").origin.as_deref(), Some("url"));
    drop(chat);
    let fleet = world.fleet().model();
    assert_eq!(fleet.employee(2132).icon_id, Some(3654));
    assert_eq!(fleet.employee(2133).icon_id, None);
    assert!(fleet.employee(2133).avatar_file_name.is_some());
    drop(fleet);
    let mut hs = world.hs().model();
    let preset = Some("mxc://pictures.example/a");
    assert_eq!(hs.user("robot").avatar.as_deref(), preset);
    let worn = hs.user("build-bot").avatar.clone().unwrap_or_default();
    let stored = worn.rsplit('/').next().and_then(|id| hs.media.get(id));
    assert!(stored.is_some_and(|media| media.bytes == bytes));
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
    let servers = &world.servers;
    let troubled = servers.iter().nth(system).expect("a server");
    troubled.fault(fault);
    let process = world.run("apply m.json").start();
    troubled.server().wait_for(nth);
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

    troubled.heal();
    let again = world.run("apply m.json").output();
    assert_eq!(
        (again.status, again.stderr.as_str()),
        (0, NOTHING),
        "{about}: {again:?}"
    );
    assert_eq!(again.stdout.lines().count(), 9, "{about}: {again:?}");
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
    assert_eq!(requests, [10, 8, 6, 9]);
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

// ---------------------------------------------------------------------------------------------------- options

#[test]
fn without_a_look_the_state_alone_decides() {
    let mut world = World::new();
    world.chat().model().settle = Duration::ZERO;
    world.declare(ALL);
    world.run("apply m.json --no-verify").gives(
        0,
        "jira robot: avatar 24880 (not verified)\n\
         jira build-bot: image build.png (avatar 24901, not verified)\n\
         chat build-bot: image build.png (not verified)\n\
         chat rbAXPnMktTFbNpwtJ: url http://pictures.example/a.jpg (not verified)\n\
         fleet 2132: icon 3654 (not verified)\n\
         fleet 2133: image driver.jpg (file e3779b97f4a7c15.jpg, not verified)\n\
         hs robot: avatar mxc://pictures.example/a (not verified)\n\
         hs build-bot: avatar mxc://test.local/aiLiKGuEbxrrWyAZUZTRHExS, not verified, image build.png\n\
         8 changed, 0 unchanged\n",
        NOTHING,
    );
    let looks = |world: &World| -> Vec<usize> {
        let look = |call: &&String| {
            call.starts_with("GET") && !call.ends_with("serverInfo")
                || call.ends_with("/employee/read")
                || call.ends_with("/employee/list")
        };
        let calls = world.calls().into_iter();
        calls
            .map(|calls| calls.iter().filter(look).count())
            .collect()
    };
    // A server that takes a change of nobody is asked who is there: the caller, its rank, each account by two calls, a limit.
    assert_eq!(looks(&world), [0, 0, 0, 7]);
    let chat_line = world.state().lines().nth(2).expect("a line").to_owned();
    assert_eq!(
        chat_line,
        r#"{"v":1,"server":"CHAT","by":"user","account":"build-bot","set":"sha256:65baaeceaa230f534b26c1515775a547792fe76ce5552bc5777e6ac0a2b8aa59","time":"TIME"}"#
    );
    world.forget();
    let again = world.run("apply m.json --no-verify --json").output();
    assert_eq!(again.status, 0, "{again:?}");
    assert_eq!(world.writes(), [""; 0]);
    assert_eq!(looks(&world), [0; 4]);
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
         hs robot: avatar mxc://pictures.example/a, unchanged (not looked at)\n\
         hs build-bot: image build.png, unchanged (not looked at)\n\
         0 changed, 8 unchanged\n",
        NOTHING,
    );
    assert_eq!(looks(&world), [0; 4]);
    // The next run that reads completes the lines that have no fingerprint, and sets nothing.
    world
        .run("diff m.json")
        .gives(0, "0 to change, 8 the same\n", NOTHING);
    assert_eq!(world.state().lines().count(), 8, "a diff writes nothing");
    assert_eq!(world.run("apply m.json -q").output().status, 0);
    assert_eq!(world.writes(), [""; 0]);
    let state = world.state();
    assert_eq!(state.lines().count(), 10);
    assert_eq!(
        state.lines().nth(8),
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
    world.chat().model().user("build-bot").etag = None;
    let mut text = world.scratch.read("m.json.state");
    text = text
        .lines()
        .take(8)
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
    world
        .chat()
        .model()
        .give("build-bot", pictures::png(8, 8, 9));
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
         hs robot: avatar mxc://pictures.example/a, set again\n\
         hs build-bot: avatar mxc://test.local/ntsrivQBretOxTZjTQhDjfXF, was mxc://test.local/aiLiKGuEbxrrWyAZUZTRHExS, image build.png\n\
         8 changed, 0 unchanged\n",
        NOTHING,
    );
    assert_eq!(world.writes().len(), 12);
    world
        .run("diff m.json --force")
        .gives(0, "0 to change, 8 the same\n", NOTHING);
}

#[test]
fn pruning_deletes_what_an_earlier_apply_uploaded_and_nothing_else() {
    let mut world = World::new();
    let foreign = world
        .jira()
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
        let calls = world.jira().calls();
        let deletions = calls.iter().filter(|call| call.starts_with("DELETE"));
        let deletions: Vec<String> = deletions.cloned().collect();
        world.forget();
        deletions
    };
    // Nothing was made before: what somebody else uploaded, and what the account wore, stays.
    world.jira().model().user_mut("build-bot").selected = foreign;
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
    let calls = world.jira().calls();
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
        .jira()
        .fault(Fault::on("PUT /user/avatar").instead(Reply::empty(204)));
    assert_eq!(world.run("apply m.json --prune").output().status, 76);
    world.jira().heal();
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
        .jira()
        .fault(Fault::on("DELETE /user/avatar/24908").instead(Reply::html(500, "broken")));
    let told = world.run("apply m.json --prune --retries 0").output();
    told.gives(
        0,
        "jira robot: avatar 24880, unchanged\n\
         jira build-bot: image build.png (avatar 24909, was 24908)\n\
         1 changed, 1 unchanged\n",
        "avatarctl: jira build-bot: warning: avatar 24908 is left: delete avatar 24908: the server failed with 500\n",
    );
    assert_eq!(deletions(&world).len(), 1);
    assert_eq!(world.run("diff m.json").output().status, 0);
    assert!(world.jira().model().custom(foreign).is_some());
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
    assert!(world.jira().model().custom(24901).is_none());
}

// ------------------------------------------------------------------------------------------------- a terminal

/// A command with a terminal of its own; what it shows there.
pub fn on_a_terminal(world: &World, words: &str) -> String {
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

/// The same without the time that is left, which differs from run to run.
pub fn frames_on_a_terminal(world: &World, words: &str) -> String {
    let shown = on_a_terminal(world, words);
    let parts: Vec<&str> = shown.split(" left").collect();
    let (last, timed) = parts.split_last().expect("a text has a part");
    let mut timeless = String::new();
    for part in timed {
        let (line, _) = part.rsplit_once(", ").expect("a comma before the time");
        timeless += &format!("{line}, N left");
    }
    timeless + last
}

/// A line that the next one replaces.
pub fn frame(text: &str) -> String {
    format!("\r\u{1b}[?7l{text}\u{1b}[K\u{1b}[?7h")
}

#[test]
fn a_terminal_is_shown_how_far_a_batch_is() {
    let mut world = World::new();
    world.declare(THREE.replace("nobody", "deploy-bot").as_str());
    let shown = frames_on_a_terminal(&world, "apply m.json");
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
    assert_eq!(shown, wanted.concat());
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
    world.jira().model().user_mut("robot").selected = 10123;
    world.run("diff m.json --color always").gives(
        67,
        &format!(
            "{red}!{end} jira robot: avatar 24880 (now avatar 10123)\n\
             1 to change (1 changed on the server), 1 the same, 1 failed\n"
        ),
        &nobody(red, end),
    );
}
