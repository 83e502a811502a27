//! What the program prints, as the tests expect it: the shapes of lines that many tests share, never their words.

/// One of the two outputs, when nothing is printed there.
pub const NOTHING: &str = "";

/// A failure on standard error; an empty hint is none.
pub fn complaint(about: &str, said: &str, hint: &str) -> String {
    match hint {
        "" => format!("avatarctl: {about}: {said}\n"),
        _ => format!("avatarctl: {about}: {said}\nhint: {hint}\n"),
    }
}

/// A line of `--json` about one account, with its last fields as JSON.
pub fn account_line(system: &str, account: &str, action: &str, rest: &str) -> String {
    format!(
        "{{\"v\":1,\"type\":\"account\",\"system\":\"{system}\",\"server\":\"URL\",\"account\":\"{account}\",\
         \"action\":\"{action}\",{rest}}}\n"
    )
}

/// The last line of `--json`, when no account is pending or skipped.
pub fn summary_line(changed: u8, unchanged: u8, failed: u8, exit: i32) -> String {
    format!(
        "{{\"v\":1,\"type\":\"summary\",\"changed\":{changed},\"unchanged\":{unchanged},\"failed\":{failed},\
         \"pending\":0,\"skipped\":0,\"exit\":{exit}}}\n"
    )
}
