"""What the event stream learns of a call that failed, and who is not blamed for it.

`malicious_ssrf` stands for a call that this service was talked into: the URL came from the
application's data, and led inside, or to another protocol. `input_validation_fail` is such a URL
that is merely none that may be called: a typing error, plain http, a host that is not listed. A
client with a `base_url` calls what its developer wrote down; if that leads astray, or answers
badly, it is the other service's doing: `upstream_failed`, which counts against no client of ours.
No event holds a URL: the developer's own `base_url` is named, any other origin is a fingerprint.
"""

from __future__ import annotations

from typing import Any

from stockade.core.bus import emit
from stockade.core.errors import CircuitOpen, UpstreamError, UpstreamRefused
from stockade.core.events import Outcome

__all__ = ["tell", "tell_circuit", "tell_contract"]

_SSRF = frozenset(("client.address", "client.port", "client.redirect"))
_INPUT = frozenset(("client.url", "client.host", "client.plain_http"))


def tell(error: UpstreamError, *, upstream: str, declared: bool, hop: int) -> None:
    """Emit the event for a call's end. `declared`: the client has a `base_url`."""
    if isinstance(error, CircuitOpen):
        return  # told when it opened; what is asked of it meanwhile would flood the log
    if not isinstance(error, UpstreamRefused):
        _failed(error.rule, Outcome.FAILED, upstream, hop=hop)
        return
    details: dict[str, Any] = {"upstream": upstream, "reach": error.reach, "hop": hop}
    if error.rule in _SSRF and not declared:
        name, reason = "malicious_ssrf", "A call was refused, for where it would have gone."
    elif error.rule in _INPUT and not declared and hop == 0:
        name, reason = "input_validation_fail", "An address is none that may be called here."
    else:
        name, reason = "upstream_failed", _reason(error.rule)
    emit(name, Outcome.BLOCKED, "boundary", reason, rule=error.rule, **details)


def tell_contract(upstream: str, rule: str, **details: Any) -> None:
    """Emit the event for an answer that is not what was declared."""
    _failed(rule, Outcome.BLOCKED, upstream, **details)


def tell_circuit(upstream: str, is_open: bool) -> None:
    """Emit the event for a circuit that opened, or closed again."""
    outcome = Outcome.BLOCKED if is_open else Outcome.ALLOWED
    _failed("client.circuit", outcome, upstream, open=is_open)


_REASONS = {
    "client.timeout": "Another service gave no whole answer in time.",
    "client.unreachable": "Another service cannot be reached.",
    "client.disconnected": "Another service broke the connection off.",
    "client.protocol": "Another service does not answer in HTTP.",
    "client.tls": "Another service's certificate does not hold.",
    "client.status": "Another service says that it failed.",
    "client.circuit": "The circuit of another service opened or closed.",
    "client.contract": "Another service's answer is not what is declared here.",
}


def _reason(rule: str) -> str:
    return _REASONS.get(rule, "A call to another service, or its answer, was refused.")


def _failed(rule: str, outcome: Outcome, upstream: str, **details: Any) -> None:
    emit(
        "upstream_failed",
        outcome,
        "boundary",
        _reason(rule),
        rule=rule,
        upstream=upstream,
        **details,
    )
