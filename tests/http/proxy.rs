//! Through a proxy: https by CONNECT and http by the absolute form, with and without a login, past proxies that
//! refuse, stall and lie, and through a real one.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::encoding::{base64, percent_encode};
use crate::support::model::{Fault, Running};
use crate::support::rocketchat::SIGNATURE;
use crate::support::server::{Reply, Wire, drip, lock, unused_address};
use crate::support::{Jira, Navixy, Output, RocketChat, Run, Scratch, Server, pictures};

// ------------------------------------------------------------------------------------------- an in-process proxy

/// What the proxy does about a request that it has read.
#[derive(Clone)]
pub enum Way {
    /// What proxies are for.
    Forward,
    /// Forwards only to whoever logs in with this `user:password`.
    Login(&'static str),
    /// These bytes, and the end.
    Say(Vec<u8>),
    /// These bytes, a byte at a time with this pause, and the end.
    Drip(Vec<u8>, Duration),
    /// Forwards the request and answers this in place of the server.
    Lose(Vec<u8>),
}

pub struct Proxy {
    address: SocketAddr,
    /// The heads of all requests, as they came.
    heads: Arc<Mutex<Vec<String>>>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    pub fn start(way: Way) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (heads, open) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(Mutex::new(Vec::new())),
        );
        let stopping = Arc::new(AtomicBool::new(false));
        let accepting = {
            let (heads, open, stopping) =
                (Arc::clone(&heads), Arc::clone(&open), Arc::clone(&stopping));
            thread::spawn(move || {
                for socket in listener.incoming().map_while(Result::ok) {
                    if stopping.load(Ordering::SeqCst) {
                        return;
                    }
                    lock(&open).push(socket.try_clone().expect("a socket can be shared"));
                    let (way, heads, open) = (way.clone(), Arc::clone(&heads), Arc::clone(&open));
                    thread::spawn(move || {
                        let _ = serve(&socket, &way, &heads, &open);
                        let _ = socket.shutdown(Shutdown::Both);
                    });
                }
            })
        };
        Proxy {
            address,
            heads,
            open,
            stopping,
            accepting: Some(accepting),
        }
    }

    /// With user info, percent-encoded as a URL has it.
    pub fn url(&self, login: &str) -> String {
        let info = match login.split_once(':') {
            Some((user, password)) => {
                format!("{}:{}@", percent_encode(user), percent_encode(password))
            }
            None => String::new(),
        };
        format!("http://{info}{}", self.address)
    }

    pub fn heads(&self) -> Vec<String> {
        lock(&self.heads).clone()
    }

    /// The first lines of all requests, hosts masked.
    fn lines(&self, host: SocketAddr) -> Vec<String> {
        let first = |head: &String| {
            head.lines()
                .next()
                .unwrap_or_default()
                .replace(&host.to_string(), "HOST")
        };
        self.heads().iter().map(first).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        for socket in lock(&self.open).iter() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// One connection, which carries one request, or one tunnel; like tinyproxy it ends without a word of it.
fn serve(
    socket: &TcpStream,
    way: &Way,
    heads: &Mutex<Vec<String>>,
    open: &Mutex<Vec<TcpStream>>,
) -> io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    let mut writer = socket.try_clone()?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    lock(heads).push(head.clone());
    let field = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(given, _)| given.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.to_owned())
    };
    let mut body =
        vec![0; field("content-length").map_or(0, |text| text.parse().expect("a number"))];
    reader.read_exact(&mut body)?;
    match way {
        Way::Login(login)
            if field("proxy-authorization")
                != Some(format!("Basic {}", base64(login.as_bytes()))) =>
        {
            return writer.write_all(
                    b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 3\r\n\r\nno\n",
                );
        }
        Way::Say(bytes) => return writer.write_all(bytes),
        Way::Drip(bytes, pause) => {
            return drip(&mut writer, bytes, *pause);
        }
        Way::Forward | Way::Login(_) | Way::Lose(_) => {}
    }
    let mut words = head.split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    if method == "CONNECT" {
        // DNS knows a host by its full name too; the list of this machine does not.
        let server = TcpStream::connect(target.replacen(".:", ":", 1))?;
        lock(open).push(server.try_clone()?);
        writer.write_all(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n")?;
        let (mut up, mut down) = (server.try_clone()?, server);
        let copying = thread::spawn(move || {
            let _ = io::copy(&mut reader, &mut up);
            let _ = up.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut down, &mut writer);
        let _ = writer.shutdown(Shutdown::Both);
        let _ = copying.join();
        return Ok(());
    }
    let rest = target.strip_prefix("http://").expect("the absolute form");
    let (host, path) = rest.split_once('/').expect("a path");
    let forwarded: Vec<&str> = head
        .split("\r\n")
        .skip(1)
        .filter(|line| !line.to_lowercase().starts_with("proxy-"))
        .collect();
    let mut server = TcpStream::connect(host)?;
    server.write_all(format!("{method} /{path} HTTP/1.1\r\nConnection: close\r\n").as_bytes())?;
    server.write_all(forwarded.join("\r\n").as_bytes())?;
    server.write_all(&body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    match way {
        Way::Lose(bytes) if method == "POST" => writer.write_all(bytes),
        _ => writer.write_all(&answer),
    }
}

// ------------------------------------------------------------------------------------------------------ servers

/// Jira over TLS, and the root to trust, in a file.
pub fn encrypted(scratch: &Scratch) -> (Running<Jira>, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let file = scratch.write("root.pem", made.cert.pem());
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(made.key_pair.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate and its key");
    let config = Arc::new(config);
    let wrap = move |socket: TcpStream| -> io::Result<Box<dyn Wire>> {
        let session =
            rustls::ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        Ok(Box::new(rustls::StreamOwned::new(session, socket)))
    };
    let jira = Running::start_over("https", wrap, Jira::default());
    (jira, file.to_str().expect("a path is text").to_owned())
}

const SELECT: [&str; 4] = ["jira", "set", "--user=build-bot", "--avatar-id=24880"];
const DONE: &str = "jira build-bot: avatar 24880 (was 10122)\n";

fn timeless(output: Output) -> Output {
    let lines = output
        .stderr
        .lines()
        .map(|line| match line.split_once(", trying again in ") {
            Some((why, rest)) => {
                let what = rest.split_once(" s to ").map_or(rest, |(_, what)| what);
                format!("{why}, trying again in N s to {what}\n")
            }
            None => format!("{line}\n"),
        });
    Output {
        stderr: lines.collect(),
        ..output
    }
}

impl Run {
    fn args<'a>(self, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        arguments
            .into_iter()
            .fold(self, |run, argument| run.arg(argument))
    }
}

// -------------------------------------------------------------------------------------------------------- tests

#[test]
fn https_goes_through_connect_and_http_by_the_absolute_form() {
    let scratch = Scratch::new();
    for (way, login) in [(Way::Forward, ""), (Way::Login("m@x:p:w%/ä"), "m@x:p:w%/ä")] {
        let proxy = Proxy::start(way);
        let (jira, root) = encrypted(&scratch);
        let output = Run::new(SELECT)
            .with(&jira)
            .args([
                "--ca-file",
                root.as_str(),
                "--proxy",
                proxy.url(login).as_str(),
                "-vv",
            ])
            .output();
        assert_eq!(
            (output.status, output.stdout.as_str()),
            (0, DONE),
            "{output:?}"
        );
        assert_eq!(proxy.lines(jira.address()), ["CONNECT HOST HTTP/1.1"]);
        // The proxy hears of the server's name and its own login, and of nothing else.
        let head = proxy.heads().concat().to_lowercase();
        assert!(
            !head.contains("\r\nauthorization") && !head.contains("cookie"),
            "{head}"
        );
        assert_eq!(head.contains("proxy-authorization"), !login.is_empty());
        assert!(
            !output.stderr.contains("p:w") && !output.stderr.contains(&base64(login.as_bytes()))
                || login.is_empty()
        );

        let jira = Jira::start();
        let output = Run::new(SELECT)
            .with(&jira)
            .args(["--proxy", &proxy.url(login), "-vv"])
            .output();
        assert_eq!(
            (output.status, output.stdout.as_str()),
            (0, DONE),
            "{output:?}"
        );
        assert_eq!(
            proxy.lines(jira.address())[1..],
            [
                "GET http://HOST/jira/rest/api/2/serverInfo HTTP/1.1",
                "GET http://HOST/jira/rest/api/2/user/avatars?username=build-bot HTTP/1.1",
                "PUT http://HOST/jira/rest/api/latest/user/avatar?username=build-bot HTTP/1.1",
                "GET http://HOST/jira/rest/api/2/user?username=build-bot HTTP/1.1",
                "GET http://HOST/jira/rest/api/2/user/avatars?username=build-bot HTTP/1.1",
            ]
        );
        // The server hears nothing of the proxy's login.
        assert!(
            jira.requests()
                .iter()
                .all(|request| request.header("proxy-authorization").is_none())
        );
        assert!(
            !output.stderr.contains("p:w") && !output.stderr.contains(&percent_encode("p:w%/ä"))
        );
    }
}

/// A file store that a redirect leads to is another place: whether a proxy stands before it is asked anew.
#[test]
fn a_file_store_has_a_proxy_of_its_own() {
    let proxy = Proxy::start(Way::Forward);
    let store = Server::start(|_| Reply::text(200, "image/png", pictures::png(64, 64, 1)));
    let chat = RocketChat::start();
    chat.model().give("build-bot", pictures::png(64, 64, 1));
    chat.model().store = Some(store.url());
    let get = format!("GET http://HOST/avatars/build-bot?{SIGNATURE} HTTP/1.1");
    for (left_out, through) in [
        (chat.address(), &[get.as_str()][..]),
        (store.address(), &[]),
    ] {
        let before = proxy.heads().len();
        let output = Run::new([
            "rocketchat",
            "show",
            "--user=build-bot",
            "--output=/dev/null",
        ])
        .with(&chat)
        .env("HTTP_PROXY", proxy.url(""))
        .env("NO_PROXY", left_out.to_string())
        .output();
        assert_eq!(output.status, 0, "{output:?}");
        let lines = proxy.lines(store.address()).split_off(before);
        let of_store: Vec<&String> = lines.iter().filter(|line| line.contains("HOST")).collect();
        assert_eq!(of_store, through);
    }
}

#[test]
fn the_variables_name_a_proxy_and_leave_hosts_out() {
    let proxy = Proxy::start(Way::Forward);
    let through = proxy.url("");
    for (variables, used) in [
        (&[("http_proxy", "P")][..], true),
        (&[("HTTP_PROXY", "P")], true),
        (&[("all_proxy", "P")], true),
        (&[("ALL_PROXY", "P")], true),
        (&[("HTTPS_PROXY", "P"), ("https_proxy", "P")], false),
        (&[("HTTP_PROXY", "P"), ("NO_PROXY", "*")], false),
        (&[("HTTP_PROXY", "P"), ("no_proxy", "127.0.0.0/8")], false),
        (
            &[("HTTP_PROXY", "P"), ("NO_PROXY", "a.example,127.0.0.1")],
            false,
        ),
        (&[("HTTP_PROXY", "P"), ("NO_PROXY", "127.0.0.1:1")], true),
        (
            &[("HTTP_PROXY", "P"), ("NO_PROXY", "10.0.0.0/8 ::1/128")],
            true,
        ),
        (&[("HTTP_PROXY", "P"), ("NO_PROXY", "")], true),
    ] {
        let jira = Jira::start();
        let before = proxy.heads().len();
        let run = Run::new(SELECT).with(&jira);
        let run = variables.iter().fold(run, |run, (name, value)| {
            run.env(name, value.replace('P', &through))
        });
        run.gives(0, DONE, "");
        assert_eq!(proxy.heads().len() > before, used, "{variables:?}");
    }
}

/// For https they have names of their own, and those of http mean nothing.
#[test]
fn the_variables_of_https_are_others() {
    let (proxy, scratch) = (Proxy::start(Way::Forward), Scratch::new());
    let through = proxy.url("");
    for (variables, used) in [
        (&[("https_proxy", "P")][..], true),
        (&[("HTTPS_PROXY", "P")], true),
        (&[("all_proxy", "P")], true),
        (&[("ALL_PROXY", "P")], true),
        (&[("HTTP_PROXY", "P"), ("http_proxy", "P")], false),
        (&[("HTTPS_PROXY", "P"), ("NO_PROXY", "127.0.0.1")], false),
        (&[("https_proxy", "P"), ("no_proxy", "127.0.0.1")], false),
    ] {
        let (jira, root) = encrypted(&scratch);
        let before = proxy.heads().len();
        let run = Run::new(SELECT).with(&jira).args(["--ca-file", &root]);
        let run = variables.iter().fold(run, |run, (name, value)| {
            run.env(name, value.replace('P', &through))
        });
        run.gives(0, DONE, "");
        assert_eq!(proxy.heads().len() > before, used, "{variables:?}");
    }
}

/// It comes before the command line's and the environment's, which a server without one takes.
#[test]
fn a_server_of_a_manifest_may_have_a_proxy_of_its_own() {
    let (own, other) = (Proxy::start(Way::Forward), Proxy::start(Way::Forward));
    let (jira, scratch) = (Jira::start(), Scratch::new());
    for (key, ours) in [
        (format!(", \"proxy\": \"{}\"", own.url("")), true),
        (String::new(), false),
    ] {
        scratch.write(
            "m.json",
            format!(
                "{{\"servers\": {{\"jira\": {{\"system\": \"jira\", \"url\": \"{}\"{key}}}}},\n\
                 \"accounts\": [{{\"server\": \"jira\", \"user\": \"build-bot\", \"avatar_id\": 10122}}]}}",
                jira.url()
            ),
        );
        for option in [true, false] {
            let before = [own.heads().len(), other.heads().len()];
            let run = Run::new(["diff", "m.json"]).with(&jira).dir(scratch.path());
            let run = match option {
                true => run.args(["--proxy", &other.url("")]),
                false => run.env("HTTP_PROXY", other.url("")),
            };
            run.gives(0, "0 to change, 1 the same\n", "");
            let used = [
                own.heads().len() > before[0],
                other.heads().len() > before[1],
            ];
            assert_eq!(used, [ours, !ours], "{option}");
        }
    }
}

/// A refusal, as the proxy's own or a server's.
fn refusal(status: &str, signature: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{signature}Content-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>no</p>").into_bytes()
}

#[test]
fn a_proxy_s_own_answers_are_told_apart() {
    let scratch = Scratch::new();
    let (mut https, root) = encrypted(&scratch);
    https.expect_anything();
    let mut http = Jira::start();
    http.expect_anything();
    let login = "hint: give them in the proxy's URL: http://user:password@host:port, best in HTTPS_PROXY or HTTP_PROXY\n";
    let way =
        |what: &str| format!("the proxy PROXY does not connect to SERVER: it answered {what}");
    let own = |what: &str| format!("the proxy PROXY, not the server, answered {what}");
    let squid = "Server: squid/5.7\r\n";
    let other = "the proxy PROXY asks for a user and a password, or for other ones";
    for (tls, answer, status, said, hint) in [
        (true, refusal("407 Who", ""), 77, other.to_owned(), login),
        (true, refusal("403 No", ""), 69, way("403"), ""),
        (true, refusal("502 No", ""), 69, way("502"), ""),
        (true, refusal("500 No", ""), 69, way("500"), ""),
        (
            true,
            refusal("302 Log in", "Location: http://sso/?t=S\r\n"),
            69,
            way("302"),
            "",
        ),
        (
            true,
            b"".to_vec(),
            69,
            "the proxy PROXY closed the connection".to_owned(),
            "",
        ),
        (
            true,
            b"HTTP/1.1 200".to_vec(),
            69,
            "the proxy PROXY closed the connection".to_owned(),
            "",
        ),
        (
            true,
            b"SSH-2.0-x\r\n\r\n".to_vec(),
            69,
            "PROXY does not answer like an http proxy".to_owned(),
            "",
        ),
        (
            true,
            vec![b'x'; 20_000],
            69,
            "PROXY does not answer like an http proxy".to_owned(),
            "",
        ),
        (
            true,
            b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
            69,
            "SERVER closed the connection during the TLS handshake".to_owned(),
            "",
        ),
        (false, refusal("407 Who", ""), 77, other.to_owned(), login),
        (false, refusal("403 No", squid), 69, own("403"), ""),
        (
            false,
            refusal("403 No", "X-Squid-Error: ERR_ACCESS_DENIED 0\r\n"),
            69,
            own("403"),
            "",
        ),
        (false, refusal("503 No", squid), 69, own("503"), ""),
        (false, refusal("502 No", squid), 69, own("502"), ""),
        (false, refusal("504 No", squid), 69, own("504"), ""),
        (
            false,
            b"".to_vec(),
            75,
            "the connection was lost before the answer was complete".to_owned(),
            "",
        ),
        // Without a name on it, it is the server's.
        (
            false,
            refusal("502 No", ""),
            75,
            "the server failed with 502".to_owned(),
            "",
        ),
        (
            false,
            b"SSH-2.0-x\r\n\r\n".to_vec(),
            76,
            "the answer is not HTTP as this program understands it".to_owned(),
            "",
        ),
    ] {
        let shown = String::from_utf8_lossy(&answer)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        let proxy = Proxy::start(Way::Say(answer));
        let jira = if tls { &https } else { &http };
        let output = Run::new(["jira", "show", "--user=robot", "--ca-file", &root])
            .with(jira)
            .args(["--proxy", &proxy.url("me:hunter2")])
            .mask(&proxy.address.to_string(), "PROXY")
            .mask(&jira.address().to_string(), "SERVER")
            .once()
            .output();
        let wanted = format!("avatarctl: jira robot: ask what server this is: {said}\n{hint}");
        assert_eq!(
            (output.status, output.stderr.as_str()),
            (status, wanted.as_str()),
            "{tls} {shown}"
        );
    }
    assert!(https.requests().is_empty() && http.requests().is_empty());
}

#[test]
fn a_refused_login_is_not_repeated_and_a_server_out_of_reach_is() {
    let scratch = Scratch::new();
    let (mut https, root) = encrypted(&scratch);
    https.expect_anything();
    for (status, tries) in [
        ("407 Who", 1),
        ("403 No", 1),
        ("502 No", 2),
        ("503 No", 2),
        ("500 Unable to connect", 2),
    ] {
        let proxy = Proxy::start(Way::Say(refusal(status, "")));
        Run::new([
            "jira",
            "show",
            "--user=robot",
            "--retries=1",
            "--ca-file",
            &root,
        ])
        .with(&https)
        .args(["--proxy", &proxy.url("")])
        .output();
        assert_eq!(proxy.heads().len(), tries, "{status}");
    }
}

#[test]
fn an_upload_whose_answer_a_proxy_lost_is_not_stored_twice() {
    let scratch = Scratch::new();
    scratch.write("small.png", pictures::png(48, 48, 2));
    for status in ["502 Bad Gateway", "504 Gateway Timeout"] {
        let proxy = Proxy::start(Way::Lose(refusal(
            status,
            "X-Squid-Error: ERR_READ_TIMEOUT 110\r\n",
        )));
        let jira = Jira::start();
        Run::new(["jira", "set", "--user=build-bot", "--image=small.png"])
            .with(&jira)
            .dir(scratch.path())
            .args(["--proxy", &proxy.url("")])
            .gives(
                0,
                "jira build-bot: image small.png (avatar 24901, was 10122)\n",
                "",
            );
        assert_eq!(jira.model().custom.len(), 1);
    }
}

#[test]
fn a_proxy_that_drips_or_hangs_cannot_hold_the_tool() {
    let scratch = Scratch::new();
    let (mut https, root) = encrypted(&scratch);
    https.expect_anything();
    let mut http = Jira::start();
    http.expect_anything();
    let drip = Way::Drip(
        b"HTTP/1.1 200 Connection established".repeat(5),
        Duration::from_millis(200),
    );
    for (way, tls, limit, status) in [
        (drip.clone(), true, "--connect-timeout=0.5", 69),
        (drip.clone(), true, "--timeout=0.5", 69),
        (drip.clone(), true, "--max-time=0.5", 69),
        (drip.clone(), false, "--timeout=0.5", 75),
        (drip, false, "--max-time=0.5", 75),
    ] {
        let proxy = Proxy::start(way);
        let jira = if tls { &https } else { &http };
        let begun = Instant::now();
        let output = Run::new(["jira", "show", "--user=robot", limit, "--ca-file", &root])
            .with(jira)
            .args(["--proxy", &proxy.url("")])
            .once()
            .output();
        assert_eq!(output.status, status, "{limit} {output:?}");
        // A byte every fifth of a second would hold it for half a minute.
        assert!(
            begun.elapsed() < Duration::from_secs(8),
            "{limit} {:?}",
            begun.elapsed()
        );
        assert_eq!(
            output
                .stderr
                .lines()
                .filter(|line| line.starts_with("avatarctl: "))
                .count(),
            1
        );
    }
}

#[test]
fn a_proxy_that_nobody_serves_is_named() {
    let gone = unused_address();
    let mut jira = Jira::start();
    jira.expect_no_calls();
    let run = || {
        Run::new(["jira", "show", "--user=robot"])
            .with(&jira)
            .mask(&gone.to_string(), "PROXY")
    };
    run().args(["--proxy", &format!("http://me:hunter2@{gone}")]).once().gives(
        69,
        "",
        "avatarctl: jira robot: ask what server this is: cannot connect to the proxy PROXY: connection refused\n",
    );
    for url in [
        "socks5://me:hunter2@proxy:1",
        "http://me:hunter%zz@proxy:1",
        "http://me:hunter2@pro xy",
    ] {
        let output = run().env("HTTP_PROXY", url).output();
        assert_eq!(output.status, 78);
        assert!(!output.stderr.contains("hunter"), "{output:?}");
    }
}

// ------------------------------------------------------------------------------------------------- a real proxy

/// tinyproxy on a port of its own.
struct Tinyproxy {
    child: Child,
    address: SocketAddr,
}

impl Tinyproxy {
    /// None where it is not installed and that was said to be all right.
    fn start(scratch: &Scratch, more: &str) -> Option<Tinyproxy> {
        // Two programs may be given the same free port at the same time: try again.
        for _ in 0..5 {
            let address = unused_address();
            let log = scratch.join("tinyproxy.log");
            let port = address.port();
            let file = scratch.write(
                "tinyproxy.conf",
                format!("Port {port}\nListen 127.0.0.1\nTimeout 20\nLogFile \"{}\"\nLogLevel Info\n{more}\n", log.display()),
            );
            let started = Command::new("tinyproxy")
                .arg("-d")
                .arg("-c")
                .arg(file)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let mut child = match started {
                Ok(child) => child,
                Err(error) => {
                    assert!(
                        std::env::var_os("AVATARCTL_TESTS_WITHOUT_TINYPROXY").is_some(),
                        "tinyproxy does not start ({error}): install the package tinyproxy, or set \
                         AVATARCTL_TESTS_WITHOUT_TINYPROXY to do without these tests"
                    );
                    return None;
                }
            };
            let patience = Instant::now() + Duration::from_secs(10);
            while Instant::now() < patience && matches!(child.try_wait(), Ok(None)) {
                if TcpStream::connect(address).is_ok() {
                    return Some(Tinyproxy { child, address });
                }
                thread::yield_now();
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!(
            "tinyproxy does not listen: {}",
            fs::read_to_string(scratch.join("tinyproxy.log")).unwrap_or_default()
        );
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_proxy_carries_every_flow() {
    let scratch = Scratch::new();
    scratch.write("large.png", pictures::png(64, 64, 1));
    scratch.write("small.png", pictures::png(48, 48, 2));
    let Some(proxy) = Tinyproxy::start(&scratch, "BasicAuth me hunter2") else {
        return;
    };
    let (https, root) = encrypted(&scratch);
    let http = Jira::start();
    let navixy = Navixy::start();
    let url = format!("http://me:hunter%32@{}", proxy.address);
    for jira in [&https, &http] {
        let run = |arguments: &[&str]| {
            Run::new(arguments.iter().copied())
                .with(jira)
                .dir(scratch.path())
                .args(["--ca-file", &root])
                .env("ALL_PROXY", url.as_str())
        };
        run(&SELECT).gives(0, DONE, "");
        // tinyproxy 1.11.1 passes the first of several Set-Cookie headers on and drops the others, which a crop
        // over plain http needs; a small square needs none.
        let picture = match jira.url().starts_with("https") {
            true => "large.png",
            false => "small.png",
        };
        run(&["jira", "set", "--user=build-bot", "--image", picture]).gives(
            0,
            &format!("jira build-bot: image {picture} (avatar 24901, was 24880)\n"),
            "",
        );
    }
    Run::new(["navixy", "set", "--employee-id=2132", "--icon-id=3654"])
        .with(&navixy)
        .env("http_proxy", url.as_str())
        .gives(0, "navixy 2132: icon 3654 (was 12)\n", "");
    let log = scratch.read("tinyproxy.log");
    assert!(
        log.contains(&format!("CONNECT {} HTTP/1.1", https.address())),
        "{log}"
    );
    assert!(
        log.contains(&format!(
            "GET http://{}/jira/rest/api/2/serverInfo HTTP/1.1",
            http.address()
        )),
        "{log}"
    );
}

#[test]
fn a_real_proxy_s_refusals_are_its_own() {
    let scratch = Scratch::new();
    let Some(proxy) = Tinyproxy::start(&scratch, "BasicAuth me hunter2\nConnectPort 443") else {
        return;
    };
    let gone = unused_address();
    let run = |scheme: &str, login: &str| {
        let output = Run::new(["jira", "show", "--user=robot", "--retries=1"])
            .env("JIRA_URL", format!("{scheme}://{gone}"))
            .env("JIRA_TOKEN", "token")
            .args(["--proxy", &format!("http://{login}@{}", proxy.address)])
            .mask(&proxy.address.to_string(), "PROXY")
            .mask(&gone.to_string(), "SERVER")
            .output();
        timeless(output)
    };
    for scheme in ["http", "https"] {
        run(scheme, "me:wrong").gives(
            77,
            "",
            "avatarctl: jira robot: ask what server this is: the proxy PROXY asks for a user and a password, or for other ones\n\
             hint: give them in the proxy's URL: http://user:password@host:port, best in HTTPS_PROXY or HTTP_PROXY\n",
        );
    }
    run("http", "me:hunter2").gives(
        69,
        "",
        "avatarctl: the proxy PROXY, not the server, answered 500, trying again in N s to ask what server this is\n\
         avatarctl: jira robot: ask what server this is: the proxy PROXY, not the server, answered 500 (tried 2 times)\n",
    );
    run("https", "me:hunter2").gives(
        69,
        "",
        "avatarctl: jira robot: ask what server this is: the proxy PROXY does not connect to SERVER: it answered 403\n",
    );
}

#[test]
fn a_server_s_own_answer_stays_its_own_behind_a_real_proxy() {
    let scratch = Scratch::new();
    let Some(proxy) = Tinyproxy::start(&scratch, "") else {
        return;
    };
    let jira = Jira::start();
    let show = || {
        Run::new(["jira", "show", "--user=robot"])
            .with(&jira)
            .args(["--proxy", &format!("http://{}", proxy.address)])
            .once()
            .output()
    };
    jira.fault(Fault::any().instead(Reply::html(502, "Bad Gateway")));
    show().gives(
        75,
        "",
        "avatarctl: jira robot: ask what server this is: the server failed with 502\n",
    );
    jira.fault(Fault::any().instead(Reply::html(403, "Forbidden")));
    assert_eq!(show().status, 77);
    jira.fault(Fault::any().silent());
    let output = show();
    assert_eq!(output.status, 75, "{output:?}");
}
