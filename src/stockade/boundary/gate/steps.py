"""A process that people go through step by step, in that order and at their own pace.

    checkout = stockade.steps("checkout", "cart", "address", "payment", pause=2.0)

    with checkout.step("payment", session_id):
        charge(order)

Who skips a step, comes back to one after the end, or sends the last one twice is refused (409,
`sequence_fail`; ASVS 5.0 V2.3.1, CWE-841). Who needs less than `pause` seconds for a step is no
person, and waits (429; V2.4.2). Going back is free, and what lay behind has to be done again.

What was reached is kept in the store, under a digest of the session, so that it holds for all
workers. Of two requests that take the same step at once, one does; a step whose block raises counts
as not taken. It **fails closed**: without the store nobody goes on. It knows only what it is told:
call it where the step happens, with something that belongs to this client alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from stockade.core.bus import emit
from stockade.core.errors import ConfigError, Rejected, Throttled
from stockade.core.events import Outcome
from stockade.core.ports import Clock, Store

__all__ = ["Steps"]


class Steps:
    """One process and where each session stands in it; thread-safe."""

    def __init__(
        self,
        store: Store,
        name: str,
        *steps: str,
        pause: float = 0.0,
        seconds: float = 3_600.0,
        clock: Clock,
    ) -> None:
        """`pause`: seconds that a person needs for a step, at least. After `seconds` without one
        the process begins anew. Raises ConfigError for steps that make no sequence.
        """
        if len(steps) < 2 or len(set(steps)) < len(steps) or not 0 <= pause < seconds:
            raise ConfigError(
                f"the process {name} has two steps or more, each of another name, and a pause that "
                "is shorter than its time"
            )
        self._store, self._name, self._steps = store, name, steps
        self._pause, self._seconds, self._clock = pause, seconds, clock

    @contextmanager
    def step(self, step: str, session: str) -> Iterator[None]:
        """Take `step` in the session with this id, inside the block.

        Raises Rejected (409) out of order, Throttled (429) too soon, each with an event, StoreError
        where the store cannot answer, and ValueError for a step that the process does not have.
        """
        number, key = self._steps.index(step), self._key(session)
        before = self._store.get(key)
        self._check(number, before)
        if before is not None and not self._store.delete(key, only=before):
            raise self._refusal(number)  # another request has just taken it
        try:
            yield
        except BaseException:
            if before is not None:
                self._store.add(key, before, ttl=self._seconds)
            raise
        if number < len(self._steps) - 1:
            self._store.put(key, b"%d %r" % (number, self._clock()), ttl=self._seconds)

    def _check(self, number: int, before: bytes | None) -> None:
        reached, since = -1, 0.0
        if before is not None:
            first, _, second = before.partition(b" ")
            reached, since = int(first), float(second)
        if number > reached + 1:
            raise self._refusal(number)
        wait = since + self._pause - self._clock()
        if number > 0 and number > reached and wait > 0:
            emit(
                "excess_rate_limit_exceeded",
                Outcome.BLOCKED,
                "boundary",
                "A step of a process came sooner than a person could have taken it.",
                rule=f"steps.{self._name}",
                step=self._steps[number],
            )
            raise Throttled("a step came before the pause was over", retry_after=wait)

    def _refusal(self, number: int) -> Rejected:
        emit(
            "sequence_fail",
            Outcome.BLOCKED,
            "boundary",
            "A step of a process came before those that it follows, or a second time.",
            rule=f"steps.{self._name}",
            step=self._steps[number],
        )
        return Rejected(
            "This step follows others that were not taken. Begin again.",
            status=409,
            kind="sequence",
            rule=f"steps.{self._name}",
        )

    def _key(self, session: str) -> str:
        return f"steps:{self._name}:{hashlib.sha256(session.encode()).hexdigest()}"
