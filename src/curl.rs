//! A request as the curl command that does the same: one line for a shell, to be read or to be run. Secrets stand
//! in it as the names of variables. Nothing is sent here.

use std::fmt::Write as _;

use crate::http::{AGENT, Body, Client, Request};
use crate::multipart::{Content, Part};

/// One write of several that belong together.
pub struct Step {
    pub request: Request,
    pub cookies: Cookies,
    /// The answer holds the id that a later step names as `$AVATAR_ID`.
    pub answers_id: bool,
    /// Texts in its body for which a variable stands.
    pub variables: Vec<(String, &'static str)>,
}

/// What becomes of the session's cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookies {
    None,
    Keep,
    Send,
}

/// Stands in a body where an id belongs that only an answer tells.
pub const AVATAR_ID: &str = "$AVATAR_ID";

impl Step {
    pub fn new(request: Request) -> Step {
        Step {
            request,
            cookies: Cookies::None,
            answers_id: false,
            variables: Vec::new(),
        }
    }
}

/// A step as it is told.
pub struct Rehearsal {
    pub method: &'static str,
    pub url: String,
    /// Without those that are secret.
    pub headers: Vec<(String, String)>,
    pub curl: String,
}

/// curl announces longer bodies before it sends them, and waits for leave; this program does not. In bytes.
const ANNOUNCED: u64 = 1 << 20;

/// A step as this client would send it.
pub fn rehearse(client: &Client, step: &Step) -> Rehearsal {
    let request = &step.request;
    let url = request.url(client.base());
    let method = request.call.method.name();
    // A form's own header holds its boundary, which curl finds by itself.
    let form = matches!(request.body, Body::Form(_));
    let mut headers = vec![("user-agent".to_owned(), AGENT.to_owned())];
    headers.extend(
        request
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    let content_type = request.body.content_type();
    headers.extend(content_type.map(|value| ("content-type".to_owned(), value)));

    let mut curl = format!("curl -sS{}", way(client));
    // With a body, POST is what curl does by itself.
    if method != "POST" {
        let _ = write!(curl, " -X {method}");
    }
    for option in client.curl() {
        let _ = write!(curl, " {option}");
    }
    for (name, value) in &headers {
        if !(form && name == "content-type") {
            let _ = write!(curl, " -H {}", quoted(&format!("{name}: {value}")));
        }
    }
    if request.body.length() > ANNOUNCED {
        curl.push_str(" -H expect:");
    }
    match step.cookies {
        Cookies::None => {}
        Cookies::Keep => curl.push_str(" -c avatarctl.cookies"),
        Cookies::Send => curl.push_str(" -b avatarctl.cookies"),
    }
    match &request.body {
        Body::Empty => {}
        Body::Json(text) => {
            let _ = write!(curl, " -d {}", with_variables(text, &step.variables));
        }
        Body::Raw(_, content) => {
            let file = format!("@{}", place(content.as_ref()));
            let _ = write!(curl, " --data-binary {}", quoted(&file));
        }
        Body::Form(form) => form.parts.iter().for_each(|part| {
            let _ = write!(curl, " {}", field(part));
        }),
    }
    let _ = write!(curl, " {}", quoted(&url));
    if step.answers_id {
        let find = r#"sed -n 's/.*"id" *: *"*\([0-9]*\).*/\1/p'"#;
        curl = format!("AVATAR_ID=$({curl} | {find})");
    }
    Rehearsal {
        method,
        url,
        headers,
        curl,
    }
}

/// Options of the way to the server.
fn way(client: &Client) -> String {
    let reach = client.reach();
    let trust = &reach.trust;
    let mut files = Vec::new();
    files.extend(trust.ca_file.as_ref().map(|path| ("--cacert", path)));
    if let Some((chain, key)) = &trust.client {
        files.extend([("--cert", chain), ("--key", key)]);
    }
    let mut way = String::new();
    for (option, path) in files {
        let _ = write!(way, " {option} {}", quoted(&path.to_string_lossy()));
    }
    if trust.insecure {
        way.push_str(" -k");
    }
    if let Some(proxy) = &reach.proxy {
        let _ = write!(way, " -x {}", quoted(proxy.address.text()));
        if proxy.login.is_some() {
            way.push_str(" --proxy-user \"$PROXY_USER:$PROXY_PASSWORD\"");
        }
    }
    way
}

/// A part of a form. The file's own name goes in quotes of curl's, within those of the shell.
fn field(part: &Part) -> String {
    match &part.file {
        None => {
            let mut value = String::new();
            // What is not text is no text part of ours.
            if let Ok(mut content) = part.content.open() {
                let _ = std::io::Read::read_to_string(&mut content, &mut value);
            }
            format!(
                "--form-string {}",
                quoted(&format!("{}={value}", part.name))
            )
        }
        Some((filename, media_type)) => {
            let path = place(part.content.as_ref())
                .replace('\\', "\\\\")
                .replace('"', "\\\"");
            let name = &part.name;
            let text = format!("{name}=@\"{path}\";type={media_type};filename={filename}");
            format!("-F {}", quoted(&text))
        }
    }
}

/// Where curl finds a picture; what this program read from standard input, curl reads there.
fn place(content: &dyn Content) -> String {
    match content.path() {
        Some(path) => path.to_string_lossy().into_owned(),
        None => "-".to_owned(),
    }
}

/// One word of a shell's command line.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The same with variables for some of its texts.
fn with_variables(text: &str, variables: &[(String, &'static str)]) -> String {
    variables.iter().fold(quoted(text), |text, (known, name)| {
        text.replace(&known.replace('\'', r"'\''"), &format!("'\"${name}\"'"))
    })
}
