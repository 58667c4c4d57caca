"""What is tried: which tool at which endpoint, with which tamper scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.attackers import tampers
from benchmarks.attackers.attack import Attack, Tool
from benchmarks.attackers.sqlmap import SQLMAP, tamper_scripts
from benchmarks.attackers.targets import Target
from benchmarks.attackers.wapiti import WAPITI
from benchmarks.attackers.xsstrike import XSSTRIKE

__all__ = ["TOOLS", "attacks_on"]

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (SQLMAP, WAPITI, XSSTRIKE)}
_FIRST = "fastapi"


def attacks_on(targets: Sequence[Target], tools: Sequence[str]) -> Iterator[Attack]:
    """Everything that the chosen tools try at these endpoints of one framework."""
    for name in tools:
        for target in targets:
            if TOOLS[name].fits(target) and not _the_same_elsewhere(target):
                yield Attack(name, target)
        if name == SQLMAP.name:
            yield from _tampered({target.path: target for target in targets})


def _the_same_elsewhere(target: Target) -> bool:
    """Whether FastAPI's range holds the endpoint too: the changes are one table for all three."""
    return target.framework != _FIRST and target.path.startswith("/weak/changed/")


def _tampered(targets: dict[str, Target]) -> Iterator[Attack]:
    if not all(target.framework == _FIRST for target in targets.values()):
        return  # a tamper script changes the text: how the framework hands it on is known by now
    for pair in tampers.PAIRS:
        if pair.path in targets:
            yield Attack(SQLMAP.name, targets[pair.path], pair.tamper, pair.value)
    for number, scripts in enumerate(tampers.LISTS):
        for place in (number, number + 2):  # two endpoints a list, never the same two twice
            path = tampers.LISTS_AT[place % len(tampers.LISTS_AT)]
            if path in targets:
                yield Attack(SQLMAP.name, targets[path], scripts)
    for script in tamper_scripts():
        if tampers.ALONE_AT in targets:
            yield Attack(SQLMAP.name, targets[tampers.ALONE_AT], script)
