"""The head of a part has one reading; what clients write is read as they mean it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_multipart.multipart import parse_options_header
from werkzeug.http import parse_options_header as options_of_flask

from stockade.boundary.bodies.part import Part, read_head
from stockade.core.errors import Rejected
from tests.boundary.bodies.clients import CLIENTS, Sent

SENT = [(f"{client}, {part.name}", part) for client, one in CLIENTS.items() for part in one.parts]


def head(disposition: str, *more: str) -> bytes:
    return "\r\n".join((f"Content-Disposition: form-data{disposition}", *more)).encode()


def refusal(lines: bytes) -> tuple[int, str]:
    with pytest.raises(Rejected) as caught:
        read_head(lines)
    return caught.value.code, caught.value.rule


@pytest.mark.parametrize("part", [part for _, part in SENT], ids=[name for name, _ in SENT])
def test_what_clients_call_their_parts(part: Sent) -> None:
    found = read_head("\r\n".join(part.head).encode())
    assert (found.name, found.filename) == (part.name, part.filename)


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"X: y",
        b"Content-Type: text/plain",
        b'Content-Disposition: attachment; name="a"',
        b'Content-Disposition: form-data-x; name="a"',
        head(""),
        head('; filename="a"'),
        head('; name="a"; name="b"'),
        head('; name="a"; Name="a"'),
        head('; name="a"; filename="b"; filename="c"'),
        head("; name=\"a\"; name*=utf-8''b"),
        head('; name*0="a"; name*1="b"'),
        head('; name="a"; filename*0="a.p"; filename*1="hp"'),
        head("; name=\"a\"; filename=\"a.png\"; filename*=utf-8''a.php"),
        head("; name=\"a\"; filename=\"=?utf-8?B?YS5wbmc=?=\"; filename*=utf-8''a.php"),
        head("; name=\"a\"; filename*=utf-8''a.png; filename*=utf-8''a.php"),
        head("; name=\"a\"; filename*=iso-8859-1''a"),
        head("; name=\"a\"; filename*=utf-8''%FF"),
        head("; name=\"a\"; filename*=utf-8''a%00.png"),
        head("; name=\"a\"; filename*=utf-8''%zz"),
        head("; name=\"a\"; filename*=a"),
        head('; name="a\\"; filename="b"'),
        head('; name="a\\"'),
        head('; name="a\\\\"; filename="b"'),
        head('; name="a'),
        head('; name="a"b'),
        head('; name="a" filename="b"'),
        head('; name="a\tb\x01"'),
        head('; name="a\0"'),
        head('; name="a"', "Content-Disposition: form-data; name=b"),
        head('; name="a"', "content-type: text/plain", "Content-Type: text/html"),
        head('; name="a"', ' filename="b"'),
        head('; name="a"', "no colon"),
        head('; name="a"', "X : y"),
        head('; name="a"\n; filename="b"'),
        head('; name="a"\r; filename="b"'),
        head('; name="a"', *[f"X-{number}: y" for number in range(8)]),
        b'Content-Disposition: form-data; name="\xff"',
    ],
)  # fmt: skip
def test_heads_with_two_readings_are_refused(lines: bytes) -> None:
    assert refusal(lines) == (400, "body.part")


@pytest.mark.parametrize("coding", ["base64", "quoted-printable", "x-uuencode", ""])
def test_an_encoded_part_is_refused(coding: str) -> None:
    lines = head('; name="a"', f"Content-Transfer-Encoding: {coding}")
    assert refusal(lines) == (415, "body.transfer-encoding")


@pytest.mark.parametrize(
    "lines",
    [
        head('; name="a"', "Content-Type: multipart/mixed; boundary=b"),
        head('; name="a"; filename="b"', "Content-Type: Multipart/Mixed; boundary=b"),
    ],
)
def test_a_multipart_in_a_part_is_refused(lines: bytes) -> None:
    assert refusal(lines) == (400, "body.multipart")


def test_two_names_of_one_file_pass_one_check_each_and_not_ours() -> None:
    """What checks `filename` sees a picture; Werkzeug hands `filename*` to the application."""
    value = 'form-data; name="f"; filename="a.png"; filename*=UTF-8\'\'shell.php'
    assert parse_options_header(value)[1][b"filename"] == b"a.png"
    assert options_of_flask(value)[1]["filename"] == "shell.php"
    assert refusal(f"Content-Disposition: {value}".encode()) == (400, "body.part")
    same = value.replace("shell.php", "a.png")
    assert read_head(f"Content-Disposition: {same}".encode()) == Part("f", "a.png", "")


TOKENS = st.sampled_from(
    ["; ", "name", "filename", "=", '"', "\\", "a", "*", "utf-8''", "%41", " ", "é", "\r\n", ": "]
)


@given(st.lists(TOKENS, max_size=12).map("".join))
def test_what_passes_is_called_alike_by_two_frameworks(text: str) -> None:
    lines = head(f'; name="x"{text}')
    with suppress(Rejected):
        found = read_head(lines)
        value = lines.decode().split("\r\n")[0].partition(": ")[2]
        flask, starlette = options_of_flask(value)[1], parse_options_header(value)[1]
        assert flask["name"] == starlette[b"name"].decode("latin-1") == found.name
        assert (flask.get("filename") is None) == (found.filename is None)
