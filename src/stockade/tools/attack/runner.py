"""Two runs of each application, bare and guarded, in a sandbox each; then the report."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from stockade.tools.attack.campaign import Campaign
from stockade.tools.attack.client import Client
from stockade.tools.attack.discovery import describe
from stockade.tools.attack.model import Attempt
from stockade.tools.attack.report import Report, Run, rules_in
from stockade.tools.attack.sandbox import AttackError, sandbox
from stockade.tools.attack.server import serve

__all__ = ["GUARD", "Progress", "run"]

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much of it is done, and how much there is."""

GUARD = (sys.executable, "-m", "stockade", "run", "--mode", "block", "--")
"""The command that the guarded server's command is put behind."""

_AT_A_TIME = 2

# An application that protects itself is bare in the first run as well; and a limit of requests a
# second would stop attacks that the firewall let through.
_BARE = {"STOCKADE_DEFENCE__MODE": "off", "STOCKADE_REQUEST__RATE": "0"}
_GUARDED = {"STOCKADE_DEFENCE__MODE": "block", "STOCKADE_REQUEST__RATE": "0"}


def run(
    apps: Sequence[str],
    *,
    folder: Path | None = None,
    env: Sequence[str] = (),
    headers: Sequence[tuple[str, str]] = (),
    guard: Sequence[str] = GUARD,
    max_copy: int = 256 << 20,
    progress: Progress | None = None,
) -> Report:
    """Attack every application (`MODULE:APP`) of `folder`, by default the current one.

    `env` names variables that the application needs (no other of this environment reaches it),
    `headers` go with every request. Errors: AttackError where an application cannot be started or
    described; its message says what to do.
    """
    for app in apps:
        if ":" not in app:
            raise AttackError(f"{app}: name an application as MODULE:APP, such as shop.main:app")
    report, started = Report(), time.monotonic()
    attack = _Attack(folder or Path.cwd(), env, headers, guard, max_copy, progress or _silent)
    for app, (bare, guarded) in zip(apps, _attacked(attack, apps), strict=True):
        report.add(app, bare, guarded)
    report.seconds = time.monotonic() - started
    return report


def _attacked(attack: _Attack, apps: Sequence[str]) -> Sequence[tuple[Run, Run]]:
    """Both runs of every application; of several two at a time, where there are the processors."""
    if len(apps) == 1:
        return [attack.both(apps[0])]
    pool = ThreadPoolExecutor(min(_AT_A_TIME, os.cpu_count() or 1))
    runs = [pool.submit(attack.both, app) for app in apps]
    try:
        return [each.result() for each in runs]
    except BaseException:
        attack.interrupted.set()
        raise
    finally:
        # Waits: each thread has a server to end.
        pool.shutdown(cancel_futures=True)


def _silent(_what: str, _done: int, _total: int) -> None: ...


class _Attack:
    def __init__(
        self,
        folder: Path,
        env: Sequence[str],
        headers: Sequence[tuple[str, str]],
        guard: Sequence[str],
        max_copy: int,
        progress: Progress,
    ) -> None:
        self._folder, self._env, self._headers = folder, env, dict(headers)
        self._guard, self._max_copy, self._show = guard, max_copy, progress
        self.interrupted = threading.Event()

    def _progress(self, what: str, done: int, total: int) -> None:
        if self.interrupted.is_set():
            raise AttackError("interrupted")
        self._show(what, done, total)

    def both(self, app: str) -> tuple[Run, Run]:
        """The two runs."""
        bare = self.bare(app)
        return bare, self.guarded(app, bare)

    @contextmanager
    def _campaign(
        self, app: str, run: Run, prefix: Sequence[str], environment: dict[str, str]
    ) -> Iterator[Campaign]:
        with sandbox(self._folder, env=self._env, limit=self._max_copy) as box:
            with (
                serve(box, app, prefix=prefix, environment=environment) as server,
                closing(Client(server.port, self._headers)) as client,
                closing(Campaign(server, client, describe(server, client, app))) as campaign,
            ):
                run.unreached = [f"{app} {each}" for each in campaign.unreached]
                for courtesy in campaign.be_honest():
                    run.courtesies[courtesy.key] = courtesy
                    self._progress("honest requests", len(run.courtesies), 0)
                yield campaign
                run.requests = client.requests
            with box.log.open(encoding="utf-8", errors="replace") as log:
                run.rules = rules_in(log)

    def bare(self, app: str) -> Run:
        run = Run()
        with self._campaign(app, run, (), _BARE) as campaign:
            slots = campaign.slots()
            for number, (operation, slot) in enumerate(slots, 1):
                for attempt in campaign.attack(operation, slot):
                    run.attempts[attempt.planned.key] = attempt
                self._progress(f"{app} bare", number, len(slots))
            _add_late(run, campaign)
        return run

    def guarded(self, app: str, bare: Run) -> Run:
        """Again what worked; where nothing worked all again that is not a blind guess."""
        run = Run()
        open_slots = {key[:3] for key, attempt in bare.attempts.items() if attempt.worked}
        again = [
            attempt
            for key, attempt in bare.attempts.items()
            if attempt.worked
            or (key[:3] not in open_slots and attempt.planned.encoding in ("", "example"))
        ]
        with self._campaign(app, run, self._guard, _GUARDED) as campaign:
            for number, (planned, worked, _) in enumerate(again, 1):
                # What works nowhere must not be refused: one text of a technique shows that.
                run.attempts[planned.key] = campaign.attempt(planned, thorough=worked)
                self._progress(f"{app} guarded", number, len(again))
            _add_late(run, campaign)
        return run


def _add_late(run: Run, campaign: Campaign) -> None:
    for planned in campaign.late():
        refused = run.attempts[planned.key].refused
        run.attempts[planned.key] = Attempt(planned, True, refused)
