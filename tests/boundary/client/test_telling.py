"""Who is blamed for a call that is refused: the request, or the other service."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from stockade.boundary.client import AddressPolicy, Client
from stockade.core.errors import UpstreamError
from stockade.core.events import Event
from stockade.core.secret import fingerprint
from tests.boundary.client.conftest import Caller, Names
from tests.boundary.client.services import GOOD, VICTIM, Service, reply

POLICY = AddressPolicy(networks=[GOOD], plain_http=True)


def test_an_address_from_outside_is_the_clients_doing(
    names: Names, calls: Caller, events: list[Event]
) -> None:
    names["webhook.example"] = [[VICTIM]]
    with calls(policy=POLICY) as call, pytest.raises(UpstreamError):
        call("GET", "http://webhook.example:8080/hook?token=s3cret")
    (event,) = events
    assert (event.name, event.severity) == ("malicious_ssrf", "critical")
    assert event.details["upstream"] == fingerprint("http://webhook.example:8080")
    assert "webhook" not in repr(event)
    assert "s3cret" not in repr(event)


def test_where_the_developers_own_address_leads_is_not(calls: Caller, events: list[Event]) -> None:
    inside = f"http://{VICTIM}:8080/"
    with (
        Service(lambda seen: reply(status=302, location=inside)) as service,
        calls(service.url(), policy=POLICY) as call,
        pytest.raises(UpstreamError),
    ):
        call("GET", "/")
    (event,) = events
    assert (event.name, event.outcome, event.severity) == ("upstream_failed", "blocked", "warn")
    assert (event.rule, event.details["reach"]) == ("client.address", "loopback")


def test_the_request_that_is_being_answered_is_named(
    request_of: Callable[..., AbstractContextManager[object]], events: list[Event]
) -> None:
    with request_of("x"), Client() as client, pytest.raises(UpstreamError):
        client.get("https://169.254.169.254/latest/meta-data")
    assert (events[0].client, events[0].request_id) == ("192.0.2.1", "test-1")


def test_an_address_that_is_merely_wrong_is_no_attack(calls: Caller, events: list[Event]) -> None:
    urls = ["htps://webhook.example/", "http://webhook.example/", "https://other.example/"]
    with calls(policy=AddressPolicy(only=["webhook.example"])) as call:
        for url in urls:
            with pytest.raises(UpstreamError):
                call("GET", url)
    assert {(event.name, event.outcome) for event in events} == {
        ("input_validation_fail", "blocked")
    }
    assert [event.rule for event in events] == ["client.url", "client.plain_http", "client.host"]


def test_another_protocol_is_one(calls: Caller, events: list[Event]) -> None:
    with calls() as call, pytest.raises(UpstreamError):
        call("POST", "https://mail.example:25/", content=b"HELO")
    assert [(event.name, event.rule) for event in events] == [("malicious_ssrf", "client.port")]


@pytest.mark.parametrize(
    "url", ["https://u:hunter2@a.example/", "hunter2://a.example/", "https://hunter2:99999/"]
)
def test_messages_quote_nothing(url: str, calls: Caller, events: list[Event]) -> None:
    with calls() as call, pytest.raises(UpstreamError) as caught:
        call("GET", url)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(events)
    assert caught.value.problem().detail == UpstreamError.public
