//! A state that this run writes: a line is appended after each account, and the file is written anew if it is mostly
//! stale.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::lock::{LockWait, locked};
use super::{Entry, Key, State, UNKNOWN, line};
use crate::apply::Look;
use crate::error::{Error, Result};
use crate::file::{input, output};

/// A state that this run may write, and no other run.
pub struct Journal {
    pub(super) state: State,
    file: File,
    path: PathBuf,
    /// Whether a line could not be written; the next ones are not tried.
    broken: bool,
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
        let file = file.expect("opening makes the file if there is none");
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

    /// Cuts a torn last line off, ends a whole one that has no end, and drops stale lines if they are the most.
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

    /// Writes the state anew in one piece. If the folder cannot be written, the file stays as it is: longer, and with
    /// the same meaning.
    fn compact(&mut self) {
        let renewed = output::replace(&self.path, |file| {
            // The new file is locked before it takes the name, so that no other run gets between.
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

    /// Remembers what was set, on the disk at once: the next answer of a server may take long.
    ///
    /// Errors: input, if the line could not be written.
    pub(super) fn remember(&mut self, key: Key, entry: Entry) -> Result<()> {
        self.write(&key, &entry)?;
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
            Some(_) if !self.broken => self.write(key, &unknown),
            _ => Ok(()),
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    fn write(&mut self, key: &Key, entry: &Entry) -> Result<()> {
        self.append(&line(key, entry)).map_err(|error| {
            self.broken = true;
            unwritable(&self.path, &error)
        })
    }

    /// Appends a line. If only its beginning could be written, that is cut off again: the next line must begin a new one.
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
