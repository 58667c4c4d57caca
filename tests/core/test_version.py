from stockade import __version__
from stockade.core.version import VERSION


def test_there_is_one_version() -> None:
    assert __version__ == VERSION
