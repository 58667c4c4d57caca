"""Content codings: a body that is compressed, announced or not, damaged or in more than one way."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from typing import Any
from urllib.parse import parse_qs, urlencode

import brotli
from backports import zstd

from tests.firewall.bypasses.model import Bypass
from tests.firewall.bypasses.sinks import by_name, read_below, shell
from tests.firewall.bypasses.sources import body

DUMP = "' OR role='admin"
TEXT = "text/plain"
BYTES = "application/octet-stream"


def first(content: bytes) -> list[str]:
    return [parse_qs(content.decode())["q"][0]]


def json_of(content: Any) -> list[str]:
    return [json.loads(content)["q"]]


def form(value: str) -> bytes:
    return urlencode({"q": value}).encode()


def doc(value: str) -> bytes:
    return json.dumps({"q": value}).encode()


def _dumps(technique: str, coding: str, write: Any, read: Any, kind: str = BYTES) -> Bypass:
    """A value in a compressed document that dumps a table."""
    headers = {"content-encoding": coding} if coding else {}
    source = body(f"{technique} body", kind, write, read, **headers)
    return Bypass(technique, "sqlite3", source, by_name, (DUMP,), ("bob",))


def spoiled(value: str) -> bytes:
    """A member whose checksum is wrong, which its reader notices at the end."""
    packed = bytearray(gzip.compress(form(value) + b"\n"))
    packed[-5] ^= 1
    return bytes(packed)


def first_line(content: bytes) -> list[str]:
    with gzip.open(io.BytesIO(content)) as lines:
        return first(next(iter(lines)).rstrip())


def raw(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def two_faced(value: str) -> bytes:
    """With zlib's header one stored block of 65,534 bytes; without it a short one, then `value`."""
    return bytes.fromhex("78 01 00 fe ff 01 00 00 00 ff ff") + raw(doc(value))


def without_window(value: str) -> bytes:
    """Nothing tells the decoder how much there is, as where a client streams."""
    packer = zstd.ZstdCompressor()
    return packer.compress(doc(value), zstd.ZstdCompressor.FLUSH_BLOCK) + packer.flush()


BYPASSES = [
    _dumps("gzip", "gzip", lambda v: gzip.compress(doc(v)), lambda c: json_of(gzip.decompress(c))),
    Bypass(
        "deflate",
        "sh",
        body(
            "deflate body",
            TEXT,
            lambda v: zlib.compress(form(v)),
            lambda c: first(zlib.decompress(c)),
            **{"content-encoding": "deflate"},
        ),
        lambda w, v: shell(w, f"echo {v}"),
        (";touch pwned",),
        ("a",),
    ),
    Bypass(
        "gzip that is not announced",
        "open",
        body(
            "gzip unannounced",
            BYTES,
            lambda v: gzip.compress(doc(v)),
            lambda c: json_of(gzip.decompress(c)),
        ),
        read_below,
        ("../secret.txt",),
        ("sub/b.txt",),
    ),
    _dumps(
        "gzip twice",
        "gzip, gzip",
        lambda v: gzip.compress(gzip.compress(doc(v))),
        lambda c: json_of(gzip.decompress(gzip.decompress(c))),
        TEXT,
    ),
    _dumps("gzip with a wrong checksum", "gzip", spoiled, first_line),
    _dumps(
        "gzip padded between its members",
        "gzip",
        lambda v: gzip.compress(b"") + bytes(9) + gzip.compress(doc(v)),
        lambda c: json_of(gzip.decompress(c)),
    ),
    _dumps(
        "deflate in two ways",
        "deflate",
        two_faced,
        lambda c: json_of(zlib.decompress(c, -15)[1:]),
    ),
    _dumps(
        "fewer codings than are named",
        "deflate, gzip",
        lambda v: gzip.compress(b"s=&" + form(v)),
        lambda c: first(gzip.decompress(c)),
        TEXT,
    ),
    _dumps(
        "brotli", "br", lambda v: brotli.compress(doc(v)), lambda c: json_of(brotli.decompress(c))
    ),
    _dumps(
        "brotli with a rest",
        "br",
        lambda v: brotli.compress(doc(v)) + b"rest",
        lambda c: json_of(brotli.decompress(c.removesuffix(b"rest"))),
    ),
    _dumps(
        "brotli over gzip",
        "gzip, br",
        lambda v: brotli.compress(gzip.compress(doc(v))),
        lambda c: json_of(gzip.decompress(brotli.decompress(c))),
    ),
    _dumps("zstd", "zstd", lambda v: zstd.compress(doc(v)), lambda c: json_of(zstd.decompress(c))),
    _dumps("zstd in a stream", "zstd", without_window, lambda c: json_of(zstd.decompress(c))),
    _dumps(
        "zstd in many frames",
        "zstd",
        lambda v: b"".join(zstd.compress(bytes([byte])) for byte in doc(v)),
        lambda c: json_of(zstd.decompress(c)),
    ),
    _dumps(
        "zstd that is not announced",
        "",
        lambda v: zstd.compress(doc(v)),
        lambda c: json_of(zstd.decompress(c)),
    ),
    _dumps(
        "brotli that is not announced",
        "",
        lambda v: brotli.compress(doc(v) * 2, lgwin=22),
        lambda c: json_of(brotli.decompress(c)[: len(brotli.decompress(c)) // 2]),
    )._replace(out_of_reach="unknown transformation"),
]
