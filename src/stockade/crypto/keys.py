"""One key, a set of keys, and the JSON document that holds them."""

from __future__ import annotations

import enum
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from stockade.core.errors import CryptoError
from stockade.core.secret import Secret

__all__ = ["KEY_BYTES", "PURPOSES", "Key", "KeySet", "KeyState", "decode", "encode", "new_key"]

KEY_BYTES = 32
"""AES-256, HMAC-SHA256 and the seed of Ed25519 (RFC 8032, 5.1.5) all take 32 bytes."""
PURPOSES = ("seal", "sign", "mac")
"""SP 800-57 part 1, 5.2: a key serves one purpose only."""


class KeyState(enum.StrEnum):
    """The states of NIST SP 800-57 part 1 rev. 5, section 7, that a keyring knows.

    ACTIVE: the primary key of a purpose protects and processes, the others only process.
    DEACTIVATED: never protects; sealed records still open, signatures are no longer accepted.
    DESTROYED: the material is gone; id and dates stay, for the inventory.
    """

    ACTIVE = "active"
    DEACTIVATED = "deactivated"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class Key:
    """`id` is 16 hexadecimal digits and public; `material` shows itself nowhere."""

    id: str
    purpose: str
    created: datetime
    state: KeyState
    material: Secret[bytes] | None

    def reveal(self) -> bytes:
        """The key's bytes. Raises CryptoError if the key was destroyed."""
        if self.material is None:
            raise CryptoError(f"key {self.id} was destroyed: nothing can be done with it any more")
        return self.material.reveal()


def new_key(purpose: str) -> Key:
    """A fresh active key from the operating system's random number generator."""
    return Key(
        id=secrets.token_hex(8),
        purpose=purpose,
        created=datetime.now(UTC).replace(microsecond=0),
        state=KeyState.ACTIVE,
        material=Secret(secrets.token_bytes(KEY_BYTES)),
    )


@dataclass(frozen=True, slots=True)
class KeySet:
    """All keys, and the id of the primary one of each purpose. Never changed, only replaced."""

    keys: Mapping[str, Key]
    primaries: Mapping[str, str]

    def primary(self, purpose: str) -> Key:
        """The key that protects. Raises CryptoError for a purpose that is not one of PURPOSES."""
        if purpose not in self.primaries:
            raise CryptoError(f"a keyring has keys for {', '.join(PURPOSES)}: use one of these")
        return self.keys[self.primaries[purpose]]

    def usable(self, purpose: str, *states: KeyState) -> list[Key]:
        """The keys of `purpose` in one of `states`, the primary key first."""
        first = self.primaries[purpose]
        found = [
            key for key in self.keys.values() if key.purpose == purpose and key.state in states
        ]
        return sorted(found, key=lambda key: key.id != first)

    def with_primary(self, key: Key) -> KeySet:
        """The same keys and `key`, which becomes the primary one of its purpose."""
        return KeySet({**self.keys, key.id: key}, {**self.primaries, key.purpose: key.id})

    def with_state(self, key_id: str, state: KeyState) -> KeySet:
        """The same keys, one of them in another state. Raises CryptoError if that cannot be."""
        key = self.keys.get(key_id)
        if key is None:
            raise CryptoError("there is no key with this id: `stockade keys list` shows them")
        if self.primaries[key.purpose] == key_id:
            raise CryptoError(
                f"key {key_id} is the primary key of {key.purpose!r}: rotate first, so that new "
                "data has a key"
            )
        if key.state is KeyState.DESTROYED:
            raise CryptoError(f"key {key_id} was destroyed already: that cannot be undone")
        material = None if state is KeyState.DESTROYED else key.material
        return KeySet(
            {**self.keys, key_id: replace(key, state=state, material=material)}, self.primaries
        )


class _Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    purpose: Annotated[str, msgspec.Meta(pattern="^(seal|sign|mac)$")]
    created: datetime
    state: KeyState
    material: bytes | None = None

    def __repr__(self) -> str:
        return f"_Entry({self.id})"


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    format: Literal["stockade-keyring"]
    version: Literal[1]
    primary: dict[str, str]
    keys: list[_Entry]


def encode(keys: KeySet) -> bytes:
    """The document: JSON, UTF-8, indented for the person who must look at it one day."""
    entries = [
        _Entry(
            key.id, key.purpose, key.created, key.state,
            None if key.material is None else key.material.reveal(),
        )
        for key in keys.keys.values()
    ]  # fmt: skip
    document = _Document("stockade-keyring", 1, dict(keys.primaries), entries)
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def decode(document: Secret[bytes]) -> KeySet | None:
    """The keys, or None if the document is malformed.

    It does not raise: the traceback of an error raised here would show this frame's variables, and
    those hold keys.
    """
    try:
        parsed = msgspec.json.decode(document.reveal(), type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a ValidationError is a DecodeError
        return None
    keys = {entry.id: _key(entry) for entry in parsed.keys}
    if len(keys) != len(parsed.keys) or set(parsed.primary) != set(PURPOSES):
        return None
    for purpose, key_id in parsed.primary.items():
        key = keys.get(key_id)
        if key is None or key.purpose != purpose or key.state is not KeyState.ACTIVE:
            return None
    return KeySet(keys, dict(parsed.primary)) if _sound(keys.values()) else None


def _key(entry: _Entry) -> Key:
    material = None if entry.material is None else Secret(entry.material)
    return Key(entry.id, entry.purpose, entry.created, entry.state, material)


def _sound(keys: Iterable[Key]) -> bool:
    for key in keys:
        if key.created.tzinfo is None:
            return False
        if (key.material is None) != (key.state is KeyState.DESTROYED):
            return False
        if key.material is not None and len(key.material.reveal()) != KEY_BYTES:
            return False
    return True
