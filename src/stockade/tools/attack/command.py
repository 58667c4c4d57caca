"""What `stockade attack` does with its flags: progress, report, exit code."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from stockade.tools.attack.report import Report
from stockade.tools.attack.runner import Progress, run
from stockade.tools.attack.sandbox import AttackError
from stockade.tools.attack.scoreboard import print_report

__all__ = ["attack", "progress_bar", "terminable"]

_INTERRUPTED = 130
_BAR = 24


def attack(
    targets: Sequence[str],
    *,
    compare: bool = False,
    as_json: bool = False,
    env: Sequence[str] = (),
    headers: Sequence[str] = (),
    max_copy: int = 256,
) -> int:
    """Attack, print, and give the exit code: 0, 1 (findings), 2 (usage), 3 (incomplete).

    `headers` are `NAME: VALUE`; `max_copy` is in MiB.
    """
    try:
        pairs = [_header(each) for each in headers]
        with terminable(), progress_bar() as progress:
            report = run(
                targets, env=env, headers=pairs, max_copy=max_copy << 20, progress=progress
            )
    except AttackError as error:
        sys.stderr.write(f"stockade attack: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stockade attack: interrupted; the attacked processes were ended\n")
        return _INTERRUPTED
    _print(report, compare=compare, as_json=as_json)
    return report.exit_code


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise AttackError("--header takes NAME: VALUE, such as 'Authorization: Bearer …'")
    return name.strip(), value.strip()


def _print(report: Report, *, compare: bool, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(report.as_dict()) + "\n")
    else:
        print_report(report, compare=compare, file=sys.stdout)


@contextmanager
def terminable() -> Iterator[None]:
    """Make SIGTERM unwind like Ctrl-C, so that no attacked process outlives this one."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def progress_bar() -> Iterator[Progress | None]:
    """A bar on standard error where that is a terminal; otherwise nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    last = 0.0

    def show(what: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < 0.1 and done != total:
            return
        last = now
        filled = _BAR * done // total if total else 0
        bar = f"[{'#' * filled}{'.' * (_BAR - filled)}]" if total else "·"
        sys.stderr.write(f"\r\x1b[K  {bar} {what} {done}{f' of {total}' if total else ''}")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
