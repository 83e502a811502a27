//! Whom the program trusts, and what it says where it does not; and connections that never come about. Every
//! certificate is made anew, so that none of them expires.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, thread};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

use crate::http::proxy::{Proxy, Way};
use crate::support::server::{Wire, unused_address};
use crate::support::strace::count;
use crate::support::{
    Navixy, Reply, RocketChat, Run, Running, Scratch, Server, pictures, rocketchat,
};

const UNCHANGED: &str = "navixy 2132: icon 12\n";

/// A certificate and its key.
struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

impl Identity {
    fn pem(&self) -> String {
        self.certificate.pem()
    }
}

/// For these names (addresses among them), with this common name.
fn parameters(names: &[&str], common: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut parameters = CertificateParams::new(names).expect("names that a certificate can have");
    parameters.distinguished_name.remove(DnType::CommonName);
    parameters
        .distinguished_name
        .push(DnType::CommonName, common);
    parameters
}

/// What signs others, or, made for a server, what `openssl req -x509` makes.
fn authority(mut parameters: CertificateParams) -> Identity {
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    self_signed(parameters)
}

fn self_signed(parameters: CertificateParams) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    Identity { certificate, key }
}

fn signed(parameters: CertificateParams, issuer: &Identity) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let signed = parameters.signed_by(&key, &issuer.certificate, &issuer.key);
    Identity {
        certificate: signed.expect("a certificate"),
        key,
    }
}

/// The authority of a house, as in a file that its machines share.
fn house() -> Identity {
    authority(parameters(&[], "Example House CA"))
}

fn config(
    identity: &Identity,
    chain: &[&Identity],
    versions: &[&'static SupportedProtocolVersion],
    clients: Option<&Identity>,
) -> Arc<ServerConfig> {
    let chain = [identity].into_iter().chain(chain.iter().copied());
    config_of(
        chain.map(|one| one.certificate.der().clone()).collect(),
        PrivateKeyDer::try_from(identity.key.serialize_der()).expect("a key"),
        versions,
        clients,
    )
}

/// Shows this chain and signs with this key, whether or not they belong together.
fn config_of(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
    clients: Option<&Identity>,
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .expect("versions that fit");
    let key = provider
        .key_provider
        .load_private_key(key)
        .expect("a key that can sign");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(authority.certificate.der().clone())
                .expect("a root");
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let shown = Shown(Arc::new(CertifiedKey::new(chain, key)));
    Arc::new(builder.with_cert_resolver(Arc::new(shown)))
}

#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// What administrators have at hand, for keys and certificates as they come from there. In the scratch directory.
#[track_caller]
fn openssl(scratch: &Scratch, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(scratch.path())
        .stdin(Stdio::null())
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("openssl does not start ({error}): install the package openssl")
    });
    assert!(
        output.status.success(),
        "openssl {arguments}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The handshake is made here, so that one that fails is no call of the server.
fn wrap(
    config: Arc<ServerConfig>,
) -> impl Fn(TcpStream) -> io::Result<Box<dyn Wire>> + Send + Sync {
    move |mut socket| {
        let mut session = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        while session.is_handshaking() {
            if session.complete_io(&mut socket).is_err() {
                // An alert is waiting to be told.
                let _ = session.write_tls(&mut socket);
                // Closing with unread bytes would reset the connection, and the alert might be lost.
                let _ = socket.shutdown(Shutdown::Write);
                let _ = io::copy(&mut socket, &mut io::sink());
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(Box::new(StreamOwned::new(session, socket)))
    }
}

fn serve_as(config: Arc<ServerConfig>) -> Running<Navixy> {
    Running::start_over("https", wrap(config), Navixy::default())
}

/// A Navixy that shows this certificate and those behind it.
fn serve(identity: &Identity, chain: &[&Identity]) -> Running<Navixy> {
    serve_as(config(identity, chain, rustls::ALL_VERSIONS, None))
}

/// `navixy show`, with the host as it is named and its port as `PORT`.
fn show(navixy: &Running<Navixy>, host: &str) -> Run {
    let url = navixy.url().replace("127.0.0.1", host);
    Run::new(["navixy", "show", "--employee-id=2132", "--url", &url])
        .env("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b")
        .mask(&format!(":{}", navixy.address().port()), ":PORT")
}

/// What a failed connection reads like.
fn unreachable(what: &str, hint: &str) -> String {
    let hint = match hint {
        "" => String::new(),
        hint => format!("hint: {hint}\n"),
    };
    format!("avatarctl: navixy 2132: read employee 2132: {what}\n{hint}")
}

const UNKNOWN: &str =
    "the certificate of 127.0.0.1:PORT is signed by an authority that is not trusted here";
const GIVE: &str =
    "give the authority's certificate, or the server's own self-signed one, with --ca-file";
const NO_AUTHORITY: &str =
    "the certificate of 127.0.0.1:PORT is signed by a certificate that may not sign others";
const GIVE_OWN: &str = "give the server's own certificate with --ca-file";
const SELF_SIGNED: &str = "the certificate of 127.0.0.1:PORT is self-signed and not trusted here";
const GIVE_THIS: &str = "give this certificate with --ca-file";

/// Works with the file; is refused without it, before a request, with this text.
#[track_caller]
fn needs(file: &str, navixy: &Running<Navixy>, without: &str) {
    let scratch = Scratch::new();
    show(navixy, "127.0.0.1").gives(69, "", without);
    assert_eq!(navixy.calls(), Vec::<String>::new());
    show(navixy, "127.0.0.1")
        .arg("--ca-file")
        .arg(scratch.write("ca.pem", file))
        .gives(0, UNCHANGED, "");
}

/// Is refused with the file, before a request, with this text.
#[track_caller]
fn refuses(file: &str, mut navixy: Running<Navixy>, host: &str, text: &str) {
    navixy.expect_no_calls();
    let scratch = Scratch::new();
    show(&navixy, host)
        .arg("--ca-file")
        .arg(scratch.write("ca.pem", file))
        .gives(69, "", text);
}

// -------------------------------------------------------------------------------------------------- authorities

#[test]
fn an_authority_of_ones_own_is_trusted_by_file() {
    let house = house();
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &house);
    needs(
        &house.pem(),
        &serve(&server, &[]),
        &unreachable(UNKNOWN, GIVE),
    );
}

#[test]
fn an_authority_may_stand_between() {
    let house = house();
    let mut between = parameters(&[], "Example Department CA");
    between.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let between = signed(between, &house);
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &between);
    needs(
        &house.pem(),
        &serve(&server, &[&between]),
        &unreachable(UNKNOWN, GIVE),
    );
}

#[test]
fn a_file_may_hold_several_certificates_and_notes() {
    let (house, other) = (house(), authority(parameters(&[], "Another CA")));
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &house);
    let file = format!(
        "# of the house\r\n{}\n\nsubject=CN = x\n{}",
        other.pem(),
        house.pem().replace('\n', "\r\n")
    );
    needs(&file, &serve(&server, &[]), &unreachable(UNKNOWN, GIVE));
}

#[test]
fn another_authority_is_not_trusted() {
    let (house, other) = (house(), authority(parameters(&[], "Another CA")));
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &house);
    refuses(
        &other.pem(),
        serve(&server, &[]),
        "127.0.0.1",
        &unreachable(UNKNOWN, GIVE),
    );
}

/// The same name and another key: what somebody between would show.
#[test]
fn an_authority_of_the_same_name_is_not_trusted() {
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &house());
    refuses(
        &house().pem(),
        serve(&server, &[]),
        "127.0.0.1",
        &unreachable(UNKNOWN, GIVE),
    );
}

#[test]
fn tls_1_2_and_1_3_are_spoken() {
    let (house, scratch) = (house(), Scratch::new());
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &house);
    let file = scratch.write("ca.pem", house.pem());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let navixy = serve_as(config(&server, &[], &[version], None));
        show(&navixy, "127.0.0.1")
            .arg("--ca-file")
            .arg(&file)
            .gives(0, UNCHANGED, "");
    }
}

// ------------------------------------------------------------------------------------- a server's own certificate

/// What `openssl req -x509` makes: self-signed, and an authority by its constraints.
fn openssl_like(names: &[&str], common: &str) -> Identity {
    authority(parameters(names, common))
}

#[test]
fn a_self_signed_certificate_is_trusted_by_file() {
    let server = openssl_like(&["127.0.0.1"], "127.0.0.1");
    needs(
        &server.pem(),
        &serve(&server, &[]),
        &unreachable(SELF_SIGNED, GIVE_THIS),
    );
}

#[test]
fn a_self_signed_certificate_that_is_no_authority_is_trusted_by_file() {
    let server = self_signed(parameters(&["127.0.0.1"], "navixy"));
    needs(
        &server.pem(),
        &serve(&server, &[]),
        &unreachable(UNKNOWN, GIVE),
    );
}

/// The real thing, with a common name only and with other names.
#[test]
fn a_certificate_that_openssl_made_is_trusted_by_file() {
    let req = "req -x509 -newkey rsa:2048 -nodes -days 30 -keyout key.pem -out cert.pem -subj";
    for (more, host) in [
        ("/CN=localhost", "localhost"),
        ("/CN=127.0.0.1", "127.0.0.1"),
        (
            "/O=Example -addext subjectAltName=IP:127.0.0.1",
            "127.0.0.1",
        ),
    ] {
        let scratch = Scratch::new();
        openssl(&scratch, &format!("{req} {more}"));
        let chain = vec![CertificateDer::from_pem_file(scratch.join("cert.pem")).expect("PEM")];
        let key = PrivateKeyDer::from_pem_file(scratch.join("key.pem")).expect("PEM");
        for version in rustls::ALL_VERSIONS {
            let config = config_of(chain.clone(), key.clone_key(), &[version], None);
            let navixy = serve_as(config);
            show(&navixy, host).gives(
                69,
                "",
                &unreachable(&SELF_SIGNED.replace("127.0.0.1", host), GIVE_THIS),
            );
            assert_eq!(navixy.calls(), Vec::<String>::new());
            show(&navixy, host)
                .arg("--ca-file")
                .arg(scratch.join("cert.pem"))
                .gives(0, UNCHANGED, "");
        }
    }
}

/// A certificate of version 1, as old appliances have them: its number left out, which stands for 1.
fn version_1() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    // Long enough for lengths of two bytes.
    let server = self_signed(parameters(&["127.0.0.1"], &"navixy".repeat(40)));
    let key = PrivateKeyDer::try_from(server.key.serialize_der()).expect("a key");
    (without_version(&server), key)
}

/// A long certificate whose signature nobody looks at, without the number of its version.
fn without_version(identity: &Identity) -> CertificateDer<'static> {
    let mut der = identity.certificate.der().to_vec();
    assert_eq!(der[..2], [0x30, 0x82]);
    assert_eq!(der[4..6], [0x30, 0x82]);
    let number: Vec<u8> = der.drain(8..13).collect();
    assert_eq!(number, b"\xa0\x03\x02\x01\x02");
    for at in [2, 6] {
        let length = u16::from_be_bytes([der[at], der[at + 1]]) - 5;
        der[at..at + 2].copy_from_slice(&length.to_be_bytes());
    }
    der.into()
}

fn pem(der: &[u8]) -> String {
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        BASE64_STANDARD.encode(der)
    )
}

/// Even where it was named itself: it is too old to be read.
#[test]
fn a_certificate_of_version_1_is_refused_as_such() {
    let (certificate, key) = version_1();
    refuses(
        &pem(&certificate),
        serve_as(config_of(
            vec![certificate],
            key,
            rustls::ALL_VERSIONS,
            None,
        )),
        "127.0.0.1",
        &unreachable(
            "the certificate of 127.0.0.1:PORT is of X.509 version 1, which is not supported",
            "make one of version 3, as openssl req -x509 does",
        ),
    );
}

/// A certificate is public: anybody can show it, and only its owner can sign for it.
#[test]
fn to_show_a_trusted_certificate_is_not_enough() {
    let house = house();
    let pinned = openssl_like(&["127.0.0.1"], "navixy");
    let issued = signed(parameters(&["127.0.0.1"], "navixy"), &house);
    for (shown, file) in [(&pinned, pinned.pem()), (&issued, house.pem())] {
        for version in rustls::ALL_VERSIONS {
            let other = KeyPair::generate().expect("a key").serialize_der();
            let config = config_of(
                vec![shown.certificate.der().clone()],
                PrivateKeyDer::try_from(other).expect("a key"),
                &[version],
                None,
            );
            refuses(
                &file,
                serve_as(config),
                "127.0.0.1",
                &unreachable(
                    "127.0.0.1:PORT does not prove that the certificate it shows is its own",
                    "somebody may intercept the connection; or the server has another key, or an RSA key of less than 2048 bits",
                ),
            );
        }
    }
}

/// Same names, another key: it is the certificate that was named as trusted, not its names.
#[test]
fn another_self_signed_certificate_of_the_same_name_is_not_trusted() {
    let (server, other) = (
        openssl_like(&["127.0.0.1"], "navixy"),
        openssl_like(&["127.0.0.1"], "navixy"),
    );
    refuses(
        &other.pem(),
        serve(&server, &[]),
        "127.0.0.1",
        &unreachable(SELF_SIGNED, GIVE_THIS),
    );
}

/// The same without the mark of an authority: then it is its signature that does not fit.
#[test]
fn another_self_signed_certificate_that_is_no_authority_is_not_trusted() {
    let leaf = |()| self_signed(parameters(&["127.0.0.1"], "navixy"));
    let [server, other] = [(), ()].map(leaf);
    refuses(
        &other.pem(),
        serve(&server, &[]),
        "127.0.0.1",
        &unreachable(UNKNOWN, GIVE),
    );
}

#[test]
fn a_certificate_of_an_unknown_authority_is_trusted_by_itself() {
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &house());
    needs(
        &server.pem(),
        &serve(&server, &[]),
        &unreachable(UNKNOWN, GIVE),
    );
}

/// To trust one server of a house is not to trust the house.
#[test]
fn a_pinned_certificate_vouches_for_no_other() {
    let house = house();
    let [pinned, server] = [(), ()].map(|()| signed(parameters(&["127.0.0.1"], "navixy"), &house));
    refuses(
        &pinned.pem(),
        serve(&server, &[&house]),
        "127.0.0.1",
        &unreachable(UNKNOWN, GIVE),
    );
}

/// Certificates of servers that may not sign others: without a word about it, with one, and with a key usage that
/// counts more than the constraints do.
fn no_authorities() -> [CertificateParams; 3] {
    let plain = parameters(&["navixy.example.com"], "navixy");
    let mut usual = plain.clone();
    usual.is_ca = IsCa::ExplicitNoCa;
    usual.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let mut by_usage = usual.clone();
    by_usage.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    [plain, usual, by_usage]
}

/// Who has the key of a server that was named as trusted cannot make certificates for other servers with it.
#[test]
fn a_pinned_certificate_is_no_authority() {
    for pinned in no_authorities() {
        let pinned = self_signed(pinned);
        let server = signed(parameters(&["127.0.0.1"], "navixy"), &pinned);
        for (chain, text) in [
            (&[][..], unreachable(UNKNOWN, GIVE)),
            (&[&pinned], unreachable(NO_AUTHORITY, GIVE_OWN)),
        ] {
            refuses(&pinned.pem(), serve(&server, chain), "127.0.0.1", &text);
        }
    }
}

/// The same in a store that was named, by file and by folder; and what is in it itself is taken for what it is.
#[test]
fn a_store_vouches_by_its_authorities_alone() {
    for (pinned, host) in no_authorities().into_iter().zip(["a", "b", "c"]) {
        let scratch = Scratch::new();
        let mut own = pinned.clone();
        own.subject_alt_names = parameters(&["127.0.0.1"], host).subject_alt_names;
        let (pinned, own) = (self_signed(pinned), self_signed(own));
        let file = scratch.write("certs/0123abcd.0", pinned.pem() + &own.pem());
        let folder = file.parent().expect("a file lies in a folder").to_owned();
        let server = signed(parameters(&["127.0.0.1"], "navixy"), &pinned);
        for (variable, path) in [("SSL_CERT_FILE", &file), ("SSL_CERT_DIR", &folder)] {
            for chain in [&[][..], &[&pinned]] {
                let mut navixy = serve(&server, chain);
                navixy.expect_no_calls();
                let text = match chain {
                    [] => unreachable(UNKNOWN, GIVE),
                    _ => unreachable(NO_AUTHORITY, GIVE_OWN),
                };
                show(&navixy, "127.0.0.1")
                    .env(variable, path)
                    .gives(69, "", &text);
            }
            show(&serve(&own, &[]), "127.0.0.1")
                .env(variable, path)
                .gives(0, UNCHANGED, "");
        }
    }
}

/// What `openssl req -x509` makes, put into the store of a machine: its name and its period count there too.
#[test]
fn a_self_signed_certificate_is_trusted_by_a_store() {
    let scratch = Scratch::new();
    let own = openssl_like(&["127.0.0.1"], "navixy");
    let file = scratch.write("own.pem", own.pem());
    show(&serve(&own, &[]), "127.0.0.1")
        .env("SSL_CERT_FILE", &file)
        .gives(0, UNCHANGED, "");
    let mut expired = parameters(&["127.0.0.1"], "navixy");
    (expired.not_before, expired.not_after) =
        (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 2, 29));
    for (own, what, hint) in [
        (
            openssl_like(&["navixy.example.com"], "navixy"),
            "the certificate of 127.0.0.1:PORT is not for this name but for navixy.example.com",
            USE,
        ),
        (
            authority(expired),
            "the certificate of 127.0.0.1:PORT expired on 2020-02-29 00:00 UTC",
            "renew it on the server, or correct this machine's clock",
        ),
    ] {
        let mut navixy = serve(&own, &[]);
        navixy.expect_no_calls();
        show(&navixy, "127.0.0.1")
            .env("SSL_CERT_FILE", scratch.write("own.pem", own.pem()))
            .gives(69, "", &unreachable(what, hint));
    }
}

/// An intermediate signs others only if its key may, whatever its constraints say.
#[test]
fn a_certificate_between_needs_the_right_usage() {
    let house = house();
    for (usages, works) in [
        (vec![], true),
        (vec![KeyUsagePurpose::KeyCertSign], true),
        (vec![KeyUsagePurpose::DigitalSignature], false),
    ] {
        let mut between = parameters(&[], "Example Department CA");
        between.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        between.key_usages = usages;
        let between = signed(between, &house);
        let server = signed(parameters(&["127.0.0.1"], "navixy"), &between);
        let chain = [&between];
        match works {
            true => needs(
                &house.pem(),
                &serve(&server, &chain),
                &unreachable(UNKNOWN, GIVE),
            ),
            false => refuses(
                &house.pem(),
                serve(&server, &chain),
                "127.0.0.1",
                &unreachable(NO_AUTHORITY, GIVE_OWN),
            ),
        }
    }
}

/// Version 1 cannot say whether it may sign others: a root of that age may, and nothing that another signed.
#[test]
fn a_root_of_version_1_vouches_and_no_other_certificate_of_it() {
    let long = || parameters(&[], &"Old CA".repeat(40));
    let house = house();
    for (old, status) in [(self_signed(long()), 0), (signed(long(), &house), 69)] {
        let scratch = Scratch::new();
        let server = signed(parameters(&["127.0.0.1"], "navixy"), &old);
        let file = scratch.write("old.pem", pem(&without_version(&old)));
        let mut navixy = serve(&server, &[]);
        let (stdout, stderr) = match status {
            0 => (UNCHANGED, String::new()),
            _ => ("", unreachable(UNKNOWN, GIVE)),
        };
        if status != 0 {
            navixy.expect_no_calls();
        }
        show(&navixy, "127.0.0.1")
            .env("SSL_CERT_FILE", &file)
            .gives(status, stdout, &stderr);
        show(&navixy, "127.0.0.1")
            .arg("--ca-file")
            .arg(&file)
            .gives(status, stdout, &stderr);
    }
}

/// It is the certificate that was named as trusted, not its key: a new one for the same key has to be named anew.
#[test]
fn another_certificate_of_the_same_key_is_not_trusted() {
    for (is_ca, text) in [
        (
            IsCa::Ca(BasicConstraints::Unconstrained),
            unreachable(SELF_SIGNED, GIVE_THIS),
        ),
        (IsCa::NoCa, unreachable(UNKNOWN, GIVE)),
    ] {
        let mut parameters = parameters(&["127.0.0.1"], "navixy");
        parameters.is_ca = is_ca;
        let pinned = self_signed(parameters.clone());
        parameters.serial_number = Some(2.into());
        let key = KeyPair::try_from(pinned.key.serialize_der()).expect("the same key");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        refuses(
            &pinned.pem(),
            serve(&Identity { certificate, key }, &[]),
            "127.0.0.1",
            &text,
        );
    }
}

// -------------------------------------------------------------------------------------------------------- names

const ANOTHER: &str = "the certificate of 127.0.0.1:PORT is not for this name but for ";
const USE: &str = "use one of these names in the base URL";

#[test]
fn a_wrong_name_is_refused_with_the_names_there_are() {
    let house = house();
    for (names, shown) in [
        (&["navixy.example.com"][..], "navixy.example.com"),
        (
            &["a.example.com", "*.b.example.com", "localhost"],
            "a.example.com, *.b.example.com, localhost",
        ),
        (&["127.0.0.2"], "127.0.0.2"),
    ] {
        let text = unreachable(&format!("{ANOTHER}{shown}"), USE);
        let server = signed(parameters(names, "127.0.0.1"), &house);
        refuses(&house.pem(), serve(&server, &[]), "127.0.0.1", &text);
        // To be named as trusted does not lift the check of the name.
        let server = openssl_like(names, "127.0.0.1");
        refuses(&server.pem(), serve(&server, &[]), "127.0.0.1", &text);
    }
}

#[test]
fn a_name_is_checked_as_well_as_an_address() {
    let (house, scratch) = (house(), Scratch::new());
    let server = signed(parameters(&["localhost"], "navixy"), &house);
    let navixy = serve(&server, &[]);
    show(&navixy, "localhost")
        .arg("--ca-file")
        .arg(scratch.write("ca.pem", house.pem()))
        .gives(0, UNCHANGED, "");
    show(&navixy, "LocalHost")
        .arg("--ca-file")
        .arg(scratch.write("ca.pem", house.pem()))
        .gives(0, UNCHANGED, "");
}

#[test]
fn a_common_name_counts_for_a_pinned_certificate_without_other_names() {
    let scratch = Scratch::new();
    for server in [
        openssl_like(&[], "localhost"),
        self_signed(parameters(&[], "LOCALHOST")),
    ] {
        show(&serve(&server, &[]), "localhost")
            .arg("--ca-file")
            .arg(scratch.write("own.pem", server.pem()))
            .gives(0, UNCHANGED, "");
    }
    // Beside other names it does not count, as everywhere.
    let server = openssl_like(&["a.example.com"], "localhost");
    refuses(
        &server.pem(),
        serve(&server, &[]),
        "localhost",
        &unreachable(
            "the certificate of localhost:PORT is not for this name but for a.example.com",
            USE,
        ),
    );
}

/// With the dot at its end that makes it a full name, it is the same name; a proxy looks it up.
#[test]
fn a_full_name_is_the_same_name() {
    let (house, scratch) = (house(), Scratch::new());
    let proxy = Proxy::start(Way::Forward);
    for (server, file) in [
        (
            signed(parameters(&["localhost"], "navixy"), &house),
            &house.pem(),
        ),
        (openssl_like(&["localhost"], "navixy"), &String::new()),
        (openssl_like(&[], "localhost"), &String::new()),
    ] {
        let own = server.pem();
        let file = if file.is_empty() { &own } else { file };
        let file = scratch.write("ca.pem", file);
        show(&serve(&server, &[]), "localhost.")
            .arg("--proxy")
            .arg(proxy.url(""))
            .arg("--ca-file")
            .arg(&file)
            .gives(0, UNCHANGED, "");
    }
}

#[test]
fn a_wrong_common_name_is_refused_with_that_name() {
    let server = openssl_like(&[], "navixy.example.com");
    refuses(
        &server.pem(),
        serve(&server, &[]),
        "localhost",
        &unreachable(
            "the certificate of localhost:PORT is not for this name but for navixy.example.com",
            USE,
        ),
    );
}

/// A certificate of an authority that has a common name only: the name in the address may be right, and no other
/// name can be used instead.
#[test]
fn a_certificate_without_names_is_refused_with_advice_that_helps() {
    let house = house();
    let server = signed(parameters(&[], "localhost"), &house);
    refuses(
        &house.pem(),
        serve(&server, &[]),
        "localhost",
        &unreachable(
            "the certificate of localhost:PORT has no host name in it",
            "give the server's own certificate with --ca-file: then its common name counts",
        ),
    );
}

// ----------------------------------------------------------------------------------------------------- periods

#[test]
fn a_certificate_out_of_its_period_is_refused_with_the_date() {
    let house = house();
    let mut expired = parameters(&["127.0.0.1"], "navixy");
    (expired.not_before, expired.not_after) =
        (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 2, 29));
    let mut early = parameters(&["127.0.0.1"], "navixy");
    (early.not_before, early.not_after) = (date_time_ymd(2996, 12, 31), date_time_ymd(2999, 1, 1));
    for (parameters, what, hint) in [
        (
            expired,
            "the certificate of 127.0.0.1:PORT expired on 2020-02-29 00:00 UTC",
            "renew it on the server, or correct this machine's clock",
        ),
        (
            early,
            "the certificate of 127.0.0.1:PORT is not valid before 2996-12-31 00:00 UTC",
            "correct this machine's clock",
        ),
    ] {
        let text = unreachable(what, hint);
        let server = signed(parameters.clone(), &house);
        refuses(&house.pem(), serve(&server, &[]), "127.0.0.1", &text);
        // A server's own is no exception.
        let server = authority(parameters);
        refuses(&server.pem(), serve(&server, &[]), "127.0.0.1", &text);
    }
}

#[test]
fn an_authority_out_of_its_period_vouches_for_nobody() {
    let mut old = parameters(&[], "Old House CA");
    (old.not_before, old.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 2, 29));
    let mut between = old.clone();
    between
        .distinguished_name
        .push(DnType::CommonName, "Old Department CA");
    between.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let house = house();
    let between = signed(between, &house);
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &between);
    refuses(
        &house.pem(),
        serve(&server, &[&between]),
        "127.0.0.1",
        &unreachable(
            "the certificate of 127.0.0.1:PORT expired on 2020-02-29 00:00 UTC",
            "renew it on the server, or correct this machine's clock",
        ),
    );
}

/// Of a trusted root, too: whoever has its key should have a new one by now.
#[test]
fn a_root_out_of_its_period_vouches_for_nobody() {
    for (begin, end, what, hint) in [
        (
            date_time_ymd(2019, 1, 1),
            date_time_ymd(2020, 2, 29),
            "expired on 2020-02-29 00:00 UTC",
            "give the authority's new certificate with --ca-file, or correct this machine's clock",
        ),
        (
            date_time_ymd(2996, 12, 31),
            date_time_ymd(2997, 12, 31),
            "is not valid before 2996-12-31 00:00 UTC",
            "correct this machine's clock",
        ),
    ] {
        let mut old = parameters(&[], "Example House CA");
        (old.not_before, old.not_after) = (begin, end);
        let old = authority(old);
        let server = signed(parameters(&["127.0.0.1"], "navixy"), &old);
        let what = format!(
            "the certificate of 127.0.0.1:PORT is signed by an authority whose own certificate {what}"
        );
        refuses(
            &old.pem(),
            serve(&server, &[]),
            "127.0.0.1",
            &unreachable(&what, hint),
        );
        // One with the same name and in its period vouches beside it.
        let house = house();
        let server = signed(parameters(&["127.0.0.1"], "navixy"), &house);
        let scratch = Scratch::new();
        show(&serve(&server, &[]), "127.0.0.1")
            .arg("--ca-file")
            .arg(scratch.write("ca.pem", old.pem() + &house.pem()))
            .gives(0, UNCHANGED, "");
    }
}

/// As many authorities may stand below a root as it says, whatever else the server shows.
#[test]
fn a_root_says_how_many_authorities_may_stand_below_it() {
    let between = |name: &str, issuer: &Identity| {
        let mut parameters = parameters(&[], name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        signed(parameters, issuer)
    };
    let root = |length| {
        let mut parameters = parameters(&[], "Example House CA");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
        self_signed(parameters)
    };
    let takes = |root: &Identity, server: &Identity, chain: &[&Identity]| {
        let scratch = Scratch::new();
        show(&serve(server, chain), "127.0.0.1")
            .arg("--ca-file")
            .arg(scratch.write("ca.pem", root.pem()))
            .gives(0, UNCHANGED, "");
    };
    let names = || parameters(&["127.0.0.1"], "navixy");
    let too_long = unreachable(
        "the certificate of 127.0.0.1:PORT is not acceptable: more authorities stand between it and the trusted one than that allows",
        "look at it with openssl s_client -showcerts",
    );

    let none = root(0);
    let department = between("Example Department CA", &none);
    takes(&none, &signed(names(), &none), &[&department]);
    refuses(
        &none.pem(),
        serve(&signed(names(), &department), &[&department]),
        "127.0.0.1",
        &too_long,
    );

    let one = root(1);
    let department = between("Example Department CA", &one);
    let office = between("Example Office CA", &department);
    let superfluous = between("Example Office CA", &one);
    takes(
        &one,
        &signed(names(), &department),
        &[&superfluous, &department],
    );
    refuses(
        &one.pem(),
        serve(&signed(names(), &office), &[&office, &department]),
        "127.0.0.1",
        &too_long,
    );
}

#[test]
fn a_key_that_is_for_signing_certificates_is_no_servers() {
    let house = house();
    for (usages, taken) in [
        (vec![KeyUsagePurpose::DigitalSignature], true),
        (vec![KeyUsagePurpose::KeyEncipherment], true),
        (vec![KeyUsagePurpose::KeyAgreement], true),
        (vec![KeyUsagePurpose::KeyCertSign], false),
        (vec![KeyUsagePurpose::CrlSign], false),
    ] {
        let mut parameters = parameters(&["127.0.0.1"], "navixy");
        parameters.key_usages = usages;
        let server = serve(&signed(parameters, &house), &[]);
        match taken {
            true => needs(&house.pem(), &server, &unreachable(UNKNOWN, GIVE)),
            false => refuses(
                &house.pem(),
                server,
                "127.0.0.1",
                &unreachable(
                    "the certificate of 127.0.0.1:PORT is not acceptable: its key usage does not let a server use it",
                    "look at it with openssl s_client -showcerts",
                ),
            ),
        }
    }
}

/// What others are signed with is not what a server shows; and it is not self-signed, so that is not said.
#[test]
fn an_authority_that_another_has_signed_is_no_server() {
    let house = house();
    let mut parameters = parameters(&["127.0.0.1"], "navixy");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let server = signed(parameters, &house);
    let text = unreachable(
        "the certificate of 127.0.0.1:PORT may sign others (CA:TRUE), so that it is a server's only where it is trusted itself",
        "give this certificate with --ca-file, or make one without CA:TRUE",
    );
    refuses(&house.pem(), serve(&server, &[]), "127.0.0.1", &text);
    needs(&server.pem(), &serve(&server, &[]), &text);
}

#[test]
fn an_e_mail_address_is_no_host_name() {
    let house = house();
    let mail = || SanType::Rfc822Name("robot@example.com".try_into().expect("ASCII"));
    let mut only = parameters(&[], "localhost");
    only.subject_alt_names.push(mail());
    let mut beside = parameters(&["other.example"], "localhost");
    beside.subject_alt_names.push(mail());
    for (parameters, what, hint) in [
        (
            only,
            "has no host name in it",
            "give the server's own certificate with --ca-file: then its common name counts",
        ),
        (
            beside,
            "is not for this name but for other.example",
            "use one of these names in the base URL",
        ),
    ] {
        let text = unreachable(&format!("the certificate of localhost:PORT {what}"), hint);
        refuses(
            &house.pem(),
            serve(&signed(parameters, &house), &[]),
            "localhost",
            &text,
        );
    }
}

// ------------------------------------------------------------------------------------------------------- files

/// Over http too: who names a file means it.
#[test]
fn a_ca_file_that_cannot_be_used_is_refused() {
    let scratch = Scratch::new();
    let place = scratch
        .path()
        .to_str()
        .expect("a path of letters")
        .to_owned();
    let key = house().key.serialize_pem();
    let torn = house().pem().replace("-----END CERTIFICATE-----\n", "");
    for (name, bytes) in [
        ("empty.pem", ""),
        ("garbage.pem", "hello\n"),
        ("key.pem", &key),
        ("torn.pem", &torn),
        (
            "base64.pem",
            "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        ),
    ] {
        scratch.write(name, bytes);
    }
    for (name, why) in [
        (
            "empty.pem",
            "the CA file \"DIR/empty.pem\" holds no certificate in PEM form",
        ),
        (
            "garbage.pem",
            "the CA file \"DIR/garbage.pem\" holds no certificate in PEM form",
        ),
        (
            "key.pem",
            "the CA file \"DIR/key.pem\" holds no certificate in PEM form",
        ),
        (
            "torn.pem",
            "the CA file \"DIR/torn.pem\" holds no certificate in PEM form",
        ),
        (
            "base64.pem",
            "the CA file \"DIR/base64.pem\" holds no certificate in PEM form",
        ),
        (
            "none.pem",
            "cannot read the CA file \"DIR/none.pem\": no such file or directory",
        ),
        (".", "cannot read the CA file \"DIR/.\": is a directory"),
    ] {
        let mut plain = Navixy::start();
        plain.expect_no_calls();
        let server = signed(parameters(&["127.0.0.1"], "navixy"), &house());
        let mut encrypted = serve(&server, &[]);
        encrypted.expect_no_calls();
        for navixy in [&plain, &encrypted] {
            show(navixy, "127.0.0.1")
                .arg("--ca-file")
                .arg(format!("{place}/{name}"))
                .mask(&place, "DIR")
                .gives(78, "", &format!("avatarctl: navixy 2132: {why}\n"));
            assert_eq!(navixy.connections(), 0);
        }
    }
}

/// A certificate that is none in a file that says it is one.
#[test]
fn a_ca_file_of_broken_certificates_is_refused() {
    let scratch = Scratch::new();
    let place = scratch
        .path()
        .to_str()
        .expect("a path of letters")
        .to_owned();
    let path = scratch.write(
        "der.pem",
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
    );
    let mut navixy = Navixy::start();
    navixy.expect_no_calls();
    show(&navixy, "127.0.0.1")
        .arg("--ca-file")
        .arg(path)
        .mask(&place, "DIR")
        .gives(
            78,
            "",
            "avatarctl: navixy 2132: the CA file \"DIR/der.pem\" holds no usable certificate\n",
        );
}

#[test]
fn the_systems_variables_are_honoured() {
    let (house, scratch) = (house(), Scratch::new());
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &house);
    let navixy = serve(&server, &[]);
    let file = scratch.write("ca.pem", house.pem());
    show(&navixy, "127.0.0.1")
        .env("SSL_CERT_FILE", &file)
        .gives(0, UNCHANGED, "");
    // A directory as OpenSSL reads it, its files named by the hash of what they hold.
    let hashed: PathBuf = scratch.write("certs/0123abcd.0", house.pem());
    let directory = hashed.parent().expect("a file lies in a directory");
    show(&navixy, "127.0.0.1")
        .env("SSL_CERT_DIR", directory)
        .gives(0, UNCHANGED, "");
    // It replaces the store of the system, and --ca-file adds to it.
    let other = scratch.write("other.pem", authority(parameters(&[], "Another CA")).pem());
    show(&navixy, "127.0.0.1")
        .env("SSL_CERT_FILE", &other)
        .gives(69, "", &unreachable(UNKNOWN, GIVE));
    show(&navixy, "127.0.0.1")
        .env("SSL_CERT_FILE", &other)
        .arg("--ca-file")
        .arg(&file)
        .gives(0, UNCHANGED, "");
    // Both at once count together: a server of each.
    let second = authority(parameters(&[], "Second CA"));
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &second);
    let beside = serve(&server, &[]);
    let own = scratch.write("second.pem", second.pem());
    for navixy in [&navixy, &beside] {
        show(navixy, "127.0.0.1")
            .env("SSL_CERT_FILE", &own)
            .arg("--ca-file")
            .arg(&file)
            .gives(0, UNCHANGED, "");
    }
    // Empty is unset.
    show(&navixy, "127.0.0.1")
        .env("SSL_CERT_FILE", "")
        .gives(69, "", &unreachable(UNKNOWN, GIVE));
}

#[test]
fn a_store_that_was_named_and_is_empty_is_refused() {
    let (scratch, server) = (Scratch::new(), openssl_like(&["127.0.0.1"], "navixy"));
    let mut navixy = serve(&server, &[]);
    navixy.expect_no_calls();
    fs::create_dir(scratch.join("certs")).expect("scratch is writable");
    scratch.write("empty.pem", "");
    scratch.write("garbage.pem", "hello\n");
    scratch.write("der.pem", pem(b"hello"));
    scratch.write("others/garbage.pem", "hello\n");
    scratch.write("broken/der.pem", pem(b"hello"));
    let dir = scratch.path().to_str().expect("a path of letters");
    let refused = |variables: &[(&str, &str)], why: &str| {
        variables
            .iter()
            .fold(show(&navixy, "127.0.0.1"), |run, (name, value)| {
                run.env(name, value.replace("DIR", dir))
            })
            .mask(dir, "DIR")
            .gives(78, "", &format!("avatarctl: navixy 2132: {why}\n"));
    };
    for (variable, path, why) in [
        (
            "SSL_CERT_FILE",
            "DIR/empty.pem",
            "\"DIR/empty.pem\" holds no certificate in PEM form",
        ),
        (
            "SSL_CERT_FILE",
            "DIR/garbage.pem",
            "\"DIR/garbage.pem\" holds no certificate in PEM form",
        ),
        (
            "SSL_CERT_FILE",
            "DIR/der.pem",
            "\"DIR/der.pem\" holds no usable certificate",
        ),
        (
            "SSL_CERT_FILE",
            "DIR/none.pem",
            "cannot read \"DIR/none.pem\": no such file or directory",
        ),
        (
            "SSL_CERT_FILE",
            "DIR/certs",
            "cannot read \"DIR/certs\": is a directory",
        ),
        (
            "SSL_CERT_FILE",
            "/dev/zero",
            "cannot read \"/dev/zero\": is a device",
        ),
        (
            "SSL_CERT_DIR",
            "DIR/certs",
            "\"DIR/certs\" holds no certificate in PEM form",
        ),
        (
            "SSL_CERT_DIR",
            "DIR/others",
            "\"DIR/others\" holds no certificate in PEM form",
        ),
        (
            "SSL_CERT_DIR",
            "DIR/broken",
            "\"DIR/broken\" holds no usable certificate",
        ),
        (
            "SSL_CERT_DIR",
            "DIR/none",
            "cannot read \"DIR/none\": no such file or directory",
        ),
        (
            "SSL_CERT_DIR",
            "DIR/empty.pem",
            "cannot read \"DIR/empty.pem\": not a directory",
        ),
    ] {
        refused(&[(variable, path)], &format!("{variable}: {why}"));
    }
    // Each that was named is told about.
    refused(
        &[
            ("SSL_CERT_FILE", "DIR/none.pem"),
            ("SSL_CERT_DIR", "DIR/certs:DIR/none"),
        ],
        "SSL_CERT_FILE: cannot read \"DIR/none.pem\": no such file or directory; \
         SSL_CERT_DIR: \"DIR/certs\" holds no certificate in PEM form; \
         SSL_CERT_DIR: cannot read \"DIR/none\": no such file or directory",
    );
    assert_eq!(navixy.connections(), 0);
}

// ------------------------------------------------------------------------------------------ client certificates

/// A manifest names the files of a server beside itself, wherever the program runs; they come before those of
/// the command line.
#[test]
fn the_files_of_a_manifest_are_found_beside_it() {
    let (house, scratch) = (house(), Scratch::new());
    scratch.write("in/certs/ca.pem", house.pem());
    let client = signed(parameters(&[], "avatar-bot"), &house);
    scratch.write("in/certs/client.pem", client.pem());
    scratch.secret("in/certs/client.key", client.key.serialize_pem());
    scratch.secret(
        "in/certs/both.pem",
        client.pem() + &client.key.serialize_pem(),
    );
    let other = scratch.write("other.pem", authority(parameters(&[], "Another CA")).pem());
    for keys in [
        r#""client_cert": "certs/client.pem", "client_key": "certs/client.key""#,
        r#""client_cert": "certs/both.pem""#,
    ] {
        let fleet = guarded(&house, &rustls::version::TLS13);
        let manifest = format!(
            "{{\"servers\": {{\"fleet\": {{\"system\": \"navixy\", \"url\": \"{}\", \"ca_file\": \"certs/ca.pem\", {keys}}}}},\n\
             \"accounts\": [{{\"server\": \"fleet\", \"employee_id\": 2132, \"icon_id\": 12}}]}}",
            fleet.url()
        );
        scratch.write("in/m.json", manifest);
        Run::new(["apply", "in/m.json", "--ca-file"])
            .arg(&other)
            .dir(scratch.path())
            .env("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b")
            .gives(
                0,
                "fleet 2132: icon 12, unchanged\n\
         0 changed, 1 unchanged\n",
                "",
            );
    }
}

/// A server that lets in only whom its house vouches for, and what has to be said to believe it.
fn guarded(house: &Identity, version: &'static SupportedProtocolVersion) -> Running<Navixy> {
    let server = signed(parameters(&["127.0.0.1"], "navixy"), house);
    serve_as(config(&server, &[], &[version], Some(house)))
}

/// A certificate of the house for a key that openssl made, and wrote in PKCS#8 to this file.
fn certify(scratch: &Scratch, key: &str, house: &Identity) -> String {
    let key = KeyPair::from_pem(&scratch.read(key)).expect("a key in PKCS#8");
    let client = parameters(&[], "avatar-bot").signed_by(&key, &house.certificate, &house.key);
    client.expect("a certificate").pem()
}

#[test]
fn client_keys_are_read_in_all_encodings() {
    let (house, scratch) = (house(), Scratch::new());
    let authority = scratch.write("ca.pem", house.pem());
    openssl(
        &scratch,
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem",
    );
    openssl(&scratch, "rsa -in rsa.pem -traditional -out rsa-pkcs1.pem");
    // This one has a section of parameters before the key.
    openssl(
        &scratch,
        "ecparam -name prime256v1 -genkey -out ec-params.pem",
    );
    openssl(&scratch, "ec -in ec-params.pem -out ec-sec1.pem");
    openssl(
        &scratch,
        "pkcs8 -topk8 -nocrypt -in ec-params.pem -out ec.pem",
    );
    openssl(
        &scratch,
        "ecparam -name secp384r1 -genkey -noout -out ec384-sec1.pem",
    );
    openssl(
        &scratch,
        "pkcs8 -topk8 -nocrypt -in ec384-sec1.pem -out ec384.pem",
    );
    openssl(&scratch, "genpkey -algorithm ed25519 -out ed25519.pem");
    for (pkcs8, file, begins) in [
        ("rsa.pem", "rsa.pem", "-----BEGIN PRIVATE KEY-----"),
        (
            "rsa.pem",
            "rsa-pkcs1.pem",
            "-----BEGIN RSA PRIVATE KEY-----",
        ),
        ("ec.pem", "ec.pem", "-----BEGIN PRIVATE KEY-----"),
        ("ec.pem", "ec-sec1.pem", "-----BEGIN EC PRIVATE KEY-----"),
        ("ec.pem", "ec-params.pem", "-----BEGIN EC PARAMETERS-----"),
        ("ec384.pem", "ec384.pem", "-----BEGIN PRIVATE KEY-----"),
        (
            "ec384.pem",
            "ec384-sec1.pem",
            "-----BEGIN EC PRIVATE KEY-----",
        ),
        ("ed25519.pem", "ed25519.pem", "-----BEGIN PRIVATE KEY-----"),
    ] {
        println!("{file}");
        assert_eq!(scratch.read(file).lines().next(), Some(begins));
        let certificate = certify(&scratch, pkcs8, &house);
        let chain = scratch.write("client.pem", &certificate);
        // Key first or certificate first, one file is enough.
        let key = scratch.read(file);
        let both = scratch.secret("both.pem", format!("{certificate}{key}"));
        let turned = scratch.secret("turned.pem", format!("{key}{certificate}"));
        for version in rustls::ALL_VERSIONS {
            let navixy = guarded(&house, version);
            let show = || show(&navixy, "127.0.0.1").arg("--ca-file").arg(&authority);
            show()
                .arg("--client-cert")
                .arg(&chain)
                .arg("--client-key")
                .arg(scratch.join(file))
                .gives(0, UNCHANGED, "");
            for file in [&both, &turned] {
                show()
                    .arg("--client-cert")
                    .arg(file)
                    .gives(0, UNCHANGED, "");
            }
        }
    }
}

#[test]
fn a_client_shows_its_whole_chain() {
    let (house, scratch) = (house(), Scratch::new());
    let mut between = parameters(&[], "Example Department CA");
    between.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let between = signed(between, &house);
    let client = signed(parameters(&[], "avatar-bot"), &between);
    let key = client.key.serialize_pem();
    let whole = scratch.secret("whole.pem", client.pem() + &between.pem() + &key);
    let part = scratch.secret("part.pem", client.pem() + &key);
    let authority = scratch.write("ca.pem", house.pem());
    for version in rustls::ALL_VERSIONS {
        let navixy = guarded(&house, version);
        let show = || {
            show(&navixy, "127.0.0.1")
                .arg("--ca-file")
                .arg(&authority)
                .arg("--client-cert")
        };
        show().arg(&part).gives(
            69,
            "",
            &unreachable(
                "127.0.0.1:PORT refused the TLS handshake: UnknownCA",
                NOT_ACCEPTED,
            ),
        );
        assert_eq!(navixy.calls(), Vec::<String>::new());
        show().arg(&whole).gives(0, UNCHANGED, "");
    }
}

const NOT_ACCEPTED: &str = "the server does not accept the client certificate";

#[test]
fn a_client_certificate_that_the_server_refuses_is_told_apart() {
    let (house, scratch) = (house(), Scratch::new());
    let authority = scratch.write("ca.pem", house.pem());
    let stranger = self_signed(parameters(&[], "avatar-bot"));
    let mut expired = parameters(&[], "avatar-bot");
    (expired.not_before, expired.not_after) =
        (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 2, 29));
    for (client, alert) in [
        (stranger, "UnknownCA"),
        (signed(expired, &house), "CertificateExpired"),
    ] {
        let file = scratch.secret("client.pem", client.pem() + &client.key.serialize_pem());
        for version in rustls::ALL_VERSIONS {
            let mut navixy = guarded(&house, version);
            navixy.expect_no_calls();
            show(&navixy, "127.0.0.1")
                .arg("--ca-file")
                .arg(&authority)
                .arg("--client-cert")
                .arg(&file)
                .once()
                .gives(
                    69,
                    "",
                    &unreachable(
                        &format!("127.0.0.1:PORT refused the TLS handshake: {alert}"),
                        NOT_ACCEPTED,
                    ),
                );
        }
    }
}

/// Whoever asks for none is not bothered by one.
#[test]
fn a_client_certificate_may_be_superfluous() {
    let (house, scratch) = (house(), Scratch::new());
    let client = signed(parameters(&[], "avatar-bot"), &house);
    let file = scratch.secret("client.pem", client.pem() + &client.key.serialize_pem());
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &house);
    for navixy in [serve(&server, &[]), Navixy::start()] {
        show(&navixy, "127.0.0.1")
            .arg("--ca-file")
            .arg(scratch.write("ca.pem", house.pem()))
            .arg("--client-cert")
            .arg(&file)
            .gives(0, UNCHANGED, "");
    }
}

/// What `openssl x509 -req` makes where nobody names extensions.
#[test]
fn a_client_certificate_may_be_of_version_1() {
    let scratch = Scratch::new();
    openssl(
        &scratch,
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=ca",
    );
    openssl(
        &scratch,
        "req -newkey rsa:2048 -nodes -keyout client.key -out client.csr -subj /CN=avatar-bot",
    );
    openssl(
        &scratch,
        "x509 -req -in client.csr -CA ca.pem -CAkey ca.key -set_serial 7 -out client.pem",
    );
    let navixy = Navixy::start();
    let show = |key: &str| {
        show(&navixy, "127.0.0.1")
            .arg("--client-cert")
            .arg(scratch.join("client.pem"))
            .arg("--client-key")
            .arg(scratch.secret("own.key", scratch.read(key)))
            .mask(scratch.path().to_str().expect("a path of letters"), "DIR")
    };
    show("client.key").gives(0, UNCHANGED, "");
    show("ca.key").gives(
        78,
        "",
        "avatarctl: navixy 2132: the client key \"DIR/own.key\" does not belong to the certificate \"DIR/client.pem\"\n",
    );
}

/// Before anything is connected to, and over http too.
/// Where a redirect leads to a file store, that one is no place for the client certificate, and never without TLS.
#[test]
fn a_file_store_sees_no_client_certificate() {
    let (house, scratch) = (house(), Scratch::new());
    let here = || signed(parameters(&["127.0.0.1"], "here"), &house);
    let client = signed(parameters(&[], "avatar-bot"), &house);
    let file = scratch.secret("client.pem", client.pem() + &client.key.serialize_pem());
    let roots = scratch.write("house.pem", house.pem());
    let over_tls = |clients| wrap(config(&here(), &[], rustls::ALL_VERSIONS, clients));
    let png = || Reply::text(200, "image/png", pictures::png(64, 64, 1));
    let open = Server::start_over("https", over_tls(None), move |_| png());
    let mut closed = Server::start_over("https", over_tls(Some(&house)), move |_| png());
    let mut plain = Server::start(move |_| png());
    closed.expect_no_calls();
    plain.expect_no_calls();
    for (store, status) in [(&open, 0), (&closed, 69), (&plain, 76)] {
        let mut model = RocketChat::default();
        model.give("build-bot", pictures::png(64, 64, 1));
        model.store = Some(store.url());
        let chat = Running::start_over("https", over_tls(Some(&house)), model);
        let words = [
            "rocketchat",
            "show",
            "--user=build-bot",
            "--output=/dev/null",
        ];
        let output = Run::new(words)
            .with(&chat)
            .arg("--client-cert")
            .arg(&file)
            .arg("--ca-file")
            .arg(&roots)
            .once()
            .output();
        assert_eq!(output.status, status, "{output:?}");
    }
}

#[test]
fn client_files_that_cannot_be_used_are_refused() {
    const ENCRYPTED: &str =
        "hint: it is encrypted; write it out without a passphrase, readable by this account only\n";
    let scratch = Scratch::new();
    let client = self_signed(parameters(&[], "avatar-bot"));
    scratch.secret("cert.pem", client.pem());
    scratch.secret("key.pem", client.key.serialize_pem());
    scratch.secret("other.pem", house().key.serialize_pem());
    scratch.secret("empty.pem", "");
    scratch.secret("garbage.pem", "hello\n");
    scratch.secret(
        "torn.pem",
        client
            .key
            .serialize_pem()
            .replace("-----END PRIVATE KEY-----\n", ""),
    );
    scratch.secret(
        "der.pem",
        "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n",
    );
    scratch.secret(
        "der-cert.pem",
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
    );
    openssl(
        &scratch,
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem",
    );
    openssl(
        &scratch,
        "pkcs8 -topk8 -in rsa.pem -passout pass:gerbil -out rsa-pkcs8.pem",
    );
    openssl(
        &scratch,
        "rsa -in rsa.pem -traditional -aes256 -passout pass:gerbil -out rsa-pkcs1.pem",
    );
    openssl(
        &scratch,
        "ec -in key.pem -aes256 -passout pass:gerbil -out ec-sec1.pem",
    );
    let place = scratch.path().to_str().expect("a path of letters");
    for (certificate, key, why) in [
        ("cert.pem", "other.pem", "the client key \"DIR/other.pem\" does not belong to the certificate \"DIR/cert.pem\"\n".to_owned()),
        ("cert.pem", "none.pem", "cannot read the client key \"DIR/none.pem\": no such file or directory\n".into()),
        ("cert.pem", "empty.pem", "the client key \"DIR/empty.pem\" holds no private key in PEM form\n".into()),
        ("cert.pem", "garbage.pem", "the client key \"DIR/garbage.pem\" holds no private key in PEM form\n".into()),
        ("cert.pem", "torn.pem", "the client key \"DIR/torn.pem\" holds no private key in PEM form\n".into()),
        ("cert.pem", "cert.pem", "the client key \"DIR/cert.pem\" holds no private key in PEM form\n".into()),
        ("cert.pem", "der.pem", "the client key \"DIR/der.pem\" cannot be used\n".into()),
        ("cert.pem", "rsa-pkcs8.pem", format!("the client key \"DIR/rsa-pkcs8.pem\" holds no private key in PEM form\n{ENCRYPTED}")),
        ("cert.pem", "rsa-pkcs1.pem", format!("the client key \"DIR/rsa-pkcs1.pem\" holds no private key in PEM form\n{ENCRYPTED}")),
        ("cert.pem", "ec-sec1.pem", format!("the client key \"DIR/ec-sec1.pem\" holds no private key in PEM form\n{ENCRYPTED}")),
        ("none.pem", "key.pem", "cannot read the client certificate \"DIR/none.pem\": no such file or directory\n".into()),
        ("empty.pem", "key.pem", "the client certificate \"DIR/empty.pem\" holds no certificate in PEM form\n".into()),
        ("garbage.pem", "key.pem", "the client certificate \"DIR/garbage.pem\" holds no certificate in PEM form\n".into()),
        ("key.pem", "key.pem", "the client certificate \"DIR/key.pem\" holds no certificate in PEM form\n".into()),
        ("der-cert.pem", "key.pem", "the client certificate \"DIR/der-cert.pem\" holds no usable certificate\n".into()),
    ] {
        let server = openssl_like(&["127.0.0.1"], "navixy");
        for mut navixy in [Navixy::start(), serve(&server, &[])] {
            navixy.expect_no_calls();
            show(&navixy, "127.0.0.1")
                .arg("--client-cert")
                .arg(scratch.join(certificate))
                .arg("--client-key")
                .arg(scratch.join(key))
                .mask(place, "DIR")
                .gives(78, "", &format!("avatarctl: navixy 2132: {why}"));
            assert_eq!(navixy.connections(), 0);
        }
    }
}

#[test]
fn a_client_key_needs_a_certificate() {
    let mut navixy = Navixy::start();
    navixy.expect_no_calls();
    show(&navixy, "127.0.0.1")
        .arg("--client-key=key.pem")
        .gives(64, "", "avatarctl: --client-key needs --client-cert\n");
}

// ------------------------------------------------------------------------------------------------------ --insecure

const SHOUT: &str = "avatarctl: navixy 2132: warning: --insecure: the credentials go to whoever answers; nobody checks that it is 127.0.0.1\n";

#[test]
fn insecure_takes_any_certificate_and_says_so_each_time() {
    let mut expired = parameters(&["navixy.example.com"], "navixy");
    (expired.not_before, expired.not_after) =
        (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 2, 29));
    let house = house();
    for server in [
        openssl_like(&["127.0.0.1"], "navixy"),
        self_signed(parameters(&["127.0.0.1"], "navixy")),
        signed(parameters(&["127.0.0.1"], "navixy"), &house),
        signed(parameters(&["navixy.example.com"], "navixy"), &house),
        signed(parameters(&[], "navixy"), &house),
        signed(expired.clone(), &house),
        authority(expired),
    ] {
        for version in rustls::ALL_VERSIONS {
            let navixy = serve_as(config(&server, &[], &[version], None));
            for _ in 0..2 {
                show(&navixy, "127.0.0.1")
                    .arg("--insecure")
                    .gives(0, UNCHANGED, SHOUT);
            }
        }
    }
}

/// What rustls would not even read, and what is signed with the key of somebody else.
#[test]
fn insecure_takes_what_is_hardly_a_certificate() {
    let other = openssl_like(&["127.0.0.1"], "navixy");
    let foreign = PrivateKeyDer::try_from(KeyPair::generate().expect("a key").serialize_der());
    for (certificate, key) in [
        version_1(),
        (other.certificate.der().clone(), foreign.expect("a key")),
    ] {
        for version in rustls::ALL_VERSIONS {
            let chain = vec![certificate.clone()];
            let navixy = serve_as(config_of(chain, key.clone_key(), &[version], None));
            show(&navixy, "127.0.0.1")
                .arg("--insecure")
                .gives(0, UNCHANGED, SHOUT);
        }
    }
}

#[test]
fn insecure_cannot_be_silenced() {
    let navixy = serve(&openssl_like(&["127.0.0.1"], "navixy"), &[]);
    for quiet in ["-q", "--quiet"] {
        show(&navixy, "127.0.0.1")
            .arg("--insecure")
            .arg(quiet)
            .gives(0, "navixy 2132: icon 12\n", SHOUT);
    }
    show(&navixy, "127.0.0.1")
        .arg("--insecure")
        .arg("--json")
        .gives(
            0,
            "{\"v\":1,\"type\":\"account\",\"system\":\"navixy\",\"server\":\"https://127.0.0.1:PORT/v2\",\"account\":\"2132\",\"action\":\"show\",\"outcome\":\"shown\",\"current\":\"icon:12\",\"icon_id\":12,\"file\":null}\n\
             {\"v\":1,\"type\":\"summary\",\"changed\":0,\"unchanged\":1,\"failed\":0,\"pending\":0,\"skipped\":0,\"exit\":0}\n",
            SHOUT,
        );
}

/// Plain http checks no more than that, and what is readable on the way stays readable.
#[test]
fn insecure_warns_beside_the_warning_of_plain_http() {
    let failure = unreachable("cannot find the host nosuch.invalid", "");
    show_at("http", "nosuch.invalid", 8080)
        .arg("--insecure")
        .gives(
            69,
            "",
            &format!(
                "avatarctl: navixy 2132: warning: --insecure: the credentials go to whoever answers; nobody checks that it is nosuch.invalid\n\
                 avatarctl: navixy 2132: warning: plain http: the credentials can be read on their way to nosuch.invalid\n{failure}"
            ),
        );
}

/// A file that was named is still looked at.
#[test]
fn insecure_does_not_excuse_an_unusable_file() {
    let mut navixy = serve(&openssl_like(&["127.0.0.1"], "navixy"), &[]);
    navixy.expect_no_calls();
    show(&navixy, "127.0.0.1")
        .arg("--insecure")
        .arg("--ca-file=/dev/null")
        .gives(
            78,
            "",
            &format!("{SHOUT}avatarctl: navixy 2132: the CA file \"/dev/null\" holds no certificate in PEM form\n"),
        );
}

// ---------------------------------------------------------------------------------- connections that come to nothing

/// Hears somebody out once, says this, and hangs up.
fn parrot(answer: &'static [u8]) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
    let address = listener.local_addr().expect("a listener has an address");
    let speaking = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("somebody calls");
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(answer);
    });
    (address, speaking)
}

fn show_at(scheme: &str, host: &str, port: u16) -> Run {
    Run::new([
        "navixy",
        "show",
        "--employee-id=2132",
        "--url",
        &format!("{scheme}://{host}:{port}"),
    ])
    .env("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b")
    .mask(&format!(":{port}"), ":PORT")
    .once()
}

#[test]
fn a_server_that_speaks_plain_http_is_told_apart() {
    let (address, speaking) = parrot(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    show_at("https", "127.0.0.1", address.port()).gives(
        69,
        "",
        &unreachable(
            "127.0.0.1:PORT does not speak TLS",
            "if this port serves plain http, begin the base URL with http://",
        ),
    );
    speaking.join().expect("the parrot does not panic");
}

#[test]
fn a_server_that_hangs_up_during_the_handshake_is_unreachable() {
    let (address, speaking) = parrot(b"");
    show_at("https", "127.0.0.1", address.port()).gives(
        69,
        "",
        &unreachable(
            "127.0.0.1:PORT closed the connection during the TLS handshake",
            "",
        ),
    );
    speaking.join().expect("the parrot does not panic");
}

/// http to a port that speaks TLS: the answer is an alert, and no HTTP.
#[test]
fn a_server_that_speaks_tls_only_is_told_apart() {
    let (address, speaking) = parrot(b"\x15\x03\x01\x00\x02\x02\x16");
    show_at("http", "127.0.0.1", address.port()).gives(
        76,
        "",
        &unreachable(
            "the answer is not HTTP as this program understands it",
            "if this port speaks TLS, begin the base URL with https://",
        ),
    );
    speaking.join().expect("the parrot does not panic");
}

#[test]
fn a_server_that_takes_old_versions_only_is_told_apart() {
    // The alert protocol_version, as servers that stopped at TLS 1.1 send it.
    let (address, speaking) = parrot(b"\x15\x03\x01\x00\x02\x02\x46");
    show_at("https", "127.0.0.1", address.port()).gives(
        69,
        "",
        &unreachable(
            "127.0.0.1:PORT refused the TLS handshake: ProtocolVersion",
            "the server speaks TLS 1.1 or older only; it must offer TLS 1.2",
        ),
    );
    speaking.join().expect("the parrot does not panic");
}

/// The alert handshake_failure, as servers send it that share no cipher suite; some mean a client certificate.
#[test]
fn a_server_that_shares_no_cipher_suite_is_told_apart() {
    let (address, speaking) = parrot(b"\x15\x03\x03\x00\x02\x02\x28");
    show_at("https", "127.0.0.1", address.port()).gives(
        69,
        "",
        &unreachable(
            "127.0.0.1:PORT refused the TLS handshake: HandshakeFailure",
            "the server may want a client certificate, or take only old cipher suites",
        ),
    );
    speaking.join().expect("the parrot does not panic");
}

/// With TLS 1.3 the refusal comes behind the client's side of the handshake, where a request was begun already.
#[test]
fn a_server_that_wants_a_client_certificate_is_told_apart() {
    let (house, scratch) = (house(), Scratch::new());
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &house);
    let file = scratch.write("ca.pem", house.pem());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        println!("{version:?}");
        let mut navixy = serve_as(config(&server, &[], &[version], Some(&house)));
        navixy.expect_no_calls();
        show(&navixy, "127.0.0.1")
            .arg("--ca-file")
            .arg(&file)
            .once()
            .gives(
                69,
                "",
                &unreachable(
                    "127.0.0.1:PORT refused the TLS handshake: CertificateRequired",
                    "the server may want a client certificate",
                ),
            );
    }
}

#[test]
fn a_port_where_nobody_listens_is_unreachable() {
    for scheme in ["http", "https"] {
        let port = unused_address().port();
        show_at(scheme, "127.0.0.1", port).gives(
            69,
            "",
            &unreachable("cannot connect to 127.0.0.1:PORT: connection refused", ""),
        );
    }
}

#[test]
fn a_host_that_nobody_knows_is_unreachable() {
    for scheme in ["http", "https"] {
        let warning = match scheme {
            "http" => {
                "avatarctl: navixy 2132: warning: plain http: the credentials can be read on their way to nosuch.invalid\n"
            }
            _ => "",
        };
        let failure = unreachable("cannot find the host nosuch.invalid", "");
        show_at(scheme, "nosuch.invalid", 8080).gives(69, "", &format!("{warning}{failure}"));
    }
}

/// Nothing of a request goes out before the certificate is accepted.
#[test]
fn a_credential_waits_for_the_certificate() {
    let server = openssl_like(&["127.0.0.1"], "navixy");
    let mut watched = Server::start_over(
        "https",
        wrap(config(&server, &[], rustls::ALL_VERSIONS, None)),
        |_| unreachable!("nobody may ask"),
    );
    watched.expect_no_calls();
    let port = watched.address().port();
    show_at("https", "127.0.0.1", port).gives(69, "", &unreachable(SELF_SIGNED, GIVE_THIS));
    assert_eq!(watched.connections(), 1);
}

/// What doctor says of a certificate: by whom, trusted by what, and for how long.
#[test]
fn doctor_tells_what_a_certificate_is_trusted_by() {
    let scratch = Scratch::new();
    let house = house();
    let ca_file = scratch.write("house.pem", house.pem());
    let ca_file = ca_file.to_str().expect("a path of letters");
    let tells = |identity: &Identity, options: &[&str], store: Option<&str>| {
        let mut fleet = serve(identity, &[]);
        fleet.expect_anything();
        let address = fleet.address().to_string();
        let run = Run::new(["navixy", "doctor", "--json"]).with(&fleet);
        let mut run = run.mask(&address, "PLACE").once();
        for option in options {
            run = run.arg(*option);
        }
        if let Some(path) = store {
            run = run.env("SSL_CERT_FILE", path);
        }
        let lines = run.output().json();
        let tls = lines.iter().find(|line| line["name"] == "tls");
        let tls = tls.expect("a check").clone();
        let text = |key: &str| tls[key].as_str().unwrap_or("-").to_owned();
        [text("result"), text("detail"), text("hint")]
    };
    let days = |days: i64| {
        let mut parameters = parameters(&["127.0.0.1"], "localhost");
        // Half a day more, so that whole days are left while the test runs.
        let end = std::time::SystemTime::now()
            + std::time::Duration::from_secs(days as u64 * 86_400 + 43_200);
        parameters.not_after = end.into();
        parameters
    };
    let server = signed(days(30), &house);
    let store = scratch.write("store.pem", house.pem());
    let store = store.to_str().expect("a path of letters");
    assert_eq!(
        tells(&server, &["--ca-file", ca_file], None),
        [
            "ok",
            "TLS 1.3, issued by Example House CA, trusted by --ca-file, 30 days left",
            "-"
        ]
    );
    assert_eq!(
        tells(&server, &[], Some(store)),
        [
            "ok",
            "TLS 1.3, issued by Example House CA, trusted by the store of SSL_CERT_FILE, 30 days left",
            "-"
        ]
    );
    assert_eq!(
        tells(&signed(days(13), &house), &["--ca-file", ca_file], None),
        [
            "warn",
            "TLS 1.3, issued by Example House CA, trusted by --ca-file, 13 days left",
            "renew it on the server"
        ]
    );
    let own = authority(days(14));
    let own_file = scratch.write("own.pem", own.pem());
    let own_file = own_file.to_str().expect("a path of letters");
    assert_eq!(
        tells(&own, &["--ca-file", own_file], None),
        [
            "ok",
            "TLS 1.3, self-signed, trusted itself by --ca-file, 14 days left",
            "-"
        ]
    );
    assert_eq!(
        tells(&server, &["--insecure"], None),
        [
            "warn",
            "TLS 1.3, issued by Example House CA, not checked (--insecure), 30 days left",
            "give the authority's certificate, or the server's own self-signed one, with --ca-file"
        ]
    );
    assert_eq!(
        tells(&server, &[], Some(own_file))[..2],
        [
            "fail",
            "ask who the caller is: the certificate of PLACE is signed by an authority that is not trusted here"
        ]
    );
}

// ---------------------------------------------------------------------------------------------- system calls

/// The trust store of a system has a hundred and more roots, in one file and in a folder. Neither costs a call for each.
#[test]
fn a_call_takes_few_system_calls() {
    let (house, scratch) = (house(), Scratch::new());
    let server = signed(parameters(&["127.0.0.1"], "navixy"), &house);
    let mut navixy = serve(&server, &[]);
    let others = (0..140).map(|n| authority(parameters(&[], &format!("CA {n}"))).pem());
    let others: Vec<String> = others.collect();
    scratch.write("ca.pem", house.pem());
    scratch.write("store.pem", others.concat() + &house.pem());
    for (n, other) in others.iter().enumerate() {
        scratch.write(&format!("certs/{n:08x}.0"), other);
    }
    let settings = [
        ("NAVIXY_URL", navixy.url()),
        ("NAVIXY_HASH", "22eac1c27af4be7b9d04da2ce1af111b".to_owned()),
        ("SSL_CERT_FILE", "store.pem".to_owned()),
        ("SSL_CERT_DIR", "certs".to_owned()),
    ];
    for trust in ["", " --ca-file ca.pem"] {
        let line = format!("navixy show --employee-id 2132{trust}");
        let Some(calls) = count(&scratch, &settings, &line) else {
            navixy.expect_anything();
            return;
        };
        assert!(calls <= 120, "{line}: {calls}");
    }
}

/// What an account costs with a picture of its own: to check it, to send it, and to remember that.
#[test]
fn an_upload_takes_few_system_calls() {
    let (house, scratch) = (house(), Scratch::new());
    let server = signed(parameters(&["127.0.0.1"], "chat"), &house);
    let mut chat = RocketChat::default();
    (chat.settle, chat.limit) = (Duration::ZERO, None);
    let (few, many) = (150, 300);
    let bots = (0..many).map(|n| {
        rocketchat::User::new(&format!("id{n:015}"), &format!("bot-{n}"), "Bot", &["user"])
    });
    chat.users.extend(bots);
    let config = config(&server, &[], rustls::ALL_VERSIONS, None);
    let chat = Running::start_over("https", wrap(config), chat);
    scratch.write("ca.pem", house.pem());
    let picture = pictures::webp(128, 128, 4);
    assert_eq!(picture.len() / 1000, 49);
    for n in 0..many {
        scratch.write(&format!("faces/{n}.webp"), &picture);
    }
    let calls = [few, many].map(|accounts| {
        let accounts: Vec<String> = (0..accounts)
            .map(|n| format!("{{\"server\": \"chat\", \"user\": \"bot-{n}\", \"image\": \"faces/{n}.webp\"}}"))
            .collect();
        let manifest = format!(
            "{{\"servers\": {{\"chat\": {{\"system\": \"rocketchat\", \"url\": \"{}\", \"ca_file\": \"ca.pem\"}}}},\n\
             \"accounts\": [{}]}}",
            chat.url(),
            accounts.join(",\n")
        );
        let name = format!("{}.json", accounts.len());
        scratch.write(&name, manifest);
        count(&scratch, &chat.settings(), &format!("apply {name} --no-verify"))
    });
    if let [Some(first), Some(second)] = calls {
        let each = (second - first) as f64 / (many - few) as f64;
        assert!(each <= 20.0, "{each}");
    }
}
