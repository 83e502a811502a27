//! What servers say about their rate limits, each in its own way, as a time to wait. Pure: it reads no clock and
//! never waits.

use std::time::Duration;

use crate::number::digits;
use crate::time::http_date;

/// The headers of an answer that speak of limits, as they came.
#[derive(Default, Clone, Copy)]
pub struct RateLimit<'a> {
    pub date: Option<&'a str>,
    pub retry_after: Option<&'a str>,
    /// How many calls are left.
    pub remaining: Option<&'a str>,
    /// When there are calls again.
    pub reset: Option<&'a str>,
    /// After how many seconds a bucket is filled again (Jira).
    pub interval: Option<&'a str>,
}

impl RateLimit<'_> {
    /// How long a call that was refused is to wait. `local` is this machine's clock, in seconds since 1970.
    pub fn before_repeat(&self, local: u64) -> Duration {
        self.retry_after(local).max(self.reset(local))
    }

    /// How long the next call of the same route is to wait so that it is not refused; `None` if calls are left.
    pub fn before_next(&self, local: u64) -> Option<Duration> {
        if number(self.remaining)? > 0 {
            return None;
        }
        // Jira tells no reset but the interval of its bucket.
        let interval = Duration::from_secs(number(self.interval).unwrap_or(0));
        let wait = self.reset(local).max(interval);
        (!wait.is_zero()).then_some(wait)
    }

    /// `Retry-After` is a number of seconds, or a date that is measured against the answer's own.
    fn retry_after(&self, local: u64) -> Duration {
        let value = self.retry_after.unwrap_or("0").trim();
        let seconds = digits(value).unwrap_or_else(|| {
            http_date(value).map_or(0, |date| date.saturating_sub(self.now(local)))
        });
        Duration::from_secs(seconds)
    }

    /// `X-RateLimit-Reset` is an epoch, in milliseconds on one server and in seconds on another: the reading that
    /// lies nearer to the answer's date is meant.
    fn reset(&self, local: u64) -> Duration {
        let Some(value) = number(self.reset) else {
            return Duration::ZERO;
        };
        let now = self.now(local).saturating_mul(1000);
        let seconds = value.saturating_mul(1000);
        let nearest = match value.abs_diff(now) < seconds.abs_diff(now) {
            true => value,
            false => seconds,
        };
        Duration::from_millis(nearest.saturating_sub(now))
    }

    /// The server's clock if it tells it, because ours may differ; in seconds since 1970.
    fn now(&self, local: u64) -> u64 {
        self.date.and_then(http_date).unwrap_or(local)
    }
}

fn number(value: Option<&str>) -> Option<u64> {
    digits(value?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: Option<&str> = Some("Sun, 06 Nov 1994 08:49:37 GMT");
    const NOW: u64 = 784_111_777;

    fn waits(retry_after: Option<&str>, reset: Option<&str>, date: Option<&str>) -> u64 {
        // A clock of ours that is wrong by a year must not matter if the server tells the time.
        let local = match date {
            Some(_) => NOW + 31_536_000,
            None => NOW,
        };
        let said = RateLimit {
            date,
            retry_after,
            reset,
            ..RateLimit::default()
        };
        said.before_repeat(local).as_secs()
    }

    #[test]
    fn every_way_of_saying_it_is_understood() {
        for (retry_after, reset, date, seconds) in [
            (Some("42"), None, None, 42),
            (Some("0"), None, None, 0),
            (Some("soon"), None, None, 0),
            (Some("-1"), None, None, 0),
            (Some("+5"), None, None, 0),
            (None, Some("+784111837"), DATE, 0),
            (Some("Sun, 06 Nov 1994 08:50:07 GMT"), None, DATE, 30),
            (Some("Sun, 06 Nov 1994 08:50:07 GMT"), None, None, 30),
            (Some("Sun, 06 Nov 1994 08:00:00 GMT"), None, DATE, 0),
            (None, Some("784111837000"), DATE, 60),
            (None, Some("784111837"), DATE, 60),
            (None, Some("784111837000"), None, 60),
            (None, Some("1"), DATE, 0),
            (
                None,
                Some("18446744073709551615"),
                DATE,
                18_446_743_289_597_774,
            ),
            (Some("5"), Some("784111837"), None, 60),
        ] {
            let told = waits(retry_after, reset, date);
            assert_eq!(told, seconds, "{retry_after:?} {reset:?} {date:?}");
        }
    }

    #[test]
    fn a_route_without_calls_left_waits() {
        let reset = Some("784111787000");
        for (remaining, reset, interval, date, seconds) in [
            (Some("0"), reset, None, DATE, Some(10)),
            (Some("1"), reset, None, None, None),
            (Some("0"), None, Some("3"), None, Some(3)),
            (Some("0"), None, None, None, None),
            (None, reset, None, None, None),
        ] {
            let said = RateLimit {
                date,
                remaining,
                reset,
                interval,
                ..RateLimit::default()
            };
            let wait = said.before_next(NOW).map(|wait| wait.as_secs());
            assert_eq!(wait, seconds, "{remaining:?} {reset:?} {interval:?}");
        }
    }
}
