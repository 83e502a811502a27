"""What the scripts beside this one found: each writes its rows into a file, and this prints them all as one table.

A difference is explained by a reason that stands in the script, or it makes the run fail.
"""

import collections
import json
import os
import pathlib
import shutil
import sys

FOLDER = pathlib.Path(os.environ.get("CONFORMANCE", "target/conformance"))
SHORT = os.environ.get("SHORT") == "1"
PROGRAM = os.environ.get("AVATARCTL", str(pathlib.Path("target/debug/avatarctl").absolute()))
OURS = os.environ.get("OURS", str(pathlib.Path("target/debug/examples/ours").absolute()))
SANDBOX = os.environ.get("SANDBOX", str(pathlib.Path("target/debug/examples/sandbox").absolute()))


class Table:
    """The rows of one script."""

    def __init__(self, topic):
        self.topic, self.rows, self.left_out, self.missing = topic, [], [], False

    def row(self, what, peer):
        row = Row(self.topic, what, peer)
        self.rows.append(row)
        return row

    def leave_out(self, what, why):
        self.left_out.append(f"{self.topic}: {what}: {why}")

    def has(self, peer, *programs):
        """Whether these programs and files are there; else the peer is left out, and in CI that is a failure."""
        absent = [program for program in programs if not (shutil.which(program) or pathlib.Path(program).exists())]
        if absent:
            self.leave_out(peer, f"{', '.join(absent)} is missing")
            self.missing = True
        return not absent

    def write(self):
        """Keeps the rows; the exit status says whether every difference is explained."""
        folder = FOLDER / "results"
        folder.mkdir(parents=True, exist_ok=True)
        rows = [vars(row) for row in self.rows]
        (folder / f"{self.topic}.json").write_text(json.dumps({"rows": rows, "left_out": self.left_out}, indent=1))
        for row in self.rows:
            for text in row.unexplained[:20]:
                print(f"{self.topic}: {row.what}: {row.peer}: {text}", file=sys.stderr)
        wrong = any(row.unexplained or not (row.same or row.explained) for row in self.rows)
        sys.exit(wrong or self.missing and os.environ.get("CI") == "true")


class Row:
    """Cases that were shown to avatarctl and to one peer."""

    def __init__(self, topic, what, peer):
        self.topic, self.what, self.peer = topic, what, peer
        self.same, self.explained, self.unexplained = 0, collections.Counter(), []

    def case(self, same, text, reason=None):
        """One case: the same in both, or different with a reason, or different for no known reason."""
        if same:
            self.same += 1
        elif reason:
            self.explained[reason] += 1
        else:
            self.unexplained.append(text)


def printed():
    """All rows as a table, then the reasons, then what was left out."""
    lines, reasons, left_out, bad = [], [], [], 0
    for path in sorted((FOLDER / "results").glob("*.json")):
        found = json.loads(path.read_text())
        left_out += found["left_out"]
        for row in found["rows"]:
            numbers = []
            for reason, count in row["explained"].items():
                if reason not in reasons:
                    reasons.append(reason)
                numbers.append(f"{count} [{reasons.index(reason) + 1}]")
            bad += len(row["unexplained"])
            total = row["same"] + sum(row["explained"].values()) + len(row["unexplained"])
            lines.append((row["topic"], row["what"], row["peer"], str(total), str(row["same"]),
                          " ".join(numbers) or "-", str(len(row["unexplained"]) or "-")))
    head = ("topic", "cases", "peer", "number", "same", "explained", "unexplained")
    widths = [max(len(line[at]) for line in [head, *lines]) for at in range(len(head))]
    for line in [head, *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    print()
    for number, reason in enumerate(reasons, 1):
        print(f"[{number}] {reason}")
    for text in left_out:
        print(f"left out: {text}")
    return bad


if __name__ == "__main__":
    sys.exit(1 if printed() else 0)
