//! A recording as an HTTP archive (HAR 1.2), which browsers and their tools open. What is no text stands in it by its
//! length and its SHA-256. Secrets were taken out when the recording was made.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Exchange, Payload, Recording};
use crate::time::rfc3339_millis;

/// What every exchange belongs to: archives are made of the pages of a browser, and some readers want one.
const PAGE: &str = "page_1";
const HTTP: &str = "HTTP/1.1";
/// In the place of a size or a time that is not known.
const UNKNOWN: i64 = -1;

/// Writes the archive; `title` says what it is of.
pub fn write(out: &mut dyn Write, title: &str, recording: &Recording) -> io::Result<()> {
    let exchanges = recording.exchanges();
    let begun = exchanges.first().map(|first| rfc3339_millis(first.begun));
    let creator = json!({ "name": "avatarctl", "version": env!("CARGO_PKG_VERSION") });
    let page = json!({
        "startedDateTime": begun.unwrap_or_else(|| rfc3339_millis(std::time::UNIX_EPOCH)),
        "id": PAGE,
        "title": title,
        "pageTimings": {},
    });
    let comment = match recording.missing() {
        0 => "secrets are redacted, pictures are replaced by their length and SHA-256".to_owned(),
        missing => format!("{missing} exchanges are missing: there was no room for them"),
    };
    write!(
        out,
        "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"pages\":[{page}],\"comment\":{},\"entries\":[",
        Value::from(comment)
    )?;
    for (at, exchange) in exchanges.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}\n{}", entry(exchange))?;
    }
    out.write_all(b"\n]}}\n")
}

fn entry(exchange: &Exchange) -> Value {
    let times = &exchange.times;
    let made = |time: Option<Duration>| time.map_or(json!(UNKNOWN), millis);
    // Of a connection, the handshake is counted again by itself.
    let connect = match (times.connect, times.encrypt) {
        (Some(connect), encrypt) => Some(connect + encrypt.unwrap_or_default()),
        (None, encrypt) => encrypt,
    };
    let mut entry = json!({
        "pageref": PAGE,
        "startedDateTime": rfc3339_millis(exchange.begun),
        "time": millis(times.sum()),
        "request": request(exchange),
        "response": match &exchange.answer {
            Ok(answer) => response(answer),
            Err(_) => no_response(),
        },
        "cache": {},
        "timings": {
            "blocked": UNKNOWN,
            "dns": made(times.look_up),
            "connect": made(connect),
            "ssl": made(times.encrypt),
            "send": millis(times.send),
            "wait": millis(times.wait),
            "receive": millis(times.receive),
        },
    });
    if let Some(address) = exchange.connection.peer {
        entry["serverIPAddress"] = json!(address.to_string());
    }
    if exchange.connection.number > 0 {
        entry["connection"] = json!(exchange.connection.number.to_string());
    }
    if let Err(why) = &exchange.answer {
        entry["comment"] = json!(format!("no answer: {why}"));
    }
    entry
}

fn request(exchange: &Exchange) -> Value {
    let mut request = json!({
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": HTTP,
        "cookies": cookies(&exchange.cookies),
        "headers": pairs(&exchange.headers),
        "queryString": pairs(&exchange.query),
        "headersSize": UNKNOWN,
        "bodySize": exchange.length,
    });
    let mut body = match &exchange.body {
        Payload::Nothing => return request,
        Payload::Text(text) => json!({ "text": text }),
        Payload::Bytes { length, digest } => {
            let what = described(*length, digest);
            json!({ "text": what, "comment": what })
        }
        Payload::Form(fields) => {
            json!({ "params": fields.iter().map(parameter).collect::<Vec<_>>() })
        }
    };
    body["mimeType"] = json!(exchange.media_type.as_deref().unwrap_or_default());
    request["postData"] = body;
    request
}

fn parameter(field: &crate::http::Field) -> Value {
    let mut parameter = json!({ "name": field.name });
    if let Some((name, media_type)) = &field.file {
        parameter["fileName"] = json!(name);
        parameter["contentType"] = json!(media_type);
    }
    match &field.content {
        Payload::Text(text) => parameter["value"] = json!(text),
        Payload::Bytes { length, digest } => {
            parameter["comment"] = json!(described(*length, digest));
        }
        Payload::Nothing | Payload::Form(_) => {}
    }
    parameter
}

fn response(answer: &Answer) -> Value {
    let kind = answer
        .headers
        .iter()
        .find(|(name, _)| name == "content-type");
    let mut content = json!({
        "size": answer.length,
        "mimeType": kind.map_or("x-unknown", |(_, value)| value.as_str()),
    });
    match &answer.body {
        Payload::Text(text) => content["text"] = json!(text),
        Payload::Bytes { length, digest } => {
            let what = described(*length, digest);
            content["text"] = json!(what);
            content["comment"] = json!(what);
        }
        Payload::Nothing | Payload::Form(_) => {}
    }
    if answer.cut {
        content["comment"] = json!("longer than what is read of an answer");
    }
    json!({
        "status": answer.status,
        "statusText": "",
        "httpVersion": HTTP,
        "cookies": cookies(&answer.cookies),
        "headers": pairs(&answer.headers),
        "content": content,
        "redirectURL": answer.place.as_deref().unwrap_or_default(),
        "headersSize": UNKNOWN,
        "bodySize": answer.length,
    })
}

/// What browsers write of an answer that never came.
fn no_response() -> Value {
    json!({
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": { "size": 0, "mimeType": "x-unknown" },
        "redirectURL": "",
        "headersSize": UNKNOWN,
        "bodySize": UNKNOWN,
    })
}

fn pairs(pairs: &[(String, String)]) -> Value {
    let pair = |(name, value): &(String, String)| json!({ "name": name, "value": value });
    pairs.iter().map(pair).collect()
}

fn cookies(names: &[String]) -> Value {
    let cookie = |name: &String| json!({ "name": name, "value": crate::redact::REDACTED });
    names.iter().map(cookie).collect()
}

fn described(length: u64, digest: &str) -> String {
    format!("{length} bytes, SHA-256 {digest}")
}

/// In milliseconds, to the microsecond.
fn millis(time: Duration) -> Value {
    json!(time.as_micros() as f64 / 1000.0)
}
