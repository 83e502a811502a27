//! Every call of Matrix by table: how often it is repeated, that the account is right whatever got lost on the way, and
//! how a run ends over broken connections and wrong answers. The tables are worked through by `http::retries` and
//! `http::hostile`.

use crate::http::hostile::{Call, System, Wrong, call};
use crate::http::retries::{Count, Flow, aside, by_login, count, large, small};
use crate::support::{Matrix, pictures};

pub const MXC: &[&str] = &["matrix", "set", "--user=build-bot", "--mxc=mxc://a/b"];
pub const FILE: &[&str] = &["matrix", "set", "--user=build-bot", "--image=large.png"];
const SHOWN: &[&str] = &["matrix", "show", "--user=build-bot", "--output=/dev/null"];
/// As the first picture that the model stores is called.
const STORED: &str = "GET /media/download/test.local/aiLiKGuEbxrrWyAZUZTRHExS";
const RESET: &[&str] = &["matrix", "reset", "--user=build-bot"];
const WHOAMI: &[&str] = &["matrix", "whoami"];
const LIST: &[&str] = &["matrix", "list"];

const ACCOUNT: &str = "GET /v2/users/%40build-bot%3Atest.local";
const CHANGE: &str = "PUT /profile/%40build-bot%3Atest.local/avatar_url";
const ADMIN: &str = "GET /users/%40admin%3Atest.local/admin";

/// With an account that wears a picture of its own, and no limit of what is uploaded.
const SYSTEM: System<Matrix> = System {
    calls: CALLS,
    given: |matrix| {
        matrix.give("build-bot", pictures::png(64, 64, 3));
        matrix.max_upload_size = None;
    },
    secrets: &["syt_YWRtaW4_iCVVYyDpBQfNpaQrxiWT_11jrlV"],
    ends,
    flows: FLOWS,
    counts: COUNTS,
    dressed: &[
        (MXC, "matrix build-bot: avatar mxc://a/b (first avatar)\n"),
        (
            FILE,
            "matrix build-bot: avatar mxc://test.local/aiLiKGuEbxrrWyAZUZTRHExS, was mxc://a/b, image large.png\n",
        ),
        (
            RESET,
            "matrix build-bot: was avatar mxc://test.local/aiLiKGuEbxrrWyAZUZTRHExS, generated letter\n",
        ),
    ],
    upload: (FILE, "matrix build-bot"),
    long: &[(LIST, "GET /v2/users"), (FILE, "POST /media/v3/upload")],
};

held_to_every_table!(SYSTEM);

pub const CALLS: &[Call] = &[
    call("caller", &["matrix", "show"], "GET /account/whoami"),
    call("admin", MXC, ADMIN),
    call("accounts", LIST, "GET /v2/users"),
    call("before", MXC, ACCOUNT),
    call("limits", FILE, "GET /media/config"),
    call("upload", FILE, "POST /media/v3/upload"),
    call("change", MXC, CHANGE),
    Call {
        from: 2,
        ..call("proof", MXC, ACCOUNT)
    },
    call(
        "own",
        &["matrix", "show"],
        "GET /profile/%40admin%3Atest.local/avatar_url",
    ),
    call("shown", SHOWN, STORED),
    call("reset", RESET, CHANGE),
    Call {
        from: 2,
        ..call("reset proof", RESET, ACCOUNT)
    },
    call("who", WHOAMI, "GET /account/whoami"),
    call("software", WHOAMI, "GET /federation/v1/version"),
    Call {
        by_login: true,
        ..call("ways", WHOAMI, "GET /login")
    },
    Call {
        by_login: true,
        ..call("login", WHOAMI, "POST /login")
    },
    Call {
        by_login: true,
        ..call("logout", WHOAMI, "POST /logout")
    },
];

/// Where an answer decides less or more than usual.
fn ends(call: &Call, wrong: &Wrong) -> Option<i32> {
    // Answers in JSON that tell neither an avatar nor a limit.
    let nothing = [
        "an empty object",
        "fields of another type",
        "success as text",
        "success as a number",
        "bare failure",
        "invalid UTF-8",
    ];
    match (call.name, wrong.name) {
        // What is not told is not known.
        ("software", _) if wrong.answered || wrong.name == "switching protocols" => Some(0),
        ("own" | "limits", name) if nothing.contains(&name) => Some(0),
        // Who is refused is no admin, and asks for the profile.
        ("admin", "credentials repeated" | "control characters in a refusal") => Some(0),
        // Not every server has these calls, nor does every proxy let them through.
        ("admin", "HTML with 403" | "HTML with 404" | "HTML with 405") => Some(0),
        ("limits", "HTML with 404" | "HTML with 405") => Some(0),
        ("shown", "HTML with 401" | "HTML with 403") => Some(77),
        // The older address is asked then, and has no such picture.
        ("shown", "HTML with 404") => Some(67),
        // The work is done; only a login is left open, which is warned of.
        ("logout", _) => Some(0),
        _ => None,
    }
}

const FLOWS: &[Flow<Matrix>] = &[
    Flow {
        name: "mxc",
        arguments: MXC,
        given: |_| {},
        requests: 6,
        stores: 0,
        wrong: |matrix| wears(matrix, Some("mxc://a/b")),
    },
    Flow {
        name: "file",
        arguments: FILE,
        given: |_| {},
        requests: 8,
        stores: 0,
        wrong: |matrix| {
            let worn = matrix.user("build-bot").avatar.clone();
            let id = worn.as_deref().and_then(|worn| worn.rsplit('/').next());
            let stored = id.and_then(|id| matrix.media.get(id));
            let right = stored.is_some_and(|media| media.bytes == large());
            (!right).then(|| format!("{worn:?}"))
        },
    },
    Flow {
        name: "reset",
        arguments: RESET,
        given: |matrix| {
            matrix.give("build-bot", small());
        },
        requests: 6,
        stores: 0,
        wrong: |matrix| wears(matrix, None),
    },
];

fn wears(matrix: &mut Matrix, avatar: Option<&str>) -> Option<String> {
    let worn = &matrix.user("build-bot").avatar;
    (worn.as_deref() != avatar).then(|| format!("{worn:?}"))
}

const COUNTS: &[Count] = &[
    count(&["matrix", "show"], "GET /account/whoami", 3, 3),
    // Without it nobody knows who is an admin, and the server itself judges.
    aside(count(MXC, ADMIN, 3, 3)),
    count(LIST, "GET /v2/users", 3, 3),
    count(MXC, ACCOUNT, 3, 3),
    aside(count(FILE, "GET /media/config", 3, 3)),
    // Every upload is kept for ever, and one more is the most.
    count(FILE, "POST /media/v3/upload", 3, 2),
    count(MXC, CHANGE, 3, 3),
    count(RESET, CHANGE, 3, 3),
    count(SHOWN, STORED, 3, 3),
    count(WHOAMI, "GET /account/whoami", 3, 3),
    aside(count(WHOAMI, "GET /federation/v1/version", 3, 3)),
    by_login(count(WHOAMI, "GET /login", 3, 3)),
    by_login(count(WHOAMI, "POST /login", 1, 1)),
    aside(by_login(count(WHOAMI, "POST /logout", 3, 3))),
];
