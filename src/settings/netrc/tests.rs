//! Netrc files as people write them, held against what versions of curl make of them.

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
