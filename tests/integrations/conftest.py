"""Weak applications of `tests/integration/apps`, each beside a real SQLite file and real files."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

APPS = Path(__file__).parents[1] / "integration/apps"


@pytest.fixture
def weak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], ModuleType]:
    """`weak("weak_flask")` imports that application, its data fresh in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(APPS))
    importlib.import_module("tests.integration.apps.weak_queries").prepare()
    return importlib.import_module
