import re

import pytest

from stockade.tools.attack.model import Technique
from stockade.tools.attack.payloads import FAMILIES, Aim, families

AIM = Aim(
    leak="(SELECT secret FROM stockade_canary)",
    leaked="f00d" * 6,
    rows=("beef" * 6,),
    columns=("password",),
    outside="/tmp/outside",
    canary="cafe" * 6,
    listed="feed" * 6,
    factors=(0, 0),
    mark="",
    content="",
    example="Tea",
).afresh("Tea")

TECHNIQUES = [(name, each) for name in FAMILIES for each in families()[name]]


def test_ids_are_distinct_and_begin_with_their_family() -> None:
    ids = [technique.id for _, technique in TECHNIQUES]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(rf"{name}(\.[a-z-]+)+", each.id) for name, each in TECHNIQUES)
    assert all(any(each.representative for each in families()[name]) for name in FAMILIES)


@pytest.mark.parametrize(
    ("name", "technique"), TECHNIQUES, ids=lambda each: getattr(each, "id", each)
)
def test_no_payload_holds_its_own_evidence(name: str, technique: Technique) -> None:
    made = technique.make(AIM)
    assert made
    for payload in made:
        assert not any(shown in payload.text for shown in payload.evidence.shown)
        assert payload.evidence != type(payload.evidence)() or "{condition}" in payload.text
