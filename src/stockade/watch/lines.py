"""Events as JSON lines that a terminal, a pager and a log shipper may all trust.

JSON escapes the ASCII controls, so no value can start a line of its own (CWE-117). What it leaves
is escaped here: DEL and C1 (a terminal may obey U+009B as ESC [), the separators at which other
tools split lines, and the marks that reorder text on a screen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from stockade.core.events import Event
from stockade.core.ports import LiveSecrets
from stockade.core.secret import Redactor

__all__ = ["LineEncoder"]

_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_MIN_SECRET = 4


class LineEncoder:
    """Encodes events, one JSON object a line; live secrets become a mask."""

    def __init__(self, secrets: LiveSecrets | None = None) -> None:
        self._secrets = secrets
        self._encoder = msgspec.json.Encoder(enc_hook=_name_of_type)
        self._known: tuple[tuple[str, ...], list[bytes]] = ((), [])

    def __call__(self, events: Sequence[Event]) -> bytes:
        """The lines, newline after each; never raises for what an event holds."""
        try:
            data = self._encoder.encode_lines(events)
        except Exception:  # one event that JSON cannot hold must not cost the others
            data = b"".join(self._one(event) for event in events)
        if self._secrets is not None:
            data = self._redact(data, events, self._secrets.values())
        return _without_controls(data)

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

    def _redact(self, data: bytes, events: Sequence[Event], values: Iterable[str]) -> bytes:
        secrets = tuple(value for value in values if len(value) >= _MIN_SECRET)
        known, spellings = self._known
        if secrets != known:
            spellings = [self._encoder.encode(_printable(value))[1:-1] for value in secrets]
            self._known = (secrets, spellings)
        if not any(spelling in data for spelling in spellings):
            return data
        # In the fields, not in the text: a secret may look like a part of the JSON around it.
        redact = Redactor(lambda: secrets)
        lines = []
        for event in events:
            line = self._one(event)
            if any(spelling in line for spelling in spellings):
                fields = _mapped(msgspec.json.decode(line), redact, numbers=True)
                line = self._encoder.encode_lines([fields])
            lines.append(line)
        return b"".join(lines)


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


def _without_controls(data: bytes) -> bytes:
    if data.isascii() and b"\x7f" not in data:
        return data
    text = data.decode("utf-8")
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode("utf-8")
