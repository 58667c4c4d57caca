"""A value as `json.dumps` and `repr` spell it: services take theirs for the quotes of a shell.

Both put backslashes into a value, so that it does not stand there as it came. In double quotes the
shell still expands `$` and backquotes; and where `repr` escapes a single quote, it ends the word.
"""

from __future__ import annotations

import json
import re

__all__ = ["quoted"]

_AS_IT_IS = re.compile(r"[ !#-\[\]-~]*+\Z").match
_EXPANDS = re.compile(r"[$`]").search
_MIN, _MAX = 4, 4_096  # characters: less is no attack, and nobody makes a command of more


def quoted(value: str) -> list[str]:
    """What stands between the quotes, where that differs from `value` and could be an attack."""
    if _AS_IT_IS(value) or not _MIN <= len(value) <= _MAX:
        return []
    found: list[str] = []
    if _EXPANDS(value):
        found += (json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value))
    elif "'" in value and '"' in value:
        found.append(repr(value))
    return [text for text in dict.fromkeys(each[1:-1] for each in found) if text != value]
