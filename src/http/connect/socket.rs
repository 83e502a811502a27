//! A TCP connection: made within a time, read and written within a time, and given up when a signal says so.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use ureq::Timeout;
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration as After;

use super::error::{Result, failed};
use crate::error::{Class, Error};
use crate::signals;

/// How long a read or a write waits before it looks for a signal. The system is told this limit once; the time that
/// is left would be another one each time, and a system call for each.
const TICK: Duration = Duration::from_millis(200);

/// A TCP connection that still reads the answer after the server stopped listening. A server, or a proxy in
/// front of it, that refuses an upload early answers 413 and closes while we are still sending; its answer says what
/// is wrong, and the broken pipe does not.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    write_closed: bool,
    deadline: Deadline,
    /// The limits that the system was told.
    read_limit: Duration,
    write_limit: Duration,
}

/// When something must be over, and what that is.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    at: Option<Instant>,
    reason: Timeout,
}

impl Deadline {
    fn new(timeout: NextTimeout) -> Deadline {
        Deadline {
            at: match timeout.after {
                After::Exact(time) => Instant::now().checked_add(time),
                After::NotHappening => None,
            },
            reason: timeout.reason,
        }
    }

    fn left(self) -> Option<Duration> {
        let at = self.at?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// How long the next step may take.
    ///
    /// Errors: the time is over.
    fn tick(self) -> Result<Duration> {
        match self.left() {
            Some(left) if left.is_zero() => Err(ureq::Error::Timeout(self.reason)),
            Some(left) => Ok(left.min(TICK)),
            None => Ok(TICK),
        }
    }
}

impl Socket {
    /// Connects to the first address that answers. Each has half of the time that is left, and the last one all of it.
    pub(super) fn connect(addresses: &[SocketAddr], timeout: NextTimeout) -> Result<Socket> {
        let deadline = Deadline::new(timeout);
        let mut last = ureq::Error::ConnectionFailed;
        for (at, address) in addresses.iter().enumerate() {
            let others = at + 1 < addresses.len();
            let connected = match deadline.left() {
                None => TcpStream::connect(address),
                Some(left) => {
                    let share = if others { left / 2 } else { left };
                    // Nothing is no limit that can be given.
                    TcpStream::connect_timeout(address, share.max(Duration::from_millis(1)))
                }
            };
            match connected.and_then(|stream| Socket::new(stream, deadline)) {
                Ok(socket) => return Ok(socket),
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    last = ureq::Error::Timeout(Timeout::Connect);
                }
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    fn new(stream: TcpStream, deadline: Deadline) -> io::Result<Socket> {
        // What is written is whole, and nothing is gained by waiting for more.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TICK))?;
        stream.set_write_timeout(Some(TICK))?;
        Ok(Socket {
            stream,
            write_closed: false,
            deadline,
            read_limit: TICK,
            write_limit: TICK,
        })
    }

    /// From now on, reading and writing must be over after so much time.
    pub(super) fn set_timeout(&mut self, timeout: NextTimeout) {
        self.deadline = Deadline::new(timeout);
    }

    /// Whether the other side still takes what we send, and has neither closed nor said what it was not asked.
    #[allow(unsafe_code)]
    pub(super) fn is_open(&self) -> bool {
        let mut byte = 0_u8;
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        // SAFETY: the buffer is as long as is said, and the descriptor is open as long as `self` is.
        let came = unsafe { libc::recv(self.stream.as_raw_fd(), (&raw mut byte).cast(), 1, flags) };
        let nothing = came < 0 && io::Error::last_os_error().kind() == ErrorKind::WouldBlock;
        nothing && !self.write_closed
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            let tick = self.deadline.tick()?;
            if tick != self.read_limit {
                self.stream.set_read_timeout(Some(tick))?;
                self.read_limit = tick;
            }
            match self.stream.read(buffer) {
                Err(error) => may_wait_on(error)?,
                Ok(amount) => return Ok(amount),
            }
        }
    }

    fn write_some(&mut self, pieces: &[IoSlice]) -> Result<usize> {
        let all = pieces.iter().map(|piece| piece.len()).sum();
        while !self.write_closed {
            let tick = self.deadline.tick()?;
            if tick != self.write_limit {
                self.stream.set_write_timeout(Some(tick))?;
                self.write_limit = tick;
            }
            match self.stream.write_vectored(pieces) {
                Ok(amount) => return Ok(amount),
                Err(error) => match error.kind() {
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => self.write_closed = true,
                    _ => may_wait_on(error)?,
                },
            }
        }
        Ok(all)
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_some(buffer).map_err(ureq::Error::into_io)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, pieces: &[IoSlice]) -> io::Result<usize> {
        self.write_some(pieces).map_err(ureq::Error::into_io)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether what ended without a result goes on: a tick does, until a signal was caught; its own interruption does.
fn may_wait_on(error: io::Error) -> Result<()> {
    match error.kind() {
        ErrorKind::Interrupted => Ok(()),
        ErrorKind::WouldBlock if signals::should_abort() => {
            Err(failed(Error::new(Class::Temporary, "interrupted"), true))
        }
        ErrorKind::WouldBlock => Ok(()),
        _ => Err(error.into()),
    }
}
