//! Where values come from: the environment, files with logins, addresses. It reaches no server.

pub mod address;
pub mod credentials;
pub mod environment;
pub mod netrc;
pub mod proxy;
