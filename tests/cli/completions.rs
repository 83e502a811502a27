//! The completion scripts in the shells they are for, and the manual page as groff shows it: what a person gets
//! to see, never a comparison with the tables they are made of.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::support::{Run, Scratch, systems};

const BATCH: [&str; 3] = ["check", "diff", "apply"];

/// The options of every command that reaches for accounts, both names of each, without that of the address.
const COMMON: &str = "--ca-file --client-cert --client-key --color --connect-timeout --force --help --insecure \
                      --json --max-time --netrc --no-verify --proxy --quiet --retries --timeout --verbose --version";

#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let output = Run::new(arguments.iter().copied()).output();
    assert_eq!((output.status, output.stderr.as_str()), (0, ""));
    output.stdout
}

/// Words between blanks, in their order.
fn list(words: &str) -> Vec<String> {
    let words: BTreeSet<String> = words.split_whitespace().map(str::to_owned).collect();
    words.into_iter().collect()
}

/// Options of a command besides `COMMON`, together with these.
fn with_common(own: &str) -> Vec<String> {
    list(&format!("{own} {COMMON}"))
}

/// Runs a program in a directory, with nothing of our own environment but the way to other programs; a shell
/// that waits for somebody must not stop the tests.
#[track_caller]
fn run(directory: &Path, program: &[&str], environment: &[(&str, &str)]) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let output = Command::new("timeout")
        .args(["--kill-after=5", "50"])
        .args(program)
        .current_dir(directory)
        .env_clear()
        .env("PATH", path)
        .env("HOME", directory)
        .env("TERM", "dumb")
        .env("LC_ALL", "C.UTF-8")
        .envs(environment.iter().copied())
        .output()
        .expect("timeout starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), stderr.as_ref()), (Some(0), ""));
    String::from_utf8(output.stdout).expect("completions are UTF-8")
}

/// Whether a program is there that may be missing where that was said to be all right.
#[track_caller]
fn installed(program: &str, variable: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    assert!(
        found || std::env::var_os(variable).is_some(),
        "{program} does not start: install the package {program}, or set {variable} to do without this test"
    );
    found
}

// --- bash ---

/// Completes like readline: the last word is the one at the cursor, and words are cut where readline cuts them.
/// The arguments behind the script's own are the words.
const READLINE: &str = r#"
compopt() { printf 'compopt %s\n' "$*"; }
source "$SCRIPT"
[[ $(complete -p avatarctl) == 'complete -F _avatarctl avatarctl' ]] || echo 'not registered'
COMP_WORDS=(avatarctl "$@") COMP_CWORD=$# COMP_LINE="avatarctl $*" COMP_POINT=${#COMP_LINE}
current=${COMP_WORDS[COMP_CWORD]}
[[ $current != = ]] || current=
_avatarctl avatarctl "$current" "${COMP_WORDS[COMP_CWORD - 1]}"
(( ! ${#COMPREPLY[@]} )) || printf '%s\n' "${COMPREPLY[@]}"
"#;

struct Bash {
    scratch: Scratch,
    script: String,
    driver: String,
}

impl Bash {
    fn start() -> Bash {
        let scratch = Scratch::new();
        let place = |name: &str, text: &str| {
            let path = scratch.write(name, text);
            path.to_str().expect("a path of letters").to_owned()
        };
        let script = place("script/avatarctl", &printed(&["completions", "bash"]));
        let driver = place("script/driver", READLINE);
        scratch.write("work/two words.json", "{}");
        scratch.write("work/plain.json", "{}");
        Bash {
            script,
            driver,
            scratch,
        }
    }

    /// What is offered, in an order of its own.
    #[track_caller]
    fn offers(&self, words: &[&str]) -> Vec<String> {
        let program = ["bash", "--norc", "--noprofile", &self.driver];
        let output = run(
            &self.scratch.join("work"),
            &[&program[..], words].concat(),
            &[("SCRIPT", &self.script)],
        );
        let mut offers: Vec<String> = output.lines().map(str::to_owned).collect();
        offers.sort();
        offers
    }
}

const SHORT: &str = "-q -v -h -V";

#[test]
fn bash_offers_what_can_stand_there() {
    let bash = Bash::start();
    let lines: [(&[&str], Vec<String>); 24] = [
        (
            &[""],
            list("jira rocketchat navixy matrix pull check diff apply example completions man"),
        ),
        (&["ch"], list("check")),
        (&["-"], list("--help -h --version -V")),
        (
            &["jira", ""],
            list("set show list delete whoami pull doctor"),
        ),
        (&["rocketchat", "re"], list("reset")),
        (&["navixy", ""], list("set show list whoami pull doctor")),
        (&["navixy", "re"], list("")),
        (&["pull", "m.json", "--"], with_common("--to --as-images")),
        (&["jira", "pull", "robot", "--to"], list("--to")),
        (
            &["jira", "set", "--"],
            with_common("--user --avatar-id --image --dry-run --url"),
        ),
        (
            &["navixy", "set", "--"],
            with_common("--employee-id --icon-id --image --dry-run --url"),
        ),
        // Where nothing else can stand, options are offered unasked.
        (
            &["jira", "list", ""],
            with_common(&format!("--user --html --url {SHORT}")),
        ),
        // Options may stand before the words, and their values are no words.
        (&["--user", "check", "jira", "set", "--im"], list("--image")),
        (
            &[
                "--url", "https", ":", "//host", "--user", "me", "@", "host", "jira", "show",
                "--us",
            ],
            list("--user"),
        ),
        (&["--color", ""], list("auto always never")),
        (&["--color", "=", "a"], list("auto always")),
        (&["--color", "="], list("auto always never")),
        // Who takes = from COMP_WORDBREAKS has the option replaced together with its value.
        (&["--color=a"], list("--color=auto --color=always")),
        (&["apply", "m.json", "--shard", ""], list("auto")),
        (&["jira", "set", "--user", ""], list("")),
        (
            &["check", "m.json", "--"],
            with_common("--only --shard --html"),
        ),
        (&["completions", ""], list("bash zsh fish")),
        (&["completions", "-"], list("--help -h")),
        (&["man", "-"], list("--help -h")),
    ];
    for (words, wanted) in lines {
        assert_eq!(bash.offers(words), wanted, "{words:?}");
    }
}

#[test]
fn bash_offers_files_with_blanks_whole() {
    let bash = Bash::start();
    let all = ["compopt -o filenames", "plain.json", "two words.json"];
    for words in [
        &["check", ""][..],
        &["jira", "set", "--image", ""],
        &["jira", "set", "--image", "="],
        &["apply", "m.json", "--junit", ""],
        &["pull", ""],
    ] {
        assert_eq!(bash.offers(words), all, "{words:?}");
    }
    let one = ["compopt -o filenames", "two words.json"];
    assert_eq!(bash.offers(&["diff", "two"]), one);
    bash.scratch.write("work/back up/plain.json", "{}");
    let folder = ["back up", "compopt -o filenames"];
    assert_eq!(bash.offers(&["jira", "pull", "robot", "--to", ""]), folder);
}

/// The places where options are offered: every system with every verb that is offered there, and the rest.
fn places(bash: &Bash) -> Vec<Vec<String>> {
    let mut places = Vec::new();
    for system in systems::names() {
        for verb in bash.offers(&[system, ""]) {
            places.push(vec![system.to_owned(), verb]);
        }
    }
    for verb in BATCH.into_iter().chain(["pull", "completions", "man"]) {
        places.push(vec![verb.to_owned()]);
    }
    places
}

#[test]
fn what_is_offered_is_known() {
    let (bash, scratch) = (Bash::start(), Scratch::new());
    // No address is given, so nothing is sent whatever is understood.
    let told = |words: &[String], more: Option<String>| {
        let words = words.iter().cloned().chain(more);
        Run::new(words).dir(scratch.path()).output().stderr
    };
    for place in places(&bash) {
        let answer = told(&place, None);
        assert!(!answer.starts_with("avatarctl: unknown "), "{answer}");
        assert!(!answer.contains(" has no "), "{answer}");
        let words: Vec<&str> = place.iter().map(String::as_str).collect();
        for option in bash.offers(&[&words[..], &["-"]].concat()) {
            let mut answer = told(&place, Some(format!("{option}=1")));
            if answer.ends_with(" takes no value\n") {
                answer = told(&place, Some(option.clone()));
            }
            let refused =
                answer.contains("unknown option") || answer.contains("is not an option of");
            assert!(!refused, "{place:?} {option}: {answer}");
        }
    }
}

// --- fish ---

#[test]
fn fish_offers_the_same() {
    if !installed("fish", "AVATARCTL_TESTS_WITHOUT_FISH") {
        return;
    }
    let bash = Bash::start();
    let directory = bash.scratch.join("work");
    let script = bash
        .scratch
        .write("script/avatarctl.fish", printed(&["completions", "fish"]));
    let script = script.to_str().expect("a path of letters");
    run(&directory, &["fish", "--no-config", "-n", script], &[]);
    let offers = |line: &str| {
        let command = format!("source {script}; complete -C 'avatarctl {line}'");
        run(&directory, &["fish", "--no-config", "-c", &command], &[])
    };
    assert_eq!(
        offers("jira "),
        "delete\tdelete a custom avatar\n\
         doctor\tcheck a server, and try it on one account\n\
         list\tlist what there is to choose from\n\
         pull\tread what accounts show now into a folder, as a manifest and pictures\n\
         set\tset one avatar, and check that the server shows it\n\
         show\tshow what an account wears now\n\
         whoami\tsay who the caller is, on which server, and what it may change\n"
    );
    assert_eq!(
        offers("rocketchat set --us"),
        "--user\tthe user's login name\n--user-id\tthe user's id\n"
    );
    assert_eq!(offers("check "), "plain.json\ntwo words.json\n");
    assert_eq!(offers("jira set --image t"), "two words.json\n");
    assert_eq!(offers("jira set --user "), "");
    let names = |line: &str| -> Vec<String> {
        let offers = offers(line);
        let names = offers
            .lines()
            .map(|line| line.split('\t').next().unwrap_or_default());
        names.map(str::to_owned).collect()
    };
    assert_eq!(names(""), bash.offers(&[""]));
    assert_eq!(names("--user check navixy "), bash.offers(&["navixy", ""]));
    assert_eq!(names("completions "), list("bash zsh fish"));
    assert_eq!(names("jira set --color "), list("auto always never"));
    assert_eq!(
        names("check --color=a"),
        list("--color=auto --color=always")
    );
    assert_eq!(names("apply m.json --shard "), list("auto"));
    for place in places(&bash) {
        let words: Vec<&str> = place.iter().map(String::as_str).collect();
        let wanted = bash.offers(&[&words[..], &["--"]].concat());
        assert_eq!(
            names(&format!("{} --", place.join(" "))),
            wanted,
            "{place:?}"
        );
    }
    bash.scratch.write("work/backup/plain.json", "{}");
    assert_eq!(names("pull m.json --to "), ["backup/"]);
}

// --- zsh ---

/// Completes one line in an interactive shell, and keeps what was added to the matches.
const ZSHRC: &str = r#"
fpath=($ZDOTDIR $fpath)
autoload -Uz compinit
compinit -u -D
compadd() {
    if (( ! ${@[(I)-(O|A|D)*]} )); then
        local -a found
        builtin compadd -A found "$@"
        print -rl -- "${found[@]}" >>$ZDOTDIR/found
    fi
    builtin compadd "$@"
}
zle-line-init() {
    BUFFER=$LINE CURSOR=$#LINE
    zle complete-word
    BUFFER=exit
    zle .accept-line
}
zle -N zle-line-init
"#;

/// A terminal for it.
const TERMINAL: &str = r#"
zmodload zsh/zpty
: >$ZDOTDIR/found
zpty shell zsh -d -i
while zpty -r shell line; do :; done
cat $ZDOTDIR/found
"#;

#[test]
fn zsh_offers_the_same() {
    if !installed("zsh", "AVATARCTL_TESTS_WITHOUT_ZSH") {
        return;
    }
    let bash = Bash::start();
    let scratch = &bash.scratch;
    let directory = scratch.join("work");
    scratch.write("zsh/.zshrc", ZSHRC);
    let script = scratch.write("zsh/_avatarctl", printed(&["completions", "zsh"]));
    let script = script.to_str().expect("a path of letters");
    run(&directory, &["zsh", "-n", script], &[]);
    let home = scratch.join("zsh");
    let home = home.to_str().expect("a path of letters");
    let offers = |line: &str| {
        let line = format!("avatarctl {line}");
        let environment = [("ZDOTDIR", home), ("LINE", &line)];
        let found = run(&directory, &["zsh", "-f", "-c", TERMINAL], &environment);
        let found: BTreeSet<&str> = found.lines().filter(|line| !line.is_empty()).collect();
        found.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(offers(""), bash.offers(&[""]));
    assert_eq!(offers("jira "), bash.offers(&["jira", ""]));
    assert_eq!(offers("--user check navixy "), bash.offers(&["navixy", ""]));
    assert_eq!(offers("rocketchat re"), list("reset"));
    assert_eq!(offers("check "), ["plain.json", "two\\ words.json"]);
    assert_eq!(offers("jira set --image=t"), ["two\\ words.json"]);
    assert_eq!(offers("jira set --color "), list("auto always never"));
    assert_eq!(offers("jira set --color=a"), list("auto always"));
    assert_eq!(offers("jira set --user "), list(""));
    assert_eq!(offers("apply m.json --shard "), list("auto"));
    assert_eq!(offers("completions "), list("bash zsh fish"));
    for place in places(&bash) {
        let words: Vec<&str> = place.iter().map(String::as_str).collect();
        let wanted = bash.offers(&[&words[..], &["--"]].concat());
        assert_eq!(
            offers(&format!("{} --", place.join(" "))),
            wanted,
            "{place:?}"
        );
    }
    bash.scratch.write("work/backup/plain.json", "{}");
    assert_eq!(offers("pull m.json --to "), ["backup"]);
}

// --- the manual page ---

#[test]
fn the_manual_page_has_every_verb_option_and_exit_status() {
    if !installed("groff", "AVATARCTL_TESTS_WITHOUT_GROFF") {
        return;
    }
    let bash = Bash::start();
    let page = bash.scratch.write("avatarctl.1", printed(&["man"]));
    let page = page.to_str().expect("a path of letters");
    // Plain text, and a warning would stand on standard error.
    let groff = ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", page];
    let text = run(bash.scratch.path(), &groff, &[]);
    let titles = text
        .lines()
        .filter(|line| !line.starts_with(' ') && !line.is_empty());
    let titles: Vec<&str> = titles
        .filter(|line| !line.contains("AVATARCTL(1)"))
        .collect();
    assert_eq!(
        titles,
        [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "COMMANDS",
            "OPTIONS",
            "JIRA",
            "ROCKET.CHAT",
            "NAVIXY",
            "MATRIX",
            "ENVIRONMENT",
            "EXIT STATUS",
            "EXAMPLES",
        ]
    );
    let section = |title: &str| -> Vec<&str> {
        let lines = text.lines().skip_while(|line| *line != title).skip(1);
        lines
            .take_while(|line| line.starts_with(' ') || line.is_empty())
            .collect()
    };
    let statuses: Vec<u8> = section("EXIT STATUS")
        .iter()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    assert_eq!(
        statuses,
        [0, 1, 2, 64, 65, 66, 67, 69, 75, 76, 77, 78, 129, 130, 143]
    );

    // The terms of a list: a verb or an option at the margin.
    let margin = |line: &&str| line.starts_with("       ") && !line.starts_with("        ");
    let terms = |title| -> BTreeSet<String> {
        let words = section(title).into_iter().filter(margin);
        let words = words.flat_map(|line| line.split([' ', ',']));
        words.map(str::to_owned).collect()
    };
    let mut verbs = BTreeSet::new();
    let mut options = BTreeSet::new();
    for place in places(&bash) {
        let verb = place.last().expect("a verb").clone();
        let help = printed(&[&verb, "--help"]);
        verbs.insert(verb);
        options.extend(typed(&help));
    }
    options.extend(typed(&printed(&["--help"])));
    for system in systems::names() {
        options.extend(typed(&printed(&[system, "--help"])));
    }
    assert!(options.len() > 30, "options are found: {options:?}");
    let commands = terms("COMMANDS");
    let missing: Vec<_> = verbs.difference(&commands).collect();
    assert_eq!(missing, [""; 0], "verbs");
    let told = terms("OPTIONS");
    let missing: Vec<_> = options.difference(&told).collect();
    assert_eq!(missing, [""; 0], "options");
}

/// The options that a help names; a value in an example or behind an equals sign is none.
fn typed(help: &str) -> Vec<String> {
    let words = help.split(|c: char| c.is_whitespace() || "[](),|;:=.".contains(c));
    let options = words.filter(|word| word.len() > 2 && word.starts_with("--"));
    options
        .filter(|word| *word != "--option")
        .map(str::to_owned)
        .collect()
}

// --- what is refused ---

#[test]
fn a_shell_and_nothing_else_is_asked_for() {
    for (words, message) in [
        (
            &["completions"][..],
            "avatarctl: completions needs a shell\nhint: name one of bash, zsh, fish\n",
        ),
        (
            &["completions", "powershell"],
            "avatarctl: unknown shell \"powershell\"\nhint: name one of bash, zsh, fish\n",
        ),
        (
            &["completions", "bsh"],
            "avatarctl: unknown shell \"bsh\"\nhint: the nearest one is bash\n",
        ),
        (
            &["completions", "bash", "zsh"],
            "avatarctl: unexpected argument \"zsh\"\n",
        ),
        (
            &["completions", "bash", "-q"],
            "avatarctl: --quiet is not an option of completions\n",
        ),
        (
            &["man", "extra"],
            "avatarctl: unexpected argument \"extra\"\n",
        ),
        (
            &["man", "--force"],
            "avatarctl: --force is not an option of man\n",
        ),
    ] {
        Run::new(words.iter().copied()).gives(64, "", message);
    }
}
