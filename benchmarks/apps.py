"""The server that guarded and bare requests are measured on: a process each.

    python -m benchmarks.apps FOLDER FILENO CORE [--guarded] [--access-log]

FILENO is a listening socket that the process inherits; logs go to FOLDER.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.served import application, arguments, pin, serve
from stockade import Stockade
from stockade.core.config import RequestSettings, Settings, StoreSettings, WatchSettings

__all__ = ["EVENTS", "everything"]

EVENTS = "events.jsonl"


def everything(folder: Path) -> Settings:
    """The defaults, and what they leave off: host names, the rate limit, the metrics endpoint."""
    return Settings(
        request=RequestSettings(hosts=("127.0.0.1",), rate=1e9, burst=1_000_000),
        store=StoreSettings(url="memory"),
        watch=WatchSettings(
            log=str(folder / EVENTS),
            audit=str(folder / "audit"),
            metrics="127.0.0.1:0",
        ),
    )


def main() -> None:
    parser = arguments()
    parser.add_argument("--guarded", action="store_true")
    parser.add_argument("--access-log", action="store_true")
    options = parser.parse_args()
    pin(options.core)
    app = application()
    if options.guarded:
        Stockade.protect(app, settings=everything(options.folder))
    serve(app, options.fileno, access_log=options.access_log)


if __name__ == "__main__":
    main()
