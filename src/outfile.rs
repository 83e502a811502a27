//! Files that appear whole or not at all: written beside their place, then renamed into it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::{Class, Error, Result};
use crate::secret::reason;
use crate::terminal::quote;

/// Writes a file by a function; a failure leaves what was there before.
///
/// Errors: input, naming the file.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let beside = path.with_added_extension("new");
    let written = || {
        let mut file = BufWriter::new(File::create(&beside)?);
        fill(&mut file)?;
        file.into_inner()?.sync_all()?;
        fs::rename(&beside, path)
    };
    written().map_err(|error: io::Error| {
        let _ = fs::remove_file(&beside);
        let place = quote(&path.to_string_lossy());
        Error::new(
            Class::Input,
            format!("cannot write {place}: {}", reason(&error)),
        )
    })
}
