"""`Text` and `Line` take what people write and refuse what only programs write."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from stockade.boundary import Line, Text, text

TEXT: TypeAdapter[str] = TypeAdapter(Text)
LINE: TypeAdapter[str] = TypeAdapter(Line)


def accepted(adapter: TypeAdapter[str], value: str) -> str | None:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None


@pytest.mark.parametrize(
    "honest",
    [
        "Renée O'Hara-Łukasiewicz",
        "' OR 1=1 --",
        "<b>bold</b> & $100 {{x}}",
        "שָׁלוֹם עולם\u200f!",
        "می\u200cخواهم",  # noqa: RUF001
        "नमस्ते",
        "👩\u200d⚕️ 😀",
        "日本語",
        "a" * 200,
    ],
)
def test_what_people_write_passes_unchanged(honest: str) -> None:
    for adapter in (TEXT, LINE):
        assert accepted(adapter, honest) == unicodedata.normalize("NFC", honest)


@pytest.mark.parametrize(
    "hostile",
    [
        "a\x00b",
        "a\x1b[2Jb",
        "a\x85b",
        "a\rb",
        "admin\u202etxt.exe",
        "\u2066x\u2069",
        "pass\u200bword",
        "\ufeffx",
        "a\u2028b",
        "\ufffe",
        "\U000e0041",
        "\ud800",
        "é\x7f",
    ],
)
def test_what_only_programs_write_is_refused(hostile: str) -> None:
    assert accepted(TEXT, hostile) is None
    assert accepted(LINE, hostile) is None


def test_lines() -> None:
    assert accepted(TEXT, "a\r\nb\tc\n") == "a\nb\tc\n"
    for hostile in ("a\nb", "a\tb", "a\r\nb", ""):
        assert accepted(LINE, hostile) is None


def test_equal_names_become_equal() -> None:
    assert accepted(LINE, "Rene\u0301e") == accepted(LINE, "Ren\u00e9e")


def test_lengths_and_schema() -> None:
    short: TypeAdapter[str] = TypeAdapter(Annotated[str, text(max_length=3, min_length=1)])
    assert accepted(short, "añb") == "añb"
    assert accepted(short, "añbc") is None
    assert accepted(short, "") is None
    assert accepted(short, "\u0958" * 3) is None  # becomes six characters in NFC
    schema = short.json_schema()
    pattern = re.compile(schema.pop("pattern"))
    assert schema == {"type": "string", "minLength": 1, "maxLength": 3}
    for value in ("añb", "a\nb", "\U0001f469", "\x00", "\u202e", "\U000e0041", "\x85", "a\rb"):
        admitted = accepted(TEXT, value) is not None
        assert (pattern.search(value) is not None) == admitted, ascii(value)
    assert accepted(TypeAdapter(Annotated[Text, Field(max_length=3)]), "abcd") is None
    assert accepted(TEXT, "x" * 10_001) is None


@given(st.text())
def test_idempotent_and_never_a_crash(value: str) -> None:
    for adapter in (TEXT, LINE):
        once = accepted(adapter, value)
        if once is not None:
            assert accepted(adapter, once) == once
            assert unicodedata.is_normalized("NFC", once)
            assert "\r" not in once
            assert "\x00" not in once


def test_naughty_strings(corpora: Path) -> None:
    naughty = json.loads((corpora / "naughty-strings" / "blns.json").read_bytes())
    assert len(naughty) > 500
    taken = sum(accepted(TEXT, value) is not None for value in naughty)
    assert 0.8 * len(naughty) < taken < len(naughty)


def test_a_log_line_is_forged_with_str_and_not_with_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    value = "eve\n2026-01-01 sign-in ok: admin"

    def sign_in_fails(name: str) -> list[str]:
        log.write_text(f"2026-01-01 sign-in failed: {name}\n")
        return log.read_text().splitlines()

    assert "2026-01-01 sign-in ok: admin" in sign_in_fails(TypeAdapter(str).validate_python(value))
    with pytest.raises(ValidationError):
        sign_in_fails(LINE.validate_python(value))
    assert len(sign_in_fails(LINE.validate_python("eve"))) == 1
