"""Shell commands (CWE-78): a file appears that nobody else would make, or a product is computed.

The commands need no slash, so that they fit one segment of a path: `cd` goes home, where the
attack watches.
"""

from __future__ import annotations

from stockade.tools.attack.model import Evidence, Payload, Technique
from stockade.tools.attack.payloads import Aim

__all__ = ["TECHNIQUES"]


def _breaks(template: str) -> str:
    if "'" in template:
        return "'"
    # What works between double quotes works bare as well.
    return '"$`\\' if any(character in template for character in '"$`') else ""


def _command(id: str, template: str, *, representative: bool = False) -> Technique:
    """It makes a file."""

    def make(aim: Aim) -> tuple[Payload, ...]:
        command = f"cd;echo {aim.content}>{aim.mark}"
        text = template.replace("COMMAND", command)
        return (Payload(text, Evidence((), aim.mark, aim.content)),)

    return Technique(id, make, representative, _breaks(template))


def _output(id: str, template: str) -> Technique:
    """It prints a product that stands in no part of the payload."""

    def make(aim: Aim) -> tuple[Payload, ...]:
        first, second = aim.factors
        return (Payload(template.format(first, second), Evidence((aim.product,))),)

    return Technique(id, make, breaks_out_with=_breaks(template))


def _redirection(aim: Aim) -> tuple[Payload, ...]:
    return (Payload(f"x>{aim.outside}/{aim.mark}", Evidence((), aim.mark)),)


TECHNIQUES = (
    _command("shell.semicolon", "x;COMMAND;", representative=True),
    _command("shell.comment", "x;COMMAND #"),
    _command("shell.and", "x&&COMMAND"),
    _command("shell.or", "nothing-like-this||COMMAND"),
    _command("shell.background", "x& COMMAND"),
    _command("shell.pipe", "x|(COMMAND)"),
    _command("shell.newline", "x\nCOMMAND\n"),
    _command("shell.substitution", "$(COMMAND)", representative=True),
    _command("shell.backticks", "`COMMAND`"),
    _command("shell.single-quote", "x';COMMAND;'", representative=True),
    _command("shell.double-quote", 'x";COMMAND;"'),
    _output("shell.output", "x;expr {} \\* {};"),
    _output("shell.output-single-quote", "x';expr {} \\* {};'"),
    _output("shell.output-double-quote", 'x";expr {} \\* {};"'),
    Technique("shell.redirection", _redirection),
)
