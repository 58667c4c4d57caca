"""Confine: what the process may not do from now on, and an honest report of what it still may.

    from stockade.confine import apply
    report = apply(settings.confine)
    for line in report.lines():
        ...

This version takes three things away: privileges gained by running a program (`no_new_privs`),
memory that leaves the process (core dumps, `/proc/<pid>/mem`), and new files that others can read
(umask). It does **not** confine files, network or programs, and every report says so.

`apply` is for start-up, before threads: the kernel keeps `no_new_privs` for each thread, and a
report counts it as missing while one thread lacks it. Nothing here can be undone in the process.
"""

from stockade.confine.enforcement import announce, apply, enforce
from stockade.confine.report import Layer, Report, State

__all__ = ["Layer", "Report", "State", "announce", "apply", "enforce"]
