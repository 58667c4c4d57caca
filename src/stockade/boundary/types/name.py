"""A name that others will read and trust: of a person, a product, an account.

A `Line` that also cannot pass for another name by its looks: scripts that are not written together
are not mixed (a Cyrillic letter among Latin ones), and no mark is piled up.

Sources: Unicode UTS #39, 5.2 ("Highly Restrictive"), TR36; ASVS 5.0 V1.1.1.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Annotated, Any, Final, TypeAlias

from stockade.boundary.types.extras import needed
from stockade.boundary.types.text import text
from stockade.boundary.validator import rejects

__all__ = ["MAX_LENGTH", "Name", "name"]

MAX_LENGTH: Final = 120

_LINE = text(max_length=MAX_LENGTH, min_length=1, lines=False)
# Written together by their readers; any one script alone is admitted as well.
_TOGETHER = (
    ("Latin", "Han", "Hiragana", "Katakana"),
    ("Latin", "Han", "Bopomofo"),
    ("Latin", "Han", "Hangul"),
)
# ASCII and composed letters of Latin script, in words with one blank between: nothing to change.
_PLAIN = r"\A[!-~À-ÖØ-öø-ž]+(?: [!-~À-ÖØ-öø-ž]+)*\z"
_MAX_MARKS = 4  # on one letter: Vietnamese and polytonic Greek need three


# Scripts that are written alone; letters that all scripts share may stand among any of them.
_ALONE = (
    "Arabic Armenian Bengali Canadian_Aboriginal Cherokee Cyrillic Devanagari Ethiopic Georgian "
    "Greek Gujarati Gurmukhi Hebrew Kannada Khmer Lao Malayalam Mongolian Myanmar Nko Oriya "
    "Sinhala Syriac Tamil Telugu Thaana Thai Tibetan Tifinagh Yi"
)


@lru_cache(maxsize=1)
def _one_script() -> Any:
    """Matches a text whose letters are all of one script, or of one group of scripts."""
    regex = needed("regex", "Name")
    groups = [*_TOGETHER, *((script,) for script in _ALONE.split())]
    # Script extensions (UAX #24): a letter belongs to each script that it is used in.
    return regex.compile(
        "|".join(
            "[" + "".join(rf"\p{{scx={each}}}" for each in ("Common", "Inherited", *group)) + "]*+"
            for group in groups
        )
    )


@rejects(
    "Expected a name in one script, of at most 120 characters, without control or hidden ones.",
    max_length=MAX_LENGTH,
    plain=_PLAIN,
)
def name(value: str) -> str:
    """`value` in Normalization Form C, without blanks at its ends and doubled ones."""
    found = " ".join(_LINE.check(value).split())
    if not found:
        raise ValueError
    if not found.isascii():
        if not _one_script().fullmatch(found):
            raise ValueError
        marks = 0
        for character in unicodedata.normalize("NFD", found):
            marks = marks + 1 if unicodedata.combining(character) else 0
            if marks > _MAX_MARKS:
                raise ValueError
    return found


Name: TypeAlias = Annotated[str, name]
"""One line, one script, no piled-up marks; 1 to 120 characters."""
