"""What an error says to a client, and what it says to the event."""

from __future__ import annotations

import json

import pytest

from stockade.core.errors import Busy, Rejected, StoreError
from stockade.core.events import Event
from stockade.integrations.error_documents import answer, crash_problem, http_problem, tell_crash
from tests.conftest import Request


def fail(value: str) -> None:
    raise ValueError(f"no such thing: {value}")


def caught(value: str) -> ValueError:
    try:
        fail(value)
    except ValueError as error:
        return error
    raise AssertionError


def test_a_crash_shows_an_id_and_nothing_of_the_exception(request_of: Request) -> None:
    with request_of("hunter2") as context:
        status, _, body = answer(crash_problem(caught("hunter2")))
    document = json.loads(body)
    assert (status, document["instance"]) == (500, f"urn:stockade:request:{context.id}")
    assert "hunter2" not in body.decode()
    assert "ValueError" not in body.decode()


def test_its_event_says_what_was_raised_and_where_and_not_the_message(
    request_of: Request, events: list[Event]
) -> None:
    with request_of("hunter2") as context:
        tell_crash(caught("hunter2"))
    [event] = events
    assert (event.name, event.request_id) == ("sys_crash", context.id)
    line = fail.__code__.co_firstlineno + 1
    assert event.details == {
        "exception": "builtins.ValueError",
        "raised": f"{__name__}:fail:{line}",
    }
    assert "hunter2" not in str(event)


@pytest.mark.parametrize("error", [Busy("full"), StoreError("gone"), Rejected("no")])
def test_what_was_raised_as_an_answer_is_no_crash(error: Exception, events: list[Event]) -> None:
    tell_crash(error)
    assert crash_problem(error).status in (422, 503)
    assert events == []


def test_what_a_refused_request_makes_of_its_refusal_is_no_second_event(
    request_of: Request, events: list[Event]
) -> None:
    with request_of() as context:
        context.refuse(Rejected("no"))
        tell_crash(caught("x"))
    assert events == []


def test_the_applications_headers_take_the_place_of_ours_but_for_the_bodys() -> None:
    own = [(b"content-length", b"1"), (b"content-type", b"text/html"), (b"cache-control", b"max")]
    _, headers, body = answer(http_problem(404), own)
    fields = dict(headers)
    assert len(fields) == len(headers)
    assert fields[b"content-length"] == str(len(body)).encode()
    assert fields[b"content-type"] == b"application/problem+json"
    assert fields[b"cache-control"] == b"max"


@pytest.mark.parametrize(
    ("status", "title"), [(404, "Not Found"), (418, "I'm a Teapot"), (451, None), (499, "Error")]
)
def test_the_title_is_the_statuss_own(status: int, title: str | None) -> None:
    document = json.loads(answer(http_problem(status, "Words."))[2])
    assert document["type"] == "about:blank"
    assert document["detail"] == "Words."
    assert document["title"].lower() == (title or "Unavailable For Legal Reasons").lower()
