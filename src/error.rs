//! The one error type: the class decides the exit status, the message says what failed, the hint what to do.
//! It knows no system and prints nothing.

use std::fmt;

pub type Result<T> = std::result::Result<T, Error>;

/// Why something failed, as far as the caller's next step depends on it. The numbers follow sysexits.h and
/// are a contract with Makefiles, cron and CI engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The command line is wrong; nothing was sent.
    Usage,
    /// A manifest, state file or picture is unacceptable, to us or to the server.
    Data,
    /// A named file is missing or unreadable.
    Input,
    /// No such user, employee or avatar.
    Target,
    /// Name look-up, connection or TLS failed: no request was carried.
    Unreachable,
    /// Busy, broken or lost on the way: the same call may work later.
    Temporary,
    /// The answer is not what this system answers, or the read-back disagrees.
    Protocol,
    /// Credentials or permission refused.
    Credentials,
    /// A secret, address or trust store is missing or unusable.
    Configuration,
}

impl Class {
    /// The process exit status, 64 to 78.
    pub fn exit(self) -> u8 {
        match self {
            Class::Usage => 64,
            Class::Data => 65,
            Class::Input => 66,
            Class::Target => 67,
            Class::Unreachable => 69,
            Class::Temporary => 75,
            Class::Protocol => 76,
            Class::Credentials => 77,
            Class::Configuration => 78,
        }
    }

    /// The name in JSON lines.
    pub fn name(self) -> &'static str {
        match self {
            Class::Usage => "usage",
            Class::Data => "data",
            Class::Input => "input",
            Class::Target => "target",
            Class::Unreachable => "unreachable",
            Class::Temporary => "temporary",
            Class::Protocol => "protocol",
            Class::Credentials => "credentials",
            Class::Configuration => "configuration",
        }
    }
}

/// The exit status of a run whose failures have these classes: 0 without any, the one class that all share,
/// else 1.
pub fn merge(classes: impl IntoIterator<Item = Class>) -> u8 {
    let mut classes = classes.into_iter();
    match classes.next() {
        None => 0,
        Some(first) if classes.all(|class| class == first) => first.exit(),
        Some(_) => 1,
    }
}

/// What is wrong where the credentials are good, and the caller may not do this.
pub const NOT_PERMITTED: &str = "not permitted";

/// How an answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The connection broke.
    Broken,
    /// It did not come in time: the server may still be at work on the call.
    Late,
}

/// A failure as data: what was done to what, what is wrong, what the server said of it, and what to do. It becomes text
/// when it is shown. It holds no secret: whoever makes one from foreign text cleans that first.
#[derive(Debug, Clone)]
pub struct Error {
    pub class: Class,
    /// What was being done to what, the outermost first: `line 3`, `accounts[0].image`.
    pub about: Vec<String>,
    /// What is wrong; one line, lower case, no full stop.
    pub reason: String,
    /// The server's own words, where it gave some.
    pub said: Option<String>,
    /// What became of trying again, as the end of a sentence; empty where nothing was.
    pub note: String,
    /// An instruction, where the remedy is known.
    pub hint: Option<String>,
    /// The HTTP status of the answer that said so, where there was one.
    pub status: Option<u16>,
    /// The server's own code of the failure, where it gave one.
    pub code: Option<String>,
    /// How the answer to the call was lost, if it was: the call may have been carried out.
    pub lost: Option<Loss>,
}

impl Error {
    pub fn new(class: Class, reason: impl Into<String>) -> Error {
        Error {
            class,
            about: Vec::new(),
            reason: reason.into(),
            said: None,
            note: String::new(),
            hint: None,
            status: None,
            code: None,
            lost: None,
        }
    }

    /// Says what was being done, or to what: `select avatar 24880`. The last call is the outermost.
    pub fn about(mut self, what: impl Into<String>) -> Error {
        self.about.insert(0, what.into());
        self
    }

    pub fn said(mut self, words: Option<String>) -> Error {
        self.said = words.filter(|words| !words.is_empty());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    pub fn status(mut self, status: u16) -> Error {
        self.status = Some(status);
        self
    }

    /// How the answer was lost, if the call that failed may have been carried out. A gateway or proxy that answers
    /// for the server has lost the server's answer (502), or has stopped waiting for it (504).
    pub fn loss(&self) -> Option<Loss> {
        self.lost.or(match self.status {
            Some(502) => Some(Loss::Broken),
            Some(504) => Some(Loss::Late),
            _ => None,
        })
    }

    /// Whether the call that failed reached a server, as far as is known. It may be refused and still have changed
    /// something.
    pub fn was_sent(&self) -> bool {
        self.lost.is_some() || self.status.is_some() || self.class == Class::Protocol
    }

    /// The whole of it on one line, without the hint.
    pub fn message(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for about in &self.about {
            write!(f, "{about}: ")?;
        }
        f.write_str(&self.reason)?;
        if let Some(said) = &self.said {
            write!(f, ": {said}")?;
        }
        f.write_str(&self.note)
    }
}

/// The kernel's reason without Rust's "(os error 2)".
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string().to_lowercase();
    match text.split_once(" (os error") {
        Some((plain, _)) => plain.to_owned(),
        None => text,
    }
}

/// Lets an error of ours cross ureq and `io::Read`, whose signatures know only their own.
impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_statuses_follow_the_contract() {
        for (class, exit, name) in [
            (Class::Usage, 64, "usage"),
            (Class::Data, 65, "data"),
            (Class::Input, 66, "input"),
            (Class::Target, 67, "target"),
            (Class::Unreachable, 69, "unreachable"),
            (Class::Temporary, 75, "temporary"),
            (Class::Protocol, 76, "protocol"),
            (Class::Credentials, 77, "credentials"),
            (Class::Configuration, 78, "configuration"),
        ] {
            assert_eq!((class.exit(), class.name()), (exit, name));
        }
    }

    #[test]
    fn a_run_ends_with_the_class_its_failures_share() {
        assert_eq!(merge([]), 0);
        assert_eq!(merge([Class::Target]), 67);
        assert_eq!(merge([Class::Target, Class::Target]), 67);
        assert_eq!(merge([Class::Target, Class::Data]), 1);
    }
}
