//! Dates and times: what HTTP headers and certificates say, in UTC, as seconds since 1970 and back, and spans
//! of time in words.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::number::digits;

/// This machine's clock, in seconds since 1970.
pub fn now() -> u64 {
    since_1970(SystemTime::now())
}

/// A moment in seconds since 1970; one before that counts as 1970.
pub fn since_1970(moment: SystemTime) -> u64 {
    let since = moment.duration_since(UNIX_EPOCH);
    since.map_or(0, |time| time.as_secs())
}

/// Seconds from 1970 to the beginning of a day; days before 1970 count as 1970.
pub fn seconds(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from civil (Howard Hinnant): the year begins in March, so that the leap day is its last.
    let year = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let from_march = (month + 9) % 12;
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * from_march + 2) / 5 + day - 1;
    Some(days.saturating_sub(719_468) * 86_400)
}

/// A moment as `2026-11-21 01:20 UTC`, for people.
pub fn text(seconds: u64) -> String {
    let (year, month, day) = civil(seconds);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC",
        seconds % 86_400 / 3600,
        seconds % 3600 / 60
    )
}

/// A moment as `2026-11-21T01:20:00Z` (RFC 3339).
pub fn rfc3339(seconds: u64) -> String {
    let (year, month, day) = civil(seconds);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        seconds % 86_400 / 3600,
        seconds % 3600 / 60,
        seconds % 60
    )
}

/// A moment as `2026-11-21T01:20:00.250Z`.
pub fn rfc3339_millis(moment: SystemTime) -> String {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = rfc3339(since.as_secs());
    format!(
        "{}.{:03}Z",
        text.trim_end_matches('Z'),
        since.subsec_millis()
    )
}

/// Year, month and day; the inverse of `seconds`.
fn civil(seconds: u64) -> (u64, u64, u64) {
    let days = seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// How long something lasts, for people: tenths of seconds as long as they count.
pub fn span(time: std::time::Duration) -> String {
    match time.as_millis() {
        tenths @ 0..9_950 => {
            let tenths = (tenths + 50) / 100;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        _ => match time.as_secs() {
            seconds @ 0..100 => format!("{seconds} s"),
            seconds @ 0..7200 => format!("{} min", seconds.div_ceil(60)),
            seconds @ 0..172_800 => format!("{} h", seconds.div_ceil(3600)),
            seconds => format!("{} days", seconds.div_ceil(86_400)),
        },
    }
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// An HTTP-date in any of its three forms (RFC 9110, section 5.6.7), as seconds since 1970.
pub fn http_date(text: &str) -> Option<u64> {
    // Sun, 06 Nov 1994 08:49:37 GMT | Sunday, 06-Nov-94 08:49:37 GMT | Sun Nov  6 08:49:37 1994
    let words: Vec<&str> = text
        .split([' ', ',', '-'])
        .filter(|word| !word.is_empty())
        .collect();
    let (day, month, year, clock) = match words[..] {
        [_, day, month, year, clock, "GMT"] => (day, month, year, clock),
        [_, month, day, clock, year] => (day, month, year, clock),
        _ => return None,
    };
    let month = MONTHS.iter().position(|known| *known == month)? as u64 + 1;
    let year = match (year.len(), digits::<u64>(year)?) {
        (2, year) if year < 70 => 2000 + year,
        (2, year) => 1900 + year,
        (_, year) => year,
    };
    if year > 9999 {
        return None;
    }
    let clock: Vec<u64> = clock.split(':').map(digits).collect::<Option<_>>()?;
    match clock[..] {
        [hour, minute, second] if hour < 24 && minute < 60 && second <= 60 => {
            let day = seconds(year, month, digits(day)?)?;
            Some(day + hour * 3600 + minute * 60 + second)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_one_moment() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(http_date(text), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_date() {
        for text in [
            "",
            "120",
            "Sun, 06 Nov 1994",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 +8:49:37 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
            "Sun, 06 Nov 18446744073709551615 08:49:37 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    #[test]
    fn a_span_is_as_exact_as_it_matters() {
        let spans = [
            0,
            49,
            500,
            1250,
            9949,
            9950,
            42_900,
            99_999,
            100_000,
            3_600_000,
            7_200_000,
            86_400_001,
            172_800_000,
        ];
        let texts = spans.map(|time| span(std::time::Duration::from_millis(time)));
        let wanted =
            "0.0 s, 0.0 s, 0.5 s, 1.3 s, 9.9 s, 9 s, 42 s, 99 s, 2 min, 60 min, 2 h, 24 h, 2 days";
        assert_eq!(texts.join(", "), wanted);
    }

    #[test]
    fn a_moment_is_written() {
        assert_eq!(super::text(1_795_224_000), "2026-11-21 01:20 UTC");
        assert_eq!(super::text(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(rfc3339(1_795_224_059), "2026-11-21T01:20:59Z");
        let later = UNIX_EPOCH + std::time::Duration::from_millis(1_795_224_059_007);
        assert_eq!(rfc3339_millis(later), "2026-11-21T01:20:59.007Z");
        assert_eq!(super::text(0), "1970-01-01 00:00 UTC");
    }
}
