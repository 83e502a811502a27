//! The folder: what is there stays unless it is to be replaced, everything appears at once or not at all, and no end of a
//! run leaves anything that lies.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::{ACCOUNTS, Servers, listed, tree};
use crate::apply::state::{start, traced, unprivileged};
use crate::http::proxy::{Proxy, Way};
use crate::support::model::Fault;
use crate::support::printed::NOTHING;
use crate::support::run::in_parallel;
use crate::support::{Jira, Run, Scratch, World, pictures, program};

/// Of one account each that has a picture of its own.
const THREE: &str = r#"
    {"server": "jira", "user": "build-bot", "avatar_id": 1},
    {"server": "chat", "user": "build-bot", "reset": true},
    {"server": "fleet", "employee_id": 2134, "icon_id": 1}"#;

/// The same, and one of the system that is left.
const FOUR: &str = r#"
    {"server": "jira", "user": "build-bot", "avatar_id": 1},
    {"server": "chat", "user": "build-bot", "reset": true},
    {"server": "fleet", "employee_id": 2134, "icon_id": 1},
    {"server": "hs", "user": "build-bot", "reset": true}"#;

/// With what tells whether a file was written again.
fn with_inodes(folder: &Path) -> Vec<(String, u64, i64)> {
    let facts = |name: String| {
        let facts = fs::metadata(folder.join(&name)).expect("it is there");
        (name, facts.ino(), facts.mtime_nsec())
    };
    listed(folder).into_iter().map(facts).collect()
}

#[test]
fn the_same_accounts_give_the_same_files_and_none_is_written_again() {
    let servers = Servers::start();
    servers.declare(ACCOUNTS);
    servers.does("pull m.json --to backup");
    let folder = servers.world.scratch.join("backup");
    let before = with_inodes(&folder);
    for words in ["pull m.json --to backup", "pull m.json --to backup --force"] {
        servers.does(words);
        assert_eq!(with_inodes(&folder), before, "{words}");
    }
    // A folder that is committed has the same bytes on every machine, the times of the state aside.
    servers.does("pull m.json --to elsewhere");
    let but_the_state = |folder: &str| {
        let mut files = tree(&servers.world.scratch.join(folder));
        files.retain(|(name, _)| name != "avatars.json.state");
        files
    };
    assert_eq!(but_the_state("backup"), but_the_state("elsewhere"));
}

/// Everything that would be replaced is named, and nothing is touched.
#[test]
fn what_would_differ_is_a_conflict() {
    let servers = Servers::start();
    servers.declare(THREE);
    servers.does("pull m.json --to backup");
    let folder = servers.world.scratch.join("backup");
    servers
        .world
        .chat()
        .model()
        .give("build-bot", pictures::jpeg(64, 64, 41));
    servers
        .world
        .fleet()
        .model()
        .give(2134, pictures::png(64, 64, 42));
    servers
        .world
        .scratch
        .write("backup/jira/build-bot.png", "mine");
    servers.world.scratch.write("backup/notes.txt", "mine");
    let before = tree(&folder);
    servers.run("pull m.json --to backup").gives(
        64,
        "0 pulled, 1 failed, 3 skipped\n",
        "avatarctl: jira build-bot: skipped: it was read, and nothing is written\n\
         avatarctl: chat build-bot: skipped: it was read, and nothing is written\n\
         avatarctl: fleet 2134: skipped: it was read, and nothing is written\n\
         avatarctl: \"backup/jira/build-bot.png\" is there and differs\n\
         avatarctl: \"backup/chat/build-bot.jpg\" is there and differs\n\
         avatarctl: \"backup/fleet/2134.png\" is there and differs\n\
         avatarctl: \"backup/avatars.json.state\" is there and differs\n\
         hint: nothing was written; name another folder, or give --force to replace files\n",
    );
    assert_eq!(tree(&folder), before);
    let json = servers.run("pull m.json --to backup --json").output();
    assert!(
        json.stdout
            .ends_with("\"pulled\":0,\"failed\":1,\"pending\":0,\"skipped\":3,\"exit\":64}\n"),
        "{json:?}"
    );
    servers.does("pull m.json --to backup --force");
    assert_eq!(servers.world.scratch.read("backup/notes.txt"), "mine");
    let files: Vec<String> = before.into_iter().map(|(name, _)| name).collect();
    assert_eq!(listed(&folder), files);
    servers
        .run("diff backup/avatars.json")
        .gives(0, "0 to change, 3 the same\n", "");
}

/// A picture of another type has another name; the old one stays, and the manifest names the new one.
#[test]
fn force_replaces_files_and_deletes_none() {
    let servers = Servers::start();
    servers.declare(THREE);
    servers.does("pull m.json --to backup");
    servers
        .world
        .chat()
        .model()
        .give("build-bot", pictures::png(64, 64, 41));
    fs::set_permissions(
        servers.world.scratch.join("backup/avatars.json"),
        fs::Permissions::from_mode(0o640),
    )
    .expect("it is ours");
    servers.does("pull m.json --to backup --force");
    let folder = servers.world.scratch.join("backup");
    assert_eq!(
        listed(&folder.join("chat")),
        ["build-bot.jpg", "build-bot.png"]
    );
    assert!(
        servers
            .read("backup/avatars.json")
            .contains("\"chat/build-bot.png\"")
    );
    let mode = fs::metadata(folder.join("avatars.json"))
        .expect("it is there")
        .mode();
    assert_eq!(mode & 0o777, 0o640, "who may read it stays as it was");
}

/// Nothing outside is read or written through what lies in the folder.
#[test]
fn links_and_odd_things_in_the_folder_are_left_alone() {
    let servers = Servers::start();
    servers.declare(THREE);
    let scratch = &servers.world.scratch;
    scratch.write("outside/file", "outside");
    fs::create_dir_all(scratch.join("backup/chat/build-bot.jpg")).expect("ours");
    fs::create_dir(scratch.join("backup/jira")).expect("ours");
    symlink(
        "../../outside/file",
        scratch.join("backup/jira/build-bot.png"),
    )
    .expect("ours");
    symlink("../outside", scratch.join("backup/fleet")).expect("ours");
    symlink("../m.json", scratch.join("backup/avatars.json")).expect("ours");
    let before = tree(scratch.path());
    let conflicts = |hint: &str| {
        format!(
            "avatarctl: \"backup/chat/build-bot.jpg\" is there and is no file\n\
             avatarctl: \"backup/fleet\" is there and is no folder\n\
             hint: {hint}\n"
        )
    };
    let told = servers.run("pull m.json --to backup --force").output();
    let told_last = told
        .stderr
        .split_inclusive('\n')
        .skip(3)
        .collect::<String>();
    assert_eq!(
        (told.status, told_last),
        (
            64,
            conflicts("nothing was written; --force replaces files only")
        )
    );
    assert_eq!(tree(scratch.path()), before);
    let told = servers.run("pull m.json --to backup").output();
    let links = ["backup/jira/build-bot.png", "backup/avatars.json"];
    for link in links {
        let line = format!("avatarctl: \"{link}\" is there and is a link\n");
        assert!(told.stderr.contains(&line), "{told:?}");
    }
    assert_eq!(tree(scratch.path()), before);

    fs::remove_dir(scratch.join("backup/chat/build-bot.jpg")).expect("ours");
    fs::remove_file(scratch.join("backup/fleet")).expect("ours");
    let manifest = scratch.read("m.json");
    servers.does("pull m.json --to backup --force");
    assert_eq!(scratch.read("outside/file"), "outside");
    assert_eq!(scratch.read("m.json"), manifest);
    for link in links {
        assert!(!scratch.join(link).is_symlink(), "{link}");
    }
}

#[test]
fn a_folder_that_cannot_be_filled_is_said_before_anything_is_sent() {
    let mut world = World::new();
    world.offline();
    let text = world.manifest(r#"{"server": "jira", "user": "robot", "avatar_id": 1}"#);
    world.scratch.write("m.json", text);
    world.scratch.write("file", "");
    fs::create_dir(world.scratch.join("closed")).expect("ours");
    for (to, why) in [
        ("no/where", "no such file or directory"),
        ("file", "not a directory"),
        ("file/below", "not a directory"),
    ] {
        world.run(&format!("pull m.json --to {to}")).gives(
            66,
            NOTHING,
            &format!("avatarctl: cannot write \"{to}\": {why}\n"),
        );
    }
    let closed = world.scratch.join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("ours");
    unprivileged(&world, "pull m.json --to closed").gives(
        66,
        NOTHING,
        "avatarctl: cannot write \"closed\": permission denied\n",
    );
    assert_eq!(world.scratch.names(), ["closed", "faces", "file", "m.json"]);
}

/// As a full disk does it, for one run alone.
#[test]
fn a_disk_that_is_full_leaves_everything_as_it_was() {
    let servers = Servers::start();
    servers.declare(THREE);
    let large = pictures::png_of_bytes(64, 64, 1, 200_000);
    servers.world.chat().model().give("build-bot", large);
    let line = format!(
        "trap '' XFSZ; ulimit -f 100; exec {} pull m.json --to backup",
        program().display()
    );
    start(&servers.world, &line).gives(
        66,
        "0 pulled, 1 failed, 2 skipped\n",
        "avatarctl: chat build-bot: cannot write \"backup/chat/build-bot.png\": file too large\n\
         avatarctl: jira build-bot: skipped: the folder cannot be written\n\
         avatarctl: fleet 2134: skipped: the folder cannot be written\n",
    );
    assert!(!servers.world.scratch.join("backup").exists());
}

// ------------------------------------------------------------------------------------------------- ends of runs

/// What the manifest in the folder names is there.
#[track_caller]
fn nothing_lies(servers: &Servers, about: &str) {
    let folder = servers.world.scratch.join("backup");
    if folder.join("avatars.json").exists() {
        servers
            .run("check backup/avatars.json -q")
            .gives(0, NOTHING, NOTHING);
    }
    for (name, bytes) in tree(&folder) {
        let hidden = name.starts_with(".avatarctl-");
        assert!(
            hidden || name.ends_with('/') || !bytes.is_empty(),
            "{about}: {name}"
        );
    }
}

/// A run after a killed one does what the killed one was to do, and takes away what that left.
#[track_caller]
fn the_next_run_heals(servers: &Servers, about: &str) {
    let told = servers.run("pull m.json --to backup").output();
    assert_eq!(
        (told.status, told.stderr.as_str()),
        (0, NOTHING),
        "{about}: {told:?}"
    );
    let diff = servers.run("diff backup/avatars.json").output();
    assert_eq!(diff.stdout, "0 to change, 4 the same\n", "{about}");
    let files = listed(&servers.world.scratch.join("backup"));
    let wanted = [
        "avatars.json",
        "avatars.json.state",
        "chat/",
        "chat/build-bot.jpg",
        "fleet/",
        "fleet/2134.png",
        "hs/",
        "hs/build-bot.gif",
        "jira/",
        "jira/build-bot.png",
    ];
    assert_eq!(files, wanted, "{about}");
}

#[test]
fn a_kill_at_any_request_leaves_nothing_that_lies() {
    let undisturbed = Servers::start();
    undisturbed.declare(FOUR);
    undisturbed.world.forget();
    undisturbed.does("pull m.json --to backup");
    let counts = undisturbed.world.requests();
    assert!(counts.iter().all(|count| *count > 1), "{counts:?}");
    let requests = counts.into_iter().enumerate();
    let kills: Vec<(usize, usize)> = requests
        .flat_map(|(server, count)| (1..=count).map(move |nth| (server, nth)))
        .collect();
    in_parallel(&kills, |(server, nth)| {
        kill_at(*server, *nth);
        Vec::new()
    });
}

/// Kills a run with the request of that number in flight on that server, then runs again.
fn kill_at(server: usize, nth: usize) {
    let about = format!("request {nth} of server {server}");
    let servers = Servers::start();
    servers.declare(FOUR);
    let world = &servers.world;
    world.expect_torn_requests();
    let troubled = world.servers.iter().nth(server).expect("a server");
    troubled.fault(Fault::any().from(nth).always().hang());
    let process = servers.run("pull m.json --to backup").start();
    troubled.server().wait_for(nth);
    process.signal("KILL");
    let killed = process.wait();
    assert_eq!(
        (killed.status, killed.stdout.as_str()),
        (137, NOTHING),
        "{about}"
    );
    nothing_lies(&servers, &about);
    troubled.heal();
    the_next_run_heals(&servers, &about);
}

/// Pictures take their places before the manifest that names them, and the state comes last.
#[test]
fn a_kill_between_any_two_renames_leaves_nothing_that_lies() {
    for nth in 1..=6 {
        let about = format!("rename {nth}");
        let servers = Servers::start();
        servers.declare(FOUR);
        let inject = format!("inject=rename,renameat,renameat2:signal=KILL:when={nth}");
        let line = "pull m.json --to backup";
        let Some(_) = traced(
            &servers.world,
            &["-e", "trace=rename,renameat,renameat2", "-e", &inject],
            line,
        ) else {
            return;
        };
        let renames = servers.world.scratch.read("calls");
        assert!(
            renames.contains("+++ killed by SIGKILL +++"),
            "{about}: {renames}"
        );
        let files = listed(&servers.world.scratch.join("backup"));
        let has = |name: &str| files.iter().any(|file| file == name);
        assert_eq!(has("avatars.json"), nth > 5, "{about}: {files:?}");
        assert!(!has("avatars.json.state"), "{about}: {files:?}");
        nothing_lies(&servers, &about);
        the_next_run_heals(&servers, &about);
    }
}

/// Where files are replaced, the old manifest may name a picture that is new already, and never one that is not there.
#[test]
fn a_kill_while_files_are_replaced_leaves_nothing_that_lies() {
    for nth in 1..=4 {
        let about = format!("rename {nth}");
        let servers = Servers::start();
        servers.declare(THREE);
        servers.does("pull m.json --to backup");
        let other = pictures::jpeg(64, 64, 51);
        servers.world.chat().model().give("build-bot", other);
        servers
            .world
            .fleet()
            .model()
            .give(2134, pictures::jpeg(64, 64, 52));
        let inject = format!("inject=rename,renameat,renameat2:signal=KILL:when={nth}");
        let trace = ["-e", "trace=rename,renameat,renameat2", "-e", &inject];
        let line = "pull m.json --to backup --force";
        if traced(&servers.world, &trace, line).is_none() {
            return;
        }
        let renames = servers.world.scratch.read("calls");
        assert!(
            renames.contains("+++ killed by SIGKILL +++"),
            "{about}: {renames}"
        );
        nothing_lies(&servers, &about);
        servers.does(line);
        let diff = servers.run("diff backup/avatars.json").output();
        assert_eq!(diff.stdout, "0 to change, 3 the same\n", "{about}");
    }
}

/// It leaves nothing, not even the folder, and does not call what it has read its own.
#[test]
fn a_signal_writes_nothing() {
    let servers = Servers::start();
    servers.declare(THREE);
    servers.world.fleet().fault(Fault::any().always().hang());
    let process = servers.run("pull m.json --to backup").start();
    servers.world.fleet().wait_for(1);
    assert!(servers.world.scratch.join("backup").exists());
    process.signal("TERM");
    process.wait().gives(
        143,
        "0 pulled, 1 failed, 2 skipped\n",
        "avatarctl: fleet 2134: read employee 2134: interrupted\n\
         avatarctl: jira build-bot: skipped: interrupted\n\
         avatarctl: chat build-bot: skipped: interrupted\n",
    );
    assert!(!servers.world.scratch.join("backup").exists());
}

// ------------------------------------------------------------------------------------------------ side by side

#[test]
fn one_run_at_a_time_fills_a_folder() {
    let servers = Servers::start();
    servers.declare(THREE);
    servers.world.jira().fault(Fault::any().hang());
    let process = servers.run("pull m.json --to backup").start();
    servers.world.jira().wait_for(1);
    servers.run("pull m.json --to backup").gives(
        75,
        NOTHING,
        "avatarctl: another run is filling the folder \"backup\"\n",
    );
    drop(process);
    servers.does("pull m.json --to backup");
}

/// An apply that is under way in the folder would go on with a state that nobody reads any more.
#[test]
fn an_apply_in_the_folder_is_not_disturbed() {
    let servers = Servers::start();
    servers.declare(THREE);
    servers.does("pull m.json --to backup");
    servers.world.jira().fault(Fault::any().hang());
    let before = servers.world.jira().handled();
    let process = servers.run("apply backup/avatars.json").start();
    servers.world.jira().wait_for(before + 1);
    servers.run("pull m.json --to backup --force").gives(
        75,
        NOTHING,
        "avatarctl: another run holds the state file \"backup/avatars.json.state\"\n\
         hint: run again when it is done\n",
    );
    drop(process);
}

// ----------------------------------------------------------------------------------- what the manifest says of servers

/// The manifest works from where it is, and from any working directory.
#[test]
fn files_of_a_server_are_named_from_the_folder() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let ca = rcgen::generate_simple_self_signed(["ca".to_owned()]).expect("a certificate");
    scratch.write("etc/ca.pem", ca.cert.pem());
    let manifest = format!(
        r#"{{"servers": {{"jira": {{"system": "jira", "url": "{}", "credentials": "OTHER", "ca_file": "ca.pem"}}}},
            "accounts": [{{"server": "jira", "user": "robot", "avatar_id": 1}}]}}"#,
        jira.url()
    );
    scratch.write("etc/m.json", manifest);
    let run = |words: &str| {
        let run = Run::new(words.split(' ')).dir(scratch.path());
        let given = jira.settings().into_iter();
        given.fold(run, |run, (name, value)| {
            run.env(&name.replace("JIRA_", "OTHER_"), value)
        })
    };
    let server = |more: &str| {
        format!(
            "{{\"system\": \"jira\", \"url\": \"{}\", \"credentials\": \"OTHER\", \"ca_file\": \"../etc/ca.pem\"{more}}}\n",
            jira.url()
        )
    };
    for to in [
        "backup".to_owned(),
        scratch.join("other").display().to_string(),
    ] {
        assert_eq!(
            run(&format!("pull etc/m.json --to {to}")).output().status,
            0
        );
    }
    for folder in ["backup", "other"] {
        let text = scratch.read(&format!("{folder}/avatars.json"));
        assert!(text.contains(&server("")), "{text}");
        run(&format!("diff {folder}/avatars.json")).gives(0, "0 to change, 1 the same\n", NOTHING);
    }
}

/// What the command line says of the way there belongs to the server; a secret does not belong into a file.
#[test]
fn the_way_to_a_server_is_kept_and_a_proxys_password_is_not() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let proxy = Proxy::start(Way::Login("user:pass-word"));
    let (open, closed) = (Proxy::start(Way::Forward), proxy.url("user:pass-word"));
    let run = |words: &str| Run::new(words.split(' ')).with(&jira).dir(scratch.path());
    let plain = open.url("");
    let told = run(&format!("jira pull robot --to a --proxy {plain}")).output();
    assert_eq!((told.status, told.stderr.as_str()), (0, NOTHING));
    let text = scratch.read("a/avatars.json");
    assert!(text.contains(&format!("\"proxy\": \"{plain}\"")), "{text}");
    run(&format!("jira pull robot --to b --proxy {closed}")).gives(
        0,
        "jira robot: pulled avatar 10122 (default), preview jira/robot.svg\n1 pulled (1 default)\n",
        "avatarctl: jira: warning: the proxy is left out of the manifest because it has user info; set HTTPS_PROXY for apply\n",
    );
    for (name, bytes) in tree(&scratch.join("b")) {
        let text = String::from_utf8_lossy(&bytes);
        for secret in ["pass-word", "ROBOTTOKEN", "secret"] {
            assert!(!text.contains(secret), "{name}: {text}");
        }
    }
}
