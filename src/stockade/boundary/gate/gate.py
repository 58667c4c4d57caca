"""All rules of the gate, in order: rates, then pages of other origins; and what answers carry."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from stockade.boundary.gate.content_security import ContentSecurity
from stockade.boundary.gate.cookies import harden
from stockade.boundary.gate.cross_origin import CrossOrigin
from stockade.boundary.gate.rates import Rates
from stockade.boundary.gate.violation import report
from stockade.core.config import BrowserSettings
from stockade.core.head import Head, Headers, Refusal, Reply

__all__ = ["Gate"]

_SET_COOKIE = b"set-cookie"


class Gate:
    """A `core.head.Door` for one application."""

    def __init__(
        self,
        settings: BrowserSettings,
        rates: Rates,
        *,
        trusts: Callable[[str], bool] = lambda origin: False,
    ) -> None:
        """`trusts`: whether the application's own CORS layer lets pages of an origin send."""
        self._rates = rates
        self._origins = CrossOrigin(settings, trusts)
        self._content = ContentSecurity(settings)
        self._harden = None
        if settings.cookies:
            names = frozenset(name.encode() for name in settings.script_cookies)
            self._harden = partial(harden, http_only=settings.http_only, script_cookies=names)
        self.asks_all = rates.asks_all
        self.changes_answers = self._content.active or self._origins.answers
        self.report_path = settings.csp_reports if self._content.active else ""

    def enter(self, request: Head) -> Refusal | Reply | None:
        """Why this request is not served, or the answer to a preflight, or None."""
        refusal = self._rates.enter(request) if self._rates.asks_all else None
        return refusal or self._origins.preflight(request) or self._origins.sends(request)

    def connects(self, request: Head) -> Refusal | None:
        """Why this request may not open a WebSocket."""
        refusal = self._rates.enter(request) if self._rates.asks_all else None
        return refusal or self._origins.connects(request)

    def identified(self, request: Head) -> Refusal | None:
        """Why it is not served to the principal that is now known."""
        return self._rates.identified(request)

    def report(self, content_type: str, body: bytes) -> None:
        """Take what a browser sent to `report_path`. Raises Rejected for what is no report."""
        report(content_type, body)

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
        return self._content.add(request, self._origins.reads(request, headers))
