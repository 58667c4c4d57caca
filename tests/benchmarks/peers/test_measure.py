from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.claim import BUDGETS, Unmeasured
from benchmarks.peers import measure


def test_every_claim_with_peers_is_a_claim() -> None:
    assert set(measure.PEERS) <= set(BUDGETS)


@pytest.mark.parametrize(("statuses", "stops"), [(["403", "200"], True), (["200", "200"], False)])
def test_a_product_at_work_is_measured(statuses: list[str], stops: bool) -> None:
    measure._judge("a product", statuses, stops=stops)


@pytest.mark.parametrize(
    ("statuses", "stops"),
    [
        (["200", "200"], True),  # it lets the attack pass
        (["403", "403"], True),  # it refuses everybody
        (["403", "200"], False),  # the bare application is not bare
        ([], True),  # it did not start
        ([], False),
    ],
)
def test_what_is_not_at_work_is_not_measured(statuses: list[str], stops: bool) -> None:
    with pytest.raises(Unmeasured):
        measure._judge("a product", statuses, stops=stops)


@pytest.mark.parametrize("claim", measure.PEERS)
def test_an_absent_environment_is_said(claim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_PYTHON", Path("absent"))
    monkeypatch.setattr(measure, "_PYMERKLE", Path("absent"))
    with pytest.raises(Unmeasured, match=r"make \.venv-(peers|pymerkle)"):
        measure.PEERS[claim](1)
