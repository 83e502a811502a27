//! What a netrc file says about a host, read as curl reads it, so that a file that works there works here. Which
//! file that is stands in an option or a variable; nothing here opens it.
//!
//! The versions of curl differ (7.88, 8.11, 8.12 and 8.16 were asked). Where they do, the reading is the one that
//! understands more of the file. Where they send one entry's password with another's login, or take a value for a
//! keyword, they are not followed.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::secret::{Secret, accept};
use crate::settings::environment::Environment;

/// The file that `--netrc` or `NETRC` names, if one does, for one host.
pub struct Netrc {
    path: Option<PathBuf>,
    host: String,
}

/// A login, where the file names one, and its password.
pub type Pair = (Option<Secret>, Secret);

impl Netrc {
    /// Errors: configuration, when the variable is not valid UTF-8.
    pub fn named(option: Option<&Path>, environment: &Environment, host: &str) -> Result<Netrc> {
        let variable = environment.plain("NETRC")?.filter(|path| !path.is_empty());
        Ok(Netrc {
            path: option.map(Path::to_owned).or(variable.map(PathBuf::from)),
            host: host.trim_matches(['[', ']']).to_owned(),
        })
    }

    /// How a hint goes on where a file is named that gives nothing.
    pub fn remedy(&self) -> String {
        match &self.path {
            Some(_) => format!(", or give {} a login in the netrc file", self.host),
            None => String::new(),
        }
    }

    /// What is wrong where nobody says whose password it is.
    pub fn half(&self) -> String {
        format!(
            "the netrc file has a password of {} and no login",
            self.host
        )
    }

    /// What the file says of the host, and with `login`, of that login.
    ///
    /// Errors: configuration, when the file cannot be read, or a login or password in it cannot be meant.
    pub fn pair(&self, login: Option<&str>, environment: &Environment) -> Result<Option<Pair>> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let Some(entry) = find(&environment.netrc(path)?, &self.host, login) else {
            return Ok(None);
        };
        let usable = |text: &str, what: &str| {
            let origin = format!("the {what} of {} in the netrc file", self.host);
            accept(text.as_bytes().to_vec(), &origin)
        };
        let login = entry.login.map(|login| usable(&login, "login"));
        let password = usable(entry.password.expose(), "password")?;
        Ok(Some((login.transpose()?, password)))
    }
}

/// What a netrc file says about one host.
#[derive(Debug, PartialEq)]
struct Entry {
    login: Option<String>,
    /// Empty where the file has a login and nothing more.
    password: Secret,
}

/// The entry for a host, whose name comes without port and brackets; with `login`, the one of that login. The first
/// with both login and password counts; else the first with a password alone, which is for any login; else a login
/// alone. A text that breaks off within quotes says nothing, unless the answer stood before.
fn find(text: &str, host: &str, login: Option<&str>) -> Option<Entry> {
    let fits = |name: &Option<String>| login.is_none() || name.as_deref() == login;
    let mut words = Words {
        lines: text.lines(),
        rest: "",
    };
    let (mut ours, mut name, mut password) = (false, None, None);
    let mut half = (None, None);
    loop {
        let mut word = words.next(false)?;
        if let Some(word) = &mut word {
            word.make_ascii_lowercase();
        }
        let word = word.as_deref();
        match word {
            None | Some("machine" | "default") => {
                let (name, password) = (name.take(), password.take());
                let says = password.is_some() || name.is_some();
                if ours && says && half.1.is_none() && (name.is_none() || fits(&name)) {
                    half = (name, password);
                }
                ours = match word {
                    None => break,
                    Some("machine") => words
                        .next(true)?
                        .is_some_and(|name| name.eq_ignore_ascii_case(host)),
                    Some(_) => true,
                };
            }
            Some("login") => name = words.next(true)?,
            Some("password") => password = words.next(true)?,
            Some("account") => _ = words.next(true)?,
            Some("macdef") => words.skip_macro(),
            // curl passes over what it does not know.
            Some(_) => {}
        }
        if name.is_some() && password.is_some() {
            if ours && fits(&name) {
                half = (name, password);
                break;
            }
            // Used up: the same entry may go on with another login.
            password = None;
        }
    }
    let (login, password) = half;
    if login.is_none() && password.is_none() {
        return None;
    }
    Some(Entry {
        login,
        password: Secret::new(password.unwrap_or_default()),
    })
}

/// The words of a netrc text. Quotes end with their line, if not before.
struct Words<'a> {
    lines: std::str::Lines<'a>,
    /// What is left of the line at hand.
    rest: &'a str,
}

impl Words<'_> {
    /// The next word, past comments; `None` in it is the end of the text, in its place a quote without an end.
    fn next(&mut self, value: bool) -> Option<Option<String>> {
        // A # in front of a line is a comment even where a value is due; behind a keyword it begins a password.
        while self.rest.is_empty() || !value && self.rest.starts_with('#') {
            let Some(line) = self.lines.next() else {
                return Some(None);
            };
            self.rest = line.trim_start_matches(blank);
            if self.rest.starts_with('#') {
                self.rest = "";
            }
        }
        let mut word = String::new();
        let mut chars = self.rest.chars();
        if self.rest.starts_with('"') {
            chars.next();
            loop {
                word.push(match chars.next()? {
                    '"' => break,
                    '\\' => match chars.next()? {
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        other => other,
                    },
                    other => other,
                });
            }
            // What follows the quotes directly is lost in curl, as if it were the blank that belongs there.
            chars.next();
        } else {
            word.extend(chars.by_ref().take_while(|&c| !blank(c)));
        }
        self.rest = chars.as_str().trim_start_matches(blank);
        Some(Some(word))
    }

    /// A macro goes on to the next empty line, wherever it begins.
    fn skip_macro(&mut self) {
        self.rest = "";
        self.lines
            .find(|line| line.trim_start_matches(blank).is_empty());
    }
}

/// White space as C has it; what Unicode adds may be part of a password.
fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

#[cfg(test)]
mod tests;
