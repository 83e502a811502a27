//! The recipes for CI engines and schedulers: the README shows them as they are here, and what they have a shell or a
//! scheduler run sets the avatars of the models. Whether an engine understands the rest is seen by `tests/recipes.sh`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::support::{World, pictures, program};

const README: &str = include_str!("../README.md");
const MANIFEST: &str = include_str!("recipes/avatars.json");
const MAKE: &str = include_str!("recipes/Makefile");
const GITLAB: &str = include_str!("recipes/gitlab-ci.yml");
const GITHUB: &str = include_str!("recipes/github.yml");
const JENKINS: &str = include_str!("recipes/Jenkinsfile");
const KUBERNETES: &str = include_str!("recipes/kubernetes.yaml");
const INDEXED: &str = include_str!("recipes/kubernetes-indexed.yaml");
const CRON: &str = include_str!("recipes/cron");
const SERVICE: &str = include_str!("recipes/avatarctl.service");

/// What the manifest's servers want to know, by the names that files have.
const SECRETS: [(&str, &str); 4] = [
    ("jira_token", "ROBOTTOKEN"),
    ("rocketchat_user_id", "aobEdbYhXfu5hkeqG"),
    (
        "rocketchat_auth_token",
        "9HqLlyZOugoStsXCUfD_0YdwnNnunAJF8V47U3QHXSq",
    ),
    ("fleet_hash", "22eac1c27af4be7b9d04da2ce1af111b"),
];

/// The totals of a run that finds the models as they are when new.
const ALL: &str = "3 changed, 1 unchanged";

/// Where a recipe runs: the manifest and its pictures in a folder of their own, the program on the path, the models.
pub struct Place {
    pub world: World,
    variables: BTreeMap<String, String>,
}

impl Place {
    #[allow(clippy::new_without_default)] // It starts servers: that should be seen to be called.
    pub fn new() -> Place {
        let mut world = World::new();
        world.expect_by(MANIFEST);
        let servers = [
            ("https://jira.your-company.com", world.jira().url()),
            ("https://chat.your-company.com", world.chat().url()),
            ("https://api.eu.navixy.com/v2", world.fleet().url()),
        ];
        let manifest = servers
            .iter()
            .fold(MANIFEST.to_owned(), |text, (theirs, ours)| {
                assert!(text.contains(theirs), "{theirs}");
                text.replace(theirs, ours)
            });
        world.scratch.write("avatars.json", manifest);
        let faces = [
            ("faces/build-bot.png", pictures::png(64, 64, 1)),
            ("faces/driver.jpg", pictures::jpeg(64, 64, 2)),
        ];
        for (name, bytes) in faces {
            world.scratch.write(name, bytes);
        }
        for (name, secret) in SECRETS {
            world.scratch.secret(&format!("secrets/{name}"), secret);
        }
        fs::create_dir(world.scratch.join("bin")).expect("scratch is writable");
        symlink(program(), world.scratch.join("bin/avatarctl")).expect("scratch is writable");
        let path = format!("{}:/usr/bin:/bin", world.scratch.join("bin").display());
        let variables = BTreeMap::from([("PATH".to_owned(), path)]);
        Place { world, variables }
    }

    /// The variables that a recipe sets, and what an engine puts into them.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.insert(name.to_owned(), value.into());
    }

    /// The secrets, each in a variable of its own.
    pub fn set_secrets(&mut self) {
        for (name, secret) in SECRETS {
            self.set(&name.to_uppercase(), secret);
        }
    }

    /// A path of this folder.
    fn path(&self, name: &str) -> String {
        self.world.scratch.join(name).display().to_string()
    }

    /// What a shell says to a script, and how it ends.
    pub fn shell(&self, script: &str) -> (i32, String) {
        let output = Command::new("/bin/sh")
            .args(["-ec", script])
            .current_dir(self.world.scratch.path())
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null())
            .output()
            .expect("a shell starts");
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        let text = String::from_utf8(text).expect("everybody speaks UTF-8");
        (output.status.code().expect("no signal"), text)
    }

    /// Runs a script that has the manifest applied, all of it.
    #[track_caller]
    fn applies(&self, script: &str) {
        let (status, text) = self.shell(script);
        assert_eq!((status, text.lines().last()), (0, Some(ALL)), "{text}");
    }

    /// Runs a script for each of three shards; between them they have the whole manifest applied.
    #[track_caller]
    fn applies_in_parts(&mut self, mut script: impl FnMut(&mut Place, usize) -> String) {
        let mut changed = 0;
        for index in 0..3 {
            let script = script(self, index);
            let (status, text) = self.shell(&script);
            assert_eq!(status, 0, "{text}");
            // Quiet, a part in which nothing changed says nothing.
            let totals = text
                .lines()
                .last()
                .and_then(|line| line.split_once(" changed, "));
            changed += totals.map_or(0, |(count, _)| count.parse().expect("a number"));
        }
        assert_eq!(changed, 3);
    }
}

/// What stands behind this on the one line that begins so.
#[track_caller]
fn after<'a>(recipe: &'a str, begin: &str) -> &'a str {
    let mut found = recipe
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix(begin));
    let line = found.next().unwrap_or_else(|| panic!("no {begin}"));
    assert_eq!(found.next(), None, "a second {begin}");
    line
}

/// A list between brackets.
#[track_caller]
fn list(text: &str) -> Vec<&str> {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    inner.expect("a list").split(", ").collect()
}

#[test]
fn the_readme_shows_every_recipe() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recipes");
    for entry in fs::read_dir(folder).expect("a folder of the package") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a text");
        let indented: String = text
            .lines()
            .map(|line| match line {
                "" => "\n".to_owned(),
                _ => format!("    {line}\n"),
            })
            .collect();
        assert!(README.contains(&indented), "{}", path.display());
    }
}

#[test]
fn the_manifest_is_one() {
    let mut place = Place::new();
    place.world.offline();
    let (status, text) = place.shell("avatarctl check avatars.json");
    let wanted = "4 accounts on 3 servers: no errors, no warnings\n";
    assert_eq!((status, text.as_str()), (0, wanted));
}

#[test]
fn make_applies_what_is_newer_and_sees_a_drift() {
    let mut place = Place::new();
    place.set_secrets();
    place.world.scratch.write("Makefile", MAKE);
    let (status, text) = place.shell("make -s");
    assert_eq!(status, 0, "{text}");
    assert!(text.ends_with(&format!("{ALL}\n")), "{text}");
    assert_eq!(place.shell("make -s"), (0, String::new()));
    let (status, text) = place.shell("make -s drift");
    assert_eq!((status, text.as_str()), (0, "0 to change, 4 the same\n"));
    place.world.jira().model().user_mut("robot").selected = 10122;
    let (status, text) = place.shell("make -s drift");
    assert_eq!(status, 2);
    assert!(text.starts_with("! jira robot: "), "{text}");
    let (status, text) = place.shell("make -s -j4 shards");
    assert_eq!(status, 0, "{text}");
    let (status, text) = place.shell("make -s drift");
    assert_eq!(status, 2, "{text}"); // The shards have states of their own.
    let states = place.world.scratch.names();
    let states = states.iter().filter(|name| name.ends_with(".state"));
    assert_eq!(states.count(), 5);
}

/// A manual trigger is no shard: the values are those of GitLab's jobs with `parallel: 3`.
#[test]
fn gitlab_runs_three_jobs() {
    let mut place = Place::new();
    place.set_secrets();
    place.set("CI_NODE_TOTAL", "3");
    let scripts: Vec<_> = GITLAB
        .lines()
        .filter_map(|line| line.strip_prefix("  script: "))
        .collect();
    let [diff, apply] = scripts[..] else {
        panic!("{scripts:?}")
    };
    for index in ["1", "2", "3"] {
        place.set("CI_NODE_INDEX", index);
        let (status, text) = place.shell(diff);
        assert!(status == 0 || status == 2, "{text}");
    }
    place.applies_in_parts(|place, index| {
        place.set("CI_NODE_INDEX", (index + 1).to_string());
        apply.to_owned()
    });
    assert!(
        place
            .world
            .scratch
            .read("avatars.xml")
            .starts_with("<?xml ")
    );
    for index in ["1", "2", "3"] {
        place.set("CI_NODE_INDEX", index);
        let (status, text) = place.shell(diff);
        assert_eq!(status, 0, "{text}");
    }
}

#[test]
fn github_runs_a_matrix() {
    let mut place = Place::new();
    for (name, secret) in SECRETS {
        let name = name.to_uppercase();
        let value = after(GITHUB, &format!("{name}: "));
        assert_eq!(value, format!("${{{{ secrets.{name} }}}}"));
        place.set(&name, secret);
    }
    let step = after(GITHUB, "- run: ");
    place.applies_in_parts(|place, index| {
        let fill = |text: &str| text.replace("${{ matrix.shard }}", &(index + 1).to_string());
        place.set("STATE", fill(after(GITHUB, "STATE: ")));
        fill(step)
    });
}

/// A secret file is given by its path, a secret text by itself.
#[test]
fn jenkins_binds_credentials() {
    let mut place = Place::new();
    for (name, secret) in SECRETS {
        let upper = name.to_uppercase();
        let file = format!("{upper}_FILE");
        if JENKINS.contains(&format!("{file} = credentials(")) {
            place.set(&file, place.path(&format!("secrets/{name}")));
        } else {
            assert!(
                JENKINS.contains(&format!("{upper} = credentials(")),
                "{upper}"
            );
            place.set(&upper, secret);
        }
    }
    let step = after(JENKINS, "steps { sh '");
    place.applies(step.strip_suffix("' }").expect("its end"));
    assert!(
        place
            .world
            .scratch
            .read("avatars.xml")
            .starts_with("<?xml ")
    );
}

/// Puts files where a Kubernetes volume has them: each name is a link into a folder that is a link itself.
fn volume(place: &Place, name: &str, files: &[&str]) {
    let scratch = &place.world.scratch;
    for file in files {
        let from = scratch.join(file);
        let short = file.trim_start_matches("secrets/");
        let bytes = fs::read(from).expect("it was written");
        scratch.write(&format!("{name}/..2026/{short}"), bytes);
        let first = short.split('/').next().expect("a name");
        // Of a folder there is one link, however many files lie in it.
        let _ = symlink(
            format!("..data/{first}"),
            scratch.join(&format!("{name}/{first}")),
        );
    }
    symlink("..2026", scratch.join(&format!("{name}/..data"))).expect("scratch is writable");
}

fn mounted(recipe: &str) -> (Place, String) {
    let mut place = Place::new();
    volume(
        &place,
        "manifest",
        &["avatars.json", "faces/build-bot.png", "faces/driver.jpg"],
    );
    let secrets = SECRETS.map(|(name, _)| format!("secrets/{name}"));
    volume(&place, "mounted", &secrets.each_ref().map(String::as_str));
    fs::create_dir(place.world.scratch.join("state")).expect("scratch is writable");
    assert!(recipe.contains("env: [{name: CREDENTIALS_DIRECTORY, value: /secrets}]"));
    place.set("CREDENTIALS_DIRECTORY", place.path("mounted"));
    let words = list(after(recipe, "args: ")).join(" ");
    let words = ["manifest", "state"].iter().fold(words, |words, folder| {
        words.replace(
            &format!(" /{folder}/"),
            &format!(" {}/", place.path(folder)),
        )
    });
    (place, format!("avatarctl {words}"))
}

#[test]
fn kubernetes_runs_it_from_volumes() {
    let (place, command) = mounted(KUBERNETES);
    place.applies(&command);
}

#[test]
fn kubernetes_runs_an_indexed_job() {
    let (mut place, command) = mounted(INDEXED);
    assert!(INDEXED.contains("completions: 3\n"));
    place.applies_in_parts(|place, index| {
        place.set("JOB_COMPLETION_INDEX", index.to_string());
        command.replace("$(JOB_COMPLETION_INDEX)", &index.to_string())
    });
}

/// The paths of a server, as paths of the folder.
fn moved(place: &Place, command: &str) -> String {
    command
        .replace("/usr/local/bin/avatarctl", "avatarctl")
        .replace("/etc/avatarctl/avatars.json", "avatars.json")
        .replace("/etc/avatarctl/secrets", &place.path("secrets"))
        .replace("/var/lib/avatarctl/state", "kept")
}

#[test]
fn cron_runs_it_once_a_night() {
    let mut place = Place::new();
    let (variable, line) = CRON.split_once('\n').expect("two lines");
    let (name, value) = variable.split_once('=').expect("a variable");
    place.set(name, moved(&place, value));
    let words: Vec<_> = line.trim_end().splitn(7, ' ').collect();
    let [_, _, "*", "*", "*", "avatars", command] = words[..] else {
        panic!("{words:?}")
    };
    place.applies(&moved(&place, command));
    assert_ne!(place.world.scratch.read("kept"), "");
}

/// With the credentials that are there, each under the name that the unit gives it.
#[test]
fn systemd_hands_over_credentials() {
    let mut place = Place::new();
    for (name, secret) in SECRETS {
        let source = after(SERVICE, &format!("LoadCredential={name}:"));
        assert_eq!(source, format!("avatarctl.{name}"));
        place
            .world
            .scratch
            .secret(&format!("credentials/{name}"), secret);
    }
    place.set("CREDENTIALS_DIRECTORY", place.path("credentials"));
    place.set("STATE_DIRECTORY", place.path("states"));
    fs::create_dir(place.world.scratch.join("states")).expect("scratch is writable");
    place.applies(&moved(&place, after(SERVICE, "ExecStart=")));
    assert_ne!(place.world.scratch.read("states/state"), "");
}
