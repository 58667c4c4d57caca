from __future__ import annotations

import collections
import datetime
import decimal
import enum
import json
import math
import pathlib
import time
import uuid
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core.secret import MASK, Secret
from stockade.watch.plain_values import Room, is_sensitive, text_of


class Rude:
    def __str__(self) -> str:
        raise RecursionError

    __repr__ = __str__


class Colour(enum.IntEnum):
    RED = 1


class Shouting(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "other"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(JSON)
def test_whatever_it_is_json_holds_it(value: Any) -> None:
    plain = Room().plain(value)
    json.dumps(plain, allow_nan=False)


def test_honest_values_are_what_they_were() -> None:
    value = {"a": 1, "b": [1.5, None, True, "text"], "c": {"d": (1, 2)}}
    assert Room().plain(value) == {"a": 1, "b": [1.5, None, True, "text"], "c": {"d": [1, 2]}}
    moment = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    for odd in (moment, uuid.UUID(int=1), decimal.Decimal("1.10"), pathlib.PurePosixPath("/a")):
        assert Room().plain(odd) == str(odd)
    assert Room().plain(Colour.RED) == 1
    assert Room().plain(collections.OrderedDict(a=b"\xff")) == {"a": "\\xff"}


@pytest.mark.parametrize("value", [math.nan, math.inf, 1 << 80, -(1 << 63) - 1])
def test_numbers_that_json_or_its_readers_do_not_hold_are_texts(value: Any) -> None:
    assert isinstance(Room().plain(value), str)


def test_nobody_waits_for_the_digits_of_a_huge_number() -> None:
    before = time.monotonic()
    assert len(Room().plain(1 << 4_000_000)) < 9_000
    assert time.monotonic() - before < 2


def test_an_object_that_raises_is_named() -> None:
    assert text_of(Rude()) == "<Rude: str() raised RecursionError>"
    assert Room().plain({"k": Rude()}) == {"k": "<Rude: str() raised RecursionError>"}
    assert type(text_of(Shouting("x"))) is str


def test_what_holds_itself_or_is_endless_is_cut_and_says_so() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert "[…]" in json.dumps(Room().plain(loop), ensure_ascii=False)
    many = Room().plain({str(number): number for number in range(1_000)})
    assert many["…"] == "[900 more]"
    assert Room().plain("x" * 10_000).endswith("…[1808 more]")
    room = Room()
    size = len(msgspec.json.encode(room.plain([["y" * 8_000] * 3] * 3)))
    assert size < 50_000


def test_names_that_are_cut_to_the_same_text_stay_apart() -> None:
    found = Room().plain({"n" * 128 + "a" * 7: 1, "n" * 128 + "b" * 7: 2, 1: 3, "1": 4})
    assert sorted(found.values()) == [1, 2, 3, 4]


def test_credentials_are_masked_by_their_names_and_others_are_not() -> None:
    for name in ("password", "X-Api-Key", "access_token", "Set-Cookie", "db.passwd", "SessionID"):
        assert is_sensitive(name)
        assert Room().plain({name: "v"}) == {name: MASK}
        assert Room().plain([{"deep": {name: "v"}}]) == [{"deep": {name: MASK}}]
    for name in ("tokens_used", "password_length", "cookie_count", "user", "keyboard", "monkey"):
        assert not is_sensitive(name)
    assert "hidden" not in str(Room().plain({"k": Secret("hidden")}))
