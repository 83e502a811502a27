//! Every call of Jira by table: how often it is repeated, that the account is right whatever got lost on the way, and
//! how a run ends over broken connections and wrong answers. The tables are worked through by `http::retries` and
//! `http::hostile`.

use crate::http::hostile::{Call, System, Wrong, call};
use crate::http::retries::{Count, Flow, again, aside, count, large, slow, small};
use crate::support::{Jira, pictures};

pub const SELECT: &[&str] = &["jira", "set", "--user=build-bot", "--avatar-id=24880"];
pub const CROP: &[&str] = &["jira", "set", "--user=build-bot", "--image=large.png"];
pub const SMALL: &[&str] = &["jira", "set", "--user=build-bot", "--image=small.png"];
const SHOWN: &[&str] = &["jira", "show", "--user=build-bot", "--output=/dev/null"];
const DELETE: &[&str] = &["jira", "delete", "--user=build-bot", "--avatar-id=24901"];

/// With an account that wears a picture of its own, or has one to be deleted.
const SYSTEM: System<Jira> = System {
    calls: CALLS,
    given: |jira| {
        jira.give("build-bot", pictures::png(64, 64, 3));
    },
    secrets: &["secret", "cm9ib3Q6c2VjcmV0"],
    ends,
    flows: FLOWS,
    counts: COUNTS,
    dressed: &[
        (SELECT, "jira build-bot: avatar 24880 (was 10122)\n"),
        (
            CROP,
            "jira build-bot: image large.png (avatar 24901, was 24880)\n",
        ),
        (
            SMALL,
            "jira build-bot: image small.png (avatar 24902, was 24901)\n",
        ),
    ],
    upload: (CROP, "jira build-bot"),
    long: &[
        (SELECT, "GET /user/avatars"),
        (CROP, "POST /user/avatar/temporary"),
    ],
};

held_to_every_table!(SYSTEM);

pub const CALLS: &[Call] = &[
    call("server", SELECT, "GET /serverInfo"),
    call("caller", &["jira", "show"], "GET /myself"),
    call("list", &["jira", "list"], "GET /user/avatars"),
    call("before", SELECT, "GET /user/avatars"),
    call("select", SELECT, "PUT /user/avatar"),
    call("gravatar", SELECT, "GET /user"),
    Call {
        from: 2,
        ..call("proof", SELECT, "GET /user/avatars")
    },
    call("upload", CROP, "POST /user/avatar/temporary"),
    call("small", SMALL, "POST /user/avatar/temporary"),
    call("confirm", CROP, "POST /user/avatar"),
    call("select new", CROP, "PUT /user/avatar"),
    call("external", SHOWN, "GET /user"),
    call("shown", SHOWN, "GET /secure/useravatar"),
    call("who", &["jira", "whoami"], "GET /myself"),
    call("permissions", &["jira", "whoami"], "GET /mypermissions"),
    call("delete", DELETE, "DELETE /user/avatar/24901"),
    Call {
        from: 2,
        ..call("gone", DELETE, "GET /user/avatars")
    },
];

/// Where an answer decides less or more than usual.
fn ends(call: &Call, wrong: &Wrong) -> Option<i32> {
    match (call.name, wrong.name) {
        // Only whether to warn hangs on it.
        ("gravatar", _) => Some(0),
        // Without any address of a picture, none is another service's.
        ("external", "an empty object") => Some(0),
        // Nor where users are not shown, which says nothing of their pictures.
        (
            "external",
            "HTML with 403" | "credentials repeated" | "control characters in a refusal",
        ) => Some(0),
        // What is not told is not known.
        ("permissions", _) if wrong.answered || wrong.name == "switching protocols" => Some(0),
        // 400 on the way of a picture is about the picture, on the choice about the id.
        ("upload" | "small" | "confirm", "HTML with 400" | "an address repeated") => Some(65),
        ("select" | "select new", "HTML with 400" | "an address repeated") => Some(67),
        ("shown", "HTML with 401" | "HTML with 403") => Some(77),
        ("shown", "HTML with 404") => Some(67),
        ("shown", "HTML with 405") => None,
        // The context path may be missing.
        (_, "HTML with 405") => Some(78),
        (_, "HTML with 401" | "HTML with 403") => Some(77),
        _ => None,
    }
}

const FLOWS: &[Flow<Jira>] = &[
    Flow {
        name: "select",
        arguments: SELECT,
        given: |_| {},
        requests: 5,
        stores: 0,
        wrong: |jira| {
            let selected = jira.user("build-bot").selected;
            (selected != 24880 || !jira.custom.is_empty())
                .then(|| format!("{selected} is selected"))
        },
    },
    Flow {
        name: "crop",
        arguments: CROP,
        given: |_| {},
        requests: 7,
        stores: 4,
        wrong: |jira| one_custom(jira, &large()),
    },
    Flow {
        name: "small",
        arguments: SMALL,
        given: |_| {},
        requests: 6,
        stores: 3,
        wrong: |jira| one_custom(jira, &small()),
    },
    Flow {
        name: "delete",
        arguments: DELETE,
        given: |jira| {
            jira.give("build-bot", large());
            jira.give("build-bot", small());
        },
        requests: 4,
        stores: 0,
        wrong: |jira| {
            let left: Vec<u64> = jira.custom.iter().map(|custom| custom.id).collect();
            (left != [24902]).then(|| format!("{left:?} are left"))
        },
    },
];

/// The one custom avatar there may be, selected.
fn one_custom(jira: &mut Jira, picture: &[u8]) -> Option<String> {
    let stored = jira.custom.len();
    let selected = jira.user("build-bot").selected;
    match &jira.custom[..] {
        [custom] if custom.picture == picture && custom.id == selected => None,
        _ => Some(format!("{stored} custom avatars, {selected} is selected")),
    }
}

const COUNTS: &[Count] = &[
    count(SELECT, "GET /serverInfo", 3, 3),
    count(SELECT, "GET /user/avatars", 3, 3),
    count(SELECT, "PUT /user/avatar", 3, 3),
    count(&["jira", "show"], "GET /myself", 3, 3),
    // A picture of another size may be there.
    again(
        &[400, 404, 413],
        count(SHOWN, "GET /secure/useravatar", 3, 3),
    ),
    count(CROP, "POST /user/avatar/temporary", 3, 3),
    // Once, a look, and once more; a picture that may still be stored is not sent again.
    slow(count(SMALL, "POST /user/avatar/temporary", 3, 2)),
    // A crop that does not find its upload stored nothing: both are made once more.
    again(&[500], slow(count(CROP, "POST /user/avatar", 3, 2))),
    count(DELETE, "DELETE /user/avatar/24901", 3, 3),
    count(&["jira", "whoami"], "GET /myself", 3, 3),
    aside(count(&["jira", "whoami"], "GET /mypermissions", 3, 3)),
];
