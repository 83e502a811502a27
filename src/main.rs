//! The process: arguments and environment in, one exit status out.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).collect();
    ExitCode::from(avatarctl::run::run(arguments, std::env::vars_os()))
}
