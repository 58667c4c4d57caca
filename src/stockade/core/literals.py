"""Where any of many known texts stands in another one, found in one pass over it.

One search for each of fifty secrets costs more than all that is done to a line besides. With
`ahocorasick-rs` (the extra `watch`) all of them are looked for at once; without it one after the
other, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick, BytesAhoCorasick

__all__ = ["ByteLiterals", "Span", "TextLiterals"]

Span = tuple[int, int]
"""Where an occurrence begins, and where what follows it begins."""

_DENSE = 16_384
"""Characters in all up to which the fastest automaton is built: it takes half a KiB for each."""


class TextLiterals:
    """Known texts, looked for in texts."""

    def __init__(self, literals: Iterable[str]) -> None:
        """`literals` are not empty."""
        self._literals = tuple(dict.fromkeys(literals))
        self._automaton: AhoCorasick | None = None
        library = _library()
        if library is not None and all(map(_encodable, self._literals)):
            self._automaton = library.AhoCorasick(
                self._literals, implementation=_implementation(library, self._literals)
            )

    def spans(self, text: str) -> list[Span]:
        """Every occurrence of every literal, overlapping ones too, in the order of their starts."""
        if not self._literals:
            return []
        if self._automaton is not None and _encodable(text):
            found = self._automaton.find_matches_as_indexes(text, overlapping=True)
            return sorted((start, end) for _, start, end in found) if found else []
        return _one_by_one(self._literals, text)


class ByteLiterals:
    """Known byte strings, looked for in bytes: the faster search, for much data and few finds."""

    def __init__(self, literals: Iterable[bytes]) -> None:
        """`literals` are not empty."""
        self._literals = tuple(dict.fromkeys(literals))
        self._automaton: BytesAhoCorasick | None = None
        library = _library()
        if library is not None:
            self._automaton = library.BytesAhoCorasick(
                self._literals,
                matchkind=library.MatchKind.LeftmostFirst,
                implementation=_implementation(library, self._literals),
            )

    def spans(self, data: bytes) -> list[Span]:
        """Occurrences in the order of their starts; any that is not among them overlaps one."""
        if not self._literals:
            return []
        if self._automaton is None:
            return _one_by_one(self._literals, data)
        found = self._automaton.find_matches_as_indexes(data)
        return [(start, end) for _, start, end in found] if found else []


def _library() -> Any:
    try:
        import ahocorasick_rs
    except ImportError:
        return None
    return ahocorasick_rs


def _implementation(library: Any, literals: tuple[str, ...] | tuple[bytes, ...]) -> Any:
    dense = sum(map(len, literals)) <= _DENSE
    return library.Implementation.DFA if dense else library.Implementation.ContiguousNFA


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:  # lone surrogates: the library wants UTF-8
        return False
    return True


def _one_by_one(literals: tuple[Any, ...], text: Any) -> list[Span]:
    spans: list[Span] = []
    for literal in literals:
        start = text.find(literal)
        while start >= 0:
            spans.append((start, start + len(literal)))
            start = text.find(literal, start + 1)
    spans.sort()
    return spans
