from __future__ import annotations

from pathlib import Path

import pytest

from tests.watch.silence.watched import run

STALL = 0.2
PROGRAM = """
import asyncio, re, time
def reads_a_file_slowly():
    time.sleep({seconds})
async def main():
    await asyncio.sleep(1.0)  # until the loop has been heard once: before, it has half a minute
    {block}
    await asyncio.sleep(0.5)
"""
RUN = {"asyncio": "asyncio.run(main())", "uvloop": "import uvloop\nuvloop.run(main())"}


@pytest.mark.parametrize("loop", RUN)
def test_a_blocked_loop_is_told_with_the_line_that_blocks(loop: str, tmp_path: Path) -> None:
    program = PROGRAM.format(seconds=0.6, block="reads_a_file_slowly()") + RUN[loop]
    if loop == "asyncio":
        assert run(tmp_path, program, silence=True, stall=0.0).events == []
    watched = run(tmp_path, program, silence=True, stall=STALL)
    [event] = watched.events
    assert (event["name"], event["rule"]) == ("loop_stalled", "silence.loop-stall")
    assert STALL <= event["details"]["seconds"] <= 0.8
    assert event["details"]["ended"]
    assert event["details"]["stack"][0].startswith("__main__:reads_a_file_slowly:")


def test_a_stall_that_does_not_end_is_told_while_it_lasts(tmp_path: Path) -> None:
    program = PROGRAM.format(seconds=1.5, block="reads_a_file_slowly()") + RUN["asyncio"]
    watched = run(tmp_path, program, silence=True, stall=STALL)
    assert [event["details"]["ended"] for event in watched.events] == [False, True]


def test_code_that_keeps_the_interpreters_lock_is_noticed_afterwards(tmp_path: Path) -> None:
    # A regular expression with exponential backtracking never lets another thread run.
    block = "re.match('(a+)+$', 'a' * 25 + 'b')"
    program = PROGRAM.format(seconds=0, block=block) + RUN["asyncio"]
    watched = run(tmp_path, program, silence=True, stall=STALL)
    assert watched.rules() == ["silence.loop-stall"]


def test_a_loop_that_is_busy_but_never_blocked_says_nothing(tmp_path: Path) -> None:
    block = (
        "[await asyncio.sleep(0.02) for _ in range(30)]; await asyncio.to_thread(time.sleep, 0.7)"
    )
    program = PROGRAM.format(seconds=0, block=block) + RUN["asyncio"]
    assert run(tmp_path, program, silence=True, stall=0.5).events == []
