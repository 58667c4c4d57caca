"""Keys of a store: any text that UTF-8 can carry, ordered by its bytes."""

from __future__ import annotations

__all__ = ["encode"]


def encode(key: str) -> bytes:
    """The key as UTF-8. Raises ValueError, without the key, for a lone surrogate."""
    try:
        return key.encode()
    except UnicodeEncodeError:
        raise ValueError("a key of the state store must be text that UTF-8 can carry") from None
