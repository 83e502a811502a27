//! Tests of what is read out of a state file: which line wins, and what damage is forgiven.

use super::*;

fn parse(text: &str) -> std::result::Result<State, String> {
    State::parse(text.as_bytes(), Path::new("s")).map_err(|error| error.message())
}

fn robot() -> Key {
    Key {
        server: "jira".into(),
        by: "user".into(),
        account: "robot".into(),
    }
}

const A: &str = r#"{"v":1,"server":"jira","by":"user","account":"robot","set":"avatar_id:5","fingerprint":"5","time":"x"}"#;
const B: &str =
    r#"{"v":1,"server":"jira","by":"user","account":"robot","set":"sha256:ab","time":"x"}"#;
const C: &str = r#"{"v":1,"server":"jira","by":"user","account":"robot","set":"reset","fingerprint":null,"time":"x"}"#;

#[test]
fn the_last_line_wins() {
    for (text, set, fingerprint) in [
        (
            format!("{A}\n"),
            "avatar_id:5",
            Look::Saw(Some("5".to_owned())),
        ),
        (format!("{A}\n{B}\n"), "sha256:ab", Look::NotTaken),
        (format!("{A}\n{B}\n{C}\n"), "reset", Look::Saw(None)),
        (format!("{A}\n{C}"), "reset", Look::Saw(None)),
    ] {
        let state = parse(&text).unwrap();
        let entry = state.get(&robot()).unwrap();
        assert_eq!(entry.set, set);
        assert_eq!(entry.fingerprint, fingerprint);
        assert!(state.warnings.is_empty());
    }
}

#[test]
fn an_account_that_is_not_known_any_more_is_none() {
    let gone =
        r#"{"v":1,"server":"jira","by":"user","account":"robot","set":"unknown","time":"x"}"#;
    for (text, set) in [
        (format!("{gone}\n"), None),
        (format!("{A}\n{gone}\n"), None),
        (format!("{A}\n{gone}\n{C}\n"), Some("reset")),
    ] {
        let state = parse(&text).unwrap();
        let found = state.get(&robot()).map(|entry| entry.set.as_str());
        assert_eq!(found, set);
    }
}

#[test]
fn a_torn_end_is_dropped_wherever_it_is_torn() {
    for end in 1..B.len() {
        let state = parse(&format!("{A}\n{}", &B[..end])).unwrap();
        assert_eq!(state.get(&robot()).unwrap().set, "avatar_id:5");
        assert_eq!(
            state.warnings,
            ["the state file \"s\" ends in a torn line, which is dropped"]
        );
        assert_eq!(state.whole, A.len() as u64 + 1);
    }
}

#[test]
fn a_torn_end_behind_whole_lines_may_have_another_order() {
    let torn = "{\"account\":\"robot\",\"se";
    assert_eq!(parse(&format!("{A}\n{torn}")).unwrap().warnings.len(), 1);
    assert_eq!(
        parse(torn).unwrap_err(),
        "the state file \"s\" is damaged in line 1"
    );
}

#[test]
fn other_damage_is_an_error() {
    assert_eq!(
        parse(&format!("{A}\nx\n{B}\n")).unwrap_err(),
        "the state file \"s\" is damaged in line 2"
    );
    assert_eq!(
        parse("{}\n").unwrap_err(),
        "the state file \"s\" is damaged in line 1"
    );
    assert_eq!(
        parse("{\"v\":2,\"what\":\"ever\"}\n").unwrap_err(),
        "the state file \"s\" is of a newer version in line 1"
    );
}
