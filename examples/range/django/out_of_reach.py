"""Weaknesses that no firewall at the sink can see; see `examples.range.out_of_reach`."""

from __future__ import annotations

import csv
import io

from django.http import HttpResponseBase

from examples.range.data import public_folder, rows
from examples.range.django.models import Note
from examples.range.django.routing import Request, Section, answer, body
from examples.range.endpoints import file, header, json_value, query
from examples.range.programs import run

__all__ = ["section"]

section = Section()


@section.describe(
    "POST",
    "/reach/stored/name",
    json_value("owner", "ann"),
    out_of_reach="stored value",
    followed_by="stored_value_used",
)
def stored_value(request: Request) -> HttpResponseBase:
    """Stores the value correctly, by the ORM."""
    Note.objects.filter(id=1).update(owner=str(body(request)["owner"]))
    return answer({"stored": True})


@section.describe("GET", "/reach/stored/notes", out_of_reach="stored value")
def stored_value_used(request: Request) -> HttpResponseBase:
    """Reads it in another request, trusts it, and pastes it (second-order injection)."""
    owner = Note.objects.get(id=1).owner.replace("%", "%%")
    found = Note.objects.extra(where=[f"owner IN ('{owner}', 'nobody')"])
    return answer(list(found.values("id", "body")))


@section.describe(
    "GET",
    "/reach/reversed/header",
    header("x-name", "aeT"),
    out_of_reach="unknown transformation",
)
def backwards(request: Request) -> HttpResponseBase:
    """Nobody can list every transformation that an application may invent."""
    name = request.headers["x-name"][::-1]
    return answer(rows(f"SELECT id, name, price FROM products WHERE name = '{name}'"))


@section.describe(
    "POST",
    "/reach/upload/file",
    file("file", "name,price\nTea,4\n"),
    out_of_reach="value parsed out of a file",
)
def uploaded(request: Request) -> HttpResponseBase:
    """A file is known as a whole; what a parser makes of it is not."""
    content = request.FILES["file"].read().decode(errors="replace")
    table = csv.DictReader(io.StringIO(content))
    return answer(
        [
            found
            for row in table
            for found in rows(f"SELECT id, name FROM products WHERE name = '{row['name']}'")
        ]
    )


@section.describe(
    "GET",
    "/reach/resolved/query",
    query("name", "menu.txt"),
    out_of_reach="path resolved and not checked",
)
def resolved(request: Request) -> HttpResponseBase:
    """Once resolved, a path that left the folder looks like any other."""
    return answer({"content": (public_folder() / request.GET["name"]).resolve().read_text()})


@section.describe(
    "POST",
    "/reach/program/json",
    json_value("name", "menu.txt"),
    out_of_reach="path opened by another program",
)
def other_program(request: Request) -> HttpResponseBase:
    """One argument stays one argument; which file it names is the other program's business."""
    return answer(run(["tail", "--", str(body(request)["name"]).replace("\0", "")]))
