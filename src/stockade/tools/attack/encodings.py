"""Spellings under which an application may expect a value: it decodes them before it uses it.

`example` takes the layers off the description's own example (percent, HTML, hexadecimal, Base64,
tokens, JSON, lists and more, see `shapes`) and puts them around the attack; where the example has
none, `percent` and `base64` are tried blindly. The last ones are tried only where the description
says that the weakness is out of a firewall's reach.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable
from urllib.parse import quote

from stockade.tools.attack.model import Slot
from stockade.tools.attack.shapes import as_example

__all__ = ["encode", "encodings_for"]

_PLAIN: dict[str, Callable[[str], str]] = {
    "percent": lambda text: quote(text, safe=""),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "reversed": lambda text: text[::-1],
}


def encode(encoding: str, slot: Slot, text: str) -> str:
    """`text` as the slot's application may expect it."""
    if encoding == "":
        return text
    return as_example(slot.example, text) if encoding == "example" else _PLAIN[encoding](text)


def encodings_for(slot: Slot, *, out_of_reach: bool) -> tuple[str, ...]:
    """The encodings to try where the plain text does not work."""
    shaped = as_example(slot.example, "'") != "'"
    return (
        *(("example",) if shaped else ("percent", "base64")),
        *(("rot13", "reversed") if out_of_reach else ()),
    )
