"""What tests of several parts use: the public corpora, a request of plain values, the firewall."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from stockade.core.bus import bus
from stockade.core.config import FirewallSettings
from stockade.core.context import RequestContext, running
from stockade.core.events import Event
from stockade.core.health import health
from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.engine import Mode
from stockade.firewall.firewall import Firewall

UNMEASURED = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
"""The environment of a child whose imports, or whose user, the coverage measurement would change."""

Request = Callable[..., AbstractContextManager[RequestContext]]
Switch = Callable[..., AbstractContextManager[Firewall]]


# What lands must not depend on luck, nor on how busy the machine is: the same examples each time.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile(
    "default" if os.environ.get("STOCKADE_EXPLORE") == "1" else "repeatable"
)


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background jobs of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was collected stays: no collection, and no search for living objects, visits it again."""
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def _nothing_guards_the_next_module() -> Iterator[None]:
    """An application that was protected here is the process's, until this gives it back."""
    yield
    app = sys.modules.get("stockade.app")
    if app is not None and app._running is not None:
        app._running.close()
        app.firewall.uninstall()
        health.forget()
    bus.ends = False


@pytest.fixture(scope="session")
def corpora() -> Path:
    default = Path(__file__).parents[1] / ".." / "shared"
    folder = Path(os.environ.get("STOCKADE_CORPORA", default)) / "corpora"
    if not folder.is_dir():
        message = "no corpora here: set STOCKADE_CORPORA to the folder that holds corpora/"
        if os.environ.get("STOCKADE_FULL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return folder


class PlainRequest(RequestContext):
    """A request whose query brought `values`."""

    __slots__ = ("limits", "values")

    def __init__(self, values: tuple[str, ...], limits: InputLimits) -> None:
        super().__init__("test-1", "192.0.2.1")
        self.values = values
        self.limits = limits

    def read_inputs(self) -> Inputs:
        inputs = Inputs(self.limits)
        for value in self.values:
            inputs.add(Source.QUERY, "q", value)
        return inputs


@pytest.fixture
def request_of() -> Request:
    """`with request_of("value", …):` works for a request that brought these values."""

    @contextmanager
    def request(*values: str, limits: InputLimits | None = None) -> Iterator[RequestContext]:
        with running(PlainRequest(values, limits or InputLimits())) as context:
            yield context

    return request


@pytest.fixture
def firewall() -> Switch:
    """`with firewall("block", sql="off"):` guards the sinks inside the block, as settings say."""

    @contextmanager
    def switch(mode: Mode, **settings: Any) -> Iterator[Firewall]:
        guards = Firewall()
        guards.install(FirewallSettings(**settings), mode)
        try:
            yield guards
        finally:
            guards.uninstall()

    return switch


@pytest.fixture
def events() -> Iterator[list[Event]]:
    """The audit events of the test, in order."""
    seen: list[Event] = []
    bus.sample()
    bus.subscribe_audit(seen.append)
    yield seen
    bus.unsubscribe(seen.append)
