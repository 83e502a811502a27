//! Runs of the program under `strace`, which sees every system call.

use std::process::{self, Command};

use super::run::{Scratch, program, words};

/// A run in this directory with these settings, under `strace` with these options, which writes the file `calls`
/// there; none where tests do without it.
pub fn traced(
    scratch: &Scratch,
    settings: &[(&'static str, String)],
    options: &[&str],
    line: &str,
) -> Option<process::Output> {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-o", "calls"])
        .args(options)
        .arg(program())
        .args(words(line))
        .current_dir(scratch.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(settings.iter().cloned());
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            assert!(
                std::env::var_os("AVATARCTL_TESTS_WITHOUT_STRACE").is_some(),
                "strace does not start ({error}): install the package strace, or set \
                 AVATARCTL_TESTS_WITHOUT_STRACE to do without this test"
            );
            None
        }
    }
}

/// How many system calls a run makes that succeeds.
pub fn count(scratch: &Scratch, settings: &[(&'static str, String)], line: &str) -> Option<usize> {
    let output = traced(scratch, settings, &["-e", "signal=none"], line)?;
    assert!(output.status.success(), "{output:?}");
    // Behind the calls is the end of the process.
    Some(scratch.read("calls").lines().count() - 1)
}
