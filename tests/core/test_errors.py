"""The error tree: one root, and problem documents that give nothing away."""

from __future__ import annotations

import json

from stockade.core import errors
from stockade.core.errors import Blocked, Denied, FieldProblem, Rejected, StockadeError, Throttled


def test_every_error_has_the_one_root() -> None:
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert len(classes) > 8
    assert all(issubclass(each, StockadeError) for each in classes)


def test_problem_documents() -> None:
    problem = Rejected(
        "Two fields do not match.", errors=(FieldProblem("/body/name", "Too long."),)
    )
    document = json.loads(problem.problem().body("r-1"))
    assert document == {
        "type": "urn:stockade:problem:rejected",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "Two fields do not match.",
        "instance": "urn:stockade:request:r-1",
        "errors": [{"pointer": "/body/name", "detail": "Too long."}],
    }


def test_a_client_learns_no_more_than_the_kind() -> None:
    secret = "rule sql.is-code at table users"
    for error in (Blocked(secret, rule="sql.is-code"), Denied(secret), StockadeError(secret)):
        assert b"users" not in error.problem().body()


def test_denials_and_throttles_carry_their_headers() -> None:
    assert Denied("x", status=401).problem().headers[0][0] == b"www-authenticate"
    assert Throttled("x", retry_after=7.4).problem().headers == ((b"retry-after", b"7"),)
