"""Events as JSON lines that a terminal, a pager and a log shipper may all trust.

JSON escapes the ASCII controls, so no value can start a line of its own (CWE-117). What it leaves
is escaped here: DEL and C1 (a terminal may obey U+009B as ESC [), the separators at which other
tools split lines, and the marks that reorder text on a screen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from stockade.core.events import Event
from stockade.core.literals import ByteLiterals
from stockade.core.ports import LiveSecrets
from stockade.core.secret import SHORTEST, Redactor

__all__ = ["LineEncoder", "without_controls"]

_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]")


class LineEncoder:
    """Encodes events, one JSON object a line; live secrets become a mask."""

    def __init__(self, secrets: LiveSecrets | None = None) -> None:
        self._secrets = secrets
        self._encoder = msgspec.json.Encoder(enc_hook=_name_of_type)
        # Not first in the bus's thread: it would import there what looks for literals.
        self._prepared: tuple[object, ByteLiterals, Redactor] = (
            None,
            ByteLiterals(()),
            Redactor(tuple),
        )

    def __call__(self, events: Sequence[Event]) -> bytes:
        """The lines, newline after each; never raises for what an event holds."""
        try:
            data = self._encoder.encode_lines(events)
        except Exception:  # one event that JSON cannot hold must not cost the others
            data = b"".join(self._one(event) for event in events)
        if self._secrets is not None:
            data = self._redacted(data, self._secrets.values())
        if data.isascii() and b"\x7f" not in data:
            return data
        return b"\n".join(map(without_controls, data.split(b"\n")))

    def _one(self, event: Event) -> bytes:
        try:
            return self._encoder.encode_lines([event])
        except Exception as error:
            plain = _fields(event)
            try:
                return self._encoder.encode_lines([_mapped(plain, _printable)])
            except Exception:  # too deep, an integer of more than 64 bits, a key of odd type …
                plain["details"] = {"unencodable": type(error).__name__}
                return self._encoder.encode_lines([_mapped(plain, _printable)])

    def _redacted(self, data: bytes, values: Sequence[str]) -> bytes:
        """`data` with a mask in the place of live secrets: one pass over all lines of a batch."""
        if self._prepared[0] is not values or type(values) is not tuple:
            secrets = tuple(value for value in values if len(value) >= SHORTEST)
            spellings = [self._encoder.encode(_printable(value))[1:-1] for value in secrets]
            self._prepared = (values, ByteLiterals(spellings), Redactor(lambda: secrets))
        _, literals, redact = self._prepared
        pieces: list[bytes] = []
        done = 0
        for start, end in literals.spans(data):
            if start < done:
                continue  # in a line that was masked already
            line = data.rfind(b"\n", 0, start) + 1
            after = data.index(b"\n", end) + 1
            # In the fields, not in the text: a secret may look like a part of the JSON around it.
            fields = _mapped(msgspec.json.decode(data[line:after]), redact, numbers=True)
            pieces += (data[done:line], self._encoder.encode_lines([fields]))
            done = after
        return b"".join((*pieces, data[done:])) if pieces else data


def _name_of_type(value: object) -> str:
    return f"<{type(value).__name__}>"


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


def _printable(text: str) -> str:
    # Paths and headers may bring lone surrogates, which UTF-8 cannot hold.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _mapped(value: Any, change: Callable[[str], str], *, numbers: bool = False) -> Any:
    """`value` with `change` applied to every string, and to numbers that it would change."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {
            _mapped(key, change): _mapped(member, change, numbers=numbers)
            for key, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [_mapped(member, change, numbers=numbers) for member in value]
    if numbers and isinstance(value, int | float) and not isinstance(value, bool):
        text = str(value)
        changed = change(text)
        return value if changed == text else changed
    return value


def without_controls(line: bytes) -> bytes:
    if line.isascii() and b"\x7f" not in line:
        return line
    text = line.decode("utf-8")
    if text.isprintable():  # far faster to tell, and true of nearly all texts of any script
        return line
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode("utf-8")
