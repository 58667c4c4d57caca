"""The values of a request as the shell's grammar looks for them, prepared once a request."""

from __future__ import annotations

import re
from typing import NamedTuple

from stockade.core.inputs import Input, Inputs
from stockade.firewall.grammars.shell_environment import assigns_obeyed
from stockade.firewall.grammars.shell_options import dashed_values
from stockade.firewall.grammars.shell_quick import probes

__all__ = ["Values", "prepared", "sources"]

# Characters that are ordinary anywhere in a word: a value of these alone cannot change a structure.
_PLAIN = re.compile(r"[\w.,/:@%+^-]*\Z").match
_ACTS_ALONE = frozenset(";|&$`'\"\n\r<>()*?~#\\")
_NAMES = re.compile(r"\w").search
_BLANKS = ("", " ", "\t", "\n")
_SOURCES = re.compile(r"(?:\A|[\s;&|(){}!'\"])(?:\.|source)\s+\S").search


def sources(text: str) -> bool:
    """Whether a shell command may read a file as a script (`. FILE`)."""
    # Character by character, which is faster than to look for two.
    may = text.startswith("source") or _is_followed(text, ".", _BLANKS)
    if not may and (";" in text or "\n" in text or "(" in text or _is_followed(text, "&", ("&",))):
        may = "source" in text
    return may and _SOURCES(text) is not None


def _is_followed(text: str, character: str, by: tuple[str, ...]) -> bool:
    place = text.find(character)
    while place >= 0:
        if text[place + 1 : place + 2] in by:
            return True
        place = text.find(character, place + 1)
    return False


class Values(NamedTuple):
    """The values of one request, each kind in a list of its own."""

    acting: list[tuple[str, str, str, str, Input]]
    """Every value that can act, behind three characters without which it does not occur."""
    dashed: list[Input]
    """Every value that a program would read as an option."""
    quoting: list[str]
    """Every value that holds a quote, blanks at its ends included."""
    names: dict[str, Input]
    """Every value that could be the name of something, plain ones too."""
    prefixes: tuple[str, ...]
    """The same, as `str.startswith` takes them."""
    all: list[Input]
    """Every value, as it came."""

    def reaches(self, text: str) -> bool:
        """Whether a value may be an option in `text`, or decide a variable or a file obeyed."""
        if self.dashed and any(item.value in text for item in self.dashed):
            return True
        return ("=" in text and assigns_obeyed(text)) or sources(text)

    def occurring(self, text: str) -> list[Input]:
        """The acting values in `text`, the longest first: they settle most, in fewest steps."""
        hits: list[Input] = []
        for first, second, third, value, item in self.acting:
            if first in text and second in text and third in text and value in text:
                hits.append(item)
        return sorted(hits, key=lambda item: -len(item.value)) if len(hits) > 1 else hits


def prepared(inputs: Inputs) -> tuple[Values, ...]:
    """The values that can change the structure of some command; empty where none can."""
    # Blanks at its ends do not make a word more than one; a line break would.
    bare = {item.value.strip(" \t"): item for item in inputs}
    acting = [
        (*probes(value), value, item._replace(value=value))
        for value, item in bare.items()
        if not _PLAIN(value) and (len(value) > 1 or value in _ACTS_ALONE)
    ]
    quoting = [item.value for item in inputs if "'" in item.value or '"' in item.value]
    names = {item.value.strip(): item for item in inputs if _NAMES(item.value)}
    if not acting and not names:
        return ()
    items = list(inputs)
    return (Values(acting, dashed_values(items), quoting, names, tuple(names), items),)
