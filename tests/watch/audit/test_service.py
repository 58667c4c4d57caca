"""The audit log as `Stockade.start` sets it up."""

from __future__ import annotations

import json
from pathlib import Path

from stockade import Stockade
from stockade.core.bus import emit
from stockade.core.config import CryptoSettings, Settings, StoreSettings, WatchSettings
from stockade.core.context import RequestContext, running
from stockade.core.events import Outcome
from stockade.watch.audit.note import Note
from stockade.watch.audit.reading import entries
from tests.watch.audit.logs import findings


def test_a_service_from_start_to_end(tmp_path: Path) -> None:
    settings = Settings(
        crypto=CryptoSettings(keyring="keys.json"),
        store=StoreSettings(url="memory"),
        watch=WatchSettings(
            log=str(tmp_path / "log.jsonl"),
            audit="audit",
            audit_origin="clinic.example/audit",
            audit_personal="sealed",
            audit_keys="persons.db",
            heartbeat=0.0,
            run="",
        ),
    )
    stockade = Stockade(settings, folder=tmp_path)
    stockade.start()
    with running(RequestContext("r-1", "192.0.2.77")):
        emit(
            "authz_fail", Outcome.BLOCKED, "access", "You may not do this.", principal="account-ann"
        )
    stockade.throttle.throttle("192.0.2.99", "fp-of-an-account", seconds=60, reason="test.rule")
    stockade.close()
    logged = [json.loads(entry) for entry in entries(tmp_path / "audit")]
    [denied] = [one for one in logged if one["name"] == "authz_fail"]
    assert stockade.persons.open(denied["principal"]) == "account-ann"
    assert stockade.persons.open(denied["client"]) == "192.0.2.77"
    [throttled] = [one for one in logged if one["name"] == "client_throttled"]
    assert stockade.persons.open(throttled["client"]) == "192.0.2.99"
    for path in (tmp_path / "audit").rglob("*"):
        assert path.is_dir() or b"192.0.2.99" not in path.read_bytes()
    told = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    kept = [one["details"] for one in told if one["name"] == "audit_checkpoint"]
    assert kept[-1]["origin"] == "clinic.example/audit"
    assert kept[-1]["size"] == len(logged)
    notes = [Note.parse(one["checkpoint"].encode()) for one in kept]
    assert findings(tmp_path / "audit" / "log", notes) == []
    assert [one["client"] for one in told if one["name"] == "authz_fail"] == ["192.0.2.77"]
