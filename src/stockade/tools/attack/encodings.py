"""Spellings under which an application may expect a value: it decodes them before it uses it.

`percent` and `base64` are tried blindly; `example` takes the layers off the description's own
example (Base64, percent, JSON) and puts them around the attack. The last ones are tried only where
the description says that the weakness is out of a firewall's reach.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from stockade.tools.attack.model import Slot

__all__ = ["encode", "encodings_for"]

_PERCENT = re.compile("%[0-9A-Fa-f]{2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}\Z")


def _percent(text: str) -> str:
    return quote(text, safe="")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_PLAIN: dict[str, Callable[[str], str]] = {
    "percent": _percent,
    "base64": _base64,
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "reversed": lambda text: text[::-1],
}


def _unwrapped(text: str) -> tuple[str, str] | None:
    """The outermost layer of `text` and what is below it."""
    if _PERCENT.search(text):
        return "percent", unquote(text)
    if _BASE64.match(text) and len(text) % 4 == 0:
        try:
            below = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        return ("base64", below) if below.isprintable() else None
    return None


def _replace_leaves(document: Any, text: str) -> Any:
    if isinstance(document, dict):
        return {key: _replace_leaves(member, text) for key, member in document.items()}
    if isinstance(document, list):
        return [_replace_leaves(member, text) for member in document]
    return text if isinstance(document, str) else document


def _as_example(example: str, text: str) -> str:
    """`text` in the same wrapping as `example`."""
    if (layer := _unwrapped(example)) is not None:
        return _PLAIN[layer[0]](_as_example(layer[1], text))
    if example[:1] in ("{", "["):
        try:
            return json.dumps(_replace_leaves(json.loads(example), text))
        except ValueError:
            return text
    if "\n" in example.strip():  # a table: the text becomes the first cell below its header
        header, _, rest = example.partition("\n")
        return f'{header}\n"{text}"' + rest[rest.find(",") :]
    return text


def encode(encoding: str, slot: Slot, text: str) -> str:
    """`text` as the slot's application may expect it."""
    if encoding == "":
        return text
    if encoding == "example":
        return _as_example(slot.example, text)
    return _PLAIN[encoding](text)


def encodings_for(slot: Slot, *, out_of_reach: bool) -> tuple[str, ...]:
    """The encodings to try where the plain text does not work."""
    shaped = _as_example(slot.example, "'") not in ("'", _percent("'"), _base64("'"))
    return (
        *(("example",) if shaped else ()),
        *("percent", "base64"),
        *(("rot13", "reversed") if out_of_reach else ()),
    )
