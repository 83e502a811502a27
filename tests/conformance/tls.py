"""Certificates of every kind, shown to avatarctl and to curl with OpenSSL, with the same file of trusted ones: both take
a server, or both refuse it, or the table says why not."""

import datetime
import ipaddress
import shutil
import ssl
import subprocess
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

import recorder
from table import FOLDER, PROGRAM, Table

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
PLACE = FOLDER / "tls"


class Identity:
    """A certificate and its key, written as files that servers and clients take."""

    count = 0

    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key
        Identity.count += 1
        self.stem = PLACE / f"{Identity.count}"
        self.stem.with_suffix(".key").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def usage(*names):
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in names for name in every})


def dns(*names):
    return [x509.DNSName(name) for name in names]


def ip(*addresses):
    return [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]


HERE = [*dns("localhost"), *ip("127.0.0.1")]


def made(common="server", issuer=None, *, names=HERE, ca=None, depth=None, extensions=(), begin=-DAY, end=30 * DAY, key=None,
         digest=hashes.SHA256(), subject=None, critical_names=False):
    """A certificate signed by its issuer, or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = subject if subject is not None else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    builder = builder.issuer_name(issuer.certificate.subject if issuer else subject).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(NOW + begin).not_valid_after(NOW + end)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical_names)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, depth), True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signer = issuer.key if issuer else key
    return Identity(builder.sign(signer, None if isinstance(signer, ed25519.Ed25519PrivateKey) else digest), key)


def root(common="Example Root", **options):
    options = {"extensions": [(usage("key_cert_sign", "crl_sign"), True)], **options}
    return made(common, names=None, ca=True, **options)


def between(issuer, common="Example Intermediate", **options):
    options = {"extensions": [(usage("key_cert_sign"), True)], "ca": True, **options}
    return made(common, issuer, names=None, **options)


class Case:
    def __init__(self, label, server, trusted, chain=(), host="127.0.0.1", client=None, **server_options):
        self.label, self.server, self.trusted, self.chain, self.host = label, server, trusted, chain, host
        self.client, self.options = client, server_options


def constraints(permitted=None, excluded=None):
    return [(x509.NameConstraints(permitted, excluded), True), (usage("key_cert_sign"), True)]


def net(block):
    return [x509.IPAddress(ipaddress.ip_network(block))]


def periods(house):
    yield Case("in its period", made(issuer=house), [house])
    yield Case("expired", made(issuer=house, begin=-30 * DAY, end=-DAY), [house])
    yield Case("not valid yet", made(issuer=house, begin=DAY), [house])
    late = root("Expired Root", begin=-30 * DAY, end=-DAY)
    yield Case("its root expired", made(issuer=late), [late])
    middle = between(house, begin=-30 * DAY, end=-DAY)
    yield Case("its intermediate expired", made(issuer=middle), [house], [middle])
    own = made(ca=True, begin=-30 * DAY, end=-DAY)
    yield Case("self-signed, trusted, expired", own, [own])


def names(house):
    yield Case("name of the host", made(issuer=house, names=dns("localhost")), [house], host="localhost")
    yield Case("name in other case", made(issuer=house, names=dns("LOCALHOST")), [house], host="localhost")
    yield Case("name with a dot at its end", made(issuer=house, names=dns("localhost.")), [house], host="localhost")
    yield Case("another name", made(issuer=house, names=dns("example.com")), [house], host="localhost")
    yield Case("a star for a single label", made(issuer=house, names=dns("*")), [house], host="localhost")
    yield Case("a star within a label", made(issuer=house, names=dns("local*")), [house], host="localhost")
    yield Case("address", made(issuer=house, names=ip("127.0.0.1")), [house])
    yield Case("another address", made(issuer=house, names=ip("127.0.0.2")), [house])
    yield Case("address as a name", made(issuer=house, names=dns("127.0.0.1")), [house])
    yield Case("address asked, name given", made(issuer=house, names=dns("localhost")), [house])
    yield Case("name asked, address given", made(issuer=house, names=ip("127.0.0.1")), [house], host="localhost")
    yield Case("common name alone", made("localhost", house, names=None), [house], host="localhost")
    yield Case("common name alone, trusted itself", *pinned(made("localhost", names=None, ca=True)), host="localhost")
    yield Case("address as common name alone", made("127.0.0.1", house, names=None), [house])
    yield Case("common name beside another name", made("localhost", house, names=dns("example.com")), [house], host="localhost")
    yield Case("common name beside an e-mail address", made("localhost", house, names=[x509.RFC822Name("a@b.example")]), [house], host="localhost")
    yield Case("no subject, critical names", made(issuer=house, subject=x509.Name([]), critical_names=True), [house])


def pinned(identity):
    return identity, [identity]


def kinds(house):
    yield Case("self-signed CA:TRUE, trusted", *pinned(made(ca=True)))
    yield Case("self-signed CA:FALSE, trusted", *pinned(made(ca=False)))
    yield Case("self-signed without constraints, trusted", *pinned(made()))
    yield Case("self-signed, not trusted", made(ca=True), [house])
    leaf = made(issuer=house)
    yield Case("signed, trusted itself, its root is not", leaf, [leaf])
    yield Case("CA:TRUE, signed by a root", made(issuer=house, ca=True), [house])
    yield Case("CA:FALSE, signed by a root", made(issuer=house, ca=False), [house])
    yield Case("of an unknown root", made(issuer=root("Other Root")), [house])
    yield Case("of a root of the same name and another key", made(issuer=root()), [house])
    broken = made(issuer=house)
    der = bytearray(broken.certificate.public_bytes(serialization.Encoding.DER))
    der[-3] ^= 1
    broken.certificate = x509.load_der_x509_certificate(bytes(der))
    yield Case("with a broken signature", broken, [house])
    unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    yield Case("unknown critical extension", made(issuer=house, extensions=[(unknown, True)]), [house])
    yield Case("unknown extension, not critical", made(issuer=house, extensions=[(unknown, False)]), [house])


def usages(house):
    for label, one in {
        "digital signature": usage("digital_signature"), "key encipherment only": usage("key_encipherment"),
        "key agreement only": usage("key_agreement"), "certificate signing only": usage("key_cert_sign"), "no usage at all": usage("crl_sign"),
    }.items():
        yield Case(f"key usage: {label}", made(issuer=house, extensions=[(one, True)]), [house])
    for label, one in {
        "server": [ExtendedKeyUsageOID.SERVER_AUTH], "client only": [ExtendedKeyUsageOID.CLIENT_AUTH],
        "both": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH], "any": [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE],
        "code signing": [ExtendedKeyUsageOID.CODE_SIGNING],
    }.items():
        yield Case(f"extended usage: {label}", made(issuer=house, extensions=[(x509.ExtendedKeyUsage(one), False)]), [house])
    for label, one in {"client only": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}.items():
        middle = between(house, extensions=[(usage("key_cert_sign"), True), (x509.ExtendedKeyUsage([one]), False)])
        yield Case(f"intermediate's extended usage: {label}", made(issuer=middle), [house], [middle])


def authorities(house):
    weak = root("Root without signing", extensions=[(usage("crl_sign"), True)])
    yield Case("root whose usage is not to sign", made(issuer=weak), [weak])
    plain = root("Root without usage", extensions=[])
    yield Case("root without a usage", made(issuer=plain), [plain])
    false = made("Root CA:FALSE", names=None, ca=False)
    yield Case("root with CA:FALSE", made(issuer=false), [false])
    bare = made("Root without constraints", names=None)
    yield Case("root without constraints", made(issuer=bare), [bare])
    for label, options in {
        "intermediate": {}, "intermediate whose usage is not to sign": {"extensions": [(usage("crl_sign"), True)]},
        "intermediate without a usage": {"extensions": []}, "intermediate with CA:FALSE": {"ca": False},
        "intermediate without constraints": {"ca": None},
    }.items():
        middle = between(house, **options)
        yield Case(label, made(issuer=middle), [house], [middle])
    shallow = root("Root of length 0", depth=0)
    middle = between(shallow)
    yield Case("path length 0, no intermediate", made(issuer=shallow), [shallow])
    yield Case("root's path length 0, one intermediate", made(issuer=middle), [shallow], [middle])
    longer = root("Root of length 1", depth=1)
    middle = between(longer, "Upper")
    yield Case("root's path length 1, one intermediate and one that is not needed", made(issuer=middle), [longer],
               [between(longer, "Other"), middle])
    lower = between(middle, "Lower")
    yield Case("root's path length 1, two intermediates", made(issuer=lower), [longer], [lower, middle])
    upper = between(house, "Upper", depth=0)
    lower = between(upper, "Lower")
    yield Case("intermediate's path length 0, one more", made(issuer=lower), [house], [lower, upper])
    upper = between(house, "Upper", depth=1)
    lower = between(upper, "Lower")
    yield Case("intermediate's path length 1, one more", made(issuer=lower), [house], [lower, upper])


def chains(house):
    middle = between(house)
    leaf = made(issuer=middle)
    yield Case("intermediate missing", leaf, [house])
    yield Case("intermediate trusted, root not", leaf, [middle], [middle])
    yield Case("intermediate trusted and not shown", leaf, [middle])
    yield Case("root and intermediate trusted, none shown", leaf, [house, middle])
    yield Case("root shown too", leaf, [house], [middle, house])
    yield Case("root shown and not trusted", leaf, [root("Other Root")], [middle, house])
    upper, other = between(house, "Upper"), between(root("Other Root"), "Other")
    lower = between(upper, "Lower")
    deep = made(issuer=lower)
    yield Case("two intermediates", deep, [house], [lower, upper])
    yield Case("two intermediates in the wrong order", deep, [house], [upper, lower])
    yield Case("an unrelated one between", deep, [house], [other, lower, upper])
    long = [house]
    for number in range(6):
        long.append(between(long[-1], f"Level {number}"))
    yield Case("six intermediates", made(issuer=long[-1]), [house], long[:0:-1])
    twin = between(root("Other Root"), "Example Intermediate")
    yield Case("another intermediate of the same name first", leaf, [house], [twin, middle])


def constrained(house):
    for label, extensions in {
        "permitted: this name": constraints(dns("localhost")), "permitted: another name": constraints(dns("example.com")),
        "excluded: this name": constraints(None, dns("localhost")), "excluded: another name": constraints(None, dns("example.com")),
    }.items():
        middle = between(house, extensions=extensions)
        yield Case(label, made(issuer=middle, names=dns("localhost")), [house], [middle], host="localhost")
    for label, extensions in {
        "permitted: this network": constraints(net("127.0.0.0/8")), "permitted: another network": constraints(net("10.0.0.0/8")),
        "excluded: this network": constraints(None, net("127.0.0.0/8")), "permitted names, address asked": constraints(dns("localhost")),
    }.items():
        middle = between(house, extensions=extensions)
        yield Case(label, made(issuer=middle, names=ip("127.0.0.1")), [house], [middle])
    narrow = root("Constrained Root", extensions=constraints(dns("example.com")))
    yield Case("root permits another name", made(issuer=narrow, names=dns("localhost")), [narrow], host="localhost")


def keys(house):
    for label, key in {
        "RSA 1024": rsa.generate_private_key(65537, 1024), "RSA 2048": rsa.generate_private_key(65537, 2048),
        "RSA 3072": rsa.generate_private_key(65537, 3072), "P-256": ec.generate_private_key(ec.SECP256R1()),
        "P-384": ec.generate_private_key(ec.SECP384R1()), "P-521": ec.generate_private_key(ec.SECP521R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    }.items():
        yield Case(f"key {label}", made(issuer=house, key=key), [house], ciphers="ALL:@SECLEVEL=0")
    signer = root("RSA Root", key=rsa.generate_private_key(65537, 2048))
    for label, digest in {"SHA-1": hashes.SHA1(), "SHA-256": hashes.SHA256(), "SHA-384": hashes.SHA384(), "SHA-512": hashes.SHA512()}.items():
        try:
            yield Case(f"signed with {label}", made(issuer=signer, digest=digest), [signer], ciphers="ALL:@SECLEVEL=0")
        except Exception:  # a build that signs with SHA-1 no more
            yield Case(f"signed with {label}", by_openssl(signer, "-sha1"), [signer], ciphers="ALL:@SECLEVEL=0")
    for label, version in {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}.items():
        yield Case(f"TLS {label} only", made(issuer=house), [house], version=version, ciphers="ALL:@SECLEVEL=0")
    secret = made(issuer=house, key=rsa.generate_private_key(65537, 2048))
    for label, suite in {"ECDHE-RSA-AES128-GCM-SHA256": "ECDHE", "ECDHE-RSA-CHACHA20-POLY1305": "ECDHE", "ECDHE-RSA-AES256-SHA384": "CBC",
                         "AES256-GCM-SHA384": "RSA key exchange", "DHE-RSA-AES256-GCM-SHA384": "DHE"}.items():
        yield Case(f"TLS 1.2 with {label} ({suite})", secret, [house], version=ssl.TLSVersion.TLSv1_2, ciphers=label)


def by_openssl(issuer, digest):
    """A certificate of the issuer that the openssl command signs."""
    key = made()
    request = PLACE / "request.pem"
    issuer.stem.with_suffix(".pem").write_bytes(issuer.pem())
    subprocess.run(["openssl", "req", "-new", "-key", str(key.stem.with_suffix(".key")), "-subj", "/CN=server", "-out", str(request)], check=True)
    extensions = PLACE / "names.txt"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    made_ = subprocess.run(["openssl", "x509", "-req", "-in", str(request), "-CA", str(issuer.stem.with_suffix(".pem")),
                            "-CAkey", str(issuer.stem.with_suffix(".key")), "-CAcreateserial", digest, "-days", "9",
                            "-extfile", str(extensions)], check=True, capture_output=True)
    key.certificate = x509.load_pem_x509_certificate(made_.stdout)
    return key


def clients(house):
    server = made(issuer=house)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        shown = f"TLS {version.name[-3:].replace('_', '.')}"
        asked = {"version": version, "clients": house}
        yield Case(f"{shown}: client certificate asked, none given", server, [house], **asked)
        yield Case(f"{shown}: client certificate given", server, [house], client=made("robot", house, names=None), **asked)
        yield Case(f"{shown}: client certificate of RSA", server, [house],
                   client=made("robot", house, names=None, key=rsa.generate_private_key(65537, 2048)), **asked)
        yield Case(f"{shown}: client certificate expired", server, [house],
                   client=made("robot", house, names=None, begin=-9 * DAY, end=-DAY), **asked)
        yield Case(f"{shown}: client certificate of another root", server, [house],
                   client=made("robot", root("Other Root"), names=None), **asked)
        yield Case(f"{shown}: client certificate for servers only", server, [house],
                   client=made("robot", house, names=None, extensions=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)]), **asked)
        yield Case(f"{shown}: client certificate given, none asked", server, [house], version=version,
                   client=made("robot", house, names=None))


CASES = {"periods": periods, "names": names, "kinds of certificates": kinds, "usages": usages, "authorities": authorities,
         "chains": chains, "name constraints": constrained, "keys, digests, versions": keys, "client certificates": clients}

# ------------------------------------------------------------------------------------------------------------- verdicts

STRICTER = {
    "a common name counts where the certificate is trusted itself and has no other names, and nowhere else; curl takes it from any":
        ("common name alone", "address as common name alone", "common name beside an e-mail address"),
    "no name in a certificate ends in a dot (RFC 5280, 4.2.1.6); curl forgives it": ("name with a dot at its end",),
    "a certificate that may sign others is a server's only where it is trusted itself: who has its key could play other servers":
        ("CA:TRUE, signed by a root",),
    "the cryptography of avatarctl has no P-521": ("key P-521",),
    "TLS 1.2 is spoken with authenticated ciphers and forward secrecy only":
        ("TLS 1.2 with ECDHE-RSA-AES256-SHA384 (CBC)", "TLS 1.2 with AES256-GCM-SHA384 (RSA key exchange)"),
}
FINDS_MORE = {
    "every certificate that is shown is tried; this curl tries the first one of a name alone": ("another intermediate of the same name first",),
}

# By label and avatarctl's verdict: why curl's may be another.
KNOWN = {(label, taken): reason for taken, reasons in ((False, STRICTER), (True, FINDS_MORE))
         for reason, labels in reasons.items() for label in labels}

# --------------------------------------------------------------------------------------------------------------- peers


def context(case):
    options = case.options
    made_ = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made_.set_ciphers(options.get("ciphers", "DEFAULT"))
    version = options.get("version")
    made_.minimum_version = version or ssl.TLSVersion.TLSv1_2
    if version:
        made_.maximum_version = version
    shown = case.server.stem.with_suffix(".chain")
    shown.write_bytes(b"".join(one.pem() for one in (case.server, *case.chain)))
    made_.load_cert_chain(shown, case.server.stem.with_suffix(".key"))
    if "clients" in options:
        made_.verify_mode = ssl.CERT_REQUIRED
        made_.load_verify_locations(cadata=options["clients"].pem().decode())
    return made_


def verdicts(case):
    """Whether avatarctl takes the server, whether curl does, and what both said."""
    with recorder.Recorder() as server:
        plain = server.server.get_request
        tls = context(case)

        def accepted():
            connection, address = plain()
            return tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

        server.server.get_request = accepted
        server.server.handle_error = lambda *_: None
        url = f"https://{case.host}:{server.port}"
        trusted = case.server.stem.with_suffix(".trusted")
        trusted.write_bytes(b"".join(one.pem() for one in case.trusted))
        ours = [PROGRAM, "navixy", "show", "--employee-id=2133", "--url", url, "--ca-file", str(trusted), "--retries", "0"]
        theirs = ["curl", "-q", "-sS", "--noproxy", "*", "--cacert", str(trusted), "--max-time", "10", "-o", "/dev/null", f"{url}/employee/"]
        if case.client:
            certificate = case.client.stem.with_suffix(".pem")
            certificate.write_bytes(case.client.pem())
            key = str(case.client.stem.with_suffix(".key"))
            ours += ["--client-cert", str(certificate), "--client-key", key]
            theirs += ["--cert", str(certificate), "--key", key]
        # A store of its own, so that the machine's does not count.
        mine = subprocess.run(ours, env={**recorder.CREDENTIALS, "SSL_CERT_FILE": str(empty_store())}, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        other = subprocess.run(theirs, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return mine.returncode == 0, other.returncode == 0, f"avatarctl {mine.returncode} {mine.stderr.strip()!r}, curl {other.returncode} {other.stderr.strip()!r}"


def empty_store():
    """A store that holds one root which nobody has used."""
    path = PLACE / "store.pem"
    if not path.exists():
        path.write_bytes(root("Nobody's Root").pem())
    return path.absolute()


def main():
    warnings.simplefilter("ignore")  # old versions are asked for on purpose
    table = Table("tls")
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    house = root()
    log = []
    for what, cases in CASES.items():
        row = table.row(what, "curl with OpenSSL")
        for case in cases(house):
            mine, other, said = verdicts(case)
            log.append(f"{what}: {case.label}: avatarctl {'takes' if mine else 'refuses'}, curl {'takes' if other else 'refuses'}")
            row.case(mine == other, f"{case.label}: {said}", KNOWN.get((case.label, mine)))
    (FOLDER / "tls.txt").write_text("\n".join(log) + "\n")
    table.write()


if __name__ == "__main__":
    main()
