"""JSON texts one after another: newline-delimited JSON, and JSON text sequences (RFC 7464).

Every text is strict JSON by itself. A line that is empty, which some parsers skip and some refuse,
is refused; so is a record that the sequence leaves unfinished, which a parser may drop in silence
(RFC 7464, 2.4).
"""

from __future__ import annotations

from typing import Any

from stockade.boundary.bodies.refusal import refuse
from stockade.boundary.bodies.strict_json import read_texts

__all__ = ["read_lines", "read_sequence"]

_RECORD = b"\x1e"


def read_lines(body: bytes, max_depth: int) -> list[Any]:
    """What each line says, `\\n` or `\\r\\n` after it (the last may lack it). Raises Rejected."""
    texts = body.split(b"\n")
    if not texts[-1]:
        texts.pop()
    if any(not text or text.isspace() for text in texts):
        refuse("lines", "One of the lines is empty.")
    return read_texts(texts, body, max_depth)


def read_sequence(body: bytes, max_depth: int) -> list[Any]:
    """What each record says, a record separator before and a newline after it. Raises Rejected."""
    before, *texts = body.split(_RECORD)
    if before or not all(text.endswith(b"\n") for text in texts):
        refuse("lines", "A record of the sequence lacks its separator, or its newline.")
    return read_texts(texts, body, max_depth)
