"""What a token is, one file a language. A grammar only judges; the engine decides and reports."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from stockade.core.inputs import Input, Inputs

__all__ = ["Finding", "Grammar"]


class Finding(NamedTuple):
    """A value that is more than one token: the rule it broke, and where it stands in the text."""

    rule: str
    reason: str
    value: Input
    start: int
    end: int


class Grammar(Protocol):
    """A language that a sink hands to an interpreter."""

    def prepare(self, inputs: Inputs) -> tuple[Any, ...]:
        """Keep the values that can change a structure; called once a request."""
        ...

    def check(self, text: str, values: tuple[Any, ...]) -> Finding | bool:
        """The first value that changes the structure of `text`; else whether any occurs in it."""
        ...
