"""The gate's rules for browsers and for rates: what a request may ask before it is served.

| file | what it decides |
| --- | --- |
| `cross_origin` | what pages of other origins may send (CSRF) and read (CORS) |
| `csrf_token` | tokens for forms, bound to a session |
| `cookies` | flags that a cookie lacks; how to write a cookie that no sibling host can plant |
| `content_security` | which scripts a page runs: a policy with a nonce a request |
| `violation` | what browsers report of that policy |
| `isolation` | what those pages may load, embed and hold on to; which browsers are served |
| `redirects` | where answers may lead their reader |
| `transport` | what is served over http |
| `graphql` | how much a GraphQL request may ask for |
| `rates` | token buckets in the store, by client, principal or route |
| `gate` | all of them, in order |

Limits of size and allow-lists of hosts and methods are the integrations' own: a comparison each.
"""

from __future__ import annotations

from stockade.boundary.gate.content_security import csp_nonce
from stockade.boundary.gate.cookies import host_cookie
from stockade.boundary.gate.csrf_token import CsrfTokens
from stockade.boundary.gate.gate import Gate

__all__ = ["CsrfTokens", "Gate", "csp_nonce", "host_cookie"]
