//! Machines that have little: an empty root, a file system that cannot be written, names and addresses as networks have
//! them. Each row is a machine of its own, with its own root, network and name server; that takes root, which CI is.
//! `tests/release/machines.sh` puts what is released on old and new Debian and into the image.
#![allow(unsafe_code)] // Namespaces and mounts are made between fork and exec.

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket,
};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Jira, Output, Running, Scratch, World, program};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
/// Of Jira, on every machine: each has a network of its own.
const PORT: u16 = 8080;
const SHOWN: &str = "jira robot: avatar 10122 (system)\n";
const UNKNOWN: &str =
    "avatarctl: jira: ask what server this is: cannot find the host jira.corp.test\n";

/// A machine, and how `jira show` ends on it.
struct Machine {
    is: &'static str,
    /// Without it the machine has IPv6 alone.
    ipv4: bool,
    hosts: &'static str,
    /// None: there is no such file.
    resolv: Option<&'static str>,
    /// What its name server knows: one name.
    known: Option<(&'static str, &'static [IpAddr])>,
    /// The host of `JIRA_URL`.
    host: &'static str,
    answers: &'static [IpAddr],
    /// Where whoever connects hears nothing.
    silent: &'static [IpAddr],
    status: i32,
    stdout: &'static str,
    stderr: &'static str,
}

const USUAL: Machine = Machine {
    is: "nothing but the program",
    ipv4: true,
    hosts: "",
    resolv: None,
    known: None,
    host: "127.0.0.1",
    answers: &[V4],
    silent: &[],
    status: 0,
    stdout: SHOWN,
    stderr: "",
};

const MACHINES: &[Machine] = &[
    USUAL,
    Machine {
        is: "a name in /etc/hosts",
        hosts: "127.0.0.1 jira.corp.test\n",
        host: "Jira.Corp.test",
        ..USUAL
    },
    Machine {
        is: "a name server",
        resolv: Some("nameserver 127.0.0.1\n"),
        known: Some(("jira.corp.test", &[V4])),
        host: "jira.corp.test",
        ..USUAL
    },
    Machine {
        is: "a search domain",
        resolv: Some("search example.test corp.test\nnameserver 127.0.0.1\n"),
        known: Some(("jira.corp.test", &[V4])),
        host: "jira",
        ..USUAL
    },
    Machine {
        is: "a name server that does not know the name",
        resolv: Some("nameserver 127.0.0.1\n"),
        known: Some(("other.corp.test", &[V4])),
        host: "jira.corp.test",
        status: 69,
        stdout: "",
        stderr: UNKNOWN,
        ..USUAL
    },
    Machine {
        is: "IPv6 alone, by address",
        ipv4: false,
        host: "[::1]",
        answers: &[V6],
        ..USUAL
    },
    Machine {
        is: "IPv6 alone, /etc/hosts",
        ipv4: false,
        hosts: "::1 jira.corp.test\n",
        host: "jira.corp.test",
        answers: &[V6],
        ..USUAL
    },
    Machine {
        is: "IPv6 alone, a name server",
        ipv4: false,
        resolv: Some("nameserver ::1\n"),
        known: Some(("jira.corp.test", &[V4, V6])),
        host: "jira.corp.test",
        answers: &[V6],
        ..USUAL
    },
    Machine {
        is: "both families known, nobody listens on IPv6",
        resolv: Some("nameserver 127.0.0.1\n"),
        known: Some(("jira.corp.test", &[V4, V6])),
        host: "jira.corp.test",
        ..USUAL
    },
    Machine {
        is: "both families known, IPv6 is silent",
        hosts: "::1 jira.corp.test\n127.0.0.1 jira.corp.test\n",
        host: "jira.corp.test",
        silent: &[V6],
        ..USUAL
    },
    Machine {
        is: "both families known, IPv4 is silent",
        hosts: "127.0.0.1 jira.corp.test\n::1 jira.corp.test\n",
        host: "jira.corp.test",
        answers: &[V6],
        silent: &[V4],
        ..USUAL
    },
];

fn may_not() -> bool {
    std::env::var_os("AVATARCTL_TESTS_WITHOUT_ROOT").is_some()
}

#[test]
fn it_runs_on_every_machine() {
    if may_not() {
        return;
    }
    for machine in MACHINES {
        let mut jira = Jira::start();
        if machine.status != 0 {
            jira.expect_anything();
        }
        let begun = Instant::now();
        let found = thread::scope(|scope| {
            let run = scope.spawn(|| on(machine, &jira));
            run.join().expect("the machine was set up")
        });
        // An address of this machine needs no warning; a name may be anybody's.
        let host = machine.host.to_lowercase();
        let warning = match host.starts_with("jira") {
            true => format!(
                "avatarctl: jira: warning: plain http: the credentials can be read on their way to {host}\n"
            ),
            false => String::new(),
        };
        let wanted = Output {
            status: machine.status,
            stdout: machine.stdout.to_owned(),
            stderr: warning + machine.stderr,
        };
        assert_eq!(found, wanted, "{}", machine.is);
        // A silent address costs a moment, and not the sixty seconds that a connection may take here.
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", machine.is);
    }
}

/// Runs `jira show` on a machine. The thread that calls this has a network of its own from then on.
fn on(machine: &Machine, jira: &Running<Jira>) -> Output {
    let root = Root::new();
    let outside = outside(jira.address());
    // SAFETY: takes this thread to a new network, and changes nothing else.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0, "root may");
    ip(&["link", "set", "lo", "up"]);
    if !machine.ipv4 {
        ip(&["address", "delete", "127.0.0.1/8", "dev", "lo"]);
    }
    let _silent: Vec<_> = machine.silent.iter().map(|at| silent(*at)).collect();
    for at in machine.answers {
        let listener = TcpListener::bind((*at, PORT)).expect("nobody else is in this network");
        outside.send(listener).expect("it listens for listeners");
    }
    if let Some((name, addresses)) = machine.known {
        serve_names(if machine.ipv4 { V4 } else { V6 }, name, addresses);
    }
    root.scratch.write("root/etc/hosts", machine.hosts);
    // As distributions have it for glibc, which stops at the first line of a name else.
    root.scratch.write("root/etc/host.conf", "multi on\n");
    if let Some(text) = machine.resolv {
        root.scratch.write("root/etc/resolv.conf", text);
    }
    let url = format!("http://{}:{PORT}/jira", machine.host);
    let mut command = root.command(Writable::Nothing);
    command.args(["jira", "show", "--connect-timeout", "60", "--retries", "0"]);
    command.envs(jira.settings()).env("JIRA_URL", url);
    output(command, &[])
}

/// Of a state on a volume of its own a file system that cannot be written takes nothing; without one it is said.
#[test]
fn a_read_only_root_needs_a_place_for_the_state() {
    if may_not() {
        return;
    }
    let mut world = World::new();
    let accounts = r#"{"server": "jira", "user": "robot", "avatar_id": 24880}"#;
    let manifest = world.declare(accounts);
    let manifest = fs::read(manifest).expect("it was written");
    let root = Root::new();
    root.scratch.write("root/m.json", manifest);
    root.scratch.write("root/state/old", "");
    let run = |words: &str| {
        let mut command = root.command(Writable::State);
        command.args(words.split(' ')).envs(world.settings());
        output(command, &[(&world.jira().url(), "JIRA")])
    };
    run("apply m.json").gives(
        66,
        "",
        "avatarctl: cannot write the state file \"m.json.state\": read-only file system\nhint: name another one with --state FILE\n",
    );
    run("apply m.json --state state/m").gives(
        0,
        "jira robot: avatar 24880 (was 10122)\n1 changed, 0 unchanged\n",
        "",
    );
    run("diff m.json --state state/m").gives(0, "0 to change, 1 the same\n", "");
}

/// What of a root that cannot be written can be.
#[derive(Clone, Copy, PartialEq)]
enum Writable {
    Nothing,
    State,
}

/// A root with the program in it, and the libraries that it names itself; nothing else.
struct Root {
    scratch: Scratch,
}

impl Root {
    fn new() -> Root {
        let scratch = Scratch::new();
        scratch.write("root/avatarctl", "");
        for library in libraries() {
            let bytes = fs::read(&library).expect("a library can be read");
            let name = format!("root{library}");
            let path = scratch.write(&name, bytes);
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(path, mode).expect("the file is ours");
        }
        Root { scratch }
    }

    /// The program in this root, which it cannot write to; with an empty environment.
    fn command(&self, writable: Writable) -> Command {
        let root = self.scratch.join("root");
        let path = |path: &Path| CString::new(path.as_os_str().as_bytes()).expect("no zero byte");
        let source = path(Path::new(&program()));
        let place = path(&root.join("avatarctl"));
        let state = path(&root.join("state"));
        let root = path(&root);
        let enter = move || {
            let bind = libc::MS_BIND;
            let fixed = bind | libc::MS_REMOUNT | libc::MS_RDONLY;
            may(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
            mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE)?;
            mount(&root, &root, bind)?;
            mount(&source, &place, bind)?;
            if writable == Writable::State {
                mount(&state, &state, bind)?;
            }
            mount(c"none", &root, fixed)?;
            may(unsafe { libc::chroot(root.as_ptr()) })?;
            may(unsafe { libc::chdir(c"/".as_ptr()) })
        };
        let mut command = Command::new("/avatarctl");
        command.env_clear().stdin(Stdio::null());
        // SAFETY: between fork and exec the closure makes system calls with what was prepared before, and nothing else.
        unsafe { command.pre_exec(enter) };
        command
    }
}

fn may(result: libc::c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn mount(source: &CStr, target: &CStr, flags: libc::c_ulong) -> io::Result<()> {
    // SAFETY: both are texts that end in a zero byte; a bind or a change of flags needs no more.
    may(unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            std::ptr::null(),
            flags,
            std::ptr::null(),
        )
    })
}

/// The files that a program is linked with; none of a static one, which is what is shipped.
fn libraries() -> Vec<String> {
    let listed = Command::new("ldd").arg(program()).output();
    let listed = listed.expect("ldd comes with the C library").stdout;
    let listed = String::from_utf8(listed).expect("paths of letters");
    let path = |word: &&str| word.starts_with('/');
    let paths = listed
        .lines()
        .filter_map(|line| line.split_whitespace().find(path));
    paths.map(str::to_owned).collect()
}

fn output(mut command: Command, masks: &[(&str, &str)]) -> Output {
    let output = command.output().expect("root may enter a root");
    let text = |bytes| {
        let text = String::from_utf8(bytes).expect("the program prints UTF-8");
        let mask = |text: String, (what, name): &(&str, &str)| text.replace(what, name);
        masks.iter().fold(text, mask)
    };
    Output {
        status: output.status.code().expect("no signal"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

fn ip(words: &[&str]) {
    let status = Command::new("ip").args(words).status();
    assert!(status.expect("ip starts").success(), "ip {words:?}");
}

/// Serves on listeners of any network what a server of this one says: sockets stay in the network of the thread that
/// made them, and the threads of this are in the one of its caller.
fn outside(server: SocketAddr) -> Sender<TcpListener> {
    let (sender, listeners) = channel::<TcpListener>();
    thread::spawn(move || {
        for listener in listeners {
            thread::spawn(move || {
                for from in listener.incoming().flatten() {
                    let to = TcpStream::connect(server).expect("the server listens");
                    carry(&from, &to);
                    carry(&to, &from);
                }
            });
        }
    });
    sender
}

/// Carries what is said until there is no more.
fn carry(from: &TcpStream, to: &TcpStream) {
    let clone = |socket: &TcpStream| socket.try_clone().expect("a descriptor is free");
    let (mut from, mut to) = (clone(from), clone(to));
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// Takes no connection more: whoever calls hears nothing at all.
fn silent(at: IpAddr) -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind((at, PORT)).expect("nobody else is in this network");
    let wait = Duration::from_millis(200);
    let waiting = std::iter::from_fn(|| TcpStream::connect_timeout(&(at, PORT).into(), wait).ok());
    let waiting = waiting.collect();
    (listener, waiting)
}

/// A name server that knows the addresses of one name, and that there is no other.
fn serve_names(at: IpAddr, name: &'static str, addresses: &'static [IpAddr]) {
    let socket = UdpSocket::bind((at, 53)).expect("nobody else is in this network");
    thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let answer = answer(&packet[..length], name, addresses);
            socket.send_to(&answer, from).expect("it is waited for");
        }
    });
}

/// The answer to a question: the same packet, flagged as an answer, with the addresses of the family asked for.
fn answer(question: &[u8], name: &str, addresses: &[IpAddr]) -> Vec<u8> {
    let end = 12
        + question[12..]
            .iter()
            .position(|byte| *byte == 0)
            .expect("a name ends")
        + 1;
    let (mut asked, mut rest) = (String::new(), &question[12..end]);
    while let [length, tail @ ..] = rest
        && *length > 0
    {
        let (label, tail) = tail.split_at(usize::from(*length));
        asked += &String::from_utf8_lossy(label).to_lowercase();
        asked.push('.');
        rest = tail;
    }
    let kind = u16::from_be_bytes([question[end], question[end + 1]]);
    let known = asked.trim_end_matches('.') == name;
    let wanted: Vec<Vec<u8>> = addresses
        .iter()
        .filter_map(|address| match (address, kind) {
            (IpAddr::V4(address), 1) => Some(address.octets().to_vec()),
            (IpAddr::V6(address), 28) => Some(address.octets().to_vec()),
            _ => None,
        })
        .filter(|_| known)
        .collect();
    let count = u8::try_from(wanted.len()).expect("few");
    let mut answer = question[..2].to_vec();
    // An answer, recursion asked for and had; no error, or no such name.
    answer.extend([0x81, if known { 0x80 } else { 0x83 }]);
    answer.extend([0, 1, 0, count, 0, 0, 0, 0]);
    answer.extend(&question[12..end + 4]);
    for bytes in wanted {
        // The name as in the question, its kind, class IN, a minute.
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([
            0,
            1,
            0,
            0,
            0,
            60,
            0,
            u8::try_from(bytes.len()).expect("few"),
        ]);
        answer.extend(bytes);
    }
    answer
}
