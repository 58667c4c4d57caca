from __future__ import annotations

import time
from pathlib import Path

import pytest

from stockade.core.errors import SecretError
from stockade.core.health import OK, State
from stockade.secrets import Secrets
from stockade.secrets.condition import readings, verdict


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "db"
    file.write_text("hunter2")
    file.chmod(0o600)
    return file


def test_a_secret_is_fine_until_its_source_fails(file: Path) -> None:
    secrets = Secrets({"db": f"file:{file}"})
    assert verdict(secrets) == OK
    secrets["db"].reveal()
    file.rename(file.with_name("away"))
    assert verdict(secrets) == OK  # nobody has asked for it again
    secrets.refresh()
    assert verdict(secrets).state is State.DEGRADED
    assert secrets["db"].reveal() == "hunter2"
    file.with_name("away").rename(file)
    secrets.refresh()
    assert verdict(secrets) == OK


def test_one_that_was_never_there_is_failed(tmp_path: Path) -> None:
    secrets = Secrets({"db": f"file:{tmp_path / 'nowhere'}"})
    with pytest.raises(SecretError):
        secrets["db"].reveal()
    assert verdict(secrets).state is State.FAILED


def test_its_age_is_that_of_the_present_value(file: Path) -> None:
    secrets = Secrets({"db": f"file:{file}"})
    assert list(readings(secrets)) == []
    before = time.time()
    secrets["db"].reveal()
    ((name, labels, first),) = readings(secrets)
    assert (name, labels) == ("secret_changed_timestamp_seconds", ("db",))
    assert before <= first <= time.time()
    secrets.refresh()
    assert next(iter(readings(secrets)))[2] == first
    file.write_text("hunter3")
    secrets.refresh()
    assert next(iter(readings(secrets)))[2] > first
