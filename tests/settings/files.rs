//! Files that are read and written: what a path may lead to, how much of it is taken, and that what is written
//! appears whole or not at all.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::report::page::timeless;
use crate::support::model::uncalled;
use crate::support::printed::NOTHING;
use crate::support::{Jira, Output, Run, Running, Scratch, pictures, program};

const ONE: &str = r#"{"server": "jira", "user": "robot", "avatar_id": 24880}"#;

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo starts").success());
}

/// Every input, as the words of a run in which `PATH` stands for its path, the status without it, and what a message
/// calls it.
const INPUTS: [(&str, i32, &str); 12] = [
    (
        "JIRA_TOKEN_FILE=PATH jira show",
        78,
        "jira: cannot read JIRA_TOKEN_FILE",
    ),
    (
        "NETRC=PATH jira show",
        78,
        "jira: cannot read the netrc file",
    ),
    (
        "jira show --netrc PATH",
        78,
        "jira: cannot read the netrc file",
    ),
    (
        "JIRA_TOKEN=x jira show --ca-file PATH",
        78,
        "jira: cannot read the CA file",
    ),
    (
        "JIRA_TOKEN=x jira show --client-cert PATH",
        78,
        "jira: cannot read the client certificate",
    ),
    (
        "JIRA_TOKEN=x jira show --client-cert cert.pem --client-key PATH",
        78,
        "jira: cannot read the client key",
    ),
    (
        "JIRA_TOKEN=x jira set --image PATH",
        66,
        "jira: cannot read the picture",
    ),
    ("check PATH", 66, "cannot read the manifest"),
    ("diff PATH", 66, "cannot read the manifest"),
    ("apply PATH", 66, "cannot read the manifest"),
    ("diff m.json --state PATH", 66, "cannot read the state file"),
    (
        "apply m.json --state PATH",
        66,
        "cannot write the state file",
    ),
];

/// A run with these words in a directory, on a server that nobody may call.
fn given(words: &str, path: &str, jira: &Running<Jira>, scratch: &Scratch) -> Run {
    let (variables, words): (Vec<&str>, Vec<&str>) =
        words.split(' ').partition(|word| word.contains('='));
    let words = words.iter().map(|word| word.replace("PATH", path));
    let run = Run::new(words)
        .dir(scratch.path())
        .env("JIRA_URL", jira.url());
    variables.iter().fold(run, |run, variable| {
        let (name, value) = variable.split_once('=').expect("it is a variable");
        run.env(name, value.replace("PATH", path))
    })
}

fn with_manifest(jira: &Running<Jira>) -> Scratch {
    let scratch = Scratch::new();
    scratch.write(
        "m.json",
        format!(
            r#"{{"servers": {{"jira": {{"system": "jira", "url": "{}"}}}}, "accounts": [{ONE}]}}"#,
            jira.url()
        ),
    );
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let certificate = certificate.expect("a certificate").cert;
    scratch.write("cert.pem", certificate.pem());
    scratch
}

/// A device would be read for ever, and a pipe that nobody writes to be waited for.
#[test]
fn what_is_no_file_is_not_read() {
    let jira = uncalled(Jira::default());
    let scratch = with_manifest(&jira);
    fs::create_dir(scratch.join("folder")).expect("scratch is writable");
    let _socket = UnixListener::bind(scratch.join("socket")).expect("scratch takes a socket");
    fifo(&scratch.join("pipe"));
    for (path, why) in [
        ("folder", "is a directory"),
        ("/dev/zero", "is a device"),
        ("socket", "is a socket"),
        ("pipe", "nobody writes to this pipe"),
    ] {
        let runs: Vec<_> = INPUTS
            .iter()
            .map(|(words, status, what)| {
                let why = match *what {
                    // It is read and written.
                    "cannot read the state file" | "cannot write the state file"
                        if path == "pipe" =>
                    {
                        "is a pipe"
                    }
                    _ => why,
                };
                let hint = match *what {
                    "cannot write the state file" => "hint: name another one with --state FILE\n",
                    _ => NOTHING,
                };
                let told = format!("avatarctl: {what} \"{path}\": {why}\n{hint}");
                (
                    words,
                    status,
                    told,
                    given(words, path, &jira, &scratch).start(),
                )
            })
            .collect();
        for (words, status, told, run) in runs {
            println!("{words} {path}");
            run.wait().gives(*status, NOTHING, &told);
        }
    }
}

/// `producer > pipe &` may begin earlier or later than the program; what it writes is read to its end.
#[test]
fn a_named_pipe_is_read_where_one_may_be_meant() {
    let jira = Jira::start();
    let scratch = with_manifest(&jira);
    let netrc = "machine 127.0.0.1 login robot password secret\n";
    let certificate = scratch.read("cert.pem");
    let manifest = scratch.read("m.json");
    let shown = "jira robot: avatar 10122 (system)\n";
    let checked = "1 account on 1 server: no errors, no warnings\n";
    for (words, text, stdout) in [
        ("JIRA_TOKEN_FILE=PATH jira show", "ROBOTTOKEN\n", shown),
        ("NETRC=PATH jira show", netrc, shown),
        (
            "JIRA_TOKEN=ROBOTTOKEN jira show --ca-file PATH",
            &certificate,
            shown,
        ),
        ("check PATH", &manifest, checked),
    ] {
        println!("{words}");
        fifo(&scratch.join("pipe"));
        let run = given(words, "pipe", &jira, &scratch).start();
        let pipe = scratch.join("pipe");
        let text = text.to_owned();
        let bytes = text.clone();
        // It waits until somebody reads.
        let writer = thread::spawn(move || fs::write(pipe, bytes));
        run.wait().gives(0, stdout, NOTHING);
        writer.join().expect("no panic").expect("somebody read it");
        fs::remove_file(scratch.join("pipe")).expect("it is there");
        for path in ["/dev/fd/0", "/dev/stdin"] {
            given(words, path, &jira, &scratch)
                .stdin(&text)
                .gives(0, stdout, NOTHING);
        }
    }
}

#[test]
fn no_more_is_read_than_is_meant() {
    let jira = uncalled(Jira::default());
    let scratch = with_manifest(&jira);
    scratch.secret("sparse", NOTHING);
    let sparse = File::options().write(true).open(scratch.join("sparse"));
    let sparse = sparse.expect("it was just written");
    for (words, status, what) in INPUTS {
        let (bound, shown) = match what {
            _ if what.contains("_FILE") || what.contains("netrc") => (64 << 10, "64 KiB"),
            _ if what.contains("picture") => (1 << 30, "1 GiB"),
            _ if what.contains("manifest") => (64 << 20, "64 MiB"),
            _ if what.contains("state") => (256 << 20, "256 MiB"),
            _ => (16 << 20, "16 MiB"),
        };
        println!("{words}");
        if what.contains("picture") {
            // Its beginning is looked at before.
            scratch.write("sparse", pictures::png(64, 64, 1));
        }
        sparse
            .set_len(bound + 1)
            .expect("scratch takes a sparse file");
        // What is said of the file is worse than that it cannot be read.
        let status = if status == 66 { 65 } else { status };
        let what = what.replace("write", "read");
        given(words, "sparse", &jira, &scratch).gives(
            status,
            NOTHING,
            &format!("avatarctl: {what} \"sparse\": it is longer than {shown}\n"),
        );
    }
}

/// An empty file is a way to say: none.
#[test]
fn the_null_device_is_an_empty_file() {
    let jira = Jira::start();
    let scratch = with_manifest(&jira);
    given(
        "JIRA_TOKEN=ROBOTTOKEN jira show --netrc /dev/null",
        "",
        &jira,
        &scratch,
    )
    .gives(0, "jira robot: avatar 10122 (system)\n", NOTHING);
}

// ------------------------------------------------------------------------------------------------ what is written

fn check(scratch: &Scratch, page: &str) -> Run {
    Run::new(["check", "m.json", "-q", "--html", page]).dir(scratch.path())
}

/// Runs side by side share nothing but the place, where the last one is seen whole.
#[test]
fn every_result_of_runs_side_by_side_is_whole() {
    let jira = Jira::start();
    let scratch = with_manifest(&jira);
    let words = "diff m.json -q --html p.html --junit j.xml";
    let run = || given(words, "", &jira, &scratch).env("JIRA_TOKEN", "ROBOTTOKEN");
    for _ in 0..4 {
        let runs: Vec<_> = (0..6).map(|_| run().start()).collect();
        for run in runs {
            let told = run.wait();
            assert_eq!(
                (told.status, told.stderr.as_str()),
                (2, NOTHING),
                "{told:?}"
            );
            let page = scratch.read("p.html");
            assert!(
                page.starts_with("<!doctype html>") && page.ends_with("</html>\n"),
                "{page}"
            );
            let cases = scratch.read("j.xml");
            assert!(
                cases.starts_with("<?xml") && cases.ends_with("</testsuite>\n"),
                "{cases}"
            );
        }
    }
    assert_eq!(scratch.names(), ["cert.pem", "j.xml", "m.json", "p.html"]);
}

/// Whatever name a page has while it is written, it is nobody else's: neither a picture of the plan nor a link that
/// somebody laid for us.
#[test]
fn no_other_file_is_written_on_the_way() {
    let scratch = Scratch::new();
    let picture = pictures::png(64, 64, 1);
    let account = r#"{"server": "jira", "user": "robot", "image": "p.html.new"}"#;
    let server = r#""servers": {"jira": {"system": "jira", "url": "http://localhost"}}"#;
    scratch.write("m.json", format!("{{{server}, \"accounts\": [{account}]}}"));
    scratch.write("p.html.new", &picture);
    check(&scratch, "p.html").gives(0, NOTHING, NOTHING);
    assert_eq!(
        fs::read(scratch.join("p.html.new")).expect("it is there"),
        picture
    );
    scratch.write("victim", "precious");
    symlink("victim", scratch.join("q.html.new")).expect("scratch is writable");
    check(&scratch, "q.html").gives(0, NOTHING, NOTHING);
    assert_eq!(scratch.read("victim"), "precious");
    assert!(!scratch.join("q.html").is_symlink());
    fifo(&scratch.join("r.html.new"));
    check(&scratch, "r.html").gives(0, NOTHING, NOTHING);
    let long = format!("{}.html", "n".repeat(250));
    check(&scratch, &long).gives(0, NOTHING, NOTHING);
    assert_eq!(
        scratch.names(),
        [
            "m.json",
            &long,
            "p.html",
            "p.html.new",
            "q.html",
            "q.html.new",
            "r.html",
            "r.html.new",
            "victim"
        ]
    );
}

/// What replaces a file can be read by whom the file before could.
#[test]
fn mode_and_owner_of_what_is_replaced_are_kept() {
    let jira = uncalled(Jira::default());
    let scratch = with_manifest(&jira);
    let path = scratch.join("p.html");
    let facts = || {
        let facts = fs::metadata(&path).expect("it is there");
        (facts.mode() & 0o7777, facts.uid(), facts.gid())
    };
    let root = fs::metadata("/proc/self").expect("there is a /proc").uid() == 0;
    // A new one is what the umask makes of it.
    let shell = format!(
        "umask 027; exec {} check m.json -q --html p.html",
        program().display()
    );
    let made = Command::new("sh")
        .args(["-c", &shell])
        .current_dir(scratch.path())
        .status();
    assert!(made.expect("sh starts").success());
    assert_eq!(facts().0, 0o640);
    for mode in [0o600, 0o604, 0o666] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
        if root {
            std::os::unix::fs::chown(&path, Some(65534), Some(65533)).expect("we are root");
        }
        let before = (facts(), fs::metadata(&path).expect("it is there").ino());
        check(&scratch, "p.html").gives(0, NOTHING, NOTHING);
        assert_eq!(facts(), before.0);
        assert_ne!(fs::metadata(&path).expect("it is there").ino(), before.1);
    }
}

/// A shell's `>(...)`, and a pipe whose reader is a moment late; one without a reader is said.
#[test]
fn a_pipe_is_written_to_who_reads_it() {
    let jira = uncalled(Jira::default());
    let scratch = with_manifest(&jira);
    fifo(&scratch.join("pipe"));
    check(&scratch, "pipe").gives(
        66,
        NOTHING,
        "avatarctl: cannot write \"pipe\": nobody reads this pipe\n",
    );
    let run = check(&scratch, "pipe").start();
    let page = scratch.read("pipe");
    run.wait().gives(0, NOTHING, NOTHING);
    let mut printed = check(&scratch, "/dev/stdout").output();
    printed.stdout = timeless(&printed.stdout);
    printed.gives(0, &timeless(&page), NOTHING);
    assert!(page.ends_with("</html>\n"), "{page}");
    assert_eq!(scratch.names(), ["cert.pem", "m.json", "pipe"]);
}

/// Links that lead nowhere yet, one behind the other, and in a circle.
#[test]
fn every_link_on_the_way_stays() {
    let jira = uncalled(Jira::default());
    let scratch = with_manifest(&jira);
    fs::create_dir(scratch.join("pages")).expect("scratch is writable");
    for (place, link) in [
        ("b.html", "a.html"),
        ("pages/c.html", "b.html"),
        ("y", "x"),
        ("x", "y"),
    ] {
        symlink(place, scratch.join(link)).expect("scratch is writable");
    }
    check(&scratch, "a.html").gives(0, NOTHING, NOTHING);
    check(&scratch, "a.html").gives(0, NOTHING, NOTHING);
    assert!(scratch.join("a.html").is_symlink() && scratch.join("b.html").is_symlink());
    assert!(!scratch.join("pages/c.html").is_symlink());
    let mut told: Output = check(&scratch, "x").output();
    // As musl calls it.
    told.stderr = told
        .stderr
        .replace("symbolic link loop", "too many levels of symbolic links");
    told.gives(
        66,
        NOTHING,
        "avatarctl: cannot write \"x\": too many levels of symbolic links\n",
    );
    assert_eq!(
        scratch.names(),
        ["a.html", "b.html", "cert.pem", "m.json", "pages", "x", "y"]
    );
}
