"""A JSON document inside a text, read by the rules of a body: no duplicate keys, NaN or surrogates.

Sources: RFC 8259, RFC 7493 (I-JSON); ASVS 5.0 V1.5.3.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeAlias

from stockade.boundary.body import check_body
from stockade.boundary.validator import rejects
from stockade.core.errors import Rejected

__all__ = ["Json", "json_text"]

_MAX_DEPTH = 32


@rejects(
    "Expected a JSON document (RFC 8259) without duplicate keys, at most 32 levels deep.",
    max_length=100_000,
    contentMediaType="application/json",
)
def json_text(value: str) -> Any:
    """The document."""
    try:
        check_body("application/json", value.encode(), max_depth=_MAX_DEPTH)
    except (Rejected, UnicodeEncodeError):
        raise ValueError from None
    return json.loads(value)


Json: TypeAlias = Annotated[Any, json_text]
"""What a JSON text of at most 100,000 characters says, as Python objects."""
