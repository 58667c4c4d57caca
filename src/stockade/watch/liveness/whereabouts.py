"""Which process this is, and whether another one still runs.

A process id says something only on its own host, in its own namespace, until the next boot, and it
is used again: all four belong to a process's name. Elsewhere, and where the system does not tell,
only the age of the last sign of life counts.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import sys
from pathlib import Path

import msgspec

__all__ = ["Process", "here", "is_gone"]

_STARTED = 19
"""`starttime` in /proc/PID/stat, counted from behind the name (proc(5), field 22)."""


class Process(msgspec.Struct, frozen=True):
    """A process: `id` is drawn at random, `place` names host, boot and namespace as a hash."""

    id: str
    place: str
    pid: int
    born: str = ""
    """When it started, as the kernel counts; empty where that is not known."""


def here() -> Process:
    """This process, under a new id."""
    pid = os.getpid()
    return Process(secrets.token_hex(8), _place(), pid, _born(pid))


def is_gone(process: Process) -> bool | None:
    """Whether it has ended; None where that cannot be known from here."""
    if process.place != _place():
        return None
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it runs, as another user
    born = _born(process.pid)
    return bool(born and process.born) and born != process.born


def _place() -> str:
    facts = [socket.gethostname(), _line("/proc/sys/kernel/random/boot_id")]
    try:
        facts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        facts.append(sys.platform)
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]


def _born(pid: int) -> str:
    # The name of the program may hold blanks and parentheses; everything counts from its end.
    fields = _line(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if len(fields) <= _STARTED or fields[0] == "Z":  # a zombie has ended, nobody has fetched it
        return "ended" if fields[:1] == ["Z"] else ""
    return fields[_STARTED]


def _line(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "surrogateescape").strip()
    except OSError:
        return ""
