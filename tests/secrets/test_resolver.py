from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockade.core.bus import bus
from stockade.core.errors import SecretError
from stockade.core.events import Event
from stockade.core.secret import Redactor
from stockade.secrets import Live, Secrets, live, resolve


class Vault:
    """A source that counts, and fails on demand."""

    scheme = "vault"

    def __init__(self) -> None:
        self.reads = 0
        self.value = "first-value"
        self.broken = False

    def resolve(self, locator: str) -> str:
        self.reads += 1
        if self.broken:
            raise SecretError(f"the vault does not answer for {locator}")
        return self.value


@pytest.fixture
def seen() -> Iterator[list[Event]]:
    events: list[Event] = []
    bus.flush()
    bus.subscribe_audit(events.append)
    yield events
    bus.unsubscribe(events.append)


def test_nothing_is_read_before_it_is_needed_and_then_once() -> None:
    vault = Vault()
    secrets = Secrets({"database": "vault:clinic"}, sources=[vault], live=Live())
    assert vault.reads == 0
    values: list[str] = []
    threads = [
        threading.Thread(target=lambda: values.append(secrets["database"].reveal()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == ["first-value"] * 8
    assert vault.reads == 1


def test_a_template_of_two_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_USER", "clinic")
    file = tmp_path / "db"
    file.touch(0o600)
    file.write_text("a/b@c\n")
    secrets = Secrets({"url": f"postgresql://{{env:DB_USER}}:{{file:{file}}}@db/x"}, live=Live())
    assert secrets["url"].reveal() == "postgresql://clinic:a%2Fb%40c@db/x"
    assert repr(secrets["url"]) == f"Secret(url (env:DB_USER, file:{file}): [redacted])"
    redact = Redactor(secrets.live.values)
    assert "a/b@c" not in redact("cannot log in with a/b@c")
    assert list(secrets) == ["url"]


def test_a_failing_source_is_an_error_and_an_event_and_is_asked_again(seen: list[Event]) -> None:
    vault = Vault()
    vault.broken = True
    secret = Secrets(sources=[vault], live=Live()).resolve("vault:clinic")
    with pytest.raises(SecretError, match="does not answer"):
        secret.reveal()
    assert [(event.name, event.outcome) for event in seen] == [("secret_failed", "failed")]
    vault.broken = False
    assert secret.reveal() == "first-value"


def test_rotation_keeps_the_old_value_masked_and_survives_a_failing_source(
    seen: list[Event],
) -> None:
    now = [0.0]
    vault = Vault()
    secrets = Secrets(sources=[vault], live=Live(), clock=lambda: now[0])
    secret = secrets.resolve("vault:clinic")
    assert secrets.refresh() == 0
    secret.reveal()
    assert secrets.refresh() == 0
    vault.value = "second-value"
    assert secrets.refresh() == 1
    assert secret.reveal() == "second-value"
    assert set(secrets.live.values()) == {"first-value", "second-value"}
    vault.broken = True
    assert secrets.refresh() == 0
    assert secret.reveal() == "second-value"
    assert "secret_failed" in [event.name for event in seen]
    vault.broken, vault.value, now[0] = False, "third-value", 3_601.0
    assert secrets.refresh() == 1
    assert set(secrets.live.values()) == {"second-value", "third-value"}


def test_a_malformed_reference_fails_at_start_and_names_the_setting(events: list[Event]) -> None:
    with pytest.raises(SecretError, match="secret 'database' has an unknown scheme"):
        Secrets({"database": "evn:X"})
    assert [(event.name, event.rule, event.details) for event in events] == [
        ("secret_failed", "secrets.reference", {"secret": "database"})
    ]


def test_the_process_has_one_and_its_values_are_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "a-live-api-key")
    assert "a-live-api-key" not in live.values()
    assert resolve("env:API_KEY").reveal() == "a-live-api-key"
    assert "a-live-api-key" in live.values()


def test_values_die_with_what_holds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "short-lived-key")
    registry = Live()
    secret = Secrets(live=registry).resolve("env:API_KEY")
    secret.reveal()
    gc.collect()
    assert registry.values() == ("short-lived-key",)
    del secret
    gc.collect()
    assert registry.values() == ()
