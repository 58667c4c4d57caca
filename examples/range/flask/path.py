"""Files: what Flask offers for them and what Python does, each place where Flask keeps a value."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile

from flask import request, send_file, send_from_directory
from flask.typing import ResponseReturnValue
from werkzeug.utils import secure_filename

from examples.range.data import public_folder
from examples.range.endpoints import (
    cookie,
    file,
    form,
    header,
    json_key,
    json_value,
    part,
    path,
    query,
)
from examples.range.files import HONEST_TAR, inside
from examples.range.flask.routing import Section

__all__ = ["section"]

section = Section("path", __name__)


@section.describe("GET", "/weak/path/send-file/query", query("name", "menu.txt"))
def weak_send_file_query() -> ResponseReturnValue:
    """Weak: `send_file` trusts its caller; `send_from_directory` does not."""
    return send_file(f"{public_folder()}/{request.args['name']}", mimetype="text/plain")


@section.describe("GET", "/safe/path/send-file/query", query("name", "menu.txt"))
def safe_send_file_query() -> ResponseReturnValue:
    """Safe: joined by Werkzeug, which refuses what leads out."""
    return send_from_directory(public_folder(), request.args["name"], mimetype="text/plain")


@section.describe("POST", "/weak/path/open/form", form("page", "welcome"))
def weak_open_form() -> ResponseReturnValue:
    """Weak: a folder before and a suffix behind decide little."""
    with open(os.path.join(public_folder(), request.form["page"] + ".txt")) as opened:
        return {"content": opened.read()}


@section.describe("POST", "/safe/path/open/form", form("page", "welcome"))
def safe_open_form() -> ResponseReturnValue:
    """Safe: resolved, then checked."""
    return {"content": inside(request.form["page"] + ".txt").read_text()}


@section.describe("POST", "/weak/path/list/json", json_value("folder", "."))
def weak_list_json() -> ResponseReturnValue:
    """Weak: the names in any folder."""
    return sorted(os.listdir(public_folder() / request.get_json()["folder"]))


@section.describe("POST", "/safe/path/list/json", json_value("folder", "."))
def safe_list_json() -> ResponseReturnValue:
    """Safe: resolved, then checked."""
    folder = (public_folder() / request.get_json()["folder"]).resolve()
    if not folder.is_relative_to(public_folder().resolve()):
        raise FileNotFoundError
    return sorted(os.listdir(folder))


@section.describe("GET", "/weak/path/bytes/header", header("x-page", "welcome.txt"))
def weak_bytes_header() -> ResponseReturnValue:
    """Weak: a header chooses the file; read as bytes, by a descriptor."""
    opened = os.open(os.fsencode(f"{public_folder()}/{request.headers['x-page']}"), os.O_RDONLY)
    with os.fdopen(opened, "rb") as stream:
        return {"content": stream.read().decode(errors="replace")}


@section.describe("GET", "/safe/path/bytes/header", header("x-page", "welcome.txt"))
def safe_bytes_header() -> ResponseReturnValue:
    """Safe: resolved, then checked."""
    return {"content": inside(request.headers["x-page"]).read_text(errors="replace")}


@section.describe("DELETE", "/weak/path/remove/cookie", cookie("draft", "draft.txt"))
def weak_remove_cookie() -> ResponseReturnValue:
    """Weak: it removes what it is told to."""
    os.remove(public_folder() / request.cookies["draft"])
    return {"removed": True}


@section.describe("DELETE", "/safe/path/remove/cookie", cookie("draft", "draft.txt"))
def safe_remove_cookie() -> ResponseReturnValue:
    """Safe: resolved, then checked; and only drafts."""
    draft = inside(request.cookies["draft"])
    if draft.name.startswith("draft"):
        draft.unlink(missing_ok=True)
    return {"removed": True}


@section.describe("GET", "/weak/path/tail/<path:name>", path("name", "menu.txt"))
def weak_tail(name: str) -> ResponseReturnValue:
    """Weak: Flask's `path` converter keeps dot segments."""
    return {"content": (public_folder() / name).read_text()}


@section.describe("GET", "/safe/path/tail/<path:name>", path("name", "menu.txt"))
def safe_tail(name: str) -> ResponseReturnValue:
    """Safe: joined by Werkzeug."""
    return send_from_directory(public_folder(), name, mimetype="text/plain")


@section.describe("POST", "/weak/path/write/json-key", json_key({"note.txt": "tea at four"}))
def weak_write_json_key() -> ResponseReturnValue:
    """Weak: names of files as names of members."""
    for name, text in request.get_json().items():
        with open(f"{public_folder()}/{name}", "w") as opened:
            opened.write(text)
    return {"written": True}


@section.describe("POST", "/safe/path/write/json-key", json_key({"note.txt": "tea at four"}))
def safe_write_json_key() -> ResponseReturnValue:
    """Safe: resolved, then checked."""
    for name, text in request.get_json().items():
        inside(name).write_text(text)
    return {"written": True}


@section.describe("POST", "/weak/path/rename/part", part("name", "copied.txt"))
def weak_rename_part() -> ResponseReturnValue:
    """Weak: a new name that lies elsewhere."""
    draft = public_folder() / "draft"
    draft.write_text("tea at four\n")
    draft.rename(public_folder() / request.form["name"])
    return {"renamed": True}


@section.describe("POST", "/safe/path/rename/part", part("name", "copied.txt"))
def safe_rename_part() -> ResponseReturnValue:
    """Safe: resolved, then checked."""
    target = inside(request.form["name"])
    draft = public_folder() / "draft"
    draft.write_text("tea at four\n")
    draft.rename(target)
    return {"renamed": True}


@section.describe("POST", "/weak/path/save/file-name", file("upload", "tea at four"))
def weak_save_file_name() -> ResponseReturnValue:
    """Weak: Werkzeug gives the name as the client sent it."""
    upload = request.files["upload"]
    upload.save(os.path.join(public_folder(), upload.filename or "unnamed"))
    return {"saved": True}


@section.describe("POST", "/safe/path/save/file-name", file("upload", "tea at four"))
def safe_save_file_name() -> ResponseReturnValue:
    """Safe: what Werkzeug leaves of the name."""
    upload = request.files["upload"]
    upload.save(public_folder() / (secure_filename(upload.filename or "") or "unnamed"))
    return {"saved": True}


@section.describe("POST", "/weak/path/untar/file", file("archive", HONEST_TAR))
def weak_untar_file() -> ResponseReturnValue:
    """Weak: an archive says where its members go, and who is trusted fully goes anywhere."""
    archive = io.BytesIO(request.files["archive"].read())
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(fileobj=archive) as opened:
                opened.extractall(folder, filter="fully_trusted")
        except tarfile.TarError:
            return {"detail": "no archive"}, 400
        return sorted(os.listdir(folder))


@section.describe("POST", "/safe/path/untar/file", file("archive", HONEST_TAR))
def safe_untar_file() -> ResponseReturnValue:
    """Safe: the filter for data (PEP 706)."""
    archive = io.BytesIO(request.files["archive"].read())
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(fileobj=archive) as opened:
                opened.extractall(folder, filter="data")
        except tarfile.TarError:
            return {"detail": "no archive"}, 400
        return sorted(os.listdir(folder))
