"""From the command line's words to a supervised, confined command."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from stockade import boot
from stockade.confine import enforce
from stockade.core import config
from stockade.core.config import Settings
from stockade.tools.run.narrator import Narrator
from stockade.tools.run.supervisor import Supervisor

__all__ = ["environment", "run"]


def run(
    command: Sequence[str],
    *,
    mode: Literal["block", "observe"] | None = None,
    config_file: str | Path | None = None,
    grace: float = 5.0,
) -> int:
    """Run `command` guarded until it ends; its exit code, 128 + n for signal n.

    1 where it was not guarded and the mode is block. Raises ConfigError, and Confined where a
    required layer is missing. Confines the calling process for good.
    """
    file = _configuration(config_file)
    overrides = dict(os.environ) | ({"STOCKADE_DEFENCE__MODE": mode} if mode else {})
    settings = config.load(file, overrides, default_mode="observe")
    narrator = Narrator(settings.defence.mode)
    narrator.start(settings)
    enforce(settings.confine)
    return Supervisor(narrator, grace).run(command, environment(settings, file, overrides))


def environment(
    settings: Settings, file: Path | None, environ: Mapping[str, str]
) -> dict[str, str]:
    """What the command's interpreters need to find Stockade and to agree on the configuration."""
    before = environ.get("PYTHONPATH")
    found = dict(environ) | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(boot.SITE), before))),
        "STOCKADE_DEFENCE__MODE": settings.defence.mode,
        boot.FOLDER: str(file.parent if file else Path.cwd()),
        boot.SUPERVISOR: str(os.getpid()),
    }
    if file is not None:
        found["STOCKADE_CONFIG"] = str(file)
    return found


def _configuration(named: str | Path | None) -> Path | None:
    # Absolute, for the command may change its folder before its first worker starts.
    given = named or os.environ.get("STOCKADE_CONFIG")
    if given:
        return Path(given).absolute()
    usual = Path("stockade.toml").absolute()
    return usual if usual.is_file() else None
