//! What ureq says about a connection that is to be made: where to, and how much time is left.

use std::time::Duration;

use ureq::http::Uri;
use ureq::unversioned::transport::time::{Duration as After, Instant};
use ureq::unversioned::transport::{ConnectionDetails, NextTimeout};

/// The host as the URI has it, without the brackets of an IPv6 address.
pub(super) fn host(uri: &Uri) -> &str {
    uri.host()
        .unwrap_or_default()
        .trim_matches(|c| c == '[' || c == ']')
}

pub(super) fn port(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    uri.port_u16().unwrap_or(usual)
}

/// `http://host:port`, the port only if the URI has one.
pub(super) fn origin(uri: &Uri) -> String {
    format!(
        "{}://{}",
        uri.scheme_str().unwrap_or("http"),
        uri.authority().map_or("", |authority| authority.as_str())
    )
}

/// What is left of the time to connect, of which earlier stages have used a part.
pub(super) fn left(details: &ConnectionDetails) -> NextTimeout {
    let used = match (details.now, (details.current_time)()) {
        (Instant::Exact(begun), Instant::Exact(now)) => now.saturating_duration_since(begun),
        _ => Duration::ZERO,
    };
    let after = match details.timeout.after {
        After::Exact(time) => After::Exact(time.saturating_sub(used)),
        After::NotHappening => After::NotHappening,
    };
    NextTimeout {
        after,
        ..details.timeout
    }
}
