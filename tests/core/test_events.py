from __future__ import annotations

import json
from datetime import UTC, datetime

from stockade.core.events import CATALOGUE, Event, Lane, Severity, encode_line

OWASP = {
    "info": """authn_login_success authn_login_successafterfail authn_password_change
        authn_token_created authn_token_revoked upload_complete upload_stored upload_delete
        session_created session_renewed session_expired""",
    "warn": """authn_login_fail authn_login_fail_max authn_login_lock authn_token_delete
        authz_change authz_admin crypt_decrypt_fail crypt_encrypt_fail excess_rate_limit_exceeded
        input_validation_fail input_validation_discrete_fail malicious_excess_404
        privilege_permissions_changed sensitive_create sensitive_read sensitive_update
        sensitive_delete sys_startup sys_shutdown sys_restart sys_crash sys_monitor_disabled
        sys_monitor_enabled user_created user_updated user_archived user_deleted""",
    "critical": """authn_password_change_fail authn_impossible_travel authn_token_reuse authz_fail
        malicious_extraneous malicious_attack_tool malicious_cors malicious_direct_reference
        sequence_fail session_use_after_expire""",
}
"""The cheat sheet's names by its levels; `upload_validation` has two (info or critical)."""


def test_the_catalogue_has_the_whole_owasp_logging_vocabulary() -> None:
    for severity, names in OWASP.items():
        for name in names.split():
            spec = CATALOGUE[name]
            assert (spec.severity, spec.source) == (severity, "OWASP Logging Vocabulary"), name
    coined = sum(spec.source.startswith("OWASP") for spec in CATALOGUE.values())
    assert coined == 1 + sum(len(names.split()) for names in OWASP.values())
    assert "upload_validation" in CATALOGUE


def test_only_telemetry_may_be_dropped_and_nothing_critical_is_telemetry() -> None:
    for name, spec in CATALOGUE.items():
        assert spec.lane is Lane.AUDIT or spec.severity is not Severity.CRITICAL, name


def test_a_line_is_one_json_object_with_an_rfc_3339_time() -> None:
    event = Event(
        time=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        name="authz_fail",
        severity="critical",
        outcome="blocked",
        part="access",
        details={"length": 3},
    )
    line = encode_line(event)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    record = json.loads(line)
    assert record["time"] == "2026-01-02T03:04:05.678901Z"
    assert record["details"] == {"length": 3}


def test_events_do_not_share_their_details() -> None:
    first, second = (
        Event(time=datetime.now(UTC), name="x", severity="", outcome="", part="") for _ in "ab"
    )
    first.details["a"] = 1
    assert second.details == {}
