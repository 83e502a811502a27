//! Tests of the comparison, one row for each case: what is shown, what was proven, and the verdict.

use super::*;
use crate::system::find;

fn entry(set: &str, fingerprint: Look) -> Option<Entry> {
    let set = set.to_owned();
    Some(Entry { set, fingerprint })
}

fn saw(fingerprint: &str) -> Look {
    Look::Saw(Some(fingerprint.to_owned()))
}

#[test]
fn presets_need_no_state() {
    let jira = find("jira").unwrap();
    let avatar = Avatar::Preset(jira.preset.unwrap(), Some("5".into()));
    for (shown, proven, verdict) in [
        (Some("5"), None, Verdict::Same),
        (Some("5"), entry("avatar_id:7", saw("7")), Verdict::Same),
        (Some("7"), None, Verdict::Wanted),
        (None, None, Verdict::Wanted),
        (Some("7"), entry("avatar_id:7", saw("7")), Verdict::Wanted),
        (Some("7"), entry("avatar_id:5", saw("5")), Verdict::Drifted),
        (
            Some("7"),
            entry("avatar_id:5", Look::NotTaken),
            Verdict::Wanted,
        ),
    ] {
        assert_eq!(
            compare(jira, &avatar, shown, proven.as_ref()),
            verdict,
            "{shown:?} {proven:?}"
        );
    }
}

#[test]
fn addresses_and_pictures_are_known_by_their_proof() {
    let chat = find("rocketchat").unwrap();
    let avatar = Avatar::Address("http://a.example/b.png?key=secret".into());
    let ours = desired_key(&avatar);
    assert!(!ours.contains("secret"));
    for (shown, proven, verdict) in [
        (Some("e1"), None, Verdict::Unknown),
        (None, None, Verdict::Unknown),
        (Some("e1"), entry(&ours, saw("e1")), Verdict::Same),
        (Some("e1"), entry(&ours, Look::NotTaken), Verdict::Same),
        (None, entry(&ours, Look::NotTaken), Verdict::Unknown),
        (Some("e2"), entry(&ours, saw("e1")), Verdict::Drifted),
        (None, entry(&ours, saw("e1")), Verdict::Drifted),
        (Some("e1"), entry("sha256:00", saw("e1")), Verdict::Wanted),
        (
            Some("e1"),
            entry("reset", Look::Saw(None)),
            Verdict::Drifted,
        ),
    ] {
        assert_eq!(
            compare(chat, &avatar, shown, proven.as_ref()),
            verdict,
            "{shown:?} {proven:?}"
        );
    }
}
