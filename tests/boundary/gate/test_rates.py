"""A limit holds for all workers, for whom it names, on the routes that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stockade import Stockade
from stockade.boundary.gate.rates import Rates
from stockade.core.config import RateSettings
from stockade.core.context import current
from stockade.core.errors import ConfigError, StoreError, Throttled
from stockade.core.events import Event
from stockade.stores import MemoryStore, SQLiteStore
from stockade.testing import FixedClock, throwaway_keyring
from tests.boundary.gate.conftest import Asked, settings


def rates(store: Any = None, **limit: Any) -> Rates:
    shared = store or MemoryStore(clock=FixedClock())
    limits = {"sign-in": RateSettings(**({"rate": 0.1, "burst": 3} | limit))}
    return Rates(limits, lambda: shared, lambda: throwaway_keyring().mac("rates"))


@pytest.mark.asvs("V2.4.1")
def test_guessing_ends_after_the_burst(tmp_path: Path, events: list[Event]) -> None:
    def guesses(configuration: str) -> int:
        app = FastAPI()
        tried: list[str] = []

        @app.post("/sign-in/{account}")
        def sign_in(account: str, password: str) -> str:
            tried.append(password)
            return "no"

        Stockade.protect(app, settings=settings(tmp_path, configuration))
        browser = TestClient(app)
        for number in range(50):
            answer = browser.post(f"/sign-in/ann?password={number}")
        if configuration:
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) >= 1
            assert browser.get("/other").status_code == 404
        return len(tried)

    assert guesses("") == 50
    limit = '[rates.sign-in]\nroute = "/sign-in/{account}"\nmethods = ["POST"]\n'
    assert guesses(limit + "rate = 0.01\nburst = 5\n") == 5
    told = [event for event in events if event.rule == "rates.sign-in"]
    assert len(told) == 45
    assert {event.name for event in told} == {"excess_rate_limit_exceeded"}


def test_clients_have_buckets_of_their_own_and_all_share_one() -> None:
    each, together = rates(), rates(by="all")
    for client in ("192.0.2.1", "192.0.2.2"):
        for _ in range(3):
            assert each.enter(Asked("POST", client=client)) is None
        assert each.enter(Asked("POST", client=client)) is not None
    refused = [together.enter(Asked(client=f"192.0.2.{number}")) for number in range(5)]
    assert [found is not None for found in refused] == [False] * 3 + [True] * 2


def test_two_workers_count_in_one_store(tmp_path: Path) -> None:
    first, second = (rates(SQLiteStore(tmp_path / "state.db")) for _ in range(2))
    answers = [limit.enter(Asked("POST")) for _ in range(3) for limit in (first, second)]
    assert [answer is None for answer in answers] == [True] * 3 + [False] * 3


@pytest.mark.parametrize(
    ("route", "path", "concerned"),
    [
        ("/sign-in", "/sign-in", True),
        ("/sign-in", "/sign-in/", True),
        ("/sign-in", "/sign-in/help", False),
        ("/sign-in", "/sign-inn", False),
        ("/a.b/{id}", "/a.b/7", True),
        ("/a.b/{id}", "/aXb/7", False),
        ("/a/{id}", "/a/7/8", False),
        ("/files/{rest:path}", "/files/a/b", True),
        ("/files/<path:rest>/raw", "/files/a/b/raw", True),
        ("patients/<int:pk>/", "/patients/12/", True),
        ("", "/anything", True),
    ],
)
def test_a_route_is_the_frameworks_template(route: str, path: str, concerned: bool) -> None:
    limits = rates(route=route)
    found = [limits.enter(Asked(path=path)) for _ in range(4)]
    assert (found[3] is not None) == concerned


def test_a_principal_is_counted_wherever_it_comes_from(tmp_path: Path) -> None:
    app = FastAPI()
    served: list[str] = []

    @app.get("/report")
    def report(account: str) -> str:
        request = current()
        assert request is not None
        request.identify(account)  # what a session does
        served.append(account)
        return "done"

    limit = '[rates.reports]\nby = "principal"\nrate = 0.01\nburst = 2\n'
    Stockade.protect(app, settings=settings(tmp_path, limit))
    browser = TestClient(app)
    statuses = [browser.get(f"/report?account={who}").status_code for who in "aabab"]
    assert statuses == [200, 200, 200, 429, 200]
    assert served == ["a", "a", "b", "b"]


@pytest.mark.asvs("V2.3.2")
def test_what_an_account_and_all_may_do_is_limited(tmp_path: Path, events: list[Event]) -> None:
    """Many small transfers are one large one: three a day each, and five of all accounts."""

    def transfers(configuration: str) -> list[str]:
        app, moved = FastAPI(), list[str]()

        @app.post("/accounts/{account}/transfer")
        def transfer(account: str) -> str:
            request = current()
            assert request is not None
            request.identify(account)  # what a session does
            moved.append(account)
            return "moved"

        Stockade.protect(app, settings=settings(tmp_path, configuration))
        bank = TestClient(app)
        for account in ("ann", "bob"):
            for _ in range(20):
                bank.post(f"/accounts/{account}/transfer")
        return moved

    assert len(transfers("")) == 40
    route = 'route = "/accounts/{account}/transfer"\nmethods = ["POST"]\n'
    each = f'[rates.transfers]\nby = "principal"\n{route}rate = 0.00003\nburst = 3\n'
    assert transfers(each) == ["ann"] * 3 + ["bob"] * 3
    together = f'[rates.together]\nby = "all"\n{route}rate = 0.00003\nburst = 25\n'
    assert transfers(each + together) == ["ann"] * 3 + ["bob"] * 3
    assert transfers(together.replace("25", "5")) == ["ann"] * 5
    assert {event.rule for event in events if event.outcome == "blocked"} == {
        "rates.transfers", "rates.together",
    }  # fmt: skip


def test_a_store_that_fails_opens_loudly(
    events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(MemoryStore):
        def take(self, *arguments: Any, **keywords: Any) -> float:
            raise StoreError("the disk is full")

    assert rates(Broken()).enter(Asked()) is None
    assert [event.name for event in events] == ["defence_failed"]
    assert "rates.sign-in is not counted" in capsys.readouterr().err


def test_who_must_wait_learns_how_long() -> None:
    limits = rates(rate=1.0, burst=1)
    assert limits.enter(Asked()) is None
    refusal = limits.enter(Asked())
    assert refusal is not None
    assert isinstance(refusal.error, Throttled)
    assert refusal.error.problem().headers == ((b"retry-after", b"1"),)


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"burst": 0}])
def test_a_limit_that_would_refuse_everything_is_said_at_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"rates\.sign-in"):
        rates(**wrong)
