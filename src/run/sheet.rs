//! The contact sheet of an account: a page of every avatar on offer with its picture, read one after the other.

use std::path::Path;

use crate::error::Result;
use crate::file::output;
use crate::report::page::Server;
use crate::report::page::album::Album;
use crate::report::page::sheet::{self, Sheet};
use crate::report::{Report, Subject};
use crate::system::avatar::Seen;
use crate::system::session::Session;
use crate::time;

/// Writes the page. Pictures that cannot be read have a place all the same, and one warning.
///
/// Errors: input, about the file.
pub(super) fn write(
    page: &Path,
    session: &mut Session,
    seen: &Seen,
    subject: &Subject,
    report: &Report,
) -> Result<()> {
    let system = session.system;
    let read = system.preset_picture.how();
    let read = read.expect("what is on offer by its id has a picture");
    let mut album = Album::new(page.to_owned());
    let mut failures = Vec::new();
    for offer in &seen.offers {
        let image = read(session, seen, &offer.id);
        failures.extend(image.as_ref().err().map(|error| error.message()));
        album.preset(subject.label, &offer.id, image);
    }
    if let Some(first) = failures.first() {
        let (some, all) = (failures.len(), seen.offers.len());
        report.warning(
            subject,
            &format!("{some} of {all} pictures cannot be read: {first}"),
        );
    }
    let sheet = Sheet {
        server: Server {
            name: subject.label,
            url: subject.server.unwrap_or_default(),
            system,
        },
        seen,
        now: time::now(),
    };
    output::write(page, &mut |out| sheet::write(out, &sheet, &mut album))
}
