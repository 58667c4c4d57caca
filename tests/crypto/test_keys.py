from __future__ import annotations

import json
import pickle
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import CryptoError, SecretError
from stockade.core.secret import Secret
from stockade.crypto.keys import PURPOSES, KeySet, KeyState, decode, encode, new_key


def fresh() -> KeySet:
    keys = [new_key(purpose) for purpose in PURPOSES]
    return KeySet({key.id: key for key in keys}, {key.purpose: key.id for key in keys})


def test_document_round_trip() -> None:
    keys = fresh().with_primary(new_key("seal"))
    old = next(k.id for k in keys.keys.values() if k.id not in keys.primaries.values())
    keys = keys.with_state(old, KeyState.DESTROYED)
    read = decode(Secret(encode(keys)))
    assert read is not None
    assert encode(read) == encode(keys)
    assert read.keys[old].material is None
    for key_id, key in keys.keys.items():
        if key_id != old:
            assert read.keys[key_id].reveal() == key.reveal()


def edited(change: Any) -> Secret[bytes]:
    document = json.loads(encode(fresh()))
    change(document)
    return Secret(json.dumps(document).encode())


MALFORMED = {
    "no keys": lambda d: d.update(keys=[]),
    "other version": lambda d: d.update(version=2),
    "other format": lambda d: d.update(format="x"),
    "unknown member": lambda d: d.update(extra=1),
    "short key": lambda d: d["keys"][0].update(material="AAAA"),
    "no material": lambda d: d["keys"][0].pop("material"),
    "not base64": lambda d: d["keys"][0].update(material="!!!"),
    "odd id": lambda d: d["keys"][0].update(id="../../etc"),
    "odd state": lambda d: d["keys"][0].update(state="suspended"),
    "same id twice": lambda d: d["keys"].append(d["keys"][0]),
    "primary unknown": lambda d: d["primary"].update(seal="0" * 16),
    "primary missing": lambda d: d["primary"].pop("mac"),
    "primary of another purpose": lambda d: d["primary"].update(seal=d["primary"]["mac"]),
    "primary deactivated": lambda d: d["keys"][0].update(state="deactivated"),
    "naive time": lambda d: d["keys"][0].update(created="2026-01-01T00:00:00"),
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_documents_are_refused(change: Any) -> None:
    assert decode(edited(lambda _: None)) is not None
    assert decode(edited(change)) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_without_an_exception(data: bytes) -> None:
    assert decode(Secret(data)) is None


@given(st.data())
def test_truncated_documents_are_refused(data: st.DataObject) -> None:
    document = encode(fresh())
    cut = data.draw(st.integers(0, len(document) - 3))
    assert decode(Secret(document[:cut])) is None


def test_a_key_shows_itself_nowhere() -> None:
    key = new_key("seal")
    shown = repr(key) + str(key) + f"{key}" + repr(fresh())
    assert repr(key.reveal())[2:-1] not in shown
    assert key.reveal().hex() not in shown
    assert key.reveal() not in [getattr(value, "value", value) for value in asdict(key).values()]
    assert "redacted" in repr(asdict(key))
    with pytest.raises(SecretError):
        pickle.dumps(key)


def test_a_destroyed_key_reveals_nothing() -> None:
    keys = fresh()
    old = keys.primaries["sign"]
    keys = keys.with_primary(new_key("sign")).with_state(old, KeyState.DESTROYED)
    with pytest.raises(CryptoError, match="was destroyed"):
        keys.keys[old].reveal()
    with pytest.raises(CryptoError, match="destroyed already"):
        keys.with_state(old, KeyState.DEACTIVATED)
