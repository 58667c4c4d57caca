"""How a keyring is doing: a probe for `core.health`, and its numbers for the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from stockade.core.health import OK, State, Verdict
from stockade.core.tally import Reading
from stockade.crypto.keyring import Keyring
from stockade.crypto.keys import PURPOSES

__all__ = ["readings", "verdict"]


def verdict(keyring: Keyring) -> Verdict:
    """Degraded while the key file cannot be read, and the keys read before stay in use."""
    keyring.refresh()
    if keyring.in_trouble:
        return Verdict(
            State.DEGRADED, "The key file cannot be read; the keys read before stay in use."
        )
    return OK


def readings(keyring: Keyring) -> Iterator[Reading]:
    """When each primary key was made, and how many keys there are by purpose and state."""
    for purpose in PURPOSES:
        created = keyring.keys.primary(purpose).created
        yield "key_created_timestamp_seconds", (purpose,), created.timestamp()
    counts = Counter((key.purpose, key.state.value) for key in keyring.inventory())
    for (purpose, state), n in counts.items():
        yield "keys", (purpose, state), n
