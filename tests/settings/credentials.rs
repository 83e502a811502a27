//! Credentials: where each value may come from, which place counts first, and what is refused before anything is sent.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

use super::{UNCHANGED, authorization, netrc_file, show};
use crate::support::model::uncalled;
use crate::support::printed::NOTHING;
use crate::support::run::words;
use crate::support::systems::{self, Servers};
use crate::support::{Fault, Jira, Navixy, Reply, RocketChat, Run, Scratch, encoding, pictures};

// ------------------------------------------------------------------------------------------------ credentials

#[test]
fn a_secret_comes_from_the_variable() {
    let jira = Jira::start();
    show(&jira)
        .env("JIRA_TOKEN", "ROBOTTOKEN")
        .gives(0, UNCHANGED, "");
    assert_eq!(authorization(&jira).as_deref(), Some("Bearer ROBOTTOKEN"));
    show(&jira)
        .env("JIRA_USER", "robot")
        .env("JIRA_PASSWORD", "secret")
        .gives(0, UNCHANGED, "");
    let pair = format!("Basic {}", encoding::base64(b"robot:secret"));
    assert_eq!(authorization(&jira), Some(pair));
}

#[test]
fn a_secret_comes_from_a_file() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    for ending in ["", "\n", "\r\n"] {
        let path = scratch.secret("token", format!("ROBOTTOKEN{ending}"));
        show(&jira)
            .env("JIRA_TOKEN_FILE", path)
            .gives(0, UNCHANGED, "");
        assert_eq!(authorization(&jira).as_deref(), Some("Bearer ROBOTTOKEN"));
    }
    // Relative to where the program runs.
    show(&jira)
        .env("JIRA_TOKEN_FILE", "token")
        .dir(scratch.path())
        .gives(0, UNCHANGED, "");
    // Both halves, one of them from a file.
    show(&jira)
        .env("JIRA_USER", "robot")
        .env("JIRA_PASSWORD_FILE", scratch.secret("password", "secret\n"))
        .gives(0, UNCHANGED, "");
}

#[test]
fn a_secret_comes_from_standard_input() {
    let jira = Jira::start();
    for ending in ["", "\n", "\r\n"] {
        show(&jira)
            .env("JIRA_TOKEN_FILE", "-")
            .stdin(format!("ROBOTTOKEN{ending}"))
            .gives(0, UNCHANGED, "");
        assert_eq!(authorization(&jira).as_deref(), Some("Bearer ROBOTTOKEN"));
    }
}

/// Process substitution: `JIRA_TOKEN_FILE=<(pass jira)`.
#[test]
fn a_secret_comes_from_a_descriptor() {
    let jira = Jira::start();
    show(&jira)
        .env("JIRA_TOKEN_FILE", "/dev/fd/0")
        .stdin("ROBOTTOKEN\n")
        .gives(0, UNCHANGED, "");
}

#[test]
fn a_secret_comes_from_systemd() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    scratch.write("jira_token", "ROBOTTOKEN\n");
    show(&jira)
        .env("CREDENTIALS_DIRECTORY", scratch.path())
        .gives(0, UNCHANGED, "");
    let (chat, hash) = (RocketChat::start(), Navixy::start());
    let settings: Vec<_> = chat.settings().into_iter().chain(hash.settings()).collect();
    let mut both = [
        Run::new(["rocketchat", "show"]),
        Run::new(["navixy", "show", "--employee-id=2132"]),
    ];
    for (name, value) in settings {
        if name.ends_with("_URL") {
            both = both.map(|run| run.env(name, &value));
        } else {
            scratch.write(&name.to_lowercase(), value + "\n");
        }
    }
    let [chat_run, hash_run] = both.map(|run| run.env("CREDENTIALS_DIRECTORY", scratch.path()));
    chat_run.gives(
        0,
        "rocketchat robot-admin: no avatar, the generated letter shows\n",
        "",
    );
    hash_run.gives(0, "navixy 2132: icon 12\n", "");
}

#[test]
fn a_variable_or_its_file_comes_before_systemd() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    scratch.write("jira_token", "WRONG");
    show(&jira)
        .env("CREDENTIALS_DIRECTORY", scratch.path())
        .env("JIRA_TOKEN", "ROBOTTOKEN")
        .gives(0, UNCHANGED, "");
    show(&jira)
        .env("CREDENTIALS_DIRECTORY", scratch.path())
        .env("JIRA_TOKEN_FILE", scratch.secret("file", "ROBOTTOKEN"))
        .gives(0, UNCHANGED, "");
}

#[test]
fn a_credentials_directory_without_the_file_is_no_error() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    show(&jira)
        .env("CREDENTIALS_DIRECTORY", scratch.path())
        .env("JIRA_TOKEN", "ROBOTTOKEN")
        .gives(0, UNCHANGED, "");
    show(&uncalled(Jira::default()))
        .env("CREDENTIALS_DIRECTORY", scratch.join("nothing"))
        .gives(78, "", NONE);
}

/// Empty means unset, as for every variable that names a directory; the working directory is somebody's checkout.
#[test]
fn an_empty_credentials_directory_is_not_the_working_directory() {
    let (jira, scratch) = (uncalled(Jira::default()), Scratch::new());
    scratch.write("jira_token", "ROBOTTOKEN");
    show(&jira)
        .env("CREDENTIALS_DIRECTORY", "")
        .dir(scratch.path())
        .gives(78, "", NONE);
}

#[test]
fn an_unreadable_credential_of_systemd_is_an_error() {
    let (jira, scratch) = (uncalled(Jira::default()), Scratch::new());
    let place = scratch
        .path()
        .to_str()
        .expect("a path of letters")
        .to_owned();
    scratch.write("file", "");
    show(&jira)
        .env("CREDENTIALS_DIRECTORY", scratch.join("file"))
        .mask(&place, "DIR")
        .gives(
            78,
            "",
            "avatarctl: jira: cannot read the systemd credential \"DIR/file/jira_token\": not a directory\n",
        );
    fs::create_dir(scratch.join("jira_token")).expect("scratch is writable");
    show(&jira)
        .env("CREDENTIALS_DIRECTORY", scratch.path())
        .mask(&place, "DIR")
        .gives(
            78,
            "",
            "avatarctl: jira: cannot read the systemd credential \"DIR/jira_token\": is a directory\n",
        );
}

pub const NONE: &str = "avatarctl: jira: no credentials for Jira\n\
                    hint: set JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD\n";

/// Which variables, and what standard error says; nothing is sent, and no value is said.
#[track_caller]
fn refused(system: &str, rows: &[(&[(&str, &str)], &str)]) {
    let scratch = Scratch::new();
    scratch.write("token", "hunter2\n");
    scratch.write("empty", "");
    let servers = Servers::uncalled();
    let place = scratch.path().to_str().expect("a path of letters");
    let (line, _) = systems::find(system).show;
    for (variables, message) in rows {
        println!("{variables:?}");
        let mut run = servers.know(Run::new(words(line)));
        for (name, value) in *variables {
            run = run.env(name, value.replace("DIR", place));
        }
        run.mask(place, "DIR").stdin("hunter2").gives(
            78,
            "",
            &format!("avatarctl: {}: {message}\n", subject(line)),
        );
    }
}

#[test]
fn a_secret_comes_from_one_place() {
    refused(
        "jira",
        &[
            (
                &[("JIRA_TOKEN", "hunter2"), ("JIRA_TOKEN_FILE", "DIR/token")],
                "JIRA_TOKEN and JIRA_TOKEN_FILE are both set\nhint: keep one of them; JIRA_TOKEN_FILE is the safer one",
            ),
            (
                &[("JIRA_TOKEN", ""), ("JIRA_TOKEN_FILE", "DIR/token")],
                "JIRA_TOKEN and JIRA_TOKEN_FILE are both set\nhint: keep one of them; JIRA_TOKEN_FILE is the safer one",
            ),
            (
                &[
                    ("JIRA_PASSWORD", "hunter2"),
                    ("JIRA_USER", "robot"),
                    ("JIRA_USER_FILE", "DIR/token"),
                ],
                "JIRA_USER and JIRA_USER_FILE are both set\nhint: keep one of them; JIRA_USER_FILE is the safer one",
            ),
        ],
    );
}

#[test]
fn a_file_that_cannot_be_read_is_refused() {
    refused(
        "jira",
        &[
            (
                &[("JIRA_TOKEN_FILE", "DIR/nothing")],
                "cannot read JIRA_TOKEN_FILE \"DIR/nothing\": no such file or directory",
            ),
            (
                &[("JIRA_TOKEN_FILE", "DIR/token/x")],
                "cannot read JIRA_TOKEN_FILE \"DIR/token/x\": not a directory",
            ),
            (
                &[("JIRA_TOKEN_FILE", "DIR")],
                "cannot read JIRA_TOKEN_FILE \"DIR\": is a directory",
            ),
            (&[("JIRA_TOKEN_FILE", "")], "JIRA_TOKEN_FILE is empty"),
            (
                &[("JIRA_TOKEN_FILE", "DIR/empty")],
                "JIRA_TOKEN_FILE is empty",
            ),
            (
                &[("JIRA_TOKEN_FILE", "/dev/zero")],
                "cannot read JIRA_TOKEN_FILE \"/dev/zero\": is a device",
            ),
            (
                &[
                    ("JIRA_USER", "robot"),
                    ("JIRA_PASSWORD_FILE", "DIR/nothing"),
                ],
                "cannot read JIRA_PASSWORD_FILE \"DIR/nothing\": no such file or directory",
            ),
        ],
    );
}

#[test]
fn a_secret_without_text_is_refused() {
    refused(
        "jira",
        &[
            (&[("JIRA_TOKEN", "")], "JIRA_TOKEN is empty"),
            (&[("JIRA_TOKEN", "\n")], "JIRA_TOKEN is empty"),
            (&[("JIRA_TOKEN", "\r\n")], "JIRA_TOKEN is empty"),
            (
                &[("JIRA_USER", ""), ("JIRA_PASSWORD", "hunter2")],
                "JIRA_USER is empty",
            ),
            (
                &[("JIRA_USER", "robot"), ("JIRA_PASSWORD", "")],
                "JIRA_PASSWORD is empty",
            ),
        ],
    );
    let jira = uncalled(Jira::default());
    show(&jira).env("JIRA_TOKEN_FILE", "-").gives(
        78,
        "",
        "avatarctl: jira: JIRA_TOKEN_FILE is empty\n",
    );
}

#[test]
fn a_control_character_is_refused_without_the_value() {
    let empty = "has an empty line\nhint: remove the empty line";
    let lines = "has more than one line\nhint: only the secret may stand there";
    let control = "contains a control character";
    for (value, why) in [
        ("hunter2\n\n", empty),
        ("hunter2\r\n\r\n", empty),
        ("\nhunter2\n", empty),
        ("hun\nter2", lines),
        ("robot\nhunter2\n", lines),
        ("robot\r\n\r\nhunter2\r\n", lines),
        ("hunter2\r", control),
        ("\thunter2", control),
        ("hun\u{7f}ter2", control),
        ("hunter2\u{85}", control),
        ("\u{1b}hunter2", control),
    ] {
        refused(
            "jira",
            &[(&[("JIRA_TOKEN", value)], &format!("JIRA_TOKEN {why}"))],
        );
        refused(
            "rocketchat",
            &[(
                &[
                    ("ROCKETCHAT_AUTH_TOKEN", "hunter2"),
                    ("ROCKETCHAT_USER_ID", value),
                ],
                &format!("ROCKETCHAT_USER_ID {why}"),
            )],
        );
        refused(
            "navixy",
            &[(&[("NAVIXY_HASH", value)], &format!("NAVIXY_HASH {why}"))],
        );
        let (jira, scratch) = (uncalled(Jira::default()), Scratch::new());
        show(&jira)
            .env("JIRA_TOKEN_FILE", scratch.write("token", value))
            .gives(78, "", &format!("avatarctl: jira: JIRA_TOKEN_FILE {why}\n"));
        scratch.write("jira_token", value);
        show(&jira)
            .env("CREDENTIALS_DIRECTORY", scratch.path())
            .gives(
                78,
                "",
                &format!("avatarctl: jira: the systemd credential jira_token {why}\n"),
            );
    }
    let jira = uncalled(Jira::default());
    show(&jira)
        .env("JIRA_TOKEN_FILE", "-")
        .stdin("hunter2\0")
        .gives(
            78,
            "",
            "avatarctl: jira: JIRA_TOKEN_FILE contains a control character\n",
        );
}

#[test]
fn a_secret_that_is_no_utf_8_is_refused() {
    let jira = uncalled(Jira::default());
    show(&jira)
        .env("JIRA_TOKEN", OsString::from_vec(b"hunter\xff".to_vec()))
        .gives(78, "", "avatarctl: jira: JIRA_TOKEN is not valid UTF-8\n");
    show(&jira)
        .env("JIRA_TOKEN_FILE", "-")
        .stdin(b"hunter\xff")
        .gives(
            78,
            "",
            "avatarctl: jira: JIRA_TOKEN_FILE is not valid UTF-8\n",
        );
}

/// A header carries ASCII. A token with another character was copied wrongly; the server would be sent bytes that
/// it reads as another text, or refuses with a page that says nothing.
#[test]
fn a_secret_that_no_header_can_carry_is_refused() {
    for (system, variables, name) in [
        ("jira", &[("JIRA_TOKEN", "hunt\u{e9}r2")][..], "JIRA_TOKEN"),
        (
            "rocketchat",
            &[
                ("ROCKETCHAT_USER_ID", "u"),
                ("ROCKETCHAT_AUTH_TOKEN", "hunt\u{2019}r2"),
            ],
            "ROCKETCHAT_AUTH_TOKEN",
        ),
        (
            "navixy",
            &[("NAVIXY_HASH", "hunt\u{1f916}r2")],
            "NAVIXY_HASH",
        ),
    ] {
        refused(
            system,
            &[(
                variables,
                &format!("{name} contains a character that no header can carry"),
            )],
        );
    }
}

/// Basic credentials are base64: any text will do.
#[test]
fn a_password_may_hold_any_text() {
    let password = "p\u{e4}ss: w\u{f6}rd \u{1f916}=%";
    let jira = Jira::start();
    jira.model().user_mut("robot").password = Some(password.into());
    show(&jira)
        .env("JIRA_USER", "robot")
        .env("JIRA_PASSWORD", password)
        .gives(0, UNCHANGED, "");
}

/// The first colon ends the user name for the server (RFC 7617): another account would be tried, and locked.
#[test]
fn a_user_name_with_a_colon_is_refused() {
    refused(
        "jira",
        &[(
            &[("JIRA_USER", "ro:bot"), ("JIRA_PASSWORD", "hunter2")],
            "JIRA_USER contains a colon, which a user name in Basic credentials cannot",
        )],
    );
}

#[test]
fn both_kinds_at_once_are_refused() {
    let both = "JIRA_TOKEN and JIRA_PASSWORD are both set\nhint: keep the one that is meant";
    refused(
        "jira",
        &[
            (
                &[("JIRA_TOKEN", "hunter2"), ("JIRA_PASSWORD", "hunter2")],
                both,
            ),
            (
                &[
                    ("JIRA_TOKEN", "hunter2"),
                    ("JIRA_USER", "robot"),
                    ("JIRA_PASSWORD", "hunter2"),
                ],
                both,
            ),
            (
                &[
                    ("JIRA_TOKEN_FILE", "DIR/token"),
                    ("JIRA_PASSWORD", "hunter2"),
                ],
                both,
            ),
        ],
    );
}

#[test]
fn a_user_name_beside_a_token_is_fine() {
    let jira = Jira::start();
    show(&jira)
        .env("JIRA_USER", "robot")
        .env("JIRA_TOKEN", "ROBOTTOKEN")
        .gives(0, UNCHANGED, "");
    assert_eq!(authorization(&jira).as_deref(), Some("Bearer ROBOTTOKEN"));
}

#[test]
fn half_a_pair_is_refused() {
    refused(
        "jira",
        &[(
            &[("JIRA_PASSWORD", "hunter2")],
            "JIRA_PASSWORD is set and JIRA_USER is not\nhint: set JIRA_USER",
        )],
    );
    refused(
        "rocketchat",
        &[(
            &[("ROCKETCHAT_AUTH_TOKEN", "hunter2")],
            "ROCKETCHAT_AUTH_TOKEN is set and ROCKETCHAT_USER_ID is not\nhint: set ROCKETCHAT_USER_ID",
        )],
    );
}

#[test]
fn no_credentials_are_answered_with_the_ways_to_give_them() {
    refused(
        "jira",
        &[
            (
                &[],
                "no credentials for Jira\nhint: set JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD",
            ),
            (
                &[("JIRA_USER", "robot")],
                "JIRA_USER is set and JIRA_PASSWORD is not\nhint: set JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD",
            ),
            (
                &[
                    ("NAVIXY_HASH", "hunter2"),
                    ("jira_token", "hunter2"),
                    ("TOKEN", "hunter2"),
                ],
                "no credentials for Jira\nhint: set JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD",
            ),
        ],
    );
    refused(
        "rocketchat",
        &[(
            &[],
            "no credentials for Rocket.Chat\nhint: set ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN, or ROCKETCHAT_USER and ROCKETCHAT_PASSWORD",
        )],
    );
    refused(
        "navixy",
        &[(
            &[],
            "no credentials for Navixy\nhint: set NAVIXY_HASH, or NAVIXY_LOGIN and NAVIXY_PASSWORD",
        )],
    );
}

#[test]
fn two_secrets_cannot_both_be_standard_input() {
    refused(
        "rocketchat",
        &[(
            &[
                ("ROCKETCHAT_USER_ID_FILE", "-"),
                ("ROCKETCHAT_AUTH_TOKEN_FILE", "-"),
            ],
            "standard input cannot be both ROCKETCHAT_AUTH_TOKEN_FILE and ROCKETCHAT_USER_ID_FILE",
        )],
    );
}

#[test]
fn a_picture_and_a_secret_cannot_both_be_standard_input() {
    let jira = uncalled(Jira::default());
    Run::new(["jira", "set", "--image", "-"])
        .env("JIRA_URL", jira.url())
        .env("JIRA_USER", "robot")
        .env("JIRA_PASSWORD_FILE", "-")
        .stdin(pictures::png(48, 48, 1))
        .gives(
            78,
            "",
            "avatarctl: jira: standard input cannot be both the picture and JIRA_PASSWORD_FILE\n",
        );
}

// ------------------------------------------------------------------------------------------------------ logins

/// A name and a password, or an id and a token, as the models know them: the system, and both variables with their values.
pub fn pairs() -> impl Iterator<Item = (&'static str, [(&'static str, &'static str); 2])> {
    systems::logins().filter_map(|(system, login)| Some((system.name, login.try_into().ok()?)))
}

#[test]
fn a_password_comes_from_standard_input() {
    let models = Servers::start();
    for (system, [(name, login), (variable, secret)]) in pairs() {
        for ending in ["", "\n", "\r\n"] {
            models
                .whoami(system)
                .env(name, login)
                .env(&format!("{variable}_FILE"), "-")
                .stdin(format!("{secret}{ending}"))
                .answers();
        }
        assert_ne!(models.take_requests(), 0, "{variable}");
    }
    models
        .of::<RocketChat>()
        .model()
        .user("robot-admin")
        .two_factor = Some("123456".into());
    models
        .whoami("rocketchat")
        .env("ROCKETCHAT_USER", "robot-admin")
        .env("ROCKETCHAT_PASSWORD", "secret")
        .env("ROCKETCHAT_2FA_CODE_FILE", "-")
        .stdin("123456\n")
        .answers();
}

#[test]
fn a_login_does_not_read_standard_input_twice() {
    let both = |first: &str, second: &str| {
        format!("standard input cannot be both {first}_FILE and {second}_FILE")
    };
    for (system, [(name, _), (variable, _)]) in pairs() {
        refused(
            system,
            &[(
                &[
                    (&format!("{name}_FILE"), "-"),
                    (&format!("{variable}_FILE"), "-"),
                ],
                &both(variable, name),
            )],
        );
    }
    refused(
        "rocketchat",
        &[(
            &[
                ("ROCKETCHAT_USER", "robot-admin"),
                ("ROCKETCHAT_PASSWORD_FILE", "-"),
                ("ROCKETCHAT_2FA_CODE_FILE", "-"),
            ],
            &both("ROCKETCHAT_PASSWORD", "ROCKETCHAT_2FA_CODE"),
        )],
    );
}

#[test]
fn a_password_beside_a_token_or_a_hash_is_refused() {
    let both = |one: &str, other: &str| {
        format!("{one} and {other} are both set\nhint: keep the one that is meant")
    };
    let chat = both("ROCKETCHAT_AUTH_TOKEN", "ROCKETCHAT_PASSWORD");
    refused(
        "rocketchat",
        &[
            (
                &[
                    ("ROCKETCHAT_USER_ID", "u"),
                    ("ROCKETCHAT_AUTH_TOKEN", "hunter2"),
                    ("ROCKETCHAT_USER", "robot-admin"),
                    ("ROCKETCHAT_PASSWORD", "hunter2"),
                ],
                &chat,
            ),
            (
                &[
                    ("ROCKETCHAT_AUTH_TOKEN_FILE", "DIR/token"),
                    ("ROCKETCHAT_PASSWORD", "hunter2"),
                ],
                &chat,
            ),
            (
                &[("ROCKETCHAT_PASSWORD", "hunter2")],
                "ROCKETCHAT_PASSWORD is set and ROCKETCHAT_USER is not\nhint: set ROCKETCHAT_USER",
            ),
        ],
    );
    let navixy = both("NAVIXY_HASH", "NAVIXY_PASSWORD");
    refused(
        "navixy",
        &[
            (
                &[
                    ("NAVIXY_HASH", "hunter2"),
                    ("NAVIXY_LOGIN", "bot@example.com"),
                    ("NAVIXY_PASSWORD", "hunter2"),
                ],
                &navixy,
            ),
            (
                &[
                    ("NAVIXY_HASH_FILE", "-"),
                    ("NAVIXY_PASSWORD_FILE", "DIR/token"),
                ],
                &navixy,
            ),
            (
                &[("NAVIXY_PASSWORD", "hunter2")],
                "NAVIXY_PASSWORD is set and NAVIXY_LOGIN is not\nhint: set NAVIXY_LOGIN",
            ),
        ],
    );
}

/// Only the password says that a login is meant.
#[test]
fn a_login_name_beside_a_token_or_a_hash_is_fine() {
    let models = Servers::start();
    models
        .whoami("rocketchat")
        .env("ROCKETCHAT_USER", "robot-admin")
        .env("ROCKETCHAT_2FA_CODE", "123456")
        .with(models.of::<RocketChat>())
        .answers();
    assert_eq!(
        models.of::<RocketChat>().calls(),
        ["GET /chat/api/v1/me", "GET /chat/api/info"]
    );
    models
        .whoami("navixy")
        .env("NAVIXY_LOGIN", "bot@example.com")
        .env("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b")
        .answers();
    assert_eq!(models.of::<Navixy>().calls(), ["POST /v2/user/get_info"]);
}

/// Where a value may stand, the first of them first.
const PLACES: [&str; 4] = ["a file", "the variable", "systemd", "a netrc"];

#[test]
fn each_value_is_taken_from_the_first_place_that_has_it() {
    let models = Servers::start();
    {
        let mut chat = models.of::<RocketChat>().model();
        chat.user("robot-admin").two_factor = Some("123456".into());
        chat.limit = None;
    }
    // What is looked for, what goes with it, and the entry of a netrc where one may give it.
    let mut rows = Vec::new();
    for (system, [(name, login), (variable, secret)]) in pairs() {
        let entry = (name != "ROCKETCHAT_USER")
            .then(|| format!("machine 127.0.0.1 login {login} password {secret}\n"));
        let code = ("ROCKETCHAT_2FA_CODE", "123456");
        rows.push((
            system,
            name,
            login,
            [(variable, secret), code],
            entry.clone(),
        ));
        rows.push((system, variable, secret, [(name, login), code], entry));
    }
    let [user, password] = [
        ("ROCKETCHAT_USER", "robot-admin"),
        ("ROCKETCHAT_PASSWORD", "secret"),
    ];
    rows.push((
        "rocketchat",
        "ROCKETCHAT_2FA_CODE",
        "123456",
        [user, password],
        None,
    ));
    let nothing = ("UNRELATED", "x");
    for (system, login) in systems::logins() {
        if let [(variable, secret)] = login {
            rows.push((system.name, variable, secret, [nothing; 2], None));
        }
    }

    for (system, variable, value, others, entry) in rows {
        for (right, place) in PLACES.iter().enumerate() {
            println!("{variable} from {place}");
            let scratch = Scratch::new();
            let value = |at: usize| if at == right { value } else { "wrong" };
            let mut run = models.whoami(system);
            for (name, other) in others {
                run = run.env(name, other);
            }
            match right {
                // Beside a file the variable itself would be one too many.
                0 => {
                    let file = scratch.write("value", value(0));
                    run = run.env(&format!("{variable}_FILE"), file);
                }
                1 => run = run.env(variable, value(1)),
                _ => {}
            }
            if right <= 2 {
                scratch.write(&variable.to_lowercase(), value(2));
            }
            let netrc = match (right, &entry) {
                (3, Some(entry)) => entry,
                (3, None) => continue,
                _ => "machine 127.0.0.1 login wrong password wrong\n",
            };
            run.env("CREDENTIALS_DIRECTORY", scratch.path())
                .env("NETRC", netrc_file(&scratch, netrc, 0o600))
                .answers();
            assert_ne!(models.take_requests(), 0);
        }
    }
}

// ------------------------------------------------------------------------------------------------------- netrc

/// A name is no secret; what systemd guards by a directory of its own, and what has no name, nobody else can read.
#[test]
fn a_secret_that_everybody_may_read_is_warned_about() {
    let scratch = Scratch::new();
    let place = scratch.path().to_str().expect("a path of letters");
    let name = scratch.write("name", "robot\n");
    for mode in [0o600, 0o440, 0o640, 0o644, 0o604] {
        let path = scratch.write("secret", "secret\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the file is ours");
        let warning = match mode & 0o004 {
            0 => "",
            _ => {
                "avatarctl: jira: warning: JIRA_PASSWORD_FILE \"DIR/secret\" can be read by everybody on this machine; chmod 600 it\n"
            }
        };
        let jira = Jira::start();
        let run = || {
            show(&jira)
                .env("JIRA_USER_FILE", &name)
                .env("JIRA_PASSWORD_FILE", &path)
                .mask(place, "DIR")
        };
        run().gives(0, UNCHANGED, warning);
        run()
            .env("CREDENTIALS_DIRECTORY", scratch.path())
            .gives(0, UNCHANGED, "");
    }
}

/// With what was given for one server no other is spoken to, whatever it answers to a call.
#[test]
fn credentials_stay_with_their_own_server() {
    for status in [301, 302, 307, 308] {
        let mut elsewhere = Jira::start();
        elsewhere.expect_no_calls();
        for (line, call, rest) in [
            ("jira show", "GET /serverInfo", "serverInfo"),
            (
                "jira set --user robot --avatar-id 24880",
                "PUT /user/avatar",
                "user/avatar?username=robot",
            ),
        ] {
            let jira = Jira::start();
            let location = format!("{}/rest/api/2/{rest}", elsewhere.url());
            jira.fault(Fault::on(call).instead(Reply::empty(status).header("Location", location)));
            let told = Run::new(words(line)).with(&jira).output();
            assert_eq!(
                (told.status, told.stdout.as_str()),
                (76, NOTHING),
                "{told:?}"
            );
        }
        assert_eq!(elsewhere.connections(), 0);
    }
}

/// `jira` of `jira show`, `navixy 2132` of a line that names an employee.
fn subject(line: &str) -> String {
    line.replace(" show", "").replace(" --employee-id=", " ")
}

#[test]
fn every_variable_comes_from_every_place_with_or_without_its_line_end() {
    let servers = Servers::start();
    for (system, login) in systems::logins() {
        let (line, shown) = system.show;
        for end in ["", "\n", "\r\n"] {
            let scratch = Scratch::new();
            let [mut plain, mut file, mut systemd] =
                [0; 3].map(|_| servers.know(Run::new(words(line))));
            for (name, value) in login {
                let value = format!("{value}{end}");
                plain = plain.env(name, &value);
                let path = scratch.secret(&format!("files/{name}"), &value);
                file = file.env(&format!("{name}_FILE"), path);
                scratch.write(&format!("systemd/{}", name.to_lowercase()), &value);
            }
            systemd = systemd.env("CREDENTIALS_DIRECTORY", scratch.join("systemd"));
            for run in [plain, file, systemd] {
                run.gives(0, shown, NOTHING);
            }
        }
    }
}

/// Nothing is sent, and no value is said.
#[test]
fn every_variable_is_refused_where_it_is_set_twice_unreadable_or_no_text() {
    let servers = Servers::start();
    for (system, login) in systems::logins() {
        let (line, _) = system.show;
        for (wrong, _) in login {
            let scratch = Scratch::new();
            let file = scratch.write("file", "hunter2\n");
            let place = scratch
                .path()
                .to_str()
                .expect("a path of letters")
                .to_owned();
            // The other half of a pair is all right.
            let others = || {
                login
                    .iter()
                    .filter(|(name, _)| name != wrong)
                    .fold(servers.know(Run::new(words(line))), |run, (name, value)| {
                        run.env(name, *value)
                    })
                    .mask(&place, "DIR")
            };
            let told = |why: String| format!("avatarctl: {}: {why}\n", subject(line));
            let name_file = format!("{wrong}_FILE");
            others()
                .env(wrong, "hunter2")
                .env(&name_file, &file)
                .gives(
                    78,
                    NOTHING,
                    &told(format!(
                        "{wrong} and {name_file} are both set\nhint: keep one of them; {name_file} is the safer one"
                    )),
                );
            others().env(&name_file, scratch.join("none")).gives(
                78,
                NOTHING,
                &told(format!(
                    "cannot read {name_file} \"DIR/none\": no such file or directory"
                )),
            );
            others().env(wrong, "hunter2\nx").gives(
                78,
                NOTHING,
                &told(format!(
                    "{wrong} has more than one line\nhint: only the secret may stand there"
                )),
            );
            others()
                .env(wrong, "")
                .gives(78, NOTHING, &told(format!("{wrong} is empty")));
        }
    }
    assert_eq!(servers.take_requests(), 0);
}

#[test]
fn both_kinds_of_credentials_at_once_are_refused_by_every_system() {
    let servers = Servers::start();
    for system in systems::ALL {
        let (line, _) = system.show;
        let [one, other] = system.logins;
        let all = one.iter().chain(other);
        let (token, password) = (one[one.len() - 1].0, other[other.len() - 1].0);
        all.fold(servers.know(Run::new(words(line))), |run, (name, value)| run.env(name, *value))
            .gives(
                78,
                NOTHING,
                &format!(
                    "avatarctl: {}: {token} and {password} are both set\nhint: keep the one that is meant\n",
                    subject(line)
                ),
            );
    }
    assert_eq!(servers.take_requests(), 0);
}
