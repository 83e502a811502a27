//! Names of files for accounts and servers: any text becomes one that no file system minds, and no two texts become the
//! same one. Pure.

use std::collections::BTreeSet;

use crate::picture;
use crate::system::avatar::Target;

/// The names of one folder that are given away, in lower case: some file systems take both cases for the same.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

/// How long a name becomes at most, in bytes: file systems take 255, and an extension follows.
const LONGEST: usize = 200;

impl Names {
    /// Without these, which stand in the folder already.
    pub(super) fn without(reserved: &[&str]) -> Names {
        Names(reserved.iter().map(|name| name.to_lowercase()).collect())
    }

    /// The name for a text: the text itself as far as it can be, and else as much of it encoded as makes it another one
    /// than those before.
    pub(super) fn give(&mut self, text: &str) -> String {
        let all = |_: u8| false;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        let lower = |byte: u8| plain(byte) && !byte.is_ascii_uppercase();
        let ways = [
            encoded(text, plain),
            encoded(text, lower),
            encoded(text, all),
        ];
        // Only a text that is there twice comes to these.
        let numbered = (2..).map(|number: u32| encoded(&format!("{text}/{number}"), plain));
        let mut names = ways.into_iter().chain(numbered).map(|name| cut(name, text));
        let free = names.find(|name| self.0.insert(name.to_lowercase()));
        free.expect("the numbers do not end")
    }

    /// The names for accounts, the same whatever their order; none for the caller, whose name is not known yet.
    pub(super) fn of(&mut self, targets: &[&Target]) -> Vec<Option<String>> {
        let named = targets.iter().zip(0..);
        let named = named.map(|(target, at)| (format!("{}\0{}", target.value(), target.key()), at));
        let mut order: Vec<(String, usize)> = named.collect();
        order.sort();
        let mut names = vec![None; targets.len()];
        // Lower case first: of two that differ in case alone, that one keeps its letters.
        for (_, at) in order.into_iter().rev() {
            names[at] = targets[at].name().map(|name| self.give(name));
        }
        names
    }
}

/// Percent-encodes all bytes but those that are kept, and a dot at the beginning: it would hide the file, or lead to
/// another folder.
fn encoded(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut name = String::new();
    for byte in text.bytes() {
        match keep(byte) && !(byte == b'.' && name.is_empty()) {
            true => name.push(char::from(byte)),
            false => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name
}

/// A long name ends with a hash of the text in place of the rest.
fn cut(mut name: String, text: &str) -> String {
    if name.len() > LONGEST {
        let hash = picture::hex(&picture::sha256(text.as_bytes())[..16]);
        let begin = LONGEST - hash.len() - 1;
        // Not within an encoded byte.
        let end = name[..begin].rfind('%').filter(|at| at + 3 > begin);
        name.truncate(end.unwrap_or(begin));
        name = format!("{name}-{hash}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(texts: &[&str]) -> Vec<String> {
        let mut names = Names::default();
        texts.iter().map(|text| names.give(text)).collect()
    }

    #[test]
    fn a_name_is_kept_as_far_as_a_file_can_have_it() {
        for (text, name) in [
            ("build-bot", "build-bot"),
            ("Robot_2.x", "Robot_2.x"),
            ("@robot:example.org", "@robot%3Aexample.org"),
            ("..", "%2E."),
            (".ssh", "%2Essh"),
            ("a/../b", "a%2F..%2Fb"),
            ("50%", "50%25"),
            ("zoë", "zo%C3%AB"),
            ("a\nb\0", "a%0Ab%00"),
            ("-rf", "-rf"),
        ] {
            assert_eq!(given(&[text]), [name], "{text:?}");
        }
    }

    #[test]
    fn no_two_names_differ_in_case_alone() {
        assert_eq!(given(&["robot", "Robot"]), ["robot", "%52obot"]);
        assert_eq!(given(&["Robot", "robot"]), ["Robot", "%72%6F%62%6F%74"],);
        assert_eq!(given(&["7", "7", "7"]), ["7", "%37", "7%2F2"]);
        let hostile = [
            "A", "a", "%41", "%61", "a/2", "A/2", "%2561", "a", "A", "a%2F2",
        ];
        let folded: BTreeSet<String> = given(&hostile)
            .iter()
            .map(|name| name.to_lowercase())
            .collect();
        assert_eq!(folded.len(), hostile.len());
    }

    #[test]
    fn a_long_name_is_cut_and_stays_its_own() {
        let long = |end: &str| "ü".repeat(300) + end;
        let names = given(&[&long("a"), &long("b"), &"x".repeat(200), &"x".repeat(201)]);
        for name in &names {
            assert!(name.len() <= LONGEST, "{name}");
        }
        let unique: BTreeSet<&String> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        let (start, _) = names[0].rsplit_once('-').expect("a hash");
        assert!(
            start.ends_with("%C3%BC") || start.ends_with("%C3"),
            "{start}"
        );
    }

    #[test]
    fn the_order_of_the_accounts_changes_no_name() {
        let kind = crate::system::ALL[0].targets;
        let target = |name: &str| Target::Named {
            kind: &kind[0],
            value: name.to_owned(),
        };
        let [one, two] = [target("Robot"), target("robot")];
        let names = |targets: &[&Target]| Names::default().of(targets);
        let wanted = [Some("%52obot".to_owned()), Some("robot".to_owned())];
        assert_eq!(names(&[&one, &two]), wanted);
        assert_eq!(
            names(&[&two, &Target::Caller, &one]),
            [wanted[1].clone(), None, wanted[0].clone()]
        );
    }
}
