"""Weak on purpose, so reachable from this machine only, and not from its browser's other pages.

The address is checked where it is known: on the command line before anything starts, on the
listening sockets (Linux) as soon as they exist, and on every request.
"""

import asyncio
import ipaddress
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from stockade.core.network import is_loopback

__all__ = [
    "LoopbackOnly",
    "refuse_to_start_elsewhere",
    "refused",
    "stop_when_listening_elsewhere",
    "watch_in_background",
]

_LISTEN = "0A"
_PATIENCE, _PAUSE = 100, 0.1
_WHY = "the range is weak on purpose and answers on loopback only: start it with --host 127.0.0.1"


def _requested_hosts() -> list[str]:
    """The addresses that the command line or the environment ask uvicorn to listen on."""
    hosts = [os.environ["UVICORN_HOST"]] if "UVICORN_HOST" in os.environ else []
    for word, following in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        if word in ("--host", "--bind", "-b", "--listen"):
            hosts.append(following)
        elif word.startswith(("--host=", "--bind=", "--listen=")):
            hosts.append(word.partition("=")[2])
    return hosts


def refuse_to_start_elsewhere() -> None:
    """End the process where it was told to listen off loopback. Errors: SystemExit."""
    for host in _requested_hosts():
        name = host.rsplit(":", 1)[0] if host.count(":") == 1 else host
        if not is_loopback(name.strip("[]")) and not name.startswith("unix"):
            sys.exit(f"Refused: {_WHY}")


def _address(hexadecimal: str) -> str:
    """An address of /proc/net/tcp: 32-bit words in the machine's byte order."""
    words = [hexadecimal[start : start + 8] for start in range(0, len(hexadecimal), 8)]
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    return str(ipaddress.ip_address(packed))


def listening_addresses() -> list[str]:
    """The TCP addresses that this process listens on; empty where /proc does not say."""
    own = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        try:
            own.add(os.readlink(descriptor))
        except OSError:
            continue  # closed meanwhile
    found = []
    for table in (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and f"socket:[{fields[9]}]" in own:
                found.append(_address(fields[1].partition(":")[0]))
    return found


def _stop() -> None:
    sys.stderr.write(f"Stopped: {_WHY}\n")
    os.kill(os.getpid(), signal.SIGTERM)


def _is_settled() -> bool:
    """Whether this process listens; ends it where that is off loopback."""
    addresses = listening_addresses()
    if not all(is_loopback(address) for address in addresses):
        _stop()
    return bool(addresses)


async def stop_when_listening_elsewhere() -> None:
    """Wait for the listening sockets, and end the process if one is off loopback."""
    for _ in range(_PATIENCE):
        if await asyncio.to_thread(_is_settled):
            return
        await asyncio.sleep(_PAUSE)


def watch_in_background() -> None:
    """The same for servers without an event loop, on a thread of its own."""

    def watch() -> None:
        for _ in range(_PATIENCE):
            if _is_settled():
                return
            time.sleep(_PAUSE)

    threading.Thread(target=watch, name="loopback only", daemon=True).start()


def _reason(headers: Mapping[str, str]) -> str:
    # A page that rebinds its name to 127.0.0.1 still sends that name.
    host = headers.get("host", "").rsplit(":", 1)[0].strip("[]")
    if host and not is_loopback(host):
        return "the Host header names no loopback address"
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return "another site's page sent this"
    return ""


def refused(environ: Mapping[str, Any]) -> str:
    """Why a WSGI request is refused, or nothing."""
    if not is_loopback(environ.get("REMOTE_ADDR") or "127.0.0.1"):
        return _WHY
    names = {"host": "HTTP_HOST", "sec-fetch-site": "HTTP_SEC_FETCH_SITE"}
    return _reason({name: environ[key] for name, key in names.items() if key in environ})


class LoopbackOnly:
    """Refuses what did not arrive on a loopback address, or was sent by another site's page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (reason := self._refused(scope)):
            await PlainTextResponse(f"Refused: {reason}\n", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    @staticmethod
    def _refused(scope: Scope) -> str:
        server = scope.get("server") or ("", 0)
        if server[1] is not None and not is_loopback(server[0]):
            return _WHY
        return _reason(Headers(scope=scope))
