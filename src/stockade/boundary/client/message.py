"""What a caller may say of one call, with its types."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, TypeAlias, TypedDict

import httpx2

from stockade.boundary.client.limits import Limits
from stockade.core.errors import ConfigError
from stockade.core.secret import Secret

__all__ = ["Headers", "Message", "verifying"]

Headers: TypeAlias = Mapping[str, "str | Secret[str]"]
"""Names and values; a Secret is revealed when the request is made."""


class Message(TypedDict, total=False):
    """All optional. At most one of `content`, `json`, and `data` with `files`.

    `params`: appended to the query, encoded. `headers`: beside the client's own; values may be a
    Secret. `json`: sent as JSON. `data`: a form. `files`: multipart, as httpx2 takes it. `limits`:
    instead of the client's.
    """

    params: Mapping[str, Any]
    headers: Headers
    content: bytes | str
    json: object
    data: Mapping[str, Any]
    files: Mapping[str, Any]
    limits: Limits


def verifying(context: ssl.SSLContext | None) -> ssl.SSLContext:
    """`context`, or one that trusts what the system trusts, whatever the environment says.

    Raises ConfigError for one that does not verify certificates and host names (ASVS V12.3.2).
    """
    if context is None:
        context = httpx2.create_ssl_context(trust_env=False)
    if context.verify_mode != ssl.CERT_REQUIRED or not context.check_hostname:
        raise ConfigError(
            "the TLS context does not verify certificates; for a private authority, use "
            'ssl.create_default_context(cafile="ca.pem")'
        )
    return context
