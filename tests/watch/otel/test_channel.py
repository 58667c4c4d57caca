"""Collectors that are slow, dead, deaf or picky: nothing waits, nothing is lost without a count."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator

import pytest

from stockade.core.events import Event, now
from stockade.core.health import State
from stockade.watch.otel.attributes import resource
from stockade.watch.otel.channel import Channel
from stockade.watch.otel.logs import log_record
from stockade.watch.otel.transport import Transport
from tests.integration.collector import Collector, collecting
from tests.integration.serving import free_port

RESOURCE = resource("test", "1")


def event(number: int) -> Event:
    return Event(
        time=now(),
        name="request_refused",
        severity="warn",
        outcome="blocked",
        part="boundary",
        request_id=f"r-{number}",
        reason="Too large.",
    )


def prepare(item: Event) -> object:
    return log_record(item, RESOURCE, str, sampled=True)


Open = Callable[..., "Channel[Event]"]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    monkeypatch.setattr("stockade.watch.otel.channel._LEAVE_SECONDS", 1.0)
    channels: list[Channel[Event]] = []

    def make(address: str, capacity: int = 1_000) -> Channel[Event]:
        transport = Transport("logs", address)
        channel: Channel[Event] = Channel(
            "logs", transport, prepare, capacity=capacity, seconds=0.05
        )
        channel.sender.start()
        channels.append(channel)
        return channel

    yield make
    for channel in channels:
        channel.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def eventually(condition: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def balance(channel: Channel[Event]) -> int:
    return channel.exported + sum(channel.dropped.values()) + channel.waiting


def test_everything_offered_arrives_once(opened: Open, collector: Collector) -> None:
    channel = opened(collector.address, 5_000)
    channel.offer([event(number) for number in range(3_000)])
    assert eventually(lambda: channel.exported == 3_000)
    ids = [record.attributes for record in collector.logs()]
    assert len(ids) == 3_000
    assert channel.verdict().state is State.OK


def test_what_a_dead_collector_missed_is_sent_when_it_is_back(
    opened: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    channel = opened(f"http://127.0.0.1:{port}")
    channel.offer([event(number) for number in range(700)])
    assert eventually(lambda: channel.verdict().state is State.DEGRADED)
    before = time.monotonic()
    channel.offer([event(number) for number in range(700, 1_700)])
    assert time.monotonic() - before < 0.5
    assert channel.waiting + channel.dropped["queue full"] == 1_700
    assert channel.verdict().state is State.FAILED
    with collecting(port) as collector:
        assert eventually(lambda: channel.waiting == 0)
        assert len(collector.logs()) == channel.exported
    assert channel.verdict().state is State.OK
    assert balance(channel) == 1_700
    assert channel.exported + channel.dropped["queue full"] == 1_700
    # The exporter's own complaints at each attempt are not heard: the health tells, once.
    assert "Failed to export" not in capfd.readouterr().err


def test_a_slow_collector_holds_up_nobody(opened: Open, collector: Collector) -> None:
    collector.seconds = 0.5
    channel = opened(collector.address)
    before = time.monotonic()
    for _ in range(20):
        channel.offer([event(number) for number in range(100)])
    assert time.monotonic() - before < 0.5
    assert balance(channel) == 2_000
    collector.seconds = 0.0
    assert eventually(lambda: channel.waiting == 0)
    assert balance(channel) == 2_000


def test_one_that_takes_connections_and_never_answers(opened: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        channel = opened(f"http://127.0.0.1:{deaf.getsockname()[1]}", 10)
        channel.offer([event(number) for number in range(30)])
        assert eventually(lambda: channel.verdict().state is not State.OK)
        channel.offer([event(number) for number in range(30, 60)])
        assert balance(channel) == 60
        channel.close()
    assert channel.dropped["left at the end"] > 0
    assert balance(channel) - channel.waiting == 60


def test_a_batch_that_is_refused_for_good_is_dropped_and_counted(
    opened: Open, collector: Collector
) -> None:
    collector.status = 400
    channel = opened(collector.address)
    channel.offer([event(1)])
    assert eventually(lambda: channel.dropped["refused"] == 1)
    assert channel.verdict().state is State.DEGRADED
    collector.status = 200
    channel.offer([event(2)])
    assert eventually(lambda: channel.exported == 1)
    assert channel.verdict().state is State.OK


def test_a_partial_success_is_no_whole_one(opened: Open, collector: Collector) -> None:
    collector.rejects = 2
    channel = opened(collector.address)
    channel.offer([event(number) for number in range(5)])
    assert eventually(lambda: channel.waiting == 0 and balance(channel) == 5)
    assert (channel.exported, channel.dropped["refused"]) == (3, 2)


def test_an_item_that_cannot_be_told_costs_the_others_nothing(
    opened: Open, collector: Collector
) -> None:
    odd = event(1)
    odd.severity = "no severity"
    channel = opened(collector.address)
    channel.offer([event(0), odd, event(2)])
    assert eventually(lambda: channel.exported == 2)
    assert channel.dropped["not encodable"] == 1


def test_a_fork_sends_its_own_and_not_its_parents(collector: Collector) -> None:
    program = textwrap.dedent(
        """
        import os, sys, time
        from stockade.core.events import Event, now
        from stockade.watch.otel.attributes import resource
        from stockade.watch.otel.channel import Channel
        from stockade.watch.otel.logs import log_record
        from stockade.watch.otel.transport import Transport
        of = resource("test", "1")
        def event(name):
            return Event(time=now(), name="sys_crash", severity="warn", outcome="failed",
                         part="t", reason=name)
        channel = Channel("logs", Transport("logs", sys.argv[1]),
                          lambda one: log_record(one, of, str, sampled=False), capacity=99)
        channel.offer([event("parent's, before")])
        child = os.fork()
        if not child:
            channel.sender.start()
            channel.offer([event("child's")])
            channel.close()
            os._exit(0 if (channel.exported, channel.waiting) == (1, 0) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        channel.sender.start()
        channel.offer([event("parent's, after")])
        channel.close()
        """
    )
    subprocess.run([sys.executable, "-c", program, collector.address], check=True, timeout=60)
    bodies = [record.body.string_value for record in collector.logs()]
    assert sorted(bodies) == ["child's", "parent's, after", "parent's, before"]
