"""A slug: the readable last part of an address.

Source: RFC 3986, 2.3 (unreserved characters; nothing here needs an escape anywhere).
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from stockade.boundary.validator import rejects

__all__ = ["Slug", "slug"]

PATTERN = "^[a-z0-9]+(?:-[a-z0-9]+)*$"
_SLUG = re.compile(PATTERN[:-1] + r"\Z")


@rejects(
    "Expected small letters and digits in words joined by a hyphen, such as spring-2026.",
    max_length=80,
    plain=r"\A[a-z0-9]+(?:-[a-z0-9]+)*\z",
    pattern=PATTERN,
)
def slug(value: str) -> str:
    """`value`."""
    if not _SLUG.match(value):
        raise ValueError
    return value


Slug: TypeAlias = Annotated[str, slug]
"""Small ASCII letters and digits, joined by single hyphens; at most 80 characters."""
