"""What users type: checked by mypy and basedpyright, and run, so that it cannot rot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, assert_type

import stockade
from stockade import Secret, Stockade, StockadeError
from stockade.core.config import DefenceSettings, Settings

App = Callable[[Any, Any, Any], Awaitable[None]]


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application without a framework."""


def test_public_names_are_sorted_and_there() -> None:
    assert stockade.__all__ == sorted(stockade.__all__)
    assert all(hasattr(stockade, name) for name in stockade.__all__)
    assert dir(stockade) == stockade.__all__


def test_wrap_keeps_the_type_of_the_application() -> None:
    guard = Stockade(Settings(defence=DefenceSettings(mode="off")))
    wrapped: App = guard.wrap(plain)
    assert wrapped is plain


def test_a_secret_knows_what_it_holds() -> None:
    secret = Secret("value")
    assert_type(secret.reveal(), str)
    assert issubclass(stockade.Blocked, StockadeError)


def test_what_an_application_tells_is_checked_where_it_is_written() -> None:
    guard = Stockade(Settings(defence=DefenceSettings(mode="off")))

    def tell(customer: str) -> None:
        guard.event("sensitive_read", about="invoice", id=7, count=3)
        guard.event("user_created", account=customer)
        guard.event("authz_change", account=customer, before="reader", after="admin")
        guard.event("sensitive_read", account=customer)  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]
        guard.event("sys_crash", about="x")  # type: ignore[call-overload] # pyright: ignore[reportArgumentType]
        # A text that is not the developer's own: mypy does not know the difference, pyright does.
        guard.event("sensitive_read", about="invoice", of=customer)  # pyright: ignore[reportArgumentType]

    assert callable(tell)  # not called: it needs keys, and is about the types
