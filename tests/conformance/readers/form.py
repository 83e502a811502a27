"""What Werkzeug or python-multipart finds in each form of a folder: form.py werkzeug|python-multipart DIR."""

import hashlib
import json
import pathlib
import sys


def described(name, filename, kind, content):
    return {"name": name, "filename": filename, "type": kind if filename is not None else None,
            "length": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def by_werkzeug(content_type, path):
    from werkzeug.formparser import parse_form_data
    environment = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": content_type,
                   "CONTENT_LENGTH": str(path.stat().st_size), "wsgi.input": path.open("rb")}
    _, fields, files = parse_form_data(environment, silent=False)
    parts = [described(name, None, None, value.encode()) for name, value in fields.items(multi=True)]
    parts += [described(name, file.filename, file.mimetype, file.read()) for name, file in files.items(multi=True)]
    return parts


def by_python_multipart(content_type, path):
    import python_multipart
    parts = []

    def on_field(field):
        parts.append(described(field.field_name.decode(), None, None, field.value or b""))

    def on_file(file):
        file.file_object.seek(0)
        parts.append(described(file.field_name.decode(), file.file_name.decode(), file.content_type, file.file_object.read()))

    headers = {"Content-Type": content_type.encode()}
    with path.open("rb") as body:
        python_multipart.parse_form(headers, body, on_field, on_file)
    return parts


def main():
    reader = {"werkzeug": by_werkzeug, "python-multipart": by_python_multipart}[sys.argv[1]]
    for path in sorted(pathlib.Path(sys.argv[2]).glob("*.body")):
        content_type = json.loads(path.with_suffix(".json").read_text())["content_type"]
        found = {"form": path.stem, "parts": [], "error": None}
        try:
            found["parts"] = reader(content_type, path)
        except Exception as error:  # whatever a reader does not like is its answer
            found["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(found))


main()
