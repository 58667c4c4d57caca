"""`stockade audit …`: the flags of verifying and proving the audit log."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["audit"]

audit = typer.Typer(help="Verify the audit log, and prove what it holds.", no_args_is_help=True)

Log = Annotated[
    str | None,
    typer.Option("--log", metavar="FOLDER", help="The log, or s3://… [the configuration's]"),
]
Checkpoints = Annotated[
    list[Path] | None,
    typer.Option(
        "--checkpoint", metavar="FILE", help="Kept earlier, also an event log; repeatable."
    ),
]
Vkeys = Annotated[
    list[str] | None,
    typer.Option("--vkey", metavar="KEY", help="A key to trust. [the keyring's]; repeatable."),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="[standard output]")
]
Config = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The configuration. [./stockade.toml]")
]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output, for programs.")]


@audit.command()
def verify(
    proof: Annotated[
        Path | None, typer.Argument(metavar="[FILE.tlog-proof]", help="A proof, in a log's place.")
    ] = None,
    log: Log = None,
    checkpoint: Checkpoints = None,
    vkey: Vkeys = None,
    witness_key: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="A witness that must have signed it; repeatable."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the state here; an interrupted run goes on."),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Verify every entry, tile and signature, against a checkpoint that was kept."""

    def run() -> int:
        from stockade.tools.audit import command
        from stockade.tools.audit.places import Place

        place = Place(log, config)
        checkpoints = checkpoint or ()
        if proof is not None:
            return command.verify_proof(
                place, proof, checkpoints=checkpoints, vkeys=vkey or (), as_json=as_json
            )
        return command.verify(
            place,
            checkpoints=checkpoints,
            vkeys=vkey or (),
            witnesses=witness_key or (),
            state=state,
            as_json=as_json,
        )

    _finish(run)


@audit.command()
def prove(
    index: Annotated[int | None, typer.Argument(min=0, help="The entry's number, from 0.")] = None,
    request: Annotated[
        str, typer.Option("--event", metavar="REQUEST_ID", help="The entry of this request.")
    ] = "",
    output: Output = None,
    log: Log = None,
    config: Config = None,
) -> None:
    """Write a .tlog-proof file: that an entry is in the log, to be checked without it."""

    def run() -> int:
        from stockade.core.errors import ConfigError
        from stockade.tools.audit import command
        from stockade.tools.audit.places import Place

        if (index is None) == (not request):
            raise ConfigError("name an entry by its number, or by --event")
        return command.prove(Place(log, config), index=index, request=request, output=output)

    _finish(run)


@audit.command()
def checkpoint(output: Output = None, log: Log = None, config: Config = None) -> None:
    """Write the newest checkpoint: keep it where nobody who can change the log can reach."""

    def run() -> int:
        from stockade.tools.audit import command
        from stockade.tools.audit.places import Place

        return command.checkpoint(Place(log, config), output=output)

    _finish(run)


@audit.command()
def witness(
    url: Annotated[str, typer.Argument(help="The witness: its submission prefix.")],
    key: Annotated[str, typer.Option("--witness-key", metavar="KEY", help="Its vkey, of type 4.")],
    output: Output = None,
    log: Log = None,
    config: Config = None,
) -> None:
    """Have a C2SP witness sign the newest checkpoint, and write that."""

    def run() -> int:
        from stockade.tools.audit import command
        from stockade.tools.audit.places import Place

        return command.witness(Place(log, config), url=url, key=key, output=output)

    _finish(run)


@audit.command()
def forget(
    subject: Annotated[str, typer.Argument(help="An account's id, or a client's address.")],
    config: Config = None,
) -> None:
    """Destroy the key by which a person's fields in the log are sealed."""

    def run() -> int:
        from stockade.tools.audit import command
        from stockade.tools.audit.places import Place

        return command.forget(Place(None, config), subject=subject)

    _finish(run)


def _finish(run: Callable[[], int]) -> None:
    from stockade.core.errors import StockadeError

    try:
        code = run()
        sys.stdout.flush()
    except StockadeError as error:
        sys.stderr.write(f"stockade: {error}\n")
        code = 2
    except OSError as error:
        sys.stderr.write(f"stockade: {error.strerror or 'an error'}\n")
        code = 3
    raise typer.Exit(code)
