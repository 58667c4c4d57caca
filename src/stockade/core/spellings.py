"""Everything that applications may read out of one value: its spellings and its parts.

What is read out of names and short open values is remembered; of any other value, which may be a
secret, only that there is nothing to read.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

from stockade.core.decoding import decoded_spellings, is_ordinary
from stockade.core.dropped import dropped
from stockade.core.pieces import pieces
from stockade.core.quoted import quoted

__all__ = ["spellings"]

_MAX_CUT = 32  # decoded spellings of one value that are cut into pieces in turn
_MAX_NAME = 64
# A hash outlives the request and tells nothing. With a salt of our own nobody can look for two
# values of one hash, not even where PYTHONHASHSEED is known.
_SALT = secrets.token_hex(8)
_MAX_BARE = 8_192
_bare: set[int] = set()


def spellings(value: str, *, is_open: bool) -> tuple[str, ...]:
    """What else `value` may be to an application; `is_open`: it is no secret of its client's.

    Raises RecursionError and TooLarge as `decoded_spellings` does.
    """
    key = hash(_SALT + value)
    if key in _bare:
        return ()
    found = _remembered(value) if is_open and len(value) < _MAX_NAME else _read(value)
    if not found:
        if len(_bare) >= _MAX_BARE:
            _bare.clear()
        _bare.add(key)
    return found


def _read(value: str) -> tuple[str, ...]:
    decoded = decoded_spellings(value)
    if not decoded and is_ordinary(value):
        return decoded
    found = [*decoded, *pieces(value), *dropped(value), *quoted(value)]
    for spelling in decoded[:_MAX_CUT]:
        found += pieces(spelling)
    return tuple(found)


_remembered = lru_cache(maxsize=2_048)(_read)
