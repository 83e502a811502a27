//! Navixy from outside: every request as it goes over the wire, every outcome as it is told, and every answer
//! that the platform, or what stands before it, is known to give, under the HTTP status of either document.

pub mod calls;
mod dry_run;
mod login;
mod whoami;

use std::fs::File;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::navixy::{Edit, fleet, fleet_with};
use crate::support::pictures::robot;
use crate::support::printed::{account_line, complaint, summary_line};
use crate::support::run::words;
use crate::support::{Fault, Navixy, Reply, Request, Run, Scratch, Server, pictures};

const READ: &str = "POST /v2/employee/read";
const ASSIGN: &str = "POST /v2/employee/avatar/assign";
const UPLOAD: &str = "POST /v2/employee/avatar/upload";
const LIST: &str = "POST /v2/employee/list";

fn run<'a>(words: impl IntoIterator<Item = &'a str>) -> Run {
    Run::new(["navixy"].into_iter().chain(words))
}

/// `set`, `show` or another verb on one employee.
fn on(employee: &str, verb: &str, words: &[&str]) -> Run {
    run([verb, "--employee-id", employee]
        .into_iter()
        .chain(words.iter().copied()))
}

fn set_image(employee: &str, image: &Path) -> Run {
    on(employee, "set", &[]).arg("--image").arg(image)
}

fn good(mut fields: Value) -> Reply {
    fields["success"] = json!(true);
    Reply::json(200, fields)
}

fn refused(status: u16, code: i64, description: &str) -> Reply {
    Reply::json(
        status,
        json!({"success": false, "status": {"code": code, "description": description}}),
    )
}

// ----------------------------------------------------------------------------------------------------- requests

#[test]
fn an_icon_is_assigned() {
    let fleet = fleet();
    on("2132", "set", &["--icon-id", "3654"])
        .with(&fleet)
        .gives(0, "navixy 2132: icon 3654 (was 12)\n", "");
    assert_eq!(
        fleet.capture(),
        include_str!("../../golden/navixy/set-icon.txt")
    );
    assert_eq!(fleet.model().employee(2132).icon_id, Some(3654));
}

#[test]
fn an_icon_is_taken_off_with_a_literal_null() {
    let fleet = fleet();
    on("2132", "set", &["--icon-id", "null"])
        .with(&fleet)
        .gives(0, "navixy 2132: no icon (was icon 12)\n", "");
    assert_eq!(
        fleet.capture(),
        include_str!("../../golden/navixy/set-icon-null.txt")
    );
    assert_eq!(fleet.model().employee(2132).icon_id, None);
}

#[test]
fn a_picture_under_an_icon_takes_the_icon_off() {
    let (fleet, scratch) = (fleet(), Scratch::new());
    set_image("2132", &robot(&scratch)).with(&fleet).gives(
        0,
        "navixy 2132: image robot.png (file e3779b97f4a7c15.png, was icon 12)\n",
        "",
    );
    assert_eq!(
        fleet.capture(),
        include_str!("../../golden/navixy/set-image-over-icon.txt")
    );
}

#[test]
fn a_picture_where_no_icon_is() {
    let (fleet, scratch) = (fleet(), Scratch::new());
    set_image("2133", &robot(&scratch)).with(&fleet).gives(
        0,
        "navixy 2133: image robot.png (file e3779b97f4a7c15.png, first avatar)\n",
        "",
    );
    assert_eq!(
        fleet.capture(),
        include_str!("../../golden/navixy/set-image.txt")
    );
}

#[test]
fn show_reads_the_employee() {
    let fleet = fleet();
    on("2132", "show", &[])
        .with(&fleet)
        .gives(0, "navixy 2132: icon 12\n", "");
    assert_eq!(
        fleet.capture(),
        include_str!("../../golden/navixy/show.txt")
    );
}

/// So many more employees than fit on two pages; every third has an icon, every seventh a picture.
fn crowd(model: &mut Navixy) {
    use crate::support::navixy::Employee;
    model.employees = (1..=250)
        .map(|id| Employee {
            icon_id: (id % 3 == 0).then_some(id),
            avatar_file_name: (id % 7 == 0).then(|| format!("{id}.png")),
            ..Employee::new(id, &format!("First{id}"), "Last")
        })
        .collect();
}

/// The table of those 250 that the model has.
fn crowd_table() -> String {
    let mut table = String::from("employee_id  name           icon_id  file\n");
    for id in 1..=250 {
        let name = format!("First{id} Last");
        let icon = match id % 3 {
            0 => id.to_string(),
            _ => "-".to_owned(),
        };
        let file = match id % 7 {
            0 => format!("{id}.png"),
            _ => "-".to_owned(),
        };
        table += &format!("{id:<11}  {name:<13}  {icon:<7}  {file}\n");
    }
    table
}

#[test]
fn a_list_is_asked_for_page_by_page() {
    let fleet = fleet_with(crowd);
    run(["list"]).with(&fleet).gives(0, &crowd_table(), "");
    assert_eq!(
        fleet.capture(),
        include_str!("../../golden/navixy/list.txt")
    );
}

#[test]
fn a_list_goes_on_where_the_page_that_came_ended() {
    let fleet = fleet_with(|model| {
        crowd(model);
        model.page_limit = 60;
    });
    run(["list"]).with(&fleet).gives(0, &crowd_table(), "");
    let offsets: Vec<Value> = fleet
        .requests()
        .iter()
        .map(|request| request.json()["offset"].clone())
        .collect();
    assert_eq!(offsets, [0, 60, 120, 180, 240]);
}

#[test]
fn a_base_address_keeps_its_path_and_gets_no_other() {
    for (context, slash) in [
        ("", ""),
        ("", "/"),
        ("/v2", "/"),
        ("/api-v2", ""),
        ("/api", "//"),
    ] {
        let fleet = fleet_with(|model| model.context = context.into());
        on("2132", "set", &["--icon-id", "5"])
            .with(&fleet)
            .env("NAVIXY_URL", fleet.url() + slash)
            .gives(0, "navixy 2132: icon 5 (was 12)\n", "");
        assert_eq!(
            fleet.calls(),
            [
                format!("POST {context}/employee/read"),
                format!("POST {context}/employee/avatar/assign"),
                format!("POST {context}/employee/read"),
            ]
        );
    }
}

#[test]
fn every_type_of_picture_is_declared_as_what_it_is() {
    for (file, bytes, sent, kind) in [
        (
            "a.png",
            pictures::png_rgba(64, 64, 1),
            "avatar.png",
            "image/png",
        ),
        (
            "a.jpg",
            pictures::jpeg(64, 64, 1),
            "avatar.jpg",
            "image/jpeg",
        ),
        ("a.gif", pictures::gif(64, 64, 1), "avatar.gif", "image/gif"),
        (
            "a.webp",
            pictures::webp(64, 64, 1),
            "avatar.webp",
            "image/webp",
        ),
        // The bytes decide, not the name.
        ("A.JPG", pictures::png(64, 64, 1), "avatar.png", "image/png"),
        (
            "\"\\; filename=x",
            pictures::gif(64, 64, 1),
            "avatar.gif",
            "image/gif",
        ),
    ] {
        let (fleet, scratch) = (fleet(), Scratch::new());
        let ending = sent.rsplit('.').next().expect("a name has an ending");
        set_image("2133", &scratch.write(file, &bytes))
            .with(&fleet)
            .gives(
                0,
                &format!(
                    "navixy 2133: image {file} (file e3779b97f4a7c15.{ending}, first avatar)\n"
                ),
                "",
            );
        let request = &fleet.requests()[1];
        assert_eq!(
            request.header("content-length"),
            Some(request.body.len().to_string().as_str())
        );
        let parts = request.form();
        assert_eq!(parts.len(), 2);
        assert_eq!(
            (
                parts[0].name.as_str(),
                parts[0].text(),
                parts[0].filename.as_deref()
            ),
            ("employee_id", "2133", None)
        );
        assert_eq!(
            (
                parts[1].name.as_str(),
                parts[1].filename.as_deref(),
                parts[1].content_type.as_deref()
            ),
            ("file", Some(sent), Some(kind))
        );
        assert!(parts[1].body == bytes, "{file} arrives as it is");
    }
}

const LARGER: &str = "larger than 1 MiB, where proxies in front of servers stop by default";

#[test]
fn a_picture_larger_than_any_buffer_arrives_whole() {
    let (fleet, scratch) = (fleet(), Scratch::new());
    let picture = pictures::png(1000, 1000, 7);
    assert!(picture.len() > 3_000_000);
    set_image("2132", &scratch.write("big.png", &picture))
        .with(&fleet)
        .gives(
            0,
            "navixy 2132: image big.png (file e3779b97f4a7c15.png, was icon 12)\n",
            &format!("avatarctl: navixy 2132: warning: \"big.png\": {LARGER}\n"),
        );
    let request = &fleet.requests()[1];
    assert_eq!(
        request.header("content-length"),
        Some(request.body.len().to_string().as_str())
    );
    assert!(request.form()[1].body == picture);
    assert!(fleet.model().files["e3779b97f4a7c15.png"].bytes == picture);
}

#[test]
fn a_picture_beyond_the_documented_bound_is_warned_about() {
    let scratch = Scratch::new();
    let fleet = fleet();
    for (length, warning) in [
        (
            (16 << 20) + 1,
            "avatarctl: navixy 9: warning: \"big.png\": larger than 16 MiB, the documented limit of the platform's file storage\n",
        ),
        (16 << 20, ""),
    ] {
        let path = scratch.write("big.png", pictures::png(64, 64, 1));
        let file = File::options().write(true).open(&path);
        let file = file.expect("scratch is writable");
        file.set_len(length).expect("scratch takes a sparse file");
        set_image("9", &path).with(&fleet).gives(
            67,
            "",
            &format!(
                "{warning}avatarctl: navixy 9: warning: \"big.png\": {LARGER}\n{}",
                complaint(
                    "navixy 9",
                    "read employee 9: no such employee: Not found in the database (code 201)",
                    ""
                )
            ),
        );
    }
}

// ----------------------------------------------------------------------------------------------------- outcomes

/// The line of a change, and the summary.
fn changed(employee: &str, before: &str, after: &str, verified: bool) -> String {
    format!(
        concat!(
            r#"{{"v":1,"type":"account","system":"navixy","server":"URL","account":"{}","action":"set","outcome":"changed","before":{},"after":{},"verified":{}}}"#,
            "\n",
            r#"{{"v":1,"type":"summary","changed":1,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}}"#,
            "\n",
        ),
        employee, before, after, verified
    )
}

#[test]
fn json_lines_of_a_change() {
    let (fleet, scratch) = (fleet(), Scratch::new());
    on("2132", "set", &["--icon-id", "3654", "--json"])
        .with(&fleet)
        .gives(
            0,
            concat!(
                r#"{"v":1,"type":"account","system":"navixy","server":"URL","account":"2132","action":"set","outcome":"changed","before":"icon:12","after":"icon:3654","verified":true}"#,
                "\n",
                r#"{"v":1,"type":"summary","changed":1,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#,
                "\n",
            ),
            "",
        );
    on("2132", "set", &["--icon-id", "null", "--json"])
        .with(&fleet)
        .gives(0, &changed("2132", "\"icon:3654\"", "null", true), "");
    set_image("2132", &robot(&scratch))
        .arg("--json")
        .with(&fleet)
        .gives(
            0,
            &changed("2132", "null", "\"file:e3779b97f4a7c15.png\"", true),
            "",
        );
    on("2132", "set", &["--icon-id", "7", "--json"])
        .with(&fleet)
        .gives(
            0,
            &changed("2132", "\"file:e3779b97f4a7c15.png\"", "\"icon:7\"", true),
            "",
        );
    on("2132", "set", &["--icon-id", "null", "--json"])
        .with(&fleet)
        .gives(
            0,
            &changed("2132", "\"icon:7\"", "\"file:e3779b97f4a7c15.png\"", true),
            "",
        );
}

#[test]
fn what_is_worn_already_is_not_written() {
    let fleet = fleet();
    on("2132", "set", &["--icon-id", "12"]).with(&fleet).gives(
        0,
        "navixy 2132: icon 12, unchanged\n",
        "",
    );
    // A number is a number however it is written.
    on("2132", "set", &["--icon-id", "0012"])
        .with(&fleet)
        .gives(0, "navixy 2132: icon 12, unchanged\n", "");
    on("2133", "set", &["--icon-id", "null"])
        .with(&fleet)
        .gives(0, "navixy 2133: no icon, unchanged\n", "");
    on("2132", "set", &["--icon-id", "12", "--json"])
        .with(&fleet)
        .gives(
            0,
            concat!(
                r#"{"v":1,"type":"account","system":"navixy","server":"URL","account":"2132","action":"set","outcome":"unchanged","before":"icon:12","after":"icon:12","verified":true}"#,
                "\n",
                r#"{"v":1,"type":"summary","changed":0,"unchanged":1,"failed":0,"pending":0,"skipped":0,"exit":0}"#,
                "\n",
            ),
            "",
        );
    on("2133", "set", &["--icon-id", "null", "--json"])
        .with(&fleet)
        .gives(
            0,
            concat!(
                r#"{"v":1,"type":"account","system":"navixy","server":"URL","account":"2133","action":"set","outcome":"unchanged","before":null,"after":null,"verified":true}"#,
                "\n",
                r#"{"v":1,"type":"summary","changed":0,"unchanged":1,"failed":0,"pending":0,"skipped":0,"exit":0}"#,
                "\n",
            ),
            "",
        );
    let file = fleet.model().give(2134, pictures::png(8, 8, 1));
    assert_eq!(file, "e3779b97f4a7c15.png");
    on("2134", "set", &["--icon-id", "null"])
        .with(&fleet)
        .gives(0, "navixy 2134: no icon, unchanged\n", "");
    assert_eq!(fleet.calls(), [READ; 6]);
}

#[test]
fn force_writes_all_the_same() {
    let fleet = fleet();
    on("2132", "set", &["--icon-id", "12", "--force"])
        .with(&fleet)
        .gives(0, "navixy 2132: icon 12, set again\n", "");
    on("2132", "set", &["--icon-id", "12", "--force", "--json"])
        .with(&fleet)
        .gives(0, &changed("2132", "\"icon:12\"", "\"icon:12\"", true), "");
    assert_eq!(fleet.calls(), [READ, ASSIGN, READ, READ, ASSIGN, READ]);
}

#[test]
fn taking_an_icon_off_by_force_where_none_is_changes_nothing() {
    let fleet = fleet();
    on("2133", "set", &["--icon-id", "null", "--force"])
        .with(&fleet)
        .gives(0, "navixy 2133: no icon, set again\n", "");
    // Nobody looks afterwards, so nobody knows.
    on("2133", "set", &["--icon-id=null", "--force", "--no-verify"])
        .with(&fleet)
        .gives(0, "navixy 2133: no icon (not verified)\n", "");
    fleet.model().employee_mut(2133).avatar_file_name = Some("a.png".into());
    on("2133", "set", &["--icon-id", "null", "--force"])
        .with(&fleet)
        .gives(0, "navixy 2133: no icon (file a.png, set again)\n", "");
    on("2132", "set", &["--icon-id=12", "--force", "--no-verify"])
        .with(&fleet)
        .gives(0, "navixy 2132: icon 12 (set again, not verified)\n", "");
    assert_eq!(
        fleet.calls(),
        [
            READ, ASSIGN, READ, READ, ASSIGN, READ, ASSIGN, READ, READ, ASSIGN
        ]
    );
}

#[test]
fn without_a_read_back_the_change_is_not_called_proven() {
    let (fleet, scratch) = (fleet(), Scratch::new());
    on("2132", "set", &["--icon-id", "5", "--no-verify"])
        .with(&fleet)
        .gives(0, "navixy 2132: icon 5 (was 12, not verified)\n", "");
    assert_eq!(fleet.calls(), [READ, ASSIGN]);
    on("2132", "set", &["--icon-id", "6", "--no-verify", "--json"])
        .with(&fleet)
        .gives(0, &changed("2132", "\"icon:5\"", "\"icon:6\"", false), "");
    on("2132", "set", &["--icon-id", "null", "--no-verify"])
        .with(&fleet)
        .gives(0, "navixy 2132: no icon (was icon 6, not verified)\n", "");
    fleet.forget();
    set_image("2132", &robot(&scratch))
        .arg("--no-verify")
        .with(&fleet)
        .gives(
            0,
            "navixy 2132: file e3779b97f4a7c15.png, first avatar, not verified, image robot.png\n",
            "",
        );
    assert_eq!(fleet.calls(), [READ, UPLOAD, ASSIGN]);
}

#[test]
fn one_avatar_after_another() {
    let (fleet, scratch) = (fleet(), Scratch::new());
    on("2133", "set", &["--icon-id", "3654"])
        .with(&fleet)
        .gives(0, "navixy 2133: icon 3654 (first avatar)\n", "");
    set_image("2133", &robot(&scratch)).with(&fleet).gives(
        0,
        "navixy 2133: image robot.png (file e3779b97f4a7c15.png, was icon 3654)\n",
        "",
    );
    set_image("2133", &robot(&scratch)).with(&fleet).gives(
        0,
        "navixy 2133: image robot.png (file c6ef372fe94f82a.png, was e3779b97f4a7c15.png)\n",
        "",
    );
    on("2133", "set", &["--icon-id", "4"]).with(&fleet).gives(
        0,
        "navixy 2133: icon 4 (was file c6ef372fe94f82a.png)\n",
        "",
    );
    on("2133", "set", &["--icon-id", "null"])
        .with(&fleet)
        .gives(
            0,
            "navixy 2133: no icon (file c6ef372fe94f82a.png, was icon 4)\n",
            "",
        );
}

#[test]
fn an_upload_that_takes_the_icon_off_itself_is_as_good() {
    let scratch = Scratch::new();
    let fleet = fleet_with(|model| model.upload_clears_icon = true);
    set_image("2132", &robot(&scratch)).with(&fleet).gives(
        0,
        "navixy 2132: image robot.png (file e3779b97f4a7c15.png, was icon 12)\n",
        "",
    );
}

#[test]
fn quiet_tells_changes_and_failures_only() {
    let fleet = fleet();
    on("2132", "show", &["-q"])
        .with(&fleet)
        .gives(0, "navixy 2132: icon 12\n", "");
    run(["list", "-q"]).with(&fleet).answers();
    on("2132", "set", &["--icon-id", "12", "-q"])
        .with(&fleet)
        .gives(0, "", "");
    on("2132", "set", &["--icon-id", "12", "-q", "--json"])
        .with(&fleet)
        .gives(0, "", "");
    on("2132", "set", &["--icon-id", "5", "-q"])
        .with(&fleet)
        .gives(0, "navixy 2132: icon 5 (was 12)\n", "");
    on("2132", "set", &["--icon-id", "6", "-q", "--json"])
        .with(&fleet)
        .gives(0, &changed("2132", "\"icon:5\"", "\"icon:6\"", true), "");
    on("9", "set", &["--icon-id", "5", "-q"])
        .with(&fleet)
        .gives(
            67,
            "",
            &complaint(
                "navixy 9",
                "read employee 9: no such employee: Not found in the database (code 201)",
                "",
            ),
        );
}

#[test]
fn json_lines_of_a_failure() {
    let fleet = fleet();
    fleet.fault(Fault::on("POST /assign").instead(refused(403, 13, "Operation not permitted")));
    on("2132", "set", &["--icon-id", "3654", "--json"])
        .with(&fleet)
        .gives(
            77,
            concat!(
                r#"{"v":1,"type":"account","system":"navixy","server":"URL","account":"2132","action":"set","outcome":"failed","error":{"class":"credentials","exit":77,"status":403,"message":"assign icon 3654: not permitted: Operation not permitted (code 13)","hint":"give the security group of this sub-user the right employee_update"}}"#,
                "\n",
                r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":77}"#,
                "\n",
            ),
            &complaint(
                "navixy 2132",
                "assign icon 3654: not permitted: Operation not permitted (code 13)",
                UPDATE,
            ),
        );
    fleet.fault(Fault::on("POST /read").instead(refused(400, 201, "Not found in the database")));
    on("2132", "show", &["--json"]).with(&fleet).gives(
        67,
        concat!(
            r#"{"v":1,"type":"account","system":"navixy","server":"URL","account":"2132","action":"show","outcome":"failed","error":{"class":"target","exit":67,"status":400,"message":"read employee 2132: no such employee: Not found in the database (code 201)","hint":null}}"#,
            "\n",
            r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":67}"#,
            "\n",
        ),
        &complaint(
            "navixy 2132",
            "read employee 2132: no such employee: Not found in the database (code 201)",
            "",
        ),
    );
}

#[test]
fn show_tells_icon_and_file() {
    for explicit_nulls in [false, true] {
        let fleet = fleet_with(|model| {
            model.explicit_nulls = explicit_nulls;
            model.give(2134, pictures::png(8, 8, 1));
            model.employee_mut(2132).avatar_file_name = Some("under.png".into());
        });
        for (employee, human, current, file, icon) in [
            (
                "2132",
                "icon 12, file under.png",
                "\"icon:12\"",
                "\"under.png\"",
                "12",
            ),
            (
                "2134",
                "file e3779b97f4a7c15.png",
                "\"file:e3779b97f4a7c15.png\"",
                "\"e3779b97f4a7c15.png\"",
                "null",
            ),
            ("2133", "no icon and no picture", "null", "null", "null"),
        ] {
            on(employee, "show", &[]).with(&fleet).gives(
                0,
                &format!("navixy {employee}: {human}\n"),
                "",
            );
            on(employee, "show", &["--json"]).with(&fleet).gives(
                0,
                &format!(
                    concat!(
                        r#"{{"v":1,"type":"account","system":"navixy","server":"URL","account":"{}","action":"show","outcome":"shown","current":{},"icon_id":{},"file":{}}}"#,
                        "\n",
                        r#"{{"v":1,"type":"summary","changed":0,"unchanged":1,"failed":0,"pending":0,"skipped":0,"exit":0}}"#,
                        "\n",
                    ),
                    employee, current, icon, file
                ),
                "",
            );
        }
    }
}

/// As large as `--icon-id` takes it.
#[test]
fn the_largest_icon_that_can_be_assigned_is_read() {
    let fleet = fleet();
    fleet.fault(
        Fault::on("POST /read")
            .always()
            .instead(good(json!({"value": {"id": 2132, "icon_id": u64::MAX}}))),
    );
    on("2132", "set", &["--icon-id", "18446744073709551615"])
        .with(&fleet)
        .gives(0, "navixy 2132: icon 18446744073709551615, unchanged\n", "");
}

#[test]
fn an_employee_with_an_id_and_nothing_else_is_one() {
    let fleet = fleet();
    fleet.fault(Fault::on("POST /read").always().instead(good(
        json!({"value": {"id": 2132, "new_field": [1]}, "new": {}}),
    )));
    on("2132", "show", &[])
        .with(&fleet)
        .gives(0, "navixy 2132: no icon and no picture\n", "");
    on("2132", "set", &["--icon-id", "null"])
        .with(&fleet)
        .gives(0, "navixy 2132: no icon, unchanged\n", "");
}

#[test]
fn a_list_joins_and_cleans_names() {
    let fleet = fleet();
    let list = json!([
        {"id": 1, "first_name": "Build", "middle_name": "", "last_name": "Robot", "icon_id": 7, "avatar_file_name": null},
        {"id": 22, "first_name": " Ana ", "middle_name": "Maria", "last_name": "  "},
        {"id": 333, "first_name": "\u{1b}[31mRed", "middle_name": null, "last_name": "A\nB\u{202e}C", "icon_id": null, "avatar_file_name": "a\u{7}.png"},
        {"id": 4},
        {"id": 5, "first_name": "Ünal", "last_name": "Öz"},
    ]);
    fleet.fault(
        Fault::on("POST /list")
            .always()
            .instead(good(json!({"list": list, "count": 5}))),
    );
    run(["list"]).with(&fleet).gives(
        0,
        concat!(
            "employee_id  name                        icon_id  file\n",
            "1            Build Robot                 7        -\n",
            "22           Ana Maria                   -        -\n",
            "333          \\u{1b}[31mRed A B\\u{202e}C  -        a\\u{7}.png\n",
            "4                                        -        -\n",
            "5            Ünal Öz                     -        -\n",
        ),
        "",
    );
    run(["list", "--json"]).with(&fleet).gives(
        0,
        concat!(
            r#"{"v":1,"type":"employee","employee_id":1,"name":"Build Robot","icon_id":7,"file":null}"#,
            "\n",
            r#"{"v":1,"type":"employee","employee_id":22,"name":"Ana Maria","icon_id":null,"file":null}"#,
            "\n",
            r#"{"v":1,"type":"employee","employee_id":333,"name":"\u001b[31mRed A\nB\u202eC","icon_id":null,"file":"a\u0007.png"}"#,
            "\n",
            r#"{"v":1,"type":"employee","employee_id":4,"name":"","icon_id":null,"file":null}"#,
            "\n",
            r#"{"v":1,"type":"employee","employee_id":5,"name":"Ünal Öz","icon_id":null,"file":null}"#,
            "\n",
            r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#,
            "\n",
        ),
        "",
    );
}

const THREE: &str = "employee_id  name         icon_id  file\n\
                     2132         Build Robot  12       -\n\
                     2133         Dana Driver  -        -\n\
                     2134         Night Shift  -        -\n";

/// The three employees as one page, whatever was asked for.
fn page(count: Value) -> Reply {
    good(json!({"count": count, "list": [
        {"id": 2132, "first_name": "Build", "last_name": "Robot", "icon_id": 12},
        {"id": 2133, "first_name": "Dana", "last_name": "Driver"},
        {"id": 2134, "first_name": "Night", "last_name": "Shift"},
    ]}))
}

#[test]
fn a_list_that_is_longer_than_announced_is_taken() {
    for count in [3, 2, 0] {
        let fleet = fleet();
        fleet.fault(Fault::on("POST /list").always().instead(page(json!(count))));
        run(["list"]).with(&fleet).gives(0, THREE, "");
        assert_eq!(fleet.calls(), [LIST], "count {count}");
    }
}

/// A server that ignores the offset, and one that has no more.
#[test]
fn a_page_brings_what_was_announced() {
    for (count, missing) in [(4, 1), (200_000, 199_997)] {
        let complaint = complaint(
            "navixy",
            &format!(
                "list employees: a page brought nothing new, and {missing} of {count} employees are missing"
            ),
            "",
        );
        let fleet = fleet();
        fleet.fault(Fault::on("POST /list").always().instead(page(json!(count))));
        run(["list"]).with(&fleet).gives(76, "", &complaint);
        assert_eq!(fleet.calls(), [LIST; 4], "count {count}");
        fleet.forget();
        let none = good(json!({"list": [], "count": count}));
        fleet.fault(Fault::on("POST /list").from(2).instead(none));
        run(["list"]).with(&fleet).once().gives(76, "", &complaint);
        assert_eq!(fleet.calls(), [LIST; 2], "count {count}");
    }
}

/// One edit is what happens in an office, and the list is read once more; a total that moves each time is none.
#[test]
fn a_list_whose_total_moves_is_read_once_more() {
    let moved = |before: u32, now: u32| {
        complaint(
            "navixy",
            &format!(
                "list employees: the total went from {before} to {now} while the pages were read"
            ),
            "run again when nobody adds or deletes employees",
        )
    };
    let fleet = |edits: &[Edit]| {
        fleet_with(|model| {
            crowd(model);
            model.edits = edits.to_vec();
        })
    };
    let added = fleet(&[Edit::Add]);
    let table = crowd_table() + "251          First251 Last  -        -\n";
    run(["list"]).with(&added).gives(0, &table, "");
    assert_eq!(added.calls(), [LIST; 2 + 3]);
    // Otherwise the next page would begin behind the 101st.
    let deleted = fleet(&[Edit::Delete]);
    let first = "1            First1 Last    -        -\n";
    let table = crowd_table().replacen(first, "", 1);
    run(["list"]).with(&deleted).gives(0, &table, "");
    assert_eq!(deleted.calls(), [LIST; 2 + 3]);
    let once = fleet(&[Edit::Add]);
    run(["list"])
        .with(&once)
        .once()
        .gives(76, "", &moved(250, 251));
    assert_eq!(once.calls(), [LIST; 2]);
    let growing = fleet(&[Edit::Add; 9]);
    run(["list"]).with(&growing).gives(76, "", &moved(251, 252));
    assert_eq!(growing.calls(), [LIST; 4]);
}

/// A list that does not end must not fill the memory.
#[test]
fn a_list_is_bounded() {
    let fleet = fleet();
    fleet.fault(Fault::on("POST /list").instead(page(json!(200_001))));
    run(["list"]).with(&fleet).gives(
        76,
        "",
        &complaint(
            "navixy",
            "list employees: more than 200000 employees, the most that avatarctl reads",
            "",
        ),
    );
    assert_eq!(fleet.calls(), [LIST]);
    let server = Server::start(|request: &Request| {
        let id = request.json()["offset"].as_u64().map(|offset| offset + 1);
        let name = "x".repeat(2_000_000);
        good(json!({"count": 1000, "list": [{"id": id, "first_name": name}]}))
    });
    run(["list"])
        .env("NAVIXY_URL", server.url())
        .env("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b")
        .gives(
            76,
            "",
            &complaint(
                "navixy",
                "list employees: more than 32 MiB of names, the most that avatarctl reads",
                "",
            ),
        );
    assert_eq!(server.requests().len(), 17);
}

#[test]
fn a_list_of_nobody_is_empty() {
    let fleet = fleet_with(|model| model.employees.clear());
    run(["list"])
        .with(&fleet)
        .gives(0, "", "avatarctl: navixy: nothing to list\n");
    run(["list", "--json"]).with(&fleet).gives(
        0,
        concat!(
            r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":0,"pending":0,"skipped":0,"exit":0}"#,
            "\n"
        ),
        "avatarctl: navixy: nothing to list\n",
    );
}

#[test]
fn a_list_that_fails_on_its_way_shows_no_part() {
    let fleet = fleet_with(crowd);
    fleet.fault(
        Fault::on("POST /list")
            .from(3)
            .instead(refused(403, 11, "Access denied")),
    );
    run(["list", "--json"]).with(&fleet).gives(
        77,
        concat!(
            r#"{"v":1,"type":"account","system":"navixy","server":"URL","account":null,"action":"list","outcome":"failed","error":{"class":"credentials","exit":77,"status":403,"message":"list employees: refused: Access denied (code 11)","hint":null}}"#,
            "\n",
            r#"{"v":1,"type":"summary","changed":0,"unchanged":0,"failed":1,"pending":0,"skipped":0,"exit":77}"#,
            "\n",
        ),
        &complaint("navixy", "list employees: refused: Access denied (code 11)", ""),
    );
}

#[test]
fn a_list_in_another_shape_is_not_understood() {
    for body in [
        json!({"list": [], "count": "0"}),
        json!({"list": [], "count": -1}),
        json!({"list": []}),
        json!({"count": 0}),
        json!({"list": {}, "count": 0}),
        json!({"list": [{"first_name": "Nobody"}], "count": 1}),
        json!({"list": [{"id": "2132"}], "count": 1}),
        json!({"list": [{"id": 2132, "icon_id": "12"}], "count": 1}),
    ] {
        let fleet = fleet();
        fleet.fault(Fault::on("POST /list").instead(good(body)));
        run(["list"]).with(&fleet).gives(
            76,
            "",
            &complaint(
                "navixy",
                "list employees: answered 200 with JSON of another shape",
                "",
            ),
        );
    }
}

// -------------------------------------------------------------------------------------------- refused before a call

#[test]
fn what_is_no_picture_is_never_sent() {
    let scratch = Scratch::new();
    let mut fleet = fleet();
    fleet.expect_no_calls();
    let png = pictures::png(64, 64, 1);
    let jpeg = pictures::jpeg(64, 64, 1);
    for (bytes, said) in [
        (Vec::new(), "is empty"),
        (
            b"not a picture".to_vec(),
            "is not a PNG, JPEG, GIF or WebP picture",
        ),
        (
            png[..png.len() - 1].to_vec(),
            "is a PNG picture that is cut off",
        ),
        (
            jpeg[..jpeg.len() - 2].to_vec(),
            "is a JPEG picture that is cut off",
        ),
    ] {
        set_image("2132", &scratch.write("bad.png", bytes))
            .with(&fleet)
            .mask(&scratch.path().to_string_lossy(), "DIR")
            .gives(
                65,
                "",
                &complaint(
                    "navixy 2132",
                    &format!("the picture \"DIR/bad.png\" {said}"),
                    "",
                ),
            );
    }
    for (path, said) in [
        (
            scratch.join("missing.png"),
            "/missing.png\": no such file or directory",
        ),
        (scratch.path().to_owned(), "\": is a directory"),
    ] {
        set_image("2132", &path)
            .with(&fleet)
            .mask(&scratch.path().to_string_lossy(), "DIR")
            .gives(
                66,
                "",
                &complaint(
                    "navixy 2132",
                    &format!("cannot read the picture \"DIR{said}"),
                    "",
                ),
            );
    }
}

#[test]
fn a_command_line_that_does_not_add_up_is_never_sent() {
    let mut fleet = fleet();
    fleet.expect_no_calls();
    let unset = "hint: is the variable that it comes from set?";
    let null = "hint: --icon-id null shows the uploaded picture";
    for (words, said) in [
        (&["set", "--icon-id", "5"][..], "navixy set needs --employee-id".to_owned()),
        (&["show"], "navixy show needs --employee-id".to_owned()),
        (
            &["set", "--employee-id", "", "--icon-id", "5"],
            format!("--employee-id is empty\n{unset}"),
        ),
        (
            &["set", "--employee-id", " ", "--icon-id", "5"],
            format!("--employee-id is empty\n{unset}"),
        ),
        (
            &["set", "--employee-id", "0", "--icon-id", "5"],
            "--employee-id takes a number from 1 up, not \"0\"".to_owned(),
        ),
        (
            &["set", "--employee-id", "2132\n", "--icon-id", "5"],
            "--employee-id takes a number from 1 up, not \"2132\\u{a}\"".to_owned(),
        ),
        (
            &["set", "--employee-id", "+2132", "--icon-id", "5"],
            "--employee-id takes a number from 1 up, not \"+2132\"".to_owned(),
        ),
        (
            &["set", "--employee-id=-5", "--icon-id", "5"],
            "--employee-id takes a number from 1 up, not \"-5\"".to_owned(),
        ),
        (
            &["set", "--employee-id", "18446744073709551616", "--icon-id", "5"],
            "--employee-id: \"18446744073709551616\" is too large for an id".to_owned(),
        ),
        (
            &["set", "--employee-id", "robot", "--icon-id", "5"],
            "--employee-id takes a number from 1 up, not \"robot\"".to_owned(),
        ),
        (
            &["set", "--employee-id", "2132"],
            "navixy set needs --icon-id or --image".to_owned(),
        ),
        (
            &["set", "--employee-id", "2132", "--icon-id", "0"],
            format!("--icon-id takes a number from 1 up, not \"0\"\n{null}"),
        ),
        (
            &["set", "--employee-id", "2132", "--icon-id", "NULL"],
            format!("--icon-id takes a number from 1 up, not \"NULL\"\n{null}"),
        ),
        (
            &["set", "--employee-id", "2132", "--icon-id="],
            format!("--icon-id is empty\n{unset}"),
        ),
        (
            &["set", "--employee-id", "2132", "--icon-id", "5", "--image", "a.png"],
            "--icon-id and --image both name the avatar".to_owned(),
        ),
        (
            &["reset", "--employee-id", "2132"],
            "Navixy has no reset\nhint: set --icon-id null shows the uploaded picture instead of an icon".to_owned(),
        ),
        (
            &["delete", "--employee-id", "2132"],
            "Navixy has no delete\nhint: an uploaded picture cannot be deleted; set --image replaces it, set --icon-id hides it".to_owned(),
        ),
    ] {
        run(words.iter().copied())
            .with(&fleet)
            .gives(64, "", &format!("avatarctl: {said}\n"));
    }
}

// ---------------------------------------------------------------------------------------------------- the failures

const UPDATE: &str = "give the security group of this sub-user the right employee_update";
const HASH: &str = "NAVIXY_HASH takes an API key or a session hash of 32 characters";
const AGAIN: &str = "make an API key in the web interface, or log in again, and set NAVIXY_HASH; a hash of the admin panel does not work here";
const FORM: &str = "a proxy on the way may change forms or their headers";
const BASE: &str = "check the base URL: https://api.eu.navixy.com/v2, https://host/api-v2 or https://host/api, depending on the installation";
const WEBP: &str =
    "an installation from before December 2021 does not take WebP; convert the picture to PNG";
const REDIRECT: &str = "if it leads to the same server, give that address as the base URL; if it leads to a login page, exempt this account's calls from single sign-on";
const LOST: &str = "the connection was lost before the answer was complete";
const STORED: &str = "the picture is stored, but the icon may still be shown; run again";

/// Code, its HTTP status, the platform's text, exit status, what is said before that text, hint.
const CODES: &[(i64, u16, &str, i32, &str, &str)] = &[
    (1, 500, "Database error", 75, "the server failed", ""),
    (2, 403, "Service Auth error", 77, "refused", ""),
    (
        3,
        400,
        "Invalid user session hash or user API key hash",
        77,
        "the hash was refused",
        HASH,
    ),
    (
        4,
        400,
        "User or API key not found or session ended",
        77,
        "the hash is unknown or has expired",
        AGAIN,
    ),
    (
        5,
        400,
        "Unexpected error in request format",
        76,
        "the server did not understand the request",
        FORM,
    ),
    (6, 500, "Unexpected error", 75, "the server failed", ""),
    (7, 400, "Invalid parameters", 65, "refused", ""),
    (
        8,
        503,
        "Queue service error, try again later",
        75,
        "the server failed",
        "",
    ),
    (
        9,
        412,
        "Too large request",
        65,
        "larger than the server takes",
        "",
    ),
    (11, 403, "Access denied", 77, "refused", ""),
    (12, 400, "Dealer not found", 77, "refused", ""),
    (
        13,
        403,
        "Operation not permitted",
        77,
        "not permitted",
        UPDATE,
    ),
    (
        14,
        503,
        "Temporary unavailable",
        75,
        "the server failed",
        "",
    ),
    (
        15,
        429,
        "Too many requests (rate limit exceeded)",
        75,
        "too many requests",
        "",
    ),
    (
        101,
        403,
        "In demo mode this function is disabled",
        77,
        "refused",
        "",
    ),
    (102, 400, "Wrong login or password", 77, "refused", ""),
    (103, 400, "User not activated", 77, "refused", ""),
    (
        104,
        400,
        "Allowed sessions number exceeded",
        77,
        "refused",
        "",
    ),
    (
        105,
        400,
        "Allowed attempts exceeded, try later",
        77,
        "refused",
        "",
    ),
    (
        111,
        400,
        "Wrong handler",
        76,
        "there is no such call at this address",
        BASE,
    ),
    (
        112,
        400,
        "Wrong method",
        76,
        "there is no such call at this address",
        BASE,
    ),
    (
        201,
        400,
        "Not found in the database",
        67,
        "no such employee",
        "",
    ),
    (204, 404, "Entity not found", 67, "no such employee", ""),
    (208, 403, "Device blocked", 77, "refused", ""),
    (233, 400, "No data file", 65, "the file did not arrive", ""),
    (
        234,
        400,
        "Invalid data format",
        65,
        "the picture's type was refused",
        WEBP,
    ),
    (
        236,
        402,
        "Feature unavailable due to tariff restrictions",
        77,
        "refused",
        "",
    ),
    (
        254,
        500,
        "Cannot save file",
        75,
        "the server cannot store the file",
        "",
    ),
    (268, 402, "Over quota", 77, "refused", ""),
    (
        271,
        413,
        "File size is larger than the maximum allowed",
        65,
        "larger than the server takes",
        "",
    ),
    (
        274,
        400,
        "Data file is empty",
        65,
        "the file did not arrive",
        "",
    ),
    (275, 403, "User blocked", 77, "refused", ""),
    // The admin panel's hashes look alike.
    (
        276,
        403,
        "Wrong session type",
        77,
        "the hash is unknown or has expired",
        AGAIN,
    ),
    (282, 400, "Wrong second factor code", 77, "refused", ""),
];

/// Code, HTTP status, exit status: not in the table, so the HTTP status decides.
const OTHERS: &[(i64, u16, i32)] = &[
    (203, 400, 76),
    (229, 404, 67),
    (231, 409, 76),
    (238, 403, 77),
    (292, 400, 76),
    (999, 200, 76),
    (999, 401, 77),
    (999, 402, 77),
    (999, 413, 65),
    (999, 429, 75),
    (999, 500, 75),
    (999, 502, 75),
    (999, 503, 75),
    (999, 504, 75),
    (-1, 400, 76),
    (0, 400, 76),
];

/// What does not read as it should, of a run that must end so.
fn misread(run: Run, exit: i32, stderr: &str) -> String {
    let found = run.output();
    match (found.status, found.stdout.as_str(), found.stderr.as_str()) == (exit, "", stderr) {
        true => String::new(),
        false => format!("wanted status {exit}\n{stderr}found {found:?}\n"),
    }
}

#[test]
fn every_code_means_the_same_under_any_http_status() {
    let mut wrong = String::new();
    for (code, usual, text, exit, what, hint) in CODES {
        for status in [*usual, 200, 402, 404, 503] {
            let fleet = fleet();
            fleet.fault(
                Fault::on("POST /read")
                    .always()
                    .instead(refused(status, *code, text)),
            );
            let said = format!("read employee 2132: {what}: {text} (code {code})");
            let found = misread(
                on("2132", "show", &[]).with(&fleet).once(),
                *exit,
                &complaint("navixy 2132", &said, hint),
            );
            if !found.is_empty() {
                wrong += &format!("code {code}, HTTP {status}: {found}");
            }
            assert_eq!(fleet.calls(), [READ]);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_code_of_an_assignment() {
    let mut wrong = String::new();
    for (code, status, text, exit, what, hint) in CODES {
        let fleet = fleet();
        fleet.fault(
            Fault::on("POST /assign")
                .always()
                .instead(refused(*status, *code, text)),
        );
        let said = format!("assign icon 5: {what}: {text} (code {code})");
        wrong += &misread(
            on("2132", "set", &["--icon-id", "5"]).with(&fleet).once(),
            *exit,
            &complaint("navixy 2132", &said, hint),
        );
        assert_eq!(fleet.calls(), [READ, ASSIGN]);
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_code_of_an_upload() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    let mut wrong = String::new();
    for (code, usual, text, exit, what, hint) in CODES {
        for status in [*usual, 402] {
            let fleet = fleet();
            fleet.fault(
                Fault::on("POST /upload")
                    .always()
                    .instead(refused(status, *code, text)),
            );
            let said = format!("upload \"robot.png\": {what}: {text} (code {code})");
            let found = misread(
                set_image("2132", &image).with(&fleet).once(),
                *exit,
                &complaint("navixy 2132", &said, hint),
            );
            if !found.is_empty() {
                wrong += &format!("code {code}, HTTP {status}: {found}");
            }
            assert_eq!(fleet.calls(), [READ, UPLOAD]);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn an_unknown_code_is_judged_by_its_http_status() {
    let mut wrong = String::new();
    for (code, status, exit) in OTHERS {
        for (description, said) in [
            (
                json!("Something else"),
                format!("Something else (code {code})"),
            ),
            (Value::Null, format!("code {code}")),
        ] {
            let fleet = fleet();
            fleet.fault(Fault::on("POST /read").always().instead(Reply::json(
                *status,
                json!({"success": false, "status": {"code": code, "description": description}}),
            )));
            wrong += &misread(
                on("2132", "show", &[]).with(&fleet).once(),
                *exit,
                &complaint(
                    "navixy 2132",
                    &format!("read employee 2132: refused: {said}"),
                    "",
                ),
            );
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_parameters_that_did_not_validate_are_named() {
    for (errors, said) in [
        (
            json!([{"parameter": "employee_id", "error": "must be greater than or equal to 1"}]),
            "; employee_id must be greater than or equal to 1",
        ),
        (
            json!([{"parameter": "icon_id", "error": "too large"}, {"parameter": "a\u{1b}b", "error": "line\nend"}]),
            "; icon_id too large; a\\u{1b}b line end",
        ),
        // Other operations put other shapes there.
        (json!([{"index": 1}, "text", 5]), ""),
        (json!({"employee_id": "wrong"}), ""),
        (Value::Null, ""),
    ] {
        let fleet = fleet();
        fleet.fault(Fault::on("POST /assign").instead(Reply::json(
            400,
            json!({"success": false, "status": {"code": 7, "description": "Invalid parameters"}, "errors": errors}),
        )));
        on("2132", "set", &["--icon-id", "5"]).with(&fleet).gives(
            65,
            "",
            &complaint(
                "navixy 2132",
                &format!("assign icon 5: refused: Invalid parameters (code 7){said}"),
                "",
            ),
        );
    }
    let fleet = fleet_with(|model| model.icon_limit = Some(255));
    on("2132", "set", &["--icon-id", "256"]).with(&fleet).gives(
        65,
        "",
        &complaint(
            "navixy 2132",
            "assign icon 256: refused: Invalid parameters (code 7); icon_id out of range",
            "",
        ),
    );
}

#[test]
fn what_a_server_says_is_bounded_and_cleaned() {
    let fleet = fleet();
    fleet.fault(Fault::on("POST /read").instead(refused(
        400,
        4,
        "\u{1b}[2Jgone\r\navatarctl: all well\u{202e} 22eac1c27af4be7b9d04da2ce1af111b",
    )));
    on("2132", "show", &[]).with(&fleet).gives(
        77,
        "",
        &complaint(
            "navixy 2132",
            "read employee 2132: the hash is unknown or has expired: \\u{1b}[2Jgone avatarctl: all well\\u{202e} (redacted) (code 4)",
            AGAIN,
        ),
    );
    fleet.fault(Fault::on("POST /read").instead(refused(400, 292, &"é".repeat(1000))));
    on("2132", "show", &[]).with(&fleet).gives(
        76,
        "",
        &complaint(
            "navixy 2132",
            &format!(
                "read employee 2132: refused: {}… (code 292)",
                "é".repeat(300)
            ),
            "",
        ),
    );
}

/// JSON, HTML or plain text, by how it begins.
fn reply(status: u16, body: &str) -> Reply {
    match body.as_bytes().first() {
        Some(b'{' | b'[' | b'"') => Reply::json(status, body),
        Some(b'<') => Reply::text(status, "text/html", body),
        _ => Reply::text(status, "text/plain", body),
    }
}

const PAGE: &str = "<html><head><title>Error</title></head><body></body></html>";

/// Status, body, exit status, what is said, hint: what no platform says for itself.
const FOREIGN: &[(u16, &str, i32, &str, &str)] = &[
    (
        413,
        PAGE,
        65,
        "larger than the server or a proxy in front of it accepts",
        "",
    ),
    (
        413,
        "",
        65,
        "larger than the server or a proxy in front of it accepts",
        "",
    ),
    (429, PAGE, 75, "too many requests", ""),
    (429, "", 75, "too many requests", ""),
    (500, "oops", 75, "the server failed with 500", ""),
    (502, PAGE, 75, "the server failed with 502", ""),
    (503, PAGE, 75, "the server failed with 503", ""),
    (503, "", 75, "the server failed with 503", ""),
    (504, PAGE, 75, "the server failed with 504", ""),
    (
        503,
        r#"{"message":"no healthy upstream"}"#,
        75,
        "the server failed with 503",
        "",
    ),
    (
        503,
        r#"{"success":false}"#,
        75,
        "the server failed with 503",
        "",
    ),
    (400, PAGE, 76, "answered 400 with an HTML page", BASE),
    (401, PAGE, 76, "answered 401 with an HTML page", BASE),
    (403, PAGE, 76, "answered 403 with an HTML page", BASE),
    (404, PAGE, 76, "answered 404 with an HTML page", BASE),
    (
        404,
        "Not Found",
        76,
        "answered 404 with something that is not JSON",
        BASE,
    ),
    (405, PAGE, 76, "answered 405 with an HTML page", BASE),
    (200, PAGE, 76, "answered 200 with an HTML page", BASE),
    (200, "", 76, "answered 200 with an empty body", BASE),
    (204, "", 76, "answered 204 with an empty body", BASE),
    (
        200,
        r#"{"success":tru"#,
        76,
        "answered 200 with JSON that is cut off",
        BASE,
    ),
    (
        200,
        "OK",
        76,
        "answered 200 with something that is not JSON",
        BASE,
    ),
    (
        200,
        r#"[{"success":true}]"#,
        76,
        "answered 200 with JSON of another shape",
        BASE,
    ),
    (
        200,
        r#"{"success":"true"}"#,
        76,
        "answered 200 with neither \"success\": true nor a status code",
        BASE,
    ),
    (
        200,
        r#"{"success":"true","value":"picture.png"}"#,
        76,
        "answered 200 with neither \"success\": true nor a status code",
        BASE,
    ),
    (
        200,
        r#"{"success":1}"#,
        76,
        "answered 200 with neither \"success\": true nor a status code",
        BASE,
    ),
    (
        200,
        r#"{"success":null}"#,
        76,
        "answered 200 with neither \"success\": true nor a status code",
        BASE,
    ),
    (
        200,
        r#"{}"#,
        76,
        "answered 200 with neither \"success\": true nor a status code",
        BASE,
    ),
    (
        200,
        r#"{"success":false}"#,
        76,
        "answered 200 with neither \"success\": true nor a status code",
        BASE,
    ),
    (
        400,
        r#"{"success":false}"#,
        76,
        "answered 400 with neither \"success\": true nor a status code",
        BASE,
    ),
];

#[test]
fn every_answer_that_is_not_the_platforms_own() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    let mut wrong = String::new();
    for (status, body, exit, said, hint) in FOREIGN {
        // A gateway's answer tells nothing about the upload: the employee is looked at.
        let uploaded: &[&str] = match status {
            502 | 504 => &[READ, UPLOAD, READ],
            _ => &[READ, UPLOAD],
        };
        for (route, operation, calls) in [
            ("POST /read", "read employee 2132", &[READ][..]),
            ("POST /upload", "upload \"robot.png\"", uploaded),
        ] {
            let fleet = fleet();
            fleet.fault(Fault::on(route).always().instead(reply(*status, body)));
            let found = misread(
                set_image("2132", &image).with(&fleet).once(),
                *exit,
                &complaint("navixy 2132", &format!("{operation}: {said}"), hint),
            );
            if !found.is_empty() {
                wrong += &format!("{status} {body}: {found}");
            }
            assert_eq!(fleet.calls(), calls);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_success_without_what_was_asked_for_is_none() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    for body in [
        json!({}),
        json!({"value": null}),
        json!({"value": 5}),
        json!({"value": {"name": "picture.png"}}),
    ] {
        let fleet = fleet();
        fleet.fault(Fault::on("POST /upload").instead(good(body)));
        set_image("2132", &image).with(&fleet).gives(
            76,
            "",
            &complaint(
                "navixy 2132",
                "upload \"robot.png\": answered 200 with JSON of another shape",
                "",
            ),
        );
        assert_eq!(fleet.calls(), [READ, UPLOAD]);
    }
    for body in [
        json!({}),
        json!({"value": null}),
        json!({"value": {}}),
        json!({"value": {"id": 2132, "icon_id": "12"}}),
    ] {
        let fleet = fleet();
        fleet.fault(Fault::on("POST /read").instead(good(body)));
        set_image("2132", &image).with(&fleet).gives(
            76,
            "",
            &complaint(
                "navixy 2132",
                "read employee 2132: answered 200 with JSON of another shape",
                "",
            ),
        );
        assert_eq!(fleet.calls(), [READ]);
    }
}

#[test]
fn a_success_without_what_was_asked_for_is_judged_by_its_http_status() {
    let fleet = fleet();
    fleet.fault(
        Fault::on("POST /read")
            .always()
            .instead(Reply::json(503, r#"{"success":true}"#)),
    );
    on("2132", "show", &[]).with(&fleet).once().gives(
        75,
        "",
        &complaint(
            "navixy 2132",
            "read employee 2132: the server failed with 503",
            "",
        ),
    );
}

#[test]
fn a_success_is_one_under_any_http_status() {
    for status in [201, 400, 402, 500] {
        let fleet = fleet();
        fleet.fault(
            Fault::on("POST /assign").afterwards(Reply::json(status, r#"{"success":true}"#)),
        );
        on("2132", "set", &["--icon-id", "5"])
            .with(&fleet)
            .once()
            .gives(0, "navixy 2132: icon 5 (was 12)\n", "");
        assert_eq!(fleet.calls(), [READ, ASSIGN, READ]);
    }
}

#[test]
fn a_webp_on_an_installation_that_is_too_old() {
    let scratch = Scratch::new();
    for status in [400, 402] {
        let fleet = fleet_with(|model| {
            model.takes_webp = false;
            model.statuses.insert(234, status);
        });
        set_image("2132", &scratch.write("a.webp", pictures::webp(32, 32, 1)))
            .with(&fleet)
            .gives(
                65,
                "",
                &complaint(
                    "navixy 2132",
                    "upload \"a.webp\": the picture's type was refused: Invalid data format (code 234)",
                    WEBP,
                ),
            );
    }
}

#[test]
fn a_hash_that_lets_nobody_in() {
    let fleet = fleet();
    let reader = fleet.model().admit("sub@example.com", &["tag_update"]);
    for (hash, words, exit, said, hint) in [
        (
            "00000000000000000000000000000000",
            &["show", "--employee-id", "2132"][..],
            77,
            "read employee 2132: the hash is unknown or has expired: User or API key not found or session ended (code 4)",
            AGAIN,
        ),
        (
            "short",
            &["show", "--employee-id", "2132"],
            77,
            "read employee 2132: the hash was refused: Invalid user session hash or user API key hash (code 3)",
            HASH,
        ),
        (
            &reader,
            &["set", "--employee-id", "2132", "--icon-id", "5"],
            77,
            "assign icon 5: not permitted: Operation not permitted (code 13)",
            UPDATE,
        ),
    ] {
        run(words.iter().copied())
            .with(&fleet)
            .env("NAVIXY_HASH", hash)
            .gives(exit, "", &complaint("navixy 2132", said, hint));
    }
    assert_eq!(fleet.model().employee(2132).icon_id, Some(12));
}

#[test]
fn no_redirect_is_followed() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    for status in [301, 302, 303, 307, 308] {
        let mut elsewhere = fleet();
        elsewhere.expect_no_calls();
        let fleet = fleet();
        let answer = "?response=%7B%22success%22%3Atrue%7D";
        let location = format!("{}/employee/avatar/upload{answer}", elsewhere.url());
        // Even one whose body says success.
        fleet.fault(
            Fault::on("POST /upload").instead(
                Reply::json(status, r#"{"success":true,"value":"picture.png"}"#)
                    .header("Location", location),
            ),
        );
        set_image("2132", &image)
            .with(&fleet)
            .mask(&elsewhere.url(), "ELSEWHERE")
            .gives(
                76,
                "",
                &complaint(
                    "navixy 2132",
                    &format!(
                        "upload \"robot.png\": answered {status}, a redirect to ELSEWHERE/employee/avatar/upload, which is not followed"
                    ),
                    REDIRECT,
                ),
            );
        fleet.fault(Fault::on("POST /read").instead(Reply::empty(status)));
        on("2132", "show", &[]).with(&fleet).gives(
            76,
            "",
            &complaint(
                "navixy 2132",
                &format!(
                    "read employee 2132: answered {status}, a redirect, which is not followed"
                ),
                REDIRECT,
            ),
        );
        assert_eq!(fleet.calls(), [READ, UPLOAD, READ]);
    }
}

#[test]
fn an_answer_that_is_lost_may_pass() {
    let cut =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"succ";
    for (fault, operation, icon) in [
        (Fault::on("POST /read").lost(), "read employee 2132", 12),
        (Fault::on("POST /read").silent(), "read employee 2132", 12),
        (Fault::on("POST /assign").lost(), "assign icon 5", 5),
        (Fault::on("POST /assign").silent(), "assign icon 5", 12),
        (
            Fault::on("POST /assign").afterwards(Reply::raw(cut)),
            "assign icon 5",
            5,
        ),
        (
            Fault::on("POST /read").from(2).lost(),
            "the server took the change, but the read-back failed: read employee 2132",
            5,
        ),
    ] {
        let fleet = fleet();
        fleet.fault(fault);
        on("2132", "set", &["--icon-id", "5"])
            .with(&fleet)
            .once()
            .gives(
                75,
                "",
                &complaint("navixy 2132", &format!("{operation}: {LOST}"), ""),
            );
        assert_eq!(fleet.model().employee(2132).icon_id, Some(icon));
    }
}

#[test]
fn an_upload_whose_answer_is_lost_is_looked_for() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    let cut =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{\"succ";
    for (employee, before) in [("2132", "was icon 12"), ("2133", "first avatar")] {
        for (fault, once) in [
            // Looking is no repeat.
            (Fault::on("POST /upload").lost(), true),
            (Fault::on("POST /upload").lost(), false),
            (Fault::on("POST /upload").afterwards(Reply::raw(cut)), true),
            (
                Fault::on("POST /upload").afterwards(Reply::html(502, "502 Bad Gateway")),
                true,
            ),
            (
                Fault::on("POST /upload").afterwards(Reply::html(504, "504 Gateway Time-out")),
                false,
            ),
        ] {
            let fleet = fleet();
            fleet.fault(fault);
            let run = set_image(employee, &image).with(&fleet);
            let run = if once { run.once() } else { run };
            run.gives(
                0,
                &format!(
                    "navixy {employee}: image robot.png (file e3779b97f4a7c15.png, {before})\n"
                ),
                "",
            );
            assert_eq!(fleet.calls(), [READ, UPLOAD, READ, ASSIGN, READ]);
            assert_eq!(fleet.model().files.len(), 1);
        }
    }
}

#[test]
fn an_upload_that_did_not_arrive_is_sent_once_more() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    let faults = || {
        [
            (Fault::on("POST /upload").always().silent(), LOST),
            (
                Fault::on("POST /upload")
                    .always()
                    .instead(Reply::html(502, "502 Bad Gateway")),
                "the server failed with 502",
            ),
            (
                Fault::on("POST /upload")
                    .always()
                    .instead(Reply::html(504, "504 Gateway Time-out")),
                "the server failed with 504",
            ),
        ]
    };
    for (fault, said) in faults() {
        let fleet = fleet();
        fleet.fault(fault);
        let failed = complaint("navixy 2132", &format!("upload \"robot.png\": {said}"), "");
        set_image("2132", &image)
            .with(&fleet)
            .once()
            .gives(75, "", &failed);
        assert_eq!(fleet.calls(), [READ, UPLOAD, READ]);
        // Once, and not as often as other calls: each may leave a file.
        fleet.forget();
        set_image("2132", &image)
            .with(&fleet)
            .gives(75, "", &failed);
        assert_eq!(fleet.calls(), [READ, UPLOAD, READ, UPLOAD]);
        assert!(fleet.model().files.is_empty());
        assert_eq!(fleet.model().employee(2132).icon_id, Some(12));
    }
    for (fault, _) in faults() {
        let fleet = fleet();
        fleet.fault(fault.times(1));
        set_image("2132", &image).with(&fleet).gives(
            0,
            "navixy 2132: image robot.png (file e3779b97f4a7c15.png, was icon 12)\n",
            "",
        );
        assert_eq!(fleet.calls(), [READ, UPLOAD, READ, UPLOAD, ASSIGN, READ]);
        assert_eq!(fleet.model().files.len(), 1);
    }
}

/// The file that was there before is no sign of the upload.
#[test]
fn an_old_file_is_not_taken_for_the_upload() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    let fleet = fleet();
    set_image("2133", &image).with(&fleet).gives(
        0,
        "navixy 2133: image robot.png (file e3779b97f4a7c15.png, first avatar)\n",
        "",
    );
    fleet.forget();
    fleet.fault(Fault::on("POST /upload").always().silent());
    set_image("2133", &image).with(&fleet).once().gives(
        75,
        "",
        &complaint("navixy 2133", &format!("upload \"robot.png\": {LOST}"), ""),
    );
    assert_eq!(fleet.calls(), [READ, UPLOAD, READ]);
}

#[test]
fn a_picture_that_is_stored_under_an_icon_that_stays_is_told() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    for (fault, said) in [
        (
            Fault::on("POST /assign").instead(refused(503, 14, "Temporary unavailable")),
            "the server failed: Temporary unavailable (code 14)",
        ),
        (
            Fault::on("POST /assign").instead(Reply::html(502, "502 Bad Gateway")),
            "the server failed with 502",
        ),
        (Fault::on("POST /assign").silent(), LOST),
    ] {
        let fleet = fleet();
        fleet.fault(fault);
        set_image("2132", &image).with(&fleet).once().gives(
            75,
            "",
            &complaint("navixy 2132", &format!("take the icon off: {said}"), STORED),
        );
        assert_eq!(fleet.calls(), [READ, UPLOAD, ASSIGN]);
        let employee = fleet.model().employee(2132).clone();
        assert_eq!(employee.icon_id, Some(12));
        assert_eq!(
            employee.avatar_file_name.as_deref(),
            Some("e3779b97f4a7c15.png")
        );
        // What the hint advises.
        set_image("2132", &image).with(&fleet).gives(
            0,
            "navixy 2132: image robot.png (file c6ef372fe94f82a.png, was icon 12)\n",
            "",
        );
    }
}

#[test]
fn a_read_back_that_disagrees_is_a_failure() {
    let scratch = Scratch::new();
    let image = robot(&scratch);
    let image = image.to_str().expect("a temporary path is UTF-8");
    let hint = "look at the account with show, and at the server's log";
    for (employee, words, fault, shows) in [
        (
            "2132",
            &["--icon-id", "5"][..],
            Fault::on("POST /assign").instead(good(json!({}))),
            "icon 12",
        ),
        (
            "2133",
            &["--icon-id", "5"],
            Fault::on("POST /assign").instead(good(json!({}))),
            "no avatar",
        ),
        (
            "2132",
            &["--icon-id", "null"],
            Fault::on("POST /assign").instead(good(json!({}))),
            "icon 12",
        ),
        (
            "2132",
            &["--image", image],
            Fault::on("POST /assign").instead(good(json!({}))),
            "icon 12",
        ),
        (
            "2133",
            &["--image", image],
            Fault::on("POST /upload").instead(good(json!({"value": "picture.png"}))),
            "no avatar",
        ),
        (
            "2133",
            &["--image", image],
            Fault::on("POST /upload").afterwards(good(json!({"value": "picture.png"}))),
            "file e3779b97f4a7c15.png",
        ),
    ] {
        let fleet = fleet();
        fleet.fault(fault);
        on(employee, "set", words).with(&fleet).gives(
            76,
            "",
            &complaint(
                &format!("navixy {employee}"),
                &format!("the server answered success, but the account still shows {shows}"),
                hint,
            ),
        );
    }
}

#[test]
fn a_proxy_that_refuses_before_the_end_is_heard() {
    let scratch = Scratch::new();
    let image = scratch.write("big.png", pictures::png(1000, 1000, 7));
    let page = Reply::html(413, "413 Request Entity Too Large");
    for reply in [page.clone(), page.then_reset()] {
        let fleet = fleet();
        fleet.refuse_bodies_above(1 << 20, reply);
        set_image("2132", &image).with(&fleet).gives(
            65,
            "",
            &format!(
                "avatarctl: navixy 2132: warning: \"big.png\": {LARGER}\n{}",
                complaint(
                    "navixy 2132",
                    "upload \"big.png\": larger than the server or a proxy in front of it accepts",
                    ""
                )
            ),
        );
        assert_eq!(fleet.calls(), [READ, UPLOAD]);
        assert!(fleet.model().files.is_empty());
    }
}

#[test]
fn a_wrong_base_is_told_by_what_answers_there() {
    let fleet = fleet();
    let url = fleet.url();
    let host = url.strip_suffix("/v2").expect("the model has a context");
    on("2132", "show", &[])
        .with(&fleet)
        .env("NAVIXY_URL", host)
        .gives(
            76,
            "",
            &complaint(
                "navixy 2132",
                "read employee 2132: answered 404 with an HTML page",
                BASE,
            ),
        );
}

// ------------------------------------------------------------------------------------------------------- output

#[test]
fn navixy_in_lines() {
    let (navixy, scratch) = (Navixy::start(), Scratch::new());
    let path = robot(&scratch).display().to_string();
    for (line, wanted) in [
        ("show --employee-id 2132", "navixy 2132: icon 12\n"),
        (
            "set --employee-id 2132 --icon-id 3654",
            "navixy 2132: icon 3654 (was 12)\n",
        ),
        (
            "set --employee-id 2132 --icon-id 3654",
            "navixy 2132: icon 3654, unchanged\n",
        ),
        (
            "set --employee-id 2133 --icon-id 7",
            "navixy 2133: icon 7 (first avatar)\n",
        ),
        (
            "set --employee-id 2134 --icon-id null",
            "navixy 2134: no icon, unchanged\n",
        ),
        (
            "show --employee-id 2134",
            "navixy 2134: no icon and no picture\n",
        ),
        (
            &format!("set --employee-id 2132 --image {path}"),
            "navixy 2132: image robot.png (file e3779b97f4a7c15.png, was icon 3654)\n",
        ),
        (
            "show --employee-id 2132",
            "navixy 2132: file e3779b97f4a7c15.png\n",
        ),
        (
            "list",
            "employee_id  name         icon_id  file\n\
             2132         Build Robot  -        e3779b97f4a7c15.png\n\
             2133         Dana Driver  7        -\n\
             2134         Night Shift  -        -\n",
        ),
    ] {
        println!("{line}");
        Run::new(["navixy"].into_iter().chain(words(line)))
            .with(&navixy)
            .gives(0, wanted, "");
    }
}

#[test]
fn navixy_in_json() {
    let navixy = Navixy::start();
    for (line, wanted) in [
        (
            "set --employee-id 2132 --icon-id 3654",
            account_line("navixy", "2132", "set", "\"outcome\":\"changed\",\"before\":\"icon:12\",\"after\":\"icon:3654\",\"verified\":true")
                + &summary_line(1, 0, 0, 0),
        ),
        (
            "set --employee-id 2132 --icon-id null",
            account_line("navixy", "2132", "set", "\"outcome\":\"changed\",\"before\":\"icon:3654\",\"after\":null,\"verified\":true")
                + &summary_line(1, 0, 0, 0),
        ),
        (
            "show --employee-id 2133",
            account_line("navixy", "2133", "show", "\"outcome\":\"shown\",\"current\":null,\"icon_id\":null,\"file\":null")
                + &summary_line(0, 1, 0, 0),
        ),
        (
            "list",
            "{\"v\":1,\"type\":\"employee\",\"employee_id\":2132,\"name\":\"Build Robot\",\"icon_id\":null,\"file\":null}\n\
             {\"v\":1,\"type\":\"employee\",\"employee_id\":2133,\"name\":\"Dana Driver\",\"icon_id\":null,\"file\":null}\n\
             {\"v\":1,\"type\":\"employee\",\"employee_id\":2134,\"name\":\"Night Shift\",\"icon_id\":null,\"file\":null}\n"
                .to_owned()
                + &summary_line(0, 0, 0, 0),
        ),
    ] {
        println!("{line}");
        Run::new(["navixy", "--json"].into_iter().chain(words(line))).with(&navixy).gives(0, &wanted, "");
    }
}
