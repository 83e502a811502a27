//! The page of `--html`: it stands alone, holds no markup of anybody else, and a browser shows what a server will.

use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::batch::ALL;
use crate::support::browser::{self, Screen};
use crate::support::printed::NOTHING;
use crate::support::{Before, Jira, Run, Scratch, World, encoding, pictures};

const RED: [u8; 3] = [220, 0, 0];
const GREEN: [u8; 3] = [0, 160, 0];
const BLUE: [u8; 3] = [0, 0, 220];

/// A scratch directory with a manifest of these accounts, which nobody ever calls.
fn scratch(accounts: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write(
        "m.json",
        format!(
            "{{\"servers\": {{\n\
             \"jira\": {{\"system\": \"jira\", \"url\": \"https://jira.example.com\"}},\n\
             \"chat\": {{\"system\": \"rocketchat\", \"url\": \"https://chat.example.com\"}},\n\
             \"fleet\": {{\"system\": \"navixy\", \"url\": \"https://api.example.com/v2\"}}}},\n\
             \"accounts\": [{accounts}]}}"
        ),
    );
    scratch
}

#[track_caller]
fn page(scratch: &Scratch, more: &[&str]) -> String {
    let told = Run::new(["check", "m.json", "--html", "p.html", "-q"]).dir(scratch.path());
    let told = more.iter().fold(told, |run, word| run.arg(*word)).output();
    assert_eq!(
        (told.status, told.stdout.as_str()),
        (0, NOTHING),
        "{told:?}"
    );
    scratch.read("p.html")
}

/// The page with its time and its length as `NOW` and `SPAN`.
pub fn timeless(page: &str) -> String {
    let (before, rest) = page.split_once("<time datetime=\"").expect("a time");
    let (time, rest) = rest.split_once("</time>, took ").expect("a length");
    let (span, after) = rest.split_once("</dd>").expect("an end");
    let (machine, human) = time.split_once("\">").expect("a time for people");
    assert!(
        machine.ends_with('Z') && human.ends_with(" UTC") && machine[..10] == human[..10],
        "{time}"
    );
    assert!(span.ends_with(" s"), "{span}");
    format!("{before}<time>NOW</time>, took SPAN</dd>{after}")
}

#[test]
fn a_page_without_pictures_as_a_whole() {
    let scratch = scratch(
        r#"{"server": "jira", "user": "robot", "avatar_id": 24880},
           {"server": "chat", "user": "retired", "reset": true},
           {"server": "fleet", "employee_id": 1, "icon_id": null},
           {"server": "fleet", "employee_id": 2, "icon_id": 3654},
           {"server": "chat", "user": "bot", "avatar_url": "https://u:p@a.example/b.png?key=x"}"#,
    );
    let page = timeless(&page(&scratch, &[]));
    let (head, body) = page.split_once("</style>\n").expect("a style");
    assert!(head.starts_with(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>avatarctl check</title>\n<style>\n"
    ));
    assert_eq!(
        body,
        concat!(
            "<header>\n<h1>avatarctl check</h1>\n",
            "<p class=\"totals\">5 accounts on 3 servers: no errors, no warnings</p>\n<dl>\n",
            "<div><dt>manifest</dt><dd>m.json</dd></div>\n",
            "<div><dt>time</dt><dd><time>NOW</time>, took SPAN</dd></div>\n",
            "<div><dt>servers</dt><dd>",
            "<a href=\"https://jira.example.com\" rel=\"noreferrer\">jira</a>, ",
            "<a href=\"https://chat.example.com\" rel=\"noreferrer\">chat</a>, ",
            "<a href=\"https://api.example.com/v2\" rel=\"noreferrer\">fleet</a></dd></div>\n</dl>\n",
            "<p class=\"hint\">Pictures as they will be shown, square on light ground and round on dark; open an account ",
            "to see every size, shape and ground.</p>\n</header>\n",
            "<input type=\"radio\" name=\"show\" id=\"only-all\" checked>\n",
            "<input type=\"radio\" name=\"show\" id=\"only-changed\" disabled>\n",
            "<input type=\"radio\" name=\"show\" id=\"only-warnings\" disabled>\n",
            "<input type=\"radio\" name=\"show\" id=\"only-failed\" disabled>\n",
            "<div class=\"filter\" role=\"radiogroup\" aria-label=\"show\" ",
            "aria-owns=\"only-all only-changed only-warnings only-failed\">\n",
            "<label for=\"only-all\">all <b>5</b></label>\n",
            "<label for=\"only-changed\">changed <b>0</b></label>\n",
            "<label for=\"only-warnings\">warnings <b>0</b></label>\n",
            "<label for=\"only-failed\">failed <b>0</b></label>\n",
            "</div>\n<main>\n",
            "<section class=\"\">\n<h2><a href=\"https://jira.example.com\" rel=\"noreferrer\">jira</a> ",
            "<small>Jira, https://jira.example.com, 1 account</small></h2>\n<div class=\"grid\">\n",
            "<article class=\"\">\n<div class=\"name\"><h3>robot</h3><span class=\"state\"></span></div>\n",
            "<p class=\"line\">avatar 24880</p>\n",
            "<div class=\"strip\"><span class=\"why\">check asks no server for it</span></div>\n</article>\n",
            "</div>\n</section>\n",
            "<section class=\"\">\n<h2><a href=\"https://chat.example.com\" rel=\"noreferrer\">chat</a> ",
            "<small>Rocket.Chat, https://chat.example.com, 2 accounts</small></h2>\n<div class=\"grid\">\n",
            "<article class=\"\">\n<div class=\"name\"><h3>retired</h3><span class=\"state\"></span></div>\n",
            "<p class=\"line\">generated letter</p>\n",
            "<div class=\"strip\"><span class=\"why\">the server draws it</span></div>\n</article>\n",
            "<article class=\"\">\n<div class=\"name\"><h3>bot</h3><span class=\"state\"></span></div>\n",
            "<p class=\"line\">url https://a.example/b.png</p>\n",
            "<div class=\"strip\"><span class=\"why\">the server downloads it from this address</span></div>\n</article>\n",
            "</div>\n</section>\n",
            "<section class=\"\">\n<h2><a href=\"https://api.example.com/v2\" rel=\"noreferrer\">fleet</a> ",
            "<small>Navixy, https://api.example.com/v2, 2 accounts</small></h2>\n<div class=\"grid\">\n",
            "<article class=\"\">\n<div class=\"name\"><h3>1</h3><span class=\"state\"></span></div>\n",
            "<p class=\"line\">no icon</p>\n",
            "<div class=\"strip\"><span class=\"why\">shows the uploaded picture</span></div>\n</article>\n",
            "<article class=\"\">\n<div class=\"name\"><h3>2</h3><span class=\"state\"></span></div>\n",
            "<p class=\"line\">icon 3654</p>\n",
            "<div class=\"strip\"><span class=\"why\">a built-in icon has no address that its picture could be read from</span></div>\n</article>\n",
            "</div>\n</section>\n",
            "</main>\n</html>\n"
        )
    );
}

/// An account's picture as a whole: a wide one that Jira will be sent the middle of.
#[test]
fn an_account_with_a_picture_as_a_whole() {
    let scratch = scratch(r#"{"server": "jira", "user": "a", "image": "wide.png"}"#);
    scratch.write("wide.png", pictures::png(96, 64, 1));
    let page = page(&scratch, &[]);
    let size = |side: &str| format!("<span class=\"size\"><i class=\"s{side}\"></i>{side}</span>");
    let small = |ground: &str| {
        let (large, middle) = (size("48"), size("32"));
        format!(
            "<span class=\"ground {ground}\">{large}{middle}<span class=\"size\"><i class=\"s24\"></i><i class=\"s16\"></i>24 16</span></span>"
        )
    };
    let sizes: String = ["16", "24", "32", "48", "200"].map(size).concat();
    let crop = "style=\"--scale:150.000% 100.000%;--place:50.000% 0.000%;image-orientation:none\"";
    let all = |ground: &str| {
        format!(
            "<div class=\"p0\" {crop}><p>image wide.png, on {ground} ground</p><div class=\"ground {ground}\" role=\"img\" \
             aria-label=\"image wide.png, square and round, at 16, 24, 32, 48 and 200 pixels on {ground} ground\">\
             <div class=\"row square\">{sizes}</div><div class=\"row round\">{sizes}</div></div></div>\n"
        )
    };
    assert_eq!(
        card(&page, "a"),
        format!(
            " class=\"warnings\">\n<div class=\"name\"><h3>a</h3><span class=\"state\"></span></div>\n\
             <p class=\"line\">image wide.png</p>\n<details open>\n\
             <summary aria-label=\"a: image wide.png, every size\"><span class=\"strip\"><span class=\"wanted p0\" {crop}>{}{}</span></span>\
             <span class=\"less\">small sizes only</span></summary>\n<div class=\"all\">\n{}{}</div>\n</details>\n\
             <p class=\"warning\">&quot;wide.png&quot;: 96 x 64 is not square; Jira will be sent the square of 64 pixels at 16,0</p>\n",
            small("light square"),
            small("dark round"),
            all("light"),
            all("dark")
        )
    );
}

/// What the page says of an account.
#[track_caller]
fn card<'p>(page: &'p str, account: &str) -> &'p str {
    let name = format!("<h3>{account}</h3>");
    let mut cards = page.split("<article").skip(1);
    let card = cards.find(|card| card.contains(&name));
    let card = card.and_then(|card| card.split_once("</article>"));
    card.unwrap_or_else(|| panic!("{account} is on the page")).0
}

#[test]
fn every_picture_is_embedded_once_and_whole_and_shown_in_five_sizes_and_two_shapes() {
    let scratch = scratch(
        r#"{"server": "jira", "user": "a", "image": "a.png"},
           {"server": "jira", "user": "b", "image": "copy.png"},
           {"server": "chat", "user": "a", "image": "a.png"},
           {"server": "chat", "user": "b", "image": "b.webp"},
           {"server": "fleet", "employee_id": 1, "image": "c.gif"},
           {"server": "fleet", "employee_id": 2, "image": "d.jpg"}"#,
    );
    // Of a length that base64 fills, and of blocks that do not.
    let (a, b, c, d) = (
        pictures::png_of_bytes(64, 64, 1, 12288 * 3),
        pictures::webp(64, 64, 2),
        pictures::gif_animated(64, 64, 3),
        pictures::jpeg(64, 64, 4),
    );
    for (name, bytes) in [
        ("a.png", &a),
        ("copy.png", &a),
        ("b.webp", &b),
        ("c.gif", &c),
        ("d.jpg", &d),
    ] {
        scratch.write(name, bytes);
    }
    let page = page(&scratch, &[]);
    let mut embedded = Vec::new();
    for part in page.split("{--picture:url(").skip(1) {
        let (address, _) = part.split_once(')').expect("an address ends");
        let (kind, text) = address
            .strip_prefix("data:")
            .and_then(|rest| rest.split_once(";base64,"))
            .expect("nothing but data");
        embedded.push((kind, encoding::from_base64(text).expect("base64")));
    }
    assert_eq!(
        embedded,
        [
            ("image/png", a),
            ("image/webp", b),
            ("image/gif", c),
            ("image/jpeg", d)
        ]
    );
    for (side, shown) in [(16, 6), (24, 6), (32, 6), (48, 6), (200, 4)] {
        let boxes = format!("<i class=\"s{side}\">");
        assert_eq!(page.matches(&boxes).count(), 6 * shown, "{side}");
    }
    for (shape, rows) in [("square", 3), ("round", 3)] {
        let shown = page.matches(&format!(" {shape}\">")).count();
        assert_eq!(shown, 6 * rows, "{shape}");
    }
}

#[test]
fn nothing_from_outside_and_no_script_whatever_names_say() {
    const EVIL: &str = "<script>alert(1)</script>'\"&<img src=x onerror=y>";
    let mut world = World::new();
    let odd = crate::support::jira::User::new(EVIL, "JIRAUSER10300", "Odd");
    world.jira().model().users.push(odd);
    let name = "<i onclick=z>\"&'\u{202e}.png";
    world.scratch.write(name, pictures::png(64, 40, 1));
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let path = world.declare(&format!(
        "\n    {{\"server\": \"jira\", \"user\": {}, \"image\": {}}},\n    \
         {{\"server\": \"jira\", \"user\": {}, \"image\": {}}}",
        json(EVIL),
        json(name),
        json(&EVIL.replace('1', "2")),
        json(name),
    ));
    let text = fs::read_to_string(&path).expect("it was just written");
    let server = "<style>*{background:url(http:evil.example)}<!--";
    let text = text.replace("\"jira\"", &json(server)).replacen(
        &format!("\"system\": {}", json(server)),
        "\"system\": \"jira\"",
        1,
    );
    fs::write(&path, text).expect("scratch is writable");
    for (verb, status) in [("check", 0), ("diff", 67), ("apply", 67)] {
        let told = world.run(&format!("{verb} m.json --html p.html")).output();
        assert_eq!(told.status, status, "{told:?}");
        let page = world.scratch.read("p.html");
        for foreign in [
            "<script",
            "<img",
            "<i onclick",
            "<!--",
            "<style>*",
            "javascript:",
            "<link",
            "@import",
            "\u{202e}.png",
        ] {
            assert!(!page.contains(foreign), "{verb}: {foreign}");
        }
        let addresses = page.matches("url(").count();
        let data =
            page.matches("url(data:").count() + page.matches("url(http:evil.example)").count();
        assert_eq!(addresses, data);
        assert!(page.contains(
            "&lt;script&gt;alert(1)&lt;/script&gt;&#39;&quot;&amp;&lt;img src=x onerror=y&gt;</h3>"
        ));
        // One style, and the foreign address behind its end, as a text.
        assert_eq!(page.matches("<style>").count(), 1);
        let (style, body) = page.split_once("</style>").expect("a style");
        assert!(!style.contains("evil.example") && body.contains("evil.example"));
        // Every tag of the page is one of its own.
        for tag in body.split('<').skip(1) {
            let word = tag.trim_start_matches('/').split([' ', '>']).next();
            let word = word.unwrap_or_default();
            let known = [
                "header", "h1", "h2", "h3", "small", "p", "dl", "dt", "dd", "time", "a", "label",
                "input", "b", "main", "section", "article", "details", "summary", "div", "span",
                "i", "html",
            ];
            assert!(known.contains(&word), "<{tag}");
        }
    }
}

#[test]
fn a_page_says_what_changed_failed_and_was_skipped() {
    let mut world = World::new();
    world.declare(ALL);
    let refused = |words: &str| {
        world
            .run(words)
            .env("NAVIXY_HASH", "00000000000000000000000000000000")
            .output()
    };
    // Of each account its classes, its state, and its lines.
    let said = || -> Vec<String> {
        let page = world.scratch.read("p.html");
        let cards = page.split("<article class=\"").skip(1);
        let text = |card: &str, before: &str| -> Option<String> {
            let (_, rest) = card.split_once(before)?;
            Some(rest.split_once('<')?.0.to_owned())
        };
        let cards = cards.map(|card| {
            let (classes, card) = card.split_once("\">").expect("classes");
            let mut said = vec![classes.to_owned()];
            for before in [
                "class=\"state\">",
                "class=\"line\">",
                "class=\"error\">",
                "class=\"warning\">",
            ] {
                said.extend(text(card, before));
            }
            said.join(" | ")
        });
        cards.collect()
    };
    assert_eq!(refused("diff m.json --html p.html").status, 77);
    let failure = "failed | failed | icon 3654 | list employees: the hash is unknown or has expired: User or API key not found or session ended (code 4)";
    let skipped = "failed | skipped | image driver.jpg | skipped: fleet refused the credentials";
    assert_eq!(
        said(),
        [
            "changed | ~ to change | avatar 24880 (now avatar 10122)",
            "changed | ? not known | image build.png (now avatar 10122)",
            "changed | ? not known | image build.png (now no avatar)",
            "changed | ? not known | url http://pictures.example/a.jpg (now no avatar)",
            failure,
            skipped,
            "changed | ~ to change | avatar mxc://pictures.example/a (now no avatar)",
            "changed | ? not known | image build.png (now no avatar)",
        ]
    );
    assert!(world.scratch.read("p.html").contains(
        "<p class=\"totals\">6 to change (4 not known), 0 the same, 1 failed, 1 skipped</p>"
    ));
    assert_eq!(refused("apply m.json --html p.html").status, 77);
    assert_eq!(
        said(),
        [
            "changed done | changed | avatar 24880 (was 10122)",
            "changed done | changed | image build.png (avatar 24901, was 10122)",
            "changed done | changed | image build.png (etag 83o…, first avatar)",
            "changed done | changed | url http://pictures.example/a.jpg (etag rkw…, first avatar)",
            failure,
            skipped,
            "changed done | changed | avatar mxc://pictures.example/a (first avatar)",
            "changed done | changed | image build.png (avatar mxc://test.local/aiLiKGuEbxrrWyAZUZTRHExS, first avatar)",
        ]
    );
    assert_eq!(refused("apply m.json --html p.html").status, 77);
    assert_eq!(
        said()[..4],
        [
            " | unchanged | avatar 24880",
            " | unchanged | image build.png",
            " | unchanged | image build.png",
            " | unchanged | url http://pictures.example/a.jpg"
        ]
    );
}

#[test]
fn a_page_is_written_in_one_piece_or_not_at_all() {
    let mut world = World::new();
    let picture = world.scratch.join("faces/build.png");
    let jira = Before::request(1, Jira::default(), move || {
        fs::remove_file(&picture).expect("it was there");
    });
    world.offline();
    let accounts = "\n    {\"server\": \"jira\", \"user\": \"robot\", \"avatar_id\": 10122},\n    \
                    {\"server\": \"jira\", \"user\": \"build-bot\", \"image\": \"faces/build.png\"}";
    let text = world
        .manifest(accounts)
        .replace(&world.jira().url(), &jira.url());
    world.scratch.write("m.json", text);
    world.scratch.write("p.html", "the page before");
    let told = world.run("diff m.json --html p.html").output();
    assert_ne!(told.status, 0);
    assert!(told.stderr.contains("cannot write \"p.html\""), "{told:?}");
    assert_eq!(world.scratch.read("p.html"), "the page before");
    assert_eq!(world.scratch.names(), ["faces", "m.json", "p.html"]);
}

/// A run that could not begin has nothing to tell; the files of the run before still do.
#[test]
fn a_run_that_cannot_begin_leaves_the_files_of_the_one_before() {
    let mut world = World::new();
    world.declare("\n    {\"server\": \"fleet\", \"employee_id\": 2132, \"icon_id\": 3654}");
    world.offline();
    world.scratch.write("m.json.state", "x\n");
    world.scratch.write("p.html", "the page before");
    world.scratch.write("j.xml", "the cases before");
    world.run("apply m.json --html p.html --junit j.xml").gives(
        65,
        "",
        "avatarctl: the state file \"m.json.state\" is damaged in line 1\n\
         hint: restore it, or remove it: then every picture is set once more\n",
    );
    assert_eq!(world.scratch.read("p.html"), "the page before");
    assert_eq!(world.scratch.read("j.xml"), "the cases before");
}

/// What is no file of its own is written through and stays what it is: `--junit /dev/stdout`, a link.
#[test]
fn links_and_devices_stay_what_they_are() {
    let scratch = scratch(r#"{"server": "jira", "user": "robot", "avatar_id": 24880}"#);
    for (link, place) in [("nowhere.html", "/dev/null"), ("link.html", "real.html")] {
        symlink(place, scratch.join(link)).expect("scratch is writable");
        Run::new(["check", "m.json", "-q", "--html", link])
            .dir(scratch.path())
            .gives(0, NOTHING, NOTHING);
        let kept = fs::symlink_metadata(scratch.join(link)).expect("it is there");
        assert!(kept.is_symlink(), "{link}");
        // The second time the file is there.
        Run::new(["check", "m.json", "-q", "--html", link])
            .dir(scratch.path())
            .gives(0, NOTHING, NOTHING);
    }
    assert!(scratch.read("real.html").contains("<h3>robot</h3>"));
    symlink("/dev/full", scratch.join("full.html")).expect("scratch is writable");
    Run::new(["check", "m.json", "-q", "--html", "full.html"])
        .dir(scratch.path())
        .gives(
            66,
            NOTHING,
            "avatarctl: cannot write \"full.html\": no space left on device\n",
        );
    assert!(scratch.join("full.html").is_symlink());
}

// ------------------------------------------------------------------------------------------------ in a browser

/// What Chromium shows of the page, or none where the machine has none and says so.
fn look(scratch: &Scratch) -> Option<Picture> {
    let screen = Screen {
        width: 1000,
        height: 900,
        dark: false,
    };
    browser::screenshot(scratch, "p.html", screen).map(|shot| Picture::read(&shot))
}

/// A screenshot.
struct Picture {
    width: usize,
    samples: usize,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Colour {
    Red,
    Green,
    Blue,
    Other,
}

impl Picture {
    fn read(path: &Path) -> Picture {
        let file = File::open(path).expect("the browser wrote a picture");
        let mut reader = png::Decoder::new(BufReader::new(file))
            .read_info()
            .expect("a PNG");
        let mut bytes = vec![0; reader.output_buffer_size().expect("a size of a screen")];
        let info = reader.next_frame(&mut bytes).expect("a whole PNG");
        Picture {
            width: info.width as usize,
            samples: info.color_type.samples(),
            bytes,
        }
    }

    /// Each row as runs of one colour, with what is none of the three left out.
    fn rows(&self) -> Vec<Vec<(Colour, usize)>> {
        let rows = self.bytes.chunks_exact(self.width * self.samples);
        rows.map(|row| {
            let mut runs: Vec<(Colour, usize)> = Vec::new();
            for pixel in row.chunks_exact(self.samples) {
                let colour = match pixel {
                    [120..=255, ..90, ..90, ..] => Colour::Red,
                    [..90, 100..=255, ..90, ..] => Colour::Green,
                    [..90, ..90, 120..=255, ..] => Colour::Blue,
                    _ => Colour::Other,
                };
                match runs.last_mut() {
                    Some((last, length)) if *last == colour => *length += 1,
                    _ => runs.push((colour, 1)),
                }
            }
            runs.retain(|(colour, length)| *colour != Colour::Other && *length >= 8);
            runs
        })
        .collect()
    }

    /// How many rows have a run of this colour that is 200 pixels long, as far as an edge can be told.
    fn whole(&self, colour: Colour) -> usize {
        let whole = |run: &&(Colour, usize)| run.0 == colour && (198..=200).contains(&run.1);
        self.rows()
            .iter()
            .filter(|row| row.iter().any(|run| whole(&run)))
            .count()
    }

    fn has(&self, colour: Colour) -> bool {
        self.rows().iter().flatten().any(|run| run.0 == colour)
    }
}

#[test]
fn a_browser_shows_the_middle_of_a_wide_picture_in_every_size() {
    for account in [
        r#"{"server": "jira", "user": "a", "image": "wide.png"}"#,
        r#"{"server": "chat", "user": "a", "image": "wide.png"}"#,
        r#"{"server": "fleet", "employee_id": 1, "image": "wide.png"}"#,
    ] {
        let scratch = scratch(account);
        scratch.write(
            "wide.png",
            pictures::png_bands(300, 100, &[RED, GREEN, BLUE]),
        );
        page(&scratch, &[]);
        let Some(shown) = look(&scratch) else { return };
        assert!(
            !shown.has(Colour::Red) && !shown.has(Colour::Blue),
            "{account}"
        );
        // The square of 200 pixels, and the widest rows of the round one.
        assert!(
            (205..250).contains(&shown.whole(Colour::Green)),
            "{account}: {}",
            shown.whole(Colour::Green)
        );
        let sizes: Vec<(Colour, usize)> = [16, 24, 32, 48, 200]
            .map(|side| (Colour::Green, side))
            .to_vec();
        assert!(
            shown.rows().contains(&[sizes.clone(), sizes].concat()),
            "{account}: all sizes stand on one line, on both grounds"
        );
        // Of the round ones the corners are missing.
        let rows = shown.rows();
        let last = rows
            .iter()
            .rev()
            .find(|row| !row.is_empty())
            .expect("something is shown");
        assert!(last.iter().all(|run| run.1 < 60), "{account}: {last:?}");
    }
}

#[test]
fn a_browser_shows_a_tall_picture_that_jira_shrinks_in_its_crop() {
    let scratch = scratch(r#"{"server": "jira", "user": "a", "image": "tall.jpg"}"#);
    // Stored on its side: 1200 wide, 400 high; Jira looks at no orientation.
    scratch.write(
        "tall.jpg",
        pictures::jpeg_bands(1200, 400, &[RED, GREEN, BLUE], 6),
    );
    page(&scratch, &[]);
    let Some(shown) = look(&scratch) else { return };
    assert!(!shown.has(Colour::Red) && !shown.has(Colour::Blue));
    assert!((205..250).contains(&shown.whole(Colour::Green)));
}

#[test]
fn a_browser_turns_a_picture_where_the_server_does_and_only_there() {
    // Orientation 6: what is stored at the left belongs to the top.
    let turned = pictures::jpeg_bands(96, 96, &[RED, BLUE], 6);
    for (account, upright) in [
        (
            r#"{"server": "jira", "user": "a", "image": "turned.jpg"}"#,
            false,
        ),
        (
            r#"{"server": "chat", "user": "a", "image": "turned.jpg"}"#,
            true,
        ),
        (
            r#"{"server": "fleet", "employee_id": 1, "image": "turned.jpg"}"#,
            true,
        ),
    ] {
        let scratch = scratch(account);
        scratch.write("turned.jpg", &turned);
        page(&scratch, &[]);
        let Some(shown) = look(&scratch) else { return };
        let rows = shown.rows();
        let halves = rows.iter().filter(|row| {
            matches!(
                row[..],
                [.., (Colour::Red, 90..=110), (Colour::Blue, 90..=110)]
            )
        });
        let halves = halves.count();
        match upright {
            false => {
                assert!(halves > 190, "{account}: {halves}");
                assert_eq!(
                    (shown.whole(Colour::Red), shown.whole(Colour::Blue)),
                    (0, 0),
                    "{account}"
                );
            }
            true => {
                assert_eq!(halves, 0, "{account}");
                let (red, blue) = (shown.whole(Colour::Red), shown.whole(Colour::Blue));
                assert!(
                    (90..130).contains(&red) && (90..130).contains(&blue),
                    "{account}: {red} {blue}"
                );
                let first = rows
                    .iter()
                    .find(|row| !row.is_empty())
                    .expect("something is shown");
                assert!(
                    first.iter().all(|run| run.0 == Colour::Red),
                    "{account}: red is at the top"
                );
            }
        }
    }
}
