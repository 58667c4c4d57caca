"""`make demo`: attack the range without and with Stockade, then start the clinic.

    python -m stockade.tools.demo [--once]

Runs in the project's folder. Ctrl-C ends everything that it started.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stockade.tools.attack.command import progress_bar, terminable
from stockade.tools.attack.runner import run
from stockade.tools.attack.sandbox import AttackError
from stockade.tools.attack.scoreboard import print_report
from stockade.tools.attack.server import end_group

__all__ = ["main"]

_RANGE = "examples.range:app"
_CLINIC = "examples.clinic:app"
_INCOMPLETE = 3
_PORTS = range(8000, 8100)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 1 where something got through or could not start."""
    words = sys.argv[1:] if arguments is None else arguments
    if unknown := [word for word in words if word != "--once"]:
        sys.stderr.write(f"demo: unknown: {' '.join(unknown)}; the only flag is --once\n")
        return 2
    if not Path("examples/range").is_dir():
        sys.stderr.write("demo: run this in the project's folder, the one with examples/\n")
        return 2
    try:
        with terminable():
            code = _attack_the_range()
            return code if "--once" in words or code else _run_the_clinic()
    except KeyboardInterrupt:
        print("\nEnded.")
        return 0


def _attack_the_range() -> int:
    print(
        "Attacking the range: deliberately weak endpoints and their safe twins, twice, on loopback."
    )
    print("First bare, then the same command behind `stockade run --mode block`. About a minute.\n")
    try:
        with progress_bar() as progress:
            report = run([_RANGE], progress=progress)
    except AttackError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    print_report(report, compare=True, file=sys.stdout)
    sys.stdout.flush()
    if report.exit_code == _INCOMPLETE:
        print(
            f"Incomplete, and accepted here: {_why_incomplete(report.unproved, report.unreached)}."
        )
        return 0
    return report.exit_code


def _why_incomplete(unproved: int, unreached: Sequence[str]) -> str:
    reasons = []
    if unproved:
        reasons.append(f"{unproved} attacks need a server that this machine does not have")
    if unreached:
        reasons.append(f"{len(unreached)} operations did not take an honest request")
    return " and ".join(reasons)


def _free_port() -> int:
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AttackError(
        f"no free port from {_PORTS.start} to {_PORTS.stop - 1}; end one of their servers"
    )


def _run_the_clinic() -> int:
    try:
        port = _free_port()
    except AttackError as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    print(f"\nThe clinic: http://127.0.0.1:{port}/docs")
    folder = Path(os.environ.get("CLINIC_DATA", ".stockade/clinic"))
    print(f"Its events, one JSON object a line: {folder / 'events.jsonl'}")
    print(
        "Its numbers for Prometheus: http://127.0.0.1:9464/metrics. Ctrl-C ends all.\n", flush=True
    )
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", _CLINIC, "--host", "127.0.0.1"),
            *("--port", str(port), "--no-access-log"),
        ],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    try:
        code = process.wait()
    finally:
        # A second Ctrl-C must not leave the group behind.
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        end_group(process)
        signal.signal(signal.SIGINT, previous)
    sys.stderr.write(f"demo: the clinic ended by itself, exit status {code}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
