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
from stockade.core.events import now
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

    A date that has not come yet is none. A bundle without one is as old as that which follows: they
    are in order. Stops at one that is not full. Errors: AuditError.
    """
    latest = now()
    tree, first = Tree(storage, size), first_bundle(storage)
    for bundle in range(first, size // tiles.WIDTH):
        moments = [moment for entry in tree.entries(bundle) if (moment := _time(entry))]
        moments = [moment for moment in moments if moment <= latest]
        if moments and max(moments) >= before:
            break
        if moments:
            first = bundle + 1
    return first * tiles.WIDTH


def expired(storage: Storage, minimum: int) -> Iterator[str]:
    """The names of the bundles that hold only entries before `minimum`.

    And of what a crash may have left of them, from when they were not full.
    """
    for bundle in range(first_bundle(storage), minimum // tiles.WIDTH):
        path = tiles.entries_path(bundle)
        yield from (path, tiles.partial_folder(path))


def first_bundle(storage: Storage) -> int:
    """The index of the first bundle that is there; 0 where there is none."""
    folders = [(_FOLDER, 0)]
    while folders:  # those of one depth: what lies deeper comes later, whatever its name
        deeper: list[tuple[str, int]] = []
        for folder, index in folders:
            names = storage.below(folder)
            # The last one is not full yet, and its name a folder's: 007.p.
            bundles = [one[:3] for one in names if one[:3].isdecimal() and one[3:] in ("", ".p")]
            if bundles:
                return index * 1_000 + int(min(bundles))
            further = [one for one in names if one[0] == "x" and len(one) == 4]
            deeper += [
                (f"{folder}/{one}", index * 1_000 + int(one[1:]))
                for one in further
                if one[1:].isdecimal()
            ]
        folders = deeper
    return 0


def _time(entry: bytes) -> datetime | None:
    try:
        moment = _decode(entry).time
    except (msgspec.DecodeError, ValueError):
        return None
    if moment.tzinfo is None:
        raise AuditError("an entry's time has no zone: nothing is removed by it")
    return moment
