from __future__ import annotations

import pytest

from benchmarks.attackers.attack import Attack
from benchmarks.attackers.journal import Outcome
from benchmarks.attackers.report import findings, lines, status, table
from benchmarks.attackers.service import MODES
from benchmarks.attackers.targets import Target
from stockade.tools.attack.model import Operation


def tried(
    bare: str, guarded: str, *, complete: bool = True, variant: str = ""
) -> tuple[Attack, list[Outcome]]:
    operation = Operation("", "GET", "/weak/sql/string/query", {}, {}, {}, {}, "", None, ())
    attack = Attack("sqlmap", Target("fastapi", "sql", operation), variant)
    outcomes = [
        Outcome(
            *("sqlmap", "fastapi", "GET /weak/sql/string/query", "sql", variant, mode),
            found=[found] if found else [],
            counts={"rows_dumped": 3},
            requests=10,
            refused=2,
            seconds=6.0,
            complete=complete,
        )
        for mode, found in zip(MODES, (bare, guarded), strict=True)
    ]
    return attack, outcomes


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ([tried("UNION query", "")], 0),
        ([tried("UNION query", ""), tried("", "")], 0),
        ([tried("UNION query", "time-based blind")], 1),
        ([tried("", "")], 3),
        ([tried("UNION query", "", complete=False)], 3),
        ([tried("UNION query", ""), (tried("", "")[0], [])], 3),
        ([tried("UNION query", ""), tried("", "", variant="randomcase")], 3),
        ([], 3),
    ],
)
def test_the_status_says_what_was_proved(
    done: list[tuple[Attack, list[Outcome]]], expected: int
) -> None:
    assert status(lines(done)) == expected


def test_every_finding_behind_the_firewall_is_named() -> None:
    (found,) = findings([tried("UNION query", ""), tried("", "time-based blind", variant="lower")])
    assert found == "sqlmap lower at GET /weak/sql/string/query on fastapi: time-based blind"


def test_an_account_adds_up() -> None:
    done = [tried("UNION query", ""), tried("", ""), (tried("", "")[0], [])]
    (line,) = lines(done)
    assert (line.attacks, line.endpoints, line.not_tried, line.found_bare) == (2, 1, 1, 1)
    assert (line.requests_bare, line.requests_guarded, line.refused) == (20, 20, 4)
    assert line.counts_bare == {"rows_dumped": 6}
    head, rule, row = table([line]).splitlines()
    assert head.count("|") == rule.count("|") == row.count("|")
