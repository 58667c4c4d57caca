"""The FastAPI application that requests are measured on, and the server that runs it.

Imports nothing of Stockade: environments of peers use it too.
"""

from __future__ import annotations

import os
import socket
from argparse import ArgumentParser
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp

__all__ = ["application", "arguments", "pin", "serve"]


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


def arguments() -> ArgumentParser:
    """The command line that `benchmarks.load.serving` uses."""
    parser = ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("fileno", type=int)
    parser.add_argument("core", type=int)
    return parser


def pin(core: int) -> None:
    """Stay on one core; before any thread is started: threads inherit it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def serve(app: ASGIApp, fileno: int, *, access_log: bool = False) -> None:
    """Run `app` on the listening socket `fileno`, until told to end."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        access_log=access_log,
        timeout_keep_alive=600,  # one server's connections are idle while another's turn lasts
        log_level="info" if access_log else "warning",
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=fileno)])
