//! Rocket.Chat from outside: every request as it goes over the wire, every outcome as it is told, and every
//! answer that the server, or what stands before it, is known to give.

pub mod calls;
mod dry_run;
mod login;
mod reset;
mod whoami;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::pictures::robot;
use crate::support::printed::{account_line, complaint, summary_line};
use crate::support::rocketchat::{Download, User, VERSIONS, chat, chat_with};
use crate::support::run::words;
use crate::support::server::unused_address;
use crate::support::{Fault, Output, Reply, RocketChat, Run, Running, Scratch, pictures};

const INFO: &str = "GET /users.info";
const SET: &str = "POST /users.setAvatar";
const LOOK: &str = "GET /chat/api/v1/users.info?username=build-bot";
const WRITE: &str = "POST /chat/api/v1/users.setAvatar";
const PICTURE: &str = "HEAD /chat/avatar/build-bot";
const FACE: &str = "http://domain.tld/to/my/own/avatar.jpg";

fn run<'a>(words: impl IntoIterator<Item = &'a str>) -> Run {
    Run::new(["rocketchat"].into_iter().chain(words))
}

fn set(words: &[&str], image: &Path) -> Run {
    run(["set"].into_iter().chain(words.iter().copied()))
        .arg("--image")
        .arg(image)
}

// ----------------------------------------------------------------------------------------------------- requests

#[test]
fn a_picture_for_oneself_names_no_target() {
    let (chat, scratch) = (chat(), Scratch::new());
    set(&[], &robot(&scratch)).with(&chat).gives(
        0,
        "rocketchat robot-admin: image robot.png (etag 83o…, first avatar)\n",
        "",
    );
    assert_eq!(
        chat.capture(),
        include_str!("../../golden/rocketchat/set-image-oneself.txt")
    );
}

#[test]
fn a_picture_for_a_user_goes_to_the_id_that_was_looked_up() {
    let (chat, scratch) = (chat(), Scratch::new());
    set(&["--user", "build-bot"], &robot(&scratch))
        .with(&chat)
        .gives(
            0,
            "rocketchat build-bot: image robot.png (etag 83o…, first avatar)\n",
            "",
        );
    assert_eq!(
        chat.capture(),
        include_str!("../../golden/rocketchat/set-image-user.txt")
    );
}

#[test]
fn a_picture_for_a_user_id_goes_to_that_id() {
    let (chat, scratch) = (chat(), Scratch::new());
    set(&["--user-id", "BsNr28znDkG8aeo7W"], &robot(&scratch))
        .with(&chat)
        .gives(
            0,
            "rocketchat BsNr28znDkG8aeo7W: image robot.png (etag 83o…, first avatar)\n",
            "",
        );
    assert_eq!(
        chat.capture(),
        include_str!("../../golden/rocketchat/set-image-user-id.txt")
    );
}

#[test]
fn an_address_for_oneself_is_the_only_key() {
    let chat = chat();
    chat.model().publish(FACE, pictures::jpeg(64, 64, 1));
    run(["set", "--avatar-url", FACE]).with(&chat).gives(
        0,
        "rocketchat robot-admin: etag 83o…, first avatar, url http://domain.tld/to/my/own/avatar.jpg\n",
        "",
    );
    assert_eq!(
        chat.capture(),
        include_str!("../../golden/rocketchat/set-url-oneself.txt")
    );
}

#[test]
fn an_address_for_a_user_goes_with_the_id() {
    let chat = chat();
    chat.model().publish(FACE, pictures::jpeg(64, 64, 1));
    run(["set", "--user", "build-bot", "--avatar-url", FACE])
        .with(&chat)
        .gives(
            0,
            "rocketchat build-bot: etag 83o…, first avatar, url http://domain.tld/to/my/own/avatar.jpg\n",
            "",
        );
    assert_eq!(
        chat.capture(),
        include_str!("../../golden/rocketchat/set-url-user.txt")
    );
    assert_eq!(
        chat.model().user("build-bot").origin.as_deref(),
        Some("url")
    );
}

#[test]
fn an_account_is_named_as_it_was_given_also_where_the_address_names_it() {
    let chat = chat();
    let face = format!("{FACE}?of=BsNr28znDkG8aeo7W");
    chat.model().publish(&face, pictures::jpeg(64, 64, 1));
    run(["set", "--user-id", "BsNr28znDkG8aeo7W", "--avatar-url", &face])
        .with(&chat)
        .gives(
            0,
            "rocketchat BsNr28znDkG8aeo7W: etag 83o…, first avatar, url http://domain.tld/to/my/own/avatar.jpg\n",
            "",
        );
}

#[test]
fn show_asks_for_the_caller_or_for_the_user() {
    let chat = chat();
    run(["show"]).with(&chat).gives(
        0,
        "rocketchat robot-admin: no avatar, the generated letter shows\n",
        "",
    );
    run(["show", "--user", "build-bot"]).with(&chat).gives(
        0,
        "rocketchat build-bot: no avatar, the generated letter shows\n",
        "",
    );
    run(["show", "--user-id", "rbAXPnMktTFbNpwtJ"])
        .with(&chat)
        .gives(
            0,
            "rocketchat rbAXPnMktTFbNpwtJ: no avatar, the generated letter shows\n",
            "",
        );
    assert_eq!(
        chat.capture(),
        include_str!("../../golden/rocketchat/show.txt")
    );
}

#[test]
fn list_asks_for_suggestions() {
    let chat = chat();
    run(["list"])
        .with(&chat)
        .gives(0, "", "avatarctl: rocketchat: nothing to list\n");
    assert_eq!(
        chat.capture(),
        include_str!("../../golden/rocketchat/list.txt")
    );
}

#[test]
fn a_base_address_keeps_its_path() {
    let scratch = Scratch::new();
    for (context, slash) in [("", ""), ("", "/"), ("/chat", "/"), ("/a/b%20c", "//")] {
        let chat = chat_with(|model| model.context = context.into());
        set(&["--user", "build-bot", "--no-verify"], &robot(&scratch))
            .with(&chat)
            .env("ROCKETCHAT_URL", chat.url() + slash)
            .gives(
                0,
                "rocketchat build-bot: image robot.png (first avatar, not verified)\n",
                "",
            );
        assert_eq!(
            chat.calls(),
            [
                format!("GET {context}/api/v1/users.info?username=build-bot"),
                format!("POST {context}/api/v1/users.setAvatar"),
            ]
        );
    }
}

#[test]
fn a_user_name_survives_the_query() {
    let scratch = Scratch::new();
    for (name, query) in [
        ("build bot", "build%20bot"),
        ("build+bot", "build%2Bbot"),
        ("a&userId=b#?%41", "a%26userId%3Db%23%3F%2541"),
        ("сборка", "%D1%81%D0%B1%D0%BE%D1%80%D0%BA%D0%B0"),
        ("robot🤖", "robot%F0%9F%A4%96"),
        ("-dash", "-dash"),
    ] {
        let chat = chat();
        let user = User::new("nameTestedHere123", name, "Name", &["user"]);
        chat.model().users.push(user);
        set(
            &["--no-verify", &format!("--user={name}")],
            &robot(&scratch),
        )
        .with(&chat)
        .gives(
            0,
            &format!("rocketchat {name}: image robot.png (first avatar, not verified)\n"),
            "",
        );
        let look = format!("GET /chat/api/v1/users.info?username={query}");
        assert_eq!(chat.calls(), [look.as_str(), WRITE]);
        let form = chat.requests()[1].form();
        assert_eq!(
            (form[0].name.as_str(), form[0].text()),
            ("userId", "nameTestedHere123")
        );
        assert!(chat.model().user(name).picture.is_some());
        assert!(chat.model().user("robot-admin").picture.is_none());
    }
}

#[test]
fn every_type_of_picture_is_declared_as_what_it_is() {
    for (file, bytes, sent, kind) in [
        ("a.png", pictures::png(64, 64, 1), "avatar.png", "image/png"),
        (
            "a.png",
            pictures::png_rgba(64, 64, 1),
            "avatar.png",
            "image/png",
        ),
        (
            "a.jpeg",
            pictures::jpeg(64, 64, 1),
            "avatar.jpg",
            "image/jpeg",
        ),
        ("a.gif", pictures::gif(64, 64, 1), "avatar.gif", "image/gif"),
        (
            "a.webp",
            pictures::webp(64, 64, 1),
            "avatar.webp",
            "image/webp",
        ),
        // The bytes decide, not the name.
        (
            "a.PNG",
            pictures::jpeg(64, 64, 1),
            "avatar.jpg",
            "image/jpeg",
        ),
        ("a", pictures::webp(64, 64, 1), "avatar.webp", "image/webp"),
        (
            "\"a\"; x.gif",
            pictures::gif(64, 64, 1),
            "avatar.gif",
            "image/gif",
        ),
    ] {
        let (chat, scratch) = (chat(), Scratch::new());
        set(&["--no-verify"], &scratch.write(file, &bytes))
            .with(&chat)
            .gives(
                0,
                &format!("rocketchat robot-admin: image {file} (first avatar, not verified)\n"),
                "",
            );
        let parts = chat.requests()[1].form();
        let part = &parts[0];
        assert_eq!(parts.len(), 1);
        assert_eq!(
            (
                part.name.as_str(),
                part.filename.as_deref(),
                part.content_type.as_deref()
            ),
            ("image", Some(sent), Some(kind))
        );
        assert!(part.body == bytes, "{file} arrives as it is");
    }
}

#[test]
fn a_picture_comes_from_standard_input() {
    let chat = chat();
    let picture = pictures::gif(32, 32, 1);
    run(["set", "--image", "-"])
        .stdin(&picture)
        .with(&chat)
        .gives(
            0,
            "rocketchat robot-admin: image standard input (etag 83o…, first avatar)\n",
            "",
        );
    assert!(chat.requests()[1].form()[0].body == picture);
}

#[test]
fn a_picture_larger_than_any_buffer_arrives_whole() {
    let (chat, scratch) = (chat(), Scratch::new());
    // Not all alike, so that a block that is lost or sent twice shows.
    let picture = pictures::png(1000, 1000, 7);
    assert!(picture.len() > 3_000_000);
    set(&["--user", "build-bot"], &scratch.write("big.png", &picture))
        .with(&chat)
        .gives(
            0,
            "rocketchat build-bot: image big.png (etag 83o…, first avatar)\n",
            "avatarctl: rocketchat build-bot: warning: \"big.png\": larger than 1 MiB, where proxies in front of servers stop by default\n",
        );
    let request = &chat.requests()[1];
    assert_eq!(
        request.header("content-length"),
        Some(request.body.len().to_string().as_str())
    );
    assert!(request.form()[1].body == picture);
    let stored = chat.model().user("build-bot").picture.clone();
    assert!(stored.is_some_and(|stored| stored.bytes == picture));
}

#[test]
fn a_picture_with_a_boundary_in_it_gets_another_boundary() {
    let (chat, scratch) = (chat(), Scratch::new());
    let mut picture = pictures::gif(32, 32, 1);
    picture.extend(b"\r\n--avatarctl-0\r\n--avatarctl-1--\r\n\x3b");
    set(&[], &scratch.write("a.gif", &picture))
        .with(&chat)
        .gives(
            0,
            "rocketchat robot-admin: image a.gif (etag 83o…, first avatar)\n",
            "",
        );
    let request = &chat.requests()[1];
    assert_eq!(request.boundary(), Some("avatarctl-2"));
    assert!(request.form()[0].body == picture);
}

// ----------------------------------------------------------------------------------------------------- outcomes

#[test]
fn a_change_tells_both_etags() {
    let (chat, scratch) = (chat(), Scratch::new());
    let before = chat.model().give("build-bot", pictures::png(32, 32, 9));
    assert_eq!(before, "83okkgZWFdKc9RDgW");
    set(&["--user", "build-bot"], &robot(&scratch))
        .with(&chat)
        .gives(
            0,
            "rocketchat build-bot: image robot.png (etag rkw…, was 83o…)\n",
            "",
        );
}

#[test]
fn the_same_picture_again_is_another_etag() {
    let (chat, scratch) = (chat(), Scratch::new());
    chat.model().give("build-bot", pictures::png(64, 64, 1));
    set(&["--user", "build-bot", "--force"], &robot(&scratch))
        .with(&chat)
        .gives(
            0,
            "rocketchat build-bot: image robot.png (etag rkw…, was 83o…)\n",
            "",
        );
    assert_eq!(chat.calls(), [LOOK, PICTURE, WRITE, LOOK, PICTURE]);
}

#[test]
fn without_a_read_back_the_change_is_not_called_proven() {
    let (chat, scratch) = (chat(), Scratch::new());
    chat.model().give("build-bot", pictures::png(32, 32, 9));
    let image = robot(&scratch);
    set(&["--user", "build-bot", "--no-verify"], &image)
        .with(&chat)
        .gives(
            0,
            "rocketchat build-bot: image robot.png (was etag 83o…, not verified)\n",
            "",
        );
    assert_eq!(chat.calls(), [LOOK, PICTURE, WRITE]);
    set(&["--no-verify"], &image).with(&chat).gives(
        0,
        "rocketchat robot-admin: image robot.png (first avatar, not verified)\n",
        "",
    );
    set(&["--user", "retired-bot", "--no-verify", "--json"], &image)
        .with(&chat)
        .gives(
            0,
            concat!(
                r#"{"v":1,"type":"account","system":"rocketchat","server":"URL","account":"retired-bot","action":"set","outcome":"changed","before":null,"after":null,"verified":false}"#,
                "\n",
                r#"{"v":1,"type":"summary","changed":1,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#,
                "\n",
            ),
            "",
        );
}

#[test]
fn json_lines_of_a_change() {
    let (chat, scratch) = (chat(), Scratch::new());
    let image = robot(&scratch);
    let lines = |account: &str, before: &str, after: &str| {
        format!(
            concat!(
                r#"{{"v":1,"type":"account","system":"rocketchat","server":"URL","account":"{}","action":"set","outcome":"changed","before":{},"after":"{}","verified":true}}"#,
                "\n",
                r#"{{"v":1,"type":"summary","changed":1,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}}"#,
                "\n",
            ),
            account, before, after
        )
    };
    set(&["--json"], &image).with(&chat).gives(
        0,
        &lines("robot-admin", "null", "83okkgZWFdKc9RDgW"),
        "",
    );
    set(&["--json", "--user-id", "aobEdbYhXfu5hkeqG"], &image)
        .with(&chat)
        .gives(
            0,
            &lines(
                "aobEdbYhXfu5hkeqG",
                "\"83okkgZWFdKc9RDgW\"",
                "rkwgtdhhh78D5juMB",
            ),
            "",
        );
}

#[test]
fn json_lines_of_a_failure() {
    let (chat, scratch) = (chat(), Scratch::new());
    chat.fault(Fault::on(SET).instead(Reply::json(
        403,
        r#"{"success":false,"error":"unauthorized"}"#,
    )));
    set(&["--json", "--user", "build-bot"], &robot(&scratch))
        .with(&chat)
        .gives(
            77,
            concat!(
                r#"{"v":1,"type":"account","system":"rocketchat","server":"URL","account":"build-bot","action":"set","outcome":"failed","error":{"class":"credentials","exit":77,"status":403,"message":"upload \"robot.png\": not permitted: unauthorized","hint":"to change another user's avatar you need the permission edit-other-user-avatar; to change one's own, the setting Accounts_AllowUserAvatarChange"}}"#,
                "\n",
                r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":77}"#,
                "\n",
            ),
            &complaint(
                "rocketchat build-bot",
                "upload \"robot.png\": not permitted: unauthorized",
                PERMISSION,
            ),
        );
}

#[test]
fn json_lines_of_a_failure_before_the_caller_is_known() {
    let chat = chat();
    run(["set", "--json", "--image", "missing.png"])
        .with(&chat)
        .gives(
            66,
            concat!(
                r#"{"v":1,"type":"account","system":"rocketchat","server":"URL","account":null,"action":"set","outcome":"failed","error":{"class":"input","exit":66,"status":null,"message":"cannot read the picture \"missing.png\": no such file or directory","hint":null}}"#,
                "\n",
                r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":66}"#,
                "\n",
            ),
            "avatarctl: rocketchat: cannot read the picture \"missing.png\": no such file or directory\n",
        );
    let mut chat = chat;
    chat.expect_no_calls();
}

#[test]
fn quiet_tells_changes_and_failures_only() {
    let (chat, scratch) = (chat(), Scratch::new());
    let image = robot(&scratch);
    run(["show", "-q"]).with(&chat).gives(
        0,
        "rocketchat robot-admin: no avatar, the generated letter shows\n",
        "",
    );
    run(["list", "-q"])
        .with(&chat)
        .gives(0, "", "avatarctl: rocketchat: nothing to list\n");
    set(&["-q"], &image).with(&chat).gives(
        0,
        "rocketchat robot-admin: image robot.png (etag 83o…, first avatar)\n",
        "",
    );
    set(&["-q", "--user", "nobody"], &image).with(&chat).gives(
        67,
        "",
        &complaint(
            "rocketchat nobody",
            "look up \"nobody\": no such user: User not found.",
            "",
        ),
    );
}

#[test]
fn show_tells_the_etag_and_for_the_caller_the_origin() {
    let chat = chat();
    chat.model().give("robot-admin", pictures::png(32, 32, 1));
    chat.model().give("build-bot", pictures::png(32, 32, 2));
    run(["show"]).with(&chat).gives(
        0,
        "rocketchat robot-admin: etag 83okkgZWFdKc9RDgW, origin rest\n",
        "",
    );
    run(["show", "--user", "build-bot"]).with(&chat).gives(
        0,
        "rocketchat build-bot: etag rkwgtdhhh78D5juMB\n",
        "",
    );
    let summary = concat!(
        r#"{"v":1,"type":"summary","changed":0,"unchanged":1,"failed":0,"pending":0,"skipped":0,"exit":0}"#,
        "\n"
    );
    run(["show", "--json"]).with(&chat).gives(
        0,
        &format!(
            "{}\n{summary}",
            r#"{"v":1,"type":"account","system":"rocketchat","server":"URL","account":"robot-admin","action":"show","outcome":"shown","current":"83okkgZWFdKc9RDgW","origin":"rest"}"#
        ),
        "",
    );
    run(["show", "--json", "--user", "build-bot"])
        .with(&chat)
        .gives(
            0,
            &format!(
                "{}\n{summary}",
                r#"{"v":1,"type":"account","system":"rocketchat","server":"URL","account":"build-bot","action":"show","outcome":"shown","current":"rkwgtdhhh78D5juMB"}"#
            ),
            "",
        );
}

#[test]
fn an_etag_that_is_null_absent_or_empty_is_none() {
    for etag in [r#","avatarETag":null"#, r#","avatarETag":"""#, ""] {
        let chat = chat();
        chat.fault(Fault::on(INFO).always().instead(Reply::json(
            200,
            format!(
                r#"{{"user":{{"_id":"BsNr28znDkG8aeo7W","username":"build-bot"{etag}}},"success":true}}"#
            ),
        )));
        run(["show", "--user", "build-bot", "--json"])
            .with(&chat)
            .gives(
                0,
                concat!(
                    r#"{"v":1,"type":"account","system":"rocketchat","server":"URL","account":"build-bot","action":"show","outcome":"shown","current":null}"#,
                    "\n",
                    r#"{"v":1,"type":"summary","changed":0,"unchanged":1,"failed":0,"pending":0,"skipped":0,"exit":0}"#,
                    "\n",
                ),
                "",
            );
    }
}

#[test]
fn foreign_text_is_shown_and_not_obeyed() {
    let chat = chat();
    chat.fault(Fault::on("GET /me").always().instead(Reply::json(
        200,
        json!({"_id": "x", "username": "ro\u{1b}[31mbot\nrocketchat root", "avatarETag": "a\u{202e}b", "avatarOrigin": "re\rst", "success": true}),
    )));
    run(["show"]).with(&chat).gives(
        0,
        "rocketchat ro\\u{1b}[31mbot rocketchat root: etag a\\u{202e}b, origin re st\n",
        "",
    );
}

#[test]
fn a_list_is_a_table_or_json_lines() {
    let chat = chat();
    let Value::Object(suggestions) = json!({
        "gravatar": {"service": "gravatar", "url": "https://secure.gravatar.com/avatar/0bc8?default=404&size=200", "contentType": "image/jpeg", "blob": "data:image/jpeg;base64,/9j/4AAQ"},
        "git\u{7}hub": {"service": "github", "contentType": "image/png", "blob": "data:image/png;base64,AAAA"},
    }) else {
        unreachable!("an object is an object")
    };
    chat.model().suggestions = suggestions;
    run(["list"]).with(&chat).gives(
        0,
        concat!(
            "service      url\n",
            "git\\u{7}hub  -\n",
            "gravatar     https://secure.gravatar.com/avatar/0bc8?default=404&size=200\n",
        ),
        "",
    );
    run(["list", "--json"]).with(&chat).gives(
        0,
        concat!(
            r#"{"v":1,"type":"suggestion","service":"git\u0007hub","url":null}"#,
            "\n",
            r#"{"v":1,"type":"suggestion","service":"gravatar","url":"https://secure.gravatar.com/avatar/0bc8?default=404&size=200"}"#,
            "\n",
            r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#,
            "\n",
        ),
        "",
    );
}

#[test]
fn no_suggestions_are_an_empty_object_or_an_empty_text() {
    for none in [r#"{}"#, r#""""#] {
        let chat = chat();
        chat.fault(
            Fault::on("GET /users.getAvatarSuggestion")
                .always()
                .instead(Reply::json(
                    200,
                    format!(r#"{{"suggestions":{none},"success":true}}"#),
                )),
        );
        run(["list"])
            .with(&chat)
            .gives(0, "", "avatarctl: rocketchat: nothing to list\n");
        run(["list", "--json"]).with(&chat).gives(
            0,
            concat!(
                r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#,
                "\n"
            ),
            "avatarctl: rocketchat: nothing to list\n",
        );
    }
}

#[test]
fn suggestions_with_whole_pictures_are_read_up_to_a_bound() {
    let answer = |blob: usize| {
        let blob = "A".repeat(blob);
        let mut body = json!({"suggestions": {"gravatar": {"service": "gravatar", "url": "https://x.example/a"}}, "success": true});
        body["suggestions"]["gravatar"]["blob"] = json!(format!("data:image/png;base64,{blob}"));
        Reply::json(200, body)
    };
    let chat = chat();
    chat.fault(Fault::on("GET /users.getAvatarSuggestion").instead(answer(1 << 20)));
    run(["list"])
        .with(&chat)
        .gives(0, "service   url\ngravatar  https://x.example/a\n", "");
    chat.fault(Fault::on("GET /users.getAvatarSuggestion").instead(answer(3 << 20)));
    run(["list"]).with(&chat).gives(
        76,
        "",
        &complaint(
            "rocketchat",
            "ask for suggestions: answered 200 with a longer answer than this call ever gives",
            "",
        ),
    );
}

#[test]
fn a_plain_user_may_name_itself_and_nobody_else() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    let as_build_bot = |run: Run, chat: &Running<RocketChat>| {
        run.with(chat)
            .env("ROCKETCHAT_USER_ID", "BsNr28znDkG8aeo7W")
            .env(
                "ROCKETCHAT_AUTH_TOKEN",
                "RScctEHSmLGZGywfIhWyRpyofhKOiMoUIpimhvheU3f",
            )
    };
    let chat = chat();
    as_build_bot(set(&["--user", "build-bot"], &image), &chat).gives(
        0,
        "rocketchat build-bot: image robot.png (etag 83o…, first avatar)\n",
        "",
    );
    as_build_bot(set(&["--user", "retired-bot"], &image), &chat).gives(
        77,
        "",
        &complaint(
            "rocketchat retired-bot",
            "upload \"robot.png\": not permitted: Not allowed",
            PERMISSION,
        ),
    );
    as_build_bot(
        run(["set", "--user", "retired-bot", "--avatar-url", FACE]),
        &chat,
    )
    .gives(
        77,
        "",
        &complaint(
            "rocketchat retired-bot",
            "set the avatar from its address: not permitted: unauthorized",
            PERMISSION,
        ),
    );
    chat.model().allow_avatar_change = false;
    as_build_bot(set(&[], &image), &chat).gives(
        77,
        "",
        &complaint(
            "rocketchat build-bot",
            "upload \"robot.png\": not permitted: Not allowed",
            PERMISSION,
        ),
    );
}

#[test]
fn a_right_token_with_another_id_is_nobody() {
    for version in ["7.5.1", "7.6.0", "8.6.1"] {
        let chat = chat_with(|model| model.version = version.into());
        run(["show"])
            .with(&chat)
            .env("ROCKETCHAT_USER_ID", "BsNr28znDkG8aeo7W")
            .gives(
                77,
                "",
                &complaint(
                    "rocketchat",
                    "ask who the caller is: not logged in: You must be logged in to do this.",
                    PAIR,
                ),
            );
    }
}

#[test]
fn a_name_or_an_id_in_another_case_is_nobody() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    for version in VERSIONS {
        let chat = chat_with(|model| model.version = version.into());
        for (verb, flag, value) in [
            ("set", "--user", "BUILD-BOT"),
            ("set", "--user", "build-bot "),
            ("set", "--user-id", "bsnr28zndkg8aeo7w"),
            ("show", "--user", "nobody"),
            ("reset", "--user-id", "nobody"),
        ] {
            let run = match verb {
                "set" => set(&[flag, value], &image),
                _ => run([verb, flag, value]),
            };
            run.with(&chat).gives(
                67,
                "",
                &complaint(
                    &format!("rocketchat {}", value.trim()),
                    &format!("look up \"{value}\": no such user: User not found."),
                    "",
                ),
            );
        }
        assert!(chat.calls().iter().all(|call| call.starts_with("GET ")));
    }
}

#[test]
fn a_name_given_as_an_id_is_found_and_written_to_by_its_id() {
    let (chat, scratch) = (chat(), Scratch::new());
    let image = robot(&scratch);
    for (flag, value) in [("--user-id", "build-bot"), ("--user", "BsNr28znDkG8aeo7W")] {
        chat.forget();
        set(&[flag, value, "--no-verify", "-q"], &image)
            .with(&chat)
            .output();
        let form = chat.requests().last().expect("an upload").form();
        assert_eq!(
            (form[0].name.as_str(), form[0].text()),
            ("userId", "BsNr28znDkG8aeo7W")
        );
    }
}

#[test]
fn an_answer_about_somebody_else_is_not_acted_on() {
    let (chat, scratch) = (chat(), Scratch::new());
    let image = robot(&scratch);
    let admin = json!({"success": true, "user": {"_id": "aobEdbYhXfu5hkeqG", "username": "robot-admin", "avatarETag": "Zk2b"}});
    chat.fault(Fault::on(INFO).always().instead(Reply::json(200, admin)));
    for (flag, value) in [("--user", "build-bot"), ("--user-id", "BsNr28znDkG8aeo7W")] {
        set(&[flag, value], &image).with(&chat).gives(
            76,
            "",
            &complaint(
                &format!("rocketchat {value}"),
                &format!("look up \"{value}\": answered 200 with another user than was asked for"),
                "",
            ),
        );
    }
    assert!(chat.calls().iter().all(|call| call.starts_with("GET ")));
}

// -------------------------------------------------------------------------------------------- refused before a call

#[test]
fn what_is_no_picture_is_never_sent() {
    let scratch = Scratch::new();
    let mut chat = chat();
    chat.expect_no_calls();
    let png = pictures::png(64, 64, 1);
    let jpeg = pictures::jpeg(64, 64, 1);
    let gif = pictures::gif(64, 64, 1);
    let webp = pictures::webp(64, 64, 1);
    let cut = |bytes: &[u8], left: usize| bytes[..left].to_vec();
    for (bytes, said) in [
        (Vec::new(), "is empty"),
        (
            b"hello, I am a picture\n".to_vec(),
            "is not a PNG, JPEG, GIF or WebP picture",
        ),
        (
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
            "is not a PNG, JPEG, GIF or WebP picture",
        ),
        (
            b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec(),
            "is not a PNG, JPEG, GIF or WebP picture",
        ),
        (cut(&png, png.len() - 1), "is a PNG picture that is cut off"),
        (cut(&png, png.len() / 2), "is a PNG picture that is cut off"),
        (cut(&png, 8), "is a PNG picture that is cut off"),
        (
            cut(&jpeg, jpeg.len() - 2),
            "is a JPEG picture that is cut off",
        ),
        (cut(&jpeg, 100), "is a JPEG picture that is cut off"),
        (cut(&gif, gif.len() / 2), "is a GIF picture that is cut off"),
        (
            cut(&webp, webp.len() - 1),
            "is a WebP picture that is cut off",
        ),
        (
            pictures::png(0, 64, 1),
            "is a PNG picture with a broken header",
        ),
    ] {
        let file = scratch.write("bad.png", &bytes);
        set(&["--user", "build-bot"], &file)
            .with(&chat)
            .mask(&scratch.path().to_string_lossy(), "DIR")
            .gives(
                65,
                "",
                &complaint(
                    "rocketchat build-bot",
                    &format!("the picture \"DIR/bad.png\" {said}"),
                    "",
                ),
            );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_never_sent() {
    let scratch = Scratch::new();
    let mut chat = chat();
    chat.expect_no_calls();
    scratch.write("file", "");
    std::fs::create_dir(scratch.join("dir.png")).expect("scratch is writable");
    for (name, said) in [
        ("missing.png", "no such file or directory"),
        ("nowhere/a.png", "no such file or directory"),
        ("file/a.png", "not a directory"),
        ("dir.png", "is a directory"),
    ] {
        set(&["--user", "build-bot"], &scratch.join(name))
            .with(&chat)
            .mask(&scratch.path().to_string_lossy(), "DIR")
            .gives(
                66,
                "",
                &complaint(
                    "rocketchat build-bot",
                    &format!("cannot read the picture \"DIR/{name}\": {said}"),
                    "",
                ),
            );
    }
}

/// A sound picture of that many bytes, which takes no room on disk.
fn sparse(scratch: &Scratch, name: &str, length: u64) -> PathBuf {
    let path = scratch.write(name, pictures::png(64, 64, 1));
    let file = File::options()
        .write(true)
        .open(&path)
        .expect("scratch is writable");
    file.set_len(length).expect("scratch takes a sparse file");
    path
}

#[test]
fn a_picture_of_the_limit_is_never_sent() {
    let scratch = Scratch::new();
    let mut chat = chat();
    chat.expect_no_calls();
    for length in [104_857_600, 104_857_601] {
        set(
            &["--user", "build-bot"],
            &sparse(&scratch, "big.png", length),
        )
        .with(&chat)
        .gives(
            65,
            "",
            &complaint(
                "rocketchat build-bot",
                &format!("\"big.png\" has {length} bytes; Rocket.Chat accepts less than 104857600"),
                "",
            ),
        );
    }
}

#[test]
fn a_picture_just_below_the_limit_is_tried() {
    let scratch = Scratch::new();
    let chat = chat();
    set(
        &["--user", "nobody"],
        &sparse(&scratch, "big.png", 104_857_599),
    )
    .with(&chat)
    .gives(
        67,
        "",
        &format!(
            "avatarctl: rocketchat nobody: warning: \"big.png\": larger than 1 MiB, where proxies in front of servers stop by default\n{}",
            complaint(
                "rocketchat nobody",
                "look up \"nobody\": no such user: User not found.",
                ""
            )
        ),
    );
}

#[test]
fn what_a_server_may_do_to_a_picture_is_said_beforehand() {
    for (bytes, warning) in [
        (
            pictures::png(50, 30, 1),
            "50 x 30 is not square; Rocket.Chat shows the middle",
        ),
        (
            pictures::jpeg_oriented(48, 48, 1, 6),
            "turned by its EXIF orientation, which the server may ignore",
        ),
        (
            pictures::gif_animated(48, 48, 1),
            "animated; a server may keep its first picture only",
        ),
    ] {
        let (chat, scratch) = (chat(), Scratch::new());
        set(
            &["--user", "build-bot", "--no-verify"],
            &scratch.write("a.picture", bytes),
        )
        .with(&chat)
        .gives(
            0,
            "rocketchat build-bot: image a.picture (first avatar, not verified)\n",
            &format!("avatarctl: rocketchat build-bot: warning: \"a.picture\": {warning}\n"),
        );
    }
}

#[test]
fn what_is_no_web_address_is_never_sent() {
    let mut chat = chat();
    chat.expect_no_calls();
    for address in [
        "ftp://domain.tld/a.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "/pictures/a.png",
        "domain.tld/a.png",
        "http:/domain.tld/a.png",
        "httpx://domain.tld/a.png",
        " http://domain.tld/a.png",
        "http://domain.tld/a b.png",
        "http://domain.tld/a.png\n",
        "http://",
        "https:///a.png",
        "https://?token=s3cret",
    ] {
        run(["set", "--user", "build-bot", "--avatar-url", address])
            .with(&chat)
            .gives(
                64,
                "",
                "avatarctl: --avatar-url takes an http or https address\nhint: upload a file with --image\n",
            );
    }
}

#[test]
fn a_lost_target_or_source_is_never_the_callers_own() {
    let mut chat = chat();
    chat.expect_no_calls();
    let refused = |words: &[&str], said: &str| {
        run(["set"].into_iter().chain(words.iter().copied()))
            .with(&chat)
            .gives(64, "", &format!("avatarctl: {said}\n"));
    };
    let unset = "hint: is the variable that it comes from set?";
    for flag in ["--user", "--user-id"] {
        for empty in ["", " ", "\t"] {
            refused(
                &[flag, empty, "--avatar-url", FACE],
                &format!("{flag} is empty\n{unset}"),
            );
        }
        refused(
            &[flag, "--avatar-url", FACE],
            &format!(
                "{flag} needs a value, and \"--avatar-url\" looks like an option\nhint: write {flag}=VALUE for a value that begins with -"
            ),
        );
    }
    refused(
        &["--user", "a", "--user-id", "b", "--avatar-url", FACE],
        "--user and --user-id both name the target",
    );
    refused(
        &["--user", "a", "--image", "a.png", "--avatar-url", FACE],
        "--image and --avatar-url both name the avatar",
    );
    refused(
        &["--user", "a"],
        "rocketchat set needs --image or --avatar-url",
    );
    refused(
        &["--user", "a", "--avatar-url="],
        &format!("--avatar-url is empty\n{unset}"),
    );
    refused(
        &["--user", "a", "--image="],
        &format!("--image is empty\n{unset}"),
    );
}

// --------------------------------------------------------------------------------------------------- the addresses

#[test]
fn an_address_that_the_server_cannot_fetch_is_unacceptable() {
    for (address, found) in [
        ("http://10.0.0.5/a.png", None),
        ("http://domain.tld/nowhere.png", Some(Download::Status(404))),
        (
            "http://domain.tld/page.html",
            Some(Download::File {
                content_type: "text/html".into(),
                bytes: b"<html>".to_vec(),
            }),
        ),
    ] {
        let chat = chat();
        if let Some(found) = found {
            chat.model().downloads.insert(address.into(), found);
        }
        run(["set", "--user", "build-bot", "--avatar-url", address])
            .with(&chat)
            .gives(
                65,
                "",
                &complaint(
                    "rocketchat build-bot",
                    &format!(
                        "set the avatar from its address: the server cannot fetch this address: Invalid avatar URL: {address}"
                    ),
                    FETCH,
                ),
            );
        assert_eq!(chat.calls(), [LOOK, WRITE]);
    }
    let chat = chat();
    chat.model()
        .downloads
        .insert("http://domain.tld/a.png".into(), Download::Status(500));
    run(["set", "--avatar-url", "http://domain.tld/a.png"])
        .with(&chat)
        .gives(
            65,
            "",
            &complaint(
                "rocketchat robot-admin",
                "set the avatar from its address: the server could not fetch this address: Error while handling avatar setting from a URL (http://domain.tld/a.png) for robot-admin",
                "give the final address of a picture, or upload it with --image",
            ),
        );
}

#[test]
fn a_secret_in_an_address_is_sent_and_not_shown() {
    let address = "https://bot:hunter2@domain.tld/face.png?token=s3cret&x=1#s3cret-part";
    let chat = chat();
    run(["set", "--user", "build-bot", "--avatar-url", address])
        .with(&chat)
        .gives(
            65,
            "",
            &complaint(
                "rocketchat build-bot",
                "set the avatar from its address: the server cannot fetch this address: Invalid avatar URL: https://(redacted)@domain.tld/face.png?(redacted)",
                FETCH,
            ),
        );
    assert_eq!(chat.requests()[1].json()["avatarUrl"], address);
    chat.model().publish(address, pictures::png(32, 32, 1));
    run(["set", "--user", "build-bot", "--avatar-url", address])
        .with(&chat)
        .gives(
            0,
            "rocketchat build-bot: url https://domain.tld/face.png (etag 83o…, first avatar)\n",
            "",
        );
}

#[test]
fn a_secret_in_an_address_is_hidden_however_the_server_repeats_it() {
    let address = "https://bot:hunter%2F2@domain.tld/face.png?x=1&token=s3c%2Fret#s3cret-part";
    let mut leaks = String::new();
    for echo in [
        "Invalid avatar URL: https://bot:hunter%2F2@domain.tld/face.png?x=1&token=s3c%2Fret#s3cret-part",
        "Invalid avatar URL: https://bot:hunter%2F2@domain.tld/face.png?x=1&token=s3c%2Fret",
        "Invalid avatar URL: https://bot:hunter/2@domain.tld/face.png?x=1&token=s3c/ret",
        "cannot log in at domain.tld as bot with hunter/2",
        "domain.tld refused the token s3c/ret",
        "domain.tld refused the token s3c%2Fret",
    ] {
        for flag in ["--quiet", "--json", "-vv"] {
            let chat = chat();
            let body = json!({"success": false, "error": format!("{echo} [error-avatar-invalid-url]"), "errorType": "error-avatar-invalid-url", "details": {"url": address}});
            chat.fault(Fault::on(SET).instead(Reply::json(400, body)));
            let Output {
                status,
                stdout,
                stderr,
            } = run(["set", "--avatar-url", address, flag])
                .with(&chat)
                .output();
            assert_eq!(status, 65);
            // It was on its way, so there was something to hide.
            assert_eq!(chat.requests()[1].json()["avatarUrl"], address);
            for secret in ["hunter", "s3c%2Fret", "s3c/ret", "s3cret-part"] {
                if (stdout.clone() + &stderr).contains(secret) {
                    leaks += &format!("{flag} shows {secret} of: {echo}\n");
                }
            }
        }
    }
    assert!(leaks.is_empty(), "\n{leaks}");
}

// ------------------------------------------------------------------------------------------- an etag and no picture

/// An account whose picture is gone, and whose etag is not: what a refusal leaves.
fn lost(chat: &Running<RocketChat>, user: &str) -> String {
    let etag = chat.model().give(user, pictures::png(32, 32, 9));
    chat.model().user(user).picture = None;
    etag
}

#[test]
fn an_etag_without_its_picture_is_no_avatar() {
    let scratch = Scratch::new();
    for version in VERSIONS {
        let chat = chat_with(|model| model.version = version.into());
        assert_eq!(lost(&chat, "build-bot"), "83okkgZWFdKc9RDgW");
        lost(&chat, "robot-admin");
        run(["show", "--user", "build-bot"]).with(&chat).gives(
            0,
            "rocketchat build-bot: no avatar, the generated letter shows; the server lost the picture of etag 83okkgZWFdKc9RDgW\n",
            "",
        );
        let json = run(["show", "--json"]).with(&chat).output().json();
        assert_eq!(
            (&json[0]["current"], &json[0]["lost_etag"]),
            (&Value::Null, &json!("rkwgtdhhh78D5juMB"))
        );
        assert_eq!(json[0].get("origin"), None);
        run(["reset", "--user", "build-bot"]).with(&chat).gives(
            0,
            "rocketchat build-bot: generated letter, unchanged\n",
            "",
        );
        set(&["--user", "build-bot"], &robot(&scratch))
            .with(&chat)
            .gives(
                0,
                "rocketchat build-bot: image robot.png (etag Tke…, first avatar)\n",
                "",
            );
    }
}

#[test]
fn the_etag_of_a_lost_picture_proves_no_new_one() {
    let scratch = Scratch::new();
    let chat = chat_with(|model| model.settle = Duration::from_millis(1200));
    lost(&chat, "build-bot");
    set(&["--user", "build-bot"], &robot(&scratch))
        .with(&chat)
        .gives(
            0,
            "rocketchat build-bot: image robot.png (etag rkw…, first avatar)\n",
            "",
        );
    // Too early the picture is there, with the etag of the one before.
    let calls = [LOOK, PICTURE, WRITE, LOOK, PICTURE, LOOK, PICTURE];
    assert_eq!(chat.calls(), calls);
}

#[test]
fn a_new_etag_without_a_picture_proves_nothing() {
    let (chat, scratch) = (chat(), Scratch::new());
    let letter = Reply::text(200, "image/svg+xml", "<svg/>")
        .header("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT");
    chat.fault(Fault::on("HEAD /avatar/build-bot").always().instead(letter));
    set(&["--user", "build-bot"], &robot(&scratch))
        .with(&chat)
        .gives(
            76,
            "",
            &complaint(
                "rocketchat build-bot",
                "the server answered success, but the account still shows no avatar",
                "look at the account with show, and at the server's log",
            ),
        );
}

#[test]
fn whatever_else_the_head_of_a_picture_answers_the_etag_decides() {
    let svg = || Reply::text(200, "image/svg+xml", "<svg/>");
    for answer in [
        // The letter for those who may not look, and a drawing that somebody uploaded.
        svg(),
        svg().header("Last-Modified", "Sat, 01 Aug 2026 00:00:00 GMT"),
        Reply::text(200, "image/png", "x").header("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT"),
        Reply::html(200, "Log in"),
        Reply::empty(204),
        Reply::empty(302).header("Location", "https://store.example/a?signed=1"),
        Reply::empty(304),
        Reply::html(401, "no"),
        Reply::html(403, "no"),
        Reply::html(404, "no"),
        Reply::html(405, "no"),
        Reply::html(407, "no"),
        Reply::html(429, "no").header("Retry-After", 3000),
        Reply::html(500, "no"),
        Reply::html(503, "no").header("Retry-After", 3000),
        Reply::raw("SSH-2.0-x\r\n"),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 4\r\n\r\nbody"),
        Reply::hang(),
    ] {
        let chat = chat();
        chat.model().give("build-bot", pictures::png(32, 32, 9));
        let fault = Fault::on("HEAD /avatar/build-bot").always();
        println!("{answer:?}");
        chat.fault(fault.instead(answer));
        run(["show", "--user", "build-bot", "--timeout", "1"])
            .with(&chat)
            .gives(0, "rocketchat build-bot: etag 83okkgZWFdKc9RDgW\n", "");
        // Nothing is worth a second try.
        assert_eq!(chat.calls(), [LOOK, PICTURE]);
    }
}

#[test]
fn a_connection_that_breaks_at_the_head_of_a_picture_is_made_once_more() {
    const SHOW: [&str; 3] = ["show", "--user", "build-bot"];
    for broken in [
        Reply::close_without_answer(),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Le"),
    ] {
        let chat = chat();
        lost(&chat, "build-bot");
        chat.fault(Fault::on("HEAD /avatar/build-bot").instead(broken.clone()));
        run(SHOW).with(&chat).gives(
            0,
            "rocketchat build-bot: no avatar, the generated letter shows; the server lost the picture of etag 83okkgZWFdKc9RDgW\n",
            "",
        );
        chat.forget();
        chat.fault(Fault::on("HEAD /avatar/build-bot").always().instead(broken));
        run(SHOW)
            .with(&chat)
            .gives(0, "rocketchat build-bot: etag 83okkgZWFdKc9RDgW\n", "");
        assert_eq!(chat.calls(), [LOOK, PICTURE, PICTURE]);
    }
}

#[test]
fn pictures_that_do_not_answer_are_waited_for_once() {
    let (chat, scratch) = (chat(), Scratch::new());
    chat.model().give("build-bot", pictures::png(32, 32, 9));
    chat.fault(Fault::on("HEAD /avatar/build-bot").always().hang());
    set(&["--user", "build-bot", "--timeout", "1"], &robot(&scratch))
        .with(&chat)
        .gives(
            0,
            "rocketchat build-bot: image robot.png (etag rkw…, was 83o…)\n",
            "",
        );
    assert_eq!(chat.calls(), [LOOK, PICTURE, WRITE, LOOK]);
}

#[test]
fn the_head_of_a_picture_is_asked_for_by_name_and_with_cookies_that_no_trace_shows() {
    let chat = chat();
    let user = User::new("nameTestedHere123", "a;b/ü", "Name", &["user"]);
    chat.model().users.push(user);
    lost(&chat, "a;b/ü");
    let shown = run(["show", "--user", "a;b/ü", "-vv"]).with(&chat).output();
    assert_eq!(
        shown.stdout,
        "rocketchat a;b/ü: no avatar, the generated letter shows; the server lost the picture of etag 83okkgZWFdKc9RDgW\n"
    );
    let head = &chat.requests()[1];
    assert_eq!(
        (head.method.as_str(), head.target.as_str()),
        ("HEAD", "/chat/avatar/a%3Bb%2F%C3%BC")
    );
    assert_eq!(
        head.header("cookie"),
        Some("rc_uid=aobEdbYhXfu5hkeqG; rc_token=9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq")
    );
    let traced: Vec<&str> = shown
        .stderr
        .lines()
        .filter(|line| line.contains("cookie"))
        .collect();
    assert_eq!(traced, ["> cookie: (redacted)"]);
    assert!(!shown.stderr.contains("9HqLly") && !shown.stderr.contains("aobEd"));
}

// -------------------------------------------------------------------------------------------------- the read-back

/// What `users.info` says of `build-bot` with that etag.
fn wearing(etag: &str) -> Reply {
    Reply::json(
        200,
        json!({"user": {"_id": "BsNr28znDkG8aeo7W", "username": "build-bot", "avatarETag": etag}, "success": true}),
    )
}

#[test]
fn the_etag_is_looked_for_only_after_it_can_be_there() {
    for blank_while_settling in [false, true] {
        let scratch = Scratch::new();
        let chat = chat_with(|model| {
            model.settle = Duration::from_millis(500);
            model.blank_while_settling = blank_while_settling;
        });
        chat.model().give("build-bot", pictures::png(32, 32, 9));
        set(&["--user", "build-bot"], &robot(&scratch))
            .with(&chat)
            .gives(
                0,
                "rocketchat build-bot: image robot.png (etag rkw…, was 83o…)\n",
                "",
            );
        assert_eq!(chat.calls(), [LOOK, PICTURE, WRITE, LOOK, PICTURE]);
    }
}

#[test]
fn an_etag_that_is_late_is_looked_for_again() {
    for late in 1..=2 {
        let (chat, scratch) = (chat(), Scratch::new());
        let before = chat.model().give("build-bot", pictures::png(32, 32, 9));
        chat.fault(
            Fault::on(INFO)
                .from(2)
                .times(late)
                .instead(wearing(&before)),
        );
        let begun = Instant::now();
        set(&["--user", "build-bot"], &robot(&scratch))
            .with(&chat)
            .gives(
                0,
                "rocketchat build-bot: image robot.png (etag rkw…, was 83o…)\n",
                "",
            );
        let mut calls = vec![LOOK, PICTURE, WRITE];
        calls.extend([LOOK, PICTURE].repeat(1 + late));
        assert_eq!(chat.calls(), calls);
        // Half a second is the server's, then about one and two.
        let least = [1_500, 3_500][late - 1];
        assert!(begun.elapsed() > Duration::from_millis(least));
    }
}

#[test]
fn an_etag_that_never_changes_is_a_failure() {
    let scratch = Scratch::new();
    let chat = chat_with(|model| model.settle = Duration::from_secs(3600));
    chat.model().give("build-bot", pictures::png(32, 32, 9));
    set(&["--user", "build-bot", "--json"], &robot(&scratch))
        .with(&chat)
        .gives(
            76,
            concat!(
                r#"{"v":1,"type":"account","system":"rocketchat","server":"URL","account":"build-bot","action":"set","outcome":"failed","error":{"class":"protocol","exit":76,"status":null,"message":"the server answered success, but the account still shows etag 83o…","hint":"look at the account with show, and at the server's log"}}"#,
                "\n",
                r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":76}"#,
                "\n",
            ),
            &complaint(
                "rocketchat build-bot",
                "the server answered success, but the account still shows etag 83o…",
                "look at the account with show, and at the server's log",
            ),
        );
    let mut calls = vec![LOOK, PICTURE, WRITE];
    calls.extend([LOOK, PICTURE].repeat(3));
    assert_eq!(chat.calls(), calls);
}

#[test]
fn an_etag_that_never_comes_is_a_failure() {
    let scratch = Scratch::new();
    let chat = chat_with(|model| model.settle = Duration::from_secs(3600));
    set(&[], &robot(&scratch)).with(&chat).gives(
        76,
        "",
        &complaint(
            "rocketchat robot-admin",
            "the server answered success, but the account still shows no avatar",
            "look at the account with show, and at the server's log",
        ),
    );
    let me = "GET /chat/api/v1/me";
    assert_eq!(chat.calls(), [me, WRITE, me, me, me]);
}

#[test]
fn a_read_back_that_fails_says_that_the_avatar_was_taken() {
    let taken = "the server took the change, but the read-back failed: look up \"build-bot\": ";
    for (reply, exit, said, hint) in [
        (
            Reply::json(
                429,
                r#"{"success":false,"error":"Error, too many requests. Please slow down. You must wait 42 seconds before trying this endpoint again. [error-too-many-requests]"}"#,
            ),
            75,
            "too many requests: Error, too many requests. Please slow down. You must wait 42 seconds before trying this endpoint again.",
            "",
        ),
        (
            Reply::close_without_answer(),
            75,
            "the connection was lost before the answer was complete",
            "",
        ),
        (
            Reply::html(200, "Log in"),
            76,
            "answered 200 with an HTML page",
            LOGIN_PAGE,
        ),
        (
            Reply::json(
                401,
                r#"{"status":"error","message":"You must be logged in to do this."}"#,
            ),
            77,
            "not logged in: You must be logged in to do this.",
            PAIR,
        ),
    ] {
        let (chat, scratch) = (chat(), Scratch::new());
        chat.fault(Fault::on(INFO).from(2).instead(reply));
        set(&["--user", "build-bot"], &robot(&scratch))
            .with(&chat)
            .once()
            .gives(
                exit,
                "",
                &complaint("rocketchat build-bot", &format!("{taken}{said}"), hint),
            );
        assert!(chat.model().user("build-bot").picture.is_some());
    }
}

// ---------------------------------------------------------------------------------------------------- the failures

pub const PAIR: &str = "check that ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN belong together";
const SECOND: &str = "use a personal access token";
const PERMISSION: &str = "to change another user's avatar you need the permission edit-other-user-avatar; to change one's own, the setting Accounts_AllowUserAvatarChange";
const FETCH: &str = "upload the picture with --image; addresses of a private network are refused unless SSRF_Allowlist names them";
const FINAL: &str = "give the final address of a picture, or upload it with --image";
const BASE: &str = "the base URL may lack its path, as in https://host/chat";
const LOGIN_PAGE: &str = "a login page or a proxy answered instead of Rocket.Chat: exempt this account's calls from single sign-on";
const REDIRECT: &str = "if it leads to the same server, give that address as the base URL; if it leads to a login page, exempt this account's calls from single sign-on";
const LARGE: &str = "larger than the server or a proxy in front of it accepts";
const LOST_TYPE: &str =
    "the server refused the type, and the account has lost the avatar it had: Invalid file type";
const LOST_CONTENT: &str = "the server cannot decode the picture, and the account has lost the avatar it had: Input buffer contains unsupported image format";
const SLOW_DOWN: &str = "too many requests: Error, too many requests. Please slow down. You must wait 42 seconds before trying this endpoint again.";

/// Status, body, exit status, what is said, hint.
type Row = (u16, &'static str, i32, &'static str, &'static str);

/// JSON, HTML or plain text, by how it begins.
fn reply(status: u16, body: &str) -> Reply {
    match body.as_bytes().first() {
        Some(b'{' | b'[' | b'"') => Reply::json(status, body),
        Some(b'<') => Reply::text(status, "text/html", body),
        _ => Reply::text(status, "text/plain", body),
    }
}

/// Failures that any call can meet, in every shape that a version of the server gave them.
const ANYWHERE: &[Row] = &[
    (
        401,
        r#"{"status":"error","message":"You must be logged in to do this."}"#,
        77,
        "not logged in: You must be logged in to do this.",
        PAIR,
    ),
    (
        401,
        r#"{"status":"error","message":"You must be logged in to do this.","success":false,"error":"Unauthorized"}"#,
        77,
        "not logged in: You must be logged in to do this.",
        PAIR,
    ),
    (
        401,
        r#"{"success":false,"status":"error","error":403,"message":"Unauthorized"}"#,
        77,
        "not logged in: Unauthorized",
        PAIR,
    ),
    (401, "", 77, "not logged in", PAIR),
    (
        401,
        r#"{"status":"error","error":"totp-required","message":"TOTP Required","details":{"method":"email","availableMethods":["email"]}}"#,
        77,
        "a second factor is required: TOTP Required",
        SECOND,
    ),
    (
        400,
        r#"{"success":false,"error":"TOTP Required [totp-required]","errorType":"totp-required","details":{"method":"totp"}}"#,
        77,
        "a second factor is required: TOTP Required",
        SECOND,
    ),
    (
        401,
        r#"{"status":"error","error":"totp-invalid","message":"TOTP Invalid","details":{"method":"totp"}}"#,
        77,
        "the second factor was refused: TOTP Invalid",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"TOTP Invalid [totp-invalid]","errorType":"totp-invalid"}"#,
        77,
        "the second factor was refused: TOTP Invalid",
        "",
    ),
    (
        401,
        r#"{"status":"error","error":"totp-max-attempts","message":"TOTP Maximun Failed Attempts Reached"}"#,
        77,
        "the second factor was refused: TOTP Maximun Failed Attempts Reached",
        "",
    ),
    (
        401,
        r#"{"status":"error","message":"You must be logged in to do this.","success":false,"error":"You must be logged in to do this."}"#,
        77,
        "not logged in: You must be logged in to do this.",
        PAIR,
    ),
    (
        403,
        r#"{"success":false,"error":"Unauthorized [error-unauthorized]","errorType":"error-unauthorized"}"#,
        77,
        "not permitted: Unauthorized",
        PERMISSION,
    ),
    (
        403,
        r#"{"success":false,"error":"unauthorized"}"#,
        77,
        "not permitted: unauthorized",
        PERMISSION,
    ),
    (
        400,
        r#"{"success":false,"error":"Not allowed [error-not-allowed]","errorType":"error-not-allowed","details":{"method":"setUserAvatar"}}"#,
        77,
        "not permitted: Not allowed",
        PERMISSION,
    ),
    (
        400,
        r#"{"success":false,"error":"[error-not-allowed]","errorType":"error-not-allowed"}"#,
        77,
        "not permitted: error-not-allowed",
        PERMISSION,
    ),
    (
        400,
        r#"{"success":false,"error":"The required \"userId\" or \"username\" param provided does not match any users [error-invalid-user]","errorType":"error-invalid-user"}"#,
        67,
        "no such user: The required \"userId\" or \"username\" param provided does not match any users",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"User not found. [error-invalid-user]"}"#,
        67,
        "no such user: User not found.",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"User not found."}"#,
        67,
        "no such user: User not found.",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"must NOT have additional properties [invalid-params]","errorType":"invalid-params"}"#,
        76,
        "answered 400: must NOT have additional properties",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"must NOT have additional properties","errorType":"invalid-params"}"#,
        76,
        "answered 400: must NOT have additional properties",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Something new [error-something-new]","errorType":"error-something-new"}"#,
        76,
        "answered 400: Something new",
        "",
    ),
    (400, r#"{"success":false}"#, 76, "answered 400", ""),
    (400, "Bad Request", 76, "answered 400: Bad Request", ""),
    (
        409,
        r#"{"success":false,"error":"Conflict"}"#,
        76,
        "answered 409: Conflict",
        "",
    ),
    (
        429,
        r#"{"success":false,"error":"Error, too many requests. Please slow down. You must wait 42 seconds before trying this endpoint again. [error-too-many-requests]"}"#,
        75,
        SLOW_DOWN,
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Error, too many requests. Please slow down. You must wait 42 seconds before trying this endpoint again. [error-too-many-requests]"}"#,
        75,
        SLOW_DOWN,
        "",
    ),
    (
        429,
        "<html><body>429 Too Many Requests</body></html>",
        75,
        "too many requests",
        "",
    ),
    (
        500,
        r#"{"success":false,"error":"Internal server error"}"#,
        75,
        "the server failed with 500: Internal server error",
        "",
    ),
    (
        500,
        "Internal Server Error",
        75,
        "the server failed with 500: Internal Server Error",
        "",
    ),
    (
        502,
        "<html><body>502 Bad Gateway</body></html>",
        75,
        "the server failed with 502",
        "",
    ),
    (
        503,
        "<html><body>503 Service Unavailable</body></html>",
        75,
        "the server failed with 503",
        "",
    ),
    (504, "", 75, "the server failed with 504", ""),
    (
        404,
        r#"{"success":false,"error":"Resource not found"}"#,
        76,
        "there is no Rocket.Chat at this address",
        BASE,
    ),
    (
        404,
        "404 Not Found",
        76,
        "there is no Rocket.Chat at this address",
        BASE,
    ),
    (
        404,
        "Not Found",
        76,
        "there is no Rocket.Chat at this address",
        BASE,
    ),
    (
        404,
        "<!DOCTYPE html><html><body>404</body></html>",
        76,
        "there is no Rocket.Chat at this address",
        BASE,
    ),
    (
        405,
        r#"{"success":false,"error":"Method not allowed"}"#,
        76,
        "there is no Rocket.Chat at this address",
        BASE,
    ),
    (
        405,
        "Method Not Allowed",
        76,
        "there is no Rocket.Chat at this address",
        BASE,
    ),
    (
        200,
        "<!DOCTYPE html><html><head><title>Log in</title></head></html>",
        76,
        "answered 200 with an HTML page",
        LOGIN_PAGE,
    ),
    (200, "", 76, "answered 200 with an empty body", ""),
    (204, "", 76, "answered 204 with an empty body", ""),
    (
        200,
        r#"{"success":tr"#,
        76,
        "answered 200 with JSON that is cut off",
        "",
    ),
    (
        200,
        "OK",
        76,
        "answered 200 with something that is not JSON",
        "",
    ),
    (
        200,
        r#"[{"success":true}]"#,
        76,
        "answered 200 with JSON of another shape",
        "",
    ),
    (
        200,
        r#"{"success":"true"}"#,
        76,
        "answered 200 with no \"success\": true",
        "",
    ),
    (
        200,
        r#"{"success":"false"}"#,
        76,
        "answered 200 with no \"success\": true",
        "",
    ),
    (
        200,
        r#"{"success":1}"#,
        76,
        "answered 200 with no \"success\": true",
        "",
    ),
    (
        200,
        r#"{"success":null}"#,
        76,
        "answered 200 with no \"success\": true",
        "",
    ),
    (
        200,
        r#"{}"#,
        76,
        "answered 200 with no \"success\": true",
        "",
    ),
    (
        200,
        r#"{"status":"success"}"#,
        76,
        "answered 200 with no \"success\": true",
        "",
    ),
    // The body says failure, whatever the status says.
    (
        200,
        r#"{"success":false,"error":"unauthorized"}"#,
        77,
        "not permitted: unauthorized",
        PERMISSION,
    ),
    (
        200,
        r#"{"success":false,"error":"Not allowed [error-not-allowed]","errorType":"error-not-allowed"}"#,
        77,
        "not permitted: Not allowed",
        PERMISSION,
    ),
    (
        200,
        r#"{"success":false,"error":"[error-invalid-user]","errorType":"error-invalid-user"}"#,
        67,
        "no such user: error-invalid-user",
        "",
    ),
    (
        200,
        r#"{"success":false,"error":"Something new"}"#,
        76,
        "answered 200: Something new",
        "",
    ),
    (
        200,
        r#"{"status":"error","error":"totp-required","message":"TOTP Required"}"#,
        77,
        "a second factor is required: TOTP Required",
        SECOND,
    ),
    (
        200,
        r#"{"status":"error","message":"You must be logged in to do this."}"#,
        77,
        "not logged in: You must be logged in to do this.",
        PAIR,
    ),
    (
        200,
        r#"{"success":false,"error":"Error, too many requests. Please slow down. You must wait 42 seconds before trying this endpoint again. [error-too-many-requests]"}"#,
        75,
        SLOW_DOWN,
        "",
    ),
];

/// Failures of an upload.
const UPLOAD: &[Row] = &[
    (
        400,
        r#"{"success":false,"error":"Missing Content-Type"}"#,
        76,
        "answered 400: Missing Content-Type",
        "",
    ),
    (
        400,
        r#"{"success":"false","error":"Missing Content-Type"}"#,
        76,
        "answered 400: Missing Content-Type",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Unsupported content type: text/plain"}"#,
        76,
        "answered 400: Unsupported content type: text/plain",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Invalid request body"}"#,
        76,
        "answered 400: Invalid request body",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Multipart: Boundary not found"}"#,
        76,
        "answered 400: Multipart: Boundary not found",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Unexpected end of form"}"#,
        76,
        "answered 400: Unexpected end of form",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"[No file uploaded]","errorType":"No file uploaded"}"#,
        76,
        "answered 400: No file uploaded",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"No file uploaded"}"#,
        76,
        "answered 400: No file uploaded",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"[invalid-field]","errorType":"invalid-field"}"#,
        76,
        "answered 400: invalid-field",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Just 1 file is allowed"}"#,
        76,
        "answered 400: Just 1 file is allowed",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"[Just 1 file is allowed]","errorType":"Just 1 file is allowed"}"#,
        76,
        "answered 400: Just 1 file is allowed",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"[error-file-too-large]","errorType":"error-file-too-large"}"#,
        65,
        LARGE,
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"File size exceeds allowed size of 1024 bytes [error-file-too-large]"}"#,
        65,
        LARGE,
        "",
    ),
    (
        413,
        "<html><head><title>413 Request Entity Too Large</title></head></html>",
        65,
        LARGE,
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Invalid file type [error-invalid-file-type]","errorType":"error-invalid-file-type"}"#,
        65,
        LOST_TYPE,
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Invalid file type [error-invalid-file-type]"}"#,
        65,
        LOST_TYPE,
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Input buffer contains unsupported image format"}"#,
        65,
        LOST_CONTENT,
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Error: Input file contains unsupported image format [ufs: cannot upload file]","errorType":"ufs: cannot upload file"}"#,
        65,
        "the server cannot decode the picture, and the account has lost the avatar it had: Error: Input file contains unsupported image format",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Error: no codec [ufs: cannot upload file]","errorType":"ufs: cannot upload file"}"#,
        65,
        "the server cannot decode the picture, and the account has lost the avatar it had: Error: no codec",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"VipsJpeg: Premature end of input file"}"#,
        65,
        "the server cannot decode the picture, and the account has lost the avatar it had: VipsJpeg: Premature end of input file",
        "",
    ),
    (
        200,
        r#"{"success":false,"error":"[error-file-too-large]","errorType":"error-file-too-large"}"#,
        65,
        LARGE,
        "",
    ),
    (
        200,
        r#"{"success":false,"error":"Invalid file type [error-invalid-file-type]","errorType":"error-invalid-file-type"}"#,
        65,
        LOST_TYPE,
        "",
    ),
    (
        200,
        r#"{"success":false,"error":"Input buffer contains unsupported image format"}"#,
        65,
        LOST_CONTENT,
        "",
    ),
];

/// Failures of an address.
const ADDRESS: &[Row] = &[
    (
        400,
        r#"{"success":false,"error":"Unsupported content type: application/json"}"#,
        76,
        "answered 400: Unsupported content type: application/json",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Invalid request body"}"#,
        76,
        "answered 400: Invalid request body",
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Invalid avatar URL: http://10.0.0.5/a.png [error-avatar-invalid-url]","errorType":"error-avatar-invalid-url","details":{"url":"http://10.0.0.5/a.png"}}"#,
        65,
        "the server cannot fetch this address: Invalid avatar URL: http://10.0.0.5/a.png",
        FETCH,
    ),
    (
        400,
        r#"{"success":false,"error":"Invalid avatar URL: http://10.0.0.5/a.png [error-avatar-invalid-url]"}"#,
        65,
        "the server cannot fetch this address: Invalid avatar URL: http://10.0.0.5/a.png",
        FETCH,
    ),
    (
        400,
        r#"{"success":false,"error":"[error-avatar-url-handling]","errorType":"error-avatar-url-handling"}"#,
        65,
        "the server could not fetch this address: error-avatar-url-handling",
        FINAL,
    ),
    (
        400,
        r#"{"success":false,"error":"Error while handling avatar setting from a URL (http://domain.tld/a.png) for robot [error-avatar-url-handling]","errorType":"error-avatar-url-handling","details":{"url":"http://domain.tld/a.png","username":"robot"}}"#,
        65,
        "the server could not fetch this address: Error while handling avatar setting from a URL (http://domain.tld/a.png) for robot",
        FINAL,
    ),
    (
        200,
        r#"{"success":false,"error":"Invalid avatar URL: x [error-avatar-invalid-url]","errorType":"error-avatar-invalid-url"}"#,
        65,
        "the server cannot fetch this address: Invalid avatar URL: x",
        FETCH,
    ),
    (
        400,
        r#"{"success":false,"error":"[error-file-too-large]","errorType":"error-file-too-large"}"#,
        65,
        "the picture at this address is larger than the server accepts, and the account has lost the avatar it had",
        "",
    ),
    // A proxy's, before the server has heard of it.
    (
        413,
        "<html><head><title>413 Request Entity Too Large</title></head></html>",
        65,
        LARGE,
        "",
    ),
    (
        400,
        r#"{"success":false,"error":"Invalid file type [error-invalid-file-type]","errorType":"error-invalid-file-type"}"#,
        65,
        LOST_TYPE,
        "",
    ),
];

/// Every row that does not read as it should, at once.
fn each(
    rows: &[&[Row]],
    route: &str,
    words: &[&str],
    about: &str,
    operation: &str,
    calls: &[&str],
) {
    let mut wrong = String::new();
    for (status, body, exit, said, hint) in rows.iter().copied().flatten() {
        let chat = chat();
        chat.fault(Fault::on(route).always().instead(reply(*status, body)));
        let output = run(words.iter().copied()).with(&chat).once().output();
        let wanted = complaint(about, &format!("{operation}: {said}"), hint);
        if (output.status, output.stdout.as_str(), &output.stderr) != (*exit, "", &wanted) {
            wrong += &format!("{status} {body}\nwanted status {exit}\n{wanted}found {output:?}\n");
        }
        assert_eq!(chat.calls(), calls, "{status} {body}");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_refusal_of_a_look() {
    each(
        &[ANYWHERE],
        INFO,
        &["set", "--user", "build-bot", "--avatar-url", FACE],
        "rocketchat build-bot",
        "look up \"build-bot\"",
        &[LOOK],
    );
    each(
        &[ANYWHERE],
        "GET /me",
        &["show"],
        "rocketchat",
        "ask who the caller is",
        &["GET /chat/api/v1/me"],
    );
    each(
        &[ANYWHERE],
        "GET /users.getAvatarSuggestion",
        &["list"],
        "rocketchat",
        "ask for suggestions",
        &["GET /chat/api/v1/users.getAvatarSuggestion"],
    );
}

#[test]
fn every_refusal_of_an_upload() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    let image = image.to_str().expect("a temporary path is UTF-8");
    each(
        &[ANYWHERE, UPLOAD],
        SET,
        &["set", "--user", "build-bot", "--image", image],
        "rocketchat build-bot",
        "upload \"robot.png\"",
        &[LOOK, WRITE],
    );
}

#[test]
fn every_refusal_of_an_address() {
    each(
        &[ANYWHERE, ADDRESS],
        SET,
        &["set", "--user", "build-bot", "--avatar-url", FACE],
        "rocketchat build-bot",
        "set the avatar from its address",
        &[LOOK, WRITE],
    );
}

#[test]
fn an_answer_without_what_was_asked_for_is_not_understood() {
    for (route, words, about, operation) in [
        (
            INFO,
            &["show", "--user", "build-bot"][..],
            "rocketchat build-bot",
            "look up \"build-bot\"",
        ),
        ("GET /me", &["show"], "rocketchat", "ask who the caller is"),
        (
            "GET /users.getAvatarSuggestion",
            &["list"],
            "rocketchat",
            "ask for suggestions",
        ),
    ] {
        for body in [r#"{"success":true}"#, r#"{"success":true,"user":null}"#] {
            let chat = chat();
            chat.fault(Fault::on(route).instead(Reply::json(200, body)));
            run(words.iter().copied()).with(&chat).gives(
                76,
                "",
                &complaint(
                    about,
                    &format!("{operation}: answered 200 with JSON of another shape"),
                    "",
                ),
            );
        }
    }
}

#[test]
fn a_failure_in_an_odd_shape_is_still_a_failure() {
    const ODD: &[Row] = &[
        (
            401,
            r#"{"status":"error","message":{"text":"You must be logged in"}}"#,
            77,
            "not logged in",
            PAIR,
        ),
        (
            400,
            r#"{"success":false,"error":"Not allowed [error-not-allowed]","errorType":7}"#,
            77,
            "not permitted: Not allowed",
            PERMISSION,
        ),
        (
            400,
            r#"{"success":false,"error":{"reason":"none"},"errorType":"error-invalid-user"}"#,
            67,
            "no such user: error-invalid-user",
            "",
        ),
    ];
    each(
        &[ODD],
        INFO,
        &["show", "--user", "build-bot"],
        "rocketchat build-bot",
        "look up \"build-bot\"",
        &[LOOK],
    );
}

#[test]
fn what_the_server_says_is_bounded_and_cleaned() {
    let chat = chat();
    let said = format!(
        "\u{1b}[2Jgone\r\navatarctl: all well {}",
        "x".repeat(100_000)
    );
    chat.fault(Fault::on(INFO).instead(Reply::json(
        409,
        json!({"success": false, "error": "\u{1b}[2Jgone\r\navatarctl: all well\u{202e}"}),
    )));
    run(["show", "--user", "build-bot"]).with(&chat).gives(
        76,
        "",
        "avatarctl: rocketchat build-bot: look up \"build-bot\": answered 409: \\u{1b}[2Jgone avatarctl: all well\\u{202e}\n",
    );
    chat.fault(Fault::on(INFO).instead(Reply::json(409, json!({"success": false, "error": said}))));
    // Longer than a refusal is read, so nothing of it can be trusted to be whole.
    run(["show", "--user", "build-bot"]).with(&chat).gives(
        76,
        "",
        "avatarctl: rocketchat build-bot: look up \"build-bot\": answered 409\n",
    );
}

#[test]
fn a_server_that_repeats_the_token_does_not_get_it_shown() {
    let chat = chat();
    chat.fault(Fault::on(INFO).instead(Reply::json(
        401,
        r#"{"status":"error","message":"no user aobEdbYhXfu5hkeqG with 9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq"}"#,
    )));
    run(["show", "--user", "build-bot"]).with(&chat).gives(
        77,
        "",
        &complaint(
            "rocketchat build-bot",
            "look up \"build-bot\": not logged in: no user (redacted) with (redacted)",
            PAIR,
        ),
    );
}

#[test]
fn no_redirect_is_followed() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    for status in [301, 302, 303, 307, 308] {
        for (location, place) in [
            (
                Some("https://chat.example.com/login?once=s3cret#top"),
                "a redirect to https://chat.example.com/login, which is not followed",
            ),
            (None, "a redirect, which is not followed"),
        ] {
            let elsewhere = {
                let mut elsewhere = chat();
                elsewhere.expect_no_calls();
                elsewhere
            };
            let chat = chat();
            let reply = Reply::html(status, "moved");
            let (reply, place) = match location {
                Some(location) => (reply.header("Location", location), place.to_owned()),
                None => (reply, place.to_owned()),
            };
            chat.fault(Fault::on(SET).instead(reply));
            set(&["--user", "build-bot"], &image).with(&chat).gives(
                76,
                "",
                &complaint(
                    "rocketchat build-bot",
                    &format!("upload \"robot.png\": answered {status}, {place}"),
                    REDIRECT,
                ),
            );
            // To a server that is there, so that following it would work.
            let location = format!("{}/api/v1/users.info?username=build-bot", elsewhere.url());
            chat.fault(Fault::on(INFO).instead(Reply::empty(status).header("Location", location)));
            run(["show", "--user", "build-bot"])
                .with(&chat)
                .mask(&elsewhere.url(), "ELSEWHERE")
                .gives(
                    76,
                    "",
                    &complaint(
                        "rocketchat build-bot",
                        &format!(
                            "look up \"build-bot\": answered {status}, a redirect to ELSEWHERE/api/v1/users.info, which is not followed"
                        ),
                        REDIRECT,
                    ),
                );
            assert_eq!(chat.calls(), [LOOK, WRITE, LOOK]);
        }
    }
}

#[test]
fn an_answer_that_is_lost_may_pass() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    let lost = "the connection was lost before the answer was complete";
    for (fault, operation, worn) in [
        (Fault::on(INFO).lost(), "look up \"build-bot\"", false),
        (Fault::on(INFO).silent(), "look up \"build-bot\"", false),
        (Fault::on(SET).lost(), "upload \"robot.png\"", true),
        (Fault::on(SET).silent(), "upload \"robot.png\"", false),
        (
            Fault::on(SET).afterwards(Reply::raw(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"succ",
            )),
            "upload \"robot.png\"",
            true,
        ),
        (
            Fault::on(SET).afterwards(Reply::raw("HTTP/1.1 200 OK\r\nContent-Ty")),
            "upload \"robot.png\"",
            true,
        ),
    ] {
        let chat = chat();
        chat.fault(fault);
        set(&["--user", "build-bot"], &image)
            .with(&chat)
            .once()
            .gives(
                75,
                "",
                &complaint("rocketchat build-bot", &format!("{operation}: {lost}"), ""),
            );
        assert_eq!(chat.model().user("build-bot").picture.is_some(), worn);
    }
}

#[test]
fn an_answer_that_does_not_come_runs_out_of_time() {
    let scratch = Scratch::new();
    let chat = chat();
    chat.fault(Fault::on(SET).hang());
    let run = set(
        &["--user", "build-bot", "--timeout", "0.5"],
        &robot(&scratch),
    );
    run.with(&chat).once().gives(
        75,
        "",
        &complaint(
            "rocketchat build-bot",
            "upload \"robot.png\": no answer within 0.5 s",
            "allow more time with --timeout",
        ),
    );
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let place = unused_address();
    run(["show", "--user", "build-bot"])
        .env("ROCKETCHAT_URL", format!("http://{place}/chat"))
        .env("ROCKETCHAT_USER_ID", "aobEdbYhXfu5hkeqG")
        .env("ROCKETCHAT_AUTH_TOKEN", "9HqLlyZOugoStsXCUfD")
        .mask(&place.to_string(), "PLACE")
        .once()
        .gives(
            69,
            "",
            &complaint(
                "rocketchat build-bot",
                "look up \"build-bot\": cannot connect to PLACE: connection refused",
                "",
            ),
        );
}

#[test]
fn a_wrong_base_is_told_by_its_404() {
    let chat = chat();
    let url = chat.url();
    let host = url.strip_suffix("/chat").expect("the model has a context");
    run(["show"]).with(&chat).env("ROCKETCHAT_URL", host).gives(
        76,
        "",
        &complaint(
            "rocketchat",
            "ask who the caller is: there is no Rocket.Chat at this address",
            BASE,
        ),
    );
}

#[test]
fn a_proxy_that_refuses_before_the_end_is_heard() {
    let scratch = Scratch::new();
    let image = scratch.write("big.png", pictures::png(1000, 1000, 7));
    let page = Reply::html(413, "413 Request Entity Too Large");
    for reply in [page.clone(), page.then_reset()] {
        let chat = chat();
        chat.refuse_bodies_above(1 << 20, reply);
        set(&["--user", "build-bot"], &image).with(&chat).gives(
            65,
            "",
            &format!(
                "avatarctl: rocketchat build-bot: warning: \"big.png\": larger than 1 MiB, where proxies in front of servers stop by default\n{}",
                complaint(
                    "rocketchat build-bot",
                    &format!("upload \"big.png\": {LARGE}"),
                    ""
                )
            ),
        );
        assert_eq!(chat.calls(), [LOOK, WRITE]);
        assert!(chat.model().user("build-bot").picture.is_none());
    }
}

/// What is refused only after the old picture was deleted.
#[test]
fn a_refusal_that_costs_the_avatar_says_so() {
    let address = "http://domain.tld/a.png";
    for version in VERSIONS {
        for (bytes, said) in [
            (
                pictures::png(64, 64, 1),
                "the picture at this address is larger than the server accepts, and the account has lost the avatar it had",
            ),
            (b"no picture".to_vec(), LOST_CONTENT),
        ] {
            let chat = chat_with(|model| {
                model.version = version.into();
                model.max_file_size = 1000;
            });
            chat.model().give("build-bot", pictures::png(8, 8, 1));
            let content_type = "image/png".to_owned();
            let file = Download::File {
                content_type,
                bytes,
            };
            chat.model().downloads.insert(address.into(), file);
            let said = match version {
                "8.6.1" => said.replace("Input buffer", "Error: Input buffer"),
                _ => said.to_owned(),
            };
            run(["set", "--user", "build-bot", "--avatar-url", address])
                .with(&chat)
                .gives(
                    65,
                    "",
                    &complaint(
                        "rocketchat build-bot",
                        &format!("set the avatar from its address: {said}"),
                        "",
                    ),
                );
            assert!(chat.model().user("build-bot").picture.is_none());
        }
    }
}

/// What is true of every version that is known from runs.
#[test]
fn every_version_is_set_shown_and_reset() {
    let (scratch, address) = (Scratch::new(), "http://domain.tld/moved.png");
    for version in VERSIONS {
        let chat = chat_with(|model| model.version = version.into());
        chat.model().publish(FACE, pictures::jpeg(64, 64, 1));
        chat.model()
            .downloads
            .insert(address.into(), Download::Redirect(FACE.into()));
        let to = |words: &[&str]| {
            let words = words.iter().copied().chain(["--user", "build-bot"]);
            run(words).with(&chat)
        };
        set(&["--user", "build-bot"], &robot(&scratch))
            .with(&chat)
            .gives(
                0,
                "rocketchat build-bot: image robot.png (etag 83o…, first avatar)\n",
                "",
            );
        assert!(chat.model().user("robot-admin").picture.is_none());
        to(&["show"]).gives(0, "rocketchat build-bot: etag 83okkgZWFdKc9RDgW\n", "");
        match version {
            "6.13.1" => to(&["set", "--avatar-url", address]).gives(
                65,
                "",
                &complaint(
                    "rocketchat build-bot",
                    &format!("set the avatar from its address: the server cannot fetch this address: Invalid avatar URL: {address}"),
                    FETCH,
                ),
            ),
            _ => to(&["set", "--avatar-url", address]).gives(
                0,
                "rocketchat build-bot: url http://domain.tld/moved.png (etag rkw…, was 83o…)\n",
                "",
            ),
        }
        let was = &chat
            .model()
            .user("build-bot")
            .etag
            .clone()
            .expect("an etag")[..3];
        to(&["reset"]).gives(
            0,
            &format!("rocketchat build-bot: generated letter (was etag {was}…)\n"),
            "",
        );
        run(["whoami"]).with(&chat).gives(
            0,
            &format!("rocketchat: robot-admin, may change others, Rocket.Chat {version} at URL\n"),
            "",
        );
        run(["show"])
            .with(&chat)
            .env("ROCKETCHAT_AUTH_TOKEN", "wrong")
            .gives(
                77,
                "",
                &complaint(
                    "rocketchat",
                    "ask who the caller is: not logged in: You must be logged in to do this.",
                    PAIR,
                ),
            );
        run(["show"])
            .with(&chat)
            .env("ROCKETCHAT_URL", format!("{}/api/v1", chat.url()))
            .gives(
                76,
                "",
                &complaint(
                    "rocketchat",
                    "ask who the caller is: there is no Rocket.Chat at this address",
                    BASE,
                ),
            );
    }
}

#[test]
fn a_server_with_a_smaller_limit_is_heard() {
    let scratch = Scratch::new();
    let chat = chat_with(|model| model.max_file_size = 1000);
    chat.model().give("build-bot", pictures::png(8, 8, 1));
    set(&["--user", "build-bot"], &robot(&scratch))
        .with(&chat)
        .gives(
            65,
            "",
            &complaint(
                "rocketchat build-bot",
                &format!("upload \"robot.png\": {LARGE}"),
                "",
            ),
        );
    assert!(chat.model().user("build-bot").picture.is_some());
}

// ------------------------------------------------------------------------------------------------------- output

#[test]
fn rocketchat_in_lines() {
    let (chat, scratch) = (RocketChat::start(), Scratch::new());
    let path = robot(&scratch).display().to_string();
    let etag = chat.model().give("build-bot", pictures::png(8, 8, 2));
    let begin = |etag: &str| etag[..3].to_owned();
    let run = |line: &str| Run::new(["rocketchat"].into_iter().chain(words(line))).with(&chat);
    run("show").gives(
        0,
        "rocketchat robot-admin: no avatar, the generated letter shows\n",
        "",
    );
    run("show --user build-bot").gives(0, &format!("rocketchat build-bot: etag {etag}\n"), "");
    let output = run(&format!("set --image {path}")).output();
    let first = chat
        .model()
        .user("robot-admin")
        .etag
        .clone()
        .expect("an etag");
    output.gives(
        0,
        &format!(
            "rocketchat robot-admin: image robot.png (etag {}…, first avatar)\n",
            begin(&first)
        ),
        "",
    );
    run("show").gives(
        0,
        &format!("rocketchat robot-admin: etag {first}, origin rest\n"),
        "",
    );
    let output = run(&format!("set --user build-bot --image {path}")).output();
    let second = chat
        .model()
        .user("build-bot")
        .etag
        .clone()
        .expect("an etag");
    output.gives(
        0,
        &format!(
            "rocketchat build-bot: image robot.png (etag {}…, was {}…)\n",
            begin(&second),
            begin(&etag)
        ),
        "",
    );
    let address = "http://u:hunter2@pictures.example/a/b.png";
    chat.model()
        .publish(&format!("{address}?sig=hunter3"), pictures::png(8, 8, 3));
    let output = run(&format!(
        "set --user-id BsNr28znDkG8aeo7W --avatar-url {address}?sig=hunter3"
    ))
    .output();
    let third = chat
        .model()
        .user("build-bot")
        .etag
        .clone()
        .expect("an etag");
    output.gives(
        0,
        &format!(
            "rocketchat BsNr28znDkG8aeo7W: etag {}…, was {}…, url http://pictures.example/a/b.png\n",
            begin(&third),
            begin(&second)
        ),
        "",
    );
    let suggestion = json!({"blob": "", "contentType": "image/png", "service": "gravatar", "url": "https://a.example/x"});
    chat.model()
        .suggestions
        .insert("gravatar".into(), suggestion);
    run("list").gives(0, "service   url\ngravatar  https://a.example/x\n", "");
}

#[test]
fn rocketchat_in_json() {
    let (chat, scratch) = (RocketChat::start(), Scratch::new());
    let path = robot(&scratch).display().to_string();
    let run =
        |line: &str| Run::new(["rocketchat", "--json"].into_iter().chain(words(line))).with(&chat);
    run("show --user retired-bot").gives(
        0,
        &(account_line(
            "rocketchat",
            "retired-bot",
            "show",
            "\"outcome\":\"shown\",\"current\":null",
        ) + &summary_line(0, 1, 0, 0)),
        "",
    );
    let output = run(&format!("set --image {path}")).output();
    let etag = chat
        .model()
        .user("robot-admin")
        .etag
        .clone()
        .expect("an etag");
    let changed =
        format!("\"outcome\":\"changed\",\"before\":null,\"after\":\"{etag}\",\"verified\":true");
    output.gives(
        0,
        &(account_line("rocketchat", "robot-admin", "set", &changed) + &summary_line(1, 0, 0, 0)),
        "",
    );
    let current = format!("\"outcome\":\"shown\",\"current\":\"{etag}\",\"origin\":\"rest\"");
    run("show").gives(
        0,
        &(account_line("rocketchat", "robot-admin", "show", &current) + &summary_line(0, 1, 0, 0)),
        "",
    );
    let suggestion = json!({"blob": "", "contentType": "image/png", "service": "gravatar", "url": "https://a.example/x"});
    chat.model()
        .suggestions
        .insert("gravatar".into(), suggestion);
    run("list").gives(
        0,
        &("{\"v\":1,\"type\":\"suggestion\",\"service\":\"gravatar\",\"url\":\"https://a.example/x\"}\n".to_owned()
            + &summary_line(0, 0, 0, 0)),
        "",
    );
}
