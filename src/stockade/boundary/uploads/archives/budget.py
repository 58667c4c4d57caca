"""How much an archive may become, counted as it is read: members, bytes, levels."""

from __future__ import annotations

from typing import Final

from stockade.boundary.uploads.refusal import Unfit

__all__ = ["Budget", "malformed"]

_SMALL: Final = 1 << 20
"""Bytes below which no ratio counts: a kilobyte of blanks compresses a thousandfold."""


class Budget:
    """Shared by an archive and all archives in it. Every method raises Unfit once it is spent."""

    def __init__(
        self, *, size: int, max_total: int, max_ratio: int, max_members: int, max_nesting: int
    ) -> None:
        """`size` is the upload's, in bytes; `max_ratio` what each of them may become."""
        self._bytes = min(max_total, max(max_ratio * size, _SMALL))
        self._members = max_members
        self._levels = max_nesting

    def expand(self, count: int) -> None:
        """`count` more bytes come out."""
        self._bytes -= count
        if self._bytes < 0:
            raise Unfit("archive-bomb", "The archive becomes too large when unpacked.", status=413)

    def member(self) -> None:
        """One more member."""
        self._members -= 1
        if self._members < 0:
            raise Unfit("archive-members", "The archive has too many members.", status=413)

    def enter(self) -> None:
        """An archive in an archive begins."""
        self._levels -= 1
        if self._levels < 0:
            raise Unfit("archive-nesting", "The archive holds archives in archives too deeply.")

    def leave(self) -> None:
        """It ended."""
        self._levels += 1


def malformed() -> Unfit:
    """The refusal of what does not keep to its format, or leaves two ways to read it."""
    return Unfit(
        "archive-malformed",
        "The archive is damaged, encrypted or of a kind that two programs could read differently.",
    )
