"""The keyring: keys by purpose, rotation, destruction, and everything that is made from keys."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Protocol

from stockade.core.bus import emit
from stockade.core.errors import CryptoError
from stockade.core.events import Outcome
from stockade.core.secret import Secret
from stockade.crypto.keyfile import KeyFile, MemoryKeys, Stamp
from stockade.crypto.keys import PURPOSES, Key, KeySet, KeyState, decode, encode, new_key
from stockade.crypto.log_signing import LogSigner
from stockade.crypto.mac import Mac
from stockade.crypto.sealing import Sealer
from stockade.crypto.signing import Signer

__all__ = ["CHECK_SECONDS", "Keyring"]

CHECK_SECONDS = 1.0
"""How long a process may go on with keys that another one has rotated or destroyed."""


class _Home(Protocol):
    """Where a keyring lives: `KeyFile` or `MemoryKeys`."""

    def exists(self) -> bool: ...
    def stamp(self) -> Stamp | None: ...
    def load(self) -> tuple[Secret[bytes], Stamp]: ...
    def save(self, document: Secret[bytes]) -> Stamp: ...
    def locked(self) -> AbstractContextManager[None]: ...
    def make_folder(self) -> None: ...


class Keyring:
    """All keys of a service, for the purposes `seal`, `sign` and `mac`.

    Threads share one; processes share its file: a change made by one is seen by the others within
    CHECK_SECONDS, and at once when they meet a key that they do not know. Errors: CryptoError.
    """

    def __init__(self, home: _Home) -> None:
        """For the library itself; call `open` or `ephemeral`."""
        self._home = home
        self._lock = threading.Lock()
        self._sealers: dict[tuple[str, str], Sealer] = {}
        self._trouble = ""
        self.keys, self._stamp = self._load()
        self.check_at = monotonic() + CHECK_SECONDS
        _keyrings.add(self)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, create: bool = False) -> Keyring:
        """The keyring in the file `path`; with `create`, a new one if there is no such file.

        A new file has mode 0600; its folder, if new, 0700. A file that group or others may read is
        refused, and so are links, other owners and anything malformed.
        """
        return cls._open(KeyFile(path), create=create)

    @classmethod
    def ephemeral(cls) -> Keyring:
        """A keyring in memory, gone with the process: for tests."""
        return cls._open(MemoryKeys(), create=True)

    @classmethod
    def _open(cls, home: _Home, *, create: bool) -> Keyring:
        with _telling():
            created = cls._make(home) if create else []
            for key in created:
                _report("key_created", "A key was created.", key)
            return cls(home)

    @staticmethod
    def _make(home: _Home) -> list[Key]:
        """New keys, where there are none."""
        home.make_folder()
        with home.locked():
            if home.exists():
                return []
            created = [new_key(purpose) for purpose in PURPOSES]
            keys = KeySet(
                {key.id: key for key in created}, {key.purpose: key.id for key in created}
            )
            home.save(Secret(encode(keys)))
        return created

    def __repr__(self) -> str:
        return f"Keyring({self._home!r})"

    @property
    def in_trouble(self) -> bool:
        """Whether the file has changed and cannot be read, so that earlier keys are in use."""
        return bool(self._trouble)

    # -- what is made from keys ------------------------------------------------------------------

    def sealer(self, table: str, column: str) -> Sealer:
        """The sealer of a column, always the same one; both names are the developer's constants."""
        with self._lock:
            sealer = self._sealers.get((table, column))
            if sealer is None:
                sealer = self._sealers[table, column] = Sealer(self, table, column)
            return sealer

    def signer(self, purpose: str = "sign") -> Signer:
        """Ed25519 signatures with the keys of `purpose`; only `sign` has such keys."""
        if purpose != "sign":
            raise CryptoError("signatures are made with keys of the purpose 'sign' only: use that")
        return Signer(self)

    def log_signer(self, origin: str) -> LogSigner:
        """Signs the checkpoints of the audit log `origin`, by keys derived for it alone."""
        return LogSigner(self, origin)

    def mac(self, purpose: str = "mac") -> Mac:
        """Keyed fingerprints; those of one `purpose` (any constant name) never equal another's."""
        return Mac(self, purpose)

    # -- life of a key (SP 800-57 part 1, section 8) -----------------------------------------------

    def inventory(self) -> tuple[Key, ...]:
        """Every key there is and was, oldest first; destroyed ones have no material."""
        return tuple(sorted(self.keys.keys.values(), key=lambda key: key.created))

    def rotate(self, purpose: str = "seal") -> Key:
        """Make a new primary key. What the earlier keys protected still opens and verifies."""
        self.keys.primary(purpose)  # refuses an unknown purpose before anything is locked
        key = new_key(purpose)
        self._change(lambda keys: keys.with_primary(key))
        _report("key_rotated", "A new key protects from now on; earlier keys still open.", key)
        return key

    def deactivate(self, key_id: str) -> None:
        """Withdraw a key: its signatures and MACs are refused, its sealed records still open."""
        self._change(lambda keys: keys.with_state(key_id, KeyState.DEACTIVATED))
        _report("key_deactivated", "A key was withdrawn.", self.keys.keys[key_id])

    def destroy(self, key_id: str) -> None:
        """Destroy a key for ever: what it sealed cannot be opened again (cryptographic erasure).

        The caches of this process are clear when this returns, those of others within
        CHECK_SECONDS. Copies of the key file, backups included, are the operator's to destroy.
        """
        self._change(lambda keys: keys.with_state(key_id, KeyState.DESTROYED))
        _report(
            "key_destroyed", "A key was destroyed; its records are lost.", self.keys.keys[key_id]
        )

    # -- between processes -----------------------------------------------------------------------

    def refresh(self) -> bool:
        """Read the file again if another process replaced it; True if it did.

        A file that cannot be read now is reported once, as `defence_failed`; the keys that were
        read before stay in use, for a missing file must not stop a service that runs.
        """
        self.check_at = monotonic() + CHECK_SECONDS
        if self._home.stamp() == self._stamp:
            return False
        try:
            with self._lock:
                self._adopt(*self._load())
        except CryptoError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                emit(
                    "defence_failed", Outcome.FAILED, "crypto",
                    "The key file changed and cannot be read; the keys read before stay in use.",
                    rule="crypto.keyfile", error=str(error),
                )  # fmt: skip
            return False
        return True

    def _change(self, change: Callable[[KeySet], KeySet]) -> None:
        with self._lock, _telling(), self._home.locked():
            current, _ = self._load()  # what another process wrote must not be lost
            keys = change(current)
            self._adopt(keys, self._home.save(Secret(encode(keys))))

    def _load(self) -> tuple[KeySet, Stamp]:
        document, stamp = self._home.load()
        keys = decode(document)
        if keys is None:
            raise CryptoError(
                f"the keyring {self._home!r} is malformed (not a stockade-keyring of version 1, or "
                "cut short): restore it from a backup; nothing was changed"
            )
        return keys, stamp

    def _adopt(self, keys: KeySet, stamp: Stamp) -> None:
        self.keys, self._stamp, self._trouble = keys, stamp, ""
        for sealer in self._sealers.values():
            sealer.forget()


@contextmanager
def _telling() -> Iterator[None]:
    """What fails inside the block is an event."""
    try:
        yield
    except CryptoError as error:
        emit(
            "defence_failed", Outcome.FAILED, "crypto",
            "The keys cannot be read or changed.", rule="crypto.keyfile", error=str(error),
        )  # fmt: skip
        raise


def _report(name: str, reason: str, key: Key) -> None:
    emit(
        name,
        Outcome.ALLOWED,
        "crypto",
        reason,
        rule="crypto.key",
        key_id=key.id,
        purpose=key.purpose,
    )


_keyrings: weakref.WeakSet[Keyring] = weakref.WeakSet()


def _after_fork() -> None:
    for keyring in list(_keyrings):
        keyring._lock = threading.Lock()  # another thread of the parent may have held the old one


os.register_at_fork(after_in_child=_after_fork)
