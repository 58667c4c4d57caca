from hypothesis import given
from hypothesis import strategies as st

from stockade.stores import sliding_window


@given(
    st.lists(st.tuples(st.floats(0, 50), st.integers(1, 5)), min_size=1, max_size=200),
    st.floats(0.5, 1_000),
)
def test_between_the_window_and_its_seventeenth(
    steps: list[tuple[float, int]], window: float
) -> None:
    now, seen = 1_000_000.0, list[tuple[float, int]]()
    slots: sliding_window.Slots = {}
    for pause, by in steps:
        now += pause
        seen.append((now, by))
        slots, count = sliding_window.add(slots, now=now, window=window, by=by)
        slots = sliding_window.decode(sliding_window.encode(window, slots), window)
        exact = sum(by for at, by in seen if at > now - window)
        longest = sum(by for at, by in seen if at > now - window * 17 / 16 - 1e-6)
        assert exact <= count <= longest
        assert len(slots) <= 17


@given(st.lists(st.floats(-1e6, 1e6), max_size=200))
def test_memory_is_bounded_under_any_clock(jumps: list[float]) -> None:
    now = 1e9
    slots: sliding_window.Slots = {}
    for jump in jumps:
        now += jump
        slots, count = sliding_window.add(slots, now=now, window=60, by=1)
        assert count >= 1
        assert len(slots) <= 33


def test_another_window_starts_over() -> None:
    slots, _ = sliding_window.add({}, now=100.0, window=60, by=1)
    assert sliding_window.decode(sliding_window.encode(60, slots), 61) == {}
    assert sliding_window.decode(sliding_window.encode(60, slots), 60) == slots
