"""Command lines: arguments become `Parameters`, or the program ends and says what it expects.

    class Export(Parameters):
        clinic: Slug
        since: date | None = None
        tag: list[Slug] = []
        dry_run: bool = False

    @takes_arguments(Export)
    def main(arguments: Export) -> int: ...

    raise SystemExit(main())        # export.py --clinic north --tag a --tag b --dry-run

Every option is long (`--name value` or `--name=value`), spelled in full, and comes once unless its
field is a list; a flag needs no value. Nothing else is taken: abbreviations and positions are where
wrappers and programs come to differ. The arguments are inputs of the firewall while `main` runs,
for a line of a batch file or of a web form is as untrusted as a request.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, get_args

from pydantic.fields import FieldInfo

from stockade.boundary.accepted import parameters
from stockade.boundary.consumers import Delivery, upheld
from stockade.boundary.model import Parameters
from stockade.boundary.problems import rejection
from stockade.core.errors import Rejected
from stockade.core.inputs import InputLimits, Inputs

__all__ = ["takes_arguments"]

M = TypeVar("M", bound=Parameters)
R = TypeVar("R")

USAGE = 2
"""The exit status of a program that was called wrongly."""


class _CommandLine(Delivery):
    """The context of one run; its values are the arguments, each as it stands and its halves."""

    __slots__ = ("_arguments",)

    def __init__(self, arguments: Sequence[str], program: str) -> None:
        super().__init__(b"", program)
        self._arguments = arguments

    def read_inputs(self) -> Inputs:
        inputs = Inputs(InputLimits())
        for argument in self._arguments:
            inputs.add("argument", "", argument)
            inputs.add("argument", "", argument.partition("=")[2])
        return inputs


def takes_arguments(
    model: type[M], *, program: str = ""
) -> Callable[[Callable[[M], R]], Callable[..., R]]:
    """Make a function of `model` a program's `main`, called with its arguments or by itself.

    Without arguments it takes those of the process. What does not match is an event, lines on
    standard error that echo no value, and SystemExit with status 2.
    """
    if not issubclass(model, Parameters):
        raise TypeError(f"arguments are text: declare {model.__name__} as Parameters")

    def declare(main: Callable[[M], R]) -> Callable[..., R]:
        @functools.wraps(main)
        def run(arguments: Sequence[str] | None = None) -> R:
            given = sys.argv[1:] if arguments is None else arguments
            with upheld(_CommandLine(given, program or main.__name__)):
                try:
                    found = parameters(model, _pairs(model, given), place="")
                except Rejected as refused:
                    _explain(refused)
                    raise SystemExit(USAGE) from None
                return main(found)

        return run

    return declare


def _pairs(model: type[Parameters], arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Names of fields and their values."""
    fields = {
        "--" + (field.alias or name).replace("_", "-"): (field.alias or name, field)
        for name, field in model.model_fields.items()
    }
    rest = iter(arguments)
    for argument in rest:
        option, equals, value = argument.partition("=")
        if option not in fields:
            raise _refused("", "This holds an argument that is not declared.")
        name, field = fields[option]
        if equals:
            yield name, value
        elif _is_flag(field):
            yield name, "true"
        else:
            following = next(rest, None)
            if following is None or following.startswith("--"):
                raise _refused(name, "This option needs a value: write --name=value.")
            yield name, following


def _is_flag(field: FieldInfo) -> bool:
    return field.annotation is bool or bool in get_args(field.annotation)


def _refused(name: str, message: str) -> Rejected:
    location = (name,) if name else ()
    return rejection([{"type": "stockade.argument", "msg": message, "loc": location}])


def _explain(refused: Rejected) -> None:
    for problem in refused.errors:
        option = problem.pointer.strip("/").replace("_", "-").replace("/", ".")
        sys.stderr.write(f"{'--' + option + ': ' if option else ''}{problem.detail}\n")
