"""The package's face: lazy names, and what it says where its libraries are missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stockade.boundary import client


def test_the_names() -> None:
    assert client.__all__ == sorted(client.__all__)
    assert dir(client) == client.__all__
    assert [getattr(client, name).__name__ for name in client.__all__] == client.__all__
    with pytest.raises(AttributeError):
        _ = client.Nothing


@pytest.mark.parametrize("missing", ["httpx2", "httpcore2", "ada_url"])
def test_a_missing_library_is_named_with_its_extra(missing: str) -> None:
    program = f"""
import sys
sys.modules[{missing!r}] = None
from stockade.core.errors import ConfigError
try:
    from stockade.boundary.client import Client
    Client().get("https://a.example/")
except ConfigError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert missing in done.stdout
    assert "pip install 'stockade[" in done.stdout
