"""Who tells which event: read off the code itself, for the reference page to claim what is true.

An event's name counts as told by a part where it stands in that part's code, unless it is compared
with (`event.name == …`): such code listens. Used when the reference is made, never in a service.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from stockade.core.events import CATALOGUE

__all__ = ["APPLICATION", "NOBODY", "tellers"]

APPLICATION = "your application"
NOBODY = "nobody yet"

_PACKAGE = Path(__file__).parents[1]
# These name events to describe, choose or show them.
_LISTENERS = (
    "core/events.py",
    "core/sampling.py",
    "tools/",
    "watch/alert.py",
    "watch/meanings.py",
    "watch/metrics/",
    "watch/ocsf/",
    "watch/otel/",
    "watch/tellers.py",
    "watch/vocabulary.py",
)


def tellers() -> dict[str, list[str]]:
    """The parts that tell each event of the catalogue; the application where it may; or nobody."""
    from stockade.watch.vocabulary import accounts, changes, subjects

    found: dict[str, set[str]] = {name: set() for name in CATALOGUE}
    for file in sorted(_PACKAGE.rglob("*.py")):
        place = file.relative_to(_PACKAGE).as_posix()
        if not place.startswith(_LISTENERS):
            part = place.partition("/")[0].removesuffix(".py")
            for name in _names(ast.parse(file.read_text("utf-8"))):
                found[name].add(part)
    for name in (*accounts, *subjects, *changes):
        found[name].add(APPLICATION)
    return {name: sorted(parts) or [NOBODY] for name, parts in found.items()}


def _names(node: ast.AST) -> Iterator[str]:
    """Names of events in this code, those that it compares something with left out."""
    if isinstance(node, ast.Compare):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in CATALOGUE:
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _names(child)
