from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.attackers.attack import Attack
from benchmarks.attackers.sqlmap import SQLMAP
from benchmarks.attackers.targets import targets_in

ADDRESS = "http://127.0.0.1:1"


def command(place: str, folder: Path, variant: str = "", value: str = "") -> list[str]:
    schema = {"type": "string", "examples": ["a tea"]}
    operation: dict[str, Any] = {"responses": {}}
    if place == "form":
        content = {"type": "object", "properties": {"name": schema}}
        form = {"application/x-www-form-urlencoded": {"schema": content}}
        operation["requestBody"] = {"content": form}
    else:
        operation["parameters"] = [{"name": "name", "in": place, "schema": schema}]
    path = f"/weak/sql/string/{place}"
    method = "post" if place == "form" else "get"
    (target,) = targets_in("fastapi", {"paths": {path: {method: operation}}})
    return SQLMAP.command(Attack("sqlmap", target, variant, value), ADDRESS, folder)


@pytest.mark.parametrize(
    ("place", "argument"),
    [
        ("query", f"{ADDRESS}/weak/sql/string/query?name=a%20tea*"),
        ("form", "--data=name=a%20tea*"),
        ("header", "name: a tea*"),
        ("cookie", "name=a tea"),
    ],
)
def test_the_mark_stands_behind_what_the_client_fills(
    place: str, argument: str, tmp_path: Path
) -> None:
    arguments = command(place, tmp_path)
    assert argument in arguments
    assert {"--level=5", "--risk=3", "--batch"} <= set(arguments)
    assert ("--skip-urlencode" in arguments) is ("-p" in arguments) is (place == "cookie")


def test_scripts_and_another_value_are_handed_on(tmp_path: Path) -> None:
    arguments = command("query", tmp_path, "randomcase,between", "ann")
    assert "--tamper=randomcase,between" in arguments
    assert any(word.endswith("?name=ann*") for word in arguments)


FOUND = """sqlmap identified the following injection point(s) with a total of 50 HTTP(s) requests:
---
Parameter: #1* (URI)
    Type: boolean-based blind
    Type: UNION query
---
"""


@pytest.mark.parametrize(
    ("said", "found", "tested"),
    [
        (FOUND, ["UNION query", "boolean-based blind"], True),
        ("[CRITICAL] all tested parameters do not appear to be injectable.", [], True),
        ("[CRITICAL] unable to connect to the target URL", [], False),
    ],
)
def test_giving_up_is_not_finding_nothing(
    said: str, found: list[str], tested: bool, tmp_path: Path
) -> None:
    finding = SQLMAP.read(said, tmp_path, [])
    assert (finding.found, finding.tested) == (found, tested)
