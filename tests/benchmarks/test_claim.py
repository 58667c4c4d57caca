from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from benchmarks.claim import BUDGETS, Budget, Claim, Measured, markdown, sentence

FIELDS = ["claim", "value", "unit", "budget", "better", "holds", "bare", "peers", "spread"]


@pytest.fixture(autouse=True)
def budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUDGETS, "some.cost", Budget(1.12, "x", "a cost"))
    monkeypatch.setitem(BUDGETS, "some.speed", Budget(100.0, "us", "a speed", "higher"))


@pytest.mark.parametrize(
    ("name", "value", "holds"),
    [
        ("some.cost", 1.12, True),
        ("some.cost", 1.1200001, False),  # judged before it is rounded for the report
        ("some.speed", 100.0, True),
        ("some.speed", 99.9, False),
    ],
)
def test_the_budget_judges_in_its_direction(name: str, value: float, holds: bool) -> None:
    assert Claim.of(name, Measured(value, 10.0, 0.1)).holds is holds


def test_what_could_not_be_measured_neither_holds_nor_fails() -> None:
    claim = Claim.of("some.cost", None)
    assert (claim.holds, claim.value, claim.bare, claim.spread) == (None, None, None, None)
    assert "not measured" in sentence(claim)
    assert "| not measured | <= 1.12 x | ? |" in markdown([claim])


def test_the_json_object_has_the_promised_fields() -> None:
    claim = Claim.of("some.cost", Measured(1.23456, 98.7654, 0.0123456, {"peer": 3.14159}))
    document = msgspec.json.decode(msgspec.json.encode(claim))
    assert list(document) == FIELDS
    assert document["value"] == 1.235
    assert document["budget"] == 1.12
    assert document["peers"] == {"peer": 3.142}


def test_people_see_the_verdict() -> None:
    good = Claim.of("some.cost", Measured(1.0, 10.0, 0.1))
    bad = Claim.of("some.cost", Measured(2.0, 10.0, 0.1))
    assert "DOES NOT HOLD" not in sentence(good)
    assert "DOES NOT HOLD" in sentence(bad)
    assert "| `some.cost` | a cost | 1 x | <= 1.12 x | yes | 10 | 0.1 |" in markdown([good])
    assert "| **no** |" in markdown([bad])


def test_the_reference_lists_every_claim_with_its_budget() -> None:
    page = Path(__file__).parents[2] / "docs/reference/benchmarks.md"
    text = page.read_text("utf-8")
    for name, budget in BUDGETS.items():
        if not name.startswith("some."):
            unit = {"us": "µs"}.get(budget.unit, budget.unit)
            relation = "<=" if budget.better == "lower" else ">="
            assert f"| `{name}` | {budget.what} | {relation} {budget.limit:g} {unit} |" in text
