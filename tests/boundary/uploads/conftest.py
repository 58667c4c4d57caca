"""What tests of uploads share: one refusal with its one event, and memory measured in a child."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from stockade.boundary.uploads.contract import Contract
from stockade.core.errors import Rejected
from stockade.core.events import Event, Outcome, encode_line
from tests.conftest import UNMEASURED

Refusal = Callable[..., str]
MIB = 1 << 20

_CHILD = """
import json, resource, sys, warnings

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(name))

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
warnings.simplefilter("ignore")
path = sys.argv[1]
{prepare}
start = memory("VmRSS:")
try:
    {act}
    said = "done"
except BaseException as error:
    said = getattr(error, "rule", type(error).__name__)
print(json.dumps([said, memory("VmHWM:") - start]))
"""


class Rise(NamedTuple):
    """What became of it, and how far memory rose above the start, in bytes."""

    said: str
    memory: int


@pytest.fixture
def refusal(events: list[Event]) -> Refusal:
    """The end of the rule's id with which a contract refuses; exactly one event tells of it."""

    def judge(contract: Contract, content: bytes, filename: str = "") -> str:
        events.clear()
        with pytest.raises(Rejected) as caught:
            contract.checked(content, filename=filename, field="file")
        assert [(event.name, event.outcome) for event in events] == [
            ("upload_validation", Outcome.BLOCKED)
        ]
        told = events[0]
        assert told.rule == caught.value.rule
        assert (told.details["field"], told.details["length"]) == ("file", len(content))
        assert told.details["value"]
        assert caught.value.errors[0].pointer == "/body/file"
        shown = encode_line(told) + caught.value.problem().body()
        if len(filename) > 12:
            assert filename.encode() not in shown
        return caught.value.rule.removeprefix("boundary.upload-")

    return judge


def child(path: Path, prepare: str, act: str) -> Rise:
    """Run `prepare`, then `act`, on the file `path` in a process of its own."""
    if not Path("/proc/self/status").exists():
        pytest.skip("reads a process's memory in /proc")
    code = _CHILD.format(prepare=prepare, act=act)
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        env=UNMEASURED,
        capture_output=True,
        timeout=120,
        check=True,
    )
    return Rise(*json.loads(done.stdout))


def guarded(path: Path, contract: str, honest: Path, filename: str = "") -> Rise:
    """How `Quarantine.receive` takes the file, once an honest one has warmed everything up."""
    prepare = f"""
import tempfile
from stockade.boundary import Archive, Csv, Document, Image, Quarantine
quarantine = Quarantine(tempfile.mkdtemp() + "/quarantine", max_bytes=16 << 20)
contract = {contract}
with open({str(honest)!r}, "rb") as file:
    quarantine.receive(file, contract).discard()
"""
    act = f"quarantine.receive(open(path, 'rb'), contract, filename={filename!r}).discard()"
    return child(path, prepare, act)
