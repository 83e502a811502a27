//! The state file: what it keeps, what damage it survives and which it refuses, its lock, and how it is renewed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::{self, Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use crate::support::printed::NOTHING;
use crate::support::rocketchat::Download;
use crate::support::server::Server;
use crate::support::strace;
use crate::support::{Fault, Output, Reply, Run, World, pictures, program};

const TWO: &str = r#"
    {"server": "fleet", "employee_id": 2132, "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"}"#;

/// What lies in the directory of `two_proven`.
const NAMES: [&str; 3] = ["faces", "m.json", "m.json.state"];

/// A world whose two employees were set, and the state that tells so.
fn two_proven() -> (World, String) {
    let mut world = World::new();
    world.declare(TWO);
    assert_eq!(world.run("apply m.json -q").output().status, 0);
    world.forget();
    let state = world.scratch.read("m.json.state");
    assert_eq!(state.lines().count(), 2);
    (world, state)
}

#[test]
fn a_torn_last_line_is_dropped_wherever_it_is_torn_and_only_its_account_is_set_again() {
    let (mut world, state) = two_proven();
    world.lenient();
    let first = state.find('\n').expect("two lines") + 1;
    const WARNING: &str = "avatarctl: warning: the state file \"m.json.state\" ends in a torn line, which is dropped\n";
    const PENDING: &str = "? fleet 2133: image driver.jpg (now file 3c6ef372fe94f82.jpg)\n\
         1 to change (1 not known), 1 the same\n";
    const SAME: &str = "0 to change, 2 the same\n";
    let shown = world
        .fleet()
        .model()
        .employee(2133)
        .avatar_file_name
        .clone();
    let pending = PENDING.replace("3c6ef372fe94f82.jpg", shown.as_deref().unwrap_or_default());
    for end in first..=state.len() {
        world.scratch.write("m.json.state", &state[..end]);
        let (status, stdout, stderr) = match end {
            _ if end == first => (2, pending.as_str(), NOTHING),
            // Only the line end is missing.
            _ if end + 1 >= state.len() => (0, SAME, NOTHING),
            _ => (2, pending.as_str(), WARNING),
        };
        world.run("diff m.json").gives(status, stdout, stderr);
        assert_eq!(
            world.scratch.read("m.json.state"),
            state[..end],
            "a diff mends nothing"
        );
        if end % 16 == 0 || end + 1 >= state.len() {
            world.forget();
            let told = world.run("apply m.json -q").output();
            assert_eq!((told.status, told.stderr.as_str()), (0, stderr), "{told:?}");
            let set = usize::from(status == 2);
            // Beside the account its total.
            assert_eq!(told.stdout.lines().count(), 2 * set, "{told:?}");
            // The upload, and the picture shown in place of an icon.
            assert_eq!(world.writes().len(), 2 * set);
            assert_eq!(world.state().lines().count(), 2);
            world.run("diff m.json").gives(0, SAME, NOTHING);
            // As it was before, for the next cut.
            world.fleet().model().employee_mut(2133).avatar_file_name = shown.clone();
        }
    }
}

#[test]
fn any_other_damage_is_an_error_and_nothing_is_sent() {
    let (mut world, state) = two_proven();
    world.offline();
    let first = state.lines().next().expect("two lines").to_owned();
    let damaged = |line: usize| {
        format!(
            "avatarctl: the state file \"m.json.state\" is damaged in line {line}\n\
             hint: restore it, or remove it: then every picture is set once more\n"
        )
    };
    let newer = |line: usize| {
        format!(
            "avatarctl: the state file \"m.json.state\" is of a newer version in line {line}\n\
             hint: use the avatarctl that wrote it, or a newer one\n"
        )
    };
    let cases: Vec<(Vec<u8>, String)> = vec![
        (format!("x\n{state}").into(), damaged(1)),
        (format!("{first}\n\n{first}\n").into(), damaged(2)),
        (format!("{first}\n{{}}\n{first}\n").into(), damaged(2)),
        (
            format!("{first}\n{}\n{first}\n", &first[..40]).into(),
            damaged(2),
        ),
        (format!("{first}\n{}\n", &first[..40]).into(), damaged(2)),
        (format!("{first}{first}\n").into(), damaged(1)),
        (first.replace("\"v\":1", "\"v\":0").into_bytes(), damaged(1)),
        (
            (first.replace("\"v\":1", "\"v\":\"1\"") + "\n").into(),
            damaged(1),
        ),
        (
            (first.replace("\"account\":\"2132\"", "\"account\":2132") + "\n").into(),
            damaged(1),
        ),
        (
            (first.replace("\"set\":", "\"sett\":") + "\n").into(),
            damaged(1),
        ),
        (
            [b"\xff\xfe\n".as_slice(), state.as_bytes()].concat(),
            damaged(1),
        ),
        (b"\0\0\0\0\n".to_vec(), damaged(1)),
        (b"\n".to_vec(), damaged(1)),
        (b"[]\n".to_vec(), damaged(1)),
        (b"{\n  \"servers\": {}\n}\n".to_vec(), damaged(1)),
        (
            (first.replace("\"v\":1", "\"v\":2") + "\n").into(),
            newer(1),
        ),
        (
            format!("{state}{{\"v\":4000000000,\"what\":[\"ever\"]}}\n{first}\n").into(),
            newer(3),
        ),
        // Files of somebody else that end without a line feed are no torn line of ours.
        (b"{\"servers\": {}, \"accounts\": []}".to_vec(), damaged(1)),
        (b"hello".to_vec(), damaged(1)),
        (pictures::png(8, 8, 1), damaged(1)),
        (format!("{first}\nhello").into(), damaged(2)),
        (b"{\"v\":2,\"wh".to_vec(), damaged(1)),
    ];
    for (bytes, complaint) in cases {
        world.scratch.write("m.json.state", &bytes);
        for verb in ["diff", "apply"] {
            world
                .run(&format!("{verb} m.json"))
                .gives(65, NOTHING, &complaint);
            let left = fs::read(world.scratch.join("m.json.state")).expect("it is there");
            assert_eq!(left, bytes, "what is damaged is left for somebody to mend");
        }
    }
    let told = world.run("apply m.json --json").output();
    assert_eq!(
        told.stdout,
        "{\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":0,\"failed\":1,\"pending\":0,\"skipped\":0,\"exit\":65}\n"
    );
}

/// A power cut may leave a hole where the last block should be.
#[test]
fn zeros_at_the_end_are_a_torn_line() {
    let (world, state) = two_proven();
    let first = state.find('\n').expect("two lines") + 1;
    for (torn, lines) in [
        (format!("{}\0\0\0\0", &state[..first]), 2),
        (format!("{}\0\0\0\0", &state[..first + 50]), 2),
    ] {
        world.scratch.write("m.json.state", torn);
        let told = world.run("apply m.json -q").output();
        assert_eq!(told.status, 0, "{told:?}");
        assert!(told.stderr.contains("torn line"), "{told:?}");
        assert_eq!(world.state().lines().count(), lines);
    }
}

#[test]
fn a_second_apply_ends_while_the_first_one_runs_and_a_diff_may_look() {
    let (world, state) = two_proven();
    world
        .scratch
        .write("faces/build.png", pictures::png(64, 64, 5));
    world
        .fleet()
        .fault(Fault::on("* /employee/avatar/upload").hang());
    let first = world.run("apply m.json").start();
    let total = wait_for_upload(&world);
    world.run("apply m.json").gives(
        75,
        NOTHING,
        "avatarctl: another run holds the state file \"m.json.state\"\n\
         hint: wait for it with --lock-timeout S, or give this run a --state of its own\n",
    );
    assert_eq!(world.fleet().requests().len(), total, "nothing was sent");
    assert_eq!(world.scratch.read("m.json.state"), state);
    assert_eq!(world.run("diff m.json").output().status, 2);
    let other = world.run("apply m.json --state other.state").output();
    assert_eq!(other.status, 0, "{other:?}");
    // The lock dies with its holder.
    first.signal("KILL");
    assert_eq!(first.wait().status, 137);
    assert_eq!(world.run("apply m.json").output().status, 0);
}

const HELD: &str = "avatarctl: another run holds the state file \"m.json.state\"\n\
     hint: wait for it with --lock-timeout S, or give this run a --state of its own\n";

/// A state that somebody holds until the file is closed.
fn held(world: &World) -> File {
    let file = File::open(world.scratch.join("m.json.state")).expect("it is there");
    file.lock().expect("nobody else holds it");
    file
}

#[test]
fn another_run_is_waited_for_as_long_as_one_likes() {
    let (world, state) = two_proven();
    let lock = held(&world);
    const WAITS: &str =
        "avatarctl: waiting up to 0.2 s: another run holds the state file \"m.json.state\"\n";
    let waits = format!("{WAITS}{HELD}");
    for (words, stderr) in [
        ("apply m.json", HELD),
        ("apply m.json --lock-timeout 0", HELD),
        ("apply m.json --lock-timeout 0.2", waits.as_str()),
        ("apply m.json --lock-timeout=0.2 -q", HELD),
        ("apply m.json --lock-timeout 3600 --max-time 0.3 -q", HELD),
        ("diff m.json --lock-timeout 0.2", waits.as_str()),
    ] {
        println!("{words}");
        world.run(words).gives(75, NOTHING, stderr);
    }
    assert_eq!(world.requests(), [0; 4]);
    assert_eq!(world.scratch.read("m.json.state"), state);
    // Without it a diff looks while another run works.
    world.run("diff m.json -q").gives(0, NOTHING, NOTHING);
    drop(lock);
    world
        .run("diff m.json -q --lock-timeout 0.2")
        .gives(0, NOTHING, NOTHING);
}

/// A run that was told to wait, and says so.
fn waiting(world: &World, words: &str) -> (Child, BufReader<ChildStderr>) {
    let mut command = Command::new(program());
    command
        .args(words.split(' '))
        .current_dir(world.scratch.path())
        .env_clear()
        .envs(world.settings())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
    let mut line = String::new();
    stderr
        .read_line(&mut line)
        .expect("the program prints UTF-8");
    assert_eq!(
        line,
        "avatarctl: waiting up to 60 s: another run holds the state file \"m.json.state\"\n"
    );
    (child, stderr)
}

#[test]
fn the_wait_ends_with_the_other_run() {
    let (world, _) = two_proven();
    for (words, stdout) in [
        (
            "apply m.json --lock-timeout 60",
            "fleet 2132: image build.png, unchanged\n\
             fleet 2133: image driver.jpg, unchanged\n\
             0 changed, 2 unchanged\n",
        ),
        ("diff m.json --lock-timeout 60", "0 to change, 2 the same\n"),
    ] {
        let lock = held(&world);
        let (child, mut stderr) = waiting(&world, words);
        // What the other run made anew takes the name before it is let go.
        let path = world.scratch.join("m.json.state");
        fs::copy(&path, world.scratch.join("anew")).expect("scratch is writable");
        fs::rename(world.scratch.join("anew"), &path).expect("scratch is writable");
        drop(lock);
        let output = child.wait_with_output().expect("it ends");
        let mut rest = String::new();
        stderr
            .read_to_string(&mut rest)
            .expect("the program prints UTF-8");
        let said = String::from_utf8(output.stdout).expect("the program prints UTF-8");
        assert_eq!(
            (output.status.code(), said.as_str(), rest.as_str()),
            (Some(0), stdout, NOTHING)
        );
    }
}

#[test]
fn a_signal_ends_the_wait() {
    let (mut world, state) = two_proven();
    world.offline();
    let _lock = held(&world);
    let (mut child, mut stderr) = waiting(&world, "apply m.json --lock-timeout 60");
    let sent = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(sent.expect("kill starts").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    let mut rest = String::new();
    stderr
        .read_to_string(&mut rest)
        .expect("the program prints UTF-8");
    assert_eq!(
        rest,
        "avatarctl: interrupted while another run holds the state file \"m.json.state\"\n"
    );
    assert_eq!(world.scratch.read("m.json.state"), state);
}

/// Returns when the first upload is there, with the number of requests so far.
fn wait_for_upload(world: &World) -> usize {
    let mut count = world.fleet().handled();
    while !world
        .fleet()
        .calls()
        .iter()
        .any(|call| call.ends_with("/upload"))
    {
        count += 1;
        world.fleet().wait_for(count);
    }
    world.fleet().requests().len()
}

#[test]
fn a_state_that_is_mostly_stale_is_written_anew_in_one_piece() {
    let (world, state) = two_proven();
    let lines: Vec<&str> = state.lines().collect();
    let path = world.scratch.join("m.json.state");
    let number = |path: &std::path::Path| fs::metadata(path).expect("it is there").ino();
    // Exactly half is stale: it stays as it is.
    let half = format!("{0}\n{1}\n{0}\n{1}\n", lines[0], lines[1]);
    world.scratch.write("m.json.state", &half);
    let before = number(&path);
    assert_eq!(world.run("apply m.json -q").output().status, 0);
    assert_eq!(
        (number(&path), world.scratch.read("m.json.state")),
        (before, half.clone())
    );
    // One line more, and a torn one.
    world.scratch.write(
        "m.json.state",
        format!("{half}{}\n{}", lines[0], &lines[1][..30]),
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
    let told = world.run("diff m.json -q").output();
    assert_eq!((told.status, number(&path)), (0, before), "{told:?}");
    // The new file is locked before it takes the name.
    world
        .scratch
        .write("faces/build.png", pictures::png(64, 64, 5));
    world.forget();
    world
        .fleet()
        .fault(Fault::on("* /employee/avatar/upload").hang());
    let process = world.run("apply m.json").start();
    wait_for_upload(&world);
    assert_ne!(number(&path), before);
    let renewed = world.state();
    let timeless = world.named(&crate::support::batch::timeless(&state));
    assert_eq!(
        renewed, timeless,
        "the last lines, in the order of their accounts"
    );
    assert_eq!(
        fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777,
        0o640,
        "who may read it stays as it was"
    );
    assert_eq!(world.scratch.names(), NAMES);
    assert_eq!(world.run("apply m.json").output().status, 75);
    drop(process);
    // What is proven afterwards is in the new file.
    world.fleet().heal();
    assert_eq!(world.run("apply m.json -q").output().status, 0);
    assert_eq!(world.state().lines().count(), 3);
    world.run("diff m.json -q").gives(0, NOTHING, NOTHING);
}

/// Each later line replaces what an earlier one says of the account: of its avatar, and of what the server made
/// of it.
#[test]
fn the_last_line_of_an_account_counts() {
    let (world, state) = two_proven();
    let lines: Vec<&str> = state.lines().collect();
    let worn = world
        .fleet()
        .model()
        .employee(2132)
        .avatar_file_name
        .clone();
    let worn = worn.expect("a picture was proven");
    let elsewhere = lines[0].replace(&worn, "elsewhere.png");
    let other = format!(
        "{}{}",
        &lines[0][..lines[0].find("sha256:").expect("a picture")],
        "sha256:"
    ) + &"0".repeat(64)
        + &lines[0][lines[0].find("\",\"fingerprint").expect("a fingerprint")..];
    let line = format!("fleet 2132: image build.png (now file {worn})\n");
    for (before, last, status, shown) in [
        (
            &elsewhere,
            lines[0],
            0,
            "0 to change, 2 the same\n".to_owned(),
        ),
        (&other, lines[0], 0, "0 to change, 2 the same\n".to_owned()),
        (
            &lines[0].to_owned(),
            &elsewhere,
            2,
            format!("! {line}1 to change (1 changed on the server), 1 the same\n"),
        ),
        (
            &lines[0].to_owned(),
            &other,
            2,
            format!("~ {line}1 to change, 1 the same\n"),
        ),
    ] {
        world
            .scratch
            .write("m.json.state", format!("{before}\n{}\n{last}\n", lines[1]));
        world.run("diff m.json").gives(status, &shown, NOTHING);
    }
}

#[test]
fn a_link_to_a_state_stays_a_link_when_the_state_is_written_anew() {
    let (world, state) = two_proven();
    let line = state.lines().next().expect("two lines");
    world.scratch.write(
        "cache/real.state",
        format!("{state}{line}\n{line}\n{line}\n"),
    );
    let path = world.scratch.join("m.json.state");
    fs::remove_file(&path).expect("it is there");
    symlink("cache/real.state", &path).expect("scratch is writable");
    assert_eq!(world.run("apply m.json -q").output().status, 0);
    assert!(
        fs::symlink_metadata(&path)
            .expect("it is there")
            .is_symlink()
    );
    assert_eq!(world.scratch.read("cache/real.state").lines().count(), 2);
}

/// The program, started by a shell that sets its limits.
fn limited(world: &World, limits: &str, words: &str) -> Output {
    start(
        world,
        &format!("{limits}exec {} {words}", program().display()),
    )
}

/// Runs a line of shell where the world is.
pub fn start(world: &World, shell: &str) -> Output {
    let mut command = Command::new("sh");
    command
        .args(["-c", shell])
        .current_dir(world.scratch.path());
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    command.envs(world.settings());
    let done = command.output().expect("sh starts");
    Output {
        status: done.status.code().unwrap_or(-1),
        stdout: String::from_utf8(done.stdout).expect("the program prints UTF-8"),
        stderr: String::from_utf8(done.stderr).expect("the program prints UTF-8"),
    }
}

/// As somebody whom rights on files concern.
pub fn unprivileged(world: &World, words: &str) -> Output {
    let root = fs::metadata("/proc/self").expect("there is a /proc").uid() == 0;
    let drop = match root {
        true => "setpriv --reuid=65534 --regid=65534 --clear-groups -- ",
        false => "",
    };
    start(
        world,
        &format!("exec {drop}{} {words}", program().display()),
    )
}

fn mode(world: &World, name: &str, mode: u32) {
    let path = world.scratch.join(name);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn a_directory_that_cannot_be_written_is_said_before_anything_is_sent() {
    let mut world = World::new();
    world.declare(TWO);
    world.offline();
    mode(&world, "", 0o555);
    let told = unprivileged(&world, "apply m.json");
    mode(&world, "", 0o755);
    told.gives(
        66,
        NOTHING,
        "avatarctl: cannot write the state file \"m.json.state\": permission denied\n\
         hint: name another one with --state FILE\n",
    );
    world.run("apply m.json --state nowhere/s").gives(
        66,
        NOTHING,
        "avatarctl: cannot write the state file \"nowhere/s\": no such file or directory\n\
         hint: name another one with --state FILE\n",
    );
    world.run("apply m.json --state faces").gives(
        66,
        NOTHING,
        "avatarctl: cannot write the state file \"faces\": is a directory\n\
         hint: name another one with --state FILE\n",
    );
    world.run("diff m.json --state faces").gives(
        66,
        NOTHING,
        "avatarctl: cannot read the state file \"faces\": is a directory\n",
    );
}

/// The file itself may be written, its directory may not: it is not renewed, and does its work.
#[test]
fn a_stale_state_in_a_directory_that_cannot_be_written_is_used_as_it_is() {
    let (world, state) = two_proven();
    let long = state.repeat(4);
    world.scratch.write("m.json.state", &long);
    world
        .scratch
        .write("faces/build.png", pictures::png(64, 64, 5));
    mode(&world, "m.json.state", 0o666);
    mode(&world, "", 0o555);
    let told = unprivileged(&world, "apply m.json -q");
    mode(&world, "", 0o755);
    assert_eq!(
        (told.status, told.stderr.as_str()),
        (0, NOTHING),
        "{told:?}"
    );
    let now = world.scratch.read("m.json.state");
    assert!(now.starts_with(&long));
    assert_eq!(now.lines().count(), 9);
    // A directory that may be written and not read cannot be synced; the new file counts all the same.
    world
        .scratch
        .write("faces/build.png", pictures::png(64, 64, 6));
    mode(&world, "", 0o333);
    let told = unprivileged(&world, "apply m.json -q --state ./m.json.state");
    mode(&world, "", 0o755);
    assert_eq!(
        (told.status, told.stderr.as_str()),
        (0, NOTHING),
        "{told:?}"
    );
    assert_eq!(world.state().lines().count(), 3, "{}", world.state());
    world.run("diff m.json -q").gives(0, NOTHING, NOTHING);
}

/// A disk that is full: the account is a failure, the rest of the run is skipped, and the file stays whole.
#[test]
fn a_line_that_does_not_fit_on_the_disk_ends_the_run_and_damages_nothing() {
    let mut world = World::with_bots(5);
    let accounts: Vec<String> = (0..5)
        .map(|n| {
            format!("\n    {{\"server\": \"jira\", \"user\": \"bot-{n}\", \"avatar_id\": 24880}}")
        })
        .chain(["\n    {\"server\": \"fleet\", \"employee_id\": 2132, \"icon_id\": 1}".into()])
        .collect();
    world.declare(&accounts.join(","));
    world.expect("fleet", Server::expect_no_calls);
    // In blocks of 512 bytes for a POSIX shell; some count in blocks of 1024.
    let told = limited(
        &world,
        "trap '' XFSZ; ulimit -f 1; ",
        "apply m.json --state s",
    );
    assert_eq!(told.status, 66, "{told:?}");
    let kept = world.scratch.read("s");
    assert!(kept.ends_with('\n'), "{kept}");
    let proven = kept.lines().count();
    assert!((2..5).contains(&proven), "{kept}");
    assert_eq!(told.stdout.lines().count(), proven + 1, "{told:?}");
    let complaints: Vec<&str> = told.stderr.lines().collect();
    assert_eq!(
        complaints[0],
        format!("avatarctl: jira bot-{proven}: cannot write the state file \"s\": file too large")
    );
    for (complaint, name) in complaints[1..]
        .iter()
        .rev()
        .zip(["fleet 2132", "jira bot-4"])
    {
        assert_eq!(
            *complaint,
            format!("avatarctl: {name}: skipped: the state file cannot be written")
        );
    }
    assert_eq!(world.fleet().requests().len(), 0);
    world.expect("fleet", Server::expect_calls);
    let again = world.run("apply m.json --state s").output();
    assert_eq!(
        (again.status, again.stderr.as_str()),
        (0, NOTHING),
        "{again:?}"
    );
}

#[test]
fn a_state_may_lie_elsewhere_and_its_place_is_the_manifests_own_otherwise() {
    let mut world = World::new();
    world.declare(TWO);
    world.scratch.write("states/.keep", "");
    assert_eq!(
        world.run("apply m.json --state states/s").output().status,
        0
    );
    assert!(!world.scratch.join("m.json.state").exists());
    world
        .run("diff m.json --state=states/s -q")
        .gives(0, NOTHING, NOTHING);
    assert_eq!(world.run("diff m.json -q").output().status, 2);
    // From elsewhere the state still lies beside its manifest.
    let path = world.scratch.join("m.json");
    let mut run = Run::new(["apply", path.to_str().expect("UTF-8"), "-q"]).dir("/");
    for (name, value) in world.settings() {
        run = run.env(name, value);
    }
    assert_eq!(run.output().status, 0);
    assert_eq!(world.state().lines().count(), 2);
}

#[test]
fn no_secret_is_in_it() {
    let mut world = World::new();
    let address = "http://someone:s3cr3t-login@pictures.example/a.jpg?key=s3cr3t-key#s3cr3t-end";
    world
        .chat()
        .model()
        .publish(address, pictures::jpeg(64, 64, 3));
    world.declare(&format!(
        "\n    {{\"server\": \"chat\", \"user\": \"build-bot\", \"avatar_url\": \"{address}\"}}"
    ));
    let told = world
        .run("apply m.json -vv --html h.html --junit j.xml")
        .output();
    assert_eq!(told.status, 0, "{told:?}");
    assert_eq!(
        told.stdout,
        "chat build-bot: url http://pictures.example/a.jpg (etag 83o…, first avatar)\n\
         1 changed, 0 unchanged\n"
    );
    for name in ["m.json.state", "h.html", "j.xml"] {
        let text = world.scratch.read(name);
        assert!(!text.contains("s3cr3t"), "{name}: {text}");
        for (variable, value) in world.settings() {
            let secret = !variable.ends_with("_USER") && !variable.ends_with("_USER_ID");
            assert!(
                !secret || value == "secret" || !text.contains(&value),
                "{name}: {variable}"
            );
        }
    }
    assert!(!told.stderr.contains("s3cr3t"), "{told:?}");
    // Another secret is another address, and the one before is known again.
    world.run("diff m.json -q").gives(0, NOTHING, NOTHING);
    world.declare(&format!(
        "\n    {{\"server\": \"chat\", \"user\": \"build-bot\", \"avatar_url\": \"{}\"}}",
        address.replace("s3cr3t-key", "another")
    ));
    world.run("diff m.json").gives(
        2,
        "~ chat build-bot: url http://pictures.example/a.jpg (now etag 83o…)\n\
         1 to change, 0 the same\n",
        NOTHING,
    );
}

#[test]
fn names_that_need_escapes_come_back_as_they_were() {
    let mut world = World::new();
    let names = [
        "o'brien \"x\"",
        "naïve-бот",
        "a\\b/c",
        "tab\there",
        "{\"v\":2}",
    ];
    for (at, name) in names.iter().enumerate() {
        let key = format!("JIRAUSER3000{at}");
        let user = crate::support::jira::User::new(name, &key, "Odd");
        world.jira().model().users.push(user);
    }
    let accounts: Vec<String> = names
        .iter()
        .map(|name| {
            format!(
                "\n    {{\"server\": \"jira\", \"user\": {}, \"image\": \"faces/build.png\"}}",
                serde_json::Value::from(*name)
            )
        })
        .collect();
    world.declare(&accounts.join(","));
    let told = world.run("apply m.json -q").output();
    assert_eq!(
        (told.status, told.stderr.as_str()),
        (0, NOTHING),
        "{told:?}"
    );
    assert_eq!(world.state().lines().count(), names.len());
    world.run("diff m.json -q").gives(0, NOTHING, NOTHING);
}

/// A run under `strace` with these options; none where tests do without it.
pub fn traced(world: &World, options: &[&str], line: &str) -> Option<process::Output> {
    strace::traced(&world.scratch, &world.settings(), options, line)
}

/// The calls by which a run wrote files and waited, as `strace` saw them: their names and what they were about.
fn system_calls(world: &World, line: &str) -> Option<Vec<String>> {
    let calls = "trace=write,fsync,fdatasync,rename,renameat,renameat2,nanosleep,clock_nanosleep,exit_group";
    let output = traced(world, &["-y", "-e", calls], line)?;
    assert!(output.status.success(), "{output:?}");
    let place = format!(
        "{}/",
        fs::canonicalize(world.scratch.path())
            .expect("it is there")
            .display()
    );
    let calls = world.scratch.read("calls");
    let kept = calls.lines().filter_map(|call| {
        let (_, call) = call.split_once(' ')?;
        let (name, rest) = call.trim().split_once('(')?;
        let names: Vec<&str> = rest
            .split(&['<', '>', '"'][..])
            .filter_map(|part| {
                let part = part.strip_prefix(&place).unwrap_or(part);
                match part {
                    "m.json.state" => Some(part),
                    // Its name is not to be guessed.
                    _ => part.starts_with(".avatarctl-").then_some("NEW"),
                }
            })
            .collect();
        match name {
            "exit_group" => Some("exit".to_owned()),
            "nanosleep" | "clock_nanosleep" => Some("pause".to_owned()),
            _ if names.is_empty() => None,
            _ => Some(format!("{name} {}", names.join(" "))),
        }
    });
    Some(kept.collect())
}

/// A file that is written must not take the place of one that was read.
#[test]
fn no_file_is_named_twice() {
    let mut world = World::new();
    world.declare(r#"{"server": "jira", "user": "robot", "avatar_id": 24880}"#);
    world.offline();
    let manifest = world.scratch.read("m.json");
    for (line, message) in [
        ("check m.json --html m.json", "--html and the manifest"),
        ("check m.json --html ./m.json", "--html and the manifest"),
        ("check m.json --html m.json.state", "--html and --state"),
        ("diff m.json --junit m.json", "--junit and the manifest"),
        ("diff m.json --junit out --html ./out", "--html and --junit"),
        ("apply m.json --state m.json", "--state and the manifest"),
    ] {
        println!("{line}");
        let message = format!("avatarctl: {message} are the same file\n");
        world.run(line).gives(64, "", &message);
        assert_eq!(world.scratch.read("m.json"), manifest);
    }
    world.scratch.write("face.png", pictures::png(64, 64, 1));
    world.declare(r#"{"server": "jira", "user": "robot", "image": "face.png"}"#);
    world.offline();
    world.run("check m.json --html face.png").gives(
        64,
        "",
        "avatarctl: --html and the picture \"face.png\" are the same file\n",
    );
    world.run("check m.json --html /dev/null").gives(
        0,
        "1 account on 1 server: no errors, no warnings\n",
        "",
    );
}

/// Every account's line is one write, and all are on the disk before a wait begins and at the end, not one by one; a
/// new file is, before it has the name.
#[test]
fn what_is_remembered_is_on_the_disk() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "avatar_id": 24880},
    {"server": "jira", "user": "deploy-bot", "avatar_id": 24880}"#,
    );
    let busy = Reply::json(429, "{}").header("Retry-After", 1);
    let third = Fault::on("PUT /user/avatar").from(3);
    world.jira().fault(third.instead(busy));
    let Some(mut calls) = system_calls(&world, "apply m.json") else {
        return;
    };
    calls.dedup_by(|call, before| call == "pause" && before == "pause");
    let line = "write m.json.state";
    let sync = "fdatasync m.json.state";
    assert_eq!(calls, [line, line, sync, "pause", line, sync, "exit"]);
    let state = world.scratch.read("m.json.state");
    world.scratch.write("m.json.state", state.repeat(3));
    let calls = system_calls(&world, "apply m.json").expect("strace is there");
    let renewed = ["write NEW", "fsync NEW", "rename NEW m.json.state"];
    assert_eq!(calls[..3], renewed, "{calls:?}");
}

/// A disk that fails when it is asked: what was done is said, and so is that it may be forgotten.
#[test]
fn a_line_that_does_not_reach_the_disk_is_said() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "fleet", "employee_id": 2132, "icon_id": 1}"#,
    );
    world.expect("fleet", Server::expect_no_calls);
    let Some(output) = traced(
        &world,
        &["-e", "inject=fdatasync:error=ENOSPC"],
        "apply m.json",
    ) else {
        return;
    };
    let told = (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert_eq!(
        told,
        (
            Some(66),
            "jira robot: avatar 24880 (was 10122)\n1 changed, 0 unchanged, 1 skipped\n".to_owned(),
            "avatarctl: fleet 2132: skipped: the state file cannot be written\n\
             avatarctl: cannot write the state file \"m.json.state\": no space left on device\n"
                .to_owned()
        )
    );
}

/// A limit of a file's size is told like a full disk, and not met as a signal that ends the run on the spot: what was
/// written is whole, and nothing is left beside it.
#[test]
fn a_state_that_may_not_grow_is_a_full_disk() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "jira", "user": "build-bot", "avatar_id": 24880},
    {"server": "jira", "user": "deploy-bot", "avatar_id": 24880}"#,
    );
    world
        .run("apply m.json --junit out.xml")
        .under("/usr/bin/prlimit", &["--fsize=300"])
        .gives(
            66,
            "jira robot: avatar 24880 (was 10122)\n1 changed, 0 unchanged, 1 failed, 1 skipped\n",
            "avatarctl: jira build-bot: cannot write the state file \"m.json.state\": file too large\n\
             avatarctl: jira deploy-bot: skipped: the state file cannot be written\n\
             avatarctl: cannot write \"out.xml\": file too large\n",
        );
    assert_eq!(world.state().lines().count(), 1);
    assert_eq!(world.scratch.names(), ["faces", "m.json", "m.json.state"]);
    world.run("apply m.json -q").gives(
        0,
        "jira deploy-bot: avatar 24880 (was 10122)\n1 changed, 2 unchanged\n",
        NOTHING,
    );
}

const BUILD: &str = r#"{"server": "chat", "user": "build-bot", "image": "faces/build.png"}"#;
const BROKEN: &str = r#"{"server": "chat", "user": "build-bot", "avatar_url": "http://pictures.example/broken.png"}"#;

/// `build-bot` wears `build.png`, and there is an address whose picture the server refuses when the old one is gone.
fn before_a_refusal() -> World {
    let mut world = World::new();
    world.chat().model().settle = Duration::ZERO;
    world.chat().model().downloads.insert(
        "http://pictures.example/broken.png".into(),
        Download::File {
            content_type: "image/png".into(),
            bytes: b"no picture".to_vec(),
        },
    );
    world.declare(BUILD);
    assert_eq!(world.run("apply m.json").output().status, 0);
    world
}

const PROVEN: &str = r#"{"v":1,"server":"CHAT","by":"user","account":"build-bot","set":"sha256:SHA","fingerprint":"ETAG","time":"TIME"}
"#;
const FORGOTTEN: &str = r#"{"v":1,"server":"CHAT","by":"user","account":"build-bot","set":"unknown","time":"TIME"}
"#;

/// The state without what differs from picture to picture.
fn told(world: &World) -> String {
    let mut told = String::new();
    for line in world.state().lines() {
        let mut line: serde_json::Value = serde_json::from_str(line).expect("JSON lines");
        if line["set"]
            .as_str()
            .is_some_and(|set| set.starts_with("sha256:"))
        {
            line["set"] = "sha256:SHA".into();
        }
        if line["fingerprint"].is_string() {
            line["fingerprint"] = "ETAG".into();
        }
        told += match line["set"].as_str() {
            Some("unknown") if line.get("fingerprint").is_none() => FORGOTTEN,
            Some("sha256:SHA") if line["fingerprint"] == "ETAG" => PROVEN,
            other => panic!("{other:?} {line}"),
        };
    }
    told
}

#[test]
fn an_avatar_that_a_refusal_cost_is_set_again() {
    // Whether the picture can be looked at, or the state alone must know; and without any look.
    for (blind, options) in [(false, ""), (true, ""), (true, " --no-verify")] {
        let mut world = before_a_refusal();
        if blind {
            let fault = Fault::on("HEAD /avatar/build-bot").always();
            world.chat().fault(fault.instead(Reply::html(403, "no")));
        }
        world.declare(BROKEN);
        world.run(&format!("apply m.json{options}")).gives(
            65,
            "0 changed, 0 unchanged, 1 failed\n",
            "avatarctl: chat build-bot: set the avatar from its address: the server cannot decode the picture, and the account has lost the avatar it had: Input buffer contains unsupported image format\n",
        );
        assert!(world.chat().model().user("build-bot").picture.is_none());
        assert_eq!(told(&world), format!("{PROVEN}{FORGOTTEN}"));
        world.declare(BUILD);
        let first = match blind {
            true => "was 83o…",
            false => "first avatar",
        };
        let now = match blind {
            true => "etag 83o…",
            false => "no avatar",
        };
        world.run("diff m.json").gives(
            2,
            &format!(
                "? chat build-bot: image build.png (now {now})\n\
                 1 to change (1 not known), 0 the same\n"
            ),
            NOTHING,
        );
        world.run("apply m.json").gives(
            0,
            &format!(
                "chat build-bot: image build.png (etag Tke…, {first})\n\
                 1 changed, 0 unchanged\n"
            ),
            NOTHING,
        );
        assert!(world.chat().model().user("build-bot").picture.is_some());
        assert_eq!(told(&world), PROVEN, "what is stale is dropped");
    }
}

#[test]
fn an_avatar_that_was_lost_is_a_change_of_the_server() {
    let mut world = before_a_refusal();
    world.declare(BUILD);
    world.chat().model().user("build-bot").picture = None;
    let drifted = world.run("diff m.json --json").output();
    let line = &drifted.json()[0];
    assert_eq!(
        (drifted.status, &line["reason"], &line["before"]),
        (2, &"drifted".into(), &serde_json::Value::Null)
    );
    assert_eq!(world.run("apply m.json").output().status, 0);
    assert!(world.chat().model().user("build-bot").picture.is_some());
    assert_eq!(told(&world), format!("{PROVEN}{PROVEN}"));
}

#[test]
fn what_was_proven_is_forgotten_once_a_write_was_sent_and_is_not_proven() {
    let write = "* /users.setAvatar";
    let look = "GET /users.info";
    for (fault, forgotten) in [
        (Fault::on(write).instead(Reply::html(413, "no")), true),
        (Fault::on(write).instead(Reply::html(429, "no")), true),
        (Fault::on(write).instead(Reply::html(500, "no")), true),
        (Fault::on(write).instead(Reply::html(200, "no")), true),
        (Fault::on(write).instead(Reply::html(302, "no")), true),
        (Fault::on(write).instead(Reply::raw("no")), true),
        (Fault::on(write).lost(), true),
        (Fault::on(write).silent(), true),
        (Fault::on(write).carried_out_then_hang(), true),
        // Taken, and then nobody knows.
        (
            Fault::on(look).from(2).instead(Reply::html(500, "no")),
            true,
        ),
        // Never sent.
        (Fault::on(look).instead(Reply::html(500, "no")), false),
        (Fault::on(look).silent(), false),
    ] {
        let mut world = before_a_refusal();
        println!("{fault:?}");
        world.declare(&BUILD.replace("build.png", "other.png"));
        world.chat().fault(fault.always());
        let failed = world.run("apply m.json --retries 0 --timeout 1").output();
        assert_ne!(failed.status, 0, "{failed:?}");
        let wanted = match forgotten {
            true => format!("{PROVEN}{FORGOTTEN}"),
            false => PROVEN.to_owned(),
        };
        assert_eq!(told(&world), wanted);
        // Once is enough; what is stale is dropped.
        world.run("apply m.json --retries 0 --timeout 1").output();
        assert_eq!(told(&world), if forgotten { "" } else { PROVEN });
    }
}

#[test]
fn what_another_system_refused_is_remembered_on() {
    let mut world = World::new();
    world.declare(r#"{"server": "jira", "user": "build-bot", "image": "faces/build.png"}"#);
    assert_eq!(world.run("apply m.json").output().status, 0);
    let before = world.scratch.read("m.json.state");
    world.declare(r#"{"server": "jira", "user": "build-bot", "image": "faces/other.png"}"#);
    world
        .jira()
        .fault(Fault::on("POST /temporary").instead(Reply::html(413, "no")));
    assert_eq!(world.run("apply m.json").output().status, 65);
    assert_eq!(world.scratch.read("m.json.state"), before);
}
