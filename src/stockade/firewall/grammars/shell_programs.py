"""Which arguments of a program are a script that a shell will run.

Each program reads its options in its own way (bash(1), dash(1), su(1), env(1), ssh(1) …). Where the
reading is in doubt, every argument that may be the script is judged as one.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Sequence
from itertools import dropwhile
from typing import NamedTuple

from stockade.firewall.grammars.shell_lexer import KEYWORDS, Lexed, assigns

__all__ = [
    "HANDS_ON",
    "SHELLS",
    "WRAPPERS",
    "Script",
    "awaits_input",
    "awaits_script",
    "handed_on",
    "parameters_of",
    "program_name",
    "script_places",
    "scripts_of",
]

SHELLS = frozenset(
    ("sh", "bash", "dash", "zsh", "ksh", "ksh93", "mksh", "ash", "busybox", "rbash", "yash")
)
FOREIGN = frozenset(("csh", "tcsh", "fish"))
"""Shells in which quotes mean something else than in sh."""

WRAPPERS = frozenset(
    (
        "builtin", "busybox", "chroot", "chrt", "command", "docker", "doas", "env", "exec",
        "ionice", "kubectl", "nice", "nohup", "nsenter", "podman", "runuser", "setsid",
        "ssh", "stdbuf", "su", "sudo", "taskset", "timeout", "unshare", "xargs",
    )
)  # fmt: skip
"""Programs that start the program which stands somewhere among their arguments."""

_LONG = frozenset(
    (
        "debug", "debugger", "dump-po-strings", "dump-strings", "help", "init-file",
        "login", "noediting", "noprofile", "norc", "posix", "pretty-print", "protected",
        "rcfile", "restricted", "verbose", "version", "wordexp",
    )
)  # fmt: skip
_TAKE_FILE = frozenset(("rcfile", "init-file"))
_EVALUATES = frozenset(
    ("let", "[[", "[", "test", "unset", "declare", "typeset", "local", "readonly", "export")
)
"""Commands of bash that run `x[$(…)]`, whatever the quotes around it."""
_COMPUTES = frozenset(("-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v", "-R", "-t"))
"""What makes `test` read its operands as numbers or as names of variables."""
_STANDARD_INPUT = frozenset(("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"))


class Script(NamedTuple):
    """A text that a shell will run; `foreign` where that shell is none of the POSIX family."""

    text: str
    foreign: bool = False


class _Options(NamedTuple):
    """Short options that take a script, those that take another argument, long ones for scripts."""

    script: str
    other: str
    long: tuple[str, ...]


_BY_OPTION = {
    "su": _Options("c", "gGswT", ("command", "session-command")),
    "runuser": _Options("c", "gGsuwT", ("command", "session-command")),
    "script": _Options("c", "EIOBTmo", ("command",)),
    "flock": _Options("c", "wE", ("command",)),
    "env": _Options("S", "uCa", ("split-string",)),
    "fish": _Options("cC", "dDfo", ("command", "init-command")),
}
# What follows these, joined by blanks, is run by a shell: operands to skip, options with a value.
_JOINED = {"ssh": (1, "BbcDEeFIiJLlmOoPpQRSWw"), "watch": (0, "nq")}
_MAX_SCANS = 16
HANDS_ON = (
    SHELLS | FOREIGN | WRAPPERS | _EVALUATES | _BY_OPTION.keys() | _JOINED.keys()
    | {"eval", "trap", ".", "source", "at", "batch"}
)  # fmt: skip
"""Every program that may hand a part of its command line, or its standard input, to a shell."""


def program_name(path: str) -> str:
    """The name of a program without its folder, the dash of a login shell, `.exe`."""
    return os.path.basename(path).removeprefix("-").removesuffix(".exe")


def scripts_of(argv: Sequence[str]) -> list[Script]:
    """The scripts that `argv` hands to shells, also behind `env`, `sudo`, `find -exec` …"""
    found: dict[int, Script] = {}
    texts: list[Script] = []
    named: set[int] = set()
    scans = 0
    leads = bool(argv) and program_name(argv[0]) in WRAPPERS
    for index, argument in enumerate(argv):
        name = program_name(argument)
        if index in named:
            continue
        if name in SHELLS or name in FOREIGN - {"fish"}:
            places = _shell(argv, index + 1)[0]
            for place in places:
                found[place] = Script(argv[place], name in FOREIGN)
            # `sh -c SCRIPT sh VALUE`: the second `sh` only gives the script its name, `$0`.
            if len(places) == 1 and not any(zero in argv[places[0]] for zero in ("$0", "${0")):
                named.add(places[0] + 1)
        elif index and not leads:
            continue
        elif scans == _MAX_SCANS and (name in _BY_OPTION or name in _JOINED):
            return [*map(Script, argv)]  # nobody starts a program so: in doubt, all are scripts
        elif name in _BY_OPTION:
            scans += 1
            options = _by_option(argv, index + 1, _BY_OPTION[name])
            texts += [Script(text, name in FOREIGN) for text in options]
        elif name in _JOINED:
            scans += 1
            if operands := _operands(argv, index + 1, name):
                texts.append(Script(" ".join(operands)))
    return [*found.values(), *texts]


def script_places(argv: Sequence[str]) -> Sequence[int]:
    """Where the script stands among the arguments of a shell, `argv[0]`; empty: in none."""
    return _shell(argv, 1)[0]


def parameters_of(argv: Sequence[str]) -> Sequence[str]:
    """What stands behind the script of the first shell in `argv`: `$0`, `$1` and so on."""
    leads = bool(argv) and program_name(argv[0]) in WRAPPERS
    for index, argument in enumerate(argv):
        if (not index or leads) and program_name(argument) in SHELLS:
            places = _shell(argv, index + 1)[0]
            if places:
                return argv[places[-1] + 1 :] if len(places) == 1 else argv[places[0] + 1 :]
    return ()


def handed_on(lexed: Lexed) -> Iterator[Script]:
    """The scripts that this command hands to another shell, or to `eval` and its like."""
    commands: dict[int, list[str]] = {}
    for word in lexed.words:
        commands.setdefault(word.command, []).append(word.text)
    for number, words in commands.items():
        argv = list(dropwhile(lambda word: assigns(word) or word in KEYWORDS, words))
        yield from scripts_of(argv)
        yield from _builtin(argv)
        if awaits_script(argv):
            piped = number in lexed.piped
            for fed in lexed.fed:
                if piped or fed.command == number:
                    yield Script(fed.text)
            if piped:  # from whichever command: any word may be what it prints
                yield from (Script(w.text) for w in lexed.words if w.command != number)


def awaits_input(lexed: Lexed) -> bool:
    """Whether a shell in this command would read its script from where the command itself reads."""
    commands: dict[int, list[str]] = {}
    for word in lexed.words:
        commands.setdefault(word.command, []).append(word.text)
    fed = {each.command for each in lexed.fed} | lexed.piped
    return any(
        awaits_script(list(dropwhile(lambda word: assigns(word) or word in KEYWORDS, words)))
        for number, words in commands.items()
        if number not in fed
    )


def _builtin(argv: list[str]) -> Iterator[Script]:
    argv = list(dropwhile(("command", "builtin", "exec", "--").__contains__, argv))
    if not argv:
        return
    if argv[0] == "eval":
        yield Script(" ".join(argv[1:]))
    elif argv[0] == "trap":
        yield from (Script(word) for word in argv[1:])
    elif argv[0] in _EVALUATES and _computes(argv):
        yield from (Script(f'"{word}"') for word in argv[1:] if "[" in word)


def _computes(argv: list[str]) -> bool:
    """Whether a test compares numbers or looks a variable up; an operator may be an expansion."""
    if argv[0] not in ("[[", "[", "test"):
        return True
    return any(word in _COMPUTES or (word[:1] == "\0" and argv[0] != "[[") for word in argv)


def awaits_script(argv: Sequence[str]) -> bool:
    """Whether a shell among `argv` would read its script from standard input."""
    leads = bool(argv) and program_name(argv[0]) in WRAPPERS
    for index, argument in enumerate(argv if leads else argv[:1]):
        name = program_name(argument)
        if name in SHELLS or name in FOREIGN or name in (".", "source"):
            if _shell(argv, index + 1)[1]:
                return True
        elif name in ("su", "runuser"):
            if not _by_option(argv, index + 1, _BY_OPTION[name]):
                return True
        elif name in ("at", "batch") or (name == "ssh" and not _operands(argv, index + 1, name)):
            return True
    return False


def _shell(argv: Sequence[str], start: int) -> tuple[Sequence[int], bool]:
    """Where the script stands behind the name of a shell, and whether it is standard input."""
    position, command, doubtful, reads = start, False, False, False
    while position < len(argv) and argv[position][:1] in ("-", "+") and argv[position]:
        option = argv[position]
        position += 1
        if option in ("--", "-"):
            break
        letters = option[1:]
        long = letters.removeprefix("-")
        if long in _LONG or option.startswith("--"):
            doubtful = doubtful or not option.startswith("--")  # to others than bash: letters
            position += long in _TAKE_FILE
            continue
        command = command or "c" in letters
        reads = reads or "s" in letters
        named = letters.lower().count("o")
        position += named
        doubtful = doubtful or named > letters.lower().endswith("o")
    if command:
        return range(start, len(argv)) if doubtful else range(position, len(argv))[:1], False
    return (), reads or position >= len(argv) or argv[position] in _STANDARD_INPUT


def _by_option(argv: Sequence[str], start: int, options: _Options) -> list[str]:
    """The values of the options that take a script, as getopt_long(3) reads them."""
    found: list[str] = []
    rest = iter(argv[start:])
    for argument in rest:
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            if name and any(long.startswith(name) for long in options.long):
                found.append(value if equals else next(rest, ""))
        elif argument.startswith("-"):
            for place, letter in enumerate(argument[1:], 2):
                if letter in options.script + options.other:
                    value = argument[place:] or next(rest, "")
                    if letter in options.script:
                        found.append(value)
                    break
    return found


def _operands(argv: Sequence[str], start: int, name: str) -> list[str]:
    """What stands behind the options, and behind the operands that are no part of the command."""
    skipped, valued = _JOINED[name]
    position = start
    while position < len(argv):
        argument = argv[position]
        if len(argument) > 1 and argument[0] == "-":
            position += 1 + (argument[-1] in valued and not argument.startswith("--"))
        elif skipped:
            skipped -= 1
            position += 1
        else:
            break
    return list(argv[position:])
