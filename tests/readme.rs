//! What README and Makefile promise: the manifest is one, its Make rule works, and an install needs no compiler.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::synapse::synapse;
use crate::support::{Run, Scratch, World, pictures, program};

const README: &str = include_str!("../README.md");

/// The lines of an indented block of the README, from the one that begins so to the next that is not indented.
fn block(begin: &str) -> String {
    let indented = format!("    {begin}");
    let lines = README
        .lines()
        .skip_while(|line| !line.starts_with(&indented));
    let block = lines.take_while(|line| line.starts_with("    ") || line.is_empty());
    let text: String = block
        .map(|line| format!("{}\n", line.strip_prefix("    ").unwrap_or(line)))
        .collect();
    assert!(!text.is_empty(), "{begin}");
    text
}

/// The manifest, and the pictures it names.
fn declared(scratch: &Scratch) -> String {
    let text = block("{");
    let (manifest, _) = text.split_once("\n\n").expect("an end");
    scratch.write("avatars.json", manifest);
    scratch.write("faces/build-bot.png", pictures::png(64, 64, 1));
    scratch.write("faces/driver.jpg", pictures::jpeg(64, 64, 2));
    manifest.to_owned()
}

fn make(directory: &Path, arguments: &[&str], variables: &[(&str, &Path)]) -> Output {
    Command::new("/usr/bin/make")
        .arg("-s")
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(variables.iter().copied())
        .output()
        .expect("make starts")
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn the_manifest_of_the_readme_is_one() {
    let scratch = Scratch::new();
    declared(&scratch);
    Run::new(["check", "avatars.json"])
        .dir(scratch.path())
        .gives(0, "4 accounts on 3 servers: no errors, no warnings\n", "");
}

/// With the secrets that the recipes give, by the names of the files they name.
#[test]
fn the_recipes_give_every_secret_that_the_manifest_needs() {
    let world = World::new();
    let text = [
        ("https://jira.your-company.com", world.jira.url()),
        ("https://chat.your-company.com", world.chat.url()),
        ("https://api.eu.navixy.com/v2", world.fleet.url()),
    ]
    .iter()
    .fold(declared(&world.scratch), |text, (theirs, ours)| {
        text.replace(theirs, ours)
    });
    world.scratch.write("avatars.json", text);
    let secrets = [
        ("jira_token", "ROBOTTOKEN"),
        ("rocketchat_user_id", "aobEdbYhXfu5hkeqG"),
        (
            "rocketchat_auth_token",
            "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq",
        ),
        ("fleet_hash", "22eac1c27af4be7b9d04da2ce1af111b"),
    ];
    for (name, secret) in secrets {
        let upper = name.to_uppercase();
        assert!(
            README.contains(&format!("LoadCredential={name}:")),
            "{name}"
        );
        assert!(README.matches(&upper).count() >= 2, "{upper}");
        world.scratch.write(&format!("secrets/{name}"), secret);
    }
    let output = Run::new(["apply", "avatars.json"])
        .dir(world.scratch.path())
        .env("CREDENTIALS_DIRECTORY", "secrets")
        .output();
    assert_eq!(output.status, 0, "{output:?}");
    assert!(
        output.stdout.ends_with("\n3 changed, 1 unchanged\n"),
        "{output:?}"
    );
}

/// What a newcomer types for a real Matrix homeserver, line by line.
#[test]
fn the_real_server_of_the_readme_gets_its_avatars() {
    let Some(server) = synapse() else { return };
    let scratch = Scratch::new();
    scratch.write("robot.png", pictures::png(64, 64, 1));
    scratch.write("build-bot.png", pictures::png(64, 64, 2));
    let (_, section) = README.split_once("\n## A real server").expect("a section");
    let (section, _) = section.split_once("\n## ").expect("another one");
    let (_, manifest) = section.split_once("\n    {\n").expect("a manifest");
    let (manifest, _) = manifest.split_once("\n    }\n").expect("its end");
    let manifest = format!("{{{manifest}}}").replace("http://127.0.0.1:PORT", &server.url());
    scratch.write("robots.json", manifest);
    let commands = section
        .lines()
        .filter_map(|line| line.strip_prefix("    avatarctl "));
    let said: Vec<_> = commands
        .map(|line| {
            let (command, _) = line.split_once('#').unwrap_or((line, ""));
            let output = Run::new(command.split_whitespace())
                .dir(scratch.path())
                .env("MATRIX_URL", server.url())
                .env("MATRIX_TOKEN", &server.admin)
                .output();
            let last = output.stdout.lines().last().unwrap_or_default().to_owned();
            (output.status, last, output.stderr)
        })
        .collect();
    let said: Vec<_> = said
        .iter()
        .map(|(status, last, stderr)| (*status, last.as_str(), stderr.as_str()))
        .collect();
    let [(0, set, ""), rest @ ..] = &said[..] else {
        panic!("{said:?}")
    };
    assert!(
        set.starts_with("matrix robot: avatar mxc://test.local/"),
        "{set}"
    );
    let expected = [
        (2, "2 to change (2 not known), 0 the same", ""),
        (0, "2 changed, 0 unchanged", ""),
        (0, "0 to change, 2 the same", ""),
    ];
    assert_eq!(rest, expected);
}

#[test]
fn the_make_rule_runs_when_something_is_newer() {
    let scratch = Scratch::new();
    declared(&scratch);
    scratch.write("Makefile", block("avatars.stamp:"));
    scratch.write("bin/avatarctl", "#!/bin/sh\necho \"$@\"\n");
    let tool = scratch.join("bin/avatarctl");
    let run = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&tool, run).expect("the file is ours");
    let path = std::env::join_paths([scratch.join("bin"), "/usr/bin".into(), "/bin".into()])
        .expect("a path of paths");
    let run = || {
        said(&make(
            scratch.path(),
            &["avatars.stamp"],
            &[("PATH", Path::new(&path))],
        ))
    };
    assert_eq!(run(), (Some(0), "apply -q avatars.json\n".to_owned()));
    let (status, text) = run();
    assert!(status == Some(0) && !text.contains("apply"), "{text}");
}

#[test]
fn an_install_needs_what_was_built_and_nothing_else() {
    let scratch = Scratch::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (builds, root) = (scratch.join("builds"), scratch.join("root"));
    let install = || {
        let variables = [
            ("CARGO_TARGET_DIR", builds.as_path()),
            ("DESTDIR", root.as_path()),
        ];
        said(&make(source, &["install"], &variables))
    };
    let binary = builds.join("x86_64-unknown-linux-musl/release/avatarctl");
    let (status, text) = install();
    assert_eq!(status, Some(2), "{text}");
    let wanted = format!(
        "make install: there is no {}; run make static first\n",
        binary.display()
    );
    assert!(text.starts_with(&wanted), "{text}");
    fs::create_dir_all(binary.parent().expect("a directory")).expect("scratch is writable");
    fs::copy(program(), &binary).expect("scratch is writable");
    assert_eq!(install(), (Some(0), String::new()));
    for file in [
        "bin/avatarctl",
        "share/man/man1/avatarctl.1",
        "share/bash-completion/completions/avatarctl",
        "share/zsh/site-functions/_avatarctl",
        "share/fish/vendor_completions.d/avatarctl.fish",
    ] {
        let path = root.join("usr/local").join(file);
        assert!(
            fs::metadata(&path).is_ok_and(|facts| facts.len() > 0),
            "{file}"
        );
    }
}
