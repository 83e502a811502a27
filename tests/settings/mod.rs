//! Where values come from: variables, files, standard input, netrc, addresses.

mod credentials;
mod files;
mod netrc_as_curl;
