"""One application under attack: honest requests first, then every technique at every slot."""

from __future__ import annotations

import http.client
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from stockade.tools.attack.client import Client, Unsendable
from stockade.tools.attack.encodings import encode, encodings_for
from stockade.tools.attack.honest import HONEST
from stockade.tools.attack.model import Answer, Attempt, Evidence, Operation, Planned, Slot
from stockade.tools.attack.oracles import Databases, Files
from stockade.tools.attack.payloads import Aim, families
from stockade.tools.attack.server import Server

__all__ = ["Campaign", "Courtesy"]

# Values without any structure: what an answer shows to them, it shows to everybody.
_NEUTRAL = ("", "%", "*")
_BITS = 12
_GONE = Answer(0, "", "")


class Courtesy(NamedTuple):
    """An honest value and how it was received."""

    operation: Operation
    slot: Slot | None
    value: str
    plain: str
    """The value before it was put into the form that the description's example shows."""
    answer: Answer

    @property
    def key(self) -> tuple[str, str, str, str]:
        slot = self.slot
        return (
            self.operation.name,
            slot.source if slot else "",
            slot.name if slot else "",
            self.value,
        )


class Campaign:
    """Attacks one running server."""

    def __init__(self, server: Server, client: Client, operations: Iterable[Operation]) -> None:
        self.server, self.client = server, client
        self.operations = list(operations)
        self._by_id = {operation.id: operation for operation in self.operations}
        self._harmless: defaultdict[str, set[str]] = defaultdict(set)
        self._pending: dict[str, Planned] = {}
        # The first honest requests may create a database that is not there before them.
        self.baseline = {each.name: self._send(each) for each in self.operations}
        self.databases = Databases(server.sandbox.project)
        self.files = Files(server.sandbox.outside, server.sandbox.home)
        self.aim = self._first_aim()

    def close(self) -> None:
        self.databases.close()

    def _first_aim(self) -> Aim:
        found = self.databases
        return Aim(
            leak="(SELECT secret FROM stockade_canary)",
            leaked=found.leaked,
            rows=found.tokens,
            columns=found.columns,
            outside=str(self.files.outside),
            canary=self.files.content,
            listed=self.files.listed,
            factors=(0, 0),
            mark="",
            content="",
            example="",
        )

    @property
    def unreached(self) -> list[str]:
        """Operations that did not even take the honest request: what lies behind is untried."""
        return [
            f"{name}: {answer.status}"
            for name, answer in self.baseline.items()
            if answer.status in (0, 401, 403, 405, 415, 422, 429) or answer.status >= 500
        ]

    # -- sending ---------------------------------------------------------------------------------

    def _send(self, operation: Operation, slot: Slot | None = None, value: str = "") -> Answer:
        for last in (False, True):
            try:
                return self.client.send(operation, slot, value)
            except (OSError, http.client.HTTPException):
                # The connection broke. A dead server ends the attack, a living one is asked again.
                time.sleep(0.05)
                self.server.check()
                if last:
                    return _GONE
        return _GONE

    def _effects(self, operation: Operation, answer: Answer) -> str:
        """The answer's text, and those of the operations where its effect shows."""
        texts = [answer.text]
        for name in operation.followed_by:
            if name in self._by_id:
                texts.append(self._send(self._by_id[name]).text)
        return "\n".join(texts)

    # -- honest requests -------------------------------------------------------------------------

    def be_honest(self) -> Iterator[Courtesy]:
        """Send honest values everywhere; what an answer shows to them proves nothing later."""
        known = (*self.aim.rows, self.aim.leaked, self.aim.canary, self.aim.listed)
        for operation in self.operations:
            for slot, value, plain in self._courtesies(operation):
                try:
                    answer = self._send(operation, slot, value)
                except Unsendable:
                    continue
                text = self._effects(operation, answer)
                self.databases.tampered()
                if plain in _NEUTRAL:
                    self._harmless[operation.name].update(each for each in known if each in text)
                yield Courtesy(operation, slot, value, plain, answer)

    @staticmethod
    def _courtesies(operation: Operation) -> Iterator[tuple[Slot | None, str, str]]:
        yield None, "", ""
        for slot in operation.slots:
            if not slot.text:
                continue
            shaped = encode("example", slot, "x") != "x"
            for value in (*_NEUTRAL, *HONEST):
                yield slot, value, value
                if shaped:
                    yield slot, encode("example", slot, value), value

    # -- attacks ---------------------------------------------------------------------------------

    def slots(self) -> list[tuple[Operation, Slot]]:
        """Everything that can be attacked."""
        return [(operation, slot) for operation in self.operations for slot in operation.slots]

    def attack(self, operation: Operation, slot: Slot) -> Iterator[Attempt]:
        """Techniques in three rounds; the first in which one works is the last.

        The representative ones of every family, and the rest of the families of which one worked;
        else the rest of all; else the representative ones, encoded.
        """
        fitting = [
            Planned(operation, slot, family, technique, "")
            for family, techniques in families().items()
            for technique in techniques
            if technique.fits(slot)
        ]
        first = [each for each in fitting if each.technique.representative]
        rest = [each for each in fitting if not each.technique.representative]
        worked: set[str] = set()
        for attempt in map(self.attempt, first):
            worked |= {attempt.planned.family} if attempt.worked else set()
            yield attempt
        found = bool(worked)
        for planned in rest:
            if not worked or planned.family in worked:
                attempt = self.attempt(planned)
                found = found or attempt.worked
                yield attempt
        if found or not slot.text:
            return
        for encoding in encodings_for(slot, out_of_reach=bool(operation.out_of_reach)):
            for planned in first:
                # With the example's layers everything; of a blind guess the first text will do.
                thorough = encoding == "example"
                yield self.attempt(planned._replace(encoding=encoding), thorough=thorough)

    def attempt(self, planned: Planned, *, thorough: bool = True) -> Attempt:
        """Try one technique in one encoding at one slot; only its first text if not `thorough`."""
        refused = False
        aim = self.aim.afresh(planned.slot.example)
        payloads = planned.technique.make(aim)
        for payload in payloads if thorough else payloads[:1]:
            try:
                if "{condition}" in payload.text:
                    worked, stopped = self._read_bits(planned, payload.text)
                else:
                    worked, stopped = self._try(planned, payload.text, payload.evidence)
            except Unsendable:
                continue
            refused = refused or stopped
            if worked:
                return Attempt(planned, True, refused)
        return Attempt(planned, False, refused)

    def _try(self, planned: Planned, text: str, evidence: Evidence) -> tuple[bool, bool]:
        operation = planned.operation
        if evidence.created and evidence.created != "canary":
            self._pending[evidence.created] = planned
        answer = self._send(operation, planned.slot, encode(planned.encoding, planned.slot, text))
        effects = self._effects(operation, answer)
        harmless = self._harmless[operation.name]
        shown = any(each in effects and each not in harmless for each in evidence.shown)
        # Both, always: they also undo what was changed.
        tampered, changed = self.databases.tampered(), self.files.changed(evidence)
        return shown or tampered or changed, answer.refused

    def _read_bits(self, planned: Planned, template: str) -> tuple[bool, bool]:
        """Whether the answers tell true from false, and so give away bits of the canary."""
        if not self.databases:
            return False, False
        refused = False

        def ask(condition: str) -> tuple[int, str]:
            nonlocal refused
            text = encode(
                planned.encoding, planned.slot, template.replace("{condition}", condition)
            )
            answer = self._send(planned.operation, planned.slot, text)
            refused = refused or answer.refused
            effects = self._effects(planned.operation, answer)
            self.databases.tampered()
            return answer.status, effects

        yes, no = ask("2>1"), ask("1>2")
        if yes == no or refused:
            return False, refused
        leak, secret = self.aim.leak, self.aim.leaked
        for position in range(_BITS):
            answer = ask(f"substr({leak},{position + 1},1)>'7'")
            if answer != (yes if secret[position] > "7" else no):
                return False, refused
        return True, refused

    def late(self) -> list[Planned]:
        """What took effect only after its answer, such as a command in the background."""
        return [
            planned
            for mark, planned in self._pending.items()
            if self.files.changed(Evidence((), mark))
        ]
