//! What accounts show now, beside what is wanted, on the page of diff and apply: which pictures, what is asked for them,
//! and what is said where there is none.

use std::collections::BTreeSet;

use crate::support::jira::system_svg;
use crate::support::{Fault, Reply, World, encoding, pictures};

/// Every picture of the page, by the number of its class.
fn embedded(page: &str) -> Vec<Vec<u8>> {
    let rules = page.split("{--picture:url(data:").skip(1);
    rules
        .map(|rule| {
            let (data, _) = rule.split_once(")}").expect("a rule ends");
            let (_, text) = data.split_once(";base64,").expect("base64");
            encoding::from_base64(text).expect("base64")
        })
        .collect()
}

/// What the small pictures of an account are: those of now, if it changes, and those that are wanted; or why there are
/// none.
#[derive(Debug, PartialEq)]
struct Sides {
    now: Option<Result<Vec<u8>, String>>,
    wanted: Result<Vec<u8>, String>,
}

#[track_caller]
fn sides(page: &str, account: &str) -> Sides {
    let name = format!("<h3>{account}</h3>");
    let mut cards = page.split("<article").skip(1);
    let card = cards.find(|card| card.contains(&name));
    let card = card.unwrap_or_else(|| panic!("{account} is on the page"));
    let (_, strip) = card.split_once("class=\"strip\">").expect("a strip");
    let pictures = embedded(page);
    let picture = |class: &str| {
        let number = class.split(['"', ' ']).next().unwrap_or_default();
        let number: usize = number.parse().expect("a number");
        pictures[number].clone()
    };
    let between = |text: &str, before: &str| -> Option<String> {
        let (_, rest) = text.split_once(before)?;
        Some(rest.split_once("</")?.0.to_owned())
    };
    let (now, wanted) = match strip.split_once("class=\"arrow\">") {
        None => (None, strip),
        Some((now, wanted)) => (Some(now), wanted),
    };
    Sides {
        now: now.map(|now| match now.split_once("<span class=\"p") {
            Some((_, class)) => Ok(picture(class)),
            None => Err(between(card, "<p class=\"note\">now: ").expect("a note that says why")),
        }),
        wanted: match wanted.split_once("<span class=\"wanted p") {
            Some((_, class)) => Ok(picture(class)),
            None => Err(between(wanted, "<span class=\"why\">").expect("a place that says why")),
        },
    }
}

/// An account of each kind on each server that wears a picture of its own and is to wear another.
const ACCOUNTS: &str = r#"
    {"server": "jira", "user": "robot", "avatar_id": 24879},
    {"server": "jira", "user": "build-bot", "image": "faces/build.png"},
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"}"#;

struct Worn {
    robot: Vec<u8>,
    chat: Vec<u8>,
    driver: Vec<u8>,
}

fn dressed() -> (World, Worn) {
    let world = World::new();
    let worn = Worn {
        robot: pictures::png(96, 96, 11),
        chat: pictures::webp(96, 96, 12),
        driver: pictures::jpeg(96, 96, 13),
    };
    let id = world.jira().model().give("robot", worn.robot.clone());
    world.jira().model().user_mut("robot").selected = id;
    world.chat().model().give("build-bot", worn.chat.clone());
    world.fleet().model().give(2133, worn.driver.clone());
    (world, worn)
}

#[test]
fn now_stands_beside_wanted_in_diff_and_apply() {
    let (mut world, worn) = dressed();
    world.declare(ACCOUNTS);
    let build = pictures::png(64, 64, 1);
    let default = system_svg(10122).into_bytes();
    for (verb, status) in [("diff", 2), ("apply", 0)] {
        let told = world
            .run(&format!("{verb} m.json -q --html p.html"))
            .output();
        assert_eq!((told.status, told.stderr.as_str()), (status, ""), "{verb}");
        let page = world.scratch.read("p.html");
        for (account, now, wanted) in [
            ("robot", &worn.robot, &system_svg(24879).into_bytes()),
            ("build-bot", &default, &build),
            ("2133", &worn.driver, &pictures::jpeg(64, 64, 3)),
        ] {
            let seen = Sides {
                now: Some(Ok(now.clone())),
                wanted: Ok(wanted.clone()),
            };
            assert_eq!(sides(&page, account), seen, "{verb} {account}");
        }
        let (_, chat) = page.split_once("Rocket.Chat").expect("a section");
        let chat = format!("{}{chat}", page.split_once("<header>").expect("a head").0);
        assert_eq!(
            sides(&chat, "build-bot"),
            Sides {
                now: Some(Ok(worn.chat.clone())),
                wanted: Ok(build.clone()),
            },
            "{verb} chat"
        );
        // One picture is wanted twice, and embedded once.
        let all = embedded(&page);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(all.len(), 7, "{verb}");
    }
    // What is in place is shown alone, and costs no question.
    world.forget();
    let told = world.run("apply m.json -q --html p.html").output();
    assert_eq!((told.status, told.stderr.as_str()), (0, ""));
    let page = world.scratch.read("p.html");
    let without = |why: &str| Sides {
        now: None,
        wanted: Err(why.to_owned()),
    };
    assert_eq!(
        sides(&page, "robot"),
        without("not read, because nothing changes")
    );
    assert_eq!(sides(&page, "build-bot").now, None);
    assert_eq!(pictures_asked(&world), [""; 0]);
}

/// Every request for a picture, by its address.
fn pictures_asked(world: &World) -> Vec<String> {
    let requests = [
        world.jira().requests(),
        world.chat().requests(),
        world.fleet().requests(),
    ];
    let paths = ["/secure/useravatar", "/avatar/", "/static/"];
    let asked = requests
        .concat()
        .into_iter()
        .filter(|request| request.method == "GET")
        .filter(|request| paths.iter().any(|path| request.path().contains(path)))
        .filter(|request| !request.path().contains("/api/"));
    asked.map(|request| request.target.clone()).collect()
}

#[test]
fn pictures_are_asked_for_where_there_is_a_page_and_once() {
    let (mut world, _) = dressed();
    let presets = r#"
    {"server": "jira", "user": "build-bot", "avatar_id": 24879},
    {"server": "jira", "user": "deploy-bot", "avatar_id": 24879},
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"},
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"}"#;
    world.declare(presets);
    for words in ["diff m.json -q", "diff m.json -q --junit j.xml"] {
        assert_eq!(world.run(words).output().status, 2);
        assert_eq!(pictures_asked(&world), [""; 0], "{words}");
    }
    assert_eq!(world.run("diff m.json -q --html p.html").output().status, 2);
    let asked = pictures_asked(&world);
    let of = |what: &str| asked.iter().filter(|target| target.contains(what)).count();
    // What each of the four shows, and the wanted one once.
    assert_eq!(of("avatarId=24879"), 1, "{asked:?}");
    assert_eq!(of("avatarId=10122"), 2, "{asked:?}");
    assert_eq!((of("/chat/avatar/"), of("/static/")), (1, 1), "{asked:?}");
    assert_eq!(asked.len(), 5, "{asked:?}");
}

/// Whatever is answered for a picture, the change is made, and the page says why there is none.
#[test]
fn a_picture_that_cannot_be_read_is_said_on_the_page_and_fails_nobody() {
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    for (reply, said) in [
        (
            Reply::html(403, "Forbidden"),
            "read the picture of avatar 10122: not permitted",
        ),
        (
            Reply::html(404, "Not Found"),
            "read the picture of avatar 10122: there is no such picture",
        ),
        (
            Reply::html(200, "Log in"),
            "read the picture of avatar 10122: answered 200, and the body is an HTML page",
        ),
        (
            Reply::text(200, "image/png", ""),
            "read the picture of avatar 10122: answered 200, and the body is empty",
        ),
        (
            Reply::text(200, "image/png", &pictures::png(64, 64, 1)[..40]),
            "read the picture of avatar 10122: answered 200, and the body is a PNG picture that is cut off",
        ),
        (Reply::text(200, "image/svg+xml", svg), ""),
    ] {
        let mut world = World::new();
        world.declare(
            r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880}"#,
        );
        world
            .jira()
            .fault(Fault::on("GET /secure/useravatar").always().instead(reply));
        world.run("apply m.json --html p.html").gives(
            0,
            "jira robot: avatar 24880 (was 10122)\n1 changed, 0 unchanged\n",
            "",
        );
        let page = world.scratch.read("p.html");
        let seen = sides(&page, "robot");
        match said {
            // A drawing stays an image, whatever is in it.
            "" => {
                assert_eq!(
                    (seen.now, seen.wanted),
                    (Some(Ok(svg.to_vec())), Ok(svg.to_vec()))
                );
                assert!(!page.contains("<script"));
            }
            said => {
                let wanted = said.replace("10122", "24880");
                assert_eq!(
                    (seen.now, seen.wanted),
                    (Some(Err(said.to_owned())), Err(wanted))
                );
            }
        }
    }
}

/// What cannot be read because nobody may, what has no picture, and what nobody looked at.
#[test]
fn a_place_without_a_picture_says_why() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "chat", "user_id": "BsNr28znDkG8aeo7W", "avatar_url": "http://pictures.example/a.jpg"},
    {"server": "chat", "user": "retired-bot", "reset": true},
    {"server": "fleet", "employee_id": 2132, "icon_id": 3654},
    {"server": "fleet", "employee_id": 2133, "image": "faces/driver.jpg"}"#,
    );
    world
        .chat()
        .model()
        .give("retired-bot", pictures::png(64, 64, 9));
    assert_eq!(world.run("diff m.json -q --html p.html").output().status, 2);
    let page = world.scratch.read("p.html");
    let why = |account: &str| {
        let seen = sides(&page, account);
        (
            seen.now.and_then(Result::err).unwrap_or_default(),
            seen.wanted.err().unwrap_or_default(),
        )
    };
    let texts = |now: &str, wanted: &str| (now.to_owned(), wanted.to_owned());
    assert_eq!(
        why("BsNr28znDkG8aeo7W"),
        texts("", "the server downloads it from this address")
    );
    assert_eq!(why("retired-bot"), texts("", "the server draws it"));
    assert_eq!(
        why("2132"),
        texts(
            "icon 12 has no address that its picture could be read from",
            "a built-in icon has no address that its picture could be read from"
        )
    );
    assert_eq!(
        why("2133"),
        texts("the employee has no icon and no picture", "")
    );
    // Without a look there is nothing to be read.
    world.forget();
    let told = world
        .run("apply m.json -q --no-verify --html p.html")
        .output();
    assert_eq!(told.status, 0, "{told:?}");
    let page = world.scratch.read("p.html");
    let seen = sides(&page, "robot");
    assert_eq!(
        (seen.now, seen.wanted),
        (
            Some(Err("nobody looked at it".to_owned())),
            Err("not read".to_owned())
        )
    );
    assert_eq!(pictures_asked(&world), [""; 0]);
}
