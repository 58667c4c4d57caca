from __future__ import annotations

from pathlib import Path

import pytest

from stockade.core.errors import AuditError
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
    assert (verification.findings, verification.anchored) == ([], True)
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
