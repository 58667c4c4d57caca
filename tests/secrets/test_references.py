from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.errors import SecretError
from stockade.secrets.references import Hole, parse

SCHEMES = ("env", "file")


def test_a_whole_reference() -> None:
    reference = parse("env:DB_PASSWORD", SCHEMES)
    assert reference.holes == (Hole("env", "DB_PASSWORD"),)
    assert reference.fill(["a/b"]) == "a/b"
    assert parse("file:/run/secrets/my db", SCHEMES).holes[0].locator == "/run/secrets/my db"


def test_a_template_keeps_its_own_text_and_its_braces() -> None:
    reference = parse("{{{env:A}}}-{file:/b}", SCHEMES)
    assert reference.fill(["1", "2"]) == "{1}-2"
    assert reference.label == "env:A, file:/b"


def test_a_password_cannot_move_the_host_of_a_url() -> None:
    password = "p@evil.example/x?y#z:%41"
    template = "postgresql://clinic:{env:P}@db/clinic"

    pasted = urlsplit(template.replace("{env:P}", password))
    filled = urlsplit(parse(template, SCHEMES).fill([password]))

    assert pasted.hostname == "evil.example"
    assert filled.hostname == "db"
    assert unquote(filled.password or "") == password


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("evn:hunter2", "did you mean 'env'"),
        ("File:/x", "did you mean 'file'"),
        ("zzzzzz:hunter2", "known are: env, file"),
        ("hunter2", "refers to no source"),
        ("", "refers to no source"),
        ("env:", "refers to no source"),
        ("postgresql://u:hunter2@db/x", "refers to no source"),
        ("a{env:X", "brace without its partner"),
        ("a{hunter2}", "not written scheme:locator"),
        ("a{evn:hunter2}", "did you mean 'env'"),
    ],
)
def test_what_is_no_reference_is_refused_without_repeating_it(text: str, expected: str) -> None:
    with pytest.raises(SecretError, match=expected) as caught:
        parse(text, SCHEMES, "database")
    assert "'database'" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(st.text("{}:env/AB \n", max_size=30))
def test_any_text_is_a_reference_or_a_secret_error(text: str) -> None:
    try:
        reference = parse(text, SCHEMES)
    except SecretError:
        return
    assert len(reference.texts) == len(reference.holes) + 1 > 1
    assert all(hole.scheme in SCHEMES and hole.locator for hole in reference.holes)
