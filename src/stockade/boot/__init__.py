"""What runs at the start of each interpreter under `stockade run`: guard, confine, hook servers.

`site/sitecustomize.py` calls `start`. Nothing here imports a web framework: servers are hooked
when the application imports them. A failure is loud, and in block mode the end of the process.
"""

from __future__ import annotations

import os
from pathlib import Path

from stockade.boot.handshake import ABSENT, FAILED, GUARDED, PIPE, SERVING

__all__ = [
    "ABSENT",
    "FAILED",
    "FOLDER",
    "GUARDED",
    "PIPE",
    "SERVING",
    "SITE",
    "SUPERVISOR",
    "start",
]

SITE = Path(__file__).parent / "site"
"""The folder that has to stand first on PYTHONPATH."""
FOLDER = "STOCKADE_RUN_FOLDER"
"""Where relative paths of the configuration start."""
SUPERVISOR = "STOCKADE_RUN_PID"
"""The process id of `stockade run`."""


def start() -> None:
    """Guard this interpreter. Does not return where that fails in block mode."""
    from stockade.boot import handshake

    try:
        report = _guard()
    except Exception as error:
        handshake.fail(f"Stockade could not start: {type(error).__name__}: {error}")
        return
    handshake.tell(GUARDED, **report)


def _guard() -> dict[str, object]:
    from stockade.app import Stockade
    from stockade.boot.servers import hook
    from stockade.confine import apply, kernel
    from stockade.core import config
    from stockade.integrations import access_log

    access_log.tell_nobody()  # `stockade run` has said it
    if kernel.LINUX and os.environ.get(SUPERVISOR) == str(os.getppid()):
        kernel.end_with_parent()
    settings = config.load(default_mode="observe")
    stockade = Stockade(settings, folder=os.environ.get(FOLDER, "."))
    stockade.start()
    hook(stockade)
    return apply(settings.confine).details()
