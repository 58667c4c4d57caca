"""The guard of a sink: takes the text that is about to run, and lets it run or refuses it.

In order, cheapest first: a text that keeps coming without any value of its request is known; one
that a sink further out has judged is not judged again; a request with no value that could change
this grammar's structure passes; the grammar judges; a text that the calling code holds as a
constant is the developer's own. What remains is refused (`block`) or reported (`observe`), and a
refusal sticks to the request even if the application swallows it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Literal

from stockade.core.bus import emit
from stockade.core.context import RequestContext, current, variable
from stockade.core.errors import Blocked
from stockade.core.events import Outcome
from stockade.core.inputs import Input
from stockade.core.secret import fingerprint
from stockade.core.waiver import waived
from stockade.firewall.constants import is_constant
from stockade.firewall.grammars import Finding, Grammar
from stockade.firewall.resemblance import resembles

__all__ = ["Guard", "Mode", "judged"]

Mode = Literal["block", "observe", "off"]
_MAX_KNOWN = 5_000
_MAX_KNOWN_LENGTH = 16_384
_MAX_SEEN = 20_000
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}\Z").match

judged: ContextVar[tuple[str, RequestContext | None] | None] = ContextVar(
    "stockade_judged", default=None
)
"""The text, the very object, that a guard let pass last for this request.

A sink that hands its text on to another one, such as SQLAlchemy to a driver, sets it.
"""


class Guard:
    """One family at one grammar: `guard(text)` returns, or raises Blocked."""

    def __init__(
        self,
        family: str,
        grammar: Grammar,
        *,
        event: str,
        key: str = "",
        learns: bool = False,
        constants: bool = False,
    ) -> None:
        """`event` names what is emitted.

        `learns`: a text that came twice without any value of its request, and does not resemble
        one, is known from then on.
        `constants`: a text that stands in the code of a caller is the developer's own.
        """
        self.family = family
        self.key = key or family
        self.grammar = grammar
        self.event = event
        self.learns = learns
        self.constants = constants
        self.mode: Mode = "off"
        self.refuse_unattributed = False
        self.checked = 0
        self.unattributed = 0
        self.known: dict[str, None] = {}
        self._trimming = threading.Lock()
        self._seen: dict[int, int] = {}

    def __call__(self, text: str, is_developers: Callable[[], bool] | None = None) -> None:
        """Let `text` run, or raise Blocked.

        `is_developers` is asked, last of all, whether the sink itself knows that the developer
        wrote the text.
        """
        self.checked += 1
        if text in self.known or self.mode == "off":
            return
        request = current()
        if request is None:
            self._without_request()
            return
        verdict = judged.get()
        if verdict is not None and verdict[0] is text and verdict[1] is request:
            return
        prepared = request.prepared
        values: tuple[Any, ...] | None = None if prepared is None else prepared.get(self.key)
        if values is None:
            values = self._prepare(request)
        finding = self.grammar.check(text, values) if values else False
        if not isinstance(finding, bool):
            if (is_developers is not None and is_developers()) or (
                self.constants and is_constant(text)
            ):
                self.learn(text)
            else:
                self._alarm(request, finding, len(text))
        elif not finding and self.learns:
            self._came_without_values(text, request)

    def _came_without_values(self, text: str, request: RequestContext) -> None:
        # By hash: what is seen once, a dynamic text, is not worth its memory.
        key, seen = hash(text), self._seen
        count = seen.get(key, 0) + 1
        if count == 1 and len(seen) >= _MAX_SEEN:
            seen.clear()
        seen[key] = count
        # The 2nd, 4th, 8th … time: a route whose own values resemble its query asks seldom.
        if count > 1 and not count & (count - 1) and not resembles(text, request.inputs):
            self.learn(text)

    def learn(self, text: str) -> None:
        """Remember a text as the developer's own; the oldest is forgotten."""
        if len(text) > _MAX_KNOWN_LENGTH:
            return
        if len(self.known) >= _MAX_KNOWN:
            with self._trimming:
                for oldest in list(self.known)[: _MAX_KNOWN // 10]:
                    self.known.pop(oldest, None)
        self.known[text] = None

    def _without_request(self) -> None:
        self.unattributed += 1
        if self.refuse_unattributed and self.mode == "block":
            emit(
                "sink_unattributed",
                Outcome.BLOCKED,
                "firewall",
                "A guarded sink was reached outside any request; the configuration refuses that.",
                rule=f"{self.family}.unattributed",
            )
            raise Blocked(
                f"a {self.family} sink was reached outside any request and firewall.unattributed "
                'says "refuse": run the work inside stockade.core.context.running()',
                rule=f"{self.family}.unattributed",
            )

    def _prepare(self, request: RequestContext) -> tuple[Any, ...]:
        # Reading the inputs may open files (lazy imports): those are not the request's doing.
        token = variable.set(None)
        try:
            inputs = request.inputs
            values = self.grammar.prepare(inputs)
        finally:
            variable.reset(token)
        if inputs.overflow:
            self._overflow(request)
        if request.prepared is None:
            request.prepared = {}
        request.prepared[self.key] = values
        return values

    def _overflow(self, request: RequestContext) -> None:
        blocks = self.mode == "block"
        emit(
            "input_limit_exceeded",
            Outcome.BLOCKED if blocks else Outcome.OBSERVED,
            "firewall",
            "The request brings more values than are indexed, and reached a guarded sink.",
            rule="firewall.input-limit",
            sink=self.family,
        )
        if blocks:
            error = Blocked(
                "the request brings more values than firewall.max_inputs or max_input_chars "
                f"index, and reached a {self.family} sink: raise the limits or send less",
                rule="firewall.input-limit",
                status=413,
            )
            request.refuse(error)
            raise error

    def _alarm(self, request: RequestContext, finding: Finding, length: int) -> None:
        blocks = self.mode == "block"
        if blocks and waived(self.family, finding.rule):
            return
        item = finding.value
        emit(
            self.event,
            Outcome.BLOCKED if blocks else Outcome.OBSERVED,
            "firewall",
            finding.reason,
            rule=finding.rule,
            sink=self.family,
            source=item.source,
            input=_printable_name(item),
            value=fingerprint(item.value),
            value_length=len(item.value),
            position=finding.start,
            text_length=length,
        )
        if blocks:
            error = Blocked(
                f"{finding.reason} Rule {finding.rule}, source {item.source}. Bind values as "
                "parameters, pass arguments as a list, or resolve and check the path; if this is "
                "an honest request, report it and set the sink to observe meanwhile.",
                rule=finding.rule,
            )
            request.refuse(error)
            raise error


def _printable_name(item: Input) -> str:
    """The name a value came under, where it is a plain identifier and not itself the value."""
    plain = item.name != item.value and _IDENTIFIER(item.name)
    return item.name if plain else fingerprint(item.name) if item.name else ""
