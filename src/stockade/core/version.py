"""The version of Stockade that runs, for parts, which may not import the whole of it."""

from __future__ import annotations

import sys

__all__ = ["VERSION"]

VERSION: str = sys.modules["stockade"].__version__
"""`stockade.__version__`: whoever imports this module has imported that package first."""
