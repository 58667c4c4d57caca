"""Honest requests that look like what stops a bypass, and must come through unchanged."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from tests.firewall.bypasses.conftest import Service
from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_name, shell
from tests.firewall.bypasses.sources import FILE_NAME, FORM, HEADER, JSON, body
from tests.firewall.bypasses.world import World

USER = body(
    "JSON with telling keys",
    "application/json",
    lambda value: json.dumps({"username": value, "password": "x"}).encode(),
    lambda content: [json.loads(content)["username"]],
)
GZIP = body(
    "compressed JSON",
    "application/json",
    lambda value: gzip.compress(json.dumps({"q": value}).encode()),
    lambda content: [json.loads(gzip.decompress(content))["q"]],
    **{"content-encoding": "gzip"},
)


def by_layer(world: World, name: str) -> str:
    """A query as layers above drivers write it: put together each time, every name in quotes."""
    columns = {"name": "username", "role": "password"}
    chosen = ", ".join(f'"{column}" AS "{label}"' for column, label in columns.items())
    return world.rows(f'SELECT {chosen} FROM "users" WHERE "name" = ?', name)


NEIGHBOURS = [
    Bypass(
        "key of a document that is a quoted name", "sqlite3", USER,
by_layer,
        ("bob",), ("bob",),
    ),
    Bypass(
        "name of an upload in quotes", "sh", FILE_NAME, lambda w, v: shell(w, f'echo "{v}"'),
        ("holiday photo.png",), ("it's 50%.png",),
    ),
    Bypass(
        "compressed document", "sqlite3", GZIP, by_name, ("bob",), ("o''hara",),
    ),
    Bypass(
        "name of a field in quotes", "sqlite3", FORM,
        lambda w, v: w.rows(f'SELECT "name", "role" FROM "users" WHERE "name" = \'{v}\''),
        ("bob",), ("name",),
    ),
    Bypass(
        "word of the command", "sh", HEADER, lambda w, v: shell(w, f"echo '{v}' | grep -v hello"),
        ("echo",), ("grep",),
    ),
    Bypass(
        "word of the query", "sqlite3", JSON, by_name, ("select from where",), ("role = member",)
    ),
]  # fmt: skip


def _parameter(neighbour: Bypass) -> Any:
    marks = [pytest.mark.xfail(strict=True, reason=neighbour.hole)] if neighbour.hole else []
    return pytest.param(neighbour, id=neighbour.technique, marks=marks)


@pytest.mark.parametrize("neighbour", [_parameter(each) for each in NEIGHBOURS])
def test_neighbour(
    neighbour: Bypass, tmp_path: Path, guard: Callable[[Starlette], Starlette]
) -> None:
    service = Service(neighbour, tmp_path)
    bare, guarded = service.app(), guard(service.app())
    for values in (neighbour.attack, neighbour.twin):
        expected, _ = service.ask(bare, values)
        assert expected.status == 200
        for _ in range(2):
            assert service.ask(guarded, values)[0] == expected
