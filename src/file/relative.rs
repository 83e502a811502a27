//! Paths as they are written into a file that is kept, so that they lead to the same place from where that file is.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The path of a file as it is seen from a folder. Where the two have nothing in common it stays absolute.
pub fn seen_from(folder: &Path, file: &Path) -> PathBuf {
    let (folder, file) = (real(folder), placed(file));
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), file.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    // The root is common to all.
    if common < 2 {
        return file;
    }
    let up = from[common..].iter().map(|_| Component::ParentDir);
    up.chain(to[common..].iter().copied()).collect()
}

/// The file's folder without links; the file itself may be one that is made to lead elsewhere later.
fn placed(file: &Path) -> PathBuf {
    match (file.parent(), file.file_name()) {
        (Some(folder), Some(name)) if folder.as_os_str().is_empty() => {
            real(Path::new(".")).join(name)
        }
        (Some(folder), Some(name)) => real(folder).join(name),
        _ => real(file),
    }
}

/// The one absolute path of a file or folder, whether or not it is there yet.
pub fn real(path: &Path) -> PathBuf {
    let real = fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    real.unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_from_a_folder_to_the_same_file() {
        for (folder, file, seen) in [
            ("/no/where/backup", "/no/where/ca.pem", "../ca.pem"),
            ("/no/where/backup", "/no/where/backup/ca.pem", "ca.pem"),
            ("/no/where/a/b", "/no/here/ca.pem", "../../../here/ca.pem"),
            ("/no/where", "/other/ca.pem", "/other/ca.pem"),
        ] {
            assert_eq!(
                seen_from(Path::new(folder), Path::new(file)),
                Path::new(seen)
            );
        }
    }
}
