"""What an interpreter tells `stockade run`: one JSON line a message, through an inherited pipe.

It is how the supervisor knows that somebody is guarded, not a proof against the application
itself, which holds the same pipe.
"""

from __future__ import annotations

import json
import os
import stat
import sys

__all__ = ["ABSENT", "FAILED", "GUARDED", "PIPE", "SERVING", "fail", "pipe", "tell"]

PIPE = "STOCKADE_RUN_FD"
"""Descriptor and inode of the pipe, as `7:1234`."""

GUARDED = "guarded"
SERVING = "serving"
FAILED = "failed"
ABSENT = "absent"


def tell(kind: str, **facts: object) -> bool:
    """Send a message; whether there is somebody to hear it."""
    number = pipe()
    if number is None:
        return False
    line = json.dumps({"kind": kind, "pid": os.getpid(), **facts}) + "\n"
    try:
        os.write(number, line.encode())  # below PIPE_BUF, so that lines do not mix
    except OSError:
        return False  # the supervisor is gone
    return True


def fail(text: str) -> None:
    """Say that this interpreter is not guarded; in block mode end it, exit code 1."""
    if not tell(FAILED, text=text):
        sys.stderr.write(f"stockade: WARNING: process {os.getpid()} is NOT GUARDED: {text}\n")
    if os.environ.get("STOCKADE_DEFENCE__MODE") == "block":
        sys.stderr.write("stockade: ending the process, for the mode is block\n")
        sys.stderr.flush()
        # site.py would swallow an exception, and turn SystemExit into a fatal error's traceback.
        os._exit(1)


def pipe() -> int | None:
    """The descriptor to the supervisor; None where nobody supervises."""
    number, _, inode = os.environ.get(PIPE, "").partition(":")
    if not number.isdigit():
        return None
    try:
        status = os.fstat(int(number))
    except OSError:
        return None
    # Somewhere on the way the pipe may have been closed and its number given to another file.
    if not stat.S_ISFIFO(status.st_mode) or str(status.st_ino) != inode:
        return None
    return int(number)
