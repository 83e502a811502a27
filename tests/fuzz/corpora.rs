//! Every input of every corpus once, as a plain test: a program of its own, because whole commands print and are given
//! other standard streams meanwhile. Words on the command line choose targets, as they choose tests elsewhere.
#![allow(unreachable_pub, unsafe_code)] // Nothing here is public; standard streams and signals are set up by hand.
#![allow(clippy::disallowed_methods)] // A program of its own: it ends with its own status.

mod targets;

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--list") {
        for (name, _) in targets::ALL {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(*word));
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let (mut inputs, mut failed) = (0, Vec::new());
    for (name, check) in targets::ALL {
        if !chosen(name) {
            continue;
        }
        let files = files(&corpora.join(name));
        assert!(!files.is_empty(), "{name} has a corpus");
        inputs += files.len();
        for file in files {
            let bytes = fs::read(&file).expect("an input can be read");
            if panic::catch_unwind(|| check(&bytes)).is_err() {
                failed.push(file);
            }
        }
    }
    println!("fuzz corpora: {inputs} inputs, {} failed", failed.len());
    for file in &failed {
        println!("failed: {}", file.display());
    }
    targets::tidy_up();
    match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of inputs");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = paths.collect();
    files.sort();
    files
}
