"""What Stockade costs a request, on a real server, and an import.

Guarded means everything on: see `benchmarks.apps.everything`. Flask is called in process, as
there is no server whose own cost is small beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.apps import EVENTS
from benchmarks.claim import Measured
from benchmarks.flask_service import guarded_and_bare
from benchmarks.load import Load, serving
from benchmarks.rounds import Cost, differences, ratios, turn_about

__all__ = ["core_import", "fastapi_body", "fastapi_hello", "flask_hello", "vs_access_log"]

_SECONDS = 0.25
_ROUNDS = 21
_BODY = (
    b'{"a":1,"b":"bee","c":1.5,"d":true,"e":"eee","f":6,"g":[1,2,3],"h":"aitch","i":"eye",'
    b'"j":{"k":1}}'
)


def fastapi_hello(effort: int) -> Measured:
    """A greeting, guarded, against uvicorn without any access log."""
    return _guarded_against(effort)


def vs_access_log(effort: int) -> Measured:
    """A greeting, guarded, against uvicorn with its access log, written to a file."""
    return _guarded_against(effort, "--access-log")


def fastapi_body(effort: int) -> Measured:
    """Ten validated fields there and back, guarded, against uvicorn without any access log."""
    return _guarded_against(effort, method="POST", path="/item", body=_BODY)


def flask_hello(effort: int) -> Measured:
    """A greeting by Flask in process, guarded, against the bare application."""
    with guarded_and_bare("/") as (bare, guarded):
        return ratios(turn_about(bare, guarded, _ROUNDS * effort))


def _guarded_against(
    effort: int, *bare_flags: str, method: str = "GET", path: str = "/", body: bytes = b""
) -> Measured:
    with tempfile.TemporaryDirectory(prefix="stockade-benchmark-") as name:
        folder = Path(name)
        start = partial(serving, method=method, path=path, body=body)
        with (
            start(folder / "bare", *bare_flags) as bare,
            start(folder / "guarded", "--guarded") as guarded,
        ):
            _assert_guarded(bare, guarded)
            pairs = turn_about(
                partial(bare.round, _SECONDS), partial(guarded.round, _SECONDS), _ROUNDS * effort
            )
        # The servers have ended: what the log does not hold now was never written.
        lines = (folder / "guarded" / EVENTS).read_bytes().count(b'"name":"http_request"')
        assert lines == guarded.requests, f"{lines} access events of {guarded.requests} requests"
    return ratios(pairs)


def _assert_guarded(bare: Load, guarded: Load) -> None:
    for load in (bare, guarded):
        assert load.answer.startswith(b"HTTP/1.1 200 "), load.answer
    assert b"nosniff" not in bare.answer
    assert b"nosniff" in guarded.answer


def core_import(effort: int) -> Measured:
    """`import stockade` in a fresh interpreter, the interpreter's own start taken off."""
    rounds = 11 * effort
    start = _interpreter("pass")
    measured = differences(turn_about(start, _interpreter("import stockade"), rounds))
    whole = "from stockade import Stockade"
    everything = median(
        theirs - mine for mine, theirs in turn_about(start, _interpreter(whole), rounds)
    )
    return measured._replace(peers={whole: everything})


def _interpreter(statement: str) -> Cost:
    def cost() -> float:
        process = subprocess.Popen([sys.executable, "-c", statement])
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, f"{statement!r} ended with {process.returncode}"
        return (usage.ru_utime + usage.ru_stime) * 1_000

    return cost
