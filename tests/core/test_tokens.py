"""Tokens: segments of signed tokens, and what merely has dots in it."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.tokens import base32_spellings, segments


def test_django_signs_with_colons_and_compresses() -> None:
    signing = pytest.importorskip("django.core.signing")
    signer = signing.TimestampSigner(key="k", fallback_keys=[])
    value = "x' OR 1 --" + "a" * 200
    for compress in (False, True):
        token = signer.sign_object({"q": value}, compress=compress)
        assert any(value in text for text in segments(token))


@given(st.text(min_size=6))
def test_a_segment_is_read_in_both_forms(text: str) -> None:
    for data in (text.encode(), zlib.compress(text.encode())):
        segment = base64.urlsafe_b64encode(data).decode().rstrip("=")
        if len(segment) >= 8 and data[:1] != text.encode()[:1] * 2:
            assert text in segments(f"{segment}.AAAA") or data[:1] == b"x" == text.encode()[:1]


@pytest.mark.parametrize("value", ["shop.example.org", "1.2.3.4", "a b.c d", "x' OR.1", "GA1.2.3"])
def test_what_has_dots_and_is_no_token(value: str) -> None:
    assert all(not text.isprintable() for text in segments(value))


def test_base32_with_and_without_padding() -> None:
    text = base64.b32encode(b"x' OR 1 --").decode()
    assert base32_spellings(text) == base32_spellings(text.rstrip("=")) == ["x' OR 1 --"]
    assert base32_spellings("ABCDEFGH1") == []
