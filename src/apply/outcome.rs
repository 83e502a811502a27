//! What becomes of accounts, as values: handed out one by one while a batch goes on, and turned into words elsewhere.

use crate::apply::diff::Verdict;
use crate::error::{Error, Result};
use crate::http::curl::PlannedRequest;
use crate::picture::received::Image;
use crate::plan::Job;
use crate::system::avatar::Seen;
use crate::system::shown::Shown;

/// What a look at an account found, if one was taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Look {
    #[default]
    NotTaken,
    /// The fingerprint of the avatar that it wore; none if it wore no avatar.
    Saw(Option<String>),
}

impl Look {
    /// The fingerprint that was seen; none if there was no avatar, or no look.
    pub fn fingerprint(&self) -> Option<&str> {
        match self {
            Look::NotTaken => None,
            Look::Saw(fingerprint) => fingerprint.as_deref(),
        }
    }

    /// Whether a look was taken and found this.
    pub fn saw(&self, fingerprint: Option<&str>) -> bool {
        matches!(self, Look::Saw(seen) if seen.as_deref() == fingerprint)
    }
}

/// What became of an account.
pub enum Outcome {
    Changed(Changed),
    Unchanged {
        shown: Option<String>,
        /// False if no look was taken and the state alone says so.
        verified: bool,
    },
    Pending {
        verdict: Verdict,
        shown: Option<String>,
    },
    /// The writes that would be sent.
    Planned(Vec<PlannedRequest>),
    Failed(Error),
    /// Not tried, and why.
    Skipped(String),
}

/// An avatar that was set.
pub struct Changed {
    pub before: Look,
    /// The fingerprint afterwards, if the account wears an avatar and it is known which.
    pub after: Option<String>,
    /// Whether a look afterwards found what the write promised.
    pub verified: bool,
    /// The avatar that was deleted because this one replaces it.
    pub pruned: Option<String>,
}

/// What happens to the accounts of a batch, in the order in which it happens.
pub enum Event<'a> {
    /// Work on an account begins; an account that is skipped has none of these.
    Started(&'a Job),
    /// What an account shows that is about to change, if the rules ask for pictures.
    Shown(&'a Job, Result<Shown>),
    /// The picture of an avatar that is wanted by this id; once for each id.
    Preset(&'a str, Result<Image>),
    /// What became of an account; once for each.
    Finished(JobResult<'a>),
    /// The login of this run could not be ended.
    LogoutFailed(Error),
}

/// What became of one account.
pub struct JobResult<'a> {
    pub job: &'a Job,
    /// As the server names it, or as it was given; none if it is the caller, whose name is not known.
    pub account: Option<String>,
    pub outcome: Outcome,
    pub warnings: Vec<String>,
}

impl<'a> JobResult<'a> {
    pub(super) fn new(job: &'a Job, seen: Option<&Seen>, outcome: Outcome) -> JobResult<'a> {
        JobResult {
            job,
            account: match seen {
                Some(seen) => Some(seen.account.clone()),
                None => job.target.name().map(str::to_owned),
            },
            outcome,
            warnings: Vec::new(),
        }
    }
}
