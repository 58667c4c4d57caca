"""Operands that act as options do: `dd of=…`, `git -c a=b`, `make VAR=…`, `tar cf`, `. FILE`.

A value is evidence where it names what the operand sets (`of=…` as a whole, or `of` with another
value behind the equals sign), or where it decides what a setting that runs programs says. A value
behind a name of the developer's (`dd bs={value}`, `git -c user.name={value}`) is text.

Sources: the manuals of dd(1), make(1), git-config(1), ssh_config(5), tar(1), curl(1), vim(1),
less(1), socat(1). Programs that are not listed here are not judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from stockade.core.inputs import Input
from stockade.firewall.grammars.program_values import acting_value
from stockade.firewall.grammars.shell_environment import decided_by
from stockade.firewall.grammars.shell_programs import program_name

__all__ = ["OPERATED", "acting_operand", "operands_at_risk"]

_GIT_HARMLESS = re.compile(
    r"(?:user|author|committer)\.(?:name|email)=|(?:advice|color|column|i18n)\.[\w.]*="
    r"|core\.(?:abbrev|autocrlf|eol|filemode|ignorecase|quotepath|safecrlf)=",
    re.IGNORECASE,
).match
_GIT_RUNS = re.compile(
    r"alias\.|include(?:if)?\.|pager\.|(?:core|sequence)\.(?:editor|pager|sshcommand|hookspath"
    r"|fsmonitor|gitproxy|askpass|worktree|attributesfile)|credential\.|(?:diff|merge|filter|tar)\..*"
    r"(?:command|textconv|driver|clean|smudge|process|external)|diff\.external|\w+tool\..*(?:cmd|path)"
    r"|gpg\.|browser\.|web\.browser|man\.|interactive\.|init\.templatedir|protocol\.|sendemail\."
    r"|trailer\..*c(?:om)?m(?:an)?d|uploadpack\.|receive\.|remote\..*(?:uploadpack|receivepack|vcs)"
    r"|submodule\..*\.update",
    re.IGNORECASE,
).match
_SSH_HARMLESS = re.compile(
    r"(?:user|port|hostname|connect\w+|compression|loglevel|serveralive\w+|batchmode|addressfamily)"
    r"(?:[ \t]*=|[ \t])",
    re.IGNORECASE,
).match
_SSH_RUNS = re.compile(
    r"(?:proxycommand|localcommand|knownhostscommand|proxyusefdpass|remotecommand|include"
    r"|pkcs11provider|securitykeyprovider|xauthlocation|authorizedkeyscommand)",
    re.IGNORECASE,
).match
_DD = re.compile(r"[io]f=").match
_TAR_HARMLESS = re.compile(r"[ctvxzjJafp]*\Z").match
_SOCAT = re.compile(r"(?:exec|system|shell):", re.IGNORECASE).match
_CURL_DATA = frozenset(
    ("-d", "--data", "--data-binary", "--data-ascii", "--data-urlencode", "--json", "-F", "--form",
     "-H", "--header", "--proxy-header", "-w", "--write-out", "-b", "--cookie", "--variable")
)  # fmt: skip
_CURL_NAMED = frozenset(("-F", "--form", "--data-urlencode", "--variable"))
_CURL_FORM = re.compile(r"[^=]*=[@<]").match


class _Kind(NamedTuple):
    """A program's operands that act."""

    setting: Callable[[Sequence[str], int], str]
    """What the argument at this place sets; empty where it is no such operand."""
    judge: Callable[[str, Sequence[Input]], Input | None]
    """The value that decides it."""


def acting_operand(argv: Sequence[str], values: Sequence[Input]) -> tuple[int, Input] | None:
    """The first operand that a value makes act: its index, and the value."""
    for index, setting in _settings(argv):
        if (item := _KINDS[program_name(argv[0])].judge(setting, values)) is not None:
            return index, item
    return None


def operands_at_risk(argv: Sequence[str]) -> list[int]:
    """The arguments that are such operands; none of a program that is not listed."""
    return [index for index, _ in _settings(argv)]


def _settings(argv: Sequence[str]) -> Iterator[tuple[int, str]]:
    kind = _KINDS.get(program_name(argv[0])) if argv else None
    if kind is not None:
        for index in range(1, len(argv)):
            if setting := kind.setting(argv, index):
                yield index, setting


def _begun(argument: str, values: Sequence[Input]) -> Input | None:
    """The value that names what `argument` sets: `NAME=…` of it, or NAME with a value behind."""
    name, equals, content = argument.partition("=")
    for item in values:
        value = item.value.strip()
        if value == name and equals:
            if decided_by(content, values) is not None:
                return item
        elif value == argument or (value.startswith(f"{name}=") and argument.startswith(value)):
            return item
    return None


def _of_dd(argv: Sequence[str], index: int) -> str:
    return argv[index] if _DD(argv[index]) else ""


def _of_make(argv: Sequence[str], index: int) -> str:
    argument = argv[index]
    if argument.startswith("--eval="):
        return argument.removeprefix("--eval")
    return argument if argument[:1] != "-" and "=" in argument else ""


def _make(setting: str, values: Sequence[Input]) -> Input | None:
    return _begun(setting, values) or acting_value(setting.partition("=")[2], "make", values)


def _of_git(argv: Sequence[str], index: int) -> str:
    if argv[index].startswith("--config="):
        return argv[index].removeprefix("--config=")
    return argv[index] if argv[index - 1] in ("-c", "--config") else ""


def _git(setting: str, values: Sequence[Input]) -> Input | None:
    name, _, content = setting.partition("=")
    if _GIT_RUNS(name) and (item := decided_by(content, values)) is not None:
        return item
    return None if _GIT_HARMLESS(setting) else _begun(setting, values)


def _of_ssh(argv: Sequence[str], index: int) -> str:
    argument, before = argv[index], argv[index - 1]
    if argument.startswith("-o"):
        return argument[2:].lstrip()
    return argument if before[:1] == "-" and before[-1:] == "o" else ""


def _ssh(setting: str, values: Sequence[Input]) -> Input | None:
    if _SSH_RUNS(setting):
        content = setting.partition("=")[2] or setting.partition(" ")[2]
        if (item := decided_by(content.lstrip(), values)) is not None:
            return item
    return None if _SSH_HARMLESS(setting) else _begun(setting, values)


def _of_tar(argv: Sequence[str], index: int) -> str:
    argument = argv[index]
    return argument if index == 1 and argument[:1] != "-" and not _TAR_HARMLESS(argument) else ""


def _of_curl(argv: Sequence[str], index: int) -> str:
    argument, option = argv[index], argv[index - 1]
    if option not in _CURL_DATA:
        return ""
    by_name = option in _CURL_NAMED and _CURL_FORM(argument)
    return argument if by_name or argument[:1] == "@" else ""


def _curl(setting: str, values: Sequence[Input]) -> Input | None:
    content = setting if setting[:1] == "@" else setting.partition("=")[2]
    return _starts(setting, values) or _starts(content, values)


def _of_editor(argv: Sequence[str], index: int) -> str:
    argument = argv[index]
    return argument if argument[:1] == "+" and not argument[1:].isdigit() else ""


def _of_source(argv: Sequence[str], index: int) -> str:
    return argv[index] if index == 1 else ""


def _of_socat(argv: Sequence[str], index: int) -> str:
    return argv[index] if _SOCAT(argv[index]) else ""


def _starts(text: str, values: Sequence[Input]) -> Input | None:
    """The value that `text` begins with."""
    for item in values:
        if (value := item.value.strip()) and text.startswith(value):
            return item
    return None


_KINDS: dict[str, _Kind] = {
    "dd": _Kind(_of_dd, _begun), "git": _Kind(_of_git, _git), "curl": _Kind(_of_curl, _curl),
    "socat": _Kind(_of_socat, _starts),
    **dict.fromkeys((".", "source"), _Kind(_of_source, decided_by)),
    **dict.fromkeys(("make", "gmake", "bmake"), _Kind(_of_make, _make)),
    **dict.fromkeys(("tar", "bsdtar", "gtar"), _Kind(_of_tar, _starts)),
    **dict.fromkeys(("ssh", "scp", "sftp", "sshfs"), _Kind(_of_ssh, _ssh)),
    **dict.fromkeys(
        ("vi", "vim", "nvim", "view", "ex", "less", "more", "man"), _Kind(_of_editor, _starts)
    ),
}  # fmt: skip
OPERATED = frozenset(_KINDS)
"""The programs that are listed."""
