"""The layers that this version applies, one function each: do it, look whether it holds, say so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from stockade.confine import kernel
from stockade.confine.report import Layer, State
from stockade.core.config import ConfineSettings
from stockade.core.errors import ConfigError

__all__ = ["apply_all", "parse_umask"]

_ELSEWHERE = "this system is not Linux: there is no {} here"


def apply_all(settings: ConfineSettings) -> Iterator[Layer]:
    """Apply what the settings ask for. Raises ConfigError for a umask that is none."""
    mask = parse_umask(settings.umask)
    yield _layer("no_new_privileges", settings.no_new_privileges, _no_new_privileges)
    yield _layer("no_core_dumps", not settings.core_dumps, _no_core_dumps)
    yield _layer("memory_unreadable", not settings.core_dumps, _memory_unreadable)
    yield _layer("umask", True, lambda: _umask(mask))


def parse_umask(text: str) -> int:
    """Octal digits, at most 777, as chmod(1) takes them. Raises ConfigError."""
    if (
        not text.isascii()
        or not text.isdigit()
        or len(text.lstrip("0")) > 3
        or set(text) & set("89")
    ):
        raise ConfigError(
            'confine.umask is not a file mode mask; write octal digits such as "077" (the owner '
            'only) or "027" (the group may read)'
        )
    return int(text, 8)


def _layer(name: str, wanted: bool, apply: Callable[[], tuple[State, str]]) -> Layer:
    if not wanted:
        return Layer(name, State.OFF, "switched off in the configuration")
    try:
        return Layer(name, *apply())
    except OSError as error:
        return Layer(name, State.MISSING, f"the kernel refused: {error.strerror}")


def _no_new_privileges() -> tuple[State, str]:
    if not kernel.LINUX:
        return State.MISSING, _ELSEWHERE.format("no_new_privs")
    kernel.set_no_new_privs()
    late = kernel.threads_without_no_new_privs()
    if late:
        return State.MISSING, f"{late} thread(s) started before it; apply it before any thread"
    return State.APPLIED, "a program that it runs gains no privileges (prctl PR_SET_NO_NEW_PRIVS)"


def _no_core_dumps() -> tuple[State, str]:
    try:
        import resource
    except ImportError:
        return State.MISSING, "this system has no resource limits"
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return State.APPLIED, "a crash writes no core file (RLIMIT_CORE 0)"


def _memory_unreadable() -> tuple[State, str]:
    # RLIMIT_CORE says nothing to a core_pattern that pipes into a program: this does. It also
    # closes /proc/<pid>/mem and ptrace to the same user. execve resets it, so that each
    # interpreter has to ask again; a fork keeps it.
    if not kernel.LINUX:
        return State.MISSING, _ELSEWHERE.format("PR_SET_DUMPABLE")
    kernel.set_dumpable(kernel.SUID_DUMP_DISABLE)
    if kernel.dumpable() != kernel.SUID_DUMP_DISABLE:
        return State.MISSING, "the kernel did not keep it"
    return State.APPLIED, "its memory is closed to its own user (PR_SET_DUMPABLE 0)"


def _umask(mask: int) -> tuple[State, str]:
    os.umask(mask)
    return State.APPLIED, f"new files get no more than mode {0o666 & ~mask:03o}"
