"""Apply the layers, tell the event stream, refuse to go on where a required layer is missing."""

from __future__ import annotations

from stockade.confine.layers import apply_all
from stockade.confine.report import Report, open_doors
from stockade.core.bus import emit
from stockade.core.config import ConfineSettings
from stockade.core.errors import Confined
from stockade.core.events import Outcome

__all__ = ["announce", "apply", "enforce"]


def apply(settings: ConfineSettings) -> Report:
    """Confine this process for good, and publish the report as events.

    Calling it again changes nothing that already holds. Raises Confined when `settings.required`
    and a layer is missing, ConfigError for a umask that is none.
    """
    report = _confine(settings)
    announce(report)
    return _insist(report, settings)


def enforce(settings: ConfineSettings) -> Report:
    """As `apply`, without events: for a process whose bus nobody listens to."""
    return _insist(_confine(settings), settings)


def announce(report: Report) -> None:
    """Publish `confine_report`, and a `confine_missing` for each layer that does not hold."""
    emit(
        "confine_report",
        Outcome.FAILED if report.missing else Outcome.ALLOWED,
        "confine",
        "This is what confines the process, and what does not.",
        **report.details(),
    )
    for layer in report.missing:
        emit(
            "confine_missing",
            Outcome.FAILED,
            "confine",
            "A layer of confinement that the configuration asks for does not hold.",
            layer=layer.name,
            why=layer.detail,
        )


def _confine(settings: ConfineSettings) -> Report:
    return Report(tuple(apply_all(settings)), open_doors())


def _insist(report: Report, settings: ConfineSettings) -> Report:
    if settings.required and report.missing:
        names = "; ".join(f"{layer.name}: {layer.detail}" for layer in report.missing)
        raise Confined(
            f"confine.required is set and not every layer holds ({names}); mend it, switch the "
            "layer off in [confine], or set required = false"
        )
    return report
