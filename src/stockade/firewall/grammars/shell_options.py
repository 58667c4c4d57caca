"""Which arguments a program may read as options (POSIX Utility Conventions, 12.2, getopt_long(3)).

A value of a request that begins with a dash becomes an option of whatever program it is handed to:
`tar --checkpoint-action=exec=…`, `find -exec`, `curl -o`. Behind `--`, behind an option that takes
a text (`grep -e`), and to programs whose options do no harm (`echo`), it is text.

Two values put together may be one: a bare dash, and what follows it.

Not judged: `+word` and `@file` arguments (`program_operands` knows some), what stands behind the
developer's own dash (`-{value}`), arguments that begin with the middle of a value.
"""

from __future__ import annotations

import os.path
import re
import shutil
from collections.abc import Sequence

from stockade.core.inputs import Input
from stockade.firewall.grammars.shell_programs import (
    SHELLS,
    WRAPPERS,
    program_name,
    script_places,
)

__all__ = ["dashed_values", "exposed", "injected", "program_at"]

_NUMBER = re.compile(r"-(?:\d+(?:\.\d*)?|\.\d+)\Z", re.ASCII).match
_HARMLESS = frozenset(("echo", "printf", "true", "false", "test", "[", "expr"))
_GREP = ("-e", "--regexp")
_FIND = (
    "-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex",
    "-lname", "-ilname",
)  # fmt: skip
_MAIL = ("-s", "--subject")
_TAKE_TEXT = {
    "grep": _GREP, "egrep": _GREP, "fgrep": _GREP, "rg": _GREP, "find": _FIND, "mail": _MAIL,
    "mailx": _MAIL, "mutt": _MAIL, "git": ("-m", "--message", "--grep", "--author"),
}  # fmt: skip
"""Options whose argument is text whatever it begins with."""


def dashed_values(values: Sequence[Input]) -> list[Input]:
    """Those that begin with a dash, and such words of them all: `shlex.split` makes arguments.

    Where a value is nothing but dashes, also what it makes of each other one.
    """
    found: dict[str, Input] = {}
    bare: set[str] = set()
    for item in values:
        if "-" not in item.value:
            continue
        text = item.value.strip()
        if text in ("-", "--"):
            bare.add(text)
            continue
        for word in (text, *text.split()):
            if word[:1] == "-" and word.strip("-"):
                found.setdefault(word, item._replace(value=word))
    for dash in bare:
        for item in values:
            if word := item.value.strip().lstrip("-"):
                found.setdefault(dash + word, item._replace(value=dash + word))
    return list(found.values())


def exposed(argv: Sequence[str]) -> tuple[list[int], int]:
    """The arguments in `argv` that its program would read as options, and where options end.

    Plain numbers are left out.
    """
    first = program_at(argv)
    name = program_name(argv[first]) if argv else ""
    if name in _HARMLESS:
        return [], len(argv)
    end, script = len(argv), -1
    if name in SHELLS and (places := script_places(argv[first:])):
        script = first + places[-1]
        end = script + 1  # what follows are positional parameters
    takes_text = _TAKE_TEXT.get(name, ())
    found: list[int] = []
    for index in range(first + 1, end):
        argument = argv[index]
        if argument == "--" and not _is_of_wrapper(argv, index, name):
            end = index
            break
        if argument == "-c" and index + 1 == script:
            continue  # `shell=True` says so; the script is judged as one
        if argument[:1] == "-" and len(argument) > 1 and argv[index - 1] not in takes_text:
            found.append(index)
    return [index for index in found if not _NUMBER(argv[index])], end


def injected(argv: Sequence[str], values: Sequence[Input]) -> tuple[int, Input] | None:
    """The first argument that a value made an option of: its index, and the value.

    A value that stands behind `--` too is no evidence in front of it: there the same flag is the
    developer's own.
    """
    places, end = exposed(argv)
    behind = argv[end + 1 :]
    for index in places:
        for item in values:
            if argv[index].startswith(item.value) and not any(
                argument.startswith(item.value) for argument in behind
            ):
                return index, item
    return None


def program_at(argv: Sequence[str]) -> int:
    """Where the program stands: behind wrappers that were given no options of their own."""
    index = 0
    while (
        index + 1 < len(argv)
        and program_name(argv[index]) in WRAPPERS
        and argv[index + 1][:1] != "-"
    ):
        wrapper, index = program_name(argv[index]), index + 1
        while wrapper == "env" and "=" in argv[index] and index + 1 < len(argv):
            index += 1
        if wrapper not in ("env", "nohup", "setsid", "command", "exec", "sudo", "nice"):
            return index - 1  # operands of its own come first
    return index


def _is_of_wrapper(argv: Sequence[str], index: int, name: str) -> bool:
    """Whether a `--` ends only the options of `sudo` and the like: a program follows it."""
    if name not in WRAPPERS or index + 1 >= len(argv):
        return False
    following = argv[index + 1]
    if os.path.basename(following) != following:
        return os.access(following, os.X_OK)
    return shutil.which(following) is not None
