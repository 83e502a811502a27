//! The bytes of forms, read again by a reader that is not ours, and split at every index.

use super::*;
use multipart::server::Multipart;

#[test]
fn a_form_is_these_bytes() {
    let form = Form::new()
        .text("description", "a\r\nb")
        .file("file", "bot.png", "image/png", bytes(b"\x89PNG\r\n"))
        .text("", "");
    let encoded = form.encode().unwrap();
    assert_eq!(
        encoded.content_type(),
        "multipart/form-data; boundary=avatarctl-0"
    );
    let expected = "--avatarctl-0\r\n\
        Content-Disposition: form-data; name=\"description\"\r\n\
        \r\n\
        a\r\nb\r\n\
        --avatarctl-0\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"bot.png\"\r\n\
        Content-Type: image/png\r\n\
        \r\n\
        \u{89}PNG\r\n\r\n\
        --avatarctl-0\r\n\
        Content-Disposition: form-data; name=\"\"\r\n\
        \r\n\
        \r\n\
        --avatarctl-0--\r\n";
    let expected: Vec<u8> = expected.chars().map(|c| c as u8).collect();
    assert_eq!(body(&encoded), expected);
}

#[test]
fn an_empty_form_is_its_closing_delimiter() {
    let encoded = Form::new().encode().unwrap();
    assert_eq!(body(&encoded), b"--avatarctl-0--\r\n");
    assert_eq!(received(&body(&encoded)[..], &encoded.boundary), []);
}

#[test]
fn names_cannot_leave_their_quotes() {
    let attack = "a\"; x=\"\r\nX-Evil: 1\r\n\r\n\n\r%22\\é;'";
    let safe = "a%22; x=%22%0D%0AX-Evil: 1%0D%0A%0D%0A%0A%0D%22\\é;'";
    let form = Form::new()
        .text(attack, "")
        .file(attack, attack, "image/gif", bytes(b""));
    let expected = format!(
        "--avatarctl-0\r\nContent-Disposition: form-data; name=\"{safe}\"\r\n\r\n\r\n\
         --avatarctl-0\r\nContent-Disposition: form-data; name=\"{safe}\"; filename=\"{safe}\"\r\n\
         Content-Type: image/gif\r\n\r\n\r\n--avatarctl-0--\r\n"
    );
    assert_eq!(
        String::from_utf8(body(&form.encode().unwrap())).unwrap(),
        expected
    );
}

#[test]
fn the_boundary_is_the_first_that_occurs_nowhere() {
    let boundary = |form: Form| form.encode().unwrap().boundary;
    let of = |value: &str| boundary(Form::new().text("n", value));
    assert_eq!(of("avatarctl-1 avatarctl-x avatarctl-"), "avatarctl-0");
    assert_eq!(of("avatarctl-0"), "avatarctl-1");
    assert_eq!(
        of("avavatarctl-0avatarctl-avatarctl-2avatarctl-1--"),
        "avatarctl-3"
    );
    assert_eq!(of("avatarctl-0 avatarctl-19"), "avatarctl-2");
    assert_eq!(
        of("avatarctl-99999999999999999999999avatarctl-0"),
        "avatarctl-1"
    );
    let ten: String = (0..10).map(|n| format!("\r\n--avatarctl-{n}")).collect();
    assert_eq!(of(&ten), "avatarctl-10");
    assert_eq!(of(&format!("{ten}0")), "avatarctl-10");
    assert_eq!(of(&format!("{ten} avatarctl-:")), "avatarctl-10");
    assert_eq!(of(&format!("{ten} avatarctl-10")), "avatarctl-11");
    let form = Form::new()
        .text("avatarctl-1", "avatarctl-")
        .text("0", "avatarctl-3")
        .file(
            "avatarctl-2",
            "avatarctl-4",
            "image/png",
            bytes(b"avatarctl-0"),
        );
    assert_eq!(boundary(form), "avatarctl-5");
}

#[test]
fn a_boundary_is_found_across_reads_and_blocks() {
    // The places cover every split of the match at the end of a block.
    for place in (BLOCK - 12..=BLOCK).chain([0, 3 * BLOCK - 5]) {
        let mut content = vec![b'-'; place];
        content.extend(b"avatarctl-0");
        for most in [1, 7, usize::MAX] {
            let mut taken = BTreeSet::new();
            let slow = Slow {
                rest: &content,
                most,
            };
            take_numbers(BufReader::with_capacity(BLOCK, slow), &mut taken).unwrap();
            assert_eq!(taken, BTreeSet::from([0]), "at {place}, reads of {most}");
        }
    }
}

#[test]
fn an_independent_reader_gets_what_was_sent() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for round in 0..300 {
        let sent = random.parts();
        let encoded = form(&sent).encode().unwrap();
        let whole = body(&encoded);
        assert_eq!(
            body(&form(&sent).encode().unwrap()),
            whole,
            "equal forms, equal bytes"
        );
        assert_eq!(
            received(&whole[..], &encoded.boundary),
            sent,
            "round {round}"
        );
        for (_, content) in encoded.pieces.iter().skip(1).step_by(3) {
            let mut text = Vec::new();
            content.open().unwrap().read_to_end(&mut text).unwrap();
            let boundary = encoded.boundary.as_bytes();
            assert!(
                !text.windows(boundary.len()).any(|w| w == boundary),
                "round {round}"
            );
        }
    }
}

#[test]
fn a_body_may_be_split_anywhere() {
    let mut random = Random(7);
    let rich = std::iter::repeat_with(|| random.parts()).filter(|parts| parts.len() == 4);
    for sent in rich.take(6) {
        let encoded = form(&sent).encode().unwrap();
        let whole = body(&encoded);
        for index in 0..=whole.len() {
            let (head, tail) = whole.split_at(index);
            assert_eq!(
                received(head.chain(tail), &encoded.boundary),
                sent,
                "split at {index}"
            );
        }
    }
}

#[test]
fn the_size_of_a_read_does_not_matter() {
    let mut random = Random(11);
    for _ in 0..20 {
        let encoded = form(&random.parts()).encode().unwrap();
        let whole = body(&encoded);
        for size in [1, 2, 3, 64, 1000] {
            let (mut reader, mut buffer) = (encoded.reader().unwrap(), vec![0; size]);
            let mut got: Vec<u8> = Vec::new();
            assert_eq!(reader.read(&mut []).unwrap(), 0);
            while let count @ 1.. = reader.read(&mut buffer).unwrap() {
                got.extend(&buffer[..count]);
                assert_eq!(reader.read(&mut []).unwrap(), 0);
            }
            assert_eq!(got, whole);
            assert_eq!(
                reader.read(&mut buffer).unwrap(),
                0,
                "the end stays the end"
            );
        }
    }
}

#[test]
fn a_content_that_changes_fails_the_reader() {
    let content = b"0123456789";
    for announced in (0..10).chain(11..14) {
        let liar = Rc::new(Liar {
            announced,
            content: content.to_vec(),
        });
        let form = Form::new()
            .text("a", "b")
            .file("f", "f", "image/png", liar)
            .text("c", "d");
        let encoded = form.encode().unwrap();
        for size in [1, 4, 4096] {
            let (mut reader, mut buffer) = (encoded.reader().unwrap(), vec![0; size]);
            let mut got: Vec<u8> = Vec::new();
            let error = loop {
                match reader.read(&mut buffer) {
                    Ok(count) => got.extend(&buffer[..count]),
                    Err(error) => break error,
                }
                assert!((got.len() as u64) < encoded.length());
            };
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert_eq!(
                error.to_string(),
                "a file of the form changed while it was sent"
            );
            assert!(got.ends_with(&content[..content.len().min(announced as usize)]));
            assert!(
                reader.read(&mut buffer).is_err(),
                "reading on does not help"
            );
        }
    }
}

#[test]
fn errors_of_a_file_come_through() {
    struct Missing;
    impl Content for Missing {
        fn length(&self) -> u64 {
            0
        }
        fn open(&self) -> io::Result<Box<dyn Read + '_>> {
            Err(io::ErrorKind::NotFound.into())
        }
    }
    let form = Form::new().file("f", "f", "image/png", Rc::new(Missing));
    assert_eq!(form.encode().err().unwrap().kind(), io::ErrorKind::NotFound);
}

/// Every byte that is sent, checked against the announced length and a repeat of the request.
fn body(encoded: &Encoded) -> Vec<u8> {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    encoded.reader().unwrap().read_to_end(&mut first).unwrap();
    encoded.reader().unwrap().read_to_end(&mut again).unwrap();
    assert_eq!(first, again);
    assert_eq!(first.len() as u64, encoded.length());
    first
}

fn bytes(content: &[u8]) -> Rc<dyn Content> {
    Rc::new(content.to_vec())
}

#[derive(Debug, PartialEq)]
struct Part {
    name: String,
    /// name and media type
    file: Option<(String, String)>,
    content: Vec<u8>,
}

const TYPES: [&str; 3] = ["image/png", "image/jpeg", "application/octet-stream"];

fn form(parts: &[Part]) -> Form {
    parts
        .iter()
        .fold(Form::new(), |form, part| match &part.file {
            None => form.text(&part.name, str::from_utf8(&part.content).unwrap()),
            Some((filename, media_type)) => {
                let media_type = TYPES.into_iter().find(|t| t == media_type).unwrap();
                form.file(&part.name, filename, media_type, bytes(&part.content))
            }
        })
}

/// What the `multipart` crate reads. It does not undo the escapes, so this does.
fn received(body: impl Read, boundary: &str) -> Vec<Part> {
    let decode = |name: &str| {
        name.replace("%22", "\"")
            .replace("%0D", "\r")
            .replace("%0A", "\n")
    };
    let mut server = Multipart::with_body(body, boundary);
    let mut parts = Vec::new();
    while let Some(mut field) = server.read_entry().unwrap() {
        let mut content = Vec::new();
        field.data.read_to_end(&mut content).unwrap();
        let headers = field.headers;
        let media_type = headers.content_type.map(|t| t.to_string());
        assert_eq!(headers.filename.is_some(), media_type.is_some());
        let file = headers.filename.map(|f| decode(&f)).zip(media_type);
        parts.push(Part {
            name: decode(&headers.name),
            file,
            content,
        });
    }
    parts
}

/// Gives at most so many bytes at once.
struct Slow<'a> {
    rest: &'a [u8],
    most: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.most.min(buffer.len());
        self.rest.read(&mut buffer[..most])
    }
}

struct Liar {
    announced: u64,
    content: Vec<u8>,
}

impl Content for Liar {
    fn length(&self) -> u64 {
        self.announced
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        self.content.open()
    }
}

/// xorshift64 (Marsaglia 2003): the same forms in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn joined(&mut self, most: usize, words: &[&str]) -> String {
        (0..self.below(most + 1))
            .map(|_| words[self.below(words.len())])
            .collect()
    }

    fn parts(&mut self) -> Vec<Part> {
        // Without `;`, where the crate ends a name even inside quotes, and without `%`, which
        // `received` decodes.
        const NAME: [&str; 10] = [
            "a",
            "\"",
            "\r",
            "\n",
            "\r\n",
            "\\",
            "é",
            " ",
            "avatarctl-0",
            "X-Evil: 1",
        ];
        const CONTENT: [&str; 16] = [
            "-",
            "--",
            "\r",
            "\n",
            "\r\n",
            "\"",
            "\0",
            "é",
            "a",
            "avatarctl-",
            "--avatarctl-0",
            "avatarctl-1",
            "\r\n--avatarctl-2\r\n",
            "\r\n--avatarctl-3--\r\n",
            "\r\n--avatar",
            "\r\n--avatarctl-1",
        ];
        (0..self.below(5))
            .map(|_| {
                let file = (self.below(2) == 0).then(|| {
                    (
                        self.joined(6, &NAME),
                        TYPES[self.below(TYPES.len())].to_owned(),
                    )
                });
                let mut content = self.joined(40, &CONTENT).into_bytes();
                if file.is_some() && self.below(4) == 0 {
                    content.extend((0..self.below(3000)).map(|n| (n % 251) as u8));
                }
                Part {
                    name: self.joined(6, &NAME),
                    file,
                    content,
                }
            })
            .collect()
    }
}
