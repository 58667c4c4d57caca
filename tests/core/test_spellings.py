"""What is read out of a value, and what of that outlives its request."""

from __future__ import annotations

import base64

import pytest

from stockade.core import spellings as module
from stockade.core.spellings import spellings


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("/search?q=%24(touch%20x)", "$(touch x)"),
        ("id=7&name=%24(touch%24%7BIFS%7Dx)", "$(touch${IFS}x)"),
        (base64.b64encode(b"7:$(touch${IFS}x)").decode(), "$(touch${IFS}x)"),
        ("YWFhYQ==,JCh0b3VjaCB4KQ==", "$(touch x)"),
        ("';touch x;' b", ";touch x;"),
    ],
)
def test_parts_of_what_is_decoded_and_decodings_of_parts(value: str, part: str) -> None:
    for _ in range(2):  # remembered or not
        assert part in spellings(value, is_open=False)


def test_a_secret_is_not_kept() -> None:
    secret = "hunter-two-and-three"
    for value in (secret, secret + "'; x"):
        spellings(value, is_open=False)
    held = [*module._bare, *(module.__dict__.values())]
    assert not any(isinstance(each, str) and secret in each for each in held)
    assert all(isinstance(each, int) for each in module._bare)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_BARE", 10)
    for number in range(100):
        assert spellings(f"word number {number}", is_open=False) == ()
    assert len(module._bare) <= 10
