//! The rules of the house that no compiler knows, as tests over the source tree.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A file of the tree.
pub struct File {
    /// From the root: `src/main.rs`.
    path: String,
    pub text: String,
}

impl File {
    /// The lines with their numbers, without comments; what stands behind `#[cfg(test)]` at the margin, or in a file
    /// of tests beside what it tests, is no part of the program.
    fn code(&self) -> Vec<(usize, &str)> {
        let text = match self.path.ends_with("/tests.rs") {
            true => "",
            false => &self.text,
        };
        let lines = text.lines().zip(1..);
        lines
            .take_while(|(line, _)| *line != "#[cfg(test)]")
            .filter(|(line, _)| !line.trim_start().starts_with("//"))
            .map(|(line, number)| (number, line.split(" // ").next().unwrap_or(line)))
            .collect()
    }
}

/// Every file of this extension below a directory of the package.
pub fn files(directory: &str, extension: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut found, mut waiting) = (Vec::new(), vec![root.join(directory)]);
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of the package") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|end| end == extension) {
                let text = fs::read_to_string(&path).expect("a text");
                let path = path.strip_prefix(root).expect("below the root");
                let path = path.to_str().expect("a path of letters").to_owned();
                found.push(File { path, text });
            }
        }
    }
    assert!(!found.is_empty(), "there are files in {directory}");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn sources() -> Vec<File> {
    files("src", "rs")
}

fn all() -> Vec<File> {
    sources().into_iter().chain(files("tests", "rs")).collect()
}

/// Whether a line has a word, and not a part of a longer one.
fn has(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

/// The files of the program whose code has one of these words.
fn users(words: &[&str]) -> BTreeSet<String> {
    let uses = |file: &File| {
        file.code()
            .iter()
            .any(|(_, line)| words.iter().any(|word| has(line, word)))
    };
    sources()
        .iter()
        .filter(|file| uses(file))
        .map(|file| file.path.clone())
        .collect()
}

/// These words stand in these rooms (folders end in a slash) and in no other file.
#[track_caller]
fn only(words: &[&str], rooms: &[&str]) {
    for path in users(words) {
        let inside = rooms
            .iter()
            .any(|room| path == *room || room.ends_with('/') && path.starts_with(room));
        assert!(inside, "{path} has one of {words:?}");
    }
}

#[test]
fn each_dependency_has_its_room() {
    only(&["ureq"], &["src/http/"]);
    only(
        &["rustls", "rustls_native_certs", "webpki_roots"],
        &["src/http/"],
    );
    only(&["pico_args"], &["src/cli/arguments.rs"]);
    only(&["ring::digest"], &["src/picture/"]);
    only(&["percent_encoding"], &["src/settings/address.rs"]);
}

/// What a variable means is decided in one place, so that a test can give another environment.
#[test]
fn the_environment_is_asked_in_one_place() {
    let words = ["env::var", "env::var_os", "env::vars_os", "env::args_os"];
    only(&words, &["src/main.rs"]);
}

#[test]
fn the_process_ends_in_main() {
    only(&["ExitCode"], &["src/main.rs"]);
    only(&["process::exit", "process::abort"], &[]);
}

#[test]
fn printing_is_done_in_one_place() {
    only(&["stdout", "stderr"], &["src/report/"]);
    only(&["print!", "println!", "eprint!", "eprintln!"], &[]);
}

/// The rooms from the top of the house down; what is not named here is a leaf.
const ROOMS: [&str; 10] = [
    "run", "report", "cli", "pull", "apply", "plan", "system", "http", "settings", "picture",
];

/// A room uses those below it and leaves, and a leaf uses leaves: no arrow leads up, so none makes a circle between
/// rooms. Resolving a plan cannot reach a server in particular, because it does not know how.
#[test]
fn arrows_lead_down() {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    for file in sources() {
        let room = file.path.trim_start_matches("src/");
        let room = room.split('/').next().unwrap_or_default();
        let room = room.trim_end_matches(".rs");
        if room == "main" || room == "lib" {
            continue;
        }
        let code = file.code();
        for (number, line) in &code {
            let uses = line.split("crate::").skip(1).map(|rest| {
                let word = |c: char| c.is_alphanumeric() || c == '_';
                rest.split(|c| !word(c)).next().unwrap_or_default()
            });
            for used in uses {
                let down = match (place(room), place(used)) {
                    (Some(from), Some(to)) => from <= to,
                    (None, Some(_)) => false,
                    (_, None) => true,
                };
                assert!(down, "{}:{number}: {room} uses {used}", file.path);
            }
        }
    }
}

/// What resolves a plan does not know how to send.
#[test]
fn what_is_resolved_before_does_not_know_how_to_send() {
    only(
        &["http::Client", "Client", "TcpStream", "UdpSocket"],
        &["src/run/", "src/system/", "src/http/", "src/settings/"],
    );
}

/// The files and folders of the systems, by name.
fn systems() -> Vec<String> {
    let shared = ["mod", "avatar", "knowledge", "session", "shown"];
    let mut names: Vec<String> = sources()
        .iter()
        .filter_map(|file| {
            let rest = file.path.strip_prefix("src/system/")?;
            let name = rest.split('/').next()?.trim_end_matches(".rs");
            (!shared.contains(&name)).then(|| name.to_owned())
        })
        .collect();
    names.dedup();
    names
}

/// A further system is its file, its help and two lines of registration.
#[test]
fn every_system_is_registered() {
    let seam = include_str!("../src/system/mod.rs");
    let all = seam
        .lines()
        .find(|line| line.starts_with("pub static ALL"))
        .expect("the registry");
    let systems = systems();
    assert!(systems.len() >= 3, "{systems:?}");
    for name in systems {
        assert!(seam.contains(&format!("\nmod {name};\n")), "{name}");
        let help = format!("src/system/{name}.txt");
        let inside = format!("src/system/{name}/help.txt");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(
            root.join(help).exists() || root.join(inside).exists(),
            "{name}"
        );
        let listed = seam.contains(&format!("&{name}::SYSTEM"));
        assert!(listed && all.contains("[&System"), "{name}");
    }
}

/// No system names another, and no other room decides by a system's name.
#[test]
fn a_system_is_named_in_its_own_room() {
    let systems = systems();
    for file in sources() {
        if file.path == "src/system/mod.rs" {
            continue;
        }
        for (number, line) in file.code() {
            let line = line.to_lowercase().replace("rocket.chat", "rocketchat");
            for name in &systems {
                let own = file.path.starts_with(&format!("src/system/{name}"));
                assert!(own || !has(&line, name), "{}:{number}: {line}", file.path);
            }
        }
    }
}

#[test]
fn nothing_is_left_undone() {
    // Not spelled out, because this file is searched too.
    let macros = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!"));
    let marks = ["TO-DO", "FIX-ME", "XX-X", "HA-CK"].map(|mark| mark.replace('-', ""));
    for file in all() {
        for (number, line) in (1..).zip(file.text.lines()) {
            let left = macros.iter().chain(&marks).find(|word| has(line, word));
            assert_eq!(left, None, "{}:{number}: {line}", file.path);
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in all() {
        assert!(
            file.text.starts_with("//! "),
            "{} opens with its purpose",
            file.path
        );
        let purpose = file.text.lines().take_while(|line| line.starts_with("//!"));
        let words = purpose
            .flat_map(|line| line.split_whitespace().skip(1))
            .count();
        assert!(words >= 8, "{} says more than its name", file.path);
    }
}

#[test]
fn no_path_of_a_developers_machine_is_left() {
    let homes = [
        "/ho-me/", "/ro-ot/", "/Us-ers/", "/wo-rk/", "/tm-p/", "C:-\\",
    ]
    .map(|home| home.replace('-', ""));
    let more = ["toml", "txt", "sh", "md"];
    let others = ["src", "tests"].into_iter().flat_map(|directory| {
        let has = |end: &&str| has_files(directory, end);
        more.into_iter()
            .filter(has)
            .flat_map(move |end| files(directory, end))
            .collect::<Vec<_>>()
    });
    for file in all().into_iter().chain(others) {
        for (number, line) in (1..).zip(file.text.lines()) {
            let left = homes.iter().find(|home| line.contains(home.as_str()));
            assert_eq!(left, None, "{}:{number}: {line}", file.path);
        }
    }
}

fn has_files(directory: &str, extension: &str) -> bool {
    let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of the package") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|end| end == extension) {
                return true;
            }
            if path.is_dir() {
                waiting.push(path);
            }
        }
    }
    false
}

/// A panic on a server's data is a fault of ours; what cannot happen says why.
#[test]
fn a_panic_says_what_makes_it_impossible() {
    for file in sources() {
        for (number, line) in file.code() {
            let bare = [
                ".unwrap()",
                ".unwrap_err()",
                "panic!(\"\")",
                "unreachable!()",
                ".expect(\"\")",
            ];
            let left = bare.into_iter().find(|bare| line.contains(bare));
            assert_eq!(left, None, "{}:{number}: {line}", file.path);
        }
    }
}

/// Text without ends of sentences: messages are lower case, one line, and have no full stop.
#[test]
fn messages_have_no_full_stop() {
    for file in sources() {
        for (number, line) in file.code() {
            let call = [
                "Error::new(",
                "usage(",
                "refuse(",
                "configuration(",
                ".hint(",
                ".failed(",
            ];
            if !call.iter().any(|call| line.contains(call)) {
                continue;
            }
            let text = line.split('"').nth(1).unwrap_or_default();
            assert!(
                !text.ends_with('.') || text.ends_with(".."),
                "{}:{number}: {line}",
                file.path
            );
        }
    }
}

#[test]
fn a_test_neither_sleeps_nor_takes_a_fixed_port() {
    // The models drip answers and tell the time; they are no tests.
    let tests = files("tests", "rs")
        .into_iter()
        .filter(|file| !file.path.contains("support/"));
    for file in tests.filter(|file| file.path != "tests/sandbox.rs" && file.path != "tests/tidy.rs")
    {
        for (number, line) in file.code() {
            assert!(!has(line, "sleep"), "{}:{number}: {line}", file.path);
            let bound = line.split_once("bind(\"").map(|(_, address)| address);
            let free = bound.is_none_or(|address| {
                address.starts_with("127.0.0.1:0\"") || address.starts_with("[::1]:0\"")
            });
            assert!(free, "{}:{number}: {line}", file.path);
        }
    }
}

/// A file is declared by the `mod.rs` of its folder or by a program beside it, and a folder by the one above.
#[test]
fn every_test_file_is_declared() {
    let tests = files("tests", "rs");
    let packages = [
        include_str!("../Cargo.toml"),
        &include_str!("fuzz/Cargo.toml").replace("path = \"", "path = \"tests/fuzz/"),
    ];
    let is_program = |path: &str| {
        let named = format!("path = \"{path}\"\n");
        packages.iter().any(|package| package.contains(&named))
    };
    for file in &tests {
        let name = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
        let (folder, name) = name.rsplit_once('/').expect("below tests");
        // Programs of their own.
        if is_program(&file.path) {
            continue;
        }
        let parent = match folder {
            "tests" => "tests/main.rs".to_owned(),
            _ => format!("{folder}/mod.rs"),
        };
        // What programs share lies in a folder beside them.
        let beside = |path: &str| {
            path.rsplit_once('/')
                .is_some_and(|(place, _)| place == folder && is_program(path))
        };
        let mut parents = tests
            .iter()
            .filter(|file| file.path == parent || beside(&file.path));
        let declared = parents.any(|parent| {
            let mut lines = parent.text.lines();
            lines.any(|line| line.trim_start_matches("pub ") == format!("mod {name};"))
        });
        assert!(declared, "{} is run", file.path);
    }
}

#[test]
fn help_fits_a_terminal() {
    for file in files("src", "txt") {
        assert!(file.text.ends_with('\n'), "{}", file.path);
        for (number, line) in (1..).zip(file.text.lines()) {
            let length = line.chars().count();
            assert!(length <= 80, "{}:{number} has {length} columns", file.path);
            assert!(
                !line.contains('\t') && line.trim_end() == line,
                "{}:{number}",
                file.path
            );
        }
    }
}

/// The numbers of `Class::exit`, and those of the help: each of them once.
#[test]
fn the_help_names_the_exit_statuses_there_are() {
    let source = include_str!("../src/error.rs");
    let numbers = source.lines().filter_map(|line| {
        let (class, number) = line.trim().strip_suffix(',')?.split_once(" => ")?;
        class
            .starts_with("Class::")
            .then(|| number.parse::<u8>().ok())?
    });
    // Those of a run as a whole: mixed failures, a diff that found something, the three signals.
    let mut wanted: Vec<u8> = numbers.chain([0, 1, 2, 129, 130, 143]).collect();
    wanted.sort_unstable();
    assert_eq!(
        wanted,
        [0, 1, 2, 64, 65, 66, 67, 69, 75, 76, 77, 78, 129, 130, 143]
    );
    let help = include_str!("../src/cli/help/avatarctl.txt");
    let (_, table) = help
        .split_once("exit status:\n")
        .expect("a table of exit statuses");
    let table = table.split("\n\n").next().unwrap_or_default();
    let mut told: Vec<u8> = table
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    told.sort_unstable();
    assert_eq!(told, wanted);
}

/// Every dependency says why it is there.
#[test]
fn every_dependency_has_its_reason() {
    let manifest = include_str!("../Cargo.toml");
    let lines: Vec<&str> = manifest.lines().collect();
    let begin = lines
        .iter()
        .position(|line| *line == "[dependencies]")
        .expect("dependencies");
    let mut reason = false;
    for line in &lines[begin..] {
        match line {
            _ if line.starts_with('#') => reason = true,
            _ if line.starts_with('[') && !line.contains("dependencies") => break,
            // serde_json is explained together with serde.
            _ if line.contains(" = ") => assert!(reason, "{line}"),
            _ => reason = false,
        }
    }
}
