//! A change that is tried on one account: it wears afterwards what it wore, or the command that repairs it was printed,
//! whatever happens on the way.

use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::doctor::timeless;
use crate::support::model::writes;
use crate::support::run::in_parallel;
use crate::support::server::lock;
use crate::support::{
    Before, Fault, Jira, Matrix, Model, Navixy, Output, Reply, RocketChat, Run, Running, Scratch,
    pictures,
};

/// A system, the account that is changed there, and what it wears.
struct Trip<M: 'static> {
    system: &'static str,
    target: [&'static str; 2],
    make: fn() -> M,
    worn: fn(&M) -> String,
}

impl<M: Model> Trip<M> {
    fn run<S: Model>(&self, scratch: &Scratch, server: &Running<S>) -> Run {
        let words = [self.system, "doctor", "--round-trip"].into_iter();
        Run::new(words.chain(self.target))
            .with(server)
            .dir(scratch.path())
            .mask(scratch.path().to_str().expect("a path of letters"), "DIR")
    }

    /// The lines of the round trip itself, and everything on standard error.
    fn tells(&self, server: &mut Running<M>) -> (i32, String, String) {
        server.expect_anything();
        let scratch = Scratch::new();
        let Output {
            status,
            stdout,
            stderr,
        } = self.run(&scratch, server).output();
        let from = stdout.find("keep ").map_or(0, |at| at - "ok    ".len());
        assert_eq!(scratch.names(), [""; 0], "{stdout}{stderr}");
        (status, timeless(&stdout[from..]), stderr)
    }
}

/// Pictures differ in their bytes.
fn bytes(picture: Option<&[u8]>) -> String {
    format!("{:?}", picture.map(pictures::size))
        + &picture.map_or(String::new(), |bytes| format!(" of {} bytes", bytes.len()))
}

const JIRA: Trip<Jira> = Trip {
    system: "jira",
    target: ["--user", "build-bot"],
    make: || {
        let mut jira = Jira::default();
        let id = jira.give("build-bot", pictures::png(80, 80, 1));
        jira.user_mut("build-bot").selected = id;
        jira
    },
    worn: |jira| jira.user("build-bot").selected.to_string(),
};

const CHAT: Trip<RocketChat> = Trip {
    system: "rocketchat",
    target: ["--user", "build-bot"],
    make: || {
        let mut chat = RocketChat::default();
        chat.give("build-bot", pictures::png(80, 80, 1));
        chat
    },
    worn: |chat| {
        let mut users = chat.users.iter();
        let user = users.find(|user| user.username == "build-bot");
        let picture = user.and_then(|user| user.picture.as_ref());
        bytes(picture.map(|picture| picture.bytes.as_slice()))
    },
};

const LETTER: Trip<RocketChat> = Trip {
    make: RocketChat::default,
    ..CHAT
};

const FLEET: Trip<Navixy> = Trip {
    system: "navixy",
    target: ["--employee-id", "2133"],
    make: || {
        let mut fleet = Navixy::default();
        fleet.give(2133, pictures::png(80, 80, 1));
        fleet
    },
    worn: |fleet| {
        let employee = fleet.employee(2133);
        let file = employee.avatar_file_name.as_ref();
        let picture = file.and_then(|file| fleet.files.get(file));
        let picture = bytes(picture.map(|picture| picture.bytes.as_slice()));
        format!("{:?} {picture}", employee.icon_id)
    },
};

const BARE: Trip<Navixy> = Trip {
    make: Navixy::default,
    ..FLEET
};

const ICON: Trip<Navixy> = Trip {
    target: ["--employee-id", "2132"],
    make: Navixy::default,
    worn: |fleet| format!("{:?}", fleet.employee(2132).icon_id),
    ..FLEET
};

const HOME: Trip<Matrix> = Trip {
    system: "matrix",
    target: ["--user", "build-bot"],
    make: || {
        let mut home = Matrix::default();
        home.give("build-bot", pictures::png(80, 80, 1));
        home
    },
    worn: |home| {
        let mut users = home.users.iter();
        let user = users.find(|user| user.localpart == "build-bot");
        format!("{:?}", user.and_then(|user| user.avatar.as_deref()))
    },
};

/// Goes there and back; what is printed from the first step on.
#[track_caller]
fn there_and_back<M: Model>(trip: &Trip<M>, steps: &str, errors: &str) {
    let mut server = (trip.make)().start();
    let before = (trip.worn)(&server.model());
    let (status, found, complaints) = trip.tells(&mut server);
    assert_eq!(
        (status, found.as_str(), complaints.as_str()),
        (0, steps, errors)
    );
    assert_eq!((trip.worn)(&server.model()), before);
}

#[test]
fn jira_gets_a_picture_and_loses_it_again() {
    there_and_back(
        &JIRA,
        "ok    keep     avatar 24901 can be put back\n\
         ok    test     put on and proven in N ms: avatar 24902\n\
         ok    restore  put back and proven in N ms: avatar 24901\n\
         ok    tidy     avatar 24902 deleted in N ms\n\
         ok    answers  avatars have isSelected, and texts for ids; a selection is answered by 204\n",
        "avatarctl: jira build-bot: the way back: avatarctl jira set --user build-bot --avatar-id 24901 --url URL --force\n",
    );
}

#[test]
fn rocketchat_gets_its_picture_back_encoded_anew() {
    there_and_back(
        &CHAT,
        "ok    keep     the picture is kept in DIR/avatarctl-rocketchat-build-bot-before.png, 19348 bytes\n\
         ok    test     put on and proven in N ms: etag rkw…\n\
         ok    restore  put back and proven in N ms: etag Tke…\n",
        "avatarctl: rocketchat build-bot: warning: the server encodes every picture anew: what is put back looks the same, and is another file with another etag\n\
         avatarctl: rocketchat build-bot: the way back: avatarctl rocketchat set --user build-bot --image DIR/avatarctl-rocketchat-build-bot-before.png --url URL --force\n",
    );
    there_and_back(
        &LETTER,
        "ok    keep     it wears nothing of its own, which Rocket.Chat can give back\n\
         ok    test     put on and proven in N ms: etag 83o…\n\
         ok    restore  put back and proven in N ms: no avatar\n",
        "avatarctl: rocketchat build-bot: the way back: avatarctl rocketchat reset --user build-bot --url URL --force\n",
    );
}

#[test]
fn navixy_gets_an_icon_unless_it_has_a_picture_already() {
    let warning = "warning: an icon is tried and no picture: one that was uploaded could not be taken away again";
    let back = "the way back: avatarctl navixy set";
    there_and_back(
        &BARE,
        "ok    keep     it wears nothing of its own, which Navixy can give back\n\
         ok    test     put on and proven in N ms: icon 14\n\
         ok    restore  put back and proven in N ms: no avatar\n\
         ok    answers  code 3 comes with status 400\n",
        &format!(
            "avatarctl: navixy 2133: {warning}\navatarctl: navixy 2133: {back} --employee-id 2133 --icon-id null --url URL --force\n"
        ),
    );
    there_and_back(
        &ICON,
        "ok    keep     icon 12 can be put back\n\
         ok    test     put on and proven in N ms: icon 14\n\
         ok    restore  put back and proven in N ms: icon 12\n\
         ok    answers  code 3 comes with status 400\n",
        &format!(
            "avatarctl: navixy 2132: {warning}\navatarctl: navixy 2132: {back} --employee-id 2132 --icon-id 12 --url URL --force\n"
        ),
    );
    there_and_back(
        &FLEET,
        "ok    keep     the picture is kept in DIR/avatarctl-navixy-2133-before.png, 19348 bytes\n\
         ok    test     put on and proven in N ms: file c6ef372fe94f82a.png\n\
         ok    restore  put back and proven in N ms: file aa66d2c7ddf743f.png\n\
         ok    answers  code 3 comes with status 400\n",
        &format!(
            "avatarctl: navixy 2133: warning: what is put back gets another file name; the server keeps the files that were replaced\n\
             avatarctl: navixy 2133: {back} --employee-id 2133 --image DIR/avatarctl-navixy-2133-before.png --url URL --force\n"
        ),
    );
}

#[test]
fn matrix_gets_its_address_back() {
    let mut server = (HOME.make)().start();
    let before = (HOME.worn)(&server.model());
    let (status, found, errors) = HOME.tells(&mut server);
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(status, 0, "{found}{errors}");
    assert!(
        lines[0].starts_with("ok    keep     avatar mxc://test.local/"),
        "{found}"
    );
    assert!(
        lines[1].starts_with("ok    test     put on and proven in N ms: avatar mxc://"),
        "{found}"
    );
    assert!(
        lines[2].starts_with("ok    restore  put back and proven in N ms: avatar mxc://"),
        "{found}"
    );
    assert_eq!((HOME.worn)(&server.model()), before);
}

/// Jira as it comes ends the session of a token at once, and an upload needs its session.
#[test]
fn a_token_that_cannot_upload_selects_another_avatar() {
    let told = |survive: bool| {
        let mut jira = (JIRA.make)();
        jira.token_sessions_survive = survive;
        let mut jira = jira.start();
        jira.expect_anything();
        let scratch = Scratch::new();
        let output = JIRA
            .run(&scratch, &jira)
            .without("JIRA_USER")
            .without("JIRA_PASSWORD")
            .env("JIRA_TOKEN", "ROBOTTOKEN")
            .output();
        assert_eq!(jira.model().user("build-bot").selected, 24901, "{output:?}");
        assert_eq!(jira.model().custom.len(), 1, "{output:?}");
        let stdout = timeless(&output.stdout);
        let line = stdout.lines().find(|line| line.contains(" test "));
        (output.status, line.unwrap_or_default().to_owned())
    };
    assert_eq!(
        told(true),
        (
            0,
            "ok    test     put on and proven in N ms: avatar 24902".to_owned()
        )
    );
    let (status, line) = told(false);
    assert_eq!(status, 0);
    assert!(
        line.starts_with("warn  test     no picture can be uploaded ("),
        "{line}"
    );
    assert!(line.contains("so another is selected: put on and proven in N ms: avatar 10122; hint: Jira ends the session"), "{line}");
}

#[test]
fn without_a_name_or_without_rights_nothing_is_changed() {
    let mut jira = Jira::start();
    Run::new(["jira", "doctor", "--round-trip"])
        .with(&jira)
        .gives(
            64,
            "",
            "avatarctl: jira doctor --round-trip changes an account, which --user must name\n",
        );
    jira.expect_anything();
    assert_eq!(jira.requests().len(), 0);
    let run = |user: &str| {
        Run::new(["jira", "doctor", "--round-trip", "--user", user])
            .with(&jira)
            .env("JIRA_USER", "build-bot")
            .env("JIRA_PASSWORD", "build:secret")
            .output()
    };
    let refused = run("deploy-bot");
    assert_eq!(refused.status, 77);
    assert!(
        refused
            .stdout
            .contains("FAIL  rights   may not change others; hint: "),
        "{refused:?}"
    );
    assert!(
        refused
            .stdout
            .contains("warn  keep     not made, because rights failed\n"),
        "{refused:?}"
    );
    assert_eq!(writes(&jira), [""; 0]);
    // Itself it may change.
    assert_eq!(run("Build-Bot").status, 0);
}

#[test]
fn what_could_not_be_put_back_is_not_covered() {
    let refused = |server: &mut Running<RocketChat>, reply: Reply| {
        server.fault(Fault::on("GET /avatar/build-bot").always().instead(reply));
        let (status, found, _) = CHAT.tells(server);
        assert_eq!(writes(server), [""; 0]);
        (status, found)
    };
    let mut server = (CHAT.make)().start();
    let (status, found) = refused(&mut server, Reply::text(403, "text/plain", "Forbidden"));
    assert_eq!(status, 77, "{found}");
    assert!(
        found.starts_with(
            "FAIL  keep     keep the picture: read the picture of \"build-bot\": not permitted"
        ),
        "{found}"
    );
    assert!(found.contains("warn  test     not made, because keep failed\nwarn  restore  not made, because keep failed\n"), "{found}");
    // An icon that nobody could have chosen, and that cannot be assigned.
    let mut fleet = Navixy::default();
    fleet.employee_mut(2133).icon_id = Some(-1);
    let mut fleet = fleet.start();
    let (status, found, _) = FLEET.tells(&mut fleet);
    assert_eq!(status, 65, "{found}");
    assert!(found.starts_with("FAIL  keep     what it wears could not be put back: icon -1, which cannot be assigned; hint: "), "{found}");
    let changes = fleet.calls();
    assert!(
        !changes.iter().any(|call| call.contains("avatar")),
        "{changes:?}"
    );
}

#[test]
fn a_refusal_in_the_middle_leaves_what_was_worn() {
    for status in [401, 403] {
        let mut jira = (JIRA.make)().start();
        let refusal = Reply::json(status, r#"{"errorMessages":[],"errors":{}}"#)
            .header("X-Seraph-LoginReason", "OK");
        jira.fault(Fault::on("PUT /user/avatar").always().instead(refusal));
        let (exit, found, _) = JIRA.tells(&mut jira);
        assert_eq!(exit, 77, "{found}");
        assert!(
            found.contains(&format!("who may not is answered by {status}")),
            "{found}"
        );
        assert!(
            found.contains("ok    restore  nothing to put back, it still wears avatar 24901\n"),
            "{found}"
        );
        assert_eq!((JIRA.worn)(&jira.model()), "24901");
        assert_eq!(jira.model().custom.len(), 1);
    }
}

/// Rocket.Chat judges a picture when the old one is gone: then it is put back, whatever seems to be worn.
#[test]
fn a_refusal_that_may_cost_the_picture_is_followed_by_it() {
    let told = |status: u16, body: &str, times: usize| {
        let mut server = (CHAT.make)().start();
        let before = (CHAT.worn)(&server.model());
        let set = Fault::on("POST /users.setAvatar").times(times);
        server.fault(set.instead(Reply::json(status, body)));
        server.expect_anything();
        let scratch = Scratch::new();
        let output = CHAT.run(&scratch, &server).output();
        assert_eq!((CHAT.worn)(&server.model()), before);
        let stdout = timeless(&output.stdout);
        let line = stdout.lines().find(|line| line.contains("  restore "));
        (
            output.status,
            line.unwrap_or_default().to_owned(),
            scratch.names().len(),
        )
    };
    let refused = r#"{"success":false,"error":"Invalid file type [error-invalid-file-type]","errorType":"error-invalid-file-type"}"#;
    let (status, line, files) = told(400, refused, 1);
    assert!(
        line.starts_with("ok    restore  put back and proven in N ms: etag "),
        "{line}"
    );
    assert_eq!((status, files), (65, 0));
    let (status, line, files) = told(403, r#"{"success":false,"error":"unauthorized"}"#, 9);
    assert!(
        line.starts_with("ok    restore  nothing to put back, it still wears etag "),
        "{line}"
    );
    assert_eq!((status, files), (77, 0));
}

/// The server takes the test and then nothing more.
#[test]
fn where_the_way_back_fails_its_command_is_said_again_and_repairs() {
    let mut server = (CHAT.make)().start();
    server.expect_anything();
    let before = (CHAT.worn)(&server.model());
    server.fault(
        Fault::on("POST /users.setAvatar")
            .from(2)
            .always()
            .instead(Reply::empty(500)),
    );
    let scratch = Scratch::new();
    let output = CHAT.run(&scratch, &server).once().output();
    assert_eq!(output.status, 75, "{output:?}");
    let again =
        "avatarctl: rocketchat build-bot: it may not wear what it wore; put that back with: ";
    let lines: Vec<&str> = output.stderr.lines().collect();
    let command = lines.iter().find_map(|line| line.strip_prefix(again));
    assert_eq!(command, way_back(&output), "{output:?}");
    assert_ne!((CHAT.worn)(&server.model()), before);
    server.heal();
    repair(&output, &scratch, &server);
    assert_eq!((CHAT.worn)(&server.model()), before);
}

/// The command that was printed before the first change.
fn way_back(output: &Output) -> Option<&str> {
    let mut lines = output.stderr.lines();
    lines.find_map(|line| Some(line.split_once(": the way back: ")?.1))
}

/// Runs the command that was printed.
fn repair<M: Model>(output: &Output, scratch: &Scratch, server: &Running<M>) {
    let command = way_back(output).expect("a command");
    let folder = scratch.path().to_str().expect("a path of letters");
    let command = command.replace("DIR", folder).replace("URL", &server.url());
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let repaired = Run::new(words).with(server).dir(scratch.path()).output();
    assert_eq!(repaired.status, 0, "{command}: {repaired:?}");
}

/// What happens to a run at one of its requests.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Blow {
    Terminated,
    Killed,
    AnswerLost,
}

/// Every request of a trip, and what may happen to the run there: the account wears what it wore, or the command that
/// was printed repairs it.
fn survives<M: Model>(trip: &Trip<M>) {
    let mut server = (trip.make)().start();
    server.expect_anything();
    let before = (trip.worn)(&server.model());
    let scratch = Scratch::new();
    assert_eq!(trip.run(&scratch, &server).output().status, 0);
    let requests = server.requests().len();
    let blows = [Blow::Terminated, Blow::Killed, Blow::AnswerLost];
    let cells: Vec<(usize, Blow)> = (1..=requests)
        .flat_map(|nth| blows.map(|blow| (nth, blow)))
        .collect();
    let failures = in_parallel(&cells, |(nth, blow)| {
        let scratch = Scratch::new();
        let (sender, receiver) = channel::<u32>();
        let blow = *blow;
        let mut receiver = Some(receiver);
        let mut server = Before::request(*nth, (trip.make)(), move || {
            let signal = match blow {
                Blow::Terminated => "-TERM",
                Blow::Killed => "-KILL",
                Blow::AnswerLost => return,
            };
            if let Some(receiver) = receiver.take() {
                let process = receiver.recv().expect("the test tells the process");
                let sent = Command::new("kill")
                    .args([signal, &process.to_string()])
                    .status();
                assert!(sent.expect("kill starts").success());
            }
        });
        server.expect_anything();
        if blow == Blow::AnswerLost {
            server.fault(Fault::any().from(*nth).lost());
        }
        let process = trip.run(&scratch, &server).start();
        let _ = sender.send(process.id());
        let output = process.wait();
        let worn = |server: &Running<Before<M>>| (trip.worn)(lock(&server.shared()).model());
        let mut bad = Vec::new();
        let mut check = |good: bool, what: &str| {
            if !good {
                bad.push(format!(
                    "{} {nth} {blow:?}: {what}\n{output:?}",
                    trip.system
                ));
            }
        };
        let (now, printed) = (worn(&server), way_back(&output).is_some());
        match blow {
            Blow::Killed => check(output.status == 137, "it was killed"),
            Blow::Terminated => check(output.status == 143, "it ended by itself"),
            Blow::AnswerLost => {}
        }
        if blow != Blow::Killed {
            check(now == before, "it wears what it wore");
            check(scratch.names().is_empty(), "no file is left");
        } else if now != before {
            check(printed, "the way back was printed");
            if printed {
                repair(&output, &scratch, &server);
                check(worn(&server) == before, "the command repairs it");
            }
        }
        bad
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A signal ends the wait for an answer, and not the way back.
#[test]
fn a_signal_while_the_test_is_sent_goes_the_way_back_at_once() {
    let mut server = (CHAT.make)().start();
    server.expect_anything();
    let before = (CHAT.worn)(&server.model());
    let set = Fault::on("POST /users.setAvatar");
    server.fault(set.carried_out_then_hang());
    let scratch = Scratch::new();
    let process = CHAT.run(&scratch, &server).start();
    let sets = |server: &Running<RocketChat>| writes(server).len();
    while sets(&server) == 0 {
        server.wait_for(server.requests().len() + 1);
    }
    process.signal("TERM");
    let output = process.wait();
    assert_eq!(output.status, 143, "{output:?}");
    assert!(
        output
            .stdout
            .contains("FAIL  test     upload \"test.png\": interrupted\n"),
        "{output:?}"
    );
    assert!(
        output
            .stdout
            .contains("ok    restore  put back and proven in "),
        "{output:?}"
    );
    assert_eq!((CHAT.worn)(&server.model()), before);
    assert_eq!(scratch.names(), [""; 0]);
}

/// What the server still works on would come after the way back, and undo it.
#[test]
fn a_signal_leaves_a_write_the_time_to_be_answered() {
    let mut server = (JIRA.make)().start();
    server.expect_anything();
    let before = (JIRA.worn)(&server.model());
    let answer = Reply::drip("HTTP/1.1 204 No Content\r\n\r\n", Duration::from_millis(20));
    server.fault(Fault::on("PUT /user/avatar").afterwards(answer));
    let process = JIRA.run(&Scratch::new(), &server).arg("-v").start();
    while !server.calls().iter().any(|call| call.starts_with("PUT ")) {
        server.wait_for(server.requests().len() + 1);
    }
    process.signal("TERM");
    let output = process.wait();
    assert_eq!(output.status, 143, "{output:?}");
    let puts = output.stderr.lines().filter(|line| {
        line.starts_with("PUT /jira/rest/api/latest/user/avatar?username=build-bot: 204, ")
    });
    assert_eq!(puts.count(), 2, "{output:?}");
    assert_eq!((JIRA.worn)(&server.model()), before);
}

/// The time of the whole command may be over; the way back has its own.
#[test]
fn out_of_time_the_way_back_is_gone_all_the_same() {
    let mut server = (CHAT.make)().start();
    server.expect_anything();
    let before = (CHAT.worn)(&server.model());
    server.fault(Fault::on("POST /users.setAvatar").carried_out_then_hang());
    let scratch = Scratch::new();
    let run = CHAT.run(&scratch, &server).arg("--max-time").arg("3");
    let output = run.output();
    assert_eq!(output.status, 75, "{output:?}");
    assert!(
        output
            .stdout
            .contains("the time of the whole command is used up"),
        "{output:?}"
    );
    assert!(
        output
            .stdout
            .contains("ok    restore  put back and proven in "),
        "{output:?}"
    );
    assert_eq!((CHAT.worn)(&server.model()), before);
}

#[test]
fn a_selection_may_be_answered_by_the_avatar() {
    let mut jira = (JIRA.make)();
    jira.put_answers_bean = true;
    let (status, found, _) = JIRA.tells(&mut jira.start());
    assert_eq!(status, 0, "{found}");
    assert!(
        found.ends_with("; a selection is answered by 200 and the avatar\n"),
        "{found}"
    );
}

#[test]
fn jira_survives_every_blow() {
    survives(&JIRA);
}

#[test]
fn rocketchat_survives_every_blow() {
    survives(&CHAT);
}

#[test]
fn rocketchat_without_a_picture_survives_every_blow() {
    survives(&LETTER);
}

#[test]
fn navixy_survives_every_blow() {
    survives(&FLEET);
    survives(&BARE);
    survives(&ICON);
}

#[test]
fn matrix_survives_every_blow() {
    survives(&HOME);
}
