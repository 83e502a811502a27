//! The accounts that a run takes of its manifest: `--only`, and `--shard` with the variables of CI engines.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use crate::support::batch::{self, ALL};
use crate::support::printed::{NOTHING, summary_line};
use crate::support::{World, pictures, program};

#[test]
fn a_pattern_chooses_accounts() {
    let mut world = World::new();
    world.declare(ALL);
    for (pattern, lines) in [
        ("jira/robot", 1),
        ("*/build-bot", 3),
        ("fleet/213?", 2),
        ("*", 8),
        ("chat/*", 2),
        ("*bot", 5),
    ] {
        let told = world.run(&format!("diff m.json --only {pattern}")).output();
        assert_eq!(told.stdout.lines().count(), lines + 1, "{told:?}");
    }
    world.run("apply m.json --only jira/r*").gives(
        0,
        "jira robot: avatar 24880 (was 10122)\n\
         1 changed, 0 unchanged\n",
        NOTHING,
    );
    for verb in ["check", "diff", "apply"] {
        world.run(&format!("{verb} m.json --only moon/*")).gives(
            64,
            NOTHING,
            "avatarctl: --only \"moon/*\" matches no account\n\
             hint: the pattern is compared with server/account, as in 'chat/build-*'\n",
        );
    }
}

const NO_ENGINE: &str =
    "no variable of GitLab, Buildkite, CircleCI, Semaphore, Azure, Slurm, Kubernetes is set";

#[test]
fn every_setting_of_an_agent_of_a_ci_engine() {
    let mut world = World::new();
    world.declare(ALL);
    world.lenient();
    let whole = Ok(8);
    let refused = |why: &str| {
        Err(format!(
            "avatarctl: --shard auto: {why}\n\
             hint: run the job with the CI engine's parallelism, or give --shard I/N\n"
        ))
    };
    for (index, total, outcome) in [
        (None, Some("1"), whole.clone()),
        (Some("1"), Some("1"), whole),
        (Some("1"), Some("4"), Ok(2)),
        (Some("2"), Some("4"), Ok(2)),
        (Some("3"), Some("4"), Ok(2)),
        (Some("4"), Some("4"), Ok(2)),
        (Some("7"), Some("7"), Ok(1)),
        (Some("9"), Some("9"), Ok(0)),
        (None, Some("2"), refused("CI_NODE_INDEX is not set")),
        (Some("1"), None, refused("CI_NODE_TOTAL is not set")),
        (None, None, refused(NO_ENGINE)),
        (
            Some("0"),
            Some("4"),
            refused("CI_NODE_INDEX is 0, not from 1 to 4"),
        ),
        (
            Some("5"),
            Some("4"),
            refused("CI_NODE_INDEX is 5, not from 1 to 4"),
        ),
        (
            Some("-1"),
            Some("4"),
            refused("CI_NODE_INDEX is \"-1\", not a number"),
        ),
        (Some("1"), Some("0"), refused("CI_NODE_TOTAL is 0")),
        (Some(""), Some("4"), refused("CI_NODE_INDEX is empty")),
        (Some(""), Some("1"), refused("CI_NODE_INDEX is empty")),
        (None, Some(""), refused("CI_NODE_TOTAL is empty")),
    ] {
        for verb in ["check", "diff"] {
            let mut run = world.run(&format!("{verb} m.json --shard auto --json"));
            for (name, value) in [("CI_NODE_INDEX", index), ("CI_NODE_TOTAL", total)] {
                if let Some(value) = value {
                    run = run.env(name, value);
                }
            }
            let told = run.output();
            match &outcome {
                Ok(count) => {
                    let summary = told.json().pop().expect("a summary");
                    let counted = summary["unchanged"].as_u64().unwrap_or_default()
                        + summary["pending"].as_u64().unwrap_or_default();
                    assert_eq!(counted, *count, "{index:?} of {total:?}: {told:?}");
                }
                Err(complaint) => told.gives(64, &summary_line(0, 0, 1, 64), complaint),
            }
        }
    }
    // Without the option the variables mean nothing.
    let told = world
        .run("check m.json")
        .env("CI_NODE_INDEX", "1")
        .env("CI_NODE_TOTAL", "6")
        .output();
    told.gives(
        0,
        "8 accounts on 4 servers: no errors, no warnings\n",
        NOTHING,
    );
    for wrong in [
        "0/3", "4/3", "3", "a/b", "1/0", "1/3/5", "+1/3", "", "/", "auto/0", "auto/",
    ] {
        world.run(&format!("apply m.json --shard={wrong}")).gives(
            64,
            NOTHING,
            &format!("avatarctl: --shard takes I/N with I from 1 to N, auto, or auto/N, not \"{wrong}\"\n"),
        );
    }
}

/// The agents of every engine cut the accounts in three; what is half there is refused, as are two at once.
#[test]
fn the_agents_of_every_engine_share_the_accounts() {
    let mut world = World::new();
    world.declare(ALL);
    world.offline();
    let slurm = "SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_STEP=5";
    for (shard, index, indices, more) in [
        ("auto", "CI_NODE_INDEX", [1, 2, 3], "CI_NODE_TOTAL=3"),
        (
            "auto",
            "BUILDKITE_PARALLEL_JOB",
            [0, 1, 2],
            "BUILDKITE_PARALLEL_JOB_COUNT=3",
        ),
        (
            "auto",
            "CIRCLE_NODE_INDEX",
            [0, 1, 2],
            "CIRCLE_NODE_TOTAL=3",
        ),
        (
            "auto",
            "SEMAPHORE_JOB_INDEX",
            [1, 2, 3],
            "SEMAPHORE_JOB_COUNT=3",
        ),
        (
            "auto",
            "SYSTEM_JOBPOSITIONINPHASE",
            [1, 2, 3],
            "SYSTEM_TOTALJOBSINPHASE=3",
        ),
        ("auto", "SLURM_ARRAY_TASK_ID", [10, 15, 20], slurm),
        ("auto/3", "JOB_COMPLETION_INDEX", [0, 1, 2], ""),
        ("auto/3", "CI_NODE_INDEX", [1, 2, 3], "CI_NODE_TOTAL=3"),
    ] {
        let mut all = Vec::new();
        for number in indices {
            let mut run = world
                .run(&format!("check m.json -v --shard {shard}"))
                .env(index, number.to_string());
            for (name, value) in more.split(' ').filter_map(|pair| pair.split_once('=')) {
                run = run.env(name, value);
            }
            let told = run.output();
            assert_eq!(
                (told.status, told.stderr.as_str()),
                (0, NOTHING),
                "{index} {number}"
            );
            let (accounts, total) = told.stdout.trim_end().rsplit_once('\n').expect("a total");
            assert!(total.ends_with(": no errors, no warnings"), "{told:?}");
            all.extend(accounts.lines().map(str::to_owned));
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 8, "{index}: {all:?}");
    }
    for (shard, set, why, hint) in [
        (
            "auto",
            "JOB_COMPLETION_INDEX=0",
            "JOB_COMPLETION_INDEX is set, and Kubernetes tells no total",
            "give it: --shard auto/N",
        ),
        (
            "auto/4",
            "CI_NODE_INDEX=1 CI_NODE_TOTAL=3",
            "CI_NODE_TOTAL is 3, not 4",
            PARALLEL,
        ),
        (
            "auto",
            "CI_NODE_TOTAL=1 CIRCLE_NODE_INDEX=0",
            "CI_NODE_TOTAL of GitLab and CIRCLE_NODE_INDEX of CircleCI are both set",
            PARALLEL,
        ),
        (
            "auto",
            "BUILDKITE_PARALLEL_JOB=3 BUILDKITE_PARALLEL_JOB_COUNT=3",
            "BUILDKITE_PARALLEL_JOB is 3, not from 0 to 2",
            PARALLEL,
        ),
    ] {
        let mut run = world.run(&format!("apply m.json --shard {shard}"));
        for (name, value) in set.split(' ').filter_map(|pair| pair.split_once('=')) {
            run = run.env(name, value);
        }
        run.gives(
            64,
            NOTHING,
            &format!("avatarctl: --shard {shard}: {why}\nhint: {hint}\n"),
        );
    }
    // What cannot be read is not what is not there: this agent would do everything.
    world
        .run("apply m.json --shard auto")
        .env("CI_NODE_INDEX", OsString::from_vec(b"\xff".to_vec()))
        .env("CI_NODE_TOTAL", "1")
        .gives(
            64,
            NOTHING,
            &format!(
                "avatarctl: --shard auto: CI_NODE_INDEX is not valid UTF-8\nhint: {PARALLEL}\n"
            ),
        );
}

const PARALLEL: &str = "run the job with the CI engine's parallelism, or give --shard I/N";

#[test]
fn every_agent_cuts_the_same_way_whatever_the_order_of_its_manifest() {
    let mut world = World::with_bots(20);
    let account = |n: usize| {
        format!(
            "\n    {{\"server\": \"fleet\", \"employee_id\": {}, \"icon_id\": 1}}",
            5000 + n
        )
    };
    let forwards: Vec<String> = (0..20).map(account).collect();
    let backwards: Vec<String> = (0..20).rev().map(account).collect();
    let mut all = Vec::new();
    for part in 1..=3 {
        let mut cut = |accounts: &[String]| {
            world.declare(&accounts.join(","));
            let told = world.run(&format!("diff m.json --shard {part}/3")).output();
            let mut names: Vec<String> = told
                .stdout
                .lines()
                .filter_map(|line| line.strip_prefix("~ fleet "))
                .map(|line| line[..4].to_owned())
                .collect();
            names.sort();
            names
        };
        let (one, other) = (cut(&forwards), cut(&backwards));
        assert_eq!(one, other);
        assert!((6..=7).contains(&one.len()));
        all.extend(one);
    }
    all.sort();
    let wanted: Vec<String> = (5000..5020).map(|id| id.to_string()).collect();
    assert_eq!(all, wanted);
}

/// Sorted by server and account, whatever the order of the file, and dealt out one by one; a pattern chooses
/// before the cut.
#[test]
fn a_shard_is_cut_from_the_accounts_in_the_order_of_their_names() {
    let mut world = World::new();
    world.declare(
        r#"
    {"server": "jira", "user": "robot", "avatar_id": 24880},
    {"server": "fleet", "employee_id": 2134, "icon_id": 1},
    {"server": "jira", "user": "build-bot", "avatar_id": 24880},
    {"server": "fleet", "employee_id": 2132, "icon_id": 1},
    {"server": "chat", "user": "build-bot", "image": "faces/build.png"}"#,
    );
    world.lenient();
    for (options, wanted) in [
        (
            "--shard 1/3",
            "jira build-bot: avatar 24880\nchat build-bot: image build.png (PNG, 64 x 64, N bytes)\n",
        ),
        (
            "--shard 2/3",
            "jira robot: avatar 24880\nfleet 2132: icon 1\n",
        ),
        ("--shard=3/3", "fleet 2134: icon 1\n"),
        ("--shard 2/2 --only */2*", "fleet 2134: icon 1\n"),
        (
            "--only jira/* --shard 1/1",
            "jira robot: avatar 24880\njira build-bot: avatar 24880\n",
        ),
        ("--shard 9/9", NOTHING),
    ] {
        let accounts = wanted.lines().count();
        let servers: std::collections::BTreeSet<&str> = wanted
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        let plural = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            _ => format!("{count} {word}s"),
        };
        let length = pictures::png(64, 64, 1).len();
        let wanted = format!(
            "{}{} on {}: no errors, no warnings\n",
            wanted.replace("N bytes", &format!("{length} bytes")),
            plural(accounts, "account"),
            plural(servers.len(), "server"),
        );
        world
            .run(&format!("check m.json -v {options}"))
            .gives(0, &wanted, NOTHING);
    }
}

/// Every agent would do everything: so each of them does nothing.
#[test]
fn an_agent_that_is_half_set_up_does_nothing() {
    let mut world = World::new();
    world.declare(ALL);
    world.offline();
    for (index, total, why) in [
        (None, None, NO_ENGINE),
        (Some("1"), None, "CI_NODE_TOTAL is not set"),
        (None, Some("2"), "CI_NODE_INDEX is not set"),
        (Some("3"), Some("2"), "CI_NODE_INDEX is 3, not from 1 to 2"),
    ] {
        let mut run = world.run("apply m.json --shard auto --junit j.xml --html h.html");
        for (name, value) in [("CI_NODE_INDEX", index), ("CI_NODE_TOTAL", total)] {
            if let Some(value) = value {
                run = run.env(name, value);
            }
        }
        run.gives(
            64,
            NOTHING,
            &format!(
                "avatarctl: --shard auto: {why}\n\
                 hint: run the job with the CI engine's parallelism, or give --shard I/N\n"
            ),
        );
        for name in ["m.json.state", "j.xml", "h.html"] {
            assert!(!world.scratch.join(name).exists(), "{name}");
        }
    }
    // What GitLab says of a job without `parallel:`.
    world.lenient();
    let told = world
        .run("apply m.json --shard auto -q")
        .env("CI_NODE_TOTAL", "1")
        .output();
    assert_eq!(
        (told.status, told.stdout.lines().count()),
        (0, 9),
        "{told:?}"
    );
    let told = world
        .run("apply m.json --shard auto")
        .env("CI_NODE_INDEX", "2")
        .env("CI_NODE_TOTAL", "8")
        .output();
    told.gives(
        0,
        "chat rbAXPnMktTFbNpwtJ: url http://pictures.example/a.jpg, unchanged\n\
         0 changed, 1 unchanged\n",
        NOTHING,
    );
}

#[test]
fn make_runs_three_shards_side_by_side() {
    let mut world = World::with_bots(10);
    let accounts: Vec<String> = (0..10)
        .flat_map(|n| {
            [
                format!("\n    {{\"server\": \"jira\", \"user\": \"bot-{n}\", \"avatar_id\": 24880}}"),
                format!("\n    {{\"server\": \"chat\", \"user\": \"bot-{n}\", \"image\": \"faces/build.png\"}}"),
                format!("\n    {{\"server\": \"fleet\", \"employee_id\": {}, \"image\": \"faces/driver.jpg\"}}", 5000 + n),
            ]
        })
        .collect();
    world.declare(&accounts.join(","));
    world.scratch.write(
        "Makefile",
        "avatars: shard-1 shard-2 shard-3\n\
         shard-%:\n\
         \t$(AVATARCTL) apply m.json --shard $*/3 --state $@.state -q\n",
    );
    let make = || {
        let mut make = Command::new("make");
        make.args(["-j3", "-s", "-C"]).arg(world.scratch.path());
        make.env("AVATARCTL", program());
        make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
        make.envs(world.settings());
        let done = make.output().expect("make starts");
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!((done.status.code(), errors.as_str()), (Some(0), NOTHING));
        String::from_utf8_lossy(&done.stdout).lines().count()
    };
    assert_eq!(
        make(),
        33,
        "a line an account, and the totals of each shard"
    );
    let writes = world.writes().len();
    assert_eq!(writes, 40, "Navixy takes two for a picture");
    let mut lines = 0;
    for part in 1..=3 {
        lines += batch::timeless(&world.scratch.read(&format!("shard-{part}.state")))
            .lines()
            .count();
    }
    assert_eq!(lines, 30);
    assert_eq!(make(), 0, "quiet where nothing changed");
    assert_eq!(world.writes().len(), writes);
}
