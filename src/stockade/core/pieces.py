"""The parts that applications take out of a value: a mail's local part, a file's stem, `key=value`.

Only parts that could be an attack alone are evidence; the parts of honest text stand in other
texts by chance. A long value is a text, of which only words and the members of lists are taken.

Double quotes at the ends of a part frame it: documents, headers and lists write them around what
they hold, and developers write them around names (`"name"`) and words of commands. Whoever uses a
part with them uses what they enclose, and that is the evidence.
"""

from __future__ import annotations

import re
from itertools import islice

__all__ = ["ACTS", "pieces", "unframed"]

ACTS = re.compile(r"""['"`;()<>$&\\#*]|\.\.|--""").search
"""Without one of these a piece of a value is part of no attack on its own."""

# A piece that is short must hold what ends a literal or a command, and a word beside it. The
# apostrophe of a name (`O'Neill`) is none of these.
_SHORT = re.compile(r"""(?=.*\w).*(?:["`\\;|&]|(?<!\w)'|'(?!\w)|'.*'|--|\$\()""", re.DOTALL).match
_SEPARATED = re.compile(r"[\s:,|;./@=\0]").search
_WORDS = re.compile(r"\s+")
_QUOTED = re.compile(r"""(['"])([^'"]*+)\1""").finditer
_LISTED = (":", ",", "|", "\0")
_MARKED = (";", ".", "/", "\\", "@", "=", "?", "#", "&")
_SEPARATORS = (*_LISTED, *_MARKED)
_LONG, _MIN, _MAX_LENGTH = 8, 4, 1_024
_OF_TEXT, _OF_LIST = 8, 256  # parts; words of a text stand by chance in other texts
_QUOTES = "'\"`"
_FRAME = re.compile(r'[\s,:\[{]*+"++|\s++').match
_FRAME_BEHIND = re.compile(r'[\s,:\]}]*+"++|\s++').match


def pieces(value: str) -> list[str]:
    """The parts of `value` that could be an attack alone, each once.

    Between blanks, separators and quotes; what stands before or behind the first or the last
    separator; without the sign of a sort key (`-created`) and without quotes around it.
    """
    if ACTS(value) is None or len(value) <= _MIN:
        return []
    found = [value[1:]] if value[0] in "+-" else []
    if value[0] in _QUOTES or value[-1] in _QUOTES:
        found.append(value.strip(_QUOTES))
    if value.count("'") > 1 or value.count('"') > 1:
        found += (match[2] for match in islice(_QUOTED(value), _OF_TEXT))
    if _SEPARATED(value):
        words = _WORDS.split(value, _OF_TEXT)[:_OF_TEXT]
        most = _OF_LIST if len(words) == 1 else _OF_TEXT
        found += words
        for separator in _LISTED:
            if separator in value:
                found += value.split(separator, most)[:most]
        if len(value) <= _MAX_LENGTH:
            found += _cut(value, most)
    size = len(value)
    likely = dict.fromkeys(text for text in found if _MIN <= len(text) < size)
    if '"' in value:
        likely = dict.fromkeys(unframed(text) for text in likely)
    return [text for text in likely if _could_act(text)]


def unframed(text: str) -> str:
    """`text` without the double quotes at its ends, and what lists and documents write beside them.

    So `"name",` is `name`, and `{"a b"` is `a b`. Quotes further in stay: those are its own.
    """
    if '"' not in text:
        return text
    before = _FRAME(text)
    if before is not None:
        text = text[before.end() :]
    behind = _FRAME_BEHIND(text[::-1])
    return text if behind is None else text[: len(text) - behind.end()]


def _cut(value: str, most: int) -> list[str]:
    """The parts of a short value, without the blanks around them."""
    found: list[str] = []
    for separator in _MARKED:
        if separator in value:
            members = value.split(separator, most)
            found += members[:most]
            if separator == "&":  # a query
                found += [member.partition("=")[2] for member in members]
    for separator in _SEPARATORS:
        if separator in value:
            found += (value.partition(separator)[2], value.rpartition(separator)[0])
    return [text.strip() for text in found]


def _could_act(text: str) -> bool:
    if len(text) >= _LONG:
        return ACTS(text) is not None
    return len(text) >= _MIN and _SHORT(text) is not None
