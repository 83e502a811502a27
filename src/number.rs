//! Numbers in what a person or a server wrote.

use std::str::FromStr;

/// A number of decimal digits and nothing else: Rust's own reading takes `+80` too, which is no port, no length
/// and no number of seconds.
pub fn digits<N: FromStr>(text: &str) -> Option<N> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_alone_are_a_number() {
        assert_eq!(digits::<u16>("0080"), Some(80));
        for text in ["", "+80", "-1", " 80", "80 ", "8e1", "65536", "٨٠"] {
            assert_eq!(digits::<u16>(text), None, "{text}");
        }
    }
}
