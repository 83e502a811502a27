"""Forms, read by the parsers of others: those of the program's writer, made by rule, and those that the program sends.
Every reader must find the same parts, with the same names, types and bytes."""

import hashlib
import http.client
import io
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import time
import zlib

import recorder
from table import FOLDER, OURS, PROGRAM, SHORT, Table

HERE = pathlib.Path(__file__).parent
READERS = HERE / "readers"
JAVA = pathlib.Path("/usr/share/java")

# Why a reader may find something else, and the readers and forms of which that is true. Names of parts and files that
# avatarctl sends are fixed words of ASCII letters, and the file's is avatar.EXT: none of these meets them.
BOTH = ("name", "filename")
BACKSLASH = ("a backslash in a name goes out as browsers send it, and this reader takes it for an escape",
             {"busboy 1.6.0": ["name-backslash-end", "filename-backslash-end"],
              "busboy 0.2.14": ["name-backslash-end", "filename-backslash-end"],
              "Go mime/multipart": ["name-backslash-end", "filename-backslash-end"],
              "PHP": ["name-backslash-end", "filename-backslash-end"],
              "werkzeug": [f"{kind}-{label}" for kind in BOTH for label in ("backslash", "backslash-end", "drive")],
              "Tomcat 9": ["filename-backslash", "filename-backslash-end", "filename-drive"],
              "Jetty 9": [*(f"name-{label}" for label in ("backslash", "backslash-end", "drive")),
                          "filename-backslash", "filename-backslash-end"]})
FOLDERS = ("a file name with folders: this reader keeps the last part alone",
           {"busboy 1.6.0": ["filename-backslash", "filename-drive", "filename-path"],
            "busboy 0.2.14": ["filename-backslash", "filename-drive", "filename-path", "filename-colon"],
            "PHP": ["filename-backslash", "filename-drive", "filename-path"],
            "python-multipart": ["filename-drive"], "Go mime/multipart": ["filename-path"]})
LATIN = ("busboy 1.6 reads names as Latin-1 unless it is told otherwise; busboy 0.2 reads UTF-8, as it is sent",
         {"busboy 1.6.0": [f"{kind}-{label}" for kind in BOTH for label in ("umlaut", "emoji", "combining")]})
QUOTE = ("Werkzeug gives %22 back as the quote that it stands for",
         {"werkzeug": [f"{kind}-{label}" for kind in BOTH for label in ("quote", "semicolon")]})
SEMICOLON = ("the multipart crate ends a quoted name at a semicolon",
             {"multipart crate": ["name-semicolon", "filename-semicolon"]})
BLANKS = ("Tomcat takes the blanks around a name away", {"Tomcat 9": ["name-outer-blanks", "filename-outer-blanks"]})
VARIABLES = ("PHP makes variables of names: blanks, dots and brackets become something else",
             {"PHP": [f"name-{label}" for label in ("blank", "outer-blanks", "brackets", "dot", "header", "path", "semicolon")]})
EDGE = ("Werkzeug keeps the CR before a delimiter when its read of 64 KiB ends between CR and LF: a mistake of its own, "
        "which no other reader makes", {"werkzeug": ["length-65326", "length-130862"]})

KNOWN = {(reader, form): reason for reason, readers in (BACKSLASH, FOLDERS, LATIN, QUOTE, SEMICOLON, BLANKS, VARIABLES, EDGE)
         for reader, forms in readers.items() for form in forms}


def programs():
    """The readers that take a folder, as they are called."""
    npm, python = FOLDER / "npm", sys.executable
    for version in ("1.6.0", "0.2.14"):
        for chunk, what in (("65536", ""), ("1", ", a byte at a time")):
            module = npm / f"busboy-{version}/node_modules/busboy"
            yield f"busboy {version}{what}", ["node", str(READERS / "busboy.js"), str(module.absolute()), chunk]
    for reader in ("werkzeug", "python-multipart"):
        yield reader, [python, str(READERS / "form.py"), reader]
    yield "Go mime/multipart", ["go", "run", str(READERS / "form.go")]
    yield "multipart crate", [OURS, "crate"]


def by_program(command, folder):
    environment = {**os.environ, "GOCACHE": str((FOLDER / "go").absolute()), "GO111MODULE": "off"}
    output = subprocess.run([*command, str(folder)], stdout=subprocess.PIPE, check=True, env=environment)
    return [json.loads(line) for line in output.stdout.splitlines()]


def served(command, port, folder):
    """What a server finds in each form that is posted to it."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        port = port or int(process.stdout.readline())
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        found = []
        for path in sorted(folder.glob("*.body")):
            about = json.loads(path.with_suffix(".json").read_text())
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", "/", path.read_bytes(), {"Content-Type": about["content_type"]})
            answer = json.loads(connection.getresponse().read())
            found.append({"form": path.stem, "error": None, **answer})
            connection.close()
        return found
    finally:
        process.stdin.close()
        process.kill()
        process.wait()


def by_php(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    limits = {"upload_max_filesize": "64M", "post_max_size": "64M", "max_file_uploads": "300", "memory_limit": "512M"}
    options = [f"-d{name}={value}" for name, value in limits.items()]
    return served(["php", *options, "-S", f"127.0.0.1:{port}", str(READERS / "form.php")], port, folder)


def by_servlet(container, jars, folder):
    classes = FOLDER / "classes"
    classes.mkdir(exist_ok=True)
    path = ":".join([str(classes), *(str(jar) for pattern in jars for jar in sorted(JAVA.glob(pattern)))])
    sources = [str(READERS / "Parts.java"), str(READERS / f"On{container}.java")]
    subprocess.run(["javac", "-nowarn", "-d", str(classes), "-cp", path, *sources], check=True, stderr=subprocess.PIPE)
    return served(["java", "-Xmx512m", "-cp", path, f"On{container}"], None, folder)


# ------------------------------------------------------------------------------------------------------ what is sent

def png(total, seed):
    """A picture of so many bytes: its pixel, and the rest a chunk of every byte value that nobody reads."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(65 * 64), 9)) + chunk(b"IEND", b"")
    rest = total - len(head) - len(body) - 12
    filling = bytes((at * seed + at // 256) % 256 for at in range(min(rest, 65536))) * (rest // 65536 + 1)
    return head + chunk(b"fiLl", filling[:rest]) + body


def others():
    """A picture of every other format."""
    from PIL import Image
    for kind, name in (("JPEG", "a.jpg"), ("GIF", "a.gif"), ("WEBP", "a.webp")):
        import io
        buffer = io.BytesIO()
        Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 20).save(buffer, kind)
        yield name, buffer.getvalue()


def sent(folder):
    """Captures what `apply` sends for pictures of many lengths, to Rocket.Chat and to Navixy."""
    shutil.rmtree(folder, ignore_errors=True)
    forms = folder / "forms"
    forms.mkdir(parents=True)
    lengths = [200, 1024, 65536] if SHORT else [200, 255, 256, 257, *(
        (1 << power) + offset for power in range(9, 18) for offset in (-230, -1, 0, 1)), 1_000_000, 20_000_000]
    pictures = {f"p{length}.png": png(length, 7) for length in lengths} | dict(others())
    accounts = []
    for number, (name, content) in enumerate(pictures.items()):
        (folder / name).write_bytes(content)
        accounts.append({"server": "chat", "user": f"bot-{number}", "image": name})
        accounts.append({"server": "fleet", "employee_id": 5000 + number, "image": name})
    with recorder.Recorder() as server:
        servers = {"chat": {"system": "rocketchat", "url": f"{server.url}/chat"},
                   "fleet": {"system": "navixy", "url": f"{server.url}/v2"}}
        (folder / "m.json").write_text(json.dumps({"servers": servers, "accounts": accounts}))
        run = subprocess.run([PROGRAM, "apply", "m.json", "--no-verify"], cwd=folder, env=recorder.CREDENTIALS,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert run.returncode == 0, run
        requests = [request for request in server.requests if "multipart" in request.headers.get("Content-Type", "")]
    assert len(requests) == len(accounts), len(requests)
    # What they hold is said by what was asked for, not by reading them.
    order = sorted(accounts, key=lambda account: account["server"])
    kinds = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
    for account, request in zip(order, requests):
        content = pictures[account["image"]]
        end = account["image"].rpartition(".")[2]
        name, value = ("username", account["user"]) if "user" in account else ("employee_id", str(account["employee_id"]))
        parts = [
            {"name": name, "filename": None, "type": None, "length": len(value), "sha256": hashlib.sha256(value.encode()).hexdigest()},
            {"name": "image" if "user" in account else "file", "filename": f"avatar.{end}", "type": kinds[end],
             "length": len(content), "sha256": hashlib.sha256(content).hexdigest()},
        ]
        stem = forms / f"sent-{account['server']}-{account['image'].replace('.', '-')}"
        stem.with_suffix(".body").write_bytes(request.body)
        stem.with_suffix(".json").write_text(json.dumps({"content_type": request.headers["Content-Type"], "parts": parts}))
    return forms


# --------------------------------------------------------------------------------------------------------- comparison

def compare(table, what, reader, folder, answers):
    row = table.row(what, reader)
    answers = {answer["form"]: answer for answer in answers}
    for path in sorted(folder.glob("*.json")):
        if "byte at a time" in reader and path.stem not in answers:
            continue  # too long for that
        wanted = json.loads(path.read_text())["parts"]
        answer = answers.get(path.stem, {"parts": [], "error": "no answer"})
        found = answer["parts"]
        if not keeps_order(reader):
            wanted, found = ([part for files in (False, True) for part in parts if (part.get("filename") is not None) == files]
                             for parts in (wanted, found))
        same = not answer.get("error") and wanted == found
        shown = f"{path.stem}: wanted {short(wanted)}, found {answer.get('error') or short(found)}"
        row.case(same, shown, KNOWN.get((reader.partition(",")[0], path.stem)))


def keeps_order(reader):
    """Fields and files are told apart by some, and by PHP for good."""
    return reader not in ("PHP", "werkzeug", "python-multipart")


def short(parts):
    return [(part["name"], part.get("filename"), part.get("type"), part.get("length")) for part in parts][:3]


def main():
    table = Table("parsers")
    written = FOLDER / "forms"
    shutil.rmtree(written, ignore_errors=True)
    subprocess.run([OURS, "forms", str(written), *(["--short"] if SHORT else [])], check=True)
    servers = {
        "PHP": (by_php, ["php"]),
        "Tomcat 9": (lambda folder: by_servlet("Tomcat", ["tomcat9-*.jar"], folder), ["javac", f"{JAVA}/tomcat9-catalina.jar"]),
        "Jetty 9": (lambda folder: by_servlet("Jetty", ["jetty9-*.jar", "servlet-api.jar"], folder), ["javac", f"{JAVA}/jetty9-servlet.jar"]),
    }
    servers = {reader: read for reader, (read, needs) in servers.items() if table.has(reader, *needs)}
    others = [(reader, command) for reader, command in programs() if command[0] != "go" or table.has(reader, "go")]
    for what, folder in (("forms by rule", written), ("forms as sent", sent(FOLDER / "sent"))):
        for reader, command in others:
            compare(table, what, reader, folder, by_program(command, folder))
        for reader, read in servers.items():
            compare(table, what, reader, folder, read(folder))
    table.write()


if __name__ == "__main__":
    main()
