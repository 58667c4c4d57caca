"""Paths of which the code holds only the end: the value before it decides the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockade.core.errors import Blocked
from tests.conftest import Request, Switch


def settings_in(folder: str) -> str:
    return Path(f"{folder}/pyproject.toml").read_text()


@pytest.mark.parametrize(
    "value", ["../other", "ABSOLUTE", "ABSOLUTE/", "..", "sub/../../other", "./.././other"]
)
def test_a_value_that_decides_the_folder(
    value: str,
    tmp_path: Path,
    request_of: Request,
    firewall: Switch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("", "other", "base", "base/sub"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "pyproject.toml").write_text(f"of {name}")
    monkeypatch.chdir(tmp_path / "base")
    value = value.replace("ABSOLUTE", str(tmp_path / "other"))
    assert settings_in(value) in ("of other", "of ")
    with firewall("block"):
        for _ in range(4):  # however often the same call came with honest values
            with request_of("sub"):
                assert settings_in("sub") == "of base/sub"
            with request_of(value), pytest.raises(Blocked):
                settings_in(value)
