import io
import json

from stockade.tools.attack.campaign import Courtesy
from stockade.tools.attack.model import Answer, Attempt, Operation, Planned, Slot, Technique
from stockade.tools.attack.payloads import FAMILIES
from stockade.tools.attack.report import Report, Run, is_code_for, rules_in
from stockade.tools.attack.scoreboard import print_report

SLOT = Slot("query", "q", ("q",), "Tea", text=True)
REFUSED = Answer(
    403,
    "application/problem+json",
    '{"type":"urn:stockade:problem:blocked","instance":"urn:stockade:request:r1"}',
)


def operation(path: str, out_of_reach: str = "") -> Operation:
    return Operation("", "GET", path, {}, {"q": "Tea"}, {}, {}, "", None, (SLOT,), out_of_reach)


def planned(
    path: str, technique: str = "sql.one", out_of_reach: str = "", breaks: str = "'"
) -> Planned:
    made = Technique(technique, lambda aim: (), breaks_out_with=breaks)
    return Planned(operation(path, out_of_reach), SLOT, "sql", made, "")


def attempts(*each: Attempt) -> dict[tuple[str, str, str, str], Attempt]:
    return {attempt.planned.key: attempt for attempt in each}


def joined(bare: Run, guarded: Run) -> Report:
    report = Report()
    report.add("shop:app", bare, guarded)
    return report


def test_the_counts_and_their_exact_shape() -> None:
    bare = Run(
        attempts(
            Attempt(planned("/weak", "sql.one"), True, False),
            Attempt(planned("/weak", "sql.two"), True, False),
            Attempt(planned("/weak", "sql.three"), False, False),
            Attempt(planned("/reach", out_of_reach="stored"), True, False),
            Attempt(planned("/safe"), False, False),
        )
    )
    guarded = Run(
        attempts(
            Attempt(planned("/weak", "sql.one"), False, True),
            Attempt(planned("/weak", "sql.two"), True, False),
            Attempt(planned("/safe"), False, True),
        )
    )
    report = joined(bare, guarded)
    found = json.loads(json.dumps(report.as_dict()))
    assert found["families"]["sql"] == {
        "bare": 2,
        "stopped": 1,
        "out_of_reach": 1,
        "false_blocks": 1,
        "benign_blocks": 0,
        "sources": {"query": {"bare": 2, "stopped": 1}},
    }
    assert tuple(found["families"]) == FAMILIES
    assert (found["exploits_bare"], found["exploits_stopped"], found["out_of_reach"]) == (2, 1, 1)
    assert found["unproved"] == 0
    assert [each["technique"] for each in found["got_through"]] == ["sql.two"]
    assert report.exit_code == 1
    out = io.StringIO()
    print_report(report, compare=True, file=out)
    assert "sql.two" in out.getvalue()
    assert "50 %" in out.getvalue()


def test_what_was_not_tried_again_counts_as_got_through() -> None:
    bare = Run(attempts(Attempt(planned("/weak"), True, False)))
    assert joined(bare, Run()).exit_code == 1


def test_an_unreached_operation_makes_it_incomplete() -> None:
    report = joined(Run(unreached=["GET /orders: 401"]), Run())
    assert report.exit_code == 3


def courtesy(value: str, answer: Answer) -> dict[tuple[str, str, str, str], Courtesy]:
    made = Courtesy(operation("/safe"), SLOT, value, value, answer)
    return {made.key: made}


def test_an_honest_value_that_worked_bare_and_is_refused_counts_under_its_rule() -> None:
    fine = Answer(200, "application/json", "[]")
    guarded = Run(courtesies=courtesy("O'Brien", REFUSED), rules={"r1": "shell.structure"})
    report = joined(Run(courtesies=courtesy("O'Brien", fine)), guarded)
    assert report.as_dict()["families"]["shell"]["benign_blocks"] == 1
    broken = Answer(500, "text/plain", "")
    assert joined(Run(courtesies=courtesy("O'Brien", broken)), guarded).exit_code == 0


def test_which_values_an_open_slot_takes_for_code() -> None:
    string, number = planned("/", breaks="'"), planned("/", breaks="")
    assert is_code_for("O'Brien", [string])
    assert not is_code_for("select * from the menu", [string])
    assert is_code_for("1 or 2", [number])
    assert not is_code_for("-12.50", [number])
    assert not is_code_for("O'Brien", [])


def test_rules_are_read_out_of_a_servers_lines() -> None:
    line = json.dumps({"outcome": "blocked", "request_id": "r1", "rule": "sql.structure"})
    assert rules_in(["INFO: started", line, '{"blocked"']) == {"r1": "sql.structure"}
