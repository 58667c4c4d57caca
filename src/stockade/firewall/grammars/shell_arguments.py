"""Argument lists and environments: no shell reads them, and yet a value in them may do much.

A list of arguments comes as one text, its elements divided by NUL, which none can contain; a
variable of the environment as `NAME=VALUE`, or its name alone (`NAME=`) and the value of one that
programs obey (`=VALUE`). An argument is more than text where a value makes an option of it, where a
value acts in a program of another language (`program_values`), or names what an operand sets
(`program_operands`). A variable is where a value names it, or where programs obey it and a value
decides what it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stockade.core.inputs import Input, Inputs
from stockade.firewall.grammars import Finding
from stockade.firewall.grammars.program_rules import broken, places_at_risk
from stockade.firewall.grammars.shell_environment import decided_by, is_obeyed, named_by
from stockade.firewall.grammars.shell_options import dashed_values, exposed, injected
from stockade.firewall.grammars.shell_programs import SHELLS, WRAPPERS, program_name

__all__ = ["ArgumentGrammar", "at_risk", "joined", "variable"]

_SHELLS = SHELLS - WRAPPERS  # `busybox env …` is a wrapper again


class _Values(NamedTuple):
    dashed: list[Input]
    named: list[Input]
    """Every value that could be a name, an entry of a list or a part of a program."""


def joined(argv: list[str]) -> str:
    """A list of arguments, as this grammar reads it."""
    return "\0".join(argv) + "\0"


def variable(name: str = "", value: str = "") -> str:
    """A variable of the environment, or a part of it, as this grammar reads it."""
    return f"{name}={value}".replace("\0", "")


def at_risk(argv: list[str]) -> list[str]:
    """The arguments that this grammar may object to."""
    places = {*exposed(argv)[0], *places_at_risk(argv), *_assignments(argv)}
    return [argv[index] for index in places]


def _assignments(argv: list[str]) -> Iterator[int]:
    """Where a wrapper (`env`, `sudo`) may read a variable; behind a shell stand its parameters."""
    if not argv or program_name(argv[0]) not in WRAPPERS:
        return
    for index, argument in enumerate(argv):
        if "=" in argument:
            yield index
        elif index and program_name(argument) in _SHELLS:
            return


class ArgumentGrammar:
    """The rule for what is handed to a program."""

    def prepare(self, inputs: Inputs) -> tuple[_Values, ...]:
        """Every value; how an argument is used decides what harms."""
        values = list(inputs)
        return (_Values(dashed_values(values), values),) if values else ()

    def check(self, text: str, values: tuple[_Values, ...]) -> Finding | bool:
        """The first value that is an option, a program's text, or a variable that is obeyed."""
        if "\0" not in text:
            return _variable(text, 0, values[0].named) or False
        argv = text.split("\0")[:-1]
        dashed = values[0].dashed
        if dashed and (found := injected(argv, dashed)) is not None:
            index, item = found
            return _finding("argument.option", _OPTION, item, argv, index)
        named = values[0].named
        if (breaks := broken(argv, named)) is not None:
            return _finding(breaks.rule, breaks.reason, breaks.value, argv, breaks.place)
        start, last = 0, 0
        for index in _assignments(argv):
            start += sum(len(argument) + 1 for argument in argv[last:index])
            last = index
            if judged := _variable(argv[index], start, named):
                return judged
        return False


def _finding(rule: str, reason: str, item: Input, argv: list[str], index: int) -> Finding:
    """What is wrong with the argument at `index`."""
    start = sum(len(argument) + 1 for argument in argv[:index])
    return Finding(rule, reason, item, start, start + len(argv[index]))


def _variable(text: str, start: int, values: list[Input]) -> Finding | None:
    name, _, value = text.partition("=")
    item = named_by(name, values) if name else None
    if item is None and (not name or is_obeyed(name)):
        item = decided_by(value, values)
    if item is None:
        return None
    return Finding("argument.environment", _ENVIRONMENT, item, start, start + len(text))


_OPTION = "A value of this request becomes an option of a program."
_ENVIRONMENT = "A value of this request decides what a program obeys in its environment."
