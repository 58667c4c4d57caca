from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks.attackers.process import run


@pytest.mark.parametrize(("code", "complete"), [("print('done')", True), ("exit('done')", False)])
def test_what_it_said_and_how_it_ended(code: str, complete: bool, tmp_path: Path) -> None:
    ran = run([sys.executable, "-c", code], tmp_path / "new", 30)
    assert (ran.said.strip(), ran.complete) == ("done", complete)


def test_what_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    child = "import os, time; open('born', 'w').write(str(os.getpid())); time.sleep(300)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    born = tmp_path / "born"
    for seconds in (1.0, 2.0, 4.0, 8.0, 16.0):  # a busy machine takes longer to have the child
        ran = run([sys.executable, "-c", parent], tmp_path, seconds)
        assert not ran.complete
        if born.exists() and born.read_text():
            break
    deadline = time.monotonic() + 10
    with pytest.raises(ProcessLookupError):  # noqa: PT012 - once it is buried
        while time.monotonic() < deadline:
            os.kill(int(born.read_text()), 0)
            time.sleep(0.05)
