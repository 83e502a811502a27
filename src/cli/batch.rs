//! A verb and a manifest to many accounts, and the files of such a run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::arguments::Arguments;
use crate::cli::grammar::{self, Verb};
use crate::cli::options::{Options, path, seconds};
use crate::cli::{empty, shard, spelling, usage};
use crate::error::Result;
use crate::plan::Selection;
use crate::settings::environment::Environment;

/// Many accounts, declared in a file.
pub struct Batch {
    pub action: BatchAction,
    pub manifest: Origin,
    /// The state file; diff and apply always have one.
    pub state: Option<PathBuf>,
    /// How long to wait for another run that holds it.
    pub lock_timeout: Duration,
    pub selection: Selection,
    pub junit: Option<PathBuf>,
    pub html: Option<PathBuf>,
    pub prune: bool,
    pub options: Options,
}

/// Where a manifest comes from.
pub enum Origin {
    Stdin,
    File(PathBuf),
}

impl Origin {
    /// From the word that stands for it.
    pub(super) fn read(word: OsString) -> Origin {
        match word {
            dash if dash == "-" => Origin::Stdin,
            file => Origin::File(file.into()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchAction {
    Check,
    Diff,
    Apply,
}

impl BatchAction {
    pub fn name(self) -> &'static str {
        match self {
            BatchAction::Check => "check",
            BatchAction::Diff => "diff",
            BatchAction::Apply => "apply",
        }
    }
}

impl Batch {
    /// Reads the options behind a verb that does `action`, and behind the manifest, if there is one.
    ///
    /// Errors: usage, and configuration for a variable that cannot be read.
    pub fn read(
        verb: &Verb,
        action: BatchAction,
        manifest: Option<OsString>,
        arguments: &mut Arguments,
        environment: &Environment,
    ) -> Result<Batch> {
        spelling::refuse_foreign(&arguments.names(), &verb.options(None), verb.name)?;
        let Some(manifest) = manifest else {
            return Err(usage(format!("{} needs a manifest", action.name())));
        };
        let manifest = Origin::read(manifest);
        let state = match (path(arguments, "--state")?, &manifest) {
            (Some(state), _) => Some(state),
            (None, Origin::File(file)) => Some(file.with_added_extension("state")),
            (None, Origin::Stdin) if action == BatchAction::Check => None,
            (None, Origin::Stdin) => {
                return Err(usage(format!("{} - needs --state", action.name()))
                    .hint("a manifest from standard input has no name to put .state behind"));
            }
        };
        let only = arguments.text("--only")?;
        if only.as_deref() == Some("") {
            return Err(empty("--only"));
        }
        let shard = match arguments.text("--shard")? {
            Some(text) => shard::part(&text, &|name| environment.plain(name))?,
            None => None,
        };
        let options = Options::read_without_url(arguments, action.name())?;
        Ok(Batch {
            action,
            manifest,
            state,
            lock_timeout: seconds(arguments, "--lock-timeout", 0)?.unwrap_or_default(),
            selection: Selection { only, shard },
            junit: path(arguments, "--junit")?,
            html: path(arguments, grammar::HTML)?,
            prune: arguments.contains("--prune"),
            options,
        })
    }
}
