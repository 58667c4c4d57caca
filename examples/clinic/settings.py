"""The clinic's configuration: `stockade.toml` beside this file, state below one data folder."""

import os
from pathlib import Path

from msgspec.structs import replace

from stockade.core import config
from stockade.core.config import Settings

CONFIG = Path(__file__).parent / "stockade.toml"


def data_folder() -> Path:
    """`CLINIC_DATA`, by default `.stockade/clinic`; made for this user alone."""
    folder = Path(os.environ.get("CLINIC_DATA", ".stockade/clinic")).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def load() -> Settings:
    """The settings, with the paths of keys, state and events below the data folder.

    `folder / path` is `path` where that is absolute: a setting may still name a place elsewhere.
    """
    settings, folder = config.load(CONFIG), data_folder()
    return replace(
        settings,
        crypto=replace(settings.crypto, keyring=str(folder / settings.crypto.keyring)),
        store=replace(settings.store, url=str(folder / settings.store.url)),
        watch=replace(
            settings.watch,
            log=str(folder / settings.watch.log),
            audit=str(folder / settings.watch.audit),
            run=str(folder / settings.watch.run),
        ),
    )
