"""How one value may stand in a query: raw, folded, and escaped in each way that is in use."""

from __future__ import annotations

import re

__all__ = ["anchors_of", "fold", "spellings_of"]

_ESCAPED = re.compile(r"['\"`\\%_]").search
_UNESCAPED = re.compile(r"[^'\"`\\]+").findall
_UNESCAPED_IN_PATTERN = re.compile(r"[^'\"`\\%_!/|^#]+").findall
_WILDCARD = re.compile(r"[%_\\]").search
_IN_PATTERN = re.compile(r"[%_\\!/|^#]").search
_MARKS = "\\!/|^#"
"""What queries name behind ESCAPE; a backslash mostly, which alone is looked for where a value is
long, or has double quotes only: documents and headers are full of these, and in MySQL alone they
hold patterns."""
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
    """`value` as it stands in a query: raw, and escaped in each way that drivers and people do."""
    if value.isascii():
        if _ESCAPED(value) is None:
            return (value.lower(),)
        forms = [value]
    else:  # an application may change the case, and with it the length
        forms = [value, value.lower(), value.upper(), value.casefold(), value.title()]
    if "%" in value:  # a layer above a driver doubles it, and the driver undoes that
        forms += [form.replace("%", "%%") for form in forms]
    if marks := _marks(value):
        forms += _with_wildcards_escaped(value, marks)
    found: list[str] = []
    for form in dict.fromkeys(forms):
        found.append(form)
        for quote in "'\"`":
            if quote in form:
                found.append(form.replace(quote, quote * 2))
        if "\\" in form or "'" in form or '"' in form:
            slashed = form.replace("\\", "\\\\")
            found += (
                slashed,
                slashed.replace("'", "\\'"),
                slashed.replace("'", "\\'").replace('"', '\\"'),
                slashed.replace("'", "''"),
                form.replace("'", "\\'").replace('"', '\\"'),
            )
    return tuple(dict.fromkeys(fold(spelling) for spelling in found))


def _marks(value: str) -> str:
    """What may stand before the wildcards of `value` in a pattern of LIKE; "" where nothing would.

    Without a quote it ends no pattern.
    """
    if "'" in value and len(value) <= _MAX_SHORT:
        return _MARKS if _IN_PATTERN(value) else ""
    is_quoted = "'" in value or '"' in value
    return "\\" if is_quoted and len(value) <= _MAX_PATTERN and _WILDCARD(value) else ""


def _with_wildcards_escaped(value: str, marks: str) -> list[str]:
    """`value` as a pattern of LIKE in which its own wildcards stand for themselves."""
    found: list[str] = []
    for mark in marks:
        for wildcards in ("%_", "%", "_"):
            form = value.replace(mark, mark * 2)
            for wildcard in wildcards:
                form = form.replace(wildcard, mark + wildcard)
            found += (form, form.replace("%", "%%"))
    return found


def anchors_of(value: str, spellings: tuple[str, ...]) -> tuple[str, ...]:
    """One of these stands in every text in which `value` does, in any of its spellings.

    "" where that is not known.
    """
    if len(spellings) == 1:
        return spellings
    if not value.isascii():
        return ("",)
    if _marks(value):
        return (max(_UNESCAPED_IN_PATTERN(spellings[0]), key=len, default=""),)
    anchor = max(_UNESCAPED(spellings[0]), key=len, default="")
    return (anchor, anchor.replace("%", "%%")) if "%" in anchor else (anchor,)
