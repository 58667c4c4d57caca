"""The command line, `stockade`. Needs the extra `cli`; each command loads only what it uses.

Exit codes: 0 clean, 1 findings or refused, 2 usage or configuration, 3 incomplete.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command that `sys.argv` names, and exit."""
    try:
        import typer as typer
    except ImportError:
        sys.stderr.write('stockade: the command line needs an extra: pip install "stockade[cli]"\n')
        raise SystemExit(2) from None
    from stockade.tools.cli.commands import app

    app(prog_name="stockade")
