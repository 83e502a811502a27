//! Where values come from: variables, files, standard input, netrc, addresses.

mod address;
mod credentials;
mod files;
mod netrc;
mod netrc_as_curl;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::{Model, Run, Running, Scratch};

const UNCHANGED: &str = "jira robot: avatar 10122 (system)\n";

/// `jira show` with an address and no credentials.
fn show<M: Model>(model: &Running<M>) -> Run {
    Run::new(["jira", "show"])
        .env("JIRA_URL", model.url())
        .mask(&model.url(), "URL")
}

/// The headers by which the last request said who asks.
fn authorization<M: Model>(model: &Running<M>) -> Option<String> {
    let requests = model.requests();
    let last = requests.last().expect("a request");
    last.header("authorization").map(str::to_owned)
}

/// A netrc file of these permissions.
fn netrc_file(scratch: &Scratch, text: &str, mode: u32) -> PathBuf {
    let path = scratch.write("netrc", text);
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the file is ours");
    path
}
