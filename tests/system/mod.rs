//! The systems: a folder for each that holds whatever is about it alone, and what they have in common.

/// The tables that every system is held to, each a test of its own: see [`crate::http::hostile`] and
/// [`crate::http::retries`] for what they do.
macro_rules! tables {
    ($($name:ident = $table:path),* $(,)?) => {
        const TABLES: &[&str] = &[$(stringify!($name)),*];

        macro_rules! held_to_every_table {
            ($system:path) => {
                $(
                    #[test]
                    fn $name() {
                        $table(&$system);
                    }
                )*
            };
        }
    };
}

tables! {
    over_broken_connections = crate::http::hostile::broken_connections,
    lies = crate::http::hostile::lies,
    answers_may_be_written_in_any_way = crate::http::hostile::what_must_not_matter_does_not,
    an_upload_may_be_refused_before_it_is_sent = crate::http::hostile::an_upload_that_is_refused_before_it_is_sent,
    fifty_megabytes_cost_less_than_four = crate::http::hostile::fifty_megabytes_cost_less_than_four,
    right_whatever_was_lost = crate::http::retries::recovers,
    calls_are_repeated_by_their_table = crate::http::retries::counts,
}

pub mod jira;
mod login;
mod matrix;
pub mod navixy;
mod pictures;
pub mod rocketchat;
mod whoami;

use std::process::Command;

use crate::support::systems;

/// A folder that is forgotten, or one without its tables, would not be missed otherwise; nor what doctor says and tries.
#[test]
fn every_system_is_held_to_every_table() {
    let this = std::env::current_exe().expect("a path");
    let list = Command::new(this).arg("--list").output().expect("a list");
    let list = String::from_utf8(list.stdout).expect("names of tests");
    for system in systems::names() {
        let tables = TABLES
            .iter()
            .map(|table| format!("system::{system}::calls::{table}"));
        let doctor = [
            format!("doctor::{system}"),
            format!("doctor::round_trip::{system}_survives_every_blow"),
        ];
        for test in tables.chain(doctor) {
            let line = format!("{test}: test");
            assert!(list.lines().any(|listed| listed == line), "{test}");
        }
    }
}
