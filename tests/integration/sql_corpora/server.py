"""What the tests ask of a database server, whichever it is."""

from __future__ import annotations

import os
from typing import NamedTuple, NoReturn, Protocol

import pytest

__all__ = ["MILLISECONDS", "Outcome", "Server", "absent"]

MILLISECONDS = 200
"""How long a statement may run: what sleeps is interrupted, and counts as changed."""


class Outcome(NamedTuple):
    """What a server made of a statement: its structure with the literals left out, or an error."""

    runs: bool
    what: str
    """The structure, or the class of the error."""


class Server(Protocol):
    """A throw-away database, reached with the least rights that the statements need."""

    dialect: str

    def outcome(self, sql: str) -> Outcome | None:
        """What the server makes of `sql`, which is not run; None: the driver cannot send it."""
        ...

    def quoted(self, value: str) -> str | None:
        """`value` as a literal, escaped by the driver; None: it cannot be one."""
        ...

    def effect(self, sql: str) -> str:
        """Run `sql`, then undo it: everything that it returned and wrote, as one text."""
        ...


def absent(server: str, failure: Exception) -> NoReturn:
    """Skip visibly, or fail where nothing may be absent."""
    message = f"no {server} on loopback: {type(failure).__name__}"
    if os.environ.get("STOCKADE_FULL") == "1":
        pytest.fail(message)
    pytest.skip(message)
