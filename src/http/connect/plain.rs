//! A connection without TLS, which others are built on: to a server, to a proxy for plain http, to a tunnel.

use std::fmt;
use std::io;
use std::time::Duration;

use ureq::unversioned::transport::time::Duration as After;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

use super::error::{Result, failed};
use crate::error::{Class, Error};
use crate::signals;

/// How long a read waits before it looks for a signal: std repeats a read that a signal interrupts.
const TICK: Duration = Duration::from_millis(200);

/// A TCP connection that still reads the answer after the server stopped listening. A server, or a proxy in
/// front of it, that refuses an upload early answers 413 and closes while we are still sending; its answer says what
/// is wrong, and the broken pipe does not.
#[derive(Debug)]
pub(crate) struct Plain {
    inner: Box<dyn Transport>,
    write_closed: bool,
    /// Only if a proxy for plain http is at the other end.
    absolute: Option<Absolute>,
}

impl Plain {
    pub(crate) fn new(connection: impl Transport) -> Plain {
        Plain {
            inner: Box::new(connection),
            write_closed: false,
            absolute: None,
        }
    }

    /// The same at a proxy that wants to know the server with every request: `origin` is `http://host:port`, `login` a
    /// header line or nothing.
    pub(crate) fn with_absolute_form(self, origin: String, login: String) -> Plain {
        Plain {
            absolute: Some(Absolute {
                origin,
                login,
                fresh: true,
            }),
            ..self
        }
    }

    /// Sends bytes that are not in the buffer.
    pub(crate) fn transmit(&mut self, mut bytes: &[u8], timeout: NextTimeout) -> Result<()> {
        while !bytes.is_empty() {
            let output = self.inner.buffers().output();
            let (now, later) = bytes.split_at(bytes.len().min(output.len()));
            output[..now.len()].copy_from_slice(now);
            self.inner.transmit_output(now.len(), timeout)?;
            bytes = later;
        }
        Ok(())
    }
}

impl Transport for Plain {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<()> {
        if self.write_closed {
            return Ok(());
        }
        let sent = match &mut self.absolute {
            Some(absolute) if absolute.fresh => {
                absolute.fresh = false;
                let bytes = absolute.rewrite(&self.inner.buffers().output()[..amount]);
                self.transmit(&bytes, timeout)
            }
            _ => self.inner.transmit_output(amount, timeout),
        };
        match sent {
            Err(ureq::Error::Io(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                ) =>
            {
                self.write_closed = true;
                Ok(())
            }
            other => other,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool> {
        if let Some(absolute) = &mut self.absolute {
            absolute.fresh = true;
        }
        let begun = std::time::Instant::now();
        loop {
            let left = match timeout.after {
                After::Exact(time) => time.saturating_sub(begun.elapsed()),
                After::NotHappening => TICK,
            };
            if left.is_zero() {
                return Err(ureq::Error::Timeout(timeout.reason));
            }
            let tick = NextTimeout {
                after: After::Exact(left.min(TICK)),
                ..timeout
            };
            match self.inner.await_input(tick) {
                Err(ureq::Error::Timeout(_)) if signals::should_abort() => {
                    return Err(failed(Error::new(Class::Temporary, "interrupted"), true));
                }
                Err(ureq::Error::Timeout(_)) => {}
                other => return other,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        !self.write_closed && self.inner.is_open()
    }
}

/// What a proxy for plain http wants in the first line of every request, and behind it.
struct Absolute {
    /// `http://host:port`
    origin: String,
    /// A header line, or nothing. A secret.
    login: String,
    /// The next bytes begin a request.
    fresh: bool,
}

impl fmt::Debug for Absolute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

impl Absolute {
    /// `GET /path HTTP/1.1` becomes `GET http://host/path HTTP/1.1`.
    fn rewrite(&self, head: &[u8]) -> Vec<u8> {
        let blank = head.iter().position(|byte| *byte == b' ');
        let (method, rest) = head.split_at(blank.map_or(0, |at| at + 1));
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let (line, rest) = rest.split_at(end.map_or(rest.len(), |at| at + 2));
        [
            method,
            self.origin.as_bytes(),
            line,
            self.login.as_bytes(),
            rest,
        ]
        .concat()
    }
}
