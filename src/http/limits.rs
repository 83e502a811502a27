//! How long to wait before a call is made again, or made at all: what servers say about their limits, each in
//! its own way, and an exponential back-off where they say nothing. Pure: it reads no clock and never waits.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use crate::http::Response;
use crate::number::digits;
use crate::time::http_date;

/// First wait of the back-off.
const FIRST: Duration = Duration::from_millis(500);
/// No back-off waits longer.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

/// The largest of what the server says and the back-off of this attempt (0 is the first failure). `asked` is
/// what the body said. A `Retry-After: 0` means a moment, which the back-off is.
pub fn wait(response: Option<&Response>, asked: Duration, attempt: u32, local: u64) -> Duration {
    let said = response.map_or(Duration::ZERO, |response| {
        retry_after(response, local).max(reset(response, local))
    });
    back_off(attempt, jitter()).max(asked).max(said)
}

/// How long the next call to the route of a good answer must wait so that it is not refused; `None` where
/// calls are left.
pub fn spent(response: &Response, local: u64) -> Option<Duration> {
    if number(response, "x-ratelimit-remaining")? > 0 {
        return None;
    }
    let reset = reset(response, local);
    // Jira has no reset but a bucket that is filled every so many seconds.
    let interval = number(response, "x-ratelimit-interval-seconds").unwrap_or(0);
    Some(reset.max(Duration::from_secs(interval))).filter(|wait| !wait.is_zero())
}

fn back_off(attempt: u32, jitter: u32) -> Duration {
    let plain = FIRST
        .saturating_mul(1 << attempt.min(16))
        .min(LONGEST_BACK_OFF);
    plain + plain * jitter / 1000
}

/// 0 to 249 thousandths, so that agents that failed together do not come back together. The hasher of std is
/// seeded at random; cryptography has no part in this.
fn jitter() -> u32 {
    let random = RandomState::new().build_hasher().finish();
    u32::try_from(random % 250).unwrap_or(0)
}

/// Seconds, or a date that is measured against the answer's own.
fn retry_after(response: &Response, local: u64) -> Duration {
    let Some(value) = response.header("retry-after") else {
        return Duration::ZERO;
    };
    let value = value.trim();
    let seconds = digits(value).unwrap_or_else(|| {
        http_date(value).map_or(0, |date| date.saturating_sub(now(response, local)))
    });
    Duration::from_secs(seconds)
}

/// `X-RateLimit-Reset` is an epoch, in milliseconds on one server and in seconds on another: the reading that
/// lies nearer to the answer's date is meant.
fn reset(response: &Response, local: u64) -> Duration {
    let Some(value) = number(response, "x-ratelimit-reset") else {
        return Duration::ZERO;
    };
    let now = now(response, local).saturating_mul(1000);
    let seconds = value.saturating_mul(1000);
    let nearest = match value.abs_diff(now) < seconds.abs_diff(now) {
        true => value,
        false => seconds,
    };
    Duration::from_millis(nearest.saturating_sub(now))
}

/// The server's clock where it tells it, because ours may differ; in seconds since 1970.
fn now(response: &Response, local: u64) -> u64 {
    response.header("date").and_then(http_date).unwrap_or(local)
}

fn number(response: &Response, name: &str) -> Option<u64> {
    digits(response.header(name)?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: (&str, &str) = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
    const NOW: u64 = 784_111_777;

    fn answer(headers: &[(&str, &str)]) -> Response {
        Response::example(429, headers)
    }

    fn waits(headers: &[(&str, &str)]) -> u64 {
        // A clock of ours that is wrong by a year must not matter where the server tells the time.
        let local = match headers.iter().any(|(name, _)| *name == "Date") {
            true => NOW + 31_536_000,
            false => NOW,
        };
        let answer = answer(headers);
        retry_after(&answer, local)
            .max(reset(&answer, local))
            .as_secs()
    }

    #[test]
    fn every_way_of_saying_it_is_understood() {
        for (headers, seconds) in [
            (&[("Retry-After", "42")][..], 42),
            (&[("Retry-After", "0")], 0),
            (&[("Retry-After", "soon")], 0),
            (&[("Retry-After", "-1")], 0),
            (&[("Retry-After", "+5")], 0),
            (&[DATE, ("X-RateLimit-Reset", "+784111837")], 0),
            (
                &[DATE, ("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT")],
                30,
            ),
            (&[("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT")], 30),
            (&[DATE, ("Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT")], 0),
            (&[DATE, ("X-RateLimit-Reset", "784111837000")], 60),
            (&[DATE, ("X-RateLimit-Reset", "784111837")], 60),
            (&[("X-RateLimit-Reset", "784111837000")], 60),
            (&[DATE, ("X-RateLimit-Reset", "1")], 0),
            (
                &[DATE, ("X-RateLimit-Reset", "18446744073709551615")],
                18_446_743_289_597_774,
            ),
            (
                &[("Retry-After", "5"), ("X-RateLimit-Reset", "784111837")],
                60,
            ),
        ] {
            assert_eq!(waits(headers), seconds, "{headers:?}");
        }
    }

    #[test]
    fn a_route_without_calls_left_waits() {
        for (headers, seconds) in [
            (
                &[
                    DATE,
                    ("X-RateLimit-Remaining", "0"),
                    ("X-RateLimit-Reset", "784111787000"),
                ][..],
                Some(10),
            ),
            (
                &[
                    ("X-RateLimit-Remaining", "1"),
                    ("X-RateLimit-Reset", "784111787000"),
                ],
                None,
            ),
            (
                &[
                    ("X-RateLimit-Remaining", "0"),
                    ("X-RateLimit-Interval-Seconds", "3"),
                ],
                Some(3),
            ),
            (&[("X-RateLimit-Remaining", "0")], None),
            (&[("X-RateLimit-Reset", "784111787000")], None),
        ] {
            let wait = spent(&answer(headers), NOW).map(|wait| wait.as_secs());
            assert_eq!(wait, seconds, "{headers:?}");
        }
    }

    #[test]
    fn the_back_off_doubles_and_is_bounded() {
        let waits: Vec<u64> = (0..9)
            .map(|attempt| back_off(attempt, 0).as_millis() as u64)
            .collect();
        assert_eq!(
            waits,
            [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]
        );
        assert_eq!(back_off(u32::MAX, 250), Duration::from_millis(37_500));
        assert!((0..100).all(|_| jitter() < 250));
    }

    #[test]
    fn the_largest_wait_counts() {
        let asked = Duration::from_secs(42);
        assert_eq!(wait(None, asked, 0, NOW), asked);
        assert_eq!(
            wait(Some(&answer(&[("Retry-After", "50")])), asked, 0, NOW).as_secs(),
            50
        );
    }
}
