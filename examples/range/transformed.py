"""Values that the application decodes first: what reaches the sink is not what was sent."""

import base64
import binascii
import json
import subprocess
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Cookie, Form, Header, HTTPException, Path, Query

from examples.range.data import Row, public_folder, rows
from examples.range.path import inside, read

__all__ = ["router"]

router = APIRouter(tags=["transformed"])


def encoded(text: str) -> str:
    """Base64, as a client would send it."""
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    """The text behind Base64. Errors: 400 where it is none."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise HTTPException(400, "not Base64") from None


def loaded(text: str) -> dict[str, Any]:
    """The object behind JSON. Errors: 400 where it is none."""
    try:
        document = json.loads(text)
    except ValueError:
        raise HTTPException(400, "not JSON") from None
    if not isinstance(document, dict):
        raise HTTPException(400, "not an object")
    return document


Encoded = Annotated[str, Cookie(examples=[encoded("ann")])]
Document = Annotated[str, Cookie(examples=[quote(json.dumps({"owner": "ann"}))])]
Document64 = Annotated[str, Header(examples=[encoded(json.dumps({"name": "Tea"}))])]


@router.get("/weak/transformed/sql/percent/query")
def weak_sql_percent(name: Annotated[str, Query(examples=["50%25%20off"])]) -> list[Row]:
    """Weak: decoded once by the server and once more here, so filters in between see nothing."""
    return rows(f"SELECT id, name, price FROM products WHERE name = '{unquote(name)}'")


@router.get("/safe/transformed/sql/percent/query")
def safe_sql_percent(name: Annotated[str, Query(examples=["50%25%20off"])]) -> list[Row]:
    """Safe: a parameter."""
    return rows("SELECT id, name, price FROM products WHERE name = ?", (unquote(name),))


@router.get("/weak/transformed/sql/base64/cookie")
def weak_sql_base64(owner: Encoded) -> list[Row]:
    """Weak: Base64 hides a quote from people, not from the database."""
    return rows(f"SELECT id, body FROM notes WHERE owner = '{decoded(owner)}'")


@router.get("/safe/transformed/sql/base64/cookie")
def safe_sql_base64(owner: Encoded) -> list[Row]:
    """Safe: a parameter."""
    return rows("SELECT id, body FROM notes WHERE owner = ?", (decoded(owner),))


@router.get("/weak/transformed/sql/json/cookie")
def weak_sql_json(session: Document) -> list[Row]:
    """Weak: a JSON document in a percent-encoded cookie, as many front ends keep it."""
    owner = loaded(unquote(session)).get("owner", "")
    return rows(f"SELECT id, body FROM notes WHERE owner = '{owner}'")


@router.get("/safe/transformed/sql/json/cookie")
def safe_sql_json(session: Document) -> list[Row]:
    """Safe: a parameter."""
    owner = loaded(unquote(session)).get("owner", "")
    return rows("SELECT id, body FROM notes WHERE owner = ?", (str(owner),))


@router.get("/weak/transformed/sql/json-base64/header")
def weak_sql_json_base64(x_filter: Document64) -> list[Row]:
    """Weak: JSON in Base64, two layers that protect nothing."""
    name = loaded(decoded(x_filter)).get("name", "")
    return rows(f"SELECT id, name, price FROM products WHERE name = '{name}'")


@router.get("/safe/transformed/sql/json-base64/header")
def safe_sql_json_base64(x_filter: Document64) -> list[Row]:
    """Safe: a parameter."""
    name = loaded(decoded(x_filter)).get("name", "")
    return rows("SELECT id, name, price FROM products WHERE name = ?", (str(name),))


@router.post("/weak/transformed/sql/stripped/form")
def weak_sql_stripped(name: Annotated[str, Form(examples=[" Tea "])]) -> list[Row]:
    """Weak: without its outer white space it is not the text that was sent."""
    return rows(f"SELECT id, name, price FROM products WHERE name = '{name.strip()}'")


@router.post("/safe/transformed/sql/stripped/form")
def safe_sql_stripped(name: Annotated[str, Form(examples=[" Tea "])]) -> list[Row]:
    """Safe: a parameter."""
    return rows("SELECT id, name, price FROM products WHERE name = ?", (name.strip(),))


@router.get("/weak/transformed/shell/base64/header")
def weak_shell_base64(x_word: Annotated[str, Header(examples=[encoded("tea")])]) -> dict[str, str]:
    """Weak: decoded, then pasted into a command."""
    done = subprocess.run(
        f"grep -- '{decoded(x_word)}' menu.txt",
        shell=True,
        check=False,
        capture_output=True,
        text=True,
        cwd=public_folder(),
    )
    return {"output": done.stdout}


@router.get("/safe/transformed/shell/base64/header")
def safe_shell_base64(x_word: Annotated[str, Header(examples=[encoded("tea")])]) -> dict[str, str]:
    """Safe: a list of arguments, no shell."""
    done = subprocess.run(
        ["grep", "--", decoded(x_word).replace("\0", ""), "menu.txt"],
        check=False,
        capture_output=True,
        text=True,
        cwd=public_folder(),
    )
    return {"output": done.stdout}


@router.get("/weak/transformed/shell/percent/query")
def weak_shell_percent(word: Annotated[str, Query(examples=["tea%20"])]) -> dict[str, str]:
    """Weak: decoded once more, stripped, then pasted into a command."""
    done = subprocess.run(
        f"grep -- {unquote(word).strip()} menu.txt",
        shell=True,
        check=False,
        capture_output=True,
        text=True,
        cwd=public_folder(),
    )
    if done.returncode > 1:
        raise HTTPException(400, "the command failed")
    return {"output": done.stdout}


@router.get("/safe/transformed/shell/percent/query")
def safe_shell_percent(word: Annotated[str, Query(examples=["tea%20"])]) -> dict[str, str]:
    """Safe: a list of arguments, no shell."""
    done = subprocess.run(
        ["grep", "--", unquote(word).strip().replace("\0", ""), "menu.txt"],
        check=False,
        capture_output=True,
        text=True,
        cwd=public_folder(),
    )
    return {"output": done.stdout}


@router.get("/weak/transformed/path/percent/path/{name}")
def weak_path_percent(name: Annotated[str, Path(examples=["menu%2Etxt"])]) -> dict[str, str]:
    """Weak: a segment of the path holds no slash, until it is decoded a second time."""
    with open(f"{public_folder()}/{unquote(name)}") as file:
        return {"content": file.read()}


@router.get("/safe/transformed/path/percent/path/{name}")
def safe_path_percent(name: Annotated[str, Path(examples=["menu%2Etxt"])]) -> dict[str, str]:
    """Safe: decoded first, then resolved and checked."""
    return read(inside(unquote(name)))


@router.get("/weak/transformed/path/base64/query")
def weak_path_base64(name: Annotated[str, Query(examples=[encoded("menu.txt")])]) -> dict[str, str]:
    """Weak: an opaque-looking handle is a name, and anybody can make one."""
    with open(f"{public_folder()}/{decoded(name)}") as file:
        return {"content": file.read()}


@router.get("/safe/transformed/path/base64/query")
def safe_path_base64(name: Annotated[str, Query(examples=[encoded("menu.txt")])]) -> dict[str, str]:
    """Safe: decoded first, then resolved and checked."""
    return read(inside(decoded(name)))
