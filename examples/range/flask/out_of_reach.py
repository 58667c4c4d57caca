"""Weaknesses that no firewall at the sink can see; see `examples.range.out_of_reach`."""

from __future__ import annotations

import csv
import io

from flask import request
from flask.typing import ResponseReturnValue

from examples.range.data import connection, public_folder, rows
from examples.range.endpoints import file, form, query
from examples.range.flask.routing import Section
from examples.range.programs import run

__all__ = ["section"]

section = Section("out_of_reach", __name__)


@section.describe(
    "POST",
    "/reach/stored/name",
    form("owner", "ann"),
    out_of_reach="stored value",
    followed_by="stored_value_used",
)
def stored_value() -> ResponseReturnValue:
    """Stores the value correctly, with a parameter."""
    with connection() as database:
        database.execute("UPDATE notes SET owner = ? WHERE id = 1", (request.form["owner"],))
    return {"stored": True}


@section.describe("GET", "/reach/stored/notes", out_of_reach="stored value")
def stored_value_used() -> ResponseReturnValue:
    """Reads it in another request, trusts it, and pastes it (second-order injection)."""
    owner = rows("SELECT owner FROM notes WHERE id = 1")[0]["owner"]
    return rows(f"SELECT count(*) AS notes FROM notes WHERE owner IN ('{owner}', 'nobody')")


@section.describe(
    "GET", "/reach/token/query", query("column", "name"), out_of_reach="dangerous valid token"
)
def valid_token() -> ResponseReturnValue:
    """`password` is a column as good as `name`."""
    return rows(f"SELECT id, {request.args['column']} AS shown FROM users WHERE id > 0")


@section.describe(
    "POST",
    "/reach/upload/file",
    file("file", "name,price\nTea,4\n"),
    out_of_reach="value parsed out of a file",
)
def uploaded() -> ResponseReturnValue:
    """A file is known as a whole; what a parser makes of it is not."""
    content = request.files["file"].read().decode(errors="replace")
    return [
        found
        for row in csv.DictReader(io.StringIO(content))
        for found in rows(f"SELECT id, name, price FROM products WHERE name = '{row['name']}'")
    ]


@section.describe(
    "GET",
    "/reach/resolved/query",
    query("name", "menu.txt"),
    out_of_reach="path resolved and not checked",
)
def resolved() -> ResponseReturnValue:
    """Once resolved, a path that left the folder looks like any other."""
    return {"content": (public_folder() / request.args["name"]).resolve().read_text()}


@section.describe(
    "GET",
    "/reach/program/query",
    query("name", "menu.txt"),
    out_of_reach="path opened by another program",
)
def other_program() -> ResponseReturnValue:
    """One argument stays one argument; which file it names is the other program's business."""
    return run(["head", "--", request.args["name"].replace("\0", "")])
