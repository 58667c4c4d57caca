"""References: `scheme:locator`, or a template with `{scheme:locator}` in it.

No error here repeats the text: where a reference is expected, people paste the secret itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from urllib.parse import quote

import msgspec

from stockade.core.errors import SecretError

__all__ = ["Hole", "Reference", "parse"]

_WHOLE = re.compile(r"([A-Za-z][A-Za-z0-9-]*):(?!//)([^{}\s][^{}\r\n]*)\Z")
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class Hole(msgspec.Struct, frozen=True):
    """What one source has to give: the source's scheme, and where in it."""

    scheme: str
    locator: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.locator}"


class Reference(msgspec.Struct, frozen=True):
    """Literal texts and holes in turn: `texts` has one member more than `holes`."""

    texts: tuple[str, ...]
    holes: tuple[Hole, ...]

    @property
    def label(self) -> str:
        """The holes alone: a template's own text may hold more than its author meant to show."""
        return ", ".join(map(str, self.holes))

    def fill(self, values: Sequence[str]) -> str:
        """The text with `values` in the holes; percent-encoded (RFC 3986, 2.1) inside a URL."""
        if _URL.match(self.texts[0]):
            values = [quote(value, safe="", errors="surrogateescape") for value in values]
        return self.texts[0] + "".join(
            value + text for value, text in zip(values, self.texts[1:], strict=True)
        )


def parse(text: str, schemes: Collection[str], name: str = "") -> Reference:
    """Read a reference. `name` is the setting's, for the message. Raises SecretError."""
    whose = f"the reference of secret {name!r}" if name else "a secret's reference"
    if match := _WHOLE.match(text):
        return Reference(("", ""), (_hole(match[0], schemes, whose),))
    texts, holes, literal, end = [], [], "", 0
    for piece in _PIECE.finditer(text):
        literal += text[end : piece.start()]
        end = piece.end()
        if piece[0] in ("{{", "}}"):
            literal += piece[0][0]
        elif piece[1] is None:
            raise SecretError(f"{whose} has a brace without its partner; write {{{{ for a brace")
        else:
            texts.append(literal)
            holes.append(_hole(piece[1], schemes, whose))
            literal = ""
    if not holes:
        raise SecretError(
            f"{whose} refers to no source, so it may be the secret itself; put that where a source "
            f"reads it, and write {' or '.join(scheme + ':…' for scheme in sorted(schemes))} here"
        )
    return Reference((*texts, literal + text[end:]), tuple(holes))


def _hole(text: str, schemes: Collection[str], whose: str) -> Hole:
    match = _WHOLE.match(text)
    if match is None:
        raise SecretError(f"{whose} has a part in braces that is not written scheme:locator")
    if match[1] in schemes:
        return Hole(match[1], match[2])
    known = sorted(schemes)
    near = difflib.get_close_matches(match[1].lower(), known, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise SecretError(f"{whose} has an unknown scheme; {hint}known are: {', '.join(known)}")
