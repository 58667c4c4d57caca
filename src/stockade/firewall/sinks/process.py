"""Programs: what CPython reports when it starts one, and uvloop, which starts them unreported.

A list of arguments needs no grammar: each argument is one token. A shell does: `shell=True`,
`os.system`, and `["sh", "-c", script]` in every position of the list. `os.spawn*` reports only in
the child, which then ends with status 127. A script on standard input (`run(["sh"], input=…)`) is
written after the start, to a pipe: it is not seen.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from typing import Any

import wrapt

from stockade.firewall import hook
from stockade.firewall.engine import Guard
from stockade.firewall.grammars.shell_programs import scripts_of

__all__ = ["install", "uninstall"]

_guard: Guard | None = None
_EVENTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else os.fsdecode(value)


def _check_arguments(arguments: Iterable[Any], program: Any = None) -> None:
    if _guard is None:
        return
    argv = [_text(argument) for argument in arguments]
    scripts = scripts_of(argv)
    # What runs is `program`; the first argument is only what it is told to be called.
    if program is not None and argv and (name := _text(program)) != argv[0]:
        scripts += scripts_of([name, *argv[1:]])
    for script in dict.fromkeys(scripts):
        # Named in the text, for the grammar to know that quotes mean something else to it.
        _guard(shlex.join(("csh", "-c", script.text)) if script.foreign else script.text)


def _on_arguments(arguments: tuple[Any, ...]) -> None:
    """subprocess.Popen, os.exec and os.posix_spawn all report (program, arguments, …)."""
    program, argv = arguments[:2]
    # Popen itself has already put "/bin/sh -c" before the text of a shell=True call.
    _check_arguments([argv] if isinstance(argv, (str, bytes, os.PathLike)) else argv, program)


def _on_system(arguments: tuple[Any, ...]) -> None:
    if _guard is not None:
        _guard(_text(arguments[0]))


def _wrap_uvloop(module: Any) -> None:
    loop = module.Loop
    shell, execute = loop.subprocess_shell, loop.subprocess_exec

    async def subprocess_shell(self: Any, protocol_factory: Any, cmd: Any, **keywords: Any) -> Any:
        if _guard is not None:
            _guard(_text(cmd))
        return await shell(self, protocol_factory, cmd, **keywords)

    async def subprocess_exec(self: Any, protocol_factory: Any, *argv: Any, **keywords: Any) -> Any:
        _check_arguments(argv)
        return await execute(self, protocol_factory, *argv, **keywords)

    loop.subprocess_shell = subprocess_shell
    loop.subprocess_exec = subprocess_exec


_registered = False


def install(guard: Guard) -> None:
    """Guard every way to start a program that CPython or uvloop has."""
    global _guard, _registered
    _guard = guard
    for event in _EVENTS:
        hook.listen(event, _on_system if event == "os.system" else _on_arguments)
    if not _registered:
        _registered = True
        wrapt.register_post_import_hook(_wrap_uvloop, "uvloop")


def uninstall() -> None:
    """Check no program any more."""
    global _guard
    _guard = None
    for event in _EVENTS:
        hook.withdraw(event)
