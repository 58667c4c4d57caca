from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.events import CATALOGUE, Event
from stockade.watch.ocsf import VERSION, to_ocsf
from tests.watch.ocsf.published import schema, violations

EVERY_OUTCOME = ("allowed", "blocked", "observed", "failed")
DETAILS: dict[str, Any] = {
    "account": "5f0c1d9a3b7e2f46",
    "action": "notes:read",
    "after": "admin",
    "bytes": 512,
    "cause": "idle",
    "duration_us": 1_500,
    "filename": "0f3c",
    "key_id": "k1",
    "length": 77,
    "method": "GET",
    "object": "patient.notes",
    "object_id": "9a8b",
    "resource_id": "9a8b",
    "resource_type": "Note",
    "session": "0123456789ab",
    "status": 200,
    "technique": "T1110.001",
}


def event(name: str, outcome: str = "blocked", **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "time": datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC),
        "severity": CATALOGUE[name].severity.value,
        "part": "access",
        "request_id": "r-1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "client": "192.0.2.7",
        "principal": "account-1",
        "resource": "/patients/{id}",
        "reason": "A constant sentence.",
        "rule": "some.rule",
        "details": DETAILS,
    }
    return Event(name=name, outcome=outcome, **fields | changes)


def as_json(made: dict[str, Any]) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(msgspec.json.encode(made))
    return decoded


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_event_of_the_catalogue_keeps_the_published_rules(name: str) -> None:
    for outcome in EVERY_OUTCOME:
        full = event(name, outcome)
        bare = Event(time=full.time, name=name, severity="warn", outcome=outcome, part="watch")
        for one in (full, bare):
            assert violations(as_json(to_ocsf(one))) == []


words = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
any_events = st.builds(
    Event,
    time=st.datetimes(
        datetime(1971, 1, 1),  # noqa: DTZ001  the zone is drawn
        timezones=st.sampled_from((UTC, timezone(timedelta(hours=-7)))),
    ),
    name=st.sampled_from(sorted(CATALOGUE)) | words,
    severity=st.sampled_from(("info", "warn", "critical")) | words,
    outcome=st.sampled_from(EVERY_OUTCOME) | words,
    part=words,
    request_id=words,
    trace_id=words,
    client=words | st.ip_addresses().map(str),
    principal=words,
    resource=words,
    reason=words,
    rule=words,
    details=st.dictionaries(st.sampled_from(sorted(DETAILS)) | words, values, max_size=6),
)


@given(any_events)
def test_whatever_an_event_holds_the_rules_are_kept(made: Event) -> None:
    assert violations(as_json(to_ocsf(made))) == []


def test_a_request_is_http_activity_with_its_numbers() -> None:
    made = to_ocsf(event("http_request", "allowed"))
    assert (made["class_uid"], made["activity_id"], made["type_uid"]) == (4002, 3, 400_203)
    assert made["http_request"] == {
        "uid": "r-1",
        "url": {"path": "/patients/{id}"},
        "http_method": "GET",
    }
    assert made["http_response"] == {"code": 200, "latency": 1, "body_length": 512}
    assert (made["src_endpoint"], made["trace"]["uid"]) == (
        {"ip": "192.0.2.7"},
        "0af7651916cd43dd8448eb211c80319c",
    )
    assert made["time"] == 1_767_323_045_678
    assert made["metadata"]["original_time"] == "2026-01-02T03:04:05.678901Z"


@pytest.mark.parametrize(
    ("name", "outcome", "expected"),
    [
        ("authn_login_fail", "blocked", (3002, 1, "Failure", "Blocked")),
        ("authn_login_success", "allowed", (3002, 1, "Success", "Allowed")),
        ("malicious_sqli", "observed", (2004, 1, "New", "Detected")),
        ("sensitive_read", "allowed", (6003, 2, "Success", "Allowed")),
        ("user_created", "allowed", (3001, 1, "Success", "Allowed")),
        ("upload_validation", "blocked", (6006, 17, "Failure", "Blocked")),
        ("sys_restart", "observed", (6002, 5, "observed", "Detected")),
        ("key_destroyed", "allowed", (3004, 4, "Success", "Allowed")),
        ("defence_failed", "failed", (6008, 1, "Failure", "Error")),
        ("authz_change", "allowed", (3005, 1, "Success", "Allowed")),
    ],
)
def test_what_an_analyst_filters_by(
    name: str, outcome: str, expected: tuple[int, int, str, str]
) -> None:
    made = to_ocsf(event(name, outcome))
    found = made["class_uid"], made["activity_id"], made["status"], made["disposition"]
    assert found == expected
    assert made["metadata"]["event_code"] == name


def test_a_refusal_outside_any_request_is_a_finding() -> None:
    made = to_ocsf(event("input_validation_fail", request_id="", resource=""))
    assert made["class_uid"] == 2004
    assert "http_request" not in made["evidences"][0]


def test_nothing_is_lost() -> None:
    made = to_ocsf(event("malicious_sqli"))
    text = json.dumps(made)
    for value in ("some.rule", "A constant sentence.", "account-1", "192.0.2.7", "r-1"):
        assert value in text
    assert made["unmapped"]["details"] == DETAILS
    assert made["finding_info"]["attacks"] == [{"sub_technique": {"uid": "T1110.001"}}]


# -- the validator itself: what it must find, it finds ---------------------------------------------


def test_the_kept_schema_is_the_published_version_and_not_empty() -> None:
    assert schema()["version"] == VERSION
    assert {each["uid"] for each in schema()["classes"].values()} == {
        2004, 3001, 3002, 3004, 3005, 4002, 6002, 6003, 6006, 6008,
    }  # fmt: skip
    assert len(schema()["objects"]["metadata"]["attributes"]) > 20


@pytest.mark.parametrize(
    ("break_it", "complaint"),
    [
        (lambda e: e.pop("user"), "user: is required"),
        (lambda e: e.update(users=[]), "users: is unknown"),
        (lambda e: e.update(time="now"), "time: str is no timestamp_t"),
        (lambda e: e.update(severity_id=9), "severity_id: 9 is no value"),
        (lambda e: e.update(severity="Low"), "severity_id: 3 is 'Medium'"),
        (lambda e: e.update(type_uid=300_202), "type_uid"),
        (lambda e: e.update(category_uid=4), "category_uid"),
        (lambda e: e.pop("service"), "at_least_one"),
        (lambda e: e["user"].clear(), "user.: at_least_one"),
        (lambda e: e.update(trace={"uid": "x"}), "trace: is unknown"),
        (lambda e: e["metadata"].update(profiles=[]), "belongs to a profile"),
        (lambda e: e["src_endpoint"].update(ip="here"), "form of ip_t"),
        (lambda e: e["metadata"].update(version="1.7.0"), "metadata.version"),
        (lambda e: e["observables"][0].update(value="192.0.2.8"), "observable"),
        (lambda e: e["user"].update(credential_uid="x"), "deprecated"),
    ],
)
def test_the_validator_finds_what_is_broken(break_it: Any, complaint: str) -> None:
    made = as_json(copy.deepcopy(to_ocsf(event("authn_login_fail"))))
    assert violations(made) == []
    break_it(made)
    assert re.search(re.escape(complaint), "\n".join(violations(made)))
