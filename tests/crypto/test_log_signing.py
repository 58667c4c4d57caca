from __future__ import annotations

import pytest

from stockade.core.errors import CryptoError
from stockade.core.ports import LogSigner as Port
from stockade.crypto import Keyring
from stockade.crypto.signing import verify_detached


def test_it_signs_by_keys_that_sign_nothing_else() -> None:
    keyring = Keyring.ephemeral()
    signer: Port = keyring.log_signer("clinic.example/audit")
    [public] = signer.public_keys()
    signature = signer.sign(b"checkpoint", public)
    assert verify_detached(public, signature, b"checkpoint")
    assert not verify_detached(public, signature, b"other")
    assert public not in keyring.signer().public_keys().values()
    assert keyring.log_signer("other.example/audit").public_keys() != signer.public_keys()
    assert keyring.log_signer("clinic.example/audit").public_keys() == signer.public_keys()


def test_rotation_is_seen_and_a_withdrawn_key_signs_no_more() -> None:
    keyring = Keyring.ephemeral()
    signer = keyring.log_signer("origin")
    [old] = signer.public_keys()
    old_id = next(key.id for key in keyring.inventory() if key.purpose == "sign")
    keyring.rotate("sign")
    new, also = signer.public_keys()
    assert also == old != new
    assert verify_detached(old, signer.sign(b"x", old), b"x")
    keyring.deactivate(old_id)
    assert signer.public_keys() == (new,)
    assert signer.former_keys() == (old,)
    with pytest.raises(CryptoError, match="no active key"):
        signer.sign(b"x", old)
    keyring.destroy(old_id)
    assert signer.former_keys() == ()
