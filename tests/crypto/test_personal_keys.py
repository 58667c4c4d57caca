from __future__ import annotations

import base64
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from stockade.core.errors import CryptoError
from stockade.crypto import Keyring, personal_file
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


def test_two_keys_are_needed_and_either_can_be_forgotten(tmp_path: Path, keyring: Keyring) -> None:
    persons = opened(tmp_path, keyring)
    for gone, stays in (("address:1", "account:ann"), ("account:ann", "address:1")):
        sealed = persons.seal("address:1", "1", "account:ann")
        assert persons.open(sealed) == "1"
        assert persons.seal("address:1", "1", "account:ann") == sealed
        assert persons.forget(gone)
        assert persons.open(sealed) is None
        assert persons.forget(stays)


def test_a_text_that_looks_sealed_is_a_text(tmp_path: Path, keyring: Keyring) -> None:
    persons = opened(tmp_path, keyring)
    inner = persons.seal("account:eve", "text")
    assert persons.open(persons.seal("account:ann", inner)) == inner


def test_an_account_that_is_called_like_an_address(tmp_path: Path, keyring: Keyring) -> None:
    persons = opened(tmp_path, keyring)
    persons.seal("account:9.9.9.9", "account")
    assert persons.forget("9.9.9.9")  # there is only one of this name
    account = persons.seal("account:9.9.9.9", "account")
    address = persons.seal("address:9.9.9.9", "address")
    with pytest.raises(CryptoError, match="put `account:` or `address:` before it"):
        persons.forget("9.9.9.9")
    assert persons.open(account) == "account"
    assert persons.forget("address:9.9.9.9")
    assert persons.open(address) is None
    assert persons.open(account) == "account"
    assert not persons.forget("address:9.9.9.9")
    assert persons.forget("account:9.9.9.9")
    assert persons.open(account) is None


def failing(persons: PersonalKeys) -> bool:
    return persons.failing


@contextmanager
def other(path: Path, statement: str) -> Iterator[sqlite3.Connection]:
    """Somebody else has the file open, in a transaction."""
    with closing(sqlite3.connect(path / "state" / "persons.db", isolation_level=None)) as database:
        database.execute(statement)
        yield database


def test_a_reader_who_keeps_the_key_in_the_file_is_told_of(
    tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal_file, "_PATIENT_SECONDS", 0.1)
    persons = opened(tmp_path, keyring)
    sealed = persons.seal("ann", "text")
    [(_, _, key)] = stored(tmp_path)

    def is_there() -> bool:
        return any(key in file.read_bytes() for file in (tmp_path / "state").iterdir())

    with other(tmp_path, "BEGIN") as reader:
        reader.execute("SELECT * FROM keys").fetchall()
        for _ in range(2):  # the second finds nothing to delete, and does not say that all is well
            with pytest.raises(CryptoError, match="end what reads the file"):
                persons.forget("ann")
            assert is_there()
    assert persons.open(sealed) is None
    assert not persons.forget("ann")
    assert not is_there()


def test_a_locked_file_costs_one_request_a_moment(tmp_path: Path, keyring: Keyring) -> None:
    moment = 0.0
    persons = opened(tmp_path, keyring, clock=lambda: moment)
    known = persons.seal("ann", "text")
    with other(tmp_path, "BEGIN IMMEDIATE"):
        started = time.monotonic()
        for _ in range(50):  # 50 times five seconds, if each waited
            with pytest.raises(CryptoError, match="cannot be used"):
                persons.seal("bea", "text")
        assert time.monotonic() - started < 2.0
        assert failing(persons)
        assert persons.seal("ann", "text") == known
        # Nobody needs the lock to read the key of somebody who has one.
        moment = 61.0
        assert persons.seal("ann", "text") != known
        assert not failing(persons)
    assert persons.open(persons.seal("bea", "text")) == "text"


def test_it_tries_again_after_a_rest(tmp_path: Path, keyring: Keyring) -> None:
    moment = 0.0
    persons = opened(tmp_path, keyring, clock=lambda: moment)
    with other(tmp_path, "BEGIN IMMEDIATE"), pytest.raises(CryptoError, match="cannot be used"):
        persons.seal("bea", "text")
    with pytest.raises(CryptoError, match="a moment ago"):
        persons.seal("bea", "text")
    moment = 5.0
    assert persons.open(persons.seal("bea", "text")) == "text"
    assert not failing(persons)


def test_a_thread_that_waits_holds_up_nobody_whose_key_is_known(
    tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockade.crypto.personal_keys._QUEUE_SECONDS", 0.02)
    persons = opened(tmp_path, keyring)
    known = persons.seal("ann", "text")
    waits, go_on = threading.Event(), threading.Event()
    key_of = persons._file.key_of

    def hangs(subject: str, *, seconds: float) -> tuple[bytes, bytes]:
        waits.set()
        assert go_on.wait(30)
        return key_of(subject, seconds=seconds)

    monkeypatch.setattr(persons._file, "key_of", hangs)
    thread = threading.Thread(target=persons.seal, args=("bea", "text"))
    thread.start()
    assert waits.wait(30)
    assert persons.seal("ann", "text") == known
    with pytest.raises(CryptoError, match="takes too long"):
        persons.seal("cyd", "text")
    with pytest.raises(CryptoError, match="a moment ago"):
        persons.seal("cyd", "text")
    go_on.set()
    thread.join(30)
    assert not failing(persons)
