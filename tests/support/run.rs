//! Runs the built program as a stranger would: nothing in its environment but what was given, nothing on its
//! standard input, and an end by force if it does not end by itself.
//!
//! Status, standard output and standard error are compared at once and whole, so that a test cannot overlook what
//! it did not expect.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::model::{Model, Running};
use super::server::lock;
use super::systems::Login;

/// Longer than any test takes on a loaded machine.
const WATCHDOG: Duration = Duration::from_secs(60);

/// The program under test: the one that was built with the tests, or another build of it.
pub fn program() -> OsString {
    // Only test targets know the program; the sandbox, which never runs it, is built from the same modules.
    let built = option_env!("CARGO_BIN_EXE_avatarctl").map(OsString::from);
    std::env::var_os("AVATARCTL_UNDER_TEST")
        .or(built)
        .expect("only a test target runs the program")
}

/// The words of a command line, between blanks.
pub fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(' ').filter(|word| !word.is_empty())
}

/// A run in preparation.
pub struct Run {
    command: Command,
    stdin: Option<Vec<u8>>,
    stdout: Option<File>,
    masks: Vec<(String, String)>,
    patience: Duration,
}

impl Run {
    pub fn new<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Run {
        let mut command = Command::new(program());
        command
            .args(arguments.into_iter().map(Into::into))
            .env_clear();
        if *ENDS_IGNORED {
            dispose(&mut command, &ENDS, libc::SIG_DFL);
        }
        Run {
            command,
            stdin: None,
            stdout: None,
            masks: Vec::new(),
            patience: WATCHDOG,
        }
    }

    /// Leads standard output into a file, for what is no text.
    pub fn stdout_into(mut self, path: impl AsRef<Path>) -> Run {
        self.stdout = Some(File::create(path).expect("scratch is writable"));
        self
    }

    /// How long it may take to its end, where that is longer than any other run takes.
    pub fn patience(mut self, time: Duration) -> Run {
        self.patience = time;
        self
    }

    pub fn arg(mut self, argument: impl Into<OsString>) -> Run {
        self.command.arg(argument.into());
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Run {
        self.command.env(name, value.into());
        self
    }

    /// Without repeats, so that a failure that may pass is told at once.
    pub fn once(self) -> Run {
        self.arg("--retries").arg("0")
    }

    /// Starts with these signals ignored, as nohup has it.
    pub fn ignoring(mut self, signals: &'static [libc::c_int]) -> Run {
        dispose(&mut self.command, signals, libc::SIG_IGN);
        self
    }

    /// Under another program, named by its path, that starts this one: `strace`, `prlimit`.
    pub fn under(mut self, program: &str, options: &[&str]) -> Run {
        let mut command = Command::new(program);
        command
            .args(options)
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .env_clear();
        let variables = self.command.get_envs();
        command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        if let Some(directory) = self.command.get_current_dir() {
            command.current_dir(directory);
        }
        self.command = command;
        self
    }

    /// Takes a variable away again.
    pub fn without(mut self, name: &str) -> Run {
        self.command.env_remove(name);
        self
    }

    /// Address and credentials of a model; its address reads `URL` in what the program prints.
    pub fn with<M: Model>(mut self, model: &Running<M>) -> Run {
        for (name, value) in model.settings() {
            self = self.env(name, value);
        }
        self.mask(&model.url(), "URL")
    }

    /// The address of a model, and a login in place of the usual credentials.
    pub fn with_login<M: Model>(self, model: &Running<M>) -> Run {
        let mut run = self.with(model);
        for (name, _) in model.settings() {
            if !name.ends_with("_URL") {
                run = run.without(name);
            }
        }
        run.login(M::system().logins[1])
    }

    /// With these variables, which are a login.
    pub fn login(self, login: Login) -> Run {
        let variables = login.iter();
        variables.fold(self, |run, (name, value)| run.env(name, *value))
    }

    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Run {
        self.stdin = Some(bytes.as_ref().to_vec());
        self
    }

    pub fn dir(mut self, path: impl AsRef<Path>) -> Run {
        self.command.current_dir(path);
        self
    }

    /// Shows `what` as `name` in both outputs: for addresses, temporary paths and times.
    pub fn mask(mut self, what: &str, name: &str) -> Run {
        self.masks.push((what.to_owned(), name.to_owned()));
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn output(self) -> Output {
        self.start().wait()
    }

    /// Runs it to its end and compares everything.
    #[track_caller]
    pub fn gives(self, status: i32, stdout: &str, stderr: &str) {
        self.output().gives(status, stdout, stderr);
    }

    /// Ends well, and has nothing to say but what was asked for.
    #[track_caller]
    pub fn answers(self) {
        let output = self.output();
        assert_eq!((output.status, output.stderr.as_str()), (0, ""));
    }

    /// Starts it, for a test that does something to it while it runs.
    #[track_caller]
    pub fn start(mut self) -> Process {
        let stdin = if self.stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        self.command
            .stdin(stdin)
            .stdout(self.stdout.map_or_else(Stdio::piped, Stdio::from))
            .stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the program starts");
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), self.stdin) {
            // A program that ends without reading everything breaks the pipe, and that is its right.
            thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        let stdout = match child.stdout.take() {
            Some(pipe) => collect(pipe),
            None => collect(std::io::empty()),
        };
        let stderr = collect(child.stderr.take().expect("stderr is a pipe"));
        Process {
            child,
            stdout,
            stderr,
            masks: self.masks,
            patience: self.patience,
            deadline: Instant::now() + self.patience,
        }
    }
}

/// The signals that end a run.
const ENDS: [libc::c_int; 3] = [libc::SIGHUP, libc::SIGINT, libc::SIGTERM];

/// Whether this process ignores one of them, and what it starts would, too: a shell has what runs in its background
/// ignore SIGINT. To change that for a child takes a fork, which costs a process of this size more than the run.
static ENDS_IGNORED: LazyLock<bool> = LazyLock::new(|| {
    ENDS.into_iter().any(|signal| {
        // SAFETY: an action of zeros is one, and it is only asked what the present one is.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) };
        asked == 0 && action.sa_sigaction == libc::SIG_IGN
    })
});

/// Starts with these signals ignored or not, whatever this process ignores.
fn dispose(command: &mut Command, signals: &'static [libc::c_int], how: libc::sighandler_t) {
    let set = move || {
        for signal in signals {
            // SAFETY: ignores it or not; no handler is installed.
            unsafe { libc::signal(*signal, how) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure calls nothing but signal, which may be called there
    // (signal-safety(7)).
    unsafe { command.pre_exec(set) };
}

/// Reads a pipe to its end on a thread of its own: a full pipe would stop the program.
fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// A run that has begun. Dropped before its end, it is killed.
pub struct Process {
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    masks: Vec<(String, String)>,
    patience: Duration,
    deadline: Instant,
}

impl Process {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has come to its end, waited for or not.
    pub fn has_ended(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/stat", self.id()));
        status.is_ok_and(|status| status.contains(") Z "))
    }

    /// Waits until it has a handler for a signal.
    #[track_caller]
    pub fn listens(&self, signal: libc::c_int) {
        let caught = || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
            let (_, rest) = status.split_once("SigCgt:")?;
            let mask = u64::from_str_radix(rest.split_whitespace().next()?, 16).ok()?;
            Some(mask >> (signal - 1) & 1 == 1)
        };
        while caught() != Some(true) {
            assert!(Instant::now() < self.deadline, "no handler for {signal}");
            thread::yield_now();
        }
    }

    /// Sends a signal by name: `TERM`, `INT`, `KILL`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.id().to_string())
            .status();
        assert!(
            sent.expect("kill starts").success(),
            "the program was still there to be sent SIG{name}"
        );
    }

    #[track_caller]
    pub fn wait(mut self) -> Output {
        let stdout = self
            .stdout
            .recv_timeout(self.deadline.saturating_duration_since(Instant::now()));
        let stderr = self
            .stderr
            .recv_timeout(self.deadline.saturating_duration_since(Instant::now()));
        let (Ok(stdout), Ok(stderr)) = (stdout, stderr) else {
            panic!(
                "the program did not end within {} seconds",
                self.patience.as_secs()
            );
        };
        let status = self.child.wait().expect("a child can be waited for");
        let text = |bytes| {
            let text = String::from_utf8(bytes).expect("the program prints UTF-8");
            self.masks
                .iter()
                .fold(text, |text, (what, name)| text.replace(what, name))
        };
        let (stdout, stderr) = (text(stdout), text(stderr));
        // A death by signal reads as a shell reads it.
        let status = status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
        Output {
            status,
            stdout,
            stderr,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run left behind.
#[derive(Clone, PartialEq, Eq)]
pub struct Output {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Compares everything at once.
    #[track_caller]
    pub fn gives(&self, status: i32, stdout: &str, stderr: &str) {
        let wanted = Output {
            status,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        };
        assert!(
            *self == wanted,
            "the run differs (- expected, + found)\n{}",
            difference(&wanted, self)
        );
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        self.stdout.lines().map(parse).collect()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "status {}", self.status)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            writeln!(f, "{name}:")?;
            text.split_inclusive('\n')
                .try_for_each(|line| writeln!(f, "  {}", visible(line)))?;
        }
        Ok(())
    }
}

/// The lines of both, the common ones once. Control characters, and an end without a line feed, become visible.
fn difference(wanted: &Output, found: &Output) -> String {
    let (wanted, found) = (format!("{wanted:?}"), format!("{found:?}"));
    let (wanted, found) = (
        wanted.lines().collect::<Vec<_>>(),
        found.lines().collect::<Vec<_>>(),
    );
    let head = wanted
        .iter()
        .zip(&found)
        .take_while(|(a, b)| a == b)
        .count();
    let tail = wanted[head..]
        .iter()
        .rev()
        .zip(found[head..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let mark = |sign: &str, lines: &[&str]| {
        lines
            .iter()
            .map(|line| format!("{sign} {line}\n"))
            .collect::<String>()
    };
    mark(" ", &wanted[..head])
        + &mark("-", &wanted[head..wanted.len() - tail])
        + &mark("+", &found[head..found.len() - tail])
        + &mark(" ", &wanted[wanted.len() - tail..])
}

fn visible(line: &str) -> String {
    let (text, end) = match line.strip_suffix('\n') {
        Some(text) => (text, ""),
        None => (line, " (no line feed)"),
    };
    let shown = text.chars().map(|c| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    });
    shown.collect::<String>() + end
}

/// Runs every cell, eight at a time; all that is wrong with them.
pub fn in_parallel<T: Sync>(cells: &[T], cell: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(one) = cells.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let bad = cell(one);
                    lock(&failures).extend(bad);
                }
            });
        }
    });
    failures.into_inner().expect("no cell panicked")
}

/// A directory of its own, gone when dropped.
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    #[allow(clippy::new_without_default)] // It makes a directory: that should be seen to be called.
    pub fn new() -> Scratch {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let path =
            std::env::temp_dir().join(format!("avatarctl-test-{}-{number}", std::process::id()));
        // The remains of an earlier process of the same number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("the temporary directory is writable");
        Scratch { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path in it, whether or not something is there.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file, and the directories on the way.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().expect("a file lies in a directory"))
            .expect("scratch is writable");
        fs::write(&path, bytes).expect("scratch is writable");
        path
    }

    /// Writes a file that only its owner may read.
    pub fn secret(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.write(name, bytes);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the file is ours");
        path
    }

    /// What lies in it, hidden files included.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).expect("scratch is readable");
        let name = |entry: std::io::Result<fs::DirEntry>| {
            let name = entry.expect("scratch is readable").file_name();
            name.into_string().expect("a name of letters")
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[test]
fn a_difference_shows_what_is_common_once() {
    let wanted = Output {
        status: 0,
        stdout: "a\nb\n".into(),
        stderr: String::new(),
    };
    let found = Output {
        status: 0,
        stdout: "a\n\u{1b}c".into(),
        stderr: String::new(),
    };
    assert_eq!(
        difference(&wanted, &found),
        "  status 0\n  stdout:\n    a\n-   b\n+   \\u{1b}c (no line feed)\n  stderr:\n"
    );
}
