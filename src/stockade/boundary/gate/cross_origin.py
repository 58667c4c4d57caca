"""Pages of other origins: what they may send (CSRF), and what they may read (CORS).

Sending: a request that can change something (not GET, HEAD, OPTIONS, TRACE) and brings a cookie is
refused when its page belongs to another origin (`core.same_origin`; CWE-352, ASVS 5.0 V3.5.1). A
request without a cookie is not: it can do no more than its sender could do alone. Not covered:
authority that comes without a cookie, such as HTTP Basic credentials that a browser remembers,
client certificates, or a client's place in a network.

Reading: nothing is allowed that is not declared (Fetch standard, CORS protocol; ASVS 5.0 V3.4.2).
Origins are compared whole, never by pattern; `*` stands for everybody and never with credentials.
Where no origins are declared, the application's own CORS layer answers and this one is silent.
"""

from __future__ import annotations

from collections.abc import Callable

from stockade.core.config import BrowserSettings
from stockade.core.errors import ConfigError, Denied
from stockade.core.head import Head, Headers, Refusal, Reply
from stockade.core.same_origin import SAFE_METHODS, crosses_sites

__all__ = ["CrossOrigin"]

FORGED = Refusal(
    "gate.cross-site",
    "malicious_cors",
    Denied(
        "A page of another origin sent this with its visitor's cookies. If the page is yours, add "
        "its origin to browser.trusted_origins, or the path to browser.csrf_exempt."
    ),
)
_CORS = b"access-control-"


class CrossOrigin:
    """The decisions about one application's foreign pages."""

    def __init__(
        self, settings: BrowserSettings, trusts: Callable[[str], bool] = lambda origin: False
    ) -> None:
        """`trusts`: further origins that may send, such as those of the framework's CORS layer.

        Raises ConfigError for an origin that is not one, and for `*` with credentials.
        """
        self._settings = settings
        self._open = "*" in settings.origins
        if self._open and settings.credentials:
            raise ConfigError(
                'browser.origins = ["*"] with browser.credentials would let every page act as its '
                "visitor; name the origins"
            )
        self._readers = frozenset(settings.origins)
        self._senders = frozenset((*settings.origins, *settings.trusted_origins))
        self._trusts = trusts
        for origin in self._senders:
            _require_origin(origin)
        self._exempt = tuple(settings.csrf_exempt)
        self.answers = bool(settings.origins)
        """Whether this layer answers for CORS."""

    def sends(self, request: Head) -> Refusal | None:
        """Whether a page of another origin sends what it may not."""
        if request.method in SAFE_METHODS:
            return None
        return FORGED if self._crosses(request) else None

    def connects(self, request: Head) -> Refusal | None:
        """Whether a page of another origin opens a WebSocket that it may not (RFC 6455, 10.2).

        No CORS guards these: its script would read and write as the visitor (ASVS 5.0 V4.4.2).
        """
        return FORGED if self._crosses(request) else None

    def _crosses(self, request: Head) -> bool:
        if (
            not self._settings.csrf
            or not request.field("cookie")
            or (self._exempt and request.path.startswith(self._exempt))
        ):
            return False
        origin = request.field("origin")
        if len(origin) == 1 and self._trusts(origin[0]):
            return False
        return crosses_sites(
            "POST",
            sec_fetch_site=request.field("sec-fetch-site"),
            origin=origin,
            host=(request.field("host") or [""])[0],
            trusted=self._senders,
        )

    def preflight(self, request: Head) -> Reply | None:
        """The answer to a browser that asks whether a page may send something (Fetch, 4.8)."""
        if not self.answers or request.method != "OPTIONS":
            return None
        wanted, origin = request.field("access-control-request-method"), request.field("origin")
        if len(wanted) != 1 or len(origin) != 1:
            return None
        settings = self._settings
        headers: Headers = [(b"content-length", b"0")]
        if self._reads(origin[0]):
            headers += [
                *self._allowed(origin[0]),
                (b"access-control-allow-methods", ", ".join(settings.methods).encode()),
                (b"access-control-allow-headers", ", ".join(settings.headers).encode()),
                (b"access-control-max-age", b"%d" % settings.max_age),
            ]
        headers.append((b"vary", b"Origin, Access-Control-Request-Method"))
        return Reply(204, headers)

    def reads(self, request: Head, headers: Headers) -> Headers:
        """The headers of an answer, with what lets a page read it; the application's own go."""
        if not self.answers:
            return headers
        kept = [field for field in headers if not field[0].lower().startswith(_CORS)]
        origin = request.field("origin")
        if len(origin) == 1 and self._reads(origin[0]):
            kept += self._allowed(origin[0])
            if exposed := self._settings.expose:
                kept.append((b"access-control-expose-headers", ", ".join(exposed).encode()))
        if not self._open:  # caches must not give one page's answer to another
            kept.append((b"vary", b"Origin"))
        return kept

    def _reads(self, origin: str) -> bool:
        return self._open or origin in self._readers

    def _allowed(self, origin: str) -> Headers:
        if self._open:
            return [(b"access-control-allow-origin", b"*")]
        allowed = [(b"access-control-allow-origin", origin.encode("latin-1"))]
        if self._settings.credentials:
            allowed.append((b"access-control-allow-credentials", b"true"))
        return allowed


def _require_origin(origin: str) -> None:
    scheme, _, host = origin.partition("://")
    if origin == "*":
        return
    if (
        scheme not in ("http", "https")
        or not host
        or set(host) & set("/*@?# ")
        or origin != (origin.lower())
    ):
        raise ConfigError(
            "browser: origins are written as browsers send them, such as "
            '"https://shop.example" or "https://shop.example:8443": lower case, no path, no pattern'
        )
