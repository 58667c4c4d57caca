"""The public corpora, or a visible skip."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpora() -> Path:
    default = Path(__file__).parents[1] / ".." / "shared"
    folder = Path(os.environ.get("STOCKADE_CORPORA", default)) / "corpora"
    if not folder.is_dir():
        message = "no corpora here: set STOCKADE_CORPORA to the folder that holds corpora/"
        if os.environ.get("STOCKADE_FULL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return folder
