//! `--dry-run` on Navixy: a shell and curl make of the printed commands the requests that the program itself sends.

use crate::dry_run::{both_show, case, same, twice};
use crate::support::{Navixy, pictures};

#[test]
fn navixy_assigns() {
    let sides = twice(Navixy::default);
    let printed = same(
        &case("navixy set --employee-id 2132 --icon-id 3654"),
        1,
        &sides,
    );
    assert_eq!(
        printed
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
            .replace(&sides[0].model.url(), "URL"),
        "curl -fsS -H \"authorization: NVX $NAVIXY_HASH\" -H 'user-agent: avatarctl/VERSION' \
         -H 'accept: application/json' -H 'content-type: application/json' \
         -d '{\"employee_id\":2132,\"icon_id\":3654}' 'URL/employee/avatar/assign'\n"
    );
    both_show(
        &sides,
        "navixy show --employee-id 2132",
        "navixy 2132: icon 3654\n",
    );
    sides.iter().for_each(|side| side.model.forget());
    same(
        &case("navixy set --employee-id 2132 --icon-id null"),
        1,
        &sides,
    );
    both_show(
        &sides,
        "navixy show --employee-id 2132",
        "navixy 2132: no icon and no picture\n",
    );
}

#[test]
fn navixy_uploads() {
    // Over an icon, which is taken off afterwards; and where there is none.
    for id in [2132, 2133] {
        let sides = twice(Navixy::default);
        let upload = case(&format!("navixy set --employee-id {id}"))
            .image("it's a face.png", pictures::png(64, 64, 1));
        same(&upload, 2, &sides);
        both_show(
            &sides,
            &format!("navixy show --employee-id {id}"),
            &format!("navixy {id}: file e3779b97f4a7c15.png\n"),
        );
    }
}
