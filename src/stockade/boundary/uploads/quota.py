"""What one user may keep: files and bytes of a folder (ASVS 5.0 V5.2.4; CWE-400, CWE-770).

    mine = Quota(max_files=200, max_bytes=500 << 20)

    with quarantine.receive(file, Image(), field="photo") as upload:
        stored = upload.store(photos, account_id, quota=mine)

The quarantine's own quota bounds what waits to be judged; this one bounds what stays. A folder for
each user is counted and added to under one lock (flock), which threads and processes respect, so
that uploads at the same moment do not pass it together. What counts is what lies in the folder:
remove a file, and there is room again. Folders within it are one entry each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stockade.boundary.root import Root
from stockade.boundary.uploads.refusal import Unfit
from stockade.core.errors import ConfigError

__all__ = ["Quota"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many files, and bytes of them, one folder may hold. Raises ConfigError for none."""

    max_files: int
    max_bytes: int

    def __post_init__(self) -> None:
        if self.max_files < 1 or self.max_bytes < 1:
            raise ConfigError("Quota: max_files and max_bytes are at least 1")

    @contextmanager
    def room(self, root: Root, folder: str, size: int) -> Iterator[None]:
        """Add a file of `size` bytes to `folder` inside the block. Raises Unfit where it is full.

        Raises as `Root.open` where there is no such folder.
        """
        with root.counted(folder) as (files, used):
            if files >= self.max_files or used + size > self.max_bytes:
                raise Unfit(
                    "kept", "Your files take up all the room there is. Remove some.", status=409
                )
            yield
