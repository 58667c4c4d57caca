"""A form is text that was encoded once."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.boundary.bodies.form import check_form, read_form
from stockade.core.errors import Rejected
from tests.growth import growth

MIB = 1 << 20


def outcome(body: bytes) -> tuple[int, str]:
    try:
        check_form(body, 1_000, MIB)
    except Rejected as refused:
        return refused.code, refused.rule
    return 200, ""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a=%zz", (400, "body.form")),
        (b"a=%2", (400, "body.form")),
        (b"a=%", (400, "body.form")),
        (b"a=%E9", (400, "body.form")),
        (b"a=\xe9", (400, "body.form")),
        (b"a=%C0%AE%C0%AE", (400, "body.form")),
        (b"a=%ED%A0%80", (400, "body.form")),
        (b"a=x%00.png", (400, "body.form")),
        (b"a=x\0.png", (400, "body.form")),
        (b"a=x%2500.png", (400, "body.double-encoding")),
        (b"a=x%252500.png", (400, "body.double-encoding")),
        (b"a=%251b[2J", (400, "body.double-encoding")),
        (b"_charset_=utf-7&a=x", (415, "body.charset")),
        (b"%5Fcharset_=iso-8859-1&a=x", (415, "body.charset")),
        (b"&".join(b"a=1" for _ in range(1_001)), (413, "body.fields")),
        (b"a=" + b"x" * MIB, (413, "body.field-size")),
    ],
)
def test_forms_that_are_refused(body: bytes, expected: tuple[int, str]) -> None:
    assert outcome(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a",
        b"a=&a=&=b",
        b"name=Zo%C3%AB+100%25&x=%26%3D",
        "name=Zoë".encode(),  # curl -d encodes nothing
        b"discount=100%2525",  # who writes 100%25
        b"share=https%3A%2F%2Fx.example%2F%3Ftext%3Dline%25201%250D%250Aline%25202%2509tab",
        b"_charset_=UTF-8&a=x",
        b"a=_charset_",
        b"&".join(b"a%d=1" % number for number in range(1_000)),
        b"a=" + b"x" * (MIB - 2) + b"&b=" + b"y" * (MIB - 2),
    ],
)
def test_honest_forms_pass(body: bytes) -> None:
    assert outcome(body) == (200, "")


def test_a_nul_cuts_a_name_and_is_refused() -> None:
    """What C reads of the name that Python read."""
    body = b"file=report.php%00.png"
    (name,) = (value for _, value in parse_qsl(body.decode()))
    assert name.endswith(".png")
    assert name.partition("\0")[0] == "report.php"
    assert outcome(body)[0] == 400
    assert outcome(b"file=report.png")[0] == 200


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.lists(st.tuples(texts, texts)))
def test_what_urlencode_writes_is_read_again(pairs: list[tuple[str, str]]) -> None:
    assert read_form(urlencode(pairs).encode(), 1_000, MIB) == pairs
    body = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    assert read_form(body.encode(), 1_000, MIB) == pairs


@given(st.binary() | st.text(st.sampled_from("a=&%02500CcEe_charset_+;")).map(str.encode))
def test_no_bytes_crash_it(body: bytes) -> None:
    code, _ = outcome(body)
    assert code in (200, 400, 415)
    if code == 200:
        assert read_form(body, 1_000, MIB) == parse_qsl(body.decode(), keep_blank_values=True)


@pytest.mark.parametrize("piece", [b"%41", b"%25", b"+", b"%C3%AB"])
def test_the_cost_is_linear(piece: bytes) -> None:
    assert growth(lambda size: check_form(b"a=" + piece * size, 10, 8 * MIB), 10_000) < 9
