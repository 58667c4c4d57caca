"""The naughty strings through every type: a value or a refusal, never another error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stockade import boundary

TYPES = ("Base64Bytes", "Base64UrlBytes", "CardNumber", "CommandArg", "CountryCode", "CurrencyCode",
         "Email", "Filename", "Hostname", "Html", "HttpUrl", "Iban", "Identifier", "IpAddress", "Json",
         "Line", "Name", "Phone", "PublicUrl", "Regex", "RelativePath", "Slug", "Text")  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_every_naughty_string(name: str, judged: Callable[[Any], dict[str, Any]]) -> None:
    taken = judged(getattr(boundary, name))
    print(f"{name}: {len(taken)} taken")
    assert len(taken) < 600


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    "value", [None, 1, 1.5, True, b"a", [], {}, pytest.param(object(), id="object")], ids=repr
)
def test_only_text_is_taken(name: str, value: object) -> None:
    from tests.boundary.types.conftest import REFUSED, verdict

    assert verdict(getattr(boundary, name), value) is REFUSED
