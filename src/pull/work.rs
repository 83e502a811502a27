//! One account after the other in an open session: look, read the picture, decide what the manifest says, keep it.

use std::rc::Rc;

use crate::apply::state::{Entry, Key};
use crate::apply::{Look, Stop, diff};
use crate::error::{Class, Error, Result};
use crate::picture::Picture;
use crate::picture::header::Header;
use crate::picture::received::Image;
use crate::plan::written::Account;
use crate::pull::declaration::{Declaration, Declared, declaration};
use crate::pull::names::Names;
use crate::pull::{
    Asked, BROKEN, Batch, Event, Finished, Folder, Observed, OnEvent, Outcome, Pulled,
};
use crate::system::avatar::{Avatar, Choice, Seen, Target};
use crate::system::session::Session;
use crate::system::shown::Shown;

/// The work on one server.
pub(super) struct Work<'r, 'a> {
    batch: &'r Batch<'a>,
    session: &'r mut Session,
    folder: &'r mut Folder,
    on_event: OnEvent<'r>,
    names: Names,
    /// Why the rest is not tried.
    stop: Option<String>,
    /// Whether the server was said to refuse its pictures.
    refused: bool,
}

impl<'r, 'a> Work<'r, 'a> {
    pub(super) fn new(
        batch: &'r Batch<'a>,
        session: &'r mut Session,
        folder: &'r mut Folder,
        on_event: OnEvent<'r>,
    ) -> Work<'r, 'a> {
        Work {
            batch,
            session,
            folder,
            on_event,
            names: Names::default(),
            stop: None,
            refused: false,
        }
    }

    /// Reads every account.
    pub(super) fn all(mut self, observed: Observed) {
        let mut observed = observed.map(Vec::into_iter);
        let targets: Vec<&Target> = self.batch.asked.iter().map(|asked| &asked.target).collect();
        let names = self.names.of(&targets);
        for (asked, name) in self.batch.asked.iter().zip(names) {
            let seen = observed.as_mut().and_then(Iterator::next);
            if self.stop.is_none() {
                self.stop = Stop::of_signal().map(|stop| stop.why);
            }
            let finished = match &self.stop {
                Some(why) => Finished::skipped(&asked.target, why),
                None => {
                    (self.on_event)(Event::Started(&asked.target));
                    self.account(asked, name, seen)
                }
            };
            (self.on_event)(Event::Finished(finished));
        }
    }

    /// Reads one account; `name` is that of its files.
    fn account(
        &mut self,
        asked: &Asked,
        name: Option<String>,
        seen: Option<Result<Seen>>,
    ) -> Finished {
        let mut account = asked.target.name().map(str::to_owned);
        let looked = self
            .look(asked, seen)
            .inspect(|(seen, _)| account = Some(seen.account.clone()));
        let outcome = match looked {
            Ok((seen, shown)) => self.keep(asked, name, &seen, shown),
            Err(error) => {
                let stop = Stop::of_server(&self.batch.server.name, &error);
                self.stop = stop.map(|stop| stop.why);
                Err(error)
            }
        };
        if self.folder.is_broken() {
            self.stop = Some(BROKEN.to_owned());
        }
        Finished {
            account,
            outcome: outcome.map_or_else(Outcome::Failed, Outcome::Pulled),
            warnings: std::mem::take(&mut self.session.warnings),
        }
    }

    /// What an account wears and shows.
    fn look(&mut self, asked: &Asked, seen: Option<Result<Seen>>) -> Result<(Seen, Shown)> {
        let system = self.batch.server.system;
        let seen = match seen {
            Some(seen) => seen?,
            None => (system.observe)(self.session, &asked.target)?,
        };
        let shown = (system.shown)(self.session, &asked.target, &seen)?;
        Ok((seen, shown))
    }

    /// Decides what the manifest says, and puts it into the folder with the picture.
    fn keep(
        &mut self,
        asked: &Asked,
        name: Option<String>,
        seen: &Seen,
        shown: Shown,
    ) -> Result<Pulled> {
        let origin = shown.origin;
        let Declaration {
            declared,
            image,
            unreadable,
            warnings,
        } = declaration(shown, self.batch.as_images)?;
        self.session.warnings.extend(warnings);
        self.warn_of(unreadable);
        let name = name.unwrap_or_else(|| self.names.give(&seen.account));
        let kept = image.map(|image| (self.folder.name(self.batch.at, &name, &image), image));
        let avatar = match (declared, &kept) {
            (Declared::Avatar(avatar), _) => Some(avatar),
            (Declared::Picture(header), Some((file, image))) => {
                Some(self.picture(file, header, image)?)
            }
            (Declared::Picture(_) | Declared::Nothing, _) => None,
        };
        if let Some((file, image)) = &kept {
            self.folder.save(file, &image.bytes)?;
        }
        let file = kept.map(|(file, _)| file);
        if let Some(avatar) = &avatar {
            self.declare(asked, avatar, file.as_deref(), seen);
        }
        Ok(Pulled {
            origin,
            file,
            declared: avatar,
        })
    }

    /// Says that a picture is missing that the manifest does without. A server that refuses this caller its pictures
    /// does so for each account, and that is said once.
    fn warn_of(&mut self, unreadable: Option<Error>) {
        let Some(error) = unreadable else { return };
        let what = match error.class {
            Class::Credentials if self.refused => return,
            Class::Credentials => {
                self.refused = true;
                "pictures are not saved"
            }
            _ => "the picture is not saved",
        };
        let hint = error.hint.as_ref();
        let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
        self.session.warnings.push(format!("{what}: {error}{hint}"));
    }

    /// The picture as a manifest would have it sent again.
    ///
    /// Errors: data, if the system would refuse it.
    fn picture(&self, file: &str, header: Header, image: &Image) -> Result<Avatar> {
        let picture = Picture::received(self.folder.path().join(file), header, &image.bytes);
        (self.batch.server.system.check)(&picture)?;
        Ok(Avatar::Picture(Rc::new(picture)))
    }

    /// Declares an account, and remembers what it wears as if it had been set so.
    fn declare(&mut self, asked: &Asked, avatar: &Avatar, file: Option<&str>, seen: &Seen) {
        let choice = match avatar {
            Avatar::Preset(preset, id) => Choice::Preset(preset, id.clone()),
            Avatar::Picture(_) => Choice::File(file.expect("a picture has a file").into()),
            Avatar::Address(address) => Choice::Address(address.clone()),
            Avatar::Generated => Choice::Generated,
        };
        let account = Account {
            server: self.batch.at,
            target: asked.target.clone(),
            choice,
        };
        let entry = Entry {
            set: diff::desired_key(avatar),
            fingerprint: Look::Saw(seen.fingerprint.clone()),
        };
        let key = Key::new(self.batch.server.base.text(), &asked.target);
        self.folder.declare(asked.place, account, (key, entry));
    }
}
