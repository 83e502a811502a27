//! The two promises: what was pulled is what diff finds, and applied it gives every account back what it wore.

use super::{ACCOUNTS, Servers};
use crate::support::pictures;

/// Something else on every account that the folder can give back, by whoever did it.
fn change_everything(servers: &Servers) {
    let world = &servers.world;
    {
        let mut jira = world.jira().model();
        jira.user_mut("robot").selected = 10130;
        let other = jira.give("build-bot", pictures::png(48, 48, 21));
        jira.user_mut("build-bot").selected = other;
    }
    {
        let mut chat = world.chat().model();
        chat.give("build-bot", pictures::png(64, 64, 22));
        chat.give("retired-bot", pictures::png(64, 64, 23));
    }
    {
        let mut fleet = world.fleet().model();
        fleet.give(2132, pictures::png(64, 64, 24));
        fleet.employee_mut(2133).icon_id = Some(77);
        fleet.employee_mut(2134).icon_id = Some(78);
    }
    let mut hs = servers.world.hs().model();
    hs.give("build-bot", pictures::png(64, 64, 25));
    hs.give("deploy-bot", pictures::png(64, 64, 26));
}

#[test]
fn pull_then_diff_finds_nothing_to_change() {
    let servers = Servers::start();
    servers.declare(ACCOUNTS);
    let worn = servers.worn();
    servers.does("pull m.json --to backup");
    assert_eq!(servers.worn(), worn, "nothing is changed on a server");
    servers
        .run("diff backup/avatars.json")
        .gives(0, "0 to change, 9 the same\n", "");
}

#[test]
fn applied_it_gives_every_account_back_what_it_wore() {
    let servers = Servers::start();
    servers.declare(ACCOUNTS);
    let worn = servers.worn();
    servers.does("pull m.json --to backup");
    change_everything(&servers);
    let now = servers.worn();
    let same = worn.iter().filter(|one| now.contains(one));
    let same: Vec<&String> = same.collect();
    // Who was not asked for, and the provider's picture.
    assert_eq!(same.len(), worn.len() - 9, "{same:?}");
    let told = servers.does("apply backup/avatars.json");
    assert!(told.ends_with("9 changed, 0 unchanged\n"), "{told}");
    assert_eq!(servers.worn(), worn);
    servers
        .run("diff backup/avatars.json")
        .gives(0, "0 to change, 9 the same\n", "");
}
