"""Where an answer may send its reader by itself (CWE-601; ASVS 5.0 V3.7.2, V3.7.3).

    [browser]
    redirects = ["https://id.example.com"]      # and this host; nowhere else
    leaving = "/leaving"                        # what would lead elsewhere asks first

An open redirect lends the service's good name to a phisher, and its tokens to whoever is next. Once
`browser.redirects` is declared, an answer that leads by Location (3xx) or Refresh to another host
than the one that was asked, and to no declared origin, is refused; or, where `browser.leaving`
names a path, it leads to a page there that says where the link goes and waits for a click.

Addresses are read as browsers read them (WHATWG URL, by ada): `//evil`, `/\\evil` and a tab in the
middle lead where a browser would go. Other schemes than http and https are somewhere else, and are
declared by their name (`com.example.app:`). Not covered: pages that redirect by script or `<meta>`,
and what a declared origin does next.
"""

from __future__ import annotations

import base64
import hmac
import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from stockade.boundary.types.extras import needed
from stockade.core.config import BrowserSettings
from stockade.core.errors import ConfigError, Rejected, StockadeError
from stockade.core.head import Head, Headers, Refusal, Reply
from stockade.core.ports import Mac

__all__ = ["Redirects"]

AWAY = Refusal(
    "answer.redirect",
    "answer_refused",
    StockadeError(
        "an answer redirects to an origin that browser.redirects does not name; add it there, or "
        "let browser.leaving ask"
    ),
)
UNKNOWN = Refusal(
    "gate.leaving",
    "request_refused",
    Rejected("This link was not made here, or is not whole.", status=404, kind="link"),
)
_STATUSES = frozenset((301, 302, 303, 307, 308))
_REFRESH = re.compile(r"[\s\d.]*[;,\s]\s*(?:url\s*=)?\s*[\"']?([^\"']*)", re.IGNORECASE)
_ENTRY = re.compile(r"https?://[a-z0-9.:\[\]-]+\Z|[a-z][a-z0-9+.-]*:\Z")
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Leaving {here}</title>'
    '<meta name="viewport" content="width=device-width"><h1>You are leaving {here}</h1>'
    "<p>This link leads to <strong>{there}</strong>, which does not belong to {here}:</p>"
    "<p><code>{url}</code></p>"
    '<p><a href="/">Stay here</a></p><p><a href="{url}" rel="noreferrer noopener">Go on</a></p>'
)
_POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Redirects:
    """The rule of one application."""

    def __init__(
        self, settings: BrowserSettings, mac: Callable[[], Mac], *, rewrites: bool
    ) -> None:
        """`mac` signs links to the page, when there is a first one. `rewrites`: answers may change.

        Raises ConfigError for what is no origin, or where the library ada is missing.
        """
        self.active = "*" not in settings.redirects
        self.page = settings.leaving if self.active else ""
        """The path of the page that asks; empty: none."""
        self._asks = bool(self.page) and rewrites
        self._mac = mac
        self._allowed = frozenset(settings.redirects)
        if self.active:
            self._ada: Any = needed("ada_url", "gate")
        for entry in self._allowed - {"*"}:
            if not _ENTRY.match(entry):
                raise ConfigError(
                    'browser.redirects names origins such as "https://id.example.com", lower case '
                    'and without a path, or schemes such as "com.example.app:"'
                )
        if settings.leaving and not settings.leaving.startswith("/"):
            raise ConfigError('browser.leaving is a path, such as "/leaving"')

    def judge(self, request: Head, headers: Headers) -> Refusal | None:
        """Why this answer may not leave."""
        if not self.active or self._asks:
            return None
        led = any(self._away(request, name, value) for name, value in headers)
        return AWAY if led else None

    def lead(self, request: Head, headers: Headers) -> Headers:
        """The headers of an answer; what would lead away leads to the page that asks."""
        if not self._asks:
            return headers
        return [self._led(request, name, value) for name, value in headers]

    def enter(self, request: Head) -> Refusal | Reply | None:
        """The page, where this request is for it."""
        if not self.page or request.path != self.page:
            return None
        query = parse_qs(request.target.partition("?")[2])
        url, code = query.get("to", [""])[0], query.get("mac", [""])[0]
        if not hmac.compare_digest(self._code(url).encode(), code.encode()):
            return UNKNOWN
        host = (request.field("host") or [""])[0]
        there = urlsplit(url).hostname or urlsplit(url).scheme
        shown = {"here": host, "there": there, "url": url}
        body = _PAGE.format(**{name: html.escape(text) for name, text in shown.items()}).encode()
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"content-security-policy", _POLICY),
            (b"cache-control", b"no-store"),
        ]
        return Reply(200, headers, body)

    def _led(self, request: Head, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        url = self._away(request, name, value)
        if not url:
            return name, value
        page = f"{self.page}?to={quote(url, safe='')}&mac={self._code(url)}"
        return name, (page if name.lower() == b"location" else f"0;url={page}").encode()

    def _away(self, request: Head, name: bytes, value: bytes) -> str:
        """Where a field of an answer leads that it may not; empty: it may, or is no redirect."""
        name, text = name.lower(), value.decode("latin-1")
        if name == b"refresh":
            match = _REFRESH.match(text)
            text = match[1] if match else ""
        elif name != b"location" or request.status not in _STATUSES:
            return ""
        host = (request.field("host") or ["localhost"])[0]
        try:
            here = self._ada.URL(f"{request.scheme}://{host}{quote(request.path)}")
            there = self._ada.URL(text, base=here.href)
        except ValueError:
            return ""  # no address: a browser stays where it is
        if there.protocol not in ("http:", "https:"):
            return "" if there.protocol in self._allowed else str(there.href)
        own = there.hostname == here.hostname and not there.username
        return "" if own or there.origin in self._allowed else str(there.href)

    def _code(self, url: str) -> str:
        return base64.urlsafe_b64encode(self._mac().mac(url.encode())).decode().rstrip("=")
