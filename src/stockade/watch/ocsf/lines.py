"""OCSF as JSON lines: made of the event log's own lines, after they were redacted and made safe."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stockade.core.events import Event
from stockade.core.ports import LiveSecrets
from stockade.watch.lines import LineEncoder, without_controls
from stockade.watch.ocsf.convert import to_ocsf

__all__ = ["OcsfLines"]


class OcsfLines:
    """Encodes events, one OCSF object a line; live secrets become a mask."""

    def __init__(self, secrets: LiveSecrets | None = None) -> None:
        self._lines = LineEncoder(secrets)
        self._decode = msgspec.json.Decoder(Event).decode
        self._encode = msgspec.json.Encoder().encode

    def __call__(self, events: Sequence[Event]) -> bytes:
        """The lines, newline after each; never raises for what an event holds."""
        lines = self._lines(events).split(b"\n")[:-1]
        objects = [self._encode(to_ocsf(self._decode(line))) for line in lines]
        return without_controls(b"".join(line + b"\n" for line in objects))
