"""The two commands, put together: files, choice, output, exit code."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stockade.core import config
from stockade.core.errors import ConfigError
from stockade.core.events import Event
from stockade.tools.events.choice import Choice
from stockade.tools.events.counting import Statistics
from stockade.tools.events.follow import Follower
from stockade.tools.events.reading import LONGEST, Reading, rotated
from stockade.tools.events.showing import Form, shower
from stockade.watch.terminal import printable

__all__ = ["logs", "stats", "tail"]

_BATCH = 256
_LONG_WORK = 8 << 20


def logs(files: Sequence[str], config_file: Path | None, *, with_rotated: bool) -> list[str]:
    """The files to read: those named, or the configuration's event log.

    Raises ConfigError where the configuration does not name it as a file.
    """
    if not files:
        settings = config.load(config_file)
        folder = Path(config_file).parent if config_file is not None else Path()
        named = settings.watch.log
        if named in ("", "-"):
            raise ConfigError("the configuration names no file for events: name one here")
        files = [str(folder / named)]
    return [one for file in files for one in (rotated(file) if with_rotated else [file])]


def tail(files: Sequence[str], choice: Choice, *, count: int, follow: bool, form: Form) -> int:
    """Show the last `count` events that were chosen, and with `follow` those to come."""
    reading, show = Reading(), shower(form)
    follower: Follower | None = None
    end: int | None = None
    if follow:
        if files[-1] == "-":
            raise ConfigError("-f follows a file: standard input is read to its end anyway")
        if Path(files[-1]).is_dir():
            raise ConfigError("-f follows an event log: name its file; an audit log has none")
        end = _whole_lines(files[-1])
        follower = Follower(files[-1], _say, start=end)
    show(_last(reading, files, choice, count, end))
    try:
        if follower is not None:
            for line in follower.lines():
                event = reading.event(line)
                if event is not None and choice.wants(event):
                    show([event])
    except KeyboardInterrupt:
        pass
    finally:
        if follower is not None:
            follower.close()
    return _complete(reading)


def stats(files: Sequence[str], choice: Choice, *, most: int, as_json: bool) -> int:
    """Add up the events that were chosen."""
    from stockade.tools.events.report import report

    with _progress(files) as advance:
        reading = Reading(advance)
        statistics = Statistics(choice)
        for file in files:
            for event in reading.all(file):
                statistics.add(event)
    report(statistics, as_json=as_json, most=most)
    return _complete(reading)


def _last(
    reading: Reading, files: Sequence[str], choice: Choice, count: int, end: int | None
) -> list[Event]:
    """The last `count` events of several files; of the last file those before byte `end`."""
    found: deque[Event] = deque(maxlen=count)
    for file in reversed(files):
        missing = count - len(found)
        if missing <= 0:
            break
        if _can_be_read_backwards(file):
            for event in reading.backwards(file, end if file is files[-1] else None):
                if choice.wants(event):
                    found.appendleft(event)
                    if len(found) == count:
                        break
        else:
            here = deque((one for one in reading.all(file) if choice.wants(one)), maxlen=missing)
            found.extendleft(reversed(here))
    return list(found)


def _can_be_read_backwards(file: str) -> bool:
    return file != "-" and not file.endswith(".gz") and Path(file).is_file()


def _whole_lines(file: str) -> int:
    """How many bytes of a file are whole lines: the follower reads on from there."""
    if not Path(file).is_file():
        return 0
    with open(file, "rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        back = min(size, LONGEST)
        opened.seek(size - back)
        return size - back + opened.read(back).rfind(b"\n") + 1


def _complete(reading: Reading) -> int:
    """Say what could not be read; the exit code."""
    for trouble in reading.troubles:
        _say(trouble)
    if reading.foreign:
        _say(f"{reading.foreign} line(s) are no events of Stockade and are in no number")
    if reading.torn:
        _say(f"{reading.torn} file(s) end in a torn line, as a crash leaves it")
    return 3 if reading.incomplete else 0


def _say(text: str) -> None:
    sys.stderr.write(f"stockade: {printable(text)}\n")
    sys.stderr.flush()


@contextmanager
def _progress(files: Sequence[str]) -> Iterator[Callable[[int], object]]:
    """A bar on standard error while much is read, where somebody looks on."""
    sizes = [os.path.getsize(file) for file in files if file != "-" and Path(file).is_file()]
    if not sys.stderr.isatty() or sum(sizes) < _LONG_WORK:
        yield lambda size: None
        return
    from rich.console import Console
    from rich.progress import Progress

    # Of compressed files the bar knows only the packed size: it may reach its end too early.
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=sum(sizes))
        waiting = 0

        def advance(size: int) -> None:
            nonlocal waiting
            waiting += size
            if waiting >= 1 << 20:
                bar.advance(task, waiting)
                waiting = 0

        yield advance
