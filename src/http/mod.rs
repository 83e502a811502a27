//! HTTP: a request is data, and `client.rs` is the one place that sends it. Budgets, bounds and the classes of
//! failures that every system shares live in this room; what an answer means to a system does not.

mod client;
mod connect;
pub mod curl;
mod exchange;
mod failure;
mod head_size;
pub mod limits;
pub mod multipart;
mod reach;
mod recording;
mod request;
mod response;
mod retry;
pub mod tls;

pub use client::{Busy, Client, Passing, busy};
pub use connect::Tls;
pub use reach::{Event, Reach};
pub use recording::{Answer, Exchange, Field, Payload, Recording, Times};
pub use request::{ALWAYS, Body, Call, Method, NEVER, ONCE, Purpose, Repeat, Request, UNLESS_LOST};
pub use response::Response;

/// As which program we call; a browser's name would make some servers suspect a forged request.
const AGENT: &str = concat!("avatarctl/", env!("CARGO_PKG_VERSION"));
/// Buffers of a connection, in bytes.
const BUFFER: usize = 32 << 10;
/// The status line and headers of an answer, in bytes. Less than the buffer, which a longer head would fill
/// without ever being whole: ureq takes that for a lost connection.
const LONGEST_HEAD: usize = BUFFER - 1;
