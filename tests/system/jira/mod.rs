//! Jira from outside: what is sent, what is said and how it ends, for every flow and for every refusal that
//! servers of this kind were seen to give. Captures are compared whole, with the files in `golden/jira`.

pub mod calls;
mod delete;
mod dry_run;
mod whoami;

use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use crate::support::model::captured;
use crate::support::pictures::robot;
use crate::support::printed::{account_line, complaint, summary_line};
use crate::support::run::{in_parallel, words};
use crate::support::{Fault, Jira, Reply, Request, Run, Running, Scratch, pictures};

const PASSWORD: &str = "check JIRA_USER and JIRA_PASSWORD before the next run, because failed logins lock the account; from Jira 11 on, passwords are off by default: use a token";
const TOKEN: &str = "make a new personal access token for this account and set JIRA_TOKEN";
const PERMISSION: &str = "to change another user's avatar you need the global permission Administer Jira; nobody can change one while users are managed in an external directory";
const CAPTCHA: &str = "log in once as this account in a browser at https://jira.example.com/jira/login.jsp, then correct the password here";
const CONTEXT: &str = "the base URL may lack the context path, as in https://host/jira";
const XSRF: &str = "a proxy on the way removes X-Atlassian-Token or changes User-Agent; make it pass both on unchanged";
const SSO: &str = "a login page or a proxy answered instead of Jira: exempt this account's calls from single sign-on";
const REDIRECT: &str = "if it leads to the same server, give that address as the base URL; if it leads to a login page, exempt this account's calls from single sign-on";
const HTTPS: &str = "if this port speaks TLS, begin the base URL with https://";
const CLOUD: &str =
    "Jira Cloud keeps avatars in the Atlassian account and has no operation that sets them";
const SESSION: &str = "Jira ends the session of a personal access token after each request, and an upload needs its session: select an existing avatar with --avatar-id, send a square picture of at most 48 pixels, or use JIRA_USER and JIRA_PASSWORD for the upload";
const CLUSTER: &str = "the upload's session was lost, perhaps between cluster nodes without sticky sessions; run again";
const IDS: &str = "avatarctl jira list shows the ids that exist";
const LOOK: &str = "look at the account with show, and at the server's log";

/// A server that differs from the usual one.
fn serving(change: impl FnOnce(&mut Jira)) -> Running<Jira> {
    let server = Jira::start();
    change(&mut server.model());
    server
}

/// `avatarctl jira` with these words, against this server.
fn jira(server: &Running<Jira>, words: &[&str]) -> Run {
    Run::new(["jira"].iter().chain(words).copied()).with(server)
}

/// Selects a system avatar for somebody else.
fn select(server: &Running<Jira>) -> Run {
    jira(
        server,
        &["set", "--user", "build-bot", "--avatar-id", "24880"],
    )
}

/// Uploads `face.png` for somebody else.
fn upload(server: &Running<Jira>, scratch: &Scratch, picture: Vec<u8>) -> Run {
    scratch.write("face.png", picture);
    jira(
        server,
        &["set", "--user", "build-bot", "--image", "face.png"],
    )
    .dir(scratch.path())
}

/// As the administrator's personal access token.
fn by_token(run: Run) -> Run {
    run.without("JIRA_USER")
        .without("JIRA_PASSWORD")
        .env("JIRA_TOKEN", "ROBOTTOKEN")
}

/// Standard error of a failure that names the account.
fn failure(message: &str, hint: &str) -> String {
    complaint("jira build-bot", message, hint)
}

/// Method and path of every request, without `/jira/rest/api/` and the query.
fn called(server: &Running<Jira>) -> Vec<String> {
    server
        .requests()
        .iter()
        .map(|request| {
            let path = request.path().trim_start_matches("/jira/rest/api/");
            format!("{} {path}", request.method)
        })
        .collect()
}

/// The crop that was sent, if one was.
fn crop_sent(server: &Running<Jira>) -> Option<Value> {
    let requests = server.requests();
    let confirm = requests
        .iter()
        .find(|request| request.method == "POST" && request.path().ends_with("/user/avatar"));
    confirm.map(|request| request.json())
}

// ------------------------------------------------------------------------------------- what goes over the wire

#[test]
fn selecting_by_password_on_the_wire() {
    let server = Jira::start();
    select(&server).gives(0, "jira build-bot: avatar 24880 (was 10122)\n", "");
    captured(&server, include_str!("../../golden/jira/select-basic.txt"));
    assert_eq!(server.connections(), 1);
    assert_eq!(server.model().user("build-bot").selected, 24880);
}

#[test]
fn selecting_by_token_on_the_wire() {
    let server = Jira::start();
    by_token(select(&server)).gives(0, "jira build-bot: avatar 24880 (was 10122)\n", "");
    captured(&server, include_str!("../../golden/jira/select-bearer.txt"));
}

#[test]
fn selecting_for_oneself_on_the_wire() {
    let server = Jira::start();
    jira(&server, &["set", "--avatar-id", "24880"]).gives(
        0,
        "jira robot: avatar 24880 (was 10122)\n",
        "",
    );
    captured(
        &server,
        include_str!("../../golden/jira/select-oneself.txt"),
    );
    assert_eq!(server.model().user("robot").selected, 24880);
}

#[test]
fn uploading_a_picture_on_the_wire() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    upload(&server, &scratch, pictures::png(256, 256, 1)).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "",
    );
    captured(&server, include_str!("../../golden/jira/upload-basic.txt"));
    assert_eq!(server.connections(), 1);
    assert_eq!(server.model().user("build-bot").selected, 24901);
}

#[test]
fn uploading_by_token_on_the_wire() {
    let scratch = Scratch::new();
    let server = serving(|jira| {
        jira.token_sessions_survive = true;
    });
    by_token(upload(&server, &scratch, pictures::png(256, 256, 1))).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "",
    );
    captured(&server, include_str!("../../golden/jira/upload-bearer.txt"));
}

#[test]
fn uploading_a_small_square_on_the_wire() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    upload(&server, &scratch, pictures::png(48, 48, 1)).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "",
    );
    captured(&server, include_str!("../../golden/jira/upload-small.txt"));
}

#[test]
fn listing_on_the_wire() {
    let server = Jira::start();
    jira(&server, &["list", "--user", "build-bot", "-q"]).answers();
    captured(&server, include_str!("../../golden/jira/list.txt"));
}

#[test]
fn showing_oneself_on_the_wire() {
    let server = Jira::start();
    by_token(jira(&server, &["show"])).gives(0, "jira robot: avatar 10122 (system)\n", "");
    captured(&server, include_str!("../../golden/jira/show-oneself.txt"));
}

// ---------------------------------------------------------------------------------------------------- outcomes

#[test]
fn an_avatar_that_is_selected_is_not_selected_again() {
    let server = Jira::start();
    server.model().user_mut("build-bot").selected = 24880;
    select(&server).gives(0, "jira build-bot: avatar 24880, unchanged\n", "");
    assert_eq!(called(&server), ["GET 2/serverInfo", "GET 2/user/avatars"]);
}

#[test]
fn force_selects_again() {
    let server = Jira::start();
    server.model().user_mut("build-bot").selected = 24880;
    select(&server)
        .arg("--force")
        .gives(0, "jira build-bot: avatar 24880, set again\n", "");
    assert_eq!(called(&server)[2], "PUT latest/user/avatar");
}

#[test]
fn no_verify_does_not_read_back() {
    let server = Jira::start();
    select(&server).arg("--no-verify").gives(
        0,
        "jira build-bot: avatar 24880 (was 10122, not verified)\n",
        "",
    );
    let looks = called(&server)
        .into_iter()
        .filter(|call| call == "GET 2/user/avatars")
        .count();
    assert_eq!(looks, 1);
    assert_eq!(server.model().user("build-bot").selected, 24880);
}

#[test]
fn an_account_without_an_avatar_gets_its_first() {
    let server = Jira::start();
    {
        let mut model = server.model();
        model.gravatar = true;
        model.user_mut("build-bot").selected = 99999;
    }
    select(&server).gives(
        0,
        "jira build-bot: avatar 24880 (first avatar)\n",
        "avatarctl: jira build-bot: warning: this Jira shows pictures from Gravatar; the avatar is stored but not shown\n",
    );
}

#[test]
fn a_custom_avatar_is_selected_as_one() {
    let server = Jira::start();
    let id = server
        .model()
        .give("build-bot", pictures::png(64, 64, 1))
        .to_string();
    jira(&server, &["set", "--user", "build-bot", "--avatar-id", &id]).gives(
        0,
        "jira build-bot: avatar 24901 (was 10122)\n",
        "",
    );
    assert_eq!(
        server.requests()[2].json(),
        json!({
            "id": "24901",
            "isSelected": false,
            "isSystemAvatar": false,
            "urls": {
                "16x16": "https://jira.example.com/jira/secure/useravatar?size=xsmall&ownerId=JIRAUSER10101&avatarId=24901",
                "24x24": "https://jira.example.com/jira/secure/useravatar?size=small&ownerId=JIRAUSER10101&avatarId=24901",
                "32x32": "https://jira.example.com/jira/secure/useravatar?size=medium&ownerId=JIRAUSER10101&avatarId=24901",
                "48x48": "https://jira.example.com/jira/secure/useravatar?ownerId=JIRAUSER10101&avatarId=24901",
            },
        })
    );
}

#[test]
fn another_users_custom_avatar_is_not_on_offer() {
    let server = Jira::start();
    let id = server
        .model()
        .give("robot", pictures::png(64, 64, 1))
        .to_string();
    jira(&server, &["set", "--user", "build-bot", "--avatar-id", &id]).gives(
        67,
        "",
        &failure("select avatar 24901: \"build-bot\" has no such avatar", IDS),
    );
    assert_eq!(called(&server), ["GET 2/serverInfo", "GET 2/user/avatars"]);
}

#[test]
fn an_id_that_nobody_has_is_not_sent() {
    let server = Jira::start();
    jira(
        &server,
        &["set", "--user", "build-bot", "--avatar-id", "99999"],
    )
    .gives(
        67,
        "",
        &failure("select avatar 99999: \"build-bot\" has no such avatar", IDS),
    );
    assert_eq!(called(&server), ["GET 2/serverInfo", "GET 2/user/avatars"]);
}

#[test]
fn an_id_that_is_no_number_is_refused_here() {
    for id in ["robot", "-1", "0", "1e3", "24880x", "\u{664}\u{662}", ""] {
        let mut server = Jira::start();
        server.expect_no_calls();
        let stderr = match id {
            "" => {
                "avatarctl: --avatar-id is empty\nhint: is the variable that it comes from set?\n"
                    .to_owned()
            }
            id => {
                format!("avatarctl: --avatar-id takes a number from 1 up, not \"{id}\"\n")
            }
        };
        jira(&server, &["set", "--user", "build-bot"])
            .arg(format!("--avatar-id={id}"))
            .gives(64, "", &stderr);
    }
}

#[test]
fn an_empty_user_is_not_the_caller() {
    for user in ["", " "] {
        let mut server = Jira::start();
        server.expect_no_calls();
        jira(&server, &["set", "--user", user, "--avatar-id", "24880"]).gives(
            64,
            "",
            "avatarctl: --user is empty\nhint: is the variable that it comes from set?\n",
        );
    }
}

#[test]
fn each_upload_is_a_new_avatar_and_the_old_one_stays() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    for line in [
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "jira build-bot: image face.png (avatar 24902, was 24901)\n",
    ] {
        upload(&server, &scratch, pictures::png(64, 64, 1)).gives(0, line, "");
    }
    assert_eq!(server.model().custom.len(), 2);
}

#[test]
fn a_picture_from_standard_input() {
    let server = Jira::start();
    jira(&server, &["set", "--user", "build-bot", "--image", "-"])
        .stdin(pictures::gif(64, 64, 1))
        .gives(
            0,
            "jira build-bot: image standard input (avatar 24901, was 10122)\n",
            "",
        );
    assert_eq!(
        server.model().custom(24901).unwrap().picture,
        pictures::gif(64, 64, 1)
    );
}

#[test]
fn changed_in_json() {
    let server = Jira::start();
    select(&server).arg("--json").gives(
        0,
        r#"{"v":1,"type":"account","system":"jira","server":"URL","account":"build-bot","action":"set","outcome":"changed","before":"10122","after":"24880","verified":true}
{"v":1,"type":"summary","changed":1,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}
"#,
        "",
    );
}

#[test]
fn changed_and_not_verified_in_json() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    upload(&server, &scratch, pictures::png(64, 64, 1))
        .arg("--json")
        .arg("--no-verify")
        .gives(
            0,
            r#"{"v":1,"type":"account","system":"jira","server":"URL","account":"build-bot","action":"set","outcome":"changed","before":"10122","after":"24901","verified":false}
{"v":1,"type":"summary","changed":1,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}
"#,
            "",
        );
}

#[test]
fn unchanged_for_oneself_in_json() {
    let server = Jira::start();
    jira(&server, &["set", "--avatar-id", "10122", "--json"]).gives(
        0,
        r#"{"v":1,"type":"account","system":"jira","server":"URL","account":"robot","action":"set","outcome":"unchanged","before":"10122","after":"10122","verified":true}
{"v":1,"type":"summary","changed":0,"unchanged":1,"failed":0,"pending":0,"skipped":0,"exit":0}
"#,
        "",
    );
}

#[test]
fn failed_in_json() {
    let server = Jira::start();
    jira(
        &server,
        &["set", "--user", "nobody", "--avatar-id", "24880", "--json"],
    )
    .gives(
        67,
        r#"{"v":1,"type":"account","system":"jira","server":"URL","account":"nobody","action":"set","outcome":"failed","error":{"class":"target","exit":67,"status":404,"message":"look up the avatars of \"nobody\": not found: The user named 'nobody' does not exist","hint":null}}
{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":67}
"#,
        "avatarctl: jira nobody: look up the avatars of \"nobody\": not found: The user named 'nobody' does not exist\n",
    );
}

#[test]
fn failed_for_oneself_with_a_hint_in_json() {
    let server = Jira::start();
    jira(&server, &["set", "--avatar-id", "24880", "--json"])
        .env("JIRA_PASSWORD", "wrong")
        .gives(
            77,
            &format!(
                r#"{{"v":1,"type":"account","system":"jira","server":"URL","account":null,"action":"set","outcome":"failed","error":{{"class":"credentials","exit":77,"status":401,"message":"ask what server this is: wrong user name or password","hint":"{PASSWORD}"}}}}
{{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":77}}
"#
            ),
            &format!(
                "avatarctl: jira: ask what server this is: wrong user name or password\nhint: {PASSWORD}\n"
            ),
        );
}

#[test]
fn quiet_says_what_changed_and_nothing_else() {
    let server = Jira::start();
    select(&server)
        .arg("-q")
        .gives(0, "jira build-bot: avatar 24880 (was 10122)\n", "");
    select(&server).arg("-q").gives(0, "", "");
    select(&server).arg("-q").arg("--json").gives(0, "", "");
}

#[test]
fn the_list_as_a_table() {
    let server = serving(|jira| {
        jira.system = vec![10122, 9];
    });
    {
        let mut model = server.model();
        let id = model.give("build-bot", pictures::png(64, 64, 1));
        model.user_mut("build-bot").selected = id;
    }
    jira(&server, &["list", "--user", "build-bot"]).gives(
        0,
        "id     kind    selected\n\
         10122  system  -\n\
         9      system  -\n\
         24901  custom  yes\n",
        "",
    );
}

#[test]
fn the_list_in_json() {
    let server = serving(|jira| {
        jira.system = vec![10122];
    });
    server.model().give("robot", pictures::png(64, 64, 1));
    jira(&server, &["list", "--json"]).gives(
        0,
        r#"{"v":1,"type":"avatar","id":"10122","kind":"system","selected":true,"url":"https://jira.example.com/jira/secure/useravatar?avatarId=10122"}
{"v":1,"type":"avatar","id":"24901","kind":"custom","selected":false,"url":"https://jira.example.com/jira/secure/useravatar?ownerId=JIRAUSER10100&avatarId=24901"}
{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}
"#,
        "",
    );
}

#[test]
fn the_selected_avatar_is_shown() {
    let server = Jira::start();
    jira(&server, &["show", "--user", "build-bot"]).gives(
        0,
        "jira build-bot: avatar 10122 (system)\n",
        "",
    );
    {
        let mut model = server.model();
        let id = model.give("build-bot", pictures::png(64, 64, 1));
        model.user_mut("build-bot").selected = id;
    }
    jira(&server, &["show", "--user", "build-bot"]).gives(
        0,
        "jira build-bot: avatar 24901 (custom)\n",
        "",
    );
    jira(&server, &["show", "--user", "build-bot", "--json"]).gives(
        0,
        r#"{"v":1,"type":"account","system":"jira","server":"URL","account":"build-bot","action":"show","outcome":"shown","current":"24901","kind":"custom","url":"https://jira.example.com/jira/secure/useravatar?ownerId=JIRAUSER10101&avatarId=24901"}
{"v":1,"type":"summary","changed":0,"unchanged":1,"failed":0,"pending":0,"skipped":0,"exit":0}
"#,
        "",
    );
    jira(&server, &["show", "--user", "build-bot", "-q"]).gives(
        0,
        "jira build-bot: avatar 24901 (custom)\n",
        "",
    );
}

// -------------------------------------------------------------------------------------- targets and addresses

#[test]
fn names_survive_the_query() {
    for (name, encoded) in [
        ("build bot", "build%20bot"),
        ("a+b", "a%2Bb"),
        ("a&username=robot", "a%26username%3Drobot"),
        ("100%", "100%25"),
        ("%20", "%2520"),
        ("a/b/../c", "a%2Fb%2F..%2Fc"),
        ("a?b#c", "a%3Fb%23c"),
        ("Jürgen", "J%C3%BCrgen"),
        ("机器人🤖", "%E6%9C%BA%E5%99%A8%E4%BA%BA%F0%9F%A4%96"),
        ("bot@example.com", "bot%40example.com"),
        ("a-b._~c", "a-b._~c"),
        ("-x", "-x"),
        ("--avatar-id", "--avatar-id"),
    ] {
        let server = Jira::start();
        let user = crate::support::jira::User::new(name, "JIRAUSER10999", "A Bot");
        server.model().users.push(user);
        jira(&server, &["set", "--avatar-id", "24880"])
            .arg(format!("--user={name}"))
            .gives(0, &format!("jira {name}: avatar 24880 (was 10122)\n"), "");
        let query = format!("?username={encoded}");
        assert_eq!(
            server.calls(),
            [
                "GET /jira/rest/api/2/serverInfo".to_owned(),
                format!("GET /jira/rest/api/2/user/avatars{query}"),
                format!("PUT /jira/rest/api/latest/user/avatar{query}"),
                format!("GET /jira/rest/api/2/user{query}"),
                format!("GET /jira/rest/api/2/user/avatars{query}"),
            ]
        );
    }
}

#[test]
fn a_picture_for_a_name_that_must_be_encoded() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    let user = crate::support::jira::User::new("Jürgen & Co", "JIRAUSER10999", "A Bot");
    server.model().users.push(user);
    scratch.write("etc & \"x\".png", pictures::png(64, 64, 1));
    jira(
        &server,
        &["set", "--user", "Jürgen & Co", "--image", "etc & \"x\".png"],
    )
    .dir(scratch.path())
    .gives(
        0,
        "jira Jürgen & Co: image etc & \"x\".png (avatar 24901, was 10122)\n",
        "",
    );
    assert_eq!(
        server.calls()[2..4],
        [
            "POST /jira/rest/api/2/user/avatar/temporary?username=J%C3%BCrgen%20%26%20Co&filename=avatar.png",
            "POST /jira/rest/api/2/user/avatar?username=J%C3%BCrgen%20%26%20Co",
        ]
    );
}

#[test]
fn the_account_is_named_as_it_was_given() {
    let server = Jira::start();
    jira(
        &server,
        &["set", "--user", "BUILD-bot", "--avatar-id", "24880"],
    )
    .gives(0, "jira BUILD-bot: avatar 24880 (was 10122)\n", "");
    assert_eq!(server.model().user("build-bot").selected, 24880);
}

#[test]
fn bases_with_and_without_a_path_and_with_a_slash_at_the_end() {
    for (context, end) in [
        ("/jira", ""),
        ("/jira", "/"),
        ("", ""),
        ("", "/"),
        ("/a/b", "//"),
    ] {
        let server = serving(|jira| {
            jira.context = context.into();
        });
        let url = server.url() + end;
        select(&server).arg("--json").env("JIRA_URL", &url).gives(
            0,
            r#"{"v":1,"type":"account","system":"jira","server":"URL","account":"build-bot","action":"set","outcome":"changed","before":"10122","after":"24880","verified":true}
{"v":1,"type":"summary","changed":1,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}
"#,
            "",
        );
        assert_eq!(
            server.calls()[0],
            format!("GET {context}/rest/api/2/serverInfo")
        );
    }
}

#[test]
fn a_base_that_lacks_the_context_path() {
    let server = Jira::start();
    let url = server.url();
    select(&server)
        .env("JIRA_URL", url.trim_end_matches("/jira"))
        .gives(
            76,
            "",
            &failure(
                "ask what server this is: there is no Jira at this address",
                CONTEXT,
            ),
        );
    assert_eq!(server.calls(), ["GET /rest/api/2/serverInfo"]);
}

#[test]
fn a_password_with_a_colon_and_one_beyond_ascii() {
    for password in ["build:secret", "pässwörd €", ":"] {
        let server = Jira::start();
        server.model().user_mut("build-bot").password = Some(password.into());
        jira(&server, &["show"])
            .env("JIRA_USER", "build-bot")
            .env("JIRA_PASSWORD", password)
            .gives(0, "jira build-bot: avatar 10122 (system)\n", "");
    }
}

#[test]
fn jira_cloud_says_so_itself() {
    let server = serving(|jira| {
        jira.deployment = Some("Cloud".into());
        jira.version = "1001.0.0-SNAPSHOT".into();
    });
    select(&server).gives(78, "", &failure("URL is Jira Cloud", CLOUD));
    assert_eq!(called(&server), ["GET 2/serverInfo"]);
}

#[test]
fn a_jira_cloud_is_refused_by_its_name() {
    for host in ["example.atlassian.net", "EXAMPLE.Atlassian.NET"] {
        Run::new(["jira", "show", "--url", &format!("https://{host}")])
            .env("JIRA_TOKEN", "ROBOTTOKEN")
            .gives(
                78,
                "",
                "avatarctl: jira: example.atlassian.net is Jira Cloud\n\
                 hint: Jira Cloud keeps avatars in the Atlassian account and has no operation that sets them\n",
            );
    }
}

#[test]
fn jira_cloud_is_known_by_its_host() {
    for url in [
        "https://example.atlassian.net",
        "https://example.atlassian.net/",
        "https://EXAMPLE.Atlassian.NET:443/jira",
        "http://atlassian.net",
    ] {
        let host = url.split("://").nth(1).unwrap().to_ascii_lowercase();
        let host = host.split(['/', ':']).next().unwrap();
        let warning = match url.starts_with("http:") {
            true => format!(
                "avatarctl: jira build-bot: warning: plain http: the credentials can be read on their way to {host}\n"
            ),
            false => String::new(),
        };
        let mut server = Jira::start();
        server.expect_no_calls();
        // Had it been asked, the end would be 69: nothing answers there from a test.
        select(&server).env("JIRA_URL", url).gives(
            78,
            "",
            &format!(
                "{warning}{}",
                failure(&format!("{host} is Jira Cloud"), CLOUD)
            ),
        );
    }
}

#[test]
fn a_server_of_any_other_deployment_is_none_of_the_cloud() {
    for deployment in [None, Some("Server"), Some("DataCenter"), Some("cloud-like")] {
        let server = serving(|jira| {
            jira.deployment = deployment.map(str::to_owned);
        });
        select(&server).gives(0, "jira build-bot: avatar 24880 (was 10122)\n", "");
    }
}

// -------------------------------------------------------------------------------------- answers of either kind

#[test]
fn a_selection_answered_with_the_bean() {
    let server = serving(|jira| {
        jira.put_answers_bean = true;
        jira.newer_beans = true;
    });
    select(&server).gives(0, "jira build-bot: avatar 24880 (was 10122)\n", "");
    // Of the newer fields none goes back.
    let bean = server.requests()[2].json();
    let fields: Vec<_> = bean.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["id", "isSelected", "isSystemAvatar", "urls"]);
}

/// Nothing reads back here, so the answer is all there is.
#[test]
fn a_selection_answered_with_something_else_is_no_success() {
    for (body, what) in [
        (
            r#"{"errorMessages":["No."],"errors":{}}"#,
            "answered 200: No.",
        ),
        (r#"{"id":"248"#, "answered 200 with JSON that is cut off"),
        ("OK", "answered 200 with something that is not JSON"),
    ] {
        let server = Jira::start();
        server.fault(Fault::on(SELECT).instead(Reply::json(200, body)));
        select(&server).arg("--no-verify").gives(
            76,
            "",
            &failure(&format!("select avatar 24880: {what}"), ""),
        );
    }
}

/// The two lists, as an answer.
fn avatars(system: Value, custom: Value) -> Reply {
    Reply::json(200, json!({"system": system, "custom": custom}))
}

#[test]
fn ids_may_be_numbers() {
    let server = Jira::start();
    let bean = |id: u64, selected: bool| json!({"id": id, "isSelected": selected});
    let look = |selected: u64| {
        avatars(
            json!([
                bean(10122, selected == 10122),
                bean(24880, selected == 24880)
            ]),
            json!([]),
        )
    };
    server.fault(Fault::on("GET /user/avatars").instead(look(10122)));
    server.fault(Fault::on("GET /user/avatars").from(2).instead(look(24880)));
    select(&server).gives(0, "jira build-bot: avatar 24880 (was 10122)\n", "");
    // The id goes back as text: servers that coerce numbers are not known to be all of them.
    assert_eq!(
        server.requests()[2].json(),
        json!({"id": "24880", "isSelected": false, "isSystemAvatar": true, "urls": {}})
    );
}

#[test]
fn an_uploads_id_may_be_a_number() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    server.fault(Fault::on("POST /user/avatar").afterwards(Reply::json(201, json!({"id": 24901}))));
    upload(&server, &scratch, pictures::png(64, 64, 1)).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "",
    );
}

#[test]
fn the_proposed_crop_may_be_texts() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    server.fault(
        Fault::on("POST /user/avatar/temporary").instead(Reply::json(
            201,
            json!({"cropperWidth": "117", "cropperOffsetX": "41", "cropperOffsetY": "41"}),
        )),
    );
    server.fault(Fault::on("POST /user/avatar").instead(Reply::json(201, json!({"id": "10130"}))));
    upload(&server, &scratch, pictures::png(256, 256, 1)).gives(
        0,
        "jira build-bot: image face.png (avatar 10130, was 10122)\n",
        "",
    );
    assert_eq!(
        crop_sent(&server),
        Some(json!({"cropperWidth": 256, "cropperOffsetX": 0, "cropperOffsetY": 0}))
    );
    // No answer set a cookie.
    assert_eq!(server.requests()[3].header("cookie"), None);
}

#[test]
fn selected_may_be_spelled_without_is() {
    let server = Jira::start();
    server.fault(Fault::on("GET /user/avatars").always().instead(avatars(
        json!([{"id": "10122", "selected": false}]),
        json!([{"id": "24880", "selected": true}]),
    )));
    select(&server).gives(0, "jira build-bot: avatar 24880, unchanged\n", "");
}

#[test]
fn one_of_the_lists_may_be_missing() {
    let server = Jira::start();
    server.fault(Fault::on("GET /user/avatars").always().instead(Reply::json(
        200,
        r#"{"system":[{"id":"10122","isSelected":true}]}"#,
    )));
    jira(&server, &["list", "--user", "build-bot"]).gives(
        0,
        "id     kind    selected\n10122  system  yes\n",
        "",
    );
}

#[test]
fn a_selected_avatar_that_is_not_listed_is_known_by_its_address() {
    let server = Jira::start();
    server.fault(Fault::on("GET /user").always().instead(Reply::json(
        200,
        json!({"name": "build-bot", "avatarUrls": {
            "16x16": "https://jira.example.com/jira/secure/useravatar?size=xsmall&ownerId=JIRAUSER10101&avatarId=24899",
            "48x48": "https://jira.example.com/jira/secure/useravatar?ownerId=JIRAUSER10101&avatarId=24899",
        }}),
    )));
    server.model().user_mut("build-bot").selected = 24899;
    jira(&server, &["show", "--user", "build-bot"]).gives(
        0,
        "jira build-bot: avatar 24899 (not on the list any more)\n",
        "",
    );
    select(&server).gives(0, "jira build-bot: avatar 24880 (was 24899)\n", "");
}

#[test]
fn an_address_without_an_avatar_id_tells_none() {
    for urls in [
        json!({}),
        json!({"48x48": "https://jira.example.com/logo.png"}),
        json!({"48x48": "https://jira.example.com/a?avatarId="}),
        json!({"48x48": "https://jira.example.com/a?avatarId=1x"}),
        json!({"48x48": "https://jira.example.com/a?notavatarId=5"}),
    ] {
        let server = Jira::start();
        server.model().user_mut("build-bot").selected = 24899;
        server.fault(Fault::on("GET /user").instead(Reply::json(200, json!({"avatarUrls": urls}))));
        jira(&server, &["show", "--user", "build-bot"]).gives(
            0,
            "jira build-bot: no avatar selected\n",
            "",
        );
    }
}

/// The default picture shows where the selected avatar is gone; it is on the list, and it is not selected.
#[test]
fn a_default_that_shows_is_not_called_unlisted() {
    let server = Jira::start();
    server.model().user_mut("build-bot").selected = 99999;
    jira(&server, &["show", "--user", "build-bot"]).gives(
        0,
        "jira build-bot: avatar 10122 (shown, not selected)\n",
        "",
    );
}

#[test]
fn a_read_back_that_disagrees() {
    let server = Jira::start();
    server.fault(Fault::on("PUT /user/avatar").instead(Reply::empty(204)));
    let message = "the server answered success, but the account still shows avatar 10122";
    select(&server).arg("--json").gives(
        76,
        &format!(
            r#"{{"v":1,"type":"account","system":"jira","server":"URL","account":"build-bot","action":"set","outcome":"failed","error":{{"class":"protocol","exit":76,"status":null,"message":"{message}","hint":"{LOOK}"}}}}
{{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":76}}
"#
        ),
        &failure(message, LOOK),
    );
}

#[test]
fn a_read_back_that_disagrees_after_an_upload() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    server.fault(Fault::on("PUT /user/avatar").instead(Reply::empty(204)));
    upload(&server, &scratch, pictures::png(64, 64, 1)).gives(
        76,
        "",
        &failure(
            "the server answered success, but the account still shows avatar 10122",
            LOOK,
        ),
    );
}

#[test]
fn a_read_back_that_fails_says_that_the_avatar_was_taken() {
    let server = Jira::start();
    server.fault(
        Fault::on("GET /user/avatars")
            .from(2)
            .always()
            .instead(Reply::html(503, "Service Unavailable")),
    );
    select(&server).once().gives(
        75,
        "",
        &failure(
            "the server took the change, but the read-back failed: look up the avatars of \"build-bot\": the server failed with 503",
            "",
        ),
    );
    assert_eq!(server.model().user("build-bot").selected, 24880);
}

// ---------------------------------------------------------------------------------------------------- pictures

#[test]
fn the_crop_is_the_largest_centred_square_of_the_shrunk_picture() {
    const MIB: &str = "avatarctl: jira build-bot: warning: \"face.png\": larger than 1 MiB, where proxies in front of servers stop by default\n";
    for ((width, height), (side, x, y), square, large) in [
        ((49, 49), (49, 0, 0), true, false),
        ((256, 256), (256, 0, 0), true, false),
        ((500, 500), (500, 0, 0), true, false),
        ((500, 375), (375, 62, 0), false, false),
        ((375, 500), (375, 0, 62), false, false),
        ((501, 500), (498, 1, 0), false, false),
        ((501, 501), (499, 0, 0), true, false),
        ((1024, 768), (374, 63, 0), false, true),
        ((768, 1024), (374, 0, 63), false, true),
        ((1024, 1024), (499, 0, 0), true, true),
    ] {
        let (server, scratch) = (Jira::start(), Scratch::new());
        let mut warnings = String::new();
        if !square {
            warnings += &format!(
                "avatarctl: jira build-bot: warning: \"face.png\": {width} x {height} is not square; Jira will be sent the square of {side} pixels at {x},{y}\n"
            );
        }
        if large {
            warnings += MIB;
        }
        upload(&server, &scratch, pictures::png(width, height, 1)).gives(
            0,
            "jira build-bot: image face.png (avatar 24901, was 10122)\n",
            &warnings,
        );
        assert_eq!(
            crop_sent(&server),
            Some(json!({"cropperWidth": side, "cropperOffsetX": x, "cropperOffsetY": y})),
            "{width} x {height}"
        );
    }
}

#[test]
fn a_small_square_is_not_confirmed() {
    for side in [1, 16, 48] {
        let (server, scratch) = (Jira::start(), Scratch::new());
        upload(&server, &scratch, pictures::png(side, side, 1)).gives(
            0,
            "jira build-bot: image face.png (avatar 24901, was 10122)\n",
            "",
        );
        assert_eq!(
            called(&server),
            [
                "GET 2/serverInfo",
                "GET 2/user/avatars",
                "POST 2/user/avatar/temporary",
                "PUT latest/user/avatar",
                "GET 2/user",
                "GET 2/user/avatars",
            ]
        );
    }
}

#[test]
fn a_small_picture_that_is_no_square_is_confirmed_with_a_warning() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    upload(&server, &scratch, pictures::png(48, 40, 1)).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "avatarctl: jira build-bot: warning: \"face.png\": 48 x 40 leaves a square of 40 pixels; Jira wants 48 and may refuse it\n",
    );
    assert_eq!(
        crop_sent(&server),
        Some(json!({"cropperWidth": 40, "cropperOffsetX": 4, "cropperOffsetY": 0}))
    );
}

#[test]
fn the_type_sent_is_what_the_bytes_are() {
    for (name, bytes, media_type, sent) in [
        (
            "face.jpg",
            pictures::png(64, 64, 1),
            "image/png",
            "avatar.png",
        ),
        (
            "face",
            pictures::png_rgba(64, 64, 1),
            "image/png",
            "avatar.png",
        ),
        (
            "face.png",
            pictures::jpeg(64, 64, 1),
            "image/jpeg",
            "avatar.jpg",
        ),
        (
            "face.jpeg",
            pictures::jpeg(64, 64, 1),
            "image/jpeg",
            "avatar.jpg",
        ),
        (
            "face.webp",
            pictures::gif(64, 64, 1),
            "image/gif",
            "avatar.gif",
        ),
    ] {
        let (server, scratch) = (Jira::start(), Scratch::new());
        scratch.write(name, &bytes);
        jira(&server, &["set", "--user", "build-bot", "--image", name])
            .dir(scratch.path())
            .gives(
                0,
                &format!("jira build-bot: image {name} (avatar 24901, was 10122)\n"),
                "",
            );
        let request = &server.requests()[2];
        assert_eq!(request.header("content-type"), Some(media_type));
        assert_eq!(request.query("filename").as_deref(), Some(sent));
        assert_eq!(request.body, bytes);
    }
}

#[test]
fn a_picture_is_warned_about_as_it_deserves() {
    for (bytes, warning) in [
        (
            pictures::gif_animated(64, 64, 1),
            "animated; a server may keep its first picture only",
        ),
        (
            pictures::jpeg_oriented(64, 64, 1, 6),
            "turned by its EXIF orientation, which the server may ignore",
        ),
    ] {
        let (server, scratch) = (Jira::start(), Scratch::new());
        upload(&server, &scratch, bytes).gives(
            0,
            "jira build-bot: image face.png (avatar 24901, was 10122)\n",
            &format!("avatarctl: jira build-bot: warning: \"face.png\": {warning}\n"),
        );
    }
}

#[test]
fn more_pixels_than_the_default_limit_are_a_warning_and_the_server_decides() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    upload(&server, &scratch, pictures::png_claiming(3000, 3000)).gives(
        65,
        "",
        "avatarctl: jira build-bot: warning: \"face.png\": 9.0 megapixels; Jira's default limit is 5\n\
         avatarctl: jira build-bot: upload \"face.png\": the server refused the picture: The uploaded image has too many pixels.\n",
    );
    server.model().pixel_limit = 9_000_000;
    upload(&server, &scratch, pictures::png_claiming(3000, 3000)).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "avatarctl: jira build-bot: warning: \"face.png\": 9.0 megapixels; Jira's default limit is 5\n",
    );
}

/// 5.0025 megapixels are not "5 megapixels, where the limit is 5".
#[test]
fn a_picture_a_little_over_the_limit_is_said_to_be_over_it() {
    let scratch = Scratch::new();
    let server = serving(|jira| {
        jira.pixel_limit = u64::MAX;
    });
    upload(&server, &scratch, pictures::png_claiming(2237, 2237)).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "avatarctl: jira build-bot: warning: \"face.png\": 5.1 megapixels; Jira's default limit is 5\n",
    );
}

#[test]
fn webp_is_refused_here() {
    let scratch = Scratch::new();
    let mut server = Jira::start();
    server.expect_no_calls();
    upload(&server, &scratch, pictures::webp(64, 64, 1)).gives(
        65,
        "",
        &failure(
            "\"face.png\" is a WebP picture, which Jira does not take",
            "convert it to PNG",
        ),
    );
}

#[test]
fn a_picture_longer_than_any_buffer_arrives_as_it_is() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    let bytes = pictures::png(1000, 1001, 7);
    assert!(bytes.len() > 3_000_000);
    upload(&server, &scratch, bytes.clone()).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "avatarctl: jira build-bot: warning: \"face.png\": 1000 x 1001 is not square; Jira will be sent the square of 498 pixels at 0,1\n\
         avatarctl: jira build-bot: warning: \"face.png\": larger than 1 MiB, where proxies in front of servers stop by default\n",
    );
    assert!(
        server.requests()[2].body == bytes,
        "another picture arrived"
    );
}

#[test]
fn a_picture_over_the_attachment_limit_is_refused_by_the_server() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    let bytes = pictures::png_of_bytes(64, 64, 1, 10 * 1024 * 1024 + 1);
    upload(&server, &scratch, bytes).gives(
        65,
        "",
        "avatarctl: jira build-bot: warning: \"face.png\": larger than 10 MiB, Jira's default limit for attachments\n\
         avatarctl: jira build-bot: warning: \"face.png\": larger than 1 MiB, where proxies in front of servers stop by default\n\
         avatarctl: jira build-bot: upload \"face.png\": the server refused the picture: The uploaded file is too large.\n",
    );
}

#[test]
fn a_body_refused_before_it_is_read() {
    for reset in [false, true] {
        let (server, scratch) = (Jira::start(), Scratch::new());
        let reply = Reply::html(413, "413 Request Entity Too Large");
        server.refuse_bodies_above(
            1 << 20,
            match reset {
                true => reply.then_reset(),
                false => reply,
            },
        );
        let bytes = pictures::png_of_bytes(64, 64, 1, 3_000_000);
        upload(&server, &scratch, bytes).gives(
            65,
            "",
            "avatarctl: jira build-bot: warning: \"face.png\": larger than 1 MiB, where proxies in front of servers stop by default\n\
             avatarctl: jira build-bot: upload \"face.png\": larger than the server or a proxy in front of it accepts\n",
        );
        assert_eq!(
            called(&server),
            [
                "GET 2/serverInfo",
                "GET 2/user/avatars",
                "POST 2/user/avatar/temporary",
            ]
        );
    }
}

// ------------------------------------------------------------------------------------------ tokens and sessions

#[test]
fn a_token_loses_the_upload_on_a_default_server() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    let message = "crop \"face.png\": the server dropped the session of the personal access token";
    by_token(upload(&server, &scratch, pictures::png(256, 256, 1)))
        .arg("--json")
        .gives(
            77,
            &format!(
                r#"{{"v":1,"type":"account","system":"jira","server":"URL","account":"build-bot","action":"set","outcome":"failed","error":{{"class":"credentials","exit":77,"status":500,"message":{},"hint":"{SESSION}"}}}}
{{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":77}}
"#,
                json!(message)
            ),
            &failure(message, SESSION),
        );
    // Never again: neither the crop nor the upload.
    assert_eq!(
        called(&server),
        [
            "GET 2/serverInfo",
            "GET 2/user/avatars",
            "POST 2/user/avatar/temporary",
            "POST 2/user/avatar",
        ]
    );
    assert_eq!(server.model().user("build-bot").selected, 10122);
}

#[test]
fn a_token_whose_dead_cookie_is_refused() {
    let scratch = Scratch::new();
    let server = serving(|jira| {
        jira.dead_cookie_is_refused = true;
    });
    by_token(upload(&server, &scratch, pictures::png(256, 256, 1))).gives(
        77,
        "",
        &failure(
            "crop \"face.png\": the session had ended: Encountered a \"401 - Unauthorized\" error: an invalid session cookie was sent. Remove the cookie, or use os_authType.",
            SESSION,
        ),
    );
}

/// The token was good enough for the upload a moment ago; a new one would not help.
#[test]
fn a_token_whose_dead_cookie_is_refused_in_other_words() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    server.fault(Fault::on("POST /user/avatar").instead(Reply::json(
        401,
        r#"{"message":"The session cookie is invalid.","status-code":401}"#,
    )));
    by_token(upload(&server, &scratch, pictures::png(256, 256, 1))).gives(
        77,
        "",
        &failure(
            "crop \"face.png\": the session had ended: The session cookie is invalid.",
            SESSION,
        ),
    );
}

#[test]
fn a_token_on_a_server_that_keeps_sessions_uploads() {
    let scratch = Scratch::new();
    let server = serving(|jira| {
        jira.token_sessions_survive = true;
        jira.dead_cookie_is_refused = true;
    });
    by_token(upload(&server, &scratch, pictures::png(256, 256, 1))).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "",
    );
}

#[test]
fn a_token_uploads_a_small_square_and_selects_on_any_server() {
    let scratch = Scratch::new();
    let server = serving(|jira| {
        jira.dead_cookie_is_refused = true;
        jira.basic_disabled = true;
    });
    by_token(upload(&server, &scratch, pictures::png(48, 48, 1))).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 10122)\n",
        "",
    );
    by_token(select(&server)).gives(0, "jira build-bot: avatar 24880 (was 24901)\n", "");
}

// ---------------------------------------------------------------------------------------------------- refusals

/// What a server answers to one call, and how the run must end.
struct Refusal {
    what: &'static str,
    /// `METHOD` and the end of the path.
    call: &'static str,
    reply: Reply,
    exit: i32,
    message: &'static str,
    hint: &'static str,
    /// Whether the avatars are looked up afterwards, because the call may have been carried out.
    looked_up: bool,
}

impl Refusal {
    fn looked_up(self) -> Refusal {
        Refusal {
            looked_up: true,
            ..self
        }
    }
}

fn refusal(
    what: &'static str,
    call: &'static str,
    reply: Reply,
    exit: i32,
    message: &'static str,
    hint: &'static str,
) -> Refusal {
    Refusal {
        what,
        call,
        reply,
        exit,
        message,
        hint,
        looked_up: false,
    }
}

const INFO: &str = "GET /serverInfo";
const LISTS: &str = "GET /user/avatars";
const UPLOAD: &str = "POST /user/avatar/temporary";
const CONFIRM: &str = "POST /user/avatar";
const SELECT: &str = "PUT /user/avatar";

/// Runs each against a server of its own: a picture where the call belongs to an upload, else a selection. The
/// refused call is the last one, but for the look after an upload that may have been carried out.
fn refused(login: fn(Run) -> Run, table: impl IntoIterator<Item = Refusal>) {
    for row in table {
        // Shown by the harness when the row fails.
        println!("{} at {}", row.what, row.call);
        let (server, scratch) = (Jira::start(), Scratch::new());
        server.fault(Fault::on(row.call).always().instead(row.reply));
        let run = match row.call {
            UPLOAD | CONFIRM => upload(&server, &scratch, pictures::png(256, 256, 1)),
            _ => select(&server),
        };
        let run = login(run);
        // What may pass is repeated unless told not to; anything else is never repeated.
        let run = if row.exit == 75 { run.once() } else { run };
        run.gives(row.exit, "", &failure(row.message, row.hint));
        let requests = server.requests();
        let (method, path) = row.call.split_once(' ').unwrap();
        let matches =
            |request: &Request| request.method == method && request.path().ends_with(path);
        let matching = requests.iter().filter(|request| matches(request));
        assert_eq!(matching.count(), 1, "{} was repeated", row.call);
        let refused = requests.iter().position(matches).unwrap();
        let looks: &[&str] = match row.looked_up {
            true => &["GET 2/user/avatars"],
            false => &[],
        };
        assert_eq!(called(&server)[refused + 1..], *looks, "after a refusal");
        assert_eq!(server.model().user("build-bot").selected, 10122);
    }
}

fn by_password(run: Run) -> Run {
    run
}

#[test]
fn refused_logins() {
    let failed = |reply: Reply| reply.header("X-Seraph-LoginReason", "AUTHENTICATED_FAILED");
    let denied = |reply: Reply| {
        reply
            .header("X-Seraph-LoginReason", "AUTHENTICATION_DENIED")
            .header(
                "X-Authentication-Denied-Reason",
                "CAPTCHA_CHALLENGE; login-url=https://jira.example.com/jira/login.jsp",
            )
    };
    let anonymous = || {
        Reply::json(
            401,
            json!({"message": "Client must be authenticated to access this resource.", "status-code": 401}),
        )
    };
    refused(
        by_password,
        [
            refusal(
                "a wrong password",
                INFO,
                failed(Reply::html(401, "Unauthorized (401)")),
                77,
                "ask what server this is: wrong user name or password",
                PASSWORD,
            ),
            refusal(
                "a wrong password, told as a success",
                INFO,
                failed(Reply::empty(200)),
                77,
                "ask what server this is: wrong user name or password",
                PASSWORD,
            ),
            refusal(
                "a wrong password, told beside a good answer",
                LISTS,
                failed(avatars(json!([]), json!([]))),
                77,
                "look up the avatars of \"build-bot\": wrong user name or password",
                PASSWORD,
            ),
            refusal(
                "a password that was changed meanwhile",
                SELECT,
                failed(Reply::html(401, "Unauthorized (401)")),
                77,
                "select avatar 24880: wrong user name or password",
                PASSWORD,
            ),
            refusal(
                "a CAPTCHA",
                INFO,
                denied(Reply::html(403, "Forbidden (403)")),
                77,
                "ask what server this is: login denied until someone solves a CAPTCHA",
                CAPTCHA,
            ),
            refusal(
                "a CAPTCHA, told as a success",
                INFO,
                denied(Reply::html(200, "Log in")),
                77,
                "ask what server this is: login denied until someone solves a CAPTCHA",
                CAPTCHA,
            ),
            refusal(
                "a CAPTCHA at an upload",
                UPLOAD,
                denied(Reply::html(403, "Forbidden (403)")),
                77,
                "upload \"face.png\": login denied until someone solves a CAPTCHA",
                CAPTCHA,
            ),
            refusal(
                "a CAPTCHA without an address",
                INFO,
                Reply::html(403, "Forbidden (403)")
                    .header("X-Authentication-Denied-Reason", "CAPTCHA_CHALLENGE"),
                77,
                "ask what server this is: login denied until someone solves a CAPTCHA",
                "log in once as this account in a browser, then correct the password here",
            ),
            refusal(
                "a denial without a reason",
                INFO,
                Reply::html(403, "Forbidden (403)")
                    .header("X-Seraph-LoginReason", "AUTHENTICATION_DENIED"),
                77,
                "ask what server this is: login denied",
                "log in once as this account in a browser; too many failed logins lock it",
            ),
            refusal(
                "nobody",
                INFO,
                anonymous(),
                77,
                "ask what server this is: not logged in: Client must be authenticated to access this resource.",
                PASSWORD,
            ),
            refusal(
                "nobody, and the server says so",
                LISTS,
                anonymous().header("X-AUSERNAME", "anonymous"),
                77,
                "look up the avatars of \"build-bot\": not logged in: Client must be authenticated to access this resource.",
                PASSWORD,
            ),
            refusal(
                "nobody, by a page",
                LISTS,
                Reply::html(401, "Unauthorized"),
                77,
                "look up the avatars of \"build-bot\": not logged in",
                PASSWORD,
            ),
        ],
    );
    refused(
        by_token,
        [refusal(
            "an expired token",
            INFO,
            anonymous(),
            77,
            "ask what server this is: not logged in: Client must be authenticated to access this resource.",
            TOKEN,
        )],
    );
}

/// There is no user name and no password where a token logs in.
#[test]
fn a_refused_token_is_not_called_a_wrong_password() {
    refused(
        by_token,
        [refusal(
            "an expired token",
            INFO,
            Reply::html(401, "Unauthorized (401)")
                .header("X-Seraph-LoginReason", "AUTHENTICATED_FAILED"),
            77,
            "ask what server this is: wrong or expired token",
            TOKEN,
        )],
    );
}

#[test]
fn a_wrong_password_is_tried_once() {
    let server = Jira::start();
    select(&server).env("JIRA_PASSWORD", "wrong").gives(
        77,
        "",
        &failure(
            "ask what server this is: wrong user name or password",
            PASSWORD,
        ),
    );
    assert_eq!(server.model().user("robot").failed_logins, 1);
    assert_eq!(called(&server), ["GET 2/serverInfo"]);
}

/// Each try would count towards the lock-out, also where the status alone asks for one.
#[test]
fn a_refused_login_is_not_repeated_whatever_its_status() {
    for (name, value, said, hint) in [
        (
            "X-Seraph-LoginReason",
            "AUTHENTICATED_FAILED",
            "wrong user name or password",
            PASSWORD,
        ),
        (
            "X-Authentication-Denied-Reason",
            "CAPTCHA_CHALLENGE; login-url=https://jira.example.com/jira/login.jsp",
            "login denied until someone solves a CAPTCHA",
            CAPTCHA,
        ),
    ] {
        for status in [429, 500, 502, 503, 504] {
            let server = Jira::start();
            let reply = Reply::html(status, "No").header(name, value);
            server.fault(Fault::any().always().instead(reply));
            select(&server).gives(
                77,
                "",
                &failure(&format!("ask what server this is: {said}"), hint),
            );
            assert_eq!(called(&server), ["GET 2/serverInfo"]);
        }
    }
}

#[test]
fn the_right_password_does_not_pass_a_captcha() {
    let server = Jira::start();
    server.model().user_mut("robot").failed_logins = 3;
    select(&server).gives(
        77,
        "",
        &failure(
            "ask what server this is: login denied until someone solves a CAPTCHA",
            CAPTCHA,
        ),
    );
    by_token(select(&server)).gives(0, "jira build-bot: avatar 24880 (was 10122)\n", "");
}

/// The denial headers count on any status; here the status leads to the login page.
#[test]
fn a_captcha_that_comes_with_a_redirect() {
    let redirect =
        || Reply::empty(302).header("Location", "https://jira.example.com/jira/login.jsp");
    refused(
        by_password,
        [
            refusal(
                "a CAPTCHA",
                INFO,
                redirect()
                    .header("X-Seraph-LoginReason", "AUTHENTICATION_DENIED")
                    .header(
                        "X-Authentication-Denied-Reason",
                        "CAPTCHA_CHALLENGE; login-url=https://jira.example.com/jira/login.jsp",
                    ),
                77,
                "ask what server this is: login denied until someone solves a CAPTCHA",
                CAPTCHA,
            ),
            refusal(
                "a wrong password",
                INFO,
                redirect().header("X-Seraph-LoginReason", "AUTHENTICATED_FAILED"),
                77,
                "ask what server this is: wrong user name or password",
                PASSWORD,
            ),
        ],
    );
}

#[test]
fn refused_permission() {
    let empty = || Reply::json(401, json!({"errorMessages": [], "errors": {}}));
    let null = |status| Reply::json(status, json!({"errorMessages": [null], "errors": {}}));
    refused(
        by_password,
        [
            refusal(
                "logged in, by the login reason",
                SELECT,
                empty().header("X-Seraph-LoginReason", "OK"),
                77,
                "select avatar 24880: not permitted",
                PERMISSION,
            ),
            refusal(
                "logged in, by the name",
                SELECT,
                null(401).header("X-AUSERNAME", "robot"),
                77,
                "select avatar 24880: not permitted",
                PERMISSION,
            ),
            refusal(
                "forbidden without a word",
                SELECT,
                null(403),
                77,
                "select avatar 24880: not permitted",
                PERMISSION,
            ),
            refusal(
                "forbidden with a word",
                SELECT,
                Reply::json(
                    403,
                    json!({"errorMessages": ["Ask your administrator."], "errors": {}}),
                ),
                77,
                "select avatar 24880: not permitted: Ask your administrator.",
                PERMISSION,
            ),
            refusal(
                "forbidden upload",
                UPLOAD,
                null(403),
                77,
                "upload \"face.png\": not permitted",
                PERMISSION,
            ),
            refusal(
                "upload not permitted",
                UPLOAD,
                empty().header("X-AUSERNAME", "robot"),
                77,
                "upload \"face.png\": not permitted",
                PERMISSION,
            ),
            refusal(
                "forbidden crop",
                CONFIRM,
                null(403),
                77,
                "crop \"face.png\": not permitted",
                PERMISSION,
            ),
        ],
    );
}

#[test]
fn somebody_without_the_permission_and_anybody_under_external_management() {
    for status in [401, 403] {
        let scratch = Scratch::new();
        let server = serving(|jira| {
            jira.not_permitted = status;
        });
        // No administrator.
        jira(&server, &["set", "--user", "robot", "--avatar-id", "24880"])
            .env("JIRA_USER", "build-bot")
            .env("JIRA_PASSWORD", "build:secret")
            .gives(
                77,
                "",
                &format!(
                    "avatarctl: jira robot: select avatar 24880: not permitted\nhint: {PERMISSION}\n"
                ),
            );
        server.model().external_user_management = true;
        select(&server).gives(
            77,
            "",
            &failure("select avatar 24880: not permitted", PERMISSION),
        );
        upload(&server, &scratch, pictures::png(64, 64, 1)).gives(
            77,
            "",
            &failure("upload \"face.png\": not permitted", PERMISSION),
        );
    }
}

/// Reading needs no permission to change anybody: what is refused here is the way of logging in.
#[test]
fn basic_switched_off_is_told_apart_from_a_missing_permission() {
    let server = serving(|jira| {
        jira.basic_disabled = true;
    });
    select(&server).gives(
        77,
        "",
        &failure(
            "ask what server this is: not permitted",
            "the server may refuse passwords for REST calls (off by default from Jira 11 on, or kept out by single sign-on): use a personal access token, JIRA_TOKEN",
        ),
    );
}

#[test]
fn forged_and_misplaced_calls() {
    let xsrf = |status| Reply::text(status, "text/plain", "XSRF check failed");
    refused(
        by_password,
        [
            refusal(
                "forged",
                UPLOAD,
                xsrf(403),
                76,
                "upload \"face.png\": the XSRF check failed",
                XSRF,
            ),
            refusal(
                "forged, old servers",
                UPLOAD,
                xsrf(404),
                76,
                "upload \"face.png\": the XSRF check failed",
                XSRF,
            ),
            refusal(
                "forged crop",
                CONFIRM,
                xsrf(403),
                76,
                "crop \"face.png\": the XSRF check failed",
                XSRF,
            ),
            refusal(
                "forged selection",
                SELECT,
                xsrf(403),
                76,
                "select avatar 24880: the XSRF check failed",
                XSRF,
            ),
            refusal(
                "an unknown user",
                LISTS,
                Reply::json(
                    404,
                    json!({"errorMessages": ["The user named 'build-bot' does not exist"], "errors": {}}),
                ),
                67,
                "look up the avatars of \"build-bot\": not found: The user named 'build-bot' does not exist",
                "",
            ),
            refusal(
                "an unknown user at the upload",
                UPLOAD,
                Reply::json(
                    404,
                    json!({"errorMessages": ["The user named 'build-bot' does not exist"], "errors": {}}),
                ),
                67,
                "upload \"face.png\": not found: The user named 'build-bot' does not exist",
                "",
            ),
            refusal(
                "an unknown user at the selection",
                SELECT,
                Reply::json(404, json!({"errorMessages": [null], "errors": {}})),
                67,
                "select avatar 24880: not found",
                "",
            ),
            refusal(
                "no Jira",
                INFO,
                Reply::html(404, "Not Found"),
                76,
                "ask what server this is: there is no Jira at this address",
                CONTEXT,
            ),
            refusal(
                "no Jira, in JSON",
                INFO,
                Reply::json(
                    404,
                    json!({"message": "no Route matched with those values"}),
                ),
                76,
                "ask what server this is: not found: no Route matched with those values",
                CONTEXT,
            ),
            refusal(
                "no Jira, in plain text",
                INFO,
                Reply::text(404, "text/plain", "404 page not found\n"),
                76,
                "ask what server this is: there is no Jira at this address",
                CONTEXT,
            ),
            refusal(
                "a call the server does not have",
                LISTS,
                Reply::html(405, "Method Not Allowed").header("Allow", "POST"),
                78,
                "look up the avatars of \"build-bot\": this server does not offer the call",
                CLOUD,
            ),
            refusal(
                "an upload the server does not have",
                UPLOAD,
                Reply::html(405, "Method Not Allowed"),
                78,
                "upload \"face.png\": this server does not offer the call",
                CLOUD,
            ),
        ],
    );
}

#[test]
fn login_pages_and_redirects() {
    let page = || Reply::html(200, "Log in with SSO");
    let bare = || Reply::text(200, "text/plain", "<html><body>Sign in</body></html>");
    let redirect = |status| {
        Reply::empty(status).header(
            "Location",
            "https://sso.example.com/login?ticket=TICKET#top",
        )
    };
    refused(
        by_password,
        [
            refusal(
                "a login page",
                INFO,
                page(),
                76,
                "ask what server this is: answered 200 with an HTML page",
                SSO,
            ),
            refusal(
                "a page of another type",
                INFO,
                bare(),
                76,
                "ask what server this is: answered 200 with an HTML page",
                SSO,
            ),
            refusal(
                "a login page",
                LISTS,
                page(),
                76,
                "look up the avatars of \"build-bot\": answered 200 with an HTML page",
                SSO,
            ),
            refusal(
                "a login page",
                UPLOAD,
                page(),
                76,
                "upload \"face.png\": answered 200 with an HTML page",
                SSO,
            ),
            refusal(
                "a login page",
                CONFIRM,
                page(),
                76,
                "crop \"face.png\": answered 200 with an HTML page",
                SSO,
            ),
            refusal(
                "a login page",
                SELECT,
                page(),
                76,
                "select avatar 24880: answered 200 with an HTML page",
                SSO,
            ),
            refusal(
                "a redirect",
                INFO,
                redirect(302),
                76,
                "ask what server this is: answered 302, a redirect to https://sso.example.com/login, which is not followed",
                REDIRECT,
            ),
            refusal(
                "a redirect",
                UPLOAD,
                redirect(307),
                76,
                "upload \"face.png\": answered 307, a redirect to https://sso.example.com/login, which is not followed",
                REDIRECT,
            ),
            refusal(
                "a redirect to nowhere",
                SELECT,
                Reply::empty(301),
                76,
                "select avatar 24880: answered 301, a redirect, which is not followed",
                REDIRECT,
            ),
        ],
    );
}

#[test]
fn refused_pictures_crops_and_ids() {
    let no = |text: &str| Reply::json(400, json!({"errorMessages": [text], "errors": {}}));
    refused(
        by_password,
        [
            refusal(
                "a picture",
                UPLOAD,
                no("The uploaded file is not an image of a supported type."),
                65,
                "upload \"face.png\": the server refused the picture: The uploaded file is not an image of a supported type.",
                "",
            ),
            refusal(
                "a picture, without a word",
                UPLOAD,
                Reply::json(400, json!({"errorMessages": [null], "errors": {}})),
                65,
                "upload \"face.png\": the server refused the picture",
                "",
            ),
            refusal(
                "a picture, by a page",
                UPLOAD,
                Reply::html(400, "Bad Request"),
                65,
                "upload \"face.png\": the server refused the picture",
                "",
            ),
            refusal(
                "a crop",
                CONFIRM,
                no("The cropping parameters are invalid."),
                65,
                "crop \"face.png\": the server refused the crop: The cropping parameters are invalid.",
                "",
            ),
            refusal(
                "a large body",
                UPLOAD,
                Reply::html(413, "Request Entity Too Large"),
                65,
                "upload \"face.png\": larger than the server or a proxy in front of it accepts",
                "",
            ),
            refusal(
                "a type",
                UPLOAD,
                Reply::html(415, "Unsupported Media Type"),
                76,
                "upload \"face.png\": answered 415",
                "",
            ),
            refusal(
                "a wish for JSON",
                UPLOAD,
                Reply::html(406, "Not Acceptable"),
                76,
                "upload \"face.png\": answered 406",
                "",
            ),
            refusal(
                "an id",
                SELECT,
                no("No avatar with id 24880."),
                67,
                "select avatar 24880: no such avatar: No avatar with id 24880.",
                IDS,
            ),
        ],
    );
}

/// A server that lists an avatar and does not know it a moment later.
#[test]
fn an_avatar_that_vanished_after_the_list() {
    let server = serving(|jira| {
        jira.put_refuses_unknown = true;
    });
    server.fault(Fault::on(LISTS).instead(avatars(
        json!([{"id": "10122", "isSelected": true}, {"id": "77777"}]),
        json!([]),
    )));
    jira(
        &server,
        &["set", "--user", "build-bot", "--avatar-id", "77777"],
    )
    .gives(
        67,
        "",
        &failure(
            "select avatar 77777: no such avatar: No avatar with id 77777.",
            IDS,
        ),
    );
}

#[test]
fn servers_in_trouble() {
    let busy = || {
        Reply::json(429, r#"{"message":"Rate limit exceeded."}"#)
            .header("Retry-After", "0")
            .header("X-RateLimit-Limit", "10")
            .header("X-RateLimit-Remaining", "0")
    };
    let trouble = [
        refusal(
            "busy",
            INFO,
            busy(),
            75,
            "ask what server this is: too many requests: Rate limit exceeded.",
            "",
        ),
        refusal(
            "busy",
            LISTS,
            busy(),
            75,
            "look up the avatars of \"build-bot\": too many requests: Rate limit exceeded.",
            "",
        ),
        refusal(
            "busy",
            UPLOAD,
            busy(),
            75,
            "upload \"face.png\": too many requests: Rate limit exceeded.",
            "",
        ),
        refusal(
            "busy",
            CONFIRM,
            busy(),
            75,
            "crop \"face.png\": too many requests: Rate limit exceeded.",
            "",
        ),
        refusal(
            "busy",
            SELECT,
            busy(),
            75,
            "select avatar 24880: too many requests: Rate limit exceeded.",
            "",
        ),
        refusal(
            "restarting",
            INFO,
            Reply::html(503, "Service Unavailable").header("Retry-After", "1"),
            75,
            "ask what server this is: the server failed with 503",
            "",
        ),
        refusal(
            "restarting",
            SELECT,
            Reply::empty(503),
            75,
            "select avatar 24880: the server failed with 503",
            "",
        ),
        refusal(
            "restarting",
            CONFIRM,
            Reply::empty(503),
            75,
            "crop \"face.png\": the server failed with 503",
            "",
        ),
        refusal(
            "a proxy that lost its server",
            UPLOAD,
            Reply::html(502, "Bad Gateway"),
            75,
            "upload \"face.png\": the server failed with 502",
            "",
        ),
        refusal(
            "a proxy that lost its server",
            CONFIRM,
            Reply::html(502, "Bad Gateway"),
            75,
            "crop \"face.png\": the server failed with 502",
            "",
        )
        .looked_up(),
        refusal(
            "a proxy out of patience",
            SELECT,
            Reply::html(504, "Gateway Timeout"),
            75,
            "select avatar 24880: the server failed with 504",
            "",
        ),
        refusal(
            "broken",
            LISTS,
            Reply::json(
                500,
                json!({"errorMessages": ["Internal server error"], "errors": {}}),
            ),
            75,
            "look up the avatars of \"build-bot\": the server failed with 500: Internal server error",
            "",
        ),
        refusal(
            "broken",
            SELECT,
            Reply::empty(500),
            75,
            "select avatar 24880: the server failed with 500",
            "",
        ),
        refusal(
            "broken",
            UPLOAD,
            Reply::empty(500),
            75,
            "upload \"face.png\": the server failed with 500",
            "",
        ),
    ];
    refused(by_password, trouble);
}

#[test]
fn a_crop_whose_upload_is_gone() {
    let said = || {
        Reply::json(
            500,
            json!({"errorMessages": ["Internal server error"], "errors": {}}),
        )
    };
    refused(
        by_password,
        [
            refusal(
                "in JSON",
                CONFIRM,
                said(),
                75,
                "crop \"face.png\": the server failed with 500: Internal server error",
                CLUSTER,
            ),
            refusal(
                "as text",
                CONFIRM,
                Reply::text(
                    500,
                    "text/plain",
                    "java.lang.NullPointerException\n\tat com.example.Avatars\n",
                ),
                75,
                "crop \"face.png\": the server failed with 500: java.lang.NullPointerException",
                CLUSTER,
            ),
            refusal(
                "as a page",
                CONFIRM,
                Reply::html(500, "Oops"),
                75,
                "crop \"face.png\": the server failed with 500",
                CLUSTER,
            ),
        ],
    );
    let dropped = "crop \"face.png\": the server dropped the session of the personal access token";
    refused(
        by_token,
        [
            refusal("in JSON", CONFIRM, said(), 77, dropped, SESSION),
            refusal(
                "as a page",
                CONFIRM,
                Reply::html(500, "Oops"),
                77,
                dropped,
                SESSION,
            ),
            refusal(
                "another trouble",
                CONFIRM,
                Reply::empty(503),
                75,
                "crop \"face.png\": the server failed with 503",
                "",
            ),
        ],
    );
}

#[test]
fn answers_that_are_not_jiras() {
    for (call, operation) in [
        (INFO, "ask what server this is"),
        (LISTS, "look up the avatars of \"build-bot\""),
        (UPLOAD, "upload \"face.png\""),
        (CONFIRM, "crop \"face.png\""),
    ] {
        for (body, what) in [
            ("", "an empty body"),
            (" \r\n", "an empty body"),
            ("{\"system\":[", "JSON that is cut off"),
            ("\"fine\"", "JSON of another shape"),
            ("null", "JSON of another shape"),
            (
                "{\"id\":{},\"system\":5,\"deploymentType\":[]}",
                "JSON of another shape",
            ),
            ("OK", "something that is not JSON"),
            ("{id:1}", "something that is not JSON"),
            ("{\"id\":\"1\"} trailing", "something that is not JSON"),
        ] {
            let message = format!("{operation}: answered 200 with {what}");
            refused(
                by_password,
                [refusal(
                    body,
                    call,
                    Reply::text(200, "application/json", body),
                    76,
                    message.leak(),
                    "",
                )],
            );
        }
    }
    refused(
        by_password,
        [
            refusal(
                "neither",
                UPLOAD,
                Reply::json(
                    201,
                    json!({"url": "https://jira.example.com/", "needsCropping": true}),
                ),
                76,
                "upload \"face.png\": answered 201 with neither an avatar nor a crop",
                "",
            ),
            refusal(
                "an id of another kind",
                UPLOAD,
                Reply::json(201, json!({"id": "../../evil"})),
                76,
                "upload \"face.png\": answered 201 with an avatar id that is not a number",
                "",
            ),
            refusal(
                "an id of another kind",
                CONFIRM,
                Reply::json(201, json!({"id": ""})),
                76,
                "crop \"face.png\": answered 201 with an avatar id that is not a number",
                "",
            ),
            refusal(
                "no id",
                CONFIRM,
                Reply::json(201, json!({"owner": "JIRAUSER10101"})),
                76,
                "crop \"face.png\": answered 201 with JSON of another shape",
                "",
            ),
            refusal(
                "an avatar without an id",
                LISTS,
                avatars(json!([{"isSelected": true}]), json!([])),
                76,
                "look up the avatars of \"build-bot\": answered 200 with JSON of another shape",
                "",
            ),
            refusal(
                "a form's answer",
                UPLOAD,
                Reply::text(
                    200,
                    "text/html;charset=UTF-8",
                    "<html><body><textarea>{&quot;errorMessages&quot;:[&quot;No.&quot;]}</textarea></body></html>",
                ),
                76,
                "upload \"face.png\": answered 200 with an HTML page",
                SSO,
            ),
            refusal(
                "no HTTP",
                LISTS,
                Reply::raw("SSH-2.0-OpenSSH_9.6\r\n\r\n"),
                76,
                "look up the avatars of \"build-bot\": the answer is not HTTP as this program understands it",
                HTTPS,
            ),
        ],
    );
}

/// Without either list it is somebody else's answer, and no word about the avatars there are.
#[test]
fn lists_of_another_shape() {
    for body in ["[]", "{}", r#"{"message":"Down for maintenance."}"#] {
        refused(
            by_password,
            [refusal(
                body,
                LISTS,
                Reply::json(200, body),
                76,
                "look up the avatars of \"build-bot\": answered 200 with JSON of another shape",
                "",
            )],
        );
    }
}

#[test]
fn the_caller_who_has_no_name() {
    for body in [
        json!({"key": "JIRAUSER10100"}),
        json!({"name": ""}),
        json!({"name": null, "accountId": "5b10"}),
    ] {
        let server = Jira::start();
        server.fault(Fault::on("GET /myself").instead(Reply::json(200, body)));
        jira(&server, &["set", "--avatar-id", "24880"]).gives(
            76,
            "",
            "avatarctl: jira: ask who the caller is: answered 200 with a user without a name\n",
        );
        assert_eq!(called(&server), ["GET 2/serverInfo", "GET 2/myself"]);
    }
}

#[test]
fn the_caller_who_is_nobody() {
    let server = Jira::start();
    server.fault(Fault::on("GET /myself").instead(Reply::json(
        401,
        r#"{"message":"Client must be authenticated to access this resource.","status-code":401}"#,
    )));
    jira(&server, &["set", "--avatar-id", "24880"]).gives(
        77,
        "",
        &format!(
            "avatarctl: jira: ask who the caller is: not logged in: Client must be authenticated to access this resource.\nhint: {PASSWORD}\n"
        ),
    );
}

/// Whatever form the server's words have, they are told on one line, bounded, and harmless to a terminal.
#[test]
fn the_servers_own_words() {
    let long = "no ".repeat(200);
    let cut = format!(": {}…", &long[..300]);
    for (body, told) in [
        (
            json!({"errorMessages": [null, "First.", null, "Second."], "errors": {}}),
            ": First.; Second.",
        ),
        (
            json!({"errorMessages": [], "errors": {"id": "is odd", "name": "is long"}}),
            ": id: is odd; name: is long",
        ),
        (
            json!({"errorMessages": ["Twice."], "errors": {"id": "is odd"}, "message": "And more."}),
            ": Twice.; id: is odd; And more.",
        ),
        (
            json!({"errorMessages": [], "errors": {"count": 5}}),
            ": count: 5",
        ),
        (json!({"errorMessage": "One."}), ": One."),
        (
            json!({"message": "Only this.", "status-code": 500}),
            ": Only this.",
        ),
        (json!({"errorMessages": [null], "errors": {}}), ""),
        (
            json!({"errorMessages": [""], "errors": {}, "message": ""}),
            "",
        ),
        (json!({}), ""),
        (
            json!({"message": "two\nlines\r\n\tand more"}),
            ": two lines and more",
        ),
        (
            json!({"errorMessages": ["\u{1b}[31mred\u{7} \u{202e}gnp\u{200b} \u{9b}2J"], "errors": {}}),
            ": \\u{1b}[31mred\\u{7} \\u{202e}gnp\\u{200b} \\u{9b}2J",
        ),
        (
            json!({"errors": {"\u{1b}]0;x": "\u{8}"}}),
            ": \\u{1b}]0;x: \\u{8}",
        ),
        (json!({"errorMessages": [long], "errors": {}}), cut.as_str()),
        (
            json!({"message": "robot:secret, cm9ib3Q6c2VjcmV0 and secret"}),
            ": (redacted), (redacted) and (redacted)",
        ),
    ] {
        said(Reply::json(500, body), told);
    }
    said(
        Reply::text(500, "text/plain", "\n  Out of memory\nat Main\n"),
        ": Out of memory",
    );
    said(
        Reply::text(500, "text/plain", "\u{1b}[2Jgone"),
        ": \\u{1b}[2Jgone",
    );
    said(Reply::text(500, "text/plain", b"caf\xe9"), ": caf\u{fffd}");
    said(Reply::text(500, "text/plain", &long), &cut);
    said(
        Reply::text(500, "text/html", "<h1>password: secret</h1>"),
        "",
    );
    said(Reply::text(500, "application/xml", "<error>no</error>"), "");
    said(
        Reply::text(500, "application/json", "{\"errorMessages\":["),
        "",
    );
    said(
        Reply::text(500, "application/json", "\u{feff}{\"message\":\"Marked.\"}"),
        ": Marked.",
    );
    said(Reply::html(500, &"x".repeat(200_000)), "");
}

#[track_caller]
fn said(reply: Reply, told: &str) {
    let server = Jira::start();
    server.fault(Fault::on(LISTS).always().instead(reply));
    select(&server).once().gives(
        75,
        "",
        &failure(
            &format!("look up the avatars of \"build-bot\": the server failed with 500{told}"),
            "",
        ),
    );
}

// --------------------------------------------------------------------------------- gravatar, losses, time-outs

#[test]
fn gravatar_stores_and_does_not_show() {
    let server = serving(|jira| {
        jira.gravatar = true;
    });
    let warning = "avatarctl: jira build-bot: warning: this Jira shows pictures from Gravatar; the avatar is stored but not shown\n";
    select(&server).gives(0, "jira build-bot: avatar 24880 (was 10122)\n", warning);
    // Nothing was written, so nothing is new.
    select(&server).gives(0, "jira build-bot: avatar 24880, unchanged\n", "");
    let scratch = Scratch::new();
    upload(&server, &scratch, pictures::png(64, 64, 1)).gives(
        0,
        "jira build-bot: image face.png (avatar 24901, was 24880)\n",
        warning,
    );
}

/// The setting takes the address of any service that speaks as Gravatar does.
#[test]
fn gravatar_may_have_another_host() {
    let server = Jira::start();
    let user =
        r#"{"name":"build-bot","avatarUrls":{"48x48":"https://faces.example.org/0bc8?s=48"}}"#;
    let reply = Reply::json(200, user);
    server.fault(Fault::on("GET /user").always().instead(reply));
    select(&server).gives(
        0,
        "jira build-bot: avatar 24880 (was 10122)\n",
        "avatarctl: jira build-bot: warning: this Jira shows pictures from Gravatar; the avatar is stored but not shown\n",
    );
}

#[test]
fn not_knowing_about_gravatar_is_no_failure() {
    for reply in [
        Reply::empty(403),
        Reply::html(200, "Log in"),
        Reply::json(200, "{\"avatarUrls\":5}"),
    ] {
        let server = Jira::start();
        server.fault(Fault::on("GET /user").always().instead(reply));
        select(&server).gives(0, "jira build-bot: avatar 24880 (was 10122)\n", "");
    }
}

#[test]
fn lost_answers() {
    for (call, operation) in [
        (INFO, "ask what server this is"),
        (LISTS, "look up the avatars of \"build-bot\""),
        (UPLOAD, "upload \"face.png\""),
        (CONFIRM, "crop \"face.png\""),
        (SELECT, "select avatar 24880"),
    ] {
        let message =
            format!("{operation}: the connection was lost before the answer was complete");
        let message: &str = message.leak();
        let torn = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"id\":";
        let rows = [
            refusal(
                "closed",
                call,
                Reply::close_without_answer(),
                75,
                message,
                "",
            ),
            refusal("torn", call, Reply::raw(torn), 75, message, ""),
        ];
        // A picture that is cropped later is stored by the crop alone.
        let stores = call == CONFIRM;
        refused(
            by_password,
            rows.map(|row| if stores { row.looked_up() } else { row }),
        );
    }
}

#[test]
fn a_selection_that_was_carried_out_and_whose_answer_was_lost() {
    let server = Jira::start();
    server.fault(Fault::on(SELECT).always().lost());
    select(&server).once().gives(
        75,
        "",
        &failure(
            "select avatar 24880: the connection was lost before the answer was complete",
            "",
        ),
    );
    server.heal();
    select(&server).gives(0, "jira build-bot: avatar 24880, unchanged\n", "");
}

#[test]
fn a_server_that_never_answers() {
    let server = Jira::start();
    server.fault(Fault::on(LISTS).always().hang());
    let run = select(&server).arg("--timeout").arg("0.3").once();
    run.gives(
        75,
        "",
        &failure(
            "look up the avatars of \"build-bot\": no answer within 0.3 s",
            "allow more time with --timeout",
        ),
    );
}

#[test]
fn nobody_listens() {
    // The near end of a connection: a port that is taken, so no other test can get it, and that nobody listens at.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connection = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let address = connection.local_addr().unwrap();
    Run::new(["jira", "set", "--user", "build-bot", "--avatar-id", "24880"])
        .env("JIRA_URL", format!("http://{address}/jira"))
        .env("JIRA_TOKEN", "ROBOTTOKEN")
        .mask(&address.to_string(), "HOST")
        .once()
        .gives(
            69,
            "",
            &failure(
                "ask what server this is: cannot connect to HOST: connection refused",
                "",
            ),
        );
}

// ---------------------------------------------------------------------- uploads that may have been carried out

const SET: &str = "jira build-bot: image face.png (avatar 24901, was 10122)\n";
const COPY: &str = "avatarctl: jira build-bot: warning: an answer was lost and the picture is uploaded once more; a copy of it may be left among the custom avatars\n";
const FIRST_LOOK: &[&str] = &["GET 2/serverInfo", "GET 2/user/avatars"];
const SMALL: &[&str] = &["POST 2/user/avatar/temporary"];
const LARGE: &[&str] = &["POST 2/user/avatar/temporary", "POST 2/user/avatar"];
const LOOKED: &[&str] = &["GET 2/user/avatars"];
const SELECTED: &[&str] = &["PUT latest/user/avatar", "GET 2/user", "GET 2/user/avatars"];

/// What a lost answer looks like from here, of a call that was carried out.
fn carried_out(call: &str) -> [Fault; 4] {
    let torn = "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"id\":";
    [
        Fault::on(call).lost(),
        Fault::on(call).afterwards(Reply::raw(torn)),
        Fault::on(call).afterwards(Reply::html(502, "Bad Gateway")),
        Fault::on(call).afterwards(Reply::html(504, "Gateway Timeout")),
    ]
}

/// The same of a call that was not.
fn not_carried_out(call: &str) -> [Fault; 2] {
    [
        Fault::on(call).silent(),
        Fault::on(call).instead(Reply::html(502, "Bad Gateway")),
    ]
}

#[test]
fn a_stored_picture_whose_answer_was_lost_is_found() {
    for (side, call, upload_calls) in [(256, CONFIRM, LARGE), (48, UPLOAD, SMALL)] {
        for (at, fault) in carried_out(call).into_iter().enumerate() {
            // Looking is no repeat.
            let (server, scratch) = (Jira::start(), Scratch::new());
            server.model().give("build-bot", pictures::png(64, 64, 2));
            server.fault(fault);
            let run = upload(&server, &scratch, pictures::png(side, side, 1));
            let run = if at % 2 == 0 { run.once() } else { run };
            run.gives(
                0,
                "jira build-bot: image face.png (avatar 24902, was 10122)\n",
                "",
            );
            assert_eq!(
                called(&server),
                [FIRST_LOOK, upload_calls, LOOKED, SELECTED].concat()
            );
            assert_eq!(server.model().user("build-bot").selected, 24902);
            assert_eq!(server.model().custom.len(), 2);
        }
    }
}

#[test]
fn a_picture_that_was_not_stored_is_uploaded_once_more() {
    for (side, call, upload_calls) in [(256, CONFIRM, LARGE), (48, UPLOAD, SMALL)] {
        for fault in not_carried_out(call) {
            let (server, scratch) = (Jira::start(), Scratch::new());
            server.fault(fault);
            upload(&server, &scratch, pictures::png(side, side, 1)).gives(0, SET, COPY);
            assert_eq!(
                called(&server),
                [FIRST_LOOK, upload_calls, LOOKED, upload_calls, SELECTED].concat()
            );
            assert_eq!(server.model().user("build-bot").selected, 24901);
            assert_eq!(server.model().custom.len(), 1);
        }
    }
}

/// Once, and not as often as other calls: each may leave a copy.
#[test]
fn a_picture_whose_answer_is_lost_again_is_not_uploaded_a_third_time() {
    for (side, call, operation, upload_calls) in
        [(256, CONFIRM, "crop", LARGE), (48, UPLOAD, "upload", SMALL)]
    {
        let (server, scratch) = (Jira::start(), Scratch::new());
        server.fault(Fault::on(call).always().silent());
        let lost = failure(
            &format!(
                "{operation} \"face.png\": the connection was lost before the answer was complete"
            ),
            "",
        );
        upload(&server, &scratch, pictures::png(side, side, 1)).gives(
            75,
            "",
            &format!("{COPY}{lost}"),
        );
        assert_eq!(
            called(&server),
            [FIRST_LOOK, upload_calls, LOOKED, upload_calls].concat()
        );
        assert_eq!(server.model().user("build-bot").selected, 10122);
    }
}

/// Standard error of these waits for a picture that may still be stored.
fn waits(seconds: &[u8]) -> String {
    let line = |seconds: &u8| {
        format!(
            "avatarctl: no answer in time; the server may still store \"face.png\", looking for it in {seconds}.0 s\n"
        )
    };
    seconds.iter().map(line).collect()
}

/// A server that stores a picture after its caller stopped waiting for an answer, at a look of that number.
fn slow(look: usize) -> Running<Jira> {
    let server = serving(|model| model.stores_at_look = Some(look));
    server.model().give("build-bot", pictures::png(64, 64, 2));
    server
}

const NEVER: usize = usize::MAX;
/// How long an answer is waited for, in the tests of those that do not come.
const PATIENCE: &str = "--timeout=2";
const MAY_BE_LEFT: &str = "the picture may be left among the custom avatars";
const UNKNOWN: &str = "before you upload it again, look for it with avatarctl jira list, and select it with set --avatar-id or delete it with avatarctl jira delete";

/// These waits are real time, so the cells run side by side.
#[test]
fn a_picture_that_may_still_be_stored_is_looked_for_and_not_sent_again() {
    let cells = [
        // The side of the picture, the look at which it is stored, and the waits until then.
        (256, 1, &[][..]),
        (48, 1, &[]),
        (256, 2, &[1]),
        (48, 4, &[1, 2, 4]),
    ];
    in_parallel(&cells, |&(side, look, seconds)| {
        // Looking is no repeat.
        let (server, scratch) = (slow(look), Scratch::new());
        upload(&server, &scratch, pictures::png(side, side, 1))
            .arg(PATIENCE)
            .once()
            .gives(
                0,
                "jira build-bot: image face.png (avatar 24902, was 10122)\n",
                &waits(seconds),
            );
        let calls = if side == 48 { SMALL } else { LARGE };
        let looks = LOOKED.repeat(1 + seconds.len());
        assert_eq!(
            called(&server),
            [FIRST_LOOK, calls, &looks, SELECTED].concat()
        );
        assert_eq!(server.model().user("build-bot").selected, 24902);
        assert_eq!(server.model().custom.len(), 2);
        Vec::new()
    });
}

/// The same, and a gateway that stopped waiting: it knows nothing of what its server still does.
#[test]
fn a_picture_that_does_not_appear_is_not_sent_again() {
    let cells = [(256, CONFIRM, "crop", LARGE), (48, UPLOAD, "upload", SMALL)];
    let cells = cells.map(|cell| [(cell, false), (cell, true)]).concat();
    in_parallel(&cells, |&((side, call, operation, calls), gateway)| {
        let (server, scratch) = (slow(NEVER), Scratch::new());
        let (why, hint) = match gateway {
            true => ("the server failed with 504", UNKNOWN.to_owned()),
            false => (
                "no answer within 2.0 s",
                format!("allow more time with --timeout; {UNKNOWN}"),
            ),
        };
        if gateway {
            server.fault(Fault::on(call).instead(Reply::html(504, "Gateway Timeout")));
        }
        let told = failure(
            &format!("{operation} \"face.png\": {why}; {MAY_BE_LEFT}"),
            &hint,
        );
        upload(&server, &scratch, pictures::png(side, side, 1))
            .arg(PATIENCE)
            .gives(75, "", &(waits(&[1, 2, 4]) + &told));
        let looks = LOOKED.repeat(4);
        assert_eq!(called(&server), [FIRST_LOOK, calls, &looks].concat());
        assert_eq!(server.model().user("build-bot").selected, 10122);
        assert_eq!(server.model().custom.len(), 1);
        Vec::new()
    });
}

/// The crop itself takes all the time there is: nothing can be looked up any more.
#[test]
fn a_picture_that_was_on_its_way_when_the_time_was_up_may_be_left() {
    let (server, scratch) = (slow(1), Scratch::new());
    upload(&server, &scratch, pictures::png(256, 256, 1))
        .arg("--max-time=2")
        .gives(
            75,
            "",
            &failure(
                &format!(
                    "crop \"face.png\": the time of the whole command is used up; {MAY_BE_LEFT}"
                ),
                &format!("allow more with --max-time; {UNKNOWN}"),
            ),
        );
    assert_eq!(called(&server), [FIRST_LOOK, LARGE].concat());
}

/// Without a list from before the upload nothing tells which avatar is new.
#[test]
fn a_picture_that_may_still_be_stored_is_not_looked_for_where_nobody_looked_before() {
    let (server, scratch) = (slow(1), Scratch::new());
    scratch.write("face.png", pictures::png(256, 256, 1));
    scratch.write(
        "m.json",
        format!(
            "{{\"servers\": {{\"jira\": {{\"system\": \"jira\", \"url\": \"{}\"}}}},\n\
             \"accounts\": [{{\"server\": \"jira\", \"user\": \"build-bot\", \"image\": \"face.png\"}}]}}",
            server.url()
        ),
    );
    let told = failure(
        &format!("crop \"face.png\": no answer within 2.0 s; {MAY_BE_LEFT}"),
        &format!("allow more time with --timeout; {UNKNOWN}"),
    );
    Run::new(["apply", "m.json", "--no-verify", PATIENCE])
        .with(&server)
        .dir(scratch.path())
        .gives(75, "0 changed, 0 unchanged, 1 failed\n", &told);
    assert_eq!(called(&server), [&FIRST_LOOK[..1], LARGE].concat());
}

#[test]
fn a_signal_ends_the_wait_for_a_picture() {
    let (server, scratch) = (slow(NEVER), Scratch::new());
    let run = upload(&server, &scratch, pictures::png(256, 256, 1)).arg(PATIENCE);
    let process = run.arg("-q").start();
    server.wait_for(FIRST_LOOK.len() + LARGE.len() + LOOKED.len());
    process.signal("TERM");
    process.wait().gives(
        143,
        "",
        &failure(
            &format!("crop \"face.png\": no answer within 2.0 s; {MAY_BE_LEFT}"),
            &format!("allow more time with --timeout; {UNKNOWN}"),
        ),
    );
    assert_eq!(called(&server), [FIRST_LOOK, LARGE, LOOKED].concat());
}

/// Somebody else uploads for the same account at the same time: which is ours cannot be told.
#[test]
fn two_new_avatars_are_not_taken_for_the_upload() {
    let two = || {
        let custom = |id: &str| json!({"id": id, "isSystemAvatar": false, "isSelected": false});
        let system = json!([{"id": "10122", "isSystemAvatar": true, "isSelected": true}]);
        avatars(system, json!([custom("24901"), custom("24902")]))
    };
    let run = |retries: &str| {
        let (server, scratch) = (Jira::start(), Scratch::new());
        server.fault(Fault::on(CONFIRM).lost());
        server.fault(Fault::on(LISTS).from(2).instead(two()));
        let run = upload(&server, &scratch, pictures::png(256, 256, 1));
        let output = run.arg("--retries").arg(retries).output();
        (output, server)
    };
    let (output, server) = run("0");
    output.gives(
        75,
        "",
        &failure(
            "crop \"face.png\": the connection was lost before the answer was complete",
            "",
        ),
    );
    assert_eq!(called(&server), [FIRST_LOOK, LARGE, LOOKED].concat());
    let (output, server) = run("1");
    output.gives(
        0,
        "jira build-bot: image face.png (avatar 24902, was 10122)\n",
        COPY,
    );
    assert_eq!(
        called(&server),
        [FIRST_LOOK, LARGE, LOOKED, LARGE, SELECTED].concat()
    );
}

/// A crop that does not find its upload has stored nothing.
#[test]
fn a_crop_without_its_upload_begins_again_once() {
    let (server, scratch) = (Jira::start(), Scratch::new());
    server.fault(Fault::on(CONFIRM).instead(Reply::empty(500)));
    upload(&server, &scratch, pictures::png(256, 256, 1)).gives(0, SET, "");
    assert_eq!(
        called(&server),
        [FIRST_LOOK, LARGE, LARGE, SELECTED].concat()
    );
    assert_eq!(server.model().custom.len(), 1);
    server.forget();
    server.fault(Fault::on(CONFIRM).always().instead(Reply::empty(500)));
    upload(&server, &scratch, pictures::png(256, 256, 1)).gives(
        75,
        "",
        &failure("crop \"face.png\": the server failed with 500", CLUSTER),
    );
    assert_eq!(called(&server), [FIRST_LOOK, LARGE, LARGE].concat());
}

// ------------------------------------------------------------------------------------------------------- output

#[test]
fn jira_in_lines() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let path = robot(&scratch).display().to_string();
    for (line, wanted) in [
        ("show", "jira robot: avatar 10122 (system)\n"),
        (
            "set --avatar-id 24880",
            "jira robot: avatar 24880 (was 10122)\n",
        ),
        (
            "set --avatar-id 24880",
            "jira robot: avatar 24880, unchanged\n",
        ),
        (
            "set --avatar-id 24880 --force",
            "jira robot: avatar 24880, set again\n",
        ),
        (
            "set --avatar-id 24881 --no-verify",
            "jira robot: avatar 24881 (was 24880, not verified)\n",
        ),
        (
            "set --user build-bot --avatar-id 24880",
            "jira build-bot: avatar 24880 (was 10122)\n",
        ),
        (
            &format!("set --user build-bot --image {path}"),
            "jira build-bot: image robot.png (avatar 24901, was 24880)\n",
        ),
        (
            "show --user build-bot",
            "jira build-bot: avatar 24901 (custom)\n",
        ),
    ] {
        println!("{line}");
        Run::new(["jira"].into_iter().chain(words(line)))
            .with(&jira)
            .gives(0, wanted, "");
    }
    jira.model().system.truncate(2);
    Run::new(words("jira list --user build-bot"))
        .with(&jira)
        .gives(
            0,
            "id     kind    selected\n\
         10122  system  -\n\
         10123  system  -\n\
         24901  custom  yes\n",
            "",
        );
}

#[test]
fn jira_in_json() {
    let jira = Jira::start();
    jira.model().system.truncate(2);
    let changed =
        "\"outcome\":\"changed\",\"before\":\"10122\",\"after\":\"10123\",\"verified\":true";
    let same =
        "\"outcome\":\"unchanged\",\"before\":\"10123\",\"after\":\"10123\",\"verified\":true";
    let blind =
        "\"outcome\":\"changed\",\"before\":\"10123\",\"after\":\"10122\",\"verified\":false";
    let current = "\"outcome\":\"shown\",\"current\":\"10122\",\"kind\":\"system\",\
                   \"url\":\"https://jira.example.com/jira/secure/useravatar?avatarId=10122\"";
    for (line, wanted) in [
        (
            "set --avatar-id 10123",
            account_line("jira", "robot", "set", changed) + &summary_line(1, 0, 0, 0),
        ),
        (
            "set --avatar-id 10123",
            account_line("jira", "robot", "set", same) + &summary_line(0, 1, 0, 0),
        ),
        (
            "set --avatar-id 10122 --no-verify",
            account_line("jira", "robot", "set", blind) + &summary_line(1, 0, 0, 0),
        ),
        (
            "show --user robot",
            account_line("jira", "robot", "show", current) + &summary_line(0, 1, 0, 0),
        ),
        (
            "list",
            "{\"v\":1,\"type\":\"avatar\",\"id\":\"10122\",\"kind\":\"system\",\"selected\":true,\
             \"url\":\"https://jira.example.com/jira/secure/useravatar?avatarId=10122\"}\n\
             {\"v\":1,\"type\":\"avatar\",\"id\":\"10123\",\"kind\":\"system\",\"selected\":false,\
             \"url\":\"https://jira.example.com/jira/secure/useravatar?avatarId=10123\"}\n"
                .to_owned()
                + &summary_line(0, 0, 0, 0),
        ),
    ] {
        println!("{line}");
        Run::new(["jira", "--json"].into_iter().chain(words(line)))
            .with(&jira)
            .gives(0, &wanted, "");
    }
}
