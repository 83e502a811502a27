//! Whether a request is made again, and after how long: a pure function of what happened. It reads no clock, never
//! waits, and knows neither requests nor answers.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::request::Repeat;

/// First wait of the back-off.
const FIRST: Duration = Duration::from_millis(500);
/// No back-off waits longer, but for its jitter.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

/// Why there is no answer of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection was made: nothing was carried out.
    NotConnected,
    /// The connection broke: the request may have been carried out.
    AnswerLost,
    /// The answer did not come in time: the request may have been carried out.
    TimedOut,
    /// Another try would end the same way.
    Permanent,
}

/// What became of one attempt.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attempt {
    /// An answer that stands, whether it is a good one or a refusal.
    Answered,
    /// The server is busy, and asks to wait at least so long.
    Busy(Duration),
    /// The server failed (500), or a gateway answered for it (502, 504), and asks to wait at least so long: the call
    /// may have been carried out.
    Failing(Duration),
    /// No answer. `reused`: over a connection that was made for an earlier request.
    Failed { failure: Failure, reused: bool },
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    GiveUp,
    RepeatAtOnce,
    RepeatAfter(Duration),
}

/// What follows on an attempt of a call that may be repeated under these conditions, and at most `retries` times.
/// `before` counts the attempts before this one. The wait is the longer of what the server asks for and the back-off:
/// a `Retry-After: 0` means a moment, which the back-off is. `jitter` is a part of it, in thousandths.
pub(super) fn next(
    attempt: Attempt,
    repeat: &Repeat,
    before: u32,
    retries: u32,
    jitter: u32,
) -> Next {
    let (allowed, asked) = match attempt {
        Attempt::Answered => (false, Duration::ZERO),
        Attempt::Busy(asked) => (repeat.busy, asked),
        Attempt::Failing(asked) => (repeat.answer_lost, asked),
        Attempt::Failed { failure, .. } => {
            let allowed = match failure {
                Failure::NotConnected => repeat.not_connected,
                Failure::AnswerLost | Failure::TimedOut => repeat.answer_lost,
                Failure::Permanent => false,
            };
            (allowed, Duration::ZERO)
        }
    };
    // A server may close a kept connection just when the next request is on its way: there is nothing to wait for
    // before the first repeat (RFC 9110, section 9.2.2).
    let stale = matches!(
        attempt,
        Attempt::Failed {
            failure: Failure::AnswerLost,
            reused: true
        }
    );
    match allowed && before < retries {
        true if stale && before == 0 => Next::RepeatAtOnce,
        true => Next::RepeatAfter(back_off(before, jitter).max(asked)),
        false => Next::GiveUp,
    }
}

/// 0 to 249 thousandths, so that agents that failed together do not come back together. The hasher of std is
/// seeded at random; cryptography has no part in this.
pub(super) fn jitter() -> u32 {
    let random = RandomState::new().build_hasher().finish();
    u32::try_from(random % 250).unwrap_or(0)
}

fn back_off(before: u32, jitter: u32) -> Duration {
    let plain = FIRST
        .saturating_mul(1 << before.min(16))
        .min(LONGEST_BACK_OFF);
    plain + plain * jitter / 1000
}

#[cfg(test)]
mod tests {
    use super::super::request::{ALWAYS, NEVER, ONCE, UNLESS_LOST};
    use super::*;

    fn failed(failure: Failure) -> Attempt {
        Attempt::Failed {
            failure,
            reused: false,
        }
    }

    #[test]
    fn a_call_is_repeated_after_what_it_may_be_repeated_after() {
        let busy = Attempt::Busy(Duration::ZERO);
        let failing = Attempt::Failing(Duration::ZERO);
        let [not_connected, lost, late, permanent] = [
            Failure::NotConnected,
            Failure::AnswerLost,
            Failure::TimedOut,
            Failure::Permanent,
        ]
        .map(failed);
        let answered = Attempt::Answered;
        for (attempt, [always, unless_lost, once, never]) in [
            (answered, [false, false, false, false]),
            (busy, [true, true, false, false]),
            (failing, [true, false, false, false]),
            (not_connected, [true, true, true, false]),
            (lost, [true, false, false, false]),
            (late, [true, false, false, false]),
            (permanent, [false, false, false, false]),
        ] {
            for (repeat, name, repeated) in [
                (&ALWAYS, "always", always),
                (&UNLESS_LOST, "unless lost", unless_lost),
                (&ONCE, "once", once),
                (&NEVER, "never", never),
            ] {
                let wanted = match repeated {
                    true => Next::RepeatAfter(Duration::from_millis(1000)),
                    false => Next::GiveUp,
                };
                let found = next(attempt, repeat, 1, 3, 0);
                assert_eq!(found, wanted, "{name}: {attempt:?}");
                let found = next(attempt, repeat, 3, 3, 0);
                assert_eq!(found, Next::GiveUp, "{name}: {attempt:?}");
            }
        }
    }

    #[test]
    fn only_the_first_repeat_over_a_connection_that_went_stale_does_not_wait() {
        let stale = Attempt::Failed {
            failure: Failure::AnswerLost,
            reused: true,
        };
        let first = Next::RepeatAfter(FIRST);
        let second = Next::RepeatAfter(2 * FIRST);
        assert_eq!(next(stale, &ALWAYS, 0, 3, 0), Next::RepeatAtOnce);
        assert_eq!(next(stale, &ALWAYS, 1, 3, 0), second);
        assert_eq!(next(stale, &ALWAYS, 0, 0, 0), Next::GiveUp);
        assert_eq!(next(stale, &UNLESS_LOST, 0, 3, 0), Next::GiveUp);
        assert_eq!(next(failed(Failure::AnswerLost), &ALWAYS, 0, 3, 0), first);
        let late = Attempt::Failed {
            failure: Failure::TimedOut,
            reused: true,
        };
        assert_eq!(next(late, &ALWAYS, 0, 3, 0), first);
    }

    #[test]
    fn the_longer_wait_counts() {
        let asked = |millis| Attempt::Busy(Duration::from_millis(millis));
        for (millis, before, wait) in [(0, 0, 500), (499, 0, 500), (501, 0, 501), (501, 1, 1000)] {
            let wanted = Next::RepeatAfter(Duration::from_millis(wait));
            assert_eq!(next(asked(millis), &ALWAYS, before, 3, 0), wanted);
        }
    }

    #[test]
    fn the_back_off_doubles_and_is_bounded() {
        let waits: Vec<u64> = (0..9)
            .map(|before| back_off(before, 0).as_millis() as u64)
            .collect();
        assert_eq!(
            waits,
            [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]
        );
        assert_eq!(back_off(u32::MAX, 250), Duration::from_millis(37_500));
        assert!((0..100).all(|_| jitter() < 250));
    }
}
