//! Foreign text made safe to show: one line, bounded, and nothing that a terminal or a reader's eye would
//! obey. Whatever comes from a server, a file name or a user passes through here before it is printed: the
//! outputs see to it, so that nobody who hands them a text has to.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How much of a server's text a message carries, in characters.
pub const MESSAGE: usize = 300;

/// `text` on one line of at most `limit` characters: runs of white space become one blank, control,
/// bidirectional and zero-width characters are escaped as `\u{..}`, a longer text ends in `…`.
pub fn clean(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_ascii_whitespace() {
        let blank = if line.is_empty() { "" } else { " " };
        for c in blank.chars().chain(word.chars()) {
            if length == limit {
                line.push('…');
                return line;
            }
            length += 1;
            line = show(line, c);
        }
    }
    line
}

/// `text` as it is, but for what a terminal would obey: that is escaped as `\u{..}`, line ends too.
pub fn visible(text: &str) -> Cow<'_, str> {
    match text.contains(is_deceptive) {
        true => text.chars().fold(String::new(), show).into(),
        false => text.into(),
    }
}

fn show(mut line: String, c: char) -> String {
    match is_deceptive(c) {
        true => line.extend(c.escape_unicode()),
        false => line.push(c),
    }
    line
}

/// The same for JSON, where escapes have a form of their own: a reader gets the text back as it was. Such
/// characters stand nowhere but inside of its texts and keys.
pub fn visible_json(json: String) -> String {
    if !json.contains(is_deceptive) {
        return json;
    }
    let mut line = String::new();
    for c in json.chars() {
        match is_deceptive(c) {
            true => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
            false => line.push(c),
        }
    }
    line
}

/// `text` in quotes, for user input in a message: blanks and line ends stay visible, because they are often
/// the mistake.
pub fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for (at, c) in text.chars().enumerate() {
        if at == MESSAGE {
            quoted.push('…');
            break;
        }
        quoted = show(quoted, c);
    }
    quoted.push('"');
    quoted
}

/// Characters that change how others are shown, or show nothing (Trojan Source, CVE-2021-42574): by Unicode 18.0
/// the categories Cc, Cf, Zl and Zp, and whatever is Default_Ignorable_Code_Point: fillers, variation selectors
/// and tags, with what is kept free for more of them.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// When output is coloured, as a user says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_codes_stay_text() {
        assert_eq!(clean("\x1b[31mred\x07", 80), "\\u{1b}[31mred\\u{7}");
    }

    #[test]
    fn c1_controls_stay_text() {
        assert_eq!(clean("\u{9b}31m", 80), "\\u{9b}31m");
    }

    #[test]
    fn right_to_left_override_stays_text() {
        assert_eq!(clean("gnp\u{202e}exe", 80), "gnp\\u{202e}exe");
    }

    #[test]
    fn zero_width_joins_nothing() {
        assert_eq!(
            clean("ro\u{200b}bot\u{feff}", 80),
            "ro\\u{200b}bot\\u{feff}"
        );
    }

    #[test]
    fn json_gets_escapes_of_its_own() {
        assert_eq!(
            visible_json("{\"a\u{7f}\":\"\u{202e}\u{9b}\u{e0041}ä\"}".to_owned()),
            "{\"a\\u007f\":\"\\u202e\\u009b\\udb40\\udc41ä\"}"
        );
    }

    #[test]
    fn a_forged_second_line_is_joined() {
        assert_eq!(
            clean("ok\r\navatarctl: all done\n", 80),
            "ok avatarctl: all done"
        );
    }

    #[test]
    fn a_long_text_is_cut_at_the_limit() {
        assert_eq!(clean("abcdef", 6), "abcdef");
        assert_eq!(clean("abcdefg", 6), "abcdef…");
        assert_eq!(clean("äöüäöüä", 6), "äöüäöü…");
    }

    #[test]
    fn ordinary_text_of_any_script_is_kept() {
        assert_eq!(clean("Робот 机器人 ñ 🤖", 80), "Робот 机器人 ñ 🤖");
    }
}
