"""The corpora of SQL: attacks and honest values, as the files spell them and decoded.

A line of libinjection's files is URL-encoded (its reader turns `+` into a blank, and `%XX` into a
byte); applications also see such text undecoded, or with `+` kept, so that each spelling counts.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, unquote_plus

__all__ = ["attacks", "honest", "normal", "sample"]

_HTTP_PARAMS = "payload_train.csv"


def attacks(corpora: Path) -> dict[str, list[str]]:
    """The attacks by the name of their file; each in one file only, none of the files empty."""
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    for file in sorted((corpora / "libinjection").glob("sqli-*.txt")):
        found[file.name] = _new(seen, (each for line in _lines(file) for each in _spellings(line)))
    found[_HTTP_PARAMS] = _new(seen, _labelled(corpora, "sqli"))
    assert len(found) > 30
    assert all(found.values()), "a file of the corpus is empty, or repeats others"
    return found


def normal(corpora: Path) -> list[str]:
    """The normal rows of http-params."""
    values = list(dict.fromkeys(_labelled(corpora, "norm")))
    assert len(values) > 10_000
    return values


def honest(corpora: Path) -> dict[str, list[str]]:
    """Values that must pass in a quoted position, by the name of their file."""
    folder = corpora / "libinjection"
    naughty = json.loads((corpora / "naughty-strings" / "blns.json").read_bytes())
    benign = (each for line in _lines(folder / "false_positives.txt") for each in _spellings(line))
    found = {
        _HTTP_PARAMS: normal(corpora),
        "false_positives.txt": list(dict.fromkeys(benign)),
        "blns.json": [value for value in naughty if value],
    }
    assert all(len(values) > 400 for values in found.values())
    return found


def sample(files: dict[str, list[str]], size: int, seed: int) -> list[str]:
    """About `size` values, of each file some: all of a small one, a part of a large one."""
    choose = random.Random(seed)
    least = max(1, size // (2 * len(files)))
    values = [
        value
        for each in files.values()
        for value in (each if len(each) <= least else choose.sample(each, least))
    ]
    rest = sorted({value for each in files.values() for value in each} - set(values))
    return values + choose.sample(rest, min(len(rest), max(0, size - len(values))))


def _lines(file: Path) -> Iterator[str]:
    # Bytes that are no UTF-8 come as a server would hand them on: replaced.
    for line in file.read_bytes().decode("utf-8", "replace").split("\n"):
        text = line.removesuffix("\r")
        if text and not text.startswith("#"):
            yield text


def _spellings(line: str) -> tuple[str, ...]:
    return unquote_plus(line), unquote(line), line


def _labelled(corpora: Path, label: str) -> Iterator[str]:
    with (corpora / "http-params" / _HTTP_PARAMS).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["attack_type"] == label:
                yield row["payload"]


def _new(seen: set[str], values: Iterable[str]) -> list[str]:
    found = [value for value in dict.fromkeys(values) if value and value not in seen]
    seen.update(found)
    return found
