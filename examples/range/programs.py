"""Runs programs in the public folder, for the ranges on Flask and Django."""

from __future__ import annotations

import subprocess

from examples.range.data import public_folder

__all__ = ["FailedError", "run"]


class FailedError(OSError):
    """A program failed; the client learns no more than that."""


def run(command: str | list[str], *, shell: bool = False, may_fail: bool = False) -> dict[str, str]:
    """What the command printed. Errors: FailedError (grep's status 1 means: no such line)."""
    done = subprocess.run(
        command,
        shell=shell,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=5,
        cwd=public_folder(),
    )
    if done.returncode > 1 and not may_fail:
        raise FailedError
    return {"output": done.stdout}
