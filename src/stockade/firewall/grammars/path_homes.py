"""The folders of the running code: what it opens there by itself is no choice of a request."""

from __future__ import annotations

import os
import sys
from functools import cache

__all__ = ["home_folders", "is_codes_own"]


@cache
def home_folders() -> tuple[str, ...]:
    """Where the code runs and where it is imported from, each with a slash at its end."""
    return tuple(
        dict.fromkeys(
            os.path.join(os.path.abspath(folder), "")
            for folder in (os.getcwd(), sys.prefix, sys.base_prefix, *sys.path)
            if folder
        )
    )


def is_codes_own(path: str, folder: str, rest: str) -> bool:
    """Whether `path` leads through `folder` to the running code's own folder.

    A value that *is* that folder is evidence (`{value}/settings.toml`), but for one whose name may
    as well be an address of the service: `/app` does not make `/app/templates/x.html` evil.
    """
    below = os.path.join(folder, "")
    if folder.count("/") == 1 and rest.count("/") > 1 and below in home_folders():
        return True
    return any(
        home.startswith(below) and home != below and path.startswith(home)
        for home in home_folders()
    )
