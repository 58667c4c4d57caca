"""A virus scanner between arrival and storage: ClamAV's daemon (ASVS 5.0 V5.4.3).

    quarantine = Quarantine("/var/lib/clinic/quarantine", scanner=Clamd("/run/clamav/clamd.ctl"))

Every upload is streamed to the daemon as it came, before a contract draws or unpacks it: the daemon
looks into archives and documents by itself. What it names is refused (422, `malware`).

It **fails closed**: no daemon, no answer in time, or a file beyond the daemon's own limit
(`StreamMaxLength` in clamd.conf, 25 MB as it comes: set it above the quarantine's `max_bytes`), and
the upload is refused, with `defence_failed`. A scanner knows what is known: it is no substitute for
the contracts. Source: clamd(8), INSTREAM.
"""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from typing import BinaryIO, Protocol

from stockade.boundary.uploads.refusal import RULE, Unfit
from stockade.core.bus import emit
from stockade.core.errors import ConfigError
from stockade.core.events import Outcome

__all__ = ["Clamd", "Scanner"]

_CHUNK = 1 << 16
_LONGEST = 4_096  # bytes of a verdict


class Scanner(Protocol):
    """Looks at a file before anything else does."""

    def scan(self, file: BinaryIO) -> None:
        """Judge `file`, from its start. Raises Unfit; its position is lost."""
        ...


class Clamd:
    """ClamAV's daemon, a connection for each file. Threads may share it."""

    def __init__(self, address: str = "/run/clamav/clamd.ctl", *, seconds: float = 60.0) -> None:
        """`address`: the path of its socket, or `host:port` on a network that nobody else hears.

        `seconds`: for each step of the exchange. Raises ConfigError.
        """
        host, _, port = address.rpartition(":")
        if not address.startswith("/") and not (host and port.isdigit()):
            raise ConfigError(
                'Clamd: the address is a path such as "/run/clamav/clamd.ctl", or "host:port"'
            )
        self._path = address if address.startswith("/") else ""
        self._peer = (host.strip("[]"), int(port)) if not self._path else ("", 0)
        self._seconds = seconds

    def scan(self, file: BinaryIO) -> None:
        """Raises Unfit: `malware` for what the daemon names, `scan` where it cannot say."""
        file.seek(0)
        try:
            with closing(self._connected()) as connection:
                verdict = _ask(connection, file)
        except (OSError, EOFError):
            verdict = b""
        if verdict == b"stream: OK":
            return
        if verdict.endswith(b" FOUND"):
            raise Unfit("malware", "The file is known to be harmful.")
        emit(
            "defence_failed",
            Outcome.FAILED,
            "boundary",
            "The virus scanner gave no verdict: the upload is refused.",
            rule=RULE + "scan",
        )
        raise Unfit("scan", "The file cannot be scanned now.", status=503)

    def _connected(self) -> socket.socket:
        if not self._path:
            return socket.create_connection(self._peer, self._seconds)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self._seconds)
            connection.connect(self._path)
        except BaseException:
            connection.close()
            raise
        return connection


def _ask(connection: socket.socket, file: BinaryIO) -> bytes:
    """The daemon's verdict. Raises OSError, EOFError."""
    try:
        connection.sendall(b"zINSTREAM\0")
        while chunk := file.read(_CHUNK):
            connection.sendall(struct.pack("!I", len(chunk)) + chunk)
        connection.sendall(struct.pack("!I", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has said no before the end: what it says stands in the answer
    answer = b""
    while not answer.endswith(b"\0"):
        piece = connection.recv(_LONGEST)
        answer += piece
        if not piece or len(answer) > _LONGEST:
            raise EOFError
    return answer[:-1]
