//! Files with logins: what is found can be sent, errors name no password, and neither a comment nor the entry of another
//! host in front changes anything.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use avatarctl::settings::environment::Environment;
use avatarctl::settings::netrc::Netrc;

const HOST: &str = "jira.example.com";

/// The first text is the wanted login, if it is not empty; the rest is the file.
pub(super) fn check(bytes: &[u8]) {
    let [login, text] = super::texts(bytes);
    let login = (!login.is_empty()).then_some(login.as_str());
    let found = pair(text.as_bytes(), login);
    let comment = format!("# machine {HOST} login a password b\n{text}");
    assert_eq!(found, pair(comment.as_bytes(), login), "with a comment");
    let other = format!("machine other.example.com\n\tlogin a\n\tpassword b\n{text}");
    assert_eq!(found, pair(other.as_bytes(), login), "with another host");
    if let (Ok(Some((Some(found), _))), Some(wanted)) = (&found, login) {
        assert_eq!(found, wanted);
    }
}

type Pair = Option<(Option<String>, String)>;

fn pair(text: &[u8], login: Option<&str>) -> Result<Pair, String> {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    let path = PLACE.get_or_init(|| super::own_file("netrc"));
    fs::write(path, text).expect("room for a file");
    let environment = Environment::new([]);
    let netrc = Netrc::named(Some(path), &environment, HOST).expect("no variable is wrong");
    match netrc.pair(login, &environment) {
        Ok(None) => Ok(None),
        Ok(Some((name, password))) => {
            for secret in name.iter().chain([&password]) {
                let text = secret.expose();
                assert!(
                    !text.is_empty() && !text.chars().any(char::is_control),
                    "{text:?}"
                );
            }
            let name = name.map(|name| name.expose().to_owned());
            Ok(Some((name, password.expose().to_owned())))
        }
        Err(error) => {
            super::assert_error(&error);
            let message = error.message();
            assert!(message.contains("netrc file"), "{message}");
            // A fixed text each: none has room for what the file holds.
            assert!(message.len() < 120, "{message}");
            Err(message)
        }
    }
}
