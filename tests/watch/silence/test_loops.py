from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stockade.watch.silence.loops import Loops
from stockade.watch.silence.reporter import Reporter
from tests.watch.silence.watched import CANARY, run

RUN = {
    "asyncio": "asyncio.run(main())",
    "uvloop": "import uvloop\nuvloop.run(main())",
    "late uvloop": "loop = __import__('uvloop').new_event_loop()\nloop.run_until_complete(main())\nloop.close()",
    "own handler": (
        "async def handled(loop, context): ...\n"
        "async def with_handler():\n"
        "    asyncio.get_running_loop().set_exception_handler(lambda loop, context: print('mine'))\n"
        "    await main()\n"
        "asyncio.run(with_handler())"
    ),
    "thread": (
        "import threading\n"
        "thread = threading.Thread(target=lambda: asyncio.run(main()))\n"
        "thread.start()\nthread.join()"
    ),
}
FAILURES = {
    "silence.task": """
async def pay(amount):
    raise ValueError(os.environ["CANARY"])
async def main():
    asyncio.create_task(pay(1))
    await asyncio.sleep(0.01)
    gc.collect()
""",
    "silence.callback": """
def remind(whom):
    raise KeyError(os.environ["CANARY"])
async def main():
    asyncio.get_running_loop().call_soon(remind, os.environ["CANARY"])
    await asyncio.sleep(0.01)
""",
    "silence.future": """
async def main():
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError(os.environ["CANARY"]))
    del future
    await asyncio.sleep(0)
""",
    "silence.lost-task": """
async def wait_for(event):
    await event.wait()
async def main():
    asyncio.create_task(wait_for(asyncio.Event()))
    await asyncio.sleep(0)
    gc.collect()
""",
}
IMPORTS = "import asyncio, gc, os\n"


@pytest.mark.parametrize("how", RUN)
def test_a_task_that_nobody_awaits_fails_in_silence_on_every_loop(how: str, tmp_path: Path) -> None:
    program = IMPORTS + FAILURES["silence.task"] + RUN[how]
    if how == "asyncio":
        assert run(tmp_path, program, silence=False).events == []
    watched = run(tmp_path, program, silence=True)
    assert watched.rules() == ["silence.task"]
    details = watched.events[0]["details"]
    assert details["exception"] == "builtins.ValueError"
    assert details["raised"].startswith("__main__:pay:")
    if how != "own handler":
        assert CANARY in watched.stderr  # the loop's own line stays


@pytest.mark.parametrize("rule", [rule for rule in FAILURES if rule != "silence.task"])
def test_what_a_loop_gives_up_on_is_an_event(rule: str, tmp_path: Path) -> None:
    program = IMPORTS + FAILURES[rule] + RUN["asyncio"]
    assert run(tmp_path, program, silence=False).events == []
    assert run(tmp_path, program, silence=True).rules() == [rule]


def test_the_handler_of_the_application_is_called_and_all_is_put_back() -> None:
    told: list[Any] = []
    heard: list[str] = []
    reporter = Reporter(told.append)
    reporter.start()
    before = asyncio.BaseEventLoop.call_exception_handler, asyncio.BaseEventLoop.run_forever
    loops = Loops(reporter)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: heard.append(context["message"]))
        loop.call_exception_handler({"message": CANARY, "exception": OSError(CANARY)})

    asyncio.run(main())
    loops.undo()
    reporter.close()
    assert heard == [CANARY]
    assert [event.rule for event in told] == ["silence.loop"]
    assert CANARY not in str(told)
    after = asyncio.BaseEventLoop.call_exception_handler, asyncio.BaseEventLoop.run_forever
    assert after == before
