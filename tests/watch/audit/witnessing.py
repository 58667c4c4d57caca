"""A tlog-witness over real HTTP, written from c2sp.org/tlog-witness; it shares no code with ours."""

from __future__ import annotations

import hashlib
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.watch.audit import independent


class Witness:
    name = "witness.example/w1"

    def __init__(self, logs: dict[str, list[str]]) -> None:
        """`logs`: the vkeys of each origin."""
        self.logs = logs
        self.seen: dict[str, tuple[int, bytes]] = {}
        self._key = Ed25519PrivateKey.generate()
        self._lock = threading.Lock()
        public = self._key.public_key().public_bytes_raw()
        self.vkey = independent.encoded_vkey(self.name, 4, public)
        self.url = ""

    def add_checkpoint(self, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body of the answer."""
        head, _, note = body.partition(b"\n\n")
        first, *proof = head.decode("ascii").split("\n")
        word, _, number = first.partition(" ")
        if word != "old" or str(int(number)) != number or len(proof) > 63:
            return 400, "", b""
        origin = note.split(b"\n")[0].decode()
        if origin not in self.logs:
            return 404, "", b""
        try:
            _, size, root = independent.checkpoint(note, self.logs[origin])
        except (independent.Untrue, InvalidSignature):
            return 403, "", b""
        old = int(number)
        if old > size:
            return 400, "", b""
        with self._lock:
            known, known_root = self.seen.get(origin, (0, hashlib.sha256().digest()))
            if old != known:
                return 409, "text/x.tlog.size", b"%d\n" % known
            if old == size and root != known_root:
                return 409, "", b""
            path = [b64decode(line, validate=True) for line in proof]
            if not proves_growth(old, known_root, size, root, path):
                return 422, "", b""
            self.seen[origin] = (size, root)
        return 200, "", self._cosignature(note)

    def _cosignature(self, note: bytes) -> bytes:
        text = note.rsplit(b"\n\n", 1)[0] + b"\n"
        moment = int(time.time())
        signature = self._key.sign(b"cosignature/v1\ntime %d\n" % moment + text)
        key_id = independent.vkey(self.vkey)[1]
        blob = b64encode(key_id + moment.to_bytes(8, "big") + signature)
        return f"\u2014 {self.name} ".encode() + blob + b"\n"


def proves_growth(old: int, old_root: bytes, size: int, root: bytes, path: list[bytes]) -> bool:
    """The consistency proof by the recursion of RFC 6962, 2.1.2, read backwards."""
    if old in (0, size):
        return not path and (old != size or old_root == root)
    rest = list(path)

    def walk(m: int, n: int, whole: bool) -> tuple[bytes, bytes]:
        """The roots of the first m and of all n leaves of this subtree."""
        if m == n:
            node = old_root if whole else rest.pop(0)
            return node, node
        k = independent.largest_power_below(n)
        if m <= k:
            before, after = walk(m, k, whole)
            return before, hashlib.sha256(b"\x01" + after + rest.pop(0)).digest()
        before, after = walk(m - k, n - k, False)
        left = rest.pop(0)
        return (
            hashlib.sha256(b"\x01" + left + before).digest(),
            hashlib.sha256(b"\x01" + left + after).digest(),
        )

    try:
        return walk(old, size, True) == (old_root, root) and not rest
    except IndexError:
        return False


@contextmanager
def served(witness: Witness) -> Iterator[Witness]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, kind, answer = (
                witness.add_checkpoint(body) if self.path == "/add-checkpoint" else (404, "", b"")
            )
            self.send_response(status)
            if kind:
                self.send_header("content-type", kind)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        witness.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield witness
        finally:
            server.shutdown()
            thread.join()
