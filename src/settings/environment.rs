//! The environment variables of a run, and the files with secrets that they name. Errors here name variables and
//! files, never values.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use crate::error::{Class, Error, Result};
use crate::file::input;
use crate::secret::{Secret, accept};
use crate::terminal::quote;

/// More than any password or token, in bytes; a wrong path must not read a disk into memory.
const LONGEST: u64 = 64 * 1024;

/// The variables that name a trust store in place of the system's: a file, and a list of folders.
const STORE_FILE: &str = "SSL_CERT_FILE";
pub const STORE_FOLDERS: &str = "SSL_CERT_DIR";

/// The environment variables of this run. No `Debug`: some of them are secrets.
pub struct Environment {
    variables: Vec<(OsString, OsString)>,
    /// Secrets that were read, by variable: standard input and pipes can be read once.
    secrets: RefCell<Vec<(String, Secret)>>,
    /// What standard input is read for, if it is taken; it can be read once.
    stdin: RefCell<Option<String>>,
    /// The netrc file, once it was read.
    netrc: RefCell<Option<Rc<str>>>,
    /// Warnings about files that were read, and that nobody has taken yet.
    warnings: RefCell<Vec<String>>,
    /// All warnings so far: the same file may serve many servers, and is warned about once.
    warned: RefCell<Vec<String>>,
}

impl Environment {
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Environment {
        Environment {
            variables: variables.into_iter().collect(),
            secrets: RefCell::default(),
            stdin: RefCell::new(None),
            netrc: RefCell::new(None),
            warnings: RefCell::default(),
            warned: RefCell::default(),
        }
    }

    /// Takes the warnings about files that were read since the last call.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// A variable that is no secret, such as a base address. Empty counts as set.
    pub fn plain(&self, name: &str) -> Result<Option<String>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(configuration(format!("{name} is not valid UTF-8"))),
            },
        }
    }

    /// The value of a variable, of the last one where a name stands twice.
    fn get(&self, name: &str) -> Option<&OsString> {
        let mut variables = self.variables.iter().rev();
        variables.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Whether a variable is set and not empty.
    pub fn is_set(&self, name: &str) -> bool {
        self.path(name).is_some()
    }

    /// The value of a variable that is set and not empty, as a path: it need not be UTF-8.
    fn path(&self, name: &str) -> Option<&OsStr> {
        let value = self.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// The trust store that the variables name in place of the system's, if they do: each path with its variable.
    pub fn trust_store(&self) -> Vec<(&'static str, PathBuf)> {
        let file = self.path(STORE_FILE).map(PathBuf::from);
        let folders = self.path(STORE_FOLDERS).into_iter();
        let folders = folders
            .flat_map(std::env::split_paths)
            .filter(|path| !path.as_os_str().is_empty());
        file.map(|path| (STORE_FILE, path))
            .into_iter()
            .chain(folders.map(|path| (STORE_FOLDERS, path)))
            .collect()
    }

    /// The folder for temporary files.
    pub fn temporary(&self) -> PathBuf {
        let named = self.path("TMPDIR").map(PathBuf::from);
        named.unwrap_or_else(|| PathBuf::from("/").join("tmp"))
    }

    /// Reserves standard input; `purpose` is what an error calls it.
    ///
    /// Errors: configuration, if it is reserved already.
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
        if let Some((_, known)) = self
            .secrets
            .borrow()
            .iter()
            .find(|(known, _)| known == name)
        {
            return Ok(Some(known.clone()));
        }
        let file = format!("{name}_FILE");
        let from_file = self.get(&file);
        let direct = self.get(name);
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
        self.secrets
            .borrow_mut()
            .push((name.to_owned(), secret.clone()));
        Ok(Some(secret))
    }

    /// How long ago the file that `name_FILE` names was written.
    pub fn age_of_file(&self, name: &str) -> Option<Duration> {
        let path = self.get(&format!("{name}_FILE"))?;
        if path == "-" {
            return None;
        }
        let written = fs::metadata(path).ok()?.modified().ok()?;
        SystemTime::now().duration_since(written).ok()
    }

    /// The text of the netrc file. If everybody may read it, a warning is added.
    ///
    /// Errors: configuration, if it cannot be read or is not valid UTF-8.
    pub fn netrc(&self, path: &Path) -> Result<Rc<str>> {
        if let Some(text) = &*self.netrc.borrow() {
            return Ok(text.clone());
        }
        let shown = quote(&path.to_string_lossy());
        let text: Rc<str> = String::from_utf8(read(path, "the netrc file")?)
            .map_err(|_| configuration(format!("the netrc file {shown} is not valid UTF-8")))?
            .into();
        // After the errors: those are reported for every server, and this warning once.
        self.warn_if_public("the netrc file", path);
        *self.netrc.borrow_mut() = Some(text.clone());
        Ok(text)
    }

    /// Adds a warning, once, if everybody may read the file of a secret. Systemd protects its own files by their
    /// directory.
    pub fn warn_if_public(&self, what: &str, path: &Path) {
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
        let mut warned = self.warned.borrow_mut();
        if !warned.contains(&warning) {
            warned.push(warning.clone());
            self.warnings.borrow_mut().push(warning);
        }
    }

    /// The same for the file that `name_FILE` names, if it names one.
    pub fn warn_if_secret_is_public(&self, name: &str) {
        let file = format!("{name}_FILE");
        let path = self.get(&file);
        if let Some(path) = path.filter(|path| *path != "-") {
            self.warn_if_public(&file, Path::new(path));
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
        let directory = self.get("CREDENTIALS_DIRECTORY")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::new(pairs.iter().map(|(k, v)| (k.into(), v.into())))
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
