"""XSStrike's fuzzer: two dozen broken tags at one parameter after the other.

It looks for script in pages, and the range answers JSON. Its strings hold quotes and angle brackets
though, which a shell reads as redirections: what counts as found is what happened in the world, a
file that appeared where the range runs.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.attackers.attack import Attack, Finding, Tool
from benchmarks.attackers.process import PROJECT
from benchmarks.attackers.targets import Target

__all__ = ["FUZZED", "XSSTRIKE"]

FUZZED = {
    "fastapi": (
        "/weak/shell/system/form",
        "/weak/sql/string/query",
        "/weak/sql/number/query",
        "/weak/path/open/query",
    ),
    "flask": ("/weak/shell/check-output/query", "/weak/alchemy/in/query"),
    "django": ("/weak/shell/call/query", "/weak/sql/extra/form"),
}
"""It sleeps for seconds after each string (a minute and a half a parameter), so not everything."""

_STRINGS = 28
_VERDICT = re.compile(r"\[(?:passed|filtered|blocked)\]")


def _fits(target: Target) -> bool:
    return target.path in FUZZED.get(target.framework, ())


def _command(attack: Attack, address: str, folder: Path) -> list[str]:
    operation = attack.target.operation
    query = f"?{urlencode(operation.query)}" if operation.query else ""
    form = ["--data", urlencode(operation.body)] if operation.body else []
    return [
        *(str(XSSTRIKE.program), "--fuzzer", "--skip", "--timeout", "6"),
        *("-u", f"{address}{operation.template}{query}", *form),
    ]


def _read(said: str, _: Path, appeared: list[str]) -> Finding:
    made = [f"file made: {name}" for name in appeared]
    return Finding(made, {}, len(_VERDICT.findall(said)) >= _STRINGS)


XSSTRIKE = Tool(
    "xsstrike",
    PROJECT / ".venv-xsstrike" / "bin" / "xsstrike",
    _fits,
    _command,
    _read,
)
