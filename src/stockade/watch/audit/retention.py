"""Removing old entries: their bundles go, their hashes stay.

So the tree stays one, and every checkpoint ever kept can still be compared with it. (C2SP
tlog-tiles calls this pruning, and the first entry kept the minimum index; it would let the hashes
go as well.) The log says itself what it lost, in an entry that is signed before anything is
removed: bundles that are missing without such an entry were taken by somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from stockade.core.errors import AuditError
from stockade.watch.audit import tiles
from stockade.watch.audit.storage import Storage
from stockade.watch.audit.tree import Tree

__all__ = ["expired", "first_bundle", "minimum_index"]

_FOLDER = "tile/entries"


class _Dated(msgspec.Struct):
    time: datetime


_decode = msgspec.json.Decoder(_Dated).decode


def minimum_index(storage: Storage, size: int, before: datetime) -> int:
    """The first entry to keep, if all bundles go whose last dated entry is older than `before`.

    Stops at a bundle that has no dated entry, and at one that is not full. Errors: AuditError.
    """
    tree, bundle = Tree(storage, size), first_bundle(storage)
    while (bundle + 1) * tiles.WIDTH <= size:
        moments = [moment for entry in tree.entries(bundle) if (moment := _time(entry))]
        if not moments or max(moments) >= before:
            break
        bundle += 1
    return bundle * tiles.WIDTH


def expired(storage: Storage, minimum: int) -> Iterator[str]:
    """The names of the bundles that hold only entries before `minimum`."""
    for bundle in range(first_bundle(storage), minimum // tiles.WIDTH):
        yield tiles.entries_path(bundle)


def first_bundle(storage: Storage) -> int:
    """The index of the first full bundle that is there; 0 where there is none."""
    folder, index = _FOLDER, 0
    while names := storage.below(folder):
        bundles = [int(name) for name in names if len(name) == 3 and name.isdecimal()]
        if bundles:
            return index * 1_000 + min(bundles)
        folders = [name for name in names if len(name) == 4 and name[0] == "x"]
        if not folders:
            break
        index = index * 1_000 + int(folders[0][1:])
        folder = f"{folder}/{folders[0]}"
    return 0


def _time(entry: bytes) -> datetime | None:
    try:
        moment = _decode(entry).time
    except (msgspec.DecodeError, ValueError):
        return None
    if moment.tzinfo is None:
        raise AuditError("an entry's time has no zone: nothing is removed by it")
    return moment
