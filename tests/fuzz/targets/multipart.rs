//! Forms: as long as announced, the same bytes however they are read, the same parts to two readers that know nothing of
//! the writer, and never more than announced of a file that changed.

use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use avatarctl::http::multipart::Form;
use avatarctl::picture::content::Content;
use multipart::server::Multipart;

/// Parts are separated by this byte, and within them name, file name and content by zeros.
const SEPARATOR: u8 = 0x1e;

struct Part {
    name: String,
    /// None of a text.
    filename: Option<String>,
    content: Vec<u8>,
}

pub(super) fn check(bytes: &[u8]) {
    let (buffer, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let parts = rest.split(|byte| *byte == SEPARATOR).map(part);
    let parts: Vec<Part> = parts.collect();
    let form = parts
        .iter()
        .fold(Form::new(), |form, part| match &part.filename {
            None => form.text(&part.name, &String::from_utf8_lossy(&part.content)),
            Some(filename) => {
                let content = Rc::new(part.content.clone());
                form.file(&part.name, filename, "image/png", content)
            }
        });
    let form = form.encode().expect("memory can be read");
    let body = read(&mut form.reader().expect("memory can be read"), 4096);
    assert_eq!(form.length(), body.len() as u64);
    let size = usize::from(*buffer).max(1);
    let again = read(&mut form.reader().expect("memory can be read"), size);
    assert!(body == again, "by {size} bytes");
    let boundary = form.content_type();
    let boundary = boundary
        .strip_prefix("multipart/form-data; boundary=")
        .expect("a type with a boundary");
    by_hand(&body, boundary, &parts);
    by_crate(&body, boundary, &parts);
    changed(&parts, *buffer);
}

fn part(bytes: &[u8]) -> Part {
    let mut fields = bytes.splitn(3, |byte| *byte == 0);
    let mut field = || fields.next();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let name = text(field().unwrap_or_default());
    match (field(), field()) {
        (None, _) => Part {
            name,
            filename: None,
            content: Vec::new(),
        },
        (Some(content), None) => Part {
            name,
            filename: None,
            // As the form will have it.
            content: text(content).into_bytes(),
        },
        (Some(filename), Some(content)) => Part {
            name,
            filename: Some(text(filename)),
            content: content.to_vec(),
        },
    }
}

fn read(source: &mut dyn Read, block: usize) -> Vec<u8> {
    let (mut whole, mut buffer) = (Vec::new(), vec![0; block]);
    loop {
        match source.read(&mut buffer).expect("memory can be read") {
            0 => return whole,
            count => whole.extend_from_slice(&buffer[..count]),
        }
    }
}

/// As RFC 2046 has it: the delimiter stands nowhere but between parts.
fn by_hand(body: &[u8], boundary: &str, parts: &[Part]) {
    let delimiter = format!("\r\n--{boundary}");
    let whole = [b"\r\n", body].concat();
    let mut rest = whole.as_slice();
    let mut found = Vec::new();
    while let Some(at) = place(rest, delimiter.as_bytes()) {
        found.push(&rest[..at]);
        rest = &rest[at + delimiter.len()..];
    }
    assert_eq!(rest, b"--\r\n");
    assert_eq!(found.len(), parts.len() + 1);
    assert_eq!(found[0], b"");
    for (found, part) in found[1..].iter().zip(parts) {
        let found = found.strip_prefix(b"\r\n").expect("the end of a delimiter");
        let head = place(found, b"\r\n\r\n").expect("the end of a head");
        let (head, content) = (&found[..head], &found[head + 4..]);
        assert!(content == part.content);
        let name = |text: &str| {
            let text = text.replace('"', "%22");
            text.replace('\r', "%0D").replace('\n', "%0A")
        };
        let wanted = format!(
            "Content-Disposition: form-data; name=\"{}\"",
            name(&part.name)
        );
        let wanted = match &part.filename {
            None => wanted,
            Some(filename) => format!(
                "{wanted}; filename=\"{}\"\r\nContent-Type: image/png",
                name(filename)
            ),
        };
        assert_eq!(String::from_utf8_lossy(head), wanted);
    }
}

fn place(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|some| some == wanted)
}

/// The crate takes names of letters only as they are meant, and no more of a head than it has room for.
fn by_crate(body: &[u8], boundary: &str, parts: &[Part]) {
    let plain = |name: &str| {
        let letters = name.chars().all(|c| c.is_ascii_alphanumeric());
        letters && !name.is_empty() && name.len() < 100
    };
    let readable = |part: &Part| plain(&part.name) && part.filename.as_deref().is_none_or(plain);
    if parts.is_empty() || !parts.iter().all(readable) {
        return;
    }
    let mut at = 0;
    let outcome = Multipart::with_body(body, boundary).foreach_entry(|mut entry| {
        let mut content = Vec::new();
        entry.data.read_to_end(&mut content).expect("a whole part");
        let part = &parts[at];
        assert_eq!(*entry.headers.name, part.name);
        assert_eq!(entry.headers.filename, part.filename);
        assert!(content == part.content);
        at += 1;
    });
    outcome.expect("a form");
    assert_eq!(at, parts.len());
}

/// A file that has another length than it said.
struct Changed {
    announced: u64,
    bytes: Vec<u8>,
}

impl Content for Changed {
    fn length(&self) -> u64 {
        self.announced
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.bytes.as_slice()))
    }
}

fn changed(parts: &[Part], by: u8) {
    let Some(Part { content, .. }) = parts.first() else {
        return;
    };
    let announced = content.len() as u64 ^ u64::from(by);
    let file = Rc::new(Changed {
        announced,
        bytes: content.clone(),
    });
    let form = Form::new().file("image", "avatar.png", "image/png", file);
    let form = form.encode().expect("memory can be read");
    let mut sent = Vec::new();
    let outcome = form
        .reader()
        .expect("memory can be read")
        .read_to_end(&mut sent);
    match by {
        0 => assert_eq!(outcome.expect("it is the same") as u64, form.length()),
        _ => {
            let error = outcome.expect_err("it is another one");
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert!((sent.len() as u64) < form.length());
        }
    }
}
