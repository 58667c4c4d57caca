"""The guard of a sink: takes the text that is about to run, and lets it run or refuses it.

In order, cheapest first: a text that keeps coming without any value of its request is known; one
that a sink further out has judged is not judged again; a request with no value that could change
this grammar's structure passes; the grammar judges; a text that the calling code holds as a
constant is the developer's own. What remains is refused (`block`) or reported (`observe`), and a
refusal sticks to the request even if the application swallows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from stockade.core.context import RequestContext, current, variable
from stockade.core.errors import Blocked
from stockade.firewall import alarm
from stockade.firewall.alarm import Mode
from stockade.firewall.callers import call_path
from stockade.firewall.constants import is_constant
from stockade.firewall.grammars import Finding, Grammar
from stockade.firewall.known_texts import KnownTexts
from stockade.firewall.resemblance import is_one_name

__all__ = ["Guard", "HandedOn", "Mode", "handed_on"]


class HandedOn(NamedTuple):
    """What an outer sink, such as SQLAlchemy, knows of a text (the very object) it hands on."""

    text: str
    request: RequestContext | None
    is_developers: Callable[[], bool] | None = None
    """Whether the developer wrote the text; None: it has been judged, and let pass."""


handed_on: ContextVar[HandedOn | None] = ContextVar("stockade_handed_on", default=None)


class Guard:
    """One family at one grammar: `guard.check(text)` returns, or raises Blocked."""

    def __init__(
        self,
        family: str,
        grammar: Grammar,
        *,
        event: str,
        key: str = "",
        learns: bool = False,
        constants: bool = False,
        learns_calls: bool = False,
    ) -> None:
        """`event` names what is emitted.

        `learns`: a text that came twice without any value of its request, and does not resemble
        one, is known from then on.
        `constants`: a text that stands in the code of a caller is the developer's own.
        `learns_calls`: the same for a text at one and the same way through the application's code,
        which spares a request that does nothing else from reading its inputs.
        """
        self.family = family
        self.key = key or family
        self.grammar = grammar
        self.event = event
        self.learns = learns
        self.learns_calls = learns_calls
        self.constants = constants
        self.mode: Mode = "off"
        self.routes: Mapping[str, Mode] = {}
        """Modes of single routes, by their template."""
        self.rules: Mapping[str, Mode] = {}
        """Modes of single rules; the milder of these and the route's holds."""
        self.refuse_unattributed = False
        self.checked = 0
        self.unattributed = 0
        self.failed = 0
        self.known = KnownTexts()
        self.known_calls = KnownTexts(is_coincidence=is_one_name)

    def check(self, text: str, is_developers: Callable[[], bool] | None = None) -> None:
        """Let `text` run, or raise Blocked.

        `is_developers` is asked, last of all, whether the sink itself knows that the developer
        wrote the text.
        """
        self.checked += 1
        known = self.known
        if (known and text in known) or self.mode == "off":
            return
        request = current()
        if request is None:
            self._without_request()
            return
        outer = handed_on.get()
        if outer is not None and outer.text is text and outer.request is request:
            if outer.is_developers is None:
                return
            is_developers = outer.is_developers
        try:
            prepared = request.prepared
            values = None if prepared is None else prepared.get(self.key)
            if values is None:
                finding = self._first(text, request)
            else:
                finding = self.grammar.check(text, values) if values else False
            if finding is False and self.learns:
                known.came_clean(text, request.inputs)
        except Blocked:
            raise  # more values than are indexed
        except Exception as failure:
            self.failed += 1
            alarm.detector_failed(request, failure, family=self.family, mode=self.mode_of(request))
            return
        if not isinstance(finding, bool):
            self._decide(text, request, finding, is_developers)

    def ask(self, text: str, judge: Callable[[str, tuple[Any, ...]], Finding | bool]) -> bool:
        """What `judge` says of `text` and the values of the request; raise Blocked for a finding.

        False outside a request and where no value could change this grammar's structure.
        """
        request = current()
        if request is None or self.mode == "off":
            return False
        try:
            values = (request.prepared or {}).get(self.key)
            if values is None:
                values = self._prepare(request)
            finding = judge(text, values) if values else False
        except Blocked:
            raise  # more values than are indexed
        except Exception as failure:
            self.failed += 1
            alarm.detector_failed(request, failure, family=self.family, mode=self.mode_of(request))
            return True
        if isinstance(finding, bool):
            return finding
        self.alarm(request, finding, len(text))
        return True

    def _first(self, text: str, request: RequestContext) -> Finding | bool:
        """The verdict on the first text of `request` that is not known."""
        call = ""
        if self.learns_calls:
            call = f"{text}\0{call_path()}"
            if call in self.known_calls:
                return True
        values = self._prepare(request)
        finding = self.grammar.check(text, values) if values else False
        if call and finding is False:
            self.known_calls.came_clean(call, request.inputs)
        return finding

    def _decide(
        self,
        text: str,
        request: RequestContext,
        finding: Finding,
        is_developers: Callable[[], bool] | None,
    ) -> None:
        if (is_developers is not None and is_developers()) or (
            self.constants and is_constant(text)
        ):
            self.known.learn(text)
        else:
            self.alarm(request, finding, len(text))

    def mode_of(self, request: RequestContext) -> Mode:
        """What a finding of this request leads to: the mode of its route, else the guard's."""
        return self.routes.get(request.resource, self.mode) if self.routes else self.mode

    def alarm(self, request: RequestContext, finding: Finding, length: int) -> None:
        """Report a finding in a text of `length` characters; raise Blocked where that blocks."""
        mode = self.mode_of(request)
        if self.rules and mode == "block":
            mode = self.rules.get(finding.rule, mode)
        if mode != "off":
            alarm.alarm(
                request, finding, family=self.family, event=self.event, mode=mode, length=length
            )

    def _without_request(self) -> None:
        self.unattributed += 1
        if self.refuse_unattributed and self.mode == "block":
            alarm.unattributed(family=self.family)

    def _prepare(self, request: RequestContext) -> tuple[Any, ...]:
        # Reading the inputs may open files (lazy imports): those are not the request's doing.
        token = variable.set(None)
        try:
            inputs = request.inputs
            values = self.grammar.prepare(inputs)
        finally:
            variable.reset(token)
        if inputs.overflow and (mode := self.mode_of(request)) != "off":
            alarm.too_many_inputs(request, family=self.family, mode=mode)
        if request.prepared is None:
            request.prepared = {}
        request.prepared[self.key] = values
        return values
