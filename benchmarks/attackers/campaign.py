"""Runs the plan: each attack bare and guarded at the same time, into the journal."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from benchmarks.attackers.attack import Attack
from benchmarks.attackers.journal import Journal, Outcome
from benchmarks.attackers.plan import TOOLS, attacks_on
from benchmarks.attackers.process import run
from benchmarks.attackers.service import GUARDED, MODES, Service, services
from benchmarks.attackers.targets import targets_in

__all__ = ["Campaign", "Selection"]

_SETTLE = 0.5  # events reach the log in batches
_READS = ("GET", "HEAD")


class Selection:
    """Which part of the plan: tools, frameworks, endpoints whose path contains one of `only`."""

    def __init__(
        self, tools: Sequence[str], frameworks: Sequence[str], only: Sequence[str]
    ) -> None:
        self.tools, self.frameworks, self._only = tools, frameworks, only

    def wants(self, path: str) -> bool:
        return not self._only or any(each in path for each in self._only)


class Campaign:
    """One run over a folder: what its journal already holds is not done again."""

    def __init__(self, folder: Path, seconds: float, say: Callable[[str], None]) -> None:
        self._folder, self._seconds, self._say = folder, seconds, say
        folder.mkdir(parents=True, exist_ok=True)
        self._journal = Journal(folder / "outcomes.jsonl")

    def run(self, selection: Selection, deadline: float) -> Iterator[tuple[Attack, list[Outcome]]]:
        """Each attack with its outcomes; without outcomes where the time is over."""
        done = {outcome.key: outcome for outcome in self._journal}
        for framework in selection.frameworks:
            with services(framework, self._folder) as both:
                targets = targets_in(framework, both[GUARDED].description())
                wanted = [target for target in targets if selection.wants(target.path)]
                attacks = list(attacks_on(wanted, selection.tools))
                for number, attack in enumerate(attacks, 1):
                    known = [done.get(_key(attack, mode)) for mode in MODES]
                    outcomes = [each for each in known if each is not None]
                    if len(outcomes) < len(MODES):
                        if time.monotonic() > deadline:
                            yield attack, []
                            continue
                        outcomes = self._both(attack, both)
                        self._progress(framework, number, len(attacks), attack, outcomes)
                    yield attack, outcomes

    def _progress(
        self, framework: str, number: int, total: int, attack: Attack, outcomes: list[Outcome]
    ) -> None:
        told = "; ".join(
            f"{each.mode} {', '.join(each.found) or 'nothing'}"
            f"{'' if each.complete else ' (cut short)'} {each.seconds:.0f} s"
            for each in outcomes
        )
        variant = f" [{attack.variant}]" if attack.variant else ""
        self._say(
            f"{framework} {number}/{total} {attack.tool} {attack.target.operation.name}{variant}: "
            f"{told}"
        )

    def _both(self, attack: Attack, both: dict[str, Service]) -> list[Outcome]:
        def once(mode: str) -> Outcome:
            return self._once(attack, both[mode])

        with ThreadPoolExecutor(len(MODES)) as pool:
            outcomes = list(pool.map(once, MODES))
        for outcome in outcomes:
            self._journal.add(outcome)
        return outcomes

    def _once(self, attack: Attack, service: Service) -> Outcome:
        tool, target = TOOLS[attack.tool], attack.target
        if not service.answers():
            service.restart()
        name = sha256(repr(_key(attack, service.mode)).encode()).hexdigest()[:12]
        folder = self._folder / "attacks" / name
        shutil.rmtree(folder, ignore_errors=True)
        before, _ = service.files(), service.tally(target.path)
        command = tool.command(attack, service.address, folder)
        begun = time.monotonic()
        ran = run(command, folder, self._seconds)
        seconds = time.monotonic() - begun
        time.sleep(_SETTLE)
        finding = tool.read(ran.said, folder, sorted(service.files() - before))
        tally = service.tally(target.path)
        if not ran.complete or target.operation.method not in _READS:
            service.restart()  # what was deleted is back, what was left running is gone
        return Outcome(
            *_key(attack, service.mode)[:3],
            family=target.family,
            variant=attack.variant,
            mode=service.mode,
            found=finding.found,
            counts=finding.counts,
            requests=tally.requests,
            refused=tally.refused,
            seconds=round(seconds, 1),
            complete=ran.complete and finding.tested,
        )


def _key(attack: Attack, mode: str) -> tuple[str, str, str, str, str]:
    target = attack.target
    return (attack.tool, target.framework, target.operation.name, attack.variant, mode)
