//! What a check of a server found, as it is reported: a word, the figure, and what to do where it is not well.

use std::time::Duration;

use crate::error::{Class, Error};

/// What one check found.
pub struct Check {
    pub name: &'static str,
    pub verdict: Verdict,
    /// One line.
    pub detail: String,
    pub hint: Option<String>,
    pub took: Duration,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    Warn,
    /// What it depends on failed.
    NotMade,
    Fail(Class),
}

impl Verdict {
    /// As in the JSON lines.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Warn | Verdict::NotMade => "warn",
            Verdict::Fail(_) => "fail",
        }
    }
}

impl Check {
    pub fn ok(name: &'static str, detail: impl Into<String>) -> Check {
        Check {
            name,
            verdict: Verdict::Ok,
            detail: detail.into(),
            hint: None,
            took: Duration::ZERO,
        }
    }

    pub fn warn(
        name: &'static str,
        detail: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> Check {
        Check {
            verdict: Verdict::Warn,
            hint: hint.into(),
            ..Check::ok(name, detail)
        }
    }

    pub fn fail(name: &'static str, error: &Error) -> Check {
        let message = error.message();
        let status = error.status.map(|status| status.to_string());
        let detail = match status.filter(|status| !message.contains(status.as_str())) {
            Some(status) => format!("{message} (answered {status})"),
            None => message,
        };
        Check {
            verdict: Verdict::Fail(error.class),
            hint: error.hint.clone(),
            ..Check::ok(name, detail)
        }
    }

    /// What was not tried, because of the check of this name.
    pub fn not_made(name: &'static str, because: &str) -> Check {
        Check {
            verdict: Verdict::NotMade,
            ..Check::ok(name, format!("not made, because {because} failed"))
        }
    }

    pub fn took(self, took: Duration) -> Check {
        Check { took, ..self }
    }

    pub(super) fn milliseconds(&self) -> u64 {
        u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX)
    }
}
