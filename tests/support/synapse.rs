//! The real homeserver that `tests/synapse.sh` runs: one for all tests of this process, which ends with it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

use super::server::Heard;

pub struct Synapse {
    /// `127.0.0.1:PORT`
    address: String,
    pub admin: String,
    pub service: String,
    /// The script, which serves until its standard input closes: when this process ends.
    _script: Child,
}

/// The homeserver, started when it is first asked for; none where tests shall do without.
pub fn synapse() -> Option<&'static Synapse> {
    static SERVER: LazyLock<Option<Synapse>> = LazyLock::new(start);
    SERVER.as_ref()
}

fn start() -> Option<Synapse> {
    if std::env::var_os("AVATARCTL_TESTS_WITHOUT_SYNAPSE").is_some() {
        return None;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/synapse.sh");
    let mut script = Command::new("sh")
        .args([path, "serve"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell starts");
    let mut text = String::new();
    let mut stdout = script.stdout.take().expect("stdout is a pipe");
    stdout.read_to_string(&mut text).expect("a text");
    let value = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        let found = lines.into_iter().find(|(known, _)| *known == name);
        let (_, value) = found.unwrap_or_else(|| {
            panic!(
                "tests/synapse.sh serve gives no {name}; set AVATARCTL_TESTS_WITHOUT_SYNAPSE to do without these tests"
            )
        });
        value.to_owned()
    };
    Some(Synapse {
        address: value("MATRIX_URL").replace("http://", ""),
        admin: value("MATRIX_ADMIN_TOKEN"),
        service: value("MATRIX_SERVICE_TOKEN"),
        _script: script,
    })
}

impl Synapse {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// One request by hand, with a token or none: `METHOD target`, a body and its type. In the old version of HTTP,
    /// whose answers come in one piece.
    pub fn ask(&self, line: &str, token: &str, kind: &str, body: &[u8]) -> Heard {
        let mut head = format!(
            "{line} HTTP/1.0\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n",
            self.address,
            body.len()
        );
        if !token.is_empty() {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        let mut socket = TcpStream::connect(&self.address).expect("the homeserver accepts");
        socket
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a time is set");
        socket
            .write_all(&[head.as_bytes(), b"\r\n", body].concat())
            .expect("the homeserver reads");
        let mut answer = Vec::new();
        socket
            .read_to_end(&mut answer)
            .expect("the homeserver answers");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = answer.split_at(end.expect("a head") + 4);
        let head = String::from_utf8_lossy(head).trim_end().to_owned();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        Heard {
            status: status.unwrap_or_default(),
            head,
            // Bytes of a picture as characters of the same numbers, so that none is lost.
            body: body.iter().copied().map(char::from).collect(),
        }
    }

    /// The same with JSON, for what must succeed.
    #[track_caller]
    pub fn call(&self, line: &str, token: &str, body: &Value) -> Value {
        let heard = self.ask(line, token, "application/json", body.to_string().as_bytes());
        assert!((200..300).contains(&heard.status), "{line}: {heard:?}");
        heard.json()
    }
}
