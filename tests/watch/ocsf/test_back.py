from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from stockade.core.events import Event
from stockade.watch.lines import LineEncoder
from stockade.watch.ocsf import OcsfLines
from stockade.watch.ocsf.back import from_ocsf
from tests.watch.ocsf.test_convert import any_events

decode = msgspec.json.Decoder(Event).decode


@given(any_events)
def test_what_goes_out_as_ocsf_comes_back_as_it_was_logged(event: Event) -> None:
    logged = decode(LineEncoder()([event]))
    if logged.severity not in ("info", "warn", "critical"):
        logged.severity = ""  # OCSF has no other
    assert from_ocsf(OcsfLines()([event])) == logged


@pytest.mark.parametrize("line", [b"{}", b'{"metadata": {}, "unmapped": {}}', b"[]"])
def test_an_object_of_another_product_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        from_ocsf(line)
