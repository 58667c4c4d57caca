from __future__ import annotations

import sqlite3

import pytest

from stockade.core.health import OK, State
from stockade.firewall.condition import probe
from stockade.firewall.sinks import sqlite
from tests.conftest import Switch


def test_a_guard_that_somebody_undid_is_a_failed_defence(
    firewall: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with firewall("block") as guards:
        look = probe(guards)
        assert look() == OK
        with monkeypatch.context() as undo:
            undo.setattr(sqlite3, "connect", sqlite._original_connect)
            assert guards.unguarded() == ("sql",)
            assert look().state is State.FAILED
        assert look() == OK


def test_what_is_off_is_not_missed(firewall: Switch) -> None:
    with firewall("block", sql="off", shell="off", argument="off") as guards:
        assert guards.unguarded() == ()
        assert probe(guards)() == OK


def test_a_detector_that_fails_degrades(firewall: Switch) -> None:
    with firewall("block") as guards:
        look = probe(guards)
        assert look() == OK
        guards.path.failed += 1
        assert look().state is State.DEGRADED
