"""Archives: looked through to the last byte, then unpacked into a `Root`, or not at all.

What it stops: members that leave the folder in any spelling, links and what is written through
them, devices, two members of one name, bombs (by ratio, size, number, nesting or overlap), bytes
that belong to no member, archives that two programs read differently. What it does not: judge what
the members hold. Give each its own contract before it is used.

Refused for the sake of that, though some are honest: encrypted members, links, Zip64 archives of
more than 65,534 members, methods other than stored and deflate, xz -9, self-extracting archives,
names that start with a dot. `__MACOSX/` and `.DS_Store` are left out.
Sources: ASVS 5.0 V5.2.3, V5.3.3; CWE-22, CWE-59, CWE-409; OWASP File Upload Cheat Sheet.
"""

from __future__ import annotations

import io
from typing import BinaryIO, Final

from stockade.boundary.root import Root
from stockade.boundary.uploads.archives import nested
from stockade.boundary.uploads.archives.budget import Budget
from stockade.boundary.uploads.archives.entry import Entry
from stockade.boundary.uploads.archives.names import Names
from stockade.boundary.uploads.contract import Contract, Judged, kinds_of
from stockade.boundary.uploads.kinds import Kind
from stockade.boundary.uploads.refusal import Unfit, refuse
from stockade.core.errors import Rejected

__all__ = ["Archive"]

_FORMATS: Final = {"zip": "zip", "tar.gz": "gzip", "tar.bz2": "bz2", "tar.xz": "xz", "tar": "tar"}


class Archive(Contract):
    """A zip or tar of files and folders, within bounds."""

    def __init__(
        self,
        *,
        formats: tuple[str, ...] = ("zip", "tar.gz", "tar.bz2", "tar.xz", "tar"),
        max_total: int = 100 << 20,
        max_ratio: int = 100,
        max_members: int = 1_000,
        max_nesting: int = 2,
        max_bytes: int = 10 << 20,
    ) -> None:
        """Bounds count for the archive and all archives in it together.

        `max_total` is in bytes unpacked, `max_ratio` how many for each byte of the upload (a
        mebibyte is always admitted), `max_nesting` how many archives one may lie inside. A zip of
        Word documents needs 1. Raises ConfigError for an unknown format.
        """
        self.kinds = kinds_of(formats, _FORMATS, "Archive")
        self.max_bytes = max_bytes
        self.max_total = max_total
        self.max_ratio = max_ratio
        self.max_members = max_members
        self.max_nesting = max_nesting

    def bounds(self) -> str:
        """See Contract."""
        return f", of at most {self.max_members:,} members and {self.max_total:,} bytes unpacked"

    def judge(self, file: BinaryIO, kind: Kind) -> Judged:
        """See Contract. Every member is unpacked, nested ones too, and written nowhere."""
        budget, names = self._budget(file), Names()
        for entry in nested.entries(file, kind.name, budget):
            names.admit(entry.name, is_folder=entry.is_folder)
            nested.drain(entry, budget)
        return Judged(kind)

    def extract(self, file: BinaryIO, root: Root) -> list[str]:
        """Write the members below `root`, an empty folder; their paths, in order.

        The whole archive is judged again before the first byte is written. Raises Rejected, with an
        event, and FileExistsError where a name is taken; the files written so far are removed.
        """
        written: list[str] = []
        try:
            kind = self.examine(file).kind
            names, folders = Names(), set[str]()
            for entry in nested.entries(file, kind.name, self._budget(file)):
                path = names.admit(entry.name, is_folder=entry.is_folder)
                if path:
                    _make_folders(root, path if entry.is_folder else _parent(path), folders)
                if path and not entry.is_folder:
                    _write(root, path, entry, written)
        except Unfit as unfit:
            refused: Exception = _refused(file, unfit)
        except BaseException:
            _remove(root, written)
            raise
        else:
            return written
        _remove(root, written)
        raise refused

    def _budget(self, file: BinaryIO) -> Budget:
        return Budget(
            size=file.seek(0, io.SEEK_END),
            max_total=self.max_total,
            max_ratio=self.max_ratio,
            max_members=self.max_members,
            max_nesting=self.max_nesting,
        )


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _make_folders(root: Root, path: str, made: set[str]) -> None:
    if not path or path in made:
        return
    _make_folders(root, _parent(path), made)
    try:
        root.make_folder(path)
    except FileExistsError:  # if it is no folder, the next step fails
        pass
    made.add(path)


def _write(root: Root, path: str, entry: Entry, written: list[str]) -> None:
    with root.open(path, "xb") as file:
        written.append(path)
        for chunk in entry.chunks:
            file.write(chunk)


def _remove(root: Root, written: list[str]) -> None:
    while written:
        try:
            root.remove(written.pop())
        except FileNotFoundError:
            continue


def _refused(file: BinaryIO, unfit: Unfit) -> Rejected:
    return refuse(unfit, length=file.seek(0, io.SEEK_END))
