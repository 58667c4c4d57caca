"""Which arguments are programs in another language than the shell's: `python -c`, `awk`, `sqlite3`.

Each interpreter's own manual says which option takes the text; awk, sed and jq take it as their
first operand where no option brings one, sqlite3 as every operand behind the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from stockade.firewall.grammars.shell_programs import WRAPPERS, program_name

__all__ = ["INTERPRETERS", "Program", "is_interpreter", "programs_in"]


class Program(NamedTuple):
    """Where a program stands among arguments, how much of that one is not it, and its language."""

    place: int
    skipped: int
    language: str


class _Reading(NamedTuple):
    """Short options that take a program, long ones, short ones that take something else."""

    language: str
    short: str
    long: tuple[str, ...] = ()
    valued: str = ""
    operands: slice = slice(0, 0)
    """Which operands are programs where no option brought one."""
    long_valued: tuple[tuple[str, int], ...] = ()
    """Long options with that many arguments that are none."""


_NODE = _Reading("node", "ep", ("--eval", "--print"), "rC")
_AWK = _Reading("awk", "e", ("--source",), "Fvf", slice(0, 1))
_SED = _Reading("sed", "e", ("--expression",), "lf", slice(0, 1))
_MYSQL = _Reading("mysql", "e", ("--execute", "--init-command"), "hPSD")
_PHP = ("--run", "--process-begin", "--process-code", "--process-end")
_JQ_VALUES = (("--arg", 2), ("--argjson", 2), ("--slurpfile", 2), ("--rawfile", 2), ("--indent", 1))
_PYTHON = _Reading("python", "c", (), "mWX")
INTERPRETERS = {
    "python": _PYTHON, "pypy": _PYTHON,
    "perl": _Reading("perl", "eE", (), "ILMmx"), "ruby": _Reading("ruby", "e", (), "ICErS"),
    "node": _NODE, "nodejs": _NODE, "php": _Reading("php", "rBRE", _PHP, "cdfzS"),
    "lua": _Reading("lua", "e", (), "l"), "Rscript": _Reading("r", "e"),
    "osascript": _Reading("osascript", "e", (), "l"),
    "awk": _AWK, "gawk": _AWK, "mawk": _AWK, "nawk": _AWK, "sed": _SED, "gsed": _SED,
    "vim": _Reading("vim", "c", ("--cmd",), "S"),
    "gdb": _Reading("gdb", "", ("-ex", "--ex", "--eval-command")),
    "jq": _Reading("jq", "", (), "Lf", slice(0, 1), _JQ_VALUES),
    "psql": _Reading("postgresql", "c", ("--command",), "dfhLopRTUvFP"),
    "mysql": _MYSQL, "mariadb": _MYSQL,
    "sqlite": _Reading("sqlite", "", (), "", slice(1, None)),
}  # fmt: skip
"""By name, without the digits of a version."""
_SQLITE_VALUED = (
    ("-cmd", 0), ("-separator", 1), ("-newline", 1), ("-nullvalue", 1), ("-init", 1), ("-mmap", 1),
    ("-maxsize", 1), ("-escape", 1), ("-vfs", 1), ("-A", 1), ("-lookaside", 2), ("-pagecache", 2),
)  # fmt: skip
_VERSION = re.compile(r"[\d.]+w?\Z")
_STARTS = ("-exec", "-execdir", "-ok", "-okdir")


def is_interpreter(argument: str) -> bool:
    """Whether a program of this name may be handed a program."""
    return _VERSION.sub("", program_name(argument)) in INTERPRETERS


def programs_in(argv: Sequence[str]) -> list[Program]:
    """The arguments that are such a program, also where it is behind `env`, `sudo` and others."""
    found: list[Program] = []
    leads = bool(argv) and program_name(argv[0]) in WRAPPERS
    for index, argument in enumerate(argv):
        if index and not leads and argv[index - 1] not in _STARTS:
            continue
        reading = INTERPRETERS.get(_VERSION.sub("", program_name(argument)))
        if reading is not None:
            reads = _of_sqlite if reading.language == "sqlite" else _of
            found += [each for each in reads(argv, index + 1, reading) if each.place < len(argv)]
    return found


def _of(argv: Sequence[str], start: int, reading: _Reading) -> list[Program]:
    found: list[Program] = []
    index, has_file = start, False
    skips = dict(reading.long_valued)
    while index < len(argv):
        argument = argv[index]
        index += 1
        if argument == "--" or argument[:1] != "-" or argument == "-":
            first = index if argument == "--" else index - 1
            if not found and not has_file:
                operands = range(first, len(argv))[reading.operands]
                found += [Program(operand, 0, reading.language) for operand in operands]
            if reading.language not in ("mysql", "postgresql"):
                break
            continue  # options may follow operands
        name, equals, _ = argument.partition("=")
        if name in reading.long:
            place = index - 1 if equals else index
            found.append(Program(place, len(name) + 1 if equals else 0, reading.language))
            index += not equals
        elif argument.startswith("--"):
            index += skips.get(argument, 0)
        else:
            index, has_file = _letters(argv, index, reading, found, has_file=has_file)
    return found


def _letters(
    argv: Sequence[str], index: int, reading: _Reading, found: list[Program], *, has_file: bool
) -> tuple[int, bool]:
    """Read the short options of the argument before `index`: what follows it, and if `-f` came."""
    argument = argv[index - 1]
    for place, letter in enumerate(argument[1:], 2):
        takes = letter in reading.short
        if takes or letter in reading.valued:
            is_last = place == len(argument)
            if takes:
                found.append(
                    Program(index, 0, reading.language)
                    if is_last
                    else Program(index - 1, place, reading.language)
                )
            return index + is_last, has_file or letter == "f"
    return index, has_file


def _of_sqlite(argv: Sequence[str], start: int, reading: _Reading) -> list[Program]:
    """sqlite3's options are words behind one dash or two; its first operand is the file."""
    found: list[Program] = []
    operands: list[int] = []
    skips = dict(_SQLITE_VALUED)
    index = start
    while index < len(argv):
        option = argv[index]
        if option[:1] == "-" and len(option) > 1:
            name = option.removeprefix("-") if option.startswith("--") else option
            if name == "-cmd":
                index += 1
                found.append(Program(index, 0, reading.language))
            index += skips.get(name, 0)
        else:
            operands.append(index)
        index += 1
    return found + [Program(place, 0, reading.language) for place in operands[reading.operands]]
