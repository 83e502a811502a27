//! What doctor finds: its whole output on each of the models, healthy and with each of the ways in which real servers
//! may differ, and what it leaves untried when something is broken.

mod har;
mod network;
mod round_trip;

use crate::support::encoding::{DAY, http_date, now};
use crate::support::systems::Served;
use crate::support::{
    Fault, Jira, Matrix, Model, Navixy, Output, Reply, RocketChat, Run, pictures,
};

/// A server and how it differs from the usual one, with the options of a run.
pub struct Case {
    name: &'static str,
    server: Box<dyn Served>,
    options: &'static str,
    variables: Vec<(&'static str, &'static str)>,
}

impl Case {
    fn new<M: Model>(name: &'static str, options: &'static str, model: M) -> Case {
        Case {
            name,
            server: Box::new(model.start()),
            options,
            variables: Vec::new(),
        }
    }

    fn fault(self, fault: Fault) -> Case {
        self.server.fault(fault);
        self
    }

    fn env(mut self, name: &'static str, value: &'static str) -> Case {
        self.variables.push((name, value));
        self
    }

    fn run(&mut self, system: &str) -> Output {
        self.server.server_mut().expect_anything();
        let words = [system, "doctor"].into_iter();
        let words = words.chain(self.options.split(' ').filter(|word| !word.is_empty()));
        let mut run = self.server.let_in(Run::new(words)).once();
        for (name, value) in &self.variables {
            run = run.env(name, *value);
        }
        run.output()
    }
}

/// Times differ from run to run: those in milliseconds, and those that are made of them.
pub fn timeless(text: &str) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for at in 1..words.len() {
        let unit = words[at].split('\n').next().unwrap_or_default();
        let unit = unit.trim_end_matches([',', ';', ':', ')', '\n']);
        let unit = unit.to_owned();
        let about = at > 1 && words[at - 2] == "about";
        if (unit == "ms" || about) && words[at - 1].starts_with(|c: char| c.is_ascii_digit()) {
            words[at - 1] = "N".to_owned();
            if about {
                words[at] = words[at].replacen(&unit, "TIME", 1);
            }
        }
    }
    words.join(" ")
}

/// Everything that is printed, case by case, as in the golden file.
#[track_caller]
fn prints(system: &str, cases: Vec<Case>, golden: &str) {
    let mut found = String::new();
    for mut case in cases {
        let output = case.run(system);
        found.push_str(&format!("== {}: {}\n", case.name, output.status));
        found.push_str(&timeless(&output.stdout));
        for line in output.stderr.lines() {
            found.push_str(&format!("stderr: {}\n", timeless(line)));
        }
    }
    assert!(
        found == golden,
        "doctor prints something else\n--- expected\n{golden}\n--- found\n{found}--- end"
    );
}

const SQUARE: &str = "image/svg+xml";

#[test]
fn jira() {
    let with = |change: fn(&mut Jira)| {
        let mut jira = Jira::default();
        change(&mut jira);
        jira
    };
    let limits = |headers: &[(&'static str, &str)]| {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let mut jira = Jira::default();
        jira.headers = headers.collect();
        jira
    };
    let custom = |change: fn(&mut Jira)| {
        let mut jira = Jira::default();
        let id = jira.give("build-bot", pictures::png(64, 64, 1));
        jira.user_mut("build-bot").selected = id;
        change(&mut jira);
        jira
    };
    // Counted from today, and half a day away from the next number: what is printed is the same on every day.
    let years_ago = http_date(now().as_secs() - 11_710 * DAY - DAY / 2);
    let other = "--user build-bot";
    let cases = vec![
        Case::new("healthy", "", Jira::default()),
        Case::new("with a target", other, custom(|_| {})),
        Case::new("selected", other, with(|jira| jira.only_selected = true)),
        Case::new("both flags", other, with(|jira| jira.newer_beans = true)),
        Case::new("numbers", other, with(|jira| jira.numeric_ids = true)),
        Case::new("Gravatar", other, with(|jira| jira.gravatar = true)),
        Case::new("old", "", with(|jira| jira.version = "4.4.1".into())),
        Case::new("new", "", with(|jira| jira.version = "12.0.0-rc1".into())),
        Case::new(
            "unnumbered",
            "",
            with(|jira| jira.version = "develop".into()),
        ),
        Case::new(
            "Cloud",
            "",
            with(|jira| jira.deployment = Some("Cloud".into())),
        ),
        Case::new("no Basic", "", with(|jira| jira.basic_disabled = true)),
        Case::new("no rights", other, Jira::default())
            .env("JIRA_USER", "build-bot")
            .env("JIRA_PASSWORD", "build:secret"),
        Case::new(
            "limited",
            "",
            limits(&[
                ("X-RateLimit-Limit", "30"),
                ("X-RateLimit-FillRate", "10"),
                ("X-RateLimit-Interval-Seconds", "5"),
                ("Date", &years_ago),
            ]),
        ),
        Case::new(
            "limited to nothing that could be",
            "",
            limits(&[
                ("X-RateLimit-Limit", "18446744073709551615"),
                ("X-RateLimit-Interval-Seconds", "18446744073709551615"),
            ]),
        ),
        Case::new("nobody of that name", "--user nobody", Jira::default()),
        Case::new("pictures lead to a login", other, custom(|_| {})).fault(
            Fault::on("GET /secure/useravatar")
                .always()
                .instead(Reply::empty(302).header("Location", "/login.jsp")),
        ),
        Case::new("busy", "", Jira::default())
            .fault(Fault::any().always().instead(Reply::empty(503))),
        Case::new("a login page", "", Jira::default())
            .fault(Fault::any().always().instead(Reply::html(200, "Log in"))),
        Case::new("silent", "", Jira::default()).fault(Fault::any().always().silent()),
        Case::new("quiet", "-q", Jira::default()),
    ];
    prints("jira", cases, include_str!("../golden/doctor/jira.txt"));
}

#[test]
fn rocketchat() {
    let with = |change: fn(&mut RocketChat)| {
        let mut chat = RocketChat::default();
        chat.clock_skew = Some(0);
        chat.bypass = false;
        change(&mut chat);
        chat
    };
    let other = "--user build-bot";
    let worn = |chat: &mut RocketChat| {
        chat.give("build-bot", pictures::png(64, 64, 1));
    };
    let letter = Reply::text(200, SQUARE, "<svg/>");
    let cases = vec![
        Case::new("healthy", "", with(|_| {})),
        Case::new("with a target", other, with(worn)),
        Case::new("3.11", "", with(|chat| chat.version = "3.11.4".into())),
        Case::new("6.13", "", with(|chat| chat.version = "6.13.1".into())),
        Case::new("8.6", "", with(|chat| chat.version = "8.6.1".into())),
        Case::new("2.4", "", with(|chat| chat.version = "2.4.9".into())),
        Case::new("9.0", "", with(|chat| chat.version = "9.0.0".into())),
        Case::new("no limiter", "", with(|chat| chat.limit = None)),
        Case::new("not limited", "", with(|chat| chat.bypass = true)),
        Case::new("ahead", "", with(|chat| chat.clock_skew = Some(300))),
        Case::new("behind", "", with(|chat| chat.clock_skew = Some(-10_000))),
        Case::new("HEAD refused", other, with(worn)).fault(
            Fault::on("HEAD /avatar/build-bot")
                .always()
                .instead(Reply::empty(405)),
        ),
        Case::new("avatars blocked", other, with(worn))
            .fault(Fault::on("* /avatar/build-bot").always().instead(letter)),
        Case::new("avatars forbidden", other, with(worn)).fault(
            Fault::on("* /avatar/build-bot")
                .always()
                .instead(Reply::text(403, "text/plain", "Forbidden")),
        ),
        Case::new(
            "a provider's picture",
            other,
            with(|chat| {
                chat.provide("build-bot", "image/png", pictures::png(64, 64, 1));
            }),
        ),
        Case::new("wrong token", "", with(|_| {})).env("ROCKETCHAT_AUTH_TOKEN", "wrong"),
    ];
    prints(
        "rocketchat",
        cases,
        include_str!("../golden/doctor/rocketchat.txt"),
    );
}

#[test]
fn navixy() {
    let with = |change: fn(&mut Navixy)| {
        let mut fleet = Navixy::default();
        change(&mut fleet);
        fleet
    };
    let worn = |fleet: &mut Navixy| {
        fleet.give(2133, pictures::png(64, 64, 1));
    };
    let status = |status: u16| {
        let mut fleet = Navixy::default();
        fleet.statuses = (1..300).map(|code| (code, status)).collect();
        fleet
    };
    // The owner loses every right but one.
    let sub = with(|fleet| {
        for access in fleet.hashes.values_mut() {
            access.rights = Some(vec!["tag_update".into()]);
        }
    });
    let cases = vec![
        Case::new("healthy", "", Navixy::default()),
        Case::new("with an icon", "--employee-id 2132", Navixy::default()),
        Case::new("with a picture", "--employee-id 2133", with(worn)),
        Case::new("status 402", "", status(402)),
        Case::new("status 200", "", status(200)),
        Case::new("static path", "--employee-id 2133", with(worn)).fault(
            Fault::on("GET .png")
                .always()
                .instead(Reply::html(404, "Not Found")),
        ),
        Case::new("no rights", "", sub),
        Case::new("not the base", "", Navixy::default())
            .fault(Fault::any().always().instead(Reply::html(404, "nginx"))),
    ];
    prints("navixy", cases, include_str!("../golden/doctor/navixy.txt"));
}

#[test]
fn matrix() {
    let with = |change: fn(&mut Matrix)| {
        let mut home = Matrix::default();
        change(&mut home);
        home
    };
    let other = "--user build-bot";
    let worn = |home: &mut Matrix| {
        home.give("build-bot", pictures::png(64, 64, 1));
    };
    let cases = vec![
        Case::new("healthy", "", Matrix::default()),
        Case::new("with a target", other, with(worn)),
        Case::new("not Synapse", other, with(|home| home.synapse = false)),
        Case::new("no federation", "", with(|home| home.federation = false)),
        Case::new("wrong token", "", Matrix::default()).env("MATRIX_TOKEN", "wrong"),
    ];
    prints("matrix", cases, include_str!("../golden/doctor/matrix.txt"));
}

#[test]
fn times_are_taken_out() {
    assert_eq!(
        timeless("connected in 12 ms\nok take about 3.0 s; at 5 ms"),
        "connected in N ms\nok take about N TIME; at N ms"
    );
}
