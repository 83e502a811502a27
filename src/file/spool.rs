//! A hidden folder inside another, for files that take their places there all at once: on the same file system, so that
//! each is renamed and never copied, and removed with what is left in it, whatever happens.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::file::output;

/// The hidden folder. It is removed when dropped.
pub struct Spool {
    path: PathBuf,
    /// The folder that it is in, locked if its file system can do that.
    _lock: Option<File>,
}

/// Why there is no hidden folder.
pub enum Refusal {
    /// Another run has one in the same folder.
    Busy,
    Failed(io::Error),
}

impl Spool {
    /// Makes one in a folder that is there, and removes those that killed runs left.
    pub fn inside(folder: &Path) -> Result<Spool, Refusal> {
        let open = File::open(folder).map_err(Refusal::Failed)?;
        let lock = match open.try_lock() {
            Ok(()) => Some(open),
            Err(TryLockError::WouldBlock) => return Err(Refusal::Busy),
            Err(TryLockError::Error(_)) => None,
        };
        if lock.is_some() {
            remove_left(folder);
        }
        loop {
            let path = folder.join(output::hidden_name());
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Spool { path, _lock: lock }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Refusal::Failed(error)),
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Under the lock nobody else has one, so one that is there belongs to nobody.
fn remove_left(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let hidden = output::is_hidden_name(&entry.file_name().to_string_lossy());
        // A link is none, wherever it leads.
        if hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
