//! A contact sheet: every avatar that an account can be given by its id, with its picture, and the id to be copied.

use std::io::{self, Write};

use crate::report::escape::escape;
use crate::report::page::album::{Album, View};
use crate::report::page::embed::Classes;
use crate::report::page::{Server, begin, facts, link, moment, on_ground, size};
use crate::report::words::plural;
use crate::system::System;
use crate::system::avatar::{Offer, Seen};

/// What a contact sheet shows.
pub struct Sheet<'a> {
    pub server: Server<'a>,
    /// The account, and what is on offer for it.
    pub seen: &'a Seen,
    /// In seconds since 1970.
    pub now: u64,
}

/// Writes the page.
pub fn write(out: &mut dyn Write, sheet: &Sheet, album: &mut Album) -> io::Result<()> {
    let Sheet { server, seen, now } = sheet;
    begin(out, &format!("avatars of {}", seen.account))?;
    let mut classes = Classes::default();
    for offer in &seen.offers {
        let view = album.of_preset(server.name, &offer.id);
        if let Some(digest) = view.and_then(View::digest) {
            classes.received(out, album, digest)?;
        }
    }
    let own = seen.offers.iter().filter(|offer| !offer.system).count();
    let selected = seen.offers.iter().find(|offer| offer.selected);
    let selected = selected.map_or("none".to_owned(), |offer| escape(&offer.id));
    writeln!(
        out,
        "</style>\n<header>\n<h1>avatars of {}</h1>\n<p class=\"totals\">{}, {own} custom; {selected} selected</p>",
        escape(&seen.account),
        plural(seen.offers.len(), "avatar"),
    )?;
    facts(out, &[("server", link(server)), ("time", moment(*now))])?;
    writeln!(
        out,
        "{}</header>\n<main>\n<div class=\"grid sheet\">",
        commands(server.system)
    )?;
    for offer in &seen.offers {
        let view = album.of_preset(server.name, &offer.id);
        figure(out, server.system, offer, view, &classes)?;
    }
    writeln!(out, "</div>\n</main>\n</html>")
}

/// What the ids are good for.
fn commands(system: &System) -> String {
    let target = system.targets.first();
    let target = target.map_or(String::new(), |kind| {
        format!(" {} {}", kind.flag, kind.value)
    });
    let command = |verb: &str, does: &str| {
        let preset = system.preset?;
        let (flag, value) = (preset.flag, preset.value);
        let name = system.name;
        Some(format!(
            "<p class=\"hint\"><code>avatarctl {name} {verb}{target} {flag} {value}</code> {does}</p>\n"
        ))
    };
    let set = command("set", "selects one");
    let delete = system.delete.how();
    let delete =
        delete.and_then(|_| command("delete", "deletes a custom one that is not selected"));
    set.into_iter().chain(delete).collect()
}

fn figure(
    out: &mut dyn Write,
    system: &System,
    offer: &Offer,
    view: Option<&View>,
    classes: &Classes,
) -> io::Result<()> {
    let id = escape(&offer.id);
    let picture = match view {
        Some(View::Picture(digest)) => format!(
            "<div class=\"strip {}\" role=\"img\" aria-label=\"avatar {id}\">{}{}</div>",
            classes.of(*digest),
            on_ground("light", "square", &size(96)),
            on_ground("dark", "round", &size(48))
        ),
        Some(View::Without(why)) => format!("<div class=\"why\">{}</div>", escape(why)),
        None => String::new(),
    };
    let mut words = vec![offer.kind()];
    if offer.selected {
        words.push("selected");
    }
    if system.delete.how().is_some() && !offer.system && !offer.selected {
        words.push("may be deleted");
    }
    let kind = if offer.selected {
        " class=\"selected\""
    } else {
        ""
    };
    writeln!(
        out,
        "<figure{kind}>\n{picture}\n<figcaption><code class=\"id\">{id}</code> {}</figcaption>\n</figure>",
        words.join(", ")
    )
}
