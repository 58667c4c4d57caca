"""Weak on purpose, so reachable from this machine only, and not from its browser's other pages.

The address is checked where it is known: on the command line before anything starts, on the
listening sockets (Linux) as soon as they exist, and on every request.
"""

import asyncio
import ipaddress
import os
import signal
import sys
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from stockade.core.network import is_loopback

__all__ = ["LoopbackOnly", "refuse_to_start_elsewhere", "stop_when_listening_elsewhere"]

_LISTEN = "0A"
_WHY = "the range is weak on purpose and answers on loopback only: start it with --host 127.0.0.1"


def _requested_hosts() -> list[str]:
    """The addresses that the command line or the environment ask uvicorn to listen on."""
    hosts = [os.environ["UVICORN_HOST"]] if "UVICORN_HOST" in os.environ else []
    for word, following in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        if word in ("--host", "--bind", "-b"):
            hosts.append(following)
        elif word.startswith(("--host=", "--bind=")):
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


async def stop_when_listening_elsewhere() -> None:
    """Wait for the listening sockets, and end the process if one is off loopback."""
    for _ in range(100):
        addresses = await asyncio.to_thread(listening_addresses)
        if addresses:
            if not all(is_loopback(address) for address in addresses):
                _stop()
            return
        await asyncio.sleep(0.1)


class LoopbackOnly:
    """Refuses what did not arrive on a loopback address, or was sent by another site's page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (reason := self._reason(scope)):
            await PlainTextResponse(f"Refused: {reason}\n", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    @staticmethod
    def _reason(scope: Scope) -> str:
        server = scope.get("server") or ("", 0)
        if server[1] is not None and not is_loopback(server[0]):
            return _WHY
        headers = Headers(scope=scope)
        # A page that rebinds its name to 127.0.0.1 still sends that name.
        host = headers.get("host", "").rsplit(":", 1)[0].strip("[]")
        if host and not is_loopback(host):
            return "the Host header names no loopback address"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "another site's page sent this"
        return ""
