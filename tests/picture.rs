//! A picture as it is handed to the program: where it may come from, and how its name is shown.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::Command;

use crate::support::model::uncalled;
use crate::support::{Jira, Run, Scratch, pictures};

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
    let jira = uncalled(Jira::default());
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
    let (jira, scratch) = (uncalled(Jira::default()), Scratch::new());
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
    let (jira, scratch) = (uncalled(Jira::default()), Scratch::new());
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
    let (jira, scratch) = (uncalled(Jira::default()), Scratch::new());
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
