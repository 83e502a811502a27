//! The lock that lets only one run at a time write a state, and the wait for it.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Class, Error, Result, reason};
use crate::signals;
use crate::terminal::quote;
use crate::time::span;

/// How to wait for another run that holds the state.
pub struct LockWait {
    pub timeout: Duration,
    /// Gets one line if the wait takes longer than a moment.
    pub on_wait: fn(&str),
}

/// A diff holds the state for no longer than this while it reads it, so it is waited for even with a timeout of 0.
const MOMENT: Duration = Duration::from_millis(30);

/// Opens and locks the file, and makes sure that it still has this name then: another run may have put a new one in its
/// place between the opening and the lock. None if there is no file.
///
/// Errors: temporary, if another run holds it for longer than the timeout; input, if it cannot be locked.
pub(super) fn locked(
    path: &Path,
    wait: &LockWait,
    open: impl Fn() -> Result<Option<File>>,
    lock: impl Fn(&File) -> std::result::Result<(), TryLockError>,
) -> Result<Option<File>> {
    let mut waiting = Waiting {
        shown: quote(&path.to_string_lossy()),
        wait,
        begun: Instant::now(),
        announced: false,
    };
    while let Some(file) = open()? {
        loop {
            match lock(&file) {
                Ok(()) if is_named(&file, path) => return Ok(Some(file)),
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => waiting.once()?,
                Err(TryLockError::Error(error)) => {
                    let (shown, why) = (waiting.shown, reason(&error));
                    let what = format!("cannot lock the state file {shown}: {why}");
                    return Err(Error::new(Class::Input, what));
                }
            }
        }
    }
    Ok(None)
}

/// Whether this path leads to the open file.
fn is_named(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(named)) => (ours.dev(), ours.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// A wait for another run.
struct Waiting<'a> {
    /// The path, quoted for messages.
    shown: String,
    wait: &'a LockWait,
    begun: Instant,
    /// Whether the wait was announced.
    announced: bool,
}

impl Waiting<'_> {
    /// Waits for a moment.
    ///
    /// Errors: temporary, if the time is up or a signal came.
    fn once(&mut self) -> Result<()> {
        let Waiting { shown, wait, .. } = self;
        let waited = self.begun.elapsed();
        if signals::caught().is_some() {
            let what = format!("interrupted while another run holds the state file {shown}");
            return Err(Error::new(Class::Temporary, what));
        }
        // Announced first: a busy machine may take all the time for the first sleep.
        if waited >= MOMENT && wait.timeout > MOMENT && !self.announced {
            (wait.on_wait)(&format!(
                "avatarctl: waiting up to {}: another run holds the state file {shown}",
                span(wait.timeout)
            ));
            self.announced = true;
        }
        if waited >= MOMENT && waited >= wait.timeout {
            let what = format!("another run holds the state file {shown}");
            return Err(Error::new(Class::Temporary, what)
                .hint("wait for it with --lock-timeout S, or give this run a --state of its own"));
        }
        std::thread::sleep(MOMENT);
        Ok(())
    }
}
