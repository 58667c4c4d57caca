"""Servers and programs that a bypass needs: where they are absent, its test skips visibly."""

from __future__ import annotations

import os
import shutil
import socket

import pytest

__all__ = ["require"]

_PORTS = {"postgresql": 5432, "mariadb": 3306}


def require(name: str) -> None:
    """Skip, or fail under STOCKADE_FULL=1, where `name` is not there."""
    if not name or _is_there(name):
        return
    message = f"no {name} here"
    if os.environ.get("STOCKADE_FULL") == "1":
        pytest.fail(message)
    pytest.skip(message)


def _is_there(name: str) -> bool:
    port = _PORTS.get(name)
    if port is None:
        return shutil.which(name) is not None
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True
