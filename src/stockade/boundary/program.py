"""Start another program without a shell, with operands that are no options, in a bare environment.

    done = run("convert", "-resize", "640", operands=[upload, "small.png"], folder=scratch)

The command's own words are the developer's (type checkers refuse anything but literals there);
what a client had a hand in goes into `operands`, where each is a `CommandArg`. What a program does
with a file or an address that it is given is its own affair: see `confine`.

Sources: ASVS 5.0 V1.2.5, V15.2; CWE-78, CWE-88, CWE-426, CWE-400.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Final, LiteralString, NamedTuple

from pydantic_core import PydanticCustomError

from stockade.boundary.types.command_arg import command_arg
from stockade.core.bus import emit
from stockade.core.errors import ConfigError, Rejected
from stockade.core.events import Outcome

__all__ = ["Completed", "run"]

SEARCH_PATH: Final = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin"
"""Where a program without a slash in its name is looked for; never the current folder."""

_RUN_TEXTS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "fish", "env", "xargs", "sudo", "su"))
_DETAIL = "A value is no operand of a program."
_CHUNK = 65_536


class Completed(NamedTuple):
    """What a program left: its exit status (negative: the signal that ended it), and its output."""

    status: int
    output: bytes
    errors: bytes


def run(
    *command: LiteralString,
    operands: Sequence[str] = (),
    folder: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 30.0,
    max_output: int = 1 << 20,
) -> Completed:
    """Run `command` with `operands` behind it and return what it left.

    `timeout` is in seconds, `max_output` in bytes of each stream; past either the program and what
    it started are killed. Standard input is empty; the environment is PATH, LANG and what
    `environment` adds. Raises Rejected, and emits an event, for an operand that is no `CommandArg`;
    ConfigError for a program that is not found, or that would run its operands as commands;
    TimeoutError and OverflowError past the bounds.
    """
    if not command:
        raise ConfigError("run() needs the name of a program")
    found = shutil.which(command[0], path=SEARCH_PATH)
    if found is None:
        raise ConfigError(f"run() finds no program {command[0]!r} in {SEARCH_PATH}")
    if operands and os.path.basename(found) in _RUN_TEXTS:
        raise ConfigError(
            f"run() gives no operands to {command[0]!r}, which runs them: name the program itself"
        )
    with subprocess.Popen(
        [found, *command[1:], *map(_operand, operands)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={"PATH": SEARCH_PATH, "LANG": "C.UTF-8", **(environment or {})},
        start_new_session=True,
    ) as process:
        try:
            output, errors = _read(process, monotonic() + timeout, max_output)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            _tell(error)
            raise
    return Completed(process.returncode, output, errors)


def _tell(error: BaseException) -> None:
    """The event of a program that went past its bounds."""
    if not isinstance(error, TimeoutError | OverflowError):
        return
    rule = "time" if isinstance(error, TimeoutError) else "output"
    reason = "A program went past its bounds, and was ended."
    emit("upstream_failed", Outcome.BLOCKED, "boundary", reason, rule=f"boundary.program-{rule}")


def _operand(value: str) -> str:
    try:
        return command_arg(value)
    except PydanticCustomError:
        rule = "boundary.operand"
        emit("input_validation_fail", Outcome.BLOCKED, "boundary", _DETAIL, rule=rule)
        raise Rejected(_DETAIL, status=422, rule=rule) from None


def _read(
    process: subprocess.Popen[bytes], deadline: float, max_output: int
) -> tuple[bytes, bytes]:
    """Both streams to their ends, and the process to its own."""
    parts: dict[int, bytearray] = {}
    with selectors.DefaultSelector() as selector:
        for stream in filter(None, (process.stdout, process.stderr)):
            parts[stream.fileno()] = bytearray()
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            left = deadline - monotonic()
            if left <= 0:
                raise TimeoutError("the program ran longer than its timeout")
            for key, _ in selector.select(left):
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                    continue
                parts[key.fd] += chunk
                if len(parts[key.fd]) > max_output:
                    raise OverflowError("the program wrote more than max_output bytes")
    try:
        process.wait(max(deadline - monotonic(), 0))
    except subprocess.TimeoutExpired:
        raise TimeoutError("the program ran longer than its timeout") from None
    output, errors = parts.values()
    return bytes(output), bytes(errors)
