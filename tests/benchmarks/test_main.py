from __future__ import annotations

from importlib import import_module
from typing import cast

import msgspec
import pytest

from benchmarks import __main__ as command
from benchmarks import crypto
from benchmarks.claim import BUDGETS, Measured, Unmeasured
from benchmarks.peers.measure import PEERS

GOOD = Measured(1.0, 1.0, 0.0)
BAD = Measured(9.0, 1.0, 0.0)


def stub(monkeypatch: pytest.MonkeyPatch, name: str, result: Measured | Exception) -> None:
    def measure(effort: int) -> Measured:
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(crypto, name, measure)


@pytest.mark.parametrize(
    ("sealing", "opening", "status"),
    [
        (GOOD, GOOD, 0),
        (GOOD, BAD, 1),
        (GOOD, Unmeasured("no such machine"), 3),
        (BAD, Unmeasured("no such machine"), 1),
    ],
)
def test_the_exit_status_is_the_verdict(
    sealing: Measured,
    opening: Measured | Exception,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stub(monkeypatch, "seal_1k", sealing)
    stub(monkeypatch, "open_1k", opening)
    assert command.main(["crypto.seal_1k", "crypto.open_1k", "--json"]) == status
    out, err = capsys.readouterr()
    lines = [msgspec.json.decode(line) for line in out.splitlines()]
    assert [line["claim"] for line in lines] == ["crypto.seal_1k", "crypto.open_1k"]
    assert ("no such machine" in err) is isinstance(opening, Exception)


def test_a_part_is_all_its_claims(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("seal_1k", "open_1k", "seal_64k"):
        stub(monkeypatch, name, GOOD)
    assert command.main(["crypto", "--markdown"]) == 0
    assert capsys.readouterr().out.count("| `crypto.") == 3


def test_peers_that_nobody_measured_are_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub(monkeypatch, "seal_1k", GOOD)
    assert command.main(["crypto.seal_1k", "--peers"]) == 3
    assert "--peers" in capsys.readouterr().err


def test_an_unknown_part_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(["crypt"])
    assert end.value.code == 2
    assert "crypto" in capsys.readouterr().err


@pytest.mark.parametrize("measurable", [True, False])
def test_peers_stand_beside_ours_or_the_run_is_incomplete(
    measurable: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def peers(effort: int) -> dict[str, float]:
        if not measurable:
            raise Unmeasured("not installed")
        return {"somebody else": 2.00001}

    stub(monkeypatch, "seal_1k", GOOD._replace(peers={"a part of ours": 0.5}))
    monkeypatch.setitem(cast("dict[str, object]", PEERS), "crypto.seal_1k", peers)
    status = command.main(["crypto.seal_1k", "--peers", "--json"])
    out, err = capsys.readouterr()
    figures = msgspec.json.decode(out)["peers"]
    assert ("not installed" in err) is not measurable
    assert status == (0 if measurable else 3)
    assert figures == {"a part of ours": 0.5} | ({"somebody else": 2.0} if measurable else {})


def test_peers_are_not_measured_unasked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub(monkeypatch, "seal_1k", GOOD)
    monkeypatch.setitem(cast("dict[str, object]", PEERS), "crypto.seal_1k", None)
    assert command.main(["crypto.seal_1k", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out)["peers"] == {}


@pytest.mark.parametrize("part", command.PARTS)
def test_every_claim_is_measured_by_the_function_of_its_name(part: str) -> None:
    module = import_module(f"benchmarks.{part}")
    claims = {name.partition(".")[2] for name in BUDGETS if name.startswith(f"{part}.")}
    assert set(module.__all__) == claims
