//! Dates and rate limits: a moment that is written is read back, a date that is read is one of the calendar, and no wait
//! that a server asks for is more than a clock can be asked for. Texts are those of the headers.

use std::time::{Duration, UNIX_EPOCH};

use avatarctl::http::limits::RateLimit;
use avatarctl::number::digits;
use avatarctl::time::{http_date, rfc3339, rfc3339_millis, seconds, span, text};

/// The end of the year 9999.
const END: u64 = 253_402_300_800;

pub(super) fn check(bytes: &[u8]) {
    let headers: [String; 5] = super::texts(bytes);
    let said = |at: usize| (!headers[at].is_empty()).then_some(headers[at].as_str());
    let limit = RateLimit {
        date: said(0),
        retry_after: said(1),
        remaining: said(2),
        reset: said(3),
        interval: said(4),
    };
    for local in [0, 784_111_777, 1_795_224_000, u64::MAX] {
        let repeat = limit.before_repeat(local);
        if let Some(wait) = said(1).and_then(|value| digits::<u64>(value.trim())) {
            assert!(repeat >= Duration::from_secs(wait));
        }
        let next = limit.before_next(local);
        assert!(next.is_none_or(|wait| !wait.is_zero()));
        let left = said(2).and_then(|value| digits::<u64>(value.trim()));
        assert!(next.is_none() || left == Some(0));
        super::assert_clean(&span(repeat));
    }
    for header in &headers {
        if let Some(moment) = http_date(header) {
            assert!(moment < END, "{header}");
            written(moment);
        }
    }
    let number = bytes
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    written(number % END);
}

/// A moment in each of its forms, read by other means than it was written.
fn written(moment: u64) {
    let long = rfc3339(moment);
    let short = text(moment);
    assert_eq!(short, format!("{} {} UTC", &long[..10], &long[11..16]));
    let number = |from: usize, to: usize| digits::<u64>(&long[from..to]).expect("digits");
    let day = seconds(number(0, 4), number(5, 7), number(8, 10)).expect("a day");
    let clock = number(11, 13) * 3600 + number(14, 16) * 60 + number(17, 19);
    assert_eq!(day + clock, moment, "{long}");
    let millis = rfc3339_millis(UNIX_EPOCH + Duration::from_millis(moment * 1000 + 7));
    assert_eq!(millis, format!("{}.007Z", long.trim_end_matches('Z')));
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS[number(5, 7) as usize - 1];
    let date = format!(
        "Sun, {:02} {month} {:04} {} GMT",
        number(8, 10),
        number(0, 4),
        &long[11..19]
    );
    assert_eq!(http_date(&date), Some(moment), "{date}");
}
