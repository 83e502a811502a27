//! Signals during a run for one account, and those that the parent ignores.

use std::time::{Duration, Instant};

use crate::support::printed::{NOTHING, summary_line};
use crate::support::run::words;
use crate::support::server::full_queue;
use crate::support::{Fault, Jira, Run};

/// A run for one account ends like a batch does: within a second, with its line and its summary.
#[test]
fn a_signal_ends_a_run_for_one_account() {
    for (signal, status) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        for (line, nth, said) in [
            (
                "jira show --json",
                1,
                "ask what server this is: interrupted",
            ),
            (
                "jira set --json --user robot --avatar-id 24880",
                3,
                "select avatar 24880: interrupted",
            ),
        ] {
            let jira = Jira::start();
            jira.fault(Fault::any().from(nth).always().hang());
            let process = Run::new(words(line)).with(&jira).start();
            jira.wait_for(nth);
            let begun = Instant::now();
            process.signal(signal);
            let told = process.wait();
            assert!(begun.elapsed() < Duration::from_millis(1900));
            let (account, name) = match line.contains("--user") {
                true => ("\"robot\"", " robot"),
                false => ("null", NOTHING),
            };
            let action = line.split(' ').nth(1).unwrap_or_default();
            told.gives(
                status,
                &format!(
                    "{{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"server\":\"URL\",\"account\":{account},\
                     \"action\":\"{action}\",\"outcome\":\"failed\",\"error\":{{\"class\":\"temporary\",\"exit\":75,\
                     \"status\":null,\"message\":\"{said}\",\"hint\":null}}}}\n{}",
                    summary_line(0, 0, 1, status)
                ),
                &format!("avatarctl: jira{name}: {said}\n"),
            );
        }
    }
}

/// What the parent ignores stays ignored: nohup is there so that a run outlives its terminal.
#[test]
fn a_signal_that_the_parent_ignores_stays_ignored() {
    for (ignored, name) in [(&[libc::SIGHUP], "HUP"), (&[libc::SIGINT], "INT")] {
        let jira = Jira::start();
        jira.fault(Fault::any().always().hang());
        let process = Run::new(words("jira show"))
            .with(&jira)
            .ignoring(ignored)
            .start();
        jira.wait_for(1);
        // A second signal that is not ignored would end it without a word.
        process.signal(name);
        process.signal("TERM");
        process.wait().gives(
            143,
            NOTHING,
            "avatarctl: jira: ask what server this is: interrupted\n",
        );
    }
}

/// A connection that nobody answers cannot be given up, so the alarm ends the run; a parent that ignores alarms does
/// not change that.
#[test]
fn the_grace_after_a_signal_ends_whatever_the_parent_ignores() {
    let (listener, _waiting) = full_queue();
    let address = listener.local_addr().expect("an address").to_string();
    let process = Run::new(words("jira show --url"))
        .arg(format!("http://{address}"))
        .env("JIRA_TOKEN", "token")
        .ignoring(&[libc::SIGALRM])
        .start();
    process.listens(libc::SIGTERM);
    let begun = Instant::now();
    process.signal("TERM");
    let told = process.wait();
    assert_eq!(told.status, 143, "{told:?}");
    assert!(begun.elapsed() < Duration::from_millis(1900), "{told:?}");
}
