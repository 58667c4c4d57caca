"""What a caller gets."""

from __future__ import annotations

import httpx2
import pytest

from stockade.boundary import Model
from stockade.boundary.client import Answer
from stockade.core.errors import AnswerRejected, UpstreamError
from stockade.core.events import Event


class Trouble(Model):
    code: int


def answer(content: bytes, content_type: str, status: int = 200) -> Answer:
    headers = httpx2.Headers({"Content-Type": content_type})
    return Answer(status, headers, content, url="https://a.example/?token=t", upstream="a")


def test_it_shows_neither_address_nor_content() -> None:
    assert repr(answer(b"secret", "text/plain")) == "<Answer 200, 6 bytes>"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("Zoë".encode(), "text/plain"),
        ("Zoë".encode(), 'text/plain; charset="UTF-8"'),
        ("Zoë".encode("latin-1"), "text/plain; charset=ISO-8859-1"),
    ],
)
def test_text(content: bytes, content_type: str) -> None:
    assert answer(content, content_type).text() == "Zoë"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [(b"\xff", "text/plain"), (b"+AGE-", "text/plain; charset=utf-7"), (b"", "a/b; charset=rot13")],
)
def test_what_is_no_text(content: bytes, content_type: str, events: list[Event]) -> None:
    with pytest.raises(AnswerRejected):
        answer(content, content_type).text()
    assert [event.name for event in events] == ["upstream_failed"]


@pytest.mark.parametrize(("status", "told"), [(404, 0), (302, 0), (500, 1), (503, 1)])
def test_a_model_is_for_answers_of_success(status: int, told: int, events: list[Event]) -> None:
    given = answer(b'{"code": 7}', "application/json", status)
    with pytest.raises(UpstreamError, match=str(status)):
        given.expect(Trouble)
    assert given.read(Trouble).code == 7
    assert not given.ok
    assert len(events) == told
