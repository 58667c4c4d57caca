"""Filters, updates, pipelines and commands through pymongo, synchronous and asynchronous.

What is only stored (inserted documents, replacements) is not judged. An operator is the
developer's where the very string object is a constant of a function on the calling stack: to
*look* like one is not enough, for an attacker names the operators that the code uses too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any

from stockade.core.context import current
from stockade.firewall.callers import frames
from stockade.firewall.constants import is_constant
from stockade.firewall.driver import Driver
from stockade.firewall.engine import Guard
from stockade.firewall.grammars.nosql import operators_of
from stockade.firewall.known_texts import KnownTexts

__all__ = ["install", "uninstall"]

_METHODS = (
    "aggregate",
    "aggregate_raw_batches",
    "count_documents",
    "delete_many",
    "delete_one",
    "distinct",
    "find",
    "find_one_and_delete",
    "find_one_and_update",
    "find_raw_batches",
    "update_many",
    "update_one",
    "watch",
)
_REPLACING = ("find_one_and_replace", "replace_one")


class _NothingKnown(KnownTexts):
    """An operator that was the developer's once is not so everywhere."""

    def learn(self, text: str) -> None:
        return


def _is_own_object(key: str) -> bool:
    """Whether this very string is a constant in the code of a function that calls."""
    return any(_holds(frame.f_code.co_consts, key) for frame in frames())


def _holds(constants: tuple[object, ...], key: str) -> bool:
    return any(
        constant is key or (isinstance(constant, tuple) and _holds(constant, key))
        for constant in constants
    )


def _judge(*documents: object) -> None:
    guard = _driver.guards.get("nosql")
    if guard is None or current() is None:
        if guard is not None:
            guard.check("")  # counted, or refused where so configured
        return
    found = operators_of(*documents)
    for key in found.keys:
        guard.check(key, partial(_is_own_object, key))
    for code in found.code:
        guard.check(code, partial(is_constant, code))


def _all(original: Any) -> Any:
    def method(self: Any, *arguments: Any, **keywords: Any) -> Any:
        _judge(*arguments, *keywords.values())
        return original(self, *arguments, **keywords)

    return method


def _first(original: Any) -> Any:
    def method(self: Any, filter: Any, *arguments: Any, **keywords: Any) -> Any:  # noqa: A002
        _judge(filter)
        return original(self, filter, *arguments, **keywords)

    return method


def _bulk(original: Any) -> Any:
    def bulk_write(self: Any, requests: Any, *arguments: Any, **keywords: Any) -> Any:
        requests = list(requests)
        for each in requests:
            _judge(getattr(each, "_filter", None))
            if type(each).__name__.startswith("Update"):
                _judge(each._doc)
        return original(self, requests, *arguments, **keywords)

    return bulk_write


def _patch(module: Any) -> None:
    for kind, prefix in (("synchronous", ""), ("asynchronous", "Async")):
        collection = getattr(import_module(f"pymongo.{kind}.collection"), f"{prefix}Collection")
        for name in _METHODS:
            _driver.replace(collection, name, _all)
        for name in _REPLACING:
            _driver.replace(collection, name, _first)
        _driver.replace(collection, "bulk_write", _bulk)
        database = getattr(import_module(f"pymongo.{kind}.database"), f"{prefix}Database")
        for name in ("aggregate", "command", "watch"):
            _driver.replace(database, name, _all)


def install(guard: Guard) -> None:
    """Guard every collection and database, now or once pymongo is imported."""
    guard.known = _NothingKnown()
    guards: Mapping[str, Guard] = {"nosql": guard}
    _driver.install(guards)


_driver = Driver("pymongo", _patch)
uninstall = _driver.uninstall
