from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from stockade.access import StoreThrottle
from stockade.core.bus import bus, emit
from stockade.core.context import RequestContext, running
from stockade.core.errors import CryptoError
from stockade.core.events import Outcome
from stockade.crypto import Keyring
from stockade.crypto.personal_keys import PersonalKeys
from stockade.stores import MemoryStore
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.personal import UNSEALED, Personal
from stockade.watch.audit.reading import entries
from tests.watch.audit.logs import event, findings


@pytest.fixture
def persons(tmp_path: Path) -> PersonalKeys:
    return of(Keyring.ephemeral(), tmp_path)


def of(keyring: Keyring, folder: Path) -> PersonalKeys:
    return PersonalKeys(
        folder / "persons.db", keyring.sealer("audit", "persons"), keyring.mac("persons")
    )


def logged(folder: Path) -> list[dict[str, str]]:
    decoded = [json.loads(entry) for entry in entries(folder)]
    return [one for one in decoded if one["name"] == "authz_fail"]


def whole(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_who_forgets_the_key_forgets_the_person_and_the_log_still_holds(
    tmp_path: Path, persons: PersonalKeys
) -> None:
    signer = Keyring.ephemeral().log_signer
    plain = AuditTrail(tmp_path / "plain", signer=signer, seconds=0.01)
    sealed = AuditTrail(tmp_path / "sealed", signer=signer, seconds=0.01, prepare=Personal(persons))
    for trail in (plain, sealed):
        trail.append(event(1, client="192.0.2.77", principal="account-ann"))
        trail.append(event(2, client="192.0.2.77", principal="account-ann"))
        trail.append(event(3, client="192.0.2.88"))
        trail.append(event(4))
        trail.close()
    for word in (b"192.0.2.77", b"account-ann", b"192.0.2.88"):
        assert word in whole(tmp_path / "plain")
        assert word not in whole(tmp_path / "sealed")
    first, second, third, fourth = logged(tmp_path / "sealed")
    assert persons.open(first["client"]) == "192.0.2.77"
    assert persons.open(second["principal"]) == "account-ann"
    assert first["principal"] == second["principal"]
    assert persons.open(third["client"]) == "192.0.2.88"
    assert (fourth["client"], fourth["principal"]) == ("", "")
    assert sealed.sequencer.last is not None
    assert persons.forget("account-ann")
    assert persons.open(first["client"]) is None
    assert persons.open(second["principal"]) is None
    assert persons.open(third["client"]) == "192.0.2.88"
    assert findings(tmp_path / "sealed" / "log", [sealed.sequencer.last.note]) == []


def test_what_cannot_be_sealed_is_lost_and_not_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        failing = True

        def seal(self, subject: str, text: str, *also: str) -> str:
            raise CryptoError("the keys of persons cannot be used")

        def open(self, sealed: str) -> str | None:
            return None

        def forget(self, subject: str) -> bool:
            return False

    personal = Personal(Broken())
    for number in range(5):
        changed = personal(event(number, client="192.0.2.77", principal="account-ann"))
        assert (changed.client, changed.principal) == (UNSEALED, UNSEALED)
    assert personal.failures == 5
    assert len(capsys.readouterr().err.splitlines()) == 3  # the 1st, 2nd and 4th


def audited(folder: Path, persons: PersonalKeys, work: Callable[[], object]) -> None:
    trail = AuditTrail(
        folder, signer=Keyring.ephemeral().log_signer, seconds=0.01, prepare=Personal(persons)
    )
    bus.subscribe_audit(trail.append)
    try:
        work()
    finally:
        bus.unsubscribe(trail.append)
        trail.close()


def test_an_address_is_forgotten_wherever_it_stands(tmp_path: Path, persons: PersonalKeys) -> None:
    """Also where sign-in named somebody, by a fingerprint that nobody would give to `forget`."""
    keyring = Keyring.ephemeral()

    def events() -> None:
        with running(RequestContext("r-1", "192.0.2.77")):
            named = keyring.mac("sign-in").fingerprint("name:ann")
            emit("authz_fail", Outcome.BLOCKED, "access", "No.", principal=named)
            emit("authz_fail", Outcome.BLOCKED, "access", "No.", principal="ann-7")
        with running(RequestContext("r-2", "192.0.2.88")):
            emit("authz_fail", Outcome.BLOCKED, "access", "No.", principal="ann-7")
        # Detection throttles on a thread of its own, for no request.
        throttle = StoreThrottle(MemoryStore(), keyring.mac("throttle"))
        throttle.throttle("192.0.2.77", "fp-ann", seconds=30.0, reason="watch.detection")

    audited(tmp_path / "audit", persons, events)
    decoded = [json.loads(entry) for entry in entries(tmp_path / "audit")]
    [throttled] = [one for one in decoded if one["name"] == "client_throttled"]
    first, session, elsewhere = logged(tmp_path / "audit")
    assert b"192.0.2.77" not in whole(tmp_path / "audit")
    for one in (first, session, throttled):
        assert persons.open(one["client"]) == "192.0.2.77"
    assert persons.forget("192.0.2.77")
    for one in (first, session, throttled):
        assert persons.open(one["client"]) is None
    assert persons.open(session["principal"]) == "ann-7"
    assert persons.open(elsewhere["client"]) == "192.0.2.88"
    assert persons.forget("ann-7")
    assert persons.open(elsewhere["client"]) is None
    assert persons.open(session["principal"]) is None


def test_a_failure_that_ends_is_told_and_the_next_one_too(
    persons: PersonalKeys, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 0.0
    personal = Personal(persons, clock=lambda: moment)
    seal = persons.seal

    def broken(subject: str, text: str, *also: str) -> str:
        raise CryptoError("the keys of persons cannot be used")

    for start in (0.0, 100.0):
        moment = start
        monkeypatch.setattr(persons, "seal", broken)
        monkeypatch.setattr(persons, "failing", True)
        personal(event(1, client="192.0.2.77"))
        assert "cannot be sealed" in capsys.readouterr().err
        monkeypatch.setattr(persons, "seal", lambda subject, text, *also: "sealed:from memory")
        moment = start + 50.0
        assert personal(event(2, client="192.0.2.77")).client.startswith("sealed:")
        assert capsys.readouterr().err == ""  # the file is not better for that
        monkeypatch.setattr(persons, "seal", seal)
        monkeypatch.setattr(persons, "failing", False)
        personal(event(3, client="192.0.2.77"))
        personal(event(4, client="192.0.2.77"))
        assert capsys.readouterr().err.count("sealed again") == 1


def test_the_published_event_stays_as_it_was(persons: PersonalKeys) -> None:
    published = event(1, client="192.0.2.77")
    assert Personal(persons)(published).client.startswith("sealed:")
    assert published.client == "192.0.2.77"


def test_what_fails_while_it_seals_is_told_and_does_not_hang(tmp_path: Path) -> None:
    """Sealing fails with an event that the audit log seals in turn: in the same thread."""
    keyring = Keyring.ephemeral()
    persons = of(keyring, tmp_path)
    trail = AuditTrail(
        tmp_path / "audit",
        signer=Keyring.ephemeral().log_signer,
        seconds=0.01,
        prepare=Personal(persons),
    )
    bus.subscribe_audit(trail.append)
    (tmp_path / "persons.db").unlink()  # so that another keyring's key is found in its place
    of(Keyring.ephemeral(), tmp_path)
    with closing(sqlite3.connect(tmp_path / "persons.db")) as database, database:
        [fingerprint] = keyring.mac("persons").candidates(b"account:ann")
        database.execute("INSERT INTO keys VALUES (?, ?, ?)", (b"12345678", fingerprint, b"x" * 90))
    try:
        with running(RequestContext("r-1", "192.0.2.7")):
            emit("authz_fail", Outcome.BLOCKED, "access", "No.", principal="ann")
    finally:
        bus.unsubscribe(trail.append)
        trail.close()
    told = [json.loads(entry) for entry in entries(tmp_path / "audit")]
    assert {"crypt_decrypt_fail", "defence_failed", "authz_fail"} <= {one["name"] for one in told}
    assert b'"ann"' not in whole(tmp_path / "audit")
