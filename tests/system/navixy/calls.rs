//! Every call of Navixy by table: how often it is repeated, that the account is right whatever got lost on the way, and
//! how a run ends over broken connections and wrong answers. The tables are worked through by `http::retries` and
//! `http::hostile`.

use crate::http::hostile::{Call, System, Wrong, call};
use crate::http::retries::{Count, Flow, aside, by_login, count, large};
use crate::support::{Fault, Navixy, Reply, Run, pictures};

pub const ICON: &[&str] = &["navixy", "set", "--employee-id=2132", "--icon-id=3654"];
pub const PICTURE: &[&str] = &["navixy", "set", "--employee-id=2132", "--image=large.png"];
const SHOWN: &[&str] = &["navixy", "show", "--employee-id=2133", "--output=/dev/null"];
/// As the first picture that the model stores is called.
const STORED: &str = "GET /static/employee/avatars/e3779b97f4a7c15.png";
const WHOAMI: &[&str] = &["navixy", "whoami"];

const SYSTEM: System<Navixy> = System {
    calls: CALLS,
    given: |navixy| {
        navixy.give(2133, pictures::png(64, 64, 3));
    },
    secrets: &["22eac1c27af4be7b9d04da2ce1af111b"],
    ends,
    flows: FLOWS,
    counts: COUNTS,
    dressed: &[(ICON, "navixy 2132: icon 3654 (was 12)\n")],
    upload: (PICTURE, "navixy 2132"),
    long: &[(PICTURE, "POST /employee/avatar/upload")],
};

held_to_every_table!(SYSTEM);

pub const CALLS: &[Call] = &[
    call("list", &["navixy", "list"], "POST /employee/list"),
    call("before", ICON, "POST /employee/read"),
    call("assign", ICON, "POST /employee/avatar/assign"),
    call("upload", PICTURE, "POST /employee/avatar/upload"),
    call("icon off", PICTURE, "POST /employee/avatar/assign"),
    Call {
        from: 2,
        ..call("proof", ICON, "POST /employee/read")
    },
    call("shown", SHOWN, STORED),
    call("who", &["navixy", "whoami"], "POST /user/get_info"),
    Call {
        by_login: true,
        ..call("login", &["navixy", "whoami"], "POST /user/auth")
    },
    Call {
        by_login: true,
        ..call("logout", &["navixy", "whoami"], "POST /user/logout")
    },
];

/// Where an answer decides less than usual.
fn ends(call: &Call, wrong: &Wrong) -> Option<i32> {
    match (call.name, wrong.name) {
        ("shown", "HTML with 401" | "HTML with 403") => Some(77),
        ("shown", "HTML with 404") => Some(67),
        // The work is done; only a login is left open, which is warned of.
        ("logout", _) => Some(0),
        // An answer without any of the fields that may be there tells of somebody who is not named.
        ("who", "fields of another type" | "invalid UTF-8") => Some(0),
        _ => None,
    }
}

const FLOWS: &[Flow<Navixy>] = &[
    Flow {
        name: "icon",
        arguments: ICON,
        given: |_| {},
        requests: 3,
        stores: 0,
        wrong: |navixy| {
            let icon = navixy.employee(2132).icon_id;
            (icon != Some(3654) || !navixy.files.is_empty()).then(|| format!("icon {icon:?}"))
        },
    },
    Flow {
        name: "picture",
        arguments: PICTURE,
        given: |_| {},
        requests: 4,
        stores: 0,
        wrong: |navixy| {
            let employee = navixy.employee(2132);
            let file = employee.avatar_file_name.as_ref();
            let stored = file.and_then(|name| navixy.files.get(name));
            let right = employee.icon_id.is_none()
                && stored.is_some_and(|picture| picture.bytes == large())
                && navixy.files.len() == 1;
            (!right).then(|| format!("{employee:?}, {} files", navixy.files.len()))
        },
    },
];

const COUNTS: &[Count] = &[
    count(&["navixy", "list"], "POST /employee/list", 3, 3),
    count(ICON, "POST /employee/read", 3, 3),
    count(ICON, "POST /employee/avatar/assign", 3, 3),
    count(PICTURE, "POST /employee/avatar/upload", 3, 2),
    count(SHOWN, STORED, 3, 3),
    count(WHOAMI, "POST /user/get_info", 3, 3),
    by_login(count(WHOAMI, "POST /user/auth", 1, 1)),
    aside(by_login(count(WHOAMI, "POST /user/logout", 3, 3))),
];

#[test]
fn navixy_codes_decide_over_the_status() {
    // A lasting failure whose status looks passing, and a passing one whose status does not.
    for (status, code, requests) in [
        (500, 254, 1),
        (500, 1, 2),
        (400, 15, 2),
        (200, 1, 2),
        (400, 4, 1),
        (400, 105, 1),
    ] {
        let model = Navixy::start();
        let body =
            format!("{{\"success\":false,\"status\":{{\"code\":{code},\"description\":\"no\"}}}}");
        model.fault(Fault::any().always().instead(Reply::json(status, body)));
        let output = Run::new(["navixy", "list", "--retries=1"])
            .with(&model)
            .output();
        assert_eq!(
            model.requests().len(),
            requests,
            "{status} {code} {output:?}"
        );
    }
}
