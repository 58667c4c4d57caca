"""A member of an archive, as every reader gives it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["CHUNK", "Entry"]

CHUNK = 1 << 16
"""Bytes that are read, inflated and written at a time."""


class Entry(NamedTuple):
    """`name` is as the archive has it, `size` in bytes; `chunks` are read before the next entry."""

    name: str
    is_folder: bool
    size: int
    chunks: Iterator[bytes]
