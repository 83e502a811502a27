//! The examples of every help and of the README: each of them works as it stands.

use std::collections::BTreeSet;

use crate::support::printed::NOTHING;
use crate::support::run::words;
use crate::support::{Run, World, pictures, systems};

/// Every page of help there is, by what asks for it.
fn pages() -> Vec<(String, String)> {
    let others = [
        "",
        "set",
        "show",
        "list",
        "reset",
        "delete",
        "whoami",
        "pull",
        "check",
        "diff",
        "apply",
        "completions",
        "man",
    ];
    let topics = systems::names().into_iter().chain(others);
    topics
        .map(|topic| {
            let told = Run::new(words(topic)).arg("--help").output();
            assert_eq!((told.status, told.stderr.as_str()), (0, NOTHING), "{topic}");
            (topic.to_owned(), told.stdout)
        })
        .collect()
}

fn examples(page: &str) -> Vec<&str> {
    let (_, examples) = page.split_once("\nexamples:\n").unwrap_or_default();
    examples.lines().map(str::trim).collect()
}

#[test]
fn every_help_has_two_examples_of_its_own() {
    for (topic, page) in pages() {
        let examples = examples(&page);
        assert!(examples.len() >= 2, "{topic} --help: {examples:?}");
        let different: BTreeSet<&&str> = examples.iter().collect();
        assert_eq!(different.len(), examples.len(), "{topic} --help");
        for example in examples {
            let about = example.strip_prefix("avatarctl ").expect("a command");
            assert!(
                words(about).any(|word| topic.is_empty() || word == topic),
                "{topic} --help: {example}"
            );
        }
    }
}

/// The words of the command that begins with `avatarctl`, as a shell cuts them: up to a comment, a pipe, a
/// redirection, or the end of the text that it is quoted in.
fn command(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' | '"' if rest.clone().any(|other| other == c) => {
                let quoted = rest.by_ref().take_while(|other| *other != c);
                word.get_or_insert_default().extend(quoted);
            }
            '#' if word.is_none() => break,
            '|' | '>' | ';' | ')' | '`' | '\'' | '\n' => break,
            ' ' => found.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    found.extend(word);
    found
}

/// Sections of the README whose commands have tests of their own, since they need a server or an engine.
const RUN_ELSEWHERE: [&str; 2] = [
    "A real server in three minutes",
    "Recipes for this manifest",
];

/// Every command of the README, in code and in running text.
fn of_the_readme() -> Vec<String> {
    let sections = include_str!("../../README.md").split("\n## ");
    let (elsewhere, here): (Vec<&str>, Vec<&str>) =
        sections.partition(|section| RUN_ELSEWHERE.iter().any(|name| section.starts_with(name)));
    assert_eq!(elsewhere.len(), RUN_ELSEWHERE.len());
    let mut found = Vec::new();
    for line in here.into_iter().flat_map(str::lines) {
        let mut rest = line;
        let mut before = String::new();
        while let Some(at) = rest.find("avatarctl ") {
            before.push_str(&rest[..at]);
            // Code is indented, or stands behind an odd number of marks.
            let code = line.starts_with("    ") || before.matches('`').count() % 2 == 1;
            // Behind a slash it is a file, and no command.
            if code && !before.ends_with('/') {
                found.push(rest[at..].to_owned());
            }
            before.push_str("avatarctl ");
            rest = &rest[at + "avatarctl ".len()..];
        }
    }
    found
}

/// Servers that have what the examples speak of, so that those do what they promise.
#[test]
fn every_example_works() {
    let mut commands = Vec::new();
    for (_, page) in pages() {
        commands.extend(examples(&page).into_iter().map(str::to_owned));
    }
    commands.extend(of_the_readme());
    assert!(commands.len() > 40, "{commands:?}");
    let mut told = Vec::new();
    for text in commands {
        let arguments: Vec<String> = command(&text)
            .into_iter()
            .skip(1)
            .map(|word| {
                word.replace("$CI_NODE_INDEX", "2")
                    .replace("/etc/avatarctl/", "")
                    .replace("/var/lib/avatarctl/", "")
                    .replace("${STATE_DIRECTORY}/", "")
            })
            .collect();
        let mut world = World::new();
        world.lenient();
        world.chat().model().publish(
            "http://domain.tld/to/my/own/avatar.jpg",
            pictures::jpeg(64, 64, 3),
        );
        let given = world.jira().model().give("robot", pictures::png(64, 64, 7));
        assert_eq!(given, 24901);
        for name in ["my-own-avatar.png", "build-bot.png", "driver.jpg"] {
            let bytes = match name.ends_with(".png") {
                true => pictures::png(64, 64, 1),
                false => pictures::jpeg(64, 64, 1),
            };
            world.scratch.write(name, &bytes);
            world.scratch.write(&format!("faces/{name}"), &bytes);
        }
        let manifest = world.manifest(
            r#"
    {"server": "jira",  "user": "robot", "avatar_id": "24880"},
    {"server": "jira",  "user": "build-bot", "image": "faces/build-bot.png"},
    {"server": "chat",  "user": "build-bot", "image": "faces/build-bot.png"},
    {"server": "chat",  "user": "retired-bot", "reset": true},
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"}"#,
        );
        world.scratch.write("avatars.json", manifest);
        let run = Run::new(arguments.iter().map(String::as_str))
            .dir(world.scratch.path())
            .env("CI_NODE_INDEX", "2")
            .env("CI_NODE_TOTAL", "3");
        let run = world.servers.let_in(run);
        let output = run.output();
        println!("{arguments:?} {}", output.status);
        // A diff says 2 because there is something to do.
        let wanted = i32::from(arguments.first().is_some_and(|verb| verb == "diff")) * 2;
        // A round trip says beforehand how to undo it.
        let mut stderr = output.stderr.lines();
        let quiet = stderr.all(|line| line.contains(": the way back: "));
        if output.status != wanted || !quiet {
            told.push(format!("{text}\n{arguments:?}\n{output:?}"));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
}
