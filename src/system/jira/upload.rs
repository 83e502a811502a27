//! Jira's upload: a picture is kept in the server's session by one call and cropped and stored by the next, which must
//! not be made twice. What is looked at when an answer was lost, and what a dry run prints of it.

use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

use super::super::avatar::{Crop, Proof, Seen, Target};
use super::super::session::Session;
use super::answers::{Bean, Id, TOKEN_WAYS, Upload};
use super::{
    CONFIRM, UPLOAD, UPLOAD_SMALL, avatars, json_text, request, select, selection, user,
    warn_of_gravatar,
};
use crate::error::{Class, Error, Loss, Result};
use crate::http::curl::Step;
use crate::http::{Body, Request, Response};
use crate::picture::Picture;
use crate::picture::header::{Format, Header};
use crate::secret::Secret;
use crate::terminal::quote;

pub(super) fn upload_and_select(
    session: &mut Session,
    target: &Target,
    picture: &Rc<Picture>,
    seen: Option<&Seen>,
) -> Result<Proof> {
    let user = user(session, target)?;
    let id = upload(session, &user, picture, seen)?;
    select(session, &selection(&user, &id, Some(false), None))?;
    warn_of_gravatar(session, &user);
    Ok(Proof::Is(id))
}

/// What the commands of a dry run keep the session's cookies in.
const COOKIES: &str = "avatarctl.cookies";
/// Stands in a body where an id belongs that only an answer tells.
const AVATAR_ID: &str = "$AVATAR_ID";
/// Prints the id in the answer of the call that stores a picture.
const FIND_ID: &str = r#"sed -n 's/.*"id" *: *"*\([0-9]*\).*/\1/p'"#;

/// The calls of an upload depend on each other: the crop needs the cookies of the upload's answer, and the
/// selection the id that the crop answers.
pub(super) fn upload_steps(
    session: &mut Session,
    target: &Target,
    picture: &Rc<Picture>,
    _: Option<&Seen>,
) -> Result<Vec<Step>> {
    let user = user(session, target)?;
    let small = is_small(&picture.header);
    let stores = |request: Request| Step {
        sets: Some(("AVATAR_ID", FIND_ID)),
        ..Step::new(request)
    };
    let mut steps = Vec::new();
    if small {
        steps.push(stores(temporary(&user, picture)));
    } else {
        steps.push(Step {
            options: format!(" -c {COOKIES}"),
            ..Step::new(temporary(&user, picture))
        });
        // The session that the cookies open has done its work then.
        steps.push(Step {
            options: format!(" -b {COOKIES}"),
            after: format!("; rm -f {COOKIES}"),
            ..stores(confirmation(&user, picture))
        });
    }
    steps.push(Step {
        variables: vec![(AVATAR_ID.to_owned(), "AVATAR_ID".to_owned())],
        ..Step::new(selection(&user, AVATAR_ID, Some(false), None))
    });
    Ok(steps)
}

/// What became of a picture that was sent.
enum Stored {
    /// It is a custom avatar with this id.
    As(String),
    /// The answer of the call that stores it was lost.
    Perhaps(Error),
}

/// Stores a picture as a custom avatar and returns its id. If the answer of the call that stores it is lost, the
/// list of avatars is read before anything is sent again.
fn upload(
    session: &mut Session,
    user: &str,
    picture: &Rc<Picture>,
    seen: Option<&Seen>,
) -> Result<String> {
    let mut first = true;
    loop {
        let error = match store(session, user, picture, first)? {
            Stored::As(id) => return Ok(id),
            Stored::Perhaps(error) => error,
        };
        if error.loss() == Some(Loss::Late) {
            return stored_late(session, user, picture, seen, error);
        }
        if !first {
            return Err(error);
        }
        match appeared(session, user, seen) {
            Ok(Some(id)) => return Ok(id),
            Ok(None) if session.client.repeats() => {}
            // If the list tells nothing, the first failure is the one to report.
            Ok(None) | Err(_) => return Err(error),
        }
        session.warnings.push(
            "an answer was lost and the picture is uploaded once more; a copy of it may be left among the custom avatars"
                .into(),
        );
        first = false;
    }
}

/// How long to wait before each look for a picture whose answer did not come in time.
const LATE: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
const LEFT: &str = "before you upload it again, look for it with avatarctl jira list, and select it with set --avatar-id or delete it with avatarctl jira delete";

/// Looks for a picture that the server may still be storing. It is not sent again in this run, because the
/// server was seen to store a slow one after the time-out: a second upload would make a duplicate.
fn stored_late(
    session: &mut Session,
    user: &str,
    picture: &Rc<Picture>,
    seen: Option<&Seen>,
    error: Error,
) -> Result<String> {
    let request = temporary(user, picture);
    // Without an earlier list nothing tells which avatar is new.
    let waits = seen.map_or(&[][..], |_| &LATE);
    for wait in waits {
        let why = "no answer in time; the server may still store it";
        let looked = session.client.wait(*wait, &request, why, &|left| {
            let name = quote(&picture.name);
            format!(
                "no answer in time; the server may still store {name}, looking for it in {left}"
            )
        });
        match looked.and_then(|()| appeared(session, user, seen)) {
            Ok(Some(id)) => return Ok(id),
            Ok(None) => {}
            // A signal, --max-time, or a list that cannot be read: the first failure is the one to report.
            Err(_) => break,
        }
    }
    let hint = match &error.hint {
        Some(hint) => format!("{hint}; {LEFT}"),
        None => LEFT.to_owned(),
    };
    Err(Error {
        note: format!(
            "{}; the picture may be left among the custom avatars",
            error.note
        ),
        ..error
    }
    .hint(hint))
}

/// The one custom avatar that was not there before.
fn appeared(session: &mut Session, user: &str, seen: Option<&Seen>) -> Result<Option<String>> {
    let Some(seen) = seen else {
        return Ok(None);
    };
    let mut new = avatars(session, user)?
        .into_iter()
        .filter(|offer| !offer.system && !seen.offers.iter().any(|old| old.id == offer.id));
    match (new.next(), new.next()) {
        (Some(offer), None) => Ok(Some(offer.id)),
        _ => Ok(None),
    }
}

fn temporary(user: &str, picture: &Rc<Picture>) -> Request {
    let header = &picture.header;
    let call = if is_small(header) {
        &UPLOAD_SMALL
    } else {
        &UPLOAD
    };
    request(call, format!("upload {}", quote(&picture.name)))
        .query("username", user)
        .query("filename", &picture.sent_name())
        .body(Body::Raw(header.format.media_type(), picture.clone()))
}

/// Uploads a picture, and crops it unless the server stored it at once. A crop that does not find its upload
/// stored nothing, so both calls are made once more if `again` says so.
fn store(session: &mut Session, user: &str, picture: &Rc<Picture>, again: bool) -> Result<Stored> {
    let request = temporary(user, picture);
    let response = match session.send(&request) {
        Err(error) if is_small(&picture.header) && error.loss().is_some() => {
            return Ok(Stored::Perhaps(error));
        }
        other => other.map_err(|error| as_data(error, "the picture"))?,
    };
    let answer: Upload = session.body(&request, &response)?;
    match answer {
        Upload { id: Some(id), .. } => digits(session, &request, &response, id).map(Stored::As),
        Upload {
            cropper_width: Some(_),
            ..
        } => match confirm(session, user, picture, cookies(&response)) {
            Ok(id) => Ok(Stored::As(id)),
            Err(error) if error.loss().is_some() => Ok(Stored::Perhaps(error)),
            Err(error)
                if again
                    && session.client.repeats()
                    && error.class == Class::Temporary
                    && error.status == Some(500) =>
            {
                store(session, user, picture, false)
            }
            Err(error) => Err(error),
        },
        _ => Err(session.unexpected(&request, &response, "neither an avatar nor a crop")),
    }
}

/// The server keeps the upload in a session, so the cookies of its answer are sent with the crop. They are sent
/// with no other call: a token beside the cookie of a dead session is refused.
fn cookies(response: &Response) -> Option<Secret> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for cookie in response.headers("set-cookie") {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            continue;
        };
        // The last cookie of a name counts, and a server may delete one.
        pairs.retain(|(known, _)| *known != name);
        if !parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
            pairs.push((name, value));
        }
    }
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    (!pairs.is_empty()).then(|| Secret::new(pairs.join("; ")))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cropping {
    cropper_width: u32,
    cropper_offset_x: u32,
    cropper_offset_y: u32,
}

fn confirmation(user: &str, picture: &Picture) -> Request {
    let square = crop(&picture.header);
    request(&CONFIRM, format!("crop {}", quote(&picture.name)))
        .query("username", user)
        .body(Body::Json(json_text(&Cropping {
            cropper_width: square.side,
            cropper_offset_x: square.x,
            cropper_offset_y: square.y,
        })))
}

fn confirm(
    session: &mut Session,
    user: &str,
    picture: &Picture,
    cookies: Option<Secret>,
) -> Result<String> {
    let mut request = confirmation(user, picture);
    if let Some(cookies) = cookies {
        // A server may repeat a single cookie in its answer. Short values are settings and no secrets.
        let pairs = cookies.expose().split("; ");
        for (_, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            if value.len() >= 8 {
                session
                    .client
                    .redact_for_now(&Secret::new(value.to_owned()));
            }
        }
        request = request.secret("cookie", cookies);
    }
    let response = match session.send(&request) {
        Err(error) if error.status == Some(500) && session.token => {
            return Err(Error {
                class: Class::Credentials,
                reason: "the server dropped the session of the personal access token".to_owned(),
                said: None,
                note: String::new(),
                ..error
            }
            .hint(session.hint(TOKEN_WAYS)));
        }
        Err(error) if error.status == Some(500) => {
            return Err(error.hint("the upload's session was lost, perhaps between cluster nodes without sticky sessions; run again"));
        }
        other => other.map_err(|error| as_data(error, "the crop"))?,
    };
    let bean: Bean = session.body(&request, &response)?;
    digits(session, &request, &response, bean.id)
}

/// If a picture is sent, a 400 is about the picture.
fn as_data(error: Error, what: &str) -> Error {
    match error.status {
        Some(400) => Error {
            class: Class::Data,
            reason: format!("the server refused {what}"),
            ..error
        },
        _ => error,
    }
}

fn digits(session: &Session, request: &Request, response: &Response, id: Id) -> Result<String> {
    let Id(id) = id;
    match !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(id),
        false => Err(session.unexpected(request, response, "an avatar id that is not a number")),
    }
}

/// Longest side to which a server shrinks a picture before it crops, in pixels.
const SHRUNK: u32 = 500;
/// A square up to this side is stored without a crop, in pixels.
const SMALL: u32 = 48;

fn is_small(header: &Header) -> bool {
    header.width == header.height && header.width <= SMALL
}

/// The largest centred square of the picture as the server shrinks it, without a look at its orientation.
/// The server's own proposal is off centre and cuts a logo.
pub(super) fn crop(header: &Header) -> Crop {
    let longest = header.width.max(header.height);
    let (width, height, inside) = match longest > SHRUNK {
        // How the server rounds a shrunk side is not known: a square that is a pixel smaller fits either way.
        true => {
            let shrink =
                |side: u32| (u64::from(side) * u64::from(SHRUNK) / u64::from(longest)) as u32;
            (shrink(header.width).max(1), shrink(header.height).max(1), 1)
        }
        false => (header.width, header.height, 0),
    };
    let side = width.min(height).saturating_sub(inside).max(1);
    Crop {
        width,
        height,
        side,
        x: (width - side) / 2,
        y: (height - side) / 2,
        upright: false,
    }
}

pub(super) fn picture(picture: &Picture) -> Result<Vec<String>> {
    let header = &picture.header;
    if header.format == Format::Webp {
        return Err(Error::new(
            Class::Data,
            format!(
                "{} is a WebP picture, which Jira does not take",
                quote(&picture.name)
            ),
        )
        .hint("convert it to PNG"));
    }
    let mut warnings = Vec::new();
    let mut warn = |what: String| warnings.push(format!("{}: {what}", quote(&picture.name)));
    if picture.length > 10 << 20 {
        warn("larger than 10 MiB, Jira's default limit for attachments".into());
    }
    let pixels = u64::from(header.width) * u64::from(header.height);
    if pixels > 5_000_000 {
        warn(format!(
            "{}.{} megapixels; Jira's default limit is 5",
            pixels.div_ceil(100_000) / 10,
            pixels.div_ceil(100_000) % 10
        ));
    }
    if header.width != header.height {
        let square = crop(header);
        let (width, height) = header.shown_size();
        warn(match square.side < SMALL {
            true => format!(
                "{width} x {height} leaves a square of {} pixels; Jira wants 48 and may refuse it",
                square.side
            ),
            false => format!(
                "{width} x {height} is not square; Jira will be sent the square of {} pixels at {},{}",
                square.side, square.x, square.y
            ),
        });
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(width: u32, height: u32) -> Crop {
        crop(&Header {
            format: Format::Png,
            width,
            height,
            orientation: 1,
            animated: false,
        })
    }

    #[test]
    fn the_crop_is_the_largest_centred_square() {
        for ((width, height), square) in [
            ((256, 256), (256, 0, 0)),
            ((500, 375), (375, 62, 0)),
            ((1024, 1024), (499, 0, 0)),
            ((1024, 768), (374, 63, 0)),
            ((768, 1024), (374, 0, 63)),
            ((49, 49), (49, 0, 0)),
            ((501, 1), (1, 249, 0)),
            ((u32::MAX, u32::MAX), (499, 0, 0)),
        ] {
            let Crop { side, x, y, .. } = cut(width, height);
            assert_eq!((side, x, y), square, "{width} x {height}");
        }
    }

    #[test]
    fn the_crop_stays_inside() {
        for width in 1..700 {
            for height in (1..700).step_by(7) {
                let Crop {
                    width: w,
                    height: h,
                    side,
                    x,
                    y,
                    ..
                } = cut(width, height);
                assert!(w.max(h) <= SHRUNK, "{width} x {height}");
                assert!(
                    side >= 1 && x + side <= w && y + side <= h,
                    "{width} x {height}"
                );
            }
        }
    }
}
