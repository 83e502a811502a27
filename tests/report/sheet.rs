//! The contact sheet of `list --html`: every avatar on offer with its picture and its id, and what is said where pictures
//! cannot be read.

use crate::support::browser::{LAPTOP, PHONE, measure};
use crate::support::jira::system_svg;
use crate::support::{Fault, Jira, Model, Reply, Run, Running, Scratch, encoding, pictures};
use serde_json::json;

/// A Jira with three avatars of its own, where `robot` has two more and wears the second.
fn jira() -> (Running<Jira>, [u64; 2]) {
    let mut jira = Jira::default();
    jira.system = vec![10122, 10123, 10124];
    let own = [1, 2].map(|seed| jira.give("robot", pictures::png(64, 64, seed)));
    jira.user_mut("robot").selected = own[1];
    (jira.start(), own)
}

fn run(jira: &Running<Jira>, scratch: &Scratch, words: &str) -> Run {
    let list = format!("jira list --user robot {words}");
    Run::new(list.split(' ')).dir(scratch.path()).with(jira)
}

/// What stands in the table of the list.
fn table([old, worn]: [u64; 2]) -> String {
    format!(
        "id     kind    selected\n10122  system  -\n10123  system  -\n10124  system  -\n{old}  custom  -\n{worn}  custom  yes\n"
    )
}

/// What the page says of each avatar: whether it stands out, its class or why there is no picture, and its caption.
fn figures(page: &str) -> Vec<(bool, String, String)> {
    let between = |text: &str, before: &str, after: &str| -> Option<String> {
        let (_, rest) = text.split_once(before)?;
        Some(rest.split_once(after)?.0.to_owned())
    };
    let figures = page.split("<figure").skip(1);
    figures
        .map(|figure| {
            let picture = between(figure, "<div class=\"strip ", "\"")
                .or_else(|| between(figure, "<div class=\"why\">", "</div>"));
            let caption = between(figure, "<figcaption>", "</figcaption>");
            let caption = caption
                .expect("a caption")
                .replace("<code class=\"id\">", "");
            (
                figure.starts_with(" class=\"selected\">"),
                picture.expect("a picture or a reason"),
                caption.replace("</code>", ":"),
            )
        })
        .collect()
}

#[test]
fn every_avatar_has_its_picture_its_id_and_what_may_be_done_to_it() {
    let (jira, own) = jira();
    let scratch = Scratch::new();
    run(&jira, &scratch, "--html s.html").gives(0, &table(own), "");
    let page = scratch.read("s.html");
    let shown = |selected, class: &str, id: u64, words: &str| {
        (selected, class.to_owned(), format!("{id}: {words}"))
    };
    assert_eq!(
        figures(&page),
        [
            shown(false, "p0", 10122, "system"),
            shown(false, "p1", 10123, "system"),
            shown(false, "p2", 10124, "system"),
            shown(false, "p3", own[0], "custom, may be deleted"),
            shown(true, "p4", own[1], "custom, selected"),
        ]
    );
    let embedded: Vec<Vec<u8>> = page
        .split(";base64,")
        .skip(1)
        .map(|rest| {
            let (text, _) = rest.split_once(")}").expect("a rule ends");
            encoding::from_base64(text).expect("base64")
        })
        .collect();
    let mut wanted: Vec<Vec<u8>> = [10122, 10123, 10124]
        .map(|id| system_svg(id).into_bytes())
        .to_vec();
    wanted.extend([1, 2].map(|seed| pictures::png(64, 64, seed)));
    assert_eq!(embedded, wanted);
    let (_, body) = page.split_once("</style>\n").expect("a style");
    let (head, _) = body.split_once("<main>").expect("a main part");
    let (before, time) = head.split_once("<time ").expect("a time");
    let (_, after) = time.split_once("</time>").expect("its end");
    let url = jira.url();
    assert_eq!(
        format!("{before}NOW{after}"),
        format!(
            "<header>\n<h1>avatars of robot</h1>\n<p class=\"totals\">5 avatars, 2 custom; {} selected</p>\n<dl>\n\
             <div><dt>server</dt><dd><a href=\"{url}\" rel=\"noreferrer\">jira</a></dd></div>\n\
             <div><dt>time</dt><dd>NOW</dd></div>\n</dl>\n\
             <p class=\"hint\"><code>avatarctl jira set --user NAME --avatar-id ID</code> selects one</p>\n\
             <p class=\"hint\"><code>avatarctl jira delete --user NAME --avatar-id ID</code> deletes a custom one that is not selected</p>\n\
             </header>\n",
            own[1]
        )
    );
}

/// A list needs no picture, and a sheet is a sheet without them: places that say why, one warning, 0.
#[test]
fn pictures_that_cannot_be_read_leave_their_places_and_one_warning() {
    let (jira, own) = jira();
    let scratch = Scratch::new();
    let refused = Reply::html(403, "Forbidden");
    let fault = Fault::on("GET /secure/useravatar").from(2).always();
    jira.fault(fault.instead(refused));
    run(&jira, &scratch, "--html s.html").gives(
        0,
        &table(own),
        "avatarctl: jira robot: warning: 4 of 5 pictures cannot be read: read the picture of avatar 10123: not permitted\n",
    );
    let figures = figures(&scratch.read("s.html"));
    let pictures: Vec<&str> = figures
        .iter()
        .map(|(_, picture, _)| picture.as_str())
        .collect();
    let refused = [10123, 10124, own[0], own[1]]
        .map(|id| format!("read the picture of avatar {id}: not permitted"));
    assert_eq!(pictures[0], "p0");
    assert_eq!(pictures[1..], refused);
    let captions: Vec<&str> = figures
        .iter()
        .map(|(.., caption)| caption.as_str())
        .collect();
    assert_eq!(captions[4], format!("{}: custom, selected", own[1]));
}

#[test]
fn a_sheet_that_cannot_be_written_is_an_error() {
    let (jira, own) = jira();
    let scratch = Scratch::new();
    run(&jira, &scratch, "--html nowhere/s.html").gives(
        66,
        "",
        "avatarctl: jira robot: --html: there is no folder \"nowhere\"\n",
    );
    assert_eq!(jira.requests().len(), 0);
    run(&jira, &scratch, "--html=").gives(
        64,
        "",
        "avatarctl: --html is empty\nhint: is the variable that it comes from set?\n",
    );
    run(&jira, &scratch, "--html /dev/full").gives(
        66,
        &table(own),
        "avatarctl: jira robot: cannot write \"/dev/full\": no space left on device\n",
    );
}

/// The id is large, is selected by one click as a whole, and the page fits a phone.
#[test]
fn an_id_can_be_copied_and_a_phone_shows_it() {
    let (jira, _) = jira();
    let scratch = Scratch::new();
    assert_eq!(run(&jira, &scratch, "-q --html s.html").output().status, 0);
    for screen in [LAPTOP, PHONE] {
        let body = "const id = page.querySelector('.id');
            const style = page.defaultView.getComputedStyle(id);
            const tops = new Set([...page.querySelectorAll('figure')].map(one => one.getBoundingClientRect().top));
            return [style.userSelect, parseFloat(style.fontSize) >= 18, page.documentElement.scrollWidth, tops.size];";
        let Some(seen) = measure(&scratch, "s.html", screen, body) else {
            return;
        };
        let rows = if screen.width < 1000 { 3 } else { 1 };
        assert_eq!(seen, json!(["all", true, screen.width, rows]), "{screen:?}");
    }
}
