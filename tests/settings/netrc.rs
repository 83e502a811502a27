//! Credentials of a netrc file: which entry is taken, and which file is refused or warned about. What the text of such a
//! file means is compared with curl in `netrc_as_curl`.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::{fs, thread};

use super::credentials::{NONE, pairs};
use super::{UNCHANGED, authorization, netrc_file, show};
use crate::support::model::uncalled;
use crate::support::systems::{self, Login, Servers, System};
use crate::support::{Jira, Navixy, RocketChat, Run, Scratch, World, encoding};

#[test]
fn a_netrc_holds_what_each_system_takes() {
    let (models, scratch) = (Servers::start(), Scratch::new());
    for (system, [(_, login), (_, secret)]) in pairs() {
        let text = format!("machine 127.0.0.1 login {login} password {secret}\n");
        let path = netrc_file(&scratch, &text, 0o600);
        models.whoami(system).arg("--netrc").arg(&path).answers();
        models.whoami(system).env("NETRC", &path).answers();
    }
    let pair = format!("Basic {}", encoding::base64(b"robot:secret"));
    assert_eq!(authorization(models.of::<Jira>()), Some(pair));
    // An id and a token, with which nobody logs in, and nobody may log out; and a name and a password.
    let [me, info] = ["GET /chat/api/v1/me", "GET /chat/api/info"];
    let [login, logout] = ["login", "logout"].map(|call| format!("POST /chat/api/v1/{call}"));
    let session = [&login, me, info, &logout];
    assert_eq!(
        models.of::<RocketChat>().calls(),
        [&[me, info, me, info], &session[..], &session[..]].concat()
    );
    assert_eq!(models.of::<RocketChat>().violations(), [""; 0]);
    // A login and a password: a session of the run's own.
    let session = ["auth", "get_info", "logout"].map(|call| format!("POST /v2/user/{call}"));
    assert_eq!(
        models.of::<Navixy>().calls(),
        [session.clone(), session].concat()
    );
}

/// Which of its variables is set says more than what the password looks like.
#[test]
fn a_netrc_gives_rocketchat_what_goes_with_the_variable_that_is_set() {
    let scratch = Scratch::new();
    let token = "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq";
    for (variable, login, secret, call) in [
        (
            "ROCKETCHAT_USER_ID",
            "aobEdbYhXfu5hkeqG",
            "short",
            "GET /chat/api/v1/me",
        ),
        (
            "ROCKETCHAT_USER",
            "robot-admin",
            token,
            "POST /chat/api/v1/login",
        ),
    ] {
        let models = Servers::start();
        let text = format!("machine 127.0.0.1 login {login} password {secret}\n");
        let path = netrc_file(&scratch, &text, 0o600);
        let whoami = models.whoami("rocketchat").env(variable, login);
        assert_eq!(whoami.env("NETRC", &path).output().status, 77);
        assert_eq!(models.of::<RocketChat>().calls(), [call]);
    }
}

#[test]
fn the_option_comes_before_the_variable() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let path = netrc_file(&scratch, "default login robot password secret\n", 0o600);
    let missing = scratch.join("nothing");
    show(&jira)
        .arg("--netrc")
        .arg(&path)
        .env("NETRC", &missing)
        .gives(0, UNCHANGED, "");
    // Relative to where the program runs.
    show(&jira)
        .env("NETRC", "netrc")
        .dir(scratch.path())
        .gives(0, UNCHANGED, "");
    // Empty means unset.
    show(&uncalled(Jira::default()))
        .env("NETRC", "")
        .gives(78, "", NONE);
}

/// What comes to a proxy when it is asked for this address: a way to see requests to hosts that are not there.
fn asked_of_a_proxy(url: &str, netrc: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
    let address = listener.local_addr().expect("a listener has an address");
    let serving = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("somebody calls");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).expect("a whole head");
            head.extend(byte);
        }
        let answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        socket.write_all(answer).expect("the program reads");
        String::from_utf8(head).expect("a head is ASCII")
    });
    let output = Run::new(["jira", "show", "--url", url, "--retries=0"])
        .arg(format!("--proxy=http://{address}"))
        .arg("--netrc")
        .arg(netrc)
        .output();
    assert_eq!(output.status, 77, "{output:?}");
    serving.join().expect("the proxy was asked")
}

#[test]
fn an_entry_is_found_by_the_host_alone() {
    let scratch = Scratch::new();
    let pair = encoding::base64(b"a:b");
    for (host, url) in [
        ("jira.example", "http://jira.example"),
        ("jira.example", "http://jira.example:8080/jira"),
        ("JIRA.example", "http://jira.EXAMPLE:8080"),
        ("::1", "http://[::1]:8080/jira"),
        ("::1", "http://[::1]"),
        ("127.0.0.2", "http://127.0.0.2:8080"),
    ] {
        let others = "machine example login x password y\nmachine jira login x password y\n";
        let text = format!("{others}machine {host} login a password b\n");
        let head = asked_of_a_proxy(url, &netrc_file(&scratch, &text, 0o600));
        assert!(
            head.contains(&format!("\r\nauthorization: Basic {pair}\r\n")),
            "{url}: {head}"
        );
    }
}

/// What a hint says where a file is named that gives nothing for the host.
fn no_entry(system: &str, ways: &str, host: &str) -> String {
    format!("avatarctl: {system}\nhint: set {ways}, or give {host} a login in the netrc file\n")
}

/// `X, or Y and Z`: what gives credentials, as a hint names it.
fn ways(system: &System) -> String {
    let way = |login: Login| {
        login
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(" and ")
    };
    system.logins.map(way).join(", or ")
}

#[test]
fn a_host_without_an_entry_has_no_credentials() {
    let scratch = Scratch::new();
    for text in [
        "",
        "machine localhost login robot password secret\n",
        "machine 127.0.0.1:80 login robot password secret\n",
        "machine 127.0.0 login robot password secret\nmachine 127.0.0.11 login robot password secret\n",
    ] {
        let path = netrc_file(&scratch, text, 0o600);
        for system in systems::ALL {
            let models = Servers::start();
            let who = format!("{}: no credentials for {}", system.name, system.title);
            models.whoami(system.name).env("NETRC", &path).gives(
                78,
                "",
                &no_entry(&who, &ways(system), "127.0.0.1"),
            );
            assert_eq!(models.take_requests(), 0);
        }
    }
    let path = netrc_file(&scratch, "machine [::1] login a password b\n", 0o600);
    Run::new(["jira", "show", "--url", "http://[::1]:1/jira"])
        .env("NETRC", &path)
        .gives(
            78,
            "",
            &no_entry(
                "jira: no credentials for Jira",
                "JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD",
                "::1",
            ),
        );
}

#[test]
fn a_user_name_chooses_among_the_logins_of_a_host() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let text = "machine 127.0.0.1 login other password wrong\n\
                machine 127.0.0.1 login robot password secret\n\
                default login x password wrong\n";
    let path = netrc_file(&scratch, text, 0o600);
    show(&jira)
        .env("NETRC", &path)
        .env("JIRA_USER", "robot")
        .gives(0, UNCHANGED, "");
    let quiet = uncalled(Jira::default());
    show(&quiet)
        .env("NETRC", &path)
        .env("JIRA_USER", "nobody")
        .gives(
            78,
            "",
            &no_entry(
                "jira: JIRA_USER is set and JIRA_PASSWORD is not",
                "JIRA_TOKEN, or JIRA_USER and JIRA_PASSWORD",
                "127.0.0.1",
            ),
        );
    // A password alone is for any login; the name is then needed.
    let path = netrc_file(&scratch, "machine 127.0.0.1 password secret\n", 0o600);
    show(&jira)
        .env("NETRC", &path)
        .env("JIRA_USER", "robot")
        .gives(0, UNCHANGED, "");
    show(&quiet).env("NETRC", &path).gives(
        78,
        "",
        "avatarctl: jira: the netrc file has a password of 127.0.0.1 and no login\nhint: set JIRA_USER\n",
    );
}

#[test]
fn a_password_of_a_variable_takes_its_login_from_the_netrc() {
    let (jira, scratch) = (Jira::start(), Scratch::new());
    let path = netrc_file(
        &scratch,
        "machine 127.0.0.1 login robot password wrong\n",
        0o600,
    );
    show(&jira)
        .env("NETRC", &path)
        .env("JIRA_PASSWORD", "secret")
        .gives(0, UNCHANGED, "");
    show(&uncalled(Jira::default()))
        .env("NETRC", netrc_file(&scratch, "", 0o600))
        .env("JIRA_PASSWORD", "secret")
        .gives(
            78,
            "",
            "avatarctl: jira: JIRA_PASSWORD is set and JIRA_USER is not\nhint: set JIRA_USER\n",
        );
}

/// Nobody minds a file that nobody reads.
#[test]
fn whole_credentials_of_variables_leave_the_netrc_unread() {
    let (models, scratch) = (Servers::start(), Scratch::new());
    for (system, login) in systems::logins() {
        for path in [scratch.join("nothing"), scratch.path().to_owned()] {
            let run = models.whoami(system.name).arg("--netrc").arg(path);
            run.login(login).answers();
        }
        let open = netrc_file(&scratch, "default login a password b\n", 0o644);
        let run = models.whoami(system.name).env("NETRC", open);
        run.login(login).answers();
    }
}

#[test]
fn a_netrc_that_cannot_be_used_is_refused() {
    let scratch = Scratch::new();
    let place = scratch.path().to_str().expect("a path of letters");
    scratch.write(
        "latin",
        b"machine 127.0.0.1 login robot password s\xe9cret\n",
    );
    scratch.write("long", "#".repeat(64 * 1024 + 1));
    scratch.write("blank", "machine 127.0.0.1 login robot password \"\"\n");
    scratch.write("nobody", "machine 127.0.0.1 login \"\" password hunter2\n");
    scratch.write(
        "lines",
        "machine 127.0.0.1 login robot password \"hun\\nter2\"\n",
    );
    scratch.write(
        "bell",
        "machine 127.0.0.1 login ro\u{7}bot password hunter2\n",
    );
    scratch.write("file", "");
    for name in ["blank", "nobody", "lines", "bell"] {
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(scratch.join(name), mode).expect("the file is ours");
    }
    for (name, said) in [
        (
            "nothing",
            "cannot read the netrc file \"DIR/nothing\": no such file or directory".to_owned(),
        ),
        (
            "file/netrc",
            "cannot read the netrc file \"DIR/file/netrc\": not a directory".to_owned(),
        ),
        (
            "",
            "cannot read the netrc file \"DIR/\": is a directory".to_owned(),
        ),
        (
            "latin",
            "the netrc file \"DIR/latin\" is not valid UTF-8".to_owned(),
        ),
        (
            "long",
            "cannot read the netrc file \"DIR/long\": it is longer than 64 KiB".to_owned(),
        ),
        (
            "blank",
            "the password of 127.0.0.1 in the netrc file is empty".to_owned(),
        ),
        (
            "nobody",
            "the login of 127.0.0.1 in the netrc file is empty".to_owned(),
        ),
        (
            "lines",
            "the password of 127.0.0.1 in the netrc file has more than one line\n\
             hint: only the secret may stand there"
                .to_owned(),
        ),
        (
            "bell",
            "the login of 127.0.0.1 in the netrc file contains a control character".to_owned(),
        ),
    ] {
        for system in systems::names() {
            let models = Servers::start();
            models
                .whoami(system)
                .env("NETRC", scratch.join(name))
                .mask(place, "DIR")
                .gives(78, "", &format!("avatarctl: {system}: {said}\n"));
            assert_eq!(models.take_requests(), 0);
        }
    }
    show(&uncalled(Jira::default()))
        .env("NETRC", OsString::from_vec(b"/\xff".to_vec()))
        .gives(78, "", "avatarctl: jira: NETRC is not valid UTF-8\n");
}

#[test]
fn a_netrc_that_everybody_may_read_is_warned_about() {
    let scratch = Scratch::new();
    let place = scratch.path().to_str().expect("a path of letters");
    let jira = Jira::start();
    for (mode, warned) in [
        (0o600, false),
        (0o400, false),
        (0o640, false),
        (0o644, true),
        (0o604, true),
    ] {
        let path = netrc_file(&scratch, "default login robot password secret\n", mode);
        let warning = match warned {
            true => {
                "avatarctl: jira: warning: the netrc file \"DIR/netrc\" can be read by everybody on this machine; chmod 600 it\n"
            }
            false => "",
        };
        show(&jira)
            .env("NETRC", &path)
            .mask(place, "DIR")
            .gives(0, UNCHANGED, warning);
    }
}

/// Models servers whose credentials are all in a netrc; two names for the loopback address stand for two hosts, and
/// the login of the manifest's own variable chooses the third.
fn three_by_netrc(world: &mut World) {
    let path = world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654}"#,
    );
    let text = fs::read_to_string(&path).expect("it was just written");
    let chat = world.chat().url();
    let text = text.replace(&chat, &chat.replace("127.0.0.1", "localhost"));
    let text = text.replace("\"navixy\"", "\"navixy\", \"credentials\": \"TEAM\"");
    fs::write(&path, text).expect("scratch is writable");
}

fn by_netrc(words: &str, world: &World, netrc: &Path) -> Run {
    let place = world.scratch.path().to_str().expect("a path of letters");
    let given = world.settings().into_iter().map(|(name, _)| name);
    given
        .fold(world.run(words), Run::without)
        .env("TEAM_LOGIN", "bot@example.com")
        .env("NETRC", netrc)
        .mask(place, "DIR")
}

#[test]
fn a_batch_reads_and_warns_about_its_netrc_once() {
    let mut world = World::new();
    three_by_netrc(&mut world);
    let text = "machine 127.0.0.1 login robot password secret\n\
                machine localhost login aobEdbYhXfu5hkeqG password 9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq\n\
                machine 127.0.0.1 login bot@example.com password secret\n";
    let netrc = netrc_file(&world.scratch, text, 0o644);
    by_netrc("apply m.json", &world, &netrc).gives(
        0,
        "jira robot: avatar 24880 (was 10122)\n\
         chat build-bot: image build.png (etag 83o…, first avatar)\n\
         fleet 2132: icon 3654 (was 12)\n\
         3 changed, 0 unchanged\n",
        "avatarctl: jira: warning: the netrc file \"DIR/netrc\" can be read by everybody on this machine; chmod 600 it\n",
    );
    let calls = world.fleet().calls();
    assert_eq!(
        (calls.first(), calls.last()),
        (
            Some(&"POST /v2/user/auth".to_owned()),
            Some(&"POST /v2/user/logout".to_owned())
        )
    );
    let asked = world.chat().calls();
    let session = |call: &String| call.ends_with("/login") || call.ends_with("/logout");
    assert!(!asked.iter().any(session), "{asked:?}");
}

#[test]
fn a_netrc_that_cannot_be_used_is_told_for_each_server_of_a_batch() {
    let mut world = World::new();
    three_by_netrc(&mut world);
    world.offline();
    by_netrc("apply m.json", &world, &world.scratch.join("nothing")).gives(
        78,
        "0 changed, 0 unchanged, 3 failed\n",
        "avatarctl: jira robot: cannot read the netrc file \"DIR/nothing\": no such file or directory\n\
         avatarctl: chat build-bot: cannot read the netrc file \"DIR/nothing\": no such file or directory\n\
         avatarctl: fleet 2132: cannot read the netrc file \"DIR/nothing\": no such file or directory\n",
    );
    // A file that everybody may read, and nobody can use, is told as what it is and no more.
    let path = world.scratch.write("latin", b"\xff");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("the file is ours");
    by_netrc("apply m.json", &world, &path).gives(
        78,
        "0 changed, 0 unchanged, 3 failed\n",
        "avatarctl: jira robot: the netrc file \"DIR/latin\" is not valid UTF-8\n\
         avatarctl: chat build-bot: the netrc file \"DIR/latin\" is not valid UTF-8\n\
         avatarctl: fleet 2132: the netrc file \"DIR/latin\" is not valid UTF-8\n",
    );
    // A hint names the variables of the manifest's prefix.
    let text = "machine localhost login a password b\n";
    let netrc = netrc_file(&world.scratch, text, 0o600);
    by_netrc("apply m.json --only fleet/*", &world, &netrc).gives(
        78,
        "0 changed, 0 unchanged, 1 failed\n",
        "avatarctl: fleet 2132: TEAM_LOGIN is set and TEAM_PASSWORD is not\n\
         hint: set TEAM_HASH, or TEAM_LOGIN and TEAM_PASSWORD, or give 127.0.0.1 a login in the netrc file\n",
    );
}
