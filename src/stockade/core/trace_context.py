"""W3C Trace Context: who the caller says this request belongs to, and what goes on to others.

`traceparent` and `tracestate` come from anybody, so a trace id links events and never identifies:
nothing is decided by it. What does not keep to the text is ignored, as the text asks, and counted.

Source: https://www.w3.org/TR/trace-context-2/ (the flags of Level 2, the versions of both).
"""

from __future__ import annotations

from typing import NamedTuple

from stockade.core import context, spans
from stockade.core.tally import tally

__all__ = ["TraceContext", "outgoing", "read", "read_state"]

_SIZE = 55
"""Characters of a `traceparent` of version 00; higher versions may only be longer."""
_HEX = frozenset("0123456789abcdef")
_KEY_START = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_KEY = _KEY_START | frozenset("_-*/@")
_VALUE = frozenset(map(chr, range(0x20, 0x7F))) - frozenset(",=")
_MOST_MEMBERS = 32
_MOST_CHARACTERS = 256  # of a key, and of a value
_MOST_STATE = 4_096
_MOST_SENT = 512
"""Characters of a `tracestate` that go on: what the text asks for at least; a client chose them."""
_LONG_MEMBER = 128
_SAMPLED, _RANDOM = 1, 2


class TraceContext(NamedTuple):
    """Where in which trace the caller stands: ids in lower-case hexadecimal, as sent."""

    trace_id: str
    parent_id: str
    flags: int = 0
    """The bits that are known: 1, the caller may have recorded it; 2, the trace id is random."""
    state: str = ""
    """The members of `tracestate`, without blanks; empty where there are none, or it is invalid."""


def read(traceparent: str, tracestate: str = "") -> TraceContext | None:
    """The context that a request brought; None where its `traceparent` is invalid.

    An invalid `tracestate` is dropped alone. Several `tracestate` fields are joined by commas
    before; several `traceparent` fields are invalid, which a comma between them shows.
    """
    found = _parent(traceparent.strip(" \t"))
    if found is None:
        tally.trace_contexts_invalid += 1
        return None
    if not tracestate:
        return found
    state = read_state(tracestate)
    if state is None:
        tally.trace_contexts_invalid += 1
        return found
    return found._replace(state=state)


def _parent(text: str) -> TraceContext | None:
    if len(text) < _SIZE or not text[2] == text[35] == text[52] == "-":
        return None
    version, trace_id, parent_id, flags = text[:2], text[3:35], text[36:52], text[53:55]
    if not _HEX.issuperset(version + trace_id + parent_id + flags) or version == "ff":
        return None
    if len(text) > _SIZE and (version == "00" or text[_SIZE] != "-"):
        return None
    if trace_id == "0" * 32 or parent_id == "0" * 16:
        return None
    return TraceContext(trace_id, parent_id, int(flags, 16) & (_SAMPLED | _RANDOM))


def read_state(text: str) -> str | None:
    """A `tracestate` without blanks and empty members; None where it is invalid."""
    if len(text) > _MOST_STATE:
        return None
    members: dict[str, str] = {}
    for member in (piece.strip(" \t") for piece in text.split(",")):
        if not member:
            continue
        key, equals, value = member.partition("=")
        if not equals or key in members or not _is_key(key) or not _is_value(value):
            return None
        members[key] = value
    if len(members) > _MOST_MEMBERS:
        return None
    return ",".join(f"{key}={value}" for key, value in members.items())


def _is_key(key: str) -> bool:
    return 0 < len(key) <= _MOST_CHARACTERS and key[0] in _KEY_START and _KEY.issuperset(key)


def _is_value(value: str) -> bool:
    return 0 < len(value) <= _MOST_CHARACTERS and _VALUE.issuperset(value)


def outgoing() -> dict[str, str]:
    """The header fields that carry the current request's trace on; none outside any request.

    The parent is the request's own span (`core.spans`), or the application's OpenTelemetry span
    where it has one. A request that came without a trace begins one.
    """
    request = context.current()
    own = spans.active() if spans.active is not None else None
    caller = None if request is None else request.trace
    if own is not None:
        trace_id, span_id = own
    elif request is not None:
        trace_id = request.trace_id or spans.trace_of(request.id)
        span_id = request.span_id or spans.span_of(request.id)
    else:
        return {}
    flags = 0 if caller is None else caller.flags
    if spans.active is not None:
        flags |= _SAMPLED  # an exporter is at work
    fields = {"traceparent": f"00-{trace_id}-{span_id}-{flags:02x}"}
    if caller is not None and caller.state and caller.trace_id == trace_id:
        fields["tracestate"] = _shortened(caller.state)
    return fields


def _shortened(state: str) -> str:
    """At most 512 characters: long members go first, then those at the end."""
    if len(state) <= _MOST_SENT:
        return state
    members = [member for member in state.split(",") if len(member) <= _LONG_MEMBER]
    while members and len(",".join(members)) > _MOST_SENT:
        members.pop()
    return ",".join(members)
