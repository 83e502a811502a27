//! The buffers of a connection, as ureq wants them. What is to be sent is held back until it fills the buffer or an
//! answer is waited for, so that a head and the body behind it leave together.

use ureq::unversioned::transport::Buffers;

use crate::http::BUFFER;

/// How much is held back, in bytes: four records of TLS, and all of most requests.
const OUTPUT: usize = 64 << 10;

/// Both are made when they are first used.
#[derive(Debug, Default)]
pub(super) struct Held {
    output: Vec<u8>,
    /// What is held back is before this.
    held: usize,
    input: Vec<u8>,
    /// What was read and is not used yet lies between these.
    used: usize,
    read: usize,
    /// Whether something was used since the last read.
    progress: bool,
}

impl Held {
    /// Holds back what was put into the output, so many bytes of it; whether there is no room for more.
    pub(super) fn hold(&mut self, amount: usize) -> bool {
        self.held += amount;
        self.held == self.output.len()
    }

    pub(super) fn held(&self) -> &[u8] {
        &self.output[..self.held]
    }

    /// What was held back is sent; whether there was something.
    pub(super) fn sent(&mut self) -> bool {
        std::mem::take(&mut self.held) > 0
    }

    fn room(&mut self) -> &mut [u8] {
        self.input.resize(BUFFER, 0);
        if self.used == self.read {
            (self.used, self.read) = (0, 0);
        } else if self.read == self.input.len() {
            self.input.copy_within(self.used.., 0);
            (self.used, self.read) = (0, self.read - self.used);
        }
        &mut self.input[self.read..]
    }
}

impl Buffers for Held {
    fn output(&mut self) -> &mut [u8] {
        self.output.resize(OUTPUT, 0);
        &mut self.output[self.held..]
    }

    fn input(&self) -> &[u8] {
        &self.input[self.used..self.read]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.room()
    }

    fn input_appended(&mut self, amount: usize) {
        self.read += amount;
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        self.used += amount;
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.output.resize(OUTPUT, 0);
        self.room();
        (&mut self.input[self.read..], &mut self.output[self.held..])
    }

    fn can_use_input(&self) -> bool {
        self.progress && self.used < self.read
    }
}
