"""Whether the sinks are guarded, and their detectors work: a probe for `core.health`."""

from __future__ import annotations

from stockade.core.health import OK, Grown, Probe, State, Verdict
from stockade.firewall.firewall import Firewall

__all__ = ["probe"]


def probe(firewall: Firewall) -> Probe:
    """Failed where a sink that should be guarded is not, degraded while a detector fails."""
    fails = Grown()

    def look() -> Verdict:
        if firewall.unguarded():
            return Verdict(State.FAILED, "A sink is no longer guarded.")
        if fails(sum(guard.failed for guard in firewall.guards)):
            return Verdict(State.DEGRADED, "A detector failed; what it could not judge is refused.")
        return OK

    return look
