"""What one user keeps is bounded, however often he uploads."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from stockade.boundary import Csv, Quarantine, Quota, Root
from stockade.core.errors import ConfigError, Rejected
from stockade.core.events import Event

TABLE = b"a,b\r\n" + b"1,2\r\n" * 100  # 505 bytes


@pytest.fixture
def quarantine(tmp_path: Path) -> Quarantine:
    return Quarantine(tmp_path / "quarantine", max_bytes=10_000)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "kept").mkdir()
    kept = Root(tmp_path / "kept")
    for user in ("ann", "bob"):
        kept.make_folder(user)
    return kept


def keep(quarantine: Quarantine, root: Root, user: str, quota: Quota | None) -> bool:
    """Upload one table for `user`; whether it was kept."""
    with quarantine.receive(io.BytesIO(TABLE), Csv()) as upload:
        try:
            upload.store(root, user, quota=quota)
        except Rejected as refused:
            if refused.rule != "boundary.upload-kept" or refused.code != 409:
                raise
            return False
        return True


@pytest.mark.asvs("V5.2.4")
@pytest.mark.parametrize(
    "quota", [Quota(max_files=3, max_bytes=1 << 20), Quota(max_files=100, max_bytes=3 * 505)]
)
def test_one_user_does_not_fill_the_disk(
    quota: Quota, quarantine: Quarantine, root: Root, events: list[Event]
) -> None:
    assert all(keep(quarantine, root, "bob", None) for _ in range(10))
    kept = [keep(quarantine, root, "ann", quota) for _ in range(10)]
    assert kept == [True] * 3 + [False] * 7
    assert len(root.names("ann")) == 3
    assert [e.rule for e in events if e.outcome == "blocked"] == ["boundary.upload-kept"] * 7
    root.remove("ann/" + root.names("ann")[0])
    assert keep(quarantine, root, "ann", quota)  # there is room again


def test_another_user_is_not_held_back(quarantine: Quarantine, root: Root) -> None:
    quota = Quota(max_files=1, max_bytes=1_000)
    assert [keep(quarantine, root, user, quota) for user in ("ann", "ann", "bob")] == [
        True,
        False,
        True,
    ]


def test_uploads_at_one_moment_do_not_pass_it_together(quarantine: Quarantine, root: Root) -> None:
    quota = Quota(max_files=2, max_bytes=1 << 20)
    kept: list[bool] = []
    threads = [
        threading.Thread(target=lambda: kept.append(keep(quarantine, root, "ann", quota)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kept) == [False] * 6 + [True] * 2


def test_the_root_itself_counts_too(quarantine: Quarantine, root: Root) -> None:
    quota = Quota(max_files=2, max_bytes=1 << 20)
    with quarantine.receive(io.BytesIO(TABLE), Csv()) as upload, pytest.raises(Rejected):
        upload.store(root, quota=quota)  # it holds two folders


def test_what_is_refused_stays_in_quarantine_until_it_is_left(
    quarantine: Quarantine, root: Root
) -> None:
    quota = Quota(max_files=1, max_bytes=1 << 20)
    keep(quarantine, root, "ann", quota)
    with quarantine.receive(io.BytesIO(TABLE), Csv()) as upload:
        with pytest.raises(Rejected):
            upload.store(root, "ann", quota=quota)
        assert upload.store(root, "bob", quota=quota)


@pytest.mark.parametrize(("files", "size"), [(0, 1), (1, 0)])
def test_a_quota_for_nothing_is_said_at_start(files: int, size: int) -> None:
    with pytest.raises(ConfigError):
        Quota(max_files=files, max_bytes=size)
