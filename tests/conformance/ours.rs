//! The program's own parts, to be held against what others wrote.
//!
//!     ours forms DIR [--short]   forms of its writer: each as NAME.body, and NAME.json with its type and what is in it
//!     ours crate DIR             what the `multipart` crate finds in each, as JSON Lines
//!     ours headers DIR           what the headers of each picture of a folder say, as JSON Lines
//!
//! Every form is made by rule, so that a difference can be looked at again.
#![allow(clippy::disallowed_methods)] // A program of its own: it ends with its own status.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use avatarctl::http::multipart::Form;
use avatarctl::picture::header::inspect;
use multipart::server::Multipart;
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let words = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let outcome = match &words[..] {
        ["forms", directory] => write_all(Path::new(directory), false),
        ["forms", directory, "--short"] => write_all(Path::new(directory), true),
        ["crate", directory] => read_all(Path::new(directory)),
        ["headers", directory] => headers(Path::new(directory)),
        _ => Err("usage: ours forms DIR [--short] | ours crate DIR | ours headers DIR".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ours: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A part as a reader should find it.
struct Part {
    name: String,
    /// Its file name and media type.
    file: Option<(String, &'static str)>,
    bytes: Vec<u8>,
}

fn text(name: &str, value: &str) -> Part {
    Part {
        name: name.to_owned(),
        file: None,
        bytes: value.as_bytes().to_vec(),
    }
}

fn file(name: &str, filename: &str, media_type: &'static str, bytes: Vec<u8>) -> Part {
    Part {
        name: name.to_owned(),
        file: Some((filename.to_owned(), media_type)),
        bytes,
    }
}

// ------------------------------------------------------------------------------------------------------ forms

fn write_all(directory: &Path, short: bool) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    for (name, parts) in names().into_iter().chain(values()) {
        write(directory, &name, parts)?;
    }
    for (name, parts) in contents(short).into_iter().chain(lengths(short)) {
        write(directory, &name, parts)?;
    }
    Ok(())
}

/// Names of parts and of files that a careless reader trips over.
fn names() -> Vec<(String, Vec<Part>)> {
    let names = [
        ("plain", "userId"),
        ("blank", "two words"),
        ("outer-blanks", " a "),
        ("tab", "a\tb"),
        ("umlaut", "Zoë"),
        ("emoji", "🤖"),
        ("combining", "e\u{301}"),
        ("quote", "a\"b"),
        ("apostrophe", "it's"),
        ("backslash", "a\\b"),
        ("backslash-end", "a\\"),
        ("percent", "100%25"),
        ("semicolon", "a; filename=\"x\""),
        ("equals", "a=b"),
        ("comma", "a,b"),
        ("colon", "a:b"),
        ("line-feed", "a\nb"),
        ("return", "a\rb"),
        ("header", "a\r\nX-Evil: 1\r\n\r\nb"),
        ("dot", "a.b"),
        ("brackets", "a[b]"),
        ("path", "../a/b"),
        ("drive", "D:\\a\\b"),
        ("boundary", "--avatarctl-0"),
        ("long", "abcdefgh".repeat(16).leak()),
    ];
    let of_parts = names.iter().map(|(label, name)| {
        let parts = vec![text(name, "value"), text("after", "it")];
        (format!("name-{label}"), parts)
    });
    let of_files = names.iter().map(|(label, name)| {
        let parts = vec![
            file("image", name, "image/png", b"\x89PNG".to_vec()),
            text("after", "it"),
        ];
        (format!("filename-{label}"), parts)
    });
    of_parts.chain(of_files).collect()
}

fn values() -> Vec<(String, Vec<Part>)> {
    let long = "0123456789abcdef".repeat(6000);
    let values = [
        ("empty", ""),
        ("blank", " "),
        ("lines", "a\r\nb\nc\rd\r\n"),
        ("umlaut", "Zoë 🤖"),
        ("quote", "\"'\\"),
        ("percent", "%22%0D%0A"),
        ("boundary", "avatarctl-0"),
        (
            "delimiter",
            "\r\n--avatarctl-0--\r\n--avatarctl-1\r\n\r\n--avatarctl-2--",
        ),
        ("dashes", "--\r\n--\r\n----"),
        ("null", "a\0b"),
        ("long", &long),
    ];
    let of_parts = values.iter().map(|(label, value)| {
        let parts = vec![text("value", value), text("after", "it")];
        (format!("value-{label}"), parts)
    });
    let many = (0..200).map(|n| text(&format!("field{n}"), &n.to_string()));
    let forms = [
        ("form-many", many.collect()),
        ("form-one", vec![text("a", "b")]),
        (
            "form-file-first",
            vec![
                file("image", "avatar.png", "image/png", b"\x89PNG".to_vec()),
                text("userId", "x"),
            ],
        ),
        (
            "form-two-files",
            vec![
                file("image", "avatar.png", "image/png", b"\x89PNG".to_vec()),
                file("other", "avatar.gif", "image/gif", b"GIF89a".to_vec()),
            ],
        ),
        (
            "form-empty-file",
            vec![
                file("image", "avatar.png", "image/png", Vec::new()),
                text("after", "it"),
            ],
        ),
    ];
    let forms = forms
        .into_iter()
        .map(|(label, parts)| (label.to_owned(), parts));
    of_parts.chain(forms).collect()
}

/// What a picture may hold: every byte, and what looks like the end of it.
fn contents(short: bool) -> Vec<(String, Vec<Part>)> {
    let all = |count: usize| (0..count).map(|at| (at % 256) as u8).collect::<Vec<_>>();
    let ends: [(&str, &[u8]); 9] = [
        ("return", b"\r"),
        ("line", b"\r\n"),
        ("lines", b"\r\n\r\n\r\n"),
        ("dash", b"\r\n-"),
        ("dashes", b"\r\n--"),
        ("stem", b"\r\n--avatarctl-"),
        ("delimiter", b"\r\n--avatarctl-0"),
        ("closing", b"\r\n--avatarctl-0--"),
        ("closed", b"\r\n--avatarctl-0--\r\n"),
    ];
    let mut forms = vec![
        ("bytes-each".to_owned(), all(256)),
        (
            "bytes-pairs".to_owned(),
            (0..=255u8)
                .flat_map(|a| (0..=255u8).flat_map(move |b| [a, b]))
                .collect(),
        ),
        ("bytes-returns".to_owned(), b"\r".repeat(70_000)),
        ("bytes-lines".to_owned(), b"\r\n".repeat(35_000)),
        ("bytes-dashes".to_owned(), b"\r\n--".repeat(17_000)),
        (
            "bytes-delimiters".to_owned(),
            b"\r\n--avatarctl-0".repeat(5000),
        ),
    ];
    for (label, end) in ends {
        forms.push((format!("end-{label}"), [&all(300), end].concat()));
        forms.push((format!("begin-{label}"), [end, &all(300)].concat()));
        forms.push((format!("only-{label}"), end.to_vec()));
    }
    if !short {
        forms.push(("bytes-20-MB".to_owned(), all(20_000_000)));
    }
    forms.into_iter().map(picture).collect()
}

/// Lengths around every power of two up to 128 KiB, of the picture and of all that comes before its end: where readers
/// have the edges of their buffers.
fn lengths(short: bool) -> Vec<(String, Vec<Part>)> {
    let mut lengths = vec![1, 2, 3, 4, 5, 10, 100];
    let powers: &[u32] = match short {
        true => &[10, 16],
        false => &[8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
    };
    // The head of such a form has about 220 bytes; around the edge its end is met at every place of the delimiter.
    let reach = if short { 4 } else { 24 };
    for power in powers {
        let edge = 1_usize << power;
        lengths.extend(edge - reach / 4..=edge + reach / 4);
        lengths.extend(edge.saturating_sub(220 + reach)..=edge.saturating_sub(220 - reach));
    }
    lengths.sort_unstable();
    lengths.dedup();
    let form = |length: usize| {
        let bytes = (0..length).map(|at| (at * 7 + at / 256) as u8);
        picture((format!("length-{length}"), bytes.collect()))
    };
    lengths.into_iter().map(form).collect()
}

/// As the program sends one to Rocket.Chat.
fn picture((label, bytes): (String, Vec<u8>)) -> (String, Vec<Part>) {
    let parts = vec![
        text("userId", "BsNr28znDkG8aeo7W"),
        file("image", "avatar.png", "image/png", bytes),
    ];
    (label, parts)
}

fn write(directory: &Path, label: &str, parts: Vec<Part>) -> Result<(), Box<dyn Error>> {
    // As the standard for forms has it; a reader is not asked to take that back.
    let sent = |name: &str| {
        name.replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let found = parts.iter().map(|part| {
        let file = part.file.as_ref();
        describe(
            &sent(&part.name),
            file.map(|(name, _)| sent(name)),
            file.map(|(_, media_type)| *media_type),
            &part.bytes,
        )
    });
    let found = found.collect::<Vec<_>>();
    let form = parts
        .into_iter()
        .fold(Form::new(), |form, part| match part.file {
            None => form.text(&part.name, &String::from_utf8_lossy(&part.bytes)),
            Some((filename, media_type)) => {
                form.file(&part.name, &filename, media_type, Rc::new(part.bytes))
            }
        });
    let form = form.encode()?;
    let mut body = BufWriter::new(File::create(directory.join(format!("{label}.body")))?);
    io::copy(&mut form.reader()?, &mut body)?;
    body.flush()?;
    let about = json!({"content_type": form.content_type(), "parts": found});
    fs::write(
        directory.join(format!("{label}.json")),
        format!("{about}\n"),
    )?;
    Ok(())
}

fn describe(name: &str, filename: Option<String>, media_type: Option<&str>, bytes: &[u8]) -> Value {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    let digest = context.finish();
    let digest = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    json!({
        "name": name, "filename": filename, "type": media_type,
        "length": bytes.len(), "sha256": digest.collect::<String>(),
    })
}

// ----------------------------------------------------------------------------------------------------- reader

fn read_all(directory: &Path) -> Result<(), Box<dyn Error>> {
    for path in files(directory)? {
        if path.extension().is_none_or(|end| end != "body") {
            continue;
        }
        let about: Value = serde_json::from_slice(&fs::read(path.with_extension("json"))?)?;
        let content_type = about["content_type"].as_str().unwrap_or_default();
        let (_, boundary) = content_type.split_once("boundary=").unwrap_or_default();
        let mut parts = Vec::new();
        let outcome =
            Multipart::with_body(File::open(&path)?, boundary).foreach_entry(|mut entry| {
                let mut bytes = Vec::new();
                let _ = entry.data.read_to_end(&mut bytes);
                let media_type = entry.headers.content_type.as_ref().map(ToString::to_string);
                let filename = entry.headers.filename.clone();
                parts.push(describe(
                    &entry.headers.name,
                    filename,
                    media_type.as_deref(),
                    &bytes,
                ));
            });
        let label = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        let error = outcome.err().map(|error| error.to_string());
        println!("{}", json!({"form": label, "parts": parts, "error": error}));
    }
    Ok(())
}

/// The files of a folder, in the order of their names.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<io::Result<Vec<PathBuf>>>()?;
    files.sort();
    Ok(files)
}

// --------------------------------------------------------------------------------------------------- pictures

fn headers(directory: &Path) -> Result<(), Box<dyn Error>> {
    for path in files(directory)? {
        let name = path.file_name().map(|name| name.to_string_lossy());
        let line = match inspect(&mut File::open(&path)?)? {
            Ok(header) => json!({
                "file": name, "format": header.format.name(), "width": header.width, "height": header.height,
                "orientation": header.orientation, "animated": header.animated,
            }),
            Err(flaw) => json!({"file": name, "flaw": flaw.to_string()}),
        };
        println!("{line}");
    }
    Ok(())
}
