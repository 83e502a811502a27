//! What was proven before: a file of JSON Lines, one line after each account, the last line for an account wins. It
//! survives a kill at any instant and holds no secret. Only one run at a time writes it.

mod journal;
mod lock;

pub use journal::Journal;
pub use lock::LockWait;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::apply::Look;
use crate::error::{Class, Error, Result};
use crate::file::input;
use crate::system::avatar::Target;
use crate::terminal::quote;
use crate::time;

/// Lines of this version are read and written.
const VERSION: u32 = 1;

/// The largest state in bytes, about a million lines; it is held in memory.
const LONGEST: u64 = 256 << 20;

/// What is remembered of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was set: `sha256:…`, `avatar_id:…`, `icon_id:…`, `url:…` or `reset`.
    pub set: String,
    /// The server's fingerprint afterwards.
    pub fingerprint: Look,
}

/// In a line, what was set if that is not known any more. Versions that do not know this word take it for another
/// avatar than the wanted one, which leads to the same write.
const UNKNOWN: &str = "unknown";

/// By what an account is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The base URL, and not the server's name in the manifest: that may be given to another server some day, where the
    /// same ids mean other avatars.
    server: String,
    /// The key that names the account in the manifest: `user`, `employee_id`, `self`.
    by: String,
    account: String,
}

impl Key {
    /// The key of a target on the server with this base URL.
    pub fn new(server: &str, target: &Target) -> Key {
        Key {
            server: server.to_owned(),
            by: target.key().to_owned(),
            account: target.value().to_owned(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    v: u32,
    server: String,
    by: String,
    account: String,
    set: String,
    #[serde(default, skip_serializing_if = "is_not_taken")]
    fingerprint: Look,
    time: String,
}

fn is_not_taken(look: &Look) -> bool {
    *look == Look::NotTaken
}

/// The fingerprint of a look that was taken; the whole key is left out if there was none.
impl Serialize for Look {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.fingerprint().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Look {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Look, D::Error> {
        Option::deserialize(deserializer).map(Look::Saw)
    }
}

/// What a state file says.
#[derive(Debug, Default)]
pub struct State {
    entries: BTreeMap<Key, Entry>,
    /// Lines in the file, stale ones included.
    lines: usize,
    /// Length of the whole lines in bytes; a torn one may follow.
    whole: u64,
    /// What a person should know about the file.
    warnings: Vec<String>,
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

    /// Reads a state while no other run writes it; a missing file is an empty one.
    ///
    /// Errors: temporary (another run holds it), and as `load`.
    pub fn load_locked(path: &Path, wait: &LockWait) -> Result<State> {
        match lock::locked(path, wait, || named(path), File::try_lock_shared)? {
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
                Ok(line) if line.v == VERSION => state.take(line),
                // A run that is killed while it writes leaves the beginning of a line, nothing else. Behind whole lines
                // it is known to be one by less: the keys of another version may come in another order.
                Err(error) if torn && (is_beginning(line) || error.is_eof() && state.lines > 0) => {
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

    /// Whether it says this of these accounts, and nothing of others.
    pub fn says(&self, entries: &[(Key, Entry)]) -> bool {
        let same = |(key, entry): &(Key, Entry)| self.get(key) == Some(entry);
        self.entries.len() == entries.len() && entries.iter().all(same)
    }

    /// Takes over what a line says; a later line of the same account replaces it.
    fn take(&mut self, line: Line) {
        let key = Key {
            server: line.server,
            by: line.by,
            account: line.account,
        };
        let entry = Entry {
            set: line.set,
            fingerprint: line.fingerprint,
        };
        match entry.set == UNKNOWN {
            true => self.entries.remove(&key),
            false => self.entries.insert(key, entry),
        };
    }

    fn get(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }
}

/// Whether a line without an end begins as every line of a state does. Another file, given by mistake, must not be cut.
/// After a power cut the rest of the line may be zeros.
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

/// Opens the file for reading; none if there is no such file.
fn named(path: &Path) -> Result<Option<File>> {
    match input::regular(path) {
        Ok((file, _)) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let named = format!("the state file {}", quote(&path.to_string_lossy()));
    input::unreadable(&named, Class::Input, error)
}

/// What a run knows of earlier ones.
pub enum Memory {
    /// One account, now: nothing is remembered.
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

    /// Whether the file cannot be written any more.
    pub fn is_broken(&self) -> bool {
        match self {
            Memory::Nothing | Memory::Read(_) => false,
            Memory::Written(journal) => journal.is_broken(),
        }
    }

    /// Puts what was remembered on the disk.
    pub fn sync(&self) {
        if let Memory::Written(journal) = self {
            journal.sync();
        }
    }

    /// What is to be told of every wait that begins, if anything is.
    pub fn before_wait(&self) -> Option<Rc<dyn Fn(Duration)>> {
        match self {
            Memory::Nothing | Memory::Read(_) => None,
            Memory::Written(journal) => Some(journal.before_wait()),
        }
    }

    /// Why something that was remembered may be lost, told once.
    pub fn take_failure(&self) -> Option<Error> {
        match self {
            Memory::Nothing | Memory::Read(_) => None,
            Memory::Written(journal) => journal.take_failure(),
        }
    }

    /// Remembers what was set, if this run writes a state.
    ///
    /// Errors: input, if the line could not be written.
    pub fn remember(&mut self, key: Key, entry: Entry) -> Result<()> {
        match self {
            Memory::Nothing | Memory::Read(_) => Ok(()),
            Memory::Written(journal) => journal.remember(key, entry),
        }
    }

    /// Forgets what was set, if this run writes a state.
    ///
    /// Errors: input, if the line could not be written.
    pub fn forget(&mut self, key: &Key) -> Result<()> {
        match self {
            Memory::Nothing | Memory::Read(_) => Ok(()),
            Memory::Written(journal) => journal.forget(key),
        }
    }
}

/// A state that says this.
pub fn text(entries: &[(Key, Entry)]) -> Vec<u8> {
    let lines = entries.iter().map(|(key, entry)| line(key, entry));
    lines.collect::<Vec<_>>().concat()
}

/// Locks a state, so that no run writes it; none if there is none.
///
/// Errors: temporary (another run holds it), input (it cannot be locked).
pub fn hold(path: &Path) -> Result<Option<File>> {
    let at_once = LockWait {
        timeout: Duration::ZERO,
        on_wait: |_| (),
    };
    lock::locked(path, &at_once, || named(path), File::try_lock)
}

/// The line of an account, with its end.
fn line(key: &Key, entry: &Entry) -> Vec<u8> {
    let line = Line {
        v: VERSION,
        server: key.server.clone(),
        by: key.by.clone(),
        account: key.account.clone(),
        set: entry.set.clone(),
        fingerprint: entry.fingerprint.clone(),
        time: time::rfc3339(time::now()),
    };
    let mut bytes = serde_json::to_vec(&line).expect("texts always have a JSON form");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests;
