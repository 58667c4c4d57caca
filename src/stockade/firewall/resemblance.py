"""Whether a text may stem from a request although none of its values stands in it as it came.

An application that cuts or rewrites a value hides it from the grammar, but seldom so well that no
run of eight characters survives. Such a text is not refused for it; it is only not remembered as
the developer's, or one value that slipped through would open the door for all that follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from stockade.core.inputs import Inputs

__all__ = ["Coincidence", "is_one_name", "is_word", "resembles"]

Coincidence: TypeAlias = Callable[[str], object]
"""Whether a run of characters is one that texts share by chance."""

_RUN = 8
_MAX_CHARACTERS = 32_768

is_word = re.compile(r"\w*+\Z").match
"""A word, or a part of one."""
is_one_name = re.compile(r"[/.]?\w*+[/.]?\Z").match
"""A part of the name of one file or folder: services name files as their addresses, `/patients`
and `patients.db`. What climbs, or names a file in a folder, has more than one mark or name."""


def resembles(text: str, inputs: Inputs, is_coincidence: Coincidence = is_word) -> bool:
    """Whether a value shares a run of eight characters with `text` that is no coincidence.

    True as well where the values are too long to tell cheaply.
    """
    low, budget = text.lower(), _MAX_CHARACTERS
    for item in inputs:
        value = item.value
        if len(value) < _RUN or is_coincidence(value):
            continue
        budget -= len(value)
        if budget < 0:
            return True
        value = value.lower()
        for start in range(len(value) - _RUN + 1):
            run = value[start : start + _RUN]
            if run in low and not is_coincidence(run):
                return True
    return False
