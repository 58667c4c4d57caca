"""Values that the application changes before it uses them, for all three frameworks.

A `Change` is what becomes of one field, and the sink it ends in, weak and safe. What reaches the
sink is not what was sent, so that a defence that looks for the sent value alone sees nothing.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from examples.range.data import Row, public_folder, rows
from examples.range.endpoints import (
    FORM,
    JSON,
    MULTIPART,
    Field,
    cookie,
    form,
    header,
    json_value,
    part,
    path,
    query,
)
from examples.range.files import inside
from examples.range.programs import run

__all__ = ["CHANGES", "Change", "Sink", "source_of"]

Answer = list[Row] | dict[str, str]


class Sink(NamedTuple):
    """One task, done badly and done right."""

    family: str
    weak: Callable[[str], Answer]
    safe: Callable[[str], Answer]


class Change(NamedTuple):
    """`turn` makes of the fields' values the text that the sink gets."""

    name: str
    fields: tuple[Field, ...]
    turn: Callable[..., str]
    sink: Sink

    def answer(self, kind: str, values: list[str]) -> Answer:
        """What the endpoint of that kind (`weak` or `safe`) answers."""
        text = self.turn(*values)
        return self.sink.weak(text) if kind == "weak" else self.sink.safe(text)

    def route(self, kind: str) -> str:
        """`/weak/changed/sql/lowered/query`."""
        source = source_of(self.fields[0])
        end = f"/<{self.fields[0].name}>" if source == "path" else ""
        return f"/{kind}/changed/{self.sink.family}/{self.name}/{source}{end}"


def source_of(field: Field) -> str:
    """Where a field stands, as a word."""
    return {FORM: "form", MULTIPART: "part", JSON: "json"}.get(field.place, field.place)


def weak_name(name: str) -> list[Row]:
    return rows(f"SELECT id, name, price FROM products WHERE name = '{name}'")


def safe_name(name: str) -> list[Row]:
    return rows("SELECT id, name, price FROM products WHERE name = ?", (name,))


def weak_owner(owner: str) -> list[Row]:
    return rows(f"SELECT id, body FROM notes WHERE (owner = '{owner}') ORDER BY id")


def safe_owner(owner: str) -> list[Row]:
    return rows("SELECT id, body FROM notes WHERE (owner = ?) ORDER BY id", (owner,))


def weak_price(price: str) -> list[Row]:
    return rows(f"SELECT id, name, price FROM products WHERE price = {price}")


def safe_price(price: str) -> list[Row]:
    return rows("SELECT id, name, price FROM products WHERE price = ?", (int(price),))


def weak_word(word: str) -> dict[str, str]:
    return run(f"grep -i {word} menu.txt", shell=True)


def safe_word(word: str) -> dict[str, str]:
    return run(["grep", "-i", "--", word.replace("\0", ""), "menu.txt"])


def weak_quoted(word: str) -> dict[str, str]:
    return run(f'grep -i -- "{word}" menu.txt', shell=True)


def safe_quoted(word: str) -> dict[str, str]:
    return run(f"grep -i -- {shlex.quote(word)} menu.txt".replace("\0", ""), shell=True)


def weak_file(name: str) -> dict[str, str]:
    with open(f"{public_folder()}/{name}") as file:
        return {"content": file.read()}


def safe_file(name: str) -> dict[str, str]:
    return {"content": inside(name).read_text()}


NAME = Sink("sql", weak_name, safe_name)
OWNER = Sink("sql", weak_owner, safe_owner)
PRICE = Sink("sql", weak_price, safe_price)
WORD = Sink("shell", weak_word, safe_word)
QUOTED = Sink("shell", weak_quoted, safe_quoted)
FILE = Sink("path", weak_file, safe_file)


def token_for(claims: dict[str, str]) -> str:
    """A JSON Web Token, unsigned in all but name."""
    pieces = [json.dumps(each).encode() for each in ({"alg": "HS256", "typ": "JWT"}, claims)]
    return ".".join(
        base64.urlsafe_b64encode(each).decode().rstrip("=") for each in (*pieces, b"signature")
    )


def claim(token: str) -> str:
    """The owner in a token that nobody checked. Errors: ValueError."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["owner"]) if isinstance(claims, dict) and "owner" in claims else ""


def graphql_argument(document: str) -> str:
    """The string that a GraphQL document asks for. Errors: ValueError."""
    found = re.search(r'product\s*\(\s*name\s*:\s*("(?:[^"\\]|\\.)*")\s*\)', document)
    if found is None:
        raise ValueError("not a question that is answered here")
    text: Any = json.loads(found[1])
    return str(text)


def last(separator: str) -> Callable[[str], str]:
    """The last piece of a list."""
    return lambda text: text.split(separator)[-1]


def without(*texts: str) -> Callable[[str], str]:
    """The naive filter: what is removed may well leave what it removes, or something as good."""

    def remove(text: str) -> str:
        for each in texts:
            text = text.replace(each, "")
        return text

    return remove


def text_file(name: str) -> str:
    """Checked as one name and used as another, as libraries in C do. Errors: ValueError."""
    if not name.endswith(".txt"):
        raise ValueError("text files only")
    return name.split("\0")[0]


CHANGES = (
    Change("jwt", (header("x-token", token_for({"owner": "ann"})),), claim, OWNER),
    Change("lowered", (query("name", "tea"),), str.lower, NAME),
    Change("cut", (form("name", "Tea"),), lambda text: text[:60], NAME),
    Change("tagged", (query("name", "#Tea"),), lambda text: text[1:], NAME),
    Change("squeezed", (json_value("name", "Tea  "),), lambda text: " ".join(text.split()), NAME),
    Change("no-dashes", (cookie("owner", "ann"),), without("--"), OWNER),
    Change("no-quotes", (query("price", "4"),), without("'", '"'), PRICE),
    Change("html", (form("name", "50&#37; off voucher"),), html.unescape, NAME),
    Change("piped", (header("x-filter", "name|Tea"),), last("|"), NAME),
    Change("listed", (part("names", "Pencil;Tea"),), last(";"), NAME),
    Change("hex", (path("name", "50656e63696c"),), lambda text: bytes.fromhex(text).decode(), NAME),
    Change(
        "folded",
        (json_value("owner", "\uff41\uff4e\uff4e"),),
        lambda text: unicodedata.normalize("NFKC", text),
        OWNER,
    ),
    Change(
        "joined",
        (form("quantity", "50%"), form("what", "off voucher")),
        lambda *texts: " ".join(texts),
        NAME,
    ),
    Change(
        "graphql", (json_value("query", '{ product(name: "Tea") { id } }'),), graphql_argument, NAME
    ),
    Change("unquoted", (cookie("owner", '"ann"'),), lambda text: text.strip("\"'"), OWNER),
    Change("lowered", (query("word", "Tea"),), str.lower, WORD),
    Change("no-semicolons", (form("word", "tea"),), without(";", "|"), WORD),
    Change("plus", (cookie("word", "tea%2b"),), unquote_plus, QUOTED),
    Change("squeezed", (json_value("word", " tea "),), lambda text: " ".join(text.split()), WORD),
    Change("no-dots", (query("name", "menu.txt"),), without("../"), FILE),
    Change("backslashes", (form("name", "menu.txt"),), lambda text: text.replace("\\", "/"), FILE),
    Change("ended", (json_value("name", "menu.txt"),), text_file, FILE),
    Change("unwrapped", (header("x-name", "/menu.txt/"),), lambda text: text.strip("/"), FILE),
)
