from pathlib import Path

import pytest

from stockade import stores
from stockade.core.errors import ConfigError
from stockade.stores import MemoryStore, SQLiteStore, open_store


@pytest.mark.parametrize("url", ["memory", ":memory:", "sqlite::memory:"])
def test_memory(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_store(url), MemoryStore)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["state.db", "sqlite:state.db", ".stockade/state.db"])
def test_path(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(url, clock=lambda: 5.0)
    assert isinstance(store, SQLiteStore)
    assert (tmp_path / url.removeprefix("sqlite:")).exists()
    store.close()


@pytest.mark.parametrize(
    "url", ["", "sqlite:", "redis:host", "redis://host/0", "postgresql://u:p@h/d"]
)
def test_anything_else_is_refused_without_echo(url: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.url") as caught:
        open_store(url)
    assert "host" not in str(caught.value)
    assert "u:p" not in str(caught.value)


def test_exports() -> None:
    assert stores.__all__ == sorted(stores.__all__)
    for name in stores.__all__:
        assert getattr(stores, name).__module__.startswith("stockade.stores")
