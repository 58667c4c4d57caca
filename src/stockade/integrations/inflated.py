"""Bodies that were sent compressed, as an application that inflates them itself reads them.

Bounded: what is inflated to more than `limit` bytes is cut there, and the caller told so. Beside it
stand a piece of 64 KiB and the decoder's window (at most 16 MiB for `br`, 8 MiB for `zstd`).
"""

from __future__ import annotations

import io
import json
import re
from typing import NamedTuple

from stockade.integrations.decoders import Format, formats

__all__ = ["Inflated", "accepted", "can_undo", "documents", "inflated"]

_CODINGS = ("gzip", "deflate", "br", "zstd")
_MAGIC = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_MAX_CODINGS = 4
_MAX_STREAMS = 1_000  # thousands of empty ones would cost their sender nothing
_STEP = 1_024
_PADDING = re.compile(rb"\0*")  # between members of gzip, as Python's own reader skips it
# What JSON begins with, in any charset that a parser may detect.
_JSON = frozenset(bytes([byte]) for byte in b'\0\t\n\r "-0123456789IN[fnt{\xef\xfe\xff')
_FRAME = 16  # a brotli stream that holds a text as it is has no more around it


class Inflated(NamedTuple):
    """A body without some of its codings."""

    body: bytes
    whole: bool
    """Whether that is all of it."""
    sure: bool = True
    """Whether it may be the document: a text may happen to begin like a stream, and what is still
    compressed is none."""


class _Reading(NamedTuple):
    end: int
    ended: bool


def can_undo(codings: str) -> bool:
    """Whether all of a Content-Encoding field can be undone here."""
    return all(name == "identity" or formats(name) for name in _names(codings))


def accepted() -> str:
    """The codings that can be undone here, as an Accept-Encoding field."""
    return ", ".join(name for name in _CODINGS if formats(name))


def inflated(body: bytes, codings: str, limit: int) -> list[Inflated]:
    """What `body` may be without `codings`, a Content-Encoding field; nothing if that is no change.

    Codings that nothing here undoes are passed over: who can is said to be out of reach in the
    threat model. An application may undo fewer than are named: each step on the way counts. A body
    that begins as gzip or zstd does is taken for it although nothing says so.
    """
    known = [name for name in reversed(_names(codings)) if formats(name)]
    if not known:
        known = [name for magic, name in _MAGIC.items() if body.startswith(magic)]
    found: list[Inflated] = []
    layer = [Inflated(body, True)]
    for name in known[:_MAX_CODINGS]:
        layer = [each for source in layer for each in _without(source, name, limit)]
        if any(each.sure for each in layer):
            found = [each._replace(sure=each.sure and _is_text(each.body)) for each in found]
        found += layer
        if not all(each.whole for each in layer):
            break
    if len(known) > _MAX_CODINGS:
        return [each._replace(whole=False) for each in found]
    return found


def documents(body: bytes, codings: str, limit: int) -> list[Inflated]:
    """`body` as parsers may read it: as it came, and without `codings` where they were applied.

    Who ignores the codings reads what came, and who undoes some of them the step between: these
    are left out only where they are no text, or where the coding holds the text as it is.
    """
    content = [each for each in inflated(body, codings, limit) if each.sure] if codings else []
    if not content:
        return [Inflated(body, True)]
    kept = content[0].body
    is_stored = bool(kept) and len(body) - len(kept) <= _FRAME and kept in body
    if is_stored or not _is_text(body):
        return content
    return [Inflated(body, True), *content]


def _names(codings: str) -> list[str]:
    return [name.strip().lower() for name in codings.split(",") if name.strip()]


def _is_text(body: bytes) -> bool:
    charset = json.detect_encoding(body) if body[:1] in _JSON else "utf-8"
    try:
        body.decode(charset, "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _without(source: Inflated, coding: str, limit: int) -> list[Inflated]:
    """`source` as each way to read `coding` has it; all of them together within `limit`."""
    found: list[Inflated] = []
    is_binary = not _is_text(source.body)
    for form in formats(coding):
        undone = _undone(source.body, form, limit)
        if undone is None:
            continue
        content, is_exact = undone
        # An unusual way is believed only where nothing speaks against it.
        sure = source.sure and (is_exact or (is_binary and not found))
        found.append(content._replace(sure=sure))
        limit -= len(content.body)
    return found


def _undone(body: bytes, form: Format, limit: int) -> tuple[Inflated, bool] | None:
    """`body` without one coding, and whether all of it is that; None where it is nothing of it.

    What stands after a fault, or after the end, is as lost as it is for other readers.
    """
    content = io.BytesIO()
    end, streams, ended = 0, 0, False
    while end < len(body) and content.tell() <= limit and streams < _MAX_STREAMS:
        begun = end
        end, ended = _read(body, begun, form, content, limit)
        if not ended:
            if form.asks_too_much(body[begun : begun + 18]):
                return Inflated(_cut(content, limit), False), False
            break
        streams += 1
        if not form.repeats:
            break
        end = _past_padding(body, end)
    if not content.tell() and not streams:
        return None
    whole = content.tell() <= limit and (streams < _MAX_STREAMS or end == len(body))
    return Inflated(_cut(content, limit), whole), ended and end == len(body)


def _read(body: bytes, start: int, form: Format, content: io.BytesIO, limit: int) -> _Reading:
    """Add one stream to `content`, up to its end, to a fault, or to one step beyond `limit`.

    A decoder that meets a fault keeps back what it had of that step, and other readers get it: the
    stream is read once more, and byte by byte where the fault is.
    """
    begun, fault = content.tell(), len(body) + _STEP
    while True:
        decoder, position = form.open(), start
        try:
            while position < len(body) and not decoder.ended and content.tell() <= limit:
                step = body[position : position + (_STEP if position < fault else 1)]
                for piece in decoder.feed(step):
                    content.write(piece)
                    if content.tell() > limit:
                        break
                position += len(step)
        except form.fault:
            if position >= fault:
                return _Reading(position, ended=False)
            content.seek(begun)
            content.truncate()
            fault = position
        else:
            return _Reading(position - len(decoder.rest), decoder.ended)


def _past_padding(body: bytes, end: int) -> int:
    padding = _PADDING.match(body, end)
    return padding.end() if padding else end


def _cut(content: io.BytesIO, limit: int) -> bytes:
    content.truncate(limit)
    return content.getvalue()
