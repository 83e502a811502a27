//! Whole commands against a server that answers with the input: the arguments and the environment in, the standard
//! streams, the files and the exit status out. Whatever a server says, the run ends in time with a status of the contract,
//! no secret is in anything it printed or wrote, what it printed is clean, and it wrote nothing but what it should.
//!
//! The first byte of an input chooses the command, the second how it prints, the rest are the answers in their order,
//! separated by `SEPARATOR`: `STATUS`, header lines, an empty line, a body. Its length is told by the server unless the
//! answer tells it. `ECHO` and a letter stand for a secret, as a server would repeat it: the credentials only after it was
//! sent some.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use avatarctl::apply::state::State;
use avatarctl::plan::manifest;
use avatarctl::run::run;
use avatarctl::terminal::is_deceptive;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

pub(super) fn jira(bytes: &[u8]) {
    let login = [("JIRA_USER", "robot"), ("JIRA_PASSWORD", PASSWORD)];
    let token = [("JIRA_TOKEN", TOKEN)];
    answered(
        "jira",
        &[
            ("whoami", &login),
            ("show --user build-bot", &token),
            ("show --output out/shown", &login),
            ("list --html out/sheet.html", &login),
            ("set --user build-bot --avatar-id 10123", &token),
            ("set --user build-bot --image robot.png", &login),
            ("set --user build-bot --image robot.png --dry-run", &login),
            ("delete --avatar-id 10123", &token),
            ("pull build-bot robot --to out/pulled", &login),
            ("doctor --user build-bot --har out/har", &token),
            ("doctor --user build-bot --round-trip --har out/har", &login),
        ],
        bytes,
    );
}

pub(super) fn rocketchat(bytes: &[u8]) {
    let login = [
        ("ROCKETCHAT_USER", "robot"),
        ("ROCKETCHAT_PASSWORD", PASSWORD),
    ];
    let token = [
        ("ROCKETCHAT_USER_ID", "robotsId000000001"),
        ("ROCKETCHAT_AUTH_TOKEN", TOKEN),
    ];
    answered(
        "rocketchat",
        &[
            ("whoami", &login),
            ("show --user build-bot", &token),
            ("show --user build-bot --output out/shown", &token),
            ("list", &token),
            (
                "set --user build-bot --avatar-url http://a.example/b.png",
                &token,
            ),
            ("set --user build-bot --image robot.png", &login),
            ("reset --user build-bot", &token),
            ("pull build-bot robot --to out/pulled", &token),
            ("doctor --user build-bot --har out/har", &login),
            ("doctor --user build-bot --round-trip --har out/har", &token),
        ],
        bytes,
    );
}

pub(super) fn navixy(bytes: &[u8]) {
    let login = [
        ("NAVIXY_LOGIN", "robot@example.org"),
        ("NAVIXY_PASSWORD", PASSWORD),
    ];
    let hash = [("NAVIXY_HASH", TOKEN)];
    answered(
        "navixy",
        &[
            ("whoami", &login),
            ("show --employee-id 2134", &hash),
            ("show --employee-id 2134 --output out/shown", &hash),
            ("list", &hash),
            ("set --employee-id 2134 --icon-id 3654", &login),
            ("set --employee-id 2134 --image robot.png", &hash),
            ("pull --to out/pulled", &hash),
            ("pull --to out/pulled --as-images", &hash),
            ("doctor --employee-id 2134 --har out/har", &login),
            (
                "doctor --employee-id 2134 --round-trip --har out/har",
                &hash,
            ),
        ],
        bytes,
    );
}

pub(super) fn matrix(bytes: &[u8]) {
    let login = [("MATRIX_USER", "robot"), ("MATRIX_PASSWORD", PASSWORD)];
    let token = [("MATRIX_TOKEN", TOKEN)];
    answered(
        "matrix",
        &[
            ("whoami", &login),
            ("show --user build-bot", &token),
            ("show --user build-bot --output out/shown", &token),
            ("list", &token),
            (
                "set --user build-bot --mxc mxc://test.local/aiLiKGuEbxrrWyAZUZTRHExS",
                &token,
            ),
            ("set --user build-bot --image robot.png", &login),
            ("reset --user build-bot", &token),
            ("pull build-bot robot --to out/pulled", &token),
            ("doctor --user build-bot --har out/har", &login),
            ("doctor --user build-bot --round-trip --har out/har", &token),
        ],
        bytes,
    );
}

/// A command line of a system, and its credentials.
type Command<'a> = (&'a str, &'a [(&'a str, &'a str)]);

const TOKEN: &str = "t0ken-that-n0body-may-see";
const PASSWORD: &str = "passw0rd that \"n0body\" may+see";
/// What servers give, and what is as secret from then on.
const COOKIE: &str = "c00kie-that-n0body-may-see";
const SESSION: &str = "sessi0n-that-n0body-may-see";

const SEPARATOR: &[u8] = b"\n\x1e\n";
const ECHO: u8 = 0x05;

/// What a run is given beside its own arguments: nothing is tried twice, and no wait is long.
const LIMITS: [&str; 8] = [
    "--retries",
    "0",
    "--max-time",
    "0.5",
    "--timeout",
    "0.4",
    "--color",
    "never",
];

fn answered(system: &str, commands: &[Command], bytes: &[u8]) {
    let [chosen, how, answers @ ..] = bytes else {
        return;
    };
    let (command, credentials) = commands[usize::from(*chosen) % commands.len()];
    let world = World::get();
    world.clear();
    world.server.answer(answers);
    let mut arguments: Vec<String> = vec![system.to_owned()];
    arguments.extend(command.split(' ').map(str::to_owned));
    arguments.extend(LIMITS.map(str::to_owned));
    arguments.extend(["--url".to_owned(), world.server.url()]);
    let json = how & 1 != 0;
    for (bit, word) in [
        (1, "--json"),
        (2, "-vv"),
        (4, "--quiet"),
        (8, "--force"),
        (16, "--no-verify"),
    ] {
        // What a verb does not know it refuses.
        let known = bit < 8 || command.starts_with("set") && !command.contains("--dry-run");
        if how & bit != 0 && known {
            arguments.push(word.to_owned());
        }
    }
    let environment = credentials.iter().copied();
    let pairs = environment.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let secrets = secrets(command, credentials, answers);
    let arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
    let begun = Instant::now();
    let mut exit = 0;
    let printed = captured(|| exit = run(arguments, pairs));
    let took = begun.elapsed();
    // Each request has a time of its own.
    assert!(took < Duration::from_secs(20), "{command} took {took:?}");
    assert!(
        [0, 1, 65, 66, 67, 69, 75, 76, 77, 78].contains(&exit),
        "{command} ended with {exit}\n{printed:?}"
    );
    for text in &printed {
        let shown = std::str::from_utf8(text).expect("text is printed");
        let bad = shown.chars().find(|c| is_deceptive(*c) && *c != '\n');
        assert_eq!(bad, None, "{command} printed {shown:?}");
        hides_secrets(command, &secrets, text);
    }
    if json {
        let lines = String::from_utf8_lossy(&printed[0]);
        for line in lines.lines() {
            let value: Value = serde_json::from_str(line).expect("a line of JSON");
            assert_eq!(value["v"], 1, "{line}");
        }
    }
    files(command, &secrets, &world.folder);
}

/// What a run must not show: its credentials, and of what servers gave, what no answer holds but as a cookie or a token.
/// Elsewhere such a text is any text, because nobody has said yet that it is a secret.
fn secrets(command: &str, credentials: &[(&str, &str)], answers: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(answers).to_lowercase();
    let literally = |secret: &str| text.contains(&secret.to_lowercase());
    let mut secrets = Vec::new();
    for (name, value) in credentials {
        if [TOKEN, PASSWORD].contains(value) {
            secrets.push((*value).to_owned());
        }
        if *name == "JIRA_PASSWORD" {
            secrets.push(basic());
        }
    }
    // A fuzzer that compares texts finds them; a server cannot know what it was not sent.
    secrets.retain(|secret| !literally(secret));
    let parts = text.split("\n\x1e\n").filter(|part| part.contains("\x05c"));
    // In a good answer it may be anything: cookies are seldom more than a word.
    let set = |part: &str| {
        let (head, body) = part.split_once("\n\n").unwrap_or((part, ""));
        head.contains("\nset-cookie: jsessionid=\x05c;") && !body.contains("\x05c")
    };
    if !literally(COOKIE) && parts.clone().count() > 0 && parts.clone().all(set) {
        secrets.push(COOKIE.to_owned());
    }
    let keys = ["\"authtoken\":\"", "\"access_token\":\"", "\"hash\":\""];
    let mut places = text.match_indices("\x05d");
    let as_token = places.all(|(at, _)| {
        keys.iter().any(|key| text[..at].ends_with(key)) && text[at + 2..].starts_with('"')
    });
    // An archive of answers shows what only the answer to a login hides.
    if as_token && !literally(SESSION) && !command.contains("--har") {
        secrets.push(SESSION.to_owned());
    }
    secrets
}

#[track_caller]
fn hides_secrets(command: &str, secrets: &[String], bytes: &[u8]) {
    for secret in secrets {
        let shown = String::from_utf8_lossy(bytes);
        assert!(!holds(bytes, secret), "{command} shows {secret:?}: {shown}");
    }
}

/// What was written is what the command says, and whole.
fn files(command: &str, secrets: &[String], folder: &Path) {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => waiting.push(path),
                false => file(command, secrets, &path),
            }
        }
    }
}

fn file(command: &str, secrets: &[String], path: &Path) {
    let world = World::get();
    let below = path.strip_prefix(&world.folder).expect("below it");
    let below = below.to_str().expect("a name of plain letters");
    let allowed = |name: &str| command.contains(name);
    let text = || {
        let bytes = fs::read(path).expect("a file that was written");
        hides_secrets(command, secrets, &bytes);
        String::from_utf8(bytes).expect("a text")
    };
    match below {
        "robot.png" => {}
        "out/shown" => assert!(allowed(below), "{command} wrote {below}"),
        "out/sheet.html" => {
            assert!(allowed(below), "{command} wrote {below}");
            assert!(text().ends_with("</html>\n"));
        }
        "out/har" => {
            assert!(allowed(below), "{command} wrote {below}");
            let archive: Value = serde_json::from_str(&text()).expect("an archive is JSON");
            assert!(archive["log"]["entries"].is_array());
        }
        "out/pulled/avatars.json" => {
            let folder = path.parent().expect("a folder");
            let (_, problems) = manifest::read(&text(), folder);
            assert!(problems.is_empty(), "{problems:?}");
        }
        "out/pulled/avatars.json.state" => {
            text();
            State::load(path).expect("a state that can be read");
        }
        // What the account wore, for whoever has to put it back.
        _ if below.starts_with("avatarctl-") => assert!(allowed("--round-trip"), "{below}"),
        // A picture, which is kept as it came.
        _ => {
            assert!(allowed("out/pulled"), "{command} wrote {below}");
            assert!(below.starts_with("out/pulled/"), "{command} wrote {below}");
            let plain = |c: char| c.is_ascii_alphanumeric() || "/._@-%".contains(c);
            assert!(below.chars().all(plain), "{command} wrote {below}");
            assert!(!below.contains("/."), "{command} wrote {below}");
        }
    }
}

/// The folder that commands run in, and the server that they talk to.
struct World {
    folder: PathBuf,
    server: Server,
}

impl World {
    fn get() -> &'static World {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(|| {
            let folder = super::own_file("commands");
            fs::create_dir_all(&folder).expect("a folder of our own");
            fs::write(folder.join("robot.png"), picture()).expect("room for a picture");
            std::env::set_current_dir(&folder).expect("a folder that is there");
            World {
                folder,
                server: Server::start(),
            }
        })
    }

    fn clear(&self) {
        for entry in fs::read_dir(&self.folder).expect("a folder of our own") {
            let path = entry.expect("an entry").path();
            if !path.ends_with("robot.png") && !path.is_dir() {
                fs::remove_file(path).expect("a file of our own");
            }
        }
        let out = self.folder.join("out");
        let _ = fs::remove_dir_all(&out);
        fs::create_dir(&out).expect("a folder of our own");
    }
}

/// The program's own test card.
fn picture() -> Vec<u8> {
    use avatarctl::picture::content::Content;
    let mut bytes = Vec::new();
    let picture = avatarctl::picture::Picture::test();
    let mut source = picture.open().expect("it is in memory");
    source.read_to_end(&mut bytes).expect("it is in memory");
    bytes
}

// ------------------------------------------------------------------------------------------------------------- server

/// Takes one request a connection, and gives one of the answers for it; none when they are used up.
struct Server {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

/// What the server says in one run, and what it was told.
#[derive(Default)]
struct Script {
    answers: VecDeque<Vec<u8>>,
    /// Whether a request held credentials.
    trusted: bool,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let script: Arc<Mutex<Script>> = Arc::default();
        let given = Arc::clone(&script);
        without_signals(|| {
            std::thread::spawn(move || {
                for connection in listener.incoming().flatten() {
                    let _ = serve(connection, &given);
                }
            });
        });
        Server { address, script }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn answer(&self, bytes: &[u8]) {
        let mut answers = VecDeque::new();
        let mut rest = bytes;
        loop {
            let windows = rest.windows(SEPARATOR.len());
            let end = windows.into_iter().position(|some| some == SEPARATOR);
            answers.push_back(rest[..end.unwrap_or(rest.len())].to_vec());
            match end {
                Some(end) => rest = &rest[end + SEPARATOR.len()..],
                None => break,
            }
        }
        *self.script.lock().expect("nobody panics with it") = Script {
            answers,
            trusted: false,
        };
    }
}

fn serve(mut connection: TcpStream, script: &Mutex<Script>) -> std::io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(1)))?;
    let (mut request, mut block) = (Vec::new(), [0; 16 << 10]);
    let end = loop {
        let count = connection.read(&mut block)?;
        if count == 0 {
            return Ok(());
        }
        request.extend_from_slice(&block[..count]);
        let end = request.windows(4).position(|some| some == b"\r\n\r\n");
        if let Some(end) = end {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.split("\r\ncontent-length: ").nth(1);
    let length = length.and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
    let whole = end + length.unwrap_or(0);
    while request.len() < whole {
        let count = connection.read(&mut block)?;
        if count == 0 {
            return Ok(());
        }
        request.extend_from_slice(&block[..count]);
    }
    let mut script = script.lock().expect("nobody panics with it");
    let credentials = [TOKEN.to_owned(), in_json(PASSWORD), basic()];
    let told = credentials.iter().any(|secret| holds(&request, secret));
    script.trusted |= told;
    let answer = script.answers.pop_front().unwrap_or_default();
    let mut wire = on_the_wire(&answer, script.trusted);
    if !script.trusted {
        // The input may have come upon the letters.
        for secret in &credentials {
            while let Some(at) = wire
                .windows(secret.len())
                .position(|some| some == secret.as_bytes())
            {
                wire[at] = b'x';
            }
        }
    }
    connection.write_all(&wire)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|some| some == text.as_bytes())
}

/// As Jira is sent a name and a password.
fn basic() -> String {
    BASE64_STANDARD.encode(format!("robot:{PASSWORD}"))
}

fn in_json(text: &str) -> String {
    let json = serde_json::to_string(text).expect("a text");
    json.trim_matches('"').to_owned()
}

/// The answer as it is sent: the input's text, the secrets in their places, and what ends it.
fn on_the_wire(input: &[u8], trusted: bool) -> Vec<u8> {
    let mut text = Vec::new();
    let mut bytes = input.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            &ECHO => text.extend(echo(bytes.next().copied().unwrap_or_default(), trusted)),
            byte => text.push(*byte),
        }
    }
    let end = text.windows(2).position(|some| some == b"\n\n");
    let (head, body) = match end {
        Some(end) => (&text[..end], &text[end + 2..]),
        None => (&text[..], &[][..]),
    };
    let head = String::from_utf8_lossy(head).replace('\n', "\r\n");
    let lower = head.to_ascii_lowercase();
    let mut wire = format!("HTTP/1.1 {head}\r\nconnection: close\r\n");
    if !lower.contains("content-length:") && !lower.contains("transfer-encoding:") {
        wire.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    [wire.as_bytes(), b"\r\n", body].concat()
}

fn echo(letter: u8, trusted: bool) -> Vec<u8> {
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let spelled = |text: &str| -> String {
        let letters = text.bytes();
        letters.map(|byte| format!("\\u{byte:04x}")).collect()
    };
    let text = match letter {
        b'c' => COOKIE.to_owned(),
        b'd' => SESSION.to_owned(),
        // The server itself, for addresses.
        b'u' => World::get().server.url(),
        _ if !trusted => "nobody".to_owned(),
        b'a' => TOKEN.to_owned(),
        b'b' => PASSWORD.to_owned(),
        b'e' => in_json(PASSWORD),
        b'f' => escaped(TOKEN),
        b'g' => escaped(PASSWORD),
        b'h' => spelled(TOKEN),
        b'i' => basic(),
        b'j' => BASE64_STANDARD.encode(TOKEN),
        _ => String::new(),
    };
    text.into_bytes()
}

// ------------------------------------------------------------------------------------------------------------ streams

thread_local! {
    /// Where the standard streams lead while a command runs, and where they led before.
    static STREAMS: RefCell<Option<Streams>> = const { RefCell::new(None) };
}

struct Streams {
    captured: [File; 2],
    before: [File; 2],
}

/// What is printed meanwhile on standard output and standard error. A signal that was meant for libFuzzer waits, and its
/// handlers are put back, which the program replaces.
fn captured(act: impl FnOnce()) -> [Vec<u8>; 2] {
    STREAMS.with(|streams| {
        let mut streams = streams.borrow_mut();
        if streams.is_none() {
            let hook = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                hook(panic);
            }));
            *streams = Some(Streams {
                captured: [memory(), memory()],
                before: [duplicate(1), duplicate(2)],
            });
        }
        let streams = streams.as_ref().expect("they were made");
        for (file, number) in streams.captured.iter().zip([1, 2]) {
            let mut file = file;
            file.set_len(0).expect("it is in memory");
            file.seek(SeekFrom::Start(0)).expect("it is in memory");
            lead(number, file);
        }
    });
    without_signals(|| with_handlers(act));
    give_back();
    STREAMS.with(|streams| {
        let streams = streams.borrow();
        let streams = streams.as_ref().expect("they were made");
        [0, 1].map(|at| {
            let (mut file, mut text) = (&streams.captured[at], Vec::new());
            file.seek(SeekFrom::Start(0)).expect("it is in memory");
            file.read_to_end(&mut text).expect("it is in memory");
            text
        })
    })
}

fn give_back() {
    STREAMS.with(|streams| {
        if let Ok(streams) = streams.try_borrow()
            && let Some(streams) = streams.as_ref()
        {
            for (file, number) in streams.before.iter().zip([1, 2]) {
                lead(number, file);
            }
        }
    });
}

fn memory() -> File {
    // SAFETY: the name is a C string, and the descriptor is nobody else's.
    let file = unsafe { File::from_raw_fd(libc::memfd_create(c"printed".as_ptr(), 0)) };
    assert!(file.metadata().is_ok(), "memory is a file");
    file
}

fn duplicate(number: i32) -> File {
    // SAFETY: the descriptor is nobody else's.
    unsafe { File::from_raw_fd(libc::dup(number)) }
}

/// Lets a standard stream lead there.
fn lead(number: i32, file: &File) {
    // SAFETY: both descriptors are open.
    unsafe { libc::dup2(file.as_raw_fd(), number) };
}

/// Threads that are made meanwhile take no signals either.
fn without_signals(act: impl FnOnce()) {
    // SAFETY: sets of zeroes are valid, and are filled before they are used.
    unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = std::mem::zeroed();
        libc::sigemptyset(&mut all);
        libc::sigaddset(&mut all, libc::SIGALRM);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, &mut before);
        act();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
    }
}

/// The program's handlers are gone afterwards.
fn with_handlers(act: impl FnOnce()) {
    let signals = [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGTERM,
        libc::SIGALRM,
        libc::SIGXFSZ,
    ];
    // SAFETY: an action of zeroes is a valid one to write to.
    unsafe {
        let before = signals.map(|signal| {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &mut action);
            (signal, action)
        });
        act();
        for (signal, action) in before {
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}
