"""What browsers report of a broken content security policy (CSP 3, 5; Reporting API).

Anybody can send such a report: it is telemetry, never proof, never counted towards a ban. The event
holds what is one of few known words (the directive, the disposition) and fingerprints of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from stockade.boundary.bodies.refusal import reported
from stockade.core.bus import emit
from stockade.core.errors import Rejected
from stockade.core.events import Outcome
from stockade.core.secret import fingerprint

__all__ = ["CONTENT_TYPES", "report"]

CONTENT_TYPES = ("application/csp-report", "application/reports+json", "application/json")
_MAX_REPORTS = 20
_DIRECTIVES = frozenset((
    "default-src", "script-src", "script-src-elem", "script-src-attr", "style-src",
    "style-src-elem", "style-src-attr", "img-src", "font-src", "connect-src", "media-src",
    "object-src", "frame-src", "child-src", "worker-src", "manifest-src", "base-uri",
    "form-action", "frame-ancestors", "sandbox", "require-trusted-types-for", "trusted-types",
))  # fmt: skip
_DISPOSITIONS = frozenset(("enforce", "report"))
_BLOCKED_WORDS = frozenset(("inline", "eval", "wasm-eval", "self", "data", "blob", "trusted-types"))


def report(content_type: str, body: bytes) -> int:
    """Emit an event for each violation in `body`; how many there were.

    Raises Rejected, an event too, for what is no report.
    """
    with reported():
        document = _document(content_type, body)
    count = 0
    for violation in _violations(document):
        directive = _word(violation, "effectiveDirective", "effective-directive", _DIRECTIVES)
        blocked = str(violation.get("blockedURL", violation.get("blocked-uri", "")))
        emit(
            "csp_violation",
            Outcome.OBSERVED,
            "boundary",
            "A page tried to load or run what its content security policy does not allow.",
            rule="gate.csp",
            directive=directive,
            blocked=blocked if blocked in _BLOCKED_WORDS else fingerprint(blocked),
            disposition=_word(violation, "disposition", "disposition", _DISPOSITIONS),
        )
        count += 1
    return count


def _document(content_type: str, body: bytes) -> object:
    if content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES:
        raise Rejected("Expected a report of a browser.", status=415, kind="type", rule="gate.csp")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise Rejected(
            "The report is not JSON.", status=400, kind="json", rule="gate.csp"
        ) from None


def _violations(document: object) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        body = document.get("csp-report")
        if isinstance(body, dict):
            yield body
    elif isinstance(document, list):
        for entry in document[:_MAX_REPORTS]:
            if isinstance(entry, dict) and entry.get("type") == "csp-violation":
                body = entry.get("body")
                if isinstance(body, dict):
                    yield body


def _word(
    violation: dict[str, Any], name: str, older: str, known: frozenset[str] | set[str]
) -> str:
    word = violation.get(name, violation.get(older, violation.get("violated-directive", "")))
    word = str(word).partition(" ")[0]
    return word if word in known else "(other)"
