"""The applications that requests are measured on, and the server that runs one: a process each.

    python -m benchmarks.apps FOLDER FILENO CORE [--guarded] [--access-log]

FILENO is a listening socket that the process inherits; logs go to FOLDER.
"""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from stockade import Stockade
from stockade.core.config import RequestSettings, Settings, StoreSettings, WatchSettings

__all__ = ["EVENTS", "application", "everything"]

EVENTS = "events.jsonl"


class Item(BaseModel):
    """Ten fields, as a form or a client would send them."""

    a: int
    b: str
    c: float
    d: bool
    e: str
    f: int
    g: list[int]
    h: str | None = None
    i: str = "x"
    j: dict[str, int] = {}


def application() -> FastAPI:
    """Two routes: a greeting, and an echo of ten validated fields."""
    app = FastAPI()

    # Without response models: validating the answer too would make the bare side look dearer.
    @app.get("/", response_model=None)
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    @app.post("/item", response_model=None)
    async def item(item: Item) -> Item:
        return item

    return app


def everything(folder: Path) -> Settings:
    """The defaults, and what they leave off: host names, the rate limit, the metrics endpoint."""
    return Settings(
        request=RequestSettings(hosts=("127.0.0.1",), rate=1e9, burst=1_000_000),
        store=StoreSettings(url="memory"),
        watch=WatchSettings(
            log=str(folder / EVENTS),
            journal=str(folder / "audit.jsonl"),
            metrics="127.0.0.1:0",
        ),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("fileno", type=int)
    parser.add_argument("core", type=int)
    parser.add_argument("--guarded", action="store_true")
    parser.add_argument("--access-log", action="store_true")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.core})  # before any thread: threads inherit it
    app = application()
    if options.guarded:
        Stockade.protect(app, settings=everything(options.folder))
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        access_log=options.access_log,
        timeout_keep_alive=600,  # one server's connections are idle while another's turn lasts
        log_level="info" if options.access_log else "warning",
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=options.fileno)])


if __name__ == "__main__":
    main()
