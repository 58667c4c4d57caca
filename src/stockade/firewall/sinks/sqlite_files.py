"""Files that SQLite opens by a statement: `ATTACH` and `VACUUM INTO`, which report nothing.

`sinks.sqlite` asks here for a statement whose first letter is none of `ORDINARY`, and for every
script. The name is put together from the literals, names and bound parameters of its expression,
in their order, as `||` would; a function in it is taken for its arguments.

Not seen: a name that comes out of a column or a sub-query, and `load_extension()` called in SQL,
which is off unless the application turned it on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from stockade.core.context import current
from stockade.firewall.sinks import files

__all__ = ["ORDINARY", "check_script", "check_statement"]

ORDINARY = frozenset("bBcCdDiIpPrRsSuUwW")
"""First letters of statements that name no file; nearly all begin with one of them."""

_BLANK = r"(?:[ \t\n\f\r\ufeff]|--[^\n]*+(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z))"
_NAMES = re.compile(
    rf"{_BLANK}*+(?:EXPLAIN\b{_BLANK}*+(?:QUERY{_BLANK}++PLAN\b)?)?{_BLANK}*+"
    rf"(?:ATTACH\b(?:{_BLANK}*+DATABASE\b(?!{_BLANK}*+AS\b))?|VACUUM\b[^;]*?\bINTO\b)",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"\b(?:ATTACH|VACUUM)\b", re.IGNORECASE)
_TOKEN = re.compile(
    rf"""(?P<blank>{_BLANK}++)
    |[xX]'(?P<blob>[0-9A-Fa-f]*+)'
    |'(?P<single>(?:[^']|'')*+)'?
    |"(?P<double>(?:[^"]|"")*+)"?
    |`(?P<back>(?:[^`]|``)*+)`?
    |\[(?P<square>[^\]]*+)\]?
    |(?P<number>\?[0-9]*+)
    |[:@$#](?P<named>[\w$:]++)
    |(?P<word>[\w$]++)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def check_statement(sql: str, parameters: Any) -> None:
    """Let a statement run whose file, if it names one, stays where it belongs; or raise Blocked."""
    if current() is None:
        return
    match = _NAMES.match(sql)
    if match is not None:
        _check_name(sql, match.end(), parameters)


def check_script(script: str) -> None:
    """As `check_statement`, for each statement of a script."""
    if current() is None or _SCRIPT.search(script) is None:
        return
    starts = [0]
    starts += [token.end() for token in _TOKEN.finditer(script) if token[0] == ";"]
    for start in starts:
        match = _NAMES.match(script, start)
        if match is not None:
            _check_name(script, match.end(), ())


def _check_name(sql: str, start: int, parameters: Any) -> None:
    name, index = [], 0
    for token in _TOKEN.finditer(sql, start):
        kind, text = token.lastgroup, token[token.lastgroup or 0]
        if kind == "word" and text.upper() == "AS":
            break
        if kind == "number":
            index = int(text[1:]) if text[1:] else index + 1
            name.append(_positional(parameters, index))
        elif kind == "named":
            index += 1
            name.append(_named(parameters, text, index))
        elif kind == "other":
            if text == ";":
                break
        elif kind == "blob":
            name.append(_text(bytes.fromhex(text[: len(text) & ~1])))
        elif kind != "blank":
            quote = token[0][0]
            name.append(text.replace(quote * 2, quote) if quote in "'\"`" else text)
    files.check_database("".join(name))


def _positional(parameters: Any, index: int) -> str:
    if isinstance(parameters, Mapping):
        return _text(parameters.get(str(index)))
    if isinstance(parameters, Sequence) and 0 < index <= len(parameters):
        return _text(parameters[index - 1])
    return ""


def _named(parameters: Any, name: str, index: int) -> str:
    if isinstance(parameters, Mapping):
        return _text(parameters.get(name))
    return _positional(parameters, index)


def _text(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)
