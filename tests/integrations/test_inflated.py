"""Compressed bodies: what the standard library inflates, in bounds."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.integrations.inflated import Inflated, documents, inflated


def raw(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@given(st.binary())
def test_as_the_standard_library_inflates(data: bytes) -> None:
    whole = Inflated(data, whole=True)
    assert inflated(gzip.compress(data), "gzip", 1_000) == whole
    assert inflated(gzip.compress(data) + gzip.compress(b"x"), "", 1_000) == Inflated(
        data + b"x", whole=True
    )
    assert inflated(zlib.compress(data), "deflate", 1_000) == whole
    assert inflated(gzip.compress(zlib.compress(data)), "deflate, gzip", 1_000) == whole


def test_a_deflate_stream_without_its_header() -> None:
    assert inflated(raw(b"it's" * 9), "deflate", 1_000) == Inflated(b"it's" * 9, whole=True)


@pytest.mark.parametrize("size", [999, 1_000])
def test_up_to_the_limit_it_is_whole(size: int) -> None:
    assert inflated(gzip.compress(b"a" * size), "gzip", 1_000) == Inflated(b"a" * size, whole=True)


def test_beyond_the_limit_it_is_cut_and_said() -> None:
    assert inflated(gzip.compress(b"a" * 1_001), "gzip", 1_000) == Inflated(b"a" * 1_000, False)


@pytest.mark.parametrize("coding", ["", "identity", "br", "gzip"])
def test_what_is_not_compressed_stays(coding: str) -> None:
    assert inflated(b"q=1", coding, 1_000) is None


def test_what_parsers_may_read() -> None:
    packed = gzip.compress(b"[1]")
    assert documents(packed, "gzip", 1_000) == [Inflated(b"[1]", True)]
    assert documents(packed, "", 1_000) == [Inflated(packed, True)]
    assert documents(b"[1]", "gzip", 1_000) == [Inflated(b"[1]", True)]
    assert documents(raw(b"[1]"), "deflate", 1_000) == [Inflated(raw(b"[1]"), True)]
    assert not documents(gzip.compress(b"a" * 1_001), "gzip", 1_000)[0].whole


def test_what_is_text_and_compressed_at_once_is_read_both_ways() -> None:
    empty = b"x\x01\x03\x00"  # a zlib stream of nothing, its checksum missing
    assert documents(empty, "deflate", 1_000) == [Inflated(empty, True), Inflated(b"", True)]
