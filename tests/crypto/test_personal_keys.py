from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stockade.core.errors import CryptoError
from stockade.crypto import Keyring
from stockade.crypto.personal_keys import PREFIX, PersonalKeys


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.ephemeral()


def opened(path: Path, keyring: Keyring, **options: object) -> PersonalKeys:
    return PersonalKeys(
        path / "state" / "persons.db",
        keyring.sealer("audit", "persons"),
        keyring.mac("persons"),
        **options,  # type: ignore[arg-type]
    )


def stored(path: Path) -> list[tuple[bytes, bytes, bytes]]:
    with closing(sqlite3.connect(path / "state" / "persons.db")) as database:
        return database.execute("SELECT id, subject, key FROM keys").fetchall()


def test_another_process_opens_what_one_has_sealed(tmp_path: Path, keyring: Keyring) -> None:
    sealed = opened(tmp_path, keyring).seal("ann", "192.0.2.7")
    assert opened(tmp_path, keyring).open(sealed) == "192.0.2.7"
    again = opened(tmp_path, keyring).seal("ann", "192.0.2.7")
    assert again != sealed
    assert len(stored(tmp_path)) == 1


def test_the_file_names_nobody_and_holds_no_bare_key(tmp_path: Path, keyring: Keyring) -> None:
    persons = opened(tmp_path, keyring)
    persons.seal("ann@example.org", "text")
    folder = tmp_path / "state"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "persons.db").stat().st_mode & 0o777 == 0o600
    assert b"ann@example" not in b"".join(file.read_bytes() for file in folder.iterdir())
    [(_, _, key)] = stored(tmp_path)
    with pytest.raises(CryptoError):
        opened(tmp_path, Keyring.ephemeral()).open(persons.seal("ann@example.org", "text"))
    assert len(key) > 32


def test_forgetting_leaves_no_trace_of_the_key_in_the_files(
    tmp_path: Path, keyring: Keyring
) -> None:
    persons = opened(tmp_path, keyring)
    sealed = persons.seal("ann", "192.0.2.7")
    persons.seal("bea", "192.0.2.8")
    key = next(row[2] for row in stored(tmp_path) if persons.open(sealed) is not None)
    here = [row for row in stored(tmp_path) if row[0] == base64.b64decode(sealed[7:])[:8]]
    key = here[0][2]
    files = list((tmp_path / "state").iterdir())
    assert any(key in file.read_bytes() for file in files)
    assert persons.forget("ann")
    assert not any(key in file.read_bytes() for file in (tmp_path / "state").iterdir())
    assert persons.open(sealed) is None
    assert not persons.forget("ann")
    fresh = persons.seal("ann", "192.0.2.7")
    assert persons.open(fresh) == "192.0.2.7"
    assert persons.open(sealed) is None


def test_another_process_lets_go_of_a_forgotten_key_within_a_minute(
    tmp_path: Path, keyring: Keyring
) -> None:
    moment = 0.0
    here = opened(tmp_path, keyring)
    there = opened(tmp_path, keyring, clock=lambda: moment)
    there.seal("ann", "text")
    here.forget("ann")
    assert here.open(there.seal("ann", "other text")) is None
    moment = 61.0
    assert here.open(there.seal("ann", "other text")) == "other text"


def test_it_outlives_a_rotation_of_the_keyring(tmp_path: Path, keyring: Keyring) -> None:
    sealed = opened(tmp_path, keyring).seal("ann", "text")
    for purpose in ("seal", "mac"):
        keyring.rotate(purpose)
    persons = opened(tmp_path, keyring)
    persons.seal("ann", "text")
    assert persons.open(sealed) == "text"
    assert len(stored(tmp_path)) == 1
    assert persons.forget("ann")
    assert persons.open(sealed) is None


@pytest.mark.parametrize("sealed", ["", "text", PREFIX, PREFIX + "AAAA", PREFIX + "\u00e9"])
def test_what_is_not_sealed_is_refused(tmp_path: Path, keyring: Keyring, sealed: str) -> None:
    with pytest.raises(CryptoError):
        opened(tmp_path, keyring).open(sealed)


def test_what_was_changed_is_refused(tmp_path: Path, keyring: Keyring) -> None:
    persons = opened(tmp_path, keyring)
    data = bytearray(base64.b64decode(persons.seal("ann", "text").removeprefix(PREFIX)))
    data[-1] ^= 1
    with pytest.raises(CryptoError, match="changed"):
        persons.open(PREFIX + base64.b64encode(data).decode())


def test_a_file_that_is_no_database_says_so(tmp_path: Path, keyring: Keyring) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "persons.db").write_bytes(b"no database" * 100)
    with pytest.raises(CryptoError, match="cannot be used"):
        opened(tmp_path, keyring)
