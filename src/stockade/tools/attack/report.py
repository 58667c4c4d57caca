"""What got through: the two runs joined, counted, and put into words for machines and people."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from stockade.tools.attack.campaign import Courtesy
from stockade.tools.attack.model import Attempt, Planned
from stockade.tools.attack.payloads import FAMILIES

__all__ = ["Report", "Run", "is_code_for", "rules_in"]

_PLAIN_WORD = re.compile(r"[+-]?[\w.]*\Z")
SlotKey = tuple[str, str, str]


@dataclass(slots=True)
class Run:
    """One run of one application: every attempt, every honest request."""

    attempts: dict[tuple[str, str, str, str], Attempt] = field(default_factory=dict)
    courtesies: dict[tuple[str, str, str, str], Courtesy] = field(default_factory=dict)
    unreached: list[str] = field(default_factory=list)
    requests: int = 0
    rules: dict[str, str] = field(default_factory=dict)
    """Request id to the id of the rule that refused it."""


def _slot(planned: Planned) -> SlotKey:
    return (planned.operation.name, planned.slot.source, planned.slot.name)


class Report:
    """The counts. An exploit is an operation, source, parameter and technique, proved bare."""

    def __init__(self) -> None:
        self.apps: list[str] = []
        self.each: list[Report] = []
        """A report for each application, where there are several."""
        self.bare: Counter[tuple[str, str]] = Counter()
        self.stopped: Counter[tuple[str, str]] = Counter()
        self.out_of_reach: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.false_blocks: Counter[str] = Counter()
        self.benign_blocks: Counter[str] = Counter()
        self.got_through: list[dict[str, str]] = []
        self.refused_wrongly: list[dict[str, str]] = []
        self.unreached: list[str] = []
        self.unproved = 0
        self.requests = 0
        self.attempts = 0
        self.seconds = 0.0

    def add(self, app: str, bare: Run, guarded: Run) -> None:
        """Join the two runs of one application."""
        part = Report()
        part._join(app, bare, guarded)
        self._join(app, bare, guarded)
        self.each.append(part)

    def _join(self, app: str, bare: Run, guarded: Run) -> None:
        self.apps.append(app)
        self.requests += bare.requests + guarded.requests
        self.attempts += len(bare.attempts)
        self.unreached += bare.unreached
        open_slots = {_slot(each.planned) for each in bare.attempts.values() if each.worked}
        for key, attempt in bare.attempts.items():
            if attempt.worked:
                again = guarded.attempts.get(key)
                self._count_exploit(attempt.planned, again is not None and not again.worked)
        for key, attempt in guarded.attempts.items():
            if attempt.refused and _slot(attempt.planned) not in open_slots:
                self.false_blocks[attempt.planned.family] += 1
                self._note_refusal(key, attempt.planned.family, "an attack that cannot work here")
        self._count_courtesies(bare, guarded)

    def _count_exploit(self, planned: Planned, stopped: bool) -> None:
        family, source = planned.family, planned.slot.source
        if planned.operation.out_of_reach:
            self.out_of_reach[family] += 1
            self.reasons[planned.operation.out_of_reach] += 1
            return
        self.bare[family, source] += 1
        if stopped:
            self.stopped[family, source] += 1
        else:
            operation, _, parameter, technique = planned.key
            self.got_through.append(
                {
                    "family": family,
                    "operation": operation,
                    "source": source,
                    "parameter": parameter,
                    "technique": technique,
                }
            )

    def _count_courtesies(self, bare: Run, guarded: Run) -> None:
        exploited: defaultdict[SlotKey, list[Planned]] = defaultdict(list)
        for attempt in bare.attempts.values():
            if attempt.worked:
                exploited[_slot(attempt.planned)].append(attempt.planned)
        for key, courtesy in guarded.courtesies.items():
            before, after = bare.courtesies.get(key), courtesy.answer
            if before is None or before.answer.status >= 400 or before.answer.status == 0:
                continue  # bare, too, this value did not do what the person wanted
            if is_code_for(courtesy.plain, exploited[key[:3]]):
                continue  # bare, the application took a part of this value for code
            if after.problem or after.status >= 500 or after.status == 0:
                rule = guarded.rules.get(_request_id(after.text), "").partition(".")[0]
                families = [rule, *(each.family for each in exploited[key[:3]]), FAMILIES[0]]
                family = next(each for each in families if each in FAMILIES)
                self.benign_blocks[family] += 1
                self._note_refusal(key, family, "an honest value")

    def _note_refusal(self, key: tuple[str, str, str, str], family: str, what: str) -> None:
        operation, source, parameter, detail = key
        self.refused_wrongly.append(
            {
                "family": family,
                "operation": operation,
                "source": source,
                "parameter": parameter,
                "what": what,
                "detail": detail,
            }
        )

    # -- totals ----------------------------------------------------------------------------------

    @property
    def exploits_bare(self) -> int:
        return sum(self.bare.values())

    @property
    def exploits_stopped(self) -> int:
        return sum(self.stopped.values())

    @property
    def exit_code(self) -> int:
        """0 clean, 1 something got through or was refused wrongly, 3 incomplete."""
        if self.got_through or self.refused_wrongly:
            return 1
        return 3 if self.unproved or self.unreached else 0

    def sources(self, family: str) -> list[str]:
        """Where exploits of a family came from."""
        return sorted(source for name, source in self.bare if name == family)

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints: the sums, and below `each` the same for every application."""
        return self._as_dict() | {"each": {part.apps[0]: part._as_dict() for part in self.each}}

    def _as_dict(self) -> dict[str, Any]:
        families = {
            family: {
                "bare": sum(self.bare[family, source] for source in self.sources(family)),
                "stopped": sum(self.stopped[family, source] for source in self.sources(family)),
                "out_of_reach": self.out_of_reach[family],
                "false_blocks": self.false_blocks[family],
                "benign_blocks": self.benign_blocks[family],
                "sources": {
                    source: {
                        "bare": self.bare[family, source],
                        "stopped": self.stopped[family, source],
                    }
                    for source in self.sources(family)
                },
            }
            for family in FAMILIES
        }
        return {
            "families": families,
            "exploits_bare": self.exploits_bare,
            "exploits_stopped": self.exploits_stopped,
            "out_of_reach": sum(self.out_of_reach.values()),
            "unproved": self.unproved,
            "apps": self.apps,
            "got_through": self.got_through,
            "refused_wrongly": self.refused_wrongly,
            "unreached": self.unreached,
        }


def is_code_for(value: str, exploited: Iterable[Planned]) -> bool:
    """Whether a slot that can be exploited takes `value` for more than data.

    Then it changes what runs, whether a person meant it or not, and refusing it is right: a quote
    or a dollar where they end or open a literal, all but a plain word where there is none.
    """
    for planned in exploited:
        breaking = planned.technique.breaks_out_with
        if any(character in value for character in breaking):
            return True
        if not breaking and planned.family != "path" and not _PLAIN_WORD.match(value):
            return True
    return False


def _request_id(text: str) -> str:
    return text.partition('"urn:stockade:request:')[2].partition('"')[0]


def rules_in(lines: Iterable[str]) -> dict[str, str]:
    """Request id to rule, out of the JSON events among a server's lines."""
    found: dict[str, str] = {}
    for line in lines:
        if '"blocked"' in line and line.startswith("{"):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("rule"):
                found[str(event.get("request_id", ""))] = str(event["rule"])
    return found
