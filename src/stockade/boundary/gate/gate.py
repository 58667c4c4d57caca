"""All rules of the gate, in order: the transport, rates, pages of other origins, what is asked for;
and what answers carry, and where they lead.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from stockade.boundary.gate.content_security import ContentSecurity
from stockade.boundary.gate.cookies import harden
from stockade.boundary.gate.cross_origin import CrossOrigin
from stockade.boundary.gate.graphql import Graphql
from stockade.boundary.gate.isolation import Isolation
from stockade.boundary.gate.rates import Rates
from stockade.boundary.gate.recorded import Recorded
from stockade.boundary.gate.redirects import Redirects
from stockade.boundary.gate.transport import Transport
from stockade.boundary.gate.violation import report
from stockade.core.config import Settings
from stockade.core.head import Head, Headers, Refusal, Reply
from stockade.core.ports import Mac

__all__ = ["Gate"]

_SET_COOKIE = b"set-cookie"


class Gate:
    """A `core.head.Door` for one application."""

    def __init__(
        self,
        settings: Settings,
        rates: Rates,
        mac: Callable[[], Mac],
        *,
        trusts: Callable[[str], bool] = lambda origin: False,
        recorded: Recorded | None = None,
    ) -> None:
        """`mac` signs links to pages of ours, when there is a first one. `trusts`: whether the
        application's own CORS layer lets pages of an origin send; `recorded`: whether requests
        leave a trace. Raises ConfigError.
        """
        browser, blocks = settings.browser, settings.defence.mode == "block"
        self._rates = rates
        self._recorded = recorded if recorded is not None else Recorded(None)
        self._transport = Transport(active=settings.request.https, redirects=blocks)
        self._origins = CrossOrigin(browser, trusts)
        self._isolation = Isolation(browser, trusts)
        self._content = ContentSecurity(browser)
        self._redirects = Redirects(browser, mac, rewrites=blocks)
        self._graphql = Graphql(settings.graphql)
        self._harden = None
        if browser.cookies:
            names = frozenset(name.encode() for name in browser.script_cookies)
            self._harden = partial(harden, http_only=browser.http_only, script_cookies=names)
        self._asked = self._rules_of_requests()
        self.asks_all = bool(self._asked)
        self.reads_content = self._graphql.active
        self.judges_answers = self._redirects.active
        self.changes_answers = (
            self._content.active
            or self._origins.answers
            or self._redirects.active
            or bool(self._isolation.opener)
        )
        self.report_path = browser.csp_reports if self._content.active else ""

    def _rules_of_requests(self) -> list[Callable[[Head], Refusal | Reply | None]]:
        """The rules beyond those on other origins' pages, in order, as far as they are wanted."""
        wanted = [
            (self._recorded.active, self._recorded.enter),
            (self._transport.active, self._transport.enter),
            (self._rates.asks_all, self._rates.enter),
            (self._isolation.active, self._isolation.enter),
            (self._graphql.active, self._graphql.enter),
            (bool(self._redirects.page), self._redirects.enter),
        ]
        return [rule for active, rule in wanted if active]

    def enter(self, request: Head) -> Refusal | Reply | None:
        """Why this request is not served, or an answer in the application's place, or None."""
        for rule in self._asked:
            found = rule(request)
            if found is not None:
                return found
        return self._origins.preflight(request) or self._origins.sends(request)

    def connects(self, request: Head) -> Refusal | None:
        """Why this request may not open a WebSocket."""
        refusal = self._recorded.enter(request) or self._transport.connects(request)
        if refusal is None and self._rates.asks_all:
            refusal = self._rates.enter(request)
        return refusal or self._origins.connects(request)

    def identified(self, request: Head) -> Refusal | None:
        """Why it is not served to the principal that is now known."""
        return self._rates.identified(request)

    def report(self, content_type: str, body: bytes) -> None:
        """Take what a browser sent to `report_path`. Raises Rejected for what is no report."""
        report(content_type, body)

    def read(self, request: Head, content_type: str, body: bytes) -> None:
        """Judge a complete body. Raises Rejected."""
        self._graphql.read(request, content_type, body)

    def hear(self, request: Head, message: str | bytes) -> None:
        """Judge a message of a WebSocket. Raises Rejected."""
        self._graphql.hear(request, message)

    def judge(self, request: Head, headers: Headers) -> Refusal | None:
        """Why this answer may not leave."""
        return self._redirects.judge(request, headers)

    def leave(self, request: Head, headers: Headers) -> Headers:
        """The headers of its answer, with what they lack."""
        if self._harden is not None:
            secure = request.scheme == "https"
            headers = [
                (name, self._harden(value, secure=secure))
                if name.lower() == _SET_COOKIE
                else (name, value)
                for name, value in headers
            ]
        headers = self._redirects.lead(request, self._isolation.add(headers))
        return self._content.add(request, self._origins.reads(request, headers))
