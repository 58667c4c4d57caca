"""What the tests of crypto share: captured events, keyrings, Wycheproof's vectors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stockade.core.bus import bus
from stockade.core.events import Event
from stockade.crypto import Keyring

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def audit_events() -> Iterator[list[Event]]:
    """Every audit event of the test, in order."""
    seen: list[Event] = []
    bus.sample()
    bus.subscribe_audit(seen.append)
    yield seen
    bus.unsubscribe(seen.append)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.open(tmp_path / "keys" / "keys.json", create=True)


@pytest.fixture(scope="session")
def wycheproof() -> Callable[[str], list[tuple[dict[str, Any], dict[str, Any]]]]:
    """All (group, test) pairs of a file of Wycheproof's; never an empty list."""

    def load(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        shared = Path(os.environ.get("STOCKADE_CORPORA") or ROOT.parent / "shared")
        file = shared / "vectors" / "wycheproof" / name
        if not file.is_file():
            if os.environ.get("STOCKADE_FULL") == "1":
                pytest.fail(f"Wycheproof's {name} is absent and STOCKADE_FULL=1")
            pytest.skip(f"Wycheproof's {name} is absent: set STOCKADE_CORPORA")
        document = json.loads(file.read_text())
        pairs = [(group, test) for group in document["testGroups"] for test in group["tests"]]
        assert len(pairs) == document["numberOfTests"] > 0
        return pairs

    return load
