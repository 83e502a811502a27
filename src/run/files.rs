//! The files of a batch: none that is written may be one that is read, and each must have a folder to be in. All this is
//! checked before anything is sent, and not when the work is done.

use std::path::{Path, PathBuf};

use crate::cli::{Batch, Origin};
use crate::error::{Class, Error, Result};
use crate::file::output;
use crate::file::relative::real;
use crate::picture::content::Content;
use crate::plan::Plan;
use crate::system::avatar::Avatar;
use crate::terminal::quote;

/// A file by what names it: `the manifest`, `--state`.
pub(super) type Named = (&'static str, PathBuf);

/// The files that the command line names.
///
/// Errors: usage, if two of them are the same; input, if one has no folder.
pub(super) fn distinct(batch: &Batch) -> Result<Vec<Named>> {
    let manifest = match &batch.manifest {
        Origin::File(path) => Some(path),
        Origin::Stdin => None,
    };
    let mut files: Vec<Named> = Vec::new();
    for (name, path) in [
        ("the manifest", manifest),
        ("--state", batch.state.as_ref()),
        ("--junit", batch.junit.as_ref()),
        ("--html", batch.html.as_ref()),
    ] {
        let Some(path) = path else { continue };
        if ["--junit", "--html"].contains(&name) {
            has_folder(name, path)?;
        }
        let real = real(path);
        // A device may be named as often as one likes.
        if real.exists() && !real.is_file() {
            continue;
        }
        if let Some((other, _)) = files.iter().find(|(_, known)| *known == real) {
            return Err(same(name, other));
        }
        files.push((name, real));
    }
    Ok(files)
}

/// Checks that no picture of the plan is one of these files.
///
/// Errors: usage.
pub(super) fn spare_pictures(files: &[Named], plan: &Plan) -> Result<()> {
    for job in plan.parts.iter().flat_map(|part| &part.jobs) {
        if let Avatar::Picture(picture) = &job.avatar
            && let Some(path) = picture.path()
            && let Some((name, _)) = files
                .iter()
                .find(|(_, file)| file.file_name() == path.file_name() && *file == real(path))
        {
            return Err(same(name, &format!("the picture {}", quote(&picture.name))));
        }
    }
    Ok(())
}

fn same(name: &str, other: &str) -> Error {
    let what = format!("{name} and {other} are the same file");
    Error::new(Class::Usage, what)
}

/// Checks that a file may be written, before anything is sent. What is no file, such as a pipe, is written as it is.
///
/// Errors: usage, if it is there and may not be replaced; input, if it has no folder.
pub(super) fn may_write(name: &str, path: &Path, replace: bool) -> Result<()> {
    has_folder(name, path)?;
    let refuse = |what: &str| {
        let shown = quote(&path.to_string_lossy());
        Error::new(Class::Usage, format!("{name}: {shown} {what}"))
    };
    match std::fs::metadata(path) {
        Ok(facts) if facts.is_dir() => Err(refuse("is a directory")),
        Ok(_) if !replace && !output::is_written_through(path) => {
            Err(refuse("is there already").hint("name another file, or give --force to replace it"))
        }
        _ => Ok(()),
    }
}

/// Checks that a file has a folder to be in.
///
/// Errors: input.
pub(super) fn has_folder(name: &str, path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            let folder = quote(&folder.to_string_lossy());
            let what = format!("{name}: there is no folder {folder}");
            Err(Error::new(Class::Input, what))
        }
        _ => Ok(()),
    }
}
