from __future__ import annotations

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
    child = "import time; open('born', 'w'); time.sleep(2); open('late', 'w')"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    ran = run([sys.executable, "-c", parent], tmp_path, 1.0)
    assert not ran.complete
    if not (tmp_path / "born").exists():
        pytest.skip("the machine is too busy: the child was not born within a second")
    time.sleep(2.5)
    assert not (tmp_path / "late").exists()
