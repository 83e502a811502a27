//! Carries a job out: looks, writes where something would change, and proves it by looking again.

use crate::error::{Class, Error, Result};
use crate::plan::Job;
use crate::system::{Proof, Seen, Session, System};

/// How a job is carried out.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Look again after a write.
    pub verify: bool,
    /// Write even where nothing would change.
    pub force: bool,
}

/// What became of an account, with the fingerprints before and after.
pub enum Outcome {
    Changed {
        before: Option<String>,
        after: Option<String>,
        verified: bool,
    },
    Unchanged(Option<String>),
}

/// Sets one avatar on the account that was just looked at.
///
/// Errors: the system's; protocol, when the read-back disagrees.
pub fn set(
    system: &System,
    session: &mut Session,
    job: &Job,
    seen: &Seen,
    rules: Rules,
) -> Result<Outcome> {
    let before = seen.fingerprint.clone();
    if (system.wears)(&job.avatar, before.as_deref()) == Some(true) && !rules.force {
        return Ok(Outcome::Unchanged(before));
    }
    let proof = (system.write)(session, &job.target, &job.avatar, seen)?;
    session.writes += 1;
    if !rules.verify {
        let after = match proof {
            Proof::Is(fingerprint) => Some(fingerprint),
            Proof::Wears | Proof::Changed => None,
        };
        return Ok(Outcome::Changed {
            before,
            after,
            verified: false,
        });
    }
    let mut after = None;
    for wait in system.settle {
        session
            .client
            .settle(*wait)
            .and_then(|()| (system.observe)(session, &job.target))
            .map(|seen| after = seen.fingerprint)
            .map_err(|error| unproven(&error))?;
        if proves(system, job, &proof, before.as_deref(), after.as_deref()) {
            return Ok(Outcome::Changed {
                before,
                after,
                verified: true,
            });
        }
    }
    Err(disagrees(system, after.as_deref()))
}

fn proves(
    system: &System,
    job: &Job,
    proof: &Proof,
    before: Option<&str>,
    after: Option<&str>,
) -> bool {
    match proof {
        Proof::Wears => (system.wears)(&job.avatar, after) == Some(true),
        Proof::Is(fingerprint) => after == Some(fingerprint),
        Proof::Changed => after.is_some() && after != before,
    }
}

/// The write was taken; only its proof is missing.
fn unproven(error: &Error) -> Error {
    Error {
        message: format!(
            "the server took the avatar, but the read-back failed: {}",
            error.message
        ),
        ..error.clone()
    }
}

fn disagrees(system: &System, after: Option<&str>) -> Error {
    let shown = after.map_or("no avatar".to_owned(), |fingerprint| {
        (system.speak)(fingerprint)
    });
    Error::new(
        Class::Protocol,
        format!("the server answered success, but the account still shows {shown}"),
    )
    .hint("look at the account with show, and at the server's log")
}
