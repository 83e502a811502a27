//! Carries jobs out on one server: looks, compares, writes if something would change, proves it by looking again, and
//! remembers it. One account and ten thousand take the same way. Nothing is printed here.

mod batch;
mod delete;
pub mod diff;
mod outcome;
pub mod state;
mod work;

pub use batch::{Batch, Rules, Stop};
pub use delete::{Deleted, delete};
pub use outcome::{Changed, Event, JobResult, Look, Outcome};

use crate::error::Error;
use crate::http::curl::{self, PlannedRequest, Step};
use crate::system::session::Session;

/// Writes as they would be sent.
fn planned(session: &mut Session, steps: &[Step]) -> Vec<PlannedRequest> {
    if session.logout.is_some() {
        session.warnings.push(
            "the login of this run ends with it; the commands need credentials that last".into(),
        );
    }
    curl::dry_run(&session.client, steps)
}

/// The server took the write, and looking for its proof failed.
fn unproven(error: &Error) -> Error {
    error
        .clone()
        .about("the server took the change, but the read-back failed")
}
