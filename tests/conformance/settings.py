"""Netrc files and lists of NO_PROXY, made by chance, given to avatarctl and to curl: both must log in as the same, and
send to the same place. What a person chose to compare stands in the tests; here is what nobody thought of."""

import base64
import concurrent.futures
import http.server
import os
import random
import re
import subprocess
import tempfile
import threading

import recorder
from table import PROGRAM, SHORT, Table

SEED = 20240229


# ---------------------------------------------------------------------------------------------------------------- netrc

HALF = "half of a login: avatarctl sends none, because servers lock out whoever does"
ACCOUNT = "the word behind account is the account's name; curl does not know account, and takes that word for the next keyword"
ON = "of several entries the first that fits is taken, and the default's words for what it leaves open; curl 7.88 mixes entries"
MACRO = "a macro begins wherever its word stands, and holds no entry; curl 7.88 reads one within an entry for this host on"
WORD = "a name or password may read like a keyword; curl 7.88 takes it for one in an entry for another host"
CONTROL = "a control character in a login is refused here, before anything is sent"

NAMES = ("a", "bob", "x#y", "a\\", "'q'", "ü", "login", "password", "machine", "default", '"a b"', '"#c"', '"q\\"r"', '"e\\\\f"', '"t\\tn"', '""')
PLACES = ("localhost", "localhost", "localhost", "LOCALHOST", "other", '"localhost"', "localhost.", "127.0.0.1")
BREAKS = (" ", " ", " ", "\n", "\t", "  ", "\r\n", "\n\n", " \n\t", " # note\n", "\n# note\n")


def entry(chance, asked):
    """A machine, or the default, with its words in some order. Where a name is asked for, no other one stands there: with
    another, curl 7.88 gives the asked one the password of the other."""
    words = [("machine", chance.choice(PLACES))] if chance.random() < 0.85 else [("default",)]
    rest = []
    if chance.random() < 0.9:
        rest.append(("login", asked or chance.choice(NAMES)))
    if chance.random() < 0.9:
        rest.append(("password", chance.choice(NAMES)))
    if chance.random() < 0.15:
        rest.append(("account", chance.choice(NAMES)))
    if chance.random() < 0.1:
        rest.append(("nonsense",))
    chance.shuffle(rest)
    return words + rest


def netrc(chance, asked):
    text = chance.choice(("", "", "", "# note\n", "\n"))
    for _ in range(chance.randint(1, 3)):
        if chance.random() < 0.1:
            text += "macdef m\n" + chance.choice(("", "x\n", "machine localhost login m password m\n")) + "\n"
        for pair in entry(chance, asked):
            text += chance.choice((" ", " ", " ", "\t", "\n")).join(pair) + chance.choice(BREAKS)
    if chance.random() < 0.05:
        text += '"'
    return text.rstrip() if chance.random() < 0.2 else text


def login_of(requests):
    value = requests[0].headers.get("Authorization") if requests else None
    if value is None:
        return "-"
    return base64.b64decode(value.removeprefix("Basic ")).decode("utf-8", "replace")


def compare_netrc(case):
    """The logins of avatarctl and of curl for a text, and the name that was asked for."""
    text, name = case
    with recorder.Recorder() as server, tempfile.NamedTemporaryFile("w", newline="", suffix=".netrc") as file:
        file.write(text)
        file.flush()
        place = f"localhost:{server.port}"
        user = {"JIRA_USER": name} if name else {}
        ours = [PROGRAM, "jira", "show", "--url", f"http://{place}/", "--netrc", file.name, "--retries", "0"]
        subprocess.run(ours, env=user, stdin=subprocess.DEVNULL, capture_output=True)
        mine = login_of(server.requests)
        server.requests.clear()
        theirs = ["curl", "-q", "-s", "--noproxy", "*", "-o", "/dev/null", "--netrc-file", file.name]
        theirs += ["--netrc-optional", f"http://{name}@{place}/"] if name else [f"http://{place}/"]
        subprocess.run(theirs, stdin=subprocess.DEVNULL, capture_output=True)
        other = login_of(server.requests)
    return case, mine, other


def why_netrc(text, name, mine, other):
    if mine == "-" and (other.startswith(":") or other.endswith(":")):
        return HALF
    if mine == "-" and any(ord(letter) < 32 for letter in other):
        return CONTROL
    if "account" in text:
        return ACCOUNT
    if "macdef" in text:
        return MACRO
    if re.search(r"(login|password)\s+(machine|default|login|password)\b", text):
        return WORD
    return ON if (name or "default" in text) and text.count("machine") + text.count("default") > 1 else None


def netrcs(table):
    chance = random.Random(SEED)
    names = [chance.choice((None, None, "a", "bob")) for _ in range(60 if SHORT else 1500)]
    cases = [(netrc(chance, name), name) for name in names]
    row = table.row("netrc files", "curl")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for (text, name), mine, other in pool.map(compare_netrc, cases):
            row.case(mine == other, f"{text!r} for {name!r}: avatarctl {mine!r}, curl {other!r}", why_netrc(text, name, mine, other))


# ------------------------------------------------------------------------------------------------------------- NO_PROXY

HOSTS = ("localhost", "a.localhost", "b.a.localhost", "127.0.0.1", "127.0.0.2", "[::1]", "LOCALHOST", "a.localhost.", "10.1.2.3", "xlocalhost")
ENTRIES = ("localhost", ".localhost", "*.localhost", "a.localhost", "a.localhost.", "LocalHost", "127.0.0.1", "127.0.0.0/8", "127.0.0.1/32",
           "127.0.0.2/31", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/33", "10.1.2.3/", "::1", "[::1]", "::/0", "::1/128", "*", "0.0.0.0/0",
           "example.com", "host", "localhos", "calhost", "", ".", "127.0.0", "127.1", "/8", "10.1.2.3/0")
SEPARATORS = (",", ", ", " ", ",,", " ,")


class Proxy:
    """Answers everything itself, and counts: a request that comes here went to the proxy."""

    def __enter__(self):
        proxy = self
        self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                proxy.seen.append(self.path)
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_CONNECT = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def compare_proxy(case):
    """Whether avatarctl and curl go to the proxy."""
    host, exceptions, scheme = case
    with Proxy() as proxy:
        # A port where nobody listens: who goes there directly finds nobody.
        url = f"{scheme}://{host}:9"
        settings = {f"{scheme}_proxy": proxy.url, "NO_PROXY": exceptions, "NAVIXY_HASH": recorder.HASH}
        ours = [PROGRAM, "navixy", "show", "--employee-id=1", "--url", url, "--retries", "0", "--connect-timeout", "1"]
        subprocess.run(ours, env=settings, stdin=subprocess.DEVNULL, capture_output=True)
        mine = bool(proxy.seen)
        proxy.seen.clear()
        theirs = ["curl", "-q", "-s", "-o", "/dev/null", "--connect-timeout", "1", f"{url}/"]
        subprocess.run(theirs, env={**settings, "PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL, capture_output=True)
        other = bool(proxy.seen)
    return case, mine, other


def proxies(table):
    chance = random.Random(SEED)
    cases = []
    for _ in range(60 if SHORT else 1000):
        entries = [chance.choice(ENTRIES) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
        cases.append((chance.choice(HOSTS), chance.choice(SEPARATORS).join(entries), chance.choice(("http", "https"))))
    cases = list(dict.fromkeys(cases))
    row = table.row("lists of NO_PROXY", "curl")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for case, mine, other in pool.map(compare_proxy, cases):
            row.case(mine == other, f"{case}: avatarctl {'proxy' if mine else 'direct'}, curl {'proxy' if other else 'direct'}", why_proxy(case[1], mine))


STAR = "a star counts among other entries too, and before a domain: people write it so, and other programs take it; curl knows it alone"
WHOLE = "a network of /0 is every address; curl 7.88 takes it for none"
BITS = "a network whose bits are missing is none"
BLOCK = "a block of IPv6 addresses holds those in it; curl 7.88 finds none of them there"
BRACKETS = "an IPv6 address may stand in brackets, as it does in addresses; curl 7.88 wants it without"


def why_proxy(exceptions, mine):
    """Why avatarctl goes there directly and curl does not."""
    entries = exceptions.replace(",", " ").split()
    if mine:
        return BITS if any(entry.endswith("/") for entry in entries) else None
    if any(entry.startswith("*") for entry in entries):
        return STAR
    if any(entry.endswith("/0") for entry in entries):
        return WHOLE
    if any(entry.startswith("[") for entry in entries):
        return BRACKETS
    return BLOCK if any(":" in entry and "/" in entry for entry in entries) else None


def main():
    table = Table("settings")
    netrcs(table)
    proxies(table)
    table.write()


if __name__ == "__main__":
    main()
