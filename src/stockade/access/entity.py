"""Cedar entities: who acts, and on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["Entity", "as_cedar"]

# In Cedar's JSON these keys turn a record into an entity or an extension value. A client who may
# send a JSON object could otherwise write {"__entity": …} and become somebody else.
_ESCAPES = frozenset({"__entity", "__extn", "__expr"})


class Entity(msgspec.Struct, frozen=True):
    """A Cedar entity: `Entity("Doctor", "ann")` is `Doctor::"ann"`.

    `attrs` maps names to strings, integers, booleans, lists, mappings and other entities;
    `parents` are its groups. An entity with neither is known to Cedar by its name only.
    """

    type: str
    id: str
    attrs: Mapping[str, Any] = {}
    parents: tuple[Entity, ...] = ()

    @property
    def uid(self) -> dict[str, str]:
        """The name as Cedar's JSON writes it."""
        return {"type": self.type, "id": self.id}


def as_cedar(value: object) -> object:
    """A value as Cedar's JSON; entities only where the caller made one.

    Raises ValueError, without the value, for anything that Cedar has no type for.
    """
    if isinstance(value, Entity):
        return {"__entity": value.uid}
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [as_cedar(item) for item in value]
    if isinstance(value, Mapping):
        if not _ESCAPES.isdisjoint(value):
            raise ValueError("a mapping in a policy's context has a key that Cedar reserves")
        return {str(key): as_cedar(item) for key, item in value.items()}
    raise ValueError(f"Cedar has no type for a {type(value).__name__}; pass text or an integer")
