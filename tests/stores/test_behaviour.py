"""What every store promises, run over each of them."""

import math
import threading
from typing import Any

import pytest

from stockade.core.errors import StoreError
from stockade.core.events import Event
from stockade.core.ports import Store

Clock = Any


def test_is_a_store(store: Store) -> None:
    assert isinstance(store, Store)


def test_put_get_delete(store: Store) -> None:
    assert store.get("k") is None
    store.put("k", b"one")
    store.put("k", b"two")
    assert store.get("k") == b"two"
    assert store.delete("k")
    assert store.get("k") is None
    assert not store.delete("k")


@pytest.mark.parametrize("key", ["", "a\0b", "käse:☃", "100%_[a-c]*?", "'; DROP TABLE state; --"])
def test_any_text_is_a_key(store: Store, key: str) -> None:
    store.put(key, b"\0\xff")
    assert store.get(key) == b"\0\xff"
    assert list(store.scan("")) == [(key, b"\0\xff")]


def test_lone_surrogate_is_refused_without_echo(store: Store) -> None:
    with pytest.raises(ValueError, match="UTF-8") as caught:
        store.put("hunter2\ud800", b"")
    assert "hunter2" not in str(caught.value)


def test_ttl(store: Store, clock: Clock) -> None:
    store.put("short", b"x", ttl=10)
    store.put("long", b"x")
    clock.now += 9.99
    assert store.get("short") == b"x"
    clock.now += 0.01
    assert store.get("short") is None
    assert store.get("long") == b"x"
    assert [key for key, _ in store.scan("")] == ["long"]
    assert not store.delete("short")


def test_put_without_ttl_makes_an_entry_permanent(store: Store, clock: Clock) -> None:
    store.put("k", b"x", ttl=1)
    store.put("k", b"x")
    clock.now += 1e6
    assert store.get("k") == b"x"


@pytest.mark.parametrize("ttl", [0, -1, -math.inf])
def test_ttl_in_the_past_is_absent(store: Store, ttl: float) -> None:
    store.put("k", b"x", ttl=ttl)
    assert store.get("k") is None


def test_ttl_must_be_a_number(store: Store) -> None:
    with pytest.raises(ValueError, match="ttl"):
        store.put("k", b"x", ttl=math.nan)
    assert store.get("k") is None


def test_add_is_a_lock(store: Store, clock: Clock) -> None:
    assert store.add("lock", b"first", ttl=5)
    assert not store.add("lock", b"second", ttl=5)
    assert store.get("lock") == b"first"
    clock.now += 5
    assert store.add("lock", b"second", ttl=5)
    assert store.get("lock") == b"second"


def test_only_the_holder_releases_a_lock(store: Store, clock: Clock) -> None:
    assert store.add("lock", b"mine", ttl=5)
    assert not store.delete("lock", only=b"theirs")
    assert store.get("lock") == b"mine"
    assert store.delete("lock", only=b"mine")
    assert store.add("lock", b"mine", ttl=5)
    clock.now += 5
    assert not store.delete("lock", only=b"mine")  # it had ended: nothing was released


@pytest.mark.parametrize(
    "prefix", ["%", "_", "*", "[a-z]", "a%", "a_", "a\\", "'", "a\0", "ä", "\U0010ffff"]
)
def test_scan_takes_the_prefix_literally(store: Store, prefix: str) -> None:
    inside = sorted([prefix, prefix + "1", prefix + "\U0010ffff", prefix + "\0"])
    for key in [*inside, "b", "ab", "abc", "A", "\U0010fffe", ""]:
        store.put(key, b"x")
    assert [key for key, _ in store.scan(prefix)] == inside


def test_scan_is_a_snapshot_in_order(store: Store) -> None:
    for number in (3, 1, 2):
        store.put(f"s:{number}", b"%d" % number)
    entries = store.scan("s:")
    store.delete("s:2")
    assert list(entries) == [("s:1", b"1"), ("s:2", b"2"), ("s:3", b"3")]


def test_increment_slides(store: Store, clock: Clock) -> None:
    assert [store.increment("c", window=60) for _ in range(3)] == [1, 2, 3]
    clock.now += 30
    assert store.increment("c", window=60, by=2) == 5
    clock.now += 36  # the first three are out for certain after 17/16 of the window
    assert store.increment("c", window=60) == 3
    clock.now += 200
    assert store.increment("c", window=60) == 1


def test_increment_never_counts_too_few(store: Store, clock: Clock) -> None:
    # Four just before the edge of a fixed window, one after half of the next: an average of two
    # windows says three, a limit of five would be passed unseen.
    clock.now = 1_700_000_040.0 - 0.1
    for _ in range(4):
        store.increment("c", window=60)
    clock.now += 30
    assert store.increment("c", window=60) == 5


def test_increment_after_the_clock_was_set_back(store: Store, clock: Clock) -> None:
    store.increment("c", window=60)
    clock.now -= 30
    assert store.increment("c", window=60) == 2


def test_counters_are_apart(store: Store) -> None:
    assert store.increment("a", window=60) == 1
    assert store.increment("b", window=60) == 1
    assert store.get("a") is None
    assert store.add("a", b"x")
    assert store.increment("a", window=60) == 2
    assert store.delete("a")
    assert store.increment("a", window=60) == 1


@pytest.mark.parametrize("window", [0, -1, math.nan, math.inf])
def test_window_must_be_positive(store: Store, window: float) -> None:
    with pytest.raises(ValueError, match="window"):
        store.increment("c", window=window)
    assert store.increment("c", window=60) == 1  # the refused call left no transaction open


def test_take(store: Store, clock: Clock) -> None:
    def take(cost: float = 1.0) -> float:
        return store.take("b", capacity=3, rate=0.5, cost=cost)

    assert [take(), take(), take()] == [0.0, 0.0, 0.0]
    wait = take()
    assert wait == pytest.approx(2.0)
    assert take() == pytest.approx(2.0)  # asking costs nothing
    clock.now += wait
    assert take() == 0.0
    assert take() > 0
    clock.now += 1_000
    assert [take(), take(), take()] == [0.0, 0.0, 0.0]
    assert take() > 0
    assert take(cost=4) == math.inf


def test_take_without_refill(store: Store, clock: Clock) -> None:
    assert store.take("b", capacity=1, rate=0) == 0.0
    clock.now += 1e9
    assert store.take("b", capacity=1, rate=0) == math.inf


def test_take_after_the_clock_was_set_back(store: Store, clock: Clock) -> None:
    assert store.take("b", capacity=1, rate=1) == 0.0
    clock.now -= 100
    assert store.take("b", capacity=1, rate=1) == pytest.approx(1.0)
    clock.now += 1
    assert store.take("b", capacity=1, rate=1) == 0.0


def test_purge(store: Store, clock: Clock) -> None:
    store.put("a", b"x", ttl=1)
    store.put("b", b"x", ttl=100)
    store.put("c", b"x")
    store.increment("count", window=10)
    store.take("bucket", capacity=2, rate=1)
    clock.now += 20
    assert store.purge() == 3
    assert store.purge() == 0
    assert [key for key, _ in store.scan("")] == ["b", "c"]


def test_writes_purge_by_themselves(store: Store, clock: Clock) -> None:
    for number in range(500):
        store.put(f"client:{number}", b"", ttl=1)
    clock.now += 2
    for _ in range(2_001):
        store.put("one", b"")
    assert store.purge() == 0


def test_threads_lose_nothing(store: Store) -> None:
    won: list[int] = []

    def work(number: int) -> None:
        for round_ in range(25):
            store.increment("c", window=60)
            if store.add(f"lock:{round_}", b"%d" % number):
                won.append(round_)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.increment("c", window=60, by=0) == 200
    assert sorted(won) == list(range(25))


def test_closed(store: Store, events: list[Event]) -> None:
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.get("k")
    with pytest.raises(StoreError, match="closed"):
        store.put("k", b"")
    assert [(event.name, event.details["error"]) for event in events] == [
        ("store_failed", "closed")
    ] * 2
