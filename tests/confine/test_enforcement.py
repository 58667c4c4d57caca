from __future__ import annotations

import json
import subprocess
import sys

import pytest

from stockade.confine import kernel, layers
from stockade.confine.enforcement import announce, enforce
from stockade.confine.report import Layer, Report, State
from stockade.core.bus import bus
from stockade.core.config import ConfineSettings
from stockade.core.errors import Confined
from stockade.core.events import Event

PROGRAM = """
import json, threading
from stockade import confine
from stockade.core.bus import bus
from stockade.core.config import ConfineSettings
seen = []
bus.subscribe(seen.extend)
{before}
try:
    confine.apply(ConfineSettings(required={required}))
    raised = ""
except Exception as error:
    raised = f"{{type(error).__name__}}: {{error}}"
bus.flush()
print(json.dumps([raised, [[event.name, event.outcome, event.details] for event in seen]]))
"""
LATE = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
linux = pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux only")


def run(
    before: str = "", *, required: bool
) -> tuple[str, list[tuple[str, str, dict[str, object]]]]:
    program = PROGRAM.format(before=before, required=required)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    raised, events = json.loads(done.stdout)
    return raised, events


@linux
def test_a_report_names_what_holds_and_what_does_not() -> None:
    raised, events = run(required=True)
    assert raised == ""
    [(name, outcome, details)] = events
    assert (name, outcome) == ("confine_report", "allowed")
    assert details["layers"] == dict.fromkeys(
        ("no_new_privileges", "no_core_dumps", "memory_unreadable", "umask"), "applied"
    )
    said = str(details["open"])
    assert all(word in said for word in ("files:", "network:", "programs:"))


@linux
def test_a_thread_that_came_too_early_counts_as_missing_and_stops_a_required_start() -> None:
    raised, events = run(LATE, required=True)
    assert raised.startswith("Confined: confine.required is set")
    found = {name: details for name, _, details in events}
    assert sorted(found) == ["confine_missing", "confine_report"]
    assert found["confine_missing"]["layer"] == "no_new_privileges"
    assert run(LATE, required=False)[0] == ""


def test_another_system_is_told_so_and_refused_where_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kernel, "LINUX", False)
    monkeypatch.setattr(layers, "_no_core_dumps", lambda: (State.APPLIED, ""))  # irrevocable
    monkeypatch.setattr(layers, "_umask", lambda mask: (State.APPLIED, ""))
    report = enforce(ConfineSettings())
    assert [layer.name for layer in report.missing] == ["no_new_privileges", "memory_unreadable"]
    assert all("not Linux" in layer.detail for layer in report.missing)
    with pytest.raises(Confined, match="not Linux"):
        enforce(ConfineSettings(required=True))


def test_every_missing_layer_is_an_event() -> None:
    seen: list[Event] = []
    bus.flush()
    bus.subscribe_audit(seen.append)
    try:
        announce(Report((Layer("umask", State.MISSING, "why"), Layer("x", State.OFF, "")), ()))
    finally:
        bus.unsubscribe(seen.append)
    assert [(event.name, event.details["layer"]) for event in seen] == [
        ("confine_missing", "umask")
    ]
