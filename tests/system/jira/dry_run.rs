//! `--dry-run` on Jira: a shell and curl make of the printed commands the requests that the program itself sends.

use serde_json::json;

use crate::dry_run::{HOSTILE, Side, both_show, case, jira, names, same, shown, twice};
use crate::support::{Fault, Reply, pictures};

#[test]
fn jira_selects_by_password() {
    let with_password = || {
        let mut jira = jira();
        jira.user_mut("robot").password = Some(HOSTILE.into());
        jira
    };
    let sides = twice(with_password);
    let printed = same(
        &case("jira set --user build-bot --avatar-id 10123"),
        1,
        &sides,
    );
    let url = sides[0].model.url();
    assert_eq!(
        printed
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
            .replace(&url, "URL"),
        "curl -fsS -X PUT -u \"$JIRA_USER:$JIRA_PASSWORD\" -H 'user-agent: avatarctl/VERSION' \
         -H 'accept: application/json' -H 'x-atlassian-token: no-check' -H 'content-type: application/json' \
         -d '{\"id\":\"10123\",\"isSelected\":false,\"isSystemAvatar\":true,\"urls\":{\
         \"16x16\":\"https://jira.example.com/jira/secure/useravatar?size=xsmall&avatarId=10123\",\
         \"24x24\":\"https://jira.example.com/jira/secure/useravatar?size=small&avatarId=10123\",\
         \"32x32\":\"https://jira.example.com/jira/secure/useravatar?size=medium&avatarId=10123\",\
         \"48x48\":\"https://jira.example.com/jira/secure/useravatar?avatarId=10123\"}}' \
         'URL/rest/api/latest/user/avatar?username=build-bot'\n"
    );
    both_show(
        &sides,
        "jira show --user build-bot",
        "jira build-bot: avatar 10123 (system)\n",
    );
}

#[test]
fn jira_selects_by_token() {
    let sides = twice(jira);
    let token = case("jira set --avatar-id 10123").variables(&[("JIRA_TOKEN", "ROBOTTOKEN")]);
    let printed = same(&token, 1, &sides);
    assert!(
        printed.contains(" -H \"authorization: Bearer $JIRA_TOKEN\" "),
        "{printed}"
    );
    both_show(&sides, "jira show", "jira robot: avatar 10123 (system)\n");
}

#[test]
fn jira_names_that_a_shell_could_read() {
    for name in ["o'brien \"x\" & co+1", "Zoë $HOME `id` %41", HOSTILE] {
        let named = || {
            let mut jira = jira();
            jira.user_mut("build-bot").name = name.into();
            let mut admin = jira.user("robot").clone();
            // The first colon would end it.
            (admin.name, admin.key) = (HOSTILE.replace(':', ""), "k".into());
            admin.password = Some(HOSTILE.into());
            jira.users.insert(0, admin);
            jira
        };
        let sides = twice(named);
        let select = case("jira set --avatar-id 10123").arg(format!("--user={name}"));
        same(&select, 1, &sides);
        for side in &sides {
            assert_eq!(side.model.model().user(name).selected, 10123);
        }
    }
}

#[test]
fn jira_uploads_and_crops() {
    let sides = twice(jira);
    let warning = "avatarctl: jira build-bot: warning: \"face.png\": 96 x 64 is not square; Jira will be sent the square of 64 pixels at 16,0\n";
    let upload = case("jira set --user build-bot")
        .image("face.png", pictures::png(96, 64, 1))
        .warned(warning);
    let printed = same(&upload, 3, &sides);
    let url = sides[0].model.url();
    let head = "-u \"$JIRA_USER:$JIRA_PASSWORD\" -H 'user-agent: avatarctl/VERSION' -H 'accept: application/json' -H 'x-atlassian-token: no-check'";
    let find = r#"sed -n 's/.*"id" *: *"*\([0-9]*\).*/\1/p'"#;
    assert_eq!(
        printed
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
            .replace(&url, "URL"),
        format!(
            "curl -fsS {head} -H 'content-type: image/png' -H expect: -c avatarctl.cookies --data-binary '@face.png' \
             'URL/rest/api/2/user/avatar/temporary?username=build-bot&filename=avatar.png'\n\
             AVATAR_ID=$(curl -fsS {head} -H 'content-type: application/json' -b avatarctl.cookies \
             -d '{{\"cropperWidth\":64,\"cropperOffsetX\":16,\"cropperOffsetY\":0}}' \
             'URL/rest/api/2/user/avatar?username=build-bot' | {find}); rm -f avatarctl.cookies\n\
             curl -fsS -X PUT {head} -H 'content-type: application/json' \
             -d '{{\"id\":\"'\"$AVATAR_ID\"'\",\"isSelected\":false,\"isSystemAvatar\":false}}' \
             'URL/rest/api/latest/user/avatar?username=build-bot'\n"
        )
    );
    both_show(
        &sides,
        "jira show --user build-bot",
        "jira build-bot: avatar 24901 (custom)\n",
    );
    for side in &sides {
        let model = side.model.model();
        assert_eq!(model.custom[0].picture, pictures::png(96, 64, 1));
        assert_eq!(model.custom[0].crop.side, 64);
    }
}

#[test]
fn jira_uploads_by_token_where_sessions_survive() {
    let surviving = || {
        let mut jira = jira();
        jira.token_sessions_survive = true;
        jira
    };
    let sides = twice(surviving);
    let upload = case("jira set")
        .image("face.jpg", pictures::jpeg(64, 64, 1))
        .variables(&[("JIRA_TOKEN", "ROBOTTOKEN")]);
    same(&upload, 3, &sides);
    both_show(&sides, "jira show", "jira robot: avatar 24901 (custom)\n");
}

#[test]
fn jira_stores_a_small_square_at_once() {
    let sides = twice(jira);
    let upload = case("jira set --user build-bot").image("face.gif", pictures::gif(48, 48, 1));
    let printed = same(&upload, 2, &sides);
    assert!(!printed.contains("avatarctl.cookies"), "{printed}");
    both_show(
        &sides,
        "jira show --user build-bot",
        "jira build-bot: avatar 24901 (custom)\n",
    );
}

#[test]
fn jira_answers_that_spell_an_id_differently_are_understood() {
    for body in [
        "{\"id\":24901}",
        "{\n  \"id\" : \"24901\",\n  \"owner\": \"x\"\n}",
        "{\"owner\":\"JIRAUSER1\",\"isSystemAvatar\":false,\"id\": 24901, \"isSelected\":false}",
    ] {
        let side = Side::new(jira());
        let confirmed = Fault::on("POST /user/avatar").always();
        side.model
            .fault(confirmed.afterwards(Reply::json(201, body)));
        let upload = case("jira set").image("face.png", pictures::png(64, 64, 1));
        let printed = upload.rehearse(&side);
        upload.carry_out(&printed, &side);
        assert_eq!(
            shown(&side, "jira show"),
            "jira robot: avatar 24901 (custom)\n"
        );
    }
}

#[test]
fn jira_deletes() {
    let with_custom = || {
        let mut jira = jira();
        jira.give("build-bot", pictures::png(64, 64, 1));
        jira
    };
    let sides = twice(with_custom);
    let printed = same(
        &case("jira delete --user build-bot --avatar-id 24901"),
        1,
        &sides,
    );
    let url = sides[0].model.url();
    assert_eq!(
        printed
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
            .replace(&url, "URL"),
        "curl -fsS -X DELETE -u \"$JIRA_USER:$JIRA_PASSWORD\" -H 'user-agent: avatarctl/VERSION' \
         -H 'accept: application/json' -H 'x-atlassian-token: no-check' \
         'URL/rest/api/2/user/avatar/24901?username=build-bot'\n"
    );
    for side in &sides {
        assert!(side.model.model().custom.is_empty());
    }
}

#[test]
fn jira_pictures_of_any_name() {
    for name in names() {
        let sides = twice(jira);
        let upload = case("jira set").image(&name, pictures::png(64, 64, 1));
        same(&upload, 3, &sides);
        both_show(&sides, "jira show", "jira robot: avatar 24901 (custom)\n");
    }
}

#[test]
fn jira_texts_of_a_server_are_no_commands() {
    // The addresses of a picture come from the server, and go back in the choice of it.
    let forged =
        "https://x/?a='; echo \u{1b}[31mred \u{202e}$(id) `id` \\ %s \"\u{7f}\u{9b}2J\nrm -rf";
    let bean = json!({"id": "10123", "isSelected": false, "urls": {"48x48": forged}});
    let lists = Reply::json(200, json!({"system": [bean], "custom": []}));
    let sides = twice(jira);
    for side in &sides {
        // Until the commands are there; the read-back shows the truth again.
        let forged = Fault::on("GET /user/avatars").times(2);
        side.model.fault(forged.instead(lists.clone()));
    }
    same(&case("jira set --avatar-id 10123"), 1, &sides);
    both_show(&sides, "jira show", "jira robot: avatar 10123 (system)\n");
}
