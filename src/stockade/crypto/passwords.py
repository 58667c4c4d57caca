"""Passwords, hashed with Argon2id (RFC 9106) into PHC strings.

`verify` answers True or False, in a time that does not depend on the password; a stored hash that
cannot be read, or asks for absurd amounts of memory, is an error, never a mere "wrong password".
"""

from __future__ import annotations

import os
import re
import threading
import unicodedata
import weakref
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from stockade.core.errors import CryptoError
from stockade.crypto.unverified import tell_unverified

__all__ = ["FOR_TESTS_ONLY", "OWASP", "RFC_9106_LOW_MEMORY", "Argon2Parameters", "Argon2idHasher"]

_SALT_BYTES = 16  # RFC 9106, 3.1: recommended for password hashing
_HASH_BYTES = 32
_MAX_KIB, _MAX_ITERATIONS, _MAX_LANES = 1 << 20, 32, 64
_PHC = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,8}),t=([1-9][0-9]{0,8}),p=([1-9][0-9]{0,8})"
    r"\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,172})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """Cost of a hash: memory in KiB, passes over it, lanes filled at the same time."""

    memory_kib: int
    iterations: int
    lanes: int
    for_tests_only: bool = False


RFC_9106_LOW_MEMORY = Argon2Parameters(memory_kib=64 * 1024, iterations=3, lanes=4)
"""RFC 9106, section 4, second recommended option."""
OWASP = Argon2Parameters(memory_kib=19 * 1024, iterations=2, lanes=1)
"""The minimum of the OWASP Password Storage Cheat Sheet, for small machines."""
FOR_TESTS_ONLY = Argon2Parameters(memory_kib=8, iterations=1, lanes=1, for_tests_only=True)
"""No protection at all."""


class Argon2idHasher:
    """Hashes and verifies passwords; a `core.ports.PasswordHasher`. Threads may share it.

    At most `parallel` hashes run at a time (by default as many as there are processors), so that a
    flood of sign-ins waits instead of taking `parameters.memory_kib` for each request.
    """

    def __init__(
        self, parameters: Argon2Parameters = RFC_9106_LOW_MEMORY, *, parallel: int | None = None
    ) -> None:
        self.parameters = parameters
        self._parallel = parallel or os.cpu_count() or 1
        self._turns = threading.BoundedSemaphore(self._parallel)
        _hashers.add(self)

    def __repr__(self) -> str:
        return f"Argon2idHasher({self.parameters})"

    def hash(self, password: str) -> str:
        """A PHC string, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, with a fresh salt."""
        algorithm = Argon2id(
            salt=os.urandom(_SALT_BYTES),
            length=_HASH_BYTES,
            iterations=self.parameters.iterations,
            lanes=self.parameters.lanes,
            memory_cost=self.parameters.memory_kib,
        )
        with self._turns:
            return algorithm.derive_phc_encoded(_normalised(password))

    def verify(self, encoded: str, password: str) -> bool:
        """Whether `encoded` is a hash of `password`. Raises CryptoError if it is no such hash."""
        _parse(encoded)
        with self._turns:
            try:
                Argon2id.verify_phc_encoded(_normalised(password), encoded)
            except InvalidKey:
                return False
        return True

    def needs_rehash(self, encoded: str) -> bool:
        """Whether `encoded` has other costs than these: hash again at the next sign-in."""
        mine = self.parameters
        return _parse(encoded) != (mine.memory_kib, mine.iterations, mine.lanes)


def _normalised(password: str) -> bytes:
    # SP 800-63B-4, 3.1.1.2: the same password typed on two systems must be the same bytes.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _parse(encoded: str) -> tuple[int, int, int]:
    match = _PHC.fullmatch(encoded)
    if match is None:
        tell_unverified("crypto.password-hash", "malformed")
        raise CryptoError(
            "a stored password hash is not an Argon2id PHC string: it is damaged or of another "
            "scheme; have the account's password reset"
        )
    memory_kib, iterations, lanes = int(match[1]), int(match[2]), int(match[3])
    if memory_kib > _MAX_KIB or iterations > _MAX_ITERATIONS or lanes > _MAX_LANES:
        tell_unverified("crypto.password-hash", "absurd_costs")
        raise CryptoError(
            "a stored password hash asks for more than 1 GiB, 32 passes or 64 lanes: whoever wrote "
            "it could stop the service with it; have the account's password reset"
        )
    return memory_kib, iterations, lanes


_hashers: weakref.WeakSet[Argon2idHasher] = weakref.WeakSet()


def _after_fork() -> None:
    for hasher in list(_hashers):
        # A thread of the parent that held a turn does not exist here to give it back.
        hasher._turns = threading.BoundedSemaphore(hasher._parallel)


os.register_at_fork(after_in_child=_after_fork)
