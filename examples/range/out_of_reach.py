"""Weaknesses that no firewall at the sink can see. Fix them in the code; nothing stands in for it.

`attack` proves them as it proves all others, and counts them apart, under the reason given here.
"""

import codecs
import csv
import io
import subprocess
from typing import Annotated, Any

from fastapi import APIRouter, Body, File, HTTPException, Query, UploadFile

from examples.range.data import Row, connection, public_folder, rows

__all__ = ["router"]

router = APIRouter(tags=["out of reach"])


def because(reason: str) -> dict[str, Any]:
    """The mark that `attack` reads."""
    return {"x-stockade-out-of-reach": reason}


# What a stored value does shows in another request; OpenAPI calls that a link.
_FOLLOWED_BY: dict[int | str, dict[str, Any]] = {
    200: {"links": {"effect": {"operationId": "stored_value_used"}}}
}


@router.put(
    "/reach/stored/name",
    openapi_extra=because("stored value"),
    responses=_FOLLOWED_BY,
)
def stored_value(owner: Annotated[str, Body(embed=True, examples=["ann"])]) -> dict[str, bool]:
    """Stores the value correctly, with a parameter."""
    with connection() as database:
        database.execute("UPDATE notes SET owner = ? WHERE id = 1", (owner,))
    return {"stored": True}


@router.get(
    "/reach/stored/notes",
    operation_id="stored_value_used",
    openapi_extra=because("stored value"),
)
def stored_value_used() -> list[Row]:
    """Reads it in another request, trusts it, and pastes it (second-order injection)."""
    owner = rows("SELECT owner FROM notes WHERE id = 1")[0]["owner"]
    return rows(f"SELECT id, body FROM notes WHERE owner = '{owner}'")


@router.get("/reach/rot13/query", openapi_extra=because("unknown transformation"))
def rot13(name: Annotated[str, Query(examples=["Grn"])]) -> list[Row]:
    """Nobody can list every transformation that an application may invent."""
    text = codecs.decode(name, "rot13")
    return rows(f"SELECT id, name, price FROM products WHERE name = '{text}'")


@router.get("/reach/token/query", openapi_extra=because("dangerous valid token"))
def valid_token(column: Annotated[str, Query(examples=["name"])]) -> list[Row]:
    """`password` is a column as good as `name`: the structure is right, the choice is wrong."""
    return rows(f"SELECT id, {column} AS shown FROM users WHERE id > 0")


@router.post("/reach/upload/form", openapi_extra=because("value parsed out of a file"))
def uploaded(
    file: Annotated[UploadFile, File(examples=["name,price\nTea,4\n"])],
) -> list[Row]:
    """A file is known as a whole; what a parser makes of it is not."""
    content = file.file.read().decode(errors="replace")
    found: list[Row] = []
    for row in csv.DictReader(io.StringIO(content)):
        found += rows(f"SELECT id, name, price FROM products WHERE name = '{row['name']}'")
    return found


@router.get("/reach/resolved/query", openapi_extra=because("path resolved and not checked"))
def resolved(name: Annotated[str, Query(examples=["menu.txt"])]) -> dict[str, str]:
    """Once resolved, a path that left the folder looks like any other."""
    file = (public_folder() / name).resolve()
    if not file.is_file():
        raise HTTPException(404, "no such file")
    return {"content": file.read_text()}


@router.get("/reach/program/query", openapi_extra=because("path opened by another program"))
def other_program(name: Annotated[str, Query(examples=["menu.txt"])]) -> dict[str, str]:
    """One argument stays one argument; which file it names is the other program's business."""
    done = subprocess.run(
        ["cat", "--", name.lstrip("/").replace("\0", "")],
        check=False,
        capture_output=True,
        text=True,
        cwd=public_folder(),
    )
    return {"content": done.stdout}
