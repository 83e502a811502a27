//! Many small runs of `apply` over the four models while things go wrong: faults of every kind, kills at requests, at
//! any instant and at system calls, failing and full disks, two runs at once, pictures and accounts that change. After
//! each, what was promised is looked at: what the state says is proven is true on the server, the next run ends right
//! and sends nothing that was proven, no secret is printed or kept, no file is left behind.
//!
//! Everything follows from a seed, though not to the instant: `SOAK_SEED` begins elsewhere, `SOAK_ROUNDS` asks for more
//! than the handful that belongs to every run of the tests. `make soak` runs thousands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::support::run::in_parallel;
use crate::support::server::{Server, lock};
use crate::support::systems::{self, Served, Servers};
use crate::support::{
    Fault, Jira, Matrix, Navixy, Output, Reply, Request, RocketChat, Run, Scratch, pictures,
};

/// Rounds with the same servers and the same state file.
const LIFE: u64 = 12;

#[test]
fn whatever_happens_the_next_run_ends_right() {
    let asked = |name: &str| {
        let text = std::env::var_os(name)?;
        let number = text.to_str().and_then(|text| text.parse::<u64>().ok());
        Some(number.unwrap_or_else(|| panic!("{name} is a number")))
    };
    let (seed, rounds) = (
        asked("SOAK_SEED").unwrap_or(1),
        asked("SOAK_ROUNDS").unwrap_or(48),
    );
    let lives: Vec<u64> = (seed..seed + rounds.div_ceil(LIFE)).collect();
    let survived = Mutex::new(BTreeMap::<String, usize>::new());
    let failures = in_parallel(&lives, |seed| {
        let mut life = Life::new(*seed);
        for round in 0..LIFE {
            let trouble = life.prepare();
            let about = format!("seed {seed}, round {round}, {trouble:?}");
            let ended = catch_unwind(AssertUnwindSafe(|| life.round(&trouble)));
            if ended.is_err() {
                life.complain("a panic of the test itself, shown above");
            }
            let mut survived = lock(&survived);
            *survived.entry(trouble.kind().into()).or_default() += 1;
            *survived
                .entry("hidden files that kills left".into())
                .or_default() += std::mem::take(&mut life.left);
            if !life.wrong.is_empty() {
                return life
                    .wrong
                    .iter()
                    .map(|what| format!("{about}: {what}"))
                    .collect();
            }
        }
        Vec::new()
    });
    for (trouble, count) in lock(&survived).iter() {
        println!("{count:6} {trouble}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

// ----------------------------------------------------------------------------------------------------- trouble

/// What happens to one run.
#[derive(Debug, Clone)]
enum Trouble {
    Nothing,
    /// Servers answer otherwise than they should.
    Faults,
    /// A signal as soon as so many requests were dealt with.
    SignalAtRequest(&'static str, usize),
    SignalAfter(&'static str, Duration),
    /// A kill at the nth of these system calls.
    KillAtCall(&'static str, u64),
    /// The nth of these system calls, and those after it, on the state file fail.
    BrokenDisk(&'static str, &'static str, u64),
    /// The nth of these system calls fails, once.
    BrokenCall(&'static str, &'static str, u64),
    /// No file may grow beyond so many bytes.
    FileLimit(u64),
    /// So many bytes are left where the state lies.
    FullDisk(u64),
    FewDescriptors,
    TwoAtOnce,
    PictureChanges(usize),
    /// The end of the state file is gone, as after a power cut.
    TornState(usize),
}

impl Trouble {
    fn kind(&self) -> &'static str {
        match self {
            Trouble::Nothing => "no trouble",
            Trouble::Faults => "faults of servers",
            Trouble::SignalAtRequest("KILL", _) => "kills at a request",
            Trouble::SignalAfter("KILL", _) => "kills at any instant",
            Trouble::SignalAtRequest(..) | Trouble::SignalAfter(..) => {
                "signals that ask for the end"
            }
            Trouble::KillAtCall(..) => "kills at a system call",
            Trouble::BrokenDisk(..) => "state files that cannot be written",
            Trouble::BrokenCall(..) => "system calls that fail once",
            Trouble::FileLimit(_) => "limits of a file's size",
            Trouble::FullDisk(_) => "full disks",
            Trouble::FewDescriptors => "few descriptors",
            Trouble::TwoAtOnce => "two runs at once",
            Trouble::PictureChanges(_) => "pictures that change during a run",
            Trouble::TornState(_) => "torn state files",
        }
    }

    /// Whether a run may end without another word.
    fn kills(&self) -> bool {
        matches!(
            self,
            Trouble::SignalAtRequest("KILL", _)
                | Trouble::SignalAfter("KILL", _)
                | Trouble::KillAtCall(..)
        )
    }

    /// Whether a run ends as if there were none.
    fn is_harmless(&self) -> bool {
        matches!(
            self,
            Trouble::Nothing | Trouble::FewDescriptors | Trouble::TwoAtOnce
        )
    }

    /// Whether a request may have to be sent again within a run.
    fn loses_answers(&self) -> bool {
        matches!(self, Trouble::Faults | Trouble::BrokenCall(..))
    }
}

/// Numbers by chance, the same ones for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn up_to(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).expect("it is below a usize")
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.up_to(choices.len())]
    }

    fn trouble(&mut self) -> Trouble {
        const CALLS: [&str; 10] = [
            "openat",
            "write",
            "sendto",
            "recvfrom",
            "connect",
            "close",
            "fdatasync",
            "lseek",
            "rename",
            "flock",
        ];
        match self.below(16) {
            0 => Trouble::Nothing,
            1..=3 => Trouble::Faults,
            4 => Trouble::SignalAtRequest("KILL", self.up_to(40)),
            5 => Trouble::SignalAtRequest(self.one_of(&["TERM", "INT", "HUP"]), self.up_to(40)),
            6 => Trouble::SignalAfter("KILL", Duration::from_micros(self.below(900_000))),
            7 => Trouble::SignalAfter("TERM", Duration::from_micros(self.below(900_000))),
            8 => Trouble::KillAtCall(self.one_of(&CALLS), 1 + self.below(30)),
            9 => Trouble::BrokenDisk(
                self.one_of(&[
                    "write",
                    "fdatasync",
                    "ftruncate",
                    "openat",
                    "flock",
                    "lseek",
                ]),
                self.one_of(&["ENOSPC", "EIO", "EDQUOT", "EROFS"]),
                1 + self.below(6),
            ),
            10 => Trouble::BrokenCall(
                self.one_of(&["sendto", "recvfrom", "connect", "socket", "poll"]),
                self.one_of(&["EINTR", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOMEM"]),
                1 + self.below(30),
            ),
            11 => Trouble::FileLimit(self.below(4000)),
            12 => Trouble::FullDisk(self.below(3) * 4096),
            13 => match self.below(2) {
                0 => Trouble::FewDescriptors,
                _ => Trouble::PictureChanges(self.up_to(30)),
            },
            14 => Trouble::TwoAtOnce,
            _ => Trouble::TornState(1 + self.up_to(300)),
        }
    }

    /// A fault of one request, or of a few.
    fn fault(&mut self) -> Fault {
        let page = || Reply::html(502, "502 Bad Gateway");
        let (from, times) = (1 + self.up_to(8), 1 + self.up_to(3));
        let fault = Fault::any().from(from).times(times);
        match self.below(16) {
            0 => fault.silent(),
            1 => fault.lost(),
            2 => fault.hang(),
            3 => fault.carried_out_then_hang(),
            4 => fault.instead(page()),
            5 => fault.afterwards(page()),
            6 => fault.instead(Reply::json(503, "{}").header("Retry-After", 0)),
            7 => fault.instead(Reply::json(429, "{}").header("Retry-After", 0)),
            8 => fault.instead(Reply::json(401, "{}")),
            9 => fault.instead(Reply::json(403, "{}")),
            10 => fault.instead(Reply::html(200, "Log in")),
            11 => fault.afterwards(Reply::json(200, r#"{"success": tr"#)),
            12 => fault.instead(Reply::raw(
                "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
            )),
            13 => fault.afterwards(Reply::raw(
                "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
            )),
            14 => fault.instead(Reply::empty(302).header("Location", "/login")),
            _ => fault.afterwards(Reply::json(500, r#"{"error": "oops"}"#)),
        }
    }
}

// -------------------------------------------------------------------------------------------------------- life

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Account {
    server: &'static str,
    name: &'static str,
}

const ACCOUNTS: [Account; 10] = [
    account("jira", "robot"),
    account("jira", "build-bot"),
    account("jira", "deploy-bot"),
    account("chat", "build-bot"),
    account("chat", "retired-bot"),
    account("fleet", "2132"),
    account("fleet", "2133"),
    account("fleet", "2134"),
    account("hs", "robot"),
    account("hs", "build-bot"),
];

const fn account(server: &'static str, name: &'static str) -> Account {
    Account { server, name }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Wanted {
    /// The picture of this number.
    Picture(usize),
    /// An avatar or icon that is there already.
    Preset(u64),
    Reset,
}

/// What an account wears.
struct Worn {
    fingerprint: Option<String>,
    bytes: Option<Vec<u8>>,
}

/// A line of the state file: what was set, and the fingerprint if one was taken.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    set: String,
    fingerprint: Option<Option<String>>,
}

/// A few servers, a manifest and its state, for some rounds.
struct Life {
    chance: Chance,
    scratch: Scratch,
    servers: Servers,
    wanted: BTreeMap<Account, Wanted>,
    /// How many pictures were made; each is another.
    drawn: u64,
    /// What the run in trouble said.
    said: Vec<Output>,
    wrong: Vec<String>,
    /// How many hidden files a kill has left behind.
    left: usize,
}

const PICTURES: usize = 4;

impl Life {
    fn new(seed: u64) -> Life {
        // What was wrong with a request is looked at after each run.
        let servers = Servers::start();
        servers
            .iter()
            .for_each(|served| served.server().expect_torn_requests());
        servers.of::<Jira>().model().users[0].password = Some("jira-password-0123456789".into());
        {
            let mut chat = servers.of::<RocketChat>().model();
            (chat.settle, chat.limit) = (Duration::ZERO, None);
        }
        let mut life = Life {
            chance: Chance(seed),
            scratch: Scratch::new(),
            servers,
            wanted: BTreeMap::new(),
            drawn: seed * 1000,
            said: Vec::new(),
            wrong: Vec::new(),
            left: 0,
        };
        (0..PICTURES).for_each(|number| life.draw(number));
        for account in ACCOUNTS {
            let wanted = life.wish(account);
            life.wanted.insert(account, wanted);
        }
        life.declare();
        life
    }

    /// Another picture under this number.
    fn draw(&mut self, number: usize) {
        self.drawn += 1;
        let bytes = match self.drawn % 3 {
            0 => pictures::png(48, 48, self.drawn),
            1 => pictures::jpeg(64, 64, self.drawn),
            _ => pictures::gif(48, 48, self.drawn),
        };
        self.scratch.write(&format!("{number}.face"), bytes);
    }

    fn wish(&mut self, account: Account) -> Wanted {
        let picture = Wanted::Picture(self.chance.up_to(PICTURES));
        match (account.server, self.chance.below(4)) {
            ("jira", 0) => Wanted::Preset(24871 + self.chance.below(12)),
            ("fleet", 0) => Wanted::Preset(1 + self.chance.below(99)),
            ("chat" | "hs", 0) => Wanted::Reset,
            _ => picture,
        }
    }

    fn declare(&self) {
        let servers = self.servers.iter().map(|served| {
            let (system, url) = (served.system(), served.url());
            let entry = serde_json::json!({"system": system.name, "url": url});
            (system.server.to_owned(), entry)
        });
        let accounts = self.wanted.iter().map(|(account, wanted)| {
            let mut entry = serde_json::json!({"server": account.server});
            match account.server {
                "fleet" => {
                    entry["employee_id"] = account.name.parse::<u64>().expect("a number").into();
                }
                _ => entry["user"] = account.name.into(),
            }
            match wanted {
                Wanted::Picture(number) => entry["image"] = format!("{number}.face").into(),
                Wanted::Preset(id) if account.server == "jira" => {
                    entry["avatar_id"] = id.to_string().into();
                }
                Wanted::Preset(id) => entry["icon_id"] = (*id).into(),
                Wanted::Reset => entry["reset"] = true.into(),
            }
            entry
        });
        let manifest = serde_json::json!({
            "servers": servers.collect::<serde_json::Map<_, _>>(),
            "accounts": accounts.collect::<Vec<_>>(),
        });
        self.scratch.write("m.json", manifest.to_string());
    }

    fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().map(Served::server)
    }

    fn handled(&self) -> usize {
        self.servers().map(Server::handled).sum()
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings: Vec<_> = self.servers.iter().flat_map(Served::settings).collect();
        settings.retain(|(name, _)| !name.ends_with("_URL"));
        settings
    }

    fn apply(&self, words: &[&str]) -> Run {
        let run = Run::new(["apply", "m.json"]).dir(self.scratch.path());
        let run = words.iter().fold(run, |run, word| run.arg(*word));
        self.settings()
            .into_iter()
            .fold(run, |run, (name, value)| run.env(name, value))
    }

    fn fault(&mut self) {
        let fault = self.chance.fault();
        let chosen = self.chance.up_to(systems::ALL.len());
        let served = self.servers.iter().nth(chosen).expect("a server");
        served.fault(fault);
    }

    fn heal(&self) {
        self.servers.iter().for_each(Served::heal);
    }

    fn complain(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    // ---------------------------------------------------------------------------------------------- a round

    /// Something changes, and trouble is thought of.
    fn prepare(&mut self) -> Trouble {
        self.change();
        let trouble = self.chance.trouble();
        if let Trouble::TornState(count) = trouble {
            self.tear(count);
        }
        let begun = self
            .scratch
            .names()
            .iter()
            .any(|name| name == "m.json.state");
        match trouble {
            Trouble::FullDisk(_) if !begun => Trouble::Nothing,
            Trouble::KillAtCall(..) | Trouble::BrokenDisk(..) | Trouble::BrokenCall(..)
                if std::env::var_os("AVATARCTL_TESTS_WITHOUT_STRACE").is_some() =>
            {
                Trouble::Nothing
            }
            other => other,
        }
    }

    /// A run meets trouble, and the next run has none.
    fn round(&mut self, trouble: &Trouble) {
        let before = self.state();
        self.servers().for_each(Server::forget);
        let looked = self.meet(trouble);
        self.servers().for_each(|server| server.wait_until_left());
        self.heal();
        let violations: Vec<String> = self
            .servers()
            .flat_map(|server| server.take_violations())
            .collect();
        self.wrong.extend(violations);
        let after = self.state();
        let first = self.writes();
        self.judge_state(&before, &after, &first);
        self.judge_files(trouble.kills());
        let proven: BTreeSet<Account> = ACCOUNTS
            .into_iter()
            .filter(|account| {
                let line = after.get(account);
                let wanted = line.is_some_and(|line| line.set == self.desired(*account));
                wanted && looked && line != before.get(account)
            })
            .collect();
        self.servers().for_each(Server::forget);
        let output = self.apply(&[]).output();
        self.judge_recovery(&output);
        self.judge_writes(trouble, &proven, &first);
        let output = self.apply(&["--json"]).output();
        if output.status != 0
            || !self.writes().is_empty() && output.stdout.contains("\"changed\":1")
        {
            self.complain(format!("a run too many: {output:?}"));
        }
    }

    /// What people do between two runs.
    fn change(&mut self) {
        for _ in 0..self.chance.below(4) {
            let account = self.chance.one_of(&ACCOUNTS);
            let wanted = self.wish(account);
            self.wanted.insert(account, wanted);
        }
        if self.chance.below(3) == 0 {
            let number = self.chance.up_to(PICTURES);
            self.draw(number);
        }
        if self.chance.below(3) == 0 {
            self.meddle();
        }
        self.declare();
    }

    /// Somebody else changes an account.
    fn meddle(&mut self) {
        self.drawn += 1;
        let picture = pictures::png(32, 32, self.drawn);
        let account = self.chance.one_of(&ACCOUNTS);
        match account.server {
            "jira" => {
                self.servers
                    .of::<Jira>()
                    .model()
                    .user_mut(account.name)
                    .selected = 10125
            }
            "chat" => drop(
                self.servers
                    .of::<RocketChat>()
                    .model()
                    .give(account.name, picture),
            ),
            "fleet" => {
                let id = account.name.parse().expect("a number");
                self.servers.of::<Navixy>().model().give(id, picture);
            }
            _ => drop(
                self.servers
                    .of::<Matrix>()
                    .model()
                    .give(account.name, picture),
            ),
        }
    }

    fn tear(&self, count: usize) {
        let path = self.scratch.join("m.json.state");
        if let Ok(mut bytes) = fs::read(&path) {
            bytes.truncate(bytes.len().saturating_sub(count));
            fs::write(&path, bytes).expect("scratch is writable");
        }
    }

    /// Runs once with this trouble; whether what was written was looked at, too.
    fn meet(&mut self, trouble: &Trouble) -> bool {
        // Only what shall fail may be out of time on a loaded machine.
        let timeout = if trouble.is_harmless() { "60" } else { "1" };
        let mut words = vec![
            "--timeout",
            timeout,
            "--retries",
            self.chance.one_of(&["0", "1"]),
        ];
        for option in ["--json", "-q", "-v", "-vv", "--prune", "--force"] {
            if self.chance.below(5) == 0 {
                words.push(option);
            }
        }
        if words.contains(&"-v") {
            words.retain(|word| *word != "-vv" && *word != "-q");
        }
        if words.contains(&"-vv") {
            words.retain(|word| *word != "-q");
        }
        let looked = self.chance.below(8) > 0;
        if !looked {
            words.push("--no-verify");
        }
        for file in ["--junit=report.xml", "--html=page.html"] {
            if self.chance.below(6) == 0 {
                words.push(file);
            }
        }
        let outputs = self.run(trouble, &words);
        for output in &outputs {
            self.judge_output(output, trouble);
        }
        self.said = outputs;
        looked
    }

    fn run(&mut self, trouble: &Trouble, words: &[&str]) -> Vec<Output> {
        let when = |nth: u64| format!("when={nth}");
        match trouble {
            Trouble::Nothing | Trouble::TornState(_) => vec![self.apply(words).output()],
            Trouble::Faults => {
                for _ in 0..=self.chance.below(4) {
                    self.fault();
                }
                vec![self.apply(words).output()]
            }
            Trouble::SignalAtRequest(signal, count) => {
                let enough = self.handled() + count;
                let process = self.apply(words).start();
                while self.handled() < enough && !process.has_ended() {
                    std::thread::yield_now();
                }
                process.signal(signal);
                vec![process.wait()]
            }
            Trouble::SignalAfter(signal, time) => {
                let begun = Instant::now();
                let process = self.apply(words).start();
                while begun.elapsed() < *time && !process.has_ended() {
                    std::thread::yield_now();
                }
                process.signal(signal);
                vec![process.wait()]
            }
            Trouble::KillAtCall(call, nth) => {
                let inject = format!("inject={call}:signal=KILL:{}", when(*nth));
                vec![self.apply(words).under(STRACE, &traced(&inject)).output()]
            }
            Trouble::BrokenDisk(call, error, nth) => {
                let inject = format!("inject={call}:error={error}:{}+", when(*nth));
                let state = self.scratch.join("m.json.state");
                let state = state.to_string_lossy();
                let mut options = traced(&inject);
                options.extend(["-P", "m.json.state", "-P", &state]);
                vec![self.apply(words).under(STRACE, &options).output()]
            }
            Trouble::BrokenCall(call, error, nth) => {
                let inject = format!("inject={call}:error={error}:{}", when(*nth));
                vec![self.apply(words).under(STRACE, &traced(&inject)).output()]
            }
            Trouble::FileLimit(bytes) => {
                let limit = format!("--fsize={bytes}");
                vec![self.apply(words).under(PRLIMIT, &[&limit]).output()]
            }
            Trouble::FewDescriptors => {
                vec![self.apply(words).under(PRLIMIT, &["--nofile=12"]).output()]
            }
            Trouble::FullDisk(left) => self.on_a_full_disk(*left, words),
            Trouble::TwoAtOnce => {
                let first = self.apply(words).start();
                let second = self.apply(&["--lock-timeout=20"]).start();
                vec![first.wait(), second.wait()]
            }
            Trouble::PictureChanges(count) => {
                let enough = self.handled() + count;
                let process = self.apply(words).start();
                while self.handled() < enough && !process.has_ended() {
                    std::thread::yield_now();
                }
                let number = self.chance.up_to(PICTURES);
                self.draw(number);
                vec![process.wait()]
            }
        }
    }

    /// The state lies on a disk of its own that has so many bytes left; it comes back afterwards.
    fn on_a_full_disk(&mut self, left: u64, words: &[&str]) -> Vec<Output> {
        let state = self.scratch.join("m.json.state");
        let size = fs::metadata(&state).map_or(0, |facts| facts.len());
        let Some(disk) = SmallDisk::new(&self.scratch, size.next_multiple_of(4096) + left) else {
            return vec![self.apply(words).output()];
        };
        let there = disk.path().join("state");
        fs::copy(&state, &there).expect("it was made large enough");
        let option = format!("--state={}", there.display());
        let output = self.apply(&[words, &[&option]].concat()).output();
        let names = fs::read_dir(disk.path()).expect("a folder").count();
        if names != 1 {
            self.complain(format!("{names} files on the full disk"));
        }
        fs::copy(&there, &state).expect("scratch is writable");
        vec![output]
    }

    // ------------------------------------------------------------------------------------------- what is so

    fn worn(&self, account: Account) -> Worn {
        let (fingerprint, bytes) = match account.server {
            "jira" => {
                let jira = self.servers.of::<Jira>().model();
                let id = jira.user(account.name).selected;
                let bytes = jira.custom(id).map(|custom| custom.picture.clone());
                (Some(id.to_string()), bytes)
            }
            "chat" => {
                let mut chat = self.servers.of::<RocketChat>().model();
                let user = chat.user(account.name);
                let bytes = user.picture.as_ref().map(|picture| picture.bytes.clone());
                (user.etag.clone(), bytes)
            }
            "fleet" => {
                let fleet = self.servers.of::<Navixy>().model();
                let employee = fleet.employee(account.name.parse().expect("a number"));
                match (employee.icon_id, &employee.avatar_file_name) {
                    (Some(icon), _) => (Some(format!("icon:{icon}")), None),
                    (None, Some(name)) => {
                        let bytes = fleet.files.get(name).map(|file| file.bytes.clone());
                        (Some(format!("file:{name}")), bytes)
                    }
                    (None, None) => (None, None),
                }
            }
            _ => {
                let mut matrix = self.servers.of::<Matrix>().model();
                let address = matrix.user(account.name).avatar.clone();
                let address = address.filter(|address| !address.is_empty());
                let media = address.as_deref().and_then(|address| {
                    let (_, id) = address.rsplit_once('/')?;
                    matrix.media.get(id).map(|media| media.bytes.clone())
                });
                (address, media)
            }
        };
        Worn { fingerprint, bytes }
    }

    /// What is wanted, as a state has it.
    fn desired(&self, account: Account) -> String {
        match self.wanted[&account] {
            Wanted::Picture(number) => {
                let bytes = fs::read(self.scratch.join(&format!("{number}.face")));
                hashed(&bytes.expect("a picture"))
            }
            Wanted::Preset(id) if account.server == "jira" => format!("avatar_id:{id}"),
            Wanted::Preset(id) => format!("icon_id:{id}"),
            Wanted::Reset => "reset".to_owned(),
        }
    }

    /// Whether an account wears what a state says.
    fn is_true(&self, account: Account, line: &Line) -> bool {
        let worn = self.worn(account);
        let set = match line.set.split_once(':') {
            Some(("sha256", _)) => worn.bytes.is_some_and(|bytes| hashed(&bytes) == line.set),
            Some(("avatar_id", id)) => worn.fingerprint.as_deref() == Some(id),
            Some(("icon_id", id)) => worn.fingerprint == Some(format!("icon:{id}")),
            _ if line.set == "reset" => worn.bytes.is_none(),
            _ => line.set == "unknown",
        };
        set && line
            .fingerprint
            .as_ref()
            .is_none_or(|fingerprint| *fingerprint == worn.fingerprint)
    }

    /// The lines of the state file, the last of each account; a torn one at the end is none.
    fn state(&mut self) -> BTreeMap<Account, Line> {
        let text = fs::read_to_string(self.scratch.join("m.json.state")).unwrap_or_default();
        let mut lines = BTreeMap::new();
        for text in text.split_inclusive('\n') {
            let Ok(line) = serde_json::from_str::<Value>(text) else {
                if text.ends_with('\n') {
                    self.complain(format!("the state has the line {text:?}"));
                }
                continue;
            };
            let server = line["server"].as_str().unwrap_or_default();
            let found = self
                .servers
                .iter()
                .find(|served| served.url() == server)
                .and_then(|served| {
                    let name = served.system().server;
                    let same = |account: &Account| {
                        account.server == name && line["account"] == account.name
                    };
                    ACCOUNTS.into_iter().find(same)
                });
            let Some(account) = found else {
                self.complain(format!("the state is about nobody: {line}"));
                continue;
            };
            let fingerprint = line.get("fingerprint");
            let entry = Line {
                set: line["set"].as_str().unwrap_or_default().to_owned(),
                fingerprint: fingerprint.map(|it| it.as_str().map(str::to_owned)),
            };
            lines.insert(account, entry);
        }
        lines
    }

    /// The requests that changed something, by account and kind.
    fn writes(&self) -> BTreeMap<(Account, String), usize> {
        let mut writes = BTreeMap::new();
        let mut count = |server: &'static str, name: &str, what: &str| {
            let same = |account: &Account| account.server == server && account.name == name;
            if let Some(account) = ACCOUNTS.into_iter().find(same) {
                *writes.entry((account, what.to_owned())).or_default() += 1;
            }
        };
        let id_of = |id: &str| {
            let chat = self.servers.of::<RocketChat>().model();
            let user = chat.users.iter().find(|user| user.id == id);
            user.map(|user| user.username.clone())
        };
        for request in changes(self.servers.of::<Jira>()) {
            let user = request.query("username").unwrap_or_default();
            count(
                "jira",
                &user,
                &format!("{} {}", request.method, end(&request)),
            );
        }
        for request in changes(self.servers.of::<RocketChat>()) {
            let user = match request.boundary() {
                Some(_) => request
                    .try_form()
                    .ok()
                    .map(|form| form[0].text().to_owned()),
                None => {
                    let body = request.try_json().unwrap_or_default();
                    let user = body["userId"].as_str().or(body["username"].as_str());
                    user.map(str::to_owned)
                }
            };
            let user = user.unwrap_or_default();
            count("chat", &id_of(&user).unwrap_or(user), &end(&request));
        }
        for request in changes(self.servers.of::<Navixy>()) {
            let employee = match request.boundary() {
                Some(_) => request
                    .try_form()
                    .ok()
                    .map(|form| form[0].text().to_owned()),
                None if request.path().contains("/avatar/") => {
                    let body = request.try_json().unwrap_or_default();
                    Some(body["employee_id"].to_string())
                }
                None => None,
            };
            if let Some(employee) = employee {
                count("fleet", &employee, &end(&request));
            }
        }
        for request in changes(self.servers.of::<Matrix>()) {
            if let Some((_, rest)) = request.path().split_once("/profile/%40") {
                count("hs", rest.split('%').next().unwrap_or_default(), "PUT");
            }
        }
        writes
    }

    // ------------------------------------------------------------------------------------- what was promised

    fn judge_output(&mut self, output: &Output, trouble: &Trouble) {
        let killed = trouble.kills() && output.status == 128 + libc::SIGKILL;
        if !killed && ![0, 1, 65, 66, 67, 69, 75, 76, 77, 129, 130, 143].contains(&output.status) {
            self.complain(format!("an end that does not exist: {output:?}"));
        }
        if output.stderr.contains("panicked") {
            self.complain(format!("a panic: {output:?}"));
        }
        let busy = matches!(trouble, Trouble::TwoAtOnce) && output.status == 75;
        if trouble.is_harmless() && output.status != 0 && !busy {
            self.complain(format!("a failure without a reason: {output:?}"));
        }
        let mut texts = vec![
            ("standard output".to_owned(), output.stdout.clone()),
            ("standard error".to_owned(), output.stderr.clone()),
        ];
        for name in ["m.json.state", "report.xml", "page.html"] {
            let text = fs::read(self.scratch.join(name)).unwrap_or_default();
            texts.push((name.to_owned(), String::from_utf8_lossy(&text).into_owned()));
        }
        for (name, secret) in self.settings() {
            if name.ends_with("_USER") || name.ends_with("_USER_ID") {
                continue;
            }
            for (place, text) in &texts {
                if text.contains(&secret) {
                    self.wrong.push(format!("{place} shows {name}: {output:?}"));
                }
            }
        }
    }

    /// What is proven is true; what was proven before is, unless the account was written since.
    fn judge_state(
        &mut self,
        before: &BTreeMap<Account, Line>,
        after: &BTreeMap<Account, Line>,
        writes: &BTreeMap<(Account, String), usize>,
    ) {
        for (account, line) in after {
            let new = before.get(account) != Some(line);
            if new && !self.is_true(*account, line) {
                let fingerprint = self.worn(*account).fingerprint;
                self.complain(format!(
                    "{account:?} wears {fingerprint:?}, and not {line:?}"
                ));
            }
        }
        for account in before.keys() {
            let written = writes.keys().any(|(of, _)| of == account);
            if !after.contains_key(account) && !written {
                self.complain(format!("{account:?} is forgotten"));
            }
        }
    }

    /// A kill may leave one hidden file behind, the one that it was about to put in its place.
    fn judge_files(&mut self, killed: bool) {
        let mut allowed = usize::from(killed);
        for name in self.scratch.names() {
            let known =
                ["m.json", "m.json.state", "report.xml", "page.html"].contains(&name.as_str());
            if !known && !name.ends_with(".face") {
                if allowed == 0 || !name.starts_with(".avatarctl-") {
                    self.wrong.push(format!("the file {name} is left"));
                } else {
                    self.left += 1;
                }
                allowed = 0;
                let _ = fs::remove_file(self.scratch.join(&name));
            }
        }
    }

    fn judge_recovery(&mut self, output: &Output) {
        if output.status != 0 {
            self.complain(format!("the next run ends with {output:?}"));
        }
        let state = self.state();
        for account in ACCOUNTS {
            let desired = self.desired(account);
            match state.get(&account) {
                Some(line) if line.set == desired && self.is_true(account, line) => {}
                // A preset that was worn all along need not be remembered.
                line => {
                    let line = line.cloned();
                    let wanted = Line {
                        set: desired,
                        fingerprint: None,
                    };
                    if !self.is_true(account, &wanted) {
                        self.complain(format!(
                            "{account:?} shall have {wanted:?}, and has {line:?}"
                        ));
                    }
                }
            }
        }
    }

    /// Nothing that was proven is sent again, and nothing is sent more often than a lost answer or a kill asks for.
    fn judge_writes(
        &mut self,
        trouble: &Trouble,
        proven: &BTreeSet<Account>,
        first: &BTreeMap<(Account, String), usize>,
    ) {
        let second = self.writes();
        for ((account, what), count) in &second {
            if proven.contains(account) {
                self.complain(format!(
                    "{what} of {account:?} was proven, and is sent again"
                ));
            }
            if *count > 1 {
                self.complain(format!(
                    "the next run sends {what} of {account:?} {count} times"
                ));
            }
        }
        for ((account, what), count) in first {
            // Once more when it was looked that nothing came of it, and each once more when the server asked for that.
            let most = if trouble.loses_answers() { 3 } else { 1 };
            if *count > most {
                let said = &self.said;
                self.wrong.push(format!(
                    "{what} of {account:?} was sent {count} times: {said:?}"
                ));
            }
        }
    }
}

const STRACE: &str = "/usr/bin/strace";
const PRLIMIT: &str = "/usr/bin/prlimit";
/// What is traced and not injected into is not shown.
const QUIET: &str = "-f -qqq -o /dev/null -e signal=none";

/// What strace shall inject.
fn traced(inject: &str) -> Vec<&str> {
    QUIET.split(' ').chain(["-e", inject]).collect()
}

fn hashed(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    format!("sha256:{}", hex.collect::<String>())
}

fn changes(server: &Server) -> Vec<Request> {
    let mut requests = server.requests();
    requests.retain(|request| !request.is_look());
    requests
}

/// The last part of a path.
fn end(request: &Request) -> String {
    request
        .path()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// A file system in memory of so many bytes. It has no place in the tree but a descriptor of this process, so that it is
/// gone when dropped, also where the tests are killed.
struct SmallDisk {
    folder: File,
}

impl SmallDisk {
    /// None where it cannot be mounted, which takes rights.
    fn new(scratch: &Scratch, bytes: u64) -> Option<SmallDisk> {
        let place = scratch.join("disk.face");
        fs::create_dir_all(&place).expect("scratch is writable");
        let done = |program: &str, options: &[&str]| {
            let output = Command::new(program).args(options).arg(&place).output();
            output.is_ok_and(|output| output.status.success())
        };
        let size = format!("size={}", bytes.max(4096));
        let disk = done("mount", &["-t", "tmpfs", "-o", &size, "none"]).then(|| {
            let folder = File::open(&place).expect("it is mounted");
            assert!(
                done("umount", &["--lazy"]),
                "what was mounted can be unmounted"
            );
            SmallDisk { folder }
        });
        fs::remove_dir(&place).expect("it is empty");
        disk
    }

    /// Where everybody finds it.
    fn path(&self) -> PathBuf {
        let descriptor = self.folder.as_raw_fd();
        format!("/proc/{}/fd/{descriptor}", std::process::id()).into()
    }
}
