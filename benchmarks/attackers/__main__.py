"""`python -m benchmarks.attackers [--tool …] [--framework …] [--only PATH …] [--json]`.

Exit 0: nothing was found guarded, and by every tool something bare; 1: something was found
guarded; 2: usage; 3: too little was proved (an attack was cut short or not tried, or a tool found
nothing bare).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.attackers.campaign import Campaign, Selection
from benchmarks.attackers.plan import TOOLS
from benchmarks.attackers.report import findings, lines, status, table
from benchmarks.attackers.targets import FRAMEWORKS

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack, print, judge; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.attackers",
        description="Point sqlmap, Wapiti and XSStrike at the range, bare and guarded.",
    )
    parser.add_argument("--tool", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--framework", nargs="+", choices=FRAMEWORKS, default=list(FRAMEWORKS))
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="PATH", help="endpoints whose path contains it"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("build/attackers"),
        help="what came of it, tool by tool; an interrupted run goes on from there",
    )
    parser.add_argument(
        "--timeout", type=float, default=150.0, metavar="SECONDS", help="for one tool, one endpoint"
    )
    parser.add_argument(
        "--hours", type=float, default=12.0, help="begin nothing new after that time"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line and a tool")
    options = parser.parse_args(arguments)
    for name in options.tool:
        if not TOOLS[name].program.exists():
            parser.error(f"{name} is not installed: make .venv-{name}/.ready")
    campaign = Campaign(options.folder.resolve(), options.timeout, _say)
    selection = Selection(options.tool, options.framework, options.only)
    done = list(campaign.run(selection, time.monotonic() + options.hours * 3600))
    accounts = lines(done)
    for found in findings(done):
        _say(f"found behind the firewall: {found}")
    if options.json:
        for account in accounts:
            print(msgspec.json.encode(account).decode())
    else:
        print(table(accounts))
    return status(accounts)


def _say(line: str) -> None:
    print(f"attackers: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
