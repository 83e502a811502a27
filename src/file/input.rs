//! Files that are read: each within a bound, and none that keeps a run waiting without an end. What a path leads to
//! is looked at before it is opened. A directory, a device or a socket holds nothing to read; a pipe is read to its
//! end where one can be meant, as a shell's `<(...)` is.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Chain, Cursor, ErrorKind, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Class, Error, Result, reason};
use crate::terminal::quote;

/// How long a named pipe is given to be opened at its other end: `producer > pipe &` may be a moment later than we
/// are, and a pipe that is forgotten must not hold a run of cron for ever.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A file that is open.
pub enum Input {
    /// With its length in bytes when it was opened.
    Regular(File, u64),
    /// What came first, and where the rest comes from.
    Pipe(Chain<Cursor<Vec<u8>>, File>),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Regular(file, _) => file.read(buffer),
            Input::Pipe(pipe) => pipe.read(buffer),
        }
    }
}

/// Reads a file that may be a pipe; `what` is the word for it, with its article.
///
/// Errors: of this class, naming the file; data instead of input, when it is longer than so many bytes.
pub fn read(path: &Path, what: &str, class: Class, bound: u64) -> Result<Vec<u8>> {
    let named = format!("{what} {}", quote(&path.to_string_lossy()));
    open(path)
        .and_then(|input| match input {
            Input::Regular(file, length) => all(&file, length, bound),
            pipe => bytes(pipe, bound),
        })
        .map_err(|error| unreadable(&named, class, &error))
}

/// What `read` says, for who opens files otherwise.
pub fn unreadable(named: &str, class: Class, error: &io::Error) -> Error {
    let (class, why) = match error.kind() {
        // It was read well enough to know that it cannot be meant.
        ErrorKind::FileTooLarge if class == Class::Input => (Class::Data, error.to_string()),
        ErrorKind::FileTooLarge => (class, error.to_string()),
        _ => (class, reason(error)),
    };
    Error::new(class, format!("cannot read {named}: {why}"))
}

/// Everything that a file holds; one that is too long is not begun.
pub fn whole(file: &File, bound: u64) -> io::Result<Vec<u8>> {
    all(file, file.metadata()?.len(), bound)
}

/// The same of a file whose length was seen.
pub fn all(mut file: &File, length: u64, bound: u64) -> io::Result<Vec<u8>> {
    if length > bound {
        return Err(too_long(bound));
    }
    // In one read, if the file is what it says.
    let mut whole = vec![0; length as usize];
    let read = file.read(&mut whole)?;
    whole.truncate(read);
    whole.extend(bytes(file, bound - read as u64)?);
    Ok(whole)
}

/// Everything that comes, within a bound in bytes.
pub fn bytes(source: impl Read, bound: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(bound + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > bound {
        true => Err(too_long(bound)),
        false => Ok(bytes),
    }
}

pub fn too_long(bound: u64) -> io::Error {
    let shown = match (bound >> 30, bound >> 20) {
        (0, 0) => format!("{} KiB", bound >> 10),
        (0, megabytes) => format!("{megabytes} MiB"),
        (gigabytes, _) => format!("{gigabytes} GiB"),
    };
    io::Error::new(
        ErrorKind::FileTooLarge,
        format!("it is longer than {shown}"),
    )
}

/// Opens a file that may be a pipe. `/dev/null` is an empty file, as people mean it.
pub fn open(path: &Path) -> io::Result<Input> {
    let (file, facts) = looked_at(path, true)?;
    if !facts.file_type().is_fifo() {
        return Ok(Input::Regular(file, facts.len()));
    }
    let first = first(&file)?;
    wait_from_now_on(&file)?;
    Ok(Input::Pipe(Cursor::new(first).chain(file)))
}

/// Opens a file that must be a regular one, because it is read twice, and says how many bytes it has.
pub fn regular(path: &Path) -> io::Result<(File, u64)> {
    let (file, facts) = looked_at(path, false)?;
    Ok((file, facts.len()))
}

/// Opening can have effects, on a tape as on a pipe: what is there is looked at before, and for who exchanged it
/// meanwhile once more behind.
fn looked_at(path: &Path, pipe: bool) -> io::Result<(File, Metadata)> {
    acceptable(&fs::metadata(path)?, pipe)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    let facts = file.metadata()?;
    acceptable(&facts, pipe)?;
    Ok((file, facts))
}

/// Errors: with the words for what it is, when it is no file that can be read to an end.
pub fn acceptable(facts: &Metadata, pipe: bool) -> io::Result<()> {
    let kind = facts.file_type();
    let empty = || fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == facts.rdev());
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if pipe && kind.is_fifo() => return Ok(()),
        () if pipe && kind.is_char_device() && empty() => return Ok(()),
        () if kind.is_dir() => "is a directory",
        () if kind.is_fifo() => "is a pipe",
        () if kind.is_socket() => "is a socket",
        () => "is a device",
    };
    Err(io::Error::other(what))
}

/// The beginning of what a pipe gives; empty where its writer has not written yet, or has ended.
fn first(mut file: &File) -> io::Result<Vec<u8>> {
    // A pipe without a name has had its writer.
    let (unnamed, _) = io::pipe()?;
    let unnamed = File::from(OwnedFd::from(unnamed)).metadata()?.dev();
    let named = file.metadata()?.dev() != unnamed;
    let begun = Instant::now();
    let mut block = vec![0; 4096];
    loop {
        match file.read(&mut block) {
            Ok(0) if named && begun.elapsed() >= PATIENCE => {
                return Err(io::Error::other("nobody writes to this pipe"));
            }
            Ok(0) if named => std::thread::sleep(Duration::from_millis(10)),
            Ok(count) => {
                block.truncate(count);
                return Ok(block);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Vec::new()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Lets reads and writes of an open pipe wait for the other end, which is there.
#[allow(unsafe_code)]
pub fn wait_from_now_on(pipe: &File) -> io::Result<()> {
    let fd = pipe.as_raw_fd();
    // SAFETY: two calls that read and set the flags of a descriptor that is open as long as `pipe` is.
    let done = unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFL);
        libc::fcntl(fd, libc::F_SETFL, flags & !libc::O_NONBLOCK)
    };
    match done {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
