//! What is repeated and what is not, how long the program waits in between, and what it says meanwhile. The models
//! prove it: whatever got lost on the way, the account is right afterwards and nothing is given twice.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::hostile::System;
use crate::support::encoding::{http_date, now};
use crate::support::model::{Fault, Model, Running};
use crate::support::printed::NOTHING;
use crate::support::run::{in_parallel, words};
use crate::support::server::{Reply, Request, Server, unused_address};
use crate::support::{Jira, Output, RocketChat, Run, Scratch, pictures, program, systems};
use crate::system::jira::calls::SELECT;

/// A flow that sets an avatar, and what must be true of the model afterwards.
pub struct Flow<M> {
    pub name: &'static str,
    pub arguments: &'static [&'static str],
    /// Before the run.
    pub given: fn(&mut M),
    /// Requests of a run in which nothing fails.
    pub requests: usize,
    /// The one that stores a picture each time it is sent; 0 where none does.
    pub stores: usize,
    /// What is wrong with the account, in words.
    pub wrong: fn(&mut M) -> Option<String>,
}

pub fn large() -> Vec<u8> {
    pictures::png(64, 64, 1)
}

pub fn small() -> Vec<u8> {
    pictures::png(48, 48, 2)
}

/// The pictures of every flow.
pub fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("large.png", large());
    scratch.write("small.png", small());
    scratch
}

/// Lines other than those of waiting, and the one that warns of a copy that might be left.
fn unexpected(output: &Output) -> Option<String> {
    let harmless = |line: &&str| {
        line.contains(", trying again in ")
            || line.contains(", looking for it in ")
            || line.contains("warning: an answer was lost and the picture is uploaded once more")
    };
    let rest: Vec<&str> = output
        .stderr
        .lines()
        .filter(|line| !harmless(line))
        .collect();
    (!rest.is_empty()).then(|| rest.join("; "))
}

/// A name, and what it makes of a fault.
type Way = (&'static str, fn(Fault) -> Fault);

/// One answer of every flow goes wrong once, in every way that may pass.
pub fn recovers<M: Model + Default>(system: &System<M>)
where
    Flow<M>: Sync,
{
    let scratch = scratch();
    let ways: &[Way] = &[
        ("nothing", |fault| fault.times(0)),
        ("lost", Fault::lost),
        ("never carried out", Fault::silent),
        ("429", |fault| {
            fault.instead(Reply::html(429, "Slow down").header("Retry-After", 0))
        }),
        ("503", |fault| fault.instead(Reply::html(503, "Restarting"))),
        ("502", |fault| {
            fault.instead(Reply::html(502, "Bad Gateway"))
        }),
        ("504", |fault| {
            fault.instead(Reply::html(504, "Gateway Timeout"))
        }),
        ("502 after the work", |fault| {
            fault.afterwards(Reply::html(502, "Bad Gateway"))
        }),
        ("504 after the work", |fault| {
            fault.afterwards(Reply::html(504, "Gateway Timeout"))
        }),
        ("cut after the work", |fault| {
            fault.afterwards(Reply::raw(
                "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"succ",
            ))
        }),
    ];
    let mut cells = Vec::new();
    for flow in system.flows {
        for nth in 1..=flow.requests {
            // A server that a gateway gave up may still store a picture, so it is not sent again: tests/system/jira.
            let passes = |(name, _): &&Way| *name != "504" || nth != flow.stores;
            let ways = ways.iter().filter(passes);
            cells.extend(ways.map(move |way| (flow, nth, way)));
        }
    }
    let failures = in_parallel(&cells, |(flow, nth, (name, how))| {
        let model = M::default().start();
        (flow.given)(&mut model.model());
        model.fault(how(Fault::any().from(*nth)));
        let output = Run::new(flow.arguments.iter().copied())
            .with(&model)
            .dir(scratch.path())
            .output();
        let mut bad: Vec<String> = unexpected(&output).into_iter().collect();
        if output.status != 0 {
            bad.push(format!("status {}", output.status));
        }
        bad.extend((flow.wrong)(&mut model.model()));
        let sent = model.requests().len();
        let more = sent.saturating_sub(flow.requests);
        // A repeat; or a look, the upload from its beginning, and the rest.
        if *name == "nothing" && more != 0 || more > 3 {
            bad.push(format!("{sent} requests"));
        }
        let about = |what| {
            format!(
                "{} request {nth} {name}: {what}\n{output:?}{:?}",
                flow.name,
                model.calls()
            )
        };
        bad.into_iter().map(about).collect()
    });
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cells.len(),
        failures.join("\n")
    );
}

// ----------------------------------------------------------------------------------------------------- counts

/// A call at which a flow fails for good, and how often it is made: with `--retries 2` while the server is busy,
/// with the same while answers get lost, and at a refusal.
pub struct Count {
    arguments: &'static [&'static str],
    route: &'static str,
    busy: usize,
    lost: usize,
    /// The same where a gateway waited for the answer in vain.
    late: usize,
    /// The refusals after which it is made once more, in another way.
    again: &'static [u16],
    /// By a login in place of the usual credentials.
    by_login: bool,
    /// Whether the run ends well all the same.
    harmless: bool,
}

pub const fn count(
    arguments: &'static [&'static str],
    route: &'static str,
    busy: usize,
    lost: usize,
) -> Count {
    Count {
        arguments,
        route,
        busy,
        lost,
        late: lost,
        again: &[],
        by_login: false,
        harmless: false,
    }
}

/// At a call whose answer a gateway may give up while the server still stores what was sent.
pub const fn slow(count: Count) -> Count {
    Count { late: 1, ..count }
}

/// At a call that is made once more, in another way, after one of these statuses.
pub const fn again(statuses: &'static [u16], count: Count) -> Count {
    Count {
        again: statuses,
        ..count
    }
}

/// At a call that the work does not hang on.
pub const fn aside(count: Count) -> Count {
    Count {
        harmless: true,
        ..count
    }
}

pub const fn by_login(count: Count) -> Count {
    Count {
        by_login: true,
        ..count
    }
}

pub fn counts<M: Model + Default>(system: &System<M>) {
    let scratch = scratch();
    let mut cells: Vec<(&Count, &str, Reply, usize)> = Vec::new();
    let more = |count: &Count, status| usize::from(count.again.contains(&status));
    for count in system.counts {
        let page = |status| Reply::html(status, "No");
        cells.push((count, "--retries=2", page(503), count.busy));
        cells.push((count, "--retries=2", page(429), count.busy));
        cells.push((count, "--retries=2", page(502), count.lost));
        cells.push((count, "--retries=2", page(504), count.late));
        cells.push((
            count,
            "--retries=2",
            Reply::close_without_answer(),
            count.lost,
        ));
        cells.push((count, "--retries=0", page(503), 1));
        // A server that failed may have carried the call out: it is repeated where that leaves nothing twice.
        let failed = if count.lost == count.busy {
            count.lost
        } else {
            1
        };
        cells.push((count, "--retries=2", page(500), failed + more(count, 500)));
        for status in [400, 401, 403, 404, 413, 302] {
            cells.push((count, "--retries=2", page(status), 1 + more(count, status)));
        }
    }
    let failures = in_parallel(&cells, |(count, retries, reply, wanted)| {
        let model = M::default().start();
        (system.given)(&mut model.model());
        model.fault(Fault::on(count.route).always().instead(reply.clone()));
        let run = Run::new(count.arguments.iter().copied())
            .dir(scratch.path())
            .arg(retries);
        let run = match count.by_login {
            true => run.with_login(&model),
            false => run.with(&model),
        };
        let output = run.output();
        let (method, path) = count.route.split_once(' ').expect("METHOD PATH");
        let calls = model.requests();
        let made = calls
            .iter()
            .filter(|request| request.method == method && request.path().ends_with(path))
            .count();
        // Where no answer comes at all, even what the work does not hang on ends it, but for a logout.
        let well = output.status == 0;
        match made == *wanted && (!well || count.harmless) {
            true => Vec::new(),
            false => vec![format!(
                "{} {retries} {}: {made} and not {wanted}\n{output:?}",
                count.route, reply.status
            )],
        }
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

// ------------------------------------------------------------------------------------------------------ waits

/// Times as `N s`: they carry chance.
fn timeless(text: &str) -> String {
    let mut out = String::new();
    for (at, word) in text.split(' ').enumerate() {
        let number = !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.');
        let unit = text
            .split(' ')
            .nth(at + 1)
            .is_some_and(|next| next.starts_with('s') && !next.starts_with("su"));
        out += if at > 0 { " " } else { "" };
        out += if number && unit { "N" } else { word };
    }
    out
}

#[test]
fn a_wait_that_would_pass_the_limit_is_not_begun() {
    // Clocks need not agree: the server's own stands a year behind.
    let there = now().as_secs() - 31_536_000;
    let date = http_date(there);
    let later = http_date(there + 30);
    for (headers, wait) in [
        (vec![("Retry-After", "30".to_owned())], "30 s"),
        (vec![("Date", date.clone()), ("Retry-After", later)], "30 s"),
        (
            vec![
                ("Date", date.clone()),
                ("X-RateLimit-Reset", ((there + 40) * 1000).to_string()),
            ],
            "40 s",
        ),
        (
            vec![
                ("Date", date.clone()),
                ("X-RateLimit-Reset", (there + 40).to_string()),
            ],
            "40 s",
        ),
        (
            vec![
                ("Date", date),
                ("Retry-After", "50".to_owned()),
                ("X-RateLimit-Reset", (there + 40).to_string()),
            ],
            "50 s",
        ),
        (
            vec![("Retry-After", "99999999999".to_owned())],
            "1157408 days",
        ),
    ] {
        for status in [429, 503] {
            let model = Jira::start();
            let reply = headers
                .iter()
                .fold(Reply::html(status, "Slow down"), |reply, (name, value)| {
                    reply.header(name, value)
                });
            model.fault(Fault::any().always().instead(reply));
            let begun = Instant::now();
            let said = if status == 429 {
                "too many requests"
            } else {
                "the server failed with 503"
            };
            Run::new(["jira", "show", "--user=robot", "--max-time=20"]).with(&model).gives(
                75,
                "",
                &format!(
                    "avatarctl: jira robot: ask what server this is: {said}; waiting {wait} more would pass --max-time\n"
                ),
            );
            assert!(begun.elapsed() < Duration::from_secs(5));
            assert_eq!(model.requests().len(), 1);
        }
    }
}

/// Nobody waits for an hour in front of a terminal, and a job has better uses for it; who has the time says so.
#[test]
fn a_wait_of_more_than_a_quarter_of_an_hour_is_not_begun() {
    let busy = |wait: u64| Reply::html(429, "Slow down").header("Retry-After", wait);
    for (wait, said) in [
        (901, "16 min"),
        (7200, "2 h"),
        (99_999_999_999, "1157408 days"),
    ] {
        let model = Jira::start();
        model.fault(Fault::any().always().instead(busy(wait)));
        Run::new(["jira", "show", "--user=robot"]).with(&model).gives(
            75,
            "",
            &format!(
                "avatarctl: jira robot: ask what server this is: too many requests; the server asks to wait {said}, \
                 and without --max-time no wait is longer than 15 min\n"
            ),
        );
        assert_eq!(model.requests().len(), 1);
    }
    // 15 minutes are begun, and longer ones within the time of the command.
    for (wait, limit) in [(900, "--retries=3"), (1000, "--max-time=1100")] {
        let model = Jira::start();
        model.fault(Fault::any().always().instead(busy(wait)));
        let process = Run::new(["jira", "show", "--user=robot", limit])
            .with(&model)
            .start();
        model.wait_for(1);
        process.signal("TERM");
        let told = process.wait();
        assert_eq!(told.status, 143, "{told:?}");
        assert!(!told.stderr.contains("--max-time"), "{told:?}");
    }
    // Neither a sentence nor a budget that is used up is waited for any longer.
    let model = RocketChat::start();
    let text = "Error, too many requests. Please slow down. You must wait 1801 seconds before trying this endpoint again. [error-too-many-requests]";
    let body = serde_json::json!({"success": false, "error": text}).to_string();
    model.fault(Fault::any().always().instead(Reply::json(400, body)));
    let output = Run::new(["rocketchat", "show"]).with(&model).output();
    assert_eq!(
        (output.status, model.requests().len()),
        (75, 1),
        "{output:?}"
    );
    assert!(
        output
            .stderr
            .contains("; the server asks to wait 31 min, and without --max-time"),
        "{output:?}"
    );
    let (server, settings) = spent(|| {
        vec![
            ("X-RateLimit-Remaining", "0".into()),
            (
                "X-RateLimit-Reset",
                ((now().as_secs() + 5000) * 1000).to_string(),
            ),
        ]
    });
    let run = Run::new(SELECT.iter().copied());
    settings
        .iter()
        .fold(run, |run, (name, value)| run.env(name, value))
        .gives(
            75,
            "",
            "avatarctl: jira build-bot: the server took the change, but the read-back failed: look up the avatars of \
             \"build-bot\": the server allows no more of these calls for now; the server asks to wait 84 min, and \
             without --max-time no wait is longer than 15 min\n",
        );
    assert_eq!(server.requests().len(), 4);
}

/// A server's numbers are digits: what is none is no wait.
#[test]
fn a_wait_with_a_sign_is_none() {
    let model = Jira::start();
    let reply = Reply::html(429, "Slow down").header("Retry-After", "+1000");
    model.fault(Fault::on("GET /serverInfo").instead(reply));
    let output = Run::new(["jira", "show", "--user=robot"])
        .with(&model)
        .output();
    let output = Output {
        stderr: timeless(&output.stderr),
        ..output
    };
    output.gives(
        0,
        "jira robot: avatar 10122 (system)\n",
        "avatarctl: too many requests, trying again in N s to ask what server this is\n",
    );
}

#[test]
fn rocketchat_says_its_wait_in_a_sentence() {
    for (status, text, wait) in [
        (
            429,
            "Error, too many requests. Please slow down. You must wait 42 seconds before trying this endpoint again. [error-too-many-requests]",
            "42 s",
        ),
        (
            400,
            "Error, too many requests. Please slow down. You must wait 42 seconds before trying this endpoint again. [error-too-many-requests]",
            "42 s",
        ),
        (429, "too many requests", "60 s"),
    ] {
        let model = RocketChat::start();
        let body = serde_json::json!({"success": false, "error": text}).to_string();
        model.fault(Fault::any().always().instead(Reply::json(status, body)));
        let shown = text.trim_end_matches(" [error-too-many-requests]");
        Run::new(["rocketchat", "show", "--max-time=5"]).with(&model).gives(
            75,
            "",
            &format!(
                "avatarctl: rocketchat: ask who the caller is: too many requests: {shown}; waiting {wait} more would pass --max-time\n"
            ),
        );
        assert_eq!(model.requests().len(), 1);
    }
}

#[test]
fn a_wait_is_announced_and_kept() {
    for (asked, least) in [("1", 1000), ("0", 500)] {
        let model = Jira::start();
        let reply = Reply::html(429, "Slow down").header("Retry-After", asked);
        model.fault(Fault::on("GET /serverInfo").instead(reply));
        let begun = Instant::now();
        let output = Run::new(["jira", "show", "--user=robot"])
            .with(&model)
            .output();
        assert!(begun.elapsed() >= Duration::from_millis(least));
        let output = Output {
            stderr: timeless(&output.stderr),
            ..output
        };
        output.gives(
            0,
            "jira robot: avatar 10122 (system)\n",
            "avatarctl: too many requests, trying again in N s to ask what server this is\n",
        );
    }
}

#[test]
fn every_wait_is_longer_than_the_one_before() {
    let model = Jira::start();
    model.fault(
        Fault::any()
            .always()
            .instead(Reply::html(503, "Restarting")),
    );
    let output = Run::new(["jira", "show", "--user=robot", "--retries=2"])
        .with(&model)
        .output();
    let waits: Vec<f64> = output
        .stderr
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(", trying again in ")?;
            rest.split(' ').next()?.parse().ok()
        })
        .collect();
    assert!(
        waits.len() == 2 && waits[0] >= 0.5 && waits[1] > waits[0],
        "{output:?}"
    );
    let output = Output {
        stderr: timeless(&output.stderr),
        ..output
    };
    output.gives(
        75,
        "",
        "avatarctl: the server is not available (503), trying again in N s to ask what server this is\n\
         avatarctl: the server is not available (503), trying again in N s to ask what server this is\n\
         avatarctl: jira robot: ask what server this is: the server failed with 503 (tried 3 times)\n",
    );
}

/// cron mails whatever is printed: a wait that ended well is no news.
#[test]
fn a_quiet_run_waits_without_a_word() {
    let model = Jira::start();
    model.fault(
        Fault::any()
            .times(1)
            .instead(Reply::html(503, "Restarting")),
    );
    Run::new(["jira", "show", "-q"]).with(&model).gives(
        0,
        "jira robot: avatar 10122 (system)\n",
        "",
    );
}

#[test]
fn a_refused_connection_is_tried_again() {
    let gone = unused_address();
    let output = Run::new([
        "jira",
        "set",
        "--user=robot",
        "--avatar-id=24880",
        "--retries=1",
    ])
    .args_url(&format!("http://{gone}"))
    .mask(&gone.to_string(), "ADDRESS")
    .output();
    let output = Output {
        stderr: timeless(&output.stderr),
        ..output
    };
    output.gives(
        69,
        "",
        "avatarctl: cannot connect to ADDRESS: connection refused, trying again in N s to ask what server this is\n\
         avatarctl: jira robot: ask what server this is: cannot connect to ADDRESS: connection refused (tried 2 times)\n",
    );
}

/// A login is made once whatever becomes of its answer; only where no connection was made is it tried again.
#[test]
fn a_login_that_nobody_heard_is_tried_again() {
    let gone = unused_address();
    for system in systems::ALL {
        let (name, first) = (system.name, system.begins[1]);
        let output = Run::new([name, "whoami"])
            .arg("--retries=1")
            .arg("--url")
            .arg(format!("http://{gone}"))
            .mask(&gone.to_string(), "ADDRESS")
            .login(system.logins[1])
            .output();
        let output = Output {
            stderr: timeless(&output.stderr),
            ..output
        };
        output.gives(
            69,
            "",
            &format!(
                "avatarctl: cannot connect to ADDRESS: connection refused, trying again in N s to {first}\n\
                 avatarctl: {name}: {first}: cannot connect to ADDRESS: connection refused (tried 2 times)\n"
            ),
        );
    }
}

/// Serves Jira, whose answers to the list of avatars say that no call is left.
fn spent(headers: fn() -> Vec<(&'static str, String)>) -> (Server, Vec<(&'static str, String)>) {
    let mut jira = Jira::default();
    let mut settings = jira.settings("");
    let server = Server::start(move |request: &Request| {
        let reply = jira.handle(request);
        match request.path().ends_with("/user/avatars") {
            true => headers()
                .into_iter()
                .fold(reply, |reply, (name, value)| reply.header(name, value)),
            false => reply,
        }
    });
    settings[0].1 = server.url() + "/jira";
    (server, settings)
}

#[test]
fn a_route_without_calls_left_is_waited_for_before_it_refuses() {
    let set = |settings: &[(&'static str, String)], limit: &str| {
        let run = Run::new(SELECT.iter().copied()).arg(limit);
        let output = settings
            .iter()
            .fold(run, |run, (name, value)| run.env(name, value))
            .output();
        Output {
            stderr: timeless(&output.stderr),
            ..output
        }
    };
    let (server, settings) = spent(|| {
        vec![
            ("X-RateLimit-Remaining", "0".into()),
            ("X-RateLimit-Interval-Seconds", "1".into()),
        ]
    });
    let begun = Instant::now();
    set(&settings, "--max-time=20").gives(
        0,
        "jira build-bot: avatar 24880 (was 10122)\n",
        "avatarctl: the server allows no more of these calls for now, going on in N s to look up the avatars of \"build-bot\"\n",
    );
    assert!(begun.elapsed() >= Duration::from_millis(900));
    assert_eq!(server.requests().len(), 5);
    let (server, settings) = spent(|| {
        vec![
            ("X-RateLimit-Remaining", "0".into()),
            (
                "X-RateLimit-Reset",
                ((now().as_secs() + 60) * 1000).to_string(),
            ),
        ]
    });
    set(&settings, "--max-time=9").gives(
        75,
        "",
        "avatarctl: jira build-bot: the server took the change, but the read-back failed: look up the avatars of \
         \"build-bot\": the server allows no more of these calls for now; waiting N s more would pass --max-time\n",
    );
    assert_eq!(server.requests().len(), 4);
}

/// What a run writes to a terminal of its own, which `script` (util-linux) makes.
fn on_a_terminal(model: &Running<Jira>, arguments: &str) -> String {
    let command = format!("stty columns 40; {} {arguments}", program().display());
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env_clear()
        .envs(model.settings())
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::null())
        .output()
        .expect("script starts: it is part of util-linux");
    String::from_utf8(output.stdout).expect("the program prints UTF-8")
}

#[test]
fn a_terminal_shows_a_countdown_that_leaves_nothing_behind() {
    let model = Jira::start();
    let reply = Reply::html(503, "Restarting").header("Retry-After", "2");
    model.fault(Fault::on("GET /serverInfo").instead(reply));
    let shown = on_a_terminal(&model, "jira show --user=robot");
    // Back to the margin; no wrapping, or a narrow terminal would keep a line for every frame; and wrapping again.
    let frame = "\r\u{1b}[?7lthe server is not available (503), trying again in N s to ask what server this is\u{1b}[K\u{1b}[?7h";
    assert_eq!(
        timeless(&shown),
        format!("{frame}{frame}\r\u{1b}[Kjira robot: avatar 10122 (system)\r\n")
    );
}

impl Run {
    /// A Jira that nobody serves.
    fn args_url(self, url: &str) -> Run {
        self.env("JIRA_URL", url).env("JIRA_TOKEN", "token")
    }
}

#[test]
fn times_are_masked() {
    assert_eq!(
        timeless("again in 1.5 s to a 3 b 20 s would"),
        "again in N s to a 3 b N s would"
    );
}

#[test]
fn a_request_that_may_be_repeated_is_repeated_three_times() {
    let mut jira = Jira::start();
    jira.expect_anything();
    let busy = Reply::html(503, "Busy");
    jira.fault(Fault::any().always().instead(busy));
    let told = Run::new(words("jira show")).with(&jira).output();
    assert_eq!((told.status, told.stdout.as_str()), (75, NOTHING));
    assert_eq!(
        told.stderr.lines().last(),
        Some(
            "avatarctl: jira: ask what server this is: the server failed with 503 (tried 4 times)"
        )
    );
    assert_eq!(jira.requests().len(), 4);
}
