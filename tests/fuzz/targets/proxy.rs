//! Rules for proxies: a proxy that is found can be connected to, a login is in nothing that is shown, and a host that a
//! list names is left out.

use std::ffi::OsString;

use avatarctl::settings::address::Address;
use avatarctl::settings::environment::Environment;
use avatarctl::settings::proxy::Proxies;

/// The texts are `--proxy`, three variables, and the base address.
pub(super) fn check(bytes: &[u8]) {
    let [option, scheme, all, exceptions, base] = super::texts(bytes);
    let [option, scheme, all] = [option, scheme, all].map(|text| super::with_secret(&text));
    let Ok(base) = Address::parse(&base, "the base URL") else {
        return;
    };
    let option = (!option.is_empty()).then_some(option.as_str());
    let variable = match base.is_https() {
        true => "https_proxy",
        false => "http_proxy",
    };
    let find = |exceptions: &str| {
        let variables = [
            (variable, scheme.as_str()),
            ("ALL_PROXY", all.as_str()),
            ("no_proxy", exceptions),
        ];
        let pairs = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Proxies::new(option, &Environment::new(pairs)).find(&base)
    };
    let chosen = option.unwrap_or(if scheme.is_empty() { &all } else { &scheme });
    match find(&exceptions) {
        Ok(None) => {}
        Ok(Some(proxy)) => {
            assert!(!chosen.is_empty());
            super::assert_clean(&proxy.address.place());
            assert!(proxy.address.port() > 0 && !proxy.address.is_https());
            if let Some(login) = &proxy.login {
                let login = login.expose();
                assert!(login.contains(':') && !login.chars().any(char::is_control));
            }
            assert_eq!(proxy.login.is_some(), chosen.contains('@'));
            let shown = format!("{:?} {}", proxy.login, proxy.address.text());
            if chosen
                .rsplit_once('@')
                .is_some_and(|(login, _)| login.contains(super::SECRET))
            {
                let (_, place) = chosen.rsplit_once('@').expect("it was found");
                assert!(place.contains(super::SECRET) || !shown.contains(super::SECRET));
            }
        }
        Err(error) => {
            super::assert_error(&error);
            let behind = chosen.rsplit_once('@').map_or(chosen, |(_, place)| place);
            if !behind.contains(super::SECRET) {
                assert!(!error.message().contains(super::SECRET), "{error}");
            }
        }
    }
    let host = base.host();
    for left_out in [
        "*".to_owned(),
        host.to_owned(),
        format!("not-{host}, {host}:{}", base.port()),
    ] {
        assert!(matches!(find(&left_out), Ok(None)), "{left_out}");
    }
    let other = find(&format!("not-{host}"));
    assert_eq!(other.is_err(), find("").is_err());
}
