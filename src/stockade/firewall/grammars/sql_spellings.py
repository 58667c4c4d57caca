"""How one value may stand in a query: raw, folded, and escaped in each way that is in use."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["anchor_of", "fold", "pattern_spellings_of", "spellings_of"]

_ESCAPED = re.compile(r"['\"`\\%_]").search
_UNESCAPED = re.compile(r"[^'\"`\\%_!/|^#]+").findall
_SAME_IN_ANY_CASE = re.compile(r"[A-Za-z0-9 ]+").findall
_WILDCARD = re.compile(r"[%_\\]").search
_IN_PATTERN = re.compile(r"[%_!/|^#]").search
_MARKS = "!/|^#"
"""What queries name behind ESCAPE, beside the backslash."""
_MAX_SHORT, _MAX_PATTERN = 64, 4_096


def fold(text: str) -> str:
    """`text` without regard to case; every character keeps its place, whatever its neighbours."""
    if text.isascii():
        return text.lower()
    # The one letter that grows in lower case, the one whose lower case depends on what follows it,
    # and those whose upper case is an ASCII letter.
    lowered = text.replace("\u0130", "i").lower()  # I with dot above
    lowered = lowered.replace("\u03c2", "\u03c3")  # final sigma, sigma
    return lowered.replace("\u0131", "i").replace("\u017f", "s")  # dotless i, long s


def spellings_of(value: str) -> tuple[str, ...]:
    """`value` as it stands in a query: raw, and escaped in each way that drivers and people do.

    The first is `value` itself, folded.
    """
    if value.isascii():
        value = value.lower()
        if _ESCAPED(value) is None:
            return (value,)
        forms = [value]
    else:  # an application may change the case, and with it the length
        cases = (value, value.lower(), value.upper(), value.casefold(), value.title())
        forms = list(dict.fromkeys(map(fold, cases)))
        value = forms[0]
    if "%" in value:  # a layer above a driver doubles it, and the driver undoes that
        forms += [form.replace("%", "%%") for form in forms]
    is_quoted = "'" in value or '"' in value  # without a quote it ends no pattern
    if is_quoted and len(value) <= _MAX_PATTERN and _WILDCARD(value):
        forms += _with_wildcards_escaped(value, "\\")
    return _quoted(forms)


def pattern_spellings_of(value: str) -> tuple[str, ...]:
    """The further spellings in a query which says by what (`LIKE … ESCAPE '!'`) it escapes.

    None where `value` would end no pattern, and where it is long: documents and headers are full of
    such marks.
    """
    if "'" not in value or len(value) > _MAX_SHORT or not _IN_PATTERN(value):
        return ()
    low = fold(value)
    return _quoted([form for mark in _MARKS for form in _with_wildcards_escaped(low, mark)])


def _quoted(forms: Iterable[str]) -> tuple[str, ...]:
    """Each folded form as it is, and with its quotes escaped."""
    found: dict[str, None] = {}
    for form in dict.fromkeys(forms):
        found[form] = None
        for quote in "'\"`":
            if quote in form:
                found[form.replace(quote, quote * 2)] = None
        if "\\" in form or "'" in form or '"' in form:
            slashed = form.replace("\\", "\\\\")
            single = slashed.replace("'", "\\'")
            for spelling in (
                slashed,
                single,
                single.replace('"', '\\"'),
                slashed.replace("'", "''"),
                form.replace("'", "\\'").replace('"', '\\"'),
            ):
                found[spelling] = None
    return tuple(found)


def _with_wildcards_escaped(value: str, mark: str) -> list[str]:
    """`value` as a pattern of LIKE in which its own wildcards stand for themselves."""
    found: list[str] = []
    for wildcards in ("%_", "%", "_"):
        form = value.replace(mark, mark * 2)
        for wildcard in wildcards:
            form = form.replace(wildcard, mark + wildcard)
        found += (form, form.replace("%", "%%"))
    return found


def anchor_of(value: str, folded: str) -> str:
    """What stands in every text in which `value` does, in any of its spellings; "" is possible.

    `folded` is the value, folded.
    """
    if not value.isascii():
        runs = _SAME_IN_ANY_CASE(value)
        return max(runs, key=len, default="").lower()
    if _ESCAPED(value) is None:
        return folded
    return max(_UNESCAPED(folded), key=len, default="")
