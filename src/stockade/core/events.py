"""The event: one record of what a defence saw or did, and the catalogue of event names.

Names follow the OWASP Logging Vocabulary where it has one; the rest are ours and say so. An event
never carries a raw untrusted value or a secret: fingerprints, lengths and positions only.
"""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

__all__ = ["CATALOGUE", "Event", "Lane", "Outcome", "Severity", "Spec", "encode_line"]


class Severity(enum.StrEnum):
    """How much a person should care, by the levels of the OWASP Logging Vocabulary."""

    INFO = "info"
    WARN = "warn"
    CRITICAL = "critical"


class Outcome(enum.StrEnum):
    """What became of it: `failed` means that a defence itself could not do its work."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    OBSERVED = "observed"
    FAILED = "failed"


class Lane(enum.StrEnum):
    """Telemetry may be dropped under load, and counted; audit is written before the answer."""

    TELEMETRY = "telemetry"
    AUDIT = "audit"


class Spec(NamedTuple):
    """What the catalogue says of a name: usual severity, lane, and who coined it."""

    severity: Severity
    lane: Lane
    source: str


class Event(msgspec.Struct, gc=False, kw_only=True):
    """One thing that happened. Field by field as in docs/reference/events.md.

    `time` is UTC; `client` an address; `principal` an account id, or a keyed fingerprint while
    nobody is signed in; `resource` a route template, never the raw path; `reason` a constant
    sentence; `rule` a stable id; `trace_id` a link to the caller's trace, never an identity.
    """

    time: datetime
    name: str
    severity: str
    outcome: str
    part: str
    request_id: str = ""
    trace_id: str = ""
    client: str = ""
    principal: str = ""
    resource: str = ""
    reason: str = ""
    rule: str = ""
    details: dict[str, Any] = {}


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


_encoder = msgspec.json.Encoder()


def encode_line(event: Event) -> bytes:
    """The event as one JSON line (RFC 8259), newline included; `time` as RFC 3339, microseconds."""
    return _encoder.encode(event) + b"\n"


_OWASP = "OWASP Logging Vocabulary"
_STOCKADE = "Stockade"


def _owasp(severity: Severity, names: str) -> dict[str, Spec]:
    return {name: Spec(severity, Lane.AUDIT, _OWASP) for name in names.split()}


def _own(severity: Severity, lane: Lane, names: str) -> dict[str, Spec]:
    return {name: Spec(severity, lane, _STOCKADE) for name in names.split()}


CATALOGUE: dict[str, Spec] = {
    **_owasp(
        Severity.INFO,
        "authn_login_success authn_login_successafterfail authn_password_change authn_token_created"
        " authn_token_revoked upload_complete upload_stored upload_delete session_created"
        " session_renewed session_expired",
    ),
    **_owasp(
        Severity.WARN,
        "authn_login_fail authn_login_fail_max authn_login_lock authn_token_delete authz_change"
        " authz_admin crypt_decrypt_fail crypt_encrypt_fail excess_rate_limit_exceeded"
        " upload_validation input_validation_fail input_validation_discrete_fail"
        " malicious_excess_404 privilege_permissions_changed sensitive_create sensitive_read"
        " sensitive_update sensitive_delete sys_startup sys_shutdown sys_restart sys_crash"
        " sys_monitor_disabled sys_monitor_enabled user_created user_updated user_archived"
        " user_deleted",
    ),
    **_owasp(
        Severity.CRITICAL,
        "authn_password_change_fail authn_impossible_travel authn_token_reuse authz_fail"
        " malicious_extraneous malicious_attack_tool malicious_cors malicious_direct_reference"
        " sequence_fail session_use_after_expire",
    ),
    # The vocabulary has no names for injections stopped at a sink: one of ours for each family.
    **_own(
        Severity.CRITICAL,
        Lane.AUDIT,
        "malicious_sqli malicious_nosqli malicious_command malicious_path malicious_ssrf"
        " malicious_code malicious_template malicious_deserialisation malicious_xml"
        " malicious_xpath malicious_ldap malicious_header malicious_mail malicious_regex"
        " malicious_log malicious_markup",
    ),
    **_own(Severity.INFO, Lane.TELEMETRY, "http_request sink_checked app_log access_log_replaced"),
    **_own(
        Severity.WARN,
        Lane.TELEMETRY,
        "csp_violation sink_unattributed sink_unguarded sink_shape_new input_limit_exceeded"
        " response_throttle response_released confine_report loop_stalled",
    ),
    **_own(Severity.INFO, Lane.AUDIT, "job_recovered"),
    # The audit log writes the last three itself, as entries of its own.
    **_own(
        Severity.INFO,
        Lane.TELEMETRY,
        "audit_checkpoint audit_opened audit_key_changed audit_pruned",
    ),
    **_own(
        Severity.WARN,
        Lane.AUDIT,
        "answer_refused events_sampled key_created key_rotated key_deactivated key_destroyed"
        " secret_read secret_rotated policy_loaded waiver_used client_throttled request_refused"
        " defence_recovered"
        " crypt_verify_fail upstream_failed",
    ),
    **_own(
        Severity.CRITICAL,
        Lane.AUDIT,
        "defence_failed detection_raised log_write_failed events_dropped secret_failed"
        " confine_missing policy_failed store_failed app_failed_silently job_failed job_missed",
    ),
}
"""Every event name there is. `publish` refuses a name that is not listed here."""
