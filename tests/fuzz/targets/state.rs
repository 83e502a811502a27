//! State files: reading one changes nothing, an error is of the data, opening one to write it keeps all that it says, and
//! what is remembered is read back.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use avatarctl::apply::Look;
use avatarctl::apply::state::{Entry, Journal, Key, LockWait, Memory, State};
use avatarctl::error::Class;
use avatarctl::system::avatar::Target;

pub(super) fn check(bytes: &[u8]) {
    let path = place();
    fs::write(path, bytes).expect("room for a state");
    let loaded = State::load(path);
    assert!(fs::read(path).expect("a state") == bytes);
    let at_once = LockWait {
        timeout: Duration::ZERO,
        on_wait: |_| (),
    };
    let opened = Journal::open(path, &at_once);
    let state = match (loaded, opened) {
        (Ok(state), Ok(journal)) => {
            let key = || Key::new("https://host", &Target::Caller);
            let entry = Entry {
                set: "reset".to_owned(),
                fingerprint: Look::Saw(None),
            };
            let mut memory = Memory::Written(journal);
            memory
                .warnings()
                .iter()
                .for_each(|line| super::assert_clean(line));
            let before = memory.get(&key()).cloned();
            memory.remember(key(), entry.clone()).expect("room");
            assert_eq!(memory.get(&key()), Some(&entry));
            drop(memory);
            let mut memory = Memory::Written(Journal::open(path, &at_once).expect("the same"));
            assert_eq!(memory.get(&key()), Some(&entry));
            assert!(memory.warnings().is_empty());
            // Without it all is as before.
            match before {
                Some(before) => memory.remember(key(), before).expect("room"),
                None => memory.forget(&key()).expect("room"),
            }
            state
        }
        (Err(one), Err(other)) => {
            super::assert_error(&one);
            assert_eq!(one.class, Class::Data, "{one}");
            assert_eq!(one.message(), other.message());
            assert!(fs::read(path).expect("a state") == bytes);
            return;
        }
        (one, other) => panic!("read: {:?}, opened: {:?}", one.err(), other.err()),
    };
    let again = State::load(path).expect("what was written can be read");
    assert_eq!(entries(&again), entries(&state));
    let text = fs::read(path).expect("a state");
    assert!(text.is_empty() || text.ends_with(b"\n"));
}

/// What a state says, without how long its file is.
fn entries(state: &State) -> String {
    let text = format!("{state:?}");
    let end = text.rfind(", lines: ").expect("a field of it");
    text[..end].to_owned()
}

fn place() -> &'static PathBuf {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| super::own_file("state"))
}
