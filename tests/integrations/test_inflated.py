"""Compressed bodies: every reading that an application may have of them, in bounds."""

from __future__ import annotations

import gzip
import json
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from stockade.integrations import decoders
from stockade.integrations.inflated import Inflated, accepted, can_undo, documents, inflated
from tests.growth import growth

Pack = Callable[[bytes], bytes]


def raw(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


PACK: dict[str, Pack] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": partial(brotli.compress, quality=5),
    "zstd": zstd.compress,
}
CODINGS = list(PACK)
WAYS: list[tuple[str, Pack]] = [*PACK.items(), ("deflate", raw)]
IDS = [*CODINGS, "raw-deflate"]
SPEND = 1_000_000


def whole(data: bytes) -> list[Inflated]:
    return [Inflated(data, whole=True)]


@given(st.sampled_from(WAYS), st.binary(max_size=2_000), st.integers(0, 1_500))
def test_it_comes_back_whole_or_cut_at_the_limit(
    way: tuple[str, Pack], data: bytes, limit: int
) -> None:
    coding, pack = way
    found = inflated(pack(data), coding, limit)[0]
    assert (found.body, found.whole) == (data[:limit], len(data) <= limit)


@given(st.lists(st.sampled_from(CODINGS), min_size=1, max_size=4), st.binary(max_size=300))
def test_codings_are_undone_in_turn(codings: list[str], data: bytes) -> None:
    body = data
    for name in codings:
        body = PACK[name](body)
    found = inflated(body, ", ".join(codings), 1_000)
    assert (found[-1].body, found[-1].whole) == (data, True)


@given(st.sampled_from(CODINGS), st.binary(max_size=300), st.integers(0, 200))
def test_anything_at_all_is_read_within_the_limit(coding: str, body: bytes, limit: int) -> None:
    for prefix in (b"", PACK[coding](b"it's" * 20)[:-3]):
        for each in inflated(prefix + body, f"{coding}, {coding}", limit):
            assert len(each.body) <= limit
        assert documents(prefix + body, coding, limit)


@pytest.mark.parametrize(("coding", "pack"), WAYS, ids=IDS)
def test_a_bomb_is_cut_and_takes_no_more_memory_than_the_limit(coding: str, pack: Pack) -> None:
    bomb = pack(bytes(100 * SPEND))
    inflated(pack(b"warm"), coding, 9)
    tracemalloc.start()
    found = inflated(bomb, coding, SPEND)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [(len(each.body), each.whole) for each in found] == [(SPEND, False)]
    assert peak < 1.5 * SPEND + len(bomb)


@pytest.mark.parametrize(("coding", "pack"), WAYS, ids=IDS)
def test_a_bomb_in_a_bomb_is_cut_at_the_first(coding: str, pack: Pack) -> None:
    found = inflated(pack(pack(bytes(20 * SPEND))), f"{coding},{coding}", 1_000)
    assert (len(found[-1].body), found[-1].whole) == (1_000, False)


@pytest.mark.parametrize(("coding", "pack"), WAYS, ids=IDS)
def test_a_stream_that_is_cut_short_is_read_as_far_as_it_goes(coding: str, pack: Pack) -> None:
    text = json.dumps(list(range(100_000))).encode()
    packed = pack(text)
    (got,) = inflated(packed[: len(packed) // 2], coding, SPEND)
    assert got.whole
    assert text.startswith(got.body)
    assert len(got.body) > 1_000


@pytest.mark.parametrize("size", [4, 5_000])
@pytest.mark.parametrize(("coding", "pack"), WAYS, ids=IDS)
def test_what_stands_before_a_fault_is_read(coding: str, pack: Pack, size: int) -> None:
    data = (b"it's 1 " * size)[: 7 * size]
    for rest in (b"garbage", b"\0", b"\xff" * 9_000):
        assert inflated(pack(data) + rest, coding, SPEND)[0].body == data


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_wrong_checksum_hides_nothing(coding: str) -> None:
    packed = bytearray(PACK[coding](b"' OR 1=1 -- " * 9))
    packed[-1] ^= 1
    assert inflated(bytes(packed), coding, SPEND)[0].body == b"' OR 1=1 -- " * 9


@pytest.mark.parametrize(
    ("coding", "between"),
    [("gzip", b""), ("gzip", b"\0" * 700), ("zstd", b""), ("zstd", b"\x50\x2a\x4d\x18\1\0\0\0x")],
    ids=["members", "padded-members", "frames", "skippable-frame"],
)
def test_streams_in_a_row_are_one_content(coding: str, between: bytes) -> None:
    pack = PACK[coding]
    assert inflated(pack(b"a") + between + pack(b"b"), coding, SPEND) == whole(b"ab")
    assert inflated(pack(b"") + between + pack(b"b"), "", SPEND) == whole(b"b")


@pytest.mark.parametrize("coding", ["deflate", "br"])
def test_other_codings_have_one_stream(coding: str) -> None:
    pack = PACK[coding]
    assert inflated(pack(b"a") + pack(b"b"), coding, SPEND)[0].body == b"a"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_thousands_of_empty_streams_are_too_much_and_cost_little(coding: str) -> None:
    empty = PACK[coding](b"")
    assert inflated(empty * 1_000, coding, SPEND) == whole(b"")
    assert not inflated(empty * 1_001, coding, SPEND)[0].whole
    assert growth(lambda count: inflated(empty * count, coding, SPEND), 20_000) < 8


def test_a_zstd_frame_with_too_wide_a_window_is_more_than_the_limit() -> None:
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    wide = packer.compress(b"it's", zstd.ZstdCompressor.FLUSH_BLOCK) + packer.flush()
    assert inflated(wide, "zstd", SPEND) == [Inflated(b"", whole=False)]


def test_both_ways_to_read_deflate_count() -> None:
    hidden = b"' OR 1=1 -- " * 3
    # Without zlib's header: a stored block of one byte, an empty one, and what is hidden. With it:
    # one stored block of 65,534 bytes, cut short.
    both = bytes.fromhex("78 01 00 fe ff 01 00 00 00 ff ff") + raw(hidden)
    assert zlib.decompress(both, -15) == b"\x01" + hidden
    found = inflated(both, "deflate", SPEND)
    assert [each.body for each in found] == [both[7:], b"\x01" + hidden]
    assert documents(both, "deflate", SPEND) == found


@pytest.mark.parametrize("coding", ["", "identity", "br", "gzip", "zstd", "deflate", "gzip, foo"])
def test_what_is_not_compressed_stays(coding: str) -> None:
    assert inflated(b"q=1", coding, 1_000) == []
    assert documents(b'{"q": 1}', coding, 1_000) == whole(b'{"q": 1}')


@pytest.mark.parametrize(("coding", "pack"), [("gzip", zlib.compress), ("deflate", gzip.compress)])
def test_whoever_goes_by_the_header_is_heard(coding: str, pack: Pack) -> None:
    assert inflated(pack(b"it's"), coding, SPEND) == whole(b"it's")


def test_more_than_four_codings_are_too_much() -> None:
    body = b"a"
    for _ in range(5):
        body = gzip.compress(body)
    assert not inflated(body, "gzip, " * 5, 1_000)[-1].whole


def test_whoever_undoes_fewer_codings_than_are_named_is_heard() -> None:
    text = b"s=\xff' OR 1=1 --"  # begins as a stream of deflate may, and is no UTF-8
    assert len(inflated(text, "deflate", 99)) == 1
    assert text in {each.body for each in inflated(gzip.compress(text), "deflate, gzip", 99)}
    assert documents(gzip.compress(b"[1]"), "deflate, gzip", 99) == whole(b"[1]")
    assert documents(gzip.compress(gzip.compress(b"[1]")), "gzip, gzip", 99) == whole(b"[1]")


@pytest.mark.parametrize(("coding", "pack"), WAYS, ids=IDS)
def test_what_parsers_may_read(coding: str, pack: Pack) -> None:
    assert documents(pack(b"[1]"), coding, 1_000) == whole(b"[1]")
    assert documents(pack(b"[1]"), "", 1_000) == whole(pack(b"[1]"))
    assert documents(b"[1]", coding, 1_000) == whole(b"[1]")
    assert not documents(pack(b"a" * 1_001), coding, 1_000)[0].whole


def test_what_is_text_and_compressed_at_once_is_read_both_ways() -> None:
    empty = zlib.compress(b"", 1)
    assert documents(empty, "deflate", 1_000) == [Inflated(empty, True), Inflated(b"", True)]
    wide = "[1]".encode("utf-16-le")
    assert documents(wide, "br", 1_000) == whole(wide)


@given(st.text(min_size=1), st.sampled_from([10, 16, 18, 22, 24]))
def test_what_brotli_stores_as_it_is_is_read_once(text: str, window: int) -> None:
    data = json.dumps(text).encode()
    packed = brotli.compress(data, lgwin=window)
    if data in packed:
        assert documents(packed, "br", SPEND) == whole(data)


def test_what_can_be_undone_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert accepted() == "gzip, deflate, br, zstd"
    assert can_undo("")
    assert can_undo("identity, BR ,zstd")
    assert not can_undo("gzip, compress")
    decoders._library.cache_clear()
    monkeypatch.setitem(sys.modules, "brotli", None)
    assert accepted() == "gzip, deflate, zstd"
    assert not can_undo("br")
    decoders._library.cache_clear()
