"""From an event to OCSF 1.8: what all classes share, and a class's own body."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from stockade.core.events import Event, Outcome, Severity
from stockade.watch.ocsf.bodies import BODIES, Fields, client
from stockade.watch.ocsf.classes import OTHER, Activity, Class, class_of
from stockade.watch.ocsf.product import SERVICE, VERSION, product

__all__ = ["to_ocsf"]

_SEVERITIES: dict[str, tuple[int, str]] = {
    Severity.INFO: (1, "Informational"),
    Severity.WARN: (3, "Medium"),
    Severity.CRITICAL: (5, "Critical"),
}
_UNKNOWN = (0, "Unknown")
_STATUSES: dict[str, tuple[int, str]] = {
    Outcome.ALLOWED: (1, "Success"),
    Outcome.BLOCKED: (2, "Failure"),
    Outcome.FAILED: (2, "Failure"),
    Outcome.OBSERVED: (OTHER, "observed"),
}
# Action and disposition of the profile `security_control`.
_CONTROL: dict[str, tuple[tuple[int, str], tuple[int, str]]] = {
    Outcome.ALLOWED: ((1, "Allowed"), (1, "Allowed")),
    Outcome.BLOCKED: ((2, "Denied"), (2, "Blocked")),
    Outcome.FAILED: ((0, "Unknown"), (27, "Error")),
    Outcome.OBSERVED: ((3, "Observed"), (15, "Detected")),
}
_OURS = ("outcome", "part", "client", "principal", "resource", "rule", "trace_id", "details")
_TRACED = (Class.HTTP_ACTIVITY, Class.API_ACTIVITY)
_ADDRESS, _USER = (2, "IP Address"), (31, "User Object: uid")


def to_ocsf(event: Event) -> dict[str, Any]:
    """The event as an OCSF 1.8.0 object, to be encoded as JSON.

    What no attribute of its class holds (part, rule, details …) is in `unmapped`, under the names
    of docs/reference/events.md. Never raises for what an event holds.
    """
    in_request = bool(event.request_id or event.resource)
    activity = class_of(event.name, event.details.get("method"), in_request=in_request)
    fields = _head(event, activity)
    fields |= BODIES[activity.of](event)
    if event.trace_id and activity.of in _TRACED:
        fields["trace"] = {"uid": event.trace_id}
        fields["metadata"]["profiles"].append("trace")
    if observables := _observables(fields, event):
        fields["observables"] = observables
    ours = {name: getattr(event, name) for name in _OURS}
    fields["unmapped"] = {name: value for name, value in ours.items() if value}
    return fields


def _head(event: Event, activity: Activity) -> Fields:
    number, caption, category, category_caption = activity.of.value
    outcome = event.outcome if event.outcome in _CONTROL else Outcome.OBSERVED
    action, disposition = _CONTROL[outcome]
    # A finding's status is that of its investigation.
    status = (1, "New") if activity.of is Class.DETECTION_FINDING else _STATUSES[outcome]
    fields = {
        "activity_id": activity.number,
        "activity_name": activity.caption,
        "category_uid": category,
        "category_name": category_caption,
        "class_uid": number,
        "class_name": caption,
        "type_uid": number * 100 + activity.number,
        "type_name": f"{caption}: {'Other' if activity.number == OTHER else activity.caption}",
        "time": _milliseconds(event),
        "timezone_offset": 0,
        "message": event.reason,
        "metadata": _metadata(event),
    }
    named = {
        "severity": _SEVERITIES.get(event.severity, _UNKNOWN),
        "status": status,
        "action": action,
        "disposition": disposition,
    }
    for name, (id, text) in named.items():
        fields[f"{name}_id"], fields[name] = id, text
    if event.rule:
        fields["firewall_rule"] = {"uid": event.rule}
    return fields


def _milliseconds(event: Event) -> int:
    return int(event.time.timestamp() * 1000)


def _metadata(event: Event) -> Fields:
    fields: Fields = {
        "version": VERSION,
        "product": product(),
        "profiles": ["security_control"],
        "event_code": event.name,
        "log_name": "events",
        "log_provider": SERVICE,
        "original_time": event.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "labels": [event.part],
    }
    if event.request_id:
        fields["correlation_uid"] = event.request_id
    return fields


def _observables(fields: Fields, event: Event) -> list[Fields]:
    """What an analyst may search for across events: the client and the account."""
    found: list[tuple[str, tuple[int, str], str]] = []
    before = "evidences[].src_endpoint" if "evidences" in fields else "src_endpoint"
    if ("src_endpoint" in fields or "evidences" in fields) and "ip" in (where := client(event)):
        found.append((f"{before}.ip", _ADDRESS, where["ip"]))
    if event.principal and "actor" in fields:
        found.append(("actor.user.uid", _USER, event.principal))
    uid = fields.get("user", {}).get("uid")
    if uid is not None:
        found.append(("user.uid", _USER, uid))
    return [
        {"name": name, "type_id": type_id, "type": caption, "value": value}
        for name, (type_id, caption), value in found
    ]
