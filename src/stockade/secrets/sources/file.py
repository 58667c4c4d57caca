"""`file:PATH`: a file that only this user may read, or one that an orchestrator mounted.

A file that others may read or change is refused, as ssh refuses such a key: a warning would be
read once and the secret by everyone. The exception are secrets that Docker, Kubernetes or systemd
mount into memory for this container or service alone; those have the modes that they have.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from stockade.core.errors import SecretError

__all__ = ["MAX_SIZE", "FileSource", "mounted_for_us"]

MAX_SIZE = 64 << 10
"""Bytes. More is not a secret but the wrong file."""

_IN_MEMORY = ("tmpfs", "ramfs")
_SECRET_FOLDERS = ("/run/secrets", "/var/run/secrets")
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class FileSource:
    """Reads a file, each time it is asked; one newline at the end does not belong to the secret."""

    scheme = "file"

    def resolve(self, locator: str) -> str:
        """Its text. Raises SecretError: absent, too open, too large, empty, not UTF-8."""
        content = _read(locator)
        if len(content) > MAX_SIZE:
            raise _refusal(locator, f"is larger than {MAX_SIZE} bytes", "name the right file")
        try:
            text: str | None = content.decode("utf-8")
        except UnicodeDecodeError:
            # Raised below, outside: this error's context would carry the content along.
            text = None
        if text is None:
            raise _refusal(locator, "is not UTF-8", "store binary secrets as Base64")
        value = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
        if not value:
            raise _refusal(locator, "is empty", "write the secret into it")
        return value


def _read(path: str) -> bytes:
    try:
        # O_NONBLOCK: a pipe in the place of the file must not hold up the start for ever.
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a path"
        raise _refusal(path, f"cannot be read ({why})", "check path and owner") from None
    try:
        _check(path, os.fstat(number))
        with os.fdopen(number, "rb", closefd=False) as file:
            return file.read(MAX_SIZE + 1)
    finally:
        os.close(number)


def _check(path: str, status: os.stat_result) -> None:
    """Of the open file, so that nobody swaps it between the check and the reading (CWE-367)."""
    if not stat.S_ISREG(status.st_mode):
        raise _refusal(path, "is not a regular file", "name the file itself")
    if status.st_uid not in (0, os.geteuid()):
        raise _refusal(path, "belongs to another user", "chown it to the service's user")
    too_open = status.st_mode & _OPEN_TO_OTHERS
    if too_open & (stat.S_IWGRP | stat.S_IWOTH):
        raise _refusal(path, "may be changed by others than its owner", "chmod 400 it")
    if too_open and not mounted_for_us(os.path.realpath(path), status.st_dev, _mounts()):
        raise _refusal(path, "may be read by others than its owner", "chmod 400 it")


def mounted_for_us(path: str, device: int, mounts: str) -> bool:
    """Whether `path` lies in a memory file system that holds secrets for this service.

    That is a tmpfs or ramfs in one of the usual folders or in systemd's $CREDENTIALS_DIRECTORY, or
    one mounted read-only (as Kubernetes does); a tmpfs such as /tmp is neither. `mounts` is
    /proc/self/mountinfo, see proc(5).
    """
    wanted = f"{os.major(device)}:{os.minor(device)}"
    folders = (*_SECRET_FOLDERS, os.environ.get("CREDENTIALS_DIRECTORY") or _SECRET_FOLDERS[0])
    in_folder = any(path.startswith(folder.rstrip("/") + "/") for folder in folders)
    best, answer = -1, False
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 6 or fields[2] != wanted or not right.startswith(_IN_MEMORY):
            continue
        point = fields[4].encode("utf-8", "replace").decode("unicode_escape")
        if (path + "/").startswith(point.rstrip("/") + "/") and len(point) >= best:
            best, answer = len(point), in_folder or "ro" in fields[5].split(",")
    return answer


def _mounts() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def _refusal(path: str, what: str, remedy: str) -> SecretError:
    return SecretError(f"the file {path!r}, which a secret refers to, {what}; {remedy}")
