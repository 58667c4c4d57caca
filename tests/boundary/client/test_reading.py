"""Answers that are too much, and those of honest services that look a little like them."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary.client import AddressPolicy, Limits
from stockade.boundary.client.reading import Reading
from stockade.core.errors import AnswerRejected
from tests.boundary.client.conftest import Caller
from tests.boundary.client.services import GOOD, Seen, Service, reply

POLICY = AddressPolicy(networks=[GOOD], plain_http=True)
MIB = 2**20
SMALL = Limits(max_bytes=MIB)


def bomb(size: int = 64 * MIB) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(bytes(MIB)) for _ in range(size // MIB)]) + packer.flush()


def test_a_compression_bomb(calls: Caller) -> None:
    packed = bomb()
    assert len(packed) < MIB // 4
    with Service(lambda seen: reply(packed, Content_Encoding="gzip")) as service:
        assert len(httpx2.get(service.url(), trust_env=False).content) == 64 * MIB
        with calls(policy=POLICY, limits=SMALL) as call:
            tracemalloc.start()
            try:
                with pytest.raises(AnswerRejected) as caught:
                    call("GET", service.url())
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert caught.value.rule == "client.size"
    assert peak < 16 * MIB


def endless(seen: Seen) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(64 * 16):  # an end for the bare client, which would wait for it
        yield b"10000\r\n" + bytes(65_536) + b"\r\n"
    yield b"0\r\n\r\n"


def test_an_endless_body(calls: Caller) -> None:
    with Service(endless) as service:
        assert len(httpx2.get(service.url(), trust_env=False).content) == 64 * MIB
    with (
        Service(endless) as service,
        calls(policy=POLICY, limits=SMALL) as call,
        pytest.raises(AnswerRejected),
    ):
        call("GET", service.url())
    assert service.sent < 32 * MIB  # what the kernel's buffers took before the connection closed


def test_an_endless_body_that_unpacks_to_nothing(calls: Caller) -> None:
    start = b"\x1f\x8b\x08" + bytes(7)
    filler = b"\x00\x00\x00\xff\xff" * 12_000  # stored blocks of no bytes

    def handler(seen: Seen) -> Iterable[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        for piece in [start, *[filler] * 500]:
            yield b"%x\r\n" % len(piece) + piece + b"\r\n"
        last = b"\x01\x00\x00\xff\xff" + bytes(8)
        yield b"%x\r\n" % len(last) + last + b"\r\n0\r\n\r\n"

    with Service(handler) as service, calls(policy=POLICY, limits=SMALL) as call:
        assert httpx2.get(service.url(), trust_env=False).content == b""
        with pytest.raises(AnswerRejected) as caught:
            call("GET", service.url())
    assert caught.value.rule == "client.size"


def test_a_declared_length_is_believed_against_the_service(calls: Caller) -> None:
    def handler(seen: Seen) -> Iterable[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"

    with Service(handler) as service, calls(policy=POLICY) as call:
        with pytest.raises(AnswerRejected):
            call("GET", service.url())
        with Service(
            lambda seen: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
        ) as other:
            assert call("HEAD", other.url()).content == b""


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"x-%d: y\r\n" % number for number in range(2_000)),
        b"".join(b"set-cookie: %s\r\n" % (b"c" * 7_000) for _ in range(10)),
    ],
)
def test_too_many_headers(head: bytes, calls: Caller) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + head + b"\r\n"
    with Service(lambda seen: answer) as service, calls(policy=POLICY) as call:
        assert len(httpx2.get(service.url(), trust_env=False).headers.raw) > 10
        with pytest.raises(AnswerRejected) as caught:
            call("GET", service.url())
    assert caught.value.rule == "client.headers"


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "compress", "gzip, gzip", "x"])
def test_an_encoding_that_was_not_asked_for(coding: str, calls: Caller) -> None:
    with (
        Service(lambda seen: reply(b"...", Content_Encoding=coding)) as service,
        calls(policy=POLICY) as call,
        pytest.raises(AnswerRejected) as caught,
    ):
        call("GET", service.url())
    assert service.seen[0].headers["accept-encoding"] == "gzip"
    assert caught.value.rule == "client.encoding"


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"x" * 99, mtime=0)[:-9],
        gzip.compress(b"x" * 99, mtime=0)[:-8] + bytes(8),
        gzip.compress(b"x", mtime=0) + b"trailer",
        b"no gzip",
        gzip.compress(b"", mtime=0) * 1_001,
    ],
)
def test_damaged_gzip(body: bytes, calls: Caller) -> None:
    with (
        Service(lambda seen: reply(body, Content_Encoding="gzip")) as service,
        calls(policy=POLICY) as call,
        pytest.raises(AnswerRejected) as caught,
    ):
        call("GET", service.url())
    assert caught.value.rule == "client.encoding"


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
def test_honest_gzip(coding: str, calls: Caller) -> None:
    text = bytes(random.Random(4).choices(b"abcdef", k=900_000))
    packed = gzip.compress(text[:500_000], mtime=0) + gzip.compress(text[500_000:], mtime=0)
    with (
        Service(lambda seen: reply(packed, Content_Encoding=coding)) as service,
        calls(policy=POLICY, limits=SMALL) as call,
    ):
        assert call("GET", service.url()).content == text


def test_a_body_of_just_the_limit(calls: Caller) -> None:
    with (
        Service(lambda seen: reply(bytes(int(seen.path[1:])))) as service,
        calls(policy=POLICY, limits=SMALL) as call,
    ):
        assert len(call("GET", service.url(f"/{MIB}")).content) == MIB
        with pytest.raises(AnswerRejected):
            call("GET", service.url(f"/{MIB + 1}"))


@given(st.lists(st.binary(max_size=200), max_size=4), st.integers(1, 60))
def test_members_and_pieces_as_they_come(members: list[bytes], step: int) -> None:
    packed = b"".join(map(gzip.compress, members))
    reading = Reading(200, [(b"content-encoding", b"gzip")], Limits(), "GET")
    for start in range(0, len(packed), step):
        reading.add(packed[start : start + step])
    assert reading.content() == b"".join(members)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(packed: bytes) -> None:
    reading = Reading(200, [(b"content-encoding", b"gzip")], Limits(max_bytes=1_000), "GET")
    try:
        reading.add(packed)
        assert len(reading.content()) <= 1_000
    except AnswerRejected:
        pass


@pytest.mark.parametrize("size", [0, 1, 2**18, 2**18 + 1, 2**19, 2**19 + 257])
def test_sizes_around_the_pieces_of_the_decoder(size: int) -> None:
    reading = Reading(200, [(b"content-encoding", b"gzip")], Limits(), "GET")
    reading.add(gzip.compress(bytes(size)))
    assert reading.content() == bytes(size)
