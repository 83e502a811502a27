//! A manifest as text, a line for each server and account: the reader gives the same values back, and the same values
//! give the same bytes. Pure.

use std::path::Path;

use serde_json::Value;

use crate::number::digits;
use crate::plan::manifest::{AVATAR_URL, IMAGE, RESET, Server};
use crate::system::avatar::{Choice, Target};

/// An account as it is declared.
pub struct Account {
    /// Index into the servers.
    pub server: usize,
    pub target: Target,
    pub choice: Choice,
}

/// The manifest of these servers and accounts. Its paths stand there as they are.
pub fn text<'a>(servers: &[Server], accounts: impl Iterator<Item = &'a Account>) -> String {
    let declared = servers.iter().map(|server| {
        let name = Value::from(server.name.as_str());
        format!("    {name}: {}", object(&keys_of(server)))
    });
    let accounts = accounts.map(|account| {
        let server = servers[account.server].name.as_str();
        let keys = [
            ("server", server.into()),
            (account.target.key(), value_of(&account.target)),
            avatar(&account.choice),
        ];
        format!("    {}", object(&keys))
    });
    let [declared, accounts] = [declared.collect::<Vec<_>>(), accounts.collect()];
    let accounts = match accounts.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n{}\n  ]", accounts.join(",\n")),
    };
    format!(
        "{{\n  \"servers\": {{\n{}\n  }},\n  \"accounts\": {accounts}\n}}\n",
        declared.join(",\n")
    )
}

fn keys_of(server: &Server) -> Vec<(&'static str, Value)> {
    let mut keys = vec![
        ("system", server.system.name.into()),
        ("url", server.base.text().into()),
    ];
    if server.prefix != server.system.prefix {
        keys.push(("credentials", server.prefix.as_str().into()));
    }
    if let Some(file) = &server.ca_file {
        keys.push(("ca_file", path(file)));
    }
    if let Some((chain, key)) = &server.client {
        keys.push(("client_cert", path(chain)));
        if key != chain {
            keys.push(("client_key", path(key)));
        }
    }
    if let Some(proxy) = &server.proxy {
        keys.push(("proxy", proxy.as_str().into()));
    }
    keys
}

fn value_of(target: &Target) -> Value {
    match target {
        Target::Caller => true.into(),
        Target::Named { kind, value } if kind.number => number(value),
        Target::Named { value, .. } => value.as_str().into(),
    }
}

fn avatar(choice: &Choice) -> (&'static str, Value) {
    match choice {
        Choice::Preset(preset, id) => (preset.key, id.as_deref().map_or(Value::Null, number)),
        Choice::File(file) => (IMAGE, path(file)),
        Choice::Stdin => (IMAGE, "-".into()),
        Choice::Address(address) => (AVATAR_URL, address.as_str().into()),
        Choice::Generated => (RESET, true.into()),
    }
}

/// A number where the text is one, as people write ids.
fn number(text: &str) -> Value {
    match digits::<u64>(text) {
        Some(number) => number.into(),
        None => text.into(),
    }
}

fn path(path: &Path) -> Value {
    path.to_string_lossy().into()
}

fn object(keys: &[(&str, Value)]) -> String {
    let keys: Vec<String> = keys
        .iter()
        .map(|(key, value)| format!("{}: {value}", Value::from(*key)))
        .collect();
    format!("{{{}}}", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::manifest::{self, Manifest};

    /// What the reader makes of a text, and the text of that.
    fn again(text: &str) -> String {
        let (manifest, problems) = manifest::read(text, Path::new(""));
        let problems: Vec<_> = problems.iter().map(|problem| &problem.error).collect();
        assert!(problems.is_empty(), "{problems:?}");
        let Manifest {
            servers, accounts, ..
        } = manifest;
        let accounts: Vec<Account> = accounts
            .into_iter()
            .map(|entry| Account {
                server: entry.server,
                target: entry.target,
                choice: entry.choice,
            })
            .collect();
        super::text(&servers, accounts.iter())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = r#"{
  "servers": {
    "jira \"1\"": {"system": "jira", "url": "https://jira.example.com/jira"},
    "chat": {"system": "rocketchat", "url": "http://localhost:3000", "credentials": "OTHER", "ca_file": "../ca.pem", "client_cert": "a.pem", "client_key": "b.pem", "proxy": "http://proxy:3128"},
    "fleet": {"system": "navixy", "url": "https://api.example.com/v2", "client_cert": "both.pem"},
    "hs": {"system": "matrix", "url": "https://matrix.example.com"}
  },
  "accounts": [
    {"server": "jira \"1\"", "user": "zoë\n\"", "avatar_id": 24880},
    {"server": "jira \"1\"", "self": true, "image": "jira/%22.png"},
    {"server": "chat", "user_id": "0123", "avatar_url": "http://domain.tld/a.jpg"},
    {"server": "chat", "user": "24880", "reset": true},
    {"server": "fleet", "employee_id": 18446744073709551615, "icon_id": null},
    {"server": "fleet", "employee_id": 2133, "icon_id": 5},
    {"server": "hs", "user": "@robot:example.com", "mxc": "mxc://example.com/abc"}
  ]
}
"#;
        assert_eq!(again(text), text);
    }

    #[test]
    fn a_manifest_may_have_no_account() {
        let text = "{\n  \"servers\": {\n    \"j\": {\"system\": \"jira\", \"url\": \"http://localhost\"}\n  },\n  \"accounts\": []\n}\n";
        assert_eq!(again(text), text);
    }
}
