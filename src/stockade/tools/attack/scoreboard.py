"""The report for people: a scoreboard, and below it all that is not as it should be."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from stockade.tools.attack.payloads import FAMILIES
from stockade.tools.attack.report import Report

__all__ = ["print_report"]

_MOST = 20
Line = tuple[str, ...]


def print_report(report: Report, *, compare: bool, file: TextIO) -> None:
    """Print to `file`; colours only on a terminal without NO_COLOR.

    Of several applications each gets a scoreboard of its own, and their sums the last.
    """
    if len(report.each) > 1:
        for part in report.each:
            file.write(f"{part.apps[0]}\n")
            _print_table(part, compare, file)
            file.write("\n")
        file.write("All\n")
    _print_table(report, compare, file)
    file.writelines(f"{line}\n" for line in _lines(report))


def _print_table(report: Report, compare: bool, file: TextIO) -> None:
    if compare:
        _table(_compare_heads(), list(_compare_rows(report)), file)
    else:
        _table(("family", "exploits", "got through"), list(_short_rows(report)), file)


def _compare_heads() -> Line:
    return (
        *("family", "input", "work bare", "work behind Stockade", "stopped"),
        *("false blocks", "honest refused", "out of reach"),
    )


def _compare_rows(report: Report) -> Iterator[Line]:
    families = report.as_dict()["families"]
    for family in FAMILIES:
        counts = families[family]
        rest = ("false_blocks", "benign_blocks", "out_of_reach")
        yield _row(family, "all", counts, *(str(counts[name]) for name in rest))
        for source, each in counts["sources"].items():
            yield _row("", source, each, "", "", "")


def _row(family: str, source: str, counts: dict[str, int], *rest: str) -> Line:
    bare, stopped = counts["bare"], counts["stopped"]
    return (family, source, str(bare), str(bare - stopped), _share(stopped, bare), *rest)


def _share(stopped: int, bare: int) -> str:
    # Rounded down: 100 % means all.
    return f"{stopped * 100 // bare} %" if bare else "-"


def _short_rows(report: Report) -> Iterator[Line]:
    for family, counts in report.as_dict()["families"].items():
        yield (family, str(counts["bare"]), str(counts["bare"] - counts["stopped"]))


def _table(heads: Line, rows: Sequence[Line], file: TextIO) -> None:
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        file.write(_plain(heads, rows))
        return
    table = Table(*heads[:1], box=None, pad_edge=False, header_style="bold")
    for head in heads[1:]:
        table.add_column(head, justify="left" if head == "input" else "right")
    for row in rows:
        table.add_row(*row, style="bold" if row[0] else "dim")
    # Wide enough where there is no terminal to fit in: a log must not wrap a table.
    Console(file=file, width=None if file.isatty() else 120, highlight=False).print(table)


def _plain(heads: Line, rows: Sequence[Line]) -> str:
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    out = io.StringIO()
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        out.write("  ".join(cells).rstrip() + "\n")
    return out.getvalue()


def _listed(title: str, entries: Sequence[str]) -> Iterator[str]:
    if entries:
        yield f"{title}:"
        yield from (f"  {entry}" for entry in entries[:_MOST])
        if len(entries) > _MOST:
            yield f"  … and {len(entries) - _MOST} more (--json lists all)"


def _place(entry: dict[str, str]) -> str:
    return f"{entry['operation']} [{entry['source']} {entry['parameter']}]"


def _lines(report: Report) -> Iterable[str]:
    yield ""
    yield (
        f"{report.exploits_bare} exploits work bare, Stockade stops {report.exploits_stopped}. "
        f"{report.attempts} attacks tried, {report.requests} requests, {report.seconds:.0f} s."
    )
    got_through = [f"{_place(each)} {each['technique']}" for each in report.got_through]
    yield from _listed("Got through", got_through)
    wrongly = [
        f"{_place(each)} {each['what']}: {each['detail']}" for each in report.refused_wrongly
    ]
    yield from _listed("Refused, and should not have been", wrongly)
    reasons = [f"{count} by {reason}" for reason, count in sorted(report.reasons.items())]
    yield from _listed(
        "Out of a firewall's reach, not counted above; fix these in the code", reasons
    )
    yield from _listed(
        "Not tried for want of a working honest request (--header gives a sign-in)",
        report.unreached,
    )
