"""What is left of a value when a service drops characters from it: controls, quotes, accents …

Such a service means to make a value harmless and may put an attack together instead: of `. ./x`
it makes `../x`. Only what could act is evidence, and dropping changes nothing in most values.
"""

from __future__ import annotations

import re
import unicodedata

from stockade.core.pieces import ACTS

__all__ = ["dropped"]

# NUL and the other controls, but for blanks; the soft hyphen, what has no width, byte order marks.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
)
_LINE_ENDS = re.compile(r"[\t-\r]")
_QUOTES = re.compile("['\"`]")
_NO_FILE_NAME = re.compile(r"[^\w./-]")
_ONE_TOKEN = re.compile(r"[\w.-]*\Z").match
_MAX = 4_096  # characters: a longer value is a text, and nobody makes a name or a command of it


def dropped(value: str) -> list[str]:
    """What `value` comes to without some of its characters, where that could be an attack."""
    if len(value) > _MAX:
        return []
    found: list[str] = []
    if not value.isascii():
        found += (
            value.encode("ascii", "ignore").decode(),
            unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode(),
        )
    if _INVISIBLE.search(value):
        visible = _INVISIBLE.sub("", value)
        found += (value.replace("\0", ""), visible, _LINE_ENDS.sub("", visible))
    if _QUOTES.search(value):
        found += (value.replace("'", ""), _QUOTES.sub("", value))
    found = [text for text in found if ACTS(text) or _ONE_TOKEN(text) is None]
    if "." in value and ".." not in value:  # a climb, and nothing else, that dropping makes
        for text in ("".join(value.split()), _NO_FILE_NAME.sub("", value)):
            if ".." in text:
                found.append(text)
    return [text for text in dict.fromkeys(found) if text != value]
