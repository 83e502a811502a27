//! What to do, checked: each job names an account and an avatar whose picture was read. Making one cannot
//! reach a server; this file does not know how.

pub mod json;
pub mod manifest;
pub mod written;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::plan::manifest::{Entry, Manifest, Place, Problem, Server, Stray};
use crate::settings::environment::Environment;
use crate::system::System;
use crate::system::avatar::{Avatar, Choice, Target};
use crate::terminal::quote;

/// One account's avatar, ready to be compared and sent.
pub struct Job {
    pub target: Target,
    pub avatar: Avatar,
    /// What a server may do to the picture.
    pub warnings: Vec<String>,
}

impl Job {
    /// Reads the picture, if there is one.
    ///
    /// Errors: input or data, about the picture; configuration, if standard input is already in use.
    pub fn resolve(
        system: &System,
        target: Target,
        choice: Choice,
        environment: &Environment,
    ) -> Result<Job> {
        if choice == Choice::Stdin {
            environment.take_stdin("the picture")?;
        }
        Pictures::default().job(system, target, choice)
    }
}

/// The jobs of a manifest, those of one server together, in the order of the file.
pub struct Plan {
    pub parts: Vec<Part>,
}

/// The jobs on one server.
pub struct Part {
    pub server: Server,
    pub jobs: Vec<Job>,
}

impl Plan {
    /// Reads every picture that the manifest names.
    ///
    /// Errors: all of them, with their places.
    pub fn resolve(manifest: Manifest) -> std::result::Result<Plan, Vec<Problem>> {
        let mut pictures = Pictures::default();
        let mut problems = Vec::new();
        let mut parts: Vec<Part> = manifest
            .servers
            .into_iter()
            .map(|server| Part {
                server,
                jobs: Vec::new(),
            })
            .collect();
        for Stray {
            system,
            file,
            place,
        } in manifest.stray
        {
            let looked = pictures.open(file).and_then(|picture| match system {
                Some(system) => (system.check)(&picture).map(|_| ()),
                None => Ok(()),
            });
            if let Err(error) = looked {
                problems.push(of_picture(place, error));
            }
        }
        for entry in manifest.accounts {
            let part = &mut parts[entry.server];
            match pictures.job(part.server.system, entry.target, entry.choice) {
                Ok(mut job) => {
                    job.warnings.extend(misnamed(&job.avatar));
                    part.jobs.push(job);
                }
                Err(error) => problems.push(of_picture(entry.place, error)),
            }
        }
        match problems.is_empty() {
            true => Ok(Plan { parts }),
            false => Err(problems),
        }
    }

    /// How many accounts.
    pub fn accounts(&self) -> usize {
        self.parts.iter().map(|part| part.jobs.len()).sum()
    }
}

/// A problem with the picture of the account at this place.
fn of_picture(account: Place, error: Error) -> Problem {
    Problem {
        place: Place {
            path: format!("{}.{}", account.path, manifest::IMAGE),
            ..account
        },
        error,
    }
}

/// Pictures by path: one that many accounts wear is read once.
#[derive(Default)]
struct Pictures(BTreeMap<PathBuf, Result<Rc<Picture>>>);

impl Pictures {
    fn job(&mut self, system: &System, target: Target, choice: Choice) -> Result<Job> {
        let picture = match choice {
            Choice::File(path) => self.open(path)?,
            Choice::Stdin => Rc::new(Picture::from_stdin()?),
            Choice::Preset(preset, id) => return Ok(plain(target, Avatar::Preset(preset, id))),
            Choice::Address(address) => return Ok(plain(target, Avatar::Address(address))),
            Choice::Generated => return Ok(plain(target, Avatar::Generated)),
        };
        let mut warnings = (system.check)(&picture)?;
        warnings.extend(expectations(&picture));
        Ok(Job {
            target,
            avatar: Avatar::Picture(picture),
            warnings,
        })
    }

    fn open(&mut self, path: PathBuf) -> Result<Rc<Picture>> {
        let opened = self.0.entry(path);
        let path = opened.key().clone();
        opened
            .or_insert_with(|| Picture::open(&path).map(Rc::new))
            .clone()
    }
}

fn plain(target: Target, avatar: Avatar) -> Job {
    Job {
        target,
        avatar,
        warnings: Vec::new(),
    }
}

/// What a server may do to a picture, whatever the system.
fn expectations(picture: &Picture) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |what: &str| warnings.push(format!("{}: {what}", quote(&picture.name)));
    if picture.header.orientation != 1 {
        warn("turned by its EXIF orientation, which the server may ignore");
    }
    if picture.header.animated {
        warn("animated; a server may keep its first picture only");
    }
    if picture.length > 1 << 20 {
        warn("larger than 1 MiB, where proxies in front of servers stop by default");
    }
    warnings
}

/// A file name that says another type than the bytes, which decide.
fn misnamed(avatar: &Avatar) -> Option<String> {
    let Avatar::Picture(picture) = avatar else {
        return None;
    };
    let (_, extension) = picture.name.rsplit_once('.')?;
    let format = picture.header.format;
    let named = match extension.to_ascii_lowercase().as_str() {
        "jpeg" | "jpe" | "jfif" => "jpg".to_owned(),
        other => other.to_owned(),
    };
    let foreign = [
        "png", "jpg", "gif", "webp", "bmp", "svg", "tif", "tiff", "ico",
    ];
    let wrong = named != format.extension() && foreign.contains(&named.as_str());
    wrong.then(|| {
        format!(
            "{}: a {} picture by its content, and sent as one",
            quote(&picture.name),
            format.name()
        )
    })
}

/// Which accounts of a manifest are selected.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Selection {
    /// A pattern of `server/account`, with `*` and `?`.
    pub only: Option<String>,
    /// Part I of N, from 1.
    pub shard: Option<(usize, usize)>,
}

impl Selection {
    /// Keeps what is selected. The accounts are sorted by name before they are divided into shards, so that every
    /// agent divides them in the same way, whatever the order of its manifest.
    ///
    /// Errors: usage, if the pattern matches nothing.
    pub fn keep(&self, manifest: &mut Manifest) -> Result<()> {
        let servers = &manifest.servers;
        let name =
            |entry: &Entry| format!("{}/{}", servers[entry.server].name, entry.target.value());
        if let Some(pattern) = &self.only {
            manifest
                .accounts
                .retain(|entry| matches(pattern, &name(entry)));
            if manifest.accounts.is_empty() {
                return Err(Error::new(
                    crate::error::Class::Usage,
                    format!("--only {} matches no account", quote(pattern)),
                )
                .hint("the pattern is compared with server/account, as in 'chat/build-*'"));
            }
        }
        if let Some((part, parts)) = self.shard {
            let accounts = manifest.accounts.iter().zip(0..);
            let named = accounts.map(|(entry, at)| {
                let (server, target) = (&servers[entry.server].name, &entry.target);
                (
                    format!("{server}\0{}\0{}", target.value(), target.key()),
                    at,
                )
            });
            let mut order: Vec<(String, usize)> = named.collect();
            order.sort();
            let mut ours = vec![false; order.len()];
            for (_, at) in order.into_iter().skip(part - 1).step_by(parts) {
                ours[at] = true;
            }
            let mut ours = ours.into_iter();
            manifest.accounts.retain(|_| ours.next().unwrap_or(false));
        }
        Ok(())
    }
}

/// Whether a text matches a pattern whose `*` stands for any characters and whose `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // The place of the last star, and the end of the text that it stands for.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn manifest(count: usize) -> Manifest {
        let accounts: Vec<String> = (0..count)
            .map(|n| {
                format!(
                    r#"{{"server":"{}","user":"bot-{n}","avatar_id":5}}"#,
                    ["b", "a"][n % 2]
                )
            })
            .collect();
        let server = r#"{"system":"jira","url":"http://localhost"}"#;
        let text = format!(
            r#"{{"servers":{{"b":{server},"a":{server}}},"accounts":[{}]}}"#,
            accounts.join(",")
        );
        let (manifest, problems) = crate::plan::manifest::read(&text, Path::new(""));
        assert!(problems.is_empty(), "a good manifest");
        manifest
    }

    fn names(manifest: &Manifest) -> Vec<String> {
        let name = |entry: &Entry| {
            format!(
                "{}/{}",
                manifest.servers[entry.server].name,
                entry.target.value()
            )
        };
        manifest.accounts.iter().map(name).collect()
    }

    fn shard(count: usize, part: usize, parts: usize) -> Vec<String> {
        let mut manifest = manifest(count);
        let selection = Selection {
            only: None,
            shard: Some((part, parts)),
        };
        selection.keep(&mut manifest).unwrap();
        names(&manifest)
    }

    #[test]
    fn shards_are_disjoint_complete_and_even() {
        for (count, parts) in [(0, 1), (1, 3), (7, 3), (10, 4), (25, 25), (5, 9)] {
            let mut all = BTreeSet::new();
            for part in 1..=parts {
                let ours = shard(count, part, parts);
                assert!(ours.len() <= count.div_ceil(parts));
                for name in ours {
                    assert!(all.insert(name));
                }
            }
            assert_eq!(all.len(), count);
        }
    }

    #[test]
    fn a_shard_keeps_the_order_of_the_file() {
        assert_eq!(shard(5, 1, 2), ["b/bot-0", "a/bot-1", "b/bot-4"]);
        assert_eq!(shard(5, 2, 2), ["b/bot-2", "a/bot-3"]);
    }

    #[test]
    fn a_pattern_matches_server_and_account() {
        for (pattern, text, yes) in [
            ("jira/robot", "jira/robot", true),
            ("jira/*", "jira/robot", true),
            ("*bot", "jira/robot", true),
            ("*/build-*", "jira/build-bot", true),
            ("j?ra/robot", "jira/robot", true),
            ("*", "", true),
            ("**a**", "xax", true),
            ("a*b*c", "aXbXbXc", true),
            ("jira", "jira/robot", false),
            ("?", "", false),
            ("a*b", "ac", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), yes, "{pattern} {text}");
        }
    }
}
