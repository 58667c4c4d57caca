from __future__ import annotations

from pathlib import Path

from stockade.watch.metrics.held import Held


def test_one_process_holds_a_lock_once(tmp_path: Path) -> None:
    held = Held.take(tmp_path / "port")
    assert held is not None
    assert Held.take(tmp_path / "port") is None
    held.release()
    again = Held.take(tmp_path / "port")
    assert again is not None
    again.release()
