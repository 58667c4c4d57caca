"""`/livez` and `/readyz` beside the metrics, in detail: who may read those may read these."""

from __future__ import annotations

import json
from typing import Any

from stockade.core.health import State
from stockade.watch.metrics.counts import Counts
from stockade.watch.metrics.endpoint import Answer, Page
from stockade.watch.metrics.server import Server

__all__ = ["pages", "serve"]


def pages(counts: Counts) -> dict[str, Page]:
    """Alive is the process that answers; ready the service, where all of its processes are."""

    def live(accept: str) -> Answer:
        return _answer(counts.health.alive, {})

    def ready(accept: str) -> Answer:
        found = counts.total().conditions
        states: dict[str, dict[str, int]] = {}
        for _, one in found:
            by_state = states.setdefault(one.defence, {})
            by_state[one.state] = by_state.get(one.state, 0) + 1
        down = [
            {
                "process": pid,
                "defence": one.defence,
                "state": one.state.value,
                "since": one.since.isoformat(),
                "reason": one.reason,
                "required": one.required,
            }
            for pid, one in found
            if one.state is not State.OK
        ]
        fine = not any(one.required and one.state is State.FAILED for _, one in found)
        return _answer(fine, {"defences": states, "down": down})

    return {"/livez": live, "/readyz": ready}


def serve(counts: Counts, address: str) -> Server:
    """Serve them alone on `host:port`. Raises ConfigError: see `Server`."""
    return Server(counts, address, pages(counts), setting="watch.health")


def _answer(fine: bool, details: dict[str, Any]) -> Answer:
    document = {"status": "ok" if fine else "unavailable", **details}
    body = json.dumps(document, indent=2).encode() + b"\n"
    return Answer(200 if fine else 503, "application/json", body)
