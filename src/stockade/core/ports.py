"""Protocols by which the parts meet: a part that needs another asks, and `app` hands it in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from stockade.core.events import Event

__all__ = [
    "AuditLog",
    "Clock",
    "KeySource",
    "LiveSecrets",
    "LogSigner",
    "Mac",
    "PasswordHasher",
    "PersonalFields",
    "Rotatable",
    "Sealer",
    "SecretSource",
    "SessionRevoker",
    "Signer",
    "Store",
    "Throttle",
]


class Clock(Protocol):
    """Seconds since the epoch, as a float: `time.time`, or a test's."""

    def __call__(self) -> float: ...


@runtime_checkable
class Store(Protocol):
    """State that defences share: counters, buckets, blocklists, locks, sessions.

    Keys are namespaced by their user (`session:…`); values are bytes; `ttl` is in seconds and None
    means for ever. An expired entry is as good as absent. Every call is atomic, also between
    processes where the store has several. Errors: StoreError.
    """

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes, *, ttl: float | None = None) -> None: ...

    def add(self, key: str, value: bytes, *, ttl: float | None = None) -> bool:
        """Put unless present; True if it was put. A lock is `add` with a ttl."""
        ...

    def delete(self, key: str, *, only: bytes | None = None) -> bool:
        """Remove; with `only`, just if the value is that. True if it was removed."""
        ...

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Live entries whose key starts with `prefix`, in the order of their keys."""
        ...

    def increment(self, key: str, *, window: float, by: int = 1) -> int:
        """Count in a sliding window of `window` seconds; the count after adding `by`."""
        ...

    def take(self, key: str, *, capacity: float, rate: float, cost: float = 1.0) -> float:
        """Take from a token bucket that refills at `rate` a second: 0.0, or the seconds to wait."""
        ...

    def purge(self) -> int:
        """Remove what has expired; how many entries that were."""
        ...

    def close(self) -> None: ...


class SecretSource(Protocol):
    """Resolves the part of a reference behind its scheme (`env:`, `file:`). Errors: SecretError."""

    scheme: str

    def resolve(self, locator: str) -> str: ...


class KeySource(Protocol):
    """Gives and keeps the wrapped key material of a keyring. Errors: CryptoError."""

    def load(self) -> bytes | None: ...

    def save(self, document: bytes) -> None: ...


class PasswordHasher(Protocol):
    """Hashes passwords. `verify` is True for the right password, False for a wrong one."""

    def hash(self, password: str) -> str: ...

    def verify(self, encoded: str, password: str) -> bool: ...

    def needs_rehash(self, encoded: str) -> bool: ...


class Mac(Protocol):
    """A keyed fingerprint: equal inputs, equal outputs, nothing learned without the key."""

    def mac(self, data: bytes) -> bytes: ...

    def fingerprint(self, text: str) -> str:
        """A short printable fingerprint, for events."""
        ...


class Signer(Protocol):
    """Signs, and verifies with every key that is still valid. Errors: CryptoError."""

    def sign(self, message: bytes) -> bytes: ...

    def verify(self, signature: bytes, message: bytes) -> None: ...


class LogSigner(Protocol):
    """Signs the checkpoints of one audit log, Ed25519 (RFC 8032). Errors: CryptoError."""

    def public_keys(self) -> Sequence[bytes]:
        """The public keys (32 bytes) that may sign now, the one that does first."""
        ...

    def former_keys(self) -> Sequence[bytes]:
        """Those that were withdrawn: what they signed before is known by them."""
        ...

    def sign(self, message: bytes, public: bytes) -> bytes:
        """64 bytes, by the key whose public half is `public`."""
        ...


class PersonalFields(Protocol):
    """Seals what an audit entry says of a person, by a key of that person's. Errors: CryptoError.

    Once the key is forgotten nothing opens any more what was sealed with it. A subject is
    `account:` or `address:` and which one.
    """

    @property
    def failing(self) -> bool:
        """Whether keys could not be read or made when that was last tried."""
        ...

    def seal(self, subject: str, text: str, *also: str) -> str:
        """Sealed by the keys of `subject` and of the others: it takes them all to open it."""
        ...

    def open(self, sealed: str) -> str | None:
        """The text; None where its key was forgotten."""
        ...

    def forget(self, subject: str) -> bool:
        """Whether there was a key of this subject; its kind may be left out where that is plain."""
        ...


class Sealer(Protocol):
    """Authenticated encryption, bound to table and column and to a row. Errors: CryptoError."""

    def seal(self, plaintext: bytes, row: bytes = b"") -> bytes: ...

    def open(self, sealed: bytes, row: bytes = b"") -> bytes: ...


class SessionRevoker(Protocol):
    """Ends sessions at once; how many were ended."""

    def revoke(self, session_id: str) -> int: ...

    def revoke_account(self, account: str) -> int: ...


class Throttle(Protocol):
    """Who must wait: asked before a sign-in is tried, told by the responder."""

    def wait(self, client: str, account: str) -> float:
        """Seconds that this client must wait before it tries this account again; 0.0 for none."""
        ...

    def throttle(self, client: str, account: str, *, seconds: float, reason: str) -> None: ...


class LiveSecrets(Protocol):
    """The secrets in use, for redaction and leak detection."""

    def values(self) -> Sequence[str]: ...


class AuditLog(Protocol):
    """Keeps events durably: when `append` returns, a SIGKILL does not lose the event."""

    def append(self, event: Event) -> None: ...


class Rotatable(Protocol):
    """A secret or key that can be replaced while both versions work."""

    def rotate(self) -> None: ...

    def due(self) -> datetime | None: ...
