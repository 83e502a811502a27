//! What a netrc file says about a host, read as curl reads it, so that a file that works there works here. Which
//! file that is stands in an option or a variable; nothing here opens it.
//!
//! The versions of curl differ (7.88, 8.11, 8.12 and 8.16 were asked). Where they do, the reading is the one that
//! understands more of the file. Where they send one entry's password with another's login, or take a value for a
//! keyword, they are not followed.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::secret::{Environment, Secret, accept};

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
mod tests {
    use super::*;

    /// `login:password` for the host h, `?` for a login that the file leaves open, `-` for nothing.
    fn say(text: &str, login: Option<&str>) -> String {
        let Some(entry) = find(text, "h", login) else {
            return "-".to_owned();
        };
        let login = entry.login.as_deref().unwrap_or("?");
        format!("{login}:{}", entry.password.expose())
    }

    #[track_caller]
    fn says(table: &[(&str, Option<&str>, &str)]) {
        for &(text, login, wanted) in table {
            assert_eq!(say(text, login), wanted, "{text:?} for {login:?}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let found = find("machine h login a password hunter2", "h", None);
        assert_eq!(
            format!("{found:?}"),
            "Some(Entry { login: Some(\"a\"), password: (redacted) })"
        );
    }

    #[test]
    fn words_stand_on_lines_as_they_like() {
        for text in [
            "machine h login a password b",
            "machine h password b login a\n",
            "machine\nh\n\nlogin\na\npassword\nb\n",
            "\t machine \x0b h\tlogin\x0c a\r password\t\tb\t",
            "machine h\r\n\r\n\tlogin a \r\n\tpassword b\r\n",
            "MACHINE H Login a PASSWORD b",
            "# first\n  # second\nmachine h # third\n login a\n#password x\npassword b # fourth",
            "machine h login\n# a comment in front of a line\na password b",
            "machine h # it is \"quoted\nlogin a password b",
            "machine \"h\" \"login\" \"a\" \"password\" \"b\"",
            "nonsense machine h and login a so password b",
            "machine h account x login a account \"y z\" password b",
            "machine h account password login a password b",
            "machine other account default machine h login a password b",
        ] {
            assert_eq!(say(text, None), "a:b", "{text:?}");
        }
    }

    #[test]
    fn quotes_hold_anything() {
        says(&[
            (r##"machine h login "a b" password "#c""##, None, "a b:#c"),
            (
                r#"machine h login "\"\\\x" password "\n\r\t""#,
                None,
                "\"\\x:\n\r\t",
            ),
            (r#"machine h login a\n password 'b"'"#, None, r#"a\n:'b"'"#),
            ("machine h login a password #b", None, "a:#b"),
            ("machine h login a#b password c#", None, "a#b:c#"),
            (
                "machine h login \u{fc}\u{a0}\u{1} password \u{85}",
                None,
                "\u{fc}\u{a0}\u{1}:\u{85}",
            ),
            // Words that follow at once, less their first letter.
            ("machine h login \"a\"xpassword b", None, "a:b"),
            ("machine h login \"a\"password b", None, "a:"),
            ("machine h login a password \"b\"c", None, "a:b"),
            ("machine h login a password \"b\"\u{e9}\u{e9}", None, "a:b"),
        ]);
    }

    #[test]
    fn a_quote_without_an_end_spoils_what_it_stands_before() {
        says(&[
            ("machine h login \"a password b", None, "-"),
            ("machine h login a password \"b\n\"", None, "-"),
            ("machine h login a password \"b\\", None, "-"),
            (
                "machine other login \"x\nmachine h login a password b",
                None,
                "-",
            ),
            ("machine h password b\n\"", None, "-"),
            ("machine h login a password b\n\"", None, "a:b"),
            ("machine h login a password b\n\"", Some("c"), "-"),
        ]);
    }

    #[test]
    fn the_first_entry_that_fits_is_taken() {
        let two = "machine h login a password b\nmachine h login c password d\n";
        let open = "machine h password z\nmachine h login c password d\n";
        says(&[
            (two, None, "a:b"),
            (two, Some("c"), "c:d"),
            (two, Some("C"), "-"),
            (two, Some(""), "-"),
            (
                "machine h login a password b login c password d",
                Some("c"),
                "c:d",
            ),
            ("machine h login a login c password d", None, "c:d"),
            ("machine h login a login c password d", Some("a"), "-"),
            ("machine h password b password d login a", None, "a:d"),
            ("machine h login a password b password d", Some("x"), "-"),
            ("machine h password b login a", Some("x"), "-"),
            (open, None, "c:d"),
            (open, Some("c"), "c:d"),
            (open, Some("x"), "?:z"),
        ]);
    }

    #[test]
    fn half_an_entry_is_better_than_none() {
        says(&[
            ("machine h", None, "-"),
            ("machine h login a", None, "a:"),
            ("machine h login a", Some("a"), "a:"),
            ("machine h login a", Some("c"), "-"),
            ("machine h password b", None, "?:b"),
            ("machine h password b", Some("c"), "?:b"),
            ("machine h login a password \"\"", None, "a:"),
            ("machine h login \"\" password b", None, ":b"),
            ("machine h password b machine h password d", None, "?:b"),
            ("machine h login a machine h password d", None, "?:d"),
            ("machine h login a machine h password d", Some("c"), "?:d"),
            ("machine h login a machine h login c", None, "c:"),
            (
                "machine h login a machine h login a password b",
                Some("a"),
                "a:b",
            ),
            ("machine h login", None, "-"),
        ]);
    }

    #[test]
    fn entries_do_not_mix() {
        says(&[
            (
                "machine h login a machine other login c password d",
                None,
                "a:",
            ),
            (
                "machine h password b machine other login c password d",
                None,
                "?:b",
            ),
            (
                "machine h login a machine h login c password d",
                Some("a"),
                "a:",
            ),
            ("machine other login h password x", None, "-"),
            ("machine other login default password x", None, "-"),
            ("machine other login machine h password x", None, "-"),
            (
                "machine other password machine machine h login a password b",
                None,
                "a:b",
            ),
            ("login a password b machine h", None, "-"),
        ]);
    }

    #[test]
    fn default_is_an_entry_for_every_host() {
        let first = "default login a password b\nmachine h login c password d\n";
        let last = "machine other login a password b\ndefault login c password d\n";
        says(&[
            (first, None, "a:b"),
            (first, Some("c"), "c:d"),
            (last, None, "c:d"),
            (last, Some("a"), "-"),
            ("machine h login a default login c password d", None, "c:d"),
            (
                "machine h password b default login c password d",
                None,
                "c:d",
            ),
            (
                "machine h login a password b default password d",
                Some("c"),
                "?:d",
            ),
            (
                "machine h login a password b default login c password d",
                Some("x"),
                "-",
            ),
            ("default machine h login c password d", None, "c:d"),
            (
                "default login a machine other login c password d",
                None,
                "a:",
            ),
        ]);
    }

    #[test]
    fn a_macro_is_passed_over() {
        let entry = "machine h login a password b\n";
        for (text, wanted) in [
            ("macdef m\nENTRY\nmachine h login c password d", "c:d"),
            ("macdef m\r\nget x\r\n\r\nENTRY", "a:b"),
            ("macdef m\nget x\n \t\nENTRY", "a:b"),
            ("macdef m\n\nENTRY", "a:b"),
            ("macdef\n\nENTRY", "a:b"),
            ("MacDef m ENTRY", "-"),
            ("macdef m\n# \"\nENTRY", "-"),
            ("macdef m\n\"\n\nENTRY", "a:b"),
            (
                "machine h\nmacdef m\nlogin x password y\n\nlogin a password b",
                "a:b",
            ),
            ("machine other\nmacdef m\nENTRY\nENTRY", "a:b"),
            ("machine macdef login m\nENTRY", "a:b"),
        ] {
            let text = text.replace("ENTRY", entry);
            assert_eq!(say(&text, None), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_host_is_compared_whole_and_without_case() {
        for (written, host, found) in [
            ("Jira.Example.com", "jira.example.COM", true),
            ("example.com", "jira.example.com", false),
            ("jira.example.com", "example.com", false),
            ("example.com:443", "example.com", false),
            ("example.com.", "example.com", false),
            ("https://example.com", "example.com", false),
            ("::1", "::1", true),
            ("\u{fc}", "\u{dc}", false),
            ("", "example.com", false),
        ] {
            let text = format!("machine \"{written}\" login a password b");
            assert_eq!(find(&text, host, None).is_some(), found, "{text} {host}");
        }
    }

    #[test]
    fn a_text_that_is_cut_off_anywhere_is_read_to_there() {
        let text = "\u{feff}# \u{fc}\r\nmacdef m\n\tget \"x\n\nMachine other login x account y password \"\\\"\u{e9}\\\\\"\u{e9}z\n\
                    machine h # c\n login \u{fc} password \"p\\n#\" machine h login c password d\n\
                    default \"login\" e password #f\n\nmacdef n\n\nmachine";
        // The answers on the way, each once as long as it stays the same.
        for (login, wanted) in [
            (None, &["-", "\u{fc}:", "-", "\u{fc}:p\n#"][..]),
            (Some("c"), &["-", "c:", "c:d"]),
            (Some("e"), &["-", "e:", "e:#", "e:#f"]),
            (Some("x"), &["-"]),
        ] {
            let ends = text.char_indices().map(|(end, _)| end);
            let mut found: Vec<String> = ends.map(|end| say(&text[..end], login)).collect();
            found.dedup();
            assert_eq!(found, wanted, "{login:?}");
        }
    }
}
