"""Which events are wanted: by name, outcome, part, route, time and any other field."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from stockade.core.errors import ConfigError
from stockade.core.events import Event, Outcome, Severity

__all__ = ["Choice", "moment"]

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_ORDER = {severity.value: place for place, severity in enumerate(Severity)}
_OUTCOMES = tuple(outcome.value for outcome in Outcome)


def moment(text: str, now: datetime) -> datetime:
    """A time: RFC 3339, such as 2026-01-31T13:45:00Z, or how long ago: 90s, 15m, 2h, 7d, 1w.

    Raises ConfigError for anything else. A time without a zone is UTC.
    """
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS and number.isascii() and number.isdecimal():
        try:
            return now - timedelta(seconds=int(number) * _UNITS[unit])
        except OverflowError:
            pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is no time: write 2026-01-31T13:45:00Z, or how long ago, such as 15m or 2h"
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


class Choice(msgspec.Struct, kw_only=True):
    """Several values of one field: any of them; several fields: all of them. `*` and `?` stand for
    other characters in names, parts, clients, routes and rules.
    """

    name: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    part: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    route: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    request: tuple[str, ...] = ()
    severity: str = ""
    """This one and worse."""
    since: datetime | None = None
    until: datetime | None = None
    where: tuple[tuple[str, str], ...] = ()
    """Fields (`details.key`, `principal`) and what they hold, written as JSON has it."""

    @classmethod
    def of(
        cls,
        *,
        now: datetime,
        severity: str = "",
        since: str = "",
        until: str = "",
        where: Iterable[str] = (),
        outcome: Iterable[str] = (),
        **patterns: Iterable[str],
    ) -> Choice:
        """What the command line asks for. Raises ConfigError for what cannot be understood."""
        outcomes = tuple(outcome)
        if unknown := [one for one in outcomes if one not in _OUTCOMES]:
            raise ConfigError(f"{unknown[0]!r} is no outcome; they are {', '.join(_OUTCOMES)}")
        if severity and severity not in _ORDER:
            raise ConfigError(f"{severity!r} is no severity; they are {', '.join(_ORDER)}")
        return cls(
            outcome=outcomes,
            severity=severity,
            since=moment(since, now) if since else None,
            until=moment(until, now) if until else None,
            where=tuple(_pair(one) for one in where),
            **{field: tuple(values) for field, values in patterns.items()},
        )

    def wants(self, event: Event) -> bool:
        """Whether the event is one of those."""
        return (
            _any(self.name, event.name)
            and (not self.outcome or event.outcome in self.outcome)
            and _any(self.part, event.part)
            and _any(self.client, event.client)
            and _any(self.route, event.resource)
            and _any(self.rule, event.rule)
            and (not self.request or event.request_id in self.request)
            and (not self.severity or _ORDER.get(event.severity, 9) >= _ORDER[self.severity])
            and (self.since is None or event.time >= self.since)
            and (self.until is None or event.time <= self.until)
            and all(_holds(event, field, value) for field, value in self.where)
        )


def _any(patterns: tuple[str, ...], text: str) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def _pair(text: str) -> tuple[str, str]:
    field, equals, value = text.partition("=")
    known = field.partition(".")[0]
    if not equals or known not in Event.__struct_fields__:
        raise ConfigError(
            f"{text!r} is no condition: write details.KEY=VALUE, or another field of an event "
            "(docs/reference/events.md)"
        )
    return field, value


def _holds(event: Event, field: str, value: str) -> bool:
    first, *rest = field.split(".")
    found: Any = getattr(event, first)
    for step in rest:
        if not isinstance(found, dict) or step not in found:
            return False
        found = found[step]
    if isinstance(found, str):
        return found == value
    if isinstance(found, list):
        return any(_written(one) == value for one in found)
    return _written(found) == value


def _written(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
