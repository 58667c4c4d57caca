"""Statistics as tables on a terminal, or one JSON object."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stockade.tools.events.counting import Statistics
from stockade.watch.lines import without_controls
from stockade.watch.terminal import printable

__all__ = ["report"]

_TITLES = {"names": "event", "outcomes": "outcome", "rules": "rule", "routes": "route"}


def report(statistics: Statistics, *, as_json: bool, most: int) -> None:
    """Write it to standard output; for people the `most` frequent rows of each table."""
    if as_json:
        sys.stdout.write(
            without_controls(msgspec.json.encode(statistics.summary())).decode() + "\n"
        )
        return
    console = Console(file=sys.stdout, highlight=False)
    console.print(_heading(statistics.summary()), markup=False)
    for name, title in _TITLES.items():
        _count(console, title, statistics.tables[name].rows, statistics, most)
    _count(console, "client", statistics.clients.rows, statistics, most)
    if statistics.latencies:
        console.print(_times(statistics, most))


def _heading(summary: dict[str, Any]) -> str:
    parts = [f"{summary['events']} events"]
    if summary["omitted_by_sampling"]:
        parts.append(f"{summary['omitted_by_sampling']} of them counted and not written")
    if summary["first"] is not None:
        parts.append(f"from {summary['first'].isoformat()} to {summary['last'].isoformat()}")
    if summary["events_per_second"] is not None:
        parts.append(f"{summary['events_per_second']:g} a second")
    lost = sum(summary["dropped"].values())
    if lost:
        parts.append(f"{lost} MORE WERE DROPPED before the log and are in no number here")
    return ", ".join(parts)


def _count(
    console: Console, title: str, rows: Counter[str], statistics: Statistics, most: int
) -> None:
    if not rows:
        return
    table = _table(title, "count", "a minute")
    minutes = statistics.seconds / 60
    for key, count in rows.most_common(most):
        rate = f"{count / minutes:,.1f}" if minutes > 0 else ""
        table.add_row(_text(key), f"{count:,}", rate)
    if len(rows) > most:
        rest = sum(rows.values()) - sum(count for _, count in rows.most_common(most))
        table.add_row(Text(f"… {len(rows) - most} more", style="dim"), f"{rest:,}", "")
    console.print(table)


def _times(statistics: Statistics, most: int) -> Table:
    columns = ("requests", "p50", "p95", "p99", "max")
    table = _table("route, in ms", *columns)
    found = sorted(statistics.latencies.items(), key=lambda pair: -pair[1].count)
    for route, latency in found[:most]:
        values = latency.summary()
        shown = [f"{values[name]:,.1f}" for name in columns[1:]]
        table.add_row(_text(route or "(none)"), f"{latency.count:,}", *shown)
    return table


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _text(value: str) -> Text:
    return Text(printable(value))
