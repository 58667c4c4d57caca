"""Policies: what Cedar alone would allow and must not, and what is permitted."""

import subprocess
import sys
from pathlib import Path

import cedarpy
import pytest

from stockade.access import Entity, Policies
from stockade.core.errors import ConfigError
from stockade.core.events import Event

POLICIES = """
@id("doctors-read")
permit (principal in Role::"doctor", action == Action::"read", resource is Patient);

@id("owner-reads")
permit (principal, action == Action::"read", resource is Patient)
when { context has owner && context.owner == principal };

@id("sealed-records")
forbid (principal, action, resource is Patient) when { resource.sealed };
"""
SCHEMA = """
entity Role;
entity User in [Role];
entity Patient { sealed: Bool };
action read appliesTo { principal: User, resource: Patient, context: { owner?: User } };
"""
DOCTOR = Entity("User", "ann", parents=(Entity("Role", "doctor"),))
RECORD = Entity("Patient", "7", {"sealed": False})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "patients.cedar").write_text(POLICIES)
    return tmp_path


def test_permitted(folder: Path, events: list[Event]) -> None:
    decision = Policies.load(folder).decide(DOCTOR, "read", RECORD)
    assert decision.allowed
    assert decision.reasons == ("doctors-read",)
    assert [event.name for event in events] == ["policy_loaded"]


def test_denied_by_default(folder: Path, events: list[Event]) -> None:
    policies = Policies.load(folder)
    assert not policies.decide("bob", "read", RECORD).allowed
    assert not policies.decide(DOCTOR, "erase", RECORD).allowed
    assert not policies.decide(DOCTOR, "read", Entity("Invoice", "7")).allowed
    assert [event.name for event in events[1:]] == ["authz_fail"] * 3


def test_forbid_wins(folder: Path, events: list[Event]) -> None:
    decision = Policies.load(folder).decide(
        DOCTOR, "read", Entity("Patient", "7", {"sealed": True})
    )
    assert not decision.allowed
    assert decision.reasons == ("sealed-records",)
    assert events[-1].details["policies"] == ("sealed-records",)


def test_a_forbid_that_fails_does_not_become_a_permission(
    folder: Path, events: list[Event]
) -> None:
    # Somebody forgot to pass the record's attributes: Cedar skips the prohibition and allows.
    user = {"uid": DOCTOR.uid, "attrs": {}, "parents": [{"type": "Role", "id": "doctor"}]}
    request = {
        "principal": DOCTOR.uid,
        "action": {"type": "Action", "id": "read"},
        "resource": {"type": "Patient", "id": "7"},
    }
    assert cedarpy.is_authorized(request, POLICIES, [user]).allowed
    decision = Policies.load(folder).decide(DOCTOR, "read", Entity("Patient", "7"))
    assert not decision.allowed
    assert decision.reasons == ("sealed-records",)
    assert events[-1].details["errors"] == 1


def test_a_clients_json_cannot_name_an_entity(folder: Path) -> None:
    # {"owner": <what the client sent>}: with Cedar's escape it would be the user mallory herself.
    sent = {"__entity": {"type": "User", "id": "mallory"}}
    request = {
        "principal": {"type": "User", "id": "mallory"},
        "action": {"type": "Action", "id": "read"},
        "resource": RECORD.uid,
        "context": {"owner": sent},
    }
    record = {"uid": RECORD.uid, "attrs": {"sealed": False}, "parents": []}
    assert cedarpy.is_authorized(request, POLICIES, [record]).allowed
    policies = Policies.load(folder)
    assert not policies.decide("mallory", "read", RECORD, {"owner": sent}).allowed
    assert policies.decide("mallory", "read", RECORD, {"owner": Entity("User", "mallory")}).allowed


@pytest.mark.parametrize(
    "context", [{"x": 1.5}, {"x": None}, {"x": b"bytes"}, {"x": 1 << 80}, {"x": "\ud800"}]
)
def test_what_cedar_cannot_judge_is_denied(folder: Path, context: dict[str, object]) -> None:
    decision = Policies.load(folder).decide(DOCTOR, "read", RECORD, context)
    assert not decision.allowed
    assert decision.errors


@pytest.mark.parametrize("name", ['ann"', 'x" || true || "', "a\nb", "", "ann\0", "%s"])
def test_an_odd_id_is_only_an_id(folder: Path, name: str) -> None:
    policies = Policies.load(folder)
    assert not policies.decide(name, "read", RECORD).allowed
    assert policies.decide(name, "read", RECORD, {"owner": Entity("User", name)}).allowed


def test_the_schema_is_applied_to_policies_and_requests(folder: Path) -> None:
    (folder / "schema.cedarschema").write_text(SCHEMA)
    policies = Policies.load(folder)
    assert policies.decide(DOCTOR, "read", RECORD).allowed
    for resource in (Entity("Patient", "7", {"sealed": "no"}), Entity("Invoice", "7")):
        decision = policies.decide(DOCTOR, "read", resource)
        assert not decision.allowed
        assert decision.errors
    (folder / "typo.cedar").write_text(
        '@id("typo") permit (principal, action == Action::"raed", resource);'
    )
    with pytest.raises(ConfigError, match=r'typo\.cedar: @id\("typo"\) does not fit'):
        Policies.load(folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("permit (", "is not a Cedar policy"),
        ("permit (principal, action, resource);", "has no @id"),
        ('@id("a") permit (principal == ?principal, action, resource);', "template"),
        ('@id("doctors-read") permit (principal, action, resource);', "stands in"),
        (
            '@id("a") permit (principal, action, resource);' * 2,
            "same",
        ),
    ],
)
def test_what_will_not_work_is_refused_at_start(
    folder: Path, events: list[Event], text: str, says: str
) -> None:
    (folder / "z.cedar").write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        Policies.load(folder)
    assert "z.cedar" in str(caught.value)
    assert [event.name for event in events] == ["policy_failed"]


@pytest.mark.parametrize("exists", [False, True])
def test_no_policies_are_an_error_or_deny_everything(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "policies").mkdir()
    with pytest.raises(ConfigError, match="without a policy all is denied"):
        Policies.load(tmp_path / "policies")
    assert (
        not Policies.load(tmp_path / "policies", on_error="deny")
        .decide(DOCTOR, "read", RECORD)
        .allowed
    )


def test_broken_policies_deny_what_they_used_to_permit(folder: Path, events: list[Event]) -> None:
    assert Policies.load(folder).decide(DOCTOR, "read", RECORD).allowed
    (folder / "z.cedar").write_text("permit (")
    assert not Policies.load(folder, on_error="deny").decide(DOCTOR, "read", RECORD).allowed
    assert [event.name for event in events] == ["policy_loaded", "policy_failed", "authz_fail"]


def test_events_hold_no_ids_of_resources(folder: Path, events: list[Event]) -> None:
    Policies.load(folder).decide(DOCTOR, "read", Entity("Patient", "hunter2"))
    assert events[-1].name == "authz_fail"
    assert "hunter2" not in repr(events)


def test_without_cedar_one_line_names_the_extra(folder: Path) -> None:
    code = (
        "import sys; sys.modules['cedarpy'] = None\n"
        "from stockade.access import Policies, Sessions\n"
        "try: Policies.load(sys.argv[1])\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("ConfigError")
    assert 'pip install "stockade[access]"' in done.stdout
    assert done.stdout.count("\n") == 1
