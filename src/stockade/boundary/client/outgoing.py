"""A request as it will be sent, and what becomes of it when the answer is a redirect.

The body is bytes: it can be sent again. Headers that frame the message or name the host are ours
alone; a caller who could set them could smuggle a request or speak to another virtual host.

A redirect to another origin takes along nothing that was meant for the first: of the headers only
those that describe what the client can read (an allow-list, for `X-Api-Key` and its kind have no
common name), no body, no cookies. From https to http no redirect is followed at all.

Sources: RFC 9110, 15.4; WHATWG Fetch, HTTP-redirect fetch; CVE-2018-1000007 (curl); ASVS 5.0
V12.2.1; CWE-200, CWE-601.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import httpcore2
import httpx2

from stockade.boundary.client.limits import Deadline, Limits
from stockade.boundary.client.message import Headers, Message
from stockade.boundary.client.target import Target, read_target
from stockade.core.errors import UpstreamRefused
from stockade.core.secret import Secret

__all__ = ["HARMLESS", "Outgoing", "check_size", "make", "redirected"]

METHODS = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"))
HARMLESS = frozenset(("accept", "accept-language", "user-agent"))
"""Headers, in lower case, that another origin may see."""
_OURS = frozenset(
    (
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
        "proxy-authorization",
        "proxy-connection",
    )
)
_DEFAULTS = {"accept": "*/*", "user-agent": "stockade"}
_REDIRECTS = frozenset((301, 302, 303, 307, 308))


@dataclass(frozen=True, slots=True, repr=False)
class Outgoing:
    """A request; the names of `headers` are lower case."""

    method: str
    target: Target
    headers: dict[str, str]
    body: bytes

    def request(self, limits: Limits, deadline: Deadline) -> httpcore2.Request:
        """The same for the connection pool. Raises UpstreamRefused where libraries disagree."""
        target = self.target
        try:
            built = httpx2.Request(
                self.method, target.url, headers=self.headers, content=self.body or None
            )
        except (httpx2.InvalidURL, ValueError):
            raise _refusal("the request cannot be written as HTTP", "client.request") from None
        if "content-length" not in built.headers and self.method in ("POST", "PUT", "PATCH"):
            built.headers["content-length"] = "0"
        built.headers["accept-encoding"] = "gzip"
        if _host(built.url) != target.host:
            raise _refusal("two libraries read different hosts in the address", "client.url")
        seconds = {"connect": limits.connect, "read": limits.read, "write": limits.read}
        seconds["pool"] = deadline.within(limits.total)
        return httpcore2.Request(
            method=self.method,
            url=httpcore2.URL(
                scheme=target.scheme,
                host=target.host,
                port=target.port,
                target=built.url.raw_path,
            ),
            headers=built.headers.raw,
            content=self.body,
            extensions={"timeout": seconds},
        )


def make(method: str, target: Target, headers: Headers, message: Message) -> Outgoing:
    """Build a request. Raises UpstreamRefused for a method or header that a caller may not set."""
    if method not in METHODS:
        raise _refusal(
            "the method is none of " + ", ".join(sorted(METHODS)) + "; write it in capitals",
            "client.method",
        )
    given = _headers({**headers, **_lower(message.get("headers", {}))})
    params = message.get("params")
    try:
        url = httpx2.URL(target.url)
        draft = httpx2.Request(
            method,
            url.copy_merge_params(dict(params)) if params else url,
            headers=given,
            content=message.get("content"),
            json=message.get("json"),
            data=dict(message.get("data", {})) or None,
            files=message.get("files"),
        )
        body = draft.read()
    except (httpx2.InvalidURL, UnicodeError):
        raise _refusal("the request cannot be written as HTTP", "client.request") from None
    if "content-type" in draft.headers:
        given["content-type"] = draft.headers["content-type"]
    joined = read_target(str(draft.url)) if params else target
    if joined.origin != target.origin:
        raise _refusal("two libraries read different hosts in the address", "client.url")
    return Outgoing(method, joined, given, body)


def check_size(outgoing: Outgoing, limits: Limits) -> None:
    """Raises UpstreamRefused for a request whose head the service would not take."""
    if sum(map(len, (*outgoing.headers, *outgoing.headers.values()))) > limits.max_sent_headers:
        raise _refusal(
            "the header fields are longer than servers take; send less in them, or raise "
            "Limits.max_sent_headers for a service that takes more",
            "client.size",
        )


def _headers(headers: Headers) -> dict[str, str]:
    if not _OURS.isdisjoint(headers):
        raise _refusal(
            "a header is set that frames the message or names the host; leave it out",
            "client.header",
        )
    return _DEFAULTS | {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in headers.items()
    }


def _lower(headers: Headers) -> Headers:
    return {name.lower(): value for name, value in headers.items()}


def redirected(before: Outgoing, status: int, location: str | None) -> Outgoing | None:
    """The next request, or None where this answer is the last. Raises UpstreamRefused."""
    if status not in _REDIRECTS or location is None:
        return None
    try:
        target = read_target(location, before.target.url)
    except UpstreamRefused:
        raise _refusal(
            "the service redirects to what is no http or https URL", "client.redirect"
        ) from None
    if before.target.scheme == "https" and target.scheme != "https":
        raise _refusal(
            "the service redirects from https to http, where anybody on the way can read and "
            "change what follows",
            "client.downgrade",
        )
    after = replace(before, target=target)
    if _becomes_get(status, before.method):
        kept = {
            name: value for name, value in before.headers.items() if not name.startswith("content-")
        }
        after = replace(after, method="GET", body=b"", headers=kept)
    if target.origin == before.target.origin:
        return after
    if after.body:
        raise _refusal(
            "the service redirects to another origin, which would get the body that was meant for "
            "the first; call it by its new address",
            "client.redirect_body",
        )
    harmless = {name: value for name, value in after.headers.items() if name in HARMLESS}
    return replace(after, headers=harmless)


def _becomes_get(status: int, method: str) -> bool:
    if status == 303:
        return method not in ("GET", "HEAD")
    return status in (301, 302) and method == "POST"


def _host(url: httpx2.URL) -> str:
    return url.raw_host.decode("ascii").strip("[]").rstrip(".")


def _refusal(message: str, rule: str) -> UpstreamRefused:
    return UpstreamRefused(message, rule=rule)
