"""How a body is refused: constant sentences, a rule, a status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString, NoReturn

from stockade.core.bus import emit
from stockade.core.errors import Rejected
from stockade.core.events import Outcome

__all__ = ["refuse", "reported"]


def refuse(rule: str, detail: LiteralString, status: int = 400) -> NoReturn:
    """Raise Rejected for the rule `body.<rule>`; 400 says that the bytes cannot be read."""
    kind = "malformed" if status == 400 else "rejected"
    raise Rejected(detail, status=status, kind=kind, rule="body." + rule)


@contextmanager
def reported() -> Iterator[None]:
    """Make an event of a refusal inside, where no web framework's edge does."""
    try:
        yield
    except Rejected as error:
        emit("input_validation_fail", Outcome.BLOCKED, "boundary", error.detail, rule=error.rule)
        raise
