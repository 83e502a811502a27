//! What a Jira account shows: the picture of an avatar by its id, from the one address that gives bytes. That address is
//! older than the REST API and keeps to rules of its own: it may send a token to the login page, and to who may not see
//! users it gives the default picture without a word.

use std::collections::BTreeMap;

use super::super::avatar::{Avatar, Offer, Seen, Target};
use super::super::session::Session;
use super::super::shown::{Face, Origin, Restore, Shown};
use super::{PRESET, profile, user};
use crate::error::{Class, Error, Result};
use crate::http::{Call, Request};
use crate::picture::received::{Image, Kind};
use crate::picture::sha256;
use crate::settings::address::WebAddress;

static PICTURE: Call = Call::picture("secure/useravatar");
static PUBLIC_PICTURE: Call = Call::picture("secure/useravatar").anonymous();

/// The largest size there is a name for. Where a server does not know it, the one without a name is sure: 48 pixels.
const LARGEST: &str = "xxxlarge@2x";
const SURE: u32 = 48;

/// What is learned in a run.
#[derive(Default)]
pub(super) struct Facts {
    /// The host of the address that the server has of itself.
    pub(super) base: Option<String>,
    /// Pictures come from another service, which is a setting of the whole server; none before somebody looked.
    external: Option<bool>,
    /// The size has to be left out.
    sizeless: bool,
    way: Way,
    /// Without the credential there are none but the server's own.
    only_own: bool,
    /// It was said that pictures were read without the credential.
    said: bool,
    /// The SHA-256 of the server's own pictures, by id; none of those that could not be read.
    own: BTreeMap<String, Option<[u8; 32]>>,
}

/// How pictures are asked for.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Way {
    #[default]
    WithCredential,
    WithoutCredential,
    /// This caller is given none.
    Closed,
}

pub(super) fn shown(session: &mut Session, target: &Target, seen: &Seen) -> Result<Shown> {
    let offer = seen.fingerprint.as_ref();
    let offer = offer.and_then(|id| seen.offers.iter().find(|offer| offer.id == *id));
    let Some(offer) = offer else {
        let why = match &seen.fingerprint {
            Some(id) => format!("avatar {id} is not on the list any more"),
            None => "no avatar is selected".to_owned(),
        };
        return Ok(Shown {
            origin: Origin::Default,
            face: Face::Absent(why.clone()),
            restore: Restore::Nothing(why),
            warnings: Vec::new(),
        });
    };
    let user = user(session, target)?;
    let (origin, face) = match is_external(session, &user)? {
        true => {
            let why =
                "this server shows pictures of another service (Gravatar), which is not asked";
            (Origin::External, Face::Absent(why.to_owned()))
        }
        false => {
            let origin = match offer.system {
                true => Origin::Default,
                false => Origin::Uploaded,
            };
            (origin, read(session, seen, &user, offer).into())
        }
    };
    Ok(Shown {
        origin,
        face,
        restore: Restore::Avatar(Avatar::Preset(&PRESET, Some(offer.id.clone()))),
        warnings: Vec::new(),
    })
}

/// The picture of an avatar on offer.
pub(super) fn preset_picture(session: &mut Session, seen: &Seen, id: &str) -> Result<Image> {
    match seen.offers.iter().find(|offer| offer.id == id) {
        Some(offer) => read(session, seen, &seen.account, offer),
        None => Err(Error::new(Class::Target, "it is not on the list").about(operation(id))),
    }
}

fn operation(id: &str) -> String {
    format!("read the picture of avatar {id}")
}

/// Whether what is shown of users comes from somewhere else than this server. A picture's address there has another host
/// than this one has for us and for itself; the address is only looked at.
pub(super) fn is_external(session: &mut Session, user: &str) -> Result<bool> {
    if let Some(known) = session.facts::<Facts>().external {
        return Ok(known);
    }
    let urls = match profile(session, user) {
        Ok(profile) => profile.avatar_urls,
        // Whoever may not see users may still read what they wear.
        Err(error) if error.class == Class::Target || error.status == Some(403) => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    let ours = session.client.base().host().to_owned();
    let base = &session.facts::<Facts>().base;
    let external = !urls.is_empty()
        && urls.values().all(|url| {
            let host = host(url);
            host.is_some() && host.as_deref() != Some(ours.as_str()) && host != *base
        });
    session.facts::<Facts>().external = Some(external);
    Ok(external)
}

/// The host of a web address, in lower case.
pub(super) fn host(url: &str) -> Option<String> {
    let address = WebAddress::split(url);
    address.scheme?;
    let (host, _) = address.host_and_port()?;
    Some(host.to_ascii_lowercase())
}

/// Reads the picture of an avatar. A custom one is held against the server's own: those it gives to whoever may not see
/// what was asked for.
fn read(session: &mut Session, seen: &Seen, user: &str, offer: &Offer) -> Result<Image> {
    if offer.system {
        let image = ask(session, &offer.id, None)?;
        let digest = sha256(&image.bytes);
        let own = &mut session.facts::<Facts>().own;
        own.insert(offer.id.clone(), Some(digest));
        return Ok(image);
    }
    if session.facts::<Facts>().only_own {
        return Err(no_token(session, &offer.id));
    }
    let owner = match &offer.owner {
        Some(owner) => Some(owner.clone()),
        None => profile(session, user)?.key,
    };
    let image = ask(session, &offer.id, owner.as_deref())?;
    let open = session.facts::<Facts>().way == Way::WithoutCredential;
    match is_of_the_server(session, seen, sha256(&image.bytes))? {
        Some(_) if open => {
            session.facts::<Facts>().only_own = true;
            Err(no_token(session, &offer.id))
        }
        Some(id) => {
            let what =
                format!("the server answered with the picture of avatar {id}, which is its own");
            let error = Error::new(Class::Credentials, what).about(operation(&offer.id));
            Err(error.hint("the caller may lack the global permission Browse Users"))
        }
        None => {
            if open && !std::mem::replace(&mut session.facts::<Facts>().said, true) {
                session.warnings.push("this server gives pictures to no token; they were read without it, which does not prove whose they are".to_owned());
            }
            Ok(image)
        }
    }
}

/// How many of the server's own pictures may be broken; behind so many, others are not asked for.
const BROKEN: usize = 3;

/// The id of the system avatar that these bytes are. Each of those on offer is read once in a run.
///
/// Errors: if nobody answers any more.
fn is_of_the_server(
    session: &mut Session,
    seen: &Seen,
    digest: [u8; 32],
) -> Result<Option<String>> {
    for Offer { id, .. } in seen.offers.iter().filter(|offer| offer.system) {
        let own = &session.facts::<Facts>().own;
        let broken = own.values().filter(|known| known.is_none()).count();
        if !own.contains_key(id) && broken < BROKEN {
            let found = match ask(session, id, None) {
                Ok(image) => Some(sha256(&image.bytes)),
                Err(error) if matches!(error.status, None | Some(429 | 502..=504)) => {
                    return Err(error);
                }
                Err(_) => None,
            };
            session.facts::<Facts>().own.insert(id.clone(), found);
        }
        if session.facts::<Facts>().own.get(id) == Some(&Some(digest)) {
            return Ok(Some(id.clone()));
        }
    }
    Ok(None)
}

/// Asks for a picture by ids, in the way that this server gives them to this caller.
fn ask(session: &mut Session, id: &str, owner: Option<&str>) -> Result<Image> {
    match session.facts::<Facts>().way {
        Way::Closed => Err(no_token(session, id)),
        Way::WithoutCredential => {
            sized(session, &PUBLIC_PICTURE, id, owner).map_err(Refusal::error)
        }
        Way::WithCredential => match sized(session, &PICTURE, id, owner) {
            Ok(image) => Ok(image),
            Err(Refusal::Other(error)) => Err(error),
            Err(Refusal::Closed(error)) if !session.token => Err(error),
            // The address may not know tokens, and still give pictures to everybody.
            Err(Refusal::Closed(refused)) => match sized(session, &PUBLIC_PICTURE, id, owner) {
                Ok(image) => {
                    session.facts::<Facts>().way = Way::WithoutCredential;
                    Ok(image)
                }
                Err(Refusal::Closed(_)) => {
                    session.facts::<Facts>().way = Way::Closed;
                    Err(no_token(session, id))
                }
                Err(Refusal::Other(_)) => Err(refused),
            },
        },
    }
}

/// What is wrong if it is the token.
fn no_token(session: &Session, id: &str) -> Error {
    let what = "this server gives pictures to a browser's session or a password, and to no token";
    let error = Error::new(Class::Credentials, what).about(operation(id));
    error.hint(session.hint("use {USER} and {PASSWORD}, if the server takes passwords"))
}

/// Why there is no picture.
enum Refusal {
    /// The caller is asked to log in, or is not let in.
    Closed(Error),
    Other(Error),
}

impl Refusal {
    fn error(self) -> Error {
        match self {
            Refusal::Closed(error) | Refusal::Other(error) => error,
        }
    }
}

/// The picture in the largest size that the server gives.
fn sized(
    session: &mut Session,
    call: &'static Call,
    id: &str,
    owner: Option<&str>,
) -> std::result::Result<Image, Refusal> {
    if session.facts::<Facts>().sizeless {
        return one(session, call, id, owner, None);
    }
    let large = one(session, call, id, owner, Some(LARGEST));
    match &large {
        Ok(image) if !is_small(image) => return large,
        Err(Refusal::Closed(_)) => return large,
        // Nobody answered: another call would not do better.
        Err(Refusal::Other(error))
            if matches!(error.class, Class::Temporary | Class::Unreachable) =>
        {
            return large;
        }
        _ => {}
    }
    match one(session, call, id, owner, None) {
        Ok(sure) if !is_small(&sure) || large.is_err() => {
            session.facts::<Facts>().sizeless = true;
            Ok(sure)
        }
        _ => large,
    }
}

fn is_small(image: &Image) -> bool {
    match image.kind {
        Kind::Raster(header) => header.width.min(header.height) < SURE,
        Kind::Svg => false,
    }
}

fn one(
    session: &mut Session,
    call: &'static Call,
    id: &str,
    owner: Option<&str>,
    size: Option<&str>,
) -> std::result::Result<Image, Refusal> {
    let mut request = Request::picture(call, operation(id));
    for (name, value) in [("size", size), ("ownerId", owner), ("avatarId", Some(id))] {
        if let Some(value) = value {
            request = request.query(name, value);
        }
    }
    let response = session.client.send(&request).map_err(Refusal::Other)?;
    let closed = response.is_redirect()
        || matches!(response.status, 401 | 403)
        || response.success() && response.is_html();
    session
        .received(&request, response)
        .map_err(|error| match closed {
            true => Refusal::Closed(error),
            false => Refusal::Other(error),
        })
}
