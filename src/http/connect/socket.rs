//! A TCP connection: made within a time, read and written within a time, and given up when a signal says so.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
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

/// How long an address is waited for while there are others that were not tried: a little more than the 250 ms of
/// RFC 8305, because the attempt is given up here and begun anew later.
const MOMENT: Duration = Duration::from_millis(300);

/// A TCP connection that still reads the answer after the server stopped listening. A server, or a proxy in
/// front of it, that refuses an upload early answers 413 and closes while we are still sending; its answer says what
/// is wrong, and the broken pipe does not.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    write_closed: bool,
    /// Something came, and nobody has asked since then whether this is open.
    just_read: bool,
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
    /// Connects to the first address that answers. Of several each gets a short moment first, because a host that has
    /// IPv6 in its name server only, or a network that has it in its router only, shall not cost the time to connect.
    /// Those that were silent are asked again, each with half of the time that is left, and the last one with all of it.
    pub(super) fn connect(addresses: &[SocketAddr], timeout: NextTimeout) -> Result<Socket> {
        let deadline = Deadline::new(timeout);
        let mut last = ureq::Error::ConnectionFailed;
        let mut silent = addresses.to_vec();
        if silent.len() > 1 {
            silent.clear();
            for address in addresses {
                let moment = deadline.left().map_or(MOMENT, |left| left.min(MOMENT));
                match Socket::dial(address, Some(moment), deadline) {
                    Ok(socket) => return Ok(socket),
                    Err(error) if error.kind() == ErrorKind::TimedOut => silent.push(*address),
                    Err(error) => last = error.into(),
                }
            }
        }
        for (at, address) in silent.iter().enumerate() {
            let others = at + 1 < silent.len();
            let share = deadline
                .left()
                .map(|left| if others { left / 2 } else { left });
            match Socket::dial(address, share, deadline) {
                Ok(socket) => return Ok(socket),
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    last = ureq::Error::Timeout(Timeout::Connect);
                }
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    /// Connects to one address, within this time if one is given.
    fn dial(
        address: &SocketAddr,
        within: Option<Duration>,
        deadline: Deadline,
    ) -> io::Result<Socket> {
        let stream = match within {
            None => TcpStream::connect(address),
            // Nothing is no limit that can be given.
            Some(time) => TcpStream::connect_timeout(address, time.max(Duration::from_millis(1))),
        };
        Socket::new(stream?, deadline)
    }

    fn new(stream: TcpStream, deadline: Deadline) -> io::Result<Socket> {
        // What is written is whole, and nothing is gained by waiting for more.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TICK))?;
        stream.set_write_timeout(Some(TICK))?;
        Ok(Socket {
            stream,
            write_closed: false,
            just_read: false,
            deadline,
            read_limit: TICK,
            write_limit: TICK,
        })
    }

    /// The address at the other end.
    pub(super) fn peer(&self) -> Option<IpAddr> {
        self.stream.peer_addr().ok().map(|address| address.ip())
    }

    /// From now on, reading and writing must be over after so much time.
    pub(super) fn set_timeout(&mut self, timeout: NextTimeout) {
        self.deadline = Deadline::new(timeout);
    }

    /// Whether the other side still takes what we send, and has neither closed nor said what it was not asked.
    ///
    /// ureq asks when it puts a connection away and when it takes it up again, and only the second answer counts:
    /// between them lies all the time in which something may happen.
    pub(super) fn is_open(&mut self) -> bool {
        !self.write_closed && (std::mem::take(&mut self.just_read) || self.is_quiet())
    }

    #[allow(unsafe_code)]
    fn is_quiet(&self) -> bool {
        let mut byte = 0_u8;
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        // SAFETY: the buffer is as long as is said, and the descriptor is open as long as `self` is.
        let came = unsafe { libc::recv(self.stream.as_raw_fd(), (&raw mut byte).cast(), 1, flags) };
        came < 0 && io::Error::last_os_error().kind() == ErrorKind::WouldBlock
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
                Ok(amount) => {
                    self.just_read = amount > 0;
                    return Ok(amount);
                }
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Listens and takes nothing more: whoever connects waits, as for a packet that is lost on the way.
    fn silent() -> (TcpListener, Vec<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let wait = Duration::from_millis(50);
        let queue = std::iter::from_fn(|| TcpStream::connect_timeout(&address, wait).ok());
        let queue = queue.collect();
        (listener, queue)
    }

    #[test]
    fn a_silent_address_does_not_cost_the_time_to_connect() {
        let (silent, _queue) = silent();
        let answering = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addresses = [&silent, &answering].map(|one| one.local_addr().expect("a bound socket"));
        let timeout = |seconds| NextTimeout {
            after: After::from_secs(seconds),
            reason: Timeout::Connect,
            per_read: None,
            per_write: None,
        };
        let begun = Instant::now();
        let socket = Socket::connect(&addresses, timeout(60)).expect("one of them answers");
        let peer = socket.stream.peer_addr().expect("a connected socket");
        assert_eq!(peer, addresses[1]);
        assert!(begun.elapsed() < Duration::from_secs(10));
        // And alone it has all of the time.
        let begun = Instant::now();
        let error = Socket::connect(&addresses[..1], timeout(1)).expect_err("nobody answers");
        assert!(matches!(error, ureq::Error::Timeout(_)), "{error}");
        assert!(begun.elapsed() >= Duration::from_secs(1));
    }
}
