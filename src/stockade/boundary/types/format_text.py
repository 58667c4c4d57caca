"""A text with blanks to fill in, written by a client: the mail that a shop's owner words herself.

    class Reminder(Model):
        text: Annotated[str, format_text("name", "date")]

    reminder.text.format(name=patient.name, date=visit.date)

Python's formats reach further than they look: `{name.__class__.__init__.__globals__}` walks from a
value to the program's secrets, `{name!r}` shows what `__str__` keeps, `{name:>999999999}` fills the
memory. Admitted is a declared name in braces, as often as wanted, and `{{` for a brace.

Sources: ASVS 5.0 V1.3.10, V1.3.7; CWE-134.
"""

from __future__ import annotations

from string import Formatter
from typing import LiteralString

from stockade.boundary.types.text import text
from stockade.boundary.validator import Validator, rejects
from stockade.core.errors import ConfigError

__all__ = ["format_text"]

_MAX_FIELDS = 100
_plain = text()


def format_text(*names: LiteralString) -> Validator[str]:
    """A `Text` in which `{name}` stands for one of `names`, at most a hundred times.

    Give `str.format` each of them, by name. Raises ConfigError for names that are none.
    """
    if not names or not all(name.isidentifier() for name in names):
        raise ConfigError("format_text takes the names that may stand in braces")
    known = frozenset(names)

    @rejects(
        "Expected text in which only the declared names stand in braces, with {{ for a brace.",
        min_length=0,
        max_length=10_000,
        examples=["{" + names[0] + "}"],
    )
    def format_text(value: str) -> str:
        value, count = _plain.check(value), 0
        for _, field, spec, conversion in Formatter().parse(value):
            if field is None:
                continue
            count += 1
            if field not in known or spec or conversion or count > _MAX_FIELDS:
                raise ValueError
        return value

    return format_text
