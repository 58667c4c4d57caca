"""A verifier of our logs, written from the C2SP and RFC texts alone. It shares no code with ours.

Slow on purpose: hashes of trees are the recursive definition of RFC 6962, section 2.1. Sources:
c2sp.org/tlog-tiles, /tlog-checkpoint, /signed-note, /tlog-proof, /tlog-cosignature.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Untrue(Exception):
    pass


def demand(truth: object, what: str) -> None:
    if not truth:
        raise Untrue(what)


# -- RFC 6962, section 2.1 -------------------------------------------------------------------------


class Entries:
    """D[n], with MTH over its ranges."""

    def __init__(self, entries: list[bytes]) -> None:
        self.leaves = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
        self.mth = cache(self._mth)

    def _mth(self, start: int, end: int) -> bytes:
        n = end - start
        if n == 0:
            return hashlib.sha256(b"").digest()
        if n == 1:
            return self.leaves[start]
        k = largest_power_below(n)
        left, right = self.mth(start, start + k), self.mth(start + k, end)
        return hashlib.sha256(b"\x01" + left + right).digest()

    def path(self, m: int, start: int, end: int) -> list[bytes]:
        n = end - start
        if n == 1:
            return []
        k = largest_power_below(n)
        if m < k:
            return [*self.path(m, start, start + k), self.mth(start + k, end)]
        return [*self.path(m - k, start + k, end), self.mth(start, start + k)]

    def subproof(self, m: int, start: int, end: int, whole: bool) -> list[bytes]:
        n = end - start
        if m == n:
            return [] if whole else [self.mth(start, end)]
        k = largest_power_below(n)
        if m <= k:
            return [*self.subproof(m, start, start + k, whole), self.mth(start + k, end)]
        return [*self.subproof(m - k, start + k, end, False), self.mth(start, start + k)]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def root_from_path(leaf: bytes, m: int, n: int, path: list[bytes]) -> bytes:
    """What PATH(m, D[n]) makes of a leaf, by the recursion that made the path."""
    if n == 1:
        demand(not path, "the path is too long")
        return leaf
    demand(path, "the path is too short")
    k = largest_power_below(n)
    *below, sibling = path
    if m < k:
        pair = root_from_path(leaf, m, k, below) + sibling
    else:
        pair = sibling + root_from_path(leaf, m - k, n - k, below)
    return hashlib.sha256(b"\x01" + pair).digest()


# -- signed notes and checkpoints ------------------------------------------------------------------


def vkey(text: str) -> tuple[str, bytes, int, bytes]:
    """Name, key id, type, public key."""
    name, key_id, encoded = text.split("+", 2)
    data = b64decode(encoded, validate=True)
    computed = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    demand(computed.hex() == key_id, "the vkey's id is wrong")
    return name, computed, data[0], data[1:]


def opened_note(data: bytes, keys: list[str]) -> str:
    """The text of a note that is signed by at least one of `keys`."""
    text, signatures = data.decode("utf-8").rsplit("\n\n", 1)
    text += "\n"
    demand(all(character >= " " or character == "\n" for character in data.decode()), "controls")
    known = {vkey(key)[:2]: vkey(key)[2:] for key in keys}
    good = 0
    for line in signatures.split("\n")[:-1]:
        dash, name, encoded = line.split(" ")
        demand(dash == "\u2014", "no signature line")
        blob = b64decode(encoded, validate=True)
        if (name, blob[:4]) not in known:
            continue
        kind, public = known[name, blob[:4]]
        message, signature = text.encode(), blob[4:]
        if kind == 4:
            time = int.from_bytes(signature[:8], "big")
            message, signature = f"cosignature/v1\ntime {time}\n".encode() + message, signature[8:]
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        good += 1
    demand(good, "signed by none of the keys")
    return text


def checkpoint(data: bytes, keys: list[str]) -> tuple[str, int, bytes]:
    origin, size, root, *_ = opened_note(data, keys).split("\n")
    demand(str(int(size)) == size and origin, "no checkpoint")
    return origin, int(size), b64decode(root, validate=True)


# -- tlog-tiles ------------------------------------------------------------------------------------


def index_path(n: int) -> str:
    digits = str(n).rjust(-(-len(str(n)) // 3) * 3, "0")
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*("x" + part for part in parts[:-1]), parts[-1]])


def resource(prefix: Path, level: str, n: int, width: int) -> bytes:
    path = f"tile/{level}/{index_path(n)}"
    if width < 256:
        partial = prefix / f"{path}.p/{width}"
        if partial.exists():
            return partial.read_bytes()
    return (prefix / path).read_bytes()


def bundle(data: bytes) -> list[bytes]:
    entries = []
    while data:
        length = int.from_bytes(data[:2], "big")
        demand(len(data) >= 2 + length, "a bundle is cut short")
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries


def all_entries(prefix: Path, size: int) -> list[bytes]:
    entries: list[bytes] = []
    while len(entries) < size:
        n, width = len(entries) // 256, min(256, size - len(entries))
        entries += bundle(resource(prefix, "entries", n, width))[:width]
        demand(len(entries) == n * 256 + width, "a bundle has too few entries")
    return entries


def verified(prefix: Path, keys: list[str]) -> tuple[str, Entries, list[bytes]]:
    """Origin and entries of a log, every entry and every tile of which is what it should be."""
    origin, size, root = checkpoint((prefix / "checkpoint").read_bytes(), keys)
    entries = all_entries(prefix, size)
    tree = Entries(entries)
    demand(tree.mth(0, size) == root, "the root is another")
    level = 0
    while size >> (8 * level):
        step = 256**level
        hashes = [tree.mth(at, at + step) for at in range(0, size - step + 1, step)]
        for n in range(0, len(hashes), 256):
            some = hashes[n : n + 256]
            data = resource(prefix, str(level), n // 256, len(some))
            demand(data[: 32 * len(some)] == b"".join(some), f"tile {level}/{n // 256} is another")
        level += 1
    return origin, tree, entries


def proved(data: bytes, entry: bytes, keys: list[str]) -> int:
    """The index at which a tlog-proof shows `entry`."""
    head, note = data.split(b"\n\n", 1)
    lines = head.decode("ascii").split("\n")
    demand(lines.pop(0) == "c2sp.org/tlog-proof@v1", "no tlog-proof")
    if lines[0].startswith("extra "):
        lines.pop(0)
    index = int(lines.pop(0).removeprefix("index "))
    _, size, root = checkpoint(note, keys)
    path = [b64decode(line, validate=True) for line in lines]
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    demand(root_from_path(leaf, index, size, path) == root, "the entry is not in the log")
    return index


def encoded_vkey(name: str, kind: int, public: bytes) -> str:
    data = bytes([kind]) + public
    key_id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    return f"{name}+{key_id.hex()}+{b64encode(data).decode()}"
