"""Content-Security-Policy with a nonce a request (CSP 3; ASVS 5.0 V3.4.3).

`browser.csp` is `strict` (pages: scripts with this request's nonce and what they load, no plug-ins,
no framing), `api` (nothing may be loaded or framed: for answers that are no pages), or a policy of
one's own in which `{nonce}` stands for the nonce. Templates ask for it:

    <script nonce="{{ csp_nonce() }}">…</script>

A page that never asks gets the same policy with a nonce that nobody knows: its inline scripts, and
those that somebody injected, do not run. What it does not stop: markup that harms without script,
and a script that the page's own scripts are led to load (`strict-dynamic` trusts what they load).
"""

from __future__ import annotations

import secrets

from stockade.core.config import BrowserSettings
from stockade.core.context import current
from stockade.core.errors import ConfigError
from stockade.core.head import Head, Headers

__all__ = ["ContentSecurity", "csp_nonce"]

POLICIES = {
    "strict": (
        "default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic'; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "api": "default-src 'none'; frame-ancestors 'none'",
}
_HEADER = b"content-security-policy"
_REPORT_ONLY = b"content-security-policy-report-only"


def csp_nonce() -> str:
    """The nonce of the current request: 128 random bits, base64url.

    Empty where no guarded request is worked for: no policy goes out there.
    """
    request = current()
    if request is None:
        return ""
    if not request.nonce:
        request.nonce = secrets.token_urlsafe(16)
    return request.nonce


class ContentSecurity:
    """The policy of one application's answers."""

    def __init__(self, settings: BrowserSettings) -> None:
        """Raises ConfigError for a policy that could not stand in a header."""
        policy = POLICIES.get(settings.csp, settings.csp)
        if policy and ((";" not in policy and "'" not in policy) or not policy.isprintable()):
            raise ConfigError(
                f"browser.csp is {', '.join(map(repr, POLICIES))} or a policy such as "
                "\"default-src 'self'; object-src 'none'\", on one line"
            )
        self._name = _REPORT_ONLY if settings.csp_report_only else _HEADER
        self._more: Headers = []
        if policy and settings.csp_reports:
            # report-to is the way of today's browsers, report-uri that of the others.
            policy += f"; report-to csp; report-uri {settings.csp_reports}"
            endpoints = f'csp="{settings.csp_reports}"'
            self._more.append((b"reporting-endpoints", endpoints.encode()))
        self._policy = policy
        self.active = bool(policy)

    def add(self, request: Head, headers: Headers) -> Headers:
        """The headers of an answer with the policy, unless the application sends its own."""
        if not self.active or any(name.lower() == self._name for name, _ in headers):
            return headers
        if not request.nonce:
            request.nonce = secrets.token_urlsafe(16)  # for who asks while the page is streamed
        policy = self._policy.replace("{nonce}", request.nonce)
        return [*headers, (self._name, policy.encode()), *self._more]
