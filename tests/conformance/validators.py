"""What avatarctl writes and sends, judged by published validators."""

import json
import pathlib
import subprocess
import tempfile

import recorder
from table import FOLDER, PROGRAM, SANDBOX, Table

HERE = pathlib.Path(__file__).parent

LOGIN = ("the published schema of login wants an object for \"user\"; the server's own documentation, and every client, "
         "gives the name there as a text, and that is what the server reads")


# Names that break careless reports.
HOSTILE = ["build bot", "a<b>&\"'", "Zoë 🤖", "]]>", "a\u0001b", "\u202eevil", "x" * 300, "--><script>", "</title>"]


def run(*words, environment=None, folder=None, status=0):
    output = subprocess.run([PROGRAM, *words], env={**recorder.CREDENTIALS, **(environment or {})}, cwd=folder,
                            stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert output.returncode == status, (words, output)
    return output.stdout


# ------------------------------------------------------------------------------------------------ Rocket.Chat's bodies

# By the end of the path: the validators of that call, by their names in the releases, and whether they judge the query.
CALLS = {
    "users.setAvatar": (["isUsersSetAvatarProps", "isUserSetAvatarParamsPOST"], False),
    "users.resetAvatar": (["isUsersResetAvatarProps"], False),
    "users.info": (["isUsersInfoParamsGetProps"], True),
    "login": (["isLoginProps"], False),
    "logout": (["isUserLogoutParamsPOST"], False),
}


def bodies():
    """What each verb sends, for names that a person may have."""
    found = []
    with recorder.Recorder() as server, tempfile.TemporaryDirectory() as folder:
        address = {"ROCKETCHAT_URL": server.url}
        targets = [[], *(["--user", name] for name in ("build-bot", "Zoë", "a b", "100%", "a&b=c", "0", "null")),
                   ["--user-id", "BsNr28znDkG8aeo7W"]]
        for target in targets:
            for words in (["set", "--avatar-url", "http://domain.tld/to/my/own/avatar.jpg?a=b&c=d"], ["reset", "--force"], ["show"]):
                subprocess.run([PROGRAM, "rocketchat", *words, *target, "--no-verify" if words[0] != "show" else "-q"],
                               env={**recorder.CREDENTIALS, **address}, stdin=subprocess.DEVNULL, capture_output=True)
        manifest = {"servers": {"chat": {"system": "rocketchat", "url": server.url}}, "accounts": [
            {"server": "chat", "user": "a", "avatar_url": "http://domain.tld/a.jpg"},
            {"server": "chat", "user_id": "b", "avatar_url": "http://domain.tld/b.jpg"},
            {"server": "chat", "user": "c", "reset": True}, {"server": "chat", "user_id": "d", "reset": True}]}
        (pathlib.Path(folder) / "m.json").write_text(json.dumps(manifest))
        run("apply", "m.json", "--no-verify", folder=folder)
        login = {"ROCKETCHAT_USER": "robot-admin", "ROCKETCHAT_PASSWORD": "secret"}
        subprocess.run([PROGRAM, "rocketchat", "show"], env={**address, **login}, stdin=subprocess.DEVNULL, capture_output=True)
        for request in server.requests:
            names, query = CALLS.get(request.path.rpartition("/")[2], (None, None))
            if names and "multipart" not in request.headers.get("Content-Type", ""):
                value = request.query if query else json.loads(request.body or b"{}")
                found.append((request.path.rpartition("/")[2], names, value))
    assert {path for path, _, _ in found} == set(CALLS), {path for path, _, _ in found}
    return found


def rest_typings(table):
    cases = bodies()
    text = "".join(json.dumps([names, value]) + "\n" for _, names, value in cases)
    for bundle in sorted((FOLDER / "npm").glob("rest-typings-*/bundle.cjs")):
        version = bundle.parent.name.rpartition("-")[2]
        output = subprocess.run(["node", str(HERE / "readers/rest_typings.mjs"), str(bundle.absolute())], input=text,
                                stdout=subprocess.PIPE, text=True, check=True)
        verdicts = [json.loads(line) for line in output.stdout.splitlines()]
        rows = {}
        for (path, names, value), verdict in zip(cases, verdicts, strict=True):
            if verdict["name"] is None:
                table.leave_out(f"{path} in rest-typings {version}", "that release publishes no validator of it")
                continue
            row = rows.setdefault(path, table.row(f"bodies of {path}", f"rest-typings {version}") if path not in rows else None)
            row.case(verdict["valid"], f"{value}: {verdict['errors']}", LOGIN if path == "login" else None)
    table.left_out = list(dict.fromkeys(table.left_out))


# ------------------------------------------------------------------------------------------------------------ reports

def junit(table):
    """A report over successes and failures of every kind, read by what reads reports for people."""
    import junitparser
    row = table.row("reports of --junit", "junitparser")
    with recorder.Recorder() as server, tempfile.TemporaryDirectory() as folder:
        accounts = [{"server": "chat", "user": name, "avatar_url": "http://domain.tld/a.jpg"} for name in HOSTILE]
        accounts += [{"server": "gone", "employee_id": 1, "icon_id": 1}, {"server": "gone", "employee_id": 2, "icon_id": 1}]
        manifest = {"servers": {"chat": {"system": "rocketchat", "url": server.url},
                                "gone": {"system": "navixy", "url": "http://127.0.0.1:1"}}, "accounts": accounts}
        (pathlib.Path(folder) / "m.json").write_text(json.dumps(manifest))
        for verb, status in (("apply", 69), ("diff", 69)):
            words = [verb, "m.json", "--junit", "report.xml", "--retries", "0", "--json"]
            lines = subprocess.run([PROGRAM, *words], env=recorder.CREDENTIALS, cwd=folder, stdin=subprocess.DEVNULL,
                                   capture_output=True, text=True)
            told = [json.loads(line) for line in lines.stdout.splitlines()]
            summary = next(line for line in told if line["type"] == "summary")
            report = junitparser.JUnitXml.fromfile(str(pathlib.Path(folder) / "report.xml"))
            suites = list(report) if isinstance(report, junitparser.JUnitXml) else [report]
            cases = [case for suite in suites for case in suite]
            results = [result for case in cases for result in case.result]
            counts = {"tests": len(cases), "failures": sum(isinstance(one, junitparser.Failure) for one in results),
                      "skipped": sum(isinstance(one, junitparser.Skipped) for one in results),
                      "errors": sum(isinstance(one, junitparser.Error) for one in results)}
            announced = {key: sum(getattr(suite, key) for suite in suites) for key in counts}
            row.case(counts == announced, f"{verb}: {counts} against {announced}")
            row.case(counts["tests"] == len(accounts), f"{verb}: {counts} of {len(accounts)} accounts")
            bad = summary["failed"] + summary["skipped"] + (summary["pending"] if verb == "diff" else 0)
            row.case(counts["failures"] + counts["errors"] + counts["skipped"] == bad, f"{verb}: {counts} against {summary}")
            row.case(lines.returncode == status, f"{verb}: ended with {lines.returncode}")


def in_a_sandbox(folder, *words):
    return subprocess.run([SANDBOX, "--", PROGRAM, *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def archives(table):
    """What doctor records of every system, with and without a change there and back."""
    row = table.row("archives of doctor --har", "har-validator")
    targets = {"jira": ["--user", "build-bot"], "rocketchat": ["--user", "build-bot"], "navixy": ["--employee-id", "2133"],
               "matrix": ["--user", "robot"]}
    ways = [[]] + [["--round-trip"]] * ("--round-trip" in run("doctor", "--help"))
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for system, target in targets.items():
            for number, words in enumerate(([], *(target + way for way in ways))):
                name = f"{system}{number}.har"
                ended = in_a_sandbox(folder, system, "doctor", *words, "--har", name)
                assert (pathlib.Path(folder) / name).exists(), ended
                files.append(name)
        module = (FOLDER / "npm/har/node_modules/har-validator").absolute()
        output = subprocess.run(["node", str((HERE / "readers/har.js").absolute()), str(module), *files], cwd=folder,
                                stdout=subprocess.PIPE, text=True, check=True)
        for name, said in zip(files, output.stdout.splitlines(), strict=True):
            row.case(not said, f"{name}: {said}")


def pages(table):
    """The pages of check, diff and apply, and Jira's contact sheet, over names that break careless pages."""
    import html5lib
    strict = table.row("pages of --html", "html5lib")
    tidy = table.row("pages of --html", "tidy, errors") if table.has("tidy", "tidy") else None
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        subprocess.run([SANDBOX, "--pictures", folder], check=True, stdout=subprocess.DEVNULL)
        faces = sorted(path.relative_to(place).as_posix() for path in place.glob("faces/*") if path.suffix != ".webp")  # Jira takes none
        odd = [*HOSTILE, "build-bot", "robot"]
        accounts = [{"server": "jira", "user": name, "image": faces[at % len(faces)]} for at, name in enumerate(odd)]
        accounts += [{"server": "fleet", "employee_id": 2132, "icon_id": 5}, {"server": "fleet", "employee_id": 2133, "image": faces[0]}]
        manifest = {"servers": {"jira": {"system": "jira", "url": "JIRA"}, "fleet": {"system": "navixy", "url": "FLEET"}}, "accounts": accounts}
        (place / "m.in").write_text(json.dumps(manifest))
        script = ('sed -e "s#\\"JIRA\\"#\\"$JIRA_URL\\"#" -e "s#\\"FLEET\\"#\\"$NAVIXY_URL\\"#" m.in >m.json\n'
                  'for verb in check diff apply; do "$0" $verb m.json --html $verb.html; done; "$0" jira list --html list.html; true')
        run = subprocess.run([SANDBOX, "--", "sh", "-c", script, PROGRAM], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        for name in ("check", "diff", "apply", "list"):
            path = place / f"{name}.html"
            if not path.exists():
                strict.case(False, f"{name}: no page: {run.stderr[-500:]}")
                continue
            parser = html5lib.HTMLParser(strict=False)
            parser.parse(path.read_bytes())
            strict.case(not parser.errors, f"{name}: {parser.errors[:3]}")
            # Its warnings are of an older HTML: a div around the pairs of a dl, for one.
            said = tidy and subprocess.run(["tidy", "-quiet", "-errors", "--show-warnings", "no", str(path)], capture_output=True, text=True)
            if said:
                tidy.case(said.returncode < 2, f"{name}: {said.stderr[:600]}")


# -------------------------------------------------------------------------------------------- manual and completions

def texts(table):
    if table.has("mandoc", "mandoc"):
        manual_page(table)
    if table.has("shellcheck", "shellcheck"):
        row = table.row("the completion script", "shellcheck")
        script = run("completions", "bash")
        check = subprocess.run(["shellcheck", "--shell", "bash", "-"], input=script, capture_output=True, text=True)
        row.case(check.returncode == 0, check.stdout)


def manual_page(table):
    manual = run("man")
    row = table.row("the manual page", "mandoc -T lint")
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=manual, capture_output=True, text=True)
    complaints = [line for line in lint.stdout.splitlines() if line.strip()]
    row.case(not complaints, f"{complaints}")
    for renderer in ("ascii", "utf8", "html", "pdf"):
        shown = subprocess.run(["mandoc", "-T", renderer], input=manual.encode(), capture_output=True)
        row.case(shown.returncode == 0 and len(shown.stdout) > 5000 and not shown.stderr, f"-T {renderer}: {shown.stderr[:200]}")


def main():
    table = Table("validators")
    rest_typings(table)
    junit(table)
    archives(table)
    pages(table)
    texts(table)
    table.write()


if __name__ == "__main__":
    main()
