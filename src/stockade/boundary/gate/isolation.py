"""What pages of other origins may do to ours: load them, embed them, hold on to their windows.

`browser.isolate` refuses what a page of another origin loads or embeds with its visitor's cookie:
pictures, scripts, frames, calls. A link that somebody follows stays a link (the resource isolation
policy of the Fetch Metadata standard; ASVS 5.0 V3.5.8). `browser.own_pages` names paths that only
our own pages may ask for at all, whatever the method: an export, a sign-out, a GET that changes
something; there a browser has to say where the request comes from (V3.5.3). `browser.opener` cuts
the tie between a window and who opened it (V3.4.8), and `browser.outdated = false` turns away
browsers that say nothing of a request's origin, on whose silence the rest would founder (V3.7.5).

A request without a cookie passes: it gets no more than its sender could ask for alone. So does, but
for `own_pages`, one without Sec-Fetch-Site: programs send none, and browsers none over plain http.
"""

from __future__ import annotations

from collections.abc import Callable

from stockade.core.config import BrowserSettings
from stockade.core.errors import Denied, Rejected
from stockade.core.head import Head, Headers, Refusal
from stockade.core.same_origin import SAFE_METHODS

__all__ = ["Isolation"]

LOADED = Refusal(
    "gate.isolation",
    "request_refused",
    Denied(
        "A page of another origin loads this with its visitor's cookies. If it may, add its origin "
        "to browser.trusted_origins, or the path to browser.isolate_exempt."
    ),
)
NOT_OURS = Refusal(
    "gate.own-pages",
    "request_refused",
    Denied(
        "No page of ours asked for this with its visitor's cookies; browser.own_pages names the "
        "path. A link from elsewhere has to lead to a page of ours first."
    ),
)
OUTDATED = Refusal(
    "gate.outdated",
    "request_refused",
    Rejected(
        "This browser lacks a protection that this service relies on (Fetch Metadata). Update it, "
        "or use another one.",
        status=403,
        kind="browser",
    ),
)
_OPENER = b"cross-origin-opener-policy"
_OURS = ("same-origin", "none")


class Isolation:
    """The decisions of one application."""

    def __init__(
        self, settings: BrowserSettings, trusts: Callable[[str], bool] = lambda origin: False
    ) -> None:
        """`trusts`: further origins whose pages are ours as well, by the framework's own layers."""
        self._settings = settings
        self._trusted = frozenset((*settings.origins, *settings.trusted_origins))
        self._trusts = trusts
        self.active = settings.isolate or bool(settings.own_pages) or not settings.outdated
        """Whether requests have to be seen, also those that nothing else here asks for."""
        self.opener = settings.opener.encode()

    def enter(self, request: Head) -> Refusal | None:
        """Why a request of a foreign page, or of a browser that cannot say, is not served."""
        if not self.active:
            return None
        settings, site = self._settings, request.field("sec-fetch-site")
        if not settings.outdated and not site and _is_browser(request):
            return OUTDATED
        if not request.field("cookie") or (len(site) == 1 and site[0] in _OURS):
            return None
        if self._is_trusted(request):
            return None
        if settings.own_pages and request.path.startswith(settings.own_pages):
            return NOT_OURS
        # What may change something is the business of the rule against forged requests.
        if not settings.isolate or not site or request.method not in SAFE_METHODS:
            return None
        if _is_link(request):
            return None
        exempt = settings.isolate_exempt
        return None if exempt and request.path.startswith(exempt) else LOADED

    def add(self, headers: Headers) -> Headers:
        """The headers of an answer with the opener policy, unless the application sends its own."""
        if not self.opener or any(name.lower() == _OPENER for name, _ in headers):
            return headers
        return [*headers, (_OPENER, self.opener)]

    def _is_trusted(self, request: Head) -> bool:
        origin = request.field("origin")
        return len(origin) == 1 and (origin[0] in self._trusted or self._trusts(origin[0]))


def _is_link(request: Head) -> bool:
    """Whether somebody follows a link: the answer replaces the page that it stands on."""
    mode, destination = request.field("sec-fetch-mode"), request.field("sec-fetch-dest")
    return mode == ["navigate"] and destination == ["document"]


def _is_browser(request: Head) -> bool:
    """Whether this is a browser that ought to say more: over plain http, none does."""
    agent = (request.field("user-agent") or [""])[0]
    accepts = (request.field("accept") or [""])[0]
    return (
        request.scheme == "https"
        and agent.startswith("Mozilla/")
        and (bool(request.field("cookie")) or "text/html" in accepts)
    )
