//! The files that are written at the end of a batch, with hostile names: whatever the names are, the marks of the page
//! and of the JUnit file are those of the same batch with harmless names, and nothing in them deceives a reader.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use avatarctl::apply::diff::Verdict;
use avatarctl::apply::{Changed, Look, Outcome};
use avatarctl::error::{Class, Error};
use avatarctl::picture::Picture;
use avatarctl::report::junit;
use avatarctl::report::page::album::Album;
use avatarctl::report::page::{self, Run, Server, sheet};
use avatarctl::report::record::Record;
use avatarctl::system::avatar::{Avatar, Offer, Seen, Target};
use avatarctl::system::{ALL, System};
use avatarctl::terminal::is_deceptive;

/// The first byte chooses, the rest are names.
pub(super) fn check(bytes: &[u8]) {
    let (chosen, names) = bytes.split_first().unwrap_or((&0, &[]));
    let hostile: [String; 6] = super::texts(names);
    // As long and as wide, because a page may be laid out by that.
    let harmless = hostile
        .each_ref()
        .map(|name| name.chars().map(|_| 'x').collect::<String>());
    for write in [on_page, on_sheet, in_junit] {
        let (text, wanted) = (write(*chosen, &hostile), write(*chosen, &harmless));
        let bad = text.chars().find(|c| is_deceptive(*c) && *c != '\n');
        assert_eq!(bad, None, "{text}");
        assert_eq!(marks(&text), marks(&wanted), "{hostile:?}\n{text}");
    }
}

/// What makes a page: the characters that begin and end tags, texts and entities, and what stands directly behind the
/// beginning of a tag.
fn marks(text: &str) -> String {
    let mut marks = String::new();
    for (at, c) in text.char_indices() {
        if matches!(c, '<' | '>' | '"' | '\'') {
            marks.push(c);
        }
        if c == '<' {
            let name = text[at + 1..].split([' ', '>', '\n']).next();
            marks.push_str(name.unwrap_or_default());
        }
    }
    marks
}

fn system(chosen: u8) -> &'static System {
    ALL[usize::from(chosen) % ALL.len()]
}

fn records(chosen: u8, names: &[String; 6]) -> Vec<Record> {
    let system = system(chosen);
    let [account, server, picture, value, warning, said] = names;
    let mut shown = Picture::test();
    shown.name.clone_from(picture);
    let mut avatars = vec![
        Avatar::Picture(Rc::new(shown)),
        Avatar::Address(value.clone()),
        Avatar::Generated,
    ];
    avatars.extend(
        system
            .preset
            .map(|preset| Avatar::Preset(preset, Some(value.clone()))),
    );
    let error = || {
        let error = Error::new(Class::Protocol, format!("the server said {said}"));
        error
            .about(account.clone())
            .said(Some(said.clone()))
            .hint(said.clone())
    };
    let outcomes = || {
        let look = Look::Saw(Some(value.clone()));
        vec![
            Some(Outcome::Changed(Changed {
                before: look,
                after: Some(said.clone()),
                verified: chosen & 8 != 0,
                pruned: None,
            })),
            Some(Outcome::Unchanged {
                shown: Some(value.clone()),
                verified: true,
            }),
            Some(Outcome::Pending {
                verdict: Verdict::Drifted,
                shown: Some(value.clone()),
            }),
            Some(Outcome::Failed(error())),
            Some(Outcome::Skipped(said.clone())),
            None,
        ]
    };
    let records = avatars.iter().flat_map(|avatar| {
        outcomes().into_iter().map(|outcome| Record {
            system,
            server: server.clone(),
            target: Target::Named {
                kind: &system.targets[0],
                value: account.clone(),
            },
            account: account.clone(),
            avatar: avatar.clone(),
            outcome,
            warnings: vec![warning.clone(), format!("{picture}: {warning}")],
        })
    });
    // A page of a few is laid out otherwise.
    records
        .take(if chosen & 16 != 0 { 3 } else { usize::MAX })
        .collect()
}

fn on_page(chosen: u8, names: &[String; 6]) -> String {
    let run = Run {
        action: "apply",
        manifest: names[2].clone(),
        totals: &names[5],
        now: 1_795_224_000,
        took: Duration::from_secs(1),
        servers: vec![server(chosen, names)],
    };
    let mut album = Album::new(PathBuf::from("page.html"));
    let failure = || Error::new(Class::Target, names[5].clone());
    let target = Target::Named {
        kind: &system(chosen).targets[0],
        value: names[0].clone(),
    };
    album.shown(&names[1], &target, Err(failure()));
    album.preset(&names[1], &names[3], Err(failure()));
    let mut out = Vec::new();
    page::write(&mut out, &run, &records(chosen, names), &mut album).expect("memory takes it");
    String::from_utf8(out).expect("a page is text")
}

fn server(chosen: u8, names: &[String; 6]) -> Server<'_> {
    Server {
        name: &names[1],
        url: "https://host/path",
        system: system(chosen),
    }
}

fn on_sheet(chosen: u8, names: &[String; 6]) -> String {
    let offers = [true, false].map(|system| Offer {
        id: names[3].clone(),
        system,
        selected: system,
        owner: Some(names[0].clone()),
        urls: [(names[4].clone(), names[5].clone())].into(),
    });
    let seen = Seen {
        account: names[0].clone(),
        id: None,
        name: None,
        fingerprint: Some(names[3].clone()),
        offers: offers.into(),
        details: Vec::new(),
    };
    let sheet = sheet::Sheet {
        server: server(chosen, names),
        seen: &seen,
        now: 1_795_224_000,
    };
    let mut album = Album::new(PathBuf::from("page.html"));
    let mut out = Vec::new();
    sheet::write(&mut out, &sheet, &mut album).expect("memory takes it");
    String::from_utf8(out).expect("a page is text")
}

fn in_junit(chosen: u8, names: &[String; 6]) -> String {
    let mut out = Vec::new();
    junit::write(&mut out, "apply", &records(chosen, names)).expect("memory takes it");
    String::from_utf8(out).expect("XML is text")
}
