"""What the journal adds up to: a line a tool, and every finding behind the firewall by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from benchmarks.attackers.attack import Attack
from benchmarks.attackers.journal import Outcome
from benchmarks.attackers.service import BARE, GUARDED

__all__ = ["Line", "findings", "lines", "status", "table"]


class Line(msgspec.Struct):
    """One tool's account; sqlmap with tamper scripts has a line of its own."""

    tool: str
    attacks: int = 0
    endpoints: int = 0
    found_bare: int = 0
    found_guarded: int = 0
    endpoints_bare: int = 0
    endpoints_guarded: int = 0
    requests_bare: int = 0
    requests_guarded: int = 0
    refused: int = 0
    cut_short_bare: int = 0
    cut_short_guarded: int = 0
    not_tried: int = 0
    counts_bare: dict[str, int] = {}
    counts_guarded: dict[str, int] = {}
    minutes: float = 0.0


def lines(done: Iterable[tuple[Attack, Sequence[Outcome]]]) -> list[Line]:
    """One account for each tool that had something to do."""
    groups: dict[str, list[tuple[Attack, Sequence[Outcome]]]] = {}
    for attack, outcomes in done:
        name = attack.tool + (" with tamper scripts" if attack.variant else "")
        groups.setdefault(name, []).append((attack, outcomes))
    return [_line(name, group) for name, group in groups.items()]


def _line(name: str, group: Sequence[tuple[Attack, Sequence[Outcome]]]) -> Line:
    tried = [attack for attack, outcomes in group if outcomes]
    every = [outcome for _, outcomes in group for outcome in outcomes]
    bare = [each for each in every if each.mode == BARE]
    guarded = [each for each in every if each.mode == GUARDED]
    return Line(
        tool=name,
        attacks=len(tried),
        endpoints=len({attack.name for attack in tried}),
        found_bare=sum(bool(each.found) for each in bare),
        found_guarded=sum(bool(each.found) for each in guarded),
        endpoints_bare=_endpoints(bare),
        endpoints_guarded=_endpoints(guarded),
        requests_bare=sum(each.requests for each in bare),
        requests_guarded=sum(each.requests for each in guarded),
        refused=sum(each.refused for each in guarded),
        cut_short_bare=sum(not each.complete for each in bare),
        cut_short_guarded=sum(not each.complete for each in guarded),
        not_tried=len(group) - len(tried),
        counts_bare=_counts(bare),
        counts_guarded=_counts(guarded),
        minutes=round(sum(each.seconds for each in every) / 60, 1),
    )


def _endpoints(outcomes: Iterable[Outcome]) -> int:
    return len({(each.framework, each.target) for each in outcomes if each.found})


def _counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in outcomes:
        total.update(each.counts)
    return dict(total)


def findings(done: Iterable[tuple[Attack, Sequence[Outcome]]]) -> list[str]:
    """What was found behind the firewall, each with what found it."""
    return [
        f"{each.tool} {each.variant} at {each.target} on {each.framework}: {', '.join(each.found)}"
        for _, outcomes in done
        for each in outcomes
        if each.mode == GUARDED and each.found
    ]


def status(accounts: Sequence[Line]) -> int:
    """0: nothing found guarded and something bare; 1: found guarded; 3: that proves too little."""
    if any(line.found_guarded for line in accounts):
        return 1
    incomplete = any(line.cut_short_guarded or line.not_tried for line in accounts)
    return 3 if incomplete or not accounts or not all(line.found_bare for line in accounts) else 0


def table(accounts: Sequence[Line]) -> str:
    """The accounts as a Markdown table."""
    head = (
        "| tool | attacks | endpoints | attacks that found something: bare, guarded "
        "| endpoints: bare, guarded | requests: bare, guarded | refused | not tried "
        "| cut short: bare, guarded | minutes |"
    )
    rows = [
        f"| {each.tool} | {each.attacks} | {each.endpoints} "
        f"| {each.found_bare}, {each.found_guarded} "
        f"| {each.endpoints_bare}, {each.endpoints_guarded} "
        f"| {each.requests_bare:,}; {each.requests_guarded:,} | {each.refused:,} "
        f"| {each.not_tried} | {each.cut_short_bare}, {each.cut_short_guarded} | {each.minutes} |"
        for each in accounts
    ]
    return "\n".join([head, "| --- " + "| ---: " * 9 + "|", *rows])
