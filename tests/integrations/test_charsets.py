"""Charsets that bodies name: read where Python knows them, and never at any cost."""

from __future__ import annotations

import pytest

from stockade.integrations.charsets import charset_of, decoded
from tests.growth import growth


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/plain; charset=utf-16-le", "utf-16-le"),
        ('text/plain; CHARSET="cp037"; x=y', "cp037"),
        ("text/plain; charset=UTF-8", ""),
        ("text/plain; charset=us-ascii", ""),
        ("text/plain; charset=no-such-thing", ""),
        ("text/plain", ""),
    ],
)
def test_the_charset_that_a_type_names(content_type: str, charset: str) -> None:
    assert charset_of(content_type) == charset


def test_bytes_in_a_charset_or_not() -> None:
    assert decoded("x' OR 1".encode("cp037"), "cp037") == "x' OR 1"
    assert decoded(b"\xff", "utf-8") is None
    assert decoded(b"x", "zlib_codec") is None
    assert decoded(b"x", "no-such-thing") is None


def test_an_encoding_of_names_is_no_way_to_keep_us_busy() -> None:
    def work(size: int) -> None:
        assert decoded(b"a" * size + b"-" + b"b" * size, "punycode") is None

    assert growth(work, 12_500) < 8
