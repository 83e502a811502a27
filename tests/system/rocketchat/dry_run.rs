//! `--dry-run` on Rocket.Chat: a shell and curl make of the printed commands the requests that the program itself sends.

use crate::dry_run::{HOSTILE, Side, case, chat, names, same, shown, twice};
use crate::support::pictures;

#[test]
fn rocketchat_uploads() {
    for (line, show, kept) in [
        (
            "rocketchat set --user build-bot",
            "rocketchat show --user build-bot",
            "build-bot",
        ),
        (
            "rocketchat set --user-id BsNr28znDkG8aeo7W",
            "rocketchat show --user-id BsNr28znDkG8aeo7W",
            "build-bot",
        ),
        ("rocketchat set", "rocketchat show", "robot-admin"),
    ] {
        let sides = twice(chat);
        let picture = pictures::png(64, 64, 1);
        same(&case(line).image("face.png", picture.clone()), 1, &sides);
        assert_eq!(shown(&sides[0], show), shown(&sides[1], show));
        for side in &sides {
            let mut model = side.model.model();
            let worn = model.user(kept).picture.as_ref().expect("a picture");
            assert_eq!(worn.bytes, picture);
        }
    }
}

#[test]
fn rocketchat_prints_a_form() {
    let side = Side::new(chat());
    let upload =
        case("rocketchat set --user build-bot").image("my face.png", pictures::png(64, 64, 1));
    let printed = upload.rehearse(&side);
    assert_eq!(
        printed
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
            .replace(&side.model.url(), "URL"),
        "curl -fsS -H \"x-user-id: $ROCKETCHAT_USER_ID\" -H \"x-auth-token: $ROCKETCHAT_AUTH_TOKEN\" \
         -H 'user-agent: avatarctl/VERSION' -H 'accept: application/json' -H expect: \
         --form-string 'userId=BsNr28znDkG8aeo7W' -F 'image=@\"my face.png\";type=image/png;filename=avatar.png' \
         'URL/api/v1/users.setAvatar'\n"
    );
}

#[test]
fn rocketchat_pictures_of_any_name() {
    for name in names() {
        let sides = twice(chat);
        let picture = pictures::png(64, 64, 1);
        same(
            &case("rocketchat set").image(&name, picture.clone()),
            1,
            &sides,
        );
        let mut model = sides[0].model.model();
        let worn = model
            .user("robot-admin")
            .picture
            .as_ref()
            .expect("a picture");
        assert_eq!(worn.bytes, picture);
    }
}

#[test]
fn rocketchat_pictures_of_any_type() {
    for (name, picture) in [
        ("a.jpg", pictures::jpeg(64, 64, 1)),
        ("a.gif", pictures::gif(64, 64, 1)),
        ("a.webp", pictures::webp(64, 64, 1)),
        ("no-extension", pictures::png(64, 64, 1)),
    ] {
        same(
            &case("rocketchat set").image(name, picture),
            1,
            &twice(chat),
        );
    }
}

#[test]
fn rocketchat_ids_that_a_shell_could_read() {
    for id in [
        HOSTILE,
        "x@y<z;type=text/plain",
        "\u{1b}[31m\u{202e}a'b\"c$HOME\\n%d\u{9b}\nrm -rf / #",
        "'",
        "\\",
    ] {
        let named = || {
            let mut chat = chat();
            chat.user("build-bot").id = id.into();
            chat.publish("http://domain.tld/a.png", pictures::png(8, 8, 3));
            chat
        };
        let sides = twice(named);
        let upload =
            case("rocketchat set --user build-bot").image("a.png", pictures::png(64, 64, 1));
        same(&upload, 1, &sides);
        for line in [
            "rocketchat set --user build-bot --avatar-url http://domain.tld/a.png",
            "rocketchat reset --user build-bot",
        ] {
            sides.iter().for_each(|side| side.model.forget());
            same(&case(line), 1, &sides);
        }
        for side in &sides {
            assert!(side.model.model().user("build-bot").picture.is_none());
        }
    }
}

#[test]
fn rocketchat_names_that_a_shell_could_read() {
    for name in ["o'brien \"x\" & co+1", "Zoë $HOME", HOSTILE] {
        let named = || {
            let mut chat = chat();
            chat.user("build-bot").username = name.into();
            chat
        };
        let sides = twice(named);
        let reset = case("rocketchat reset").arg(format!("--user={name}"));
        same(&reset, 1, &sides);
        assert!(sides[0].model.model().user(name).picture.is_none());
    }
}

#[test]
fn rocketchat_takes_an_address() {
    let address = "http://domain.tld/to/my/own/it's$a.jpg";
    let published = || {
        let mut chat = chat();
        chat.publish(address, pictures::jpeg(8, 8, 3));
        chat
    };
    for target in ["", " --user build-bot"] {
        let sides = twice(published);
        let set = case(&format!("rocketchat set{target}")).arg(format!("--avatar-url={address}"));
        let printed = same(&set, 1, &sides);
        assert!(
            printed.contains(r"http://domain.tld/to/my/own/it'\''s$a.jpg"),
            "{printed}"
        );
        let show = format!("rocketchat show{target}");
        assert_eq!(shown(&sides[0], &show), shown(&sides[1], &show));
    }
}

const ADDRESS_IS_MISSING: &str =
    "before you run the commands, set AVATAR_URL (the address of the picture)\n";

#[test]
fn a_secret_in_an_address_stays_a_variable() {
    for address in [
        "https://files.example/a.png?sig=TOPSECRET",
        "https://files.example/a.png?a=1&sig='TOPSECRET'$HOME",
        "https://user:TOPSECRET@files.example/a.png",
        "https://files.example/a.png#TOPSECRET",
    ] {
        let published = || {
            let mut chat = chat();
            chat.publish(address, pictures::png(8, 8, 3));
            chat
        };
        for (target, name) in [("", "robot-admin"), (" --user build-bot", "build-bot")] {
            let sides = twice(published);
            let set = case(&format!("rocketchat set{target}"))
                .arg(format!("--avatar-url={address}"))
                .naming("AVATAR_URL", address)
                .unset(&format!(
                    "avatarctl: rocketchat {name}: warning: {ADDRESS_IS_MISSING}"
                ));
            let printed = same(&set, 1, &sides);
            assert!(!printed.contains("TOPSECRET"), "{printed}");
            assert!(
                printed.contains("{\"avatarUrl\":\"'\"$AVATAR_URL\"'\""),
                "{printed}"
            );
        }
    }
}

/// What JSON escapes is escaped in the variable, too.
#[test]
fn a_secret_in_an_address_that_json_escapes_stays_a_variable() {
    let address = "https://files.example/a.png?sig=TOP\"SECRET\\";
    let published = || {
        let mut chat = chat();
        chat.publish(address, pictures::png(8, 8, 3));
        chat
    };
    let sides = twice(published);
    let set = case("rocketchat set")
        .arg(format!("--avatar-url={address}"))
        .naming(
            "AVATAR_URL",
            &address.replace('\\', "\\\\").replace('"', "\\\""),
        )
        .unset(&format!(
            "avatarctl: rocketchat robot-admin: warning: {ADDRESS_IS_MISSING}"
        ));
    let printed = same(&set, 1, &sides);
    assert!(!printed.contains("SECRET\\"), "{printed}");
}

#[test]
fn rocketchat_resets() {
    let wearing = || {
        let mut chat = chat();
        chat.give("robot-admin", pictures::png(8, 8, 4));
        chat
    };
    for (line, user) in [
        ("rocketchat reset", "robot-admin"),
        ("rocketchat reset --user build-bot", "build-bot"),
        ("rocketchat reset --user-id BsNr28znDkG8aeo7W", "build-bot"),
        ("rocketchat reset --user retired-bot --force", "retired-bot"),
    ] {
        let sides = twice(wearing);
        same(&case(line), 1, &sides);
        for side in &sides {
            assert!(side.model.model().user(user).picture.is_none());
        }
    }
}

/// The login of a run ends with it, so the commands name what lasts.
#[test]
fn rocketchat_by_password_names_a_token() {
    let side = Side::new(chat());
    let pair = [
        ("ROCKETCHAT_USER", "robot-admin"),
        ("ROCKETCHAT_PASSWORD", "secret"),
    ];
    let reset = case("rocketchat reset --user build-bot").variables(&pair).warned(
        "avatarctl: rocketchat build-bot: warning: the login of this run ends with it; the commands need credentials that last\n\
         avatarctl: rocketchat build-bot: warning: before you run the commands, set ROCKETCHAT_USER_ID, ROCKETCHAT_AUTH_TOKEN\n",
    );
    let printed = reset.rehearse(&side);
    assert!(
        side.model
            .calls()
            .contains(&"POST /chat/api/v1/logout".to_owned())
    );
    let token = side.model.model().tokens[0].clone();
    let reset = reset.variables(&[
        ("ROCKETCHAT_USER_ID", token.user_id.as_str()),
        ("ROCKETCHAT_AUTH_TOKEN", token.token.as_str()),
    ]);
    reset.carry_out(&printed, &side);
    assert!(side.model.model().user("build-bot").picture.is_none());
}
