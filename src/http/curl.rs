//! A request as the curl command that does the same: one line for a shell, to be read or to be run. Secrets stand
//! in it as the names of variables. Nothing is sent here.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::http::multipart::Part;
use crate::http::{AGENT, Body, Client, Request};
use crate::picture::content::Content;
use crate::terminal::is_deceptive;

/// One request of a write, and what its curl command needs beside it.
pub struct Step {
    pub request: Request,
    /// More options of curl for this request, each with a blank before it.
    pub options: String,
    /// A shell variable for a later step, and the filter that finds its value in the answer.
    pub sets: Option<(&'static str, &'static str)>,
    /// What follows the command on its line.
    pub after: String,
    /// Texts in the body that become variables in the command, each with the name of its variable.
    pub variables: Vec<(String, String)>,
}

impl Step {
    pub fn new(request: Request) -> Step {
        Step {
            request,
            options: String::new(),
            sets: None,
            after: String::new(),
            variables: Vec::new(),
        }
    }
}

/// A step as a dry run shows it.
pub struct PlannedRequest {
    pub method: &'static str,
    pub url: String,
    /// Without the secret ones.
    pub headers: Vec<(String, String)>,
    pub curl: String,
    /// The names of the variables that must be set before `curl` is run.
    pub variables: Vec<String>,
}

/// Steps as this client would send them. A variable that one of the steps sets need not be set before.
pub fn dry_run(client: &Client, steps: &[Step]) -> Vec<PlannedRequest> {
    let set: Vec<&str> = steps
        .iter()
        .filter_map(|step| step.sets.map(|(name, _)| name))
        .collect();
    let mut planned: Vec<_> = steps.iter().map(|step| plan(client, step)).collect();
    for request in &mut planned {
        request
            .variables
            .retain(|name| !set.contains(&name.as_str()));
    }
    planned
}

fn plan(client: &Client, step: &Step) -> PlannedRequest {
    let request = &step.request;
    let url = request.url(client.base());
    let headers = headers(request);
    let mut curl = command(client, step, &url, &headers);
    if let Some((name, filter)) = step.sets {
        curl = format!("{name}=$({curl} | {filter})");
    }
    curl.push_str(&step.after);
    let mut variables: Vec<String> = client.curl().flat_map(named).collect();
    if has_proxy_login(client) {
        variables.extend(named(PROXY_LOGIN));
    }
    variables.extend(step.variables.iter().map(|(_, name)| name.clone()));
    PlannedRequest {
        method: request.call.method.name(),
        url,
        headers,
        curl,
        variables,
    }
}

/// The headers that may be shown.
fn headers(request: &Request) -> Vec<(String, String)> {
    let own = request.headers.iter();
    let own = own.map(|(name, value)| (*name, value.clone()));
    let of_body = request.body.content_type();
    let of_body = of_body.map(|value| ("content-type", value));
    let all = [("user-agent", AGENT.to_owned())].into_iter();
    let all = all.chain(own).chain(of_body);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn command(client: &Client, step: &Step, url: &str, headers: &[(String, String)]) -> String {
    let request = &step.request;
    let mut curl = format!("curl -fsS{}{}", literally(url), connection_options(client));
    let method = request.call.method.name();
    // With a body, POST is what curl does by itself.
    if method != "POST" {
        let _ = write!(curl, " -X {method}");
    }
    for option in client.curl() {
        let _ = write!(curl, " {option}");
    }
    // A form's own header holds its boundary, which curl finds by itself.
    let form = matches!(request.body, Body::Form(_));
    for (name, value) in headers {
        if !(form && name == "content-type") {
            let _ = write!(curl, " -H {}", quoted(format!("{name}: {value}")));
        }
    }
    // curl announces a longer body and waits for leave; from which length on depends on its version. This program
    // announces none.
    if matches!(request.body, Body::Raw(..) | Body::Form(_)) {
        curl.push_str(" -H expect:");
    }
    curl.push_str(&step.options);
    match &request.body {
        Body::Empty => {}
        Body::Json(text) => {
            let _ = write!(curl, " -d {}", with_variables(text, &step.variables));
        }
        Body::Raw(_, content) => {
            let file = [b"@", place(content.as_ref())].concat();
            let _ = write!(curl, " --data-binary {}", quoted(file));
        }
        Body::Form(form) => form.parts.iter().for_each(|part| {
            let _ = write!(curl, " {}", field(part));
        }),
    }
    let _ = write!(curl, " {}", quoted(url));
    curl
}

fn has_proxy_login(client: &Client) -> bool {
    let proxy = client.reach().proxy.as_ref();
    proxy.is_some_and(|proxy| proxy.login.is_some())
}

/// The option of curl for the login of a proxy.
const PROXY_LOGIN: &str = "--proxy-user \"$PROXY_USER:$PROXY_PASSWORD\"";

/// The names of the variables in an option.
fn named(option: &str) -> impl Iterator<Item = String> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    option
        .split('$')
        .skip(1)
        .map(move |rest| rest.chars().take_while(|c| part(*c)).collect())
}

/// Options for an address in which curl would expand `[1-2]` or resolve `/../`.
fn literally(url: &str) -> String {
    let mut options = String::new();
    if url.contains(['[', ']']) {
        options.push_str(" -g");
    }
    if url.contains("/.") {
        options.push_str(" --path-as-is");
    }
    options
}

/// Options for trust, client certificate and proxy.
fn connection_options(client: &Client) -> String {
    let reach = client.reach();
    let trust = &reach.trust;
    let mut files = Vec::new();
    let bytes = |path: &PathBuf| path.as_os_str().as_bytes().to_vec();
    files.extend(trust.ca_file.iter().map(|path| ("--cacert", bytes(path))));
    if let Some((chain, key)) = &trust.client {
        // Behind a colon curl looks for the key's password.
        files.push(("--cert", escaped(&bytes(chain), b"\\:")));
        files.push(("--key", bytes(key)));
    }
    let mut options = String::new();
    for (option, path) in files {
        let _ = write!(options, " {option} {}", quoted(path));
    }
    if trust.insecure {
        options.push_str(" -k");
    }
    if let Some(proxy) = &reach.proxy {
        let _ = write!(options, " -x {}", quoted(proxy.address.text()));
        if has_proxy_login(client) {
            let _ = write!(options, " {PROXY_LOGIN}");
        }
    }
    options
}

/// The option for a part of a form. curl wants the path of a file in quotes of its own, within those of the shell.
fn field(part: &Part) -> String {
    match &part.file {
        None => {
            let mut value = String::new();
            // What is not text is no text part of ours.
            if let Ok(mut content) = part.content.open() {
                let _ = std::io::Read::read_to_string(&mut content, &mut value);
            }
            format!("--form-string {}", quoted(format!("{}={value}", part.name)))
        }
        Some((filename, media_type)) => {
            let path = escaped(place(part.content.as_ref()), b"\\\"");
            let head = format!("{}=@\"", part.name);
            let tail = format!("\";type={media_type};filename={filename}");
            let text = [head.as_bytes(), &path, tail.as_bytes()].concat();
            format!("-F {}", quoted(text))
        }
    }
}

/// The path of a picture, for curl; `-` if this program read it from standard input.
fn place(content: &dyn Content) -> &[u8] {
    match content.path() {
        Some(path) => path.as_os_str().as_bytes(),
        None => b"-",
    }
}

/// The text with a backslash before each of the special bytes.
fn escaped(text: &[u8], special: &[u8]) -> Vec<u8> {
    let escape = |byte: &u8| match special.contains(byte) {
        true => vec![b'\\', *byte],
        false => vec![*byte],
    };
    text.iter().flat_map(escape).collect()
}

/// The text as one word of a shell's command line, and without line ends: what is not UTF-8, and what a terminal
/// would obey, is written by `printf`.
pub fn quoted(text: impl AsRef<[u8]>) -> String {
    let bytes = text.as_ref();
    let plain = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_deceptive));
    if plain {
        let text = String::from_utf8_lossy(bytes);
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut format = String::new();
    let octal = |format: &mut String, bytes: &[u8]| {
        for byte in bytes {
            let _ = write!(format, "\\{byte:03o}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '%' => format.push_str("%%"),
                '\\' => format.push_str(r"\\"),
                '\'' => format.push_str(r"'\''"),
                // An interactive shell would look for it in its history.
                '!' => octal(&mut format, b"!"),
                // No option of printf.
                '-' if format.is_empty() => octal(&mut format, b"-"),
                c if is_deceptive(c) => octal(&mut format, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => format.push(c),
            }
        }
        octal(&mut format, chunk.invalid());
    }
    format!("\"$(printf '{format}')\"")
}

/// The same with `"$NAME"` for each text that has a variable.
fn with_variables(text: &str, variables: &[(String, String)]) -> String {
    let Some(((known, name), others)) = variables.split_first() else {
        return quoted(text);
    };
    let pieces: Vec<String> = text
        .split(known.as_str())
        .map(|piece| with_variables(piece, others))
        .collect();
    pieces.join(&format!("\"${name}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_literally() {
        assert_eq!(literally("https://host/chat"), "");
        assert_eq!(literally("https://[::1]/chat"), " -g");
        assert_eq!(literally("https://host/a[1-2]/../b"), " -g --path-as-is");
    }

    #[test]
    fn a_word_is_one_word_on_one_line() {
        for (text, word) in [
            (&b"it's $HOME"[..], r"'it'\''s $HOME'"),
            (b"", "''"),
            (b"a\nb%c\\d'e", r#""$(printf 'a\012b%%c\\d'\''e')""#),
            (b"-x\xff", r#""$(printf '\055x\377')""#),
            (b"\x1b!", r#""$(printf '\033\041')""#),
            ("\u{202e}1".as_bytes(), r#""$(printf '\342\200\2561')""#),
        ] {
            assert_eq!(quoted(text), word);
        }
    }

    #[test]
    fn variables_stand_between_the_words() {
        let variables = [("X", "A"), ("Y", "B")].map(|(text, name)| (text.into(), name.into()));
        let text = with_variables("aXb'Y", &variables);
        assert_eq!(text, r#"'a'"$A"'b'\'''"$B"''"#);
    }
}
