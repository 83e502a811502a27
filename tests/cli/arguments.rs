//! The command line as it is typed: what is refused before anything is sent, and the texts that help.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::LazyLock;

use crate::support::printed::summary_line;
use crate::support::systems::{self, Servers};
use crate::support::{Jira, Run, Scratch, pictures};

/// The help of no system and no verb.
const HELP: &str = include_str!("../golden/help/avatarctl.txt");
/// What each system's own file says.
static SYSTEMS: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/system");
    let read = |name| std::fs::read_to_string(root.join(format!("{name}.txt")));
    let help = |name| (name, read(name).expect("a help beside the system"));
    systems::names().map(help).into()
});
const VERBS: [(&str, &str); 7] = [
    ("set", include_str!("../golden/help/set.txt")),
    ("show", include_str!("../golden/help/show.txt")),
    ("list", include_str!("../golden/help/list.txt")),
    ("reset", include_str!("../golden/help/reset.txt")),
    ("delete", include_str!("../golden/help/delete.txt")),
    ("whoami", include_str!("../../src/cli/help/whoami.txt")),
    ("doctor", include_str!("../golden/help/doctor.txt")),
];
const OTHERS: [(&str, &str); 7] = [
    ("pull", include_str!("../golden/help/pull.txt")),
    ("check", include_str!("../golden/help/check.txt")),
    ("diff", include_str!("../golden/help/diff.txt")),
    ("apply", include_str!("../golden/help/apply.txt")),
    ("example", include_str!("../../src/cli/help/example.txt")),
    (
        "completions",
        include_str!("../../src/cli/help/completions.txt"),
    ),
    ("man", include_str!("../../src/cli/help/man.txt")),
];

/// A run that could ask every system and does not.
struct Untouched(Servers);

impl Untouched {
    fn start() -> Untouched {
        Untouched(Servers::uncalled())
    }

    fn run<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        self.0.let_in(Run::new(arguments))
    }
}

/// Every row is a command line, its words between blanks (`''` is an empty one, `_` a blank), and what standard
/// error says; the status is 64, standard output is empty, and nothing is sent.
#[track_caller]
fn refused(rows: &[(&str, &str)]) {
    let untouched = Untouched::start();
    for (line, message) in rows {
        let word = |word: &str| word.replace("''", "").replace('_', " ");
        let arguments: Vec<String> = line.split_ascii_whitespace().map(word).collect();
        let output = untouched.run(&arguments).output();
        println!("avatarctl {line}");
        let mut options = arguments.iter().take_while(|word| *word != "--");
        let stdout = match options.any(|word| word == "--json") {
            true => summary_line(0, 0, 1, 64),
            false => String::new(),
        };
        output.gives(64, &stdout, &format!("{message}\n"));
    }
}

#[test]
fn no_arguments_are_answered_with_the_help_on_standard_error() {
    Untouched::start().run::<&str>([]).gives(64, "", HELP);
}

#[test]
fn a_system_and_a_verb_are_needed() {
    refused(&[
        (
            "--json",
            "avatarctl: a system is missing\nhint: name one of jira, rocketchat, navixy, matrix, or check, diff or apply",
        ),
        (
            "--",
            "avatarctl: a system is missing\nhint: name one of jira, rocketchat, navixy, matrix, or check, diff or apply",
        ),
        (
            "jira",
            "avatarctl: a verb is missing after jira\nhint: name one of set, show, list, delete, whoami, pull, doctor",
        ),
        (
            "jira --avatar-id 5",
            "avatarctl: a verb is missing after jira\nhint: name one of set, show, list, delete, whoami, pull, doctor",
        ),
        (
            "jir set",
            "avatarctl: unknown system \"jir\"\nhint: the nearest one is jira",
        ),
        (
            "rocket.chat set",
            "avatarctl: unknown system \"rocket.chat\"\nhint: the nearest one is rocketchat",
        ),
        (
            "set jira",
            "avatarctl: set needs a system before it\nhint: write avatarctl jira set; the systems are jira, rocketchat, navixy, matrix",
        ),
        (
            "whoami",
            "avatarctl: whoami needs a system before it\nhint: write avatarctl SYSTEM whoami; the systems are jira, rocketchat, navixy, matrix",
        ),
        (
            "jira who",
            "avatarctl: unknown verb \"who\"\nhint: the nearest one is whoami",
        ),
        (
            "jira apply m.json",
            "avatarctl: apply is not a verb of jira\nhint: see avatarctl apply --help",
        ),
        (
            "'' set",
            "avatarctl: unknown system \"\"\nhint: name one of jira, rocketchat, navixy, matrix, pull, check, diff, apply, example, completions, man",
        ),
        (
            "- set",
            "avatarctl: unknown system \"-\"\nhint: name one of jira, rocketchat, navixy, matrix, pull, check, diff, apply, example, completions, man",
        ),
        (
            "jira sett",
            "avatarctl: unknown verb \"sett\"\nhint: the nearest one is set",
        ),
        (
            "jira lst",
            "avatarctl: unknown verb \"lst\"\nhint: the nearest one is list",
        ),
        (
            "navixy upload",
            "avatarctl: unknown verb \"upload\"\nhint: name one of set, show, list, whoami, pull, doctor",
        ),
        (
            "jira set robot --avatar-id 5",
            "avatarctl: unexpected argument \"robot\"",
        ),
        (
            "jira show robot",
            "avatarctl: unexpected argument \"robot\"",
        ),
        (
            "jira set --avatar-id 5 5",
            "avatarctl: unexpected argument \"5\"",
        ),
    ]);
}

#[test]
fn a_verb_that_a_system_lacks_is_answered_with_what_to_do_instead() {
    refused(&[
        (
            "jira reset",
            "avatarctl: Jira has no reset\nhint: select a system avatar with set --avatar-id; jira list shows their ids",
        ),
        (
            "navixy reset --employee-id 2132",
            "avatarctl: Navixy has no reset\nhint: set --icon-id null shows the uploaded picture instead of an icon",
        ),
        (
            "navixy delete --employee-id 2132",
            "avatarctl: Navixy has no delete\nhint: an uploaded picture cannot be deleted; set --image replaces it, set --icon-id hides it",
        ),
        (
            "rocketchat delete --user build-bot",
            "avatarctl: Rocket.Chat has no delete\nhint: an account has one avatar; set replaces it",
        ),
    ]);
}

#[test]
fn an_unknown_option_is_answered_with_the_nearest_one() {
    refused(&[
        (
            "jira set --forse",
            "avatarctl: unknown option \"--forse\"\nhint: the nearest one is --force",
        ),
        (
            "jira set --avatarid 5",
            "avatarctl: unknown option \"--avatarid\"\nhint: the nearest one is --avatar-id",
        ),
        (
            "jira set --avatar_id=5",
            "avatarctl: unknown option \"--avatar id\"\nhint: the nearest one is --avatar-id",
        ),
        (
            "rocketchat show --userid=5",
            "avatarctl: unknown option \"--userid\"\nhint: the nearest one is --user-id",
        ),
        (
            "--hlep",
            "avatarctl: unknown option \"--hlep\"\nhint: the nearest one is --help",
        ),
        (
            "jira show --jso",
            "avatarctl: unknown option \"--jso\"\nhint: the nearest one is --json",
        ),
        (
            "jira show -json",
            "avatarctl: unknown option \"-json\"\nhint: the nearest one is --json",
        ),
        (
            "jira show --=x",
            "avatarctl: unknown option \"--\"\nhint: the nearest one is --url",
        ),
    ]);
}

/// A word in the wrong letter case differs in nothing else.
#[test]
fn the_nearest_word_is_found_in_any_letter_case() {
    refused(&[
        (
            "jira show --JSON",
            "avatarctl: unknown option \"--JSON\"\nhint: the nearest one is --json",
        ),
        (
            "JIRA set",
            "avatarctl: unknown system \"JIRA\"\nhint: the nearest one is jira",
        ),
        (
            "jira SHOW",
            "avatarctl: unknown verb \"SHOW\"\nhint: the nearest one is show",
        ),
    ]);
}

#[test]
fn an_option_is_given_once() {
    refused(&[
        (
            "jira show --json --json",
            "avatarctl: --json is given twice",
        ),
        ("jira show -q --quiet", "avatarctl: --quiet is given twice"),
        (
            "jira show --user a --user b",
            "avatarctl: --user is given twice",
        ),
        (
            "jira show --user=a --user a",
            "avatarctl: --user is given twice",
        ),
        (
            "jira set --avatar-id 5 --avatar-id=5",
            "avatarctl: --avatar-id is given twice",
        ),
        (
            "jira show --url http://a --url http://b",
            "avatarctl: --url is given twice",
        ),
        ("jira -h show --help", "avatarctl: --help is given twice"),
    ]);
}

#[test]
fn an_option_that_takes_a_value_gets_one() {
    let hint = |name: &str, value: &str| {
        format!(
            "avatarctl: {name} needs a value, and \"{value}\" looks like an option\n\
             hint: write {name}=VALUE for a value that begins with -"
        )
    };
    refused(&[
        (
            "jira set --avatar-id",
            "avatarctl: --avatar-id needs a value",
        ),
        ("jira show --url", "avatarctl: --url needs a value"),
        (
            "jira set --user --avatar-id 5",
            &hint("--user", "--avatar-id"),
        ),
        (
            "jira set --user --avatar-id=5",
            &hint("--user", "--avatar-id"),
        ),
        ("jira set --image -- picture.png", &hint("--image", "--")),
        ("jira set --avatar-id -1", &hint("--avatar-id", "-1")),
        ("jira show --user -q", &hint("--user", "-q")),
        ("jira show --timeout -5", &hint("--timeout", "-5")),
        (
            "navixy set --icon-id 5 --employee-id -7",
            &hint("--employee-id", "-7"),
        ),
        ("jira show --json=1", "avatarctl: --json takes no value"),
        ("jira show --json=", "avatarctl: --json takes no value"),
        ("jira show -q=1", "avatarctl: --quiet takes no value"),
        ("jira show -v=2", "avatarctl: --verbose takes no value"),
        (
            "jira show --force=true",
            "avatarctl: --force takes no value",
        ),
        (
            "jira show --no-verify=no",
            "avatarctl: --no-verify takes no value",
        ),
        ("jira show --help=set", "avatarctl: --help takes no value"),
    ]);
}

/// Only a picture is written to standard output; elsewhere `-` would become a file of that name.
#[test]
fn a_file_to_write_is_no_dash_and_not_empty() {
    for (line, name) in [
        ("jira list --html", "--html"),
        ("jira doctor --har", "--har"),
        ("jira pull robot --to", "--to"),
        ("apply avatars.json --html", "--html"),
        ("apply avatars.json --junit", "--junit"),
        ("apply avatars.json --state", "--state"),
    ] {
        refused(&[
            (
                &format!("{line} -"),
                &format!(
                    "avatarctl: {name} takes a path, not -\nhint: write ./- for one of that name"
                ),
            ),
            (
                &format!("{line}="),
                &format!(
                    "avatarctl: {name} is empty\nhint: is the variable that it comes from set?"
                ),
            ),
        ]);
    }
}

/// An unset variable of a Makefile must not change the administrator's own picture.
#[test]
fn an_empty_target_is_never_no_target() {
    let empty = |name: &str| {
        format!("avatarctl: {name} is empty\nhint: is the variable that it comes from set?")
    };
    refused(&[
        ("jira set --user '' --avatar-id 5", &empty("--user")),
        ("jira set --user= --avatar-id 5", &empty("--user")),
        ("jira set --user _ --avatar-id 5", &empty("--user")),
        ("jira set --user=__ --avatar-id 5", &empty("--user")),
        ("jira set --user=\u{a0} --avatar-id 5", &empty("--user")),
        ("jira show --user ''", &empty("--user")),
        ("jira list --user=", &empty("--user")),
        (
            "rocketchat set --user-id '' --image x.png",
            &empty("--user-id"),
        ),
        ("rocketchat set --user= --image x.png", &empty("--user")),
        ("rocketchat show --user=", &empty("--user")),
        (
            "navixy set --employee-id '' --icon-id 5",
            &empty("--employee-id"),
        ),
        (
            "navixy set --employee-id= --icon-id 5",
            &empty("--employee-id"),
        ),
        ("navixy show --employee-id=_", &empty("--employee-id")),
        ("jira set --avatar-id=", &empty("--avatar-id")),
        ("jira set --image ''", &empty("--image")),
        ("rocketchat set --avatar-url=", &empty("--avatar-url")),
        (
            "navixy set --employee-id 5 --icon-id ''",
            &empty("--icon-id"),
        ),
    ]);
}

#[test]
fn one_target_and_one_source() {
    refused(&[
        (
            "rocketchat set --user a --user-id b --image x.png",
            "avatarctl: --user and --user-id both name the target",
        ),
        (
            "rocketchat show --user-id b --user a",
            "avatarctl: --user and --user-id both name the target",
        ),
        (
            "jira set",
            "avatarctl: jira set needs --avatar-id or --image",
        ),
        (
            "jira set --user robot",
            "avatarctl: jira set needs --avatar-id or --image",
        ),
        (
            "rocketchat set",
            "avatarctl: rocketchat set needs --image or --avatar-url",
        ),
        (
            "navixy set --employee-id 5",
            "avatarctl: navixy set needs --icon-id or --image",
        ),
        (
            "jira set --image x.png --avatar-id 5",
            "avatarctl: --avatar-id and --image both name the avatar",
        ),
        (
            "rocketchat set --avatar-url http://a/b --image -",
            "avatarctl: --image and --avatar-url both name the avatar",
        ),
        (
            "navixy set --employee-id 5 --icon-id null --image -",
            "avatarctl: --icon-id and --image both name the avatar",
        ),
        (
            "navixy set --icon-id 5",
            "avatarctl: navixy set needs --employee-id",
        ),
        ("navixy set", "avatarctl: navixy set needs --employee-id"),
        ("navixy show", "avatarctl: navixy show needs --employee-id"),
    ]);
}

#[test]
fn an_id_is_a_number_from_1_up() {
    let not = |name: &str, value: &str| {
        format!("avatarctl: {name} takes a number from 1 up, not \"{value}\"")
    };
    let null =
        |value: &str| not("--icon-id", value) + "\nhint: --icon-id null shows the uploaded picture";
    refused(&[
        ("jira set --avatar-id abc", &not("--avatar-id", "abc")),
        ("jira set --avatar-id 12x", &not("--avatar-id", "12x")),
        ("jira set --avatar-id=-1", &not("--avatar-id", "-1")),
        ("jira set --avatar-id 0", &not("--avatar-id", "0")),
        ("jira set --avatar-id 000", &not("--avatar-id", "000")),
        ("jira set --avatar-id +5", &not("--avatar-id", "+5")),
        ("jira set --avatar-id 5.0", &not("--avatar-id", "5.0")),
        ("jira set --avatar-id 0x10", &not("--avatar-id", "0x10")),
        (
            "jira set --avatar-id \u{665}",
            &not("--avatar-id", "\u{665}"),
        ),
        ("jira set --avatar-id null", &not("--avatar-id", "null")),
        (
            "navixy set --employee-id abc --icon-id 5",
            &not("--employee-id", "abc"),
        ),
        (
            "navixy set --employee-id=+5 --icon-id 5",
            &not("--employee-id", "+5"),
        ),
        (
            "navixy set --employee-id 0 --icon-id 5",
            &not("--employee-id", "0"),
        ),
        (
            "navixy show --employee-id null",
            &not("--employee-id", "null"),
        ),
        ("navixy set --employee-id 5 --icon-id abc", &null("abc")),
        ("navixy set --employee-id 5 --icon-id NULL", &null("NULL")),
        ("navixy set --employee-id 5 --icon-id 0", &null("0")),
        ("navixy set --employee-id 5 --icon-id=-1", &null("-1")),
    ]);
}

/// What is wrong about ` 5` is the blank, so the blank must be seen.
#[test]
fn an_id_with_a_blank_is_shown_with_its_blank() {
    refused(&[
        (
            "jira set --avatar-id _5",
            "avatarctl: --avatar-id takes a number from 1 up, not \" 5\"",
        ),
        (
            "navixy show --employee-id=5_",
            "avatarctl: --employee-id takes a number from 1 up, not \"5 \"",
        ),
    ]);
}

/// Thirty digits are a number from 1 up: another sentence is due.
#[test]
fn an_id_that_no_server_can_hold_is_refused_for_its_size() {
    let digits = "123456789012345678901234567890";
    refused(&[
        (
            &format!("jira set --avatar-id {digits}"),
            &format!("avatarctl: --avatar-id: \"{digits}\" is too large for an id"),
        ),
        (
            &format!("navixy show --employee-id {digits}"),
            &format!("avatarctl: --employee-id: \"{digits}\" is too large for an id"),
        ),
    ]);
}

#[test]
fn options_of_another_system_or_verb_are_refused() {
    refused(&[
        (
            "jira set --icon-id 5",
            "avatarctl: --icon-id is not an option of jira set\nhint: the nearest one is --avatar-id",
        ),
        (
            "jira set --user-id 5 --avatar-id 5",
            "avatarctl: --user-id is not an option of jira set\nhint: the nearest one is --user",
        ),
        (
            "navixy set --employee-id 5 --avatar-id 5",
            "avatarctl: --avatar-id is not an option of navixy set\nhint: the nearest one is --icon-id",
        ),
        (
            "rocketchat set --avatar-id 5",
            "avatarctl: --avatar-id is not an option of rocketchat set\nhint: the nearest one is --avatar-url",
        ),
        (
            "navixy list --employee-id 5",
            "avatarctl: --employee-id is not an option of navixy list",
        ),
        (
            "rocketchat list --user robot",
            "avatarctl: --user is not an option of rocketchat list",
        ),
    ]);
}

/// Who names a target is told how targets are named there, and not the option whose letters look most alike.
#[test]
fn a_foreign_target_is_answered_with_the_systems_own() {
    refused(&[
        (
            "navixy set --user robot --icon-id 5",
            "avatarctl: --user is not an option of navixy set\nhint: the nearest one is --employee-id",
        ),
        (
            "jira show --image x.png",
            "avatarctl: --image is not an option of jira show",
        ),
    ]);
}

/// An unknown option for one system is not answered with an option that this system refuses next.
#[test]
fn the_nearest_option_is_one_of_the_system_that_was_named() {
    refused(&[
        (
            "jira set --avatar-ul 5",
            "avatarctl: unknown option \"--avatar-ul\"\nhint: the nearest one is --avatar-id",
        ),
        (
            "navixy set --employee-id 5 --icn 5",
            "avatarctl: unknown option \"--icn\"\nhint: the nearest one is --icon-id",
        ),
    ]);
}

#[test]
fn times_are_seconds_above_0() {
    for name in ["--timeout", "--connect-timeout", "--max-time"] {
        for value in [
            "0", "0.0", "abc", "", "1e3", "nan", "inf", "5s", "1.2.3", ".", "-5", "+5",
        ] {
            println!("{name}={value}");
            Untouched::start()
                .run(["jira", "show", &format!("{name}={value}")])
                .gives(
                    64,
                    "",
                    &format!("avatarctl: {name} takes seconds above 0, not \"{value}\"\n"),
                );
        }
    }
}

#[test]
fn colors_are_three() {
    let not =
        |value: &str| format!("avatarctl: --color takes auto, always or never, not \"{value}\"");
    refused(&[
        ("jira show --color yes", &not("yes")),
        ("jira show --color=", &not("")),
        ("jira show --color=Always", &not("Always")),
        ("jira show --color", "avatarctl: --color needs a value"),
    ]);
}

#[test]
fn an_address_for_the_server_to_download_is_http_and_not_repeated() {
    let refusal =
        "avatarctl: --avatar-url takes an http or https address\nhint: upload a file with --image";
    refused(&[
        (
            "rocketchat set --avatar-url picture.png?sig=hunter2",
            refusal,
        ),
        ("rocketchat set --avatar-url file:///etc/passwd", refusal),
        (
            "rocketchat set --avatar-url ftp://u:hunter2@host/x.png",
            refusal,
        ),
        (
            "rocketchat set --avatar-url=http://host/a_b.png?sig=hunter2",
            refusal,
        ),
        (
            "rocketchat set --avatar-url=http://host/a\u{7f}b.png",
            refusal,
        ),
        (
            "rocketchat set --avatar-url=data:image/png;base64,AAAA",
            refusal,
        ),
    ]);
}

#[test]
fn a_secret_on_the_command_line_is_not_repeated() {
    let secrets = "hint: a secret is never given on the command line; set the system's variables, which avatarctl SYSTEM --help names";
    for name in [
        "--password",
        "--token",
        "--auth-token",
        "--hash",
        "--api-key",
        "--secret",
        "--login",
        "--credentials",
    ] {
        let wanted = format!("avatarctl: unknown option \"{name}\"\n{secrets}");
        refused(&[
            (&format!("jira set {name} hunter2 --avatar-id 5"), &wanted),
            (&format!("rocketchat show {name}=hunter2"), &wanted),
            (&format!("navixy {name}=hunter2=x"), &wanted),
        ]);
    }
    refused(&[
        (
            "jira show --user --password=hunter2",
            "avatarctl: --user needs a value, and \"--password\" looks like an option\n\
             hint: write --user=VALUE for a value that begins with -",
        ),
        (
            "jira show --json=hunter2",
            "avatarctl: --json takes no value",
        ),
    ]);
}

/// `-phunter2` is how database clients take a password, `-uuser:hunter2` how curl does.
#[test]
fn a_secret_that_hangs_on_a_letter_is_not_repeated() {
    let untouched = Untouched::start();
    for word in ["-phunter2", "-urobot:hunter2"] {
        for arguments in [
            vec!["jira", "show", word],
            vec!["jira", "show", "--user", word],
        ] {
            let output = untouched.run(arguments).output();
            assert_eq!((output.status, output.stdout.as_str()), (64, ""));
            assert!(!output.stderr.contains("hunter2"), "{output:?}");
        }
    }
}

/// `make` takes variables behind the command, the shell before it: this one is in the wrong place.
#[test]
fn a_secret_that_is_assigned_behind_the_command_is_not_repeated() {
    let untouched = Untouched::start();
    for arguments in [
        ["jira", "show", "JIRA_TOKEN=hunter2"],
        ["JIRA_TOKEN=hunter2", "jira", "show"],
        ["jira", "JIRA_TOKEN=hunter2", "show"],
    ] {
        let output = untouched.run(arguments).output();
        assert_eq!((output.status, output.stdout.as_str()), (64, ""));
        assert!(!output.stderr.contains("hunter2"), "{output:?}");
    }
}

#[test]
fn arguments_that_are_no_utf_8_are_refused_where_text_is_needed() {
    let broken = |text: &str| OsString::from_vec([text.as_bytes(), b"\xff"].concat());
    let untouched = Untouched::start();
    for (arguments, message) in [
        (
            vec![broken("jira")],
            "unknown system \"jira\u{fffd}\"\nhint: the nearest one is jira",
        ),
        (
            vec!["jira".into(), broken("set")],
            "unknown verb \"set\u{fffd}\"\nhint: the nearest one is set",
        ),
        (
            vec!["check".into(), "m.json".into(), broken("--only=")],
            "--only is not valid UTF-8",
        ),
        (
            vec!["completions".into(), broken("bash")],
            "unknown shell \"bash\u{fffd}\"\nhint: the nearest one is bash",
        ),
        (
            vec!["jira".into(), "show".into(), broken("x")],
            "unexpected argument \"x\u{fffd}\"",
        ),
        (
            vec!["jira".into(), "show".into(), broken("--user=")],
            "--user is not valid UTF-8",
        ),
        (
            vec!["jira".into(), "show".into(), "--user".into(), broken("x")],
            "--user is not valid UTF-8",
        ),
        (
            vec!["jira".into(), "set".into(), broken("--avatar-id=5")],
            "--avatar-id is not valid UTF-8",
        ),
        (
            vec![
                "rocketchat".into(),
                "set".into(),
                broken("--avatar-url=http://a/"),
            ],
            "--avatar-url is not valid UTF-8",
        ),
        (
            vec!["jira".into(), "show".into(), broken("--url=http://a/")],
            "--url is not valid UTF-8",
        ),
        (
            vec!["jira".into(), "show".into(), broken("--timeout=5")],
            "--timeout is not valid UTF-8",
        ),
        (
            vec!["jira".into(), "show".into(), broken("--jso")],
            "unknown option \"--jso\u{fffd}\"\nhint: the nearest one is --json",
        ),
    ] {
        untouched
            .run(arguments)
            .gives(64, "", &format!("avatarctl: {message}\n"));
    }
}

/// A file may be called anything, and a path is taken as it is: what is said of it is said of this file.
#[test]
fn a_path_may_be_any_bytes() {
    let broken = |text: &str| OsString::from_vec([text.as_bytes(), b"\xff"].concat());
    let scratch = Scratch::new();
    let place = scratch.path().join(broken("m"));
    let manifest = include_str!("../golden/example.json");
    std::fs::write(&place, manifest).expect("scratch is writable");
    let run = |words: &[&str], path: OsString| {
        Run::new(words)
            .arg(path)
            .dir(scratch.path())
            .env("JIRA_URL", "https://127.0.0.1:9")
            .env("JIRA_TOKEN", "t")
    };
    run(&["check"], broken("m")).gives(0, "6 accounts on 4 servers: no errors, no warnings\n", "");
    run(&["check", "--html"], broken("h"))
        .arg(broken("m"))
        .gives(0, "6 accounts on 4 servers: no errors, no warnings\n", "");
    assert!(scratch.path().join(broken("h")).exists());
    let missing = "no such file or directory";
    for (words, path, status, what) in [
        (
            &["check"][..],
            broken("x"),
            66,
            "cannot read the manifest \"x\u{fffd}\"",
        ),
        (
            &["jira", "set", "--image"],
            broken("x"),
            66,
            "jira: cannot read the picture \"x\u{fffd}\"",
        ),
        (
            &["jira", "show", "--ca-file"],
            broken("x"),
            78,
            "jira: cannot read the CA file \"x\u{fffd}\"",
        ),
    ] {
        run(words, path).gives(status, "", &format!("avatarctl: {what}: {missing}\n"));
    }
    // None of these is refused for its bytes; what comes next says so.
    for option in ["--state", "--junit", "--html", "--netrc", "--client-cert"] {
        let output = run(&["diff", option], broken("x"))
            .arg("none.json")
            .output();
        output.gives(
            66,
            "",
            &format!("avatarctl: cannot read the manifest \"none.json\": {missing}\n"),
        );
    }
}

// ------------------------------------------------------------------------------------- what is understood

/// Every row means the same: robot wears avatar 10122, which it does already.
#[test]
fn order_and_spelling_are_free() {
    let jira = Jira::start();
    for line in [
        "jira set --user robot --avatar-id 10122",
        "jira set --user=robot --avatar-id=10122",
        "--user robot --avatar-id 10122 jira set",
        "jira --avatar-id 10122 set --user robot",
        "--avatar-id=10122 jira --user robot set",
        "--user robot --avatar-id 10122 -- jira set",
        "jira --user robot --avatar-id 10122 -- set",
        "jira set --user robot --avatar-id 10122 --",
        "jira set --user robot --avatar-id 0010122",
    ] {
        println!("{line}");
        Run::new(line.split(' '))
            .with(&jira)
            .gives(0, "jira robot: avatar 10122, unchanged\n", "");
    }
    assert_eq!(jira.model().user("robot").selected, 10122);
}

#[test]
fn two_dashes_end_the_options() {
    refused(&[
        (
            "jira show -- --json",
            "avatarctl: unexpected argument \"--json\"",
        ),
        (
            "jira -- --json",
            "avatarctl: unknown verb \"--json\"\nhint: name one of set, show, list, delete, whoami, pull, doctor",
        ),
        ("jira show -- --", "avatarctl: unexpected argument \"--\""),
    ]);
}

#[test]
fn a_value_may_look_like_an_option_behind_an_equals_sign() {
    let scratch = Scratch::new();
    for name in ["--json", "-q", "--image=x", "--user"] {
        scratch.write(name, pictures::png(48, 48, 1));
        let jira = Jira::start();
        Run::new(["jira", "set", &format!("--image={name}")])
            .with(&jira)
            .dir(scratch.path())
            .gives(
                0,
                &format!("jira robot: image {name} (avatar 24901, was 10122)\n"),
                "",
            );
    }
    let jira = Jira::start();
    Run::new(["jira", "show", "--user=--json", "--json"])
        .with(&jira)
        .gives(
            67,
            "{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"server\":\"URL\",\"account\":\"--json\",\"action\":\"show\",\
             \"outcome\":\"failed\",\"error\":{\"class\":\"target\",\"exit\":67,\"status\":404,\
             \"message\":\"look up the avatars of \\\"--json\\\": not found: The user named '--json' does not exist\",\"hint\":null}}\n\
             {\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":0,\"failed\":1,\"pending\":0,\"skipped\":0,\"exit\":67}\n",
            "avatarctl: jira --json: look up the avatars of \"--json\": not found: The user named '--json' does not exist\n",
        );
}

#[test]
fn an_equals_sign_belongs_to_the_value_behind_the_first_one() {
    let scratch = Scratch::new();
    scratch.write("a=b.png", pictures::png(48, 48, 1));
    for argument in ["--image=a=b.png", "--image=./a=b.png"] {
        let jira = Jira::start();
        Run::new(["jira", "set", argument])
            .with(&jira)
            .dir(scratch.path())
            .gives(
                0,
                "jira robot: image a=b.png (avatar 24901, was 10122)\n",
                "",
            );
    }
}

// ------------------------------------------------------------------------------------- help and version

/// Every way to ask, and the text that is the answer.
fn help_forms() -> Vec<(Vec<&'static str>, &'static str)> {
    let mut forms = vec![
        (vec!["--help"], HELP),
        (vec!["-h"], HELP),
        (vec!["--help", "--json"], HELP),
        (vec!["no-such-system", "--help"], HELP),
        (vec!["help"], HELP),
        (vec!["help", "navixy", "set"], VERBS[0].1),
    ];
    for (system, text) in SYSTEMS.iter() {
        let (system, text) = (*system, text.as_str());
        forms.push((vec![system, "--help"], text));
        forms.push((vec![system, "-h"], text));
        forms.push((vec!["--help", system], text));
        for (verb, text) in VERBS {
            forms.push((vec![system, verb, "--help"], text));
            forms.push((vec![system, "-h", verb], text));
        }
    }
    for (verb, text) in VERBS.into_iter().chain(OTHERS) {
        forms.push((vec![verb, "--help"], text));
        forms.push((vec!["-h", verb], text));
    }
    forms
}

#[test]
fn help_is_an_answer_on_standard_output() {
    for (arguments, text) in help_forms() {
        println!("{arguments:?}");
        Untouched::start().run(arguments).gives(0, text, "");
    }
}

#[test]
fn help_needs_neither_a_target_nor_a_source() {
    Run::new(["navixy", "set", "--help"]).gives(0, VERBS[0].1, "");
}

#[test]
fn help_fits_a_terminal_and_ends_in_a_line_end() {
    for (arguments, text) in help_forms() {
        assert!(
            text.ends_with('\n') && !text.ends_with("\n\n"),
            "{arguments:?}"
        );
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
            assert_eq!(line.trim_end(), line, "{arguments:?}");
            assert!(!line.contains(char::is_control), "{arguments:?}: {line}");
        }
    }
}

/// A word of a text, so that `--user` is not found in `--user-id`.
fn names(text: &str, word: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || ",|[]();:".contains(c))
        .any(|given| given.trim_end_matches('.') == word)
}

#[test]
fn help_names_every_option_system_and_verb() {
    for option in [
        "--url",
        "--ca-file",
        "--client-cert",
        "--client-key",
        "--insecure",
        "--proxy",
        "--netrc",
        "--retries",
        "--connect-timeout",
        "--timeout",
        "--max-time",
        "--no-verify",
        "--force",
        "--json",
        "-q",
        "--quiet",
        "-v",
        "-vv",
        "--color",
        "-h",
        "--help",
        "-V",
        "--version",
    ] {
        assert!(names(HELP, option), "{option}");
    }
    for word in systems::names().iter().chain(&VERBS.map(|(name, _)| name)) {
        assert!(names(HELP, word), "{word}");
    }
    for (system, help) in systems::ALL.into_iter().zip(SYSTEMS.iter()) {
        let (name, help) = help;
        let address = name.to_uppercase() + "_URL";
        let logins = system.logins.concat();
        let variables = logins.iter().map(|(name, _)| *name);
        for variable in variables.chain([address.as_str()]) {
            assert!(names(help, variable), "{name} --help names {variable}");
            assert!(names(HELP, variable), "--help names {variable}");
        }
        for option in system.targets.iter().chain(system.sources) {
            assert!(names(help, option), "{name} --help names {option}");
            assert!(names(VERBS[0].1, option), "set --help names {option}");
        }
        for (verb, text) in VERBS {
            let offered = verb == "doctor" || system.verb(verb).is_some();
            assert_eq!(names(help, verb), offered, "{name} --help names {verb}");
            if ["set", "show", "list"].contains(&verb) {
                assert!(names(text, name), "{verb} --help names {name}");
            }
        }
    }
    assert!(names(HELP, "ROCKETCHAT_2FA_CODE"));
}

/// What the help shows is what the program takes: each option of the main help, and no other.
#[test]
fn help_promises_nothing_else() {
    let shown: Vec<&str> = HELP
        .lines()
        .filter(|line| line.starts_with("  -"))
        .flat_map(|line| {
            line.trim_start()
                .split("  ")
                .next()
                .unwrap_or_default()
                .split(", ")
        })
        .map(|option| option.split(' ').next().unwrap_or_default())
        .collect();
    assert!(shown.len() >= 17, "{shown:?}");
    for option in shown {
        // Where it takes a value the value is missing; where it takes none all is well but for the system.
        let output = Untouched::start().run([option]).output();
        let known = output.stderr.is_empty()
            || output.stderr == format!("avatarctl: {option} needs a value\n")
            || output
                .stderr
                .starts_with("avatarctl: a system is missing\n");
        assert!(known, "{option}: {output:?}");
    }
}

/// `-qv` is `-q -v`; a letter that is no switch leaves the word as it is.
#[test]
fn switches_may_be_written_together() {
    let jira = Jira::start();
    for together in ["-qv", "-vq", "-vvvq"] {
        let output = Run::new(["jira", "show", together]).with(&jira).output();
        assert_eq!(
            (output.status, output.stdout.as_str()),
            (0, "jira robot: avatar 10122 (system)\n")
        );
        assert!(output.stderr.contains("GET /jira/rest/"), "{output:?}");
    }
    refused(&[
        ("jira show -qq", "avatarctl: --quiet is given twice"),
        ("jira show -qx", "avatarctl: unknown option \"-q\""),
    ]);
}

/// A slip leads neither to an open door nor to a secret on the command line.
#[test]
fn a_hint_is_no_trap() {
    let advice = "hint: a secret is never given on the command line; set the system's variables, which avatarctl SYSTEM --help names";
    refused(&[
        (
            "jira show --jira-token=x",
            &format!("avatarctl: unknown option \"--jira-token\"\n{advice}"),
        ),
        (
            "jira show --passwordd=x",
            &format!("avatarctl: unknown option \"--passwordd\"\n{advice}"),
        ),
        ("jira show -p", "avatarctl: unknown option \"-p\""),
        (
            "jira show --insecur",
            "avatarctl: unknown option \"--insecur\"\nhint: the nearest one is --insecure",
        ),
    ]);
}

/// The version, then what was built for which target. Without git it says no commit.
#[test]
fn the_version_is_one_line() {
    let version = Run::new(["--version"]).output().stdout;
    let build = version
        .strip_prefix(concat!("avatarctl ", env!("CARGO_PKG_VERSION"), " ("))
        .and_then(|rest| rest.strip_suffix(")\n"))
        .unwrap_or_else(|| panic!("{version}"));
    let (commit, target) = match build.split_once(' ') {
        Some((commit, target)) => (Some(commit), target),
        None => (None, build),
    };
    let cloned = Path::new(env!("CARGO_MANIFEST_DIR")).join(".git").exists();
    assert_eq!(commit.is_some(), cloned, "{version}");
    let digits = commit.map(|commit| commit.strip_suffix("-dirty").unwrap_or(commit));
    assert!(
        digits.is_none_or(
            |digits| digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        ),
        "{version}"
    );
    assert!(target.contains("-linux-"), "{version}");
    for arguments in [
        vec!["--version"],
        vec!["-V"],
        vec!["jira", "set", "--version"],
    ] {
        Untouched::start().run(arguments).gives(0, &version, "");
    }
}

#[test]
fn what_is_no_reset_and_no_deletion_is_never_sent() {
    let number =
        |text: &str| format!("avatarctl: --avatar-id takes a number from 1 up, not \"{text}\"");
    refused(&[
        ("jira delete", "avatarctl: jira delete needs --avatar-id"),
        ("jira delete --avatar-id null", &number("null")),
        ("jira delete --avatar-id=24901x", &number("24901x")),
        ("jira delete --avatar-id=-1", &number("-1")),
        (
            "jira delete --avatar-id 24901 --avatar-id 24901",
            "avatarctl: --avatar-id is given twice",
        ),
        (
            "jira delete 24901",
            "avatarctl: jira delete needs --avatar-id",
        ),
        (
            "jira delete --avatar-id= --user robot",
            "avatarctl: --avatar-id is empty\nhint: is the variable that it comes from set?",
        ),
        (
            "jira delete --avatar-id 24901 --user=",
            "avatarctl: --user is empty\nhint: is the variable that it comes from set?",
        ),
        (
            "jira delete --avatar-id 24901 --image a.png",
            "avatarctl: --image is not an option of jira delete\nhint: the nearest one is --avatar-id",
        ),
        (
            "rocketchat delete",
            "avatarctl: Rocket.Chat has no delete\nhint: an account has one avatar; set replaces it",
        ),
        (
            "matrix delete",
            "avatarctl: Matrix has no delete\nhint: an account has one avatar; set replaces it, reset takes it off",
        ),
        (
            "navixy delete --employee-id 2132",
            "avatarctl: Navixy has no delete\nhint: an uploaded picture cannot be deleted; set --image replaces it, set --icon-id hides it",
        ),
        (
            "jira reset --user robot",
            "avatarctl: Jira has no reset\nhint: select a system avatar with set --avatar-id; jira list shows their ids",
        ),
        (
            "navixy reset --employee-id 2132",
            "avatarctl: Navixy has no reset\nhint: set --icon-id null shows the uploaded picture instead of an icon",
        ),
        (
            "rocketchat reset --user= ",
            "avatarctl: --user is empty\nhint: is the variable that it comes from set?",
        ),
        (
            "rocketchat reset --user-id=",
            "avatarctl: --user-id is empty\nhint: is the variable that it comes from set?",
        ),
        (
            "rocketchat reset --user a --user-id b",
            "avatarctl: --user and --user-id both name the target",
        ),
        (
            "rocketchat reset --image a.png",
            "avatarctl: --image is not an option of rocketchat reset",
        ),
        (
            "matrix reset --user=",
            "avatarctl: --user is empty\nhint: is the variable that it comes from set?",
        ),
        (
            "matrix reset --mxc mxc://a/b",
            "avatarctl: --mxc is not an option of matrix reset",
        ),
        (
            "matrix whoami --user robot",
            "avatarctl: --user is not an option of matrix whoami",
        ),
        (
            "jira whoami --user robot",
            "avatarctl: --user is not an option of jira whoami",
        ),
        (
            "rocketchat whoami --user-id x",
            "avatarctl: --user-id is not an option of rocketchat whoami",
        ),
        (
            "navixy whoami --employee-id 2132",
            "avatarctl: --employee-id is not an option of navixy whoami",
        ),
    ]);
}
