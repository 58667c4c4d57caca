"""The harness: every subject writes the ten fields, ours masks, and a growing process is found."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchmarks import log_libraries, watch
from stockade.watch.log import JsonLog


def test_a_line_of_ours_has_the_same_ten_fields_and_no_live_secret(tmp_path: Path) -> None:
    event = watch.event()
    event.reason = watch.SECRETS.values()[7]
    log = JsonLog(tmp_path / "log", secrets=watch.SECRETS)
    log([event, watch.event()])
    log.close()
    masked, record = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert masked["reason"] == "[redacted]"
    said = {*map(str, record.values()), *map(str, record["details"].values())}
    assert {str(value) for value in log_libraries.FIELDS.values()} <= said
    assert len(log_libraries.FIELDS) == 10
    assert len(watch.SECRETS.values()) >= 50


def test_the_others_write_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "lines"
    monkeypatch.setattr(os, "devnull", str(written))
    names = []
    for name, cost in log_libraries.costs(2):
        written.write_bytes(b"")
        assert cost() > 0
        names.append(name)
    assert len(names) == 4
    with log_libraries.structlog() as (log, _):
        log()
    record = json.loads(written.read_text().splitlines()[-1])
    assert log_libraries.FIELDS.items() <= record.items()


def test_memory_that_grows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter((0, 1 << 30))
    monkeypatch.setattr(watch, "_EVENTS", 2 * watch._LINES)
    monkeypatch.setattr(watch, "_resident", lambda: next(sizes))
    with pytest.raises(AssertionError, match="left 1073741824 bytes"):
        watch._growth()
