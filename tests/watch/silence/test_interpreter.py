"""Each failure happens twice: unwatched, where the log knows nothing of it, and watched."""

from __future__ import annotations

import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from stockade.watch.silence.interpreter import hooks
from stockade.watch.silence.reporter import Reporter
from tests.watch.silence.watched import CANARY, run

FAILURES: dict[str, tuple[str, dict[str, Any]]] = {
    "silence.thread": (
        """
        import os, threading
        def work():
            raise ValueError(os.environ["CANARY"])
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """,
        {"exception": "builtins.ValueError", "raised": "__main__:work:"},
    ),
    "silence.destructor": (
        """
        import os
        class Connection:
            def __del__(self):
                raise OSError(os.environ["CANARY"])
        Connection()
        """,
        {"exception": "builtins.OSError", "raised": "__main__:Connection.__del__:"},
    ),
    "silence.never-awaited": (
        """
        import asyncio, warnings
        warnings.simplefilter("ignore")  # as some libraries do for everybody
        async def send_receipt(to): ...
        async def main():
            send_receipt("canary")
        asyncio.run(main())
        """,
        {"exception": "", "raised": "__main__:send_receipt:"},
    ),
}


@pytest.mark.parametrize("rule", FAILURES)
def test_what_the_log_never_knew_is_an_event(rule: str, tmp_path: Path) -> None:
    program, expected = FAILURES[rule]
    unwatched = run(tmp_path, program, silence=False)
    assert unwatched.events == []
    watched = run(tmp_path, program, silence=True)
    [event] = watched.events
    assert (event["name"], event["rule"], event["severity"]) == (
        "app_failed_silently",
        rule,
        "critical",
    )
    assert event["details"]["exception"] == expected["exception"]
    assert event["details"]["raised"].startswith(expected["raised"])
    # What the interpreter printed before, it still prints.
    assert (CANARY in watched.stderr) == (CANARY in unwatched.stderr)


def test_the_main_threads_end_is_a_crash(tmp_path: Path) -> None:
    program = 'import os\nraise RuntimeError(os.environ["CANARY"])\n'
    assert run(tmp_path, program, silence=False, code=1).events == []
    watched = run(tmp_path, program, silence=True, code=1)
    [event] = watched.events
    assert (event["name"], event["rule"]) == ("sys_crash", "app.main-thread")
    assert event["details"]["exception"] == "builtins.RuntimeError"
    assert CANARY in watched.stderr


def test_an_honest_program_says_nothing(tmp_path: Path) -> None:
    program = """
        import asyncio, threading
        from concurrent.futures import ThreadPoolExecutor
        async def ok(): return 1
        async def main():
            try:
                await asyncio.create_task(bad())
            except ValueError:
                pass
            cancelled = asyncio.create_task(asyncio.sleep(9))
            await ok()
            cancelled.cancel()
        async def bad(): raise ValueError
        asyncio.run(main())
        def leave(): raise SystemExit
        thread = threading.Thread(target=leave); thread.start(); thread.join()
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(int, "x")
            assert isinstance(future.exception(), ValueError)
            try:
                pool.submit(int, "y").result()
            except ValueError:
                pass
        """
    watched = run(tmp_path, program, silence=True, stall=5.0)
    assert (watched.events, watched.stderr) == ([], "")


def test_ctrl_c_is_no_crash_and_the_hooks_before_are_called_and_come_back() -> None:
    told: list[Any] = []
    called: list[str] = []
    reporter = Reporter(told.append)
    before = sys.excepthook
    sys.excepthook = lambda *args: called.append("main")
    mine = sys.excepthook
    try:
        installed = hooks(reporter)
        reporter.start()
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
        reporter.close()
        assert (called, told) == (["main"], [])
        for hook in reversed(installed):
            hook.undo()
        assert sys.excepthook is mine
    finally:
        sys.excepthook = before
    assert "stockade" not in threading.excepthook.__module__
    assert "stockade" not in warnings._warn_unawaited_coroutine.__module__  # type: ignore[attr-defined]
