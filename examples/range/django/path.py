"""Files: `FileResponse` and what Python does, each place where Django keeps a value."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Literal

from django.http import FileResponse, HttpResponseBase
from django.utils._os import safe_join

from examples.range.data import public_folder
from examples.range.django.routing import Request, Section, answer, body
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

__all__ = ["section"]

section = Section()

Trust = Literal["fully_trusted", "data"]


@section.describe("GET", "/weak/path/file-response/query", query("name", "menu.txt"))
def weak_file_response_query(request: Request) -> HttpResponseBase:
    """Weak: `FileResponse` sends what was opened."""
    return FileResponse(open(f"{public_folder()}/{request.GET['name']}", "rb"))


@section.describe("GET", "/safe/path/file-response/query", query("name", "menu.txt"))
def safe_file_response_query(request: Request) -> HttpResponseBase:
    """Safe: resolved, then checked."""
    return FileResponse(inside(request.GET["name"]).open("rb"))


@section.describe("POST", "/weak/path/copy/form", form("name", "menu.txt"))
def weak_copy_form(request: Request) -> HttpResponseBase:
    """Weak: a copy is made of what is named."""
    target = public_folder() / "copied.txt"
    shutil.copy(os.path.join(public_folder(), request.POST["name"]), target)
    return answer({"content": target.read_text()})


@section.describe("POST", "/safe/path/copy/form", form("name", "menu.txt"))
def safe_copy_form(request: Request) -> HttpResponseBase:
    """Safe: joined by Django, which refuses what leads out."""
    target = public_folder() / "copied.txt"
    try:
        shutil.copy(safe_join(str(public_folder()), request.POST["name"]), target)
    except (ValueError, shutil.SameFileError, IsADirectoryError):
        return answer({"detail": "no such file"}, 404)
    return answer({"content": target.read_text()})


@section.describe("POST", "/weak/path/scandir/json", json_value("folder", "."))
def weak_scandir_json(request: Request) -> HttpResponseBase:
    """Weak: the names in any folder."""
    with os.scandir(f"{public_folder()}/{body(request)['folder']}") as entries:
        return answer(sorted(entry.name for entry in entries))


@section.describe("POST", "/safe/path/scandir/json", json_value("folder", "."))
def safe_scandir_json(request: Request) -> HttpResponseBase:
    """Safe: of two folders the one that is meant."""
    folder = "." if body(request)["folder"] == "." else public_folder().name
    names = os.listdir(public_folder() / folder) if folder == "." else []
    return answer(sorted(names))


@section.describe("GET", "/weak/path/open/header", header("x-page", "welcome"))
def weak_open_header(request: Request) -> HttpResponseBase:
    """Weak: a suffix decides little."""
    with open(f"{public_folder()}/{request.headers['x-page']}.txt") as opened:
        return answer({"content": opened.read()})


@section.describe("GET", "/safe/path/open/header", header("x-page", "welcome"))
def safe_open_header(request: Request) -> HttpResponseBase:
    """Safe: resolved, then checked."""
    return answer({"content": inside(request.headers["x-page"] + ".txt").read_text()})


@section.describe("GET", "/weak/path/lines/cookie", cookie("theme", "prices.csv"))
def weak_lines_cookie(request: Request) -> HttpResponseBase:
    """Weak: `pathlib` forgets its left side where the right one is absolute."""
    with (public_folder() / request.COOKIES["theme"]).open() as opened:
        return answer({"lines": opened.readlines()})


@section.describe("GET", "/safe/path/lines/cookie", cookie("theme", "prices.csv"))
def safe_lines_cookie(request: Request) -> HttpResponseBase:
    """Safe: resolved, then checked."""
    return answer({"lines": inside(request.COOKIES["theme"]).read_text().splitlines(True)})


@section.describe("GET", "/weak/path/tail/<path:name>", path("name", "menu.txt"))
def weak_tail(request: Request, name: str) -> HttpResponseBase:
    """Weak: Django's `path` converter keeps dot segments."""
    return FileResponse(Path(f"{public_folder()}/{name}").open("rb"))


@section.describe("GET", "/safe/path/tail/<path:name>", path("name", "menu.txt"))
def safe_tail(request: Request, name: str) -> HttpResponseBase:
    """Safe: resolved, then checked."""
    return FileResponse(inside(name).open("rb"))


@section.describe("POST", "/weak/path/mkdir/json-key", json_key({"drafts": "new"}))
def weak_mkdir_json_key(request: Request) -> HttpResponseBase:
    """Weak: folders, named by members."""
    for name in body(request):
        with open(os.path.join(public_folder(), name), "ab") as made:
            made.write(b"\n")
    return answer({"made": True})


@section.describe("POST", "/safe/path/mkdir/json-key", json_key({"drafts": "new"}))
def safe_mkdir_json_key(request: Request) -> HttpResponseBase:
    """Safe: resolved, then checked."""
    for name in body(request):
        with inside(name).open("ab") as made:
            made.write(b"\n")
    return answer({"made": True})


@section.describe("POST", "/weak/path/truncate/part", part("name", "draft.txt"))
def weak_truncate_part(request: Request) -> HttpResponseBase:
    """Weak: it empties what it is told to."""
    os.truncate(public_folder() / request.POST["name"], 0)
    return answer({"emptied": True})


@section.describe("POST", "/safe/path/truncate/part", part("name", "draft.txt"))
def safe_truncate_part(request: Request) -> HttpResponseBase:
    """Safe: resolved, then checked; and only drafts."""
    draft = inside(request.POST["name"])
    if draft.name.startswith("draft"):
        os.truncate(draft, 0)
    return answer({"emptied": True})


@section.describe("POST", "/weak/path/untar/file", file("archive", HONEST_TAR))
def weak_untar_file(request: Request) -> HttpResponseBase:
    """Weak: an archive says where its members go."""
    return untar(request, "fully_trusted")


@section.describe("POST", "/safe/path/untar/file", file("archive", HONEST_TAR))
def safe_untar_file(request: Request) -> HttpResponseBase:
    """Safe: the filter for data (PEP 706)."""
    return untar(request, "data")


def untar(request: Request, trust: Trust) -> HttpResponseBase:
    """The names in an uploaded archive, unpacked."""
    archive = io.BytesIO(request.FILES["archive"].read())
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(fileobj=archive) as opened:
                for member in opened.getmembers():
                    opened.extract(member, folder, filter=trust)
        except tarfile.TarError:
            return answer({"detail": "no archive"}, 400)
        return answer(sorted(os.listdir(folder)))
