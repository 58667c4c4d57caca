"""Streams of each coding: their pieces, their end, and libraries that are absent or too old."""

from __future__ import annotations

import gzip
import subprocess
import sys
import types
import zlib
from collections.abc import Callable, Iterator

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from stockade.integrations import decoders
from stockade.integrations.decoders import formats

PIECE = 65_536
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


@pytest.fixture
def forgetful() -> Iterator[None]:
    decoders._library.cache_clear()
    yield
    decoders._library.cache_clear()


@given(st.sampled_from(sorted(PACK)), st.binary(), st.integers(1, 50))
def test_it_gives_back_what_was_packed_however_it_is_fed(
    coding: str, data: bytes, step: int
) -> None:
    packed, decoder = PACK[coding](data), formats(coding)[0].open()
    pieces = [packed[start : start + step] for start in range(0, len(packed), step)]
    assert b"".join(out for piece in pieces for out in decoder.feed(piece)) == data
    assert (decoder.ended, decoder.rest) == (True, b"")


@pytest.mark.parametrize("coding", sorted(PACK))
def test_no_piece_is_much_larger_than_64_kib(coding: str) -> None:
    packed = PACK[coding](bytes(3_000_000))
    sizes = [len(piece) for piece in formats(coding)[0].open().feed(packed)]
    assert (sum(sizes), max(sizes) <= PIECE) == (3_000_000, True)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_what_follows_the_end_is_kept_apart(coding: str) -> None:
    decoder = formats(coding)[0].open()
    assert b"".join(decoder.feed(PACK[coding](b"it's") + b"rest")) == b"it's"
    assert (decoder.ended, decoder.rest) == (True, b"rest")


@pytest.mark.parametrize("coding", sorted(PACK))
def test_what_is_no_stream_is_its_fault(coding: str) -> None:
    form = formats(coding)[0]
    with pytest.raises(form.fault):
        list(form.open().feed(b"\xff" * 64))


@pytest.mark.parametrize("coding", ["", "identity", "compress", "GZIP", "dcz", "aws-chunked"])
def test_other_codings_are_unknown(coding: str) -> None:
    assert formats(coding) == ()


def frame(window_log: int, *, content: bytes = b"it's", pledged: bool = False) -> bytes:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: window_log}
    if pledged:
        return zstd.compress(content, options=options)
    packer = zstd.ZstdCompressor(options=options)
    return packer.compress(content, zstd.ZstdCompressor.FLUSH_BLOCK) + packer.flush()


@pytest.mark.parametrize(
    ("packed", "is_refused"),
    [
        pytest.param(frame(23), False, id="8MiB"),
        pytest.param(frame(24), True, id="16MiB"),
        pytest.param(frame(27), True, id="128MiB"),
        pytest.param(frame(24, content=bytes(9 << 20), pledged=True), True, id="one-segment"),
        pytest.param(frame(24, pledged=True), False, id="small-segment"),
    ],
)
def test_a_window_beyond_rfc_9659_is_not_read(packed: bytes, is_refused: bool) -> None:
    form = formats("zstd")[0]
    assert form.asks_too_much(packed[:18]) is is_refused
    if is_refused:
        with pytest.raises(form.fault):
            list(form.open().feed(packed))
    else:
        assert b"".join(form.open().feed(packed)) == b"it's"


@pytest.mark.parametrize("head", [b"", b"(\xb5/\xfd", b"\x50\x2a\x4d\x18\xff\xff\xff\xff", b"q=1"])
def test_what_is_no_frame_asks_for_nothing(head: bytes) -> None:
    assert not formats("zstd")[0].asks_too_much(head)


@pytest.mark.parametrize(("coding", "module"), [("br", "brotli"), ("zstd", decoders._ZSTD)])
def test_without_its_library_a_coding_is_unknown(
    coding: str, module: str, monkeypatch: pytest.MonkeyPatch, forgetful: None
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert formats(coding) == ()


def test_a_brotli_that_inflates_without_a_bound_is_not_used(
    monkeypatch: pytest.MonkeyPatch, forgetful: None
) -> None:
    older = types.ModuleType("brotli")
    older.Decompressor = type("Decompressor", (), {"process": None})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "brotli", older)
    assert formats("br") == ()


def test_nothing_is_imported_until_such_a_body_comes() -> None:
    code = (
        "import sys\n"
        "from stockade.integrations import asgi, wsgi\n"
        "from stockade.integrations.inflated import documents, inflated\n"
        "assert inflated(b'q=1', '', 9) == inflated(b'q=1', 'gzip, foo', 9) == []\n"
        "assert not {'brotli', '_brotli', 'backports.zstd'} & set(sys.modules)\n"
        "inflated(b';', 'br', 9)\n"
        "assert 'brotli' in sys.modules and 'backports.zstd' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
