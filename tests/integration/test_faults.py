"""Broken requests over real sockets: a 4xx, an event, nothing taken, and the service goes on.

Who answers is part of the contract. `OURS` are problem documents of Stockade, with an event of the
same request. What the application's framework refuses while it reads a multipart body is its own
400, with the access event alone. What the server refuses before there is a request (a malformed
request line, say) is the server's 400 and log line, as docs/threat-model.md says; which that are
differs between uvicorn's two parsers, so both run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.faults import (
    CUT,
    HONEST,
    JSON,
    OURS,
    OURS_WITH,
    SERVERS,
    SERVERS_WITH,
    WORDS,
    Answer,
    Refused,
    post,
    send,
)
from tests.integration.serving import Server, serving

SECONDS = 10.0


class Intake:
    """The guarded service: what it took, and the events of its log."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.port = server.port

    def taken(self) -> int:
        status, body = self.server.get("/taken")
        assert status == 200
        return int(body)

    def serves(self) -> None:
        """An honest request still goes through and leaves a row."""
        before = self.taken()
        assert send(self.port, HONEST["JSON"]).status == 200
        assert self.taken() == before + 1

    def events(self, start: int = 0) -> list[dict[str, Any]]:
        with self.server.events.open("rb") as file:
            file.seek(start)
            lines = file.read().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def size(self) -> int:
        """Of the log, once everything of earlier requests has been written."""
        marker = f"/taken?{time.monotonic_ns()}"
        self.server.get(marker)
        time.sleep(0.15)
        return self.server.events.stat().st_size

    def event(self, start: int, **wanted: str) -> dict[str, Any]:
        """The first event after byte `start` of the log with these members, within seconds."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for event in self.events(start):
                if all(event.get(name) == value for name, value in wanted.items()):
                    return event
            time.sleep(0.02)
        raise AssertionError(f"no event of {wanted}: {self.events(start)[-5:]}")

    def failures(self) -> list[dict[str, Any]]:
        """Requests answered by 5xx."""
        access = [event for event in self.events() if event["name"] == "http_request"]
        return [event for event in access if event["details"]["status"] >= 500]


@pytest.fixture(scope="module", params=["httptools", "h11"])
def parser(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param)
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def intake(parser: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    folder = tmp_path_factory.mktemp(f"intake-{parser}")
    every_refusal = {"STOCKADE_WATCH__REFUSALS_WRITTEN": "0"}
    arguments = ("--http", parser)
    with serving(
        "intake:app", folder, guarded=True, arguments=arguments, **every_refusal
    ) as server:
        found = Intake(server)
        found.serves()
        yield found
        found.serves()
        assert found.failures() == []
        assert "Traceback" not in server.said()
        assert server.process.poll() is None


def names(everywhere: dict[str, Any], by_parser: dict[str, dict[str, Any]]) -> list[str]:
    return sorted({*everywhere, *(name for one in by_parser.values() for name in one)})


def request_id(answer: Answer) -> str:
    instance: str = json.loads(answer.body)["instance"]
    return instance.removeprefix("urn:stockade:request:")


def is_ours(answer: Answer, refused: Refused, intake: Intake) -> None:
    assert answer.status == refused.status, answer
    assert answer.media_type == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["type"].startswith("urn:stockade:problem:")
    assert problem["status"] == refused.status
    event = intake.event(0, request_id=request_id(answer), rule=refused.rule)
    assert event["outcome"] == "blocked"


@pytest.mark.parametrize("name", names(OURS, OURS_WITH))
def test_stockade_refuses_with_a_problem_document_and_an_event(
    name: str, intake: Intake, parser: str
) -> None:
    refused = (OURS | OURS_WITH[parser]).get(name)
    if refused is None:
        assert name in SERVERS_WITH[parser]  # the server is quicker
        return
    before = intake.taken()
    is_ours(send(intake.port, refused.request), refused, intake)
    assert intake.taken() == before
    intake.serves()


@pytest.mark.parametrize("name", names(SERVERS, SERVERS_WITH))
def test_the_server_refuses_what_is_no_request(name: str, intake: Intake, parser: str) -> None:
    request = (SERVERS | SERVERS_WITH[parser]).get(name)
    if request is None:
        return  # the other parser takes it for a request: see OURS_WITH
    before, said = intake.taken(), intake.server.said().count("Invalid HTTP request")
    answer = send(intake.port, request)
    assert (answer.status, answer.media_type) == (400, "text/plain; charset=utf-8")
    assert intake.server.said().count("Invalid HTTP request") == said + 1
    assert intake.taken() == before
    intake.serves()


@pytest.mark.parametrize("then", ["shut", "close"])
@pytest.mark.parametrize("name", CUT)
def test_a_body_that_ends_too_early_is_not_taken(name: str, then: str, intake: Intake) -> None:
    path, request = CUT[name]
    before, start = intake.taken(), intake.size()
    assert send(intake.port, request, then=then).status in (0, 400)  # mostly nobody is there
    event = intake.event(start, name="http_request", resource=path.decode())
    assert 400 <= event["details"]["status"] < 500
    assert intake.taken() == before
    intake.serves()


@pytest.mark.parametrize("name", HONEST)
def test_the_honest_twin_is_taken(name: str, intake: Intake) -> None:
    before = intake.taken()
    assert send(intake.port, HONEST[name]).status == 200
    assert intake.taken() == before + 1


def test_10_000_plain_words_reach_the_sink(intake: Intake) -> None:
    """The twin of "10,000 values at a sink": a word cannot change what runs."""
    assert send(intake.port, post(b"/older?than=78", JSON, WORDS)).status == 200


def suite(corpora: Path, kind: str) -> list[Path]:
    found = sorted((corpora / "json-test-suite/test_parsing").glob(f"{kind}_*.json"))
    assert len(found) > 30
    return found


def test_no_json_that_must_be_refused_is_taken(corpora: Path, intake: Intake) -> None:
    before, files, refused = intake.taken(), suite(corpora, "n"), set()
    for file in files:
        body = file.read_bytes()
        answer = send(intake.port, post(b"/json", JSON, body))
        assert answer.status == (400 if body else 422), file.name
        assert answer.media_type == "application/problem+json", file.name
        refused.add(request_id(answer))
    assert intake.taken() == before
    intake.event(0, request_id=request_id(answer), outcome="blocked")  # the last is written
    blocked = {each["request_id"] for each in intake.events() if each["outcome"] == "blocked"}
    assert len(refused) == len(files)
    assert refused <= blocked
    print(f"{len(files)} documents that no parser may take were refused")


def test_all_json_that_must_be_taken_is(corpora: Path, intake: Intake) -> None:
    """But for what I-JSON (RFC 7493) forbids beyond RFC 8259: the same key twice."""
    files = suite(corpora, "y")
    refused = {
        file.name: answer.status
        for file in files
        if (answer := send(intake.port, post(b"/json", JSON, file.read_bytes()))).status != 200
    }
    assert set(refused.values()) == {422}
    assert all("duplicated_key" in name for name in refused), refused
    print(f"{len(files)} documents; {len(refused)} refused for a duplicate key")


def test_json_of_which_parsers_may_think_either_is_taken_or_refused(
    corpora: Path, intake: Intake
) -> None:
    files = suite(corpora, "i")
    for file in files:
        answer = send(intake.port, post(b"/json", JSON, file.read_bytes()))
        ours = answer.media_type == "application/problem+json"
        assert answer.status == 200 or (answer.status in (400, 422) and ours), file.name
    intake.serves()
