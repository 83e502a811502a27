//! A connection without TLS, which others are built on: to a server, to a proxy for plain http, to a tunnel.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};

use ureq::unversioned::transport::{Buffers, ConnectionDetails, NextTimeout, Transport};

use super::buffers::Held;
use super::error::Result;
use super::facts::Watch;
use super::socket::Socket;

/// A TCP connection and its buffers.
#[derive(Debug)]
pub(crate) struct Plain {
    socket: Socket,
    buffers: Held,
    /// Only if a proxy for plain http is at the other end.
    absolute: Option<Absolute>,
    watch: Watch,
}

impl Plain {
    pub(super) fn connect(details: &ConnectionDetails, watch: Watch) -> Result<Plain> {
        let socket = Socket::connect(&details.addrs, details.timeout)?;
        watch.facts().peer = socket.peer();
        Ok(Plain {
            socket,
            buffers: Held::default(),
            absolute: None,
            watch,
        })
    }

    /// The same at a proxy that wants to know the server with every request: `origin` is `http://host:port`, `login` a
    /// header line or nothing.
    pub(super) fn with_absolute_form(self, origin: String, login: String) -> Plain {
        Plain {
            absolute: Some(Absolute {
                origin,
                login,
                fresh: true,
            }),
            ..self
        }
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// From now on, reading and writing must be over after so much time.
    pub(super) fn set_timeout(&mut self, timeout: NextTimeout) {
        self.socket.set_timeout(timeout);
    }

    /// Sends bytes that are not in the buffer.
    pub(super) fn transmit(&mut self, bytes: &[u8], timeout: NextTimeout) -> Result<()> {
        self.set_timeout(timeout);
        self.socket.write_all(bytes)?;
        self.watch.sent();
        Ok(())
    }

    /// Sends what is held back.
    fn release(&mut self, timeout: NextTimeout) -> Result<()> {
        self.set_timeout(timeout);
        self.socket.write_all(self.buffers.held())?;
        if self.buffers.sent() {
            self.watch.sent();
        }
        Ok(())
    }

    fn receive(&mut self) -> io::Result<usize> {
        let amount = self.socket.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount)
    }
}

/// What TLS lies on.
impl Read for Plain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.buffers.input().is_empty() {
            self.receive()?;
        }
        let amount = self.buffers.input().read(buffer)?;
        self.buffers.input_consume(amount);
        Ok(amount)
    }
}

/// What TLS lies on: several records are one system call.
impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice]) -> io::Result<usize> {
        self.socket.write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Plain {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<()> {
        match &mut self.absolute {
            Some(absolute) if absolute.fresh => {
                absolute.fresh = false;
                let head = absolute.rewrite(&self.buffers.output()[..amount]);
                self.transmit(&head, timeout)
            }
            _ => match self.buffers.hold(amount) {
                true => self.release(timeout),
                false => Ok(()),
            },
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool> {
        if let Some(absolute) = &mut self.absolute {
            absolute.fresh = true;
        }
        self.release(timeout)?;
        Ok(self.receive()? > 0)
    }

    fn is_open(&mut self) -> bool {
        self.socket.is_open()
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
