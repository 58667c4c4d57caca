from __future__ import annotations

from pathlib import Path

import pytest

from stockade.core.health import OK, State
from stockade.crypto import Keyring
from stockade.crypto.condition import readings, verdict


def test_a_key_file_that_became_unreadable_degrades_and_its_return_mends(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    keyring = Keyring.open(file, create=True)
    assert verdict(keyring) == OK
    whole = file.read_bytes()
    file.write_bytes(whole[:50])
    assert verdict(keyring).state is State.DEGRADED
    assert keyring.sealer("a", "b").seal(b"still")
    file.write_bytes(whole)
    assert verdict(keyring) == OK


def test_its_numbers_are_ages_and_counts_and_no_material() -> None:
    keyring = Keyring.ephemeral()
    first = keyring.keys.primary("seal")
    second = keyring.rotate("seal")
    found = {(name, *labels): value for name, labels, value in readings(keyring)}
    created = found["key_created_timestamp_seconds", "seal"]
    assert created == second.created.timestamp()
    assert found["keys", "seal", "active"] == 2
    keyring.destroy(first.id)
    found = {(name, *labels): value for name, labels, value in readings(keyring)}
    assert (found["keys", "seal", "active"], found["keys", "seal", "destroyed"]) == (1, 1)
    with pytest.raises(KeyError):
        found["keys", "sign", "destroyed"]
