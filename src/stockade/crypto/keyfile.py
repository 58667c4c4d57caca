"""The file that keys live in: who may read it, how it is replaced, who may write it now.

The rules are OpenSSH's for private keys: owned by us or root, readable by nobody else, in a folder
that nobody else may write. Anything else is refused, not repaired: a key that others could read
has perhaps been read.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stockade.core.errors import CryptoError
from stockade.core.secret import Secret

__all__ = ["KeyFile", "MemoryKeys", "Stamp"]

MAX_BYTES = 1 << 20  # some five thousand keys; a bigger file is not ours


class Stamp(NamedTuple):
    """Tells one version of the file from another: every save makes a new inode."""

    device: int
    inode: int
    modified_ns: int
    size: int


class KeyFile:
    """A key file on a local file system. Every method raises CryptoError, with what to do."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()

    def __repr__(self) -> str:
        return f"KeyFile({str(self.path)!r})"

    def exists(self) -> bool:
        """Whether there is anything under this name, a dangling link included."""
        return os.path.lexists(self.path)

    def stamp(self) -> Stamp | None:
        """The version on disk now; None if there is no file."""
        try:
            status = self.path.lstat()
        except OSError:
            return None
        return Stamp(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)

    def load(self) -> tuple[Secret[bytes], Stamp]:
        """The document and its version, after the file's type, owner and mode were checked."""
        try:
            # O_NOFOLLOW: a link could be pointed elsewhere between two readings. O_NONBLOCK: a
            # FIFO in the file's place must not hang the service.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise CryptoError(self._cannot_open(error)) from None
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)  # of the opened file, so that no swap can deceive us
            self._check_file(status)
            self._check_folder()
            stamp = Stamp(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
            return Secret(file.read(MAX_BYTES)), stamp

    def save(self, document: Secret[bytes]) -> Stamp:
        """Replace the file whole: after a crash there is the old version or the new one."""
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}.tmp")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(document.reveal())
                file.flush()
                os.fsync(descriptor)
                status = os.fstat(descriptor)
            os.rename(temporary, self.path)
            self._sync_folder()
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise CryptoError(
                f"the key file {self.path} cannot be saved ({error.strerror}): the keys are as "
                "they were; make room or give this user the folder, and try again"
            ) from None
        return Stamp(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock for changes; others that want to change the keys wait, readers do not."""
        self._check_folder()
        lock = self.path.with_name(f".{self.path.name}.lock")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CryptoError(
                f"the keys cannot be changed: {lock} cannot be opened ({error.strerror}); give "
                "this user the folder, and remove the lock if it is a link"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)  # closing releases the lock

    def make_folder(self) -> None:
        """Make the file's folder, mode 0700, if there is none."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CryptoError(
                f"the folder {self.path.parent} cannot be made ({error.strerror}): make it with "
                "mode 0700 and give it to this user"
            ) from None

    def _sync_folder(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)  # the rename itself must survive a power cut
        finally:
            os.close(descriptor)

    def _check_file(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise CryptoError(f"the key file {self.path} is not a regular file: name the real one")
        if status.st_uid not in (os.geteuid(), 0):
            raise CryptoError(
                f"the key file {self.path} belongs to another user, who may change the keys: "
                f"chown {os.geteuid()} {self.path}"
            )
        if status.st_mode & 0o077:
            raise CryptoError(
                f"the key file {self.path} is open to group or others (mode "
                f"{stat.S_IMODE(status.st_mode):04o}), who may have read the keys: "
                f"chmod 600 {self.path}, and rotate if others use this machine"
            )
        if status.st_size >= MAX_BYTES:
            raise CryptoError(f"the key file {self.path} is too large to be one: name the real one")

    def _check_folder(self) -> None:
        try:
            status = self.path.parent.stat()
        except OSError as error:
            raise CryptoError(self._cannot_open(error)) from None
        if status.st_uid not in (os.geteuid(), 0):
            raise CryptoError(
                f"the folder {self.path.parent} belongs to another user, who could replace the "
                f"key file: chown {os.geteuid()} {self.path.parent}"
            )
        # A sticky folder such as /tmp lets others add files but not replace ours.
        if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
            raise CryptoError(
                f"the folder {self.path.parent} may be written by group or others, who could "
                f"replace the key file: chmod 700 {self.path.parent}"
            )

    def _cannot_open(self, error: OSError) -> str:
        if isinstance(error, FileNotFoundError):
            return (
                f"there is no key file {self.path}: restore it if there was one (data sealed with "
                "lost keys stays closed), or make one with Keyring.open(path, create=True)"
            )
        if self.path.is_symlink():
            return f"the key file {self.path} is a symbolic link: name the file it points to"
        return f"the key file {self.path} cannot be opened ({error.strerror}): check its owner"


class MemoryKeys:
    """The same for keys that end with the process: tests and throw-away tools."""

    def __init__(self) -> None:
        self._document: Secret[bytes] | None = None
        self._version = 0

    def exists(self) -> bool:
        return self._document is not None

    def stamp(self) -> Stamp:
        return Stamp(0, self._version, 0, 0)

    def load(self) -> tuple[Secret[bytes], Stamp]:
        if self._document is None:
            raise CryptoError("there are no keys yet: use Keyring.ephemeral()")
        return self._document, self.stamp()

    def save(self, document: Secret[bytes]) -> Stamp:
        self._document = document
        self._version += 1
        return self.stamp()

    def locked(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def make_folder(self) -> None:
        """There is none."""
