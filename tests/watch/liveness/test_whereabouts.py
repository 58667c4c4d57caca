from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from stockade.watch.liveness.whereabouts import here, is_gone


def test_this_process_lives_and_every_name_is_another() -> None:
    first, second = here(), here()
    assert first.pid == os.getpid()
    assert first.id != second.id
    assert (first.place, first.born) == (second.place, second.born)
    assert is_gone(first) is False


def test_an_ended_process_is_gone_also_before_its_parent_fetched_it() -> None:
    program = "import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as child:
        named = msgspec.structs.replace(here(), pid=child.pid, born="")
        assert is_gone(named) is False
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
        known = msgspec.structs.replace(named, born="12345")
        assert is_gone(known) is True
    assert is_gone(named) is True


def test_of_another_host_nothing_is_known() -> None:
    assert is_gone(msgspec.structs.replace(here(), place="another")) is None
