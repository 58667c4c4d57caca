"""Which dialect a database session speaks at the moment: what moves the ends of its literals.

PostgreSQL reports `standard_conforming_strings` and `client_encoding` to every driver. MySQL
reports NO_BACKSLASH_ESCAPES with each answer, but neither ANSI_QUOTES nor what `SET NAMES` chose:
the session is asked once, when a text would read otherwise with them, and again after a statement
that may have changed them. Where it cannot be asked (rows of an earlier statement are still on
their way), only what all modes read alike counts.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from stockade.firewall.engine import Guard
from stockade.firewall.grammars.sql_dialects import may_swallow

__all__ = ["QUESTION", "MySQLModes", "postgresql_guard", "read_text"]

QUESTION = "SELECT @@sql_mode, @@character_set_client"
"""What a MySQL session is asked."""

_NO_BACKSLASH_ESCAPES = 0x200  # SERVER_STATUS_NO_BACKSLASH_ESCAPES
# Character sets with characters whose second byte may be a backslash, by their servers' names.
_POSTGRESQL_SWALLOWS = frozenset(
    ("BIG5", "GB18030", "GBK", "JOHAB", "SHIFT_JIS_2004", "SJIS", "UHC")
)
_CODECS = {
    "big5": "big5",
    "cp932": "cp932",
    "gb18030": "gb18030",
    "gbk": "gbk",
    "sjis": "shift_jis",
}
_NO_CHARACTER = re.compile(r"[\u00a5\u203e\u20a9\udc80-\udcff]").search
_CHANGES = re.compile(
    r"sql_mode|\bset\b.*\bchar|\bnames\b|\bcall\b|\bexecute\b", re.IGNORECASE | re.DOTALL
).search
_NAMES_ONE = re.compile(r"big5|cp932|gb18030|gbk|sjis", re.IGNORECASE).search


def read_text(sql: str | bytes | bytearray, encoding: str) -> str:
    """A statement as text; bytes that are no character stay visible as such (PEP 383)."""
    if isinstance(sql, str):
        return sql
    try:
        return bytes(sql).decode(encoding, "surrogateescape")
    except LookupError:
        return bytes(sql).decode("utf-8", "surrogateescape")


def postgresql_guard(
    guards: Mapping[str, Guard], text: str, parameter: Callable[[str], str | None]
) -> Guard:
    """The guard for a text; `parameter` tells what the session reports of a setting."""
    if (
        not text.isascii()
        and may_swallow(text)
        and (parameter("client_encoding") or "").upper() in _POSTGRESQL_SWALLOWS
    ):
        return guards["postgresql+multibyte"]
    if "\\" in text and parameter("standard_conforming_strings") == "off":
        return guards["postgresql+escapes"]
    return guards["postgresql"]


class _Session(NamedTuple):
    identity: object
    ansi: bool
    charset: str


class MySQLModes:
    """What is known of the sessions of one driver's connections."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Any, _Session] = WeakKeyDictionary()
        self._suspects: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()

    def answered(self, connection: Any, identity: object, row: Any) -> None:
        """Remember the answer to `QUESTION`; `identity` changes when it connects anew."""
        mode, charset = (read_text(item or "", "utf-8").lower() for item in row)
        self._known[connection] = _Session(identity, "ansi_quotes" in mode, charset)

    def passes(self, connection: Any, text: str) -> None:
        """A statement is about to run: forget what it may change."""
        if connection in self._known and _CHANGES(text):
            del self._known[connection]
        if _NAMES_ONE(text):
            self._suspects[connection] = True

    def may_mangle(self, connection: Any, encoding: str) -> bool:
        """Whether this driver's own escaping may fail, so that the text is judged after it."""
        return connection in self._suspects or _codec(encoding) in _CODECS.values()

    def dialect(
        self, connection: Any, identity: object, text: str, *, encoding: str, status: int
    ) -> str | None:
        """The dialect that `text` will be read in; None: ask the session, or take `unsure`."""
        escapes = not status & _NO_BACKSLASH_ESCAPES
        swallows = not text.isascii() and may_swallow(text)
        quotes = escapes and '"' in text and "\\" in text
        if not quotes and not swallows:
            return "mysql" if escapes else "mysql+nobackslash"
        session = self._known.get(connection)
        if _CHANGES(text):
            return self.unsure(text)
        if session is None or session.identity != identity:
            return None
        codec = _CODECS.get(session.charset)
        if swallows and codec and (codec != _codec(encoding) or _NO_CHARACTER(text)):
            return "mysql+multibyte"
        if not escapes:
            return "mysql+nobackslash"
        return "mysql+ansi" if session.ansi else "mysql"

    @staticmethod
    def unsure(text: str) -> str:
        """The dialect for a text in a session of which nothing is known."""
        return "mysql+multibyte" if may_swallow(text) else "mysql+unsure"


def _codec(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return encoding
