//! Addresses, secrets and pictures as they are handed to the program: where they may come from, which of two
//! counts, and what is refused before anything is sent.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::support::{
    Jira, Model, Navixy, RocketChat, Run, Running, Scratch, World, encoding, pictures,
};

const UNCHANGED: &str = "jira robot: avatar 10122 (system)\n";

/// A model that nobody may call.
fn quiet<M: Model>(mut model: Running<M>) -> Running<M> {
    model.expect_no_calls();
    model
}

/// `jira show` with an address and no credentials.
fn show<M: Model>(model: &Running<M>) -> Run {
    Run::new(["jira", "show"])
        .env("JIRA_URL", model.url())
        .mask(&model.url(), "URL")
}

/// The headers by which the last request said who asks.
fn authorization<M: Model>(model: &Running<M>) -> Option<String> {
    let requests = model.requests();
    let last = requests.last().expect("a request");
    last.header("authorization").map(str::to_owned)
}

// ------------------------------------------------------------------------------------------------- addresses

#[test]
fn the_option_beats_the_variable() {
    let (jira, other) = (Jira::start(), quiet(Jira::start()));
    Run::new(["jira", "show", "--url", &jira.url()])
        .with(&jira)
        .env("JIRA_URL", other.url())
        .gives(0, UNCHANGED, "");
    // A variable that could not be used is not looked at either.
    Run::new(["jira", "show", "--url", &jira.url()])
        .with(&jira)
        .env("JIRA_URL", "ftp://nowhere")
        .gives(0, UNCHANGED, "");
}

#[test]
fn each_system_has_a_variable_of_its_own() {
    for (system, title, variable) in [
        ("jira", "Jira", "JIRA_URL"),
        ("rocketchat", "Rocket.Chat", "ROCKETCHAT_URL"),
        ("navixy", "Navixy", "NAVIXY_URL"),
    ] {
        let mut run = Run::new([system, "list"]);
        for other in [
            "JIRA_URL",
            "ROCKETCHAT_URL",
            "NAVIXY_URL",
            "URL",
            "AVATARCTL_URL",
        ] {
            if other != variable {
                run = run.env(other, "http://127.0.0.1:1");
            }
        }
        run.gives(
            78,
            "",
            &format!(
                "avatarctl: {system}: no base URL for {title}\nhint: give --url or set {variable}\n"
            ),
        );
    }
}

#[test]
fn a_context_path_is_kept_and_a_slash_behind_it_is_not() {
    for context in ["/jira", "", "/a/b", "/tools/jira%20old"] {
        for slashes in ["", "/", "//"] {
            let mut jira = Jira::default();
            jira.context = context.into();
            let jira = jira.start();
            Run::new(["jira", "show", "--json"])
                .with(&jira)
                .env("JIRA_URL", jira.url() + slashes)
                .gives(
                    0,
                    "{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"server\":\"URL\",\"account\":\"robot\",\"action\":\"show\",\
                     \"outcome\":\"shown\",\"current\":\"10122\",\"kind\":\"system\",\
                     \"url\":\"https://jira.example.com/jira/secure/useravatar?avatarId=10122\"}\n\
                     {\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":1,\"failed\":0,\"pending\":0,\"skipped\":0,\"exit\":0}\n",
                    "",
                );
            assert_eq!(
                jira.calls(),
                [
                    format!("GET {context}/rest/api/2/serverInfo"),
                    format!("GET {context}/rest/api/2/myself"),
                    format!("GET {context}/rest/api/2/user/avatars?username=robot"),
                ]
            );
        }
    }
}

#[test]
fn the_scheme_and_the_host_may_be_in_capitals() {
    let jira = Jira::start();
    let url = jira.url().replacen("http", "HTTP", 1);
    Run::new(["jira", "show", "--url", &url])
        .with(&jira)
        .gives(0, UNCHANGED, "");
}

#[test]
fn an_address_that_cannot_be_used_is_refused() {
    let https = "hint: write it as https://host/path\n";
    let secret = "hint: credentials come from variables, never from the URL\n";
    for (url, why, hint) in [
        ("", "the base URL is empty", ""),
        (
            "jira.example.com",
            "the base URL does not begin with https:// or http://",
            https,
        ),
        (
            "localhost:8080",
            "the base URL does not begin with https:// or http://",
            https,
        ),
        (
            "//jira.example.com",
            "the base URL does not begin with https:// or http://",
            https,
        ),
        (
            "https:/jira.example.com",
            "the base URL does not begin with https:// or http://",
            https,
        ),
        ("ftp://host", "the base URL is neither https nor http", ""),
        (
            "file:///etc/passwd",
            "the base URL is neither https nor http",
            "",
        ),
        (
            "httpss://host",
            "the base URL is neither https nor http",
            "",
        ),
        (
            " https://host",
            "the base URL is neither https nor http",
            "",
        ),
        ("https://robot@host", "the base URL holds user info", secret),
        (
            "https://robot:hunter2@host",
            "the base URL holds user info",
            secret,
        ),
        (
            "https://:hunter2@host/jira",
            "the base URL holds user info",
            secret,
        ),
        (
            "https://robot:hun:ter2@host",
            "the base URL holds user info",
            secret,
        ),
        (
            "https://robot:h@nter2@host",
            "the base URL holds user info",
            secret,
        ),
        (
            "https://robot:hunter 2@host",
            "the base URL holds user info",
            secret,
        ),
        ("https://@host", "the base URL holds user info", secret),
        (
            "https://host?os_password=hunter2",
            "the base URL holds a query or a fragment",
            "",
        ),
        (
            "https://host/jira?",
            "the base URL holds a query or a fragment",
            "",
        ),
        (
            "https://host/jira#hunter2",
            "the base URL holds a query or a fragment",
            "",
        ),
        ("https://", "\"\" is not a host name", ""),
        ("https:///jira", "\"\" is not a host name", ""),
        ("https://:8080", "\"\" is not a host name", ""),
        ("https://host name", "\"host name\" is not a host name", ""),
        (
            "https://*.example.com",
            "\"*.example.com\" is not a host name",
            "",
        ),
        ("https://[::g]", "\"[::g]\" is not a host name", ""),
        ("https://[::1", "\"[::1\" is not a host and port", ""),
        ("https://[::1]x", "\"[::1]x\" is not a host and port", ""),
        (
            "https://b\u{fc}cher.example",
            "\"b\u{fc}cher.example\" is not a host name",
            "hint: write an international name in its xn-- form\n",
        ),
        ("https://host:", "\"\" is not a port", ""),
        ("https://host:0", "\"0\" is not a port", ""),
        ("https://host:65536", "\"65536\" is not a port", ""),
        ("https://host:http", "\"http\" is not a port", ""),
        ("https://host:-1", "\"-1\" is not a port", ""),
        (
            "https://host/a b",
            "the path \"/a b\" needs percent-encoding",
            "",
        ),
        (
            "https://host/b\u{fc}cher",
            "the path \"/b\u{fc}cher\" needs percent-encoding",
            "",
        ),
        (
            "https://host/\u{1b}[31m",
            "the path \"/\\u{1b}[31m\" needs percent-encoding",
            "",
        ),
        (
            "https://host/<jira>",
            "the path \"/<jira>\" needs percent-encoding",
            "",
        ),
    ] {
        let url_option = format!("--url={url}");
        println!("{url_option}");
        Run::new(["jira", "set", "--avatar-id=5", &url_option])
            .env("JIRA_TOKEN", "ROBOTTOKEN")
            .gives(78, "", &format!("avatarctl: jira: --url: {why}\n{hint}"));
        Run::new(["jira", "show", "--user=robot"])
            .env("JIRA_TOKEN", "ROBOTTOKEN")
            .env("JIRA_URL", url)
            .gives(
                78,
                "",
                &format!("avatarctl: jira robot: JIRA_URL: {why}\n{hint}"),
            );
    }
    Run::new(["navixy", "list"])
        .env("NAVIXY_URL", OsString::from_vec(b"http://h/\xff".to_vec()))
        .gives(78, "", "avatarctl: navixy: NAVIXY_URL is not valid UTF-8\n");
}

/// A `/` in a password ends the host for every parser of addresses; what stands before it is still a secret.
#[test]
fn a_password_in_an_address_is_not_repeated_whatever_it_holds() {
    for url in [
        "https://robot:hunter2/x@host",
        "https://robot:hunter2/@host/jira",
        "https://robot:hunter2?x@host",
        "https://robot:hunter2#x@host",
        "https://robot:hunter2\\x@host",
        "https://robot:x\\hunter2@host",
        "https://robot:x/hunter2 @host",
    ] {
        for json in ["--quiet", "--json"] {
            let output = Run::new(["jira", "show", json, "--url", url])
                .env("JIRA_TOKEN", "ROBOTTOKEN")
                .output();
            assert_eq!(output.status, 78, "{url}: {output:?}");
            assert!(
                !format!("{output:?}").contains("hunter2"),
                "{url}: {output:?}"
            );
            assert!(
                output.stderr.starts_with("avatarctl: jira: --url: "),
                "{url}: {output:?}"
            );
        }
    }
}

/// What is wrong about the address is the line end, so the line end must be seen.
#[test]
fn an_address_with_a_line_end_is_shown_with_its_line_end() {
    Run::new(["jira", "show"])
        .env("JIRA_URL", "https://host\n")
        .gives(
            78,
            "",
            "avatarctl: jira: JIRA_URL: \"host\\u{a}\" is not a host name\n",
        );
}

#[test]
fn a_broken_escape_in_a_path_is_refused() {
    let jira = quiet(Jira::start());
    for path in ["/%", "/%zz", "/a%2"] {
        Run::new(["jira", "show", "--url", &(jira.url() + path)])
            .env("JIRA_TOKEN", "ROBOTTOKEN")
            .gives(
                78,
                "",
                &format!(
                    "avatarctl: jira: --url: the path \"/jira{path}\" needs percent-encoding\n"
                ),
            );
    }
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
    show(&quiet(Jira::start()))
        .env("CREDENTIALS_DIRECTORY", scratch.join("nothing"))
        .gives(78, "", NONE);
}

/// Empty means unset, as for every variable that names a directory; the working directory is somebody's checkout.
#[test]
fn an_empty_credentials_directory_is_not_the_working_directory() {
    let (jira, scratch) = (quiet(Jira::start()), Scratch::new());
    scratch.write("jira_token", "ROBOTTOKEN");
    show(&jira)
        .env("CREDENTIALS_DIRECTORY", "")
        .dir(scratch.path())
        .gives(78, "", NONE);
}

#[test]
fn an_unreadable_credential_of_systemd_is_an_error() {
    let (jira, scratch) = (quiet(Jira::start()), Scratch::new());
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

const NONE: &str = "avatarctl: jira: no credentials for Jira\n\
                    hint: set JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD\n";

/// Which variables, and what standard error says; nothing is sent, and no value is said.
#[track_caller]
fn refused(system: &str, rows: &[(&[(&str, &str)], &str)]) {
    let scratch = Scratch::new();
    scratch.write("token", "hunter2\n");
    scratch.write("empty", "");
    let jira = quiet(Jira::start());
    let (chat, navixy) = (quiet(RocketChat::start()), quiet(Navixy::start()));
    let place = scratch.path().to_str().expect("a path of letters");
    let arguments: &[&str] = match system {
        "navixy" => &["navixy", "show", "--employee-id=2132"],
        _ => &[system, "show"],
    };
    for (variables, message) in rows {
        println!("{variables:?}");
        let mut run = Run::new(arguments)
            .env("JIRA_URL", jira.url())
            .env("ROCKETCHAT_URL", chat.url())
            .env("NAVIXY_URL", navixy.url());
        for (name, value) in *variables {
            run = run.env(name, value.replace("DIR", place));
        }
        let who = if system == "navixy" {
            "navixy 2132"
        } else {
            system
        };
        run.mask(place, "DIR").stdin("hunter2").gives(
            78,
            "",
            &format!("avatarctl: {who}: {message}\n"),
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
    let jira = quiet(Jira::start());
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
        let (jira, scratch) = (quiet(Jira::start()), Scratch::new());
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
    let jira = quiet(Jira::start());
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
    let jira = quiet(Jira::start());
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
    let jira = quiet(Jira::start());
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

/// A name and a password, or an id and a token, as the models know them.
const PAIRS: [(&str, &str, &str, &str, &str); 4] = [
    ("jira", "JIRA_USER", "robot", "JIRA_PASSWORD", "secret"),
    (
        "rocketchat",
        "ROCKETCHAT_USER_ID",
        "aobEdbYhXfu5hkeqG",
        "ROCKETCHAT_AUTH_TOKEN",
        "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq",
    ),
    (
        "rocketchat",
        "ROCKETCHAT_USER",
        "robot-admin",
        "ROCKETCHAT_PASSWORD",
        "secret",
    ),
    (
        "navixy",
        "NAVIXY_LOGIN",
        "bot@example.com",
        "NAVIXY_PASSWORD",
        "secret",
    ),
];

/// The three models, and a run of `whoami` at each of them that says nothing unless it fails.
struct Three {
    jira: Running<Jira>,
    chat: Running<RocketChat>,
    navixy: Running<Navixy>,
}

impl Three {
    fn start() -> Three {
        let (jira, mut chat, navixy) = (Jira::start(), RocketChat::default(), Navixy::start());
        chat.limit = None;
        let chat = chat.start();
        let mut three = Three { jira, chat, navixy };
        three.jira.expect_anything();
        three.chat.expect_anything();
        three.navixy.expect_anything();
        three
    }

    fn whoami(&self, system: &str) -> Run {
        let (name, url) = match system {
            "jira" => ("JIRA_URL", self.jira.url()),
            "rocketchat" => ("ROCKETCHAT_URL", self.chat.url()),
            _ => ("NAVIXY_URL", self.navixy.url()),
        };
        Run::new([system, "whoami", "--retries=0"]).env(name, url)
    }

    /// How many requests came since the last time somebody asked, and whether anybody complained.
    fn requests(&self) -> usize {
        let count = [
            self.jira.requests().len(),
            self.chat.requests().len(),
            self.navixy.requests().len(),
        ];
        self.jira.forget();
        self.chat.forget();
        self.navixy.forget();
        let complaints = [
            self.jira.violations(),
            self.chat.violations(),
            self.navixy.violations(),
        ];
        assert_eq!(complaints.concat(), [""; 0]);
        count.iter().sum()
    }
}

#[test]
fn a_password_comes_from_standard_input() {
    let three = Three::start();
    for (system, name, login, variable, secret) in PAIRS {
        for ending in ["", "\n", "\r\n"] {
            three
                .whoami(system)
                .env(name, login)
                .env(&format!("{variable}_FILE"), "-")
                .stdin(format!("{secret}{ending}"))
                .answers();
        }
        assert_ne!(three.requests(), 0, "{variable}");
    }
    three.chat.model().user("robot-admin").two_factor = Some("123456".into());
    three
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
    for (system, name, _, variable, _) in PAIRS {
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
    let three = Three::start();
    three
        .whoami("rocketchat")
        .env("ROCKETCHAT_USER", "robot-admin")
        .env("ROCKETCHAT_2FA_CODE", "123456")
        .env("ROCKETCHAT_USER_ID", PAIRS[1].2)
        .env("ROCKETCHAT_AUTH_TOKEN", PAIRS[1].4)
        .answers();
    assert_eq!(
        three.chat.calls(),
        ["GET /chat/api/v1/me", "GET /chat/api/info"]
    );
    three
        .whoami("navixy")
        .env("NAVIXY_LOGIN", "bot@example.com")
        .env("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b")
        .answers();
    assert_eq!(three.navixy.calls(), ["POST /v2/user/get_info"]);
}

/// Where a value may stand, the first of them first.
const PLACES: [&str; 4] = ["a file", "the variable", "systemd", "a netrc"];

#[test]
fn each_value_is_taken_from_the_first_place_that_has_it() {
    let three = Three::start();
    three.chat.model().user("robot-admin").two_factor = Some("123456".into());
    // What is looked for, what goes with it, and the entry of a netrc where one may give it.
    let mut rows = Vec::new();
    for (system, name, login, variable, secret) in PAIRS {
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
    let token = "ROBOTTOKEN";
    let hash = "22eac1c27af4be7b9d04da2ce1af111b";
    let nothing = ("UNRELATED", "x");
    rows.push(("jira", "JIRA_TOKEN", token, [nothing; 2], None));
    rows.push(("navixy", "NAVIXY_HASH", hash, [nothing; 2], None));

    for (system, variable, value, others, entry) in rows {
        for (right, place) in PLACES.iter().enumerate() {
            println!("{variable} from {place}");
            let scratch = Scratch::new();
            let value = |at: usize| if at == right { value } else { "wrong" };
            let mut run = three.whoami(system);
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
            assert_ne!(three.requests(), 0);
        }
    }
}

// ------------------------------------------------------------------------------------------------------- netrc

/// A netrc file of these permissions.
fn netrc_file(scratch: &Scratch, text: &str, mode: u32) -> PathBuf {
    let path = scratch.write("netrc", text);
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the file is ours");
    path
}

#[test]
fn a_netrc_holds_what_each_system_takes() {
    let (three, scratch) = (Three::start(), Scratch::new());
    for (system, _, login, variable, secret) in PAIRS {
        if variable == "ROCKETCHAT_PASSWORD" {
            continue;
        }
        let text = format!("machine 127.0.0.1 login {login} password {secret}\n");
        let path = netrc_file(&scratch, &text, 0o600);
        three.whoami(system).arg("--netrc").arg(&path).answers();
        three.whoami(system).env("NETRC", &path).answers();
    }
    let pair = format!("Basic {}", encoding::base64(b"robot:secret"));
    assert_eq!(authorization(&three.jira), Some(pair));
    // An id and a token: nobody logs in with them, and nobody may log out.
    let [me, info] = ["GET /chat/api/v1/me", "GET /chat/api/info"];
    assert_eq!(three.chat.calls(), [me, info, me, info]);
    assert_eq!(three.chat.violations(), [""; 0]);
    // A login and a password: a session of the run's own.
    let session = ["auth", "get_info", "logout"].map(|call| format!("POST /v2/user/{call}"));
    assert_eq!(three.navixy.calls(), [session.clone(), session].concat());
}

#[test]
fn the_option_comes_before_the_variable() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let path = netrc_file(&scratch, "default login robot password secret\n", 0o600);
    let missing = scratch.join("nothing");
    show(&jira)
        .arg("--netrc")
        .arg(&path)
        .env("NETRC", &missing)
        .gives(0, UNCHANGED, "");
    // Relative to where the program runs.
    show(&jira)
        .env("NETRC", "netrc")
        .dir(scratch.path())
        .gives(0, UNCHANGED, "");
    // Empty means unset.
    show(&quiet(Jira::start()))
        .env("NETRC", "")
        .gives(78, "", NONE);
}

/// What comes to a proxy when it is asked for this address: a way to see requests to hosts that are not there.
fn asked_of_a_proxy(url: &str, netrc: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
    let address = listener.local_addr().expect("a listener has an address");
    let serving = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("somebody calls");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).expect("a whole head");
            head.extend(byte);
        }
        let answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        socket.write_all(answer).expect("the program reads");
        String::from_utf8(head).expect("a head is ASCII")
    });
    let output = Run::new(["jira", "show", "--url", url, "--retries=0"])
        .arg(format!("--proxy=http://{address}"))
        .arg("--netrc")
        .arg(netrc)
        .output();
    assert_eq!(output.status, 77, "{output:?}");
    serving.join().expect("the proxy was asked")
}

#[test]
fn an_entry_is_found_by_the_host_alone() {
    let scratch = Scratch::new();
    let pair = encoding::base64(b"a:b");
    for (host, url) in [
        ("jira.example", "http://jira.example"),
        ("jira.example", "http://jira.example:8080/jira"),
        ("JIRA.example", "http://jira.EXAMPLE:8080"),
        ("::1", "http://[::1]:8080/jira"),
        ("::1", "http://[::1]"),
        ("127.0.0.2", "http://127.0.0.2:8080"),
    ] {
        let others = "machine example login x password y\nmachine jira login x password y\n";
        let text = format!("{others}machine {host} login a password b\n");
        let head = asked_of_a_proxy(url, &netrc_file(&scratch, &text, 0o600));
        assert!(
            head.contains(&format!("\r\nauthorization: Basic {pair}\r\n")),
            "{url}: {head}"
        );
    }
}

/// What a hint says where a file is named that gives nothing for the host.
fn no_entry(system: &str, ways: &str, host: &str) -> String {
    format!("avatarctl: {system}\nhint: set {ways}, or give {host} a login in the netrc file\n")
}

#[test]
fn a_host_without_an_entry_has_no_credentials() {
    let scratch = Scratch::new();
    for text in [
        "",
        "machine localhost login robot password secret\n",
        "machine 127.0.0.1:80 login robot password secret\n",
        "machine 127.0.0 login robot password secret\nmachine 127.0.0.11 login robot password secret\n",
    ] {
        let path = netrc_file(&scratch, text, 0o600);
        for (system, who, ways) in [
            (
                "jira",
                "jira: no credentials for Jira",
                "JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD",
            ),
            (
                "rocketchat",
                "rocketchat: no credentials for Rocket.Chat",
                "ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN, or ROCKETCHAT_USER and ROCKETCHAT_PASSWORD",
            ),
            (
                "navixy",
                "navixy: no credentials for Navixy",
                "NAVIXY_HASH, or NAVIXY_LOGIN and NAVIXY_PASSWORD",
            ),
        ] {
            let three = Three::start();
            three.whoami(system).env("NETRC", &path).gives(
                78,
                "",
                &no_entry(who, ways, "127.0.0.1"),
            );
            assert_eq!(three.requests(), 0);
        }
    }
    let path = netrc_file(&scratch, "machine [::1] login a password b\n", 0o600);
    Run::new(["jira", "show", "--url", "http://[::1]:1/jira"])
        .env("NETRC", &path)
        .gives(
            78,
            "",
            &no_entry(
                "jira: no credentials for Jira",
                "JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD",
                "::1",
            ),
        );
}

#[test]
fn a_user_name_chooses_among_the_logins_of_a_host() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let text = "machine 127.0.0.1 login other password wrong\n\
                machine 127.0.0.1 login robot password secret\n\
                default login x password wrong\n";
    let path = netrc_file(&scratch, text, 0o600);
    show(&jira)
        .env("NETRC", &path)
        .env("JIRA_USER", "robot")
        .gives(0, UNCHANGED, "");
    let quiet = quiet(Jira::start());
    show(&quiet)
        .env("NETRC", &path)
        .env("JIRA_USER", "nobody")
        .gives(
            78,
            "",
            &no_entry(
                "jira: JIRA_USER is set and JIRA_PASSWORD is not",
                "JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD",
                "127.0.0.1",
            ),
        );
    // A password alone is for any login; the name is then needed.
    let path = netrc_file(&scratch, "machine 127.0.0.1 password secret\n", 0o600);
    show(&jira)
        .env("NETRC", &path)
        .env("JIRA_USER", "robot")
        .gives(0, UNCHANGED, "");
    show(&quiet).env("NETRC", &path).gives(
        78,
        "",
        "avatarctl: jira: the netrc file has a password of 127.0.0.1 and no login\nhint: set JIRA_USER\n",
    );
}

#[test]
fn a_password_of_a_variable_takes_its_login_from_the_netrc() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let path = netrc_file(
        &scratch,
        "machine 127.0.0.1 login robot password wrong\n",
        0o600,
    );
    show(&jira)
        .env("NETRC", &path)
        .env("JIRA_PASSWORD", "secret")
        .gives(0, UNCHANGED, "");
    show(&quiet(Jira::start()))
        .env("NETRC", netrc_file(&scratch, "", 0o600))
        .env("JIRA_PASSWORD", "secret")
        .gives(
            78,
            "",
            "avatarctl: jira: JIRA_PASSWORD is set and JIRA_USER is not\nhint: set JIRA_USER\n",
        );
}

/// Nobody minds a file that nobody reads.
#[test]
fn whole_credentials_of_variables_leave_the_netrc_unread() {
    let (three, scratch) = (Three::start(), Scratch::new());
    let whole = PAIRS.map(|(system, name, login, variable, secret)| {
        (system, vec![(name, login), (variable, secret)])
    });
    let whole = whole.into_iter().chain([
        ("jira", vec![("JIRA_TOKEN", "ROBOTTOKEN")]),
        (
            "navixy",
            vec![("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b")],
        ),
    ]);
    for (system, variables) in whole {
        for path in [scratch.join("nothing"), scratch.path().to_owned()] {
            let mut run = three.whoami(system).arg("--netrc").arg(path);
            for (name, value) in &variables {
                run = run.env(name, *value);
            }
            run.answers();
        }
        let open = netrc_file(&scratch, "default login a password b\n", 0o644);
        let mut run = three.whoami(system).env("NETRC", open);
        for (name, value) in &variables {
            run = run.env(name, *value);
        }
        run.answers();
    }
}

#[test]
fn a_netrc_that_cannot_be_used_is_refused() {
    let scratch = Scratch::new();
    let place = scratch.path().to_str().expect("a path of letters");
    scratch.write(
        "latin",
        b"machine 127.0.0.1 login robot password s\xe9cret\n",
    );
    scratch.write("long", "#".repeat(64 * 1024 + 1));
    scratch.write("blank", "machine 127.0.0.1 login robot password \"\"\n");
    scratch.write("nobody", "machine 127.0.0.1 login \"\" password hunter2\n");
    scratch.write(
        "lines",
        "machine 127.0.0.1 login robot password \"hun\\nter2\"\n",
    );
    scratch.write(
        "bell",
        "machine 127.0.0.1 login ro\u{7}bot password hunter2\n",
    );
    scratch.write("file", "");
    for name in ["blank", "nobody", "lines", "bell"] {
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(scratch.join(name), mode).expect("the file is ours");
    }
    for (name, said) in [
        (
            "nothing",
            "cannot read the netrc file \"DIR/nothing\": no such file or directory".to_owned(),
        ),
        (
            "file/netrc",
            "cannot read the netrc file \"DIR/file/netrc\": not a directory".to_owned(),
        ),
        (
            "",
            "cannot read the netrc file \"DIR/\": is a directory".to_owned(),
        ),
        (
            "latin",
            "the netrc file \"DIR/latin\" is not valid UTF-8".to_owned(),
        ),
        (
            "long",
            "cannot read the netrc file \"DIR/long\": it is longer than 64 KiB".to_owned(),
        ),
        (
            "blank",
            "the password of 127.0.0.1 in the netrc file is empty".to_owned(),
        ),
        (
            "nobody",
            "the login of 127.0.0.1 in the netrc file is empty".to_owned(),
        ),
        (
            "lines",
            "the password of 127.0.0.1 in the netrc file has more than one line\n\
             hint: only the secret may stand there"
                .to_owned(),
        ),
        (
            "bell",
            "the login of 127.0.0.1 in the netrc file contains a control character".to_owned(),
        ),
    ] {
        for system in ["jira", "rocketchat", "navixy"] {
            let three = Three::start();
            three
                .whoami(system)
                .env("NETRC", scratch.join(name))
                .mask(place, "DIR")
                .gives(78, "", &format!("avatarctl: {system}: {said}\n"));
            assert_eq!(three.requests(), 0);
        }
    }
    show(&quiet(Jira::start()))
        .env("NETRC", OsString::from_vec(b"/\xff".to_vec()))
        .gives(78, "", "avatarctl: jira: NETRC is not valid UTF-8\n");
}

#[test]
fn a_netrc_that_everybody_may_read_is_warned_about() {
    let scratch = Scratch::new();
    let place = scratch.path().to_str().expect("a path of letters");
    let jira = Jira::start();
    for (mode, warned) in [
        (0o600, false),
        (0o400, false),
        (0o640, false),
        (0o644, true),
        (0o604, true),
    ] {
        let path = netrc_file(&scratch, "default login robot password secret\n", mode);
        let warning = match warned {
            true => {
                "avatarctl: jira: warning: the netrc file \"DIR/netrc\" can be read by everybody on this machine; chmod 600 it\n"
            }
            false => "",
        };
        show(&jira)
            .env("NETRC", &path)
            .mask(place, "DIR")
            .gives(0, UNCHANGED, warning);
    }
}

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

/// Three servers whose credentials are all in a netrc; two names for the loopback address stand for two hosts, and
/// the login of the manifest's own variable chooses the third.
fn three_by_netrc(world: &mut World) {
    let path = world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654}"#,
    );
    let text = fs::read_to_string(&path).expect("it was just written");
    let chat = world.chat.url();
    let text = text.replace(&chat, &chat.replace("127.0.0.1", "localhost"));
    let text = text.replace("\"navixy\"", "\"navixy\", \"credentials\": \"TEAM\"");
    fs::write(&path, text).expect("scratch is writable");
}

fn by_netrc(words: &str, world: &World, netrc: &Path) -> Run {
    let place = world.scratch.path().to_str().expect("a path of letters");
    let given = world.settings().into_iter().map(|(name, _)| name);
    given
        .fold(world.run(words), Run::without)
        .env("TEAM_LOGIN", "bot@example.com")
        .env("NETRC", netrc)
        .mask(place, "DIR")
}

#[test]
fn a_batch_reads_and_warns_about_its_netrc_once() {
    let mut world = World::new();
    three_by_netrc(&mut world);
    let text = "machine 127.0.0.1 login robot password secret\n\
                machine localhost login aobEdbYhXfu5hkeqG password 9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq\n\
                machine 127.0.0.1 login bot@example.com password secret\n";
    let netrc = netrc_file(&world.scratch, text, 0o644);
    by_netrc("apply m.json", &world, &netrc).gives(
        0,
        "jira robot: avatar 24880 (was 10122)\n\
         chat build-bot: image build.png (etag 83o…, first avatar)\n\
         fleet 2132: icon 3654 (was 12)\n\
         3 changed, 0 unchanged\n",
        "avatarctl: jira: warning: the netrc file \"DIR/netrc\" can be read by everybody on this machine; chmod 600 it\n",
    );
    let calls = world.fleet.calls();
    assert_eq!(
        (calls.first(), calls.last()),
        (
            Some(&"POST /v2/user/auth".to_owned()),
            Some(&"POST /v2/user/logout".to_owned())
        )
    );
    let asked = world.chat.calls();
    let session = |call: &String| call.ends_with("/login") || call.ends_with("/logout");
    assert!(!asked.iter().any(session), "{asked:?}");
}

#[test]
fn a_netrc_that_cannot_be_used_is_told_for_each_server_of_a_batch() {
    let mut world = World::new();
    three_by_netrc(&mut world);
    world.offline();
    by_netrc("apply m.json", &world, &world.scratch.join("nothing")).gives(
        78,
        "0 changed, 0 unchanged, 3 failed\n",
        "avatarctl: jira robot: cannot read the netrc file \"DIR/nothing\": no such file or directory\n\
         avatarctl: chat build-bot: cannot read the netrc file \"DIR/nothing\": no such file or directory\n\
         avatarctl: fleet 2132: cannot read the netrc file \"DIR/nothing\": no such file or directory\n",
    );
    // A file that everybody may read, and nobody can use, is told as what it is and no more.
    let path = world.scratch.write("latin", b"\xff");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("the file is ours");
    by_netrc("apply m.json", &world, &path).gives(
        78,
        "0 changed, 0 unchanged, 3 failed\n",
        "avatarctl: jira robot: the netrc file \"DIR/latin\" is not valid UTF-8\n\
         avatarctl: chat build-bot: the netrc file \"DIR/latin\" is not valid UTF-8\n\
         avatarctl: fleet 2132: the netrc file \"DIR/latin\" is not valid UTF-8\n",
    );
    // A hint names the variables of the manifest's prefix.
    let text = "machine localhost login a password b\n";
    let netrc = netrc_file(&world.scratch, text, 0o600);
    by_netrc("apply m.json --only fleet/*", &world, &netrc).gives(
        78,
        "0 changed, 0 unchanged, 1 failed\n",
        "avatarctl: fleet 2132: TEAM_LOGIN is set and TEAM_PASSWORD is not\n\
         hint: set TEAM_HASH, or TEAM_LOGIN and TEAM_PASSWORD, or give 127.0.0.1 a login in the netrc file\n",
    );
}

// --------------------------------------------------------------------------------------------------- pictures

#[test]
fn a_picture_comes_from_standard_input() {
    let (jira, picture) = (Jira::start(), pictures::png(48, 48, 1));
    Run::new(["jira", "set", "--image", "-"])
        .with(&jira)
        .stdin(&picture)
        .gives(
            0,
            "jira robot: image standard input (avatar 24901, was 10122)\n",
            "",
        );
    assert_eq!(
        jira.model().custom(24901).expect("the avatar").picture,
        picture
    );
}

#[test]
fn standard_input_without_a_picture_is_refused() {
    let jira = quiet(Jira::start());
    for (bytes, why) in [
        (&b""[..], "is empty"),
        (b"hello\n", "is not a PNG, JPEG, GIF or WebP picture"),
    ] {
        Run::new(["jira", "set", "--image=-"])
            .with(&jira)
            .stdin(bytes)
            .gives(
                65,
                "",
                &format!("avatarctl: jira: the picture on standard input {why}\n"),
            );
    }
}

#[test]
fn a_picture_comes_through_a_descriptor_or_a_named_pipe() {
    let (scratch, picture) = (Scratch::new(), pictures::png(48, 48, 1));
    for name in ["/dev/fd/0", "/dev/stdin", "/proc/self/fd/0"] {
        let jira = Jira::start();
        let last = name.rsplit('/').next().unwrap_or_default();
        Run::new(["jira", "set", "--image", name])
            .with(&jira)
            .stdin(&picture)
            .gives(
                0,
                &format!("jira robot: image {last} (avatar 24901, was 10122)\n"),
                "",
            );
        assert_eq!(
            jira.model().custom(24901).expect("the avatar").picture,
            picture
        );
    }
    let fifo = scratch.join("robot.fifo");
    let made = Command::new("mkfifo").arg(&fifo).status();
    assert!(made.expect("mkfifo starts").success());
    let jira = Jira::start();
    let process = Run::new(["jira", "set", "--image"])
        .arg(&fifo)
        .with(&jira)
        .start();
    // Waits until the program reads.
    fs::write(&fifo, &picture).expect("somebody reads the pipe");
    process.wait().gives(
        0,
        "jira robot: image robot.fifo (avatar 24901, was 10122)\n",
        "",
    );
    assert_eq!(
        jira.model().custom(24901).expect("the avatar").picture,
        picture
    );
}

#[test]
fn a_picture_that_cannot_be_read_is_refused() {
    let (jira, scratch) = (quiet(Jira::start()), Scratch::new());
    scratch.write("file", "");
    for (name, why) in [
        (
            "nothing.png",
            "cannot read the picture \"nothing.png\": no such file or directory",
        ),
        (
            "file/x.png",
            "cannot read the picture \"file/x.png\": not a directory",
        ),
        (".", "cannot read the picture \".\": is a directory"),
    ] {
        println!("{name:?}");
        Run::new(["jira", "set", "--image", name])
            .with(&jira)
            .dir(scratch.path())
            .gives(66, "", &format!("avatarctl: jira: {why}\n"));
    }
}

/// `$(DIR) x.png` with an unset `DIR`: what is wrong about the name is the blank, so the blank must be seen.
#[test]
fn blanks_of_a_file_name_are_shown() {
    let (jira, scratch) = (quiet(Jira::start()), Scratch::new());
    for name in [" ", " x.png", "a  b.png"] {
        Run::new(["jira", "set", "--image", name])
            .with(&jira)
            .dir(scratch.path())
            .gives(
                66,
                "",
                &format!("avatarctl: jira: cannot read the picture \"{name}\": no such file or directory\n"),
            );
    }
}

/// Names that a person can be fooled with, and as what they are shown.
const NAMES: [(&[u8], &str); 8] = [
    (b"a\nb.png", "a b.png"),
    (b"\x1b[31mred\x07.png", "\\u{1b}[31mred\\u{7}.png"),
    (b"\xff\xfe.png", "\u{fffd}\u{fffd}.png"),
    (b"-x.png", "-x.png"),
    (b"--user=admin", "--user=admin"),
    (b"\"quoted\".png", "\"quoted\".png"),
    ("gnp\u{202e}exe.png".as_bytes(), "gnp\\u{202e}exe.png"),
    (
        "\u{440}\u{43e}\u{431}\u{43e}\u{442} \u{1f916}.png".as_bytes(),
        "\u{440}\u{43e}\u{431}\u{43e}\u{442} \u{1f916}.png",
    ),
];

#[test]
fn an_unusual_file_name_is_shown_safely_and_never_sent() {
    let (scratch, picture) = (Scratch::new(), pictures::png(48, 48, 1));
    for (name, shown) in NAMES {
        let path = scratch.path().join(OsStr::from_bytes(name));
        fs::write(path, &picture).expect("scratch is writable");
        let jira = Jira::start();
        let argument = OsString::from_vec([b"--image=", name].concat());
        println!("{argument:?}");
        Run::new([OsString::from("jira"), "set".into(), argument])
            .with(&jira)
            .dir(scratch.path())
            .gives(
                0,
                &format!("jira robot: image {shown} (avatar 24901, was 10122)\n"),
                "",
            );
        assert_eq!(
            jira.calls()[3],
            "POST /jira/rest/api/2/user/avatar/temporary?username=robot&filename=avatar.png"
        );
    }
}

#[test]
fn an_unusual_file_name_is_shown_safely_in_an_error() {
    let (jira, scratch) = (quiet(Jira::start()), Scratch::new());
    for (name, shown) in NAMES {
        // In quotes a line end is shown as what it is: it is often the mistake.
        let shown = shown.replace("a b.png", "a\\u{a}b.png");
        let argument = OsString::from_vec([b"--image=", name].concat());
        println!("{argument:?}");
        Run::new([OsString::from("jira"), "set".into(), argument])
            .with(&jira)
            .dir(scratch.path())
            .gives(
                66,
                "",
                &format!("avatarctl: jira: cannot read the picture \"{shown}\": no such file or directory\n"),
            );
    }
}
