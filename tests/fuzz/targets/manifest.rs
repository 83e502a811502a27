//! Manifests: every problem has a place in the text and a clean message that repeats no secret, what is taken is written
//! and read back as it was, shards are a partition, and what is no JSON is explained.

use std::path::Path;

use avatarctl::plan::manifest::{self, Manifest, Problem};
use avatarctl::plan::written::{self, Account};
use avatarctl::plan::{Selection, json};
use avatarctl::system::avatar::Choice;
use serde::de::IgnoredAny;

const FOLDER: &str = "/folder";

/// What stands behind a key that would hold a secret.
const SECRET: &str = "hunter2-of-the-manifest";

pub(super) fn check(bytes: &[u8]) {
    let text = match manifest::text(bytes.to_vec(), "the manifest") {
        Ok(text) => text,
        Err(error) => return super::assert_error(&error),
    };
    let plain = text.trim_start_matches('\u{feff}');
    if let Some(mistake) = json::mistake(plain) {
        let read = serde_json::from_str::<IgnoredAny>(plain);
        assert!(read.is_err(), "{mistake:?}");
        assert!((1..=lines(plain)).contains(&mistake.line), "{mistake:?}");
        super::assert_clean(&mistake.what);
    }
    // Behind any other key it is a text that a person has to see.
    let mut places = text.match_indices(SECRET);
    let hidden = places.all(|(at, _)| {
        let keys = ["\"password\": \"", "\"token\": \"", "\"hash\": \""];
        keys.iter().any(|key| text[..at].ends_with(key))
    });
    let (read, problems) = manifest::read(&text, Path::new(FOLDER));
    for Problem { place, error } in &problems {
        super::assert_error(error);
        assert!((1..=lines(&text)).contains(&place.line), "{place:?}");
        let shown = hidden && error.message().contains(SECRET);
        assert!(!shown, "{}", error.message());
    }
    if problems.is_empty() {
        assert!(!read.servers.is_empty());
        back(&read);
        shards(&text, read.accounts.len());
    }
}

fn lines(text: &str) -> usize {
    text.matches('\n').count() + 1
}

/// Written and read again it is the same, and written once more the same bytes.
fn back(read: &Manifest) {
    let accounts = |manifest: &Manifest| -> Vec<Account> {
        let entries = manifest.accounts.iter();
        let account = entries.map(|entry| Account {
            server: entry.server,
            target: entry.target.clone(),
            choice: entry.choice.clone(),
        });
        account.collect()
    };
    // A path that is not UTF-8 has no place in JSON; here all of them come from JSON.
    let text = written::text(&read.servers, accounts(read).iter());
    let (again, problems) = manifest::read(&text, Path::new(FOLDER));
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    assert_eq!(
        format!("{:?}", again.servers),
        format!("{:?}", read.servers),
        "{text}"
    );
    let said = |manifest: &Manifest| -> Vec<String> {
        let entries = manifest.accounts.iter();
        let said = entries.map(|entry| {
            let choice = match &entry.choice {
                Choice::File(path) => format!("{}", path.display()),
                other => format!("{other:?}"),
            };
            format!("{} {:?} {choice}", entry.server, entry.target)
        });
        said.collect()
    };
    assert_eq!(said(&again), said(read), "{text}");
    let once_more = written::text(&again.servers, accounts(&again).iter());
    assert_eq!(once_more, text);
}

/// Every account is in one shard.
fn shards(text: &str, accounts: usize) {
    for parts in [1, 2, 3] {
        let mut kept = 0;
        for part in 1..=parts {
            let (mut manifest, _) = manifest::read(text, Path::new(FOLDER));
            let selection = Selection {
                only: None,
                shard: Some((part, parts)),
            };
            selection.keep(&mut manifest).expect("no pattern, no error");
            kept += manifest.accounts.len();
        }
        assert_eq!(kept, accounts);
    }
}
