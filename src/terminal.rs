//! Foreign text made safe to show: one line, bounded, and nothing that a terminal or a reader's eye would
//! obey. Whatever comes from a server, a file name or a user passes through here before it is printed.

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
            if obeyed(c) {
                line.extend(c.escape_unicode());
            } else {
                line.push(c);
            }
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
        match obeyed(c) {
            true => quoted.extend(c.escape_unicode()),
            false => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Characters that change how others are shown, or show nothing: Unicode categories Cc and Cf as far as
/// they are known to deceive (Trojan Source, CVE-2021-42574), line separators, variation tags.
pub fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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
