//! A state that this run writes: a line is appended after each account and goes to the disk within a second, and the
//! file is written anew if it is mostly stale.

use std::cell::{Cell, RefCell};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::lock::{LockWait, locked};
use super::{Entry, Key, State, UNKNOWN, line};
use crate::apply::Look;
use crate::error::{Error, Result};
use crate::file::{input, output};

/// How much of the last work a power cut may cost; what it costs is done again. To sync each line takes as long as to
/// send its picture.
const UNSYNCED: Duration = Duration::from_secs(1);

/// A wait that is shorter is over before the lines have waited long for their sync.
const LONG: Duration = Duration::from_millis(100);

/// A state that this run may write, and no other run.
pub struct Journal {
    pub(super) state: State,
    /// Shared with those who wait: lines go to the disk before a wait begins.
    lines: Rc<Lines>,
}

impl Journal {
    /// Opens, locks and reads a state. Makes the file if there is none, and writes it anew if more than half of its lines
    /// are stale.
    ///
    /// Errors: temporary (another run holds it), input (cannot be written), data (damaged).
    pub fn open(path: &Path, wait: &LockWait) -> Result<Journal> {
        let elsewhere = |error: Error| error.hint("name another one with --state FILE");
        let open = || opened(path).map_err(|error| elsewhere(unwritable(path, &error)));
        let file = locked(path, wait, || open().map(Some), File::try_lock)?;
        let mut file = file.expect("opening makes the file if there is none");
        let mut state = State::read(&file, path)?;
        let end = mend(&mut file, &mut state, path);
        let end = end.map_err(|error| elsewhere(unwritable(path, &error)))?;
        Ok(Journal {
            state,
            lines: Rc::new(Lines {
                file,
                path: path.to_owned(),
                end: Cell::new(end),
                synced: Cell::new(Instant::now()),
                unsynced: Cell::new(false),
                broken: Cell::new(false),
                failure: RefCell::new(None),
            }),
        })
    }

    /// Remembers what was set: a kill does not lose it any more, and a power cut only within the next second.
    ///
    /// Errors: input, if the line could not be written.
    pub(super) fn remember(&mut self, key: Key, entry: Entry) -> Result<()> {
        self.lines.add(&line(&key, &entry))?;
        self.state.entries.insert(key, entry);
        Ok(())
    }

    /// Forgets an account: what was remembered of it is not true any more.
    ///
    /// Errors: input, if the line could not be written.
    pub(super) fn forget(&mut self, key: &Key) -> Result<()> {
        let unknown = Entry {
            set: UNKNOWN.to_owned(),
            fingerprint: Look::NotTaken,
        };
        match self.state.entries.remove(key) {
            Some(_) if !self.lines.broken.get() => self.lines.add(&line(key, &unknown)),
            _ => Ok(()),
        }
    }

    /// Puts all lines on the disk.
    pub(super) fn sync(&self) {
        self.lines.sync();
    }

    /// What is to be told of every wait that begins.
    pub(super) fn before_wait(&self) -> Rc<dyn Fn(Duration)> {
        let lines = Rc::clone(&self.lines);
        Rc::new(move |time| {
            if time >= LONG {
                lines.sync();
            }
        })
    }

    pub(super) fn is_broken(&self) -> bool {
        self.lines.broken.get()
    }

    /// Why lines that were written may be lost, told once.
    pub(super) fn take_failure(&self) -> Option<Error> {
        self.lines.failure.take()
    }
}

/// Cuts a torn last line off, ends a whole one that has no end, and drops stale lines if they are the most. Returns the
/// end of the file.
fn mend(file: &mut File, state: &mut State, path: &Path) -> std::io::Result<u64> {
    let mut length = file.metadata()?.len();
    if length > state.whole {
        file.set_len(state.whole)?;
        length = state.whole;
    }
    if length > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    if state.lines > 2 * state.entries.len() {
        compact(file, state, path);
    }
    file.seek(SeekFrom::End(0))
}

/// Writes the state anew in one piece. If the folder cannot be written, the file stays as it is: longer, and with the
/// same meaning.
fn compact(file: &mut File, state: &mut State, path: &Path) {
    let renewed = output::replace(path, &mut |file| {
        // The new file is locked before it takes the name, so that no other run gets between.
        file.try_lock().map_err(std::io::Error::other)?;
        let mut text = Vec::new();
        for (key, entry) in &state.entries {
            text.extend(line(key, entry));
        }
        file.write_all(&text)
    });
    if let Ok(renewed) = renewed {
        *file = renewed;
        state.lines = state.entries.len();
        // From the rename on the new file is the one that counts, whether or not its folder can be synced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().map(File::open);
        let _ = folder.map(|folder| folder.and_then(|folder| folder.sync_all()));
    }
}

/// The file of a state, to which lines are appended.
struct Lines {
    file: File,
    path: PathBuf,
    /// Where the next line begins.
    end: Cell<u64>,
    /// When the lines were last put on the disk, and whether there are new ones.
    synced: Cell<Instant>,
    unsynced: Cell<bool>,
    /// Whether a line could not be written; the next ones are not tried.
    broken: Cell<bool>,
    /// Why lines could not be put on the disk.
    failure: RefCell<Option<Error>>,
}

impl Lines {
    fn add(&self, line: &[u8]) -> Result<()> {
        self.append(line).map_err(|error| {
            self.broken.set(true);
            unwritable(&self.path, &error)
        })?;
        self.unsynced.set(true);
        if self.synced.get().elapsed() >= UNSYNCED {
            self.sync();
        }
        Ok(())
    }

    /// Appends a line. If only its beginning could be written, that is cut off again: the next line must begin a new one.
    fn append(&self, line: &[u8]) -> std::io::Result<()> {
        let before = self.end.get();
        let written = (&self.file).write_all(line);
        match written {
            Ok(()) => self.end.set(before + line.len() as u64),
            Err(_) => drop(self.file.set_len(before)),
        }
        written
    }

    /// Puts the lines on the disk, if there are new ones. A failure is kept until it is asked for.
    fn sync(&self) {
        if !self.unsynced.replace(false) {
            return;
        }
        if let Err(error) = self.file.sync_data() {
            self.broken.set(true);
            self.failure.replace(Some(unwritable(&self.path, &error)));
        }
        self.synced.set(Instant::now());
    }
}

/// Opens the file for reading and writing, and makes it if there is none.
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

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    output::unwritable("the state file ", path, error)
}
