"""One untrusted value, and the values that a client repeats with every request."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

__all__ = ["MUTE", "Input", "Shared", "Source"]

MUTE = frozenset(("", " ", "_", *string.ascii_letters, *string.digits))
"""One letter, digit or blank is never more than a part of the token it stands in; one quote is."""

T = TypeVar("T")


class Source:
    """Where a value came from; the names that reports and events use."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"
    FORM = "form"
    JSON_VALUE = "json_value"
    JSON_KEY = "json_key"
    BODY = "body"


class Input(NamedTuple):
    """One untrusted value: its source, the name it came under, the value as the client sent it."""

    source: str
    name: str
    value: str


class Shared:
    """Values that many requests have in common, with what grammars derive from them, made once."""

    __slots__ = ("_derived", "items", "size", "tenths", "values")

    def __init__(self, items: tuple[Input, ...], size: int, tenths: int) -> None:
        self.items = items
        self.values = frozenset(item.value for item in items)
        self.size = size
        """Characters of all values, and …"""
        self.tenths = tenths
        """… their number, as `InputLimits` counts them, in tenths."""
        self._derived: dict[str, Any] = {}

    def derived(self, key: str, derive: Callable[[tuple[Input, ...]], T]) -> T:
        """What `derive` makes of the values; `key` names it, and is the caller's own."""
        found: T | None = self._derived.get(key)
        if found is None:
            found = self._derived[key] = derive(self.items)
        return found
