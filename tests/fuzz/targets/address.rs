//! Addresses: a base that is taken is what the HTTP client makes of it, one that is not is refused without what stands
//! before an `@`, parts make the whole again, and query values come back.

use avatarctl::settings::address::{Address, WebAddress, decode, encode, is_web_address};
use ureq::http::Uri;

pub(super) fn check(bytes: &[u8]) {
    let text = super::with_secret(&String::from_utf8_lossy(bytes));
    match Address::parse(&text, "the base URL") {
        Ok(base) => taken(&base),
        Err(error) => {
            super::assert_error(&error);
            if text.contains('@') {
                assert!(!error.message().contains(super::SECRET), "{error}");
            }
        }
    }
    let parts = WebAddress::split(&text);
    let scheme = parts
        .scheme
        .map_or(String::new(), |scheme| format!("{scheme}://"));
    let user = parts
        .user_info
        .map_or(String::new(), |user| format!("{user}@"));
    let before = format!("{scheme}{user}{}{}", parts.place, parts.path);
    assert!(text.starts_with(&before), "{parts:?}");
    match parts.query {
        None => assert_eq!(text, before),
        Some(query) => {
            assert!(text.ends_with(query), "{parts:?}");
            assert_eq!(text.len(), before.len() + 1 + query.len());
        }
    }
    if is_web_address(&text) {
        assert!(!text.chars().any(char::is_control));
        assert!(
            parts
                .host_and_port()
                .is_some_and(|(host, _)| !host.is_empty())
        );
    }
    assert_eq!(decode(&encode(&text)).as_ref(), Some(&text));
    if let Some(plain) = decode(&text) {
        assert_eq!(decode(&encode(&plain)), Some(plain));
    }
}

fn taken(base: &Address) {
    let text = base.text();
    super::assert_clean(text);
    assert!(
        !text.contains(['@', '?', '#', ' ', '\\']) && !text.ends_with('/'),
        "{text}"
    );
    assert!(base.port() > 0);
    let again = Address::parse(text, "the base URL").expect("it was taken before");
    assert_eq!(&again, base);
    let uri: Uri = format!("{text}/rest/api/2?a=b").parse().expect("a URI");
    let host = uri.host().expect("a host").to_ascii_lowercase();
    assert_eq!(host, base.host());
    assert_eq!(
        uri.port_u16()
            .unwrap_or(if base.is_https() { 443 } else { 80 }),
        base.port()
    );
    assert_eq!(uri.scheme_str() == Some("https"), base.is_https());
}
