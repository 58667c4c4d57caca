"""Cases of the W3C's own test suite for Trace Context, and what goes on to other services."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.core import spans
from stockade.core.context import RequestContext, running
from stockade.core.tally import tally
from stockade.core.trace_context import TraceContext, outgoing, read, read_state

TRACE, PARENT = "12345678901234567890123456789012", "1234567890123456"
GOOD = f"00-{TRACE}-{PARENT}-01"

VALID = {
    GOOD: 1,
    f"00-{TRACE}-{PARENT}-00": 0,
    f"00-{TRACE}-{PARENT}-03": 3,
    f"00-{TRACE}-{PARENT}-ff": 3,
    f"cc-{TRACE}-{PARENT}-01": 1,
    f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like": 1,
    f"\t {GOOD} \t": 1,
}
INVALID = [
    "",
    GOOD[:-1],
    f"{GOOD}.",
    f"{GOOD}-what-the-future-will-be-like",
    f"cc-{TRACE}-{PARENT}-01.what-the-future-will-be-like",
    f"ff-{TRACE}-{PARENT}-01",
    f".0-{TRACE}-{PARENT}-01",
    f"0.-{TRACE}-{PARENT}-01",
    f"000-{TRACE}-{PARENT}-01",
    f"0-{TRACE}-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-.{TRACE[1:]}-{PARENT}-01",
    f"00-{TRACE}3-{PARENT}-01",
    f"00-{TRACE[1:]}-{PARENT}-01",
    f"00-{TRACE}-.{PARENT[1:]}-01",
    f"00-{TRACE}-{PARENT}7-01",
    f"00-{TRACE}-{PARENT}-.0",
    f"00-{TRACE}-{PARENT}-001",
    f"00-{TRACE.replace('1', 'A')}-{PARENT}-01",
    f"00-{TRACE[:-1]}\u0663-{PARENT}-01",
    f"00-{TRACE[:-2]}_1-{PARENT}-01",
    f"{GOOD},{GOOD}",
]
STATES = {
    "foo=1,bar=2": "foo=1,bar=2",
    "foo=1 \t , \t bar=2, \t baz=3": "foo=1,bar=2,baz=3",
    "foo=1,,\t,bar=2,": "foo=1,bar=2",
    "foo=  1": "foo=  1",
    "a-z0_*/@=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~": "a-z0_*/@=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~",
    f"{'z' * 256}={'x' * 256}": f"{'z' * 256}={'x' * 256}",
    " ": "",
}
BAD_STATES = [
    "foo=1,foo=1",
    "foo =1",
    "FOO=1",
    "foo.bar=1",
    "@foo=1",
    "foo",
    "foo=",
    "=1",
    "foo=bar=baz",
    "foo=b\u00e9",
    "foo=a\r\nb",
    f"{'z' * 257}=1",
    f"foo={'v' * 257}",
    ",".join(f"bar{number}=1" for number in range(33)),
    ",".join(f"k{number}={'v' * 250}" for number in range(20)),
]


@pytest.fixture(autouse=True)
def nobody_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "active", None)


@pytest.mark.parametrize("header", VALID)
def test_a_valid_parent_is_read_and_only_known_flags_are_kept(header: str) -> None:
    assert read(header) == TraceContext(TRACE, PARENT, VALID[header])


@pytest.mark.parametrize("header", INVALID)
def test_an_invalid_parent_is_ignored_and_counted_whatever_the_state(header: str) -> None:
    before = tally.trace_contexts_invalid
    assert read(header, "foo=1") is None
    assert tally.trace_contexts_invalid == before + 1


@pytest.mark.parametrize("state", STATES)
def test_a_valid_state_goes_on_without_blanks(state: str) -> None:
    assert read(GOOD, state) == TraceContext(TRACE, PARENT, 1, STATES[state])


@pytest.mark.parametrize("state", BAD_STATES)
def test_an_invalid_state_is_dropped_alone_and_counted(state: str) -> None:
    before = tally.trace_contexts_invalid
    assert read(GOOD, state) == TraceContext(TRACE, PARENT, 1)
    assert tally.trace_contexts_invalid == before + 1


@given(st.text(max_size=80))
def test_no_text_crashes_the_reader_and_what_it_keeps_can_be_sent(text: str) -> None:
    read(text, text)
    state = read_state(text)
    if state:
        assert state.isascii()
        assert state.isprintable()
        assert read_state(state) == state


def request(trace: TraceContext | None) -> RequestContext:
    context = RequestContext("r-1")
    context.trace = trace
    context.trace_id = trace.trace_id if trace is not None else ""
    return context


def test_a_call_to_another_service_carries_the_trace_with_the_requests_own_span() -> None:
    assert outgoing() == {}
    with running(request(TraceContext(TRACE, PARENT, 1, "foo=1"))):
        sent = outgoing()
        assert outgoing() == sent
    assert sent["tracestate"] == "foo=1"
    found = read(sent["traceparent"])
    assert found is not None
    assert (found.trace_id, found.flags) == (TRACE, 1)
    assert found.parent_id == spans.span_of("r-1") != PARENT


def test_a_request_without_a_trace_begins_one() -> None:
    with running(request(None)):
        found = read(outgoing()["traceparent"])
    assert found == TraceContext(spans.trace_of("r-1"), spans.span_of("r-1"), 0)


def test_the_applications_own_span_goes_before_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "active", lambda: ("a" * 32, "b" * 16))
    with running(request(TraceContext(TRACE, PARENT, 0, "foo=1"))):
        assert outgoing() == {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}


def test_a_long_state_is_cut_by_whole_members_long_ones_first() -> None:
    members = [f"long={'x' * 200}"] + [f"k{number}={'v' * 60}" for number in range(9)]
    with running(request(TraceContext(TRACE, PARENT, 0, ",".join(members)))):
        sent = outgoing()["tracestate"].split(",")
    assert sent == members[1 : len(sent) + 1]
    assert 400 < len(",".join(sent)) <= 512
