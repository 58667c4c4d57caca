"""Coverage-guided fuzzing of every grammar and decoder: `make fuzz [MINUTES=60]`.

    python -m tests.fuzz TARGET SECONDS

in `.venv-fuzz`. No target may raise, take more than 10 ms of CPU for 10 kB (checked twice, for a
machine has pauses), or let an attack through that SQLite itself understands as one. Prints how many
executions each target had; exits 1 at the first failure, whose input is left in
`crash-TARGET-*` of the current folder.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["stockade"]):
    from tests.fuzz import targets

_ALLOWED = 0.010
_PER = 10_000


def timed(target: targets.Target) -> Callable[[bytes], None]:
    """`target` on text, the time of each of its checks watched."""

    def run(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        for check in target(text):
            _in_time(check, _ALLOWED * max(1.0, len(text) / _PER), text)

    return run


def _in_time(check: targets.Check, allowed: float, text: str) -> None:
    for _ in range(3):
        start = time.process_time()
        check()
        # Instrumented code is several times slower than the code that ships.
        if time.process_time() - start < allowed * targets.SLOWER:
            return
    raise TimeoutError(f"more than {allowed * 1000:.0f} ms for {len(text)} characters")


def main() -> None:
    name, seconds = sys.argv[1], sys.argv[2]
    target = targets.TARGETS[name]
    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={seconds}",
            "-max_len=10000",
            "-timeout=20",
            "-rss_limit_mb=4096",
            f"-artifact_prefix=crash-{name}-",
            "-print_final_stats=1",
        ],
        timed(target),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
