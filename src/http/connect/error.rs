//! Why there is no connection, in the form in which ureq hands it through.

use std::fmt;

use crate::error::{Class, Error};

pub(super) type Result<T> = std::result::Result<T, ureq::Error>;

/// Why there is no connection. Crosses ureq unchanged inside its `Other`; `failure.rs` takes it out again.
#[derive(Debug)]
pub(crate) struct ConnectError {
    pub error: Error,
    /// Another try would end the same way.
    pub permanent: bool,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for ConnectError {}

/// A failure that may pass.
pub(super) fn unreachable(message: String) -> ureq::Error {
    failed(Error::new(Class::Unreachable, message), false)
}

/// A failure; `permanent` if another try would end the same way.
pub(super) fn failed(error: Error, permanent: bool) -> ureq::Error {
    ureq::Error::Other(Box::new(ConnectError { error, permanent }))
}
