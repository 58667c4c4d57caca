"""What a value does in a list of arguments that are no shell's: the program text, the operand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from stockade.core.inputs import Input
from stockade.firewall.grammars.program_operands import OPERATED, acting_operand, operands_at_risk
from stockade.firewall.grammars.program_values import acting_value
from stockade.firewall.grammars.shell_options import program_at
from stockade.firewall.grammars.shell_programs import program_name
from stockade.firewall.grammars.shell_scripts import INTERPRETERS, is_interpreter, programs_in

__all__ = ["JUDGED", "Broken", "broken", "is_judged", "places_at_risk"]

JUDGED = OPERATED | INTERPRETERS.keys()
"""The programs whose arguments are judged here, without the digits of a version."""
_PLAIN = re.compile(r"\w*\Z").match


class Broken(NamedTuple):
    """The rule that a value breaks, why, which argument, and the value."""

    rule: str
    reason: str
    place: int
    value: Input


def is_judged(argument: str) -> bool:
    """Whether a program of this name is judged here."""
    return program_name(argument) in OPERATED or is_interpreter(argument)


def places_at_risk(argv: Sequence[str]) -> set[int]:
    """The arguments that may be objected to."""
    first = program_at(argv) if argv else 0
    operands = operands_at_risk(argv[first:])
    return {program.place for program in programs_in(argv)} | {first + place for place in operands}


def broken(argv: Sequence[str], values: Sequence[Input]) -> Broken | None:
    """The first argument in which a value is more than text."""
    for place, skipped, language in programs_in(argv):
        text = argv[place][skipped:]
        item = _beginning(text, values) or acting_value(text, language, values)
        if item is not None:
            return Broken("argument.script", _SCRIPT, place, item)
    first = program_at(argv) if argv else 0
    if (found := acting_operand(argv[first:], values)) is not None:
        return Broken("argument.operand", _OPERAND, first + found[0], found[1])
    return None


def _beginning(text: str, values: Sequence[Input]) -> Input | None:
    """The value that is all of a program, or more than a word at its beginning."""
    script = text.lstrip()
    for item in values:
        value = item.value.strip()
        if len(value) > 1 and (script == value or (script.startswith(value) and not _PLAIN(value))):
            return item
    return None


_SCRIPT = "A value of this request acts in a program that an interpreter is handed."
_OPERAND = "A value of this request becomes an operand that acts as an option does."
