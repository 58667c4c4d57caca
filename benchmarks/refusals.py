"""`python -m benchmarks.refusals`: a flood of refusals against the disk and honest requests.

In process: one application whose route declares a model, guarded, with both logs. Prints one
JSON object: how many bytes a hundred thousand refusals (a minute of them at 1,667 a second) leave
on the disk, whether the written and the counted ones add up, and what an honest request costs
between sixteen refused ones against one between sixteen honest ones, in CPU time of its thread.
The same without Stockade is printed beside it: whatever an interpreter does between two honest
requests makes the next one dearer (caches, specialised code), and that is not the defence's doing.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from fastapi import FastAPI

from stockade import Stockade
from stockade.boundary import Line, Model
from stockade.core.config import Settings, StoreSettings, WatchSettings

__all__ = ["main"]

_REFUSALS = 100_000
_BETWEEN = 16
_ROUNDS, _REQUESTS = 25, 60
_HONEST = b'{"name": "Ann", "amount": 3}'
_WRONG = b'{"name": "Ann", "amount": "three"}'


class _Order(Model):
    name: Line
    amount: int


def _bare() -> FastAPI:
    app = FastAPI()

    @app.post("/orders")
    async def order(order: _Order) -> int:
        return order.amount

    return app


def _guarded(folder: Path) -> tuple[FastAPI, Stockade]:
    app = _bare()
    settings = Settings(
        store=StoreSettings(url="memory"),
        watch=WatchSettings(log=str(folder / "log.jsonl"), audit=str(folder / "audit")),
    )
    return app, Stockade.protect(app, settings=settings)


async def _send(app: FastAPI, body: bytes) -> int:
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/orders",
        "raw_path": b"/orders",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1"),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8000),
    }
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, send)
    return status


async def _cost(app: FastAPI, others: bytes) -> float:
    """Microseconds of an honest request, `others` between them."""
    spent = 0
    for _ in range(_REQUESTS):
        for _ in range(_BETWEEN):
            await _send(app, others)
        start = time.thread_time_ns()
        await _send(app, _HONEST)
        spent += time.thread_time_ns() - start
    return spent / _REQUESTS / 1_000


async def _measure(app: FastAPI) -> tuple[float, float]:
    """What an honest request costs in the flood against in peace, and in peace."""
    await _cost(app, _HONEST), await _cost(app, _WRONG)  # warm
    pairs = [(await _cost(app, _HONEST), await _cost(app, _WRONG)) for _ in range(_ROUNDS)]
    return median(flood / peace for peace, flood in pairs), median(peace for peace, _ in pairs)


async def _flood(app: FastAPI) -> None:
    for _ in range(_REFUSALS):
        if await _send(app, _WRONG) != 422:
            raise RuntimeError("a refusal was not refused")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where the counts do not add up."""
    del arguments
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app, guard = _guarded(folder)
        asyncio.run(_flood(app))
        guard.close()
        size = sum(file.stat().st_size for file in folder.glob("*.jsonl"))
        events = list(map(json.loads, (folder / "log.jsonl").read_bytes().splitlines()))
    written = sum(event["name"] == "input_validation_fail" for event in events)
    counted = sum(
        event["details"]["omitted"]
        for event in events
        if event["name"] == "events_sampled"
        and event["details"]["event"] == "input_validation_fail"
    )
    with tempfile.TemporaryDirectory() as name:
        bare = asyncio.run(_measure(_bare()))
        app, guard = _guarded(Path(name))
        guarded = asyncio.run(_measure(app))
        guard.close()
    figures = {
        "refusals": _REFUSALS,
        "written": written,
        "counted": counted,
        "bytes_on_disk": size,
        "honest_in_the_flood_x": round(guarded[0], 3),
        "bare_in_the_flood_x": round(bare[0], 3),
        "honest_in_peace_us": round(guarded[1], 1),
    }
    print(json.dumps(figures))
    return 0 if written + counted == _REFUSALS else 1


if __name__ == "__main__":
    sys.exit(main())
