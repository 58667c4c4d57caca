"""Cross-site request forgery, refused by what browsers say of a request (CWE-352, ASVS 5.0 V3.5).

The rules are those of Go's `net/http.CrossOriginProtection`:

1. GET, HEAD, OPTIONS and TRACE pass: they must not change anything (RFC 9110, 9.2.1).
2. `Sec-Fetch-Site`, which scripts cannot set, must be `same-origin` or `none` (typed, bookmarked).
3. Without it (browsers before 2023), `Origin`, where there is one, must have the host of `Host`.
4. With neither it is no browser, so there are no cookies that somebody else's page could borrow.

`same-site` is refused too: a sibling host name is somebody else as often as not. A list of trusted
origins admits the pages that belong to the application.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

__all__ = ["SAFE_METHODS", "crosses_sites"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def crosses_sites(
    method: str,
    *,
    sec_fetch_site: Sequence[str],
    origin: Sequence[str],
    host: str,
    trusted: Collection[str] = (),
) -> bool:
    """Whether a request comes from a page of another origin and could change something.

    `sec_fetch_site` and `origin` are all values of these headers; a repeated header is no
    browser's and counts as foreign. `trusted` holds origins such as `https://shop.example`.
    """
    if method in SAFE_METHODS:
        return False
    if len(origin) > 1 or len(sec_fetch_site) > 1:
        return True
    if origin and origin[0] in trusted:
        return False
    if sec_fetch_site:
        return sec_fetch_site[0] not in ("same-origin", "none")
    if origin:
        scheme, _, rest = origin[0].partition("://")
        return scheme not in ("http", "https") or not host or rest.lower() != host.lower()
    return False
