"""What an attack is made of: operations, slots, techniques, and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = [
    "Answer",
    "Attempt",
    "Evidence",
    "Operation",
    "Payload",
    "Planned",
    "Slot",
    "Technique",
]


class Answer(NamedTuple):
    """What the application answered: status, media type, text."""

    status: int
    media_type: str
    text: str

    @property
    def problem(self) -> str:
        """The kind of Stockade's problem document, or nothing."""
        if "problem+json" not in self.media_type:
            return ""
        _, found, rest = self.text.partition('"urn:stockade:problem:')
        return rest.partition('"')[0] if found else ""

    @property
    def refused(self) -> bool:
        """Whether the firewall refused the request."""
        return self.problem == "blocked"


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a request that the client fills: `source` as in `core.input.Source`.

    Of an upload `file` is the content and `file_name` its name. `where` leads to the value: a
    parameter's name, or the way into a JSON document.
    """

    source: str
    name: str
    where: tuple[str | int, ...]
    example: str
    text: bool
    """Whether any text fits; otherwise the application declares a number, a choice, a format."""


@dataclass(slots=True)
class Operation:
    """One operation of the OpenAPI description with an honest request for it."""

    id: str
    method: str
    template: str
    path: dict[str, str]
    query: dict[str, Any]
    headers: dict[str, str]
    cookies: dict[str, str]
    media_type: str
    body: Any
    slots: tuple[Slot, ...]
    out_of_reach: str = ""
    followed_by: tuple[str, ...] = ()
    file_fields: frozenset[str] = field(default_factory=frozenset)

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


class Evidence(NamedTuple):
    """What would prove that one payload worked.

    `shown` are texts that only the attack can bring into the answer, `created` the start of a
    file's name that only it can create, with `content` where it decides the content.
    """

    shown: tuple[str, ...] = ()
    created: str = ""
    content: str = ""


class Payload(NamedTuple):
    """A text to send and what proves that it worked."""

    text: str
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class Technique:
    """One way to attack: `make` gives the payloads to try in turn. The id is stable."""

    id: str
    make: Callable[[Any], tuple[Payload, ...]]
    representative: bool = False
    """Whether it stands for its family where a value is encoded, or its type declared."""
    breaks_out_with: str = ""
    """Characters that end or open a literal at the position it attacks; empty: no literal there."""
    source: str = ""
    """The only source that it fits; empty: any."""

    def fits(self, slot: Slot) -> bool:
        """Whether it makes sense at a slot at all."""
        if self.source:
            return slot.source == self.source
        return slot.text or self.representative


class Planned(NamedTuple):
    """One thing to try: a technique in an encoding at a slot of an operation."""

    operation: Operation
    slot: Slot
    family: str
    technique: Technique
    encoding: str

    @property
    def technique_id(self) -> str:
        return self.technique.id + (f"+{self.encoding}" if self.encoding else "")

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Operation, source, parameter, technique: what makes an exploit distinct."""
        return (self.operation.name, self.slot.source, self.slot.name, self.technique_id)


class Attempt(NamedTuple):
    """What came of it: whether it worked, and whether the firewall refused any of its requests."""

    planned: Planned
    worked: bool
    refused: bool
