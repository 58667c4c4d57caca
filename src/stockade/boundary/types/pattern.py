"""A regular expression from outside, in time that grows with the text only.

Sources: ASVS 5.0 V1.3.12 (no expression that backtracks); CWE-1333; RE2's own syntax, which has no
back references and no look-around. What comes out is RE2's compiled expression, so that it cannot
reach `re` by mistake.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from stockade.boundary.types.extras import needed
from stockade.boundary.validator import rejects

__all__ = ["Regex", "regex"]

_MAX_MEMORY = 1 << 20  # bytes: of the program that RE2 makes of it


@rejects(
    "Expected a regular expression as RE2 takes it, of at most 200 characters.",
    max_length=200,
    format="regex",
)
def regex(value: str) -> Any:
    """The compiled expression; `match`, `search`, `findall` … as in `re`."""
    re2 = needed("re2", "Regex")
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    try:
        return re2.compile(value, options)
    except (re2.error, UnicodeEncodeError):
        raise ValueError from None


Regex: TypeAlias = Annotated[Any, regex]
"""An expression of at most 200 characters, compiled by RE2."""
