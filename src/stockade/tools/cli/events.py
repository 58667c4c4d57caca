"""`stockade events …`: the flags of reading the event log."""

from __future__ import annotations

import enum
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from stockade.tools.events.choice import Choice

__all__ = ["events"]

events = typer.Typer(help="Read the event log.", no_args_is_help=True)


class Format(enum.StrEnum):
    """How events are shown."""

    TEXT = "text"
    JSON = "json"
    OCSF = "ocsf"


Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE …]", help="Logs, also .gz; - is standard input."),
]
Several = list[str] | None
Name = Annotated[Several, typer.Option(metavar="NAME", help="Events, such as 'malicious_*'.")]
OutcomeIs = Annotated[Several, typer.Option(metavar="OUTCOME", help="allowed, blocked, …")]
Part = Annotated[Several, typer.Option(metavar="PART", help="boundary, firewall, access, …")]
Severity = Annotated[str, typer.Option(metavar="LEVEL", help="info, warn or critical, and worse.")]
Client = Annotated[Several, typer.Option(metavar="ADDRESS", help="Who asked.")]
Route = Annotated[Several, typer.Option(metavar="ROUTE", help="Route templates.")]
Rule = Annotated[Several, typer.Option(metavar="RULE", help="Ids of rules.")]
Request = Annotated[Several, typer.Option(metavar="ID", help="One request, by its id.")]
Since = Annotated[str, typer.Option(metavar="TIME", help="15m, 2h, 7d, or RFC 3339.")]
Until = Annotated[str, typer.Option(metavar="TIME", help="As --since.")]
Where = Annotated[Several, typer.Option(metavar="FIELD=VALUE", help="Such as details.status=500.")]
Rotated = Annotated[bool, typer.Option("--rotated", help="Rotated files beside it as well.")]
Config = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The configuration. [./stockade.toml]")
]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output, for programs.")]


@events.command()
def tail(
    files: Files = None,
    count: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many of the last ones.")
    ] = 20,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is appended.")
    ] = False,
    name: Name = None,
    outcome: OutcomeIs = None,
    part: Part = None,
    severity: Severity = "",
    client: Client = None,
    route: Route = None,
    rule: Rule = None,
    request: Request = None,
    since: Since = "",
    until: Until = "",
    where: Where = None,
    with_rotated: Rotated = False,
    config: Config = None,
    form: Annotated[Format, typer.Option("--format", help="text, json or ocsf.")] = Format.TEXT,
    as_json: Json = False,
) -> None:
    """Show the last events, and with -f those that come."""
    from stockade.tools.events import command

    def run() -> int:
        choice = _choice(
            name, outcome, part, severity, client, route, rule, request, since, until, where
        )
        found = command.logs(files or (), config, with_rotated=with_rotated)
        shown = Format.JSON if as_json else form
        return command.tail(found, choice, count=count, follow=follow, form=shown.value)

    _finish(run)


@events.command()
def stats(
    files: Files = None,
    name: Name = None,
    outcome: OutcomeIs = None,
    part: Part = None,
    severity: Severity = "",
    client: Client = None,
    route: Route = None,
    rule: Rule = None,
    request: Request = None,
    since: Since = "",
    until: Until = "",
    where: Where = None,
    with_rotated: Rotated = False,
    config: Config = None,
    top: Annotated[int, typer.Option(min=1, help="Rows of each table.")] = 10,
    as_json: Json = False,
) -> None:
    """Add events up: by name, outcome, rule, route and client; times of requests by route."""
    from stockade.tools.events import command

    def run() -> int:
        choice = _choice(
            name, outcome, part, severity, client, route, rule, request, since, until, where
        )
        found = command.logs(files or (), config, with_rotated=with_rotated)
        return command.stats(found, choice, most=top, as_json=as_json)

    _finish(run)


def _choice(
    name: Several,
    outcome: Several,
    part: Several,
    severity: str,
    client: Several,
    route: Several,
    rule: Several,
    request: Several,
    since: str,
    until: str,
    where: Several,
) -> Choice:
    from stockade.tools.events.choice import Choice

    return Choice.of(
        now=datetime.now(UTC),
        severity=severity,
        since=since,
        until=until,
        where=where or (),
        outcome=outcome or (),
        name=name or (),
        part=part or (),
        client=client or (),
        route=route or (),
        rule=rule or (),
        request=request or (),
    )


def _finish(run: Any) -> None:
    from stockade.core.errors import StockadeError

    try:
        code = run()
        sys.stdout.flush()
    except StockadeError as error:
        sys.stderr.write(f"stockade: {error}\n")
        code = 2
    except BrokenPipeError:
        # Whoever reads has had enough: nothing more may be written, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    raise typer.Exit(code)
