"""Shared values: what is derived from them is made once; secrets are never among them."""

from __future__ import annotations

import pytest

from stockade.core.inputs import InputLimits, Inputs, Shared, Source

BROWSER = [
    (b"host", b"shop.example.org"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) x' OR 1 --"),
    (b"sec-ch-ua", b'"Chromium";v="124", "Not-A.Brand";v="99"'),
    (b"x-api-key", b"k3y-of-a-client"),
    (b"authorization", b"Bearer s3cret"),
    (b"referer", b"https://shop.example.org/reset?token=t0ken"),
    (b"cookie", b"session=s3ssion; theme=dark"),
]
SECRETS = ("k3y-of-a-client", "s3cret", "t0ken", "s3ssion")


def inputs_of(headers: list[tuple[bytes, bytes]], *values: str) -> Inputs:
    inputs = Inputs(InputLimits())
    for value in values:
        inputs.add(Source.QUERY, "q", value)
    inputs.add_headers(headers)
    return inputs


def test_what_a_client_repeats_is_read_and_derived_once() -> None:
    first, second = inputs_of(BROWSER, "one"), inputs_of(BROWSER, "two")
    assert first.shared is second.shared
    asked: list[int] = []

    def derive(items: object) -> int:
        asked.append(1)
        return 7

    assert [each.shared.derived("k", derive) for each in (first, second)] == [7, 7]
    assert asked == [1]


def test_a_secret_is_indexed_and_not_shared() -> None:
    inputs = inputs_of(BROWSER)
    for secret in SECRETS:
        assert any(secret in item.value for item in inputs)
        assert not any(secret in value for value in inputs.shared.values)


def test_texts_and_bytes_one_by_one_and_at_once_are_the_same_values() -> None:
    alone = Inputs(InputLimits())
    texts = [(name.decode(), value.decode()) for name, value in BROWSER]
    for name, value in texts:
        if name == "cookie":
            alone.add_cookies(value)
        else:
            alone.add_header(name, value)
    by_text = Inputs(InputLimits())
    by_text.add_headers(texts)
    assert set(alone) == set(by_text) == set(inputs_of(BROWSER))


def test_a_value_that_came_before_stays_where_it_came_from() -> None:
    agent = BROWSER[1][1].decode()
    inputs = inputs_of(BROWSER, agent)
    assert [item.source for item in inputs if item.value == agent] == [Source.QUERY]
    assert len({item.value for item in inputs}) == len(inputs.items)


@pytest.mark.parametrize("name", [b"x-own", b"user-agent"])
def test_a_field_that_came_twice_is_also_indexed_as_servers_join_it(name: bytes) -> None:
    found = {item.value for item in inputs_of([(name, b"x' OR"), (name, b"1 --")])}
    assert {"x' OR", "1 --", "x' OR,1 --"} <= found


def test_shared_values_count_towards_the_limits() -> None:
    inputs = Inputs(InputLimits(values=3))
    inputs.add_headers(BROWSER)
    assert inputs.overflow


def test_a_header_that_cannot_be_read_is_said() -> None:
    inputs = Inputs(InputLimits())
    inputs.add_headers([("user-agent", "."), ("x-own", "[" * 100_000)])
    assert inputs.overflow


def test_nothing_is_shared_at_first() -> None:
    assert Inputs(InputLimits()).shared.items == ()
    assert isinstance(Inputs(InputLimits()).shared, Shared)
