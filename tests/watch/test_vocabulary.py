from __future__ import annotations

import uuid
from typing import Any

import pytest

from stockade.core.bus import emit
from stockade.core.context import RequestContext, running
from stockade.core.events import CATALOGUE, Event, Outcome
from stockade.crypto import Keyring
from stockade.testing import throwaway_keyring
from stockade.watch.vocabulary import ApplicationEvents, accounts, changes, subjects

CANARY = "Renée O'Hara, born 1980-02-29"


@pytest.fixture
def keyring() -> Keyring:
    return throwaway_keyring()


@pytest.fixture
def event(keyring: Keyring, events: list[Event]) -> ApplicationEvents:
    made = ApplicationEvents(keyring.mac)
    events.clear()  # the keys' own
    return made


ARGUMENTS: dict[str, dict[str, Any]] = {
    **{name: {"account": "account-1"} for name in accounts},
    **{name: {"about": "patient.notes", "id": 7} for name in subjects},
    **{name: {"account": "account-1", "before": "reader", "after": "admin"} for name in changes},
}


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_every_name_is_an_event_of_the_vocabulary(
    name: str, event: ApplicationEvents, events: list[Event]
) -> None:
    event(name, **ARGUMENTS[name])  # type: ignore[call-overload]  # one of the literals
    [told] = events
    assert (told.name, told.part, told.rule) == (name, "app", "app.event")
    assert told.severity == CATALOGUE[name].severity
    assert CATALOGUE[name].source == "OWASP Logging Vocabulary"
    assert told.reason


def test_who_where_and_for_which_request_come_from_the_request(
    event: ApplicationEvents, events: list[Event], keyring: Keyring
) -> None:
    request = RequestContext("r-1", "192.0.2.7")
    request.principal = "account-1"
    which = uuid.uuid4()
    with running(request):
        event("sensitive_read", "A clinician read notes.", about="patient.notes", id=which, count=3)
    [told] = events
    assert (told.request_id, told.client, told.principal) == ("r-1", "192.0.2.7", "account-1")
    assert (told.outcome, told.reason) == (Outcome.ALLOWED, "A clinician read notes.")
    known = event.fingerprint("patient.notes", which)
    assert told.details == {"object": "patient.notes", "object_id": known, "count": 3}
    assert str(which) not in str(told)
    # Another process with the same keys finds it again; another kind of thing is another.
    assert ApplicationEvents(keyring.mac).fingerprint("patient.notes", which) == known
    assert event.fingerprint("patient", which) != known


def test_an_account_has_the_name_that_sign_in_gives_it(
    event: ApplicationEvents, events: list[Event], keyring: Keyring
) -> None:
    event("user_created", account="account-2", by="account-1", role="clinician")
    signed_in_as = keyring.mac("sign-in").fingerprint("account:account-2")
    assert events[0].details == {"account": signed_in_as, "role": "clinician"}
    assert events[0].principal == "account-1"


def test_what_was_meant_to_be_a_value_is_told_by_fingerprint_and_length(
    event: ApplicationEvents, events: list[Event]
) -> None:
    # Written straight down, the value stands in the log for whoever reads it.
    emit("sensitive_read", Outcome.ALLOWED, "app", "Read.", patient=CANARY)
    assert CANARY in str(events.pop())

    class Patient:
        def __repr__(self) -> str:
            return CANARY

    many: dict[str, Any] = {f"n{number}": number for number in range(40)}
    event(
        "sensitive_read", about="patients", id=CANARY, patient=CANARY, long="x" * 65, it=Patient()
    )  # type: ignore[call-overload]
    event("sensitive_read", about="patients", **many)
    first, second = events
    assert CANARY not in str(first)
    assert first.details["patient"]["length"] == len(CANARY)
    assert len(first.details["patient"]["value"]) == 16
    assert first.details["long"]["length"] == 65
    assert first.details["it"] == Patient.__qualname__
    assert second.details["details_left_out"] == 24
    assert len(second.details) == 1 + 16 + 1


@pytest.mark.parametrize(
    ("name", "arguments", "missing"),
    [
        ("sys_crash", {"about": "x"}, "not an event that an application tells"),
        ("no_such_event", {}, "not an event that an application tells"),
        ("sensitive_read", {}, "about"),
        ("user_created", {}, "account"),
        ("authz_change", {"account": "a"}, "before, after"),
        ("sensitive_read", {"about": "x", "client": "y"}, "client is a field of every event"),
        ("privilege_permissions_changed", {"before": "r", "after": "w"}, "account .or about"),
    ],
)
def test_what_the_application_may_not_tell_or_leaves_out_is_a_type_error(
    name: str,
    arguments: dict[str, Any],
    missing: str,
    event: ApplicationEvents,
    events: list[Event],
) -> None:
    with pytest.raises(TypeError, match=missing):
        event(name, **arguments)  # type: ignore[call-overload]
    assert events == []


def test_a_denial_is_blocked_and_the_application_may_say_otherwise(
    event: ApplicationEvents, events: list[Event]
) -> None:
    event("malicious_direct_reference", about="invoice", id=7)
    event("malicious_direct_reference", about="invoice", id=7, outcome="observed")
    assert [one.outcome for one in events] == [Outcome.BLOCKED, Outcome.OBSERVED]
