from __future__ import annotations

import gc
import json
from collections.abc import Iterable
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from stockade.core.ports import LiveSecrets
from stockade.core.secret import Redactor
from stockade.secrets.live import Live


class Held:
    def __init__(self, *values: str) -> None:
        self.values = values

    def held(self) -> Iterable[str]:
        return self.values


def test_a_value_is_live_as_long_as_its_holder() -> None:
    live: LiveSecrets = Live()
    assert isinstance(live, Live)
    holder = Held("s3cret")
    live.add(holder)
    assert live.values() == ("s3cret",)
    assert live.values() is live.values()
    del holder
    gc.collect()
    assert live.values() == ()


def test_a_change_is_seen() -> None:
    live, holder = Live(), Held("first")
    live.add(holder)
    assert live.values() == ("first",)
    holder.values = ("second",)
    live.changed()
    assert live.values() == ("second",)


@given(st.text(min_size=4, max_size=20).filter(lambda text: text.isprintable()))
def test_no_spelling_of_a_secret_passes_the_redactor(secret: str) -> None:
    live, holder = Live(), Held(secret)
    live.add(holder)
    redact = Redactor(live.values)
    for line in (f"<{secret}>", f"?p={quote(secret, safe='')}&", json.dumps({"": secret})):
        assert secret not in redact(line).replace("[redacted]", "")
        assert "[redacted]" in redact(line)


def test_a_value_from_the_environment_that_is_not_text() -> None:
    live, holder = Live(), Held("ab\udcff-c")
    live.add(holder)
    assert "ab%FF-c" in live.values()
