"""Views and consumers that declare what they accept, as users type them."""

from __future__ import annotations

from typing import assert_type

import pytest

from stockade.boundary import Model, Parameters, consumes, takes_arguments
from stockade.boundary.flask import accepts
from stockade.core.errors import Rejected


class Order(Model):
    item: str


class Options(Parameters):
    clinic: str = "north"


@consumes(Order)
def ship(order: Order, to: str) -> int:
    return len(order.item) + len(to)


@takes_arguments(Options)
def main(options: Options) -> str:
    return options.clinic


@accepts(body=Order)
def view(body: Order) -> str:
    return body.item


def test_what_comes_back_is_what_was_declared() -> None:
    assert_type(ship(b'{"item": "lamp"}', "ann"), int)
    assert ship(b'{"item": "lamp"}', to="ann") == 7
    assert_type(main([]), str)
    assert main([]) == "north"


def test_what_a_consumer_does_not_take_is_an_error_of_types() -> None:
    with pytest.raises(TypeError):
        ship(b'{"item": "lamp"}')  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(Rejected):
        ship(b"{}", "ann")


def test_a_handler_of_another_model_is_one() -> None:
    def other(options: Options) -> None: ...

    consumes(Order)(other)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_query_that_is_not_for_text_is_one() -> None:
    with pytest.raises(TypeError, match="as Parameters"):
        accepts(query=Order)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def called() -> None:
    assert_type(view(), str)
