//! A netrc file means to the program what it means to curl: the same texts are given to both, and what each of them
//! sends is compared. Only what curl 7.88, 8.11, 8.12 and 8.16 read alike stands here; where they differ, the tests of
//! src/netrc.rs say how it is read.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::encoding::{from_base64, percent_encode};
use crate::support::{Reply, Request, Run, Scratch, Server};

/// A netrc text, the login that was asked for if one was, and the `login:password` that is sent; `-` for none.
type Case = (&'static str, Option<&'static str>, &'static str);

const WORDS: &[Case] = &[
    ("machine localhost login a password b\n", None, "a:b"),
    ("machine localhost login a password b", None, "a:b"),
    ("machine localhost password b login a\n", None, "a:b"),
    ("machine\nlocalhost\n\nlogin\na\npassword\nb\n", None, "a:b"),
    (
        "\tmachine  localhost\t\n\tlogin\ta\n \t\n\tpassword\tb\t\n",
        None,
        "a:b",
    ),
    (
        "machine localhost\r\n\tlogin a\r\n\tpassword b\r\n",
        None,
        "a:b",
    ),
    ("MACHINE localhost Login a PassWord b\n", None, "a:b"),
    ("machine LocalHost login a password b\n", None, "a:b"),
    (
        "foo bar machine localhost foo login a bar password b\n",
        None,
        "a:b",
    ),
    (
        "machine localhost login a account x password b\n",
        None,
        "a:b",
    ),
    (
        "machine localhost login login password password\n",
        None,
        "login:password",
    ),
    (
        "machine localhost login machine password default\n",
        None,
        "machine:default",
    ),
    (
        "machine localhost login a:%61 password b:c\n",
        None,
        "a:%61:b:c",
    ),
    ("", None, "-"),
    ("\n\n", None, "-"),
    ("machine localhost\n", None, "-"),
    ("machine other login a password b\n", None, "-"),
    ("machine localhosts login a password b\n", None, "-"),
    ("machine localhost. login a password b\n", None, "-"),
    ("machine localhost:80 login a password b\n", None, "-"),
    ("machine http://localhost login a password b\n", None, "-"),
    ("login a password b machine localhost\n", None, "-"),
    // Half of a pair.
    ("machine localhost login a\n", None, "a:"),
    ("machine localhost password b\n", None, ":b"),
    ("machine localhost login a password \"\"\n", None, "a:"),
    ("machine localhost login \"\" password b\n", None, ":b"),
];

const COMMENTS: &[Case] = &[
    (
        "# one\n  # two \"\nmachine localhost login a password b # three\n",
        None,
        "a:b",
    ),
    (
        "machine localhost # one\nlogin a # two\n#password c\npassword b\n",
        None,
        "a:b",
    ),
    (
        "machine localhost login\n# one\na password b\n",
        None,
        "a:b",
    ),
    ("machine localhost login a#b password c#\n", None, "a#b:c#"),
    ("x#y machine localhost login a password b\n", None, "a:b"),
    ("#machine localhost login a password b\n", None, "-"),
];

const QUOTES: &[Case] = &[
    (
        "machine localhost login \"\u{e4}\" password \"\u{df}\"\n",
        None,
        "\u{e4}:\u{df}",
    ),
    (
        "machine localhost login \"a b\" password \" c\"\n",
        None,
        "a b: c",
    ),
    (
        "machine localhost login \"a\" password \"b\"\r\n",
        None,
        "a:b",
    ),
    (
        "machine localhost login \"#a\" password \"#b # c\"\n",
        None,
        "#a:#b # c",
    ),
    (
        "machine localhost login \"a\\\"b\" password \"c\\\\\\x\\d\"\n",
        None,
        "a\"b:c\\xd",
    ),
    (
        "machine localhost login a\\ password b\\n\n",
        None,
        "a\\:b\\n",
    ),
    (
        "machine localhost login a\"b\" password 'c'\n",
        None,
        "a\"b\":'c'",
    ),
    (
        "\"machine\" \"local\\host\" \"login\" \"a\" \"password\" \"b\"\n",
        None,
        "a:b",
    ),
    ("machine localhost login \"a\"x password b\n", None, "a:b"),
    ("machine localhost login \"a\"xpassword b\n", None, "a:b"),
    ("machine localhost login \"a\"password b\n", None, "a:"),
    ("machine localhost login a password \"b\"c\n", None, "a:b"),
    ("machine \"localhost\"login a password b\n", None, ":b"),
    ("machine localhost login \"a password b\n", None, "-"),
    ("machine localhost login a password \"b\n", None, "-"),
    ("machine localhost login a password \"b\\\n", None, "-"),
    (
        "machine other login \"x\nmachine localhost login a password b\n",
        None,
        "-",
    ),
    ("machine localhost password b\n\"\n", None, "-"),
    (
        "machine localhost login a password b\nmachine other login \"x\n",
        None,
        "a:b",
    ),
];

const ENTRIES: &[Case] = &[
    (
        "machine other login c password d machine localhost login a password b\n",
        None,
        "a:b",
    ),
    (
        "machine localhost login a password b machine other login c password d\n",
        None,
        "a:b",
    ),
    (
        "machine localhost login a password b\nmachine localhost login c password d\n",
        None,
        "a:b",
    ),
    (
        "machine localhost login a\nmachine localhost login c password d\n",
        None,
        "c:d",
    ),
    (
        "machine localhost login a\nmachine localhost password d\n",
        None,
        ":d",
    ),
    (
        "machine localhost login a login c password d\n",
        None,
        "c:d",
    ),
    (
        "machine localhost password b password d login a\n",
        None,
        "a:d",
    ),
    (
        "machine localhost\nmachine other login c password d\n",
        None,
        "-",
    ),
    ("machine machine localhost login a password b\n", None, "-"),
    ("default login a password b\n", None, "a:b"),
    ("Default default login a password b\n", None, "a:b"),
    (
        "machine other login a password b\ndefault login c password d\n",
        None,
        "c:d",
    ),
    (
        "default login a password b\nmachine localhost login c password d\n",
        None,
        "a:b",
    ),
    (
        "machine localhost login a\ndefault login c password d\n",
        None,
        "c:d",
    ),
    (
        "default login a\nmachine localhost login c password d\n",
        None,
        "c:d",
    ),
    ("default\nmachine other login c password d\n", None, "-"),
];

const LOGINS: &[Case] = &[
    (
        "machine localhost login a password b\nmachine localhost login c password d\n",
        Some("a"),
        "a:b",
    ),
    (
        "machine localhost login a password b\nmachine localhost login c password d\n",
        Some("c"),
        "c:d",
    ),
    (
        "machine localhost login a password b login c password d\n",
        Some("a"),
        "a:b",
    ),
    (
        "machine localhost login \"a b\" password c\n",
        Some("a b"),
        "a b:c",
    ),
    ("machine localhost password b login a\n", Some("a"), "a:b"),
    ("machine localhost password b\n", Some("a"), "a:b"),
    (
        "machine localhost password b\nmachine localhost login c password d\n",
        Some("c"),
        "c:d",
    ),
    (
        "machine localhost login a\nmachine localhost login a password b\n",
        Some("a"),
        "a:b",
    ),
    (
        "machine localhost login a password b\ndefault password d\n",
        Some("c"),
        "c:d",
    ),
    (
        "default login a password b\nmachine localhost login c password d\n",
        Some("c"),
        "c:d",
    ),
    ("default password d\n", Some("a"), "a:d"),
    ("machine localhost login a\n", Some("a"), "a:"),
    ("machine localhost login c\n", Some("a"), "a:"),
    ("machine other login a password b\n", Some("a"), "a:"),
];

const MACROS: &[Case] = &[
    (
        "macdef m\ncd /pub\nquit\n\nmachine localhost login a password b\n",
        None,
        "a:b",
    ),
    (
        "MacDef m\nmachine localhost login a password b\n\nmachine localhost login c password d\n",
        None,
        "c:d",
    ),
    (
        "macdef m\nmachine localhost login a password b\n",
        None,
        "-",
    ),
    (
        "macdef m machine localhost login a password b\nx\n\ndefault login c password d\n",
        None,
        "c:d",
    ),
    (
        "macdef m\n# x\n\nmachine localhost login a password b\n",
        None,
        "a:b",
    ),
    (
        "macdef m\n\nmachine localhost login a password b\n",
        None,
        "a:b",
    ),
    (
        "machine other login x password y\nmacdef m\ndefault login c\n\nmachine localhost login a password b\n",
        None,
        "a:b",
    ),
    (
        "machine localhost login a password b\nmacdef m\n\"\n",
        None,
        "a:b",
    ),
];

fn cases() -> impl Iterator<Item = Case> {
    let all = [WORDS, COMMENTS, QUOTES, ENTRIES, LOGINS, MACROS];
    all.into_iter().flatten().copied()
}

/// What a request logs in with.
fn login(request: Option<Request>) -> String {
    let Some(request) = request else {
        return "-".to_owned();
    };
    let Some(value) = request.header("authorization") else {
        return "-".to_owned();
    };
    let pair = value.strip_prefix("Basic ").and_then(from_base64);
    String::from_utf8(pair.expect("a login of the kind Basic")).expect("a login in UTF-8")
}

/// Gives each text to a client and compares what all of them led to.
#[track_caller]
fn compare(
    wanted: impl Fn(Case) -> String,
    call: impl Fn(&Server, &Path, &str, Option<&str>) -> String,
) {
    let (mut server, scratch) = (Server::start(|_| Reply::empty(401)), Scratch::new());
    // Each call says itself whether one came.
    server.expect_anything();
    let place = format!("localhost:{}", server.address().port());
    for case @ (text, name, _) in cases() {
        let file = scratch.write("netrc", text);
        server.forget();
        let sent = call(&server, &file, &place, name);
        assert_eq!(sent, wanted(case), "{text:?} for {name:?}");
    }
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn curl_reads_it_so() {
    compare(
        |(_, _, sent)| sent.to_owned(),
        |server, file, place, name| {
            let mut curl = Command::new("curl");
            curl.args(["-q", "--silent", "--show-error", "--max-time", "30"])
                .args(["--noproxy", "*", "--output", "/dev/null", "--netrc-file"])
                .arg(file);
            match name {
                None => curl.arg(format!("http://{place}/")),
                // Without the option a login in the address does not count.
                Some(name) => curl
                    .arg("--netrc-optional")
                    .arg(format!("http://{}@{place}/", percent_encode(name))),
            };
            let output = curl.stdin(Stdio::null()).output().unwrap_or_else(|error| {
                panic!("curl does not start ({error}): install the package curl")
            });
            let request = server.requests().into_iter().next();
            // 26: the file cannot be read. Nothing is sent then.
            let status = if request.is_some() { 0 } else { 26 };
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(status), "{said}");
            login(request)
        },
    );
}

#[test]
fn the_program_reads_it_as_curl_does() {
    compare(
        // Jira takes no half of a pair, and whoever sends one is locked out in the end. A colon ends a name.
        |(text, _, sent)| {
            let half = sent.starts_with(':') || sent.ends_with(':');
            match half || text.contains("login a:") {
                true => "-".to_owned(),
                false => sent.to_owned(),
            }
        },
        |server, file, place, name| {
            let mut run = Run::new(["jira", "show", "--url", &format!("http://{place}/")])
                .arg("--netrc")
                .arg(file);
            if let Some(name) = name {
                run = run.env("JIRA_USER", name);
            }
            let output = run.output();
            let request = server.requests().into_iter().next();
            match &request {
                Some(request) => assert_eq!(
                    (request.method.as_str(), request.path(), output.status),
                    ("GET", "/rest/api/2/serverInfo", 77),
                    "{output:?}"
                ),
                None => assert_eq!(output.status, 78, "{output:?}"),
            }
            login(request)
        },
    );
}
