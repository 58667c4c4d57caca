"""Nothing that a defence refuses goes unsaid: each refusing function has an event, and a test.

The functions are found in the code itself; the table is `tests/refusals.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from stockade.core import errors
from stockade.core.events import CATALOGUE
from stockade.watch.tellers import APPLICATION, NOBODY, tellers
from tests.refusals import REFUSALS, Silent, Told

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "stockade"
PARTS = (
    "boundary", "firewall", "crypto", "secrets", "watch", "access", "confine", "stores",
    "integrations",
)  # fmt: skip
ERRORS = {
    name
    for name, member in vars(errors).items()
    if isinstance(member, type) and issubclass(member, errors.StockadeError)
}
ELSEWHERE = {"rejection", "refuse", "refusal", "error"}
"""Makers that are imported, and the attribute that holds what is raised (`breach.error`)."""
AT_START = {"ConfigError"}
"""Raised while the service starts, to whoever starts it: it does not start, which nobody misses."""


def refusing(source: str) -> Iterator[str]:
    """The functions that raise one of Stockade's errors: by its name, made by a function that says
    it returns one, or held in a variable that such a function filled.
    """
    tree = ast.parse(source)
    makers = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.returns is not None
        and ERRORS & {part.strip() for part in ast.unparse(node.returns).split("|")}
    }
    kept = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and _called(node.value) in ERRORS
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    yield from _walk(tree, "", ERRORS - AT_START | makers | kept | ELSEWHERE)


def _walk(node: ast.AST, function: str, raised: set[str]) -> Iterator[str]:
    made: set[str] = set()
    found = False
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _walk(child, f"{function}.{child.name}".strip("."), raised)
            continue
        for inner in _within(child):
            if isinstance(inner, ast.Assign | ast.AnnAssign) and _called(inner.value) in raised:
                targets = inner.targets if isinstance(inner, ast.Assign) else [inner.target]
                made |= {target.id for target in targets if isinstance(target, ast.Name)}
            # A bare `raise error` only passes on what somebody else made.
            if isinstance(inner, ast.Raise) and not (
                isinstance(inner.exc, ast.Name) and inner.exc.id == "error" not in made
            ):
                name = _called(inner.exc)
                found = found or name in raised or name in made
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _walk(inner, f"{function}.{inner.name}".strip("."), raised)
    if found:
        yield function


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """`node` and all below it, functions and classes unopened."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for child in ast.iter_child_nodes(node):
            yield from _within(child)


def _called(node: ast.AST | None) -> str:
    """The last name of what is raised, called or read: `self._refused(…)` is `_refused`."""
    while isinstance(node, ast.Call):
        node = node.func
        if isinstance(node, ast.Attribute) and node.attr == "with_traceback":
            node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


@cache
def found() -> tuple[str, ...]:
    return tuple(
        f"{file.relative_to(SOURCE).as_posix()}::{function}"
        for part in PARTS
        for file in sorted((SOURCE / part).rglob("*.py"))
        for function in refusing(file.read_text("utf-8"))
    )


def entry(function: str) -> str | None:
    """The longest key that fits."""
    fitting = [key for key in REFUSALS if fnmatchcase(function, key)]
    return max(fitting, key=len) if fitting else None


@cache
def names_in(test: str) -> frozenset[str]:
    """The events that the functions and tables of a test's file name."""
    tree = ast.parse((TESTS / test).read_text("utf-8"))
    return frozenset(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_the_code_is_read_as_it_is_meant() -> None:
    source = """
def plain(): raise Rejected("x")
def by_maker(): raise _refusal()
def _refusal() -> Rejected: ...
class Root:
    def later(self):
        try: ...
        except OSError: refused = Rejected("x")
        raise refused
    def other(self): raise ValueError
    def at_start(self): raise ConfigError
def outer():
    def inner(): raise Denied("x")
    return inner
"""
    assert set(refusing(source)) == {"plain", "by_maker", "Root.later", "outer.inner"}


def test_there_are_refusals() -> None:
    assert len(found()) > 60
    for part in ("boundary", "firewall", "crypto", "secrets", "access", "confine", "stores"):
        assert any(function.startswith(part + "/") for function in found()), part


def test_every_refusing_function_is_in_the_table() -> None:
    unknown = [function for function in found() if entry(function) is None]
    assert unknown == [], "add them to tests/refusals.py, with the event that each one publishes"


def test_no_line_of_the_table_is_left_over() -> None:
    assert set(REFUSALS) - {entry(function) for function in found()} == set()


@pytest.mark.parametrize("key", sorted(REFUSALS))
def test_each_names_an_event_that_a_test_observes_or_a_reason(key: str) -> None:
    told = REFUSALS[key]
    if isinstance(told, Silent):
        assert len(told.why) > 20
        return
    assert isinstance(told, Told)
    assert told.event in CATALOGUE
    assert told.event in names_in(told.test), f"no test in {told.test} names {told.event}"


def test_every_event_that_is_told_at_all_is_named_in_a_test() -> None:
    everywhere = frozenset().union(
        *(
            names_in(file.relative_to(TESTS).as_posix())
            for file in TESTS.rglob("test_*.py")
            if file != Path(__file__)
        )
    )
    # What only an application tells, tests/watch/test_vocabulary.py tells one by one.
    told = {name for name, parts in tellers().items() if set(parts) - {NOBODY, APPLICATION}}
    assert told - everywhere == set()
