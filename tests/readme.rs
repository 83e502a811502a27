//! What README and Makefile promise beside the recipes: a real server gets its avatars, and an install needs no compiler.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::recipes::Place;
use crate::support::synapse::synapse;
use crate::support::{Run, Scratch, encoding, pictures, program};
use crate::tidy;

const README: &str = include_str!("../README.md");
const SESSION: &str = include_str!("readme/session.svg");

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

/// The picture has been made by `make pictures`; what it says below each command is printed now, in these colours.
#[test]
fn the_session_of_the_readme_is_as_it_is_shown() {
    assert!(README.contains("(tests/readme/session.svg)"));
    let mut place = Place::new();
    place.set_secrets();
    place.set("JIRA_URL", place.world.jira().url());
    place.set("ROCKETCHAT_URL", place.world.chat().url());
    // As the sandbox has it; names of files and etags follow from what was given before.
    let worn = pictures::png_rgba(128, 128, 42);
    place.world.chat().model().give("retired-bot", worn.clone());
    place.world.fleet().model().give(2134, worn);
    let mut shown = SESSION
        .lines()
        .filter_map(|line| Some(line.strip_prefix("<text ")?.split_once('>')?.1))
        .map(|line| line.strip_suffix("</text>").expect("its end"));
    while let Some(line) = shown.next() {
        let (_, command) = line.split_once("class=\"typed\">").expect("a command");
        let (command, _) = command.split_once("</tspan>").expect("its end");
        let (_, printed) = place.shell(&format!("{command} --color always"));
        for line in printed.lines() {
            let plain = encoding::html(line).replace("\x1b[0m", "</tspan>");
            let coloured = [2, 31, 32, 33, 36].iter().fold(plain, |line, code| {
                let span = format!("<tspan class=\"c{code}\">");
                line.replace(&format!("\x1b[{code}m"), &span)
            });
            assert_eq!(shown.next(), Some(coloured.as_str()));
        }
    }
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

/// What holds a promise: tests by their names, targets of make, files.
#[test]
fn every_promise_of_the_readme_has_its_proof() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: String = tidy::files("tests", "rs")
        .into_iter()
        .map(|file| file.text)
        .collect();
    let targets = include_str!("../Makefile");
    let (_, table) = README
        .split_once("\n| promise | held by |\n| --- | --- |\n")
        .expect("a table");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let mut proofs = 0;
    for row in rows {
        let (_, held) = row
            .trim_end_matches(" |")
            .rsplit_once(" | ")
            .expect("two cells");
        for proof in held.split('`').skip(1).step_by(2) {
            let there = match proof.strip_prefix("make ") {
                Some(target) => targets.contains(&format!("\n{target}:")),
                None if proof.contains('.') => root.join(proof).is_file(),
                // By itself, or for every system: see tests/system/mod.rs.
                None => [
                    format!("#[test]\nfn {proof}() {{"),
                    format!("\n    {proof} = crate::"),
                ]
                .iter()
                .any(|test| tests.contains(test)),
            };
            assert!(there, "{proof}");
            proofs += 1;
        }
    }
    assert!(proofs > 12, "{proofs}");
}

/// The crates that the table of the README names, which are those of the shipped binary and of what builds it.
#[test]
fn the_readme_counts_every_dependency() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--prefix=none",
            "--format={p}",
        ])
        .args(["--edges=normal,build", "--target=x86_64-unknown-linux-musl"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs this test");
    assert!(output.status.success(), "{output:?}");
    let tree = String::from_utf8(output.stdout).expect("names of letters");
    let linked: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != env!("CARGO_PKG_NAME"))
        .collect();
    let (_, table) = README
        .split_once("\n### What it is made of\n")
        .expect("a section");
    let (table, _) = table.split_once("\n## ").expect("another one");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows
        .filter_map(|row| row.split_once(" | "))
        .map(|(names, _)| names);
    let named: Vec<&str> = cells
        .flat_map(|names| names.split(' '))
        .map(|name| name.trim_matches('`'))
        .collect();
    assert_eq!(linked, named.iter().copied().collect());
    assert_eq!(linked.len(), named.len(), "each is named once");
    let built = table
        .lines()
        .filter(|line| line.ends_with(", when it is built |"));
    let built: usize = built.map(|line| line.matches('`').count() / 2).sum();
    let counted = format!(
        "{} crates are linked into the binary, and {built} more run",
        named.len() - built
    );
    assert!(table.contains(&counted), "{counted}");
}
