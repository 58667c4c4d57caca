from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stockade.core.bus import bus, emit
from stockade.core.context import RequestContext, running
from stockade.core.errors import CryptoError
from stockade.core.events import Outcome
from stockade.crypto import Keyring
from stockade.crypto.personal_keys import PersonalKeys
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.personal import UNSEALED, Personal
from stockade.watch.audit.reading import entries
from tests.watch.audit.logs import event, findings


@pytest.fixture
def persons(tmp_path: Path) -> PersonalKeys:
    keyring = Keyring.ephemeral()
    return PersonalKeys(
        tmp_path / "persons.db", keyring.sealer("audit", "persons"), keyring.mac("persons")
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
        def seal(self, subject: str, text: str) -> str:
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


def test_the_published_event_stays_as_it_was(persons: PersonalKeys) -> None:
    published = event(1, client="192.0.2.77")
    assert Personal(persons)(published).client.startswith("sealed:")
    assert published.client == "192.0.2.77"


def test_what_fails_while_it_seals_is_told_and_does_not_hang(
    tmp_path: Path, persons: PersonalKeys
) -> None:
    """Sealing fails with an event that the audit log seals in turn: in the same thread."""
    trail = AuditTrail(
        tmp_path / "audit",
        signer=Keyring.ephemeral().log_signer,
        seconds=0.01,
        prepare=Personal(persons),
    )
    bus.subscribe_audit(trail.append)
    (tmp_path / "persons.db").unlink()  # so that another keyring's key is found in its place
    other = Keyring.ephemeral()
    PersonalKeys(tmp_path / "persons.db", other.sealer("audit", "persons"), other.mac("persons"))
    with closing(sqlite3.connect(tmp_path / "persons.db")) as database, database:
        fingerprint = persons._fingerprints("ann")[0]
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
