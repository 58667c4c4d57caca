"""An attack: a tool, an endpoint, a variant; and what a tool's module has to say about both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.attackers.targets import Target

__all__ = ["Attack", "Finding", "Tool"]


class Attack(NamedTuple):
    """One thing to try, bare and guarded; `variant` names sqlmap's tamper scripts, if any."""

    tool: str
    target: Target
    variant: str = ""
    value: str = ""
    """The honest value to start from, where the endpoint's own example does not fit the variant."""

    @property
    def name(self) -> str:
        return f"{self.target.operation.name} on {self.target.framework}"


class Finding(NamedTuple):
    """What the tool found, in its own words, and figures of its own."""

    found: list[str]
    counts: dict[str, int]
    tested: bool
    """Whether it came to a verdict: a tool that gave up early has found nothing either."""


class Tool(NamedTuple):
    """How a tool is called, started and read."""

    name: str
    program: Path
    fits: Callable[[Target], bool]
    command: Callable[[Attack, str, Path], list[str]]
    read: Callable[[str, Path, list[str]], Finding]
    """(what it said, its folder, the files that appeared where the range runs)."""
