"""The folder that uploads arrive in: random names, one quota for all, a share for each client.

A file's length is its reservation while it is being written (the rest is a hole) and its size
afterwards, so that the sum of all lengths is what is promised to somebody. It is summed and added
to under one lock (flock), which threads and processes respect and a killed process lets go of.

Sources: ASVS 5.0 V5.2.1 (size), V5.2.4 (quota and number of files), V5.3.1, V5.3.2; CWE-377,
CWE-400, CWE-732; open(2).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from stockade.boundary.uploads.refusal import Unfit
from stockade.core.bus import emit
from stockade.core.errors import ConfigError
from stockade.core.events import Outcome

__all__ = ["FULL", "Folder", "Room"]

_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FULL: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
"""What the system says when there is no room left."""


class Room(NamedTuple):
    """How much may wait: bytes and files of all, bytes of one owner, seconds that a file may."""

    bytes: int
    files: int
    share: int
    seconds: float


class Folder:
    """A folder of this user alone; no file in it can be run."""

    def __init__(
        self, path: str | os.PathLike[str], room: Room, clock: Callable[[], float]
    ) -> None:
        """Makes the folder where there is none. Raises ConfigError where others may enter it."""
        Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(path, _FOLDER | os.O_NOFOLLOW)
        self._room = room
        self._clock = clock
        about = os.fstat(self._fd)
        if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
            os.close(self._fd)
            raise ConfigError(
                "the quarantine's folder is open to other users, who could change what was "
                "checked: make it this user's own (chmod 700), outside any folder that is served"
            )

    def make(self, size: int, owner: str) -> tuple[int, str]:
        """Reserve `size` bytes: the descriptor and the name of a new file of that length.

        Raises Unfit (503) where the quota or the owner's share does not hold that many more.
        """
        tag = hashlib.blake2b(owner.encode(), digest_size=6).hexdigest()
        with self._locked():
            files, used, mine = self._usage(tag)
            room = self._room
            if files >= room.files or used + size > room.bytes or mine + size > room.share:
                raise Unfit("quota", "Too many uploads wait here. Try again later.", status=503)
            name = f"{tag}-{secrets.token_hex(16)}"
            descriptor = os.open(name, _NEW, 0o600, dir_fd=self._fd)
            try:
                os.truncate(descriptor, size)
            except OSError as error:
                os.close(descriptor)
                self.remove(name)
                if error.errno in FULL:
                    raise Unfit("space", "There is no room for uploads now.", status=503) from None
                raise
        return descriptor, name

    def open(self, name: str) -> int:
        """A descriptor of the file `name`, to read."""
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._fd)

    def remove(self, name: str) -> bool:
        """Remove the file; False if it was gone."""
        try:
            os.unlink(name, dir_fd=self._fd)
        except FileNotFoundError:
            return False
        return True

    def _usage(self, tag: str) -> tuple[int, int, int]:
        """Files, bytes, bytes of one owner; what a killed process left behind is removed."""
        oldest = self._clock() - self._room.seconds
        files = used = mine = stale = 0
        for name in os.listdir(self._fd):
            try:
                about = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if about.st_mtime < oldest and stat.S_ISREG(about.st_mode):
                stale += self.remove(name)
                continue
            files += 1
            used += about.st_size
            mine += about.st_size if name.startswith(tag) else 0
        if stale:
            reason = "Uploads that nobody came back for were removed from quarantine."
            emit("upload_delete", Outcome.ALLOWED, "boundary", reason, count=stale)
        return files, used, mine

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # A descriptor of its own: the lock belongs to it, so that threads exclude each other too.
        lock = os.open(".", _FOLDER, dir_fd=self._fd)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def close(self) -> None:
        """Let go of the folder; calling it again changes nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
