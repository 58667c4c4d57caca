"""Archives in an archive: opened and counted, never written, by one budget for all of them.

Only what this package can read is looked into; 7z, RAR, Zstandard and the like are refused, for
nobody can say what they become. Names inside are not judged, because they are not written.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

from stockade.boundary.uploads.archives import tarred, zipped
from stockade.boundary.uploads.archives.budget import Budget
from stockade.boundary.uploads.archives.entry import CHUNK, Entry
from stockade.boundary.uploads.archives.inflate import Inflated
from stockade.boundary.uploads.kinds import HEAD, looks_like
from stockade.boundary.uploads.refusal import Unfit

__all__ = ["drain", "entries"]

_KNOWN: Final = ("zip", "tar.gz", "tar.bz2", "tar.xz", "tar")
_CLOSED = re.compile(
    rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|[\x22-\x28]\xb5\x2f\xfd|\x04\x22\x4d\x18|MSCF\x00{4}"
    rb"|\x1f\x9d|LZIP|.{2}-lh[0-9d]-",
    re.DOTALL,
)
_IN_MEMORY: Final = 1 << 20


def entries(file: BinaryIO, kind: str, budget: Budget) -> Iterator[Entry]:
    """The members of an archive of that kind. Raises Unfit as soon as something is wrong."""
    file.seek(0)
    if kind == "zip":
        return zipped.entries(file, budget)
    if kind == "tar":
        return tarred.entries(_Counted(file, budget), budget)
    return tarred.entries(Inflated(file, kind, budget), budget)


def drain(entry: Entry, budget: Budget) -> None:
    """Read a member to its end, and where it is an archive, that one to its end as well."""
    head = b""
    kept: list[bytes] = []
    for chunk in entry.chunks:
        kept.append(chunk)
        head += chunk
        if len(head) >= HEAD:
            break
    if _CLOSED.match(head):
        raise Unfit("archive-nested", "The archive holds an archive that cannot be looked into.")
    kind = next((name for name in _KNOWN if looks_like(name, head)), "")
    if not kind:
        for _ in entry.chunks:
            pass
        return
    budget.enter()
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as inner:
        for chunk in kept:
            inner.write(chunk)
        for chunk in entry.chunks:
            inner.write(chunk)
        # A BinaryIO in all but the name.
        _look_into(cast("BinaryIO", inner), kind, budget)
    budget.leave()


def _look_into(file: BinaryIO, kind: str, budget: Budget) -> None:
    if kind not in ("zip", "tar") and not _holds_tar(file, kind, budget):
        return
    for entry in entries(file, kind, budget):
        drain(entry, budget)


def _holds_tar(file: BinaryIO, kind: str, budget: Budget) -> bool:
    """Whether a compressed file is one of tar; another is read to its end, as one member."""
    file.seek(0)
    stream = Inflated(file, kind, budget)
    head = stream.read(HEAD)
    if looks_like("tar", head):
        return True
    if any(looks_like(name, head) for name in _KNOWN) or _CLOSED.match(head):
        raise Unfit("archive-nested", "The archive holds a file that is compressed twice.")
    budget.member()
    while stream.read(CHUNK):
        pass
    return False


class _Counted:
    """A plain tar, counted as what comes out of it."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        self._file = file
        self._budget = budget

    def read(self, count: int) -> bytes:
        data = self._file.read(count)
        self._budget.expand(len(data))
        return data
