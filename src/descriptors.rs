//! Standard output as the program was given it. Before main the standard library opens `/dev/null` in the place of a
//! descriptor that is closed, so that no other file gets its number; behind that nobody can tell it from a
//! `/dev/null` that was meant.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether nothing can have been written there from the beginning, as behind `>&-`.
pub fn output_is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// Run by the loader, before the standard library begins.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: a call that reads the flags of a descriptor, or says that there is none.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFL) };
    let closed = flags == -1 || flags & libc::O_ACCMODE == libc::O_RDONLY;
    CLOSED.store(closed, Ordering::Relaxed);
}
