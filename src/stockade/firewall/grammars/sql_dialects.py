"""The SQL dialects, and the modes of their sessions, as far as they move the ends of literals.

postgresql+escapes      standard_conforming_strings=off: a backslash escapes in '...'
mysql+ansi              ANSI_QUOTES: "..." is a name, a backslash in it is one
mysql+nobackslash       NO_BACKSLASH_ESCAPES
mysql+unsure            it is not known which of the three holds: what they read alike counts
…+multibyte             the server reads bytes as GBK, Big5, Shift JIS …, where the character
                        before a backslash may swallow it
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["DIALECTS", "MYSQL", "POSTGRESQL", "SQLITE", "Dialect", "may_swallow"]


class Dialect(NamedTuple):
    """What opens a literal or comment, and how it goes on."""

    name: str
    opener: Callable[[str, int], re.Match[str] | None]
    backslash: str
    """The quotes in which a backslash escapes."""
    hash_comments: bool = False
    nested_comments: bool = False
    open_comment_is_comment: bool = False
    dash_needs_space: bool = False
    executable_comments: bool = False
    escape_strings: bool = False
    dollar_quotes: bool = False
    carriage_return_ends_line: bool = False
    also: tuple[Dialect, ...] = ()
    """The other dialects that may hold instead."""
    multibyte: bool = False


# Single characters as alternatives, not as a set: only so does `re` jump from one to the next.
SQLITE = Dialect(
    "sqlite", re.compile(r"""'|"|`|\[|\0|--|/\*""").search, "", open_comment_is_comment=True
)
POSTGRESQL = Dialect(
    "postgresql",
    re.compile(r"""'|"|\$|\0|--|/\*""").search,
    "",
    nested_comments=True,
    escape_strings=True,
    dollar_quotes=True,
    carriage_return_ends_line=True,
)
MYSQL = Dialect(
    "mysql",
    re.compile(r"""'|"|`|#|\0|--|/\*""").search,
    "'\"",
    hash_comments=True,
    dash_needs_space=True,
    executable_comments=True,
)
_ESCAPES = POSTGRESQL._replace(name="postgresql+escapes", backslash="'")
_ANSI = MYSQL._replace(name="mysql+ansi", backslash="'")
_NO_BACKSLASH = MYSQL._replace(name="mysql+nobackslash", backslash="")
_UNSURE = MYSQL._replace(name="mysql+unsure", also=(_ANSI, _NO_BACKSLASH))

DIALECTS = {
    dialect.name: dialect
    for dialect in (
        SQLITE,
        POSTGRESQL,
        _ESCAPES,
        POSTGRESQL._replace(name="postgresql+multibyte", also=(_ESCAPES,), multibyte=True),
        MYSQL,
        _ANSI,
        _NO_BACKSLASH,
        _UNSURE,
        _UNSURE._replace(name="mysql+multibyte", multibyte=True),
    )
}
"""Every dialect, by its name."""

may_swallow = re.compile(r"[^\0-\x7f][\\`]|[\u00a5\u203e\u20a9\udc80-\udcff]").search
"""Where a text may be read otherwise in GBK, Big5, Shift JIS and the like: a character that may
swallow what follows; yen, overline and won, which Python encodes as a backslash or a tilde in some
of them; a byte that is no character."""
