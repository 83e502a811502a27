//! What `--version` says beside the version: the commit that is built, if it is built in a clone with git, and the
//! target. Nothing else of the machine gets into the binary, so that two builds of a commit are the same.

use std::path::Path;
use std::process::Command;

fn main() {
    for file in ["src", ".cargo", "Cargo.toml", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={file}");
    }
    let target = std::env::var_os("TARGET").expect("cargo names the target");
    let target = target.to_string_lossy();
    let build = match commit() {
        Some(commit) => format!("{commit} {target}"),
        None => target.into_owned(),
    };
    println!("cargo:rustc-env=AVATARCTL_BUILD={build}");
}

/// Twelve digits, and `-dirty` if something was changed since. A folder that only lies in somebody's repository, as
/// cargo's own do where a home is one, is no clone.
fn commit() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    // Written at every commit and checkout.
    println!(
        "cargo:rerun-if-changed={}",
        git(&["rev-parse", "--git-path", "logs/HEAD"])?
    );
    git(&[
        "describe",
        "--always",
        "--dirty",
        "--abbrev=12",
        "--exclude=*",
    ])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
