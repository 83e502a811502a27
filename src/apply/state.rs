//! What was proven before: a file of JSON Lines, one line after each account, the last line for an account
//! wins. It survives a kill at any instant and holds no secret. Only one run at a time writes it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Class, Error, Result, reason};
use crate::file::input;
use crate::file::output;
use crate::signals;
use crate::system::avatar::Target;
use crate::terminal::quote;
use crate::time::span;

/// Lines of this version are read and written.
const VERSION: u32 = 1;

/// Room for a million lines, in bytes; the state is held in memory.
const LONGEST: u64 = 256 << 20;

/// What is remembered of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was set: `sha256:…`, `avatar_id:…`, `icon_id:…`, `url:…` or `reset`.
    pub set: String,
    /// The server's fingerprint afterwards; the outer `None` where nobody looked.
    pub fingerprint: Option<Option<String>>,
}

/// Stands in a line for what was set when that is not known any more: readers from before this word take it for
/// another avatar than the wanted one, which is as good.
const UNKNOWN: &str = "unknown";

/// An account: the base URL of its server, by what it is named, and how. A name in a manifest may be given to
/// another server some day, where the same ids mean other avatars.
pub type Key = (String, String, String);

/// The key of a target on the server with this base URL.
pub fn key(server: &str, target: &Target) -> Key {
    (
        server.to_owned(),
        target.key().to_owned(),
        target.value().to_owned(),
    )
}

#[derive(Serialize, Deserialize)]
struct Line {
    v: u32,
    server: String,
    /// The key that names the account in the manifest: `user`, `employee_id`, `self`.
    by: String,
    account: String,
    set: String,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    fingerprint: Option<Option<String>>,
    time: String,
}

/// Null is a fingerprint, an absent key is none.
fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What the file says, without the right to write it.
#[derive(Debug, Default)]
pub struct State {
    entries: BTreeMap<Key, Entry>,
    /// Lines in the file, stale ones included.
    lines: usize,
    /// Bytes of whole lines; a torn one may follow.
    whole: u64,
    /// What a person should know about the file.
    pub warnings: Vec<String>,
}

impl State {
    /// Reads a state; a missing file is an empty one.
    ///
    /// Errors: input (unreadable), data (damaged, or of a newer version).
    pub fn load(path: &Path) -> Result<State> {
        match named(path)? {
            Some(file) => State::read(&file, path),
            None => Ok(State::default()),
        }
    }

    /// The same, when no other run writes it.
    ///
    /// Errors: temporary (another run holds it), and as `load`.
    pub fn load_settled(path: &Path, patience: &Patience) -> Result<State> {
        match locked(path, patience, || named(path), File::try_lock_shared)? {
            Some(file) => State::read(&file, path),
            None => Ok(State::default()),
        }
    }

    fn read(file: &File, path: &Path) -> Result<State> {
        let bytes = input::whole(file, LONGEST).map_err(|error| unreadable(path, &error))?;
        State::parse(&bytes, path)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<State> {
        let mut state = State::default();
        for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let torn = line.last() != Some(&b'\n');
            let damaged = |what: &str| {
                Error::new(
                    Class::Data,
                    format!(
                        "the state file {} {what} in line {}",
                        quote(&path.to_string_lossy()),
                        at + 1
                    ),
                )
            };
            match serde_json::from_slice::<Line>(line) {
                Ok(line) if line.v == VERSION => {
                    let key = (line.server, line.by, line.account);
                    let entry = Entry {
                        set: line.set,
                        fingerprint: line.fingerprint,
                    };
                    match entry.set == UNKNOWN {
                        true => state.entries.remove(&key),
                        false => state.entries.insert(key, entry),
                    };
                }
                // A kill between two writes leaves a beginning of a line, nothing else.
                Err(_) if torn && is_beginning(line) => {
                    state.warnings.push(format!(
                        "the state file {} ends in a torn line, which is dropped",
                        quote(&path.to_string_lossy())
                    ));
                    break;
                }
                _ if newer(line) => {
                    return Err(damaged("is of a newer version")
                        .hint("use the avatarctl that wrote it, or a newer one"));
                }
                _ => {
                    return Err(damaged("is damaged")
                        .hint("restore it, or remove it: then every picture is set once more"));
                }
            }
            state.lines += 1;
            state.whole += line.len() as u64;
        }
        Ok(state)
    }

    pub fn get(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }
}

/// Whether these bytes begin as every line does, as far as they go; a file of somebody else, given by mistake,
/// must not be cut. A power cut may leave zeros where the rest should be.
fn is_beginning(torn: &[u8]) -> bool {
    let end = torn
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let own = format!("{{\"v\":{VERSION},\"server\":\"");
    let length = own.len().min(end);
    torn[..length] == own.as_bytes()[..length]
}

fn newer(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    serde_json::from_slice::<Version>(line).is_ok_and(|line| line.v > VERSION)
}

fn named(path: &Path) -> Result<Option<File>> {
    match input::regular(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let named = format!("the state file {}", quote(&path.to_string_lossy()));
    input::unreadable(&named, Class::Input, error)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    output::unwritable("the state file ", path, error)
}

/// A state that this run may write, and no other run.
pub struct Journal {
    pub state: State,
    file: File,
    path: PathBuf,
    /// A line could not be written; the next ones are not tried.
    broken: bool,
}

impl Journal {
    /// Opens, locks and reads a state; makes it where there is none; writes it anew when more than half of it
    /// is stale.
    ///
    /// Errors: temporary (another run holds it), input (cannot be written), data (damaged).
    pub fn open(path: &Path, patience: &Patience) -> Result<Journal> {
        let elsewhere = |error: Error| error.hint("name another one with --state FILE");
        let open = || opened(path).map_err(|error| elsewhere(unwritable(path, &error)));
        let file = locked(path, patience, || open().map(Some), File::try_lock)?;
        let file = file.expect("it is made where there is none");
        let state = State::read(&file, path)?;
        let mut journal = Journal {
            state,
            file,
            path: path.to_owned(),
            broken: false,
        };
        let mended = journal.mend();
        mended.map_err(|error| elsewhere(unwritable(path, &error)))?;
        Ok(journal)
    }

    /// Cuts a torn line off, ends a whole one, and drops stale lines when they are the most.
    fn mend(&mut self) -> std::io::Result<()> {
        let mut length = self.file.metadata()?.len();
        if length > self.state.whole {
            self.file.set_len(self.state.whole)?;
            length = self.state.whole;
        }
        self.file.seek(SeekFrom::End(0))?;
        if length > 0 {
            self.file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            self.file.read_exact(&mut last)?;
            if last != *b"\n" {
                self.file.write_all(b"\n")?;
            }
        }
        if self.state.lines > 2 * self.state.entries.len() {
            self.compact();
        }
        Ok(())
    }

    /// Writes the state anew in one piece. A folder that cannot be written leaves the file as it is, which is
    /// longer and as good.
    fn compact(&mut self) {
        let renewed = output::replace(&self.path, |file| {
            // The new file is locked before it takes the name, so that nobody can get between.
            file.try_lock().map_err(std::io::Error::other)?;
            let mut text = Vec::new();
            for (key, entry) in &self.state.entries {
                text.extend(line(key, entry));
            }
            file.write_all(&text)
        });
        if let Ok(file) = renewed {
            self.file = file;
            self.state.lines = self.state.entries.len();
            // From the rename on the new file is the one that counts, whether or not its folder can be synced.
            let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
            let folder = path.parent().map(File::open);
            let _ = folder.map(|folder| folder.and_then(|folder| folder.sync_all()));
        }
    }

    /// Remembers an account, at once and on the disk: nobody knows how long the next server takes to answer.
    ///
    /// Errors: input, when the line could not be written.
    pub fn remember(&mut self, key: Key, entry: Entry) -> Result<()> {
        self.write(&key, &entry)?;
        self.state.entries.insert(key, entry);
        Ok(())
    }

    /// What was remembered of an account is not true any more.
    ///
    /// Errors: input, when the line could not be written.
    pub fn forget(&mut self, key: &Key) -> Result<()> {
        let unknown = Entry {
            set: UNKNOWN.to_owned(),
            fingerprint: None,
        };
        match self.state.entries.remove(key) {
            Some(_) if !self.broken => self.write(key, &unknown),
            _ => Ok(()),
        }
    }

    fn write(&mut self, key: &Key, entry: &Entry) -> Result<()> {
        self.append(&line(key, entry)).map_err(|error| {
            self.broken = true;
            unwritable(&self.path, &error)
        })
    }

    /// A line that did not fit on the disk is taken back whole: a later one must not hang on its beginning.
    fn append(&mut self, line: &[u8]) -> std::io::Result<()> {
        let before = self.file.stream_position()?;
        let written = self.file.write_all(line);
        if written.is_err() {
            let _ = self.file.set_len(before);
        }
        written?;
        self.file.sync_data()
    }
}

/// What a run remembers of earlier ones.
pub enum Memory {
    /// One account, now: every picture is news.
    Nothing,
    Read(State),
    Written(Journal),
}

impl Memory {
    pub fn get(&self, key: &Key) -> Option<&Entry> {
        match self {
            Memory::Nothing => None,
            Memory::Read(state) => state.get(key),
            Memory::Written(journal) => journal.state.get(key),
        }
    }

    /// What a person should know about the file.
    pub fn warnings(&self) -> &[String] {
        match self {
            Memory::Nothing => &[],
            Memory::Read(state) => &state.warnings,
            Memory::Written(journal) => &journal.state.warnings,
        }
    }

    /// Whether nothing can be remembered any more.
    pub fn broken(&self) -> bool {
        match self {
            Memory::Nothing | Memory::Read(_) => false,
            Memory::Written(journal) => journal.broken,
        }
    }

    /// Errors: input, when the line could not be written.
    pub fn remember(&mut self, key: Key, entry: Entry) -> Result<()> {
        match self {
            Memory::Nothing | Memory::Read(_) => Ok(()),
            Memory::Written(journal) => journal.remember(key, entry),
        }
    }

    /// Errors: input, when the line could not be written.
    pub fn forget(&mut self, key: &Key) -> Result<()> {
        match self {
            Memory::Nothing | Memory::Read(_) => Ok(()),
            Memory::Written(journal) => journal.forget(key),
        }
    }
}

fn opened(path: &Path) -> std::io::Result<File> {
    match fs::metadata(path) {
        Ok(facts) => input::acceptable(&facts, false)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// How long another run that holds the state is waited for.
pub struct Patience {
    pub time: Duration,
    /// Says that the run waits, where that is wanted.
    pub say: fn(&str),
}

/// A diff that looks while nobody writes holds the state for a moment, which is no reason to give up.
const MOMENT: Duration = Duration::from_millis(30);

/// Opens and locks the file that has this name while it is locked: another run may have put a new one in its
/// place between the opening and the lock. None where there is no file.
///
/// Errors: temporary, when another run holds it for longer than there is patience.
fn locked(
    path: &Path,
    patience: &Patience,
    open: impl Fn() -> Result<Option<File>>,
    lock: impl Fn(&File) -> std::result::Result<(), TryLockError>,
) -> Result<Option<File>> {
    let shown = quote(&path.to_string_lossy());
    let begun = Instant::now();
    let moment = begun + MOMENT;
    let mut said = false;
    while let Some(file) = open()? {
        loop {
            match lock(&file) {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    return Err(Error::new(
                        Class::Input,
                        format!("cannot lock the state file {shown}: {}", reason(&error)),
                    ));
                }
            }
            let now = Instant::now();
            if signals::caught().is_some() {
                return Err(Error::new(
                    Class::Temporary,
                    format!("interrupted while another run holds the state file {shown}"),
                ));
            }
            if now >= moment && now - begun >= patience.time {
                return Err(Error::new(
                    Class::Temporary,
                    format!("another run holds the state file {shown}"),
                )
                .hint("wait for it with --lock-timeout S, or give this run a --state of its own"));
            }
            if now >= moment && !said {
                said = true;
                (patience.say)(&format!(
                    "avatarctl: waiting up to {}: another run holds the state file {shown}",
                    span(patience.time)
                ));
            }
            std::thread::sleep(MOMENT);
        }
        let same = match (file.metadata(), fs::metadata(path)) {
            (Ok(ours), Ok(named)) => (ours.dev(), ours.ino()) == (named.dev(), named.ino()),
            _ => false,
        };
        if same {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn line((server, by, account): &Key, entry: &Entry) -> Vec<u8> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let line = Line {
        v: VERSION,
        server: server.clone(),
        by: by.clone(),
        account: account.clone(),
        set: entry.set.clone(),
        fingerprint: entry.fingerprint.clone(),
        time: crate::time::rfc3339(now),
    };
    let mut bytes = serde_json::to_vec(&line).expect("texts always have a JSON form");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> std::result::Result<State, String> {
        State::parse(text.as_bytes(), Path::new("s")).map_err(|error| error.message())
    }

    fn robot() -> Key {
        ("jira".into(), "user".into(), "robot".into())
    }

    const A: &str = r#"{"v":1,"server":"jira","by":"user","account":"robot","set":"avatar_id:5","fingerprint":"5","time":"x"}"#;
    const B: &str =
        r#"{"v":1,"server":"jira","by":"user","account":"robot","set":"sha256:ab","time":"x"}"#;
    const C: &str = r#"{"v":1,"server":"jira","by":"user","account":"robot","set":"reset","fingerprint":null,"time":"x"}"#;

    #[test]
    fn the_last_line_wins() {
        for (text, set, fingerprint) in [
            (format!("{A}\n"), "avatar_id:5", Some(Some("5"))),
            (format!("{A}\n{B}\n"), "sha256:ab", None),
            (format!("{A}\n{B}\n{C}\n"), "reset", Some(None)),
            (format!("{A}\n{C}"), "reset", Some(None)),
        ] {
            let state = parse(&text).unwrap();
            let entry = state.get(&robot()).unwrap();
            let found = entry.fingerprint.as_ref().map(Option::as_deref);
            assert_eq!((entry.set.as_str(), found), (set, fingerprint));
            assert!(state.warnings.is_empty());
        }
    }

    #[test]
    fn an_account_that_is_not_known_any_more_is_none() {
        let gone =
            r#"{"v":1,"server":"jira","by":"user","account":"robot","set":"unknown","time":"x"}"#;
        for (text, set) in [
            (format!("{gone}\n"), None),
            (format!("{A}\n{gone}\n"), None),
            (format!("{A}\n{gone}\n{C}\n"), Some("reset")),
        ] {
            let state = parse(&text).unwrap();
            let found = state.get(&robot()).map(|entry| entry.set.as_str());
            assert_eq!(found, set);
        }
    }

    #[test]
    fn a_torn_end_is_dropped_wherever_it_is_torn() {
        for end in 1..B.len() {
            let state = parse(&format!("{A}\n{}", &B[..end])).unwrap();
            assert_eq!(state.get(&robot()).unwrap().set, "avatar_id:5");
            assert_eq!(
                state.warnings,
                ["the state file \"s\" ends in a torn line, which is dropped"]
            );
            assert_eq!(state.whole, A.len() as u64 + 1);
        }
    }

    #[test]
    fn other_damage_is_an_error() {
        assert_eq!(
            parse(&format!("{A}\nx\n{B}\n")).unwrap_err(),
            "the state file \"s\" is damaged in line 2"
        );
        assert_eq!(
            parse("{}\n").unwrap_err(),
            "the state file \"s\" is damaged in line 1"
        );
        assert_eq!(
            parse("{\"v\":2,\"what\":\"ever\"}\n").unwrap_err(),
            "the state file \"s\" is of a newer version in line 1"
        );
    }
}
