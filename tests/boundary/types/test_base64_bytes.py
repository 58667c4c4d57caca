"""Base64 has one text for each content here, though decoders take many."""

from base64 import b64decode, b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary import Base64Bytes, Base64UrlBytes
from tests.boundary.types.conftest import REFUSED, verdict


@given(st.binary(max_size=100))
def test_contents_come_back(content: bytes) -> None:
    assert verdict(Base64Bytes, b64encode(content).decode()) == content
    assert verdict(Base64UrlBytes, urlsafe_b64encode(content).decode()) == content


@pytest.mark.parametrize("value", ["YQ", "YR==", "Y Q==", "YQ==\n", "YQ==YQ==", "Y*Q=", "ä"])
def test_other_texts_of_the_same_bytes_are_refused(value: str) -> None:
    assert verdict(Base64Bytes, value) is REFUSED


def test_a_lenient_decoder_takes_two_texts_for_one_content() -> None:
    assert b64decode("YR==") == b64decode("YQ==\n") == b"a"


def test_the_alphabets_are_not_mixed() -> None:
    assert verdict(Base64Bytes, "-_8=") is verdict(Base64UrlBytes, "+/8=") is REFUSED
