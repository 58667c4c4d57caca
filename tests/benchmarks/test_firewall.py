from __future__ import annotations

import pytest

from benchmarks import firewall
from stockade.core.context import running


@pytest.mark.parametrize(
    ("value", "occurs"), [(firewall._HIT.replace("'", "''"), True), ("plain", False)]
)
def test_a_text_is_of_200_characters_and_has_a_value_or_none(value: str, occurs: bool) -> None:
    guard = firewall._sql()
    text = firewall._queries(value)[0]
    assert len(text) in range(190, 201)
    with running(firewall._Request()) as request:
        for _ in range(2):  # passes, an honest value; what came twice without one is learned
            guard.check(text)
        assert bool(request.inputs.items)
    assert (text not in guard.known) is occurs


def test_the_request_brought_five_values() -> None:
    assert len(firewall._VALUES) == 5
    assert set(firewall._VALUES) <= {item.value for item in firewall._Request().inputs}
