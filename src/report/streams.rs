//! The two streams: lines on standard output and standard error, colours, and a line that is written over on a terminal.
//! No other file prints. What a lost output does to the exit status is decided here, too.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::descriptors;
use crate::error::{Class, reason};
use crate::http::Event;
use crate::report::PENDING;
use crate::terminal::{Color, visible};

/// Which streams are coloured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Colors {
    pub(super) stdout: bool,
    pub(super) stderr: bool,
}

impl Colors {
    /// The streams that get colours; `dumb` means that `TERM` says the terminal knows nothing but lines, which
    /// progress and countdowns heed as well.
    pub fn choose(choice: Color, no_color: bool, dumb: bool) -> Colors {
        DUMB.store(dumb, Ordering::Relaxed);
        let on = |terminal: bool| match choice {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !no_color && !dumb && terminal,
        };
        Colors {
            stdout: on(io::stdout().is_terminal()),
            stderr: on(io::stderr().is_terminal()),
        }
    }
}

/// Whether the terminal knows nothing but lines.
static DUMB: AtomicBool = AtomicBool::new(false);

/// Whether standard error is a terminal on which a line can be written over.
pub(super) fn can_redraw() -> bool {
    io::stderr().is_terminal() && !DUMB.load(Ordering::Relaxed)
}

// Colours, as a terminal numbers them.
pub(super) const DIM: &str = "2";
pub(super) const RED: &str = "31";
pub(super) const GREEN: &str = "32";
pub(super) const YELLOW: &str = "33";
pub(super) const CYAN: &str = "36";

/// `text` made safe for a terminal, and in this colour if `colored`.
pub(super) fn paint(colored: bool, color: &str, text: &str) -> String {
    let text = visible(text);
    match colored {
        true => format!("\x1b[{color}m{text}\x1b[0m"),
        false => text.into_owned(),
    }
}

/// A line for people on standard output, made safe for a terminal here.
pub(super) fn print_line(line: &str) {
    print(&format!("{}\n", visible(line)));
}

/// A text on standard output that is safe for a terminal already, or this program's own.
///
/// A reader that went away (`| head`) is no failure of ours; the work is done all the same.
pub fn print(text: &str) {
    print_bytes(text.as_bytes());
}

/// The same of bytes that are no text: a picture.
pub fn print_bytes(bytes: &[u8]) {
    let written = match descriptors::output_is_closed() {
        _ if bytes.is_empty() => Ok(()),
        // The standard library takes a closed one for a sink.
        true => Err(io::Error::other("standard output is closed")),
        false => {
            let mut stdout = io::stdout().lock();
            // It keeps what comes behind the last line feed, and at the end of the process says nothing of a failure.
            stdout.write_all(bytes).and_then(|()| stdout.flush())
        }
    };
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
        && !UNWRITTEN.swap(true, Ordering::Relaxed)
    {
        let why = reason(&error);
        complain(&format!("avatarctl: cannot write the results: {why}"));
    }
}

/// Whether results were lost on their way out.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// The exit status of a run that would have ended with this one: success, if its results were lost, is a failure.
pub fn status(exit: u8) -> u8 {
    match matches!(exit, 0 | PENDING) && UNWRITTEN.load(Ordering::Relaxed) {
        true => Class::Temporary.exit(),
        false => exit,
    }
}

/// A line on standard error, made safe for a terminal here.
pub fn complain(line: &str) {
    print_error(&visible(line));
}

/// A line on standard error that is safe for a terminal already, and may have colours.
pub(super) fn print_error(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes over the line that standard error shows, in one write, so that no signal ends it halfway. Wrapping is off
/// meanwhile: a line longer than the terminal is wide would stay for every frame.
pub(super) fn redraw(line: &str) {
    let frame = format!("\r\x1b[?7l{line}\x1b[K\x1b[?7h");
    let _ = io::stderr().lock().write_all(frame.as_bytes());
}

/// Empties the line that standard error shows.
pub(super) fn erase() {
    let _ = io::stderr().lock().write_all(b"\r\x1b[K");
}

/// Shows what a client does: lines of the trace, and its waits, as a countdown on a terminal and one line elsewhere.
pub fn show_event(event: Event) {
    match event {
        Event::Trace(line) => complain(line),
        Event::WaitBegins(line) if !can_redraw() => complain(&format!("avatarctl: {line}")),
        Event::Waiting(line) if can_redraw() => redraw(&visible(line)),
        Event::WaitEnds if can_redraw() => erase(),
        Event::WaitBegins(_) | Event::Waiting(_) | Event::WaitEnds => {}
    }
}

/// The same without the waits: cron mails whatever is printed, and a wait that ended well is not worth a mail.
pub fn show_trace(event: Event) {
    if let Event::Trace(_) = event {
        show_event(event);
    }
}
