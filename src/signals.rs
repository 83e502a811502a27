//! SIGHUP, SIGINT and SIGTERM: a run that is told to end finishes or gives up what it is doing within a second, says
//! what became of every account, and ends with 128 plus the signal's number. What was proven is in the state
//! already, so an end by force loses nothing.
#![allow(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::time::{Duration, Instant};

static CAUGHT: AtomicI32 = AtomicI32::new(0);
/// When the signal was looked at first; a handler may not read a clock into this.
static NOTICED: OnceLock<Instant> = OnceLock::new();
static LEAVING: AtomicBool = AtomicBool::new(false);
static DEFERRED: AtomicBool = AtomicBool::new(false);

/// How long after a signal the end of a login is waited for. It takes a connection and an answer, and with the
/// moment in which the signal was noticed it must fit into the grace.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long after a signal a request is waited for before something is put back: a write that the server carries out
/// later would undo that.
const IN_FLIGHT: Duration = Duration::from_secs(2);

/// How long a run may take to end by itself, in seconds.
static GRACE: AtomicU32 = AtomicU32::new(1);

/// The same for a run that has to put something back first: less than the ten seconds after which containers are killed.
const LONG_GRACE: u32 = 8;

/// The exit status of a run that was told to end: 129, 130 or 143.
pub fn caught() -> Option<u8> {
    match CAUGHT.load(Ordering::Relaxed) {
        0 => None,
        _ if DEFERRED.load(Ordering::Relaxed) => None,
        signal => {
            NOTICED.get_or_init(Instant::now);
            Some(exit(signal))
        }
    }
}

/// From now on a run has to put something back before it ends: a signal leaves it the time for that.
pub fn allow_more_time() {
    GRACE.store(LONG_GRACE, Ordering::Relaxed);
}

/// Whether signals are put off from now on, as long as the grace lasts: what is begun must not be left half done.
pub fn defer(so: bool) {
    DEFERRED.store(so, Ordering::Relaxed);
}

/// Whether a login is being ended from now on: a signal gives that up last.
pub fn leaving(so: bool) {
    LEAVING.store(so, Ordering::Relaxed);
}

/// Whether a signal has ended what is waited for.
pub fn should_abort() -> bool {
    let patience = match LEAVING.load(Ordering::Relaxed) {
        true => LAST_WORDS,
        false if GRACE.load(Ordering::Relaxed) == LONG_GRACE => IN_FLIGHT,
        false => Duration::ZERO,
    };
    caught().is_some() && NOTICED.get().is_some_and(|at| at.elapsed() >= patience)
}

fn exit(signal: i32) -> u8 {
    128 + u8::try_from(signal).unwrap_or(0)
}

/// Listens from now on.
pub fn listen() {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
        // What the parent ignores (nohup; a shell, for what runs in its background) stays ignored, as for any
        // other program.
        if !is_ignored(signal) {
            handle(signal, note);
        }
    }
    // Ours alone: whatever the parent thinks of it, the grace must end.
    handle(libc::SIGALRM, end);
    // A write beyond the limit of a file's size (`ulimit -f`) fails then, and that is told. The signal would end the run
    // on the spot and leave half a file behind.
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

extern "C" fn note(signal: libc::c_int) {
    // A second one does not wait for the grace.
    if CAUGHT.swap(signal, Ordering::Relaxed) != 0 {
        end(signal);
    }
    // SAFETY: alarm is on the list of what a handler may call (signal-safety(7)).
    unsafe { libc::alarm(GRACE.load(Ordering::Relaxed)) };
}

extern "C" fn end(_: libc::c_int) {
    let status = i32::from(exit(CAUGHT.load(Ordering::Relaxed)));
    // SAFETY: _exit is on the list of what a handler may call (signal-safety(7)).
    unsafe { libc::_exit(status) };
}

fn is_ignored(signal: libc::c_int) -> bool {
    // SAFETY: asks only; a sigaction of zeroes is a valid one to write to.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut now) == 0
            && now.sa_sigaction == libc::SIG_IGN
    }
}

fn handle(signal: libc::c_int, handler: extern "C" fn(libc::c_int)) {
    // SAFETY: the handlers touch an atomic and call functions that handlers may call.
    unsafe {
        libc::signal(signal, handler as *const () as libc::sighandler_t);
    }
}
