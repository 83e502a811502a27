//! Every call of Rocket.Chat by table: how often it is repeated, that the account is right whatever got lost on the way, and
//! how a run ends over broken connections and wrong answers. The tables are worked through by `http::retries` and
//! `http::hostile`.

use crate::http::hostile::{Call, System, Wrong, call};
use crate::http::retries::{Count, Flow, aside, by_login, count, large, small};
use crate::support::{Fault, Reply, RocketChat, Run, pictures};

pub const FILE: &[&str] = &["rocketchat", "set", "--user=build-bot", "--image=large.png"];
const ADDRESS: &[&str] = &[
    "rocketchat",
    "set",
    "--user=build-bot",
    "--avatar-url=http://domain.tld/a.png?key=URLSECRET",
];
const SHOWN: &[&str] = &[
    "rocketchat",
    "show",
    "--user=build-bot",
    "--output=/dev/null",
];
const RESET: &[&str] = &["rocketchat", "reset", "--user=build-bot"];
const WHOAMI: &[&str] = &["rocketchat", "whoami"];

/// With an account that wears a picture of its own, or has one to be deleted.
const SYSTEM: System<RocketChat> = System {
    calls: CALLS,
    given: |chat| {
        chat.give("build-bot", pictures::png(64, 64, 3));
    },
    secrets: &[
        "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq",
        "aobEdbYhXfu5hkeqG",
    ],
    ends,
    flows: FLOWS,
    counts: COUNTS,
    dressed: &[(
        &["rocketchat", "show"],
        "rocketchat robot-admin: no avatar, the generated letter shows\n",
    )],
    upload: (FILE, "rocketchat build-bot"),
    long: &[(FILE, "POST /users.setAvatar")],
};

held_to_every_table!(SYSTEM);

pub const CALLS: &[Call] = &[
    call("caller", &["rocketchat", "show"], "GET /me"),
    call(
        "suggestions",
        &["rocketchat", "list"],
        "GET /users.getAvatarSuggestion",
    ),
    call("before", FILE, "GET /users.info"),
    call("file", FILE, "POST /users.setAvatar"),
    call("address", ADDRESS, "POST /users.setAvatar"),
    Call {
        from: 2,
        ..call("proof", FILE, "GET /users.info")
    },
    call("picture", FILE, "HEAD /avatar/build-bot"),
    call("shown", SHOWN, "GET /avatar/build-bot"),
    call("reset", RESET, "POST /users.resetAvatar"),
    Call {
        from: 2,
        ..call("reset proof", RESET, "GET /users.info")
    },
    call("who", &["rocketchat", "whoami"], "GET /me"),
    call("version", &["rocketchat", "whoami"], "GET /api/info"),
    Call {
        by_login: true,
        ..call("login", &["rocketchat", "whoami"], "POST /login")
    },
    Call {
        by_login: true,
        ..call("logout", &["rocketchat", "whoami"], "POST /logout")
    },
];

/// Where an answer decides less or more than usual.
fn ends(call: &Call, wrong: &Wrong) -> Option<i32> {
    match (call.name, wrong.name) {
        // What is not told is not known.
        ("version", _) if wrong.answered || wrong.name == "switching protocols" => Some(0),
        // The work is done; only a login is left open, which is warned of.
        ("logout", _) => Some(0),
        // It is looked at besides: whatever becomes of that, the etag tells enough.
        ("picture", _) => Some(0),
        ("shown", "an address repeated") => None,
        ("shown", "HTML with 404") => Some(67),
        // It leads to a file store, which cannot be reached here.
        ("shown", "a redirect" | "a permanent redirect") => Some(69),
        // Their absence of words is taken for a table without rows, or for a server of some other kind.
        ("suggestions", "fields of another type") => Some(0),
        (_, "an address repeated") => Some(65),
        (_, "HTML with 401" | "HTML with 403") => Some(77),
        _ => None,
    }
}

const FLOWS: &[Flow<RocketChat>] = &[
    Flow {
        name: "file",
        arguments: FILE,
        given: |_| {},
        requests: 4,
        stores: 0,
        wrong: |chat| {
            let worn = chat.user("build-bot").picture.as_ref();
            let right = worn.is_some_and(|picture| picture.bytes == large());
            (!right).then(|| "another picture".to_owned())
        },
    },
    Flow {
        name: "reset",
        arguments: RESET,
        given: |chat| {
            chat.give("build-bot", small());
        },
        requests: 4,
        stores: 0,
        wrong: |chat| {
            let worn = chat.user("build-bot").picture.is_some();
            worn.then(|| "a picture is left".to_owned())
        },
    },
];

const COUNTS: &[Count] = &[
    count(FILE, "GET /users.info", 3, 3),
    count(FILE, "POST /users.setAvatar", 3, 3),
    count(&["rocketchat", "show"], "GET /me", 3, 3),
    count(SHOWN, "GET /avatar/build-bot", 3, 3),
    count(RESET, "POST /users.resetAvatar", 3, 3),
    count(WHOAMI, "GET /me", 3, 3),
    aside(count(WHOAMI, "GET /api/info", 3, 3)),
    // Each refused one counts, and each good one is a token of its own.
    by_login(count(WHOAMI, "POST /login", 1, 1)),
    aside(by_login(count(WHOAMI, "POST /logout", 1, 1))),
];

#[test]
fn a_secret_in_a_picture_s_address_is_not_repeated() {
    let model = RocketChat::start();
    let said =
        "Invalid avatar URL: http://domain.tld/a.png?key=URLSECRET [error-avatar-invalid-url]";
    let body = format!(
        "{{\"success\":false,\"error\":\"{said}\",\"errorType\":\"error-avatar-invalid-url\"}}"
    );
    model.fault(Fault::on("POST /users.setAvatar").instead(Reply::json(400, body)));
    Run::new(ADDRESS).with(&model).gives(
        65,
        "",
        "avatarctl: rocketchat build-bot: set the avatar from its address: the server cannot fetch this address: \
         Invalid avatar URL: http://domain.tld/a.png?(redacted)\n\
         hint: upload the picture with --image; addresses of a private network are refused unless SSRF_Allowlist \
         names them\n",
    );
}
