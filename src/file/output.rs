//! Files that appear whole or not at all: written beside their place under a name that nobody else has, then renamed
//! into it. What is no file, such as a pipe or `/dev/stdout`, is written as it is: a rename would put a file in the
//! place of the device.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::error::{Class, Error, Result, reason};
use crate::file::input::{self, PATIENCE};
use crate::terminal::quote;

/// Writes a file by a function; a failure leaves what was there before.
///
/// Errors: input, naming the file.
pub fn write(path: &Path, fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut filled = |file: &mut File| {
        let mut file = BufWriter::new(file);
        fill(&mut file)?;
        file.flush()
    };
    let written = match is_written_through(path) {
        true => through(path).and_then(|mut file| filled(&mut file)),
        false => replace(path, &mut filled).map(drop),
    };
    written.map_err(|error| unwritable("", path, &error))
}

/// `what` is the word for the file, with its article and a blank behind it.
pub fn unwritable(what: &str, path: &Path, error: &io::Error) -> Error {
    let shown = quote(&path.to_string_lossy());
    Error::new(
        Class::Input,
        format!("cannot write {what}{shown}: {}", reason(error)),
    )
}

/// Puts a new file that a function fills in the place of the one at `path`, and gives it open. Where a link leads
/// there, the link stays; who may read and write it stays as it was.
pub fn replace(path: &Path, fill: &mut dyn FnMut(&mut File) -> io::Result<()>) -> io::Result<File> {
    let before = match fs::metadata(path) {
        Ok(facts) => Some(facts),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let place = followed(path);
    let (mut file, beside) = create_beside(&place, before.is_some())?;
    let renamed = || {
        if let Some(before) = before {
            resemble(&file, &before)?;
        }
        fill(&mut file)?;
        file.sync_all()?;
        fs::rename(&beside, &place)?;
        Ok(file)
    };
    renamed().inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// Puts a finished file in the place of what has that name: of a file, whose readers and writers stay the same, or of a
/// link, which itself goes.
pub fn put(file: &Path, place: &Path) -> io::Result<()> {
    if let Ok(before) = fs::symlink_metadata(place)
        && before.is_file()
    {
        resemble(&File::open(file)?, &before)?;
    }
    fs::rename(file, place)
}

/// A file without a name, for what a file at `path` will be made of; it is gone when it is closed. It lies in the same
/// folder, or in the working directory where `path` is no file.
pub fn scratch(path: &Path) -> io::Result<File> {
    let place = match is_written_through(path) {
        true => PathBuf::from(path.file_name().unwrap_or_default()),
        false => followed(path),
    };
    let (file, beside) = create_beside(&place, true)?;
    fs::remove_file(beside)?;
    Ok(file)
}

/// How the names of all begin that is not to stay.
const HIDDEN: &str = ".avatarctl-";

/// A name that is hidden, short enough for every file system, and not to be guessed: somebody else's file or link of
/// that name would be written, and runs side by side would share one.
pub(super) fn hidden_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    format!(
        "{HIDDEN}{}-{}-{}",
        std::process::id(),
        time.map_or(0, |time| time.as_nanos()),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

pub(super) fn is_hidden_name(name: &str) -> bool {
    let numbers = name.strip_prefix(HIDDEN);
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|numbers| numbers.split('-').count() == 3 && numbers.split('-').all(number))
}

/// Writes a new file that only its owner may read, and gives its absolute path. What is there stays, links too: then the
/// name gets a number.
///
/// Errors: input, naming the file.
pub fn create_new(folder: &Path, name: &str, extension: &str, bytes: &[u8]) -> Result<PathBuf> {
    let mut number = 1;
    loop {
        let more = match number {
            1 => String::new(),
            _ => format!("-{number}"),
        };
        let path = folder.join(format!("{name}{more}.{extension}"));
        let path = std::path::absolute(&path).unwrap_or(path);
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        let written = created.and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        match written {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < MANY => number += 1,
            Err(error) => return Err(unwritable("", &path, &error)),
        }
    }
}

/// So many files of one name are enough.
const MANY: u32 = 100;

/// A new file in the folder of `place`.
fn create_beside(place: &Path, secret: bool) -> io::Result<(File, PathBuf)> {
    loop {
        let beside = place.with_file_name(hidden_name());
        let created = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            // What replaces a file gets that one's mode, and until then is nobody else's.
            .mode(if secret { 0o600 } else { 0o666 })
            .custom_flags(libc::O_NOFOLLOW)
            .open(&beside);
        match created {
            Ok(file) => return Ok((file, beside)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Owner and group as far as we may give files away, then the mode, which a new owner would take bits from.
fn resemble(file: &File, before: &Metadata) -> io::Result<()> {
    let (owner, group) = (Some(before.uid()), Some(before.gid()));
    let _ = fchown(file, owner, group).or_else(|_| fchown(file, None, group));
    file.set_permissions(Permissions::from_mode(before.mode()))
}

/// Whether a path leads to no file that could be replaced.
pub fn is_written_through(path: &Path) -> bool {
    // Descriptors that lead to files are written as the shell opened them.
    let descriptor =
        path.starts_with("/dev") && !path.starts_with("/dev/shm") || path.starts_with("/proc");
    descriptor || fs::metadata(path).is_ok_and(|facts| !facts.is_file())
}

/// Opens what is no file. A named pipe is given some time to be opened at its other end.
fn through(path: &Path) -> io::Result<File> {
    let begun = Instant::now();
    loop {
        let opened = OpenOptions::new()
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path);
        match opened {
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) && is_pipe(path) => {
                if begun.elapsed() >= PATIENCE {
                    return Err(io::Error::other("nobody reads this pipe"));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(file) => {
                input::wait_from_now_on(&file)?;
                return Ok(file);
            }
            error => return error,
        }
    }
}

fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.file_type().is_fifo())
}

/// Where a link leads, so that the file there is replaced and not the link, whether or not it is there yet. Links that
/// lead in a circle were an error before.
fn followed(path: &Path) -> PathBuf {
    let mut place = path.to_owned();
    while let Ok(next) = fs::read_link(&place) {
        place = place.parent().unwrap_or(Path::new("")).join(next);
    }
    place
}
