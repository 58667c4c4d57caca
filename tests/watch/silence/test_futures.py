from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

from tests.watch.silence.watched import run

POOL = """
import os
from concurrent.futures import ThreadPoolExecutor, wait
def index(document):
    raise ValueError(os.environ["CANARY"])
with ThreadPoolExecutor(2) as pool:
    wait([pool.submit(index, n) for n in range(3)])
"""


def test_work_of_a_pool_that_nobody_asks_about_fails_in_silence(tmp_path: Path) -> None:
    unwatched = run(tmp_path, POOL, silence=False)
    assert (unwatched.events, unwatched.stderr) == ([], "")  # not even a line on standard error
    watched = run(tmp_path, POOL, silence=True)
    assert watched.rules() == ["silence.pool"] * 3
    assert watched.events[0]["details"]["raised"].startswith("__main__:index:")


def test_who_asks_in_any_way_is_told_by_the_future_itself(tmp_path: Path) -> None:
    program = """
        import asyncio
        from concurrent.futures import Future, ThreadPoolExecutor, as_completed
        def fail(n): raise ValueError(n)
        with ThreadPoolExecutor(2) as pool:
            for future in as_completed([pool.submit(fail, n) for n in range(3)]):
                assert future.exception()
            try:
                list(pool.map(fail, (1,)))
            except ValueError:
                pass
            pool.submit(fail, 1).add_done_callback(lambda future: future.exception())
        async def main():
            try:
                await asyncio.get_running_loop().run_in_executor(None, fail, 1)
            except ValueError:
                pass
        asyncio.run(main())
        own = Future()  # a library's own: it knows what it is for
        own.set_exception(ValueError())
        del own
        """
    assert run(tmp_path, program, silence=True).events == []


def test_here_nothing_is_replaced() -> None:
    for method in (Future.result, Future.exception, Future.set_exception):
        assert method.__module__ == "concurrent.futures._base"
