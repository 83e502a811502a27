//! SIGINT and SIGTERM: a run that is told to end finishes or gives up what it is doing within a second, says
//! what became of every account, and ends with 128 plus the signal's number. What was proven is in the state
//! already, so an end by force loses nothing.

use std::sync::atomic::{AtomicI32, Ordering};

static CAUGHT: AtomicI32 = AtomicI32::new(0);

/// How long a run may take to end by itself, in seconds.
const GRACE: u32 = 1;

/// The exit status of a run that was told to end: 130 or 143.
pub fn caught() -> Option<u8> {
    match CAUGHT.load(Ordering::Relaxed) {
        0 => None,
        signal => Some(exit(signal)),
    }
}

fn exit(signal: i32) -> u8 {
    128 + u8::try_from(signal).unwrap_or(0)
}

/// Listens from now on.
pub fn listen() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        handle(signal, note);
    }
    handle(libc::SIGALRM, end);
}

extern "C" fn note(signal: libc::c_int) {
    // A second one does not wait for the grace.
    if CAUGHT.swap(signal, Ordering::Relaxed) != 0 {
        end(signal);
    }
    // SAFETY: alarm is on the list of what a handler may call (signal-safety(7)).
    unsafe { libc::alarm(GRACE) };
}

extern "C" fn end(_: libc::c_int) {
    let status = i32::from(exit(CAUGHT.load(Ordering::Relaxed)));
    // SAFETY: _exit is on the list of what a handler may call (signal-safety(7)).
    unsafe { libc::_exit(status) };
}

fn handle(signal: libc::c_int, handler: extern "C" fn(libc::c_int)) {
    // SAFETY: the handlers touch an atomic and call functions that handlers may call; a signal that the
    // parent had ignored (nohup) stays ignored, as for any other program.
    unsafe {
        let before = libc::signal(signal, handler as *const () as libc::sighandler_t);
        if before == libc::SIG_IGN {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
}
