from __future__ import annotations

from pathlib import Path

import pytest

from stockade.core.errors import AuditError
from stockade.core.events import now
from stockade.crypto import Keyring
from stockade.watch.audit.log import AuditTrail
from stockade.watch.audit.note import COSIGNATURE, Note, Signature, VerifierKey
from stockade.watch.audit.storage import Directory
from stockade.watch.audit.verification import MOST_FINDINGS, Verification
from tests.watch.audit import logs


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> logs.Made:
    return logs.make(tmp_path_factory.mktemp("verified") / "audit", 3_000)


def interrupted(made: logs.Made, bundles: int) -> bytes:
    """The state of a run that ended after so many bundles."""
    verification = Verification(Directory(made.log), earlier=made.kept)
    steps = verification.steps()
    for _ in range(bundles):
        next(steps)
    return verification.state()


@pytest.mark.parametrize("bundles", [1, 4, 11])
def test_an_interrupted_run_goes_on(made: logs.Made, bundles: int) -> None:
    verification = Verification(Directory(made.log), earlier=made.kept)
    verification.resume(interrupted(made, bundles))
    assert verification.verified == bundles * 256
    for _ in verification.steps():
        pass
    assert (verification.findings, verification.earlier.anchored) == ([], True)
    assert verification.verified == made.size


def test_what_was_found_before_the_interruption_is_not_forgotten(
    made: logs.Made, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    made.rebuild(logs.flip(made.entries(), 30), log, None)
    verification = Verification(Directory(log), earlier=made.kept)
    steps = verification.steps()
    for _ in range(6):
        next(steps)
    again = Verification(Directory(made.log), earlier=made.kept)
    again.resume(verification.state())
    for _ in again.steps():
        pass
    assert again.findings


def test_a_state_does_not_serve_other_checkpoints(made: logs.Made) -> None:
    verification = Verification(Directory(made.log), earlier=made.kept)
    steps = Verification(Directory(made.log)).steps()
    state = Verification(Directory(made.log))
    for _ in range(8):
        next(steps)
    other = Verification(Directory(made.log))
    walk = other.steps()
    for _ in range(8):
        next(walk)
    with pytest.raises(AuditError, match="past one of these"):
        verification.resume(other.state())
    for data in (b"", b"{}", b"[]", state.state()[:-2]):
        with pytest.raises(AuditError, match="no state"):
            Verification(Directory(made.log)).resume(data)


def test_findings_are_bounded_and_the_rest_is_counted(made: logs.Made, tmp_path: Path) -> None:
    log = tmp_path / "log"
    entries = made.entries()
    made.rebuild(entries, log, None)
    from stockade.watch.audit import tiles

    (log / tiles.entries_path(3)).write_bytes(
        tiles.pack([entry + b" " for entry in entries[768:1024]])
    )
    verification = Verification(Directory(log))
    for _ in verification.steps():
        pass
    assert len(verification.findings) == MOST_FINDINGS
    assert verification.untold == 256 + 2 - MOST_FINDINGS  # the tile above, and the root


def test_memory_stays_flat(made: logs.Made) -> None:
    import tracemalloc

    verification = Verification(Directory(made.log), earlier=made.kept)
    steps = verification.steps()
    next(steps)
    tracemalloc.start()
    for _ in steps:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_folder_without_a_log_is_a_finding(tmp_path: Path) -> None:
    assert logs.findings(tmp_path) == [
        "the log has no checkpoint: it was removed, or this is no log"
    ]


def newest(trail: AuditTrail) -> tuple[Note, VerifierKey]:
    assert trail.sequencer.last is not None
    return trail.sequencer.last.note, trail.sequencer.last.key


def test_a_log_that_was_pruned_before_and_after_its_key_changed(tmp_path: Path) -> None:
    """The first entry about keys that is left is then the change; what it names was removed."""
    keyring = Keyring.ephemeral()
    trail = AuditTrail(tmp_path, signer=keyring.log_signer, seconds=0.01)
    logs.fill(trail, 0, 600)
    first = newest(trail)
    assert trail.prune(now()) == 512
    keyring.rotate("sign")
    logs.fill(trail, 600, 300)
    second = newest(trail)
    assert trail.prune(now()) == 768  # takes the first removal's entry, and leaves the change
    logs.fill(trail, 900, 5)
    trail.close()
    for trusted in ([], [first[1]], [second[1]], [first[1], second[1]]):
        found = logs.verified(tmp_path / "log", [first[0], second[0]], trusted)
        assert (found.findings, found.earlier.held) == ([], 2)
        assert [epoch.key for epoch in found.chain.epochs] == [first[1], second[1]]


def test_what_is_removed_while_it_is_verified(tmp_path: Path) -> None:
    trail = AuditTrail(tmp_path, signer=Keyring.ephemeral().log_signer, seconds=0.01)
    logs.fill(trail, 0, 600)
    kept = newest(trail)[0]

    class Meanwhile(Directory):
        pruned = 0

        def read(self, name: str) -> bytes | None:
            if name.endswith("entries/000") and not self.pruned:
                self.pruned = trail.prune(now())
                logs.fill(trail, 600, 300)
            return super().read(name)

    verification = Verification(Meanwhile(tmp_path / "log"), earlier=[kept])
    for _ in verification.steps():
        pass
    trail.close()
    assert (verification.findings, verification.earlier.held) == ([], 1)
    assert verification.removed == 512
    assert verification.verified > 900
    # Who has no key cannot say so afterwards.
    (tmp_path / "log" / "tile" / "entries" / "002").unlink()
    assert logs.findings(tmp_path / "log", [kept])


def cosigned(note: Note, witness: logs.Stranger, *, forged: bool = False) -> Note:
    time = (5).to_bytes(8, "big")
    data = bytes(64) if forged else witness.sign(b"cosignature/v1\ntime 5\n" + note.text.encode())
    name, key_id = witness.vkey.name, witness.vkey.key_id
    return Note(note.text, (*note.signatures, Signature(name, key_id, time + data)))


def test_a_witness_must_have_signed_what_was_kept(made: logs.Made) -> None:
    stranger = logs.Stranger.of("witness.example/w1")
    key = stranger.vkey._replace(kind=COSIGNATURE)
    witness = stranger._replace(vkey=key)
    plain, signed = made.kept[0], cosigned(made.kept[1], witness)
    trusted = made.vkeys()[:1]
    for kept, held in (([signed], 1), ([plain, signed], 1), ([plain], 0)):
        found = logs.verified(made.log, kept, trusted, [key])
        assert found.earlier.held == held
        assert bool(found.findings) == (not held)
    forged = logs.verified(made.log, [cosigned(made.kept[1], witness, forged=True)], trusted, [key])
    assert any("is not one of this text" in str(one) for one in forged.findings)
    assert not forged.earlier.anchored


def test_a_kept_checkpoint_that_nobody_signed_is_none(made: logs.Made) -> None:
    note = made.kept[-1]
    one = note.signatures[0]
    for signature in (one._replace(data=bytes(64)), Signature("x.example", b"1234", bytes(64))):
        found = logs.verified(made.log, [Note(note.text, (signature,))], made.vkeys())
        assert found.findings
        assert not found.earlier.anchored


def test_a_key_that_nobody_vouched_for_holds_once_it_is_trusted(tmp_path: Path) -> None:
    keyring = Keyring.ephemeral()
    trail = AuditTrail(tmp_path, signer=keyring.log_signer, seconds=0.01)
    logs.fill(trail, 0, 10)
    first, _ = newest(trail)
    trail.close()
    old = keyring.rotate("sign")
    for key in keyring.inventory():
        if key.purpose == "sign" and key.id != old.id:
            keyring.deactivate(key.id)
    trail = AuditTrail(tmp_path, signer=keyring.log_signer, seconds=0.01)
    logs.fill(trail, 10, 10)
    second, key_now = newest(trail)
    logs.fill(trail, 20, 5)
    trail.close()
    assert any("not vouched for" in one for one in logs.findings(tmp_path / "log", [second]))
    found = logs.verified(tmp_path / "log", [first, second], [key_now])
    assert (found.findings, found.earlier.held) == ([], 2)


def test_checkpoints_of_other_logs_are_passed_over(made: logs.Made, tmp_path: Path) -> None:
    other = logs.make(tmp_path / "other", 300)
    found = logs.verified(made.log, [*other.kept, *made.kept])
    assert (found.findings, found.earlier.held, found.earlier.foreign) == ([], 3, 3)
    assert any("of another log" in one for one in logs.findings(made.log, other.kept))
