from __future__ import annotations

from typing import Any

import pytest

from benchmarks.attackers.targets import targets_in


def described(path: str, method: str = "get") -> dict[str, Any]:
    name = {"name": "name", "in": "query", "schema": {"type": "string", "examples": ["tea"]}}
    return {"paths": {path: {method: {"parameters": [name], "responses": {}}}}}


@pytest.mark.parametrize(
    ("path", "family"),
    [
        ("/weak/alchemy/in/query", "sql"),
        ("/weak/options/sort/query", "shell"),
        ("/weak/changed/path/no-dots/query", "path"),
    ],
)
def test_a_weak_endpoint_is_a_target_of_its_family(path: str, family: str) -> None:
    (target,) = targets_in("fastapi", described(path))
    assert (target.family, target.path, target.sources) == (family, path, frozenset(("query",)))


@pytest.mark.parametrize(
    "path",
    [
        "/safe/sql/string/query",
        "/reach/sql/stored/query",
        "/openapi.json",
        # Bare, a tool that asks these for /etc/passwd would overwrite it.
        "/weak/path/write/query",
        "/weak/path/rename/part",
        "/weak/path/truncate/part",
    ],
)
def test_others_are_left_alone(path: str) -> None:
    assert targets_in("fastapi", described(path)) == []
