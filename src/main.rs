//! The process: arguments and environment in, one exit status out.

use std::process::ExitCode;

/// musl's own allocator would ask the kernel for pages and give them back again and again.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).collect();
    ExitCode::from(avatarctl::run::run(arguments, std::env::vars_os()))
}
