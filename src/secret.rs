//! Secrets and where they come from. A secret has a type without `Display`, a `Debug` that says nothing,
//! and one way out. Errors here name variables and files, never values.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use crate::error::{Class, Error, Result};
use crate::file::input;
use crate::terminal::quote;

/// Text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Secret {
        Secret(text)
    }

    /// The way out: for a request that is about to be sent, and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

/// More than any password or token, in bytes; a wrong path must not read a disk into memory.
const LONGEST: u64 = 64 * 1024;

/// The environment variables of this run. No `Debug`: some of them are secrets.
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// Secrets that were read, by variable: standard input and pipes give theirs once.
    known: RefCell<Vec<(String, Secret)>>,
    /// Who has taken standard input; it can be read once.
    stdin: RefCell<Option<String>>,
    /// The netrc file, once it was read.
    netrc: RefCell<Option<Rc<str>>>,
    /// What a person should know about files that were read.
    warnings: RefCell<Vec<String>>,
    /// Warnings that were told: the same file may serve many servers.
    told: RefCell<Vec<String>>,
}

impl Environment {
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Environment {
        Environment {
            variables: variables.into_iter().collect(),
            known: RefCell::default(),
            stdin: RefCell::new(None),
            netrc: RefCell::new(None),
            warnings: RefCell::default(),
            told: RefCell::default(),
        }
    }

    /// What a person should know about the files that were read since this was asked last.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// A variable that is no secret, such as a base address. Empty counts as set.
    pub fn plain(&self, name: &str) -> Result<Option<String>> {
        match self.variables.get(OsStr::new(name)) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(configuration(format!("{name} is not valid UTF-8"))),
            },
        }
    }

    /// Whether a variable is set to something.
    pub fn names(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// The value of a variable that is set and not empty, for a path: it need not be text.
    pub fn raw(&self, name: &str) -> Option<&OsStr> {
        let value = self.variables.get(OsStr::new(name))?;
        (!value.is_empty()).then_some(value)
    }

    /// Reserves standard input.
    ///
    /// Errors: configuration, when something else reads it already.
    pub fn take_stdin(&self, purpose: &str) -> Result<()> {
        match self.stdin.replace(Some(purpose.to_owned())) {
            None => Ok(()),
            Some(other) => Err(configuration(format!(
                "standard input cannot be both {other} and {purpose}"
            ))),
        }
    }

    /// The secret called `name`, from the file that `name_FILE` names (`-` is standard input), from the
    /// variable itself, or from systemd's credentials directory.
    ///
    /// Errors: configuration, naming the variable: set twice, unreadable, empty, or with a control
    /// character other than one line end at the end.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>> {
        if let Some((_, known)) = self.known.borrow().iter().find(|(known, _)| known == name) {
            return Ok(Some(known.clone()));
        }
        let file = format!("{name}_FILE");
        let from_file = self.variables.get(OsStr::new(&file));
        let direct = self.variables.get(OsStr::new(name));
        let (bytes, origin) = match (from_file, direct) {
            (Some(_), Some(_)) => {
                return Err(configuration(format!("{name} and {file} are both set"))
                    .hint(format!("keep one of them; {file} is the safer one")));
            }
            (Some(path), None) => (self.read(path, &file)?, file),
            (None, Some(value)) => (value.as_encoded_bytes().to_vec(), name.to_owned()),
            (None, None) => match self.systemd(name)? {
                Some(bytes) => (
                    bytes,
                    format!("the systemd credential {}", name.to_lowercase()),
                ),
                None => return Ok(None),
            },
        };
        let secret = accept(bytes, &origin)?;
        self.known
            .borrow_mut()
            .push((name.to_owned(), secret.clone()));
        Ok(Some(secret))
    }

    /// How long ago the file was written that `name_FILE` names.
    pub fn age(&self, name: &str) -> Option<Duration> {
        let path = self.variables.get(OsStr::new(&format!("{name}_FILE")))?;
        if path == "-" {
            return None;
        }
        let written = fs::metadata(path).ok()?.modified().ok()?;
        SystemTime::now().duration_since(written).ok()
    }

    /// The text of the netrc file; one that everybody may read is worth a warning.
    ///
    /// Errors: configuration, when it cannot be read.
    pub fn netrc(&self, path: &Path) -> Result<Rc<str>> {
        if let Some(text) = &*self.netrc.borrow() {
            return Ok(text.clone());
        }
        let shown = quote(&path.to_string_lossy());
        let text: Rc<str> = String::from_utf8(read(path, "the netrc file")?)
            .map_err(|_| configuration(format!("the netrc file {shown} is not valid UTF-8")))?
            .into();
        // Behind the errors: those are told for every server, and this is worth telling once.
        self.guard("the netrc file", path);
        *self.netrc.borrow_mut() = Some(text.clone());
        Ok(text)
    }

    /// Warns, once, about the file of a secret that everybody may read; systemd guards its own by their directory.
    pub fn guard(&self, what: &str, path: &Path) {
        let facts = fs::metadata(path);
        let open = facts.is_ok_and(|facts| facts.is_file() && facts.mode() & 0o004 != 0);
        if !open
            || self
                .credentials_directory()
                .is_some_and(|directory| path.starts_with(directory))
        {
            return;
        }
        let warning = format!(
            "{what} {} can be read by everybody on this machine; chmod 600 it",
            quote(&path.to_string_lossy())
        );
        let mut told = self.told.borrow_mut();
        if !told.contains(&warning) {
            told.push(warning.clone());
            self.warnings.borrow_mut().push(warning);
        }
    }

    /// The same for the file that `name_FILE` names, where one does.
    pub fn guard_secret(&self, name: &str) {
        let file = format!("{name}_FILE");
        let path = self.variables.get(OsStr::new(&file));
        if let Some(path) = path.filter(|path| *path != "-") {
            self.guard(&file, Path::new(path));
        }
    }

    fn read(&self, path: &OsStr, variable: &str) -> Result<Vec<u8>> {
        if path == "-" {
            self.take_stdin(variable)?;
            let given = input::bytes(std::io::stdin().lock(), LONGEST);
            return given.map_err(|error| {
                let named = format!("{variable} from standard input");
                input::unreadable(&named, Class::Configuration, &error)
            });
        }
        if path.is_empty() {
            return Err(configuration(format!("{variable} is empty")));
        }
        read(Path::new(path), variable)
    }

    fn credentials_directory(&self) -> Option<&Path> {
        let directory = self.variables.get(OsStr::new("CREDENTIALS_DIRECTORY"))?;
        (!directory.is_empty()).then_some(Path::new(directory))
    }

    /// What systemd's `LoadCredential=` put there; a missing file is no error, an unreadable one is.
    fn systemd(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(directory) = self.credentials_directory() else {
            return Ok(None);
        };
        let path = directory.join(name.to_lowercase());
        match fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            _ => read(&path, "the systemd credential").map(Some),
        }
    }
}

fn configuration(message: String) -> Error {
    Error::new(Class::Configuration, message)
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>> {
    input::read(path, what, Class::Configuration, LONGEST)
}

/// Files and here-documents end in a line end that is not part of the secret; anything else that no header
/// can carry would be an injection or a wrong file.
///
/// Errors: configuration, naming the origin.
pub fn accept(mut bytes: Vec<u8>, origin: &str) -> Result<Secret> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(configuration(format!("{origin} is not valid UTF-8")));
    };
    if text.trim_matches(['\r', '\n']).is_empty() {
        return Err(configuration(format!("{origin} is empty")));
    }
    if text.chars().any(char::is_control) {
        let lines = text.lines().filter(|line| !line.is_empty()).count();
        return Err(match text.contains('\n') {
            true if lines > 1 => configuration(format!("{origin} has more than one line"))
                .hint("only the secret may stand there"),
            true => {
                configuration(format!("{origin} has an empty line")).hint("remove the empty line")
            }
            false => configuration(format!("{origin} contains a control character")),
        });
    }
    Ok(Secret(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(pairs.iter().map(|(k, v)| (k.into(), v.into())))
    }

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "(redacted)");
    }

    #[test]
    fn one_line_end_is_stripped() {
        for (value, wanted) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a b ", "a b ")] {
            let secret = environment(&[("T", value)]).secret("T").unwrap().unwrap();
            assert_eq!(secret.expose(), wanted);
        }
    }

    #[test]
    fn other_control_characters_are_refused_without_the_value() {
        for (value, why) in [
            ("a\n\n", "has an empty line"),
            ("a\r\n\r\n", "has an empty line"),
            ("\na\n", "has an empty line"),
            ("a\nb", "has more than one line"),
            ("a\n\nb\n", "has more than one line"),
            ("\n\n", "is empty"),
            ("a\rb", "contains a control character"),
            ("\ta", "contains a control character"),
            ("a\0", "contains a control character"),
            ("a\r", "contains a control character"),
            ("\u{85}a", "contains a control character"),
        ] {
            let error = environment(&[("T", value)]).secret("T").unwrap_err();
            assert_eq!(error.message(), format!("T {why}"), "{value:?}");
            assert_eq!(error.class, Class::Configuration);
        }
    }

    #[test]
    fn both_ways_at_once_are_refused() {
        let error = environment(&[("T", "a"), ("T_FILE", "/dev/null")])
            .secret("T")
            .unwrap_err();
        assert_eq!(error.message(), "T and T_FILE are both set");
    }

    #[test]
    fn standard_input_is_given_once() {
        let environment = environment(&[]);
        environment.take_stdin("the picture").unwrap();
        assert_eq!(
            environment.take_stdin("T_FILE").unwrap_err().message(),
            "standard input cannot be both the picture and T_FILE"
        );
    }
}
