"""Messages of a queue: over a real RabbitMQ, and by themselves."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, assert_type
from uuid import uuid4

import pytest
from pydantic import Field

from stockade.boundary import Line, Model, consumes
from stockade.core.context import current
from stockade.core.errors import Blocked, Rejected
from stockade.core.events import Event
from tests.boundary.amqp import Channel
from tests.conftest import Switch

ATTACK = "x' UNION SELECT secret FROM item -- "


class Order(Model):
    item: Line
    count: Annotated[int, Field(ge=1)] = 1


def message(**members: Any) -> bytes:
    return json.dumps(members).encode()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE item (name TEXT, secret TEXT)")
        database.execute("INSERT INTO item VALUES ('lamp', 'the-hidden-price')")
    return path


def look_up(shop: Path, name: str) -> list[Any]:
    """What a careless handler does."""
    with closing(sqlite3.connect(shop)) as database:
        return database.execute(f"SELECT name FROM item WHERE name = '{name}'").fetchall()


@pytest.fixture
def broker() -> Iterator[Channel]:
    try:
        socket.create_connection(("127.0.0.1", 5672), timeout=2).close()
    except OSError:
        why = "no RabbitMQ on 127.0.0.1:5672"
        if os.environ.get("STOCKADE_FULL") == "1":
            pytest.fail(why)
        pytest.skip(why)
    with Channel() as channel:
        yield channel


def take(broker: Channel, queue: str) -> tuple[int, bytes]:
    """Delivery tag and body of the next message; it takes a moment to get there."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        taken = broker.get(queue)
        if taken is not None:
            return taken
        time.sleep(0.01)
    pytest.fail(f"no message came to {queue}")


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (message(item=ATTACK), "malicious_sqli"),
        (message(item="lamp", role="admin"), "malicious_extraneous"),
        (b'{"item": "lamp", "item": "x"}', "input_validation_fail"),
        (b"\x80\x04K\x01.", "input_validation_fail"),
    ],
    ids=["injection", "undeclared", "twice", "pickle"],
)
def test_a_hostile_message_is_dead_lettered_and_told(
    broker: Channel, shop: Path, firewall: Switch, events: list[Event], body: bytes, event: str
) -> None:
    queue, dead = f"orders-{uuid4().hex}", f"dead-{uuid4().hex}"
    broker.declare(dead)
    broker.declare(queue, dead_letters=dead)
    if event == "malicious_sqli":  # the defence is off, and the attack works
        assert look_up(shop, json.loads(body)["item"]) == [("the-hidden-price",)]
    shipped: list[Any] = []

    @consumes(Order, source="orders")
    def ship(order: Order) -> None:
        shipped.extend(look_up(shop, order.item))

    for content in (body, message(item="lamp", count=2)):
        broker.publish(queue, content)
    with firewall("block"):
        for _ in range(2):
            tag, content = take(broker, queue)
            try:
                ship(content)
            except (Rejected, Blocked):
                broker.nack(tag)
            else:
                broker.ack(tag)
    assert shipped == [("lamp",)]
    assert take(broker, dead)[1] == body
    assert broker.get(dead) is None
    assert broker.get(queue) is None
    assert [one.name for one in events] == [event]
    assert (events[0].resource, len(events[0].request_id)) == ("orders", 32)


@pytest.mark.parametrize("swallow", [True, False])
def test_a_refusal_stands_whatever_the_handler_makes_of_it(
    swallow: bool, shop: Path, firewall: Switch
) -> None:
    @consumes(Order)
    def ship(order: Order) -> str:
        try:
            return str(look_up(shop, order.item))
        except Blocked:
            if swallow:
                return "all is well"
            raise ValueError("something else") from None

    with firewall("block"):
        with pytest.raises(Rejected) as refused:
            ship(message(item=ATTACK))
        assert refused.value.problem().status == 403
        assert ship(message(item="lamp")) == "[('lamp',)]"
    assert current() is None


def test_an_error_of_the_handlers_own_stays_one() -> None:
    @consumes(Order)
    def ship(order: Order) -> None:
        raise LookupError(order.item)

    with pytest.raises(LookupError, match="lamp"):
        ship(message(item="lamp"))
    assert current() is None


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"item": "\\ud800"}', 400),
        pytest.param('{"item": "\ud800"}', 400, id="surrogate-in-text"),
        (b'{"item": "lamp", "count": 0}', 422),
        (b'{"item": "lamp", "count": "1"}', 422),
        (b'{"item": "lamp"}' + b" " * 100, 413),
        (b'{"item": ' + b"[" * 9 + b"]" * 9 + b"}", 400),
    ],
)
def test_what_is_not_the_declared_message_is_refused_and_told(
    content: bytes | str, status: int, events: list[Event]
) -> None:
    @consumes(Order, max_bytes=100, max_depth=8)
    def ship(order: Order) -> None:
        raise AssertionError

    with pytest.raises(Rejected) as refused:
        ship(content)
    assert refused.value.problem().status == status
    assert [event.name for event in events] == ["input_validation_fail"]
    assert "lamp" not in str(events)


class Harm:
    """What a pickle makes of itself where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.asvs("V1.5.2")
def test_no_message_chooses_what_becomes_of_it(tmp_path: Path, events: list[Event]) -> None:
    """Declared models only: neither pickles nor documents that name a class make objects."""
    pickled = pickle.dumps(Harm(tmp_path / "run-by-the-message"))
    pickle.loads(pickled)  # as a queue's library does that "serialises" this way
    assert (tmp_path / "run-by-the-message").exists()
    (tmp_path / "run-by-the-message").unlink()

    @consumes(Order)
    def ship(order: Order) -> str:
        return order.item

    named = {"item": "lamp", "py/reduce": [{"py/type": "os.system"}, {"py/tuple": ["true"]}]}
    typed = {"item": {"__class__": "subprocess.Popen", "args": ["true"]}}
    for content in (pickled, json.dumps(named), json.dumps(typed), b"!!python/object:os.system []"):
        with pytest.raises(Rejected):
            ship(content)
    assert not (tmp_path / "run-by-the-message").exists()
    assert len(events) == 4
    assert ship(message(item="py/object: os.system")) == "py/object: os.system"  # it is a text


def test_text_and_further_arguments_pass_and_the_types_are_known() -> None:
    @consumes(Order)
    def ship(order: Order, to: str, *, fast: bool = False) -> str:
        return f"{order.count} {order.item} to {to} {fast}"

    shipped = ship('{"item": "lampé"}', "ann", fast=True)
    assert_type(shipped, str)
    assert shipped == "1 lampé to ann True"


def test_a_coroutine_stays_one_and_messages_do_not_mix(shop: Path, firewall: Switch) -> None:
    @consumes(Order)
    async def ship(order: Order) -> list[str]:
        await asyncio.sleep(0.01)
        context = current()
        assert context is not None
        look_up(shop, order.item)
        return [item.value for item in context.inputs if item.source == "json_value"]

    async def ship_all() -> list[Any]:
        bodies = [message(item=f"lamp {number}") for number in range(5)]
        bodies.append(message(item=ATTACK))
        return await asyncio.gather(*map(ship, bodies), return_exceptions=True)

    with firewall("block"):
        *honest, hostile = asyncio.run(ship_all())
    assert honest == [[f"lamp {number}"] for number in range(5)]
    assert isinstance(hostile, Blocked)
