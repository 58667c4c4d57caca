"""What tests of the types share: a type's verdict on one value, through Pydantic as models ask it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

REFUSED = object()
"""The verdict on a value that is not taken."""


def verdict(kind: Any, value: object) -> Any:
    """What `kind` makes of `value`, or REFUSED; a refusal's message is a constant sentence."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            if isinstance(value, str) and len(value) > 3:
                assert value not in each["msg"]
        return REFUSED


@pytest.fixture(scope="session")
def naughty(corpora: Path) -> Sequence[str]:
    """The Big List of Naughty Strings."""
    found: list[str] = json.loads((corpora / "naughty-strings" / "blns.json").read_bytes())
    assert len(found) > 500
    return found


@pytest.fixture(scope="session")
def judged(naughty: Sequence[str]) -> Callable[[Any], dict[str, Any]]:
    """Every naughty string that a type takes, and what it becomes; any other error fails."""

    def judge(kind: Any) -> dict[str, Any]:
        verdicts = {value: verdict(kind, value) for value in naughty}
        return {value: found for value, found in verdicts.items() if found is not REFUSED}

    return judge
