//! A change that is tried on one account and taken back: keep what it wears, put a test on, prove it, put back what was
//! worn, prove that, and delete what the test left. Once the first change may have been made, the way back is tried
//! whatever happens, also after a signal; before it, the command that does the same is printed.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::account::Worn;
use super::{Doctor, KEEP, RESTORE, TEST, TIDY};
use crate::apply::state::Memory;
use crate::apply::{self, Changed, Event, Outcome, Rules};
use crate::cli::grammar::IMAGE;
use crate::error::{Class, Error, Result};
use crate::file::output;
use crate::http::curl::quoted;
use crate::picture::Picture;
use crate::picture::received::Image;
use crate::plan::Job;
use crate::plan::manifest::Server;
use crate::report::check::Check;
use crate::report::complain;
use crate::settings::address::encode;
use crate::signals;
use crate::system::avatar::{Avatar, Seen, Target};
use crate::system::knowledge::{Test, Trial};
use crate::system::session::Session;
use crate::system::shown::{Face, Restore, Shown};
use crate::system::{Delete, System};
use crate::terminal::{MESSAGE, clean};

/// How what an account wore is put back.
struct WayBack {
    avatar: Avatar,
    /// Where its picture is kept meanwhile, if it has to be sent again.
    file: Option<PathBuf>,
    /// What does the same from a shell.
    command: String,
}

/// What became of the test.
enum Tried {
    /// The test was put on; by this fingerprint, if it is known.
    On(Option<String>),
    /// It was refused, and nothing was changed, as far as is known.
    Refused,
    /// It may be on, or not.
    Unknown,
}

impl Tried {
    /// A refusal is sure, unless it may have cost what was worn; after any other failure the test may still come to be on.
    fn in_vain(system: &System, error: &Error) -> Tried {
        let refused = match error.class {
            Class::Credentials => true,
            Class::Temporary => false,
            _ => !system.loses_on_refusal,
        };
        let answered = error.status.is_some() && error.loss().is_none();
        match refused && answered && signals::caught().is_none() {
            true => Tried::Refused,
            false => Tried::Unknown,
        }
    }
}

impl Doctor<'_> {
    pub(super) fn round_trip(&mut self, session: &mut Session, server: &Server, worn: &Worn) {
        let begun = Instant::now();
        let trial = (self.system.knowledge.trial)(&worn.seen, &worn.shown);
        let back = match self.keep(server, &worn.shown) {
            Ok(back) => back,
            Err(error) => {
                self.report(Check::fail(KEEP, &error).took(begun.elapsed()));
                return self.not_made(&[TEST, RESTORE], KEEP);
            }
        };
        self.report(kept(self.system, &back).took(begun.elapsed()));
        let Trial { test, note } = trial;
        if let Some(note) = note {
            self.report.warning(&self.subject, note);
        }
        self.announce("the way back", &back);
        signals::allow_more_time();
        let tried = self.test(session, server, test);
        signals::defer(true);
        session.client.lift_deadline();
        let restored = self.restore(session, server, worn, &back, &tried);
        if restored && let Some(delete) = self.system.delete.how() {
            self.tidy(session, delete, worn, &tried);
        }
        if restored && let Some(file) = &back.file {
            let _ = std::fs::remove_file(file);
        }
    }

    /// Keeps what an account shows, so that it can be put back.
    ///
    /// Errors: why it could not be put back.
    fn keep(&self, server: &Server, shown: &Shown) -> Result<WayBack> {
        let cannot = |why: &str| {
            let what = format!("what it wears could not be put back: {why}");
            Error::new(Class::Data, what).hint("name an account whose avatar can be put back")
        };
        let (avatar, file) = match (&shown.restore, &shown.face) {
            (Restore::Avatar(avatar), _) => (avatar.clone(), None),
            (Restore::Nothing(why), _) | (Restore::Picture, Face::Absent(why)) => {
                return Err(cannot(why));
            }
            (Restore::Picture, Face::Unreadable(error)) => {
                return Err(error.clone().about("keep the picture"));
            }
            (Restore::Picture, Face::Read(image)) => {
                let (picture, file) = self.keep_picture(image)?;
                (Avatar::Picture(Rc::new(picture)), Some(file))
            }
        };
        let command = self.command(server, &avatar, file.as_deref());
        Ok(WayBack {
            avatar,
            file,
            command,
        })
    }

    /// Writes a picture into a new file, here or in the folder for temporary ones.
    ///
    /// Errors: data, if it cannot be sent again; input, if there is no place for it.
    fn keep_picture(&self, image: &Image) -> Result<(Picture, PathBuf)> {
        let name = format!(
            "avatarctl-{}-{}-before",
            self.system.name,
            encode(self.target.value()).replace('%', "_")
        );
        let write =
            |folder: &Path| output::create_new(folder, &name, image.kind.extension(), &image.bytes);
        let file =
            write(Path::new(".")).or_else(|_| write(&self.context.environment.temporary()))?;
        let checked = Picture::open(&file).and_then(|picture| {
            (self.system.check)(&picture)?;
            Ok(picture)
        });
        match checked {
            Ok(picture) => Ok((picture, file)),
            Err(error) => {
                let _ = std::fs::remove_file(&file);
                Err(error.about("what it wears could not be sent again"))
            }
        }
    }

    /// What puts an avatar on the target from a shell that has the same variables.
    fn command(&self, server: &Server, avatar: &Avatar, file: Option<&Path>) -> String {
        let mut words = vec!["avatarctl".to_owned(), self.system.name.to_owned()];
        let mut option = |name: &str, value: &dyn AsRef<[u8]>| {
            let value = value.as_ref();
            // It would be taken for an option.
            match value.starts_with(b"-") {
                true => words.push(word([name.as_bytes(), b"=", value].concat())),
                false => words.extend([name.to_owned(), word(value)]),
            }
        };
        let (verb, source) = match avatar {
            Avatar::Preset(preset, id) => {
                let id = id.as_deref().unwrap_or("null");
                ("set", Some((preset.flag, id.as_bytes().to_vec())))
            }
            Avatar::Generated => ("reset", None),
            Avatar::Picture(_) | Avatar::Address(_) => {
                let file = file.map(|file| file.as_os_str().as_encoded_bytes().to_vec());
                ("set", file.map(|file| (IMAGE, file)))
            }
        };
        if let Target::Named { kind, value } = self.target {
            option(kind.flag, value);
        }
        if let Some((flag, value)) = source {
            option(flag, &value);
        }
        option("--url", &server.base.text());
        let options = self.context.options;
        let (chain, key) = match &options.client {
            Some((chain, key)) => (Some(chain), Some(key)),
            None => (None, None),
        };
        for (name, path) in [
            ("--ca-file", options.ca_file.as_ref()),
            ("--client-cert", chain),
            ("--client-key", key),
            ("--netrc", options.netrc.as_ref()),
        ] {
            if let Some(path) = path {
                option(name, &path.as_os_str().as_encoded_bytes());
            }
        }
        // One with a login is a secret.
        if let Some(proxy) = options.proxy.as_ref().filter(|proxy| !proxy.contains('@')) {
            option("--proxy", proxy);
        }
        if options.insecure {
            words.push("--insecure".to_owned());
        }
        // What the test did may not show yet, and nothing would be put back.
        words.push("--force".to_owned());
        words.insert(2, verb.to_owned());
        words.join(" ")
    }

    /// Says on standard error how to put back by hand what was worn.
    fn announce(&self, what: &str, back: &WayBack) {
        let account = clean(self.target.value(), MESSAGE);
        complain(&format!(
            "avatarctl: {} {account}: {what}: {}",
            self.system.name, back.command
        ));
    }

    /// Puts an avatar on the target and proves it.
    fn put_on(
        &mut self,
        session: &mut Session,
        server: &Server,
        avatar: Avatar,
    ) -> Result<Changed> {
        let job = Job {
            target: self.target.clone(),
            avatar,
            warnings: Vec::new(),
        };
        let batch = apply::Batch {
            system: self.system,
            server: &server.name,
            url: server.base.text(),
            jobs: std::slice::from_ref(&job),
            rules: rules(true),
        };
        let mut outcome = None;
        let mut warnings = Vec::new();
        batch.run_in(session, &mut Memory::Nothing, &mut |event: Event| {
            if let Event::Finished(result) = event {
                warnings.extend(result.warnings);
                outcome = Some(result.outcome);
            }
        });
        for warning in warnings {
            self.report.warning(&self.subject, &warning);
        }
        match outcome {
            Some(Outcome::Changed(changed)) => Ok(changed),
            Some(Outcome::Failed(error)) => Err(error),
            _ => Err(Error::new(Class::Temporary, "interrupted")),
        }
    }

    /// Puts the test on; where the caller may not upload, another avatar of the server's own.
    fn test(&mut self, session: &mut Session, server: &Server, test: Test) -> Tried {
        let (avatar, instead) = match test {
            Test::Picture { instead } => (Avatar::Picture(Rc::new(Picture::test())), instead),
            Test::Avatar(avatar) => (avatar, None),
        };
        let begun = Instant::now();
        let error = match self.put_on(session, server, avatar) {
            Ok(changed) => return self.on("", None, changed, begun.elapsed()),
            Err(error) => error,
        };
        let refused = error.class == Class::Credentials && signals::caught().is_none();
        let (Some(instead), true) = (instead, refused) else {
            self.report(Check::fail(TEST, &error).took(begun.elapsed()));
            return Tried::in_vain(self.system, &error);
        };
        let begun = Instant::now();
        match self.put_on(session, server, instead) {
            Ok(changed) => {
                let why = format!("no picture can be uploaded ({error}), so another is selected: ");
                self.on(&why, error.hint, changed, begun.elapsed())
            }
            Err(second) => {
                self.report(Check::fail(TEST, &second).took(begun.elapsed()));
                Tried::in_vain(self.system, &second)
            }
        }
    }

    fn on(&mut self, why: &str, hint: Option<String>, changed: Changed, took: Duration) -> Tried {
        let shown = self.system.avatar_text(changed.after.as_deref());
        let time = took.as_millis();
        let detail = format!("{why}put on and proven in {time} ms: {shown}");
        let check = match why.is_empty() {
            true => Check::ok(TEST, detail),
            false => Check::warn(TEST, detail, hint),
        };
        self.report(check.took(took));
        Tried::On(changed.after)
    }

    /// Puts back what was worn; whether it is worn again.
    fn restore(
        &mut self,
        session: &mut Session,
        server: &Server,
        worn: &Worn,
        back: &WayBack,
        tried: &Tried,
    ) -> bool {
        let begun = Instant::now();
        let before = worn.seen.fingerprint.as_deref();
        if let Tried::Refused = tried
            && let Ok(now) = (self.system.observe)(session, self.target)
            && now.fingerprint.as_deref() == before
        {
            let text = self.system.avatar_text(before);
            let check = Check::ok(
                RESTORE,
                format!("nothing to put back, it still wears {text}"),
            );
            self.report(check.took(begun.elapsed()));
            return true;
        }
        let passes = |error: &Error| matches!(error.class, Class::Temporary | Class::Unreachable);
        let mut restored = self.put_on(session, server, back.avatar.clone());
        if restored.as_ref().is_err_and(passes) {
            restored = self.put_on(session, server, back.avatar.clone());
        }
        let took = begun.elapsed();
        match restored {
            Ok(changed) => {
                let text = self.system.avatar_text(changed.after.as_deref());
                let time = took.as_millis();
                let detail = format!("put back and proven in {time} ms: {text}");
                self.report(Check::ok(RESTORE, detail).took(took));
                true
            }
            Err(error) => {
                let check = Check::fail(RESTORE, &error).took(took);
                let hint = format!("put it back with: {}", back.command);
                self.report(Check {
                    hint: Some(hint),
                    ..check
                });
                self.announce("it may not wear what it wore; put that back with", back);
                false
            }
        }
    }

    /// Deletes the avatar that the test made: the one that was not there before.
    fn tidy(&mut self, session: &mut Session, delete: &Delete, worn: &Worn, tried: &Tried) {
        let begun = Instant::now();
        let now = match (self.system.observe)(session, self.target) {
            Ok(now) => now,
            Err(error) => return self.report(Check::fail(TIDY, &error).took(begun.elapsed())),
        };
        let new = appeared(&worn.seen, &now);
        let ours = match tried {
            Tried::On(Some(id)) => new.iter().find(|known| *known == id),
            Tried::On(None) | Tried::Refused | Tried::Unknown => match &new[..] {
                [one] => Some(one),
                _ => None,
            },
        };
        let check = match (ours, new.is_empty()) {
            (None, true) => Check::ok(TIDY, "the test left nothing behind"),
            (None, false) => Check::warn(
                TIDY,
                format!("{} are new, and none is surely of the test", new.join(", ")),
                Some(format!("look with avatarctl {} list", self.system.name)),
            ),
            (Some(id), _) => {
                match apply::delete(session, delete, self.target, &now, id, rules(false)) {
                    Ok(_) => {
                        let gone = self.system.fingerprint_text(id);
                        let time = begun.elapsed().as_millis();
                        Check::ok(TIDY, format!("{gone} deleted in {time} ms"))
                    }
                    Err(error) => Check::fail(TIDY, &error),
                }
            }
        };
        self.report(check.took(begun.elapsed()));
    }
}

/// Every step is looked at before and after; with `force` it is taken even if nothing would change.
fn rules(force: bool) -> Rules {
    Rules {
        write: true,
        look: true,
        verify: true,
        force,
        prune: false,
        dry_run: false,
        pictures: false,
    }
}

/// Custom avatars that were not there before.
fn appeared(before: &Seen, now: &Seen) -> Vec<String> {
    let known = |id: &String| before.offers.iter().any(|offer| offer.id == *id);
    let custom = now.offers.iter().filter(|offer| !offer.system);
    let ids = custom.map(|offer| offer.id.clone());
    ids.filter(|id| !known(id)).collect()
}

fn kept(system: &System, back: &WayBack) -> Check {
    let detail = match (&back.avatar, &back.file) {
        (Avatar::Picture(picture), Some(file)) => {
            let (file, length) = (file.display(), picture.length);
            format!("the picture is kept in {file}, {length} bytes")
        }
        (Avatar::Preset(preset, Some(id)), _) => format!("{} {id} can be put back", preset.noun),
        _ => format!(
            "it wears nothing of its own, which {} can give back",
            system.title
        ),
    };
    Check::ok(KEEP, clean(&detail, MESSAGE))
}

/// A word of a shell's command line, in quotes where it needs them.
fn word(text: impl AsRef<[u8]>) -> String {
    let bytes = text.as_ref();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:@=,+%".contains(byte);
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && bytes.iter().all(plain) => text.to_owned(),
        _ => quoted(bytes),
    }
}
