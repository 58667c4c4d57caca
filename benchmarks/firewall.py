"""What a check at a sink costs, in process, in microseconds of CPU.

The request's values are prepared once, at its first sink, and are not counted here. The texts are
new strings each time, as an application would build them, but for those that are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median, quantiles

from benchmarks.claim import Measured
from benchmarks.flask_service import on_and_off
from benchmarks.rounds import calls, ratios, same, turn_about
from stockade.core.context import RequestContext, running
from stockade.core.inputs import InputLimits, Inputs, Source
from stockade.firewall.engine import Guard
from stockade.firewall.firewall import Firewall

__all__ = [
    "check_hit",
    "check_none",
    "fifty_queries",
    "flask_query",
    "sql_hit",
    "sql_known",
    "sql_none",
]

_TIMES = 500
_ROUNDS = 61
_HIT = "O'Neill & Sons"
_VALUES = (_HIT, "two words", "2026-11-23 10:00", "a@example.com", "/var/spool/scans")
_SQL = (
    "SELECT id, name, born, diagnosis FROM patients WHERE clinic = {number:05} AND name LIKE "
    "'{value}%' AND deleted IS NULL AND (born > '1950-01-01' OR notes <> 'none at all') "
    "ORDER BY name, id LIMIT 50 /**/"
)
_SHELL = "convert -resize 640x480 -quality 85 " + "-set option:value 'a caption' " * 32
_PATH = "/srv/clinic/uploads/" + "patients/scans/" * 65


class _Request(RequestContext):
    """A request whose query brought five values."""

    __slots__ = ()

    def read_inputs(self) -> Inputs:
        inputs = Inputs(InputLimits())
        for value in _VALUES:
            inputs.add(Source.QUERY, "q", value)
        return inputs


def sql_hit(effort: int) -> Measured:
    """A value stands inside a literal, where it may."""
    return _check(_sql(), lambda: _queries(_HIT.replace("'", "''")), effort)


def sql_none(effort: int) -> Measured:
    """No value stands in the text, which is therefore learned."""
    return _check(_sql(), lambda: _queries("plain"), effort)


def sql_known(effort: int) -> Measured:
    """The text was learned before."""
    guard = _sql()
    text = _queries("plain")[0]
    guard.known.learn(text)
    return _check(guard, same(text, _TIMES * 20), effort, forget=False)


def check_hit(effort: int) -> Measured:
    """The slowest of the sinks that are not SQL, with a value inside literal text."""
    return _worst(effort, hit=True)


def check_none(effort: int) -> Measured:
    """The slowest of the sinks that are not SQL, with no value in the text."""
    return _worst(effort, hit=False)


def flask_query(effort: int) -> Measured:
    """A Flask request with one SQLite query, the firewall on against off."""
    with on_and_off("/patients/1") as (off, on):
        return ratios(turn_about(off, on, _ROUNDS * effort))


def fifty_queries(effort: int) -> Measured:
    """The same with fifty queries."""
    with on_and_off("/patients/50", 20) as (off, on):
        return ratios(turn_about(off, on, _ROUNDS * effort))


def _worst(effort: int, *, hit: bool) -> Measured:
    firewall = Firewall()
    shell_hit = f'"{_HIT}" ' if hit else ""
    path_hit = _VALUES[4] + "/" if hit else ""
    texts: tuple[tuple[Guard, str], ...] = (
        (firewall.shell, _SHELL + shell_hit + "{number:05}.png"),
        (firewall.path, _PATH + path_hit + "{number:05}.png"),
    )
    found = {}
    for guard, text in texts:
        guard.mode = "block"
        found[guard.family] = _check(guard, partial(_numbered, text), effort)
    worst = max(found.values())
    return worst._replace(peers={family: one.value for family, one in found.items()})


def _sql() -> Guard:
    guard = Firewall().sql["sqlite"]
    guard.mode = "block"
    return guard


def _queries(value: str) -> Sequence[str]:
    return [_SQL.format(number=number, value=value)[:200] for number in range(_TIMES)]


def _numbered(text: str) -> Sequence[str]:
    return [text.format(number=number) for number in range(_TIMES // 5)]


def _check(
    guard: Guard, texts: Callable[[], Sequence[str]], effort: int, *, forget: bool = True
) -> Measured:
    def fresh() -> Sequence[str]:
        if forget:
            guard.known.clear()
        return texts()

    with running(_Request()):
        pairs = turn_about(calls(_nothing, fresh), calls(guard.check, fresh), _ROUNDS * effort)
    costs = [cost for _, cost in pairs]
    low, _, high = quantiles(costs, n=4)
    return Measured(median(costs), median(bare for bare, _ in pairs), high - low)


def _nothing(text: str) -> None:
    """What it costs to call anything at all."""
