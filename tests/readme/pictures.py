"""The pictures of the README, from real runs: a session in a terminal as an SVG, in the colours that the program gives
it, and the page that apply made in the demo, as Chromium shows it.

    sandbox -- sh play.sh python3 pictures.py PAGE

in a folder with the sample pictures. PAGE is the demo's; the results lie beside this script. That the session is what the
program prints now is seen by tests/readme.rs, which runs it again.
"""

import html
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ["AVATARCTL"]
SESSION = (
    "jira set --user robot --avatar-id 24880",
    "diff avatars.json",
    "apply avatars.json",
    "rocketchat reset --user build-bot  # somebody does it by hand",
    "diff avatars.json",
    "apply -q avatars.json",
)
COLUMNS, LINE, MARGIN, CHARACTER = 80, 18, 14, 7.83
STYLE = """
  text { font: 13px ui-monospace, 'SFMono-Regular', Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre; fill: #1f2328 }
  rect { fill: #f6f8fa; stroke: #d1d9e0 }
  .typed { font-weight: bold } .note, .c2 { fill: #59636e } .c31 { fill: #cf222e } .c32 { fill: #1a7f37 } .c33 { fill: #9a6700 } .c36 { fill: #0550ae }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } rect { fill: #0d1117; stroke: #3d444d }
    .note, .c2 { fill: #9198a1 } .c31 { fill: #ff7b72 } .c32 { fill: #56d364 } .c33 { fill: #e3b341 } .c36 { fill: #79c0ff }
  }
"""


def typed(words):
    """What the program prints to a terminal of COLUMNS."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        subprocess.run(["stty", "cols", str(COLUMNS), "rows", "40"], check=True)
        os.execv(PROGRAM, ["avatarctl", *words])
    printed = b""
    try:
        while block := os.read(terminal, 65536):
            printed += block
    except OSError:
        pass  # How Linux says that nobody holds the other end any more.
    os.waitpid(child, 0)
    return printed.decode()


def screen(printed):
    """The lines that stand there in the end, as pieces of a colour and a text; progress has gone by then."""
    lines, colour, at = [[]], "", 0
    for escape, text in re.findall(r"\x1b\[\??([0-9;]*[a-zA-Z])|([^\x1b])", printed):
        line = lines[-1]
        if escape == "K":
            del line[at:]
        elif escape.endswith("m"):
            colour = escape[:-1].strip("0")
        elif text == "\r":
            at = 0
        elif text == "\n":
            lines.append([])
        elif text:
            line[at:at + 1] = [(colour, text)]
            at += 1
    assert not lines[-1], "the last line ends"
    return lines[:-1]


def marked(line):
    """A line of the screen as SVG."""
    out, before = "", ""
    for colour, text in [*line, ("", "")]:
        if colour != before:
            out += "</tspan>" * bool(before) + f'<tspan class="c{colour}">' * bool(colour)
            before = colour
        out += html.escape(text, quote=False)
    return out


def session():
    """The SVG of all commands and what is printed below each."""
    lines = []
    for command in SESSION:
        words, mark, note = command.partition("  #")
        if lines:
            lines.append("")
        note = f'<tspan class="note">{mark}{note}</tspan>' if note else ""
        lines.append(f'<tspan class="note">$ </tspan><tspan class="typed">avatarctl {words}</tspan>{note}')
        lines += map(marked, screen(typed(words.split())))
    width, height = round(COLUMNS * CHARACTER + 2 * MARGIN), len(lines) * LINE + 2 * MARGIN
    texts = "".join(f'<text x="{MARGIN}" y="{MARGIN + at * LINE + 13}">{line}</text>\n'
                    for at, line in enumerate(lines) if line)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
            f'<title>A session with avatarctl</title>\n<style>{STYLE}</style>\n'
            f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="6"/>\n{texts}</svg>\n')


def page(source, target, width=900, height=662):
    """A screenshot, in as many colours as it needs."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
            "--blink-settings=preferredColorScheme=1", f"--user-data-dir={scratch}/browser",
            f"--window-size={width},{height}", f"--screenshot={scratch}/page.png", source.resolve().as_uri(),
        ], check=True, timeout=60, stderr=subprocess.DEVNULL)
        subprocess.run(["pngquant", "--force", "--strip", "--output", target, f"{scratch}/page.png"], check=True)


if __name__ == "__main__":
    (HERE / "session.svg").write_text(session())
    page(pathlib.Path(sys.argv[1]), HERE / "page.png")
