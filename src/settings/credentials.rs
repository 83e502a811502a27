//! The credentials of one run: which of a system's ways to log in the variables give, and their values.

use std::time::Duration;

use crate::error::{Class, Error, Result};
use crate::secret::Secret;
use crate::settings::environment::Environment;
use crate::settings::netrc::Netrc;

/// A way to log in.
pub struct Login {
    /// Without prefix; all of them are needed. The last is the secret that tells which way is meant.
    pub variables: &'static [&'static str],
    /// Taken along where it is set.
    pub also: Option<&'static str>,
    /// Whether the login and password of a netrc can stand for the first and the last variable, told by the password.
    pub netrc: Option<fn(&str) -> bool>,
}

/// For a login that takes any password of a netrc.
pub const ANY_PASSWORD: Option<fn(&str) -> bool> = Some(|_| true);

impl Login {
    pub const fn last(&self) -> &'static str {
        self.variables[self.variables.len() - 1]
    }

    fn others(&self) -> &'static [&'static str] {
        &self.variables[..self.variables.len() - 1]
    }
}

/// The values of one way to log in.
pub struct Credentials {
    /// Of the variables' names.
    prefix: String,
    login: &'static Login,
    /// In the order of the login's variables.
    values: Vec<Secret>,
    also: Option<Secret>,
    /// A netrc file gave the password.
    pub from_netrc: bool,
    /// How long ago the file of the last variable was written, where it came from one.
    pub age: Option<Duration>,
}

/// Reads variables that begin with one prefix, and a netrc file that stands in for what no variable gives.
struct Reader<'a> {
    logins: &'static [Login],
    prefix: &'a str,
    environment: &'a Environment,
    netrc: &'a Netrc,
}

impl Reader<'_> {
    fn variable(&self, name: &str) -> String {
        format!("{}_{name}", self.prefix)
    }

    fn value(&self, name: &str) -> Result<Option<Secret>> {
        self.environment.secret(&self.variable(name))
    }

    /// The one way whose secret is set.
    ///
    /// Errors: configuration, when there are two.
    fn by_variables(&self) -> Result<Option<(&'static Login, Secret)>> {
        let mut chosen: Option<(&'static Login, Secret)> = None;
        for login in self.logins {
            let Some(secret) = self.value(login.last())? else {
                continue;
            };
            if let Some((other, _)) = &chosen {
                let (one, other) = (self.variable(login.last()), self.variable(other.last()));
                return Err(Error::new(
                    Class::Configuration,
                    format!("{other} and {one} are both set"),
                )
                .hint("keep the one that is meant"));
            }
            chosen = Some((login, secret));
        }
        Ok(chosen)
    }

    /// The way that a netrc file can give, with its password: the one whose first variable is set, else the first that
    /// the password is for.
    fn by_netrc(&self) -> Result<Option<(&'static Login, Secret)>> {
        let pair = |user: Option<&Secret>| {
            let user = user.map(Secret::expose);
            self.netrc.pair(user, self.environment)
        };
        let ways = || self.logins.iter().filter(|login| login.netrc.is_some());
        for login in ways() {
            if let Some(user) = self.value(login.variables[0])? {
                return Ok(pair(Some(&user))?.map(|(_, password)| (login, password)));
            }
        }
        Ok(pair(None)?.and_then(|(_, password)| {
            let fits = |login: &&Login| login.netrc.is_some_and(|fits| fits(password.expose()));
            ways().find(fits).map(|login| (login, password))
        }))
    }

    /// What is wrong where no way is whole.
    fn missing(&self, title: &str) -> Error {
        let ways: Vec<String> = self
            .logins
            .iter()
            .map(|login| {
                let names = login.variables.iter().map(|name| self.variable(name));
                names.collect::<Vec<_>>().join(" and ")
            })
            .collect();
        let mut what = format!("no credentials for {title}");
        for login in self.logins {
            for name in login.others() {
                match self.value(name) {
                    Ok(None) => {}
                    Ok(Some(_)) => what = self.half(name, login.last()),
                    Err(error) => return error,
                }
            }
        }
        Error::new(Class::Configuration, what).hint(format!(
            "set {}{}",
            ways.join(", or "),
            self.netrc.remedy()
        ))
    }

    fn half(&self, set: &str, unset: &str) -> String {
        format!(
            "{} is set and {} is not",
            self.variable(set),
            self.variable(unset)
        )
    }

    /// The values that belong to the secret of a login.
    ///
    /// Errors: configuration, when one is missing.
    fn companions(&self, login: &'static Login, from_netrc: bool) -> Result<Vec<Secret>> {
        let mut values = Vec::new();
        for name in login.others() {
            let value = match self.value(name)? {
                None if login.netrc.is_some() => self
                    .netrc
                    .pair(None, self.environment)?
                    .and_then(|(user, _)| user),
                known => known,
            };
            let Some(value) = value else {
                let what = match from_netrc {
                    true => self.netrc.half(),
                    false => self.half(login.last(), name),
                };
                return Err(Error::new(Class::Configuration, what)
                    .hint(format!("set {}", self.variable(name))));
            };
            values.push(value);
        }
        Ok(values)
    }
}

impl Credentials {
    /// Reads the one of these ways that the environment gives, its variables beginning with `prefix`; a netrc file
    /// stands in for what no variable gives. `title` is the system's, for a message.
    ///
    /// Errors: configuration, when there is none, half of one, or two.
    pub fn read(
        logins: &'static [Login],
        title: &str,
        prefix: &str,
        environment: &Environment,
        netrc: &Netrc,
    ) -> Result<Credentials> {
        let reader = Reader {
            logins,
            prefix,
            environment,
            netrc,
        };
        let (from_netrc, chosen) = match reader.by_variables()? {
            Some(chosen) => (false, Some(chosen)),
            None => (true, reader.by_netrc()?),
        };
        let Some((login, secret)) = chosen else {
            return Err(reader.missing(title));
        };
        let mut values = reader.companions(login, from_netrc)?;
        values.push(secret);
        environment.warn_if_secret_is_public(&reader.variable(login.last()));
        Ok(Credentials {
            prefix: prefix.to_owned(),
            also: match login.also {
                Some(name) => reader.value(name)?,
                None => None,
            },
            age: environment.age_of_file(&reader.variable(login.last())),
            from_netrc,
            login,
            values,
        })
    }

    /// Of the variables' names.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The variables whose values came from a file, and that a shell does not know.
    pub fn elsewhere(&self, environment: &Environment) -> Vec<String> {
        let mut names = self.variables();
        names.retain(|name| !environment.is_set(name));
        names
    }

    /// The full names of the variables of the set.
    pub fn variables(&self) -> Vec<String> {
        let names = self.login.variables.iter();
        names
            .map(|name| format!("{}_{name}", self.prefix))
            .collect()
    }

    /// What is taken along where it is set.
    pub fn also(&self) -> Option<&Secret> {
        self.also.as_ref()
    }

    /// The value of a variable of the set that goes into a header as it is.
    ///
    /// Errors: configuration, when no header can carry it.
    pub fn header(&self, name: &str) -> Result<&Secret> {
        let value = self.get(name).expect("a set of credentials is complete");
        match value.expose().is_ascii() {
            true => Ok(value),
            false => Err(self.unusable(name, "contains a character that no header can carry")),
        }
    }

    /// The value of a variable that cannot be meant.
    pub fn unusable(&self, name: &str, why: &str) -> Error {
        Error::new(
            Class::Configuration,
            format!("{}_{name} {why}", self.prefix),
        )
    }

    /// The value of one variable of the set.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        let names = self.login.variables;
        let at = names.iter().position(|known| *known == name)?;
        self.values.get(at)
    }
}
