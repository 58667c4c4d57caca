"""Each bypass works bare, and is stopped; its honest twin comes through unchanged.

What is not stopped names the class of docs/threat-model.md that puts it out of reach.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from starlette.applications import Starlette

from tests.firewall.bypasses.conftest import Service
from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.needs import require

HERE = Path(__file__).parent
NO_FAMILIES = {"conftest", "model", "holes", "needs", "sinks", "sources", "world"}
FAMILIES = sorted(
    file.stem
    for file in HERE.glob("*.py")
    if file.stem not in NO_FAMILIES and not file.stem.startswith(("_", "test_"))
)
BYPASSES: list[Bypass] = [
    bypass
    for family in FAMILIES
    for bypass in import_module(f"tests.firewall.bypasses.{family}").BYPASSES
]
THREAT_MODEL = HERE.parents[2] / "docs" / "threat-model.md"


@pytest.mark.parametrize("bypass", BYPASSES, ids=[each.id for each in BYPASSES])
def test_bypass(bypass: Bypass, tmp_path: Path, guard: Callable[[Starlette], Starlette]) -> None:
    require(bypass.needs)
    service = Service(bypass, tmp_path)
    bare = service.app()
    _, harmed = service.ask(bare, bypass.attack)
    assert harmed, "the attack does nothing even where nothing is guarded"
    honest, harmed = service.ask(bare, bypass.twin)
    assert (honest.status, harmed) == (200, False), "the honest twin does not work bare"

    guarded = guard(service.app())
    if bypass.warm:
        for _ in range(3):
            assert service.ask(guarded, bypass.twin) == (honest, False)
    answer, harmed = service.ask(guarded, bypass.attack)
    if bypass.out_of_reach or bypass.hole:
        assert harmed, "this is stopped now: it is out of reach no more"
    else:
        assert not harmed, "the attack gets past the firewall"
        if bypass.source.name.startswith("websocket"):
            assert answer.text == "Blocked"
        else:
            refused = (bypass.status, "application/problem+json")
            assert (answer.status, answer.kind) == refused, "the refusal is no problem document"
    assert service.ask(guarded, bypass.twin) == (honest, False), "the honest twin is disturbed"
    if bypass.hole:
        pytest.xfail(bypass.hole)  # only here: what else fails is no hole


def test_none_repeats_technique_sink_and_source() -> None:
    counted = Counter((each.technique, each.sink, each.source.name) for each in BYPASSES)
    assert [each for each, count in counted.items() if count > 1] == []


def test_there_are_enough() -> None:
    stopped = [each for each in BYPASSES if not each.out_of_reach and not each.hole]
    assert len(BYPASSES) >= 120
    assert len(stopped) >= 100


def test_each_class_stands_in_the_threat_model() -> None:
    _, _, section = THREAT_MODEL.read_text().partition("### Out of reach")
    classes = set(re.findall(r"^- \*\*(.+?)\*\*", section.partition("\n### ")[0], re.MULTILINE))
    assert {each.out_of_reach for each in BYPASSES} - {""} <= classes
