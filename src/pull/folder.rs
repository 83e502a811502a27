//! The folder that a pull fills: everything is written into a hidden folder inside it first, and takes its places there
//! at the end, the pictures before the manifest that names them, and the state last. So nothing is there that lies,
//! whenever a run is killed, and what is in the way is known before anything is changed.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::apply::state::{self, Entry, Key, State};
use crate::error::{Class, Error, Result};
use crate::file::output;
use crate::file::spool::{Refusal, Spool};
use crate::picture::received::Image;
use crate::plan::manifest::Server;
use crate::plan::written::{self, Account};
use crate::pull::names::Names;
use crate::terminal::quote;

/// The manifest, and the state beside it.
const MANIFEST: &str = "avatars.json";
const STATE: &str = "avatars.json.state";

/// A folder that is being filled.
pub struct Folder {
    path: PathBuf,
    /// Whether this run made it.
    made: bool,
    /// None only at the end.
    spool: Option<Spool>,
    /// Keeps other runs from writing the state.
    _state: Option<File>,
    /// The servers' own folders in it, in their order.
    servers: Vec<String>,
    /// What waits for its place, by its name from the folder on.
    waiting: Vec<String>,
    /// What is in the way, by the same names.
    conflicts: Vec<Conflict>,
    /// By the places of the accounts among all.
    declared: BTreeMap<usize, (Account, (Key, Entry))>,
    broken: bool,
}

/// What is in the place of a file.
enum Place {
    Free,
    /// The file itself, as it is to be.
    Done,
    Taken(Conflict),
}

/// Something in the way.
struct Conflict {
    file: String,
    what: &'static str,
    /// Whether a file may replace it.
    replaceable: bool,
}

impl Folder {
    /// Opens a folder for the pictures of these servers, and makes it if it is not there.
    ///
    /// Errors: input (it cannot be written), temporary (another run is filling it, or writes its state).
    pub fn open(path: &Path, servers: &[Server]) -> Result<Folder> {
        let made = match fs::create_dir(path) {
            Ok(()) => true,
            Err(_) if path.is_dir() => false,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(unwritable(path, &ErrorKind::NotADirectory.into()));
            }
            Err(error) => return Err(unwritable(path, &error)),
        };
        let opened = Spool::inside(path);
        if made && opened.is_err() {
            let _ = fs::remove_dir(path);
        }
        let spool = opened.map_err(|refusal| match refusal {
            Refusal::Failed(error) => unwritable(path, &error),
            Refusal::Busy => {
                let shown = quote(&path.to_string_lossy());
                Error::new(
                    Class::Temporary,
                    format!("another run is filling the folder {shown}"),
                )
            }
        })?;
        let mut names = Names::without(&[MANIFEST, STATE]);
        let folder = Folder {
            path: path.to_owned(),
            made,
            spool: Some(spool),
            _state: held(&path.join(STATE))?,
            servers: servers
                .iter()
                .map(|server| names.give(&server.name))
                .collect(),
            waiting: Vec::new(),
            conflicts: Vec::new(),
            declared: BTreeMap::new(),
            broken: false,
        };
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it cannot be written any more.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The name of an account's picture, from the folder on; `server` is the server's index.
    pub(super) fn name(&self, server: usize, stem: &str, image: &Image) -> String {
        format!("{}/{stem}.{}", self.servers[server], image.kind.extension())
    }

    /// Keeps a picture for its place. One that is there already is not written again.
    ///
    /// Errors: input.
    pub(super) fn save(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let place = self.path.join(name);
        let same = |facts: &Metadata| {
            facts.len() == bytes.len() as u64 && fs::read(&place).is_ok_and(|there| there == bytes)
        };
        self.keep(name, bytes, same)
    }

    /// Keeps a file for its place, unless what is there is the same.
    fn keep(&mut self, name: &str, bytes: &[u8], same: impl Fn(&Metadata) -> bool) -> Result<()> {
        let conflict = match self.look(name, same) {
            Ok(Place::Done) => return Ok(()),
            Ok(Place::Free) => None,
            Ok(Place::Taken(conflict)) => Some(conflict),
            Err(error) => return Err(unwritable(&self.path.join(name), &error)),
        };
        let known =
            |conflict: &Conflict| self.conflicts.iter().all(|one| one.file != conflict.file);
        self.conflicts.extend(conflict.filter(known));
        let spooled = self.spooled(name);
        let folder = spooled.parent().map_or(Ok(()), fs::create_dir_all);
        let written = folder.and_then(|()| fs::write(&spooled, bytes));
        self.broken |= written.is_err();
        written.map_err(|error| unwritable(&self.path.join(name), &error))?;
        self.waiting.push(name.to_owned());
        Ok(())
    }

    /// What is in the place of that name. A link is never the same: what is there is not in this folder.
    fn look(&self, name: &str, same: impl Fn(&Metadata) -> bool) -> io::Result<Place> {
        let taken = |file: &str, what, replaceable| {
            Ok(Place::Taken(Conflict {
                file: file.to_owned(),
                what,
                replaceable,
            }))
        };
        if let Some((folder, _)) = name.rsplit_once('/') {
            match fs::symlink_metadata(self.path.join(folder)) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Place::Free),
                Err(error) => return Err(error),
                Ok(facts) if !facts.is_dir() => return taken(folder, "is no folder", false),
                Ok(_) => {}
            }
        }
        match fs::symlink_metadata(self.path.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Place::Free),
            Err(error) => Err(error),
            Ok(facts) if facts.is_file() && same(&facts) => Ok(Place::Done),
            Ok(facts) if facts.is_file() => taken(name, "differs", true),
            Ok(facts) if facts.is_symlink() => taken(name, "is a link", true),
            Ok(_) => taken(name, "is no file", false),
        }
    }

    fn spooled(&self, name: &str) -> PathBuf {
        let spool = self
            .spool
            .as_ref()
            .expect("the hidden folder stays until the end");
        spool.path().join(name)
    }

    /// Declares an account, and what was seen of it; `place` is that among all accounts.
    pub(super) fn declare(&mut self, place: usize, account: Account, seen: (Key, Entry)) {
        self.declared.insert(place, (account, seen));
    }

    /// Puts everything into its place, with the manifest of these servers. If something is in the way, nothing is
    /// changed, unless `force` is set and a file can replace it.
    ///
    /// Errors: usage for each thing that is in the way; input.
    pub fn finish(
        mut self,
        servers: &[Server],
        force: bool,
    ) -> std::result::Result<(), Vec<Error>> {
        self.describe(servers).map_err(|error| vec![error])?;
        let in_the_way = |conflict: &&Conflict| !(force && conflict.replaceable);
        let conflicts = self.conflicts.iter().filter(in_the_way);
        let mut errors: Vec<Error> = conflicts.map(|conflict| self.refused(conflict)).collect();
        if let Some(last) = errors.pop() {
            errors.push(last.hint(match force {
                true => "nothing was written; --force replaces files only",
                false => {
                    "nothing was written; name another folder, or give --force to replace files"
                }
            }));
            return Err(errors);
        }
        self.place().map_err(|error| vec![error])
    }

    /// Keeps the manifest and the state for their places.
    fn describe(&mut self, servers: &[Server]) -> Result<()> {
        let declared = std::mem::take(&mut self.declared);
        let text = written::text(servers, declared.values().map(|(account, _)| account));
        self.save(MANIFEST, text.as_bytes())?;
        let entries: Vec<(Key, Entry)> = declared.into_values().map(|(_, seen)| seen).collect();
        let place = self.path.join(STATE);
        let same = |_: &Metadata| State::load(&place).is_ok_and(|state| state.says(&entries));
        self.keep(STATE, &state::text(&entries), same)
    }

    fn refused(&self, conflict: &Conflict) -> Error {
        let shown = quote(&self.path.join(&conflict.file).to_string_lossy());
        Error::new(
            Class::Usage,
            format!("{shown} is there and {}", conflict.what),
        )
    }

    /// Moves what waits into its place.
    fn place(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        // On the disk before the names are: no file is empty after a power cut.
        for name in &waiting {
            let synced = File::open(self.spooled(name)).and_then(|file| file.sync_all());
            synced.map_err(|error| unwritable(&self.path.join(name), &error))?;
        }
        let (pictures, rest): (Vec<&String>, Vec<&String>) =
            waiting.iter().partition(|name| name.contains('/'));
        for name in pictures {
            self.put(name)?;
        }
        for folder in &self.servers {
            sync(&self.path.join(folder));
        }
        for name in rest {
            sync(&self.path);
            self.put(name)?;
        }
        sync(&self.path);
        Ok(())
    }

    fn put(&self, name: &str) -> Result<()> {
        let place = self.path.join(name);
        let folder = match place.parent() {
            Some(folder) if !folder.is_dir() => fs::create_dir(folder),
            _ => Ok(()),
        };
        let moved = folder.and_then(|()| output::put(&self.spooled(name), &place));
        moved.map_err(|error| unwritable(&place, &error))
    }
}

/// Gets the names of a folder onto the disk, as far as its file system can.
fn sync(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.spool.take());
        if self.made {
            // One that holds something stays.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Locks the state of the folder, if there is one.
fn held(path: &Path) -> Result<Option<File>> {
    let held = state::hold(path);
    held.map_err(|error| match error.class {
        Class::Temporary => Error {
            hint: Some("run again when it is done".to_owned()),
            ..error
        },
        _ => error,
    })
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    output::unwritable("", path, error)
}
