"""The commands and their flags; what they do is elsewhere, loaded when it is asked for."""

from __future__ import annotations

import enum
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from stockade import __version__
from stockade.tools.cli.audit import audit
from stockade.tools.cli.events import events

__all__ = ["app"]

app = typer.Typer(
    help="Stockade, the defence layer of a Python web service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(audit, name="audit")
app.add_typer(events, name="events")


class Mode(enum.StrEnum):
    """What happens when a defence finds something."""

    BLOCK = "block"
    OBSERVE = "observe"


Json = Annotated[bool, typer.Option("--json", help="JSON on standard output, for programs.")]


@app.command()
def version(as_json: Json = False) -> None:
    """Print the version."""
    print(json.dumps({"version": __version__}) if as_json else f"stockade {__version__}")


@app.command(context_settings={"allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(metavar="-- CMD …", help="Any Python server.")],
    mode: Annotated[
        Mode | None,
        typer.Option(help="block refuses, observe only reports. [default: configuration, observe]"),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The configuration. [./stockade.toml]")
    ] = None,
    grace: Annotated[
        float,
        typer.Option(min=0.0, help="Seconds until CMD must have started a guarded interpreter."),
    ] = 5.0,
) -> None:
    """Run a Python server, guarded and confined, without a change to its code."""
    from stockade.core.errors import StockadeError
    from stockade.tools.run import run as run_guarded

    try:
        code = run_guarded(
            command, mode=None if mode is None else mode.value, config_file=config, grace=grace
        )
    except StockadeError as error:
        sys.stderr.write(f"stockade: {error}\n")
        raise typer.Exit(2) from None
    raise typer.Exit(code)


@app.command()
def attack(
    targets: Annotated[list[str], typer.Argument(metavar="MODULE:APP …")],
    compare: Annotated[
        bool, typer.Option("--compare", help="Attack without and with Stockade.")
    ] = False,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A variable that the application may see; repeatable."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME: VALUE", help="Sent with every request; repeatable."),
    ] = None,
    max_copy: Annotated[
        int, typer.Option(min=1, help="MiB that the copy of the application may have.")
    ] = 256,
    as_json: Json = False,
) -> None:
    """Attack a temporary copy of an application on loopback, and say what got through."""
    try:
        from stockade.tools.attack.command import attack as run_attack
    except ImportError as error:
        sys.stderr.write(f"stockade: attack needs {error.name}, which is not installed\n")
        raise typer.Exit(3) from None
    code = run_attack(
        targets,
        compare=compare,
        as_json=as_json,
        env=env or (),
        headers=header or (),
        max_copy=max_copy,
    )
    raise typer.Exit(code)
