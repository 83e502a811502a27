//! Requests and answers: what is repeated, whom the program trusts, proxies on the way, and servers that lie.

pub mod hostile;
pub mod proxy;
pub mod retries;
mod tls;
