//! The fuzz targets: each takes bytes, makes of them what the outside world may give, and panics if a property does not
//! hold. This is the one list of them; `make fuzz`, libFuzzer and the plain test of the corpora take it from here.

mod address;
mod answers;
mod certificate;
mod header;
mod limits;
mod manifest;
mod multipart;
mod netrc;
mod page;
mod proxy;
mod redact;
mod state;
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What a target does with one input.
pub type Check = fn(&[u8]);

/// Every target by its name, which is also that of its corpus.
pub const ALL: [(&str, Check); 16] = [
    ("address", address::check),
    ("answers-jira", answers::jira),
    ("answers-matrix", answers::matrix),
    ("answers-navixy", answers::navixy),
    ("answers-rocketchat", answers::rocketchat),
    ("certificate", certificate::check),
    ("header", header::check),
    ("limits", limits::check),
    ("manifest", manifest::check),
    ("multipart", multipart::check),
    ("netrc", netrc::check),
    ("page", page::check),
    ("proxy", proxy::check),
    ("redact", redact::check),
    ("state", state::check),
    ("terminal", terminal::check),
];

/// Fails if a line for people is none: it is not on one line, or holds what a terminal would obey.
#[track_caller]
fn assert_clean(line: &str) {
    let bad = line.chars().find(|c| avatarctl::terminal::is_deceptive(*c));
    assert_eq!(bad, None, "{line:?}");
}

/// An error of the program: a message and a hint that are clean, of a class that has its exit status.
#[track_caller]
fn assert_error(error: &avatarctl::error::Error) {
    assert_clean(&error.message());
    assert_clean(error.hint.as_deref().unwrap_or_default());
    assert!((64..=78).contains(&error.class.exit()));
}

/// The parts of an input that are texts, one for each name; they are separated by zeros.
fn texts<const N: usize>(bytes: &[u8]) -> [String; N] {
    let mut parts = bytes.splitn(N, |byte| *byte == 0);
    [(); N].map(|()| String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned())
}

/// A secret in the input, in the place of the byte that `with_secret` takes for it.
const SECRET: &str = "passw0rd-that-n0body-may-see";

/// The text of an input, with the secret in the place of each byte 5: an input that comes upon the letters of the secret
/// itself proves nothing.
fn with_secret(text: &str) -> String {
    text.replace(SECRET, "").replace('\u{5}', SECRET)
}

/// The folder of this process alone.
fn own_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let name = format!("avatarctl-fuzz-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a temporary folder");
        folder
    })
}

/// A file of this process alone.
fn own_file(name: &str) -> PathBuf {
    own_folder().join(name)
}

/// Removes what the targets wrote; libFuzzer's processes end without it, and run.sh removes theirs.
#[allow(dead_code)] // Of the two programs one has an end.
pub fn tidy_up() {
    let _ = fs::remove_dir_all(own_folder());
}
