//! What a manifest has to say of an account so that it shows again what it shows now, and which picture is kept beside
//! it. Pure.

use crate::error::{Class, Error, Result};
use crate::picture::header::Header;
use crate::picture::received::{Image, Kind};
use crate::system::avatar::Avatar;
use crate::system::shown::{Face, Origin, Restore, Shown};

/// What becomes of what an account shows.
pub(super) struct Declaration {
    pub(super) declared: Declared,
    /// The picture that is kept.
    pub(super) image: Option<Image>,
    /// Why the picture is not kept, where it should be and the manifest does without.
    pub(super) unreadable: Option<Error>,
    pub(super) warnings: Vec<String>,
}

/// What the manifest says.
pub(super) enum Declared {
    Avatar(Avatar),
    /// The picture that is kept, with what its header says.
    Picture(Header),
    /// Nothing: the account is left out.
    Nothing,
}

/// Decides by what is shown; `as_images` asks for a picture even where an id would do.
///
/// Errors: that of reading the picture, and target or data, if the manifest needs one that is not there or cannot be
/// sent.
pub(super) fn declaration(shown: Shown, as_images: bool) -> Result<Declaration> {
    let Shown {
        origin,
        face,
        restore,
        mut warnings,
    } = shown;
    let needed = match &restore {
        Restore::Picture => true,
        // What shows no avatar of its own needs no picture on another server, either.
        Restore::Avatar(avatar) => as_images && matches!(avatar, Avatar::Preset(_, Some(_))),
        Restore::Nothing(_) => false,
    };
    let mut unreadable = None;
    let image = match face {
        Face::Read(image) if matches!(origin, Origin::Uploaded | Origin::Default) => Ok(image),
        Face::Read(_) => Err(format!("what shows is {}", origin.name())),
        Face::Absent(why) => Err(why),
        Face::Unreadable(error) if needed => return Err(error),
        Face::Unreadable(error) => {
            unreadable = Some(error);
            Err(String::new())
        }
    };
    let declared = match (restore, &image) {
        (Restore::Nothing(why), _) => {
            warnings.push(left_out(&why));
            Declared::Nothing
        }
        (Restore::Avatar(avatar), _) if !needed => Declared::Avatar(avatar),
        (_, Err(why)) => {
            let what = format!("there is no picture: {why}");
            return Err(Error::new(Class::Target, what));
        }
        (_, Ok(image)) => match image.kind {
            Kind::Raster(header) => Declared::Picture(header),
            Kind::Svg if as_images => return Err(Error::new(Class::Data, DRAWING)),
            Kind::Svg => {
                warnings.push(left_out(DRAWING));
                Declared::Nothing
            }
        },
    };
    Ok(Declaration {
        declared,
        image: image.ok(),
        unreadable,
        warnings,
    })
}

const DRAWING: &str = "the picture is a drawing (SVG), which is never sent";

fn left_out(why: &str) -> String {
    format!("left out of the manifest: {why}")
}
