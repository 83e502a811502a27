"""Generated and damaged pictures: format, size, orientation and animation as avatarctl reads them from headers, as
Pillow reads and decodes them, and as ImageMagick reads them."""

import io
import json
import pathlib
import random
import shutil
import subprocess
import warnings

from PIL import Image

from table import FOLDER, OURS, PROGRAM, SHORT, Table

SEED = 20240229
ORIENTATION = 274

UNDECODED = "the damage lies in the pixels, in a checksum or in a block that only a decoder reads: avatarctl reads headers and frames only"
STRICTER = ("cut off, or with a broken frame: this reader shows what is there; avatarctl refuses it, because servers do, "
            "and one of them drops the old picture first")
OTHER = "another format, which the systems do not take"


def drawn(chance, kind, options):
    """A picture of a random size, saved in this way."""
    size = (chance.choice((1, 2, 3, 16, 48, 63, 64, 65, 200, 255, 256, 257, chance.randint(1, 300))), chance.randint(1, 300))
    mode = options.pop("mode", "RGB")
    frames = options.pop("frames", 1)
    orientation = options.pop("orientation", None)
    def frame(number):
        image = Image.new("RGBA", size, tuple(chance.randint(0, 255) for _ in range(4)))
        image.paste(Image.effect_noise((max(1, size[0] // 2), max(1, size[1] // 2)), 90 + number).convert("RGBA"), (size[0] // 4, 0))
        return image.convert(mode)
    images = [frame(number) for number in range(frames)]
    if frames > 1:
        options |= {"save_all": True, "append_images": images[1:], "duration": 50}
    if orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        if chance.random() < 0.5:
            exif[271] = "maker"
        options["exif"] = exif
    buffer = io.BytesIO()
    images[0].save(buffer, kind, **options)
    return buffer.getvalue()


def kinds(chance):
    """A way to save a picture, by chance."""
    orientation = {"orientation": chance.choice((1, 2, 3, 4, 5, 6, 7, 8, 0, 9))} if chance.random() < 0.5 else {}
    frames = {"frames": chance.randint(2, 4)} if chance.random() < 0.25 else {}
    return chance.choice((
        ("PNG", {"mode": chance.choice(("1", "L", "LA", "P", "RGB", "RGBA", "I;16")), "optimize": chance.random() < 0.2, **orientation}),
        ("PNG", {"mode": "RGBA", **frames, **orientation}),
        ("JPEG", {"mode": chance.choice(("L", "RGB", "CMYK")), "progressive": chance.random() < 0.5, "quality": chance.randint(1, 100),
                  "subsampling": chance.choice((0, 1, 2)), **({"comment": b"x" * chance.randint(0, 70)}), **orientation}),
        ("GIF", {"mode": chance.choice(("L", "P", "RGB")), "interlace": chance.random() < 0.5, **frames}),
        ("WEBP", {"mode": chance.choice(("RGB", "RGBA")), "lossless": chance.random() < 0.5, "quality": chance.randint(1, 100), **frames, **orientation}),
        ("TIFF" if chance.random() < 0.5 else "BMP", {"mode": "RGB"}),
    ))


def damaged(chance, content):
    """The bytes, damaged in one way, and the word for it."""
    content = bytearray(content)
    at = chance.randrange(len(content)) if chance.random() < 0.4 else chance.randrange(min(len(content), 120))
    way = chance.choice(("cut", "flip", "flip", "zero", "ones", "drop", "insert", "append", "double"))
    if way == "cut":
        del content[chance.randrange(len(content)):]
    elif way == "flip":
        content[at] ^= 1 << chance.randrange(8)
    elif way == "zero":
        content[at] = 0
    elif way == "ones":
        content[at] = 255
    elif way == "drop":
        del content[at:at + chance.randint(1, 8)]
    elif way == "insert":
        content[at:at] = chance.randbytes(chance.randint(1, 8))
    elif way == "append":
        content += chance.randbytes(chance.randint(1, 40))
    else:
        content *= 2
    return way, bytes(content)


def make(folder):
    chance = random.Random(SEED)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(60 if SHORT else 1000):
        kind, options = kinds(chance)
        content = drawn(chance, kind, options)
        (folder / f"{number:05}-whole.{kind.lower()}").write_bytes(content)
        for copy in range(1 if SHORT else 3):
            way, broken = damaged(chance, content)
            (folder / f"{number:05}-{way}{copy}.{kind.lower()}").write_bytes(broken)


# -------------------------------------------------------------------------------------------------------------- peers

def by_pillow(folder):
    """Opened, looked at and decoded to the last frame."""
    found = {}
    for path in sorted(folder.iterdir()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(path) as image:
                    facts = {"format": image.format, "width": image.size[0], "height": image.size[1],
                             "animated": getattr(image, "n_frames", 1) > 1 and image.format != "MPO"}
                    facts["orientation"] = image.getexif().get(ORIENTATION, 1)
                    for number in range(getattr(image, "n_frames", 1)):
                        image.seek(number)
                        image.load()
                    found[path.name] = facts
        except Exception as error:  # decoders throw what they like
            found[path.name] = {"flaw": f"{type(error).__name__}: {error}", **(facts_of(path))}
    return found


def facts_of(path):
    """What Pillow says of a picture that it then cannot decode."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                return {"undecoded": True, "format": image.format, "width": image.size[0], "height": image.size[1]}
    except Exception:
        return {}


# As ImageMagick names them.
TURNS = {"Undefined": 1, "TopLeft": 1, "TopRight": 2, "BottomRight": 3, "BottomLeft": 4, "LeftTop": 5, "RightTop": 6, "RightBottom": 7, "LeftBottom": 8}


# By its path, because some machines have a stand-in for a part of it.
IDENTIFY = "/usr/bin/identify"


def by_imagemagick(folder):
    """Its own decoders, for every file; each by name, because it goes by content else."""
    paths, found = sorted(folder.iterdir()), {}
    for start in range(0, len(paths), 100):
        words = [IDENTIFY, "-quiet", "-format", "%i|%m|%W|%H|%w|%h|%[orientation]|%n\n", *map(str, paths[start:start + 100])]
        output = subprocess.run(words, capture_output=True, text=True, errors="replace")
        for line in output.stdout.splitlines():
            name, kind, wide, high, width, height, turn, frames = line.split("|")
            name = pathlib.Path(name.partition("[")[0]).name
            size = (wide, high) if (wide, high) != ("0", "0") and kind in ("GIF", "WEBP") else (width, height)
            found.setdefault(name, {"format": kind, "width": int(size[0]), "height": int(size[1]),
                                    "orientation": TURNS.get(turn, 1), "animated": int(frames) > 1})
        for path in paths[start:start + 100]:
            if not found.get(path.name, {}).get("width"):
                found[path.name] = {"flaw": "identify found no picture"}
    return found


def by_header(folder):
    output = subprocess.run([OURS, "headers", str(folder)], stdout=subprocess.PIPE, check=True)
    lines = [json.loads(line) for line in output.stdout.splitlines()]
    names = {"PNG": "PNG", "JPEG": "JPEG", "GIF": "GIF", "WebP": "WEBP"}
    return {line.pop("file"): {**line, **({"format": names[line["format"]]} if "format" in line else {})} for line in lines}


def by_check(folder):
    """The files that `check` refuses, with its words."""
    paths = sorted(folder.iterdir())
    accounts = [{"server": "fleet", "employee_id": number + 1, "image": path.name} for number, path in enumerate(paths)]
    manifest = {"servers": {"fleet": {"system": "navixy", "url": "http://127.0.0.1:1"}}, "accounts": accounts}
    output = subprocess.run([PROGRAM, "check", "-", "--json"], input=json.dumps(manifest), env={}, cwd=folder,
                            capture_output=True, text=True)
    problems = [json.loads(line) for line in output.stdout.splitlines()]
    refused = {}
    for problem in problems:
        if problem["type"] == "problem":
            number = int(problem["path"].partition("[")[2].partition("]")[0])
            refused[paths[number].name] = problem["error"]["message"]
    return refused


# --------------------------------------------------------------------------------------------------------- comparison

TAKEN = ("PNG", "JPEG", "GIF", "WEBP")


def compare(table, peer, ours, theirs):
    rows = {}
    for name, mine in ours.items():
        what = "whole pictures" if "-whole" in name else "damaged pictures"
        row = rows.setdefault(what, table.row(what, peer) if what not in rows else None)
        other = theirs[name]
        shown = f"{name}: {mine} against {other}"
        mine_ok, other_ok = "flaw" not in mine, "flaw" not in other
        if mine_ok and other_ok:
            keys = ("format", "width", "height", "orientation", "animated")
            same = all(mine[key] == normal(other, key) for key in keys)
            row.case(same, shown, None if same else differs(peer, mine, other))
        elif not mine_ok and not other_ok:
            row.case(True, shown)
        elif other_ok and other["format"] not in TAKEN:
            row.case(False, shown, OTHER)
        elif mine_ok:
            row.case(False, shown, UNDECODED if what.startswith("damaged") else None)
        else:
            row.case(False, shown, STRICTER if what.startswith("damaged") else None)


def normal(facts, key):
    value = facts[key]
    if key == "format":
        return {"MPO": "JPEG", "JPG": "JPEG"}.get(value, value)
    if key == "orientation":
        return value if value in range(1, 9) else 1
    return value


STRAY = ("stray bytes between the blocks of a GIF: avatarctl ends the picture there, as browsers do; this reader looks for "
         "the next block")
ENTRY = "an entry before the orientation is broken: Pillow stops there; browsers, and avatarctl, look for the one they want"
NO_EXIF = "ImageMagick 6 reads no EXIF block from PNG and WebP pictures"
NO_APNG = "ImageMagick 6 shows the first frame of an animated PNG"
GROWN = "the first frame of a GIF reaches beyond its screen: Pillow makes the screen larger; avatarctl says what the header says"
FLAG = "the header says that the picture moves, and its frames say otherwise; avatarctl believes the header, and warns"


def differs(peer, mine, other):
    """Why two readers that both take a picture say different things of it; none where that is not known."""
    reasons = []
    for key in ("format", "width", "height", "orientation", "animated"):
        if mine[key] != normal(other, key):
            reasons.append(why(peer, key, mine, other))
    return reasons[0] if all(reasons) else None


def why(peer, key, mine, other):
    kind = mine["format"]
    if key == "orientation" and normal(other, key) == 1:
        return {("Pillow", "JPEG"): ENTRY, ("ImageMagick", "PNG"): NO_EXIF, ("ImageMagick", "WEBP"): NO_EXIF}.get((peer, kind))
    if key in ("width", "height") and (peer, kind) == ("Pillow", "GIF") and other[key] > mine[key]:
        return GROWN
    if key == "animated":
        if kind == "GIF" and other["animated"]:
            return STRAY
        if (peer, kind) == ("ImageMagick", "PNG") and mine["animated"]:
            return NO_APNG
        if kind == "WEBP":
            return FLAG
    return None


def main():
    table = Table("pictures")
    folder = FOLDER / "pictures"
    make(folder)
    ours = by_header(folder)
    refused = by_check(folder)
    row = table.row("refused by check", "its own reader of headers")
    for name, mine in ours.items():
        row.case((name in refused) == ("flaw" in mine), f"{name}: {mine} against {refused.get(name)}")
    compare(table, "Pillow", ours, by_pillow(folder))
    if table.has("ImageMagick", IDENTIFY):
        compare(table, "ImageMagick", ours, by_imagemagick(folder))
    table.write()


if __name__ == "__main__":
    main()
