from __future__ import annotations

import pytest

from stockade.core.errors import SecretError
from stockade.secrets.sources.env import EnvSource


def test_it_reads_the_variable_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "one")
    assert EnvSource().resolve("DB_PASSWORD") == "one"
    monkeypatch.setenv("DB_PASSWORD", "two ")
    assert EnvSource().resolve("DB_PASSWORD") == "two "


def test_unset_and_empty_are_errors_that_say_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DB_PASSWORD", raising=False)
    with pytest.raises(SecretError, match=r"DB_PASSWORD.* is not set"):
        EnvSource().resolve("DB_PASSWORD")
    monkeypatch.setenv("DB_PASSWORD", "")
    with pytest.raises(SecretError, match="is empty"):
        EnvSource().resolve("DB_PASSWORD")


@pytest.mark.parametrize("locator", ["hunter2!", "2HUNTER2", "hunter2=x", "A hunter2"])
def test_what_is_no_name_is_not_repeated(locator: str) -> None:
    with pytest.raises(SecretError) as caught:
        EnvSource().resolve(locator)
    assert locator not in str(caught.value)
