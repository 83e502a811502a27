//! One line of `--json`: keys in the order they are given, as the contract shows them, `v` and `type` first.

use serde_json::Value;

use crate::error::Error;
use crate::terminal::visible_json;

/// A JSON object that grows to the right.
pub(super) struct JsonLine(String);

impl JsonLine {
    pub(super) fn new(kind: &str) -> JsonLine {
        JsonLine("{\"v\":1".to_owned()).put("type", kind)
    }

    pub(super) fn put(mut self, key: &str, value: impl Into<Value>) -> JsonLine {
        let comma = if self.0.ends_with('{') { "" } else { "," };
        let (key, value) = (Value::from(key), value.into());
        self.0.push_str(&format!("{comma}{key}:{value}"));
        self
    }

    /// An object inside the line.
    pub(super) fn object(mut self, key: &str, fill: impl FnOnce(JsonLine) -> JsonLine) -> JsonLine {
        let inner = fill(JsonLine("{".to_owned()));
        self.0.push_str(&format!(",\"{key}\":{}}}", inner.0));
        self
    }

    pub(super) fn put_all(self, pairs: &[(&str, Value)]) -> JsonLine {
        let put = |line: JsonLine, (key, value): &(&str, Value)| line.put(key, value.clone());
        pairs.iter().fold(self, put)
    }

    /// A failure as an object inside the line.
    pub(super) fn put_error(self, error: &Error) -> JsonLine {
        self.object("error", |line| {
            line.put("class", error.class.name())
                .put("exit", error.class.exit())
                .put("status", error.status)
                .put("message", error.message())
                .put("hint", error.hint.as_deref())
        })
    }

    /// The line with its end. What a terminal would obey is escaped, because lines are looked at, too.
    pub(super) fn end(self) -> String {
        visible_json(self.0) + "}\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order() {
        let line = JsonLine::new("account")
            .put("system", "jira")
            .put("before", None::<&str>)
            .object("error", |error| error.put("exit", 77).put("class", "a\"b"))
            .put("verified", true);
        assert_eq!(
            line.end(),
            "{\"v\":1,\"type\":\"account\",\"system\":\"jira\",\"before\":null,\"error\":{\"exit\":77,\"class\":\"a\\\"b\"},\"verified\":true}\n"
        );
    }
}
