from __future__ import annotations

from pathlib import Path

from stockade.core.health import OK, State
from stockade.stores import MemoryStore, SQLiteStore
from stockade.stores.condition import verdict


def test_a_store_that_answers_is_fine_and_a_broken_one_is_failed(tmp_path: Path) -> None:
    assert verdict(MemoryStore()) == OK
    file = tmp_path / "state.db"
    store = SQLiteStore(file)
    store.put("key", b"value")
    assert verdict(store) == OK
    store.close()
    file.write_bytes(b"no database at all, and long enough not to be an empty one" * 100)
    for beside in tmp_path.glob("state.db-*"):
        beside.unlink()
    assert verdict(store).state is State.FAILED
