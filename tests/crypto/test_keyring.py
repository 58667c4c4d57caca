from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.core.errors import CryptoError
from stockade.core.events import Event
from stockade.crypto import Keyring, KeyState
from stockade.crypto import keyring as keyring_module


def file_of(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "keys.json"


def key_material(path: Path) -> list[bytes]:
    keys = json.loads(path.read_text())["keys"]
    return [base64.b64decode(key["material"]) for key in keys if "material" in key]


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events]


def test_life_of_a_key_is_told(tmp_path: Path, audit_events: list[Event]) -> None:
    keyring = Keyring.open(file_of(tmp_path), create=True)
    first = keyring.keys.primary("seal")
    second = keyring.rotate()
    assert keyring.keys.primary("seal").id == second.id != first.id
    keyring.deactivate(first.id)
    keyring.destroy(first.id)
    assert names(audit_events) == [
        *["key_created"] * 3, "key_rotated", "key_deactivated", "key_destroyed",
    ]  # fmt: skip
    assert audit_events[3].details == {"key_id": second.id, "purpose": "seal"}
    assert audit_events[5].details == {"key_id": first.id, "purpose": "seal"}
    assert [k.state for k in keyring.inventory() if k.id == first.id] == [KeyState.DESTROYED]
    assert [k.id for k in Keyring.open(file_of(tmp_path)).inventory()] == [
        k.id for k in keyring.inventory()
    ]


def test_create_keeps_keys_that_are_there(tmp_path: Path) -> None:
    sealed = Keyring.open(file_of(tmp_path), create=True).sealer("t", "c").seal(b"x")
    assert Keyring.open(file_of(tmp_path), create=True).sealer("t", "c").open(sealed) == b"x"


def test_rotation_old_and_new_records_open(keyring: Keyring) -> None:
    sealer = keyring.sealer("t", "c")
    old = sealer.seal(b"old")
    keyring.rotate()
    new = sealer.seal(b"new")
    assert old[1:33] != new[1:33]
    assert (sealer.open(old), sealer.open(new)) == (b"old", b"new")
    assert sealer.needs_reseal(old)
    assert not sealer.needs_reseal(new)


def test_deactivated_key_still_opens_records(keyring: Keyring) -> None:
    sealed = keyring.sealer("t", "c").seal(b"x")
    first = keyring.keys.primary("seal").id
    keyring.rotate()
    keyring.deactivate(first)
    assert keyring.sealer("t", "c").open(sealed) == b"x"


def test_destroyed_key_opens_nothing_even_from_the_cache(keyring: Keyring) -> None:
    sealer = keyring.sealer("t", "c")
    first = keyring.keys.primary("seal").id
    sealed = sealer.seal(b"x")
    keyring.rotate()
    kept = sealer.seal(b"kept")
    # The cache really holds it: with an empty ring behind it, it would still open.
    assert sealer.open(sealed) == b"x"
    ciphers = sealer._ciphers
    assert ciphers is not None
    keyring.destroy(first)
    assert ciphers.decrypt(sealed[:45])(sealed[45:57], sealed[57:], b"") == b"x"
    with pytest.raises(CryptoError, match="destroyed"):
        sealer.open(sealed)
    assert sealer.open(kept) == b"kept"


def test_destroyed_material_leaves_the_file(tmp_path: Path) -> None:
    keyring = Keyring.open(file_of(tmp_path), create=True)
    first = keyring.keys.primary("seal")
    material = first.reveal()
    keyring.rotate()
    assert material in key_material(file_of(tmp_path))
    keyring.destroy(first.id)
    assert material not in key_material(file_of(tmp_path))


def test_a_primary_key_is_not_withdrawn(keyring: Keyring, audit_events: list[Event]) -> None:
    for change in (keyring.destroy, keyring.deactivate):
        with pytest.raises(CryptoError, match="rotate first"):
            change(keyring.keys.primary("seal").id)
        with pytest.raises(CryptoError, match="no key with this id"):
            change("0" * 16)
    assert names(audit_events).count("defence_failed") == 4


def test_a_keyring_that_cannot_be_opened_or_made_is_told(
    tmp_path: Path, audit_events: list[Event]
) -> None:
    with pytest.raises(CryptoError, match="no key file"):
        Keyring.open(tmp_path / "absent.json")
    tmp_path.chmod(0o777)
    with pytest.raises(CryptoError, match="may be written"):
        Keyring.open(tmp_path / "keys.json", create=True)
    assert [(event.name, event.rule) for event in audit_events] == [
        ("defence_failed", "crypto.keyfile")
    ] * 2


def test_unknown_purposes_are_refused(keyring: Keyring) -> None:
    with pytest.raises(CryptoError, match="seal, sign, mac"):
        keyring.rotate("seel")
    with pytest.raises(CryptoError, match="'sign' only"):
        keyring.signer("seal")


ROTATE = """
import sys
from stockade.crypto import Keyring
keyring = Keyring.open(sys.argv[1])
old = keyring.keys.primary("seal").id
keyring.rotate()
if sys.argv[2] == "destroy":
    keyring.destroy(old)
sys.stdout.buffer.write(keyring.sealer("t", "c").seal(b"from the other process"))
"""


def other_process(path: Path, what: str) -> bytes:
    command = [sys.executable, "-c", ROTATE, str(path), what]
    return subprocess.run(command, check=True, capture_output=True).stdout


def test_rotation_by_another_process_is_met_at_once(tmp_path: Path) -> None:
    keyring = Keyring.open(file_of(tmp_path), create=True)
    sealer = keyring.sealer("t", "c")
    own = sealer.seal(b"own")
    theirs = other_process(file_of(tmp_path), "rotate")
    keyring.check_at = float("inf")  # no periodic look: it must be the unknown key that tells
    assert sealer.open(theirs) == b"from the other process"
    assert sealer.open(own) == b"own"
    assert sealer.seal(b"x")[1:33] == theirs[1:33]


def test_destruction_by_another_process_is_seen_by_the_periodic_look(tmp_path: Path) -> None:
    keyring = Keyring.open(file_of(tmp_path), create=True)
    sealer = keyring.sealer("t", "c")
    own = sealer.seal(b"own")
    other_process(file_of(tmp_path), "destroy")
    keyring.check_at = float("inf")
    assert sealer.open(own) == b"own"  # within CHECK_SECONDS it still opens: this is documented
    keyring.check_at = 0.0
    with pytest.raises(CryptoError, match="destroyed"):
        sealer.open(own)
    assert keyring_module.CHECK_SECONDS == 1.0


def test_concurrent_changes_lose_no_key(tmp_path: Path) -> None:
    Keyring.open(file_of(tmp_path), create=True)
    rings = [Keyring.open(file_of(tmp_path)) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda ring=ring: [ring.rotate() for _ in range(3)])
        for ring in rings
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Keyring.open(file_of(tmp_path)).inventory()) == 3 + 4 * 3


def test_a_file_that_vanishes_is_told_once_and_service_goes_on(
    tmp_path: Path, audit_events: list[Event]
) -> None:
    keyring = Keyring.open(file_of(tmp_path), create=True)
    sealer = keyring.sealer("t", "c")
    sealed = sealer.seal(b"x")
    file_of(tmp_path).unlink()
    for _ in range(3):
        keyring.check_at = 0.0
        assert sealer.open(sealed) == b"x"
    assert names(audit_events).count("defence_failed") == 1


def test_a_file_that_becomes_malformed_is_told_and_not_adopted(
    tmp_path: Path, audit_events: list[Event]
) -> None:
    keyring = Keyring.open(file_of(tmp_path), create=True)
    sealed = keyring.sealer("t", "c").seal(b"x")
    file_of(tmp_path).write_bytes(file_of(tmp_path).read_bytes()[:-40])
    keyring.check_at = 0.0
    assert keyring.sealer("t", "c").open(sealed) == b"x"
    assert names(audit_events).count("defence_failed") == 1
    with pytest.raises(CryptoError, match="malformed"):
        keyring.rotate()


def shown_by(error: BaseException) -> str:
    assert error.__traceback__ is not None
    below_the_test = error.__traceback__.tb_next  # the test's own variables do hold keys
    captured = traceback.TracebackException(type(error), error, below_the_test, capture_locals=True)
    return "".join(captured.format()) + repr(error)


def test_no_key_bytes_in_tracebacks_even_with_locals(tmp_path: Path) -> None:
    keyring = Keyring.open(file_of(tmp_path), create=True)
    path = file_of(tmp_path)
    material = key_material(path)
    secrets = [m.hex() for m in material] + [base64.b64encode(m).decode() for m in material]
    secrets += [repr(m)[2:-1] for m in material]
    sealed = bytearray(keyring.sealer("t", "c").seal(b"x"))
    sealed[-1] ^= 1
    attempts: list[Callable[[], object]] = [
        lambda: keyring.sealer("t", "c").open(bytes(sealed)),
        lambda: keyring.sealer("t", "c").open(b"\x01" + bytes(80)),
        lambda: keyring.signer().verify(bytes(72), b""),
        lambda: keyring.mac().verify(b"", b""),
        lambda: keyring.destroy(keyring.keys.primary("mac").id),
        lambda: Keyring.open(path),  # malformed by now
    ]
    path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 9'))
    for attempt in attempts:
        with pytest.raises(CryptoError) as caught:
            attempt()
        shown = shown_by(caught.value)
        assert not [secret for secret in secrets if secret in shown]
    shown = repr(keyring) + repr(keyring.inventory()) + repr(vars(keyring))
    assert not [secret for secret in secrets if secret in shown]


def test_the_traceback_test_would_find_a_key() -> None:
    material = b"k" * 32

    def careless(key: bytes) -> None:
        raise CryptoError("careless")

    with pytest.raises(CryptoError) as caught:
        careless(material)
    assert "k" * 32 in shown_by(caught.value)


def test_ephemeral_keyrings_rotate_too() -> None:
    keyring = Keyring.ephemeral()
    sealed = keyring.sealer("t", "c").seal(b"x")
    keyring.rotate()
    assert keyring.sealer("t", "c").open(sealed) == b"x"
    with pytest.raises(CryptoError):
        Keyring.ephemeral().sealer("t", "c").open(sealed)


def test_import_pulls_in_no_database_and_no_web_framework() -> None:
    code = (
        "import sys; from stockade.crypto import Keyring; "
        "print([m for m in ('sqlalchemy','fastapi','starlette','pydantic') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"
