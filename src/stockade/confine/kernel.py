"""The few calls that Python has no name for: prctl(2) through ctypes, and /proc/self/status.

Constants are named as in the kernel's headers (include/uapi/linux/prctl.h, capability.h).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

__all__ = [
    "LINUX",
    "adopt_orphans",
    "dumpable",
    "end_with_parent",
    "set_dumpable",
    "set_no_new_privs",
    "status",
    "threads_without_no_new_privs",
]

LINUX = sys.platform == "linux"

PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

SUID_DUMP_DISABLE = 0  # include/linux/sched/coredump.h


def _prctl(option: int, argument: int = 0) -> int:
    """prctl(2). Raises OSError as the kernel answers."""
    libc = ctypes.CDLL(None, use_errno=True)
    unused = ctypes.c_ulong(0)
    # The kernel reads five longs; PR_SET_NO_NEW_PRIVS insists that the unused ones are zero.
    result: int = libc.prctl(ctypes.c_int(option), ctypes.c_ulong(argument), unused, unused, unused)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def set_no_new_privs() -> None:
    """No execve gains privileges any more: set-user-ID bits and file capabilities do nothing."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def set_dumpable(value: int) -> None:
    """Whether memory may leave: by a core dump, by ptrace(2), by /proc/<pid>/mem."""
    _prctl(PR_SET_DUMPABLE, value)


def dumpable() -> int:
    """The present value: 0 no, 1 yes, 2 by root only."""
    return _prctl(PR_GET_DUMPABLE)


def end_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send `number` to this process when its parent dies, however it dies."""
    _prctl(PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, as init would."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def status(folder: str | Path = "/proc/self") -> dict[str, str]:
    """/proc/<pid>/status as a mapping; empty where there is none."""
    try:
        text = Path(folder, "status").read_text("utf-8", "replace")
    except OSError:
        return {}
    return {
        key: value.strip() for key, _, value in (line.partition(":") for line in text.split("\n"))
    }


def threads_without_no_new_privs() -> int:
    """How many threads of this process may still gain privileges: the kernel asks each thread."""
    tasks = Path("/proc/self/task")
    return sum(status(task).get("NoNewPrivs") == "0" for task in tasks.iterdir())
