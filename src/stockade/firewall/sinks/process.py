"""Programs: what CPython reports when it starts one, and what it leaves unreported.

A shell's script goes to the shell's grammar: `shell=True`, `os.system`, `["sh", "-c", script]` in
every position of a list, and what `communicate` or `run(input=…)` write to a shell that reads its
script from standard input. The list of arguments, and what of the environment differs from this
process's own, goes to the grammar of arguments.

`os.spawn*` and `pty.spawn` are judged before they fork, for a refusal in the child reaches nobody.
Where the application forked by itself (`os.fork`, `os.forkpty`) while it worked for a request, a
refused child ends with status 126, so that no second copy of the server runs on.

Not seen: `_posixsubprocess.fork_exec` called directly, which is how `multiprocessing` starts its
own helpers; a script that is written to `Popen.stdin`; input through uvloop's own transports.
"""

from __future__ import annotations

import asyncio.subprocess
import os
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any

import wrapt

from stockade.core.context import current
from stockade.core.errors import Blocked
from stockade.firewall import hook
from stockade.firewall.callers import frames
from stockade.firewall.constants import is_name
from stockade.firewall.engine import Guard
from stockade.firewall.grammars.shell_arguments import at_risk, joined, variable
from stockade.firewall.grammars.shell_environment import is_obeyed
from stockade.firewall.grammars.shell_evaluated import evaluated, variables_of
from stockade.firewall.grammars.shell_lexer import lex
from stockade.firewall.grammars.shell_programs import (
    awaits_input,
    awaits_script,
    parameters_of,
    scripts_of,
)

__all__ = ["install", "uninstall"]

_guard: Guard | None = None
_arguments: Guard | None = None
_refused_children_end = False
_before_fork: ContextVar[tuple[str, ...] | None] = ContextVar("stockade_before_fork", default=None)
"""The list that was judged before a fork, not to be judged and reported again in the child."""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else os.fsdecode(value)


def _check(arguments: Iterable[Any], program: Any = None, environment: Any = None) -> None:
    if _guard is None:
        return
    argv = [_text(argument) for argument in arguments]
    scripts = scripts_of(argv)
    # What runs is `program`; the first argument is only what it is told to be called.
    if program is not None and argv and (name := _text(program)) != argv[0]:
        argv = [name, *argv[1:]]
        scripts += scripts_of(argv)
    for script in dict.fromkeys(scripts):
        # Named in the text, for the grammar to know that quotes mean something else to it.
        _guard.check(shlex.join(("csh", "-c", script.text)) if script.foreign else script.text)
        if not script.foreign:
            _check_evaluated(script.text, argv, environment)
    if _arguments is None or current() is None:
        return
    if len(argv) > 1:
        _arguments.check(joined(argv), lambda: _are_developers(at_risk(argv)))
    if isinstance(environment, Mapping):
        for name, value in environment.items():
            _check_variable(_text(name), _text(value))


def _check_evaluated(script: str, argv: Sequence[str], environment: Any = None) -> None:
    """Judge what a shell makes of the parameters and variables in a script, beside its text."""
    if _guard is None or "$" not in script or current() is None:
        return
    given = environment if isinstance(environment, Mapping) else os.environ
    inherited = {_text(name): _text(value) for name, value in given.items()}
    found = evaluated(script, parameters_of(argv), variables_of(script, argv, inherited))
    for text in dict.fromkeys(found.scripts):
        _guard.check(text)
    for command, own in found.commands:
        if _arguments is not None and len(command) > 1:
            _arguments.check(joined(command), partial(_are_developers, at_risk(command), own))


def _check_variable(name: str, value: str) -> None:
    """Judge a variable, but for what this process itself was started with or has set before."""
    if _arguments is None or current() is None:
        return
    inherited = os.environ.get(name)
    if inherited == value:
        return
    _arguments.check(variable(name), lambda: _stands_in_code(name) or _is_developers(f"{name}="))
    if is_obeyed(name):
        if inherited:
            value = value.removeprefix(inherited).removesuffix(inherited)
        _arguments.check(variable(value=value), lambda: _stands_in_code(value))


def _are_developers(arguments: Iterable[str], own: Collection[str] = ()) -> bool:
    """Whether each argument is in a calling function's code, or one of the script's `own` words."""
    return all(argument in own or _is_developers(argument) for argument in arguments)


def _is_developers(argument: str) -> bool:
    """Whether a calling function holds exactly `argument`, or its module the variable's name.

    A name that no program obeys is a choice from the developer's list (`if name in ("SIZE", …)`).
    """
    name, assigns, _ = argument.partition("=")
    if assigns and name.isidentifier() and not is_obeyed(name) and is_name(name):
        return True
    return _stands_in_code(argument)


def _stands_in_code(text: str) -> bool:
    """Whether a calling function outside the standard library holds exactly `text`.

    Only the functions that are running: a flag that another one uses, or the standard library (`-c`
    in subprocess), would let an attacker quote it.
    """
    for frame in frames():
        module = frame.f_globals.get("__name__", "").partition(".")[0]
        if module not in sys.stdlib_module_names:
            for constant in frame.f_code.co_consts:
                if text == constant or (
                    isinstance(constant, tuple | frozenset) and text in constant
                ):
                    return True
    return False


def _on_arguments(arguments: tuple[Any, ...]) -> None:
    """subprocess.Popen reports (program, arguments, folder, environment)."""
    program, argv, _, environment = arguments
    # Popen itself has already put "/bin/sh -c" before the text of a shell=True call.
    _check([argv] if isinstance(argv, (str, bytes, os.PathLike)) else argv, program, environment)


def _on_exec(arguments: tuple[Any, ...]) -> None:
    """os.exec and os.posix_spawn report (program, arguments, environment)."""
    program, argv, environment = arguments
    if _before_fork.get() == _fingerprint(program, argv):
        return
    try:
        _check(argv, program, environment)
    except Blocked:
        if _refused_children_end:
            os.write(2, b"stockade: a program was refused in a forked child, which ends here\n")
            os._exit(126)
        raise


def _on_system(arguments: tuple[Any, ...]) -> None:
    if _guard is not None:
        script = _text(arguments[0])
        _guard.check(script)
        _check_evaluated(script, ())


def _on_putenv(arguments: tuple[Any, ...]) -> None:
    _check_variable(_text(arguments[0]), _text(arguments[1]))


def _on_pty(arguments: tuple[Any, ...]) -> None:
    argv = arguments[0]
    argv = [argv] if isinstance(argv, str) else list(argv)
    _check(argv)
    if argv and current() is not None:
        _before_fork.set(_fingerprint(argv[0], argv))


def _fingerprint(program: Any, argv: Iterable[Any]) -> tuple[str, ...]:
    # `execvp` looks the program up: its folder is not known before.
    return (os.path.basename(_text(program)), *map(_text, argv))


def _on_fork() -> None:
    global _refused_children_end
    _refused_children_end = current() is not None


def _check_input(arguments: Any, script: Any) -> None:
    """Judge what is about to be written to a program, if that is a shell without a script."""
    if _guard is None or not script or isinstance(arguments, (bytes, os.PathLike)):
        return
    if isinstance(arguments, str):
        awaits = awaits_input(lex(arguments))
    else:
        argv = [_text(argument) for argument in arguments]
        awaits = awaits_script(argv) or any(
            awaits_input(lex(script.text)) for script in scripts_of(argv)
        )
    if awaits:
        _guard.check(script if isinstance(script, str) else bytes(script).decode(errors="replace"))


def _wrap_spawn(module: Any) -> None:
    spawn = getattr(module, "_spawnvef", None)  # all of os.spawn* but on Windows
    if spawn is None:
        return

    def spawnvef(mode: int, file: Any, args: Any, env: Any, func: Any) -> Any:
        if _guard is None or not isinstance(args, (tuple, list)) or not args:
            return spawn(mode, file, args, env, func)
        _check(args, file, env)
        token = _before_fork.set(_fingerprint(file, args))
        try:
            return spawn(mode, file, args, env, func)
        finally:
            _before_fork.reset(token)

    module._spawnvef = spawnvef


def _wrap_communicate() -> None:
    def communicate(wrapped: Any, instance: Any, args: Any, keywords: Any) -> Any:
        _check_input(instance.args, args[0] if args else keywords.get("input"))
        return wrapped(*args, **keywords)

    def communicate_later(wrapped: Any, instance: Any, args: Any, keywords: Any) -> Any:
        process = instance._transport.get_extra_info("subprocess")
        argv = getattr(process, "args", None)  # uvloop's transport does not say
        if argv is not None:
            _check_input(argv, args[0] if args else keywords.get("input"))
        return wrapped(*args, **keywords)

    wrapt.wrap_function_wrapper(subprocess, "Popen.communicate", communicate)
    wrapt.wrap_function_wrapper(asyncio.subprocess, "Process.communicate", communicate_later)


def _wrap_uvloop(module: Any) -> None:
    loop = module.Loop
    shell, execute = loop.subprocess_shell, loop.subprocess_exec

    async def subprocess_shell(self: Any, protocol_factory: Any, cmd: Any, **keywords: Any) -> Any:
        _check(["/bin/sh", "-c", cmd], environment=keywords.get("env"))
        return await shell(self, protocol_factory, cmd, **keywords)

    async def subprocess_exec(self: Any, protocol_factory: Any, *argv: Any, **keywords: Any) -> Any:
        _check(argv, keywords.get("executable"), keywords.get("env"))
        return await execute(self, protocol_factory, *argv, **keywords)

    loop.subprocess_shell = subprocess_shell
    loop.subprocess_exec = subprocess_exec


_EVENTS: dict[str, hook.Handler] = {
    "subprocess.Popen": _on_arguments,
    "os.system": _on_system,
    "os.exec": _on_exec,
    "os.posix_spawn": _on_exec,
    "os.putenv": _on_putenv,
    "pty.spawn": _on_pty,
}
_registered = False


def install(guard: Guard, argument_guard: Guard | None = None) -> None:
    """Guard every way to start a program that CPython or uvloop has.

    `guard` judges scripts of shells, `argument_guard` (an ArgumentGrammar) lists of arguments and
    variables of the environment; without it those are let be.
    """
    global _guard, _arguments, _registered
    _guard, _arguments = guard, argument_guard
    for event, handler in _EVENTS.items():
        hook.listen(event, handler)
    if not _registered:
        _registered = True
        _wrap_spawn(os)
        _wrap_communicate()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_on_fork)
        wrapt.register_post_import_hook(_wrap_uvloop, "uvloop")


def installed() -> bool:
    """Whether starting programs is guarded."""
    return _guard is not None


def uninstall() -> None:
    """Check no program any more."""
    global _guard, _arguments
    _guard = _arguments = None
    for event in _EVENTS:
        hook.withdraw(event)
