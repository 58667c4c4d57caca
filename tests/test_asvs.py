"""The page on the ASVS names what exists: a name of the code or a setting, and a test."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from stockade.core.config import Settings

PROJECT = Path(__file__).parents[1]
REQUIREMENT = re.compile(r"V[1-5]\.\d+\.\d+\Z")


class Row(NamedTuple):
    requirement: str
    about: str
    by: str
    how: str
    test: str


def rows() -> list[Row]:
    lines = (PROJECT / "docs/reference/asvs.md").read_text("utf-8").splitlines()
    cells = [line.strip("|").split("|") for line in lines if line.startswith("| V")]
    return [Row(*(cell.strip(" `") for cell in line)) for line in cells]


def exists(name: str) -> bool:
    section, _, key = name.partition(".")
    sections = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    if section in sections:
        kind = sections[section]
        return not key or key in {field.name for field in msgspec.structs.fields(kind)}
    try:
        import_module(name)
    except ImportError:
        module, _, attribute = name.rpartition(".")
        return hasattr(import_module(module), attribute)
    return True


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.requirement)
def test_every_name_and_every_test_exists(row: Row) -> None:
    assert REQUIREMENT.match(row.requirement)
    assert exists(row.by), row.by
    assert row.how in ("default", "one line")
    assert (PROJECT / row.test).is_file(), row.test


def test_they_are_in_order_and_each_is_there_once() -> None:
    numbers = [tuple(map(int, row.requirement[1:].split("."))) for row in rows()]
    assert numbers == sorted(set(numbers))
    print(f"{len(numbers)} requirements of V1 to V5 are enforced by default or by one line")
