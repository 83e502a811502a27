//! Deletes one custom avatar of an account, by its id, and looks whether it is gone.

use crate::apply::{Rules, planned, unproven};
use crate::error::{Class, Error, Result};
use crate::http::curl::PlannedRequest;
use crate::system::Delete;
use crate::system::avatar::{Seen, Target};
use crate::system::session::Session;
use crate::terminal::quote;

/// What became of an avatar that was to be deleted.
pub enum Deleted {
    Gone { verified: bool },
    Planned(Vec<PlannedRequest>),
}

/// Deletes the avatar with this id of the account that was `seen`.
///
/// Errors: data, and nothing was sent, if the avatar is none of the account's own or is selected; protocol, if it is
/// still there afterwards; and those of the calls.
pub fn delete(
    session: &mut Session,
    delete: &Delete,
    target: &Target,
    seen: &Seen,
    id: &str,
    rules: Rules,
) -> Result<Deleted> {
    let system = session.system;
    let refused = |why: String| {
        Error::new(Class::Data, format!("delete avatar {id}: {why}")).hint(format!(
            "avatarctl {} list shows which are custom",
            system.name
        ))
    };
    let account = quote(&seen.account);
    match seen.offers.iter().find(|offer| offer.id == id) {
        None => return Err(refused(format!("the list of {account} does not have it"))),
        Some(offer) if offer.system => {
            return Err(refused(format!(
                "the list of {account} has it as a system avatar, which cannot be deleted"
            )));
        }
        Some(offer) if offer.selected && !rules.force => {
            return Err(refused(format!("{account} wears it"))
                .hint("select another one first, or give --force"));
        }
        Some(_) => {}
    }
    if rules.dry_run {
        let steps = (delete.dry_run)(session, target, id)?;
        return Ok(Deleted::Planned(planned(session, &steps)));
    }
    (delete.send)(session, target, id)?;
    if !rules.verify {
        return Ok(Deleted::Gone { verified: false });
    }
    let now = (system.observe)(session, target).map_err(|error| unproven(&error))?;
    match now.offers.iter().any(|offer| offer.id == id) {
        false => Ok(Deleted::Gone { verified: true }),
        true => Err(Error::new(
            Class::Protocol,
            format!("delete avatar {id}: the server answered success, but {account} still has it"),
        )),
    }
}
