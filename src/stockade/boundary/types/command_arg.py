"""An operand for a program: one argument that no option parser takes for an option.

Sources: POSIX.1-2024, 12.2 (Utility Syntax Guidelines); CWE-88 (argument injection); ASVS 5.0
V1.2.5. It is for argument lists; nothing makes a value safe in the text of a shell.
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from stockade.boundary.validator import rejects

__all__ = ["CommandArg", "command_arg"]

# An option by its sign, a response file (`@file`), a variable (`A=1`, to env, make and dd), what
# curl and ImageMagick read as `scheme:`, or what ends a C string or a line of a list of arguments.
_ACTS = re.compile(
    r"[-+@/]|\w+=|[A-Za-z][A-Za-z0-9+.-]*:|.*[\x00-\x1f\x7f\ud800-\udfff]", re.DOTALL
)


@rejects(
    "Expected a word that begins with none of - + @ / and is no name=value or scheme:value.",
    max_length=255,
)
def command_arg(value: str) -> str:
    """`value`."""
    if _ACTS.match(value):
        raise ValueError
    return value


CommandArg: TypeAlias = Annotated[str, command_arg]
"""One word for a program's argument list, at most 255 characters, that is an operand everywhere."""
