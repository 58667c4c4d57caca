"""Whether a text may stem from a request although none of its values stands in it as it came.

An application that cuts or rewrites a value hides it from the grammar, but seldom so well that no
run of eight characters survives. Such a text is not refused for it; it is only not remembered as
the developer's, or one value that slipped through would open the door for all that follow.
"""

from __future__ import annotations

import re

from stockade.core.inputs import Inputs

__all__ = ["resembles"]

_RUN = 8
_MAX_CHARACTERS = 32_768
_WORD = re.compile(r"\w*+\Z").match


def resembles(text: str, inputs: Inputs) -> bool:
    """Whether a value shares a run of eight characters with `text` that is more than a word.

    True as well where the values are too long to tell cheaply.
    """
    low, budget = text.lower(), _MAX_CHARACTERS
    for item in inputs:
        value = item.value
        if len(value) < _RUN or _WORD(value):
            continue
        budget -= len(value)
        if budget < 0:
            return True
        value = value.lower()
        for start in range(len(value) - _RUN + 1):
            run = value[start : start + _RUN]
            if run in low and not _WORD(run):
                return True
    return False
