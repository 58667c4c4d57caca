"""The page on the ASVS names what exists: a name of the code or a setting, and a test that is marked.

What a marked test shows (the attack at work without the defence, and not with it) no program can
tell; that it stands where the page says, and runs, this one can.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from stockade.core.config import Settings

PROJECT = Path(__file__).parents[1]
REQUIREMENT = re.compile(r"V[1-5]\.\d+\.\d+\Z")
LEAST = 60
# How many requirements each section of version 5.0.0 has.
SECTIONS = {
    "V1": (2, 10, 12, 3, 3), "V2": (3, 3, 5, 2), "V3": (1, 3, 5, 8, 8, 1, 5), "V4": (5, 5, 2, 4),
    "V5": (1, 6, 3, 3),
}  # fmt: skip


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


@cache
def marked() -> dict[str, set[str]]:
    """The requirements that tests of each file are marked with."""
    found: dict[str, set[str]] = {}
    for path in sorted((PROJECT / "tests").rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "mark.asvs(" in text:
            found[str(path.relative_to(PROJECT))] = set(_marks(ast.parse(text)))
    return found


def _marks(tree: ast.Module) -> Iterator[str]:
    """Of functions that pytest collects, and of none that it never runs."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_":
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and "mark.asvs" in ast.unparse(decorator.func):
                    yield from (ast.literal_eval(argument) for argument in decorator.args)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.requirement)
def test_every_name_exists_and_a_test_there_is_marked(row: Row) -> None:
    assert REQUIREMENT.match(row.requirement)
    assert exists(row.by), row.by
    assert row.how in ("default", "one line")
    assert row.requirement in marked().get(row.test, set()), f"{row.test} shows nothing of it"


def test_they_are_in_order_each_is_there_once_and_they_are_enough() -> None:
    numbers = [tuple(map(int, row.requirement[1:].split("."))) for row in rows()]
    assert numbers == sorted(set(numbers))
    for chapter, section, number in numbers:
        assert 1 <= number <= SECTIONS[f"V{chapter}"][section - 1]
    assert len(numbers) >= LEAST
    count = sum(map(sum, SECTIONS.values()))
    print(f"{len(numbers)} of {count} requirements of V1 to V5 are enforced by default or one line")


def test_what_tests_show_stands_on_the_page() -> None:
    shown = set[str]().union(*marked().values())
    assert shown == {row.requirement for row in rows()}
