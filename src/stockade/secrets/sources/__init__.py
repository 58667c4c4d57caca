"""Where secrets come from: one file a source, each a `core.ports.SecretSource`.

A source raises SecretError with a message that names the place and never the value.
"""

from stockade.core.ports import SecretSource
from stockade.secrets.sources.env import EnvSource
from stockade.secrets.sources.file import FileSource

__all__ = ["SOURCES", "EnvSource", "FileSource"]

SOURCES: tuple[SecretSource, ...] = (EnvSource(), FileSource())
"""The sources that come with Stockade."""
