"""What an OCSF event says beyond what all classes share: one function for each class."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from stockade.core.events import Event
from stockade.watch.meanings import meaning
from stockade.watch.ocsf.classes import METHODS, Class
from stockade.watch.ocsf.product import SERVICE, product

__all__ = ["BODIES", "Fields", "client"]

Fields = dict[str, Any]

_UNKNOWN = "unknown"
_RULE = 1  # of the analytic types: Rule
_BEHAVIOURAL = 2
_REGULAR_FILE = 1
_ENTITIES = {"audit_": "Key", "key_": "Key", "secret_": "Secret", "policy_": "Policies"}


def client(event: Event) -> Fields:
    """Where the request came from, as a network endpoint."""
    try:
        return {"ip": str(ipaddress.ip_address(event.client))}
    except ValueError:
        return {"name": event.client or _UNKNOWN}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _user(event: Event) -> Fields:
    """The account that an event is about; its fingerprint where nobody is signed in."""
    known = event.details.get("account") or event.principal
    return {"uid": known} if known and isinstance(known, str) else {"name": _UNKNOWN}


def _actor(event: Event) -> Fields:
    user = {"uid": event.principal} if event.principal else {"name": _UNKNOWN}
    return {"app_name": SERVICE, "user": user}


def _request(event: Event) -> Fields:
    fields: Fields = {"uid": event.request_id} if event.request_id else {}
    if event.resource:
        fields["url"] = {"path": event.resource}
    if (method := _text(event.details.get("method"))) in METHODS:
        fields["http_method"] = method
    return fields


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53:
        return value
    return None


def _http(event: Event) -> Fields:
    fields: Fields = {"http_request": _request(event), "src_endpoint": client(event)}
    status = _count(event.details.get("status"))
    if status is not None:
        microseconds, size = (_count(event.details.get(key)) for key in ("duration_us", "bytes"))
        response = {
            "code": status,
            "latency": None if microseconds is None else microseconds // 1000,
            "body_length": size,
        }
        fields["http_response"] = {k: v for k, v in response.items() if v is not None}
    return fields


def _finding(event: Event) -> Fields:
    known = event.rule or event.name
    rules = event.name not in ("detection_raised", "sink_shape_new", "authn_impossible_travel")
    fields: Fields = {
        "finding_info": {
            "uid": f"{event.request_id or event.time.isoformat()}/{known}",
            "title": meaning(event.name),
            "desc": event.reason,
            "types": [event.name],
            "analytic": {
                "uid": known,
                "type_id": _RULE if rules else _BEHAVIOURAL,
                "type": "Rule" if rules else "Behavioral",
            },
        },
        "evidences": [{"actor": _actor(event), "src_endpoint": client(event)}],
        "is_alert": event.severity == "critical",
    }
    if event.request_id or event.resource:
        fields["evidences"][0]["http_request"] = _request(event)
    if technique := _text(event.details.get("technique")):
        kind = "sub_technique" if "." in technique else "technique"
        fields["finding_info"]["attacks"] = [{kind: {"uid": technique}}]
    return fields


def _authentication(event: Event) -> Fields:
    fields: Fields = {
        "user": _user(event),
        "actor": _actor(event),
        "service": {"name": SERVICE},
        "src_endpoint": client(event),
        "is_remote": True,
    }
    session = _text(event.details.get("session"))
    if session:
        fields["session"] = {"uid": session}
        if event.name == "session_expired" and (cause := _text(event.details.get("cause"))):
            fields["session"]["expiration_reason"] = cause
    return fields


def _account(event: Event) -> Fields:
    return {"user": _user(event), "actor": _actor(event), "src_endpoint": client(event)}


def _user_access(event: Event) -> Fields:
    return _account(event) | {"privileges": [_text(event.details.get("after")) or _UNKNOWN]}


def _entity(event: Event) -> Fields:
    kind = next((k for start, k in _ENTITIES.items() if event.name.startswith(start)), "Object")
    names = ("key_id", "secret", "object", "folder")
    name = next((text for key in names if (text := _text(event.details.get(key)))), kind)
    entity: Fields = {"name": name, "type": kind, "type_id": 99}
    if known := _text(event.details.get("object_id")):
        entity["uid"] = known
    return {"entity": entity, "actor": _actor(event), "src_endpoint": client(event)}


def _api(event: Event) -> Fields:
    operation = _text(event.details.get("action")) or event.name
    fields: Fields = {
        "api": {"operation": operation, "service": {"name": SERVICE}},
        "actor": _actor(event),
        "src_endpoint": client(event),
    }
    if event.request_id:
        fields["api"]["request"] = {"uid": event.request_id}
    if event.resource:
        fields["http_request"] = _request(event)
    kind = event.details.get("object") or event.details.get("resource_type")
    which = event.details.get("object_id") or event.details.get("resource_id")
    resource = {"type": _text(kind), "name": _text(kind), "uid": _text(which)}
    if resource["name"] or resource["uid"]:
        fields["resources"] = [{key: text for key, text in resource.items() if text}]
    return fields


def _file(event: Event) -> Fields:
    name = _text(event.details.get("filename")) or _text(event.details.get("value"))
    file: Fields = {"name": name or _UNKNOWN, "type_id": _REGULAR_FILE}
    if (size := _count(event.details.get("length"))) is not None:
        file["size"] = size
    return {"file": file, "actor": _actor(event), "src_endpoint": client(event)}


def _lifecycle(event: Event) -> Fields:
    return {"app": product()}


def _error(event: Event) -> Fields:
    return {}  # the class has room for nobody who asked: that is in `unmapped`


BODIES: dict[Class, Callable[[Event], Fields]] = {
    Class.ACCOUNT_CHANGE: _account,
    Class.API_ACTIVITY: _api,
    Class.APPLICATION_ERROR: _error,
    Class.APPLICATION_LIFECYCLE: _lifecycle,
    Class.AUTHENTICATION: _authentication,
    Class.DETECTION_FINDING: _finding,
    Class.ENTITY_MANAGEMENT: _entity,
    Class.FILE_HOSTING: _file,
    Class.HTTP_ACTIVITY: _http,
    Class.USER_ACCESS: _user_access,
}
