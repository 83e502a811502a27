//! Files that appear whole or not at all: written beside their place, then renamed into it. What is no file,
//! such as a pipe or `/dev/stdout`, is written as it is: a rename would put a file in the place of the device.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::reason;
use crate::error::{Class, Error, Result};
use crate::terminal::quote;

/// Writes a file by a function; a failure leaves what was there before.
///
/// Errors: input, naming the file.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let through = path.starts_with("/dev") || fs::metadata(path).is_ok_and(|kind| !kind.is_file());
    let place = followed(path);
    let beside = place.with_added_extension("new");
    let written = || {
        if through {
            let mut file = BufWriter::new(OpenOptions::new().write(true).open(path)?);
            fill(&mut file)?;
            return file.flush();
        }
        let mut file = BufWriter::new(File::create(&beside)?);
        fill(&mut file)?;
        file.into_inner()?.sync_all()?;
        fs::rename(&beside, &place)
    };
    written().map_err(|error: io::Error| {
        if !through {
            let _ = fs::remove_file(&beside);
        }
        let place = quote(&path.to_string_lossy());
        Error::new(
            Class::Input,
            format!("cannot write {place}: {}", reason(&error)),
        )
    })
}

/// Where a link leads, so that the file there is replaced and not the link, whether or not it is there yet.
fn followed(path: &Path) -> PathBuf {
    match (fs::canonicalize(path), fs::read_link(path)) {
        (Ok(place), _) => place,
        (Err(_), Ok(place)) => path.parent().unwrap_or(Path::new("")).join(place),
        (Err(_), Err(_)) => path.to_owned(),
    }
}
