"""Anything that an application logs, made into what JSON holds: bounded, and never raising.

A record may carry any object: one whose `__str__` raises, one of a gigabyte, one that holds itself.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Set as AbstractSet
from typing import Any

from stockade.core.secret import MASK

__all__ = ["Room", "is_sensitive", "text_of"]

MOST_TEXT = 8_192
"""Characters of one text; what is cut off is counted in its place."""
_MOST_NAME = 128
_MOST_IN_ALL = 32_768
_SHORT = 256
"""Characters of a member that is not charged: there are at most a hundred of them."""
_MOST_MEMBERS = 100
_MOST_DEPTH = 4
_INT64 = 1 << 63
_SENSITIVE = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "cookie",
    "apikey",
    "privatekey",
    "credential",
    "credentials",
    "sessionid",
)
"""Ends of names whose values no log may have (OWASP Logging Cheat Sheet, data to exclude)."""
_SEPARATORS = str.maketrans("", "", "_-. ")


@functools.lru_cache(maxsize=1_024)
def is_sensitive(name: str) -> bool:
    """Whether `name` says that its value is a credential."""
    return name.lower().translate(_SEPARATORS).endswith(_SENSITIVE)


def text_of(value: object) -> str:
    """`str(value)`, or what became of it."""
    try:
        if isinstance(value, bytes | bytearray):
            return bytes(value).decode("utf-8", "backslashreplace")
        text = str(value)
        return text if type(text) is str else str.__str__(text)
    except Exception as error:  # it is the application's own code, and may do anything
        return f"<{type(value).__name__}: str() raised {type(error).__name__}>"


class Room:
    """How much one record may still take."""

    __slots__ = ("characters", "members")

    def __init__(self) -> None:
        self.characters = _MOST_IN_ALL
        self.members = _MOST_MEMBERS

    def text(self, value: object, most: int = MOST_TEXT) -> str:
        """`value` as a text of at most `most` characters, and of those that are left."""
        text = value if type(value) is str else text_of(value)
        size = len(text)
        if size > most or size > self.characters:
            most = min(most, self.characters)
            text = f"{text[:most]}…[{size - most} more]"
            size = most
        self.characters -= size
        return text

    def name(self, value: object) -> str:
        """`value` as the name of a field."""
        return self.text(value, _MOST_NAME)

    def plain(self, value: object, depth: int = 0) -> Any:
        """`value` as JSON holds it."""
        if type(value) is str:  # nearly all are
            return self.text(value)
        if value is None or value is True or value is False:
            return value
        if isinstance(value, int):
            number = int.__int__(value)
            if -_INT64 <= number < _INT64:
                return number
            return self.text(hex(number))  # decimal digits would take quadratic time
        if isinstance(value, float):
            return float.__float__(value) if math.isfinite(value) else self.text(value)
        if isinstance(value, dict):
            return self.mapping(value, depth)
        if isinstance(value, list | tuple | AbstractSet):
            return self._sequence(value, depth)
        return self.text(value)

    def mapping(self, value: dict[Any, Any], depth: int = 0) -> Any:
        """The members of `value`, those of sensitive names masked."""
        if depth >= _MOST_DEPTH:
            return "{…}"
        # A copy in one step, for another thread may add to it meanwhile.
        members = list(value.items())
        found: dict[str, Any] = {}
        for key, member in members:
            if self.members <= 0:
                found["…"] = f"[{len(members) - len(found)} more]"
                break
            self.members -= 1
            name = key if type(key) is str and len(key) <= _MOST_NAME else self.name(key)
            if name in found:  # cut to the same beginning, or 1 beside "1"
                name = f"{name}#{len(found)}"
            if is_sensitive(name):
                found[name] = MASK
            elif type(member) is str and len(member) <= _SHORT:
                found[name] = member
            else:
                found[name] = self.plain(member, depth + 1)
        return found

    def _sequence(self, value: Any, depth: int) -> Any:
        if depth >= _MOST_DEPTH:
            return "[…]"
        members = list(value)
        found: list[Any] = []
        for member in members:
            if self.members <= 0:
                found.append(f"…[{len(members) - len(found)} more]")
                break
            self.members -= 1
            found.append(self.plain(member, depth + 1))
        return found
